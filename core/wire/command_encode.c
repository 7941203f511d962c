/* SPDX-License-Identifier: Apache-2.0
 *
 * command -> bytes. Agrees with RemotingCommand.encode(Header) and
 * RocketMQSerializable.rocketMQProtocolEncode; null values are not written in either form.
 */
#include "core/wire/command.h"

#include "core/wire/json.h"

enum { FRAME_WORDS = 8 }; /* frame length, header length */

/* One ext field at a time in the chosen form. */
struct ext_sink {
  struct buf *out;
  bool json;
  bool any;
};

static void put_ext(struct ext_sink *sink, struct span key, struct span value) {
  struct buf *out = sink->out;
  if (value.ptr == NULL) return;
  if (sink->json) {
    buf_put_text(out, sink->any ? "," : "\"extFields\":{");
    json_escape(out, key);
    buf_put_u8(out, ':');
    json_escape(out, value);
  } else if (key.len > INT16_MAX || value.len > INT32_MAX) {
    out->failed = true;
  } else {
    buf_put_u16(out, (uint16_t)key.len);
    buf_put(out, key);
    buf_put_u32(out, (uint32_t)value.len);
    buf_put(out, value);
  }
  sink->any = true;
}

static struct span field_value(const struct field *f, const void *fields, char digits[21]) {
  const void *place = (const uint8_t *)fields + f->offset;
  switch (f->type) {
  case FIELD_TEXT: return *(const struct span *)place;
  case FIELD_I32: return span_of(digits, i64_to_text(*(const int32_t *)place, digits));
  case FIELD_I64: return span_of(digits, i64_to_text(*(const int64_t *)place, digits));
  case FIELD_BOOL: return *(const bool *)place ? SPAN_LITERAL("true") : SPAN_LITERAL("false");
  }
  return SPAN_NONE;
}

static struct span field_key(const struct field *f, bool by_short_name) {
  return by_short_name && f->short_name != NULL ? span_text(f->short_name) : span_of(f->name, f->name_length);
}

static void put_field(struct ext_sink *sink, const struct field *f, const void *fields, bool by_short_name) {
  char digits[21];
  struct span value = field_value(f, fields, digits);
  put_ext(sink, field_key(f, by_short_name), value);
}

enum status header_ext(const struct header *header, const void *fields, bool by_short_name, struct arena *arena,
                       struct ext *out, size_t *count) {
  uint64_t present = *(const uint64_t *)fields;
  *count = 0;
  for (size_t i = 0; i < header->field_count; i++) {
    if ((present >> i & 1) == 0) continue;
    char *digits = arena_alloc(arena, 21);
    if (digits == NULL) return STATUS_NO_MEMORY;
    struct ext e = {field_key(&header->fields[i], by_short_name), field_value(&header->fields[i], fields, digits)};
    if (e.value.ptr != NULL) out[(*count)++] = e;
  }
  return STATUS_OK;
}

static void put_all_ext(struct ext_sink *sink, const struct command *c, const struct header *header, const void *fields,
                        bool by_short_name) {
  for (size_t i = 0; i < c->ext_count; i++) put_ext(sink, c->ext[i].key, c->ext[i].value);
  if (header == NULL || fields == NULL) return;
  uint64_t present = *(const uint64_t *)fields;
  for (size_t i = 0; i < header->field_count; i++)
    if ((present >> i & 1) != 0) put_field(sink, &header->fields[i], fields, by_short_name);
}

static void put_json_int(struct buf *out, const char *before, int64_t v) {
  buf_put_text(out, before);
  buf_put_decimal(out, v);
}

static void put_json(struct buf *out, const struct command *c, const struct header *header, const void *fields,
                     bool by_short_name) {
  put_json_int(out, "{\"code\":", c->code);
  buf_put_u8(out, ',');
  struct ext_sink sink = {out, true, false};
  put_all_ext(&sink, c, header, fields, by_short_name);
  if (sink.any) buf_put_text(out, "},");
  put_json_int(out, "\"flag\":", c->flag);
  if (c->language != LANGUAGE_NONE) {
    buf_put_text(out, ",\"language\":\"");
    buf_put_text(out, language_name(c->language));
    buf_put_u8(out, '"');
  }
  put_json_int(out, ",\"opaque\":", c->opaque);
  if (c->remark.ptr != NULL) {
    buf_put_text(out, ",\"remark\":");
    json_escape(out, c->remark);
  }
  put_json_int(out, ",\"serializeTypeCurrentRPC\":\"JSON\",\"version\":", c->version);
  buf_put_u8(out, '}');
}

static void put_rocketmq(struct buf *out, const struct command *c, const struct header *header, const void *fields,
                         bool by_short_name) {
  bool known = c->language >= 0 && c->language < LANGUAGE_COUNT;
  buf_put_u16(out, (uint16_t)c->code);
  buf_put_u8(out, known ? (uint8_t)c->language : LANGUAGE_OTHER);
  buf_put_u16(out, (uint16_t)c->version);
  buf_put_u32(out, (uint32_t)c->opaque);
  buf_put_u32(out, (uint32_t)c->flag);
  buf_put_u32(out, (uint32_t)c->remark.len);
  buf_put(out, c->remark);
  size_t length_at = out->len;
  buf_put_u32(out, 0);
  struct ext_sink sink = {out, false, false};
  put_all_ext(&sink, c, header, fields, by_short_name);
  if (!out->failed) put_u32(out->ptr + length_at, (uint32_t)(out->len - length_at - 4));
}

size_t command_encode(struct buf *out, const struct command *c, const struct header *header, const void *fields,
                      bool by_short_name, size_t body_extra) {
  enum { HEADER_LENGTH_MAX = 0xFFFFFF };
  size_t start = out->len;
  buf_put_u64(out, 0);
  if (c->serialize == SERIALIZE_ROCKETMQ) put_rocketmq(out, c, header, fields, by_short_name);
  else put_json(out, c, header, fields, by_short_name);
  size_t header_length = out->len - start - FRAME_WORDS;
  buf_put(out, c->body);
  size_t length = out->len - start - 4;
  if (!out->failed && (header_length > HEADER_LENGTH_MAX || length > INT32_MAX || body_extra > INT32_MAX - length))
    out->failed = true;
  if (out->failed) {
    out->len = start;
    return 0;
  }
  put_u32(out->ptr + start, (uint32_t)(length + body_extra));
  put_u32(out->ptr + start + 4, (uint32_t)c->serialize << 24 | (uint32_t)header_length);
  return out->len - start;
}
