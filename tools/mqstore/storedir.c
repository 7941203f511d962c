/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mqstore/tool.h"

#include <stdlib.h>
#include <time.h>

#define SMALL_FILE_MAX 65536

const char *storedir_path(struct storedir *s, const char *name) {
  size_t n = strlen(s->root) + strlen(name) + 2;
  char *path = arena_alloc(&s->arena, n);
  if (path != NULL) snprintf(path, n, "%s/%s", s->root, name);
  return path;
}

const char *storedir_dated(struct storedir *s, const char *prefix) {
  char at[32], name[64];
  time_t seconds = (time_t)(s->tool->now_ms / 1000);
  struct tm tm = {0};
  localtime_r(&seconds, &tm);
  strftime(at, sizeof at, "%Y%m%d%H%M%S", &tm);
  snprintf(name, sizeof name, "%s%s", prefix, at);
  return storedir_path(s, name);
}

static enum status small_file(struct storedir *s, const char *name, struct span *out) {
  const char *path = storedir_path(s, name);
  struct buf b;
  if (path == NULL) return STATUS_NO_MEMORY;
  buf_init(&b, SMALL_FILE_MAX);
  enum status status = disk_read_whole(s->disk, path, &b);
  if (status == STATUS_OK) {
    *out = arena_copy(&s->arena, buf_span(&b));
    if (out->ptr == NULL) status = STATUS_NO_MEMORY;
  }
  buf_fini(&b);
  return status;
}

/* StoreCheckpoint */
static void checkpoint_load(struct storedir *s) {
  struct span bytes;
  if (small_file(s, "checkpoint", &bytes) != STATUS_OK) return;
  s->checkpoint = (struct checkpoint_times){.exists = true, .length = (int64_t)bytes.len};
  if (bytes.len < 24) return;
  s->checkpoint.physic_ms = get_i64(bytes.ptr);
  s->checkpoint.logics_ms = get_i64(bytes.ptr + 8);
  s->checkpoint.index_ms = get_i64(bytes.ptr + 16);
}

/* The value of "key=..." in java.util.Properties text as DLedger writes it. */
static struct span property_line(struct span text, const char *key) {
  for (size_t at = 0; at < text.len;) {
    size_t end = span_find(text, '\n', at), n = strlen(key);
    struct span line = span_of(text.ptr + at, end - at);
    if (span_starts(line, key) && line.len > n && line.ptr[n] == '=') return span_trim(span_from(line, n + 1));
    at = end + 1;
  }
  return SPAN_NONE;
}

static enum status ledger_files(struct storedir *s, const char *name) {
  char path[DISK_PATH_MAX], label[FILE_LABEL_MAX];
  struct ledger_facts *l = &s->ledger;
  struct span text;
  l->name = name;
  s->log.sources[1].dledger = true;
  snprintf(label, sizeof label, "%s/data", name);
  if (snprintf(path, sizeof path, "%s/%s", s->root, label) >= (int)sizeof path) return STATUS_LIMIT;
  enum status status = file_list_load(&s->log.sources[1].files, &s->cache, &s->arena, path, label);
  snprintf(label, sizeof label, "%s/index", name);
  snprintf(path, sizeof path, "%s/%s", s->root, label);
  if (status == STATUS_OK) status = file_list_load(&l->index, &s->cache, &s->arena, path, label);
  snprintf(label, sizeof label, "%s/currterm", name);
  if (small_file(s, label, &text) == STATUS_OK) {
    l->has_term = span_to_i64(property_line(text, "currTerm"), &l->term);
    l->vote = property_line(text, "voteLeader");
  }
  snprintf(label, sizeof label, "%s/checkpoint", name);
  if (small_file(s, label, &text) == STATUS_OK)
    l->has_checkpoint = span_to_i64(property_line(text, "committedIndex"), &l->committed_index) &&
                        span_to_i64(property_line(text, "endIndex"), &l->end_index);
  if (!l->has_checkpoint || !span_to_i64(property_line(text, "syncedIndex"), &l->synced_index)) l->synced_index = -1;
  snprintf(label, sizeof label, "%s/repair", name);
  l->has_repair = small_file(s, label, &text) == STATUS_OK;
  if (l->has_repair && !span_to_i64(property_line(text, "damagedIndex"), &l->damaged_index))
    l->damaged_index = INT64_MAX;
  return status;
}

static enum status ledger_load(struct storedir *s) {
  struct disk_entry *entries;
  size_t count;
  enum status status = s->disk->ops->list(s->disk, s->root, &s->arena, &entries, &count);
  for (size_t i = 0; i < count && status == STATUS_OK; i++)
    if (entries[i].directory && span_starts(entries[i].name, "dledger-"))
      return ledger_files(s, (const char *)entries[i].name.ptr);
  return status;
}

static enum status log_load(struct storedir *s) {
  const char *dir = s->tool->o.commitlog != NULL ? s->tool->o.commitlog : storedir_path(s, "commitlog");
  if (dir == NULL) return STATUS_NO_MEMORY;
  s->log.sources[1].files.cache = &s->cache;
  enum status status = file_list_load(&s->log.sources[0].files, &s->cache, &s->arena, dir, "commitlog");
  return status == STATUS_OK ? ledger_load(s) : status;
}

int storedir_open_log(struct storedir *s, struct tool *t, const char *root) {
  *s = (struct storedir){.tool = t, .disk = t->disk, .root = root};
  arena_init(&s->arena, SIZE_MAX / 2);
  file_cache_init(&s->cache, t->disk);
  map_init(&s->queues.by_key, 0);
  struct disk_entry entry;
  enum status status = t->disk->ops->stat(t->disk, root, &entry);
  if (status != STATUS_OK || !entry.directory)
    return tool_fail(t, "%s: %s", root, status != STATUS_OK ? status_text(status) : "not a directory");
  status = log_load(s);
  if (status != STATUS_OK) return tool_fail(t, "%s: %s", root, status_text(status));
  if (!s->log.sources[0].files.exists && !s->log.sources[1].files.exists)
    return tool_fail(t, "%s: no commitlog and no dledger-*/data here (--commitlog says where it is)", root);
  return EXIT_FINE;
}

int storedir_open(struct storedir *s, struct tool *t, const char *root) {
  int code = storedir_open_log(s, t, root);
  if (code != EXIT_FINE) return code;
  checkpoint_load(s);
  const char *abort_path = storedir_path(s, "abort"), *lock_path = storedir_path(s, "lock");
  struct disk_entry entry;
  if (abort_path == NULL || lock_path == NULL) return tool_fail(t, "out of memory");
  s->abort_exists = s->disk->ops->stat(s->disk, abort_path, &entry) == STATUS_OK;
  s->running = !t->locked && store_lock_is_held(lock_path);
  enum status status = queue_tree_load(&s->queues, &s->arena, &s->cache, root);
  if (status == STATUS_OK) status = key_index_load(&s->index, s->disk, &s->arena, root, t->o.index_slots);
  if (status != STATUS_OK) return tool_fail(t, "%s: %s", root, status_text(status));
  return EXIT_FINE;
}

int storedir_trouble(struct storedir *s, int code) {
  if (s->cache.trouble == STATUS_OK) return code;
  return tool_fail(s->tool, "%s: a file cannot be read: %s", s->root, status_text(s->cache.trouble));
}

void storedir_fini(struct storedir *s) {
  queue_tree_fini(&s->queues);
  if (s->index.disk != NULL) key_index_fini(&s->index);
  file_cache_fini(&s->cache);
  arena_fini(&s->arena);
}
