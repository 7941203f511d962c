/* SPDX-License-Identifier: Apache-2.0
 *
 * core/port/disk.h with system calls: names and directories.
 */
#include "host/uv/host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DIRECTORY_MODE 0755

static enum status make_dir(const char *path) {
  struct stat st;
  if (mkdir(path, DIRECTORY_MODE) == 0) return STATUS_OK;
  int error = errno;
  /* A parent that we may not write to (EACCES, EROFS) is no trouble when the directory is there. */
  if (stat(path, &st) == 0) return S_ISDIR(st.st_mode) ? STATUS_OK : STATUS_EXISTS;
  return disk_status_of_errno(error);
}

enum status disk_make_dirs(struct disk *disk, const char *path) {
  (void)disk;
  char part[DISK_PATH_MAX];
  size_t len = strlen(path);
  if (len == 0 || len >= sizeof part) return STATUS_INVALID;
  /* Most often only the last one is missing. */
  enum status last = make_dir(path);
  if (last != STATUS_NOT_FOUND) return last;
  memcpy(part, path, len + 1);
  for (size_t i = 1; i < len; i++) {
    if (part[i] != '/') continue;
    part[i] = '\0';
    enum status status = make_dir(part);
    if (status != STATUS_OK) return status;
    part[i] = '/';
  }
  return make_dir(part);
}

static void entry_fill(struct disk_entry *e, const struct stat *st) {
  e->directory = S_ISDIR(st->st_mode);
  e->length = st->st_size;
  e->modified_ms = (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
}

static int entry_order(const void *a, const void *b) {
  return span_compare(((const struct disk_entry *)a)->name, ((const struct disk_entry *)b)->name);
}

/* Doubles in the arena: what is left behind dies with it. */
static struct disk_entry *entries_grow(struct arena *arena, struct disk_entry *old, size_t count, size_t *cap) {
  size_t bigger = *cap == 0 ? 32 : *cap * 2;
  struct disk_entry *entries = arena_zalloc(arena, bigger, sizeof *entries);
  if (entries != NULL && count > 0) memcpy(entries, old, count * sizeof *entries);
  *cap = bigger;
  return entries;
}

enum status disk_list(struct disk *disk, const char *path, struct arena *arena, struct disk_entry **out,
                      size_t *count) {
  (void)disk;
  DIR *dir = opendir(path);
  if (dir == NULL) return disk_status_of_errno(errno);
  enum status status = STATUS_OK;
  struct disk_entry *entries = NULL;
  size_t n = 0, cap = 0;
  struct stat own;
  if (fstat(dirfd(dir), &own) != 0) status = disk_status_of_errno(errno);
  while (status == STATUS_OK) {
    struct stat st;
    errno = 0;
    const struct dirent *d = readdir(dir);
    if (d == NULL) {
      if (errno != 0) status = disk_status_of_errno(errno);
      break;
    }
    if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0) continue;
    if (fstatat(dirfd(dir), d->d_name, &st, 0) != 0) continue; /* gone meanwhile, or a dangling link */
    if (n == cap) entries = entries_grow(arena, entries, n, &cap);
    struct span name = entries == NULL ? SPAN_NONE : arena_copy(arena, span_text(d->d_name));
    if (name.ptr == NULL) {
      status = STATUS_NO_MEMORY;
      break;
    }
    entries[n].name = name;
    entries[n].foreign = st.st_dev != own.st_dev;
    entry_fill(&entries[n++], &st);
  }
  closedir(dir);
  if (status != STATUS_OK) return status;
  if (n > 0) qsort(entries, n, sizeof *entries, entry_order);
  *out = entries;
  *count = n;
  return STATUS_OK;
}

enum status disk_stat(struct disk *disk, const char *path, struct disk_entry *out) {
  (void)disk;
  struct stat st;
  if (stat(path, &st) != 0) return disk_status_of_errno(errno);
  *out = (struct disk_entry){.name = SPAN_NONE};
  entry_fill(out, &st);
  return STATUS_OK;
}

enum status disk_remove(struct disk *disk, const char *path) {
  (void)disk;
  return remove(path) == 0 ? STATUS_OK : disk_status_of_errno(errno);
}

enum status disk_rename(struct disk *disk, const char *from, const char *to) {
  (void)disk;
  return rename(from, to) == 0 ? STATUS_OK : disk_status_of_errno(errno);
}

enum status disk_sync_dir(struct disk *disk, const char *path) {
  (void)disk;
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return disk_status_of_errno(errno);
  enum status status = STATUS_OK;
  /* EINVAL: a file system that has nothing to sync here. */
  if (fsync(fd) != 0 && errno != EINVAL) status = disk_status_of_errno(errno);
  close(fd);
  return status;
}

enum status disk_space(struct disk *disk, const char *path, int64_t *total, int64_t *free_bytes) {
  (void)disk;
  struct statvfs vfs;
  if (statvfs(path, &vfs) != 0) return disk_status_of_errno(errno);
  *total = (int64_t)vfs.f_blocks * (int64_t)vfs.f_frsize;
  /* What is reserved for root counts as free, as in Java (File.getFreeSpace): thresholds in % mean the same. */
  *free_bytes = (int64_t)vfs.f_bfree * (int64_t)vfs.f_frsize;
  return STATUS_OK;
}
