/* SPDX-License-Identifier: Apache-2.0
 *
 * Units are gathered in a small tail for each queue and written when it is
 * full; a file is open only while it is written, so there may be any number of
 * queues. A store with ext units gets them again, with the bit maps they had:
 * the log does not know those.
 */
#include "tools/mqstore/rebuild.h"

#include <inttypes.h>
#include <stdlib.h>

enum { TAIL_BYTES = 256 * UNIT_BYTES, EXT_TAIL_FULL = 8192, EXT_TAIL_MAX = 1 << 20 };
#define HOLE_MAX 10000000 /* units: a larger jump of queue offsets is damage */

/* One of a queue's two lists of files. */
struct built_files {
  const char *tree; /* consumequeue or consumequeue_ext */
  int64_t length;
  int64_t unsynced; /* start of the file written last; < 0: none */
};

struct built_queue {
  struct span topic;
  int32_t id;
  struct built_files units, ext;
  int64_t next;        /* unit that comes next; < 0: none yet */
  int64_t written;     /* units before it are in files */
  uint8_t *tail;       /* of units [written, next) */
  int64_t ext_written; /* bytes of ext units before it are in files */
  struct buf ext_tail; /* those that follow */
};

struct queue_builder {
  struct rebuild *r;
  struct map queues; /* key: topic and id */
};

struct queue_builder *queue_builder_new(struct rebuild *r) {
  struct queue_builder *b = calloc(1, sizeof *b);
  if (b == NULL) return NULL;
  b->r = r;
  map_init(&b->queues, 0);
  return b;
}

void queue_builder_free(struct queue_builder *b) {
  if (b == NULL) return;
  for (struct map_entry *e = map_first(&b->queues); e != NULL; e = map_next(&b->queues, e)) {
    struct built_queue *q = e->value;
    buf_fini(&q->ext_tail);
    free(q->tail);
    free(q);
  }
  map_fini(&b->queues);
  free(b);
}

static struct built_queue *find_or_make(struct queue_builder *b, const struct message *m) {
  uint8_t key[TOPIC_LENGTH_MAX + 4];
  memcpy(key, m->topic.ptr, m->topic.len);
  put_i32(key + m->topic.len, m->queue_id);
  struct span name = span_of(key, m->topic.len + 4);
  struct built_queue *q = map_get(&b->queues, name);
  if (q != NULL) return q;
  q = calloc(1, sizeof *q);
  if (q == NULL) return NULL;
  q->id = m->queue_id;
  q->next = -1;
  q->units = (struct built_files){"consumequeue", b->r->queue_file, -1};
  q->ext = (struct built_files){"consumequeue_ext", b->r->ext_file, -1};
  buf_init(&q->ext_tail, EXT_TAIL_MAX);
  q->topic = arena_copy(&b->r->store->arena, m->topic);
  q->tail = malloc(TAIL_BYTES);
  if (q->topic.ptr == NULL || q->tail == NULL || map_put(&b->queues, name, q, NULL) != STATUS_OK) {
    free(q->tail);
    free(q);
    return NULL;
  }
  return q;
}

static bool queue_dir(const struct queue_builder *b, const struct built_queue *q, const struct built_files *f,
                      char out[DISK_PATH_MAX]) {
  return snprintf(out, DISK_PATH_MAX, "%s/new/%s/%.*s/%" PRId32, b->r->dir, f->tree, SPAN_ARG(q->topic), q->id) <
         DISK_PATH_MAX;
}

static enum status file_open(struct queue_builder *b, const struct built_queue *q, const struct built_files *f,
                             int64_t start, struct disk_file **out) {
  char path[DISK_PATH_MAX];
  struct disk *disk = b->r->store->disk;
  if (!queue_dir(b, q, f, path)) return STATUS_LIMIT;
  enum status status = disk->ops->make_dirs(disk, path);
  if (status != STATUS_OK) return status;
  size_t n = strlen(path);
  if (snprintf(path + n, sizeof path - n, "/%020" PRId64, start) >= (int)(sizeof path - n)) return STATUS_LIMIT;
  return disk->ops->open(disk, path, DISK_CREATE, f->length, out);
}

static enum status file_sync(struct queue_builder *b, struct built_queue *q, struct built_files *f) {
  struct disk *disk = b->r->store->disk;
  struct disk_file *file;
  if (f->unsynced < 0) return STATUS_OK;
  enum status status = file_open(b, q, f, f->unsynced, &file);
  if (status != STATUS_OK) return status;
  status = disk->ops->sync(disk, file);
  disk->ops->close(disk, file);
  f->unsynced = -1;
  return status;
}

