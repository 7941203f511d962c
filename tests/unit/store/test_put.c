/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store/suites.h"

#include "core/base/bytes.h"
#include <stdio.h>

void test_put_get(void) {
  struct rig r;
  rig_init(&r, 1);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(rig_max(&r, "Orders", 0) == 0);
  struct put_result a, b, c;
  CU_ASSERT(rig_put(&r, "Orders", 0, "one", &a) == PUT_OK);
  CU_ASSERT(rig_put(&r, "Orders", 1, "two", &b) == PUT_OK);
  CU_ASSERT(rig_put(&r, "Orders", 0, "three", &c) == PUT_OK);
  CU_ASSERT(a.queue_offset == 0 && b.queue_offset == 0 && c.queue_offset == 1);
  CU_ASSERT(a.physical_offset == 0 && b.physical_offset == a.end_offset && c.physical_offset == b.end_offset);
  CU_ASSERT(rig_max(&r, "Orders", 0) == 0); /* staged only */
  CU_ASSERT(store_appended(r.store) == 0 && r.arrived == 0);
  CU_ASSERT(store_commit(r.store, rig_now(&r)) == STATUS_OK);
  CU_ASSERT(r.arrived == 3);
  CU_ASSERT(store_appended(r.store) == c.end_offset);
  CU_ASSERT(rig_max(&r, "Orders", 0) == 2);
  CU_ASSERT_STRING_EQUAL(rig_body(&r, "Orders", 0, 0), "one");
  CU_ASSERT_STRING_EQUAL(rig_body(&r, "Orders", 0, 1), "three");
  CU_ASSERT_STRING_EQUAL(rig_body(&r, "Orders", 1, 0), "two");
  rig_fini(&r);
}

void test_put_refused(void) {
  struct rig r;
  struct put_result out;
  static char text[40001];
  rig_init(&r, 2);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  memset(text, 'x', sizeof text - 1);
  CU_ASSERT(rig_put(&r, "", 0, "b", &out) == PUT_MESSAGE_ILLEGAL);
  CU_ASSERT(rig_put(&r, "..", 0, "b", &out) == PUT_MESSAGE_ILLEGAL);
  CU_ASSERT(rig_put(&r, "../../etc", 0, "b", &out) == PUT_MESSAGE_ILLEGAL);
  CU_ASSERT(rig_put(&r, "T", 0, text, &out) == PUT_MESSAGE_ILLEGAL);
  text[39900] = '\0'; /* 91 bytes and the topic make it 39992 of 40000 */
  CU_ASSERT(rig_put(&r, "T", 0, text, &out) == PUT_OK);
  struct message m = rig_message("T", 0, "b", NULL);
  m.topic = span_of(text, TOPIC_LENGTH_MAX + 1);
  CU_ASSERT(store_put(r.store, &m, rig_now(&r), &out) == PUT_MESSAGE_ILLEGAL);
  m.topic = span_of(text, TOPIC_LENGTH_MAX);
  CU_ASSERT(store_put(r.store, &m, rig_now(&r), &out) == PUT_OK);
  m.properties = span_of(text, PROPERTIES_LENGTH_MAX + 1);
  CU_ASSERT(store_put(r.store, &m, rig_now(&r), &out) == PUT_MESSAGE_ILLEGAL);
  m.properties = SPAN_LITERAL("a\1\0b\2");
  CU_ASSERT(store_put(r.store, &m, rig_now(&r), &out) == PUT_MESSAGE_ILLEGAL);
  CU_ASSERT(store_refusal(r.store) == NULL);
  rig_fini(&r);
}

