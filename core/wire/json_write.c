/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer: com.alibaba.fastjson.serializer.SerializeWriter's escapes and
 * the shapes of MapSerializer, ListSerializer and CollectionCodec.
 */
#include "core/wire/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Length of the character at p[0..n) that fastjson writes as \u....; 0 when it goes out as it is.
 * U+007F..U+009F, U+2028 and U+2029 (in UTF-8), besides the controls. */
static size_t escaped_length(const uint8_t *p, size_t n, unsigned *code) {
  if (p[0] < ' ' || p[0] == 0x7F) {
    *code = p[0];
    return 1;
  }
  if (n >= 2 && p[0] == 0xC2 && p[1] >= 0x80 && p[1] <= 0x9F) {
    *code = p[1];
    return 2;
  }
  if (n >= 3 && p[0] == 0xE2 && p[1] == 0x80 && (p[2] == 0xA8 || p[2] == 0xA9)) {
    *code = 0x2000u + (p[2] & 0x3F);
    return 3;
  }
  return 0;
}

static void put_escape(struct buf *out, unsigned code) {
  static const char digits[] = "0123456789ABCDEF", named[] = "btn?fr"; /* 8..13; 11 has no name */
  uint8_t text[6] = {'\\', 'u'};
  if (code >= 8 && code <= 13 && code != 11) {
    text[1] = (uint8_t)named[code - 8];
    buf_put(out, span_of(text, 2));
    return;
  }
  for (int i = 0; i < 4; i++) text[2 + i] = (uint8_t)digits[code >> (12 - 4 * i) & 15];
  buf_put(out, span_of(text, 6));
}

/* Bytes that json_escape must look at. */
static const bool suspect[256] = {
    [0] = true,   [1] = true,    [2] = true,    [3] = true,    [4] = true,    [5] = true,  [6] = true,  [7] = true,
    [8] = true,   [9] = true,    [10] = true,   [11] = true,   [12] = true,   [13] = true, [14] = true, [15] = true,
    [16] = true,  [17] = true,   [18] = true,   [19] = true,   [20] = true,   [21] = true, [22] = true, [23] = true,
    [24] = true,  [25] = true,   [26] = true,   [27] = true,   [28] = true,   [29] = true, [30] = true, [31] = true,
    ['"'] = true, ['\\'] = true, [0x7F] = true, [0xC2] = true, [0xE2] = true,
};

/* The suspect character at text[i]; returns its length, 0 when it may stay as it is. */
static size_t put_suspect(struct buf *out, struct span text, size_t i) {
  uint8_t c = text.ptr[i];
  unsigned code;
  if (c == '"' || c == '\\') {
    buf_put_u8(out, '\\');
    buf_put_u8(out, c);
    return 1;
  }
  size_t n = escaped_length(text.ptr + i, text.len - i, &code);
  if (n > 0) put_escape(out, code);
  return n;
}

void json_escape(struct buf *out, struct span text) {
  size_t i = 0;
  while (i < text.len && !suspect[text.ptr[i]]) i++;
  uint8_t *p = buf_reserve(out, i + 2);
  if (p == NULL) return;
  *p++ = '"';
  if (i > 0) memcpy(p, text.ptr, i);
  if (i == text.len) { /* nearly always */
    p[i] = '"';
    out->len += i + 2;
    return;
  }
  out->len += i + 1;
  while (i < text.len) {
    size_t plain = i;
    while (i < text.len && !suspect[text.ptr[i]]) i++;
    buf_put(out, span_of(text.ptr + plain, i - plain));
    if (i == text.len) break;
    size_t n = put_suspect(out, text, i);
    if (n == 0) buf_put_u8(out, text.ptr[i]);
    i += n > 0 ? n : 1;
  }
  buf_put_u8(out, '"');
}

void json_writer_init(struct json_writer *w, struct buf *out, bool pretty) {
  *w = (struct json_writer){.out = out, .pretty = pretty};
}

static uint64_t depth_bit(const struct json_writer *w) { return w->depth == 0 ? 0 : UINT64_C(1) << (w->depth - 1); }

static void new_line(struct json_writer *w) {
  buf_put_u8(w->out, '\n');
  for (int i = 0; i < w->indent; i++) buf_put_u8(w->out, '\t');
}

/* What stands before a key, an element or a value. */
static void before(struct json_writer *w) {
  if (w->after_key) {
    w->after_key = false;
    return;
  }
  if (w->need_comma) buf_put_u8(w->out, ',');
  if (w->pretty && w->depth > 0 && (w->inline_map & depth_bit(w)) == 0) new_line(w);
}

static void open_bracket(struct json_writer *w, uint8_t bracket, bool flat, int indent) {
  before(w);
  buf_put_u8(w->out, bracket);
  assert(w->depth < JSON_WRITE_DEPTH_MAX);
  w->depth++;
  w->indent += indent;
  w->inline_map = flat ? w->inline_map | depth_bit(w) : w->inline_map & ~depth_bit(w);
  w->need_comma = false;
}

