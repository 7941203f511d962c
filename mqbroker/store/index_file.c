/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of the key index: names, bytes, open and shut
 * (org.apache.rocketmq.store.index.{IndexFile,IndexHeader}).
 */
#include "mqbroker/store/index.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME_DIGITS 17

/* ---- bytes ---- */

void index_entry_get(const uint8_t *p, struct index_entry *out) {
  out->hash = get_i32(p);
  out->offset = get_i64(p + 4);
  out->seconds = get_i32(p + 12);
  out->previous = get_i32(p + 16);
}

void index_entry_put(uint8_t *p, const struct index_entry *e) {
  put_i32(p, e->hash);
  put_i64(p + 4, e->offset);
  put_i32(p + 12, e->seconds);
  put_i32(p + 16, e->previous);
}

/* A count of 0 on disk is a file that was never written to (IndexHeader.load). */
void index_header_get(const uint8_t *p, struct index_header *out) {
  out->begin_ms = get_i64(p);
  out->end_ms = get_i64(p + 8);
  out->begin_offset = get_i64(p + 16);
  out->end_offset = get_i64(p + 24);
  out->slot_count = get_i32(p + 32);
  out->count = get_i32(p + 36);
  if (out->count <= 0) out->count = 1;
}

void index_header_put(uint8_t *p, const struct index_header *h) {
  put_i64(p, h->begin_ms);
  put_i64(p + 8, h->end_ms);
  put_i64(p + 16, h->begin_offset);
  put_i64(p + 24, h->end_offset);
  put_i32(p + 32, h->slot_count);
  put_i32(p + 36, h->count);
}

int64_t index_file_length(const struct index_config *config) {
  return INDEX_HEADER_SIZE + (int64_t)config->slots * INDEX_SLOT_SIZE + (int64_t)config->entries * INDEX_ENTRY_SIZE;
}

/* Java keeps a file's length in an int. */
bool index_config_valid(const struct index_config *config) {
  if (config->slots == 0) return true;
  return config->slots > 0 && config->slots <= INDEX_SLOTS_MAX && config->entries >= 2 &&
         index_file_length(config) < INT32_MAX;
}

/* ---- names ---- */

int64_t index_name_parse(struct span name) {
  int64_t number;
  if (name.len != NAME_DIGITS || name.ptr[0] < '0' || name.ptr[0] > '9') return -1;
  return span_to_i64(name, &number) ? number : -1;
}

/* UtilAll.timeMillisToHumanString. */
int64_t index_name_of(int64_t wall_ms) {
  const int64_t day_ms = 86400000;
  int64_t days = wall_ms / day_ms, ms = wall_ms % day_ms;
  if (ms < 0) {
    ms += day_ms;
    days--;
  }
  /* Years are taken to begin in March, so that the leap day is the last one; 400 of them are an era. */
  days += 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097, day_of_era = days - era * 146097;
  int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t march_month = (5 * day_of_year + 2) / 153, day = day_of_year - (153 * march_month + 2) / 5 + 1;
  int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
  int64_t year = year_of_era + era * 400 + (month <= 2);
  int64_t date = (year * 100 + month) * 100 + day;
  int64_t time = (ms / 3600000 * 100 + ms / 60000 % 60) * 100 + ms / 1000 % 60;
  return (date * 1000000 + time) * 1000 + ms % 1000;
}

static enum status file_path(const struct index *ix, int64_t name, char out[DISK_PATH_MAX]) {
  int n = snprintf(out, DISK_PATH_MAX, "%s/%0*" PRId64, ix->dir, NAME_DIGITS, name);
  return n < DISK_PATH_MAX ? STATUS_OK : STATUS_LIMIT;
}

/* ---- open and shut ---- */

void index_file_close(struct index *ix, struct index_file *f) {
  if (f->file == NULL) return;
  ix->disk->ops->close(ix->disk, f->file);
  f->file = NULL;
  f->view = NULL;
  ix->open--;
}

static void shut_oldest(struct index *ix, const struct index_file *keep) {
  struct index_file *oldest = NULL;
  for (size_t i = 0; i + 1 < ix->count; i++) {
    struct index_file *f = &ix->files[i];
    if (f == keep || f->file == NULL) continue;
    if (oldest == NULL || f->used < oldest->used) oldest = f;
  }
  if (oldest != NULL) index_file_close(ix, oldest);
}

