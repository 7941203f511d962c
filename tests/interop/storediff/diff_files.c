/* SPDX-License-Identifier: Apache-2.0
 *
 * The other binary files of a store: consume queues, index files, checkpoint
 * (org.apache.rocketmq.store.ConsumeQueue, IndexFile, StoreCheckpoint).
 */
#include "core/base/bytes.h"
#include "tests/interop/storediff/storediff.h"

#include <stdio.h>
#include <stdlib.h>

enum {
  UNIT_SIZE = 20,
  INDEX_HEAD = 40,
  INDEX_SLOT = 4,
  INDEX_ENTRY = 20,
  CHECKPOINT_LENGTH = 4096,
  CHECKPOINT_TIMES = 24
};

static bool same_length(struct diff *d, const struct pair *p) {
  differs_number(d, p->name, "file length", (int64_t)p->java.len, (int64_t)p->ours.len);
  return p->java.len == p->ours.len;
}

void diff_same_bytes(struct diff *d, const struct pair *p) {
  if (same_length(d, p) && !span_equal(p->java, p->ours)) differs(d, "%s: other content", p->name);
}

void diff_queue_file(struct diff *d, const struct pair *p) {
  char where[256];
  if (!same_length(d, p)) return;
  for (size_t at = 0; at + UNIT_SIZE <= p->java.len; at += UNIT_SIZE) {
    const uint8_t *a = p->java.ptr + at, *b = p->ours.ptr + at;
    if (get_i32(a + 8) != 0) d->units++;
    if (memcmp(a, b, UNIT_SIZE) == 0) continue;
    snprintf(where, sizeof where, "%s unit %zu", p->name, at / UNIT_SIZE);
    differs_number(d, where, "physical offset", get_i64(a), get_i64(b));
    differs_number(d, where, "size", get_i32(a + 8), get_i32(b + 8));
    differs_number(d, where, "tags code", get_i64(a + 12), get_i64(b + 12));
  }
}

/* A time is right if it has the same distance from the last record of its own log. */
static void checkpoint_time(struct diff *d, const struct pair *p, const char *field, size_t at) {
  int64_t java = get_i64(p->java.ptr + at), ours = get_i64(p->ours.ptr + at);
  differs_number(d, p->name, field, java - d->java_last_ms, ours - d->our_last_ms);
  if (java != ours) excuse(d, EXCUSE_STORE_TIME);
}

void diff_checkpoint(struct diff *d, const struct pair *p) {
  differs_number(d, p->name, "file length", CHECKPOINT_LENGTH, (int64_t)p->ours.len);
  if (!same_length(d, p) || p->ours.len < CHECKPOINT_TIMES) return;
  checkpoint_time(d, p, "physicMsgTimestamp minus that of the last record", 0);
  checkpoint_time(d, p, "logicsMsgTimestamp minus that of the last record", 8);
  int64_t java = get_i64(p->java.ptr + 16), ours = get_i64(p->ours.ptr + 16);
  if ((java == 0) != (ours == 0)) differs_number(d, p->name, "indexMsgTimestamp", java, ours);
  else if (java != ours) excuse(d, EXCUSE_STORE_TIME);
  if (!span_equal(span_from(p->java, CHECKPOINT_TIMES), span_from(p->ours, CHECKPOINT_TIMES)))
    differs(d, "%s: something behind the three times", p->name);
}

static void index_times(struct diff *d, const uint8_t *a, const uint8_t *b, size_t length) {
  if (memcmp(a, b, length) != 0) excuse(d, EXCUSE_INDEX_TIME);
}

static const uint8_t *index_entry(const struct diff *d, struct span file, size_t i) {
  return file.ptr + INDEX_HEAD + d->hash_slots * INDEX_SLOT + i * INDEX_ENTRY;
}

/* Slots and chains follow from the hashes. They are checked against those of the same file and not against the other
 * side's, since one key that differs moves them all (IndexFile.putKey). */
static void index_chains(struct diff *d, const char *name, const char *side, struct span file, size_t count) {
  uint32_t *newest = calloc(d->hash_slots, sizeof *newest);
  if (newest == NULL) abort();
  for (size_t i = 1; i < count; i++) {
    const uint8_t *e = index_entry(d, file, i);
    uint32_t *slot = &newest[get_u32(e) % d->hash_slots];
    if (get_u32(e + 16) != *slot)
      differs(d, "%s: entry %zu of %s follows %u, not %u", name, i, side, get_u32(e + 16), *slot);
    *slot = (uint32_t)i;
  }
  for (size_t i = 0; i < d->hash_slots; i++) {
    uint32_t found = get_u32(file.ptr + INDEX_HEAD + i * INDEX_SLOT);
    if (found != newest[i]) differs(d, "%s: slot %zu of %s is %u, not %u", name, i, side, found, newest[i]);
  }
  free(newest);
}

static void index_entry_differs(struct diff *d, const char *where, const uint8_t *a, const uint8_t *b) {
  int64_t offset = get_i64(a + 4);
  /* The UNIQ_KEY is the first key of a record. */
  bool unique = d->client_from >= 0 && offset >= d->client_from && offset != d->index_offset;
  if (!unique) differs_number(d, where, "key hash", get_i32(a), get_i32(b));
  else if (get_i32(a) != get_i32(b)) excuse(d, EXCUSE_INDEX_HASH);
  differs_number(d, where, "physical offset", offset, get_i64(b + 4));
  index_times(d, a + 12, b + 12, 4);
  d->index_offset = offset;
  d->index_entries++;
}

void diff_index_file(struct diff *d, const struct pair *p) {
  char where[256];
  const uint8_t *a = p->java.ptr, *b = p->ours.ptr;
  size_t entries = INDEX_HEAD + d->hash_slots * INDEX_SLOT;
  if (!same_length(d, p)) return;
  size_t room = p->java.len < entries ? 0 : (p->java.len - entries) / INDEX_ENTRY;
  size_t count = room == 0 ? 0 : get_u32(a + 36);
  if (count < 1 || count > room) {
    differs(d, "%s: %zu entries in a file for %zu", p->name, count, room);
    return;
  }
  index_times(d, a, b, 16);
  differs_number(d, p->name, "beginPhyOffset", get_i64(a + 16), get_i64(b + 16));
  differs_number(d, p->name, "endPhyOffset", get_i64(a + 24), get_i64(b + 24));
  differs_number(d, p->name, "hashSlotCount", get_i32(a + 32), get_i32(b + 32));
  differs_number(d, p->name, "indexCount", get_i32(a + 36), get_i32(b + 36));
  for (size_t i = 1; i < count; i++) {
    snprintf(where, sizeof where, "%s entry %zu", p->name, i);
    index_entry_differs(d, where, index_entry(d, p->java, i), index_entry(d, p->ours, i));
  }
  index_chains(d, p->name, "Java's", p->java, count);
  index_chains(d, p->name, "ours", p->ours, count);
  if (memcmp(index_entry(d, p->java, 0), index_entry(d, p->ours, 0), INDEX_ENTRY) != 0)
    differs(d, "%s: something in entry 0, which is never used", p->name);
  size_t used = entries + count * INDEX_ENTRY;
  if (!span_equal(span_from(p->java, used), span_from(p->ours, used)))
    differs(d, "%s: something behind the last entry", p->name);
}
