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

struct scan {
  struct commitlog *commitlog;
  const struct delay_levels *delays;
  struct consumequeue *queue;
  struct get_result *out;
  size_t count_max, bytes_max;
  const struct get_filter *filter;
  enum get_status result;
  int64_t skip_until; /* log offset: a log file is missing, its other units are passed over */
  bool full;
};

/* What an extended unit stands for; false: nobody knows. If the ext unit is not there the log knows the same but for the
 * bit map, where Java sends whatever the tags are. */
static bool extended_read(struct commitlog *c, const struct delay_levels *delays, struct consumequeue *q,
                          const struct unit *u, struct queued *out) {
  struct ext_unit ext;
  struct span record;
  struct message m;
  size_t size;
  if (q->ext != NULL && queue_ext_get(q->ext, u->tags_code, &ext)) {
    *out = (struct queued){ext.tags_code, true, ext.store_ms, ext.bitmap};
    return true;
  }
  if (commitlog_record(c, u->offset, &record) != STATUS_OK) return false;
  if (message_decode(record, false, &m, &size) != STATUS_OK) return false;
  *out = (struct queued){.tags_code = derive_tags_code(delays, m.topic, m.properties, m.store_ms)};
  return true;
}

static bool extended_wanted(struct scan *scan, const struct unit *u) {
  struct queued seen;
  if (!extended_read(scan->commitlog, scan->delays, scan->queue, u, &seen)) return true;
  return scan->filter->by_unit(scan->filter->context, &seen);
}

static bool unit_wanted(struct scan *scan, const struct unit *u) {
  const struct get_filter *f = scan->filter;
  if (f->by_unit == NULL) return true;
  if (ext_is_address(u->tags_code)) return extended_wanted(scan, u);
  return f->by_unit(f->context, &(struct queued){.tags_code = u->tags_code});
}

/* One unit; false: it does not go into this result any more. */
static bool unit_take(struct scan *scan, const struct unit *u) {
  struct commitlog *c = scan->commitlog;
  struct get_result *out = scan->out;
  struct span record;
  out->fall_behind = c->appended - u->offset;
  if (u->offset < scan->skip_until) return true;
  if (out->message_count > 0 &&
      (out->message_count >= scan->count_max || out->bytes + (size_t)u->size > scan->bytes_max))
    return false;
  if (!unit_wanted(scan, u)) return true;
  if (commitlog_record(c, u->offset, &record) != STATUS_OK || record.len != (size_t)u->size) {
    if (out->message_count == 0) scan->result = GET_MESSAGE_WAS_REMOVING;
    scan->skip_until = c->files.first;
    if (u->offset >= c->files.first) scan->skip_until = segments_start_of(&c->files, u->offset) + c->files.length;
    return true;
  }
  const struct get_filter *f = scan->filter;
  if (f->by_record != NULL && !f->by_record(f->context, record)) {
    if (out->message_count == 0) scan->result = GET_NO_MATCHED_MESSAGE;
    return true;
  }
  if (!part_add(out, record)) return false;
  scan->result = GET_FOUND;
  scan->skip_until = INT64_MIN;
  return true;
}

/* Units from offset on, at most `limit`, not past the end of the queue file, as Java looks at one mapped file per
 * call. Returns how many were passed. */
static int64_t units_scan(struct scan *scan, struct consumequeue *q, int64_t offset, int64_t limit) {
  int64_t in_file = consumequeue_units_per_file(q) - offset % consumequeue_units_per_file(q), at = 0;
  if (limit > in_file) limit = in_file;
  while (at < limit && offset + at < q->max && !scan->full) {
    const uint8_t *units;
    int64_t count;
    if (consumequeue_units(q, offset + at, &units, &count) != STATUS_OK) break;
    if (count > limit - at) count = limit - at;
    for (int64_t i = 0; i < count; i++) {
      struct unit u;
      unit_get(units + i * UNIT_SIZE, &u);
      scan->full = !unit_take(scan, &u);
      if (scan->full) break;
      at++;
    }
  }
  return at;
}

enum get_status store_get(struct store *s, struct span topic, int32_t queue_id, int64_t offset, int32_t count_max,
                          size_t bytes_max, store_filter filter, void *filter_context, struct get_result *out) {
  const struct get_filter by_unit = {.by_unit = filter, .context = filter_context};
  return store_get_filtered(s, topic, queue_id, offset, count_max, bytes_max, &by_unit, out);
}

enum get_status store_get_filtered(struct store *s, struct span topic, int32_t queue_id, int64_t offset,
                                   int32_t count_max, size_t bytes_max, const struct get_filter *filter,
                                   struct get_result *out) {
  struct consumequeue *q = queue_find(s, topic, queue_id);
  out->part_count = out->message_count = out->bytes = 0;
  out->fall_behind = 0;
  out->min_offset = q == NULL ? 0 : q->min;
  out->max_offset = q == NULL ? 0 : q->max;
  out->next_offset = offset;
  enum get_status result = offset_check(q, offset, &out->next_offset);
  if (result != GET_FOUND) return result;

  const uint8_t *units;
  int64_t count;
  if (consumequeue_units(q, offset, &units, &count) != STATUS_OK) {
    const int64_t per_file = consumequeue_units_per_file(q);
    out->next_offset = offset - offset % per_file + per_file;
    return GET_OFFSET_FOUND_NULL;
  }
  struct scan scan = {.commitlog = &s->commitlog, .delays = &s->delays, .queue = q, .out = out,
                      .count_max = count_max > 0 ? (size_t)count_max : 0,
                      .bytes_max = bytes_max, .filter = filter,
                      .result = GET_NO_MATCHED_MESSAGE, .skip_until = INT64_MIN};
  int64_t limit = (SCAN_BYTES_MIN + UNIT_SIZE - 1) / UNIT_SIZE;
  out->next_offset = offset + units_scan(&scan, q, offset, limit > count_max ? limit : count_max);
  return scan.result;
}

enum status store_unit_at(struct store *s, struct span topic, int32_t queue_id, int64_t queue_offset,
                          struct store_unit *out) {
  struct consumequeue *q = queue_find(s, topic, queue_id);
  struct unit u;
  struct queued seen;
  if (q == NULL || queue_offset < q->min) return STATUS_NOT_FOUND;
  enum status status = consumequeue_unit(q, queue_offset, &u);
  if (status != STATUS_OK) return status;
  *out = (struct store_unit){u.offset, u.size == BLANK_UNIT_SIZE ? 0 : u.size, u.tags_code};
  if (ext_is_address(u.tags_code))
    out->tags_code = extended_read(&s->commitlog, &s->delays, q, &u, &seen) ? seen.tags_code : 0;
  return STATUS_OK;
}

bool store_ext_at(struct store *s, struct span topic, int32_t queue_id, int64_t queue_offset, struct store_ext *out) {
  struct consumequeue *q = queue_find(s, topic, queue_id);
  struct unit u;
  struct ext_unit ext = {0};
  if (q == NULL || queue_offset < q->min || consumequeue_unit(q, queue_offset, &u) != STATUS_OK) return false;
  if (!ext_is_address(u.tags_code)) return false;
  bool found = q->ext != NULL && queue_ext_get(q->ext, u.tags_code, &ext);
  *out = (struct store_ext){u.tags_code, found, ext.tags_code, ext.store_ms, EXT_UNIT_MIN + (int32_t)ext.bitmap.len,
                            ext.bitmap};
  return true;
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
