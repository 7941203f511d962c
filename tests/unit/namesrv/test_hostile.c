/* SPDX-License-Identifier: Apache-2.0
 *
 * Peers that mean harm, or do it all the same.
 */
#include "tests/unit/namesrv/stage.h"
#include "tests/unit/namesrv/test_namesrv.h"

#include "core/base/prng.h"
#include "mqnamesrv/request.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAMESRV_CODES = 19, FLIPS = 3000, MANY_TOPICS = 10000, NAME_MAX_TEXT = 24 };

static const struct broker A0 = {.name = "a", .address = "10.0.0.1:10911"};

void test_unknown_code(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_call(&s, conn, 9999, NULL, 0, SPAN_NONE) == RESPONSE_REQUEST_CODE_NOT_SUPPORTED);
  ASSERT_SPAN(s.reply.remark, " request type 9999 not supported");
  stage_fini(&s);
}

static bool is_handled(int code) {
  for (size_t i = 0; i < namesrv_handler_count; i++)
    if (namesrv_handlers[i].code == code) return true;
  return false;
}

/* All codes of 4.7.0, without any header field or body: an answer to each, "not supported" to those of others. */
void test_every_code_is_answered(void) {
#define X(number, name) number,
  static const int codes[] = {REQUEST_CODES(X)};
#undef X
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(namesrv_handler_count == NAMESRV_CODES);
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    int code = stage_call(&s, conn, codes[i], NULL, 0, SPAN_NONE);
    CU_ASSERT((code == RESPONSE_REQUEST_CODE_NOT_SUPPORTED) == !is_handled(codes[i]));
  }
  stage_fini(&s);
}

static void expect_alive(struct stage *s) {
  conn_id conn = stage_connect(s);
  CU_ASSERT(stage_call(s, conn, REQUEST_GET_ALL_TOPIC_LIST_FROM_NAMESERVER, NULL, 0, SPAN_NONE) == RESPONSE_SUCCESS);
  stage_disconnect(s, conn);
}

void test_hostile_frames(void) {
  static const struct {
    const char *bytes;
    size_t len;
  } frames[] = {
      {"\xff\xff\xff\xff\x00\x00\x00\x00", 8},                 /* longer than anything */
      {"\x00\x00\x00\x00\x00\x00\x00\x00", 8},                 /* empty */
      {"\x00\x00\x00\x08\x00\x00\x00\x40{}{}", 12},            /* header longer than the frame */
      {"\x00\x00\x00\x06\x07\x00\x00\x02{}", 10},              /* a serialisation nobody knows */
      {"\x00\x00\x00\x07\x00\x00\x00\x03{\"a", 11},            /* broken JSON */
      {"\x00\x00\x00\x06\x01\x00\x00\x02\x00\x69", 10},        /* binary header cut off */
      {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27},
      {"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", 11},    /* a TLS hello */
  };
  struct stage s;
  stage_init(&s);
  for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
    conn_id conn = stage_connect(&s);
    CU_ASSERT(!stage_bytes(&s, conn, span_of(frames[i].bytes, frames[i].len)));
    CU_ASSERT(!stage_is_open(&s, conn));
  }
  expect_alive(&s);
  stage_fini(&s);
}

/* A frame of one request, to be spoilt. */
static void make_frame(struct buf *out, int code, struct span body) {
  struct ext ext[] = {EXT("brokerName", "a"),      EXT("brokerAddr", "1.2.3.4:5"), EXT("clusterName", "C"),
                      EXT("haServerAddr", "x:6"),  EXT("brokerId", "0"),           EXT("compressed", "false"),
                      EXT("bodyCrc32", "0"),       EXT("namespace", "ns"),         EXT("key", "k"),
                      EXT("value", "v"),           EXT("topic", "T"),              EXT("cluster", "C")};
  struct command c = {.code = code,
                      .version = MQ_VERSION_4_7_0,
                      .opaque = 1,
                      .ext = ext,
                      .ext_count = sizeof ext / sizeof ext[0],
                      .body = body};
  buf_clear(out);
  CU_ASSERT_FATAL(command_encode(out, &c, NULL, NULL, false, 0) > 0);
}

#define BODY                                                                                                           \
  "{\"filterServerList\":[\"f:1\"],\"topicConfigSerializeWrapper\":{\"dataVersion\":{\"counter\":1,\"timestamp\":2}," \
  "\"topicConfigTable\":{\"T\":{\"order\":false,\"perm\":6,\"readQueueNums\":4,\"topicFilterType\":\"SINGLE_TAG\","    \
  "\"topicName\":\"T\",\"topicSysFlag\":0,\"writeQueueNums\":4}}}}"

void test_hostile_flips(void) {
  struct stage s;
  struct buf frame;
  struct prng prng;
  stage_init(&s);
  buf_init(&frame, 1 << 16);
  prng_init(&prng, 4711);
  conn_id conn = stage_connect(&s);
  int broken = 0, answered = 0;
  for (int i = 0; i < FLIPS; i++) {
    make_frame(&frame, namesrv_handlers[prng_below(&prng, namesrv_handler_count)].code, SPAN_LITERAL(BODY));
    size_t flips = 1 + prng_below(&prng, 4);
    /* The length word stays: otherwise most would only wait for more. */
    for (size_t f = 0; f < flips; f++) {
      size_t at = 4 + prng_below(&prng, frame.len - 4);
      frame.ptr[at] ^= (uint8_t)(1u << prng_below(&prng, 8));
    }
    if (!stage_bytes(&s, conn, buf_span(&frame))) {
      broken++;
      conn = stage_connect(&s);
    }
    while (stage_answer(&s, conn)) answered++;
  }
  CU_ASSERT(broken > 0 && answered > 0);
  buf_fini(&frame);
  expect_alive(&s);
  stage_fini(&s);
}

