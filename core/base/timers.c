/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/timers.h"

#include <stdlib.h>

void timers_init(struct timers *ts) { *ts = (struct timers){0}; }

void timers_fini(struct timers *ts) {
  free(ts->heap);
  *ts = (struct timers){0};
}

static bool before(const struct timer *a, const struct timer *b) {
  return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

static void put_at(struct timers *ts, size_t i, struct timer *t) {
  ts->heap[i] = t;
  t->slot = i + 1;
}

static void sift_up(struct timers *ts, size_t i) {
  struct timer *t = ts->heap[i];
  for (; i > 0 && before(t, ts->heap[(i - 1) / 2]); i = (i - 1) / 2) put_at(ts, i, ts->heap[(i - 1) / 2]);
  put_at(ts, i, t);
}

static void sift_down(struct timers *ts, size_t i) {
  struct timer *t = ts->heap[i];
  for (;;) {
    size_t child = 2 * i + 1;
    if (child >= ts->count) break;
    if (child + 1 < ts->count && before(ts->heap[child + 1], ts->heap[child])) child++;
    if (!before(ts->heap[child], t)) break;
    put_at(ts, i, ts->heap[child]);
    i = child;
  }
  put_at(ts, i, t);
}

enum status timers_set(struct timers *ts, struct timer *t, int64_t due_ms) {
  if (t->slot == 0 && ts->count == ts->cap) {
    size_t cap = ts->cap == 0 ? 16 : ts->cap * 2;
    struct timer **heap = realloc(ts->heap, cap * sizeof *heap);
    if (heap == NULL) return STATUS_NO_MEMORY;
    ts->heap = heap;
    ts->cap = cap;
  }
  t->due_ms = due_ms;
  t->order = ts->order++;
  size_t i = t->slot != 0 ? t->slot - 1 : ts->count++;
  put_at(ts, i, t);
  sift_up(ts, i);
  sift_down(ts, t->slot - 1);
  return STATUS_OK;
}

void timers_cancel(struct timers *ts, struct timer *t) {
  if (t->slot == 0) return;
  size_t i = t->slot - 1;
  t->slot = 0;
  struct timer *last = ts->heap[--ts->count];
  if (last == t) return;
  put_at(ts, i, last);
  sift_up(ts, i);
  sift_down(ts, last->slot - 1);
}

struct timer *timers_pop(struct timers *ts, int64_t now_ms) {
  if (ts->count == 0 || ts->heap[0]->due_ms > now_ms) return NULL;
  struct timer *t = ts->heap[0];
  timers_cancel(ts, t);
  return t;
}

int64_t timers_next(const struct timers *ts) { return ts->count == 0 ? TIME_NEVER : ts->heap[0]->due_ms; }
