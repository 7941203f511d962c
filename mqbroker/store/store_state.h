/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share: struct store, and the turns of its inner
 * rooms (recovery, flush). Nobody outside mqbroker/store includes it.
 */
#ifndef MQBROKER_STORE_STORE_STATE_H
#define MQBROKER_STORE_STORE_STATE_H

#include "mqbroker/store/checkpoint.h"
#include "mqbroker/store/derive.h"
#include "mqbroker/store/index.h"
#include "mqbroker/store/queues.h"
#include "mqbroker/store/retention.h"
#include "mqbroker/store/store.h"

#define SYNC_SLOTS 16
#define SYNC_LOG_FILES_MAX 4    /* log files synced at once */
#define SYNC_QUEUE_FILES_MAX 8  /* queue files synced at once */
#define CHECKPOINT_INTERVAL_MS 60000
#define TAIL_WRITES_PER_TICK 8    /* each may have to make a file: 0.1 ms and more */
#define TAIL_PAUSE_MS 3           /* after so many */
#define SYNC_MARKS_PER_TICK 4096  /* queues that are to be synced at once */
#define STAGED_BITMAP_BYTES_MAX (64 << 20) /* bit maps of one turn; a record beyond has none */
#define INDEX_GROUPS_PER_TICK 64 /* 256 KiB of the index's slots */

/* A record that is staged and not yet in its queue. */
struct staged {
  struct consumequeue *queue; /* NULL: enters none */
  int64_t index;
  struct unit unit;
  int64_t store_ms; /* for its ext unit, with */
  size_t bitmap_at; /* bitmap_len bytes in store.bitmaps */
  size_t bitmap_len;
};

enum sync_kind { SYNC_NONE, SYNC_LOG, SYNC_QUEUE, SYNC_INDEX, SYNC_EVERYTHING, SYNC_CHECKPOINT };

struct sync_slot {
  enum sync_kind kind;
  uint64_t token;
};

enum round_state { ROUND_IDLE, ROUND_TAILS, ROUND_QUEUES, ROUND_INDEX, ROUND_LOG, ROUND_CHECKPOINT };

struct flusher {
  struct sync_slot slots[SYNC_SLOTS];
  uint64_t token;
  int64_t flushed;     /* durable end of the log */
  int64_t marked;      /* the same, as the next start will know it */
  int64_t wanted;      /* somebody waits for it */
  int64_t log_target;  /* what the log syncs under way will have made durable */
  int64_t log_target_ms; /* store time of the record that ends there, -1: not known */
  unsigned log_busy, queue_busy;
  bool checkpoint_busy, index_busy, everything_busy;
  int64_t synced_at_ms; /* monotonic: start of the last log sync */
  /* The checkpoint round: the index and tails up to a mark, then queue and index files, then the log, then the file. */
  enum round_state round;
  int64_t round_due_ms;
  int64_t round_target, round_target_ms; /* log offset and store time at its start */
  int64_t round_done;                    /* target of the last complete round */
  size_t round_queues_left;
  bool round_at_once; /* the queues are synced all at once */
  int64_t tails_ms;   /* monotonic: no more tails are written before */
};

/* The beginning of a record that came from another log and is not whole yet. */
struct raw_piece {
  uint8_t *bytes;
  size_t len, cap;
  int64_t begin; /* where an empty log will begin, when the first record is whole; -1: where it ends */
};

struct store {
  struct store_config config;
  char *root;
  struct disk *disk;
  struct log *log;
  struct store_listener listener;
  struct commitlog commitlog;
  struct queues queues;
  struct index index;
  struct delay_levels delays;
  char *old_dir; /* of the commit log that became a group's ledger; owned */
  struct disk_file *lock, *checkpoint_file, *flushed_file;
  struct checkpoint checkpoint; /* as on disk */
  int64_t checkpoint_min;
  struct staged *staged;
  size_t staged_count, staged_cap;
  struct buf bitmaps; /* of what is staged */
  enum status turn_failed;   /* something staged in this turn was lost: commit says so */
  bool read_only;            /* for good */
  enum status queue_trouble; /* queues cannot be written at the moment */
  enum status log_trouble;   /* the last write or file of the log failed, not for good */
  char refusal[256];
  int64_t last_ms; /* store time of the newest record that counts */
  int64_t staged_last_ms;
  int64_t last_record; /* where the newest record begins; -1: not known */
  struct raw_piece raw;
  struct flusher flusher;
  struct retention retention;
  int64_t allocate_ms; /* monotonic: the next log file is not tried before */
  int64_t opened_mono_ms;
  bool was_clean;        /* how recovery found the files, and from where it read the log */
  int64_t replayed_from;
  int64_t durable; /* so far recovery knows the log to be on disk */
  struct store_facts facts;
};

/* PATH below the root; false if too long. */
bool store_path(const struct store *s, const char *name, char out[DISK_PATH_MAX]);
/* No more puts until the store is opened again. */
void store_make_read_only(struct store *s, const char *what, enum status status);

/* The bit map of a record that is being extended: behind the others in s->bitmaps; absent: it has none. */
struct span store_bitmap(struct store *s, const struct message *m);
/* put.c */
bool store_refuses(const struct store *s);
bool staged_room(struct store *s, size_t count);
/* A record that lies at offset, for its queue (NULL: none) and the index; there is room. */
void staged_add(struct store *s, const struct message *m, struct consumequeue *q, int64_t offset, size_t size);
/* raw.c: the queue of a record that this broker did not put, NULL if it enters none. */
enum status staged_queue(struct store *s, const struct message *m, struct consumequeue **out) MUST_USE;
/* All that is staged, and counts now, enters its queues. */
void staged_dispatch(struct store *s, struct moment now);
/* Nothing staged since the last commit exists any more. */
void staged_lost(struct store *s, enum status status);

/* recovery.c: fills commitlog, queues, checkpoint. */
enum status recovery_run(struct store *s, struct moment now, struct buf *why) MUST_USE;
/* Leaves the end of the log behind for the next start, when everything is durable. */
enum status recovery_leave_marks(struct store *s) MUST_USE;

/* group.c: how far the ledger is durable, as far as it counts. */
void group_flushed(struct store *s);
/* Is the listener to be told of this record, wherever it goes? */
bool group_notes(const struct store *s, const struct message *m);
/* Tells it of those of [from, until) once more. */
enum status group_note_from(struct store *s, int64_t from, int64_t until) MUST_USE;
/* The ledger's oldest file goes. BUSY: not now. */
enum status group_drop_first(struct store *s) MUST_USE;

/* marks.c: how far the log is durable, for the next start; last_ms: store time of the record that ends there, -1: not
 * known. */
void flushed_mark_open(struct store *s);
void flushed_mark_move(struct store *s, int64_t offset, int64_t last_ms);

/* index_store.c: loads the key index; the log offset from which on it lacks records, INT64_MAX: none. What fails is
 * logged: the store works without. */
int64_t index_begin_replay(struct store *s);

/* flush.c */
void flush_init(struct store *s, struct moment now);
void flush_log_start(struct store *s);
int64_t flush_tick(struct store *s, struct moment now);
/* A record of this store time is being staged. When the clock went back the checkpoint must come down before the record
 * is there: it would pass for one that was synced (damage_check), or a file that begins with it for one that needs no
 * replay. */
void flush_see_time(struct store *s, int64_t store_ms, bool begins_file);

#endif
