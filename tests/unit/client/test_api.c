/* SPDX-License-Identifier: Apache-2.0
 *
 * The public API over real sockets, with threads: run under TSan too.
 */
#include "core/wire/codes.h"
#include "core/wire/message.h"
#include "host/uv/loop.h"
#include "mqclient/mqclient.h"
#include "tests/unit/client/fake.h"
#include "tests/unit/client/test_client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A server on a loop thread of its own, and a client. */
struct stage {
  struct uv_host *host;
  struct fake fake;
  mq_client *client;
  char servers[FAKE_TEXT];
  bool still;
};

static void stage_open(struct stage *s, const char *key, const char *value) {
  struct mq_error error = {.text = ""};
  *s = (struct stage){.host = uv_host_new(NULL, NULL)};
  fake_init(&s->fake, uv_host_net(s->host), NULL, "broker-a", "127.0.0.1", 0);
  fake_add_topic(&s->fake, "T");
  fake_add_topic(&s->fake, "%RETRY%G");
  snprintf(s->servers, sizeof s->servers, "%s", s->fake.addr);
  uv_host_attach(s->host, &s->fake.node);
  CU_ASSERT_EQUAL_FATAL(uv_host_start(s->host), STATUS_OK);
  mq_config *config = mq_config_new();
  mq_config_set(config, "namesrvAddr", s->servers, &error);
  mq_config_set(config, "consumeFromWhere", "CONSUME_FROM_FIRST_OFFSET", &error);
  if (key != NULL) CU_ASSERT_EQUAL(mq_config_set(config, key, value, &error), MQ_OK);
  CU_ASSERT_EQUAL_FATAL(mq_client_start(config, &s->client, &error), MQ_OK);
  mq_config_free(config);
}

/* The server stands still from here on: its counters can be read. */
static void stage_stop_server(struct stage *s) {
  if (s->still) return;
  s->still = true;
  uv_host_stop(s->host);
  uv_host_join(s->host);
}

static void stage_close(struct stage *s) {
  mq_client_free(s->client);
  stage_stop_server(s);
  fake_fini(&s->fake, uv_host_now(s->host));
  uv_host_free(s->host);
}

enum { SENDERS = 8, SENDS = 100 };

struct sender {
  mq_producer *producer;
  pthread_t thread;
  int index, stored;
};

static void *send_blocking(void *arg) {
  struct sender *s = arg;
  for (int i = 0; i < SENDS; i++) {
    char body[32];
    int n = snprintf(body, sizeof body, "%d-%d", s->index, i);
    mq_message *m = mq_message_new("T", body, (size_t)n);
    struct mq_send_result result;
    s->stored += mq_producer_send(s->producer, m, NULL, &result, NULL) == MQ_OK && strlen(result.message_id) >= 32;
    mq_message_free(m);
  }
  return NULL;
}

static void test_blocking(void) {
  struct stage s;
  struct sender senders[SENDERS];
  mq_producer *producer;
  stage_open(&s, NULL, NULL);
  CU_ASSERT_EQUAL_FATAL(mq_producer_start(s.client, "P", &producer, NULL), MQ_OK);
  mq_producer *second;
  CU_ASSERT_EQUAL(mq_producer_start(s.client, "P", &second, NULL), MQ_EXISTS);
  for (int i = 0; i < SENDERS; i++) {
    senders[i] = (struct sender){.producer = producer, .index = i};
    pthread_create(&senders[i].thread, NULL, send_blocking, &senders[i]);
  }
  for (int i = 0; i < SENDERS; i++) {
    pthread_join(senders[i].thread, NULL);
    CU_ASSERT_EQUAL(senders[i].stored, SENDS);
  }
  CU_ASSERT_EQUAL(mq_producer_stop(producer, 1000, NULL), MQ_OK);
  mq_message *m = mq_message_new("T", "x", 1);
  CU_ASSERT_EQUAL(mq_producer_send(producer, m, NULL, NULL, NULL), MQ_STOPPED);
  mq_message_free(m);
  mq_producer_free(producer);
  stage_stop_server(&s);
  CU_ASSERT_EQUAL(fake_count(&s.fake, "T"), SENDERS * SENDS);
  CU_ASSERT_EQUAL(s.fake.unregisters, 1);
  stage_close(&s);
}

