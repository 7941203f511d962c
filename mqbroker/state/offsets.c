/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/state/offsets.h"

#include "mqbroker/state/config_file.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEY_MAX = 512, SAVE_PIECE = 64 << 10 };

enum status offsets_init_file(struct offsets *os, const char *root, const char *name, uint64_t seed) {
  *os = (struct offsets){0};
  map_init(&os->table, seed);
  TAILQ_INIT(&os->order);
  int n = snprintf(os->path, sizeof os->path, "%s/config/%s", root, name);
  return n < (int)sizeof os->path ? STATUS_OK : STATUS_LIMIT;
}

enum status offsets_init(struct offsets *os, const char *root, uint64_t seed) {
  return offsets_init_file(os, root, "consumerOffset.json", seed);
}

static void table_free(struct offsets *os, struct offset_table *t) {
  if (os->save.next == t) os->save.next = TAILQ_NEXT(t, in_order);
  TAILQ_REMOVE(&os->order, t, in_order);
  free(t->offsets);
  free((void *)t->topic.ptr);
  free(t);
}

void offsets_fini(struct offsets *os) {
  for (struct map_entry *e = map_first(&os->table); e != NULL; e = map_next(&os->table, e)) table_free(os, e->value);
  map_fini(&os->table);
}

static bool make_key(struct span group, struct span topic, uint8_t key[KEY_MAX], struct span *out) {
  if (topic.len + 1 + group.len > KEY_MAX) return false;
  if (topic.len > 0) memcpy(key, topic.ptr, topic.len);
  key[topic.len] = '@';
  if (group.len > 0) memcpy(key + topic.len + 1, group.ptr, group.len);
  *out = span_of(key, topic.len + 1 + group.len);
  return true;
}

const struct offset_table *offsets_find(const struct offsets *os, struct span group, struct span topic) {
  uint8_t bytes[KEY_MAX];
  struct span key;
  return make_key(group, topic, bytes, &key) ? map_get(&os->table, key) : NULL;
}

int64_t offsets_get(const struct offsets *os, struct span group, struct span topic, int32_t queue_id) {
  const struct offset_table *t = offsets_find(os, group, topic);
  return t == NULL || queue_id < 0 || queue_id >= t->count ? -1 : t->offsets[queue_id];
}

static enum status table_of(struct offsets *os, struct span group, struct span topic, struct offset_table **out) {
  uint8_t bytes[KEY_MAX];
  struct span key;
  if (!make_key(group, topic, bytes, &key)) return STATUS_LIMIT;
  if ((*out = map_get(&os->table, key)) != NULL) return STATUS_OK;
  struct offset_table *t = calloc(1, sizeof *t);
  uint8_t *names = malloc(key.len);
  if (t == NULL || names == NULL || map_put(&os->table, key, t, NULL) != STATUS_OK) {
    free(t);
    free(names);
    return STATUS_NO_MEMORY;
  }
  memcpy(names, key.ptr, key.len);
  t->topic = span_of(names, topic.len);
  t->group = span_of(names + topic.len + 1, group.len);
  TAILQ_INSERT_TAIL(&os->order, t, in_order);
  *out = t;
  return STATUS_OK;
}

enum status offsets_set(struct offsets *os, struct span group, struct span topic, int32_t queue_id, int64_t offset) {
  struct offset_table *t;
  if (queue_id < 0 || queue_id >= OFFSET_QUEUE_MAX) return STATUS_INVALID;
  enum status status = table_of(os, group, topic, &t);
  if (status != STATUS_OK) return status;
  if (queue_id >= t->count) {
    int32_t count = queue_id + 1;
    int64_t *grown = realloc(t->offsets, (size_t)count * sizeof *grown);
    if (grown == NULL) return STATUS_NO_MEMORY;
    for (int32_t i = t->count; i < count; i++) grown[i] = -1;
    t->offsets = grown;
    t->count = count;
  }
  if (t->offsets[queue_id] != offset) os->dirty = true;
  t->offsets[queue_id] = offset;
  return STATUS_OK;
}

static void remove_matching(struct offsets *os, struct span topic, struct span group) {
  for (struct map_entry *e = map_first(&os->table), *next; e != NULL; e = next) {
    next = map_next(&os->table, e);
    struct offset_table *t = e->value;
    if ((topic.ptr != NULL && !span_equal(t->topic, topic)) || (group.ptr != NULL && !span_equal(t->group, group)))
      continue;
    map_remove(&os->table, e->key);
    table_free(os, t);
    os->dirty = true;
  }
}

