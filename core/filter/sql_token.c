/* SPDX-License-Identifier: Apache-2.0 */
#include "core/filter/sql_token.h"

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }
static bool is_name_start(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}
static uint8_t byte_at(struct span s, size_t at) { return at < s.len ? s.ptr[at] : 0; }
static size_t digits(struct span s, size_t at) {
  while (at < s.len && is_digit(s.ptr[at])) at++;
  return at;
}

/* Behind a comment that begins here; `at` when none does or it has no end. */
static size_t comment(struct span s, size_t at) {
  if (byte_at(s, at) == '-' && byte_at(s, at + 1) == '-') {
    for (size_t i = at + 2; i < s.len; i++)
      if (s.ptr[i] == '\n' || s.ptr[i] == '\r') return i + 1;
  } else if (byte_at(s, at) == '/' && byte_at(s, at + 1) == '*') {
    for (size_t i = at + 2; i + 1 < s.len; i++)
      if (s.ptr[i] == '*' && s.ptr[i + 1] == '/') return i + 2;
  }
  return at;
}

static size_t skip(struct span s, size_t at) {
  for (;;) {
    while (at < s.len && memchr(" \t\n\r\f", s.ptr[at], 5) != NULL) at++;
    size_t end = comment(s, at);
    if (end == at) return at;
    at = end;
  }
}

/* Behind e[+-]digits; `at` when that is not there. */
static size_t exponent(struct span s, size_t at) {
  if ((byte_at(s, at) | 0x20) != 'e') return at;
  size_t i = at + 1;
  if (byte_at(s, i) == '+' || byte_at(s, i) == '-') i++;
  size_t end = digits(s, i);
  return end == i ? at : end;
}

/* End of a floating-point literal; `at` when there is none. */
static size_t float_end(struct span s, size_t at) {
  size_t whole = digits(s, at);
  if (byte_at(s, whole) == '.') {
    size_t fraction = digits(s, whole + 1);
    return whole == at && fraction == whole + 1 ? at : exponent(s, fraction);
  }
  if (whole == at) return at;
  size_t end = exponent(s, whole);
  return end == whole ? at : end;
}

/* 0 stands alone: "012" is two literals. */
static size_t integer_end(struct span s, size_t at) {
  if (byte_at(s, at) == '0') return at + 1;
  size_t end = digits(s, at);
  return end > at && (byte_at(s, end) | 0x20) == 'l' ? end + 1 : end;
}

/* 'it''s'. A quote without its partner ends at the last quote before it that could be an end; `at`: there is none. */
static size_t string_end(struct span s, size_t at) {
  size_t end = at;
  for (size_t i = at + 1;;) {
    i = span_find(s, '\'', i);
    if (i >= s.len) return end;
    end = ++i;
    if (byte_at(s, i) != '\'') return end;
    i++;
  }
}

static enum sql_kind word(struct span name) {
  static const struct {
    const char *text;
    enum sql_kind kind;
  } words[] = {{"NOT", SQL_WORD_NOT},         {"AND", SQL_WORD_AND},   {"OR", SQL_WORD_OR},
               {"BETWEEN", SQL_WORD_BETWEEN}, {"IN", SQL_WORD_IN},     {"TRUE", SQL_WORD_TRUE},
               {"FALSE", SQL_WORD_FALSE},     {"NULL", SQL_WORD_NULL}, {"IS", SQL_WORD_IS}};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (span_equal_nocase(name, span_text(words[i].text))) return words[i].kind;
  return SQL_NAME;
}

static enum sql_kind sign(struct span s, size_t at, size_t *end) {
  const uint8_t c = s.ptr[at], next = byte_at(s, at + 1);
  *end = at + 1;
  switch (c) {
  case '=':
    return SQL_SIGN_EQUAL;
  case '(':
    return SQL_SIGN_OPEN;
  case ')':
    return SQL_SIGN_CLOSE;
  case ',':
    return SQL_SIGN_COMMA;
  case '+':
    return SQL_SIGN_PLUS;
  case '-':
    return SQL_SIGN_MINUS;
  case '>':
    *end += next == '=';
    return next == '=' ? SQL_SIGN_GREATER_EQUAL : SQL_SIGN_GREATER;
  case '<':
    *end += next == '=' || next == '>';
    return next == '=' ? SQL_SIGN_LESS_EQUAL : next == '>' ? SQL_SIGN_NOT_EQUAL : SQL_SIGN_LESS;
  default:
    return SQL_WRONG;
  }
}

struct sql_token sql_token_read(struct span s, size_t at) {
  at = skip(s, at);
  if (at >= s.len) return (struct sql_token){SQL_END, SPAN_NONE, s.len};
  enum sql_kind kind;
  size_t end;
  if (is_name_start(s.ptr[at])) {
    for (end = at + 1; end < s.len && (is_name_start(s.ptr[end]) || is_digit(s.ptr[end]));) end++;
    kind = word(span_of(s.ptr + at, end - at));
  } else if ((end = float_end(s, at)) > at) kind = SQL_FLOAT;
  else if ((end = integer_end(s, at)) > at) kind = SQL_INTEGER;
  else if (s.ptr[at] == '\'') {
    end = string_end(s, at);
    kind = end > at ? SQL_STRING : SQL_WRONG;
    if (end == at) end = s.len;
  } else kind = sign(s, at, &end);
  return (struct sql_token){kind, span_of(s.ptr + at, end - at), at};
}
