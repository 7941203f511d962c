/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sim/test_sim.h"

#include "tests/harness.h"
#include "tests/unit/sim/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void fill(struct prng *p, uint8_t *out, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = (uint8_t)(prng_next(p) % '!'); /* never the byte the probe calls nonsense */
}

/* Sends random pieces and compares what came back. */
static void echo_once(uint64_t seed, size_t frame, size_t *calls) {
  struct pair pair;
  struct prng p;
  struct buf sent;
  uint8_t piece[3000];
  pair_start(&pair, seed);
  prng_init(&p, seed);
  buf_init(&sent, SIZE_MAX / 2);
  pair.server.echo = true;
  pair.server.frame = frame;
  sim_conditions(pair.world)->split_chance = 4000;
  for (int i = 0; i < 50; i++) {
    size_t n = 1 + prng_below(&p, sizeof piece);
    fill(&p, piece, n);
    buf_put(&sent, span_of(piece, n));
    pair.client.net->ops->send(pair.client.net, pair.conn, span_of(piece, n));
    sim_run_until(pair.world, sim_now(pair.world) + (int64_t)prng_below(&p, 4));
  }
  sim_run_until(pair.world, sim_now(pair.world) + 10000);
  struct span want = span_of(sent.ptr, sent.len - sent.len % frame);
  CU_ASSERT(span_equal(buf_span(&probe_conn(&pair.client, pair.conn)->in), want));
  *calls += pair.server.conns[0].calls;
  buf_fini(&sent);
  pair_fini(&pair);
}

void echo_meets_every_boundary(void) {
  size_t calls = 0;
  for (uint64_t seed = 0; seed < 20; seed++) echo_once(seed, 1 + seed % 3 * 700, &calls);
  CU_ASSERT(calls > 20 * 50); /* more reads than writes: they were split */
}

void listen_has_one_owner_per_port(void) {
  struct sim_world *world = sim_world_new(1);
  struct sim_host *host = sim_host_new(world, "h");
  struct net *net = sim_host_net(host);
  uint16_t a = 0, b = 0;
  const char *why = NULL;
  CU_ASSERT_EQUAL(net->ops->listen(net, "0.0.0.0", 0, 1, &a, &why), STATUS_OK);
  CU_ASSERT_EQUAL(net->ops->listen(net, "10.0.0.1", 0, 2, &b, NULL), STATUS_OK);
  CU_ASSERT(a != 0 && b != 0 && a != b);
  CU_ASSERT_PTR_NULL(why);
  CU_ASSERT_EQUAL(net->ops->listen(net, "", a, 3, NULL, &why), STATUS_BUSY);
  CU_ASSERT_STRING_EQUAL(why, "address already in use");
  CU_ASSERT_EQUAL(net->ops->listen(net, "10.0.0.9", 99, 3, NULL, &why), STATUS_INVALID);
  net->ops->unlisten(net, 1);
  CU_ASSERT_EQUAL(net->ops->listen(net, "", a, 3, NULL, NULL), STATUS_OK);
  sim_world_free(world);
}

void connect_needs_a_listener(void) {
  struct pair pair;
  pair_start(&pair, 2);
  struct net *net = pair.server.net;
  CU_ASSERT_EQUAL(net->ops->listen(net, "127.0.0.1", 2000, 8, NULL, NULL), STATUS_OK);
  probe_connect(&pair.client, "s", 1001);
  sim_run_until(pair.world, 2000);
  probe_connect(&pair.client, "nowhere", 1000);
  sim_run_until(pair.world, 4000);
  probe_connect(&pair.client, "s", 2000); /* listens for itself only */
  sim_run_until(pair.world, 6000);
  ASSERT_SPAN(buf_span(&pair.client.events), "x(connection refused)x(unknown host)x(connection refused)");
  ASSERT_SPAN(buf_span(&pair.server.events), "");
  pair_fini(&pair);
}

static struct net_event last_event;
static void (*original)(struct node *, const struct net_event *, struct moment);
static void keep_event(struct node *node, const struct net_event *event, struct moment now) {
  last_event = *event;
  original(node, event, now);
}

void connect_by_address_and_name(void) {
  struct pair pair;
  pair_start(&pair, 3);
  struct node_ops ops = *pair.server.node.ops;
  original = ops.connection;
  ops.connection = keep_event;
  pair.server.node.ops = &ops;
  conn_id conn = probe_connect(&pair.client, "10.0.0.1", 1000);
  sim_run_until(pair.world, 2000);
  struct net_peer local;
  struct net *net = pair.client.net;
  CU_ASSERT_EQUAL(net->ops->local(net, conn, &local), STATUS_OK);
  char text[NET_PEER_TEXT_MAX], peer[NET_PEER_TEXT_MAX], want[NET_PEER_TEXT_MAX];
  net_peer_text(&local, text);
  net_peer_text(&last_event.peer, peer);
  snprintf(want, sizeof want, "10.0.0.2:%u", local.port);
  CU_ASSERT_STRING_EQUAL(text, want);
  CU_ASSERT_STRING_EQUAL(peer, want); /* the server sees the client as it sees itself */
  CU_ASSERT_EQUAL(last_event.kind, NET_ACCEPTED);
  CU_ASSERT_EQUAL(last_event.listener, 7);
  CU_ASSERT_EQUAL(net->ops->local(net, 12345, &local), STATUS_INVALID);
  CU_ASSERT_EQUAL(net->ops->local(net, 0, &local), STATUS_INVALID);
  pair_fini(&pair);
}

