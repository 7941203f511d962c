/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/store/retention.h"
#include "core/base/timers.h"
#include "mqbroker/store/store_state.h"

#include <inttypes.h>
#include <stdio.h>

#define HOUR_MS INT64_C(3600000)
#define USED_PERCENT_MIN 10 /* MessageStoreConfig.getDiskMaxUsedSpaceRatio */
#define USED_PERCENT_MAX 95
#define USED_FORMAT "%d.%d%%"
#define USED_ARG(r) (r)->used_per_mille / 10, (r)->used_per_mille % 10

/* UtilAll.isItTimeToDo; numbers that are no hour never match, as in Java. */
enum status retention_hours_parse(struct span text, uint32_t *hours) {
  uint32_t mask = 0;
  bool any = false;
  for (size_t at = 0; at <= text.len;) {
    size_t end = span_find(text, ';', at);
    struct span word = span_trim(span_of(text.ptr + at, end - at));
    int32_t hour;
    at = end + 1;
    if (word.len == 0) continue;
    if (!span_to_i32(word, &hour) || hour < 0) return STATUS_INVALID;
    if (hour < 24) mask |= 1u << hour;
    any = true;
  }
  if (!any) return STATUS_INVALID;
  *hours = mask;
  return STATUS_OK;
}

void retention_init(struct store *s, struct moment now) {
  s->retention = (struct retention){.look_ms = now.mono_ms + RETENTION_FIRST_MS, .looked_ms = INT64_MIN / 2,
                                    .fullest = s->root};
  /* Recovery may have found no room for the queues. */
  if (s->queue_trouble == STATUS_NO_SPACE) retention_out_of_space(s);
}

void store_retention_change(struct store *s, const struct retention_rules *rules) { s->config.retention = *rules; }

void store_clean_now(struct store *s) {
  s->retention.runs_by_hand = RETENTION_RUNS_BY_HAND;
  s->retention.hurry = true;
}

/* ---- space ---- */

static int32_t used_limit(const struct retention_rules *rules) {
  int32_t percent = rules->used_percent;
  if (percent < USED_PERCENT_MIN) return USED_PERCENT_MIN;
  return percent > USED_PERCENT_MAX ? USED_PERCENT_MAX : percent;
}

/* What a partition that cannot be asked holds is not known; that does not make it full (in Java it does). */
static int32_t used_per_mille(struct store *s, const char *path) {
  int64_t total, free_bytes;
  if (s->disk->ops->space(s->disk, path, &total, &free_bytes) != STATUS_OK || total <= 0) return 0;
  return (int32_t)((double)(total - free_bytes) / (double)total * 1000.0);
}

static enum space_level level_of(const struct retention_rules *rules, int32_t per_mille) {
  if (per_mille > rules->full_percent * 10) return SPACE_FULL;
  if (per_mille > rules->forced_percent * 10) return SPACE_FORCED;
  return per_mille > used_limit(rules) * 10 ? SPACE_SHORT : SPACE_PLENTY;
}

static void reason_make(struct store *s, bool full) {
  struct retention *r = &s->retention;
  const struct retention_rules *rules = &s->config.retention;
  char what[384];
  if (full)
    snprintf(what, sizeof what, "the disk of %.256s is " USED_FORMAT " full, more than diskSpaceWarningLevelRatio=%d",
             r->fullest, USED_ARG(r), rules->full_percent);
  else
    snprintf(what, sizeof what, "no space left on the disk of %.256s (" USED_FORMAT " used)", r->fullest, USED_ARG(r));
  snprintf(r->reason, sizeof r->reason,
           "%s: make room there, or keep messages for less than fileReservedTime=%d hours; "
           "sends then work again by themselves",
           what, rules->reserved_hours);
}

static void level_say(struct store *s, enum space_level old) {
  static const char *const texts[] = {
      "enough room again", "expired log files are removed at any hour",
      "the oldest log files are removed although they are not expired", "sends are refused"};
  const struct retention *r = &s->retention;
  const char *text = texts[r->level];
  if (r->level == SPACE_FORCED && !s->config.retention.forced) text = texts[SPACE_SHORT];
  if (r->level > old) log_warn(s->log, "the disk of %s is " USED_FORMAT " full: %s", r->fullest, USED_ARG(r), text);
  else log_info(s->log, "the disk of %s is " USED_FORMAT " full: %s", r->fullest, USED_ARG(r), text);
}

