/* SPDX-License-Identifier: Apache-2.0
 *
 * torture: one life of a broker, and a crash or a failure at each of its disk
 * calls (or of its allocations). Every line it prints can be asked for again.
 */
#include "tests/torture/check.h"
#include "tests/torture/exam.h"
#include "tests/torture/fault.h"
#include "tests/torture/life.h"
#include "tests/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  SHOWN_MAX = 5,
  USAGE = 2,
  SEEDS = 1,
  SEEDS_FULL = 40,
  FAILURE_STEP = 9,
  MEMORY_STEP = 7,
  BUG_SEED = 3,
  BUG_SEEDS = 12
};

enum mode {
  MODE_KILL,
  MODE_AMID,
  MODE_POWER,
  MODE_TORN,
  MODE_AGAIN,
  MODE_EIO,
  MODE_ENOSPC,
  MODE_SHORT,
  MODE_MEMORY,
  MODE_COUNT
};
static const char *const mode_names[MODE_COUNT] = {"kill", "amid",   "power", "torn",  "again",
                                                   "eio",  "enospc", "short", "memory"};

static const char usage[] =
    "usage: torture [--mode NAME] [--flush sync|async] [--at N] [--seed N] [--calls N] [--again N] [--bug NAME] "
    "[--full]\n"
    "  without arguments: every mode, both kinds of flush, every call (of the costly modes a sample)\n"
    "  --mode    kill, amid (half a write), power (unsynced lost), torn (unsynced torn), again (power, then once more\n"
    "            during recovery), eio, enospc, short (half a write, then an error), memory\n"
    "  --at N    the crash or failure is at this call (or allocation) only; TORTURE_LOG=1 prints the broker's log\n"
    "  --seed N  of what is torn\n"
    "  --calls N so many calls fail, from this one on\n"
    "  --again N the crash during recovery is before this call of it\n"
    "  --full    no samples\n"
    "  --list    the calls of the life\n"
    "  --bug NAME  plant one of these; success is to find it:\n";

struct options {
  int mode, flush; /* -1: all */
  uint64_t at, seed, calls, again;
  bool has_seed, full, list;
  enum lens_lie bug;
};

/* One mode with one kind of flush. */
struct run {
  const struct options *o;
  enum mode mode;
  bool sync_flush;
  uint64_t seed, looked, failed, crashes;
  struct stand *s; /* whose life it is */
};

static void report(struct run *r, uint64_t at, uint64_t calls, const char *what, const char *violation) {
  if (violation[0] == '\0') return;
  if (r->failed++ >= SHOWN_MAX || r->o->bug != LIE_NONE) return;
  printf("FAIL torture --mode %s --flush %s --at %llu --seed %llu", mode_names[r->mode],
         r->sync_flush ? "sync" : "async", (unsigned long long)at, (unsigned long long)r->seed);
  if (calls > 0) printf(" --calls %llu", (unsigned long long)calls);
  printf(": %s: %s\n", what, violation);
}

/* ---- crashes: one life, looked at before each of its calls ---- */

static void before_call(void *context) {
  struct run *r = context;
  struct stand *s = r->s;
  const struct options *o = r->o;
  uint64_t at = s->lens.calls;
  if ((o->at > 0 && at != o->at) || (o->bug != LIE_NONE && r->failed > 0)) return;
  if (r->mode == MODE_AMID && (s->lens.op != LENS_WRITE || s->lens.bytes < 2)) return;
  if (r->mode == MODE_AGAIN && !o->full && o->at == 0 && at % 71 != r->sync_flush) return;
  struct crash crash = {.loss = LOSS_NONE, .seed = r->seed * 100000 + at, .amid = r->mode == MODE_AMID};
  if (r->mode == MODE_POWER || r->mode == MODE_AGAIN) crash.loss = LOSS_ALL;
  if (r->mode == MODE_TORN) crash.loss = LOSS_TORN;
  crash.again = o->again;
  crash.again_all = r->mode == MODE_AGAIN && o->again == 0;
  char violation[512];
  stand_marks(s);
  exam_crash(s, &crash, &r->looked, violation);
  char what[512];
  snprintf(what, sizeof what, "before %s", lens_text(&s->lens));
  report(r, at, 0, what, violation);
}

