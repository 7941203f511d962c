/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/lens.h"
#include "tests/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const lens_op_names[LENS_OP_COUNT] = {
#define X(name, text) text,
    LENS_OPS(X)
#undef X
};

struct lens_file {
  struct disk_file *inner;
  bool directory;
  char path[256];
};

static struct lens *lens_of(struct disk *disk) { return (struct lens *)disk; }
static struct lens_file *file_of(struct disk_file *file) { return (struct lens_file *)file; }

const char *lens_text(const struct lens *l) {
  static char text[512];
  int n = snprintf(text, sizeof text, "%llu %s %s", (unsigned long long)l->calls, lens_op_names[l->op], l->path);
  if (l->bytes > 0) snprintf(text + n, sizeof text - (size_t)n, ": %zu bytes at %lld", l->bytes, (long long)l->offset);
  return text;
}

/* The tests' own work is not what runs out of memory. */
static bool begin(struct lens *l, enum lens_op op, const char *path, size_t bytes) {
  bool armed = memory_hold();
  if (l->quiet > 0) return armed;
  l->calls++;
  l->by_op[op]++;
  l->op = op;
  l->bytes = bytes;
  snprintf(l->path, sizeof l->path, "%s", path);
  if (op != LENS_WRITE) l->part_count = 0;
  if (l->before != NULL) l->before(l->context);
  if (l->fail_at == 0 || l->calls < l->fail_at || l->calls - l->fail_at >= l->fail_calls) return armed;
  struct sim_disk_fault fault = {
      .ops = SIM_OPEN | SIM_WRITE | SIM_SYNC | SIM_NAMES | SIM_READ, .status = l->fail_status, .torn = l->fail_torn};
  sim_disk_fail(l->host, &fault);
  if (!l->failed) snprintf(l->failed_text, sizeof l->failed_text, "%s", lens_text(l));
  l->failed = true;
  return armed;
}

static void end(struct lens *l, bool armed) {
  sim_disk_fail(l->host, NULL);
  memory_release(armed);
}

static bool ends_with(const char *path, const char *end) {
  size_t n = strlen(path), m = strlen(end);
  return n >= m && strcmp(path + n - m, end) == 0;
}
static bool in_log(const char *path) { return strstr(path, "/commitlog/") != NULL; }
static bool in_queue(const char *path) { return strstr(path, "/consumequeue/") != NULL; }

/* ---- files ---- */

static enum status wrap(struct lens *l, const char *path, enum status status, struct disk_file *inner,
                        struct disk_file **out) {
  (void)l;
  *out = NULL;
  if (status != STATUS_OK) return status;
  struct lens_file *f = calloc(1, sizeof *f);
  if (f == NULL) abort();
  f->inner = inner;
  snprintf(f->path, sizeof f->path, "%s", path);
  *out = (struct disk_file *)f;
  return STATUS_OK;
}

/* With the lie the table itself is written where its successor should have been prepared. */
static const char *place_of(const struct lens *l, const char *path, char out[DISK_PATH_MAX]) {
  size_t n = strlen(path);
  if (l->lie != LIE_IN_PLACE || !ends_with(path, ".json.tmp")) return path;
  snprintf(out, DISK_PATH_MAX, "%.*s", (int)(n - 4), path);
  return out;
}

static enum status op_open(struct disk *disk, const char *path, int flags, int64_t length, struct disk_file **out) {
  struct lens *l = lens_of(disk);
  struct disk_file *inner = NULL;
  char other[DISK_PATH_MAX];
  bool armed = begin(l, LENS_OPEN, path, 0);
  if (l->lie == LIE_NO_ABORT && ends_with(path, "/abort")) path = "/store/lock";
  enum status status = l->inner->ops->open(l->inner, place_of(l, path, other), flags, length, &inner);
  status = wrap(l, path, status, inner, out);
  if (status == STATUS_OK) file_of(*out)->directory = (flags & DISK_DIRECTORY) != 0;
  end(l, armed);
  return status;
}

static enum status op_lock(struct disk *disk, const char *path, struct disk_file **out) {
  struct lens *l = lens_of(disk);
  struct disk_file *inner = NULL;
  bool armed = begin(l, LENS_LOCK, path, 0);
  enum status status = l->inner->ops->lock(l->inner, path, &inner);
  status = wrap(l, path, status, inner, out);
  end(l, armed);
  return status;
}

static void op_close(struct disk *disk, struct disk_file *file) {
  struct lens *l = lens_of(disk);
  if (file == NULL) return;
  l->inner->ops->close(l->inner, file_of(file)->inner);
  free(file);
}

static bool all_zero(const struct span *parts, size_t count) {
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < parts[i].len; j++)
      if (parts[i].ptr[j] != 0) return false;
  return true;
}

