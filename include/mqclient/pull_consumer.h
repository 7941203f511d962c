/* SPDX-License-Identifier: Apache-2.0
 *
 * Pull consumers: the program chooses queues and offsets. Agrees with
 * org.apache.rocketmq.client.consumer.DefaultMQPullConsumer.
 *
 * All functions may be called by any number of threads at once, except
 * mq_pull_consumer_free, which must be the last. All block, except _async;
 * none may be called from a callback.
 */
#ifndef MQCLIENT_PULL_CONSUMER_H
#define MQCLIENT_PULL_CONSUMER_H

#include "mqclient/client.h"
#include "mqclient/message.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mq_pull_consumer mq_pull_consumer;

/* MQ_EXISTS: the client has a consumer of this group. Free with mq_pull_consumer_free. */
enum mq_result mq_pull_consumer_start(mq_client *client, const char *group, mq_pull_consumer **out,
                                      struct mq_error *error);
/* Ends pulls under way with MQ_STOPPED and tells the brokers, for up to timeout_ms. */
enum mq_result mq_pull_consumer_stop(mq_pull_consumer *consumer, int timeout_ms, struct mq_error *error);
/* After mq_pull_consumer_stop (else it stops with no time). NULL is allowed. */
void mq_pull_consumer_free(mq_pull_consumer *consumer);

/* The readable queues; free with mq_queue_list_free. (fetchSubscribeMessageQueues) */
enum mq_result mq_pull_consumer_queues(mq_pull_consumer *consumer, const char *topic, mq_queue_list **out,
                                       struct mq_error *error);

/* First offset; one past the last; first one stored at or after `when_ms`. (minOffset, maxOffset, searchOffset) */
enum mq_result mq_pull_consumer_min_offset(mq_pull_consumer *consumer, const char *topic, struct mq_queue queue,
                                           int64_t *offset, struct mq_error *error);
enum mq_result mq_pull_consumer_max_offset(mq_pull_consumer *consumer, const char *topic, struct mq_queue queue,
                                           int64_t *offset, struct mq_error *error);
enum mq_result mq_pull_consumer_offset_at(mq_pull_consumer *consumer, const char *topic, struct mq_queue queue,
                                          int64_t when_ms, int64_t *offset, struct mq_error *error);
/* What the group committed at the broker; -1: nothing yet. (fetchConsumeOffset) */
enum mq_result mq_pull_consumer_committed(mq_pull_consumer *consumer, const char *topic, struct mq_queue queue,
                                          int64_t *offset, struct mq_error *error);
/* The group goes on here next time. Sent one-way at once. (updateConsumeOffset) */
enum mq_result mq_pull_consumer_commit(mq_pull_consumer *consumer, const char *topic, struct mq_queue queue,
                                       int64_t offset, struct mq_error *error);

/* PullStatus. */
enum mq_pull_status { MQ_PULL_FOUND, MQ_PULL_NO_NEW, MQ_PULL_NO_MATCH, MQ_PULL_OFFSET_ILLEGAL };

/* Messages of one pull with the memory they live in. */
typedef struct mq_pull_result mq_pull_result;
enum mq_pull_status mq_pull_result_status(const mq_pull_result *result);
size_t mq_pull_result_count(const mq_pull_result *result);
/* i must be below the count; the message lives as long as the result. */
const mq_message *mq_pull_result_message(const mq_pull_result *result, size_t i);
int64_t mq_pull_result_next_offset(const mq_pull_result *result); /* where to pull next */
int64_t mq_pull_result_min_offset(const mq_pull_result *result);
int64_t mq_pull_result_max_offset(const mq_pull_result *result);
/* Before its consumer is freed. NULL is allowed. */
void mq_pull_result_free(mq_pull_result *result);

/* What and how to pull. */
struct mq_pull_request {
  const char *topic;
  struct mq_queue queue;
  const char *expression; /* "TagA || TagB"; NULL or "*": all */
  bool sql;               /* expression is SQL92 */
  int64_t offset;
  int32_t max_messages; /* 1..1024; the broker may send fewer */
  bool wait;            /* nothing there: the broker waits up to brokerSuspendMaxTimeMillis (pullBlockIfNotFound) */
};

/* On MQ_OK *out is the result; free it with mq_pull_result_free. (pull, pullBlockIfNotFound) */
enum mq_result mq_pull_consumer_pull(mq_pull_consumer *consumer, const struct mq_pull_request *request,
                                     mq_pull_result **out, struct mq_error *error);

/* Runs once, on the loop thread: it must not block. result is the callback's to free; NULL on failure. */
typedef void (*mq_pull_callback)(void *context, enum mq_result outcome, mq_pull_result *result,
                                 const struct mq_error *error);
/* MQ_OK: callback runs exactly once; anything else: it does not. */
enum mq_result mq_pull_consumer_pull_async(mq_pull_consumer *consumer, const struct mq_pull_request *request,
                                           mq_pull_callback callback, void *context, struct mq_error *error);

#ifdef __cplusplus
}
#endif

#endif
