/* SPDX-License-Identifier: Apache-2.0
 *
 * QUERY_CONSUME_QUEUE (321): the units of a queue as they are on disk, and what
 * a group's filter makes of them. Agrees with
 * org.apache.rocketmq.broker.processor.AdminBrokerProcessor.queryConsumeQueue.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqbroker/handle/handle.h"

enum { BODY_MAX = 16 << 20, UNITS_MAX = 65536 };

struct view {
  struct broker *broker;
  struct query_consume_queue_request h;
  int64_t min, max;
  const struct client_group *group;        /* NULL: not asked for, or not online */
  const struct subscription *subscription; /* NULL: likewise */
  const struct filter *filter;
};

/* DefaultMessageStore.findConsumeQueue makes a queue of any topic; here it must be one of a topic that exists. */
static bool queue_exists(struct broker *b, const struct query_consume_queue_request *h) {
  if (h->topic.ptr == NULL) return false;
  const struct topic *t = topics_find(&b->topics, h->topic);
  int32_t queues = t == NULL ? 0 : t->write_queues > t->read_queues ? t->write_queues : t->read_queues;
  return (h->queueId >= 0 && h->queueId < queues) || store_queue_max(b->store, h->topic, h->queueId) > 0;
}

static void put_int(struct json_writer *w, const char *key, int64_t v) {
  json_key(w, key);
  json_put_int(w, v);
}

static void put_text_of(struct json_writer *w, const char *key, const struct buf *text) {
  json_key(w, key);
  json_put_span(w, buf_span(text));
}

static void put_filter(struct json_writer *w, const struct view *v) {
  struct buf text;
  struct json_writer inner;
  if (!HEADER_HAS(query_consume_queue_request, &v->h, consumerGroup)) return;
  buf_init(&text, BODY_MAX);
  json_writer_init(&inner, &text, true);
  if (v->subscription == NULL)
    buf_printf(&text, "%.*s@%.*s is not online!", SPAN_ARG(v->h.consumerGroup), SPAN_ARG(v->h.topic));
  else if (v->filter == NULL) buf_put_text(&text, "null");
  else filter_write(&inner, &v->broker->filters, v->filter);
  put_text_of(w, "filterData", &text);
  buf_fini(&text);
}

/* CqExtUnit. */
static void put_extended(struct json_writer *w, const struct store_ext *ext) {
  struct buf text;
  struct json_writer inner;
  buf_init(&text, BODY_MAX);
  json_writer_init(&inner, &text, false);
  json_open_object(&inner);
  put_int(&inner, "bitMapSize", (int64_t)ext->bitmap.len);
  put_int(&inner, "msgStoreTime", ext->store_ms);
  put_int(&inner, "size", ext->size);
  put_int(&inner, "tagsCode", ext->tags_code);
  json_close_object(&inner);
  put_text_of(w, "extendDataJson", &text);
  buf_fini(&text);
}

/* BitsArray.toString: bytes from the last to the first, bits from the highest, in eights. */
static void put_bitmap(struct json_writer *w, struct span bitmap) {
  struct buf text;
  buf_init(&text, BODY_MAX);
  for (size_t i = 0; i < bitmap.len; i++) {
    uint8_t byte = ((const uint8_t *)bitmap.ptr)[bitmap.len - 1 - i];
    if (i > 0) buf_put_u8(&text, ',');
    for (int bit = 7; bit >= 0; bit--) buf_put_u8(&text, (byte >> bit) & 1 ? '1' : '0');
  }
  put_text_of(w, "bitMap", &text);
  buf_fini(&text);
}

/* ExpressionMessageFilter.isMatchedByConsumeQueue */
static bool wants(const struct view *v, const struct store_ext *ext) {
  const struct subscription *s = v->subscription;
  if (s == NULL || s->class_filter) return s != NULL;
  if (span_is(s->expression_type, "TAG") || s->expression_type.len == 0) {
    for (size_t i = 0; i < s->code_count; i++)
      if (s->codes[i] == (int32_t)ext->tags_code) return true;
    return s->code_count == 0;
  }
  return v->filter == NULL || filter_may_pass(&v->broker->filters, v->filter, ext->store_ms, ext->bitmap);
}

