/* SPDX-License-Identifier: Apache-2.0
 *
 * put: records are staged with their offsets, all of a turn is written at
 * once, then the queues learn of it (CommitLog.asyncPutMessage and
 * asyncPutMessages; DefaultMessageStore.checkMessage).
 */
#include "mqbroker/store/record.h"
#include "mqbroker/store/store_state.h"

#include <inttypes.h>
#include <stdlib.h>

bool store_refuses(const struct store *s) {
  if (s->config.group != NULL && s->config.group->ops->refusal(s->config.group) != NULL) return true;
  return s->read_only || s->retention.level == SPACE_FULL || s->queue_trouble != STATUS_OK ||
         s->turn_failed != STATUS_OK;
}

void staged_lost(struct store *s, enum status status) {
  for (size_t i = 0; i < s->staged_count; i++)
    if (s->staged[i].queue != NULL) s->staged[i].queue->next = s->staged[i].queue->max;
  s->staged_count = 0;
  buf_clear(&s->bitmaps);
  index_rollback(&s->index);
  s->log_trouble = status;
  if (status == STATUS_IO) store_make_read_only(s, "the commit log cannot be written", status);
  if (status == STATUS_NO_SPACE) retention_out_of_space(s);
}

bool staged_room(struct store *s, size_t count) {
  if (s->staged_count + count <= s->staged_cap) return true;
  size_t cap = s->staged_cap * 2;
  while (cap < s->staged_count + count) cap *= 2;
  struct staged *grown = realloc(s->staged, cap * sizeof *grown);
  if (grown == NULL) return false;
  s->staged = grown;
  s->staged_cap = cap;
  return true;
}

/* A NUL in the properties would look like a torn record to the recovery after a crash. */
static bool acceptable(const struct message *m) {
  return m->topic.len > 0 && m->topic.len <= TOPIC_LENGTH_MAX && m->properties.len <= PROPERTIES_LENGTH_MAX &&
         m->body.len <= INT32_MAX && span_find(m->topic, 0, 0) == m->topic.len &&
         span_find(m->properties, 0, 0) == m->properties.len;
}

static bool size_fits(const struct store *s, size_t size) {
  return size <= (size_t)s->config.message_size_max && (int64_t)size + BLANK_SIZE_MIN <= s->config.segment_length;
}

static enum put_status put_status_of(enum status status) {
  if (status == STATUS_OK) return PUT_OK;
  if (status == STATUS_NO_MEMORY) return PUT_NO_MEMORY;
  return status == STATUS_INVALID ? PUT_MESSAGE_ILLEGAL : PUT_SERVICE_NOT_AVAILABLE;
}

/* Room in the log for size bytes; the checkpoint is lowered if this begins a file in the past. */
static enum status log_reserve(struct store *s, size_t size, int64_t store_ms, uint8_t **out, int64_t *offset) {
  if (s->config.group != NULL) return s->config.group->ops->reserve(s->config.group, size, out, offset);
  enum status status = commitlog_reserve(&s->commitlog, size, out, offset);
  if (status != STATUS_OK) {
    staged_lost(s, status);
    s->turn_failed = status;
    return status;
  }
  flush_see_time(s, store_ms, *offset == segments_start_of(&s->commitlog.files, *offset));
  return STATUS_OK;
}

struct span store_bitmap(struct store *s, const struct message *m) {
  struct buf *b = &s->bitmaps;
  const size_t at = b->len;
  if (s->listener.bitmap == NULL) return SPAN_NONE;
  bool made = s->listener.bitmap(s->listener.context, m, b);
  if (made && !b->failed && b->len > at && b->len - at <= EXT_UNIT_MAX - EXT_UNIT_MIN)
    return span_of(b->ptr + at, b->len - at);
  b->len = at;
  b->failed = false;
  return SPAN_NONE;
}

