/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/store/consumequeue.h"
#include "mqbroker/store/record.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#define TAIL_BYTES (TAIL_UNITS * UNIT_SIZE)

/* ---- the desk ---- */

void queue_desk_init(struct queue_desk *d, struct disk *disk, struct log *log, struct commitlog *commitlog,
                     int64_t file_length, int64_t ext_file_length, bool ext_enabled) {
  *d = (struct queue_desk){.disk = disk, .log = log, .commitlog = commitlog, .file_length = file_length};
  segment_cache_init(&d->cache, disk);
  ext_desk_init(&d->ext, disk, log, ext_file_length, ext_enabled);
}

static size_t tail_bytes(size_t size) { return (size_t)TAIL_UNITS_FIRST * UNIT_SIZE << size; }

static uint8_t *free_tail_pop(struct queue_desk *d, size_t size) {
  uint8_t *tail = d->free_tails[size];
  if (tail != NULL) memcpy(&d->free_tails[size], tail, sizeof tail);
  return tail;
}

static void free_tails_free(struct queue_desk *d) {
  for (size_t size = 0; size < TAIL_SIZES; size++)
    for (uint8_t *tail; (tail = free_tail_pop(d, size)) != NULL;) {
      free(tail);
      d->tail_bytes -= tail_bytes(size);
    }
}

void queue_desk_fini(struct queue_desk *d) {
  free_tails_free(d);
  ext_desk_fini(&d->ext);
}

static struct queue_link *tail_link(struct consumequeue *q) { return &q->tail_link; }
static struct queue_link *sync_link(struct consumequeue *q) { return &q->sync_link; }

static void list_push(struct queue_list *list, struct consumequeue *q,
                      struct queue_link *(*link)(struct consumequeue *)) {
  struct queue_link *l = link(q);
  if (l->linked) return;
  *l = (struct queue_link){.older = list->newest, .linked = true};
  if (list->newest != NULL) link(list->newest)->newer = q;
  else list->oldest = q;
  list->newest = q;
  list->count++;
}

static void list_remove(struct queue_list *list, struct consumequeue *q,
                        struct queue_link *(*link)(struct consumequeue *)) {
  struct queue_link *l = link(q);
  if (!l->linked) return;
  if (l->older != NULL) link(l->older)->newer = l->newer;
  else list->oldest = l->newer;
  if (l->newer != NULL) link(l->newer)->older = l->older;
  else list->newest = l->older;
  *l = (struct queue_link){0};
  list->count--;
}

/* TAIL_SIZES: grown beyond them because it could not be written. */
static size_t tail_size(size_t units) {
  size_t size = 0;
  while (size < TAIL_SIZES && (size_t)TAIL_UNITS_FIRST << size != units) size++;
  return size;
}

static void buffer_release(struct queue_desk *d, uint8_t *tail, size_t units) {
  size_t size = tail_size(units);
  if (size < TAIL_SIZES) {
    memcpy(tail, &d->free_tails[size], sizeof tail);
    d->free_tails[size] = tail;
  } else {
    free(tail);
    d->tail_bytes -= units * UNIT_SIZE;
  }
}

static void tail_release(struct consumequeue *q) {
  list_remove(&q->desk->with_tail, q, tail_link);
  if (q->tail == NULL) return;
  buffer_release(q->desk, q->tail, q->tail_cap);
  q->tail = NULL;
  q->tail_cap = 0;
}

/* For the limit free buffers go first, then whoever waited longest (never `q`) writes and gives its buffer away; if it
 * cannot, one more is made. */
static uint8_t *buffer_take(struct consumequeue *q, size_t size) {
  struct queue_desk *d = q->desk;
  uint8_t *tail = free_tail_pop(d, size);
  if (tail != NULL) return tail;
  if (d->tail_bytes + tail_bytes(size) > TAILS_BYTES_MAX) free_tails_free(d);
  struct consumequeue *oldest = d->with_tail.oldest;
  if (d->tail_bytes + tail_bytes(size) > TAILS_BYTES_MAX && oldest != NULL && oldest != q) {
    enum status status = consumequeue_write(oldest);
    if (status != STATUS_OK) log_warn(d->log, "a consume queue cannot be written now: %s", status_text(status));
    free_tails_free(d);
  }
  tail = malloc(tail_bytes(size));
  if (tail != NULL) d->tail_bytes += tail_bytes(size);
  return tail;
}

