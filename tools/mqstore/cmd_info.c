/* SPDX-License-Identifier: Apache-2.0
 *
 * info: what is in a store directory, in numbers.
 */
#include "tools/mqstore/tool.h"

#include <inttypes.h>

struct log_facts {
  bool present;
  int64_t records, entries, fillers, damages, bytes;
  int64_t min_offset, end, dirty_end;
  int64_t first_ms, last_ms;
  int64_t first_index, last_index, last_term;
};

struct facts {
  struct log_facts sources[2];
};

static void count_item(struct log_facts *f, const struct log_item *item) {
  bool content = item->kind == LOG_RECORD || item->kind == LOG_ENTRY;
  if (content && f->records + f->entries == 0) f->first_index = item->entry.index;
  if (content) {
    f->bytes += item->size;
    f->last_index = item->entry.index;
    f->last_term = item->entry.term;
  }
  switch (item->kind) {
  case LOG_RECORD:
    if (f->records++ == 0) f->first_ms = f->last_ms = item->message.store_ms;
    if (item->message.store_ms > f->last_ms) f->last_ms = item->message.store_ms;
    break;
  case LOG_ENTRY:
    f->entries++;
    break;
  case LOG_FILLER:
    f->fillers++;
    break;
  case LOG_DAMAGE:
    f->damages++;
    break;
  case LOG_END:
    f->end = item->offset;
    f->dirty_end = item->dirty_end;
    break;
  }
}

static void facts_gather(struct storedir *s, struct facts *f) {
  struct log_cursor c;
  struct log_item item;
  *f = (struct facts){0};
  log_open(&c, &s->log);
  while (log_next(&c, &item)) {
    struct log_facts *l = &f->sources[item.source->dledger ? 1 : 0];
    l->present = true;
    l->min_offset = file_list_first(&item.source->files);
    count_item(l, &item);
  }
}

/* ---- for people ---- */

static void text_log(struct tool *t, const struct file_list *files, const struct log_facts *f, bool dledger) {
  char first[TIME_TEXT_MAX], last[TIME_TEXT_MAX];
  fprintf(t->out, "%s: %zu files of %" PRId64 " bytes\n", files->label, files->count, files->file_length);
  if (!f->present) return;
  fprintf(t->out,
          "  offsets %" PRId64 " to %" PRId64 "\n  %" PRId64 " records, %" PRId64 " bytes, %" PRId64 " fillers\n",
          f->min_offset, f->end, f->records, f->bytes, f->fillers);
  if (dledger && f->entries > 0) fprintf(t->out, "  %" PRId64 " entries that are no messages\n", f->entries);
  if (dledger && f->records + f->entries > 0)
    fprintf(t->out, "  indexes %" PRId64 " to %" PRId64 ", last term %" PRId64 "\n", f->first_index, f->last_index,
            f->last_term);
  if (f->records > 0)
    fprintf(t->out, "  stored %s to %s\n", time_text(f->first_ms, first), time_text(f->last_ms, last));
  if (f->damages > 0) fprintf(t->out, "  DAMAGED in %" PRId64 " places: see verify\n", f->damages);
  if (f->dirty_end > f->end)
    fprintf(t->out, "  %" PRId64 " bytes behind the end that are not all zero\n", f->dirty_end - f->end);
}

static void text_ledger(struct tool *t, const struct ledger_facts *l) {
  if (l->name == NULL) return;
  fprintf(t->out, "%s:", l->name);
  if (l->has_term) fprintf(t->out, " term %" PRId64 ", vote \"%.*s\"", l->term, SPAN_ARG(l->vote));
  if (l->has_checkpoint)
    fprintf(t->out, ", committed index %" PRId64 ", end index %" PRId64, l->committed_index, l->end_index);
  fprintf(t->out, ", %zu index files of %" PRId64 " bytes\n", l->index.count, l->index.file_length);
}

static void text_queues(struct tool *t, struct storedir *s) {
  fprintf(t->out, "consumequeue: %zu queues\n", s->queues.count);
  for (size_t i = 0; i < s->queues.count; i++) {
    const struct store_queue *q = s->queues.list[i];
    fputs("  ", t->out);
    show_text(t->out, q->topic);
    fprintf(t->out, " %" PRId32 ": offsets %" PRId64 " to %" PRId64 ", %zu files of %" PRId64 " bytes", q->id,
            queue_min(q, log_min(&s->log)), q->end, q->files.count, q->files.file_length);
    if (q->ext.exists) fprintf(t->out, ", %zu ext files of %" PRId64 " bytes", q->ext.count, q->ext.file_length);
    fputc('\n', t->out);
  }
}

