/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of node share. Private to libdledger/node*.c.
 */
#ifndef LIBDLEDGER_NODE_PARTS_H
#define LIBDLEDGER_NODE_PARTS_H

#include "core/remoting/remoting.h"
#include "libdledger/node.h"
#include "libdledger/opening.h"
#include "libdledger/peers.h"

#define PEER_ADDRESS_MAX (PEER_HOST_MAX + 16)

/* A request of raft's to a peer, until its answer is there. */
struct flight {
  struct call call;
  struct dl_node *n;
  enum raft_kind kind;
  int peer;
  uint64_t seq;
  int64_t term;
  struct flight *next; /* free list */
};

/* A request of a peer's, until raft answers (or never does). Raft knows it by slot + generation. */
struct visit {
  struct reply_to to;
  uint32_t generation;
  bool used;
  int64_t since_ms;
  uint64_t round;
};

struct adapter {
  struct raft_store store;
  struct dl_node *n;
  int64_t staged_term; /* of the entry staged last */
  uint8_t *staged_body;
};

struct dl_node {
  struct dl_node_options options;
  char *group, *dir, *ledger_dir;
  struct peers peers;
  char addresses[PEERS_MAX][PEER_ADDRESS_MAX];
  struct net *net;
  struct disk *disk;
  struct log *log;
  struct dl_node_door door;
  void *owner;
  struct remoting *remoting;
  struct ledger *ledger;
  struct raft *raft;
  struct adapter adapter;
  uint16_t port;
  uint8_t opening[OPENING_LENGTH];
  bool marked; /* the file that says we have forgotten something is there */

  struct flight *flight_free, *flights; /* all: by call.owner chain */
  struct flight **flight_all;
  size_t flight_count, flight_cap;
  struct visit *visits;
  size_t visit_count, visit_cap, visit_next;
  struct arena arena;
  struct buf body;
  struct raft_entry *entries; /* of a batch that arrived */
  size_t entry_cap;

  struct dl_append *first, **last; /* that wait for their commit, in order */
  size_t pending;
  enum raft_role told_role;
  int64_t told_term, told_committed;
  int told_leader;
  struct moment now;
  int64_t scrub_ms;  /* next look at old bytes */
  int64_t expire_ms; /* next look at visits nobody answers */
};

/* node_store.c */
extern const struct raft_store_ops node_store_ops;
void entry_to_raft(struct raft_entry *out, const struct entry *e);
enum status node_unmark(struct dl_node *n); /* the amnesia is over */
enum status node_read_mark(struct dl_node *n, bool *there);
/* node_send.c */
void node_send_all(struct dl_node *n);
/* node_serve.c */
void node_request(void *owner, conn_id conn, const struct command *cmd, struct moment now);
void node_answer(struct dl_node *n, const struct raft_message *m);
struct visit *node_visit_of(struct dl_node *n, uint64_t seq);
void node_expire_visits(struct dl_node *n);

#endif
