/* SPDX-License-Identifier: Apache-2.0
 *
 * Sends in the imagined world: which queue, which broker, which try.
 */
#include "core/wire/codes.h"
#include "tests/unit/client/rig.h"
#include "tests/unit/client/test_client.h"

#include <stdlib.h>

static struct rig_client *producer_in(struct rig *r) {
  struct rig_client *c = rig_client(r, NULL);
  rig_produce(c, NULL);
  return c;
}

static void test_round_robin(void) {
  struct rig *r = rig_new(false);
  struct rig_client *c = producer_in(r);
  int at[2][4] = {{0}};
  for (int i = 0; i < 16; i++) {
    struct rig_send *s = rig_send(c, i % 2 ? SEND_ASYNC : SEND_SYNC, "T", "hello");
    rig_run(r, 100);
    CU_ASSERT(s->done);
    CU_ASSERT_EQUAL(s->op.error.result, MQ_OK);
    CU_ASSERT_EQUAL(s->op.status, SEND_STORED);
    at[strcmp(s->broker, "broker-b") == 0][s->op.stored_queue]++;
    free(s);
  }
  for (int b = 0; b < 2; b++)
    for (int q = 0; q < 4; q++) CU_ASSERT_EQUAL(at[b][q], 2);
  CU_ASSERT_EQUAL(r->ns.routes_asked, 1);
  CU_ASSERT(r->brokers[0].heartbeats > 0 && r->brokers[1].heartbeats > 0);
  rig_free(r);
}

/* SERVICE_NOT_AVAILABLE at one broker: a sync send goes to the other one. */
static void test_retry_code(void) {
  struct rig *r = rig_new(false);
  struct rig_client *c = producer_in(r);
  r->brokers[0].send_code = RESPONSE_SERVICE_NOT_AVAILABLE;
  for (int i = 0; i < 8; i++) {
    struct rig_send *s = rig_send(c, SEND_SYNC, "T", "hello");
    rig_run(r, 200);
    CU_ASSERT(s->done);
    CU_ASSERT_EQUAL(s->op.error.result, MQ_OK);
    CU_ASSERT_STRING_EQUAL(s->broker, "broker-b");
    free(s);
  }
  CU_ASSERT_EQUAL(fake_count(&r->brokers[1], "T"), 8);
  CU_ASSERT(r->brokers[0].sends > 0 && r->brokers[0].sends <= 8);
  rig_free(r);
}

static struct rig_send *one_send(struct rig *r, struct rig_client *c, enum send_mode mode, int ms) {
  struct rig_send *s = rig_send(c, mode, "T", "hello");
  rig_run(r, ms);
  return s;
}

/* SYSTEM_BUSY is nobody's to retry, and asynchronous sends retry no code at all. */
static void test_no_retry(void) {
  struct rig *r = rig_new(true);
  struct rig_client *c = producer_in(r);
  r->brokers[0].send_code = RESPONSE_SYSTEM_BUSY;
  struct rig_send *s = one_send(r, c, SEND_SYNC, 500);
  CU_ASSERT(s->done);
  CU_ASSERT_EQUAL(s->op.error.result, MQ_REFUSED);
  CU_ASSERT_EQUAL(s->op.error.broker_code, RESPONSE_SYSTEM_BUSY);
  CU_ASSERT_STRING_EQUAL(s->op.error.text, "as the test wants it");
  CU_ASSERT_EQUAL(r->brokers[0].sends, 1);
  free(s);
  r->brokers[0].send_code = RESPONSE_SERVICE_NOT_AVAILABLE;
  s = one_send(r, c, SEND_ASYNC, 500);
  CU_ASSERT_EQUAL(s->op.error.result, MQ_REFUSED);
  CU_ASSERT_EQUAL(r->brokers[0].sends, 2);
  free(s);
  s = one_send(r, c, SEND_SYNC, 500); /* one broker: three tries there */
  CU_ASSERT_EQUAL(s->op.error.result, MQ_REFUSED);
  CU_ASSERT_EQUAL(r->brokers[0].sends, 5);
  free(s);
  rig_free(r);
}

/* A dead broker costs nobody a message, in both ways of sending. */
static void test_dead_broker(void) {
  struct rig *r = rig_new(false);
  struct rig_client *c = producer_in(r);
  free(one_send(r, c, SEND_SYNC, 200));
  sim_stop(r->broker_hosts[0], SIM_KILL);
  rig_run(r, 100);
  for (int i = 0; i < 10; i++) {
    struct rig_send *s = one_send(r, c, i % 2 ? SEND_ASYNC : SEND_SYNC, 1000);
    CU_ASSERT(s->done);
    CU_ASSERT_EQUAL(s->op.error.result, MQ_OK);
    CU_ASSERT_STRING_EQUAL(s->broker, "broker-b");
    free(s);
  }
  CU_ASSERT(r->ns.routes_asked >= 2); /* asked again because of the failure, long before the 30 s */
  rig_free(r);
}

