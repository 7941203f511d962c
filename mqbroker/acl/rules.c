/* SPDX-License-Identifier: Apache-2.0
 *
 * May this request pass?
 */
#include "mqbroker/acl/rules.h"

#include "core/wire/codes.h"

#include <stdarg.h>
#include <stdio.h>

struct question {
  const struct acl_account *account;
  const struct command *cmd;
  char *reason;
};

__attribute__((format(printf, 2, 3))) static bool refuse(char *reason, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(reason, ACL_REASON_MAX, format, args);
  va_end(args);
  return false;
}

static bool needs_admin(int code) {
  switch (code) {
  case REQUEST_UPDATE_AND_CREATE_TOPIC: /* Permission.ADMIN_CODE */
  case REQUEST_UPDATE_BROKER_CONFIG:
  case REQUEST_DELETE_TOPIC_IN_BROKER:
  case REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP:
  case REQUEST_DELETE_SUBSCRIPTIONGROUP:
  case REQUEST_UPDATE_AND_CREATE_ACL_CONFIG: /* ours */
  case REQUEST_DELETE_ACL_CONFIG:
  case REQUEST_UPDATE_GLOBAL_WHITE_ADDRS_CONFIG:
  case REQUEST_GET_BROKER_CLUSTER_ACL_CONFIG:
    return true;
  default:
    return false;
  }
}

/* ---- names ---- */

static bool has_permission(const struct question *q, bool group, struct span name, int wanted) {
  const struct acl_account *a = q->account;
  const int *own = map_get(group ? &a->groups : &a->topics, name);
  int permission = own != NULL ? *own : group ? a->default_group : a->default_topic;
  if ((permission & ACL_DENY) == 0 && (permission & wanted) != 0) return true;
  return refuse(q->reason, "No default permission for %s:%.*s", group ? "group" : "topic", SPAN_ARG(name));
}

/* A name that is not there is not asked for: the handler refuses the request, if it needs it. */
static bool may_use_topic(const struct question *q, struct span topic, int wanted) {
  if (topic.ptr == NULL) return true;
  bool retry = span_starts(topic, ACL_GROUP_PREFIX);
  return has_permission(q, retry, retry ? span_from(topic, strlen(ACL_GROUP_PREFIX)) : topic, wanted);
}

static bool may_use_group(const struct question *q, struct span group) {
  return group.ptr == NULL || has_permission(q, true, group, ACL_SUB);
}

static bool topic_field(const struct question *q, const char *field, int wanted) {
  return may_use_topic(q, command_ext(q->cmd, field), wanted);
}
static bool group_field(const struct question *q, const char *field) {
  return may_use_group(q, command_ext(q->cmd, field));
}

static bool may_beat(const struct question *q, struct arena *arena) {
  struct heartbeat h;
  const char *why = NULL;
  enum status status = heartbeat_read(q->cmd->body, arena, &h, &why);
  if (status != STATUS_OK) return refuse(q->reason, "HeartbeatData: %s", why == NULL ? status_text(status) : why);
  for (size_t i = 0; i < h.consumer_count; i++) {
    const struct consumer_data *c = &h.consumers[i];
    if (!may_use_group(q, c->group)) return false;
    for (size_t k = 0; k < c->subscription_count; k++)
      if (!may_use_topic(q, c->subscriptions[k].topic, ACL_SUB)) return false;
  }
  return true;
}

/* A message sent back: needed in its topic, unless that is the group's own retry topic, which SUB covers. */
static bool may_send_back(const struct question *q) {
  struct span topic = command_ext(q->cmd, "originTopic"), group = command_ext(q->cmd, "group");
  bool own = group.ptr != NULL && span_starts(topic, ACL_GROUP_PREFIX) &&
             span_equal(span_from(topic, strlen(ACL_GROUP_PREFIX)), group);
  return (own || may_use_topic(q, topic, ACL_PUB)) && may_use_group(q, group);
}

/* PlainAccessValidator.parse */
static bool may_use_names(const struct question *q, struct arena *arena) {
  switch (q->cmd->code) {
  case REQUEST_SEND_MESSAGE:
    return topic_field(q, "topic", ACL_PUB);
  case REQUEST_SEND_MESSAGE_V2:
  case REQUEST_SEND_BATCH_MESSAGE:
    return topic_field(q, "b", ACL_PUB);
  case REQUEST_CONSUMER_SEND_MSG_BACK:
    return may_send_back(q);
  case REQUEST_PULL_MESSAGE:
  case REQUEST_UPDATE_CONSUMER_OFFSET:
    return topic_field(q, "topic", ACL_SUB) && group_field(q, "consumerGroup");
  case REQUEST_QUERY_MESSAGE:
    return topic_field(q, "topic", ACL_SUB);
  case REQUEST_HEART_BEAT:
    return may_beat(q, arena);
  case REQUEST_UNREGISTER_CLIENT:
  case REQUEST_GET_CONSUMER_LIST_BY_GROUP:
    return group_field(q, "consumerGroup");
  default:
    return true;
  }
}

static bool in_white_list(const struct acl_rules *rules, const struct net_peer *peer) {
  for (size_t i = 0; i < rules->white_count; i++)
    if (address_matches(&rules->white[i], peer)) return true;
  return false;
}

/* PlainPermissionManager.validate */
bool rules_allow(const struct acl_rules *rules, const struct command *cmd, const struct net_peer *peer,
                 struct arena *arena, char reason[ACL_REASON_MAX]) {
  if (in_white_list(rules, peer)) return true;
  struct span access = command_ext(cmd, ACCESS_KEY_FIELD);
  if (access.ptr == NULL) return refuse(reason, "No accessKey is configured");
  const struct acl_account *a = map_get(&rules->accounts, access);
  if (a == NULL) return refuse(reason, "No acl config for %.*s", SPAN_ARG(access));
  if (address_matches(&a->white, peer)) return true;
  struct signed_content content = {cmd->ext, cmd->ext_count, &cmd->body, 1};
  if (!sign_matches(a->key, &content, command_ext(cmd, SIGNATURE_FIELD)))
    return refuse(reason, "Check signature failed for accessKey=%.*s", SPAN_ARG(access));
  if (needs_admin(cmd->code) && !a->admin)
    return refuse(reason, "Need admin permission for request code=%d, but accessKey=%.*s is not", cmd->code,
                  SPAN_ARG(access));
  if (a->admin && map_count(&a->topics) == 0 && map_count(&a->groups) == 0) return true;
  struct question q = {a, cmd, reason};
  return may_use_names(&q, arena);
}