static void text_index(struct tool *t, const struct key_index *x) {
  char first[TIME_TEXT_MAX], last[TIME_TEXT_MAX];
  fprintf(t->out, "index: %zu files\n", x->count);
  for (size_t i = 0; i < x->count; i++) {
    const struct index_file *f = &x->files[i];
    fprintf(t->out,
            "  %.*s: %" PRId32 " entries of %" PRId64 ", %" PRId64 " slots, %" PRId64 " bytes, offsets %" PRId64
            " to %" PRId64 ", %s to %s\n",
            SPAN_ARG(f->name), f->header.count - 1, f->capacity - 1, f->slots, f->length, f->header.begin_offset,
            f->header.end_offset, time_text(f->header.begin_ms, first), time_text(f->header.end_ms, last));
  }
}

static void text_offset(void *context, struct span topic, struct span group, int32_t queue_id, int64_t offset) {
  fprintf(((struct tool *)context)->out, "    %.*s of %.*s, queue %" PRId32 ": %" PRId64 "\n", SPAN_ARG(group),
          SPAN_ARG(topic), queue_id, offset);
}

static const char *const state_texts[] = {"missing", "good", "empty", "broken", "main file unusable, .bak taken"};

static void text_config(struct tool *t, const struct config_file *c) {
  const char *what;
  int64_t n = config_count(c, &what);
  if (c->state == CONFIG_MISSING) return;
  fprintf(t->out, "config/%s: %s", c->name, state_texts[c->state]);
  if (c->tree != NULL) fprintf(t->out, ", %" PRId64 " %s", n, what);
  if (c->why != NULL) fprintf(t->out, " (%s)", c->why);
  fputc('\n', t->out);
  if (strcmp(c->name, "consumerOffset.json") == 0) config_offsets(c, text_offset, t);
}

static int text_all(struct tool *t, struct storedir *s, const struct facts *f) {
  char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX], c[TIME_TEXT_MAX];
  for (int i = 0; i < 2; i++)
    if (s->log.sources[i].files.exists) text_log(t, &s->log.sources[i].files, &f->sources[i], i == 1);
  text_ledger(t, &s->ledger);
  text_queues(t, s);
  text_index(t, &s->index);
  if (s->checkpoint.exists)
    fprintf(t->out, "checkpoint: log %s, queues %s, index %s\n", time_text(s->checkpoint.physic_ms, a),
            time_text(s->checkpoint.logics_ms, b), time_text(s->checkpoint.index_ms, c));
  fprintf(t->out, "%s%s\n",
          s->abort_exists ? "abort: present (running, or not stopped cleanly)" : "abort: none (stopped cleanly)",
          s->running ? "; a process holds the lock" : "");
  for (size_t i = 0; i < CONFIG_FILES; i++) {
    struct config_file config;
    enum status status = config_load(s, config_names[i], &config);
    if (status != STATUS_OK) return tool_fail(t, "config/%s: %s", config_names[i], status_text(status));
    text_config(t, &config);
  }
  return EXIT_FINE;
}

/* ---- for programs ---- */

static void json_log(struct json_writer *w, const struct file_list *files, const struct log_facts *f, bool dledger) {
  json_open_object(w);
  json_field_int(w, "files", (int64_t)files->count);
  json_field_int(w, "fileLength", files->file_length);
  json_field_int(w, "minOffset", f->min_offset);
  json_field_int(w, "maxOffset", f->end);
  json_field_int(w, "records", f->records);
  json_field_int(w, "bytes", f->bytes);
  json_field_int(w, "fillers", f->fillers);
  json_field_int(w, "damages", f->damages);
  json_field_int(w, "firstStoreTimestamp", f->first_ms);
  json_field_int(w, "lastStoreTimestamp", f->last_ms);
  json_field_int(w, "bytesBehindEnd", f->dirty_end - f->end);
  if (dledger) {
    json_field_int(w, "entries", f->entries + f->records);
    json_field_int(w, "firstIndex", f->first_index);
    json_field_int(w, "lastIndex", f->last_index);
    json_field_int(w, "lastTerm", f->last_term);
  }
  json_close_object(w);
}

static void json_ledger(struct json_writer *w, const struct ledger_facts *l) {
  if (l->name == NULL) return;
  json_key(w, "dledger");
  json_open_object(w);
  json_field_text(w, "name", l->name);
  if (l->has_term) {
    json_field_int(w, "currTerm", l->term);
    json_field_span(w, "voteLeader", l->vote);
  }
  if (l->has_checkpoint) {
    json_field_int(w, "committedIndex", l->committed_index);
    json_field_int(w, "endIndex", l->end_index);
  }
  json_close_object(w);
}

