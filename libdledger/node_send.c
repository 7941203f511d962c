/* SPDX-License-Identifier: Apache-2.0
 *
 * node_send: raft's messages onto the wire, and the answers back.
 */
#include "libdledger/node_parts.h"

#include <stdlib.h>

enum { BATCH_RESET = 1 };
#define BATCH_KEPT_MAX (1u << 20)

static struct flight *take_flight(struct dl_node *n) {
  struct flight *f = n->flight_free;
  if (f != NULL) {
    n->flight_free = f->next;
    return f;
  }
  if (n->flight_count == n->flight_cap) {
    size_t cap = n->flight_cap == 0 ? 64 : 2 * n->flight_cap;
    struct flight **all = realloc(n->flight_all, cap * sizeof(struct flight *));
    if (all == NULL) return NULL;
    n->flight_all = all;
    n->flight_cap = cap;
  }
  f = calloc(1, sizeof *f);
  if (f != NULL) n->flight_all[n->flight_count++] = f;
  return f;
}

static void give_back(struct flight *f) {
  f->next = f->n->flight_free;
  f->n->flight_free = f;
}

/* ---- answers ---- */

static bool read_json(struct dl_node *n, enum dl_kind kind, struct span body, struct raft_message *m) {
  struct dl_message reply;
  const char *why = "";
  if (dl_message_read(&reply, kind, body, &n->arena, &why) != STATUS_OK) {
    log_warn(n->log, "dledger %s: an answer cannot be read: %s", n->options.self_id, why);
    return false;
  }
  m->ours = reply.batch_format == DL_BATCH_FORMAT;
  m->term = reply.term;
  m->code = reply.code;
  if (kind == DL_VOTE_REPLY) m->vote = reply.vote_result < 0 ? RAFT_VOTE_UNKNOWN : (enum raft_vote)reply.vote_result;
  m->pre_vote = reply.pre_vote != 0;
  m->amnesia = (uint32_t)reply.amnesia;
  if (kind == DL_PUSH_REPLY) {
    m->index = reply.index == DL_NONE ? -1 : reply.index;
    m->begin_index = reply.begin_index == DL_NONE ? -1 : reply.begin_index;
    m->end_index = reply.end_index;
  }
  return true;
}

static bool read_batch(struct span body, struct raft_message *m) {
  struct dl_batch_reply reply;
  const char *why;
  if (dl_batch_reply_read(&reply, body, &why) != STATUS_OK) return false;
  m->ours = true;
  m->term = reply.term;
  m->code = reply.code;
  m->index = reply.match_index;
  m->begin_index = reply.begin_index;
  m->end_index = reply.end_index;
  return true;
}

static void on_answer(struct call *call, enum status status, const struct command *cmd, struct moment now) {
  struct flight *f = call->owner;
  struct dl_node *n = f->n;
  struct raft_message m = {.kind = f->kind,
                           .response = true,
                           .seq = f->seq,
                           .from = f->peer,
                           .to = (int)n->peers.self,
                           .asked_term = f->term,
                           .leader = RAFT_NOBODY,
                           .last = -1};
  bool good = status == STATUS_OK && cmd->code == DL_RESPONSE_CODE;
  if (good) {
    enum dl_kind kind = f->kind == RAFT_VOTE        ? DL_VOTE_REPLY
                        : f->kind == RAFT_HEARTBEAT ? DL_HEART_BEAT_REPLY
                                                    : DL_PUSH_REPLY;
    good = f->kind == RAFT_BATCH ? read_batch(cmd->body, &m) : read_json(n, kind, cmd->body, &m);
  }
  give_back(f);
  if (good) raft_receive(n->raft, &m, now);
  arena_reset(&n->arena);
}

/* ---- requests ---- */

static void write_vote(struct dl_message *out, const struct raft_message *m) {
  dl_message_init(out, DL_VOTE_REQUEST);
  out->ledger_end_index = m->end_index;
  out->ledger_end_term = m->end_term;
  out->pre_vote = m->pre_vote;
}

static void write_heartbeat(struct dl_node *n, struct dl_message *out, const struct raft_message *m) {
  dl_message_init(out, DL_HEART_BEAT_REQUEST);
  out->local_id = span_text(n->peers.list[n->peers.self].id);
  out->leader_end_index = m->end_index;
  out->confirmed = (int32_t)m->confirmed;
}

