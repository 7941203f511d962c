/* SPDX-License-Identifier: Apache-2.0
 *
 * check: what must be true after every step of every machine.
 */
#include "tests/sim/raft/group.h"

#include <stdlib.h>

static void check_leader(struct machine *m) {
  struct group *g = m->group;
  int64_t slot = m->seen_term + 1;
  if (slot >= g->leader_cap) {
    int64_t cap = 2 * slot + 64;
    g->leader_of = realloc(g->leader_of, (size_t)cap * sizeof *g->leader_of);
    if (g->leader_of == NULL) abort();
    for (int64_t i = g->leader_cap; i < cap; i++) g->leader_of[i] = -1;
    g->leader_cap = cap;
  }
  if (g->leader_of[slot] >= 0 && g->leader_of[slot] != m->id)
    group_fail(g, "one leader per term: n%d and n%d in term %lld", g->leader_of[slot], m->id, (long long)m->seen_term);
  g->leader_of[slot] = m->id;
  g->elections++;
  group_say(g, m, "leads term %lld, %lld entries", (long long)m->seen_term, (long long)m->disk.cache.count);
  for (int64_t i = 0; i < g->truth_count; i++) {
    const struct truth *t = &g->truth[i];
    if (t->commit_term >= m->seen_term) continue;
    if (i > disk_end(m) || m->disk.cache.cells[i].value != t->cell.value ||
        m->disk.cache.cells[i].term != t->cell.term) {
      group_fail(g, "leader completeness: n%d leads term %lld without entry %lld", m->id, (long long)m->seen_term,
                 (long long)i);
      return;
    }
  }
}

static void learn_truth(struct group *g, const struct cell *cell, int64_t term) {
  if (g->truth_count == g->truth_cap) {
    g->truth_cap = g->truth_cap == 0 ? 256 : 2 * g->truth_cap;
    g->truth = realloc(g->truth, (size_t)g->truth_cap * sizeof *g->truth);
    if (g->truth == NULL) abort();
  }
  g->truth[g->truth_count++] = (struct truth){.cell = *cell, .commit_term = term};
}

static void check_committed(struct machine *m, int64_t committed) {
  struct group *g = m->group;
  if (committed > disk_end(m)) {
    group_fail(g, "n%d: committed %lld is behind the end %lld", m->id, (long long)committed, (long long)disk_end(m));
    return;
  }
  for (int64_t i = m->seen_committed + 1; i <= committed; i++) {
    const struct cell *cell = &m->disk.cache.cells[i];
    if (i >= g->truth_count) {
      learn_truth(g, cell, m->seen_term);
    } else if (g->truth[i].cell.value != cell->value || g->truth[i].cell.term != cell->term) {
      group_fail(g, "a committed entry changed: %lld at n%d", (long long)i, m->id);
      return;
    }
  }
  m->seen_committed = committed;
}

/* An append that was acknowledged: its index is committed while its leader still leads the term. */
static void grant_wishes(struct machine *m) {
  struct group *g = m->group;
  size_t kept = 0;
  bool leads = m->seen_role == RAFT_LEADER;
  for (size_t i = 0; i < m->wish_count; i++) {
    const struct wish *w = &m->wishes[i];
    if (!leads || w->term != m->seen_term) continue;
    if (w->index > m->seen_committed) {
      m->wishes[kept++] = *w;
      continue;
    }
    g->acked++;
    if (g->truth[w->index].cell.value != w->value)
      group_fail(g, "acknowledged, but not committed: %lld", (long long)w->index);
  }
  m->wish_count = kept;
}

void check_step(struct machine *m) {
  if (m->group->violation[0] != '\0') return;
  enum raft_role role = m->ops->role(m->brain);
  int64_t term = m->ops->term(m->brain), committed = m->ops->committed(m->brain);
  if (term < m->seen_term) group_fail(m->group, "n%d: the term went back", m->id);
  bool news = role == RAFT_LEADER && (m->seen_role != RAFT_LEADER || m->seen_term != term);
  m->seen_term = term;
  m->seen_role = role;
  if (news) check_leader(m);
  if (committed < m->seen_committed) group_fail(m->group, "n%d: committed went back", m->id);
  if (committed > m->seen_committed && m->group->violation[0] == '\0') check_committed(m, committed);
  if (m->wish_count > 0 && m->group->violation[0] == '\0') grant_wishes(m);
}

void check_truncate(struct machine *m, int64_t from) {
  struct group *g = m->group;
  for (int64_t i = from; i < g->truth_count && i < m->disk.cache.count; i++)
    if (g->truth[i].cell.value == m->disk.cache.cells[i].value && g->truth[i].cell.term == m->disk.cache.cells[i].term)
      group_fail(g, "a committed entry was truncated: %lld at n%d", (long long)i, m->id);
}

int64_t check_new_entry(const struct group *g) {
  for (int64_t i = g->truth_count - 1; i >= 0; i--)
    if (g->truth[i].cell.value != VALUE_OPENING) return g->truth[i].cell.value > g->final_value ? i : -1;
  return -1;
}

/* After the trouble: is a new entry committed everywhere, and with it everything that ever was? */
bool check_progress(struct group *g) {
  int64_t where = check_new_entry(g);
  if (where < 0) return false;
  for (int i = 0; i < g->plan.machines; i++) {
    const struct machine *m = &g->machines[i];
    if (!machine_is_up(m) || m->seen_committed < where || m->ops->amnesia(m->brain)) return false;
  }
  return true;
}
