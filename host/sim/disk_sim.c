/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sim/inside.h"

#include <assert.h>
#include <stdlib.h>

/* Files of simulations are small; a view is allocated whole. */
#define FILE_LENGTH_MAX ((int64_t)1 << 31)

enum status disk_gate(struct disk_sim *disk, enum sim_disk_op op) {
  if (!disk->host->up) return STATUS_IO;
  disk->calls[__builtin_ctz((unsigned)op)]++;
  if (!disk->faulty || (disk->fault.ops & (int)op) == 0) return STATUS_OK;
  if (disk->fault.after > 0) {
    disk->fault.after--;
    return STATUS_OK;
  }
  if (!disk->fault.lasting) disk->faulty = false;
  world_trace(disk->host->world, disk->host, "the disk fails: %s", status_text(disk->fault.status));
  return disk->fault.status;
}

void sim_disk_fail(struct sim_host *host, const struct sim_disk_fault *fault) {
  host->disk.faulty = fault != NULL;
  if (fault == NULL) return;
  assert(fault->status != STATUS_OK);
  host->disk.fault = *fault;
}

void sim_disk_sync_delay(struct sim_host *host, int min_ms, int max_ms) {
  assert(min_ms >= 0 && max_ms >= min_ms);
  host->disk.sync_min_ms = min_ms;
  host->disk.sync_max_ms = max_ms;
}

void sim_disk_loss(struct sim_host *host, enum sim_loss loss) { host->disk.loss = loss; }

void sim_disk_space(struct sim_host *host, int64_t total) { host->disk.space = total; }

uint64_t sim_disk_calls(const struct sim_host *host, int ops) {
  uint64_t sum = 0;
  for (int bit = 0; bit < 5; bit++)
    if (ops & 1 << bit) sum += host->disk.calls[bit];
  return sum;
}

void inode_unref(struct inode *inode) {
  if (inode == NULL || --inode->refs > 0) return;
  inode_forget_changes(inode);
  free(inode->bytes);
  free(inode);
}

/* ---- room ---- */

static int64_t used_bytes(const struct disk_sim *disk) {
  int64_t sum = 0;
  for (struct map_entry *e = map_first(&disk->names); e != NULL; e = map_next(&disk->names, e))
    sum += ((struct inode *)e->value)->length;
  return sum;
}

static bool has_room(const struct disk_sim *disk, int64_t more) {
  return disk->space == 0 || more <= 0 || used_bytes(disk) + more <= disk->space;
}

/* cap >= need, new bytes zero. A view must not move, so a viewed file does not grow past its mapping. */
static enum status reserve(struct inode *inode, int64_t need) {
  if (need <= inode->cap) return STATUS_OK;
  if (need > FILE_LENGTH_MAX || inode->views > 0) return STATUS_LIMIT;
  uint8_t *bytes = realloc(inode->bytes, (size_t)need);
  if (bytes == NULL) return STATUS_NO_MEMORY;
  memset(bytes + inode->cap, 0, (size_t)(need - inode->cap));
  inode->bytes = bytes;
  inode->cap = need;
  return STATUS_OK;
}

static void touch(struct disk_sim *disk, struct inode *inode) {
  inode->modified_ms = sim_host_now(disk->host).wall_ms;
}

static enum status set_length(struct disk_sim *disk, struct inode *inode, int64_t length) {
  if (length == inode->length) return STATUS_OK;
  if (!has_room(disk, length - inode->length)) return STATUS_NO_SPACE;
  enum status status = reserve(inode, length);
  if (status != STATUS_OK) return status;
  if (length < inode->length) {
    inode_note_change(disk, inode, UNDO_TRUNCATE, length, inode->length - length);
    memset(inode->bytes + length, 0, (size_t)(inode->length - length));
    if (inode->high > length) inode->high = length;
  } else {
    inode_note_change(disk, inode, UNDO_WRITE, inode->length, 0);
  }
  inode->length = length;
  touch(disk, inode);
  return STATUS_OK;
}

