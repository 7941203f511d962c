/* SPDX-License-Identifier: Apache-2.0
 *
 * inside: what the files of raft share. Nobody else includes it.
 */
#ifndef DLEDGER_RAFT_INSIDE_H
#define DLEDGER_RAFT_INSIDE_H

#include "core/base/prng.h"
#include "core/base/timers.h"
#include "libdledger/raft/raft.h"

enum peer_kind { PEER_UNKNOWN, PEER_OURS, PEER_JAVA };
/* How pushes to a peer stand. Ours: PROBE, STREAM; Java: COMPARE, TRUNCATE, APPEND
 * (DLedgerEntryPusher.EntryDispatcher). */
enum peer_state { PEER_PROBE, PEER_STREAM, PEER_COMPARE, PEER_TRUNCATE, PEER_APPEND };

struct peer {
  enum peer_kind kind;
  enum peer_state state;
  bool follows;     /* it has answered a heartbeat of this term */
  int64_t match;    /* it holds everything up to here, -1: not known */
  int64_t next;     /* first entry not yet sent; COMPARE, TRUNCATE: the entry in question */
  int64_t mismatch; /* COMPARE: lowest entry known to be another there */
  int64_t commit_sent;
  int64_t heard_ms; /* last answer */
  int64_t heartbeat_due_ms;
  int64_t push_due_ms; /* an outstanding push is given up then */
  int64_t look_due_ms; /* STREAM, APPEND: with nothing to send, the peer is asked whether it still has everything … */
  int64_t look_match;  /* … of this (Java: answer to COMMIT) */
  uint32_t amnesia;    /* it has forgotten things: the number of its life; 0: it has not */
  bool confirmed;      /* since we know that, a majority without it has followed us */
  uint64_t forgot_seq; /* requests after this one were sent since */
  uint64_t beat_seq;   /* the last heartbeat it followed, without amnesia */
  uint64_t stream_seq; /* answers to older pushes do not count for in_flight */
  int in_flight;
  /* the ballot */
  enum raft_vote vote;
  bool voted, vote_firm;
  int64_t vote_due_ms;                  /* ask again */
  int64_t longer_than, longer_until_ms; /* a Java member whose ledger is longer than ours when it ended so */
};

/* An answer that waits until what it promises is durable. */
struct promise {
  struct raft_message answer;
  int64_t upto;
};

struct raft {
  struct raft_config config;
  struct raft_store *store;
  struct log *log;
  struct prng chance;
  struct raft_hard_state hard;
  enum raft_role role;
  int leader;
  bool leader_is_java, failed;
  enum status failure;
  int64_t heard_ms; /* follower: last word of the leader */
  int64_t due_ms;   /* next election, or the end of this ballot */
  int64_t committed, written, synced;
  int64_t verified;   /* follower: up to here the ledger is known to be the leader's */
  int64_t catch_up;   /* amnesia: how far the leader was, -2: not known */
  bool confirmed;     /* amnesia: the leader has shown that it is not one of the past */
  uint32_t life;      /* number of this amnesia */
  int64_t term_start; /* leader: first entry of its term */
  int64_t now_ms;
  bool pre_vote;       /* candidate: the ballot is only a question */
  bool hand_over;      /* the ballot was wished for by the leader */
  bool stand_now;      /* stand for election in this turn */
  uint64_t ballot_seq; /* first request of this ballot */
  uint64_t seq;
  uint64_t refusals;
  struct peer peers[RAFT_MEMBERS_MAX];
  struct raft_message *out;
  size_t out_first, out_count, out_cap;
  struct promise *promises;
  size_t promise_count, promise_cap;
};

/* raft.c */
int64_t raft_end(const struct raft *r);
int64_t raft_end_term(const struct raft *r);
int64_t raft_term_of(const struct raft *r, int64_t index); /* -1 for index -1; -2: not there */
int64_t raft_durable(const struct raft *r);                /* what this member may acknowledge */
int raft_quorum(const struct raft *r);
struct raft_message *raft_post(struct raft *r, enum raft_kind kind, int to); /* NULL: failed */
struct raft_message *raft_answer(struct raft *r, const struct raft_message *request, int32_t code);
void raft_promise(struct raft *r, const struct raft_message *answer, int64_t upto);
void raft_keep_promises(struct raft *r);
bool raft_persist(struct raft *r, int64_t term, int voted, bool amnesia);
bool raft_adopt_term(struct raft *r, int64_t term); /* larger than ours: follower of nobody */
void raft_follow(struct raft *r, int leader, bool java);
void raft_wait_for_leader(struct raft *r, int64_t least_ms);
void raft_commit_to(struct raft *r, int64_t index);

/* rules.c: what safety hangs on; tests wrap these to see that checkers find their absence. */
bool raft_may_vote(const struct raft *r, int64_t term, int candidate);
enum raft_vote raft_judge_ledger(const struct raft *r, const struct raft_message *vote);
bool raft_may_truncate(const struct raft *r, int64_t from);
int64_t raft_countable(const struct raft *r, int64_t index);
bool raft_ballot_won(const struct raft *r);

/* elect.c */
void raft_elect_turn(struct raft *r);
void raft_on_vote(struct raft *r, const struct raft_message *m);
void raft_on_vote_answer(struct raft *r, const struct raft_message *m);
bool raft_leader_alive(const struct raft *r);
/* lead.c */
void raft_lead(struct raft *r);
void raft_lead_turn(struct raft *r);
int64_t raft_lead_wake(const struct raft *r);
void raft_step_down(struct raft *r, const char *why);
void raft_on_heartbeat_answer(struct raft *r, const struct raft_message *m);
void raft_on_batch_answer(struct raft *r, const struct raft_message *m);
void raft_advance_commit(struct raft *r);
void raft_note_amnesia(struct raft *r, struct peer *p, const struct raft_message *answer);
/* lead_java.c */
void raft_java_begin(struct raft *r, struct peer *p);
void raft_java_push(struct raft *r, int member);
void raft_on_java_answer(struct raft *r, const struct raft_message *m);
/* follow.c */
bool raft_obey(struct raft *r, const struct raft_message *m); /* is it our leader? answers if not */
void raft_on_heartbeat(struct raft *r, const struct raft_message *m);
void raft_on_batch(struct raft *r, const struct raft_message *m);
void raft_catch_up(struct raft *r);
bool raft_store_ok(struct raft *r, enum status s);
bool raft_drop_from(struct raft *r, int64_t from);
/* follow_java.c */
void raft_on_compare(struct raft *r, const struct raft_message *m);
void raft_on_truncate(struct raft *r, const struct raft_message *m);
void raft_on_append(struct raft *r, const struct raft_message *m);
void raft_on_commit(struct raft *r, const struct raft_message *m);

#endif
