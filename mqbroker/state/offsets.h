/* SPDX-License-Identifier: Apache-2.0
 *
 * offsets: how far each consumer group is in each queue, and the file
 * config/consumerOffset.json. Agrees with
 * org.apache.rocketmq.broker.offset.ConsumerOffsetManager.
 */
#ifndef MQBROKER_STATE_OFFSETS_H
#define MQBROKER_STATE_OFFSETS_H

#include "core/base/log.h"
#include "core/base/map.h"
#include "core/port/disk.h"
#include "core/wire/json.h"

struct offset_table {
  int64_t *offsets; /* by queue id; -1: none */
  int32_t count;
  struct span topic, group; /* parts of the map key */
};

struct offsets {
  struct map table; /* "topic@group" -> struct offset_table */
  char path[DISK_PATH_MAX];
  bool dirty;
};

#define OFFSET_QUEUE_MAX 65536 /* queue ids above are refused */

enum status offsets_init(struct offsets *os, const char *root, uint64_t seed) MUST_USE;
void offsets_fini(struct offsets *os);
enum status offsets_load(struct offsets *os, struct disk *disk, struct log *log) MUST_USE;
/* Writes the file in one go, synced. */
enum status offsets_save(struct offsets *os, struct disk *disk) MUST_USE;
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
