/* SPDX-License-Identifier: Apache-2.0
 *
 * segment: a list of files of one length, each named by the offset of its
 * first byte (20 digits), without gaps: the commit log, every consume queue, a ledger
 * (org.apache.rocketmq.store.MappedFileQueue). The list itself is a few
 * numbers; files are opened when needed and kept in a cache that several lists
 * share, least recently used out first.
 */
#ifndef MQ_PORT_SEGMENT_H
#define MQ_PORT_SEGMENT_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/port/disk.h"

struct segments;

struct segment { /* an open file */
  struct segments *list;
  struct segment_cache *cache;
  int64_t start;
  struct disk_file *file;
  const uint8_t *view;
  bool had_hole;                  /* when it was opened, and that part of its view is not read ahead */
  uint64_t used;                  /* epoch of the last segments_at */
  struct segment *newer, *older;  /* order of use in the cache */
  struct segment *next;           /* open files of the same list */
};

struct segment_cache {
  struct disk *disk;
  struct segment *newest, *oldest;
  size_t open;
  uint64_t epoch; /* > 0: files used in this epoch are not trimmed, somebody still reads their views */
};

struct segments {
  struct segment_cache *cache;
  const char *dir; /* borrowed */
  int64_t length;
  int open_flags; /* DISK_RANDOM or 0; may be set after segments_init */
  int64_t first, end; /* files cover [first, end); equal: there is none */
  const char *old_dir; /* borrowed; files that start before old_end lie here. NULL: all are in dir */
  int64_t old_end;
  bool foreign;       /* a file that was loaded lies on another file system than its name */
  struct segment *open;
};

void segment_cache_init(struct segment_cache *cache, struct disk *disk);
/* Closes what was used longest ago until at most `limit` files are open. */
void segment_cache_trim(struct segment_cache *cache, size_t limit);

void segments_init(struct segments *list, struct segment_cache *cache, const char *dir, int64_t length);
/* Forgets the list and closes its files. */
void segments_fini(struct segments *list);
/* Reads the names. A file of another length is refused (INVALID) as Java does; with `repair`, left by a crash,
 * a shorter one is made whole with zeros. CORRUPT: a gap. Nothing is changed unless OK. */
enum status segments_load(struct segments *list, struct arena *arena, bool repair, struct buf *why) MUST_USE;
static inline bool segments_empty(const struct segments *list) { return list->first == list->end; }
/* Start of the file that holds (or would hold) offset. */
int64_t segments_start_of(const struct segments *list, int64_t offset);
/* The open file that holds offset; NOT_FOUND outside [first, end). */
enum status segments_at(struct segments *list, int64_t offset, struct segment **out) MUST_USE;
/* Makes the next file, or, in an empty list, the one starting at `start`. flags: DISK_ALLOCATE or 0. */
enum status segments_add(struct segments *list, int64_t start, int flags, struct segment **out) MUST_USE;
/* Removes the files that start at or behind offset. */
enum status segments_drop_from(struct segments *list, int64_t offset) MUST_USE;
/* Removes the first file, never the only one. Its mapping stays, so that what was read from it can still leave; it is
 * closed by the next segments_close_dropped() that finds it unused in this epoch; without epochs at once. */
enum status segments_drop_first(struct segments *list) MUST_USE;
void segments_close_dropped(struct segments *list);
/* Path of the file that begins at start. */
enum status segment_path(const struct segments *list, int64_t start, char out[DISK_PATH_MAX]) MUST_USE;
/* Writes bytes at an offset of the list; all of them lie in this file. */
enum status segment_write(struct segment *segment, int64_t offset, struct span bytes) MUST_USE;
/* Writes zeros over [from, to), which lies in one file. */
enum status segment_zero(struct segment *segment, int64_t from, int64_t to) MUST_USE;
/* Nothing at or behind this offset was ever written. */
int64_t segment_data_end(const struct segment *segment);
/* Offset behind the last byte in [from, end of file) that is not zero, or from. quiet > 0: stops after so many
 * zero bytes in a row. */
int64_t segment_last_nonzero(const struct segment *segment, int64_t from, int64_t quiet);

#endif
