/* SPDX-License-Identifier: Apache-2.0
 *
 * config/delayOffset.json: how far each delay level is. The file says nothing
 * that a power cut could undo: it is written when the log with the delivered
 * messages is on disk.
 */
#include "mqbroker/delay/delays.h"
#include "mqbroker/state/config_file.h"

#include <stdio.h>

#define POSITION "position" /* ours: Java passes over it */

enum status delays_init(struct delays *d, const char *root, const char *levels, struct log *log) {
  *d = (struct delays){.log = log, .mark = -1, .known_from = -1};
  for (int32_t level = 0; level <= DELAY_LEVELS_MAX; level++)
    d->at[level] = (struct delay_level){.next = -1, .told = -1, .saved = -1};
  enum status status = delay_levels_parse(span_text(levels), &d->levels);
  if (status != STATUS_OK) return status;
  int n = snprintf(d->path, sizeof d->path, "%s/config/delayOffset.json", root);
  return n < (int)sizeof d->path ? STATUS_OK : STATUS_LIMIT;
}

void delays_read_table(struct delays *d, const struct json *root, const char *what, int64_t out[DELAY_LEVELS_MAX + 1]) {
  const struct json *table = json_member(root, "offsetTable");
  for (int32_t level = 0; level <= DELAY_LEVELS_MAX; level++) out[level] = -1;
  for (const struct json *v = table == NULL ? NULL : table->children; v != NULL; v = v->next) {
    int32_t level;
    int64_t offset = json_i64(v, -1);
    if (!span_to_i32(json_text(v->key), &level) || level < 1 || level > DELAY_LEVELS_MAX || offset < 0)
      log_warn(d->log, "%s: \"%.*s\" is left out", what, SPAN_ARG(json_text(v->key)));
    else out[level] = offset;
  }
}

enum status delays_read(struct delays *d, struct disk *disk) {
  struct buf text;
  struct arena arena;
  struct json *root;
  int64_t offsets[DELAY_LEVELS_MAX + 1];
  buf_init(&text, CONFIG_FILE_MAX);
  arena_init(&arena, CONFIG_FILE_MAX);
  enum status status = config_file_read(disk, d->path, d->log, &text, &arena, &root);
  for (int32_t level = 0; level <= DELAY_LEVELS_MAX; level++) d->at[level].saved = -1;
  d->known_from = -1;
  if (status == STATUS_OK) {
    delays_read_table(d, root, d->path, offsets);
    for (int32_t level = 1; level <= DELAY_LEVELS_MAX; level++) d->at[level].saved = offsets[level];
    d->known_from = json_i64(json_member(root, POSITION), -1);
  }
  buf_fini(&text);
  arena_fini(&arena);
  return status;
}

enum status delays_start(struct delays *d, struct disk *disk, struct moment now) {
  enum status status = delays_read(d, disk);
  if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
  for (int32_t level = 0; level <= DELAY_LEVELS_MAX; level++) {
    int64_t next = d->at[level].saved;
    d->at[level] = (struct delay_level){
        .next = next, .told = -1, .staged = next, .snapshot = next, .saved = next, .idle = level == 0};
  }
  d->mark = -1;
  d->dirty = d->staged = d->more = false;
  d->save_ms = now.mono_ms + DELAYS_FIRST_SAVE_MS;
  d->arrived = d->running = true;
  return STATUS_OK;
}

static void write_table(const struct delays *d, struct json_writer *w, bool snapshot) {
  json_open_object(w);
  json_key(w, "offsetTable");
  json_open_inline_map(w);
  for (int32_t level = 1; level <= DELAY_LEVELS_MAX; level++) {
    const struct delay_level *l = &d->at[level];
    int64_t offset = snapshot ? l->snapshot : d->member ? delays_known(l) : l->saved;
    if (offset < 0) continue;
    json_key_int(w, level);
    json_put_int(w, offset);
  }
  json_close_object(w);
  if (snapshot && d->member) {
    json_key(w, POSITION);
    json_put_int(w, d->mark);
  }
  json_close_object(w);
}

void delays_write(const struct delays *d, struct json_writer *w) { write_table(d, w, false); }

void delays_snapshot(struct delays *d, int64_t log_end) {
  for (int32_t level = 1; level <= DELAY_LEVELS_MAX; level++) d->at[level].snapshot = delays_known(&d->at[level]);
  d->mark = log_end;
}

enum status delays_write_file(struct delays *d, struct disk *disk) {
  struct buf text;
  struct json_writer w;
  buf_init(&text, CONFIG_FILE_MAX);
  json_writer_init(&w, &text, true);
  write_table(d, &w, true);
  enum status status = text.failed ? STATUS_NO_MEMORY : disk_replace_whole(disk, d->path, buf_span(&text), true);
  int64_t mark = d->mark;
  buf_fini(&text);
  d->mark = -1;
  if (status != STATUS_OK) {
    log_error(d->log, "%s could not be written: %s", d->path, status_text(status));
    return status;
  }
  d->dirty = false;
  d->known_from = mark;
  for (int32_t level = 1; level <= DELAY_LEVELS_MAX; level++) {
    struct delay_level *l = &d->at[level];
    l->saved = l->snapshot;
    d->dirty = d->dirty || delays_known(l) != l->saved;
  }
  return STATUS_OK;
}

void delays_save(struct delays *d, struct store *s, struct disk *disk, int64_t interval_ms, struct moment now) {
  if (!d->running && !d->member) return;
  if (delays_file_is_old(d, store_appended(s))) d->dirty = true;
  if (d->mark < 0 && d->dirty && now.mono_ms >= d->save_ms) {
    delays_snapshot(d, store_appended(s));
    store_want_flushed(s, d->mark);
    d->save_ms = now.mono_ms + interval_ms;
  }
  if (d->mark < 0 || store_flushed(s) < d->mark) return;
  if (delays_write_file(d, disk) != STATUS_OK) d->dirty = true;
}

void delays_save_last(struct delays *d, struct disk *disk, int64_t log_end) {
  if (!d->dirty && !(d->member && d->known_from != log_end)) return;
  delays_snapshot(d, log_end);
  if (delays_write_file(d, disk) != STATUS_OK) d->dirty = true;
}
