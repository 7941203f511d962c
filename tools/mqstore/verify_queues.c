/* SPDX-License-Identifier: Apache-2.0
 *
 * The queues against the log. Records come in log order; the units of a queue
 * must be theirs, one each, under their queue offset. One thing broken gives
 * one line: a run of records without units is told as a run, and units that all
 * stand one place off are told once.
 */
#include "tools/mqstore/verify.h"

#include <inttypes.h>

#define SHIFT_SEARCH 64 /* units to each side that are looked at for one that stands off its place */

static int64_t unit_position(int64_t number) { return number * UNIT_BYTES; }

/* ---- records without a unit ---- */

static void lost_add(struct store_queue *q, const struct log_item *item, int64_t number, int64_t points_to) {
  struct queue_walk *w = &q->walk;
  if (w->lost_count++ == 0) {
    w->lost_first = item->record_offset;
    w->lost_unit = number;
    w->lost_points_to = points_to;
  }
  w->lost_last = item->record_offset;
}

static void lost_tell_one(struct verify *v, const struct store_queue *q, enum severity severity, const char *more) {
  const struct queue_walk *w = &q->walk;
  if (w->lost_points_to >= 0)
    verify_report_at(v, severity, &q->files, unit_position(w->lost_unit),
                     "unit %" PRId64 " points to offset %" PRId64 ", its record is at %" PRId64 "%s", w->lost_unit,
                     w->lost_points_to, w->lost_first, more);
  else
    verify_report_at(v, severity, &q->files, unit_position(w->lost_unit),
                     "no unit %" PRId64 " for the record at offset %" PRId64 "%s", w->lost_unit, w->lost_first, more);
}

static void lost_flush(struct verify *v, struct store_queue *q, enum severity severity) {
  struct queue_walk *w = &q->walk;
  char more[160] = "";
  if (w->lost_count == 0) return;
  if (w->lost_count > 1)
    snprintf(more, sizeof more, ", and so for %" PRId64 " more records of this queue up to offset %" PRId64,
             w->lost_count - 1, w->lost_last);
  lost_tell_one(v, q, severity, more);
  w->lost_count = 0;
}

/* ---- a record and its queue offset ---- */

static bool unit_is_of(const struct store_queue *q, int64_t number, int64_t offset) {
  struct queue_unit u;
  return number >= 0 && number < q->end && queue_unit_at(q, number, &u) && u.offset == offset && !unit_is_empty(&u);
}

/* All units from `number` to before `end` show the record that unit `end` is of: so lost messages look after a repair. */
static bool units_repeat(const struct store_queue *q, int64_t number, int64_t end, int64_t offset) {
  if (number >= end) return false;
  for (; number <= end; number++)
    if (!unit_is_of(q, number, offset)) return false;
  return true;
}

static void tell_repaired(struct verify *v, const struct store_queue *q, const struct log_item *item, int64_t from) {
  verify_report_at(v, NOTE, &item->source->files, item->offset,
                   "messages %" PRId64 " to %" PRId64 " of %s are lost; their units show the record at offset %" PRId64, from,
                   item->message.queue_offset - 1, q->files.label, item->record_offset);
}

/* Queue offsets are dense. After a wrong one both ways to go on are accepted: from it, or as if it had been right.
 * Returns the one it should have, as far as the units can tell. */
static int64_t check_dense(struct verify *v, struct store_queue *q, const struct log_item *item) {
  struct queue_walk *w = &q->walk;
  int64_t got = item->message.queue_offset, right = got;
  if (got < 0 || got > QUEUE_OFFSET_MAX) {
    verify_report_at(v, PROBLEM, &item->source->files, item->offset,
                     "record at offset %" PRId64 " has the impossible queue offset %" PRId64, item->record_offset, got);
    got = right = w->started ? w->next : 0;
    w->started = true;
  } else if (!w->started) {
    w->started = true;
    if (v->log_first == 0 && units_repeat(q, 0, got, item->record_offset)) {
      tell_repaired(v, q, item, 0);
      w->first_unit = 0;
    } else if (got != 0 && v->log_first == 0 && !item->source->dledger) {
      verify_report_at(v, PROBLEM, &item->source->files, item->offset,
                       "the first record of %s, at offset %" PRId64 ", has queue offset %" PRId64, q->files.label,
                       item->record_offset, got);
      if (unit_is_of(q, 0, item->record_offset)) right = 0;
    }
  } else if (got == 0 && w->next > 0) {
    verify_report_at(v, NOTE, &item->source->files, item->offset,
                     "%s starts again with the record at offset %" PRId64 ": the topic was deleted before",
                     q->files.label, item->record_offset);
    w->lost_count = 0;
    w->shift = 0;
    w->ext_end = 0;
  } else if (got > w->next && w->shift == 0 && units_repeat(q, w->next, got, item->record_offset)) {
    tell_repaired(v, q, item, w->next);
  } else if (got != w->next && got != w->last + 1) {
    verify_report_at(v, PROBLEM, &item->source->files, item->offset,
                     "record at offset %" PRId64 " has queue offset %" PRId64 " in %s, %" PRId64 " comes next",
                     item->record_offset, got, q->files.label, w->next);
    if (unit_is_of(q, w->next + w->shift, item->record_offset)) right = w->next;
  }
  w->last = got;
  w->next = right + 1;
  return right;
}

