/* SPDX-License-Identifier: Apache-2.0
 *
 * locks: which client of a group may consume a queue, for consumers that keep
 * a queue's order. A lock lasts until it is given back, is not asked for again
 * in time (rebalanceLockMaxLiveTime), or its owner's connection ends or leaves
 * the group. Agrees with
 * org.apache.rocketmq.broker.client.rebalance.RebalanceLockManager, which knows
 * only the time.
 */
#ifndef MQBROKER_STATE_LOCKS_H
#define MQBROKER_STATE_LOCKS_H

#include "core/base/map.h"
#include "core/base/moment.h"
#include "core/port/net.h"
#include "core/wire/bodies.h"

struct locks {
  struct map table; /* group, topic, broker name, queue id -> struct lock */
  struct map conns; /* conn_id bytes -> the locks of its client */
  size_t limit;
};

void locks_init(struct locks *ls, size_t limit, uint64_t seed);
void locks_fini(struct locks *ls);

/* True: the client has the queue, from now on for live_ms. False: another one has it, or there is no room. */
bool locks_take(struct locks *ls, struct span group, const struct message_queue *q, struct span client_id, conn_id conn,
                int64_t live_ms, struct moment now) MUST_USE;
/* Nothing happens if it is another client's. */
void locks_give(struct locks *ls, struct span group, const struct message_queue *q, struct span client_id);
/* The connection is gone, or its client has left the group. */
void locks_drop_conn(struct locks *ls, conn_id conn);
void locks_drop_member(struct locks *ls, conn_id conn, struct span group);
/* Forgets what nobody asked for in live_ms. */
void locks_expire(struct locks *ls, int64_t live_ms, struct moment now);

#endif
