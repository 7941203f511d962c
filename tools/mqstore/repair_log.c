/* SPDX-License-Identifier: Apache-2.0
 *
 * The two changes of a commit log, and the copies made before. Whatever moment
 * a crash comes at, the log has the damage still, or not any more.
 */
#include "tools/mqstore/repair.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
  TOPIC_MIN = 1,

  RECORD_MAX = 1 << 20,
  ZERO_BYTES = 1 << 16
};
#define STAND_IN_TOPIC "REPAIRED"
#define STAND_IN_BODY "Taken out by mqstore repair; what was here lies in the directory repaired/. "

static enum status fail(struct repair *r, const char *path, enum status status) {
  snprintf(r->why, sizeof r->why, "%s: %s", path, status_text(status));
  return status;
}

/* ---- copies ---- */

static enum status save_part(struct repair *r, int64_t from, int64_t to) {
  char path[DISK_PATH_MAX];
  struct disk *disk = r->store->disk;
  struct disk_file *file;
  struct span bytes = file_list_at(r->files, from);
  if (snprintf(path, sizeof path, "%s/%020" PRId64, r->dir, from) >= (int)sizeof path) return STATUS_LIMIT;
  if (bytes.len > (size_t)(to - from)) bytes.len = (size_t)(to - from);
  enum status status = disk->ops->open(disk, path, DISK_CREATE | DISK_EXCLUSIVE, 0, &file);
  if (status != STATUS_OK) return fail(r, path, status);
  status = disk->ops->write(disk, file, 0, &bytes, 1);
  if (status == STATUS_OK) status = disk->ops->sync(disk, file);
  disk->ops->close(disk, file);
  return status == STATUS_OK ? status : fail(r, path, status);
}

/* One file for each log file it touches, named by the offset of its first byte. */
static enum status save(struct repair *r, int64_t from, int64_t to) {
  enum status status = STATUS_OK;
  while (from < to && status == STATUS_OK) {
    const struct numbered_file *f = file_list_find(r->files, from);
    if (f == NULL) return STATUS_NOT_FOUND;
    int64_t end = file_end(f) < to ? file_end(f) : to;
    status = save_part(r, from, end);
    from = end;
  }
  return status;
}

static enum status saved(struct repair *r) {
  char parent[DISK_PATH_MAX];
  struct disk *disk = r->store->disk;
  if (snprintf(parent, sizeof parent, "%s/repaired", r->store->root) >= (int)sizeof parent) return STATUS_LIMIT;
  enum status status = disk->ops->sync_dir(disk, r->dir);
  if (status == STATUS_OK) status = disk->ops->sync_dir(disk, parent);
  if (status == STATUS_OK) status = disk->ops->sync_dir(disk, r->store->root);
  return status == STATUS_OK ? status : fail(r, r->dir, status);
}

/* Our own marks say where the log ended and how far it was durable: no longer. */
static enum status forget_marks(struct repair *r) {
  static const char *const names[] = {"marks", "flushed"};
  struct disk *disk = r->store->disk;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const char *path = storedir_path(r->store, names[i]);
    if (path == NULL) return STATUS_NO_MEMORY;
    enum status status = disk->ops->remove(disk, path);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return fail(r, path, status);
  }
  return disk->ops->sync_dir(disk, r->store->root);
}

/* ---- writing ---- */

static enum status open_at(struct repair *r, int64_t offset, int64_t *start, struct disk_file **out) {
  char path[DISK_PATH_MAX];
  const struct numbered_file *f = file_list_find(r->files, offset);
  if (f == NULL) return STATUS_NOT_FOUND;
  *start = f->start;
  if (snprintf(path, sizeof path, "%s/%020" PRId64, r->files->dir, f->start) >= (int)sizeof path) return STATUS_LIMIT;
  enum status status = r->store->disk->ops->open(r->store->disk, path, 0, 0, out);
  return status == STATUS_OK ? status : fail(r, path, status);
}

