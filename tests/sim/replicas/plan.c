/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/replicas/replicas.h"

const char *const fault_names[FAULT_COUNT] = {
#define X(name, text) text,
    REPLICAS_FAULTS(X)
#undef X
};

static int between(struct prng *p, int low, int high) { return low + (int)prng_below(p, (uint64_t)(high - low) + 1); }

static void forbid(struct plan *p, enum fault fault) { p->faults &= ~(1u << fault); }

void replicas_plan(uint64_t seed, struct plan *out) {
  struct prng p;
  prng_init(&p, seed ^ 0x7265706c);
  *out = (struct plan){.slaves = between(&p, 1, SLAVES_MAX),
                       .producers = between(&p, 1, 2),
                       .sync = prng_chance(&p, 3, 4),
                       .sync_flush = prng_chance(&p, 1, 3),
                       .ack_flushed = prng_chance(&p, 1, 2),
                       .told = prng_chance(&p, 1, 2),
                       .consumer = prng_chance(&p, 1, 4),
                       .die = prng_chance(&p, 1, 2),
                       .chaos_ms = between(&p, 2000, 8000),
                       .fault_gap_ms = between(&p, 100, 1500),
                       .segment_bytes = 1 << between(&p, 13, 16),
                       .sync_ms = prng_chance(&p, 1, 2) ? between(&p, 1, 10) : between(&p, 10, 300),
                       .window = 1 << between(&p, 10, 18)};
  out->in_sync = between(&p, 1, out->slaves);
  for (int i = 0; i < FAULT_COUNT; i++)
    if (prng_chance(&p, 1, 4)) out->faults |= 1u << i;
  /* A slave without power may lose what it acknowledged unless it waited for its disk. */
  if (out->sync && !out->ack_flushed) forbid(out, FAULT_POWER_SLAVE);
  /* A master without power may lose what is not on its disk, and give the place of an acknowledged message to another
   * one, unless those who have it stand in the way. */
  bool safe = out->sync_flush || (out->sync && out->in_sync == out->slaves);
  if (!safe || (out->faults & 1u << FAULT_POWER_SLAVE)) forbid(out, FAULT_POWER_MASTER);
  if (prng_chance(&p, 1, 20)) out->faults = 0;
}
