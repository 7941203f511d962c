/* SPDX-License-Identifier: Apache-2.0
 *
 * raft: the door. What happens is handed to the file that knows about it.
 */
#include "libdledger/raft/inside.h"

#include <stdlib.h>

enum { OUT_FIRST_CAP = 64, PROMISE_FIRST_CAP = 64 };

void raft_config_default(struct raft_config *config) {
  memset(config, 0, sizeof *config);
  config->fsync = RAFT_FSYNC_NONE;
  config->election_ms = 150;
  config->heartbeat_ms = 50;
  config->java_leak_ms = 6000;
  config->java_wait_ms = 2500;
  config->java_longer_ms = 30000;
  config->java_revote_ms = 20;
  config->answer_ms = 1000;
  config->batch_count = 4096;
  config->batch_bytes = 1 << 20;
  config->batches_in_flight = 8;
  config->java_in_flight = 1000;
}

/* A member that finds a ledger newer than its vote has lost the vote (W6: DLedger goes on at term -1). */
static void start_state(struct raft *r, const struct raft_start *start) {
  int64_t end = raft_end(r);
  r->hard = start->hard;
  r->committed = start->committed < end ? start->committed : end;
  r->written = r->synced = end;
  r->verified = -1;
  r->catch_up = -2;
  r->leader = RAFT_NOBODY;
  if (r->hard.voted >= r->config.count) r->hard.voted = RAFT_NOBODY;
  if (raft_end_term(r) > r->hard.term) {
    r->hard = (struct raft_hard_state){.term = raft_end_term(r), .voted = RAFT_NOBODY, .amnesia = true};
    log_warn(r->log, "raft: the ledger is newer than the vote; term %lld, no vote until caught up",
             (long long)r->hard.term);
  }
  if (r->config.amnesiacs_vote || r->config.count == 1) r->hard.amnesia = false;
}

static void new_life(struct raft *r) { r->life = 1 + (uint32_t)prng_below(&r->chance, INT32_MAX - 1); }

struct raft *raft_new(const struct raft_config *config, struct raft_store *store, const struct raft_start *start,
                      struct log *log, struct moment now) {
  struct raft *r = calloc(1, sizeof *r);
  if (r == NULL) return NULL;
  r->config = *config;
  r->store = store;
  r->log = log;
  r->now_ms = now.mono_ms;
  prng_init(&r->chance, config->seed);
  new_life(r);
  r->out = calloc(OUT_FIRST_CAP, sizeof *r->out);
  r->promises = calloc(PROMISE_FIRST_CAP, sizeof *r->promises);
  if (r->out == NULL || r->promises == NULL) {
    raft_free(r);
    return NULL;
  }
  r->out_cap = OUT_FIRST_CAP;
  r->promise_cap = PROMISE_FIRST_CAP;
  start_state(r, start);
  raft_persist(r, r->hard.term, r->hard.voted, r->hard.amnesia);
  raft_wait_for_leader(r, 0);
  return r;
}

void raft_free(struct raft *r) {
  if (r == NULL) return;
  free(r->out);
  free(r->promises);
  free(r);
}

/* ---- what the others use ---- */

int64_t raft_end(const struct raft *r) { return r->store->ops->end(r->store); }

int64_t raft_term_of(const struct raft *r, int64_t index) {
  return index < 0 ? -1 : r->store->ops->term(r->store, index);
}

int64_t raft_end_term(const struct raft *r) { return raft_term_of(r, raft_end(r)); }

int raft_quorum(const struct raft *r) { return r->config.count / 2 + 1; }

int64_t raft_durable(const struct raft *r) {
  bool sync = r->config.fsync == RAFT_FSYNC_MAJORITY ||
              (r->config.fsync == RAFT_FSYNC_LEADER && r->role == RAFT_LEADER);
  return sync ? r->synced : r->written;
}

bool raft_persist(struct raft *r, int64_t term, int voted, bool amnesia) {
  struct raft_hard_state state = {.term = term, .voted = voted, .amnesia = amnesia};
  if (r->failed) return false;
  if (!raft_store_ok(r, r->store->ops->persist(r->store, &state))) return false;
  r->hard = state;
  return true;
}

bool raft_store_ok(struct raft *r, enum status s) {
  if (s == STATUS_OK) return true;
  log_error(r->log, "raft: the disk failed (%s): this member stands aside until its ledger is opened again", status_text(s));
  raft_disk_failed(r, s);
  return false;
}

void raft_disk_failed(struct raft *r, enum status why) {
  if (!r->failed) r->failure = why;
  r->failed = true;
  r->promise_count = 0;
  r->out_count = r->out_first = 0;
  if (r->role != RAFT_FOLLOWER) raft_step_down(r, "the disk failed");
}

