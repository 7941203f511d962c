/* SPDX-License-Identifier: Apache-2.0
 *
 * utf8: one code point in or out, and the hexadecimal digits of its escapes. Broken input gives U+FFFD once per maximal
 * broken part, as Java's decoder does.
 */
#ifndef MQ_BASE_UTF8_H
#define MQ_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_REPLACEMENT 0xFFFDu

/* Decodes at p (n >= 1 bytes there); returns the bytes used, at least 1. */
size_t utf8_get(const uint8_t *p, size_t n, uint32_t *code_point);
/* Writes 1 to 4 bytes; a surrogate becomes '?', as in Java's String.getBytes. Returns their number. */
size_t utf8_put(uint8_t out[4], uint32_t code_point);

/* Value of a hexadecimal digit, -1 if it is none. */
static inline int hex_digit(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

#endif
