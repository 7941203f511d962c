/* SPDX-License-Identifier: Apache-2.0
 *
 * group: a commit log that is the ledger of a group of brokers
 * (org.apache.rocketmq.store.dledger.DLedgerCommitLog). The ledger writes its
 * files; here they are read like any other log files, but for the header
 * before each record and what ends a file. What is not agreed on does not
 * exist: queues, index and answers end with the group's committed position,
 * and all brokers derive them from the same bytes in the same way.
 *
 * A log from before the group stays where it is and comes first; its last file
 * ends where the ledger begins (dividedCommitlogOffset).
 */
#include "mqbroker/store/record.h"
#include "mqbroker/store/recovery.h"

#include <inttypes.h>

static struct store_group_marks marks_of(const struct store *s) {
  struct store_group_marks m;
  s->config.group->ops->marks(s->config.group, &m);
  return m;
}

/* Files are not listed: the ledger has checked them, and may have made one ahead. */
static void files_cover(struct commitlog *c, int64_t end) {
  int64_t length = c->files.length;
  end = (end + length - 1) / length * length;
  if (end > c->files.end) c->files.end = end;
}

/* Nothing is left of what was before m->begin, or there never was anything. */
static void files_begin(struct commitlog *c, const struct store_group_marks *m) {
  c->begin = m->begin;
  c->files.first = c->files.end = m->begin - m->begin % c->files.length;
  c->appended = c->stage_start = m->begin;
}

/* Files of the log that was before the ledger, if any are left. */
static enum status old_files(struct store *s, struct arena *names, struct buf *why) {
  struct commitlog *c = &s->commitlog;
  struct segments old;
  segments_init(&old, &c->cache, s->old_dir, c->files.length);
  enum status status = segments_load(&old, names, false, why);
  if (status != STATUS_OK || segments_empty(&old)) return status;
  if (old.end != c->files.first) {
    buf_printf(why,
               "%s ends at offset %" PRId64 ", but the ledger %s begins at offset %" PRId64
               ": one of them does not belong here",
               s->old_dir, old.end, c->dir, c->files.first);
    return STATUS_INVALID;
  }
  c->files.old_dir = s->old_dir;
  c->files.old_end = old.end;
  c->files.first = old.first;
  return STATUS_OK;
}

enum status group_files(struct store *s, struct arena *names, struct buf *why) {
  struct commitlog *c = &s->commitlog;
  struct store_group_marks m = marks_of(s);
  c->entries = true;
  files_begin(c, &m);
  enum status status = old_files(s, names, why);
  if (status != STATUS_OK) return status;
  c->appended = c->stage_start = m.committed;
  files_cover(c, m.committed);
  return STATUS_OK;
}

void group_flushed(struct store *s) {
  struct flusher *f = &s->flusher;
  struct store_group_marks m = marks_of(s);
  int64_t durable = m.synced < s->commitlog.appended ? m.synced : s->commitlog.appended;
  if (durable > f->flushed) f->flushed = durable;
}

enum status group_drop_first(struct store *s) {
  struct segments *files = &s->commitlog.files;
  enum status status = s->config.group->ops->drop_first(s->config.group);
  if (status == STATUS_OK) files->first += files->length; /* open ones are closed when nobody reads them any more */
  return status;
}

/* ---- following ---- */

bool group_notes(const struct store *s, const struct message *m) {
  return s->config.group != NULL && s->listener.noted != NULL &&
         (m->prepared_offset != 0 || !derive_enters_queue(m->sys_flag));
}

static enum status note(void *context, const struct message *m, size_t size) {
  struct store *s = context;
  (void)size;
  if (group_notes(s, m)) s->listener.noted(s->listener.context, m);
  return STATUS_OK;
}

/* Whoever gave `from` may have seen another history; an entry begins each file in any. */
enum status group_note_from(struct store *s, int64_t from, int64_t until) {
  if (from < commitlog_begin(&s->commitlog)) from = commitlog_begin(&s->commitlog);
  if (from >= until) return STATUS_OK;
  struct walk w = walk_from(from);
  enum status status = log_walk(s, &w, until, note, s);
  if (status != STATUS_OK || w.at >= until) return status;
  int64_t file = segments_start_of(&s->commitlog.files, from);
  log_warn(s->log, "no record of the group begins at offset %" PRId64 ": read again from offset %" PRId64, from, file);
  w = walk_from(file < commitlog_begin(&s->commitlog) ? commitlog_begin(&s->commitlog) : file);
  return log_walk(s, &w, until, note, s);
}

static enum status take(void *context, const struct message *m, size_t size) {
  struct store *s = context;
  struct commitlog *c = &s->commitlog;
  struct consumequeue *q;
  enum status status = staged_queue(s, m, &q);
  if (status == STATUS_OK && !staged_room(s, 1)) status = STATUS_NO_MEMORY;
  if (status != STATUS_OK) return status;
  int64_t at = m->physical_offset - COMMITLOG_ENTRY_HEADER;
  flush_see_time(s, m->store_ms, at == segments_start_of(&c->files, at));
  staged_add(s, m, q, m->physical_offset, size);
  if (q == NULL && s->listener.passed != NULL) s->listener.passed(s->listener.context, m);
  if (group_notes(s, m)) s->listener.noted(s->listener.context, m);
  return STATUS_OK;
}

/* The leader no longer had what comes next, and gave what it has (DLedgerMmapFileStore.rebuildWithPos). */
static void jump(struct store *s, const struct store_group_marks *m) {
  struct commitlog *c = &s->commitlog;
  log_warn(s->log, "the group's log begins at offset %" PRId64 ": what was behind offset %" PRId64 " is not here",
           m->begin, c->appended);
  files_begin(c, m);
  s->flusher.flushed = m->begin;
  s->last_record = -1;
}

enum status store_follow(struct store *s, struct moment now) {
  struct commitlog *c = &s->commitlog;
  struct store_group_marks m = marks_of(s);
  if (m.begin > c->appended && m.committed > m.begin) jump(s, &m);
  if (m.committed <= c->appended || s->read_only) return s->read_only ? STATUS_IO : STATUS_OK;
  struct walk w = walk_from(c->appended);
  files_cover(c, m.committed);
  enum status status = log_walk(s, &w, m.committed, take, s);
  if (status == STATUS_OK && w.at < m.committed) status = STATUS_CORRUPT;
  if (status != STATUS_OK) store_make_read_only(s, "the group's log cannot be read", status);
  c->appended = c->stage_start = w.at < m.committed ? w.at : m.committed;
  if (s->staged_count == 0) return status;
  s->last_ms = s->staged_last_ms;
  s->last_record = s->staged[s->staged_count - 1].unit.offset;
  staged_dispatch(s, now);
  index_commit(&s->index, now);
  return status;
}

void store_lead(struct store *s) {
  for (size_t i = 0; i < s->queues.cap; i++) {
    struct consumequeue *q = s->queues.table[i];
    if (q != NULL && q->loaded) q->next = q->max;
  }
}
