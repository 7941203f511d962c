/* SPDX-License-Identifier: Apache-2.0 */
#include "core/wire/json_scan.h"

#include "core/base/utf8.h"

/* n hexadecimal digits at p, which must lie before end; -1 when they do not. */
static int32_t hex_number(const uint8_t *p, const uint8_t *end, int n) {
  int32_t v = 0;
  if (end - p < n) return -1;
  for (int i = 0; i < n; i++) {
    int d = hex_digit(p[i]);
    if (d < 0) return -1;
    v = v << 4 | d;
  }
  return v;
}

/* The character of a two-byte escape; -1 when there is none (fastjson JSONLexerBase.scanString). */
static int simple_escape(uint8_t c) {
  switch (c) {
  case 'b':
    return '\b';
  case 't':
    return '\t';
  case 'n':
    return '\n';
  case 'v':
    return '\v';
  case 'f':
  case 'F':
    return '\f';
  case 'r':
    return '\r';
  case '"':
  case '\'':
  case '/':
  case '\\':
    return c;
  default:
    return c >= '0' && c <= '7' ? c - '0' : -1;
  }
}

/* Undoes one escape at p (behind the backslash) into *code_point; returns behind it, NULL if malformed. */
static const uint8_t *read_escape(const uint8_t *p, const uint8_t *end, uint32_t *code_point) {
  if (p == end) return NULL;
  if (end - p >= 5 && memcmp(p, "u000", 4) == 0 && p[4] >= '0' && p[4] <= '9') { /* the separators of properties */
    *code_point = p[4] - (uint32_t)'0';
    return p + 5;
  }
  int simple = simple_escape(*p);
  if (simple >= 0) {
    *code_point = (uint32_t)simple;
    return p + 1;
  }
  int digits = *p == 'x' ? 2 : *p == 'u' ? 4 : 0;
  int32_t v = digits == 0 ? -1 : hex_number(p + 1, end, digits);
  if (v < 0) return NULL;
  p += 1 + digits;
  *code_point = (uint32_t)v;
  if (v < 0xD800 || v > 0xDBFF || end - p < 6 || p[0] != '\\' || p[1] != 'u') return p;
  int32_t low = hex_number(p + 2, end, 4);
  if (low < 0xDC00 || low > 0xDFFF) return p;
  *code_point = 0x10000u + ((uint32_t)(v - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
  return p + 6;
}

/* Undoes the escapes of [p, end) (no quotes inside) into out, which is never longer. NULL if malformed. */
static uint8_t *unescape(const uint8_t *p, const uint8_t *end, uint8_t *out) {
  while (p < end) {
    if (*p != '\\') {
      const uint8_t *stop = json_scan_plain(p, end, '\\');
      memcpy(out, p, (size_t)(stop - p));
      out += stop - p;
      p = stop;
      continue;
    }
    uint32_t code_point;
    p = read_escape(p + 1, end, &code_point);
    if (p == NULL) return NULL;
    if (code_point < 0x80) {
      *out++ = (uint8_t)code_point;
    } else {
      uint8_t bytes[4];
      size_t n = utf8_put(bytes, code_point);
      memcpy(out, bytes, n);
      out += n;
    }
  }
  return out;
}

enum status json_read_string(const uint8_t **p, const uint8_t *end, uint8_t quote, struct arena *arena,
                             struct span *out, const char **why) {
  const uint8_t *start = *p, *q = json_scan_plain(start, end, quote);
  if (q < end && *q == quote) {
    *out = span_of(start, (size_t)(q - start));
    *p = q + 1;
    return STATUS_OK;
  }
  const uint8_t *first = q; /* the first backslash */
  while (q < end && *q != quote) q = json_scan_plain(end - q > 2 ? q + 2 : end, end, quote);
  if (q == end) {
    *why = "JSON string without its end";
    return STATUS_INVALID;
  }
  uint8_t *text = arena_alloc(arena, (size_t)(q - start));
  if (text == NULL) return STATUS_NO_MEMORY;
  memcpy(text, start, (size_t)(first - start));
  uint8_t *text_end = unescape(first, q, text + (first - start));
  if (text_end == NULL) {
    *why = "JSON string with a malformed escape";
    return STATUS_INVALID;
  }
  *out = span_of(text, (size_t)(text_end - text));
  *p = q + 1;
  return STATUS_OK;
}
