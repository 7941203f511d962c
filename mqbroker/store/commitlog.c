/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/store/commitlog.h"
#include "mqbroker/store/record.h"

#include <assert.h>
#include <stdlib.h>

enum status commitlog_init(struct commitlog *c, struct disk *disk, struct log *log, const char *dir,
                           int64_t segment_length, size_t record_max) {
  *c = (struct commitlog){.disk = disk, .log = log};
  segment_cache_init(&c->cache, disk);
  c->dir = strdup(dir);
  c->stage_cap = record_max > COMMITLOG_STAGE_BYTES ? record_max : COMMITLOG_STAGE_BYTES;
  c->stage = malloc(c->stage_cap + BLANK_SIZE_MIN);
  if (c->dir == NULL || c->stage == NULL) {
    free(c->dir);
    free(c->stage);
    return STATUS_NO_MEMORY;
  }
  segments_init(&c->files, &c->cache, c->dir, segment_length);
  return STATUS_OK;
}

void commitlog_fini(struct commitlog *c) {
  segments_fini(&c->files);
  free(c->dir);
  free(c->stage);
}

void commitlog_rollback(struct commitlog *c) {
  int64_t reached = c->stage_start + (int64_t)c->stage_len;
  if (reached > c->appended && reached > c->wipe_until) c->wipe_until = reached;
  c->stage_start = c->appended;
  c->stage_len = 0;
}

enum status commitlog_wipe(struct commitlog *c) {
  int64_t at = c->stage_start;
  while (at < c->wipe_until && at < c->files.end) {
    struct segment *g;
    enum status status = segments_at(&c->files, at, &g);
    if (status != STATUS_OK) return status;
    int64_t end = g->start + c->files.length;
    if (end > c->wipe_until) end = c->wipe_until;
    status = segment_zero(g, at, end);
    if (status != STATUS_OK) return status;
    at = end;
  }
  c->wipe_until = 0;
  return STATUS_OK;
}

static enum status stage_write(struct commitlog *c) {
  if (c->stage_len == 0) return STATUS_OK;
  enum status status = STATUS_OK;
  if (c->wipe_until > c->stage_start) status = commitlog_wipe(c);
  struct segment *g;
  if (status == STATUS_OK) status = segments_at(&c->files, c->stage_start, &g);
  if (status == STATUS_OK) status = segment_write(g, c->stage_start, span_of(c->stage, c->stage_len));
  if (status != STATUS_OK) return status;
  c->stage_start += (int64_t)c->stage_len;
  c->stage_len = 0;
  return STATUS_OK;
}

/* The file that begins at c->stage_start, when the stage stands at a boundary. */
static enum status file_begin(struct commitlog *c) {
  if (!segments_empty(&c->files) && c->stage_start < c->files.end) return STATUS_OK;
  assert(c->stage_len == 0);
  struct segment *g;
  enum status status = segments_add(&c->files, c->stage_start, DISK_ALLOCATE, &g);
  if (status == STATUS_OK) status = c->disk->ops->sync_dir(c->disk, c->dir);
  return status;
}

static int64_t room_left(const struct commitlog *c) {
  if (segments_empty(&c->files)) return 0;
  int64_t end = c->stage_start + (int64_t)c->stage_len;
  if (end >= c->files.end) return 0;
  return segments_start_of(&c->files, end) + c->files.length - end;
}

/* Filler to the end of the file (CommitLog.DefaultAppendMessageCallback.doAppend), then the next file. */
static enum status file_roll(struct commitlog *c, int64_t room) {
  int64_t filler = room >= BLANK_SIZE_MIN ? BLANK_SIZE_MIN : 0;
  if (filler > 0) {
    put_i32(c->stage + c->stage_len, (int32_t)room);
    put_u32(c->stage + c->stage_len + 4, BLANK_MAGIC);
    c->stage_len += (size_t)filler;
  }
  enum status status = stage_write(c);
  if (status != STATUS_OK) return status;
  c->stage_start += room - filler;
  return file_begin(c);
}

