/* SPDX-License-Identifier: Apache-2.0
 *
 * elect: standing for election and voting. Before a term is spent the others
 * are asked whether they would agree. Among ours that is a vote request with a
 * mark (pre_vote) for the next term; for a Java member the same bytes are a
 * vote request in the current term, which costs it nothing and tells us
 * whether it has a leader. A member that hears its leader helps nobody to
 * depose it.
 *
 * Compatible with DLedgerLeaderElector.maintainAsCandidate and handleVote.
 */
#include "libdledger/raft/inside.h"

/* ---- voting ---- */

bool raft_leader_alive(const struct raft *r) {
  if (r->role == RAFT_LEADER) return true; /* it steps down by itself when it hears no majority */
  if (r->role == RAFT_CANDIDATE || r->leader == RAFT_NOBODY) return false;
  return r->now_ms - r->heard_ms < (r->leader_is_java ? r->config.java_leak_ms : r->config.election_ms);
}

static enum raft_vote judge_term(const struct raft *r, const struct raft_message *m) {
  if (m->leader != m->from) return RAFT_VOTE_UNKNOWN_LEADER;
  if (m->term < r->hard.term) return RAFT_VOTE_EXPIRED_VOTE_TERM;
  if (raft_leader_alive(r) && !m->hand_over && raft_leader(r) != m->from) return RAFT_VOTE_ALREADY_HAS_LEADER;
  return RAFT_VOTE_ACCEPT;
}

static enum raft_vote judge_pre_vote(const struct raft *r, const struct raft_message *m) {
  enum raft_vote v = judge_term(r, m);
  if (v != RAFT_VOTE_ACCEPT) return v;
  return raft_judge_ledger(r, m);
}

/* A Java candidate counts every vote alike, so a member with amnesia must not give it one. */
static enum raft_vote judge_vote(struct raft *r, const struct raft_message *m) {
  enum raft_vote v = judge_term(r, m);
  if (v != RAFT_VOTE_ACCEPT) return v;
  if (m->term == r->hard.term && r->role == RAFT_LEADER) return RAFT_VOTE_ALREADY_HAS_LEADER;
  if (!raft_may_vote(r, m->term, m->from))
    return r->leader == RAFT_NOBODY ? RAFT_VOTE_ALREADY_VOTED : RAFT_VOTE_ALREADY_HAS_LEADER;
  if (m->term > r->hard.term) {
    raft_step_down(r, "a candidate has a newer term");
    if (!raft_adopt_term(r, m->term)) return RAFT_VOTE_UNKNOWN;
  }
  if (r->hard.amnesia && !m->ours) return RAFT_VOTE_SMALL_LEDGER_END_INDEX;
  v = raft_judge_ledger(r, m);
  if (v != RAFT_VOTE_ACCEPT) return v;
  if (!raft_persist(r, m->term, m->from, r->hard.amnesia)) return RAFT_VOTE_UNKNOWN;
  if (r->role == RAFT_CANDIDATE) raft_follow(r, RAFT_NOBODY, false);
  raft_wait_for_leader(r, 0);
  return v;
}

void raft_on_vote(struct raft *r, const struct raft_message *m) {
  enum raft_vote v = m->pre_vote && m->ours ? judge_pre_vote(r, m) : judge_vote(r, m);
  struct raft_message *answer = raft_answer(r, m, RAFT_SUCCESS);
  if (answer == NULL) return;
  answer->vote = v;
  answer->pre_vote = m->pre_vote;
  if (v == RAFT_VOTE_TERM_SMALL_THAN_LEDGER) answer->term = raft_end_term(r);
}

/* ---- standing ---- */

static void ask(struct raft *r, int member) {
  struct raft_message *m = raft_post(r, RAFT_VOTE, member);
  r->peers[member].vote_due_ms = TIME_NEVER;
  if (m == NULL) return;
  m->leader = r->config.self;
  m->pre_vote = r->pre_vote;
  m->hand_over = r->hand_over;
}

static void decide(struct raft *r);