void sends_before_the_connection_is_open_arrive(void) {
  struct pair pair;
  pair_start(&pair, 4);
  conn_id conn = probe_connect(&pair.client, "s", 1000);
  probe_send(&pair.client, conn, "early");
  CU_ASSERT_EQUAL(pair.client.net->ops->backlog(pair.client.net, conn), 5);
  sim_run_until(pair.world, 2000);
  ASSERT_SPAN(buf_span(&pair.server.conns[1].in), "early");
  CU_ASSERT_EQUAL(pair.client.net->ops->backlog(pair.client.net, conn), 0);
  pair_fini(&pair);
}

void close_sends_what_is_in_the_outbox(void) {
  struct pair pair;
  pair_start(&pair, 5);
  sim_conditions(pair.world)->window = 3; /* the close waits for several windows */
  probe_send(&pair.client, pair.conn, "last words");
  pair.client.net->ops->close(pair.client.net, pair.conn);
  probe_send(&pair.client, pair.conn, "ignored");
  sim_run_until(pair.world, 2000);
  ASSERT_SPAN(buf_span(&pair.server.conns[0].in), "last words");
  ASSERT_SPAN(buf_span(&pair.server.events), "x(closed by peer)");
  ASSERT_SPAN(buf_span(&pair.client.events), "");
  CU_ASSERT_EQUAL(sim_connection_count(pair.world), 0);
  pair_fini(&pair);
}

void close_is_not_told_to_its_caller(void) {
  struct pair pair;
  pair_start(&pair, 6);
  conn_id conn = probe_connect(&pair.client, "s", 1000);
  pair.client.net->ops->close(pair.client.net, conn); /* still connecting */
  conn = probe_connect(&pair.client, "nowhere", 1);
  pair.client.net->ops->close(pair.client.net, conn);
  pair.client.net->ops->close(pair.client.net, conn);
  probe_send(&pair.server, pair.server.conns[0].id, "unread");
  pair.client.net->ops->close(pair.client.net, pair.conn);
  sim_run_until(pair.world, 4000);
  ASSERT_SPAN(buf_span(&pair.client.events), "");
  CU_ASSERT_EQUAL(sim_connection_count(pair.world), 0);
  pair_fini(&pair);
}

void nonsense_closes_the_connection(void) {
  struct pair pair;
  pair_start(&pair, 7);
  probe_send(&pair.client, pair.conn, "!");
  sim_run_until(pair.world, 2000);
  ASSERT_SPAN(buf_span(&pair.server.events), "");
  ASSERT_SPAN(buf_span(&pair.client.events), "x(closed by peer)");
  pair_fini(&pair);
}

void paused_reader_makes_a_backlog(void) {
  struct pair pair;
  pair_start(&pair, 8);
  struct net *client = pair.client.net, *server = pair.server.net;
  sim_conditions(pair.world)->window = 1000;
  server->ops->pause(server, pair.server.conns[0].id, true);
  static uint8_t data[10000];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i % 31);
  client->ops->send(client, pair.conn, span_of(data, sizeof data));
  sim_run_until(pair.world, 2000);
  CU_ASSERT_EQUAL(client->ops->backlog(client, pair.conn), sizeof data - 1000);
  CU_ASSERT_EQUAL(pair.server.conns[0].in.len, 0);
  server->ops->pause(server, pair.server.conns[0].id, false);
  sim_run_until(pair.world, 4000);
  CU_ASSERT_EQUAL(client->ops->backlog(client, pair.conn), 0);
  CU_ASSERT(span_equal(buf_span(&pair.server.conns[0].in), span_of(data, sizeof data)));
  pair_fini(&pair);
}

void close_waits_behind_a_pause(void) {
  struct pair pair;
  pair_start(&pair, 9);
  struct net *server = pair.server.net;
  server->ops->pause(server, pair.server.conns[0].id, true);
  probe_send(&pair.client, pair.conn, "read me first");
  pair.client.net->ops->close(pair.client.net, pair.conn);
  sim_run_until(pair.world, 2000);
  ASSERT_SPAN(buf_span(&pair.server.events), "");
  server->ops->pause(server, pair.server.conns[0].id, false);
  sim_run_until(pair.world, 4000);
  ASSERT_SPAN(buf_span(&pair.server.conns[0].in), "read me first");
  ASSERT_SPAN(buf_span(&pair.server.events), "x(closed by peer)");
  pair_fini(&pair);
}

