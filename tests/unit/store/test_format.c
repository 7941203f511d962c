/* SPDX-License-Identifier: Apache-2.0
 *
 * What the store writes, read field by field at the addresses Java uses
 * (CommitLog, ConsumeQueue, StoreCheckpoint), by nothing of the room itself.
 */
#include "tests/unit/store/suites.h"

#include "core/base/bytes.h"
#include <stdio.h>
#include <zlib.h>

static void record_check(const uint8_t *p, int64_t offset, int64_t queue_offset, int32_t queue_id, const char *topic,
                         struct span body, const char *properties, int64_t store_ms) {
  static const uint8_t born[8] = {10, 1, 2, 3, 0, 0, 0xD4, 0x31}, stored[8] = {127, 0, 0, 1, 0, 0, 0x2A, 0x9F};
  size_t topic_len = strlen(topic), properties_len = strlen(properties);
  CU_ASSERT(get_u32(p) == 91 + body.len + topic_len + properties_len);
  CU_ASSERT(get_u32(p + 4) == 0xDAA320A7);
  CU_ASSERT(get_u32(p + 8) == (body.len == 0 ? 0 : crc32(0, body.ptr, (uInt)body.len) & 0x7FFFFFFF));
  CU_ASSERT(get_i32(p + 12) == queue_id);
  CU_ASSERT(get_i32(p + 16) == 7);
  CU_ASSERT(get_i64(p + 20) == queue_offset);
  CU_ASSERT(get_i64(p + 28) == offset);
  CU_ASSERT(get_i32(p + 36) == 0);
  CU_ASSERT(get_i64(p + 40) == 1500000000000);
  CU_ASSERT(memcmp(p + 48, born, 8) == 0);
  CU_ASSERT(get_i64(p + 56) == store_ms);
  CU_ASSERT(memcmp(p + 64, stored, 8) == 0);
  CU_ASSERT(get_i32(p + 72) == 0 && get_i64(p + 76) == 0);
  CU_ASSERT(get_u32(p + 84) == body.len);
  CU_ASSERT(memcmp(p + 88, body.ptr, body.len) == 0);
  CU_ASSERT(p[88 + body.len] == topic_len);
  CU_ASSERT(memcmp(p + 89 + body.len, topic, topic_len) == 0);
  CU_ASSERT(get_u16(p + 89 + body.len + topic_len) == properties_len);
  CU_ASSERT(memcmp(p + 91 + body.len + topic_len, properties, properties_len) == 0);
}

static void unit_check(const uint8_t *p, int64_t offset, int32_t size, int64_t tags_code) {
  CU_ASSERT(get_i64(p) == offset && get_i32(p + 8) == size && get_i64(p + 12) == tags_code);
}

static int64_t send(struct rig *r, const char *topic, struct span body, const char *tags, struct put_result *out) {
  struct message m = rig_message(topic, 3, NULL, tags);
  m.body = body;
  CU_ASSERT_FATAL(store_put(r->store, &m, rig_now(r), out) == PUT_OK);
  CU_ASSERT_FATAL(store_commit(r->store, rig_now(r)) == STATUS_OK);
  return out->physical_offset;
}

