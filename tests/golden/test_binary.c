/* SPDX-License-Identifier: Apache-2.0
 *
 * Binary forms made by Java: stored messages, batch bodies, properties, the compressed register body.
 */
#include "core/wire/bodies.h"
#include "core/wire/message.h"
#include "tests/golden/golden.h"
#include "tests/harness.h"

#include <arpa/inet.h>
#include <stdlib.h>

enum { BUF_MAX = 4 << 20 };

static bool same_properties(const struct json *want, struct span got) {
  size_t at = 0, count = 0;
  struct span name, value;
  while (property_next(got, &at, &name, &value)) {
    char text[128];
    if (!span_copy_text(name, text, sizeof text)) return false;
    struct span last = property_get(got, text);
    count += last.ptr == value.ptr; /* later duplicates win */
    const struct json *m = want->children;
    while (m != NULL && !span_equal(m->key->text, name)) m = m->next;
    if (m == NULL || !span_equal(json_text(m), last)) return false;
  }
  return count == want->child_count;
}

static bool same_host(const struct json *want, const char *ip, const char *port, const struct net_peer *got) {
  uint8_t bytes[16] = {0};
  char text[64];
  if (!span_copy_text(golden_text(want, ip), text, sizeof text)) return false;
  int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
  return inet_pton(family, text, bytes) == 1 && got->ip_len == (family == AF_INET6 ? 16 : 4) &&
         memcmp(bytes, got->ip, got->ip_len) == 0 && got->port == json_i64(json_member(want, port), -1);
}

static void check_message(struct golden *g, const struct json *r, const struct json *want, const struct message *m) {
  golden_check(r, span_equal(m->topic, golden_text(want, "topic")), "topic");
  golden_check(r, m->queue_id == json_i64(json_member(want, "queueId"), -1), "queueId");
  golden_check(r, m->flag == json_i64(json_member(want, "flag"), -1), "flag");
  golden_check(r, m->queue_offset == json_i64(json_member(want, "queueOffset"), -1), "queueOffset");
  golden_check(r, m->physical_offset == json_i64(json_member(want, "commitLogOffset"), -1), "commitLogOffset");
  golden_check(r, m->sys_flag == json_i64(json_member(want, "sysFlag"), -1), "sysFlag");
  golden_check(r, m->born_ms == json_i64(json_member(want, "bornTimestamp"), -1), "bornTimestamp");
  golden_check(r, m->store_ms == json_i64(json_member(want, "storeTimestamp"), -1), "storeTimestamp");
  golden_check(r, m->reconsume_times == json_i64(json_member(want, "reconsumeTimes"), -1), "reconsumeTimes");
  golden_check(r, m->prepared_offset == json_i64(json_member(want, "preparedTransactionOffset"), -1), "prepared");
  golden_check(r, m->body_crc == json_i64(json_member(want, "bodyCRC"), -1), "bodyCRC");
  golden_check(r, same_host(want, "bornHost", "bornPort", &m->born_host), "bornHost");
  golden_check(r, m->store_host.port == json_i64(json_member(want, "storePort"), -1), "storePort");
  golden_check(r, same_properties(json_member(want, "properties"), m->properties), "properties");
  struct span body = golden_hex(g, want, "body");
  struct buf plain;
  buf_init(&plain, BUF_MAX);
  if ((m->sys_flag & SYS_COMPRESSED) != 0) {
    golden_check(r, body_uncompress(m->body, &plain) == STATUS_OK, "uncompress");
    golden_check(r, span_equal(buf_span(&plain), body), "compressed body");
    buf_clear(&plain);
    golden_check(r, body_compress(body, &plain) == STATUS_OK && span_equal(buf_span(&plain), m->body),
                 "compresses to Java's bytes");
  } else {
    golden_check(r, span_equal(m->body, body), "body");
  }
  buf_fini(&plain);
  char id[MESSAGE_ID_MAX];
  size_t n = message_id_text(&m->store_host, m->physical_offset, id);
  golden_check(r, span_equal(span_of(id, n), golden_text(want, "offsetMsgId")), "offsetMsgId");
}

