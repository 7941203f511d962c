/* SPDX-License-Identifier: Apache-2.0
 *
 * REGISTER_BROKER, UNREGISTER_BROKER, QUERY_DATA_VERSION.
 */
#include "tests/unit/namesrv/stage.h"
#include "tests/unit/namesrv/test_namesrv.h"

static const struct broker A0 = {.name = "a", .address = "10.0.0.1:10911"};
static const struct broker A1 = {.name = "a", .address = "10.0.0.2:10911", .id = 1};
static const struct broker B0 = {.name = "b", .address = "10.0.0.3:10911"};
static const struct topic_plan T4 = {"T", 4, 6, 0};

void test_register_first(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_ext(&s, "haServerAddr").ptr == NULL && stage_ext(&s, "masterAddr").ptr == NULL);
  CU_ASSERT(s.reply.body.len == 0 && s.reply.remark.ptr == NULL);
  CU_ASSERT(s.reply.version == MQ_VERSION_4_7_0);
  CU_ASSERT(stage_route(&s, conn, "T") == RESPONSE_SUCCESS);
  stage_expect_queues(&s, "a:4:6:0");
  stage_expect_brokers(&s, "C/a 0=10.0.0.1:10911");
  CU_ASSERT(json_member(stage_json(&s), "filterServerTable")->child_count == 0);
  CU_ASSERT(stage_register(&s, conn, &B0, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_route(&s, conn, "T") == RESPONSE_SUCCESS);
  stage_expect_queues(&s, "a:4:6:0,b:4:6:0");
  stage_expect_brokers(&s, "C/a 0=10.0.0.1:10911,C/b 0=10.0.0.3:10911");
  stage_fini(&s);
}

void test_register_slave(void) {
  struct stage s;
  stage_init(&s);
  conn_id master = stage_connect(&s), slave = stage_connect(&s);
  CU_ASSERT(stage_register(&s, slave, &A1, NULL, 0) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_ext(&s, "masterAddr").ptr == NULL); /* none yet */
  CU_ASSERT(stage_register(&s, master, &A0, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_register(&s, slave, &A1, NULL, 0) == RESPONSE_SUCCESS);
  ASSERT_SPAN(stage_ext(&s, "masterAddr"), "10.0.0.1:10911");
  ASSERT_SPAN(stage_ext(&s, "haServerAddr"), "10.0.0.1:10911-ha");
  CU_ASSERT(stage_route(&s, slave, "T") == RESPONSE_SUCCESS);
  stage_expect_brokers(&s, "C/a 0=10.0.0.1:10911 1=10.0.0.2:10911");
  stage_disconnect(&s, master);
  CU_ASSERT(stage_register(&s, slave, &A1, NULL, 0) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_ext(&s, "masterAddr").ptr == NULL);
  stage_fini(&s);
}

void test_register_slave_becomes_master(void) {
  struct stage s;
  struct broker promoted = A1;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_register(&s, conn, &A1, NULL, 0) == RESPONSE_SUCCESS);
  promoted.id = 0;
  CU_ASSERT(stage_register(&s, conn, &promoted, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_route(&s, conn, "T") == RESPONSE_SUCCESS);
  stage_expect_brokers(&s, "C/a 0=10.0.0.2:10911");
  stage_fini(&s);
}

void test_register_slave_topics_ignored(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A1, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_route(&s, conn, "T") == RESPONSE_TOPIC_NOT_EXIST);
  stage_fini(&s);
}

void test_register_same_version_changes_nothing(void) {
  struct stage s;
  struct topic_plan t8 = {"T", 8, 6, 0};
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
  struct broker_live *live = map_get(&s.ns->routes.live, span_text(A0.address));
  CU_ASSERT_FATAL(live != NULL);
  const struct topic *topic = map_get(&s.ns->routes.topics, SPAN_LITERAL("T"));
  const struct topic_queue *queues = topic->queues;
  stage_wait(&s, 500);
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS); /* the same bytes */
  CU_ASSERT(live->renewed_ms == s.now.mono_ms);
  CU_ASSERT(stage_register(&s, conn, &A0, &t8, 1) == RESPONSE_SUCCESS); /* other bytes, same version */
  CU_ASSERT(map_get(&s.ns->routes.topics, SPAN_LITERAL("T")) == topic && topic->queues == queues);
  CU_ASSERT(stage_route(&s, conn, "T") == RESPONSE_SUCCESS);
  stage_expect_queues(&s, "a:4:6:0");
  stage_fini(&s);
}

