/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/span.h"

#include <strings.h>

int span_compare(struct span a, struct span b) {
  size_t n = a.len < b.len ? a.len : b.len;
  int order = n == 0 ? 0 : memcmp(a.ptr, b.ptr, n);
  if (order != 0) return order;
  return a.len < b.len ? -1 : a.len > b.len;
}

bool span_equal_nocase(struct span a, struct span b) {
  return a.len == b.len &&
         (a.len == 0 || strncasecmp((const char *)a.ptr, (const char *)b.ptr, a.len) == 0);
}

size_t span_find(struct span s, uint8_t byte, size_t from) {
  if (from >= s.len) return s.len;
  const uint8_t *hit = memchr(s.ptr + from, byte, s.len - from);
  return hit == NULL ? s.len : (size_t)(hit - s.ptr);
}

struct span span_trim(struct span s) {
  while (s.len > 0 && s.ptr[0] <= ' ') s = span_from(s, 1);
  while (s.len > 0 && s.ptr[s.len - 1] <= ' ') s.len--;
  return s;
}

bool span_to_i64(struct span s, int64_t *out) {
  if (s.len == 0) return false;
  bool negative = s.ptr[0] == '-';
  size_t i = negative || s.ptr[0] == '+' ? 1 : 0;
  if (i == s.len) return false;
  /* Collected as a negative number: its range is the larger one. */
  int64_t v = 0;
  for (; i < s.len; i++) {
    if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
    if (__builtin_mul_overflow(v, 10, &v)) return false;
    if (__builtin_sub_overflow(v, s.ptr[i] - '0', &v)) return false;
  }
  if (!negative && v == INT64_MIN) return false;
  *out = negative ? v : -v;
  return true;
}

bool span_to_i32(struct span s, int32_t *out) {
  int64_t v;
  if (!span_to_i64(s, &v) || v < INT32_MIN || v > INT32_MAX) return false;
  *out = (int32_t)v;
  return true;
}

bool span_copy_text(struct span s, char *out, size_t cap) {
  size_t n = s.len < cap ? s.len : cap - 1;
  if (n > 0) memcpy(out, s.ptr, n);
  out[n] = '\0';
  return n == s.len;
}

size_t i64_to_text(int64_t v, char out[21]) {
  char digits[20];
  size_t n = 0, len = 0;
  uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
  do {
    digits[n++] = (char)('0' + u % 10);
    u /= 10;
  } while (u != 0);
  if (v < 0) out[len++] = '-';
  while (n > 0) out[len++] = digits[--n];
  return len;
}
