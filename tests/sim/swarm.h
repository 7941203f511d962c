/* SPDX-License-Identifier: Apache-2.0
 *
 * swarm: one world per seed. The seed chooses the topology, the settings, how
 * the network and the disks behave and which faults happen at all (swarm
 * testing: most faults are off in most worlds, so that each has worlds where it
 * is not hidden by the others). After some chaos everything is mended, and
 * then the cluster must behave: the checkers of ledger.h and audit.h say.
 */
#ifndef TESTS_SIM_SWARM_H
#define TESTS_SIM_SWARM_H

#include "tests/sim/chaos.h"
#include "tests/sim/ledger.h"
#include "tests/sim/seeds.h"
#include "tests/sim/site.h"
#include "tests/sim/traffic.h"

#define SWARM_FAULTS(X)       \
  X(CUT, "cuts")              \
  X(ONE_WAY, "one-way cuts")  \
  X(RESET, "resets")          \
  X(KILL, "kills")            \
  X(EXIT, "exits")            \
  X(POWER, "power cuts")      \
  X(STALL, "stalls")          \
  X(CLOCK, "clock jumps")     \
  X(DRIFT, "clock drifts")    \
  X(SLOW_NET, "slow network") \
  X(SLOW_DISK, "slow disks")  \
  X(BAD_DISK, "disk errors")

enum swarm_fault {
#define X(name, text) FAULT_##name,
  SWARM_FAULTS(X)
#undef X
      FAULT_COUNT
};
extern const char *const swarm_fault_names[FAULT_COUNT];

enum { SWARM_NAMESRVS_MAX = 2, SWARM_BROKERS_MAX = 3, SWARM_PRODUCERS_MAX = 3, SWARM_GROUPS_MAX = 2 };

struct plan {
  int namesrvs, brokers, producers, groups;
  bool sync_flush;
  unsigned faults; /* bits of enum swarm_fault */
  int64_t chaos_ms;
  int fault_gap_ms; /* mean */
  int segment_bytes, queue_units, queues;
  uint64_t long_one_in; /* messages */
  int sync_ms;          /* the longest a sync takes on a healthy disk */
};

struct swarm {
  uint64_t seed;
  struct plan plan;
  struct sim_world *world;
  struct site site;
  struct ledger ledger;
  char name_servers[128];
  char names[SITE_MACHINES_MAX][16];
  struct machine *brokers[SWARM_BROKERS_MAX];
  struct machine *producers[SWARM_PRODUCERS_MAX];
  struct broker_config broker_configs[SWARM_BROKERS_MAX];
  struct producer_traffic producer_configs[SWARM_PRODUCERS_MAX];
  struct consumer_traffic consumer_configs[SWARM_GROUPS_MAX];
  unsigned happened[FAULT_COUNT];
  struct chaos chaos;
  struct machine *suspect; /* a broker whose disk failed to sync */
};

#define SWARM_TOPIC "swarm"

enum { SWARM_EVENTS, SWARM_ACKED, SWARM_STORED, SWARM_SEEN, SWARM_ANSWERS };

/* trace gets the whole story; it may be NULL. out->counts as above. */
void swarm_run(uint64_t seed, struct buf *trace, struct seeds_world *out);
void swarm_plan(uint64_t seed, struct plan *out);
/* faults.c: begins the chaos, ends it. */
void faults_begin(struct swarm *s);
void faults_mend(struct swarm *s);
/* audit.c: opens the stores of stopped brokers and compares them with the ledger. Returns messages found. */
uint64_t audit_stores(struct swarm *s);

#endif