/* ---- files ---- */

static struct disk_file *file_new(struct disk_sim *disk, struct inode *inode, int flags, bool view) {
  struct disk_file *file = sim_zalloc(sizeof *file);
  file->inode = inode;
  inode->refs++;
  file->read_only = (flags & DISK_READ_ONLY) != 0;
  file->view = view;
  if (view) inode->views++;
  file->next = disk->files;
  file->place = &disk->files;
  if (file->next != NULL) file->next->place = &file->next;
  disk->files = file;
  return file;
}

static enum status open_inode(struct disk_sim *disk, const char *path, int flags, struct inode **out) {
  char clean[DISK_PATH_MAX];
  if (!disk_path_clean(path, clean)) return STATUS_INVALID;
  *out = disk_lookup(disk, clean);
  if (*out == NULL) return flags & DISK_CREATE ? disk_add_name(disk, clean, false, out) : STATUS_NOT_FOUND;
  if ((flags & DISK_CREATE) && (flags & DISK_EXCLUSIVE)) return STATUS_EXISTS;
  return (*out)->directory == ((flags & DISK_DIRECTORY) != 0) ? STATUS_OK : STATUS_INVALID;
}

/* A full disk opens what is there. */
static bool full_by_fault(const struct disk_sim *disk) { return disk->faulty && disk->fault.status == STATUS_NO_SPACE; }

static bool is_there(struct disk_sim *disk, const char *path, int64_t length) {
  char clean[DISK_PATH_MAX];
  const struct inode *inode = disk_path_clean(path, clean) ? disk_lookup(disk, clean) : NULL;
  return inode != NULL && inode->length >= length;
}

static enum status op_open(struct disk *self, const char *path, int flags, int64_t length, struct disk_file **out) {
  struct disk_sim *disk = (struct disk_sim *)self;
  struct inode *inode;
  *out = NULL;
  enum status status = STATUS_OK;
  if (!full_by_fault(disk) || !is_there(disk, path, length)) status = disk_gate(disk, SIM_OPEN);
  if (status == STATUS_OK) status = open_inode(disk, path, flags, &inode);
  if (status != STATUS_OK) return status;
  if (length > inode->length) {
    /* A mapping past the end of a file that may not grow would fault. */
    status = flags & DISK_READ_ONLY ? STATUS_INVALID : set_length(disk, inode, length);
    if (status != STATUS_OK) return status;
  }
  if (length > 0) status = reserve(inode, length);
  if (status == STATUS_OK) *out = file_new(disk, inode, flags, length > 0);
  return status;
}

static void op_close(struct disk *self, struct disk_file *file) {
  (void)self;
  if (file == NULL) return;
  *file->place = file->next;
  if (file->next != NULL) file->next->place = file->place;
  if (file->view) file->inode->views--;
  inode_unref(file->inode);
  free(file);
}

static void write_bytes(struct disk_sim *disk, struct inode *inode, int64_t offset, const struct span *parts,
                        size_t count, size_t limit) {
  int64_t at = offset;
  for (size_t i = 0; i < count && limit > 0; i++) {
    size_t n = parts[i].len < limit ? parts[i].len : limit;
    if (n > 0) memcpy(inode->bytes + at, parts[i].ptr, n);
    at += (int64_t)n;
    limit -= n;
  }
  if (at > inode->high) inode->high = at;
  if (at > inode->length) inode->length = at;
  touch(disk, inode);
}

static enum status op_write(struct disk *self, struct disk_file *file, int64_t offset, const struct span *parts,
                            size_t part_count) {
  struct disk_sim *disk = (struct disk_sim *)self;
  struct inode *inode = file->inode;
  if (file->dead) return STATUS_IO;
  if (file->read_only || offset < 0) return STATUS_INVALID;
  size_t total = 0;
  for (size_t i = 0; i < part_count; i++) total += parts[i].len;
  if (total == 0) return STATUS_OK;
  int64_t end = offset + (int64_t)total;
  bool torn = disk->fault.torn;
  enum status fault = disk_gate(disk, SIM_WRITE);
  if (fault != STATUS_OK) {
    if (!torn) return fault;
    total = prng_below(&disk->prng, total);
    end = offset + (int64_t)total;
    if (total == 0) return fault;
  }
  if (!has_room(disk, end - inode->length)) return STATUS_NO_SPACE;
  enum status status = reserve(inode, end);
  if (status != STATUS_OK) return status;
  inode_note_change(disk, inode, UNDO_WRITE, offset, (int64_t)total);
  write_bytes(disk, inode, offset, parts, part_count, total);
  return fault;
}

