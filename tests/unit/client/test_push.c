/* SPDX-License-Identifier: Apache-2.0
 *
 * Push consumers in the imagined world: nothing lost, offsets never ahead.
 */
#include "core/wire/codes.h"
#include "tests/unit/client/rig.h"
#include "tests/unit/client/test_client.h"

#include <stdio.h>
#include <stdlib.h>

static void store_many(struct rig *r, int n) {
  for (int i = 0; i < n; i++) {
    char body[32];
    snprintf(body, sizeof body, "m%d", i);
    rig_store(r, i / 4 % 2, "T", i % 4, body, i % 2 ? "TagB" : "TagA");
  }
}

static bool all_seen_once(const struct rig_client *c, int n) {
  for (int i = 0; i < n; i++) {
    char body[32];
    snprintf(body, sizeof body, "m%d", i);
    if (rig_seen(c, body) != 1) return false;
  }
  return true;
}

static void test_consume(void) {
  struct rig *r = rig_new(false);
  store_many(r, 200);
  struct rig_client *c = rig_client(r, NULL);
  rig_consume(c, NULL, "T", "*");
  rig_run(r, 3000);
  CU_ASSERT_EQUAL(c->seen_count, 200);
  CU_ASSERT(all_seen_once(c, 200));
  /* New ones come by the parked pulls, without delay, and bring the offset along. */
  int64_t begin = sim_now(r->world);
  rig_store(r, 0, "T", 2, "late", NULL);
  rig_run(r, 200);
  CU_ASSERT_EQUAL(rig_seen(c, "late"), 1);
  CU_ASSERT(c->seen[200].at_ms - begin < 100);
  CU_ASSERT(r->brokers[0].committed_by_pull > 0);
  rig_run(r, 16000);
  for (int q = 0; q < 4; q++) CU_ASSERT_EQUAL(fake_offset(&r->brokers[0], "G", "T", q), q == 2 ? 26 : 25);
  /* The next one goes on where this one stopped. */
  rig_stop_consumer(c);
  CU_ASSERT_EQUAL(r->brokers[0].unregisters, 1);
  CU_ASSERT_EQUAL(fake_member_count(&r->brokers[0], "G"), 0);
  rig_store(r, 1, "T", 0, "next", NULL);
  struct rig_client *d = rig_client(r, NULL);
  rig_consume(d, NULL, "T", "*");
  rig_run(r, 3000);
  CU_ASSERT_EQUAL(d->seen_count, 1);
  CU_ASSERT_EQUAL(rig_seen(d, "next"), 1);
  rig_free(r);
}

/* Stopped at once: what was consumed is saved by the stop itself. */
static void test_stop_saves(void) {
  struct rig *r = rig_new(true);
  store_many(r, 3); /* queues 0..2 of broker a */
  struct rig_client *c = rig_client(r, NULL);
  rig_consume(c, NULL, "T", "*");
  rig_run(r, 400);
  CU_ASSERT_EQUAL(c->seen_count, 3);
  rig_stop_consumer(c);
  for (int q = 0; q < 3; q++) CU_ASSERT_EQUAL(fake_offset(&r->brokers[0], "G", "T", q), 1);
  rig_free(r);
}

static void test_from_where(void) {
  struct rig *r = rig_new(true);
  store_many(r, 4);
  struct push_config config;
  push_config_default(&config); /* LAST */
  struct rig_client *c = rig_client(r, NULL);
  rig_consume(c, &config, "T", "*");
  rig_run(r, 1000);
  CU_ASSERT_EQUAL(c->seen_count, 0);
  rig_store(r, 0, "T", 1, "new", NULL);
  rig_run(r, 300);
  CU_ASSERT_EQUAL(c->seen_count, 1);
  rig_stop_consumer(c);
  fake_set_offset(&r->brokers[0], "G", "T", 3, 0); /* a stored offset counts more */
  struct rig_client *d = rig_client(r, NULL);
  rig_consume(d, &config, "T", "*");
  rig_run(r, 1000);
  CU_ASSERT_EQUAL(rig_seen(d, "m3"), 1);
  CU_ASSERT_EQUAL(d->seen_count, 1);
  rig_free(r);
}