static void put_unit(struct json_writer *w, const struct view *v, int64_t index) {
  struct store_unit u;
  struct store_ext ext = {0};
  struct broker *b = v->broker;
  if (store_unit_at(b->store, v->h.topic, v->h.queueId, index, &u) != STATUS_OK) return;
  bool extended = store_ext_at(b->store, v->h.topic, v->h.queueId, index, &ext);
  json_open_object(w);
  if (extended && ext.found && ext.bitmap.len > 0) put_bitmap(w, ext.bitmap);
  json_key(w, "eval");
  json_put_bool(w, extended && ext.found && wants(v, &ext));
  if (extended && ext.found) put_extended(w, &ext);
  if (extended && !ext.found) {
    struct buf text;
    buf_init(&text, BODY_MAX);
    buf_printf(&text, "Cq extend not exist!addr: %lld", (long long)ext.address);
    put_text_of(w, "msg", &text);
    buf_fini(&text);
  }
  put_int(w, "physicOffset", u.physical_offset);
  put_int(w, "physicSize", u.size);
  put_int(w, "tagsCode", extended ? ext.address : u.tags_code);
  json_close_object(w);
}

static void put_subscription(struct json_writer *w, const struct subscription *s) {
  struct subscription_data d = {.topic = s->topic,
                                .sub_string = s->expression,
                                .expression_type = s->expression_type,
                                .tags = s->tags,
                                .tag_count = s->tag_count,
                                .codes = s->codes,
                                .code_count = s->code_count,
                                .sub_version = s->version,
                                .class_filter_mode = s->class_filter};
  json_key(w, "subscriptionData");
  subscription_data_write(w, &d);
}

static void reply_view(struct broker *b, const struct request *rq, const struct view *v) {
  struct buf body;
  struct json_writer w;
  int64_t count = v->h.count < UNITS_MAX ? v->h.count : UNITS_MAX;
  buf_init(&body, BODY_MAX);
  json_writer_init(&w, &body, false);
  json_open_object(&w);
  put_filter(&w, v);
  put_int(&w, "maxQueueIndex", v->max);
  put_int(&w, "minQueueIndex", v->min);
  json_key(&w, "queueData");
  json_open_array(&w);
  for (int64_t i = v->h.index; i < v->max && i - v->h.index < count; i++) put_unit(&w, v, i);
  json_close_array(&w);
  if (v->subscription != NULL) put_subscription(&w, v->subscription);
  json_close_object(&w);
  reply_body(b, rq, &body);
  buf_fini(&body);
}

void handle_query_queue(struct broker *b, const struct request *rq) {
  struct view v = {.broker = b};
  if (!decode_fields(b, rq, &query_consume_queue_request_header, &v.h)) return;
  if (!queue_exists(b, &v.h)) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "%d@%.*s is not exist!", v.h.queueId,
                         SPAN_ARG(v.h.topic));
    return;
  }
  v.min = store_queue_min(b->store, v.h.topic, v.h.queueId);
  v.max = store_queue_max(b->store, v.h.topic, v.h.queueId);
  v.group = clients_consumers(&b->clients, v.h.consumerGroup);
  v.subscription = v.group == NULL ? NULL : client_group_subscription(v.group, v.h.topic);
  v.filter = v.subscription == NULL ? NULL : filters_find(&b->filters, v.h.topic, v.h.consumerGroup);
  if (v.h.index >= v.min && v.h.index < v.max) {
    reply_view(b, rq, &v);
    return;
  }
  struct buf remark;
  buf_init(&remark, BODY_MAX);
  buf_printf(&remark, "Index %lld of %d@%.*s is not exist!", (long long)v.h.index, v.h.queueId, SPAN_ARG(v.h.topic));
  remoting_reply(b->remoting, &rq->to, &(struct reply_out){.code = RESPONSE_SUCCESS, .remark = buf_span(&remark)});
  buf_fini(&remark);
}
