/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* nftw */
#include "tests/golden/unpack.h"

#include "tests/harness.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct disk *filling;
static const char *filling_root;
static size_t filling_prefix;

static int write_whole(const char *target, struct span part) {
  struct disk_file *file;
  if (filling->ops->open(filling, target, DISK_CREATE, 0, &file) != STATUS_OK) return 1;
  int bad = (part.len > 0 && filling->ops->write(filling, file, 0, &part, 1) != STATUS_OK) ||
            filling->ops->sync(filling, file) != STATUS_OK;
  filling->ops->close(filling, file);
  return bad;
}

/* One file of the unpacked archive. */
static int fill_one(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
  char target[DISK_PATH_MAX];
  (void)ftw;
  snprintf(target, sizeof target, "%s%s", filling_root, path + filling_prefix);
  if (kind == FTW_D) return filling->ops->make_dirs(filling, target) != STATUS_OK;
  if (kind != FTW_F) return 1;
  FILE *f = fopen(path, "rb");
  if (f == NULL) return 1;
  uint8_t *bytes = malloc((size_t)st->st_size + 1);
  size_t n = bytes == NULL ? 0 : fread(bytes, 1, (size_t)st->st_size, f);
  int bad = bytes == NULL || n != (size_t)st->st_size || write_whole(target, span_of(bytes, n));
  free(bytes);
  fclose(f);
  return bad;
}

void golden_unpack(struct disk *disk, const char *archive, const char *root) {
  char dir[] = "/tmp/store-golden-XXXXXX", command[8192], from[64];
  CU_ASSERT_FATAL(mkdtemp(dir) != NULL);
  snprintf(command, sizeof command, "tar -xzf '%s' -C '%s'", golden_path(archive), dir);
  CU_ASSERT_FATAL(system(command) == 0);
  snprintf(from, sizeof from, "%s/store", dir);
  filling = disk;
  filling_root = root;
  filling_prefix = strlen(from);
  CU_ASSERT_FATAL(nftw(from, fill_one, 16, FTW_PHYS) == 0);
  snprintf(command, sizeof command, "rm -r '%s'", dir);
  CU_ASSERT_FATAL(system(command) == 0);
}