static void test_filter(void) {
  struct rig *r = rig_new(true);
  store_many(r, 8);
  struct rig_client *c = rig_client(r, NULL);
  rig_consume(c, NULL, "T", "TagB || TagC");
  rig_run(r, 1000);
  CU_ASSERT_EQUAL(rig_seen(c, "m1") + rig_seen(c, "m3"), 2);
  CU_ASSERT_EQUAL(c->seen_count, 2); /* the fake sends all: compared again by text */
  rig_run(r, 16000);
  for (int q = 0; q < 4; q++) CU_ASSERT_EQUAL(fake_offset(&r->brokers[0], "G", "T", q), 1);
  rig_free(r);
}

/* A failed message goes back to the broker and comes again by the retry topic, under its own name. */
static void test_send_back(void) {
  struct rig *r = rig_new(true);
  struct rig_client *c = rig_client(r, NULL);
  store_many(r, 4);
  c->fail = "m1";
  c->failures = 2;
  rig_consume(c, NULL, "T", "*");
  rig_run(r, 8000);
  CU_ASSERT_EQUAL(r->brokers[0].backs, 2);
  CU_ASSERT_EQUAL(rig_seen(c, "m1"), 3);
  for (size_t i = 0; i < c->seen_count; i++) CU_ASSERT_STRING_EQUAL(c->seen[i].topic, "T");
  CU_ASSERT_EQUAL(c->seen[c->seen_count - 1].reconsume_times, 2);
  rig_run(r, 10000);
  CU_ASSERT_EQUAL(fake_offset(&r->brokers[0], "G", "T", 1), 1);
  CU_ASSERT_EQUAL(fake_offset(&r->brokers[0], "G", "%RETRY%G", 0), 2);
  rig_free(r);
}

/* The broker does not take it back: tried again here every 5 s, and the offset waits for it. */
static void test_retry_here(void) {
  struct rig *r = rig_new(true);
  struct rig_client *c = rig_client(r, NULL);
  for (int i = 0; i < 5; i++) {
    char body[16];
    snprintf(body, sizeof body, "m%d", i);
    rig_store(r, 0, "T", 0, body, NULL);
  }
  c->fail = "m2";
  c->failures = 3;
  r->brokers[0].back_code = RESPONSE_SYSTEM_ERROR;
  rig_consume(c, NULL, "T", "*");
  rig_run(r, 11500);
  CU_ASSERT_EQUAL(rig_seen(c, "m2"), 3);
  CU_ASSERT_EQUAL(fake_offset(&r->brokers[0], "G", "T", 0), 2);
  rig_run(r, 10000);
  CU_ASSERT_EQUAL(rig_seen(c, "m2"), 4);
  CU_ASSERT_EQUAL(rig_seen(c, "m3"), 1);
  CU_ASSERT_EQUAL(c->seen[c->seen_count - 1].reconsume_times, 3);
  CU_ASSERT_EQUAL(fake_offset(&r->brokers[0], "G", "T", 0), 5);
  /* While one waits, a stop does not lose it. */
  c->failures = 1;
  rig_store(r, 0, "T", 0, "m2", NULL);
  rig_run(r, 500);
  rig_stop_consumer(c);
  CU_ASSERT_EQUAL(fake_offset(&r->brokers[0], "G", "T", 0), 5);
  rig_free(r);
}

static size_t held(const struct rig_client *c) {
  size_t n = 0;
  for (const struct process_queue *q = c->consumer.queues; q != NULL; q = q->next)
    n += strcmp(q->route->topic, "T") == 0;
  return n;
}

static void test_rebalance(void) {
  struct rig *r = rig_new(false);
  struct rig_client *c = rig_client(r, NULL), *d = rig_client(r, NULL), *e = rig_client(r, NULL);
  rig_consume(c, NULL, "T", "*");
  rig_run(r, 1000);
  CU_ASSERT_EQUAL(held(c), 8);
  rig_consume(d, NULL, "T", "*");
  rig_run(r, 1500); /* by the broker's notification, not by the 20 s */
  CU_ASSERT_EQUAL(held(c), 4);
  CU_ASSERT_EQUAL(held(d), 4);
  rig_consume(e, NULL, "T", "*");
  rig_run(r, 1500);
  CU_ASSERT_EQUAL(held(c) + held(d) + held(e), 8);
  CU_ASSERT(held(c) == 3 && held(d) == 3 && held(e) == 2);
  store_many(r, 64);
  rig_run(r, 500);
  CU_ASSERT_EQUAL(c->seen_count + d->seen_count + e->seen_count, 64);
  rig_stop_consumer(d);
  rig_run(r, 1500);
  CU_ASSERT(held(c) == 4 && held(e) == 4);
  /* A member that dies without a farewell. */
  sim_cut_both(e->host, r->broker_hosts[0]);
  sim_cut_both(e->host, r->broker_hosts[1]);
  sim_reset_connections(e->host, NULL);
  rig_run(r, 25000);
  CU_ASSERT_EQUAL(held(c), 8);
  sim_heal_all(r->world);
  rig_run(r, 40000);
  CU_ASSERT(held(c) == 4 && held(e) == 4);
  rig_free(r);
}

