/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_loop: what a request costs in host/uv alone. A child process echoes
 * length-prefixed frames on a uv_host; this process loads it over plain
 * sockets. Printed per case: requests/s, the server's CPU per request, and how
 * many requests shared a turn, a read and a write.
 *
 *   bench_loop [seconds per case]       (2)
 *   bench_loop pipelined|pingpong|idle [seconds]
 */
#include "core/base/bytes.h"
#include "host/uv/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FRAME 200              /* bytes with the length */
#define WINDOW (1000 * FRAME)  /* pipelined: bytes under way */
#define PINGPONG_CONNECTIONS 32
#define IDLE_CONNECTIONS 10000

struct server {
  struct node node;
  struct uv_host *host;
  struct net *net;
  uint64_t frames;
};

/* What the child reports when it is told to stop. */
struct report {
  uint64_t frames;
  double cpu_s;
  long resident_kib, idle_kib;
  struct uv_host_stats stats;
};

struct child {
  pid_t pid;
  uint16_t port;
  int from;
};

/* ---- the server ---- */

static void on_connection(struct node *node, const struct net_event *event, struct moment now) {
  (void)node, (void)event, (void)now;
}

static size_t on_bytes(struct node *node, conn_id conn, struct span input, struct moment now) {
  struct server *s = (struct server *)node;
  size_t used = 0;
  (void)now;
  while (input.len - used >= 4) {
    size_t len = (size_t)4 + get_u32(input.ptr + used);
    if (input.len - used < len) break;
    s->net->ops->send(s->net, conn, span_of(input.ptr + used, len));
    used += len;
    s->frames++;
  }
  return used;
}

static int64_t on_turn(struct node *node, struct moment now) {
  (void)node, (void)now;
  return TIME_NEVER;
}

static long resident_kib(void) {
  long pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f == NULL || fscanf(f, "%*s %ld", &pages) != 1) pages = 0;
  if (f != NULL) fclose(f);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void on_term(void *arg, int signum) {
  (void)signum;
  uv_host_stop(arg);
}

static int serve(int to) {
  static const struct node_ops ops = {on_connection, on_bytes, NULL, on_turn};
  struct server s = {.node.ops = &ops};
  struct report report = {0};
  uint16_t port = 0;
  const char *why = "out of memory";
  s.host = uv_host_new(NULL, NULL);
  if (s.host == NULL) return 1;
  s.net = uv_host_net(s.host);
  uv_host_attach(s.host, &s.node);
  if (uv_host_on_signal(s.host, SIGTERM, on_term, s.host) != STATUS_OK ||
      s.net->ops->listen(s.net, "127.0.0.1", 0, 1, &port, &why) != STATUS_OK) {
    fprintf(stderr, "bench_loop: %s\n", why);
    return 1;
  }
  report.idle_kib = resident_kib();
  if (write(to, &port, sizeof port) != (ssize_t)sizeof port) return 1;
  uv_host_run(s.host);
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  report.frames = s.frames;
  report.cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  report.resident_kib = resident_kib();
  uv_host_stats(s.host, &report.stats);
  bool good = write(to, &report, sizeof report) == (ssize_t)sizeof report;
  uv_host_free(s.host);
  return good ? 0 : 1;
}

static struct child server_start(void) {
  int ends[2];
  struct child c = {.pid = -1};
  if (pipe(ends) != 0 || (c.pid = fork()) < 0) {
    perror("bench_loop");
    exit(1);
  }
  if (c.pid == 0) {
    close(ends[0]);
    _exit(serve(ends[1]));
  }
  close(ends[1]);
  c.from = ends[0];
  if (read(c.from, &c.port, sizeof c.port) != (ssize_t)sizeof c.port) exit(1);
  return c;
}

static struct report server_stop(struct child *c) {
  struct report report = {0};
  kill(c->pid, SIGTERM);
  if (read(c->from, &report, sizeof report) != (ssize_t)sizeof report) fprintf(stderr, "bench_loop: no report\n");
  close(c->from);
  waitpid(c->pid, NULL, 0);
  return report;
}

/* ---- the load ---- */

