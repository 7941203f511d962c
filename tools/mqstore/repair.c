/* SPDX-License-Identifier: Apache-2.0
 *
 * What is damaged, what is lost with it, and the choice.
 */
#include "tools/mqstore/repair.h"
#include "tools/mqstore/rebuild.h"

#include <inttypes.h>
#include <stdarg.h>

#define REPORT_MAX (64 << 20)
#define HOLES_FIRST 16

/* To the operator and into the report. */
static void say(struct repair *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct repair *r, const char *format, ...) {
  char line[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  buf_printf(&r->report, "%s\n", line);
  if (!r->tool->o.json) fprintf(r->tool->out, "%s\n", line);
}

/* ---- what is damaged ---- */

static enum status hole_add(struct repair *r, const struct hole *hole) {
  struct hole *last = r->count > 0 ? &r->holes[r->count - 1] : NULL;
  if (last != NULL && last->to == hole->from) {
    last->to = hole->to;
    return STATUS_OK;
  }
  if (r->count == r->cap) {
    size_t cap = r->cap == 0 ? HOLES_FIRST : r->cap * 2;
    struct hole *grown = arena_zalloc(&r->store->arena, cap, sizeof *grown);
    if (grown == NULL) return STATUS_NO_MEMORY;
    if (r->count > 0) memcpy(grown, r->holes, r->count * sizeof *grown);
    r->holes = grown;
    r->cap = cap;
  }
  r->holes[r->count++] = *hole;
  return STATUS_OK;
}

/* NULL: nothing is wrong with it. */
static const char *fault_of(const struct log_item *item) {
  const struct message *m = &item->message;
  if (m->physical_offset != item->record_offset) return "a record that belongs elsewhere";
  if (m->body.len > 0 && body_crc32(m->body) != m->body_crc) return "a body that does not fit its CRC";
  return NULL;
}

static enum status item_look(struct repair *r, const struct log_item *item, struct message *good) {
  const char *why = item->kind == LOG_RECORD ? fault_of(item) : item->why;
  if (item->kind == LOG_RECORD && why == NULL) {
    for (size_t i = r->count; i-- > 0 && r->holes[i].store_ms < 0;) {
      r->holes[i].store_ms = item->message.store_ms;
      r->holes[i].born_host = item->message.born_host;
    }
    *good = item->message;
  }
  if (item->kind != LOG_DAMAGE && (item->kind != LOG_RECORD || why == NULL)) return STATUS_OK;
  const struct hole hole = {item->offset, item->offset + item->size, why, good->store_ms, good->born_host};
  return hole_add(r, &hole);
}

static enum status holes_find(struct repair *r, bool *ledger) {
  struct log_cursor c;
  struct log_item item;
  struct message good = {.store_ms = -1};
  enum status status = STATUS_OK;
  log_open(&c, &r->store->log);
  while (status == STATUS_OK && log_next(&c, &item)) {
    if (item.source->dledger) {
      *ledger = *ledger || item.kind == LOG_DAMAGE;
      continue;
    }
    status = item_look(r, &item, &good);
    if (item.kind != LOG_END) continue;
    r->end = item.offset;
    /* Nothing good follows: the end of a torn write, which every start cuts off. */
    if (r->count > 0 && r->holes[r->count - 1].to >= r->end) r->end = r->holes[--r->count].from;
  }
  return status;
}

/* ---- what is lost ---- */

static void lost_tell(struct repair *r, const struct store_queue *q, int64_t first, int64_t end) {
  if (first >= end) return;
  r->lost += end - first;
  say(r, "  lost: topic %.*s queue %" PRId32 ": messages %" PRId64 " to %" PRId64 " (%" PRId64 ")", SPAN_ARG(q->topic),
      q->id, first, end - 1, end - first);
  struct tool *t = r->tool;
  if (!t->o.json) return;
  tool_json_begin(t);
  json_field_span(&t->w, "lostTopic", q->topic);
  json_field_int(&t->w, "queue", q->id);
  json_field_int(&t->w, "first", first);
  json_field_int(&t->w, "last", end - 1);
  tool_json_end(t);
}

/* Messages whose units point into [from, to). */
static void lost_find(struct repair *r, int64_t from, int64_t to) {
  const struct queue_tree *t = &r->store->queues;
  for (size_t i = 0; i < t->count; i++) {
    const struct store_queue *q = t->list[i];
    int64_t first = -1;
    for (int64_t n = q->first; n <= q->end; n++) {
      struct queue_unit u = {0};
      bool in = n < q->end && queue_unit_at(q, n, &u) && !unit_is_empty(&u) && !unit_is_blank(&u) && u.offset >= from &&
                u.offset < to;
      if (in && first < 0) first = n;
      if (in || first < 0) continue;
      lost_tell(r, q, first, n);
      first = -1;
    }
  }
  if (t->count == 0) say(r, "  there are no consume queues that could tell which messages these were");
}

static void hole_tell(struct repair *r, const struct hole *h) {
  char name[FILE_LABEL_MAX];
  struct tool *t = r->tool;
  file_list_name(r->files, h->from, name);
  int64_t start = file_list_find(r->files, h->from)->start;
  say(r,
      "damage in %s at byte %" PRId64 " (offset %" PRId64 "): %s; %" PRId64
      " bytes, the next good record is at offset %" PRId64,
      name, h->from - start, h->from, h->why, h->to - h->from, h->to);
  if (!t->o.json) return;
  tool_json_begin(t);
  json_field_text(&t->w, "file", name);
  json_field_int(&t->w, "damage", h->from);
  json_field_int(&t->w, "bytes", h->to - h->from);
  json_field_text(&t->w, "why", h->why);
  tool_json_end(t);
}

static void tell(struct repair *r) {
  const struct options *o = &r->tool->o;
  for (size_t i = 0; i < r->count; i++) {
    hole_tell(r, &r->holes[i]);
    if (!o->cut) lost_find(r, r->holes[i].from, r->holes[i].to);
  }
  if (!o->cut) return;
  say(r, "cut: everything from offset %" PRId64 " on goes, %" PRId64 " bytes of log", r->holes[0].from,
      r->end - r->holes[0].from);
  lost_find(r, r->holes[0].from, INT64_MAX);
}

/* ---- doing it ---- */

static bool dir_make(struct repair *r) {
  r->dir = storedir_dated(r->store, "repaired/");
  if (r->dir == NULL) return false;
  struct disk *disk = r->store->disk;
  struct disk_entry entry;
  enum status status = disk->ops->stat(disk, r->dir, &entry) == STATUS_OK ? STATUS_EXISTS
                                                                          : disk->ops->make_dirs(disk, r->dir);
  if (status != STATUS_OK) snprintf(r->why, sizeof r->why, "%s: %s", r->dir, status_text(status));
  return status == STATUS_OK;
}

static enum status report_write(struct repair *r) {
  char path[DISK_PATH_MAX];
  if (r->report.failed) return STATUS_NO_MEMORY;
  if (snprintf(path, sizeof path, "%s/report.txt", r->dir) >= (int)sizeof path) return STATUS_LIMIT;
  return disk_replace_whole(r->store->disk, path, buf_span(&r->report), false);
}

static int change(struct repair *r) {
  struct tool *t = r->tool;
  enum status status = dir_make(r) ? report_write(r) : STATUS_IO;
  if (status == STATUS_OK) status = t->o.cut ? repair_cut(r) : repair_skip(r);
  if (status == STATUS_OK) return EXIT_FINE;
  return tool_fail(t, "%s; what was saved before lies in %s", r->why[0] != '\0' ? r->why : status_text(status),
                   r->dir == NULL ? "memory" : r->dir);
}

static int choose(struct repair *r) {
  const struct options *o = &r->tool->o;
  tell(r);
  if (o->yes && (o->cut || o->skip)) return change(r);
  if (!o->json)
    fprintf(r->tool->out,
            "nothing was changed. Choose: --skip --yes takes the damaged bytes out and keeps what follows, --cut --yes "
            "ends the log at the first damage; both keep the bytes in %s/repaired and make queues and index anew\n",
            r->store->root);
  return EXIT_PROBLEMS;
}

/* EXIT_FINE with r->count > 0: the log was changed. */
static int log_repair(struct repair *r) {
  struct tool *t = r->tool;
  bool ledger = false;
  enum status status = holes_find(r, &ledger);
  if (status != STATUS_OK) return tool_fail(t, "%s", status_text(status));
  if (ledger)
    return tool_fail(
        t, "the log of DLedger is damaged: move %s/%s away and let the other members of the group make it anew",
        r->store->root, r->store->ledger.name);
  if (r->count > 0) return choose(r);
  if (!t->o.json) fprintf(t->out, "no damage in the middle of the log: nothing to repair\n");
  return EXIT_FINE;
}

static int locked_repair(struct tool *t, const char *root) {
  struct storedir s;
  struct repair r = {.tool = t, .store = &s};
  int code = storedir_open(&s, t, root);
  buf_init(&r.report, REPORT_MAX);
  if (code == EXIT_FINE) {
    r.files = &s.log.sources[0].files;
    code = storedir_trouble(&s, log_repair(&r));
  }
  bool changed = code == EXIT_FINE && r.count > 0;
  buf_fini(&r.report);
  storedir_fini(&s);
  if (!changed) return code;
  code = storedir_open(&s, t, root);
  if (code == EXIT_FINE) code = rebuild_with_lock(t, &s);
  storedir_fini(&s);
  return code;
}

int command_repair(struct tool *t, char **args) {
  char path[DISK_PATH_MAX];
  struct disk_file *lock = NULL;
  struct disk_entry entry;
  if (t->o.cut && t->o.skip) {
    tool_fail(t, "--skip or --cut, not both");
    return EXIT_USAGE;
  }
  if (snprintf(path, sizeof path, "%s/lock", args[0]) >= (int)sizeof path) return tool_fail(t, "the path is too long");
  /* Only a change needs the lock; without it nothing is made in a directory that may be none of ours. */
  if (!t->o.yes || t->disk->ops->stat(t->disk, args[0], &entry) != STATUS_OK) return locked_repair(t, args[0]);
  enum status status = t->disk->ops->lock(t->disk, path, &lock);
  if (status != STATUS_OK)
    return tool_fail(t, "%s: %s", path, status == STATUS_BUSY ? "a process uses this store" : status_text(status));
  t->locked = true;
  int code = locked_repair(t, args[0]);
  t->disk->ops->close(t->disk, lock);
  return code;
}
