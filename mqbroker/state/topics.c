/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/state/topics.h"

#include "core/wire/message.h" /* topic_name_valid */
#include "mqbroker/state/config_file.h"

#include <stdio.h>
#include <stdlib.h>

enum status topics_init(struct topics *ts, const char *root, size_t limit, uint64_t seed) {
  *ts = (struct topics){.limit = limit};
  map_init(&ts->table, seed);
  map_init(&ts->systems, seed);
  int n = snprintf(ts->path, sizeof ts->path, "%s/config/topics.json", root);
  return n < (int)sizeof ts->path ? STATUS_OK : STATUS_LIMIT;
}

static void topic_free(struct topic *t) {
  free((void *)t->name.ptr);
  free(t);
}

void topics_fini(struct topics *ts) {
  for (struct map_entry *e = map_first(&ts->table); e != NULL; e = map_next(&ts->table, e)) topic_free(e->value);
  map_fini(&ts->table);
  map_fini(&ts->systems);
}

struct topic *topics_find(const struct topics *ts, struct span name) {
  return map_get(&ts->table, name);
}

bool topics_is_system(const struct topics *ts, struct span name) { return map_get(&ts->systems, name) != NULL; }

static enum status put(struct topics *ts, const struct topic_config *c) {
  struct topic *t = topics_find(ts, c->name);
  if (t == NULL) {
    if (!topic_name_valid(c->name, NULL)) return STATUS_INVALID;
    if (map_count(&ts->table) >= ts->limit) return STATUS_LIMIT;
    uint8_t *name = malloc(c->name.len + 1);
    t = calloc(1, sizeof *t);
    if (t == NULL || name == NULL || map_put(&ts->table, c->name, t, NULL) != STATUS_OK) {
      free(name);
      free(t);
      return STATUS_NO_MEMORY;
    }
    memcpy(name, c->name.ptr, c->name.len);
    name[c->name.len] = '\0';
    t->name = span_of(name, c->name.len);
    t->created = ts->changes + 1;
  }
  t->read_queues = c->read_queues;
  t->write_queues = c->write_queues;
  t->perm = c->perm;
  t->sys_flag = c->sys_flag;
  t->multi_tag = c->multi_tag;
  t->order = c->order;
  t->changed = ++ts->changes;
  return STATUS_OK;
}

static void changed(struct topics *ts, struct moment now) {
  data_version_next(&ts->version, now.wall_ms);
  ts->dirty = true;
}

enum status topics_put(struct topics *ts, const struct topic_config *config, struct moment now) {
  enum status status = put(ts, config);
  if (status == STATUS_OK) changed(ts, now);
  return status;
}

enum status topics_put_system(struct topics *ts, const char *name, int32_t queues, int32_t perm) {
  struct topic_config c = {.name = span_text(name), .read_queues = queues, .write_queues = queues, .perm = perm};
  enum status status = put(ts, &c);
  return status == STATUS_OK ? map_put(&ts->systems, c.name, ts, NULL) : status;
}

bool topics_remove(struct topics *ts, struct span name, struct moment now) {
  struct topic *t = map_remove(&ts->table, name);
  if (t == NULL) return false;
  topic_free(t);
  changed(ts, now);
  return true;
}

static struct topic *create(struct topics *ts, const struct topic_config *c, struct moment now, struct log *log) {
  enum status status = topics_put(ts, c, now);
  if (status != STATUS_OK) {
    log_warn(log, "topic %.*s cannot be created: %s", SPAN_ARG(c->name), status_text(status));
    return NULL;
  }
  log_info(log, "topic %.*s created: %d queues, permission %d", SPAN_ARG(c->name), c->write_queues, c->perm);
  return topics_find(ts, c->name);
}

struct topic *topics_create_for_send(struct topics *ts, struct span name, struct span default_topic, int32_t queues,
                                     int32_t sys_flag, bool auto_create, struct moment now, struct log *log) {
  struct topic *base = topics_find(ts, default_topic);
  /* Without automatic creation TBW102 loses its "inherit" permission. */
  if (base == NULL || !(base->perm & PERM_INHERIT) || (!auto_create && span_is(default_topic, AUTO_CREATE_TOPIC)))
    return NULL;
  if (queues > base->write_queues) queues = base->write_queues;
  if (queues < 0) queues = 0;
  struct topic_config c = {.name = name,
                           .read_queues = queues,
                           .write_queues = queues,
                           .perm = base->perm & ~PERM_INHERIT,
                           .sys_flag = sys_flag,
                           .multi_tag = base->multi_tag};
  return create(ts, &c, now, log);
}

struct topic *topics_create_plain(struct topics *ts, struct span name, int32_t queues, int32_t perm, int32_t sys_flag,
                                  struct moment now, struct log *log) {
  struct topic *t = topics_find(ts, name);
  if (t != NULL) return t;
  struct topic_config c = {
      .name = name, .read_queues = queues, .write_queues = queues, .perm = perm, .sys_flag = sys_flag};
  return create(ts, &c, now, log);
}

