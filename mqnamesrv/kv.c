/* SPDX-License-Identifier: Apache-2.0 */
#include "mqnamesrv/kv.h"

#include <stdio.h>
#include <stdlib.h>

struct kv_space {
  struct map items; /* -> struct kv_value */
};

struct kv_value {
  size_t len;
  uint8_t bytes[];
};

static struct span value_span(const struct kv_value *v) { return v == NULL ? SPAN_NONE : span_of(v->bytes, v->len); }

static struct kv_value *value_new(struct span s) {
  struct kv_value *v = malloc(sizeof *v + s.len);
  if (v == NULL) return NULL;
  v->len = s.len;
  if (s.len > 0) memcpy(v->bytes, s.ptr, s.len);
  return v;
}

static void space_free(struct kv_space *s) {
  for (struct map_entry *e = map_first(&s->items); e; e = map_next(&s->items, e)) free(e->value);
  map_fini(&s->items);
  free(s);
}

void kv_init(struct kv *kv, struct disk *disk, const char *path, size_t bytes_max, uint64_t seed, struct log *log) {
  *kv = (struct kv){.disk = disk, .path = path, .bytes_max = bytes_max, .seed = seed, .log = log};
  map_init(&kv->namespaces, seed);
}

void kv_fini(struct kv *kv) {
  for (struct map_entry *e = map_first(&kv->namespaces); e; e = map_next(&kv->namespaces, e)) space_free(e->value);
  map_fini(&kv->namespaces);
}

/* ---------------------------------------------------------------- in memory */

static enum status space_ensure(struct kv *kv, struct span name, struct kv_space **out, bool *fresh) {
  struct kv_space *s = map_get(&kv->namespaces, name);
  *fresh = s == NULL;
  if (s == NULL) {
    s = calloc(1, sizeof *s);
    if (s == NULL) return STATUS_NO_MEMORY;
    map_init(&s->items, kv->seed);
    if (map_put(&kv->namespaces, name, s, NULL) != STATUS_OK) {
      space_free(s);
      return STATUS_NO_MEMORY;
    }
  }
  *out = s;
  return STATUS_OK;
}

static void space_drop(struct kv *kv, struct span name) {
  struct kv_space *s = map_remove(&kv->namespaces, name);
  if (s != NULL) space_free(s);
}

/* *old gets the value that was there, to be freed or put back. */
static enum status item_put(struct kv *kv, struct span space, struct span key, struct span value,
                            struct kv_value **old, bool *fresh_space) {
  struct kv_space *s;
  enum status status = space_ensure(kv, space, &s, fresh_space);
  if (status != STATUS_OK) return status;
  struct kv_value *v = value_new(value);
  void *before = NULL;
  status = v == NULL ? STATUS_NO_MEMORY : map_put(&s->items, key, v, &before);
  if (status != STATUS_OK) {
    free(v);
    if (*fresh_space) space_drop(kv, space);
    return status;
  }
  *old = before;
  return STATUS_OK;
}

struct span kv_get(const struct kv *kv, struct span space, struct span key) {
  const struct kv_space *s = map_get(&kv->namespaces, space);
  return s == NULL ? SPAN_NONE : value_span(map_get(&s->items, key));
}

enum status kv_list(const struct kv *kv, struct span space, struct arena *arena, struct pair **out, size_t *count) {
  const struct kv_space *s = map_get(&kv->namespaces, space);
  *count = 0;
  if (s == NULL) return STATUS_NOT_FOUND;
  *out = arena_zalloc(arena, map_count(&s->items), sizeof **out);
  if (*out == NULL) return STATUS_NO_MEMORY;
  for (struct map_entry *e = map_first(&s->items); e; e = map_next(&s->items, e))
    (*out)[(*count)++] = (struct pair){e->key, value_span(e->value)};
  return STATUS_OK;
}

/* ---------------------------------------------------------------- in the file */

static void kv_write(const struct kv *kv, struct buf *out) {
  struct json_writer w;
  json_writer_init(&w, out, false);
  json_open_object(&w);
  json_key(&w, "configTable");
  json_open_object(&w);
  for (struct map_entry *e = map_first(&kv->namespaces); e; e = map_next(&kv->namespaces, e)) {
    const struct kv_space *s = e->value;
    json_key_span(&w, e->key);
    json_open_object(&w);
    for (struct map_entry *i = map_first(&s->items); i; i = map_next(&s->items, i)) {
      json_key_span(&w, i->key);
      json_put_span(&w, value_span(i->value));
    }
    json_close_object(&w);
  }
  json_close_object(&w);
  json_close_object(&w);
}

static enum status make_parent(const struct kv *kv) {
  char dir[DISK_PATH_MAX];
  if (!span_copy_text(span_text(kv->path), dir, sizeof dir)) return STATUS_LIMIT;
  char *slash = strrchr(dir, '/');
  if (slash == NULL || slash == dir) return STATUS_OK;
  *slash = '\0';
  return kv->disk->ops->make_dirs(kv->disk, dir);
}

