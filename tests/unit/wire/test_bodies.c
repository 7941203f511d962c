/* SPDX-License-Identifier: Apache-2.0 */
#include "core/wire/bodies.h"
#include "core/wire/message.h"
#include "tests/unit/wire/wire_tests.h"

enum { ARENA_MAX = 1 << 20, BUF_MAX = 1 << 16 };

static enum status read_body(const char *which, const char *text, struct arena *arena) {
  struct span body = span_text(text);
  const char *why = "";
  struct topic_route route;
  struct cluster_info cluster;
  struct heartbeat beat;
  struct register_body reg;
  struct pair *pairs;
  struct span *names;
  size_t count;
  switch (which[0]) {
  case 'r':
    return topic_route_read(body, arena, &route, &why);
  case 'c':
    return cluster_info_read(body, arena, &cluster, &why);
  case 'h':
    return heartbeat_read(body, arena, &beat, &why);
  case 'g':
    return register_body_read(body, false, arena, &reg, &why);
  case 'k':
    return kv_table_read(body, arena, &pairs, &count, &why);
  default:
    return name_list_read(body, "topicList", arena, &names, &count, &why);
  }
}

void test_bodies_refuse_wrong_kinds(void) {
  static const char *const bad[][2] = {
      {"route", "{brokerDatas:5}"},
      {"route", "{brokerDatas:[{brokerAddrs:{x:'1'}}]}"},
      {"route", "{queueDatas:{}}"},
      {"route", "{filterServerTable:{a:5}}"},
      {"route", "{filterServerTable:{{}:[]}}"},
      {"cluster", "{brokerAddrTable:[]}"},
      {"cluster", "{clusterAddrTable:{C:'x'}}"},
      {"heartbeat", "{producerDataSet:'x'}"},
      {"heartbeat", "{consumerDataSet:[{subscriptionDataSet:{}}]}"},
      {"heartbeat", "{consumerDataSet:[{subscriptionDataSet:[{codeSet:5}]}]}"},
      {"g", "{filterServerList:{}}"},
      {"g", "{topicConfigSerializeWrapper:{topicConfigTable:[]}}"},
      {"kv", "{table:[]}"},
      {"kv", "{table:{{}:'x'}}"},
      {"names", "{topicList:'x'}"},
      {"names", "5"},
      {"names", ""},
      {"names", "null"},
  };
  static const char *const good[][2] = {
      {"route", "{brokerDatas:[null],queueDatas:[null,5],filterServerTable:{a:null}}"},
      {"cluster", "{brokerAddrTable:{b:{brokerAddrs:{'0':'x'}}}}"},
      {"heartbeat", "{consumerDataSet:[null,{subscriptionDataSet:[null]}],producerDataSet:[null]}"},
      {"g", "{topicConfigSerializeWrapper:{topicConfigTable:{a:null,b:{}}}}"},
      {"kv", "{table:{a:null}}"},
      {"names", "{topicList:[null,'a',5]}"},
  };
  struct arena arena;
  arena_init(&arena, ARENA_MAX);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    enum status status = read_body(bad[i][0], bad[i][1], &arena);
    if (status != STATUS_INVALID) printf("    %s %s\n", bad[i][0], bad[i][1]);
    CU_ASSERT_EQUAL(status, STATUS_INVALID);
  }
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    enum status status = read_body(good[i][0], good[i][1], &arena);
    if (status != STATUS_OK) printf("    %s %s\n", good[i][0], good[i][1]);
    CU_ASSERT_EQUAL(status, STATUS_OK);
  }
  arena_fini(&arena);
}

static enum status read_plain(struct buf *plain, struct arena *arena, struct register_body *out) {
  struct buf packed;
  const char *why = "";
  buf_init(&packed, BUF_MAX);
  CU_ASSERT_EQUAL_FATAL(body_compress(buf_span(plain), &packed), STATUS_OK);
  enum status status = register_body_read(buf_span(&packed), true, arena, out, &why);
  buf_fini(&packed);
  return status;
}

