/* SPDX-License-Identifier: Apache-2.0
 *
 * queue_ext: the longer units beside a consume queue, in
 * ROOT/consumequeue_ext/TOPIC/ID (org.apache.rocketmq.store.ConsumeQueueExt):
 * tags code, store time, and a bit map that says which consumers' filters
 * match. The queue's unit then holds the address of the ext unit in place of
 * the tags code.
 *
 * Units are as long as their bit maps, none spans files, and two bytes of -1
 * end a file. Like the queue's own, the newest units are in a tail in memory;
 * it is written before the units that point into it, so an address on disk is
 * never ahead of what it names. Knows nothing of queues and log.
 */
#ifndef MQBROKER_STORE_QUEUE_EXT_H
#define MQBROKER_STORE_QUEUE_EXT_H

#include "core/base/log.h"
#include "core/port/segment.h"

#define EXT_UNIT_MIN 20
#define EXT_UNIT_MAX INT16_MAX
#define EXT_SPARE_BYTES 4 /* of each file: for the mark behind its last unit */
#define EXT_FILE_MIN (EXT_UNIT_MIN + EXT_SPARE_BYTES)
#define EXT_TAIL_BYTES 12288
#define EXT_FILES_OPEN_MAX 256
#define EXT_ADDRESS_MAX (INT32_MIN - INT64_C(1)) /* a tags code up to here is an address (ConsumeQueueExt.MAX_ADDR) */

struct ext_unit {
  int64_t tags_code;
  int64_t store_ms;
  struct span bitmap; /* absent or empty: none */
};

/* What the ext files of all queues share. */
struct ext_desk {
  struct segment_cache cache;
  struct disk *disk;
  struct log *log;
  int64_t file_length;
  bool enabled;        /* units are added; otherwise what is there is read, trimmed and removed with its queue */
  uint8_t *free_tails; /* linked through their first bytes */
};

struct queue_ext {
  struct ext_desk *desk;
  struct segments files;
  char *dir;       /* owned */
  int64_t end;     /* where the next unit goes: bytes [first, end) can be read */
  int64_t written; /* bytes [.., written) are in files, [written, end) in the tail */
  int64_t synced;
  bool names_unsynced;
  bool lost; /* at load the unit that the queue's newest one points to was not there */
  uint8_t *tail;
  size_t tail_cap;
};

void ext_desk_init(struct ext_desk *d, struct disk *disk, struct log *log, int64_t file_length, bool enabled);
void ext_desk_fini(struct ext_desk *d);

static inline bool ext_is_address(int64_t tags_code) { return tags_code <= EXT_ADDRESS_MAX; }

/* dir is taken, also on failure. */
struct queue_ext *queue_ext_new(struct ext_desk *d, char *dir);
/* Forgets what is not written. */
void queue_ext_free(struct queue_ext *e);

/* Into the tail. False: it cannot have an ext unit (too long for a file, or no memory); its queue's unit keeps the
 * tags code, as in Java. */
bool queue_ext_put(struct queue_ext *e, const struct ext_unit *unit, int64_t *address) MUST_USE;
/* The tail should be written before another unit of `bitmap_len` comes. */
bool queue_ext_crowded(const struct queue_ext *e, size_t bitmap_len);
/* Writes the tail. */
enum status queue_ext_write(struct queue_ext *e) MUST_USE;
/* The next file to be synced, which counts as synced when the caller says so; NOT_FOUND: there is none. */
enum status queue_ext_unsynced(struct queue_ext *e, struct disk_file **out) MUST_USE;
void queue_ext_is_synced(struct queue_ext *e);
enum status queue_ext_sync_names(struct queue_ext *e) MUST_USE;
/* Syncs what is written, waiting. */
enum status queue_ext_sync(struct queue_ext *e) MUST_USE;

/* False: no valid unit at that address. The bit map is valid until the next call of this room. */
bool queue_ext_get(struct queue_ext *e, int64_t address, struct ext_unit *out);

/* Removes every unit and file. */
enum status queue_ext_reset(struct queue_ext *e) MUST_USE;
/* The first file goes if all its units are before `address` (truncateByMinAddress), never the only one. */
enum status queue_ext_trim(struct queue_ext *e, int64_t address, bool *removed) MUST_USE;

/* At load, one of these says where the files end (ConsumeQueueExt.recover, truncateByMaxAddress):
 * behind the unit at `address`, of a message stored at store_ms (-1: not known); NOT_FOUND: that is not there; */
enum status queue_ext_end_at(struct queue_ext *e, int64_t address, int64_t store_ms) MUST_USE;
/* behind whatever units the last file has, when the queue does not tell; */
enum status queue_ext_end_find(struct queue_ext *e) MUST_USE;
/* nothing is left, but the next address must be greater than `address`; */
enum status queue_ext_restart(struct queue_ext *e, int64_t address) MUST_USE;
/* as they are: nothing will be added. */
void queue_ext_end_open(struct queue_ext *e);

#endif