static void space_measure(struct store *s) {
  struct retention *r = &s->retention;
  enum space_level old = r->level;
  int32_t log_used = used_per_mille(s, s->commitlog.dir), queue_used = used_per_mille(s, s->root);
  r->used_per_mille = log_used >= queue_used ? log_used : queue_used;
  r->fullest = log_used >= queue_used ? s->commitlog.dir : s->root;
  r->level = level_of(&s->config.retention, r->used_per_mille);
  if (r->level == SPACE_FULL) reason_make(s, true);
  if (r->level != old) level_say(s, old);
}

void retention_out_of_space(struct store *s) {
  struct retention *r = &s->retention;
  if (s->config.retention.interval_ms > 0) {
    space_measure(s);
    r->hurry = true;
  } else {
    r->fullest = s->commitlog.dir;
    r->used_per_mille = used_per_mille(s, r->fullest);
  }
  if (r->level != SPACE_FULL) reason_make(s, false);
}

/* ---- the look ---- */

static bool hour_comes(const struct retention_rules *rules, struct moment now) {
  int64_t local_ms = now.wall_ms + rules->utc_offset_s * INT64_C(1000);
  int64_t hour = (local_ms / HOUR_MS) % 24;
  return (rules->hours & 1u << (hour < 0 ? hour + 24 : hour)) != 0;
}

static void look(struct store *s, struct moment now) {
  struct retention *r = &s->retention;
  const struct retention_rules *rules = &s->config.retention;
  r->look_ms = now.mono_ms + rules->interval_ms;
  r->looked_ms = now.mono_ms;
  r->hurry = false;
  space_measure(s);
  bool by_space = r->level > SPACE_PLENTY || s->log_trouble == STATUS_NO_SPACE || s->queue_trouble == STATUS_NO_SPACE;
  bool by_hand = r->runs_by_hand > 0;
  if (by_hand) r->runs_by_hand--;
  if (by_space || by_hand || hour_comes(rules, now)) r->files_left = RETENTION_FILES_PER_RUN;
}

/* ---- the run ---- */

/* The log never becomes empty, also not after a crash: a file goes only when something durable follows it. */
static bool file_may_go(const struct store *s) {
  const struct segments *files = &s->commitlog.files;
  int64_t end = files->first + files->length;
  return !segments_empty(files) && end < s->commitlog.appended && end < s->flusher.flushed;
}

/* DefaultMessageStore asks the time of the last write to the file; a file that is gone already is old enough. */
static bool file_expired(struct store *s, struct moment now) {
  const struct segments *files = &s->commitlog.files;
  char path[DISK_PATH_MAX];
  struct disk_entry entry;
  enum status status = segment_path(files, files->first, path);
  if (status == STATUS_OK) status = s->disk->ops->stat(s->disk, path, &entry);
  if (status == STATUS_NOT_FOUND) return true;
  return status == STATUS_OK && now.wall_ms >= entry.modified_ms + s->config.retention.reserved_hours * HOUR_MS;
}

static void file_remove(struct store *s, bool forced, struct moment now) {
  struct retention *r = &s->retention;
  const struct retention_rules *rules = &s->config.retention;
  struct segments *files = &s->commitlog.files;
  int64_t start = files->first;
  bool entries = s->config.group != NULL && start >= files->old_end;
  enum status status = entries ? group_drop_first(s) : segments_drop_first(files);
  if (status == STATUS_BUSY) {
    r->files_left = 0; /* somebody in the group may need it */
    return;
  }
  if (status != STATUS_OK) {
    log_error(s->log, "commit log file %s/%020" PRId64 " cannot be removed: %s; tried again in %d ms",
              s->commitlog.dir, start, status_text(status), rules->retry_ms);
    r->files_left = 0;
    r->file_ms = now.mono_ms + rules->retry_ms;
    return;
  }
  log_info(s->log, "commit log file %020" PRId64 " removed: %s; the disk was " USED_FORMAT " full", start,
           forced ? "the disk is too full" : "it is older than fileReservedTime", USED_ARG(r));
  /* Names go one by one: a crash must not bring back a file whose successor is gone. */
  status = s->disk->ops->sync_dir(s->disk, s->commitlog.dir);
  if (status != STATUS_OK) log_warn(s->log, "%s cannot be synced: %s", s->commitlog.dir, status_text(status));
  r->files_left--;
  r->file_ms = now.mono_ms + rules->log_pause_ms;
}