void offsets_remove_topic(struct offsets *os, struct span topic) { remove_matching(os, topic, SPAN_NONE); }
void offsets_remove_group(struct offsets *os, struct span group) { remove_matching(os, SPAN_NONE, group); }

static void write_head(struct json_writer *w) {
  json_open_object(w);
  json_key(w, "offsetTable");
  json_open_object(w);
}

static void write_table(struct json_writer *w, const struct offset_table *t) {
  json_key_span(w, span_of(t->topic.ptr, t->topic.len + 1 + t->group.len)); /* they lie beside each other */
  json_open_inline_map(w);
  for (int32_t i = 0; i < t->count; i++) {
    if (t->offsets[i] < 0) continue;
    json_key_int(w, i);
    json_put_int(w, t->offsets[i]);
  }
  json_close_object(w);
}

static void write_foot(struct json_writer *w) {
  json_close_object(w);
  json_close_object(w);
}

void offsets_write(const struct offsets *os, struct json_writer *w) {
  const struct offset_table *t;
  write_head(w);
  TAILQ_FOREACH(t, &os->order, in_order) write_table(w, t);
  write_foot(w);
}

/* ---- saving ---- */

static enum status save_failed(struct offsets *os, struct disk *disk, enum status status) {
  if (status == STATUS_OK) return status;
  offsets_save_abandon(os, disk);
  os->dirty = true;
  return status;
}

void offsets_save_abandon(struct offsets *os, struct disk *disk) {
  struct offsets_save *save = &os->save;
  if (save->state == OFFSETS_SAVED) return;
  disk->ops->close(disk, save->file);
  buf_fini(&save->text);
  *save = (struct offsets_save){0};
}

enum status offsets_save_begin(struct offsets *os, struct disk *disk) {
  struct offsets_save *save = &os->save;
  char tmp[DISK_PATH_MAX];
  assert(save->state == OFFSETS_SAVED);
  if (snprintf(tmp, sizeof tmp, "%s.tmp", os->path) >= (int)sizeof tmp) return STATUS_LIMIT;
  *save = (struct offsets_save){0};
  /* Always a new file, as in core/port/disk_whole.c. */
  enum status status = disk->ops->remove(disk, tmp);
  if (status == STATUS_OK || status == STATUS_NOT_FOUND)
    status = disk->ops->open(disk, tmp, DISK_CREATE | DISK_EXCLUSIVE, 0, &save->file);
  if (status != STATUS_OK) return status;
  save->state = OFFSETS_WRITING;
  save->next = TAILQ_FIRST(&os->order);
  buf_init(&save->text, CONFIG_FILE_MAX);
  json_writer_init(&save->writer, &save->text, true);
  write_head(&save->writer);
  os->dirty = false;
  return STATUS_OK;
}

enum status offsets_save_step(struct offsets *os, struct disk *disk) {
  struct offsets_save *save = &os->save;
  assert(save->state == OFFSETS_WRITING);
  for (; save->next != NULL && save->text.len < SAVE_PIECE; save->next = TAILQ_NEXT(save->next, in_order))
    write_table(&save->writer, save->next);
  bool last = save->next == NULL;
  if (last) write_foot(&save->writer);
  struct span piece = buf_span(&save->text);
  enum status status = save->text.failed ? STATUS_NO_MEMORY
                                         : disk->ops->write(disk, save->file, save->length, &piece, 1);
  save->length += (int64_t)piece.len;
  buf_clear(&save->text);
  if (status == STATUS_OK && last) {
    status = disk->ops->sync_start(disk, save->file, OFFSETS_SYNC_TOKEN);
    save->state = OFFSETS_SYNCING;
  }
  return save_failed(os, disk, status);
}

/* The new file gets its name, and the name is made durable. */
static enum status save_name(struct offsets *os, struct disk *disk) {
  struct offsets_save *save = &os->save;
  char dir[DISK_PATH_MAX];
  disk->ops->close(disk, save->file);
  save->file = NULL;
  snprintf(dir, sizeof dir, "%s", os->path);
  *strrchr(dir, '/') = '\0';
  enum status status = disk_shift(disk, os->path);
  if (status == STATUS_OK) status = disk->ops->open(disk, dir, DISK_DIRECTORY, 0, &save->file);
  if (status == STATUS_OK) status = disk->ops->sync_start(disk, save->file, OFFSETS_SYNC_TOKEN);
  save->state = OFFSETS_NAMING;
  return status;
}

