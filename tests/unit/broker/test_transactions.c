/* SPDX-License-Identifier: Apache-2.0
 *
 * Transactions: prepared, ended, asked for when nobody ends them, given up;
 * right after stops, crashes and failed writes; and Java's records and
 * offsets.
 */
#define _GNU_SOURCE /* memmem */
#include "tests/unit/broker/stage.h"
#include "mqbroker/transaction/half_record.h"
#include "tests/golden/unpack.h"
#include "tests/harness.h"

#include <stdio.h>
#include <string.h>

#define HALF "TRAN_MSG\001true\002PGROUP\001PG\002UNIQ_KEY\001U1\002"
#define OFTEN "transactionTimeOut=2000\ntransactionCheckInterval=3000\n"

enum { COMMIT = 8, ROLLBACK = 12, UNKNOWN = 0 };

static int64_t count_of(struct stage *s, const char *topic) {
  return store_queue_max(s->broker->store, span_text(topic), 0);
}

static bool record_of(struct stage *s, const char *topic, int queue, int64_t offset, struct message *m) {
  struct store_unit u;
  struct span record;
  size_t size;
  return store_unit_at(s->broker->store, span_text(topic), queue, offset, &u) == STATUS_OK &&
         store_message_at(s->broker->store, u.physical_offset, &record) == STATUS_OK &&
         message_decode(record, true, m, &size) == STATUS_OK;
}

static const char *arrived(struct stage *s, const char *topic) {
  struct answer a;
  if (stage_pull(s, topic, 0, 0, "*", &a) != RESPONSE_SUCCESS) return "";
  return pulled_bodies(&a);
}

static int end_at(struct stage *s, int64_t half, int64_t physical, int how, const char *group, struct answer *a) {
  struct end_transaction_request h = {.producerGroup = span_text(group),
                                      .tranStateTableOffset = half,
                                      .commitLogOffset = physical,
                                      .commitOrRollback = how,
                                      .msgId = SPAN_LITERAL("U1"),
                                      .present = UINT64_MAX};
  struct request_out q = {.code = REQUEST_END_TRANSACTION, .header = &end_transaction_request_header, .fields = &h};
  stage_ask_wait(s, 0, &q, a);
  return a->code;
}

static int end(struct stage *s, int64_t half, int how) {
  struct message m;
  struct answer a;
  CU_ASSERT_FATAL(record_of(s, HALF_TOPIC, 0, half, &m));
  return end_at(s, half, m.physical_offset, how, "PG", &a);
}

static int prepare(struct stage *s, const char *body) {
  struct answer a;
  return stage_send(s, "T", 0, body, HALF, &a);
}

static int64_t offset_of(struct stage *s, const char *topic) {
  return offsets_get(&s->broker->offsets, SPAN_LITERAL(HALF_GROUP), span_text(topic), 0);
}

static int asked(struct stage *s) {
  int n = 0;
  for (int i = 0; i < STAGE_PEERS; i++) n += s->peers[i].asked_count;
  return n;
}

