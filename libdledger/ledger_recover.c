/* SPDX-License-Identifier: Apache-2.0
 *
 * From a directory, however it was left and by whom, to a ledger with an end
 * (DLedgerMmapFileStore.recover). Entries are read in order from a place that is
 * known to be one; the first that is not whole, not the next, or not sound
 * ends the log, and what lies behind becomes zero. Index units that disagree
 * are written again.
 *
 * Where reading begins: our checkpoint vouches for what was synced, so some
 * megabytes before it (verify_back_bytes) are enough; without one, as Java, the
 * newest file before the last two whose first entry has its unit.
 *
 * If the log ends before what the checkpoint vouches for, this is damage, not
 * a torn tail: see damaged_index in ledger.h.
 */
#include "libdledger/ledger_parts.h"

#include <inttypes.h>
#include <stdio.h>

#define JAVA_FILES_BACK 3
#define NAMES_BYTES_MAX (64u << 20) /* of directory listings */
#define INDEX_MAX (INT64_MAX / LEDGER_UNIT - 1)

struct walk {
  int64_t pos;
  struct last last; /* index + 1 is what must stand at pos */
  bool repairing;   /* the index files are not believed any more */
};

/* ---- where to begin ---- */

/* Entry at pos, whatever the index says. */
static enum status entry_at(struct ledger *l, int64_t pos, struct entry *out) {
  struct segment *g;
  segment_cache_trim(&l->cache, LEDGER_FILES_OPEN_MAX);
  enum status status = segments_at(&l->data, pos, &g);
  if (status != STATUS_OK) return status;
  int64_t room = g->start + l->data.length - pos;
  status = entry_decode(span_of(g->view + (pos - g->start), (size_t)room), out);
  if (status == STATUS_NOT_FOUND) return out->size == room ? STATUS_NOT_FOUND : STATUS_INVALID;
  if (status == STATUS_AGAIN) return STATUS_INVALID;
  if (status == STATUS_OK && (out->pos != pos || out->index < 0 || out->index > INDEX_MAX || out->term < -1))
    return STATUS_INVALID;
  return status;
}

static bool lost(enum status status) { return status == STATUS_IO || status == STATUS_NO_MEMORY; }

/* An entry that is there and has the unit it should have. */
static bool entry_is_known(struct ledger *l, int64_t index, struct entry *out) {
  struct unit u;
  return unit_at(l, index, &u) == STATUS_OK && u.index == index && u.pos >= 0 && entry_at(l, u.pos, out) == STATUS_OK &&
         unit_matches(&u, out);
}

/* rebuildWithPos begins in the middle of a file and forgets where (W30): the index knows. */
static bool first_by_index(struct ledger *l, struct entry *out) {
  int64_t end = l->data.first + l->data.length;
  if (segments_empty(&l->index)) return false;
  for (int64_t index = l->index.first / LEDGER_UNIT; index < l->index.end / LEDGER_UNIT; index++) {
    struct unit u;
    segment_cache_trim(&l->cache, LEDGER_FILES_OPEN_MAX);
    if (unit_at(l, index, &u) != STATUS_OK) return false;
    if (u.magic == 0) continue;
    return u.pos > l->data.first && u.pos < end && entry_is_known(l, index, out);
  }
  return false;
}

static bool index_covers(const struct ledger *l, int64_t index) {
  return !segments_empty(&l->index) && l->index.first <= index * LEDGER_UNIT;
}

/* The first entry has none before it that its header could be checked with; its unit or the entry behind it can. */
static bool first_is_credible(struct ledger *l, const struct entry *e) {
  struct entry other;
  if (e->index == 0) return entry_is_sound(e, 0);
  if (!index_covers(l, e->index)) return true;
  if (entry_is_known(l, e->index, &other) && other.pos == e->pos) return true;
  enum status status = entry_at(l, e->pos + e->size, &other);
  if (status == STATUS_NOT_FOUND) status = entry_at(l, l->data.first + l->data.length, &other);
  return status == STATUS_OK && other.index == e->index + 1 && entry_is_sound(&other, e->chain_crc);
}

static bool first_entry(struct ledger *l, struct entry *out) {
  if (segments_empty(&l->data)) return false;
  if (entry_at(l, l->data.first, out) == STATUS_OK) return first_is_credible(l, out);
  return first_by_index(l, out);
}

/* Java checks nothing of the index before the place where it begins to read, nor does it sync it in time. */
static bool units_are_whole(struct ledger *l, int64_t from, int64_t to) {
  int64_t pos = -1;
  for (int64_t i = from; i < to; i++) {
    struct unit u;
    segment_cache_trim(&l->cache, LEDGER_FILES_OPEN_MAX);
    if (unit_at(l, i, &u) != STATUS_OK || u.magic != ENTRY_MAGIC || u.index != i || u.pos < pos) return false;
    pos = u.pos + u.size;
  }
  return true;
}

