/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/progress.h"

#include <inttypes.h>

#define SAY_EVERY_MS 1000
#define MIB (1 << 20)

static double rate_of(int64_t bytes, int64_t ms) { return (double)bytes / MIB * 1000 / (double)(ms > 0 ? ms : 1); }

void progress_step(struct progress *p, const char *what, int64_t done, int64_t total, int64_t mono_ms) {
  if (p->what != what || done == 0) {
    *p = (struct progress){.log = p->log, .what = what, .began_ms = mono_ms, .said_ms = mono_ms};
    return;
  }
  int64_t took_ms = mono_ms - p->began_ms;
  if (done >= total) {
    if (p->said)
      log_info(p->log, "%s: done, %" PRId64 " MiB in %.1f s, %.0f MiB/s", what, total / MIB, (double)took_ms / 1000,
               rate_of(total, took_ms));
    p->what = NULL;
  } else if (mono_ms - p->said_ms >= SAY_EVERY_MS) {
    int64_t left_ms = (int64_t)((double)took_ms / (double)done * (double)(total - done));
    log_info(p->log, "%s: %" PRId64 " of %" PRId64 " MiB (%d %%), %.0f MiB/s, about %" PRId64 " s left", what,
             done / MIB, total / MIB, (int)((double)done / (double)total * 100), rate_of(done, took_ms),
             (left_ms + 999) / 1000);
    p->said_ms = mono_ms;
    p->said = true;
  }
}