void raft_lost(struct raft *r, int64_t from) {
  if (r->written >= from) r->written = from - 1;
  if (r->synced >= from) r->synced = from - 1;
  if (r->committed >= from) r->committed = from - 1;
  if (r->failed) return;
  raft_step_down(r, "its ledger is damaged");
  new_life(r);
  if (raft_persist(r, r->hard.term, r->hard.voted, r->config.count > 1)) raft_follow(r, RAFT_NOBODY, false);
}

struct raft_message *raft_post(struct raft *r, enum raft_kind kind, int to) {
  if (r->failed) return NULL;
  if (r->out_count == r->out_cap) {
    struct raft_message *more = realloc(r->out, 2 * r->out_cap * sizeof *more);
    if (more == NULL) return NULL; /* as if the network had lost it */
    r->out = more;
    r->out_cap *= 2;
  }
  struct raft_message *m = &r->out[r->out_count++];
  *m = (struct raft_message){.kind = kind,
                             .ours = true,
                             .seq = ++r->seq,
                             .from = r->config.self,
                             .to = to,
                             .term = r->hard.term,
                             .leader = r->role == RAFT_LEADER ? r->config.self : r->leader,
                             .code = RAFT_SUCCESS,
                             .end_index = raft_end(r),
                             .end_term = raft_end_term(r),
                             .begin_index = r->store->ops->begin(r->store),
                             .index = -1,
                             .last = -1,
                             .commit = r->committed};
  return m;
}

struct raft_message *raft_answer(struct raft *r, const struct raft_message *request, int32_t code) {
  struct raft_message *m = raft_post(r, request->kind, request->from);
  if (m == NULL) return NULL;
  m->response = true;
  m->seq = request->seq;
  m->asked_term = request->term;
  m->leader = request->leader;
  m->code = code;
  m->amnesia = r->hard.amnesia ? r->life : 0;
  return m;
}

void raft_promise(struct raft *r, const struct raft_message *answer, int64_t upto) {
  if (r->promise_count == r->promise_cap) {
    struct promise *more = realloc(r->promises, 2 * r->promise_cap * sizeof *more);
    if (more == NULL) return; /* the leader will ask again */
    r->promises = more;
    r->promise_cap *= 2;
  }
  r->promises[r->promise_count++] = (struct promise){.answer = *answer, .upto = upto};
}

void raft_keep_promises(struct raft *r) {
  int64_t durable = raft_durable(r);
  size_t kept = 0;
  for (size_t i = 0; i < r->promise_count; i++) {
    struct promise *p = &r->promises[i];
    if (p->upto > durable) {
      r->promises[kept++] = *p;
      continue;
    }
    struct raft_message *m = raft_post(r, p->answer.kind, p->answer.to);
    if (m == NULL) continue;
    *m = p->answer;
    if (m->kind == RAFT_BATCH) m->code = r->hard.amnesia ? RAFT_TERM_NOT_READY : RAFT_SUCCESS;
  }
  r->promise_count = kept;
}

void raft_wait_for_leader(struct raft *r, int64_t least_ms) {
  int64_t base = r->leader_is_java ? r->config.java_leak_ms : r->config.election_ms;
  if (least_ms > base) base = least_ms;
  r->due_ms = r->now_ms + base + (int64_t)prng_below(&r->chance, (uint64_t)r->config.election_ms + 1);
}

bool raft_adopt_term(struct raft *r, int64_t term) {
  if (!raft_persist(r, term, RAFT_NOBODY, r->hard.amnesia)) return false;
  raft_follow(r, RAFT_NOBODY, false);
  return true;
}

/* Follower of leader in the current term; what was promised to an earlier one is void. */
void raft_follow(struct raft *r, int leader, bool java) {
  r->promise_count = 0;
  r->role = RAFT_FOLLOWER;
  r->leader = leader;
  r->leader_is_java = java;
  r->verified = -1;
  r->catch_up = -2;
  r->confirmed = false;
  r->hand_over = r->stand_now = false;
  r->heard_ms = r->now_ms;
  raft_wait_for_leader(r, 0);
}

void raft_commit_to(struct raft *r, int64_t index) {
  if (index > r->committed) r->committed = index;
}

/* ---- inputs ---- */

static void on_request(struct raft *r, const struct raft_message *m) {
  static void (*const handlers[])(struct raft * r, const struct raft_message *m) = {
      [RAFT_VOTE] = raft_on_vote,       [RAFT_HEARTBEAT] = raft_on_heartbeat, [RAFT_BATCH] = raft_on_batch,
      [RAFT_COMPARE] = raft_on_compare, [RAFT_TRUNCATE] = raft_on_truncate,   [RAFT_APPEND] = raft_on_append,
      [RAFT_COMMIT] = raft_on_commit};
  handlers[m->kind](r, m);
}

