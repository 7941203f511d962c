/* SPDX-License-Identifier: Apache-2.0
 *
 * recovery: from the files of a store, however they were left, to a log with
 * an end and queues that match it (CommitLog.recoverNormally,
 * recoverAbnormally; DefaultMessageStore.recover).
 *
 * First everything is read and nothing is changed, so that a store that must
 * not be opened stays as it is. Three ways:
 *   marks     this program closed the store: the end of the log is known;
 *   normal    no abort file: the last three log files are checked;
 *   abnormal  from the file the checkpoint vouches for, all records are checked
 *             and the queues are built again from there.
 *
 * After a failed fsync the kernel may call pages clean that never reached the
 * disk, and show them to the next process. So an abnormal recovery writes the
 * bytes again that nobody vouches for; the flusher syncs them as it does new
 * ones.
 */
#include "mqbroker/store/recovery.h"
#include "mqbroker/store/record.h"

#include <inttypes.h>

#define NORMAL_FILES 3

/* ---- reading only ---- */

/* CommitLog.isMappedFileMatchedRecover, from the newest file back. */
static enum status replay_file(struct store *s, int64_t *out) {
  struct commitlog *c = &s->commitlog;
  int64_t limit_ms = checkpoint_min(&s->checkpoint);
  int64_t start = c->files.end - c->files.length;
  for (; start > c->files.first; start -= c->files.length) {
    struct segment *g;
    segment_cache_trim(&c->cache, COMMITLOG_OPEN_MAX);
    enum status status = segments_at(&c->files, start, &g);
    if (status != STATUS_OK) return status;
    const uint8_t *record = g->view + commitlog_head(c, start);
    if (record_magic(record) != MESSAGE_MAGIC) continue;
    int64_t ms = record_store_ms(record);
    if (ms != 0 && ms <= limit_ms) break;
  }
  *out = start;
  return STATUS_OK;
}

/* Whether it is there; what cannot be looked at is not just missing. */
static enum status file_look(struct store *s, const char *name, bool *there, struct buf *why) {
  char path[DISK_PATH_MAX];
  struct disk_entry entry;
  if (!store_path(s, name, path)) return STATUS_LIMIT;
  enum status status = s->disk->ops->stat(s->disk, path, &entry);
  *there = status == STATUS_OK;
  if (*there || status == STATUS_NOT_FOUND) return STATUS_OK;
  buf_printf(why, "%s cannot be looked at: %s", path, status_text(status));
  return status;
}

/* ---- changing ---- */

/* From here on a crash must be seen as one. `forget`: see marks_remove. */
static enum status mark_running(struct store *s, bool forget) {
  char path[DISK_PATH_MAX];
  struct disk_file *file;
  if (!store_path(s, "abort", path)) return STATUS_LIMIT;
  enum status status = s->disk->ops->open(s->disk, path, DISK_CREATE, 0, &file);
  if (status != STATUS_OK) return status;
  s->disk->ops->close(s->disk, file);
  status = marks_remove(s, forget);
  return status == STATUS_OK ? s->disk->ops->sync_dir(s->disk, s->root) : status;
}

/* The log ends here: later files go, what is left of this one becomes zero, durably, so that no old record comes back
 * behind a new one. */
static enum status log_cut(struct store *s, int64_t end) {
  struct commitlog *c = &s->commitlog;
  enum status status = STATUS_OK;
  if (end < c->files.end) {
    struct segment *g;
    int64_t file = segments_start_of(&c->files, end);
    status = segments_drop_from(&c->files, file + c->files.length);
    if (status == STATUS_OK) status = segments_at(&c->files, end, &g);
    if (status != STATUS_OK) return status;
    int64_t dirty = segment_last_nonzero(g, end, LOG_QUIET_BYTES);
    if (dirty > end) {
      log_warn(s->log, "commit log: no valid record at offset %" PRId64 ", %" PRId64 " bytes are cut off", end,
               dirty - end);
      status = segment_zero(g, end, dirty);
      if (status == STATUS_OK) status = s->disk->ops->sync(s->disk, g->file);
    }
  }
  c->appended = c->stage_start = end;
  return status;
}

/* The same bytes once more, through the staging buffer, which is empty now. */
static enum status log_write_again(struct store *s, int64_t from) {
  struct commitlog *c = &s->commitlog;
  for (int64_t at = from; at < c->appended;) {
    struct segment *g;
    segment_cache_trim(&c->cache, COMMITLOG_OPEN_MAX);
    enum status status = segments_at(&c->files, at, &g);
    if (status != STATUS_OK) return status;
    int64_t end = g->start + c->files.length, n = (int64_t)c->stage_cap;
    if (end > c->appended) end = c->appended;
    if (n > end - at) n = end - at;
    memcpy(c->stage, g->view + (at - g->start), (size_t)n);
    status = segment_write(g, at, span_of(c->stage, (size_t)n));
    if (status != STATUS_OK) return status;
    at += n;
  }
  return STATUS_OK;
}