static enum status tail_take(struct consumequeue *q) {
  q->tail = buffer_take(q, 0);
  if (q->tail == NULL) return STATUS_NO_MEMORY;
  q->tail_cap = TAIL_UNITS_FIRST;
  return STATUS_OK;
}

static enum status tail_grow(struct consumequeue *q) {
  size_t size = tail_size(q->tail_cap);
  uint8_t *bigger = buffer_take(q, size + 1);
  if (bigger == NULL) return STATUS_NO_MEMORY;
  memcpy(bigger, q->tail, q->tail_cap * UNIT_SIZE);
  buffer_release(q->desk, q->tail, q->tail_cap);
  q->tail = bigger;
  q->tail_cap *= 2;
  return STATUS_OK;
}

/* ---- one queue ---- */

struct consumequeue *consumequeue_new(struct queue_desk *d, char *dir, struct span topic, int32_t id) {
  struct consumequeue *q = calloc(1, sizeof *q);
  if (q == NULL) {
    free(dir);
    return NULL;
  }
  q->desk = d;
  q->dir = dir;
  q->topic = topic;
  q->id = id;
  segments_init(&q->files, &d->cache, dir, d->file_length);
  q->files.open_flags = DISK_RANDOM; /* most queue files are mostly holes */
  return q;
}

void consumequeue_free(struct consumequeue *q) {
  tail_release(q);
  list_remove(&q->desk->unsynced, q, sync_link);
  segments_fini(&q->files);
  queue_ext_free(q->ext);
  free(q->dir);
  free(q);
}

void unit_get(const uint8_t *p, struct unit *out) {
  out->offset = get_i64(p);
  out->size = get_i32(p + 8);
  out->tags_code = get_i64(p + 12);
}

static void unit_put(uint8_t *p, const struct unit *unit) {
  put_i64(p, unit->offset);
  put_i32(p + 8, unit->size);
  put_i64(p + 12, unit->tags_code);
}

static bool unit_blank(const struct unit *u) { return u->offset == 0 && u->size == BLANK_UNIT_SIZE; }

static enum status file_of(struct consumequeue *q, int64_t index, struct segment **out) {
  segment_cache_trim(&q->desk->cache, QUEUE_FILES_OPEN_MAX - 1);
  return segments_at(&q->files, index * UNIT_SIZE, out);
}

enum status consumequeue_units(struct consumequeue *q, int64_t index, const uint8_t **units, int64_t *count) {
  if (index < 0 || index >= q->max) return STATUS_NOT_FOUND;
  if (index >= q->written) {
    *units = q->tail + (index - q->written) * UNIT_SIZE;
    *count = q->max - index;
    return STATUS_OK;
  }
  struct segment *g;
  enum status status = file_of(q, index, &g);
  if (status != STATUS_OK) return status;
  *units = g->view + (index * UNIT_SIZE - g->start);
  *count = (g->start + q->files.length) / UNIT_SIZE - index;
  if (*count > q->written - index) *count = q->written - index;
  return STATUS_OK;
}

enum status consumequeue_unit(struct consumequeue *q, int64_t index, struct unit *out) {
  const uint8_t *p;
  int64_t count;
  enum status status = consumequeue_units(q, index, &p, &count);
  if (status == STATUS_OK) unit_get(p, out);
  return status;
}

int64_t consumequeue_time_at(struct consumequeue *q, int64_t index) {
  struct unit u;
  if (consumequeue_unit(q, index, &u) != STATUS_OK) return -1;
  return commitlog_time_at(q->desk->commitlog, u.offset);
}

/* ---- writing ---- */

static enum status blanks_write(struct segment *g, int64_t until) {
  uint8_t block[TAIL_BYTES];
  const struct unit blank = {.size = BLANK_UNIT_SIZE};
  for (int i = 0; i < TAIL_UNITS; i++) unit_put(block + i * UNIT_SIZE, &blank);
  for (int64_t at = g->start; at < until;) {
    int64_t n = until - at < TAIL_BYTES ? until - at : TAIL_BYTES;
    enum status status = segment_write(g, at, span_of(block, (size_t)n));
    if (status != STATUS_OK) return status;
    at += n;
  }
  return STATUS_OK;
}

