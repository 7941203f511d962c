/* SPDX-License-Identifier: Apache-2.0
 *
 * topics: the topic table and its file config/topics.json. Agrees with
 * org.apache.rocketmq.broker.topic.TopicConfigManager.
 *
 * A change marks the table dirty; the turn saves it before anybody is answered.
 */
#ifndef MQBROKER_STATE_TOPICS_H
#define MQBROKER_STATE_TOPICS_H

#include "core/base/log.h"
#include "core/base/map.h"
#include "core/base/moment.h"
#include "core/port/disk.h"
#include "core/wire/bodies.h"

struct topic {
  struct span name; /* owned, NUL-terminated; never changes */
  int32_t read_queues;
  int32_t write_queues;
  int32_t perm;
  int32_t sys_flag;
  bool multi_tag;
  bool order;
  uint64_t changed; /* `changes` of the table at its last change */
  uint64_t created; /* and when it was made; 0: it was in the file */
};

struct topics {
  struct map table;   /* name -> struct topic */
  struct map systems; /* names made at start: set, values are not NULL */
  struct data_version version;
  uint64_t changes; /* counts */
  uint64_t saved;   /* those that the file has */
  char path[DISK_PATH_MAX];
  bool dirty; /* differs from the file */
  size_t limit;
};

#define AUTO_CREATE_TOPIC "TBW102"
#define RETRY_TOPIC_PREFIX "%RETRY%"
#define DLQ_TOPIC_PREFIX "%DLQ%"
#define SCHEDULE_TOPIC "SCHEDULE_TOPIC_XXXX"

enum status topics_init(struct topics *ts, const char *root, size_t limit, uint64_t seed) MUST_USE;
void topics_fini(struct topics *ts);
/* Reads the file (or its .bak) over what is there. A missing file is OK; CORRUPT with a log line if neither can be read. */
enum status topics_load(struct topics *ts, struct disk *disk, struct log *log) MUST_USE;
enum status topics_save(struct topics *ts, struct disk *disk) MUST_USE; /* clears dirty on success */

/* The file does not name it yet: a crash would forget it, and with it where its messages are. */
static inline bool topics_unsaved(const struct topics *ts, const struct topic *t) { return t->created > ts->saved; }

struct topic *topics_find(const struct topics *ts, struct span name);
/* Creates or changes one; the version moves on. INVALID name, LIMIT, NO_MEMORY. */
enum status topics_put(struct topics *ts, const struct topic_config *config, struct moment now) MUST_USE;
/* A topic that exists from the start: no version change, and cannot be deleted. */
enum status topics_put_system(struct topics *ts, const char *name, int32_t queues, int32_t perm) MUST_USE;
bool topics_is_system(const struct topics *ts, struct span name);
bool topics_remove(struct topics *ts, struct span name, struct moment now);

/* createTopicInSendMessageMethod: from default_topic if that may be inherited. NULL: cannot. */
struct topic *topics_create_for_send(struct topics *ts, struct span name, struct span default_topic,
                                     int32_t queues, int32_t sys_flag, bool auto_create, struct moment now,
                                     struct log *log);
/* createTopicInSendMessageBackMethod: retry and dead-letter topics. */
struct topic *topics_create_plain(struct topics *ts, struct span name, int32_t queues, int32_t perm, int32_t sys_flag,
                                  struct moment now, struct log *log);
/* A slave takes its master's table as it is, version included; topics made at start stay. True: something changed. */
bool topics_take(struct topics *ts, const struct topic_table *table, struct log *log);
/* updateOrderTopicConfig: exactly the named topics are ordered ones. */
void topics_set_order(struct topics *ts, const struct pair *order, size_t count, struct moment now);

void topic_to_config(const struct topic *t, struct topic_config *out);
/* The topics that changed after `since` (0: all) in the arena, permissions limited to broker_perm (as registered with
 * name servers). */
enum status topics_snapshot(const struct topics *ts, uint64_t since, int32_t broker_perm, struct arena *arena,
                            struct topic_table *out) MUST_USE;

#endif
