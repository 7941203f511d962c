/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/store/store.h"
#include "mqbroker/store/record.h"
#include "mqbroker/store/recovery.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define STAGED_FIRST 1024
#define ALLOCATE_RETRY_MS 1000

bool store_path(const struct store *s, const char *name, char out[DISK_PATH_MAX]) {
  return snprintf(out, DISK_PATH_MAX, "%s/%s", s->root, name) < DISK_PATH_MAX;
}

void store_make_read_only(struct store *s, const char *what, enum status status) {
  if (s->read_only) return;
  s->read_only = true;
  snprintf(s->refusal, sizeof s->refusal, "%s: %s; restart after repair", what, status_text(status));
  log_error(s->log, "store is read-only: %s", s->refusal);
}

/* ---- open and close ---- */

static enum status lock_take(struct store *s, struct buf *why) {
  char path[DISK_PATH_MAX];
  struct span text = SPAN_LITERAL("lock");
  if (!store_path(s, "lock", path)) return STATUS_LIMIT;
  enum status status = s->disk->ops->lock(s->disk, path, &s->lock);
  if (status == STATUS_OK) status = s->disk->ops->write(s->disk, s->lock, 0, &text, 1);
  if (status == STATUS_BUSY) buf_printf(why, "%s is locked: another process uses this store", path);
  else if (status != STATUS_OK) buf_printf(why, "%s cannot be locked: %s", path, status_text(status));
  return status;
}

static enum status config_check(const struct store_config *config, struct delay_levels *delays, struct buf *why) {
  const char *levels = config->delay_levels != NULL ? config->delay_levels : DELAY_LEVELS_DEFAULT;
  if (config->segment_length < 4096 || config->segment_length > INT32_MAX)
    buf_printf(why, "the commit log's file size must be between 4096 and %d bytes", INT32_MAX);
  else if (config->queue_file_length < UNIT_SIZE || config->queue_file_length > INT32_MAX - UNIT_SIZE)
    buf_printf(why, "the consume queues' file size must be between %d and %d bytes", UNIT_SIZE, INT32_MAX - UNIT_SIZE);
  else if (config->ext.enabled && (config->ext.file_length < EXT_FILE_MIN || config->ext.file_length > INT32_MAX))
    buf_printf(why, "the extended queues' file size must be between %d and %d bytes", EXT_FILE_MIN, INT32_MAX);
  else if (config->message_size_max < RECORD_SIZE_MIN)
    buf_printf(why, "the greatest message size must be at least %d bytes", RECORD_SIZE_MIN);
  else if (!index_config_valid(&config->index))
    buf_printf(why, "an index file of %d slots and %d entries: there must be 1 to %d slots, at least 2 entries, and the "
               "file must have less than %d bytes", config->index.slots, config->index.entries, INDEX_SLOTS_MAX, INT32_MAX);
  else if (delay_levels_parse(span_text(levels), delays) != STATUS_OK)
    buf_printf(why, "\"%s\" is no list of delay levels such as \"1s 5m 2h\"", levels);
  else
    return STATUS_OK;
  return STATUS_INVALID;
}

static enum status parts_init(struct store *s) {
  const struct store_config *config = &s->config;
  int64_t queue_length = (config->queue_file_length + UNIT_SIZE - 1) / UNIT_SIZE * UNIT_SIZE;
  const char *dir = config->group != NULL ? config->group->dir : config->commitlog;
  s->old_dir = strdup(config->commitlog);
  if (s->old_dir == NULL) return STATUS_NO_MEMORY;
  enum status status = commitlog_init(&s->commitlog, s->disk, s->log, dir, config->segment_length,
                                      (size_t)config->message_size_max);
  if (status != STATUS_OK) return status;
  status = queues_init(&s->queues, s->disk, s->log, &s->commitlog, s->root, queue_length,
                       config->ext.file_length > 0 ? config->ext.file_length : EXT_FILE_MIN, config->ext.enabled,
                       config->seed);
  if (status != STATUS_OK) {
    commitlog_fini(&s->commitlog);
    return status;
  }
  status = index_init(&s->index, s->disk, s->log, &s->commitlog, s->root, &config->index);
  if (status != STATUS_OK) {
    queues_fini(&s->queues);
    commitlog_fini(&s->commitlog);
    return status;
  }
  buf_init(&s->bitmaps, STAGED_BITMAP_BYTES_MAX);
  s->staged_cap = STAGED_FIRST;
  s->staged = malloc(s->staged_cap * sizeof *s->staged);
  return STATUS_OK;
}

