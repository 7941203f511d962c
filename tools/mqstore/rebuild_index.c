/* SPDX-License-Identifier: Apache-2.0
 *
 * IndexService.buildIndex and IndexFile.putKey for every record of the log.
 * Slots are kept in memory, entries go out in blocks.
 */
#include "tools/mqstore/rebuild.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum { BLOCK_ENTRIES = 4096 };

struct index_builder {
  struct rebuild *r;
  struct disk_file *file; /* NULL: none is open */
  struct index_header header;
  uint8_t *slots;
  uint8_t block[BLOCK_ENTRIES * INDEX_ENTRY_BYTES];
  int64_t block_first, block_count; /* entries in the block */
  int64_t last_name;
  int64_t end_ms, end_offset; /* of the file before */
  struct span keys[RECORD_KEYS_MAX + 1];
};

struct index_builder *index_builder_new(struct rebuild *r) {
  struct index_builder *b = calloc(1, sizeof *b);
  if (b == NULL) return NULL;
  b->r = r;
  b->slots = malloc((size_t)r->slots * INDEX_SLOT_BYTES);
  if (b->slots == NULL) {
    free(b);
    return NULL;
  }
  return b;
}

void index_builder_free(struct index_builder *b) {
  if (b == NULL) return;
  if (b->file != NULL) b->r->store->disk->ops->close(b->r->store->disk, b->file);
  free(b->slots);
  free(b);
}

/* yyyyMMddHHmmssSSS in local time, as UtilAll.timeMillisToHumanString; always greater than the one before. */
static int64_t file_name(struct index_builder *b, int64_t ms) {
  time_t seconds = (time_t)(ms / 1000);
  struct tm tm = {0};
  localtime_r(&seconds, &tm);
  int64_t name = tm.tm_year + 1900;
  name = name * 100 + tm.tm_mon + 1;
  name = name * 100 + tm.tm_mday;
  name = name * 100 + tm.tm_hour;
  name = name * 100 + tm.tm_min;
  name = name * 100 + tm.tm_sec;
  name = name * 1000 + (ms % 1000 + 1000) % 1000;
  if (name <= b->last_name) name = b->last_name + 1;
  b->last_name = name;
  return name;
}

static enum status file_begin(struct index_builder *b, int64_t store_ms) {
  char path[DISK_PATH_MAX];
  struct rebuild *r = b->r;
  struct disk *disk = r->store->disk;
  int64_t length = INDEX_HEADER + r->slots * INDEX_SLOT_BYTES + r->entries * INDEX_ENTRY_BYTES;
  if (snprintf(path, sizeof path, "%s/new/index/%017" PRId64, r->dir, file_name(b, store_ms)) >= (int)sizeof path)
    return STATUS_LIMIT;
  enum status status = disk->ops->open(disk, path, DISK_CREATE | DISK_EXCLUSIVE, length, &b->file);
  if (status != STATUS_OK) return status;
  memset(b->slots, 0, (size_t)r->slots * INDEX_SLOT_BYTES);
  b->header = (struct index_header){b->end_ms, b->end_ms, b->end_offset, b->end_offset, 0, 1};
  b->block_first = 1;
  b->block_count = 0;
  return STATUS_OK;
}

static enum status block_write(struct index_builder *b) {
  struct disk *disk = b->r->store->disk;
  if (b->block_count == 0) return STATUS_OK;
  struct span bytes = span_of(b->block, (size_t)b->block_count * INDEX_ENTRY_BYTES);
  int64_t at = INDEX_HEADER + b->r->slots * INDEX_SLOT_BYTES + b->block_first * INDEX_ENTRY_BYTES;
  enum status status = disk->ops->write(disk, b->file, at, &bytes, 1);
  b->block_first += b->block_count;
  b->block_count = 0;
  return status;
}

static enum status file_end_write(struct index_builder *b) {
  struct disk *disk = b->r->store->disk;
  uint8_t head[INDEX_HEADER];
  const struct index_header *h = &b->header;
  enum status status = block_write(b);
  put_i64(head, h->begin_ms);
  put_i64(head + 8, h->end_ms);
  put_i64(head + 16, h->begin_offset);
  put_i64(head + 24, h->end_offset);
  put_i32(head + 32, h->slot_count);
  put_i32(head + 36, h->count);
  struct span parts[2] = {span_of(head, sizeof head), span_of(b->slots, (size_t)b->r->slots * INDEX_SLOT_BYTES)};
  if (status == STATUS_OK) status = disk->ops->write(disk, b->file, 0, parts, 2);
  if (status == STATUS_OK) status = disk->ops->sync(disk, b->file);
  disk->ops->close(disk, b->file);
  b->file = NULL;
  b->end_ms = h->end_ms;
  b->end_offset = h->end_offset;
  return status;
}

static int32_t time_difference(const struct index_header *h, int64_t store_ms) {
  int64_t seconds = h->begin_ms <= 0 ? 0 : difference_of(store_ms, h->begin_ms) / 1000;
  return seconds < 0 ? 0 : seconds > INT32_MAX ? INT32_MAX : (int32_t)seconds;
}

static enum status put_key(struct index_builder *b, const struct log_item *item, struct span key) {
  struct index_header *h = &b->header;
  int64_t store_ms = item->message.store_ms;
  enum status status = STATUS_OK;
  if (b->file != NULL && h->count >= b->r->entries) status = file_end_write(b);
  if (status == STATUS_OK && b->file == NULL) status = file_begin(b, store_ms);
  if (status == STATUS_OK && b->block_count == BLOCK_ENTRIES) status = block_write(b);
  if (status != STATUS_OK) return status;
  int32_t hash = index_hash(item->message.topic, key);
  uint8_t *slot = b->slots + hash % b->r->slots * INDEX_SLOT_BYTES;
  uint8_t *p = b->block + b->block_count++ * INDEX_ENTRY_BYTES;
  put_i32(p, hash);
  put_i64(p + 4, item->record_offset);
  put_i32(p + 12, time_difference(h, store_ms)); /* a new file still has the times of the one before */
  put_i32(p + 16, get_i32(slot));
  put_i32(slot, h->count);
  if (h->count <= 1) {
    h->begin_offset = item->record_offset;
    h->begin_ms = store_ms;
  }
  h->end_offset = item->record_offset;
  h->end_ms = store_ms;
  h->slot_count++;
  h->count++;
  b->r->keys++;
  return STATUS_OK;
}

enum status index_builder_put(struct index_builder *b, const struct log_item *item) {
  enum status status = STATUS_OK;
  size_t n = record_keys(&item->message, b->keys);
  for (size_t i = 0; i < n && status == STATUS_OK; i++) status = put_key(b, item, b->keys[i]);
  return status;
}

enum status index_builder_finish(struct index_builder *b) {
  char path[DISK_PATH_MAX];
  enum status status = b->file == NULL ? STATUS_OK : file_end_write(b);
  if (status != STATUS_OK) return status;
  if (snprintf(path, sizeof path, "%s/new/index", b->r->dir) >= (int)sizeof path) return STATUS_LIMIT;
  return b->r->store->disk->ops->sync_dir(b->r->store->disk, path);
}