struct async_counts {
  atomic_int ok, refused, blocked;
  mq_producer *producer;
  const mq_message *message;
};

static void on_sent(void *context, enum mq_result outcome, const struct mq_send_result *result,
                    const struct mq_error *error) {
  struct async_counts *c = context;
  (void)error;
  CU_ASSERT((outcome == MQ_OK) == (result != NULL));
  /* A blocking call here would wait for itself. */
  if (atomic_load(&c->blocked) == 0 && mq_producer_send(c->producer, c->message, NULL, NULL, NULL) == MQ_INVALID)
    atomic_fetch_add(&c->blocked, 1);
  if (outcome == MQ_OK)
    atomic_fetch_add(&c->ok, 1);
  else
    atomic_fetch_add(&c->refused, 1);
}

static void test_async(void) {
  struct stage s;
  struct async_counts c = {0};
  stage_open(&s, "maxPendingSends", "7"); /* so that the sender has to wait */
  CU_ASSERT_EQUAL_FATAL(mq_producer_start(s.client, "P", &c.producer, NULL), MQ_OK);
  mq_message *m = mq_message_new("T", "hello", 5);
  mq_message_set_tags(m, "TagA");
  c.message = m;
  for (int i = 0; i < 500; i++)
    CU_ASSERT_EQUAL(mq_producer_send_async(c.producer, m, NULL, on_sent, &c, NULL), MQ_OK);
  struct mq_send_options to = {.queue = {"broker-a", 2}};
  CU_ASSERT_EQUAL(mq_producer_send_async(c.producer, m, &to, on_sent, &c, NULL), MQ_OK);
  CU_ASSERT_EQUAL(mq_producer_send_oneway(c.producer, m, &to, NULL), MQ_OK);
  const mq_message *batch[] = {m, m, m};
  struct mq_send_result result;
  CU_ASSERT_EQUAL(mq_producer_send_batch(c.producer, batch, 3, &to, &result, NULL), MQ_OK);
  CU_ASSERT_EQUAL(result.queue.id, 2);
  CU_ASSERT_STRING_EQUAL(result.queue.broker_name, "broker-a");
  CU_ASSERT_EQUAL(mq_producer_stop(c.producer, 5000, NULL), MQ_OK);
  CU_ASSERT_EQUAL(c.ok, 501);
  CU_ASSERT_EQUAL(c.refused, 0);
  CU_ASSERT_EQUAL(c.blocked, 1);
  mq_producer_free(c.producer);
  mq_message_free(m);
  stage_stop_server(&s);
  CU_ASSERT_EQUAL(fake_count(&s.fake, "T"), 501 + 1 + 3);
  stage_close(&s);
}

static void test_refusals(void) {
  struct stage s;
  struct mq_error error;
  mq_producer *p;
  stage_open(&s, "maxMessageSize", "100");
  CU_ASSERT_EQUAL(mq_producer_start(s.client, "bad group!", &p, &error), MQ_INVALID);
  CU_ASSERT_EQUAL_FATAL(mq_producer_start(s.client, "P", &p, NULL), MQ_OK);
  char big[101] = "x";
  mq_message *m = mq_message_new("T", big, sizeof big);
  CU_ASSERT_EQUAL(mq_producer_send(p, m, NULL, NULL, &error), MQ_TOO_LARGE);
  mq_message_set_body(m, "", 0);
  CU_ASSERT_EQUAL(mq_producer_send(p, m, NULL, NULL, &error), MQ_INVALID);
  mq_message_set_body(m, "x", 1);
  mq_message_set_topic(m, "no topic");
  CU_ASSERT_EQUAL(mq_producer_send(p, m, NULL, NULL, &error), MQ_INVALID);
  mq_message_set_topic(m, "TBW102");
  CU_ASSERT_EQUAL(mq_producer_send(p, m, NULL, NULL, &error), MQ_INVALID);
  mq_message_set_topic(m, "Nowhere");
  CU_ASSERT_EQUAL(mq_producer_send(p, m, NULL, NULL, &error), MQ_NO_ROUTE);
  mq_message *other = mq_message_new("T", "x", 1);
  const mq_message *mixed[] = {m, other};
  CU_ASSERT_EQUAL(mq_producer_send_batch(p, mixed, 2, NULL, NULL, &error), MQ_INVALID);
  CU_ASSERT_EQUAL(mq_producer_send_batch(p, mixed, 0, NULL, NULL, &error), MQ_INVALID);
  mq_message_set_delay_level(other, 1);
  CU_ASSERT_EQUAL(mq_producer_send_batch(p, (const mq_message *[]){other}, 1, NULL, NULL, &error), MQ_INVALID);
  mq_message_free(m);
  mq_message_free(other);
  mq_producer_free(p);
  stage_close(&s);
}