/* need_comma still set here means that there were elements. */
static void close_bracket(struct json_writer *w, uint8_t bracket, int indent) {
  assert(w->depth > 0 && !w->after_key);
  w->indent -= indent;
  if (w->pretty && w->need_comma && indent > 0) new_line(w);
  w->depth--;
  buf_put_u8(w->out, bracket);
  w->need_comma = true;
}

void json_open_object(struct json_writer *w) { open_bracket(w, '{', false, 1); }
void json_open_inline_map(struct json_writer *w) { open_bracket(w, '{', true, 1); }
void json_close_object(struct json_writer *w) { close_bracket(w, '}', 1); }
void json_open_array(struct json_writer *w) { open_bracket(w, '[', false, 1); }
void json_open_inline_array(struct json_writer *w) { open_bracket(w, '[', true, 0); }
void json_close_array(struct json_writer *w) { close_bracket(w, ']', (w->inline_map & depth_bit(w)) != 0 ? 0 : 1); }

void json_key_value(struct json_writer *w) {
  buf_put_u8(w->out, ':');
  w->after_key = true;
}

void json_key_span(struct json_writer *w, struct span name) {
  before(w);
  json_escape(w->out, name);
  json_key_value(w);
}

void json_key(struct json_writer *w, const char *name) { json_key_span(w, span_text(name)); }

void json_key_int(struct json_writer *w, int64_t key) {
  before(w);
  buf_put_decimal(w->out, key);
  json_key_value(w);
}

void json_put_raw(struct json_writer *w, struct span raw) {
  before(w);
  buf_put(w->out, raw);
  w->need_comma = true;
}

void json_put_int(struct json_writer *w, int64_t v) {
  char text[21];
  json_put_raw(w, span_of(text, i64_to_text(v, text)));
}

void json_put_bool(struct json_writer *w, bool v) { json_put_raw(w, span_text(v ? "true" : "false")); }

void json_put_span(struct json_writer *w, struct span text) {
  if (text.ptr == NULL) {
    json_put_raw(w, SPAN_LITERAL("null"));
    return;
  }
  before(w);
  json_escape(w->out, text);
  w->need_comma = true;
}

void json_put_text(struct json_writer *w, const char *text) { json_put_span(w, span_text(text)); }

enum { DOUBLE_TEXT_MAX = 40, DOUBLE_DIGITS_MAX = 17 };

/* Shortest digits that read back as v, at least two as Java has them; returns their count without trailing
 * zeros and the decimal exponent of the first. v is finite and positive. */
static int shortest_digits(double v, char digits[DOUBLE_DIGITS_MAX + 1], int *exponent) {
  char text[DOUBLE_TEXT_MAX];
  for (int n = 2; n <= DOUBLE_DIGITS_MAX; n++) {
    snprintf(text, sizeof text, "%.*e", n - 1, v);
    if (n < DOUBLE_DIGITS_MAX && strtod(text, NULL) != v) continue;
    digits[0] = text[0];
    memcpy(digits + 1, text + 2, (size_t)n - 1);
    *exponent = atoi(text + n + 2);
    while (n > 1 && digits[n - 1] == '0') n--;
    return n;
  }
  return 0;
}

void json_put_double(struct json_writer *w, double v) {
  char digits[DOUBLE_DIGITS_MAX + 1], text[DOUBLE_TEXT_MAX];
  int exponent = 0;
  if (!isfinite(v)) {
    json_put_raw(w, SPAN_LITERAL("null"));
    return;
  }
  const char *sign = signbit(v) ? "-" : "";
  if (v == 0) {
    snprintf(text, sizeof text, "%s0.0", sign);
  } else if (fabs(v) >= 1e-3 && fabs(v) < 1e7) {
    int n = shortest_digits(fabs(v), digits, &exponent);
    snprintf(text, sizeof text, "%s%.*f", sign, n - 1 - exponent > 1 ? n - 1 - exponent : 1, fabs(v));
  } else {
    int n = shortest_digits(fabs(v), digits, &exponent);
    snprintf(text, sizeof text, "%s%c.%.*sE%d", sign, digits[0], n > 1 ? n - 1 : 1, n > 1 ? digits + 1 : "0", exponent);
  }
  json_put_raw(w, span_text(text));
}

static void put_members(struct buf *out, const struct json *parent) {
  for (const struct json *child = parent->children; child != NULL; child = child->next) {
    if (child->key != NULL) {
      json_put_tree(out, child->key);
      buf_put_u8(out, ':');
    }
    json_put_tree(out, child);
    if (child->next != NULL) buf_put_u8(out, ',');
  }
}

/* Recurses as deep as the tree, which json_parse has limited. */
void json_put_tree(struct buf *out, const struct json *value) {
  switch (value->kind) {
  case JSON_NULL:
    buf_put_text(out, "null");
    return;
  case JSON_BOOL:
    buf_put_text(out, value->boolean ? "true" : "false");
    return;
  case JSON_NUMBER:
    buf_put(out, value->text);
    return;
  case JSON_STRING:
    json_escape(out, value->text);
    return;
  case JSON_ARRAY:
    buf_put_u8(out, '[');
    put_members(out, value);
    buf_put_u8(out, ']');
    return;
  case JSON_OBJECT:
    buf_put_u8(out, '{');
    put_members(out, value);
    buf_put_u8(out, '}');
    return;
  }
}
