/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/delay/delays.h"

#include "mqbroker/delay/delay_record.h"

#include <inttypes.h>

enum {
  LEVEL_MESSAGES_PER_TURN = 64,
  LEVEL_BYTES_PER_TURN = 1 << 20,
  LOOK_MS = 1000,     /* at least so often: the clock may have been set */
  REFUSED_MS = 1000,  /* the store takes no messages: not again before */
  TROUBLE_MS = 10000, /* DELAY_FOR_A_PERIOD */
  UNKNOWN_LEVEL_MS = INT32_MAX
};

#define TIME_FAR (INT64_MAX / 4)

/* ---- what is due when ---- */

static int64_t length_ms(const struct delays *d, int32_t level) {
  return level <= d->levels.count ? d->levels.ms[level] : UNKNOWN_LEVEL_MS;
}

/* When the first message is due by today's clock. */
static int64_t due_of(struct delays *d, int32_t level, const struct store_unit *u, int64_t max, struct moment now) {
  struct delay_level *l = &d->at[level];
  int64_t latest = now.wall_ms + length_ms(d, level), clock_ms = now.wall_ms - now.mono_ms;
  if (l->ahead_ms > 0) l->ahead_ms -= clock_ms - l->clock_ms; /* what the clock has made up for since */
  l->clock_ms = clock_ms;
  if (l->ahead_ms < 0) l->ahead_ms = 0;
  /* Those behind it come from the clock of today: until the first was due nothing that was stored later could be. */
  if (l->ahead_ms > 0 && l->staged >= l->ahead_until) l->ahead_ms = 0;
  int64_t due = u->tags_code - l->ahead_ms;
  if (due <= latest) return due;
  if (l->ahead_ms == 0)
    log_warn(d->log, "delay level %d: the clock was %" PRId64 " ms ahead when its messages were stored", level,
             due - latest);
  l->ahead_ms += due - latest;
  l->ahead_until = max;
  return latest;
}

/* ---- delivery ---- */

enum outcome { PASSED, WAITS };

static enum outcome trouble(struct delays *d, int32_t level, const char *what, int32_t pause_ms, struct moment now) {
  d->at[level].retry_ms = now.mono_ms + pause_ms;
  if (pause_ms >= TROUBLE_MS)
    log_error(d->log, "delay level %d: message %" PRId64 " cannot be delivered now: %s", level, d->at[level].staged,
              what);
  return WAITS;
}

static enum outcome pass_over(struct delays *d, int32_t level, const char *what) {
  log_error(d->log, "delay level %d: message %" PRId64 " is passed over: %s", level, d->at[level].staged, what);
  return PASSED;
}

static enum outcome deliver(struct delays *d, int32_t level, struct store *s, const struct store_unit *u,
                            struct moment now, size_t *bytes) {
  struct span record;
  struct message m;
  struct put_result put;
  const char *why;
  size_t size;
  if (u->size == 0) return pass_over(d, level, "its unit is lost"); /* the offset means nothing */
  enum status status = store_message_at(s, u->physical_offset, &record);
  if (status == STATUS_NOT_FOUND && u->physical_offset < store_log_min(s)) return PASSED; /* retention took it */
  if (status == STATUS_NOT_FOUND || (status == STATUS_OK && record.len != (size_t)u->size))
    return pass_over(d, level, "the log has no record there");
  if (status != STATUS_OK) return trouble(d, level, status_text(status), TROUBLE_MS, now);
  if (message_decode(record, false, &m, &size) != STATUS_OK) return pass_over(d, level, "its record is damaged");
  if (delay_leave(&m, &why) != STATUS_OK) return pass_over(d, level, why);
  switch (store_put(s, &m, now, &put)) {
  case PUT_OK:
    *bytes += size;
    return PASSED;
  case PUT_MESSAGE_ILLEGAL:
    return trouble(d, level, "its record is larger than maxMessageSize", TROUBLE_MS, now);
  case PUT_NO_MEMORY:
  case PUT_SERVICE_NOT_AVAILABLE:
    break;
  }
  return trouble(d, level, "the store takes no messages", REFUSED_MS, now);
}

