/* SPDX-License-Identifier: Apache-2.0
 *
 * rules: the few questions on which safety hangs, each asked in one place.
 */
#include "libdledger/raft/inside.h"

/* One vote a term. */
bool raft_may_vote(const struct raft *r, int64_t term, int candidate) {
  return term > r->hard.term || r->hard.voted == RAFT_NOBODY || r->hard.voted == candidate;
}

/* Is the candidate's ledger as good as ours? Order and names as DLedgerLeaderElector.handleVote, and one more rule: a
 * candidate behind our committed index lies about its last term (0.1 does, W2) or must not win. */
enum raft_vote raft_judge_ledger(const struct raft *r, const struct raft_message *vote) {
  int64_t end_term = raft_end_term(r);
  if (vote->end_term < end_term) return RAFT_VOTE_EXPIRED_LEDGER_TERM;
  if (vote->end_term == end_term && vote->end_index < raft_end(r)) return RAFT_VOTE_SMALL_LEDGER_END_INDEX;
  if (vote->end_index < r->committed) return RAFT_VOTE_SMALL_LEDGER_END_INDEX;
  if (vote->term < end_term) return RAFT_VOTE_TERM_SMALL_THAN_LEDGER;
  return RAFT_VOTE_ACCEPT;
}

/* What is committed stays (0.1 does not look, W3). */
bool raft_may_truncate(const struct raft *r, int64_t from) { return from > r->committed; }

/* The highest index that counting copies may commit, given that a majority has `index`: an entry of an older term is
 * committed only by one of this term behind it (0.1 counts older ones too, W4). */
int64_t raft_countable(const struct raft *r, int64_t index) { return index >= r->term_start ? index : -1; }

/* A majority that remembers everything; or all members, which is the only way for a group that is new. */
bool raft_ballot_won(const struct raft *r) {
  int firm = r->hard.amnesia ? 0 : 1, all = 1;
  for (int i = 0; i < r->config.count; i++) {
    const struct peer *p = &r->peers[i];
    if (i == r->config.self || !p->voted || p->vote != RAFT_VOTE_ACCEPT) continue;
    all++;
    if (p->vote_firm) firm++;
  }
  return firm >= raft_quorum(r) || all == r->config.count;
}
