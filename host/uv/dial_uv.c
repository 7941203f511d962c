/* SPDX-License-Identifier: Apache-2.0
 *
 * Outgoing connections: a name becomes addresses, they are tried in turn until
 * one answers or the deadline passes.
 */
#include "host/uv/host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HOST_NAME_MAX_BYTES 255

/* Belongs to its connection, except while a look-up runs: then its callback frees it. */
struct dial {
  uv_getaddrinfo_t lookup;
  struct conn *conn; /* NULL: abandoned */
  bool looking;
  int64_t due_ms; /* of the whole attempt */
  struct addrinfo *found;
  struct addrinfo *next;
  struct addrinfo numeric; /* the only entry when the host is a number */
  struct sockaddr_storage address;
};

static void dial_free(struct dial *d) {
  uv_freeaddrinfo(d->found);
  free(d);
}

void dial_abandon(struct conn *c) {
  struct dial *d = c->dial;
  if (d == NULL) return;
  c->dial = NULL;
  d->conn = NULL;
  if (d->looking) uv_cancel((uv_req_t *)&d->lookup);
  else dial_free(d);
}

/* Every address still to come gets its share of the time that is left. */
static enum status dial_deadline_set(struct conn *c) {
  struct uv_host *h = c->host;
  int64_t now = host_now(h).mono_ms, share = 1;
  for (struct addrinfo *a = c->dial->next; a != NULL; a = a->ai_next) share++;
  return timers_set(&h->timers, &c->timer, now + (c->dial->due_ms - now) / share);
}

static int dial_socket(const struct addrinfo *a) {
  int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  int r;
  do r = connect(fd, a->ai_addr, a->ai_addrlen);
  while (r != 0 && errno == EINTR);
  if (r == 0 || errno == EINPROGRESS) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

/* Starts with the next address; when there is none, the connection failed for `reason`. */
static void dial_next(struct conn *c, const char *reason) {
  struct dial *d = c->dial;
  conn_detach(c);
  while (d->next != NULL) {
    const struct addrinfo *a = d->next;
    d->next = a->ai_next;
    int fd = dial_socket(a);
    if (fd < 0) {
      reason = uv_strerror(-errno);
    } else if (conn_adopt(c, fd) != STATUS_OK || dial_deadline_set(c) != STATUS_OK) {
      reason = "out of memory";
      break;
    } else {
      conn_watch(c);
      return;
    }
  }
  conn_fail(c, reason);
}

static void on_found(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found) {
  struct dial *d = lookup->data;
  struct conn *c = d->conn;
  d->looking = false;
  d->found = found;
  if (c == NULL) {
    dial_free(d);
    return;
  }
  c->host->dirty = true;
  d->next = found;
  dial_next(c, status == 0 ? "name has no address" : uv_strerror(status));
}

/* IPv4 or IPv6, the latter with or without brackets. */
static bool numeric_host(struct dial *d, const char *host, uint16_t port) {
  struct sockaddr_in *in = (struct sockaddr_in *)&d->address;
  struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&d->address;
  char bare[INET6_ADDRSTRLEN];
  struct span text = span_text(host);
  if (text.len >= 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']') text = span_of(text.ptr + 1, text.len - 2);
  if (!span_copy_text(text, bare, sizeof bare)) return false;
  d->numeric.ai_addr = (struct sockaddr *)&d->address;
  if (inet_pton(AF_INET, bare, &in->sin_addr) == 1) {
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    d->numeric.ai_addrlen = sizeof *in;
  } else if (inet_pton(AF_INET6, bare, &in6->sin6_addr) == 1) {
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    d->numeric.ai_addrlen = sizeof *in6;
  } else {
    return false;
  }
  d->numeric.ai_family = d->address.ss_family;
  d->next = &d->numeric;
  return true;
}

static void dial_look_up(struct conn *c, const char *host, uint16_t port) {
  struct dial *d = c->dial;
  char service[8];
  snprintf(service, sizeof service, "%u", port);
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
  d->lookup.data = d;
  int r = strlen(host) > HOST_NAME_MAX_BYTES
              ? UV_ENAMETOOLONG
              : uv_getaddrinfo(&c->host->loop, &d->lookup, on_found, host, service, &hints);
  d->looking = r == 0;
  if (r != 0) conn_fail(c, uv_strerror(r));
}

conn_id net_connect(struct net *net, const char *host, uint16_t port, int timeout_ms) {
  struct uv_host *h = CONTAINER_OF(net, struct uv_host, net);
  struct dial *d = calloc(1, sizeof *d);
  struct conn *c = d == NULL ? NULL : conn_new(h, CONN_CONNECTING);
  if (c == NULL) {
    free(d);
    return 0;
  }
  c->dial = d;
  d->conn = c;
  d->due_ms = host_now(h).mono_ms + (timeout_ms > 0 ? timeout_ms : CONNECT_TIMEOUT_MS);
  if (timers_set(&h->timers, &c->timer, d->due_ms) != STATUS_OK) {
    conn_destroy(c);
    return 0;
  }
  h->dirty = true; /* the deadline must be armed */
  conn_id id = c->id;
  if (numeric_host(d, host, port)) dial_next(c, "no address");
  else dial_look_up(c, host, port);
  return id;
}

void dial_deadline(struct conn *c) {
  if (c->dial->looking) conn_fail(c, "name look-up timed out");
  else dial_next(c, "connect timed out");
}

void dial_writable(struct conn *c) {
  struct uv_host *h = c->host;
  int error = 0;
  socklen_t len = sizeof error;
  struct sockaddr_storage peer;
  socklen_t peer_len = sizeof peer;
  if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) error = errno;
  if (error == 0 && getpeername(c->fd, (struct sockaddr *)&peer, &peer_len) != 0) error = errno;
  if (error != 0) {
    dial_next(c, uv_strerror(-error));
    return;
  }
  timers_cancel(&h->timers, &c->timer);
  dial_abandon(c);
  c->state = CONN_OPEN;
  conn_watch(c);
  if (c->out.bytes > 0) conn_enqueue_flush(c);
  struct net_event event = {.kind = NET_CONNECTED, .conn = c->id, .peer = net_peer_of(&peer)};
  if (h->node != NULL) h->node->ops->connection(h->node, &event, host_now(h));
}