/* ---- a record and its unit ---- */

/* Do whole units and marks at the ends of files lead from one place to the other? Java finds its units by stepping over
 * them. There may be some that nobody points to: after a crash it adds ext units for records whose units it then finds.
 */
static bool ext_leads(const struct store_queue *q, int64_t from, int64_t to) {
  while (from < to) {
    struct span at = file_list_at(&q->ext, from);
    if (at.len < 2) return false;
    int32_t size = get_i16(at.ptr);
    if (size != -1 && size < EXT_UNIT_MIN) return false;
    from += size == -1 || (size_t)size > at.len ? (int64_t)at.len : size;
  }
  return from == to;
}

static void check_ext(struct verify *v, struct store_queue *q, const struct log_item *item, int64_t number,
                      int64_t address) {
  struct ext_unit ext;
  int64_t tags = record_tags_code(&v->delays, &item->message);
  if (!queue_ext_at(q, address, &ext)) {
    verify_report_at(v, PROBLEM, &q->files, unit_position(number),
                     "unit %" PRId64 ": no ext unit at address %016" PRIx64, number, (uint64_t)address);
    q->walk.ext_end = 0;
    return;
  }
  int64_t position = (int64_t)((uint64_t)address - (uint64_t)INT64_MIN);
  if (ext.tags_code != tags)
    verify_report_at(v, PROBLEM, &q->ext, position,
                     "ext unit of unit %" PRId64 ": tags code %" PRId64 ", that of the record at %" PRId64
                     " is %" PRId64,
                     number, ext.tags_code, item->record_offset, tags);
  if (ext.store_ms != item->message.store_ms)
    verify_report_at(v, PROBLEM, &q->ext, position,
                     "ext unit of unit %" PRId64 ": store time %" PRId64 ", that of the record at %" PRId64
                     " is %" PRId64,
                     number, ext.store_ms, item->record_offset, item->message.store_ms);
  if (q->walk.ext_end > 0 && !ext_leads(q, q->walk.ext_end, position))
    verify_report_at(v, PROBLEM, &q->ext, position,
                     "ext unit of unit %" PRId64 " does not follow the one before, which ends at %" PRId64, number,
                     q->walk.ext_end);
  q->walk.ext_end = position + EXT_UNIT_MIN + (int64_t)ext.bit_map.len;
}

static void check_unit(struct verify *v, struct store_queue *q, const struct log_item *item, int64_t number,
                       const struct queue_unit *u) {
  struct queue_walk *w = &q->walk;
  lost_flush(v, q, PROBLEM);
  if (w->first_unit < 0) w->first_unit = number;
  w->end_unit = number + 1;
  if (u->size != (int64_t)item->record.len)
    verify_report_at(v, PROBLEM, &q->files, unit_position(number),
                     "unit %" PRId64 " says %" PRId32 " bytes, the record at offset %" PRId64 " has %zu", number,
                     u->size, item->record_offset, item->record.len);
  if (unit_has_ext(u)) {
    check_ext(v, q, item, number, u->tags_code);
    return;
  }
  int64_t tags = record_tags_code(&v->delays, &item->message);
  if (u->tags_code != tags)
    verify_report_at(v, PROBLEM, &q->files, unit_position(number),
                     "unit %" PRId64 " has tags code %" PRId64 ", that of the record at offset %" PRId64 " is %" PRId64,
                     number, u->tags_code, item->record_offset, tags);
}

/* Another unit near by that points to the record; -1: none. */
static int64_t find_near(const struct store_queue *q, int64_t number, int64_t offset) {
  for (int64_t n = number - SHIFT_SEARCH; n <= number + SHIFT_SEARCH; n++)
    if (unit_is_of(q, n, offset)) return n;
  return -1;
}