static void json_queues(struct json_writer *w, struct storedir *s) {
  json_key(w, "queues");
  json_open_array(w);
  for (size_t i = 0; i < s->queues.count; i++) {
    const struct store_queue *q = s->queues.list[i];
    json_open_object(w);
    json_field_span(w, "topic", q->topic);
    json_field_int(w, "queueId", q->id);
    json_field_int(w, "minOffset", queue_min(q, log_min(&s->log)));
    json_field_int(w, "maxOffset", q->end);
    json_field_int(w, "files", (int64_t)q->files.count);
    json_field_int(w, "fileLength", q->files.file_length);
    if (q->ext.exists) json_field_int(w, "extFiles", (int64_t)q->ext.count);
    json_close_object(w);
  }
  json_close_array(w);
}

static void json_index(struct json_writer *w, const struct key_index *x) {
  json_key(w, "indexFiles");
  json_open_array(w);
  for (size_t i = 0; i < x->count; i++) {
    const struct index_file *f = &x->files[i];
    json_open_object(w);
    json_field_span(w, "file", f->name);
    json_field_int(w, "beginTimestamp", f->header.begin_ms);
    json_field_int(w, "endTimestamp", f->header.end_ms);
    json_field_int(w, "beginPhyOffset", f->header.begin_offset);
    json_field_int(w, "endPhyOffset", f->header.end_offset);
    json_field_int(w, "hashSlotCount", f->header.slot_count);
    json_field_int(w, "indexCount", f->header.count);
    json_field_int(w, "slots", f->slots);
    json_field_int(w, "capacity", f->capacity);
    json_close_object(w);
  }
  json_close_array(w);
}

static void json_offset(void *context, struct span topic, struct span group, int32_t queue_id, int64_t offset) {
  struct json_writer *w = context;
  json_open_object(w);
  json_field_span(w, "topic", topic);
  json_field_span(w, "group", group);
  json_field_int(w, "queueId", queue_id);
  json_field_int(w, "offset", offset);
  json_close_object(w);
}

static void json_config(struct json_writer *w, const struct config_file *c) {
  static const char *const states[] = {"missing", "good", "empty", "broken", "backup"};
  const char *what;
  json_key(w, c->name);
  json_open_object(w);
  json_field_text(w, "state", states[c->state]);
  json_field_int(w, "count", config_count(c, &what));
  if (c->why != NULL) json_field_text(w, "why", c->why);
  if (strcmp(c->name, "consumerOffset.json") == 0) {
    json_key(w, "offsets");
    json_open_array(w);
    config_offsets(c, json_offset, w);
    json_close_array(w);
  }
  json_close_object(w);
}

static int json_configs(struct tool *t, struct storedir *s) {
  struct json_writer *w = &t->w;
  json_key(w, "config");
  json_open_object(w);
  for (size_t i = 0; i < CONFIG_FILES; i++) {
    struct config_file config;
    enum status status = config_load(s, config_names[i], &config);
    if (status != STATUS_OK) return tool_fail(t, "config/%s: %s", config_names[i], status_text(status));
    json_config(w, &config);
  }
  json_close_object(w);
  return EXIT_FINE;
}

static int json_all(struct tool *t, struct storedir *s, const struct facts *f) {
  static const char *const names[] = {"commitLog", "ledger"};
  struct json_writer *w = &t->w;
  tool_json_begin(t);
  for (int i = 0; i < 2; i++) {
    if (!s->log.sources[i].files.exists) continue;
    json_key(w, names[i]);
    json_log(w, &s->log.sources[i].files, &f->sources[i], i == 1);
  }
  json_ledger(w, &s->ledger);
  json_queues(w, s);
  json_index(w, &s->index);
  json_key(w, "checkpoint");
  json_open_object(w);
  json_field_bool(w, "exists", s->checkpoint.exists);
  json_field_int(w, "physicMsgTimestamp", s->checkpoint.physic_ms);
  json_field_int(w, "logicsMsgTimestamp", s->checkpoint.logics_ms);
  json_field_int(w, "indexMsgTimestamp", s->checkpoint.index_ms);
  json_close_object(w);
  json_field_bool(w, "abort", s->abort_exists);
  json_field_bool(w, "running", s->running);
  int code = json_configs(t, s);
  if (code == EXIT_FINE) tool_json_end(t);
  return code;
}

int command_info(struct tool *t, char **args) {
  struct storedir s;
  struct facts f;
  int code = storedir_open(&s, t, args[0]);
  if (code == EXIT_FINE) {
    facts_gather(&s, &f);
    code = storedir_trouble(&s, t->o.json ? json_all(t, &s, &f) : text_all(t, &s, &f));
  }
  storedir_fini(&s);
  return code;
}
