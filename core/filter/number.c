/* SPDX-License-Identifier: Apache-2.0 */
#include "core/filter/number.h"

#include <stdio.h>
#include <stdlib.h>

/* Digits that can decide how a decimal is rounded (767 for a double), and one more that stands for all behind them. */
enum { DIGITS_MAX = 800, EXPONENT_MAX = 1000000, DECIMAL = 10, HEXADECIMAL = 16, BITS_PER_HEX_DIGIT = 4 };

/* A number taken apart: digits without a point, times base^scale of its own (10, or 2 for hexadecimal). */
struct parts {
  char digits[DIGITS_MAX + 2];
  size_t count;
  bool any;       /* a digit was seen, perhaps a zero in front */
  bool remainder; /* something that is not zero did not fit */
  int64_t scale;
};

static int digit_of(uint8_t c, int base) {
  int v = c >= '0' && c <= '9'   ? c - '0'
          : c >= 'a' && c <= 'f' ? c - 'a' + 10
          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                 : base;
  return v < base ? v : -1;
}

/* Digits with at most one point among them. Returns how many bytes they are. */
static size_t take_digits(struct span s, int base, struct parts *p) {
  const int64_t per_digit = base == HEXADECIMAL ? BITS_PER_HEX_DIGIT : 1;
  bool point = false;
  size_t i = 0;
  for (; i < s.len; i++) {
    if (s.ptr[i] == '.' && !point) {
      point = true;
      continue;
    }
    int v = digit_of(s.ptr[i], base);
    if (v < 0) break;
    p->any = true;
    if (point) p->scale -= per_digit;
    if (p->count == 0 && v == 0) continue;
    if (p->count < DIGITS_MAX) p->digits[p->count++] = (char)s.ptr[i];
    else {
      p->remainder |= v != 0;
      p->scale += per_digit;
    }
  }
  return i;
}

/* [+-]digits; false: not there. A large one stays large. */
static bool take_exponent(struct span *s, struct parts *p) {
  size_t i = 0;
  bool minus = s->len > 0 && s->ptr[0] == '-';
  if (s->len > 0 && (s->ptr[0] == '-' || s->ptr[0] == '+')) i++;
  size_t first = i;
  int64_t v = 0;
  for (; i < s->len && digit_of(s->ptr[i], DECIMAL) >= 0; i++)
    if (v < EXPONENT_MAX) v = v * DECIMAL + digit_of(s->ptr[i], DECIMAL);
  if (i == first) return false;
  p->scale += minus ? -v : v;
  *s = span_from(*s, i);
  return true;
}

/* Few digits and a power of ten that is a double: one multiplication or division, which rounds correctly. */
static bool value_of_short(const struct parts *p, double *out) {
  static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  enum { EXACT_DIGITS = 15, TENS = sizeof tens / sizeof tens[0] };
  if (p->count > EXACT_DIGITS || p->scale <= -TENS || p->scale >= TENS) return false;
  double v = 0;
  for (size_t i = 0; i < p->count; i++) v = v * DECIMAL + (p->digits[i] - '0');
  *out = p->scale < 0 ? v / tens[-p->scale] : v * tens[p->scale];
  return true;
}

static double value_of(struct parts *p, bool hexadecimal) {
  enum { AROUND = 32 };
  double v;
  if (p->count == 0) return 0.0;
  if (!hexadecimal && value_of_short(p, &v)) return v;
  if (p->remainder) {
    p->digits[p->count++] = '1';
    p->scale -= hexadecimal ? BITS_PER_HEX_DIGIT : 1;
  }
  char text[sizeof p->digits + AROUND];
  /* No point: which sign it is depends on the locale. */
  snprintf(text, sizeof text, hexadecimal ? "0x%.*sp%lld" : "%.*se%lld", (int)p->count, p->digits, (long long)p->scale);
  return strtod(text, NULL);
}

static bool take_sign(struct span *s) {
  bool minus = s->len > 0 && s->ptr[0] == '-';
  if (s->len > 0 && (minus || s->ptr[0] == '+')) *s = span_from(*s, 1);
  return minus;
}

bool double_parse(struct span text, double *out) {
  struct parts p = {.count = 0};
  struct span s = span_trim(text);
  bool minus = take_sign(&s);
  if (span_is(s, "NaN") || span_is(s, "Infinity")) {
    double v = s.ptr[0] == 'N' ? __builtin_nan("") : __builtin_inf();
    *out = minus ? -v : v;
    return true;
  }
  bool hexadecimal = s.len > 2 && s.ptr[0] == '0' && (s.ptr[1] == 'x' || s.ptr[1] == 'X');
  if (hexadecimal) s = span_from(s, 2);
  s = span_from(s, take_digits(s, hexadecimal ? HEXADECIMAL : DECIMAL, &p));
  if (!p.any) return false;
  const char *marks = hexadecimal ? "pP" : "eE";
  bool exponent = s.len > 0 && (s.ptr[0] == (uint8_t)marks[0] || s.ptr[0] == (uint8_t)marks[1]);
  if (exponent) s = span_from(s, 1);
  if (exponent ? !take_exponent(&s, &p) : hexadecimal) return false; /* a hexadecimal must have one */
  if (s.len > 0 && memchr("fFdD", s.ptr[0], 4) != NULL) s = span_from(s, 1);
  if (s.len > 0) return false;
  double v = value_of(&p, hexadecimal);
  *out = minus ? -v : v;
  return true;
}

int double_compare(double a, double b) {
  if (a < b) return -1;
  if (a > b) return 1;
  bool a_nan = a != a, b_nan = b != b;
  if (a_nan || b_nan) return (int)a_nan - (int)b_nan;
  return (int)(__builtin_signbit(b) != 0) - (int)(__builtin_signbit(a) != 0);
}
