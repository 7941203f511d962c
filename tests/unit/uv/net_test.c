/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/bytes.h"
#include "tests/unit/uv/uv_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static bool one_closed(struct world *w) { return w->closed == 1; }
static bool one_accepted(struct world *w) { return w->accepted == 1; }

static void fill(uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) bytes[i] = (uint8_t)(i * 31 + (i >> 11));
}

/* ---- echo ---- */

/* Frames come back whole, however they are cut. */
static void *split_client(void *arg) {
  struct world *w = arg;
  uint8_t frame[4 + 300], back[sizeof frame];
  put_u32(frame, 300);
  fill(frame + 4, 300);
  int fd = raw_connect(w->port);
  bool good = fd >= 0;
  for (size_t i = 0; good && i < sizeof frame; i++) good = raw_send(fd, frame + i, 1);
  good = good && raw_receive(fd, back, sizeof frame) && memcmp(frame, back, sizeof frame) == 0;
  for (size_t cut = 1; good && cut < sizeof frame; cut += 50) {
    good = raw_send(fd, frame, cut) && raw_send(fd, frame + cut, sizeof frame - cut) && raw_send(fd, frame, cut) &&
           raw_send(fd, frame + cut, sizeof frame - cut) && raw_receive(fd, back, sizeof frame) &&
           raw_receive(fd, back, sizeof frame) && memcmp(frame, back, sizeof frame) == 0;
  }
  close(fd);
  return good ? arg : NULL;
}

static void test_split_frames(void) {
  struct world w;
  void *good;
  world_init(&w, NULL, NULL);
  w.on_bytes = world_echo_frames;
  w.done = one_closed;
  pthread_t thread = raw_thread(split_client, &w);
  world_run(&w);
  pthread_join(thread, &good);
  CU_ASSERT(good != NULL);
  CU_ASSERT(w.last_closed == w.last_accepted && w.accepted == 1);
  CU_ASSERT_STRING_EQUAL(w.reason, "closed by peer");
  CU_ASSERT(w.last_peer.ip_len == 4 && w.last_peer.ip[0] == 127 && w.last_peer.port != 0);
  world_fini(&w);
}

#define CROWD 1000
static conn_id crowd[CROWD];

static void crowd_event(struct world *w, const struct net_event *event) {
  if (event->kind == NET_CONNECTED) w->net->ops->send(w->net, event->conn, SPAN_LITERAL("hello, echo"));
}

/* Accepted connections echo, our own count what comes back. */
static size_t crowd_bytes(struct world *w, conn_id conn, struct span input) {
  for (size_t i = 0; i < CROWD; i++) {
    if (crowd[i] != conn) continue;
    if (input.len < 11) return 0;
    CU_ASSERT(span_is(input, "hello, echo"));
    w->step++;
    return input.len;
  }
  return world_echo(w, conn, input);
}
static bool crowd_done(struct world *w) { return w->step == CROWD; }
static bool crowd_gone(struct world *w) {
  struct uv_host_stats stats;
  uv_host_stats(w->host, &stats);
  return w->closed == CROWD && stats.connections == 0;
}

static void test_crowd(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
  setrlimit(RLIMIT_NOFILE, &limit);
  CU_ASSERT_FATAL(limit.rlim_cur > 2 * CROWD + 100);
  struct world w;
  struct uv_host_stats stats;
  world_init(&w, NULL, NULL);
  w.on_event = crowd_event;
  w.on_bytes = crowd_bytes;
  w.done = crowd_done;
  for (size_t i = 0; i < CROWD; i++) {
    crowd[i] = w.net->ops->connect(w.net, "127.0.0.1", w.port, WORLD_LIMIT_MS);
    CU_ASSERT_FATAL(crowd[i] != 0);
  }
  world_run(&w);
  uv_host_stats(w.host, &stats);
  CU_ASSERT(w.connected == CROWD && w.accepted == CROWD && w.closed == 0);
  CU_ASSERT(stats.connections == 2 * CROWD && stats.accepted == CROWD);
  struct net_peer local;
  CU_ASSERT(w.net->ops->local(w.net, crowd[0], &local) == STATUS_OK && local.ip[0] == 127);
  for (size_t i = 0; i < CROWD; i++) w.net->ops->close(w.net, crowd[i]);
  CU_ASSERT(w.net->ops->local(w.net, 12345, &local) == STATUS_INVALID);
  w.done = crowd_gone;
  world_run(&w);
  world_fini(&w);
}

