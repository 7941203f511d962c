/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of one direction of a connection on their way. `side` is always
 * the end that receives, except in stream_transmit, where it sends.
 */
#include "host/sim/inside.h"

#include <assert.h>
#include <stdlib.h>

enum {
  CHANCES = 10000,
  PIECES_MAX = 8,       /* of one flush */
  DROP_FRONT_MIN = 65536, /* so many used bytes are worth a memmove */
  RETRANSMIT_MS = 200   /* what was stuck goes on within this time after a heal */
};

static bool split_here(struct sim_world *world) {
  int chance = world->conditions.split_chance;
  return chance > 0 && prng_chance(&world->net_chance, (uint64_t)chance, CHANCES);
}

/* Arrivals of one direction keep their order. */
static int64_t arrival(struct sim_world *world, struct stream *stream) {
  int64_t at_ms = world->now_ms + net_latency(world);
  if (at_ms < stream->last_arrival_ms) at_ms = stream->last_arrival_ms;
  stream->last_arrival_ms = at_ms;
  return at_ms;
}

void stream_transmit(struct sim_world *world, struct sim_conn *conn, uint32_t side) {
  struct stream *out = &conn->streams[side];
  enum end_state state = conn->ends[side].state;
  if (state != END_OPEN && !(state == END_CLOSED && out->fin_wanted)) return;
  if (conn->ends[1 - side].state == END_NONE) return;
  int pieces = 0;
  while (out->sent < out->bytes.len) {
    size_t under_way = out->sent - out->read;
    size_t room = under_way < world->conditions.window ? world->conditions.window - under_way : 0;
    size_t n = out->bytes.len - out->sent;
    if (n > room) n = room;
    if (n == 0) return;
    if (n > 1 && ++pieces < PIECES_MAX && split_here(world)) n = 1 + prng_below(&world->net_chance, n - 1);
    out->sent += n;
    world_push(world, arrival(world, out),
               (struct event){.kind = EVENT_SEGMENT, .conn = conn, .side = 1 - side, .value = n});
  }
  if (!out->fin_wanted || out->fin_sent) return;
  out->fin_sent = true;
  world_push(world, arrival(world, out), (struct event){.kind = EVENT_FIN, .conn = conn, .side = 1 - side});
}

static void get_stuck(struct sim_world *world, struct sim_conn *conn, uint32_t side) {
  struct stream *in = &conn->streams[1 - side];
  if (in->stuck > 0 || in->fin_stuck) return;
  in->stuck_stamp++;
  world_push(world, world->now_ms + world->conditions.give_up_ms,
             (struct event){.kind = EVENT_GIVE_UP, .conn = conn, .side = side, .value = in->stuck_stamp});
}

void stream_unstick(struct sim_world *world, struct sim_conn *conn, uint32_t side) {
  struct stream *in = &conn->streams[1 - side];
  if (in->stuck == 0 && !in->fin_stuck) return;
  if (conn->ends[side].host == NULL || !net_path_open(conn->ends[1 - side].host, conn->ends[side].host)) return;
  int64_t at_ms = world->now_ms + 1 + (int64_t)prng_below(&world->net_chance, RETRANSMIT_MS);
  if (in->stuck > 0)
    world_push(world, at_ms, (struct event){.kind = EVENT_SEGMENT, .conn = conn, .side = side, .value = in->stuck});
  if (in->fin_stuck) world_push(world, at_ms, (struct event){.kind = EVENT_FIN, .conn = conn, .side = side});
  in->stuck = 0;
  in->fin_stuck = false;
}

static void want_read(struct sim_conn *conn, uint32_t side) {
  struct end *end = &conn->ends[side];
  if (end->readable || end->paused) return;
  end->readable = true;
  net_sim_note(&end->host->net, &(struct note){.kind = NOTE_READABLE, .conn = conn, .side = side});
}

