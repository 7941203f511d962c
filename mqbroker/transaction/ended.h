/* SPDX-License-Identifier: Apache-2.0
 *
 * ended: which of the half messages are done with: a byte for each of them,
 * from the oldest that waits on, and some way back, for answers that come
 * twice.
 */
#ifndef MQBROKER_TRANSACTION_ENDED_H
#define MQBROKER_TRANSACTION_ENDED_H

#include "core/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ended_mark {
  ENDED_SAID = 1,     /* its op record was put */
  ENDED_STORED = 2,   /* and is in the op queue: whatever happens, it stays ended */
  ENDED_DISCARDED = 4 /* nobody said how: an answer may still come, and counts */
};

struct ended {
  uint8_t *marks;
  int64_t first; /* half offset of marks[0] */
  size_t count, cap;
};

void ended_init(struct ended *e);
void ended_fini(struct ended *e);
/* Nothing is known; offsets from first on. */
void ended_reset(struct ended *e, int64_t first);
/* 0 for what is not known, also below the first. */
int ended_get(const struct ended *e, int64_t half);
/* Below the first nothing is noted. */
enum status ended_add(struct ended *e, int64_t half, int marks) MUST_USE;
void ended_take(struct ended *e, int64_t half, int marks);
/* What was put is lost: only what is stored has ended. */
void ended_put_lost(struct ended *e);
/* All below base have ended; what lies far enough behind it is forgotten. */
void ended_move(struct ended *e, int64_t base);

#endif