static void test_stored_messages(void) {
  struct golden g;
  int count = 0;
  CU_ASSERT_FATAL(golden_open(&g, "frames/binary.jsonl"));
  for (const struct json *r; (r = golden_next(&g)) != NULL;) {
    const struct json *want = json_member(r, "message");
    if (want == NULL) continue;
    count++;
    struct span bytes = golden_hex(&g, r, "hex");
    struct message m;
    size_t size = 0;
    /* MessageDecoder.encode wrote the CRC it was given, which here is that of the plain body. */
    bool plain_crc = (json_i64(json_member(want, "sysFlag"), 0) & SYS_COMPRESSED) != 0;
    golden_check(r, message_decode(bytes, true, &m, &size) == (plain_crc ? STATUS_CORRUPT : STATUS_OK), "CRC");
    if (!golden_check(r, message_decode(bytes, false, &m, &size) == STATUS_OK, "decode")) continue;
    golden_check(r, size == bytes.len && message_size(&m) == bytes.len, "size");
    check_message(&g, r, want, &m);
    uint8_t *copy = malloc(bytes.len);
    CU_ASSERT_FATAL(copy != NULL);
    message_encode(&m, copy);
    if (plain_crc) put_i32(copy + 8, m.body_crc);
    golden_check(r, memcmp(copy, bytes.ptr, bytes.len) == 0, "encodes to the same bytes");
    free(copy);
  }
  CU_ASSERT_EQUAL(count, 5);
  golden_close(&g);
}

static void test_batches(void) {
  struct golden g;
  struct buf out;
  int count = 0;
  CU_ASSERT_FATAL(golden_open(&g, "frames/binary.jsonl"));
  buf_init(&out, BUF_MAX);
  for (const struct json *r; (r = golden_next(&g)) != NULL;) {
    const struct json *list = json_member(r, "messages");
    if (list == NULL) continue;
    count++;
    struct span bytes = golden_hex(&g, r, "hex");
    struct batch_item item;
    size_t at = 0;
    buf_clear(&out);
    for (const struct json *want = list->children; want != NULL; want = want->next) {
      if (!golden_check(r, batch_next(bytes, &at, &item) == STATUS_OK, "batch_next")) break;
      golden_check(r, item.flag == json_i64(json_member(want, "flag"), -1), "flag");
      golden_check(r, span_equal(item.body, golden_hex(&g, want, "body")), "body");
      golden_check(r, same_properties(json_member(want, "properties"), item.properties), "properties");
      batch_item_encode(&item, &out);
    }
    golden_check(r, batch_next(bytes, &at, &item) == STATUS_NOT_FOUND, "end");
    golden_check(r, span_equal(buf_span(&out), bytes), "encodes to the same bytes");
  }
  CU_ASSERT_EQUAL(count, 2);
  buf_fini(&out);
  golden_close(&g);
}

static void test_properties(void) {
  struct golden g;
  struct buf out;
  int count = 0;
  CU_ASSERT_FATAL(golden_open(&g, "frames/binary.jsonl"));
  buf_init(&out, BUF_MAX);
  for (const struct json *r; (r = golden_next(&g)) != NULL;) {
    if (span_is(golden_text(r, "name"), "properties-parse")) {
      for (const struct json *item = json_member(r, "list")->children; item != NULL; item = item->next, count++)
        golden_check(item, same_properties(json_member(item, "parsed"), golden_hex(&g, item, "hex")), "properties");
    } else if (span_is(golden_text(r, "name"), "properties-write")) {
      struct span text = golden_hex(&g, r, "hex"), name, value;
      size_t at = 0;
      while (property_next(text, &at, &name, &value)) property_put_span(&out, name, value);
      golden_check(r, span_equal(buf_span(&out), text), "written as Java does");
      golden_check(r, same_properties(json_member(r, "map"), text), "map");
    }
  }
  CU_ASSERT(count > 10);
  CU_ASSERT(out.len > 0);
  buf_fini(&out);
  golden_close(&g);
}

