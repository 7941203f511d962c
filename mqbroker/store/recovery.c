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
 */
#define _GNU_SOURCE /* memmem */
#include "mqbroker/store/record.h"
#include "mqbroker/store/store_state.h"

#include <inttypes.h>
#include <stdio.h>

#define NORMAL_FILES 3
/* Zeros for so long behind the end of the log: what a crash left ends there. Reading a whole file of holes would fill
 * the page cache with zeros. */
#define QUIET_BYTES (64 << 20)
#define MARKS_LENGTH 48
#define MARKS_MAGIC 0x4D514D41524B5331u /* MQMARKS1 */

/* The record's only checksum covers the body. What a power cut can do to the rest is leave sectors of zeros: the
 * header's lengths betray them, but behind the body only the zeros themselves do. Neither topic nor properties hold
 * NULs (store_put refuses them). */
static bool record_torn(const struct message *m) {
  return span_find(m->topic, 0, 0) < m->topic.len || span_find(m->properties, 0, 0) < m->properties.len;
}

enum status log_walk(struct commitlog *c, struct walk *w, int64_t until, walk_visit visit, void *context) {
  while (w->at < until) {
    struct segment *g;
    segment_cache_trim(&c->cache, COMMITLOG_OPEN_MAX);
    enum status status = segments_at(&c->files, w->at, &g);
    if (status != STATUS_OK) return status;
    int64_t end = g->start + c->files.length;
    while (w->at < end) {
      struct message m;
      size_t size = 0;
      struct span input = span_of(g->view + (w->at - g->start), (size_t)(end - w->at));
      status = message_decode(input, w->check_crc, &m, &size);
      if (status == STATUS_NOT_FOUND && end < c->files.end) {
        w->at = end;
        break;
      }
      if (status != STATUS_OK || m.physical_offset != w->at || w->at >= until) return STATUS_OK;
      if (m.store_ms > w->torn_from_ms && record_torn(&m)) return STATUS_OK;
      if (visit != NULL) status = visit(context, &m, size);
      if (status != STATUS_OK) return status;
      w->at += (int64_t)size;
      w->last_ms = m.store_ms;
      w->records++;
    }
  }
  return STATUS_OK;
}

/* ---- reading only ---- */

/* A whole record at offset whose store time says it was synced after what comes before it. */
static bool proof_at(struct commitlog *c, const struct segment *g, int64_t offset, int64_t from_ms, int64_t until_ms) {
  struct message m;
  size_t size;
  int64_t at = offset - g->start;
  struct span input = span_of(g->view + at, (size_t)(c->files.length - at));
  return message_decode(input, true, &m, &size) == STATUS_OK && m.physical_offset == offset &&
         m.store_ms >= from_ms && m.store_ms < until_ms;
}

static int64_t proof_in_file(struct commitlog *c, const struct segment *g, int64_t from, int64_t from_ms,
                             int64_t until_ms) {
  uint8_t magic[4];
  put_u32(magic, MESSAGE_MAGIC);
  int64_t end = segment_last_nonzero(g, from, QUIET_BYTES) - g->start;
  for (int64_t at = from - g->start + 5; at < end;) {
    const uint8_t *hit = memmem(g->view + at, (size_t)(end - at), magic, sizeof magic);
    if (hit == NULL) return -1;
    at = hit - g->view;
    if (proof_at(c, g, g->start + at - 4, from_ms, until_ms)) return g->start + at - 4;
    at++;
  }
  return -1;
}

/* The log is cut at w->at. If records follow that the checkpoint vouches for, something in the middle is damaged and
 * cutting would lose them: then the store is refused. Times before the last good record are left-overs of an older
 * life of the file. */
static enum status damage_check(struct store *s, const struct walk *w, struct buf *why) {
  struct commitlog *c = &s->commitlog;
  int64_t until_ms = s->checkpoint.physic_ms, proof = -1;
  if (w->last_ms >= until_ms) return STATUS_OK;
  for (int64_t at = w->at; proof < 0 && at < c->files.end; at = segments_start_of(&c->files, at) + c->files.length) {
    struct segment *g;
    segment_cache_trim(&c->cache, COMMITLOG_OPEN_MAX);
    enum status status = segments_at(&c->files, at, &g);
    if (status != STATUS_OK) return status;
    if (at == w->at) proof = proof_in_file(c, g, at, w->last_ms, until_ms);
    else if (proof_at(c, g, at, w->last_ms, until_ms)) proof = at;
  }
  if (proof < 0) return STATUS_OK;
  buf_printf(why,
             "commit log %s is damaged at offset %" PRId64 ": no valid record there, but one that was synced follows "
             "at offset %" PRId64,
             c->dir, w->at, proof);
  return STATUS_CORRUPT;
}

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
    if (record_magic(g->view) != MESSAGE_MAGIC) continue;
    int64_t ms = record_store_ms(g->view);
    if (ms != 0 && ms <= limit_ms) break;
  }
  *out = start;
  return STATUS_OK;
}

