/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages that consumers send back: retry topic, later and later, dead
 * letters; and the locks of ordered consumers.
 */
#include "tests/unit/broker/stage.h"
#include "tests/harness.h"

#include <stdio.h>

struct back {
  int64_t offset;
  int level, limit;
  const char *group;
};

static int send_back(struct stage *s, const struct back *what, struct answer *a) {
  struct consumer_send_msg_back_request h = {0};
  HEADER_SET(consumer_send_msg_back_request, &h, offset, what->offset);
  HEADER_SET(consumer_send_msg_back_request, &h, group, span_text(what->group));
  HEADER_SET(consumer_send_msg_back_request, &h, delayLevel, what->level);
  if (what->limit >= 0) HEADER_SET(consumer_send_msg_back_request, &h, maxReconsumeTimes, what->limit);
  stage_ask_wait(s, 1,
                 &(struct request_out){.code = REQUEST_CONSUMER_SEND_MSG_BACK,
                                       .header = &consumer_send_msg_back_request_header,
                                       .fields = &h},
                 a);
  return a->code;
}

/* The newest record of a queue. */
static struct message newest(struct stage *s, const char *topic, int queue) {
  struct store_unit u;
  struct span record;
  struct message m = {0};
  size_t size;
  int64_t max = store_queue_max(s->broker->store, span_text(topic), queue);
  CU_ASSERT_FATAL(store_unit_at(s->broker->store, span_text(topic), queue, max - 1, &u) == STATUS_OK);
  CU_ASSERT_FATAL(store_message_at(s->broker->store, u.physical_offset, &record) == STATUS_OK);
  CU_ASSERT_FATAL(message_decode(record, true, &m, &size) == STATUS_OK);
  return m;
}

static int64_t count_of(struct stage *s, const char *topic) {
  return store_queue_max(s->broker->store, span_text(topic), 0);
}

static void a_message_comes_again_and_ends_as_a_dead_letter(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  CU_ASSERT(stage_send(&s, "T", 1, "hard", "TAGS\001A\002KEYS\001k\002", &a) == RESPONSE_SUCCESS);
  struct message m = newest(&s, "T", 1);
  char origin[MESSAGE_ID_MAX];
  message_id_text(&m.store_host, m.physical_offset, origin);
  CU_ASSERT(send_back(&s, &(struct back){m.physical_offset, 0, 2, "G"}, &a) == RESPONSE_SUCCESS);
  const struct topic *t = topics_find(&s.broker->topics, SPAN_LITERAL("%RETRY%G"));
  CU_ASSERT_FATAL(t != NULL);
  CU_ASSERT(t->write_queues == 1 && t->read_queues == 1 && t->perm == 6 && t->sys_flag == 0);
  m = newest(&s, SCHEDULE_TOPIC, 2); /* level 3 + 0 */
  CU_ASSERT(m.reconsume_times == 1 && m.born_ms == 1);
  ASSERT_SPAN(property_get(m.properties, "RETRY_TOPIC"), "T");
  ASSERT_SPAN(property_get(m.properties, "ORIGIN_MESSAGE_ID"), origin);
  ASSERT_SPAN(property_get(m.properties, "REAL_TOPIC"), "%RETRY%G");
  ASSERT_SPAN(property_get(m.properties, "WAIT"), "false");
  stage_run(&s, 9900);
  CU_ASSERT(count_of(&s, "%RETRY%G") == 0);
  stage_run(&s, 200);
  m = newest(&s, "%RETRY%G", 0);
  ASSERT_SPAN(m.body, "hard");
  ASSERT_SPAN(property_get(m.properties, "TAGS"), "A");
  CU_ASSERT(m.reconsume_times == 1);
  CU_ASSERT(send_back(&s, &(struct back){m.physical_offset, 0, 2, "G"}, &a) == RESPONSE_SUCCESS);
  m = newest(&s, SCHEDULE_TOPIC, 3); /* level 3 + 1 */
  CU_ASSERT(m.reconsume_times == 2);
  ASSERT_SPAN(property_get(m.properties, "RETRY_TOPIC"), "T");
  ASSERT_SPAN(property_get(m.properties, "ORIGIN_MESSAGE_ID"), origin);
  stage_run(&s, 30100);
  m = newest(&s, "%RETRY%G", 0);
  CU_ASSERT(send_back(&s, &(struct back){m.physical_offset, 0, 2, "G"}, &a) == RESPONSE_SUCCESS);
  t = topics_find(&s.broker->topics, SPAN_LITERAL("%DLQ%G"));
  CU_ASSERT_FATAL(t != NULL);
  CU_ASSERT(t->write_queues == 1 && t->perm == 2);
  CU_ASSERT_FATAL(count_of(&s, "%DLQ%G") == 1); /* at once */
  m = newest(&s, "%DLQ%G", 0);
  ASSERT_SPAN(m.body, "hard");
  ASSERT_SPAN(property_get(m.properties, "ORIGIN_MESSAGE_ID"), origin);
  ASSERT_SPAN(property_get(m.properties, "DELAY"), "");
  CU_ASSERT(m.reconsume_times == 3);
  stage_end(&s);
}