/* ---- much ---- */

#define MUCH (24u << 20)
struct reader {
  struct world *w;
  struct latch start;
  bool good;
};

static void *slow_reader(void *arg) {
  struct reader *r = arg;
  uint8_t *got = malloc(MUCH), *want = malloc(MUCH);
  fill(want, MUCH);
  int fd = raw_connect(r->w->port);
  r->good = fd >= 0 && latch_wait(&r->start, WORLD_LIMIT_MS) && raw_receive(fd, got, MUCH) &&
            memcmp(got, want, MUCH) == 0;
  close(fd);
  free(got);
  free(want);
  return NULL;
}

/* Sends copied and borrowed pieces; the borrowed bytes are spoiled as soon as the turn is over. */
static void much_event(struct world *w, const struct net_event *event) {
  if (event->kind != NET_ACCEPTED) return;
  uint8_t *bytes = malloc(MUCH);
  fill(bytes, MUCH);
  size_t at = 0;
  for (size_t i = 0; at < MUCH; i++) {
    size_t len = (i % 5) * 7001 + 1;
    if (len > MUCH - at) len = MUCH - at;
    struct span piece = span_of(bytes + at, len);
    if (i % 3 == 0) w->net->ops->send(w->net, event->conn, piece);
    else w->net->ops->send_borrowed(w->net, event->conn, piece);
    at += len;
  }
  CU_ASSERT(w->net->ops->backlog(w->net, event->conn) == MUCH);
  w->context = bytes;
  w->wake = w->now.mono_ms; /* one more turn: by then the loan is over */
}

static struct reader *much_reader;
static void much_turn(struct world *w) {
  if (w->accepted == 0) return;
  if (w->step++ == 0) {
    w->wake = w->now.mono_ms;
  } else if (w->context != NULL) {
    free(w->context);
    w->context = NULL;
    CU_ASSERT(w->net->ops->backlog(w->net, w->last_accepted) > 0);
    latch_open(&much_reader->start);
  }
}

static void test_slow_reader(void) {
  struct world w;
  world_init(&w, NULL, NULL);
  struct reader r = {.w = &w};
  latch_init(&r.start);
  much_reader = &r;
  w.on_event = much_event;
  w.on_turn = much_turn;
  w.done = one_closed;
  pthread_t thread = raw_thread(slow_reader, &r);
  world_run(&w);
  pthread_join(thread, NULL);
  CU_ASSERT(r.good);
  struct uv_host_stats stats;
  uv_host_stats(w.host, &stats);
  CU_ASSERT(stats.bytes_out == MUCH && stats.blocked_writes > 0);
  latch_fini(&r.start);
  world_fini(&w);
}

static void *big_frame_client(void *arg) {
  struct world *w = arg;
  size_t len = 4 + (9u << 20);
  uint8_t *frame = malloc(len), *back = malloc(len);
  put_u32(frame, (uint32_t)len - 4);
  fill(frame + 4, len - 4);
  int fd = raw_connect(w->port);
  bool good = fd >= 0 && raw_send(fd, frame, len) && raw_receive(fd, back, len) && memcmp(frame, back, len) == 0;
  uint8_t small[6] = {0, 0, 0, 2, 'o', 'k'};
  good = good && raw_send(fd, small, 6) && raw_receive(fd, back, 6) && memcmp(small, back, 6) == 0;
  close(fd);
  free(frame);
  free(back);
  return good ? arg : NULL;
}

