/* SPDX-License-Identifier: Apache-2.0
 *
 * pull: one PULL_MESSAGE request and its answer. Agrees with
 * org.apache.rocketmq.client.impl.consumer.PullAPIWrapper and
 * MQClientAPIImpl.processPullResponse.
 */
#ifndef MQCLIENT_PULL_H
#define MQCLIENT_PULL_H

#include "libmqclient/client.h"
#include "libmqclient/message.h"

enum pull_sys_flag {
  PULL_COMMIT_OFFSET = 1,
  PULL_SUSPEND = 2,
  PULL_SUBSCRIPTION = 4,
  PULL_CLASS_FILTER = 8,
  PULL_LITE = 16
};

enum pull_status { PULL_FOUND, PULL_NO_NEW, PULL_NO_MATCH, PULL_OFFSET_ILLEGAL };

struct pull_op {
  struct client *client;
  const char *group; /* this and the next two borrowed until done */
  const char *topic;
  const struct subscription_data *subscription;
  const struct broker *broker;
  int32_t queue_id;
  int64_t offset;
  int64_t commit_offset; /* with PULL_COMMIT_OFFSET: piggy-backed */
  int32_t max_messages;
  int32_t sys_flag;
  int suspend_ms; /* how long the broker may wait for messages */
  int timeout_ms;
  struct delivery *delivery; /* filled when PULL_FOUND; may come back empty when no tag matched */
  void (*done)(struct pull_op *p, struct moment now);

  struct mq_error error;
  enum pull_status status;
  int64_t next_offset, min_offset, max_offset;

  int64_t suggested_id; /* broker id the broker told us to pull from (pullFromWhichNodeTable); kept between pulls */
  struct call call;
};

/* The most bytes the messages of one reply may unpack to. */
#define DELIVERY_MAX (256u << 20)

/* done runs exactly once, never inside this call; other than MQ_OK: it does not run (p->error is filled). */
enum mq_result pull_start(struct pull_op *p, struct moment now);
void pull_cancel(struct pull_op *p);

#endif
