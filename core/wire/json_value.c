/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking into a tree with fastjson's conversions (com.alibaba.fastjson.util.TypeUtils.castTo*).
 */
#include "core/wire/json.h"

#include <stdlib.h>

/* Letters fold, underscores and hyphens do not count (TypeUtils.fnv1a_64_extract). */
static bool alike(struct span key, const char *name) {
  size_t i = 0;
  for (;; name++) {
    while (i < key.len && (key.ptr[i] == '_' || key.ptr[i] == '-')) i++;
    while (*name == '_' || *name == '-') name++;
    if (i == key.len || *name == '\0') return i == key.len && *name == '\0';
    if (!span_equal_nocase(span_of(key.ptr + i, 1), span_of(name, 1))) return false;
    i++;
  }
}

const struct json *json_member(const struct json *object, const char *name) {
  if (object == NULL || object->kind != JSON_OBJECT) return NULL;
  const struct json *exact = NULL, *fuzzy = NULL;
  for (const struct json *m = object->children; m != NULL; m = m->next) {
    if (m->key->kind != JSON_STRING && m->key->kind != JSON_NUMBER) continue;
    if (span_is(m->key->text, name)) exact = m;
    else if (alike(m->key->text, name)) fuzzy = m;
  }
  const struct json *found = exact != NULL ? exact : fuzzy;
  return found == NULL || found->kind == JSON_NULL ? NULL : found;
}

enum { NUMBER_TEXT_MAX = 400 };

static bool span_to_double(struct span text, double *out) {
  char copy[NUMBER_TEXT_MAX], *end;
  if (text.len == 0 || !span_copy_text(text, copy, sizeof copy)) return false;
  for (size_t i = 0; i < text.len; i++) /* no hexadecimal, no "nan": strtod knows too much */
    if (strchr("0123456789+-.eE", copy[i]) == NULL || copy[i] == '\0') return false;
  *out = strtod(copy, &end);
  return end == copy + text.len;
}

static bool to_i64(struct span text, int64_t *out) {
  double d;
  if (span_to_i64(text, out)) return true;
  if (!span_to_double(text, &d) || !(d >= -9223372036854775808.0 && d < 9223372036854775808.0)) return false;
  *out = (int64_t)d;
  return true;
}

int64_t json_i64(const struct json *value, int64_t fallback) {
  int64_t v;
  if (value == NULL) return fallback;
  if (value->kind == JSON_BOOL) return value->boolean;
  if (value->kind != JSON_NUMBER && value->kind != JSON_STRING) return fallback;
  return to_i64(value->text, &v) ? v : fallback;
}

int32_t json_i32(const struct json *value, int32_t fallback) {
  int64_t v = json_i64(value, fallback);
  return v < INT32_MIN || v > INT32_MAX ? fallback : (int32_t)v;
}

double json_double(const struct json *value, double fallback) {
  double d;
  if (value == NULL || (value->kind != JSON_NUMBER && value->kind != JSON_STRING)) return fallback;
  return span_to_double(value->text, &d) ? d : fallback;
}

static bool is_one_of(struct span text, const char *const *words) {
  for (; *words != NULL; words++)
    if (span_equal_nocase(text, span_text(*words))) return true;
  return false;
}

bool json_bool(const struct json *value, bool fallback) {
  static const char *const yes[] = {"true", "1", "y", "t", NULL}, *const no[] = {"false", "0", "n", "f", NULL};
  if (value == NULL) return fallback;
  switch (value->kind) {
  case JSON_BOOL:
    return value->boolean;
  case JSON_NUMBER:
    return json_i64(value, 0) == 1;
  case JSON_STRING:
    return is_one_of(value->text, yes) ? true : is_one_of(value->text, no) ? false : fallback;
  default:
    return fallback;
  }
}

struct span json_text(const struct json *value) {
  if (value == NULL) return SPAN_NONE;
  switch (value->kind) {
  case JSON_STRING:
  case JSON_NUMBER:
    return value->text;
  case JSON_BOOL:
    return value->boolean ? SPAN_LITERAL("true") : SPAN_LITERAL("false");
  default:
    return SPAN_NONE;
  }
}

int json_enum(const struct json *value, const char *const *names, size_t n) {
  if (value == NULL) return -1;
  if (value->kind == JSON_NUMBER) {
    int64_t ordinal = json_i64(value, -1);
    return ordinal >= 0 && (uint64_t)ordinal < n ? (int)ordinal : -1;
  }
  if (value->kind != JSON_STRING) return -1;
  for (size_t i = 0; i < n; i++)
    if (span_equal_nocase(value->text, span_text(names[i]))) return (int)i;
  return -1;
}