void test_hostile_bodies(void) {
  static const char *const bodies[] = {
      "[]", "5", "\"x\"", "null", "{\"topicConfigSerializeWrapper\":[]}", "{\"filterServerList\":5}",
      "{\"topicConfigSerializeWrapper\":{\"topicConfigTable\":{\"T\":5,\"U\":null,\"V\":[]}}}",
      "{\"topicConfigSerializeWrapper\":{\"topicConfigTable\":{\"T\":{\"readQueueNums\":99999999999999999999}}}}",
      "{\"topicConfigSerializeWrapper\":{\"dataVersion\":5}}", "x=\\u12", "=\n=\n", "\xff\xfe\xfd",
  };
  struct stage s;
  struct buf frame, deep;
  stage_init(&s);
  buf_init(&frame, 1 << 20);
  buf_init(&deep, 1 << 20);
  for (int i = 0; i < 10000; i++) buf_put_text(&deep, "{\"a\":[");
  size_t count = sizeof bodies / sizeof bodies[0];
  for (size_t h = 0; h < namesrv_handler_count; h++)
    for (size_t b = 0; b <= count; b++) {
      conn_id conn = stage_connect(&s);
      make_frame(&frame, namesrv_handlers[h].code, b == count ? buf_span(&deep) : span_text(bodies[b]));
      CU_ASSERT(stage_bytes(&s, conn, buf_span(&frame)));
      CU_ASSERT(stage_answer(&s, conn));
      stage_disconnect(&s, conn);
    }
  /* A compressed body that is none. */
  conn_id conn = stage_connect(&s);
  CU_ASSERT(STAGE_CALL(&s, conn, REQUEST_REGISTER_BROKER, SPAN_LITERAL("\x78\x9cgarbage"), EXT("brokerName", "a"),
                       EXT("brokerAddr", "b:1"), EXT("clusterName", "C"), EXT("haServerAddr", "x"),
                       EXT("brokerId", "0"), EXT("compressed", "true")) == RESPONSE_SYSTEM_ERROR);
  buf_fini(&deep);
  buf_fini(&frame);
  expect_alive(&s);
  stage_fini(&s);
}

/* Bytes come as the network likes: one at a time, or many requests at once. */
void test_split_frames(void) {
  struct stage s;
  struct buf frame;
  stage_init(&s);
  buf_init(&frame, 1 << 16);
  conn_id conn = stage_connect(&s);
  make_frame(&frame, REQUEST_REGISTER_BROKER, SPAN_LITERAL(BODY));
  struct node *node = &s.ns->node;
  for (size_t n = 1; n < frame.len; n++) CU_ASSERT(node->ops->bytes(node, conn, span_of(frame.ptr, n), s.now) == 0);
  CU_ASSERT(!stage_answer(&s, conn));
  CU_ASSERT(node->ops->bytes(node, conn, buf_span(&frame), s.now) == frame.len);
  CU_ASSERT(stage_answer(&s, conn) && s.reply.code == RESPONSE_SUCCESS);
  make_frame(&frame, REQUEST_GET_ROUTEINTO_BY_TOPIC, SPAN_NONE);
  size_t one = frame.len;
  CU_ASSERT_FATAL(buf_reserve(&frame, one * 99) != NULL); /* or the copies' source would move */
  for (int i = 0; i < 99; i++) buf_put(&frame, span_of(frame.ptr, one));
  CU_ASSERT(stage_bytes(&s, conn, buf_span(&frame)));
  int answers = 0;
  while (stage_answer(&s, conn)) answers += s.reply.code == RESPONSE_SUCCESS;
  CU_ASSERT(answers == 100);
  buf_fini(&frame);
  stage_fini(&s);
}

void test_ten_thousand_topics(void) {
  struct stage s;
  struct broker b0 = {.name = "b", .address = "10.0.0.2:10911"};
  struct topic_plan *topics = calloc(MANY_TOPICS, sizeof *topics);
  char(*names)[NAME_MAX_TEXT] = calloc(MANY_TOPICS, sizeof *names);
  CU_ASSERT_FATAL(topics != NULL && names != NULL);
  for (int i = 0; i < MANY_TOPICS; i++) {
    snprintf(names[i], sizeof names[i], "topic-%d", i);
    topics[i] = (struct topic_plan){names[i], 4, 6, 0};
  }
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, topics, MANY_TOPICS) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_register(&s, conn, &b0, topics, MANY_TOPICS) == RESPONSE_SUCCESS);
  CU_ASSERT(map_count(&s.ns->routes.topics) == MANY_TOPICS);
  CU_ASSERT(stage_route(&s, conn, "topic-9999") == RESPONSE_SUCCESS);
  stage_expect_queues(&s, "a:4:6:0,b:4:6:0");
  /* The same again: found out by the bytes alone, so nothing is parsed and no memory is taken. */
  CU_ASSERT(s.ns->arena.total <= NAMESRV_KEPT_MAX);
  size_t before = s.ns->arena.total;
  CU_ASSERT(stage_register(&s, conn, &A0, topics, MANY_TOPICS) == RESPONSE_SUCCESS);
  CU_ASSERT(s.ns->arena.total == before);
  stage_disconnect(&s, conn);
  CU_ASSERT(map_count(&s.ns->routes.topics) == 0);
  expect_alive(&s);
  free(topics);
  free(names);
  stage_fini(&s);
}
