/* SPDX-License-Identifier: Apache-2.0
 *
 * retention: how long messages stay and how full the disk may be
 * (DefaultMessageStore.CleanCommitLogService, CleanConsumeQueueService).
 *
 * A look, once per cleanResourceInterval, decides whether this is a time to
 * remove: the hour, the space, or somebody asked. A run then removes at most
 * ten log files, oldest first, never the newest, one per tick with a pause
 * between; whatever still reads a removed file keeps its mapping. Where the log
 * begins later, a sweep takes the consume queues after it, a few per tick.
 *
 * The disk counts as full above diskSpaceWarningLevelRatio: then puts are
 * refused, with the reason, until a later look finds room.
 */
#ifndef MQBROKER_STORE_RETENTION_H
#define MQBROKER_STORE_RETENTION_H

#include "mqbroker/store/store.h"

#define RETENTION_FIRST_MS 60000
#define RETENTION_FILES_PER_RUN 10
#define RETENTION_RUNS_BY_HAND 20
#define RETENTION_HURRY_MS 1000      /* between looks that failed writes ask for, and for room while full */
#define RETENTION_QUEUES_PER_STEP 32 /* queues a sweep passes per tick */

enum space_level { SPACE_PLENTY, SPACE_SHORT, SPACE_FORCED, SPACE_FULL };

struct retention {
  int64_t look_ms, looked_ms; /* monotonic: next, last */
  bool hurry;                 /* a look is wanted before its time */
  int32_t runs_by_hand;
  /* the run */
  int32_t files_left;
  int64_t file_ms; /* not before */
  /* the sweep */
  bool sweeping, sweep_failed;
  int32_t sweep_removed; /* files */
  size_t sweep_at;
  uint64_t sweep_moves;
  int64_t sweep_min; /* where the log began when it started */
  int64_t sweep_ms;  /* not before */
  int64_t swept_min; /* the queues were trimmed to this */
  /* space */
  enum space_level level;
  int64_t full_ms;         /* next look for room while full */
  int32_t used_per_mille;
  const char *fullest;     /* directory */
  char reason[768];
};

void retention_init(struct store *s, struct moment now);
int64_t retention_tick(struct store *s, struct moment now);
/* A write or a new file failed with NO_SPACE: makes the reason, and a look soon. */
void retention_out_of_space(struct store *s);

#endif