static bool file_exists(struct store *s, const char *name) {
  char path[DISK_PATH_MAX];
  struct disk_entry entry;
  return store_path(s, name, path) && s->disk->ops->stat(s->disk, path, &entry) == STATUS_OK;
}

/* ---- marks ---- */

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

/* True if nobody has written since the marks were left: the checkpoint is the same and nothing stands at the end. */
static bool marks_hold(struct store *s, struct walk *w) {
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

/* ---- changing ---- */

/* From here on a crash must be seen as one. */
static enum status mark_running(struct store *s) {
  char path[DISK_PATH_MAX];
  struct disk_file *file;
  if (!store_path(s, "abort", path)) return STATUS_LIMIT;
  enum status status = s->disk->ops->open(s->disk, path, DISK_CREATE, 0, &file);
  if (status != STATUS_OK) return status;
  s->disk->ops->close(s->disk, file);
  if (!store_path(s, "marks", path)) return STATUS_LIMIT;
  status = s->disk->ops->remove(s->disk, path);
  if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
  return s->disk->ops->sync_dir(s->disk, s->root);
}

/* The log ends here: later files go, what is left of this one becomes zero, so that no old record comes back. */
static enum status log_cut(struct store *s, int64_t end) {
  struct commitlog *c = &s->commitlog;
  enum status status = STATUS_OK;
  if (end < c->files.end) {
    struct segment *g;
    int64_t file = segments_start_of(&c->files, end);
    status = segments_drop_from(&c->files, file + c->files.length);
    if (status == STATUS_OK) status = segments_at(&c->files, end, &g);
    if (status != STATUS_OK) return status;
    int64_t dirty = segment_last_nonzero(g, end, QUIET_BYTES);
    if (dirty > end) {
      log_warn(s->log, "commit log: no valid record at offset %" PRId64 ", %" PRId64 " bytes are cut off", end,
               dirty - end);
      status = segment_zero(g, end, dirty);
    }
  }
  c->appended = c->stage_start = end;
  return status;
}

/* What this process has not synced itself may not be on the disk yet. */
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

struct replay {
  struct store *s;
  int64_t mono_ms;
  bool fill; /* the log has nothing older: lost units become blanks */
};

static enum status replay_visit(void *context, const struct message *m, size_t size) {
  struct replay *r = context;
  struct store *s = r->s;
  struct consumequeue *q;
  if (!derive_enters_queue(m->sys_flag)) return STATUS_OK;
  enum status status = queues_get(&s->queues, m->topic, m->queue_id, true, &q);
  if (status == STATUS_INVALID) {
    log_error(s->log, "record at offset %" PRId64 " has a topic that cannot be a directory: not queued",
              m->physical_offset);
    return STATUS_OK;
  }
  if (status != STATUS_OK) return status;
  struct unit unit = {m->physical_offset, (int32_t)size,
                      derive_tags_code(&s->delays, m->topic, m->properties, m->store_ms)};
  status = consumequeue_put(q, m->queue_offset, &unit, r->mono_ms);
  if (status == STATUS_NOT_FOUND) {
    if (!r->fill) return status;
    log_error(s->log, "consume queue %s: units %" PRId64 " to %" PRId64 " are lost, their records are gone", q->dir,
              q->max, m->queue_offset - 1);
    status = consumequeue_fill(q, m->queue_offset, r->mono_ms);
    if (status == STATUS_OK) status = consumequeue_put(q, m->queue_offset, &unit, r->mono_ms);
  }
  if (status == STATUS_INVALID || status == STATUS_LIMIT) {
    log_error(s->log, "record at offset %" PRId64 " has the impossible queue offset %" PRId64 ": not queued",
              m->physical_offset, m->queue_offset);
    return STATUS_OK;
  }
  if (status == STATUS_IO || status == STATUS_NO_SPACE) s->queue_trouble = status;
  return status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

/* Brings the queues up to the end of the log. */
static enum status replay(struct store *s, int64_t from, struct moment now, struct buf *why) {
  struct commitlog *c = &s->commitlog;
  struct replay r = {s, now.mono_ms, from <= c->files.first};
  struct walk w = {from < c->files.first ? c->files.first : from, -1, 0, false, INT64_MAX};
  enum status status = log_walk(c, &w, c->appended, replay_visit, &r);
  if (status == STATUS_NOT_FOUND && !r.fill) {
    log_warn(s->log, "consume queues lack units from before offset %" PRId64 ": all are built again", from);
    status = queues_write_all(&s->queues);
    if (status == STATUS_OK) status = queues_find_ends(&s->queues, c->files.first);
    if (status != STATUS_OK) return status;
    r.fill = true;
    w = (struct walk){c->files.first, -1, 0, false, INT64_MAX};
    status = log_walk(c, &w, c->appended, replay_visit, &r);
  }
  s->facts.recovered_records = w.records;
  if (status != STATUS_OK || w.at >= c->appended) return status;
  buf_printf(why, "commit log %s is damaged at offset %" PRId64 ": the queues cannot be built from there", c->dir,
             w.at);
  return STATUS_CORRUPT;
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
  enum status status = segments_load(&c->files, &names, !clean, why);
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
static enum status recover_empty(struct store *s) {
  enum status status = mark_running(s);
  if (status != STATUS_OK || s->queues.count == 0) return status;
  log_warn(s->log, "the commit log is empty: all consume queues are removed");
  return queues_reset_all(&s->queues);
}

static enum status recover_from(struct store *s, struct walk *w, int64_t from, bool clean, struct moment now,
                                struct buf *why) {
  enum status status = mark_running(s);
  if (status == STATUS_OK) status = log_cut(s, w->at);
  if (status == STATUS_OK) status = queues_find_ends(&s->queues, clean ? w->at : from);
  if (status == STATUS_OK) status = replay(s, clean ? dispatched_until(s) : from, now, why);
  if (status == STATUS_OK) status = queues_settle(&s->queues);
  if (status == STATUS_OK) status = log_sync_from(s, from);
  return status;
}

enum status recovery_run(struct store *s, struct moment now, struct buf *why) {
  struct commitlog *c = &s->commitlog;
  bool clean = !file_exists(s, "abort");
  enum status status = files_read(s, clean, why);
  if (status != STATUS_OK) return status;
  s->was_clean = clean;
  s->replayed_from = c->files.first;
  if (segments_empty(&c->files)) return recover_empty(s);
  bool rebuild = s->queues.count == 0;
  struct walk w = {.last_ms = -1};
  if (clean && !rebuild && marks_hold(s, &w)) {
    log_info(s->log, "store closed cleanly, the log ends at offset %" PRId64, w.at);
    c->appended = c->stage_start = w.at;
    s->last_ms = w.last_ms;
    return mark_running(s);
  }
  int64_t from = c->files.first;
  int64_t last_files = c->files.end - NORMAL_FILES * c->files.length;
  if (clean && from < last_files) from = last_files;
  if (!clean && !rebuild) status = replay_file(s, &from);
  w = (struct walk){from, -1, 0, s->config.check_crc_on_recover || !clean, clean ? INT64_MAX : s->checkpoint.physic_ms};
  if (status == STATUS_OK) status = log_walk(c, &w, c->files.end, NULL, NULL);
  if (status == STATUS_OK) status = damage_check(s, &w, why);
  if (status != STATUS_OK) return status;
  log_info(s->log, "%s recovery from offset %" PRId64 ": %" PRId64 " records, the log ends at offset %" PRId64,
           clean ? "normal" : "abnormal", from, w.records, w.at);
  if (w.last_ms < s->checkpoint.physic_ms)
    log_error(s->log, "commit log: records up to store time %" PRId64 " were synced, the last one left is of %" PRId64,
              s->checkpoint.physic_ms, w.last_ms);
  s->last_ms = w.last_ms < 0 ? 0 : w.last_ms;
  s->replayed_from = from;
  return recover_from(s, &w, from, clean, now, why);
}
