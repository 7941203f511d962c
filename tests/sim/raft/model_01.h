/* SPDX-License-Identifier: Apache-2.0
 *
 * model_01: DLedger 0.1's rules as a brain, written from what they do
 * (DLedgerLeaderElector, DLedgerEntryPusher, DLedgerMmapFileStore,
 * MemberState), not from how. Each weakness can be taken out, so that a
 * violation can be blamed on one of them.
 */
#ifndef TESTS_SIM_RAFT_MODEL_01_H
#define TESTS_SIM_RAFT_MODEL_01_H

#include "tests/sim/raft/group.h"

enum {
  HEARTBEAT_MS = 2000,
  LEAK_MS = 6000,
  VOTE_MIN_MS = 300,
  VOTE_SPREAD_MS = 700,
  VOTE_WAIT_MS = 3000,
  LOOP_MS = 10,
  PUSH_MS = 1000,
  COMPARE_MS = 3000,
  RETRY_MS = 500,
  OUTSTANDING_MAX = 1000,
  WAITING_MAX = 64
};

enum last_result { WAIT_TO_REVOTE, REVOTE_IMMEDIATELY, PASSED, WAIT_TO_VOTE_NEXT };
enum push_state { COMPARE, TRUNCATE, APPEND };

struct dispatcher {
  enum push_state state;
  int64_t index;     /* COMPARE, TRUNCATE: which; APPEND: next to send */
  int64_t watermark; /* what the peer has */
  int64_t mismatch;  /* without W3: lowest entry known to be another there, + 1; 0: none */
  int64_t due_ms, commit_ms;
  uint64_t seq;      /* of the COMPARE or TRUNCATE that is out; 0: none */
  uint64_t from_seq; /* older answers do not count */
};

struct waiting { /* an append that came too early */
  struct raft_message message;
  struct raft_entry entry;
  uint64_t value;
  int64_t since_ms;
};

struct answer {
  bool here;
  int32_t code;
  enum raft_vote vote;
  int64_t term;
};

struct old {
  struct machine *m;
  enum raft_role role;
  int leader;
  int64_t known_max, committed, end_term, now;
  /* election */
  enum last_result last;
  bool increase_now, voting;
  int64_t next_vote, vote_began, vote_ends, vote_cost, leader_ms;
  uint64_t seq, round_seq;
  struct answer answers[MACHINES_MAX];
  /* heartbeats */
  bool beating;
  int64_t beat_ms, beat_success_ms;
  /* pushes */
  int64_t push_term;
  struct dispatcher peers[MACHINES_MAX];
  struct waiting waiting[WAITING_MAX];
  int waiting_count;
};

/* model_01.c */
struct raft_message *old_message(struct old *o, struct raft_message *m, enum raft_kind kind, int to);
void old_reply(struct old *o, const struct raft_message *request, int32_t code, enum raft_vote vote, int64_t term);
void old_persist(struct old *o, int64_t term, int voted);
void old_stand(struct old *o, int64_t term); /* changeRoleToCandidate */
int64_t old_term(const struct old *o);
bool old_has(const struct old *o, enum weakness w);
/* model_01_elect.c */
void old_elect_turn(struct old *o);
void old_on_vote(struct old *o, const struct raft_message *m);
void old_on_heartbeat(struct old *o, const struct raft_message *m);
void old_on_round_answer(struct old *o, const struct raft_message *m);
/* model_01_push.c */
void old_push_turn(struct old *o);
void old_on_push(struct old *o, const struct raft_message *m);
void old_on_push_answer(struct old *o, const struct raft_message *m);

#endif
