/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions that only a consumer can answer, handed on to it and its answer
 * back: GET_CONSUMER_RUNNING_INFO (307), CONSUME_MESSAGE_DIRECTLY (309). Agrees
 * with org.apache.rocketmq.broker.processor.AdminBrokerProcessor.callConsumer.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqbroker/handle/handle.h"

#include <stdio.h>
#include <stdlib.h>

#define VERSION_3_1_8 62 /* from here on clients know 307 and 309 */

enum { RELAY_TIMEOUT_MS = 10000, CONSUMER_TEXT_MAX = 600 };

struct relay {
  struct call call;
  struct broker *broker;
  struct reply_to to;
  char consumer[CONSUMER_TEXT_MAX]; /* "<group> <client id>" */
};

static void on_answer(struct call *call, enum status status, const struct command *reply, struct moment now) {
  struct relay *r = call->owner;
  struct remoting *remoting = r->broker->remoting;
  (void)now;
  if (status == STATUS_OK)
    remoting_reply(remoting, &r->to,
                   &(struct reply_out){.code = reply->code,
                                       .remark = reply->remark,
                                       .ext = reply->ext,
                                       .ext_count = reply->ext_count,
                                       .body = reply->body});
  else if (status == STATUS_TIMEOUT)
    remoting_reply_error(remoting, &r->to, RESPONSE_CONSUME_MSG_TIMEOUT, "consumer %s Timeout: no answer within %d ms",
                         r->consumer, RELAY_TIMEOUT_MS);
  else if (status != STATUS_SHUTDOWN)
    remoting_reply_error(remoting, &r->to, RESPONSE_SYSTEM_ERROR, "invoke consumer %s Exception: %s", r->consumer,
                         status_text(status));
  free(r);
}

static const struct member *find_member(const struct broker *b, struct span group, struct span client_id) {
  const struct client_group *g = clients_consumers(&b->clients, group);
  const struct member *m = NULL;
  if (g != NULL) TAILQ_FOREACH(m, &g->members, in_group) if (span_equal(m->client_id, client_id)) break;
  return m;
}

static void hand_on(struct broker *b, const struct request *rq, struct span group, struct span client_id,
                    const struct request_out *q) {
  const struct member *m = find_member(b, group, client_id);
  if (m == NULL) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "The Consumer <%.*s> <%.*s> not online",
                         SPAN_ARG(group), SPAN_ARG(client_id));
    return;
  }
  if (m->version < VERSION_3_1_8) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR,
                         "The Consumer <%.*s> Version <%d> too low to finish, please upgrade it to V3_1_8_SNAPSHOT",
                         SPAN_ARG(client_id), m->version);
    return;
  }
  struct relay *r = calloc(1, sizeof *r);
  if (r != NULL) {
    r->broker = b;
    r->to = rq->to;
    r->call.owner = r;
    r->call.done = on_answer;
    snprintf(r->consumer, sizeof r->consumer, "<%.*s> <%.*s>", SPAN_ARG(group), SPAN_ARG(client_id));
  }
  enum status status = r == NULL ? STATUS_NO_MEMORY
                                 : remoting_call_conn(b->remoting, m->conn, q, RELAY_TIMEOUT_MS, &r->call, rq->now);
  if (status == STATUS_OK) return;
  remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "invoke consumer <%.*s> <%.*s> Exception: %s",
                       SPAN_ARG(group), SPAN_ARG(client_id), status_text(status));
  free(r);
}

void handle_consumer_running_info(struct broker *b, const struct request *rq) {
  struct get_consumer_running_info_request h;
  if (!decode_fields(b, rq, &get_consumer_running_info_request_header, &h)) return;
  struct request_out q = {
      .code = rq->cmd->code, .ext = rq->cmd->ext, .ext_count = rq->cmd->ext_count, .body = rq->cmd->body};
  hand_on(b, rq, h.consumerGroup, h.clientId, &q);
}

/* The client is given the message, so that it need not look for it. */
void handle_consume_directly(struct broker *b, const struct request *rq) {
  struct consume_message_directly_result_request h;
  struct net_peer host;
  int64_t offset;
  struct span record;
  if (!decode_fields(b, rq, &consume_message_directly_result_request_header, &h)) return;
  if (message_id_parse(h.msgId, &host, &offset) != STATUS_OK ||
      store_message_at(b->store, offset, &record) != STATUS_OK) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "no message here has the id %.*s",
                         SPAN_ARG(h.msgId));
    return;
  }
  struct ext *ext = arena_zalloc(&b->arena, rq->cmd->ext_count + 1, sizeof *ext);
  if (ext == NULL) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "out of memory");
    return;
  }
  size_t n = 0;
  for (size_t i = 0; i < rq->cmd->ext_count; i++)
    if (!span_is(rq->cmd->ext[i].key, "brokerName")) ext[n++] = rq->cmd->ext[i];
  ext[n++] = (struct ext){SPAN_LITERAL("brokerName"), span_text(b->settings->brokerName)};
  struct request_out q = {.code = rq->cmd->code, .ext = ext, .ext_count = n, .body = record};
  hand_on(b, rq, h.consumerGroup, h.clientId, &q);
}