static enum status kv_persist(const struct kv *kv) {
  struct buf text;
  buf_init(&text, kv->bytes_max);
  kv_write(kv, &text);
  enum status status = text.failed ? STATUS_LIMIT : make_parent(kv);
  if (status == STATUS_OK) status = disk_replace_whole(kv->disk, kv->path, buf_span(&text), true);
  if (status != STATUS_OK) log_error(kv->log, "%s was not written: %s", kv->path, status_text(status));
  buf_fini(&text);
  return status;
}

enum status kv_put(struct kv *kv, struct span space, struct span key, struct span value) {
  struct kv_value *old = NULL;
  bool fresh_space;
  enum status status = item_put(kv, space, key, value, &old, &fresh_space);
  if (status != STATUS_OK) return status;
  status = kv_persist(kv);
  if (status == STATUS_OK) {
    free(old);
    return STATUS_OK;
  }
  struct kv_space *s = map_get(&kv->namespaces, space);
  if (old != NULL) {
    void *refused = NULL;
    if (map_put(&s->items, key, old, &refused) == STATUS_OK) free(refused); /* replacing needs no memory */
  } else if (fresh_space) {
    space_drop(kv, space);
  } else {
    free(map_remove(&s->items, key));
  }
  return status;
}

enum status kv_delete(struct kv *kv, struct span space, struct span key) {
  struct kv_space *s = map_get(&kv->namespaces, space);
  struct kv_value *old = s == NULL ? NULL : map_remove(&s->items, key);
  if (old == NULL) return STATUS_OK;
  enum status status = kv_persist(kv);
  if (status == STATUS_OK || map_put(&s->items, key, old, NULL) != STATUS_OK) free(old);
  return status;
}

static enum status kv_fill(struct kv *kv, const struct json *table) {
  if (table == NULL) return STATUS_OK;
  if (table->kind != JSON_OBJECT) return STATUS_CORRUPT;
  for (const struct json *s = table->children; s; s = s->next) {
    bool fresh;
    struct kv_space *space;
    if (s->kind == JSON_NULL) continue;
    if (s->kind != JSON_OBJECT) return STATUS_CORRUPT;
    struct span name = json_text(s->key);
    enum status status = space_ensure(kv, name, &space, &fresh);
    for (const struct json *i = s->children; i && status == STATUS_OK; i = i->next) {
      struct kv_value *old = NULL;
      if (json_text(i).ptr == NULL || json_text(i->key).ptr == NULL) continue; /* a null value is no item */
      status = item_put(kv, name, json_text(i->key), json_text(i), &old, &fresh);
      free(old);
    }
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

/* One file. NOT_FOUND: there is none. */
static enum status kv_load_from(struct kv *kv, const char *path) {
  struct buf text;
  struct arena arena;
  struct json *root;
  const char *why = NULL;
  size_t at = 0;
  buf_init(&text, kv->bytes_max);
  arena_init(&arena, kv->bytes_max * 64); /* the tree's nodes: a value has at least two bytes of text */
  enum status status = disk_read_whole(kv->disk, path, &text);
  if (status != STATUS_OK) goto out;
  status = json_parse(buf_span(&text), &JSON_LIMITS_DEFAULT, &arena, &root, &why, &at);
  if (status == STATUS_OK && root->kind != JSON_NULL) {
    if (root->kind == JSON_OBJECT) {
      status = kv_fill(kv, json_member(root, "configTable"));
    } else {
      status = STATUS_CORRUPT;
    }
  }
  if (status == STATUS_INVALID) status = STATUS_CORRUPT;
out:
  if (status != STATUS_OK) {
    kv_fini(kv);
    map_init(&kv->namespaces, kv->seed);
  }
  if (status != STATUS_OK && status != STATUS_NOT_FOUND)
    log_warn(kv->log, "%s: cannot be read (%s, byte %zu)", path, why != NULL ? why : status_text(status), at);
  arena_fini(&arena);
  buf_fini(&text);
  return status;
}

enum status kv_load(struct kv *kv) {
  char bak[DISK_PATH_MAX];
  enum status status = kv_load_from(kv, kv->path);
  if (status == STATUS_OK || status == STATUS_NOT_FOUND) return STATUS_OK;
  if (snprintf(bak, sizeof bak, "%s.bak", kv->path) >= (int)sizeof bak) return STATUS_LIMIT;
  if (kv_load_from(kv, bak) == STATUS_OK) {
    log_warn(kv->log, "%s is damaged: the items of %s are used", kv->path, bak);
    return STATUS_OK;
  }
  log_error(kv->log,
            "%s and its .bak cannot be read. Repair the file, or move it away to start without configuration items",
            kv->path);
  return status;
}
