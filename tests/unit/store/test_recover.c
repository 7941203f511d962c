/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store/suites.h"

#include "core/base/bytes.h"
#include <stdio.h>

#define LOG_0 RIG_LOG "/00000000000000000000"
#define LOG_1 RIG_LOG "/00000000000000065536"
#define LOG_2 RIG_LOG "/00000000000000131072"
#define QUEUE_0 RIG_ROOT "/consumequeue/T/0/00000000000000000000"

static char big[20000];

static void rig_start(struct rig *r, uint64_t seed) {
  memset(big, 'b', sizeof big - 1);
  rig_init(r, seed);
  CU_ASSERT_FATAL(rig_open(r) == STATUS_OK);
}

static void send_many(struct rig *r, int count) {
  for (int i = 0; i < count; i++) rig_send(r, "T", i % 3, i % 10 == 0 ? big : "small");
}

static void expect_maxima(struct rig *r, int count) {
  for (int q = 0; q < 3; q++) CU_ASSERT(rig_max(r, "T", q) == (count + 2 - q) / 3);
}

/* Closed by us: nothing is read twice. Closed by Java (no marks): the same result. */
void test_recover_clean(void) {
  struct rig r;
  rig_start(&r, 1);
  send_many(&r, 100);
  int64_t end = store_appended(r.store);
  rig_run(&r, 10); /* the next file is made ahead */
  rig_close(&r);
  CU_ASSERT(rig_exists(&r, RIG_ROOT "/marks") && !rig_exists(&r, RIG_ROOT "/abort"));
  struct disk_entry *entries;
  size_t count;
  struct arena a;
  arena_init(&a, 1 << 20);
  CU_ASSERT(r.disk->ops->list(r.disk, RIG_LOG, &a, &entries, &count) == STATUS_OK);
  CU_ASSERT(count == (size_t)(end / 65536) + 1); /* no file ahead is left */
  arena_fini(&a);
  for (int round = 0; round < 2; round++) {
    struct store_facts facts;
    if (round == 1) CU_ASSERT(r.disk->ops->remove(r.disk, RIG_ROOT "/marks") == STATUS_OK);
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    CU_ASSERT(store_appended(r.store) == end && store_flushed(r.store) == end);
    expect_maxima(&r, 100);
    store_facts(r.store, &facts);
    CU_ASSERT(facts.earliest_store_ms == store_time_at(r.store, SPAN_LITERAL("T"), 0, 0));
    rig_close(&r);
  }
  rig_fini(&r);
}

/* Somebody else wrote to the log after the marks were left. */
void test_recover_stale_marks(void) {
  struct rig r;
  rig_start(&r, 2);
  send_many(&r, 5);
  rig_close(&r);
  struct buf marks = rig_file(&r, RIG_ROOT "/marks");
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  send_many(&r, 7);
  int64_t end = store_appended(r.store);
  rig_close(&r);
  rig_write(&r, RIG_ROOT "/marks", 0, buf_span(&marks));
  buf_fini(&marks);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(store_appended(r.store) == end);
  rig_fini(&r);
}

/* kill -9 with units only in memory, with some in files, after a checkpoint. */
void test_recover_killed(void) {
  static const int waits[] = {0, 500, 1500, 61000, 70000};
  for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
    struct rig r;
    rig_start(&r, 3 + i);
    send_many(&r, 150);
    rig_run(&r, waits[i]);
    send_many(&r, 150); /* 150 is a multiple of 3 */
    int64_t end = store_appended(r.store);
    rig_crash(&r, SIM_KILL);
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    CU_ASSERT(store_appended(r.store) == end);
    expect_maxima(&r, 300);
    for (int k = 0; k < 300; k += 13)
      CU_ASSERT_STRING_EQUAL(rig_body(&r, "T", k % 3, k / 3), k % 150 % 10 == 0 ? big : "small");
    rig_fini(&r);
  }
}

/* A later checkpoint lets recovery begin in a later file. */
void test_recover_replays_little(void) {
  struct rig r;
  struct store_facts facts;
  rig_start(&r, 4);
  for (int i = 0; i < 20; i++) {
    send_many(&r, 30);
    rig_run(&r, 1000);
  }
  rig_run(&r, 130000);
  send_many(&r, 3);
  rig_crash(&r, SIM_KILL);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  store_facts(r.store, &facts);
  CU_ASSERT(facts.recovered_records > 0 && facts.recovered_records < 200);
  expect_maxima(&r, 603);
  rig_fini(&r);
}

