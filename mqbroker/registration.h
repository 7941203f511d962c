/* SPDX-License-Identifier: Apache-2.0
 *
 * registration: keeps every name server informed of this broker and its
 * topics: at start, every registerNameServerPeriod, at once when a topic
 * changed, and again soon after a failure. Agrees with
 * org.apache.rocketmq.broker.out.BrokerOuterAPI.registerBrokerAll.
 */
#ifndef MQBROKER_REGISTRATION_H
#define MQBROKER_REGISTRATION_H

#include "core/remoting/remoting.h"

struct broker;

#define NAME_SERVERS_MAX 16

struct name_server {
  struct call call;
  struct broker *broker;
  char addr[128];
  int64_t due_ms;     /* next registration, monotonic */
  bool registered;    /* the last answer was yes */
  bool reported;      /* the state has been told in the log */
  bool asking;        /* the call out is QUERY_DATA_VERSION */
  bool again;         /* something changed while a call was out */
  char master[128], ha_master[128]; /* of the broker with our name and id 0; empty: it knows none */
  uint64_t told, telling; /* changes of the topic table that it knows, and will know by the call that is out */
  int64_t whole_ms;       /* the whole table was sent last, monotonic */
  int32_t perm_told;      /* brokerPermission */
};

struct registration {
  struct broker *broker;
  struct name_server servers[NAME_SERVERS_MAX];
  size_t count;
  char address[64];    /* brokerIP1:listenPort */
  char ha_address[64];
  struct call probe; /* of our own advertised address */
  bool probed;
  bool hurry; /* something changed: register in this turn */
  bool left;
};

/* servers: "host:port;host:port" or NULL. INVALID with a sentence in why. */
enum status registration_init(struct registration *r, struct broker *b, const char *servers, struct moment now,
                              struct buf *why) MUST_USE;
/* Everything due; returns the next wake time. */
int64_t registration_turn(struct registration *r, struct moment now);
/* The connection to addr closed: a name server that was restarted knows nothing of us, so it is not left waiting
 * for the next period (Java's is). */
void registration_closed(struct registration *r, const char *addr, struct moment now);
/* This broker is somebody else now, and says so to all at once. */
void registration_role_changed(struct registration *r);
/* Who is the master now? The answers tell (slave_sync_master_is). */
void registration_ask(struct registration *r);
/* One-way farewell to every name server. */
void registration_leave(struct registration *r, struct moment now);

#endif
