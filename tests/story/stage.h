/* SPDX-License-Identifier: Apache-2.0
 *
 * stage: a small imagined cluster for a story. Every way through its network
 * takes one millisecond and every sync two, so a trace can be checked with a
 * finger. The trace of a story has the lines of the machines that matter.
 */
#ifndef TESTS_STORY_STAGE_H
#define TESTS_STORY_STAGE_H

#include "tests/sim/ledger.h"
#include "tests/sim/site.h"
#include "tests/sim/traffic.h"

struct stage {
  struct sim_world *world;
  struct site site;
  struct ledger ledger;
  char name_servers[128];
  struct broker_config brokers[3];
  struct producer_traffic producers[3];
  struct consumer_traffic consumer;
  size_t told; /* bytes of the trace that were compared */
};

void stage_begin(struct stage *s);
void stage_end(struct stage *s);

/* Name servers first, please: the others are told their addresses. */
struct machine *stage_names(struct stage *s, const char *name);
struct machine *stage_broker(struct stage *s, const char *name, bool sync_flush);
/* A slave of the broker that was made last; `sync`: that becomes a SYNC_MASTER. */
struct machine *stage_slave(struct stage *s, const char *name, bool sync);
/* Sends nothing by itself. number: of at most 3. */
struct machine *stage_producer(struct stage *s, const char *name, int number);
struct machine *stage_consumer(struct stage *s, const char *name);

/* Runs the world up to the time, then does it. */
void at_start(int64_t ms, struct machine *m);
void at_stop(int64_t ms, struct machine *m, enum sim_stop how);
void at_send(int64_t ms, struct machine *producer);

/* Runs up to the time and compares what the named machines ("a b c") said since the last call. The lines are
 * without connection numbers and without the programs' own log. */
void expect(struct stage *s, int64_t until_ms, const char *machines, const char *trace);

#endif
