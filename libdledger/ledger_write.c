/* SPDX-License-Identifier: Apache-2.0
 *
 * Appending to a ledger (DLedgerMmapFileStore.appendAsLeader, appendAsFollower; MmapFileList.preAppend).
 */
#include "libdledger/ledger_parts.h"

#include <assert.h>

void stage_reset(struct ledger *l) {
  l->stage_start = l->marks.end_pos;
  l->stage_len = 0;
  l->open_at = SIZE_MAX;
  l->staged = l->end;
  l->marks.next_index = l->end.index + 1;
}

void ledger_rollback(struct ledger *l) {
  int64_t reached = l->stage_start + (int64_t)l->stage_len;
  if (reached > l->marks.end_pos && reached > l->wipe_until) l->wipe_until = reached;
  stage_reset(l);
  enum status status = index_cut(l, l->marks.next_index, false);
  assert(status == STATUS_OK);
  (void)status;
}

bool ledger_is_staged(const struct ledger *l) { return l->staged.index > l->end.index; }

enum status data_wipe(struct ledger *l, int64_t from, int64_t to) {
  if (segments_empty(&l->data)) return STATUS_OK;
  while (from < to && from < l->data.end) {
    struct segment *g;
    enum status status = segments_at(&l->data, from, &g);
    if (status != STATUS_OK) return status;
    int64_t end = g->start + l->data.length;
    if (end > to) end = to;
    status = segment_zero(g, from, end);
    if (status != STATUS_OK) return status;
    from = end;
  }
  return STATUS_OK;
}

static enum status stage_write(struct ledger *l) {
  if (l->stage_len == 0) return STATUS_OK;
  enum status status = STATUS_OK;
  if (l->wipe_until > l->stage_start) status = data_wipe(l, l->stage_start, l->wipe_until);
  if (status == STATUS_OK) l->wipe_until = 0;
  struct segment *g;
  if (status == STATUS_OK) status = segments_at(&l->data, l->stage_start, &g);
  if (status == STATUS_OK) status = segment_write(g, l->stage_start, span_of(l->stage, l->stage_len));
  if (status != STATUS_OK) return status;
  l->stage_start += (int64_t)l->stage_len;
  l->stage_len = 0;
  return STATUS_OK;
}

/* The checksums of the entry staged last; its body is complete now. */
static void seal(struct ledger *l) {
  if (l->open_at == SIZE_MAX) return;
  struct entry e;
  uint8_t *p = l->stage + l->open_at;
  enum status status = entry_decode(span_of(p, l->stage_len - l->open_at), &e);
  assert(status == STATUS_OK);
  (void)status;
  e.body_crc = entry_body_crc(e.body);
  e.chain_crc = entry_chain_crc(&e, l->staged.chain < 0 ? 0 : l->staged.chain);
  put_i32(p + 36, e.chain_crc);
  put_i32(p + 40, e.body_crc);
  l->staged.chain = e.chain_crc;
  l->open_at = SIZE_MAX;
}

/* The file that holds l->stage_start, when the stage stands at a boundary or there is none. */
static enum status file_begin(struct ledger *l) {
  struct segments *list = &l->data;
  if (!segments_empty(list) && l->stage_start < list->end) return STATUS_OK;
  assert(l->stage_len == 0);
  struct segment *g;
  int64_t start = l->stage_start - l->stage_start % list->length;
  enum status status = segments_add(list, start, DISK_ALLOCATE, &g);
  return status == STATUS_OK ? l->disk->ops->sync_dir(l->disk, l->data_dir) : status;
}

static int64_t room_left(const struct ledger *l) {
  int64_t at = l->stage_start + (int64_t)l->stage_len;
  if (segments_empty(&l->data) || at >= l->data.end) return 0;
  return segments_start_of(&l->data, at) + l->data.length - at;
}

/* Filler to the end of the file, then the next one. A file that is full has its index units written: Java looks for a
 * first entry with a unit to recover from. */
static enum status file_roll(struct ledger *l, int64_t room) {
  int64_t filler = room >= FILLER_SIZE_MIN ? FILLER_SIZE_MIN : 0;
  if (filler > 0) {
    put_i32(l->stage + l->stage_len, FILLER_MAGIC);
    put_i32(l->stage + l->stage_len + 4, (int32_t)room);
    l->stage_len += (size_t)filler;
  }
  enum status status = stage_write(l);
  if (status == STATUS_OK) status = index_tail_write(l);
  if (status != STATUS_OK) return status;
  l->stage_start += room - filler;
  return file_begin(l);
}

/* Room for an entry behind what is staged; `roll`: in the next file even if it would fit. */
static enum status place(struct ledger *l, int64_t size, bool roll) {
  int64_t room = room_left(l);
  enum status status = STATUS_OK;
  if (roll || size + FILLER_SIZE_MIN > room) status = file_roll(l, room);
  else if (l->stage_len + (size_t)size > STAGE_BYTES) status = stage_write(l);
  /* Only where a file is entered in its middle (ledger_reset) can the new one be too short. */
  if (status == STATUS_OK && size + FILLER_SIZE_MIN > room_left(l)) status = STATUS_LIMIT;
  return status;
}