static void test_flow_control(void) {
  struct rig *r = rig_new(true);
  for (int i = 0; i < 400; i++) rig_store(r, 0, "T", 0, "x", NULL);
  struct push_config config;
  push_config_default(&config);
  config.from = CONSUME_FROM_FIRST_OFFSET;
  config.queue_messages_max = 50;
  config.pull_batch = 10;
  struct rig_client *c = rig_client(r, NULL);
  c->delay_ms = 5000;
  rig_consume(c, &config, "T", "*");
  rig_run(r, 3000);
  CU_ASSERT(c->seen_count > 50 && c->seen_count <= 60);
  rig_run(r, 60000);
  CU_ASSERT_EQUAL(c->seen_count, 400);
  rig_free(r);
}

static void test_batches(void) {
  struct rig *r = rig_new(true);
  for (int i = 0; i < 100; i++) rig_store(r, 0, "T", 0, "x", NULL);
  struct push_config config;
  push_config_default(&config);
  config.from = CONSUME_FROM_FIRST_OFFSET;
  config.batch_max = 10;
  config.pull_batch = 25; /* 10 + 10 + 5 */
  struct rig_client *c = rig_client(r, NULL);
  c->delay_ms = 100000;
  rig_consume(c, &config, "T", "*");
  rig_run(r, 3000);
  CU_ASSERT_EQUAL(c->seen_count, 100);
  CU_ASSERT_EQUAL(c->running_max, 12);
  rig_run(r, 110000);
  rig_free(r);
}

static void test_illegal_offset(void) {
  struct rig *r = rig_new(true);
  store_many(r, 40);
  fake_set_offset(&r->brokers[0], "G", "T", 0, 1);
  r->brokers[0].illegal_from = 3;
  struct rig_client *c = rig_client(r, NULL);
  rig_consume(c, NULL, "T", "*");
  rig_run(r, 5000);
  CU_ASSERT_EQUAL(c->seen_count, 0);
  CU_ASSERT_EQUAL(fake_offset(&r->brokers[0], "G", "T", 0), 3);
  rig_run(r, 8000); /* taken again after 10 s */
  CU_ASSERT_EQUAL(c->seen_count, 4 * (5 - 3));
  rig_free(r);
}

/* A listener that does not come back: the message is given back, the others go on. */
static void test_expiry(void) {
  struct rig *r = rig_new(true);
  rig_store(r, 0, "T", 0, "slow", NULL);
  rig_store(r, 0, "T", 0, "quick", NULL);
  struct push_config config;
  push_config_default(&config);
  config.from = CONSUME_FROM_FIRST_OFFSET;
  config.consume_timeout_ms = 60000;
  struct rig_client *c = rig_client(r, NULL);
  c->delay_ms = 150000;
  rig_consume(c, &config, "T", "*");
  rig_run(r, 2000);
  c->delay_ms = 0;
  rig_run(r, 128000);
  CU_ASSERT(r->brokers[0].backs >= 1);
  CU_ASSERT(rig_seen(c, "slow") >= 2);
  CU_ASSERT_EQUAL(fake_offset(&r->brokers[0], "G", "T", 0), 2);
  rig_run(r, 60000); /* the listener comes back after all */
  CU_ASSERT_EQUAL(fake_offset(&r->brokers[0], "G", "T", 0), 2);
  rig_free(r);
}

