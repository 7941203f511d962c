/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of files. A changed name is durable after sync_dir of its directory,
 * a created one also after the first sync of the file (as journaling file
 * systems do); a crash takes back a tail of what is not.
 */
#include "host/sim/inside.h"

#include <stdlib.h>

/* "a//b/./c/" is "a/b/c"; "" and "." are "."; ".." is refused: rooms do not walk upwards. */
bool disk_path_clean(const char *path, char out[DISK_PATH_MAX]) {
  size_t n = 0;
  if (*path == '/') out[n++] = '/';
  while (*path != '\0') {
    size_t len = strcspn(path, "/");
    bool dot = len == 1 && path[0] == '.';
    if (len == 2 && path[0] == '.' && path[1] == '.') return false;
    if (len > 0 && !dot) {
      if (n + len + 2 > DISK_PATH_MAX) return false;
      if (n > 0 && out[n - 1] != '/') out[n++] = '/';
      memcpy(out + n, path, len);
      n += len;
    }
    path += len;
    if (*path == '/') path++;
  }
  if (n == 0) out[n++] = '.';
  out[n] = '\0';
  return true;
}

static bool is_root(const char *clean) { return strcmp(clean, "/") == 0 || strcmp(clean, ".") == 0; }

static void parent_of(const char *clean, char out[DISK_PATH_MAX]) {
  const char *slash = strrchr(clean, '/');
  size_t n = slash == NULL ? 0 : (size_t)(slash - clean);
  memcpy(out, clean, n);
  if (n == 0) out[n++] = slash == NULL ? '.' : '/';
  out[n] = '\0';
}

struct inode *disk_lookup(struct disk_sim *disk, const char *clean) {
  return map_get(&disk->names, span_text(clean));
}

static bool is_directory(struct disk_sim *disk, const char *clean) {
  if (is_root(clean)) return true;
  const struct inode *inode = disk_lookup(disk, clean);
  return inode != NULL && inode->directory;
}

static char *copy_text(const char *text) {
  size_t size = strlen(text) + 1;
  return memcpy(sim_zalloc(size), text, size);
}

static void put_name(struct disk_sim *disk, const char *clean, struct inode *inode) {
  if (map_put(&disk->names, span_text(clean), inode, NULL) != STATUS_OK) abort();
}

/* Takes the references it is given. */
static void note_change(struct disk_sim *disk, enum rename_kind kind, const char *path, const char *to,
                        struct inode *inode, struct inode *replaced) {
  disk->changes = sim_grow(disk->changes, &disk->change_cap, disk->change_count + 1, sizeof *disk->changes);
  disk->changes[disk->change_count++] = (struct name_change){
      .kind = kind, .path = copy_text(path), .to = to == NULL ? NULL : copy_text(to), .inode = inode,
      .replaced = replaced, .stamp = ++disk->stamp};
}

static void change_fini(struct name_change *c) {
  free(c->path);
  free(c->to);
  inode_unref(c->inode);
  inode_unref(c->replaced);
}

enum status disk_add_name(struct disk_sim *disk, const char *clean, bool directory, struct inode **out) {
  char parent[DISK_PATH_MAX];
  parent_of(clean, parent);
  if (is_root(clean)) return STATUS_EXISTS;
  if (!is_directory(disk, parent)) return STATUS_NOT_FOUND;
  struct inode *inode = sim_zalloc(sizeof *inode);
  *inode = (struct inode){.refs = 2, .directory = directory, .modified_ms = sim_host_now(disk->host).wall_ms};
  put_name(disk, clean, inode);
  note_change(disk, NAME_CREATE, clean, NULL, inode, NULL);
  *out = inode;
  return STATUS_OK;
}

/* ---- durability ---- */

/* Is the change about a name in directory `clean`? */
static bool is_in(const char *name, const char *directory) {
  char parent[DISK_PATH_MAX];
  if (name == NULL) return false;
  parent_of(name, parent);
  return strcmp(parent, directory) == 0;
}

static bool is_above(const char *directory, const char *name) {
  size_t n = strlen(directory);
  return name != NULL && strncmp(directory, name, n) == 0 && name[n] == '/';
}

/* What a durable name rests on is durable, too: its directories, and what happened to the file before. */
static bool rests_on(const struct name_change *later, const struct name_change *earlier) {
  if (earlier->inode == later->inode) return true;
  const char *name = later->to != NULL ? later->to : later->path;
  return earlier->kind == NAME_CREATE && is_above(earlier->path, name);
}

static void forget_durable(struct disk_sim *disk, bool *durable) {
  size_t kept = 0;
  for (size_t i = disk->change_count; i-- > 0;)
    for (size_t j = 0; durable[i] && j < i; j++)
      if (rests_on(&disk->changes[i], &disk->changes[j])) durable[j] = true;
  for (size_t i = 0; i < disk->change_count; i++) {
    if (durable[i])
      change_fini(&disk->changes[i]);
    else
      disk->changes[kept++] = disk->changes[i];
  }
  disk->change_count = kept;
}

