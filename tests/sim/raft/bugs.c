/* SPDX-License-Identifier: Apache-2.0
 *
 * What planted.h plants here, over the rules (raft/rules.c): the step function does
 * not know.
 */
#include "libdledger/raft/inside.h"
#include "tests/sim/planted.h"

#include <stddef.h>

enum { VOTE_TWICE = 1, COMMIT_OLD_TERM, TRUNCATE_COMMITTED, VOTE_FOR_SHORT_LEDGER, FORGET_AMNESIA, COUNT };

const struct planted_bug planted_bugs[] = {
    [VOTE_TWICE] = {"vote-twice", "a member votes for whoever asks, twice in a term"},
    [COMMIT_OLD_TERM] = {"commit-old-term", "entries of older terms are committed by counting"},
    [TRUNCATE_COMMITTED] = {"truncate-committed", "a late batch takes away what newer ones have brought"},
    [VOTE_FOR_SHORT_LEDGER] = {"vote-for-short-ledger", "a member votes for one that has less than itself"},
    [FORGET_AMNESIA] = {"forget-amnesia", "the votes of members that lost their disk count"},
    [COUNT] = {NULL, NULL},
};

/* ---- the wrapped functions: each has the type of the real one, so the compiler sees when that changes ---- */

__typeof__(raft_may_vote) __real_raft_may_vote, __wrap_raft_may_vote;
bool __wrap_raft_may_vote(const struct raft *r, int64_t term, int candidate) {
  return planted_is(VOTE_TWICE) || __real_raft_may_vote(r, term, candidate);
}

__typeof__(raft_countable) __real_raft_countable, __wrap_raft_countable;
int64_t __wrap_raft_countable(const struct raft *r, int64_t index) {
  return planted_is(COMMIT_OLD_TERM) ? index : __real_raft_countable(r, index);
}

/* A batch that arrives late takes away what newer ones have brought: the classic mistake. */
__typeof__(raft_on_batch) __real_raft_on_batch, __wrap_raft_on_batch;
void __wrap_raft_on_batch(struct raft *r, const struct raft_message *m) {
  bool late = m->term == r->hard.term && m->from == r->leader && m->last >= m->first && m->last < raft_end(r);
  if (planted_is(TRUNCATE_COMMITTED) && late) (void)raft_drop_from(r, m->last + 1);
  __real_raft_on_batch(r, m);
}

__typeof__(raft_may_truncate) __real_raft_may_truncate, __wrap_raft_may_truncate;
bool __wrap_raft_may_truncate(const struct raft *r, int64_t from) {
  return planted_is(TRUNCATE_COMMITTED) || __real_raft_may_truncate(r, from);
}

__typeof__(raft_judge_ledger) __real_raft_judge_ledger, __wrap_raft_judge_ledger;
enum raft_vote __wrap_raft_judge_ledger(const struct raft *r, const struct raft_message *vote) {
  return planted_is(VOTE_FOR_SHORT_LEDGER) ? RAFT_VOTE_ACCEPT : __real_raft_judge_ledger(r, vote);
}

__typeof__(raft_ballot_won) __real_raft_ballot_won, __wrap_raft_ballot_won;
bool __wrap_raft_ballot_won(const struct raft *r) {
  int votes = 1;
  if (!planted_is(FORGET_AMNESIA)) return __real_raft_ballot_won(r);
  for (int i = 0; i < r->config.count; i++)
    if (i != r->config.self && r->peers[i].voted && r->peers[i].vote == RAFT_VOTE_ACCEPT) votes++;
  return votes >= raft_quorum(r);
}
