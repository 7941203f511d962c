/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mqstore/queues.h"

#include "core/base/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEY_MAX = 300 };

static struct span key_of(struct span topic, int32_t id, uint8_t out[KEY_MAX]) {
  size_t n = topic.len < KEY_MAX - 4 ? topic.len : KEY_MAX - 4;
  memcpy(out, topic.ptr, n);
  put_i32(out + n, id);
  return span_of(out, n + 4);
}

struct store_queue *queue_find(struct queue_tree *t, struct span topic, int32_t id) {
  uint8_t key[KEY_MAX];
  if (t->last != NULL && t->last->id == id && span_equal(t->last->topic, topic)) return t->last;
  struct store_queue *q = map_get(&t->by_key, key_of(topic, id, key));
  if (q != NULL) t->last = q;
  return q;
}

struct store_queue *queue_make(struct queue_tree *t, struct span topic, int32_t id) {
  uint8_t key[KEY_MAX];
  struct store_queue *q = arena_zalloc(t->arena, 1, sizeof *q);
  if (q == NULL) return NULL;
  *q = (struct store_queue){.topic = arena_copy(t->arena, topic), .id = id};
  q->walk.first_unit = -1;
  q->files = q->ext = (struct file_list){.cache = t->cache, .dir = "", .label = ""};
  char label[FILE_LABEL_MAX];
  snprintf(label, sizeof label, "consumequeue/%.*s/%" PRId32, SPAN_ARG(topic), id);
  q->files.label = (const char *)arena_copy(t->arena, span_text(label)).ptr;
  if (q->topic.ptr == NULL || q->files.label == NULL) return NULL;
  if (t->count == t->cap) {
    size_t cap = t->cap == 0 ? 64 : t->cap * 2;
    struct store_queue **bigger = realloc(t->list, cap * sizeof *bigger);
    if (bigger == NULL) return NULL;
    t->list = bigger;
    t->cap = cap;
  }
  if (map_put(&t->by_key, key_of(topic, id, key), q, NULL) != STATUS_OK) return NULL;
  t->list[t->count++] = q;
  return q;
}

bool queue_unit_at(const struct store_queue *q, int64_t number, struct queue_unit *out) {
  if (number < 0 || number > INT64_MAX / UNIT_BYTES) return false;
  struct span at = file_list_at(&q->files, number * UNIT_BYTES);
  if (at.ptr == NULL || at.len < UNIT_BYTES) return false;
  *out = (struct queue_unit){get_i64(at.ptr), get_i32(at.ptr + 8), get_i64(at.ptr + 12)};
  return true;
}

bool queue_ext_at(const struct store_queue *q, int64_t address, struct ext_unit *out) {
  if (address > EXT_ADDRESS_MAX) return false;
  struct span at = file_list_at(&q->ext, (int64_t)((uint64_t)address - (uint64_t)INT64_MIN));
  if (at.ptr == NULL || at.len < EXT_UNIT_MIN) return false;
  int32_t size = get_i16(at.ptr), bits = get_i16(at.ptr + 18);
  if (bits < 0 || size != EXT_UNIT_MIN + bits || (size_t)size > at.len) return false;
  *out = (struct ext_unit){address, get_i64(at.ptr + 2), get_i64(at.ptr + 10), span_of(at.ptr + 20, (size_t)bits)};
  return true;
}

/* Behind the last unit that is not zero; a long run of zeros ends the search. */
static int64_t find_end(const struct store_queue *q) {
  for (size_t i = q->files.count; i-- > 0;) {
    struct numbered_file *file = &q->files.files[i];
    struct span view = file_view(file);
    size_t end = 0, at = 0;
    for (; at + UNIT_BYTES <= view.len && at - end < QUEUE_QUIET_BYTES; at += UNIT_BYTES)
      if (get_u64(view.ptr + at) != 0 || get_u32(view.ptr + at + 8) != 0) end = at + UNIT_BYTES;
    if (end > 0 || i == 0) return (file->start + (int64_t)end) / UNIT_BYTES;
  }
  return 0;
}

static int64_t find_first(const struct store_queue *q) {
  struct queue_unit u;
  int64_t n = file_list_first(&q->files) / UNIT_BYTES;
  while (n < q->end && queue_unit_at(q, n, &u) && unit_is_blank(&u)) n++;
  return n;
}