/* Bytes at a place in the list of files, within one file. */
static enum status write_at(struct queue_builder *b, struct built_queue *q, struct built_files *f, int64_t position,
                            struct span bytes) {
  struct disk *disk = b->r->store->disk;
  struct disk_file *file;
  int64_t start = position - position % f->length;
  enum status status = start == f->unsynced ? STATUS_OK : file_sync(b, q, f);
  if (status == STATUS_OK) status = file_open(b, q, f, start, &file);
  if (status != STATUS_OK) return status;
  status = disk->ops->write(disk, file, position - start, &bytes, 1);
  disk->ops->close(disk, file);
  f->unsynced = start;
  return status;
}

static enum status bytes_write(struct queue_builder *b, struct built_queue *q, struct built_files *f, int64_t position,
                               struct span bytes) {
  while (bytes.len > 0) {
    int64_t n = f->length - position % f->length;
    if (n > (int64_t)bytes.len) n = (int64_t)bytes.len;
    enum status status = write_at(b, q, f, position, span_of(bytes.ptr, (size_t)n));
    if (status != STATUS_OK) return status;
    position += n;
    bytes = span_from(bytes, (size_t)n);
  }
  return STATUS_OK;
}

static enum status tail_write(struct queue_builder *b, struct built_queue *q) {
  struct span tail = span_of(q->tail, (size_t)((q->next - q->written) * UNIT_BYTES));
  enum status status = bytes_write(b, q, &q->units, q->written * UNIT_BYTES, tail);
  if (status == STATUS_OK) q->written = q->next;
  return status;
}

/* ---- ext units ---- */

static enum status ext_tail_write(struct queue_builder *b, struct built_queue *q) {
  enum status status = bytes_write(b, q, &q->ext, q->ext_written, buf_span(&q->ext_tail));
  q->ext_written += (int64_t)q->ext_tail.len;
  buf_clear(&q->ext_tail);
  return status;
}

/* ConsumeQueueExt.put: a unit does not span files, and four bytes of each are spare. */
static enum status ext_append(struct queue_builder *b, struct built_queue *q, const struct ext_unit *unit,
                              int64_t *address) {
  enum { SPARE = 4, END_MARK = 0xFFFF };
  struct buf *tail = &q->ext_tail;
  int64_t size = EXT_UNIT_MIN + (int64_t)unit->bit_map.len, length = b->r->ext_file;
  int64_t end = q->ext_written + (int64_t)tail->len, rest = length - end % length;
  if (size > length - SPARE) return STATUS_OK; /* the queue's unit keeps the tags code */
  if (size > rest - SPARE) {
    buf_put_u16(tail, END_MARK);
    for (int64_t i = 2; i < rest; i++) buf_put_u8(tail, 0);
    end += rest;
  }
  buf_put_u16(tail, (uint16_t)size);
  buf_put_u64(tail, (uint64_t)unit->tags_code);
  buf_put_u64(tail, (uint64_t)unit->store_ms);
  buf_put_u16(tail, (uint16_t)unit->bit_map.len);
  buf_put(tail, unit->bit_map);
  if (tail->failed) return STATUS_NO_MEMORY;
  *address = INT64_MIN + end;
  return tail->len < EXT_TAIL_FULL ? STATUS_OK : ext_tail_write(b, q);
}

/* What the new unit holds: its tags code, or the address of an ext unit if the old one did. Where there was no unit the
 * broker was to make one, with an ext unit. */
static enum status tags_or_address(struct queue_builder *b, struct built_queue *q, const struct log_item *item,
                                   int64_t *out) {
  const struct message *m = &item->message;
  struct ext_unit unit = {.tags_code = *out, .store_ms = m->store_ms}, was;
  struct queue_unit u;
  if (b->r->ext_file == 0) return STATUS_OK;
  const struct store_queue *old = queue_find(&b->r->store->queues, m->topic, m->queue_id);
  if (old != NULL && m->queue_offset < old->end && queue_unit_at(old, m->queue_offset, &u) &&
      u.offset == item->record_offset) {
    if (!unit_has_ext(&u)) return STATUS_OK;
    if (queue_ext_at(old, u.tags_code, &was)) unit.bit_map = was.bit_map;
  }
  return ext_append(b, q, &unit, out);
}

/* ---- units ---- */

static enum status unit_put(struct queue_builder *b, struct built_queue *q, int64_t offset, int32_t size,
                            int64_t tags) {
  if ((q->next - q->written) * UNIT_BYTES == TAIL_BYTES) {
    enum status status = tail_write(b, q);
    if (status != STATUS_OK) return status;
  }
  uint8_t *p = q->tail + (q->next - q->written) * UNIT_BYTES;
  put_i64(p, offset);
  put_i32(p + 8, size);
  put_i64(p + 12, tags);
  q->next++;
  return STATUS_OK;
}

/* Blanks before the first record there is, if the log began later once (ConsumeQueue.fillPreBlank). Messages that are
 * lost show the next one: a blank in the middle would make Java pass over the rest of a log file
 * (DefaultMessageStore.getMessage). */
