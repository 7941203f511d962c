/* SPDX-License-Identifier: Apache-2.0
 *
 * consumequeue: one queue of one topic: 20-byte units that point into the
 * commit log (org.apache.rocketmq.store.ConsumeQueue). The newest units live
 * in a tail in memory that is written when it is full, old, or when the desk
 * needs the buffer for another queue; an idle queue holds no buffer and no
 * open file. What a crash takes from a tail is rebuilt from the log. An
 * extended queue has ext units beside it (queue_ext.h), which are written,
 * synced, cut, trimmed and removed with its own.
 *
 * The desk is what all queues share: open files, tail buffers, and the lists
 * of queues with a tail or with unsynced files.
 */
#ifndef MQBROKER_STORE_CONSUMEQUEUE_H
#define MQBROKER_STORE_CONSUMEQUEUE_H

#include "mqbroker/store/commitlog.h"
#include "mqbroker/store/queue_ext.h"

#define UNIT_SIZE 20
#define BLANK_UNIT_SIZE INT32_MAX /* "size" of the units before a queue's real beginning */
#define TAIL_UNITS 256
#define TAIL_UNITS_FIRST 16       /* a tail begins small: most queues are quiet */
#define TAIL_SIZES 5              /* 16, 32, 64, 128, 256 units */
#define TAILS_BYTES_MAX (32 << 20)
#define QUEUE_FILES_OPEN_MAX 256
#define HOLE_UNITS_MAX 10000000   /* longest run of lost units that is filled with blanks */

struct unit {
  int64_t offset; /* in the commit log */
  int32_t size;
  int64_t tags_code;
};

struct consumequeue;

struct queue_list {
  struct consumequeue *oldest, *newest;
  size_t count;
};

struct queue_desk {
  struct segment_cache cache;
  struct disk *disk;
  struct log *log;
  struct commitlog *commitlog;
  int64_t file_length;
  uint8_t *free_tails[TAIL_SIZES]; /* linked through their first bytes */
  size_t tail_bytes;               /* of the buffers made, free ones included */
  struct queue_list with_tail; /* in the order of their oldest unwritten unit */
  struct queue_list unsynced;
  struct ext_desk ext;
};

struct queue_link {
  struct consumequeue *older, *newer;
  bool linked;
};

struct consumequeue {
  struct queue_desk *desk;
  struct segments files;
  char *dir;         /* owned; ROOT/consumequeue/TOPIC/ID */
  struct span topic; /* inside dir */
  int32_t id;
  uint64_t hash;
  bool loaded;      /* the counts below are known */
  bool names_unsynced;
  bool unsettled;   /* files may hold stale units in [max, stale_end / UNIT_SIZE) */
  int64_t stale_end; /* bytes */
  int64_t min, max; /* units [min, max) can be read */
  int64_t next;     /* for the next record to be staged; next - max are staged */
  int64_t written;  /* units [.., written) are in files, [written, max) in the tail */
  int64_t synced;
  int64_t physical_max; /* end of the newest unit's record */
  uint8_t *tail;
  size_t tail_cap;        /* units */
  int64_t tail_since_ms;  /* monotonic */
  int64_t tail_offset;    /* log offset of the oldest unwritten unit */
  struct queue_link tail_link, sync_link;
  struct queue_ext *ext; /* owned; NULL: it has no ext files */
};

void queue_desk_init(struct queue_desk *d, struct disk *disk, struct log *log, struct commitlog *commitlog,
                     int64_t file_length, int64_t ext_file_length, bool ext_enabled);
void queue_desk_fini(struct queue_desk *d);

void unit_get(const uint8_t *p, struct unit *out);

/* dir is taken, also on failure. */
struct consumequeue *consumequeue_new(struct queue_desk *d, char *dir, struct span topic, int32_t id);
void consumequeue_free(struct consumequeue *q);
/* Finds min and max. Units of records at or behind `limit`, and those the log does not confirm, are dropped. */
enum status consumequeue_load(struct consumequeue *q, int64_t limit) MUST_USE;
/* The same in two steps: what lies behind the end stays until it is settled, so that a replay of the log finds the
 * files it is going to fill again. */
