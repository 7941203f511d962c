/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/store/queue_ext.h"

#include "core/base/bytes.h"

#include <stdlib.h>

#define END_MARK 0xFF /* two of them: a size of -1 */
#define END_MARK_BYTES 2

/* ---- the desk ---- */

void ext_desk_init(struct ext_desk *d, struct disk *disk, struct log *log, int64_t file_length, bool enabled) {
  *d = (struct ext_desk){.disk = disk, .log = log, .file_length = file_length, .enabled = enabled};
  segment_cache_init(&d->cache, disk);
}

void ext_desk_fini(struct ext_desk *d) {
  while (d->free_tails != NULL) {
    uint8_t *next;
    memcpy(&next, d->free_tails, sizeof next);
    free(d->free_tails);
    d->free_tails = next;
  }
}

static void tail_release(struct queue_ext *e) {
  struct ext_desk *d = e->desk;
  if (e->tail != NULL && e->tail_cap == EXT_TAIL_BYTES) {
    memcpy(e->tail, &d->free_tails, sizeof d->free_tails);
    d->free_tails = e->tail;
  } else {
    free(e->tail);
  }
  e->tail = NULL;
  e->tail_cap = 0;
}

/* Room for n more bytes behind what is in the tail. */
static bool tail_room(struct queue_ext *e, size_t n) {
  struct ext_desk *d = e->desk;
  size_t used = (size_t)(e->end - e->written);
  if (e->tail == NULL && d->free_tails != NULL) {
    e->tail = d->free_tails;
    e->tail_cap = EXT_TAIL_BYTES;
    memcpy(&d->free_tails, e->tail, sizeof d->free_tails);
  }
  if (used + n <= e->tail_cap) return true;
  size_t cap = e->tail_cap == 0 ? EXT_TAIL_BYTES : e->tail_cap * 2;
  while (cap < used + n) cap *= 2;
  uint8_t *grown = realloc(e->tail, cap);
  if (grown == NULL) return false;
  e->tail = grown;
  e->tail_cap = cap;
  return true;
}

/* ---- units ---- */

struct queue_ext *queue_ext_new(struct ext_desk *d, char *dir) {
  struct queue_ext *e = calloc(1, sizeof *e);
  if (e == NULL) {
    free(dir);
    return NULL;
  }
  e->desk = d;
  e->dir = dir;
  segments_init(&e->files, &d->cache, dir, d->file_length);
  return e;
}

void queue_ext_free(struct queue_ext *e) {
  if (e == NULL) return;
  tail_release(e);
  segments_fini(&e->files);
  free(e->dir);
  free(e);
}

/* ConsumeQueueExt.decorate, unDecorate */
static int64_t address_of(int64_t offset) { return INT64_MIN + offset; }
static int64_t offset_of(int64_t address) { return (int64_t)((uint64_t)address - (uint64_t)INT64_MIN); }

static int64_t file_start(const struct queue_ext *e, int64_t offset) {
  return segments_empty(&e->files) ? offset - offset % e->files.length : segments_start_of(&e->files, offset);
}

static void unit_put(uint8_t *p, const struct ext_unit *unit) {
  put_u16(p, (uint16_t)(EXT_UNIT_MIN + unit->bitmap.len));
  put_i64(p + 2, unit->tags_code);
  put_i64(p + 10, unit->store_ms);
  put_u16(p + 18, (uint16_t)unit->bitmap.len);
  if (unit->bitmap.len > 0) memcpy(p + EXT_UNIT_MIN, unit->bitmap.ptr, unit->bitmap.len);
}

/* Size of the unit at p, at most `room` bytes; 0: there is none. */
static int64_t unit_get(const uint8_t *p, int64_t room, struct ext_unit *out) {
  if (room < EXT_UNIT_MIN) return 0;
  int64_t size = get_i16(p), bitmap = get_i16(p + 18);
  if (bitmap < 0 || size != EXT_UNIT_MIN + bitmap || size > room) return 0;
  *out = (struct ext_unit){get_i64(p + 2), get_i64(p + 10),
                           bitmap > 0 ? span_of(p + EXT_UNIT_MIN, (size_t)bitmap) : SPAN_NONE};
  return size;
}

