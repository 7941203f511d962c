/* SPDX-License-Identifier: Apache-2.0
 *
 * client: the ground floor of libmqclient, without I/O and on one thread. It
 * owns the connections, the name server list, the route table and the
 * heartbeats, and wakes its members (producers and consumers) for their
 * periodic work. It embeds struct node, so it lives in host/uv and in
 * host/sim alike. Agrees with
 * org.apache.rocketmq.client.impl.factory.MQClientInstance.
 */
#ifndef MQCLIENT_CLIENT_H
#define MQCLIENT_CLIENT_H

#include "core/base/log.h"
#include "core/base/prng.h"
#include "core/port/disk.h"
#include "core/port/node.h"
#include "core/remoting/remoting.h"
#include "core/wire/bodies.h"
#include "libmqclient/name_servers.h"
#include "libmqclient/route.h"
#include "mqclient/error.h"

struct client;
struct transaction_question;

struct client_config {
  const char *name_servers;     /* "host:port;host:port" */
  const char *client_id;        /* clientIP@instanceName */
  const char *create_topic_key; /* topic whose route a new topic takes; TBW102 */
  int default_topic_queues;     /* 4 */
  int poll_name_server_ms;      /* 30000 */
  int heartbeat_ms;             /* 30000 */
  int persist_offsets_ms;       /* 5000 */
  int rebalance_ms;             /* 20000 */
  enum serialize serialize;     /* of requests: ROCKETMQ */
};
void client_config_default(struct client_config *c);

/* Time-outs of calls that no setting governs (MQClientInstance, MQClientAPIImpl). */
enum {
  ROUTE_TIMEOUT_MS = 3000,
  HEARTBEAT_TIMEOUT_MS = 3000,
  UNREGISTER_TIMEOUT_MS = 3000,
  CONSUMER_LIST_TIMEOUT_MS = 3000,
  OFFSET_TIMEOUT_MS = 5000,
  SEND_BACK_TIMEOUT_MS = 5000,
  LOCK_TIMEOUT_MS = 1000,
  CHECK_CLIENT_TIMEOUT_MS = 3000
};

/* Work at a time. In the client's heap from job_add to job_remove, so that job_at cannot fail. */
struct job {
  struct timer timer;
  void (*run)(struct job *job, struct moment now);
};

/* A producer or consumer group. */
struct member {
  const struct member_ops *ops;
  const char *group; /* owned by the member */
  bool consumer;     /* consumers heartbeat to slaves too */
  struct member *next;
};

struct member_ops {
  /* Adds its group to out; the arrays have room for one more of each kind. */
  enum status (*describe)(struct member *m, struct heartbeat *out, struct arena *arena);
  /* The rest may be NULL. */
  void (*route_changed)(struct member *m, struct route *route, struct moment now);
  void (*rebalance)(struct member *m, struct moment now);
  void (*persist)(struct member *m, struct moment now);
  /* A broker of this name took our heartbeat for the first time since it (re)connected. */
  void (*greeted)(struct member *m, struct moment now);
  /* A broker asks how a transaction of the group ended. */
  void (*asked)(struct member *m, const struct transaction_question *question, struct moment now);
};

struct client {
  struct node node; /* first: what the host drives */
  struct client_config config; /* strings owned */
  struct net *net;
  struct disk *disk;
  struct log *log;
  struct prng prng;
  struct remoting *remoting;
  struct timers timers;
  struct name_servers name_servers;
  struct route_table routes;
  struct member *members;
  struct job poll, heartbeat, persist, rebalance;
  int64_t polled_ms;    /* last start of a route poll */
  int64_t rebalanced_ms;
  struct buf body;      /* bodies of requests being built */
  struct arena scratch; /* one incoming body */
  bool started;
};

/* Borrows net, disk, log (log may be NULL); copies config. disk is used for local offsets only. */
enum status client_new(const struct client_config *config, struct net *net, struct disk *disk, struct log *log,
                       uint64_t seed, struct client **out) MUST_USE;
/* Members must be gone. Connections are closed. */
void client_free(struct client *c, struct moment now);
enum status client_start(struct client *c, struct moment now) MUST_USE;

/* EXISTS: a member with this group and kind is there. */
enum status client_add(struct client *c, struct member *m, struct moment now) MUST_USE;
void client_remove(struct client *c, struct member *m);

enum status job_add(struct client *c, struct job *job, void (*run)(struct job *job, struct moment now)) MUST_USE;
void job_at(struct client *c, struct job *job, int64_t due_ms); /* TIME_NEVER: not until told */
void job_remove(struct client *c, struct job *job);

/* remoting_call and remoting_oneway to a server, without looking up its address when it is connected. */
enum status client_call(struct client *c, const struct server *s, const struct request_out *request, int timeout_ms,
                        struct call *call, struct moment now) MUST_USE;
enum status client_oneway(struct client *c, const struct server *s, const struct request_out *request,
                          struct moment now) MUST_USE;

/* Heartbeats to every broker now. */
void client_heartbeat(struct client *c, struct moment now);
/* Heartbeats to those servers that no heartbeat went to yet. */
void client_greet_new(struct client *c, struct moment now);
/* The topics' routes are asked for again, once, soon. */
void client_poll_soon(struct client *c, struct moment now);
/* The same, no later than delay_ms from now. */
void client_poll_within(struct client *c, int delay_ms, struct moment now);
/* All consumers rebalance in the next turn. */
void client_rebalance_soon(struct client *c, struct moment now);

/* A group's farewell (UNREGISTER_CLIENT, 35) to every broker we talked to; done runs once all have answered or their
 * time is over, never inside this call. */
struct farewell {
  void (*done)(struct farewell *f, struct moment now);
  struct client *client;
  size_t pending;
  struct job job;
};
enum status client_unregister(struct client *c, const struct member *m, struct farewell *f, int timeout_ms,
                              struct moment now) MUST_USE;

/* Fills e; text by printf. Returns result. */
enum mq_result error_set(struct mq_error *e, enum mq_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Of a call that got no answer; peer names who did not answer. */
enum mq_result error_of_status(struct mq_error *e, enum status status, const char *peer);
/* Of an answer with a code other than SUCCESS. */
enum mq_result error_of_reply(struct mq_error *e, const struct command *reply);

#endif
