/* SPDX-License-Identifier: Apache-2.0
 *
 * Where groups are, for tools: QUERY_CONSUME_TIME_SPAN (303),
 * QUERY_CORRECTION_OFFSET (308), CLONE_GROUP_OFFSET (314). Agrees with
 * org.apache.rocketmq.broker.processor.AdminBrokerProcessor and
 * org.apache.rocketmq.broker.offset.ConsumerOffsetManager, except that 308 does
 * not forget the offsets of the groups it is to leave out, as Java does.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqbroker/handle/handle.h"

#include <stdio.h>

enum { BODY_MAX = 64 << 20, DATE_MAX = 160 };

/* ---- 303 ---- */

/* "1970-01-01#00:00:00:001" in local time: days to a date by the calendar's 400-year cycle (Howard Hinnant's). */
static void put_date(struct json_writer *w, const char *key, int64_t wall_ms, int32_t utc_offset_s) {
  int64_t ms = wall_ms + (int64_t)utc_offset_s * 1000, day_ms = INT64_C(86400000);
  int64_t days = ms / day_ms - (ms % day_ms < 0), rest = ms - days * day_ms;
  int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int64_t mp = (5 * doy + 2) / 153, month = mp < 10 ? mp + 3 : mp - 9, year = yoe + era * 400 + (month <= 2);
  char text[DATE_MAX];
  snprintf(text, sizeof text, "%04lld-%02lld-%02lld#%02lld:%02lld:%02lld:%03lld", (long long)year, (long long)month,
           (long long)(doy - (153 * mp + 2) / 5 + 1), (long long)(rest / 3600000), (long long)(rest / 60000 % 60),
           (long long)(rest / 1000 % 60), (long long)(rest % 1000));
  json_key(w, key);
  json_put_text(w, text);
}

static void put_int(struct json_writer *w, const char *key, int64_t v) {
  json_key(w, key);
  json_put_int(w, v);
}

static void write_span(struct broker *b, struct json_writer *w, const struct topic *t, struct span group, int32_t id,
                       struct moment now) {
  int64_t first = store_time_at(b->store, t->name, id, store_queue_min(b->store, t->name, id));
  int64_t max = store_queue_max(b->store, t->name, id), last = store_time_at(b->store, t->name, id, max - 1);
  int64_t offset = offsets_get(&b->offsets, group, t->name, id);
  int64_t consumed = offset > 0 ? store_time_at(b->store, t->name, id, offset - 1) : first;
  int64_t delay = offset < max ? now.wall_ms - store_time_at(b->store, t->name, id, offset) : 0;
  struct message_queue q = {t->name, span_text(b->settings->brokerName), id};
  json_open_object(w);
  put_int(w, "consumeTimeStamp", consumed);
  put_date(w, "consumeTimeStampStr", consumed, b->utc_offset_s);
  put_int(w, "delayTime", delay);
  put_int(w, "maxTimeStamp", last);
  put_date(w, "maxTimeStampStr", last, b->utc_offset_s);
  json_key(w, "messageQueue");
  message_queue_write(w, &q);
  put_int(w, "minTimeStamp", first);
  put_date(w, "minTimeStampStr", first, b->utc_offset_s);
  json_close_object(w);
}

void handle_consume_time_span(struct broker *b, const struct request *rq) {
  struct query_consume_time_span_request h;
  if (!decode_fields(b, rq, &query_consume_time_span_request_header, &h)) return;
  const struct topic *t = topics_find(&b->topics, h.topic);
  if (t == NULL) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_TOPIC_NOT_EXIST, "topic[%.*s] not exist", SPAN_ARG(h.topic));
    return;
  }
  struct buf body;
  struct json_writer w;
  buf_init(&body, BODY_MAX);
  json_writer_init(&w, &body, false);
  json_open_object(&w);
  json_key(&w, "consumeTimeSpanSet");
  json_open_array(&w);
  for (int32_t i = 0; i < t->write_queues; i++) write_span(b, &w, t, h.group, i, rq->now);
  json_close_array(&w);
  json_close_object(&w);
  reply_body(b, rq, &body);
  buf_fini(&body);
}

/* ---- 308 ---- */