/* Sends that nobody answers end when the producer is stopped. */
static void test_stop_deadline(void) {
  struct stage s;
  struct async_counts c = {.blocked = 1};
  stage_open(&s, NULL, NULL);
  s.fake.mute_sends = true; /* nothing was sent yet, so its loop does not look at it */
  CU_ASSERT_EQUAL_FATAL(mq_producer_start(s.client, "P", &c.producer, NULL), MQ_OK);
  mq_message *m = mq_message_new("T", "hello", 5);
  for (int i = 0; i < 10; i++) mq_producer_send_async(c.producer, m, NULL, on_sent, &c, NULL);
  CU_ASSERT_EQUAL(mq_producer_stop(c.producer, 100, NULL), MQ_TIMEOUT);
  CU_ASSERT_EQUAL(c.refused, 10);
  mq_message_free(m);
  mq_producer_free(c.producer);
  stage_close(&s);
}

static void send_some(struct stage *s, int n) {
  mq_producer *p;
  CU_ASSERT_EQUAL_FATAL(mq_producer_start(s->client, "P", &p, NULL), MQ_OK);
  for (int i = 0; i < n; i++) {
    char body[8192] = "";
    int len = snprintf(body, sizeof body, "m%d", i);
    mq_message *m = mq_message_new("T", body, i % 10 == 9 ? sizeof body : (size_t)len); /* some are compressed */
    CU_ASSERT_EQUAL(mq_producer_send(p, m, NULL, NULL, NULL), MQ_OK);
    mq_message_free(m);
  }
  mq_producer_free(p);
}

static void test_pull(void) {
  struct stage s;
  struct mq_error error;
  mq_pull_consumer *c;
  mq_queue_list *queues;
  stage_open(&s, NULL, NULL);
  send_some(&s, 40);
  CU_ASSERT_EQUAL_FATAL(mq_pull_consumer_start(s.client, "G", &c, &error), MQ_OK);
  CU_ASSERT_EQUAL(mq_pull_consumer_queues(c, "Nowhere", &queues, &error), MQ_NO_ROUTE);
  CU_ASSERT_EQUAL_FATAL(mq_pull_consumer_queues(c, "T", &queues, &error), MQ_OK);
  CU_ASSERT_EQUAL_FATAL(mq_queue_list_count(queues), 4);
  for (size_t i = 0; i < 4; i++) {
    struct mq_queue q = mq_queue_list_get(queues, i);
    int64_t offset = -5;
    CU_ASSERT_EQUAL(mq_pull_consumer_committed(c, "T", q, &offset, &error), MQ_OK);
    CU_ASSERT_EQUAL(offset, -1);
    CU_ASSERT_EQUAL(mq_pull_consumer_max_offset(c, "T", q, &offset, &error), MQ_OK);
    CU_ASSERT_EQUAL(offset, 10);
    struct mq_pull_request request = {.topic = "T", .queue = q, .max_messages = 32};
    mq_pull_result *result;
    CU_ASSERT_EQUAL_FATAL(mq_pull_consumer_pull(c, &request, &result, &error), MQ_OK);
    CU_ASSERT_EQUAL(mq_pull_result_status(result), MQ_PULL_FOUND);
    CU_ASSERT_EQUAL(mq_pull_result_count(result), 10);
    CU_ASSERT_EQUAL(mq_pull_result_next_offset(result), 10);
    for (size_t k = 0; k < mq_pull_result_count(result); k++) {
      size_t len;
      CU_ASSERT(((const char *)mq_message_body(mq_pull_result_message(result, k), &len))[0] == 'm');
      CU_ASSERT(len < 10 || len == 8192);
    }
    mq_pull_result_free(result);
    CU_ASSERT_EQUAL(mq_pull_consumer_commit(c, "T", q, 10, &error), MQ_OK);
    CU_ASSERT_EQUAL(mq_pull_consumer_committed(c, "T", q, &offset, &error), MQ_OK);
    CU_ASSERT_EQUAL(offset, 10);
  }
  struct mq_queue nobody = {"nobody", 0};
  int64_t offset;
  CU_ASSERT_EQUAL(mq_pull_consumer_min_offset(c, "T", nobody, &offset, &error), MQ_NO_BROKER);
  mq_queue_list_free(queues);
  CU_ASSERT_EQUAL(mq_pull_consumer_stop(c, 1000, &error), MQ_OK);
  mq_pull_consumer_free(c);
  stage_close(&s);
}

