/* SPDX-License-Identifier: Apache-2.0
 *
 * The key index against the log: entries are put in the order of the records,
 * so both are walked side by side. Then, file by file, the chains: an entry's
 * predecessor must be the newest entry before it in the same slot.
 */
#include "tools/mqstore/verify.h"

#include <inttypes.h>
#include <stdlib.h>

static struct index_file *current(struct verify *v) {
  struct key_index *x = &v->store->index;
  return v->index.file < x->count ? &x->files[v->index.file] : NULL;
}

/* Java throws such a file away when it starts after a crash (IndexService.load). */
static bool is_doomed(const struct verify *v, const struct index_file *f) {
  return v->open_end && f->header.end_ms > v->store->checkpoint.index_ms;
}

static void entry_report(struct verify *v, const struct index_file *f, int64_t number, const char *what, int64_t a,
                         int64_t b) {
  verify_report(v, is_doomed(v, f) ? NOTE : PROBLEM, f->path, index_entry_position(f, number),
                "entry %" PRId64 ": %s (%" PRId64 ", %" PRId64 ")", number, what, a, b);
}

/* ---- chains ---- */

static void check_chain(struct verify *v, const struct index_file *f, int64_t number, const struct index_entry *e) {
  struct index_walk *w = &v->index;
  if (e->hash < 0) {
    entry_report(v, f, number, "negative hash", e->hash, 0);
    return;
  }
  int32_t *head = &w->heads[e->hash % f->slots];
  if (e->previous != *head)
    entry_report(v, f, number, "wrong predecessor in its chain (is, should be)", e->previous, *head);
  w->slots_used += *head == 0;
  *head = (int32_t)number;
}

static void check_slots(struct verify *v, const struct index_file *f) {
  enum severity severity = is_doomed(v, f) ? NOTE : PROBLEM;
  int64_t count = index_count(f);
  for (int64_t i = 0; i < f->slots; i++) {
    int32_t slot = index_slot_at(f, i);
    if (slot == v->index.heads[i]) continue;
    verify_report(v, severity, f->path, INDEX_HEADER + INDEX_SLOT_BYTES * i,
                  "slot %" PRId64 " holds %" PRId32 ", its newest entry is %" PRId32, i, slot, v->index.heads[i]);
  }
  /* 4.7.0 counts every put, later versions slots in use. */
  if (f->header.slot_count != count - 1 && f->header.slot_count != v->index.slots_used)
    verify_report(v, severity, f->path, 32,
                  "header: slot count %" PRId32 " with %" PRId64 " entries in %" PRId64 " slots", f->header.slot_count,
                  count - 1, v->index.slots_used);
}

static void check_header(struct verify *v, const struct index_file *f) {
  enum severity severity = is_doomed(v, f) ? NOTE : PROBLEM;
  int64_t count = index_count(f);
  if (f->header.count > f->capacity)
    verify_report(v, severity, f->path, 36, "header: %" PRId32 " entries, there is room for %" PRId64, f->header.count,
                  f->capacity);
  if (count <= 1) return;
  int64_t first = index_entry_at(f, 1).offset, last = index_entry_at(f, count - 1).offset;
  if (f->header.begin_offset != first)
    verify_report(v, severity, f->path, 16, "header: begins at offset %" PRId64 ", its first entry at %" PRId64,
                  f->header.begin_offset, first);
  if (f->header.end_offset != last)
    verify_report(v, severity, f->path, 24, "header: ends at offset %" PRId64 ", its last entry at %" PRId64,
                  f->header.end_offset, last);
}

/* ---- going through the files ---- */

static bool file_begin(struct verify *v, const struct index_file *f) {
  struct index_walk *w = &v->index;
  w->number = 1;
  w->slots_used = 0;
  if (f->slots == 0) {
    verify_report(v, PROBLEM, f->path, -1, "%" PRId64 " bytes: no numbers of slots and entries fit (--index-slots)",
                  f->length);
    return false;
  }
  if (f->slots > w->heads_cap) {
    int32_t *heads = realloc(w->heads, (size_t)f->slots * sizeof *heads);
    if (heads == NULL) {
      v->store->cache.trouble = STATUS_NO_MEMORY;
      return false;
    }
    w->heads = heads;
    w->heads_cap = f->slots;
  }
  memset(w->heads, 0, (size_t)f->slots * sizeof *w->heads);
  return true;
}

static void file_finish(struct verify *v, const struct index_file *f) {
  check_slots(v, f);
  check_header(v, f);
}

/* Goes on to a file with an entry left; false at the end. */
static bool at_entry(struct verify *v) {
  for (;;) {
    struct index_file *f = current(v);
    if (f == NULL) return false;
    if (f->slots != 0 && v->index.number < index_count(f)) return true;
    if (f->slots != 0) file_finish(v, f);
    do {
      v->index.file++;
      f = current(v);
    } while (f != NULL && !file_begin(v, f));
  }
}

void verify_index_start(struct verify *v) {
  struct key_index *x = &v->store->index;
  char name[FILE_LABEL_MAX];
  for (size_t i = 0; i < x->stranger_count; i++) {
    snprintf(name, sizeof name, "index/%.*s", SPAN_ARG(x->strangers[i]));
    verify_report(v, NOTE, name, -1, "no index file; ignored");
  }
  for (size_t i = 0; i < x->count; i++) {
    if (x->files[i].length != x->files[0].length)
      verify_report(v, PROBLEM, x->files[i].path, -1, "%" PRId64 " bytes long, the first one %" PRId64,
                    x->files[i].length, x->files[0].length);
    if (x->files[i].name.len != INDEX_NAME_DIGITS) verify_report(v, NOTE, x->files[i].path, -1, "the name is no time");
  }
  v->index.number = 1;
  while (current(v) != NULL && !file_begin(v, current(v))) v->index.file++;
}

