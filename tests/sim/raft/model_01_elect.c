/* SPDX-License-Identifier: Apache-2.0
 *
 * model_01_elect: DLedgerLeaderElector's rules.
 */
#include "tests/sim/raft/model_01.h"

static int64_t after_a_while(struct old *o) {
  return o->now + o->vote_cost + VOTE_MIN_MS + (int64_t)group_dice(o->m->group, VOTE_SPREAD_MS);
}

static int quorum(const struct old *o) { return o->m->group->plan.machines / 2 + 1; }

static enum raft_vote judge(struct old *o, const struct raft_message *m, int64_t *term) {
  int voted = o->m->disk.hard.voted;
  *term = old_term(o);
  if (m->term < old_term(o)) return RAFT_VOTE_EXPIRED_VOTE_TERM;
  if (m->term == old_term(o) && voted != RAFT_NOBODY && voted != m->leader)
    return o->leader != RAFT_NOBODY ? RAFT_VOTE_ALREADY_HAS_LEADER : RAFT_VOTE_ALREADY_VOTED;
  if (m->term > old_term(o)) {
    old_stand(o, m->term);
    o->increase_now = true;
    return RAFT_VOTE_TERM_NOT_READY;
  }
  if (m->end_term < o->end_term) return RAFT_VOTE_EXPIRED_LEDGER_TERM;
  if (m->end_term == o->end_term && m->end_index < disk_end(o->m)) return RAFT_VOTE_SMALL_LEDGER_END_INDEX;
  if (m->term < o->end_term) {
    *term = o->end_term;
    return RAFT_VOTE_TERM_SMALL_THAN_LEDGER;
  }
  old_persist(o, m->term, m->leader);
  return RAFT_VOTE_ACCEPT;
}

void old_on_vote(struct old *o, const struct raft_message *m) {
  int64_t term;
  enum raft_vote vote = judge(o, m, &term);
  old_reply(o, m, RAFT_SUCCESS, vote, term);
}

void old_on_heartbeat(struct old *o, const struct raft_message *m) {
  if (m->term < old_term(o)) {
    old_reply(o, m, RAFT_EXPIRED_TERM, RAFT_VOTE_UNKNOWN, old_term(o));
  } else if (m->term > old_term(o)) {
    old_stand(o, m->term);
    o->increase_now = true;
    old_reply(o, m, RAFT_TERM_NOT_READY, RAFT_VOTE_UNKNOWN, -1);
  } else if (o->leader != RAFT_NOBODY && o->leader != m->leader) {
    old_reply(o, m, RAFT_INCONSISTENT_LEADER, RAFT_VOTE_UNKNOWN, -1);
  } else {
    if (o->leader == RAFT_NOBODY) {
      o->role = RAFT_FOLLOWER;
      o->leader = m->leader;
      o->voting = false;
      o->waiting_count = 0;
    }
    o->leader_ms = o->now;
    old_reply(o, m, RAFT_SUCCESS, RAFT_VOTE_UNKNOWN, -1);
  }
}

void old_on_round_answer(struct old *o, const struct raft_message *m) {
  if (m->seq < o->round_seq || (m->kind == RAFT_VOTE) != o->voting) return;
  o->answers[m->from] = (struct answer){.here = true, .code = m->code, .vote = m->vote, .term = m->term};
}

static void begin_round(struct old *o, enum raft_kind kind) {
  memset(o->answers, 0, sizeof o->answers);
  o->round_seq = o->seq + 1;
  o->voting = kind == RAFT_VOTE;
  for (int i = 0; i < o->m->group->plan.machines; i++) {
    struct raft_message m;
    if (i == o->m->id) continue;
    old_message(o, &m, kind, i)->leader = o->m->id;
    network_send(o->m, &m);
  }
}

/* ---- candidate ---- */

struct tally {
  int all, valid, accepted, not_ready, bigger_ledger;
  bool has_leader;
  int64_t max_term;
};

static struct tally count(const struct old *o) {
  struct tally t = {.max_term = -1};
  for (int i = 0; i < o->m->group->plan.machines; i++) {
    const struct answer *a = &o->answers[i];
    if (!a->here) continue;
    t.all++;
    if (a->vote != RAFT_VOTE_UNKNOWN) t.valid++;
    if (a->vote == RAFT_VOTE_ACCEPT) t.accepted++;
    if (a->vote == RAFT_VOTE_ALREADY_HAS_LEADER) t.has_leader = true;
    if (a->vote == RAFT_VOTE_TERM_NOT_READY) t.not_ready++;
    if (a->vote == RAFT_VOTE_EXPIRED_LEDGER_TERM || a->vote == RAFT_VOTE_SMALL_LEDGER_END_INDEX) t.bigger_ledger++;
    if ((a->vote == RAFT_VOTE_EXPIRED_VOTE_TERM || a->vote == RAFT_VOTE_TERM_SMALL_THAN_LEDGER) && a->term > t.max_term)
      t.max_term = a->term;
  }
  return t;
}