void test_put_batch(void) {
  struct rig r;
  rig_init(&r, 3);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  static char filler[30000];
  memset(filler, 'f', sizeof filler - 1);
  rig_send(&r, "T", 0, filler);
  rig_send(&r, "T", 0, filler);
  const struct batch_item items[3] = {{1, SPAN_LITERAL("first"), SPAN_LITERAL("TAGS\1A\2")},
                                      {2, span_of(filler, 6000), SPAN_LITERAL("")},
                                      {3, SPAN_LITERAL("third"), SPAN_LITERAL("TAGS\1C\2")}};
  struct message m = rig_message("T", 0, NULL, NULL), got;
  struct put_result out;
  int64_t offsets[3];
  struct span record;
  size_t size;
  CU_ASSERT_FATAL(store_put_batch(r.store, &m, items, 3, rig_now(&r), &out, offsets) == PUT_OK);
  CU_ASSERT(out.count == 3 && out.queue_offset == 2 && out.physical_offset == 65536); /* moved as a whole */
  CU_ASSERT(offsets[0] == 65536 && offsets[2] < out.end_offset);
  CU_ASSERT(store_commit(r.store, rig_now(&r)) == STATUS_OK);
  for (int i = 0; i < 3; i++) {
    CU_ASSERT_FATAL(store_message_at(r.store, offsets[i], &record) == STATUS_OK);
    CU_ASSERT(message_decode(record, true, &got, &size) == STATUS_OK);
    CU_ASSERT(got.queue_offset == 2 + i && got.flag == i + 1 && span_equal(got.body, items[i].body));
  }
  const struct batch_item big[2] = {{0, span_of(filler, 25000), SPAN_LITERAL("")},
                                    {0, span_of(filler, 25000), SPAN_LITERAL("")}};
  CU_ASSERT(store_put_batch(r.store, &m, big, 2, rig_now(&r), &out, NULL) == PUT_MESSAGE_ILLEGAL);
  CU_ASSERT(store_put_batch(r.store, &m, big, 0, rig_now(&r), &out, NULL) == PUT_MESSAGE_ILLEGAL);
  m.sys_flag = SYS_TRANSACTION_PREPARED;
  CU_ASSERT(store_put_batch(r.store, &m, items, 3, rig_now(&r), &out, NULL) == PUT_MESSAGE_ILLEGAL);
  CU_ASSERT(rig_max(&r, "T", 0) == 5);
  rig_fini(&r);
}

void test_put_transactions(void) {
  struct rig r;
  rig_init(&r, 4);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  static const struct {
    int32_t flag;
    int64_t max;
  } cases[] = {{SYS_TRANSACTION_PREPARED, 0}, {0, 1}, {SYS_TRANSACTION_ROLLBACK, 1}, {SYS_TRANSACTION_COMMIT, 2}};
  for (int i = 0; i < 4; i++) {
    struct message m = rig_message("T", 0, "b", NULL);
    struct put_result out;
    m.sys_flag = cases[i].flag;
    CU_ASSERT(store_put(r.store, &m, rig_now(&r), &out) == PUT_OK);
    CU_ASSERT(out.queue_offset == (i == 3 ? 1 : 0));
    CU_ASSERT(store_commit(r.store, rig_now(&r)) == STATUS_OK);
    CU_ASSERT(rig_max(&r, "T", 0) == cases[i].max);
  }
  rig_crash(&r, SIM_KILL);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(rig_max(&r, "T", 0) == 2);
  rig_fini(&r);
}

/* The unit of a delayed message says when it is due. */
static bool tags_seen(void *context, const struct queued *unit) {
  *(int64_t *)context = unit->tags_code;
  return true;
}

void test_put_tags_code(void) {
  static const struct {
    const char *topic, *properties;
    int64_t want; /* from store time if due */
    bool due;
  } cases[] = {{"T", "TAGS\1TagA\2", 2598919, false},
               {"T", "KEYS\1k\2", 0, false},
               {"T", "DELAY\1" "3\2TAGS\1TagA\2", 2598919, false},
               {"SCHEDULE_TOPIC_XXXX", "DELAY\1" "3\2TAGS\1TagA\2", 10000, true},
               {"SCHEDULE_TOPIC_XXXX", "DELAY\1" "99\2", 7200000, true},
               {"SCHEDULE_TOPIC_XXXX", "TAGS\1TagA\2", 2598919, false}};
  struct rig r;
  static struct get_result got;
  rig_init(&r, 5);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct message m = rig_message(cases[i].topic, (int32_t)i, "b", NULL);
    struct put_result out;
    int64_t seen = -1;
    m.properties = span_text(cases[i].properties);
    CU_ASSERT(store_put(r.store, &m, rig_now(&r), &out) == PUT_OK);
    CU_ASSERT(store_commit(r.store, rig_now(&r)) == STATUS_OK);
    CU_ASSERT(store_get(r.store, m.topic, m.queue_id, 0, 1, 1, tags_seen, &seen, &got) == GET_FOUND);
    CU_ASSERT(seen == cases[i].want + (cases[i].due ? out.store_ms : 0));
  }
  rig_close(&r);
  r.config.delay_levels = "5s 1x";
  CU_ASSERT(rig_open(&r) == STATUS_INVALID && r.why.len > 0);
  rig_fini(&r);
}

/* ---- when the disk does not want to ---- */

