/* SPDX-License-Identifier: Apache-2.0
 *
 * Stores that are refused stay as they are, byte for byte, and the sentence
 * says what to do; what nobody vouches for is written again.
 */
#include "tests/unit/store/suites.h"

#include "core/base/bytes.h"
#include "core/wire/message.h"
#include "mqbroker/store/record.h"
#include <stdio.h>

#define LOG_0 RIG_LOG "/00000000000000000000"
#define LOG_1 RIG_LOG "/00000000000000065536"

/* Names, lengths and bytes of everything below path but the lock. */
static void snapshot(struct rig *r, const char *path, struct buf *out) {
  struct arena arena;
  struct disk_entry *entries;
  size_t count = 0;
  arena_init(&arena, 1 << 20);
  CU_ASSERT_FATAL(r->disk->ops->list(r->disk, path, &arena, &entries, &count) == STATUS_OK);
  for (size_t i = 0; i < count; i++) {
    char name[DISK_PATH_MAX];
    snprintf(name, sizeof name, "%s/%s", path, (const char *)entries[i].name.ptr);
    buf_printf(out, "%s %d\n", name, (int)entries[i].length);
    if (entries[i].directory) {
      snapshot(r, name, out);
    } else if (!span_is(entries[i].name, "lock")) {
      struct buf bytes = rig_file(r, name);
      buf_put(out, buf_span(&bytes));
      buf_fini(&bytes);
    }
  }
  arena_fini(&arena);
}

static bool why_has(struct rig *r, const char *text) {
  char why[4096];
  return span_copy_text(buf_span(&r->why), why, sizeof why) && strstr(why, text) != NULL;
}

/* Refused with this status and these words, and nothing has changed. */
static void refused(struct rig *r, enum status expected, const char *text) {
  struct buf before, after;
  buf_init(&before, 1 << 26);
  buf_init(&after, 1 << 26);
  snapshot(r, RIG_ROOT, &before);
  CU_ASSERT(rig_open(r) == expected && r->store == NULL);
  CU_ASSERT(why_has(r, text));
  snapshot(r, RIG_ROOT, &after);
  CU_ASSERT(before.len > 65536 && span_equal(buf_span(&before), buf_span(&after)));
  buf_fini(&before);
  buf_fini(&after);
}

static void start(struct rig *r, uint64_t seed) {
  rig_init(r, seed);
  CU_ASSERT_FATAL(rig_open(r) == STATUS_OK);
  for (int i = 0; i < 9; i++) rig_send(r, "T", 0, "body");
}

/* Directories that RocketMQ 5.x makes. */
void test_refuse_newer_names(void) {
  static const char *const names[] = {"timerwheel", "batchconsumequeue", "consumequeue_r", "epochFileCheckpoint",
                                      "config/topicQueueMapping.json"};
  struct rig r;
  start(&r, 1);
  rig_close(&r);
  CU_ASSERT(r.disk->ops->make_dirs(r.disk, RIG_ROOT "/config") == STATUS_OK);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    char path[200];
    snprintf(path, sizeof path, RIG_ROOT "/%s", names[i]);
    rig_write(&r, path, 0, SPAN_LITERAL("newer"));
    refused(&r, STATUS_INVALID, "RocketMQ 5.x");
    CU_ASSERT(why_has(&r, names[i]));
    CU_ASSERT(r.disk->ops->remove(r.disk, path) == STATUS_OK);
  }
  CU_ASSERT(rig_open(&r) == STATUS_OK);
  rig_fini(&r);
}

/* Nothing is made where a newer version keeps its store, not even the lock. */
void test_refuse_makes_nothing(void) {
  struct rig r;
  rig_init(&r, 2);
  CU_ASSERT(r.disk->ops->make_dirs(r.disk, RIG_ROOT) == STATUS_OK);
  rig_write(&r, RIG_ROOT "/timerwheel", 0, SPAN_LITERAL("x"));
  CU_ASSERT(rig_open(&r) == STATUS_INVALID);
  CU_ASSERT(!rig_exists(&r, RIG_ROOT "/lock") && !rig_exists(&r, RIG_LOG) && !rig_exists(&r, RIG_ROOT "/abort"));
  rig_fini(&r);
}

