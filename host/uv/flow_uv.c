/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes in and bytes out of one connection.
 *
 * In: every read lands in one shared buffer that stays warm in the cache, with
 * the few bytes the node left last time in front of it; only a frame longer
 * than INPUT_SMALL gets a buffer of its own. Out: one gathered send per turn.
 */
#include "host/uv/host.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/uio.h>

/* ---- in ---- */

/* Keeps what the node did not use. data may lie inside c->in. */
static void input_keep(struct conn *c, const uint8_t *data, size_t len) {
  struct uv_host *h = c->host;
  struct block old = c->in;
  bool shrink = len <= INPUT_SMALL && old.cap > 2 * INPUT_SMALL;
  c->in_len = len;
  if (len > 0 && len <= old.cap && !shrink) {
    if (data != old.ptr) memmove(old.ptr, data, len);
    return;
  }
  c->in = (struct block){NULL, 0};
  if (len > 0) {
    c->in = block_take(&h->pool, len);
    if (c->in.ptr == NULL) conn_fail(c, "out of memory for input");
    else memcpy(c->in.ptr, data, len);
  }
  block_give(&h->pool, old);
}

static void input_show(struct conn *c, const uint8_t *data, size_t len) {
  struct uv_host *h = c->host;
  size_t used = h->node == NULL ? len : h->node->ops->bytes(h->node, c->id, span_of(data, len), host_now(h));
  if (c->state != CONN_OPEN) return; /* the node closed it */
  if (used == NODE_BYTES_BROKEN) {
    h->net.ops->close(&h->net, c->id);
    return;
  }
  assert(used <= len);
  input_keep(c, data + used, len - used);
  if (c->in_len >= h->config.input_max) conn_fail(c, "input limit: a frame that does not end");
}

void conn_show_input(struct conn *c) {
  if (c->state == CONN_OPEN && !c->paused && c->in_len > 0) input_show(c, c->in.ptr, c->in_len);
}

/* Where the next read goes: behind what is kept. */
static uint8_t *input_room(struct conn *c, size_t *room) {
  struct uv_host *h = c->host;
  if (c->in_len <= INPUT_SMALL) {
    if (c->in_len > 0) memcpy(h->scratch, c->in.ptr, c->in_len);
    *room = READ_MAX;
    return h->scratch;
  }
  if (c->in.cap - c->in_len < INPUT_SMALL) {
    struct block bigger = block_take(&h->pool, c->in.cap * 2);
    if (bigger.ptr == NULL) return NULL;
    memcpy(bigger.ptr, c->in.ptr, c->in_len);
    block_give(&h->pool, c->in);
    c->in = bigger;
  }
  *room = c->in.cap - c->in_len;
  return c->in.ptr;
}

void conn_read(struct conn *c) {
  struct uv_host *h = c->host;
  size_t room = 0;
  uint8_t *base = input_room(c, &room);
  if (base == NULL) {
    conn_fail(c, "out of memory for input");
    return;
  }
  ssize_t n;
  do n = recv(c->fd, base + c->in_len, room, 0);
  while (n < 0 && errno == EINTR);
  if (n > 0) {
    h->stats.reads++;
    h->stats.bytes_in += (uint64_t)n;
    size_t len = c->in_len + (size_t)n;
    input_show(c, base, len);
    conn_watch(c);
  } else if (n == 0) {
    conn_fail(c, "closed by peer");
  } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
    conn_fail(c, uv_strerror(-errno));
  } else {
    conn_watch(c);
  }
}

/* The node is done with it: read and forget until the peer closes too, or its last bytes could be lost
 * to the reset that unread input provokes. */
void conn_drain(struct conn *c) {
  ssize_t n;
  do n = recv(c->fd, c->host->scratch, READ_MAX, 0);
  while (n < 0 && errno == EINTR);
  if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))) conn_watch(c);
  else conn_destroy(c);
}

/* ---- out ---- */

void conn_enqueue_flush(struct conn *c) {
  if (c->in_flush) return;
  c->in_flush = true;
  c->next_flush = NULL;
  *c->host->flush_last = c;
  c->host->flush_last = &c->next_flush;
}

static ssize_t send_vectors(int fd, struct iovec *vectors, int count) {
  ssize_t n;
  struct msghdr message = {.msg_iov = vectors, .msg_iovlen = (size_t)count};
  do n = count == 1 ? send(fd, vectors[0].iov_base, vectors[0].iov_len, MSG_NOSIGNAL)
                    : sendmsg(fd, &message, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n;
}

/* Offers the outbox to the kernel. Returns 0 or the errno that ended the connection. */
static int outbox_offer(struct conn *c) {
  struct uv_host *h = c->host;
  struct iovec vectors[IOV_MAX];
  while (c->out.bytes > 0) {
    int count = outbox_vectors(&c->out, vectors, IOV_MAX);
    size_t offered = 0;
    for (int i = 0; i < count; i++) offered += vectors[i].iov_len;
    ssize_t n = send_vectors(c->fd, vectors, count);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS) return errno;
    if (n > 0) {
      h->stats.writes++;
      h->stats.bytes_out += (uint64_t)n;
      outbox_took(&c->out, &h->pool, (size_t)n);
    }
    if (n < 0 || (size_t)n < offered) {
      h->stats.blocked_writes++;
      c->blocked = true;
      break;
    }
  }
  return 0;
}

static void closing_step(struct conn *c) {
  struct uv_host *h = c->host;
  bool wait = c->out.bytes > 0 || shutdown(c->fd, SHUT_WR) == 0;
  int64_t limit = c->out.bytes > 0 ? h->config.close_timeout_ms : LINGER_MS;
  if (c->out.bytes == 0) c->state = CONN_DRAINING;
  if (!wait || timers_set(&h->timers, &c->timer, host_now(h).mono_ms + limit) != STATUS_OK) {
    conn_destroy(c);
    return;
  }
  conn_watch(c);
}

void conn_flush(struct conn *c) {
  int error = 0;
  if (c->out.failed) {
    error = ENOBUFS;
  } else if (c->state != CONN_CONNECTING && !c->blocked) {
    error = outbox_offer(c);
  }
  if (error == 0 && outbox_keep(&c->out, &c->host->pool) != STATUS_OK) error = ENOMEM;
  if (error == 0 && c->state == CONN_CLOSING) {
    closing_step(c);
  } else if (error == 0) {
    conn_watch(c);
  } else if (c->state == CONN_CLOSING) {
    conn_destroy(c);
  } else {
    conn_fail(c, error == ENOBUFS ? "outbox limit: the peer does not read" : uv_strerror(-error));
  }
}

void net_flush(struct uv_host *h) {
  struct conn *c = h->flush_first;
  h->flush_first = NULL;
  h->flush_last = &h->flush_first;
  while (c != NULL) {
    struct conn *next = c->next_flush;
    c->in_flush = false;
    if (!c->dead) {
      if (c->state != CONN_FAILED && c->state != CONN_DRAINING) conn_flush(c);
    } else if (!c->pending) {
      free(c);
    }
    c = next;
  }
}
