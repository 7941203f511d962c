/* SPDX-License-Identifier: Apache-2.0
 *
 * main: groups from seeds. One seed, one history: what fails once fails again,
 * with --trace to read why.
 */
#include "tests/sim/raft/group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, FAILURES_SHOWN = 10, MODEL_HEAL_MS = 60000, LONGER = 8 };

static const char usage[] = "usage: raft [--seeds A-B] [--trace] [--twice] [--bug NAME] [--models N] [SEED]\n"
                            "  --seeds A-B   every seed from A to B (default: 1-2000)\n"
                            "  SEED          this one only\n"
                            "  --trace       print what happened\n"
                            "  --twice       run each world twice: its history must be the same\n"
                            "  --models N    so many members follow DLedger 0.1's rules …\n"
                            "  --weak LIST   … with these of its weaknesses: w2, w3, w4, w6 (default: none)\n"
                            "  --long        eight times as long: 0.1 needs 10 s for an election\n"
                            "  --behind      no faults: one of ours, behind, and two of 0.1 whose leader dies\n"
                            "  --bugs        list the names of the bugs\n"
                            "  --bug NAME    plant a bug; success is to find it\n";

struct options {
  uint64_t first, last;
  int models, weak;
  bool trace, twice, bug, longer, behind;
};

static bool parse_seeds(const char *text, struct options *o) {
  char *end;
  o->first = o->last = strtoull(text, &end, 10);
  if (end == text) return false;
  if (*end == '-') {
    const char *second = end + 1;
    o->last = strtoull(second, &end, 10);
    if (end == second) return false;
  }
  return *end == '\0' && o->last >= o->first;
}

static int parse_weak(const char *text) {
  return (strstr(text, "w2") != NULL ? WEAK_W2 : 0) | (strstr(text, "w3") != NULL ? WEAK_W3 : 0) |
         (strstr(text, "w4") != NULL ? WEAK_W4 : 0) | (strstr(text, "w6") != NULL ? WEAK_W6 : 0);
}

static bool parse_arguments(int argc, char **argv, struct options *o) {
  for (int i = 1; i < argc; i++) {
    bool more = i + 1 < argc;
    if (strcmp(argv[i], "--trace") == 0) o->trace = true;
    else if (strcmp(argv[i], "--twice") == 0) o->twice = true;
    else if (strcmp(argv[i], "--long") == 0) o->longer = true;
    else if (strcmp(argv[i], "--behind") == 0) o->behind = true;
    else if (strcmp(argv[i], "--models") == 0 && more) o->models = atoi(argv[++i]);
    else if (strcmp(argv[i], "--weak") == 0 && more) o->weak = parse_weak(argv[++i]);
    else if (strcmp(argv[i], "--seeds") == 0 && more && parse_seeds(argv[i + 1], o)) i++;
    else if (strcmp(argv[i], "--bug") == 0 && more && bug_plant(argv[i + 1])) o->bug = argv[++i] != NULL;
    else if (!parse_seeds(argv[i], o)) return false;
  }
  return true;
}

struct total {
  uint64_t worlds, failed, acked, committed, faults, events, elections, refusals;
  int64_t ms;
  uint64_t happened[FAULT_COUNT];
};

static void run_one(uint64_t seed, const struct options *o, struct total *t) {
  struct group_plan plan;
  struct group g, again;
  group_plan_of(seed, &plan);
  if (o->models > 0) {
    plan.models = o->models < plan.machines ? o->models : plan.machines;
    plan.weak = o->weak;
    plan.heal_ms = MODEL_HEAL_MS;
    plan.fsync = RAFT_FSYNC_NONE;
  }
  if (o->longer) {
    plan.fsync = RAFT_FSYNC_NONE;
    plan.faults_ms *= LONGER;
    plan.fault_gap_ms *= 4;
    plan.client_gap_ms += 100;
  }
  if (o->behind)
    plan = (struct group_plan){.machines = 3, .models = 2, .client_gap_ms = plan.client_gap_ms, .calm = true};
  group_init(&g, seed, &plan, o->trace);
  if (o->behind) behind_run(&g);
  else group_run(&g);
  if (o->twice) {
    group_init(&again, seed, &plan, false);
    group_run(&again);
    if (again.hash != g.hash || again.events != g.events) group_fail(&g, "the second run had another history");
    group_fini(&again);
  }
  t->worlds++;
  t->acked += g.acked;
  t->committed += (uint64_t)g.truth_count;
  t->faults += g.faults;
  t->events += g.events;
  t->elections += g.elections;
  t->refusals += g.refusals;
  t->ms += g.now;
  for (int i = 0; i < FAULT_COUNT; i++) t->happened[i] += g.happened[i];
  if (g.violation[0] != '\0' && t->failed++ < FAILURES_SHOWN)
    printf("seed %llu: %d machines, at %lld ms: %s\n", (unsigned long long)seed, plan.machines, (long long)g.now,
           g.violation);
  group_fini(&g);
}

int main(int argc, char **argv) {
  struct options o = {.first = 1, .last = 2000};
  struct total t = {0};
  if (argc == 2 && strcmp(argv[1], "--bugs") == 0) {
    bug_list();
    return 0;
  }
  if (!parse_arguments(argc, argv, &o)) {
    fputs(usage, stderr);
    return EXIT_USAGE;
  }
  for (uint64_t seed = o.first; seed <= o.last; seed++) {
    run_one(seed, &o, &t);
    if (o.bug && t.failed > 0) return 0;
  }
  if (o.bug) {
    printf("not found\n");
    return 1;
  }
  printf("%llu worlds, %.1f simulated hours, %llu events, %llu committed, %llu acknowledged, %llu elections, %llu "
         "refusals, %llu faults:",
         (unsigned long long)t.worlds, (double)t.ms / 3600000.0, (unsigned long long)t.events,
         (unsigned long long)t.committed, (unsigned long long)t.acked, (unsigned long long)t.elections,
         (unsigned long long)t.refusals, (unsigned long long)t.faults);
  for (int i = 0; i < FAULT_COUNT; i++) printf(" %s %llu", fault_names[i], (unsigned long long)t.happened[i]);
  printf("\nraft: %llu passed, %llu failed\n", (unsigned long long)(t.worlds - t.failed), (unsigned long long)t.failed);
  return t.failed == 0 ? 0 : 1;
}