static int64_t run_step(struct store *s, struct moment now) {
  struct retention *r = &s->retention;
  const struct retention_rules *rules = &s->config.retention;
  if (r->files_left == 0) return TIME_NEVER;
  if (now.mono_ms < r->file_ms) return r->file_ms;
  if (!file_may_go(s)) {
    r->files_left = 0;
    return TIME_NEVER;
  }
  space_measure(s); /* what was removed before may be enough */
  bool expired = file_expired(s, now), forced = !expired && rules->forced && r->level >= SPACE_FORCED;
  if (!expired && !forced) {
    r->files_left = 0;
    return TIME_NEVER;
  }
  file_remove(s, forced, now);
  return r->files_left > 0 ? r->file_ms : TIME_NEVER;
}

/* ---- the sweep ---- */

static void sweep_begin(struct store *s) {
  struct retention *r = &s->retention;
  r->sweeping = true;
  r->sweep_failed = false;
  r->sweep_removed = 0;
  r->sweep_at = 0;
  r->sweep_moves = s->queues.moves;
  r->sweep_min = commitlog_min(&s->commitlog);
}

static int64_t sweep_end(struct store *s, struct moment now) {
  struct retention *r = &s->retention;
  enum status status = index_drop_before(&s->index, r->sweep_min);
  if (status != STATUS_OK) log_error(s->log, "an index file cannot be removed: %s", status_text(status));
  if (r->sweep_removed > 0)
    log_info(s->log, "%d consume queue files removed: the log begins at offset %" PRId64, r->sweep_removed,
             r->sweep_min);
  r->sweeping = false;
  if (!r->sweep_failed && status == STATUS_OK) r->swept_min = r->sweep_min;
  else r->sweep_ms = now.mono_ms + s->config.retention.retry_ms;
  return now.mono_ms + 1;
}

/* True: a file was removed. */
static bool sweep_queue(struct store *s, struct consumequeue *q) {
  bool removed;
  enum status status = consumequeue_trim(q, &removed);
  if (status != STATUS_OK) {
    s->retention.sweep_failed = true;
    log_error(s->log, "consume queue %s cannot be trimmed: %s", q->dir, status_text(status));
  }
  return status == STATUS_OK && removed;
}

static int64_t sweep_step(struct store *s, struct moment now) {
  struct retention *r = &s->retention;
  struct queues *qs = &s->queues;
  if (!r->sweeping && (r->files_left > 0 || r->swept_min >= commitlog_min(&s->commitlog))) return TIME_NEVER;
  if (now.mono_ms < r->sweep_ms) return r->sweep_ms;
  if (!r->sweeping) sweep_begin(s);
  if (r->sweep_moves != qs->moves) {
    r->sweep_at = 0;
    r->sweep_moves = qs->moves;
  }
  for (int budget = RETENTION_QUEUES_PER_STEP; r->sweep_at < qs->cap && budget > 0; r->sweep_at++) {
    struct consumequeue *q = qs->table[r->sweep_at];
    if (q == NULL) continue;
    budget--;
    if (!sweep_queue(s, q)) continue;
    r->sweep_removed++;
    r->sweep_ms = now.mono_ms + s->config.retention.queue_pause_ms;
    return r->sweep_ms;
  }
  return r->sweep_at < qs->cap ? now.mono_ms + 1 : sweep_end(s, now);
}

/* ---- the tick ---- */

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t retention_tick(struct store *s, struct moment now) {
  struct retention *r = &s->retention;
  if (s->config.retention.interval_ms <= 0 || s->read_only) return TIME_NEVER;
  if (r->hurry) r->look_ms = earlier(r->look_ms, r->looked_ms + RETENTION_HURRY_MS);
  if (now.mono_ms >= r->look_ms) look(s, now);
  int64_t at = run_step(s, now);
  at = earlier(at, sweep_step(s, now)); /* begins when the run is over */
  if (r->level == SPACE_FULL) {
    if (now.mono_ms >= r->full_ms) {
      space_measure(s);
      r->full_ms = now.mono_ms + RETENTION_HURRY_MS;
    }
    at = earlier(at, r->full_ms);
  }
  return earlier(at, r->look_ms);
}