static void test_big_frame(void) {
  struct world w;
  void *good;
  world_init(&w, NULL, NULL);
  w.on_bytes = world_echo_frames;
  w.done = one_closed;
  pthread_t thread = raw_thread(big_frame_client, &w);
  world_run(&w);
  pthread_join(thread, &good);
  CU_ASSERT(good != NULL && w.step == 2);
  world_fini(&w);
}

/* ---- limits ---- */

static void *endless_client(void *arg) {
  struct world *w = arg;
  uint8_t bytes[4096];
  memset(bytes, 0xff, sizeof bytes); /* a frame of 4 GiB */
  int fd = raw_connect(w->port);
  int sent = 0;
  while (fd >= 0 && sent < 10000 && raw_send(fd, bytes, sizeof bytes)) sent++;
  close(fd);
  return sent < 10000 ? arg : NULL;
}

static void test_input_limit(void) {
  struct world w;
  void *good;
  struct uv_host_config config;
  uv_host_config_default(&config);
  config.input_max = 100000;
  world_init(&w, &config, NULL);
  w.on_bytes = world_echo_frames;
  w.done = one_closed;
  pthread_t thread = raw_thread(endless_client, &w);
  world_run(&w);
  pthread_join(thread, &good);
  CU_ASSERT(good != NULL && strncmp(w.reason, "input limit", 11) == 0);
  world_fini(&w);
}

static void flood_event(struct world *w, const struct net_event *event) {
  static const uint8_t zeros[65536];
  if (event->kind != NET_ACCEPTED) return;
  for (int i = 0; i < 200; i++) w->net->ops->send(w->net, event->conn, span_of(zeros, sizeof zeros));
}

static void test_outbox_overflow(void) {
  struct world w;
  struct uv_host_config config;
  uv_host_config_default(&config);
  config.outbox_max = 1 << 20;
  world_init(&w, &config, NULL);
  w.on_event = flood_event;
  w.done = one_closed;
  int fd = raw_connect(w.port);
  world_run(&w);
  CU_ASSERT(strncmp(w.reason, "outbox limit", 12) == 0);
  close(fd);
  world_fini(&w);
}

#define SEATS 3
static bool all_refused(struct world *w) {
  struct uv_host_stats stats;
  uv_host_stats(w->host, &stats);
  return stats.refused == 2 && w->accepted == SEATS;
}

static void count_lines(struct log *log, enum log_level level, const char *line) {
  (void)level, (void)line;
  ++*(unsigned *)log->context;
}

static void test_connection_limit(void) {
  struct world w;
  unsigned lines = 0;
  struct log log = {LOG_WARN, count_lines, &lines};
  struct uv_host_config config;
  uv_host_config_default(&config);
  config.connections_max = SEATS;
  world_init(&w, &config, &log);
  w.done = all_refused;
  int fds[SEATS + 2];
  for (int i = 0; i < SEATS + 2; i++) fds[i] = raw_connect(w.port);
  world_run(&w);
  CU_ASSERT(lines == 1); /* one complaint stands for both */
  CU_ASSERT(w.net->ops->connect(w.net, "127.0.0.1", w.port, 0) == 0);
  CU_ASSERT(raw_at_end(fds[SEATS]) && raw_at_end(fds[SEATS + 1]));
  for (int i = 0; i < SEATS + 2; i++) close(fds[i]);
  world_fini(&w);
}

/* The log line says that descriptors ran out; then there are more of them. */
static void more_descriptors(struct log *log, enum log_level level, const char *line) {
  (void)level;
  struct rlimit *before = log->context;
  CU_ASSERT(strstr(line, "cannot accept") != NULL);
  setrlimit(RLIMIT_NOFILE, before);
}

