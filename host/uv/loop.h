/* SPDX-License-Identifier: Apache-2.0
 *
 * loop: the real world. A uv_host carries one node (core/port/node.h) on a
 * libuv loop and gives it sockets (net) and files (disk). Everything that is
 * not repeatable (time, chance, disk, network, threads) lives in this folder.
 *
 * One iteration: sockets are read and shown to node.bytes, posts run, then one
 * node.turn, then every outbox leaves with one gathered write per connection,
 * then one timer is armed for the wake time the turn answered. Nothing
 * happened: no turn, and the thread sleeps.
 *
 * All calls belong to the thread that runs uv_host_run (or to any one thread
 * while the loop does not run), except where "any thread" is said.
 */
#ifndef MQ_UV_LOOP_H
#define MQ_UV_LOOP_H

#include "core/base/log.h"
#include "core/base/moment.h"
#include "core/port/disk.h"
#include "core/port/net.h"
#include "core/port/node.h"

struct uv_host;

struct uv_host_config {
  size_t connections_max; /* both directions; accepted ones beyond it are closed at once */
  size_t input_max;       /* unconsumed input of one connection; must pass the greatest frame */
  size_t outbox_max;      /* bytes waiting for one peer; beyond it the connection is closed */
  int close_timeout_ms;   /* how long close() may wait for a peer that does not take the last bytes */
};
void uv_host_config_default(struct uv_host_config *config);

/* config NULL: the defaults. log may be NULL; borrowed until uv_host_free. NULL: out of memory or descriptors. */
struct uv_host *uv_host_new(const struct uv_host_config *config, struct log *log);
/* Closes every connection and file lock of the host. Not while it runs. Waits for name look-ups and
 * syncs under way; their answers are dropped. The node is not told. NULL is allowed. */
void uv_host_free(struct uv_host *h);

struct net *uv_host_net(struct uv_host *h);
struct disk *uv_host_disk(struct uv_host *h);
/* The node that lives here; before the first run. */
void uv_host_attach(struct uv_host *h, struct node *node);

/* Runs turns until uv_host_stop; may be called again afterwards. */
void uv_host_run(struct uv_host *h);
/* Any thread, also before the run (then it returns at once). What the last turn sent is still offered
 * to the kernel. */
void uv_host_stop(struct uv_host *h);

/* The same on a thread of its own. */
enum status uv_host_start(struct uv_host *h) MUST_USE;
/* Waits until that thread has left uv_host_run. */
void uv_host_join(struct uv_host *h);
/* Any thread: does the caller run on the loop's thread? False when the loop does not run. */
bool uv_host_is_loop_thread(struct uv_host *h);

/* Something to do on the loop's thread; owned by the caller, zeroed before its first use. */
struct uv_post {
  struct uv_post *next;
  void (*fn)(void *arg);
  void *arg;
  bool queued;
};
/* Any thread. fn(arg) runs on the loop's thread before the next turn, in the order of posting; it may
 * post again and may free the post. A post that already waits is not queued twice (false). */
bool uv_host_post(struct uv_host *h, struct uv_post *post, void (*fn)(void *arg), void *arg);

/* Any thread. On the loop's thread a turn's own `now` may be a little older. */
struct moment uv_host_now(struct uv_host *h);

/* fn(arg, signum) runs on the loop's thread. LIMIT: too many; INVALID: not a catchable signal. */
enum status uv_host_on_signal(struct uv_host *h, int signum, void (*fn)(void *arg, int signum), void *arg) MUST_USE;
/* For programs: a closed stdout or stderr is an error, not a death. Sockets never raise SIGPIPE. */
void uv_host_ignore_sigpipe(void);

struct uv_host_stats {
  uint64_t turns;
  uint64_t reads, bytes_in;   /* receive calls that gave bytes */
  uint64_t writes, bytes_out; /* send calls that took bytes */
  uint64_t blocked_writes;    /* send calls that left something behind */
  uint64_t accepted, refused; /* refused: beyond connections_max */
  uint64_t posts, syncs;
  size_t connections;
};
void uv_host_stats(const struct uv_host *h, struct uv_host_stats *out);

#endif