static double now_s(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int dial(uint16_t port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
    perror("bench_loop: connect");
    exit(1);
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  return fd;
}

static void frames_fill(uint8_t *bytes, size_t len) {
  memset(bytes, 'x', len);
  for (size_t at = 0; at + FRAME <= len; at += FRAME) put_u32(bytes + at, FRAME - 4);
}

static void print(const char *name, double seconds, const struct report *r) {
  double n = r->frames == 0 ? 1 : (double)r->frames;
  printf("%-10s %9.0f requests/s  %6.3f us CPU/request  "
         "%6.1f requests/turn  %6.1f /read  %6.1f /write  %ld KiB\n",
         name, n / seconds, r->cpu_s / n * 1e6, n / (double)(r->stats.turns + 1), n / (double)(r->stats.reads + 1),
         n / (double)(r->stats.writes + 1), r->resident_kib);
}

/* One connection, a window of frames under way: as many bytes go out as come back. */
static void pipelined(double seconds) {
  struct child c = server_start();
  int fd = dial(c.port);
  uint8_t *frames = malloc(2 * WINDOW), *back = malloc(WINDOW);
  if (frames == NULL || back == NULL) exit(1);
  frames_fill(frames, 2 * WINDOW);
  size_t credit = WINDOW, at = 0;
  double start = now_s(), end = start + seconds;
  while (now_s() < end) {
    while (credit > 0) {
      ssize_t n = send(fd, frames + at, credit, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n <= 0) break;
      credit -= (size_t)n;
      at = (at + (size_t)n) % FRAME;
    }
    ssize_t n = recv(fd, back, WINDOW, 0);
    if (n <= 0) break;
    credit += (size_t)n;
  }
  double took = now_s() - start;
  struct report r = server_stop(&c);
  print("pipelined", took, &r);
  close(fd);
  free(frames);
  free(back);
}

/* Many connections, one frame under way on each. */
static void pingpong(double seconds) {
  struct child c = server_start();
  int poll = epoll_create1(0);
  uint8_t frame[FRAME], back[FRAME];
  int fds[PINGPONG_CONNECTIONS];
  frames_fill(frame, FRAME);
  double start = now_s(), end = start + seconds;
  for (int i = 0; i < PINGPONG_CONNECTIONS; i++) {
    fds[i] = dial(c.port);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fds[i]};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, fds[i], &event) != 0 || send(fds[i], frame, FRAME, 0) != FRAME) exit(1);
  }
  while (now_s() < end) {
    struct epoll_event ready[PINGPONG_CONNECTIONS];
    int n = epoll_wait(poll, ready, PINGPONG_CONNECTIONS, 1000);
    for (int i = 0; i < n; i++)
      if (recv(ready[i].data.fd, back, FRAME, MSG_WAITALL) != FRAME || send(ready[i].data.fd, frame, FRAME, 0) != FRAME)
        exit(1);
  }
  double took = now_s() - start;
  struct report r = server_stop(&c);
  print("pingpong", took, &r);
  for (int i = 0; i < PINGPONG_CONNECTIONS; i++) close(fds[i]);
  close(poll);
}

/* What a connection costs that said one thing and then nothing. */
static void idle(double seconds) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  int count = limit.rlim_cur > IDLE_CONNECTIONS + 100 ? IDLE_CONNECTIONS : (int)limit.rlim_cur - 100;
  struct child c = server_start();
  int *fds = calloc((size_t)count, sizeof *fds);
  uint8_t frame[FRAME], back[FRAME];
  frames_fill(frame, FRAME);
  if (fds == NULL) exit(1);
  for (int i = 0; i < count; i++) {
    fds[i] = dial(c.port);
    if (send(fds[i], frame, FRAME, 0) != FRAME || recv(fds[i], back, FRAME, MSG_WAITALL) != FRAME) exit(1);
  }
  usleep((useconds_t)(seconds * 1e6));
  struct report r = server_stop(&c);
  printf("idle       %d connections: %.2f KiB each (%ld - %ld KiB), %.3f s CPU in all, %.2f turns/connection\n", count,
         (double)(r.resident_kib - r.idle_kib) / count, r.resident_kib, r.idle_kib, r.cpu_s,
         (double)r.stats.turns / count);
  for (int i = 0; i < count; i++) close(fds[i]);
  free(fds);
}

int main(int argc, char **argv) {
  const char *only = argc > 1 && (argv[1][0] < '0' || argv[1][0] > '9') ? argv[1] : "";
  const char *last = argc > 1 ? argv[argc - 1] : "";
  double seconds = atof(last) > 0 ? atof(last) : 2;
  if (only[0] == '\0' || strcmp(only, "pipelined") == 0) pipelined(seconds);
  if (only[0] == '\0' || strcmp(only, "pingpong") == 0) pingpong(seconds);
  if (only[0] == '\0' || strcmp(only, "idle") == 0) idle(seconds);
  return 0;
}
