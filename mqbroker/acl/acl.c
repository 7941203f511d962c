/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/acl/acl.h"

#include "core/wire/json.h"

#include <stdlib.h>

enum { DOCUMENT_MEMORY_MAX = 256 << 20 };

/* What tells that a file is another one. */
struct stamp {
  int64_t modified_ms, length; /* length -1: the file is not there */
};

struct acl {
  struct acl_config config;
  struct acl_rules *rules;
  struct data_version version;
  struct stamp taken; /* of the file that was read last, whatever came of it */
  struct stamp seen;  /* at the last look */
  int64_t look_ms;    /* monotonic: next look */
  struct log_quota refusals;
};

/* One reading of the file. */
struct document {
  struct buf text;
  struct arena arena;
  struct yaml *root;
};

static void document_fini(struct document *d) {
  if (d->text.ptr != NULL) memset(d->text.ptr, 0, d->text.cap);
  buf_fini(&d->text);
  arena_fini(&d->arena);
}

static enum status document_read(const struct acl *a, struct document *d, struct buf *why) {
  buf_init(&d->text, ACL_FILE_MAX);
  arena_init(&d->arena, DOCUMENT_MEMORY_MAX);
  d->root = NULL;
  enum status status = disk_read_whole(a->config.disk, a->config.path, &d->text);
  if (status == STATUS_OK) status = yaml_read(buf_span(&d->text), &d->arena, &d->root, why);
  if (status != STATUS_OK && why->len == 0) buf_put_text(why, status_text(status));
  return status;
}

static struct stamp stamp_of(const struct acl *a) {
  struct disk_entry entry;
  if (a->config.disk->ops->stat(a->config.disk, a->config.path, &entry) != STATUS_OK) return (struct stamp){0, -1};
  return (struct stamp){entry.modified_ms, entry.length};
}

static bool same_stamp(struct stamp a, struct stamp b) {
  return a.modified_ms == b.modified_ms && a.length == b.length;
}

static enum status make_rules(struct acl *a, const struct yaml *root, struct acl_rules **out, struct buf *why) {
  enum status status = rules_read(root, a->config.path, a->config.seed, a->config.log, out, why);
  if (status != STATUS_OK && why->len == 0) buf_put_text(why, status_text(status));
  return status;
}

static void swap_rules(struct acl *a, struct acl_rules *rules) {
  rules_free(a->rules);
  a->rules = rules;
  if (rules->has_version) a->version = rules->version;
  log_info(a->config.log, "%s: %zu accounts, %zu white-listed addresses", a->config.path, map_count(&rules->accounts),
           rules->white_count);
}

static enum status load(struct acl *a, struct buf *why) {
  struct document d;
  struct acl_rules *rules = NULL;
  a->taken = a->seen = stamp_of(a);
  enum status status = document_read(a, &d, why);
  if (status == STATUS_OK) status = make_rules(a, d.root, &rules, why);
  if (status == STATUS_OK) swap_rules(a, rules);
  document_fini(&d);
  return status;
}

struct acl *acl_open(const struct acl_config *config, struct moment now, struct buf *why) {
  struct acl *a = calloc(1, sizeof *a);
  struct buf reason;
  if (a == NULL) return NULL;
  buf_init(&reason, ACL_REASON_MAX);
  a->config = *config;
  a->version.timestamp = now.wall_ms;
  if (load(a, &reason) != STATUS_OK) {
    buf_printf(why, "aclEnable=true: %s: %.*s", config->path, SPAN_ARG(buf_span(&reason)));
    acl_free(a);
    a = NULL;
  }
  buf_fini(&reason);
  return a;
}

void acl_free(struct acl *a) {
  if (a == NULL) return;
  rules_free(a->rules);
  free(a);
}

static void reload(struct acl *a) {
  struct buf why;
  buf_init(&why, ACL_REASON_MAX);
  if (load(a, &why) != STATUS_OK)
    log_error(a->config.log, "%s: %.*s; the rules that were in force stay", a->config.path, SPAN_ARG(buf_span(&why)));
  buf_fini(&why);
}

int64_t acl_turn(struct acl *a, int64_t interval_ms, struct moment now) {
  if (now.mono_ms < a->look_ms) return a->look_ms;
  a->look_ms = now.mono_ms + interval_ms;
  struct stamp before = a->seen;
  a->seen = stamp_of(a);
  if (same_stamp(a->seen, before) && !same_stamp(a->seen, a->taken)) reload(a);
  return a->look_ms;
}

bool acl_allow(struct acl *a, const struct command *cmd, const struct net_peer *peer, struct arena *arena,
               struct moment now, char reason[ACL_REASON_MAX]) {
  if (rules_allow(a->rules, cmd, peer, arena, reason)) return true;
  if (log_quota_take(&a->refusals, a->config.log, now)) {
    char from[NET_PEER_TEXT_MAX];
    net_peer_text(peer, from);
    log_warn(a->config.log, "request %d of %s is refused: %s", cmd->code, from, reason);
  }
  return false;
}

/* ---- remote changes ---- */

struct change {
  const struct acl_account_change *account;
  struct span remove, addresses;
};

