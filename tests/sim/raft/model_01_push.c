/* SPDX-License-Identifier: Apache-2.0
 *
 * model_01_push: DLedgerEntryPusher's rules, and DLedgerMmapFileStore's about
 * the end term.
 */
#include "tests/sim/raft/model_01.h"

/* ---- follower ---- */

static void answer(struct old *o, const struct raft_message *m, bool good) {
  (void)!disk_write(o->m);
  old_reply(o, m, good ? RAFT_SUCCESS : RAFT_INCONSISTENT_STATE, RAFT_VOTE_UNKNOWN, m->term);
}

static bool same(const struct old *o, const struct raft_entry *e) {
  uint64_t value;
  if (e->index > disk_end(o->m)) return false;
  memcpy(&value, e->body.ptr, sizeof value);
  const struct cell *cell = &o->m->disk.cache.cells[e->index];
  return cell->term == e->term && cell->value == value;
}

/* The member remembers its own term as that of the entry (W2). */
static void put(struct old *o, const struct raft_entry *e) {
  struct cell cell = {.term = e->term};
  memcpy(&cell.value, e->body.ptr, sizeof cell.value);
  (void)!disk_put(o->m, &cell);
  o->end_term = old_has(o, WEAK_W2) ? old_term(o) : e->term;
}

static void commit(struct old *o, int64_t index) {
  if (index > disk_end(o->m)) index = disk_end(o->m);
  if (index > o->committed) o->committed = index;
}

static void on_truncate(struct old *o, const struct raft_message *m) {
  const struct raft_entry *e = &m->entries[0];
  bool keep = same(o, e);
  bool committed = (keep ? e->index + 1 : e->index) <= o->committed && e->index <= disk_end(o->m);
  if (e->index > disk_end(o->m) + 1 || (committed && !old_has(o, WEAK_W3))) { /* rebuildWithPos; nothing expires here */
    answer(o, m, false);
    return;
  }
  int64_t from = keep ? e->index + 1 : e->index;
  if (from <= disk_end(o->m)) (void)!disk_truncate(o->m, from);
  if (!keep) put(o, e);
  o->end_term = old_has(o, WEAK_W2) ? old_term(o) : e->term;
  commit(o, m->commit);
  answer(o, m, true);
}

static void take_waiting(struct old *o) {
  for (int i = 0; i < o->waiting_count; i++) {
    struct waiting *w = &o->waiting[i];
    bool early = w->entry.index > disk_end(o->m) + 1;
    if (early && o->now - w->since_ms < PUSH_MS) continue;
    w->entry.body = span_of(&w->value, sizeof w->value);
    bool next = w->entry.index == disk_end(o->m) + 1;
    if (next) put(o, &w->entry);
    if (next) commit(o, w->message.commit);
    answer(o, &w->message, next || same(o, &w->entry));
    *w = o->waiting[--o->waiting_count];
    i = -1;
  }
}

static void on_append(struct old *o, const struct raft_message *m) {
  for (int i = 0; i < o->waiting_count; i++)
    if (o->waiting[i].entry.index == m->entries[0].index) {
      old_reply(o, m, RAFT_REPEATED_PUSH, RAFT_VOTE_UNKNOWN, m->term);
      return;
    }
  if (o->waiting_count == WAITING_MAX) o->waiting_count--; /* 0.1 keeps as many as come; those come again */
  struct waiting *w = &o->waiting[o->waiting_count++];
  *w = (struct waiting){.message = *m, .entry = m->entries[0], .since_ms = o->now};
  memcpy(&w->value, m->entries[0].body.ptr, sizeof w->value);
  take_waiting(o);
}

void old_on_push(struct old *o, const struct raft_message *m) {
  if (o->role != RAFT_FOLLOWER) return; /* it stays unanswered */
  if (m->term != old_term(o) || m->leader != o->leader) {
    answer(o, m, false);
    return;
  }
  if (m->kind == RAFT_APPEND) {
    on_append(o, m);
    return;
  }
  if (m->kind == RAFT_COMMIT) {
    commit(o, m->commit);
    answer(o, m, true);
    return;
  }
  o->waiting_count = 0;
  if (m->kind == RAFT_COMPARE) {
    answer(o, m, same(o, &m->entries[0]));
  } else {
    on_truncate(o, m);
  }
}

/* ---- leader ---- */

static void send(struct old *o, int peer, enum raft_kind kind, int64_t index) {
  struct raft_message m;
  old_message(o, &m, kind, peer);
  m.first = m.index = index;
  m.last = kind == RAFT_COMMIT ? index - 1 : index;
  network_send(o->m, &m);
}

static void send_one(struct old *o, int peer, enum raft_kind kind) {
  struct dispatcher *d = &o->peers[peer];
  if (disk_end(o->m) < 0) return;
  if (d->seq != 0 && o->now < d->due_ms) return;
  if (d->index < 0) d->index = disk_end(o->m);
  if (d->index > disk_end(o->m)) d->index = disk_end(o->m);
  send(o, peer, kind, d->index);
  d->seq = o->seq;
  d->due_ms = o->now + COMPARE_MS;
}