/* A clean close synced everything, but it may not have been ours. */
static enum status log_sync_from(struct store *s, int64_t from) {
  struct commitlog *c = &s->commitlog;
  for (int64_t at = from; at < c->files.end; at += c->files.length) {
    struct segment *g;
    segment_cache_trim(&c->cache, COMMITLOG_OPEN_MAX);
    enum status status = segments_at(&c->files, at, &g);
    if (status == STATUS_OK) status = s->disk->ops->sync(s->disk, g->file);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

/* Up to where the log is known to be durable: the flushed mark if the record it names is there, or what the
 * checkpoint says. */
static int64_t durable_until(const struct walk *w, int64_t from) {
  int64_t until = from;
  if (w->fresh_at > until) until = w->fresh_at;
  else if (w->fresh_at < 0) until = w->at; /* every record is older than the checkpoint */
  if (w->landmark > until && w->landmark_ms >= 0) until = w->landmark;
  return until < w->at ? until : w->at;
}

/* The log has whatever is in ext units but for bit maps: queues that lack some are built again. */
static enum status replay_from(struct store *s, int64_t from, struct moment now, struct buf *why) {
  enum status status = STATUS_OK;
  if (queues_lost_ext(&s->queues)) {
    log_warn(s->log, "extended queues lack units: all queues are built again");
    from = s->commitlog.files.first;
    status = queues_disown(s);
    if (status == STATUS_OK) status = queues_find_ends(&s->queues, from);
  }
  if (status == STATUS_OK) status = replay(s, from, now, why);
  return status == STATUS_OK ? queues_settle(&s->queues) : status;
}

static int64_t dispatched_until(struct store *s) {
  int64_t max = s->commitlog.files.first;
  for (size_t i = 0; i < s->queues.cap; i++) {
    struct consumequeue *q = s->queues.table[i];
    if (q != NULL && q->physical_max > max) max = q->physical_max;
  }
  return max;
}

static enum status files_read(struct store *s, bool clean, struct buf *why) {
  struct commitlog *c = &s->commitlog;
  char path[DISK_PATH_MAX];
  struct arena names;
  arena_init(&names, (size_t)1 << 26);
  enum status status = s->config.group != NULL ? group_files(s, &names, why)
                                               : segments_load(&c->files, &names, !clean, why);
  arena_fini(&names);
  if (status == STATUS_OK) status = queues_scan(&s->queues, !clean, why);
  if (status == STATUS_OK) status = index_scan(&s->index, !clean, why);
  if (status == STATUS_OK) {
    status = store_path(s, "checkpoint", path) ? checkpoint_read(s->disk, path, &s->checkpoint) : STATUS_LIMIT;
    if (status != STATUS_OK) buf_printf(why, "%s cannot be read: %s", path, status_text(status));
  }
  return status;
}

/* An empty log: DefaultMessageStore destroys the queues then. */
static enum status recover_empty(struct store *s, struct moment now, struct buf *why) {
  enum status status = mark_running(s, true);
  if (status == STATUS_OK && s->queues.count > 0) {
    log_warn(s->log, "the commit log is empty: all consume queues are removed");
    status = queues_reset_all(&s->queues);
  }
  return status == STATUS_OK ? replay(s, s->commitlog.appended, now, why) : status;
}

static enum status recover_from(struct store *s, const struct walk *w, int64_t from, bool clean, struct moment now,
                                struct buf *why) {
  struct commitlog *c = &s->commitlog;
  bool landmark_holds = w->landmark >= 0 && w->landmark_ms >= 0;
  enum status status = mark_running(s, !clean && !landmark_holds);
  if (status == STATUS_OK) status = log_cut(s, w->at);
  if (status == STATUS_OK && s->queues.found == 0) status = queues_disown(s);
  if (status == STATUS_OK) status = queues_find_ends(&s->queues, clean ? w->at : from);
  s->durable = clean ? c->appended : durable_until(w, from);
  if (status == STATUS_OK && s->durable < c->appended) {
    log_info(s->log, "%" PRId64 " bytes from offset %" PRId64 " on may not be on disk: they are written again",
             c->appended - s->durable, s->durable);
    status = log_write_again(s, s->durable);
  }
  if (status == STATUS_OK) status = s->disk->ops->sync_dir(s->disk, c->dir);
  if (status == STATUS_OK) status = replay_from(s, clean ? dispatched_until(s) : from, now, why);
  if (status == STATUS_OK && clean) status = log_sync_from(s, from);
  return status;
}

/* Where the log ends at most: files made ahead hold nothing. */
static int64_t likely_end(struct store *s) {
  struct commitlog *c = &s->commitlog;
  int64_t end = c->files.end;
  for (; end - c->files.length > c->files.first; end -= c->files.length) {
    struct segment *g;
    if (segments_at(&c->files, end - c->files.length, &g) != STATUS_OK || get_u64(g->view) != 0) break;
  }
  return end;
}

/* Reads the log from w->at to its end, and decides whether it may be cut there. */
static enum status log_read(struct store *s, struct walk *w, struct buf *why) {
  w->what = "checking the commit log";
  w->total = likely_end(s);
  recovery_step(s, w->what, 0, w->total - w->begin);
  enum status status = log_walk(s, w, s->commitlog.files.end, NULL, NULL);
  if (status == STATUS_OK) recovery_step(s, w->what, w->total - w->begin, w->total - w->begin);
  if (status == STATUS_OK) status = layout_check_record(s, w->at, why);
  return status == STATUS_OK ? damage_check(s, w, why) : status;
}

static enum status recover_clean(struct store *s, const struct walk *w, struct moment now, struct buf *why) {
  struct commitlog *c = &s->commitlog;
  log_info(s->log, "store closed cleanly, the log ends at offset %" PRId64, w->at);
  c->appended = c->stage_start = s->durable = w->at;
  s->last_ms = w->last_ms;
  enum status status = mark_running(s, false);
  /* No queue is read yet; but whole directories get lost more easily than single files. */
  bool ext_there = true;
  if (status == STATUS_OK && s->config.ext.enabled) status = file_look(s, "consumequeue_ext", &ext_there, why);
  if (status == STATUS_OK && !ext_there) status = queues_find_ends(&s->queues, c->appended);
  return status == STATUS_OK ? replay_from(s, c->appended, now, why) : status;
}

/* The ledger has been looked at before; here it has an end already, and only what is derived from it is made. */
static enum status recover_group(struct store *s, bool clean, struct moment now, struct buf *why) {
  struct commitlog *c = &s->commitlog;
  int64_t from = commitlog_begin(c);
  enum status status = STATUS_OK;
  if (!clean && s->queues.found > 0 && !segments_empty(&c->files)) status = replay_file(s, &from);
  if (status == STATUS_OK) status = mark_running(s, true);
  if (status == STATUS_OK && s->queues.found == 0) status = queues_disown(s);
  if (status == STATUS_OK) status = queues_find_ends(&s->queues, clean ? c->appended : from);
  if (status != STATUS_OK) return status;
  if (clean) from = dispatched_until(s);
  if (from < commitlog_begin(c)) from = commitlog_begin(c);
  s->replayed_from = from;
  s->durable = c->appended;
  struct walk w = walk_from(from);
  status = log_walk(s, &w, c->appended, NULL, NULL);
  s->last_ms = w.last_ms >= 0 ? w.last_ms : s->checkpoint.physic_ms;
  log_info(s->log, "%s recovery of the ledger's queues from offset %" PRId64 ": %" PRId64
           " records, the group agreed up to offset %" PRId64, clean ? "normal" : "abnormal", from, w.records, c->appended);
  return status == STATUS_OK ? replay_from(s, from, now, why) : status;
}

enum status recovery_run(struct store *s, struct moment now, struct buf *why) {
  struct commitlog *c = &s->commitlog;
  bool aborted = true;
  enum status status = file_look(s, "abort", &aborted, why);
  const bool clean = !aborted;
  if (status == STATUS_OK) status = files_read(s, clean, why);
  if (status != STATUS_OK) return status;
  s->was_clean = clean;
  if (s->config.group != NULL) return recover_group(s, clean, now, why);
  s->replayed_from = c->files.first;
  if (segments_empty(&c->files)) return recover_empty(s, now, why);
  status = layout_check_record(s, c->files.first, why);
  if (status != STATUS_OK) return status;
  bool rebuild = s->queues.found == 0;
  struct walk w = walk_from(c->files.first);
  if (clean && !rebuild && marks_hold(s, &w)) return recover_clean(s, &w, now, why);
  int64_t from = c->files.first;
  int64_t last_files = c->files.end - NORMAL_FILES * c->files.length;
  struct flushed_mark mark = {-1, -1};
  if (clean && from < last_files) from = last_files;
  if (!clean && !rebuild) status = replay_file(s, &from);
  if (!clean) flushed_mark_read(s, &mark);
  w = walk_from(from);
  w.check_crc = s->config.check_crc_on_recover || !clean;
  if (!clean) {
    w.torn_from_ms = s->checkpoint.physic_ms;
    w.fresh_ms = checkpoint_min(&s->checkpoint);
  }
  w.landmark = mark.offset;
  if (status == STATUS_OK) status = log_read(s, &w, why);
  if (status != STATUS_OK) return status;
  if (w.landmark_ms != mark.last_ms) w.landmark_ms = -1;
  log_info(s->log, "%s recovery from offset %" PRId64 ": %" PRId64 " records, the log ends at offset %" PRId64,
           clean ? "normal" : "abnormal", from, w.records, w.at);
  if (w.last_ms < s->checkpoint.physic_ms)
    log_error(s->log, "commit log: records up to store time %" PRId64 " were synced, the last one left is of %" PRId64,
              s->checkpoint.physic_ms, w.last_ms);
  s->last_ms = w.last_ms < 0 ? 0 : w.last_ms;
  s->replayed_from = from;
  return recover_from(s, &w, from, clean, now, why);
}