static const char *path_of(const struct disk_sim *disk, const struct inode *inode) {
  for (struct map_entry *e = map_first(&disk->names); e != NULL; e = map_next(&disk->names, e))
    if (e->value == inode) return (const char *)e->key.ptr;
  return NULL;
}

/* What sync_dir does, for changes up to the stamp. */
static void directory_durable(struct disk_sim *disk, const char *path, uint64_t stamp) {
  bool *durable = sim_zalloc(disk->change_count * sizeof *durable);
  for (size_t i = 0; i < disk->change_count; i++) {
    const struct name_change *c = &disk->changes[i];
    durable[i] = c->stamp <= stamp && (is_in(c->path, path) || is_in(c->to, path));
  }
  forget_durable(disk, durable);
  free(durable);
}

void disk_name_durable(struct disk_sim *disk, const struct inode *inode, uint64_t stamp) {
  if (disk->change_count == 0) return;
  const char *path = inode->directory ? path_of(disk, inode) : NULL;
  if (path != NULL) directory_durable(disk, path, stamp);
  if (inode->directory) return;
  bool *durable = sim_zalloc(disk->change_count * sizeof *durable);
  for (size_t i = 0; i < disk->change_count; i++)
    durable[i] = disk->changes[i].kind == NAME_CREATE && disk->changes[i].inode == inode;
  forget_durable(disk, durable);
  free(durable);
}

void disk_names_durable(struct disk_sim *disk, uint64_t stamp) {
  if (disk->change_count == 0) return;
  bool *durable = sim_zalloc(disk->change_count * sizeof *durable);
  for (size_t i = 0; i < disk->change_count; i++) durable[i] = disk->changes[i].stamp <= stamp;
  forget_durable(disk, durable);
  free(durable);
}

enum status disk_sim_sync_dir(struct disk *self, const char *path) {
  struct disk_sim *disk = (struct disk_sim *)self;
  char clean[DISK_PATH_MAX];
  if (!disk_path_clean(path, clean)) return STATUS_INVALID;
  if (!is_directory(disk, clean)) return STATUS_NOT_FOUND;
  enum status status = disk_gate(disk, SIM_SYNC);
  if (status != STATUS_OK || disk->change_count == 0) return status;
  directory_durable(disk, clean, disk->stamp);
  return STATUS_OK;
}

static void take_name(struct disk_sim *disk, const char *path, const struct inode *inode) {
  if (disk_lookup(disk, path) == inode) inode_unref(map_remove(&disk->names, span_text(path)));
}

static void give_name(struct disk_sim *disk, const char *path, struct inode *inode) {
  if (inode == NULL || disk_lookup(disk, path) != NULL) return;
  inode->refs++;
  put_name(disk, path, inode);
}

static void take_back(struct disk_sim *disk, const struct name_change *c) {
  switch (c->kind) {
  case NAME_CREATE: take_name(disk, c->path, c->inode); break;
  case NAME_REMOVE: give_name(disk, c->path, c->inode); break;
  case NAME_RENAME:
    if (disk_lookup(disk, c->to) != c->inode) break;
    take_name(disk, c->to, c->inode);
    give_name(disk, c->to, c->replaced);
    give_name(disk, c->path, c->inode);
  }
}

/* Files whose directory did not survive are gone. */
static void drop_orphans(struct disk_sim *disk) {
  char parent[DISK_PATH_MAX];
  bool dropped;
  do {
    dropped = false;
    for (struct map_entry *e = map_first(&disk->names); e != NULL; e = map_next(&disk->names, e)) {
      parent_of((const char *)e->key.ptr, parent);
      if (is_directory(disk, parent)) continue;
      inode_unref(map_remove(&disk->names, e->key));
      dropped = true;
    }
  } while (dropped);
}

void disk_names_crash(struct disk_sim *disk) {
  size_t kept = disk->loss == SIM_LOSS_ALL ? 0 : prng_below(&disk->prng, disk->change_count + 1);
  for (size_t i = disk->change_count; i-- > kept;) take_back(disk, &disk->changes[i]);
  for (size_t i = 0; i < disk->change_count; i++) change_fini(&disk->changes[i]);
  disk->change_count = 0;
  drop_orphans(disk);
  for (struct map_entry *e = map_first(&disk->names); e != NULL; e = map_next(&disk->names, e))
    inode_crash(e->value, disk->loss, &disk->prng);
}

void disk_names_fini(struct disk_sim *disk) {
  for (size_t i = 0; i < disk->change_count; i++) change_fini(&disk->changes[i]);
  free(disk->changes);
  for (struct map_entry *e = map_first(&disk->names); e != NULL; e = map_next(&disk->names, e)) inode_unref(e->value);
  map_fini(&disk->names);
}

/* ---- disk_ops on paths ---- */