/* One deadline for all tries. */
static void test_timeout(void) {
  struct rig *r = rig_new(false);
  struct rig_client *c = producer_in(r);
  free(one_send(r, c, SEND_SYNC, 200));
  r->brokers[0].mute_sends = r->brokers[1].mute_sends = true;
  int64_t begin = sim_host_now(c->host).mono_ms;
  struct rig_send *sync = rig_send(c, SEND_SYNC, "T", "x"), *async = rig_send(c, SEND_ASYNC, "T", "x");
  rig_run(r, 2900);
  CU_ASSERT_FALSE(sync->done || async->done);
  rig_run(r, 300);
  CU_ASSERT(sync->done && async->done);
  CU_ASSERT_EQUAL(sync->op.error.result, MQ_TIMEOUT);
  CU_ASSERT_EQUAL(async->op.error.result, MQ_TIMEOUT);
  CU_ASSERT(sync->done_ms - begin < 3100);
  free(sync);
  free(async);
  rig_free(r);
}

static void test_new_topic(void) {
  struct rig *r = rig_new(true);
  struct rig_client *c = producer_in(r);
  r->brokers[0].queue_count = 8; /* of TBW102; a new topic gets defaultTopicQueueNums = 4 */
  struct rig_send *s = rig_send(c, SEND_SYNC, "New", "x");
  rig_run(r, 300);
  CU_ASSERT_EQUAL(s->op.error.result, MQ_OK);
  const struct route *route = route_get(&c->client->routes, SPAN_LITERAL("New"));
  CU_ASSERT_EQUAL(route->publish_count, 4);
  CU_ASSERT(route->assumed);
  free(s);
  fake_add_topic(&r->ns, "New");
  rig_run(r, 31000);
  CU_ASSERT_EQUAL(route->publish_count, 8);
  CU_ASSERT_FALSE(route->assumed);
  rig_free(r);
}

static void test_no_route(void) {
  struct rig *r = rig_new(true);
  r->ns.topic_count = 0;
  struct rig_client *c = producer_in(r);
  struct rig_send *s = one_send(r, c, SEND_SYNC, 300);
  CU_ASSERT(s->done);
  CU_ASSERT_EQUAL(s->op.error.result, MQ_NO_ROUTE);
  free(s);
  r->ns.mute_routes = true;
  s = one_send(r, c, SEND_SYNC, 3500);
  CU_ASSERT(s->done);
  CU_ASSERT(s->op.error.result == MQ_TIMEOUT || s->op.error.result == MQ_NO_NAME_SERVER);
  free(s);
  rig_free(r);
}

static void test_name_server_failover(void) {
  struct rig *r = rig_new(true);
  struct rig_client *c = rig_client(r, "10.0.0.99:9876;10.0.0.1:9876;10.0.0.98:9876");
  rig_produce(c, NULL);
  struct rig_send *s = rig_send(c, SEND_SYNC, "T", "x");
  s->op.timeout_ms = 3000;
  rig_run(r, 10000);
  struct rig_send *again = one_send(r, c, SEND_SYNC, 500);
  CU_ASSERT_EQUAL(again->op.error.result, MQ_OK);
  CU_ASSERT_STRING_EQUAL(name_servers_current(&c->client->name_servers), "10.0.0.1:9876");
  free(s);
  free(again);
  rig_free(r);
}

static size_t choose_last(struct send_op *op, const struct queue_ref *queues, size_t count) {
  (void)op, (void)queues;
  return count - 1;
}

static size_t choose_wrong(struct send_op *op, const struct queue_ref *queues, size_t count) {
  (void)op, (void)queues;
  return count;
}

