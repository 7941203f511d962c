/* SPDX-License-Identifier: Apache-2.0 */
#include "host/uv/block.h"

#include <stdlib.h>
#include <string.h>

void block_pool_init(struct block_pool *pool) { memset(pool, 0, sizeof *pool); }

void block_pool_fini(struct block_pool *pool) {
  for (size_t i = 0; i < BLOCK_CLASSES; i++) {
    while (pool->free[i] != NULL) {
      void *next = *(void **)pool->free[i];
      free(pool->free[i]);
      pool->free[i] = next;
    }
  }
}

/* Smallest shift whose power of two holds size. */
static unsigned shift_of(size_t size) {
  unsigned shift = BLOCK_MIN_SHIFT;
  while (shift < sizeof(size_t) * 8 - 1 && (size_t)1 << shift < size) shift++;
  return shift;
}

struct block block_take(struct block_pool *pool, size_t size) {
  if (size > SIZE_MAX / 4) return (struct block){NULL, 0};
  unsigned shift = shift_of(size);
  size_t cap = (size_t)1 << shift;
  if (shift <= BLOCK_MAX_SHIFT && pool->free[shift - BLOCK_MIN_SHIFT] != NULL) {
    void *ptr = pool->free[shift - BLOCK_MIN_SHIFT];
    pool->free[shift - BLOCK_MIN_SHIFT] = *(void **)ptr;
    pool->kept[shift - BLOCK_MIN_SHIFT] -= cap;
    return (struct block){ptr, cap};
  }
  uint8_t *ptr = malloc(cap);
  return (struct block){ptr, ptr == NULL ? 0 : cap};
}

void block_give(struct block_pool *pool, struct block b) {
  if (b.ptr == NULL) return;
  unsigned shift = shift_of(b.cap);
  size_t class = shift - BLOCK_MIN_SHIFT;
  if (shift > BLOCK_MAX_SHIFT || pool->kept[class] + b.cap > BLOCK_KEPT_BYTES) {
    free(b.ptr);
    return;
  }
  *(void **)(void *)b.ptr = pool->free[class];
  pool->free[class] = b.ptr;
  pool->kept[class] += b.cap;
}
