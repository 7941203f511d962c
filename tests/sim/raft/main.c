/* SPDX-License-Identifier: Apache-2.0
 *
 * raft: whole groups from seeds, of our members, of models of DLedger 0.1, or of both.
 */
#include "tests/sim/raft/group.h"
#include "tests/sim/seeds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODEL_HEAL_MS = 60000, LONGER = 8 };
enum { EVENTS, SIMULATED_MS, COMMITTED, ACKED, ELECTIONS, REFUSALS };

static int models, weak;
static bool longer, behind;

static int parse_weak(const char *text) {
  return (strstr(text, "w2") != NULL ? WEAK_W2 : 0) | (strstr(text, "w3") != NULL ? WEAK_W3 : 0) |
         (strstr(text, "w4") != NULL ? WEAK_W4 : 0) | (strstr(text, "w6") != NULL ? WEAK_W6 : 0);
}

static bool own_option(int argc, char **argv, int *at) {
  const char *option = argv[*at];
  if (strcmp(option, "--long") == 0) {
    longer = true;
    return true;
  }
  if (strcmp(option, "--behind") == 0) {
    behind = true;
    return true;
  }
  if (*at + 1 == argc) return false;
  if (strcmp(option, "--models") == 0) models = atoi(argv[++*at]);
  else if (strcmp(option, "--weak") == 0) weak = parse_weak(argv[++*at]);
  else return false;
  return true;
}

static void plan_of(uint64_t seed, struct group_plan *plan) {
  group_plan_of(seed, plan);
  if (models > 0) {
    plan->models = models < plan->machines ? models : plan->machines;
    plan->weak = weak;
    plan->heal_ms = MODEL_HEAL_MS;
    plan->fsync = RAFT_FSYNC_NONE;
  }
  if (longer) {
    plan->fsync = RAFT_FSYNC_NONE;
    plan->faults_ms *= LONGER;
    plan->fault_gap_ms *= 4;
    plan->client_gap_ms += 100;
  }
  if (behind)
    *plan = (struct group_plan){.machines = 3, .models = 2, .client_gap_ms = plan->client_gap_ms, .calm = true};
}

static void describe(uint64_t seed, struct buf *out) {
  struct group_plan plan;
  plan_of(seed, &plan);
  buf_printf(out, "%d machines", plan.machines);
  if (plan.models > 0) buf_printf(out, ", %d of them like DLedger 0.1", plan.models);
}

static void run(uint64_t seed, struct buf *trace, struct seeds_world *out) {
  struct group_plan plan;
  struct group g;
  plan_of(seed, &plan);
  group_init(&g, seed, &plan, trace != NULL);
  if (behind) behind_run(&g);
  else group_run(&g);
  if (g.violation[0] != '\0')
    snprintf(out->violation, sizeof out->violation, "at %lld ms: %s", (long long)g.now, g.violation);
  out->hash = g.hash;
  out->counts[EVENTS] = g.events;
  out->counts[SIMULATED_MS] = (uint64_t)g.now;
  out->counts[COMMITTED] = (uint64_t)g.truth_count;
  out->counts[ACKED] = g.acked;
  out->counts[ELECTIONS] = g.elections;
  out->counts[REFUSALS] = g.refusals;
  memcpy(out->happened, g.happened, sizeof g.happened);
  group_fini(&g);
}

int main(int argc, char **argv) {
  static const struct seeds_program program = {
      .name = "raft",
      .last = 2000,
      .counted = {[EVENTS] = "events",
                  [SIMULATED_MS] = "simulated ms",
                  [COMMITTED] = "committed",
                  [ACKED] = "acknowledged",
                  [ELECTIONS] = "elections",
                  [REFUSALS] = "refusals"},
      .fault_names = fault_names,
      .fault_count = FAULT_COUNT,
      .own_usage = "  --models N    so many members follow DLedger 0.1's rules …\n"
                   "  --weak LIST   … with these of its weaknesses: w2, w3, w4, w6 (default: none)\n"
                   "  --long        eight times as long: 0.1 needs 10 s for an election\n"
                   "  --behind      no faults: one of ours, behind, and two of 0.1 whose leader dies\n",
      .own_option = own_option,
      .describe = describe,
      .run = run,
  };
  return seeds_main(&program, argc, argv);
}
