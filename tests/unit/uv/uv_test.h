/* SPDX-License-Identifier: Apache-2.0
 *
 * uv_test: a small node whose reactions a test chooses, and plain blocking
 * sockets to talk to it from threads.
 */
#ifndef TESTS_UV_TEST_H
#define TESTS_UV_TEST_H

#include "host/uv/loop.h"
#include "host/uv/thread_uv.h"
#include "tests/harness.h"

#define WORLD_LIMIT_MS 30000 /* a test that takes so long has failed */

struct world {
  struct node node;
  struct uv_host *host;
  struct net *net;
  struct disk *disk;
  uint16_t port;
  /* the test's reactions; NULL: events are counted, bytes are swallowed */
  void (*on_event)(struct world *w, const struct net_event *event);
  size_t (*on_bytes)(struct world *w, conn_id conn, struct span input);
  void (*on_turn)(struct world *w);
  bool (*done)(struct world *w);
  /* what happened */
  unsigned accepted, connected, closed, bytes_calls, turns;
  size_t bytes;
  conn_id last_accepted, last_connected, last_closed;
  struct net_peer last_peer;
  char reason[128];
  uint64_t token;
  unsigned synced;
  enum status sync_status;
  int64_t wake; /* the next turn's answer; TIME_NEVER */
  int64_t deadline;
  bool timed_out;
  struct moment now;
  void *context;
  size_t step;
};

/* Listens on 127.0.0.1 too. */
void world_init(struct world *w, const struct uv_host_config *config, struct log *log);
void world_fini(struct world *w);
/* Runs until done(w) or the limit; false then (already asserted). */
bool world_run(struct world *w);
/* Echoes everything that came through the listener. */
size_t world_echo(struct world *w, conn_id conn, struct span input);
/* One frame: u32 length, then as many bytes. Echoes whole frames only. */
size_t world_echo_frames(struct world *w, conn_id conn, struct span input);

int raw_connect(uint16_t port);
bool raw_send(int fd, const void *bytes, size_t len);
/* Reads exactly len; false at end of stream or error. */
bool raw_receive(int fd, void *out, size_t len);
/* True: the peer closed in good order. */
bool raw_at_end(int fd);

/* Runs fn(arg) on another thread. */
pthread_t raw_thread(void *(*fn)(void *), void *arg);

/* A fresh directory below the current one; removed with world_rmdir. */
const char *temp_dir(void);
void temp_dir_remove(void);
/* Static text: temp_dir()/name. */
const char *temp_path(const char *name);

extern const struct test disk_tests[], log_tests[], loop_tests[], net_tests[], outbox_tests[], thread_tests[];

#endif
