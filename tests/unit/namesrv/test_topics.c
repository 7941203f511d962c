/* SPDX-License-Identifier: Apache-2.0
 *
 * Routes and the lists.
 */
#include "tests/unit/namesrv/stage.h"
#include "tests/unit/namesrv/test_namesrv.h"

static const struct broker A0 = {.name = "a", .address = "10.0.0.1:10911"};
static const struct broker B0 = {.name = "b", .address = "10.0.0.3:10911", .cluster = "D"};
static const struct topic_plan T4 = {"T", 4, 6, 0};

void test_route_missing(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_route(&s, conn, "nowhere") == RESPONSE_TOPIC_NOT_EXIST);
  ASSERT_SPAN(s.reply.remark, "No topic route info in name server for the topic: nowhere\n"
                              "See http://rocketmq.apache.org/docs/faq/ for further details.");
  stage_fini(&s);
}

void test_route_order_item(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(kv_put(&s.ns->kv, KV_ORDER_TOPICS, SPAN_LITERAL("T"), SPAN_LITERAL("a:4")) == STATUS_OK);
  CU_ASSERT(stage_route(&s, conn, "T") == RESPONSE_SUCCESS);
  CU_ASSERT(json_member(stage_json(&s), "orderTopicConf") == NULL);
  CU_ASSERT(STAGE_CALL(&s, conn, REQUEST_UPDATE_NAMESRV_CONFIG, SPAN_LITERAL("orderMessageEnable=true\n"),
                       EXT("x", "y")) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_route(&s, conn, "T") == RESPONSE_SUCCESS);
  ASSERT_SPAN(json_text(json_member(stage_json(&s), "orderTopicConf")), "a:4");
  stage_fini(&s);
}

static bool contains(struct span s, const char *text) {
  return memmem(s.ptr, s.len, text, strlen(text)) != NULL;
}

void test_route_standard_json(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_route(&s, conn, "T") == RESPONSE_SUCCESS);
  CU_ASSERT(contains(s.reply.body, "{0:\"10.0.0.1:10911\"}"));
  CU_ASSERT(STAGE_CALL(&s, conn, REQUEST_GET_ROUTEINTO_BY_TOPIC, SPAN_NONE, EXT("topic", "T"),
                       EXT("acceptStandardJsonOnly", "true")) == RESPONSE_SUCCESS);
  CU_ASSERT(contains(s.reply.body, "{\"0\":\"10.0.0.1:10911\"}"));
  stage_fini(&s);
}

void test_route_rocketmq_header(void) {
  struct stage s;
  struct buf out;
  struct ext ext[] = {EXT("topic", "T")};
  struct command c = {.code = REQUEST_GET_ROUTEINTO_BY_TOPIC,
                      .version = MQ_VERSION_4_7_0,
                      .opaque = 77,
                      .serialize = SERIALIZE_ROCKETMQ,
                      .ext = ext,
                      .ext_count = 1};
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
  buf_init(&out, 4096);
  CU_ASSERT(command_encode(&out, &c, NULL, NULL, false, 0) > 0);
  CU_ASSERT(stage_bytes(&s, conn, buf_span(&out)));
  buf_fini(&out);
  CU_ASSERT_FATAL(stage_answer(&s, conn));
  CU_ASSERT(s.reply.opaque == 77 && s.reply.code == RESPONSE_SUCCESS);
  stage_expect_queues(&s, "a:4:6:0");
  stage_fini(&s);
}

static int list(struct stage *s, conn_id conn, int code) {
  return stage_call(s, conn, code, NULL, 0, SPAN_NONE);
}

void test_topics_all(void) {
  struct stage s;
  struct topic_plan topics[] = {{"T1", 1, 6, 0}, {"%RETRY%g", 1, 6, 0}};
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(list(&s, conn, REQUEST_GET_ALL_TOPIC_LIST_FROM_NAMESERVER) == RESPONSE_SUCCESS);
  ASSERT_SPAN(s.reply.body, "{\"topicList\":[]}");
  CU_ASSERT(stage_register(&s, conn, &A0, topics, 2) == RESPONSE_SUCCESS);
  CU_ASSERT(list(&s, conn, REQUEST_GET_ALL_TOPIC_LIST_FROM_NAMESERVER) == RESPONSE_SUCCESS);
  stage_expect_names(&s, "%RETRY%g,T1");
  stage_fini(&s);
}

void test_topics_by_cluster(void) {
  struct stage s;
  struct topic_plan at_a[] = {{"T1", 1, 6, 0}, {"both", 1, 6, 0}}, at_b[] = {{"T2", 1, 6, 0}, {"both", 1, 6, 0}};
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, at_a, 2) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_register(&s, conn, &B0, at_b, 2) == RESPONSE_SUCCESS);
  CU_ASSERT(STAGE_CALL(&s, conn, REQUEST_GET_TOPICS_BY_CLUSTER, SPAN_NONE, EXT("cluster", "C")) == 0);
  stage_expect_names(&s, "T1,both");
  CU_ASSERT(STAGE_CALL(&s, conn, REQUEST_GET_TOPICS_BY_CLUSTER, SPAN_NONE, EXT("cluster", "D")) == 0);
  stage_expect_names(&s, "T2,both");
  CU_ASSERT(STAGE_CALL(&s, conn, REQUEST_GET_TOPICS_BY_CLUSTER, SPAN_NONE, EXT("cluster", "nobody")) == 0);
  stage_expect_names(&s, "");
  stage_fini(&s);
}

