/* SPDX-License-Identifier: Apache-2.0
 *
 * CLEAN_EXPIRED_CONSUMEQUEUE (306), CLEAN_UNUSED_TOPIC (316). Agrees with
 * org.apache.rocketmq.broker.processor.AdminBrokerProcessor, but says so when
 * something could not be removed.
 */
#include "core/wire/codes.h"
#include "mqbroker/handle/handle.h"

static void answer(struct broker *b, const struct request *rq, const char *what, size_t removed, enum status status) {
  if (status == STATUS_OK) {
    log_info(b->log, "%zu %s removed on request", removed, what);
    reply_ok(b, rq);
  } else {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "%zu %s removed, but not all of them: %s", removed,
                         what, status_text(status));
  }
}

void handle_clean_expired_queues(struct broker *b, const struct request *rq) {
  enum status status;
  size_t removed = store_clean_expired_queues(b->store, &status);
  answer(b, rq, "expired consume queues", removed, status);
}

static bool topic_exists(void *context, struct span topic) {
  struct broker *b = context;
  return topics_find(&b->topics, topic) != NULL;
}

void handle_clean_unused_topics(struct broker *b, const struct request *rq) {
  enum status status;
  size_t removed = store_clean_topics(b->store, topic_exists, b, &status);
  answer(b, rq, "unused topics", removed, status);
}
