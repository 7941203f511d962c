/* SPDX-License-Identifier: Apache-2.0
 *
 * edit: remote changes of plain_acl.yml, made in its document, so that what we
 * do not know stays. Comments do not, as with Java. Agrees with
 * PlainPermissionManager.{updateAccessConfig,deleteAccessConfig,updateGlobalWhiteAddrsConfig}.
 */
#ifndef MQBROKER_ACL_EDIT_H
#define MQBROKER_ACL_EDIT_H

#include "core/wire/bodies.h"
#include "mqbroker/acl/yaml.h"

/* What is absent or empty stays as it is; admin is always set. */
struct acl_account_change {
  struct span access_key, secret_key, white_address, default_topic, default_group;
  struct span topics, groups; /* "a=PUB,b=SUB": all of them anew */
  bool admin;
};

/* INVALID with a sentence in why; document is then half changed. */
enum status edit_account(struct yaml *document, struct arena *arena, const struct acl_account_change *change,
                         struct buf *why) MUST_USE;
enum status edit_remove_account(struct yaml *document, struct arena *arena, struct span access_key,
                                struct buf *why) MUST_USE;
/* Comma-separated. */
enum status edit_white_list(struct yaml *document, struct arena *arena, struct span addresses,
                            struct buf *why) MUST_USE;
enum status edit_version(struct yaml *document, struct arena *arena, const struct data_version *version) MUST_USE;

#endif
