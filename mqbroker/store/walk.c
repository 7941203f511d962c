/* SPDX-License-Identifier: Apache-2.0
 *
 * The records of the log one by one (CommitLog.checkMessageAndReturnSize and
 * the loops around it).
 */
#include "mqbroker/store/record.h"
#include "mqbroker/store/recovery.h"

#define STEP_BYTES (8 << 20) /* so often the watch is told */

struct walk walk_from(int64_t at) {
  return (struct walk){.at = at,
                       .begin = at,
                       .last_ms = -1,
                       .torn_from_ms = INT64_MAX,
                       .landmark = -1,
                       .landmark_ms = -1,
                       .fresh_ms = INT64_MAX,
                       .fresh_at = -1};
}

void recovery_step(struct store *s, const char *what, int64_t done, int64_t total) {
  const struct store_watch *watch = &s->config.watch;
  if (watch->step != NULL) watch->step(watch->context, what, done < total ? done : total, total);
}

/* The record's only checksum covers the body. What a power cut can do to the rest is leave sectors of zeros: the
 * header's lengths betray them, but behind the body only the zeros themselves do. Neither topic nor properties hold
 * NULs (store_put refuses them). */
static bool record_torn(const struct message *m) {
  return span_find(m->topic, 0, 0) < m->topic.len || span_find(m->properties, 0, 0) < m->properties.len;
}

static void walk_step(struct walk *w, const struct message *m, size_t size) {
  /* A time that goes back says nothing about what was synced when. */
  if (w->fresh_at < 0 && (m->store_ms >= w->fresh_ms || m->store_ms < w->last_ms)) w->fresh_at = w->at;
  w->at += (int64_t)size;
  w->last_ms = m->store_ms;
  w->records++;
  if (w->at == w->landmark) w->landmark_ms = w->last_ms;
}

/* From w->at to the end of its file, or to what is no record: then *ended. */
static enum status file_walk(struct store *s, struct walk *w, const struct segment *g, int64_t until, walk_visit visit,
                             void *context, bool *ended) {
  const struct commitlog *c = &s->commitlog;
  const int64_t end = g->start + c->files.length;
  int64_t tell_at = w->what != NULL ? w->at + STEP_BYTES : INT64_MAX;
  while (w->at < end) {
    struct message m;
    size_t size = 0;
    struct span input = span_of(g->view + (w->at - g->start), (size_t)(end - w->at));
    enum status status = message_decode(input, w->check_crc, &m, &size);
    if (status == STATUS_NOT_FOUND && end < c->files.end) {
      w->at = end;
      break;
    }
    *ended = status != STATUS_OK || m.physical_offset != w->at || w->at >= until ||
             (m.store_ms > w->torn_from_ms && record_torn(&m));
    if (*ended) break;
    status = visit != NULL ? visit(context, &m, size) : STATUS_OK;
    if (status != STATUS_OK) return status;
    walk_step(w, &m, size);
    if (w->at < tell_at) continue;
    recovery_step(s, w->what, w->at - w->begin, w->total - w->begin);
    tell_at = w->at + STEP_BYTES;
  }
  return STATUS_OK;
}

enum status log_walk(struct store *s, struct walk *w, int64_t until, walk_visit visit, void *context) {
  struct commitlog *c = &s->commitlog;
  bool ended = false;
  while (w->at < until && !ended) {
    struct segment *g;
    segment_cache_trim(&c->cache, COMMITLOG_OPEN_MAX);
    enum status status = segments_at(&c->files, w->at, &g);
    if (status == STATUS_OK) status = file_walk(s, w, g, until, visit, context, &ended);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}
