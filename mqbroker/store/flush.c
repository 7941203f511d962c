/* SPDX-License-Identifier: Apache-2.0
 *
 * flush: makes things durable without blocking: syncs of the log (group
 * commit: while one runs the next gathers), and the checkpoint round, which
 * writes every tail, syncs every queue file and the log, and only then says
 * so in the checkpoint. (CommitLog.GroupCommitService, FlushRealTimeService;
 * DefaultMessageStore.FlushConsumeQueueService.)
 */
#include "core/base/timers.h"
#include "mqbroker/store/store_state.h"

#include <assert.h>
#include <inttypes.h>

#define PAGE_BYTES 4096
#define SYNC_FLUSH_INTERVAL_MS 10 /* SYNC_FLUSH, for records nobody waits for (GroupCommitService.run) */

void flush_init(struct store *s, struct moment now) {
  struct flusher *f = &s->flusher;
  *f = (struct flusher){.flushed = s->durable, .marked = s->durable, .synced_at_ms = now.mono_ms};
  f->token = (uint64_t)now.wall_ms << 16;
  f->round_due_ms = now.mono_ms + CHECKPOINT_INTERVAL_MS;
  /* Nothing was promised yet for what recovery put into the queues: the first round does it. */
  bool promised = f->flushed == s->commitlog.appended &&
                  s->queues.desk.with_tail.count + s->queues.desk.unsynced.count == 0 && !index_owes(&s->index);
  f->round_done = promised ? f->flushed : -1;
}

static struct sync_slot *slot_free(struct flusher *f) {
  for (size_t i = 0; i < SYNC_SLOTS; i++)
    if (f->slots[i].kind == SYNC_NONE) return &f->slots[i];
  return NULL;
}

static enum status sync_begin(struct store *s, enum sync_kind kind, struct disk_file *file) {
  struct flusher *f = &s->flusher;
  struct sync_slot *slot = slot_free(f);
  if (slot == NULL) return STATUS_BUSY;
  uint64_t token = ++f->token;
  enum status (*start)(struct disk *, struct disk_file *,
                       uint64_t) = kind == SYNC_EVERYTHING ? s->disk->ops->sync_all_start : s->disk->ops->sync_start;
  enum status status = start(s->disk, file, token);
  if (status != STATUS_OK) return status;
  *slot = (struct sync_slot){kind, token};
  return STATUS_OK;
}

/* The disk has no hands free; the next tick tries again. */
static bool sync_later(enum status status) {
  return status == STATUS_BUSY || status == STATUS_NO_MEMORY || status == STATUS_LIMIT;
}

/* ---- the log ---- */

void flush_log_start(struct store *s) {
  struct flusher *f = &s->flusher;
  struct commitlog *c = &s->commitlog;
  if (s->config.group != NULL) {
    group_flushed(s);
    return;
  }
  if (f->log_busy > 0 || s->read_only || f->flushed >= c->appended) return;
  if (s->config.sync_flush) commitlog_zero_ahead(c);
  int64_t at = f->flushed;
  for (int i = 0; i < SYNC_LOG_FILES_MAX && at < c->appended; i++) {
    struct segment *g;
    enum status status = segments_at(&c->files, at, &g);
    if (status == STATUS_OK) status = sync_begin(s, SYNC_LOG, g->file);
    if (sync_later(status)) break;
    if (status != STATUS_OK) {
      store_make_read_only(s, "the commit log cannot be synced", status);
      return;
    }
    f->log_busy++;
    at = g->start + c->files.length;
  }
  f->log_target = at < c->appended ? at : c->appended;
  f->log_target_ms = f->log_target == c->appended ? s->last_ms : -1;
}

static void log_synced(struct store *s, enum status status) {
  struct flusher *f = &s->flusher;
  assert(f->log_busy > 0);
  f->log_busy--;
  if (status != STATUS_OK) store_make_read_only(s, "the commit log cannot be synced", status);
  if (f->log_busy > 0 || s->read_only) return;
  f->flushed = f->log_target;
  flushed_mark_move(s, f->flushed, f->log_target_ms);
}

