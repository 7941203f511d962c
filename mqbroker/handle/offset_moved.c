/* SPDX-License-Identifier: Apache-2.0
 *
 * A consumer asked for an offset that its queue does not have: that is told to
 * whoever watches, by a message in OFFSET_MOVED_EVENT. Agrees with
 * org.apache.rocketmq.broker.processor.PullMessageProcessor.generateOffsetMovedEvent.
 */
#include "mqbroker/handle/handle.h"

enum { EVENT_MAX = 4096 };

/* OffsetMovedEvent. */
static void write_event(struct broker *b, const struct pull *p, int64_t offset_new, struct buf *out) {
  struct message_queue q = {p->topic, span_text(b->settings->brokerName), p->queue_id};
  struct json_writer w;
  json_writer_init(&w, out, false);
  json_open_object(&w);
  json_key(&w, "consumerGroup");
  json_put_span(&w, p->group);
  json_key(&w, "messageQueue");
  message_queue_write(&w, &q);
  json_key(&w, "offsetNew");
  json_put_int(&w, offset_new);
  json_key(&w, "offsetRequest");
  json_put_int(&w, p->offset);
  json_close_object(&w);
}

void tell_offset_moved(struct broker *b, const struct pull *p, int64_t offset_new, struct moment now) {
  struct buf body, properties;
  struct put_result put;
  if (b->settings->brokerRole == ROLE_SLAVE || member_refusal(&b->member) != NULL) return;
  buf_init(&body, EVENT_MAX);
  buf_init(&properties, EVENT_MAX);
  write_event(b, p, offset_new, &body);
  property_put(&properties, "KEYS", p->group);
  property_put(&properties, "TAGS", p->group);
  property_put(&properties, "DELAY", SPAN_LITERAL("0"));
  struct message m = {.born_ms = now.wall_ms,
                      .born_host = b->address,
                      .store_host = b->address,
                      .body = buf_span(&body),
                      .topic = SPAN_LITERAL("OFFSET_MOVED_EVENT"),
                      .properties = buf_span(&properties)};
  bool stored = !body.failed && !properties.failed && store_put(b->store, &m, now, &put) == PUT_OK;
  if (!stored)
    log_warn(b->log, "that group %.*s asked for offset %lld of %.*s could not be stored", SPAN_ARG(p->group),
             (long long)p->offset, SPAN_ARG(p->topic));
  buf_fini(&body);
  buf_fini(&properties);
}
