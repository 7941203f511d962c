/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/arena.h"

#include <stdlib.h>

struct arena_chunk {
  struct arena_chunk *older;
  size_t size;
  _Alignas(16) uint8_t bytes[];
};

enum { FIRST_CHUNK = 4096, ALIGNMENT = 16, KEPT_MAX = 1 << 20 };

void arena_init(struct arena *a, size_t limit) { *a = (struct arena){.limit = limit}; }

static void free_chunks(struct arena_chunk *c) {
  while (c != NULL) {
    struct arena_chunk *older = c->older;
    free(c);
    c = older;
  }
}

void arena_fini(struct arena *a) {
  free_chunks(a->chunk);
  *a = (struct arena){.limit = a->limit};
}

void arena_reset(struct arena *a) {
  a->used = 0;
  if (a->chunk == NULL) return;
  if (a->chunk->older == NULL && a->chunk->size <= KEPT_MAX) return;
  /* Several chunks were needed: next time the newest, largest one is enough, if it is not huge. */
  struct arena_chunk *newest = a->chunk;
  free_chunks(newest->older);
  newest->older = NULL;
  a->total = newest->size;
  if (newest->size > KEPT_MAX) {
    free(newest);
    a->chunk = NULL;
    a->total = 0;
  }
}

static bool add_chunk(struct arena *a, size_t need) {
  size_t size = a->chunk == NULL ? FIRST_CHUNK : a->chunk->size * 2;
  if (size > KEPT_MAX) size = KEPT_MAX;
  if (size < need) size = need;
  if (size > a->limit - a->total) size = need;
  if (need > a->limit - a->total) return false;
  struct arena_chunk *c = malloc(sizeof *c + size);
  if (c == NULL) return false;
  c->older = a->chunk;
  c->size = size;
  a->chunk = c;
  a->used = 0;
  a->total += size;
  return true;
}

void *arena_alloc(struct arena *a, size_t size) {
  if (size > SIZE_MAX - ALIGNMENT) return NULL;
  size_t need = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
  if (a->chunk == NULL || a->chunk->size - a->used < need)
    if (!add_chunk(a, need)) return NULL;
  void *p = a->chunk->bytes + a->used;
  a->used += need;
  return p;
}

void *arena_zalloc(struct arena *a, size_t n, size_t size) {
  size_t total;
  if (__builtin_mul_overflow(n, size, &total)) return NULL;
  void *p = arena_alloc(a, total);
  if (p != NULL) memset(p, 0, total);
  return p;
}

struct span arena_copy(struct arena *a, struct span s) {
  uint8_t *p = s.len == SIZE_MAX ? NULL : arena_alloc(a, s.len + 1);
  if (p == NULL) return SPAN_NONE;
  if (s.len > 0) memcpy(p, s.ptr, s.len);
  p[s.len] = '\0';
  return span_of(p, s.len);
}
