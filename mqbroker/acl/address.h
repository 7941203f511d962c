/* SPDX-License-Identifier: Apache-2.0
 *
 * address: the patterns of white lists. "*", one address, a list "a,b" or
 * "1.2.3.{4,5}", a range "1.2.3-5.*" or "2001:db8:*"; IPv4 and IPv6. Agrees with
 * org.apache.rocketmq.acl.plain.RemoteAddressStrategyFactory, quirks included:
 * what stands behind the first range says nothing ("1.2.*.7" is "1.2.*.*").
 */
#ifndef MQBROKER_ACL_ADDRESS_H
#define MQBROKER_ACL_ADDRESS_H

#include "core/base/arena.h"
#include "core/base/status.h"
#include "core/port/net.h"

/* The first `used` parts of an address lie between first and last; the others are free. */
struct address_range {
  uint8_t ip_len; /* 4: parts are bytes; 16: parts are words */
  uint8_t used;
  uint16_t first[8], last[8];
};

struct address_pattern {
  bool all;
  struct address_range *ranges; /* none: nobody */
  size_t count;
};

/* INVALID with *why (static text). Patterns with which Java throws at each request are refused here. */
enum status address_parse(struct span text, struct arena *arena, struct address_pattern *out,
                          const char **why) MUST_USE;
/* An IPv4 address that came through an IPv6 socket is an IPv4 address. */
bool address_matches(const struct address_pattern *pattern, const struct net_peer *peer);

#endif
