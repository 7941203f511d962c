/* SPDX-License-Identifier: Apache-2.0
 *
 * The tree reader. Accepts what com.alibaba.fastjson.parser.DefaultJSONParser
 * with JSON.DEFAULT_PARSER_FEATURE accepts and RocketMQ peers send.
 */
#include "core/wire/json.h"

#include "core/wire/json_scan.h"

struct reader {
  const uint8_t *p;
  const uint8_t *end;
  struct arena *arena;
  int depth_left;
  size_t elements_left;
  const char *why;
};

static enum status read_value(struct reader *r, struct json *out);

static enum status refuse(struct reader *r, const char *why) {
  r->why = why;
  return STATUS_INVALID;
}

/* Blanks and comments. A comment without end is refused by whoever looks for a token at its place. */
static void skip_blanks(struct reader *r) {
  for (;;) {
    while (r->p < r->end && (*r->p == ' ' || (*r->p >= '\b' && *r->p <= '\r' && *r->p != '\v'))) r->p++;
    if (r->end - r->p < 2 || r->p[0] != '/') return;
    const uint8_t *q = r->p + 2;
    if (r->p[1] == '/') {
      while (q < r->end && *q != '\n') q++;
      r->p = q;
    } else if (r->p[1] == '*') {
      while (r->end - q >= 2 && !(q[0] == '*' && q[1] == '/')) q++;
      if (r->end - q < 2) return;
      r->p = q + 2;
    } else {
      return;
    }
  }
}

/* True when there was a comma. */
static bool skip_commas(struct reader *r) {
  bool seen = false;
  skip_blanks(r);
  while (r->p < r->end && *r->p == ',') {
    seen = true;
    r->p++;
    skip_blanks(r);
  }
  return seen;
}

static bool at(const struct reader *r, uint8_t c) { return r->p < r->end && *r->p == c; }

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

static bool is_identifier(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '$' || c >= 0x80;
}

static struct span read_word(struct reader *r) {
  const uint8_t *start = r->p;
  while (r->p < r->end && is_identifier(*r->p)) r->p++;
  return span_of(start, (size_t)(r->p - start));
}

static const uint8_t *skip_digits(const uint8_t *p, const uint8_t *end) {
  while (p < end && is_digit(*p)) p++;
  return p;
}

static enum status read_number(struct reader *r, struct json *out) {
  const uint8_t *start = r->p, *p = start;
  if (p < r->end && *p == '-') p++;
  const uint8_t *digits = p;
  p = skip_digits(p, r->end);
  if (p == digits) return refuse(r, "JSON number without digits");
  if (p < r->end && *p == '.') p = skip_digits(p + 1, r->end);
  if (p < r->end && (*p == 'e' || *p == 'E')) {
    const uint8_t *sign = p + 1;
    if (sign < r->end && (*sign == '+' || *sign == '-')) sign++;
    p = skip_digits(sign, r->end);
    if (p == sign) return refuse(r, "JSON number with an empty exponent");
  }
  out->kind = JSON_NUMBER;
  out->text = span_of(start, (size_t)(p - start));
  /* Java's type suffixes: 5L, 1.5F, 1.5D, 5S, 5B. */
  if (p < r->end && (*p == 'L' || *p == 'S' || *p == 'B' || *p == 'F' || *p == 'D')) p++;
  r->p = p;
  if (p < r->end && is_identifier(*p)) return refuse(r, "JSON number with letters behind it");
  return STATUS_OK;
}

static enum status read_literal(struct reader *r, struct json *out) {
  struct span word = read_word(r);
  if (span_is(word, "null") || span_is(word, "undefined")) {
    out->kind = JSON_NULL;
  } else if (span_is(word, "true") || span_is(word, "false")) {
    out->kind = JSON_BOOL;
    out->boolean = word.len == 4;
  } else {
    return refuse(r, word.len == 0 ? "JSON value expected" : "unknown JSON word");
  }
  return STATUS_OK;
}

/* Links *node behind *last of parent. */
static void append(struct json *parent, struct json **last, struct json *node) {
  if (*last == NULL) parent->children = node;
  else (*last)->next = node;
  *last = node;
  parent->child_count++;
}

