/* SPDX-License-Identifier: Apache-2.0
 *
 * lens: a disk in front of an imagined disk. It numbers every call, shows the
 * moment before each one (so that the disk can be copied as a crash there
 * would leave it), lets chosen calls fail, and can lie as a planted bug would.
 */
#ifndef TESTS_TORTURE_LENS_H
#define TESTS_TORTURE_LENS_H

#include "host/sim/world.h"

#define LENS_OPS(X)                                                                                             \
  X(OPEN, "open")                                                                                               \
  X(LOCK, "lock")                                                                                               \
  X(WRITE, "write")                                                                                             \
  X(TRUNCATE, "truncate") X(READ, "read") X(SYNC, "sync") X(SYNC_START, "sync_start") X(SYNC_ALL, "sync_all")   \
      X(SYNC_ALL_START, "sync_all_start") X(SYNCED, "synced") X(SYNC_DIR, "sync_dir") X(MAKE_DIRS, "make_dirs") \
          X(LIST, "list") X(STAT, "stat") X(REMOVE, "remove") X(RENAME, "rename") X(SPACE, "space")

enum lens_op {
#define X(name, text) LENS_##name,
  LENS_OPS(X)
#undef X
      LENS_OP_COUNT
};
extern const char *const lens_op_names[LENS_OP_COUNT];

/* Bugs as a store could have them; the disk pretends to have been asked less than it was. */
#define LENS_LIES(X)                                                                                  \
  X(NONE, "none", "the disk is honest")                                                               \
  X(NO_LOG_SYNC, "no-log-sync", "a message is acknowledged without a sync of the log")                \
  X(NO_QUEUE_SYNC, "no-queue-sync", "the checkpoint is written without a sync of the consume queues") \
  X(NO_TABLE_SYNC, "no-table-sync", "a table is renamed into place before its bytes are synced")      \
  X(NO_DIR_SYNC, "no-dir-sync", "a directory is not synced after a rename or a removal")              \
  X(CHECKPOINT_AHEAD, "checkpoint-ahead", "the checkpoint's times are newer than what is synced")     \
  X(NO_WIPE, "no-wipe", "the rest of a failed write or of an older life is not made zero")            \
  X(NO_ABORT, "no-abort", "the abort file is not made")                                               \
  X(IN_PLACE, "in-place", "a table is written over the old one")

enum lens_lie {
#define X(name, text, doc) LIE_##name,
  LENS_LIES(X)
#undef X
      LIE_COUNT
};

struct lens {
  struct disk disk; /* first */
  struct disk *inner;
  struct sim_host *host;
  uint64_t calls; /* the number of the current call; the first is 1 */
  uint64_t by_op[LENS_OP_COUNT];
  enum lens_op op; /* of the current call, with what it is about */
  char path[256];
  size_t bytes;
  struct disk_file *file; /* of a write: the inner one */
  int64_t offset;
  const struct span *parts;
  size_t part_count;
  void (*before)(void *context);
  void *context;
  /* Calls [fail_at, fail_at + fail_calls) fail; 0: none. */
  uint64_t fail_at, fail_calls;
  enum status fail_status;
  bool fail_torn;
  bool failed, failed_sync;
  uint64_t failed_log_token; /* of a sync of the log that will fail; 0: none */
  char failed_text[256];     /* the first call that failed */
  enum lens_lie lie;
  int quiet; /* > 0: calls are the tests' own and do not count */
};

void lens_init(struct lens *l, struct sim_host *host);
/* A sync under way ends: that is a moment, too. */
void lens_synced(struct lens *l);
/* "17 write /store/commitlog/0000: 312 bytes". Static buffer. */
const char *lens_text(const struct lens *l);

#endif