/* Power cuts at any moment: what was flushed stays, what is left is a prefix. */
void test_recover_power_cut(void) {
  for (uint64_t seed = 1; seed <= 60; seed++) {
    struct rig r;
    struct prng prng;
    prng_init(&prng, seed);
    rig_start(&r, seed);
    int count = 0;
    for (int i = 0; i < 12; i++) {
      int n = 3 * (int)prng_below(&prng, 15);
      for (int k = 0; k < n; k++, count++) rig_send(&r, "T", count % 3, k % 9 == 0 ? big : "small");
      if (prng_chance(&prng, 1, 3)) store_want_flushed(r.store, store_appended(r.store));
      rig_run(&r, (int64_t)prng_below(&prng, 20));
    }
    int64_t flushed = store_flushed(r.store);
    rig_crash(&r, SIM_POWER_OFF);
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    CU_ASSERT(store_appended(r.store) >= flushed);
    int64_t left = 0;
    for (int q = 0; q < 3; q++) left += rig_max(&r, "T", q);
    expect_maxima(&r, (int)left);
    rig_send(&r, "T", (int32_t)(left % 3), "after");
    CU_ASSERT_STRING_EQUAL(rig_body(&r, "T", (int32_t)(left % 3), left / 3), "after");
    rig_fini(&r);
  }
}

/* What lies behind a torn record must not come back when the gap is filled with records of the same size. */
void test_recover_old_records_stay_away(void) {
  struct rig r;
  rig_start(&r, 5);
  rig_send(&r, "T", 0, "aaa");
  int64_t second = rig_send(&r, "T", 0, "bbb"), third = rig_send(&r, "T", 0, "ccc");
  rig_crash(&r, SIM_KILL);
  rig_write(&r, LOG_0, second + 4, SPAN_LITERAL("torn"));
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(rig_max(&r, "T", 0) == 1 && store_appended(r.store) == second);
  struct buf log = rig_file(&r, LOG_0);
  bool zero = true;
  for (size_t i = (size_t)second; i < log.len; i++) zero = zero && log.ptr[i] == 0;
  CU_ASSERT(zero && log.len == 65536);
  buf_fini(&log);
  CU_ASSERT(rig_send(&r, "T", 0, "BBB") == second);
  rig_crash(&r, SIM_KILL);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(rig_max(&r, "T", 0) == 2 && store_appended(r.store) == third);
  rig_fini(&r);
}