static void check_place(struct verify *v, struct store_queue *q, const struct log_item *item, int64_t queue_offset) {
  struct queue_walk *w = &q->walk;
  struct queue_unit u;
  int64_t number = queue_offset + w->shift;
  bool present = number >= 0 && number < q->end && queue_unit_at(q, number, &u) && !unit_is_empty(&u) &&
                 !unit_is_blank(&u);
  if (present && u.offset == item->record_offset) {
    check_unit(v, q, item, number, &u);
    return;
  }
  int64_t near = find_near(q, number, item->record_offset);
  if (near < 0 || !queue_unit_at(q, near, &u)) {
    lost_add(q, item, number, present ? u.offset : -1);
    return;
  }
  int64_t shift = near - queue_offset;
  lost_flush(v, q, PROBLEM);
  verify_report_at(v, PROBLEM, &q->files, unit_position(near),
                   "unit %" PRId64 " is of the record with queue offset %" PRId64 " at offset %" PRId64
                   ": from here on units stand %+" PRId64 " off their places",
                   near, queue_offset, item->record_offset, shift);
  w->shift = shift;
  check_unit(v, q, item, near, &u);
}

void verify_queue_record(struct verify *v, const struct log_item *item, bool required) {
  const struct message *m = &item->message;
  if (!record_enters_queue(m)) return;
  struct store_queue *q = queue_find(&v->store->queues, m->topic, m->queue_id);
  if (q == NULL) q = queue_make(&v->store->queues, m->topic, m->queue_id);
  if (q == NULL) {
    v->store->cache.trouble = STATUS_NO_MEMORY;
    return;
  }
  int64_t queue_offset = check_dense(v, q, item);
  if (!required && queue_offset + q->walk.shift >= q->end) {
    q->walk.optional_count++;
    return;
  }
  check_place(v, q, item, queue_offset);
}

/* ---- what is left over ---- */

static void check_extra(struct verify *v, const struct store_queue *q, int64_t number, bool tail) {
  struct queue_unit u;
  if (!queue_unit_at(q, number, &u) || unit_is_blank(&u) || unit_is_empty(&u)) return;
  if (u.offset < v->log_first) return; /* its record was deleted with its file */
  if (u.offset >= v->log_end)
    verify_report_at(v, v->open_end && tail ? NOTE : PROBLEM, &q->files, unit_position(number),
                     "unit %" PRId64 " points to offset %" PRId64 ", the log ends at %" PRId64, number, u.offset,
                     v->log_end);
  else
    verify_report_at(v, PROBLEM, &q->files, unit_position(number),
                     "unit %" PRId64 " points to offset %" PRId64 ", where no record of this queue is", number,
                     u.offset);
}

static void check_left_over(struct verify *v, const struct store_queue *q) {
  const struct queue_walk *w = &q->walk;
  struct queue_unit u;
  int64_t first = w->first_unit < 0 ? queue_min(q, v->log_first) : w->first_unit;
  for (int64_t n = first - 1; w->first_unit >= 0 && n >= q->first && queue_unit_at(q, n, &u); n--) {
    if (u.offset < v->log_first) break;
    check_extra(v, q, n, false);
  }
  int64_t end = w->first_unit < 0 ? first : w->end_unit;
  if (w->lost_count > 0 && w->lost_unit + w->lost_count > end && w->lost_points_to >= 0)
    end = w->lost_unit + w->lost_count; /* told already */
  for (int64_t n = end; n < q->end; n++) check_extra(v, q, n, true);
}

static void check_lost_tail(struct verify *v, struct store_queue *q) {
  struct queue_walk *w = &q->walk;
  if (w->lost_count == 0) return;
  if (!q->files.exists && topic_is_gone(v, q->topic)) {
    verify_report(v, NOTE, q->files.label, -1, "%" PRId64 " records in the log, but the topic is not known any more",
                  w->lost_count);
    w->lost_count = 0;
  } else if (v->open_end && w->lost_points_to < 0 && w->lost_first >= v->replay_from) {
    verify_report(v, NOTE, q->files.label, -1,
                  "%" PRId64 " records, from offset %" PRId64 " on, are not in the queue yet; recovery adds them",
                  w->lost_count, w->lost_first);
    w->lost_count = 0;
  } else {
    lost_flush(v, q, PROBLEM);
  }
}

void verify_queues_end(struct verify *v) {
  struct queue_tree *t = &v->store->queues;
  int64_t optional = 0;
  for (size_t i = 0; i < t->count; i++) {
    struct store_queue *q = t->list[i];
    check_left_over(v, q);
    check_lost_tail(v, q);
    optional += q->walk.optional_count;
  }
  if (optional > 0)
    verify_report(v, NOTE, "consumequeue", -1, "%" PRId64 " records behind the committed index are in no queue yet",
                  optional);
}
