/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients come, beat and go: HEART_BEAT (34), UNREGISTER_CLIENT (35),
 * CHECK_CLIENT_CONFIG (46), and who is there: 38, 203, 204. Agrees with
 * org.apache.rocketmq.broker.processor.{ClientManageProcessor,ConsumerManageProcessor}.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqbroker/handle/handle.h"

#include <stdio.h>

enum { UNIT_SUB_FLAG = 2, BODY_MAX = 64 << 20 };

/* Every consumer group has its retry topic (createTopicInSendMessageBackMethod). */
static void ensure_retry_topic(struct broker *b, const struct consumer_data *c, int32_t queues, struct moment now) {
  char name[TOPIC_LENGTH_MAX + 1];
  int n = snprintf(name, sizeof name, "%s%.*s", RETRY_TOPIC_PREFIX, SPAN_ARG(c->group));
  if (n < 0 || n >= (int)sizeof name) {
    log_warn(b->log, "group name %.*s is too long for a retry topic", SPAN_ARG(c->group));
    return;
  }
  struct span topic = span_of(name, (size_t)n);
  if (topics_find(&b->topics, topic) != NULL) return;
  topics_create_plain(&b->topics, topic, queues, PERM_READ | PERM_WRITE, c->unit_mode ? UNIT_SUB_FLAG : 0, now, b->log);
  broker_topics_changed(b);
}

static enum status register_consumer(struct broker *b, const struct request *rq, const struct consumer_data *c,
                                     struct span client_id) {
  const struct group *g = groups_find_or_create(&b->groups, c->group, b->settings->autoCreateSubscriptionGroup, rq->now,
                                                b->log);
  if (g != NULL) ensure_retry_topic(b, c, g->retry_queues, rq->now);
  enum status status = clients_register_consumer(&b->clients, c, client_id, rq->to.conn, rq->cmd->language,
                                                 rq->cmd->version, rq->now, broker_notify_group, b);
  if (status == STATUS_OK) filters_register(&b->filters, c, rq->now, b->log);
  return status;
}

void handle_heartbeat(struct broker *b, const struct request *rq) {
  struct heartbeat h;
  const char *why = NULL;
  enum status status = heartbeat_read(rq->cmd->body, &b->arena, &h, &why);
  if (status == STATUS_OK && h.client_id.len == 0) {
    status = STATUS_INVALID;
    why = "clientID is missing";
  }
  for (size_t i = 0; status == STATUS_OK && i < h.producer_count; i++)
    status = clients_register_producer(&b->clients, h.producer_groups[i], h.client_id, rq->to.conn, rq->cmd->language,
                                       rq->cmd->version, rq->now);
  for (size_t i = 0; status == STATUS_OK && i < h.consumer_count; i++)
    status = register_consumer(b, rq, &h.consumers[i], h.client_id);
  if (status == STATUS_OK) reply_ok(b, rq);
  else
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "HeartbeatData: %s",
                         why == NULL ? status_text(status) : why);
}

void handle_unregister_client(struct broker *b, const struct request *rq) {
  struct unregister_client_request h;
  if (!decode_fields(b, rq, &unregister_client_request_header, &h)) return;
  if (h.producerGroup.ptr != NULL) clients_unregister_producer(&b->clients, h.producerGroup, rq->to.conn);
  if (h.consumerGroup.ptr != NULL) {
    locks_drop_member(&b->locks, rq->to.conn, h.consumerGroup);
    clients_unregister_consumer(&b->clients, h.consumerGroup, rq->to.conn, broker_notify_group, b);
  }
  reply_ok(b, rq);
}

/* Java says no more than "Invalid MessageSelector." */
static void check_sql(struct broker *b, const struct request *rq, struct span text) {
  const struct sql *program;
  struct sql_error error = {0, ""};
  enum status status = sql_cache_get(&b->filters.cache, text, &b->filters.limits, &program, &error);
  if (status == STATUS_OK) reply_ok(b, rq);
  else
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SUBSCRIPTION_PARSE_FAILED,
                         "Invalid MessageSelector. Character %zu: %s", error.at, error.text);
}

/* Only push consumers with an expression other than TAG ask. */
void handle_check_client_config(struct broker *b, const struct request *rq) {
  struct json *body;
  const char *why = NULL;
  if (json_parse(rq->cmd->body, &JSON_LIMITS_DEFAULT, &b->arena, &body, &why, NULL) != STATUS_OK ||
      body->kind == JSON_NULL) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "CheckClientRequestBody: %s",
                         why == NULL ? "there is none" : why);
    return;
  }
  const struct json *subscription = json_member(body, "subscriptionData");
  struct span type = subscription == NULL ? SPAN_NONE : json_text(json_member(subscription, "expressionType"));
  if (type.len == 0 || span_is(type, "TAG")) reply_ok(b, rq);
  else if (!b->settings->enablePropertyFilter || !span_is(type, "SQL92"))
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR,
                         "The broker does not support consumer to filter message by %.*s", SPAN_ARG(type));
  else check_sql(b, rq, json_text(json_member(subscription, "subString")));
}

