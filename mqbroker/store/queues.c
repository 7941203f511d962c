/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/store/queues.h"

#include "core/wire/message.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define CAP_FIRST 64
#define SCAN_ARENA_MAX ((size_t)1 << 30)
#define SYNC_AT_ONCE_MIN 64 /* unsynced queues */

enum status queues_init(struct queues *qs, struct disk *disk, struct log *log, struct commitlog *commitlog,
                        const char *root, int64_t file_length, int64_t ext_file_length, bool ext_enabled,
                        uint64_t seed) {
  *qs = (struct queues){.seed = seed, .cap = CAP_FIRST};
  queue_desk_init(&qs->desk, disk, log, commitlog, file_length, ext_file_length, ext_enabled);
  struct buf path;
  buf_init(&path, DISK_PATH_MAX);
  buf_printf(&path, "%s/consumequeue", root);
  buf_put_u8(&path, 0);
  qs->table = calloc(qs->cap, sizeof(struct consumequeue *));
  if (path.failed || qs->table == NULL) {
    buf_fini(&path);
    free(qs->table);
    return STATUS_NO_MEMORY;
  }
  qs->dir = (char *)path.ptr;
  return STATUS_OK;
}

void queues_fini(struct queues *qs) {
  for (size_t i = 0; i < qs->cap; i++)
    if (qs->table[i] != NULL) consumequeue_free(qs->table[i]);
  queue_desk_fini(&qs->desk);
  if (qs->everything != NULL) qs->desk.disk->ops->close(qs->desk.disk, qs->everything);
  free(qs->table);
  free(qs->dir);
}

/* ---- the table ---- */

static uint64_t mix(uint64_t h) {
  h ^= h >> 32;
  h *= 0x9E3779B97F4A7C15u;
  return h ^ h >> 29;
}

static uint64_t queue_hash(uint64_t seed, struct span topic, int32_t id) {
  uint64_t h = seed ^ (uint64_t)(uint32_t)id << 32 ^ topic.len;
  const uint8_t *p = topic.ptr;
  size_t n = topic.len;
  for (; n >= 8; p += 8, n -= 8) h = mix(h ^ get_u64(p));
  uint64_t rest = 0;
  memcpy(&rest, p, n);
  return mix(mix(h ^ rest));
}

static bool queue_is(const struct consumequeue *q, struct span topic, int32_t id) {
  return q->id == id && span_equal(q->topic, topic);
}

static struct consumequeue *table_find(const struct queues *qs, uint64_t hash, struct span topic, int32_t id) {
  for (size_t i = hash & (qs->cap - 1); qs->table[i] != NULL; i = (i + 1) & (qs->cap - 1)) {
    struct consumequeue *q = qs->table[i];
    if (q->hash == hash && queue_is(q, topic, id)) return q;
  }
  return NULL;
}

static void table_place(struct consumequeue **table, size_t cap, struct consumequeue *q) {
  size_t i = q->hash & (cap - 1);
  while (table[i] != NULL) i = (i + 1) & (cap - 1);
  table[i] = q;
}

static enum status table_grow(struct queues *qs) {
  size_t cap = qs->cap * 2;
  struct consumequeue **table = calloc(cap, sizeof(struct consumequeue *));
  if (table == NULL) return STATUS_NO_MEMORY;
  for (size_t i = 0; i < qs->cap; i++)
    if (qs->table[i] != NULL) table_place(table, cap, qs->table[i]);
  free(qs->table);
  qs->table = table;
  qs->cap = cap;
  qs->moves++;
  return STATUS_OK;
}

void queues_forget(struct queues *qs, struct consumequeue *q) {
  size_t mask = qs->cap - 1, i = q->hash & mask;
  while (qs->table[i] != q) i = (i + 1) & mask;
  qs->table[i] = NULL;
  /* Whoever had to step over it moves up. */
  for (size_t k = (i + 1) & mask; qs->table[k] != NULL; k = (k + 1) & mask) {
    struct consumequeue *moved = qs->table[k];
    qs->table[k] = NULL;
    table_place(qs->table, qs->cap, moved);
  }
  qs->count--;
  qs->moves++;
  if (qs->last == q) qs->last = NULL;
  consumequeue_free(q);
}

/* ---- making and finding ---- */

static bool topic_is_directory(struct span topic) {
  if (topic.len == 0 || topic.len > TOPIC_LENGTH_MAX || topic.ptr[0] == '.') return false;
  return span_find(topic, '/', 0) == topic.len && span_find(topic, 0, 0) == topic.len;
}