/* A record with a long topic (5.x), at the end of what we know, clean or not; a log of another kind. */
void test_refuse_newer_records(void) {
  static const uint8_t v2[] = {0, 0, 1, 0, 0xDA, 0xA3, 0x20, 0xAB}, entry[] = {0, 0, 0, 1, 0, 0, 1, 0};
  for (int round = 0; round < 2; round++) {
    struct rig r;
    start(&r, 3);
    int64_t end = store_appended(r.store);
    if (round == 0) rig_crash(&r, SIM_KILL);
    else rig_close(&r);
    rig_write(&r, LOG_0, end, span_of(v2, sizeof v2));
    refused(&r, STATUS_INVALID, "RocketMQ 5.x");
    rig_write(&r, LOG_0, 0, span_of(entry, sizeof entry)); /* an entry of DLedger */
    refused(&r, STATUS_INVALID, "which is no record of a RocketMQ 4.7.0 commit log");
    rig_fini(&r);
  }
}

/* Names that Java would never make: it does not start with them (MappedFileQueue.load). */
void test_refuse_foreign_files(void) {
  static const char *const paths[] = {RIG_LOG "/core.dump", RIG_LOG "/0000000000000000000x",
                                      RIG_ROOT "/consumequeue/T/0/00000000000000000000.gz"};
  struct rig r;
  start(&r, 4);
  rig_run(&r, 3000);
  rig_crash(&r, SIM_KILL);
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    rig_write(&r, paths[i], 0, SPAN_LITERAL("foreign"));
    refused(&r, STATUS_INVALID, "is not a file named by 20 digits");
    CU_ASSERT(r.disk->ops->remove(r.disk, paths[i]) == STATUS_OK);
  }
  /* Where Java passes over them, so do we. */
  rig_write(&r, RIG_ROOT "/consumequeue/T/notes", 0, SPAN_LITERAL("x"));
  rig_write(&r, RIG_ROOT "/consumequeue/README", 0, SPAN_LITERAL("x"));
  CU_ASSERT(rig_open(&r) == STATUS_OK && rig_max(&r, "T", 0) == 9);
  rig_fini(&r);
}

/* The sentence about damage in the middle. */
void test_refuse_damage_sentence(void) {
  struct rig r;
  char text[200];
  rig_init(&r, 5);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  int64_t at[9];
  for (int i = 0; i < 9; i++) {
    at[i] = rig_send(&r, "T", 0, "body");
    rig_run(&r, 10);
  }
  rig_run(&r, 70000); /* a checkpoint */
  rig_send(&r, "T", 0, "later");
  rig_crash(&r, SIM_KILL);
  rig_write(&r, LOG_0, at[3] + 90, SPAN_LITERAL("#")); /* in the body */
  refused(&r, STATUS_CORRUPT, "Nothing was changed");
  snprintf(text, sizeof text, "damaged at offset %d: no valid record there (" LOG_0 ", byte %d)", (int)at[3],
           (int)at[3]);
  CU_ASSERT(why_has(&r, text));
  snprintf(text, sizeof text, "follows at offset %d, the first of 6 good ones", (int)at[4]);
  CU_ASSERT(why_has(&r, text));
  CU_ASSERT(why_has(&r, "mqstore repair " RIG_ROOT) && why_has(&r, "--skip") && why_has(&r, "--cut"));
  rig_fini(&r);
}

/* ---- failed syncs ---- */

static void flush(struct rig *r) {
  store_want_flushed(r->store, store_appended(r->store));
  rig_run(r, 20);
}

/* The kernel calls pages clean after a failed sync: what the next process reads may not be on the disk. It promises
 * nothing that rests on it. */
