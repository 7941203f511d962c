/* SPDX-License-Identifier: Apache-2.0
 *
 * Pure functions of the 4.7.0 classes on fixed inputs.
 */
#include "core/wire/bodies.h"
#include "core/wire/message.h"
#include "tests/golden/golden.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>

enum { PROPERTIES_MAX = 1 << 16 };

typedef void (*check_record)(struct golden *g, const struct json *r);

static int each_of_kind(const char *kind, check_record check) {
  struct golden g;
  int count = 0;
  CU_ASSERT_FATAL(golden_open(&g, "hashes/hashes.jsonl"));
  for (const struct json *r; (r = golden_next(&g)) != NULL;)
    if (span_is(golden_text(r, "kind"), kind)) {
      check(&g, r);
      count++;
    }
  golden_close(&g);
  return count;
}

static int64_t tags_code_of(struct span tags) {
  struct buf properties;
  buf_init(&properties, PROPERTIES_MAX);
  property_put(&properties, "KEYS", SPAN_LITERAL("k"));
  if (tags.ptr != NULL) property_put(&properties, "TAGS", tags);
  property_put(&properties, "WAIT", SPAN_LITERAL("true"));
  int64_t code = message_tags_code(buf_span(&properties));
  buf_fini(&properties);
  return code;
}

static void check_string(struct golden *g, const struct json *r) {
  struct span text = golden_hex(g, r, "utf8");
  CU_ASSERT_EQUAL(java_hash(text), json_i64(json_member(r, "hashCode"), INT64_MAX));
  bool clean = span_find(text, PROPERTY_NAME_END, 0) == text.len && span_find(text, PROPERTY_VALUE_END, 0) == text.len;
  if (clean) CU_ASSERT_EQUAL(tags_code_of(text), json_i64(json_member(r, "tagsCode"), INT64_MAX));
}
static void test_string_hash(void) { CU_ASSERT(each_of_kind("string", check_string) > 50); }

static void check_tags_code(struct golden *g, const struct json *r) {
  (void)g;
  CU_ASSERT_EQUAL(tags_code_of(golden_text(r, "text")), json_i64(json_member(r, "tagsCode"), INT64_MAX));
}
static void test_tags_code(void) { CU_ASSERT(each_of_kind("tagsCode", check_tags_code) > 0); }

static void check_crc(struct golden *g, const struct json *r) {
  struct span bytes = golden_hex(g, r, "hex");
  if (json_member(r, "rule") != NULL) {
    size_t length = (size_t)json_i64(json_member(r, "length"), -1);
    CU_ASSERT_FATAL(span_is(golden_text(r, "rule"), "byte i = (i*31+7)&255"));
    uint8_t *rule = arena_alloc(&g->arena, length + 1);
    CU_ASSERT_FATAL(rule != NULL);
    for (size_t i = 0; i < length; i++) rule[i] = (uint8_t)(i * 31 + 7);
    bytes = span_of(rule, length);
  }
  if (body_crc32(bytes) != json_i64(json_member(r, "crc"), -1)) printf("    crc of %zu bytes\n", bytes.len);
  CU_ASSERT_EQUAL(body_crc32(bytes), json_i64(json_member(r, "crc"), -1));
}
static void test_crc32(void) { CU_ASSERT(each_of_kind("crc32", check_crc) > 20); }

static void check_message_id(struct golden *g, const struct json *r) {
  (void)g;
  char text[MESSAGE_ID_MAX], address[NET_PEER_TEXT_MAX], want[NET_PEER_TEXT_MAX];
  struct net_peer host, back;
  int64_t offset = 0, want_offset = json_i64(json_member(r, "offset"), -1);
  struct span ip = golden_text(r, "ip"), id = golden_text(r, "msgId");
  bool v6 = span_find(ip, ':', 0) < ip.len;
  int32_t port = json_i32(json_member(r, "port"), -1);
  snprintf(address, sizeof address, v6 ? "[%.*s]:%d" : "%.*s:%d", SPAN_ARG(ip), port);
  CU_ASSERT_EQUAL_FATAL(net_peer_parse(span_text(address), &host), STATUS_OK);
  size_t n = message_id_text(&host, want_offset, text);
  CU_ASSERT(span_equal(span_of(text, n), id));
  CU_ASSERT_EQUAL(message_id_parse(id, &back, &offset), STATUS_OK);
  CU_ASSERT_EQUAL(offset, json_i64(json_member(r, "decodedOffset"), -1));
  net_peer_text(&host, want);
  net_peer_text(&back, address);
  CU_ASSERT_STRING_EQUAL(address, want);
  CU_ASSERT_EQUAL(message_id_parse(span_from(id, 1), &back, &offset), STATUS_INVALID);
}
static void test_message_ids(void) { CU_ASSERT(each_of_kind("offsetMsgId", check_message_id) > 20); }

static void check_subscription(struct golden *g, const struct json *r) {
  struct subscription_data s;
  enum status status = subscription_parse(SPAN_LITERAL("T"), golden_text(r, "expression"), &g->arena, &s);
  if (json_member(r, "error") != NULL) {
    CU_ASSERT_EQUAL(status, STATUS_INVALID);
    return;
  }
  CU_ASSERT_EQUAL_FATAL(status, STATUS_OK);
  CU_ASSERT(span_equal(s.sub_string, golden_text(r, "subString")));
  ASSERT_SPAN(s.expression_type, "TAG");
  const struct json *tags = json_member(r, "tags"), *codes = json_member(r, "codes");
  CU_ASSERT_EQUAL(s.tag_count, tags->child_count);
  CU_ASSERT_EQUAL(s.code_count, codes->child_count);
  for (const struct json *m = tags->children; m != NULL; m = m->next) {
    bool found = false;
    for (size_t i = 0; i < s.tag_count; i++) found |= span_equal(s.tags[i], m->text);
    CU_ASSERT(found);
  }
  for (const struct json *m = codes->children; m != NULL; m = m->next) {
    bool found = false;
    for (size_t i = 0; i < s.code_count; i++) found |= s.codes[i] == json_i64(m, 0);
    CU_ASSERT(found);
  }
}
static void test_subscriptions(void) { CU_ASSERT(each_of_kind("subscription", check_subscription) >= 10); }

static void check_validate(struct golden *g, const struct json *r) {
  (void)g;
  const char *why = NULL;
  struct span text = golden_text(r, "text");
  /* Java's client also refuses its own key TBW102 as a topic; a broker has a topic of that name. */
  bool reserved = span_is(text, "TBW102");
  CU_ASSERT_EQUAL(topic_name_valid(text, &why), reserved || span_is(golden_text(r, "topic"), "ok"));
  CU_ASSERT_EQUAL(group_name_valid(text, NULL), span_is(golden_text(r, "group"), "ok"));
  CU_ASSERT_EQUAL(why == NULL, reserved || span_is(golden_text(r, "topic"), "ok"));
}
static void test_names(void) { CU_ASSERT(each_of_kind("validate", check_validate) >= 10); }

int main(int argc, char **argv) {
  static const struct test tests[] = {
      {"string_hash", test_string_hash},
      {"tags_code", test_tags_code},
      {"crc32", test_crc32},
      {"message_ids", test_message_ids},
      {"subscriptions", test_subscriptions},
      {"names", test_names},
      {NULL, NULL},
  };
  return run_tests("golden/hashes", tests, argc, argv);
}