static enum status op_read(struct disk *self, struct disk_file *file, int64_t offset, void *out, size_t len,
                           size_t *got) {
  struct inode *inode = file->inode;
  *got = 0;
  if (file->dead) return STATUS_IO;
  if (offset < 0) return STATUS_INVALID;
  enum status status = disk_gate((struct disk_sim *)self, SIM_READ);
  if (status != STATUS_OK) return status;
  if (offset >= inode->length) return STATUS_OK;
  size_t there = (size_t)(inode->length - offset);
  *got = len < there ? len : there;
  if (*got > 0) memcpy(out, inode->bytes + offset, *got);
  return STATUS_OK;
}

static const uint8_t *op_view(struct disk *self, struct disk_file *file) {
  (void)self;
  return file->view ? file->inode->bytes : NULL;
}

static int64_t op_length(struct disk *self, struct disk_file *file) {
  (void)self;
  return file->inode->length;
}

static int64_t op_data_end(struct disk *self, struct disk_file *file) {
  (void)self;
  return file->inode->high < file->inode->length ? file->inode->high : file->inode->length;
}

static enum status op_truncate(struct disk *self, struct disk_file *file, int64_t length) {
  struct disk_sim *disk = (struct disk_sim *)self;
  if (file->dead) return STATUS_IO;
  if (file->read_only || length < 0) return STATUS_INVALID;
  enum status status = disk_gate(disk, SIM_WRITE);
  return status == STATUS_OK ? set_length(disk, file->inode, length) : status;
}

static enum status op_space(struct disk *self, const char *path, int64_t *total, int64_t *free_bytes) {
  struct disk_sim *disk = (struct disk_sim *)self;
  (void)path;
  if (!disk->host->up) return STATUS_IO;
  *total = disk->space == 0 ? (int64_t)1 << 40 : disk->space;
  *free_bytes = *total - used_bytes(disk);
  if (*free_bytes < 0) *free_bytes = 0;
  return STATUS_OK;
}

static enum status op_lock(struct disk *self, const char *path, struct disk_file **out) {
  struct disk_sim *disk = (struct disk_sim *)self;
  enum status status = op_open(self, path, DISK_CREATE, 0, out);
  if (status != STATUS_OK) return status;
  for (struct disk_file *f = disk->files; f != NULL; f = f->next) {
    if (!f->lock || f->dead || f->inode != (*out)->inode) continue;
    op_close(self, *out);
    *out = NULL;
    return STATUS_BUSY;
  }
  (*out)->lock = true;
  return STATUS_OK;
}

/* ---- durability ---- */

/* inode NULL: all of them. */
static void made_durable(struct disk_sim *disk, struct inode *inode, uint64_t stamp, enum status status) {
  if (inode != NULL) {
    inode_synced(inode, stamp, status == STATUS_OK);
    if (status == STATUS_OK) disk_name_durable(disk, inode, stamp);
    return;
  }
  for (struct map_entry *e = map_first(&disk->names); e != NULL; e = map_next(&disk->names, e))
    inode_synced(e->value, stamp, status == STATUS_OK);
  if (status == STATUS_OK) disk_names_durable(disk, stamp);
}

static enum status op_sync(struct disk *self, struct disk_file *file) {
  struct disk_sim *disk = (struct disk_sim *)self;
  if (file->dead) return STATUS_IO;
  enum status status = disk_gate(disk, SIM_SYNC);
  made_durable(disk, file->inode, disk->stamp, status);
  return status;
}

