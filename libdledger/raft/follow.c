/* SPDX-License-Identifier: Apache-2.0
 *
 * follow: what a follower does for a leader of ours, and what both kinds of
 * leaders have in common.
 */
#include "libdledger/raft/inside.h"

bool raft_obey(struct raft *r, const struct raft_message *m) {
  int32_t refusal = 0;
  if (m->term < r->hard.term) refusal = RAFT_EXPIRED_TERM;
  else if (m->leader != m->from) refusal = RAFT_UNEXPECTED_MEMBER;
  else if (m->term == r->hard.term && (r->role == RAFT_LEADER || (r->leader != RAFT_NOBODY && r->leader != m->from)))
    refusal = RAFT_INCONSISTENT_LEADER;
  if (refusal != 0) {
    raft_answer(r, m, refusal);
    return false;
  }
  if (m->term > r->hard.term) {
    raft_step_down(r, "there is a leader in a newer term");
    if (!raft_adopt_term(r, m->term)) return false;
  }
  if (r->leader != m->from || r->role != RAFT_FOLLOWER) {
    raft_follow(r, m->from, !m->ours);
    log_info(r->log, "raft: member %d follows %d in term %lld", r->config.self, m->from, (long long)m->term);
  }
  r->leader_is_java = !m->ours;
  r->heard_ms = r->now_ms;
  raft_wait_for_leader(r, 0);
  return true;
}

/* How far the leader was when it knew that we had forgotten: everything we may have acknowledged to it before. An older
 * heartbeat, on its way when we forgot, would not do: we may have acknowledged what was sent after it. */
void raft_on_heartbeat(struct raft *r, const struct raft_message *m) {
  if (!raft_obey(r, m)) return;
  if (m->ours && m->confirmed == r->life && !r->confirmed) {
    if (m->end_index > r->catch_up) r->catch_up = m->end_index;
    r->confirmed = true;
  }
  raft_answer(r, m, RAFT_SUCCESS);
  if (m->hand_over && !r->hard.amnesia) r->hand_over = r->stand_now = true;
}

/* A leader of the past must not end an amnesia: this member may have voted for its successor and forgotten it. A Java
 * leader cannot show what it is; with it, what it says must do. */
void raft_catch_up(struct raft *r) {
  if (!r->confirmed && !r->leader_is_java) return;
  if (!r->hard.amnesia || r->role != RAFT_FOLLOWER || r->leader == RAFT_NOBODY || r->catch_up < -1) return;
  if (r->verified < r->catch_up || raft_durable(r) < r->catch_up) return;
  if (raft_persist(r, r->hard.term, r->hard.voted, false))
    log_info(r->log, "raft: member %d has caught up with its leader and votes again", r->config.self);
}

/* Drops from and everything behind it, and the promises about it. */
bool raft_drop_from(struct raft *r, int64_t from) {
  if (!raft_may_truncate(r, from)) {
    r->refusals++;
    log_error(r->log, "raft: refused to truncate from %lld, committed is %lld", (long long)from,
              (long long)r->committed);
    return false;
  }
  if (!raft_store_ok(r, r->store->ops->truncate(r->store, from))) return false;
  size_t kept = 0;
  for (size_t i = 0; i < r->promise_count; i++)
    if (r->promises[i].upto < from) r->promises[kept++] = r->promises[i];
  r->promise_count = kept;
  if (r->written >= from) r->written = from - 1;
  if (r->synced >= from) r->synced = from - 1;
  if (r->verified >= from) r->verified = from - 1;
  return true;
}

/* Is our ledger the leader's up to prev? On refusal *retry is the first index worth sending. */
static bool joins(const struct raft *r, const struct raft_message *m, int64_t *retry) {
  int64_t prev = m->prev_index;
  if (prev <= r->committed || prev <= r->verified) return true; /* it has what is committed */
  if (prev > raft_end(r)) {
    *retry = raft_end(r) + 1;
    return false;
  }
  int64_t term = raft_term_of(r, prev);
  if (term == m->prev_term) return true;
  while (prev - 1 > r->committed && raft_term_of(r, prev - 1) == term) prev--;
  *retry = prev;
  return false;
}

/* INVALID: the entry does not fit here. */
static enum status take_entry(struct raft *r, const struct raft_entry *e) {
  if (e->index <= raft_end(r)) {
    if (raft_term_of(r, e->index) == e->term || e->index < r->store->ops->begin(r->store)) return STATUS_OK;
    if (!raft_drop_from(r, e->index)) return r->failed ? STATUS_IO : STATUS_INVALID;
  }
  enum status s = r->store->ops->append(r->store, e);
  if (s != STATUS_OK && s != STATUS_INVALID && s != STATUS_LIMIT) raft_store_ok(r, s);
  return s;
}

/* The leader no longer has what we lack: our ledger begins anew with its first entry. */
static bool begin_anew(struct raft *r, const struct raft_message *m) {
  if (m->last < m->first || raft_end(r) >= m->first - 1) return true;
  log_warn(r->log, "raft: the leader begins at %lld, our ledger ended at %lld and is dropped", (long long)m->first,
           (long long)raft_end(r));
  if (!raft_store_ok(r, r->store->ops->reset(r->store, &m->entries[0]))) return false;
  r->written = r->synced = m->first - 1;
  r->promise_count = 0;
  r->verified = m->first;
  raft_commit_to(r, m->first - 1);
  return true;
}

void raft_on_batch(struct raft *r, const struct raft_message *m) {
  int64_t retry = 0, last = m->prev_index;
  if (!raft_obey(r, m)) return;
  if (m->reset) {
    if (!begin_anew(r, m)) return;
  } else if (!joins(r, m, &retry)) {
    struct raft_message *answer = raft_answer(r, m, RAFT_INCONSISTENT_STATE);
    if (answer != NULL) answer->index = retry;
    return;
  }
  for (int64_t i = m->first; i <= m->last; i++, last++) {
    enum status s = take_entry(r, &m->entries[i - m->first]);
    if (s == STATUS_OK) continue;
    if (s == STATUS_INVALID && !r->failed) raft_answer(r, m, RAFT_REPEATED_PUSH);
    return;
  }
  if (last > r->verified) r->verified = last;
  raft_commit_to(r, m->commit < r->verified ? m->commit : r->verified);
  struct raft_message *answer = raft_answer(r, m, RAFT_SUCCESS);
  if (answer == NULL) return;
  answer->index = last;
  r->out_count--;
  raft_promise(r, answer, last);
}
