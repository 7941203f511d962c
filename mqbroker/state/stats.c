/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/state/stats.h"

#include "core/wire/json.h" /* Java's text of a double */

#include <stdlib.h>
#include <string.h>

enum { SAMPLE_MS = 1000, GROUP_SAMPLE_MS = 10000, DAY_MS = 24 * 3600 * 1000 };

void stats_init(struct stats *s, uint64_t seed, struct moment now) {
  *s = (struct stats){.day = now.wall_ms / DAY_MS};
  map_init(&s->groups, seed);
  s->group_sample_ms[0] = now.mono_ms;
  s->group_samples = 1;
  s->sample_ms[0] = now.mono_ms;
  s->sample_count = 1;
}

void stats_fini(struct stats *s) {
  for (struct map_entry *e = map_first(&s->groups); e != NULL; e = map_next(&s->groups, e)) free(e->value);
  map_fini(&s->groups);
}

void stats_group_add(struct stats *s, struct span group, int64_t n) {
  struct group_stats *g = map_get(&s->groups, group);
  if (g == NULL) {
    g = calloc(1, sizeof *g);
    if (g == NULL) return;
    if (map_put(&s->groups, group, g, NULL) != STATUS_OK) {
      free(g);
      return;
    }
  }
  g->total += n;
}

static size_t newest_group_sample(const struct stats *s) { return (s->group_samples - 1) % GROUP_SAMPLES; }

static void sample_groups(struct stats *s, struct moment now) {
  if (now.mono_ms - s->group_sample_ms[newest_group_sample(s)] < GROUP_SAMPLE_MS) return;
  s->group_samples++;
  size_t i = newest_group_sample(s);
  s->group_sample_ms[i] = now.mono_ms;
  for (struct map_entry *e = map_first(&s->groups); e != NULL; e = map_next(&s->groups, e)) {
    struct group_stats *g = e->value;
    g->samples[i] = g->total;
  }
}

double stats_group_rate(const struct stats *s, struct span group) {
  const struct group_stats *g = map_get(&s->groups, group);
  if (g == NULL) return 0.0;
  size_t newest = newest_group_sample(s);
  size_t oldest = s->group_samples < GROUP_SAMPLES ? 0 : s->group_samples % GROUP_SAMPLES;
  int64_t ms = s->group_sample_ms[newest] - s->group_sample_ms[oldest];
  return ms <= 0 ? 0.0 : (double)(g->samples[newest] - g->samples[oldest]) * 1000.0 / (double)ms;
}

void stats_tick(struct stats *s, struct moment now) {
  sample_groups(s, now);
  if (now.mono_ms - s->sample_ms[s->newest] < SAMPLE_MS) return;
  s->newest = (s->newest + 1) % STATS_SAMPLES;
  s->sample_ms[s->newest] = now.mono_ms;
  memcpy(s->samples[s->newest], s->now, sizeof s->now);
  if (s->sample_count < STATS_SAMPLES) s->sample_count++;
  if (now.wall_ms / DAY_MS != s->day) {
    s->day = now.wall_ms / DAY_MS;
    memcpy(s->yesterday_morning, s->today_morning, sizeof s->now);
    memcpy(s->today_morning, s->now, sizeof s->now);
  }
}

static int64_t sum(const int64_t values[STATS_COUNTERS], const enum stats_counter *counters, size_t count) {
  int64_t total = 0;
  for (size_t i = 0; i < count; i++) total += values[counters[i]];
  return total;
}

void stats_rates(const struct stats *s, const enum stats_counter *counters, size_t count, struct buf *out) {
  static const size_t seconds[] = {10, 60, 600};
  struct json_writer w;
  for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
    /* As far back as there are samples. */
    size_t back = seconds[i] < s->sample_count ? seconds[i] : s->sample_count - 1;
    size_t old = (s->newest + STATS_SAMPLES - back) % STATS_SAMPLES;
    int64_t ms = s->sample_ms[s->newest] - s->sample_ms[old];
    int64_t delta = sum(s->samples[s->newest], counters, count) - sum(s->samples[old], counters, count);
    json_writer_init(&w, out, false);
    json_put_double(&w, ms <= 0 ? 0.0 : (double)delta * 1000.0 / (double)ms);
    buf_put_u8(out, ' ');
  }
}
