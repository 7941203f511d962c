/* SPDX-License-Identifier: Apache-2.0
 *
 * bodies: the JSON bodies that more than one program reads or writes, and the
 * compressed REGISTER_BROKER body. Readers put everything into the caller's
 * arena; lists are arrays with a count. Writers append to a buf (look at
 * buf.failed). Texts that were read borrow the body, or the arena where an escape
 * had to be undone. Agrees with org.apache.rocketmq.common.protocol.{body,route,heartbeat}.*.
 */
#ifndef MQ_WIRE_BODIES_H
#define MQ_WIRE_BODIES_H

#include "core/wire/json.h"

enum { PERM_INHERIT = 1, PERM_WRITE = 2, PERM_READ = 4, PERM_PRIORITY = 8 };

struct data_version {
  int64_t counter;
  int64_t timestamp; /* ms */
};
void data_version_write(struct json_writer *w, const struct data_version *v);
void data_version_read(const struct json *value, struct data_version *out);
void data_version_next(struct data_version *v, int64_t wall_ms);

struct topic_config {
  struct span name;
  int32_t read_queues;
  int32_t write_queues;
  int32_t perm;
  bool multi_tag; /* topicFilterType MULTI_TAG */
  int32_t sys_flag;
  bool order;
};
void topic_config_write(struct json_writer *w, const struct topic_config *t);
void topic_config_read(const struct json *value, struct topic_config *out);

struct topic_table { /* TopicConfigSerializeWrapper */
  struct data_version version;
  struct topic_config *topics;
  size_t count;
};
void topic_table_write(struct json_writer *w, const struct topic_table *t);
enum status topic_table_read(const struct json *value, struct arena *arena, struct topic_table *out) MUST_USE;

struct register_body { /* RegisterBrokerBody */
  struct topic_table topics;
  struct span *filter_servers;
  size_t filter_server_count;
};
void register_body_write(struct buf *out, const struct register_body *b, bool compressed);
enum status register_body_read(struct span body, bool compressed, struct arena *arena, struct register_body *out,
                               const char **why) MUST_USE;

struct broker_address {
  int64_t broker_id;
  struct span address;
};
struct broker_data {
  struct span cluster;
  struct span broker_name;
  struct broker_address *addresses;
  size_t address_count;
};
struct queue_data {
  struct span broker_name;
  int32_t read_queues;
  int32_t write_queues;
  int32_t perm;
  int32_t topic_syn_flag;
};
struct topic_route {            /* TopicRouteData */
  struct span order_topic_conf; /* SPAN_NONE: absent */
  struct queue_data *queues;
  size_t queue_count;
  struct broker_data *brokers;
  size_t broker_count;
  /* filterServerTable: address -> servers, as parallel arrays; usually empty. */
  struct span *filter_addresses;
  struct span **filter_servers;
  size_t *filter_server_counts;
  size_t filter_count;
};
/* standard_json: quote the integer keys (5.x clients say acceptStandardJsonOnly). */
void topic_route_write(struct buf *out, const struct topic_route *r, bool standard_json);
enum status topic_route_read(struct span body, struct arena *arena, struct topic_route *out, const char **why) MUST_USE;

struct cluster_info {          /* ClusterInfo */
  struct broker_data *brokers; /* brokerAddrTable */
  size_t broker_count;
  struct span *cluster_names;
  struct span **cluster_brokers;
  size_t *cluster_broker_counts;
  size_t cluster_count;
};
void cluster_info_write(struct buf *out, const struct cluster_info *c);
enum status cluster_info_read(struct span body, struct arena *arena, struct cluster_info *out,
                              const char **why) MUST_USE;

/* KVTable: {"table":{k:v}}. */
struct pair {
  struct span key, value;
};
void kv_table_write(struct buf *out, const struct pair *pairs, size_t count);
enum status kv_table_read(struct span body, struct arena *arena, struct pair **out, size_t *count,
                          const char **why) MUST_USE;

/* TopicList and the lists of its kind: {"brokerAddr":..,"topicList":[..]}, {"groupList":[..]}, {"consumerIdList":[..]}.
 */
void name_list_write(struct buf *out, const char *member, const struct span *names, size_t count,
                     struct span broker_addr);
enum status name_list_read(struct span body, const char *member, struct arena *arena, struct span **out, size_t *count,
                           const char **why) MUST_USE;

struct subscription_data {
  struct span topic;
  struct span sub_string;
  struct span expression_type; /* "TAG", "SQL92" */
  struct span *tags;
  size_t tag_count;
  int32_t *codes;
  size_t code_count;
  int64_t sub_version; /* ms */
  bool class_filter_mode;
};
void subscription_data_write(struct json_writer *w, const struct subscription_data *s);
enum status subscription_data_read(const struct json *value, struct arena *arena,
                                   struct subscription_data *out) MUST_USE;
/* FilterAPI.buildSubscriptionData: "A || B", "*" or empty. INVALID: nothing but bars. */
enum status subscription_parse(struct span topic, struct span expression, struct arena *arena,
                               struct subscription_data *out) MUST_USE;

enum consume_type { CONSUME_ACTIVELY, CONSUME_PASSIVELY };
enum message_model { MODEL_BROADCASTING, MODEL_CLUSTERING };
enum consume_from {
  CONSUME_FROM_LAST_OFFSET,
  CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST,
  CONSUME_FROM_MIN_OFFSET,
  CONSUME_FROM_MAX_OFFSET,
  CONSUME_FROM_FIRST_OFFSET,
  CONSUME_FROM_TIMESTAMP
};
extern const char *const consume_type_names[2];
extern const char *const message_model_names[2];
extern const char *const consume_from_names[6];

struct consumer_data {
  struct span group;
  int consume_type; /* -1 unknown */
  int message_model;
  int consume_from;
  struct subscription_data *subscriptions;
  size_t subscription_count;
  bool unit_mode;
};
struct heartbeat { /* HeartbeatData */
  struct span client_id;
  struct span *producer_groups;
  size_t producer_count;
  struct consumer_data *consumers;
  size_t consumer_count;
};
void heartbeat_write(struct buf *out, const struct heartbeat *h);
enum status heartbeat_read(struct span body, struct arena *arena, struct heartbeat *out, const char **why) MUST_USE;

struct message_queue {
  struct span topic;
  struct span broker_name;
  int32_t queue_id;
};
void message_queue_write(struct json_writer *w, const struct message_queue *q);
void message_queue_read(const struct json *value, struct message_queue *out);

#endif
