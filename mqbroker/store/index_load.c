/* SPDX-License-Identifier: Apache-2.0
 *
 * The key index at start. Java destroys every file that is newer than the
 * checkpoint (IndexService.load) and with it the keys of all messages that
 * recovery does not read again. Here such a file is made again from its own
 * entries: what comes before the first one that cannot be true is kept.
 */
#include "mqbroker/store/index.h"
#include "mqbroker/store/record.h"

#include <inttypes.h>
#include <stdlib.h>

#define REWRITE_ENTRIES 1024
#define QUIET_BYTES 65536 /* a run of zeros this long is the unused rest of the file */

/* ---- names ---- */

static enum status entry_check(const struct index *ix, const struct disk_entry *e, bool repair, struct buf *why) {
  int64_t length = index_file_length(&ix->config);
  if (e->length == length || (e->length < length && repair)) return STATUS_OK;
  buf_printf(why,
             "%s/%.*s is %" PRId64 " bytes long, with this maxHashSlotNum and maxIndexNum it would be %" PRId64
             "; without the directory the index is built again",
             ix->dir, SPAN_ARG(e->name), e->length, length);
  return STATUS_INVALID;
}

enum status index_scan(struct index *ix, bool repair, struct buf *why) {
  struct arena arena;
  struct disk_entry *entries;
  size_t count;
  if (!index_exists(ix)) return STATUS_OK;
  arena_init(&arena, (size_t)1 << 24);
  enum status status = ix->disk->ops->list(ix->disk, ix->dir, &arena, &entries, &count);
  if (status == STATUS_NOT_FOUND) {
    ix->made = true;
    arena_fini(&arena);
    return STATUS_OK;
  }
  if (status == STATUS_OK && count > 0) {
    ix->files = calloc(count, sizeof *ix->files);
    ix->cap = count;
    if (ix->files == NULL) status = STATUS_NO_MEMORY;
  }
  for (size_t i = 0; status == STATUS_OK && i < count; i++) {
    int64_t name = entries[i].directory ? -1 : index_name_parse(entries[i].name);
    if (name < 0) {
      log_warn(ix->log, "%s/%.*s is not an index file: passed over", ix->dir, SPAN_ARG(entries[i].name));
      continue;
    }
    status = entry_check(ix, &entries[i], repair, why);
    if (status == STATUS_OK) ix->files[ix->count++] = (struct index_file){.name = name};
  }
  if (status != STATUS_OK && why->len == 0) buf_printf(why, "%s cannot be read: %s", ix->dir, status_text(status));
  arena_fini(&arena);
  return status;
}

/* ---- making a file again ---- */

struct remake {
  struct index *ix;
  struct index_file *f;
  int64_t limit;
  bool repair;      /* after a crash */
  int64_t index_ms; /* entries of older records are durable */
  int32_t kept;     /* entries [1, kept] are good */
  bool damaged;     /* what follows them is not just beyond the limit */
};

/* An entry of zeros is a page that was never written. */
static bool plausible(const struct index_entry *e, int32_t number, int64_t last_offset) {
  return e->hash >= 0 && e->offset >= last_offset && e->seconds >= 0 && e->previous >= 0 && e->previous < number &&
         (e->hash != 0 || e->offset != 0 || e->seconds != 0 || e->previous != 0);
}

/* Perhaps only a part of an entry was written: a kill, a power cut or an error came in the middle of a write, where a
 * page ends. Its begin may lack anywhere, its end in the last entry only; of any other, the ones behind it lack, too.
 */
static bool is_part(const struct remake *r, const struct index_entry *e, bool is_last, int32_t newest_of_slot) {
  const int64_t begin_ms = r->f->header.begin_ms;
  if (!is_last) return e->hash == 0;
  if (e->hash == 0 || e->previous != newest_of_slot) return true;
  int64_t ms = begin_ms <= 0 ? -1 : commitlog_time_at(r->ix->commitlog, e->offset);
  return ms >= 0 && index_seconds_since(begin_ms, ms) != e->seconds;
}

static uint8_t *slot_of(const struct remake *r, uint8_t *table, int32_t hash) {
  return table + (int64_t)(hash % r->ix->config.slots) * INDEX_SLOT_SIZE;
}

/* How far the entries can be believed. If they end in damage the last one may be torn too: its record goes whole.
 * table: of the slots, empty. */
