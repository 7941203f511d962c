/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening sockets: accepts in batches, survives running out of descriptors.
 */
#include "host/uv/host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

struct net_peer net_peer_of(const struct sockaddr_storage *address) {
  struct net_peer peer = {.ip_len = 4};
  if (address->ss_family == AF_INET) {
    const struct sockaddr_in *in = (const struct sockaddr_in *)address;
    memcpy(peer.ip, &in->sin_addr, 4);
    peer.port = ntohs(in->sin_port);
  } else if (address->ss_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
    bool mapped = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
    peer.ip_len = mapped ? 4 : 16;
    memcpy(peer.ip, in6->sin6_addr.s6_addr + (mapped ? 12 : 0), peer.ip_len);
    peer.port = ntohs(in6->sin6_port);
  }
  return peer;
}

static void accept_one(struct listener *l, int fd, const struct sockaddr_storage *address) {
  struct uv_host *h = l->host;
  struct conn *c = conn_new(h, CONN_OPEN);
  if (c == NULL) {
    h->stats.refused++;
    net_complain(h, "connection refused", conn_limit_reached(h) ? "too many connections" : "out of memory");
    close(fd);
    return;
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  if (conn_adopt(c, fd) != STATUS_OK) {
    net_complain(h, "connection refused", "out of memory");
    conn_destroy(c);
    return;
  }
  h->stats.accepted++;
  c->accepted = true;
  conn_watch(c);
  struct net_event event = {.kind = NET_ACCEPTED, .conn = c->id, .listener = l->tag, .peer = net_peer_of(address)};
  if (h->node != NULL) h->node->ops->connection(h->node, &event, host_now(h));
}

static void on_acceptable(uv_poll_t *poll, int status, int events);

/* Descriptors or memory are short: the connections stay in the kernel's queue for a moment. */
static void listener_pause(struct listener *l) {
  struct uv_host *h = l->host;
  if (timers_set(&h->timers, &l->timer, host_now(h).mono_ms + ACCEPT_PAUSE_MS) == STATUS_OK) uv_poll_stop(&l->poll);
}

void listener_resume(struct listener *l) { uv_poll_start(&l->poll, UV_READABLE, on_acceptable); }

static void on_acceptable(uv_poll_t *poll, int status, int events) {
  struct listener *l = poll->data;
  struct uv_host *h = l->host;
  (void)events;
  h->dirty = true;
  for (int i = 0; i < ACCEPT_BATCH && l->fd >= 0; i++) {
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    int fd = accept4(l->fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      accept_one(l, fd, &address);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      net_complain(h, "cannot accept", uv_strerror(-errno));
      listener_pause(l);
      return;
    }
  }
  if (status < 0 && l->fd >= 0) listener_resume(l);
}

/* "" is both families where the machine has IPv6, as Java's wildcard. */
static bool address_parse(const char *text, uint16_t port, struct sockaddr_storage *out, socklen_t *len) {
  struct sockaddr_in *in = (struct sockaddr_in *)out;
  struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
  memset(out, 0, sizeof *out);
  if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    *len = sizeof *in;
    return true;
  }
  if (inet_pton(AF_INET6, text[0] == '\0' ? "::" : text, &in6->sin6_addr) != 1) return false;
  in6->sin6_family = AF_INET6;
  in6->sin6_port = htons(port);
  *len = sizeof *in6;
  return true;
}

static int listen_socket(const struct sockaddr_storage *address, socklen_t len, bool both_families) {
  int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  if (address->ss_family == AF_INET6)
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){both_families ? 0 : 1}, sizeof(int));
  if (bind(fd, (const struct sockaddr *)address, len) == 0 && listen(fd, LISTEN_BACKLOG) == 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

enum status net_listen(struct net *net, const char *address, uint16_t port, int tag, uint16_t *bound,
                       const char **why) {
  struct uv_host *h = CONTAINER_OF(net, struct uv_host, net);
  struct sockaddr_storage to;
  socklen_t len;
  const char *reason = "not a numeric address";
  enum status status = STATUS_INVALID;
  int fd = -1;
  struct listener *l = NULL;
  if (!address_parse(address, port, &to, &len)) goto out;
  fd = listen_socket(&to, len, address[0] == '\0');
  if (fd < 0 && address[0] == '\0' && errno != EADDRINUSE && address_parse("0.0.0.0", port, &to, &len))
    fd = listen_socket(&to, len, false);
  status = fd < 0 && errno == EADDRINUSE ? STATUS_BUSY : STATUS_IO;
  len = sizeof to;
  if (fd < 0 || getsockname(fd, (struct sockaddr *)&to, &len) != 0) {
    reason = uv_strerror(-errno);
    goto out;
  }
  status = STATUS_NO_MEMORY;
  reason = "out of memory";
  l = calloc(1, sizeof *l);
  if (l == NULL || uv_poll_init(&h->loop, &l->poll, fd) != 0) goto out;
  l->poll.data = l;
  l->host = h;
  l->tag = tag;
  l->fd = fd;
  l->next = h->listeners;
  h->listeners = l;
  listener_resume(l);
  if (bound != NULL) *bound = net_peer_of(&to).port;
  return STATUS_OK;
out:
  free(l);
  if (fd >= 0) close(fd);
  if (why != NULL) *why = reason;
  return status;
}

static void on_listener_closed(uv_handle_t *handle) { free(handle->data); }

static void listener_close(struct listener *l) {
  timers_cancel(&l->host->timers, &l->timer);
  uv_close((uv_handle_t *)&l->poll, on_listener_closed);
  close(l->fd);
  l->fd = -1;
}

void net_unlisten(struct net *net, int tag) {
  struct uv_host *h = CONTAINER_OF(net, struct uv_host, net);
  struct listener **at = &h->listeners;
  while (*at != NULL) {
    struct listener *l = *at;
    if (l->tag != tag) {
      at = &l->next;
      continue;
    }
    *at = l->next;
    listener_close(l);
  }
}

void listeners_close(struct uv_host *h) {
  while (h->listeners != NULL) {
    struct listener *l = h->listeners;
    h->listeners = l->next;
    listener_close(l);
  }
}
