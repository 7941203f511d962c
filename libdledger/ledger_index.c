/* SPDX-License-Identifier: Apache-2.0
 *
 * The index of a ledger: a unit of 32 bytes per entry at 32 * index
 * (DLedgerMmapFileStore: index list), the newest in memory.
 */
#include "libdledger/ledger_parts.h"

#include <assert.h>

static void unit_encode(uint8_t *p, const struct entry *e) {
  put_i32(p, e->magic);
  put_i64(p + 4, e->pos);
  put_i32(p + 12, e->size);
  put_i64(p + 16, e->index);
  put_i64(p + 24, e->term);
}

void unit_decode(const uint8_t *p, struct unit *out) {
  *out = (struct unit){get_i32(p), get_i32(p + 12), get_i64(p + 4), get_i64(p + 16), get_i64(p + 24)};
}

bool unit_matches(const struct unit *u, const struct entry *e) {
  return u->magic == e->magic && u->size == e->size && u->pos == e->pos && u->index == e->index && u->term == e->term;
}

enum status unit_at(struct ledger *l, int64_t index, struct unit *out) {
  if (index >= l->tail_first) {
    if (index - l->tail_first >= (int64_t)l->tail_count) return STATUS_NOT_FOUND;
    unit_decode(l->tail + (index - l->tail_first) * LEDGER_UNIT, out);
    return STATUS_OK;
  }
  if (index < 0) return STATUS_NOT_FOUND;
  struct segment *g;
  enum status status = segments_at(&l->index, index * LEDGER_UNIT, &g);
  if (status == STATUS_OK) unit_decode(g->view + (index * LEDGER_UNIT - g->start), out);
  return status;
}

static enum status index_file(struct ledger *l, int64_t at, struct segment **out) {
  struct segments *list = &l->index;
  if (segments_empty(list) || at >= list->end) {
    assert(segments_empty(list) || at == list->end);
    enum status status = segments_add(list, at - at % list->length, 0, out);
    return status == STATUS_OK ? l->disk->ops->sync_dir(l->disk, l->index_dir) : status;
  }
  return segments_at(list, at, out);
}

enum status index_tail_write(struct ledger *l) {
  size_t done = 0;
  while (done < l->tail_count) {
    struct segment *g;
    int64_t at = (l->tail_first + (int64_t)done) * LEDGER_UNIT;
    enum status status = index_file(l, at, &g);
    if (status != STATUS_OK) return status;
    int64_t room = g->start + l->index.length - at, left = (int64_t)(l->tail_count - done) * LEDGER_UNIT;
    struct span part = span_of(l->tail + done * LEDGER_UNIT, (size_t)(left < room ? left : room));
    status = segment_write(g, at, part);
    if (status != STATUS_OK) return status;
    done += part.len / LEDGER_UNIT;
  }
  l->tail_first += (int64_t)l->tail_count;
  l->tail_count = 0;
  return STATUS_OK;
}

enum status unit_put(struct ledger *l, const struct entry *e) {
  if (l->tail_count == TAIL_UNITS) {
    enum status status = index_tail_write(l);
    if (status != STATUS_OK) return status;
  }
  assert(e->index == l->tail_first + (int64_t)l->tail_count);
  unit_encode(l->tail + l->tail_count * LEDGER_UNIT, e);
  l->tail_count++;
  return STATUS_OK;
}

/* Java keeps no mark in these files: what is not zero could be taken for a unit. */
static enum status index_wipe(struct ledger *l, int64_t index) {
  struct segments *list = &l->index;
  int64_t at = index * LEDGER_UNIT;
  if (segments_empty(list)) return STATUS_OK;
  if (at < list->first) at = list->first;
  int64_t next_file = at == list->first ? at : segments_start_of(list, at - 1) + list->length;
  enum status status = segments_drop_from(list, next_file);
  if (status != STATUS_OK || at >= list->end) return status;
  struct segment *g;
  status = segments_at(list, at, &g);
  if (status != STATUS_OK) return status;
  return segment_zero(g, at, segment_last_nonzero(g, at, INDEX_QUIET_BYTES));
}

enum status index_cut(struct ledger *l, int64_t index, bool wipe) {
  if (index >= l->tail_first) {
    size_t keep = (size_t)(index - l->tail_first);
    if (keep < l->tail_count) l->tail_count = keep;
    /* Units of staged entries may have been written early, none behind the tail's place. */
    return STATUS_OK;
  }
  l->tail_first = index;
  l->tail_count = 0;
  if (l->index_synced > index) l->index_synced = index;
  return wipe ? index_wipe(l, index) : STATUS_OK;
}

enum status index_search(struct ledger *l, int64_t from, int64_t pos, int64_t *out) {
  int64_t low = from, high = l->marks.end_index + 1;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    struct unit u;
    enum status status = unit_at(l, middle, &u);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    if (u.index != middle) return STATUS_CORRUPT;
    if (u.pos + u.size > pos) high = middle;
    else low = middle + 1;
  }
  *out = low;
  return STATUS_OK;
}