void test_register_new_version(void) {
  struct stage s;
  struct broker next = A0;
  struct topic_plan more[] = {{"T", 8, 4, 3}, {"U", 1, 6, 0}};
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_register(&s, conn, &B0, &T4, 1) == RESPONSE_SUCCESS);
  next.counter = 1;
  CU_ASSERT(stage_register(&s, conn, &next, more, 2) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_route(&s, conn, "T") == RESPONSE_SUCCESS);
  stage_expect_queues(&s, "b:4:6:0,a:8:4:3"); /* a changed entry goes to the end, as in Java */
  /* An incremental registration (one topic) leaves the others alone. */
  next.counter = 2;
  CU_ASSERT(stage_register(&s, conn, &next, &more[1], 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_route(&s, conn, "T") == RESPONSE_SUCCESS);
  stage_expect_queues(&s, "b:4:6:0,a:8:4:3");
  CU_ASSERT(stage_route(&s, conn, "U") == RESPONSE_SUCCESS);
  stage_fini(&s);
}

void test_register_compressed(void) {
  struct stage s;
  struct broker b = A0;
  struct topic_plan topics[] = {{"T", 4, 6, 0}, {"%RETRY%G", 1, 6, 0}};
  b.compressed = true;
  b.filter_server = "10.0.0.1:30001";
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &b, topics, 2) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_route(&s, conn, "%RETRY%G") == RESPONSE_SUCCESS);
  stage_expect_queues(&s, "a:1:6:0");
  ASSERT_SPAN(json_text(json_member(json_member(stage_json(&s), "filterServerTable"), "10.0.0.1:10911")->children),
              "10.0.0.1:30001");
  stage_fini(&s);
}

