/* SPDX-License-Identifier: Apache-2.0
 *
 * The front of a consume queue follows the front of the log
 * (ConsumeQueue.correctMinOffset, MappedFileQueue.deleteExpiredFileByOffset).
 */
#include "mqbroker/store/consumequeue.h"

static bool unit_gone(const struct consumequeue *q, const struct unit *u) {
  return u->offset < commitlog_min(q->desk->commitlog) || (u->offset == 0 && u->size == BLANK_UNIT_SIZE);
}

/* Units lie in the order of the log, blank ones before all others: by halves. Java keeps an old minimum when no unit
 * of the first file has its record left; such a queue is empty here. */
enum status consumequeue_correct_min(struct consumequeue *q) {
  int64_t low = segments_empty(&q->files) ? q->min : q->files.first / UNIT_SIZE, high = q->max;
  if (low < q->min) low = q->min;
  for (int64_t middle = low; low < high; middle = low + (high - low) / 2) { /* most often the first one is it */
    struct unit u;
    enum status status = consumequeue_unit(q, middle, &u);
    if (status != STATUS_OK) return status;
    if (unit_gone(q, &u)) low = middle + 1;
    else high = middle;
  }
  q->min = low;
  return STATUS_OK;
}

static enum status first_file_remove(struct consumequeue *q) {
  /* One name after the other, see file_remove in retention.c. */
  enum status status = consumequeue_sync_names(q);
  if (status == STATUS_OK) status = segments_drop_first(&q->files);
  if (status != STATUS_OK) return status;
  q->names_unsynced = true;
  int64_t first = q->files.first / UNIT_SIZE;
  if (q->loaded && q->synced < first) q->synced = first;
  return STATUS_OK;
}

enum status consumequeue_trim(struct consumequeue *q, bool *removed) {
  enum status status = STATUS_OK;
  *removed = false;
  if (q->files.end - q->files.first > q->files.length) {
    struct unit last;
    status = consumequeue_unit_on_disk(q, q->files.first / UNIT_SIZE + consumequeue_units_per_file(q) - 1, &last);
    if (status == STATUS_OK && last.size > 0 && unit_gone(q, &last)) {
      status = first_file_remove(q);
      *removed = status == STATUS_OK;
    }
  }
  if (status == STATUS_OK && q->loaded) status = consumequeue_correct_min(q);
  if (status == STATUS_OK && q->ext != NULL && !*removed) status = consumequeue_trim_ext(q, removed);
  return status;
}
