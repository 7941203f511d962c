/* SPDX-License-Identifier: Apache-2.0
 *
 * lead: what a leader does: heartbeats to all, batches to its like (Java
 * members: lead_java.c), and the committed index. A peer of ours is first
 * asked where its ledger joins ours (PROBE), then fed without waiting (STREAM);
 * a refusal or silence leads back to the question. A peer that is only waiting
 * is asked once a second, for it may have lost its disk.
 */
#include "libdledger/raft/inside.h"

void raft_step_down(struct raft *r, const char *why) {
  if (r->role != RAFT_LEADER) return;
  log_info(r->log, "raft: member %d no longer leads term %lld: %s", r->config.self, (long long)r->hard.term, why);
  raft_follow(r, RAFT_NOBODY, false);
}

static void restart_peer(struct raft *r, struct peer *p, int64_t next) {
  p->state = PEER_PROBE;
  p->next = next > raft_end(r) + 1 ? raft_end(r) + 1 : next;
  p->in_flight = 0;
  p->push_due_ms = TIME_NEVER;
  p->stream_seq = r->seq + 1;
}

/* Who has forgotten things does not count, nor does what it said before. */
void raft_note_amnesia(struct raft *r, struct peer *p, const struct raft_message *answer) {
  uint32_t life = answer->amnesia;
  if (life == p->amnesia) return;
  if (life == 0 && answer->seq <= p->forgot_seq) return; /* from before it forgot, late */
  p->amnesia = life;
  p->confirmed = false;
  p->forgot_seq = r->seq;
  if (life != 0) p->match = -1;
  if (life == 0 && r->role == RAFT_LEADER && p->kind == PEER_OURS) restart_peer(r, p, p->next); /* now it counts */
}

/* Was a majority ours after this peer had forgotten? Then nothing it may have promised to another leader since stands
 * against us. */
static uint32_t confirm(const struct raft *r, struct peer *p) {
  int n = 1;
  for (int i = 0; i < r->config.count; i++)
    n += i != r->config.self && r->peers[i].amnesia == 0 && r->peers[i].beat_seq > p->forgot_seq;
  if (n >= raft_quorum(r)) p->confirmed = true;
  return p->confirmed ? p->amnesia : 0;
}

static bool all_agreed(const struct raft *r) {
  for (int i = 0; i < r->config.count; i++)
    if (i != r->config.self && (!r->peers[i].voted || r->peers[i].vote != RAFT_VOTE_ACCEPT)) return false;
  return true;
}

static void begin_peer(struct raft *r, struct peer *p) {
  p->match = -1;
  p->follows = false;
  p->next = raft_end(r) + 1;
  p->state = PEER_PROBE;
  p->in_flight = 0;
  p->stream_seq = r->seq + 1;
  p->push_due_ms = TIME_NEVER;
  p->commit_sent = -1;
  p->beat_seq = 0;
  p->forgot_seq = r->seq;
  p->confirmed = all_agreed(r);
  p->heard_ms = r->now_ms;
  p->heartbeat_due_ms = r->now_ms;
  if (p->kind == PEER_JAVA) raft_java_begin(r, p);
}

/* A record of our own opens the term when there are entries whose fate is open: only it can commit them. */
void raft_lead(struct raft *r) {
  int64_t index, pos;
  if (r->hard.amnesia && !raft_persist(r, r->hard.term, r->hard.voted, false)) return;
  r->role = RAFT_LEADER;
  r->leader = r->config.self;
  r->leader_is_java = false;
  r->term_start = raft_end(r) + 1;
  for (int i = 0; i < r->config.count; i++) begin_peer(r, &r->peers[i]);
  log_info(r->log, "raft: member %d leads term %lld from %lld", r->config.self, (long long)r->hard.term,
           (long long)r->term_start);
  if (raft_end(r) > r->committed && r->config.opening.ptr != NULL)
    (void)!raft_append(r, r->config.opening, &index, &pos); /* failing is as good as stepping down */
}

/* ---- commit ---- */

void raft_advance_commit(struct raft *r) {
  int64_t sorted[RAFT_MEMBERS_MAX];
  int n = r->config.count;
  for (int i = 0; i < n; i++) {
    int64_t v = raft_match(r, i);
    int k = i;
    for (; k > 0 && sorted[k - 1] < v; k--) sorted[k] = sorted[k - 1];
    sorted[k] = v;
  }
  raft_commit_to(r, raft_countable(r, sorted[raft_quorum(r) - 1]));
}

/* ---- heartbeats ---- */

static void beat(struct raft *r, int member, bool hand_over) {
  struct raft_message *m = raft_post(r, RAFT_HEARTBEAT, member);
  r->peers[member].heartbeat_due_ms = r->now_ms + r->config.heartbeat_ms;
  if (m == NULL) return;
  m->hand_over = hand_over;
  m->confirmed = confirm(r, &r->peers[member]);
}

void raft_on_heartbeat_answer(struct raft *r, const struct raft_message *m) {
  struct peer *p = &r->peers[m->from];
  raft_note_amnesia(r, p, m);
  if (m->code == RAFT_SUCCESS) p->follows = true;
  if (m->code == RAFT_SUCCESS && m->amnesia == 0 && m->seq > p->beat_seq) p->beat_seq = m->seq;
  if (m->code == RAFT_INCONSISTENT_LEADER) raft_step_down(r, "a member follows another leader in this term");
  else if (m->code == RAFT_TERM_NOT_READY) p->heartbeat_due_ms = r->now_ms + r->config.java_revote_ms;
}

