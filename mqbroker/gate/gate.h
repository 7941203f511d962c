/* SPDX-License-Identifier: Apache-2.0
 *
 * gate: who waits for which mark. A mark is a commit log offset that only
 * grows: appended (written), flushed (on disk) or replicated (written by as
 * many slaves as are asked for). A send is answered when its marks have been
 * reached, in offset order, and never before; all that wait, wait at once
 * (org.apache.rocketmq.store.ha.HAService.GroupTransferService serves one at a
 * time).
 *
 * The gate does not know what an answer looks like: it gives waiters back.
 */
#ifndef MQBROKER_GATE_GATE_H
#define MQBROKER_GATE_GATE_H

#include "core/base/moment.h"
#include "core/base/timers.h"
#include "core/remoting/remoting.h"

struct waiter {
  struct reply_to to;
  int64_t physical_offset; /* of the record, for its message id */
  int64_t end_offset;      /* the mark to be reached */
  int64_t queue_offset;
  int64_t due_ms;  /* monotonic: then it is answered although the mark is not reached; not for `appended` */
  char *batch_ids; /* comma-joined message ids of a batch, owned; NULL for a single message */
  int32_t queue_id;
  bool wants_flush;
  bool wants_replica;
  bool plain;         /* the answer is a code alone: what was stored is nobody's send result */
  bool lacks_replica; /* no slave was near when it was put: the answer says so */
  bool wants_topic;   /* its topic was made in this turn, or could not be saved yet */
};

/* A ring in offset order. */
struct waiter_ring {
  struct waiter *items;
  size_t head, count, cap; /* cap: power of two */
};

struct gate {
  struct waiter_ring appended;   /* of this turn, not written yet */
  struct waiter_ring flushed;    /* written, wait for the disk only */
  struct waiter_ring replicated; /* written, wait for slaves, perhaps for the disk, too */
};

struct gate_marks {
  int64_t appended, flushed, replicated;
  bool topics; /* the topic table is on disk */
};

/* What a slave lacks is told before what the disk lacks, as Java does. */
enum gate_outcome {
  GATE_DONE,
  GATE_FLUSH_TIMEOUT,
  GATE_WRITE_FAILED,
  GATE_REPLICA_TIMEOUT,
  GATE_NO_REPLICA,
  GATE_TOPIC_UNSAVED,
  GATE_LEADER_LOST
};
/* Answers a waiter; takes batch_ids back. */
typedef void (*gate_answer)(void *context, struct waiter *w, enum gate_outcome outcome);

void gate_init(struct gate *g);
void gate_fini(struct gate *g); /* forgets the waiters */
/* Room for one more waiter: made before anything is stored that somebody must be told of. */
enum status gate_reserve(struct gate *g) MUST_USE;
/* Into the room that was reserved. Waiters come in offset order. */
void gate_wait(struct gate *g, const struct waiter *w);
/* This turn's write failed: everybody who waits for it is told. */
void gate_write_failed(struct gate *g, gate_answer answer, void *context);
/* Nobody's mark will be reached: everybody who waits is told. */
void gate_give_up(struct gate *g, gate_answer answer, void *context);
/* Answers everybody whose mark is reached or whose time is over. */
void gate_release(struct gate *g, const struct gate_marks *marks, struct moment now, gate_answer answer, void *context);
/* Greatest offset somebody waits to see on disk; 0: nobody. */
int64_t gate_flush_wanted(const struct gate *g);
int64_t gate_next_ms(const struct gate *g); /* TIME_NEVER: no deadline */
static inline size_t gate_waiting(const struct gate *g) {
  return g->appended.count + g->flushed.count + g->replicated.count;
}

#endif
