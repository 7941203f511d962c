/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/namesrv/memory_disk.h"

#include <assert.h>
#include <stdio.h>

enum { CONTENT_MAX = 32 << 20 };

static struct disk_file *find(struct memory_disk *m, const char *path, bool make) {
  struct disk_file *spare = NULL;
  for (int i = 0; i < MEMORY_FILES_MAX; i++) {
    struct disk_file *f = &m->files[i];
    if (f->exists && strcmp(f->path, path) == 0) return f;
    if (!f->exists && spare == NULL) spare = f;
  }
  if (!make) return NULL;
  assert(spare != NULL);
  snprintf(spare->path, sizeof spare->path, "%s", path);
  spare->exists = true;
  buf_clear(&spare->content);
  return spare;
}

static enum status disk_open(struct disk *disk, const char *path, int flags, int64_t length, struct disk_file **out) {
  assert(length == 0);
  if (flags & DISK_EXCLUSIVE && find((struct memory_disk *)disk, path, false) != NULL) return STATUS_EXISTS;
  *out = find((struct memory_disk *)disk, path, flags & DISK_CREATE);
  return *out == NULL ? STATUS_NOT_FOUND : STATUS_OK;
}

static void disk_close(struct disk *disk, struct disk_file *file) { (void)disk, (void)file; }

static enum status disk_write(struct disk *disk, struct disk_file *file, int64_t offset, const struct span *parts,
                              size_t part_count) {
  assert(offset == (int64_t)file->content.len);
  if (((struct memory_disk *)disk)->full) return STATUS_NO_SPACE;
  for (size_t i = 0; i < part_count; i++) buf_put(&file->content, parts[i]);
  return STATUS_OK;
}

static enum status disk_read(struct disk *disk, struct disk_file *file, int64_t offset, void *out, size_t len,
                             size_t *got) {
  (void)disk;
  struct span rest = span_from(buf_span(&file->content), (size_t)offset);
  *got = rest.len < len ? rest.len : len;
  memcpy(out, rest.ptr, *got);
  return STATUS_OK;
}

static enum status disk_sync(struct disk *disk, struct disk_file *file) {
  (void)disk, (void)file;
  return STATUS_OK;
}

static int64_t disk_length(struct disk *disk, struct disk_file *file) {
  (void)disk;
  return (int64_t)file->content.len;
}

static enum status disk_truncate(struct disk *disk, struct disk_file *file, int64_t length) {
  (void)disk;
  file->content.len = (size_t)length;
  return STATUS_OK;
}

static enum status disk_make_dirs(struct disk *disk, const char *path) {
  struct memory_disk *m = (struct memory_disk *)disk;
  snprintf(m->made_dir, sizeof m->made_dir, "%s", path);
  return STATUS_OK;
}

static enum status disk_rename(struct disk *disk, const char *from, const char *to) {
  struct memory_disk *m = (struct memory_disk *)disk;
  struct disk_file *source = find(m, from, false), *target = find(m, to, false);
  if (source == NULL) return STATUS_NOT_FOUND;
  if (target != NULL) target->exists = false;
  snprintf(source->path, sizeof source->path, "%s", to);
  m->replaced++;
  return STATUS_OK;
}

static enum status disk_remove(struct disk *disk, const char *path) {
  struct disk_file *file = find((struct memory_disk *)disk, path, false);
  if (file == NULL) return STATUS_NOT_FOUND;
  file->exists = false;
  return STATUS_OK;
}

static enum status disk_sync_dir(struct disk *disk, const char *path) {
  (void)disk, (void)path;
  return STATUS_OK;
}

static const struct disk_ops ops = {.open = disk_open,
                                    .close = disk_close,
                                    .write = disk_write,
                                    .read = disk_read,
                                    .sync = disk_sync,
                                    .length = disk_length,
                                    .truncate = disk_truncate,
                                    .make_dirs = disk_make_dirs,
                                    .remove = disk_remove,
                                    .rename = disk_rename,
                                    .sync_dir = disk_sync_dir};

void memory_disk_init(struct memory_disk *m) {
  *m = (struct memory_disk){.disk.ops = &ops};
  for (int i = 0; i < MEMORY_FILES_MAX; i++) buf_init(&m->files[i].content, CONTENT_MAX);
}

void memory_disk_fini(struct memory_disk *m) {
  for (int i = 0; i < MEMORY_FILES_MAX; i++) buf_fini(&m->files[i].content);
}

struct span memory_disk_read(struct memory_disk *m, const char *path) {
  struct disk_file *f = find(m, path, false);
  return f == NULL ? SPAN_NONE : buf_span(&f->content);
}

void memory_disk_put(struct memory_disk *m, const char *path, const char *content) {
  struct disk_file *f = find(m, path, true);
  buf_clear(&f->content);
  buf_put_text(&f->content, content);
}