/* Before 3.0.11 the body is the topic table alone; filter servers said otherwise stay. */
void test_register_old_broker(void) {
  struct stage s;
  struct broker old = A0;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  struct broker with_filter = A0;
  with_filter.filter_server = "f:1";
  CU_ASSERT(stage_register(&s, conn, &with_filter, NULL, 0) == RESPONSE_SUCCESS);
  old.version = 36;
  old.counter = 5;
  CU_ASSERT(stage_register(&s, conn, &old, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_route(&s, conn, "T") == RESPONSE_SUCCESS);
  stage_expect_queues(&s, "a:4:6:0");
  CU_ASSERT(json_member(stage_json(&s), "filterServerTable")->child_count == 1);
  stage_fini(&s);
}

static int register_raw(struct stage *s, conn_id conn, const char *crc, const char *body) {
  return STAGE_CALL(s, conn, REQUEST_REGISTER_BROKER, span_text(body), EXT("brokerName", "a"),
                    EXT("brokerAddr", "1.2.3.4:5"), EXT("clusterName", "C"), EXT("haServerAddr", "1.2.3.4:6"),
                    EXT("brokerId", "0"), EXT("compressed", "false"), EXT("bodyCrc32", crc));
}

void test_register_bad_crc(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(register_raw(&s, conn, "12345", "{}") == RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(s.reply.remark, "crc32 not match");
  CU_ASSERT(map_count(&s.ns->routes.live) == 0);
  CU_ASSERT(register_raw(&s, conn, "0", "{}") == RESPONSE_SUCCESS); /* 0: not checked */
  stage_fini(&s);
}

void test_register_bad_body(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(register_raw(&s, conn, "0", "{\"topicConfigSerializeWrapper\":") == RESPONSE_SYSTEM_ERROR);
  CU_ASSERT(span_starts(s.reply.remark, "Failed to decode RegisterBrokerBody"));
  CU_ASSERT(map_count(&s.ns->routes.live) == 0 && map_count(&s.ns->routes.groups) == 0);
  stage_fini(&s);
}

void test_register_bad_names(void) {
  struct stage s;
  struct broker dotted = {.name = "host.example", .address = "1.1.1.1:1", .cluster = "my.cluster"};
  struct topic_plan topics[] = {{"good", 1, 6, 0},         {"b/../d", 1, 6, 0},      {"", 1, 6, 0},
                                {"host.example", 1, 7, 0}, {"my.cluster", 16, 7, 0}, {"other.host", 1, 6, 0}};
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &dotted, topics, 6) == RESPONSE_SUCCESS);
  CU_ASSERT(STAGE_CALL(&s, conn, REQUEST_GET_ALL_TOPIC_LIST_FROM_NAMESERVER, SPAN_NONE, EXT("x", "y")) == 0);
  stage_expect_names(&s, "good,host.example,my.cluster");
  CU_ASSERT(strstr((buf_put_u8(&s.logged, 0), (char *)s.logged.ptr), "3 topics with invalid names") != NULL);
  struct broker blank = {.name = "a b", .address = "1.1.1.1:1"};
  CU_ASSERT(stage_register(&s, conn, &blank, topics, 1) == RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(s.reply.remark, "the broker name is empty, too long or has blanks");
  CU_ASSERT(map_count(&s.ns->routes.groups) == 1);
  stage_fini(&s);
}

void test_register_missing_field(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(STAGE_CALL(&s, conn, REQUEST_REGISTER_BROKER, SPAN_NONE, EXT("brokerName", "a")) == RESPONSE_SYSTEM_ERROR);
  CU_ASSERT(span_starts(s.reply.remark, "the custom field <"));
  stage_fini(&s);
}

/* A one-way request is obeyed and not answered. */
void test_register_oneway(void) {
  struct stage s;
  struct buf out;
  struct ext ext[] = {EXT("namespace", "n"), EXT("key", "k"), EXT("value", "v")};
  struct command c = {.code = REQUEST_PUT_KV_CONFIG,
                      .version = MQ_VERSION_4_7_0,
                      .opaque = 9,
                      .flag = COMMAND_ONEWAY,
                      .ext = ext,
                      .ext_count = 3};
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  buf_init(&out, 4096);
  CU_ASSERT(command_encode(&out, &c, NULL, NULL, false, 0) > 0);
  CU_ASSERT(stage_bytes(&s, conn, buf_span(&out)));
  CU_ASSERT(!stage_answer(&s, conn));
  ASSERT_SPAN(kv_get(&s.ns->kv, SPAN_LITERAL("n"), SPAN_LITERAL("k")), "v");
  buf_fini(&out);
  stage_fini(&s);
}

void test_register_filter_servers(void) {
  struct stage s;
  struct broker b = A0;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  b.filter_server = "10.0.0.1:30001";
  CU_ASSERT(stage_register(&s, conn, &b, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_route(&s, conn, "T") == RESPONSE_SUCCESS);
  const struct json *table = json_member(stage_json(&s), "filterServerTable");
  CU_ASSERT(table->child_count == 1);
  ASSERT_SPAN(json_text(json_member(table, "10.0.0.1:10911")->children), "10.0.0.1:30001");
  b.filter_server = NULL; /* an empty list takes them away, though the topics' version is the same */
  CU_ASSERT(stage_register(&s, conn, &b, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_route(&s, conn, "T") == RESPONSE_SUCCESS);
  CU_ASSERT(json_member(stage_json(&s), "filterServerTable")->child_count == 0);
  stage_fini(&s);
}

void test_register_order_items(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(kv_put(&s.ns->kv, KV_ORDER_TOPICS, SPAN_LITERAL("T"), SPAN_LITERAL("a:4")) == STATUS_OK);
  for (int i = 0; i < 2; i++) { /* also when nothing changed */
    CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
    ASSERT_SPAN(s.reply.body, "{\"table\":{\"T\":\"a:4\"}}");
  }
  stage_fini(&s);
}

void test_register_two_clusters(void) {
  struct stage s;
  struct broker moved = A0;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
  moved.cluster = "D";
  CU_ASSERT(stage_register(&s, conn, &moved, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(STAGE_CALL(&s, conn, REQUEST_GET_TOPICS_BY_CLUSTER, SPAN_NONE, EXT("cluster", "D")) == 0);
  stage_expect_names(&s, "T");
  CU_ASSERT(stage_unregister(&s, conn, &moved) == RESPONSE_SUCCESS);
  CU_ASSERT(map_count(&s.ns->routes.clusters) == 0 && map_count(&s.ns->routes.topics) == 0);
  stage_fini(&s);
}

void test_register_brokers_limit(void) {
  struct stage s;
  stage_init_quiet(&s);
  s.settings.brokersMax = 1;
  stage_start(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_register(&s, conn, &B0, &T4, 1) == RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(s.reply.remark, "the name server knows brokersMax brokers already");
  CU_ASSERT(map_count(&s.ns->routes.live) == 1 && map_count(&s.ns->routes.groups) == 1);
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
  stage_fini(&s);
}

void test_register_topics_limit(void) {
  struct stage s;
  struct topic_plan topics[] = {{"T1", 1, 6, 0}, {"T2", 1, 6, 0}, {"T3", 1, 6, 0}};
  stage_init_quiet(&s);
  s.settings.topicsMax = 2;
  stage_start(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, topics, 3) == RESPONSE_SUCCESS);
  CU_ASSERT(map_count(&s.ns->routes.topics) == 2);
  stage_fini(&s);
}

void test_register_without_body(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(register_raw(&s, conn, "0", "") == RESPONSE_SUCCESS);
  CU_ASSERT(map_count(&s.ns->routes.live) == 1);
  stage_fini(&s);
}

void test_unregister_last(void) {
  struct stage s;
  struct topic_plan only = {"only-a", 1, 6, 0};
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, (struct topic_plan[]){T4, only}, 2) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_register(&s, conn, &B0, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_unregister(&s, conn, &A0) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_route(&s, conn, "only-a") == RESPONSE_TOPIC_NOT_EXIST);
  CU_ASSERT(stage_route(&s, conn, "T") == RESPONSE_SUCCESS);
  stage_expect_queues(&s, "b:4:6:0");
  CU_ASSERT(stage_unregister(&s, conn, &B0) == RESPONSE_SUCCESS);
  const struct routes *r = &s.ns->routes;
  CU_ASSERT(map_count(&r->topics) + map_count(&r->groups) + map_count(&r->clusters) + map_count(&r->live) == 0);
  /* And back again, with the version it had. */
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_route(&s, conn, "T") == RESPONSE_SUCCESS);
  stage_fini(&s);
}

void test_unregister_slave(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_register(&s, conn, &A1, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_unregister(&s, conn, &A1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_route(&s, conn, "T") == RESPONSE_SUCCESS);
  stage_expect_brokers(&s, "C/a 0=10.0.0.1:10911");
  stage_fini(&s);
}

void test_unregister_unknown(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_unregister(&s, conn, &A0) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_unregister(&s, conn, &B0) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_route(&s, conn, "T") == RESPONSE_SUCCESS);
  stage_fini(&s);
}

void test_query_version(void) {
  struct stage s;
  struct broker b = A0;
  b.counter = 3;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  struct ext ext[] = {EXT("brokerName", "a"), EXT("brokerAddr", "10.0.0.1:10911"), EXT("clusterName", "C"),
                      EXT("brokerId", "0")};
  struct span same = SPAN_LITERAL("{\"counter\":3,\"timestamp\":1583405207000}");
  CU_ASSERT(stage_call(&s, conn, REQUEST_QUERY_DATA_VERSION, ext, 4, same) == RESPONSE_SUCCESS);
  ASSERT_SPAN(stage_ext(&s, "changed"), "true");
  CU_ASSERT(s.reply.body.len == 0);
  CU_ASSERT(stage_register(&s, conn, &b, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_call(&s, conn, REQUEST_QUERY_DATA_VERSION, ext, 4, same) == RESPONSE_SUCCESS);
  ASSERT_SPAN(stage_ext(&s, "changed"), "false");
  ASSERT_SPAN(s.reply.body, "{\"counter\":3,\"timestamp\":1583405207000}");
  struct span other = SPAN_LITERAL("{\"counter\":4,\"timestamp\":1583405207000}");
  CU_ASSERT(stage_call(&s, conn, REQUEST_QUERY_DATA_VERSION, ext, 4, other) == RESPONSE_SUCCESS);
  ASSERT_SPAN(stage_ext(&s, "changed"), "true");
  ASSERT_SPAN(s.reply.body, "{\"counter\":3,\"timestamp\":1583405207000}");
  CU_ASSERT(stage_call(&s, conn, REQUEST_QUERY_DATA_VERSION, ext, 4, SPAN_LITERAL("{{")) == RESPONSE_SYSTEM_ERROR);
  stage_fini(&s);
}
