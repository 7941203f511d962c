/* SPDX-License-Identifier: Apache-2.0
 *
 * producer: sends messages: chooses a queue, retries at other brokers, keeps
 * one deadline for all tries. Sans-I/O, on the client's thread. Agrees with
 * org.apache.rocketmq.client.impl.producer.DefaultMQProducerImpl
 * (sendDefaultImpl, sendKernelImpl) and MQClientAPIImpl.sendMessage.
 */
#ifndef MQCLIENT_PRODUCER_IMPL_H
#define MQCLIENT_PRODUCER_IMPL_H

#include "libmqclient/client.h"
#include "libmqclient/transaction.h"

struct producer_config {
  const char *group;
  int retries_sync;                   /* retryTimesWhenSendFailed, 2 */
  int retries_async;                  /* retryTimesWhenSendAsyncFailed, 2 */
  bool retry_not_stored;              /* retryAnotherBrokerWhenNotStoreOK, false */
  /* Told when a broker asks for a transaction; NULL: nobody answers. */
  void (*asked)(void *owner, const struct transaction_question *question, struct moment now);
  void *owner;
};

struct producer {
  struct member member;
  struct client *client;
  struct producer_config config; /* group owned */
  struct route *recent;          /* of the last send */
  size_t pending;                /* sends that are not done */
};

enum send_mode { SEND_SYNC, SEND_ASYNC, SEND_ONEWAY };

enum send_status { SEND_STORED, SEND_FLUSH_DISK_TIMEOUT, SEND_FLUSH_SLAVE_TIMEOUT, SEND_SLAVE_NOT_AVAILABLE };

/* One send. The caller owns it and everything its spans point to until done has run; zeroed before each use. */
struct send_op {
  /* What to send. */
  struct producer *producer;
  struct span topic;
  struct span properties; /* in the form of the wire */
  struct span body;
  int32_t flag;
  int32_t sys_flag;
  bool batch; /* body is a batch body */
  enum send_mode mode;
  int timeout_ms; /* for all tries */
  /* Where to: a named queue, or what select chooses, or a queue in turn. Only the last is tried elsewhere. */
  struct span broker_name; /* SPAN_NONE: not named */
  int32_t queue_id;
  size_t (*select)(struct send_op *op, const struct queue_ref *queues, size_t count);
  void (*done)(struct send_op *op, struct moment now);

  /* The answer, for done; spans live during done only. */
  enum send_status status;
  const struct broker *broker;
  int32_t stored_queue;
  int64_t queue_offset;
  struct span offset_id;
  struct span transaction_id;
  struct span region;
  bool trace_on;

  /* Private. */
  struct call call;
  struct route_waiter waiter;
  struct job deadline; /* while waiting for the route */
  struct route *route;
  int64_t born_ms;
  int64_t due_ms;
  int tries;

  struct mq_error error; /* for done: result MQ_OK: stored or, SEND_ONEWAY, handed to the connection */
};

enum status producer_init(struct producer *p, struct client *c, const struct producer_config *config,
                          struct moment now) MUST_USE;
/* No send may be under way. */
void producer_fini(struct producer *p);
/* op->done runs exactly once, perhaps inside this call. */
void producer_send(struct producer *p, struct send_op *op, struct moment now);
/* Ends a send under way with MQ_STOPPED; op->done runs inside. */
void producer_abort(struct send_op *op, struct moment now);

#endif
