/* SPDX-License-Identifier: Apache-2.0
 *
 * peers: dLegerPeers, "n0-host:port;n1-host:port;n2-host:port". The id ends
 * at the first '-', the port begins behind the last ':', so host names may
 * have a '-' (which Java's MemberState splits wrongly) and IPv6 addresses stand
 * in brackets: "n0-[::1]:20911".
 */
#ifndef LIBDLEDGER_PEERS_H
#define LIBDLEDGER_PEERS_H

#include "core/base/buf.h"
#include "core/base/span.h"
#include "core/base/status.h"

#define PEERS_MAX 15
#define PEER_ID_MAX 64    /* with a NUL; LEDGER_VOTE_MAX */
#define PEER_HOST_MAX 256 /* with a NUL */

struct peer {
  char id[PEER_ID_MAX];
  char host[PEER_HOST_MAX]; /* without brackets */
  uint16_t port;
};

struct peers {
  struct peer list[PEERS_MAX]; /* in the order given */
  size_t count;
  size_t self;
};

/* INVALID: why has a sentence that names the part which is wrong. */
enum status peers_parse(struct peers *out, struct span text, struct span self_id, struct buf *why) MUST_USE;
/* Index in list, or peers->count. */
size_t peers_find(const struct peers *p, struct span id);
/* "host:port" as in dLegerPeers, with brackets where needed. */
void peer_put_address(struct buf *out, const struct peer *p);
/* n/2+1 */
static inline size_t peers_quorum(const struct peers *p) { return p->count / 2 + 1; }
/* RocketMQ's broker id of a member is the number in its id plus one (DLedgerRoleChangeHandler): "n0" -> 1.
 * INVALID: no letter followed by a number. */
enum status peer_number(struct span id, int32_t *out) MUST_USE;

#endif
