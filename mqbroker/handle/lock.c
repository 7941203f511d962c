/* SPDX-License-Identifier: Apache-2.0
 *
 * LOCK_BATCH_MQ (41), UNLOCK_BATCH_MQ (42): consumers that keep the order of a
 * queue make sure to be alone with it. Agrees with
 * org.apache.rocketmq.broker.processor.AdminBrokerProcessor.{lockBatchMQ,unlockBatchMQ}.
 */
#include "core/wire/codes.h"
#include "mqbroker/handle/handle.h"

enum { BODY_MAX = 16 << 20 };

struct lock_request { /* LockBatchRequestBody, UnlockBatchRequestBody */
  struct span group, client_id;
  const struct json *queues; /* the first; NULL: none */
};

/* False: answered. */
static bool read_request(struct broker *b, const struct request *rq, struct lock_request *out) {
  struct json *root;
  const char *why = NULL;
  if (json_parse(rq->cmd->body, &JSON_LIMITS_DEFAULT, &b->arena, &root, &why, NULL) != STATUS_OK) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "the body with the queues: %s",
                         why == NULL ? "?" : why);
    return false;
  }
  const struct json *set = json_member(root, "mqSet");
  out->group = json_text(json_member(root, "consumerGroup"));
  out->client_id = json_text(json_member(root, "clientId"));
  out->queues = set == NULL ? NULL : set->children;
  if (out->group.len > 0 && out->client_id.len > 0) return true;
  remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "consumerGroup and clientId are needed");
  return false;
}

void handle_lock_queues(struct broker *b, const struct request *rq) {
  struct lock_request r;
  struct buf body;
  struct json_writer w;
  if (!read_request(b, rq, &r)) return;
  buf_init(&body, BODY_MAX);
  json_writer_init(&w, &body, false);
  json_open_object(&w);
  json_key(&w, "lockOKMQSet");
  json_open_array(&w);
  for (const struct json *v = r.queues; v != NULL; v = v->next) {
    struct message_queue q;
    message_queue_read(v, &q);
    if (locks_take(&b->locks, r.group, &q, r.client_id, rq->to.conn, b->settings->rebalanceLockMaxLiveTime, rq->now))
      message_queue_write(&w, &q);
  }
  json_close_array(&w);
  json_close_object(&w);
  reply_body(b, rq, &body);
  buf_fini(&body);
}

void handle_unlock_queues(struct broker *b, const struct request *rq) {
  struct lock_request r;
  if (!read_request(b, rq, &r)) return;
  for (const struct json *v = r.queues; v != NULL; v = v->next) {
    struct message_queue q;
    message_queue_read(v, &q);
    locks_give(&b->locks, r.group, &q, r.client_id);
  }
  reply_ok(b, rq);
}
