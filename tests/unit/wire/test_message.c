/* SPDX-License-Identifier: Apache-2.0 */
#include "core/wire/message.h"
#include "tests/unit/wire/wire_tests.h"

#include <stdlib.h>

enum { RECORD_MAX = 4096, BUF_MAX = 1 << 16 };

static struct message sample(bool born_v6, bool store_v6) {
  return (struct message){.queue_id = 3,
                          .flag = -1,
                          .queue_offset = INT64_MAX,
                          .physical_offset = 77,
                          .sys_flag = SYS_COMPRESSED | SYS_TRANSACTION_COMMIT,
                          .born_ms = 1583405207005,
                          .born_host = {.ip = {10, 0, 0, 9}, .ip_len = born_v6 ? 16 : 4, .port = 65535},
                          .store_ms = 1583405208000,
                          .store_host = {.ip = {127, 0, 0, 1}, .ip_len = store_v6 ? 16 : 4, .port = 10911},
                          .reconsume_times = 2,
                          .prepared_offset = -5,
                          .body = SPAN_LITERAL("hello"),
                          .topic = SPAN_LITERAL("TopicTest"),
                          .properties = SPAN_LITERAL("TAGS\1TagA\2KEYS\1k\2")};
}

void test_message_round_trip(void) {
  uint8_t record[RECORD_MAX];
  for (int v6 = 0; v6 < 4; v6++) {
    struct message m = sample((v6 & 1) != 0, (v6 & 2) != 0), back;
    size_t size = 0;
    message_encode(&m, record);
    CU_ASSERT_EQUAL_FATAL(message_decode(span_of(record, message_size(&m) + 9), true, &back, &size), STATUS_OK);
    CU_ASSERT_EQUAL(size, message_size(&m));
    CU_ASSERT_EQUAL(back.sys_flag,
                    m.sys_flag | ((v6 & 1) != 0 ? SYS_BORN_HOST_V6 : 0) | ((v6 & 2) != 0 ? SYS_STORE_HOST_V6 : 0));
    CU_ASSERT(back.queue_offset == m.queue_offset && back.prepared_offset == -5 && back.reconsume_times == 2);
    CU_ASSERT(span_equal(back.body, m.body) && span_equal(back.topic, m.topic));
    CU_ASSERT(span_equal(back.properties, m.properties));
    CU_ASSERT(memcmp(&back.born_host, &m.born_host, sizeof m.born_host) == 0);
    CU_ASSERT(memcmp(&back.store_host, &m.store_host, sizeof m.store_host) == 0);
    CU_ASSERT_EQUAL(message_tags_code(back.properties), 2598919);
  }
}

/* Every byte changed in turn: never OK with another length, never a read outside (exact block). */
void test_message_refuses_damage(void) {
  struct message m = sample(false, true), back;
  size_t n = message_size(&m), size;
  uint8_t *record = malloc(n);
  CU_ASSERT_FATAL(record != NULL);
  for (size_t cut = 0; cut < n; cut++) {
    message_encode(&m, record);
    CU_ASSERT_EQUAL(message_decode(span_of(record, cut), true, &back, &size), STATUS_AGAIN);
    CU_ASSERT_EQUAL(size, cut < 8 ? 0 : n);
  }
  for (size_t i = 0; i < n; i++)
    for (int bit = 0; bit < 8; bit++) {
      message_encode(&m, record);
      record[i] ^= (uint8_t)(1 << bit);
      enum status status = message_decode(span_of(record, n), true, &back, &size);
      if (status == STATUS_OK) CU_ASSERT_EQUAL(size, n);
      /* Magic, CRC, the three lengths and the body are protected. */
      if (i >= 4 && i < 8) CU_ASSERT_EQUAL(status, STATUS_INVALID);
      if (i >= 8 && i < 12) CU_ASSERT_EQUAL(status, STATUS_CORRUPT);
    }
  message_encode(&m, record);
  size_t body_at = n - 2 - m.properties.len - 1 - m.topic.len - m.body.len;
  record[body_at]++;
  CU_ASSERT_EQUAL(message_decode(span_of(record, n), true, &back, &size), STATUS_CORRUPT);
  CU_ASSERT_EQUAL(message_decode(span_of(record, n), false, &back, &size), STATUS_OK);
  free(record);
}

