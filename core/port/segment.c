/* SPDX-License-Identifier: Apache-2.0 */
#include "core/port/segment.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME_DIGITS 20
#define ZERO_BLOCK 65536
#define ZERO_PARTS 16

static const uint8_t zeros[ZERO_BLOCK];

void segment_cache_init(struct segment_cache *cache, struct disk *disk) {
  *cache = (struct segment_cache){.disk = disk};
}

static void cache_unlink(struct segment *g) {
  struct segment_cache *cache = g->cache;
  if (g->newer != NULL) g->newer->older = g->older;
  else cache->newest = g->older;
  if (g->older != NULL) g->older->newer = g->newer;
  else cache->oldest = g->newer;
  g->newer = g->older = NULL;
}

static void cache_push(struct segment *g) {
  struct segment_cache *cache = g->cache;
  g->newer = NULL;
  g->older = cache->newest;
  if (cache->newest != NULL) cache->newest->newer = g;
  else cache->oldest = g;
  cache->newest = g;
}

static void list_unlink(struct segment *g) {
  struct segment **at = &g->list->open;
  while (*at != g) at = &(*at)->next;
  *at = g->next;
}

static void segment_free(struct segment *g) {
  list_unlink(g);
  cache_unlink(g);
  g->cache->open--;
  g->cache->disk->ops->close(g->cache->disk, g->file);
  free(g);
}

/* Somebody may still read its view. */
static bool in_use(const struct segment *g) { return g->cache->epoch != 0 && g->used >= g->cache->epoch; }

void segment_cache_trim(struct segment_cache *cache, size_t limit) {
  struct segment *g = cache->oldest;
  while (g != NULL && cache->open > limit) {
    struct segment *newer = g->newer;
    if (!in_use(g)) segment_free(g);
    g = newer;
  }
}

void segments_init(struct segments *list, struct segment_cache *cache, const char *dir, int64_t length) {
  assert(length > 0);
  *list = (struct segments){.cache = cache, .dir = dir, .length = length};
}

void segments_fini(struct segments *list) {
  while (list->open != NULL) segment_free(list->open);
  list->first = list->end = 0;
}

enum status segment_path(const struct segments *list, int64_t start, char out[DISK_PATH_MAX]) {
  const char *dir = list->old_dir != NULL && start < list->old_end ? list->old_dir : list->dir;
  int n = snprintf(out, DISK_PATH_MAX, "%s/%020" PRId64, dir, start);
  return n < DISK_PATH_MAX ? STATUS_OK : STATUS_LIMIT;
}

static bool name_parse(struct span name, int64_t *start) {
  if (name.len != NAME_DIGITS) return false;
  for (size_t i = 0; i < name.len; i++)
    if (name.ptr[i] < '0' || name.ptr[i] > '9') return false;
  return span_to_i64(name, start);
}

static enum status names_check(const struct segments *list, const struct disk_entry *entries, size_t count, bool repair,
                               int64_t *first, struct buf *why) {
  int64_t expected = 0;
  for (size_t i = 0; i < count; i++) {
    const struct disk_entry *e = &entries[i];
    int64_t start;
    if (e->directory || !name_parse(e->name, &start)) {
      buf_printf(why, "%s/%.*s is not a file named by 20 digits", list->dir, SPAN_ARG(e->name));
      return STATUS_INVALID;
    }
    if (e->length > list->length || (e->length < list->length && !repair)) {
      buf_printf(why, "%s/%.*s is %" PRId64 " bytes long, the configured file size is %" PRId64, list->dir,
                 SPAN_ARG(e->name), e->length, list->length);
      return STATUS_INVALID;
    }
    if (i == 0) *first = start;
    else if (start != expected) {
      buf_printf(why, "%s: the file at offset %" PRId64 " is missing, the next one is %.*s", list->dir, expected,
                 SPAN_ARG(e->name));
      return STATUS_CORRUPT;
    }
    if (start > INT64_MAX - list->length) return STATUS_INVALID;
    expected = start + list->length;
  }
  return STATUS_OK;
}

enum status segments_load(struct segments *list, struct arena *arena, bool repair, struct buf *why) {
  struct disk *disk = list->cache->disk;
  struct disk_entry *entries;
  size_t count;
  int64_t first = 0;
  enum status status = disk->ops->list(disk, list->dir, arena, &entries, &count);
  if (status == STATUS_NOT_FOUND) return STATUS_OK;
  if (status != STATUS_OK) {
    buf_printf(why, "%s cannot be listed: %s", list->dir, status_text(status));
    return status;
  }
  status = names_check(list, entries, count, repair, &first, why);
  if (status != STATUS_OK) return status;
  list->first = first;
  list->end = first + (int64_t)count * list->length;
  for (size_t i = 0; i < count && status == STATUS_OK; i++) {
    struct segment *g;
    if (entries[i].foreign) list->foreign = true;
    if (entries[i].length < list->length) status = segments_at(list, first + (int64_t)i * list->length, &g);
  }
  if (status != STATUS_OK) buf_printf(why, "%s: a short file cannot be extended: %s", list->dir, status_text(status));
  return status;
}

int64_t segments_start_of(const struct segments *list, int64_t offset) {
  assert(offset >= list->first);
  return offset - (offset - list->first) % list->length;
}