/* Damage in front of records that were synced: refused, and nothing is changed. */
void test_recover_refuses_damage(void) {
  static const struct {
    const char *file;
    bool clean;
  } cases[] = {{LOG_0, false}, {LOG_0, true}, {LOG_1, true}, {LOG_1, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct rig r;
    rig_start(&r, 6);
    for (int k = 0; k < 9; k++) {
      rig_send(&r, "T", 0, big);
      rig_run(&r, 100);
    }
    rig_run(&r, 70000); /* a checkpoint */
    rig_send(&r, "T", 0, "last");
    if (cases[i].clean) rig_close(&r);
    else rig_crash(&r, SIM_KILL);
    if (cases[i].clean) CU_ASSERT(r.disk->ops->remove(r.disk, RIG_ROOT "/marks") == STATUS_OK);
    rig_write(&r, cases[i].file, 300, SPAN_LITERAL("damaged")); /* in a body: only the checksum sees it */
    struct buf before = rig_file(&r, cases[i].file), abort_before = rig_file(&r, RIG_ROOT "/abort");
    CU_ASSERT(rig_open(&r) == STATUS_CORRUPT);
    CU_ASSERT_FATAL(r.store == NULL && r.why.len > 0);
    buf_put_u8(&r.why, 0);
    const char *where = strcmp(cases[i].file, LOG_0) == 0 ? "offset 0:" : "offset 65536:";
    CU_ASSERT(strstr((char *)r.why.ptr, where) != NULL);
    struct buf after = rig_file(&r, cases[i].file);
    CU_ASSERT(span_equal(buf_span(&before), buf_span(&after)));
    CU_ASSERT(rig_exists(&r, RIG_ROOT "/abort") == !cases[i].clean);
    CU_ASSERT(rig_exists(&r, LOG_2));
    buf_fini(&before);
    buf_fini(&after);
    buf_fini(&abort_before);
    rig_fini(&r);
  }
}

/* Damage with nothing behind it is cut off, as Java does. */
void test_recover_cuts_the_last(void) {
  struct rig r;
  rig_start(&r, 7);
  send_many(&r, 8);
  int64_t last = rig_send(&r, "T", 0, "the very last");
  rig_close(&r);
  CU_ASSERT(r.disk->ops->remove(r.disk, RIG_ROOT "/marks") == STATUS_OK);
  rig_write(&r, LOG_0, last % 65536 + 90, SPAN_LITERAL("?"));
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(store_appended(r.store) == last);
  CU_ASSERT(rig_max(&r, "T", 0) == 3);
  rig_fini(&r);
}

/* Consume queues are derived: lost or damaged ones are built again. */
void test_recover_lost_queues(void) {
  struct rig r;
  rig_start(&r, 8);
  send_many(&r, 300);
  rig_run(&r, 70000);
  rig_close(&r);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(store_delete_topic(r.store, SPAN_LITERAL("T")) == STATUS_OK);
  CU_ASSERT(r.disk->ops->remove(r.disk, RIG_ROOT "/consumequeue") == STATUS_OK);
  rig_close(&r);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK); /* clean, and no queues at all */
  expect_maxima(&r, 300);
  rig_close(&r);
  /* A unit in the middle of the last queue file is gone: the crash recovery finds the hole. */
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  rig_run(&r, 2000);
  rig_crash(&r, SIM_KILL);
  static const uint8_t zeros[1280];
  rig_write(&r, RIG_ROOT "/consumequeue/T/0/00000000000000001280", 0, span_of(zeros, sizeof zeros));
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  expect_maxima(&r, 300);
  for (int k = 0; k < 300; k += 7)
    CU_ASSERT_STRING_EQUAL(rig_body(&r, "T", k % 3, k / 3), k % 10 == 0 ? big : "small");
  rig_fini(&r);
}

/* Units behind the end of the log, stale or invented, are not believed. */
void test_recover_false_units(void) {
  struct rig r;
  rig_start(&r, 9);
  send_many(&r, 9);
  rig_close(&r);
  uint8_t units[60];
  struct buf queue = rig_file(&r, QUEUE_0);
  memcpy(units, queue.ptr, 60); /* true ones, but for other places */
  buf_fini(&queue);
  rig_write(&r, QUEUE_0, 60, span_of(units, sizeof units));
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  expect_maxima(&r, 9);
  queue = rig_file(&r, QUEUE_0);
  CU_ASSERT(queue.len == 1280 && get_u64(queue.ptr + 60) == 0 && get_u64(queue.ptr + 100) == 0);
  buf_fini(&queue);
  rig_fini(&r);
}

/* The log lost its oldest files; a queue begins in the middle: pre-blank units, real minimum. */
void test_recover_old_files_gone(void) {
  struct rig r;
  rig_start(&r, 10);
  send_many(&r, 60); /* three files and a bit */
  rig_close(&r);
  CU_ASSERT(r.disk->ops->remove(r.disk, LOG_0) == STATUS_OK);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(store_log_min(r.store) == 65536);
  int64_t min = store_queue_min(r.store, SPAN_LITERAL("T"), 0);
  CU_ASSERT(min > 0 && min < 20);
  expect_maxima(&r, 60);
  static struct get_result got;
  CU_ASSERT(store_get(r.store, SPAN_LITERAL("T"), 0, 0, 9, 9, NULL, NULL, &got) == GET_OFFSET_TOO_SMALL);
  CU_ASSERT(got.next_offset == min && strcmp(rig_body(&r, "T", 0, min), "-") != 0);
  CU_ASSERT(store_delete_topic(r.store, SPAN_LITERAL("T")) == STATUS_OK);
  CU_ASSERT(r.disk->ops->remove(r.disk, RIG_ROOT "/consumequeue") == STATUS_OK);
  rig_close(&r);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(store_queue_min(r.store, SPAN_LITERAL("T"), 0) == min);
  expect_maxima(&r, 60);
  rig_run(&r, 3000);
  struct buf queue = rig_file(&r, QUEUE_0);
  static const uint8_t blank[20] = {0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF};
  CU_ASSERT_FATAL(queue.len == 1280);
  for (int64_t i = 0; i < min; i++) CU_ASSERT(memcmp(queue.ptr + i * 20, blank, 20) == 0);
  CU_ASSERT(get_i64(queue.ptr + min * 20) >= 65536);
  buf_fini(&queue);
  rig_crash(&r, SIM_KILL);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(store_queue_min(r.store, SPAN_LITERAL("T"), 0) == min);
  expect_maxima(&r, 60);
  rig_fini(&r);
}