void test_message_blank_ends_file(void) {
  uint8_t blank[16] = {0};
  struct message m;
  size_t size = 9;
  put_u32(blank, 4096);
  put_u32(blank + 4, BLANK_MAGIC);
  CU_ASSERT_EQUAL(message_decode(span_of(blank, 16), true, &m, &size), STATUS_NOT_FOUND);
  CU_ASSERT_EQUAL(size, 4096);
  memset(blank, 0, sizeof blank);
  CU_ASSERT_EQUAL(message_decode(span_of(blank, 16), true, &m, &size), STATUS_INVALID);
  CU_ASSERT_EQUAL(size, 0);
  put_u32(blank, 20); /* a magic, but a size that no record has */
  put_u32(blank + 4, MESSAGE_MAGIC);
  CU_ASSERT_EQUAL(message_decode(span_of(blank, 16), true, &m, &size), STATUS_INVALID);
}

void test_property_last_one_wins(void) {
  struct span text = SPAN_LITERAL("TAGS\1old\2TAGSX\1no\2XTAGS\1no\2TAGS\1new\2TAGS\1\2TAGS\1a\1b\2TAGS");
  ASSERT_SPAN(property_get(text, "TAGS"), "new");
  CU_ASSERT_PTR_NULL(property_get(text, "TAG").ptr);
  CU_ASSERT_PTR_NULL(property_get(SPAN_NONE, "TAGS").ptr);
  CU_ASSERT_EQUAL(message_tags_code(text), java_hash(SPAN_LITERAL("new")));
  CU_ASSERT_EQUAL(message_tags_code(SPAN_LITERAL("TAGS\1\2")), 0);
  ASSERT_SPAN(property_get(SPAN_LITERAL("\1v\2"), ""), "v");
  ASSERT_SPAN(property_get(SPAN_LITERAL("a\1v\1\1"), "a"), "v");
  /* Broken UTF-8 counts as U+FFFD, one per broken part, as Java decodes it. */
  CU_ASSERT_EQUAL(java_hash(SPAN_LITERAL("\xC3")), 0xFFFD);
  CU_ASSERT_EQUAL(java_hash(SPAN_LITERAL("\xE4\xB8")), 0xFFFD);
  CU_ASSERT_EQUAL(java_hash(SPAN_LITERAL("\x80\x80")), 0xFFFD * 31 + 0xFFFD);
  CU_ASSERT_EQUAL(java_hash(SPAN_LITERAL("\xF0\x9F\x98\x80")), 0xD83D * 31 + 0xDE00);
}

void test_batch_refuses_wrong_lengths(void) {
  struct batch_item item = {.flag = 9, .body = SPAN_LITERAL("xyz"), .properties = SPAN_LITERAL("a\1b\2")}, back;
  struct buf out;
  buf_init(&out, BUF_MAX);
  batch_item_encode(&item, &out);
  size_t n = out.len, at = 0;
  CU_ASSERT_EQUAL(batch_next(buf_span(&out), &at, &back), STATUS_OK);
  CU_ASSERT(at == n && back.flag == 9 && span_equal(back.body, item.body));
  CU_ASSERT_EQUAL(batch_next(buf_span(&out), &at, &back), STATUS_NOT_FOUND);
  for (size_t cut = 1; cut < n; cut++) {
    uint8_t *copy = malloc(cut);
    CU_ASSERT_FATAL(copy != NULL);
    memcpy(copy, out.ptr, cut);
    at = 0;
    CU_ASSERT_EQUAL(batch_next(span_of(copy, cut), &at, &back), STATUS_INVALID);
    CU_ASSERT_EQUAL(at, 0);
    free(copy);
  }
  static const size_t lengths[] = {0, 3, 16, 19, 23, 24};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    at = 0;
    out.ptr[lengths[i]] ^= 0x81;
    CU_ASSERT_EQUAL(batch_next(buf_span(&out), &at, &back), STATUS_INVALID);
    out.ptr[lengths[i]] ^= 0x81;
  }
  buf_fini(&out);
}