/* [from, from + bytes.len) lies in one file. */
static enum status write_at(struct repair *r, struct disk_file *file, int64_t position, struct span bytes) {
  enum status status = r->store->disk->ops->write(r->store->disk, file, position, &bytes, 1);
  return status == STATUS_OK ? status : fail(r, r->files->dir, status);
}

static struct message stand_in(const struct hole *h, int64_t offset) {
  struct message m = {.physical_offset = offset,
                      .sys_flag = SYS_TRANSACTION_ROLLBACK,
                      .born_ms = h->store_ms,
                      .store_ms = h->store_ms,
                      .topic = SPAN_LITERAL(STAND_IN_TOPIC),
                      .body = SPAN_LITERAL(""),
                      .properties = SPAN_LITERAL("")};
  m.born_host = h->born_host;
  if (m.born_host.ip_len != 4) m.born_host = (struct net_peer){.ip_len = 4};
  m.store_host = (struct net_peer){.ip_len = 4};
  return m;
}

static size_t stand_in_min(void) {
  struct hole h = {0};
  struct message m = stand_in(&h, 0);
  return message_size(&m) - m.topic.len + TOPIC_MIN;
}

/* A record of exactly `size` bytes, at least stand_in_min(). */
static void stand_in_write(const struct hole *h, int64_t offset, size_t size, uint8_t *out, uint8_t *body) {
  struct message m = stand_in(h, offset);
  size_t least = message_size(&m);
  if (size < least) m.topic.len -= least - size;
  else m.body = span_of(body, size - least);
  for (size_t i = 0; i < m.body.len; i++) body[i] = (uint8_t)STAND_IN_BODY[i % (sizeof STAND_IN_BODY - 1)];
  message_encode(&m, out);
}

/* Bytes [from, to) of one file into out. False: the space is too small for any record. */
static bool fill(const struct hole *h, int64_t from, int64_t to, const struct numbered_file *f, uint8_t *out,
                 uint8_t *body) {
  const int64_t least = (int64_t)stand_in_min();
  int64_t records_end = to;
  if (to == file_end(f)) { /* a filler; a file that is nothing else would have no time (replay looks at it) */
    records_end = from == f->start && to - from >= least + BLANK_SIZE_MIN ? from + least : from;
    if (to - records_end < BLANK_SIZE_MIN) return false;
    put_i32(out + (records_end - from), (int32_t)(to - records_end));
    put_u32(out + (records_end - from) + 4, BLANK_MAGIC);
  }
  for (int64_t at = from; at < records_end;) {
    int64_t n = records_end - at;
    if (n < least) return false;
    if (n > RECORD_MAX) n = n - RECORD_MAX < least ? RECORD_MAX - least : RECORD_MAX;
    stand_in_write(h, at, (size_t)n, out + (at - from), body);
    at += n;
  }
  return true;
}

/* The bytes that come into the place of [from, to), for free(); NULL: out of memory or too small. */
static uint8_t *part_make(struct repair *r, const struct hole *h, int64_t from, int64_t to) {
  const struct numbered_file *f = file_list_find(r->files, from);
  uint8_t *out = calloc(1, (size_t)(to - from)), *body = malloc(RECORD_MAX);
  bool good = f != NULL && out != NULL && body != NULL && fill(h, from, to, f, out, body);
  if (!good)
    snprintf(r->why, sizeof r->why,
             "%" PRId64 " damaged bytes at offset %" PRId64 " are too few for a record: only --cut", to - from, from);
  free(body);
  if (good) return out;
  free(out);
  return NULL;
}

static int64_t part_end(const struct repair *r, int64_t from, int64_t to) {
  const struct numbered_file *f = file_list_find(r->files, from);
  return f != NULL && file_end(f) < to ? file_end(f) : to;
}