static void a_commit_is_delivered_and_a_rollback_is_not(void) {
  struct stage s;
  struct answer a;
  struct message half, m;
  stage_start(&s, NULL);
  CU_ASSERT(stage_send(&s, "T", 3, "yes", "TAGS\001A\002" HALF, &a) == RESPONSE_SUCCESS);
  ASSERT_SPAN(answer_ext(&a, "queueId"), "3");
  ASSERT_SPAN(answer_ext(&a, "queueOffset"), "0");
  CU_ASSERT(prepare(&s, "no") == RESPONSE_SUCCESS);
  CU_ASSERT(store_queue_max(s.broker->store, SPAN_LITERAL("T"), 3) == 0);
  CU_ASSERT_FATAL(record_of(&s, HALF_TOPIC, 0, 0, &half));
  CU_ASSERT(half.sys_flag == 0 && half.queue_id == 0 && half.prepared_offset == 0);
  ASSERT_SPAN(half.properties, "TAGS\001A\002" HALF "REAL_TOPIC\001T\002REAL_QID\0013\002");
  CU_ASSERT(end(&s, 0, COMMIT) == RESPONSE_SUCCESS);
  CU_ASSERT(end(&s, 1, ROLLBACK) == RESPONSE_SUCCESS);
  CU_ASSERT_FATAL(record_of(&s, "T", 3, 0, &m));
  ASSERT_SPAN(m.body, "yes");
  CU_ASSERT(m.sys_flag == SYS_TRANSACTION_COMMIT && m.prepared_offset == half.physical_offset && m.born_ms == 1);
  CU_ASSERT(span_equal(m.properties, half.properties));
  CU_ASSERT_FATAL(record_of(&s, OP_TOPIC, 0, 1, &m));
  ASSERT_SPAN(m.body, "1");
  ASSERT_SPAN(m.properties, "WAIT\001true\002TAGS\001d\002");
  CU_ASSERT(count_of(&s, "T") == 0 && count_of(&s, OP_TOPIC) == 2);
  stage_run(&s, 3000);
  CU_ASSERT(offset_of(&s, HALF_TOPIC) == 2 && offset_of(&s, OP_TOPIC) == 2);
  const struct topic *t = topics_find(&s.broker->topics, SPAN_LITERAL(HALF_TOPIC));
  CU_ASSERT(t != NULL && t->read_queues == 1 && t->write_queues == 1 && t->perm == 6);
  stage_end(&s);
}