static bool write_push(struct dl_node *n, struct dl_message *out, const struct raft_message *m) {
  static const int types[] = {[RAFT_COMPARE] = DL_PUSH_COMPARE,
                              [RAFT_TRUNCATE] = DL_PUSH_TRUNCATE,
                              [RAFT_APPEND] = DL_PUSH_APPEND,
                              [RAFT_COMMIT] = DL_PUSH_COMMIT};
  dl_message_init(out, DL_PUSH_REQUEST);
  out->push_type = types[m->kind];
  out->commit_index = m->commit;
  if (m->kind == RAFT_COMMIT) return true;
  out->has_entry = ledger_get(n->ledger, m->first, &out->entry) == STATUS_OK;
  return out->has_entry;
}

static bool write_json(struct dl_node *n, const struct raft_message *m, struct request_out *q) {
  struct dl_message out;
  if (m->kind == RAFT_VOTE) write_vote(&out, m);
  else if (m->kind == RAFT_HEARTBEAT) write_heartbeat(n, &out, m);
  else if (!write_push(n, &out, m)) return false;
  out.group = span_text(n->group);
  out.remote_id = span_text(n->peers.list[m->to].id);
  out.leader_id = m->leader == RAFT_NOBODY ? SPAN_NONE : span_text(n->peers.list[m->leader].id);
  out.term = m->term;
  if (m->kind <= RAFT_HEARTBEAT) {
    out.batch_format = DL_BATCH_FORMAT;
    out.hand_over = m->hand_over;
  }
  q->code = m->kind == RAFT_VOTE ? DL_VOTE : m->kind == RAFT_HEARTBEAT ? DL_HEART_BEAT : DL_PUSH;
  dl_message_write(&n->body, &out);
  q->body = buf_span(&n->body);
  return !n->body.failed;
}

static bool write_batch(struct dl_node *n, const struct raft_message *m, struct request_out *q, struct span *entries) {
  size_t count = 0, wanted = (size_t)(m->last - m->first + 1);
  *entries = SPAN_NONE;
  if (wanted > 0) {
    size_t bytes_max = (size_t)n->options.raft.batch_bytes;
    enum status s = ledger_run(n->ledger, m->first, bytes_max, entries, &count);
    if (s != STATUS_OK || count != wanted) return false; /* the ledger has changed meanwhile; raft asks again */
  }
  struct dl_batch b = {.flags = m->reset ? BATCH_RESET : 0,
                       .group = span_text(n->group),
                       .leader_id = span_text(n->peers.list[n->peers.self].id),
                       .remote_id = span_text(n->peers.list[m->to].id),
                       .term = m->term,
                       .commit_index = m->commit,
                       .round = m->seq,
                       .prev_index = m->prev_index,
                       .prev_term = m->prev_term,
                       .count = (uint32_t)count,
                       .entries = *entries};
  q->code = DL_BATCH;
  dl_batch_write_header(&n->body, &b);
  q->body = buf_span(&n->body);
  q->body_parts = entries;
  q->body_part_count = entries->len > 0;
  return !n->body.failed;
}

static void send_request(struct dl_node *n, const struct raft_message *m) {
  struct request_out q = {.code = 0};
  struct span entries;
  struct flight *f = take_flight(n);
  if (f == NULL) return;
  buf_clear(&n->body);
  *f = (struct flight){
      .call = {.done = on_answer, .owner = f}, .n = n, .kind = m->kind, .peer = m->to, .seq = m->seq, .term = m->term};
  bool good = m->kind == RAFT_BATCH ? write_batch(n, m, &q, &entries) : write_json(n, m, &q);
  if (good)
    good = remoting_call(n->remoting, n->addresses[m->to], &q, n->options.rpc_timeout_ms, &f->call, n->now) ==
           STATUS_OK;
  if (!good) give_back(f);
}

void node_send_all(struct dl_node *n) {
  const struct raft_message *m;
  while ((m = raft_next_message(n->raft)) != NULL)
    if (m->response) node_answer(n, m);
    else send_request(n, m);
  if (n->body.cap > BATCH_KEPT_MAX) {
    size_t limit = n->body.limit;
    buf_fini(&n->body);
    buf_init(&n->body, limit);
  }
}
