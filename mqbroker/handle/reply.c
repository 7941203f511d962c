/* SPDX-License-Identifier: Apache-2.0 */
#include "core/wire/codes.h"
#include "mqbroker/handle/handle.h"

void reply_ok(struct broker *b, const struct request *rq) {
  remoting_reply(b->remoting, &rq->to, &(struct reply_out){.code = RESPONSE_SUCCESS});
}

bool refuse_change(struct broker *b, const struct request *rq) {
  const char *refusal = member_refusal(&b->member);
  if (refusal == NULL) return false;
  remoting_reply_error(b->remoting, &rq->to, RESPONSE_SERVICE_NOT_AVAILABLE, "service not available now: %s", refusal);
  return true;
}

void reply_fields(struct broker *b, const struct request *rq, const struct header *header, const void *fields) {
  remoting_reply(b->remoting, &rq->to,
                 &(struct reply_out){.code = RESPONSE_SUCCESS, .header = header, .fields = fields});
}

void reply_body(struct broker *b, const struct request *rq, const struct buf *body) {
  if (body->failed)
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "the answer is larger than %zu bytes",
                         body->limit);
  else remoting_reply(b->remoting, &rq->to, &(struct reply_out){.code = RESPONSE_SUCCESS, .body = buf_span(body)});
}

void reply_no_topic(struct broker *b, const struct reply_to *to, struct span topic) {
  remoting_reply_error(b->remoting, to, RESPONSE_TOPIC_NOT_EXIST, "topic[%.*s] not exist, apply first please!",
                       SPAN_ARG(topic));
}

bool decode_fields(struct broker *b, const struct request *rq, const struct header *header, void *out) {
  const char *missing = NULL;
  if (header_decode(header, rq->cmd, false, out, &missing) == STATUS_OK) return true;
  remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "%s: field %s is missing or not a number",
                       header->java_class, missing == NULL ? "?" : missing);
  return false;
}
