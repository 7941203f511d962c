/* SPDX-License-Identifier: Apache-2.0
 *
 * Push consumers: the library shares the queues among the members of the
 * group, pulls ahead, calls a listener and keeps the offsets. A message comes
 * at least once. Agrees with
 * org.apache.rocketmq.client.consumer.DefaultMQPushConsumer.
 */
#ifndef MQCLIENT_PUSH_CONSUMER_H
#define MQCLIENT_PUSH_CONSUMER_H

#include "mqclient/client.h"
#include "mqclient/message.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mq_push_consumer mq_push_consumer;

enum mq_consume_result {
  MQ_CONSUME_SUCCESS,
  MQ_CONSUME_LATER /* concurrent: the broker brings it again later, after maxReconsumeTimes to %DLQ%group;
                      ordered: the same message again after suspendCurrentQueueTimeMillis */
};

/* Up to consumeMessageBatchMaxSize messages of one queue; they live during the call. Runs on one of consumeThreadMin
 * threads, several at once; may block and may call every function of this library except this consumer's stop and
 * free. Ordered: never two calls for one queue at a time, and in the order of the queue.
 * (MessageListenerConcurrently, MessageListenerOrderly) */
typedef enum mq_consume_result (*mq_message_listener)(void *context, const mq_message *const *messages, size_t count);

/* Nothing starts yet. Free with mq_push_consumer_free. */
enum mq_result mq_push_consumer_new(mq_client *client, const char *group, mq_push_consumer **out,
                                    struct mq_error *error);
/* Exactly one of the two, before the start. */
void mq_push_consumer_listen(mq_push_consumer *consumer, mq_message_listener listener, void *context);
void mq_push_consumer_listen_ordered(mq_push_consumer *consumer, mq_message_listener listener, void *context);
/* expression: "TagA || TagB"; NULL or "*": all. Before the start. MQ_INVALID: not a topic or not an expression. */
enum mq_result mq_push_consumer_subscribe(mq_push_consumer *consumer, const char *topic, const char *expression,
                                          struct mq_error *error);
/* The expression is SQL92; the broker must have enablePropertyFilter. */
enum mq_result mq_push_consumer_subscribe_sql(mq_push_consumer *consumer, const char *topic, const char *expression,
                                              struct mq_error *error);
/* Returns at once; queues come with the first rebalance. MQ_INVALID: no listener or no subscription; MQ_EXISTS: the
 * client has a consumer of this group. */
enum mq_result mq_push_consumer_start(mq_push_consumer *consumer, struct mq_error *error);
/* Stops pulling, waits up to timeout_ms for the listeners, saves the offsets, tells the brokers. Messages that were not
 * consumed come again. MQ_TIMEOUT: a listener still runs; its message comes again too. Not from a listener. */
enum mq_result mq_push_consumer_stop(mq_push_consumer *consumer, int timeout_ms, struct mq_error *error);
/* After mq_push_consumer_stop (else it stops with no time). Waits for listeners that still run. NULL is allowed. */
void mq_push_consumer_free(mq_push_consumer *consumer);
/* No pulls between the two; what was pulled before still comes. Thread-safe, after the start. (suspend, resume) */
void mq_push_consumer_suspend(mq_push_consumer *consumer);
void mq_push_consumer_resume(mq_push_consumer *consumer);

#ifdef __cplusplus
}
#endif

#endif
