/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration files as ConfigManager.load takes them: the main file, and
 * its .bak when that is missing, empty or broken.
 */
#include "tools/mqstore/tool.h"

#define CONFIG_FILE_MAX (256u << 20)

const char *const config_names[CONFIG_FILES] = {"topics.json", "subscriptionGroup.json", "consumerOffset.json",
                                                "delayOffset.json", "consumerFilter.json"};
/* The table inside, and what its members are. */
static const char *const tables[CONFIG_FILES] = {"topicConfigTable", "subscriptionGroupTable", "offsetTable",
                                                 "offsetTable", "filterDataByTopic"};
static const char *const contents[CONFIG_FILES] = {"topics", "groups", "topic@group pairs", "levels", "topics"};

static enum status read_json(struct storedir *s, const char *path, struct config_file *c) {
  struct buf b;
  struct json *tree;
  buf_init(&b, CONFIG_FILE_MAX);
  c->why = NULL;
  enum status status = disk_read_whole(s->disk, path, &b);
  if (status == STATUS_OK) {
    struct span text = arena_copy(&s->arena, buf_span(&b));
    c->length = (int64_t)b.len;
    if (text.ptr == NULL) status = STATUS_NO_MEMORY;
    else if (text.len == 0) status = STATUS_CLOSED; /* empty */
    else status = json_parse(text, &JSON_LIMITS_DEFAULT, &s->arena, &tree, &c->why, &c->at);
    if (status == STATUS_OK) {
      c->tree = tree;
      c->why = NULL;
    }
  }
  buf_fini(&b);
  return status;
}

enum status config_load(struct storedir *s, const char *name, struct config_file *out) {
  char path[DISK_PATH_MAX];
  *out = (struct config_file){.name = name};
  if (snprintf(path, sizeof path, "%s/config/%s.bak", s->root, name) >= (int)sizeof path) return STATUS_LIMIT;
  struct config_file backup = *out;
  enum status backup_status = read_json(s, path, &backup);
  path[strlen(path) - strlen(".bak")] = '\0';
  enum status status = read_json(s, path, out);
  if (status == STATUS_OK) {
    out->state = CONFIG_GOOD;
    return STATUS_OK;
  }
  if (status != STATUS_NOT_FOUND && status != STATUS_CLOSED && status != STATUS_INVALID && status != STATUS_LIMIT)
    return status;
  out->state = status == STATUS_NOT_FOUND ? CONFIG_MISSING : status == STATUS_CLOSED ? CONFIG_EMPTY : CONFIG_BAD;
  if (out->why == NULL) out->why = out->state == CONFIG_EMPTY ? "empty" : status_text(status);
  if (backup_status == STATUS_OK) {
    out->state = CONFIG_FROM_BACKUP;
    out->tree = backup.tree;
  }
  return STATUS_OK;
}

int64_t config_count(const struct config_file *c, const char **what) {
  for (size_t i = 0; i < CONFIG_FILES; i++) {
    if (strcmp(c->name, config_names[i]) != 0) continue;
    const struct json *table = json_member(c->tree, tables[i]);
    *what = contents[i];
    return table == NULL ? 0 : (int64_t)table->child_count;
  }
  *what = "";
  return 0;
}

void config_offsets(const struct config_file *c, each_offset each, void *context) {
  const struct json *table = json_member(c->tree, "offsetTable");
  if (table == NULL || table->kind != JSON_OBJECT) return;
  for (const struct json *pair = table->children; pair != NULL; pair = pair->next) {
    struct span name = json_text(pair->key);
    size_t at = span_find(name, '@', 0);
    if (name.ptr == NULL || at == name.len || pair->kind != JSON_OBJECT) continue;
    for (const struct json *o = pair->children; o != NULL; o = o->next) {
      int32_t queue_id = json_i32(o->key, -1);
      each(context, span_of(name.ptr, at), span_from(name, at + 1), queue_id, json_i64(o, -1));
    }
  }
}
