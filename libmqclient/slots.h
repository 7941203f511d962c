/* SPDX-License-Identifier: Apache-2.0
 *
 * slots: the sends of a producer that are under way, pooled: after warm-up a
 * send allocates nothing. Taken by the program's threads, given back by them
 * (blocking sends) or by the loop thread (asynchronous ones).
 */
#ifndef MQCLIENT_SLOTS_H
#define MQCLIENT_SLOTS_H

#include "libmqclient/instance.h"
#include "libmqclient/producer.h"
#include "mqclient/producer.h"

#include <semaphore.h>

struct slot {
  struct post post; /* first */
  struct slot *next_free;
  struct slot *next_all;
  struct slot *next_active, *prev_active; /* loop thread */
  struct mq_producer *producer;
  struct send_op op;
  struct buf buffer; /* properties, and what an asynchronous send copied */
  size_t weight;     /* bytes it counts for in maxPendingSendBytes */
  sem_t over;        /* of a blocking send */
  bool blocking;
  char message_id[UNIQ_ID_MAX + 1];
  mq_queue_selector selector;
  void *selector_context;
  mq_send_callback callback;
  void *callback_context;
  /* Of a blocking send, for the waiter. */
  struct mq_send_result result;
};

/* Asynchronous sends under way: how many in the upper bits, their bytes in the lower ones. */
#define SLOTS_ONE (UINT64_C(1) << 40)

struct slots {
  pthread_mutex_t lock;
  pthread_cond_t room;
  struct slot *free;               /* under lock */
  struct slot *all;                /* under lock */
  _Atomic(struct slot *) returned;
  _Atomic uint64_t pending;        /* SLOTS_ONE each, plus bytes */
  atomic_uint waiters;             /* threads that wait for room */
  size_t pending_max, pending_bytes_max;
  /* Loop thread: what ended in this turn, told to the other threads once at its end. A thread woken earlier would take
   * the processor from the loop while more answers wait. */
  struct slot *ended_first, *ended_last; /* asynchronous */
  struct slot *woken;                    /* blocking */
  uint64_t left;                         /* to be taken from pending */
};

void slots_init(struct slots *s, size_t pending_max, size_t pending_bytes_max);
void slots_fini(struct slots *s);
/* NULL: out of memory. */
struct slot *slots_take(struct slots *s);
/* By the thread that took it: the send was refused, or a blocking one is over. */
void slots_give(struct slots *s, struct slot *slot);
/* Room for an asynchronous send of so many bytes. */
bool slots_try_enter(struct slots *s, size_t bytes);
/* The same, waiting up to timeout_ms. False: none became free in time. */
bool slots_enter(struct slots *s, size_t bytes, int timeout_ms);
/* Loop thread: a send is over. */
void slots_ended(struct slots *s, struct slot *slot);
/* Loop thread, at the end of a turn. */
void slots_flush(struct slots *s);

/* api_producer.c: whose producer it is. */
mq_client *producer_client(const struct mq_producer *p);

#endif