enum status commitlog_reserve(struct commitlog *c, size_t size, uint8_t **out, int64_t *offset) {
  assert(size <= c->stage_cap && (int64_t)size + BLANK_SIZE_MIN <= c->files.length);
  int64_t room = room_left(c);
  enum status status = STATUS_OK;
  if ((int64_t)size + BLANK_SIZE_MIN > room) {
    status = file_roll(c, room);
  } else if (c->stage_len + size > c->stage_cap) {
    status = stage_write(c);
  }
  if (status != STATUS_OK) {
    commitlog_rollback(c);
    return status;
  }
  *out = c->stage + c->stage_len;
  *offset = c->stage_start + (int64_t)c->stage_len;
  c->stage_len += size;
  return STATUS_OK;
}

enum status commitlog_append(struct commitlog *c, struct span bytes) {
  while (bytes.len > 0) {
    int64_t end = commitlog_end(c);
    bool boundary = segments_empty(&c->files) || end >= c->files.end || end == segments_start_of(&c->files, end);
    enum status status = boundary || c->stage_len == c->stage_cap ? stage_write(c) : STATUS_OK;
    if (status == STATUS_OK && boundary) status = file_begin(c);
    if (status != STATUS_OK) {
      commitlog_rollback(c);
      return status;
    }
    size_t n = c->stage_cap - c->stage_len, room = (size_t)room_left(c);
    if (n > room) n = room;
    if (n > bytes.len) n = bytes.len;
    memcpy(c->stage + c->stage_len, bytes.ptr, n);
    c->stage_len += n;
    bytes = span_from(bytes, n);
  }
  return STATUS_OK;
}

enum status commitlog_begin_at(struct commitlog *c, int64_t offset) {
  assert(!commitlog_staged(c) && offset % c->files.length == 0);
  enum status status = segments_drop_from(&c->files, c->files.first);
  if (status == STATUS_OK) c->appended = c->stage_start = offset;
  return status;
}

enum status commitlog_commit(struct commitlog *c) {
  enum status status = stage_write(c);
  if (status == STATUS_OK) c->appended = c->stage_start;
  else commitlog_rollback(c);
  return status;
}

enum status commitlog_prepare(struct commitlog *c) {
  if (c->entries || segments_empty(&c->files) || c->files.end - c->appended > c->files.length / 2) return STATUS_OK;
  if (commitlog_staged(c)) return STATUS_OK;
  struct segment *g;
  enum status status = segments_add(&c->files, c->files.end, DISK_ALLOCATE, &g);
  if (status == STATUS_OK) status = c->disk->ops->sync_dir(c->disk, c->dir);
  return status;
}

void commitlog_zero_ahead(struct commitlog *c) {
  const int64_t page = 4096;
  int64_t from = (c->stage_start + page - 1) / page * page, until = c->stage_start + COMMITLOG_ZERO_AHEAD;
  if (c->zeroed - c->stage_start >= COMMITLOG_ZERO_AHEAD / 2) return;
  if (from < c->zeroed) from = c->zeroed;
  c->zeroed = until;
  while (from < until && from < c->files.end) {
    struct segment *g;
    if (segments_at(&c->files, from, &g) != STATUS_OK) return;
    int64_t end = g->start + c->files.length < until ? g->start + c->files.length : until;
    enum status status = segment_zero(g, from, end);
    if (status != STATUS_OK) { /* what matters will meet the same and say more */
      log_debug(c->log, "zeros cannot be written ahead: %s", status_text(status));
      return;
    }
    from = end;
  }
  if (c->zeroed > c->files.end) c->zeroed = c->files.end;
}

enum status commitlog_record(struct commitlog *c, int64_t offset, struct span *out) {
  if (offset < c->files.first || offset > c->appended - RECORD_SIZE_MIN) return STATUS_NOT_FOUND;
  struct segment *g;
  enum status status = segments_at(&c->files, offset, &g);
  if (status != STATUS_OK) return status;
  int64_t room = g->start + c->files.length - offset;
  if (room > c->appended - offset) room = c->appended - offset;
  if (room < RECORD_SIZE_MIN) return STATUS_NOT_FOUND;
  const uint8_t *p = g->view + (offset - g->start);
  int64_t size = record_size(p);
  if (record_magic(p) != MESSAGE_MAGIC || record_physical_offset(p) != offset) return STATUS_NOT_FOUND;
  if (size < RECORD_SIZE_MIN || size > room) return STATUS_NOT_FOUND;
  *out = span_of(p, (size_t)size);
  return STATUS_OK;
}

int64_t commitlog_time_at(struct commitlog *c, int64_t offset) {
  struct span record;
  return commitlog_record(c, offset, &record) == STATUS_OK ? record_store_ms(record.ptr) : -1;
}
