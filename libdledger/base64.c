/* SPDX-License-Identifier: Apache-2.0 */
#include "libdledger/base64.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_put(struct buf *out, struct span bytes) {
  uint8_t *p = buf_reserve(out, (bytes.len + 2) / 3 * 4);
  if (p == NULL) return;
  const uint8_t *s = bytes.ptr;
  size_t i = 0;
  for (; i + 3 <= bytes.len; i += 3, p += 4) {
    uint32_t v = (uint32_t)s[i] << 16 | (uint32_t)s[i + 1] << 8 | s[i + 2];
    p[0] = (uint8_t)letters[v >> 18];
    p[1] = (uint8_t)letters[v >> 12 & 63];
    p[2] = (uint8_t)letters[v >> 6 & 63];
    p[3] = (uint8_t)letters[v & 63];
  }
  if (i < bytes.len) {
    bool two = bytes.len - i == 2;
    uint32_t v = (uint32_t)s[i] << 16 | (two ? (uint32_t)s[i + 1] << 8 : 0);
    p[0] = (uint8_t)letters[v >> 18];
    p[1] = (uint8_t)letters[v >> 12 & 63];
    p[2] = two ? (uint8_t)letters[v >> 6 & 63] : '=';
    p[3] = '=';
  }
  out->len += (bytes.len + 2) / 3 * 4;
}

/* Its six bits; 64 and more: none. */
static uint32_t value_of(uint8_t c) {
  if (c >= 'A' && c <= 'Z') return (uint32_t)(c - 'A');
  if (c >= 'a' && c <= 'z') return (uint32_t)(c - 'a') + 26;
  if (c >= '0' && c <= '9') return (uint32_t)(c - '0') + 52;
  return c == '+' ? 62 : c == '/' ? 63 : 64;
}

bool base64_decode(struct span text, uint8_t *out, size_t *len) {
  size_t n = text.len, i = 0;
  uint8_t *q = out;
  if (n > 0 && n % 4 == 0) n -= text.ptr[n - 1] != '=' ? 0 : text.ptr[n - 2] != '=' ? 1 : 2;
  if (n % 4 == 1) return false;
  for (; i + 4 <= n; i += 4) {
    uint32_t a = value_of(text.ptr[i]), b = value_of(text.ptr[i + 1]), c = value_of(text.ptr[i + 2]);
    uint32_t d = value_of(text.ptr[i + 3]);
    if ((a | b | c | d) > 63) return false;
    uint32_t v = a << 18 | b << 12 | c << 6 | d;
    *q++ = (uint8_t)(v >> 16);
    *q++ = (uint8_t)(v >> 8);
    *q++ = (uint8_t)v;
  }
  if (i < n) {
    uint32_t a = value_of(text.ptr[i]), b = value_of(text.ptr[i + 1]), c = i + 2 < n ? value_of(text.ptr[i + 2]) : 0;
    if ((a | b | c) > 63) return false;
    *q++ = (uint8_t)(a << 2 | b >> 4);
    if (i + 2 < n) *q++ = (uint8_t)(b << 4 | c >> 2);
  }
  *len = (size_t)(q - out);
  return true;
}
