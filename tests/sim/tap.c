/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/tap.h"

#include "core/wire/command.h"

#include <stdlib.h>

/* Frames of one direction; what is left of the last one waits in `rest`. */
struct tap_conn {
  struct tap_conn *next;
  conn_id id;
  struct buf out;
  int32_t *asked; /* opaques not answered yet */
  size_t asked_count, asked_cap;
};

enum { ARENA_MAX = 1 << 24 };

static struct tap_conn *conn_find(struct tap *t, conn_id id) {
  struct tap_conn *c = t->conns;
  while (c != NULL && c->id != id) c = c->next;
  return c;
}

static struct tap_conn *conn_of(struct tap *t, conn_id id) {
  struct tap_conn *c = conn_find(t, id);
  if (c != NULL) return c;
  c = calloc(1, sizeof *c);
  if (c == NULL) abort();
  c->id = id;
  buf_init(&c->out, SIZE_MAX / 2);
  c->next = t->conns;
  t->conns = c;
  return c;
}

static void conn_forget(struct tap *t, conn_id id) {
  for (struct tap_conn **at = &t->conns; *at != NULL; at = &(*at)->next) {
    if ((*at)->id != id) continue;
    struct tap_conn *c = *at;
    *at = c->next;
    buf_fini(&c->out);
    free(c->asked);
    free(c);
    return;
  }
}

/* ---- frames ---- */

static void asked(struct tap *t, struct tap_conn *c, const struct command *cmd) {
  (void)t; /* the other side needs it */
  if (cmd->flag & (COMMAND_RESPONSE | COMMAND_ONEWAY)) return;
  if (c->asked_count == c->asked_cap) {
    c->asked_cap = c->asked_cap == 0 ? 16 : c->asked_cap * 2;
    c->asked = realloc(c->asked, c->asked_cap * sizeof *c->asked);
    if (c->asked == NULL) abort();
  }
  c->asked[c->asked_count++] = cmd->opaque;
}

static void answered(struct tap *t, struct tap_conn *c, const struct command *cmd) {
  if (!(cmd->flag & COMMAND_RESPONSE)) return;
  t->ledger->answers++;
  for (size_t i = 0; i < c->asked_count; i++)
    if (c->asked[i] == cmd->opaque) {
      c->asked[i] = c->asked[--c->asked_count];
      return;
    }
  ledger_violation(t->ledger, "%s got an answer to %d, which it did not ask, or a second one", t->name, cmd->opaque);
}

static size_t each_frame(struct tap *t, struct tap_conn *c, struct span bytes,
                         void (*f)(struct tap *, struct tap_conn *, const struct command *)) {
  struct command_limits limits = COMMAND_LIMITS_DEFAULT;
  struct arena arena;
  struct span frame;
  size_t used = 0, n;
  const char *why = "";
  arena_init(&arena, ARENA_MAX);
  while (frame_split(span_from(bytes, used), &limits, &frame, &n, &why) == STATUS_OK) {
    struct command cmd;
    if (command_decode(&cmd, frame, &limits, &arena, &why) == STATUS_OK)
      f(t, c, &cmd);
    else
      ledger_violation(t->ledger, "%s: a frame makes no sense: %s", t->name, why);
    arena_reset(&arena);
    used += n;
  }
  arena_fini(&arena);
  return used;
}

/* ---- as a net ---- */

static struct tap *tap_of(struct net *net) { return (struct tap *)net; }

static enum status tap_listen(struct net *net, const char *address, uint16_t port, int listener, uint16_t *bound,
                              const char **why) {
  struct tap *t = tap_of(net);
  return t->real_net->ops->listen(t->real_net, address, port, listener, bound, why);
}
static void tap_unlisten(struct net *net, int listener) {
  tap_of(net)->real_net->ops->unlisten(tap_of(net)->real_net, listener);
}
static conn_id tap_connect(struct net *net, const char *host, uint16_t port, int timeout_ms) {
  return tap_of(net)->real_net->ops->connect(tap_of(net)->real_net, host, port, timeout_ms);
}
static void tap_send(struct net *net, conn_id conn, struct span bytes) {
  struct tap *t = tap_of(net);
  struct tap_conn *c = conn_of(t, conn);
  buf_put(&c->out, bytes);
  buf_drop_front(&c->out, each_frame(t, c, buf_span(&c->out), asked));
  t->real_net->ops->send(t->real_net, conn, bytes);
}
static size_t tap_backlog(struct net *net, conn_id conn) {
  return tap_of(net)->real_net->ops->backlog(tap_of(net)->real_net, conn);
}
static void tap_pause(struct net *net, conn_id conn, bool paused) {
  tap_of(net)->real_net->ops->pause(tap_of(net)->real_net, conn, paused);
}
static void tap_close(struct net *net, conn_id conn) {
  conn_forget(tap_of(net), conn);
  tap_of(net)->real_net->ops->close(tap_of(net)->real_net, conn);
}
static enum status tap_local(struct net *net, conn_id conn, struct net_peer *out) {
  return tap_of(net)->real_net->ops->local(tap_of(net)->real_net, conn, out);
}

static const struct net_ops tap_net_ops = {tap_listen,  tap_unlisten, tap_connect, tap_send, tap_send,
                                           tap_backlog, tap_pause,    tap_close,   tap_local};

/* ---- as a node ---- */

static struct tap *tap_of_node(struct node *node) { return (struct tap *)((char *)node - offsetof(struct tap, node)); }

static void tap_connection(struct node *node, const struct net_event *event, struct moment now) {
  struct tap *t = tap_of_node(node);
  if (event->kind == NET_CLOSED) conn_forget(t, event->conn);
  t->real_node->ops->connection(t->real_node, event, now);
}
static size_t tap_bytes(struct node *node, conn_id conn, struct span input, struct moment now) {
  struct tap *t = tap_of_node(node);
  size_t used = t->real_node->ops->bytes(t->real_node, conn, input, now);
  /* Looked at behind the client: an answer must not be counted before it was used. */
  struct tap_conn *c = conn_find(t, conn); /* NULL: the client closed it */
  if (used != NODE_BYTES_BROKEN && c != NULL) each_frame(t, c, span_of(input.ptr, used), answered);
  return used;
}
static int64_t tap_turn(struct node *node, struct moment now) {
  struct tap *t = tap_of_node(node);
  return t->real_node->ops->turn(t->real_node, now);
}

static const struct node_ops tap_node_ops = {.connection = tap_connection, .bytes = tap_bytes, .turn = tap_turn};

void tap_init(struct tap *t, struct net *net, struct ledger *ledger, const char *name) {
  *t = (struct tap){.net = {&tap_net_ops}, .node = {&tap_node_ops}, .real_net = net, .ledger = ledger, .name = name};
}

void tap_set_node(struct tap *t, struct node *node) { t->real_node = node; }

void tap_fini(struct tap *t) {
  while (t->conns != NULL) conn_forget(t, t->conns->id);
}