void handle_consumer_list(struct broker *b, const struct request *rq) {
  struct get_consumer_list_by_group_request h;
  if (!decode_fields(b, rq, &get_consumer_list_by_group_request_header, &h)) return;
  const struct client_group *g = clients_consumers(&b->clients, h.consumerGroup);
  struct span *ids = g == NULL ? NULL : arena_zalloc(&b->arena, g->member_count, sizeof *ids);
  if (ids == NULL) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "no consumer for this group, %.*s",
                         SPAN_ARG(h.consumerGroup));
    return;
  }
  size_t n = 0;
  const struct member *m;
  TAILQ_FOREACH(m, &g->members, in_group) ids[n++] = m->client_id;
  struct buf body;
  buf_init(&body, BODY_MAX);
  name_list_write(&body, "consumerIdList", ids, n, SPAN_NONE);
  reply_body(b, rq, &body);
  buf_fini(&body);
}

static void write_connections(struct broker *b, struct json_writer *w, const struct client_group *g) {
  json_key(w, "connectionSet");
  json_open_array(w);
  const struct member *m;
  TAILQ_FOREACH(m, &g->members, in_group) {
    struct net_peer peer;
    char addr[NET_PEER_TEXT_MAX] = "";
    if (remoting_peer(b->remoting, m->conn, &peer) == STATUS_OK) net_peer_text(&peer, addr);
    json_open_object(w);
    json_key(w, "clientAddr");
    json_put_text(w, addr);
    json_key(w, "clientId");
    json_put_span(w, m->client_id);
    json_key(w, "language");
    json_put_text(w, language_name(m->language));
    json_key(w, "version");
    json_put_int(w, m->version);
    json_close_object(w);
  }
  json_close_array(w);
}

static void write_enum(struct json_writer *w, const char *key, int value, const char *const *names, int count) {
  if (value < 0 || value >= count) return; /* Java null: omitted */
  json_key(w, key);
  json_put_text(w, names[value]);
}

static void write_subscriptions(struct json_writer *w, const struct client_group *g) {
  json_key(w, "subscriptionTable");
  json_open_object(w);
  for (struct map_entry *e = map_first(&g->subscriptions); e != NULL; e = map_next(&g->subscriptions, e)) {
    const struct subscription *s = e->value;
    struct subscription_data d = {.topic = s->topic,
                                  .sub_string = s->expression,
                                  .expression_type = s->expression_type,
                                  .tags = s->tags,
                                  .tag_count = s->tag_count,
                                  .codes = s->codes,
                                  .code_count = s->code_count,
                                  .sub_version = s->version,
                                  .class_filter_mode = s->class_filter};
    json_key_span(w, s->topic);
    subscription_data_write(w, &d);
  }
  json_close_object(w);
}

/* ConsumerConnection, or ProducerConnection, which is its first member alone. */
static void reply_connections(struct broker *b, const struct request *rq, const struct client_group *g) {
  struct buf body;
  struct json_writer w;
  buf_init(&body, BODY_MAX);
  json_writer_init(&w, &body, false);
  json_open_object(&w);
  write_connections(b, &w, g);
  if (g->consumers) {
    write_enum(&w, "consumeFromWhere", g->consume_from, consume_from_names, 6);
    write_enum(&w, "consumeType", g->consume_type, consume_type_names, 2);
    write_enum(&w, "messageModel", g->message_model, message_model_names, 2);
    write_subscriptions(&w, g);
  }
  json_close_object(&w);
  reply_body(b, rq, &body);
  buf_fini(&body);
}

void handle_consumer_connections(struct broker *b, const struct request *rq) {
  struct get_consumer_connection_list_request h;
  if (!decode_fields(b, rq, &get_consumer_connection_list_request_header, &h)) return;
  const struct client_group *g = clients_consumers(&b->clients, h.consumerGroup);
  if (g == NULL) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_CONSUMER_NOT_ONLINE, "the consumer group[%.*s] not online",
                         SPAN_ARG(h.consumerGroup));
    return;
  }
  reply_connections(b, rq, g);
}

void handle_producer_connections(struct broker *b, const struct request *rq) {
  struct get_producer_connection_list_request h;
  if (!decode_fields(b, rq, &get_producer_connection_list_request_header, &h)) return;
  const struct client_group *g = clients_producers(&b->clients, h.producerGroup);
  if (g == NULL) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "the producer group[%.*s] not exist",
                         SPAN_ARG(h.producerGroup));
    return;
  }
  reply_connections(b, rq, g);
}