static void put_part(struct buf *b, const char *text) {
  buf_put_u32(b, (uint32_t)strlen(text));
  buf_put_text(b, text);
}

void test_register_body_refuses_wrong_parts(void) {
  static const char *const topics[] = {"T 4 8 6 MULTI_TAG",     "T 4 8 6", "T 4 8 6 SINGLE_TAG x", " 4 8 6 SINGLE_TAG",
                                       "T four 8 6 SINGLE_TAG", ""};
  struct arena arena;
  struct buf plain;
  struct register_body body;
  arena_init(&arena, ARENA_MAX);
  buf_init(&plain, BUF_MAX);
  for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
    buf_clear(&plain);
    put_part(&plain, "{\"counter\":7,\"timestamp\":8}");
    buf_put_u32(&plain, 1);
    put_part(&plain, topics[i]);
    put_part(&plain, "[\"f\"]");
    CU_ASSERT_EQUAL(read_plain(&plain, &arena, &body), i == 0 ? STATUS_OK : STATUS_INVALID);
    if (i > 0) continue;
    CU_ASSERT(body.topics.count == 1 && body.topics.version.counter == 7 && body.filter_server_count == 1);
    CU_ASSERT(body.topics.topics[0].read_queues == 4 && body.topics.topics[0].write_queues == 8);
    CU_ASSERT(body.topics.topics[0].perm == 6 && body.topics.topics[0].multi_tag);
    ASSERT_SPAN(body.topics.topics[0].name, "T");
    /* Every cut of the plain form. */
    size_t whole = plain.len;
    for (plain.len = 0; plain.len < whole; plain.len++)
      CU_ASSERT_EQUAL(read_plain(&plain, &arena, &body), STATUS_INVALID);
    arena_reset(&arena);
  }
  buf_clear(&plain);
  put_part(&plain, "{}");
  buf_put_u32(&plain, UINT32_MAX); /* a count that no body holds */
  put_part(&plain, "T 4 8 6 MULTI_TAG");
  CU_ASSERT_EQUAL(read_plain(&plain, &arena, &body), STATUS_INVALID);
  buf_fini(&plain);
  arena_fini(&arena);
}

void test_subscription_drops_doubles(void) {
  struct arena arena;
  struct subscription_data s;
  arena_init(&arena, ARENA_MAX);
  /* "Aa" and "BB" have the same hash code: two tags, one code. */
  CU_ASSERT_EQUAL(subscription_parse(SPAN_LITERAL("T"), SPAN_LITERAL("Aa|| BB ||Aa"), &arena, &s), STATUS_OK);
  CU_ASSERT(s.tag_count == 2 && s.code_count == 1 && s.codes[0] == 2112);
  CU_ASSERT_EQUAL(subscription_parse(SPAN_LITERAL("T"), SPAN_LITERAL(" || "), &arena, &s), STATUS_OK);
  CU_ASSERT_EQUAL(s.tag_count, 0);
  CU_ASSERT_EQUAL(subscription_parse(SPAN_LITERAL("T"), SPAN_LITERAL("||||"), &arena, &s), STATUS_INVALID);
  CU_ASSERT_EQUAL(subscription_parse(SPAN_LITERAL("T"), SPAN_LITERAL("|||"), &arena, &s), STATUS_OK);
  ASSERT_SPAN(s.tags[0], "|");
  arena_fini(&arena);
  arena_init(&arena, 8);
  CU_ASSERT_EQUAL(subscription_parse(SPAN_LITERAL("T"), SPAN_LITERAL("a"), &arena, &s), STATUS_NO_MEMORY);
  arena_fini(&arena);
}

void test_data_version_grows(void) {
  struct data_version v = {.counter = 4, .timestamp = 1};
  data_version_next(&v, 99);
  CU_ASSERT(v.counter == 5 && v.timestamp == 99);
}
