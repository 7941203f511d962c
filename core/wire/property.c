/* SPDX-License-Identifier: Apache-2.0
 *
 * The properties text: name \x01 value \x02. Reading agrees with
 * MessageDecoder.string2messageProperties, which splits with Java's
 * String.split: an item counts only if, after trailing \x01 are dropped, exactly
 * one \x01 with something behind it remains.
 */
#include "core/base/utf8.h"
#include "core/wire/message.h"

/* The item at *at (moved behind it), without trailing name ends; false at the end of the text. */
static bool next_item(struct span properties, size_t *at, struct span *item) {
  if (*at >= properties.len) return false;
  size_t end = span_find(properties, PROPERTY_VALUE_END, *at);
  const uint8_t *p = properties.ptr + *at;
  size_t len = end - *at;
  while (len > 0 && p[len - 1] == PROPERTY_NAME_END) len--;
  *item = span_of(p, len);
  *at = end + 1;
  return true;
}

bool property_next(struct span properties, size_t *at, struct span *name, struct span *value) {
  struct span item;
  while (next_item(properties, at, &item)) {
    size_t separator = span_find(item, PROPERTY_NAME_END, 0);
    if (separator == item.len || span_find(item, PROPERTY_NAME_END, separator + 1) != item.len) continue;
    *name = span_of(item.ptr, separator);
    *value = span_from(item, separator + 1);
    return true;
  }
  return false;
}

struct span property_find(struct span properties, struct span name) {
  struct span found = SPAN_NONE, item;
  size_t at = 0;
  while (next_item(properties, &at, &item)) {
    /* Compares the name before looking for separators: most items are somebody else's. */
    if (item.len <= name.len || item.ptr[name.len] != PROPERTY_NAME_END) continue;
    if (memcmp(item.ptr, name.ptr, name.len) != 0) continue;
    struct span value = span_from(item, name.len + 1);
    if (span_find(value, PROPERTY_NAME_END, 0) == value.len) found = value;
  }
  return found;
}

struct span property_get(struct span properties, const char *name) {
  return property_find(properties, span_text(name));
}

void property_put_span(struct buf *out, struct span name, struct span value) {
  buf_put(out, name);
  buf_put_u8(out, PROPERTY_NAME_END);
  buf_put(out, value);
  buf_put_u8(out, PROPERTY_VALUE_END);
}

void property_put(struct buf *out, const char *name, struct span value) {
  property_put_span(out, span_text(name), value);
}

/* Four ASCII bytes at once: a byte at a time is one long chain of multiplications. */
static size_t hash_ascii(uint32_t *hash, struct span s) {
  enum { P1 = 31, P2 = P1 * P1, P3 = P2 * P1, P4 = P3 * P1 };
  uint32_t h = *hash;
  size_t i = 0;
  for (; i + 4 <= s.len; i += 4) {
    const uint8_t *p = s.ptr + i;
    if (((p[0] | p[1] | p[2] | p[3]) & 0x80) != 0) break;
    h = h * P4 + (uint32_t)p[0] * P3 + (uint32_t)p[1] * P2 + (uint32_t)p[2] * P1 + p[3];
  }
  *hash = h;
  return i;
}

int32_t java_hash_more(int32_t before, struct span utf8) {
  enum { SUPPLEMENTARY = 0x10000 };
  uint32_t h = (uint32_t)before;
  for (size_t i = hash_ascii(&h, utf8); i < utf8.len;) {
    uint32_t c = utf8.ptr[i];
    if (c < 0x80) {
      h = h * 31 + c;
      i++;
      continue;
    }
    i += utf8_get(utf8.ptr + i, utf8.len - i, &c);
    if (c >= SUPPLEMENTARY) {
      c -= SUPPLEMENTARY;
      h = h * 31 + (0xD800u + (c >> 10));
      c = 0xDC00u + (c & 0x3FF);
    }
    h = h * 31 + c;
  }
  return (int32_t)h;
}

int32_t java_hash(struct span utf8) { return java_hash_more(0, utf8); }

int64_t message_tags_code(struct span properties) { return java_hash(property_find(properties, SPAN_LITERAL("TAGS"))); }
