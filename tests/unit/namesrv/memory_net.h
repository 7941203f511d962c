/* SPDX-License-Identifier: Apache-2.0
 *
 * memory_net: the net port for one node under test. The test plays all peers:
 * it opens and closes connections and takes what the node sent.
 */
#ifndef TESTS_NAMESRV_MEMORY_NET_H
#define TESTS_NAMESRV_MEMORY_NET_H

#include "core/base/buf.h"
#include "core/port/net.h"

struct memory_conn {
  struct buf out; /* what the node sent and the test has not taken */
  bool open;
};

struct memory_net {
  struct net net; /* first */
  struct memory_conn *conns; /* by conn_id; 0 unused */
  conn_id last;
  bool listening;
  uint16_t port;
  bool refuse_listen;
};

void memory_net_init(struct memory_net *m);
void memory_net_fini(struct memory_net *m);
conn_id memory_net_open(struct memory_net *m); /* 0: out of memory */

#endif
