/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mqstore/keyindex.h"

#include <stdio.h>
#include <stdlib.h>

enum { TOPIC_AND_KEY_MAX = 128 + 1 + PROPERTIES_LENGTH_MAX };

int32_t index_hash(struct span topic, struct span key) {
  static const int32_t no_absolute = INT32_MIN; /* Math.abs leaves it negative; Java then takes 0 */
  uint8_t text[TOPIC_AND_KEY_MAX];
  if (topic.len + 1 + key.len > sizeof text) return 0;
  memcpy(text, topic.ptr, topic.len);
  text[topic.len] = '#';
  if (key.len > 0) memcpy(text + topic.len + 1, key.ptr, key.len);
  int32_t hash = java_hash(span_of(text, topic.len + 1 + key.len));
  return hash == no_absolute ? 0 : hash < 0 ? -hash : hash;
}

size_t record_keys(const struct message *m, struct span *out) {
  size_t n = 0;
  if ((m->sys_flag & SYS_TRANSACTION_MASK) == SYS_TRANSACTION_ROLLBACK) return 0;
  struct span unique = property_get(m->properties, "UNIQ_KEY"), keys = property_get(m->properties, "KEYS");
  if (unique.ptr != NULL) out[n++] = unique;
  for (size_t at = 0; keys.ptr != NULL && at < keys.len && n < RECORD_KEYS_MAX;) {
    size_t end = span_find(keys, ' ', at);
    if (end > at) out[n++] = span_of(keys.ptr + at, end - at);
    at = end + 1;
  }
  return n;
}

int64_t index_count(const struct index_file *f) {
  return f->header.count < f->capacity ? f->header.count : f->capacity;
}

struct index_entry index_entry_at(const struct index_file *f, int64_t number) {
  const uint8_t *p = f->view + index_entry_position(f, number);
  return (struct index_entry){get_i32(p), get_i64(p + 4), get_i32(p + 12), get_i32(p + 16)};
}

int32_t index_slot_at(const struct index_file *f, int64_t slot) {
  return get_i32(f->view + INDEX_HEADER + INDEX_SLOT_BYTES * slot);
}

/* With so many slots, is the newest entry the head of its chain, as are the ones before it in theirs? */
static bool slots_fit(struct index_file *f, int64_t slots) {
  enum { ENTRIES_TRIED = 64 };
  int64_t rest = f->length - INDEX_HEADER - INDEX_SLOT_BYTES * slots;
  if (slots <= 0 || rest < INDEX_ENTRY_BYTES || rest % INDEX_ENTRY_BYTES != 0) return false;
  f->slots = slots;
  f->capacity = rest / INDEX_ENTRY_BYTES;
  if (f->header.count > f->capacity) return false;
  int64_t last = f->header.count - 1, bottom = last > ENTRIES_TRIED ? last - ENTRIES_TRIED : 0;
  int64_t good = 0;
  for (int64_t n = last; n > bottom; n--) {
    struct index_entry e = index_entry_at(f, n);
    if (e.hash < 0) continue;
    int64_t head = index_slot_at(f, e.hash % slots);
    good += head >= n && head <= last && (n != last || head == n);
  }
  return good * 4 >= (last - bottom) * 3; /* some may be damaged */
}

static bool geometry_find(struct index_file *f, int64_t slots) {
  if (slots > 0) return slots_fit(f, slots);
  if (f->length == INDEX_HEADER + (int64_t)INDEX_SLOTS_DEFAULT * INDEX_SLOT_BYTES +
                       (int64_t)INDEX_ENTRIES_DEFAULT * INDEX_ENTRY_BYTES &&
      slots_fit(f, INDEX_SLOTS_DEFAULT))
    return true;
  /* The default's proportion, four entries a slot, before all others. */
  if (slots_fit(f, (f->length - INDEX_HEADER) / (INDEX_SLOT_BYTES + 4 * INDEX_ENTRY_BYTES))) return true;
  for (int64_t s = 1; INDEX_SLOT_BYTES * s < f->length - INDEX_HEADER; s++)
    if (slots_fit(f, s)) return true;
  f->slots = f->capacity = 0;
  return false;
}

static void header_read(struct index_file *f) {
  const uint8_t *p = f->view;
  f->header = (struct index_header){get_i64(p),      get_i64(p + 8),  get_i64(p + 16),
                                    get_i64(p + 24), get_i32(p + 32), get_i32(p + 36)};
  if (f->header.count < 1) f->header.count = 1;
}