static void end_round(struct old *o, const struct tally *t) {
  int q = quorum(o);
  o->voting = false;
  o->vote_cost = o->now - o->vote_began;
  o->next_vote = after_a_while(o);
  if (t->max_term > old_term(o)) {
    o->last = WAIT_TO_VOTE_NEXT;
    old_stand(o, t->max_term);
  } else if (t->has_leader) {
    o->last = WAIT_TO_VOTE_NEXT;
    o->next_vote += LEAK_MS;
  } else if (t->valid < q) {
    o->last = WAIT_TO_REVOTE;
  } else if (t->accepted >= q) {
    o->last = PASSED;
    o->role = RAFT_LEADER;
    o->leader = o->m->id;
    o->beat_ms = -1;
    o->beating = false;
    o->beat_success_ms = o->now;
  } else if (t->accepted + t->not_ready >= q) {
    o->last = REVOTE_IMMEDIATELY;
    o->next_vote = o->now;
  } else {
    o->last = t->accepted + t->bigger_ledger >= q ? WAIT_TO_REVOTE : WAIT_TO_VOTE_NEXT;
  }
}

static void begin_vote(struct old *o) {
  int64_t ignored;
  if (o->last == WAIT_TO_VOTE_NEXT || o->increase_now)
    old_persist(o, o->known_max > old_term(o) ? o->known_max : old_term(o) + 1, RAFT_NOBODY);
  if (o->increase_now) {
    o->increase_now = false;
    o->next_vote = after_a_while(o);
    return;
  }
  o->vote_began = o->now;
  o->vote_ends = o->now + VOTE_WAIT_MS + (int64_t)group_dice(o->m->group, VOTE_MIN_MS + VOTE_SPREAD_MS);
  begin_round(o, RAFT_VOTE);
  struct raft_message self;
  old_message(o, &self, RAFT_VOTE, o->m->id)->leader = o->m->id;
  o->answers[o->m->id] = (struct answer){.here = true, .vote = judge(o, &self, &ignored), .term = old_term(o)};
}

static void candidate_turn(struct old *o) {
  if (!o->voting) {
    if (o->now >= o->next_vote || o->increase_now) begin_vote(o);
    return;
  }
  struct tally t = count(o);
  int q = quorum(o);
  bool over = t.has_leader || t.accepted >= q || t.accepted + t.not_ready >= q || t.all == o->m->group->plan.machines ||
              o->now >= o->vote_ends;
  if (over) end_round(o, &t);
}

/* ---- leader, follower ---- */

static void judge_beats(struct old *o, bool late) {
  int success = 1, not_ready = 0, all = 1, n = o->m->group->plan.machines;
  int64_t max_term = -1;
  bool inconsistent = false;
  for (int i = 0; i < n; i++) {
    const struct answer *a = &o->answers[i];
    if (!a->here) continue;
    all++;
    if (a->code == RAFT_SUCCESS) success++;
    if (a->code == RAFT_TERM_NOT_READY) not_ready++;
    if (a->code == RAFT_INCONSISTENT_LEADER) inconsistent = true;
    if (a->code == RAFT_EXPIRED_TERM && a->term > max_term) max_term = a->term;
  }
  if (success < quorum(o) && all < n && !late) return;
  o->beating = false;
  if (success >= quorum(o)) {
    o->beat_success_ms = o->now;
  } else if (success + not_ready >= quorum(o)) {
    o->beat_ms = -1;
  } else if (max_term > old_term(o)) {
    old_stand(o, max_term);
  } else if (inconsistent || o->now - o->beat_success_ms > LEAK_MS) {
    old_stand(o, old_term(o));
  }
}

void old_elect_turn(struct old *o) {
  if (o->role == RAFT_CANDIDATE) {
    candidate_turn(o);
  } else if (o->role == RAFT_FOLLOWER) {
    if (o->now - o->leader_ms > LEAK_MS) old_stand(o, old_term(o));
  } else {
    o->voting = false;
    if (o->beating) judge_beats(o, o->now - o->beat_ms >= HEARTBEAT_MS);
    if (o->role == RAFT_LEADER && !o->beating && (o->beat_ms < 0 || o->now - o->beat_ms >= HEARTBEAT_MS)) {
      begin_round(o, RAFT_HEARTBEAT);
      o->beating = true;
      o->beat_ms = o->now;
    }
  }
}
