/* SPDX-License-Identifier: Apache-2.0
 *
 * follow_java: a Java leader's pushes: COMPARE, TRUNCATE, APPEND, COMMIT, one
 * entry each. Agrees with DLedgerEntryPusher.EntryHandler in what it answers;
 * differs where 0.1 loses data: nothing committed is truncated, an entry is
 * taken only behind what this leader has been compared with, and only that can
 * be committed. Where 0.1 keeps a push waiting for its predecessor, or without
 * any answer, ours says no at once and the leader compares again.
 */
#include "libdledger/raft/inside.h"

/* Equality as 0.1 sees it (EntryHandler.handleDoCompare): CRCs are not looked at. */
static bool have_same(struct raft *r, const struct raft_entry *e) {
  struct raft_entry mine;
  if (e->index > raft_end(r) || !r->store->ops->read(r->store, e->index, &mine)) return false;
  return mine.index == e->index && mine.term == e->term && mine.pos == e->pos && mine.magic == e->magic &&
         mine.channel == e->channel && mine.size == e->size && span_equal(mine.body, e->body);
}

static void answer_push(struct raft *r, const struct raft_message *m, int32_t code) {
  struct raft_message *answer = raft_answer(r, m, code);
  if (answer == NULL) return;
  answer->index = m->kind == RAFT_COMMIT ? -1 : m->entries[0].index;
  if (code != RAFT_SUCCESS || m->kind == RAFT_COMPARE || m->kind == RAFT_COMMIT) return;
  r->out_count--;
  raft_promise(r, answer, answer->index);
}

static void verify_to(struct raft *r, const struct raft_message *m, int64_t index) {
  if (index > r->verified) r->verified = index;
  raft_commit_to(r, m->commit < r->verified ? m->commit : r->verified);
}

/* A leader compares from its end: that is how far it was. */
void raft_on_compare(struct raft *r, const struct raft_message *m) {
  if (!raft_obey(r, m)) return;
  if (m->entries[0].index > r->catch_up) r->catch_up = m->entries[0].index;
  bool same = have_same(r, &m->entries[0]);
  if (same) verify_to(r, m, m->entries[0].index);
  answer_push(r, m, same ? RAFT_SUCCESS : RAFT_INCONSISTENT_STATE);
}

static bool replace_with(struct raft *r, const struct raft_entry *e) {
  if (e->index <= raft_end(r) && !raft_drop_from(r, e->index < 0 ? 0 : e->index)) return false;
  bool whole = raft_end(r) < 0 || e->index > raft_end(r) + 1;
  if (whole && raft_end(r) >= 0 && !raft_may_truncate(r, 0) && r->committed >= e->index) return false;
  enum status s = whole && e->index != 0 ? STATUS_INVALID : r->store->ops->append(r->store, e);
  if (s == STATUS_INVALID) { /* not where we would put it: the leader begins there (rebuildWithPos) */
    s = r->store->ops->reset(r->store, e);
    r->written = r->synced = e->index - 1;
    r->promise_count = 0;
  }
  return raft_store_ok(r, s);
}

/* Keeps everything up to the entry and what this leader itself has put behind it; drops the rest. */
void raft_on_truncate(struct raft *r, const struct raft_message *m) {
  const struct raft_entry *e = &m->entries[0];
  bool done;
  if (!raft_obey(r, m)) return;
  if (have_same(r, e)) {
    int64_t keep = e->index > r->verified ? e->index : r->verified;
    done = keep >= raft_end(r) || raft_drop_from(r, keep + 1);
  } else {
    done = raft_may_truncate(r, e->index) && replace_with(r, e);
    if (!done && !r->failed) r->refusals++;
  }
  if (r->failed) return;
  if (done) verify_to(r, m, e->index);
  answer_push(r, m, done ? RAFT_SUCCESS : RAFT_INCONSISTENT_STATE);
}

void raft_on_append(struct raft *r, const struct raft_message *m) {
  const struct raft_entry *e = &m->entries[0];
  bool done = false;
  if (!raft_obey(r, m)) return;
  if (e->index <= raft_end(r)) {
    done = e->index <= r->verified && have_same(r, e);
  } else if (e->index == raft_end(r) + 1 && r->verified >= e->index - 1) {
    enum status s = r->store->ops->append(r->store, e);
    done = s == STATUS_OK;
    if (!done && s != STATUS_INVALID && !raft_store_ok(r, s)) return;
  }
  if (done) verify_to(r, m, e->index);
  answer_push(r, m, done ? RAFT_SUCCESS : RAFT_INCONSISTENT_STATE);
}

void raft_on_commit(struct raft *r, const struct raft_message *m) {
  if (!raft_obey(r, m)) return;
  if (m->commit > r->catch_up) r->catch_up = m->commit;
  raft_commit_to(r, m->commit < r->verified ? m->commit : r->verified);
  answer_push(r, m, RAFT_SUCCESS);
}
