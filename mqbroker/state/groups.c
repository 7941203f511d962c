/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/state/groups.h"

#include "core/wire/message.h" /* group_name_valid */
#include "mqbroker/state/config_file.h"

#include <stdio.h>
#include <stdlib.h>

enum status groups_init(struct groups *gs, const char *root, size_t limit, uint64_t seed) {
  *gs = (struct groups){.limit = limit};
  map_init(&gs->table, seed);
  int n = snprintf(gs->path, sizeof gs->path, "%s/config/subscriptionGroup.json", root);
  return n < (int)sizeof gs->path ? STATUS_OK : STATUS_LIMIT;
}

static void group_free(struct group *g) {
  free((void *)g->name.ptr);
  free(g);
}

void groups_fini(struct groups *gs) {
  for (struct map_entry *e = map_first(&gs->table); e != NULL; e = map_next(&gs->table, e)) group_free(e->value);
  map_fini(&gs->table);
}

struct group *groups_find(const struct groups *gs, struct span name) {
  return map_get(&gs->table, name);
}

static enum status add(struct groups *gs, struct span name, struct group **out) {
  if ((*out = groups_find(gs, name)) != NULL) return STATUS_OK;
  if (!group_name_valid(name, NULL)) return STATUS_INVALID;
  if (map_count(&gs->table) >= gs->limit) return STATUS_LIMIT;
  struct group *g = malloc(sizeof *g);
  uint8_t *copy = malloc(name.len + 1);
  if (g == NULL || copy == NULL || map_put(&gs->table, name, g, NULL) != STATUS_OK) {
    free(g);
    free(copy);
    return STATUS_NO_MEMORY;
  }
  memcpy(copy, name.ptr, name.len);
  copy[name.len] = '\0';
  *g = (struct group){.name = span_of(copy, name.len),
                      .consume_enable = true,
                      .consume_from_min_enable = true,
                      .consume_broadcast_enable = true,
                      .notify_ids_changed = true,
                      .retry_queues = 1,
                      .retry_max_times = 16,
                      .which_broker_when_slow = 1};
  *out = g;
  return STATUS_OK;
}

static void changed(struct groups *gs, struct moment now) {
  data_version_next(&gs->version, now.wall_ms);
  gs->dirty = true;
}

