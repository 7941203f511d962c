/* SPDX-License-Identifier: Apache-2.0
 *
 * raft: the consensus of a DLedger group as a step function. It reads no clock,
 * opens nothing and sends nothing: what happens is told to it (a message, a
 * turn, an append, a finished write or sync), and it leaves messages in its
 * outbox. It speaks DLedger 0.1 with Java members, and a batched protocol of
 * its own with its like; it finds out which is which by their answers.
 *
 * Its invariants, each kept in one place (rules.c):
 *  - one vote a term, durable before it is given;
 *  - what is committed is neither truncated nor voted away;
 *  - a leader counts copies of entries of its own term only;
 *  - a member that has forgotten something (amnesia) helps to elect nobody by
 *    majority until it has caught up; if all members agree it may.
 *
 * It may not know: files, sockets, JSON, RocketMQ.
 */
#ifndef DLEDGER_RAFT_RAFT_H
#define DLEDGER_RAFT_RAFT_H

#include "core/base/log.h"
#include "core/base/moment.h"
#include "core/base/status.h"
#include "libdledger/raft/message.h"

enum raft_role { RAFT_FOLLOWER, RAFT_CANDIDATE, RAFT_LEADER };

/* When an acknowledgement may be given (dLegerFsync). */
enum raft_fsync {
  RAFT_FSYNC_NONE,    /* written: survives the death of the program, not of the machine. Java's way */
  RAFT_FSYNC_LEADER,  /* the leader's copy is synced */
  RAFT_FSYNC_MAJORITY /* every copy that is counted is synced */
};

/* What must be on disk before anybody is answered (file currterm). */
struct raft_hard_state {
  int64_t term;
  int voted;    /* RAFT_NOBODY: nobody */
  bool amnesia; /* the ledger or this state was lost and not all of it has come back */
};

struct raft_store {
  const struct raft_store_ops *ops;
};

/* The ledger as raft sees it. Appends are staged: they can be read at once and are durable when the owner says so
 * with raft_written and raft_synced. A failure of any of these is the end of this member's part in the group until it
 * is started again: it steps down and answers nobody. */
struct raft_store_ops {
  int64_t (*begin)(struct raft_store *store); /* first index, -1: empty */
  int64_t (*end)(struct raft_store *store);   /* last index, -1: empty */
  /* False: not there, or damaged. The body is borrowed until the next call. */
  bool (*read)(struct raft_store *store, int64_t index, struct raft_entry *out);
  int64_t (*term)(struct raft_store *store, int64_t index); /* -2: not there */
  /* Last index of a batch that begins at first and is at most so long; at least first. */
  int64_t (*reach)(struct raft_store *store, int64_t first, int64_t count_max, int64_t bytes_max);
  enum status (*append_own)(struct raft_store *store, int64_t term, struct span body, int64_t *index,
                            int64_t *pos) MUST_USE;
  /* One behind the end. INVALID: it is not, or its position is not where this ledger would put it; nothing is changed.
   */
  enum status (*append)(struct raft_store *store, const struct raft_entry *entry) MUST_USE;
  enum status (*truncate)(struct raft_store *store, int64_t from) MUST_USE; /* drops from and all behind it */
  /* Drops everything; the ledger then begins with this entry. */
  enum status (*reset)(struct raft_store *store, const struct raft_entry *entry) MUST_USE;
  /* Durable when it returns. */
  enum status (*persist)(struct raft_store *store, const struct raft_hard_state *state) MUST_USE;
};

struct raft_config {
  int self, count; /* members 0..count-1 */
  enum raft_fsync fsync;
  int election_ms;    /* a follower waits this long to twice as long for one of our leaders */
  int heartbeat_ms;   /* of our leader */
  int java_leak_ms;   /* how long a Java leader may be silent (heartBeatTimeIntervalMs * maxHeartBeatLeak) */
  int java_wait_ms;   /* who hears that there is a Java leader waits so long for its heartbeat */
  int java_longer_ms; /* who heard from a Java member that its ledger is longer leaves it so long to be elected */
  int java_revote_ms; /* after TERM_NOT_READY the vote is asked for again */
  int answer_ms;      /* a push without an answer is sent again (DLedger: maxPushTimeOutMs) */
  int64_t batch_count, batch_bytes; /* of a push among ours */
  int batches_in_flight;            /* per peer */
  int64_t java_in_flight;           /* entries per Java peer */
  bool amnesiacs_vote;              /* trust an empty disk as Java does: only for a group that is known to be new */
  struct span opening; /* body of the record that opens a term when there is something to commit; borrowed */
  uint64_t seed;
};
void raft_config_default(struct raft_config *config);

struct raft;

/* What a restarted member knows; its ledger is synced. committed: a lower bound of what was committed among the entries
 * that survived. It may not have been written down before they were synced: a power cut can undo a truncation, and
 * other entries then have their indexes. */
struct raft_start {
  struct raft_hard_state hard;
  int64_t committed;
};

/* Takes neither config nor store; both outlive it (config is copied). NULL: out of memory. */
struct raft *raft_new(const struct raft_config *config, struct raft_store *store, const struct raft_start *start,
                      struct log *log, struct moment now);
void raft_free(struct raft *r);

/* ---- inputs ---- */
/* A request or an answer arrived. */
void raft_receive(struct raft *r, const struct raft_message *message, struct moment now);
/* Timers, and everything that piled up since the last turn: pushes, acknowledgements. Call it once per turn, after
 * raft_written. Returns when it wants the next one at the latest (monotonic ms). */
int64_t raft_turn(struct raft *r, struct moment now);
/* Appends an entry; it is committed when raft_committed has reached its index while the term is the same.
 * BUSY: not the leader; IO: the disk failed. */
enum status raft_append(struct raft *r, struct span body, int64_t *index, int64_t *pos) MUST_USE;
/* Everything up to index is written, or synced. */
void raft_written(struct raft *r, int64_t index);
void raft_synced(struct raft *r, int64_t index);
/* why: for raft_failure; what is told first counts. */
void raft_disk_failed(struct raft *r, enum status why);
/* The ledger had to drop `from` and all behind it, committed or not, because bytes have rotted: this member has amnesia
 * until the others have given it everything again. */
void raft_lost(struct raft *r, int64_t from);
/* Gives leadership to a peer of ours that has everything; true if somebody was asked. */
bool raft_hand_over(struct raft *r, struct moment now);

/* ---- outputs ---- */
/* The next message to send, or NULL. Valid until the next call of any function. */
const struct raft_message *raft_next_message(struct raft *r);
/* Is there something that must be synced before somebody can be answered? */
bool raft_wants_sync(const struct raft *r);

enum raft_role raft_role(const struct raft *r);
int64_t raft_term(const struct raft *r);
int raft_leader(const struct raft *r); /* RAFT_NOBODY: not known */
int64_t raft_committed(const struct raft *r);
bool raft_failed(const struct raft *r);
enum status raft_failure(const struct raft *r); /* OK: it has not failed */
bool raft_has_amnesia(const struct raft *r);
/* Leader: how far a member is (-1: not known yet); self included. */
int64_t raft_match(const struct raft *r, int member);
/* Is a peer one of ours (1), a Java member (0), or not known (-1)? */
int raft_is_ours(const struct raft *r, int member);
/* How often somebody asked for something that would have destroyed committed entries. */
uint64_t raft_refusals(const struct raft *r);

#endif
