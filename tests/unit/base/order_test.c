/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/base/test_base.h"

#include "core/base/map.h"
#include "core/base/prng.h"
#include "core/base/timers.h"
#include "tests/harness.h"

#include <stdio.h>

enum { KEYS = 300, OPS = 20000 };

static int values[KEYS];

static struct span key_of(size_t i, char text[32]) {
  /* Lengths around the 8-byte steps of the hash; key 0 is empty. */
  int n = i == 0 ? 0 : snprintf(text, 32, "%.*s%zu", (int)(i % 11), "topic-name-", i);
  return span_of(text, (size_t)n);
}

struct naive {
  void *value[KEYS];
  uint64_t age[KEYS]; /* order of insertion */
  size_t count;
};

static void check_iteration(const struct map *m, const struct naive *n) {
  size_t seen = 0;
  uint64_t last = 0;
  for (struct map_entry *e = map_first(m); e != NULL; e = map_next(m, e), seen++) {
    char text[32];
    size_t i = (size_t)((int *)e->value - values) % KEYS;
    CU_ASSERT(span_equal(e->key, key_of(i, text)));
    CU_ASSERT_EQUAL(e->key.ptr[e->key.len], 0);
    CU_ASSERT(n->age[i] > last);
    last = n->age[i];
  }
  CU_ASSERT_EQUAL(seen, n->count);
}

static void random_ops(uint64_t seed) {
  struct map m;
  struct naive n = {0};
  struct prng p;
  map_init(&m, seed);
  prng_init(&p, seed);
  for (uint64_t op = 1; op <= OPS; op++) {
    char text[32];
    size_t i = prng_below(&p, KEYS);
    struct span key = key_of(i, text);
    void *old = &m;
    switch (prng_below(&p, op / 5000 % 2 == 0 ? 4 : 3)) { /* grows and shrinks in turns */
    case 0:
      CU_ASSERT_PTR_EQUAL(map_remove(&m, key), n.value[i]);
      n.count -= n.value[i] != NULL;
      n.value[i] = NULL;
      break;
    case 1: CU_ASSERT_PTR_EQUAL(map_get(&m, key), n.value[i]); break;
    default:
      CU_ASSERT_EQUAL(map_put(&m, key, &values[i], &old), STATUS_OK);
      CU_ASSERT_PTR_EQUAL(old, n.value[i]);
      if (n.value[i] == NULL) n.age[i] = op;
      n.count += n.value[i] == NULL;
      n.value[i] = &values[i];
    }
    CU_ASSERT_EQUAL(map_count(&m), n.count);
    if (op % 1000 == 0) check_iteration(&m, &n);
  }
  map_fini(&m);
}

void map_agrees_with_a_naive_one(void) {
  for (uint64_t seed = 0; seed < 3; seed++) random_ops(seed);
}

void map_iterates_in_insertion_order(void) {
  struct map m;
  map_init(&m, 42);
  CU_ASSERT_PTR_NULL(map_first(&m));
  CU_ASSERT_PTR_NULL(map_get(&m, SPAN_LITERAL("a")));
  CU_ASSERT_PTR_NULL(map_remove(&m, SPAN_LITERAL("a")));
  const char *names[] = {"c", "a", "b"};
  for (int i = 0; i < 3; i++) CU_ASSERT_EQUAL(map_put(&m, span_text(names[i]), &values[i], NULL), STATUS_OK);
  CU_ASSERT_EQUAL(map_put(&m, SPAN_LITERAL("c"), &values[9], NULL), STATUS_OK); /* keeps its place */
  struct map_entry *e = map_first(&m);
  for (int i = 0; i < 3; i++, e = map_next(&m, e)) ASSERT_SPAN(e->key, names[i]);
  CU_ASSERT_PTR_NULL(e);
  map_fini(&m);
}

void map_allows_removal_while_iterating(void) {
  struct map m;
  char text[32];
  map_init(&m, 42);
  for (size_t i = 0; i < 100; i++) CU_ASSERT_EQUAL(map_put(&m, key_of(i, text), &values[i], NULL), STATUS_OK);
  size_t seen = 0;
  for (struct map_entry *e = map_first(&m); e != NULL; e = map_next(&m, e), seen++) {
    size_t i = (size_t)((int *)e->value - values);
    map_remove(&m, key_of(i, text));                         /* itself */
    if (i % 2 == 0) map_remove(&m, key_of(i + 1, text)); /* and the one behind it */
  }
  CU_ASSERT_EQUAL(seen, 50);
  CU_ASSERT_EQUAL(map_count(&m), 0);
  map_fini(&m);
}

