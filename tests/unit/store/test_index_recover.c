/* SPDX-License-Identifier: Apache-2.0
 *
 * The key index after crashes: whatever is in the log is found by its keys,
 * exactly once.
 */
#include "mqbroker/store/index.h"
#include "mqbroker/store/record.h"
#include "tests/unit/store/suites.h"

#include <stdio.h>

#define MESSAGES_MAX 4000

static struct query_result got;
static int64_t offsets[MESSAGES_MAX];
static int sent;

static void start(struct rig *r, uint64_t seed, int32_t slots, int32_t entries) {
  rig_init(r, seed);
  r->config.index = (struct index_config){.enabled = true, .slots = slots, .entries = entries};
  CU_ASSERT_FATAL(rig_open(r) == STATUS_OK);
  sent = 0;
}

/* Number i has two keys of its own, one that it shares with every tenth, or none at all. */
static void send(struct rig *r, int count) {
  for (int end = sent + count; sent < end; sent++) {
    char properties[128];
    struct put_result result;
    struct message m = rig_message("T", sent % 3, "some body to fill the log", NULL);
    snprintf(properties, sizeof properties, "UNIQ_KEY\1u%d\2KEYS\1k%d shared%d\2", sent, sent, sent / 10);
    m.properties = sent % 7 == 3 ? SPAN_LITERAL("TAGS\1keyless\2") : span_text(properties);
    CU_ASSERT_FATAL(store_put(r->store, &m, rig_now(r), &result) == PUT_OK);
    CU_ASSERT_FATAL(store_commit(r->store, rig_now(r)) == STATUS_OK);
    offsets[sent] = result.physical_offset;
  }
}

static int count_of(struct rig *r, const char *format, int number) {
  char key[32];
  snprintf(key, sizeof key, format, number);
  store_query(r->store, SPAN_LITERAL("T"), span_text(key), 32, 1 << 20, 0, INT64_MAX, &got);
  return (int)got.count;
}

/* Messages in the log that are not found as they should be. */
static int lacking(struct rig *r) {
  int bad = 0, shared = 0;
  for (int i = 0; i < sent; i++) {
    bool there = offsets[i] < store_appended(r->store), has_key = i % 7 != 3;
    int expected = there && has_key ? 1 : 0;
    bad += count_of(r, "u%d", i) != expected;
    bad += got.count == 1 && record_physical_offset(got.records[0].ptr) != offsets[i];
    bad += count_of(r, "k%d", i) != expected;
    shared += expected;
    if (i % 10 != 9 && i + 1 < sent) continue;
    bad += count_of(r, "shared%d", i / 10) != shared;
    shared = 0;
  }
  return bad;
}

static void reopen(struct rig *r, enum sim_stop how) {
  rig_crash(r, how);
  CU_ASSERT_FATAL(rig_open(r) == STATUS_OK);
}

/* kill -9 with entries only in memory, with blocks in the file, after checkpoints, with many files. */
void test_index_killed(void) {
  static const int waits[] = {0, 1500, 61000, 130000};
  static const int32_t entries[] = {20000, 60, 7};
  for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
    for (size_t k = 0; k < sizeof entries / sizeof *entries; k++) {
      struct rig r;
      start(&r, 3 + i, 61, entries[k]);
      send(&r, 150);
      rig_run(&r, waits[i]);
      send(&r, 171);
      rig_run(&r, 3);
      reopen(&r, SIM_KILL);
      CU_ASSERT(lacking(&r) == 0);
      send(&r, 40);
      reopen(&r, SIM_KILL);
      CU_ASSERT(lacking(&r) == 0);
      rig_close(&r);
      CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
      CU_ASSERT(lacking(&r) == 0);
      rig_fini(&r);
    }
}

