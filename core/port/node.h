/* SPDX-License-Identifier: Apache-2.0
 *
 * node: a program as its host sees it. The host (host/uv or host/sim) calls
 * connection() and bytes() as things arrive, then turn() once per loop
 * iteration, then flushes what was sent. A node never blocks on the network,
 * never reads a clock and owns no timer: turn() answers when it wants to be
 * woken.
 */
#ifndef MQ_PORT_NODE_H
#define MQ_PORT_NODE_H

#include "core/base/moment.h"
#include "core/base/timers.h" /* TIME_NEVER */
#include "core/port/net.h"

#define NODE_BYTES_BROKEN SIZE_MAX

struct node {
  const struct node_ops *ops;
};

struct node_ops {
  void (*connection)(struct node *node, const struct net_event *event, struct moment now);
  /* All unconsumed input of a connection. Returns how many bytes were used; the rest is shown again,
   * with more behind it. NODE_BYTES_BROKEN: the peer speaks nonsense, the host closes the connection
   * (the node logs why and gets no NET_CLOSED). */
  size_t (*bytes)(struct node *node, conn_id conn, struct span input, struct moment now);
  /* Answer to disk_ops.sync_start. May be NULL if the node never calls it. */
  void (*synced)(struct node *node, uint64_t token, enum status status, struct moment now);
  /* One turn of work. Returns the monotonic ms at which the node wants the next turn at the latest
   * (TIME_NEVER: only when something arrives). */
  int64_t (*turn)(struct node *node, struct moment now);
};

#endif
