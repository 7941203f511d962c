/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/gate/gate.h"

#include <assert.h>
#include <stdlib.h>

enum { RING_MIN = 256 };

void gate_init(struct gate *g) { *g = (struct gate){0}; }

static struct waiter *at(const struct waiter_ring *r, size_t i) { return &r->items[(r->head + i) & (r->cap - 1)]; }

static void ring_fini(struct waiter_ring *r) {
  for (size_t i = 0; i < r->count; i++) free(at(r, i)->batch_ids);
  free(r->items);
}

void gate_fini(struct gate *g) {
  ring_fini(&g->appended);
  ring_fini(&g->flushed);
  ring_fini(&g->replicated);
  *g = (struct gate){0};
}

static enum status ring_grow(struct waiter_ring *r) {
  size_t cap = r->cap == 0 ? RING_MIN : r->cap * 2;
  struct waiter *items = malloc(cap * sizeof *items);
  if (items == NULL) return STATUS_NO_MEMORY;
  for (size_t i = 0; i < r->count; i++) items[i] = *at(r, i);
  free(r->items);
  r->items = items;
  r->head = 0;
  r->cap = cap;
  return STATUS_OK;
}

static enum status ring_reserve(struct waiter_ring *r) { return r->count == r->cap ? ring_grow(r) : STATUS_OK; }

static void ring_push(struct waiter_ring *r, const struct waiter *w) {
  assert(r->count < r->cap);
  assert(r->count == 0 || at(r, r->count - 1)->end_offset <= w->end_offset);
  *at(r, r->count) = *w;
  r->count++;
}

static void ring_pop(struct waiter_ring *r) {
  r->head = (r->head + 1) & (r->cap - 1);
  r->count--;
}

enum status gate_reserve(struct gate *g) { return ring_reserve(&g->appended); }

void gate_wait(struct gate *g, const struct waiter *w) { ring_push(&g->appended, w); }

void gate_write_failed(struct gate *g, gate_answer answer, void *context) {
  for (; g->appended.count > 0; ring_pop(&g->appended)) answer(context, at(&g->appended, 0), GATE_WRITE_FAILED);
}

static enum gate_outcome done(const struct waiter *w) { return w->lacks_replica ? GATE_NO_REPLICA : GATE_DONE; }

/* A written waiter goes where it has to wait, or is answered. Without memory to wait in, the honest answer is that what
 * it wanted was not waited for. */
static void written(struct gate *g, struct waiter *w, const struct gate_marks *marks, gate_answer answer,
                    void *context) {
  bool replica = w->wants_replica && w->end_offset > marks->replicated;
  bool flush = w->wants_flush && w->end_offset > marks->flushed;
  if (w->wants_topic && !marks->topics) {
    answer(context, w, GATE_TOPIC_UNSAVED);
  } else if (replica) {
    if (ring_reserve(&g->replicated) == STATUS_OK) ring_push(&g->replicated, w);
    else answer(context, w, GATE_REPLICA_TIMEOUT);
  } else if (flush) {
    if (ring_reserve(&g->flushed) == STATUS_OK) ring_push(&g->flushed, w);
    else answer(context, w, w->lacks_replica ? GATE_NO_REPLICA : GATE_FLUSH_TIMEOUT);
  } else {
    answer(context, w, done(w));
  }
}

static void release_flushed(struct gate *g, const struct gate_marks *marks, struct moment now, gate_answer answer,
                            void *context) {
  for (; g->flushed.count > 0; ring_pop(&g->flushed)) {
    struct waiter *w = at(&g->flushed, 0);
    if (w->end_offset <= marks->flushed) answer(context, w, done(w));
    else if (w->due_ms <= now.mono_ms) answer(context, w, w->lacks_replica ? GATE_NO_REPLICA : GATE_FLUSH_TIMEOUT);
    else return;
  }
}

static void release_replicated(struct gate *g, const struct gate_marks *marks, struct moment now, gate_answer answer,
                               void *context) {
  for (; g->replicated.count > 0; ring_pop(&g->replicated)) {
    struct waiter *w = at(&g->replicated, 0);
    bool replica = w->end_offset <= marks->replicated, flush = !w->wants_flush || w->end_offset <= marks->flushed;
    if (replica && flush) answer(context, w, GATE_DONE);
    else if (w->due_ms <= now.mono_ms) answer(context, w, replica ? GATE_FLUSH_TIMEOUT : GATE_REPLICA_TIMEOUT);
    else return;
  }
}

void gate_release(struct gate *g, const struct gate_marks *marks, struct moment now, gate_answer answer,
                  void *context) {
  for (; g->appended.count > 0 && at(&g->appended, 0)->end_offset <= marks->appended; ring_pop(&g->appended))
    written(g, at(&g->appended, 0), marks, answer, context);
  release_flushed(g, marks, now, answer, context);
  release_replicated(g, marks, now, answer, context);
}

static const struct waiter *newest(const struct waiter_ring *r) { return r->count == 0 ? NULL : at(r, r->count - 1); }

int64_t gate_flush_wanted(const struct gate *g) {
  const struct waiter *f = newest(&g->flushed), *r = newest(&g->replicated);
  int64_t wanted = f == NULL ? 0 : f->end_offset;
  return r != NULL && r->wants_flush && r->end_offset > wanted ? r->end_offset : wanted;
}

int64_t gate_next_ms(const struct gate *g) {
  int64_t flush = g->flushed.count == 0 ? TIME_NEVER : at(&g->flushed, 0)->due_ms;
  int64_t replica = g->replicated.count == 0 ? TIME_NEVER : at(&g->replicated, 0)->due_ms;
  return flush < replica ? flush : replica;
}
