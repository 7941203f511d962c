/* SPDX-License-Identifier: Apache-2.0
 *
 * behind: two of 0.1 and one of ours, which misses something; then the leader
 * dies. Only the other one of 0.1 can be elected, and it is slow to ask.
 */
#include "tests/sim/raft/group.h"

enum {
  MODELS = 2,
  OURS = MODELS,
  BEGIN_MS = 60000,
  SHARED_MS = 2000,
  MISSED_MS = 3000,
  ALONE_MS = 6000,
  ELECTED_MS = 25000,
  TERMS_MAX = 8
};

static void run_for(struct group *g, int64_t ms) {
  int64_t end = g->now + ms;
  while (g->heap_count > 0 && g->heap[0]->at <= end && group_step(g)) {
  }
}

static struct machine *leader(struct group *g) {
  for (int i = 0; i < g->plan.machines; i++) {
    struct machine *m = &g->machines[i];
    if (machine_is_up(m) && m->seen_role == RAFT_LEADER) return m;
  }
  return NULL;
}

static void cut(struct group *g, bool on) {
  for (int i = 0; i < OURS; i++) g->cut[i][OURS] = g->cut[OURS][i] = on;
}

static void old_one_leads(struct group *g) {
  while (g->now < BEGIN_MS && g->violation[0] == '\0') {
    struct machine *m = leader(g);
    if (m != NULL && m->id != OURS && g->truth_count > 0) return;
    if (m != NULL && m->id == OURS) machine_kill(m, ELECTED_MS);
    run_for(g, 100);
  }
  group_fail(g, "none of 0.1 leads");
}

void behind_run(struct group *g) {
  old_one_leads(g);
  for (int64_t end = g->now + BEGIN_MS; g->now < end && !machine_is_up(&g->machines[OURS]);) run_for(g, 100);
  run_for(g, SHARED_MS);
  cut(g, true);
  run_for(g, MISSED_MS);
  struct machine *old = leader(g);
  if (old == NULL || old->id == OURS) {
    group_fail(g, "who leads?");
    return;
  }
  if (disk_end(&g->machines[OURS]) >= disk_end(&g->machines[1 - old->id])) group_fail(g, "nothing was missed");
  machine_kill(old, TIME_NEVER / 2);
  run_for(g, ALONE_MS + (int64_t)group_dice(g, ALONE_MS)); /* the other one has noticed, and votes */
  cut(g, false);
  int64_t begin = g->now, term = g->machines[OURS].seen_term;
  while (g->now < begin + ELECTED_MS && leader(g) == NULL && g->violation[0] == '\0') run_for(g, 100);
  int64_t spent = g->machines[OURS].seen_term - term;
  if (spent > TERMS_MAX) group_fail(g, "%lld terms were spent for nothing", (long long)spent);
  if (leader(g) == NULL) group_fail(g, "nobody is elected for %lld ms", (long long)(g->now - begin));
}