enum status consumequeue_find_end(struct consumequeue *q, int64_t limit) MUST_USE;
enum status consumequeue_settle(struct consumequeue *q) MUST_USE;
static inline bool consumequeue_unsettled_empty(const struct consumequeue *q) {
  return q->unsettled && q->max == q->files.first / UNIT_SIZE;
}
/* The oldest file goes if the log has lost all its records (never the only file), and min moves to the first unit
 * whose record is there. *removed: there may be more to remove. */
enum status consumequeue_trim(struct consumequeue *q, bool *removed) MUST_USE;
enum status consumequeue_correct_min(struct consumequeue *q) MUST_USE;
enum status consumequeue_unit_on_disk(struct consumequeue *q, int64_t index, struct unit *out) MUST_USE;
/* Removes every unit and file; the next unit may have any number. */
enum status consumequeue_reset(struct consumequeue *q) MUST_USE;

/* A put with this number would empty the queue first, because its files are of a deleted topic's. */
bool consumequeue_begins_anew(const struct consumequeue *q, int64_t index, const struct unit *unit);
/* Adds the unit number `index`, with an ext unit unless `ext` is NULL. OK also when it is there already; NOT_FOUND: units before it are missing. Any other
 * status: the unit is in memory, but not writable now. NO_MEMORY: it is lost. */
enum status consumequeue_put(struct consumequeue *q, int64_t index, const struct unit *unit, const struct ext_unit *ext,
                             int64_t mono_ms) MUST_USE;
/* Fills [max, index), whose records are lost, with the unit that comes next. Whoever pulls there gets that message
 * once more. A blank, or a unit of a record that is not there, would make Java pass over the rest of a log file
 * (DefaultMessageStore.getMessage, nextPhyFileStartOffset), and its recovery ends a queue at any other value. */
enum status consumequeue_fill(struct consumequeue *q, int64_t index, const struct unit *next, int64_t mono_ms) MUST_USE;
/* Writes the tail. */
enum status consumequeue_write(struct consumequeue *q) MUST_USE;
/* Writes the tail and syncs the files, waiting. */
enum status consumequeue_sync(struct consumequeue *q) MUST_USE;
/* Takes the queue off the list of unsynced ones: all that was written is durable, or soon will be. */
void consumequeue_is_synced(struct consumequeue *q);
/* Makes the names of the queue's files durable, when they are not. */
enum status consumequeue_sync_names(struct consumequeue *q) MUST_USE;

/* *units: encoded units from index on, *count of them, at least one, not past the end of a file. Valid until the
 * next call of this room. NOT_FOUND outside [first unit on disk, max). */
enum status consumequeue_units(struct consumequeue *q, int64_t index, const uint8_t **units, int64_t *count) MUST_USE;
enum status consumequeue_unit(struct consumequeue *q, int64_t index, struct unit *out) MUST_USE;
/* queue_ext_load.c: the ext files' end, once [min, max) is known. */
enum status consumequeue_load_ext(struct consumequeue *q) MUST_USE;
/* The first ext file goes if no unit points into it any more. */
enum status consumequeue_trim_ext(struct consumequeue *q, bool *removed) MUST_USE;
/* Makes the list of ext files: as they are on disk or, with `fresh`, empty. */
enum status consumequeue_add_ext(struct consumequeue *q, bool fresh, struct arena *arena, bool repair,
                                 struct buf *why) MUST_USE;
/* Store time of the record of a unit, -1 if there is none. */
int64_t consumequeue_time_at(struct consumequeue *q, int64_t index);
/* ConsumeQueue.getOffsetInQueueByTime. */
int64_t consumequeue_offset_by_time(struct consumequeue *q, int64_t wall_ms);
static inline int64_t consumequeue_units_per_file(const struct consumequeue *q) { return q->files.length / UNIT_SIZE; }

#endif
