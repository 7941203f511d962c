/* SPDX-License-Identifier: Apache-2.0
 *
 * clients: who is connected: producer groups and consumer groups with their
 * members, subscriptions and last heartbeats. Agrees with
 * org.apache.rocketmq.broker.client.{ProducerManager,ConsumerManager,ConsumerGroupInfo}.
 */
#ifndef MQBROKER_STATE_CLIENTS_H
#define MQBROKER_STATE_CLIENTS_H

#include "core/base/arena.h"
#include "core/base/map.h"
#include "core/base/moment.h"
#include "core/port/net.h"
#include "core/wire/bodies.h"

#include <sys/queue.h>

struct client_group;

/* One connection's membership in one group. */
struct member {
  conn_id conn;
  struct span client_id; /* owned */
  int32_t language;
  int32_t version;
  int64_t seen_ms; /* monotonic, of the last heartbeat */
  struct client_group *group;
  TAILQ_ENTRY(member) in_group;
  LIST_ENTRY(member) in_conn;
};
TAILQ_HEAD(member_list, member);

/* A consumer group's interest in one topic. Owns its texts. */
struct subscription {
  struct span topic, expression, expression_type;
  int64_t version; /* ms; pulls with a newer one are told to wait */
  int32_t *codes;  /* Java hashes of the tags; none: every message */
  size_t code_count;
  struct span *tags;
  size_t tag_count;
  bool class_filter;
  bool mentioned; /* by the heartbeat being worked on */
};

struct client_group {
  struct span name; /* owned */
  bool consumers;   /* else producers */
  struct member_list members;
  size_t member_count;
  /* consumers only */
  int consume_type, message_model, consume_from;
  struct map subscriptions; /* topic -> struct subscription */
};

struct clients {
  struct map producers; /* group name -> struct client_group */
  struct map consumers;
  struct map producer_ids; /* client id -> struct member: of its newest producer connection */
  struct map conns; /* conn_id bytes -> struct conn_members */
  uint64_t seed;
};

void clients_init(struct clients *cs, uint64_t seed);
void clients_fini(struct clients *cs);

/* What a heartbeat or a lost connection did to a consumer group's membership. Also when its last member is gone: then
 * there is nobody in it, and it goes after the call. */
typedef void (*clients_changed)(void *context, struct client_group *group);

enum status clients_register_producer(struct clients *cs, struct span group, struct span client_id, conn_id conn,
                                      int32_t language, int32_t version, struct moment now) MUST_USE;
/* changed is called when a member or a subscription is new or gone. */
enum status clients_register_consumer(struct clients *cs, const struct consumer_data *data, struct span client_id,
                                      conn_id conn, int32_t language, int32_t version, struct moment now,
                                      clients_changed changed, void *context) MUST_USE;
/* group SPAN_NONE: nothing. changed runs while the group still exists. */
void clients_unregister_producer(struct clients *cs, struct span group, conn_id conn);
void clients_unregister_consumer(struct clients *cs, struct span group, conn_id conn, clients_changed changed,
                                 void *context);
/* The connection is gone: out of every group. */
void clients_drop_conn(struct clients *cs, conn_id conn, clients_changed changed, void *context);
/* Connections without a heartbeat since before_ms; each is closed by the caller. Returns their number, at
 * most cap. */
size_t clients_silent(struct clients *cs, int64_t before_ms, conn_id *out, size_t cap);

/* Where the producers of this client id are connected. False: nowhere. */
bool clients_producer_conn(const struct clients *cs, struct span client_id, conn_id *out);

/* NULL: no member is online. */
struct client_group *clients_consumers(const struct clients *cs, struct span group);
struct client_group *clients_producers(const struct clients *cs, struct span group);
struct subscription *client_group_subscription(const struct client_group *g, struct span topic);

#endif
