/* SPDX-License-Identifier: Apache-2.0
 *
 * replicas: random worlds of a master and its slaves, from seeds.
 */
#include "tests/sim/replicas/replicas.h"

static void describe(uint64_t seed, struct buf *out) {
  struct plan p;
  replicas_plan(seed, &p);
  buf_printf(out, "%s, %d of %d slaves, %s%s%s", p.sync ? "SYNC_MASTER" : "ASYNC_MASTER", p.in_sync, p.slaves,
             p.sync_flush ? "SYNC_FLUSH" : "ASYNC_FLUSH", p.ack_flushed ? ", haAckFlushed" : "",
             p.die ? ", all die" : "");
}

int main(int argc, char **argv) {
  static const struct seeds_program program = {
      .name = "replicas",
      .last = 100,
      .counted = {[REPLICAS_EVENTS] = "events",
                  [REPLICAS_ACKED] = "acknowledged",
                  [REPLICAS_COMPARED] = "bytes compared",
                  [REPLICAS_STOPPED] = "slaves stopped",
                  [REPLICAS_SEEDED] = "seeded again"},
      .fault_names = fault_names,
      .fault_count = FAULT_COUNT,
      .describe = describe,
      .run = replicas_run,
  };
  return seeds_main(&program, argc, argv);
}