struct heard {
  atomic_int count, failed;
};

static enum mq_consume_result listen(void *context, const mq_message *const *messages, size_t count) {
  struct heard *h = context;
  for (size_t i = 0; i < count; i++) {
    CU_ASSERT_STRING_EQUAL(mq_message_topic(messages[i]), "T");
    /* The first time, one fails: it comes again by the retry topic. */
    if (mq_message_reconsume_times(messages[i]) == 0 && atomic_fetch_add(&h->failed, 1) == 0)
      return MQ_CONSUME_LATER;
  }
  atomic_fetch_add(&h->count, (int)count);
  return MQ_CONSUME_SUCCESS;
}

static void wait_for(atomic_int *count, int wanted) {
  for (int i = 0; i < 1000 && atomic_load(count) < wanted; i++) usleep(10000);
  CU_ASSERT_EQUAL(atomic_load(count), wanted);
}

static void test_push(void) {
  struct stage s;
  struct mq_error error;
  struct heard h = {0};
  mq_push_consumer *c;
  stage_open(&s, NULL, NULL);
  send_some(&s, 100);
  CU_ASSERT_EQUAL_FATAL(mq_push_consumer_new(s.client, "G", &c, &error), MQ_OK);
  CU_ASSERT_EQUAL(mq_push_consumer_start(c, &error), MQ_INVALID);
  mq_push_consumer_listen(c, listen, &h);
  CU_ASSERT_EQUAL(mq_push_consumer_start(c, &error), MQ_INVALID);
  CU_ASSERT_EQUAL(mq_push_consumer_subscribe(c, "T", "||", &error), MQ_INVALID);
  CU_ASSERT_EQUAL(mq_push_consumer_subscribe(c, "T", "*", &error), MQ_OK);
  CU_ASSERT_EQUAL_FATAL(mq_push_consumer_start(c, &error), MQ_OK);
  wait_for(&h.count, 100);
  mq_push_consumer_suspend(c);
  mq_push_consumer_resume(c);
  CU_ASSERT_EQUAL(mq_push_consumer_stop(c, 3000, &error), MQ_OK);
  mq_push_consumer_free(c);
  stage_stop_server(&s);
  CU_ASSERT_EQUAL(s.fake.backs, 1);
  for (int q = 0; q < 4; q++) CU_ASSERT_EQUAL(fake_offset(&s.fake, "G", "T", q), 25);
  stage_close(&s);
}

static enum mq_consume_result listen_slowly(void *context, const mq_message *const *messages, size_t count) {
  (void)messages, (void)count;
  atomic_fetch_add((atomic_int *)context, 1);
  usleep(400000);
  return MQ_CONSUME_SUCCESS;
}

