/* SPDX-License-Identifier: Apache-2.0
 *
 * checkpoint: up to which store time the log and the queues are durable
 * (org.apache.rocketmq.store.StoreCheckpoint, 4096 bytes). An honest
 * checkpoint is never too new: recovery starts behind what it promises.
 */
#ifndef MQBROKER_STORE_CHECKPOINT_H
#define MQBROKER_STORE_CHECKPOINT_H

#include "core/port/disk.h"

#define CHECKPOINT_LENGTH 4096
#define CHECKPOINT_MARGIN_MS 3000

struct checkpoint {
  int64_t physic_ms;
  int64_t logics_ms;
  int64_t index_ms;
};

/* Zeros if the file is missing or short. */
enum status checkpoint_read(struct disk *disk, const char *path, struct checkpoint *out) MUST_USE;
/* Opens (makes) the file for checkpoint_write. */
enum status checkpoint_open(struct disk *disk, const char *path, struct disk_file **out) MUST_USE;
enum status checkpoint_write(struct disk *disk, struct disk_file *file, const struct checkpoint *cp) MUST_USE;
/* StoreCheckpoint.getMinTimestamp */
int64_t checkpoint_min(const struct checkpoint *cp);

#endif
