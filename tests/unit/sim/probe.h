/* SPDX-License-Identifier: Apache-2.0
 *
 * probe: a node that writes down what happens to it. Its events are one line
 * of text: "a" accepted, "c" connected, "x(reason)" closed, "s" synced.
 */
#ifndef TEST_PROBE_H
#define TEST_PROBE_H

#include "core/base/buf.h"
#include "host/sim/world.h"

enum { PROBE_CONNS = 64 };

struct probe_conn {
  conn_id id;
  struct buf in; /* all bytes used so far */
  size_t calls;  /* of bytes() */
};

struct probe {
  struct node node;
  struct sim_host *host;
  struct net *net;
  struct buf events;
  struct probe_conn conns[PROBE_CONNS];
  size_t conn_count;
  size_t frame;   /* uses input only in multiples of this */
  bool echo;      /* sends back what it used */
  int64_t wake_ms; /* what turn() answers, monotonic */
  int64_t turn_at_ms[16];
  size_t turns;
  uint64_t token; /* of the last synced() */
  enum status synced;
  void (*on_turn)(struct probe *p, struct moment now);
  void *context;
};

/* In place; attached to the host. */
void probe_start(struct probe *p, struct sim_host *host);
void probe_fini(struct probe *p);
struct probe_conn *probe_conn(struct probe *p, conn_id id);
/* The newest connection. */
conn_id probe_last(const struct probe *p);
void probe_listen(struct probe *p, uint16_t port);
conn_id probe_connect(struct probe *p, const char *name, uint16_t port);
void probe_send(struct probe *p, conn_id conn, const char *text);

/* A server "s" listening on 1000 and a client "c" connected to it. */
struct pair {
  struct sim_world *world;
  struct sim_host *server_host, *client_host;
  struct probe server, client;
  conn_id conn; /* the client's */
};
void pair_start(struct pair *pair, uint64_t seed);
void pair_fini(struct pair *pair);

#endif