static void stream(struct old *o, int peer) {
  struct dispatcher *d = &o->peers[peer];
  if (d->watermark + 1 < d->index && o->now >= d->due_ms) {
    send(o, peer, RAFT_APPEND, d->watermark + 1);
    d->due_ms = o->now + PUSH_MS;
  }
  while (d->index <= disk_end(o->m) && d->index - d->watermark <= OUTSTANDING_MAX) {
    if (d->index == d->watermark + 1) d->due_ms = o->now + PUSH_MS;
    send(o, peer, RAFT_APPEND, d->index++);
  }
  if (o->now >= d->commit_ms) {
    send(o, peer, RAFT_COMMIT, d->index);
    d->commit_ms = o->now + PUSH_MS;
  }
}

/* QuorumAckChecker: the largest index that a majority has, whatever its term (W4). */
static void count_acks(struct old *o) {
  int n = o->m->group->plan.machines;
  int64_t best = -1;
  for (int i = 0; i < n; i++) {
    int64_t mark = i == o->m->id ? disk_end(o->m) - o->m->disk.staged : o->peers[i].watermark;
    int have = 0;
    for (int k = 0; k < n; k++)
      have += (k == o->m->id ? disk_end(o->m) - o->m->disk.staged : o->peers[k].watermark) >= mark;
    if (have > n / 2 && mark > best) best = mark;
  }
  if (best <= o->committed) return;
  if (!old_has(o, WEAK_W4) && o->m->disk.cache.cells[best].term != old_term(o)) return;
  o->committed = best;
}

void old_push_turn(struct old *o) {
  if (o->role == RAFT_FOLLOWER) take_waiting(o);
  if (o->role != RAFT_LEADER) return;
  for (int i = 0; i < o->m->group->plan.machines; i++) {
    struct dispatcher *d = &o->peers[i];
    if (i == o->m->id) continue;
    if (o->push_term != old_term(o)) *d = (struct dispatcher){.index = -1, .watermark = -1, .from_seq = o->seq + 1};
    if (d->state == COMPARE) send_one(o, i, RAFT_COMPARE);
    else if (d->state == TRUNCATE) send_one(o, i, RAFT_TRUNCATE);
    else stream(o, i);
  }
  o->push_term = old_term(o);
  count_acks(o);
}

static void begin_append(struct old *o, struct dispatcher *d) {
  d->state = APPEND;
  d->watermark = d->index;
  d->index++;
  d->seq = 0;
  d->commit_ms = o->now;
  d->from_seq = o->seq + 1;
}

static void on_compared(struct old *o, struct dispatcher *d, const struct raft_message *m) {
  d->seq = 0;
  if (m->code == RAFT_SUCCESS) {
    if (m->end_index == d->index) begin_append(o, d);
    else if (old_has(o, WEAK_W3) || d->index == disk_end(o->m) || d->mismatch == d->index + 2) d->state = TRUNCATE;
    else d->index = m->end_index < disk_end(o->m) ? m->end_index : disk_end(o->m);
  } else if (m->code == RAFT_INCONSISTENT_STATE) {
    if (d->index <= m->end_index && (d->mismatch == 0 || d->index < d->mismatch - 1)) d->mismatch = d->index + 1;
    if (m->end_index < 0 || m->begin_index > disk_end(o->m) || d->index <= 0) {
      d->state = TRUNCATE;
      d->index = 0;
    } else if (d->index > m->end_index) {
      d->index = m->end_index;
    } else {
      d->index--;
    }
  } else {
    d->seq = m->seq; /* sleeps and tries again */
    d->due_ms = o->now + RETRY_MS;
  }
}

void old_on_push_answer(struct old *o, const struct raft_message *m) {
  struct dispatcher *d = &o->peers[m->from];
  if (o->role != RAFT_LEADER || m->asked_term != old_term(o) || m->seq < d->from_seq || o->push_term != old_term(o))
    return;
  if (d->state == COMPARE && m->kind == RAFT_COMPARE && m->seq == d->seq) {
    on_compared(o, d, m);
  } else if (d->state == TRUNCATE && m->kind == RAFT_TRUNCATE && m->seq == d->seq) {
    if (m->code == RAFT_SUCCESS) begin_append(o, d);
    else *d = (struct dispatcher){.index = -1, .watermark = d->watermark, .from_seq = o->seq + 1};
  } else if (d->state == APPEND && m->kind == RAFT_APPEND) {
    if (m->code == RAFT_SUCCESS && m->index > d->watermark) {
      d->watermark = m->index;
      d->due_ms = o->now + PUSH_MS;
    } else if (m->code == RAFT_INCONSISTENT_STATE) {
      *d = (struct dispatcher){.index = -1, .watermark = d->watermark, .from_seq = o->seq + 1};
    }
  }
}
