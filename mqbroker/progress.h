/* SPDX-License-Identifier: Apache-2.0
 *
 * progress: lines for whoever waits for a long start: what is being done, how
 * far it is, how fast, how long still. At most one a second, and none for work
 * that is done within one. It reads no clock: the time comes with each step.
 */
#ifndef MQBROKER_PROGRESS_H
#define MQBROKER_PROGRESS_H

#include "core/base/log.h"

#include <stdbool.h>
#include <stdint.h>

struct progress {
  struct log *log;
  const char *what; /* NULL: nothing has begun */
  int64_t began_ms, said_ms;
  bool said; /* a line about `what` */
};

/* done, total: bytes. `what` is compared by its address. */
void progress_step(struct progress *p, const char *what, int64_t done, int64_t total, int64_t mono_ms);

#endif
