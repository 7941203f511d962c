/* SPDX-License-Identifier: Apache-2.0
 *
 * SubscriptionData and FilterAPI.buildSubscriptionData.
 */
#include "core/wire/body_read.h"
#include "core/wire/message.h"

void subscription_data_write(struct json_writer *w, const struct subscription_data *s) {
  json_open_object(w);
  json_key(w, "classFilterMode");
  json_put_bool(w, s->class_filter_mode);
  json_key(w, "codeSet");
  json_open_inline_array(w);
  for (size_t i = 0; i < s->code_count; i++) json_put_int(w, s->codes[i]);
  json_close_array(w);
  body_put_text(w, "expressionType", s->expression_type);
  body_put_text(w, "subString", s->sub_string);
  json_key(w, "subVersion");
  json_put_int(w, s->sub_version);
  body_put_names(w, "tagsSet", s->tags, s->tag_count, true);
  body_put_text(w, "topic", s->topic);
  json_close_object(w);
}

enum status subscription_data_read(const struct json *value, struct arena *arena, struct subscription_data *out) {
  *out = (struct subscription_data){0};
  if (value == NULL || value->kind != JSON_OBJECT) return STATUS_INVALID;
  out->topic = json_text(json_member(value, "topic"));
  out->sub_string = json_text(json_member(value, "subString"));
  const struct json *type = json_member(value, "expressionType");
  out->expression_type = type == NULL ? SPAN_LITERAL("TAG") : json_text(type);
  out->sub_version = json_i64(json_member(value, "subVersion"), 0);
  out->class_filter_mode = json_bool(json_member(value, "classFilterMode"), false);
  enum status status = body_names(json_member(value, "tagsSet"), arena, &out->tags, &out->tag_count);
  if (status != STATUS_OK) return status;
  const struct json *codes = json_member(value, "codeSet");
  void *places;
  status = body_places(codes, JSON_ARRAY, arena, sizeof *out->codes, &places);
  if (status != STATUS_OK || places == NULL) return status;
  out->codes = places;
  for (const struct json *m = codes->children; m != NULL; m = m->next) out->codes[out->code_count++] = json_i32(m, 0);
  return STATUS_OK;
}

/* End of the part that starts at `at`: the next "||", or the text's end. */
static size_t part_end(struct span text, size_t at) {
  for (size_t bar = span_find(text, '|', at); bar < text.len; bar = span_find(text, '|', bar + 1))
    if (bar + 1 < text.len && text.ptr[bar + 1] == '|') return bar;
  return text.len;
}

static void add_tag(struct subscription_data *s, struct span tag) {
  int32_t code = java_hash(tag);
  for (size_t i = 0; i < s->tag_count; i++)
    if (span_equal(s->tags[i], tag)) return;
  s->tags[s->tag_count++] = tag;
  for (size_t i = 0; i < s->code_count; i++)
    if (s->codes[i] == code) return;
  s->codes[s->code_count++] = code;
}

enum status subscription_parse(struct span topic, struct span expression, struct arena *arena,
                               struct subscription_data *out) {
  *out = (struct subscription_data){.topic = topic, .sub_string = expression, .expression_type = SPAN_LITERAL("TAG")};
  if (expression.len == 0 || span_is(expression, "*")) {
    out->sub_string = SPAN_LITERAL("*");
    return STATUS_OK;
  }
  size_t parts = 1;
  for (size_t end = part_end(expression, 0); end < expression.len; end = part_end(expression, end + 2)) parts++;
  out->tags = arena_zalloc(arena, parts, sizeof *out->tags);
  out->codes = arena_zalloc(arena, parts, sizeof *out->codes);
  if (out->tags == NULL || out->codes == NULL) return STATUS_NO_MEMORY;
  bool any = false; /* a blank part counts, an empty one does not: Java's split drops those */
  for (size_t at = 0; at < expression.len;) {
    size_t end = part_end(expression, at);
    any |= end > at;
    struct span tag = span_trim(span_of(expression.ptr + at, end - at));
    if (tag.len > 0) add_tag(out, tag);
    at = end + 2;
  }
  return any ? STATUS_OK : STATUS_INVALID;
}