void test_put_no_space(void) {
  struct rig r;
  struct put_result out;
  rig_init(&r, 6);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  rig_send(&r, "T", 0, "before");
  int64_t end = store_appended(r.store);
  const struct sim_disk_fault full = {.ops = SIM_WRITE, .status = STATUS_NO_SPACE, .torn = true};
  CU_ASSERT(rig_put(&r, "T", 0, "lost a", &out) == PUT_OK && out.queue_offset == 1);
  CU_ASSERT(rig_put(&r, "T", 0, "lost b", &out) == PUT_OK && out.queue_offset == 2);
  sim_disk_fail(r.host, &full);
  CU_ASSERT(store_commit(r.store, rig_now(&r)) == STATUS_NO_SPACE);
  CU_ASSERT(store_refusal(r.store) != NULL);
  CU_ASSERT(store_appended(r.store) == end && rig_max(&r, "T", 0) == 1);
  CU_ASSERT(rig_put(&r, "T", 0, "after", &out) == PUT_OK && out.queue_offset == 1 && out.physical_offset == end);
  CU_ASSERT(store_commit(r.store, rig_now(&r)) == STATUS_OK);
  CU_ASSERT(store_refusal(r.store) == NULL);
  CU_ASSERT_STRING_EQUAL(rig_body(&r, "T", 0, 1), "after");
  rig_crash(&r, SIM_KILL);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(rig_max(&r, "T", 0) == 2);
  CU_ASSERT_STRING_EQUAL(rig_body(&r, "T", 0, 1), "after");
  rig_fini(&r);
}

/* A failed write of three records left them on the disk; one of the same size written over the first must not bring
 * the other two back after a crash. */
void test_put_failed_write_leaves_nothing(void) {
  for (uint64_t seed = 1; seed <= 40; seed++) {
    struct rig r;
    struct put_result out;
    rig_init(&r, seed);
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    rig_send(&r, "T", 0, "000");
    CU_ASSERT(rig_put(&r, "T", 0, "aaa", &out) == PUT_OK);
    CU_ASSERT(rig_put(&r, "T", 0, "bbb", &out) == PUT_OK);
    CU_ASSERT(rig_put(&r, "T", 0, "ccc", &out) == PUT_OK);
    sim_disk_fail(r.host, &(struct sim_disk_fault){.ops = SIM_WRITE, .status = STATUS_NO_SPACE, .torn = true});
    CU_ASSERT(store_commit(r.store, rig_now(&r)) == STATUS_NO_SPACE);
    rig_send(&r, "T", 0, "AAA");
    rig_crash(&r, SIM_KILL);
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    CU_ASSERT(rig_max(&r, "T", 0) == 2);
    CU_ASSERT_STRING_EQUAL(rig_body(&r, "T", 0, 1), "AAA");
    rig_fini(&r);
  }
}

void test_put_io_error(void) {
  struct rig r;
  struct put_result out;
  rig_init(&r, 7);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  rig_send(&r, "T", 0, "before");
  CU_ASSERT(rig_put(&r, "T", 0, "lost", &out) == PUT_OK);
  sim_disk_fail(r.host, &(struct sim_disk_fault){.ops = SIM_WRITE, .status = STATUS_IO});
  CU_ASSERT(store_commit(r.store, rig_now(&r)) == STATUS_IO);
  CU_ASSERT(store_refusal(r.store) != NULL);
  CU_ASSERT(rig_put(&r, "T", 0, "no more", &out) == PUT_SERVICE_NOT_AVAILABLE);
  CU_ASSERT_STRING_EQUAL(rig_body(&r, "T", 0, 0), "before");
  rig_close(&r);
  CU_ASSERT(rig_exists(&r, RIG_ROOT "/abort"));
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(rig_max(&r, "T", 0) == 1);
  rig_send(&r, "T", 0, "again");
  rig_fini(&r);
}

/* A sync that fails is final: what the kernel dropped cannot be synced again. */
void test_put_sync_error(void) {
  struct rig r;
  struct put_result out;
  rig_init(&r, 8);
  r.config.sync_flush = true;
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  rig_send(&r, "T", 0, "one");
  store_want_flushed(r.store, store_appended(r.store));
  rig_run(&r, 20);
  CU_ASSERT(store_flushed(r.store) == store_appended(r.store));
  rig_send(&r, "T", 0, "two");
  sim_disk_fail(r.host, &(struct sim_disk_fault){.ops = SIM_SYNC, .status = STATUS_IO});
  store_want_flushed(r.store, store_appended(r.store));
  rig_run(&r, 20);
  CU_ASSERT(store_flushed(r.store) < store_appended(r.store));
  CU_ASSERT(rig_put(&r, "T", 0, "no more", &out) == PUT_SERVICE_NOT_AVAILABLE);
  rig_fini(&r);
}

