/* SPDX-License-Identifier: Apache-2.0
 *
 * core/port/net.h on sockets.
 */
#include "host/uv/host.h"

#include <stdlib.h>

#define COMPLAIN_EVERY_MS 1000

static struct uv_host *host_of(struct net *net) { return CONTAINER_OF(net, struct uv_host, net); }

void net_complain(struct uv_host *h, const char *what, const char *why) {
  int64_t now = host_now(h).mono_ms;
  h->complaints++;
  if (h->complained_ms != INT64_MIN && now < h->complained_ms + COMPLAIN_EVERY_MS) return;
  h->complained_ms = now;
  log_warn(h->log, "%s: %s (%llu times so far, %zu connections)", what, why, (unsigned long long)h->complaints,
           h->stats.connections);
}

/* ---- failures and resumed input: told before the next turn ---- */

static void conn_enqueue_pending(struct conn *c) {
  c->host->dirty = true;
  if (c->pending) return;
  c->pending = true;
  c->next_pending = NULL;
  *c->host->pending_last = c;
  c->host->pending_last = &c->next_pending;
}

void conn_fail(struct conn *c, const char *reason) {
  if (c->state != CONN_OPEN && c->state != CONN_CONNECTING) return;
  c->state = CONN_FAILED;
  c->reason = reason;
  timers_cancel(&c->host->timers, &c->timer);
  dial_abandon(c);
  conn_detach(c);
  conn_enqueue_pending(c);
}

static void tell_closed(struct conn *c) {
  struct uv_host *h = c->host;
  struct net_event event = {.kind = NET_CLOSED, .conn = c->id, .reason = c->reason};
  conn_destroy(c);
  if (h->node != NULL) h->node->ops->connection(h->node, &event, host_now(h));
}

void net_pending_run(struct uv_host *h) {
  struct conn *c = h->pending_first;
  h->pending_first = NULL;
  h->pending_last = &h->pending_first;
  while (c != NULL) {
    struct conn *next = c->next_pending;
    c->pending = false;
    if (c->dead) {
      if (!c->in_flush) free(c);
    } else if (c->state == CONN_FAILED) {
      tell_closed(c);
    } else if (c->redeliver) {
      c->redeliver = false;
      conn_show_input(c);
    }
    c = next;
  }
}

void net_timers_run(struct uv_host *h) {
  int64_t now = host_now(h).mono_ms;
  struct timer *t;
  while ((t = timers_pop(&h->timers, now)) != NULL) {
    struct listener *l = h->listeners;
    while (l != NULL && &l->timer != t) l = l->next;
    if (l != NULL) {
      listener_resume(l);
      continue;
    }
    struct conn *c = CONTAINER_OF(t, struct conn, timer);
    if (c->state == CONN_CONNECTING) dial_deadline(c);
    else conn_destroy(c);
  }
}

/* ---- net_ops ---- */

/* The connection if the node may still send to it. */
static struct conn *conn_to_send(struct uv_host *h, conn_id id) {
  struct conn *c = conn_find(h, id);
  if (c == NULL || (c->state != CONN_OPEN && c->state != CONN_CONNECTING)) return NULL;
  h->dirty = h->dirty || !c->in_flush; /* a send outside a turn brings one about */
  conn_enqueue_flush(c);
  return c;
}

static void net_send(struct net *net, conn_id id, struct span bytes) {
  struct uv_host *h = host_of(net);
  struct conn *c = conn_to_send(h, id);
  if (c != NULL) outbox_copy(&c->out, &h->pool, bytes, h->config.outbox_max);
}

static void net_send_borrowed(struct net *net, conn_id id, struct span bytes) {
  struct uv_host *h = host_of(net);
  struct conn *c = conn_to_send(h, id);
  if (c == NULL) return;
  /* Where nothing leaves this turn, borrowing would only delay the copy. */
  if (c->blocked || c->state == CONN_CONNECTING) outbox_copy(&c->out, &h->pool, bytes, h->config.outbox_max);
  else outbox_borrow(&c->out, &h->pool, bytes, h->config.outbox_max);
}

static size_t net_backlog(struct net *net, conn_id id) {
  struct conn *c = conn_find(host_of(net), id);
  return c == NULL ? 0 : c->out.bytes;
}

static void net_pause(struct net *net, conn_id id, bool paused) {
  struct conn *c = conn_find(host_of(net), id);
  if (c == NULL || c->paused == paused || (c->state != CONN_OPEN && c->state != CONN_CONNECTING)) return;
  c->paused = paused;
  conn_watch(c);
  if (!paused && c->in_len > 0) {
    c->redeliver = true;
    conn_enqueue_pending(c);
  }
}

static void net_close(struct net *net, conn_id id) {
  struct uv_host *h = host_of(net);
  struct conn *c = conn_find(h, id);
  if (c == NULL || c->state == CONN_CLOSING || c->state == CONN_DRAINING) return;
  if (c->state != CONN_OPEN) {
    conn_destroy(c);
    return;
  }
  c->state = CONN_CLOSING;
  h->dirty = true;
  conn_enqueue_flush(c);
  conn_watch(c);
}

static enum status net_local(struct net *net, conn_id id, struct net_peer *out) {
  struct conn *c = conn_find(host_of(net), id);
  struct sockaddr_storage address;
  socklen_t len = sizeof address;
  if (c == NULL || c->fd < 0 || getsockname(c->fd, (struct sockaddr *)&address, &len) != 0) return STATUS_INVALID;
  *out = net_peer_of(&address);
  return STATUS_OK;
}

const struct net_ops net_uv_ops = {
    .listen = net_listen,
    .unlisten = net_unlisten,
    .connect = net_connect,
    .send = net_send,
    .send_borrowed = net_send_borrowed,
    .backlog = net_backlog,
    .pause = net_pause,
    .close = net_close,
    .local = net_local,
};

void net_fini(struct uv_host *h) {
  net_flush(h); /* a last offer to the kernel */
  for (size_t i = 0; i < h->slot_count; i++)
    if (h->slots[i].conn != NULL) conn_destroy(h->slots[i].conn);
  net_pending_run(h);
  net_flush(h);
  listeners_close(h);
}