/* Power cuts at any moment, also while the index is written and synced. */
void test_index_power_cut(void) {
  for (uint64_t seed = 1; seed <= 60; seed++) {
    struct rig r;
    struct prng prng;
    prng_init(&prng, seed);
    start(&r, seed, seed % 2 == 0 ? 200000 : 61, seed % 3 == 0 ? 2000 : 90);
    sim_disk_sync_delay(r.host, 0, 30);
    for (int i = 0; i < 8; i++) {
      send(&r, (int)prng_below(&prng, 30));
      rig_run(&r, (int64_t)prng_below(&prng, 20));
      if (prng_chance(&prng, 1, 4)) rig_run(&r, 59990 + (int64_t)prng_below(&prng, 40));
    }
    for (int i = 0; i < 3; i++) {
      int64_t flushed = store_flushed(r.store);
      reopen(&r, prng_chance(&prng, 1, 4) ? SIM_KILL : SIM_POWER_OFF);
      CU_ASSERT(store_appended(r.store) >= flushed);
      CU_ASSERT(lacking(&r) == 0);
      while (sent > 0 && offsets[sent - 1] >= store_appended(r.store)) sent--;
      send(&r, (int)prng_below(&prng, 10));
      rig_run(&r, prng_chance(&prng, 1, 2) ? 59995 + (int64_t)prng_below(&prng, 20) : 5);
    }
    rig_fini(&r);
  }
}

/* After a checkpoint the file is believed and only what came later is read from the log. */
void test_index_reads_little(void) {
  struct rig r;
  start(&r, 5, 61, 5000);
  send(&r, 1000);
  rig_run(&r, 130000);
  struct arena arena;
  struct disk_entry *entries;
  size_t count;
  char path[256];
  arena_init(&arena, 1 << 20);
  CU_ASSERT_FATAL(r.disk->ops->list(r.disk, RIG_ROOT "/index", &arena, &entries, &count) == STATUS_OK && count == 1);
  snprintf(path, sizeof path, "%s/index/%.*s", RIG_ROOT, SPAN_ARG(entries[0].name));
  arena_fini(&arena);
  struct buf before = rig_file(&r, path);
  send(&r, 100);
  struct buf after = rig_file(&r, path), checkpoint = rig_file(&r, RIG_ROOT "/checkpoint");
  CU_ASSERT(span_equal(buf_span(&before), buf_span(&after))); /* nothing is written per message */
  CU_ASSERT(get_i64(before.ptr + 8) <= get_i64(checkpoint.ptr + 16)); /* Java would keep the file, too */
  CU_ASSERT(get_i64(checkpoint.ptr + 16) == get_i64(checkpoint.ptr));
  buf_fini(&before);
  buf_fini(&after);
  buf_fini(&checkpoint);
  reopen(&r, SIM_KILL);
  CU_ASSERT(lacking(&r) == 0);
  rig_fini(&r);
}

static void damage(struct rig *r, size_t file, int64_t at, size_t len, uint8_t value) {
  struct arena arena;
  struct disk_entry *entries;
  size_t count;
  char path[256];
  uint8_t bytes[4096];
  memset(bytes, value, sizeof bytes);
  arena_init(&arena, 1 << 20);
  CU_ASSERT_FATAL(r->disk->ops->list(r->disk, RIG_ROOT "/index", &arena, &entries, &count) == STATUS_OK);
  CU_ASSERT_FATAL(file < count);
  snprintf(path, sizeof path, "%s/index/%.*s", RIG_ROOT, SPAN_ARG(entries[file].name));
  rig_write(r, path, at, span_of(bytes, len < sizeof bytes ? len : sizeof bytes));
  arena_fini(&arena);
}

