/* SPDX-License-Identifier: Apache-2.0
 *
 * chaos: faults strike a site at random until everything is mended. Which
 * there are and what they do, the simulator says.
 */
#ifndef TESTS_SIM_CHAOS_H
#define TESTS_SIM_CHAOS_H

#include "host/sim/world.h"

struct chaos {
  struct sim_world *world;
  unsigned faults; /* bits: which there are in this world */
  int fault_count; /* of all worlds */
  int gap_ms;      /* between two, mean */
  void (*happen)(void *context, int fault);
  void *context;
  bool over; /* nothing strikes, and nothing is undone that was mended already */
};

void chaos_begin(struct chaos *c);
/* From 1 to ms. */
int64_t chaos_upto(struct sim_world *world, int64_t ms);
/* Nothing goes from a to b, or between them; heals all cuts after up to heal_ms. */
void chaos_cut(struct chaos *c, struct sim_host *a, struct sim_host *b, bool both, int64_t heal_ms);

#endif
