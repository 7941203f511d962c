/* SPDX-License-Identifier: Apache-2.0
 *
 * What operators ask: offsets reset and cloned, clients looked into, queues
 * viewed, messages counted; and replies that are pushed to whom they are for.
 */
#include "tests/unit/broker/stage.h"
#include "tests/harness.h"

#include <stdio.h>

static int asker = 0;

static int ask_body(struct stage *s, int code, const char *fields, const char *body, struct answer *a) {
  struct ext ext[16];
  size_t n = 0;
  char text[512], *rest = text, *pair;
  snprintf(text, sizeof text, "%s", fields);
  while ((pair = strsep(&rest, ";")) != NULL && *pair != '\0' && n < 16) {
    char *value = strchr(pair, '=');
    *value++ = '\0';
    ext[n++] = (struct ext){span_text(pair), span_text(value)};
  }
  stage_ask_wait(s, asker, &(struct request_out){.code = code, .ext = ext, .ext_count = n, .body = span_text(body)}, a);
  return a->code;
}

static int ask(struct stage *s, int code, const char *fields, struct answer *a) {
  return ask_body(s, code, fields, "", a);
}

static bool has(struct span text, const char *part) {
  size_t len = strlen(part);
  for (size_t i = 0; i + len <= text.len; i++)
    if (memcmp((const char *)text.ptr + i, part, len) == 0) return true;
  return false;
}

static void commit(struct stage *s, const char *group, const char *topic, int queue, int64_t offset) {
  CU_ASSERT(offsets_set(&s->broker->offsets, span_text(group), span_text(topic), queue, offset) == STATUS_OK);
}

static void three_messages(struct stage *s) {
  struct answer a;
  for (int i = 0; i < 3; i++) CU_ASSERT(stage_send(s, "T", 0, "abc", NULL, &a) == RESPONSE_SUCCESS);
}