void test_refuse_failed_sync(void) {
  for (uint64_t seed = 1; seed <= 40; seed++) {
    struct rig r;
    rig_init(&r, seed);
    r.config.sync_flush = true;
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    for (int i = 0; i < 20; i++) rig_send(&r, "T", 0, "good");
    flush(&r);
    CU_ASSERT(store_flushed(r.store) == store_appended(r.store));
    for (int i = 0; i < 20; i++) rig_send(&r, "T", 0, "not on disk");
    sim_disk_fail(r.host, &(struct sim_disk_fault){.ops = SIM_SYNC, .status = STATUS_IO});
    flush(&r);
    CU_ASSERT(store_refusal(r.store) != NULL);
    rig_crash(&r, SIM_KILL);
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    CU_ASSERT(store_flushed(r.store) < store_appended(r.store) && rig_max(&r, "T", 0) == 40);
    rig_send(&r, "T", 0, "promised");
    flush(&r);
    CU_ASSERT(store_flushed(r.store) == store_appended(r.store));
    rig_crash(&r, SIM_POWER_OFF);
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    CU_ASSERT(rig_max(&r, "T", 0) == 41);
    CU_ASSERT_STRING_EQUAL(rig_body(&r, "T", 0, 40), "promised");
    CU_ASSERT_STRING_EQUAL(rig_body(&r, "T", 0, 30), "not on disk");
    rig_fini(&r);
  }
}

static int64_t send_key(struct rig *r, int i) {
  char properties[40];
  struct put_result put;
  struct message m = rig_message("T", i % 3, "body", NULL);
  int n = snprintf(properties, sizeof properties, "KEYS\1key-%d\2", i);
  m.properties = span_of(properties, (size_t)n);
  CU_ASSERT_FATAL(store_put(r->store, &m, rig_now(r), &put) == PUT_OK);
  CU_ASSERT_FATAL(store_commit(r->store, rig_now(r)) == STATUS_OK);
  return put.physical_offset;
}

/* Any sync of a checkpoint round fails: log, queue, index or checkpoint. After a restart without a reboot, another
 * round and a power cut nothing of what the checkpoint vouches for is missing. */
void test_refuse_failed_round(void) {
  static struct query_result found;
  for (uint64_t after = 0; after < 12; after++) {
    struct rig r;
    rig_init(&r, 20 + after);
    r.config.index = (struct index_config){.enabled = true, .safe = true, .slots = 100, .entries = 1000};
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    for (int i = 0; i < 60; i++) {
      send_key(&r, i);
      rig_run(&r, 50);
    }
    sim_disk_fail(r.host, &(struct sim_disk_fault){.ops = SIM_SYNC, .status = STATUS_IO, .after = after});
    rig_run(&r, 65000);
    sim_disk_fail(r.host, NULL);
    rig_crash(&r, SIM_KILL);
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    rig_run(&r, 130000); /* a round that works */
    CU_ASSERT(store_flushed(r.store) == store_appended(r.store) && store_refusal(r.store) == NULL);
    rig_crash(&r, SIM_POWER_OFF);
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    for (int i = 0; i < 60; i++) {
      char key[20];
      snprintf(key, sizeof key, "key-%d", i);
      store_query(r.store, SPAN_LITERAL("T"), span_text(key), 9, 1 << 20, 0, INT64_MAX, &found);
      CU_ASSERT(found.count == 1);
      CU_ASSERT_STRING_EQUAL(rig_body(&r, "T", i % 3, i / 3), "body");
    }
    rig_fini(&r);
  }
}

/* Read-only stays read-only, whatever works again, until the store is opened anew. */
void test_refuse_read_only_stays(void) {
  struct rig r;
  struct put_result out;
  start(&r, 6);
  flush(&r);
  rig_send(&r, "T", 0, "x");
  sim_disk_fail(r.host, &(struct sim_disk_fault){.ops = SIM_SYNC, .status = STATUS_IO});
  flush(&r);
  const int64_t flushed = store_flushed(r.store);
  for (int i = 0; i < 20; i++) {
    rig_run(&r, 10000); /* the disk is well again */
    CU_ASSERT(rig_put(&r, "T", 0, "no", &out) == PUT_SERVICE_NOT_AVAILABLE);
    CU_ASSERT(store_refusal(r.store) != NULL && strstr(store_refusal(r.store), "cannot be synced") != NULL);
    CU_ASSERT(store_flushed(r.store) == flushed);
  }
  CU_ASSERT_STRING_EQUAL(rig_body(&r, "T", 0, 9), "x"); /* it still gives */
  rig_crash(&r, SIM_KILL);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(store_refusal(r.store) == NULL);
  rig_send(&r, "T", 0, "again");
  rig_fini(&r);
}