/* Closes and frees without writing. */
static void store_free(struct store *s) {
  if (s->staged != NULL) {
    index_fini(&s->index);
    queues_fini(&s->queues);
    commitlog_fini(&s->commitlog);
  }
  if (s->checkpoint_file != NULL) s->disk->ops->close(s->disk, s->checkpoint_file);
  if (s->flushed_file != NULL) s->disk->ops->close(s->disk, s->flushed_file);
  if (s->lock != NULL) s->disk->ops->close(s->disk, s->lock);
  buf_fini(&s->bitmaps);
  free(s->staged);
  free(s->raw.bytes);
  free(s->old_dir);
  free(s->root);
  free(s);
}

/* What we read may not be what is on disk, if a sync of it failed: a checkpoint that was lowered must stay low. */
static enum status checkpoint_settle(struct store *s) {
  enum status status = checkpoint_write(s->disk, s->checkpoint_file, &s->checkpoint);
  return status == STATUS_OK ? s->disk->ops->sync(s->disk, s->checkpoint_file) : status;
}

static enum status store_start(struct store *s, struct moment now, struct buf *why) {
  struct disk *disk = s->disk;
  char path[DISK_PATH_MAX];
  enum status status = layout_check(s, why);
  if (status != STATUS_OK) return status;
  status = disk->ops->make_dirs(disk, s->root);
  if (status == STATUS_OK) status = disk->ops->make_dirs(disk, s->config.commitlog);
  if (status != STATUS_OK) {
    buf_printf(why, "%s cannot be made: %s", s->root, status_text(status));
    return status;
  }
  status = lock_take(s, why);
  if (status != STATUS_OK) return status;
  status = parts_init(s);
  if (status == STATUS_OK && s->staged == NULL) {
    index_fini(&s->index);
    queues_fini(&s->queues);
    commitlog_fini(&s->commitlog);
    status = STATUS_NO_MEMORY;
  }
  if (status == STATUS_OK) status = recovery_run(s, now, why);
  if (status == STATUS_OK) status = store_path(s, "checkpoint", path) ? STATUS_OK : STATUS_LIMIT;
  if (status == STATUS_OK) status = checkpoint_open(disk, path, &s->checkpoint_file);
  if (status == STATUS_OK && !s->was_clean) status = checkpoint_settle(s);
  if (status != STATUS_OK) return status;
  if (s->config.group == NULL) flushed_mark_open(s);
  s->checkpoint_min = checkpoint_min(&s->checkpoint);
  s->config.commitlog = s->commitlog.dir;
  s->config.root = s->root;
  s->commitlog.cache.epoch = 1;
  queues_open_everything(&s->queues);
  flush_init(s, now);
  retention_init(s, now);
  return STATUS_OK;
}

enum status store_open(struct store **out, const struct store_config *config, struct disk *disk, struct log *log,
                       const struct store_listener *listener, struct moment now, struct buf *why) {
  struct delay_levels delays;
  *out = NULL;
  enum status status = config_check(config, &delays, why);
  if (status != STATUS_OK) return status;
  struct store *s = calloc(1, sizeof *s);
  if (s == NULL) return STATUS_NO_MEMORY;
  *s = (struct store){.config = *config, .disk = disk, .log = log, .delays = delays, .opened_mono_ms = now.mono_ms, .last_record = -1, .raw.begin = -1};
  if (listener != NULL) s->listener = *listener;
  s->facts = (struct store_facts){.boot_ms = now.wall_ms, .recovery_ms = -1};
  s->root = strdup(config->root);
  status = s->root == NULL ? STATUS_NO_MEMORY : store_start(s, now, why);
  if (status != STATUS_OK) {
    if (why->len == 0) buf_printf(why, "store %s cannot be opened: %s", config->root, status_text(status));
    store_free(s);
    return status;
  }
  *out = s;
  return STATUS_OK;
}

static enum status log_sync_all(struct store *s) {
  struct commitlog *c = &s->commitlog;
  enum status status = STATUS_OK;
  for (int64_t at = s->flusher.flushed; at < c->appended && status == STATUS_OK;) {
    struct segment *g;
    status = segments_at(&c->files, at, &g);
    if (status == STATUS_OK) status = s->disk->ops->sync(s->disk, g->file);
    if (status == STATUS_OK) at = g->start + c->files.length;
  }
  return status;
}