static enum status file_of(struct queue_ext *e, int64_t offset, struct segment **out) {
  segment_cache_trim(&e->desk->cache, EXT_FILES_OPEN_MAX - 1);
  return segments_at(&e->files, offset, out);
}

bool queue_ext_put(struct queue_ext *e, const struct ext_unit *unit, int64_t *address) {
  if (unit->bitmap.len > EXT_UNIT_MAX - EXT_UNIT_MIN) return false;
  int64_t size = EXT_UNIT_MIN + (int64_t)unit->bitmap.len;
  if (size > e->files.length - EXT_SPARE_BYTES) return false;
  int64_t rest = file_start(e, e->end) + e->files.length - e->end;
  if (size <= rest - EXT_SPARE_BYTES) rest = 0;
  if (e->end > offset_of(EXT_ADDRESS_MAX) - rest - size || !tail_room(e, (size_t)(rest + size))) return false;
  uint8_t *p = e->tail + (e->end - e->written);
  if (rest > 0) { /* fullFillToEnd */
    memset(p, 0, (size_t)rest);
    memset(p, END_MARK, rest < END_MARK_BYTES ? (size_t)rest : END_MARK_BYTES);
  }
  unit_put(p + rest, unit);
  *address = address_of(e->end + rest);
  e->end += rest + size;
  return true;
}

bool queue_ext_crowded(const struct queue_ext *e, size_t bitmap_len) {
  size_t size = EXT_UNIT_MIN + bitmap_len;
  return (size_t)(e->end - e->written) + 2 * size + EXT_SPARE_BYTES > EXT_TAIL_BYTES;
}

bool queue_ext_get(struct queue_ext *e, int64_t address, struct ext_unit *out) {
  int64_t at = offset_of(address);
  struct segment *g;
  if (!ext_is_address(address) || at >= e->end) return false;
  if (at >= e->written) return unit_get(e->tail + (at - e->written), e->end - at, out) > 0;
  if (file_of(e, at, &g) != STATUS_OK) return false;
  return unit_get(g->view + (at - g->start), g->start + e->files.length - at, out) > 0;
}

/* ---- writing ---- */

static enum status file_for_write(struct queue_ext *e, struct segment **out) {
  struct disk *disk = e->desk->disk;
  enum status status = file_of(e, e->written, out);
  if (status != STATUS_NOT_FOUND) return status;
  status = segments_empty(&e->files) ? disk->ops->make_dirs(disk, e->dir) : STATUS_OK;
  if (status == STATUS_OK) status = segments_add(&e->files, file_start(e, e->written), 0, out);
  if (status == STATUS_OK) e->names_unsynced = true;
  return status;
}

enum status queue_ext_write(struct queue_ext *e) {
  const uint8_t *from = e->tail;
  enum status status = STATUS_OK;
  while (e->written < e->end && status == STATUS_OK) {
    struct segment *g;
    status = file_for_write(e, &g);
    if (status != STATUS_OK) break;
    int64_t n = g->start + e->files.length - e->written;
    if (n > e->end - e->written) n = e->end - e->written;
    status = segment_write(g, e->written, span_of(from, (size_t)n));
    if (status != STATUS_OK) break;
    from += n;
    e->written += n;
  }
  if (status == STATUS_OK) tail_release(e);
  else if (from > e->tail) memmove(e->tail, from, (size_t)(e->end - e->written));
  return status;
}

/* ---- making it durable ---- */

enum status queue_ext_unsynced(struct queue_ext *e, struct disk_file **out) {
  struct segment *g;
  if (e->synced >= e->written) return STATUS_NOT_FOUND;
  enum status status = file_of(e, e->synced, &g);
  if (status == STATUS_OK) *out = g->file;
  return status;
}

void queue_ext_is_synced(struct queue_ext *e) {
  int64_t end = file_start(e, e->synced) + e->files.length;
  e->synced = end < e->written ? end : e->written;
}

