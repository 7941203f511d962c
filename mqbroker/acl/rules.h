/* SPDX-License-Identifier: Apache-2.0
 *
 * rules: what plain_acl.yml says, ready to be asked. Made whole from a document
 * or not at all, and never changed afterwards: a reload makes new ones. Secrets
 * are in it as hash states only. Agrees with
 * org.apache.rocketmq.acl.plain.{PlainPermissionManager,PlainAccessValidator} and
 * org.apache.rocketmq.acl.common.Permission; where it is stricter is said below.
 */
#ifndef MQBROKER_ACL_RULES_H
#define MQBROKER_ACL_RULES_H

#include "core/base/log.h"
#include "core/base/map.h"
#include "core/sign/sign.h"
#include "core/wire/bodies.h"
#include "mqbroker/acl/address.h"
#include "mqbroker/acl/yaml.h"

#define ACL_GROUP_PREFIX "%RETRY%" /* a topic so called is its group's */

enum acl_permission { ACL_DENY = 1, ACL_PUB = 4, ACL_SUB = 8 };
enum { ACL_KEY_LENGTH_MIN = 7, ACL_REASON_MAX = 512 };

struct acl_account {
  struct span access_key;
  struct sign_key *key;
  bool admin;
  int default_topic, default_group; /* enum acl_permission */
  struct address_pattern white;     /* from there no signature is asked for */
  struct map topics, groups;        /* name -> &permission; groups without %RETRY% */
};

struct acl_rules {
  struct arena arena;
  struct address_pattern *white; /* from there nothing is asked for */
  size_t white_count;
  struct map accounts; /* access key -> struct acl_account */
  struct data_version version;
  bool has_version; /* the file says one */
};

/* INVALID, LIMIT: why begins with the line. Doubtful things that Java takes too become warnings that name `path`. */
enum status rules_read(const struct yaml *document, const char *path, uint64_t seed, struct log *log,
                       struct acl_rules **out, struct buf *why) MUST_USE;
void rules_free(struct acl_rules *rules);

/* Whether the request may pass. If not, reason gets Java's words. arena: for the names in a heartbeat. Beyond Java, a
 * batch (320) needs what a single send needs, and 50, 51, 53 and 54 need an admin: in 4.7.0 any account can make
 * itself one. */
bool rules_allow(const struct acl_rules *rules, const struct command *cmd, const struct net_peer *peer,
                 struct arena *arena, char reason[ACL_REASON_MAX]);

#endif