static void the_level_may_be_chosen_and_so_may_the_end(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  CU_ASSERT(stage_send(&s, "T", 0, "x", NULL, &a) == RESPONSE_SUCCESS);
  int64_t offset = newest(&s, "T", 0).physical_offset;
  CU_ASSERT(send_back(&s, &(struct back){offset, 7, 16, "G"}, &a) == RESPONSE_SUCCESS);
  CU_ASSERT(store_queue_max(s.broker->store, SPAN_LITERAL(SCHEDULE_TOPIC), 6) == 1);
  CU_ASSERT(send_back(&s, &(struct back){offset, -1, 16, "G"}, &a) == RESPONSE_SUCCESS);
  CU_ASSERT(count_of(&s, "%DLQ%G") == 1);
  CU_ASSERT(send_back(&s, &(struct back){offset, 0, -1, "G"}, &a) == RESPONSE_SUCCESS); /* the group's own limit, 16 */
  CU_ASSERT(store_queue_max(s.broker->store, SPAN_LITERAL(SCHEDULE_TOPIC), 2) == 1);
  groups_find(&s.broker->groups, SPAN_LITERAL("G"))->retry_max_times = 0;
  CU_ASSERT(send_back(&s, &(struct back){offset, 0, -1, "G"}, &a) == RESPONSE_SUCCESS);
  CU_ASSERT(count_of(&s, "%DLQ%G") == 2);
  stage_end(&s);
}

static void what_cannot_be_sent_back_is_refused(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, "autoCreateSubscriptionGroup=false\n");
  CU_ASSERT(stage_send(&s, "T", 0, "x", NULL, &a) == RESPONSE_SUCCESS);
  int64_t offset = newest(&s, "T", 0).physical_offset, end = store_log_max(s.broker->store);
  CU_ASSERT(send_back(&s, &(struct back){offset, 0, 16, "G"}, &a) == RESPONSE_SUBSCRIPTION_GROUP_NOT_EXIST);
  CU_ASSERT(topics_find(&s.broker->topics, SPAN_LITERAL("%RETRY%G")) == NULL);
  struct group *g = groups_find_or_create(&s.broker->groups, SPAN_LITERAL("G"), true, s.broker->now, s.broker->log);
  CU_ASSERT_FATAL(g != NULL);
  CU_ASSERT(send_back(&s, &(struct back){offset + 1, 0, 16, "G"}, &a) == RESPONSE_SYSTEM_ERROR);
  topics_find(&s.broker->topics, SPAN_LITERAL("%RETRY%G"))->perm = PERM_READ;
  CU_ASSERT(send_back(&s, &(struct back){offset, 0, 16, "G"}, &a) == RESPONSE_NO_PERMISSION);
  g->retry_queues = 0; /* no retries are wanted: it is over */
  CU_ASSERT(send_back(&s, &(struct back){offset, 0, 16, "G"}, &a) == RESPONSE_SUCCESS);
  g->retry_queues = 1;
  s.settings.brokerPermission = PERM_READ;
  CU_ASSERT(send_back(&s, &(struct back){offset, 0, 16, "G"}, &a) == RESPONSE_NO_PERMISSION);
  CU_ASSERT(store_log_max(s.broker->store) == end);
  stage_end(&s);
}

static void what_is_sent_back_waits_for_the_disk(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, "flushDiskType=SYNC_FLUSH\nsyncFlushTimeout=1000\n");
  CU_ASSERT(stage_send(&s, "T", 0, "x", NULL, &a) == RESPONSE_SUCCESS);
  int64_t offset = newest(&s, "T", 0).physical_offset;
  sim_disk_sync_delay(s.host, 400, 400);
  int64_t before = sim_now(s.world);
  CU_ASSERT(send_back(&s, &(struct back){offset, 0, 16, "G"}, &a) == RESPONSE_SUCCESS);
  CU_ASSERT(a.at_ms - before >= 400);
  sim_disk_sync_delay(s.host, 5000, 5000);
  CU_ASSERT(send_back(&s, &(struct back){offset, 0, 16, "G"}, &a) == RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(a.remark, "FLUSH_DISK_TIMEOUT");
  stage_end(&s);
}

