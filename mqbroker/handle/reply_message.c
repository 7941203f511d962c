/* SPDX-License-Identifier: Apache-2.0
 *
 * SEND_REPLY_MESSAGE (324, 325): the answer to a request that was a message. It
 * is pushed (326) to the client that waits for it, and, with
 * storeReplyMessageEnable, stored in its topic, too. Agrees with
 * org.apache.rocketmq.broker.processor.ReplyMessageProcessor; what is stored is
 * stored first here, and like there nobody waits for its mark.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqbroker/delay/delay_record.h"
#include "mqbroker/handle/handle.h"

#include <stdio.h>
#include <stdlib.h>

enum { PUSH_TIMEOUT_MS = 10000, CLIENT_ID_MAX = 512, HOST_MAX = NET_PEER_TEXT_MAX + 1, ADDED_MAX = 64 };

struct push {
  struct call call;
  struct broker *broker;
  struct reply_to to;
  int32_t queue_id;
  bool stored;
  struct put_result put;
  char client_id[CLIENT_ID_MAX];
};

/* A result, or with a remark none: the send's answer fields are all there, or all are absent. */
static void answer(struct broker *b, const struct push *p, const char *remark) {
  char id[MESSAGE_ID_MAX];
  struct send_message_response h = {0};
  struct span msg_id = SPAN_LITERAL("0"); /* lest the client stumbles over it */
  if (p->stored) msg_id = span_of(id, message_id_text(&b->address, p->put.physical_offset, id));
  if (remark == NULL || p->stored) {
    HEADER_SET(send_message_response, &h, msgId, msg_id);
    HEADER_SET(send_message_response, &h, queueId, p->queue_id);
    HEADER_SET(send_message_response, &h, queueOffset, p->stored ? p->put.queue_offset : 0);
  }
  struct ext ext[] = {{SPAN_LITERAL("MSG_REGION"), span_text(b->settings->regionId)},
                      {SPAN_LITERAL("TRACE_ON"), b->settings->traceOn ? SPAN_LITERAL("true") : SPAN_LITERAL("false")}};
  remoting_reply(b->remoting, &p->to,
                 &(struct reply_out){.code = remark == NULL ? RESPONSE_SUCCESS : RESPONSE_SYSTEM_ERROR,
                                     .remark = remark == NULL ? SPAN_NONE : span_text(remark),
                                     .header = &send_message_response_header,
                                     .fields = &h,
                                     .ext = ext,
                                     .ext_count = sizeof ext / sizeof ext[0]});
}

static void not_pushed(struct broker *b, const struct push *p) {
  char remark[CLIENT_ID_MAX + ADDED_MAX];
  snprintf(remark, sizeof remark, "push reply message to %sfail.", p->client_id);
  answer(b, p, remark);
}

static void on_pushed(struct call *call, enum status status, const struct command *reply, struct moment now) {
  struct push *p = call->owner;
  struct broker *b = p->broker;
  (void)now;
  bool ok = status == STATUS_OK && reply->code == RESPONSE_SUCCESS;
  if (ok) answer(b, p, NULL);
  else if (status != STATUS_SHUTDOWN) not_pushed(b, p);
  free(p);
}

static void store_reply(struct broker *b, const struct request *rq, const struct send_message_request *h,
                        struct push *p) {
  struct message m = {.queue_id = h->queueId,
                      .flag = h->flag,
                      .sys_flag = h->sysFlag,
                      .born_ms = h->bornTimestamp,
                      .born_host = rq->peer,
                      .store_host = b->address,
                      .reconsume_times = h->reconsumeTimes,
                      .body = rq->cmd->body,
                      .topic = h->topic,
                      .properties = delay_strip(h->properties, &b->arena)};
  if (m.properties.ptr == NULL && h->properties.len > 0) return;
  enum put_status status = store_put(b->store, &m, rq->now, &p->put);
  p->stored = status == PUT_OK;
  if (p->stored) {
    stats_add(&b->stats, STATS_PUT, 1);
    stats_add(&b->stats, STATS_PUT_BYTES, p->put.end_offset - p->put.physical_offset);
    tally_put(&b->tally, m.topic, 1, p->put.end_offset - p->put.physical_offset);
  } else {
    const char *why = store_refusal(b->store);
    log_warn(b->log, "a reply message is not stored in %.*s: %s", SPAN_ARG(h->topic),
             why == NULL ? "its record is illegal" : why);
  }
}

