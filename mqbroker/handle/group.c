/* SPDX-License-Identifier: Apache-2.0
 *
 * Consumer groups: 200, 201, 207, 208. Agrees with
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
  if (groups_remove(&b->groups, h.groupName, rq->now))
    log_info(b->log, "consumer group %.*s deleted", SPAN_ARG(h.groupName));
  member_reply(&b->member, &rq->to, rq->now);
}

static void write_queue(struct broker *b, struct json_writer *w, const struct offset_table *o, int32_t queue_id,
                        struct span group) {
  int64_t max = store_queue_max(b->store, o->topic, queue_id);
  int64_t consumed = offsets_get(&b->offsets, group, o->topic, queue_id);
  if (consumed < 0) consumed = 0;
  int64_t last = consumed > 0 ? store_time_at(b->store, o->topic, queue_id, consumed - 1) : 0;
  struct message_queue q = {o->topic, span_text(b->settings->brokerName), queue_id};
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
}

/* A topic counts if the group is subscribed to it, or is not online at all (then every offset it left counts). */
static bool counts(const struct broker *b, const struct get_consume_stats_request *h, const struct offset_table *o) {
  if (!span_equal(o->group, h->consumerGroup)) return false;
  if (h->topic.len > 0) return span_equal(o->topic, h->topic);
  const struct client_group *g = clients_consumers(&b->clients, h->consumerGroup);
  return g == NULL || client_group_subscription(g, o->topic) != NULL;
}

void handle_consume_stats(struct broker *b, const struct request *rq) {
  struct get_consume_stats_request h;
  if (!decode_fields(b, rq, &get_consume_stats_request_header, &h)) return;
  struct buf body;
  struct json_writer w;
  buf_init(&body, BODY_MAX);
  json_writer_init(&w, &body, false);
  json_open_object(&w);
  json_key(&w, "consumeTps");
  json_put_double(&w, stats_group_rate(&b->stats, h.consumerGroup));
  json_key(&w, "offsetTable");
  json_open_inline_map(&w);
  for (struct map_entry *e = map_first(&b->offsets.table); e != NULL; e = map_next(&b->offsets.table, e)) {
    const struct offset_table *o = e->value;
    const struct topic *t = topics_find(&b->topics, o->topic);
    if (t == NULL || !counts(b, &h, o)) continue;
    for (int32_t i = 0; i < t->read_queues; i++) write_queue(b, &w, o, i, h.consumerGroup);
  }
  json_close_object(&w);
  json_close_object(&w);
  reply_body(b, rq, &body);
  buf_fini(&body);
}