static void offsets_are_reset_where_the_clients_are(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  CU_ASSERT(ask(&s, 222, "topic=T;group=G;timestamp=0;isForce=true", &a) == RESPONSE_SYSTEM_ERROR);
  CU_ASSERT(has(a.remark, "no topic in this broker"));
  three_messages(&s);
  CU_ASSERT(ask(&s, 222, "topic=T;group=G;timestamp=0;isForce=true", &a) == RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(a.remark, "THe consumer group <G> not exist");
  for (int i = 0; i < 4; i++) commit(&s, "G", "T", i, i == 0 ? 2 : 0);
  CU_ASSERT(ask(&s, 222, "topic=T;group=G;timestamp=0;isForce=true", &a) == RESPONSE_CONSUMER_NOT_ONLINE);
  CU_ASSERT(stage_heartbeat(&s, 1, "G", "T", "*") == RESPONSE_SUCCESS);
  CU_ASSERT(ask(&s, 222, "topic=T;group=G;timestamp=0;isForce=false", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(has(a.body, "{{\"brokerName\":\"b\",\"queueId\":0,\"topic\":\"T\"}:0,"));
  stage_run(&s, 100);
  CU_ASSERT(s.peers[1].other == REQUEST_RESET_CONSUMER_CLIENT_OFFSET);
  CU_ASSERT(has(s.peers[1].other_body,
                "{\"offsetTable\":[{\"brokerName\":\"b\",\"offset\":0,\"queueId\":0,\"topic\":\"T\"},"));
  asker = 2; /* the other speaks C++, this one Java */
  CU_ASSERT(ask(&s, 222, "topic=T;group=G;timestamp=0;isForce=false", &a) == RESPONSE_SUCCESS);
  stage_run(&s, 100);
  CU_ASSERT(span_equal(s.peers[1].other_body, a.body));
  CU_ASSERT(ask(&s, 222, "topic=T;group=G;timestamp=-1;isForce=false", &a) == RESPONSE_SUCCESS); /* never forward */
  CU_ASSERT(has(a.body, "\"queueId\":0,\"topic\":\"T\"}:2,"));
  CU_ASSERT(ask(&s, 222, "topic=T;group=G;timestamp=-1;isForce=true", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(has(a.body, "\"queueId\":0,\"topic\":\"T\"}:3,"));
  stage_end(&s);
}

static void clients_say_where_they_are(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  CU_ASSERT(ask(&s, 223, "topic=T;group=G", &a) == RESPONSE_SYSTEM_ERROR);
  CU_ASSERT(stage_heartbeat(&s, 0, "G", "T", "*") == 0 && stage_heartbeat(&s, 1, "G", "T", "*") == 0);
  s.peers[0].answers =
      "{\"consumerTable\":{},\"messageQueueTable\":{{\"brokerName\":\"b\",\"queueId\":1,\"topic\":\"T\"}:5}}";
  CU_ASSERT(ask(&s, 223, "topic=T;group=G", &a) == RESPONSE_SUCCESS); /* the other one does not answer */
  ASSERT_SPAN(a.body, "{\"consumerTable\":{\"client0\":{{\"brokerName\":\"b\",\"queueId\":1,\"topic\":\"T\"}:5}},"
                      "\"messageQueueTable\":{}}");
  CU_ASSERT(s.peers[1].other == REQUEST_GET_CONSUMER_STATUS_FROM_CLIENT);
  CU_ASSERT(ask(&s, 223, "topic=T;group=G;clientAddr=nobody", &a) == RESPONSE_SUCCESS);
  ASSERT_SPAN(a.body, "{\"consumerTable\":{},\"messageQueueTable\":{}}");
  stage_end(&s);
}

static void questions_are_handed_on_to_a_client(void) {
  struct stage s;
  struct answer a;
  char fields[256], id[MESSAGE_ID_MAX];
  stage_start(&s, NULL);
  CU_ASSERT(stage_send(&s, "T", 0, "abc", NULL, &a) == RESPONSE_SUCCESS);
  span_copy_text(answer_ext(&a, "msgId"), id, sizeof id);
  CU_ASSERT(ask(&s, 307, "consumerGroup=G;clientId=client1;jstackEnable=false", &a) == RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(a.remark, "The Consumer <G> <client1> not online");
  CU_ASSERT(stage_heartbeat(&s, 1, "G", "T", "*") == RESPONSE_SUCCESS);
  s.peers[1].answers = "{\"told\":1}";
  CU_ASSERT(ask(&s, 307, "consumerGroup=G;clientId=client1;jstackEnable=false", &a) == RESPONSE_SUCCESS);
  ASSERT_SPAN(a.body, "{\"told\":1}");
  CU_ASSERT(s.peers[1].other == REQUEST_GET_CONSUMER_RUNNING_INFO);
  snprintf(fields, sizeof fields, "consumerGroup=G;clientId=client1;msgId=%s", id);
  s.peers[1].answers_code = RESPONSE_SYSTEM_ERROR; /* also handed back as it is */
  CU_ASSERT(ask(&s, 309, fields, &a) == RESPONSE_SYSTEM_ERROR);
  struct message m;
  size_t size;
  CU_ASSERT(message_decode(s.peers[1].other_body, true, &m, &size) == STATUS_OK);
  ASSERT_SPAN(m.body, "abc");
  CU_ASSERT(ask(&s, 309, "consumerGroup=G;clientId=client1;msgId=nonsense", &a) == RESPONSE_SYSTEM_ERROR);
  s.peers[1].answers = NULL;
  CU_ASSERT(ask(&s, 307, "consumerGroup=G;clientId=client1;jstackEnable=false", &a) == RESPONSE_CONSUME_MSG_TIMEOUT);
  stage_end(&s);
}

static void a_broker_may_stop_while_it_asks(void) {
  struct stage s;
  struct answer a, b;
  struct ext ext[] = {{SPAN_LITERAL("consumerGroup"), SPAN_LITERAL("G")},
                      {SPAN_LITERAL("group"), SPAN_LITERAL("G")},
                      {SPAN_LITERAL("topic"), SPAN_LITERAL("T")},
                      {SPAN_LITERAL("clientId"), SPAN_LITERAL("client1")}};
  stage_start(&s, NULL);
  CU_ASSERT(stage_heartbeat(&s, 1, "G", "T", "*") == RESPONSE_SUCCESS);
  stage_ask(&s, 2, &(struct request_out){.code = 307, .ext = ext, .ext_count = 4}, &a);
  stage_ask(&s, 2, &(struct request_out){.code = 223, .ext = ext, .ext_count = 4}, &b);
  stage_run(&s, 100);
  CU_ASSERT(s.peers[1].other == 221 && !a.done && !b.done);
  stage_restart(&s);
  stage_run(&s, 60000);
  CU_ASSERT(a.status != STATUS_OK && b.status != STATUS_OK);
  stage_end(&s);
}

static void groups_are_looked_into(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  three_messages(&s);
  commit(&s, "G", "T", 0, 1);
  commit(&s, "H", "T", 0, 3);
  CU_ASSERT(groups_find_or_create(&s.broker->groups, SPAN_LITERAL("G"), true, s.broker->now, NULL) != NULL);
  CU_ASSERT(ask(&s, 303, "topic=T;group=G", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(has(a.body, "\"messageQueue\":{\"brokerName\":\"b\",\"queueId\":0,\"topic\":\"T\"},\"minTimeStamp\":"));
  CU_ASSERT(has(a.body, "\"maxTimeStamp\":-1,\"maxTimeStampStr\":\"1969-12-31#23:59:59:999\"")); /* of an empty queue */
  CU_ASSERT(ask(&s, 303, "topic=none;group=G", &a) == RESPONSE_TOPIC_NOT_EXIST);
  CU_ASSERT(ask(&s, 308, "topic=T;compareGroup=G;filterGroups=", &a) == RESPONSE_SUCCESS);
  ASSERT_SPAN(a.body, "{\"correctionOffsets\":{0:1}}");
  CU_ASSERT(ask(&s, 308, "topic=T;compareGroup=G;filterGroups=X,G", &a) == RESPONSE_SUCCESS);
  ASSERT_SPAN(a.body, "{\"correctionOffsets\":{0:3}}");
  CU_ASSERT(offsets_get(&s.broker->offsets, SPAN_LITERAL("G"), SPAN_LITERAL("T"), 0) == 1);
  CU_ASSERT(ask(&s, 314, "srcGroup=G;destGroup=K;topic=;offline=true", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(offsets_get(&s.broker->offsets, SPAN_LITERAL("K"), SPAN_LITERAL("T"), 0) == 1);
  CU_ASSERT(ask(&s, 317, "isOrder=false", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(has(a.body, "{\"brokerAddr\":\"10.0.0.1:10911\",\"consumeStatsList\":["));
  CU_ASSERT(has(a.body,
                "{\"G\":[{\"consumeTps\":0.0,\"offsetTable\":{{\"brokerName\":\"b\",\"queueId\":0,\"topic\":\"T\"}:"
                "{\"brokerOffset\":3,\"consumerOffset\":1,"));
  CU_ASSERT(has(a.body, "\"totalDiff\":2}"));
  CU_ASSERT(ask(&s, 208, "consumerGroup=nobody;topic=T", &a) == RESPONSE_SUCCESS); /* nothing consumed is something */
  CU_ASSERT(has(a.body, "\"brokerOffset\":3,\"consumerOffset\":0,"));
  stage_end(&s);
}

static void a_queue_is_viewed(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  three_messages(&s);
  CU_ASSERT(ask(&s, 321, "topic=T;queueId=9;index=0;count=2", &a) == RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(a.remark, "9@T is not exist!");
  CU_ASSERT(ask(&s, 321, "topic=T;queueId=0;index=7;count=2", &a) == RESPONSE_SUCCESS);
  ASSERT_SPAN(a.remark, "Index 7 of 0@T is not exist!");
  CU_ASSERT(ask(&s, 321, "topic=T;queueId=0;index=1;count=9;consumerGroup=G", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(has(a.body, "{\"filterData\":\"G@T is not online!\",\"maxQueueIndex\":3,\"minQueueIndex\":0,\"queueData\":["
                        "{\"eval\":false,\"physicOffset\":"));
  CU_ASSERT(stage_heartbeat(&s, 1, "G", "T", "A") == RESPONSE_SUCCESS);
  CU_ASSERT(ask(&s, 321, "topic=T;queueId=0;index=1;count=1;consumerGroup=G", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(has(a.body, "{\"filterData\":\"null\","));
  CU_ASSERT(has(a.body, "\"tagsCode\":0}],\"subscriptionData\":{"));
  stage_end(&s);
}

static void messages_are_counted_as_java_counts(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, "brokerClusterName=C\n");
  CU_ASSERT(ask(&s, 315, "statsName=TOPIC_PUT_NUMS;statsKey=T", &a) == RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(a.remark, "The stats <TOPIC_PUT_NUMS> <T> not exist");
  three_messages(&s);
  CU_ASSERT(ask(&s, 315, "statsName=TOPIC_PUT_NUMS;statsKey=T", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(has(a.body, "\"statsMinute\":{\"avgpt\":0.0,\"sum\":0,\"tps\":0.0}")); /* no sample yet */
  stage_run(&s, 10100);
  CU_ASSERT(ask(&s, 315, "statsName=TOPIC_PUT_NUMS;statsKey=T", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(has(a.body, "\"statsMinute\":{\"avgpt\":1.0,\"sum\":3,\"tps\":0."));
  CU_ASSERT(has(a.body, "\"statsHour\":{\"avgpt\":0.0,\"sum\":0,\"tps\":0.0}"));
  CU_ASSERT(ask(&s, 315, "statsName=BROKER_PUT_NUMS;statsKey=C", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(has(a.body, "\"statsMinute\":{\"avgpt\":0.0,\"sum\":3,"));
  CU_ASSERT(stage_pull(&s, "T", 0, 0, "*", &a) == RESPONSE_SUCCESS);
  stage_run(&s, 10100);
  CU_ASSERT(ask(&s, 315, "statsName=GROUP_GET_NUMS;statsKey=T@G", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(has(a.body, "\"statsMinute\":{\"avgpt\":3.0,\"sum\":3,"));
  CU_ASSERT(tally_get_rate(&s.broker->tally, SPAN_LITERAL("T"), SPAN_LITERAL("G")) > 0.2);
  stage_run(&s, 70000); /* out of the minute, into the hour's first sample */
  CU_ASSERT(ask(&s, 315, "statsName=TOPIC_PUT_NUMS;statsKey=T", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(has(a.body, "\"statsMinute\":{\"avgpt\":0.0,\"sum\":0,"));
  stage_run(&s, 600000);
  CU_ASSERT(ask(&s, 315, "statsName=TOPIC_PUT_SIZE;statsKey=T", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(has(a.body, "\"statsHour\":{\"avgpt\":"));
  CU_ASSERT(!has(a.body, "\"statsHour\":{\"avgpt\":0.0"));
  stage_end(&s);
}

static void what_is_sent_back_is_counted_and_what_is_gone_is_not(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  three_messages(&s);
  CU_ASSERT(ask(&s, 36, "offset=0;group=G;delayLevel=0;maxReconsumeTimes=16", &a) == RESPONSE_SUCCESS);
  stage_run(&s, 10100);
  CU_ASSERT(ask(&s, 315, "statsName=SNDBCK_PUT_NUMS;statsKey=T@G", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(has(a.body, "\"statsMinute\":{\"avgpt\":1.0,\"sum\":1,"));
  CU_ASSERT(ask(&s, 207, "groupName=G", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(ask(&s, 315, "statsName=SNDBCK_PUT_NUMS;statsKey=T@G", &a) == RESPONSE_SYSTEM_ERROR);
  CU_ASSERT(ask(&s, 315, "statsName=TOPIC_PUT_NUMS;statsKey=T", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(ask(&s, 215, "topic=T", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(ask(&s, 315, "statsName=TOPIC_PUT_NUMS;statsKey=T", &a) == RESPONSE_SYSTEM_ERROR);
  stage_end(&s);
}

static void keys_beyond_the_limit_are_not_counted(void) {
  struct tally t;
  struct tally_snapshot out[TALLY_PERIODS];
  struct moment now = {.mono_ms = 5, .wall_ms = 1000000};
  tally_init(&t, 2, 1, now);
  tally_put(&t, SPAN_LITERAL("a"), 1, 10);
  tally_put(&t, SPAN_LITERAL("b"), 1, 10);
  tally_put(&t, SPAN_LITERAL("c"), 1, 10);
  tally_back(&t, SPAN_LITERAL("a"), SPAN_LITERAL("g"));
  CU_ASSERT(tally_view(&t, SPAN_LITERAL("C"), SPAN_LITERAL("TOPIC_PUT_NUMS"), SPAN_LITERAL("b"), out));
  CU_ASSERT(!tally_view(&t, SPAN_LITERAL("C"), SPAN_LITERAL("TOPIC_PUT_NUMS"), SPAN_LITERAL("c"), out));
  CU_ASSERT(!tally_view(&t, SPAN_LITERAL("C"), SPAN_LITERAL("BROKER_PUT_NUMS"), SPAN_LITERAL("other"), out));
  tally_turn(&t, now);
  CU_ASSERT(tally_view(&t, SPAN_LITERAL("C"), SPAN_LITERAL("SNDBCK_PUT_NUMS"), SPAN_LITERAL("a@g"), out));
  CU_ASSERT(out[TALLY_DAY].sum == 1 && out[TALLY_MINUTE].per_second > 0.0999 && out[TALLY_MINUTE].per_second < 0.1001);
  for (int i = 0; i < 30; i++) { /* the rings go round */
    now.mono_ms += 3600000;
    now.wall_ms += 3600000;
    tally_put(&t, SPAN_LITERAL("a"), 2, 10);
    tally_turn(&t, now);
  }
  CU_ASSERT(tally_view(&t, SPAN_LITERAL("C"), SPAN_LITERAL("TOPIC_PUT_NUMS"), SPAN_LITERAL("a"), out));
  CU_ASSERT(out[TALLY_DAY].sum == 48 && out[TALLY_HOUR].sum == 12);
  tally_forget(&t, SPAN_LITERAL("a"), SPAN_NONE);
  CU_ASSERT(!tally_view(&t, SPAN_LITERAL("C"), SPAN_LITERAL("TOPIC_PUT_NUMS"), SPAN_LITERAL("a"), out));
  CU_ASSERT(!tally_view(&t, SPAN_LITERAL("C"), SPAN_LITERAL("SNDBCK_PUT_NUMS"), SPAN_LITERAL("a@g"), out));
  tally_fini(&t);
}

static int be_a_producer(struct stage *s, int peer) {
  struct answer a;
  char body[128];
  snprintf(body, sizeof body, "{\"clientID\":\"client%d\",\"producerDataSet\":[{\"groupName\":\"P\"}]}", peer);
  stage_ask_wait(s, peer, &(struct request_out){.code = REQUEST_HEART_BEAT, .body = span_text(body)}, &a);
  return a.code;
}

#define REPLY_FIELDS "a=R;b=DefaultCluster_REPLY_TOPIC;c=TBW102;d=4;e=0;f=0;g=7;h=0;"

static void a_reply_goes_to_who_asked(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  CU_ASSERT(ask_body(&s, 325, REPLY_FIELDS "i=x\001y\002", "re", &a) == RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(a.remark, "reply message properties[REPLY_TO_CLIENT] is null");
  CU_ASSERT(ask_body(&s, 325, REPLY_FIELDS "i=REPLY_TO_CLIENT\001client0\002", "re", &a) == RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(a.remark, "push reply message fail, channel of <client0> not found.");
  CU_ASSERT(be_a_producer(&s, 0) == RESPONSE_SUCCESS);
  s.peers[0].answers = "";
  CU_ASSERT(ask_body(&s, 325, REPLY_FIELDS "i=REPLY_TO_CLIENT\001client0\002", "re", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(s.peers[0].other == REQUEST_PUSH_REPLY_MESSAGE_TO_CLIENT);
  ASSERT_SPAN(s.peers[0].other_body, "re");
  CU_ASSERT(property_get(s.peers[0].other_properties, "PUSH_REPLY_TIME").len == 13);
  ASSERT_SPAN(answer_ext(&a, "queueOffset"), "2"); /* all three are stored */
  CU_ASSERT(answer_ext(&a, "msgId").len == 32 && answer_ext(&a, "TRACE_ON").len > 0);
  s.peers[0].answers_code = RESPONSE_SYSTEM_ERROR;
  CU_ASSERT(ask_body(&s, 325, REPLY_FIELDS "i=REPLY_TO_CLIENT\001client0\002", "re", &a) == RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(a.remark, "push reply message to client0fail.");
  s.settings.storeReplyMessageEnable = false;
  s.peers[0].answers_code = RESPONSE_SUCCESS;
  CU_ASSERT(ask_body(&s, 325, REPLY_FIELDS "i=REPLY_TO_CLIENT\001client0\002", "re", &a) == RESPONSE_SUCCESS);
  ASSERT_SPAN(answer_ext(&a, "msgId"), "0");
  CU_ASSERT(ask(&s, 35, "clientID=client0;producerGroup=P", &a) == RESPONSE_SUCCESS); /* another connection's */
  conn_id conn;
  CU_ASSERT(clients_producer_conn(&s.broker->clients, SPAN_LITERAL("client0"), &conn));
  sim_reset_connections(s.peers[0].host, NULL);
  stage_run(&s, 1000);
  CU_ASSERT(!clients_producer_conn(&s.broker->clients, SPAN_LITERAL("client0"), &conn));
  stage_end(&s);
}

static void a_request_says_where_it_was_stored(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, "brokerClusterName=C\n");
  CU_ASSERT(stage_send(&s, "T", 0, "ask", "REPLY_TO_CLIENT\001client0\002", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_send(&s, "T", 0, "tell", "x\001y\002", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_pull(&s, "T", 0, 0, "*", &a) == RESPONSE_SUCCESS);
  struct message m;
  size_t size;
  CU_ASSERT(message_decode(a.body, true, &m, &size) == STATUS_OK);
  ASSERT_SPAN(property_get(m.properties, "CLUSTER"), "C");
  CU_ASSERT(message_decode(span_from(a.body, size), true, &m, &size) == STATUS_OK);
  ASSERT_SPAN(m.properties, "x\001y\002");
  stage_end(&s);
}

static void an_offset_that_moved_is_told(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  three_messages(&s);
  CU_ASSERT(stage_pull(&s, "T", 0, 99, "*", &a) == RESPONSE_PULL_OFFSET_MOVED);
  CU_ASSERT(stage_pull(&s, "OFFSET_MOVED_EVENT", 0, 0, "*", &a) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a),
                         "{\"consumerGroup\":\"G\",\"messageQueue\":{\"brokerName\":\"b\",\"queueId\":0,"
                         "\"topic\":\"T\"},\"offsetNew\":0,\"offsetRequest\":99}");
  stage_end(&s);
}

int main(int argc, char **argv) {
  static const struct test tests[] = {
      {"offsets are reset where the clients are", offsets_are_reset_where_the_clients_are},
      {"clients say where they are", clients_say_where_they_are},
      {"questions are handed on to a client", questions_are_handed_on_to_a_client},
      {"a broker may stop while it asks", a_broker_may_stop_while_it_asks},
      {"groups are looked into", groups_are_looked_into},
      {"a queue is viewed", a_queue_is_viewed},
      {"messages are counted as Java counts", messages_are_counted_as_java_counts},
      {"what is sent back is counted and what is gone is not", what_is_sent_back_is_counted_and_what_is_gone_is_not},
      {"keys beyond the limit are not counted", keys_beyond_the_limit_are_not_counted},
      {"a reply goes to who asked", a_reply_goes_to_who_asked},
      {"a request says where it was stored", a_request_says_where_it_was_stored},
      {"an offset that moved is told", an_offset_that_moved_is_told},
      {NULL, NULL}};
  return run_tests("codes", tests, argc, argv);
}
