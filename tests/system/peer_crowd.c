/* SPDX-License-Identifier: Apache-2.0
 *
 * idle and slow: peers that cost the server something by doing nothing.
 */
#include "tests/system/peer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* ---- idle ---- */

enum { SPARE_FILES = 64, IDLE_STEP_MS = 20 };

static bool hold(const char *addr, int *fds, size_t count) {
  for (size_t i = 0; i < count; i++)
    if ((fds[i] = socket_open(addr)) < 0) return fail("connection %zu to %s: %s", i + 1, addr, strerror(errno)), false;
  return true;
}

/* A server that refuses closes at once: then a socket becomes readable. */
static size_t closed_count(const int *fds, size_t count) {
  size_t closed = 0;
  for (size_t i = 0; i < count; i++) closed += socket_readable(fds[i], 0);
  return closed;
}

int command_idle(int argc, char **argv) {
  if (argc < 2) return 2;
  size_t each = (size_t)atol(argv[0]), servers = (size_t)argc - 1;
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  size_t most = (limit.rlim_max - SPARE_FILES) / servers;
  if (each > most) each = most; /* the printed number says so */
  int *fds = malloc(each * servers * sizeof *fds);
  bool ok = fds != NULL;
  for (size_t s = 0; s < servers && ok; s++) ok = hold(argv[s + 1], fds + s * each, each);
  if (ok) {
    printf("holding %zu idle connections to each of %zu servers\n", each, servers);
    fflush(stdout);
    while (!peer_stopped) poll(NULL, 0, IDLE_STEP_MS);
    size_t closed = closed_count(fds, each * servers);
    if (closed > 0) ok = (fail("%zu of %zu idle connections were closed", closed, each * servers), false);
  }
  free(fds);
  return !ok;
}

/* ---- slow ---- */

enum { ROUNDS_MAX = 20000, ROUNDS_IN_A_ROW = 50 };

/* Asks without reading until the socket takes no more for `quiet` ms: the server has stopped reading. */
static size_t ask_until_full(struct conn *c, const char *topic, int quiet_ms, bool *stopped) {
  size_t asked = 0;
  *stopped = false;
  while (asked < ROUNDS_MAX && !*stopped) {
    for (int i = 0; i < ROUNDS_IN_A_ROW; i++, asked++) put_pull(c, topic, 0, 0, 0);
    struct span rest = buf_span(&c->out);
    while (rest.len > 0 && !*stopped) {
      struct pollfd p = {.fd = c->fd, .events = POLLOUT};
      if (poll(&p, 1, quiet_ms) == 0) {
        *stopped = true;
        break;
      }
      /* poll says that some bytes fit; a blocking write of few does not hang. */
      size_t some = rest.len < 512 ? rest.len : 512;
      if (!socket_write(c->fd, span_of(rest.ptr, some))) return 0;
      rest = span_from(rest, some);
    }
    buf_drop_front(&c->out, c->out.len - rest.len);
  }
  return asked;
}

/* Reads all answers while the rest of the requests is written. */
static bool read_all(struct conn *c, size_t asked, size_t *bytes) {
  for (size_t got = 0; got < asked;) {
    struct command reply;
    size_t some = c->out.len < 512 ? c->out.len : 512;
    struct pollfd p = {.fd = c->fd, .events = POLLOUT};
    if (some > 0 && poll(&p, 1, 0) > 0 && (p.revents & POLLOUT) != 0) {
      if (!socket_write(c->fd, span_of(c->out.ptr, some))) return fail("a slow reader was cut off"), false;
      buf_drop_front(&c->out, some);
    }
    enum receive r = conn_receive(c, &reply, c->out.len > 0 ? 10 : ANSWER_MS);
    if (r == RECEIVE_TIMEOUT && c->out.len > 0) continue;
    if (r != RECEIVED) return fail("answer %zu of %zu did not come", got + 1, asked), false;
    got++;
    if (reply.opaque != (int32_t)got || reply.code != RESPONSE_SUCCESS || reply.body.len == 0)
      return fail("answer %zu has opaque %d, code %d and %zu bytes", got, reply.opaque, reply.code, reply.body.len),
             false;
    *bytes += reply.body.len;
  }
  return true;
}

int command_slow(int argc, char **argv) {
  enum { QUIET_MS = 1500, PADDING = 4000 };
  if (argc < 3) return 2;
  struct conn c;
  bool stopped = false;
  static char padding[PADDING]; /* so that few requests fill the sockets' buffers */
  memset(padding, 'x', sizeof padding);
  if (!conn_open(&c, argv[0])) return fail("%s cannot be reached", argv[0]);
  c.padding = span_of(padding, sizeof padding);
  size_t asked = ask_until_full(&c, argv[1], QUIET_MS, &stopped);
  if (!stopped) return fail("the server still reads after %zu requests whose answers nobody takes", asked);
  for (int64_t end = monotonic_ms() + atoi(argv[2]) * 1000; monotonic_ms() < end && !peer_stopped;) poll(NULL, 0, 50);
  size_t bytes = 0;
  bool ok = read_all(&c, asked, &bytes);
  conn_close(&c);
  if (ok) printf("%zu pulls asked before the server stopped reading; all answered, %zu MB\n", asked, bytes / 1000000);
  return !ok;
}