static int64_t log_tick(struct store *s, struct moment now) {
  struct flusher *f = &s->flusher;
  const struct store_config *config = &s->config;
  if (s->config.group != NULL) {
    group_flushed(s);
    return TIME_NEVER;
  }
  int64_t dirty = s->commitlog.appended - f->flushed;
  if (dirty == 0 || f->log_busy > 0 || s->read_only) return TIME_NEVER;
  int64_t wait = SYNC_FLUSH_INTERVAL_MS;
  if (!config->sync_flush)
    wait = dirty / PAGE_BYTES >= config->flush_least_pages ? config->flush_interval_ms : config->flush_thorough_ms;
  if (now.mono_ms < f->synced_at_ms + wait) return f->synced_at_ms + wait;
  f->synced_at_ms = now.mono_ms;
  flush_log_start(s);
  return now.mono_ms + wait;
}

/* ---- the queues' tails ---- */

/* Writes tails that are older than `since_ms` or hold units below `target`; true if none of them is left. Trouble is
 * over when a write worked. Never many at a time: the log has the units, so nothing is in a hurry here. */
static bool tails_write(struct store *s, int64_t since_ms, int64_t target, struct moment now, int *budget) {
  struct queue_list *list = &s->queues.desk.with_tail;
  while (list->oldest != NULL && (list->oldest->tail_since_ms <= since_ms || list->oldest->tail_offset < target)) {
    if (*budget == 0) return false;
    if (--*budget == 0) s->flusher.tails_ms = now.mono_ms + TAIL_PAUSE_MS;
    enum status status = consumequeue_write(list->oldest);
    if (status != STATUS_OK) {
      s->queue_trouble = status;
      if (status == STATUS_NO_SPACE) retention_out_of_space(s);
      if (status == STATUS_IO) store_make_read_only(s, "a consume queue cannot be written", status);
      return false;
    }
    s->queue_trouble = STATUS_OK;
  }
  return true;
}

static int64_t tails_later(const struct store *s, struct moment now) {
  if (s->queue_trouble != STATUS_OK) return now.mono_ms + s->config.flush_queue_interval_ms;
  return s->flusher.tails_ms > now.mono_ms ? s->flusher.tails_ms : now.mono_ms + 1;
}

static int64_t tails_tick(struct store *s, struct moment now, int *budget) {
  bool done = tails_write(s, now.mono_ms - s->config.flush_queue_interval_ms, 0, now, budget);
  if (s->read_only) return TIME_NEVER;
  if (!done) return tails_later(s, now);
  const struct consumequeue *oldest = s->queues.desk.with_tail.oldest;
  return oldest == NULL ? TIME_NEVER : oldest->tail_since_ms + s->config.flush_queue_interval_ms;
}

/* ---- the checkpoint round ---- */

static void round_begin(struct store *s) {
  struct flusher *f = &s->flusher;
  f->round = ROUND_TAILS;
  f->round_target = s->commitlog.appended;
  f->round_target_ms = s->last_ms;
  /* At this very mark, so that the index file's header is not newer than the checkpoint will be. */
  index_write(&s->index);
}

static void round_end(struct store *s, struct moment now) {
  s->flusher.round = ROUND_IDLE;
  s->flusher.round_due_ms = now.mono_ms + CHECKPOINT_INTERVAL_MS;
}

static enum status ext_sync_next(struct store *s, struct queue_ext *e) {
  struct disk_file *file;
  enum status status = queue_ext_unsynced(e, &file);
  if (status == STATUS_OK) status = sync_begin(s, SYNC_QUEUE, file);
  if (status != STATUS_OK) return status;
  s->flusher.queue_busy++;
  queue_ext_is_synced(e);
  return STATUS_OK;
}

static bool ext_owes(const struct consumequeue *q) { return q->ext != NULL && q->ext->synced < q->ext->written; }

/* Starts the sync of a queue's next unsynced file. */
static enum status queue_sync_next(struct store *s, struct consumequeue *q) {
  struct segment *g;
  enum status status = consumequeue_sync_names(q);
  if (status == STATUS_OK && ext_owes(q)) return ext_sync_next(s, q->ext);
  segment_cache_trim(&s->queues.desk.cache, QUEUE_FILES_OPEN_MAX - 1);
  if (status == STATUS_OK) status = segments_at(&q->files, q->synced * UNIT_SIZE, &g);
  if (status == STATUS_OK) status = sync_begin(s, SYNC_QUEUE, g->file);
  if (status != STATUS_OK) return status;
  s->flusher.queue_busy++;
  int64_t end = (g->start + q->files.length) / UNIT_SIZE;
  q->synced = end < q->written ? end : q->written;
  return STATUS_OK;
}