/* The mark keeps what is written again small, and is believed only with the record it names. */
void test_refuse_flushed_mark(void) {
  struct rig r;
  start(&r, 7);
  flush(&r);
  int64_t mark = store_appended(r.store);
  rig_send(&r, "T", 0, "unsynced");
  rig_crash(&r, SIM_KILL);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(store_flushed(r.store) == mark);
  rig_crash(&r, SIM_KILL);
  struct buf b = rig_file(&r, RIG_ROOT "/flushed");
  CU_ASSERT_FATAL(b.len == 32 && get_i64(b.ptr + 8) == mark);
  put_i64(b.ptr + 16, get_i64(b.ptr + 16) + 1); /* another store time: another log */
  put_i64(b.ptr + 24, body_crc32(span_of(b.ptr, 24)));
  rig_write(&r, RIG_ROOT "/flushed", 0, buf_span(&b));
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(store_flushed(r.store) == 0);
  buf_fini(&b);
  rig_fini(&r);
}

/* ---- lost records ---- */

/* Records of a transaction that was rolled back stand in for lost ones: their units show the next message. */
void test_refuse_holes(void) {
  struct rig r;
  static struct get_result got;
  rig_init(&r, 8);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  int64_t at[9];
  for (int i = 0; i < 9; i++) at[i] = rig_send(&r, "T", 0, i == 4 ? "behind" : "body");
  rig_crash(&r, SIM_KILL);
  struct buf log = rig_file(&r, LOG_0);
  for (int i = 0; i < 4; i++) {
    if (i == 1) continue;
    struct message m;
    size_t size;
    CU_ASSERT_FATAL(message_decode(span_of(log.ptr + at[i], (size_t)(at[i + 1] - at[i])), true, &m, &size) ==
                    STATUS_OK);
    m.sys_flag = SYS_TRANSACTION_ROLLBACK;
    uint8_t record[1000];
    message_encode(&m, record);
    rig_write(&r, LOG_0, at[i], span_of(record, size));
  }
  buf_fini(&log);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(rig_max(&r, "T", 0) == 9 && store_queue_min(r.store, SPAN_LITERAL("T"), 0) == 0);
  CU_ASSERT(store_get(r.store, SPAN_LITERAL("T"), 0, 0, 32, 1 << 20, NULL, NULL, &got) == GET_FOUND);
  CU_ASSERT(got.message_count == 9 && got.next_offset == 9);
  CU_ASSERT(store_get(r.store, SPAN_LITERAL("T"), 0, 2, 1, 1 << 20, NULL, NULL, &got) == GET_FOUND);
  CU_ASSERT(record_physical_offset(got.parts[0].ptr) == at[4] && got.next_offset == 3);
  CU_ASSERT(store_get(r.store, SPAN_LITERAL("T"), 0, 0, 1, 1 << 20, NULL, NULL, &got) == GET_FOUND);
  CU_ASSERT(record_physical_offset(got.parts[0].ptr) == at[1]);
  rig_fini(&r);
}

/* ---- the watch ---- */

struct watched {
  int begun, ended, bad;
  const char *what;
};

static void watch(void *context, const char *what, int64_t done, int64_t total) {
  struct watched *w = context;
  if (done == 0) w->begun++;
  else if (what != w->what) w->bad++;
  if (done == total) w->ended++;
  if (done < 0 || done > total) w->bad++;
  w->what = what;
}

void test_refuse_watch(void) {
  struct rig r;
  struct watched w = {0};
  start(&r, 9);
  rig_crash(&r, SIM_KILL);
  r.config.watch = (struct store_watch){watch, &w};
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(w.begun == 2 && w.ended == 2 && w.bad == 0); /* the check, the building */
  rig_close(&r);
  w = (struct watched){0};
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(w.begun == 0 && w.ended == 0);
  rig_fini(&r);
}
