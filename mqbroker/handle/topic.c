/* SPDX-License-Identifier: Apache-2.0
 *
 * Topics: 17, 21, 202, 215, 300, 305. Agrees with
 * org.apache.rocketmq.broker.processor.AdminBrokerProcessor.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqbroker/handle/handle.h"

enum { BODY_MAX = 256 << 20, QUEUES_MAX = OFFSET_QUEUE_MAX };

void handle_update_topic(struct broker *b, const struct request *rq) {
  if (refuse_change(b, rq)) return;
  struct create_topic_request h;
  if (!decode_fields(b, rq, &create_topic_request_header, &h)) return;
  const char *why = NULL;
  bool multi = span_is(h.topicFilterType, "MULTI_TAG");
  if (!multi && !span_is(h.topicFilterType, "SINGLE_TAG")) why = "topicFilterType must be SINGLE_TAG or MULTI_TAG";
  else if (span_equal(h.topic, span_text(b->settings->brokerClusterName))) why = "it is conflict with system topic";
  else if (span_is(h.topic, AUTO_CREATE_TOPIC))
    why = "it is conflict with AUTO_CREATE_TOPIC_KEY_TOPIC"; /* TopicValidator */
  else if (h.readQueueNums < 0 || h.writeQueueNums < 0 || h.readQueueNums > QUEUES_MAX || h.writeQueueNums > QUEUES_MAX)
    why = "the number of queues must be 0 to 65536";
  else if (h.perm < 0 || h.perm > 15) why = "perm must be a sum of 1 (inherit), 2 (write) and 4 (read)";
  else topic_name_valid(h.topic, &why);
  if (why != NULL) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "topic[%.*s]: %s", SPAN_ARG(h.topic), why);
    return;
  }
  const struct topic *old = topics_find(&b->topics, h.topic);
  struct topic_config c = {.name = h.topic,
                           .read_queues = h.readQueueNums,
                           .write_queues = h.writeQueueNums,
                           .perm = h.perm,
                           .multi_tag = multi,
                           .sys_flag = HEADER_HAS(create_topic_request, &h, topicSysFlag) ? h.topicSysFlag : 0,
                           .order = old != NULL && old->order};
  enum status status = topics_put(&b->topics, &c, rq->now);
  if (status != STATUS_OK) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "topic[%.*s]: %s", SPAN_ARG(h.topic),
                         status_text(status));
    return;
  }
  broker_topics_changed(b);
  member_reply(&b->member, &rq->to, rq->now);
}

void handle_delete_topic(struct broker *b, const struct request *rq) {
  if (refuse_change(b, rq)) return;
  struct delete_topic_request h;
  if (!decode_fields(b, rq, &delete_topic_request_header, &h)) return;
  if (topics_is_system(&b->topics, h.topic)) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "topic[%.*s] is a system topic",
                         SPAN_ARG(h.topic));
    return;
  }
  if (topics_remove(&b->topics, h.topic, rq->now)) {
    log_info(b->log, "topic %.*s deleted", SPAN_ARG(h.topic));
    tally_forget(&b->tally, h.topic, SPAN_NONE);
    broker_topics_changed(b);
  }
  enum status status = store_delete_topic(b->store, h.topic);
  if (status == STATUS_OK || status == STATUS_NOT_FOUND) member_reply(&b->member, &rq->to, rq->now);
  else
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR,
                         "the queues of topic[%.*s] could not be removed: %s", SPAN_ARG(h.topic), status_text(status));
}

void handle_all_topics(struct broker *b, const struct request *rq) {
  struct topic_table table;
  struct buf body;
  struct json_writer w;
  if (topics_snapshot(&b->topics, 0, PERM_READ | PERM_WRITE, &b->arena, &table) != STATUS_OK) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "out of memory");
    return;
  }
  buf_init(&body, BODY_MAX);
  json_writer_init(&w, &body, false);
  topic_table_write(&w, &table);
  reply_body(b, rq, &body);
  buf_fini(&body);
}

void handle_system_topics(struct broker *b, const struct request *rq) {
  size_t n = 0;
  struct span *names = arena_zalloc(&b->arena, map_count(&b->topics.systems), sizeof *names);
  for (struct map_entry *e = map_first(&b->topics.systems); names != NULL && e != NULL;
       e = map_next(&b->topics.systems, e))
    names[n++] = e->key;
  struct buf body;
  buf_init(&body, BODY_MAX);
  name_list_write(&body, "topicList", names, n, SPAN_NONE);
  reply_body(b, rq, &body);
  buf_fini(&body);
}

static void write_queue_stats(struct broker *b, struct json_writer *w, const struct topic *t, int32_t queue_id) {
  int64_t min = store_queue_min(b->store, t->name, queue_id), max = store_queue_max(b->store, t->name, queue_id);
  struct message_queue q = {t->name, span_text(b->settings->brokerName), queue_id};
  message_queue_write(w, &q);
  json_key_value(w);
  json_open_object(w);
  json_key(w, "lastUpdateTimestamp");
  json_put_int(w, max > min ? store_time_at(b->store, t->name, queue_id, max - 1) : 0);
  json_key(w, "maxOffset");
  json_put_int(w, max);
  json_key(w, "minOffset");
  json_put_int(w, min);
  json_close_object(w);
}

void handle_topic_stats(struct broker *b, const struct request *rq) {
  struct get_topic_stats_info_request h;
  if (!decode_fields(b, rq, &get_topic_stats_info_request_header, &h)) return;
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
  json_key(&w, "offsetTable");
  json_open_inline_map(&w);
  for (int32_t i = 0; i < t->write_queues; i++) write_queue_stats(b, &w, t, i);
  json_close_object(&w);
  json_close_object(&w);
  reply_body(b, rq, &body);
  buf_fini(&body);
}

/* Groups that are online with a subscription, and those that left an offset. */
void handle_topic_consumers(struct broker *b, const struct request *rq) {
  struct query_topic_consume_by_who_request h;
  if (!decode_fields(b, rq, &query_topic_consume_by_who_request_header, &h)) return;
  size_t n = 0;
  struct span *names = arena_zalloc(&b->arena, map_count(&b->clients.consumers) + map_count(&b->offsets.table),
                                    sizeof *names);
  if (names == NULL) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "out of memory");
    return;
  }
  for (struct map_entry *e = map_first(&b->clients.consumers); e != NULL; e = map_next(&b->clients.consumers, e))
    if (client_group_subscription(e->value, h.topic) != NULL) names[n++] = e->key;
  for (struct map_entry *e = map_first(&b->offsets.table); e != NULL; e = map_next(&b->offsets.table, e)) {
    const struct offset_table *o = e->value;
    const struct client_group *online = clients_consumers(&b->clients, o->group);
    bool listed = online != NULL && client_group_subscription(online, h.topic) != NULL;
    if (span_equal(o->topic, h.topic) && !listed) names[n++] = o->group;
  }
  struct buf body;
  buf_init(&body, BODY_MAX);
  name_list_write(&body, "groupList", names, n, SPAN_NONE);
  reply_body(b, rq, &body);
  buf_fini(&body);
}