static void begin_java(struct ledger *l, const struct entry *first, struct entry *out) {
  int64_t start = l->data.end - JAVA_FILES_BACK * l->data.length;
  for (; start > first->pos; start -= l->data.length) {
    struct entry e;
    if (entry_at(l, start, &e) != STATUS_OK || !entry_is_known(l, e.index, out) || out->pos != start) continue;
    if (units_are_whole(l, first->index, out->index)) return;
  }
  *out = *first;
}

/* Before the checkpoint's entry. The first one if that is not far, or if the entry is not what it was. */
static void begin_checkpoint(struct ledger *l, const struct checkpoint *c, const struct entry *first,
                             struct entry *out) {
  struct entry synced;
  *out = *first;
  if (c->synced_index <= first->index || !entry_is_known(l, c->synced_index, &synced)) return;
  int64_t target = synced.pos - l->options.verify_back_bytes, low = first->index, high = c->synced_index;
  if (target <= first->pos) return;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    struct entry e;
    if (!entry_is_known(l, middle, &e)) return;
    if (e.pos >= target) high = middle;
    else low = middle + 1;
  }
  if (!entry_is_known(l, low, out)) *out = *first;
}

/* ---- reading ---- */

static enum status unit_check(struct ledger *l, struct walk *w, const struct entry *e) {
  struct unit u;
  if (!w->repairing) {
    enum status status = unit_at(l, e->index, &u);
    if (lost(status)) return status;
    if (status == STATUS_OK && unit_matches(&u, e)) return STATUS_OK;
    w->repairing = true;
    l->tail_first = e->index;
  }
  return unit_put(l, e);
}

/* Reads on until the log ends; w->pos is behind the last entry. */
static enum status walk_run(struct ledger *l, struct walk *w) {
  int64_t at = w->pos;
  while (at < l->data.end) {
    struct entry e;
    enum status status = entry_at(l, at, &e);
    if (lost(status)) return status;
    if (status == STATUS_NOT_FOUND) {
      at = segments_start_of(&l->data, at) + l->data.length;
      continue;
    }
    if (status != STATUS_OK || e.index != w->last.index + 1 || e.term < w->last.term ||
        !entry_is_sound(&e, w->last.chain))
      return STATUS_OK;
    status = unit_check(l, w, &e);
    if (status != STATUS_OK) return status;
    w->last = (struct last){e.index, e.term, e.chain_crc};
    at += e.size;
    w->pos = at;
  }
  return STATUS_OK;
}

/* ---- damage ---- */

/* The last index this member may have known: units go on behind the end. */
static int64_t last_known(struct ledger *l, const struct checkpoint *c, int64_t end_index) {
  int64_t last = c->synced_index > c->committed_index ? c->synced_index : c->committed_index;
  struct unit u;
  for (int64_t i = end_index + 1; unit_at(l, i, &u) == STATUS_OK && u.magic == ENTRY_MAGIC && u.index == i; i++)
    if (i > last) last = i;
  return last;
}

static enum status damage_check(struct ledger *l, const struct checkpoint *c, const struct walk *w) {
  int64_t vouched = c->synced_index != INT64_MIN ? c->synced_index : c->committed_index;
  enum status status = files_read_repair(l, &l->marks.damaged_index);
  if (status != STATUS_OK || w->last.index >= vouched) return status;
  int64_t last = w->repairing ? vouched : last_known(l, c, w->last.index);
  log_error(l->log,
            "%s: entry %" PRId64 " at position %" PRId64 " is damaged or missing, the checkpoint vouches for %" PRId64
            ": the log is cut there and must be brought up to date by a leader",
            l->dir, w->last.index + 1, w->pos, vouched);
  if (last <= l->marks.damaged_index) return STATUS_OK;
  l->marks.damaged_index = last;
  return files_write_repair(l, last);
}

/* ---- all together ---- */

/* Before anything is read or repaired (W12). Java's DLedger has no lock of its own; its broker has one in the store's
 * directory. */
static enum status lock_take(struct ledger *l, struct buf *why) {
  char path[DISK_PATH_MAX];
  if (!ledger_path(l, "lock", path)) return STATUS_LIMIT;
  enum status status = l->disk->ops->make_dirs(l->disk, l->dir);
  if (status == STATUS_OK) status = l->disk->ops->lock(l->disk, path, &l->lock_file);
  if (status == STATUS_BUSY) buf_printf(why, "%s is used by another process", l->dir);
  else if (status != STATUS_OK) buf_printf(why, "%s cannot be locked: %s", path, status_text(status));
  return status;
}

static enum status files_load(struct ledger *l, struct buf *why) {
  struct disk *disk = l->disk;
  struct arena names;
  arena_init(&names, NAMES_BYTES_MAX);
  enum status status = segments_load(&l->data, &names, true, why);
  if (status == STATUS_OK) status = segments_load(&l->index, &names, true, why);
  arena_fini(&names);
  if (status == STATUS_OK) status = disk->ops->make_dirs(disk, l->data_dir);
  if (status == STATUS_OK) status = disk->ops->make_dirs(disk, l->index_dir);
  if (status == STATUS_OK) status = disk->ops->sync_dir(disk, l->dir);
  if (status == STATUS_OK && !segments_empty(&l->index) && l->index.first % LEDGER_UNIT != 0) {
    buf_printf(why, "%s does not begin with a whole unit", l->index_dir);
    status = STATUS_CORRUPT;
  }
  return status;
}

