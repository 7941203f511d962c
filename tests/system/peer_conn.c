/* SPDX-License-Identifier: Apache-2.0
 *
 * Sockets, requests and answers of the peer.
 */
#include "tests/system/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { IN_ROOM = 64 << 10, BUFFER_MAX = 64 << 20, ARENA_MAX = 16 << 20 };

int64_t monotonic_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int socket_open(const char *addr) {
  struct net_peer peer;
  if (net_peer_parse(span_text(addr), &peer) != STATUS_OK || peer.ip_len != 4) return -1;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(peer.port)};
  memcpy(&to.sin_addr, peer.ip, 4);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0) return fd;
  close(fd);
  return -1;
}

bool socket_write(int fd, struct span bytes) {
  while (bytes.len > 0) {
    ssize_t n = write(fd, bytes.ptr, bytes.len);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = span_from(bytes, (size_t)n);
  }
  return true;
}

bool socket_readable(int fd, int timeout_ms) {
  int64_t end = monotonic_ms() + timeout_ms;
  for (;;) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int64_t left = end - monotonic_ms();
    int n = poll(&p, 1, left < 0 ? 0 : (int)left);
    if (n > 0) return true;
    if (n == 0 || errno != EINTR) return false;
  }
}

bool conn_open(struct conn *c, const char *addr) {
  *c = (struct conn){.fd = socket_open(addr), .serialize = SERIALIZE_JSON};
  buf_init(&c->out, BUFFER_MAX);
  buf_init(&c->in, BUFFER_MAX);
  arena_init(&c->arena, ARENA_MAX);
  return c->fd >= 0;
}

void conn_close(struct conn *c) {
  if (c->fd >= 0) close(c->fd);
  c->fd = -1;
  buf_fini(&c->out);
  buf_fini(&c->in);
  arena_fini(&c->arena);
}

void conn_put(struct conn *c, const struct command *cmd, const struct header *header, const void *fields) {
  struct command whole = *cmd;
  if (!whole.has_opaque) whole.opaque = ++c->opaque;
  whole.has_opaque = true;
  whole.serialize = c->serialize;
  whole.language = LANGUAGE_CPP;
  whole.version = MQ_VERSION_4_7_0;
  command_encode(&c->out, &whole, header, fields, cmd->code == REQUEST_SEND_MESSAGE_V2, 0);
}

bool conn_flush(struct conn *c) {
  bool ok = !c->out.failed && socket_write(c->fd, buf_span(&c->out));
  buf_clear(&c->out);
  return ok;
}

static enum receive read_more(struct conn *c, int64_t deadline_ms) {
  int64_t left = deadline_ms - monotonic_ms();
  if (!socket_readable(c->fd, left < 0 ? 0 : (int)left)) return RECEIVE_TIMEOUT;
  uint8_t *room = buf_reserve(&c->in, IN_ROOM);
  if (room == NULL) return RECEIVE_BROKEN;
  ssize_t n = read(c->fd, room, IN_ROOM);
  if (n < 0 && errno == EINTR) return RECEIVED;
  if (n <= 0) return RECEIVE_CLOSED;
  c->in.len += (size_t)n;
  return RECEIVED;
}

enum receive conn_receive(struct conn *c, struct command *out, int timeout_ms) {
  const struct command_limits limits = COMMAND_LIMITS_DEFAULT;
  int64_t deadline = monotonic_ms() + timeout_ms;
  buf_drop_front(&c->in, c->used);
  c->used = 0;
  for (;;) {
    struct span frame;
    const char *why = NULL;
    enum status status = frame_split(buf_span(&c->in), &limits, &frame, &c->used, &why);
    if (status == STATUS_OK) {
      arena_reset(&c->arena);
      status = command_decode(out, frame, &limits, &c->arena, &why);
      if (status == STATUS_OK) return RECEIVED;
    }
    if (status != STATUS_AGAIN) {
      fail("a frame that cannot be read: %s", why == NULL ? status_text(status) : why);
      return RECEIVE_BROKEN;
    }
    c->used = 0;
    enum receive got = read_more(c, deadline);
    if (got != RECEIVED) return got;
  }
}

bool conn_call(struct conn *c, const struct command *cmd, const struct header *header, const void *fields,
               struct command *reply) {
  conn_put(c, cmd, header, fields);
  if (!conn_flush(c)) return fail("request %d could not be written", cmd->code), false;
  enum receive got = conn_receive(c, reply, ANSWER_MS);
  if (got != RECEIVED)
    return fail("request %d: %s", cmd->code, got == RECEIVE_TIMEOUT ? "no answer" : "connection closed"), false;
  if (reply->opaque != c->opaque || (reply->flag & COMMAND_RESPONSE) == 0)
    return fail("request %d: the answer has opaque %d, not %d", cmd->code, reply->opaque, c->opaque), false;
  return true;
}
