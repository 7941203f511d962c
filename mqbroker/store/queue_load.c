/* SPDX-License-Identifier: Apache-2.0
 *
 * What a consume queue on disk holds, found without reading all of it
 * (ConsumeQueue.recover, truncateDirtyLogicFiles, correctMinOffset).
 */
#include "mqbroker/store/consumequeue.h"
#include "mqbroker/store/record.h"

#include <assert.h>
#include <inttypes.h>

/* A run of zeros this long behind the end is taken for the unused rest of the file. */
#define QUIET_BYTES 16384

enum status consumequeue_unit_on_disk(struct consumequeue *q, int64_t index, struct unit *out) {
  struct segment *g;
  segment_cache_trim(&q->desk->cache, QUEUE_FILES_OPEN_MAX - 1);
  enum status status = segments_at(&q->files, index * UNIT_SIZE, &g);
  if (status == STATUS_OK) unit_get(g->view + (index * UNIT_SIZE - g->start), out);
  return status;
}

static bool plausible(const struct unit *u, int64_t limit) {
  return u->offset >= 0 && u->size > 0 && u->offset < limit;
}

/* Nobody can tell whether a unit is right whose record was deleted from the log, but one torn by a crash, with an
 * offset that is half zeros, lies before the unit in front of it. (The first of a file fits into a sector.) */
static enum status in_order(struct consumequeue *q, int64_t index, const struct unit *u, bool *yes) {
  struct unit before;
  *yes = true;
  if (index == q->files.first / UNIT_SIZE) return STATUS_OK;
  enum status status = consumequeue_unit_on_disk(q, index - 1, &before);
  if (status != STATUS_OK || (before.offset == 0 && before.size == BLANK_UNIT_SIZE)) return status;
  *yes = before.size > 0 && before.offset + before.size <= u->offset;
  return STATUS_OK;
}

/* Does the log have this very record? Records that were deleted from the log are believed. That a record cannot be
 * read now says nothing about it. */
static enum status confirm(struct consumequeue *q, int64_t index, const struct unit *u, bool *yes) {
  struct commitlog *log = q->desk->commitlog;
  struct span record;
  struct message m;
  size_t size;
  *yes = false;
  if (u->offset == 0 && u->size == BLANK_UNIT_SIZE) return STATUS_OK;
  if (u->offset < commitlog_min(log)) return in_order(q, index, u, yes);
  enum status status = commitlog_record(log, u->offset, &record);
  if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
  if (record.len != (size_t)u->size || message_decode(record, false, &m, &size) != STATUS_OK) return STATUS_OK;
  *yes = m.queue_offset == index && m.queue_id == q->id && span_equal(m.topic, q->topic);
  return STATUS_OK;
}

/* Number behind the last unit of the file at unit number `file` that was ever written. */
static enum status file_data_end(struct consumequeue *q, int64_t file, int64_t *out) {
  struct segment *g;
  enum status status = segments_at(&q->files, file * UNIT_SIZE, &g);
  if (status == STATUS_OK) *out = (segment_data_end(g) + UNIT_SIZE - 1) / UNIT_SIZE;
  return status;
}

/* Number of the first unit that does not look like one: by files from the back, then by halves. Holes are not looked
 * at: they would fill the page cache with zeros. */
static enum status end_guess(struct consumequeue *q, int64_t limit, int64_t *out) {
  const int64_t per_file = consumequeue_units_per_file(q);
  int64_t file = q->files.end / UNIT_SIZE - per_file, first = q->files.first / UNIT_SIZE;
  struct unit u;
  for (; file >= first; file -= per_file) {
    enum status status = consumequeue_unit_on_disk(q, file, &u);
    if (status != STATUS_OK) return status;
    if (plausible(&u, limit)) break;
  }
  *out = first;
  if (file < first) return STATUS_OK;
  int64_t low = file + 1, high;
  enum status status = file_data_end(q, file, &high);
  if (status != STATUS_OK) return status;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    status = consumequeue_unit_on_disk(q, middle, &u);
    if (status != STATUS_OK) return status;
    if (plausible(&u, limit)) low = middle + 1;
    else high = middle;
  }
  *out = low;
  return STATUS_OK;
}

/* Offset behind the last byte that is not zero from the end of the queue on. */
static enum status stale_find(struct consumequeue *q, int64_t end) {
  struct segment *g;
  q->stale_end = end;
  if (end >= q->files.end) return STATUS_OK;
  segment_cache_trim(&q->desk->cache, QUEUE_FILES_OPEN_MAX - 1);
  enum status status = segments_at(&q->files, end, &g);
  if (status != STATUS_OK) return status;
  q->stale_end = g->start + q->files.length < q->files.end ? q->files.end : segment_last_nonzero(g, end, QUIET_BYTES);
  return STATUS_OK;
}

