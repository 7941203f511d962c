/* SPDX-License-Identifier: Apache-2.0
 *
 * An operator wants a group's clients to go elsewhere, or to say where they
 * are: INVOKE_BROKER_TO_RESET_OFFSET (222), which tells every client (220), and
 * INVOKE_BROKER_TO_GET_CONSUMER_STATUS (223), which asks them (221). Agrees
 * with org.apache.rocketmq.broker.client.net.Broker2Client.{resetOffset,getConsumeStatus},
 * which asks one client after the other; here all are asked at once.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqbroker/handle/handle.h"

#include <stdlib.h>

#define VERSION_3_0_7 28 /* from here on clients know 220 and 221 */

enum { BODY_MAX = 64 << 20, STATUS_TIMEOUT_MS = 5000 };

/* ---- 222 ---- */

/* Where the group shall be in each queue of the topic, in the arena. NULL: answered. */
static int64_t *wanted_offsets(struct broker *b, const struct request *rq, const struct reset_offset_request *h,
                               const struct topic *t) {
  int64_t *offsets = arena_zalloc(&b->arena, (size_t)t->write_queues + 1, sizeof *offsets);
  if (offsets == NULL) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "out of memory");
    return NULL;
  }
  for (int32_t i = 0; i < t->write_queues; i++) {
    int64_t consumed = offsets_get(&b->offsets, h->group, t->name, i);
    if (consumed < 0) {
      remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "THe consumer group <%.*s> not exist",
                           SPAN_ARG(h->group));
      return NULL;
    }
    int64_t then = h->timestamp == -1 ? store_queue_max(b->store, t->name, i)
                                      : store_offset_by_time(b->store, t->name, i, h->timestamp);
    if (then < 0) then = 0;
    offsets[i] = h->isForce || then < consumed ? then : consumed;
  }
  return offsets;
}

/* ResetOffsetBody; C++ clients read no objects as keys and get ResetOffsetBodyForC. */
static void write_offsets(struct broker *b, struct buf *out, const struct topic *t, const int64_t *offsets,
                          bool for_cpp) {
  struct json_writer w;
  json_writer_init(&w, out, false);
  json_open_object(&w);
  json_key(&w, "offsetTable");
  if (for_cpp) json_open_array(&w);
  else json_open_inline_map(&w);
  for (int32_t i = 0; i < t->write_queues; i++) {
    struct message_queue q = {t->name, span_text(b->settings->brokerName), i};
    if (!for_cpp) {
      message_queue_write(&w, &q);
      json_key_value(&w);
      json_put_int(&w, offsets[i]);
      continue;
    }
    json_open_object(&w);
    json_key(&w, "brokerName");
    json_put_span(&w, q.broker_name);
    json_key(&w, "offset");
    json_put_int(&w, offsets[i]);
    json_key(&w, "queueId");
    json_put_int(&w, i);
    json_key(&w, "topic");
    json_put_span(&w, q.topic);
    json_close_object(&w);
  }
  if (for_cpp) json_close_array(&w);
  else json_close_object(&w);
  json_close_object(&w);
}

/* False: answered. */
static bool all_understand(struct broker *b, const struct request *rq, const struct client_group *g) {
  const struct member *m;
  TAILQ_FOREACH(m, &g->members, in_group) {
    if (m->version >= VERSION_3_0_7) continue;
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR,
                         "the client does not support this feature. version=%d", m->version);
    return false;
  }
  return true;
}

static void tell(struct broker *b, const struct request *rq, const struct reset_offset_request *asked,
                 const struct client_group *g, struct span body) {
  struct reset_offset_request h = {0};
  HEADER_SET(reset_offset_request, &h, topic, asked->topic);
  HEADER_SET(reset_offset_request, &h, group, asked->group);
  HEADER_SET(reset_offset_request, &h, timestamp, asked->timestamp);
  HEADER_SET(reset_offset_request, &h, isForce, false);
  struct request_out q = {
      .code = REQUEST_RESET_CONSUMER_CLIENT_OFFSET, .header = &reset_offset_request_header, .fields = &h, .body = body};
  const struct member *m;
  TAILQ_FOREACH(m, &g->members, in_group)
  if (remoting_oneway_conn(b->remoting, m->conn, &q, rq->now) != STATUS_OK)
    log_warn(b->log, "client %.*s of group %.*s could not be told to reset its offset", SPAN_ARG(m->client_id),
             SPAN_ARG(asked->group));
}

void handle_reset_offset(struct broker *b, const struct request *rq) {
  struct reset_offset_request h;
  if (!decode_fields(b, rq, &reset_offset_request_header, &h)) return;
  const struct topic *t = topics_find(&b->topics, h.topic);
  if (t == NULL) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR,
                         "[reset-offset] reset offset failed, no topic in this broker. topic=%.*s", SPAN_ARG(h.topic));
    return;
  }
  const int64_t *offsets = wanted_offsets(b, rq, &h, t);
  if (offsets == NULL) return;
  const struct client_group *g = clients_consumers(&b->clients, h.group);
  if (g == NULL) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_CONSUMER_NOT_ONLINE,
                         "Consumer not online, so can not reset offset, Group: %.*s Topic: %.*s Timestamp: %lld",
                         SPAN_ARG(h.group), SPAN_ARG(h.topic), (long long)h.timestamp);
    return;
  }
  if (!all_understand(b, rq, g)) return;
  struct buf body, told;
  buf_init(&body, BODY_MAX);
  buf_init(&told, BODY_MAX);
  write_offsets(b, &body, t, offsets, false);
  write_offsets(b, &told, t, offsets, rq->cmd->language == LANGUAGE_CPP);
  if (!told.failed && !body.failed) {
    log_info(b->log, "group %.*s: offsets in topic %.*s are reset to time %lld on request", SPAN_ARG(h.group),
             SPAN_ARG(h.topic), (long long)h.timestamp);
    tell(b, rq, &h, g, buf_span(&told));
  }
  reply_body(b, rq, &body);
  buf_fini(&body);
  buf_fini(&told);
}

