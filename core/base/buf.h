/* SPDX-License-Identifier: Apache-2.0
 *
 * buf: a growing byte buffer that states its maximum. A put that would pass
 * the limit, or an allocation that fails, sets `failed` and changes nothing
 * more: writers put everything and look once at the end.
 */
#ifndef MQ_BASE_BUF_H
#define MQ_BASE_BUF_H

#include "core/base/bytes.h"
#include "core/base/span.h"

struct buf {
  uint8_t *ptr;
  size_t len;
  size_t cap;
  size_t limit;
  bool failed;
};

/* limit: greatest length in bytes the buffer may reach. */
void buf_init(struct buf *b, size_t limit);
void buf_fini(struct buf *b);
/* Length 0 and not failed again; keeps the memory. */
void buf_clear(struct buf *b);
/* buf_reserve when the memory does not suffice. */
uint8_t *buf_grow(struct buf *b, size_t n);
/* Room for n more bytes; NULL when failed. The caller adds to b->len what it used. Inline, like the puts below:
 * every encoder is made of them. */
static inline uint8_t *buf_reserve(struct buf *b, size_t n) {
  if (__builtin_expect(!b->failed && b->cap - b->len >= n && b->ptr != NULL, 1)) return b->ptr + b->len;
  return buf_grow(b, n);
}
static inline void buf_put(struct buf *b, struct span s) {
  if (s.len == 0) return;
  uint8_t *p = buf_reserve(b, s.len);
  if (p == NULL) return;
  memcpy(p, s.ptr, s.len);
  b->len += s.len;
}
static inline void buf_put_u8(struct buf *b, uint8_t v) {
  uint8_t *p = buf_reserve(b, 1);
  if (p == NULL) return;
  *p = v;
  b->len += 1;
}
static inline void buf_put_u16(struct buf *b, uint16_t v) {
  uint8_t *p = buf_reserve(b, 2);
  if (p == NULL) return;
  put_u16(p, v);
  b->len += 2;
}
static inline void buf_put_u32(struct buf *b, uint32_t v) {
  uint8_t *p = buf_reserve(b, 4);
  if (p == NULL) return;
  put_u32(p, v);
  b->len += 4;
}
static inline void buf_put_u64(struct buf *b, uint64_t v) {
  uint8_t *p = buf_reserve(b, 8);
  if (p == NULL) return;
  put_u64(p, v);
  b->len += 8;
}
void buf_put_text(struct buf *b, const char *text);
/* Decimal text. */
void buf_put_decimal(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Drops n bytes from the front (memmove of the rest). */
void buf_drop_front(struct buf *b, size_t n);
static inline struct span buf_span(const struct buf *b) { return span_of(b->ptr, b->len); }

#endif
