/* SPDX-License-Identifier: Apache-2.0
 *
 * stats: what BROKER_RUNTIME_INFO tells: totals, rates over 10 s, 1 min and
 * 10 min, and midnight values. Agrees with
 * org.apache.rocketmq.store.StoreStatsService and BrokerStats.
 */
#ifndef MQBROKER_STATE_STATS_H
#define MQBROKER_STATE_STATS_H

#include "core/base/buf.h"
#include "core/base/moment.h"

enum stats_counter { STATS_PUT, STATS_PUT_BYTES, STATS_GET_FOUND, STATS_GET_MISS, STATS_TRANSFERRED, STATS_COUNTERS };

#define STATS_SAMPLES 601 /* one a second, ten minutes */

struct stats {
  int64_t now[STATS_COUNTERS];
  int64_t samples[STATS_SAMPLES][STATS_COUNTERS]; /* ring */
  int64_t sample_ms[STATS_SAMPLES];
  size_t sample_count;
  size_t newest;
  int64_t day;                           /* of today_morning, days since 1970 in UTC */
  int64_t today_morning[STATS_COUNTERS]; /* totals at midnight */
  int64_t yesterday_morning[STATS_COUNTERS];
};

void stats_init(struct stats *s, struct moment now);
static inline void stats_add(struct stats *s, enum stats_counter c, int64_t n) { s->now[c] += n; }
/* Takes a sample when a second has passed. */
void stats_tick(struct stats *s, struct moment now);
/* "12.5 11.0 9.75": per second over 10, 60 and 600 s (as far as known) of a counter, or of several together. */
void stats_rates(const struct stats *s, const enum stats_counter *counters, size_t count, struct buf *out);

#endif
