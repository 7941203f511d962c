/* SPDX-License-Identifier: Apache-2.0
 *
 * replicas: random worlds of a master and its slaves, from seeds.
 */
#include "tests/sim/replicas/replicas.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { EXIT_USAGE = 2, FAILURES_SHOWN = 10 };
#define TRACE_MAX ((size_t)1 << 30)

static const char usage[] = "usage: replicas [--seeds A-B] [--trace] [--twice] [--bug NAME] [SEED]\n"
                            "  --seeds A-B   every seed from A to B (default: 1-100)\n"
                            "  SEED          this one only\n"
                            "  --trace       print what happened\n"
                            "  --twice       run each world twice: its history must be the same\n"
                            "  --bugs        list the names of the bugs\n"
                            "  --bug NAME    plant a bug; success is to find it:\n";

struct options {
  uint64_t first, last;
  bool trace, twice, bug;
};

struct total {
  uint64_t worlds, failed, events, acked, compared, stopped, seeded;
  uint64_t happened[FAULT_COUNT];
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

static bool parse_arguments(int argc, char **argv, struct options *o) {
  for (int i = 1; i < argc; i++) {
    bool more = i + 1 < argc;
    if (strcmp(argv[i], "--trace") == 0) o->trace = true;
    else if (strcmp(argv[i], "--twice") == 0) o->twice = true;
    else if (strcmp(argv[i], "--seeds") == 0 && more && parse_seeds(argv[i + 1], o)) i++;
    else if (strcmp(argv[i], "--bug") == 0 && more && bug_plant(argv[i + 1])) o->bug = argv[++i] != NULL;
    else if (!parse_seeds(argv[i], o)) return false;
  }
  return true;
}

static void describe(uint64_t seed, const struct outcome *o) {
  struct plan p;
  replicas_plan(seed, &p);
  printf("seed %llu: %s, %d of %d slaves, %s%s%s; %llu events, %llu acknowledged", (unsigned long long)seed,
         p.sync ? "SYNC_MASTER" : "ASYNC_MASTER", p.in_sync, p.slaves, p.sync_flush ? "SYNC_FLUSH" : "ASYNC_FLUSH",
         p.ack_flushed ? ", haAckFlushed" : "", p.die ? ", all die" : "", (unsigned long long)o->events,
         (unsigned long long)o->acked);
  for (int i = 0; i < FAULT_COUNT; i++)
    if (o->happened[i] > 0) printf(", %u %s", o->happened[i], fault_names[i]);
  printf("; history %016llx\n", (unsigned long long)o->hash);
}

static void run_one(uint64_t seed, const struct options *o, struct total *t) {
  struct buf trace;
  struct outcome outcome, again;
  buf_init(&trace, TRACE_MAX);
  replicas_run(seed, o->trace ? &trace : NULL, &outcome);
  if (trace.len > 0) fwrite(trace.ptr, 1, trace.len, stdout);
  buf_fini(&trace);
  if (o->twice) {
    replicas_run(seed, NULL, &again);
    if (again.hash != outcome.hash && outcome.violation[0] == '\0')
      snprintf(outcome.violation, sizeof outcome.violation, "the same seed had another history");
  }
  bool failed = outcome.violation[0] != '\0';
  t->worlds++;
  t->failed += failed;
  t->events += outcome.events;
  t->acked += outcome.acked;
  t->compared += outcome.compared;
  t->stopped += outcome.stopped;
  t->seeded += outcome.seeded;
  for (int i = 0; i < FAULT_COUNT; i++) t->happened[i] += outcome.happened[i];
  if (o->first == o->last || (failed && t->failed <= FAILURES_SHOWN)) describe(seed, &outcome);
  if (failed && t->failed <= FAILURES_SHOWN)
    printf("seed %llu: FAILED %s\n", (unsigned long long)seed, outcome.violation);
}

static void summarize(const struct total *t, double seconds) {
  printf(
      "%llu worlds, %llu failed; %llu events in %.1f s; %llu messages acknowledged, %llu bytes compared, %llu slaves "
      "stopped, %llu seeded again; faults:",
      (unsigned long long)t->worlds, (unsigned long long)t->failed, (unsigned long long)t->events, seconds,
      (unsigned long long)t->acked, (unsigned long long)t->compared, (unsigned long long)t->stopped,
      (unsigned long long)t->seeded);
  for (int i = 0; i < FAULT_COUNT; i++)
    printf(" %llu %s%s", (unsigned long long)t->happened[i], fault_names[i], i + 1 < FAULT_COUNT ? "," : "\n");
}

int main(int argc, char **argv) {
  struct options o = {.first = 1, .last = 100};
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc == 2 && strcmp(argv[1], "--bugs") == 0) {
    bug_list(false);
    return EXIT_SUCCESS;
  }
  if (!parse_arguments(argc, argv, &o)) {
    fputs(usage, stdout);
    bug_list(true);
    return EXIT_USAGE;
  }
  struct total t = {0};
  clock_t start = clock();
  for (uint64_t seed = o.first; seed <= o.last; seed++) {
    run_one(seed, &o, &t);
    if (o.bug && t.failed > 0) break; /* found */
  }
  summarize(&t, (double)(clock() - start) / CLOCKS_PER_SEC);
  return (t.failed > 0) == o.bug ? EXIT_SUCCESS : EXIT_FAILURE;
}
