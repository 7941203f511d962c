/* SPDX-License-Identifier: Apache-2.0
 *
 * Making a ledger durable without blocking: while one sync of the data runs the
 * next gathers; and the checkpoint round, which writes the index tail, has index and data synced and
 * only then moves the checkpoint on (DLedgerMmapFileStore.FlushDataService).
 */
#include "core/base/timers.h"
#include "libdledger/ledger_parts.h"

#include <assert.h>

#define RETRY_MS 1000

static void fail(struct ledger *l, const char *what, enum status status) {
  if (l->failure == STATUS_OK)
    log_error(l->log, "%s: %s: %s; nothing is appended any more", l->dir, what, status_text(status));
  l->failure = status;
}

static enum status sync_begin(struct ledger *l, enum sync_kind kind, struct disk_file *file) {
  struct sync_slot *slot = NULL;
  for (size_t i = 0; i < SYNC_SLOTS && slot == NULL; i++)
    if (l->slots[i].kind == SYNC_NONE) slot = &l->slots[i];
  if (slot == NULL) return STATUS_BUSY;
  uint64_t token = l->options.token + (uint32_t)(l->token - l->options.token + 1);
  enum status status = l->disk->ops->sync_start(l->disk, file, token);
  if (status != STATUS_OK) return status;
  l->token = token;
  *slot = (struct sync_slot){kind, token};
  return STATUS_OK;
}

/* The disk has no hands free; the next tick tries again. */
static bool sync_later(enum status status) {
  return status == STATUS_BUSY || status == STATUS_NO_MEMORY || status == STATUS_LIMIT;
}

static void data_sync_start(struct ledger *l) {
  struct ledger_marks *m = &l->marks;
  if (l->data_busy > 0 || l->failure != STATUS_OK || m->synced_pos >= m->end_pos) return;
  int64_t at = m->synced_pos;
  for (int i = 0; i < SYNC_DATA_FILES_MAX && at < m->end_pos; i++) {
    struct segment *g;
    enum status status = segments_at(&l->data, at, &g);
    if (status == STATUS_OK) status = sync_begin(l, SYNC_DATA, g->file);
    if (sync_later(status)) break;
    if (status != STATUS_OK) {
      fail(l, "the data cannot be synced", status);
      return;
    }
    l->data_busy++;
    at = g->start + l->data.length;
  }
  l->target_pos = at < m->end_pos ? at : m->end_pos;
  l->target_index = m->end_index;
  if (at < m->end_pos && index_search(l, m->begin_index, at, &l->target_index) == STATUS_OK) l->target_index--;
}

void ledger_sync(struct ledger *l) {
  l->wanted_pos = l->marks.end_pos;
  data_sync_start(l);
}

static void data_synced(struct ledger *l, enum status status) {
  assert(l->data_busy > 0);
  l->data_busy--;
  if (status != STATUS_OK) fail(l, "the data cannot be synced", status);
  if (l->data_busy > 0 || l->failure != STATUS_OK) return;
  if (l->target_pos > l->marks.synced_pos) l->marks.synced_pos = l->target_pos;
  if (l->target_index > l->marks.synced_index) l->marks.synced_index = l->target_index;
  if (l->wanted_pos > l->marks.synced_pos) data_sync_start(l);
}

bool ledger_synced(struct ledger *l, uint64_t token, enum status status, struct moment now) {
  for (size_t i = 0; i < SYNC_SLOTS; i++) {
    struct sync_slot *slot = &l->slots[i];
    if (slot->kind == SYNC_NONE || slot->token != token) continue;
    enum sync_kind kind = slot->kind;
    *slot = (struct sync_slot){SYNC_NONE, 0};
    if (kind == SYNC_DATA) {
      l->synced_at_ms = now.mono_ms;
      data_synced(l, status);
    } else if (kind == SYNC_INDEX) {
      l->index_busy = false;
      if (status != STATUS_OK) fail(l, "the index cannot be synced", status);
    } else {
      l->checkpoint_busy = false;
      /* An old checkpoint is still a true one. */
      if (status != STATUS_OK) log_warn(l->log, "%s: the checkpoint cannot be synced: %s", l->dir, status_text(status));
    }
    return true;
  }
  return false;
}

/* ---- the checkpoint round ---- */

/* True when every unit below `until` is durable; starts the sync of one more file. */
static bool index_sync_next(struct ledger *l, int64_t until) {
  if (l->index_busy) return false;
  if (l->index_synced >= until) return true;
  struct segment *g;
  int64_t at = l->index_synced * LEDGER_UNIT;
  if (!segments_empty(&l->index) && at < l->index.first) at = l->index.first;
  enum status status = segments_at(&l->index, at, &g);
  if (status == STATUS_OK) status = sync_begin(l, SYNC_INDEX, g->file);
  if (status != STATUS_OK) {
    if (!sync_later(status)) fail(l, "the index cannot be synced", status);
    return false;
  }
  l->index_busy = true;
  int64_t end = (g->start + l->index.length) / LEDGER_UNIT;
  l->index_synced = end < until ? end : until;
  return false;
}

static bool checkpoint_is_due(const struct ledger *l) {
  struct checkpoint c = checkpoint_now(l);
  return l->marks.synced_pos < l->marks.end_pos || c.end_index != l->checkpoint.end_index ||
         c.committed_index != l->checkpoint.committed_index;
}

