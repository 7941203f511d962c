/* SPDX-License-Identifier: Apache-2.0
 *
 * filters: which consumer group filters which topic by SQL, in
 * config/consumerFilter.json. Heartbeats bring the expressions; a group that
 * is gone leaves its filter behind, dead, for a day, because the extended queue
 * has the filter's bits and the group will come back. Agrees with
 * org.apache.rocketmq.broker.filter.{ConsumerFilterManager,ConsumerFilterData,CommitLogDispatcherCalcBitMap}.
 */
#ifndef MQBROKER_STATE_FILTERS_H
#define MQBROKER_STATE_FILTERS_H

#include "core/base/log.h"
#include "core/base/map.h"
#include "core/base/moment.h"
#include "core/filter/bloom.h"
#include "core/filter/sql.h"
#include "core/filter/sql_cache.h"
#include "core/port/disk.h"
#include "core/wire/bodies.h"

#include <sys/queue.h>

/* A group's filter of a topic (ConsumerFilterData). Owns its texts. */
struct filter {
  struct span group, topic, expression, expression_type;
  struct sql *program;    /* NULL: came from a file and does not compile; lets everything pass, as in Java */
  int64_t born_ms;        /* of this expression; records stored later carry its bits */
  int64_t dead_ms;        /* 0: alive */
  int64_t client_version; /* subVersion of the subscription */
  int32_t positions[BLOOM_HASHES_MAX];
  LIST_ENTRY(filter) of_group;
};

struct filters {
  struct map topics; /* topic -> struct topic_filters */
  struct map groups; /* group -> struct group_filters: a heartbeat of a group without any costs one look */
  struct bloom bloom;
  struct sql_limits limits;
  struct sql_cache cache; /* of expressions that come with a pull */
  size_t count, limit;
  uint64_t seed;
  char path[DISK_PATH_MAX];
  bool dirty;
};

/* INVALID: there is no Bloom filter with these numbers (maxErrorRateOfBloomFilter, expectConsumerNumUseFilter). */
enum status filters_init(struct filters *fs, const char *root, int32_t error_percent, int32_t expected, size_t limit,
                         uint64_t seed) MUST_USE;
void filters_fini(struct filters *fs);
/* What was saved with another Bloom filter is left aside, all of it. Nobody is alive yet. */
enum status filters_load(struct filters *fs, struct disk *disk, struct moment now, struct log *log) MUST_USE;
enum status filters_save(struct filters *fs, struct disk *disk) MUST_USE;
/* Forgets filters that are dead for keep_ms. */
void filters_clean(struct filters *fs, int64_t keep_ms, struct moment now, struct log *log);

/* The subscriptions of a group's heartbeat; those of topics not among them die. What does not compile or is over a
 * limit is logged and not there: the group's pulls hear so. */
void filters_register(struct filters *fs, const struct consumer_data *consumer, struct moment now, struct log *log);
/* The group has no member any more. */
void filters_unregister(struct filters *fs, struct span group, struct moment now);

/* ConsumerFilterData. */
void filter_write(struct json_writer *w, const struct filters *fs, const struct filter *f);

/* NULL: none. */
const struct filter *filters_find(const struct filters *fs, struct span topic, struct span group);
static inline bool filter_is_dead(const struct filter *f) { return f->dead_ms >= f->born_ms; }

/* The bits of a message: of every filter of its topic that lets it pass. False: the topic has no filter, and the
 * message has no bitmap. out is appended; its memory is the only one used. */
bool filters_bitmap(const struct filters *fs, struct span topic, struct span properties, struct buf *out);
/* Whether the message of an extended unit may pass. Certain only when false. */
bool filter_may_pass(const struct filters *fs, const struct filter *f, int64_t store_ms, struct span bitmap);

#endif
