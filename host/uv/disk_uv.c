/* SPDX-License-Identifier: Apache-2.0
 *
 * core/port/disk.h with system calls: files.
 */
#include "host/uv/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define FILE_MODE 0644
#define WRITE_PARTS 128 /* of one pwritev call */
#define EXTENTS_MAX 256 /* looked at to find where a file's data ends */

static struct uv_host *host_of(struct disk *disk) { return CONTAINER_OF(disk, struct uv_host, disk); }

enum status disk_status_of_errno(int error) {
  switch (error) {
  case ENOSPC:
  case EDQUOT:
  case EFBIG:
    return STATUS_NO_SPACE;
  case ENOENT:
  case ENOTDIR:
    return STATUS_NOT_FOUND;
  case EEXIST:
  case ENOTEMPTY:
    return STATUS_EXISTS;
  case ENOMEM:
    return STATUS_NO_MEMORY;
  case EMFILE:
  case ENFILE:
    return STATUS_LIMIT;
  case EINVAL:
  case ENAMETOOLONG:
    return STATUS_INVALID;
  default:
    return STATUS_IO;
  }
}

/* Closing any descriptor of a locked file would drop the lock (POSIX record locks belong to the process),
 * so such a file is not opened a second time. */
static bool is_locked_by_us(struct uv_host *h, const char *path) {
  struct stat st;
  if (h->locks == NULL || stat(path, &st) != 0) return false;
  for (const struct disk_file *f = h->locks; f != NULL; f = f->next_lock)
    if (f->dev == st.st_dev && f->ino == st.st_ino) return true;
  return false;
}

/* Before Linux 5.8 syncfs says nothing of writes that failed. */
static bool syncfs_tells(void) {
  struct utsname system;
  int major, minor;
  if (uname(&system) != 0 || sscanf(system.release, "%d.%d", &major, &minor) != 2) return false;
  return major > 5 || (major == 5 && minor >= 8);
}

/* Grows the file to length. On failure it has its old length again. */
static enum status file_extend(int fd, int flags, int64_t length) {
  struct stat st;
  if (fstat(fd, &st) != 0) return disk_status_of_errno(errno);
  if ((flags & DISK_READ_ONLY) != 0) return st.st_size >= length ? STATUS_OK : STATUS_INVALID;
  if ((flags & DISK_ALLOCATE) != 0) {
    int r;
    do r = fallocate(fd, 0, 0, length);
    while (r != 0 && errno == EINTR);
    if (r == 0) return STATUS_OK;
    if (errno != EOPNOTSUPP && errno != ENOSYS) {
      enum status status = disk_status_of_errno(errno);
      if (ftruncate(fd, st.st_size) != 0) status = STATUS_IO;
      return status;
    }
  }
  if (st.st_size >= length || ftruncate(fd, length) == 0) return STATUS_OK;
  return disk_status_of_errno(errno);
}

static int64_t file_data_end(struct disk *disk, struct disk_file *file);

/* Holes are not read ahead: what a writer fills in a moment would be made of zeros first, in front of every reader. */
static void advise(struct disk *disk, struct disk_file *file, int flags) {
  int64_t length = (int64_t)file->view_len, page = sysconf(_SC_PAGESIZE);
  int64_t from = (flags & DISK_RANDOM) != 0 ? 0 : file_data_end(disk, file);
  from = (from + page - 1) / page * page;
  if (from < length) (void)madvise(file->view + from, (size_t)(length - from), MADV_RANDOM);
}

static enum status file_open(struct disk *disk, const char *path, int flags, int64_t length, struct disk_file **out) {
  *out = NULL;
  if (length < 0 || ((flags & DISK_EVERYTHING) != 0 && !syncfs_tells())) return STATUS_INVALID;
  if (is_locked_by_us(host_of(disk), path)) return STATUS_BUSY;
  struct disk_file *file = calloc(1, sizeof *file);
  if (file == NULL) return STATUS_NO_MEMORY;
  int mode = O_CLOEXEC | ((flags & (DISK_READ_ONLY | DISK_DIRECTORY)) != 0 ? O_RDONLY : O_RDWR);
  if ((flags & DISK_DIRECTORY) != 0) mode |= O_DIRECTORY;
  if ((flags & DISK_CREATE) != 0) mode |= O_CREAT;
  if ((flags & DISK_EXCLUSIVE) != 0) mode |= O_EXCL;
  enum status status = STATUS_OK;
  do file->fd = open(path, mode, FILE_MODE);
  while (file->fd < 0 && errno == EINTR);
  if (file->fd < 0) {
    status = disk_status_of_errno(errno);
    goto out;
  }
  if (length > 0) {
    status = file_extend(file->fd, flags, length);
    if (status != STATUS_OK) goto out;
    void *view = mmap(NULL, (size_t)length, PROT_READ, MAP_SHARED, file->fd, 0);
    if (view == MAP_FAILED) {
      status = disk_status_of_errno(errno);
      goto out;
    }
    file->view = view;
    file->view_len = (size_t)length;
    advise(disk, file, flags);
  }
  file->directory = (flags & DISK_DIRECTORY) != 0;
  *out = file;
  return STATUS_OK;
out:
  if (file->fd >= 0) close(file->fd);
  free(file);
  return status;
}

static void file_close(struct disk *disk, struct disk_file *file) {
  if (file == NULL) return;
  file->closed = file->syncs > 0;
  if (file->closed) return;
  if (file->locked) {
    struct disk_file **at = &host_of(disk)->locks;
    while (*at != file) at = &(*at)->next_lock;
    *at = file->next_lock;
  }
  if (file->view != NULL) munmap(file->view, file->view_len);
  close(file->fd);
  free(file);
}