static void test_out_of_descriptors(void) {
  struct world w;
  struct rlimit before, tight;
  getrlimit(RLIMIT_NOFILE, &before);
  struct log log = {LOG_WARN, more_descriptors, &before};
  world_init(&w, NULL, &log);
  w.done = one_accepted;
  int fd = raw_connect(w.port);
  int next = dup(fd);
  close(next);
  tight = before;
  tight.rlim_cur = (rlim_t)next;
  setrlimit(RLIMIT_NOFILE, &tight);
  world_run(&w);
  setrlimit(RLIMIT_NOFILE, &before);
  close(fd);
  world_fini(&w);
}

/* ---- ends ---- */

static size_t broken_bytes(struct world *w, conn_id conn, struct span input) {
  (void)input;
  w->net->ops->send(w->net, conn, SPAN_LITERAL("bye"));
  w->step++;
  return NODE_BYTES_BROKEN;
}
static bool all_gone(struct world *w) {
  struct uv_host_stats stats;
  uv_host_stats(w->host, &stats);
  return w->accepted > 0 && stats.connections == 0;
}

static void *curious_client(void *arg) {
  struct world *w = arg;
  char back[3];
  int fd = raw_connect(w->port);
  bool good = fd >= 0 && raw_send(fd, "nonsense", 8) && raw_receive(fd, back, 3) && memcmp(back, "bye", 3) == 0 &&
              raw_at_end(fd);
  close(fd);
  return good ? arg : NULL;
}

static void test_broken(void) {
  struct world w;
  void *good;
  world_init(&w, NULL, NULL);
  w.on_bytes = broken_bytes;
  w.done = all_gone;
  pthread_t thread = raw_thread(curious_client, &w);
  world_run(&w);
  pthread_join(thread, &good);
  CU_ASSERT(good != NULL && w.step == 1 && w.closed == 0);
  world_fini(&w);
}

#define LAST_WORDS (2u << 20)
static void last_words(struct world *w, const struct net_event *event) {
  if (event->kind != NET_ACCEPTED) return;
  uint8_t *bytes = malloc(LAST_WORDS);
  fill(bytes, LAST_WORDS);
  w->net->ops->send(w->net, event->conn, span_of(bytes, LAST_WORDS));
  w->net->ops->close(w->net, event->conn);
  w->net->ops->close(w->net, event->conn); /* twice is once */
  w->net->ops->send(w->net, event->conn, SPAN_LITERAL("not any more"));
  free(bytes);
}

/* Talks without listening first: what it sent and nobody read must not reset the answer away. */
static void *talking_client(void *arg) {
  struct world *w = arg;
  uint8_t *back = malloc(LAST_WORDS), *want = malloc(LAST_WORDS);
  fill(want, LAST_WORDS);
  int fd = raw_connect(w->port);
  raw_send(fd, want, 100000);
  bool good = raw_receive(fd, back, LAST_WORDS) && memcmp(back, want, LAST_WORDS) == 0 && raw_at_end(fd);
  close(fd);
  free(back);
  free(want);
  return good ? arg : NULL;
}

static void test_close_sends_all(void) {
  struct world w;
  void *good;
  world_init(&w, NULL, NULL);
  w.on_event = last_words;
  w.done = all_gone;
  pthread_t thread = raw_thread(talking_client, &w);
  world_run(&w);
  pthread_join(thread, &good);
  CU_ASSERT(good != NULL && w.closed == 0);
  world_fini(&w);
}

static void test_ids_are_new(void) {
  struct world w;
  world_init(&w, NULL, NULL);
  conn_id seen[5];
  for (unsigned i = 0; i < 5; i++) {
    w.closed = 0;
    w.done = one_closed;
    close(raw_connect(w.port));
    world_run(&w);
    seen[i] = w.last_accepted;
    for (unsigned j = 0; j < i; j++) CU_ASSERT(seen[j] != seen[i]);
    w.net->ops->send(w.net, seen[i], SPAN_LITERAL("to nobody"));
    w.net->ops->close(w.net, seen[i]);
    CU_ASSERT(w.net->ops->backlog(w.net, seen[i]) == 0);
  }
  world_fini(&w);
}