/* Units for entries from `index` on are not believed; none of them is left below the first file. */
static enum status index_forget(struct ledger *l, const struct entry *first, struct walk *w) {
  if (index_covers(l, first->index)) return STATUS_OK;
  enum status status = segments_drop_from(&l->index, l->index.first);
  w->repairing = true;
  l->tail_first = first->index;
  return status;
}

static enum status walk_all(struct ledger *l, const struct checkpoint *c, struct walk *w) {
  struct entry first, begin;
  l->tail_first = INT64_MAX; /* for now all units are in files */
  if (!first_entry(l, &first)) {
    *w = (struct walk){l->options.first_pos, {-1, -1, 0}, true};
    return STATUS_OK;
  }
  l->marks.begin_index = first.index;
  l->marks.begin_pos = first.pos;
  enum status status = index_forget(l, &first, w);
  if (status != STATUS_OK) return status;
  if (w->repairing || l->options.verify_back_bytes < 0) begin = first;
  else if (c->synced_index != INT64_MIN) begin_checkpoint(l, c, &first, &begin);
  else begin_java(l, &first, &begin);
  w->pos = begin.pos;
  w->last = (struct last){begin.index - 1, -1, begin.index == 0 ? 0 : -1};
  status = walk_run(l, w);
  if (status != STATUS_OK || w->last.index >= begin.index || begin.index == first.index) return status;
  /* The very entry to begin with is not sound: where does it end, then? */
  w->pos = first.pos;
  w->last = (struct last){first.index - 1, -1, first.index == 0 ? 0 : -1};
  return walk_run(l, w);
}

/* The marks, and files that agree with them. */
static enum status settle(struct ledger *l, const struct walk *w) {
  struct ledger_marks *m = &l->marks;
  bool empty = m->begin_index < 0 || w->last.index < m->begin_index;
  l->end = w->last;
  if (empty) {
    l->end = (struct last){-1, -1, 0};
    m->begin_index = m->begin_pos = -1;
  }
  m->end_index = l->end.index;
  m->end_term = l->end.term;
  m->end_pos = empty ? l->options.first_pos : w->pos;
  enum status status = STATUS_OK;
  if (empty) {
    l->tail_first = 0;
    if (!segments_empty(&l->data)) status = segments_drop_from(&l->data, l->data.first);
    if (status == STATUS_OK && !segments_empty(&l->index)) status = segments_drop_from(&l->index, l->index.first);
  } else {
    if (!w->repairing) l->tail_first = l->end.index + 1;
    status = data_cut(l, m->end_pos);
    if (status == STATUS_OK) status = index_write(l);
    if (status == STATUS_OK) {
      l->tail_first = INT64_MAX; /* so that the files are cut */
      status = index_cut(l, l->end.index + 1, true);
    }
  }
  stage_reset(l);
  return status;
}

/* Java persists its term after it has written entries of it; whoever has lost the file may have voted in the term of
 * its last entry. "?" is nobody's id. */
static void term_check(struct ledger *l) {
  struct ledger_marks *m = &l->marks;
  if (m->term >= m->end_term) return;
  log_warn(l->log, "%s: the term is %" PRId64 ", the last entry's is %" PRId64 ": no vote in this term", l->dir,
           m->term, m->end_term);
  m->term = m->end_term;
  memcpy(m->vote, "?", 2);
}

enum status ledger_recover(struct ledger *l, struct buf *why) {
  struct checkpoint c;
  struct walk w = {0};
  enum status status = lock_take(l, why);
  if (status == STATUS_OK) status = files_load(l, why);
  if (status == STATUS_OK) status = files_read_term(l, why);
  if (status == STATUS_OK) status = files_read_checkpoint(l, &c);
  if (status == STATUS_OK) status = walk_all(l, &c, &w);
  if (status == STATUS_OK) status = damage_check(l, &c, &w);
  if (status == STATUS_OK) status = settle(l, &w);
  if (status != STATUS_OK) return status;
  term_check(l);
  int64_t synced = c.synced_index < l->marks.begin_index ? l->marks.begin_index : c.synced_index;
  struct unit u;
  l->marks.synced_pos = l->marks.begin_index < 0 ? l->marks.end_pos : l->marks.begin_pos;
  if (synced <= l->marks.end_index && unit_at(l, synced, &u) == STATUS_OK) l->marks.synced_pos = u.pos;
  l->index_synced = synced < 0 ? 0 : synced;
  status = ledger_sync_all(l);
  if (status != STATUS_OK) return status;
  marks_set_committed(l, c.committed_index < l->marks.end_index ? c.committed_index : l->marks.end_index);
  c = checkpoint_now(l);
  return files_open_checkpoint(l, &c);
}