/* Times a minute later than the truth. */
static enum status write_ahead(struct lens *l, struct disk_file *inner, int64_t offset, struct span bytes) {
  uint8_t copy[24];
  for (size_t i = 0; i < sizeof copy; i += 8) {
    uint64_t value = 0;
    for (size_t j = 0; j < 8; j++) value = value << 8 | bytes.ptr[i + j];
    value += 60000;
    for (size_t j = 0; j < 8; j++) copy[i + j] = (uint8_t)(value >> (56 - 8 * j));
  }
  struct span part = span_of(copy, sizeof copy);
  return l->inner->ops->write(l->inner, inner, offset, &part, 1);
}

static enum status op_write(struct disk *disk, struct disk_file *file, int64_t offset, const struct span *parts,
                            size_t count) {
  struct lens *l = lens_of(disk);
  struct lens_file *f = file_of(file);
  size_t total = 0;
  for (size_t i = 0; i < count; i++) total += parts[i].len;
  l->file = f->inner;
  l->offset = offset;
  l->parts = parts;
  l->part_count = count;
  bool armed = begin(l, LENS_WRITE, f->path, total);
  enum status status;
  if (l->lie == LIE_NO_WIPE && in_log(f->path) && all_zero(parts, count)) status = STATUS_OK;
  else if (l->lie == LIE_CHECKPOINT_AHEAD && ends_with(f->path, "/checkpoint") && parts[0].len == 24)
    status = write_ahead(l, f->inner, offset, parts[0]);
  else status = l->inner->ops->write(l->inner, f->inner, offset, parts, count);
  end(l, armed);
  return status;
}

static enum status op_read(struct disk *disk, struct disk_file *file, int64_t offset, void *out, size_t len,
                           size_t *got) {
  struct lens *l = lens_of(disk);
  bool armed = begin(l, LENS_READ, file_of(file)->path, 0);
  enum status status = l->inner->ops->read(l->inner, file_of(file)->inner, offset, out, len, got);
  end(l, armed);
  return status;
}

static const uint8_t *op_view(struct disk *disk, struct disk_file *file) {
  struct lens *l = lens_of(disk);
  return l->inner->ops->view(l->inner, file_of(file)->inner);
}

static int64_t op_data_end(struct disk *disk, struct disk_file *file) {
  struct lens *l = lens_of(disk);
  return l->inner->ops->data_end(l->inner, file_of(file)->inner);
}

static int64_t op_length(struct disk *disk, struct disk_file *file) {
  struct lens *l = lens_of(disk);
  return l->inner->ops->length(l->inner, file_of(file)->inner);
}

static enum status op_truncate(struct disk *disk, struct disk_file *file, int64_t length) {
  struct lens *l = lens_of(disk);
  bool armed = begin(l, LENS_TRUNCATE, file_of(file)->path, 0);
  enum status status = l->inner->ops->truncate(l->inner, file_of(file)->inner, length);
  end(l, armed);
  return status;
}

/* ---- durability ---- */

static bool sync_skipped(const struct lens *l, const struct lens_file *f) {
  const char *path = f->path;
  return (l->lie == LIE_NO_DIR_SYNC && f->directory) || (l->lie == LIE_NO_LOG_SYNC && in_log(path)) ||
         (l->lie == LIE_NO_QUEUE_SYNC && in_queue(path)) ||
         (l->lie == LIE_NO_TABLE_SYNC && ends_with(path, ".json.tmp"));
}

static enum status op_sync(struct disk *disk, struct disk_file *file) {
  struct lens *l = lens_of(disk);
  struct lens_file *f = file_of(file);
  bool armed = begin(l, LENS_SYNC, f->path, 0);
  enum status status = sync_skipped(l, f) ? STATUS_OK : l->inner->ops->sync(l->inner, f->inner);
  l->failed_sync = l->failed_sync || status != STATUS_OK;
  end(l, armed);
  return status;
}

/* What is to be skipped syncs the lock instead: the answer comes all the same. */
static enum status sync_of_nothing(struct lens *l, uint64_t token) {
  struct disk_file *nothing;
  enum status status = l->inner->ops->open(l->inner, "/store/lock", DISK_CREATE, 0, &nothing);
  if (status != STATUS_OK) return status;
  status = l->inner->ops->sync_start(l->inner, nothing, token);
  l->inner->ops->close(l->inner, nothing);
  return status;
}

static enum status op_sync_start(struct disk *disk, struct disk_file *file, uint64_t token) {
  struct lens *l = lens_of(disk);
  struct lens_file *f = file_of(file);
  bool armed = begin(l, LENS_SYNC_START, f->path, 0);
  bool fails = l->failed && l->calls >= l->fail_at && l->calls - l->fail_at < l->fail_calls;
  enum status status = sync_skipped(l, f) ? sync_of_nothing(l, token)
                                          : l->inner->ops->sync_start(l->inner, f->inner, token);
  l->failed_sync = l->failed_sync || fails;
  if (fails && in_log(f->path)) l->failed_log_token = token;
  end(l, armed);
  return status;
}

