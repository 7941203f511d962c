/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/utf8.h"

#include <stdbool.h>

/* Range of the second byte: narrower for the leads that could be overlong, surrogates or past U+10FFFF. */
static bool second_byte_fits(uint8_t lead, uint8_t b) {
  switch (lead) {
  case 0xE0:
    return b >= 0xA0 && b <= 0xBF;
  case 0xED:
    return b >= 0x80 && b <= 0x9F;
  case 0xF0:
    return b >= 0x90 && b <= 0xBF;
  case 0xF4:
    return b >= 0x80 && b <= 0x8F;
  default:
    return b >= 0x80 && b <= 0xBF;
  }
}

size_t utf8_get(const uint8_t *p, size_t n, uint32_t *code_point) {
  uint8_t lead = p[0];
  size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length == 1) {
    *code_point = lead;
    return 1;
  }
  *code_point = UTF8_REPLACEMENT;
  if (length == 0 || n < 2 || !second_byte_fits(lead, p[1])) return 1;
  uint32_t v = lead & (0x7Fu >> length);
  v = v << 6 | (p[1] & 0x3Fu);
  for (size_t i = 2; i < length; i++) {
    if (i >= n || (p[i] & 0xC0) != 0x80) return i;
    v = v << 6 | (p[i] & 0x3Fu);
  }
  *code_point = v;
  return length;
}

size_t utf8_put(uint8_t out[4], uint32_t c) {
  if (c < 0x80) {
    out[0] = (uint8_t)c;
    return 1;
  }
  if (c < 0x800) {
    out[0] = (uint8_t)(0xC0 | c >> 6);
    out[1] = (uint8_t)(0x80 | (c & 0x3F));
    return 2;
  }
  if (c >= 0xD800 && c <= 0xDFFF) {
    out[0] = '?';
    return 1;
  }
  if (c < 0x10000) {
    out[0] = (uint8_t)(0xE0 | c >> 12);
    out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    out[2] = (uint8_t)(0x80 | (c & 0x3F));
    return 3;
  }
  out[0] = (uint8_t)(0xF0 | c >> 18);
  out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
  out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
  out[3] = (uint8_t)(0x80 | (c & 0x3F));
  return 4;
}
