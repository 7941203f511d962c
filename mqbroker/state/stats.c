/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/state/stats.h"

#include "core/wire/json.h" /* Java's text of a double */

#include <string.h>

enum { SAMPLE_MS = 1000, DAY_MS = 24 * 3600 * 1000 };

void stats_init(struct stats *s, struct moment now) {
  *s = (struct stats){.day = now.wall_ms / DAY_MS};
  s->sample_ms[0] = now.mono_ms;
  s->sample_count = 1;
}

void stats_tick(struct stats *s, struct moment now) {
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
    if (i > 0) buf_put_u8(out, ' ');
    json_writer_init(&w, out, false);
    json_put_double(&w, ms <= 0 ? 0.0 : (double)delta * 1000.0 / (double)ms);
  }
}
