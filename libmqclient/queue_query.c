/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/queue_query.h"

#include "core/wire/codes.h"
#include "core/wire/headers.h"

static const int codes[] = {
    [QUEUE_MIN_OFFSET] = REQUEST_GET_MIN_OFFSET,
    [QUEUE_MAX_OFFSET] = REQUEST_GET_MAX_OFFSET,
    [QUEUE_OFFSET_AT] = REQUEST_SEARCH_OFFSET_BY_TIMESTAMP,
    [QUEUE_EARLIEST_MS] = REQUEST_GET_EARLIEST_MSG_STORETIME,
    [QUEUE_COMMITTED] = REQUEST_QUERY_CONSUMER_OFFSET,
};

static void on_answer(struct call *call, enum status status, const struct command *reply, struct moment now) {
  struct queue_query *q = (struct queue_query *)((char *)call - offsetof(struct queue_query, call));
  q->error.result = MQ_OK;
  if (status != STATUS_OK) {
    error_of_status(&q->error, status, q->broker->name);
  } else if (reply->code == RESPONSE_QUERY_NOT_FOUND && q->question == QUEUE_COMMITTED) {
    q->answer = -1;
  } else if (reply->code != RESPONSE_SUCCESS) {
    error_of_reply(&q->error, reply);
  } else {
    const char *name = q->question == QUEUE_EARLIEST_MS ? "timestamp" : "offset";
    if (!span_to_i64(command_ext(reply, name), &q->answer))
      error_set(&q->error, MQ_MALFORMED, "answer of broker %s without %s", q->broker->name, name);
  }
  q->done(q, now);
}

static enum status send_question(struct queue_query *q, const char *addr, struct moment now) {
  struct remoting *r = q->client->remoting;
  struct request_out request = {.code = codes[q->question]};
  struct span topic = span_text(q->topic);
  if (q->question == QUEUE_COMMITTED) {
    struct query_consumer_offset_request f = {0};
    HEADER_SET(query_consumer_offset_request, &f, consumerGroup, span_text(q->group));
    HEADER_SET(query_consumer_offset_request, &f, topic, topic);
    HEADER_SET(query_consumer_offset_request, &f, queueId, q->queue_id);
    request.header = &query_consumer_offset_request_header;
    request.fields = &f;
    return remoting_call(r, addr, &request, q->timeout_ms, &q->call, now);
  }
  if (q->question == QUEUE_OFFSET_AT) {
    struct search_offset_request f = {0};
    HEADER_SET(search_offset_request, &f, topic, topic);
    HEADER_SET(search_offset_request, &f, queueId, q->queue_id);
    HEADER_SET(search_offset_request, &f, timestamp, q->argument);
    request.header = &search_offset_request_header;
    request.fields = &f;
    return remoting_call(r, addr, &request, q->timeout_ms, &q->call, now);
  }
  /* GetMinOffset, GetMaxOffset and GetEarliestMsgStoretime have the same fields. */
  struct get_max_offset_request f = {0};
  HEADER_SET(get_max_offset_request, &f, topic, topic);
  HEADER_SET(get_max_offset_request, &f, queueId, q->queue_id);
  request.header = &get_max_offset_request_header;
  request.fields = &f;
  return remoting_call(r, addr, &request, q->timeout_ms, &q->call, now);
}

enum mq_result queue_query_start(struct queue_query *q, struct moment now) {
  /* The offset of a group may be asked of a slave, the rest of the master only. */
  const struct server *s = q->question == QUEUE_COMMITTED ? broker_any(q->broker) : broker_master(q->broker);
  if (s == NULL) {
    client_poll_soon(q->client, now);
    return error_set(&q->error, MQ_NO_BROKER, "broker %s has no master", q->broker->name);
  }
  q->call.done = on_answer;
  enum status status = send_question(q, s->addr, now);
  return status == STATUS_OK ? MQ_OK : error_of_status(&q->error, status, s->addr);
}

void queue_query_cancel(struct queue_query *q) {
  if (q->client != NULL) call_cancel(q->client->remoting, &q->call);
}
