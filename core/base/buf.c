/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b, size_t limit) { *b = (struct buf){.limit = limit}; }

void buf_fini(struct buf *b) {
  free(b->ptr);
  *b = (struct buf){.limit = b->limit};
}

void buf_clear(struct buf *b) {
  b->len = 0;
  b->failed = false;
}

uint8_t *buf_grow(struct buf *b, size_t n) {
  if (b->failed) return NULL;
  if (n > b->limit || b->len > b->limit - n) {
    b->failed = true;
    return NULL;
  }
  size_t cap = b->cap < 256 ? 256 : b->cap;
  while (cap - b->len < n) cap *= 2;
  if (cap > b->limit) cap = b->limit; /* the inline way looks at the capacity only */
  uint8_t *ptr = realloc(b->ptr, cap);
  if (ptr == NULL) {
    b->failed = true;
    return NULL;
  }
  b->ptr = ptr;
  b->cap = cap;
  return ptr + b->len;
}

void buf_put_text(struct buf *b, const char *text) { buf_put(b, span_text(text)); }

void buf_put_decimal(struct buf *b, int64_t v) {
  char text[21];
  size_t n = i64_to_text(v, text);
  buf_put(b, span_of(text, n));
}

void buf_printf(struct buf *b, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, format, args);
  uint8_t *p = n < 0 ? NULL : buf_reserve(b, (size_t)n + 1);
  if (p != NULL) {
    vsnprintf((char *)p, (size_t)n + 1, format, again);
    b->len += (size_t)n;
  }
  va_end(again);
  va_end(args);
}

void buf_drop_front(struct buf *b, size_t n) {
  if (n >= b->len) {
    b->len = 0;
    return;
  }
  if (n == 0) return;
  memmove(b->ptr, b->ptr + n, b->len - n);
  b->len -= n;
}
