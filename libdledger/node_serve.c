/* SPDX-License-Identifier: Apache-2.0
 *
 * node_serve: requests from peers and clients, in DLedger 0.1's words
 * (DLedgerRpcNettyService.processRequest, DLedgerServer.handle*).
 */
#include "libdledger/node_parts.h"

#include <stdlib.h>

enum { VISIT_FIRST_CAP = 256, VISIT_MS = 30000, REMOTING_SYSTEM_ERROR = 1, REMOTING_UNSUPPORTED = 3, BATCH_RESET = 1 };
#define VISITS_MAX (1u << 20)

/* ---- visits ---- */

static struct visit *visit_new(struct dl_node *n, uint64_t *seq) {
  for (size_t tries = 0; tries < 8 && n->visit_count > 0; tries++) {
    size_t i = n->visit_next++ % n->visit_count;
    if (n->visits[i].used) continue;
    *seq = (uint64_t)++n->visits[i].generation << 32 | i;
    n->visits[i].used = true;
    return &n->visits[i];
  }
  if (n->visit_count >= VISITS_MAX) return NULL;
  size_t cap = n->visit_count == 0 ? VISIT_FIRST_CAP : 2 * n->visit_count;
  struct visit *more = realloc(n->visits, cap * sizeof *more);
  if (more == NULL) return NULL;
  memset(more + n->visit_count, 0, (cap - n->visit_count) * sizeof *more);
  n->visits = more;
  n->visit_next = n->visit_count;
  n->visit_count = cap;
  return visit_new(n, seq);
}

struct visit *node_visit_of(struct dl_node *n, uint64_t seq) {
  size_t i = seq & UINT32_MAX;
  if (i >= n->visit_count || !n->visits[i].used || n->visits[i].generation != seq >> 32) return NULL;
  return &n->visits[i];
}

/* Raft does not answer what a newer term has made void. */
void node_expire_visits(struct dl_node *n) {
  for (size_t i = 0; i < n->visit_count; i++)
    if (n->visits[i].used && n->now.mono_ms - n->visits[i].since_ms > VISIT_MS) n->visits[i].used = false;
}

/* ---- answers ---- */

static void reply_json(struct dl_node *n, const struct reply_to *to, const struct dl_message *out) {
  buf_clear(&n->body);
  dl_message_write(&n->body, out);
  if (n->body.failed) {
    remoting_reply_error(n->remoting, to, REMOTING_SYSTEM_ERROR, "the answer is too long");
    return;
  }
  struct reply_out reply = {.code = DL_RESPONSE_CODE, .body = buf_span(&n->body)};
  remoting_reply(n->remoting, to, &reply);
}

static void reply_code(struct dl_node *n, const struct reply_to *to, enum dl_kind kind, int32_t code) {
  struct dl_message out;
  int leader = raft_leader(n->raft);
  dl_message_init(&out, kind);
  out.group = span_text(n->group);
  out.code = code;
  out.leader_id = leader == RAFT_NOBODY ? SPAN_NONE : span_text(n->peers.list[leader].id);
  if (kind != DL_HEART_BEAT_REPLY) out.term = raft_term(n->raft);
  reply_json(n, to, &out);
}

static void answer_batch(struct dl_node *n, const struct reply_to *to, uint64_t round, const struct raft_message *m) {
  const struct ledger_marks *marks = ledger_marks(n->ledger);
  struct dl_batch_reply r = {.code = m->code,
                             .term = m->term,
                             .begin_index = m->begin_index,
                             .end_index = m->end_index,
                             .match_index = m->index,
                             .synced_index = marks->synced_index,
                             .committed_index = m->commit,
                             .round = round};
  buf_clear(&n->body);
  dl_batch_reply_write(&n->body, &r);
  struct reply_out reply = {.code = DL_RESPONSE_CODE, .body = buf_span(&n->body)};
  remoting_reply(n->remoting, to, &reply);
}

void node_answer(struct dl_node *n, const struct raft_message *m) {
  struct visit *v = node_visit_of(n, m->seq);
  struct dl_message out;
  if (v == NULL) return;
  v->used = false;
  if (m->kind == RAFT_BATCH) {
    answer_batch(n, &v->to, v->round, m);
    return;
  }
  enum dl_kind kind = m->kind == RAFT_VOTE        ? DL_VOTE_REPLY
                      : m->kind == RAFT_HEARTBEAT ? DL_HEART_BEAT_REPLY
                                                  : DL_PUSH_REPLY;
  dl_message_init(&out, kind);
  out.code = m->code;
  out.term = m->term;
  if (kind != DL_HEART_BEAT_REPLY) {
    out.group = span_text(n->group);
    out.leader_id = m->leader == RAFT_NOBODY ? SPAN_NONE : span_text(n->peers.list[m->leader].id);
  } else if (m->code == RAFT_SUCCESS) {
    out.term = -1; /* HeartBeatResponse.term is left alone (DLedgerLeaderElector.handleHeartBeat) */
  }
  if (kind == DL_VOTE_REPLY) out.remote_id = span_text(n->peers.list[n->peers.self].id);
  if (kind == DL_VOTE_REPLY) out.vote_result = (int)m->vote;
  if (kind != DL_PUSH_REPLY) {
    out.batch_format = DL_BATCH_FORMAT;
    out.pre_vote = m->pre_vote;
    out.amnesia = (int32_t)m->amnesia;
  } else {
    out.term = m->code == RAFT_EXPIRED_TERM ? m->term : m->asked_term;
    out.index = m->index < 0 ? DL_NONE : m->index;
    out.begin_index = m->begin_index;
    out.end_index = m->end_index;
  }
  reply_json(n, &v->to, &out);
}

