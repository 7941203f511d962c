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

void gate_release(struct gate *g, int64_t appended, int64_t flushed, struct moment now, gate_answer answer,
                  void *context) {
  while (g->appended.count > 0 && at(&g->appended, 0)->end_offset <= appended) {
    struct waiter *w = at(&g->appended, 0);
    /* Without memory to wait in, the honest answer is that the disk was not waited for. */
    if (!w->wants_flush || w->end_offset <= flushed) answer(context, w, GATE_DONE);
    else if (ring_reserve(&g->flushed) != STATUS_OK) answer(context, w, GATE_FLUSH_TIMEOUT);
    else ring_push(&g->flushed, w);
    ring_pop(&g->appended);
  }
  while (g->flushed.count > 0) {
    struct waiter *w = at(&g->flushed, 0);
    if (w->end_offset <= flushed) answer(context, w, GATE_DONE);
    else if (w->due_ms <= now.mono_ms) answer(context, w, GATE_FLUSH_TIMEOUT);
    else break;
    ring_pop(&g->flushed);
  }
}

int64_t gate_flush_wanted(const struct gate *g) {
  return g->flushed.count == 0 ? 0 : at(&g->flushed, g->flushed.count - 1)->end_offset;
}

int64_t gate_next_ms(const struct gate *g) { return g->flushed.count == 0 ? TIME_NEVER : at(&g->flushed, 0)->due_ms; }