static enum status skip_part(struct repair *r, const struct hole *h, int64_t from, int64_t to) {
  int64_t start;
  struct disk_file *file = NULL;
  uint8_t *bytes = part_make(r, h, from, to);
  if (bytes == NULL) return STATUS_LIMIT;
  enum status status = open_at(r, from, &start, &file);
  if (status == STATUS_OK) status = write_at(r, file, from - start, span_of(bytes, (size_t)(to - from)));
  if (status == STATUS_OK) status = r->store->disk->ops->sync(r->store->disk, file);
  r->store->disk->ops->close(r->store->disk, file);
  free(bytes);
  return status;
}

/* Every hole could be filled: known before anything is changed. */
static enum status skip_check(struct repair *r) {
  for (size_t i = 0; i < r->count; i++) {
    const struct hole *h = &r->holes[i];
    for (int64_t at = h->from, end; at < h->to; at = end) {
      end = part_end(r, at, h->to);
      uint8_t *bytes = part_make(r, h, at, end);
      if (bytes == NULL) return STATUS_LIMIT;
      free(bytes);
    }
  }
  return STATUS_OK;
}

enum status repair_skip(struct repair *r) {
  enum status status = skip_check(r);
  for (size_t i = 0; i < r->count && status == STATUS_OK; i++) status = save(r, r->holes[i].from, r->holes[i].to);
  if (status == STATUS_OK) status = saved(r);
  if (status == STATUS_OK) status = forget_marks(r);
  for (size_t i = 0; i < r->count && status == STATUS_OK; i++)
    for (int64_t at = r->holes[i].from, end; at < r->holes[i].to && status == STATUS_OK; at = end) {
      end = part_end(r, at, r->holes[i].to);
      status = skip_part(r, &r->holes[i], at, end);
    }
  return status;
}

/* ---- cut ---- */

static enum status zero(struct repair *r, int64_t from, int64_t to) {
  static const uint8_t zeros[ZERO_BYTES];
  int64_t start;
  struct disk_file *file = NULL;
  enum status status = open_at(r, from, &start, &file);
  for (int64_t at = from; at < to && status == STATUS_OK; at += ZERO_BYTES) {
    size_t n = to - at < ZERO_BYTES ? (size_t)(to - at) : ZERO_BYTES;
    status = write_at(r, file, at - start, span_of(zeros, n));
  }
  if (status == STATUS_OK) status = r->store->disk->ops->sync(r->store->disk, file);
  r->store->disk->ops->close(r->store->disk, file);
  return status;
}

/* Files behind the one that holds `from` move as they are, the last one first. */
static enum status move_files(struct repair *r, int64_t from) {
  char old[DISK_PATH_MAX], new[DISK_PATH_MAX];
  struct disk *disk = r->store->disk;
  enum status status = STATUS_OK;
  for (size_t i = r->files->count; i-- > 0 && r->files->files[i].start > from && status == STATUS_OK;) {
    int64_t start = r->files->files[i].start;
    if (snprintf(old, sizeof old, "%s/%020" PRId64, r->files->dir, start) >= (int)sizeof old ||
        snprintf(new, sizeof new, "%s/%020" PRId64, r->dir, start) >= (int)sizeof new)
      return STATUS_LIMIT;
    status = disk->ops->rename(disk, old, new);
    if (status != STATUS_OK) fail(r, old, status);
  }
  if (status == STATUS_OK) status = disk->ops->sync_dir(disk, r->dir);
  return status == STATUS_OK ? disk->ops->sync_dir(disk, r->files->dir) : status;
}

enum status repair_cut(struct repair *r) {
  int64_t from = r->holes[0].from;
  struct span rest = file_list_at(r->files, from);
  int64_t to = from + (int64_t)span_used(rest);
  enum status status = save(r, from, to);
  if (status == STATUS_OK) status = saved(r);
  if (status == STATUS_OK) status = forget_marks(r);
  if (status == STATUS_OK) status = move_files(r, from);
  return status == STATUS_OK ? zero(r, from, to) : status;
}
