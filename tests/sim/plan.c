/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/swarm.h"

const char *const swarm_fault_names[FAULT_COUNT] = {
#define X(name, text) text,
    SWARM_FAULTS(X)
#undef X
};

static int between(struct prng *p, int low, int high) { return low + (int)prng_below(p, (uint64_t)(high - low) + 1); }

void swarm_plan(uint64_t seed, struct plan *out) {
  struct prng p;
  prng_init(&p, seed ^ 0x706c616e);
  *out = (struct plan){.namesrvs = between(&p, 1, SWARM_NAMESRVS_MAX),
                       .brokers = between(&p, 1, SWARM_BROKERS_MAX),
                       .producers = between(&p, 1, SWARM_PRODUCERS_MAX),
                       .groups = between(&p, 1, SWARM_GROUPS_MAX),
                       .sync_flush = prng_chance(&p, 1, 2),
                       .chaos_ms = between(&p, 5000, 20000),
                       .fault_gap_ms = between(&p, 200, 3000),
                       .segment_bytes = 1 << between(&p, 14, 18),
                       .queue_units = between(&p, 10, 300),
                       .queues = between(&p, 1, 4),
                       .long_one_in = prng_chance(&p, 1, 3) ? 2 : 20,
                       .sync_ms = prng_chance(&p, 1, 2) ? between(&p, 1, 10) : between(&p, 10, 400)};
  for (int i = 0; i < FAULT_COUNT; i++)
    if (prng_chance(&p, 1, 4)) out->faults |= 1u << i;
  /* What it does to the disks is the hardest to get right. */
  if (prng_chance(&p, 1, 2)) out->faults |= 1u << FAULT_POWER;
  /* Without SYNC_FLUSH a power cut may lose what was acknowledged: that is what the user chose. */
  if (!out->sync_flush) out->faults &= ~(1u << FAULT_POWER);
  if (prng_chance(&p, 1, 10)) out->faults = 0;
}
