/* SPDX-License-Identifier: Apache-2.0
 *
 * VIEW_MESSAGE_BY_ID (33): one record by its place in the log. Agrees with
 * org.apache.rocketmq.broker.processor.QueryMessageProcessor.viewMessageById.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqbroker/handle/handle.h"

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
