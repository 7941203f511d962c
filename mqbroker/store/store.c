/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/store/store.h"
#include "mqbroker/store/record.h"
#include "mqbroker/store/store_state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define STAGED_FIRST 1024

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
  else if (config->message_size_max < RECORD_SIZE_MIN)
    buf_printf(why, "the greatest message size must be at least %d bytes", RECORD_SIZE_MIN);
  else if (delay_levels_parse(span_text(levels), delays) != STATUS_OK)
    buf_printf(why, "\"%s\" is no list of delay levels such as \"1s 5m 2h\"", levels);
  else
    return STATUS_OK;
  return STATUS_INVALID;
}

static enum status parts_init(struct store *s) {
  const struct store_config *config = &s->config;
  int64_t queue_length = (config->queue_file_length + UNIT_SIZE - 1) / UNIT_SIZE * UNIT_SIZE;
  enum status status = commitlog_init(&s->commitlog, s->disk, s->log, config->commitlog, config->segment_length,
                                      (size_t)config->message_size_max);
  if (status != STATUS_OK) return status;
  status = queues_init(&s->queues, s->disk, s->log, &s->commitlog, s->root, queue_length, config->seed);
  if (status != STATUS_OK) {
    commitlog_fini(&s->commitlog);
    return status;
  }
  s->staged_cap = STAGED_FIRST;
  s->staged = malloc(s->staged_cap * sizeof *s->staged);
  return STATUS_OK;
}

/* Closes and frees without writing. */
static void store_free(struct store *s) {
  if (s->staged != NULL) {
    queues_fini(&s->queues);
    commitlog_fini(&s->commitlog);
  }
  if (s->checkpoint_file != NULL) s->disk->ops->close(s->disk, s->checkpoint_file);
  if (s->lock != NULL) s->disk->ops->close(s->disk, s->lock);
  free(s->staged);
  free(s->root);
  free(s);
}

static enum status store_start(struct store *s, struct moment now, struct buf *why) {
  struct disk *disk = s->disk;
  char path[DISK_PATH_MAX];
  enum status status = disk->ops->make_dirs(disk, s->root);
  if (status == STATUS_OK) status = disk->ops->make_dirs(disk, s->config.commitlog);
  if (status != STATUS_OK) {
    buf_printf(why, "%s cannot be made: %s", s->root, status_text(status));
    return status;
  }
  status = lock_take(s, why);
  if (status != STATUS_OK) return status;
  status = parts_init(s);
  if (status == STATUS_OK && s->staged == NULL) {
    queues_fini(&s->queues);
    commitlog_fini(&s->commitlog);
    status = STATUS_NO_MEMORY;
  }
  if (status == STATUS_OK) status = recovery_run(s, now, why);
  if (status == STATUS_OK) status = store_path(s, "checkpoint", path) ? STATUS_OK : STATUS_LIMIT;
  if (status == STATUS_OK) status = checkpoint_open(disk, path, &s->checkpoint_file);
  if (status != STATUS_OK) return status;
  s->checkpoint_min = checkpoint_min(&s->checkpoint);
  s->config.commitlog = s->commitlog.dir;
  s->config.root = s->root;
  s->commitlog.cache.epoch = 1;
  flush_init(s, now);
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
  *s = (struct store){.config = *config, .disk = disk, .log = log, .delays = delays, .opened_mono_ms = now.mono_ms};
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
  enum status status = log_sync_all(s);
  if (status == STATUS_OK) status = queues_sync_all(&s->queues);
  /* The file allocated ahead (AllocateMappedFileService.shutdown). */
  if (status == STATUS_OK && !segments_empty(&c->files) && c->appended <= c->files.end - c->files.length)
    status = segments_drop_from(&c->files, c->appended > c->files.first ? c->appended : c->files.first);
  if (status != STATUS_OK) return status;
  s->checkpoint = (struct checkpoint){s->last_ms, s->last_ms, s->checkpoint.index_ms};
  status = checkpoint_write(s->disk, s->checkpoint_file, &s->checkpoint);
  if (status == STATUS_OK) status = s->disk->ops->sync(s->disk, s->checkpoint_file);
  if (status == STATUS_OK) status = recovery_leave_marks(s);
  if (status == STATUS_OK) status = store_path(s, "abort", path) ? STATUS_OK : STATUS_LIMIT;
  if (status == STATUS_OK) status = s->disk->ops->remove(s->disk, path);
  if (status == STATUS_OK) status = s->disk->ops->sync_dir(s->disk, s->root);
  return status;
}

void store_close(struct store *s, struct moment now) {
  if (s == NULL) return;
  enum status status = store_commit(s, now);
  if (status != STATUS_OK) log_error(s->log, "the last messages cannot be written: %s", status_text(status));
  if (s->read_only) {
    log_error(s->log, "the store is closed as it is after an error; the next start recovers it");
  } else {
    status = shut_down(s);
    if (status != STATUS_OK) log_error(s->log, "the store cannot be closed cleanly: %s", status_text(status));
  }
  store_free(s);
}

void store_abandon(struct store *s) {
  if (s != NULL) store_free(s);
}