static void test_given_queue(void) {
  struct rig *r = rig_new(false);
  struct rig_client *c = producer_in(r);
  free(one_send(r, c, SEND_SYNC, 200));
  struct rig_send s = {0};
  struct send_op base = {.topic = SPAN_LITERAL("T"), .body = SPAN_LITERAL("x"), .timeout_ms = 3000};
  struct rig_send *model = rig_send(c, SEND_SYNC, "T", "x");
  rig_run(r, 200);
  base.done = model->op.done;
  free(model);
  s.op = base;
  s.op.broker_name = SPAN_LITERAL("broker-b");
  s.op.queue_id = 3;
  producer_send(&c->producer, &s.op, sim_host_now(c->host));
  sim_poke(c->host);
  rig_run(r, 200);
  CU_ASSERT(s.done && s.op.error.result == MQ_OK && s.op.stored_queue == 3);
  CU_ASSERT_STRING_EQUAL(s.broker, "broker-b");
  s = (struct rig_send){.op = base};
  s.op.broker_name = SPAN_LITERAL("nobody");
  producer_send(&c->producer, &s.op, sim_host_now(c->host));
  CU_ASSERT(s.done && s.op.error.result == MQ_NO_BROKER);
  s = (struct rig_send){.op = base};
  s.op.select = choose_last;
  producer_send(&c->producer, &s.op, sim_host_now(c->host));
  sim_poke(c->host);
  rig_run(r, 200);
  CU_ASSERT(s.done && s.op.error.result == MQ_OK && s.op.stored_queue == 3);
  CU_ASSERT_STRING_EQUAL(s.broker, "broker-b");
  s = (struct rig_send){.op = base};
  s.op.select = choose_wrong;
  producer_send(&c->producer, &s.op, sim_host_now(c->host));
  CU_ASSERT(s.done && s.op.error.result == MQ_INVALID);
  /* A named queue is tried once. */
  r->brokers[0].send_code = RESPONSE_SYSTEM_ERROR;
  int before = r->brokers[0].sends + r->brokers[1].sends;
  s = (struct rig_send){.op = base};
  s.op.broker_name = SPAN_LITERAL("broker-a");
  producer_send(&c->producer, &s.op, sim_host_now(c->host));
  sim_poke(c->host);
  rig_run(r, 500);
  CU_ASSERT(s.done && s.op.error.result == MQ_REFUSED);
  CU_ASSERT_EQUAL(r->brokers[0].sends + r->brokers[1].sends, before + 1);
  rig_free(r);
}

static void test_oneway_and_stop(void) {
  struct rig *r = rig_new(true);
  struct rig_client *c = producer_in(r);
  struct rig_send *s = one_send(r, c, SEND_ONEWAY, 300);
  CU_ASSERT(s->done && s->op.error.result == MQ_OK);
  CU_ASSERT_EQUAL(r->brokers[0].oneways, 1);
  CU_ASSERT_EQUAL(fake_count(&r->brokers[0], "T"), 1);
  free(s);
  r->brokers[0].mute_sends = true;
  s = one_send(r, c, SEND_ASYNC, 100);
  CU_ASSERT_FALSE(s->done);
  producer_abort(&s->op, sim_host_now(c->host));
  CU_ASSERT(s->done && s->op.error.result == MQ_STOPPED);
  CU_ASSERT_EQUAL(c->producer.pending, 0);
  free(s);
  rig_free(r);
}

/* A broker that came back is greeted at once, not at the next heartbeat. */
static void test_greeting(void) {
  struct rig *r = rig_new(true);
  struct rig_client *c = producer_in(r);
  free(one_send(r, c, SEND_SYNC, 200));
  int before = r->brokers[0].heartbeats;
  sim_reset_connections(c->host, r->broker_hosts[0]);
  rig_run(r, 50);
  free(one_send(r, c, SEND_SYNC, 500));
  CU_ASSERT_EQUAL(r->brokers[0].heartbeats, before + 1);
  rig_run(r, 31000);
  CU_ASSERT_EQUAL(r->brokers[0].heartbeats, before + 2);
  rig_free(r);
}

/* To name servers and brokers, of any kind, with and without a header and a body. */
static void signed_with(const char *security_token) {
  struct rig *r = rig_new(true);
  struct rig_client *c = rig_client_signing(r, security_token);
  rig_produce(c, NULL);
  for (int i = 0; i < 3; i++) {
    struct rig_send *s = one_send(r, c, i == 1 ? SEND_ONEWAY : SEND_SYNC, 200);
    CU_ASSERT_EQUAL(s->op.error.result, MQ_OK);
    free(s);
  }
  rig_run(r, 31000);
  CU_ASSERT(r->ns.signed_good > 0 && r->brokers[0].signed_good >= 4);
  CU_ASSERT_EQUAL(r->ns.signed_bad, 0);
  CU_ASSERT_EQUAL(r->brokers[0].signed_bad, 0);
  rig_free(r);
}

static void test_signed(void) {
  signed_with(NULL);
  signed_with("token");
}

const struct test send_tests[] = {{"send: everything is signed", test_signed},
                                  {"send: queues in turn", test_round_robin},
                                  {"send: another broker after a retryable code", test_retry_code},
                                  {"send: what is not tried again", test_no_retry},
                                  {"send: a dead broker", test_dead_broker},
                                  {"send: one deadline for all tries", test_timeout},
                                  {"send: a topic that does not exist yet", test_new_topic},
                                  {"send: no route, no name server", test_no_route},
                                  {"send: dead name servers are left", test_name_server_failover},
                                  {"send: named queue and selector", test_given_queue},
                                  {"send: one-way, and stopped", test_oneway_and_stop},
                                  {"heartbeat: at once after a reconnect", test_greeting},
                                  {NULL, NULL}};
