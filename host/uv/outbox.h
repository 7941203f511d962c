/* SPDX-License-Identifier: Apache-2.0
 *
 * outbox: what a connection still has to say, in order. Small sends are copied
 * one behind the other into one block; large borrowed ones are only pointed at.
 * After a flush outbox_keep copies what the kernel did not take, so that no
 * borrowed byte is looked at after its turn.
 */
#ifndef MQ_UV_OUTBOX_H
#define MQ_UV_OUTBOX_H

#include "core/base/span.h"
#include "core/base/status.h"
#include "host/uv/block.h"

#include <sys/uio.h>

/* A borrowed part shorter than this is cheaper to copy than to gather. */
#define OUTBOX_BORROW_MIN 512

struct outbox_part {
  const uint8_t *borrowed; /* NULL: own bytes at `offset` */
  size_t offset;
  size_t len;
};

struct outbox {
  struct block own; /* copied bytes [head, tail) */
  size_t head, tail;
  struct block parts; /* struct outbox_part[]: only while something is borrowed */
  uint32_t part_head, part_count;
  size_t bytes; /* waiting, all in all */
  size_t usual; /* own bytes of the last turn: the block to begin with, or a long turn would double its way up */
  bool failed;  /* out of memory or over the limit: the stream has a hole */
};

/* A zeroed outbox is empty. */
void outbox_fini(struct outbox *o, struct block_pool *pool);
void outbox_copy(struct outbox *o, struct block_pool *pool, struct span bytes, size_t limit);
void outbox_borrow(struct outbox *o, struct block_pool *pool, struct span bytes, size_t limit);
/* The front of the outbox as at most max vectors; returns how many. */
int outbox_vectors(const struct outbox *o, struct iovec *out, int max);
/* The kernel took n bytes from the front. */
void outbox_took(struct outbox *o, struct block_pool *pool, size_t n);
/* Turns borrowed parts into own bytes. */
enum status outbox_keep(struct outbox *o, struct block_pool *pool) MUST_USE;

#endif
