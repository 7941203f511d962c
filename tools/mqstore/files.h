/* SPDX-License-Identifier: Apache-2.0
 *
 * files: a directory of files of one length, named by the offset of their
 * first byte in 20 digits (org.apache.rocketmq.store.MappedFileQueue), as it
 * is found: gaps, odd lengths and strange names are remembered, not refused.
 * Files are viewed read-only and opened when they are looked at; a cache shared
 * by all lists keeps the last few open.
 */
#ifndef MQSTORE_FILES_H
#define MQSTORE_FILES_H

#include "core/base/arena.h"
#include "core/port/disk.h"

#define FILES_OPEN_MAX 256 /* what stays open; a span is valid until so many other files were looked at */
#define FILE_LABEL_MAX 512
#define FILE_NAME_DIGITS 20

struct numbered_file {
  struct file_list *list;
  int64_t start; /* its name */
  int64_t length;
  struct disk_file *file; /* NULL: not open */
  const uint8_t *view;
  struct numbered_file *newer, *older; /* open files in the order of use */
};

struct file_cache {
  struct disk *disk;
  struct numbered_file *newest, *oldest;
  size_t open;
  enum status trouble; /* the last file that could not be opened */
};

struct file_list {
  struct file_cache *cache;
  const char *dir;             /* in the arena */
  const char *label;           /* how it is called in reports: the path below the store directory */
  struct numbered_file *files; /* by number */
  size_t count;
  int64_t file_length;    /* of most of the files: the configured size */
  struct span *strangers; /* names of entries that are no such files */
  size_t stranger_count;
  bool exists;
};

void file_cache_init(struct file_cache *c, struct disk *disk);
void file_cache_fini(struct file_cache *c); /* closes all files */

/* dir and label are copied. A missing directory is an empty list that does not exist. */
enum status file_list_load(struct file_list *list, struct file_cache *cache, struct arena *arena, const char *dir,
                           const char *label) MUST_USE;
static inline int64_t file_list_first(const struct file_list *l) { return l->count == 0 ? 0 : l->files[0].start; }
static inline int64_t file_end(const struct numbered_file *f) { return f->start + f->length; }
static inline int64_t file_list_end(const struct file_list *l) {
  return l->count == 0 ? 0 : file_end(&l->files[l->count - 1]);
}
/* The file that holds offset, NULL if none does. */
struct numbered_file *file_list_find(const struct file_list *list, int64_t offset);
/* The whole content; empty when it cannot be read. */
struct span file_view(struct numbered_file *file);
/* From offset to the end of its file; absent outside of all files. */
struct span file_list_at(const struct file_list *list, int64_t offset);
/* "LABEL/00000000000000000000" of the file that holds offset, or LABEL. */
void file_list_name(const struct file_list *list, int64_t offset, char out[FILE_LABEL_MAX]);
/* 20 digits and a NUL. */
void file_number_text(int64_t number, char out[FILE_NAME_DIGITS + 1]);

/* Damaged files hold any number: sums of them stop at the ends of the range. */
static inline int64_t sum_of(int64_t a, int64_t b) {
  int64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? (b < 0 ? INT64_MIN : INT64_MAX) : sum;
}
static inline int64_t difference_of(int64_t a, int64_t b) {
  int64_t difference;
  return __builtin_sub_overflow(a, b, &difference) ? (b < 0 ? INT64_MAX : INT64_MIN) : difference;
}

/* Bytes up to and including the last that is not zero; 0: all are zero. */
size_t span_used(struct span s);

#endif
