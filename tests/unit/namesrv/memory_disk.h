/* SPDX-License-Identifier: Apache-2.0
 *
 * memory_disk: the part of the disk port a name server uses (whole small
 * files), in memory, with writes that can be made to fail.
 */
#ifndef TESTS_NAMESRV_MEMORY_DISK_H
#define TESTS_NAMESRV_MEMORY_DISK_H

#include "core/port/disk.h"

enum { MEMORY_FILES_MAX = 16 };

struct disk_file {
  char path[256];
  struct buf content;
  bool exists;
};

struct memory_disk {
  struct disk disk; /* first */
  struct disk_file files[MEMORY_FILES_MAX];
  char made_dir[256]; /* latest make_dirs */
  bool full;          /* writes fail with NO_SPACE */
  int replaced;       /* renames that happened */
};

void memory_disk_init(struct memory_disk *m);
void memory_disk_fini(struct memory_disk *m);
/* SPAN_NONE: no such file. */
struct span memory_disk_read(struct memory_disk *m, const char *path);
void memory_disk_put(struct memory_disk *m, const char *path, const char *content);

#endif