/* The file that takes unit number `written`, made if need be (ConsumeQueue.putMessagePositionInfo, fillPreBlank). */
static enum status file_for_write(struct consumequeue *q, struct segment **out) {
  int64_t offset = q->written * UNIT_SIZE;
  struct disk *disk = q->desk->disk;
  enum status status = file_of(q, q->written, out);
  if (status != STATUS_NOT_FOUND) return status;
  bool first = segments_empty(&q->files);
  if (first) status = disk->ops->make_dirs(disk, q->dir);
  else status = STATUS_OK;
  if (status == STATUS_OK) status = segments_add(&q->files, offset - offset % q->files.length, 0, out);
  if (status != STATUS_OK) return status;
  q->names_unsynced = true;
  if (first && offset > (*out)->start) status = blanks_write(*out, offset);
  return status;
}

enum status consumequeue_write(struct consumequeue *q) {
  enum status status = q->ext == NULL ? STATUS_OK : queue_ext_write(q->ext);
  const uint8_t *from = q->tail;
  while (q->written < q->max && status == STATUS_OK) {
    struct segment *g;
    status = file_for_write(q, &g);
    if (status != STATUS_OK) break;
    int64_t at = q->written * UNIT_SIZE, n = (q->max - q->written) * UNIT_SIZE;
    if (n > g->start + q->files.length - at) n = g->start + q->files.length - at;
    status = segment_write(g, at, span_of(from, (size_t)n));
    if (status != STATUS_OK) break;
    from += n;
    q->written += n / UNIT_SIZE;
    list_push(&q->desk->unsynced, q, sync_link);
  }
  if (status == STATUS_OK) tail_release(q);
  else if (from > q->tail) memmove(q->tail, from, (size_t)((q->max - q->written) * UNIT_SIZE));
  return status;
}

enum status consumequeue_sync_names(struct consumequeue *q) {
  if (q->ext != NULL) {
    enum status status = queue_ext_sync_names(q->ext);
    if (status != STATUS_OK) return status;
  }
  if (!q->names_unsynced) return STATUS_OK;
  enum status status = disk_sync_names(q->desk->disk, q->dir, 2); /* with consumequeue/TOPIC and consumequeue */
  if (status == STATUS_OK) q->names_unsynced = false;
  return status;
}

enum status consumequeue_sync(struct consumequeue *q) {
  enum status status = consumequeue_write(q);
  struct disk *disk = q->desk->disk;
  if (status == STATUS_OK && q->ext != NULL) status = queue_ext_sync(q->ext);
  while (q->synced < q->written && status == STATUS_OK) {
    struct segment *g;
    status = file_of(q, q->synced, &g);
    if (status == STATUS_OK) status = disk->ops->sync(disk, g->file);
    if (status != STATUS_OK) break;
    int64_t end = (g->start + q->files.length) / UNIT_SIZE;
    q->synced = end < q->written ? end : q->written;
  }
  if (status == STATUS_OK) status = consumequeue_sync_names(q);
  if (status == STATUS_OK) consumequeue_is_synced(q);
  return status;
}

void consumequeue_is_synced(struct consumequeue *q) {
  assert(q->synced == q->written);
  list_remove(&q->desk->unsynced, q, sync_link);
}

static enum status tail_make_room(struct consumequeue *q) {
  if (q->tail == NULL) return tail_take(q);
  if ((size_t)(q->max - q->written) < q->tail_cap) return STATUS_OK;
  if (q->tail_cap < TAIL_UNITS) return tail_grow(q);
  /* Full and not writable: keep the units, the log has them already. */
  if (q->tail_cap > SIZE_MAX / (2 * UNIT_SIZE)) return STATUS_NO_MEMORY;
  uint8_t *grown = realloc(q->tail, q->tail_cap * 2 * UNIT_SIZE);
  if (grown == NULL) return STATUS_NO_MEMORY;
  q->desk->tail_bytes += q->tail_cap * UNIT_SIZE;
  q->tail = grown;
  q->tail_cap *= 2;
  return STATUS_OK;
}

