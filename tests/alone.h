/* SPDX-License-Identifier: Apache-2.0
 *
 * alone: what a node says to a network when the room under test has none, and a
 * log that goes to the test's output.
 */
#ifndef TESTS_ALONE_H
#define TESTS_ALONE_H

#include "core/base/log.h"
#include "core/port/node.h"

/* For struct node_ops: nobody connects, and bytes that come are dropped. */
void alone_connection(struct node *node, const struct net_event *event, struct moment now);
size_t alone_bytes(struct node *node, conn_id conn, struct span input, struct moment now);
/* Silent, unless RIG_LOG is in the environment. */
struct log alone_log(void);

#endif
