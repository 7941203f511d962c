/* SPDX-License-Identifier: Apache-2.0
 *
 * The other binary files of a store: consume queues, index files, checkpoint
 * (org.apache.rocketmq.store.ConsumeQueue, IndexFile, StoreCheckpoint).
 */
#include "core/base/bytes.h"
#include "tests/interop/storediff/storediff.h"

#include <stdio.h>

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
  if ((java == 0) != (ours == 0)) {
    if (d->excused[EXCUSE_INDEX_MISSING] > 0) excuse(d, EXCUSE_INDEX_MISSING);
    else differs_number(d, p->name, "indexMsgTimestamp", java, ours);
  }
  if (!span_equal(span_from(p->java, CHECKPOINT_TIMES), span_from(p->ours, CHECKPOINT_TIMES)))
    differs(d, "%s: something behind the three times", p->name);
}

static void index_times(struct diff *d, const uint8_t *a, const uint8_t *b, size_t length) {
  if (memcmp(a, b, length) != 0) excuse(d, EXCUSE_INDEX_TIME);
}

void diff_index_file(struct diff *d, const struct pair *p) {
  char where[256];
  const uint8_t *a = p->java.ptr, *b = p->ours.ptr;
  if (!same_length(d, p) || p->java.len < INDEX_HEAD) return;
  index_times(d, a, b, 16);
  differs_number(d, p->name, "beginPhyOffset", get_i64(a + 16), get_i64(b + 16));
  differs_number(d, p->name, "endPhyOffset", get_i64(a + 24), get_i64(b + 24));
  differs_number(d, p->name, "hashSlotCount", get_i32(a + 32), get_i32(b + 32));
  differs_number(d, p->name, "indexCount", get_i32(a + 36), get_i32(b + 36));
  size_t entries = INDEX_HEAD + d->hash_slots * INDEX_SLOT, at = INDEX_HEAD;
  for (; at < entries && at + INDEX_SLOT <= p->java.len; at += INDEX_SLOT) {
    snprintf(where, sizeof where, "%s slot %zu", p->name, (at - INDEX_HEAD) / INDEX_SLOT);
    differs_number(d, where, "entry", get_i32(a + at), get_i32(b + at));
  }
  for (; at + INDEX_ENTRY <= p->java.len; at += INDEX_ENTRY) {
    snprintf(where, sizeof where, "%s entry %zu", p->name, (at - entries) / INDEX_ENTRY);
    differs_number(d, where, "key hash", get_i32(a + at), get_i32(b + at));
    differs_number(d, where, "physical offset", get_i64(a + at + 4), get_i64(b + at + 4));
    index_times(d, a + at + 12, b + at + 12, 4);
    differs_number(d, where, "previous entry", get_i32(a + at + 16), get_i32(b + at + 16));
    d->index_entries += get_i64(a + at + 4) != 0;
  }
}
