/* SPDX-License-Identifier: Apache-2.0
 *
 * queues: all consume queues, found by topic and id
 * (DefaultMessageStore.consumeQueueTable, loadConsumeQueue). At open only the
 * names of the files are read; a queue is read when it is first asked for.
 */
#ifndef MQBROKER_STORE_QUEUES_H
#define MQBROKER_STORE_QUEUES_H

#include "mqbroker/store/consumequeue.h"

#define QUEUES_MAX (1 << 20)

struct queues {
  struct queue_desk desk;
  char *dir; /* ROOT/consumequeue */
  struct consumequeue **table; /* open addressing, power of two */
  size_t cap, count;
  size_t found; /* queues that had a directory at start */
  uint64_t seed;
  struct consumequeue *last; /* the answer of the last look-up */
  uint64_t moves;            /* how often entries changed their places in the table */
  bool scattered;            /* over several file systems */
  struct disk_file *everything; /* handle for syncing all queues at once; NULL: that cannot be done */
  bool all_owed;             /* queues were said to be synced, but `everything` was not yet */
};

enum status queues_init(struct queues *qs, struct disk *disk, struct log *log, struct commitlog *commitlog,
                        const char *root, int64_t file_length, int64_t ext_file_length, bool ext_enabled,
                        uint64_t seed) MUST_USE;
void queues_fini(struct queues *qs);
/* Reads the names below consumequeue/ and consumequeue_ext/; `repair` as segments_load. */
enum status queues_scan(struct queues *qs, bool repair, struct buf *why) MUST_USE;
/* The queue, read if it was not yet. NOT_FOUND: there is none (unless `make`). INVALID: a topic that cannot be a
 * directory. */
enum status queues_get(struct queues *qs, struct span topic, int32_t id, bool make, struct consumequeue **out) MUST_USE;
/* Reads every queue (again), and removes what lies behind their ends: see consumequeue_find_end. */
enum status queues_find_ends(struct queues *qs, int64_t limit) MUST_USE;
enum status queues_settle(struct queues *qs) MUST_USE;
/* Opens the handle by which many queues are synced at once, if this system can do that. */
void queues_open_everything(struct queues *qs);
/* True: so many are unsynced that they are better synced all at once. */
bool queues_sync_at_once(const struct queues *qs);
/* Some queue's ext units are not where its newest unit says (known once it is loaded). */
bool queues_lost_ext(const struct queues *qs);
/* Removes every unit of every queue. */
enum status queues_reset_all(struct queues *qs) MUST_USE;
/* Writes all tails; the first failure is returned, the others are tried. */
enum status queues_write_all(struct queues *qs) MUST_USE;
/* Writes and syncs whatever is not durable, waiting. */
enum status queues_sync_all(struct queues *qs) MUST_USE;
/* Queues in order of topic and id, only those of `topic` unless it is absent; *out is for free(). */
enum status queues_sorted(struct queues *qs, struct span topic, struct consumequeue ***out, size_t *count) MUST_USE;
/* Takes a queue out of the table and frees it. */
void queues_forget(struct queues *qs, struct consumequeue *q);

#endif
