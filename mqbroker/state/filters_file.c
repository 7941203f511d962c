/* SPDX-License-Identifier: Apache-2.0
 *
 * config/consumerFilter.json, in the form and with the rules of
 * ConsumerFilterManager.encode and decode.
 */
#include "mqbroker/state/config_file.h"
#include "mqbroker/state/filters_table.h"

enum { BEFORE_START_MS = 30000 }; /* a filter that was alive in the file died that long before the broker started */

/* ---- write ---- */

void filter_write(struct json_writer *w, const struct filters *fs, const struct filter *f) {
  json_open_object(w);
  json_key(w, "bloomFilterData");
  json_open_object(w);
  json_key(w, "bitNum");
  json_put_int(w, fs->bloom.bits);
  json_key(w, "bitPos");
  json_open_inline_array(w);
  for (int32_t i = 0; i < fs->bloom.hashes; i++) json_put_int(w, f->positions[i]);
  json_close_array(w);
  json_close_object(w);
  json_key(w, "bornTime");
  json_put_int(w, f->born_ms);
  json_key(w, "clientVersion");
  json_put_int(w, f->client_version);
  json_key(w, "consumerGroup");
  json_put_span(w, f->group);
  json_key(w, "dead");
  json_put_bool(w, filter_is_dead(f));
  json_key(w, "deadTime");
  json_put_int(w, f->dead_ms);
  json_key(w, "expression");
  json_put_span(w, f->expression);
  json_key(w, "expressionType");
  json_put_span(w, f->expression_type);
  json_key(w, "topic");
  json_put_span(w, f->topic);
  json_close_object(w);
}

static void write_topic(struct json_writer *w, const struct filters *fs, struct span topic,
                        const struct topic_filters *t) {
  json_open_object(w);
  json_key(w, "groupFilterData");
  json_open_object(w);
  for (struct map_entry *e = map_first(&t->groups); e != NULL; e = map_next(&t->groups, e)) {
    json_key_span(w, e->key);
    filter_write(w, fs, e->value);
  }
  json_close_object(w);
  json_key(w, "topic");
  json_put_span(w, topic);
  json_close_object(w);
}

enum status filters_save(struct filters *fs, struct disk *disk) {
  struct buf text;
  struct json_writer w;
  buf_init(&text, CONFIG_FILE_MAX);
  json_writer_init(&w, &text, true);
  json_open_object(&w);
  json_key(&w, "filterDataByTopic");
  json_open_object(&w);
  for (struct map_entry *e = map_first(&fs->topics); e != NULL; e = map_next(&fs->topics, e)) {
    json_key_span(&w, e->key);
    write_topic(&w, fs, e->key, e->value);
  }
  json_close_object(&w);
  json_close_object(&w);
  enum status status = text.failed ? STATUS_NO_MEMORY : disk_replace_whole(disk, fs->path, buf_span(&text), true);
  if (status == STATUS_OK) fs->dirty = false;
  buf_fini(&text);
  return status;
}

/* ---- read ---- */

/* BloomFilter.isValid: made with the same length and number of hashes. */
static bool bloom_fits(const struct filters *fs, const struct json *data) {
  const struct json *positions = json_member(data, "bitPos");
  return json_i32(json_member(data, "bitNum"), -1) == fs->bloom.bits && positions != NULL &&
         positions->child_count == (size_t)fs->bloom.hashes;
}

/* Times are subtracted from each other; nothing before 1970 makes sense. */
static int64_t time_of(const struct json *f, const char *name) {
  int64_t ms = json_i64(json_member(f, name), 0);
  return ms < 0 ? 0 : ms;
}

static void read_filter(struct filters *fs, struct span topic, struct span group, const struct json *f,
                        struct moment now, struct log *log) {
  struct filter from = {.group = group,
                        .topic = topic,
                        .expression = json_text(json_member(f, "expression")),
                        .expression_type = json_text(json_member(f, "expressionType")),
                        .born_ms = time_of(f, "bornTime"),
                        .dead_ms = time_of(f, "deadTime"),
                        .client_version = json_i64(json_member(f, "clientVersion"), 0)};
  if (from.dead_ms == 0) {
    from.dead_ms = now.wall_ms - BEFORE_START_MS;
    if (from.dead_ms < from.born_ms) from.dead_ms = from.born_ms;
  }
  struct sql_error error = {0, ""};
  enum status status = filters_put(fs, &from, false, &error);
  if (status != STATUS_OK || error.text[0] != '\0')
    log_warn(log, "%s: topic %.*s, group %.*s: character %zu: %s", fs->path, SPAN_ARG(topic), SPAN_ARG(group), error.at,
             error.text[0] == '\0' ? status_text(status) : error.text);
}

static bool all_fit(const struct filters *fs, const struct json *topics) {
  for (const struct json *t = topics->children; t != NULL; t = t->next) {
    const struct json *groups = json_member(t, "groupFilterData");
    for (const struct json *f = groups == NULL ? NULL : groups->children; f != NULL; f = f->next)
      if (f->kind == JSON_OBJECT && !bloom_fits(fs, json_member(f, "bloomFilterData"))) return false;
  }
  return true;
}

static void read_topics(struct filters *fs, const struct json *topics, struct moment now, struct log *log) {
  if (!all_fit(fs, topics)) {
    log_warn(log, "%s is left aside: maxErrorRateOfBloomFilter or expectConsumerNumUseFilter have changed", fs->path);
    return;
  }
  for (const struct json *t = topics->children; t != NULL; t = t->next) {
    const struct json *groups = json_member(t, "groupFilterData");
    for (const struct json *f = groups == NULL ? NULL : groups->children; f != NULL; f = f->next)
      if (f->kind == JSON_OBJECT) read_filter(fs, json_text(t->key), json_text(f->key), f, now, log);
  }
}

enum status filters_load(struct filters *fs, struct disk *disk, struct moment now, struct log *log) {
  struct buf text;
  struct arena arena;
  struct json *root;
  buf_init(&text, CONFIG_FILE_MAX);
  arena_init(&arena, CONFIG_FILE_MAX);
  enum status status = config_file_read(disk, fs->path, log, &text, &arena, &root);
  if (status == STATUS_OK) {
    const struct json *topics = json_member(root, "filterDataByTopic");
    filters_clear(fs);
    if (topics != NULL) read_topics(fs, topics, now, log);
  }
  buf_fini(&text);
  arena_fini(&arena);
  return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