void disk_sync_ended(struct disk *disk, struct disk_file *file) {
  if (--file->syncs == 0 && file->closed) file_close(disk, file);
}

/* All of the vectors, whatever a single call takes. */
static enum status write_vectors(int fd, int64_t offset, struct iovec *vectors, int count) {
  while (count > 0) {
    ssize_t n = count == 1 ? pwrite(fd, vectors[0].iov_base, vectors[0].iov_len, offset)
                           : pwritev(fd, vectors, count, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return disk_status_of_errno(errno);
    if (n == 0) return STATUS_NO_SPACE;
    offset += n;
    while (count > 0 && (size_t)n >= vectors->iov_len) {
      n -= (ssize_t)vectors->iov_len;
      vectors++;
      count--;
    }
    if (count > 0) {
      vectors->iov_base = (char *)vectors->iov_base + n;
      vectors->iov_len -= (size_t)n;
    }
  }
  return STATUS_OK;
}

static enum status file_write(struct disk *disk, struct disk_file *file, int64_t offset, const struct span *parts,
                              size_t part_count) {
  (void)disk;
  struct iovec vectors[WRITE_PARTS];
  if (offset < 0) return STATUS_INVALID;
  for (size_t i = 0; i < part_count;) {
    int count = 0;
    int64_t bytes = 0;
    for (; i < part_count && count < WRITE_PARTS; i++) {
      if (parts[i].len == 0) continue;
      vectors[count++] = (struct iovec){(void *)(uintptr_t)parts[i].ptr, parts[i].len};
      bytes += (int64_t)parts[i].len;
    }
    enum status status = write_vectors(file->fd, offset, vectors, count);
    if (status != STATUS_OK) return status;
    offset += bytes;
  }
  return STATUS_OK;
}

static enum status file_read(struct disk *disk, struct disk_file *file, int64_t offset, void *out, size_t len,
                             size_t *got) {
  (void)disk;
  *got = 0;
  if (offset < 0) return STATUS_INVALID;
  while (*got < len) {
    ssize_t n = pread(file->fd, (char *)out + *got, len - *got, offset + (int64_t)*got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return disk_status_of_errno(errno);
    if (n == 0) break;
    *got += (size_t)n;
  }
  return STATUS_OK;
}

static const uint8_t *file_view(struct disk *disk, struct disk_file *file) {
  (void)disk;
  return file->view;
}

enum status disk_file_sync(struct disk *disk, struct disk_file *file) {
  (void)disk;
  int r;
  do r = file->directory ? fsync(file->fd) : fdatasync(file->fd);
  while (r != 0 && errno == EINTR);
  if (r != 0 && file->directory && errno == EINVAL) return STATUS_OK; /* nothing to sync on such a file system */
  return r == 0 ? STATUS_OK : disk_status_of_errno(errno);
}

enum status disk_file_sync_all(struct disk *disk, struct disk_file *file) {
  (void)disk;
  int r;
  do r = syncfs(file->fd);
  while (r != 0 && errno == EINTR);
  return r == 0 ? STATUS_OK : disk_status_of_errno(errno);
}

static int64_t file_length(struct disk *disk, struct disk_file *file) {
  (void)disk;
  struct stat st;
  return fstat(file->fd, &st) == 0 ? st.st_size : -1;
}

/* The descriptor's position moves; nothing here depends on it. */
static int64_t file_data_end(struct disk *disk, struct disk_file *file) {
  int64_t length = file_length(disk, file), end = 0;
  for (int i = 0; end < length; i++) {
    off_t data = i < EXTENTS_MAX ? lseek(file->fd, end, SEEK_DATA) : -1;
    if (data < 0) return i < EXTENTS_MAX && errno == ENXIO ? end : length;
    off_t hole = lseek(file->fd, data, SEEK_HOLE);
    if (hole < 0) return length;
    end = hole;
  }
  return length;
}

static enum status file_truncate(struct disk *disk, struct disk_file *file, int64_t length) {
  (void)disk;
  int r;
  do r = ftruncate(file->fd, length);
  while (r != 0 && errno == EINTR);
  return r == 0 ? STATUS_OK : disk_status_of_errno(errno);
}

enum status disk_lock(struct disk *disk, const char *path, struct disk_file **out) {
  struct uv_host *h = host_of(disk);
  enum status status = file_open(disk, path, DISK_CREATE, 0, out);
  if (status != STATUS_OK) return status;
  struct disk_file *file = *out;
  struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
  struct stat st;
  if (fcntl(file->fd, F_SETLK, &range) != 0 || fstat(file->fd, &st) != 0) {
    status = errno == EACCES || errno == EAGAIN ? STATUS_BUSY : disk_status_of_errno(errno);
    file_close(disk, file);
    *out = NULL;
    return status;
  }
  file->dev = st.st_dev;
  file->ino = st.st_ino;
  file->locked = true;
  file->next_lock = h->locks;
  h->locks = file;
  return STATUS_OK;
}

const struct disk_ops disk_uv_ops = {
    .open = file_open,
    .close = file_close,
    .write = file_write,
    .read = file_read,
    .view = file_view,
    .sync = disk_file_sync,
    .sync_start = disk_sync_start,
    .sync_all = disk_file_sync_all,
    .sync_all_start = disk_sync_all_start,
    .length = file_length,
    .data_end = file_data_end,
    .truncate = file_truncate,
    .make_dirs = disk_make_dirs,
    .list = disk_list,
    .stat = disk_stat,
    .remove = disk_remove,
    .rename = disk_rename,
    .sync_dir = disk_sync_dir,
    .space = disk_space,
    .lock = disk_lock,
};
