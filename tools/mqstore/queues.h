/* SPDX-License-Identifier: Apache-2.0
 *
 * queues: the consume queues of a store directory as they are on disk
 * (org.apache.rocketmq.store.ConsumeQueue, ConsumeQueueExt): 20-byte units that
 * point into the log, and the longer units that some of them point to.
 */
#ifndef MQSTORE_QUEUES_H
#define MQSTORE_QUEUES_H

#include "core/base/map.h"
#include "tools/mqstore/files.h"

#define UNIT_BYTES 20
#define BLANK_SIZE INT32_MAX            /* "size" of the units before a queue's real beginning */
#define EXT_ADDRESS_MAX (-2147483649LL) /* a tags code up to here is an address (ConsumeQueueExt.MAX_ADDR) */
#define EXT_UNIT_MIN 20
#define QUEUE_OFFSET_MAX ((int64_t)1 << 48) /* no queue gets there: a greater queue offset is damage */
#define QUEUE_QUIET_BYTES 65536             /* so many zero bytes end a queue */

struct queue_unit {
  int64_t offset;
  int32_t size;
  int64_t tags_code; /* as stored: perhaps an address */
};

struct ext_unit {
  int64_t address;
  int64_t tags_code, store_ms;
  struct span bit_map;
};

/* What verify remembers of a queue; see verify_queues.c. */
struct queue_walk {
  bool started;
  int64_t next, last;           /* queue offset that comes next; of the last record */
  int64_t shift;                /* unit number minus queue offset, normally 0 */
  int64_t first_unit, end_unit; /* units with their records: [first, end); first < 0: none yet */
  int64_t lost_count, lost_first, lost_last, lost_unit, lost_points_to; /* a run of records without unit */
  int64_t optional_count;                                               /* records that need no unit yet */
  int64_t ext_end;                                                      /* of the last ext unit; 0: none yet */
};

struct store_queue {
  struct span topic;
  int32_t id;
  struct file_list files, ext;
  int64_t first, end; /* units on disk; blanks at the front left out */
  struct queue_walk walk;
};

struct queue_tree {
  struct arena *arena;
  struct file_cache *cache;
  const char *root;
  struct store_queue **list; /* in order of topic and id */
  size_t count, cap;
  struct map by_key;
  struct store_queue *last; /* the answer of the last look-up */
  struct span *strangers;   /* paths that are no queue */
  size_t stranger_count;
  bool exists;
};

enum status queue_tree_load(struct queue_tree *t, struct arena *arena, struct file_cache *cache,
                            const char *root) MUST_USE;
void queue_tree_fini(struct queue_tree *t);
/* NULL: there is none. */
struct store_queue *queue_find(struct queue_tree *t, struct span topic, int32_t id);
/* One that has no files; NULL when out of memory. */
struct store_queue *queue_make(struct queue_tree *t, struct span topic, int32_t id);
/* False outside of the files. */
bool queue_unit_at(const struct store_queue *q, int64_t number, struct queue_unit *out);
static inline bool unit_is_blank(const struct queue_unit *u) { return u->offset == 0 && u->size == BLANK_SIZE; }
static inline bool unit_is_empty(const struct queue_unit *u) { return u->size == 0; }
static inline bool unit_has_ext(const struct queue_unit *u) { return u->tags_code <= EXT_ADDRESS_MAX; }
/* False: nothing valid at that address. */
bool queue_ext_at(const struct store_queue *q, int64_t address, struct ext_unit *out);
/* First unit that points to log_min or behind, q->end if none. */
int64_t queue_min(const struct store_queue *q, int64_t log_min);

#endif