static enum status op_sync_all(struct disk *self, struct disk_file *file) {
  struct disk_sim *disk = (struct disk_sim *)self;
  if (file->dead) return STATUS_IO;
  enum status status = disk_gate(disk, SIM_SYNC);
  made_durable(disk, NULL, disk->stamp, status);
  return status;
}

static enum status sync_later(struct disk *self, struct disk_file *file, struct inode *inode, uint64_t token) {
  struct disk_sim *disk = (struct disk_sim *)self;
  struct sim_host *host = disk->host;
  if (file->dead || !host->up) return STATUS_IO;
  struct sync *sync = sim_zalloc(sizeof *sync);
  *sync = (struct sync){.next = disk->syncs, .inode = inode, .stamp = disk->stamp, .token = token,
                        .life = host->life, .status = disk_gate(disk, SIM_SYNC)};
  if (inode != NULL) inode->refs++;
  disk->syncs = sync;
  uint64_t width = (uint64_t)(disk->sync_max_ms - disk->sync_min_ms) + 1;
  int64_t at_ms = host->world->now_ms + disk->sync_min_ms + (int64_t)prng_below(&disk->prng, width);
  world_push(host->world, at_ms, (struct event){.kind = EVENT_SYNCED, .host = host, .sync = sync});
  return STATUS_OK;
}

static enum status op_sync_start(struct disk *self, struct disk_file *file, uint64_t token) {
  return sync_later(self, file, file->inode, token);
}

static enum status op_sync_all_start(struct disk *self, struct disk_file *file, uint64_t token) {
  return sync_later(self, file, NULL, token);
}

void disk_sim_synced(struct disk_sim *disk, struct sync *sync) {
  struct sim_host *host = disk->host;
  struct sync **place = &disk->syncs;
  while (*place != sync) place = &(*place)->next;
  *place = sync->next;
  if (host->up && sync->life == host->life) {
    made_durable(disk, sync->inode, sync->stamp, sync->status);
    net_sim_note(&host->net, &(struct note){.kind = NOTE_SYNCED, .token = sync->token, .status = sync->status});
  }
  inode_unref(sync->inode);
  free(sync);
}

static const struct disk_ops disk_sim_ops = {
    .open = op_open,
    .close = op_close,
    .write = op_write,
    .read = op_read,
    .view = op_view,
    .sync = op_sync,
    .sync_start = op_sync_start,
    .sync_all = op_sync_all,
    .sync_all_start = op_sync_all_start,
    .length = op_length,
    .data_end = op_data_end,
    .truncate = op_truncate,
    .make_dirs = disk_sim_make_dirs,
    .list = disk_sim_list,
    .stat = disk_sim_stat,
    .remove = disk_sim_remove,
    .rename = disk_sim_rename,
    .sync_dir = disk_sim_sync_dir,
    .space = op_space,
    .lock = op_lock,
};

void disk_sim_init(struct disk_sim *disk, struct sim_host *host, uint64_t seed) {
  *disk = (struct disk_sim){.disk = {&disk_sim_ops}, .host = host, .sync_min_ms = 1, .sync_max_ms = 5};
  prng_init(&disk->prng, seed);
  map_init(&disk->names, seed);
}

void disk_sim_fini(struct disk_sim *disk) {
  while (disk->files != NULL) op_close(&disk->disk, disk->files);
  while (disk->syncs != NULL) {
    struct sync *next = disk->syncs->next;
    inode_unref(disk->syncs->inode);
    free(disk->syncs);
    disk->syncs = next;
  }
  disk_names_fini(disk);
}

void disk_sim_stop(struct disk_sim *disk, enum sim_stop how) {
  for (struct disk_file *f = disk->files; f != NULL; f = f->next) {
    f->dead = true;
    if (f->view) f->inode->views--; /* a dead program's mapping holds nothing back */
    f->view = false;
  }
  if (how == SIM_POWER_OFF) disk_names_crash(disk);
}
