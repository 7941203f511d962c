/* SPDX-License-Identifier: Apache-2.0
 *
 * sim: random worlds of name servers, brokers and clients, from seeds.
 */
#include "tests/sim/swarm.h"

static void describe(uint64_t seed, struct buf *out) {
  struct plan p;
  swarm_plan(seed, &p);
  buf_printf(out, "%d name servers, %d brokers %s, %d producers, %d groups", p.namesrvs, p.brokers,
             p.sync_flush ? "SYNC_FLUSH" : "ASYNC_FLUSH", p.producers, p.groups);
}

int main(int argc, char **argv) {
  static const struct seeds_program program = {
      .name = "sim",
      .last = 100,
      .counted = {[SWARM_EVENTS] = "events",
                  [SWARM_ACKED] = "acknowledged",
                  [SWARM_STORED] = "stored",
                  [SWARM_SEEN] = "seen",
                  [SWARM_ANSWERS] = "answers"},
      .fault_names = swarm_fault_names,
      .fault_count = FAULT_COUNT,
      .describe = describe,
      .run = swarm_run,
  };
  return seeds_main(&program, argc, argv);
}
