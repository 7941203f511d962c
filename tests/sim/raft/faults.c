/* SPDX-License-Identifier: Apache-2.0
 *
 * faults: what happens to machines and wires, by dice. Never more than the
 * promise allows: with acknowledgements that are only written, machines are
 * killed but keep their power; disks that lose what was synced stay a minority.
 */
#include "tests/sim/raft/group.h"

const char *const fault_names[FAULT_COUNT] = {"kill",       "power",       "power-all", "wipe",        "corrupt",
                                              "disk-error", "slow-disk",   "cut",       "one-way",     "heal",
                                              "loss",       "double",      "reorder",   "slow-net",    "stall",
                                              "clock-jump", "clock-drift", "hand-over", "kill-leader", "cut-leader"};

enum { OFF_MS = 3000, STALL_MS = 1500, JUMP_MS = 3000, DRIFT_PPM = 200000 };

static struct machine *some(struct group *g) { return &g->machines[group_dice(g, (uint64_t)g->plan.machines)]; }
static int64_t some_ms(struct group *g, int64_t most) { return 1 + (int64_t)group_dice(g, (uint64_t)most); }

/* Has it all it ever acknowledged? A machine that is off counts as what its disk says. */
static bool remembers(const struct machine *m) {
  if (machine_is_up(m) && m->ops->amnesia(m->brain)) return false;
  return !m->disk.formatted && !m->disk.hard.amnesia;
}

static bool may_forget(struct group *g, const struct machine *victim) {
  int forgetful = 1;
  for (int i = 0; i < g->plan.machines; i++)
    if (&g->machines[i] != victim && !remembers(&g->machines[i])) forgetful++;
  return g->plan.models == 0 && remembers(victim) && forgetful <= (g->plan.machines - 1) / 2;
}

/* Found by a machine that runs. */
static bool corrupt_alive(struct machine *m) {
  if (m->ops->lost == NULL || !disk_corrupt(m)) return false;
  m->ops->lost(m->brain, m->disk.cache.count);
  if (m->seen_committed >= m->disk.cache.count) m->seen_committed = m->disk.cache.count - 1;
  if (m->disk.committed >= m->disk.cache.count) m->disk.committed = m->disk.cache.count - 1;
  check_step(m);
  machine_turn_soon(m, 1);
  return true;
}

static bool fault_disk(struct group *g, enum fault_kind kind, struct machine *m) {
  int64_t off = some_ms(g, OFF_MS);
  bool power = g->plan.fsync == RAFT_FSYNC_MAJORITY;
  switch (kind) {
  case FAULT_KILL:
    if (machine_is_up(m)) machine_kill(m, off);
    return true;
  case FAULT_POWER:
    if (!power || !machine_is_up(m)) return false;
    machine_power_off(m, off);
    return true;
  case FAULT_POWER_ALL:
    if (!power) return false;
    for (int i = 0; i < g->plan.machines; i++)
      if (machine_is_up(&g->machines[i])) machine_power_off(&g->machines[i], some_ms(g, OFF_MS));
    return true;
  case FAULT_WIPE:
  case FAULT_CORRUPT:
    if (!machine_is_up(m) || !may_forget(g, m)) return false;
    if (kind == FAULT_CORRUPT && group_dice(g, 2) == 0) return corrupt_alive(m);
    machine_kill(m, off);
    if (kind == FAULT_WIPE) disk_wipe(m);
    else if (!disk_corrupt(m)) return false;
    if (m->disk.committed >= m->disk.cache.count) m->disk.committed = m->disk.cache.count - 1;
    return true;
  case FAULT_DISK_ERROR:
    if (!machine_is_up(m) || m->ops == &brain_01) return false; /* 0.1 goes on as if nothing were (W14) */
    m->disk.errors = 1;
    return true;
  default: /* FAULT_SLOW_DISK */
    m->disk.sync_ms = group_dice(g, 2) == 0 ? 4 : 20 + (int)group_dice(g, 500);
    return true;
  }
}

