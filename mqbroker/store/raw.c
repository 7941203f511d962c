/* SPDX-License-Identifier: Apache-2.0
 *
 * raw: the log as bytes that travel between brokers. Going out they are
 * pointed at in the mapping. Coming in they are cut into records, and nothing
 * that is no whole, valid record for its place is ever written
 * (DefaultMessageStore.appendToCommitLog writes whatever comes, and finds out
 * when the queues are derived).
 */
#include "mqbroker/store/record.h"
#include "mqbroker/store/store_state.h"

#include <inttypes.h>
#include <stdlib.h>

/* No configuration allows longer records, and a filler is shorter than the record that did not fit. */
#define RAW_RECORD_MAX ((128 << 20) + BLANK_SIZE_MIN)
#define RAW_PIECE_MIN 65536

enum status store_log_bytes(struct store *s, int64_t offset, size_t max, struct span *out) {
  struct commitlog *c = &s->commitlog;
  struct segment *g;
  if (offset < c->files.first || offset >= c->appended) return STATUS_NOT_FOUND;
  enum status status = segments_at(&c->files, offset, &g);
  if (status != STATUS_OK) return status;
  int64_t end = g->start + c->files.length;
  if (end > c->appended) end = c->appended;
  size_t len = (size_t)(end - offset);
  *out = span_of(g->view + (offset - g->start), len < max ? len : max);
  return STATUS_OK;
}

static bool is_empty(const struct commitlog *c) { return segments_empty(&c->files) || c->appended <= c->files.first; }

/* The newest record that a queue knows of, or where its file begins: from there the log itself is followed. */
int64_t store_last_record(struct store *s) {
  struct commitlog *c = &s->commitlog;
  if (is_empty(c)) return -1;
  if (s->last_record >= 0) return s->last_record;
  int64_t at = segments_start_of(&c->files, c->appended - 1);
  for (size_t i = 0; i < s->queues.cap; i++) {
    struct consumequeue *q = s->queues.table[i];
    struct unit u;
    if (q == NULL || (!q->loaded && consumequeue_load(q, c->appended) != STATUS_OK)) continue;
    if (consumequeue_unit(q, q->max - 1, &u) == STATUS_OK && u.offset > at && u.offset < c->appended) at = u.offset;
  }
  struct span record;
  s->last_record = at;
  for (; commitlog_record(c, at, &record) == STATUS_OK; at += (int64_t)record.len) s->last_record = at;
  return s->last_record;
}

/* ---- coming in ---- */

/* Where the record begins that comes next, or is coming. */
static int64_t place_of(const struct store *s) {
  return s->raw.begin >= 0 ? s->raw.begin : commitlog_end(&s->commitlog);
}

int64_t store_raw_end(const struct store *s) { return place_of(s) + (int64_t)s->raw.len; }

void store_raw_forget(struct store *s) {
  s->raw.len = 0;
  s->raw.begin = -1;
}

/* Bytes from `at` to the end of its file. */
static int64_t room_at(const struct store *s, int64_t at) {
  return s->config.segment_length - at % s->config.segment_length;
}

/* How long the record or filler is that begins with these 8 bytes. */
static enum status size_read(const struct store *s, int64_t at, const uint8_t *p, size_t *size, struct buf *why) {
  int64_t room = room_at(s, at), length = record_size(p);
  uint32_t magic = record_magic(p);
  bool fits = magic == BLANK_MAGIC ? length == room
                                   : magic == MESSAGE_MAGIC && length >= RECORD_SIZE_MIN && length <= room;
  if (fits && length <= RAW_RECORD_MAX) {
    *size = (size_t)length;
    return STATUS_OK;
  }
  buf_printf(why,
             "no record can begin at offset %" PRId64 " with length %" PRId64
             " and magic %08x (mappedFileSizeCommitLog "
             "is %" PRId64 " here: it must be the same on both sides)",
             at, length, magic, s->config.segment_length);
  return STATUS_CORRUPT;
}

static enum status raw_failed(struct store *s, enum status status, struct buf *why) {
  struct commitlog *c = &s->commitlog;
  commitlog_rollback(c);
  if (segments_empty(&c->files)) c->appended = c->stage_start = s->flusher.flushed = c->files.first;
  staged_lost(s, status);
  buf_printf(why, "the commit log cannot be written: %s", status_text(status));
  return status;
}

enum status staged_queue(struct store *s, const struct message *m, struct consumequeue **out) {
  *out = NULL;
  if (!derive_enters_queue(m->sys_flag)) return STATUS_OK;
  enum status status = queues_get(&s->queues, m->topic, m->queue_id, true, out);
  if (status != STATUS_INVALID) return status;
  log_error(s->log, "record at offset %" PRId64 " has a topic that cannot be a directory: not queued",
            m->physical_offset);
  return STATUS_OK;
}

