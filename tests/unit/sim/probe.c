/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sim/probe.h"

#include "tests/harness.h"

struct probe_conn *probe_conn(struct probe *p, conn_id id) {
  for (size_t i = 0; i < p->conn_count; i++)
    if (p->conns[i].id == id) return &p->conns[i];
  CU_ASSERT_FATAL(p->conn_count < PROBE_CONNS);
  struct probe_conn *c = &p->conns[p->conn_count++];
  *c = (struct probe_conn){.id = id};
  buf_init(&c->in, SIZE_MAX / 2);
  return c;
}

conn_id probe_last(const struct probe *p) { return p->conn_count == 0 ? 0 : p->conns[p->conn_count - 1].id; }

static void on_connection(struct node *node, const struct net_event *event, struct moment now) {
  struct probe *p = (struct probe *)node;
  (void)now;
  probe_conn(p, event->conn);
  if (event->kind == NET_CLOSED)
    buf_printf(&p->events, "x(%s)", event->reason);
  else
    buf_put_text(&p->events, event->kind == NET_ACCEPTED ? "a" : "c");
}

static size_t on_bytes(struct node *node, conn_id conn, struct span input, struct moment now) {
  struct probe *p = (struct probe *)node;
  struct probe_conn *c = probe_conn(p, conn);
  (void)now;
  c->calls++;
  if (input.len > 0 && input.ptr[0] == '!') return NODE_BYTES_BROKEN;
  struct span used = span_of(input.ptr, input.len - input.len % p->frame);
  buf_put(&c->in, used);
  if (p->echo) p->net->ops->send(p->net, conn, used);
  return used.len;
}

static void on_synced(struct node *node, uint64_t token, enum status status, struct moment now) {
  struct probe *p = (struct probe *)node;
  (void)now;
  p->token = token;
  p->synced = status;
  buf_put_text(&p->events, "s");
}

static int64_t on_turn(struct node *node, struct moment now) {
  struct probe *p = (struct probe *)node;
  if (p->turns < 16) p->turn_at_ms[p->turns] = now.mono_ms;
  p->turns++;
  if (p->on_turn != NULL) p->on_turn(p, now);
  return p->wake_ms;
}

static const struct node_ops probe_ops = {on_connection, on_bytes, on_synced, on_turn};

void probe_start(struct probe *p, struct sim_host *host) {
  *p = (struct probe){.node = {&probe_ops}, .host = host, .net = sim_host_net(host), .frame = 1, .wake_ms = TIME_NEVER};
  buf_init(&p->events, SIZE_MAX / 2);
  sim_attach(host, &p->node);
}

void probe_fini(struct probe *p) {
  for (size_t i = 0; i < p->conn_count; i++) buf_fini(&p->conns[i].in);
  buf_fini(&p->events);
}

void probe_listen(struct probe *p, uint16_t port) {
  CU_ASSERT_EQUAL(p->net->ops->listen(p->net, "", port, 7, NULL, NULL), STATUS_OK);
}

conn_id probe_connect(struct probe *p, const char *name, uint16_t port) {
  conn_id conn = p->net->ops->connect(p->net, name, port, 3000);
  CU_ASSERT_NOT_EQUAL(conn, 0);
  return conn;
}

void probe_send(struct probe *p, conn_id conn, const char *text) { p->net->ops->send(p->net, conn, span_text(text)); }

void pair_start(struct pair *pair, uint64_t seed) {
  *pair = (struct pair){.world = sim_world_new(seed)};
  pair->server_host = sim_host_new(pair->world, "s");
  pair->client_host = sim_host_new(pair->world, "c");
  probe_start(&pair->server, pair->server_host);
  probe_start(&pair->client, pair->client_host);
  probe_listen(&pair->server, 1000);
  pair->conn = probe_connect(&pair->client, "s", 1000);
  sim_run_until(pair->world, sim_now(pair->world) + 500);
  ASSERT_SPAN(buf_span(&pair->server.events), "a");
  ASSERT_SPAN(buf_span(&pair->client.events), "c");
  buf_clear(&pair->server.events);
  buf_clear(&pair->client.events);
}

void pair_fini(struct pair *pair) {
  sim_stop(pair->server_host, SIM_KILL);
  sim_stop(pair->client_host, SIM_KILL);
  probe_fini(&pair->server);
  probe_fini(&pair->client);
  sim_world_free(pair->world);
}
