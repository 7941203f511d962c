/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mqstore/logbook.h"

enum { SOURCES = 2 };

void log_open(struct log_cursor *c, const struct logbook *log) { *c = (struct log_cursor){.log = log}; }

static bool source_holds(const struct log_source *s, int64_t offset) {
  return file_list_find(&s->files, offset) != NULL;
}

void log_seek(struct log_cursor *c, const struct logbook *log, int64_t offset) {
  log_open(c, log);
  for (size_t i = 0; i < SOURCES; i++) {
    const struct numbered_file *file = file_list_find(&log->sources[i].files, offset);
    if (file == NULL) continue;
    c->source = i;
    c->at = file->start;
    c->started = true;
  }
}

static enum status message_read(struct span input, struct log_item *out) {
  size_t size;
  enum status status = message_decode(input, false, &out->message, &size);
  out->size_field = (int64_t)size;
  switch (status) {
  case STATUS_OK:
    out->kind = LOG_RECORD;
    out->size = (int64_t)size;
    out->record = span_of(input.ptr, size);
    break;
  case STATUS_NOT_FOUND:
    out->kind = LOG_FILLER;
    out->size = (int64_t)input.len;
    break;
  case STATUS_AGAIN:
    out->why = input.len < BLANK_SIZE_MIN ? "no room for a filler" : "a record larger than the rest of its file";
    break;
  case STATUS_CORRUPT:
    out->why = "a record whose lengths do not add up";
    break;
  default:
    out->why = get_u64(input.ptr) == 0 ? "zeros" : "no record";
    break;
  }
  return status;
}

static enum status entry_read(struct span input, int64_t at, struct log_item *out) {
  if (input.len < BLANK_SIZE_MIN) {
    out->why = "no room for a filler";
    return STATUS_AGAIN;
  }
  struct ledger_entry *e = &out->entry;
  e->magic = get_i32(input.ptr);
  e->size = get_i32(input.ptr + 4);
  out->size_field = e->size;
  if (e->magic == ENTRY_FILLER_MAGIC) {
    out->kind = LOG_FILLER;
    out->size = (int64_t)input.len;
    return STATUS_NOT_FOUND;
  }
  out->why = get_u64(input.ptr) == 0 ? "zeros" : "no entry";
  if (e->magic != ENTRY_MAGIC || e->size < ENTRY_HEADER) return STATUS_INVALID;
  out->why = "an entry larger than the rest of its file";
  if ((size_t)e->size > input.len) return STATUS_AGAIN;
  e->index = get_i64(input.ptr + 8);
  e->term = get_i64(input.ptr + 16);
  e->pos = get_i64(input.ptr + 24);
  e->channel = get_i32(input.ptr + 32);
  e->chain_crc = get_i32(input.ptr + 36);
  e->body_crc = get_i32(input.ptr + 40);
  if (e->index < 0 || e->index > ENTRY_INDEX_MAX) {
    out->why = "an entry with an impossible index";
    return STATUS_CORRUPT;
  }
  out->why = "an entry whose lengths do not add up";
  if (get_i32(input.ptr + 44) != e->size - ENTRY_HEADER) return STATUS_CORRUPT;
  out->why = NULL;
  out->size = e->size;
  out->record = span_of(input.ptr + ENTRY_HEADER, (size_t)e->size - ENTRY_HEADER);
  out->record_offset = at + ENTRY_HEADER;
  size_t size;
  enum status inner = message_decode(out->record, false, &out->message, &size);
  out->kind = inner == STATUS_OK && size == out->record.len ? LOG_RECORD : LOG_ENTRY;
  return STATUS_OK;
}

enum status log_item_read(const struct log_source *source, int64_t at, struct log_item *out) {
  *out = (struct log_item){.source = source, .offset = at, .record_offset = at};
  struct span input = file_list_at(&source->files, at);
  if (input.ptr == NULL) {
    out->why = "no file";
    return STATUS_NOT_FOUND;
  }
  return source->dledger ? entry_read(input, at, out) : message_read(input, out);
}

bool log_record_at(const struct logbook *log, int64_t offset, struct log_item *out) {
  for (size_t i = SOURCES; i-- > 0;) {
    const struct log_source *s = &log->sources[i];
    int64_t at = s->dledger ? offset - ENTRY_HEADER : offset;
    if (at < 0 || !source_holds(s, at)) continue;
    return log_item_read(s, at, out) == STATUS_OK && out->kind == LOG_RECORD && out->message.physical_offset == offset;
  }
  return false;
}

int64_t log_min(const struct logbook *log) {
  for (size_t i = 0; i < SOURCES; i++)
    if (log->sources[i].files.count > 0) return file_list_first(&log->sources[i].files);
  return 0;
}

bool log_empty(const struct logbook *log) {
  return log->sources[0].files.count == 0 && log->sources[1].files.count == 0;
}

static void cursor_follow(struct log_cursor *c, const struct log_item *item) {
  c->any = true;
  if (item->source->dledger) {
    c->last_index = item->entry.index;
    c->last_term = item->entry.term;
  }
  if (item->kind == LOG_RECORD) c->last_ms = item->message.store_ms;
}

static void end_here(struct log_cursor *c, struct log_item *out, const char *why) {
  out->kind = LOG_END;
  out->why = why;
  out->size = 0;
  c->source++;
  c->started = false;
  c->any = false;
}

/* Steps over a record, entry or filler. */
static void step(struct log_cursor *c, const struct log_item *item) {
  c->at = item->offset + item->size;
  if (item->kind != LOG_FILLER) cursor_follow(c, item);
}

bool log_next(struct log_cursor *c, struct log_item *out) {
  while (c->source < SOURCES && c->log->sources[c->source].files.count == 0) c->source++;
  if (c->source >= SOURCES) return false;
  const struct log_source *source = &c->log->sources[c->source];
  if (!c->started) c->at = file_list_first(&source->files);
  c->started = true;
  if (c->at >= file_list_end(&source->files)) { /* the last file is full */
    *out = (struct log_item){.source = source, .offset = c->at, .dirty_end = c->at};
    end_here(c, out, "no more files");
    return true;
  }
  enum status status = log_item_read(source, c->at, out);
  if (status == STATUS_OK || (status == STATUS_NOT_FOUND && out->why == NULL)) {
    step(c, out);
    return true;
  }
  const char *why = out->why;
  int64_t next;
  if (log_scan(c, source, c->at, out, &next)) {
    out->kind = LOG_DAMAGE;
    out->why = why;
    out->size = next - c->at;
    c->at = next;
  } else {
    end_here(c, out, why);
  }
  return true;
}
