/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sim/inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
  CHANCES = 10000,
  SYN_RETRY_MS = 1000, /* as Linux: the first retransmission of a SYN */
  RESET_RETRY_MS = 1000,
  FIRST_EPHEMERAL_PORT = 32768
};

int64_t net_latency(struct sim_world *world) {
  const struct sim_conditions *c = &world->conditions;
  int64_t ms = c->latency_min_ms;
  if (c->latency_max_ms > c->latency_min_ms)
    ms += (int64_t)prng_below(&world->net_chance, (uint64_t)(c->latency_max_ms - c->latency_min_ms) + 1);
  if (c->spike_chance > 0 && c->spike_ms > 0 && prng_chance(&world->net_chance, (uint64_t)c->spike_chance, CHANCES))
    ms += (int64_t)prng_below(&world->net_chance, (uint64_t)c->spike_ms) + 1;
  return ms;
}

bool net_path_open(const struct sim_host *from, const struct sim_host *to) {
  return !from->world->cut[from->index][to->index] && to->power;
}

static struct net_peer address_of(const struct end *end) {
  return (struct net_peer){
      .ip = {10, 0, 0, (uint8_t)(end->host->index + 1)}, .ip_len = 4, .port = end->port};
}

/* ---- connections as objects ---- */

void conn_hold(struct sim_conn *conn) { conn->holds++; }

static bool end_is_over(const struct end *end) { return end->state == END_NONE || end->state == END_CLOSED; }

static void conn_free(struct sim_world *world, struct sim_conn *conn) {
  world->conns[conn->number] = NULL;
  world->conn_live--;
  buf_fini(&conn->streams[0].bytes);
  buf_fini(&conn->streams[1].bytes);
  free(conn);
}

void conn_drop(struct sim_world *world, struct sim_conn *conn) {
  assert(conn->holds > 0);
  conn->holds--;
  if (conn->holds == 0 && end_is_over(&conn->ends[0]) && end_is_over(&conn->ends[1])) conn_free(world, conn);
}

void net_sim_free_conns(struct sim_world *world) {
  for (size_t i = 0; i < world->conn_count; i++)
    if (world->conns[i] != NULL) conn_free(world, world->conns[i]);
  free(world->conns);
  world->conns = NULL;
  world->conn_count = 0;
}

size_t sim_connection_count(const struct sim_world *world) { return world->conn_live; }

static struct sim_conn *conn_new(struct sim_world *world) {
  struct sim_conn *conn = sim_zalloc(sizeof *conn);
  conn->number = world->conn_count;
  world->conns = sim_grow(world->conns, &world->conn_cap, world->conn_count + 1, sizeof *world->conns);
  world->conns[world->conn_count++] = conn;
  world->conn_live++;
  for (int i = 0; i < 2; i++) buf_init(&conn->streams[i].bytes, SIZE_MAX / 2);
  return conn;
}

/* The connection if it is open as far as the node knows. */
static struct sim_conn *find(const struct net_sim *net, conn_id id, uint32_t *side) {
  if (id < 2 || !net->host->up) return NULL;
  uint64_t number = (id - 2) / 2;
  *side = (uint32_t)(id & 1);
  struct sim_conn *conn = number < net->host->world->conn_count ? net->host->world->conns[number] : NULL;
  if (conn == NULL || conn->ends[*side].host != net->host) return NULL;
  enum end_state state = conn->ends[*side].state;
  return state == END_OPEN || state == END_CONNECTING ? conn : NULL;
}

static void mark_dirty(struct net_sim *net, struct sim_conn *conn, uint32_t side) {
  if (conn->ends[side].dirty) return;
  conn->ends[side].dirty = true;
  conn_hold(conn);
  net->dirty = sim_grow(net->dirty, &net->dirty_cap, net->dirty_count + 1, sizeof *net->dirty);
  net->dirty[net->dirty_count++] = (struct dirty){conn, side};
  world_want_turn(net->host); /* for sends from outside a turn */
}

void net_sim_note(struct net_sim *net, const struct note *note) {
  net->notes = sim_grow(net->notes, &net->note_cap, net->note_count + 1, sizeof *net->notes);
  net->notes[net->note_count++] = *note;
  if (note->conn != NULL) conn_hold(note->conn);
  world_want_turn(net->host);
}

void net_end_over(struct sim_world *world, struct sim_conn *conn, uint32_t side, const char *why) {
  struct end *end = &conn->ends[side];
  if (end->state != END_OPEN && end->state != END_CONNECTING) return;
  end->state = END_ENDED;
  end->why = why;
  conn->streams[side].bytes.len = conn->streams[side].sent; /* what had not left never will */
  world_trace(world, end->host, "connection %llu ends: %s", (unsigned long long)conn_id_of(conn, side), why);
  net_sim_note(&end->host->net, &(struct note){.kind = NOTE_ENDED, .conn = conn, .side = side});
}

