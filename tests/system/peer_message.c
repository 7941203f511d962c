/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages whose content can be checked, and the requests that carry them.
 */
#include "core/base/prng.h"
#include "tests/system/peer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { BODY_SMALL = 512, BODY_LARGE_ONE_IN = 16, PULL_COUNT = 32 };
#define CREATE_FROM "TBW102"

size_t body_make(uint32_t producer, uint32_t number, uint8_t out[BODY_ROOM]) {
  struct prng p;
  prng_init(&p, ((uint64_t)producer << 32 | number) + 1);
  size_t room = prng_chance(&p, 1, BODY_LARGE_ONE_IN) ? BODY_ROOM : BODY_SMALL;
  size_t head = (size_t)snprintf((char *)out, BODY_ROOM, "%" PRIu32 " %" PRIu32 " ", producer, number);
  size_t len = head + prng_below(&p, room - head);
  for (size_t i = head; i < len; i++) out[i] = (uint8_t)prng_next(&p);
  return len;
}

bool body_check(struct span body, uint32_t *producer, uint32_t *number) {
  char head[32];
  uint8_t want[BODY_ROOM];
  span_copy_text(span_of(body.ptr, body.len < sizeof head - 1 ? body.len : sizeof head - 1), head, sizeof head);
  if (sscanf(head, "%" SCNu32 " %" SCNu32 " ", producer, number) != 2) return false;
  return span_equal(body, span_of(want, body_make(*producer, *number, want)));
}

void put_send(struct conn *c, const char *topic, int queues, int queue, struct span body) {
  struct send_message_request h = {.producerGroup = SPAN_LITERAL("system_producer"),
                                   .topic = span_text(topic),
                                   .defaultTopic = SPAN_LITERAL(CREATE_FROM),
                                   .defaultTopicQueueNums = queues,
                                   .queueId = queue,
                                   .bornTimestamp = 1600000000000,
                                   .properties = SPAN_LITERAL("TAGS\001T\002"),
                                   .present = UINT64_MAX};
  conn_put(c, &(struct command){.code = REQUEST_SEND_MESSAGE_V2, .body = body}, &send_message_request_header, &h);
}

void put_pull(struct conn *c, const char *topic, int queue, int64_t offset, int64_t max_ms) {
  struct pull_message_request h = {.consumerGroup = SPAN_LITERAL("system_consumer"),
                                   .topic = span_text(topic),
                                   .queueId = queue,
                                   .queueOffset = offset,
                                   .maxMsgNums = PULL_COUNT,
                                   .sysFlag = PULL_SUBSCRIBE | (max_ms > 0 ? PULL_SUSPEND : 0),
                                   .suspendTimeoutMillis = max_ms,
                                   .subscription = SPAN_LITERAL("*"),
                                   .expressionType = SPAN_LITERAL("TAG"),
                                   .present = UINT64_MAX};
  struct ext padding = {SPAN_LITERAL("padding"), c->padding};
  struct command cmd = {.code = REQUEST_PULL_MESSAGE, .ext = &padding, .ext_count = c->padding.len > 0};
  conn_put(c, &cmd, &pull_message_request_header, &h);
}

bool read_sent(const struct command *reply, struct send_message_response *out) {
  const char *missing = NULL;
  if (reply->code != RESPONSE_SUCCESS)
    return fail("a send was answered %d: %.*s", reply->code, SPAN_ARG(reply->remark)), false;
  if (header_decode(&send_message_response_header, reply, false, out, &missing) != STATUS_OK)
    return fail("the answer to a send has no %s", missing), false;
  return true;
}

/* MAX_OFFSET and MIN_OFFSET have the same request and answer. */
bool queue_offset(struct conn *c, int code, const char *topic, int queue, int64_t *out) {
  struct get_max_offset_request h = {.topic = span_text(topic), .queueId = queue, .present = UINT64_MAX};
  struct command reply;
  if (!conn_call(c, &(struct command){.code = code}, &get_max_offset_request_header, &h, &reply)) return false;
  if (reply.code != RESPONSE_SUCCESS || !span_to_i64(command_ext(&reply, "offset"), out))
    return fail("offset of %s queue %d: answered %d: %.*s", topic, queue, reply.code, SPAN_ARG(reply.remark)), false;
  return true;
}
