/* SPDX-License-Identifier: Apache-2.0
 *
 * subscription: the topics a consumer group reads and with which filter.
 * Agrees with FilterAPI.buildSubscriptionData.
 */
#ifndef MQCLIENT_SUBSCRIPTION_H
#define MQCLIENT_SUBSCRIPTION_H

#include "core/wire/bodies.h"
#include "mqclient/error.h"

struct subscription {
  struct subscription_data data; /* spans live in the arena; topic is NUL-terminated */
  const char *topic;
  struct arena arena;
  struct subscription *next;
};

struct subscriptions {
  struct subscription *first;
  size_t count;
};

/* Adds or replaces. sql: expression is SQL92, else tags "A || B" or "*". wall_ms becomes its version. */
enum mq_result subscriptions_put(struct subscriptions *s, const char *topic, const char *expression, bool sql,
                                 int64_t wall_ms, struct mq_error *error);
void subscriptions_remove(struct subscriptions *s, const char *topic);
struct subscription *subscriptions_find(const struct subscriptions *s, const char *topic);
void subscriptions_fini(struct subscriptions *s);
/* As the heartbeat wants them. */
enum status subscriptions_describe(const struct subscriptions *s, struct consumer_data *out,
                                   struct arena *arena) MUST_USE;

#endif
