/* SPDX-License-Identifier: Apache-2.0
 *
 * What a broker tells and asks a consumer for operators.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "core/wire/message.h"
#include "tests/unit/client/rig.h"
#include "tests/unit/client/test_client.h"

#include <stdio.h>
#include <string.h>

struct question {
  struct call call;
  bool done;
  int code;
  char body[4096];
};

static void on_answer(struct call *call, enum status status, const struct command *reply, struct moment now) {
  struct question *q = (struct question *)call;
  (void)now;
  q->done = true;
  q->code = status == STATUS_OK ? reply->code : -1;
  if (status == STATUS_OK) span_copy_text(reply->body.len > 0 ? reply->body : reply->remark, q->body, sizeof q->body);
}

/* Broker a asks the first member of group G. */
static void ask(struct rig *r, int code, const struct ext *ext, size_t count, struct span body, struct question *q) {
  struct fake *f = &r->brokers[0];
  struct request_out out = {.code = code, .ext = ext, .ext_count = count, .body = body};
  *q = (struct question){.call.done = on_answer};
  CU_ASSERT_FATAL(f->group_count > 0 && f->groups[0].count > 0);
  CU_ASSERT(remoting_call_conn(f->remoting, f->groups[0].conns[0], &out, 10000, &q->call,
                               sim_host_now(r->broker_hosts[0])) == STATUS_OK);
  sim_poke(r->broker_hosts[0]);
  for (int i = 0; i < 200 && !q->done; i++) rig_run(r, 10);
}

static const struct ext of_group[] = {{SPAN_LITERAL("consumerGroup"), SPAN_LITERAL("G")},
                                      {SPAN_LITERAL("group"), SPAN_LITERAL("G")},
                                      {SPAN_LITERAL("topic"), SPAN_LITERAL("T")},
                                      {SPAN_LITERAL("brokerName"), SPAN_LITERAL("a")}};
static const struct ext of_nobody[] = {{SPAN_LITERAL("consumerGroup"), SPAN_LITERAL("X")},
                                       {SPAN_LITERAL("group"), SPAN_LITERAL("X")}};

static struct rig_client *consumer_of_four(struct rig *r) {
  for (int i = 0; i < 4; i++) {
    char body[32];
    snprintf(body, sizeof body, "m%d", i);
    rig_store(r, 0, "T", 0, body, NULL);
  }
  struct rig_client *c = rig_client(r, NULL);
  rig_consume(c, NULL, "T", "*");
  rig_run(r, 3000);
  CU_ASSERT_EQUAL(c->seen_count, 4);
  return c;
}

static void test_reset(void) {
  for (int cpp = 0; cpp < 2; cpp++) {
    struct rig *r = rig_new(true);
    struct rig_client *c = consumer_of_four(r);
    struct question q;
    char body[512];
    const char *format = cpp ? "{\"offsetTable\":[{\"brokerName\":\"%s\",\"offset\":2,\"queueId\":0,\"topic\":\"T\"}]}"
                             : "{\"offsetTable\":{{\"brokerName\":\"%s\",\"queueId\":0,\"topic\":\"T\"}:2}}";
    snprintf(body, sizeof body, format, r->brokers[0].name);
    struct fake *f = &r->brokers[0];
    struct request_out out = {.code = 220, .ext = of_group, .ext_count = 4, .body = span_text(body)};
    CU_ASSERT(remoting_oneway_conn(f->remoting, f->groups[0].conns[0], &out, sim_host_now(r->broker_hosts[0])) == 0);
    sim_poke(r->broker_hosts[0]);
    rig_run(r, 30000);
    CU_ASSERT_EQUAL(rig_seen(c, "m1"), 1);
    CU_ASSERT_EQUAL(rig_seen(c, "m2"), 2);
    CU_ASSERT_EQUAL(rig_seen(c, "m3"), 2);
    CU_ASSERT_EQUAL(fake_offset(f, "G", "T", 0), 4);
    ask(r, 220, of_nobody, 2, span_text(body), &q);
    CU_ASSERT_EQUAL(q.code, RESPONSE_SYSTEM_ERROR);
    rig_free(r);
  }
}