/* Header and unit of an entry that has its place. */
static enum status put(struct ledger *l, const struct entry *e) {
  enum status status = unit_put(l, e);
  if (status != STATUS_OK) return status;
  entry_encode_header(l->stage + l->stage_len, e);
  l->stage_len += (size_t)e->size;
  l->staged.index = e->index;
  l->staged.term = e->term;
  l->marks.next_index = e->index + 1;
  return STATUS_OK;
}

static bool size_fits(const struct ledger *l, size_t body_len) {
  return body_len <= ENTRY_BODY_MAX && (int64_t)body_len + ENTRY_HEADER + FILLER_SIZE_MIN <= l->data.length;
}

enum status ledger_stage(struct ledger *l, size_t body_len, int64_t term, int64_t *index, int64_t *pos,
                         uint8_t **body) {
  assert(term >= l->staged.term);
  if (l->failure != STATUS_OK) return l->failure;
  if (!size_fits(l, body_len)) return STATUS_LIMIT;
  seal(l);
  struct entry e = {.magic = ENTRY_MAGIC, .size = (int32_t)body_len + ENTRY_HEADER, .term = term};
  enum status status = place(l, e.size, false);
  if (status == STATUS_OK) {
    e.index = l->marks.next_index;
    e.pos = l->stage_start + (int64_t)l->stage_len;
    e.body = span_of(l->stage + l->stage_len + ENTRY_HEADER, body_len);
    l->open_at = l->stage_len;
    *body = l->stage + l->stage_len + ENTRY_HEADER;
    *index = e.index;
    *pos = e.pos;
    status = put(l, &e);
  }
  if (status != STATUS_OK) ledger_rollback(l);
  return status;
}

/* A leader puts an entry at the end, or, if it does not fit, at the next file's start; a Java leader that was
 * restarted behind a filler also one that would fit. */
static bool pos_is_possible(const struct ledger *l, const struct entry *e, bool *roll) {
  int64_t at = l->stage_start + (int64_t)l->stage_len, room = room_left(l);
  *roll = false;
  if (room == 0) return e->pos == at;
  bool fits = (int64_t)e->size + FILLER_SIZE_MIN <= room;
  *roll = e->pos == at + room;
  return *roll || (fits && e->pos == at);
}

static const char *refusal(const struct ledger *l, const struct entry *e, bool *roll) {
  if (e->magic != ENTRY_MAGIC || (int64_t)e->size != (int64_t)e->body.len + ENTRY_HEADER) return "not an entry";
  if (!size_fits(l, e->body.len)) return "larger than an entry may be";
  if (e->index != l->marks.next_index) return "not the next index";
  if (e->term < l->staged.term) return "the term goes back";
  if (!pos_is_possible(l, e, roll)) return "not at a position it can have: do the members' file sizes differ?";
  return NULL;
}

enum status ledger_append(struct ledger *l, const struct entry *e, const char **why) {
  bool roll;
  *why = "the disk failed";
  if (l->failure != STATUS_OK) return l->failure;
  seal(l);
  const char *refused = refusal(l, e, &roll);
  if (refused != NULL) {
    *why = refused;
    return STATUS_INVALID;
  }
  if (!entry_is_sound(e, l->staged.chain)) {
    *why = "a checksum is wrong, or the logs differ before it";
    return STATUS_CORRUPT;
  }
  enum status status = place(l, e->size, roll);
  if (status == STATUS_OK) {
    if (e->body.len > 0) memcpy(l->stage + l->stage_len + ENTRY_HEADER, e->body.ptr, e->body.len);
    status = put(l, e);
  }
  if (status == STATUS_OK) {
    l->staged.chain = e->chain_crc;
    return STATUS_OK;
  }
  ledger_rollback(l);
  if (status == STATUS_LIMIT) *why = "there is no room for it where the ledger was told to begin";
  return status;
}

enum status ledger_commit(struct ledger *l) {
  if (l->failure != STATUS_OK) {
    ledger_rollback(l);
    return l->failure;
  }
  seal(l);
  bool first = l->end.index < 0 || l->marks.begin_index < 0;
  enum status status = stage_write(l);
  if (status != STATUS_OK) {
    ledger_rollback(l);
    return status;
  }
  if (!ledger_is_staged(l)) return STATUS_OK;
  if (first) {
    l->marks.begin_index = l->end.index + 1;
    struct unit u;
    status = unit_at(l, l->marks.begin_index, &u);
    assert(status == STATUS_OK);
    l->marks.begin_pos = u.pos;
  }
  l->end = l->staged;
  l->marks.end_index = l->end.index;
  l->marks.end_term = l->end.term;
  l->marks.end_pos = l->stage_start;
  return status;
}