/* Where the level goes on; what is not in the queue (any more) is left out. False: there is nothing. */
static bool place(struct delays *d, int32_t level, struct store *s, int64_t *max) {
  struct delay_level *l = &d->at[level];
  *max = store_queue_max(s, SPAN_LITERAL(SCHEDULE_TOPIC), level - 1);
  if (*max == 0 && l->staged <= 0) return false;
  int64_t min = store_queue_min(s, SPAN_LITERAL(SCHEDULE_TOPIC), level - 1);
  if (l->staged < min) l->staged = min;
  if (l->staged > *max) {
    log_warn(d->log, "delay level %d: %s says %" PRId64 ", but the queue ends at %" PRId64, level, d->path, l->staged,
             *max);
    l->staged = *max;
  }
  if (l->staged != l->next) d->staged = true;
  return l->staged < *max;
}

static void level_turn(struct delays *d, int32_t level, struct store *s, struct moment now) {
  struct delay_level *l = &d->at[level];
  struct store_unit u;
  size_t bytes = 0;
  int64_t max;
  for (int n = 0; n < LEVEL_MESSAGES_PER_TURN && bytes < LEVEL_BYTES_PER_TURN; n++) {
    if (!place(d, level, s, &max)) {
      l->idle = true;
      return;
    }
    enum status status = store_unit_at(s, SPAN_LITERAL(SCHEDULE_TOPIC), level - 1, l->staged, &u);
    if (status != STATUS_OK) {
      trouble(d, level, status_text(status), TROUBLE_MS, now);
      return;
    }
    l->due_ms = due_of(d, level, &u, max, now);
    if (l->due_ms > now.wall_ms || deliver(d, level, s, &u, now, &bytes) == WAITS) return;
    l->staged++;
    d->staged = true;
  }
  l->due_ms = now.wall_ms;
  d->more = true;
}

static void look_again_at(struct delays *d, struct moment now) {
  d->look_mono_ms = TIME_FAR;
  d->look_wall_ms = TIME_FAR;
  for (int32_t level = 1; level <= DELAY_LEVELS_MAX; level++) {
    const struct delay_level *l = &d->at[level];
    if (l->idle) continue;
    if (d->look_mono_ms > now.mono_ms + LOOK_MS) d->look_mono_ms = now.mono_ms + LOOK_MS;
    if (l->retry_ms > now.mono_ms) {
      if (l->retry_ms < d->look_mono_ms) d->look_mono_ms = l->retry_ms;
    } else if (l->due_ms < d->look_wall_ms) {
      d->look_wall_ms = l->due_ms;
    }
  }
}

void delays_turn(struct delays *d, struct store *s, struct moment now) {
  if (!d->running) return;
  if (!d->arrived && !d->more && now.mono_ms < d->look_mono_ms && now.wall_ms < d->look_wall_ms) return;
  d->arrived = d->more = false;
  for (int32_t level = 1; level <= DELAY_LEVELS_MAX; level++) {
    const struct delay_level *l = &d->at[level];
    if (!l->idle && now.mono_ms >= l->retry_ms) level_turn(d, level, s, now);
  }
  look_again_at(d, now);
}

void delays_written(struct delays *d, bool written, struct moment now) {
  if (!d->staged) return;
  d->staged = false;
  for (int32_t level = 1; level <= DELAY_LEVELS_MAX; level++) {
    struct delay_level *l = &d->at[level];
    if (l->next == l->staged) continue;
    if (written) {
      l->next = l->staged;
      d->dirty = true;
      continue;
    }
    l->staged = l->next;
    l->idle = false;
    l->retry_ms = now.mono_ms + REFUSED_MS;
    d->look_mono_ms = now.mono_ms;
  }
}

void delays_arrived(struct delays *d, int32_t queue_id) {
  if (!d->running || queue_id < 0 || queue_id >= DELAY_LEVELS_MAX || !d->at[queue_id + 1].idle) return;
  d->at[queue_id + 1].idle = false;
  d->at[queue_id + 1].due_ms = 0;
  d->arrived = true;
}

void delays_stop(struct delays *d) { d->running = false; }

int64_t delays_next_ms(const struct delays *d, struct moment now) {
  if (!d->running) return INT64_MAX;
  if (d->more || d->arrived) return now.mono_ms;
  int64_t wall = d->look_wall_ms == TIME_FAR ? TIME_FAR : now.mono_ms + d->look_wall_ms - now.wall_ms;
  int64_t next = wall < d->look_mono_ms ? wall : d->look_mono_ms;
  if (d->dirty && d->mark < 0 && d->save_ms < next) next = d->save_ms;
  return next;
}