void net_push_reset(struct sim_world *world, struct sim_conn *conn, uint32_t side, enum reset_kind kind) {
  world_push(world, world->now_ms + net_latency(world),
             (struct event){.kind = EVENT_RESET, .conn = conn, .side = side, .value = kind});
}

/* ---- net_ops ---- */

static struct listener *listener_on(struct net_sim *net, uint16_t port) {
  for (size_t i = 0; i < net->listener_count; i++)
    if (net->listeners[i].port == port) return &net->listeners[i];
  return NULL;
}

static uint16_t free_port(struct net_sim *net) {
  do {
    net->next_port = net->next_port == UINT16_MAX ? FIRST_EPHEMERAL_PORT : (uint16_t)(net->next_port + 1);
  } while (listener_on(net, net->next_port) != NULL);
  return net->next_port;
}

static enum status op_listen(struct net *self, const char *address, uint16_t port, int listener, uint16_t *bound,
                             const char **why) {
  struct net_sim *net = (struct net_sim *)self;
  const char *reason = NULL;
  enum status status = STATUS_OK;
  bool loopback = strncmp(address, "127.", 4) == 0;
  if (!net->host->up) {
    reason = "the host is down";
    status = STATUS_SHUTDOWN;
  } else if (*address != '\0' && strcmp(address, "0.0.0.0") != 0 && !loopback && strcmp(address, net->host->ip) != 0) {
    reason = "cannot assign requested address";
    status = STATUS_INVALID;
  } else if (port != 0 && listener_on(net, port) != NULL) {
    reason = "address already in use";
    status = STATUS_BUSY;
  }
  if (why != NULL) *why = reason;
  if (status != STATUS_OK) return status;
  if (port == 0) port = free_port(net);
  net->listeners = sim_grow(net->listeners, &net->listener_cap, net->listener_count + 1, sizeof *net->listeners);
  net->listeners[net->listener_count++] = (struct listener){listener, port, loopback};
  if (bound != NULL) *bound = port;
  return STATUS_OK;
}

static void op_unlisten(struct net *self, int listener) {
  struct net_sim *net = (struct net_sim *)self;
  size_t kept = 0;
  for (size_t i = 0; i < net->listener_count; i++)
    if (net->listeners[i].tag != listener) net->listeners[kept++] = net->listeners[i];
  net->listener_count = kept;
}

static struct sim_host *resolve(struct sim_host *from, const char *name, bool *loopback) {
  *loopback = strcmp(name, "localhost") == 0 || strncmp(name, "127.", 4) == 0;
  if (*loopback) return from;
  for (unsigned i = 0; i < from->world->host_count; i++) {
    struct sim_host *host = from->world->hosts[i];
    if (strcmp(host->ip, name) == 0 || strcmp(host->name, name) == 0) return host;
  }
  return NULL;
}

static conn_id op_connect(struct net *self, const char *name, uint16_t port, int timeout_ms) {
  struct net_sim *net = (struct net_sim *)self;
  struct sim_host *host = net->host;
  struct sim_world *world = host->world;
  if (!host->up) return 0;
  struct sim_conn *conn = conn_new(world);
  bool loopback;
  struct sim_host *target = resolve(host, name, &loopback);
  conn->ends[0] = (struct end){.host = host, .state = END_CONNECTING, .port = free_port(net)};
  conn->ends[1] = (struct end){.host = target, .state = END_NONE, .port = port};
  conn->timeout_at_ms = world->now_ms + (timeout_ms > 0 ? timeout_ms : 1);
  struct event e = {.kind = EVENT_SYN, .conn = conn, .side = 1, .value = loopback};
  if (target == NULL) e = (struct event){.kind = EVENT_CONNECT_FAILED, .conn = conn, .why = "unknown host"};
  world_push(world, world->now_ms + net_latency(world), e);
  return conn_id_of(conn, 0);
}

static void op_send(struct net *self, conn_id id, struct span bytes) {
  struct net_sim *net = (struct net_sim *)self;
  uint32_t side;
  struct sim_conn *conn = find(net, id, &side);
  if (conn == NULL || bytes.len == 0) return;
  buf_put(&conn->streams[side].bytes, bytes);
  assert(!conn->streams[side].bytes.failed);
  mark_dirty(net, conn, side);
}