static struct json *new_node(struct reader *r, enum status *status) {
  *status = STATUS_OK;
  if (r->elements_left == 0) {
    r->why = "JSON text has too many values";
    *status = STATUS_LIMIT;
    return NULL;
  }
  r->elements_left--;
  struct json *node = arena_zalloc(r->arena, 1, sizeof *node);
  if (node == NULL) *status = STATUS_NO_MEMORY;
  return node;
}

/* A name, number or object before the ':'. */
static enum status read_key(struct reader *r, struct json *out) {
  uint8_t c = *r->p;
  if (c == '"' || c == '\'') {
    r->p++;
    out->kind = JSON_STRING;
    return json_read_string(&r->p, r->end, c, r->arena, &out->text, &r->why);
  }
  if (c == '{' || c == '-' || is_digit(c)) return read_value(r, out);
  out->kind = JSON_STRING;
  out->text = read_word(r);
  return out->text.len == 0 ? refuse(r, "JSON key expected") : STATUS_OK;
}

static enum status read_member(struct reader *r, struct json **out) {
  enum status status;
  struct json *key = new_node(r, &status);
  if (key == NULL) return status;
  status = read_key(r, key);
  if (status != STATUS_OK) return status;
  skip_blanks(r);
  if (!at(r, ':')) return refuse(r, "':' expected behind a JSON key");
  r->p++;
  skip_blanks(r);
  struct json *value = new_node(r, &status);
  if (value == NULL) return status;
  status = read_value(r, value);
  value->key = key;
  *out = value;
  return status;
}

static enum status read_element(struct reader *r, struct json **out) {
  enum status status;
  struct json *value = new_node(r, &status);
  if (value == NULL) return status;
  *out = value;
  return read_value(r, value);
}

/* Both brackets; surplus commas anywhere are allowed (Feature.AllowArbitraryCommas). */
static enum status read_children(struct reader *r, struct json *out, uint8_t close) {
  if (r->depth_left == 0) {
    r->why = "JSON text is nested too deeply";
    return STATUS_LIMIT;
  }
  r->depth_left--;
  r->p++;
  struct json *last = NULL;
  for (bool first = true;; first = false) {
    bool separated = skip_commas(r) || first;
    if (r->p == r->end) return refuse(r, "JSON text ends inside an object or array");
    if (at(r, close)) break;
    if (!separated) return refuse(r, "',' expected in a JSON object or array");
    struct json *child = NULL;
    enum status status = out->kind == JSON_OBJECT ? read_member(r, &child) : read_element(r, &child);
    if (status != STATUS_OK) return status;
    append(out, &last, child);
  }
  r->p++;
  r->depth_left++;
  return STATUS_OK;
}

static enum status read_value(struct reader *r, struct json *out) {
  if (r->p == r->end) return refuse(r, "JSON text ends where a value is expected");
  uint8_t c = *r->p;
  switch (c) {
  case '{':
    out->kind = JSON_OBJECT;
    return read_children(r, out, '}');
  case '[':
    out->kind = JSON_ARRAY;
    return read_children(r, out, ']');
  case '"':
  case '\'':
    r->p++;
    out->kind = JSON_STRING;
    return json_read_string(&r->p, r->end, c, r->arena, &out->text, &r->why);
  default:
    return c == '-' || is_digit(c) ? read_number(r, out) : read_literal(r, out);
  }
}

enum status json_parse(struct span input, const struct json_limits *limits, struct arena *arena, struct json **out,
                       const char **why, size_t *at_byte) {
  static const uint8_t nothing[1];
  const uint8_t *start = input.ptr == NULL ? nothing : input.ptr;
  struct reader r = {.p = start,
                     .end = start + input.len,
                     .arena = arena,
                     .depth_left = limits->depth,
                     .elements_left = limits->elements};
  enum status status;
  struct json *root = new_node(&r, &status);
  if (root == NULL) goto out;
  root->kind = JSON_NULL;
  skip_blanks(&r);
  if (r.p < r.end) status = read_value(&r, root);
  if (status != STATUS_OK) goto out;
  skip_blanks(&r);
  if (r.p < r.end) status = refuse(&r, "JSON text goes on behind its end");
out:
  if (why != NULL) *why = r.why != NULL ? r.why : status_text(status);
  if (at_byte != NULL) *at_byte = (size_t)(r.p - start);
  if (status == STATUS_OK) *out = root;
  return status;
}
