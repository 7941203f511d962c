/* SPDX-License-Identifier: Apache-2.0
 *
 * Ordered consumers in the imagined world.
 */
#include "core/wire/codes.h"
#include "tests/unit/client/rig.h"
#include "tests/unit/client/test_client.h"

#include <stdio.h>
#include <stdlib.h>

static struct push_config ordered_config(void) {
  struct push_config config;
  push_config_default(&config);
  config.from = CONSUME_FROM_FIRST_OFFSET;
  config.ordered = true;
  return config;
}

static void store_numbers(struct rig *r, int queue, int n) {
  for (int i = 0; i < n; i++) {
    char body[16];
    snprintf(body, sizeof body, "%d.%d", queue, i);
    rig_store(r, 0, "T", queue, body, NULL);
  }
}

/* Offsets of a queue never go back, repeats of the same one aside. */
static bool in_order(const struct rig_client *c) {
  int64_t last[8];
  memset(last, -1, sizeof last);
  for (size_t i = 0; i < c->seen_count; i++) {
    const struct rig_seen *s = &c->seen[i];
    if (s->offset < last[s->queue] || s->offset > last[s->queue] + 1) return false;
    last[s->queue] = s->offset;
  }
  return true;
}

static void test_order(void) {
  struct rig *r = rig_new(true);
  struct push_config config = ordered_config();
  for (int q = 0; q < 4; q++) store_numbers(r, q, 50);
  struct rig_client *c = rig_client(r, NULL);
  c->delay_ms = 3;
  rig_consume(c, &config, "T", "*");
  rig_run(r, 3000);
  CU_ASSERT_EQUAL(c->seen_count, 200);
  CU_ASSERT(in_order(c));
  CU_ASSERT_EQUAL(c->running_max, 4); /* one per queue */
  CU_ASSERT(r->brokers[0].locks_asked >= 4);
  rig_run(r, 16000);
  CU_ASSERT_EQUAL(fake_offset(&r->brokers[0], "G", "T", 3), 50);
  rig_stop_consumer(c);
  CU_ASSERT(r->brokers[0].unlocks >= 4);
  rig_free(r);
}

/* A failure holds its queue, and only its queue, until it succeeds. */
static void test_suspended_queue(void) {
  struct rig *r = rig_new(true);
  struct push_config config = ordered_config();
  for (int q = 0; q < 2; q++) store_numbers(r, q, 10);
  struct rig_client *c = rig_client(r, NULL);
  c->fail = "1.4";
  c->failures = 3;
  rig_consume(c, &config, "T", "*");
  rig_run(r, 2500);
  CU_ASSERT_EQUAL(rig_seen(c, "0.9"), 1);
  CU_ASSERT_EQUAL(rig_seen(c, "1.5"), 0);
  rig_run(r, 2500);
  CU_ASSERT_EQUAL(rig_seen(c, "1.4"), 4);
  CU_ASSERT_EQUAL(rig_seen(c, "1.9"), 1);
  CU_ASSERT(in_order(c));
  CU_ASSERT_EQUAL(r->brokers[0].backs, 0);
  rig_free(r);
}

static void test_dead_letter(void) {
  struct rig *r = rig_new(true);
  struct push_config config = ordered_config();
  config.retries_max = 2;
  store_numbers(r, 0, 5);
  struct rig_client *c = rig_client(r, NULL);
  c->fail = "0.1";
  c->failures = -1;
  rig_consume(c, &config, "T", "*");
  rig_run(r, 2900);
  CU_ASSERT_EQUAL(rig_seen(c, "0.2"), 0);
  rig_run(r, 5000);
  CU_ASSERT_EQUAL(r->brokers[0].backs >= 1, true);
  CU_ASSERT_EQUAL(rig_seen(c, "0.4"), 1);
  rig_free(r);
}

/* Two consumers: a queue is never with both, because the broker's lock decides. */
static void test_lock(void) {
  struct rig *r = rig_new(true);
  struct push_config config = ordered_config();
  struct rig_client *c = rig_client(r, NULL), *d = rig_client(r, NULL);
  rig_consume(c, &config, "T", "*");
  rig_run(r, 1000);
  c->delay_ms = 4000; /* still at it when it loses the queues */
  for (int q = 0; q < 4; q++) store_numbers(r, q, 2);
  rig_run(r, 100);
  CU_ASSERT_EQUAL(c->running, 4);
  rig_consume(d, &config, "T", "*");
  rig_run(r, 2000);
  CU_ASSERT_EQUAL(d->seen_count, 0);
  rig_run(r, 60000);
  CU_ASSERT(d->seen_count > 0);
  CU_ASSERT(in_order(c) && in_order(d));
  CU_ASSERT_EQUAL(fake_offset(&r->brokers[0], "G", "T", 3), 2);
  for (int q = 0; q < 4; q++) {
    char body[16];
    snprintf(body, sizeof body, "%d.1", q);
    CU_ASSERT(rig_seen(c, body) + rig_seen(d, body) >= 1);
  }
  rig_free(r);
}

const struct test ordered_tests[] = {{"ordered: the order of each queue", test_order},
                                     {"ordered: a failure holds its queue", test_suspended_queue},
                                     {"ordered: too many failures", test_dead_letter},
                                     {"ordered: the broker's lock decides", test_lock},
                                     {NULL, NULL}};
