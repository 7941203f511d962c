/* SPDX-License-Identifier: Apache-2.0
 *
 * network: connections keep their order unless messages travel over different
 * ones; a cut drops silently; doubles arrive whenever they like.
 */
#include "tests/sim/raft/group.h"

static void read_entries(const struct machine *from, struct event *e) {
  struct raft_message *m = &e->message;
  for (int64_t i = m->first; i <= m->last; i++) {
    int64_t k = i - m->first;
    const struct cell *cell = &from->disk.cache.cells[i];
    e->values[k] = cell->value;
    e->entries[k] = (struct raft_entry){.index = i,
                                        .term = cell->term,
                                        .pos = i * ENTRY_BYTES,
                                        .magic = 1,
                                        .size = ENTRY_BYTES,
                                        .body = span_of(&e->values[k], sizeof e->values[k])};
  }
  m->entries = e->entries;
}

static void put_on_wire(struct machine *from, const struct raft_message *message, int64_t at) {
  struct group *g = from->group;
  struct event *e = group_event(g, EVENT_MESSAGE, at, &g->machines[message->to]);
  e->message = *message;
  bool push = message->kind >= RAFT_BATCH && !message->response;
  if (push && message->last >= message->first) read_entries(from, e);
}

void network_send(struct machine *from, const struct raft_message *message) {
  struct group *g = from->group;
  int a = from->id, b = message->to;
  if (message->last >= message->first && message->last > disk_end(from)) return; /* truncated meanwhile */
  if (message->last - message->first + 1 > BATCH_MAX) {
    group_fail(g, "a batch is longer than allowed");
    return;
  }
  if ((int)group_dice(g, 1000) < g->loss) return;
  int64_t at = g->now + 1 + (int64_t)group_dice(g, (uint64_t)g->latency_ms);
  if ((int)group_dice(g, 1000) >= g->reorder) {
    if (at < g->last_arrival[a][b]) at = g->last_arrival[a][b];
    g->last_arrival[a][b] = at;
  } else {
    at += (int64_t)group_dice(g, 10 * (uint64_t)g->latency_ms);
  }
  put_on_wire(from, message, at);
  if ((int)group_dice(g, 1000) < g->doubled)
    put_on_wire(from, message, at + (int64_t)group_dice(g, 20 * (uint64_t)g->latency_ms));
}

void network_arrive(struct group *g, struct event *e) {
  struct machine *m = &g->machines[e->message.to];
  if (!machine_is_up(m) || e->life != m->life || g->cut[e->message.from][e->message.to]) return;
  if (g->now < m->stalled_until) {
    struct event *later = group_event(g, EVENT_MESSAGE, m->stalled_until, m);
    uint64_t order = later->order;
    *later = *e;
    later->at = m->stalled_until;
    later->order = order;
    for (int k = 0; k < BATCH_MAX; k++) later->entries[k].body = span_of(&later->values[k], sizeof later->values[k]);
    later->message.entries = later->entries;
    return;
  }
  g->hash = (g->hash ^ (uint64_t)e->message.kind ^ (uint64_t)e->message.term ^ ((uint64_t)e->message.index << 8) ^
             ((uint64_t)e->message.from << 60) ^ (uint64_t)g->now) *
            UINT64_C(0x9E3779B97F4A7C15);
  m->ops->receive(m->brain, &e->message, machine_now(m));
  check_step(m);
  machine_turn_soon(m, (int64_t)group_dice(g, 2));
}

void network_heal(struct group *g) {
  memset(g->cut, 0, sizeof g->cut);
  g->loss = g->doubled = g->reorder = 0;
  g->latency_ms = 3;
}
