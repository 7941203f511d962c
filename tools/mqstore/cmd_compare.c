/* SPDX-License-Identifier: Apache-2.0
 *
 * compare: are two logs the same bytes where both have them? So they must be
 * for a master and its slave, and for the members of a DLedger group.
 */
#include "tools/mqstore/tool.h"

#include <inttypes.h>

struct extent {
  const struct log_source *source;
  int64_t first, end; /* valid records; end: behind the last */
};

/* The source with files; with both, the DLedger one, which grows. */
static struct extent extent_of(struct storedir *s) {
  struct log_cursor c;
  struct log_item item;
  struct extent e = {.source = &s->log.sources[s->log.sources[1].files.count > 0 ? 1 : 0]};
  e.first = file_list_first(&e.source->files);
  log_open(&c, &s->log);
  while (log_next(&c, &item))
    if (item.kind == LOG_END && item.source == e.source) e.end = item.offset;
  return e;
}

/* First offset in [from, to) at which they differ, or to. */
static int64_t first_difference(const struct extent *a, const struct extent *b, int64_t from, int64_t to) {
  while (from < to) {
    struct span x = file_list_at(&a->source->files, from), y = file_list_at(&b->source->files, from);
    if (x.ptr == NULL || y.ptr == NULL) return from;
    size_t n = x.len < y.len ? x.len : y.len;
    if ((int64_t)n > to - from) n = (size_t)(to - from);
    if (memcmp(x.ptr, y.ptr, n) != 0) {
      size_t i = 0;
      while (x.ptr[i] == y.ptr[i]) i++;
      return from + (int64_t)i;
    }
    from += (int64_t)n;
  }
  return to;
}

/* The record around an offset. */
static bool record_around(struct storedir *s, int64_t offset, struct log_item *out) {
  struct log_cursor c;
  log_seek(&c, &s->log, offset);
  while (log_next(&c, out) && out->kind != LOG_END)
    if (offset < out->offset + out->size) return true;
  return false;
}

static void show_difference(struct tool *t, struct storedir *s, const char *dir, int64_t offset) {
  struct log_item item;
  char name[FILE_LABEL_MAX];
  if (!record_around(s, offset, &item)) return;
  file_list_name(&item.source->files, item.offset, name);
  fprintf(t->out, "  %s/%s, %s at %" PRId64 ":\n    ", dir, name,
          item.kind == LOG_RECORD   ? "record"
          : item.kind == LOG_FILLER ? "filler"
          : item.kind == LOG_ENTRY  ? "entry"
                                    : "damage",
          item.offset);
  if (item.kind == LOG_RECORD || item.kind == LOG_ENTRY) show_record(t, &item);
  else fputc('\n', t->out);
}

static int report(struct tool *t, struct storedir *a, struct storedir *b, char **args) {
  struct extent x = extent_of(a), y = extent_of(b);
  int64_t from = x.first > y.first ? x.first : y.first, to = x.end < y.end ? x.end : y.end;
  if (t->o.to >= 0 && t->o.to < to) to = t->o.to;
  if (t->o.from > from) from = t->o.from;
  if (from > to) from = to;
  int64_t at = first_difference(&x, &y, from, to);
  bool reached = t->o.to < 0 || to == t->o.to;
  if (t->o.json) {
    tool_json_begin(t);
    json_field_bool(&t->w, "equal", at == to);
    json_field_int(&t->w, "from", from);
    json_field_int(&t->w, "to", to);
    if (at < to) json_field_int(&t->w, "difference", at);
    json_field_int(&t->w, "end1", x.end);
    json_field_int(&t->w, "end2", y.end);
    json_field_bool(&t->w, "reached", reached);
    tool_json_end(t);
  } else {
    fprintf(t->out, "%s: %" PRId64 " to %" PRId64 "\n%s: %" PRId64 " to %" PRId64 "\n", args[0], x.first, x.end,
            args[1], y.first, y.end);
    if (!reached) fprintf(t->out, "one of them ends before %" PRId64 "\n", t->o.to);
    if (at < to) {
      fprintf(t->out, "DIFFERENT at %" PRId64 " (equal from %" PRId64 ")\n", at, from);
      show_difference(t, a, args[0], at);
      show_difference(t, b, args[1], at);
    } else {
      fprintf(t->out, "EQUAL from %" PRId64 " to %" PRId64 "\n", from, to);
    }
  }
  return at == to && reached ? EXIT_FINE : EXIT_PROBLEMS;
}

int command_compare(struct tool *t, char **args) {
  struct storedir a, b;
  const char *commitlog = t->o.commitlog;
  int code = storedir_open_log(&a, t, args[0]);
  t->o.commitlog = NULL; /* it is the first one's */
  int second = storedir_open_log(&b, t, args[1]);
  t->o.commitlog = commitlog;
  if (code == EXIT_FINE) code = second;
  if (code == EXIT_FINE) {
    code = report(t, &a, &b, args);
    code = storedir_trouble(&a, storedir_trouble(&b, code));
  }
  storedir_fini(&a);
  storedir_fini(&b);
  return code;
}
