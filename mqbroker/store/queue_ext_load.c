/* SPDX-License-Identifier: Apache-2.0
 *
 * A queue and its ext files: found, loaded and trimmed together
 * (ConsumeQueue.load, recover, truncateDirtyLogicFiles, correctMinOffset).
 *
 * Without the key the files are only read, and removed with their queue. What
 * cannot be read is then left alone: what an ext unit says is in the log, too.
 */
#include "mqbroker/store/consumequeue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOK_BACK_UNITS 65536 /* for the newest address, behind which came only units without; Java reads three files \
                               */

static char *ext_dir(const struct consumequeue *q) {
  static const char name[] = "consumequeue_ext";
  size_t root = (size_t)((const char *)q->topic.ptr - q->dir) - sizeof "consumequeue", size = strlen(q->dir) + 8;
  char *dir = malloc(size);
  if (dir != NULL) snprintf(dir, size, "%.*s%s/%.*s/%" PRId32, (int)root, q->dir, name, SPAN_ARG(q->topic), q->id);
  return dir;
}

enum status consumequeue_add_ext(struct consumequeue *q, bool fresh, struct arena *arena, bool repair,
                                 struct buf *why) {
  char *dir = ext_dir(q);
  struct queue_ext *e = dir == NULL ? NULL : queue_ext_new(&q->desk->ext, dir);
  if (e == NULL) return STATUS_NO_MEMORY;
  enum status status = fresh ? STATUS_OK : segments_load(&e->files, arena, repair, why);
  if (status == STATUS_OK) q->ext = e;
  else queue_ext_free(e);
  if (status == STATUS_OK || q->desk->ext.enabled || status == STATUS_NO_MEMORY) return status;
  log_warn(q->desk->log, "extended queue not read: %.*s", SPAN_ARG(buf_span(why)));
  buf_clear(why);
  return STATUS_OK;
}

/* The newest unit that has an ext unit; false: none of those looked at. */
static enum status newest_find(struct consumequeue *q, struct unit *out, bool *found) {
  int64_t least = q->max - LOOK_BACK_UNITS;
  enum status status = STATUS_OK;
  *found = false;
  if (least < q->files.first / UNIT_SIZE) least = q->files.first / UNIT_SIZE;
  for (int64_t n = q->max - 1; n >= least && status == STATUS_OK && !*found; n--) {
    status = consumequeue_unit(q, n, out);
    *found = status == STATUS_OK && ext_is_address(out->tags_code);
  }
  return status;
}

enum status consumequeue_load_ext(struct consumequeue *q) {
  struct unit newest;
  struct buf why = {0}; /* nothing is read that could be wrong */
  bool found;
  if (!q->desk->ext.enabled) {
    if (q->ext != NULL) queue_ext_end_open(q->ext);
    return STATUS_OK;
  }
  enum status status = newest_find(q, &newest, &found);
  if (status == STATUS_OK && q->ext == NULL) {
    if (!found) return STATUS_OK;
    status = consumequeue_add_ext(q, true, NULL, false, &why);
  }
  if (status != STATUS_OK) return status;
  struct queue_ext *e = q->ext;
  e->lost = false;
  if (!found) return queue_ext_end_find(e);
  status = queue_ext_end_at(e, newest.tags_code, commitlog_time_at(q->desk->commitlog, newest.offset));
  if (status != STATUS_NOT_FOUND) return status;
  log_warn(q->desk->log, "%s: the unit at address %016" PRIx64 " is lost; filters use the log instead", e->dir,
           (uint64_t)newest.tags_code);
  e->lost = true;
  return queue_ext_restart(e, newest.tags_code);
}

enum status consumequeue_trim_ext(struct consumequeue *q, bool *removed) {
  struct unit oldest;
  int64_t number = q->loaded ? q->min : q->files.first / UNIT_SIZE;
  *removed = false;
  if (segments_empty(&q->files) || (q->loaded && q->min >= q->max)) return STATUS_OK;
  enum status status = q->loaded ? consumequeue_unit(q, number, &oldest)
                                 : consumequeue_unit_on_disk(q, number, &oldest);
  return status == STATUS_OK ? queue_ext_trim(q->ext, oldest.tags_code, removed) : status;
}