static struct index_entry take(struct verify *v) {
  struct index_file *f = current(v);
  struct index_entry e = index_entry_at(f, v->index.number);
  check_chain(v, f, v->index.number, &e);
  v->index.number++;
  v->index.any = true;
  return e;
}

/* ---- records and entries ---- */

static void gap_flush(struct verify *v, enum severity severity, const char *what) {
  struct index_walk *w = &v->index;
  if (w->gap_count == 0) return;
  struct index_file *f = current(v);
  verify_report(v, severity, f == NULL ? "index" : f->path, f == NULL ? -1 : index_entry_position(f, w->number),
                "%" PRId64 " keys of the records from offset %" PRId64 " to %" PRId64 " are not in the index%s",
                w->gap_count, w->gap_first, w->gap_last, what);
  w->gap_count = 0;
}

static void gap_add(struct verify *v, int64_t offset) {
  struct index_walk *w = &v->index;
  if (w->gap_count++ == 0) w->gap_first = offset;
  w->gap_last = offset;
}

static void check_seconds(struct verify *v, const struct index_file *f, int64_t number, const struct index_entry *e,
                          int64_t store_ms) {
  int64_t seconds = f->header.begin_ms <= 0 ? 0 : difference_of(store_ms, f->header.begin_ms) / 1000;
  if (number == 1) return; /* counted from the file before, whose times a new file starts with */
  if (seconds < 0) seconds = 0;
  if (seconds > INT32_MAX) seconds = INT32_MAX;
  if (e->seconds != seconds) entry_report(v, f, number, "wrong time difference (is, should be)", e->seconds, seconds);
}

/* The entry cannot be of any record that is still to come: it points back, or beyond what the next entry points to. */
static bool is_stray(const struct verify *v, const struct index_file *f, const struct index_entry *e, int64_t offset) {
  if (e->offset < offset) return true;
  if (v->index.number + 1 >= index_count(f)) return e->offset >= sum_of(f->header.end_offset, INT32_MAX);
  int64_t following = index_entry_at(f, v->index.number + 1).offset;
  return e->offset > following && following >= offset;
}

static void check_key(struct verify *v, const struct log_item *item, int32_t hash) {
  while (at_entry(v)) {
    struct index_file *f = current(v);
    int64_t number = v->index.number;
    struct index_entry e = index_entry_at(f, number);
    if (e.offset == item->record_offset) {
      if (v->index.gap_count > 0 && !v->index.any) gap_flush(v, NOTE, ": it begins later");
      gap_flush(v, PROBLEM, ", though later ones are");
      take(v);
      if (e.hash != hash)
        entry_report(v, f, number, "the record has another key there (hash is, should be)", e.hash, hash);
      check_seconds(v, f, number, &e, item->message.store_ms);
      return;
    }
    if (!is_stray(v, f, &e, item->record_offset)) break;
    if (e.offset >= v->log_first)
      entry_report(v, f, number, "points where no such record comes (offset, next record with a key)", e.offset,
                   item->record_offset);
    take(v);
  }
  gap_add(v, item->record_offset);
}

/* After a crash Java keeps the files that are not newer than the checkpoint (IndexService.load), reads the log again
 * and passes over what lies below the end of the newest of them (IndexService.buildIndex): below, so all keys of the
 * record that this file ends with come once more, behind those of them that it has. That may be in the middle of a
 * file: one with entries of the checkpoint's millisecond only is kept, and so is what our checkpoint vouched for. */
static bool begins_again(struct verify *v, const struct log_item *item, int32_t first_hash) {
  if (!at_entry(v)) return false;
  struct index_file *f = current(v);
  struct index_entry e = index_entry_at(f, v->index.number);
  if (e.offset != item->record_offset || e.hash != first_hash) return false;
  verify_report(v, NOTE, f->path, index_entry_position(f, v->index.number),
                "entry %" PRId64 ": the keys of the record at offset %" PRId64 " once more, as after a crash in Java",
                v->index.number, e.offset);
  return true;
}

void verify_index_record(struct verify *v, const struct log_item *item, bool required) {
  static _Thread_local struct span keys[RECORD_KEYS_MAX + 1];
  static _Thread_local int32_t hashes[RECORD_KEYS_MAX + 1];
  if (v->store->index.count == 0) return;
  if (!required && !at_entry(v)) return;
  size_t n = record_keys(&item->message, keys), i = 0;
  for (size_t k = 0; k < n; k++) hashes[k] = index_hash(item->message.topic, keys[k]);
  while (i < n) {
    check_key(v, item, hashes[i++]);
    if ((i == n || hashes[i] != hashes[0]) && begins_again(v, item, hashes[0])) i = 0;
  }
}

void verify_index_end(struct verify *v) {
  if (v->store->index.count == 0) {
    verify_report(v, NOTE, "index", -1, "there is none");
    return;
  }
  while (at_entry(v)) {
    struct index_file *f = current(v);
    int64_t number = v->index.number;
    struct index_entry e = take(v);
    entry_report(v, f, number, "points behind the last record with a key (offset, end of the log)", e.offset,
                 v->log_end);
  }
  gap_flush(v, v->open_end ? NOTE : PROBLEM, v->open_end ? " yet" : "");
}