static enum status file_load(struct key_index *x, struct index_file *f, struct arena *arena, const char *root,
                             const struct disk_entry *entry, int64_t slots) {
  char path[DISK_PATH_MAX];
  if (snprintf(path, sizeof path, "%s/index/%.*s", root, SPAN_ARG(entry->name)) >= (int)sizeof path)
    return STATUS_LIMIT;
  f->name = entry->name;
  f->length = entry->length;
  snprintf(path, sizeof path, "index/%.*s", SPAN_ARG(entry->name));
  f->path = (const char *)arena_copy(arena, span_text(path)).ptr;
  if (f->path == NULL) return STATUS_NO_MEMORY;
  if (f->length < INDEX_HEADER) return STATUS_OK;
  snprintf(path, sizeof path, "%s/%s", root, f->path);
  enum status status = x->disk->ops->open(x->disk, path, DISK_READ_ONLY, f->length, &f->open);
  if (status != STATUS_OK) return status;
  f->view = x->disk->ops->view(x->disk, f->open);
  header_read(f);
  geometry_find(f, slots);
  return STATUS_OK;
}

static bool is_number(struct span name) {
  int64_t number;
  return name.len > 0 && name.ptr[0] != '-' && name.ptr[0] != '+' && span_to_i64(name, &number);
}

enum status key_index_load(struct key_index *x, struct disk *disk, struct arena *arena, const char *root,
                           int64_t slots) {
  char path[DISK_PATH_MAX];
  struct disk_entry *entries;
  size_t count;
  *x = (struct key_index){.disk = disk};
  if (snprintf(path, sizeof path, "%s/index", root) >= (int)sizeof path) return STATUS_LIMIT;
  enum status status = disk->ops->list(disk, path, arena, &entries, &count);
  if (status == STATUS_NOT_FOUND) return STATUS_OK;
  if (status != STATUS_OK) return status;
  x->exists = true;
  x->files = arena_zalloc(arena, count + 1, sizeof *x->files);
  x->strangers = arena_zalloc(arena, count + 1, sizeof *x->strangers);
  if (x->files == NULL || x->strangers == NULL) return STATUS_NO_MEMORY;
  for (size_t i = 0; i < count && status == STATUS_OK; i++) {
    if (!entries[i].directory && is_number(entries[i].name))
      status = file_load(x, &x->files[x->count++], arena, root, &entries[i], slots);
    else x->strangers[x->stranger_count++] = entries[i].name;
  }
  /* A file with few entries fits many sizes; its neighbours know better. */
  for (size_t i = 0; i + 1 < x->count; i++)
    if (x->files[i].length == x->files[i + 1].length && x->files[i].slots != 0)
      slots_fit(&x->files[i + 1], x->files[i].slots);
  return status;
}

void key_index_fini(struct key_index *x) {
  for (size_t i = 0; i < x->count; i++)
    if (x->files[i].open != NULL) x->disk->ops->close(x->disk, x->files[i].open);
}

/* IndexFile.selectPhyOffset */
static size_t file_find(const struct index_file *f, int32_t hash, int64_t begin_ms, int64_t end_ms, size_t room,
                        int64_t *offsets) {
  size_t found = 0;
  int64_t count = index_count(f), steps = 0;
  if (f->slots == 0 || count <= 1) return 0;
  int64_t n = index_slot_at(f, hash % f->slots);
  while (n > 0 && n < count && found < room && steps++ < count) {
    struct index_entry e = index_entry_at(f, n);
    if (e.seconds < 0) break;
    int64_t ms = sum_of(f->header.begin_ms, (int64_t)e.seconds * 1000);
    if (e.hash == hash && ms >= begin_ms && ms <= end_ms) offsets[found++] = e.offset;
    if (e.previous == n || ms < begin_ms) break;
    n = e.previous;
  }
  return found;
}

size_t key_index_find(const struct key_index *x, struct span topic, struct span key, int64_t begin_ms, int64_t end_ms,
                      size_t max, int64_t *offsets) {
  size_t found = 0;
  int32_t hash = index_hash(topic, key);
  for (size_t i = x->count; i-- > 0 && found < max;) {
    const struct index_file *f = &x->files[i];
    /* IndexFile.isTimeMatched */
    if (f->view != NULL && f->header.begin_ms <= end_ms && f->header.end_ms >= begin_ms)
      found += file_find(f, hash, begin_ms, end_ms, max - found, offsets + found);
    if (f->header.begin_ms < begin_ms) break;
  }
  return found;
}