/* The same by one sync of everything. Before it begins the queues are marked as synced, some in every tick; what is
 * written to them later marks them as unsynced again. */
static bool round_queues_at_once(struct store *s) {
  struct flusher *f = &s->flusher;
  struct queues *qs = &s->queues;
  if (f->everything_busy) return false;
  if (f->round_queues_left == 0 && !qs->all_owed) return true;
  qs->all_owed = true;
  for (int i = 0; i < SYNC_MARKS_PER_TICK && f->round_queues_left > 0; i++) {
    struct consumequeue *q = qs->desk.unsynced.oldest;
    if (q == NULL) break;
    q->synced = q->written;
    consumequeue_is_synced(q);
    f->round_queues_left--;
  }
  if (qs->desk.unsynced.oldest == NULL) f->round_queues_left = 0;
  if (f->round_queues_left > 0) return false;
  enum status status = sync_begin(s, SYNC_EVERYTHING, qs->everything);
  f->everything_busy = status == STATUS_OK;
  if (status != STATUS_OK && !sync_later(status))
    store_make_read_only(s, "the consume queues cannot be synced", status);
  return false;
}

/* True when every queue that was unsynced at the start of this step is. */
static bool round_queues(struct store *s) {
  struct flusher *f = &s->flusher;
  bool named = false;
  struct queue_list *list = &s->queues.desk.unsynced;
  while (f->round_queues_left > 0 && list->oldest != NULL && f->queue_busy < SYNC_QUEUE_FILES_MAX) {
    struct consumequeue *q = list->oldest;
    if (q->names_unsynced && named) return false; /* names are waited for: one queue's per tick */
    named = named || q->names_unsynced;
    if (q->synced < q->written || ext_owes(q)) {
      enum status status = queue_sync_next(s, q);
      if (sync_later(status)) return false;
      if (status != STATUS_OK) {
        store_make_read_only(s, "a consume queue cannot be synced", status);
        return false;
      }
    }
    if (q->synced < q->written || ext_owes(q)) continue;
    consumequeue_is_synced(q);
    f->round_queues_left--;
  }
  return (f->round_queues_left == 0 || list->oldest == NULL) && f->queue_busy == 0;
}

/* True when all index files are synced, or the index is given up. */
static bool round_index(struct store *s) {
  struct flusher *f = &s->flusher;
  if (f->index_busy || !index_write_on(&s->index, INDEX_GROUPS_PER_TICK)) return false;
  struct disk_file *file = index_unsynced(&s->index);
  if (file == NULL) return true;
  enum status status = sync_begin(s, SYNC_INDEX, file);
  f->index_busy = status == STATUS_OK;
  if (status == STATUS_OK) index_is_synced(&s->index);
  else if (!sync_later(status)) index_fail(&s->index, "it cannot be synced", status);
  return false;
}

static void round_checkpoint(struct store *s, struct moment now) {
  struct flusher *f = &s->flusher;
  struct checkpoint next = {f->round_target_ms, f->round_target_ms,
                            index_vouched_ms(&s->index, s->checkpoint.index_ms, f->round_target_ms)};
  enum status status = checkpoint_write(s->disk, s->checkpoint_file, &next);
  if (status == STATUS_OK) {
    s->checkpoint = next;
    s->checkpoint_min = checkpoint_min(&next);
    status = sync_begin(s, SYNC_CHECKPOINT, s->checkpoint_file);
  }
  f->checkpoint_busy = status == STATUS_OK;
  /* An old checkpoint is still a true one. */
  if (status != STATUS_OK) log_warn(s->log, "the checkpoint cannot be written: %s", status_text(status));
  else f->round_done = f->round_target;
  round_end(s, now);
}

