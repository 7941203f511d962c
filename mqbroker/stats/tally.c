/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/stats/tally.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 512 }; /* a topic has at most 127 bytes, a group 255 */

static const int64_t interval_ms[TALLY_PERIODS] = {10 * 1000, 10 * 60 * 1000, 60 * 60 * 1000};
static const size_t capacity[TALLY_PERIODS] = {TALLY_MINUTE_SAMPLES, TALLY_HOUR_SAMPLES, TALLY_DAY_SAMPLES};
static const size_t start[TALLY_PERIODS] = {0, TALLY_MINUTE_SAMPLES, TALLY_MINUTE_SAMPLES + TALLY_HOUR_SAMPLES};

#define BROKER_PUT_KEY SPAN_LITERAL("put")
#define BROKER_GET_KEY SPAN_LITERAL("get")

void tally_init(struct tally *t, size_t limit, uint64_t seed, struct moment now) {
  *t = (struct tally){.limit = limit};
  map_init(&t->topics, seed);
  map_init(&t->gets, seed);
  map_init(&t->backs, seed);
  map_init(&t->brokers, seed);
  for (int p = 0; p < TALLY_PERIODS; p++) t->clocks[p].due_ms = now.mono_ms;
}

static void fini_map(struct map *m) {
  for (struct map_entry *e = map_first(m); e != NULL; e = map_next(m, e)) free(e->value);
  map_fini(m);
}

void tally_fini(struct tally *t) {
  fini_map(&t->topics);
  fini_map(&t->gets);
  fini_map(&t->backs);
  fini_map(&t->brokers);
}

static void count(const struct tally *t, struct map *m, struct span key, int64_t events, int64_t messages,
                  int64_t bytes) {
  struct tally_item *item = map_get(m, key);
  if (item == NULL) {
    item = map_count(m) < t->limit ? calloc(1, sizeof *item) : NULL;
    if (item == NULL) return;
    if (map_put(m, key, item, NULL) != STATUS_OK) {
      free(item);
      return;
    }
  }
  item->now.events += events;
  item->now.messages += messages;
  item->now.bytes += bytes;
}

/* "topic@group"; absent: longer than any that can be counted. */
static struct span pair_key(struct span topic, struct span group, char out[KEY_MAX]) {
  if (topic.len + 1 + group.len > KEY_MAX) return SPAN_NONE;
  memcpy(out, topic.ptr, topic.len);
  out[topic.len] = '@';
  memcpy(out + topic.len + 1, group.ptr, group.len);
  return span_of(out, topic.len + 1 + group.len);
}

void tally_put(struct tally *t, struct span topic, int64_t messages, int64_t bytes) {
  count(t, &t->topics, topic, 1, messages, bytes);
  count(t, &t->brokers, BROKER_PUT_KEY, 0, messages, 0); /* Java counts no events of the whole broker */
}

void tally_get(struct tally *t, struct span topic, struct span group, int64_t messages, int64_t bytes) {
  char text[KEY_MAX];
  struct span key = pair_key(topic, group, text);
  if (key.ptr != NULL) count(t, &t->gets, key, 1, messages, bytes);
  count(t, &t->brokers, BROKER_GET_KEY, 0, messages, 0);
}

void tally_back(struct tally *t, struct span topic, struct span group) {
  char text[KEY_MAX];
  struct span key = pair_key(topic, group, text);
  if (key.ptr != NULL) count(t, &t->backs, key, 1, 1, 0);
}

static void forget_pairs(struct map *m, struct span topic, struct span group) {
  for (struct map_entry *e = map_first(m); e != NULL; e = map_next(m, e)) {
    const uint8_t *at = memchr(e->key.ptr, '@', e->key.len);
    size_t len = at == NULL ? e->key.len : (size_t)(at - (const uint8_t *)e->key.ptr);
    bool of_topic = topic.ptr != NULL && span_equal(span_of(e->key.ptr, len), topic);
    bool of_group = group.ptr != NULL && at != NULL && span_equal(span_from(e->key, len + 1), group);
    if (of_topic || of_group) free(map_remove(m, e->key));
  }
}

void tally_forget(struct tally *t, struct span topic, struct span group) {
  if (topic.ptr != NULL) free(map_remove(&t->topics, topic));
  forget_pairs(&t->gets, topic, group);
  forget_pairs(&t->backs, topic, group);
}

