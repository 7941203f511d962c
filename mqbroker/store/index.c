/* SPDX-License-Identifier: Apache-2.0
 *
 * Adding to the key index and writing it (IndexService.buildIndex,
 * IndexFile.putKey), and looking things up (IndexFile.selectPhyOffset,
 * IndexService.queryOffset).
 */
#include "mqbroker/store/index.h"
#include "core/wire/message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define STAGED_FIRST 1024
#define REPLAY_BATCH 256 /* keys: long enough for their slots to be fetched */
#define GROUP_BYTES (INDEX_GROUP_SLOTS * INDEX_SLOT_SIZE)

enum status index_init(struct index *ix, struct disk *disk, struct log *log, struct commitlog *commitlog,
                       const char *root, const struct index_config *config) {
  char path[DISK_PATH_MAX];
  *ix = (struct index){
      .config = *config, .disk = disk, .log = log, .commitlog = commitlog, .after_ms = INT64_MAX, .boundary = -1};
  if (snprintf(path, sizeof path, "%s/index", root) >= (int)sizeof path) return STATUS_LIMIT;
  ix->dir = strdup(path);
  return ix->dir == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

void index_fini(struct index *ix) {
  for (size_t i = 0; i < ix->count; i++) index_file_close(ix, &ix->files[i]);
  free(ix->files);
  free(ix->slots);
  free(ix->groups);
  free(ix->block);
  free(ix->staged);
  free(ix->dir);
}

void index_fail(struct index *ix, const char *what, enum status status) {
  if (!ix->failed)
    log_error(ix->log, "key index: %s: %s; messages are found by key again after a restart", what, status_text(status));
  ix->failed = true;
  ix->staged_count = 0;
}

/* ---- keys ---- */

/* Java's Math.abs, and 0 for the one value it cannot turn. */
static int32_t hash_positive(int32_t h) {
  if (h == INT32_MIN) return 0;
  return h < 0 ? -h : h;
}

int32_t index_hash(struct span topic, struct span key) {
  return hash_positive(java_hash_more(java_hash_more(java_hash(topic), SPAN_LITERAL("#")), key));
}

static void stage_one(struct index *ix, int32_t hash, int64_t offset, int64_t store_ms) {
  if (ix->staged_count == ix->staged_cap) {
    size_t cap = ix->staged_cap == 0 ? STAGED_FIRST : ix->staged_cap * 2;
    struct index_key *grown = realloc(ix->staged, cap * sizeof *grown);
    if (grown == NULL) {
      index_fail(ix, "keys cannot be staged", STATUS_NO_MEMORY);
      return;
    }
    ix->staged = grown;
    ix->staged_cap = cap;
  }
  ix->staged[ix->staged_count++] = (struct index_key){offset, store_ms, hash};
  /* Slots are spread over 20 MB: what index_commit will need is fetched meanwhile. */
  if (ix->live != 0) __builtin_prefetch(ix->slots + (int64_t)(hash % ix->config.slots) * INDEX_SLOT_SIZE, 1);
}

/* Both properties in one pass, by the rules of property_get. */
static void keys_find(struct span properties, struct span *unique, struct span *keys) {
  *unique = *keys = SPAN_NONE;
  for (size_t at = 0; at < properties.len;) {
    size_t end = span_find(properties, PROPERTY_VALUE_END, at);
    struct span item = span_of(properties.ptr + at, end - at), name, value;
    at = end + 1;
    if (item.len == 0 || (item.ptr[0] != 'U' && item.ptr[0] != 'K')) continue;
    size_t pair = 0;
    if (!property_next(item, &pair, &name, &value)) continue;
    if (span_is(name, "UNIQ_KEY")) *unique = value;
    else if (span_is(name, "KEYS")) *keys = value;
  }
}

void index_stage(struct index *ix, struct span topic, struct span properties, int32_t sys_flag, int64_t offset,
                 int64_t store_ms) {
  struct span unique, keys;
  if (!index_is_whole(ix) || (sys_flag & SYS_TRANSACTION_MASK) == SYS_TRANSACTION_ROLLBACK) return;
  keys_find(properties, &unique, &keys);
  if (unique.len == 0 && keys.len == 0) return;
  int32_t prefix = java_hash_more(java_hash(topic), SPAN_LITERAL("#"));
  if (unique.len > 0) stage_one(ix, hash_positive(java_hash_more(prefix, unique)), offset, store_ms);
  for (size_t at = 0; at < keys.len && !ix->failed;) {
    size_t end = span_find(keys, ' ', at);
    struct span word = span_of(keys.ptr + at, end - at);
    at = end + 1;
    if (word.len > 0) stage_one(ix, hash_positive(java_hash_more(prefix, word)), offset, store_ms);
  }
}

/* ---- the live file in memory ---- */

static struct index_file *newest(struct index *ix) { return ix->count == 0 ? NULL : &ix->files[ix->count - 1]; }

/* Groups [from, end), which are due. */
static enum status groups_write(struct index *ix, struct index_file *f, size_t from, size_t end) {
  size_t slots = (size_t)ix->config.slots, at = from * GROUP_BYTES;
  size_t last = end * INDEX_GROUP_SLOTS < slots ? end * INDEX_GROUP_SLOTS : slots;
  struct span part = span_of(ix->slots + at, last * INDEX_SLOT_SIZE - at);
  enum status status = ix->disk->ops->write(ix->disk, f->file, INDEX_HEADER_SIZE + (int64_t)at, &part, 1);
  if (status != STATUS_OK) return status;
  memset(ix->groups + from, GROUP_LOADED, end - from);
  ix->due -= end - from;
  return STATUS_OK;
}

/* Where the value of a slot can be changed. */
static enum status slot_for_write(struct index *ix, struct index_file *f, int32_t slot, uint8_t **out) {
  size_t g = (size_t)slot / INDEX_GROUP_SLOTS;
  enum status status = STATUS_OK;
  if (ix->groups[g] == GROUP_ABSENT) {
    size_t from = g * INDEX_GROUP_SLOTS, n = (size_t)ix->config.slots - from;
    if (n > INDEX_GROUP_SLOTS) n = INDEX_GROUP_SLOTS;
    memcpy(ix->slots + g * GROUP_BYTES, f->view + INDEX_HEADER_SIZE + from * INDEX_SLOT_SIZE, n * INDEX_SLOT_SIZE);
  } else if (ix->groups[g] == GROUP_DUE) {
    status = groups_write(ix, f, g, g + 1);
  }
  if (status == STATUS_OK) ix->groups[g] = GROUP_DIRTY;
  *out = ix->slots + (int64_t)slot * INDEX_SLOT_SIZE;
  return status;
}

static int32_t slot_value(const struct index *ix, const struct index_file *f, int32_t slot) {
  if (f->name == ix->live && ix->groups[slot / INDEX_GROUP_SLOTS] != GROUP_ABSENT)
    return get_i32(ix->slots + (int64_t)slot * INDEX_SLOT_SIZE);
  return get_i32(f->view + INDEX_HEADER_SIZE + (int64_t)slot * INDEX_SLOT_SIZE);
}

static void entry_read(const struct index *ix, const struct index_file *f, int32_t number, struct index_entry *out) {
  if (f->name == ix->live && number >= ix->block_first)
    index_entry_get(ix->block + (int64_t)(number - ix->block_first) * INDEX_ENTRY_SIZE, out);
  else index_entry_get(f->view + index_entry_at(ix, number), out);
}

static enum status block_write(struct index *ix, struct index_file *f) {
  int32_t count = f->header.count - ix->block_first;
  if (count == 0) return STATUS_OK;
  struct span part = span_of(ix->block, (size_t)count * INDEX_ENTRY_SIZE);
  enum status status = ix->disk->ops->write(ix->disk, f->file, index_entry_at(ix, ix->block_first), &part, 1);
  if (status == STATUS_OK) ix->block_first = f->header.count;
  return status;
}

/* At most `budget` of the groups that are due. */
static enum status slots_write(struct index *ix, struct index_file *f, size_t budget) {
  enum status status = STATUS_OK;
  while (ix->due > 0 && budget > 0 && status == STATUS_OK) {
    while (ix->groups[ix->due_at] != GROUP_DUE) ix->due_at++;
    size_t from = ix->due_at, end = from, most = ix->due < budget ? ix->due : budget;
    while (end - from < most && ix->groups[end] == GROUP_DUE) end++;
    budget -= end - from;
    status = groups_write(ix, f, from, end);
  }
  return status;
}

static void slots_become_due(struct index *ix) {
  const size_t groups = ((size_t)ix->config.slots + INDEX_GROUP_SLOTS - 1) / INDEX_GROUP_SLOTS;
  for (size_t g = 0; g < groups; g++) {
    if (ix->groups[g] != GROUP_DIRTY) continue;
    ix->groups[g] = GROUP_DUE;
    ix->due++;
  }
  ix->due_at = 0;
}

/* The header goes first: if a kill comes before the slots, its time is newer than the checkpoint and nobody believes
 * the file, neither we nor Java. */
static enum status live_write_begin(struct index *ix, struct index_file *f) {
  uint8_t bytes[INDEX_HEADER_SIZE];
  index_header_put(bytes, &f->header);
  struct span part = span_of(bytes, sizeof bytes);
  enum status status = ix->disk->ops->write(ix->disk, f->file, 0, &part, 1);
  if (status == STATUS_OK) status = block_write(ix, f);
  if (status != STATUS_OK) return status;
  slots_become_due(ix);
  ix->dirty = false;
  f->unsynced = true;
  return STATUS_OK;
}

/* All of it at once: the file is full. */
static enum status live_write_all(struct index *ix, struct index_file *f) {
  enum status status = ix->dirty ? live_write_begin(ix, f) : STATUS_OK;
  return status == STATUS_OK ? slots_write(ix, f, SIZE_MAX) : status;
}

/* The file that takes the next entry, with room for it in memory. */
static enum status file_for_entry(struct index *ix, struct moment now) {
  struct index_file *f = newest(ix);
  if (f != NULL && f->name == ix->live && f->header.count < ix->config.entries)
    return f->header.count - ix->block_first < INDEX_BLOCK_ENTRIES ? STATUS_OK : block_write(ix, f);
  if (f == NULL || f->header.count >= ix->config.entries) {
    enum status status = f != NULL && f->name == ix->live ? live_write_all(ix, f) : STATUS_OK;
    if (status == STATUS_OK) status = index_file_add(ix, now);
    if (status == STATUS_OK) ix->rolled = f != NULL;
    return status;
  }
  enum status status = index_file_open(ix, f);
  return status == STATUS_OK ? index_file_begin(ix, false) : status;
}

/* IndexFile.putKey. The first entry's seconds count from the time the header was made with, and 4.7.0 counts every
 * entry as a used slot: both as in Java. */
static enum status entry_add(struct index *ix, const struct index_key *key, struct moment now) {
  enum status status = file_for_entry(ix, now);
  if (status != STATUS_OK) return status;
  struct index_file *f = newest(ix);
  struct index_header *h = &f->header;
  uint8_t *slot;
  status = slot_for_write(ix, f, key->hash % ix->config.slots, &slot);
  if (status != STATUS_OK) return status;
  int32_t previous = get_i32(slot);
  if (previous <= 0 || previous > h->count) previous = 0;
  const struct index_entry e = {key->hash, key->offset, index_seconds_since(h->begin_ms, key->store_ms), previous};
  index_entry_put(ix->block + (int64_t)(h->count - ix->block_first) * INDEX_ENTRY_SIZE, &e);
  put_i32(slot, h->count);
  if (h->count <= 1) {
    h->begin_offset = key->offset;
    h->begin_ms = key->store_ms;
  }
  h->slot_count++;
  h->count++;
  h->end_offset = key->offset;
  h->end_ms = key->store_ms;
  if (key->store_ms < ix->after_ms) ix->after_ms = key->store_ms;
  ix->dirty = true;
  return STATUS_OK;
}

void index_commit(struct index *ix, struct moment now) {
  for (size_t i = 0; i < ix->staged_count; i++) {
    enum status status = entry_add(ix, &ix->staged[i], now);
    if (status == STATUS_OK) continue;
    index_fail(ix, "it cannot be written", status);
    break;
  }
  ix->staged_count = 0;
}

/* ---- at start ---- */

/* Entries of one record lie together: those of the last one are at the chain's head. */
static bool is_in_already(const struct index *ix, const struct index_key *key) {
  for (size_t i = ix->count; i > 0; i--) {
    const struct index_file *f = &ix->files[i - 1];
    if (f->header.end_offset < key->offset || f->view == NULL) return false;
    for (int32_t n = f->header.count - 1; n > 0; n--) {
      struct index_entry e;
      entry_read(ix, f, n, &e);
      if (e.offset != key->offset) return false;
      if (e.hash == key->hash) return true;
    }
  }
  return false;
}

void index_replay(struct index *ix, struct span topic, struct span properties, int32_t sys_flag, int64_t offset,
                  int64_t store_ms, struct moment now) {
  if (offset < ix->boundary) return;
  if (offset == ix->boundary || ix->staged_count >= REPLAY_BATCH) index_commit(ix, now);
  index_stage(ix, topic, properties, sys_flag, offset, store_ms);
  if (offset != ix->boundary) return;
  size_t kept = 0;
  for (size_t i = 0; i < ix->staged_count; i++)
    if (!is_in_already(ix, &ix->staged[i])) ix->staged[kept++] = ix->staged[i];
  ix->staged_count = kept;
}

void index_end_replay(struct index *ix, struct moment now) { index_commit(ix, now); }

/* ---- writing ---- */

void index_write(struct index *ix) {
  struct index_file *f = newest(ix);
  ix->rolled = false;
  ix->after_ms = INT64_MAX;
  if (!index_is_whole(ix) || !ix->dirty || f == NULL || f->name != ix->live) return;
  enum status status = slots_write(ix, f, SIZE_MAX);
  if (status == STATUS_OK) status = live_write_begin(ix, f);
  if (status != STATUS_OK) index_fail(ix, "it cannot be written", status);
}

bool index_write_on(struct index *ix, size_t groups) {
  if (!index_is_whole(ix) || ix->due == 0) return true;
  enum status status = slots_write(ix, newest(ix), groups);
  if (status != STATUS_OK) index_fail(ix, "it cannot be written", status);
  return status != STATUS_OK || ix->due == 0;
}

int64_t index_vouched_ms(const struct index *ix, int64_t old_ms, int64_t target_ms) {
  if (index_is_whole(ix)) return target_ms < ix->after_ms ? target_ms : ix->after_ms - 1;
  return old_ms < target_ms ? old_ms : target_ms - 1;
}

struct disk_file *index_unsynced(struct index *ix) {
  struct index_file *f = NULL;
  enum status status = STATUS_OK;
  if (!index_is_whole(ix)) return NULL;
  if (ix->names_unsynced) status = ix->disk->ops->sync_dir(ix->disk, ix->dir);
  if (status == STATUS_OK) ix->names_unsynced = false;
  for (size_t i = 0; i < ix->count && f == NULL; i++)
    if (ix->files[i].unsynced) f = &ix->files[i];
  if (status == STATUS_OK && f != NULL) status = index_file_open(ix, f);
  if (status != STATUS_OK) index_fail(ix, "it cannot be synced", status);
  return status == STATUS_OK && f != NULL ? f->file : NULL;
}

bool index_owes(const struct index *ix) {
  bool owes = ix->dirty || ix->names_unsynced;
  for (size_t i = 0; i < ix->count && !owes; i++) owes = ix->files[i].unsynced;
  return owes && index_is_whole(ix);
}

void index_is_synced(struct index *ix) {
  size_t i = 0;
  while (i < ix->count && !ix->files[i].unsynced) i++;
  if (i < ix->count) ix->files[i].unsynced = false;
}

void index_sync_all(struct index *ix) {
  struct disk_file *file;
  index_write(ix);
  while (!index_write_on(ix, SIZE_MAX)) continue;
  while ((file = index_unsynced(ix)) != NULL) {
    enum status status = ix->disk->ops->sync(ix->disk, file);
    if (status != STATUS_OK) index_fail(ix, "it cannot be synced", status);
    index_is_synced(ix);
  }
}

enum status index_drop_before(struct index *ix, int64_t offset) {
  enum status status = STATUS_OK;
  /* A file that could not be loaded has no header here: nobody knows what is in it. */
  while (status == STATUS_OK && ix->count > 1 && ix->files[0].header.count > 0 &&
         ix->files[0].header.end_offset < offset)
    status = index_file_remove(ix, 0);
  return status;
}

/* ---- looking up ---- */

/* IndexFile.isTimeMatched: the two ranges meet. */
static bool times_meet(const struct index_header *h, int64_t begin_ms, int64_t end_ms) {
  return (begin_ms < h->begin_ms && end_ms > h->end_ms) || (begin_ms >= h->begin_ms && begin_ms <= h->end_ms) ||
         (end_ms >= h->begin_ms && end_ms <= h->end_ms);
}

struct search {
  int32_t hash;
  int64_t begin_ms, end_ms;
  int64_t steps;
  index_take take;
  void *context;
};

/* False: enough. */
static bool chain_walk(const struct index *ix, const struct index_file *f, struct search *s) {
  const struct index_header *h = &f->header;
  int32_t at = slot_value(ix, f, s->hash % ix->config.slots);
  while (at > 0 && at < h->count) {
    struct index_entry e;
    if (s->steps-- <= 0) return false;
    entry_read(ix, f, at, &e);
    if (e.seconds < 0) break;
    int64_t ms = h->begin_ms + (int64_t)e.seconds * 1000;
    if (e.hash == s->hash && ms >= s->begin_ms && ms <= s->end_ms && !s->take(s->context, e.offset)) return false;
    /* Java would walk in circles where entries point forward. */
    if (ms < s->begin_ms || e.previous >= at) break;
    at = e.previous;
  }
  return true;
}

void index_query(struct index *ix, int32_t hash, int64_t begin_ms, int64_t end_ms, index_take take, void *context) {
  struct search s = {hash, begin_ms, end_ms, INDEX_STEPS_MAX, take, context};
  for (size_t i = ix->count; i > 0; i--) {
    struct index_file *f = &ix->files[i - 1];
    if (times_meet(&f->header, begin_ms, end_ms)) {
      enum status status = index_file_open(ix, f);
      if (status != STATUS_OK) log_warn(ix->log, "an index file cannot be opened: %s", status_text(status));
      else if (!chain_walk(ix, f, &s)) break;
    }
    if (f->header.begin_ms < begin_ms) break;
  }
}