static void begin_ballot(struct raft *r, bool pre_vote) {
  r->role = RAFT_CANDIDATE;
  r->leader = RAFT_NOBODY;
  r->leader_is_java = false;
  r->promise_count = 0;
  r->verified = -1;
  r->catch_up = -2;
  r->pre_vote = pre_vote;
  r->ballot_seq = r->seq + 1;
  raft_wait_for_leader(r, 0); /* so long the ballot lasts */
  for (int i = 0; i < r->config.count; i++) {
    r->peers[i].voted = false;
    r->peers[i].vote_due_ms = TIME_NEVER;
    if (i != r->config.self) ask(r, i);
  }
  decide(r);
}

/* The next term is ours to try: our own vote first, on disk. */
static void stand(struct raft *r) {
  if (!raft_persist(r, r->hard.term + 1, r->config.self, r->hard.amnesia)) return;
  begin_ballot(r, false);
}

static void decide(struct raft *r) {
  if (!raft_ballot_won(r)) return;
  if (r->pre_vote) stand(r);
  else raft_lead(r);
}

/* Java's says only in a term of its own voting that its ledger is longer, and its rounds take seconds: whoever stands
 * in between has it begin anew, and it alone can be elected. It may have lost that ledger, so this is not kept for
 * ever. */
static void note_ledger(const struct raft *r, struct peer *p, enum raft_vote vote) {
  if (vote != RAFT_VOTE_SMALL_LEDGER_END_INDEX && vote != RAFT_VOTE_EXPIRED_LEDGER_TERM) return;
  p->longer_than = raft_end(r);
  p->longer_until_ms = r->now_ms + r->config.java_longer_ms;
}

/* What a Java member says to a question in the current term, when it has no leader: it would go along with the next.
 * ALREADY_VOTED: it has spent its vote of this term, not of the next. */
static enum raft_vote read_java_pre_vote(const struct raft *r, const struct peer *p, enum raft_vote vote) {
  if (vote != RAFT_VOTE_ALREADY_VOTED && vote != RAFT_VOTE_TERM_NOT_READY) return vote;
  bool longer = r->now_ms < p->longer_until_ms && p->longer_than == raft_end(r);
  return longer ? RAFT_VOTE_SMALL_LEDGER_END_INDEX : RAFT_VOTE_ACCEPT;
}

void raft_on_vote_answer(struct raft *r, const struct raft_message *m) {
  struct peer *p = &r->peers[m->from];
  if (m->term > r->hard.term && m->code == RAFT_SUCCESS) {
    if (r->role == RAFT_LEADER) raft_step_down(r, "a voter has a newer term");
    raft_adopt_term(r, m->term);
    return;
  }
  if (r->role != RAFT_CANDIDATE || m->seq < r->ballot_seq || m->asked_term != r->hard.term) return;
  p->kind = m->ours ? PEER_OURS : PEER_JAVA;
  p->voted = true;
  if (!m->ours) note_ledger(r, p, m->vote);
  p->vote = r->pre_vote && !m->ours ? read_java_pre_vote(r, p, m->vote) : m->vote;
  p->vote_firm = !m->ours || m->amnesia == 0;
  raft_note_amnesia(r, p, m);
  if (p->vote == RAFT_VOTE_TERM_NOT_READY) {
    p->vote_due_ms = r->now_ms + r->config.java_revote_ms;
    raft_wait_for_leader(r, r->config.java_wait_ms); /* another term would not make it ready earlier */
  }
  if (p->vote == RAFT_VOTE_ALREADY_HAS_LEADER && !r->hand_over)
    raft_wait_for_leader(r, m->ours ? 0 : r->config.java_wait_ms);
  decide(r);
}

void raft_elect_turn(struct raft *r) {
  if (r->failed) return;
  if (r->stand_now) {
    r->stand_now = false;
    stand(r);
    return;
  }
  if (r->now_ms >= r->due_ms) {
    r->hand_over = false;
    begin_ballot(r, true);
    return;
  }
  for (int i = 0; r->role == RAFT_CANDIDATE && i < r->config.count; i++)
    if (r->peers[i].vote_due_ms <= r->now_ms) ask(r, i);
}