enum status groups_put_builtin(struct groups *gs) {
  static const char *const names[] = {"TOOLS_CONSUMER",     "FILTERSRV_CONSUMER", "SELF_TEST_C_GROUP",
                                      "CID_ONS-HTTP-PROXY", "CID_ONSAPI_PULL",    "CID_ONSAPI_PERMISSION",
                                      "CID_ONSAPI_OWNER"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    struct group *g;
    enum status status = add(gs, span_text(names[i]), &g);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

struct group *groups_find_or_create(struct groups *gs, struct span name, bool auto_create, struct moment now,
                                    struct log *log) {
  struct group *g = groups_find(gs, name);
  if (g != NULL || (!auto_create && !span_starts(name, "CID_RMQ_SYS_"))) return g;
  enum status status = add(gs, name, &g);
  if (status != STATUS_OK) {
    log_warn(log, "consumer group \"%.*s\" cannot be created: %s", SPAN_ARG(name), status_text(status));
    return NULL;
  }
  log_info(log, "consumer group %.*s created", SPAN_ARG(name));
  changed(gs, now);
  return g;
}

static enum status put(struct groups *gs, const struct json *c) {
  struct group *g;
  enum status status = add(gs, json_text(json_member(c, "groupName")), &g);
  if (status != STATUS_OK) return status;
  g->consume_enable = json_bool(json_member(c, "consumeEnable"), true);
  g->consume_from_min_enable = json_bool(json_member(c, "consumeFromMinEnable"), true);
  g->consume_broadcast_enable = json_bool(json_member(c, "consumeBroadcastEnable"), true);
  g->notify_ids_changed = json_bool(json_member(c, "notifyConsumerIdsChangedEnable"), true);
  g->retry_queues = json_i32(json_member(c, "retryQueueNums"), 1);
  g->retry_max_times = json_i32(json_member(c, "retryMaxTimes"), 16);
  g->broker_id = json_i64(json_member(c, "brokerId"), 0);
  g->which_broker_when_slow = json_i64(json_member(c, "whichBrokerWhenConsumeSlowly"), 1);
  return STATUS_OK;
}

enum status groups_put(struct groups *gs, const struct json *config, struct moment now) {
  enum status status = put(gs, config);
  if (status == STATUS_OK) changed(gs, now);
  return status;
}

bool groups_remove(struct groups *gs, struct span name, struct moment now) {
  struct group *g = map_remove(&gs->table, name);
  if (g == NULL) return false;
  group_free(g);
  changed(gs, now);
  return true;
}

static void write_group(struct json_writer *w, const struct group *g) {
  json_open_object(w);
  json_key(w, "brokerId");
  json_put_int(w, g->broker_id);
  json_key(w, "consumeBroadcastEnable");
  json_put_bool(w, g->consume_broadcast_enable);
  json_key(w, "consumeEnable");
  json_put_bool(w, g->consume_enable);
  json_key(w, "consumeFromMinEnable");
  json_put_bool(w, g->consume_from_min_enable);
  json_key(w, "groupName");
  json_put_span(w, g->name);
  json_key(w, "notifyConsumerIdsChangedEnable");
  json_put_bool(w, g->notify_ids_changed);
  json_key(w, "retryMaxTimes");
  json_put_int(w, g->retry_max_times);
  json_key(w, "retryQueueNums");
  json_put_int(w, g->retry_queues);
  json_key(w, "whichBrokerWhenConsumeSlowly");
  json_put_int(w, g->which_broker_when_slow);
  json_close_object(w);
}

void groups_write(const struct groups *gs, struct json_writer *w) {
  json_open_object(w);
  json_key(w, "dataVersion");
  data_version_write(w, &gs->version);
  json_key(w, "subscriptionGroupTable");
  json_open_object(w);
  for (struct map_entry *e = map_first(&gs->table); e != NULL; e = map_next(&gs->table, e)) {
    json_key_span(w, e->key);
    write_group(w, e->value);
  }
  json_close_object(w);
  json_close_object(w);
}

void groups_take(struct groups *gs, const struct json *root, struct log *log) {
  const struct json *version = json_member(root, "dataVersion"), *table = json_member(root, "subscriptionGroupTable");
  struct data_version theirs = {0};
  if (version != NULL) data_version_read(version, &theirs);
  if (table == NULL || (gs->version.counter == theirs.counter && gs->version.timestamp == theirs.timestamp)) return;
  for (const struct json *c = table->children; c != NULL; c = c->next) {
    enum status one = put(gs, c);
    if (one != STATUS_OK)
      log_warn(log, "the master's group \"%.*s\" is left out: %s", SPAN_ARG(json_text(c->key)), status_text(one));
  }
  for (struct map_entry *e = map_first(&gs->table), *next; e != NULL; e = next) {
    bool named = false;
    next = map_next(&gs->table, e);
    for (const struct json *c = table->children; c != NULL && !named; c = c->next)
      named = span_equal(json_text(c->key), e->key);
    if (!named) group_free(map_remove(&gs->table, e->key));
  }
  gs->version = theirs;
  gs->dirty = true;
}

enum status groups_load(struct groups *gs, struct disk *disk, struct log *log) {
  struct buf text;
  struct arena arena;
  struct json *root;
  buf_init(&text, CONFIG_FILE_MAX);
  arena_init(&arena, CONFIG_FILE_MAX);
  enum status status = config_file_read(disk, gs->path, log, &text, &arena, &root);
  if (status == STATUS_OK) {
    const struct json *version = json_member(root, "dataVersion");
    if (version != NULL) data_version_read(version, &gs->version);
    const struct json *table = json_member(root, "subscriptionGroupTable");
    for (const struct json *c = table == NULL ? NULL : table->children; c != NULL && status == STATUS_OK; c = c->next) {
      enum status one = put(gs, c);
      if (one == STATUS_NO_MEMORY) status = one; /* the next save must not lose it */
      else if (one != STATUS_OK)
        log_warn(log, "%s: group \"%.*s\" is left out: %s", gs->path, SPAN_ARG(json_text(c->key)), status_text(one));
    }
  }
  buf_fini(&text);
  arena_fini(&arena);
  return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status groups_save(struct groups *gs, struct disk *disk) {
  struct buf text;
  struct json_writer w;
  buf_init(&text, CONFIG_FILE_MAX);
  json_writer_init(&w, &text, true);
  groups_write(gs, &w);
  enum status status = text.failed ? STATUS_NO_MEMORY : disk_replace_shifting(disk, gs->path, buf_span(&text));
  if (status == STATUS_OK) gs->dirty = false;
  buf_fini(&text);
  return status;
}