/* A crash while a checkpoint was written: the header is newer than the checkpoint, pages are missing or strange. */
void test_index_torn(void) {
  static const struct {
    size_t file;
    int64_t at;
    size_t len;
    uint8_t value;
  } cases[] = {
      {0, 40, 244, 0},               {0, 40, 244, 0x7F},
      {1, 40, 100, 0xFF},            {0, 284, 2000, 0},
      {0, 284, 2000, 0xFF},          {1, 284 + 20 * 50 + 7, 512, 0},
      {1, 284 + 20 * 50 + 14, 600, 0x7F}, {1, 284 + 20 * 98 + 4, 30, 0},
      {1, 0, 40, 0},                 {0, 0, 40, 0},
      {1, 36, 4, 0x7F},              {1, 8, 8, 0x7F},
      {1, 24, 8, 0x7F},              {2, 0, 2000, 0},
      {0, 16, 8, 0xFF},              {1, 36, 4, 0xFF},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct rig r;
    start(&r, 6 + i, 61, 100);
    send(&r, 100); /* 257 entries: three files */
    rig_run(&r, 61000);
    rig_crash(&r, SIM_KILL);
    static const uint8_t never[8];
    rig_write(&r, RIG_ROOT "/checkpoint", 16, span_of(never, 8));
    damage(&r, cases[i].file, cases[i].at, cases[i].len, cases[i].value);
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    CU_ASSERT(lacking(&r) == 0);
    send(&r, 60);
    rig_run(&r, 61000);
    reopen(&r, SIM_KILL);
    CU_ASSERT(lacking(&r) == 0);
    rig_fini(&r);
  }
}

/* Keys that are not found within a second of the message's store time. */
static int late(struct rig *r) {
  static const char *const formats[] = {"u%d", "k%d"};
  int bad = 0;
  for (int i = 0; i < sent; i++)
    for (int f = 0; f < 2; f++) {
      char key[32];
      if (i % 7 == 3 || count_of(r, formats[f], i) != 1) continue;
      int64_t ms = record_store_ms(got.records[0].ptr);
      snprintf(key, sizeof key, f == 0 ? "u%d" : "k%d", i);
      store_query(r->store, SPAN_LITERAL("T"), span_text(key), 32, 1 << 20, ms - 999, ms + 999, &got);
      bad += got.count != 1;
    }
  return bad;
}

/* One entry was written from a page's begin on only, or to a page's end, and all that follows is missing. */
static void parts_of_entry(int32_t slots, int32_t entries, int32_t number, int from, bool end_is_missing) {
  static const uint8_t never[8];
  const int64_t area = 40 + 4 * slots, entry = area + 20 * number;
  struct rig r;
  start(&r, 6, slots, entries);
  for (int i = 0; i < 20; i++) { /* three files, each over some seconds */
    send(&r, 5);
    rig_run(&r, 1200);
  }
  int before = late(&r); /* a file's first entry has Java's odd time */
  rig_crash(&r, SIM_KILL);
  rig_write(&r, RIG_ROOT "/checkpoint", 16, span_of(never, 8));
  if (end_is_missing) damage(&r, 1, entry + from, (size_t)(area + 20 * entries - entry - from), 0);
  else damage(&r, 1, entry, (size_t)from, 0);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(lacking(&r) == 0);
  CU_ASSERT(late(&r) == before);
  rig_fini(&r);
}

void test_index_parts_of_entries(void) {
  static const int32_t slots[] = {61, 1009}; /* most entries have a predecessor, or none */
  for (int s = 0; s < 2; s++)
    for (int32_t entries = 99; entries < 102; entries++) { /* the last one is of each of a record's keys */
      const int32_t numbers[] = {1, 2, 60, entries - 2, entries - 1};
      for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        for (int from = 4; from < 20; from += 4) {
          parts_of_entry(slots[s], entries, numbers[k], from, false);
          parts_of_entry(slots[s], entries, numbers[k], from, true);
        }
    }
}

/* The log lost its end: entries behind it must go, or new records in their place would be passed over. */
void test_index_log_is_shorter(void) {
  for (int clean = 0; clean < 2; clean++) {
    struct rig r;
    start(&r, 9, 61, 100);
    send(&r, 200);
    rig_run(&r, 61000);
    if (clean) rig_close(&r);
    else rig_crash(&r, SIM_KILL);
    static const uint8_t never[24], zeros[4096];
    rig_write(&r, RIG_ROOT "/checkpoint", 0, span_of(never, sizeof never));
    rig_write(&r, RIG_LOG "/00000000000000000000", offsets[120], span_of(zeros, sizeof zeros));
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    CU_ASSERT_FATAL(store_appended(r.store) == offsets[120]);
    CU_ASSERT(lacking(&r) == 0);
    sent = 120;
    send(&r, 100);
    CU_ASSERT(lacking(&r) == 0);
    rig_fini(&r);
  }
}