static enum status apply(struct document *d, const struct change *c, struct buf *why) {
  if (c->account != NULL) return edit_account(d->root, &d->arena, c->account, why);
  if (c->remove.ptr != NULL) return edit_remove_account(d->root, &d->arena, c->remove, why);
  return edit_white_list(d->root, &d->arena, c->addresses, why);
}

/* The rules are made of the text that will be there, not of what was meant. */
static enum status check_text(struct acl *a, struct span text, struct acl_rules **out, struct buf *why) {
  struct arena arena;
  struct yaml *root = NULL;
  arena_init(&arena, DOCUMENT_MEMORY_MAX);
  enum status status = yaml_read(text, &arena, &root, why);
  if (status == STATUS_OK) status = make_rules(a, root, out, why);
  arena_fini(&arena);
  return status;
}

static enum status save(struct acl *a, const struct yaml *root, struct buf *why) {
  struct buf text;
  struct acl_rules *rules = NULL;
  buf_init(&text, ACL_FILE_MAX);
  enum status status = yaml_write(root, &text);
  if (status == STATUS_OK) status = check_text(a, buf_span(&text), &rules, why);
  if (status == STATUS_OK) status = disk_replace_private(a->config.disk, a->config.path, buf_span(&text));
  if (status == STATUS_OK) {
    swap_rules(a, rules);
    a->taken = a->seen = stamp_of(a);
  } else {
    rules_free(rules);
  }
  if (text.ptr != NULL) memset(text.ptr, 0, text.cap);
  buf_fini(&text);
  return status;
}

static enum status change_file(struct acl *a, const struct change *c, struct moment now, struct buf *why) {
  struct document d;
  struct data_version version = a->version;
  enum status status = document_read(a, &d, why);
  data_version_next(&version, now.wall_ms);
  if (status == STATUS_OK) status = apply(&d, c, why);
  if (status == STATUS_OK) status = edit_version(d.root, &d.arena, &version);
  if (status == STATUS_OK) status = save(a, d.root, why);
  if (status != STATUS_OK && why->len == 0) buf_put_text(why, status_text(status));
  document_fini(&d);
  return status;
}

enum status acl_change_account(struct acl *a, const struct acl_account_change *change, struct moment now,
                               struct buf *why) {
  return change_file(a, &(struct change){.account = change}, now, why);
}
enum status acl_remove_account(struct acl *a, struct span access_key, struct moment now, struct buf *why) {
  return change_file(a, &(struct change){.remove = access_key}, now, why);
}
enum status acl_change_white_list(struct acl *a, struct span addresses, struct moment now, struct buf *why) {
  return change_file(a, &(struct change){.addresses = addresses}, now, why);
}

/* ---- telling ---- */

const struct data_version *acl_version(const struct acl *a) { return &a->version; }

static void put_list(struct json_writer *w, const char *name, const struct yaml *list) {
  if (list == NULL || list->kind != YAML_LIST) return;
  json_key(w, name);
  json_open_array(w);
  for (const struct yaml *i = list->first; i != NULL; i = i->next)
    json_put_span(w, i->kind == YAML_TEXT && !yaml_is_null(i) ? i->text : SPAN_NONE);
  json_close_array(w);
}

static void put_text(struct json_writer *w, const struct yaml *account, const char *name) {
  const struct yaml *node = yaml_member(account, name);
  if (yaml_is_null(node) || node->kind != YAML_TEXT) return;
  json_key(w, name);
  json_put_span(w, node->text);
}

/* PlainAccessConfig, members as fastjson orders them. */
static void put_account(struct json_writer *w, const struct yaml *account) {
  const struct yaml *admin = yaml_member(account, "admin");
  json_open_object(w);
  put_text(w, account, "accessKey");
  json_key(w, "admin");
  json_put_bool(w, admin != NULL && admin->kind == YAML_TEXT && yaml_meaning(admin->text) == YAML_IS_TRUE);
  put_text(w, account, "defaultGroupPerm");
  put_text(w, account, "defaultTopicPerm");
  put_list(w, "groupPerms", yaml_member(account, "groupPerms"));
  json_key(w, "secretKey");
  json_put_text(w, "");
  put_list(w, "topicPerms", yaml_member(account, "topicPerms"));
  put_text(w, account, "whiteRemoteAddress");
  json_close_object(w);
}

enum status acl_describe(struct acl *a, struct buf *out, struct buf *why) {
  struct document d;
  struct json_writer w;
  enum status status = document_read(a, &d, why);
  const struct yaml *accounts = yaml_member(d.root, "accounts");
  if (status == STATUS_OK) {
    json_writer_init(&w, out, false);
    json_open_object(&w);
    put_list(&w, "globalWhiteAddrs", yaml_member(d.root, "globalWhiteRemoteAddresses"));
    json_key(&w, "plainAccessConfigs");
    json_open_array(&w);
    for (const struct yaml *i = accounts == NULL ? NULL : accounts->first; i != NULL; i = i->next) put_account(&w, i);
    json_close_array(&w);
    json_close_object(&w);
  }
  document_fini(&d);
  return status;
}
