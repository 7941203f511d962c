/* SPDX-License-Identifier: Apache-2.0
 *
 * routes: which topics live on which brokers, and where those brokers are. It
 * is told of registrations and of closed connections, forgets a broker whose
 * lease ran out, and answers route questions. It knows nothing of frames, of
 * headers or of other name servers.
 *
 * Invariant: a topic has at least one queue entry, every queue entry points to
 * a broker group that exists, and every name in a cluster is such a group.
 * Agrees with org.apache.rocketmq.namesrv.routeinfo.RouteInfoManager, whose
 * five tables are here: topicQueueTable (topics), brokerAddrTable (groups),
 * clusterAddrTable (clusters), brokerLiveTable and filterServerTable (live).
 *
 * Where Java leaves ghosts, nothing is left: an address that goes away is
 * taken out of every group it is in, and a group out of every cluster.
 */
#ifndef MQ_NAMESRV_ROUTES_H
#define MQ_NAMESRV_ROUTES_H

#include "core/base/log.h"
#include "core/base/map.h"
#include "core/base/moment.h"
#include "core/port/net.h"
#include "core/wire/bodies.h"

#define ROUTES_LEASE_MS 120000 /* RouteInfoManager.BROKER_CHANNEL_EXPIRED_TIME */
#define MASTER_ID 0            /* MixAll.MASTER_ID */
#define NODE_NAME_MAX 255      /* bytes of a broker name, cluster name or address */

struct routes_limits {
  size_t topics;
  size_t brokers; /* addresses; also broker names, clusters and addresses of one name */
};

/* All brokers of one name: a master and its slaves. */
struct broker_group {
  struct span name;
  struct span cluster; /* of its first registration */
  struct broker_address *addresses; /* by rising id; texts owned */
  size_t address_count;
  uint32_t mark; /* of the latest walk that found it, see routes.mark */
};

struct cluster {
  struct span name;
  struct map groups; /* broker name -> broker_group */
};

/* A registration body seen before: equal prints mean equal bytes (96 bits of two different sums). */
struct body_print {
  size_t length;
  uint32_t crc;
  uint64_t hash;
};

/* One broker process, by its address. */
struct broker_live {
  struct span address;
  conn_id conn;       /* that brought the latest registration */
  int64_t renewed_ms; /* monotonic */
  struct data_version version;
  bool version_known; /* false: the topics that belong to the version did not get in completely */
  struct body_print print;
  struct span ha_address;
  struct span *filter_servers;
  size_t filter_server_count;
};

struct topic_queue {
  struct broker_group *group;
  int32_t read_queues, write_queues;
  int32_t perm;
  int32_t sys_flag;
};

struct topic {
  struct topic_queue *queues;
  size_t count;
};

struct routes {
  struct map topics, groups, clusters, live;
  struct routes_limits limits;
  struct log *log;
  uint64_t seed;
  uint32_t mark;
};

void routes_init(struct routes *r, const struct routes_limits *limits, struct log *log, uint64_t seed);
void routes_fini(struct routes *r);

/* --- What brokers tell --- */

struct registration {
  struct span cluster, broker_name, address, ha_address;
  int64_t broker_id;
  conn_id conn;
  struct body_print print;
  /* Not used by routes_renew_unchanged: */
  const struct topic_table *topics;
  const struct span *filter_servers;
  size_t filter_server_count;
  bool keep_filter_servers; /* an old broker, which does not speak of them */
};

/* What a slave is told; spans borrowed until the next change. Both absent for a master. */
struct registered {
  struct span master_address, ha_address;
};

struct body_print body_print_of(struct span body, uint32_t crc);
/* True when this is, byte for byte, what the broker said last time: then only its lease was renewed. */
bool routes_renew_unchanged(struct routes *r, const struct registration *reg, struct registered *out,
                            struct moment now);
/* INVALID: a name or address nobody could use; LIMIT, NO_MEMORY: too much. *why says which (static text). */
enum status routes_register(struct routes *r, const struct registration *reg, struct registered *out,
                            const char **why, struct moment now) MUST_USE;
void routes_unregister(struct routes *r, struct span broker_name, struct span address, int64_t broker_id);
/* RouteInfoManager.onChannelDestroy, for every broker that registered over the connection. */
void routes_connection_closed(struct routes *r, conn_id conn);
/* Forgets one broker whose lease has run out and gives its connection; false: none is left. */
bool routes_expire_one(struct routes *r, conn_id *conn, struct moment now);
/* NULL: unknown broker, or its topics are not completely here. */
const struct data_version *routes_version(const struct routes *r, struct span address);
void routes_renew(struct routes *r, struct span address, struct moment now);
/* Takes the write permission of the broker's queues away; returns how many topics have such queues. */
int32_t routes_wipe_write(struct routes *r, struct span broker_name);
void routes_delete_topic(struct routes *r, struct span topic);

/* --- What is asked: everything in the arena or borrowed until the next change --- */

/* NOT_FOUND or NO_MEMORY. */
enum status routes_of_topic(const struct routes *r, struct span topic, struct arena *arena,
                            struct topic_route *out) MUST_USE;
enum status routes_cluster_info(const struct routes *r, struct arena *arena, struct cluster_info *out) MUST_USE;

struct names {
  struct span *names;
  size_t count;
};
enum status routes_all_topics(const struct routes *r, struct arena *arena, struct names *out) MUST_USE;
enum status routes_topics_of_cluster(struct routes *r, struct span cluster, struct arena *arena,
                                     struct names *out) MUST_USE;
/* Cluster and broker names; broker_address: any broker, which knows its own system topics. */
enum status routes_system_names(const struct routes *r, struct arena *arena, struct names *out,
                                struct span *broker_address) MUST_USE;

enum { TOPIC_UNIT = 1, TOPIC_UNIT_SUB = 2 }; /* TopicSysFlag */
/* Topics whose first queue entry has (flags & mask) == value. */
enum status routes_topics_by_flag(const struct routes *r, int32_t mask, int32_t value, struct arena *arena,
                                  struct names *out) MUST_USE;

#endif