/* The client's way when code 36 fails: a send to the retry topic. */
static void a_send_to_the_retry_topic_may_be_the_last(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  struct send_message_request h = {.producerGroup = SPAN_LITERAL("P"),
                                   .topic = SPAN_LITERAL("%RETRY%G"),
                                   .defaultTopic = SPAN_LITERAL("TBW102"),
                                   .defaultTopicQueueNums = 4,
                                   .reconsumeTimes = 3,
                                   .maxReconsumeTimes = 4,
                                   .properties = SPAN_LITERAL("DELAY\0011\002TAGS\001A"),
                                   .present = UINT64_MAX};
  struct request_out q = {.code = REQUEST_SEND_MESSAGE_V2,
                          .header = &send_message_request_header,
                          .fields = &h,
                          .by_short_name = true,
                          .body = SPAN_LITERAL("x")};
  stage_ask_wait(&s, 0, &q, &a);
  CU_ASSERT(a.code == RESPONSE_SUCCESS && count_of(&s, SCHEDULE_TOPIC) == 1 && count_of(&s, "%DLQ%G") == 0);
  h.reconsumeTimes = 4;
  stage_ask_wait(&s, 0, &q, &a);
  CU_ASSERT(a.code == RESPONSE_SUCCESS && count_of(&s, SCHEDULE_TOPIC) == 1 && count_of(&s, "%DLQ%G") == 1);
  ASSERT_SPAN(newest(&s, "%DLQ%G", 0).properties, "TAGS\001A\002");
  stage_run(&s, 1200);
  CU_ASSERT(count_of(&s, "%RETRY%G") == 1 && count_of(&s, "%DLQ%G") == 1);
  stage_end(&s);
}

/* ---- locks ---- */

/* Queues 0 to 2 of T, by their names in `queues`, for peer's client. Their ids as answered, "" for an unlock. */
static const char *locked(struct stage *s, int peer, int code, const char *group, const char *client,
                          const char *queues) {
  static char ids[16];
  struct buf body;
  struct answer a;
  size_t n = 0;
  buf_init(&body, 1 << 16);
  buf_printf(&body, "{\"consumerGroup\":\"%s\",\"clientId\":\"%s\",\"mqSet\":[", group, client);
  for (const char *c = queues; *c != '\0'; c++)
    buf_printf(&body, "%s{\"brokerName\":\"b\",\"queueId\":%c,\"topic\":\"T\"}", c == queues ? "" : ",", *c);
  buf_put_text(&body, "]}");
  stage_ask_wait(s, peer, &(struct request_out){.code = code, .body = buf_span(&body)}, &a);
  buf_fini(&body);
  CU_ASSERT(a.code == RESPONSE_SUCCESS);
  struct json *root;
  if (code == REQUEST_LOCK_BATCH_MQ) {
    CU_ASSERT_FATAL(json_parse(a.body, &JSON_LIMITS_DEFAULT, &s->arena, &root, NULL, NULL) == STATUS_OK);
    for (const struct json *v = json_member(root, "lockOKMQSet")->children; v != NULL; v = v->next) {
      struct message_queue q;
      message_queue_read(v, &q);
      CU_ASSERT(span_is(q.topic, "T") && span_is(q.broker_name, "b"));
      ids[n++] = (char)('0' + q.queue_id);
    }
  }
  ids[n] = '\0';
  return ids;
}
#define LOCK(peer, client, queues) locked(&s, peer, REQUEST_LOCK_BATCH_MQ, "G", client, queues)
#define UNLOCK(peer, client, queues) locked(&s, peer, REQUEST_UNLOCK_BATCH_MQ, "G", client, queues)

static void a_queue_is_one_clients(void) {
  struct stage s;
  stage_start(&s, NULL);
  CU_ASSERT_STRING_EQUAL(LOCK(0, "one", "01"), "01");
  CU_ASSERT_STRING_EQUAL(LOCK(1, "two", "012"), "2");
  CU_ASSERT_STRING_EQUAL(locked(&s, 1, REQUEST_LOCK_BATCH_MQ, "H", "two", "01"), "01"); /* of another group */
  CU_ASSERT_STRING_EQUAL(UNLOCK(1, "two", "0"), "");                                    /* not his */
  CU_ASSERT_STRING_EQUAL(LOCK(1, "two", "0"), "");
  CU_ASSERT_STRING_EQUAL(UNLOCK(0, "one", "0"), "");
  CU_ASSERT_STRING_EQUAL(LOCK(1, "two", "01"), "0");
  CU_ASSERT_STRING_EQUAL(LOCK(2, "one", "012"), "1"); /* its owner over another connection */
  stage_end(&s);
}

