/* SPDX-License-Identifier: Apache-2.0
 *
 * Producers. Agrees with org.apache.rocketmq.client.producer.DefaultMQProducer:
 * the same queues in turn, the same retries, the same properties.
 *
 * All functions may be called by any number of threads at once, except
 * mq_producer_free, which must be the last.
 */
#ifndef MQCLIENT_PRODUCER_H
#define MQCLIENT_PRODUCER_H

#include "mqclient/client.h"
#include "mqclient/message.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mq_producer mq_producer;

/* SendStatus: all of them mean that the broker has the message. */
enum mq_send_status {
  MQ_SEND_OK,
  MQ_SEND_FLUSH_DISK_TIMEOUT,  /* sync flush did not end in time */
  MQ_SEND_FLUSH_SLAVE_TIMEOUT, /* the slave did not confirm in time */
  MQ_SEND_SLAVE_NOT_AVAILABLE  /* there is no slave that could confirm */
};

/* SendResult. */
struct mq_send_result {
  enum mq_send_status status;
  char message_id[MQ_ID_MAX]; /* the id this client gave it (UNIQ_KEY); of a batch: of its first message */
  char offset_id[MQ_ID_MAX];  /* the broker's id; of a batch: of its first message */
  struct mq_queue queue;      /* where it lies */
  int64_t queue_offset;       /* of a batch: of its first message, the others follow */
};

/* MessageQueueSelector: the index of the queue to use. Runs on the loop thread: it must not block and must not call
 * this library, except for mq_queue_list_count and _get. */
typedef size_t (*mq_queue_selector)(const mq_queue_list *queues, void *context);
/* By the hash of a text, which context points to: equal texts, equal queue (SelectMessageQueueByHash). */
size_t mq_select_by_hash(const mq_queue_list *queues, void *context);

/* Where and how to send. Zeroed: to a queue in turn, with the settings of the client. */
struct mq_send_options {
  struct mq_queue queue;      /* broker_name not NULL: to this queue, and nowhere else; the name must live until the
                                 send is over, as names given out by the library do */
  mq_queue_selector selector; /* not NULL: chooses the queue */
  void *selector_context;     /* must live until the send is over */
  int timeout_ms;             /* for all tries together; 0: sendMsgTimeout */
};

/* Runs once per send, on the loop thread: it must not block, and no blocking function of this library may be called in
 * it (they answer MQ_INVALID); asynchronous ones may. result (NULL on failure) and error live during the call. */
typedef void (*mq_send_callback)(void *context, enum mq_result outcome, const struct mq_send_result *result,
                                 const struct mq_error *error);

/* Makes the group known. MQ_EXISTS: the client has a producer of this group. error may be NULL, here and below.
 * Free with mq_producer_free. (DefaultMQProducer.start) */
enum mq_result mq_producer_start(mq_client *client, const char *group, mq_producer **out, struct mq_error *error);
/* Refuses new sends, waits up to timeout_ms for those under way, tells the brokers (UNREGISTER_CLIENT). MQ_TIMEOUT:
 * what was still under way then ended with MQ_STOPPED. (shutdown) */
enum mq_result mq_producer_stop(mq_producer *producer, int timeout_ms, struct mq_error *error);
/* After mq_producer_stop (else it stops with no time). NULL is allowed. */
void mq_producer_free(mq_producer *producer);

/* Blocks until the broker has the message or all tries failed. message is only read; options and result may be NULL.
 * Tried again at other brokers up to retryTimesWhenSendFailed times, unless a queue or selector was given.
 * (DefaultMQProducer.send) */
enum mq_result mq_producer_send(mq_producer *producer, const mq_message *message,
                                const struct mq_send_options *options, struct mq_send_result *result,
                                struct mq_error *error);
/* Several small messages of one topic in one request, stored together. MQ_INVALID: different topics, delayed ones or
 * those of a retry topic. (DefaultMQProducer.send(Collection)) */
enum mq_result mq_producer_send_batch(mq_producer *producer, const mq_message *const *messages, size_t count,
                                      const struct mq_send_options *options, struct mq_send_result *result,
                                      struct mq_error *error);

/* Copies the message and returns. MQ_OK: callback runs exactly once, perhaps before the return; anything else: it does
 * not. Waits up to the send's time-out while maxPendingSends are under way (MQ_BUSY then; at once in a callback).
 * Tried again up to retryTimesWhenSendAsyncFailed times when the network failed. (send(msg, SendCallback)) */
enum mq_result mq_producer_send_async(mq_producer *producer, const mq_message *message,
                                      const struct mq_send_options *options, mq_send_callback callback, void *context,
                                      struct mq_error *error);
enum mq_result mq_producer_send_batch_async(mq_producer *producer, const mq_message *const *messages, size_t count,
                                            const struct mq_send_options *options, mq_send_callback callback,
                                            void *context, struct mq_error *error);
/* Copies the message, hands it to the connection later and never learns what became of it. (sendOneway) */
enum mq_result mq_producer_send_oneway(mq_producer *producer, const mq_message *message,
                                       const struct mq_send_options *options, struct mq_error *error);

/* Sends the message and waits up to timeout_ms for the message that a consumer answers it with; free that with
 * mq_message_free. MQ_TIMEOUT: it was sent, but no reply came. (DefaultMQProducer.request) */
enum mq_result mq_producer_request(mq_producer *producer, const mq_message *message,
                                   const struct mq_send_options *options, int timeout_ms, mq_message **reply,
                                   struct mq_error *error);

/* The writable queues of a topic; free with mq_queue_list_free. (fetchPublishMessageQueues) */
enum mq_result mq_producer_queues(mq_producer *producer, const char *topic, mq_queue_list **out,
                                  struct mq_error *error);

#ifdef __cplusplus
}
#endif

#endif
