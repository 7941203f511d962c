/* SPDX-License-Identifier: Apache-2.0
 *
 * replicas: one world per seed: a master, one or two slaves, and chaos among
 * them. What is checked:
 *   a slave's log is the beginning of its master's, byte for byte, while the
 *   world runs and in the end; only a master that lost its power may come back
 *   with less, and then no slave mixes the two histories: it stops;
 *   what SYNC_MASTER acknowledged is on as many slaves as were asked for, when
 *   everything dies in the same moment;
 *   when all is mended every slave that need not stop catches up, and sends are
 *   acknowledged again; a slave that had to stop does so when an operator has
 *   it seeded again.
 */
#ifndef TESTS_SIM_REPLICAS_H
#define TESTS_SIM_REPLICAS_H

#include "tests/sim/chaos.h"
#include "tests/sim/ledger.h"
#include "tests/sim/seeds.h"
#include "tests/sim/site.h"
#include "tests/sim/traffic.h"

#define REPLICAS_FAULTS(X)                 \
  X(CUT, "cuts")                           \
  X(ONE_WAY, "one-way cuts")               \
  X(RESET, "resets")                       \
  X(KILL_MASTER, "masters killed")         \
  X(KILL_SLAVE, "slaves killed")           \
  X(EXIT, "exits")                         \
  X(POWER_MASTER, "masters without power") \
  X(POWER_SLAVE, "slaves without power")   \
  X(STALL, "stalls")                       \
  X(CLOCK, "clock jumps")                  \
  X(SLOW_NET, "slow network")              \
  X(SLOW_DISK, "slow disks")               \
  X(FULL_DISK, "full disks")

enum fault {
#define X(name, text) FAULT_##name,
  REPLICAS_FAULTS(X)
#undef X
      FAULT_COUNT
};
extern const char *const fault_names[FAULT_COUNT];

enum { SLAVES_MAX = 2, BROKERS_MAX = 1 + SLAVES_MAX };

struct plan {
  int slaves, in_sync, producers;
  bool sync, sync_flush, ack_flushed;
  bool told; /* slaves hear of their master from the name server */
  bool consumer;
  bool die; /* in the end everything dies at once; else everything is mended */
  unsigned faults;
  int64_t chaos_ms;
  int fault_gap_ms, segment_bytes, sync_ms, window;
};

struct replicas {
  struct plan plan;
  struct sim_world *world;
  struct site site;
  struct ledger ledger;
  char name_servers[64], ha_master[64];
  struct broker_config configs[BROKERS_MAX];
  struct machine *brokers[BROKERS_MAX]; /* the first one is the master */
  struct producer_traffic producers[2];
  struct consumer_traffic consumer;
  int64_t checked[BROKERS_MAX]; /* so much of a slave's log was compared */
  bool master_lost_power;
  struct chaos chaos;
  unsigned happened[FAULT_COUNT];
  uint64_t compared; /* bytes */
  unsigned seeded;   /* slaves that were given their master's log anew */
};

enum { REPLICAS_EVENTS, REPLICAS_ACKED, REPLICAS_COMPARED, REPLICAS_STOPPED, REPLICAS_SEEDED };

#define REPLICAS_TOPIC "replicas"

void replicas_plan(uint64_t seed, struct plan *out);
/* trace gets the whole story; it may be NULL. out->counts as above. */
void replicas_run(uint64_t seed, struct buf *trace, struct seeds_world *out);

/* faults.c */
void faults_begin(struct replicas *r);
void faults_mend(struct replicas *r);

/* check.c: what slaves have got since the last look; and everything, when all is over. */
void check_new_bytes(struct replicas *r);
void check_calm(struct replicas *r);
void check_stores(struct replicas *r);
bool is_stopped(const struct machine *slave);

#endif
