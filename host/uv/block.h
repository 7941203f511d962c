/* SPDX-License-Identifier: Apache-2.0
 *
 * block: byte blocks in power-of-two sizes that connections borrow while they
 * hold something and give back when they are drained. An idle connection holds
 * none; a busy loop reuses the same warm few and does not call malloc.
 */
#ifndef MQ_UV_BLOCK_H
#define MQ_UV_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#define BLOCK_MIN_SHIFT 9  /* 512 B */
#define BLOCK_MAX_SHIFT 18 /* 256 KiB: greatest size that is kept */
#define BLOCK_CLASSES (BLOCK_MAX_SHIFT - BLOCK_MIN_SHIFT + 1)
#define BLOCK_KEPT_BYTES (1u << 20) /* of each size */

struct block_pool {
  void *free[BLOCK_CLASSES]; /* the first word of a free block links to the next */
  size_t kept[BLOCK_CLASSES];
};

struct block {
  uint8_t *ptr;
  size_t cap;
};

void block_pool_init(struct block_pool *pool);
void block_pool_fini(struct block_pool *pool);
/* At least `size` bytes; ptr NULL when out of memory. */
struct block block_take(struct block_pool *pool, size_t size);
/* ptr NULL is allowed. */
void block_give(struct block_pool *pool, struct block b);

#endif
