/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/pull.h"

#include "core/wire/codes.h"
#include "core/wire/headers.h"

static bool status_of_code(int code, enum pull_status *out) {
  switch (code) {
  case RESPONSE_SUCCESS: *out = PULL_FOUND; return true;
  case RESPONSE_PULL_NOT_FOUND: *out = PULL_NO_NEW; return true;
  case RESPONSE_PULL_RETRY_IMMEDIATELY: *out = PULL_NO_MATCH; return true;
  case RESPONSE_PULL_OFFSET_MOVED: *out = PULL_OFFSET_ILLEGAL; return true;
  default: return false;
  }
}

static void take_answer(struct pull_op *p, const struct command *reply) {
  struct pull_message_response h;
  const char *missing = NULL;
  if (header_decode(&pull_message_response_header, reply, false, &h, &missing) != STATUS_OK) {
    error_set(&p->error, MQ_MALFORMED, "answer of broker %s without %s", p->broker->name, missing);
    return;
  }
  p->suggested_id = h.suggestWhichBrokerId;
  p->next_offset = h.nextBeginOffset;
  p->min_offset = h.minOffset;
  p->max_offset = h.maxOffset;
  if (p->status != PULL_FOUND) return;
  enum status status = delivery_fill(p->delivery, reply->body, p->subscription, p->broker->name);
  if (status == STATUS_OK) return;
  enum mq_result result = status == STATUS_NO_MEMORY ? MQ_NO_MEMORY : MQ_MALFORMED;
  error_set(&p->error, result, "messages of %s queue %d of broker %s from offset %lld: %s", p->topic, p->queue_id,
            p->broker->name, (long long)p->offset, status_text(status));
}

static void on_answer(struct call *call, enum status status, const struct command *reply, struct moment now) {
  struct pull_op *p = (struct pull_op *)((char *)call - offsetof(struct pull_op, call));
  p->error.result = MQ_OK;
  if (status != STATUS_OK)
    error_of_status(&p->error, status, p->broker->name);
  else if (!status_of_code(reply->code, &p->status))
    error_of_reply(&p->error, reply);
  else
    take_answer(p, reply);
  p->done(p, now);
}

enum mq_result pull_start(struct pull_op *p, struct moment now) {
  bool slave;
  const struct server *s = broker_find(p->broker, p->suggested_id, false, &slave);
  if (s == NULL) {
    client_poll_soon(p->client, now);
    return error_set(&p->error, MQ_NO_BROKER, "broker %s has no address", p->broker->name);
  }
  int32_t sys_flag = p->sys_flag;
  if (slave) sys_flag &= ~PULL_COMMIT_OFFSET;
  struct pull_message_request f = {0};
  HEADER_SET(pull_message_request, &f, consumerGroup, span_text(p->group));
  HEADER_SET(pull_message_request, &f, topic, span_text(p->topic));
  HEADER_SET(pull_message_request, &f, queueId, p->queue_id);
  HEADER_SET(pull_message_request, &f, queueOffset, p->offset);
  HEADER_SET(pull_message_request, &f, maxMsgNums, p->max_messages);
  HEADER_SET(pull_message_request, &f, sysFlag, sys_flag);
  HEADER_SET(pull_message_request, &f, commitOffset, sys_flag & PULL_COMMIT_OFFSET ? p->commit_offset : 0);
  HEADER_SET(pull_message_request, &f, suspendTimeoutMillis, p->suspend_ms);
  if (sys_flag & PULL_SUBSCRIPTION) HEADER_SET(pull_message_request, &f, subscription, p->subscription->sub_string);
  HEADER_SET(pull_message_request, &f, subVersion, p->subscription->sub_version);
  HEADER_SET(pull_message_request, &f, expressionType, p->subscription->expression_type);
  struct request_out request = {
      .code = REQUEST_PULL_MESSAGE, .header = &pull_message_request_header, .fields = &f};
  p->call.done = on_answer;
  enum status status = client_call(p->client, s, &request, p->timeout_ms, &p->call, now);
  return status == STATUS_OK ? MQ_OK : error_of_status(&p->error, status, s->addr);
}

void pull_cancel(struct pull_op *p) {
  if (p->client != NULL) call_cancel(p->client->remoting, &p->call);
}