void staged_add(struct store *s, const struct message *m, struct consumequeue *q, int64_t offset, size_t size) {
  struct staged *t = &s->staged[s->staged_count++];
  *t = (struct staged){
      .queue = q, .index = m->queue_offset, .unit = {offset, (int32_t)size, 0}, .store_ms = m->store_ms};
  if (q != NULL) {
    t->unit.tags_code = derive_tags_code(&s->delays, m->topic, m->properties, m->store_ms);
    t->bitmap_at = s->bitmaps.len;
    if (s->config.ext.enabled) t->bitmap_len = store_bitmap(s, m).len;
  }
  index_stage(&s->index, m->topic, m->properties, m->sys_flag, offset, m->store_ms);
  s->staged_last_ms = m->store_ms;
}

/* One record into the reserved bytes. */
static void stage(struct store *s, struct message *m, struct consumequeue *q, size_t size, int64_t offset,
                  uint8_t *out) {
  m->physical_offset = offset;
  m->queue_offset = q == NULL ? 0 : q->next++;
  message_encode(m, out);
  m->body_crc = get_i32(out + 8);
  if (s->config.group == NULL) staged_add(s, m, q, offset, size); /* else it enters its queue when it is agreed on */
  s->facts.put_count++;
  s->facts.put_bytes += (int64_t)size;
}

enum put_status store_put(struct store *s, struct message *m, struct moment now, struct put_result *out) {
  struct consumequeue *q = NULL;
  uint8_t *place;
  int64_t offset;
  if (store_refuses(s)) return PUT_SERVICE_NOT_AVAILABLE;
  if (!acceptable(m)) return PUT_MESSAGE_ILLEGAL;
  size_t size = message_size(m);
  if (!size_fits(s, size)) return PUT_MESSAGE_ILLEGAL;
  enum status status = STATUS_OK;
  if (derive_enters_queue(m->sys_flag)) status = queues_get(&s->queues, m->topic, m->queue_id, true, &q);
  if (status != STATUS_OK) return put_status_of(status);
  if (!staged_room(s, 1)) return PUT_NO_MEMORY;
  m->store_ms = now.wall_ms;
  status = log_reserve(s, size, m->store_ms, &place, &offset);
  if (status != STATUS_OK) return put_status_of(status);
  stage(s, m, q, size, offset, place);
  *out = (struct put_result){offset, offset + (int64_t)size, m->queue_offset, m->store_ms, 1};
  return PUT_OK;
}

static struct message batch_message(const struct message *shared, const struct batch_item *item) {
  struct message m = *shared;
  m.flag = item->flag;
  m.body = item->body;
  m.properties = item->properties;
  m.prepared_offset = 0;
  return m;
}

/* An entry holds one record, so a leader that dies may leave the first of them; nobody was told that they are there. */
static enum put_status put_batch_entries(struct store *s, struct message *m, const struct batch_item *items,
                                         size_t count, struct consumequeue *q, struct put_result *out,
                                         int64_t *physical_offsets) {
  *out = (struct put_result){.queue_offset = q->next, .store_ms = m->store_ms, .count = (int32_t)count};
  for (size_t i = 0; i < count; i++) {
    struct message one = batch_message(m, &items[i]);
    size_t size = message_size(&one);
    uint8_t *place;
    int64_t offset;
    enum status status = log_reserve(s, size, m->store_ms, &place, &offset);
    if (status != STATUS_OK) return put_status_of(status);
    stage(s, &one, q, size, offset, place);
    if (i == 0) out->physical_offset = offset;
    if (physical_offsets != NULL) physical_offsets[i] = offset;
    out->end_offset = offset + (int64_t)size;
  }
  m->queue_offset = out->queue_offset;
  m->physical_offset = out->physical_offset;
  return PUT_OK;
}