/* ---- 223 ---- */

/* One question to each of several clients. */
struct inquiry {
  struct broker *broker;
  struct reply_to to;
  struct json_writer writer; /* into body: what came so far */
  struct buf body;
  size_t pending;
  struct inquiry_call {
    struct call call;
    struct inquiry *inquiry;
    char *client_id;
  } calls[];
};

static void inquiry_free(struct inquiry *i, size_t count) {
  for (size_t n = 0; n < count; n++) free(i->calls[n].client_id);
  buf_fini(&i->body);
  free(i);
}

/* The client's messageQueueTable becomes its value in the consumerTable. */
static void take_status(struct inquiry_call *c, const struct command *reply) {
  struct inquiry *i = c->inquiry;
  struct arena *arena = &i->broker->arena;
  struct json *root;
  arena_reset(arena);
  if (json_parse(reply->body, &JSON_LIMITS_DEFAULT, arena, &root, NULL, NULL) != STATUS_OK) return;
  const struct json *table = json_member(root, "messageQueueTable");
  if (table == NULL) return;
  json_key(&i->writer, c->client_id);
  struct buf text;
  buf_init(&text, BODY_MAX);
  json_put_tree(&text, table);
  json_put_raw(&i->writer, buf_span(&text));
  if (text.failed) i->body.failed = true;
  buf_fini(&text);
}

static void inquiry_end(struct inquiry *i) {
  json_close_object(&i->writer);
  json_key(&i->writer, "messageQueueTable");
  json_open_inline_map(&i->writer);
  json_close_object(&i->writer);
  json_close_object(&i->writer);
  if (i->body.failed)
    remoting_reply_error(i->broker->remoting, &i->to, RESPONSE_SYSTEM_ERROR, "the answer is larger than %d bytes",
                         BODY_MAX);
  else
    remoting_reply(i->broker->remoting, &i->to,
                   &(struct reply_out){.code = RESPONSE_SUCCESS, .body = buf_span(&i->body)});
}

static void on_status(struct call *call, enum status status, const struct command *reply, struct moment now) {
  struct inquiry_call *c = call->owner;
  struct inquiry *i = c->inquiry;
  (void)now;
  if (status == STATUS_OK && reply->code == RESPONSE_SUCCESS) take_status(c, reply);
  free(c->client_id);
  c->client_id = NULL;
  if (--i->pending > 0) return;
  if (status != STATUS_SHUTDOWN) inquiry_end(i);
  buf_fini(&i->body);
  free(i);
}

static struct inquiry *inquiry_new(struct broker *b, const struct request *rq, size_t count) {
  struct inquiry *i = calloc(1, sizeof *i + count * sizeof i->calls[0]);
  if (i == NULL) return NULL;
  i->broker = b;
  i->to = rq->to;
  buf_init(&i->body, BODY_MAX);
  json_writer_init(&i->writer, &i->body, false);
  json_open_object(&i->writer);
  json_key(&i->writer, "consumerTable");
  json_open_object(&i->writer);
  return i;
}

/* The calls' answers never come before this has returned. False: not asked. */
static bool ask(struct inquiry *i, struct inquiry_call *c, const struct member *m, const struct request_out *q,
                struct moment now) {
  c->inquiry = i;
  c->call.owner = c;
  c->call.done = on_status;
  c->client_id = strndup((const char *)m->client_id.ptr, m->client_id.len);
  if (c->client_id != NULL &&
      remoting_call_conn(i->broker->remoting, m->conn, q, STATUS_TIMEOUT_MS, &c->call, now) == STATUS_OK)
    return true;
  free(c->client_id);
  c->client_id = NULL;
  return false;
}

void handle_consumer_status(struct broker *b, const struct request *rq) {
  struct get_consumer_status_request h;
  if (!decode_fields(b, rq, &get_consumer_status_request_header, &h)) return;
  const struct client_group *g = clients_consumers(&b->clients, h.group);
  if (g == NULL) { /* Java ends in a NullPointerException with this code */
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR,
                         "No Any Consumer online in the consumer group: [%.*s]", SPAN_ARG(h.group));
    return;
  }
  if (!all_understand(b, rq, g)) return;
  struct get_consumer_status_request asked = {0};
  HEADER_SET(get_consumer_status_request, &asked, topic, h.topic);
  HEADER_SET(get_consumer_status_request, &asked, group, h.group);
  struct request_out q = {
      .code = REQUEST_GET_CONSUMER_STATUS_FROM_CLIENT, .header = &get_consumer_status_request_header, .fields = &asked};
  struct inquiry *i = inquiry_new(b, rq, g->member_count);
  if (i == NULL) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "out of memory");
    return;
  }
  bool all = span_trim(h.clientAddr).len == 0; /* the field holds a client id */
  const struct member *m;
  TAILQ_FOREACH(m, &g->members, in_group) {
    bool wanted = all || span_equal(m->client_id, h.clientAddr);
    if (wanted && ask(i, &i->calls[i->pending], m, &q, rq->now)) i->pending++;
  }
  if (i->pending > 0) return;
  inquiry_end(i);
  inquiry_free(i, 0);
}
