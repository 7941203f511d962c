/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking entries away: at the end (DLedgerMmapFileStore.truncate), all (MmapFileList.rebuildWithPos), or the oldest
 * file (CleanSpaceService). What is gone is zero on disk (W11), and nothing is vouched for that may be gone.
 */
#include "libdledger/ledger_parts.h"

#include <assert.h>
#include <inttypes.h>

enum status data_cut(struct ledger *l, int64_t known_dirty) {
  struct segments *list = &l->data;
  int64_t end = l->marks.end_pos;
  if (segments_empty(list) || end >= list->end) return STATUS_OK;
  /* An end at a boundary belongs to the file before it: no empty file stays that Java would have to judge. */
  int64_t next_file = end == list->first ? end : segments_start_of(list, end - 1) + list->length;
  enum status status = segments_drop_from(list, next_file);
  if (status != STATUS_OK || end >= list->end) return status;
  struct segment *g;
  status = segments_at(list, end, &g);
  if (status != STATUS_OK) return status;
  int64_t dirty = segment_last_nonzero(g, end, QUIET_BYTES);
  if (known_dirty > g->start + list->length) known_dirty = g->start + list->length;
  if (dirty < known_dirty) dirty = known_dirty;
  if (dirty > end)
    log_info(l->log, "%s: %" PRId64 " bytes behind position %" PRId64 " are wiped", l->dir, dirty - end, end);
  return dirty > end ? segment_zero(g, end, dirty) : STATUS_OK;
}

/* Syncs under way cover what was there, not what takes its place. */
static void marks_lower(struct ledger *l) {
  struct ledger_marks *m = &l->marks;
  if (m->synced_pos > m->end_pos) m->synced_pos = m->end_pos;
  if (m->synced_index > l->end.index) m->synced_index = l->end.index;
  if (l->target_pos > m->end_pos) l->target_pos = m->end_pos;
  if (l->target_index > l->end.index) l->target_index = l->end.index;
  if (l->wanted_pos > m->end_pos) l->wanted_pos = m->end_pos;
  if (l->round_until > l->end.index + 1) l->round_until = l->end.index + 1;
  if (l->scrub_index > l->end.index) l->scrub_index = -1;
}

static void fail(struct ledger *l, const char *what, enum status status) {
  if (l->failure == STATUS_OK) log_error(l->log, "%s: %s: %s", l->dir, what, status_text(status));
  l->failure = status;
}

/* The entry before `index`, or none: what the ledger ends with. */
static enum status new_end(struct ledger *l, int64_t index, struct last *last, int64_t *pos) {
  struct entry e;
  if (index == l->marks.begin_index) {
    *last = (struct last){index - 1, -1, index == 0 ? 0 : -1};
    *pos = l->marks.begin_pos;
    return STATUS_OK;
  }
  enum status status = ledger_get(l, index - 1, &e);
  if (status != STATUS_OK) return status;
  *last = (struct last){e.index, e.term, e.chain_crc};
  *pos = e.pos + e.size;
  return STATUS_OK;
}

static enum status cut(struct ledger *l, int64_t index) {
  struct ledger_marks *m = &l->marks;
  struct last last;
  int64_t pos, old_end = m->end_pos;
  enum status status = new_end(l, index, &last, &pos);
  if (status == STATUS_OK) status = files_lower_checkpoint(l, index);
  if (status != STATUS_OK) return status;
  l->end = last;
  m->end_index = index == m->begin_index ? -1 : last.index;
  m->end_term = index == m->begin_index ? -1 : last.term;
  m->end_pos = pos;
  if (index == m->begin_index) m->begin_index = m->begin_pos = -1;
  marks_lower(l);
  stage_reset(l);
  status = index_cut(l, index, true);
  if (status == STATUS_OK) status = data_cut(l, old_end);
  if (status == STATUS_OK) l->wipe_until = 0;
  else fail(l, "entries that are no longer valid cannot be taken away", status);
  return status;
}

enum status ledger_truncate(struct ledger *l, int64_t index) {
  assert(!ledger_is_staged(l) && index > l->marks.committed_index);
  if (l->failure != STATUS_OK) return l->failure;
  if (index == l->end.index + 1) return STATUS_OK;
  if (l->marks.begin_index < 0 || index < l->marks.begin_index || index > l->marks.end_index) return STATUS_INVALID;
  return cut(l, index);
}