static void cut_two(struct group *g, bool one_way) {
  int n = g->plan.machines, side = 0;
  for (int i = 0; i < n; i++)
    if (group_dice(g, 2) == 0) side |= 1 << i;
  for (int i = 0; i < n; i++)
    for (int k = 0; k < n; k++)
      if (((side >> i) & 1) != ((side >> k) & 1) && (!one_way || ((side >> i) & 1) != 0)) g->cut[i][k] = true;
}

/* The newest of those who believe they lead. */
static struct machine *leader(struct group *g) {
  struct machine *found = NULL;
  for (int i = 0; i < g->plan.machines; i++) {
    struct machine *m = &g->machines[i];
    if (machine_is_up(m) && m->seen_role == RAFT_LEADER && (found == NULL || m->seen_term > found->seen_term))
      found = m;
  }
  return found;
}

static bool fault_rest(struct group *g, enum fault_kind kind, struct machine *m) {
  switch (kind) {
  case FAULT_CUT:
    cut_two(g, false);
    return true;
  case FAULT_CUT_ONE_WAY:
    cut_two(g, true);
    return true;
  case FAULT_HEAL:
    network_heal(g);
    return true;
  case FAULT_LOSS:
    g->loss = (int)group_dice(g, 300);
    return true;
  case FAULT_DOUBLE:
    g->doubled = (int)group_dice(g, 300);
    return true;
  case FAULT_REORDER:
    g->reorder = (int)group_dice(g, 500);
    return true;
  case FAULT_SLOW_NET:
    g->latency_ms = 1 + (int)group_dice(g, 100);
    return true;
  case FAULT_STALL:
    m->stalled_until = g->now + some_ms(g, STALL_MS);
    return true;
  case FAULT_CLOCK_JUMP:
    machine_set_clock(m, some_ms(g, JUMP_MS), m->clock_ppm);
    if (machine_is_up(m)) machine_turn_soon(m, 1);
    return true;
  case FAULT_CLOCK_DRIFT:
    machine_set_clock(m, 0, (int)group_dice(g, 2 * DRIFT_PPM) - DRIFT_PPM);
    if (machine_is_up(m)) machine_turn_soon(m, 1);
    return true;
  case FAULT_KILL_LEADER:
    machine_kill(m, some_ms(g, OFF_MS));
    return true;
  case FAULT_CUT_LEADER:
    for (int i = 0; i < g->plan.machines; i++)
      if (i != m->id) g->cut[m->id][i] = g->cut[i][m->id] = true;
    return true;
  default: /* FAULT_HAND_OVER */
    m->ops->hand_over(m->brain, machine_now(m));
    machine_turn_soon(m, 0);
    return true;
  }
}

void fault_happen(struct group *g) {
  enum fault_kind kind = (enum fault_kind)group_dice(g, FAULT_COUNT);
  struct machine *m = kind >= FAULT_HAND_OVER ? leader(g) : some(g);
  if (m == NULL) return;
  bool happened = kind <= FAULT_SLOW_DISK ? fault_disk(g, kind, m) : fault_rest(g, kind, m);
  if (!happened) return;
  g->happened[kind]++;
  group_say(g, m, "fault: %s", fault_names[kind]);
}

/* All is well again; a machine that has stood aside because of its disk is started again by somebody. */
void fault_end(struct group *g) {
  network_heal(g);
  for (int i = 0; i < g->plan.machines; i++) {
    struct machine *m = &g->machines[i];
    m->disk.sync_ms = 4;
    m->disk.errors = 0;
    m->stalled_until = 0;
    machine_set_clock(m, 0, 0);
    if (machine_is_up(m) && m->ops->broken(m->brain)) machine_kill(m, 1);
    if (machine_is_up(m)) machine_turn_soon(m, 1);
  }
}