static bool reset_seen(struct world *w) { return w->closed == 1; }
static void test_reset(void) {
  struct world w;
  world_init(&w, NULL, NULL);
  w.done = one_accepted;
  int fd = raw_connect(w.port);
  world_run(&w);
  struct linger hard = {1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close(fd);
  w.net->ops->send(w.net, w.last_accepted, SPAN_LITERAL("too late"));
  w.done = reset_seen;
  world_run(&w);
  CU_ASSERT(w.last_closed == w.last_accepted && w.closed == 1);
  world_fini(&w);
}

/* ---- connect ---- */

static uint16_t free_port(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof at;
  CU_ASSERT(bind(fd, (struct sockaddr *)&at, len) == 0 && getsockname(fd, (struct sockaddr *)&at, &len) == 0);
  close(fd);
  return ntohs(at.sin_port);
}

static void test_connect_refused(void) {
  struct world w;
  world_init(&w, NULL, NULL);
  conn_id id = w.net->ops->connect(w.net, "127.0.0.1", free_port(), 5000);
  w.net->ops->send(w.net, id, SPAN_LITERAL("queued before it is known"));
  w.done = one_closed;
  world_run(&w);
  CU_ASSERT(id != 0 && w.last_closed == id && w.connected == 0);
  CU_ASSERT_STRING_EQUAL(w.reason, "connection refused");
  world_fini(&w);
}

/* A listener whose queue is full answers nothing. */
static void test_connect_timeout(void) {
  struct world w;
  world_init(&w, NULL, NULL);
  int silent = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof at;
  CU_ASSERT_FATAL(bind(silent, (struct sockaddr *)&at, len) == 0 && listen(silent, 0) == 0);
  getsockname(silent, (struct sockaddr *)&at, &len);
  int stuffing[4];
  for (int i = 0; i < 4; i++) {
    stuffing[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)!connect(stuffing[i], (struct sockaddr *)&at, len);
  }
  conn_id id = w.net->ops->connect(w.net, "127.0.0.1", ntohs(at.sin_port), 100);
  w.done = one_closed;
  world_run(&w);
  CU_ASSERT(w.last_closed == id);
  CU_ASSERT_STRING_EQUAL(w.reason, "connect timed out");
  for (int i = 0; i < 4; i++) close(stuffing[i]);
  close(silent);
  world_fini(&w);
}

static bool greeted(struct world *w) { return w->bytes == 5 && w->connected == 1; }

/* By name; what was sent before the connection stood arrives. */
static void test_connect_name(void) {
  struct world w;
  world_init(&w, NULL, NULL);
  conn_id id = w.net->ops->connect(w.net, "localhost", w.port, 10000);
  w.net->ops->send(w.net, id, SPAN_LITERAL("early"));
  w.done = greeted;
  world_run(&w);
  CU_ASSERT(w.last_connected == id && w.last_peer.port != 0);
  char name[300];
  memset(name, 'x', sizeof name);
  name[sizeof name - 1] = '\0';
  id = w.net->ops->connect(w.net, name, w.port, 10000);
  w.done = one_closed;
  world_run(&w);
  CU_ASSERT(w.last_closed == id && w.reason[0] != '\0');
  world_fini(&w);
}

static void test_connect_abandoned(void) {
  struct world w;
  world_init(&w, NULL, NULL);
  w.net->ops->close(w.net, w.net->ops->connect(w.net, "localhost", w.port, 1000));
  w.net->ops->close(w.net, w.net->ops->connect(w.net, "127.0.0.1", w.port, 1000));
  CU_ASSERT(w.net->ops->connect(w.net, "localhost", w.port, 1000) != 0); /* still looking when the host goes */
  world_fini(&w);
}

/* ---- listen ---- */

static void test_listen(void) {
  struct world w;
  uint16_t port = 0;
  const char *why = NULL;
  world_init(&w, NULL, NULL);
  CU_ASSERT(w.net->ops->listen(w.net, "127.0.0.1", w.port, 8, NULL, &why) == STATUS_BUSY && why != NULL);
  CU_ASSERT(w.net->ops->listen(w.net, "not a number", 0, 8, NULL, &why) == STATUS_INVALID);
  CU_ASSERT(w.net->ops->listen(w.net, "", 0, 9, &port, &why) == STATUS_OK && port != 0);
  int fd = raw_connect(port); /* IPv4 through the listener of both families */
  w.done = one_accepted;
  world_run(&w);
  CU_ASSERT(w.last_peer.ip_len == 4 && w.last_peer.ip[0] == 127);
  close(fd);
  w.net->ops->unlisten(w.net, 9);
  CU_ASSERT(raw_connect(port) < 0);
  if (w.net->ops->listen(w.net, "::1", 0, 10, &port, &why) == STATUS_OK) {
    w.done = one_accepted;
    w.accepted = 0;
    CU_ASSERT(w.net->ops->connect(w.net, "[::1]", port, 5000) != 0);
    world_run(&w);
    CU_ASSERT(w.last_peer.ip_len == 16);
  }
  world_fini(&w);
}

/* ---- pause ---- */

/* Takes one byte at a time and pauses: the rest is shown when reading goes on, though nothing new comes. */
static size_t sip(struct world *w, conn_id conn, struct span input) {
  w->net->ops->pause(w->net, conn, true);
  w->step++;
  w->bytes++;
  w->wake = w->now.mono_ms;
  CU_ASSERT(input.len == 6 - w->step);
  return 1;
}
static void unpause(struct world *w) {
  if (w->accepted > 0) w->net->ops->pause(w->net, w->last_accepted, false);
}
static bool sipped(struct world *w) { return w->bytes == 5; }

static void test_pause(void) {
  struct world w;
  world_init(&w, NULL, NULL);
  int fd = raw_connect(w.port);
  CU_ASSERT(raw_send(fd, "drink", 5));
  w.on_bytes = sip;
  w.on_turn = unpause;
  w.done = sipped;
  world_run(&w);
  CU_ASSERT(w.step == 5);
  close(fd);
  world_fini(&w);
}

static void pause_event(struct world *w, const struct net_event *event) {
  if (event->kind == NET_ACCEPTED) w->net->ops->pause(w->net, event->conn, true);
}
static void unpause_later(struct world *w) {
  if (w->accepted == 0) return;
  if (w->step++ < 5) {
    CU_ASSERT(w->bytes == 0);
    w->wake = w->now.mono_ms + 5;
  } else {
    w->net->ops->pause(w->net, w->last_accepted, false);
  }
}

static void test_pause_reads_nothing(void) {
  struct world w;
  world_init(&w, NULL, NULL);
  int fd = raw_connect(w.port);
  CU_ASSERT(raw_send(fd, "drink", 5));
  w.on_event = pause_event;
  w.on_turn = unpause_later;
  w.done = sipped;
  world_run(&w);
  close(fd);
  world_fini(&w);
}

const struct test net_tests[] = {
    {"split_frames", test_split_frames},
    {"crowd", test_crowd},
    {"slow_reader", test_slow_reader},
    {"big_frame", test_big_frame},
    {"input_limit", test_input_limit},
    {"outbox_overflow", test_outbox_overflow},
    {"connection_limit", test_connection_limit},
    {"out_of_descriptors", test_out_of_descriptors},
    {"broken", test_broken},
    {"close_sends_all", test_close_sends_all},
    {"ids_are_new", test_ids_are_new},
    {"reset", test_reset},
    {"connect_refused", test_connect_refused},
    {"connect_timeout", test_connect_timeout},
    {"connect_name", test_connect_name},
    {"connect_abandoned", test_connect_abandoned},
    {"listen", test_listen},
    {"pause", test_pause},
    {"pause_reads_nothing", test_pause_reads_nothing},
    {NULL, NULL},
};
