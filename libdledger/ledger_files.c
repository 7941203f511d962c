/* SPDX-License-Identifier: Apache-2.0
 *
 * The small files of a ledger, java.util.Properties texts: currterm (MemberState.persistTerm), checkpoint
 * (DLedgerMmapFileStore.persistCheckPoint), and our repair.
 */
#include "core/config/config.h"
#include "libdledger/ledger_parts.h"

#define SMALL_FILE_MAX 4096

struct number {
  const char *key;
  int64_t value;
  bool found;
};

struct small {
  struct number *numbers;
  size_t count;
  const char *text_key;
  char text[LEDGER_VOTE_MAX];
  bool bad;
};

static enum status take(void *context, struct span key, struct span value, int line) {
  struct small *s = context;
  (void)line;
  value = span_trim(value);
  for (size_t i = 0; i < s->count; i++) {
    if (!span_is(key, s->numbers[i].key)) continue;
    s->numbers[i].found = span_to_i64(value, &s->numbers[i].value);
  }
  if (s->text_key != NULL && span_is(key, s->text_key) && !span_copy_text(value, s->text, sizeof s->text))
    s->bad = true;
  return STATUS_OK;
}

/* NOT_FOUND: there is none, or it cannot be understood. */
static enum status small_read(struct ledger *l, const char *name, struct small *s) {
  char path[DISK_PATH_MAX];
  struct buf text;
  int line;
  if (!ledger_path(l, name, path)) return STATUS_LIMIT;
  for (size_t i = 0; i < s->count; i++) s->numbers[i].found = false;
  s->text[0] = '\0';
  s->bad = false;
  buf_init(&text, SMALL_FILE_MAX);
  enum status status = disk_read_whole(l->disk, path, &text);
  if (status == STATUS_OK && properties_parse(buf_span(&text), take, s, &line) != STATUS_OK) s->bad = true;
  if (status == STATUS_LIMIT) s->bad = true;
  buf_fini(&text);
  if (s->bad) return STATUS_NOT_FOUND;
  return status;
}

static enum status small_write(struct ledger *l, const char *name, struct buf *text) {
  char path[DISK_PATH_MAX];
  if (!ledger_path(l, name, path)) return STATUS_LIMIT;
  if (text->failed) return STATUS_NO_MEMORY;
  return disk_replace_whole(l->disk, path, buf_span(text), false);
}

static void put_number(struct buf *out, const char *key, int64_t value) {
  buf_printf(out, "%s=%lld\n", key, (long long)value);
}

/* ---- currterm ---- */

/* Java deletes the file before it renames the new one, so that a crash can leave only .tmp and .bak (W6: Java then
 * starts at term -1 without a vote). */
enum status files_read_term(struct ledger *l, struct buf *why) {
  static const char *const names[] = {"currterm", "currterm.tmp", "currterm.bak"};
  struct number term = {.key = "currTerm"};
  struct small s = {&term, 1, "voteLeader", "", false};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    enum status status = small_read(l, names[i], &s);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
      buf_printf(why, "%s/%s cannot be read: %s", l->dir, names[i], status_text(status));
      return status;
    }
    if (status != STATUS_OK || !term.found) continue;
    if (i > 0)
      log_warn(l->log, "%s/currterm is missing or damaged: term %lld comes from %s", l->dir, (long long)term.value,
               names[i]);
    l->marks.term = term.value;
    memcpy(l->marks.vote, s.text, sizeof l->marks.vote);
    return STATUS_OK;
  }
  return STATUS_OK;
}

enum status ledger_set_term(struct ledger *l, int64_t term, struct span vote) {
  struct ledger_marks *m = &l->marks;
  struct buf text;
  if (vote.len >= sizeof m->vote) return STATUS_LIMIT;
  buf_init(&text, SMALL_FILE_MAX);
  put_number(&text, "currTerm", term);
  properties_put(&text, SPAN_LITERAL("voteLeader"), vote);
  enum status status = small_write(l, "currterm", &text);
  buf_fini(&text);
  if (status != STATUS_OK) return status;
  m->term = term;
  bool copied = span_copy_text(vote, m->vote, sizeof m->vote);
  return copied ? STATUS_OK : STATUS_LIMIT;
}

/* ---- checkpoint ---- */

