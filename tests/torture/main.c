/* SPDX-License-Identifier: Apache-2.0
 *
 * torture: one life of a broker, and a crash or a failure at each of its disk
 * calls (or of its allocations). Every line it prints can be asked for again.
 */
#include "tests/torture/check.h"
#include "tests/torture/exam.h"
#include "tests/torture/life.h"
#include "tests/torture/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SHOWN_MAX = 5, USAGE = 2 };

enum mode { MODE_KILL, MODE_AMID, MODE_POWER, MODE_TORN, MODE_AGAIN, MODE_EIO, MODE_ENOSPC, MODE_SHORT, MODE_MEMORY, MODE_COUNT };
static const char *const mode_names[MODE_COUNT] = {"kill", "amid", "power", "torn", "again", "eio", "enospc", "short", "memory"};

static const char usage[] =
    "usage: torture [--mode NAME] [--flush sync|async] [--at N] [--seed N] [--calls N] [--again N] [--bug NAME] [--full]\n"
    "  without arguments: every mode, both kinds of flush, every call (of the costly modes a sample)\n"
    "  --mode    kill, amid (half a write), power (unsynced lost), torn (unsynced torn), again (power, then once more\n"
    "            during recovery), eio, enospc, short (half a write, then an error), memory\n"
    "  --at N    the crash or failure is at this call (or allocation) only; TORTURE_LOG=1 prints the broker's log\n"
    "  --seed N  of what is torn\n"
    "  --calls N so many calls fail, from this one on\n"
    "  --again N the crash during recovery is before this call of it\n"
    "  --full    no samples\n"
    "  --list    the calls of the life\n"
    "  --bugs, --bug NAME  plant one of these; success is to find it:\n";

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
  uint64_t seed, looked, failed;
  struct stand *s; /* whose life it is */
};

static void report(struct run *r, uint64_t at, uint64_t calls, const char *what, const char *violation) {
  if (violation[0] == '\0') return;
  if (r->failed++ >= SHOWN_MAX || r->o->bug != LIE_NONE) return;
  printf("FAIL torture --mode %s --flush %s --at %llu --seed %llu", mode_names[r->mode], r->sync_flush ? "sync" : "async",
         (unsigned long long)at, (unsigned long long)r->seed);
  if (calls > 0) printf(" --calls %llu", (unsigned long long)calls);
  printf(": %s: %s\n", what, violation);
}

/* ---- crashes: one life, looked at before each of its calls ---- */

static void before_call(void *context) {
  struct run *r = context;
  struct stand *s = r->s;
  const struct options *o = r->o;
  uint64_t at = s->lens.calls;
  if (o->at > 0 && at != o->at) return;
  if (r->mode == MODE_AMID && (s->lens.op != LENS_WRITE || s->lens.bytes < 2)) return;
  if (r->mode == MODE_AGAIN && !o->full && o->at == 0 && at % 37 != r->sync_flush) return;
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

int main(int argc, char **argv) {
  (void)argc, (void)argv, (void)usage;
  struct options o = {.mode = -1, .flush = -1, .bug = LIE_NONE};
  for (int f = 0; f < 2; f++)
    for (int m = MODE_KILL; m <= MODE_AGAIN; m++) {
      struct run r = {.o = &o, .mode = (enum mode)m, .sync_flush = f, .seed = 1};
      clock_t begin = clock();
      run_crashes(&r);
      printf("%s %s: %llu looked at, %llu failed, %.1f s\n", mode_names[m], f ? "sync" : "async",
             (unsigned long long)r.looked, (unsigned long long)r.failed, (double)(clock() - begin) / CLOCKS_PER_SEC);
    }
  return 0;
}