static bool is_listed(struct span list, struct span name) {
  while (list.len > 0) {
    const uint8_t *comma = memchr(list.ptr, ',', list.len);
    size_t len = comma == NULL ? list.len : (size_t)(comma - (const uint8_t *)list.ptr);
    if (span_equal(span_of(list.ptr, len), name)) return true;
    list = span_from(list, comma == NULL ? list.len : len + 1);
  }
  return false;
}

/* The least offset of the groups that still have something to read there; -1: no group does. */
static int64_t least_offset(struct broker *b, struct span topic, struct span left_out, int32_t queue_id) {
  int64_t least = -1, min = store_queue_min(b->store, topic, queue_id);
  for (struct map_entry *e = map_first(&b->offsets.table); e != NULL; e = map_next(&b->offsets.table, e)) {
    const struct offset_table *o = e->value;
    if (!span_equal(o->topic, topic) || is_listed(left_out, o->group) || queue_id >= o->count) continue;
    int64_t offset = o->offsets[queue_id];
    if (offset >= 0 && offset >= min && (least < 0 || offset < least)) least = offset;
  }
  return least;
}

static int32_t widest(const struct broker *b, struct span topic) {
  int32_t count = 0;
  for (struct map_entry *e = map_first(&b->offsets.table); e != NULL; e = map_next(&b->offsets.table, e)) {
    const struct offset_table *o = e->value;
    if (span_equal(o->topic, topic) && o->count > count) count = o->count;
  }
  return count;
}

/* Java looks for the group to compare with under topic and group exchanged, so it never finds one. */
void handle_correction_offset(struct broker *b, const struct request *rq) {
  struct query_correction_offset h;
  if (!decode_fields(b, rq, &query_correction_offset_header, &h)) return;
  struct buf body;
  struct json_writer w;
  buf_init(&body, BODY_MAX);
  json_writer_init(&w, &body, false);
  json_open_object(&w);
  json_key(&w, "correctionOffsets");
  json_open_inline_map(&w);
  int32_t count = widest(b, h.topic);
  for (int32_t i = 0; i < count; i++) {
    int64_t offset = least_offset(b, h.topic, h.filterGroups, i);
    if (offset < 0) continue;
    json_key_int(&w, i);
    json_put_int(&w, offset);
  }
  json_close_object(&w);
  json_close_object(&w);
  reply_body(b, rq, &body);
  buf_fini(&body);
}

/* ---- 314 ---- */

static bool may_clone(const struct broker *b, const struct clone_group_offset_request *h, struct span topic) {
  if (topics_find(&b->topics, topic) == NULL) return false;
  const struct client_group *g = clients_consumers(&b->clients, h->srcGroup);
  bool elsewhere = g != NULL && map_count(&g->subscriptions) > 0 && client_group_subscription(g, topic) == NULL;
  return h->offline || !elsewhere;
}

static enum status clone(struct broker *b, const struct clone_group_offset_request *h, struct span topic) {
  const struct offset_table *o = offsets_find(&b->offsets, h->srcGroup, topic);
  enum status status = STATUS_OK;
  for (int32_t i = 0; o != NULL && status == STATUS_OK && i < o->count; i++)
    if (o->offsets[i] >= 0) status = offsets_set(&b->offsets, h->destGroup, topic, i, o->offsets[i]);
  return status;
}

void handle_clone_offsets(struct broker *b, const struct request *rq) {
  struct clone_group_offset_request h;
  if (refuse_change(b, rq) || !decode_fields(b, rq, &clone_group_offset_request_header, &h)) return;
  size_t count = 0;
  struct span *topics = arena_zalloc(&b->arena, map_count(&b->offsets.table) + 1, sizeof *topics);
  enum status status = topics == NULL ? STATUS_NO_MEMORY : STATUS_OK;
  if (topics != NULL && span_trim(h.topic).len > 0) topics[count++] = h.topic;
  else /* all that the group read; a list, for the table grows */
    for (struct map_entry *e = map_first(&b->offsets.table); topics != NULL && e != NULL;
         e = map_next(&b->offsets.table, e)) {
      const struct offset_table *o = e->value;
      if (span_equal(o->group, h.srcGroup)) topics[count++] = o->topic;
    }
  for (size_t i = 0; status == STATUS_OK && i < count; i++)
    if (may_clone(b, &h, topics[i])) status = clone(b, &h, topics[i]);
  if (status == STATUS_OK) reply_ok(b, rq);
  else remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "offsets not stored: %s", status_text(status));
}