static enum status op_sync_all(struct disk *disk, struct disk_file *file) {
  struct lens *l = lens_of(disk);
  bool armed = begin(l, LENS_SYNC_ALL, file_of(file)->path, 0);
  enum status status = l->inner->ops->sync_all(l->inner, file_of(file)->inner);
  l->failed_sync = l->failed_sync || status != STATUS_OK;
  end(l, armed);
  return status;
}

static enum status op_sync_all_start(struct disk *disk, struct disk_file *file, uint64_t token) {
  struct lens *l = lens_of(disk);
  bool armed = begin(l, LENS_SYNC_ALL_START, file_of(file)->path, 0);
  bool fails = l->failed && l->calls >= l->fail_at && l->calls - l->fail_at < l->fail_calls;
  enum status status = l->inner->ops->sync_all_start(l->inner, file_of(file)->inner, token);
  l->failed_sync = l->failed_sync || fails;
  end(l, armed);
  return status;
}

void lens_synced(struct lens *l) {
  bool armed = begin(l, LENS_SYNCED, "", 0);
  end(l, armed);
}

/* ---- names ---- */

static enum status op_make_dirs(struct disk *disk, const char *path) {
  struct lens *l = lens_of(disk);
  bool armed = begin(l, LENS_MAKE_DIRS, path, 0);
  enum status status = l->inner->ops->make_dirs(l->inner, path);
  end(l, armed);
  return status;
}

static enum status op_list(struct disk *disk, const char *path, struct arena *arena, struct disk_entry **out,
                           size_t *count) {
  struct lens *l = lens_of(disk);
  bool armed = begin(l, LENS_LIST, path, 0);
  enum status status = l->inner->ops->list(l->inner, path, arena, out, count);
  end(l, armed);
  return status;
}

static enum status op_stat(struct disk *disk, const char *path, struct disk_entry *out) {
  struct lens *l = lens_of(disk);
  bool armed = begin(l, LENS_STAT, path, 0);
  enum status status = l->inner->ops->stat(l->inner, path, out);
  end(l, armed);
  return status;
}

static enum status op_remove(struct disk *disk, const char *path) {
  struct lens *l = lens_of(disk);
  bool armed = begin(l, LENS_REMOVE, path, 0);
  enum status status = l->inner->ops->remove(l->inner, path);
  end(l, armed);
  return status;
}

static enum status op_rename(struct disk *disk, const char *from, const char *to) {
  struct lens *l = lens_of(disk);
  char other[DISK_PATH_MAX];
  bool armed = begin(l, LENS_RENAME, to, 0);
  enum status status = place_of(l, from, other) != from ? STATUS_OK : l->inner->ops->rename(l->inner, from, to);
  end(l, armed);
  return status;
}

static enum status op_sync_dir(struct disk *disk, const char *path) {
  struct lens *l = lens_of(disk);
  bool armed = begin(l, LENS_SYNC_DIR, path, 0);
  enum status status = l->lie == LIE_NO_DIR_SYNC ? STATUS_OK : l->inner->ops->sync_dir(l->inner, path);
  l->failed_sync = l->failed_sync || status != STATUS_OK;
  end(l, armed);
  return status;
}

/* The imagined disk always knows its size; here the question may fail. */
static enum status op_space(struct disk *disk, const char *path, int64_t *total, int64_t *left) {
  struct lens *l = lens_of(disk);
  bool armed = begin(l, LENS_SPACE, path, 0);
  bool fails = l->fail_at > 0 && l->calls >= l->fail_at && l->calls - l->fail_at < l->fail_calls;
  enum status status = fails ? l->fail_status : l->inner->ops->space(l->inner, path, total, left);
  end(l, armed);
  return status;
}

static const struct disk_ops lens_ops = {
    .open = op_open,
    .close = op_close,
    .write = op_write,
    .read = op_read,
    .view = op_view,
    .sync = op_sync,
    .sync_start = op_sync_start,
    .sync_all = op_sync_all,
    .sync_all_start = op_sync_all_start,
    .data_end = op_data_end,
    .length = op_length,
    .truncate = op_truncate,
    .make_dirs = op_make_dirs,
    .list = op_list,
    .stat = op_stat,
    .remove = op_remove,
    .rename = op_rename,
    .sync_dir = op_sync_dir,
    .space = op_space,
    .lock = op_lock,
};

void lens_init(struct lens *l, struct sim_host *host) {
  *l = (struct lens){.disk = {&lens_ops}, .inner = sim_host_disk(host), .host = host};
}