/* ---- put ---- */

const char *store_refusal(const struct store *s) {
  if (s->read_only) return s->refusal;
  if (s->queue_trouble != STATUS_OK) return "the consume queues cannot be written at the moment";
  if (s->log_trouble != STATUS_OK) return "the commit log cannot be written at the moment";
  return NULL;
}

static bool refused_now(const struct store *s) {
  return s->read_only || s->queue_trouble != STATUS_OK || s->turn_failed != STATUS_OK;
}

/* Nothing staged since the last commit exists any more. */
static void staged_lost(struct store *s, enum status status) {
  for (size_t i = 0; i < s->staged_count; i++)
    if (s->staged[i].queue != NULL) s->staged[i].queue->next = s->staged[i].queue->max;
  s->staged_count = 0;
  s->log_trouble = status;
  if (status == STATUS_IO) store_make_read_only(s, "the commit log cannot be written", status);
}

static bool staged_room(struct store *s, size_t count) {
  if (s->staged_count + count <= s->staged_cap) return true;
  size_t cap = s->staged_cap * 2;
  while (cap < s->staged_count + count) cap *= 2;
  struct staged *grown = realloc(s->staged, cap * sizeof *grown);
  if (grown == NULL) return false;
  s->staged = grown;
  s->staged_cap = cap;
  return true;
}

/* A NUL in the properties would look like a torn record to the recovery after a crash. */
static bool acceptable(const struct message *m) {
  return m->topic.len > 0 && m->topic.len <= TOPIC_LENGTH_MAX && m->properties.len <= PROPERTIES_LENGTH_MAX &&
         m->body.len <= INT32_MAX && span_find(m->topic, 0, 0) == m->topic.len &&
         span_find(m->properties, 0, 0) == m->properties.len;
}

static bool size_fits(const struct store *s, size_t size) {
  return size <= (size_t)s->config.message_size_max && (int64_t)size + BLANK_SIZE_MIN <= s->config.segment_length;
}

static enum put_status put_status_of(enum status status) {
  if (status == STATUS_OK) return PUT_OK;
  if (status == STATUS_NO_MEMORY) return PUT_NO_MEMORY;
  return status == STATUS_INVALID ? PUT_MESSAGE_ILLEGAL : PUT_SERVICE_NOT_AVAILABLE;
}

/* Room in the log for size bytes; the checkpoint is lowered if this begins a file in the past. */
static enum status log_reserve(struct store *s, size_t size, int64_t store_ms, uint8_t **out, int64_t *offset) {
  enum status status = commitlog_reserve(&s->commitlog, size, out, offset);
  if (status != STATUS_OK) {
    staged_lost(s, status);
    s->turn_failed = status;
    return status;
  }
  if (store_ms <= s->checkpoint_min && *offset == segments_start_of(&s->commitlog.files, *offset))
    flush_lower_checkpoint(s, store_ms);
  return STATUS_OK;
}

/* One record into the reserved bytes. */
static void stage(struct store *s, struct message *m, struct consumequeue *q, size_t size, int64_t offset,
                  uint8_t *out) {
  m->physical_offset = offset;
  m->queue_offset = q == NULL ? 0 : q->next++;
  message_encode(m, out);
  m->body_crc = get_i32(out + 8);
  s->staged[s->staged_count++] = (struct staged){
      q, m->queue_offset,
      {offset, (int32_t)size, q == NULL ? 0 : derive_tags_code(&s->delays, m->topic, m->properties, m->store_ms)}};
  s->staged_last_ms = m->store_ms;
  s->facts.put_count++;
  s->facts.put_bytes += (int64_t)size;
}

enum put_status store_put(struct store *s, struct message *m, struct moment now, struct put_result *out) {
  struct consumequeue *q = NULL;
  uint8_t *place;
  int64_t offset;
  if (refused_now(s)) return PUT_SERVICE_NOT_AVAILABLE;
  if (!acceptable(m)) return PUT_MESSAGE_ILLEGAL;
  size_t size = message_size(m);
  if (!size_fits(s, size)) return PUT_MESSAGE_ILLEGAL;
  enum status status = STATUS_OK;
  if (derive_enters_queue(m->sys_flag)) status = queues_get(&s->queues, m->topic, m->queue_id, true, &q);
  if (status != STATUS_OK) return put_status_of(status);
  if (!staged_room(s, 1)) return PUT_NO_MEMORY;
  m->store_ms = now.wall_ms;
  status = log_reserve(s, size, m->store_ms, &place, &offset);
  if (status != STATUS_OK) return put_status_of(status);
  stage(s, m, q, size, offset, place);
  *out = (struct put_result){offset, offset + (int64_t)size, m->queue_offset, m->store_ms, 1};
  return PUT_OK;
}

static struct message batch_message(const struct message *shared, const struct batch_item *item) {
  struct message m = *shared;
  m.flag = item->flag;
  m.body = item->body;
  m.properties = item->properties;
  m.prepared_offset = 0;
  return m;
}

