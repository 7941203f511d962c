/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store/suites.h"

#include <stdio.h>

static struct get_result got;

static enum get_status get(struct rig *r, const char *topic, int32_t id, int64_t offset, int32_t count, size_t bytes) {
  return store_get(r->store, span_text(topic), id, offset, count, bytes, NULL, NULL, &got);
}

void test_get_offsets(void) {
  struct rig r;
  rig_init(&r, 1);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(get(&r, "T", 0, 7, 32, 100000) == GET_NO_MESSAGE_IN_QUEUE && got.next_offset == 0);
  for (int i = 0; i < 5; i++) rig_send(&r, "T", 0, "body");
  CU_ASSERT(get(&r, "T", 1, 7, 32, 100000) == GET_NO_MESSAGE_IN_QUEUE && got.next_offset == 0);
  CU_ASSERT(got.min_offset == 0 && got.max_offset == 0);
  CU_ASSERT(get(&r, "T", 0, 5, 32, 100000) == GET_OFFSET_OVERFLOW_ONE && got.next_offset == 5);
  CU_ASSERT(get(&r, "T", 0, 6, 32, 100000) == GET_OFFSET_OVERFLOW_BADLY && got.next_offset == 0);
  CU_ASSERT(get(&r, "T", 0, -1, 32, 100000) == GET_OFFSET_TOO_SMALL && got.next_offset == 0);
  CU_ASSERT(get(&r, "T", 0, 0, 32, 100000) == GET_FOUND);
  CU_ASSERT(got.next_offset == 5 && got.message_count == 5 && got.part_count == 1 && got.max_offset == 5);
  CU_ASSERT(got.bytes == (size_t)store_appended(r.store) && got.parts[0].len == got.bytes);
  CU_ASSERT(got.fall_behind == store_appended(r.store) / 5);
  CU_ASSERT(get(&r, "T", 0, 3, 1, 100000) == GET_FOUND && got.next_offset == 4 && got.message_count == 1);
  CU_ASSERT(get(&r, "T", 0, 0, 32, 1) == GET_FOUND && got.message_count == 1 && got.next_offset == 1);
  CU_ASSERT(get(&r, "T", 0, 0, 0, 0) == GET_FOUND && got.message_count == 1); /* at least one */
  size_t one = (size_t)store_appended(r.store) / 5;
  CU_ASSERT(get(&r, "T", 0, 0, 32, 2 * one) == GET_FOUND && got.message_count == 2);
  CU_ASSERT(get(&r, "T", 0, 0, 32, 3 * one - 1) == GET_FOUND && got.message_count == 2);
  rig_fini(&r);
}

static bool odd(void *context, const struct queued *unit) {
  ++*(int *)context;
  return unit->tags_code % 2 != 0;
}

static bool none(void *context, const struct queued *unit) {
  (void)context, (void)unit;
  return false;
}

static void send_tagged(struct rig *r, const char *topic, const char *tags) {
  struct message m = rig_message(topic, 0, tags, tags);
  struct put_result out;
  CU_ASSERT_FATAL(store_put(r->store, &m, rig_now(r), &out) == PUT_OK);
}

void test_get_filter(void) {
  struct rig r;
  rig_init(&r, 2);
  r.config.queue_file_length = 6000000;
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  int asked = 0;
  for (int i = 0; i < 1000; i++) send_tagged(&r, "T", i % 10 == 9 ? "A" : "B"); /* 'A' is 65, 'B' 66 */
  CU_ASSERT(store_commit(r.store, rig_now(&r)) == STATUS_OK);
  CU_ASSERT(store_get(r.store, SPAN_LITERAL("T"), 0, 0, 8, 1 << 20, odd, &asked, &got) == GET_FOUND);
  CU_ASSERT(got.message_count == 8 && got.part_count == 8 && got.next_offset == 80 && asked == 80);
  /* 16000 bytes of units are looked at: 800 */
  CU_ASSERT(store_get(r.store, SPAN_LITERAL("T"), 0, 0, 32, 1 << 20, none, NULL, &got) == GET_NO_MATCHED_MESSAGE);
  CU_ASSERT(got.next_offset == 800);
  CU_ASSERT(store_get(r.store, SPAN_LITERAL("T"), 0, 999, 32, 1 << 20, none, NULL, &got) == GET_NO_MATCHED_MESSAGE);
  CU_ASSERT(got.next_offset == 1000);
  rig_fini(&r);
}

