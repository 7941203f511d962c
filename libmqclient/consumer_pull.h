/* SPDX-License-Identifier: Apache-2.0
 *
 * consumer_pull: a consumer group whose owner chooses queues and offsets. It
 * only makes the group known to the brokers; pulls and questions are pull.h
 * and queue_query.h. Agrees with
 * org.apache.rocketmq.client.impl.consumer.DefaultMQPullConsumerImpl.
 */
#ifndef MQCLIENT_CONSUMER_PULL_H
#define MQCLIENT_CONSUMER_PULL_H

#include "libmqclient/client.h"
#include "libmqclient/subscription.h"

struct consumer_pull {
  struct member member;
  struct client *client;
  enum message_model model;
  struct subscriptions subscriptions; /* topics asked for so far; for the heartbeat */
};

enum status consumer_pull_init(struct consumer_pull *p, struct client *c, const char *group, enum message_model model,
                               struct moment now) MUST_USE;
void consumer_pull_fini(struct consumer_pull *p);
/* The group reads this topic: its route is kept fresh and the brokers are told. */
enum mq_result consumer_pull_need(struct consumer_pull *p, const char *topic, struct moment now,
                                  struct mq_error *error);
/* UPDATE_CONSUMER_OFFSET, one-way. */
enum status consumer_pull_commit(struct consumer_pull *p, const char *topic, const struct broker *broker,
                                 int32_t queue_id, int64_t offset, struct moment now) MUST_USE;

#endif