static bool same_tree(const struct json *want, struct span text, struct golden *g) {
  struct json *got;
  struct buf a, b;
  if (json_parse(text, &JSON_LIMITS_DEFAULT, &g->arena, &got, NULL, NULL) != STATUS_OK) return false;
  /* Both have their members sorted but for the topics, which come in hash order: compare those one by one. */
  const struct json *table = json_member(json_member(got, "topicConfigSerializeWrapper"), "topicConfigTable");
  const struct json *wanted = json_member(json_member(want, "topicConfigSerializeWrapper"), "topicConfigTable");
  bool same = table->child_count == wanted->child_count;
  buf_init(&a, BUF_MAX);
  buf_init(&b, BUF_MAX);
  json_put_tree(&a, json_member(want, "filterServerList"));
  json_put_tree(&b, json_member(got, "filterServerList"));
  json_put_tree(&a, json_member(json_member(want, "topicConfigSerializeWrapper"), "dataVersion"));
  json_put_tree(&b, json_member(json_member(got, "topicConfigSerializeWrapper"), "dataVersion"));
  for (const struct json *m = wanted->children; m != NULL; m = m->next) {
    const struct json *k = table->children;
    while (k != NULL && !span_equal(k->key->text, m->key->text)) k = k->next;
    json_put_tree(&a, m);
    if (k != NULL) json_put_tree(&b, k);
  }
  same = same && span_equal(buf_span(&a), buf_span(&b));
  buf_fini(&a);
  buf_fini(&b);
  return same;
}

static void test_compressed_register_body(void) {
  struct golden g;
  struct buf plain, out;
  int count = 0;
  CU_ASSERT_FATAL(golden_open(&g, "frames/binary.jsonl"));
  buf_init(&plain, BUF_MAX);
  buf_init(&out, BUF_MAX);
  for (const struct json *r; (r = golden_next(&g)) != NULL;) {
    struct span inflated = golden_hex(&g, r, "inflatedHex"), bytes = golden_hex(&g, r, "hex");
    if (inflated.ptr == NULL) continue;
    count++;
    struct register_body body;
    const char *why = "";
    golden_check(r, body_crc32(bytes) == json_i64(json_member(r, "bodyCrc32"), -1), "bodyCrc32");
    if (!golden_check(r, register_body_read(bytes, true, &g.arena, &body, &why) == STATUS_OK, why)) continue;
    buf_clear(&out);
    register_body_write(&out, &body, false);
    golden_check(r, same_tree(json_member(r, "decodedByJava"), buf_span(&out), &g), "decoded as Java does");
    buf_clear(&out);
    register_body_write(&out, &body, true);
    buf_clear(&plain);
    golden_check(r, body_uncompress(buf_span(&out), &plain) == STATUS_OK, "own form inflates");
    golden_check(r, span_equal(buf_span(&plain), inflated), "same bytes inside");
    /* Every cut is refused. */
    for (size_t n = 0; n < bytes.len; n++)
      CU_ASSERT_NOT_EQUAL(register_body_read(span_of(bytes.ptr, n), true, &g.arena, &body, &why), STATUS_OK);
  }
  CU_ASSERT_EQUAL(count, 2);
  buf_fini(&plain);
  buf_fini(&out);
  golden_close(&g);
}

int main(int argc, char **argv) {
  static const struct test tests[] = {
      {"stored_messages", test_stored_messages},
      {"batches", test_batches},
      {"properties", test_properties},
      {"compressed_register_body", test_compressed_register_body},
      {NULL, NULL},
  };
  return run_tests("golden/binary", tests, argc, argv);
}
