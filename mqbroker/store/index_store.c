/* SPDX-License-Identifier: Apache-2.0
 *
 * The key index inside the store: made whole at start, asked by topic and key
 * (DefaultMessageStore.queryMessage).
 */
#include "mqbroker/store/record.h"
#include "mqbroker/store/store_state.h"

#include <inttypes.h>
#include <stdlib.h>

#define QUERY_LOOKS_MAX 4096 /* records one query looks at: of a common key, or of keys made to have one hash */

/* ---- at start ---- */

/* Where reading the log for keys must begin. The checkpoint knows records that are in although the index does not
 * end with them, because they have no key. */
static int64_t replay_start(struct store *s, bool lost) {
  const struct checkpoint *cp = &s->checkpoint;
  int64_t first = s->commitlog.files.first, start = index_reaches(&s->index);
  if (start < first) start = first;
  if (lost) return start;
  if (s->was_clean) return cp->index_ms >= s->last_ms ? s->commitlog.appended : start;
  if (cp->index_ms >= checkpoint_min(cp) && s->replayed_from > start) start = s->replayed_from;
  return start;
}

static int64_t replay_bound(struct store *s, int64_t start) {
  const struct commitlog *c = &s->commitlog;
  int64_t bound = c->appended - INDEX_REPLAY_BYTES_MAX;
  if (s->config.index.safe || start >= bound) return start;
  bound = segments_start_of(&c->files, bound);
  if (bound <= start) return start;
  log_warn(s->log, "key index: messages between offsets %" PRId64 " and %" PRId64 " are not found by key "
           "(messageIndexSafe=true reads them all at start)", start, bound);
  return bound;
}

int64_t index_begin_replay(struct store *s) {
  struct index *ix = &s->index;
  struct commitlog *c = &s->commitlog;
  bool lost;
  if (!index_exists(ix)) return INT64_MAX;
  enum status status = index_load(ix, !s->was_clean, s->checkpoint.index_ms, c->appended, &lost);
  if (status == STATUS_OK && ix->made) status = s->disk->ops->sync_dir(s->disk, s->root);
  if (status != STATUS_OK) index_fail(ix, "it cannot be loaded", status);
  if (!index_is_whole(ix) || segments_empty(&c->files)) return INT64_MAX;
  int64_t start = replay_bound(s, replay_start(s, lost));
  return start < c->appended ? start : INT64_MAX;
}

/* ---- queries ---- */

struct query {
  struct store *s;
  struct span topic, key;
  size_t count_max, bytes_max;
  int looks;
  struct query_result *out;
};

static bool words_have(struct span words, struct span key) {
  for (size_t at = 0; at < words.len;) {
    size_t end = span_find(words, ' ', at);
    if (span_equal(span_of(words.ptr + at, end - at), key)) return true;
    at = end + 1;
  }
  return false;
}

static bool record_has(struct span record, struct span topic, struct span key) {
  struct message m;
  size_t size;
  if (message_decode(record, false, &m, &size) != STATUS_OK || !span_equal(m.topic, topic)) return false;
  return span_equal(property_get(m.properties, "UNIQ_KEY"), key) || words_have(property_get(m.properties, "KEYS"), key);
}

static bool known(const struct query_result *out, struct span record) {
  for (size_t i = 0; i < out->count; i++)
    if (out->records[i].ptr == record.ptr) return true;
  return false;
}

static bool query_take(void *context, int64_t offset) {
  struct query *q = context;
  struct query_result *out = q->out;
  struct span record;
  if (q->looks-- <= 0) return false;
  if (commitlog_record(&q->s->commitlog, offset, &record) != STATUS_OK) return true;
  if (!record_has(record, q->topic, q->key) || known(out, record)) return true;
  if (out->count > 0 && out->bytes + record.len > q->bytes_max) return false;
  out->records[out->count++] = record;
  out->bytes += record.len;
  return out->count < q->count_max;
}

static int by_offset(const void *a, const void *b) {
  const struct span *x = a, *y = b;
  int64_t left = record_physical_offset(x->ptr), right = record_physical_offset(y->ptr);
  return (left > right) - (left < right);
}

void store_query(struct store *s, struct span topic, struct span key, int32_t count_max, size_t bytes_max,
                 int64_t begin_ms, int64_t end_ms, struct query_result *out) {
  struct index *ix = &s->index;
  out->index_last_ms = out->index_last_offset = 0;
  out->count = out->bytes = 0;
  if (count_max <= 0 || key.len == 0) return;
  size_t count = count_max < STORE_QUERY_MAX ? (size_t)count_max : STORE_QUERY_MAX;
  struct query q = {s, topic, key, count, bytes_max, QUERY_LOOKS_MAX, out};
  index_query(ix, index_hash(topic, key), begin_ms, end_ms, query_take, &q);
  if (out->count == 0) return;
  qsort(out->records, out->count, sizeof out->records[0], by_offset);
  out->index_last_ms = ix->files[ix->count - 1].header.end_ms;
  out->index_last_offset = ix->files[ix->count - 1].header.end_offset;
}
