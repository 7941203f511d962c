/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/chaos.h"

int64_t chaos_upto(struct sim_world *world, int64_t ms) {
  return 1 + (int64_t)prng_below(sim_chance(world), (uint64_t)ms);
}

static void strike(void *context) {
  struct chaos *c = context;
  if (c->over) return;
  int fault;
  do {
    fault = (int)prng_below(sim_chance(c->world), (uint64_t)c->fault_count);
  } while ((c->faults & 1u << fault) == 0);
  c->happen(c->context, fault);
  sim_at(c->world, sim_now(c->world) + chaos_upto(c->world, c->gap_ms * 2), strike, c);
}

void chaos_begin(struct chaos *c) {
  if (c->faults != 0) sim_at(c->world, sim_now(c->world) + chaos_upto(c->world, c->gap_ms * 2), strike, c);
}

static void heal_all(void *context) {
  struct chaos *c = context;
  if (!c->over) sim_heal_all(c->world);
}

void chaos_cut(struct chaos *c, struct sim_host *a, struct sim_host *b, bool both, int64_t heal_ms) {
  if (a == b) return;
  if (both) sim_cut_both(a, b);
  else sim_cut(a, b);
  sim_at(c->world, sim_now(c->world) + chaos_upto(c->world, heal_ms), heal_all, c);
}
