/* SPDX-License-Identifier: Apache-2.0
 *
 * tap: sits between a client and its network and counts: every response
 * answers a request of this connection that was not answered before.
 */
#ifndef TESTS_SIM_TAP_H
#define TESTS_SIM_TAP_H

#include "core/base/buf.h"
#include "core/port/node.h"
#include "tests/sim/ledger.h"

struct tap_conn;

struct tap {
  struct net net;   /* given to the client */
  struct node node; /* given to the host */
  struct net *real_net;
  struct node *real_node;
  struct ledger *ledger;
  const char *name;
  struct tap_conn *conns;
};

void tap_init(struct tap *t, struct net *net, struct ledger *ledger, const char *name);
/* The client is made with &t->net, then: */
void tap_set_node(struct tap *t, struct node *node);
void tap_fini(struct tap *t);

#endif
