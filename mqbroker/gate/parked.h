/* SPDX-License-Identifier: Apache-2.0
 *
 * parked: pulls that found nothing and wait for a message in their queue, or
 * for their time to end (long polling). Agrees with
 * org.apache.rocketmq.broker.longpolling.PullRequestHoldService.
 */
#ifndef MQBROKER_GATE_PARKED_H
#define MQBROKER_GATE_PARKED_H

#include "core/base/map.h"
#include "core/base/moment.h"
#include "core/base/timers.h"
#include "core/remoting/remoting.h"

#include <sys/queue.h>

/* What a pull asks; while parked the texts are owned copies. */
struct pull {
  struct reply_to to;
  struct span group, topic, expression, expression_type;
  int32_t queue_id;
  int32_t count_max;
  int32_t sys_flag;
  int64_t offset;
  int64_t sub_version;
  int64_t commit_offset;
  int64_t suspend_ms;
};

struct parked_pull;

struct parked {
  struct map queues; /* topic \0 queue id -> struct parked_queue */
  struct timers timers;
  TAILQ_HEAD(, parked_pull) ready; /* woken by a message, to be run again at the end of the turn */
  size_t count;
  size_t limit;
};

void parked_init(struct parked *p, size_t limit, uint64_t seed);
void parked_fini(struct parked *p);
/* Copies the pull. LIMIT, NO_MEMORY: not parked. */
enum status parked_add(struct parked *p, const struct pull *pull, int64_t due_ms) MUST_USE;
/* A message reached a queue: whoever waits there for an offset below queue_max becomes ready. */
void parked_arrived(struct parked *p, struct span topic, int32_t queue_id, int64_t queue_max);
/* Takes out the next pull to be run again: woken ones first, then those whose time is over. NULL: none. The
 * caller gives it back with parked_free. *expired says which. */
struct parked_pull *parked_take(struct parked *p, struct moment now, bool *expired);
const struct pull *parked_pull_of(const struct parked_pull *pp);
/* Parks a taken pull again with its old deadline, to wait for messages at or behind offset (it was woken by
 * messages that its filter refuses, and need not look at them again). */
void parked_again(struct parked *p, struct parked_pull *pp, int64_t offset);
void parked_free(struct parked_pull *pp);
/* The connection is gone. */
void parked_drop_conn(struct parked *p, conn_id conn);
static inline int64_t parked_next_ms(const struct parked *p) { return timers_next(&p->timers); }

#endif
