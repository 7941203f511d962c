/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/bytes.h"
#include "tests/unit/uv/uv_test.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct world *world_of(struct node *node) { return (struct world *)node; }

static void node_connection(struct node *node, const struct net_event *event, struct moment now) {
  struct world *w = world_of(node);
  w->now = now;
  if (event->kind == NET_ACCEPTED) {
    w->accepted++;
    w->last_accepted = event->conn;
    w->last_peer = event->peer;
  } else if (event->kind == NET_CONNECTED) {
    w->connected++;
    w->last_connected = event->conn;
    w->last_peer = event->peer;
  } else {
    w->closed++;
    w->last_closed = event->conn;
    snprintf(w->reason, sizeof w->reason, "%s", event->reason);
  }
  if (w->on_event != NULL) w->on_event(w, event);
}

static size_t node_bytes(struct node *node, conn_id conn, struct span input, struct moment now) {
  struct world *w = world_of(node);
  w->now = now;
  w->bytes_calls++;
  if (w->on_bytes != NULL) return w->on_bytes(w, conn, input);
  w->bytes += input.len;
  return input.len;
}

static void node_synced(struct node *node, uint64_t token, enum status status, struct moment now) {
  struct world *w = world_of(node);
  w->now = now;
  w->token = token;
  w->sync_status = status;
  w->synced++;
}

static int64_t node_turn(struct node *node, struct moment now) {
  struct world *w = world_of(node);
  w->now = now;
  w->turns++;
  if (w->deadline == 0) w->deadline = now.mono_ms + WORLD_LIMIT_MS;
  if (w->on_turn != NULL) w->on_turn(w);
  w->timed_out = now.mono_ms >= w->deadline;
  if (w->timed_out || (w->done != NULL && w->done(w))) uv_host_stop(w->host);
  int64_t wake = w->wake;
  w->wake = TIME_NEVER;
  return wake < w->deadline ? wake : w->deadline;
}

void world_init(struct world *w, const struct uv_host_config *config, struct log *log) {
  static const struct node_ops ops = {node_connection, node_bytes, node_synced, node_turn};
  memset(w, 0, sizeof *w);
  w->node.ops = &ops;
  w->wake = TIME_NEVER;
  w->host = uv_host_new(config, log);
  CU_ASSERT_FATAL(w->host != NULL);
  w->net = uv_host_net(w->host);
  w->disk = uv_host_disk(w->host);
  uv_host_attach(w->host, &w->node);
  CU_ASSERT_FATAL(w->net->ops->listen(w->net, "127.0.0.1", 0, 7, &w->port, NULL) == STATUS_OK);
}

void world_fini(struct world *w) { uv_host_free(w->host); }

bool world_run(struct world *w) {
  w->deadline = 0;
  uv_host_run(w->host);
  CU_ASSERT(!w->timed_out);
  return !w->timed_out;
}

size_t world_echo(struct world *w, conn_id conn, struct span input) {
  w->net->ops->send(w->net, conn, input);
  w->bytes += input.len;
  return input.len;
}

size_t world_echo_frames(struct world *w, conn_id conn, struct span input) {
  size_t used = 0;
  while (input.len - used >= 4) {
    size_t len = (size_t)4 + get_u32(input.ptr + used);
    if (input.len - used < len) break;
    w->net->ops->send(w->net, conn, span_of(input.ptr + used, len));
    used += len;
    w->step++;
  }
  w->bytes += used;
  return used;
}

int raw_connect(uint16_t port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct timeval limit = {WORLD_LIMIT_MS / 1000, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0) return fd;
  close(fd);
  return -1;
}

bool raw_send(int fd, const void *bytes, size_t len) {
  const char *p = bytes;
  while (len > 0) {
    ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
    if (n <= 0) return false;
    p += n;
    len -= (size_t)n;
  }
  return true;
}

bool raw_receive(int fd, void *out, size_t len) {
  char *p = out;
  while (len > 0) {
    ssize_t n = recv(fd, p, len, 0);
    if (n <= 0) return false;
    p += n;
    len -= (size_t)n;
  }
  return true;
}

bool raw_at_end(int fd) {
  char byte;
  return recv(fd, &byte, 1, 0) == 0;
}

pthread_t raw_thread(void *(*fn)(void *), void *arg) {
  pthread_t thread;
  int r = pthread_create(&thread, NULL, fn, arg);
  CU_ASSERT_FATAL(r == 0);
  return thread;
}

/* ---- a directory ---- */

static char directory[256];

const char *temp_dir(void) {
  snprintf(directory, sizeof directory, "uv-test-XXXXXX");
  CU_ASSERT_FATAL(mkdtemp(directory) != NULL);
  return directory;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
  (void)st, (void)kind, (void)ftw;
  return remove(path);
}

void temp_dir_remove(void) { CU_ASSERT(nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0); }

const char *temp_path(const char *name) {
  static char paths[4][512]; /* a few at a time */
  static unsigned at;
  char *path = paths[at++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", directory, name);
  return path;
}
