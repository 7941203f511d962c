/* SPDX-License-Identifier: Apache-2.0
 *
 * consumer_push: a consumer group that gets its messages brought: it takes its
 * share of the queues (rebalance.c), pulls ahead within limits (push_pull.c),
 * gives the messages to a listener and follows what became of them
 * (consume.c), in the order of the queue if wanted (ordered.c), and saves its
 * progress (push_offsets.c). Agrees with
 * org.apache.rocketmq.client.impl.consumer.DefaultMQPushConsumerImpl,
 * ConsumeMessage{Concurrently,Orderly}Service and RebalancePushImpl.
 */
#ifndef MQCLIENT_CONSUMER_PUSH_H
#define MQCLIENT_CONSUMER_PUSH_H

#include "libmqclient/client.h"
#include "libmqclient/offsets.h"
#include "libmqclient/process_queue.h"
#include "libmqclient/subscription.h"

struct push_config {
  const char *group;
  enum message_model model;
  enum consume_from from;
  int64_t from_ms;           /* CONSUME_FROM_TIMESTAMP: ms since 1970 */
  bool ordered;
  int batch_max;             /* consumeMessageBatchMaxSize, 1 */
  int pull_batch;            /* pullBatchSize, 32 */
  int pull_interval_ms;      /* 0 */
  int pull_error_ms;         /* pullTimeDelayMillsWhenException, 1000 */
  int queue_messages_max;    /* pullThresholdForQueue, 1000 */
  int queue_mib_max;         /* pullThresholdSizeForQueue, 100 */
  int topic_messages_max;    /* pullThresholdForTopic, -1 */
  int topic_mib_max;         /* pullThresholdSizeForTopic, -1 */
  int span_max;              /* consumeConcurrentlyMaxSpan, 2000 */
  int retries_max;           /* maxReconsumeTimes, -1 */
  int suspend_queue_ms;      /* suspendCurrentQueueTimeMillis, 1000 */
  int consume_timeout_ms;    /* consumeTimeout, 15 min */
  bool post_subscription;    /* postSubscriptionWhenPull */
  const char *offsets_path;  /* of offsets.json; broadcasting only */
};
void push_config_default(struct push_config *c);

enum consume_outcome {
  CONSUME_OK,
  CONSUME_FAILED,
  CONSUME_ABANDONED /* the listener was not called: the messages stay unconsumed */
};

/* Messages on their way through the listener. */
enum { CONSUME_CARRIER_SIZE = 64 };
struct direct;

struct consume_task {
  struct consumer_push *consumer;
  struct process_queue *queue; /* NULL: of a message that came alone: */
  struct direct *direct;
  struct consume_task *next; /* free for whom has the task */
  _Atomic int64_t started_ms; /* monotonic; set by who calls the listener; 0: not called yet */
  enum consume_outcome outcome;
  _Alignas(16) unsigned char carrier[CONSUME_CARRIER_SIZE]; /* the listener's side may use it */
  struct job retry; /* of one that waits to be tried again here */
  size_t count;
  struct received *messages[];
};

/* The listener's side: consumer_push_submit gives tasks away; each comes back by consumer_push_finish on the client's
 * thread, never inside submit. */
struct push_listener {
  void (*submit)(void *context, struct consume_task *task, size_t count);
  void *context;
};

struct topic_balance;
struct send_back;

struct consumer_push {
  struct member member;
  struct client *client;
  struct push_config config; /* strings owned */
  struct push_listener listener;
  struct subscriptions subscriptions;
  struct topic_balance *balances; /* one per subscription */
  struct process_queue *queues;
  struct local_offsets local; /* broadcasting: as read at the start */
  struct job expire, lock;
  struct delivery *free_deliveries;
  struct consume_task *free_tasks;
  struct consume_task *retrying; /* wait for their job */
  struct send_back *free_backs;
  size_t busy; /* tasks with the listener and messages being sent back, of dropped queues too */
  bool running;
  int64_t started_wall_ms;
  bool suspended;
  bool offsets_changed; /* broadcasting */
  struct lock_call *lock_calls;
  void (*drained)(struct consumer_push *p, struct moment now); /* while stopping */
};

