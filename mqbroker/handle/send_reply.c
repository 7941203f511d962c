/* SPDX-License-Identifier: Apache-2.0
 *
 * The answer to a send whose mark has been reached (or missed).
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqbroker/handle/handle.h"

#include <stdlib.h>

/* PutMessageStatus -> response code; all of them carry a send result (SendMessageProcessor.handlePutMessageResult). */
static int code_of(enum gate_outcome outcome) {
  switch (outcome) {
  case GATE_FLUSH_TIMEOUT: return RESPONSE_FLUSH_DISK_TIMEOUT;
  case GATE_REPLICA_TIMEOUT: return RESPONSE_FLUSH_SLAVE_TIMEOUT;
  case GATE_NO_REPLICA: return RESPONSE_SLAVE_NOT_AVAILABLE;
  case GATE_DONE:
  case GATE_TOPIC_UNSAVED:
  case GATE_WRITE_FAILED: break;
  }
  return RESPONSE_SUCCESS;
}

void send_answer(void *broker, struct waiter *w, enum gate_outcome outcome) {
  struct broker *b = broker;
  if (outcome == GATE_WRITE_FAILED) {
    const char *why = store_refusal(b->store);
    remoting_reply_error(b->remoting, &w->to, RESPONSE_SERVICE_NOT_AVAILABLE, "service not available now: %s",
                         why == NULL ? "the commit log could not be written" : why);
    free(w->batch_ids);
    return;
  }
  if (outcome == GATE_TOPIC_UNSAVED) {
    remoting_reply_error(b->remoting, &w->to, RESPONSE_SERVICE_NOT_AVAILABLE, TOPIC_UNSAVED_REMARK, b->topics.path);
    free(w->batch_ids);
    return;
  }
  char id[MESSAGE_ID_MAX];
  struct send_message_response h = {0};
  struct span msg_id = w->batch_ids != NULL ? span_text(w->batch_ids)
                                            : span_of(id, message_id_text(&b->address, w->physical_offset, id));
  HEADER_SET(send_message_response, &h, msgId, msg_id);
  HEADER_SET(send_message_response, &h, queueId, w->queue_id);
  HEADER_SET(send_message_response, &h, queueOffset, w->queue_offset);
  struct ext ext[] = {{SPAN_LITERAL("MSG_REGION"), span_text(b->settings->regionId)},
                      {SPAN_LITERAL("TRACE_ON"), b->settings->traceOn ? SPAN_LITERAL("true") : SPAN_LITERAL("false")}};
  remoting_reply(b->remoting, &w->to,
                 &(struct reply_out){.code = code_of(outcome),
                                     .header = &send_message_response_header,
                                     .fields = &h,
                                     .ext = ext,
                                     .ext_count = sizeof ext / sizeof ext[0]});
  free(w->batch_ids);
}