/* Everything durable, in the order a crash in between must see it. */
static enum status shut_down(struct store *s) {
  struct commitlog *c = &s->commitlog;
  char path[DISK_PATH_MAX];
  /* The next start trusts what a clean close leaves: a torn record behind the end would count as one. */
  enum status status = c->entries ? STATUS_OK : commitlog_wipe(c);
  if (status == STATUS_OK && !c->entries) status = log_sync_all(s);
  if (status == STATUS_OK) status = queues_sync_all(&s->queues);
  if (status == STATUS_OK) index_sync_all(&s->index);
  /* The file allocated ahead (AllocateMappedFileService.shutdown). */
  if (status == STATUS_OK && !c->entries && !segments_empty(&c->files) && c->appended <= c->files.end - c->files.length)
    status = segments_drop_from(&c->files, c->appended > c->files.first ? c->appended : c->files.first);
  /* A clean store has no file that a power cut could bring back, and that might be short. */
  if (status == STATUS_OK) status = s->disk->ops->sync_dir(s->disk, c->dir);
  /* Index files that could not be synced may be short one day, and of a sync that is still under way nobody will hear
   * how it ends: then the checkpoint stays, and the next start looks as it does after a crash. */
  bool certain = !s->index.failed && !s->flusher.index_busy && s->flusher.queue_busy == 0;
  if (!certain) log_info(s->log, "not everything is known to be on disk: the next start checks the files");
  if (status != STATUS_OK || !certain) return status;
  s->checkpoint = (struct checkpoint){s->last_ms, s->last_ms,
                                      index_vouched_ms(&s->index, s->checkpoint.index_ms, s->last_ms)};
  status = checkpoint_write(s->disk, s->checkpoint_file, &s->checkpoint);
  if (status == STATUS_OK) status = s->disk->ops->sync(s->disk, s->checkpoint_file);
  if (status == STATUS_OK && !c->entries) status = recovery_leave_marks(s);
  if (status == STATUS_OK) status = store_path(s, "abort", path) ? STATUS_OK : STATUS_LIMIT;
  if (status == STATUS_OK) status = s->disk->ops->remove(s->disk, path);
  if (status == STATUS_OK) status = s->disk->ops->sync_dir(s->disk, s->root);
  return status;
}

enum status store_close(struct store *s, struct moment now) {
  if (s == NULL) return STATUS_OK;
  enum status status = store_commit(s, now);
  if (status != STATUS_OK) log_error(s->log, "the last messages cannot be written: %s", status_text(status));
  if (s->read_only) {
    log_error(s->log, "the store is closed as it is after an error; the next start recovers it");
    status = STATUS_IO;
  } else {
    enum status down = shut_down(s);
    if (down != STATUS_OK) log_error(s->log, "the store cannot be closed cleanly: %s", status_text(down));
    if (status == STATUS_OK) status = down;
  }
  store_free(s);
  return status;
}

void store_abandon(struct store *s) {
  if (s != NULL) store_free(s);
}

/* ---- the rest of the door ---- */

bool store_is_full(const struct store *s) {
  return s->retention.level == SPACE_FULL || s->queue_trouble == STATUS_NO_SPACE;
}

const char *store_refusal(const struct store *s) {
  if (s->read_only) return s->refusal;
  const char *why = s->config.group == NULL ? NULL : s->config.group->ops->refusal(s->config.group);
  if (why != NULL) return why;
  if (s->retention.level == SPACE_FULL || s->queue_trouble == STATUS_NO_SPACE || s->log_trouble == STATUS_NO_SPACE)
    return s->retention.reason;
  if (s->queue_trouble != STATUS_OK) return "the consume queues cannot be written at the moment";
  if (s->log_trouble != STATUS_OK) return "the commit log cannot be written at the moment";
  return NULL;
}

/* Ahead of need, so it may fail without harm to anybody yet. */
static void next_file_allocate(struct store *s, struct moment now) {
  enum status status = commitlog_prepare(&s->commitlog);
  if (status == STATUS_OK) return;
  s->allocate_ms = now.mono_ms + ALLOCATE_RETRY_MS;
  log_warn(s->log, "the next log file cannot be allocated: %s", status_text(status));
}

int64_t store_tick(struct store *s, struct moment now) {
  if (s->facts.recovery_ms < 0) s->facts.recovery_ms = now.mono_ms - s->opened_mono_ms;
  if (!s->read_only && s->retention.level != SPACE_FULL && now.mono_ms >= s->allocate_ms) next_file_allocate(s, now);
  /* What was read in this turn may leave only after it: the files close a turn later. */
  segment_cache_trim(&s->commitlog.cache, COMMITLOG_OPEN_MAX);
  segments_close_dropped(&s->commitlog.files);
  s->commitlog.cache.epoch++;
  int64_t flush_at = flush_tick(s, now), clean_at = retention_tick(s, now);
  return flush_at < clean_at ? flush_at : clean_at;
}

void store_facts(const struct store *s, struct store_facts *out) {
  struct commitlog *c = &((struct store *)(uintptr_t)s)->commitlog; /* looking may open a file */
  *out = s->facts;
  if (out->recovery_ms < 0) out->recovery_ms = 0;
  out->earliest_store_ms = commitlog_time_at(c, c->files.first);
  out->dispatch_behind = 0;
}
