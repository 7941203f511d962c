/* SPDX-License-Identifier: Apache-2.0
 *
 * plain_acl.yml -> rules, with the line of whatever is wrong.
 */
#include "mqbroker/acl/rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { RULES_MEMORY_MAX = 256 << 20 };

struct reader {
  struct acl_rules *rules;
  const char *path;
  uint64_t seed;
  struct log *log;
  struct buf *why;
};

__attribute__((format(printf, 3, 4))) static enum status wrong(struct reader *r, const struct yaml *at,
                                                               const char *format, ...) {
  char text[ACL_REASON_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  buf_printf(r->why, "line %zu: %s", at->line, text);
  return STATUS_INVALID;
}

/* ---- scalars ---- */

/* fastjson makes a text of a number; of an octal or a broken one it would make another text than what stands there. */
static enum status read_text(struct reader *r, const struct yaml *map, const char *name, struct span *out) {
  const struct yaml *node = yaml_member(map, name);
  *out = SPAN_NONE;
  if (yaml_is_null(node)) return STATUS_OK;
  if (node->kind != YAML_TEXT) return wrong(r, node, "%s must be a text", name);
  enum yaml_meaning meaning = node->plain ? yaml_meaning(node->text) : YAML_IS_TEXT;
  bool decimal = meaning == YAML_IS_INTEGER && (node->text.len == 1 || node->text.ptr[0] != '0') &&
                 span_find(node->text, '_', 0) == node->text.len && span_find(node->text, ':', 0) == node->text.len &&
                 node->text.ptr[0] != '+';
  if (meaning != YAML_IS_TEXT && !decimal)
    return wrong(r, node, "%s is a number, a date or a truth value to YAML: put it in quotes", name);
  *out = node->text;
  return STATUS_OK;
}

static enum status read_truth(struct reader *r, const struct yaml *map, const char *name, bool *out) {
  const struct yaml *node = yaml_member(map, name);
  *out = false;
  if (yaml_is_null(node)) return STATUS_OK;
  enum yaml_meaning meaning = node->kind == YAML_TEXT ? yaml_meaning(node->text) : YAML_IS_TEXT;
  if (meaning != YAML_IS_TRUE && meaning != YAML_IS_FALSE) return wrong(r, node, "%s must be true or false", name);
  *out = meaning == YAML_IS_TRUE;
  return STATUS_OK;
}

/* The elements of a list; none if it is absent. */
static enum status read_list(struct reader *r, const struct yaml *map, const char *name, const struct yaml **first) {
  const struct yaml *node = yaml_member(map, name);
  *first = NULL;
  if (yaml_is_null(node)) return STATUS_OK;
  if (node->kind != YAML_LIST) return wrong(r, node, "%s must be a list, lines that begin with \"- \"", name);
  *first = node->first;
  return STATUS_OK;
}

static enum status read_address(struct reader *r, const struct yaml *node, struct address_pattern *out) {
  const char *why = "";
  *out = (struct address_pattern){0};
  if (yaml_is_null(node)) return STATUS_OK;
  if (node->kind != YAML_TEXT) return wrong(r, node, "an address must be a text");
  enum status status = address_parse(node->text, &r->rules->arena, out, &why);
  return status == STATUS_INVALID ? wrong(r, node, "address %.*s: %s", SPAN_ARG(node->text), why) : status;
}

/* ---- permissions ---- */

/* Permission.parsePermFromString: what it does not know is DENY. */
static int parse_permission(struct reader *r, const struct yaml *at, struct span text) {
  text = span_trim(text);
  if (span_is(text, "PUB")) return ACL_PUB;
  if (span_is(text, "SUB")) return ACL_SUB;
  if (span_is(text, "PUB|SUB") || span_is(text, "SUB|PUB")) return ACL_PUB | ACL_SUB;
  if (!span_is(text, "DENY"))
    log_warn(r->log, "%s: line %zu: %.*s is no permission (DENY, PUB, SUB, PUB|SUB): it is taken as DENY", r->path,
             at->line, SPAN_ARG(text));
  return ACL_DENY;
}

static enum status read_default(struct reader *r, const struct yaml *map, const char *name, int *out) {
  struct span text;
  enum status status = read_text(r, map, name, &text);
  *out = ACL_DENY;
  if (status == STATUS_OK && text.ptr != NULL) *out = parse_permission(r, yaml_member(map, name), text);
  return status;
}

/* StringUtils.split(text, "="): empty pieces do not count. */
static bool split_permission(struct span text, struct span *name, struct span *permission) {
  while (text.len > 0 && text.ptr[0] == '=') text = span_from(text, 1);
  while (text.len > 0 && text.ptr[text.len - 1] == '=') text.len--;
  size_t at = span_find(text, '=', 0);
  *name = span_trim(span_of(text.ptr, at));
  while (at < text.len && text.ptr[at] == '=') at++;
  *permission = span_from(text, at);
  return permission->len > 0 && span_find(*permission, '=', 0) == permission->len;
}

static enum status put_permission(struct reader *r, struct acl_account *a, bool group, struct span name,
                                  int permission) {
  int *value = arena_alloc(&r->rules->arena, sizeof *value);
  if (value == NULL) return STATUS_NO_MEMORY;
  *value = permission;
  if (!group && span_starts(name, ACL_GROUP_PREFIX)) { /* a group's, under its topic's name */
    group = true;
    name = span_from(name, strlen(ACL_GROUP_PREFIX));
  }
  return map_put(group ? &a->groups : &a->topics, name, value, NULL);
}

static enum status read_permissions(struct reader *r, const struct yaml *map, bool group, struct acl_account *a) {
  const struct yaml *item;
  enum status status = read_list(r, map, group ? "groupPerms" : "topicPerms", &item);
  for (; status == STATUS_OK && item != NULL; item = item->next) {
    struct span name, permission;
    if (item->kind != YAML_TEXT || !split_permission(item->text, &name, &permission))
      return wrong(r, item, "a permission is NAME=DENY, NAME=PUB, NAME=SUB or NAME=PUB|SUB");
    status = put_permission(r, a, group, name, parse_permission(r, item, permission));
  }
  return status;
}

/* ---- accounts ---- */

static void account_free(struct acl_account *a) {
  sign_key_free(a->key);
  map_fini(&a->topics);
  map_fini(&a->groups);
}

static enum status read_rest(struct reader *r, const struct yaml *node, struct acl_account *a) {
  enum status status = read_truth(r, node, "admin", &a->admin);
  if (status == STATUS_OK) status = read_address(r, yaml_member(node, "whiteRemoteAddress"), &a->white);
  if (status == STATUS_OK) status = read_default(r, node, "defaultTopicPerm", &a->default_topic);
  if (status == STATUS_OK) status = read_default(r, node, "defaultGroupPerm", &a->default_group);
  if (status == STATUS_OK) status = read_permissions(r, node, true, a);
  return status == STATUS_OK ? read_permissions(r, node, false, a) : status;
}

static size_t count_characters(struct span text) {
  size_t n = 0;
  for (size_t i = 0; i < text.len; i++) n += (text.ptr[i] & 0xC0) != 0x80;
  return n;
}

static enum status read_keys(struct reader *r, const struct yaml *node, struct acl_account *a) {
  struct span access, secret;
  enum status status = read_text(r, node, "accessKey", &access);
  if (status == STATUS_OK) status = read_text(r, node, "secretKey", &secret);
  if (status != STATUS_OK) return status;
  if (count_characters(access) < ACL_KEY_LENGTH_MIN || count_characters(secret) < ACL_KEY_LENGTH_MIN)
    return wrong(r, node, "accessKey and secretKey must be there and longer than 6 characters (accessKey=%.*s)",
                 access.ptr == NULL ? 4 : (int)access.len, access.ptr == NULL ? "null" : (const char *)access.ptr);
  a->access_key = arena_copy(&r->rules->arena, access);
  a->key = sign_key_new(secret);
  return a->access_key.ptr == NULL || a->key == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static enum status read_account(struct reader *r, const struct yaml *node) {
  if (node->kind != YAML_MAP) return wrong(r, node, "an account is accessKey, secretKey and so on");
  struct acl_account *a = arena_zalloc(&r->rules->arena, 1, sizeof *a), *old = NULL;
  if (a == NULL) return STATUS_NO_MEMORY;
  map_init(&a->topics, r->seed);
  map_init(&a->groups, r->seed);
  enum status status = read_keys(r, node, a);
  if (status == STATUS_OK) status = read_rest(r, node, a);
  if (status == STATUS_OK) {
    void *replaced = NULL;
    status = map_put(&r->rules->accounts, a->access_key, a, &replaced);
    old = replaced;
  }
  if (status != STATUS_OK) account_free(a);
  if (old == NULL) return status;
  log_warn(r->log, "%s: line %zu: %.*s is there twice: the last one counts", r->path, node->line,
           SPAN_ARG(a->access_key));
  account_free(old);
  return status;
}

/* ---- the document ---- */

static enum status read_white(struct reader *r, const struct yaml *document) {
  const struct yaml *item;
  enum status status = read_list(r, document, "globalWhiteRemoteAddresses", &item);
  if (status != STATUS_OK || item == NULL) return status;
  size_t n = 0;
  for (const struct yaml *i = item; i != NULL; i = i->next) n++;
  r->rules->white = arena_zalloc(&r->rules->arena, n, sizeof *r->rules->white);
  if (r->rules->white == NULL) return STATUS_NO_MEMORY;
  for (; status == STATUS_OK && item != NULL; item = item->next)
    status = read_address(r, item, &r->rules->white[r->rules->white_count++]);
  return status;
}

static enum status read_accounts(struct reader *r, const struct yaml *document) {
  const struct yaml *item;
  enum status status = read_list(r, document, "accounts", &item);
  for (; status == STATUS_OK && item != NULL; item = item->next) status = read_account(r, item);
  return status;
}

static enum status read_version(struct reader *r, const struct yaml *document) {
  const struct yaml *item;
  enum status status = read_list(r, document, "dataVersion", &item);
  if (status != STATUS_OK || item == NULL) return status;
  const struct yaml *counter = yaml_member(item, "counter"), *timestamp = yaml_member(item, "timestamp");
  r->rules->has_version = true;
  if ((counter != NULL && (counter->kind != YAML_TEXT || !span_to_i64(counter->text, &r->rules->version.counter))) ||
      (timestamp != NULL &&
       (timestamp->kind != YAML_TEXT || !span_to_i64(timestamp->text, &r->rules->version.timestamp))))
    return wrong(r, item, "dataVersion is counter and timestamp, two numbers");
  return STATUS_OK;
}

enum status rules_read(const struct yaml *document, const char *path, uint64_t seed, struct log *log,
                       struct acl_rules **out, struct buf *why) {
  *out = NULL;
  if (document == NULL || document->kind != YAML_MAP || document->first == NULL) {
    buf_printf(why, "line %zu: no rules: globalWhiteRemoteAddresses or accounts are expected",
               document == NULL ? 1 : document->line);
    return STATUS_INVALID;
  }
  struct acl_rules *rules = calloc(1, sizeof *rules);
  if (rules == NULL) return STATUS_NO_MEMORY;
  arena_init(&rules->arena, RULES_MEMORY_MAX);
  map_init(&rules->accounts, seed);
  struct reader r = {rules, path, seed, log, why};
  enum status status = read_white(&r, document);
  if (status == STATUS_OK) status = read_accounts(&r, document);
  if (status == STATUS_OK) status = read_version(&r, document);
  if (status == STATUS_OK) *out = rules;
  else rules_free(rules);
  return status;
}

void rules_free(struct acl_rules *rules) {
  if (rules == NULL) return;
  for (struct map_entry *e = map_first(&rules->accounts); e != NULL; e = map_next(&rules->accounts, e))
    account_free(e->value);
  map_fini(&rules->accounts);
  arena_fini(&rules->arena);
  free(rules);
}
