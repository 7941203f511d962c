/* SPDX-License-Identifier: Apache-2.0
 *
 * A ledger's life and what is read from it.
 */
#include "libdledger/ledger_parts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define VERIFY_BACK_BYTES (64 << 20)
#define FLUSH_INTERVAL_MS 500
#define CHECKPOINT_INTERVAL_MS 3000

bool ledger_path(const struct ledger *l, const char *name, char out[DISK_PATH_MAX]) {
  int n = snprintf(out, DISK_PATH_MAX, "%s/%s", l->dir, name);
  return n > 0 && n < DISK_PATH_MAX;
}

static char *joined(const char *dir, const char *name) {
  size_t size = strlen(dir) + strlen(name) + 2;
  char *path = malloc(size);
  if (path != NULL) snprintf(path, size, "%s/%s", dir, name);
  return path;
}

void ledger_abandon(struct ledger *l) {
  if (l == NULL) return;
  segments_fini(&l->data);
  segments_fini(&l->index);
  l->disk->ops->close(l->disk, l->checkpoint_file);
  l->disk->ops->close(l->disk, l->lock_file);
  free(l->dir);
  free(l->data_dir);
  free(l->index_dir);
  free(l->stage);
  free(l->tail);
  free(l);
}

static struct ledger *ledger_new(const struct ledger_options *options, struct disk *disk, struct log *log) {
  struct ledger *l = calloc(1, sizeof *l);
  if (l == NULL) return NULL;
  l->disk = disk;
  l->log = log;
  l->options = *options;
  segment_cache_init(&l->cache, disk);
  l->dir = strdup(options->dir);
  l->data_dir = joined(options->dir, "data");
  l->index_dir = joined(options->dir, "index");
  l->stage = malloc(STAGE_BYTES + FILLER_SIZE_MIN);
  l->tail = malloc(TAIL_UNITS * LEDGER_UNIT);
  struct ledger_options *o = &l->options;
  if (o->data_file_length == 0) o->data_file_length = LEDGER_DATA_FILE_DEFAULT;
  if (o->index_file_length == 0) o->index_file_length = LEDGER_INDEX_FILE_DEFAULT;
  if (o->verify_back_bytes == 0) o->verify_back_bytes = VERIFY_BACK_BYTES;
  if (o->flush_interval_ms == 0) o->flush_interval_ms = FLUSH_INTERVAL_MS;
  if (o->checkpoint_interval_ms == 0) o->checkpoint_interval_ms = CHECKPOINT_INTERVAL_MS;
  o->dir = l->dir;
  segments_init(&l->data, &l->cache, l->data_dir, o->data_file_length);
  segments_init(&l->index, &l->cache, l->index_dir, o->index_file_length);
  l->marks = (struct ledger_marks){-1, -1, -1, -1, 0, 0, -1, 0, -1, -1, -1, -1, ""};
  if (l->dir != NULL && l->data_dir != NULL && l->index_dir != NULL && l->stage != NULL && l->tail != NULL) return l;
  ledger_abandon(l);
  return NULL;
}

static bool options_are_possible(const struct ledger_options *o, struct buf *why) {
  if (o->data_file_length < 0 || (o->data_file_length > 0 && o->data_file_length < ENTRY_HEADER + FILLER_SIZE_MIN))
    buf_printf(why, "a ledger's data files of %lld bytes hold no entry", (long long)o->data_file_length);
  else if (o->index_file_length < 0 || o->index_file_length % LEDGER_UNIT != 0)
    buf_printf(why, "a ledger's index files of %lld bytes do not hold whole units of %d",
               (long long)o->index_file_length, LEDGER_UNIT);
  else if (o->first_pos < 0) buf_printf(why, "a ledger cannot begin at position %lld", (long long)o->first_pos);
  else return true;
  return false;
}

enum status ledger_open(struct ledger **out, const struct ledger_options *options, struct disk *disk, struct log *log,
                        struct moment now, struct buf *why) {
  *out = NULL;
  if (!options_are_possible(options, why)) return STATUS_INVALID;
  struct ledger *l = ledger_new(options, disk, log);
  if (l == NULL) return STATUS_NO_MEMORY;
  enum status status = ledger_recover(l, why);
  if (status != STATUS_OK) {
    if (why->len == 0) buf_printf(why, "%s: %s", options->dir, status_text(status));
    ledger_abandon(l);
    return status;
  }
  l->cache.epoch = 1;
  l->token = options->token;
  l->round_until = -1;
  l->synced_at_ms = now.mono_ms;
  l->checkpoint_due_ms = now.mono_ms + l->options.checkpoint_interval_ms;
  l->scrub_index = l->marks.begin_index;
  l->scrub_chain = -1;
  *out = l;
  return STATUS_OK;
}

enum status ledger_close(struct ledger *l) {
  if (l == NULL) return STATUS_OK;
  ledger_rollback(l);
  enum status status = l->failure;
  if (status == STATUS_OK && l->wipe_until > l->marks.end_pos) status = data_wipe(l, l->marks.end_pos, l->wipe_until);
  if (status == STATUS_OK) status = ledger_sync_all(l);
  if (status == STATUS_OK) {
    struct checkpoint c = checkpoint_now(l);
    status = files_write_checkpoint(l, &c);
  }
  if (status == STATUS_OK) status = l->disk->ops->sync(l->disk, l->checkpoint_file);
  ledger_abandon(l);
  return status;
}