enum status consumer_push_init(struct consumer_push *p, struct client *c, const struct push_config *config,
                               const struct push_listener *listener) MUST_USE;
/* EXISTS: the client has a consumer of this group. The subscriptions must be there. */
enum status consumer_push_start(struct consumer_push *p, struct moment now) MUST_USE;
/* No more pulls and tasks; drained runs when the last task is back, perhaps inside this call. */
void consumer_push_drain(struct consumer_push *p, void (*drained)(struct consumer_push *p, struct moment now),
                         struct moment now);
/* Saves the offsets and gives all queues back, drained or not; tasks still out are forgotten when they return. */
void consumer_push_release(struct consumer_push *p, struct moment now);
/* Leaves the client. No task may be out. */
void consumer_push_fini(struct consumer_push *p);
void consumer_push_finish(struct consume_task *task, struct moment now);
void consumer_push_suspend(struct consumer_push *p, bool suspended, struct moment now);
/* ---- between the files of the room ---- */

static inline bool push_is_clustering(const struct consumer_push *p) { return p->config.model == MODEL_CLUSTERING; }
/* Java's -1: 16 tries, ordered: no limit. */
int push_retries_max(const struct consumer_push *p);

/* consumer_push.c: queue life */
struct process_queue *push_queue_find(const struct consumer_push *p, const struct route *route,
                                      const struct queue_ref *ref);
void push_queue_take(struct consumer_push *p, struct subscription *s, struct route *route, const struct queue_ref *ref,
                     struct moment now);
void push_queue_drop(struct process_queue *q, struct moment now);
void push_queue_quiet(struct process_queue *q); /* no more questions, pulls, messages */
void push_queue_maybe_free(struct process_queue *q);
struct delivery *push_delivery_take(struct consumer_push *p);
void push_delivery_give(struct consumer_push *p, struct delivery *d);
void push_unref(struct consumer_push *p, struct received *m);

/* push_asked.c: member_ops.asked, and the end of a message that came alone */
bool push_asked(struct member *m, const struct reply_to *to, const struct command *cmd, struct moment now);
void push_direct_finish(struct consume_task *task, struct moment now);

/* rebalance.c */
enum status rebalance_init(struct consumer_push *p) MUST_USE;
void rebalance_fini(struct consumer_push *p);
void rebalance_all(struct consumer_push *p, struct moment now);

/* push_pull.c */
void push_locate(struct process_queue *q, struct moment now);
void push_pull(struct process_queue *q, struct moment now);
/* Room was made: a full queue pulls again. */
void push_pull_room(struct process_queue *q, struct moment now);

/* push_offsets.c */
void push_commit(struct process_queue *q, int64_t offset); /* never back */
void push_offsets_save(struct consumer_push *p, struct moment now);
void push_offset_save(struct process_queue *q, struct moment now);

/* consume.c */
void consume_new(struct process_queue *q, struct delivery *d, struct moment now);
struct consume_task *consume_task_take(struct process_queue *q);
void consume_task_add(struct consume_task *task, struct received *m);
void consume_task_give(struct consume_task *task, struct moment now);
void consume_submit(struct consume_task *task, size_t count);
void consume_progress(struct process_queue *q, struct moment now);
void consume_expire(struct job *job, struct moment now);
/* CONSUMER_SEND_MSG_BACK; done gets whether the broker took it. */
typedef void (*send_back_done)(struct process_queue *q, struct received *m, bool taken, struct moment now);
void consume_send_back(struct process_queue *q, struct received *m, int delay_level, send_back_done done,
                       struct moment now);
void consume_fini(struct consumer_push *p);
void consume_cancel_retries(struct consumer_push *p, struct moment now);
/* The listener's threads are done with a task, or a send-back with its message. */
void consume_less_busy(struct consumer_push *p, struct moment now);

/* ordered.c */
void ordered_lock_queue(struct process_queue *q, struct moment now);
void ordered_lock_all(struct job *job, struct moment now);
void ordered_unlock(struct process_queue *q, struct moment now);
void ordered_run(struct process_queue *q, struct moment now);
void ordered_run_job(struct job *job, struct moment now);
void ordered_finish(struct consume_task *task, struct moment now);
void ordered_cancel(struct consumer_push *p);

#endif
