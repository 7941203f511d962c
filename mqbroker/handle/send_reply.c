/* SPDX-License-Identifier: Apache-2.0
 *
 * What a send waits for, and its answer when that mark has been reached (or
 * missed).
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqbroker/handle/handle.h"

#include <stdlib.h>

static bool topic_unsaved(const struct broker *b, struct span name) {
  const struct topic *t = topics_find(&b->topics, name);
  return t != NULL && topics_unsaved(&b->topics, t);
}

struct waiter send_waiter(const struct broker *b, const struct request *rq, const struct put_result *put,
                          struct span topic, struct span properties) {
  const struct broker_settings *s = b->settings;
  bool member = s->enableDLegerCommitLog; /* waits for the group, and for nothing else, whatever is asked */
  bool flush = !member && s->flushDiskType == FLUSH_SYNC;
  enum repl_need need = b->repl->ops->need(b->repl, put->end_offset);
  /* Most sends wait for nothing, and are not searched. */
  if (!member && (flush || need != REPL_FREE) && span_is(property_get(properties, "WAIT"), "false")) {
    flush = false;
    need = REPL_FREE;
  }
  return (struct waiter){.to = rq->to,
                         .physical_offset = put->physical_offset,
                         .end_offset = put->end_offset,
                         .queue_offset = put->queue_offset,
                         .due_ms = rq->now.mono_ms + (member ? s->dLegerAckTimeout : s->syncFlushTimeout),
                         .wants_flush = flush,
                         .wants_replica = need == REPL_WAIT,
                         .lacks_replica = need == REPL_NO_SLAVE,
                         .wants_topic = b->topics.dirty && topic_unsaved(b, topic)};
}

/* PutMessageStatus -> response code; all of them carry a send result (SendMessageProcessor.handlePutMessageResult). */
static int code_of(enum gate_outcome outcome) {
  switch (outcome) {
  case GATE_FLUSH_TIMEOUT:
    return RESPONSE_FLUSH_DISK_TIMEOUT;
  case GATE_REPLICA_TIMEOUT:
    return RESPONSE_FLUSH_SLAVE_TIMEOUT;
  case GATE_NO_REPLICA:
    return RESPONSE_SLAVE_NOT_AVAILABLE;
  case GATE_DONE:
  case GATE_LEADER_LOST:
  case GATE_TOPIC_UNSAVED:
  case GATE_WRITE_FAILED:
    break;
  }
  return RESPONSE_SUCCESS;
}

/* What no majority took in time may be there or not; Java's PutMessageStatus is UNKNOWN_ERROR or OS_PAGECACHE_BUSY
 * then, and both are SYSTEM_ERROR (DLedgerCommitLog.putMessage). Clients send such a message again. */
static bool answer_group(struct broker *b, struct waiter *w, enum gate_outcome outcome) {
  bool lost = outcome == GATE_LEADER_LOST;
  if (!lost && !(outcome == GATE_REPLICA_TIMEOUT && b->settings->enableDLegerCommitLog)) return false;
  remoting_reply_error(b->remoting, &w->to, RESPONSE_SYSTEM_ERROR,
                       lost ? "this broker is no longer the group's master: whether the group has it is not known"
                            : "no majority of the group has answered yet");
  free(w->batch_ids);
  return true;
}

/* A message that was sent back: it is safe, or it has to be sent once more. */
static void plain_answer(struct broker *b, const struct waiter *w, enum gate_outcome outcome) {
  int code = code_of(outcome);
  if (code == RESPONSE_SUCCESS) remoting_reply(b->remoting, &w->to, &(struct reply_out){.code = code});
  else
    remoting_reply_error(b->remoting, &w->to, RESPONSE_SYSTEM_ERROR, "%s",
                         outcome == GATE_FLUSH_TIMEOUT ? "FLUSH_DISK_TIMEOUT" : "FLUSH_SLAVE_TIMEOUT");
}

void send_answer(void *broker, struct waiter *w, enum gate_outcome outcome) {
  struct broker *b = broker;
  if (answer_group(b, w, outcome)) return;
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
  if (w->plain) {
    plain_answer(b, w, outcome);
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
