/* SPDX-License-Identifier: Apache-2.0
 *
 * The small ones: KVTable, TopicList and its kind, MessageQueue.
 */
#include "core/wire/body_read.h"

enum { KV_TEXT_MAX = 16 << 20 };

void kv_table_write(struct buf *out, const struct pair *pairs, size_t count) {
  struct json_writer w;
  json_writer_init(&w, out, false);
  json_open_object(&w);
  json_key(&w, "table");
  json_open_object(&w);
  for (size_t i = 0; i < count; i++) {
    if (pairs[i].value.ptr == NULL) continue;
    json_key_span(&w, pairs[i].key);
    json_put_span(&w, pairs[i].value);
  }
  json_close_object(&w);
  json_close_object(&w);
}

/* Java's Map<String, String> takes any value: a structure becomes its own JSON text. */
static enum status value_text(const struct json *value, struct arena *arena, struct span *out) {
  *out = json_text(value);
  if (value->kind != JSON_OBJECT && value->kind != JSON_ARRAY) return STATUS_OK;
  struct buf text;
  buf_init(&text, KV_TEXT_MAX);
  json_put_tree(&text, value);
  *out = text.failed ? SPAN_NONE : arena_copy(arena, buf_span(&text));
  buf_fini(&text);
  return out->ptr == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

enum status kv_table_read(struct span body, struct arena *arena, struct pair **out, size_t *count, const char **why) {
  const struct json *root;
  void *places;
  *out = NULL;
  *count = 0;
  enum status status = body_parse(body, arena, &root, why);
  if (status != STATUS_OK) return status;
  if (why != NULL) *why = "table is not an object of texts";
  const struct json *table = json_member(root, "table");
  status = body_places(table, JSON_OBJECT, arena, sizeof **out, &places);
  if (status != STATUS_OK || places == NULL) return status;
  *out = places;
  for (const struct json *m = table->children; m != NULL && status == STATUS_OK; m = m->next) {
    struct pair *pair = &(*out)[*count];
    if (m->kind == JSON_NULL) continue;
    pair->key = json_text(m->key);
    if (pair->key.ptr == NULL) return STATUS_INVALID;
    status = value_text(m, arena, &pair->value);
    (*count)++;
  }
  return status;
}

void name_list_write(struct buf *out, const char *member, const struct span *names, size_t count,
                     struct span broker_addr) {
  struct json_writer w;
  json_writer_init(&w, out, false);
  json_open_object(&w);
  body_put_text(&w, "brokerAddr", broker_addr);
  body_put_names(&w, member, names, count, false);
  json_close_object(&w);
}

enum status name_list_read(struct span body, const char *member, struct arena *arena, struct span **out, size_t *count,
                           const char **why) {
  const struct json *root;
  *out = NULL;
  *count = 0;
  enum status status = body_parse(body, arena, &root, why);
  if (status != STATUS_OK) return status;
  if (why != NULL) *why = "list of names is not an array";
  return body_names(json_member(root, member), arena, out, count);
}

void message_queue_write(struct json_writer *w, const struct message_queue *q) {
  json_open_object(w);
  body_put_text(w, "brokerName", q->broker_name);
  json_key(w, "queueId");
  json_put_int(w, q->queue_id);
  body_put_text(w, "topic", q->topic);
  json_close_object(w);
}

void message_queue_read(const struct json *value, struct message_queue *out) {
  out->topic = json_text(json_member(value, "topic"));
  out->broker_name = json_text(json_member(value, "brokerName"));
  out->queue_id = json_i32(json_member(value, "queueId"), 0);
}
