/* SPDX-License-Identifier: Apache-2.0
 *
 * arena: memory that dies together. Blocks are 16-byte aligned. After warm-up
 * (arena_reset keeps the first chunk, which grows to what was needed) it does
 * not call malloc.
 */
#ifndef MQ_BASE_ARENA_H
#define MQ_BASE_ARENA_H

#include "core/base/span.h"

struct arena_chunk;

struct arena {
  struct arena_chunk *chunk; /* newest */
  size_t used;               /* bytes of the newest chunk */
  size_t total;              /* bytes of all chunks */
  size_t limit;
};

/* limit: greatest total in bytes; allocations past it return NULL. */
void arena_init(struct arena *a, size_t limit);
void arena_fini(struct arena *a);
/* Forgets everything; memory up to 1 MiB is kept for the next use. */
void arena_reset(struct arena *a);
/* Uninitialised; NULL when out of memory or past the limit. */
void *arena_alloc(struct arena *a, size_t size);
/* Zeroed array; checks n * size for overflow. */
void *arena_zalloc(struct arena *a, size_t n, size_t size);
/* A copy with a NUL behind it (not counted in len); ptr NULL on failure. */
struct span arena_copy(struct arena *a, struct span s);

#endif
