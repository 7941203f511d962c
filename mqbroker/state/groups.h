/* SPDX-License-Identifier: Apache-2.0
 *
 * groups: consumer group settings and their file config/subscriptionGroup.json.
 * Agrees with org.apache.rocketmq.broker.subscription.SubscriptionGroupManager.
 */
#ifndef MQBROKER_STATE_GROUPS_H
#define MQBROKER_STATE_GROUPS_H

#include "core/base/log.h"
#include "core/base/map.h"
#include "core/base/moment.h"
#include "core/port/disk.h"
#include "core/wire/bodies.h"

struct group { /* SubscriptionGroupConfig */
  struct span name; /* owned */
  bool consume_enable;
  bool consume_from_min_enable;
  bool consume_broadcast_enable;
  bool notify_ids_changed;
  int32_t retry_queues;
  int32_t retry_max_times;
  int64_t broker_id;
  int64_t which_broker_when_slow;
};

struct groups {
  struct map table; /* name -> struct group */
  struct data_version version;
  char path[DISK_PATH_MAX];
  bool dirty;
  size_t limit;
  /* As struct topics. */
  void (*changed)(void *context, struct span name);
  void *context;
};

enum status groups_init(struct groups *gs, const char *root, size_t limit, uint64_t seed) MUST_USE;
void groups_fini(struct groups *gs);
enum status groups_load(struct groups *gs, struct disk *disk, struct log *log) MUST_USE;
enum status groups_save(struct groups *gs, struct disk *disk) MUST_USE;

/* The seven groups every broker has (SubscriptionGroupManager.init). */
enum status groups_put_builtin(struct groups *gs) MUST_USE;
struct group *groups_find(const struct groups *gs, struct span name);
/* findSubscriptionGroupConfig: made with defaults on first use when auto_create. NULL: does not exist. */
struct group *groups_find_or_create(struct groups *gs, struct span name, bool auto_create, struct moment now,
                                    struct log *log);
/* From the JSON body of UPDATE_AND_CREATE_SUBSCRIPTIONGROUP. */
enum status groups_put(struct groups *gs, const struct json *config, struct moment now) MUST_USE;
/* A slave takes its master's table (as groups_write writes it) as it is, version included. */
void groups_take(struct groups *gs, const struct json *root, struct log *log);
/* As groups_take, but it holds only what changed. */
void groups_add(struct groups *gs, const struct json *root, struct log *log);
void groups_drop(struct groups *gs, struct span name);
bool groups_remove(struct groups *gs, struct span name, struct moment now);
/* {"dataVersion":..,"subscriptionGroupTable":{..}} */
void groups_write(const struct groups *gs, struct json_writer *w);
/* The same with one group only. */
void groups_write_one(const struct groups *gs, struct span name, struct json_writer *w);

#endif