static void test_status(void) {
  struct rig *r = rig_new(true);
  consumer_of_four(r);
  struct question q;
  char want[512];
  ask(r, 221, of_group, 4, SPAN_NONE, &q);
  CU_ASSERT_EQUAL(q.code, RESPONSE_SUCCESS);
  snprintf(want, sizeof want, "{\"brokerName\":\"%s\",\"queueId\":0,\"topic\":\"T\"}:4", r->brokers[0].name);
  CU_ASSERT(strstr(q.body, "{\"consumerTable\":{},\"messageQueueTable\":{{") == q.body);
  CU_ASSERT(strstr(q.body, want) != NULL);
  ask(r, 307, of_group, 4, SPAN_NONE, &q);
  CU_ASSERT_EQUAL(q.code, RESPONSE_SUCCESS);
  CU_ASSERT(strstr(q.body, "\"PROP_CONSUME_TYPE\":\"CONSUME_PASSIVELY\"") != NULL);
  CU_ASSERT(strstr(q.body, "\"queueId\":0,\"topic\":\"T\"}:{\"cachedMsgCount\":0,") != NULL);
  CU_ASSERT(strstr(q.body, "\"commitOffset\":4,") != NULL);
  CU_ASSERT(strstr(q.body, "\"subString\":\"*\"") != NULL);
  ask(r, 307, of_nobody, 2, SPAN_NONE, &q);
  CU_ASSERT_EQUAL(q.code, RESPONSE_SYSTEM_ERROR);
  CU_ASSERT_STRING_EQUAL(q.body, "The Consumer Group <X> not exist in this consumer");
  rig_free(r);
}

static void test_directly(void) {
  struct rig *r = rig_new(true);
  struct rig_client *c = consumer_of_four(r);
  struct question q;
  struct ext ext[4];
  memcpy(ext, of_group, sizeof ext);
  ext[3].value = span_text(r->brokers[0].name);
  const struct fake_message *m = r->brokers[0].messages;
  c->delay_ms = 30;
  ask(r, 309, ext, 4, span_of(m->record, m->size), &q);
  CU_ASSERT_EQUAL(q.code, RESPONSE_SUCCESS);
  CU_ASSERT(
      strstr(q.body, "{\"autoCommit\":true,\"consumeResult\":\"CR_SUCCESS\",\"order\":false,\"spentTimeMills\":") ==
      q.body);
  CU_ASSERT_EQUAL(rig_seen(c, "m0"), 2);
  c->fail = "m0";
  c->failures = -1;
  ask(r, 309, ext, 4, span_of(m->record, m->size), &q);
  CU_ASSERT(strstr(q.body, "CR_LATER") != NULL);
  CU_ASSERT_EQUAL(r->brokers[0].backs, 0); /* nobody sends it back: it was not taken from a queue */
  ask(r, 309, ext, 4, SPAN_LITERAL("nonsense"), &q);
  CU_ASSERT_EQUAL(q.code, RESPONSE_SYSTEM_ERROR);
  ext[3].value = SPAN_LITERAL("elsewhere");
  ask(r, 309, ext, 4, span_of(m->record, m->size), &q);
  CU_ASSERT_EQUAL(q.code, RESPONSE_SYSTEM_ERROR);
  ask(r, 999, ext, 4, SPAN_NONE, &q);
  CU_ASSERT_EQUAL(q.code, RESPONSE_REQUEST_CODE_NOT_SUPPORTED);
  rig_stop_consumer(c);
  rig_free(r);
}

const struct test asked_tests[] = {{"asked: other offsets", test_reset},
                                   {"asked: where and how it is", test_status},
                                   {"asked: to consume one message", test_directly},
                                   {NULL, NULL}};