enum { TIMERS = 200 };

static struct timer *expected(struct timer *all, int64_t now_ms) {
  struct timer *best = NULL;
  for (int i = 0; i < TIMERS; i++) {
    struct timer *t = &all[i];
    if (!timer_is_set(t) || t->due_ms > now_ms) continue;
    if (best == NULL || t->due_ms < best->due_ms || (t->due_ms == best->due_ms && t->order < best->order)) best = t;
  }
  return best;
}

void timers_agree_with_a_sorted_list(void) {
  struct timers ts;
  struct prng p;
  static struct timer all[TIMERS];
  memset(all, 0, sizeof all);
  timers_init(&ts);
  prng_init(&p, 5);
  int64_t now_ms = 0;
  for (int op = 0; op < 20000; op++) {
    struct timer *t = &all[prng_below(&p, TIMERS)];
    switch (prng_below(&p, 6)) {
    case 0: timers_cancel(&ts, t); break;
    case 1:
    case 2:
    case 3: CU_ASSERT_EQUAL(timers_set(&ts, t, now_ms + (int64_t)prng_below(&p, 50)), STATUS_OK); break;
    default: now_ms += (int64_t)prng_below(&p, 3);
    }
    for (;;) {
      struct timer *want = expected(all, now_ms), *got = timers_pop(&ts, now_ms);
      CU_ASSERT_PTR_EQUAL_FATAL(got, want);
      if (got == NULL) break;
      CU_ASSERT_FALSE(timer_is_set(got));
    }
    struct timer *next = expected(all, TIME_NEVER);
    CU_ASSERT_EQUAL(timers_next(&ts), next == NULL ? TIME_NEVER : next->due_ms);
  }
  timers_fini(&ts);
}

void timers_fire_equal_deadlines_in_order(void) {
  struct timers ts;
  struct timer t[5] = {0};
  timers_init(&ts);
  CU_ASSERT_EQUAL(timers_next(&ts), TIME_NEVER);
  for (int i = 0; i < 5; i++) CU_ASSERT_EQUAL(timers_set(&ts, &t[i], 10), STATUS_OK);
  CU_ASSERT_EQUAL(timers_set(&ts, &t[0], 10), STATUS_OK); /* set again: now the last */
  timers_cancel(&ts, &t[2]);
  timers_cancel(&ts, &t[2]);
  CU_ASSERT_PTR_NULL(timers_pop(&ts, 9));
  CU_ASSERT_PTR_EQUAL(timers_pop(&ts, 10), &t[1]);
  CU_ASSERT_PTR_EQUAL(timers_pop(&ts, 10), &t[3]);
  CU_ASSERT_PTR_EQUAL(timers_pop(&ts, 10), &t[4]);
  CU_ASSERT_PTR_EQUAL(timers_pop(&ts, 10), &t[0]);
  CU_ASSERT_PTR_NULL(timers_pop(&ts, 10));
  timers_fini(&ts);
}

void prng_is_splitmix64(void) {
  /* First outputs for seed 1234567 as published with the algorithm. */
  static const uint64_t want[] = {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                  4593380528125082431u, 16408922859458223821u};
  struct prng p;
  prng_init(&p, 1234567);
  for (int i = 0; i < 5; i++) CU_ASSERT_EQUAL(prng_next(&p), want[i]);
}

void prng_below_is_in_range_and_even(void) {
  struct prng p;
  unsigned counts[7] = {0}, hits = 0;
  prng_init(&p, 3);
  for (int i = 0; i < 70000; i++) {
    uint64_t v = prng_below(&p, 7);
    CU_ASSERT_FATAL(v < 7);
    counts[v]++;
    hits += prng_chance(&p, 1, 4);
  }
  for (int i = 0; i < 7; i++) CU_ASSERT(counts[i] > 9500 && counts[i] < 10500);
  CU_ASSERT(hits > 16800 && hits < 18200);
  CU_ASSERT_FALSE(prng_chance(&p, 0, 10));
  CU_ASSERT_TRUE(prng_chance(&p, 10, 10));
}
