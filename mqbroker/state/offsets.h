/* SPDX-License-Identifier: Apache-2.0
 *
 * offsets: how far each consumer group is in each queue, and the file
 * config/consumerOffset.json. Agrees with
 * org.apache.rocketmq.broker.offset.ConsumerOffsetManager.
 *
 * The file is written again and again while the broker works, so a save goes
 * in pieces, one per turn, and nobody waits for its sync. Offsets that change
 * meanwhile are in it or not, as in Java, whose table changes under its hands.
 */
#ifndef MQBROKER_STATE_OFFSETS_H
#define MQBROKER_STATE_OFFSETS_H

#include "core/base/log.h"
#include "core/base/map.h"
#include "core/port/disk.h"
#include "core/wire/json.h"

#include <sys/queue.h>

struct offset_table {
  int64_t *offsets; /* by queue id; -1: none */
  int32_t count;
  struct span topic, group; /* parts of the map key */
  TAILQ_ENTRY(offset_table) in_order;
};

enum offsets_save_state { OFFSETS_SAVED, OFFSETS_WRITING, OFFSETS_SYNCING, OFFSETS_NAMING };

struct offsets_save {
  enum offsets_save_state state;
  struct disk_file *file; /* PATH.tmp; OFFSETS_NAMING: its directory */
  int64_t length;
  struct json_writer writer;
  struct buf text; /* the next piece */
  const struct offset_table *next;
};

struct offsets {
  struct map table; /* "topic@group" -> struct offset_table */
  TAILQ_HEAD(, offset_table) order;
  char path[DISK_PATH_MAX];
  bool dirty; /* the file does not have everything, nor will it by the save under way */
  struct offsets_save save;
};

#define OFFSET_QUEUE_MAX 65536 /* queue ids above are refused */

enum status offsets_init(struct offsets *os, const char *root, uint64_t seed) MUST_USE;
/* The same in another file below config/. */
enum status offsets_init_file(struct offsets *os, const char *root, const char *name, uint64_t seed) MUST_USE;
void offsets_fini(struct offsets *os);
enum status offsets_load(struct offsets *os, struct disk *disk, struct log *log) MUST_USE;
/* Adds those of the file's content; `name` stands in the log. What cannot be is left out; NO_MEMORY: not all are in. */
enum status offsets_read(struct offsets *os, const struct json *root, const char *name, struct log *log) MUST_USE;
/* A slave follows its master: what `theirs` says goes for `os`, except where consumers got further here (`own`): that
 * is told with ahead() and stays, until theirs has it, too. */
typedef void (*offsets_ahead)(void *context, const struct offset_table *t, int32_t queue_id, int64_t offset);
enum status offsets_merge(struct offsets *os, struct offsets *own, const struct offsets *theirs, offsets_ahead ahead,
                          void *context) MUST_USE;
/* Writes the file in one go, synced. */
enum status offsets_save(struct offsets *os, struct disk *disk) MUST_USE;
/* The same in pieces: begin, then a step per turn while `state` is OFFSETS_WRITING; the last one starts a sync with
 * this token, first of the file, then of its name. What it answers goes to offsets_save_synced. A failure ends the save;
 * the table is dirty again. */
#define OFFSETS_SYNC_TOKEN 1
enum status offsets_save_begin(struct offsets *os, struct disk *disk) MUST_USE;
enum status offsets_save_step(struct offsets *os, struct disk *disk) MUST_USE;
enum status offsets_save_synced(struct offsets *os, struct disk *disk, enum status synced) MUST_USE;
/* Forgets a save under way. */
void offsets_save_abandon(struct offsets *os, struct disk *disk);
/* {"offsetTable":{"topic@group":{0:1,..}}}; compact on the wire, pretty in the file. */
void offsets_write(const struct offsets *os, struct json_writer *w);

/* -1: none. */
int64_t offsets_get(const struct offsets *os, struct span group, struct span topic, int32_t queue_id);
enum status offsets_set(struct offsets *os, struct span group, struct span topic, int32_t queue_id,
                        int64_t offset) MUST_USE;
/* Forgets every group's offsets of a topic. */
void offsets_remove_topic(struct offsets *os, struct span topic);
void offsets_remove_group(struct offsets *os, struct span group);

/* NULL: none. */
const struct offset_table *offsets_find(const struct offsets *os, struct span group, struct span topic);

#endif
