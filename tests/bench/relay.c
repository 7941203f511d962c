/* SPDX-License-Identifier: Apache-2.0
 *
 * relay: stands between a slave and its master and makes the way longer: what
 * comes on either side goes on DELAY microseconds later, as much of it as fits
 * on the way. For kernels without netem, where a real longer way cannot be had.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WAYS_MAX = 64, ROAD = 8 << 20, PIECES = 4096, READ_MAX = 256 << 10 };

/* One direction of one connection: bytes that are on the way, and when which of them arrive. */
struct way {
  int from, to;
  bool ended; /* nothing more comes */
  uint64_t put, taken;
  struct piece {
    uint64_t due_ns, end; /* `end` as `put` */
  } pieces[PIECES];
  uint64_t piece_put, piece_taken;
  char road[ROAD];
};

static struct way *ways[WAYS_MAX]; /* pairs: there and back */
static int way_count;
static uint64_t delay_ns;

static _Noreturn void die(const char *what) {
  fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int open_socket(void) {
  int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  return fd;
}

static struct sockaddr_in loopback(long port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

static void swift(int fd) {
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(fd, F_SETFL, O_NONBLOCK);
}

static void add_pair(int a, int b) {
  if (way_count + 2 > WAYS_MAX) {
    close(a), close(b);
    return;
  }
  swift(a), swift(b);
  for (int i = 0; i < 2; i++) {
    struct way *w = ways[way_count++] = calloc(1, sizeof *w);
    if (w == NULL) die("memory");
    w->from = i == 0 ? a : b;
    w->to = i == 0 ? b : a;
  }
}

static void welcome(int listener, const struct sockaddr_in *target) {
  int a = accept(listener, NULL, NULL), b;
  if (a < 0) return;
  b = open_socket();
  if (connect(b, (const struct sockaddr *)target, sizeof *target) != 0) {
    close(a), close(b);
    return;
  }
  add_pair(a, b);
}

static bool has_room(const struct way *w) {
  return !w->ended && w->put - w->taken < ROAD && w->piece_put - w->piece_taken < PIECES;
}

/* False: the connection is over. */
static bool take_in(struct way *w, uint64_t now) {
  size_t at = w->put % ROAD, room = ROAD - (size_t)(w->put - w->taken);
  if (room > ROAD - at) room = ROAD - at;
  if (room > READ_MAX) room = READ_MAX;
  ssize_t n = read(w->from, w->road + at, room);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  w->ended = n == 0;
  if (n == 0) return true;
  w->put += (uint64_t)n;
  w->pieces[w->piece_put++ % PIECES] = (struct piece){now + delay_ns, w->put};
  return true;
}

/* What has arrived is handed over. *due: when the next of it arrives. False: the connection is over. */
static bool hand_over(struct way *w, uint64_t now, uint64_t *due, bool *stuck) {
  *stuck = false;
  while (w->piece_taken < w->piece_put) {
    const struct piece *p = &w->pieces[w->piece_taken % PIECES];
    if (p->due_ns > now) {
      if (p->due_ns < *due) *due = p->due_ns;
      return true;
    }
    size_t at = w->taken % ROAD, len = (size_t)(p->end - w->taken);
    if (len > ROAD - at) len = ROAD - at;
    ssize_t n = send(w->to, w->road + at, len, MSG_NOSIGNAL);
    if (n < 0) {
      *stuck = errno == EAGAIN;
      return *stuck || errno == EINTR;
    }
    w->taken += (uint64_t)n;
    if (w->taken == p->end) w->piece_taken++;
  }
  return !w->ended;
}

static void drop_pair(int i) {
  i &= ~1;
  close(ways[i]->from), close(ways[i]->to);
  free(ways[i]), free(ways[i + 1]);
  way_count -= 2;
  if (i != way_count) ways[i] = ways[way_count], ways[i + 1] = ways[way_count + 1];
}

static void run(int listener, const struct sockaddr_in *target) {
  for (;;) {
    struct pollfd fds[1 + 2 * WAYS_MAX] = {{.fd = listener, .events = POLLIN}};
    uint64_t now = now_ns(), due = UINT64_MAX;
    for (int i = 0; i < way_count; i++) {
      bool stuck;
      if (!hand_over(ways[i], now, &due, &stuck)) {
        drop_pair(i);
        i = (i & ~1) - 1;
        continue;
      }
      fds[1 + 2 * i] = (struct pollfd){.fd = has_room(ways[i]) ? ways[i]->from : -1, .events = POLLIN};
      fds[2 + 2 * i] = (struct pollfd){.fd = stuck ? ways[i]->to : -1, .events = POLLOUT};
    }
    int n = way_count;
    struct timespec rest = {0};
    now = now_ns();
    if (due > now) rest = (struct timespec){(time_t)((due - now) / 1000000000u), (long)((due - now) % 1000000000u)};
    if (ppoll(fds, (nfds_t)(1 + 2 * n), due == UINT64_MAX ? NULL : &rest, NULL) < 0 && errno != EINTR) die("poll");
    now = now_ns();
    for (int i = n - 1; i >= 0; i--)
      if (fds[1 + 2 * i].revents != 0 && i < way_count && !take_in(ways[i], now)) {
        drop_pair(i);
        break; /* the others have moved: they are asked again */
      }
    if (fds[0].revents != 0) welcome(listener, target);
  }
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fputs("usage: relay PORT TO_PORT DELAY_US      on the loopback, both ways\n", stderr);
    return 2;
  }
  struct sockaddr_in own = loopback(strtol(argv[1], NULL, 10)), target = loopback(strtol(argv[2], NULL, 10));
  delay_ns = strtoull(argv[3], NULL, 10) * 1000;
  int listener = open_socket();
  if (bind(listener, (struct sockaddr *)&own, sizeof own) != 0 || listen(listener, 16) != 0) die(argv[1]);
  run(listener, &target);
}
