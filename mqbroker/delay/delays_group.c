/* SPDX-License-Identifier: Apache-2.0
 *
 * How far delayed messages are in a DLedger group: next of a level is what the
 * committed log says, in its order: by the marks of delivered records, and by
 * the words of who began to lead (they come again in each file of the log). A
 * leader puts marks in front of itself and forgets them with its leadership.
 * Java's leader delivers again whatever was delivered since its process began
 * (ScheduleMessageService reads its file only then).
 */
#include "mqbroker/delay/delay_record.h"
#include "mqbroker/delay/delays.h"

#define WORDS "{\"delays\":" /* how the body begins */

enum { BODY_ARENA_MAX = 1 << 20, REREAD_MAX = 16 << 20 }; /* bytes of the log that a start may read for this */

int64_t delays_known(const struct delay_level *l) { return l->told > l->next ? l->told : l->next; }

bool delays_file_is_old(const struct delays *d, int64_t log_end) {
  return d->member && log_end - d->known_from >= REREAD_MAX;
}

enum status delays_join(struct delays *d, struct disk *disk, struct moment now) {
  enum status status = delays_read(d, disk);
  if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
  for (int32_t level = 1; level <= DELAY_LEVELS_MAX; level++) {
    struct delay_level *l = &d->at[level];
    if (d->known_from >= 0) l->next = l->saved;
    else l->told = l->saved; /* from before the group, or Java's */
  }
  d->save_ms = now.mono_ms + DELAYS_FIRST_SAVE_MS;
  d->member = true;
  return STATUS_OK;
}

enum status delays_joined(struct delays *d, struct disk *disk, int64_t end) {
  if (d->known_from >= 0) return STATUS_OK;
  delays_snapshot(d, end);
  return delays_write_file(d, disk);
}

static void heard(struct delays *d, int32_t level, int64_t next) {
  d->dirty = d->dirty || d->at[level].next != next;
  d->at[level].next = next;
}

/* A leader says all levels that it knows, and knows better than others did. */
static void heard_words(struct delays *d, const struct message *m) {
  struct arena arena;
  struct json *root;
  int64_t offsets[DELAY_LEVELS_MAX + 1];
  arena_init(&arena, BODY_ARENA_MAX);
  enum status status = json_parse(m->body, &JSON_LIMITS_DEFAULT, &arena, &root, NULL, NULL);
  if (status == STATUS_OK) {
    delays_read_table(d, json_member(root, "delays"), "the group's log", offsets);
    for (int32_t level = 1; level <= DELAY_LEVELS_MAX; level++) {
      d->at[level].told = -1;
      heard(d, level, offsets[level]);
    }
  } else {
    log_error(d->log, "the record at offset %lld says not how far delayed messages are: %s",
              (long long)m->physical_offset, status_text(status));
  }
  arena_fini(&arena);
}

void delays_noted(struct delays *d, const struct message *m) {
  int32_t level;
  int64_t next;
  if (delay_marked(m, &level, &next)) heard(d, level, next);
  else if (span_is(m->topic, DELAYS_WORDS_TOPIC) && span_starts(m->body, WORDS)) heard_words(d, m);
}

void delays_told(struct delays *d, const struct json *table) {
  int64_t offsets[DELAY_LEVELS_MAX + 1];
  delays_read_table(d, table, "the leader's delay offsets", offsets);
  for (int32_t level = 1; level <= DELAY_LEVELS_MAX; level++) {
    struct delay_level *l = &d->at[level];
    if (offsets[level] <= delays_known(l)) continue;
    l->told = offsets[level];
    d->dirty = true;
  }
}

void delays_lead(struct delays *d) {
  for (int32_t level = 1; level <= DELAY_LEVELS_MAX; level++) {
    struct delay_level *l = &d->at[level];
    l->staged = delays_known(l);
    l->due_ms = l->retry_ms = l->ahead_ms = 0;
    l->idle = false;
  }
  d->at[0].idle = true;
  d->staged = d->more = false;
  d->arrived = d->running = true;
}

bool delays_any(const struct delays *d) {
  for (int32_t level = 1; level <= DELAY_LEVELS_MAX; level++)
    if (d->at[level].staged >= 0) return true;
  return false;
}

void delays_say(const struct delays *d, struct json_writer *w) {
  json_open_object(w);
  json_key(w, "delays");
  json_open_object(w);
  json_key(w, "offsetTable");
  json_open_inline_map(w);
  for (int32_t level = 1; level <= DELAY_LEVELS_MAX; level++) {
    if (d->at[level].staged < 0) continue;
    json_key_int(w, level);
    json_put_int(w, d->at[level].staged);
  }
  json_close_object(w);
  json_close_object(w);
  json_close_object(w);
}