/* A round has its mark from the start, or it would never end while entries arrive. */
static enum status round_begin(struct ledger *l) {
  enum status status = ledger_is_staged(l) ? STATUS_OK : index_write(l);
  if (status != STATUS_OK) return status;
  data_sync_start(l);
  l->round_until = l->marks.synced_index + 1;
  if (l->round_until > l->tail_first) l->round_until = l->tail_first;
  return STATUS_OK;
}

static enum status round_end(struct ledger *l) {
  struct checkpoint c = checkpoint_now(l);
  if (c.end_index >= l->round_until) c.end_index = c.synced_index = l->round_until - 1;
  if (c.committed_index > c.end_index) c.committed_index = c.end_index;
  l->round_until = -1;
  enum status status = files_write_checkpoint(l, &c);
  if (status == STATUS_OK) status = sync_begin(l, SYNC_CHECKPOINT, l->checkpoint_file);
  l->checkpoint_busy = status == STATUS_OK;
  return status;
}

static int64_t checkpoint_tick(struct ledger *l, struct moment now) {
  enum status status = STATUS_OK;
  if (l->checkpoint_busy || l->index_busy) return TIME_NEVER;
  if (l->round_until < 0) {
    if (!checkpoint_is_due(l)) return TIME_NEVER;
    if (now.mono_ms < l->checkpoint_due_ms) return l->checkpoint_due_ms;
    status = round_begin(l);
  }
  if (status == STATUS_OK) {
    if (!index_sync_next(l, l->round_until)) return l->index_busy ? TIME_NEVER : now.mono_ms + 1;
    status = round_end(l);
  }
  if (status != STATUS_OK) log_warn(l->log, "%s: the checkpoint cannot be written: %s", l->dir, status_text(status));
  l->checkpoint_due_ms = now.mono_ms + l->options.checkpoint_interval_ms;
  return l->checkpoint_due_ms;
}

static int64_t data_tick(struct ledger *l, struct moment now) {
  if (l->marks.synced_pos >= l->marks.end_pos || l->data_busy > 0) return TIME_NEVER;
  int64_t due = l->wanted_pos > l->marks.synced_pos ? now.mono_ms : l->synced_at_ms + l->options.flush_interval_ms;
  if (now.mono_ms < due) return due;
  ledger_sync(l);
  return l->data_busy > 0 ? TIME_NEVER : now.mono_ms + 1;
}

/* Ahead of need, so it may fail without harm to anybody yet. */
static void next_file(struct ledger *l, struct moment now) {
  struct segments *list = &l->data;
  if (segments_empty(list) || list->end - l->marks.end_pos > list->length / 2 || ledger_is_staged(l)) return;
  if (now.mono_ms < l->retry_ms) return;
  struct segment *g;
  enum status status = segments_add(list, list->end, DISK_ALLOCATE, &g);
  if (status == STATUS_OK) status = l->disk->ops->sync_dir(l->disk, l->data_dir);
  if (status == STATUS_OK) return;
  l->retry_ms = now.mono_ms + RETRY_MS;
  log_warn(l->log, "%s: the next data file cannot be allocated: %s", l->dir, status_text(status));
}

int64_t ledger_tick(struct ledger *l, struct moment now) {
  /* What was read in this turn may leave only after it: the files close a turn later. */
  segment_cache_trim(&l->cache, LEDGER_FILES_OPEN_MAX);
  segments_close_dropped(&l->data);
  segments_close_dropped(&l->index);
  l->cache.epoch++;
  if (l->failure != STATUS_OK) return TIME_NEVER;
  next_file(l, now);
  int64_t data_at = data_tick(l, now), checkpoint_at = checkpoint_tick(l, now);
  return data_at < checkpoint_at ? data_at : checkpoint_at;
}

/* ---- waiting ---- */

static enum status list_sync(struct ledger *l, struct segments *list, int64_t from, int64_t to) {
  if (segments_empty(list)) return STATUS_OK;
  if (from < list->first) from = list->first;
  /* A cut just behind `from` changed this file, too. */
  if (from == list->end) from--;
  for (int64_t at = segments_start_of(list, from); at < list->end && at <= to; at += list->length) {
    struct segment *g;
    segment_cache_trim(&l->cache, LEDGER_FILES_OPEN_MAX);
    enum status status = segments_at(list, at, &g);
    if (status == STATUS_OK) status = l->disk->ops->sync(l->disk, g->file);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

enum status ledger_sync_all(struct ledger *l) {
  struct ledger_marks *m = &l->marks;
  enum status status = index_write(l);
  if (status == STATUS_OK) status = l->disk->ops->sync_dir(l->disk, l->data_dir);
  if (status == STATUS_OK) status = l->disk->ops->sync_dir(l->disk, l->index_dir);
  if (status == STATUS_OK) status = list_sync(l, &l->data, m->synced_pos, m->end_pos);
  if (status == STATUS_OK) status = list_sync(l, &l->index, l->index_synced * LEDGER_UNIT, l->tail_first * LEDGER_UNIT);
  if (status != STATUS_OK) return status;
  m->synced_pos = m->end_pos;
  m->synced_index = m->end_index;
  l->index_synced = l->tail_first;
  return STATUS_OK;
}
