/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/map.h"

#include <stdlib.h>

enum { SLOT_EMPTY = 0, SLOTS_MIN = 16 };
#define SLOT_REMOVED UINT32_MAX

/* FNV-1a over 8 bytes at a time, finished with a multiply-shift mix. */
static uint64_t hash_of(const struct map *m, struct span key) {
  uint64_t h = m->seed ^ 0xcbf29ce484222325u ^ key.len;
  size_t i = 0;
  for (; i + 8 <= key.len; i += 8) {
    uint64_t word;
    memcpy(&word, key.ptr + i, 8);
    h = (h ^ word) * 0x9fb21c651e98df25u;
    h ^= h >> 32;
  }
  for (; i < key.len; i++) h = (h ^ key.ptr[i]) * 0x100000001b3u;
  h ^= h >> 29;
  h *= 0xbf58476d1ce4e5b9u;
  return h ^ h >> 32;
}

void map_init(struct map *m, uint64_t seed) { *m = (struct map){.seed = seed}; }

void map_fini(struct map *m) {
  for (size_t i = 0; i < m->entry_count; i++) free((void *)m->entries[i].key.ptr);
  free(m->entries);
  free(m->slots);
  *m = (struct map){.seed = m->seed};
}

static uint32_t *find_slot(const struct map *m, struct span key, uint64_t hash) {
  if (m->slot_cap == 0) return NULL;
  for (size_t i = hash & (m->slot_cap - 1);; i = (i + 1) & (m->slot_cap - 1)) {
    uint32_t slot = m->slots[i];
    if (slot == SLOT_EMPTY) return NULL;
    if (slot == SLOT_REMOVED) continue;
    const struct map_entry *e = &m->entries[slot - 1];
    if (e->hash == hash && span_equal(e->key, key)) return &m->slots[i];
  }
}

void *map_get(const struct map *m, struct span key) {
  uint32_t *slot = find_slot(m, key, hash_of(m, key));
  return slot == NULL ? NULL : m->entries[*slot - 1].value;
}

static void place(struct map *m, uint64_t hash, uint32_t index) {
  size_t i = hash & (m->slot_cap - 1);
  while (m->slots[i] != SLOT_EMPTY) i = (i + 1) & (m->slot_cap - 1);
  m->slots[i] = index + 1;
}

/* Closes the holes in entries and gives the slots room for one more entry. */
static enum status rebuild(struct map *m) {
  size_t slot_cap = SLOTS_MIN;
  while (slot_cap < (m->live + 1) * 2) slot_cap *= 2;
  size_t entry_cap = slot_cap;
  uint32_t *slots = calloc(slot_cap, sizeof *slots);
  struct map_entry *entries = malloc(entry_cap * sizeof *entries);
  if (slots == NULL || entries == NULL) {
    free(slots);
    free(entries);
    return STATUS_NO_MEMORY;
  }
  size_t n = 0;
  for (size_t i = 0; i < m->entry_count; i++)
    if (m->entries[i].key.ptr != NULL) entries[n++] = m->entries[i];
  free(m->entries);
  free(m->slots);
  m->entries = entries;
  m->entry_count = n;
  m->entry_cap = entry_cap;
  m->slots = slots;
  m->slot_cap = slot_cap;
  for (size_t i = 0; i < n; i++) place(m, entries[i].hash, (uint32_t)i);
  return STATUS_OK;
}

enum status map_put(struct map *m, struct span key, void *value, void **old) {
  uint64_t hash = hash_of(m, key);
  if (old != NULL) *old = NULL;
  uint32_t *slot = find_slot(m, key, hash);
  if (slot != NULL) {
    struct map_entry *e = &m->entries[*slot - 1];
    if (old != NULL) *old = e->value;
    e->value = value;
    return STATUS_OK;
  }
  /* Holes count against the load: removed slots lengthen every search. */
  if (m->entry_count == m->entry_cap || (m->entry_count + 1) * 4 > m->slot_cap * 3) {
    enum status status = rebuild(m);
    if (status != STATUS_OK) return status;
  }
  uint8_t *copy = malloc(key.len + 1);
  if (copy == NULL) return STATUS_NO_MEMORY;
  if (key.len > 0) memcpy(copy, key.ptr, key.len);
  copy[key.len] = '\0';
  m->entries[m->entry_count] = (struct map_entry){span_of(copy, key.len), value, hash};
  place(m, hash, (uint32_t)m->entry_count);
  m->entry_count++;
  m->live++;
  return STATUS_OK;
}

void *map_remove(struct map *m, struct span key) {
  uint32_t *slot = find_slot(m, key, hash_of(m, key));
  if (slot == NULL) return NULL;
  struct map_entry *e = &m->entries[*slot - 1];
  void *value = e->value;
  free((void *)e->key.ptr);
  e->key = SPAN_NONE;
  *slot = SLOT_REMOVED;
  m->live--;
  return value;
}

static struct map_entry *live_from(const struct map *m, size_t i) {
  for (; i < m->entry_count; i++)
    if (m->entries[i].key.ptr != NULL) return &m->entries[i];
  return NULL;
}

struct map_entry *map_first(const struct map *m) { return live_from(m, 0); }

struct map_entry *map_next(const struct map *m, struct map_entry *e) {
  return live_from(m, (size_t)(e - m->entries) + 1);
}