const struct ledger_marks *ledger_marks(const struct ledger *l) { return &l->marks; }
bool ledger_is_syncing(const struct ledger *l) { return l->data_busy > 0 || l->index_busy || l->checkpoint_busy; }

enum status ledger_failure(const struct ledger *l) { return l->failure; }

static bool has(const struct ledger *l, int64_t index) {
  return l->marks.begin_index >= 0 && index >= l->marks.begin_index && index <= l->marks.end_index;
}

enum status ledger_term_at(struct ledger *l, int64_t index, int64_t *term) {
  struct unit u;
  if (!has(l, index)) return STATUS_NOT_FOUND;
  enum status status = unit_at(l, index, &u);
  if (status != STATUS_OK) return status;
  *term = u.term;
  return u.index == index && u.magic == ENTRY_MAGIC ? STATUS_OK : STATUS_CORRUPT;
}

enum status ledger_view(struct ledger *l, int64_t pos, struct span *bytes) {
  struct segment *g;
  if (segments_empty(&l->data) || pos >= l->marks.end_pos) return STATUS_NOT_FOUND;
  enum status status = segments_at(&l->data, pos, &g);
  if (status != STATUS_OK) return status;
  int64_t end = g->start + l->data.length;
  if (end > l->marks.end_pos) end = l->marks.end_pos;
  *bytes = span_of(g->view + (pos - g->start), (size_t)(end - pos));
  return STATUS_OK;
}

enum status ledger_get(struct ledger *l, int64_t index, struct entry *out) {
  struct unit u;
  struct span bytes;
  if (!has(l, index)) return STATUS_NOT_FOUND;
  enum status status = unit_at(l, index, &u);
  if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
  if (u.index != index) return STATUS_CORRUPT;
  status = ledger_view(l, u.pos, &bytes);
  if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
  return entry_decode(bytes, out) == STATUS_OK && unit_matches(&u, out) ? STATUS_OK : STATUS_CORRUPT;
}

enum status ledger_get_checked(struct ledger *l, int64_t index, struct entry *out) {
  int32_t chain = index == 0 ? 0 : -1;
  if (has(l, index - 1)) {
    enum status status = ledger_get(l, index - 1, out);
    chain = status == STATUS_OK ? out->chain_crc : -1;
  }
  enum status status = ledger_get(l, index, out);
  if (status != STATUS_OK) return status;
  return entry_is_sound(out, chain) ? STATUS_OK : STATUS_CORRUPT;
}

enum status ledger_run(struct ledger *l, int64_t index, size_t max_bytes, struct span *bytes, size_t *count) {
  struct unit first, last;
  struct entry e;
  enum status status = ledger_get(l, index, &e);
  if (status != STATUS_OK) return status;
  status = unit_at(l, index, &first);
  int64_t file_end = segments_start_of(&l->data, first.pos) + l->data.length, limit = first.pos + first.size, behind;
  if (max_bytes > (size_t)first.size)
    limit = max_bytes < (size_t)(file_end - first.pos) ? first.pos + (int64_t)max_bytes : file_end;
  /* The first entry that ends behind the limit is the first one left out. */
  if (status == STATUS_OK) status = index_search(l, index, limit, &behind);
  if (status == STATUS_OK) status = unit_at(l, behind - 1, &last);
  if (status != STATUS_OK) return status;
  if (behind <= index || last.pos + last.size > file_end || last.pos < first.pos) return STATUS_CORRUPT;
  *bytes = span_of(e.body.ptr - ENTRY_HEADER, (size_t)(last.pos + last.size - first.pos));
  *count = (size_t)(behind - index);
  return STATUS_OK;
}

enum status ledger_find(struct ledger *l, int64_t pos, int64_t *index) {
  if (l->marks.begin_index < 0 || pos < l->marks.begin_pos || pos >= l->marks.end_pos) return STATUS_NOT_FOUND;
  return index_search(l, l->marks.begin_index, pos, index);
}

void marks_set_committed(struct ledger *l, int64_t index) {
  struct unit u;
  if (!has(l, index) || unit_at(l, index, &u) != STATUS_OK) {
    l->marks.committed_index = l->marks.committed_pos = -1;
    return;
  }
  l->marks.committed_index = index;
  l->marks.committed_pos = u.pos + u.size;
}

void ledger_set_committed(struct ledger *l, int64_t index) {
  if (index > l->marks.end_index) index = l->marks.end_index;
  if (index > l->marks.committed_index) marks_set_committed(l, index);
}

enum status ledger_scrub(struct ledger *l, int64_t bytes, int64_t *index) {
  while (bytes > 0 && l->marks.begin_index >= 0) {
    struct entry e;
    if (!has(l, l->scrub_index)) {
      l->scrub_index = l->marks.begin_index;
      l->scrub_chain = l->scrub_index == 0 ? 0 : -1;
    }
    *index = l->scrub_index;
    enum status status = ledger_get(l, l->scrub_index, &e);
    if (status == STATUS_OK && !entry_is_sound(&e, l->scrub_chain)) status = STATUS_CORRUPT;
    if (status != STATUS_OK) return status;
    l->scrub_chain = e.chain_crc;
    bytes -= e.size;
    if (l->scrub_index++ == l->marks.end_index) break;
  }
  return STATUS_OK;
}