static enum status queue_make(struct queues *qs, struct span topic, int32_t id, struct consumequeue **out) {
  if (!topic_is_directory(topic)) return STATUS_INVALID;
  if (qs->count >= QUEUES_MAX) return STATUS_LIMIT;
  if ((qs->count + 1) * 2 > qs->cap) {
    enum status status = table_grow(qs);
    if (status != STATUS_OK) return status;
  }
  size_t dir_len = strlen(qs->dir), size = dir_len + topic.len + 16;
  char *dir = malloc(size);
  if (dir == NULL) return STATUS_NO_MEMORY;
  snprintf(dir, size, "%s/%.*s/%" PRId32, qs->dir, SPAN_ARG(topic), id);
  struct consumequeue *q = consumequeue_new(&qs->desk, dir, span_of(dir + dir_len + 1, topic.len), id);
  if (q == NULL) return STATUS_NO_MEMORY;
  q->hash = queue_hash(qs->seed, topic, id);
  table_place(qs->table, qs->cap, q);
  qs->count++;
  *out = q;
  return STATUS_OK;
}

enum status queues_get(struct queues *qs, struct span topic, int32_t id, bool make, struct consumequeue **out) {
  struct consumequeue *q = qs->last;
  if (q == NULL || !queue_is(q, topic, id)) q = table_find(qs, queue_hash(qs->seed, topic, id), topic, id);
  if (q == NULL) {
    if (!make) return STATUS_NOT_FOUND;
    enum status status = queue_make(qs, topic, id, &q);
    if (status != STATUS_OK) return status;
  }
  qs->last = q;
  *out = q;
  return q->loaded ? STATUS_OK : consumequeue_load(q, qs->desk.commitlog->appended);
}

/* ---- all of them ---- */

/* The two trees that queues are in. */
enum tree { TREE_UNITS, TREE_EXT };
static const char *const tree_suffixes[] = {"", "_ext"};

static enum status queue_scan(struct queues *qs, enum tree tree, struct span topic, int32_t id, struct arena *arena,
                              bool repair, struct buf *why) {
  struct consumequeue *q = table_find(qs, queue_hash(qs->seed, topic, id), topic, id);
  enum status status = STATUS_OK;
  if (q == NULL) status = queue_make(qs, topic, id, &q);
  if (status != STATUS_OK) return status;
  if (tree == TREE_EXT) return consumequeue_add_ext(q, false, arena, repair, why);
  qs->found++;
  status = segments_load(&q->files, arena, repair, why);
  if (q->files.foreign) qs->scattered = true;
  return status;
}

static enum status topic_scan(struct queues *qs, enum tree tree, struct span topic, bool repair, struct buf *why) {
  struct disk *disk = qs->desk.disk;
  char path[DISK_PATH_MAX];
  struct arena names, files;
  struct disk_entry *entries;
  size_t count;
  if (snprintf(path, sizeof path, "%s%s/%.*s", qs->dir, tree_suffixes[tree], SPAN_ARG(topic)) >= (int)sizeof path)
    return STATUS_LIMIT;
  arena_init(&names, SCAN_ARENA_MAX);
  arena_init(&files, SCAN_ARENA_MAX);
  enum status status = disk->ops->list(disk, path, &names, &entries, &count);
  for (size_t i = 0; status == STATUS_OK && i < count; i++) {
    int32_t id;
    char text[21];
    /* DefaultMessageStore.loadConsumeQueue skips what is not a number; "+1" or "01" would be a second name. */
    if (!entries[i].directory || !span_to_i32(entries[i].name, &id)) continue;
    if (!span_equal(entries[i].name, span_of(text, i64_to_text(id, text)))) continue;
    status = queue_scan(qs, tree, topic, id, &files, repair, why);
    if (status == STATUS_OK && entries[i].foreign) qs->scattered = true;
    arena_reset(&files);
  }
  arena_fini(&files);
  arena_fini(&names);
  return status;
}

static enum status tree_scan(struct queues *qs, enum tree tree, bool repair, struct buf *why) {
  struct disk *disk = qs->desk.disk;
  char path[DISK_PATH_MAX];
  struct arena names;
  struct disk_entry *entries;
  size_t count;
  if (snprintf(path, sizeof path, "%s%s", qs->dir, tree_suffixes[tree]) >= (int)sizeof path) return STATUS_LIMIT;
  arena_init(&names, SCAN_ARENA_MAX);
  enum status status = disk->ops->list(disk, path, &names, &entries, &count);
  if (status == STATUS_NOT_FOUND) {
    status = STATUS_OK;
    count = 0;
  }
  for (size_t i = 0; status == STATUS_OK && i < count; i++) {
    if (!entries[i].directory || !topic_is_directory(entries[i].name)) continue;
    if (entries[i].foreign) qs->scattered = true;
    status = topic_scan(qs, tree, entries[i].name, repair, why);
  }
  arena_fini(&names);
  if (status != STATUS_OK && why->len == 0)
    buf_printf(why, "%s cannot be read: %s", path, status_text(status));
  return status;
}

