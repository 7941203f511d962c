/* SPDX-License-Identifier: Apache-2.0
 *
 * Queues and key index from the log, in one walk (CommitLog.recoverAbnormally
 * with its dispatcher; DefaultMessageStore.ReputMessageService at start).
 */
#include "mqbroker/store/recovery.h"

#include <inttypes.h>

struct replay {
  struct store *s;
  struct moment now;
  int64_t queue_from, index_from; /* records before are in already */
  int64_t noted_from;             /* records before are known */
  int64_t queue_records, index_records;
  bool fill; /* the log has nothing older: lost units are filled */
};

static enum status index_visit(struct replay *r, const struct message *m, size_t size) {
  struct index *ix = &r->s->index;
  if (m->physical_offset < r->index_from) return STATUS_OK;
  r->index_from = m->physical_offset + (int64_t)size;
  r->index_records++;
  index_replay(ix, m->topic, m->properties, m->sys_flag, m->physical_offset, m->store_ms, r->now);
  if (!index_is_whole(ix)) r->index_from = INT64_MAX;
  return STATUS_OK;
}

/* Their records are gone from the log. */
static enum status units_lost(struct replay *r, struct consumequeue *q, const struct message *m,
                              const struct unit *unit, const struct ext_unit *ext) {
  log_error(r->s->log, "consume queue %s: units %" PRId64 " to %" PRId64 " are lost, their records are gone", q->dir,
            q->max, m->queue_offset - 1);
  enum status status = consumequeue_fill(q, m->queue_offset, unit, r->now.mono_ms);
  return status == STATUS_OK ? consumequeue_put(q, m->queue_offset, unit, ext, r->now.mono_ms) : status;
}

static enum status queue_visit(struct replay *r, const struct message *m, size_t size) {
  struct store *s = r->s;
  struct consumequeue *q;
  if (m->physical_offset < r->queue_from) return STATUS_OK;
  r->queue_records++;
  if (!derive_enters_queue(m->sys_flag)) {
    if (s->listener.passed != NULL && s->config.group != NULL) s->listener.passed(s->listener.context, m);
    return STATUS_OK;
  }
  enum status status = queues_get(&s->queues, m->topic, m->queue_id, true, &q);
  if (status == STATUS_INVALID) {
    log_error(s->log, "record at offset %" PRId64 " has a topic that cannot be a directory: not queued",
              m->physical_offset);
    return STATUS_OK;
  }
  if (status != STATUS_OK) return status;
  /* Whoever made the file may have failed to make its name durable. */
  q->names_unsynced = q->names_unsynced || !s->was_clean;
  struct unit unit = {m->physical_offset, (int32_t)size,
                      derive_tags_code(&s->delays, m->topic, m->properties, m->store_ms)};
  struct ext_unit with = {unit.tags_code, m->store_ms, SPAN_NONE}, *ext = s->config.ext.enabled ? &with : NULL;
  buf_clear(&s->bitmaps);
  if (ext != NULL && (m->queue_offset >= q->max || m->queue_offset == 0)) with.bitmap = store_bitmap(s, m);
  /* What cannot be removed would stand in the way of what the log says: then nobody is served. */
  if (consumequeue_begins_anew(q, m->queue_offset, &unit) && (status = consumequeue_reset(q)) != STATUS_OK)
    return status;
  /* Where the log has everything from the beginning, a queue begins with 0. */
  bool headless = r->fill && s->commitlog.files.first == 0 && q->max == 0 && m->queue_offset > 0;
  status = headless ? STATUS_NOT_FOUND : consumequeue_put(q, m->queue_offset, &unit, ext, r->now.mono_ms);
  if (status == STATUS_NOT_FOUND) {
    if (!r->fill) return status;
    status = units_lost(r, q, m, &unit, ext);
  }
  if (status == STATUS_INVALID || status == STATUS_LIMIT) {
    log_error(s->log, "record at offset %" PRId64 " has the impossible queue offset %" PRId64 ": not queued",
              m->physical_offset, m->queue_offset);
    return STATUS_OK;
  }
  if (status == STATUS_IO || status == STATUS_NO_SPACE) s->queue_trouble = status;
  return status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

static enum status visit(void *context, const struct message *m, size_t size) {
  struct replay *r = context;
  enum status status = index_visit(r, m, size);
  if (status == STATUS_OK) status = queue_visit(r, m, size);
  if (m->physical_offset >= r->noted_from && group_notes(r->s, m)) r->s->listener.noted(r->s->listener.context, m);
  return status;
}

static enum status replay_walk(struct replay *r, struct walk *w) {
  struct commitlog *c = &r->s->commitlog;
  int64_t from = r->queue_from < r->index_from ? r->queue_from : r->index_from;
  *w = walk_from(from < commitlog_begin(c) ? commitlog_begin(c) : from);
  w->what = "building consume queues and key index";
  w->total = c->appended;
  if (r->noted_from < w->at) {
    enum status noted = group_note_from(r->s, r->noted_from, w->at);
    if (noted != STATUS_OK) return noted;
  }
  if (w->at >= c->appended) return STATUS_OK;
  recovery_step(r->s, w->what, 0, w->total - w->begin);
  enum status status = log_walk(r->s, w, c->appended, visit, r);
  if (status == STATUS_OK) recovery_step(r->s, w->what, w->total - w->begin, w->total - w->begin);
  return status;
}

enum status queues_disown(struct store *s) {
  char path[DISK_PATH_MAX];
  struct disk_file *file;
  if (s->checkpoint.logics_ms == 0) return STATUS_OK;
  s->checkpoint.logics_ms = 0;
  enum status status = store_path(s, "checkpoint", path) ? checkpoint_open(s->disk, path, &file) : STATUS_LIMIT;
  if (status != STATUS_OK) return status;
  status = checkpoint_write(s->disk, file, &s->checkpoint);
  if (status == STATUS_OK) status = s->disk->ops->sync(s->disk, file);
  s->disk->ops->close(s->disk, file);
  return status;
}

static enum status queues_anew(struct replay *r) {
  struct store *s = r->s;
  log_warn(s->log, "consume queues lack units from before offset %" PRId64 ": all are built again", r->queue_from);
  enum status status = queues_disown(s);
  if (status == STATUS_OK) status = queues_write_all(&s->queues);
  if (status == STATUS_OK) status = queues_find_ends(&s->queues, s->commitlog.files.first);
  r->fill = true;
  r->queue_from = s->commitlog.files.first;
  r->queue_records = 0;
  return status;
}

enum status replay(struct store *s, int64_t queue_from, struct moment now, struct buf *why) {
  struct commitlog *c = &s->commitlog;
  struct replay r = {.s = s, .now = now, .queue_from = queue_from, .fill = queue_from <= c->files.first};
  struct walk w;
  bool notes = s->config.group != NULL && s->config.noted_from >= 0;
  r.noted_from = notes ? s->config.noted_from : queue_from;
  r.index_from = index_begin_replay(s);
  enum status status = replay_walk(&r, &w);
  if (status == STATUS_NOT_FOUND && !r.fill) {
    status = queues_anew(&r);
    if (status == STATUS_OK) status = replay_walk(&r, &w);
  }
  index_end_replay(&s->index, now);
  s->facts.recovered_records = r.queue_records;
  if (r.index_records > 0) log_info(s->log, "key index: %" PRId64 " records read again", r.index_records);
  if (status != STATUS_OK || w.at >= c->appended) return status;
  buf_printf(why, "commit log %s is damaged at offset %" PRId64 ": the queues cannot be built from there", c->dir,
             w.at);
  return STATUS_CORRUPT;
}