static void entries_check(struct remake *r, uint8_t *table) {
  struct index_entry e;
  int64_t last = 0;
  int32_t n = 1, end = r->f->header.count < r->ix->config.entries ? r->f->header.count : r->ix->config.entries;
  for (; n < end; n++) {
    index_entry_get(r->f->view + index_entry_at(r->ix, n), &e);
    r->damaged = !plausible(&e, n, last);
    if (r->damaged || e.offset >= r->limit) break;
    uint8_t *slot = slot_of(r, table, e.hash);
    r->damaged = r->repair && is_part(r, &e, n > 1 && n == end - 1, get_i32(slot));
    if (r->damaged) break;
    put_i32(slot, n);
    last = e.offset;
  }
  r->kept = n - 1;
  for (; r->damaged && r->kept > 0; r->kept--) {
    index_entry_get(r->f->view + index_entry_at(r->ix, r->kept), &e);
    if (e.offset != last) break;
  }
}

static void slots_remake(const struct remake *r, uint8_t *table, size_t size) {
  memset(table, 0, size);
  for (int32_t n = 1; n <= r->kept; n++) put_i32(slot_of(r, table, get_i32(r->f->view + index_entry_at(r->ix, n))), n);
}

/* Header of what is kept. Times that the header no longer has come from the log; -1 begins a file that lost them. */
static void header_remake(const struct remake *r, struct index_header *out) {
  const struct index_header *old = &r->f->header;
  struct index_entry first, last;
  *out = *old;
  index_entry_get(r->f->view + index_entry_at(r->ix, 1), &first);
  index_entry_get(r->f->view + index_entry_at(r->ix, r->kept), &last);
  out->begin_offset = first.offset;
  if (out->begin_ms <= 0) out->begin_ms = commitlog_time_at(r->ix->commitlog, first.offset);
  if (r->kept + 1 == old->count && old->end_offset == last.offset) return;
  out->end_offset = last.offset;
  out->end_ms = commitlog_time_at(r->ix->commitlog, last.offset);
  if (out->end_ms < 0) out->end_ms = out->begin_ms + (int64_t)last.seconds * 1000;
  out->count = r->kept + 1;
  out->slot_count = r->kept;
}

/* `doubt`: what we read may not be on disk (a sync failed), so the same bytes are written, too. */
static enum status part_write(struct index *ix, struct index_file *f, int64_t at, const void *bytes, size_t len,
                              bool doubt) {
  if (!doubt && memcmp(f->view + at, bytes, len) == 0) return STATUS_OK;
  struct span part = span_of(bytes, len);
  return ix->disk->ops->write(ix->disk, f->file, at, &part, 1);
}