void test_topics_system(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(list(&s, conn, REQUEST_GET_SYSTEM_TOPIC_LIST_FROM_NS) == RESPONSE_SUCCESS);
  ASSERT_SPAN(s.reply.body, "{\"topicList\":[]}");
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_register(&s, conn, &B0, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(list(&s, conn, REQUEST_GET_SYSTEM_TOPIC_LIST_FROM_NS) == RESPONSE_SUCCESS);
  ASSERT_SPAN(json_text(json_member(stage_json(&s), "brokerAddr")), "10.0.0.1:10911");
  stage_expect_names(&s, "C,D,a,b");
  stage_fini(&s);
}

void test_topics_unit(void) {
  struct stage s;
  struct topic_plan topics[] = {{"plain", 1, 6, 0}, {"unit", 1, 6, 1}, {"sub", 1, 6, 2}, {"unitsub", 1, 6, 3}};
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, topics, 4) == RESPONSE_SUCCESS);
  CU_ASSERT(list(&s, conn, REQUEST_GET_UNIT_TOPIC_LIST) == RESPONSE_SUCCESS);
  stage_expect_names(&s, "unit,unitsub");
  CU_ASSERT(list(&s, conn, REQUEST_GET_HAS_UNIT_SUB_TOPIC_LIST) == RESPONSE_SUCCESS);
  stage_expect_names(&s, "sub,unitsub");
  CU_ASSERT(list(&s, conn, REQUEST_GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST) == RESPONSE_SUCCESS);
  stage_expect_names(&s, "sub");
  stage_fini(&s);
}

void test_topic_delete(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
  for (int i = 0; i < 2; i++) /* success also when it is not there */
    CU_ASSERT(STAGE_CALL(&s, conn, REQUEST_DELETE_TOPIC_IN_NAMESRV, SPAN_NONE, EXT("topic", "T")) == 0);
  CU_ASSERT(stage_route(&s, conn, "T") == RESPONSE_TOPIC_NOT_EXIST);
  stage_fini(&s);
}

void test_cluster_info(void) {
  struct stage s;
  struct broker a1 = {.name = "a", .address = "10.0.0.2:10911", .id = 1};
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(list(&s, conn, REQUEST_GET_BROKER_CLUSTER_INFO) == RESPONSE_SUCCESS);
  ASSERT_SPAN(s.reply.body, "{\"brokerAddrTable\":{},\"clusterAddrTable\":{}}");
  CU_ASSERT(stage_register(&s, conn, &a1, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(list(&s, conn, REQUEST_GET_BROKER_CLUSTER_INFO) == RESPONSE_SUCCESS);
  ASSERT_SPAN(s.reply.body, "{\"brokerAddrTable\":{\"a\":{\"brokerAddrs\":{0:\"10.0.0.1:10911\",1:\"10.0.0.2:10911\"},"
                            "\"brokerName\":\"a\",\"cluster\":\"C\"}},\"clusterAddrTable\":{\"C\":[\"a\"]}}");
  stage_fini(&s);
}

void test_wipe_write_perm(void) {
  struct stage s;
  struct broker next = A0;
  struct topic_plan topics[] = {{"T", 4, 6, 0}, {"U", 4, 7, 0}};
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, topics, 2) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_register(&s, conn, &B0, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(STAGE_CALL(&s, conn, REQUEST_WIPE_WRITE_PERM_OF_BROKER, SPAN_NONE, EXT("brokerName", "a")) == 0);
  ASSERT_SPAN(stage_ext(&s, "wipeTopicCount"), "2");
  CU_ASSERT(stage_register(&s, conn, &A0, topics, 2) == RESPONSE_SUCCESS); /* nothing new: stays wiped */
  CU_ASSERT(stage_route(&s, conn, "T") == RESPONSE_SUCCESS);
  stage_expect_queues(&s, "a:4:4:0,b:4:6:0");
  CU_ASSERT(stage_route(&s, conn, "U") == RESPONSE_SUCCESS);
  stage_expect_queues(&s, "a:4:5:0");
  next.counter = 1;
  CU_ASSERT(stage_register(&s, conn, &next, topics, 2) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_route(&s, conn, "U") == RESPONSE_SUCCESS);
  stage_expect_queues(&s, "a:4:7:0");
  CU_ASSERT(STAGE_CALL(&s, conn, REQUEST_WIPE_WRITE_PERM_OF_BROKER, SPAN_NONE, EXT("brokerName", "none")) == 0);
  ASSERT_SPAN(stage_ext(&s, "wipeTopicCount"), "0");
  stage_fini(&s);
}