/* Without a majority that answers it is not known whether there is another leader. */
static bool heard_by_majority(const struct raft *r) {
  int n = 1;
  for (int i = 0; i < r->config.count; i++) {
    const struct peer *p = &r->peers[i];
    int64_t patience = p->kind == PEER_OURS ? 2 * (int64_t)r->config.election_ms : r->config.java_leak_ms;
    if (i != r->config.self && r->now_ms - p->heard_ms < patience) n++;
  }
  return n >= raft_quorum(r);
}

bool raft_hand_over(struct raft *r, struct moment now) {
  int best = -1;
  r->now_ms = now.mono_ms;
  if (r->role != RAFT_LEADER || r->failed) return false;
  for (int i = 0; i < r->config.count; i++)
    if (i != r->config.self && r->peers[i].kind == PEER_OURS && (best < 0 || r->peers[i].match > r->peers[best].match))
      best = i;
  if (best < 0 || r->peers[best].match < raft_end(r)) return false;
  beat(r, best, true);
  return true;
}

/* ---- batches ---- */

static void send_batch(struct raft *r, int member, int64_t last) {
  struct peer *p = &r->peers[member];
  struct raft_message *m = raft_post(r, RAFT_BATCH, member);
  if (m == NULL) return;
  m->prev_index = p->next - 1;
  m->prev_term = raft_term_of(r, p->next - 1);
  m->reset = m->prev_term == -2;
  m->first = p->next;
  m->last = last;
  p->commit_sent = r->committed;
  p->look_due_ms = r->now_ms + r->config.answer_ms;
  if (p->in_flight++ == 0) p->push_due_ms = r->now_ms + r->config.answer_ms;
  if (p->state == PEER_STREAM) p->next = last + 1;
}

static int64_t batch_end(struct raft *r, const struct peer *p) {
  return r->store->ops->reach(r->store, p->next, r->config.batch_count, r->config.batch_bytes);
}

/* A probe carries nothing, unless the ledger begins with what it asks for. */
static void probe(struct raft *r, int member) {
  struct peer *p = &r->peers[member];
  int64_t begin = r->store->ops->begin(r->store);
  if (p->next < begin) p->next = begin;
  bool reset = p->next == begin && begin > 0;
  send_batch(r, member, reset ? batch_end(r, p) : p->next - 1);
}

static void push(struct raft *r, int member) {
  struct peer *p = &r->peers[member];
  if (r->now_ms >= p->push_due_ms) restart_peer(r, p, p->match < 0 ? p->next : p->match + 1);
  if (p->state == PEER_PROBE) {
    if (p->in_flight == 0) probe(r, member);
    return;
  }
  while (p->next <= raft_end(r) && p->in_flight < r->config.batches_in_flight && !r->failed) {
    int64_t before = p->next;
    send_batch(r, member, batch_end(r, p));
    if (p->next == before) return; /* no memory for the message */
  }
  bool look = p->in_flight == 0 && r->now_ms >= p->look_due_ms;
  if (look || (p->commit_sent < r->committed && p->in_flight < r->config.batches_in_flight))
    send_batch(r, member, p->next - 1);
}

void raft_on_batch_answer(struct raft *r, const struct raft_message *m) {
  struct peer *p = &r->peers[m->from];
  if (p->kind != PEER_OURS) return;
  if (m->code == RAFT_SUCCESS || m->code == RAFT_TERM_NOT_READY) { /* stored; TERM_NOT_READY: but do not count me */
    bool counts = m->code == RAFT_SUCCESS && p->amnesia == 0 && m->seq > p->forgot_seq;
    if (counts && m->index > p->match) p->match = m->index < raft_end(r) ? m->index : raft_end(r);
    if (p->state == PEER_PROBE) {
      restart_peer(r, p, m->index + 1);
      p->state = PEER_STREAM;
      return;
    }
    if (m->seq < p->stream_seq) return;
    if (p->in_flight > 0) p->in_flight--; /* an answer may come twice */
    p->push_due_ms = p->in_flight > 0 ? r->now_ms + r->config.answer_ms : TIME_NEVER;
    return;
  }
  if (m->seq < p->stream_seq) return;
  if (m->code == RAFT_INCONSISTENT_STATE) {
    if (m->index <= p->match) p->match = m->index - 1; /* it has lost its disk */
    restart_peer(r, p, m->index);
  }
  /* Anything else is asked again when its time is over. */
}

/* ---- turn ---- */

void raft_lead_turn(struct raft *r) {
  if (!heard_by_majority(r)) {
    raft_step_down(r, "no majority answers");
    return;
  }
  for (int i = 0; i < r->config.count && !r->failed; i++) {
    struct peer *p = &r->peers[i];
    if (i == r->config.self) continue;
    if (p->heartbeat_due_ms <= r->now_ms) beat(r, i, false);
    if (p->kind == PEER_OURS) push(r, i);
    if (p->kind == PEER_JAVA) raft_java_push(r, i);
  }
}

int64_t raft_lead_wake(const struct raft *r) {
  int64_t wake = TIME_NEVER;
  for (int i = 0; i < r->config.count; i++) {
    const struct peer *p = &r->peers[i];
    if (i == r->config.self) continue;
    if (p->heartbeat_due_ms < wake) wake = p->heartbeat_due_ms;
    if (p->kind != PEER_UNKNOWN && p->push_due_ms < wake) wake = p->push_due_ms;
    bool looks = (p->state == PEER_STREAM && p->in_flight == 0) || (p->state == PEER_APPEND && p->follows);
    if (looks && p->look_due_ms < wake) wake = p->look_due_ms;
  }
  return wake;
}