static enum status segment_open(struct segments *list, int64_t start, int flags, struct segment **out) {
  struct disk *disk = list->cache->disk;
  char path[DISK_PATH_MAX];
  enum status status = segment_path(list, start, path);
  if (status != STATUS_OK) return status;
  struct segment *g = calloc(1, sizeof *g);
  if (g == NULL) return STATUS_NO_MEMORY;
  status = disk->ops->open(disk, path, flags | list->open_flags, list->length, &g->file);
  if (status != STATUS_OK) {
    free(g);
    return status;
  }
  g->view = disk->ops->view(disk, g->file);
  g->had_hole = (list->open_flags & DISK_RANDOM) == 0 && disk->ops->data_end(disk, g->file) < list->length;
  g->start = start;
  g->cache = list->cache;
  g->list = list;
  g->next = list->open;
  list->open = g;
  cache_push(g);
  g->cache->open++;
  g->used = g->cache->epoch;
  *out = g;
  return STATUS_OK;
}

static struct segment *open_find(struct segments *list, int64_t start) {
  for (struct segment **at = &list->open; *at != NULL; at = &(*at)->next) {
    struct segment *g = *at;
    if (g->start != start) continue;
    *at = g->next;
    g->next = list->open;
    list->open = g;
    return g;
  }
  return NULL;
}

enum status segments_at(struct segments *list, int64_t offset, struct segment **out) {
  if (offset < list->first || offset >= list->end) return STATUS_NOT_FOUND;
  struct segment *g = list->open;
  if (g == NULL || offset < g->start || offset - g->start >= list->length) {
    int64_t start = segments_start_of(list, offset);
    g = open_find(list, start);
    if (g == NULL) return segment_open(list, start, 0, out);
  }
  if (g->cache->newest != g) {
    cache_unlink(g);
    cache_push(g);
  }
  g->used = g->cache->epoch;
  *out = g;
  return STATUS_OK;
}

/* The file before the newest one is still being filled perhaps. What is older was opened with a hole that is none any
 * more: it is closed, to be opened again as one that is read ahead. */
static void close_filled(struct segments *list) {
  for (struct segment *g = list->open, *next; g != NULL; g = next) {
    next = g->next;
    if (g->start + 2 * list->length < list->end && g->had_hole && !in_use(g)) segment_free(g);
  }
}

enum status segments_add(struct segments *list, int64_t start, int flags, struct segment **out) {
  bool empty = segments_empty(list);
  if (!empty) start = list->end;
  enum status status = segment_open(list, start, DISK_CREATE | flags, out);
  if (status != STATUS_OK) {
    /* A file that could not be reserved whole must not stay: Java refuses a short one. */
    char path[DISK_PATH_MAX];
    struct disk *disk = list->cache->disk;
    enum status removed = segment_path(list, start, path);
    if (removed == STATUS_OK) removed = disk->ops->remove(disk, path);
    (void)removed;
    return status;
  }
  if (empty) list->first = start;
  list->end = start + list->length;
  close_filled(list);
  return STATUS_OK;
}

enum status segments_drop_from(struct segments *list, int64_t offset) {
  struct disk *disk = list->cache->disk;
  while (!segments_empty(list) && list->end - list->length >= offset) {
    int64_t start = list->end - list->length;
    char path[DISK_PATH_MAX];
    struct segment *g = open_find(list, start);
    if (g != NULL) segment_free(g);
    enum status status = segment_path(list, start, path);
    if (status == STATUS_OK) status = disk->ops->remove(disk, path);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    list->end = start;
  }
  return STATUS_OK;
}

enum status segments_drop_first(struct segments *list) {
  struct disk *disk = list->cache->disk;
  char path[DISK_PATH_MAX];
  assert(list->end - list->first > list->length);
  enum status status = segment_path(list, list->first, path);
  if (status == STATUS_OK) status = disk->ops->remove(disk, path);
  if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
  list->first += list->length;
  if (list->cache->epoch == 0) segments_close_dropped(list);
  return STATUS_OK;
}

void segments_close_dropped(struct segments *list) {
  for (struct segment *g = list->open, *next; g != NULL; g = next) {
    next = g->next;
    if (g->start < list->first && !in_use(g)) segment_free(g);
  }
}

enum status segment_write(struct segment *segment, int64_t offset, struct span bytes) {
  struct disk *disk = segment->cache->disk;
  return disk->ops->write(disk, segment->file, offset - segment->start, &bytes, 1);
}

enum status segment_zero(struct segment *segment, int64_t from, int64_t to) {
  struct disk *disk = segment->cache->disk;
  struct span parts[ZERO_PARTS];
  while (from < to) {
    size_t count = 0;
    int64_t at = from;
    for (; count < ZERO_PARTS && at < to; count++) {
      int64_t n = to - at < ZERO_BLOCK ? to - at : ZERO_BLOCK;
      parts[count] = span_of(zeros, (size_t)n);
      at += n;
    }
    enum status status = disk->ops->write(disk, segment->file, from - segment->start, parts, count);
    if (status != STATUS_OK) return status;
    from = at;
  }
  return STATUS_OK;
}

int64_t segment_data_end(const struct segment *segment) {
  struct disk *disk = segment->cache->disk;
  int64_t end = disk->ops->data_end(disk, segment->file);
  return segment->start + (end < segment->list->length ? end : segment->list->length);
}

int64_t segment_last_nonzero(const struct segment *segment, int64_t from, int64_t quiet) {
  const int64_t block = 4096, length = segment_data_end(segment) - segment->start;
  int64_t at = from - segment->start, last = at;
  while (at < length && (quiet <= 0 || at - last < quiet)) {
    int64_t n = length - at < block ? length - at : block;
    if (memcmp(segment->view + at, zeros, (size_t)n) != 0) {
      last = at + n;
      while (segment->view[last - 1] == 0) last--;
    }
    at += n;
  }
  return segment->start + last;
}