struct by_record {
  int units, records; /* asked */
  const char *body;
};

static bool unit_is_b(void *context, const struct queued *unit) {
  struct by_record *c = context;
  c->units++;
  return unit->tags_code == 'B';
}

static bool record_has_body(void *context, struct span record) {
  struct by_record *c = context;
  struct message m;
  size_t size;
  c->records++;
  return message_decode(record, true, &m, &size) == STATUS_OK && span_is(m.body, c->body);
}

/* The record is looked at only when its unit passes, and what it says counts for limits and offsets alike. */
void test_get_by_record(void) {
  struct rig r;
  struct by_record asked = {.body = "yes"};
  struct get_filter f = {.by_unit = unit_is_b, .by_record = record_has_body, .context = &asked};
  rig_init(&r, 2);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  for (int i = 0; i < 40; i++) {
    struct message m = rig_message("T", 0, i % 8 == 7 ? "yes" : "no", i % 2 == 0 ? "A" : "B");
    struct put_result out;
    CU_ASSERT_FATAL(store_put(r.store, &m, rig_now(&r), &out) == PUT_OK);
  }
  CU_ASSERT(store_commit(r.store, rig_now(&r)) == STATUS_OK);
  struct span topic = SPAN_LITERAL("T");
  CU_ASSERT(store_get_filtered(r.store, topic, 0, 0, 2, 1 << 20, &f, &got) == GET_FOUND);
  CU_ASSERT(got.message_count == 2 && got.part_count == 2 && got.next_offset == 16);
  CU_ASSERT(asked.units == 16 && asked.records == 8);
  CU_ASSERT(store_get_filtered(r.store, topic, 0, 24, 1, 1 << 20, &f, &got) == GET_FOUND && got.message_count == 1);
  asked.body = "nobody says this";
  CU_ASSERT(store_get_filtered(r.store, topic, 0, 30, 32, 1 << 20, &f, &got) == GET_NO_MATCHED_MESSAGE);
  CU_ASSERT(got.next_offset == 40 && got.message_count == 0);
  rig_fini(&r);
}

/* From the first message to the last over files and tail, in small steps; other queues in between. */
void test_get_walk(void) {
  struct rig r;
  char body[32];
  rig_init(&r, 3);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  for (int i = 0; i < 1500; i++) {
    snprintf(body, sizeof body, "number %d", i);
    rig_send(&r, "T", 0, body);
    if (i % 3 == 0) rig_send(&r, "U", i % 7, body);
    if (i == 700) rig_run(&r, 5000); /* tails go to files */
  }
  int64_t at = 0;
  while (get(&r, "T", 0, at, 10, 1000) == GET_FOUND) {
    size_t part = 0, in = 0;
    for (size_t i = 0; i < got.message_count; i++, at++) {
      struct message m;
      size_t size;
      CU_ASSERT_FATAL(message_decode(span_from(got.parts[part], in), true, &m, &size) == STATUS_OK);
      snprintf(body, sizeof body, "number %d", (int)at);
      CU_ASSERT(m.queue_offset == at && span_is(m.body, body));
      in += size;
      if (in == got.parts[part].len) part++, in = 0;
    }
    CU_ASSERT(part == got.part_count && got.next_offset == at);
  }
  CU_ASSERT(at == 1500);
  rig_fini(&r);
}

