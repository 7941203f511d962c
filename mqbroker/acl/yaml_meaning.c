/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/acl/yaml.h"

static bool is_one_of(struct span text, const char *const *words) {
  for (; *words != NULL; words++)
    if (span_is(text, *words)) return true;
  return false;
}

/* Bytes from `at` that are in `set`; an underscore is allowed in any number. */
static size_t run_of(struct span text, size_t at, const char *set) {
  size_t n = 0;
  while (at + n < text.len && text.ptr[at + n] != '\0' && strchr(set, text.ptr[at + n]) != NULL) n++;
  return n;
}

#define DIGITS "0123456789"

/* :59, :7 and so on up to the end, at least one. */
static bool is_sixties(struct span text, size_t at, bool fraction) {
  bool any = false;
  while (at < text.len && text.ptr[at] == ':') {
    size_t n = run_of(text, at + 1, DIGITS);
    if (n < 1 || n > 2 || (n == 2 && text.ptr[at + 1] > '5')) return false;
    at += 1 + n;
    any = true;
  }
  if (fraction && at < text.len && text.ptr[at] == '.') at += 1 + run_of(text, at + 1, DIGITS "_");
  return any && at == text.len;
}

static size_t sign_length(struct span text) { return text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+'); }

static bool is_integer(struct span text) {
  struct span t = span_from(text, sign_length(text));
  if (t.len == 0 || t.ptr[0] < '0' || t.ptr[0] > '9') return false;
  if (t.len == 1) return true;
  if (t.ptr[0] != '0') {
    size_t n = run_of(t, 0, DIGITS "_");
    return n == t.len || is_sixties(t, n, false);
  }
  if (t.ptr[1] == 'x') return t.len > 2 && run_of(t, 2, DIGITS "abcdefABCDEF_") == t.len - 2;
  if (t.ptr[1] == 'b') return t.len > 2 && run_of(t, 2, "01_") == t.len - 2;
  return run_of(t, 1, "01234567_") == t.len - 1;
}

static bool is_exponent(struct span text, size_t at) {
  if (at == text.len) return true;
  if (text.ptr[at] != 'e' && text.ptr[at] != 'E') return false;
  at++;
  if (at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+')) at++;
  size_t n = run_of(text, at, DIGITS);
  return n > 0 && at + n == text.len;
}

static bool is_number(struct span text) {
  static const char *const words[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL};
  struct span t = span_from(text, sign_length(text));
  if (is_one_of(t, words)) return true;
  if (t.len > 1 && t.ptr[0] == '.') {
    size_t n = run_of(t, 1, DIGITS "_");
    return n > 0 && is_exponent(t, 1 + n);
  }
  if (t.len == 0 || run_of(t, 0, DIGITS) == 0) return false;
  size_t n = run_of(t, 0, DIGITS "_");
  if (n == t.len) return false;
  if (t.ptr[n] == ':') return is_sixties(t, n, true);
  if (t.ptr[n] == '.') n += 1 + run_of(t, n + 1, DIGITS "_");
  return is_exponent(t, n);
}

static bool is_date(struct span t) {
  if (run_of(t, 0, DIGITS) != 4 || t.len < 8 || t.ptr[4] != '-') return false;
  size_t month = run_of(t, 5, DIGITS), at = 5 + month;
  if (month < 1 || month > 2 || at >= t.len || t.ptr[at] != '-') return false;
  size_t day = run_of(t, at + 1, DIGITS);
  return day >= 1 && day <= 2 && run_of(t, at + 1 + day, DIGITS "tTzZ:.+- \t") == t.len - at - 1 - day;
}

enum yaml_meaning yaml_meaning(struct span text) {
  static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
  static const char *const truths[] = {"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", NULL};
  static const char *const lies[] = {"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF", NULL};
  if (is_one_of(text, nulls)) return YAML_IS_NULL;
  if (is_one_of(text, truths)) return YAML_IS_TRUE;
  if (is_one_of(text, lies)) return YAML_IS_FALSE;
  if (is_integer(text)) return YAML_IS_INTEGER;
  if (is_number(text)) return YAML_IS_NUMBER;
  return is_date(text) ? YAML_IS_DATE : YAML_IS_TEXT;
}
