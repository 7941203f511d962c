/* SPDX-License-Identifier: Apache-2.0
 *
 * RegisterBrokerBody: JSON, or zlib over  i32 length, DataVersion as JSON;
 * i32 count; count times i32 length, TopicConfig.encode's text; i32 length,
 * filter servers as JSON. The text form loses topicSysFlag and order, in Java too.
 */
#include "core/wire/body_read.h"
#include "core/wire/message.h"

#include <inttypes.h>

enum {
  PLAIN_MAX = 256 << 20, /* a compressed body may unfold to this */
  TOPIC_TEXT_PARTS = 5
};

static void put_filter_servers(struct json_writer *w, const struct register_body *b) {
  json_open_array(w);
  for (size_t i = 0; i < b->filter_server_count; i++) json_put_span(w, b->filter_servers[i]);
  json_close_array(w);
}

static void write_json(struct buf *out, const struct register_body *b) {
  struct json_writer w;
  json_writer_init(&w, out, false);
  json_open_object(&w);
  json_key(&w, "filterServerList");
  put_filter_servers(&w, b);
  json_key(&w, "topicConfigSerializeWrapper");
  topic_table_write(&w, &b->topics);
  json_close_object(&w);
}

/* Puts the length of what was appended behind length_at into its place. */
static void close_part(struct buf *out, size_t length_at) {
  if (!out->failed) put_u32(out->ptr + length_at, (uint32_t)(out->len - length_at - 4));
}

static size_t open_part(struct buf *out) {
  size_t length_at = out->len;
  buf_put_u32(out, 0);
  return length_at;
}

static void write_plain(struct buf *out, const struct register_body *b) {
  struct json_writer w;
  size_t part = open_part(out);
  json_writer_init(&w, out, false);
  data_version_write(&w, &b->topics.version);
  close_part(out, part);
  buf_put_u32(out, (uint32_t)b->topics.count);
  for (size_t i = 0; i < b->topics.count; i++) {
    const struct topic_config *t = &b->topics.topics[i];
    part = open_part(out);
    buf_put(out, t->name);
    buf_printf(out, " %" PRId32 " %" PRId32 " %" PRId32 " %s", t->read_queues, t->write_queues, t->perm,
               t->multi_tag ? "MULTI_TAG" : "SINGLE_TAG");
    close_part(out, part);
  }
  part = open_part(out);
  json_writer_init(&w, out, false);
  put_filter_servers(&w, b);
  close_part(out, part);
}

void register_body_write(struct buf *out, const struct register_body *b, bool compressed) {
  if (!compressed) {
    write_json(out, b);
    return;
  }
  struct buf plain;
  buf_init(&plain, PLAIN_MAX);
  write_plain(&plain, b);
  if (plain.failed || body_compress(buf_span(&plain), out) != STATUS_OK) out->failed = true;
  buf_fini(&plain);
}

static enum status read_json(struct span body, struct arena *arena, struct register_body *out, const char **why) {
  const struct json *root;
  enum status status = body_parse(body, arena, &root, why);
  if (status != STATUS_OK) return status;
  if (why != NULL) *why = "register body has a member of the wrong kind";
  status = topic_table_read(json_member(root, "topicConfigSerializeWrapper"), arena, &out->topics);
  if (status != STATUS_OK) return status;
  return body_names(json_member(root, "filterServerList"), arena, &out->filter_servers, &out->filter_server_count);
}

/* i32 length and as many bytes off the front of *rest. */
static bool take_part(struct span *rest, struct span *part) {
  if (rest->len < 4) return false;
  size_t length = get_u32(rest->ptr);
  if (length > rest->len - 4) return false;
  *part = span_of(rest->ptr + 4, length);
  *rest = span_from(*rest, 4 + length);
  return true;
}

/* "topic readQueues writeQueues perm filterType" */
static bool read_topic(struct span text, struct topic_config *out) {
  struct span parts[TOPIC_TEXT_PARTS];
  size_t at = 0;
  for (int i = 0; i < TOPIC_TEXT_PARTS; i++) {
    size_t end = span_find(text, ' ', at);
    if (at > text.len) return false;
    parts[i] = span_of(text.ptr + at, end - at);
    at = end + 1;
  }
  *out = (struct topic_config){.name = parts[0], .multi_tag = span_is(parts[4], "MULTI_TAG")};
  return at > text.len && parts[0].len > 0 && span_to_i32(parts[1], &out->read_queues) &&
         span_to_i32(parts[2], &out->write_queues) && span_to_i32(parts[3], &out->perm);
}

static enum status read_topics(struct span *rest, struct arena *arena, struct topic_table *out) {
  if (rest->len < 4) return STATUS_INVALID;
  size_t count = get_u32(rest->ptr);
  *rest = span_from(*rest, 4);
  if (count > rest->len / 4) return STATUS_INVALID;
  out->topics = arena_zalloc(arena, count, sizeof *out->topics);
  if (out->topics == NULL) return STATUS_NO_MEMORY;
  for (; out->count < count; out->count++) {
    struct span part;
    if (!take_part(rest, &part) || !read_topic(part, &out->topics[out->count])) return STATUS_INVALID;
  }
  return STATUS_OK;
}

static enum status read_plain(struct span rest, struct arena *arena, struct register_body *out) {
  struct span part;
  struct json *tree;
  if (!take_part(&rest, &part)) return STATUS_INVALID;
  enum status status = json_parse(part, &JSON_LIMITS_DEFAULT, arena, &tree, NULL, NULL);
  if (status != STATUS_OK) return status;
  data_version_read(tree, &out->topics.version);
  status = read_topics(&rest, arena, &out->topics);
  if (status != STATUS_OK) return status;
  if (!take_part(&rest, &part)) return STATUS_INVALID;
  status = json_parse(part, &JSON_LIMITS_DEFAULT, arena, &tree, NULL, NULL);
  if (status != STATUS_OK) return status;
  return body_names(tree->kind == JSON_NULL ? NULL : tree, arena, &out->filter_servers, &out->filter_server_count);
}

static enum status read_compressed(struct span body, struct arena *arena, struct register_body *out, const char **why) {
  struct buf plain;
  buf_init(&plain, PLAIN_MAX);
  const char *reason = "register body is not a zlib stream";
  enum status status = body_uncompress(body, &plain);
  if (status != STATUS_OK) goto out;
  struct span copy = arena_copy(arena, buf_span(&plain));
  reason = "compressed register body is malformed";
  status = copy.ptr == NULL ? STATUS_NO_MEMORY : read_plain(copy, arena, out);
out:
  if (why != NULL) *why = reason;
  buf_fini(&plain);
  return status;
}

enum status register_body_read(struct span body, bool compressed, struct arena *arena, struct register_body *out,
                               const char **why) {
  *out = (struct register_body){0};
  return compressed ? read_compressed(body, arena, out, why) : read_json(body, arena, out, why);
}
