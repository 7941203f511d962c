/* SPDX-License-Identifier: Apache-2.0
 *
 * node: one member of a DLedger group as one object: raft's step function, the
 * ledger on disk, the messages, and a remoting of its own, over the ports of a
 * host. A program with a turn (a broker, libdledger's own loop) forwards what
 * belongs to it and calls dl_node_turn once per turn. Then everything that
 * arrived in between is written with one write, pushed to each peer in as few
 * requests as fit, and acknowledged at once.
 *
 * Its invariant: nobody is answered before what the answer promises is as
 * durable as dLegerFsync says.
 */
#ifndef LIBDLEDGER_NODE_H
#define LIBDLEDGER_NODE_H

#include "core/base/log.h"
#include "core/base/moment.h"
#include "core/port/disk.h"
#include "core/port/net.h"
#include "libdledger/ledger.h"
#include "libdledger/message.h"
#include "libdledger/raft/raft.h"

struct dl_node;

struct dl_node_options {
  const char *group, *self_id, *peers; /* as dLegerGroup, dLegerSelfId, dLegerPeers; copied */
  const char *dir;                     /* storeBaseDir: the ledger lies in DIR/dledger-SELF; copied */
  const char *bind;                    /* address to listen on; "": all */
  int listener;                        /* tag of our listener, and the host's others must differ */
  int64_t data_file_length, index_file_length, first_pos; /* struct ledger_options */
  uint64_t sync_token;                                    /* struct ledger_options.token */
  struct raft_config raft;                                /* self, count and seed are filled in */
  size_t pending_max;        /* DLedgerConfig.maxPendingRequestsNum: appends that wait for their commit */
  int rpc_timeout_ms;        /* of a request to a peer */
  int append_timeout_ms;     /* DLedgerConfig.maxWaitAckTimeMs */
  int64_t scrub_bytes_per_s; /* checksums of the whole ledger are verified at this speed; 0: not at all */
  bool refuse_append;        /* code 50001 from outside is refused: the owner's records only */
  uint64_t seed;
};
void dl_node_options_default(struct dl_node_options *o);

/* What the owner is told, all inside dl_node_turn. Any may be NULL. */
struct dl_node_door {
  /* leader: id of the leader, "" when it is not known. */
  void (*role)(void *owner, enum raft_role role, int64_t term, const char *leader, struct moment now);
  /* Entries up to index are committed; pos: of the byte behind. */
  void (*committed)(void *owner, int64_t index, int64_t pos, struct moment now);
  /* A body that this leader appends for somebody else (code 50001, the record that opens a term) can be completed. */
  void (*prepare)(void *owner, uint8_t *body, size_t len, int64_t index, int64_t pos);
};

/* An append that waits; caller-owned until done ran. code: SUCCESS, or TERM_CHANGED, WAIT_QUORUM_ACK_TIMEOUT,
 * DISK_ERROR: then the entry may or may not be committed later. */
struct dl_append {
  void (*done)(struct dl_append *a, enum dl_code code, struct moment now);
  void *owner;
  int64_t index, pos, term;
  /* private */
  int64_t due_ms;
  struct dl_append *next;
};

enum status dl_node_open(struct dl_node **out, const struct dl_node_options *options, struct net *net,
                         struct disk *disk, struct log *log, const struct dl_node_door *door, void *owner,
                         struct moment now, struct buf *why) MUST_USE;
/* Ends all appends with TERM_CHANGED; leaves an exact checkpoint. */
enum status dl_node_close(struct dl_node *n, struct moment now);
/* After a crash of a simulated machine: memory only. */
void dl_node_abandon(struct dl_node *n, struct moment now);

/* ---- from the host ---- */

/* Is it this node's connection? (its listener's, or one it opened) */
bool dl_node_owns(struct dl_node *n, const struct net_event *event);
bool dl_node_owns_conn(struct dl_node *n, conn_id conn);
void dl_node_connection(struct dl_node *n, const struct net_event *event, struct moment now);
size_t dl_node_bytes(struct dl_node *n, conn_id conn, struct span input, struct moment now);
bool dl_node_synced(struct dl_node *n, uint64_t token, enum status status, struct moment now);
int64_t dl_node_turn(struct dl_node *n, struct moment now);

/* ---- for the owner ---- */

/* a->done NULL: nobody waits, and a is only filled in; a failure that takes others of this turn along ends leadership
 * (dl_node_failure). Otherwise:
 * Leader: room for an entry's body in the staging buffer, to be filled before the next call of anything here. a->index
 * and a->pos are set; a->done runs in a later turn. SUCCESS; or NOT_LEADER, LEADER_PENDING_FULL, DISK_ERROR,
 * DISK_FULL, UNEXPECTED_ARGUMENT: then done will not run. */
enum dl_code dl_node_append(struct dl_node *n, size_t body_len, uint8_t **body, struct dl_append *a,
                            struct moment now) MUST_USE;
/* Forgets an append: done will not run. */
void dl_node_forget(struct dl_node *n, struct dl_append *a);
/* Somebody who read this entry found that its bytes have rotted: it is fetched again from the others. */
void dl_node_damaged(struct dl_node *n, int64_t index);
/* Planned stop: asks the best peer to take over. True: somebody was asked; wait until the role has changed. */
bool dl_node_hand_over(struct dl_node *n, struct moment now);

struct ledger *dl_node_ledger(struct dl_node *n); /* for reading: get, view, marks */
const struct raft *dl_node_raft(const struct dl_node *n);
/* OK; NO_SPACE: what it could not write is nowhere, and to open the ledger again is enough when there is room; others:
 * the disk can no longer be trusted. */
enum status dl_node_failure(const struct dl_node *n);
int64_t dl_node_committed(const struct dl_node *n);     /* index */
int64_t dl_node_committed_pos(const struct dl_node *n); /* of the byte behind; -1: nothing */

struct dl_member {
  const char *id, *host;
  uint16_t port;
  bool self, leader;
  int ours;      /* 1 ours, 0 Java, -1 not known */
  int64_t match; /* leader only; else -1 */
};
size_t dl_node_members(const struct dl_node *n, struct dl_member *out, size_t cap);
uint16_t dl_node_port(const struct dl_node *n);

#endif
