/* SPDX-License-Identifier: Apache-2.0
 *
 * The log itself: files, fillers, records, CRCs, the end.
 */
#include "tools/mqstore/verify.h"

#include <inttypes.h>

void verify_files(struct verify *v, const struct file_list *list, int64_t unit) {
  char name[FILE_LABEL_MAX];
  for (size_t i = 0; i < list->stranger_count; i++) {
    snprintf(name, sizeof name, "%s/%.*s", list->label, SPAN_ARG(list->strangers[i]));
    verify_report(v, PROBLEM, name, -1, "does not belong here: Java refuses to start");
  }
  for (size_t i = 0; i < list->count; i++) {
    const struct numbered_file *f = &list->files[i];
    bool last = i + 1 == list->count;
    snprintf(name, sizeof name, "%s/%020" PRId64, list->label, f->start);
    if (f->length != list->file_length)
      verify_report(v, v->open_end && last && f->length < list->file_length ? NOTE : PROBLEM, name, -1,
                    "%" PRId64 " bytes long, the others %" PRId64, f->length, list->file_length);
    else if (f->length % unit != 0)
      verify_report(v, PROBLEM, name, -1, "%" PRId64 " bytes are no whole number of units", f->length);
    if (f->start % (list->file_length > 0 ? list->file_length : 1) != 0)
      verify_report(v, PROBLEM, name, -1, "its number is no multiple of the file length %" PRId64, list->file_length);
    if (!last && list->files[i + 1].start != f->start + list->file_length)
      verify_report(v, PROBLEM, name, -1, "the next file should be %020" PRId64 ", but is %020" PRId64,
                    f->start + list->file_length, list->files[i + 1].start);
  }
}

static void check_filler(struct verify *v, const struct log_item *item) {
  if (item->size_field != item->size)
    verify_report_at(v, PROBLEM, &item->source->files, item->offset,
                     "filler at offset %" PRId64 " says %" PRId64 " bytes, %" PRId64 " are left in the file",
                     item->offset, item->size_field, item->size);
}

/* Times may go back: clocks do, and a batch is stamped before it waits for the lock. */
static void check_time(struct verify *v, const struct log_item *item) {
  int64_t ms = item->message.store_ms;
  if (v->records > 0 && ms < v->last_ms) {
    if (v->back_count++ == 0) v->back_first = item->record_offset;
    if (difference_of(v->last_ms, ms) > v->back_most_ms) v->back_most_ms = difference_of(v->last_ms, ms);
  }
  v->last_ms = ms;
  if (ms > v->max_ms) v->max_ms = ms;
}

/* A record with a wrong CRC was found: torn by the crash if it is the last one, damage otherwise. */
static void settle_torn(struct verify *v, bool at_end) {
  if (v->torn_offset < 0) return;
  const struct file_list *files = &v->torn_source->files;
  if (at_end && v->open_end && v->torn_ms > v->store->checkpoint.physic_ms)
    verify_report_at(v, NOTE, files, v->torn_offset,
                     "the last record, at offset %" PRId64 ", is torn (body CRC); recovery drops it", v->torn_offset);
  else
    verify_report_at(v, PROBLEM, files, v->torn_offset, "record at offset %" PRId64 ": its body does not fit its CRC%s",
                     v->torn_offset, at_end && v->open_end ? ", though the checkpoint says it was on disk" : "");
  v->torn_offset = -1;
}

static void check_record(struct verify *v, const struct log_item *item) {
  const struct message *m = &item->message;
  const struct file_list *files = &item->source->files;
  const char *why = NULL;
  if (m->physical_offset != item->record_offset)
    verify_report_at(v, PROBLEM, files, item->offset, "record at offset %" PRId64 " says it is at %" PRId64,
                     item->record_offset, m->physical_offset);
  if (m->body.len > 0 && body_crc32(m->body) != m->body_crc) {
    v->torn_offset = item->offset;
    v->torn_source = item->source;
    v->torn_ms = m->store_ms;
  }
  if (!topic_name_valid(m->topic, &why))
    verify_report_at(v, PROBLEM, files, item->offset, "record at offset %" PRId64 ": topic: %s", item->record_offset,
                     why);
  if (m->queue_id < 0)
    verify_report_at(v, PROBLEM, files, item->offset, "record at offset %" PRId64 ": queue %" PRId32,
                     item->record_offset, m->queue_id);
  /* A record leaves room for a filler behind it (DefaultAppendMessageCallback.doAppend). */
  const struct numbered_file *file = file_list_find(files, item->offset);
  int64_t left = file_end(file) - item->offset - item->size;
  if (left < BLANK_SIZE_MIN)
    verify_report_at(v, PROBLEM, files, item->offset,
                     "record at offset %" PRId64 " leaves %" PRId64 " bytes, too few for a filler", item->record_offset,
                     left);
  check_time(v, item);
}

/* Not yet committed, or not known to be: it need not be in a queue. */
static bool entry_is_settled(const struct verify *v, const struct log_item *item) {
  const struct ledger_facts *l = &v->store->ledger;
  return !item->source->dledger || (l->has_checkpoint && item->entry.index <= l->committed_index);
}

static void check_end(struct verify *v, const struct log_item *item) {
  const struct file_list *files = &item->source->files;
  settle_torn(v, true);
  v->log_end = item->offset;
  if (item->stale_count > 0)
    verify_report_at(v, NOTE, files, item->offset,
                     "the log ends at offset %" PRId64 "; behind it, from %" PRId64 " on, %" PRId64
                     " older records that a recovery cut off",
                     item->offset, item->stale_at, item->stale_count);
  else if (item->dirty_end > item->offset)
    verify_report_at(v, NOTE, files, item->offset,
                     "the log ends at offset %" PRId64 " (%s); %" PRId64 " bytes behind it hold no record",
                     item->offset, item->why, item->dirty_end - item->offset);
}

static void check_damage(struct verify *v, const struct log_item *item) {
  verify_report_at(v, PROBLEM, &item->source->files, item->offset,
                   "damage at offset %" PRId64 ": %s; %" PRId64 " bytes up to the next record at %" PRId64
                   " cannot be read; a start in Java would end the log here",
                   item->offset, item->why, item->size, item->offset + item->size);
}

void verify_log(struct verify *v) {
  struct log_cursor c;
  struct log_item item;
  log_open(&c, &v->store->log);
  while (log_next(&c, &item)) {
    if (item.kind != LOG_END) settle_torn(v, false);
    switch (item.kind) {
    case LOG_FILLER:
      check_filler(v, &item);
      break;
    case LOG_DAMAGE:
      check_damage(v, &item);
      break;
    case LOG_END:
      check_end(v, &item);
      break;
    case LOG_ENTRY:
      verify_entry(v, &item);
      v->records++;
      break;
    case LOG_RECORD:
      if (item.source->dledger) verify_entry(v, &item);
      check_record(v, &item);
      verify_queue_record(v, &item, entry_is_settled(v, &item));
      verify_index_record(v, &item, entry_is_settled(v, &item));
      v->records++;
      break;
    }
  }
  if (v->back_count > 0)
    verify_report(v, NOTE, "commitlog", -1,
                  "store times go back in %" PRId64 " places, first at offset %" PRId64 ", at most by %" PRId64 " ms",
                  v->back_count, v->back_first, v->back_most_ms);
}
