/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading: messages of a queue by offset, single records, and offsets by time
 * (DefaultMessageStore.getMessage, getMessageStoreTimeStamp,
 * getOffsetInQueueByTime).
 */
#include "mqbroker/store/record.h"
#include "mqbroker/store/store_state.h"

#include <stdlib.h>

#define SCAN_BYTES_MIN 16000 /* of queue units, per call */

const char *const get_status_names[9] = {
    "FOUND",           "NO_MATCHED_MESSAGE",   "MESSAGE_WAS_REMOVING",   "OFFSET_FOUND_NULL",   "OFFSET_OVERFLOW_BADLY",
    "OFFSET_OVERFLOW_ONE", "OFFSET_TOO_SMALL", "NO_MATCHED_LOGIC_QUEUE", "NO_MESSAGE_IN_QUEUE"};

static struct consumequeue *queue_find(struct store *s, struct span topic, int32_t id) {
  struct consumequeue *q;
  return queues_get(&s->queues, topic, id, false, &q) == STATUS_OK ? q : NULL;
}

static enum get_status offset_check(const struct consumequeue *q, int64_t offset, int64_t *next) {
  if (q == NULL || q->max == 0) {
    *next = 0;
    return GET_NO_MESSAGE_IN_QUEUE;
  }
  if (offset < q->min) {
    *next = q->min;
    return GET_OFFSET_TOO_SMALL;
  }
  if (offset == q->max) return GET_OFFSET_OVERFLOW_ONE;
  if (offset > q->max) {
    *next = q->min == 0 ? q->min : q->max;
    return GET_OFFSET_OVERFLOW_BADLY;
  }
  return GET_FOUND;
}

/* False: no room for another part. */
static bool part_add(struct get_result *out, struct span record) {
  struct span *last = out->part_count > 0 ? &out->parts[out->part_count - 1] : NULL;
  if (last != NULL && last->ptr + last->len == record.ptr) {
    last->len += record.len;
  } else {
    if (out->part_count == STORE_GET_PARTS_MAX) return false;
    out->parts[out->part_count++] = record;
  }
  out->message_count++;
  out->bytes += record.len;
  return true;
}

/* The units of one file or of the tail, as Java looks at one mapped file per call. */
static enum get_status units_scan(struct store *s, const uint8_t *units, int64_t count, int32_t count_max,
                                  size_t bytes_max, store_filter filter, void *filter_context,
                                  struct get_result *out, int64_t *scanned) {
  struct commitlog *c = &s->commitlog;
  enum get_status result = GET_NO_MATCHED_MESSAGE;
  int64_t skip_until = INT64_MIN, i = 0;
  for (; i < count; i++) {
    struct unit u;
    struct span record;
    unit_get(units + i * UNIT_SIZE, &u);
    out->fall_behind = c->appended - u.offset;
    if (u.offset < skip_until) continue;
    if (out->message_count > 0 &&
        (out->message_count >= (size_t)count_max || out->bytes + (size_t)u.size > bytes_max))
      break;
    if (filter != NULL && !filter(filter_context, u.tags_code)) continue;
    if (commitlog_record(c, u.offset, &record) != STATUS_OK || record.len != (size_t)u.size) {
      if (out->message_count == 0) result = GET_MESSAGE_WAS_REMOVING;
      if (u.offset >= c->files.first) skip_until = segments_start_of(&c->files, u.offset) + c->files.length;
      else skip_until = c->files.first;
      continue;
    }
    if (!part_add(out, record)) break;
    result = GET_FOUND;
    skip_until = INT64_MIN;
  }
  *scanned = i;
  return result;
}

enum get_status store_get(struct store *s, struct span topic, int32_t queue_id, int64_t offset, int32_t count_max,
                          size_t bytes_max, store_filter filter, void *filter_context, struct get_result *out) {
  struct consumequeue *q = queue_find(s, topic, queue_id);
  out->part_count = out->message_count = out->bytes = 0;
  out->fall_behind = 0;
  out->min_offset = q == NULL ? 0 : q->min;
  out->max_offset = q == NULL ? 0 : q->max;
  out->next_offset = offset;
  enum get_status result = offset_check(q, offset, &out->next_offset);
  if (result != GET_FOUND) return result;

  const uint8_t *units;
  int64_t count, scanned, limit = (int64_t)count_max * UNIT_SIZE;
  if (consumequeue_units(q, offset, &units, &count) != STATUS_OK) {
    const int64_t per_file = consumequeue_units_per_file(q);
    out->next_offset = offset - offset % per_file + per_file;
    return GET_OFFSET_FOUND_NULL;
  }
  limit = ((limit > SCAN_BYTES_MIN ? limit : SCAN_BYTES_MIN) + UNIT_SIZE - 1) / UNIT_SIZE;
  result = units_scan(s, units, count < limit ? count : limit, count_max, bytes_max, filter, filter_context, out,
                      &scanned);
  out->next_offset = offset + scanned;
  return result;
}

enum status store_message_at(struct store *s, int64_t physical_offset, struct span *out) {
  return commitlog_record(&s->commitlog, physical_offset, out);
}

int64_t store_time_at(struct store *s, struct span topic, int32_t queue_id, int64_t queue_offset) {
  struct consumequeue *q = queue_find(s, topic, queue_id);
  return q == NULL ? -1 : consumequeue_time_at(q, queue_offset);
}

int64_t store_offset_by_time(struct store *s, struct span topic, int32_t queue_id, int64_t wall_ms) {
  struct consumequeue *q = queue_find(s, topic, queue_id);
  return q == NULL ? 0 : consumequeue_offset_by_time(q, wall_ms);
}

int64_t store_queue_max(struct store *s, struct span topic, int32_t queue_id) {
  struct consumequeue *q = queue_find(s, topic, queue_id);
  return q == NULL ? 0 : q->max;
}

int64_t store_queue_min(struct store *s, struct span topic, int32_t queue_id) {
  struct consumequeue *q = queue_find(s, topic, queue_id);
  return q == NULL ? 0 : q->min;
}

int64_t store_log_min(const struct store *s) { return s->commitlog.files.first; }
int64_t store_log_max(const struct store *s) { return s->commitlog.appended; }
int64_t store_appended(const struct store *s) { return s->commitlog.appended; }

void store_queues(struct store *s, store_each_queue each, void *context) {
  struct consumequeue **list;
  size_t count;
  if (queues_sorted(&s->queues, SPAN_NONE, &list, &count) != STATUS_OK) return;
  for (size_t i = 0; i < count; i++) {
    struct consumequeue *q = list[i];
    if (!q->loaded && consumequeue_load(q, s->commitlog.appended) != STATUS_OK) continue;
    if (q->max > 0) each(context, q->topic, q->id, q->min, q->max);
  }
  free(list);
}