enum status queue_ext_sync_names(struct queue_ext *e) {
  if (!e->names_unsynced) return STATUS_OK;
  /* With consumequeue_ext/TOPIC, consumequeue_ext, and its name in the root. */
  enum status status = disk_sync_names(e->desk->disk, e->dir, 3);
  if (status == STATUS_OK) e->names_unsynced = false;
  return status;
}

enum status queue_ext_sync(struct queue_ext *e) {
  struct disk *disk = e->desk->disk;
  struct disk_file *file;
  enum status status;
  while ((status = queue_ext_unsynced(e, &file)) == STATUS_OK) {
    status = disk->ops->sync(disk, file);
    if (status != STATUS_OK) return status;
    queue_ext_is_synced(e);
  }
  return status == STATUS_NOT_FOUND ? queue_ext_sync_names(e) : status;
}

/* ---- removing ---- */

static void start_at(struct queue_ext *e, int64_t offset) { e->end = e->written = e->synced = offset; }

enum status queue_ext_reset(struct queue_ext *e) {
  tail_release(e);
  e->end = e->written;
  enum status status = segments_drop_from(&e->files, e->files.first);
  if (status == STATUS_OK) start_at(e, 0);
  return status;
}

enum status queue_ext_trim(struct queue_ext *e, int64_t address, bool *removed) {
  *removed = false;
  if (!ext_is_address(address) || e->files.end - e->files.first <= e->files.length) return STATUS_OK;
  if (e->files.first + e->files.length >= offset_of(address)) return STATUS_OK;
  enum status status = queue_ext_sync_names(e); /* one name after the other, see file_remove in retention.c */
  if (status == STATUS_OK) status = segments_drop_first(&e->files);
  if (status != STATUS_OK) return status;
  e->names_unsynced = true;
  if (e->synced < e->files.first) e->synced = e->files.first;
  *removed = true;
  return STATUS_OK;
}

/* ---- loading ---- */

/* A run of zeros this long behind the end is taken for the unused rest of the file. */
#define QUIET_BYTES 65536

/* Here they end. Stale units behind are wiped: newer ones of other lengths would leave pieces of them, at which Java
 * stumbles when it opens the file. */
static enum status end_here(struct queue_ext *e, int64_t end) {
  struct segment *g;
  enum status status = segments_drop_from(&e->files, file_start(e, end - 1) + e->files.length);
  start_at(e, end);
  if (status != STATUS_OK || end >= e->files.end) return status;
  status = file_of(e, end, &g);
  if (status != STATUS_OK) return status;
  int64_t dirty = segment_last_nonzero(g, end, QUIET_BYTES);
  return dirty > end ? segment_zero(g, end, dirty) : STATUS_OK;
}

enum status queue_ext_end_at(struct queue_ext *e, int64_t address, int64_t store_ms) {
  int64_t at = offset_of(address);
  struct segment *g;
  struct ext_unit unit;
  enum status status = file_of(e, at, &g);
  if (status != STATUS_OK) return status;
  int64_t size = unit_get(g->view + (at - g->start), g->start + e->files.length - at, &unit);
  if (size == 0 || (store_ms >= 0 && unit.store_ms != store_ms)) return STATUS_NOT_FOUND;
  return end_here(e, at + size);
}

enum status queue_ext_end_find(struct queue_ext *e) {
  struct segment *g;
  struct ext_unit unit;
  if (segments_empty(&e->files)) {
    start_at(e, 0);
    return STATUS_OK;
  }
  int64_t at = e->files.end - e->files.length, size;
  enum status status = file_of(e, at, &g);
  if (status != STATUS_OK) return status;
  while ((size = unit_get(g->view + (at - g->start), e->files.end - at, &unit)) > 0) at += size;
  if (at == g->start) { /* an untouched file: the one before is full */
    start_at(e, at);
    return STATUS_OK;
  }
  return end_here(e, at);
}

enum status queue_ext_restart(struct queue_ext *e, int64_t address) {
  int64_t at = offset_of(address);
  enum status status = segments_drop_from(&e->files, e->files.first);
  if (status == STATUS_OK) start_at(e, at - at % e->files.length + e->files.length);
  return status;
}

void queue_ext_end_open(struct queue_ext *e) { start_at(e, e->files.end); }
