/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sim/inside.h"

#include <stdlib.h>

static bool before(const struct event *a, const struct event *b) {
  return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

void events_push(struct events *es, const struct event *e) {
  es->heap = sim_grow(es->heap, &es->cap, es->count + 1, sizeof *es->heap);
  struct event fresh = *e;
  fresh.order = es->order++;
  size_t i = es->count++;
  for (; i > 0 && before(&fresh, &es->heap[(i - 1) / 4]); i = (i - 1) / 4) es->heap[i] = es->heap[(i - 1) / 4];
  es->heap[i] = fresh;
}

static size_t least_child(const struct events *es, size_t i) {
  size_t first = 4 * i + 1, end = first + 4 < es->count ? first + 4 : es->count;
  size_t least = first;
  for (size_t c = first + 1; c < end; c++)
    if (before(&es->heap[c], &es->heap[least])) least = c;
  return least;
}

bool events_pop(struct events *es, int64_t until_ms, struct event *out) {
  if (es->count == 0 || es->heap[0].at_ms > until_ms) return false;
  *out = es->heap[0];
  struct event last = es->heap[--es->count];
  size_t i = 0;
  while (4 * i + 1 < es->count) {
    size_t c = least_child(es, i);
    if (!before(&es->heap[c], &last)) break;
    es->heap[i] = es->heap[c];
    i = c;
  }
  if (es->count > 0) es->heap[i] = last;
  return true;
}

void events_fini(struct events *es) {
  free(es->heap);
  *es = (struct events){0};
}
