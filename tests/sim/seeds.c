/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/seeds.h"

#include "tests/sim/planted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EXIT_USAGE = 2, FAILURES_SHOWN = 10, DESCRIPTION_MAX = 4096 };
#define TRACE_MAX ((size_t)1 << 30)

static const char usage[] = "  --seeds A-B   every seed from A to B\n"
                            "  SEED          this one only\n"
                            "  --trace       print what happened\n"
                            "  --twice       run each world twice: its history must be the same\n"
                            "  --bugs        list the names of the bugs\n"
                            "  --bug NAME    plant a bug; success is to find it:\n";

struct options {
  uint64_t first, last;
  bool trace, twice, bug, bugs;
};

struct total {
  uint64_t worlds, failed;
  uint64_t counts[SEEDS_COUNTS_MAX], happened[SEEDS_FAULTS_MAX];
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

static bool parse_arguments(const struct seeds_program *p, int argc, char **argv, struct options *o) {
  for (int i = 1; i < argc; i++) {
    bool more = i + 1 < argc;
    if (strcmp(argv[i], "--trace") == 0) o->trace = true;
    else if (strcmp(argv[i], "--twice") == 0) o->twice = true;
    else if (strcmp(argv[i], "--bugs") == 0) o->bugs = true;
    else if (strcmp(argv[i], "--seeds") == 0 && more && parse_seeds(argv[i + 1], o)) i++;
    else if (strcmp(argv[i], "--bug") == 0 && more && planted_choose(argv[i + 1])) o->bug = argv[++i] != NULL;
    else if ((p->own_option == NULL || !p->own_option(argc, argv, &i)) && !parse_seeds(argv[i], o)) return false;
  }
  return true;
}

static int explain(const struct seeds_program *p) {
  printf("usage: %s [OPTION]... [SEED] (default: --seeds 1-%llu)\n", p->name, (unsigned long long)p->last);
  if (p->own_usage != NULL) fputs(p->own_usage, stdout);
  fputs(usage, stdout);
  planted_list(true);
  return EXIT_USAGE;
}

static void print_counts(const struct seeds_program *p, const uint64_t *counts) {
  for (int i = 0; i < SEEDS_COUNTS_MAX && p->counted[i] != NULL; i++)
    printf("%s%llu %s", i > 0 ? ", " : "", (unsigned long long)counts[i], p->counted[i]);
}

static void describe(const struct seeds_program *p, uint64_t seed, const struct seeds_world *w) {
  struct buf text;
  buf_init(&text, DESCRIPTION_MAX);
  p->describe(seed, &text);
  printf("seed %llu: %.*s; ", (unsigned long long)seed, SPAN_ARG(buf_span(&text)));
  buf_fini(&text);
  print_counts(p, w->counts);
  for (int i = 0; i < p->fault_count; i++)
    if (w->happened[i] > 0) printf(", %u %s", w->happened[i], p->fault_names[i]);
  printf("; history %016llx\n", (unsigned long long)w->hash);
}

static void run_world(const struct seeds_program *p, uint64_t seed, struct buf *trace, struct seeds_world *out) {
  memset(out, 0, sizeof *out);
  planted_begin();
  p->run(seed, trace, out);
}

static void run_one(const struct seeds_program *p, uint64_t seed, const struct options *o, struct total *t) {
  struct buf trace;
  struct seeds_world world, again;
  buf_init(&trace, TRACE_MAX);
  run_world(p, seed, o->trace ? &trace : NULL, &world);
  if (trace.len > 0) fwrite(trace.ptr, 1, trace.len, stdout);
  buf_fini(&trace);
  if (o->twice) {
    run_world(p, seed, NULL, &again);
    bool same = again.hash == world.hash && memcmp(again.counts, world.counts, sizeof again.counts) == 0;
    if (!same && world.violation[0] == '\0')
      snprintf(world.violation, sizeof world.violation, "the same seed had another history");
  }
  bool failed = world.violation[0] != '\0';
  t->worlds++;
  t->failed += failed;
  for (int i = 0; i < SEEDS_COUNTS_MAX; i++) t->counts[i] += world.counts[i];
  for (int i = 0; i < p->fault_count; i++) t->happened[i] += world.happened[i];
  if (o->first == o->last || (failed && t->failed <= FAILURES_SHOWN)) describe(p, seed, &world);
  if (failed && t->failed <= FAILURES_SHOWN)
    printf("seed %llu: FAILED %s\n", (unsigned long long)seed, world.violation);
}

static void summarize(const struct seeds_program *p, const struct total *t, double seconds) {
  printf("%s: %llu passed, %llu failed\n", p->name, (unsigned long long)(t->worlds - t->failed),
         (unsigned long long)t->failed);
  printf("%llu worlds in %.1f s; ", (unsigned long long)t->worlds, seconds);
  print_counts(p, t->counts);
  printf("; faults:");
  for (int i = 0; i < p->fault_count; i++)
    printf(" %llu %s%s", (unsigned long long)t->happened[i], p->fault_names[i], i + 1 < p->fault_count ? "," : "\n");
}

int seeds_main(const struct seeds_program *program, int argc, char **argv) {
  struct options o = {.first = 1, .last = program->last};
  struct total t = {0};
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (!parse_arguments(program, argc, argv, &o)) return explain(program);
  if (o.bugs) {
    planted_list(false);
    return EXIT_SUCCESS;
  }
  clock_t start = clock();
  for (uint64_t seed = o.first; seed <= o.last; seed++) {
    run_one(program, seed, &o, &t);
    if (o.bug && t.failed > 0) break; /* found */
  }
  summarize(program, &t, (double)(clock() - start) / CLOCKS_PER_SEC);
  return (t.failed > 0) == o.bug ? EXIT_SUCCESS : EXIT_FAILURE;
}