static enum status fill_to(struct queue_builder *b, struct built_queue *q, int64_t index, bool blank,
                           const struct log_item *item) {
  const struct message *m = &item->message;
  enum status status = STATUS_OK;
  while (q->next < index && status == STATUS_OK)
    status = blank ? unit_put(b, q, 0, BLANK_SIZE, 0)
                   : unit_put(b, q, item->record_offset, (int32_t)item->record.len, record_tags_code(&b->r->delays, m));
  return status;
}

static enum status files_remove(struct queue_builder *b, struct built_queue *q, struct built_files *f) {
  char dir[DISK_PATH_MAX], path[DISK_PATH_MAX];
  struct disk *disk = b->r->store->disk;
  struct disk_entry *entries;
  size_t count;
  if (!queue_dir(b, q, f, dir)) return STATUS_LIMIT;
  enum status status = disk->ops->list(disk, dir, &b->r->store->arena, &entries, &count);
  if (status == STATUS_NOT_FOUND) status = STATUS_OK, count = 0;
  for (size_t i = 0; i < count && status == STATUS_OK; i++) {
    if (snprintf(path, sizeof path, "%s/%.*s", dir, SPAN_ARG(entries[i].name)) >= (int)sizeof path) return STATUS_LIMIT;
    status = disk->ops->remove(disk, path);
  }
  f->unsynced = -1;
  return status;
}

/* The topic was deleted and made anew: what came before is not in the queue. */
static enum status start_over(struct queue_builder *b, struct built_queue *q) {
  enum status status = files_remove(b, q, &q->units);
  if (status == STATUS_OK) status = files_remove(b, q, &q->ext);
  q->next = -1;
  q->written = q->ext_written = 0;
  buf_clear(&q->ext_tail);
  return status;
}

enum status queue_builder_put(struct queue_builder *b, const struct log_item *item) {
  const struct message *m = &item->message;
  struct rebuild *r = b->r;
  enum status status = STATUS_OK;
  if (!record_enters_queue(m)) return STATUS_OK;
  if (!topic_name_valid(m->topic, NULL) || m->queue_id < 0 || m->queue_offset < 0 ||
      m->queue_offset > QUEUE_OFFSET_MAX) {
    snprintf(r->why, sizeof r->why, "the record at offset %" PRId64 " has no valid topic or queue",
             item->record_offset);
    return STATUS_CORRUPT;
  }
  struct built_queue *q = find_or_make(b, m);
  if (q == NULL) return STATUS_NO_MEMORY;
  if (q->next >= 0 && m->queue_offset == 0) status = start_over(b, q);
  bool blank = q->next < 0 && log_min(&r->store->log) > 0;
  if (q->next < 0 && !blank)
    q->next = q->written = 0;
  else if (q->next < 0)
    q->next = q->written = m->queue_offset - m->queue_offset % (r->queue_file / UNIT_BYTES);
  if (m->queue_offset < q->next || m->queue_offset - q->next > HOLE_MAX) {
    snprintf(r->why, sizeof r->why,
             "queue offset %" PRId64 " of the record at offset %" PRId64 " where %" PRId64 " comes next",
             m->queue_offset, item->record_offset, q->next);
    return STATUS_CORRUPT;
  }
  int64_t tags = record_tags_code(&r->delays, m);
  if (status == STATUS_OK) status = fill_to(b, q, m->queue_offset, blank, item);
  if (status == STATUS_OK) status = tags_or_address(b, q, item, &tags);
  if (status == STATUS_OK) status = unit_put(b, q, item->record_offset, (int32_t)item->record.len, tags);
  r->units++;
  return status;
}

static enum status files_finish(struct queue_builder *b, struct built_queue *q, struct built_files *f) {
  char dir[DISK_PATH_MAX];
  struct disk *disk = b->r->store->disk;
  enum status status = file_sync(b, q, f);
  if (status == STATUS_OK) status = queue_dir(b, q, f, dir) ? disk->ops->sync_dir(disk, dir) : STATUS_LIMIT;
  if (status != STATUS_OK) return status;
  *strrchr(dir, '/') = '\0';
  return disk->ops->sync_dir(disk, dir);
}

enum status queue_builder_finish(struct queue_builder *b) {
  enum status status = STATUS_OK;
  for (struct map_entry *e = map_first(&b->queues); e != NULL && status == STATUS_OK; e = map_next(&b->queues, e)) {
    struct built_queue *q = e->value;
    status = tail_write(b, q);
    if (status == STATUS_OK) status = ext_tail_write(b, q);
    if (status == STATUS_OK) status = files_finish(b, q, &q->units);
    if (status == STATUS_OK && q->ext_written > 0) status = files_finish(b, q, &q->ext);
  }
  return status;
}
