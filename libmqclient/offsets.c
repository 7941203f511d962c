/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/offsets.h"

#include "core/wire/codes.h"
#include "core/wire/headers.h"

#include <stdio.h>

enum { OFFSETS_FILE_MAX = 64 << 20, OFFSETS_TREE_MAX = 512 << 20 };

enum status offset_send(struct client *c, const char *group, const char *topic, const struct broker *broker,
                        int32_t queue_id, int64_t offset, struct moment now) {
  const struct server *s = broker_any(broker);
  if (s == NULL) return STATUS_NOT_FOUND;
  struct update_consumer_offset_request f = {0};
  HEADER_SET(update_consumer_offset_request, &f, consumerGroup, span_text(group));
  HEADER_SET(update_consumer_offset_request, &f, topic, span_text(topic));
  HEADER_SET(update_consumer_offset_request, &f, queueId, queue_id);
  HEADER_SET(update_consumer_offset_request, &f, commitOffset, offset);
  struct request_out request = {
      .code = REQUEST_UPDATE_CONSUMER_OFFSET, .header = &update_consumer_offset_request_header, .fields = &f};
  return remoting_oneway(c->remoting, s->addr, &request, now);
}

/* ---- the local file ---- */

static enum status parse(struct span text, struct local_offsets *out) {
  struct json *root;
  enum status status = json_parse(text, &JSON_LIMITS_DEFAULT, &out->arena, &root, NULL, NULL);
  if (status != STATUS_OK) return status;
  const struct json *table = json_member(root, "offsetTable");
  if (table == NULL || table->kind != JSON_OBJECT) return text.len == 0 ? STATUS_OK : STATUS_INVALID;
  out->items = arena_zalloc(&out->arena, table->child_count + 1, sizeof *out->items);
  if (out->items == NULL) return STATUS_NO_MEMORY;
  for (const struct json *one = table->children; one != NULL; one = one->next) {
    if (one->key == NULL || one->key->kind != JSON_OBJECT) return STATUS_INVALID;
    struct local_offset *item = &out->items[out->count++];
    message_queue_read(one->key, &item->queue);
    item->offset = json_i64(one, -1);
  }
  return STATUS_OK;
}

static enum status read_one(struct disk *disk, const char *path, struct local_offsets *out) {
  struct buf text;
  buf_init(&text, OFFSETS_FILE_MAX);
  arena_init(&out->arena, OFFSETS_TREE_MAX);
  out->items = NULL;
  out->count = 0;
  enum status status = disk_read_whole(disk, path, &text);
  if (status == STATUS_OK) {
    /* The tree borrows the text, so the arena takes it over. */
    struct span kept = arena_copy(&out->arena, text.len == 0 ? SPAN_LITERAL("") : buf_span(&text));
    status = kept.ptr == NULL ? STATUS_NO_MEMORY : parse(kept, out);
  }
  buf_fini(&text);
  if (status != STATUS_OK) local_offsets_fini(out);
  return status;
}

enum status local_offsets_read(struct disk *disk, const char *path, struct local_offsets *out) {
  enum status status = read_one(disk, path, out);
  if (status == STATUS_OK && out->count > 0) return status;
  if (status == STATUS_OK) local_offsets_fini(out);
  char bak[DISK_PATH_MAX];
  if (snprintf(bak, sizeof bak, "%s.bak", path) >= (int)sizeof bak) return STATUS_LIMIT;
  enum status second = read_one(disk, bak, out);
  if (second == STATUS_NOT_FOUND) {
    arena_init(&out->arena, OFFSETS_TREE_MAX);
    out->count = 0;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
  }
  return second;
}

void local_offsets_fini(struct local_offsets *o) {
  arena_fini(&o->arena);
  o->items = NULL;
  o->count = 0;
}

int64_t local_offsets_find(const struct local_offsets *o, const char *topic, const char *broker, int32_t queue_id) {
  for (size_t i = 0; i < o->count; i++) {
    const struct message_queue *q = &o->items[i].queue;
    if (q->queue_id == queue_id && span_is(q->topic, topic) && span_is(q->broker_name, broker))
      return o->items[i].offset;
  }
  return -1;
}

static void write_table(struct buf *text, const struct local_offset *items, size_t count) {
  struct json_writer w;
  json_writer_init(&w, text, true);
  json_open_object(&w);
  json_key(&w, "offsetTable");
  json_open_inline_map(&w);
  for (size_t i = 0; i < count; i++) {
    message_queue_write(&w, &items[i].queue);
    json_key_value(&w);
    json_put_int(&w, items[i].offset);
  }
  json_close_object(&w);
  json_close_object(&w);
}

enum status local_offsets_write(struct disk *disk, const char *path, const struct local_offset *items, size_t count) {
  char dir[DISK_PATH_MAX];
  if (!span_copy_text(span_text(path), dir, sizeof dir)) return STATUS_LIMIT;
  char *slash = strrchr(dir, '/');
  struct buf text;
  buf_init(&text, OFFSETS_FILE_MAX);
  write_table(&text, items, count);
  enum status status = text.failed ? STATUS_NO_MEMORY : STATUS_OK;
  if (status == STATUS_OK && slash != NULL) {
    *slash = '\0';
    status = disk->ops->make_dirs(disk, dir);
  }
  if (status == STATUS_OK) status = disk_replace_whole(disk, path, buf_span(&text), true);
  buf_fini(&text);
  return status;
}
