/* SPDX-License-Identifier: Apache-2.0
 *
 * machine: boots, turns, crashes; and its clock.
 */
#include "tests/sim/raft/group.h"

#include <stdlib.h>

enum { SYNC_MS = 4, PPM = 1000000 };

void machine_init(struct machine *m, struct group *g, int id, const struct brain_ops *ops) {
  *m = (struct machine){.group = g, .id = id, .ops = ops, .turn_at = TIME_NEVER};
  m->disk.sync_ms = SYNC_MS;
  disk_wipe(m);
  m->clock_base = (int64_t)group_dice(g, 1000000);
}

void machine_fini(struct machine *m) {
  if (m->brain != NULL) m->ops->halt(m->brain);
  disk_fini(&m->disk);
  free(m->wishes);
}

bool machine_is_up(const struct machine *m) { return m->brain != NULL; }

struct moment machine_now(const struct machine *m) {
  int64_t passed = m->group->now - m->clock_from;
  int64_t mono = m->clock_base + passed + passed * m->clock_ppm / PPM;
  return (struct moment){.mono_ms = mono, .wall_ms = mono};
}

int64_t machine_wake(const struct machine *m, int64_t mono_ms) {
  if (mono_ms == TIME_NEVER) return TIME_NEVER;
  int64_t wait = mono_ms - machine_now(m).mono_ms;
  if (wait <= 0) return m->group->now + 1;
  return m->group->now + wait * PPM / (PPM + m->clock_ppm) + 1;
}

void machine_set_clock(struct machine *m, int64_t jump_ms, int ppm) {
  m->clock_base = machine_now(m).mono_ms + jump_ms;
  m->clock_from = m->group->now;
  m->clock_ppm = ppm;
}

void machine_boot(struct machine *m) {
  m->life++;
  m->turn_at = TIME_NEVER;
  m->syncing = m->sync_again = false;
  m->sync_upto = -1;
  m->disk.errors = 0;
  if (m->ops == &brain_raft) disk_sync_all(m);
  m->seen_role = RAFT_FOLLOWER;
  m->seen_term = -2;
  m->seen_committed = -1;
  m->wish_count = 0;
  m->brain = m->ops->boot(m);
  if (m->brain == NULL) abort();
  group_say(m->group, m, "boots: term %lld, %lld entries, committed %lld%s", (long long)m->disk.hard.term,
            (long long)m->disk.cache.count, (long long)m->ops->committed(m->brain),
            m->ops->amnesia(m->brain) ? ", with amnesia" : "");
  machine_turn_soon(m, 1);
}

static void switch_off(struct machine *m, int64_t off_ms) {
  /* The checkpoint lags: it has what was committed some time ago. */
  int64_t committed = m->ops->committed(m->brain);
  if (committed > m->disk.committed && group_dice(m->group, 2) == 0) m->disk.committed = committed;
  m->ops->halt(m->brain);
  m->brain = NULL;
  m->life++;
  m->boot_at = m->group->now + off_ms;
  group_event(m->group, EVENT_BOOT, m->boot_at, m);
}

void machine_kill(struct machine *m, int64_t off_ms) {
  switch_off(m, off_ms);
  disk_kill(m);
  /* 0.1 deletes the old file before it renames the new one. */
  if (m->ops == &brain_01 && (m->group->plan.weak & WEAK_W6) != 0 && group_dice(m->group, 4) == 0)
    m->disk.hard = (struct raft_hard_state){.term = -1, .voted = RAFT_NOBODY};
  if (m->disk.committed >= m->disk.cache.count) m->disk.committed = m->disk.cache.count - 1;
}

void machine_power_off(struct machine *m, int64_t off_ms) {
  switch_off(m, off_ms);
  disk_power_off(m);
  if (m->disk.committed >= m->disk.cache.count) m->disk.committed = m->disk.cache.count - 1;
}

/* One turn for all that arrives until then. */
void machine_turn_soon(struct machine *m, int64_t delay) {
  int64_t at = m->group->now + delay;
  if (at < m->stalled_until) at = m->stalled_until;
  if (at >= m->turn_at) return;
  m->turn_at = at;
  group_event(m->group, EVENT_TURN, at, m)->number = at;
}

void machine_turn(struct machine *m) {
  m->turn_at = TIME_NEVER;
  int64_t wake = machine_wake(m, m->ops->turn(m->brain, machine_now(m)));
  check_step(m);
  if (wake != TIME_NEVER) machine_turn_soon(m, wake - m->group->now);
}

void machine_append(struct machine *m, uint64_t value) {
  struct wish w = {.value = value, .term = m->ops->term(m->brain)};
  if (!m->ops->append(m->brain, value, &w.index)) return;
  if (m->wish_count == m->wish_cap) {
    m->wish_cap = m->wish_cap == 0 ? 64 : 2 * m->wish_cap;
    m->wishes = realloc(m->wishes, m->wish_cap * sizeof *m->wishes);
    if (m->wishes == NULL) abort();
  }
  m->wishes[m->wish_count++] = w;
  machine_turn_soon(m, (int64_t)group_dice(m->group, 2));
}
