/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mqstore/files.h"

#include <inttypes.h>
#include <stdio.h>

void file_cache_init(struct file_cache *c, struct disk *disk) { *c = (struct file_cache){.disk = disk}; }

static void cache_unlink(struct file_cache *c, struct numbered_file *f) {
  *(f->newer != NULL ? &f->newer->older : &c->newest) = f->older;
  *(f->older != NULL ? &f->older->newer : &c->oldest) = f->newer;
  f->newer = f->older = NULL;
}

static void cache_link(struct file_cache *c, struct numbered_file *f) {
  f->older = c->newest;
  *(c->newest != NULL ? &c->newest->newer : &c->oldest) = f;
  c->newest = f;
}

static void cache_close(struct file_cache *c, struct numbered_file *f) {
  cache_unlink(c, f);
  c->disk->ops->close(c->disk, f->file);
  f->file = NULL;
  f->view = NULL;
  c->open--;
}

void file_cache_fini(struct file_cache *c) {
  while (c->newest != NULL) cache_close(c, c->newest);
}

struct span file_view(struct numbered_file *file) {
  struct file_cache *c = file->list->cache;
  if (file->file != NULL) {
    if (c->newest != file) {
      cache_unlink(c, file);
      cache_link(c, file);
    }
    return span_of(file->view, (size_t)file->length);
  }
  if (file->length == 0) return span_of("", 0);
  char path[DISK_PATH_MAX];
  if (snprintf(path, sizeof path, "%s/%020" PRId64, file->list->dir, file->start) >= (int)sizeof path) {
    c->trouble = STATUS_LIMIT;
    return SPAN_NONE;
  }
  enum status status = c->disk->ops->open(c->disk, path, DISK_READ_ONLY, file->length, &file->file);
  if (status != STATUS_OK) {
    c->trouble = status;
    file->file = NULL;
    return SPAN_NONE;
  }
  file->view = c->disk->ops->view(c->disk, file->file);
  cache_link(c, file);
  if (++c->open > FILES_OPEN_MAX) cache_close(c, c->oldest);
  return span_of(file->view, (size_t)file->length);
}

static bool number_of(struct span name, int64_t *number) {
  if (name.len != FILE_NAME_DIGITS) return false;
  for (size_t i = 0; i < name.len; i++)
    if (name.ptr[i] < '0' || name.ptr[i] > '9') return false;
  return span_to_i64(name, number);
}

/* The length most files have; of equals the first. */
static int64_t usual_length(const struct file_list *l) {
  int64_t best = 0;
  size_t best_votes = 0;
  for (size_t i = 0; i < l->count && best_votes <= l->count / 2; i++) {
    size_t votes = 0;
    for (size_t j = i; j < l->count; j++) votes += l->files[j].length == l->files[i].length;
    if (votes > best_votes) {
      best_votes = votes;
      best = l->files[i].length;
    }
  }
  return best;
}

static enum status list_sort(struct file_list *list, struct arena *arena, const struct disk_entry *entries,
                             size_t count) {
  list->files = arena_zalloc(arena, count + 1, sizeof *list->files);
  list->strangers = arena_zalloc(arena, count + 1, sizeof *list->strangers);
  if (list->files == NULL || list->strangers == NULL) return STATUS_NO_MEMORY;
  for (size_t i = 0; i < count; i++) {
    int64_t start;
    if (entries[i].directory || !number_of(entries[i].name, &start) || start > INT64_MAX - entries[i].length) {
      list->strangers[list->stranger_count++] = entries[i].name;
      continue;
    }
    list->files[list->count++] = (struct numbered_file){.list = list, .start = start, .length = entries[i].length};
  }
  list->file_length = usual_length(list);
  return STATUS_OK;
}

enum status file_list_load(struct file_list *list, struct file_cache *cache, struct arena *arena, const char *dir,
                           const char *label) {
  *list = (struct file_list){.cache = cache};
  list->dir = (const char *)arena_copy(arena, span_text(dir)).ptr;
  list->label = (const char *)arena_copy(arena, span_text(label)).ptr;
  if (list->dir == NULL || list->label == NULL) return STATUS_NO_MEMORY;
  struct disk_entry *entries;
  size_t count;
  enum status status = cache->disk->ops->list(cache->disk, dir, arena, &entries, &count);
  if (status == STATUS_NOT_FOUND) return STATUS_OK;
  if (status != STATUS_OK) return status;
  list->exists = true;
  return list_sort(list, arena, entries, count);
}

struct numbered_file *file_list_find(const struct file_list *list, int64_t offset) {
  size_t low = 0, high = list->count; /* the answer is the last file that starts at or before offset */
  if (list->count == 0 || offset < list->files[0].start) return NULL;
  if (list->file_length > 0) { /* right at once when there is no gap */
    size_t guess = (size_t)((offset - list->files[0].start) / list->file_length);
    if (guess < list->count && offset >= list->files[guess].start && offset < file_end(&list->files[guess]))
      return &list->files[guess];
  }
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (list->files[middle].start <= offset) low = middle;
    else high = middle;
  }
  return offset < file_end(&list->files[low]) ? &list->files[low] : NULL;
}

struct span file_list_at(const struct file_list *list, int64_t offset) {
  struct numbered_file *file = file_list_find(list, offset);
  if (file == NULL) return SPAN_NONE;
  struct span view = file_view(file);
  return view.ptr == NULL ? SPAN_NONE : span_from(view, (size_t)(offset - file->start));
}

void file_number_text(int64_t number, char out[FILE_NAME_DIGITS + 1]) {
  snprintf(out, FILE_NAME_DIGITS + 1, "%020" PRId64, number);
}

void file_list_name(const struct file_list *list, int64_t offset, char out[FILE_LABEL_MAX]) {
  const struct numbered_file *file = file_list_find(list, offset);
  if (file == NULL) snprintf(out, FILE_LABEL_MAX, "%s", list->label);
  else snprintf(out, FILE_LABEL_MAX, "%s/%020" PRId64, list->label, file->start);
}

size_t span_used(struct span s) {
  enum { BLOCK = 4096 };
  static const uint8_t zeros[BLOCK];
  size_t n = s.len;
  while (n >= BLOCK && memcmp(s.ptr + n - BLOCK, zeros, BLOCK) == 0) n -= BLOCK;
  while (n > 0 && s.ptr[n - 1] == 0) n--;
  return n;
}