enum status offsets_save_synced(struct offsets *os, struct disk *disk, enum status synced) {
  if (synced == STATUS_OK && os->save.state == OFFSETS_SYNCING) synced = save_name(os, disk);
  else if (synced == STATUS_OK) offsets_save_abandon(os, disk);
  return save_failed(os, disk, synced);
}

enum status offsets_save(struct offsets *os, struct disk *disk) {
  struct buf text;
  struct json_writer w;
  offsets_save_abandon(os, disk);
  buf_init(&text, CONFIG_FILE_MAX);
  json_writer_init(&w, &text, true);
  offsets_write(os, &w);
  enum status status = text.failed ? STATUS_NO_MEMORY : disk_replace_shifting(disk, os->path, buf_span(&text));
  os->dirty = status != STATUS_OK;
  buf_fini(&text);
  return status;
}

static enum status load_table(struct offsets *os, const struct json *table) {
  struct span key = json_text(table->key);
  size_t at = span_find(key, '@', 0);
  if (at == key.len) return STATUS_INVALID;
  for (const struct json *v = table->children; v != NULL; v = v->next) {
    int32_t queue_id;
    if (!span_to_i32(json_text(v->key), &queue_id)) return STATUS_INVALID;
    enum status status = offsets_set(os, span_from(key, at + 1), span_of(key.ptr, at), queue_id, json_i64(v, -1));
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

enum status offsets_read(struct offsets *os, const struct json *root, const char *name, struct log *log) {
  const struct json *tables = json_member(root, "offsetTable");
  for (const struct json *t = tables == NULL ? NULL : tables->children; t != NULL; t = t->next) {
    enum status one = load_table(os, t);
    if (one == STATUS_NO_MEMORY) return one; /* the next save must not lose it */
    if (one != STATUS_OK)
      log_warn(log, "%s: \"%.*s\" is left out: %s", name, SPAN_ARG(json_text(t->key)), status_text(one));
  }
  return STATUS_OK;
}

/* What the master says and nobody here has overtaken. */
static enum status follow(struct offsets *os, struct offsets *own, const struct offset_table *t) {
  for (int32_t i = 0; i < t->count; i++) {
    if (t->offsets[i] < 0) continue;
    int64_t ahead = offsets_get(own, t->group, t->topic, i);
    if (ahead > t->offsets[i]) continue;
    enum status status = offsets_set(os, t->group, t->topic, i, t->offsets[i]);
    if (status == STATUS_OK && ahead >= 0) status = offsets_set(own, t->group, t->topic, i, -1);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

enum status offsets_merge(struct offsets *os, struct offsets *own, const struct offsets *theirs, offsets_ahead ahead,
                          void *context) {
  enum status status = STATUS_OK;
  for (struct map_entry *e = map_first(&theirs->table); e != NULL && status == STATUS_OK;
       e = map_next(&theirs->table, e))
    status = follow(os, own, e->value);
  for (struct map_entry *e = map_first(&own->table), *next; e != NULL && status == STATUS_OK; e = next) {
    struct offset_table *t = e->value;
    bool any = false;
    next = map_next(&own->table, e);
    for (int32_t i = 0; i < t->count; i++) {
      if (t->offsets[i] < 0) continue;
      ahead(context, t, i, t->offsets[i]);
      any = true;
    }
    if (any) continue;
    map_remove(&own->table, e->key);
    table_free(own, t);
  }
  return status;
}

enum status offsets_load(struct offsets *os, struct disk *disk, struct log *log) {
  struct buf text;
  struct arena arena;
  struct json *root;
  buf_init(&text, CONFIG_FILE_MAX);
  arena_init(&arena, CONFIG_FILE_MAX);
  enum status status = config_file_read(disk, os->path, log, &text, &arena, &root);
  if (status == STATUS_OK) status = offsets_read(os, root, os->path, log);
  os->dirty = false;
  buf_fini(&text);
  arena_fini(&arena);
  return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
