/* SPDX-License-Identifier: Apache-2.0
 *
 * aside: a store whose log is not wanted any more, but must not be lost: its
 * files move into directories beside their own. Oldest first, so that what a
 * crash leaves in the middle is a log that merely begins later.
 */
#include "mqbroker/store/store.h"

#include <inttypes.h>
#include <stdio.h>

enum { NAMES_MAX = 64 << 20 };

static enum status move_entries(struct disk *disk, const char *from, const char *to, struct arena *names) {
  struct disk_entry *entries;
  size_t count;
  enum status status = disk->ops->list(disk, from, names, &entries, &count);
  if (status == STATUS_NOT_FOUND || (status == STATUS_OK && count == 0)) return STATUS_OK;
  if (status == STATUS_OK) status = disk->ops->make_dirs(disk, to);
  for (size_t i = 0; i < count && status == STATUS_OK; i++) {
    char source[DISK_PATH_MAX], target[DISK_PATH_MAX];
    const char *name = (const char *)entries[i].name.ptr;
    if (snprintf(source, sizeof source, "%s/%s", from, name) >= (int)sizeof source ||
        snprintf(target, sizeof target, "%s/%s", to, name) >= (int)sizeof target)
      return STATUS_LIMIT;
    status = disk->ops->rename(disk, source, target);
  }
  if (status == STATUS_OK) status = disk->ops->sync_dir(disk, to);
  return status == STATUS_OK ? disk->ops->sync_dir(disk, from) : status;
}

static enum status move_directory(struct disk *disk, const char *directory, int64_t tag, struct buf *why) {
  char to[DISK_PATH_MAX];
  struct arena names;
  if (snprintf(to, sizeof to, "%s.%" PRId64, directory, tag) >= (int)sizeof to) return STATUS_LIMIT;
  arena_init(&names, NAMES_MAX);
  enum status status = move_entries(disk, directory, to, &names);
  arena_fini(&names);
  if (status != STATUS_OK) buf_printf(why, "%s cannot be moved to %s: %s", directory, to, status_text(status));
  return status;
}

enum status store_set_aside(const struct store_config *config, struct disk *disk, int64_t tag, struct buf *why) {
  char path[DISK_PATH_MAX], to[DISK_PATH_MAX];
  enum status status = move_directory(disk, config->commitlog, tag, why);
  if (status != STATUS_OK) return status;
  if (snprintf(path, sizeof path, "%s/index", config->root) >= (int)sizeof path) return STATUS_LIMIT;
  status = move_directory(disk, path, tag, why);
  if (status != STATUS_OK) return status;
  static const char *const files[] = {"checkpoint", "flushed"};
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    if (snprintf(path, sizeof path, "%s/%s", config->root, files[i]) >= (int)sizeof path ||
        snprintf(to, sizeof to, "%s.%" PRId64, path, tag) >= (int)sizeof to)
      return STATUS_LIMIT;
    status = disk->ops->rename(disk, path, to);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND) continue;
    buf_printf(why, "%s cannot be moved to %s: %s", path, to, status_text(status));
    return status;
  }
  status = disk->ops->sync_dir(disk, config->root);
  if (status != STATUS_OK) buf_printf(why, "%s cannot be synced: %s", config->root, status_text(status));
  return status;
}