/* ---- raft's requests ---- */

static void to_raft(struct dl_node *n, const struct reply_to *to, struct raft_message *m, uint64_t round) {
  uint64_t seq;
  struct visit *v = visit_new(n, &seq);
  if (v == NULL) return;
  v->to = *to;
  v->since_ms = n->now.mono_ms;
  v->round = round;
  m->seq = seq;
  m->to = (int)n->peers.self;
  raft_receive(n->raft, m, n->now);
}

static void on_batch(struct dl_node *n, const struct reply_to *to, struct span body) {
  struct dl_batch b;
  struct entry e;
  const char *why = "";
  if (dl_batch_read(&b, body, &why) != STATUS_OK || !span_is(b.group, n->group) ||
      !span_is(b.remote_id, n->options.self_id)) {
    remoting_reply_error(n->remoting, to, REMOTING_SYSTEM_ERROR, "not a batch for this member: %s", why);
    return;
  }
  size_t from = peers_find(&n->peers, b.leader_id);
  if (from == n->peers.count) return;
  if (b.count > n->entry_cap) {
    struct raft_entry *more = realloc(n->entries, 2 * (size_t)b.count * sizeof *more);
    if (more == NULL) return;
    n->entries = more;
    n->entry_cap = 2 * (size_t)b.count;
  }
  struct span rest = b.entries;
  for (size_t i = 0; i < b.count && dl_batch_next(&rest, &e); i++) entry_to_raft(&n->entries[i], &e);
  struct raft_message m = {.kind = RAFT_BATCH,
                           .ours = true,
                           .from = (int)from,
                           .leader = (int)from,
                           .term = b.term,
                           .commit = b.commit_index,
                           .prev_index = b.prev_index,
                           .prev_term = b.prev_term,
                           .reset = (b.flags & BATCH_RESET) != 0,
                           .first = b.prev_index + 1,
                           .last = b.prev_index + (int64_t)b.count,
                           .entries = n->entries};
  to_raft(n, to, &m, b.round);
}

static bool push_kind(const struct dl_message *in, enum raft_kind *kind) {
  static const enum raft_kind kinds[] = {[DL_PUSH_APPEND] = RAFT_APPEND,
                                         [DL_PUSH_COMMIT] = RAFT_COMMIT,
                                         [DL_PUSH_COMPARE] = RAFT_COMPARE,
                                         [DL_PUSH_TRUNCATE] = RAFT_TRUNCATE};
  if (in->push_type < 0 || in->push_type >= DL_PUSH_TYPE_COUNT) return false;
  *kind = kinds[in->push_type];
  return *kind == RAFT_COMMIT || in->has_entry;
}

static void on_raft_request(struct dl_node *n, const struct reply_to *to, const struct dl_message *in,
                            enum dl_kind reply) {
  struct raft_entry entry;
  struct raft_message m = {.ours = in->batch_format == DL_BATCH_FORMAT,
                           .term = in->term,
                           .commit = in->commit_index,
                           .end_index = in->ledger_end_index,
                           .end_term = in->ledger_end_term,
                           .pre_vote = in->pre_vote != 0,
                           .hand_over = in->hand_over != 0,
                           .confirmed = (uint32_t)in->confirmed,
                           .last = -1};
  size_t from = peers_find(&n->peers, in->leader_id);
  if (from == n->peers.count || from == n->peers.self) {
    reply_code(n, to, reply, from == n->peers.self ? DL_CODE_UNEXPECTED_MEMBER : DL_CODE_UNKNOWN_MEMBER);
    return;
  }
  m.from = m.leader = (int)from;
  m.kind = in->kind == DL_VOTE_REQUEST ? RAFT_VOTE : RAFT_HEARTBEAT;
  if (in->kind == DL_HEART_BEAT_REQUEST) m.end_index = in->leader_end_index == DL_NONE ? -1 : in->leader_end_index;
  if (in->kind == DL_PUSH_REQUEST) {
    if (!push_kind(in, &m.kind)) {
      reply_code(n, to, reply, DL_CODE_UNEXPECTED_ARGUMENT);
      return;
    }
    if (m.kind != RAFT_COMMIT) {
      entry_to_raft(&entry, &in->entry);
      m.first = m.last = entry.index;
      m.entries = &entry;
    }
  }
  to_raft(n, to, &m, 0);
}

/* ---- clients' requests ---- */