enum put_status store_put_batch(struct store *s, struct message *m, const struct batch_item *items, size_t count,
                                struct moment now, struct put_result *out, int64_t *physical_offsets) {
  struct consumequeue *q;
  size_t total = 0;
  if (store_refuses(s)) return PUT_SERVICE_NOT_AVAILABLE;
  if (count == 0 || count > INT32_MAX || (m->sys_flag & SYS_TRANSACTION_MASK) != 0) return PUT_MESSAGE_ILLEGAL;
  m->store_ms = now.wall_ms;
  for (size_t i = 0; i < count; i++) {
    struct message one = batch_message(m, &items[i]);
    if (!acceptable(&one)) return PUT_MESSAGE_ILLEGAL;
    total += message_size(&one);
    if (!size_fits(s, total)) return PUT_MESSAGE_ILLEGAL;
  }
  enum status status = queues_get(&s->queues, m->topic, m->queue_id, true, &q);
  if (status != STATUS_OK) return put_status_of(status);
  if (!staged_room(s, count)) return PUT_NO_MEMORY;
  uint8_t *place;
  int64_t offset;
  if (s->config.group != NULL) return put_batch_entries(s, m, items, count, q, out, physical_offsets);
  status = log_reserve(s, total, m->store_ms, &place, &offset);
  if (status != STATUS_OK) return put_status_of(status);
  *out = (struct put_result){offset, offset + (int64_t)total, q->next, m->store_ms, (int32_t)count};
  for (size_t i = 0; i < count; i++) {
    struct message one = batch_message(m, &items[i]);
    size_t size = message_size(&one);
    stage(s, &one, q, size, offset, place);
    if (physical_offsets != NULL) physical_offsets[i] = offset;
    offset += (int64_t)size;
    place += size;
  }
  m->queue_offset = out->queue_offset;
  m->physical_offset = out->physical_offset;
  return PUT_OK;
}

/* ---- commit ---- */

/* What only records of another broker (raw.c) can have: numbers that leave others out, or that cannot be. */
static enum status odd_number(struct store *s, struct staged *t, const struct ext_unit *ext, enum status status,
                              struct moment now) {
  struct consumequeue *q = t->queue;
  if (status == STATUS_NOT_FOUND) {
    log_error(s->log, "consume queue %s: the log has no records for units %" PRId64 " to %" PRId64, q->dir, q->max,
              t->index - 1);
    status = consumequeue_fill(q, t->index, &t->unit, now.mono_ms);
    if (status == STATUS_OK) return consumequeue_put(q, t->index, &t->unit, ext, now.mono_ms);
  }
  if (status != STATUS_LIMIT && status != STATUS_INVALID) return status;
  log_error(s->log, "record at offset %" PRId64 " has the impossible queue offset %" PRId64 ": not queued",
            t->unit.offset, t->index);
  return STATUS_OK;
}

void staged_dispatch(struct store *s, struct moment now) {
  for (size_t i = 0; i < s->staged_count; i++) {
    struct staged *t = &s->staged[i];
    if (t->queue == NULL) continue;
    struct ext_unit ext = {t->unit.tags_code, t->store_ms, SPAN_NONE};
    if (t->bitmap_len > 0) ext.bitmap = span_of(s->bitmaps.ptr + t->bitmap_at, t->bitmap_len);
    const struct ext_unit *extended = s->config.ext.enabled ? &ext : NULL;
    enum status status = consumequeue_put(t->queue, t->index, &t->unit, extended, now.mono_ms);
    if (status == STATUS_NOT_FOUND || status == STATUS_INVALID) status = odd_number(s, t, extended, status, now);
    if (status == STATUS_NO_MEMORY || status == STATUS_IO)
      store_make_read_only(s, "a consume queue cannot be written", status);
    else if (status != STATUS_OK) s->queue_trouble = status;
    if (status == STATUS_NO_SPACE) retention_out_of_space(s);
    if (s->listener.arrived != NULL && status != STATUS_NO_MEMORY)
      s->listener.arrived(s->listener.context, t->queue->topic, t->queue->id, t->queue->max, t->unit.tags_code);
  }
  s->staged_count = 0;
  buf_clear(&s->bitmaps);
}

enum status store_commit(struct store *s, struct moment now) {
  enum status status = s->turn_failed;
  s->turn_failed = STATUS_OK;
  if (status != STATUS_OK || (s->staged_count == 0 && !commitlog_staged(&s->commitlog))) return status;
  status = commitlog_commit(&s->commitlog);
  if (status != STATUS_OK) {
    staged_lost(s, status);
    return status;
  }
  s->log_trouble = STATUS_OK;
  if (s->staged_count == 0) return STATUS_OK; /* only the filler of a file's end, from another log */
  s->last_ms = s->staged_last_ms;
  s->last_record = s->staged[s->staged_count - 1].unit.offset;
  staged_dispatch(s, now);
  index_commit(&s->index, now);
  return STATUS_OK;
}
