/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/acl/edit.h"

static enum status refuse(struct buf *why, const char *text) {
  buf_put_text(why, text);
  return STATUS_INVALID;
}

static enum status put_text(struct yaml *map, struct arena *arena, const char *key, struct span text) {
  if (text.len == 0) return STATUS_OK;
  struct yaml *node = yaml_new(arena, YAML_TEXT, text);
  if (node == NULL) return STATUS_NO_MEMORY;
  yaml_put_member(map, key, node);
  return STATUS_OK;
}

static enum status put_list(struct yaml *map, struct arena *arena, const char *key, struct span items) {
  struct yaml *list = yaml_new(arena, YAML_LIST, SPAN_NONE);
  if (list == NULL) return STATUS_NO_MEMORY;
  for (size_t at = 0; at < items.len;) {
    size_t comma = span_find(items, ',', at);
    struct span item = span_trim(span_of(items.ptr + at, comma - at));
    at = comma + 1;
    if (item.len == 0) continue;
    struct yaml *node = yaml_new(arena, YAML_TEXT, item);
    if (node == NULL) return STATUS_NO_MEMORY;
    yaml_append(list, SPAN_NONE, node);
  }
  yaml_put_member(map, key, list);
  return STATUS_OK;
}

static enum status put_truth(struct yaml *map, struct arena *arena, const char *key, bool value) {
  struct yaml *node = yaml_new(arena, YAML_TEXT, value ? SPAN_LITERAL("true") : SPAN_LITERAL("false"));
  if (node == NULL) return STATUS_NO_MEMORY;
  node->plain = true;
  yaml_put_member(map, key, node);
  return STATUS_OK;
}

static struct yaml *accounts_of(struct yaml *document) {
  struct yaml *accounts = yaml_member(document, "accounts");
  return accounts != NULL && accounts->kind == YAML_LIST ? accounts : NULL;
}

/* Takes all of that key out of the list; the last of them, or NULL. */
static struct yaml *take_out(struct yaml *accounts, struct span access_key) {
  struct yaml *next, *found = NULL, *account = accounts->first;
  accounts->first = accounts->last = NULL;
  for (; account != NULL; account = next) {
    const struct yaml *key = yaml_member(account, "accessKey");
    next = account->next;
    if (key != NULL && key->kind == YAML_TEXT && span_equal(key->text, access_key)) found = account;
    else yaml_append(accounts, account->key, account);
  }
  return found;
}

/* A changed account goes to the end, as in Java. */
enum status edit_account(struct yaml *document, struct arena *arena, const struct acl_account_change *c,
                         struct buf *why) {
  struct yaml *accounts = accounts_of(document);
  if (accounts == NULL) return refuse(why, "the file has no list of accounts");
  struct yaml *account = take_out(accounts, c->access_key);
  if (account == NULL) account = yaml_new(arena, YAML_MAP, SPAN_NONE);
  if (account == NULL) return STATUS_NO_MEMORY;
  enum status status = put_text(account, arena, "accessKey", c->access_key);
  if (status == STATUS_OK) status = put_text(account, arena, "secretKey", c->secret_key);
  if (status == STATUS_OK) status = put_text(account, arena, "whiteRemoteAddress", c->white_address);
  if (status == STATUS_OK) status = put_truth(account, arena, "admin", c->admin);
  if (status == STATUS_OK) status = put_text(account, arena, "defaultTopicPerm", c->default_topic);
  if (status == STATUS_OK) status = put_text(account, arena, "defaultGroupPerm", c->default_group);
  if (status == STATUS_OK && c->topics.len > 0) status = put_list(account, arena, "topicPerms", c->topics);
  if (status == STATUS_OK && c->groups.len > 0) status = put_list(account, arena, "groupPerms", c->groups);
  yaml_append(accounts, SPAN_NONE, account);
  return status;
}

enum status edit_remove_account(struct yaml *document, struct arena *arena, struct span access_key, struct buf *why) {
  struct yaml *accounts = accounts_of(document);
  (void)arena;
  if (accounts == NULL || take_out(accounts, access_key) == NULL) return refuse(why, "there is no such account");
  return STATUS_OK;
}

enum status edit_white_list(struct yaml *document, struct arena *arena, struct span addresses, struct buf *why) {
  const struct yaml *old = yaml_member(document, "globalWhiteRemoteAddresses");
  if (old == NULL || old->kind != YAML_LIST) return refuse(why, "the file has no list globalWhiteRemoteAddresses");
  return put_list(document, arena, "globalWhiteRemoteAddresses", addresses);
}

static enum status put_number(struct yaml *map, struct arena *arena, const char *key, int64_t number) {
  char digits[21];
  struct yaml *node = yaml_new(arena, YAML_TEXT, span_of(digits, i64_to_text(number, digits)));
  if (node == NULL) return STATUS_NO_MEMORY;
  node->plain = true;
  yaml_put_member(map, key, node);
  return STATUS_OK;
}

enum status edit_version(struct yaml *document, struct arena *arena, const struct data_version *version) {
  struct yaml *list = yaml_new(arena, YAML_LIST, SPAN_NONE), *item = yaml_new(arena, YAML_MAP, SPAN_NONE);
  if (list == NULL || item == NULL) return STATUS_NO_MEMORY;
  enum status status = put_number(item, arena, "counter", version->counter);
  if (status == STATUS_OK) status = put_number(item, arena, "timestamp", version->timestamp);
  yaml_append(list, SPAN_NONE, item);
  yaml_put_member(document, "dataVersion", list);
  return status;
}