void test_format_files(void) {
  struct rig r;
  struct put_result a, b, c;
  static uint8_t bytes[40000];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7);
  rig_init(&r, 1);
  r.config.message_size_max = 65536;
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(send(&r, "Orders", SPAN_LITERAL("hello"), "TagA", &a) == 0);
  CU_ASSERT(send(&r, "Orders", span_of(bytes, 40000), NULL, &b) == a.end_offset);
  rig_run(&r, 5);
  CU_ASSERT(send(&r, "Orders", span_of(bytes, 30000), "TagB", &c) == 65536); /* does not fit into the first file */
  struct moment closed = rig_now(&r);
  rig_close(&r);

  struct buf first = rig_file(&r, RIG_LOG "/00000000000000000000");
  struct buf second = rig_file(&r, RIG_LOG "/00000000000000065536");
  CU_ASSERT_FATAL(first.len == 65536 && second.len == 65536);
  record_check(first.ptr, 0, 0, 3, "Orders", SPAN_LITERAL("hello"), "TAGS\1TagA\2", a.store_ms);
  CU_ASSERT(get_u32(first.ptr + 8) == 907060870);
  record_check(first.ptr + b.physical_offset, b.physical_offset, 1, 3, "Orders", span_of(bytes, 40000), "", b.store_ms);
  CU_ASSERT(get_i64(first.ptr + b.end_offset) == ((65536 - b.end_offset) << 32 | 0xCBD43194));
  record_check(second.ptr, 65536, 2, 3, "Orders", span_of(bytes, 30000), "TAGS\1TagB\2", c.store_ms);
  CU_ASSERT(c.store_ms > a.store_ms && c.store_ms <= closed.wall_ms);
  buf_fini(&first);
  buf_fini(&second);

  struct buf queue = rig_file(&r, RIG_ROOT "/consumequeue/Orders/3/00000000000000000000");
  CU_ASSERT_FATAL(queue.len == 1280);
  unit_check(queue.ptr, 0, (int32_t)a.end_offset, 2598919);
  unit_check(queue.ptr + 20, b.physical_offset, (int32_t)(b.end_offset - b.physical_offset), 0);
  unit_check(queue.ptr + 40, 65536, (int32_t)(c.end_offset - 65536), 2598920);
  for (size_t i = 60; i < queue.len; i++) CU_ASSERT(queue.ptr[i] == 0);
  buf_fini(&queue);

  struct buf checkpoint = rig_file(&r, RIG_ROOT "/checkpoint");
  CU_ASSERT_FATAL(checkpoint.len == 4096);
  CU_ASSERT(get_i64(checkpoint.ptr) == c.store_ms && get_i64(checkpoint.ptr + 8) == c.store_ms);
  for (size_t i = 16; i < checkpoint.len; i++) CU_ASSERT(checkpoint.ptr[i] == 0);
  buf_fini(&checkpoint);
  CU_ASSERT(!rig_exists(&r, RIG_ROOT "/abort"));
  rig_fini(&r);
}

/* The record that fills its file to the last byte the rule allows, and one byte more. */
void test_format_last_byte(void) {
  for (size_t more = 0; more < 2; more++) {
    struct rig r;
    struct put_result out;
    static uint8_t bytes[65536];
    rig_init(&r, 2);
    r.config.message_size_max = 65536;
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    send(&r, "T", span_of(bytes, 30000), NULL, &out);
    size_t room = 65536 - (size_t)out.end_offset;
    send(&r, "T", span_of(bytes, room - 8 - 92 + more), NULL, &out);
    CU_ASSERT(out.physical_offset == (more == 0 ? 30092 : 65536));
    send(&r, "T", SPAN_LITERAL("x"), NULL, &out);
    CU_ASSERT(out.physical_offset == (more == 0 ? 65536 : 65536 + (int64_t)room - 8 + 1));
    struct buf first = rig_file(&r, RIG_LOG "/00000000000000000000");
    const uint8_t *filler = first.ptr + (more == 0 ? 65528 : 30092);
    CU_ASSERT(get_u32(filler) == (more == 0 ? 8 : room) && get_u32(filler + 4) == 0xCBD43194);
    buf_fini(&first);
    rig_crash(&r, SIM_KILL);
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    CU_ASSERT(rig_max(&r, "T", 3) == 3);
    rig_fini(&r);
  }
}

/* Nothing but whole files of the right names may ever lie in the directories Java lists. */
void test_format_directories(void) {
  struct rig r;
  rig_init(&r, 3);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  static char big[20000];
  memset(big, 'b', sizeof big - 1);
  for (int i = 0; i < 200; i++) {
    rig_send(&r, "T", 0, i % 5 == 0 ? big : "s");
    rig_run(&r, 100);
    static const char *const dirs[2] = {RIG_LOG, RIG_ROOT "/consumequeue/T/0"};
    for (int d = 0; d < 2; d++) {
      struct arena a;
      struct disk_entry *entries;
      size_t count = 0;
      arena_init(&a, 1 << 20);
      enum status status = r.disk->ops->list(r.disk, dirs[d], &a, &entries, &count);
      CU_ASSERT(status == STATUS_OK || (d == 1 && status == STATUS_NOT_FOUND));
      for (size_t k = 0; status == STATUS_OK && k < count; k++)
        CU_ASSERT(entries[k].name.len == 20 && entries[k].length == (d == 0 ? 65536 : 1280));
      arena_fini(&a);
    }
  }
  rig_fini(&r);
}