static void op_send_borrowed(struct net *self, conn_id id, struct span bytes) {
  struct net_sim *net = (struct net_sim *)self;
  uint32_t side;
  struct sim_conn *conn = find(net, id, &side);
  if (conn == NULL || bytes.len == 0) return;
  struct stream *out = &conn->streams[side];
  uint64_t position = out->base + out->bytes.len;
  /* Only the place is kept now: whoever frees or changes borrowed bytes too early must be caught. */
  uint8_t *room = buf_reserve(&out->bytes, bytes.len);
  assert(room != NULL);
  out->bytes.len += bytes.len;
  net->borrows = sim_grow(net->borrows, &net->borrow_cap, net->borrow_count + 1, sizeof *net->borrows);
  net->borrows[net->borrow_count++] = (struct borrow){conn, side, position, bytes};
  mark_dirty(net, conn, side);
}

static size_t op_backlog(struct net *self, conn_id id) {
  uint32_t side;
  struct sim_conn *conn = find((struct net_sim *)self, id, &side);
  return conn == NULL ? 0 : conn->streams[side].bytes.len - conn->streams[side].sent;
}

static void op_pause(struct net *self, conn_id id, bool paused) {
  struct net_sim *net = (struct net_sim *)self;
  uint32_t side;
  struct sim_conn *conn = find(net, id, &side);
  if (conn == NULL || conn->ends[side].paused == paused) return;
  conn->ends[side].paused = paused;
  const struct stream *in = &conn->streams[1 - side];
  if (paused || conn->ends[side].readable || (in->arrived == in->read && !in->fin_here)) return;
  conn->ends[side].readable = true;
  net_sim_note(net, &(struct note){.kind = NOTE_READABLE, .conn = conn, .side = side});
}

static void op_close(struct net *self, conn_id id) {
  struct net_sim *net = (struct net_sim *)self;
  uint32_t side;
  struct sim_conn *conn = find(net, id, &side);
  if (conn == NULL) return;
  if (conn->ends[side].state == END_OPEN) {
    conn->streams[side].fin_wanted = true;
    mark_dirty(net, conn, side);
  }
  conn->ends[side].state = END_CLOSED;
  conn_hold(conn);
  conn_drop(net->host->world, conn);
}

static enum status op_local(struct net *self, conn_id id, struct net_peer *out) {
  uint32_t side;
  struct sim_conn *conn = find((struct net_sim *)self, id, &side);
  if (conn == NULL) return STATUS_INVALID;
  *out = address_of(&conn->ends[side]);
  return STATUS_OK;
}

static const struct net_ops net_sim_ops = {
    op_listen, op_unlisten, op_connect, op_send, op_send_borrowed, op_backlog, op_pause, op_close, op_local,
};

void net_sim_init(struct net_sim *net, struct sim_host *host) {
  *net = (struct net_sim){.net = {&net_sim_ops}, .host = host, .next_port = FIRST_EPHEMERAL_PORT};
}

void net_sim_fini(struct net_sim *net) {
  free(net->listeners);
  free(net->notes);
  free(net->borrows);
  free(net->dirty);
}

/* ---- handshakes ---- */

static void push_answer(struct sim_world *world, struct sim_conn *conn) {
  int64_t at_ms = world->now_ms + net_latency(world);
  conn->streams[1].last_arrival_ms = at_ms; /* bytes of the acceptor come behind its SYN */
  world_push(world, at_ms, (struct event){.kind = EVENT_SYN_ANSWER, .conn = conn, .side = 0});
}

static void push_failure(struct sim_world *world, struct sim_conn *conn, int64_t at_ms, const char *why) {
  world_push(world, at_ms, (struct event){.kind = EVENT_CONNECT_FAILED, .conn = conn, .side = 0, .why = why});
}

static void run_syn(struct sim_world *world, const struct event *e) {
  struct sim_conn *conn = e->conn;
  struct end *from = &conn->ends[0], *to = &conn->ends[1];
  if (from->state != END_CONNECTING) return;
  if (!net_path_open(from->host, to->host)) {
    if (world->now_ms + SYN_RETRY_MS < conn->timeout_at_ms)
      world_push(world, world->now_ms + SYN_RETRY_MS, *e);
    else
      push_failure(world, conn, conn->timeout_at_ms, "connect timed out");
    return;
  }
  const struct listener *listener = to->host->up ? listener_on(&to->host->net, to->port) : NULL;
  if (listener == NULL || (listener->loopback_only && e->value == 0)) {
    push_failure(world, conn, world->now_ms + net_latency(world), "connection refused");
    return;
  }
  to->state = END_OPEN;
  net_sim_note(&to->host->net,
               &(struct note){.kind = NOTE_ACCEPTED, .conn = conn, .side = 1, .listener = listener->tag});
  push_answer(world, conn);
  if (conn->streams[1].last_arrival_ms > conn->timeout_at_ms)
    push_failure(world, conn, conn->timeout_at_ms, "connect timed out");
}