static size_t slot(int p, uint64_t number) { return start[p] + (size_t)(number % capacity[p]); }

/* What began since the last sample has a first one of nothing in that one's place (StatsItem.samplingInSeconds). */
static void sample_map(struct map *m, int p, uint64_t number) {
  for (struct map_entry *e = map_first(m); e != NULL; e = map_next(m, e)) {
    struct tally_item *item = e->value;
    if (item->first[p] == 0) {
      item->first[p] = number - 1;
      item->samples[slot(p, number - 1)] = (struct tally_count){0, 0, 0};
    }
    item->samples[slot(p, number)] = item->now;
  }
}

void tally_turn(struct tally *t, struct moment now) {
  for (int p = 0; p < TALLY_PERIODS; p++) {
    struct tally_clock *c = &t->clocks[p];
    if (now.mono_ms < c->due_ms) continue;
    if (c->taken == 0) c->times_ms[++c->taken % capacity[p]] = now.wall_ms - interval_ms[p];
    c->times_ms[++c->taken % capacity[p]] = now.wall_ms;
    c->due_ms = now.mono_ms + interval_ms[p];
    sample_map(&t->topics, p, c->taken);
    sample_map(&t->gets, p, c->taken);
    sample_map(&t->backs, p, c->taken);
    sample_map(&t->brokers, p, c->taken);
  }
}

/* StatsItem.computeStatsData over what the period's ring still has. */
static struct tally_snapshot snapshot(const struct tally *t, const struct tally_item *item, int p, bool bytes) {
  const struct tally_clock *c = &t->clocks[p];
  struct tally_snapshot s = {0, 0.0, 0.0};
  if (item->first[p] == 0) return s; /* not sampled yet */
  uint64_t oldest = c->taken >= capacity[p] ? c->taken - capacity[p] + 1 : 1;
  if (oldest < item->first[p]) oldest = item->first[p];
  const struct tally_count *a = &item->samples[slot(p, oldest)], *z = &item->samples[slot(p, c->taken)];
  int64_t ms = c->times_ms[c->taken % capacity[p]] - c->times_ms[oldest % capacity[p]];
  s.sum = bytes ? z->bytes - a->bytes : z->messages - a->messages;
  if (ms > 0) s.per_second = (double)s.sum * 1000.0 / (double)ms;
  if (z->events > a->events) s.per_event = (double)s.sum / (double)(z->events - a->events);
  return s;
}

static const struct tally_item *find(const struct tally *t, struct span cluster, struct span table, struct span key,
                                     bool *bytes) {
  *bytes = span_is(table, "TOPIC_PUT_SIZE") || span_is(table, "GROUP_GET_SIZE");
  if (span_is(table, "TOPIC_PUT_NUMS") || span_is(table, "TOPIC_PUT_SIZE")) return map_get(&t->topics, key);
  if (span_is(table, "GROUP_GET_NUMS") || span_is(table, "GROUP_GET_SIZE")) return map_get(&t->gets, key);
  if (span_is(table, "SNDBCK_PUT_NUMS")) return map_get(&t->backs, key);
  if (!span_equal(key, cluster)) return NULL;
  if (span_is(table, "BROKER_PUT_NUMS")) return map_get(&t->brokers, BROKER_PUT_KEY);
  if (span_is(table, "BROKER_GET_NUMS")) return map_get(&t->brokers, BROKER_GET_KEY);
  return NULL;
}

bool tally_view(const struct tally *t, struct span cluster, struct span table, struct span key,
                struct tally_snapshot out[TALLY_PERIODS]) {
  bool bytes;
  const struct tally_item *item = find(t, cluster, table, key, &bytes);
  if (item == NULL) return false;
  for (int p = 0; p < TALLY_PERIODS; p++) out[p] = snapshot(t, item, p, bytes);
  return true;
}

double tally_get_rate(const struct tally *t, struct span topic, struct span group) {
  char text[KEY_MAX];
  struct span key = pair_key(topic, group, text);
  const struct tally_item *item = key.ptr == NULL ? NULL : map_get(&t->gets, key);
  return item == NULL ? 0.0 : snapshot(t, item, TALLY_MINUTE, false).per_second;
}