/* The deadline of a stop is kept; what was not consumed is not committed. */
static void test_push_deadline(void) {
  struct stage s;
  struct mq_error error;
  atomic_int calls = 0;
  mq_push_consumer *c;
  stage_open(&s, "consumeThreadMin", "2");
  send_some(&s, 40);
  CU_ASSERT_EQUAL_FATAL(mq_push_consumer_new(s.client, "G", &c, &error), MQ_OK);
  mq_push_consumer_listen(c, listen_slowly, &calls);
  CU_ASSERT_EQUAL(mq_push_consumer_subscribe(c, "T", NULL, &error), MQ_OK);
  CU_ASSERT_EQUAL_FATAL(mq_push_consumer_start(c, &error), MQ_OK);
  for (int i = 0; i < 1000 && calls < 2; i++) usleep(5000);
  CU_ASSERT_EQUAL(mq_push_consumer_stop(c, 50, &error), MQ_TIMEOUT);
  mq_push_consumer_free(c);
  CU_ASSERT(calls < 10);
  stage_stop_server(&s);
  int64_t committed = 0;
  for (int q = 0; q < 4; q++) {
    int64_t offset = fake_offset(&s.fake, "G", "T", q);
    if (offset > 0) committed += offset;
  }
  CU_ASSERT(committed <= calls);
  stage_close(&s);
}

struct transactions {
  atomic_int executed, checked;
  enum mq_transaction_state states[4], answer;
};

static enum mq_transaction_state on_execute(void *context, const mq_message *message, const char *message_id,
                                            void *argument) {
  struct transactions *t = context;
  CU_ASSERT(strlen(message_id) >= 32 && strcmp(mq_message_tags(message), "A") == 0);
  CU_ASSERT(mq_message_property(message, "TRAN_MSG") == NULL); /* it is the program's own */
  atomic_fetch_add(&t->executed, 1);
  return t->states[*(int *)argument];
}

static enum mq_transaction_state on_check(void *context, const mq_message *message) {
  struct transactions *t = context;
  size_t length;
  const void *body = mq_message_body(message, &length);
  CU_ASSERT(length == 5 && memcmp(body, "order", 5) == 0 && strcmp(mq_message_topic(message), "T") == 0);
  CU_ASSERT_STRING_EQUAL(mq_message_property(message, "PGROUP"), "P");
  CU_ASSERT(mq_message_property(message, "DELAY") == NULL);
  usleep(20000);
  atomic_fetch_add(&t->checked, 1);
  return t->answer;
}

/* A producer that came back only to answer sends nothing, and is known all the same. */
static void test_transaction_presence(void) {
  struct stage s;
  struct transactions t = {.answer = MQ_TRANSACTION_UNKNOWN};
  struct mq_transaction_listener listener = {on_execute, on_check, &t};
  mq_transaction_producer *producer;
  stage_open(&s, "createTopicKey", "T");
  CU_ASSERT_EQUAL_FATAL(mq_transaction_producer_start(s.client, "P", &listener, &producer, NULL), MQ_OK);
  for (int i = 0; i < 1000 && s.fake.heartbeats == 0; i++) usleep(5000);
  CU_ASSERT_EQUAL(mq_transaction_producer_stop(producer, 1000, NULL), MQ_OK);
  mq_transaction_producer_free(producer);
  stage_stop_server(&s);
  CU_ASSERT(s.fake.heartbeats > 0 && s.fake.unregisters == 1 && s.fake.sends == 0);
  stage_close(&s);
}