static enum status remember_damage(struct ledger *l, int64_t index) {
  if (index <= l->marks.damaged_index) return STATUS_OK;
  enum status status = files_write_repair(l, index);
  if (status == STATUS_OK) l->marks.damaged_index = index;
  return status;
}

enum status ledger_cut_damaged(struct ledger *l, int64_t index) {
  ledger_rollback(l);
  if (l->failure != STATUS_OK) return l->failure;
  if (l->marks.begin_index < 0 || index < l->marks.begin_index || index > l->marks.end_index) return STATUS_INVALID;
  log_error(l->log, "%s: entry %" PRId64 " is damaged: the log is cut there and must be brought up to date by a leader",
            l->dir, index);
  enum status status = remember_damage(l, l->marks.end_index);
  if (status != STATUS_OK) return status;
  if (l->marks.committed_index >= index) marks_set_committed(l, index - 1);
  status = cut(l, index);
  if (status != STATUS_CORRUPT) return status;
  /* Its neighbour is no better. */
  return index > l->marks.begin_index ? ledger_cut_damaged(l, index - 1) : status;
}

enum status ledger_reset(struct ledger *l, int64_t index, int64_t pos) {
  struct ledger_marks *m = &l->marks;
  assert(!ledger_is_staged(l) && index > m->committed_index && index >= 0 && pos >= 0);
  if (l->failure != STATUS_OK) return l->failure;
  enum status status = STATUS_OK;
  if (m->end_index >= 0) status = remember_damage(l, m->end_index);
  if (status == STATUS_OK) status = files_lower_checkpoint(l, 0);
  if (status != STATUS_OK) return status;
  l->end = (struct last){index - 1, -1, index == 0 ? 0 : -1};
  m->begin_index = m->begin_pos = m->end_index = m->end_term = m->committed_index = m->committed_pos = -1;
  m->end_pos = pos;
  m->synced_index = -1;
  marks_lower(l);
  l->wipe_until = 0;
  stage_reset(l);
  m->synced_pos = pos;
  if (!segments_empty(&l->data)) status = segments_drop_from(&l->data, l->data.first);
  if (status == STATUS_OK && !segments_empty(&l->index)) status = segments_drop_from(&l->index, l->index.first);
  l->tail_first = l->index_synced = index;
  l->tail_count = 0;
  if (status != STATUS_OK) fail(l, "the old files cannot be removed", status);
  return status;
}

int64_t ledger_oldest_ms(struct ledger *l) {
  char path[DISK_PATH_MAX];
  struct disk_entry entry;
  if (segments_empty(&l->data) || l->data.first + l->data.length >= l->marks.end_pos) return -1;
  if (segment_path(&l->data, l->data.first, path) != STATUS_OK) return -1;
  return l->disk->ops->stat(l->disk, path, &entry) == STATUS_OK ? entry.modified_ms : -1;
}

enum status ledger_drop_first(struct ledger *l) {
  struct ledger_marks *m = &l->marks;
  int64_t behind = l->data.first + l->data.length;
  struct entry e;
  if (m->begin_index < 0 || behind >= l->data.end || behind >= m->end_pos) return STATUS_BUSY;
  if (behind > m->committed_pos || behind > m->synced_pos) return STATUS_BUSY;
  int64_t index;
  enum status status = ledger_find(l, behind, &index);
  if (status == STATUS_OK) status = ledger_get(l, index, &e);
  if (status != STATUS_OK) return status;
  if (index > l->checkpoint.synced_index) return STATUS_BUSY; /* its unit may not be on disk */
  status = segments_drop_first(&l->data);
  if (status != STATUS_OK) return status;
  m->begin_index = index;
  m->begin_pos = e.pos;
  if (l->scrub_index < index) l->scrub_index = -1;
  while (l->index.end - l->index.first > l->index.length && l->index.first + l->index.length <= index * LEDGER_UNIT) {
    status = segments_drop_first(&l->index);
    if (status != STATUS_OK) break;
  }
  if (status != STATUS_OK) log_warn(l->log, "%s: an old index file cannot be removed: %s", l->dir, status_text(status));
  return STATUS_OK;
}