void test_get_by_time(void) {
  struct rig r;
  rig_init(&r, 4);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  int64_t first = 0, ms[300];
  CU_ASSERT(store_offset_by_time(r.store, SPAN_LITERAL("T"), 0, rig_now(&r).wall_ms) == 0);
  for (int i = 0; i < 300; i++) {
    rig_run(&r, 10);
    ms[i] = rig_now(&r).wall_ms;
    if (i == 0) first = ms[0];
    rig_send(&r, "T", 0, "b");
  }
  for (int i = 0; i < 300; i++) {
    CU_ASSERT(store_offset_by_time(r.store, SPAN_LITERAL("T"), 0, ms[i]) == i);
    CU_ASSERT(store_time_at(r.store, SPAN_LITERAL("T"), 0, i) == ms[i]);
  }
  CU_ASSERT(store_offset_by_time(r.store, SPAN_LITERAL("T"), 0, first - 1000) == 0);
  CU_ASSERT(store_offset_by_time(r.store, SPAN_LITERAL("T"), 0, ms[299] + 1000) == 299);
  CU_ASSERT(store_offset_by_time(r.store, SPAN_LITERAL("T"), 0, ms[40] + 4) == 40); /* the nearer one */
  CU_ASSERT(store_offset_by_time(r.store, SPAN_LITERAL("T"), 0, ms[40] + 6) == 41);
  CU_ASSERT(store_offset_by_time(r.store, SPAN_LITERAL("T"), 0, ms[40] + 5) == 40);
  CU_ASSERT(store_time_at(r.store, SPAN_LITERAL("T"), 0, 300) == -1);
  CU_ASSERT(store_time_at(r.store, SPAN_LITERAL("T"), 1, 0) == -1);
  rig_fini(&r);
}

static void name_queue(void *context, struct span topic, int32_t queue_id, int64_t min, int64_t max) {
  char *out = context;
  size_t len = strlen(out);
  snprintf(out + len, 256 - len, "%.*s/%d:%d-%d ", SPAN_ARG(topic), queue_id, (int)min, (int)max);
}

void test_get_queues_and_delete(void) {
  struct rig r;
  char names[256] = "";
  rig_init(&r, 5);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  rig_send(&r, "B", 10, "b");
  rig_send(&r, "B", 9, "b");
  int64_t offset = rig_send(&r, "A", 0, "a");
  rig_send(&r, "B", 9, "b2");
  store_queues(r.store, name_queue, names);
  CU_ASSERT_STRING_EQUAL(names, "A/0:0-1 B/9:0-2 B/10:0-1 ");
  rig_run(&r, 3000);
  CU_ASSERT(rig_exists(&r, RIG_ROOT "/consumequeue/B/9/00000000000000000000"));
  CU_ASSERT(store_delete_topic(r.store, SPAN_LITERAL("B")) == STATUS_OK);
  CU_ASSERT(!rig_exists(&r, RIG_ROOT "/consumequeue/B"));
  CU_ASSERT(rig_exists(&r, RIG_ROOT "/consumequeue/A/0"));
  CU_ASSERT(rig_max(&r, "B", 9) == 0);
  struct span record;
  CU_ASSERT(store_message_at(r.store, offset, &record) == STATUS_OK);
  CU_ASSERT(store_delete_topic(r.store, SPAN_LITERAL("none")) == STATUS_OK);
  /* Made anew; after a crash the newest life of the topic counts. */
  rig_send(&r, "B", 9, "new");
  CU_ASSERT_STRING_EQUAL(rig_body(&r, "B", 9, 0), "new");
  rig_crash(&r, SIM_KILL);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(rig_max(&r, "B", 9) == 1);
  CU_ASSERT_STRING_EQUAL(rig_body(&r, "B", 9, 0), "new");
  rig_fini(&r);
}

/* Many queues, few buffers and files. */
void test_get_many_queues(void) {
  enum { QUEUES = 2500 };
  struct rig r;
  char body[32];
  rig_init(&r, 6);
  r.config.segment_length = 16 << 20;
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  for (int round = 0; round < 3; round++) {
    for (int q = 0; q < QUEUES; q++) {
      struct put_result out;
      snprintf(body, sizeof body, "%d of %d", round, q);
      CU_ASSERT_FATAL(rig_put(&r, "Many", q, body, &out) == PUT_OK);
      CU_ASSERT(out.queue_offset == round);
    }
    CU_ASSERT(store_commit(r.store, rig_now(&r)) == STATUS_OK);
  }
  rig_run(&r, 70000); /* past a checkpoint */
  for (int q = 0; q < QUEUES; q += 7) {
    snprintf(body, sizeof body, "2 of %d", q);
    CU_ASSERT_STRING_EQUAL(rig_body(&r, "Many", q, 2), body);
  }
  rig_close(&r);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  for (int q = 0; q < QUEUES; q += 77) CU_ASSERT(rig_max(&r, "Many", q) == 3);
  rig_fini(&r);
}