static void what_is_said_twice_counts_once(void) {
  struct stage s;
  stage_start(&s, NULL);
  CU_ASSERT(prepare(&s, "a") == RESPONSE_SUCCESS && prepare(&s, "b") == RESPONSE_SUCCESS);
  for (int i = 0; i < 3; i++) {
    CU_ASSERT(end(&s, 0, COMMIT) == RESPONSE_SUCCESS);
    stage_run(&s, i * 2000);
  }
  CU_ASSERT(end(&s, 1, ROLLBACK) == RESPONSE_SUCCESS);
  CU_ASSERT(end(&s, 1, COMMIT) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(arrived(&s, "T"), "a");
  CU_ASSERT(count_of(&s, OP_TOPIC) == 2);
  stage_end(&s);
}

static void what_does_not_fit_is_refused(void) {
  struct stage s;
  struct answer a;
  struct message m;
  stage_start(&s, NULL);
  CU_ASSERT(prepare(&s, "a") == RESPONSE_SUCCESS);
  CU_ASSERT(stage_send(&s, "T", 0, "plain", NULL, &a) == RESPONSE_SUCCESS);
  CU_ASSERT_FATAL(record_of(&s, "T", 0, 0, &m));
  int64_t end_of_log = store_log_max(s.broker->store);
  CU_ASSERT(end_at(&s, 0, 0, COMMIT, "other", &a) == RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(a.remark, "The producer group wrong");
  CU_ASSERT(end_at(&s, 1, 0, COMMIT, "PG", &a) == RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(a.remark, "The transaction state table offset wrong");
  CU_ASSERT(end_at(&s, 0, 5, COMMIT, "PG", &a) == RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(a.remark, "Find prepared transaction message failed");
  CU_ASSERT(end_at(&s, 0, m.physical_offset, COMMIT, "PG", &a) == RESPONSE_SYSTEM_ERROR);
  CU_ASSERT(end_at(&s, 0, 0, 4, "PG", &a) == RESPONSE_SYSTEM_ERROR);
  CU_ASSERT(stage_send(&s, HALF_TOPIC, 0, "forged", NULL, &a) == RESPONSE_SYSTEM_ERROR);
  CU_ASSERT(stage_send(&s, OP_TOPIC, 0, "0", NULL, &a) == RESPONSE_SYSTEM_ERROR);
  CU_ASSERT(store_log_max(s.broker->store) == end_of_log);
  s.settings.rejectTransactionMessage = true;
  CU_ASSERT(stage_send(&s, "T", 0, "b", HALF, &a) == RESPONSE_NO_PERMISSION);
  CU_ASSERT(store_log_max(s.broker->store) == end_of_log);
  stage_end(&s);
}

static void who_does_not_answer_is_asked(void) {
  struct stage s;
  stage_start(&s, OFTEN);
  CU_ASSERT(stage_producer_heartbeat(&s, 1, "PG") == RESPONSE_SUCCESS);
  CU_ASSERT(stage_producer_heartbeat(&s, 2, "other") == RESPONSE_SUCCESS);
  stage_run(&s, 1500);
  CU_ASSERT(prepare(&s, "a") == RESPONSE_SUCCESS);
  stage_run(&s, 2000); /* a round, but it is too young */
  CU_ASSERT(asked(&s) == 0);
  stage_run(&s, 3000);
  CU_ASSERT_FATAL(s.peers[1].asked_count == 1 && asked(&s) == 1);
  const struct asked *q = &s.peers[1].asked[0];
  CU_ASSERT(q->h.tranStateTableOffset == 0 && q->h.commitLogOffset == 0);
  ASSERT_SPAN(q->h.msgId, "U1");
  ASSERT_SPAN(q->h.transactionId, "U1");
  ASSERT_SPAN(q->h.offsetMsgId, "0A00000100002A9F0000000000000000");
  ASSERT_SPAN(q->m.topic, "T");
  ASSERT_SPAN(q->m.body, "a");
  CU_ASSERT(q->m.queue_id == 0 && q->m.queue_offset == 0 && q->m.physical_offset == 0);
  ASSERT_SPAN(property_get(q->m.properties, "TRANSACTION_CHECK_TIMES"), "1");
  stage_run(&s, 3000);
  CU_ASSERT(asked(&s) == 2);
  ASSERT_SPAN(property_get(s.peers[1].asked[1].m.properties, "TRANSACTION_CHECK_TIMES"), "2");
  CU_ASSERT(end(&s, 0, COMMIT) == RESPONSE_SUCCESS);
  stage_run(&s, 10000);
  CU_ASSERT(asked(&s) == 2 && count_of(&s, HALF_TOPIC) == 1);
  CU_ASSERT_STRING_EQUAL(arrived(&s, "T"), "a");
  CU_ASSERT(offset_of(&s, HALF_TOPIC) == 1 && offset_of(&s, OP_TOPIC) == count_of(&s, OP_TOPIC));
  stage_end(&s);
}

/* The producer that prepared it is gone: another of its group is asked, each in turn. */
static void any_producer_of_the_group_is_asked(void) {
  struct stage s;
  stage_start(&s, OFTEN);
  CU_ASSERT(stage_producer_heartbeat(&s, 1, "PG") == RESPONSE_SUCCESS);
  CU_ASSERT(stage_producer_heartbeat(&s, 2, "PG") == RESPONSE_SUCCESS);
  CU_ASSERT(prepare(&s, "a") == RESPONSE_SUCCESS);
  stage_run(&s, 12100);
  CU_ASSERT(s.peers[1].asked_count == 2 && s.peers[2].asked_count == 2);
  sim_stop(s.peers[1].host, SIM_KILL);
  sim_reset_connections(s.host, NULL);
  stage_run(&s, 100);
  CU_ASSERT(stage_producer_heartbeat(&s, 2, "PG") == RESPONSE_SUCCESS);
  stage_run(&s, 6000);
  CU_ASSERT(s.peers[1].asked_count == 2 && s.peers[2].asked_count == 4);
  stage_end(&s);
}

/* As often as is said, also when the broker dies in between, and never by storing the message again. */
static void who_never_answers_is_given_up(void) {
  struct stage s;
  struct message m;
  stage_start(&s, OFTEN "transactionCheckMax=4\n");
  CU_ASSERT(stage_producer_heartbeat(&s, 1, "PG") == RESPONSE_SUCCESS);
  CU_ASSERT(prepare(&s, "a") == RESPONSE_SUCCESS && prepare(&s, "b") == RESPONSE_SUCCESS);
  CU_ASSERT(end(&s, 0, COMMIT) == RESPONSE_SUCCESS);
  stage_run(&s, 6500);
  CU_ASSERT(s.peers[1].asked_count == 2);
  stage_restart(&s);
  CU_ASSERT(stage_producer_heartbeat(&s, 1, "PG") == RESPONSE_SUCCESS);
  stage_run(&s, 3500);
  CU_ASSERT(s.peers[1].asked_count == 3);
  stage_crash(&s, SIM_KILL);
  CU_ASSERT(stage_producer_heartbeat(&s, 1, "PG") == RESPONSE_SUCCESS);
  stage_run(&s, 3500);
  CU_ASSERT_FATAL(s.peers[1].asked_count == 4);
  ASSERT_SPAN(property_get(s.peers[1].asked[3].m.properties, "TRANSACTION_CHECK_TIMES"), "4");
  CU_ASSERT(count_of(&s, CHECK_MAX_TOPIC) == 0 && count_of(&s, HALF_TOPIC) == 2);
  stage_run(&s, 20000);
  CU_ASSERT(s.peers[1].asked_count == 4 && count_of(&s, HALF_TOPIC) == 2);
  CU_ASSERT_FATAL(record_of(&s, CHECK_MAX_TOPIC, 0, 0, &m));
  ASSERT_SPAN(m.body, "b");
  ASSERT_SPAN(property_get(m.properties, "TRANSACTION_CHECK_TIMES"), "4");
  CU_ASSERT(count_of(&s, CHECK_MAX_TOPIC) == 1);
  CU_ASSERT(offset_of(&s, HALF_TOPIC) == 2 && offset_of(&s, OP_TOPIC) == count_of(&s, OP_TOPIC));
  CU_ASSERT(count_of(&s, OP_TOPIC) < 10);
  /* A late answer counts. */
  CU_ASSERT(end(&s, 1, COMMIT) == RESPONSE_SUCCESS && end(&s, 1, COMMIT) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(arrived(&s, "T"), "a,b");
  stage_end(&s);
}

static void a_message_may_want_more_time(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, OFTEN);
  CU_ASSERT(stage_producer_heartbeat(&s, 1, "PG") == RESPONSE_SUCCESS);
  CU_ASSERT(stage_send(&s, "T", 0, "slow", HALF "CHECK_IMMUNITY_TIME_IN_SECONDS\00120\002", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(prepare(&s, "fast") == RESPONSE_SUCCESS);
  stage_run(&s, 6500);
  CU_ASSERT_FATAL(s.peers[1].asked_count == 2);
  ASSERT_SPAN(s.peers[1].asked[0].m.body, "fast");
  CU_ASSERT(end(&s, 1, ROLLBACK) == RESPONSE_SUCCESS);
  stage_run(&s, 12000);
  CU_ASSERT(s.peers[1].asked_count == 2);
  stage_run(&s, 6000);
  CU_ASSERT_FATAL(s.peers[1].asked_count >= 3);
  ASSERT_SPAN(s.peers[1].asked[2].m.body, "slow");
  CU_ASSERT(count_of(&s, HALF_TOPIC) == 2);
  stage_end(&s);
}

/* A power cut takes the end of the log: whatever is left, nothing prepared is forgotten. */
static void a_power_cut_forgets_nothing(void) {
  for (int round = 0; round < 8; round++) {
    struct stage s;
    stage_start(&s, OFTEN "flushIntervalCommitLog=60000\nflushCommitLogThoroughInterval=60000\n"
                          "flushConsumerOffsetInterval=300\nflushIntervalConsumeQueue=60000\n");
    sim_disk_loss(s.host, SIM_LOSS_ALL);
    CU_ASSERT(prepare(&s, "a") == RESPONSE_SUCCESS && prepare(&s, "b") == RESPONSE_SUCCESS);
    store_want_flushed(s.broker->store, store_appended(s.broker->store));
    stage_run(&s, 10050);
    sim_disk_sync_delay(s.host, 200, 200);
    CU_ASSERT(end(&s, 0, COMMIT) == RESPONSE_SUCCESS);
    CU_ASSERT(end(&s, 1, COMMIT) == RESPONSE_SUCCESS);
    stage_run(&s, 120 * round);
    stage_crash(&s, SIM_POWER_OFF);
    CU_ASSERT(stage_producer_heartbeat(&s, 1, "PG") == RESPONSE_SUCCESS);
    int64_t delivered = count_of(&s, "T");
    stage_run(&s, 4000);
    CU_ASSERT(s.peers[1].asked_count >= 2 - delivered);
    for (int i = 0; i < s.peers[1].asked_count; i++)
      CU_ASSERT(end(&s, s.peers[1].asked[i].h.tranStateTableOffset, COMMIT) == RESPONSE_SUCCESS);
    const char *got = arrived(&s, "T");
    CU_ASSERT(strchr(got, 'a') != NULL && strchr(got, 'b') != NULL);
    stage_end(&s);
  }
}

/* Neither the message nor what says that it was delivered, or both. */
static void a_full_disk_ends_nothing(void) {
  struct stage s;
  stage_start(&s, OFTEN);
  CU_ASSERT(stage_producer_heartbeat(&s, 1, "PG") == RESPONSE_SUCCESS);
  CU_ASSERT(prepare(&s, "a") == RESPONSE_SUCCESS);
  struct sim_disk_fault fault = {.ops = SIM_WRITE, .status = STATUS_NO_SPACE, .lasting = true};
  sim_disk_fail(s.host, &fault);
  CU_ASSERT(end(&s, 0, COMMIT) != RESPONSE_SUCCESS);
  CU_ASSERT(end(&s, 0, ROLLBACK) != RESPONSE_SUCCESS);
  stage_run(&s, 4000);
  sim_disk_fail(s.host, NULL);
  CU_ASSERT(count_of(&s, "T") == 0 && count_of(&s, OP_TOPIC) == 0);
  stage_run(&s, 30000);
  CU_ASSERT(s.peers[1].asked_count > 0);
  CU_ASSERT(end(&s, 0, COMMIT) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(arrived(&s, "T"), "a");
  stage_end(&s);
}

/* One that waits for long holds nothing back, and costs no more than a few bytes a round. */
static void many_end_behind_one_that_waits(void) {
  enum { MANY = 3000 };
  struct stage s;
  stage_start(&s, "transactionTimeOut=1000\ntransactionCheckInterval=2000\ntransactionCheckMax=1000\n"
                  "mappedFileSizeCommitLog=1048576\nmappedFileSizeConsumeQueue=20000\n");
  CU_ASSERT(stage_producer_heartbeat(&s, 1, "PG") == RESPONSE_SUCCESS);
  CU_ASSERT(prepare(&s, "first") == RESPONSE_SUCCESS);
  for (int i = 1; i < MANY; i++) {
    CU_ASSERT_FATAL(prepare(&s, "x") == RESPONSE_SUCCESS);
    CU_ASSERT_FATAL(end(&s, i, i % 2 == 0 ? COMMIT : ROLLBACK) == RESPONSE_SUCCESS);
  }
  stage_run(&s, 5000);
  CU_ASSERT(offset_of(&s, HALF_TOPIC) == -1 && s.broker->transactions.waiting.count == 1);
  CU_ASSERT(count_of(&s, "T") == MANY / 2 - 1 && count_of(&s, HALF_TOPIC) == MANY);
  int asked_before = s.peers[1].asked_count;
  stage_crash(&s, SIM_KILL);
  CU_ASSERT(stage_producer_heartbeat(&s, 1, "PG") == RESPONSE_SUCCESS);
  stage_run(&s, 2500);
  CU_ASSERT(s.peers[1].asked_count == asked_before + 1 && s.broker->transactions.waiting.count == 1);
  int64_t log = store_log_max(s.broker->store);
  stage_run(&s, 20000);
  CU_ASSERT(store_log_max(s.broker->store) - log < 10 * 200);
  CU_ASSERT(end(&s, 0, COMMIT) == RESPONSE_SUCCESS);
  stage_run(&s, 3000);
  CU_ASSERT(offset_of(&s, HALF_TOPIC) == MANY && offset_of(&s, OP_TOPIC) == count_of(&s, OP_TOPIC));
  stage_end(&s);
}

static void a_delayed_one_waits_after_its_commit(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  CU_ASSERT(stage_send(&s, "T", 0, "late", HALF "DELAY\0012\002", &a) == RESPONSE_SUCCESS);
  stage_run(&s, 6000);
  CU_ASSERT(count_of(&s, "T") == 0);
  CU_ASSERT(end(&s, 0, COMMIT) == RESPONSE_SUCCESS);
  stage_run(&s, 4500);
  CU_ASSERT(count_of(&s, "T") == 0);
  stage_run(&s, 1000);
  CU_ASSERT_STRING_EQUAL(arrived(&s, "T"), "late");
  stage_end(&s);
}

/* The committed record may be the longer one: it must fit before the half one is taken. */
static void what_would_not_fit_later_is_refused_now(void) {
  static const char topic[] = "A_topic_with_a_name_that_is_much_longer_than_that_of_the_half_topic";
  static char body[2048];
  struct stage s;
  struct answer a;
  int room = 2048;
  memset(body, 'x', sizeof body - 1);
  stage_start(&s, "maxMessageSize=2048\n");
  for (; room > 1 && stage_send(&s, topic, 0, body, HALF, &a) == RESPONSE_MESSAGE_ILLEGAL; room--)
    body[room - 1] = '\0';
  CU_ASSERT(a.code == RESPONSE_SUCCESS && room > 1500);
  CU_ASSERT(end(&s, 0, COMMIT) == RESPONSE_SUCCESS);
  CU_ASSERT(count_of(&s, topic) == 1);
  stage_end(&s);
}

/* A Java consumer that could not send a message back sends it anew, with all its properties (W35). */
static void a_consumers_retry_is_no_transaction(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  struct send_message_request h = {.producerGroup = SPAN_LITERAL("CLIENT_INNER_PRODUCER"),
                                   .topic = SPAN_LITERAL("%RETRY%G"),
                                   .defaultTopic = SPAN_LITERAL("TBW102"),
                                   .defaultTopicQueueNums = 1,
                                   .reconsumeTimes = 1,
                                   .maxReconsumeTimes = 16,
                                   .properties = SPAN_LITERAL(HALF "DELAY\0011\002"),
                                   .present = UINT64_MAX};
  struct request_out q = {.code = REQUEST_SEND_MESSAGE_V2,
                          .header = &send_message_request_header,
                          .fields = &h,
                          .by_short_name = true,
                          .body = SPAN_LITERAL("again")};
  stage_ask_wait(&s, 0, &q, &a);
  CU_ASSERT(a.code == RESPONSE_SUCCESS);
  CU_ASSERT(count_of(&s, HALF_TOPIC) == 0 && count_of(&s, SCHEDULE_TOPIC) == 1);
  stage_run(&s, 2000);
  CU_ASSERT(count_of(&s, "%RETRY%G") == 1);
  stage_end(&s);
}

/* No more than so many are asked for; the next as soon as some have ended. */
static void those_behind_the_limit_wait(void) {
  struct stage s;
  stage_start(&s, OFTEN "maxPendingTransactions=2\n");
  CU_ASSERT(stage_producer_heartbeat(&s, 1, "PG") == RESPONSE_SUCCESS);
  for (int i = 0; i < 4; i++) CU_ASSERT(prepare(&s, "x") == RESPONSE_SUCCESS);
  stage_run(&s, 6500);
  CU_ASSERT_FATAL(s.peers[1].asked_count >= 2);
  for (int i = 0; i < s.peers[1].asked_count; i++) CU_ASSERT(s.peers[1].asked[i].h.tranStateTableOffset < 2);
  CU_ASSERT(end(&s, 0, COMMIT) == RESPONSE_SUCCESS && end(&s, 1, ROLLBACK) == RESPONSE_SUCCESS);
  int before = s.peers[1].asked_count;
  stage_run(&s, 3000);
  CU_ASSERT_FATAL(s.peers[1].asked_count == before + 2);
  for (int i = 0; i < 2; i++) CU_ASSERT(s.peers[1].asked[before + i].h.tranStateTableOffset == 2 + i);
  stage_end(&s);
}

/* Its record is gone with the log's file: it waits no more, and holds nothing back. */
static void what_retention_took_is_over(void) {
  struct stage s;
  struct answer a;
  static char body[30000];
  memset(body, 'x', sizeof body - 1);
  stage_start(&s,
              "transactionCheckInterval=100000000\nfileReservedTime=0\ncleanResourceInterval=100\ndeleteWhen=00;01;02;"
              "03;04;05;06;07;08;09;10;11;12;13;14;15;16;17;18;19;20;21;22;23\n");
  CU_ASSERT(prepare(&s, "old") == RESPONSE_SUCCESS);
  for (int i = 0; i < 4; i++) CU_ASSERT(stage_send(&s, "T", 0, body, NULL, &a) == RESPONSE_SUCCESS);
  stage_run(&s, 70000);
  CU_ASSERT(store_log_min(s.broker->store) > 0 && s.broker->transactions.base == 0);
  s.settings.transactionCheckInterval = 1000;
  stage_run(&s, 5000);
  CU_ASSERT(s.broker->transactions.base == 1 && s.broker->transactions.waiting.count == 0);
  CU_ASSERT(count_of(&s, CHECK_MAX_TOPIC) == 0);
  stage_end(&s);
}

/* ---- Java's ---- */

/* Where a half record lies that was committed as this one. */
static bool same_bytes(struct message *m, struct span record) {
  static uint8_t bytes[8192];
  if (message_size(m) != record.len || record.len > sizeof bytes) return false;
  message_encode(m, bytes);
  return memcmp(bytes, record.ptr, record.len) == 0;
}

static bool same_properties(struct span a, struct span b) {
  struct span name, value;
  size_t at = 0, count = 0, other = 0;
  for (; property_next(a, &at, &name, &value); count++)
    if (!span_equal(property_find(b, name), value)) return false;
  at = 0;
  while (property_next(b, &at, &name, &value)) other++;
  return count == other;
}

/* Each record that Java made from another is made here from the same, byte for byte. */
static void the_records_are_javas(void) {
  struct stage s;
  struct span record;
  struct message m, half;
  struct op_text text;
  size_t size;
  int halves = 0, commits = 0, ops = 0, again = 0;
  stage_start_on(&s, "fileReservedTime=1000000\ntransactionCheckInterval=100000000\n", "store/store-d-tx.tar.gz");
  for (int64_t at = 0; store_message_at(s.broker->store, at, &record) == STATUS_OK; at += (int64_t)size) {
    CU_ASSERT_FATAL(message_decode(record, true, &m, &size) == STATUS_OK);
    struct message made = m;
    const char *why;
    if (span_is(m.topic, OP_TOPIC)) {
      int64_t offset;
      CU_ASSERT_FATAL(span_to_i64(m.body, &offset));
      struct moment now = {.wall_ms = m.born_ms};
      made = op_record(offset, OP_PROPERTIES, &m.store_host, now, &text);
      ops++;
    } else if (span_is(m.topic, HALF_TOPIC)) {
      /* as the producer sent it, but for the order that Java's HashMap gives */
      struct span topic, sent = half_properties(m.properties, 0, &s.arena);
      int32_t times = half_check_times(m.properties);
      CU_ASSERT_FATAL(half_origin(&m, &topic, &made.queue_id, &why) == STATUS_OK);
      made.topic = topic;
      made.properties = sent;
      CU_ASSERT(half_enter(&made, 65536, &s.arena) == STATUS_OK);
      made.properties = half_properties(made.properties, times, &s.arena);
      struct span expected = half_properties(m.properties, times, &s.arena);
      CU_ASSERT(same_properties(made.properties, expected));
      made.properties = m.properties;
      if (times > 0) again++;
      halves++;
    } else if (!span_is(m.topic, CHECK_MAX_TOPIC)) {
      CU_ASSERT_FATAL(store_message_at(s.broker->store, m.prepared_offset, &record) == STATUS_OK);
      CU_ASSERT_FATAL(message_decode(record, true, &half, &size) == STATUS_OK);
      CU_ASSERT_FATAL(store_message_at(s.broker->store, at, &record) == STATUS_OK);
      made = half;
      CU_ASSERT(half_commit(&made, &why) == STATUS_OK);
      size = record.len;
      commits++;
    } else {
      continue;
    }
    made.queue_offset = m.queue_offset;
    made.physical_offset = m.physical_offset;
    made.store_ms = m.store_ms;
    CU_ASSERT(same_bytes(&made, record));
  }
  CU_ASSERT(halves == 52 && commits == 12 && ops == 20 && again == 24);
  stage_end(&s);
}

/* Java's offsets say 48 of 52: those four wait, and were asked for once. */
static void a_store_of_java_goes_on(void) {
  struct stage s;
  stage_start_on(&s, OFTEN "fileReservedTime=1000000\ntransactionCheckMax=3\n", "store/store-d-tx.tar.gz");
  CU_ASSERT(stage_producer_heartbeat(&s, 1, "TPG_380") == RESPONSE_SUCCESS);
  CU_ASSERT(s.broker->transactions.base == 48 && s.broker->transactions.op_base == 20);
  sim_clock_jump(s.host, INT64_C(1795432986325) + 60000 - SIM_EPOCH_MS);
  stage_run(&s, 3500);
  CU_ASSERT_FATAL(s.peers[1].asked_count == 4);
  for (int i = 0; i < 4; i++) {
    const struct asked *q = &s.peers[1].asked[i];
    struct answer a;
    CU_ASSERT(q->h.tranStateTableOffset == 48 + i);
    ASSERT_SPAN(property_get(q->m.properties, "TRANSACTION_CHECK_TIMES"), "2");
    ASSERT_SPAN(q->m.topic, "Tx_h8c2");
    if (i < 2)
      CU_ASSERT(end_at(&s, q->h.tranStateTableOffset, q->h.commitLogOffset, COMMIT, "TPG_380", &a) == RESPONSE_SUCCESS);
  }
  stage_run(&s, 3000);
  CU_ASSERT(s.peers[1].asked_count == 6);
  stage_run(&s, 6000);
  CU_ASSERT(s.peers[1].asked_count == 6 && count_of(&s, CHECK_MAX_TOPIC) == 6);
  CU_ASSERT(offset_of(&s, HALF_TOPIC) == 52 && offset_of(&s, OP_TOPIC) == count_of(&s, OP_TOPIC));
  stage_end(&s);
}

int main(int argc, char **argv) {
  static const struct test tests[] = {
      {"a commit is delivered and a rollback is not", a_commit_is_delivered_and_a_rollback_is_not},
      {"what is said twice counts once", what_is_said_twice_counts_once},
      {"what does not fit is refused", what_does_not_fit_is_refused},
      {"who does not answer is asked", who_does_not_answer_is_asked},
      {"any producer of the group is asked", any_producer_of_the_group_is_asked},
      {"who never answers is given up", who_never_answers_is_given_up},
      {"a message may want more time", a_message_may_want_more_time},
      {"a power cut forgets nothing", a_power_cut_forgets_nothing},
      {"a full disk ends nothing", a_full_disk_ends_nothing},
      {"many end behind one that waits", many_end_behind_one_that_waits},
      {"a delayed one waits after its commit", a_delayed_one_waits_after_its_commit},
      {"what would not fit later is refused now", what_would_not_fit_later_is_refused_now},
      {"a consumer's retry is no transaction", a_consumers_retry_is_no_transaction},
      {"those behind the limit wait", those_behind_the_limit_wait},
      {"what retention took is over", what_retention_took_is_over},
      {"the records are Java's", the_records_are_javas},
      {"a store of Java's goes on", a_store_of_java_goes_on},
      {NULL, NULL}};
  return run_tests("transactions", tests, argc, argv);
}
