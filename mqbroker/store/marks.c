/* SPDX-License-Identifier: Apache-2.0
 *
 * Two small files of our own in the root, which Java passes over:
 *   marks    left by an orderly close: where the log ends;
 *   flushed  how far the log is durable, written after a sync has worked and
 *            never synced itself: whatever version of it a crash leaves was
 *            true when it was written. When a sync fails it just stays behind,
 *            so a disk that takes no more writes cannot make it lie.
 */
#include "mqbroker/store/recovery.h"

#define MARKS_LENGTH 48
#define MARKS_MAGIC 0x4D514D41524B5331u /* MQMARKS1 */
#define FLUSHED_LENGTH 32
#define FLUSHED_MAGIC 0x4D51464C53483031u /* MQFLSH01 */
#define FLUSHED_NAME "flushed"
#define FLUSHED_STEPS 1024 /* of a log file: so far the mark may stay behind */

enum status recovery_leave_marks(struct store *s) {
  uint8_t bytes[MARKS_LENGTH] = {0};
  char path[DISK_PATH_MAX];
  if (!store_path(s, "marks", path)) return STATUS_LIMIT;
  put_u64(bytes, MARKS_MAGIC);
  put_i64(bytes + 8, s->commitlog.appended);
  put_i64(bytes + 16, s->last_ms);
  put_i64(bytes + 24, s->checkpoint.physic_ms);
  put_i64(bytes + 32, s->checkpoint.logics_ms);
  put_i64(bytes + 40, s->config.segment_length);
  return disk_replace_whole(s->disk, path, span_of(bytes, sizeof bytes), false);
}

bool marks_hold(struct store *s, struct walk *w) {
  struct commitlog *c = &s->commitlog;
  char path[DISK_PATH_MAX];
  struct buf b;
  buf_init(&b, MARKS_LENGTH);
  bool hold = store_path(s, "marks", path) && disk_read_whole(s->disk, path, &b) == STATUS_OK &&
              b.len == MARKS_LENGTH && get_u64(b.ptr) == MARKS_MAGIC &&
              get_i64(b.ptr + 24) == s->checkpoint.physic_ms && get_i64(b.ptr + 32) == s->checkpoint.logics_ms &&
              get_i64(b.ptr + 40) == s->config.segment_length;
  if (hold) {
    w->at = get_i64(b.ptr + 8);
    w->last_ms = get_i64(b.ptr + 16);
  }
  buf_fini(&b);
  if (!hold || w->at < c->files.first || w->at > c->files.end || w->at <= c->files.end - c->files.length) return false;
  struct segment *g;
  if (w->at == c->files.end) return true;
  if (segments_at(&c->files, w->at, &g) != STATUS_OK) return false;
  int64_t at = w->at - g->start;
  return c->files.length - at < BLANK_SIZE_MIN || get_u64(g->view + at) == 0;
}

static enum status file_remove(struct store *s, const char *name) {
  char path[DISK_PATH_MAX];
  if (!store_path(s, name, path)) return STATUS_LIMIT;
  enum status status = s->disk->ops->remove(s->disk, path);
  return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status marks_remove(struct store *s, bool forget) {
  enum status status = file_remove(s, "marks");
  return status == STATUS_OK && forget ? file_remove(s, FLUSHED_NAME) : status;
}

void flushed_mark_read(struct store *s, struct flushed_mark *out) {
  char path[DISK_PATH_MAX];
  struct buf b;
  *out = (struct flushed_mark){-1, -1};
  buf_init(&b, FLUSHED_LENGTH);
  if (store_path(s, FLUSHED_NAME, path) && disk_read_whole(s->disk, path, &b) == STATUS_OK && b.len == FLUSHED_LENGTH &&
      get_u64(b.ptr) == FLUSHED_MAGIC && get_i64(b.ptr + 24) == body_crc32(span_of(b.ptr, 24)))
    *out = (struct flushed_mark){get_i64(b.ptr + 8), get_i64(b.ptr + 16)};
  buf_fini(&b);
}

/* On a full disk the store works without. */
void flushed_mark_open(struct store *s) {
  char path[DISK_PATH_MAX];
  enum status status = STATUS_LIMIT;
  if (store_path(s, FLUSHED_NAME, path))
    status = s->disk->ops->open(s->disk, path, DISK_CREATE, 0, &s->flushed_file);
  if (status == STATUS_OK) return;
  s->flushed_file = NULL;
  log_warn(s->log, "%s/" FLUSHED_NAME " cannot be opened: %s; the next recovery will write more than it must", s->root,
           status_text(status));
}

void flushed_mark_move(struct store *s, int64_t offset, int64_t last_ms) {
  struct flusher *f = &s->flusher;
  uint8_t bytes[FLUSHED_LENGTH];
  if (s->flushed_file == NULL || last_ms < 0 || offset - f->marked < s->config.segment_length / FLUSHED_STEPS) return;
  put_u64(bytes, FLUSHED_MAGIC);
  put_i64(bytes + 8, offset);
  put_i64(bytes + 16, last_ms);
  put_i64(bytes + 24, body_crc32(span_of(bytes, 24)));
  struct span part = span_of(bytes, sizeof bytes);
  enum status status = s->disk->ops->write(s->disk, s->flushed_file, 0, &part, 1);
  f->marked = offset;
  if (status != STATUS_OK) log_warn(s->log, "%s/" FLUSHED_NAME " cannot be written: %s", s->root, status_text(status));
}
