/* SPDX-License-Identifier: Apache-2.0
 *
 * timers: a min-heap of intrusive deadlines. It does not know what time it is:
 * the room that owns it asks for everything due at the `now` it was given.
 */
#ifndef MQ_BASE_TIMERS_H
#define MQ_BASE_TIMERS_H

#include "core/base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIME_NEVER INT64_MAX

struct timer {
  int64_t due_ms; /* monotonic */
  uint64_t order; /* equal deadlines fire in the order they were set */
  size_t slot;    /* place in the heap + 1; 0 = not set */
};

struct timers {
  struct timer **heap;
  size_t count;
  size_t cap;
  uint64_t order;
};

void timers_init(struct timers *ts);
void timers_fini(struct timers *ts);
/* Sets or moves a deadline. t must be zeroed before its first use. */
enum status timers_set(struct timers *ts, struct timer *t, int64_t due_ms) MUST_USE;
void timers_cancel(struct timers *ts, struct timer *t); /* also when not set */
/* Takes the earliest timer with due_ms <= now_ms out, or NULL. */
struct timer *timers_pop(struct timers *ts, int64_t now_ms);
/* Earliest deadline or TIME_NEVER. */
int64_t timers_next(const struct timers *ts);
static inline bool timer_is_set(const struct timer *t) { return t->slot != 0; }

#endif