void test_recover_refuses_files(void) {
  struct rig r;
  rig_start(&r, 11);
  send_many(&r, 120);
  rig_close(&r);
  r.config.segment_length = 131072;
  CU_ASSERT(rig_open(&r) == STATUS_INVALID && r.why.len > 0);
  r.config.segment_length = 65536;
  r.config.queue_file_length = 1300;
  CU_ASSERT(rig_open(&r) == STATUS_INVALID && r.why.len > 0);
  r.config.queue_file_length = 1261; /* rounded up */
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  rig_close(&r);
  CU_ASSERT(r.disk->ops->rename(r.disk, LOG_1, RIG_ROOT "/aside") == STATUS_OK);
  CU_ASSERT(rig_open(&r) == STATUS_CORRUPT && r.why.len > 0);
  CU_ASSERT(r.disk->ops->rename(r.disk, RIG_ROOT "/aside", LOG_1) == STATUS_OK);
  rig_write(&r, RIG_LOG "/core.dump", 0, SPAN_LITERAL("x"));
  CU_ASSERT(rig_open(&r) == STATUS_INVALID && r.why.len > 0);
  CU_ASSERT(r.disk->ops->remove(r.disk, RIG_LOG "/core.dump") == STATUS_OK);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  expect_maxima(&r, 120);
  rig_fini(&r);
}

void test_recover_locked(void) {
  struct rig r;
  struct store *second;
  struct buf why;
  rig_start(&r, 12);
  buf_init(&why, 1000);
  CU_ASSERT(store_open(&second, &r.config, r.disk, NULL, NULL, rig_now(&r), &why) == STATUS_BUSY);
  CU_ASSERT(second == NULL && why.len > 0);
  struct buf lock = rig_file(&r, RIG_ROOT "/lock");
  ASSERT_SPAN(buf_span(&lock), "lock");
  buf_fini(&lock);
  buf_fini(&why);
  rig_fini(&r);
}

/* The clock goes back and a new file begins: the checkpoint must not vouch for it. */
void test_recover_clock_back(void) {
  struct rig r;
  rig_start(&r, 13);
  send_many(&r, 30);
  rig_run(&r, 70000); /* checkpoint of now */
  sim_clock_jump(r.host, -3600000);
  send_many(&r, 90);
  int64_t end = store_appended(r.store);
  rig_crash(&r, SIM_KILL);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(store_appended(r.store) == end);
  expect_maxima(&r, 120);
  rig_fini(&r);
}

/* Every disk call of an open may fail: it is refused or works, and the next one works. */
void test_recover_failing_disk(void) {
  struct rig r;
  rig_start(&r, 14);
  send_many(&r, 40);
  rig_crash(&r, SIM_KILL);
  bool opened = false;
  for (uint64_t after = 0; after < 500 && !opened; after++) {
    const struct sim_disk_fault fault = {.ops = SIM_OPEN | SIM_WRITE | SIM_SYNC | SIM_NAMES | SIM_READ,
                                         .after = after, .status = STATUS_IO};
    sim_disk_fail(r.host, &fault);
    opened = rig_open(&r) == STATUS_OK;
    sim_disk_fail(r.host, NULL);
    if (opened && store_refusal(r.store) != NULL) {
      opened = false;
      store_abandon(r.store);
      r.store = NULL;
    }
    CU_ASSERT(opened || r.store == NULL);
  }
  CU_ASSERT_FATAL(opened);
  expect_maxima(&r, 40);
  rig_fini(&r);
}
