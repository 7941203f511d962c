/* SPDX-License-Identifier: Apache-2.0
 *
 * tally: what VIEW_BROKER_STATS_DATA tells: how many messages and bytes went
 * into each topic, to each group from each topic, and back from it, over the
 * last minute, hour and day. Agrees with
 * org.apache.rocketmq.store.stats.BrokerStatsManager and
 * org.apache.rocketmq.common.stats.{StatsItemSet,StatsItem}.
 *
 * A counter is made by the first message of its key; from then on counting is a
 * look into a map and additions. All counters are sampled together, so they
 * share the times of their samples.
 */
#ifndef MQBROKER_STATS_TALLY_H
#define MQBROKER_STATS_TALLY_H

#include "core/base/map.h"
#include "core/base/moment.h"

#include <stdint.h>

/* A sample every 10 s kept for a minute, every 10 min for an hour, every hour for a day. */
enum tally_period { TALLY_MINUTE, TALLY_HOUR, TALLY_DAY, TALLY_PERIODS };
enum { TALLY_MINUTE_SAMPLES = 7, TALLY_HOUR_SAMPLES = 7, TALLY_DAY_SAMPLES = 25, TALLY_SAMPLES = 39 };

/* Messages and bytes are counted by the same events. */
struct tally_count {
  int64_t events, messages, bytes;
};

struct tally_item {
  struct tally_count now;
  struct tally_count samples[TALLY_SAMPLES]; /* three rings, one after the other */
  uint64_t first[TALLY_PERIODS];             /* its first sample, counted as struct tally_clock counts; 0: none yet */
};

struct tally_clock {
  int64_t times_ms[TALLY_DAY_SAMPLES]; /* ring of wall time */
  uint64_t taken;                      /* samples taken, the first being 1; 0: none */
  int64_t due_ms;                      /* the next, monotonic */
};

struct tally {
  struct map topics;  /* topic -> struct tally_item: put */
  struct map gets;    /* topic@group -> struct tally_item */
  struct map backs;   /* topic@group -> struct tally_item: sent back */
  struct map brokers; /* cluster name -> puts and gets of the whole broker */
  struct tally_clock clocks[TALLY_PERIODS];
  size_t limit; /* of keys a map */
};

void tally_init(struct tally *t, size_t limit, uint64_t seed, struct moment now);
void tally_fini(struct tally *t);

/* Beyond the limit, and without memory, new keys are not counted. */
void tally_put(struct tally *t, struct span topic, int64_t messages, int64_t bytes);
void tally_get(struct tally *t, struct span topic, struct span group, int64_t messages, int64_t bytes);
void tally_back(struct tally *t, struct span topic, struct span group);
/* A topic or a group is gone (SPAN_NONE: not that). */
void tally_forget(struct tally *t, struct span topic, struct span group);

/* Samples what is due. */
void tally_turn(struct tally *t, struct moment now);

/* StatsSnapshot. */
struct tally_snapshot {
  int64_t sum;
  double per_second, per_event;
};
/* "TOPIC_PUT_NUMS", "GROUP_GET_SIZE"..., and the key of Java's table. False: no such table, or nothing was counted. */
bool tally_view(const struct tally *t, struct span cluster, struct span table, struct span key,
                struct tally_snapshot out[TALLY_PERIODS]);
/* Messages a second over the last minute (tpsGroupGetNums). */
double tally_get_rate(const struct tally *t, struct span topic, struct span group);

#endif