/* The ext unit's address, or the tags code if there is no place for one (ConsumeQueue.putMessagePositionInfoWrapper).
 */
static int64_t ext_append(struct consumequeue *q, const struct ext_unit *ext) {
  struct buf why = {0}; /* nothing is read that could be wrong */
  int64_t address;
  if (q->ext == NULL && consumequeue_add_ext(q, true, NULL, false, &why) != STATUS_OK) return ext->tags_code;
  return queue_ext_put(q->ext, ext, &address) ? address : ext->tags_code;
}

static enum status unit_append(struct consumequeue *q, const struct unit *plain, const struct ext_unit *ext,
                               int64_t mono_ms) {
  struct unit extended = *plain, *unit = &extended;
  enum status status = tail_make_room(q);
  if (status != STATUS_OK) return status;
  if (ext != NULL) extended.tags_code = ext_append(q, ext);
  if (!q->tail_link.linked) {
    list_push(&q->desk->with_tail, q, tail_link);
    q->tail_since_ms = mono_ms;
    q->tail_offset = unit->offset;
  }
  unit_put(q->tail + (q->max - q->written) * UNIT_SIZE, unit);
  q->max++;
  if (!unit_blank(unit)) q->physical_max = unit->offset + unit->size;
  bool crowded = ext != NULL && q->ext != NULL && queue_ext_crowded(q->ext, ext->bitmap.len);
  if (!crowded && q->max - q->written < TAIL_UNITS && q->max % consumequeue_units_per_file(q) != 0) return STATUS_OK;
  return consumequeue_write(q);
}

static void queue_start_at(struct consumequeue *q, int64_t index) {
  q->min = q->max = q->written = q->synced = index;
  q->physical_max = 0;
}

/* Number 0 again behind all others: the topic was deleted and made anew. */
bool consumequeue_begins_anew(const struct consumequeue *q, int64_t index, const struct unit *unit) {
  if (index == q->max) return false;
  bool fresh = q->max == q->min && segments_empty(&q->files);
  return consumequeue_unsettled_empty(q) || (!fresh && index == 0 && unit->offset >= q->physical_max);
}

enum status consumequeue_put(struct consumequeue *q, int64_t index, const struct unit *unit, const struct ext_unit *ext,
                             int64_t mono_ms) {
  if (index < 0 || index > INT64_MAX / UNIT_SIZE - q->files.length) return STATUS_INVALID;
  if (consumequeue_begins_anew(q, index, unit)) {
    enum status status = consumequeue_reset(q);
    if (status != STATUS_OK) return status;
  }
  if (index != q->max) {
    if (index > q->max && (q->max > q->min || !segments_empty(&q->files))) return STATUS_NOT_FOUND;
    if (q->max > q->min || !segments_empty(&q->files)) return STATUS_OK;
    queue_start_at(q, index);
  }
  enum status status = unit_append(q, unit, ext, mono_ms);
  if (q->next < q->max) q->next = q->max;
  return status;
}

enum status consumequeue_fill(struct consumequeue *q, int64_t index, const struct unit *next, int64_t mono_ms) {
  if (index - q->max > HOLE_UNITS_MAX) return STATUS_LIMIT;
  enum status status = STATUS_OK;
  while (q->max < index && status == STATUS_OK) status = unit_append(q, next, NULL, mono_ms);
  return status;
}

enum status consumequeue_reset(struct consumequeue *q) {
  int64_t staged = q->next - q->max;
  tail_release(q);
  list_remove(&q->desk->unsynced, q, sync_link);
  q->unsettled = false;
  q->max = q->written;
  enum status status = segments_drop_from(&q->files, q->files.first);
  if (status == STATUS_OK && q->ext != NULL) status = queue_ext_reset(q->ext);
  if (status != STATUS_OK) return status;
  int64_t next = q->next;
  queue_start_at(q, 0);
  q->next = staged > 0 ? next : 0;
  q->loaded = true;
  return STATUS_OK;
}