struct borrowing {
  conn_id conn;
  char bytes[8];
};

static void send_borrowed_once(struct probe *p, struct moment now) {
  struct borrowing *b = p->context;
  (void)now;
  if (b->conn == 0) return;
  p->net->ops->send(p->net, b->conn, SPAN_LITERAL("<"));
  p->net->ops->send_borrowed(p->net, b->conn, span_of(b->bytes, 4));
  p->net->ops->send(p->net, b->conn, SPAN_LITERAL(">"));
  memcpy(b->bytes, "late", 4); /* before the flush: this is what leaves */
  b->conn = 0;
}

void borrowed_bytes_leave_at_the_flush(void) {
  struct pair pair;
  pair_start(&pair, 10);
  struct borrowing b = {pair.conn, "early"};
  pair.client.on_turn = send_borrowed_once;
  pair.client.context = &b;
  sim_poke(pair.client_host);
  while (b.conn != 0 && sim_step(pair.world)) continue;
  memset(b.bytes, '?', sizeof b.bytes); /* after the flush: too late to matter */
  sim_run_until(pair.world, 2000);
  ASSERT_SPAN(buf_span(&pair.server.conns[0].in), "<late>");
  pair_fini(&pair);
}

void a_host_can_talk_to_itself(void) {
  struct sim_world *world = sim_world_new(11);
  struct sim_host *host = sim_host_new(world, "h");
  struct probe p;
  probe_start(&p, host);
  p.echo = true; /* both ends of both connections: for ever */
  probe_listen(&p, 5);
  conn_id a = probe_connect(&p, "127.0.0.1", 5), b = probe_connect(&p, "10.0.0.1", 5);
  probe_send(&p, a, "ping");
  probe_send(&p, b, "pong");
  sim_run_until(world, 1000);
  CU_ASSERT_EQUAL(p.conn_count, 4);
  for (size_t i = 0; i < 4; i++) CU_ASSERT(p.conns[i].in.len > 100);
  ASSERT_SPAN(span_of(probe_conn(&p, a)->in.ptr, 8), "pingping");
  sim_stop(host, SIM_KILL);
  probe_fini(&p);
  sim_world_free(world);
}

static uint64_t history(uint64_t seed, bool traced) {
  struct pair pair;
  struct prng p;
  pair_start(&pair, seed);
  if (traced) sim_trace_on(pair.world, LOG_DEBUG);
  prng_init(&p, 99); /* the same doings in every world */
  pair.server.echo = true;
  for (int i = 0; i < 100; i++) {
    uint8_t piece[100];
    size_t n = 1 + prng_below(&p, sizeof piece);
    fill(&p, piece, n);
    pair.client.net->ops->send(pair.client.net, pair.conn, span_of(piece, n));
    sim_run_until(pair.world, sim_now(pair.world) + 2);
  }
  sim_run_until(pair.world, 5000);
  uint64_t hash = sim_hash(pair.world);
  pair_fini(&pair);
  return hash;
}

void same_seed_same_history(void) {
  CU_ASSERT_EQUAL(history(1, false), history(1, false));
  CU_ASSERT_EQUAL(history(1, false), history(1, true)); /* looking changes nothing */
  CU_ASSERT_NOT_EQUAL(history(1, false), history(2, false));
  CU_ASSERT_NOT_EQUAL(history(2, false), history(3, false));
}

/* Prints the speed for a person; fails only when the events do not happen. */
void the_world_is_fast(void) {
  struct sim_world *world = sim_world_new(12);
  enum { HOSTS = 5, EACH = 4, EVENTS = 100000 };
  struct probe probes[HOSTS];
  for (int i = 0; i < HOSTS; i++) {
    char name[16];
    snprintf(name, sizeof name, "h%d", i);
    probe_start(&probes[i], sim_host_new(world, name));
    probes[i].echo = true;
    probe_listen(&probes[i], 1);
  }
  for (int i = 0; i < HOSTS * EACH; i++) {
    char name[16];
    snprintf(name, sizeof name, "h%d", (i + 1 + i / HOSTS) % HOSTS);
    probe_send(&probes[i % HOSTS], probe_connect(&probes[i % HOSTS], name, 1), "0123456789");
  }
  clock_t start = clock();
  while (sim_event_count(world) < EVENTS && sim_step(world)) continue;
  double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
  CU_ASSERT_EQUAL(sim_event_count(world), EVENTS);
  printf("    %.0f events/s\n", EVENTS / (seconds > 0 ? seconds : 1e-9));
  for (int i = 0; i < HOSTS; i++) {
    sim_stop(probes[i].host, SIM_KILL);
    probe_fini(&probes[i]);
  }
  sim_world_free(world);
}
