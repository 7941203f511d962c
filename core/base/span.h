/* SPDX-License-Identifier: Apache-2.0
 *
 * span: a borrowed run of bytes. Never owns, never NUL-terminated. A span with
 * ptr == NULL means "absent"; ptr != NULL with len == 0 means "empty".
 */
#ifndef MQ_BASE_SPAN_H
#define MQ_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
  const uint8_t *ptr;
  size_t len;
};

#define SPAN_LITERAL(text) ((struct span){(const uint8_t *)("" text), sizeof(text) - 1})
#define SPAN_NONE ((struct span){NULL, 0})
/* For printf("%.*s", SPAN_ARG(s)). */
#define SPAN_ARG(s) (int)(s).len, (const char *)(s).ptr

static inline struct span span_of(const void *ptr, size_t len) {
  return (struct span){(const uint8_t *)ptr, len};
}
static inline struct span span_text(const char *text) {
  return text == NULL ? SPAN_NONE : span_of(text, strlen(text));
}
static inline bool span_equal(struct span a, struct span b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
static inline bool span_is(struct span s, const char *text) {
  return span_equal(s, span_text(text));
}
static inline bool span_starts(struct span s, const char *prefix) {
  size_t n = strlen(prefix);
  return s.len >= n && (n == 0 || memcmp(s.ptr, prefix, n) == 0);
}
/* The part from `from` (clamped) to the end. */
static inline struct span span_from(struct span s, size_t from) {
  if (from > s.len) from = s.len;
  return span_of(s.ptr + from, s.len - from);
}
/* Lexicographic order of the bytes: <0, 0, >0. */
int span_compare(struct span a, struct span b);
bool span_equal_nocase(struct span a, struct span b);
/* Index of the first `byte` at or after `from`, or s.len. */
size_t span_find(struct span s, uint8_t byte, size_t from);
/* Without leading and trailing blanks (Java String.trim: bytes <= 0x20). */
struct span span_trim(struct span s);
/* Decimal with optional sign, whole span, as Java's Integer/Long.parseX. */
bool span_to_i32(struct span s, int32_t *out);
bool span_to_i64(struct span s, int64_t *out);
/* Writes at most cap-1 bytes and a NUL; false if it did not fit (then truncated). */
bool span_copy_text(struct span s, char *out, size_t cap);
/* Decimal text of v into out[21]; returns its length (no NUL). */
size_t i64_to_text(int64_t v, char out[21]);

#endif
