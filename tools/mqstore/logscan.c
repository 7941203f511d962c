/* SPDX-License-Identifier: Apache-2.0
 *
 * What lies behind a place that holds no record: nothing, the rest of a torn
 * write, bytes of a log that was longer before a recovery cut it, or records
 * that still belong to the log because the damage is in the middle of it.
 * Records say themselves where they stand, so bytes that only look like one
 * (inside a body, from another place) do not count.
 */
#define _GNU_SOURCE /* memmem */
#include "tools/mqstore/logbook.h"

struct scan {
  const struct log_cursor *cursor;
  const struct log_source *source;
  struct log_item *out;
};

/* Whole, at its own place, and with the body it says it has. */
static bool is_whole(const struct scan *s, int64_t at, struct log_item *item) {
  if (log_item_read(s->source, at, item) != STATUS_OK) return false;
  if (s->source->dledger) return item->entry.pos == at && item->entry.index >= 0 && item->entry.term >= -1;
  return item->message.physical_offset == at &&
         (item->message.body.len == 0 || body_crc32(item->message.body) == item->message.body_crc);
}

/* Left over from before a recovery: what was written later has a newer time, or in DLedger a higher term. */
static bool is_stale(const struct scan *s, const struct log_item *item) {
  const struct log_cursor *c = s->cursor;
  if (!c->any) return false;
  if (s->source->dledger) return item->entry.index <= c->last_index || item->entry.term < c->last_term;
  return item->message.store_ms < c->last_ms;
}

/* The next place in [at, end of its file) that could begin a record, or -1. */
static int64_t candidate(const struct scan *s, int64_t at) {
  static const uint8_t magic[4] = {0xDA, 0xA3, 0x20, 0xA7}, entry_magic[4] = {0, 0, 0, ENTRY_MAGIC};
  struct span rest = file_list_at(&s->source->files, at);
  if (rest.ptr == NULL || rest.len < BLANK_SIZE_MIN) return -1;
  size_t lead = s->source->dledger ? 0 : 4;
  const uint8_t *found = memmem(rest.ptr + lead, rest.len - lead, s->source->dledger ? entry_magic : magic, 4);
  return found == NULL ? -1 : at + (found - rest.ptr) - (int64_t)lead;
}

static bool scan_file(const struct scan *s, const struct numbered_file *file, int64_t from, int64_t *next) {
  struct log_item item;
  for (int64_t at = from; at < file_end(file);) {
    int64_t found = candidate(s, at);
    if (found < 0) return false;
    at = found + 1;
    if (!is_whole(s, found, &item)) continue;
    if (!is_stale(s, &item)) {
      *next = found;
      return true;
    }
    if (s->out->stale_count++ == 0) s->out->stale_at = found;
    at = found + item.size;
  }
  return false;
}

bool log_scan(const struct log_cursor *c, const struct log_source *source, int64_t at, struct log_item *out,
              int64_t *next) {
  struct scan s = {.cursor = c, .source = source, .out = out};
  struct log_item head = *out; /* what stands at `at`, as far as it was read */
  *out = (struct log_item){
      .source = source, .offset = at, .record_offset = at, .dirty_end = at, .size_field = head.size_field};
  for (size_t i = 0; i < source->files.count; i++) {
    struct numbered_file *file = &source->files.files[i];
    if (file_end(file) <= at) continue;
    int64_t from = file->start > at ? file->start : at;
    size_t used = span_used(span_from(file_view(file), (size_t)(from - file->start)));
    if (used == 0) continue;
    out->dirty_end = from + (int64_t)used;
    if (scan_file(&s, file, from == at ? at + 1 : from, next)) return true;
  }
  return false;
}