void stream_segment(struct sim_world *world, struct sim_conn *conn, uint32_t side, size_t len) {
  struct end *to = &conn->ends[side], *from = &conn->ends[1 - side];
  struct stream *in = &conn->streams[1 - side];
  if (!net_path_open(from->host, to->host)) {
    get_stuck(world, conn, side);
    in->stuck += len;
    return;
  }
  if (to->state != END_OPEN) {
    net_push_reset(world, conn, 1 - side, RESET_ANSWER);
    return;
  }
  int reset = world->conditions.reset_chance;
  if (reset > 0 && prng_chance(&world->net_chance, (uint64_t)reset, CHANCES)) {
    net_end_over(world, conn, side, "connection reset by peer");
    net_push_reset(world, conn, 1 - side, RESET_INJECTED);
    return;
  }
  in->arrived += len;
  assert(in->arrived <= in->sent);
  want_read(conn, side);
}

void stream_fin(struct sim_world *world, struct sim_conn *conn, uint32_t side) {
  struct end *to = &conn->ends[side], *from = &conn->ends[1 - side];
  struct stream *in = &conn->streams[1 - side];
  if (!net_path_open(from->host, to->host)) {
    /* The sender's kernel gives an orphan up sooner than we heal, or later. */
    if (prng_chance(&world->net_chance, 1, 2)) return;
    get_stuck(world, conn, side);
    in->fin_stuck = true;
    return;
  }
  in->fin_here = true;
  if (to->state == END_OPEN && in->arrived == in->sent) want_read(conn, side);
}

/* ---- showing ---- */

static void drop_used(struct stream *in) {
  if (in->head < in->bytes.len && (in->head < DROP_FRONT_MIN || in->head < in->bytes.len / 2)) return;
  size_t n = in->head;
  buf_drop_front(&in->bytes, n);
  in->base += n;
  in->head = 0;
  in->read -= n;
  in->arrived -= n;
  in->sent -= n;
}

/* Shows everything up to in->read once; false when the connection is over then. */
static bool show(struct sim_conn *conn, uint32_t side, struct node *node, struct moment now) {
  struct stream *in = &conn->streams[1 - side];
  size_t len = in->read - in->head;
  const uint8_t *shown = in->bytes.ptr + in->head;
  uint8_t *copy = NULL;
#ifdef __SANITIZE_ADDRESS__
  bool exact = true; /* a block that ends where the input ends: reading past it is seen */
#else
  bool exact = conn->ends[0].host == conn->ends[1].host; /* a node that talks to itself moves the buffer */
#endif
  if (exact) shown = copy = memcpy(sim_zalloc(len), shown, len);
  size_t used = node->ops->bytes(node, conn_id_of(conn, side), span_of(shown, len), now);
  free(copy);
  if (used == NODE_BYTES_BROKEN) {
    struct net *net = &conn->ends[side].host->net.net;
    net->ops->close(net, conn_id_of(conn, side));
    return false;
  }
  assert(used <= len);
  in->head += used;
  return conn->ends[side].state == END_OPEN;
}

void stream_show(struct sim_world *world, struct sim_conn *conn, uint32_t side, struct node *node, struct moment now) {
  struct end *end = &conn->ends[side];
  struct stream *in = &conn->streams[1 - side];
  end->readable = false;
  if (end->state != END_OPEN || end->paused) return;
  size_t unread = in->arrived - in->read;
  if (unread > 0) {
    world_mix_bytes(world, span_of(in->bytes.ptr + in->read, unread));
    if (unread > 1 && split_here(world)) {
      in->read += 1 + prng_below(&world->net_chance, unread - 1);
      if (!show(conn, side, node, now) || end->paused) goto shown;
    }
    in->read = in->arrived;
    if (!show(conn, side, node, now)) return;
  }
shown:
  drop_used(in);
  stream_transmit(world, conn, 1 - side); /* the window moved */
  if (end->state != END_OPEN || end->paused || !in->fin_here || in->arrived < in->sent) return;
  end->state = END_CLOSED;
  conn->streams[side].bytes.len = conn->streams[side].sent;
  world_trace(world, end->host, "connection %llu closed by %s", (unsigned long long)conn_id_of(conn, side),
              conn->ends[1 - side].host->name);
  struct net_event event = {.kind = NET_CLOSED, .conn = conn_id_of(conn, side), .reason = "closed by peer"};
  node->ops->connection(node, &event, now);
}
