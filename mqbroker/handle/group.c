/* SPDX-License-Identifier: Apache-2.0
 *
 * Consumer groups: 200, 201, 207, 208, 317. Agrees with
 * org.apache.rocketmq.broker.processor.AdminBrokerProcessor.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqbroker/handle/handle.h"

enum { BODY_MAX = 256 << 20 };

void handle_update_group(struct broker *b, const struct request *rq) {
  if (refuse_change(b, rq)) return;
  struct json *config;
  const char *why = NULL;
  enum status status = json_parse(rq->cmd->body, &JSON_LIMITS_DEFAULT, &b->arena, &config, &why, NULL);
  if (status == STATUS_OK) status = groups_put(&b->groups, config, rq->now);
  if (status == STATUS_OK) member_reply(&b->member, &rq->to, rq->now);
  else
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "SubscriptionGroupConfig: %s",
                         why == NULL ? status_text(status) : why);
}

void handle_all_groups(struct broker *b, const struct request *rq) {
  struct buf body;
  struct json_writer w;
  buf_init(&body, BODY_MAX);
  json_writer_init(&w, &body, false);
  groups_write(&b->groups, &w);
  reply_body(b, rq, &body);
  buf_fini(&body);
}

void handle_delete_group(struct broker *b, const struct request *rq) {
  if (refuse_change(b, rq)) return;
  struct delete_subscription_group_request h;
  if (!decode_fields(b, rq, &delete_subscription_group_request_header, &h)) return;
  if (groups_remove(&b->groups, h.groupName, rq->now)) {
    log_info(b->log, "consumer group %.*s deleted", SPAN_ARG(h.groupName));
    tally_forget(&b->tally, SPAN_NONE, h.groupName);
  }
  member_reply(&b->member, &rq->to, rq->now);
}

/* Returns by how much the group is behind. */
static int64_t write_queue(struct broker *b, struct json_writer *w, struct span topic, struct span group,
                           int32_t queue_id) {
  int64_t max = store_queue_max(b->store, topic, queue_id);
  int64_t consumed = offsets_get(&b->offsets, group, topic, queue_id);
  if (consumed < 0) consumed = 0;
  int64_t last = consumed > 0 ? store_time_at(b->store, topic, queue_id, consumed - 1) : 0;
  struct message_queue q = {topic, span_text(b->settings->brokerName), queue_id};
  message_queue_write(w, &q);
  json_key_value(w);
  json_open_object(w);
  json_key(w, "brokerOffset");
  json_put_int(w, max);
  json_key(w, "consumerOffset");
  json_put_int(w, consumed);
  json_key(w, "lastTimestamp");
  json_put_int(w, last < 0 ? 0 : last);
  json_close_object(w);
  return max - consumed;
}

/* A topic counts if the group is subscribed to it, or is not online at all. */
static bool counts(const struct broker *b, struct span group, struct span topic) {
  const struct client_group *g = clients_consumers(&b->clients, group);
  return g == NULL || map_count(&g->subscriptions) == 0 || client_group_subscription(g, topic) != NULL;
}

/* The topics in which the group left an offset (ConsumerOffsetManager.whichTopicByConsumer), in the arena. */
static const struct span *topics_of_group(struct broker *b, struct span group, size_t *count) {
  struct span *topics = arena_zalloc(&b->arena, map_count(&b->offsets.table) + 1, sizeof *topics);
  *count = 0;
  for (struct map_entry *e = map_first(&b->offsets.table); topics != NULL && e != NULL;
       e = map_next(&b->offsets.table, e)) {
    const struct offset_table *o = e->value;
    if (span_equal(o->group, group)) topics[(*count)++] = o->topic;
  }
  return topics;
}

void handle_consume_stats(struct broker *b, const struct request *rq) {
  struct get_consume_stats_request h;
  if (!decode_fields(b, rq, &get_consume_stats_request_header, &h)) return;
  size_t count = 1;
  const struct span *topics = span_trim(h.topic).len > 0 ? &h.topic : topics_of_group(b, h.consumerGroup, &count);
  struct buf body;
  struct json_writer w;
  double rate = 0.0;
  buf_init(&body, BODY_MAX);
  json_writer_init(&w, &body, false);
  for (size_t i = 0; topics != NULL && i < count; i++)
    if (topics_find(&b->topics, topics[i]) != NULL && counts(b, h.consumerGroup, topics[i]))
      rate += tally_get_rate(&b->tally, topics[i], h.consumerGroup);
  json_open_object(&w);
  json_key(&w, "consumeTps");
  json_put_double(&w, rate);
  json_key(&w, "offsetTable");
  json_open_inline_map(&w);
  for (size_t i = 0; topics != NULL && i < count; i++) {
    const struct topic *t = topics_find(&b->topics, topics[i]);
    if (t == NULL || !counts(b, h.consumerGroup, t->name)) continue;
    for (int32_t q = 0; q < t->read_queues; q++) write_queue(b, &w, t->name, h.consumerGroup, q);
  }
  json_close_object(&w);
  json_close_object(&w);
  reply_body(b, rq, &body);
  buf_fini(&body);
}

/* ConsumeStats of a group in a topic; returns by how much it is behind. */
static int64_t write_stats(struct broker *b, struct json_writer *w, const struct topic *t, struct span group) {
  int64_t behind = 0;
  json_open_object(w);
  json_key(w, "consumeTps");
  json_put_double(w, tally_get_rate(&b->tally, t->name, group));
  json_key(w, "offsetTable");
  json_open_inline_map(w);
  for (int32_t q = 0; q < t->write_queues; q++) behind += write_queue(b, w, t->name, group, q);
  json_close_object(w);
  json_close_object(w);
  return behind;
}

static int64_t write_group(struct broker *b, struct json_writer *w, struct span group, bool ordered_only) {
  size_t count;
  int64_t behind = 0;
  const struct span *topics = topics_of_group(b, group, &count);
  json_open_object(w);
  json_key_span(w, group);
  json_open_array(w);
  for (size_t i = 0; topics != NULL && i < count; i++) {
    const struct topic *t = topics_find(&b->topics, topics[i]);
    if (t != NULL && (t->order || !ordered_only) && counts(b, group, t->name)) behind += write_stats(b, w, t, group);
  }
  json_close_array(w);
  json_close_object(w);
  arena_reset(&b->arena); /* thousands of groups would not fit */
  return behind;
}

/* fetchAllConsumeStatsInBroker */
void handle_all_consume_stats(struct broker *b, const struct request *rq) {
  struct get_consume_stats_in_broker h;
  if (!decode_fields(b, rq, &get_consume_stats_in_broker_header, &h)) return;
  struct buf body;
  struct json_writer w;
  char address[NET_PEER_TEXT_MAX];
  int64_t behind = 0;
  buf_init(&body, BODY_MAX);
  json_writer_init(&w, &body, false);
  net_peer_text(&b->address, address);
  json_open_object(&w);
  json_key(&w, "brokerAddr");
  json_put_text(&w, address);
  json_key(&w, "consumeStatsList");
  json_open_array(&w);
  for (struct map_entry *e = map_first(&b->groups.table); e != NULL; e = map_next(&b->groups.table, e))
    behind += write_group(b, &w, e->key, h.isOrder);
  json_close_array(&w);
  json_key(&w, "totalDiff");
  json_put_int(&w, behind);
  json_close_object(&w);
  reply_body(b, rq, &body);
  buf_fini(&body);
}