static void print_call(void *context) {
  const struct stand *s = context;
  printf("%s\n", lens_text(&s->lens));
}

static struct stand *stand_new(const struct run *r) {
  struct stand *s = malloc(sizeof *s);
  if (s == NULL) abort();
  stand_init(s, 1, r->sync_flush);
  s->lens.lie = r->o->bug;
  return s;
}

static void run_crashes(struct run *r) {
  r->s = stand_new(r);
  r->s->lens.before = before_call;
  r->s->lens.context = r;
  life_run(r->s);
  report(r, r->s->lens.calls, 0, "in life itself", r->s->book.violation);
  stand_fini(r->s);
  free(r->s);
}

/* ---- failures: a life for each ---- */

/* How long the undisturbed life is. */
static uint64_t life_length(struct run *r) {
  struct stand *s = stand_new(r);
  memory_fail(0, 0);
  life_run(s);
  uint64_t length = r->mode == MODE_MEMORY ? memory_count() : s->lens.calls;
  stand_fini(s);
  free(s);
  return length;
}

static void run_failure(struct run *r, uint64_t at, uint64_t calls) {
  struct stand *s = stand_new(r);
  char violation[512], what[512] = "";
  memory_fail(r->mode == MODE_MEMORY ? at : 0, calls);
  if (r->mode != MODE_MEMORY) {
    s->lens.fail_at = at;
    s->lens.fail_calls = calls;
    s->lens.fail_status = r->mode == MODE_ENOSPC ? STATUS_NO_SPACE : STATUS_IO;
    s->lens.fail_torn = r->mode == MODE_SHORT;
  }
  r->looked++;
  fault_live(s, r->seed * 100000 + at, &r->crashes, violation);
  snprintf(what, sizeof what, "%s", s->lens.failed_text);
  report(r, at, calls, what, violation);
  stand_fini(s);
  free(s);
}

static void run_failures(struct run *r) {
  static const uint64_t spans[] = {1, 4, 25};
  const struct options *o = r->o;
  uint64_t length = life_length(r), step = o->full ? 1 : r->mode == MODE_MEMORY ? MEMORY_STEP : FAILURE_STEP;
  uint64_t at = o->at > 0 ? o->at : 1, end = o->at > 0 ? o->at : length;
  for (uint64_t i = 0; at <= end; at += step, i++)
    for (size_t k = 0; k < sizeof spans / sizeof spans[0]; k++) {
      if (o->calls > 0 ? k > 0 : !o->full && o->at == 0 && k != i % 3) continue;
      run_failure(r, at, o->calls > 0 ? o->calls : spans[k]);
    }
}

/* ---- options ---- */

static bool find_name(const char *text, const char *const *names, int count, int *out) {
  for (int i = 0; i < count; i++)
    if (strcmp(text, names[i]) == 0) {
      *out = i;
      return true;
    }
  return false;
}

static const char *const lie_names[LIE_COUNT] = {
#define X(name, text, doc) text,
    LENS_LIES(X)
#undef X
};
static const char *const lie_docs[LIE_COUNT] = {
#define X(name, text, doc) doc,
    LENS_LIES(X)
#undef X
};
static const char *const flush_names[] = {"async", "sync"};

static bool parse_number(const char *text, uint64_t *out) {
  char *end;
  *out = strtoull(text, &end, 10);
  return end != text && *end == '\0';
}

static bool parse_pair(const char *key, const char *value, struct options *o) {
  int lie;
  if (strcmp(key, "--mode") == 0) return find_name(value, mode_names, MODE_COUNT, &o->mode);
  if (strcmp(key, "--flush") == 0) return find_name(value, flush_names, 2, &o->flush);
  if (strcmp(key, "--at") == 0) return parse_number(value, &o->at);
  if (strcmp(key, "--seed") == 0) return o->has_seed = parse_number(value, &o->seed);
  if (strcmp(key, "--calls") == 0) return parse_number(value, &o->calls);
  if (strcmp(key, "--again") == 0) return parse_number(value, &o->again);
  if (strcmp(key, "--bug") != 0 || !find_name(value, lie_names, LIE_COUNT, &lie)) return false;
  o->bug = (enum lens_lie)lie;
  return true;
}

