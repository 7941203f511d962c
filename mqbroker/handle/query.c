/* SPDX-License-Identifier: Apache-2.0
 *
 * Records found other than by queue: QUERY_MESSAGE (12) by key,
 * VIEW_MESSAGE_BY_ID (33) by place in the log. Agrees with
 * org.apache.rocketmq.broker.processor.QueryMessageProcessor.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqbroker/handle/handle.h"

/* A frame must not become longer than Java's clients accept (com.rocketmq.remoting.frameMaxLength). */
enum { QUERY_BYTES_MAX = (16 << 20) - (64 << 10) };

void handle_query_message(struct broker *b, const struct request *rq) {
  struct query_message_request h;
  struct query_message_response fields = {0};
  struct query_result found;
  if (!decode_fields(b, rq, &query_message_request_header, &h)) return;
  int32_t max = h.maxNum;
  if (span_is(command_ext(rq->cmd, "_UNIQUE_KEY_QUERY"), "true")) max = b->settings->defaultQueryMaxNum;
  if (max > b->settings->maxMsgsNumBatch) max = b->settings->maxMsgsNumBatch;
  store_query(b->store, h.topic, h.key, max, QUERY_BYTES_MAX, h.beginTimestamp, h.endTimestamp, &found);
  HEADER_SET(query_message_response, &fields, indexLastUpdateTimestamp, found.index_last_ms);
  HEADER_SET(query_message_response, &fields, indexLastUpdatePhyoffset, found.index_last_offset);
  struct reply_out reply = {.code = RESPONSE_SUCCESS, .header = &query_message_response_header, .fields = &fields,
                            .body_parts = found.records, .body_part_count = found.count};
  if (found.count == 0) {
    reply.code = RESPONSE_QUERY_NOT_FOUND;
    reply.remark = SPAN_LITERAL("can not find message, maybe time range not correct");
  }
  remoting_reply(b->remoting, &rq->to, &reply);
}

void handle_view_message(struct broker *b, const struct request *rq) {
  struct view_message_request h;
  struct span record;
  if (!decode_fields(b, rq, &view_message_request_header, &h)) return;
  if (store_message_at(b->store, h.offset, &record) != STATUS_OK) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "can not find message by the offset, %lld", (long long)h.offset);
    return;
  }
  remoting_reply(b->remoting, &rq->to,
                 &(struct reply_out){.code = RESPONSE_SUCCESS, .body_parts = &record, .body_part_count = 1});
}