/* The next file of the log cannot be made: the puts of this turn fail, later ones work. */
void test_put_no_space_for_file(void) {
  struct rig r;
  struct put_result out;
  static char big[30000];
  memset(big, 'b', sizeof big - 1);
  rig_init(&r, 9);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  rig_send(&r, "T", 0, big);
  rig_send(&r, "T", 0, big);
  CU_ASSERT(rig_put(&r, "T", 0, "staged", &out) == PUT_OK);
  sim_disk_fail(r.host, &(struct sim_disk_fault){.ops = SIM_OPEN, .status = STATUS_NO_SPACE});
  CU_ASSERT(rig_put(&r, "T", 0, big, &out) == PUT_SERVICE_NOT_AVAILABLE);
  CU_ASSERT(rig_put(&r, "T", 0, "same turn", &out) == PUT_SERVICE_NOT_AVAILABLE);
  CU_ASSERT(store_commit(r.store, rig_now(&r)) == STATUS_NO_SPACE);
  CU_ASSERT(rig_max(&r, "T", 0) == 2);
  rig_send(&r, "T", 0, big);
  CU_ASSERT_STRING_EQUAL(rig_body(&r, "T", 0, 2), big);
  rig_crash(&r, SIM_KILL);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(rig_max(&r, "T", 0) == 3);
  rig_fini(&r);
}

/* Queue files cannot be written: nothing is lost, puts wait until they can. */
void test_put_queue_trouble(void) {
  struct rig r;
  struct put_result out;
  char body[16];
  rig_init(&r, 10);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  rig_send(&r, "T", 0, "m0");
  const struct sim_disk_fault full = {.ops = SIM_OPEN | SIM_NAMES, .status = STATUS_NO_SPACE, .lasting = true};
  sim_disk_fail(r.host, &full);
  for (int i = 1; i < 64; i++) { /* units for one file of 64 */
    snprintf(body, sizeof body, "m%d", i);
    CU_ASSERT(rig_put(&r, "T", 0, body, &out) == PUT_OK);
  }
  CU_ASSERT(store_commit(r.store, rig_now(&r)) == STATUS_OK);
  CU_ASSERT(rig_max(&r, "T", 0) == 64);
  CU_ASSERT(rig_put(&r, "T", 0, "refused", &out) == PUT_SERVICE_NOT_AVAILABLE);
  CU_ASSERT(store_refusal(r.store) != NULL);
  CU_ASSERT_STRING_EQUAL(rig_body(&r, "T", 0, 63), "m63");
  sim_disk_fail(r.host, NULL);
  rig_run(&r, 3000);
  CU_ASSERT(store_refusal(r.store) == NULL);
  rig_send(&r, "T", 0, "m64");
  for (int i = 0; i <= 64; i++) {
    snprintf(body, sizeof body, "m%d", i);
    CU_ASSERT_STRING_EQUAL(rig_body(&r, "T", 0, i), body);
  }
  rig_fini(&r);
}

/* More than the staging buffer holds in one turn. */
void test_put_large_turn(void) {
  struct rig r;
  struct put_result out;
  static char big[30000];
  memset(big, 'b', sizeof big - 1);
  rig_init(&r, 11);
  r.config.segment_length = 16 << 20;
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  for (int i = 0; i < 300; i++) CU_ASSERT_FATAL(rig_put(&r, "T", i % 3, big, &out) == PUT_OK);
  CU_ASSERT(store_appended(r.store) == 0 && rig_max(&r, "T", 0) == 0);
  CU_ASSERT(store_commit(r.store, rig_now(&r)) == STATUS_OK);
  CU_ASSERT(store_appended(r.store) == out.end_offset && rig_max(&r, "T", 2) == 100);
  /* The same, but the disk fails in the middle: nothing of the turn exists. */
  int64_t end = store_appended(r.store);
  sim_disk_fail(r.host, &(struct sim_disk_fault){.ops = SIM_WRITE, .after = 1, .status = STATUS_NO_SPACE});
  enum put_status last = PUT_OK;
  for (int i = 0; i < 300; i++) last = rig_put(&r, "T", i % 3, big, &out);
  CU_ASSERT(last == PUT_SERVICE_NOT_AVAILABLE);
  CU_ASSERT(store_commit(r.store, rig_now(&r)) == STATUS_NO_SPACE);
  CU_ASSERT(store_appended(r.store) == end && rig_max(&r, "T", 0) == 100);
  rig_send(&r, "T", 0, "small");
  rig_crash(&r, SIM_KILL);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(rig_max(&r, "T", 0) == 101 && rig_max(&r, "T", 1) == 100);
  CU_ASSERT_STRING_EQUAL(rig_body(&r, "T", 0, 100), "small");
  rig_fini(&r);
}