/* What once stood behind the end must not be taken for entries after a later crash. */
static enum status rest_clear(struct index *ix, struct index_file *f) {
  static const uint8_t zeros[QUIET_BYTES];
  int64_t length = index_file_length(&ix->config);
  for (int64_t at = index_entry_at(ix, f->header.count); at < length; at += QUIET_BYTES) {
    size_t n = length - at < QUIET_BYTES ? (size_t)(length - at) : QUIET_BYTES;
    if (memcmp(f->view + at, zeros, n) == 0) break;
    enum status status = part_write(ix, f, at, zeros, n, false);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

static enum status entries_write_again(struct remake *r) {
  struct index *ix = r->ix;
  struct index_entry e;
  uint8_t block[REWRITE_ENTRIES * INDEX_ENTRY_SIZE];
  int32_t n = 1;
  for (; n <= r->kept; n++) { /* seconds are rounded down */
    index_entry_get(r->f->view + index_entry_at(ix, n), &e);
    if (r->f->header.begin_ms + ((int64_t)e.seconds + 1) * 1000 >= r->index_ms) break;
  }
  for (; n <= r->kept; n += REWRITE_ENTRIES) {
    int32_t count = r->kept + 1 - n < REWRITE_ENTRIES ? r->kept + 1 - n : REWRITE_ENTRIES;
    size_t len = (size_t)count * INDEX_ENTRY_SIZE;
    memcpy(block, r->f->view + index_entry_at(ix, n), len);
    enum status status = part_write(ix, r->f, index_entry_at(ix, n), block, len, true);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

static enum status remade_write(struct remake *r, const struct index_header *h, const uint8_t *table, size_t size) {
  struct index *ix = r->ix;
  uint8_t header[INDEX_HEADER_SIZE];
  index_header_put(header, h);
  r->f->header = *h;
  r->f->unsynced = true; /* even as it is: whoever wrote it may not have synced it */
  ix->names_unsynced = true;
  enum status status = part_write(ix, r->f, 0, header, sizeof header, r->repair);
  if (status == STATUS_OK) status = part_write(ix, r->f, INDEX_HEADER_SIZE, table, size, r->repair);
  if (status == STATUS_OK && r->repair) status = entries_write_again(r);
  return status == STATUS_OK ? rest_clear(ix, r->f) : status;
}

/* NOT_FOUND: nothing of the file can be used. */
static enum status remake(struct remake *r) {
  struct index_header h;
  enum status status = STATUS_NOT_FOUND;
  size_t size = (size_t)r->ix->config.slots * INDEX_SLOT_SIZE;
  uint8_t *table = calloc(1, size);
  if (table == NULL) return STATUS_NO_MEMORY;
  entries_check(r, table);
  if (r->damaged) slots_remake(r, table, size);
  if (r->kept > 0) {
    header_remake(r, &h);
    r->damaged = r->damaged || h.begin_ms < 0 || h.end_ms < 0;
    if (h.begin_ms >= 0 && h.end_ms >= 0) status = remade_write(r, &h, table, size);
  }
  free(table);
  return status;
}

/* ---- loading ---- */

/* Written once with a header that is not newer than the checkpoint; a slot beyond its entries was written later. */
static bool slots_sane(const struct index *ix, const struct index_file *f) {
  const uint8_t *p = f->view + INDEX_HEADER_SIZE;
  for (int32_t i = 0; i < ix->config.slots; i++, p += INDEX_SLOT_SIZE) {
    int32_t value = get_i32(p);
    if (value < 0 || value >= f->header.count) return false;
  }
  return true;
}

static bool trusted(const struct index *ix, const struct index_file *f, bool repair, int64_t index_ms, int64_t limit) {
  const struct index_header *h = &f->header;
  return h->count > 1 && h->count <= ix->config.entries && h->end_ms <= index_ms && h->end_offset < limit &&
         (!repair || slots_sane(ix, f));
}

static enum status drop_from(struct index *ix, size_t at) {
  enum status status = STATUS_OK;
  while (status == STATUS_OK && ix->count > at) status = index_file_remove(ix, ix->count - 1);
  return status;
}

/* A file with entries as far as the log goes, or as far as they can be believed. */
static enum status file_load(struct index *ix, size_t at, bool repair, int64_t index_ms, int64_t limit, bool *lost) {
  struct index_file *f = &ix->files[at];
  struct remake r = {.ix = ix, .f = f, .limit = limit, .repair = repair, .index_ms = index_ms};
  enum status status = index_file_open(ix, f);
  if (status != STATUS_OK) return status;
  index_header_get(f->view, &f->header);
  if (trusted(ix, f, repair, index_ms, limit)) return STATUS_OK;
  const int32_t before = f->header.count;
  status = remake(&r);
  if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
  *lost = *lost || r.damaged;
  int32_t kept = status == STATUS_OK ? r.kept : 0;
  ix->cut = ix->cut || kept + 1 != before;
  if (kept + 1 != before)
    log_warn(ix->log, "index file %" PRId64 ": %" PRId32 " of %" PRId32 " entries are kept", f->name, kept, before - 1);
  return kept == 0 ? drop_from(ix, at) : STATUS_OK;
}

/* A file that is not full has no successor: a power cut took what it got last. The log is read again from there. */
static enum status successors_check(struct index *ix, size_t at, bool *lost) {
  if (at + 1 >= ix->count || ix->files[at].header.count >= ix->config.entries) return STATUS_OK;
  *lost = ix->cut = true;
  return drop_from(ix, at + 1);
}

/* Entries of records that the log has lost must be gone for good before it has others at their offsets: if a power cut
 * brought them back, they would pass for those of the new records. */
static enum status cut_sync(struct index *ix) {
  enum status status = ix->disk->ops->sync_dir(ix->disk, ix->dir);
  if (status == STATUS_OK) ix->names_unsynced = false;
  for (size_t i = 0; i < ix->count && status == STATUS_OK; i++) {
    struct index_file *f = &ix->files[i];
    if (!f->unsynced) continue;
    status = index_file_open(ix, f);
    if (status == STATUS_OK) status = ix->disk->ops->sync(ix->disk, f->file);
    if (status == STATUS_OK) f->unsynced = false;
  }
  return status;
}

enum status index_load(struct index *ix, bool repair, int64_t index_ms, int64_t limit, bool *lost) {
  *lost = ix->made;
  if (!index_exists(ix)) return STATUS_OK;
  enum status status = ix->disk->ops->make_dirs(ix->disk, ix->dir);
  for (size_t i = 0; status == STATUS_OK && i < ix->count; i++) {
    status = file_load(ix, i, repair, index_ms, limit, lost);
    if (status == STATUS_OK) status = successors_check(ix, i, lost);
  }
  if (status == STATUS_OK && ix->cut) status = cut_sync(ix);
  ix->boundary = index_reaches(ix);
  return status;
}
