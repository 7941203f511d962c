/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mqstore/verify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

static void print_line(struct verify *v, enum severity severity, const char *file, int64_t position, const char *text) {
  struct tool *t = v->tool;
  if (t->o.json) {
    tool_json_begin(t);
    json_field_text(&t->w, "kind", severity == PROBLEM ? "problem" : "note");
    json_field_text(&t->w, "file", file);
    if (position >= 0) json_field_int(&t->w, "position", position);
    json_field_text(&t->w, "text", text);
    tool_json_end(t);
  } else if (position >= 0) {
    fprintf(t->out, "%s%s:%" PRId64 ": %s\n", severity == PROBLEM ? "" : "note: ", file, position, text);
  } else {
    fprintf(t->out, "%s%s: %s\n", severity == PROBLEM ? "" : "note: ", file, text);
  }
}

static void report(struct verify *v, enum severity severity, const char *file, int64_t position, const char *format,
                   va_list args) {
  enum { TEXT_MAX = 4096 };
  char line[TEXT_MAX];
  *(severity == PROBLEM ? &v->problems : &v->notes) += 1;
  if (v->printed++ >= v->tool->o.limit) return;
  vsnprintf(line, sizeof line, format, args);
  print_line(v, severity, file, position, line);
}

void verify_report(struct verify *v, enum severity severity, const char *file, int64_t position, const char *format,
                   ...) {
  va_list args;
  va_start(args, format);
  report(v, severity, file, position, format, args);
  va_end(args);
}

void verify_report_at(struct verify *v, enum severity severity, const struct file_list *list, int64_t position,
                      const char *format, ...) {
  va_list args;
  char name[FILE_LABEL_MAX];
  const struct numbered_file *file = file_list_find(list, position);
  file_list_name(list, position, name);
  va_start(args, format);
  report(v, severity, name, file == NULL ? -1 : position - file->start, format, args);
  va_end(args);
}

static void sum_up(struct verify *v) {
  struct tool *t = v->tool;
  if (t->o.json) {
    tool_json_begin(t);
    json_field_text(&t->w, "kind", "result");
    json_field_bool(&t->w, "ok", v->problems == 0);
    json_field_int(&t->w, "problems", v->problems);
    json_field_int(&t->w, "notes", v->notes);
    json_field_int(&t->w, "records", v->records);
    json_field_int(&t->w, "minOffset", v->log_first);
    json_field_int(&t->w, "maxOffset", v->log_end);
    json_field_int(&t->w, "queues", (int64_t)v->store->queues.count);
    tool_json_end(t);
    return;
  }
  if (v->printed > t->o.limit) fprintf(t->out, "... and %" PRId64 " more (--limit)\n", v->printed - t->o.limit);
  fprintf(t->out, "%" PRId64 " records, offsets %" PRId64 " to %" PRId64 ", %zu queues, %zu index files\n", v->records,
          v->log_first, v->log_end, v->store->queues.count, v->store->index.count);
  if (v->problems == 0) fputs("OK\n", t->out);
  else fprintf(t->out, "%" PRId64 " problem%s\n", v->problems, v->problems == 1 ? "" : "s");
}

static void verify_all(struct verify *v) {
  struct storedir *s = v->store;
  for (int i = 0; i < 2; i++) verify_files(v, &s->log.sources[i].files, 1);
  for (size_t i = 0; i < s->queues.count; i++) {
    verify_files(v, &s->queues.list[i]->files, UNIT_BYTES);
    verify_files(v, &s->queues.list[i]->ext, 1);
  }
  for (size_t i = 0; i < s->queues.stranger_count; i++)
    verify_report(v, NOTE, (const char *)s->queues.strangers[i].ptr, -1, "no queue; ignored");
  verify_index_start(v);
  verify_log(v);
  verify_queues_end(v);
  verify_index_end(v);
  verify_ledger(v);
  verify_checkpoint(v);
  verify_config(v);
}

/* CommitLog.isMappedFileMatchedRecover: where an unclean start begins to read. */
static int64_t replay_start(struct storedir *s) {
  const struct file_list *files = &s->log.sources[0].files;
  int64_t limit = s->checkpoint.physic_ms < s->checkpoint.logics_ms ? s->checkpoint.physic_ms : s->checkpoint.logics_ms;
  struct log_item item;
  limit = limit > CLOCK_SLACK_MS ? limit - CLOCK_SLACK_MS : 0;
  for (size_t i = files->count; i-- > 1;)
    if (log_item_read(&s->log.sources[0], files->files[i].start, &item) == STATUS_OK && item.message.store_ms > 0 &&
        item.message.store_ms <= limit)
      return files->files[i].start;
  return file_list_first(files);
}

int command_verify(struct tool *t, char **args) {
  struct storedir s;
  struct verify v = {.tool = t, .store = &s, .torn_offset = -1};
  int code = storedir_open(&s, t, args[0]);
  if (code != EXIT_FINE) goto out;
  if (!delays_parse(t->o.delay_levels, &v.delays)) {
    tool_fail(t, "\"%s\" are no delay levels", t->o.delay_levels);
    code = EXIT_USAGE;
    goto out;
  }
  enum status status = config_load(&s, "topics.json", &v.topics);
  if (status != STATUS_OK) {
    code = tool_fail(t, "config/topics.json: %s", status_text(status));
    goto out;
  }
  v.open_end = s.abort_exists || s.running;
  v.replay_from = replay_start(&s);
  v.log_first = log_min(&s.log);
  if (s.running)
    verify_report(&v, NOTE, "lock", -1, "a process uses this store; what it has not written yet looks missing");
  else if (s.abort_exists)
    verify_report(&v, NOTE, "abort", -1, "not stopped cleanly; a start reads the log again from %" PRId64,
                  v.replay_from);
  verify_all(&v);
  sum_up(&v);
  code = storedir_trouble(&s, v.problems == 0 ? EXIT_FINE : EXIT_PROBLEMS);
out:
  free(v.index.heads);
  storedir_fini(&s);
  return code;
}
