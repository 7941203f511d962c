/* SPDX-License-Identifier: Apache-2.0
 *
 * process_queue: one queue that rebalancing gave to this consumer: the
 * messages pulled and not yet consumed, and how far consumption got. The
 * offset to commit is that of the oldest message not consumed, so a message is
 * never skipped. Agrees with org.apache.rocketmq.client.impl.consumer.ProcessQueue.
 */
#ifndef MQCLIENT_PROCESS_QUEUE_H
#define MQCLIENT_PROCESS_QUEUE_H

#include "libmqclient/pull.h"
#include "libmqclient/queue_query.h"
#include "libmqclient/subscription.h"

struct consumer_push;
struct consume_task;

enum queue_state {
  QUEUE_LOCKING,  /* ordered: asks the broker for the lock */
  QUEUE_LOCATING, /* asks where to begin */
  QUEUE_PULLING,  /* a pull is under way */
  QUEUE_FULL,     /* flow control: goes on when messages were consumed */
  QUEUE_RESTING,  /* its job will pull */
  QUEUE_DOOMED    /* its offset was illegal: dropped, and taken again later */
};

struct process_queue {
  struct consumer_push *consumer;
  struct process_queue *next;
  struct subscription *subscription;
  struct route *route;
  struct broker *broker;
  int32_t id;
  enum queue_state state;
  bool dropped; /* not ours any more: results of its tasks count for nothing */
  bool listed;  /* in the consumer's list */

  struct received messages; /* ring, by offset */
  size_t count;
  size_t bytes;
  int64_t max_offset; /* of the messages taken in; -1: none yet */
  int64_t next_offset;
  int64_t committed; /* -1: unknown */
  size_t tasks;      /* given to the listener, or being sent back, or waiting to be tried again */

  struct job job;
  struct queue_query query;
  struct pull_op pull;
  int64_t pulled_ms;

  /* Ordered consumption. */
  bool locked;
  int64_t locked_ms;
  struct consume_task *running;
  struct job order_job;
};

void process_queue_init(struct process_queue *q);
/* Takes all messages of a delivery; true when there were any. */
bool process_queue_add(struct process_queue *q, struct delivery *d);
/* A message was consumed (or may count as such). False: it was not in the queue any more. */
bool process_queue_remove(struct process_queue *q, struct received *m);
/* Offsets between the first and the last message held. */
int64_t process_queue_span(const struct process_queue *q);
/* What may be committed now; -1: nothing was taken in yet. */
int64_t process_queue_progress(const struct process_queue *q);

#endif
