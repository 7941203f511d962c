/* SPDX-License-Identifier: Apache-2.0 */
#include "host/uv/outbox.h"

#include <assert.h>

#define OUTBOX_USUAL_MAX ((size_t)64 * 1024)

static struct outbox_part *parts_of(const struct outbox *o) {
  return (struct outbox_part *)(void *)o->parts.ptr;
}

static void outbox_empty(struct outbox *o, struct block_pool *pool) {
  block_give(pool, o->own);
  block_give(pool, o->parts);
  *o = (struct outbox){.failed = o->failed, .usual = o->tail < OUTBOX_USUAL_MAX ? o->tail : OUTBOX_USUAL_MAX};
}

void outbox_fini(struct outbox *o, struct block_pool *pool) {
  outbox_empty(o, pool);
  o->failed = false;
}

/* Room for n bytes behind tail. While parts point into the block by offset, its front is not moved. */
static bool own_reserve(struct outbox *o, struct block_pool *pool, size_t n) {
  if (o->own.cap - o->tail >= n) return true;
  size_t live = o->tail - o->head;
  if (o->part_count == 0 && o->head >= live && o->own.cap - live >= n) {
    memcpy(o->own.ptr, o->own.ptr + o->head, live);
    o->head = 0;
    o->tail = live;
    return true;
  }
  size_t skip = o->part_count == 0 ? o->head : 0;
  size_t want = o->tail - skip + n;
  if (o->own.ptr == NULL && want < o->usual) want = o->usual;
  struct block bigger = block_take(pool, want);
  if (bigger.ptr == NULL) return false;
  if (o->tail > skip) memcpy(bigger.ptr, o->own.ptr + skip, o->tail - skip);
  block_give(pool, o->own);
  o->own = bigger;
  o->head -= skip;
  o->tail -= skip;
  return true;
}

static bool part_push(struct outbox *o, struct block_pool *pool, struct outbox_part part) {
  size_t used = (size_t)o->part_head + o->part_count;
  if ((used + 1) * sizeof part > o->parts.cap) {
    struct block bigger = block_take(pool, (used + 1) * sizeof part);
    if (bigger.ptr == NULL) return false;
    if (used > 0) memcpy(bigger.ptr, o->parts.ptr, used * sizeof part);
    block_give(pool, o->parts);
    o->parts = bigger;
  }
  parts_of(o)[used] = part;
  o->part_count++;
  return true;
}

void outbox_copy(struct outbox *o, struct block_pool *pool, struct span bytes, size_t limit) {
  if (bytes.len == 0 || o->failed) return;
  if (bytes.len > limit || o->bytes > limit - bytes.len || !own_reserve(o, pool, bytes.len)) {
    o->failed = true;
    return;
  }
  if (o->part_count > 0) {
    struct outbox_part *last = &parts_of(o)[o->part_head + o->part_count - 1];
    if (last->borrowed == NULL) {
      last->len += bytes.len;
    } else if (!part_push(o, pool, (struct outbox_part){NULL, o->tail, bytes.len})) {
      o->failed = true;
      return;
    }
  }
  memcpy(o->own.ptr + o->tail, bytes.ptr, bytes.len);
  o->tail += bytes.len;
  o->bytes += bytes.len;
}

void outbox_borrow(struct outbox *o, struct block_pool *pool, struct span bytes, size_t limit) {
  if (bytes.len < OUTBOX_BORROW_MIN) {
    outbox_copy(o, pool, bytes, limit);
    return;
  }
  if (o->failed) return;
  bool fits = bytes.len <= limit && o->bytes <= limit - bytes.len;
  if (fits && o->part_count == 0 && o->bytes > 0)
    fits = part_push(o, pool, (struct outbox_part){NULL, o->head, o->tail - o->head});
  if (!fits || !part_push(o, pool, (struct outbox_part){bytes.ptr, 0, bytes.len})) {
    o->failed = true;
    return;
  }
  o->bytes += bytes.len;
}

static const uint8_t *part_bytes(const struct outbox *o, const struct outbox_part *p) {
  return p->borrowed != NULL ? p->borrowed : o->own.ptr + p->offset;
}

int outbox_vectors(const struct outbox *o, struct iovec *out, int max) {
  if (o->bytes == 0) return 0;
  if (o->part_count == 0) {
    out[0] = (struct iovec){o->own.ptr + o->head, o->tail - o->head};
    return 1;
  }
  int n = 0;
  for (const struct outbox_part *p = parts_of(o) + o->part_head; n < max && n < (int)o->part_count; n++)
    out[n] = (struct iovec){(void *)(uintptr_t)part_bytes(o, &p[n]), p[n].len};
  return n;
}

void outbox_took(struct outbox *o, struct block_pool *pool, size_t n) {
  assert(n <= o->bytes);
  o->bytes -= n;
  if (o->bytes == 0) {
    outbox_empty(o, pool);
    return;
  }
  if (o->part_count == 0) {
    o->head += n;
    return;
  }
  while (n > 0) {
    struct outbox_part *p = &parts_of(o)[o->part_head];
    size_t step = n < p->len ? n : p->len;
    if (p->borrowed != NULL) p->borrowed += step;
    else p->offset += step;
    p->len -= step;
    n -= step;
    if (p->len == 0) {
      o->part_head++;
      o->part_count--;
    }
  }
}

enum status outbox_keep(struct outbox *o, struct block_pool *pool) {
  if (o->part_count == 0) return STATUS_OK;
  struct block all = block_take(pool, o->bytes);
  if (all.ptr == NULL) return STATUS_NO_MEMORY;
  size_t at = 0;
  for (uint32_t i = 0; i < o->part_count; i++) {
    const struct outbox_part *p = &parts_of(o)[o->part_head + i];
    memcpy(all.ptr + at, part_bytes(o, p), p->len);
    at += p->len;
  }
  assert(at == o->bytes);
  block_give(pool, o->own);
  block_give(pool, o->parts);
  *o = (struct outbox){.own = all, .tail = at, .bytes = at, .failed = o->failed, .usual = o->usual};
  return STATUS_OK;
}
