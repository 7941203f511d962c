/* SPDX-License-Identifier: Apache-2.0
 *
 * name_servers: which name server to ask. The list is shuffled once, then one
 * is kept until it fails. Agrees with
 * org.apache.rocketmq.remoting.netty.NettyRemotingClient.getAndCreateNameserverChannel.
 */
#ifndef MQCLIENT_NAME_SERVERS_H
#define MQCLIENT_NAME_SERVERS_H

#include "core/base/prng.h"
#include "core/base/span.h"
#include "core/base/status.h"

struct name_servers {
  char **addresses;
  size_t count;
  size_t current;
};

/* text: "host:port;host:port". INVALID when it holds no address. */
enum status name_servers_init(struct name_servers *n, const char *text, struct prng *prng) MUST_USE;
void name_servers_fini(struct name_servers *n);
const char *name_servers_current(const struct name_servers *n);
/* The one that failed is left, unless somebody did so already. */
void name_servers_failed(struct name_servers *n, const char *address);

#endif
