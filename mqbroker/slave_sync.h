/* SPDX-License-Identifier: Apache-2.0
 *
 * slave_sync: a slave fetches from its master what is not in the log: topics,
 * groups, how far consumers and delayed messages are. Agrees with
 * org.apache.rocketmq.broker.slave.SlaveSynchronize: first after 3 s, then
 * every 10 s, topics on the master's VIP port.
 *
 * Consumers' progress is the one thing that may be newer here: when the master
 * was gone, consumers committed to the slave. Java's slave forgets that with the
 * next fetch. Here those commits are remembered (config/slaveOffset.json) and
 * given to the master every second, as any client would, until its table has them; whatever
 * was not committed here follows the master in both directions.
 *
 * A member of a DLedger group does the same under a Java leader only, every 3 s,
 * and asks for the leader's address as soon as there is one.
 */
#ifndef MQBROKER_SLAVE_SYNC_H
#define MQBROKER_SLAVE_SYNC_H

#include "core/remoting/remoting.h"
#include "mqbroker/state/offsets.h"

struct broker;

enum slave_fetch { FETCH_TOPICS, FETCH_OFFSETS, FETCH_DELAY_OFFSETS, FETCH_GROUPS, FETCH_KINDS };

struct slave_sync {
  struct broker *broker;
  struct call calls[FETCH_KINDS];
  char master[128]; /* address as the name servers say; empty: none */
  char vip[128];
  int64_t due_ms;
  int64_t leader_term, look_ms; /* in a DLedger group: whose address it is, and when to ask for it again */
  struct offsets own; /* committed here, and not known to be at the master yet */
  uint32_t delay_crc; /* of the delay offsets that were written last */
  bool failing[FETCH_KINDS];
};

/* Loads what is remembered; for every role, so that a slave that becomes a master forgets nothing. */
enum status slave_sync_init(struct slave_sync *s, struct broker *b, uint64_t seed, struct moment now) MUST_USE;
void slave_sync_fini(struct slave_sync *s);
/* As told with a registration's answer; empty: there is none at the moment. */
void slave_sync_master_is(struct slave_sync *s, struct span address);
/* A consumer committed its progress to this slave. */
void slave_sync_committed(struct slave_sync *s, struct span group, struct span topic, int32_t queue_id, int64_t offset);
/* Returns the next wake time; TIME_NEVER for a master. */
int64_t slave_sync_turn(struct slave_sync *s, struct moment now);

#endif