static enum status file_open(struct index *ix, struct index_file *f, int flags) {
  char path[DISK_PATH_MAX];
  int64_t length = index_file_length(&ix->config);
  enum status status = file_path(ix, f->name, path);
  if (status == STATUS_OK) status = ix->disk->ops->open(ix->disk, path, flags, length, &f->file);
  if (status != STATUS_OK) {
    f->file = NULL;
    return status;
  }
  f->view = ix->disk->ops->view(ix->disk, f->file);
  ix->open++;
  return STATUS_OK;
}

enum status index_file_open(struct index *ix, struct index_file *f) {
  f->used = ++ix->uses;
  if (f->file != NULL) return STATUS_OK;
  if (ix->open >= INDEX_FILES_OPEN_MAX) shut_oldest(ix, f);
  return file_open(ix, f, 0);
}

enum status index_file_remove(struct index *ix, size_t at) {
  char path[DISK_PATH_MAX];
  struct index_file *f = &ix->files[at];
  if (f->name == ix->live) ix->live = 0;
  index_file_close(ix, f);
  enum status status = file_path(ix, f->name, path);
  if (status == STATUS_OK) status = ix->disk->ops->remove(ix->disk, path);
  if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
  ix->count--;
  memmove(f, f + 1, (ix->count - at) * sizeof *f);
  ix->names_unsynced = true;
  return STATUS_OK;
}

/* ---- the newest file ---- */

static size_t group_count(const struct index *ix) {
  return ((size_t)ix->config.slots + INDEX_GROUP_SLOTS - 1) / INDEX_GROUP_SLOTS;
}

enum status index_file_begin(struct index *ix, bool fresh) {
  size_t groups = group_count(ix);
  ix->live = 0;
  if (ix->slots == NULL) ix->slots = calloc(groups * INDEX_GROUP_SLOTS, INDEX_SLOT_SIZE);
  else if (fresh)
    for (size_t g = 0; g < groups; g++)
      if (ix->groups[g] != GROUP_ABSENT)
        memset(ix->slots + g * INDEX_GROUP_SLOTS * INDEX_SLOT_SIZE, 0, INDEX_GROUP_SLOTS * INDEX_SLOT_SIZE);
  if (ix->groups == NULL) ix->groups = malloc(groups);
  if (ix->block == NULL) ix->block = malloc((size_t)INDEX_BLOCK_ENTRIES * INDEX_ENTRY_SIZE);
  if (ix->slots == NULL || ix->groups == NULL || ix->block == NULL) return STATUS_NO_MEMORY;
  memset(ix->groups, fresh ? GROUP_LOADED : GROUP_ABSENT, groups);
  ix->due = 0;
  ix->block_first = ix->files[ix->count - 1].header.count;
  ix->live = ix->files[ix->count - 1].name;
  return STATUS_OK;
}

static enum status files_room(struct index *ix) {
  if (ix->count < ix->cap) return STATUS_OK;
  size_t cap = ix->cap == 0 ? INDEX_FILES_OPEN_MAX : ix->cap * 2;
  struct index_file *grown = realloc(ix->files, cap * sizeof *grown);
  if (grown == NULL) return STATUS_NO_MEMORY;
  ix->files = grown;
  ix->cap = cap;
  return STATUS_OK;
}

/* IndexService.getAndCreateLastIndexFile, IndexFile's constructor: times and offsets go on from the file before.
 * Two files of one millisecond, or a clock that went back, must not change the order of the names. */
enum status index_file_add(struct index *ix, struct moment now) {
  enum status status = files_room(ix);
  if (status != STATUS_OK) return status;
  struct index_file f = {.name = index_name_of(now.wall_ms + (int64_t)ix->config.utc_offset_s * 1000),
                         .header = {.count = 1}, .used = ++ix->uses, .unsynced = true};
  if (ix->count > 0) {
    const struct index_file *last = &ix->files[ix->count - 1];
    if (f.name <= last->name) f.name = last->name + 1;
    f.header.begin_ms = f.header.end_ms = last->header.end_ms;
    f.header.begin_offset = f.header.end_offset = last->header.end_offset;
  }
  if (ix->open >= INDEX_FILES_OPEN_MAX) shut_oldest(ix, NULL);
  status = file_open(ix, &f, DISK_CREATE | DISK_EXCLUSIVE);
  if (status != STATUS_OK) return status;
  ix->files[ix->count++] = f;
  ix->names_unsynced = ix->dirty = true;
  status = index_file_begin(ix, true);
  if (status == STATUS_OK) return STATUS_OK;
  enum status removed = index_file_remove(ix, ix->count - 1);
  return removed == STATUS_OK ? status : removed;
}
