/* SPDX-License-Identifier: Apache-2.0
 *
 * ledger: what was promised to producers and what consumers saw. It checks
 * each promise as soon as it can be seen to be broken, and keeps the first
 * violation as a sentence.
 */
#ifndef TESTS_SIM_LEDGER_H
#define TESTS_SIM_LEDGER_H

#include "core/base/map.h"
#include "host/sim/world.h"

enum { LEDGER_GROUPS_MAX = 8, LEDGER_BODY_MAX = 2048, VIOLATION_MAX = 512 };

struct sent {
  bool acked;
  bool illegal; /* in a batch too long for the store: refused for good */
  char broker[16];
  int32_t queue;
  int64_t offset;
  int64_t acked_ms; /* virtual */
  int64_t seen_ms[LEDGER_GROUPS_MAX]; /* first time; -1: not yet */
};

struct ledger_producer {
  struct sent *sent; /* by sequence number */
  size_t count, cap;
  bool ordered; /* sends the next only after the answer to the last, all to one queue */
  int64_t last_offset; /* acknowledged, ordered only */
};

struct ledger {
  struct sim_world *world;
  struct ledger_producer *producers;
  size_t producer_count;
  size_t group_count;
  struct map places; /* broker, queue, offset -> number of the acknowledged message + 1 */
  uint64_t seed;
  uint64_t long_one_in; /* so many messages is longer than a few sectors */
  bool lost_power; /* some machine did: what was read before may be gone, and its place be given to another message */
  uint64_t acked, seen, answers;
  char violation[VIOLATION_MAX]; /* the first; empty: none */
};

void ledger_init(struct ledger *l, struct sim_world *world, uint64_t seed, size_t producers, size_t groups);
void ledger_fini(struct ledger *l);
void ledger_violation(struct ledger *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The next sequence number of a producer. */
size_t ledger_next(struct ledger *l, size_t producer);
/* The one and only body of that message, LEDGER_BODY_MAX at most. */
size_t ledger_body(const struct ledger *l, size_t producer, size_t seq, uint8_t *out);
/* An answer that promises: stored. */
void ledger_acked(struct ledger *l, size_t producer, size_t seq, struct span broker, int32_t queue, int64_t offset);
/* A message came out of a queue (group < 0: found in the store itself). */
void ledger_seen(struct ledger *l, int group, const char *broker, int32_t queue, int64_t offset, struct span body);
/* Every acknowledged message was seen by every group. */
void ledger_check_all_seen(struct ledger *l);
/* The acknowledged ones after `since_ms` reached every group within `within_ms`. */
void ledger_check_prompt(struct ledger *l, int64_t since_ms, int64_t within_ms);

#endif