static void on_metadata(struct dl_node *n, const struct reply_to *to) {
  struct dl_message out;
  struct dl_peer peers[PEERS_MAX];
  int leader = raft_leader(n->raft);
  dl_message_init(&out, DL_METADATA_REPLY);
  for (size_t i = 0; i < n->peers.count; i++)
    peers[i] = (struct dl_peer){span_text(n->peers.list[i].id), span_text(n->addresses[i])};
  out.group = span_text(n->group);
  out.leader_id = leader == RAFT_NOBODY ? SPAN_NONE : span_text(n->peers.list[leader].id);
  out.term = raft_term(n->raft);
  out.peers = peers;
  out.peer_count = n->peers.count;
  reply_json(n, to, &out);
}

/* One entry, from the leader only (DLedgerServer.handleGet); ours gives committed ones only. */
static void on_get(struct dl_node *n, const struct reply_to *to, const struct dl_message *in) {
  struct dl_message out;
  struct entry e;
  int64_t index = in->begin_index == DL_NONE ? -1 : in->begin_index;
  if (raft_role(n->raft) != RAFT_LEADER) {
    reply_code(n, to, DL_GET_REPLY, DL_CODE_NOT_LEADER);
    return;
  }
  if (index > raft_committed(n->raft) || ledger_get_checked(n->ledger, index, &e) != STATUS_OK) {
    reply_code(n, to, DL_GET_REPLY, DL_CODE_INDEX_OUT_OF_RANGE);
    return;
  }
  dl_message_init(&out, DL_GET_REPLY);
  out.group = span_text(n->group);
  out.leader_id = span_text(n->options.self_id);
  out.term = raft_term(n->raft);
  out.entries = &e;
  out.entry_count = 1;
  reply_json(n, to, &out);
}

struct remote_append {
  struct dl_append append;
  struct dl_node *n;
  struct reply_to to;
};

static void remote_done(struct dl_append *a, enum dl_code code, struct moment now) {
  struct remote_append *r = a->owner;
  struct dl_message out;
  (void)now;
  dl_message_init(&out, DL_APPEND_REPLY);
  out.group = span_text(r->n->group);
  out.leader_id = span_text(r->n->options.self_id);
  out.code = code;
  out.term = a->term;
  out.index = a->index;
  out.pos = a->pos;
  reply_json(r->n, &r->to, &out);
  free(r);
}

static void on_append(struct dl_node *n, const struct reply_to *to, const struct dl_message *in) {
  uint8_t *body;
  if (n->options.refuse_append || in->body.ptr == NULL) {
    reply_code(n, to, DL_APPEND_REPLY, n->options.refuse_append ? DL_CODE_UNSUPPORTED : DL_CODE_UNEXPECTED_ARGUMENT);
    return;
  }
  struct remote_append *r = calloc(1, sizeof *r);
  if (r == NULL) return;
  *r = (struct remote_append){.append = {.done = remote_done, .owner = r}, .n = n, .to = *to};
  enum dl_code code = dl_node_append(n, in->body.len, &body, &r->append, n->now);
  if (code != DL_CODE_SUCCESS) {
    reply_code(n, to, DL_APPEND_REPLY, code);
    free(r);
    return;
  }
  if (in->body.len > 0) memcpy(body, in->body.ptr, in->body.len);
  if (n->door.prepare != NULL) n->door.prepare(n->owner, body, in->body.len, r->append.index, r->append.pos);
}

/* ---- the door ---- */

static void dispatch(struct dl_node *n, const struct command *cmd, const struct reply_to *to) {
  enum dl_kind kind, reply;
  struct dl_message in;
  const char *why = "";
  if (cmd->code == DL_BATCH) {
    on_batch(n, to, cmd->body);
    return;
  }
  if (!dl_kinds_of(cmd->code, &kind, &reply)) {
    remoting_reply_error(n->remoting, to, REMOTING_UNSUPPORTED, "request code %d is not supported", cmd->code);
    return;
  }
  if (dl_message_read(&in, kind, cmd->body, &n->arena, &why) != STATUS_OK) {
    remoting_reply_error(n->remoting, to, REMOTING_SYSTEM_ERROR, "%s", why);
    return;
  }
  if (!span_is(in.group, n->group)) reply_code(n, to, reply, DL_CODE_UNKNOWN_GROUP);
  else if (!span_is(in.remote_id, n->options.self_id)) reply_code(n, to, reply, DL_CODE_UNKNOWN_MEMBER);
  else if (kind == DL_METADATA_REQUEST) on_metadata(n, to);
  else if (kind == DL_GET_REQUEST) on_get(n, to, &in);
  else if (kind == DL_APPEND_REQUEST) on_append(n, to, &in);
  else on_raft_request(n, to, &in, reply);
}

void node_request(void *owner, conn_id conn, const struct command *cmd, struct moment now) {
  struct dl_node *n = owner;
  struct reply_to to = reply_to(conn, cmd);
  n->now = now;
  dispatch(n, cmd, &to);
  arena_reset(&n->arena);
}