static int64_t round_tick(struct store *s, struct moment now, int *budget) {
  struct flusher *f = &s->flusher;
  if (s->read_only) return TIME_NEVER;
  if (f->round == ROUND_IDLE) {
    if (f->round_done >= s->commitlog.appended) return TIME_NEVER;
    if (s->index.rolled) f->round_due_ms = now.mono_ms; /* Java flushes a full index file at once, too */
    if (now.mono_ms < f->round_due_ms || f->checkpoint_busy) return f->round_due_ms;
    round_begin(s);
  }
  if (f->round == ROUND_TAILS) {
    if (!tails_write(s, INT64_MIN, f->round_target, now, budget)) return tails_later(s, now);
    f->round = ROUND_QUEUES;
    f->round_queues_left = s->queues.desk.unsynced.count;
    f->round_at_once = queues_sync_at_once(&s->queues);
  }
  if (f->round == ROUND_QUEUES) {
    if (!(f->round_at_once ? round_queues_at_once(s) : round_queues(s))) return now.mono_ms + 1;
    f->round = ROUND_INDEX;
  }
  if (f->round == ROUND_INDEX) {
    if (!round_index(s)) return now.mono_ms + 1;
    f->round = ROUND_LOG;
  }
  if (f->round == ROUND_LOG) {
    if (f->flushed < f->round_target) {
      flush_log_start(s);
      return now.mono_ms + 1;
    }
    f->round = ROUND_CHECKPOINT;
  }
  round_checkpoint(s, now);
  return f->round_due_ms;
}

static void lower_checkpoint(struct store *s, int64_t store_ms) {
  int64_t index_ms = s->checkpoint.index_ms < store_ms ? s->checkpoint.index_ms : store_ms;
  struct checkpoint next = {store_ms, store_ms, index_ms};
  s->flusher.round = ROUND_IDLE;
  log_warn(s->log, "the clock went back: the checkpoint is lowered to %" PRId64, store_ms);
  enum status status = checkpoint_write(s->disk, s->checkpoint_file, &next);
  if (status == STATUS_OK) status = s->disk->ops->sync(s->disk, s->checkpoint_file);
  if (status != STATUS_OK) {
    store_make_read_only(s, "the checkpoint cannot be written", status);
    return;
  }
  s->checkpoint = next;
  s->checkpoint_min = checkpoint_min(&next);
}

void flush_see_time(struct store *s, int64_t store_ms, bool begins_file) {
  if (store_ms < s->checkpoint.physic_ms || (begins_file && store_ms <= s->checkpoint_min))
    lower_checkpoint(s, store_ms);
  else if (s->flusher.round != ROUND_IDLE && store_ms < s->flusher.round_target_ms) s->flusher.round = ROUND_IDLE;
}

/* ---- the door's side ---- */

int64_t flush_tick(struct store *s, struct moment now) {
  int budget = now.mono_ms >= s->flusher.tails_ms ? TAIL_WRITES_PER_TICK : 0;
  int64_t log_at = log_tick(s, now), tails_at = tails_tick(s, now, &budget), round_at = round_tick(s, now, &budget);
  int64_t at = log_at < tails_at ? log_at : tails_at;
  return at < round_at ? at : round_at;
}

void store_want_flushed(struct store *s, int64_t offset) {
  struct flusher *f = &s->flusher;
  if (offset > f->wanted) f->wanted = offset;
  if (f->wanted > f->flushed) flush_log_start(s);
}

int64_t store_flushed(const struct store *s) { return s->flusher.flushed; }

void store_synced(struct store *s, uint64_t token, enum status status, struct moment now) {
  struct flusher *f = &s->flusher;
  for (size_t i = 0; i < SYNC_SLOTS; i++) {
    struct sync_slot *slot = &f->slots[i];
    if (slot->kind == SYNC_NONE || slot->token != token) continue;
    enum sync_kind kind = slot->kind;
    *slot = (struct sync_slot){0};
    if (kind == SYNC_LOG) {
      log_synced(s, status);
      f->synced_at_ms = now.mono_ms;
      if (f->wanted > f->flushed) flush_log_start(s);
    } else if (kind == SYNC_QUEUE) {
      f->queue_busy--;
      if (status != STATUS_OK) store_make_read_only(s, "a consume queue cannot be synced", status);
    } else if (kind == SYNC_EVERYTHING) {
      f->everything_busy = false;
      if (status == STATUS_OK) s->queues.all_owed = false;
      else store_make_read_only(s, "the consume queues cannot be synced", status);
    } else if (kind == SYNC_INDEX) {
      f->index_busy = false;
      if (status != STATUS_OK) index_fail(&s->index, "it cannot be synced", status);
    } else {
      f->checkpoint_busy = false;
      if (status != STATUS_OK) log_warn(s->log, "the checkpoint cannot be synced: %s", status_text(status));
    }
    return;
  }
}
