/* SPDX-License-Identifier: Apache-2.0
 *
 * rebuild: consume queues and index made anew from the log, in the order and
 * form Java's dispatch would give them. They grow in DIR/rebuild-TIME/ and
 * change places with the old ones only when they are complete and on disk.
 */
#ifndef MQSTORE_REBUILD_H
#define MQSTORE_REBUILD_H

#include "tools/mqstore/tool.h"

struct rebuild {
  struct tool *tool;
  struct storedir *store;
  struct delays delays;
  const char *dir;    /* DIR/rebuild-TIME */
  int64_t queue_file; /* bytes */
  int64_t ext_file;   /* of a file of ext units; 0: the store has none */
  int64_t slots, entries;
  int64_t log_end, last_ms, records, units, keys;
  char why[256]; /* what failed */
};

/* Somebody holds the store's lock for it. Returns an exit_code. */
int rebuild_with_lock(struct tool *t, struct storedir *s);

/* rebuild_queues.c */
struct queue_builder;
struct queue_builder *queue_builder_new(struct rebuild *r);
enum status queue_builder_put(struct queue_builder *b, const struct log_item *item) MUST_USE;
/* Everything on disk. */
enum status queue_builder_finish(struct queue_builder *b) MUST_USE;
void queue_builder_free(struct queue_builder *b);

/* rebuild_index.c */
struct index_builder;
struct index_builder *index_builder_new(struct rebuild *r);
enum status index_builder_put(struct index_builder *b, const struct log_item *item) MUST_USE;
enum status index_builder_finish(struct index_builder *b) MUST_USE;
void index_builder_free(struct index_builder *b);

#endif