/* Without its directory, or with its newest file gone, the index comes back from the log. */
void test_index_lost(void) {
  for (int way = 0; way < 4; way++) {
    struct rig r;
    struct arena arena;
    struct disk_entry *entries;
    size_t count;
    char path[256];
    start(&r, 10, 61, 100);
    send(&r, 200);
    rig_run(&r, 61000);
    if (way % 2 == 0) rig_close(&r);
    else rig_crash(&r, SIM_KILL);
    arena_init(&arena, 1 << 20);
    CU_ASSERT_FATAL(r.disk->ops->list(r.disk, RIG_ROOT "/index", &arena, &entries, &count) == STATUS_OK);
    for (size_t i = 0; i < count; i++) {
      snprintf(path, sizeof path, "%s/index/%.*s", RIG_ROOT, SPAN_ARG(entries[i].name));
      CU_ASSERT(r.disk->ops->remove(r.disk, path) == STATUS_OK);
    }
    arena_fini(&arena);
    CU_ASSERT(r.disk->ops->remove(r.disk, RIG_ROOT "/index") == STATUS_OK);
    r.config.index.safe = way >= 2;
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    CU_ASSERT(lacking(&r) == 0);
    rig_fini(&r);
  }
}

/* Disk calls fail one after the other: messages go on, and after the next start all of them are found. */
void test_index_bad_disk(void) {
  static const int ops[] = {SIM_WRITE, SIM_OPEN, SIM_SYNC};
  for (size_t k = 0; k < sizeof ops / sizeof *ops; k++)
    for (uint64_t after = 0; after < 12; after++) {
      struct rig r;
      struct index alone, *ix = &alone;
      struct moment now = {0, SIM_EPOCH_MS};
      const struct index_config config = {.enabled = true, .slots = 61, .entries = 10};
      const struct sim_disk_fault fault = {.ops = ops[k], .after = after, .status = STATUS_IO, .lasting = true};
      rig_init(&r, 11);
      CU_ASSERT_FATAL(r.disk->ops->make_dirs(r.disk, RIG_ROOT "/index") == STATUS_OK);
      CU_ASSERT_FATAL(index_init(ix, r.disk, NULL, NULL, RIG_ROOT, &config) == STATUS_OK);
      uint64_t calls = sim_disk_calls(r.host, ops[k]);
      sim_disk_fail(r.host, &fault);
      for (int i = 0; i < 60; i++) {
        index_stage(ix, SPAN_LITERAL("T"), SPAN_LITERAL("KEYS\1k\2"), 0, i * 100, now.wall_ms);
        index_commit(ix, now);
        if (i % 7 == 6) index_sync_all(ix);
      }
      bool hit = sim_disk_calls(r.host, ops[k]) - calls > after;
      CU_ASSERT(ix->failed == hit && index_is_whole(ix) == !hit && ix->staged_count == 0);
      CU_ASSERT(hit || after > 0);
      sim_disk_fail(r.host, NULL);
      index_fini(ix);
      rig_fini(&r);
    }
  for (uint64_t after = 0; after < 40; after++) {
    struct rig r;
    const struct sim_disk_fault fault = {.ops = SIM_OPEN | SIM_WRITE | SIM_SYNC | SIM_NAMES, .after = after,
                                         .status = STATUS_NO_SPACE};
    start(&r, 12, 61, 50);
    send(&r, 100);
    rig_run(&r, 10);
    rig_crash(&r, SIM_KILL);
    sim_disk_fail(r.host, &fault);
    enum status status = rig_open(&r);
    sim_disk_fail(r.host, NULL);
    if (status == STATUS_OK) rig_crash(&r, SIM_KILL);
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    CU_ASSERT(lacking(&r) == 0);
    rig_fini(&r);
  }
}
