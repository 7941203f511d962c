/* SPDX-License-Identifier: Apache-2.0 */
#include "core/port/disk.h"

#include <stdio.h>
#include <string.h>

enum status disk_read_whole(struct disk *disk, const char *path, struct buf *out) {
  struct disk_file *file;
  enum status status = disk->ops->open(disk, path, DISK_READ_ONLY, 0, &file);
  if (status != STATUS_OK) return status;
  int64_t length = disk->ops->length(disk, file);
  size_t got = 0;
  if (length < 0) {
    status = STATUS_IO;
  } else if (length > 0) {
    uint8_t *p = buf_reserve(out, (size_t)length);
    status = p == NULL ? STATUS_LIMIT : disk->ops->read(disk, file, 0, p, (size_t)length, &got);
  }
  if (status == STATUS_OK) out->len += got;
  disk->ops->close(disk, file);
  return status;
}

/* Always a new file: of one whose sync failed before nobody knows what a later sync makes durable. */
static enum status write_synced(struct disk *disk, const char *path, struct span content) {
  struct disk_file *file;
  enum status status = disk->ops->remove(disk, path);
  if (status == STATUS_OK || status == STATUS_NOT_FOUND)
    status = disk->ops->open(disk, path, DISK_CREATE | DISK_EXCLUSIVE, 0, &file);
  if (status != STATUS_OK) return status;
  if (content.len > 0) status = disk->ops->write(disk, file, 0, &content, 1);
  if (status == STATUS_OK) status = disk->ops->sync(disk, file);
  disk->ops->close(disk, file);
  return status;
}

static enum status copy_to_bak(struct disk *disk, const char *path, const char *bak) {
  struct buf old;
  buf_init(&old, SIZE_MAX / 2);
  enum status status = disk_read_whole(disk, path, &old);
  if (status == STATUS_OK) status = write_synced(disk, bak, buf_span(&old));
  else if (status == STATUS_NOT_FOUND) status = STATUS_OK;
  buf_fini(&old);
  return status;
}

static enum status sync_parent(struct disk *disk, const char *path) {
  char dir[DISK_PATH_MAX];
  if (!span_copy_text(span_text(path), dir, sizeof dir)) return STATUS_LIMIT;
  char *slash = strrchr(dir, '/');
  if (slash != NULL) *slash = '\0';
  return disk->ops->sync_dir(disk, slash == NULL ? "." : slash == dir ? "/" : dir);
}

enum status disk_sync_names(struct disk *disk, const char *dir, int above) {
  char path[DISK_PATH_MAX];
  if (!span_copy_text(span_text(dir), path, sizeof path)) return STATUS_LIMIT;
  enum status status = disk->ops->sync_dir(disk, path);
  for (int level = 0; level < above && status == STATUS_OK; level++) {
    char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path) break;
    *slash = '\0';
    status = disk->ops->sync_dir(disk, path);
  }
  return status;
}

enum status disk_shift(struct disk *disk, const char *path) {
  char tmp[DISK_PATH_MAX], bak[DISK_PATH_MAX];
  if (snprintf(tmp, sizeof tmp, "%s.tmp", path) >= (int)sizeof tmp) return STATUS_LIMIT;
  snprintf(bak, sizeof bak, "%s.bak", path);
  enum status status = disk->ops->rename(disk, path, bak);
  if (status == STATUS_OK || status == STATUS_NOT_FOUND) status = disk->ops->rename(disk, tmp, path);
  return status;
}

enum status disk_replace_shifting(struct disk *disk, const char *path, struct span content) {
  char tmp[DISK_PATH_MAX];
  if (snprintf(tmp, sizeof tmp, "%s.tmp", path) >= (int)sizeof tmp) return STATUS_LIMIT;
  enum status status = write_synced(disk, tmp, content);
  if (status == STATUS_OK) status = disk_shift(disk, path);
  return status == STATUS_OK ? sync_parent(disk, path) : status;
}

enum status disk_replace_whole(struct disk *disk, const char *path, struct span content, bool keep_bak) {
  char tmp[DISK_PATH_MAX], bak[DISK_PATH_MAX];
  if (snprintf(tmp, sizeof tmp, "%s.tmp", path) >= (int)sizeof tmp) return STATUS_LIMIT;
  snprintf(bak, sizeof bak, "%s.bak", path);
  enum status status = write_synced(disk, tmp, content);
  if (status == STATUS_OK && keep_bak) status = copy_to_bak(disk, path, bak);
  if (status == STATUS_OK) status = disk->ops->rename(disk, tmp, path);
  return status == STATUS_OK ? sync_parent(disk, path) : status;
}
