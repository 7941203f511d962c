/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands that show records: messages, queue, index.
 */
#include "tools/mqstore/tool.h"

#include <inttypes.h>

static bool record_wanted(const struct options *o, const struct log_item *item) {
  if (item->kind != LOG_RECORD && item->kind != LOG_ENTRY) return false;
  if (o->from >= 0 && item->record_offset < o->from) return false;
  if (o->to >= 0 && item->record_offset >= o->to) return false;
  if (item->kind == LOG_ENTRY) return o->topic == NULL && o->queue < 0;
  if (o->topic != NULL && !span_is(item->message.topic, o->topic)) return false;
  return o->queue < 0 || item->message.queue_id == o->queue;
}

static void complain_damage(struct tool *t, const struct log_item *item) {
  char name[FILE_LABEL_MAX];
  file_list_name(&item->source->files, item->offset, name);
  fprintf(t->err, "mqstore: %s: damage at offset %" PRId64 " (%s), %" PRId64 " bytes left out\n", name, item->offset,
          item->why, item->size);
}

int command_messages(struct tool *t, char **args) {
  struct storedir s;
  struct log_cursor c;
  struct log_item item;
  int64_t shown = 0;
  int code = storedir_open_log(&s, t, args[0]);
  if (code != EXIT_FINE) goto out;
  log_open(&c, &s.log);
  if (t->o.from >= 0) log_seek(&c, &s.log, t->o.from);
  while ((t->o.count < 0 || shown < t->o.count) && log_next(&c, &item)) {
    if (item.kind == LOG_DAMAGE) complain_damage(t, &item);
    if (t->o.to >= 0 && item.offset >= t->o.to) break;
    if (!record_wanted(&t->o, &item)) continue;
    show_record(t, &item);
    shown++;
  }
  code = storedir_trouble(&s, EXIT_FINE);
out:
  storedir_fini(&s);
  return code;
}

static void queue_head(struct tool *t, struct storedir *s, const struct store_queue *q) {
  int64_t min = queue_min(q, log_min(&s->log));
  if (t->o.json) {
    tool_json_begin(t);
    json_field_span(&t->w, "topic", q->topic);
    json_field_int(&t->w, "queueId", q->id);
    json_field_int(&t->w, "minOffset", min);
    json_field_int(&t->w, "maxOffset", q->end);
    json_field_int(&t->w, "files", (int64_t)q->files.count);
    json_field_int(&t->w, "fileLength", q->files.file_length);
    tool_json_end(t);
  } else {
    fprintf(t->out,
            "%.*s %" PRId32 ": units %" PRId64 " to %" PRId64 ", first readable %" PRId64 ", %zu files of %" PRId64
            " bytes\n",
            SPAN_ARG(q->topic), q->id, q->first, q->end, min, q->files.count, q->files.file_length);
  }
}

int command_queue(struct tool *t, char **args) {
  struct storedir s;
  int32_t id;
  int code = storedir_open(&s, t, args[0]);
  if (code != EXIT_FINE) goto out;
  if (!span_to_i32(span_text(args[2]), &id)) {
    tool_fail(t, "%s is no queue id", args[2]);
    code = EXIT_USAGE;
    goto out;
  }
  const struct store_queue *q = queue_find(&s.queues, span_text(args[1]), id);
  if (q == NULL) {
    code = tool_fail(t, "%s: no queue %s %s", args[0], args[1], args[2]);
    goto out;
  }
  queue_head(t, &s, q);
  int64_t from = t->o.from > q->first ? t->o.from : q->first, to = q->end;
  if (t->o.count >= 0 && t->o.count < to - from) to = from + t->o.count;
  for (int64_t n = from; n < to; n++) show_unit(t, &s, q, n);
  code = storedir_trouble(&s, EXIT_FINE);
out:
  storedir_fini(&s);
  return code;
}

/* Does the record have that key? The index compares hashes only. */
static bool has_key(const struct log_item *item, struct span topic, struct span key) {
  static _Thread_local struct span keys[RECORD_KEYS_MAX + 1];
  if (!span_equal(item->message.topic, topic)) return false;
  size_t n = record_keys(&item->message, keys);
  for (size_t i = 0; i < n; i++)
    if (span_equal(keys[i], key)) return true;
  return false;
}

static void show_found(struct tool *t, struct storedir *s, int64_t offset, struct span topic, struct span key) {
  struct log_item item;
  bool readable = log_record_at(&s->log, offset, &item);
  bool same = readable && has_key(&item, topic, key);
  if (t->o.json) {
    tool_json_begin(t);
    json_field_int(&t->w, "commitLogOffset", offset);
    json_field_bool(&t->w, "readable", readable);
    json_field_bool(&t->w, "hasKey", same);
    tool_json_end(t);
  } else {
    fprintf(t->out, "%" PRId64 "%s\n", offset,
            !readable ? ": no record there"
            : same    ? ""
                      : ": same hash, but not this key");
  }
  if (readable) show_record(t, &item);
}

int command_index(struct tool *t, char **args) {
  struct storedir s;
  int64_t offsets[INDEX_FOUND_MAX];
  int code = storedir_open(&s, t, args[0]);
  if (code == EXIT_FINE) {
    struct span topic = span_text(args[1]), key = span_text(args[2]);
    size_t max = t->o.max >= 0 && t->o.max < INDEX_FOUND_MAX ? (size_t)t->o.max : INDEX_FOUND_MAX;
    size_t n = key_index_find(&s.index, topic, key, t->o.begin_ms, t->o.end_ms, max, offsets);
    for (size_t i = 0; i < n; i++) /* a record that has a key twice is found twice */
      if (i == 0 || offsets[i] != offsets[i - 1]) show_found(t, &s, offsets[i], topic, key);
    if (n == 0 && !t->o.json) fputs("nothing found\n", t->out);
    code = storedir_trouble(&s, n == 0 ? EXIT_PROBLEMS : EXIT_FINE);
  }
  storedir_fini(&s);
  return code;
}