/* Committed, rolled back, open; the last is asked for. */
static void test_transactions(void) {
  struct stage s;
  struct transactions t = {.states = {MQ_TRANSACTION_COMMIT, MQ_TRANSACTION_ROLLBACK, MQ_TRANSACTION_UNKNOWN},
                           .answer = MQ_TRANSACTION_COMMIT};
  struct mq_transaction_listener listener = {on_execute, on_check, &t};
  static const int hows[] = {8, 12, 0, 8};
  mq_transaction_producer *producer;
  struct mq_send_result result;
  char ids[3][MQ_ID_MAX];
  stage_open(&s, NULL, NULL);
  CU_ASSERT_EQUAL(mq_transaction_producer_start(s.client, "P", &(struct mq_transaction_listener){0}, &producer, NULL),
                  MQ_INVALID);
  CU_ASSERT_EQUAL_FATAL(mq_transaction_producer_start(s.client, "P", &listener, &producer, NULL), MQ_OK);
  mq_message *m = mq_message_new("T", "order", 5);
  mq_message_set_tags(m, "A");
  mq_message_set_delay_level(m, 3);
  for (int i = 0; i < 3; i++) {
    enum mq_transaction_state state;
    CU_ASSERT_EQUAL(mq_transaction_producer_send(producer, m, &i, &result, &state, NULL), MQ_OK);
    CU_ASSERT(state == t.states[i] && result.status == MQ_SEND_OK);
    memcpy(ids[i], result.message_id, MQ_ID_MAX);
  }
  for (int i = 0; i < 1000 && s.fake.end_count < 4; i++) usleep(5000);
  CU_ASSERT_EQUAL(mq_transaction_producer_stop(producer, 1000, NULL), MQ_OK);
  CU_ASSERT_EQUAL(mq_transaction_producer_send(producer, m, NULL, NULL, NULL, NULL), MQ_STOPPED);
  mq_message_free(m);
  mq_transaction_producer_free(producer);
  stage_stop_server(&s);
  CU_ASSERT(t.executed == 3 && t.checked == 1 && s.fake.end_count == 4);
  for (int i = 0; i < 4; i++) {
    const struct fake_end *e = &s.fake.ends[i];
    CU_ASSERT(e->how == hows[i] && e->asked == (i == 3) && e->log == 0x123);
    CU_ASSERT_STRING_EQUAL(e->group, "P");
    CU_ASSERT_STRING_EQUAL(e->message_id, ids[i < 3 ? i : 2]);
  }
  struct message stored;
  size_t size;
  CU_ASSERT_FATAL(message_decode(span_of(s.fake.messages->record, s.fake.messages->size), true, &stored, &size) ==
                  STATUS_OK);
  CU_ASSERT(stored.sys_flag == SYS_TRANSACTION_PREPARED);
  CU_ASSERT(span_is(property_get(stored.properties, "TRAN_MSG"), "true"));
  CU_ASSERT(property_get(stored.properties, "DELAY").ptr == NULL);
  stage_close(&s);
}

/* What was never stored is not executed, and nothing is said of it. */
static void test_transaction_refused(void) {
  struct stage s;
  struct transactions t = {.answer = MQ_TRANSACTION_UNKNOWN};
  struct mq_transaction_listener listener = {on_execute, on_check, &t};
  mq_transaction_producer *producer;
  enum mq_transaction_state state = MQ_TRANSACTION_COMMIT;
  stage_open(&s, NULL, NULL);
  s.fake.send_code = RESPONSE_MESSAGE_ILLEGAL;
  CU_ASSERT_EQUAL_FATAL(mq_transaction_producer_start(s.client, "P", &listener, &producer, NULL), MQ_OK);
  mq_message *m = mq_message_new("T", "order", 5);
  CU_ASSERT_EQUAL(mq_transaction_producer_send(producer, m, NULL, NULL, &state, NULL), MQ_REFUSED);
  mq_message_free(m);
  mq_transaction_producer_free(producer);
  stage_stop_server(&s);
  CU_ASSERT(t.executed == 0 && s.fake.end_count == 0 && state == MQ_TRANSACTION_COMMIT);
  stage_close(&s);
}

const struct test api_tests[] = {{"api: blocking sends of many threads", test_blocking},
                                 {"api: asynchronous, one-way, batch", test_async},
                                 {"api: what is refused", test_refusals},
                                 {"api: the deadline of a producer's stop", test_stop_deadline},
                                 {"api: pull consumer", test_pull},
                                 {"api: push consumer", test_push},
                                 {"api: transactions", test_transactions},
                                 {"api: who answers for transactions is known", test_transaction_presence},
                                 {"api: a transaction that is refused", test_transaction_refused},
                                 {"api: the deadline of a push consumer's stop", test_push_deadline},
                                 {NULL, NULL}};