/* Stale units behind the end must not be taken for real ones next time. */
enum status consumequeue_settle(struct consumequeue *q) {
  if (!q->unsettled) return STATUS_OK;
  if (consumequeue_unsettled_empty(q)) return consumequeue_reset(q);
  int64_t end = q->max * UNIT_SIZE, stale_end = q->stale_end;
  q->unsettled = false;
  if (end >= stale_end) return STATUS_OK;
  struct segment *g;
  enum status status = segments_drop_from(&q->files, segments_start_of(&q->files, end) + q->files.length);
  segment_cache_trim(&q->desk->cache, QUEUE_FILES_OPEN_MAX - 1);
  if (status == STATUS_OK && end < q->files.end) status = segments_at(&q->files, end, &g);
  if (status != STATUS_OK || end >= q->files.end) return status;
  int64_t dirty = stale_end < q->files.end ? stale_end : segment_last_nonzero(g, end, QUIET_BYTES);
  return dirty > end ? segment_zero(g, end, dirty) : STATUS_OK;
}

static enum status fail_load(struct consumequeue *q, enum status status) {
  if (status == STATUS_OK) return status;
  q->loaded = false;
  log_error(q->desk->log, "consume queue %s cannot be read: %s", q->dir, status_text(status));
  return status;
}

enum status consumequeue_find_end(struct consumequeue *q, int64_t limit) {
  assert(q->max == q->written && q->tail == NULL);
  q->min = q->max = q->next = q->written = q->synced = q->physical_max = 0;
  q->loaded = true;
  q->unsettled = false;
  if (segments_empty(&q->files)) return q->ext == NULL ? STATUS_OK : queue_ext_reset(q->ext);
  int64_t first = q->files.first / UNIT_SIZE, end = first;
  struct unit u = {0};
  enum status status = end_guess(q, limit, &end);
  for (bool yes = false; status == STATUS_OK && end > first; end--) {
    status = consumequeue_unit_on_disk(q, end - 1, &u);
    if (status == STATUS_OK && plausible(&u, limit)) status = confirm(q, end - 1, &u, &yes);
    if (yes) break;
  }
  if (status != STATUS_OK) return fail_load(q, status);
  q->unsettled = true;
  q->min = q->max = q->next = q->written = q->synced = end;
  if (end == first && q->ext != NULL) return fail_load(q, consumequeue_reset(q));
  if (end == first) return fail_load(q, stale_find(q, end * UNIT_SIZE));
  q->min = first;
  q->physical_max = u.offset + u.size;
  status = stale_find(q, end * UNIT_SIZE);
  if (status == STATUS_OK) status = consumequeue_correct_min(q);
  if (status == STATUS_OK) status = consumequeue_load_ext(q);
  return fail_load(q, status);
}

enum status consumequeue_load(struct consumequeue *q, int64_t limit) {
  enum status status = consumequeue_find_end(q, limit);
  return status == STATUS_OK ? fail_load(q, consumequeue_settle(q)) : status;
}

/* ---- by time ---- */

/* MappedFileQueue.getMappedFileByTime asks the file's modification time; the store time of its last record says the
 * same without depending on when a tail was written or the file copied. */
static int64_t file_by_time(struct consumequeue *q, int64_t wall_ms) {
  const int64_t per_file = consumequeue_units_per_file(q);
  int64_t file = q->files.first / UNIT_SIZE;
  if (segments_empty(&q->files)) file = q->min - q->min % per_file;
  while (file + per_file < q->max && consumequeue_time_at(q, file + per_file - 1) < wall_ms) file += per_file;
  return file;
}

int64_t consumequeue_offset_by_time(struct consumequeue *q, int64_t wall_ms) {
  if (q->max == 0) return 0;
  const int64_t log_min = commitlog_min(q->desk->commitlog);
  int64_t file = file_by_time(q, wall_ms), high = file + consumequeue_units_per_file(q) - 1;
  int64_t low = q->min > file ? q->min : file;
  int64_t left = -1, right = -1, left_ms = -1, right_ms = -1;
  if (high >= q->max) high = q->max - 1;
  while (high >= low) {
    int64_t middle = file + (low - file + high - file) / 2;
    struct unit u;
    if (consumequeue_unit(q, middle, &u) != STATUS_OK) return 0;
    if (u.offset < log_min) {
      left = middle;
      low = middle + 1;
      continue;
    }
    int64_t ms = commitlog_time_at(q->desk->commitlog, u.offset);
    if (ms < 0) return 0;
    if (ms == wall_ms) return middle;
    if (ms > wall_ms) {
      high = middle - 1;
      right = middle;
      right_ms = ms;
    } else {
      low = middle + 1;
      left = middle;
      left_ms = ms;
    }
  }
  int64_t found = left;
  if (left_ms == -1) found = right;
  else if (right_ms != -1 && wall_ms - left_ms > right_ms - wall_ms) found = right;
  if (found < 0) found = file;
  return found < q->min ? q->min : found;
}
