/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/store/checkpoint.h"

#define CHECKPOINT_USED 24

enum status checkpoint_read(struct disk *disk, const char *path, struct checkpoint *out) {
  *out = (struct checkpoint){0};
  struct disk_file *file;
  enum status status = disk->ops->open(disk, path, DISK_READ_ONLY, 0, &file);
  if (status == STATUS_NOT_FOUND) return STATUS_OK;
  if (status != STATUS_OK) return status;
  uint8_t bytes[CHECKPOINT_USED];
  size_t got = 0;
  status = disk->ops->read(disk, file, 0, bytes, sizeof bytes, &got);
  disk->ops->close(disk, file);
  if (status != STATUS_OK || got < sizeof bytes) return status;
  out->physic_ms = get_i64(bytes);
  out->logics_ms = get_i64(bytes + 8);
  out->index_ms = get_i64(bytes + 16);
  return STATUS_OK;
}

enum status checkpoint_open(struct disk *disk, const char *path, struct disk_file **out) {
  enum status status = disk->ops->open(disk, path, DISK_CREATE, 0, out);
  if (status != STATUS_OK) return status;
  if (disk->ops->length(disk, *out) < CHECKPOINT_LENGTH) status = disk->ops->truncate(disk, *out, CHECKPOINT_LENGTH);
  if (status != STATUS_OK) {
    disk->ops->close(disk, *out);
    *out = NULL; /* the caller closes what it has been given */
  }
  return status;
}

enum status checkpoint_write(struct disk *disk, struct disk_file *file, const struct checkpoint *cp) {
  uint8_t bytes[CHECKPOINT_USED];
  put_i64(bytes, cp->physic_ms);
  put_i64(bytes + 8, cp->logics_ms);
  put_i64(bytes + 16, cp->index_ms);
  struct span part = span_of(bytes, sizeof bytes);
  return disk->ops->write(disk, file, 0, &part, 1);
}

int64_t checkpoint_min(const struct checkpoint *cp) {
  int64_t min = cp->physic_ms < cp->logics_ms ? cp->physic_ms : cp->logics_ms;
  min -= CHECKPOINT_MARGIN_MS;
  return min < 0 ? 0 : min;
}