/* What a peer is shows in its answers to heartbeats: it may have been replaced by the other kind meanwhile. */
static void learn_kind(struct raft *r, const struct raft_message *m) {
  struct peer *p = &r->peers[m->from];
  enum peer_kind kind = m->ours ? PEER_OURS : PEER_JAVA;
  if (p->kind == kind) return;
  p->kind = kind;
  p->match = -1;
  p->in_flight = 0;
  p->push_due_ms = TIME_NEVER;
  p->stream_seq = r->seq + 1;
  p->state = PEER_PROBE;
  p->next = raft_end(r) + 1;
  if (kind == PEER_JAVA) raft_java_begin(r, p);
}

static void on_answer(struct raft *r, const struct raft_message *m) {
  if (m->kind == RAFT_VOTE) {
    raft_on_vote_answer(r, m);
    return;
  }
  if (m->term > r->hard.term) {
    if (r->role == RAFT_LEADER) {
      /* A member is ahead of our term and will never hear us in this one: stand again in a newer one. */
      raft_step_down(r, "a member has a newer term");
      r->stand_now = raft_adopt_term(r, m->term);
    }
    return;
  }
  if (r->role != RAFT_LEADER || m->asked_term != r->hard.term) return;
  r->peers[m->from].heard_ms = r->now_ms;
  if (m->kind == RAFT_HEARTBEAT) learn_kind(r, m);
  if (m->kind == RAFT_HEARTBEAT) raft_on_heartbeat_answer(r, m);
  else if (m->kind == RAFT_BATCH) raft_on_batch_answer(r, m);
  else raft_on_java_answer(r, m);
}

void raft_receive(struct raft *r, const struct raft_message *m, struct moment now) {
  r->now_ms = now.mono_ms;
  if (r->failed || m->from < 0 || m->from >= r->config.count || m->from == r->config.self) return;
  if (m->response) on_answer(r, m);
  else on_request(r, m);
}

int64_t raft_turn(struct raft *r, struct moment now) {
  r->now_ms = now.mono_ms;
  if (r->failed) return TIME_NEVER;
  if (r->role == RAFT_LEADER) {
    raft_advance_commit(r);
    raft_lead_turn(r);
  }
  if (r->role != RAFT_LEADER) {
    raft_keep_promises(r);
    raft_catch_up(r);
    raft_elect_turn(r);
  }
  if (r->role == RAFT_LEADER) {
    raft_advance_commit(r);
    return raft_lead_wake(r);
  }
  int64_t wake = r->due_ms;
  for (int i = 0; r->role == RAFT_CANDIDATE && i < r->config.count; i++)
    if (r->peers[i].vote_due_ms < wake) wake = r->peers[i].vote_due_ms;
  return r->failed ? TIME_NEVER : wake;
}

enum status raft_append(struct raft *r, struct span body, int64_t *index, int64_t *pos) {
  if (r->failed) return STATUS_IO;
  if (r->role != RAFT_LEADER) return STATUS_BUSY;
  enum status s = r->store->ops->append_own(r->store, r->hard.term, body, index, pos);
  if (s == STATUS_IO || s == STATUS_CORRUPT) raft_store_ok(r, s);
  return s;
}

void raft_written(struct raft *r, int64_t index) {
  int64_t end = raft_end(r);
  r->written = index < end ? index : end;
}

void raft_synced(struct raft *r, int64_t index) {
  if (index > r->written) index = r->written;
  if (index > r->synced) r->synced = index;
}

/* ---- outputs ---- */

const struct raft_message *raft_next_message(struct raft *r) {
  if (r->out_first < r->out_count) return &r->out[r->out_first++];
  r->out_first = r->out_count = 0;
  return NULL;
}

bool raft_wants_sync(const struct raft *r) {
  if (r->failed || r->synced >= r->written) return false;
  return r->config.fsync == RAFT_FSYNC_MAJORITY || (r->config.fsync == RAFT_FSYNC_LEADER && r->role == RAFT_LEADER);
}

enum raft_role raft_role(const struct raft *r) { return r->role; }
int64_t raft_term(const struct raft *r) { return r->hard.term; }
int raft_leader(const struct raft *r) { return r->role == RAFT_LEADER ? r->config.self : r->leader; }
int64_t raft_committed(const struct raft *r) { return r->committed; }
bool raft_failed(const struct raft *r) { return r->failed; }
enum status raft_failure(const struct raft *r) { return r->failed ? r->failure : STATUS_OK; }
bool raft_has_amnesia(const struct raft *r) { return r->hard.amnesia; }
uint64_t raft_refusals(const struct raft *r) { return r->refusals; }

int64_t raft_match(const struct raft *r, int member) {
  return member == r->config.self ? raft_durable(r) : r->peers[member].match;
}

int raft_is_ours(const struct raft *r, int member) {
  if (member == r->config.self || r->peers[member].kind == PEER_OURS) return 1;
  return r->peers[member].kind == PEER_JAVA ? 0 : -1;
}