enum status files_read_checkpoint(struct ledger *l, struct checkpoint *out) {
  struct number numbers[] = {{.key = "endIndex"}, {.key = "committedIndex"}, {.key = "syncedIndex"}};
  struct small s = {numbers, 3, NULL, "", false};
  *out = (struct checkpoint){-1, -1, INT64_MIN};
  enum status status = small_read(l, "checkpoint", &s);
  if (status == STATUS_NOT_FOUND) return STATUS_OK; /* as Java: nothing is known */
  if (status != STATUS_OK) return status;
  if (numbers[0].found) out->end_index = numbers[0].value;
  if (numbers[1].found) out->committed_index = numbers[1].value;
  if (numbers[2].found && numbers[2].value == out->end_index) out->synced_index = numbers[2].value;
  return STATUS_OK;
}

/* Always of one length, by a comment at the end: overwritten in place within a sector, old and new are both whole. */
static void checkpoint_text(struct buf *out, const struct checkpoint *c) {
  put_number(out, "endIndex", c->end_index);
  put_number(out, "committedIndex", c->committed_index);
  put_number(out, "syncedIndex", c->synced_index);
  buf_put_u8(out, '#');
  while (out->len < CHECKPOINT_BYTES - 1) buf_put_u8(out, ' ');
  buf_put_u8(out, '\n');
}

struct checkpoint checkpoint_now(const struct ledger *l) {
  const struct ledger_marks *m = &l->marks;
  int64_t committed = m->committed_index < m->synced_index ? m->committed_index : m->synced_index;
  return (struct checkpoint){m->synced_index, committed, m->synced_index};
}

enum status files_open_checkpoint(struct ledger *l, const struct checkpoint *c) {
  char path[DISK_PATH_MAX];
  struct buf text;
  if (!ledger_path(l, "checkpoint", path)) return STATUS_LIMIT;
  buf_init(&text, CHECKPOINT_BYTES);
  checkpoint_text(&text, c);
  enum status status = small_write(l, "checkpoint", &text);
  buf_fini(&text);
  if (status == STATUS_OK) status = l->disk->ops->open(l->disk, path, 0, 0, &l->checkpoint_file);
  if (status == STATUS_OK) l->checkpoint = *c;
  return status;
}

enum status files_write_checkpoint(struct ledger *l, const struct checkpoint *c) {
  uint8_t bytes[CHECKPOINT_BYTES];
  struct buf text = {bytes, 0, sizeof bytes, sizeof bytes, false};
  checkpoint_text(&text, c);
  struct span part = buf_span(&text);
  enum status status = l->disk->ops->write(l->disk, l->checkpoint_file, 0, &part, 1);
  if (status == STATUS_OK) l->checkpoint = *c;
  return status;
}

enum status files_lower_checkpoint(struct ledger *l, int64_t index) {
  struct checkpoint c = l->checkpoint;
  if (c.end_index < index) return STATUS_OK;
  c.end_index = c.synced_index = index - 1;
  if (c.committed_index > c.end_index) c.committed_index = c.end_index;
  enum status status = files_write_checkpoint(l, &c);
  return status == STATUS_OK ? l->disk->ops->sync(l->disk, l->checkpoint_file) : status;
}

/* ---- repair ---- */

enum status files_read_repair(struct ledger *l, int64_t *damaged_index) {
  struct number number = {.key = "damagedIndex"};
  struct small s = {&number, 1, NULL, "", false};
  enum status status = small_read(l, "repair", &s);
  *damaged_index = -1;
  /* That it is there says the most of it. */
  if (s.bad || (status == STATUS_OK && !number.found)) *damaged_index = INT64_MAX;
  else if (status == STATUS_OK) *damaged_index = number.value;
  return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status files_write_repair(struct ledger *l, int64_t damaged_index) {
  char path[DISK_PATH_MAX];
  if (damaged_index < 0) {
    if (!ledger_path(l, "repair", path)) return STATUS_LIMIT;
    enum status status = l->disk->ops->remove(l->disk, path);
    if (status == STATUS_OK) status = l->disk->ops->sync_dir(l->disk, l->dir);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
  }
  struct buf text;
  buf_init(&text, SMALL_FILE_MAX);
  put_number(&text, "damagedIndex", damaged_index);
  enum status status = small_write(l, "repair", &text);
  buf_fini(&text);
  return status;
}

enum status ledger_repaired(struct ledger *l) {
  if (l->marks.damaged_index < 0) return STATUS_OK;
  enum status status = files_write_repair(l, -1);
  if (status == STATUS_OK) l->marks.damaged_index = -1;
  return status;
}
