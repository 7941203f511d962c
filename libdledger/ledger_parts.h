/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the ledger know of each other. Private to libdledger/ledger*.c.
 */
#ifndef LIBDLEDGER_LEDGER_PARTS_H
#define LIBDLEDGER_LEDGER_PARTS_H

#include "core/port/segment.h"
#include "libdledger/ledger.h"

#define LEDGER_FILES_OPEN_MAX 64 /* kept over a turn */
#define TAIL_UNITS 4096          /* index units in memory: 128 KiB */
#define STAGE_BYTES ENTRY_SIZE_MAX
#define SYNC_SLOTS 6
#define SYNC_DATA_FILES_MAX 4 /* of one round */
#define CHECKPOINT_BYTES 256  /* one sector holds it: it is written in place */
/* Zeros for so long behind the end: what a crash left ends there. */
#define QUIET_BYTES (64 << 20)
#define INDEX_QUIET_BYTES (1 << 20) /* units are written one behind the other */

/* An index unit: i32 magic, i64 pos, i32 size, i64 index, i64 term */
struct unit {
  int32_t magic, size;
  int64_t pos, index, term;
};

struct last { /* the entry before the next one */
  int64_t index, term;
  int32_t chain; /* its chainCrc; -1: unknown */
};

enum sync_kind { SYNC_NONE, SYNC_DATA, SYNC_INDEX, SYNC_CHECKPOINT };
struct sync_slot {
  enum sync_kind kind;
  uint64_t token;
};

struct checkpoint {
  int64_t end_index, committed_index;
  int64_t synced_index; /* ours only; INT64_MIN: Java wrote the file */
};

struct ledger {
  struct disk *disk;
  struct log *log;
  struct ledger_options options;
  struct ledger_marks marks;
  char *dir, *data_dir, *index_dir;
  struct segment_cache cache;
  struct segments data, index;
  enum status failure;

  /* Staging: see mqbroker/store/commitlog.h, which works alike. */
  uint8_t *stage;
  size_t stage_len;
  int64_t stage_start; /* position of stage[0]; >= end_pos: bytes between were written early */
  int64_t wipe_until;  /* > end_pos: bytes of a failed write may lie up to here */
  size_t open_at;      /* stage[open_at]: an entry whose checksums wait for its body; SIZE_MAX: none */
  struct last end, staged;

  /* Index units from tail_first on; what is below is in the index files. */
  uint8_t *tail;
  int64_t tail_first;
  size_t tail_count;

  /* Syncs. */
  uint64_t token;
  struct sync_slot slots[SYNC_SLOTS];
  int data_busy;
  bool index_busy, checkpoint_busy;
  int64_t target_pos, target_index; /* of the data syncs under way */
  int64_t wanted_pos;
  int64_t index_synced; /* units below it are durable */
  int64_t round_until;  /* units the checkpoint round under way waits for; -1: none is */
  int64_t synced_at_ms, checkpoint_due_ms;
  struct disk_file *checkpoint_file, *lock_file;
  struct checkpoint checkpoint; /* as on disk */
  int64_t retry_ms;             /* the next file is not made before */
  int64_t scrub_index;
  int32_t scrub_chain;
};

/* ledger_index.c */
void unit_decode(const uint8_t *p, struct unit *out);
/* NOT_FOUND: no index file there; else whatever stands there. */
enum status unit_at(struct ledger *l, int64_t index, struct unit *out) MUST_USE;
bool unit_matches(const struct unit *u, const struct entry *e);
/* Next unit, behind all others; writes the tail when it is full. */
enum status unit_put(struct ledger *l, const struct entry *e) MUST_USE;
/* Writes the tail; it stays empty. */
enum status index_write(struct ledger *l) MUST_USE;
/* Units from `index` on are forgotten; with `wipe` on disk, too. */
enum status index_cut(struct ledger *l, int64_t index, bool wipe) MUST_USE;
/* First index >= from whose entry ends behind pos. In [from, end_index + 1]. */
enum status index_search(struct ledger *l, int64_t from, int64_t pos, int64_t *out) MUST_USE;

/* ledger_write.c */
/* Bytes [from, to) become zero, as far as there are files. */
enum status data_wipe(struct ledger *l, int64_t from, int64_t to) MUST_USE;
/* What is staged and the position of the next entry follow the end marks. */
void stage_reset(struct ledger *l);

/* ledger_cut.c: the data ends at marks.end_pos; all behind it goes. */
enum status data_cut(struct ledger *l, int64_t known_dirty) MUST_USE;

/* ledger_files.c: the small files. */
enum status files_read_term(struct ledger *l, struct buf *why) MUST_USE;
enum status files_read_checkpoint(struct ledger *l, struct checkpoint *out) MUST_USE;
enum status files_read_repair(struct ledger *l, int64_t *damaged_index) MUST_USE;
enum status files_write_repair(struct ledger *l, int64_t damaged_index) MUST_USE; /* -1 removes it */
/* Makes the file that checkpoint_write writes in place. */
enum status files_open_checkpoint(struct ledger *l, const struct checkpoint *c) MUST_USE;
enum status files_write_checkpoint(struct ledger *l, const struct checkpoint *c) MUST_USE;
/* Durable before it returns: entries from `index` on will go, the checkpoint must not vouch for them. */
enum status files_lower_checkpoint(struct ledger *l, int64_t index) MUST_USE;
struct checkpoint checkpoint_now(const struct ledger *l);

/* ledger_recover.c */
enum status ledger_recover(struct ledger *l, struct buf *why) MUST_USE;
/* Syncs all that was written, waiting. */
enum status ledger_sync_all(struct ledger *l) MUST_USE;

/* ledger.c */
void marks_set_committed(struct ledger *l, int64_t index);
bool ledger_path(const struct ledger *l, const char *name, char out[DISK_PATH_MAX]);

#endif