void test_compress_both_ways(void) {
  struct buf packed, plain;
  uint8_t text[5000];
  for (size_t i = 0; i < sizeof text; i++) text[i] = (uint8_t)(i * i >> 3);
  for (size_t n = 0; n <= sizeof text; n = n * 3 + 1) {
    buf_init(&packed, BUF_MAX);
    buf_init(&plain, n + 4);
    buf_put_text(&plain, "keep");
    CU_ASSERT_EQUAL(body_compress(span_of(text, n), &packed), STATUS_OK);
    CU_ASSERT_EQUAL(body_uncompress(buf_span(&packed), &plain), STATUS_OK);
    CU_ASSERT(plain.len == n + 4 && memcmp(plain.ptr, "keep", 4) == 0 && memcmp(plain.ptr + 4, text, n) == 0);
    buf_fini(&packed);
    buf_fini(&plain);
  }
}

void test_uncompress_limits(void) {
  struct buf packed, plain, none;
  uint8_t zeros[20000] = {0};
  buf_init(&packed, BUF_MAX);
  CU_ASSERT_EQUAL(body_compress(span_of(zeros, sizeof zeros), &packed), STATUS_OK);
  buf_init(&plain, sizeof zeros - 1);
  CU_ASSERT_EQUAL(body_uncompress(buf_span(&packed), &plain), STATUS_LIMIT);
  CU_ASSERT_EQUAL(plain.len, 0);
  buf_fini(&plain);
  buf_init(&plain, sizeof zeros);
  for (size_t cut = 0; cut < packed.len; cut++)
    CU_ASSERT_EQUAL(body_uncompress(span_of(packed.ptr, cut), &plain), STATUS_INVALID);
  packed.ptr[packed.len - 1] ^= 1; /* the checksum at the end */
  CU_ASSERT_EQUAL(body_uncompress(buf_span(&packed), &plain), STATUS_INVALID);
  CU_ASSERT_EQUAL(body_uncompress(SPAN_LITERAL("not zlib"), &plain), STATUS_INVALID);
  buf_init(&none, 8);
  CU_ASSERT_EQUAL(body_compress(span_of(zeros, sizeof zeros), &none), STATUS_LIMIT);
  buf_fini(&packed);
  buf_fini(&plain);
  buf_fini(&none);
}

void test_names_at_their_longest(void) {
  char name[257];
  memset(name, 'a', sizeof name);
  const char *why = NULL;
  CU_ASSERT(topic_name_valid(span_of(name, 127), &why));
  CU_ASSERT(!topic_name_valid(span_of(name, 128), &why));
  CU_ASSERT_STRING_EQUAL(why, "the topic name is longer than 127 characters");
  CU_ASSERT(group_name_valid(span_of(name, 255), &why));
  CU_ASSERT(!group_name_valid(span_of(name, 256), &why));
  CU_ASSERT(!topic_name_valid(SPAN_LITERAL(".."), NULL));
  CU_ASSERT(!topic_name_valid(SPAN_LITERAL("a/../b"), NULL));
  CU_ASSERT(!topic_name_valid(span_of("a\0b", 3), NULL));
  CU_ASSERT(!group_name_valid(SPAN_LITERAL("a b"), &why));
  CU_ASSERT(topic_name_valid(SPAN_LITERAL("%RETRY%a-b_c|D9"), &why));
}

void test_message_ids_refuse_nonsense(void) {
  struct net_peer host;
  int64_t offset;
  CU_ASSERT_EQUAL(message_id_parse(SPAN_LITERAL("7f00000100002a9f0000000000000123"), &host, &offset), STATUS_OK);
  CU_ASSERT(offset == 0x123 && host.port == 10911 && host.ip_len == 4 && host.ip[0] == 127);
  static const char *const bad[] = {"",
                                    "7F",
                                    "7F00000100002A9F000000000000012",
                                    "7F00000100002A9F00000000000001233",
                                    "7G00000100002A9F0000000000000123",
                                    "7F00000100012A9F0000000000000123"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    CU_ASSERT_EQUAL(message_id_parse(span_text(bad[i]), &host, &offset), STATUS_INVALID);
}