/* The first record of an empty log is whole. */
static enum status log_begin(struct store *s) {
  if (s->raw.begin < 0) return STATUS_OK;
  enum status status = commitlog_begin_at(&s->commitlog, s->raw.begin);
  if (status != STATUS_OK) return status;
  s->flusher.flushed = s->raw.begin;
  s->last_record = s->raw.begin = -1;
  return STATUS_OK;
}

/* A whole record or filler. */
static enum status record_take(struct store *s, struct span bytes, struct buf *why) {
  struct message m;
  size_t size;
  int64_t at = place_of(s);
  enum status status = message_decode(bytes, true, &m, &size);
  if (status == STATUS_NOT_FOUND) {
    status = log_begin(s);
    if (status == STATUS_OK) status = commitlog_append(&s->commitlog, bytes);
    return status == STATUS_OK ? STATUS_OK : raw_failed(s, status, why);
  }
  if (status != STATUS_OK || m.physical_offset != at) {
    buf_printf(why, "the record at offset %" PRId64 " is damaged: %s", at,
               status == STATUS_OK ? "it names another offset" : "its fields or its checksum are wrong");
    return STATUS_CORRUPT;
  }
  struct consumequeue *q;
  status = staged_queue(s, &m, &q);
  if (status == STATUS_OK && !staged_room(s, 1)) status = STATUS_NO_MEMORY;
  if (status == STATUS_OK) status = log_begin(s);
  if (status == STATUS_OK) status = commitlog_append(&s->commitlog, bytes);
  if (status != STATUS_OK) return raw_failed(s, status, why);
  flush_see_time(s, m.store_ms, room_at(s, at) == s->config.segment_length);
  staged_add(s, &m, q, at, size);
  return STATUS_OK;
}

static enum status piece_add(struct raw_piece *p, struct span bytes) {
  if (p->len + bytes.len > p->cap) {
    size_t cap = p->cap == 0 ? RAW_PIECE_MIN : p->cap;
    while (cap < p->len + bytes.len) cap *= 2;
    uint8_t *grown = realloc(p->bytes, cap);
    if (grown == NULL) return STATUS_NO_MEMORY;
    p->bytes = grown;
    p->cap = cap;
  }
  memcpy(p->bytes + p->len, bytes.ptr, bytes.len);
  p->len += bytes.len;
  return STATUS_OK;
}

/* Goes on with the piece that is kept; *used bytes of the input belonged to it. */
static enum status piece_go_on(struct store *s, struct span bytes, size_t *used, struct buf *why) {
  struct raw_piece *p = &s->raw;
  int64_t at = place_of(s);
  size_t size = BLANK_SIZE_MIN;
  *used = 0;
  while (p->len < size || size == BLANK_SIZE_MIN) {
    if (p->len >= BLANK_SIZE_MIN) {
      enum status status = size_read(s, at, p->bytes, &size, why);
      if (status != STATUS_OK) return status;
      if (p->len >= size) break; /* a filler of 8 bytes */
    }
    size_t n = size - p->len;
    if (n > bytes.len - *used) n = bytes.len - *used;
    if (n == 0) return STATUS_OK;
    enum status status = piece_add(p, span_of(bytes.ptr + *used, n));
    if (status != STATUS_OK) return raw_failed(s, status, why);
    *used += n;
  }
  size = p->len;
  p->len = 0;
  return record_take(s, span_of(p->bytes, size), why);
}

enum status store_append_raw(struct store *s, int64_t offset, struct span bytes, struct moment now, struct buf *why) {
  struct commitlog *c = &s->commitlog;
  (void)now;
  if (store_refuses(s)) {
    const char *refusal = store_refusal(s);
    buf_printf(why, "%s", refusal == NULL ? "the commit log cannot be written" : refusal);
    return s->read_only ? STATUS_IO : STATUS_NO_SPACE;
  }
  enum status status = STATUS_OK;
  if (is_empty(c) && !commitlog_staged(c) && s->raw.len == 0 && offset != c->appended) {
    if (offset < 0 || offset % s->config.segment_length != 0) {
      buf_printf(why,
                 "the other log begins at offset %" PRId64 ", where no file of %" PRId64 " bytes begins: "
                 "mappedFileSizeCommitLog must be the same on both sides",
                 offset, s->config.segment_length);
      return STATUS_INVALID;
    }
    s->raw.begin = offset;
  }
  if (offset != store_raw_end(s)) {
    buf_printf(why, "bytes for offset %" PRId64 " came where offset %" PRId64 " was next", offset, store_raw_end(s));
    return STATUS_INVALID;
  }
  while (bytes.len > 0 && status == STATUS_OK) {
    size_t size = 0;
    if (s->raw.len == 0 && bytes.len >= BLANK_SIZE_MIN) status = size_read(s, place_of(s), bytes.ptr, &size, why);
    if (status != STATUS_OK) break;
    if (size > 0 && size <= bytes.len) status = record_take(s, span_of(bytes.ptr, size), why);
    else status = piece_go_on(s, bytes, &size, why);
    bytes = span_from(bytes, size);
  }
  return status;
}