int64_t queue_min(const struct store_queue *q, int64_t log_min) {
  int64_t low = q->first, high = q->end; /* offsets grow with the number */
  struct queue_unit u;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    if (queue_unit_at(q, middle, &u) && u.offset < log_min) low = middle + 1;
    else high = middle;
  }
  return low;
}

static enum status add_stranger(struct queue_tree *t, const char *path) {
  enum { STRANGERS_MAX = 1000 };
  if (t->strangers == NULL) t->strangers = arena_zalloc(t->arena, STRANGERS_MAX, sizeof *t->strangers);
  if (t->strangers == NULL) return STATUS_NO_MEMORY;
  if (t->stranger_count == STRANGERS_MAX) return STATUS_OK;
  t->strangers[t->stranger_count++] = arena_copy(t->arena, span_text(path));
  return STATUS_OK;
}

static enum status load_queue(struct queue_tree *t, struct span topic, int32_t id) {
  char dir[DISK_PATH_MAX], label[FILE_LABEL_MAX];
  struct store_queue *q = queue_make(t, topic, id);
  if (q == NULL) return STATUS_NO_MEMORY;
  snprintf(label, sizeof label, "consumequeue/%.*s/%" PRId32, SPAN_ARG(topic), id);
  if (snprintf(dir, sizeof dir, "%s/%s", t->root, label) >= (int)sizeof dir) return STATUS_LIMIT;
  enum status status = file_list_load(&q->files, t->cache, t->arena, dir, label);
  if (status != STATUS_OK) return status;
  snprintf(label, sizeof label, "consumequeue_ext/%.*s/%" PRId32, SPAN_ARG(topic), id);
  if (snprintf(dir, sizeof dir, "%s/%s", t->root, label) >= (int)sizeof dir) return STATUS_LIMIT;
  status = file_list_load(&q->ext, t->cache, t->arena, dir, label);
  if (status != STATUS_OK) return status;
  q->end = find_end(q);
  q->first = find_first(q);
  return STATUS_OK;
}

static enum status load_topic(struct queue_tree *t, struct span topic) {
  char path[DISK_PATH_MAX];
  struct disk_entry *entries;
  size_t count;
  if (snprintf(path, sizeof path, "%s/consumequeue/%.*s", t->root, SPAN_ARG(topic)) >= (int)sizeof path)
    return STATUS_LIMIT;
  struct disk *disk = t->cache->disk;
  enum status status = disk->ops->list(disk, path, t->arena, &entries, &count);
  for (size_t i = 0; i < count && status == STATUS_OK; i++) {
    int32_t id;
    if (entries[i].directory && span_to_i32(entries[i].name, &id)) {
      status = load_queue(t, topic, id);
    } else {
      snprintf(path, sizeof path, "consumequeue/%.*s/%.*s", SPAN_ARG(topic), SPAN_ARG(entries[i].name));
      status = add_stranger(t, path);
    }
  }
  return status;
}

static int by_topic_and_id(const void *a, const void *b) {
  const struct store_queue *x = *(struct store_queue *const *)a, *y = *(struct store_queue *const *)b;
  int order = span_compare(x->topic, y->topic);
  return order != 0 ? order : (x->id > y->id) - (x->id < y->id);
}

enum status queue_tree_load(struct queue_tree *t, struct arena *arena, struct file_cache *cache, const char *root) {
  char path[DISK_PATH_MAX];
  struct disk_entry *entries;
  size_t count;
  *t = (struct queue_tree){.arena = arena, .cache = cache, .root = root};
  map_init(&t->by_key, 0);
  if (snprintf(path, sizeof path, "%s/consumequeue", root) >= (int)sizeof path) return STATUS_LIMIT;
  enum status status = cache->disk->ops->list(cache->disk, path, arena, &entries, &count);
  if (status == STATUS_NOT_FOUND) return STATUS_OK;
  t->exists = status == STATUS_OK;
  for (size_t i = 0; i < count && status == STATUS_OK; i++) {
    if (entries[i].directory) {
      status = load_topic(t, entries[i].name);
    } else {
      snprintf(path, sizeof path, "consumequeue/%.*s", SPAN_ARG(entries[i].name));
      status = add_stranger(t, path);
    }
  }
  if (t->count > 0) qsort(t->list, t->count, sizeof *t->list, by_topic_and_id);
  return status;
}

void queue_tree_fini(struct queue_tree *t) {
  map_fini(&t->by_key);
  free(t->list);
}