enum put_status store_put_batch(struct store *s, struct message *m, const struct batch_item *items, size_t count,
                                struct moment now, struct put_result *out, int64_t *physical_offsets) {
  struct consumequeue *q;
  size_t total = 0;
  if (refused_now(s)) return PUT_SERVICE_NOT_AVAILABLE;
  if (count == 0 || count > INT32_MAX || (m->sys_flag & SYS_TRANSACTION_MASK) != 0) return PUT_MESSAGE_ILLEGAL;
  m->store_ms = now.wall_ms;
  for (size_t i = 0; i < count; i++) {
    struct message one = batch_message(m, &items[i]);
    if (!acceptable(&one)) return PUT_MESSAGE_ILLEGAL;
    total += message_size(&one);
    if (!size_fits(s, total)) return PUT_MESSAGE_ILLEGAL;
  }
  enum status status = queues_get(&s->queues, m->topic, m->queue_id, true, &q);
  if (status != STATUS_OK) return put_status_of(status);
  if (!staged_room(s, count)) return PUT_NO_MEMORY;
  uint8_t *place;
  int64_t offset;
  status = log_reserve(s, total, m->store_ms, &place, &offset);
  if (status != STATUS_OK) return put_status_of(status);
  *out = (struct put_result){offset, offset + (int64_t)total, q->next, m->store_ms, (int32_t)count};
  for (size_t i = 0; i < count; i++) {
    struct message one = batch_message(m, &items[i]);
    size_t size = message_size(&one);
    stage(s, &one, q, size, offset, place);
    if (physical_offsets != NULL) physical_offsets[i] = offset;
    offset += (int64_t)size;
    place += size;
  }
  m->queue_offset = out->queue_offset;
  m->physical_offset = out->physical_offset;
  return PUT_OK;
}

/* ---- commit ---- */

static void staged_dispatch(struct store *s, struct moment now) {
  for (size_t i = 0; i < s->staged_count; i++) {
    struct staged *t = &s->staged[i];
    if (t->queue == NULL) continue;
    enum status status = consumequeue_put(t->queue, t->index, &t->unit, now.mono_ms);
    if (status == STATUS_NO_MEMORY || status == STATUS_IO)
      store_make_read_only(s, "a consume queue cannot be written", status);
    else if (status != STATUS_OK)
      s->queue_trouble = status;
    if (s->listener.arrived != NULL && status != STATUS_NO_MEMORY)
      s->listener.arrived(s->listener.context, t->queue->topic, t->queue->id, t->queue->max, t->unit.tags_code);
  }
  s->staged_count = 0;
}

enum status store_commit(struct store *s, struct moment now) {
  enum status status = s->turn_failed;
  s->turn_failed = STATUS_OK;
  if (status != STATUS_OK || s->staged_count == 0) return status;
  status = commitlog_commit(&s->commitlog);
  if (status != STATUS_OK) {
    staged_lost(s, status);
    return status;
  }
  s->log_trouble = STATUS_OK;
  s->last_ms = s->staged_last_ms;
  staged_dispatch(s, now);
  return STATUS_OK;
}

/* ---- the rest of the door ---- */

int64_t store_tick(struct store *s, struct moment now) {
  if (s->facts.recovery_ms < 0) s->facts.recovery_ms = now.mono_ms - s->opened_mono_ms;
  if (!s->read_only) {
    enum status status = commitlog_prepare(&s->commitlog);
    if (status != STATUS_OK) log_warn(s->log, "the next log file cannot be allocated: %s", status_text(status));
  }
  /* What was read in this turn may leave only after it: the files close a turn later. */
  segment_cache_trim(&s->commitlog.cache, COMMITLOG_OPEN_MAX);
  s->commitlog.cache.epoch++;
  return flush_tick(s, now);
}

enum status store_delete_topic(struct store *s, struct span topic) {
  struct consumequeue **list;
  size_t count;
  char path[DISK_PATH_MAX];
  enum status status = queues_sorted(&s->queues, topic, &list, &count);
  if (status != STATUS_OK) return status;
  if (count > 0) snprintf(path, sizeof path, "%s/%.*s", s->queues.dir, SPAN_ARG(topic));
  for (size_t i = 0; i < count && status == STATUS_OK; i++) {
    struct consumequeue *q = list[i];
    if (!q->loaded) status = consumequeue_load(q, s->commitlog.appended);
    if (status == STATUS_OK) status = consumequeue_reset(q);
    if (status != STATUS_OK) break;
    status = s->disk->ops->remove(s->disk, q->dir);
    if (status == STATUS_NOT_FOUND) status = STATUS_OK;
    /* What is staged for it keeps its number and finds an empty queue. */
    if (status == STATUS_OK && q->next == q->max) queues_forget(&s->queues, q);
  }
  free(list);
  if (count == 0 || status != STATUS_OK) return status;
  status = s->disk->ops->remove(s->disk, path);
  return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

void store_facts(const struct store *s, struct store_facts *out) {
  struct commitlog *c = &((struct store *)(uintptr_t)s)->commitlog; /* looking may open a file */
  *out = s->facts;
  if (out->recovery_ms < 0) out->recovery_ms = 0;
  out->earliest_store_ms = commitlog_time_at(c, c->files.first);
  out->dispatch_behind = 0;
}