bool topics_take(struct topics *ts, const struct topic_table *table, struct log *log) {
  if (ts->version.counter == table->version.counter && ts->version.timestamp == table->version.timestamp) return false;
  struct map named;
  enum status status = STATUS_OK;
  map_init(&named, ts->table.seed);
  for (size_t i = 0; i < table->count; i++) {
    const struct topic_config *c = &table->topics[i];
    enum status one = put(ts, c);
    if (one == STATUS_OK && status == STATUS_OK) status = map_put(&named, c->name, ts, NULL);
    if (one != STATUS_OK)
      log_warn(log, "the master's topic \"%.*s\" is left out: %s", SPAN_ARG(c->name), status_text(one));
  }
  for (struct map_entry *e = map_first(&ts->table), *next; e != NULL && status == STATUS_OK; e = next) {
    next = map_next(&ts->table, e);
    if (map_get(&named, e->key) == NULL && !topics_is_system(ts, e->key)) topic_free(map_remove(&ts->table, e->key));
  }
  map_fini(&named);
  ts->version = table->version;
  ts->dirty = true;
  return true;
}

void topics_set_order(struct topics *ts, const struct pair *order, size_t count, struct moment now) {
  bool any = false;
  for (struct map_entry *e = map_first(&ts->table); e != NULL; e = map_next(&ts->table, e)) {
    struct topic *t = e->value;
    bool named = false;
    for (size_t i = 0; i < count && !named; i++) named = span_equal(order[i].key, t->name);
    if (named == t->order) continue;
    t->order = named;
    t->changed = ++ts->changes;
    any = true;
  }
  if (any) changed(ts, now);
}

void topic_to_config(const struct topic *t, struct topic_config *out) {
  *out = (struct topic_config){.name = t->name,
                               .read_queues = t->read_queues,
                               .write_queues = t->write_queues,
                               .perm = t->perm,
                               .multi_tag = t->multi_tag,
                               .sys_flag = t->sys_flag,
                               .order = t->order};
}

enum status topics_snapshot(const struct topics *ts, uint64_t since, int32_t broker_perm, struct arena *arena,
                            struct topic_table *out) {
  *out = (struct topic_table){.version = ts->version};
  out->topics = arena_zalloc(arena, map_count(&ts->table), sizeof *out->topics);
  if (out->topics == NULL) return STATUS_NO_MEMORY;
  for (struct map_entry *e = map_first(&ts->table); e != NULL; e = map_next(&ts->table, e)) {
    const struct topic *t = e->value;
    if (t->changed <= since) continue;
    struct topic_config *c = &out->topics[out->count++];
    topic_to_config(t, c);
    /* BrokerController.registerBrokerAll: a broker without both permissions advertises the intersection. */
    if (broker_perm != (PERM_READ | PERM_WRITE)) c->perm &= broker_perm;
  }
  return STATUS_OK;
}

enum status topics_load(struct topics *ts, struct disk *disk, struct log *log) {
  struct buf text;
  struct arena arena;
  struct json *root;
  struct topic_table table;
  buf_init(&text, CONFIG_FILE_MAX);
  arena_init(&arena, CONFIG_FILE_MAX);
  enum status status = config_file_read(disk, ts->path, log, &text, &arena, &root);
  if (status == STATUS_OK) status = topic_table_read(root, &arena, &table);
  if (status == STATUS_OK) {
    ts->version = table.version;
    for (size_t i = 0; i < table.count && status == STATUS_OK; i++) {
      enum status one = put(ts, &table.topics[i]);
      if (one == STATUS_NO_MEMORY) status = one; /* the next save must not lose it */
      else if (one != STATUS_OK)
        log_warn(log, "%s: topic \"%.*s\" is left out: %s", ts->path, SPAN_ARG(table.topics[i].name), status_text(one));
    }
  }
  ts->saved = ts->changes;
  buf_fini(&text);
  arena_fini(&arena);
  return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status topics_save(struct topics *ts, struct disk *disk) {
  struct buf text;
  struct arena arena;
  struct topic_table table;
  struct json_writer w;
  buf_init(&text, CONFIG_FILE_MAX);
  arena_init(&arena, CONFIG_FILE_MAX);
  enum status status = topics_snapshot(ts, 0, PERM_READ | PERM_WRITE, &arena, &table);
  if (status == STATUS_OK) {
    json_writer_init(&w, &text, true);
    topic_table_write(&w, &table);
    status = text.failed ? STATUS_NO_MEMORY : disk_replace_shifting(disk, ts->path, buf_span(&text));
  }
  if (status == STATUS_OK) {
    ts->dirty = false;
    ts->saved = ts->changes;
  }
  buf_fini(&text);
  arena_fini(&arena);
  return status;
}