static bool parse(int argc, char **argv, struct options *o) {
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--full") == 0) o->full = true;
    else if (strcmp(argv[i], "--list") == 0) o->list = true;
    else if (i + 1 < argc && parse_pair(argv[i], argv[i + 1], o)) i++;
    else return false;
  }
  return true;
}

/* ---- all of it ---- */

static void run_mode(const struct options *o, enum mode mode, bool sync_flush, unsigned *passed, unsigned *failed) {
  struct run r = {.o = o, .mode = mode, .sync_flush = sync_flush, .seed = o->has_seed ? o->seed : 1};
  uint64_t seeds = mode == MODE_TORN && !o->has_seed && o->at == 0 ? (o->full ? SEEDS_FULL : SEEDS) : 1;
  clock_t begin = clock();
  for (; seeds > 0; seeds--, r.seed++) {
    if (mode < MODE_EIO) run_crashes(&r);
    else run_failures(&r);
  }
  printf("%s, %s: %llu looked at", mode_names[mode], flush_names[sync_flush], (unsigned long long)r.looked);
  if (r.crashes > 0) printf(" and %llu crashes after them", (unsigned long long)r.crashes);
  printf(", %llu wrong, %.1f s\n", (unsigned long long)r.failed, (double)(clock() - begin) / CLOCKS_PER_SEC);
  if (r.failed == 0 && r.looked > 0) ++*passed;
  else ++*failed;
}

/* A torture that finds nothing proves nothing: each planted bug must be found. */
static bool find_bug(const struct options *o) {
  static const enum mode modes[] = {MODE_POWER, MODE_TORN, MODE_KILL};
  clock_t begin = clock();
  for (uint64_t seed = BUG_SEED; seed < BUG_SEED + BUG_SEEDS; seed++)
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
      struct run r = {.o = o, .mode = modes[i], .sync_flush = true, .seed = seed};
      if (seed > BUG_SEED && r.mode != MODE_TORN) continue;
      run_crashes(&r);
      if (r.failed == 0) continue;
      printf("found: %s, by %s with seed %llu, %.1f s\n", lie_names[o->bug], mode_names[r.mode],
             (unsigned long long)seed, (double)(clock() - begin) / CLOCKS_PER_SEC);
      return true;
    }
  printf("NOT FOUND: %s (%s)\n", lie_names[o->bug], lie_docs[o->bug]);
  return false;
}

static int list_calls(const struct options *o) {
  struct run r = {.o = o, .mode = MODE_KILL, .sync_flush = o->flush == 1};
  r.s = stand_new(&r);
  r.s->lens.before = print_call;
  r.s->lens.context = r.s;
  life_run(r.s);
  stand_fini(r.s);
  free(r.s);
  return EXIT_SUCCESS;
}

static void run_all(const struct options *o, unsigned *passed, unsigned *failed) {
  for (int f = 0; f < 2; f++)
    for (int m = 0; m < MODE_COUNT; m++)
      if ((o->flush < 0 || o->flush == f) && (o->mode < 0 || o->mode == m))
        run_mode(o, (enum mode)m, f != 0, passed, failed);
  if (o->mode >= 0 || o->flush >= 0 || o->at > 0 || o->has_seed) return;
  for (int lie = LIE_NONE + 1; lie < LIE_COUNT; lie++) {
    struct options planted = {.mode = -1, .flush = -1, .bug = (enum lens_lie)lie};
    if (find_bug(&planted)) ++*passed;
    else ++*failed;
  }
}

int main(int argc, char **argv) {
  struct options o = {.mode = -1, .flush = -1, .bug = LIE_NONE};
  unsigned passed = 0, failed = 0;
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (!parse(argc, argv, &o)) {
    fputs(usage, stdout);
    for (int i = LIE_NONE + 1; i < LIE_COUNT; i++) printf("    %-18s %s\n", lie_names[i], lie_docs[i]);
    return USAGE;
  }
  if (o.list) return list_calls(&o);
  if (o.bug != LIE_NONE) return find_bug(&o) ? EXIT_SUCCESS : EXIT_FAILURE;
  run_all(&o, &passed, &failed);
  printf("torture: %u passed, %u failed\n", passed, failed);
  return failed == 0 && passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
