/* SPDX-License-Identifier: Apache-2.0
 *
 * acl: who may do what in a broker. It owns plain_acl.yml: reads it at the
 * start, looks at it now and then, and swaps the rules whole when it changed;
 * a file with a mistake leaves the old rules in force, and the log says which
 * line is wrong. Remote changes (codes 50, 51, 53) are checked in full before
 * the file is replaced, and hold at once. No secret leaves: not in the log, not
 * in a remark, not in the answer to code 54.
 *
 * Behind it: yaml (the document), address (white lists), rules (questions),
 * edit (changes).
 */
#ifndef MQBROKER_ACL_ACL_H
#define MQBROKER_ACL_ACL_H

#include "core/port/disk.h"
#include "mqbroker/acl/edit.h"
#include "mqbroker/acl/rules.h"

enum { ACL_FILE_MAX = 16 << 20 };

struct acl;

struct acl_config {
  struct disk *disk;
  struct log *log;
  const char *path; /* must outlive it */
  uint64_t seed;
};

/* On failure NULL and a sentence with the line in why. */
struct acl *acl_open(const struct acl_config *config, struct moment now, struct buf *why);
void acl_free(struct acl *acl);

/* Looks at the file once per interval_ms; a change counts when the file has stood still for one interval, so that a
 * half-written one is not taken. Returns when it wants to look again. */
int64_t acl_turn(struct acl *acl, int64_t interval_ms, struct moment now);

/* As rules_allow; refusals go to the log, not more than it can bear. */
bool acl_allow(struct acl *acl, const struct command *cmd, const struct net_peer *peer, struct arena *arena,
               struct moment now, char reason[ACL_REASON_MAX]);

/* INVALID and others: nothing changed, why says what is wrong. */
enum status acl_change_account(struct acl *acl, const struct acl_account_change *change, struct moment now,
                               struct buf *why) MUST_USE;
enum status acl_remove_account(struct acl *acl, struct span access_key, struct moment now, struct buf *why) MUST_USE;
enum status acl_change_white_list(struct acl *acl, struct span addresses, struct moment now, struct buf *why) MUST_USE;

const struct data_version *acl_version(const struct acl *acl);
/* GetBrokerClusterAclConfigResponseBody as JSON, with empty secrets. */
enum status acl_describe(struct acl *acl, struct buf *out, struct buf *why) MUST_USE;

#endif