enum status queues_scan(struct queues *qs, bool repair, struct buf *why) {
  enum status status = tree_scan(qs, TREE_UNITS, repair, why);
  return status == STATUS_OK ? tree_scan(qs, TREE_EXT, repair, why) : status;
}

bool queues_lost_ext(const struct queues *qs) {
  for (size_t i = 0; i < qs->cap; i++)
    if (qs->table[i] != NULL && qs->table[i]->ext != NULL && qs->table[i]->ext->lost) return true;
  return false;
}

enum status queues_find_ends(struct queues *qs, int64_t limit) {
  enum status status = STATUS_OK;
  for (size_t i = 0; i < qs->cap && status == STATUS_OK; i++)
    if (qs->table[i] != NULL) status = consumequeue_find_end(qs->table[i], limit);
  return status;
}

enum status queues_settle(struct queues *qs) {
  enum status status = STATUS_OK;
  for (size_t i = 0; i < qs->cap && status == STATUS_OK; i++)
    if (qs->table[i] != NULL) status = consumequeue_settle(qs->table[i]);
  return status;
}

enum status queues_reset_all(struct queues *qs) {
  enum status status = STATUS_OK;
  for (size_t i = 0; i < qs->cap && status == STATUS_OK; i++)
    if (qs->table[i] != NULL) status = consumequeue_reset(qs->table[i]);
  return status;
}

enum status queues_write_all(struct queues *qs) {
  enum status first = STATUS_OK;
  for (struct consumequeue *q = qs->desk.with_tail.oldest, *newer; q != NULL; q = newer) {
    newer = q->tail_link.newer;
    enum status status = consumequeue_write(q);
    if (first == STATUS_OK) first = status;
  }
  return first;
}

void queues_open_everything(struct queues *qs) {
  struct disk *disk = qs->desk.disk;
  if (qs->scattered) return;
  enum status status = disk->ops->make_dirs(disk, qs->dir);
  if (status == STATUS_OK) status = disk->ops->open(disk, qs->dir, DISK_DIRECTORY | DISK_EVERYTHING, 0, &qs->everything);
  if (status != STATUS_OK) log_info(qs->desk.log, "consume queues are synced one by one: %s", status_text(status));
}

bool queues_sync_at_once(const struct queues *qs) {
  if (qs->everything == NULL || qs->desk.ext.enabled) return false; /* ext files may be elsewhere */
  return (qs->all_owed || qs->desk.unsynced.count >= SYNC_AT_ONCE_MIN);
}

static enum status sync_at_once(struct queues *qs) {
  enum status status = qs->desk.disk->ops->sync_all(qs->desk.disk, qs->everything);
  if (status != STATUS_OK) return status;
  qs->all_owed = false;
  for (struct consumequeue *q; (q = qs->desk.unsynced.oldest) != NULL;) {
    q->names_unsynced = false;
    q->synced = q->written;
    consumequeue_is_synced(q);
  }
  return STATUS_OK;
}

enum status queues_sync_all(struct queues *qs) {
  enum status first = queues_write_all(qs);
  if (first == STATUS_OK && queues_sync_at_once(qs)) return sync_at_once(qs);
  for (struct consumequeue *q = qs->desk.unsynced.oldest, *newer; q != NULL; q = newer) {
    newer = q->sync_link.newer;
    enum status status = consumequeue_sync(q);
    if (first == STATUS_OK) first = status;
  }
  return first;
}

static int queue_order(const void *a, const void *b) {
  const struct consumequeue *x = *(struct consumequeue *const *)a, *y = *(struct consumequeue *const *)b;
  int order = span_compare(x->topic, y->topic);
  if (order != 0) return order;
  return x->id < y->id ? -1 : x->id > y->id;
}

enum status queues_sorted(struct queues *qs, struct span topic, struct consumequeue ***out, size_t *count) {
  struct consumequeue **list = malloc((qs->count + 1) * sizeof(struct consumequeue *));
  if (list == NULL) return STATUS_NO_MEMORY;
  size_t n = 0;
  for (size_t i = 0; i < qs->cap; i++) {
    struct consumequeue *q = qs->table[i];
    if (q != NULL && (topic.ptr == NULL || span_equal(q->topic, topic))) list[n++] = q;
  }
  if (n > 1) qsort(list, n, sizeof(struct consumequeue *), queue_order);
  *out = list;
  *count = n;
  return STATUS_OK;
}