enum status disk_sim_make_dirs(struct disk *self, const char *path) {
  struct disk_sim *disk = (struct disk_sim *)self;
  char clean[DISK_PATH_MAX];
  if (!disk_path_clean(path, clean)) return STATUS_INVALID;
  enum status status = disk_gate(disk, SIM_NAMES);
  for (char *end = clean; status == STATUS_OK && end != NULL;) {
    end = strchr(end + 1, '/');
    if (end != NULL) *end = '\0';
    const struct inode *there = disk_lookup(disk, clean);
    struct inode *made;
    if (there == NULL && !is_root(clean)) status = disk_add_name(disk, clean, true, &made);
    if (there != NULL && !there->directory) status = STATUS_EXISTS;
    if (end != NULL) *end = '/';
  }
  return status;
}

static void describe(const struct inode *inode, struct disk_entry *out) {
  out->directory = inode == NULL || inode->directory;
  out->length = inode == NULL ? 0 : inode->length;
  out->modified_ms = inode == NULL ? 0 : inode->modified_ms;
}

static int by_name(const void *a, const void *b) {
  return span_compare(((const struct disk_entry *)a)->name, ((const struct disk_entry *)b)->name);
}

enum status disk_sim_list(struct disk *self, const char *path, struct arena *arena, struct disk_entry **out,
                          size_t *count) {
  struct disk_sim *disk = (struct disk_sim *)self;
  char clean[DISK_PATH_MAX];
  *count = 0;
  if (!disk_path_clean(path, clean)) return STATUS_INVALID;
  enum status status = disk_gate(disk, SIM_READ);
  if (status != STATUS_OK) return status;
  if (!is_directory(disk, clean)) return STATUS_NOT_FOUND;
  *out = arena_zalloc(arena, map_count(&disk->names) + 1, sizeof **out);
  if (*out == NULL) return STATUS_NO_MEMORY;
  for (struct map_entry *e = map_first(&disk->names); e != NULL; e = map_next(&disk->names, e)) {
    const char *name = (const char *)e->key.ptr;
    if (!is_in(name, clean)) continue;
    const char *slash = strrchr(name, '/');
    struct disk_entry *entry = &(*out)[(*count)++];
    entry->name = arena_copy(arena, span_text(slash == NULL ? name : slash + 1));
    if (entry->name.ptr == NULL) return STATUS_NO_MEMORY;
    describe(e->value, entry);
  }
  qsort(*out, *count, sizeof **out, by_name);
  return STATUS_OK;
}

enum status disk_sim_stat(struct disk *self, const char *path, struct disk_entry *out) {
  struct disk_sim *disk = (struct disk_sim *)self;
  char clean[DISK_PATH_MAX];
  if (!disk_path_clean(path, clean)) return STATUS_INVALID;
  enum status status = disk_gate(disk, SIM_READ);
  if (status != STATUS_OK) return status;
  const struct inode *inode = disk_lookup(disk, clean);
  if (inode == NULL && !is_root(clean)) return STATUS_NOT_FOUND;
  describe(inode, out);
  out->name = SPAN_NONE;
  return STATUS_OK;
}

static bool is_empty(struct disk_sim *disk, const char *directory) {
  for (struct map_entry *e = map_first(&disk->names); e != NULL; e = map_next(&disk->names, e))
    if (is_in((const char *)e->key.ptr, directory)) return false;
  return true;
}

enum status disk_sim_remove(struct disk *self, const char *path) {
  struct disk_sim *disk = (struct disk_sim *)self;
  char clean[DISK_PATH_MAX];
  if (!disk_path_clean(path, clean)) return STATUS_INVALID;
  enum status status = disk_gate(disk, SIM_NAMES);
  if (status != STATUS_OK) return status;
  struct inode *inode = disk_lookup(disk, clean);
  if (inode == NULL) return STATUS_NOT_FOUND;
  if (inode->directory && !is_empty(disk, clean)) return STATUS_INVALID;
  map_remove(&disk->names, span_text(clean));
  note_change(disk, NAME_REMOVE, clean, NULL, inode, NULL);
  return STATUS_OK;
}

enum status disk_sim_rename(struct disk *self, const char *from, const char *to) {
  struct disk_sim *disk = (struct disk_sim *)self;
  char source[DISK_PATH_MAX], target[DISK_PATH_MAX], parent[DISK_PATH_MAX];
  if (!disk_path_clean(from, source) || !disk_path_clean(to, target)) return STATUS_INVALID;
  enum status status = disk_gate(disk, SIM_NAMES);
  if (status != STATUS_OK) return status;
  struct inode *inode = disk_lookup(disk, source), *replaced = disk_lookup(disk, target);
  parent_of(target, parent);
  if (inode == NULL || !is_directory(disk, parent)) return STATUS_NOT_FOUND;
  if (replaced == inode) return STATUS_OK;
  if (is_root(target) || (replaced != NULL && replaced->directory)) return STATUS_EXISTS;
  if (inode->directory && !is_empty(disk, source)) return STATUS_UNSUPPORTED; /* no room needs it */
  map_remove(&disk->names, span_text(source));
  put_name(disk, target, inode);
  inode->refs++;
  note_change(disk, NAME_RENAME, source, target, inode, replaced);
  return STATUS_OK;
}
