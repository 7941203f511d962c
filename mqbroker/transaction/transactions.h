/* SPDX-License-Identifier: Apache-2.0
 *
 * transactions: which half messages still wait for their producer's word, and
 * the asking for it (CHECK_TRANSACTION_STATE). Agrees with
 * org.apache.rocketmq.broker.transaction.queue.TransactionalMessageServiceImpl
 * on the records and on the consumer offsets of CID_RMQ_SYS_TRANS in the half
 * and the op queue, so that either broker goes on where the other was.
 *
 * Java stores a half message anew each time it asks, because its offset moves
 * on behind whatever it has looked at. Here the offset stays at the oldest
 * that waits, and no message is ever stored again: what has ended behind it is
 * known from the op queue (ended.h), and how often each was asked for is
 * written once a round, for all of them, into an op record that names one
 * that has ended already; Java takes it for that and passes on.
 *
 * A room without a clock: turns say when. Before anything here is stored it
 * counts (nobody is asked for it again), but offsets move only over what is in
 * the queues, and are handed out when that is on disk.
 */
#ifndef MQBROKER_TRANSACTION_TRANSACTIONS_H
#define MQBROKER_TRANSACTION_TRANSACTIONS_H

#include "core/base/arena.h"
#include "core/base/log.h"
#include "mqbroker/state/offsets.h"
#include "mqbroker/store/store.h"
#include "mqbroker/transaction/ended.h"

struct transaction_rules {
  int64_t timeout_ms;     /* transactionTimeOut: nobody is asked for one that is younger */
  int64_t interval_ms;    /* transactionCheckInterval */
  int64_t reserved_hours; /* fileReservedTime: one that is older is given up */
  size_t waiting_max;     /* maxPendingTransactions */
  int32_t check_max;      /* transactionCheckMax: then it is given up, too */
};

/* A question for a producer: h's fields, and the record as it was sent. */
struct transaction_check {
  struct span group, unique_key;
  int64_t queue_offset, physical_offset;
  int32_t times; /* how often it was asked for, this time included */
  struct span record;
};

/* What the room needs of the broker. */
struct transaction_door {
  /* To one of the group's producers. False: nobody is there. */
  bool (*ask)(void *context, const struct transaction_check *check);
  /* For what is given up. False: not now. */
  bool (*make_topic)(void *context, const char *name);
  void *context;
};

struct waiting_half {
  int64_t half;
  int32_t times;
};

struct waiting_list { /* by half offset */
  struct waiting_half *items;
  size_t count, cap;
};

struct transactions {
  struct log *log;
  struct transaction_door door;
  struct net_peer broker;
  struct ended ended;
  struct arena arena; /* of one message */
  bool running;
  bool more; /* work was left for the next turn */

  int64_t base;    /* all halves below have ended */
  int64_t scanned; /* those below were looked at: they wait or have ended */
  int64_t op_base; /* op records below say nothing about the others */
  int64_t op_next; /* op records below were read */

  struct waiting_list waiting; /* old enough to be asked for */
  struct waiting_list noted;   /* how often, as said before this broker began */
  int64_t note_at;             /* op offset of the last note; -1: none */
  int64_t told_before;         /* op records from here on were put since */
  bool times_changed;          /* not noted yet */

  int64_t *owed; /* whose op record could not be put */
  size_t owed_count, owed_cap;

  bool in_round;
  size_t walk_end, walked, kept; /* of waiting, in this round */
  size_t unasked;                /* nobody was there, in this round */
  int64_t round_ms;              /* monotonic, of the next */
  int64_t retry_ms;              /* monotonic: nothing is tried before */

  int64_t mark, mark_base, mark_op; /* when the log is on disk up to mark (-1: none), these may be known */
  int64_t given_base, given_op;
  int64_t save_ms; /* monotonic */
};

void transactions_init(struct transactions *t, struct log *log, const struct net_peer *broker,
                       const struct transaction_door *door);
void transactions_fini(struct transactions *t);
/* From now on: this broker may put. Goes on where the offsets say. */
void transactions_start(struct transactions *t, struct store *s, const struct offsets *os, int64_t interval_ms,
                        struct moment now);
void transactions_stop(struct transactions *t);

/* Has this half message ended, as its producer said? */
bool transactions_ended(const struct transactions *t, int64_t half);
/* It ends: its op record is put, now or, if that cannot be, later. The result is that of its put. */
enum put_status transactions_end(struct transactions *t, struct store *s, int64_t half, struct moment now,
                                 struct put_result *put);

/* Reads what ended and asks for what waits; before the turn's store_commit. */
void transactions_turn(struct transactions *t, struct store *s, const struct transaction_rules *rules,
                       struct moment now);
/* After it: whether what was put is written. */
void transactions_written(struct transactions *t, bool written);
/* Hands the offsets out when the log is on disk. */
void transactions_save(struct transactions *t, struct store *s, struct offsets *os, struct moment now);
/* The last ones, once the log is on disk: at an orderly stop. */
void transactions_save_last(const struct transactions *t, struct offsets *os);
int64_t transactions_next_ms(const struct transactions *t, struct moment now);

#define TRANSACTIONS_TROUBLE_MS 1000
/* checks.c: a step of a round; ops.c: the op queue. */
void transactions_check(struct transactions *t, struct store *s, const struct transaction_rules *rules,
                        struct moment now);
/* False: some are not read yet. */
bool transactions_read_ops(struct transactions *t, struct store *s, struct moment now);
void transactions_advance(struct transactions *t, struct store *s);
/* Notes how often those that wait were asked for. */
void transactions_note(struct transactions *t, struct store *s, struct moment now);
bool waiting_add(struct waiting_list *list, int64_t half, int32_t times);
enum put_status transactions_put_op(struct transactions *t, struct store *s, int64_t half, struct span properties,
                                    int marks, struct moment now, struct put_result *put);

#endif
