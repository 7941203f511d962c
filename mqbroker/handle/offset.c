/* SPDX-License-Identifier: Apache-2.0
 *
 * Offsets: of consumer groups (14, 15, 43) and of queues (29, 30, 31, 32).
 * Agrees with org.apache.rocketmq.broker.processor.{ConsumerManageProcessor,AdminBrokerProcessor}.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqbroker/handle/handle.h"

enum { BODY_MAX = 256 << 20 };

/* A group that is new to a queue begins with its first message if that is there from the start and not far
 * behind (checkInDiskByConsumeOffset); else it is told "not found" and decides by itself. */
static bool begins_at_zero(struct broker *b, struct span topic, int32_t queue_id) {
  if (store_queue_min(b->store, topic, queue_id) > 0) return false;
  if (store_get(b->store, topic, queue_id, 0, 1, 1, NULL, NULL, b->get) != GET_FOUND) return true;
  return b->get->fall_behind <= b->memory_bytes / 100 * b->settings->accessMessageInMemoryMaxRatio;
}

void handle_query_consumer_offset(struct broker *b, const struct request *rq) {
  struct query_consumer_offset_request h;
  if (!decode_fields(b, rq, &query_consumer_offset_request_header, &h)) return;
  int64_t offset = offsets_get(&b->offsets, h.consumerGroup, h.topic, h.queueId);
  if (offset < 0 && begins_at_zero(b, h.topic, h.queueId)) offset = 0;
  if (offset < 0) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_QUERY_NOT_FOUND,
                         "Not found, V3_0_6_SNAPSHOT maybe this consumer boot first");
    return;
  }
  struct query_consumer_offset_response out = {0};
  HEADER_SET(query_consumer_offset_response, &out, offset, offset);
  reply_fields(b, rq, &query_consumer_offset_response_header, &out);
}

void handle_update_consumer_offset(struct broker *b, const struct request *rq) {
  struct update_consumer_offset_request h;
  if (!decode_fields(b, rq, &update_consumer_offset_request_header, &h)) return;
  enum status status = offsets_set(&b->offsets, h.consumerGroup, h.topic, h.queueId, h.commitOffset);
  if (status == STATUS_OK) slave_sync_committed(&b->slave_sync, h.consumerGroup, h.topic, h.queueId, h.commitOffset);
  if (status == STATUS_OK) reply_ok(b, rq);
  else remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "offset not stored: %s", status_text(status));
}

void handle_all_consumer_offsets(struct broker *b, const struct request *rq) {
  struct buf body;
  struct json_writer w;
  buf_init(&body, BODY_MAX);
  json_writer_init(&w, &body, false);
  offsets_write(&b->offsets, &w);
  reply_body(b, rq, &body);
  buf_fini(&body);
}

void handle_max_offset(struct broker *b, const struct request *rq) {
  struct get_max_offset_request h;
  if (!decode_fields(b, rq, &get_max_offset_request_header, &h)) return;
  struct get_max_offset_response out = {0};
  HEADER_SET(get_max_offset_response, &out, offset, store_queue_max(b->store, h.topic, h.queueId));
  reply_fields(b, rq, &get_max_offset_response_header, &out);
}

void handle_min_offset(struct broker *b, const struct request *rq) {
  struct get_min_offset_request h;
  if (!decode_fields(b, rq, &get_min_offset_request_header, &h)) return;
  struct get_min_offset_response out = {0};
  HEADER_SET(get_min_offset_response, &out, offset, store_queue_min(b->store, h.topic, h.queueId));
  reply_fields(b, rq, &get_min_offset_response_header, &out);
}

void handle_offset_by_time(struct broker *b, const struct request *rq) {
  struct search_offset_request h;
  if (!decode_fields(b, rq, &search_offset_request_header, &h)) return;
  struct search_offset_response out = {0};
  HEADER_SET(search_offset_response, &out, offset, store_offset_by_time(b->store, h.topic, h.queueId, h.timestamp));
  reply_fields(b, rq, &search_offset_response_header, &out);
}

void handle_earliest_store_time(struct broker *b, const struct request *rq) {
  struct get_earliest_msg_storetime_request h;
  if (!decode_fields(b, rq, &get_earliest_msg_storetime_request_header, &h)) return;
  struct get_earliest_msg_storetime_response out = {0};
  int64_t first = store_queue_min(b->store, h.topic, h.queueId);
  HEADER_SET(get_earliest_msg_storetime_response, &out, timestamp, store_time_at(b->store, h.topic, h.queueId, first));
  reply_fields(b, rq, &get_earliest_msg_storetime_response_header, &out);
}
