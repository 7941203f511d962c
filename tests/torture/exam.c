/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/exam.h"

#include "tests/torture/check.h"
#include "tests/torture/life.h"
#include "tests/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LATER_MS = 700 };

struct exam {
  struct stand s;
  const struct crash *crash;
  uint64_t *count;
  char nested[512];
};

/* The same disk, book and time, without the program. */
static void stand_twin(struct stand *to, const struct stand *from, uint64_t seed) {
  stand_init(to, seed, from->sync_flush);
  sim_disk_copy(to->host, from->host);
  sim_clock_jump(to->host, sim_host_now(from->host).wall_ms + LATER_MS - sim_host_now(to->host).wall_ms);
  to->book = from->book;
  to->book.violation[0] = '\0';
  to->opaque = from->opaque;
  to->lens.lie = from->lens.lie;
}

static void write_half(struct stand *s, const struct stand *from) {
  const struct lens *l = &from->lens;
  struct disk *disk = sim_host_disk(s->host);
  struct disk_file *file;
  size_t left = l->bytes / 2;
  if (l->op != LENS_WRITE || left == 0 || disk->ops->open(disk, l->path, 0, 0, &file) != STATUS_OK) return;
  int64_t at = l->offset;
  for (size_t i = 0; i < l->part_count && left > 0; i++) {
    struct span part = span_of(l->parts[i].ptr, l->parts[i].len < left ? l->parts[i].len : left);
    if (part.len > 0 && disk->ops->write(disk, file, at, &part, 1) != STATUS_OK) abort();
    at += (int64_t)part.len;
    left -= part.len;
  }
  disk->ops->close(disk, file);
}

static void lose(struct stand *s, enum loss loss) {
  sim_disk_loss(s->host, loss == LOSS_ALL ? SIM_LOSS_ALL : SIM_LOSS_BY_CHANCE);
  sim_stop(s->host, loss == LOSS_NONE ? SIM_KILL : SIM_POWER_OFF);
  sim_boot(s->host);
  if (loss == LOSS_NONE) return;
  /* ASYNC_FLUSH promises nothing across a power cut but what it had synced by itself. */
  for (int32_t i = 0; i < s->book.deed_count; i++) {
    struct deed *d = &s->book.deeds[i];
    if (!s->sync_flush && d->state == DEED_PROMISED && d->physical >= s->book.flushed) d->state = DEED_ASKED;
  }
}

static void violate(struct stand *s, const char *when) {
  char text[sizeof s->book.violation];
  if (s->book.violation[0] == '\0') return;
  memcpy(text, s->book.violation, sizeof text);
  snprintf(s->book.violation, sizeof s->book.violation, "%s: %.400s", when, text);
}

static void before_recovery_call(void *context) {
  struct exam *x = context;
  struct crash again = {.loss = x->crash->loss, .seed = x->crash->seed + x->s.lens.calls};
  if (!x->crash->again_all && x->s.lens.calls != x->crash->again) return;
  if (x->nested[0] != '\0') return;
  char text[512];
  exam_crash(&x->s, &again, x->count, text);
  if (text[0] != '\0')
    snprintf(x->nested, sizeof x->nested, "--again %llu (before %s): %.380s", (unsigned long long)x->s.lens.calls,
             lens_text(&x->s.lens), text);
}

static bool start(struct stand *s) {
  if (stand_start(s)) return true;
  book_violation(&s->book, "the broker cannot be started");
  return false;
}

static void remove_tree(struct disk *disk, const char *path) {
  struct arena arena;
  struct disk_entry *entries;
  size_t count = 0;
  char name[DISK_PATH_MAX];
  arena_init(&arena, 1 << 20);
  if (disk->ops->list(disk, path, &arena, &entries, &count) != STATUS_OK) count = 0;
  for (size_t i = 0; i < count; i++) {
    snprintf(name, sizeof name, "%s/%s", path, (const char *)entries[i].name.ptr);
    if (entries[i].directory) remove_tree(disk, name);
    else if (disk->ops->remove(disk, name) != STATUS_OK) abort();
  }
  arena_fini(&arena);
  enum status status = disk->ops->remove(disk, path);
  (void)status;
}

/* Queues and index made again from the log alone must say the same. */
static void compare_rebuilt(struct stand *s, uint64_t digest) {
  struct stand *r = calloc(1, sizeof *r);
  if (r == NULL) abort();
  stand_twin(r, s, 3);
  sim_stop(r->host, SIM_KILL);
  sim_boot(r->host);
  remove_tree(sim_host_disk(r->host), "/store/consumequeue");
  remove_tree(sim_host_disk(r->host), "/store/index");
  if (start(r) && check_broker(r, false) != digest) book_violation(&r->book, "derived files differ");
  violate(r, "rebuilt");
  memcpy(s->book.violation, r->book.violation, sizeof s->book.violation);
  stand_fini(r);
  free(r);
}

static bool good(const struct stand *s) { return s->book.violation[0] == '\0'; }

/* Where the lost message was there is another one; what followed the lost one may still lie behind it. */
static void take_its_place(struct stand *s) {
  if (!good(s) || s->book.missing < 0) return;
  life_takes_place_of(s, s->book.missing);
  stand_crash(s, SIM_KILL);
  if (start(s)) check_broker(s, false);
  violate(s, "after a message in the place of a lost one");
}

/* After the crash: recovered, whole, usable, and still so after the next stop. */
static void examine(struct exam *x) {
  struct stand *s = &x->s;
  if (x->crash->again > 0 || x->crash->again_all) {
    s->lens.before = before_recovery_call;
    s->lens.context = x;
  }
  bool started = start(s);
  s->lens.before = NULL;
  if (!started) return;
  uint64_t digest = check_broker(s, false);
  check_tables_are(s);
  if (good(s) && x->crash->seed % 4 == 0) compare_rebuilt(s, digest);
  if (x->crash->seed % 2 == 1) take_its_place(s);
  if (!good(s)) return;
  life_goes_on(s);
  check_broker(s, false);
  violate(s, "after new messages");
  if (!good(s)) return;
  /* A power cut shows whether recovery has synced what it found. */
  bool cut = s->sync_flush && x->crash->seed % 2 == 0;
  if (cut) {
    s->broker->store == NULL ? (void)0 : stand_marks(s);
    sim_disk_loss(s->host, SIM_LOSS_ALL);
    stand_crash(s, SIM_POWER_OFF);
  } else {
    stand_close(s);
  }
  if (start(s)) check_broker(s, false);
  violate(s, cut ? "after a later power cut" : "after a clean restart");
}

void exam_crash(const struct stand *from, const struct crash *crash, uint64_t *count, char violation[512]) {
  struct exam *x = calloc(1, sizeof *x);
  if (x == NULL) abort();
  x->crash = crash;
  x->count = count;
  ++*count;
  stand_twin(&x->s, from, crash->seed * 2 + 1);
  if (crash->amid) write_half(&x->s, from);
  lose(&x->s, crash->loss);
  examine(x);
  snprintf(violation, 512, "%s", good(&x->s) ? x->nested : x->s.book.violation);
  stand_fini(&x->s);
  free(x);
}