static void test_broadcast(void) {
  struct rig *r = rig_new(false);
  store_many(r, 16);
  struct push_config config;
  push_config_default(&config);
  config.from = CONSUME_FROM_FIRST_OFFSET;
  config.model = MODEL_BROADCASTING;
  config.offsets_path = "home/offsets.json";
  struct rig_client *c = rig_client(r, NULL), *d = rig_client(r, NULL);
  d->fail = "m3";
  d->failures = -1;
  rig_consume(c, &config, "T", "*");
  rig_consume(d, &config, "T", "*");
  rig_run(r, 16000);
  CU_ASSERT(all_seen_once(c, 16) && all_seen_once(d, 16)); /* what fails is dropped */
  CU_ASSERT_EQUAL(r->brokers[0].backs, 0);
  CU_ASSERT_EQUAL(fake_offset(&r->brokers[0], "G", "T", 0), -1);
  struct local_offsets o;
  CU_ASSERT_EQUAL(local_offsets_read(sim_host_disk(c->host), "home/offsets.json", &o), STATUS_OK);
  CU_ASSERT_EQUAL(o.count, 8);
  CU_ASSERT_EQUAL(local_offsets_find(&o, "T", "broker-b", 3), 2);
  local_offsets_fini(&o);
  rig_stop_consumer(c);
  /* The same machine again: goes on. */
  memset(c->seen, 0, sizeof c->seen);
  c->seen_count = 0;
  c->released = false;
  rig_store(r, 1, "T", 3, "next", NULL);
  rig_consume(c, &config, "T", "*");
  rig_run(r, 2000);
  CU_ASSERT_EQUAL(c->seen_count, 1);
  rig_free(r);
}

/* A broker that dies and comes back with all it had: nothing lost. */
static void test_broker_restart(void) {
  struct rig *r = rig_new(false);
  struct rig_client *c = rig_client(r, NULL);
  rig_consume(c, NULL, "T", "*");
  rig_run(r, 1000);
  sim_cut_both(c->host, r->broker_hosts[0]);
  sim_reset_connections(c->host, r->broker_hosts[0]);
  store_many(r, 80);
  rig_run(r, 20000);
  CU_ASSERT_EQUAL(c->seen_count, 40);
  sim_heal_all(r->world);
  rig_run(r, 40000);
  CU_ASSERT(all_seen_once(c, 80));
  rig_free(r);
}

static void test_suspend(void) {
  struct rig *r = rig_new(true);
  struct rig_client *c = rig_client(r, NULL);
  rig_consume(c, NULL, "T", "*");
  rig_run(r, 1000);
  consumer_push_suspend(&c->consumer, true, sim_host_now(c->host));
  store_many(r, 4); /* ends the parked pulls */
  rig_run(r, 1000);
  size_t seen = c->seen_count;
  store_many(r, 4);
  rig_run(r, 20000);
  CU_ASSERT_EQUAL(c->seen_count, seen);
  consumer_push_suspend(&c->consumer, false, sim_host_now(c->host));
  sim_poke(c->host);
  rig_run(r, 500);
  CU_ASSERT_EQUAL(c->seen_count, 8);
  rig_free(r);
}

/* Requests of the broker that the client does not know are refused, not ignored. */
static enum status refused_status;
static int refused_code;

static void on_refused(struct call *call, enum status status, const struct command *reply, struct moment now) {
  (void)call, (void)now;
  refused_status = status;
  refused_code = reply == NULL ? -1 : reply->code;
}

static void test_unknown_request(void) {
  struct rig *r = rig_new(true);
  struct rig_client *c = rig_client(r, NULL);
  rig_consume(c, NULL, "T", "*");
  rig_run(r, 1000);
  struct call call = {.done = on_refused};
  struct request_out q = {.code = REQUEST_GET_TOPIC_NAME_LIST};
  refused_code = 0;
  CU_ASSERT_EQUAL(remoting_call_conn(r->brokers[0].remoting, r->brokers[0].groups[0].conns[0], &q, 1000, &call,
                                     sim_host_now(r->broker_hosts[0])),
                  STATUS_OK);
  sim_poke(r->broker_hosts[0]);
  rig_run(r, 500);
  CU_ASSERT_EQUAL(refused_status, STATUS_OK);
  CU_ASSERT_EQUAL(refused_code, RESPONSE_REQUEST_CODE_NOT_SUPPORTED);
  rig_free(r);
}

const struct test push_tests[] = {{"push: consumes, saves, goes on", test_consume},
                                  {"push: a stop saves the offsets", test_stop_saves},
                                  {"push: where a new group begins", test_from_where},
                                  {"push: tags compared by text", test_filter},
                                  {"push: failed messages go back to the broker", test_send_back},
                                  {"push: tried again here when the broker refuses", test_retry_here},
                                  {"push: members share the queues", test_rebalance},
                                  {"push: flow control", test_flow_control},
                                  {"push: batches", test_batches},
                                  {"push: illegal offset", test_illegal_offset},
                                  {"push: a listener that does not come back", test_expiry},
                                  {"push: broadcasting", test_broadcast},
                                  {"push: a broker that was away", test_broker_restart},
                                  {"push: suspend and resume", test_suspend},
                                  {"client: unknown requests are refused", test_unknown_request},
                                  {NULL, NULL}};