/* Absent: out of memory. */
static struct span pushed_properties(struct broker *b, struct span properties, struct moment now) {
  size_t size = properties.len + ADDED_MAX, at = 0;
  struct buf out = {.ptr = arena_alloc(&b->arena, size), .cap = size, .limit = size};
  struct span name, value;
  char number[21];
  if (out.ptr == NULL) return SPAN_NONE;
  while (property_next(properties, &at, &name, &value))
    if (!span_is(name, "PUSH_REPLY_TIME")) property_put_span(&out, name, value);
  property_put(&out, "PUSH_REPLY_TIME", span_of(number, i64_to_text(now.wall_ms, number)));
  return out.failed ? SPAN_NONE : buf_span(&out);
}

/* InetSocketAddress.toString of an address without a name. */
static struct span host_text(const struct net_peer *peer, char out[HOST_MAX]) {
  out[0] = '/';
  net_peer_text(peer, out + 1);
  return span_text(out);
}

static enum status push(struct broker *b, const struct request *rq, const struct send_message_request *h, conn_id conn,
                        struct push *p) {
  char born[HOST_MAX], stored[HOST_MAX];
  struct span properties = pushed_properties(b, h->properties, rq->now);
  if (properties.ptr == NULL) return STATUS_NO_MEMORY;
  struct reply_message_request f = {.present = UINT64_MAX,
                                    .producerGroup = h->producerGroup,
                                    .topic = h->topic,
                                    .defaultTopic = h->defaultTopic,
                                    .defaultTopicQueueNums = h->defaultTopicQueueNums,
                                    .queueId = h->queueId,
                                    .sysFlag = h->sysFlag,
                                    .bornTimestamp = h->bornTimestamp,
                                    .flag = h->flag,
                                    .properties = properties,
                                    .reconsumeTimes = h->reconsumeTimes,
                                    .unitMode = h->unitMode,
                                    .bornHost = host_text(&rq->peer, born),
                                    .storeHost = host_text(&b->address, stored),
                                    .storeTimestamp = rq->now.wall_ms};
  struct request_out q = {.code = REQUEST_PUSH_REPLY_MESSAGE_TO_CLIENT,
                          .header = &reply_message_request_header,
                          .fields = &f,
                          .body = rq->cmd->body};
  p->call.owner = p;
  p->call.done = on_pushed;
  return remoting_call_conn(b->remoting, conn, &q, PUSH_TIMEOUT_MS, &p->call, rq->now);
}

static void push_or_say_why(struct broker *b, const struct request *rq, const struct send_message_request *h,
                            struct push *p) {
  struct span id = property_get(h->properties, "REPLY_TO_CLIENT");
  char remark[CLIENT_ID_MAX + ADDED_MAX];
  conn_id conn;
  if (id.ptr == NULL) {
    answer(b, p, "reply message properties[REPLY_TO_CLIENT] is null");
  } else if (id.len >= CLIENT_ID_MAX || !clients_producer_conn(&b->clients, id, &conn)) {
    snprintf(remark, sizeof remark, "push reply message fail, channel of <%.*s> not found.",
             (int)(id.len < CLIENT_ID_MAX ? id.len : CLIENT_ID_MAX - 1), (const char *)id.ptr);
    answer(b, p, remark);
  } else {
    snprintf(p->client_id, sizeof p->client_id, "%.*s", SPAN_ARG(id));
    if (push(b, rq, h, conn, p) == STATUS_OK) return; /* p is the call's */
    not_pushed(b, p);
  }
  free(p);
}

struct span request_properties(struct broker *b, struct span properties) {
  if (property_get(properties, "REPLY_TO_CLIENT").ptr == NULL || property_get(properties, "CLUSTER").ptr != NULL)
    return properties;
  struct span cluster = span_text(b->settings->brokerClusterName);
  size_t size = properties.len + cluster.len + ADDED_MAX;
  struct buf out = {.ptr = arena_alloc(&b->arena, size), .cap = size, .limit = size};
  if (out.ptr == NULL) return properties;
  property_put(&out, "CLUSTER", cluster);
  buf_put(&out, properties);
  return out.failed ? properties : buf_span(&out);
}

void handle_send_reply(struct broker *b, const struct request *rq) {
  struct send_message_request h;
  const char *missing = NULL;
  if (header_decode(&send_message_request_header, rq->cmd, rq->cmd->code == REQUEST_SEND_REPLY_MESSAGE_V2, &h,
                    &missing) != STATUS_OK) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR,
                         "SendMessageRequestHeader: field %s is missing or not a number", missing);
    return;
  }
  if (!send_admit(b, rq, &h)) return;
  struct push *p = calloc(1, sizeof *p);
  if (p == NULL) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "out of memory");
    return;
  }
  p->broker = b;
  p->to = rq->to;
  p->queue_id = h.queueId;
  bool writes = b->settings->brokerRole != ROLE_SLAVE && member_refusal(&b->member) == NULL;
  if (b->settings->storeReplyMessageEnable && writes) store_reply(b, rq, &h, p);
  push_or_say_why(b, rq, &h, p);
}