static void a_lock_that_is_not_asked_for_again_ends(void) {
  struct stage s;
  stage_start(&s, "clientTimeoutMillis=600000\nserverChannelMaxIdleTimeSeconds=600\n");
  CU_ASSERT_STRING_EQUAL(LOCK(0, "one", "01"), "01");
  stage_run(&s, 50000);
  CU_ASSERT_STRING_EQUAL(LOCK(0, "one", "0"), "0");
  CU_ASSERT_STRING_EQUAL(LOCK(1, "two", "01"), "");
  stage_run(&s, 11000);
  CU_ASSERT_STRING_EQUAL(LOCK(1, "two", "01"), "1");
  stage_run(&s, 60000);
  CU_ASSERT_STRING_EQUAL(LOCK(1, "two", "01"), "01");
  stage_end(&s);
}

static void a_lock_ends_with_its_connection_and_with_membership(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  CU_ASSERT_STRING_EQUAL(LOCK(0, "one", "012"), "012");
  sim_reset_connections(s.host, s.peers[0].host);
  stage_run(&s, 100);
  CU_ASSERT_STRING_EQUAL(LOCK(1, "two", "012"), "012");
  CU_ASSERT_STRING_EQUAL(locked(&s, 1, REQUEST_LOCK_BATCH_MQ, "H", "two", "0"), "0");
  CU_ASSERT_STRING_EQUAL(LOCK(0, "one", "0"), "");
  struct unregister_client_request h = {0};
  HEADER_SET(unregister_client_request, &h, clientID, SPAN_LITERAL("two"));
  HEADER_SET(unregister_client_request, &h, consumerGroup, SPAN_LITERAL("G"));
  stage_ask_wait(&s, 1,
                 &(struct request_out){
                     .code = REQUEST_UNREGISTER_CLIENT, .header = &unregister_client_request_header, .fields = &h},
                 &a);
  CU_ASSERT_STRING_EQUAL(LOCK(0, "one", "012"), "012");
  CU_ASSERT_STRING_EQUAL(locked(&s, 0, REQUEST_LOCK_BATCH_MQ, "H", "one", "0"), ""); /* the other group's lock stays */
  stage_end(&s);
}

static void locks_have_a_limit_and_need_names(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, "maxQueueLocks=16\n");
  for (int i = 0; i < 5; i++) {
    char group[16];
    snprintf(group, sizeof group, "G%d", i);
    CU_ASSERT_STRING_EQUAL(locked(&s, 0, REQUEST_LOCK_BATCH_MQ, group, "one", "012"), "012");
  }
  CU_ASSERT_STRING_EQUAL(LOCK(0, "one", "012"), "0");
  static const char *const broken[] = {"", "[", "{}", "{\"consumerGroup\":\"G\"}", "{\"clientId\":\"c\",\"mqSet\":7}"};
  for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
    struct request_out q = {.code = REQUEST_LOCK_BATCH_MQ, .body = span_text(broken[i])};
    stage_ask_wait(&s, 0, &q, &a);
    CU_ASSERT(a.code == RESPONSE_SYSTEM_ERROR);
    q.code = REQUEST_UNLOCK_BATCH_MQ;
    stage_ask_wait(&s, 0, &q, &a);
    CU_ASSERT(a.code == RESPONSE_SYSTEM_ERROR);
  }
  stage_end(&s);
}

int main(int argc, char **argv) {
  static const struct test tests[] = {
      {"a message comes again and ends as a dead letter", a_message_comes_again_and_ends_as_a_dead_letter},
      {"the level may be chosen and so may the end", the_level_may_be_chosen_and_so_may_the_end},
      {"what cannot be sent back is refused", what_cannot_be_sent_back_is_refused},
      {"what is sent back waits for the disk", what_is_sent_back_waits_for_the_disk},
      {"a send to the retry topic may be the last", a_send_to_the_retry_topic_may_be_the_last},
      {"a queue is one client's", a_queue_is_one_clients},
      {"a lock that is not asked for again ends", a_lock_that_is_not_asked_for_again_ends},
      {"a lock ends with its connection and with membership", a_lock_ends_with_its_connection_and_with_membership},
      {"locks have a limit and need names", locks_have_a_limit_and_need_names},
      {NULL, NULL}};
  return run_tests("retries", tests, argc, argv);
}
