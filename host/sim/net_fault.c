/* SPDX-License-Identifier: Apache-2.0
 *
 * What happens to connections when machines, programs and cables fail.
 */
#include "host/sim/inside.h"

static void retry(struct sim_world *world, struct sim_conn *conn) {
  stream_unstick(world, conn, 0);
  stream_unstick(world, conn, 1);
}

void net_sim_retry(struct sim_world *world) {
  for (size_t i = 0; i < world->conn_count; i++)
    if (world->conns[i] != NULL) retry(world, world->conns[i]);
}

void sim_cut(struct sim_host *from, struct sim_host *to) {
  from->world->cut[from->index][to->index] = true;
  world_mix(from->world, from->index * 256u + to->index);
  world_trace(from->world, from, "no longer reaches %s", to->name);
}

void sim_cut_both(struct sim_host *a, struct sim_host *b) {
  sim_cut(a, b);
  sim_cut(b, a);
}

void sim_heal(struct sim_host *a, struct sim_host *b) {
  struct sim_world *world = a->world;
  world->cut[a->index][b->index] = world->cut[b->index][a->index] = false;
  world_trace(world, a, "and %s reach each other again", b->name);
  net_sim_retry(world);
}

void sim_heal_all(struct sim_world *world) {
  memset(world->cut, 0, sizeof world->cut);
  world_trace(world, NULL, "the network is whole again");
  net_sim_retry(world);
}

static bool is_between(const struct sim_conn *conn, const struct sim_host *a, const struct sim_host *b) {
  const struct sim_host *x = conn->ends[0].host, *y = conn->ends[1].host;
  return (x == a && (b == NULL || y == b)) || (y == a && (b == NULL || x == b));
}

int sim_reset_connections(struct sim_host *a, struct sim_host *b) {
  struct sim_world *world = a->world;
  int count = 0;
  for (size_t i = 0; i < world->conn_count; i++) {
    struct sim_conn *conn = world->conns[i];
    if (conn == NULL || !is_between(conn, a, b)) continue;
    if (conn->ends[0].state != END_OPEN && conn->ends[1].state != END_OPEN) continue;
    net_push_reset(world, conn, 0, RESET_INJECTED);
    net_push_reset(world, conn, 1, RESET_INJECTED);
    count++;
  }
  return count;
}

/* ---- a program ends ---- */

static void end_killed(struct sim_world *world, struct sim_conn *conn, uint32_t side) {
  struct stream *out = &conn->streams[side];
  out->bytes.len = out->sent; /* the rest was in the program's own memory */
  if (prng_chance(&world->net_chance, 1, 2)) {
    net_push_reset(world, conn, 1 - side, RESET_KILLED);
  } else {
    out->fin_wanted = true;
    stream_transmit(world, conn, side);
  }
}

static void end_stopped(struct sim_world *world, struct sim_conn *conn, uint32_t side, enum sim_stop how) {
  struct end *end = &conn->ends[side];
  struct stream *out = &conn->streams[side];
  bool open = end->state == END_OPEN;
  if (how == SIM_POWER_OFF) out->bytes.len = out->sent;
  if (end->state == END_NONE) return;
  end->state = END_CLOSED;
  end->paused = false;
  if (!open) return;
  if (how == SIM_KILL) end_killed(world, conn, side);
  if (how == SIM_EXIT) {
    out->fin_wanted = true;
    stream_transmit(world, conn, side);
  }
}

static void forget_notes(struct net_sim *net) {
  struct sim_world *world = net->host->world;
  for (size_t i = 0; i < net->note_count; i++) {
    struct note note = net->notes[i];
    if (note.conn == NULL) continue;
    if (note.kind == NOTE_READABLE) note.conn->ends[note.side].readable = false;
    conn_drop(world, note.conn);
  }
  net->note_count = 0;
  net->borrow_count = 0;
  for (size_t i = 0; i < net->dirty_count; i++) {
    net->dirty[i].conn->ends[net->dirty[i].side].dirty = false;
    conn_drop(world, net->dirty[i].conn);
  }
  net->dirty_count = 0;
}

void net_sim_stop(struct net_sim *net, enum sim_stop how) {
  struct sim_world *world = net->host->world;
  if (how == SIM_EXIT) net_sim_flush(net);
  for (size_t i = 0; i < world->conn_count; i++) {
    struct sim_conn *conn = world->conns[i];
    if (conn == NULL) continue;
    conn_hold(conn);
    for (uint32_t side = 0; side < 2; side++)
      if (conn->ends[side].host == net->host) end_stopped(world, conn, side, how);
    conn_drop(world, conn);
  }
  forget_notes(net);
  net->listener_count = 0;
}
