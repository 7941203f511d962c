/* SPDX-License-Identifier: Apache-2.0
 *
 * disk: the port to files. host/uv implements it with system calls, host/sim
 * with an imagined disk whose crash keeps, drops or tears what was not synced.
 *
 * Every call blocks (they hit the page cache) except sync_start and
 * sync_all_start, which answer later through node_ops.synced. Reading goes
 * through view(): a shared read-only mapping, coherent with write().
 */
#ifndef MQ_PORT_DISK_H
#define MQ_PORT_DISK_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/span.h"
#include "core/base/status.h"

struct disk_file; /* an open file, owned by the disk */

enum disk_open_flags {
  DISK_CREATE = 1,    /* make it if missing; new bytes read as zero */
  DISK_EXCLUSIVE = 2, /* with DISK_CREATE: EXISTS if it is there */
  DISK_ALLOCATE = 4,  /* reserve real blocks for `length`, so that later writes cannot fail for space */
  DISK_READ_ONLY = 8,
  DISK_DIRECTORY = 16, /* one that exists: syncing it makes its names durable, nothing else is done with it */
  DISK_EVERYTHING = 64, /* with DISK_DIRECTORY: for sync_all. INVALID: this system has none */
  DISK_RANDOM = 32 /* the view is looked at here and there: nothing is read ahead */
};

struct disk_entry {
  struct span name; /* in the arena given to list(), NUL-terminated */
  bool directory;
  bool foreign;        /* lies on another file system than the directory that was listed */
  int64_t length;      /* bytes */
  int64_t modified_ms; /* wall clock */
};

struct disk {
  const struct disk_ops *ops;
};

struct disk_ops {
  /* length > 0: the file is made at least so long (sparse unless DISK_ALLOCATE) and view() maps that
   * many bytes; what was a hole when it was opened is not read ahead. length 0: the file as it is, no view. */
  enum status (*open)(struct disk *disk, const char *path, int flags, int64_t length,
                      struct disk_file **out) MUST_USE;
  /* Does not sync; NULL is allowed. A sync under way goes on and answers. */
  void (*close)(struct disk *disk, struct disk_file *file);
  /* Writes all parts one behind the other from offset, or fails; after a failure the range is undefined. */
  enum status (*write)(struct disk *disk, struct disk_file *file, int64_t offset,
                       const struct span *parts, size_t part_count) MUST_USE;
  enum status (*read)(struct disk *disk, struct disk_file *file, int64_t offset, void *out,
                      size_t len, size_t *got) MUST_USE;
  /* Base of the mapping; NULL if opened with length 0. Valid until close(). */
  const uint8_t *(*view)(struct disk *disk, struct disk_file *file);
  /* Data and length durable before it returns. */
  enum status (*sync)(struct disk *disk, struct disk_file *file) MUST_USE;
  /* The same without waiting: node_ops.synced(token, status) is called in a later turn. Everything
   * written before this call is covered. */
  enum status (*sync_start)(struct disk *disk, struct disk_file *file, uint64_t token) MUST_USE;
  /* Everything that was written, made, renamed or removed before, anywhere on the file system that holds `file`, is
   * durable; a write of it that failed since `file` was opened is told. For when syncing file by file would take too
   * long. `file` was opened with DISK_EVERYTHING. */
  enum status (*sync_all)(struct disk *disk, struct disk_file *file) MUST_USE;
  enum status (*sync_all_start)(struct disk *disk, struct disk_file *file, uint64_t token) MUST_USE;
  int64_t (*length)(struct disk *disk, struct disk_file *file); /* < 0: unknown */
  /* No byte at or behind it was ever written: they read as zero, and looking at them costs memory. <= length. */
  int64_t (*data_end)(struct disk *disk, struct disk_file *file);
  enum status (*truncate)(struct disk *disk, struct disk_file *file, int64_t length) MUST_USE;

  /* Paths. */
  enum status (*make_dirs)(struct disk *disk, const char *path) MUST_USE; /* mkdir -p */
  /* Entries sorted by name, without "." and "..". NOT_FOUND if the directory is missing. */
  enum status (*list)(struct disk *disk, const char *path, struct arena *arena,
                      struct disk_entry **out, size_t *count) MUST_USE;
  enum status (*stat)(struct disk *disk, const char *path, struct disk_entry *out) MUST_USE;
  enum status (*remove)(struct disk *disk, const char *path) MUST_USE; /* a file or an empty directory */
  enum status (*rename)(struct disk *disk, const char *from, const char *to) MUST_USE;
  enum status (*sync_dir)(struct disk *disk, const char *path) MUST_USE; /* names durable */
  /* Bytes of the partition that holds path; free ones may include what only root can use. */
  enum status (*space)(struct disk *disk, const char *path, int64_t *total, int64_t *free) MUST_USE;
  /* Exclusive POSIX record lock on byte 0 (as Java's FileChannel.tryLock(0,1,false)), held until the
   * file is closed. BUSY: another process has it. Creates the file. */
  enum status (*lock)(struct disk *disk, const char *path, struct disk_file **out) MUST_USE;
};

/* Composed of the calls above: core/port/disk_whole.c */

/* Appends the whole file to out. NOT_FOUND if missing, LIMIT if larger than out may become. */
enum status disk_read_whole(struct disk *disk, const char *path, struct buf *out) MUST_USE;
/* The names in dir are durable, and those of so many directories above it: they may be as new. */
enum status disk_sync_names(struct disk *disk, const char *dir, int above) MUST_USE;
/* Replaces a file so that a crash leaves the old or the new one whole: PATH.tmp is written and synced,
 * the old content is kept as PATH.bak when keep_bak (as MixAll.string2File does), then renamed. */
enum status disk_replace_whole(struct disk *disk, const char *path, struct span content,
                               bool keep_bak) MUST_USE;
/* The second half of a replacement: PATH becomes PATH.bak, PATH.tmp becomes PATH. Only names move, whatever the size; a
 * crash in between leaves PATH.bak alone, so it is for files whose readers look there, too. */
enum status disk_shift(struct disk *disk, const char *path) MUST_USE;
/* disk_replace_whole in that way. */
enum status disk_replace_shifting(struct disk *disk, const char *path, struct span content) MUST_USE;

#define DISK_PATH_MAX 4096

#endif