static void run_syn_answer(struct sim_world *world, struct sim_conn *conn) {
  struct end *from = &conn->ends[0];
  if (!net_path_open(conn->ends[1].host, from->host)) {
    push_failure(world, conn, conn->timeout_at_ms, "connect timed out");
    return;
  }
  if (from->state != END_CONNECTING) {
    net_push_reset(world, conn, 1, RESET_ANSWER); /* nobody here wants it any more */
    return;
  }
  from->state = END_OPEN;
  net_sim_note(&from->host->net, &(struct note){.kind = NOTE_CONNECTED, .conn = conn, .side = 0});
  stream_transmit(world, conn, 0);
}

static void run_give_up(struct sim_world *world, const struct event *e) {
  const struct stream *stream = &e->conn->streams[1 - e->side];
  if (stream->stuck_stamp == e->value && (stream->stuck > 0 || stream->fin_stuck))
    net_end_over(world, e->conn, 1 - e->side, "timed out: the peer does not answer");
}

static void run_reset(struct sim_world *world, const struct event *e) {
  if (e->value == RESET_INJECTED || net_path_open(e->conn->ends[1 - e->side].host, e->conn->ends[e->side].host))
    net_end_over(world, e->conn, e->side, "connection reset by peer");
  else if (e->value == RESET_ANSWER && e->conn->ends[e->side].state == END_OPEN)
    world_push(world, world->now_ms + RESET_RETRY_MS, *e);
}

void net_sim_event(struct sim_world *world, const struct event *e) {
  switch (e->kind) {
  case EVENT_SYN: run_syn(world, e); break;
  case EVENT_SYN_ANSWER: run_syn_answer(world, e->conn); break;
  case EVENT_CONNECT_FAILED:
    if (e->conn->ends[0].state == END_CONNECTING) net_end_over(world, e->conn, 0, e->why);
    break;
  case EVENT_SEGMENT: stream_segment(world, e->conn, e->side, e->value); break;
  case EVENT_FIN: stream_fin(world, e->conn, e->side); break;
  case EVENT_RESET: run_reset(world, e); break;
  case EVENT_GIVE_UP: run_give_up(world, e); break;
  default: assert(!"an event of somebody else");
  }
}

/* ---- between kernel and program ---- */

static void tell(struct net_sim *net, const struct note *note, struct node *node, struct moment now) {
  struct sim_world *world = net->host->world;
  struct sim_conn *conn = note->conn;
  if (note->kind == NOTE_SYNCED) {
    world_mix(world, note->token ^ (uint64_t)note->status << 56);
    if (node->ops->synced != NULL) node->ops->synced(node, note->token, note->status, now);
    return;
  }
  struct end *end = &conn->ends[note->side];
  struct net_event event = {.conn = conn_id_of(conn, note->side), .listener = note->listener};
  if (note->kind == NOTE_READABLE) {
    stream_show(world, conn, note->side, node, now);
  } else if (note->kind == NOTE_ENDED) {
    if (end->state != END_ENDED) return;
    end->state = END_CLOSED;
    event.kind = NET_CLOSED;
    event.reason = end->why;
    node->ops->connection(node, &event, now);
  } else if (end->state == END_OPEN) {
    event.kind = note->kind == NOTE_ACCEPTED ? NET_ACCEPTED : NET_CONNECTED;
    event.peer = address_of(&conn->ends[1 - note->side]);
    world_trace(world, end->host, "connection %llu %s %s:%u", (unsigned long long)event.conn,
                note->kind == NOTE_ACCEPTED ? "accepted from" : "open to", conn->ends[1 - note->side].host->name,
                event.peer.port);
    node->ops->connection(node, &event, now);
  }
}

void net_sim_drain(struct net_sim *net, struct node *node, struct moment now) {
  /* Notes added meanwhile (a resumed connection) belong to the next turn. */
  size_t count = net->note_count;
  for (size_t i = 0; i < count; i++) {
    struct note note = net->notes[i];
    tell(net, &note, node, now);
    if (note.conn != NULL) conn_drop(net->host->world, note.conn);
  }
  if (net->note_count > count)
    memmove(net->notes, net->notes + count, (net->note_count - count) * sizeof *net->notes);
  net->note_count -= count;
}

void net_sim_flush(struct net_sim *net) {
  struct sim_world *world = net->host->world;
  for (size_t i = 0; i < net->borrow_count; i++) {
    const struct borrow *b = &net->borrows[i];
    struct stream *out = &b->conn->streams[b->side];
    size_t at = b->position - out->base;
    if (at + b->bytes.len <= out->bytes.len) memcpy(out->bytes.ptr + at, b->bytes.ptr, b->bytes.len);
  }
  net->borrow_count = 0;
  for (size_t i = 0; i < net->dirty_count; i++) {
    struct dirty d = net->dirty[i];
    d.conn->ends[d.side].dirty = false;
    stream_transmit(world, d.conn, d.side);
    conn_drop(world, d.conn);
  }
  net->dirty_count = 0;
}
