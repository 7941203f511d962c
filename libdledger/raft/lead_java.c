/* SPDX-License-Identifier: Apache-2.0
 *
 * lead_java: pushes to a Java member, one entry each, in the three states of
 * DLedgerEntryPusher.EntryDispatcher: COMPARE until the ledgers join, TRUNCATE
 * what the member has too much, APPEND without waiting. Unlike 0.1 the
 * committed index goes out as soon as it has moved and nothing else carries it,
 * and the answer, which says where the member's ledger ends, is looked at.
 */
#include "libdledger/raft/inside.h"

void raft_java_begin(struct raft *r, struct peer *p) {
  p->state = PEER_COMPARE;
  p->next = raft_end(r);
  p->mismatch = INT64_MAX;
  p->in_flight = 0;
  p->push_due_ms = TIME_NEVER;
  p->stream_seq = r->seq + 1;
}

static void send_entry(struct raft *r, int member, enum raft_kind kind, int64_t index) {
  struct peer *p = &r->peers[member];
  struct raft_message *m = raft_post(r, kind, member);
  if (m == NULL) return;
  m->first = index;
  m->last = kind == RAFT_COMMIT ? index - 1 : index;
  m->index = index;
  p->commit_sent = r->committed;
  p->look_due_ms = r->now_ms + r->config.answer_ms;
}

static void send_one(struct raft *r, int member, enum raft_kind kind) {
  struct peer *p = &r->peers[member];
  int64_t begin = r->store->ops->begin(r->store);
  if (p->in_flight > 0 && r->now_ms < p->push_due_ms) return;
  if (raft_end(r) < 0) return; /* nothing to compare: the first entry goes out as TRUNCATE */
  if (p->next < begin) {
    p->next = begin;
    p->state = PEER_TRUNCATE;
    kind = RAFT_TRUNCATE;
  }
  p->in_flight = 1;
  p->stream_seq = r->seq + 1;
  p->push_due_ms = r->now_ms + 3 * (int64_t)r->config.answer_ms;
  send_entry(r, member, kind, p->next);
}

static void stream(struct raft *r, int member) {
  struct peer *p = &r->peers[member];
  if (r->now_ms >= p->push_due_ms && p->next > p->match + 1) {
    send_entry(r, member, RAFT_APPEND, p->match + 1); /* the oldest is sent again, as 0.1 does */
    p->in_flight = 1;
    p->push_due_ms = r->now_ms + r->config.answer_ms;
  }
  while (p->next <= raft_end(r) && p->next - p->match <= r->config.java_in_flight && !r->failed) {
    if (p->next == p->match + 1) p->push_due_ms = r->now_ms + r->config.answer_ms;
    send_entry(r, member, RAFT_APPEND, p->next++);
  }
  if (p->commit_sent >= r->committed && r->now_ms < p->look_due_ms) return;
  p->look_match = p->match;
  send_entry(r, member, RAFT_COMMIT, p->next);
}

void raft_java_push(struct raft *r, int member) {
  struct peer *p = &r->peers[member];
  if (!p->follows) return; /* it would say 406, and that would look like another entry */
  if (p->state == PEER_COMPARE && p->next < 0 && raft_end(r) >= 0) p->next = raft_end(r);
  if (p->state == PEER_COMPARE) send_one(r, member, RAFT_COMPARE);
  else if (p->state == PEER_TRUNCATE) send_one(r, member, RAFT_TRUNCATE);
  else stream(r, member);
}

static void begin_append(struct raft *r, struct peer *p, int64_t match) {
  p->state = PEER_APPEND;
  p->match = match; /* also if it once had more and lost it */
  p->next = match + 1;
  p->in_flight = 0;
  p->stream_seq = r->seq + 1;
  p->push_due_ms = TIME_NEVER;
}

/* Where to look next when the entry there is not ours (EntryDispatcher.doCompare). */
static void compare_elsewhere(struct raft *r, struct peer *p, const struct raft_message *m) {
  int64_t begin = r->store->ops->begin(r->store);
  p->in_flight = 0;
  if (p->next <= m->end_index && p->next < p->mismatch) p->mismatch = p->next;
  if (m->end_index < begin || m->begin_index > raft_end(r) || p->next < m->begin_index || p->next <= begin) {
    p->next = begin;
    p->state = PEER_TRUNCATE;
  } else if (p->next > m->end_index) {
    p->next = m->end_index;
  } else {
    p->next--;
  }
}

/* 0.1 truncates as soon as the member has more than what was compared. That may be what this leader itself has put
 * there and counted, so ours first looks at what there is more. */
static void on_compared(struct raft *r, struct peer *p, const struct raft_message *m) {
  if (m->code == RAFT_INCONSISTENT_STATE) {
    compare_elsewhere(r, p, m);
  } else if (m->code == RAFT_SUCCESS && m->end_index == p->next) {
    begin_append(r, p, p->next);
  } else if (m->code == RAFT_SUCCESS) {
    p->in_flight = 0;
    if (p->next == raft_end(r) || p->next + 1 == p->mismatch) p->state = PEER_TRUNCATE;
    else p->next = m->end_index < raft_end(r) ? m->end_index : raft_end(r);
  }
}

void raft_on_java_answer(struct raft *r, const struct raft_message *m) {
  struct peer *p = &r->peers[m->from];
  if (p->kind != PEER_JAVA || m->seq < p->stream_seq) return;
  if (m->kind == RAFT_COMPARE || m->kind == RAFT_TRUNCATE) p->stream_seq = m->seq + 1; /* one answer each */
  if (p->state == PEER_COMPARE && m->kind == RAFT_COMPARE) {
    on_compared(r, p, m);
  } else if (p->state == PEER_TRUNCATE && m->kind == RAFT_TRUNCATE) {
    if (m->code == RAFT_SUCCESS) {
      begin_append(r, p, p->next);
    } else { /* compare again, in a while */
      raft_java_begin(r, p);
      p->in_flight = 1;
      p->push_due_ms = r->now_ms + r->config.answer_ms / 2;
    }
  } else if (p->state == PEER_APPEND && m->kind == RAFT_APPEND) {
    if (m->code == RAFT_SUCCESS && m->index > p->match && m->index < p->next) {
      p->match = m->index;
      /* If it lacked the oldest, it lacks the rest: 0.1 would now send one a second. */
      if (p->in_flight > 0) p->next = p->match + 1;
      p->in_flight = 0;
      p->push_due_ms = p->match + 1 < p->next ? r->now_ms + r->config.answer_ms : TIME_NEVER;
    } else if (m->code == RAFT_INCONSISTENT_STATE) {
      raft_java_begin(r, p);
    }
  } else if (p->state == PEER_APPEND && m->kind == RAFT_COMMIT && m->code == RAFT_SUCCESS &&
             m->end_index < p->look_match) {
    raft_java_begin(r, p); /* it had more when it was asked: it has lost its disk */
  }
}
