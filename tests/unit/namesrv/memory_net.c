/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/namesrv/memory_net.h"

#include <stdlib.h>

enum { OUT_MAX = 64 << 20, CHOSEN_PORT = 40000 };

static struct memory_conn *find(struct net *net, conn_id conn) {
  struct memory_net *m = (struct memory_net *)net;
  return conn == 0 || conn > m->last || !m->conns[conn].open ? NULL : &m->conns[conn];
}

static enum status net_listen(struct net *net, const char *address, uint16_t port, int listener, uint16_t *bound,
                              const char **why) {
  struct memory_net *m = (struct memory_net *)net;
  (void)address, (void)listener;
  if (m->refuse_listen) {
    if (why != NULL) *why = "address already in use";
    return STATUS_EXISTS;
  }
  m->listening = true;
  m->port = port == 0 ? CHOSEN_PORT : port;
  if (bound != NULL) *bound = m->port;
  return STATUS_OK;
}

static void net_unlisten(struct net *net, int listener) {
  (void)listener;
  ((struct memory_net *)net)->listening = false;
}

/* A name server that connected anywhere would be wrong. */
static conn_id net_connect(struct net *net, const char *host, uint16_t port, int timeout_ms) {
  (void)net, (void)host, (void)port, (void)timeout_ms;
  return 0;
}

static void net_send(struct net *net, conn_id conn, struct span bytes) {
  struct memory_conn *c = find(net, conn);
  if (c != NULL) buf_put(&c->out, bytes);
}

static size_t net_backlog(struct net *net, conn_id conn) {
  (void)net, (void)conn;
  return 0;
}

static void net_pause(struct net *net, conn_id conn, bool paused) { (void)net, (void)conn, (void)paused; }

static void net_close(struct net *net, conn_id conn) {
  struct memory_conn *c = find(net, conn);
  if (c != NULL) c->open = false;
}

static enum status net_local(struct net *net, conn_id conn, struct net_peer *out) {
  if (find(net, conn) == NULL) return STATUS_INVALID;
  *out = (struct net_peer){.ip = {127, 0, 0, 1}, .ip_len = 4, .port = 9876};
  return STATUS_OK;
}

static const struct net_ops ops = {.listen = net_listen,
                                   .unlisten = net_unlisten,
                                   .connect = net_connect,
                                   .send = net_send,
                                   .send_borrowed = net_send,
                                   .backlog = net_backlog,
                                   .pause = net_pause,
                                   .close = net_close,
                                   .local = net_local};

void memory_net_init(struct memory_net *m) { *m = (struct memory_net){.net.ops = &ops}; }

void memory_net_fini(struct memory_net *m) {
  for (conn_id i = 1; i <= m->last; i++) buf_fini(&m->conns[i].out);
  free(m->conns);
}

conn_id memory_net_open(struct memory_net *m) {
  struct memory_conn *grown = realloc(m->conns, (m->last + 2) * sizeof *grown);
  if (grown == NULL) return 0;
  m->conns = grown;
  conn_id conn = ++m->last;
  buf_init(&m->conns[conn].out, OUT_MAX);
  m->conns[conn].open = true;
  return conn;
}
