/* SPDX-License-Identifier: Apache-2.0
 *
 * model_01: state of a member, and the door.
 */
#include "tests/sim/raft/model_01.h"

#include <stdlib.h>

bool old_has(const struct old *o, enum weakness w) { return (o->m->group->plan.weak & w) != 0; }
int64_t old_term(const struct old *o) { return o->m->disk.hard.term; }

void old_persist(struct old *o, int64_t term, int voted) {
  struct raft_hard_state hard = {.term = term, .voted = voted};
  (void)!disk_persist(o->m, &hard, false); /* errors are logged and forgotten (IOUtils.string2File) */
}

void old_stand(struct old *o, int64_t term) {
  if (term > o->known_max) o->known_max = term;
  o->role = RAFT_CANDIDATE;
  o->leader = RAFT_NOBODY;
}

struct raft_message *old_message(struct old *o, struct raft_message *m, enum raft_kind kind, int to) {
  int64_t end = disk_end(o->m);
  *m = (struct raft_message){.kind = kind,
                             .seq = ++o->seq,
                             .from = o->m->id,
                             .to = to,
                             .term = old_term(o),
                             .leader = o->leader,
                             .code = RAFT_SUCCESS,
                             .end_index = end,
                             .end_term = o->end_term,
                             .begin_index = end < 0 ? -1 : 0,
                             .index = -1,
                             .commit = o->committed,
                             .last = -1};
  return m;
}

void old_reply(struct old *o, const struct raft_message *request, int32_t code, enum raft_vote vote, int64_t term) {
  struct raft_message m;
  old_message(o, &m, request->kind, request->from);
  m.response = true;
  m.seq = request->seq;
  m.asked_term = request->term;
  m.code = code;
  m.vote = vote;
  m.term = term;
  if (request->kind >= RAFT_BATCH && request->kind != RAFT_COMMIT && request->last >= request->first)
    m.index = request->first;
  network_send(o->m, &m);
}

/* A member without an entry begins with end term -1; recovery takes the last entry's own. */
static void *boot(struct machine *m) {
  struct old *o = calloc(1, sizeof *o);
  if (o == NULL) abort();
  o->m = m;
  o->role = RAFT_CANDIDATE;
  o->leader = RAFT_NOBODY;
  o->known_max = -1;
  int64_t end = disk_end(m);
  o->end_term = end < 0 ? -1 : m->disk.cache.cells[end].term;
  o->committed = m->disk.committed < end ? m->disk.committed : end;
  o->push_term = -2;
  o->last = WAIT_TO_REVOTE;
  return o;
}

static void halt(void *brain) { free(brain); }

static void receive(void *brain, const struct raft_message *m, struct moment now) {
  struct old *o = brain;
  o->now = now.mono_ms;
  if (m->response && m->kind <= RAFT_HEARTBEAT) old_on_round_answer(o, m);
  else if (m->response) old_on_push_answer(o, m);
  else if (m->kind == RAFT_VOTE) old_on_vote(o, m);
  else if (m->kind == RAFT_HEARTBEAT) old_on_heartbeat(o, m);
  else if (m->kind != RAFT_BATCH) /* nobody sends it one */ old_on_push(o, m);
}

static int64_t turn(void *brain, struct moment now) {
  struct old *o = brain;
  o->now = now.mono_ms;
  (void)!disk_write(o->m);
  old_elect_turn(o);
  old_push_turn(o);
  (void)!disk_write(o->m);
  return now.mono_ms + LOOP_MS;
}

static bool append(void *brain, uint64_t value, int64_t *index) {
  struct old *o = brain;
  struct cell cell = {.term = old_term(o), .value = value};
  if (o->role != RAFT_LEADER) return false;
  *index = disk_end(o->m) + 1;
  o->end_term = cell.term;
  return disk_put(o->m, &cell);
}

static void synced(void *brain, int64_t index) { (void)brain, (void)index; }
static enum raft_role role(const void *brain) { return ((const struct old *)brain)->role; }
static int64_t term(const void *brain) { return old_term(brain); }
static int64_t committed(const void *brain) { return ((const struct old *)brain)->committed; }
static bool no(const void *brain) { return brain == NULL; }
static void hand_over(void *brain, struct moment now) { (void)brain, (void)now; } /* came with 0.2 */

const struct brain_ops brain_01 = {"0.1", boot, halt,      receive, turn, append,    synced,
                                   role,  term, committed, no,      no,   hand_over, NULL};
