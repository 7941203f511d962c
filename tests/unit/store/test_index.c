/* SPDX-License-Identifier: Apache-2.0
 *
 * The key index: what goes in, what comes out, how the files look.
 */
#include "mqbroker/store/index.h"
#include "mqbroker/store/record.h"
#include "tests/unit/store/suites.h"

#include <stdio.h>

static struct query_result got;

static void start(struct rig *r, int32_t slots, int32_t entries) {
  rig_init(r, 7);
  r->config.index = (struct index_config){.enabled = true, .slots = slots, .entries = entries};
  CU_ASSERT_FATAL(rig_open(r) == STATUS_OK);
}

static int64_t put(struct rig *r, const char *topic, const char *properties, int32_t sys_flag) {
  struct put_result result;
  struct message m = rig_message(topic, 0, "body", NULL);
  m.properties = span_text(properties);
  m.sys_flag = sys_flag;
  CU_ASSERT_FATAL(store_put(r->store, &m, rig_now(r), &result) == PUT_OK);
  CU_ASSERT_FATAL(store_commit(r->store, rig_now(r)) == STATUS_OK);
  return result.physical_offset;
}

static size_t query(struct rig *r, const char *topic, const char *key) {
  store_query(r->store, span_text(topic), span_text(key), 32, 1 << 20, 0, INT64_MAX, &got);
  return got.count;
}

static int64_t found(size_t i) { return record_physical_offset(got.records[i].ptr); }

/* Content of the n-th index file. */
static struct buf file_at(struct rig *r, size_t n, char name[32]) {
  struct arena arena;
  struct disk_entry *entries;
  size_t count;
  char path[256];
  arena_init(&arena, 1 << 20);
  CU_ASSERT_FATAL(r->disk->ops->list(r->disk, RIG_ROOT "/index", &arena, &entries, &count) == STATUS_OK && n < count);
  CU_ASSERT(span_copy_text(entries[n].name, name, 32));
  snprintf(path, sizeof path, "%s/index/%s", RIG_ROOT, name);
  arena_fini(&arena);
  return rig_file(r, path);
}

/* 6 entries of which 5 can be used; the second file's first entry counts its seconds from the first file's end. */
void test_index_layout(void) {
  struct rig r;
  char name[32], second_name[32];
  rig_init(&r, 3);
  r.config.index = (struct index_config){.enabled = true, .slots = 4, .entries = 6, .utc_offset_s = 7200};
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  int64_t begin_ms = rig_now(&r).wall_ms, offsets[7];
  for (int i = 0; i < 7; i++) {
    char properties[64];
    if (i == 5) rig_run(&r, 2500);
    snprintf(properties, sizeof properties, "UNIQ_KEY\1k%d\2", i);
    offsets[i] = put(&r, "T", properties, 0);
  }
  int64_t end_ms = rig_now(&r).wall_ms;
  rig_close(&r);
  struct buf first = file_at(&r, 0, name), second = file_at(&r, 1, second_name);
  CU_ASSERT(index_name_parse(span_text(name)) == index_name_of(begin_ms + 7200000));
  CU_ASSERT(index_name_parse(span_text(second_name)) == index_name_of(end_ms + 7200000));
  CU_ASSERT_FATAL(first.len == 40 + 4 * 4 + 6 * 20 && second.len == first.len);
  CU_ASSERT(get_i64(first.ptr) == begin_ms && get_i64(first.ptr + 8) == begin_ms);
  CU_ASSERT(get_i64(first.ptr + 16) == offsets[0] && get_i64(first.ptr + 24) == offsets[4]);
  CU_ASSERT(get_i32(first.ptr + 32) == 5 && get_i32(first.ptr + 36) == 6);
  int32_t newest[4] = {0};
  for (int i = 1; i <= 5; i++) {
    char key[8];
    snprintf(key, sizeof key, "k%d", i - 1);
    int32_t hash = index_hash(SPAN_LITERAL("T"), span_text(key));
    const uint8_t *e = first.ptr + 56 + 20 * i;
    CU_ASSERT(get_i32(e) == hash && get_i64(e + 4) == offsets[i - 1] && get_i32(e + 12) == 0);
    CU_ASSERT(get_i32(e + 16) == newest[hash % 4]);
    newest[hash % 4] = i;
  }
  for (int i = 0; i < 4; i++) CU_ASSERT(get_i32(first.ptr + 40 + 4 * i) == newest[i]);
  CU_ASSERT(get_i64(second.ptr) == end_ms && get_i64(second.ptr + 16) == offsets[5] && get_i32(second.ptr + 36) == 3);
  CU_ASSERT(get_i32(second.ptr + 56 + 20 + 12) == 2 && get_i32(second.ptr + 56 + 40 + 12) == 0);
  struct buf checkpoint = rig_file(&r, RIG_ROOT "/checkpoint");
  CU_ASSERT(get_i64(checkpoint.ptr + 16) == end_ms);
  buf_fini(&checkpoint);
  buf_fini(&first);
  buf_fini(&second);
  rig_fini(&r);
}

void test_index_keys(void) {
  struct rig r;
  start(&r, 64, 1000);
  int64_t a = put(&r, "T", "UNIQ_KEY\1u1\2KEYS\1one  two\2TAGS\1x\2", 0);
  int64_t b = put(&r, "T", "KEYS\1two two Aa\2", SYS_TRANSACTION_PREPARED);
  int64_t c = put(&r, "T", "TAGS\1KEYS\2UNIQ_KEYS\1no\2KEY\1no\2KEYS\1BB\2KEYS\1last\2", SYS_TRANSACTION_COMMIT);
  put(&r, "T", "KEYS\1two\2UNIQ_KEY\1u4\2", SYS_TRANSACTION_ROLLBACK);
  put(&r, "Other", "KEYS\1two\2", 0);
  put(&r, "T", "", 0);
  CU_ASSERT(query(&r, "T", "u1") == 1 && found(0) == a);
  CU_ASSERT(query(&r, "T", "one") == 1 && found(0) == a);
  CU_ASSERT(query(&r, "T", "two") == 2 && found(0) == a && found(1) == b); /* "two two": once */
  CU_ASSERT(got.bytes == got.records[0].len + got.records[1].len && got.index_last_offset > c);
  CU_ASSERT(query(&r, "T", "last") == 1 && found(0) == c); /* the later of two properties wins */
  CU_ASSERT(query(&r, "T", "Aa") == 1 && found(0) == b);
  CU_ASSERT(query(&r, "T", "BB") == 0); /* the same hash as Aa, another key */
  CU_ASSERT(got.index_last_ms == 0 && got.index_last_offset == 0);
  CU_ASSERT(query(&r, "T", "u4") == 0 && query(&r, "T", "no") == 0 && query(&r, "T", "") == 0);
  CU_ASSERT(query(&r, "Other", "two") == 1 && query(&r, "Nowhere", "two") == 0);
  CU_ASSERT(query(&r, "T", "one  two") == 0);
  /* A record that was staged and not written is not there. */
  struct message m = rig_message("T", 0, "x", NULL);
  struct put_result result;
  m.properties = SPAN_LITERAL("KEYS\1staged\2");
  CU_ASSERT(store_put(r.store, &m, rig_now(&r), &result) == PUT_OK);
  CU_ASSERT(query(&r, "T", "staged") == 0);
  const struct sim_disk_fault full = {.ops = SIM_WRITE, .status = STATUS_NO_SPACE};
  sim_disk_fail(r.host, &full);
  CU_ASSERT(store_commit(r.store, rig_now(&r)) == STATUS_NO_SPACE);
  sim_disk_fail(r.host, NULL);
  int64_t next = put(&r, "T", "KEYS\1next\2", 0);
  CU_ASSERT(query(&r, "T", "staged") == 0 && query(&r, "T", "next") == 1 && found(0) == next);
  rig_fini(&r);
}

static size_t query_times(struct rig *r, int64_t begin, int64_t end) {
  store_query(r->store, SPAN_LITERAL("T"), SPAN_LITERAL("k"), 32, 1 << 20, begin, end, &got);
  return got.count;
}

/* Whole seconds since the file's first entry, as in Java. */
void test_index_times(void) {
  struct rig r;
  start(&r, 64, 6);
  int64_t begin = rig_now(&r).wall_ms, offsets[12];
  for (int i = 0; i < 12; i++) {
    offsets[i] = put(&r, "T", "KEYS\1k\2", 0);
    rig_run(&r, 1400);
  }
  CU_ASSERT(query_times(&r, 0, INT64_MAX) == 12);
  CU_ASSERT(query_times(&r, begin, begin) == 1 && found(0) == offsets[0]);
  CU_ASSERT(query_times(&r, begin + 1000, begin + 1000) == 1 && found(0) == offsets[1]); /* stored at +1400 */
  CU_ASSERT(query_times(&r, begin + 1400, begin + 1999) == 0);
  CU_ASSERT(query_times(&r, 0, begin - 1) == 0 && query_times(&r, begin + 16000, INT64_MAX) == 0);
  CU_ASSERT(query_times(&r, begin + 2000, begin + 4999) == 2 && found(0) == offsets[2] && found(1) == offsets[3]);
  CU_ASSERT(query_times(&r, begin + 9800, begin + 12600) == 2 && found(0) == offsets[8]);
  rig_fini(&r);
}

void test_index_limits(void) {
  struct rig r;
  start(&r, 3, 100);
  int64_t offsets[50];
  for (int i = 0; i < 50; i++) offsets[i] = put(&r, "T", i % 2 == 0 ? "KEYS\1k\2" : "KEYS\1j\2", 0);
  store_query(r.store, SPAN_LITERAL("T"), SPAN_LITERAL("k"), 4, 1 << 20, 0, INT64_MAX, &got);
  CU_ASSERT(got.count == 4 && found(0) == offsets[42] && found(3) == offsets[48]); /* the newest, in log order */
  size_t size = got.records[0].len;
  store_query(r.store, SPAN_LITERAL("T"), SPAN_LITERAL("k"), 9, 3 * size, 0, INT64_MAX, &got);
  CU_ASSERT(got.count == 3 && found(0) == offsets[44]);
  store_query(r.store, SPAN_LITERAL("T"), SPAN_LITERAL("k"), 9, 1, 0, INT64_MAX, &got);
  CU_ASSERT(got.count == 1 && found(0) == offsets[48]);
  store_query(r.store, SPAN_LITERAL("T"), SPAN_LITERAL("k"), 0, 1 << 20, 0, INT64_MAX, &got);
  CU_ASSERT(got.count == 0);
  store_query(r.store, SPAN_LITERAL("T"), SPAN_LITERAL("k"), INT32_MIN, 1 << 20, 0, INT64_MAX, &got);
  CU_ASSERT(got.count == 0);
  store_query(r.store, SPAN_LITERAL("T"), SPAN_LITERAL("k"), INT32_MAX, 1 << 20, INT64_MIN, INT64_MAX, &got);
  CU_ASSERT(got.count == 25);
  rig_fini(&r);
}

static void many(struct rig *r, int from, int to, int64_t *offsets) {
  char properties[80];
  for (int i = from; i < to; i++) {
    snprintf(properties, sizeof properties, "UNIQ_KEY\1u%d\2KEYS\1k%d all\2", i, i);
    offsets[i] = put(r, "T", properties, 0);
  }
}

static int lacking(struct rig *r, int count, const int64_t *offsets) {
  int bad = 0;
  char key[16];
  for (int i = 0; i < count; i++) {
    snprintf(key, sizeof key, "%c%d", i % 2 == 0 ? 'u' : 'k', i);
    if (query(r, "T", key) != 1 || found(0) != offsets[i]) bad++;
  }
  return bad;
}

/* More files than may be open, and more entries than a block holds. */
void test_index_many_files(void) {
  static int64_t offsets[3000];
  struct rig r;
  char name[32];
  start(&r, 97, 32);
  many(&r, 0, 400, offsets); /* 39 files, many of them made in one millisecond */
  CU_ASSERT(lacking(&r, 400, offsets) == 0);
  CU_ASSERT(query(&r, "T", "all") == 32 && found(0) == offsets[368]);
  struct buf last = file_at(&r, 38, name);
  CU_ASSERT(last.len == 40 + 97 * 4 + 32 * 20);
  buf_fini(&last);
  rig_close(&r);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(lacking(&r, 400, offsets) == 0);
  rig_fini(&r);
  start(&r, 5000, 20000);
  many(&r, 0, 3000, offsets);
  CU_ASSERT(lacking(&r, 3000, offsets) == 0);
  rig_run(&r, 61000);
  CU_ASSERT(lacking(&r, 3000, offsets) == 0);
  rig_fini(&r);
}

void test_index_drop(void) {
  struct rig r;
  struct index ix;
  struct moment now = {0, SIM_EPOCH_MS};
  const struct index_config config = {.enabled = true, .slots = 8, .entries = 11};
  rig_init(&r, 4);
  CU_ASSERT_FATAL(index_init(&ix, r.disk, NULL, NULL, RIG_ROOT, &config) == STATUS_OK);
  CU_ASSERT_FATAL(r.disk->ops->make_dirs(r.disk, RIG_ROOT "/index") == STATUS_OK);
  for (int i = 0; i < 25; i++) {
    index_stage(&ix, SPAN_LITERAL("T"), SPAN_LITERAL("KEYS\1k\2"), 0, i * 100, now.wall_ms);
    index_commit(&ix, now);
  }
  CU_ASSERT(ix.count == 3);
  CU_ASSERT(index_drop_before(&ix, 900) == STATUS_OK && ix.count == 3);
  CU_ASSERT(index_drop_before(&ix, 901) == STATUS_OK && ix.count == 2 && ix.files[0].header.begin_offset == 1000);
  CU_ASSERT(index_drop_before(&ix, 1 << 20) == STATUS_OK && ix.count == 1 && ix.files[0].header.count == 6);
  index_fini(&ix);
  rig_fini(&r);
}

/* messageIndexEnable=false: what is there is found, nothing is added; switched on again the index catches up. */
void test_index_off_and_on(void) {
  static int64_t offsets[90];
  for (int how = 0; how < 2; how++) {
    struct rig r;
    start(&r, 64, 100);
    many(&r, 0, 30, offsets);
    for (int round = 1; round < 3; round++) {
      if (how == 0) rig_close(&r);
      else rig_crash(&r, SIM_KILL);
      r.config.index.enabled = round == 2;
      CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
      many(&r, round * 30, round * 30 + 30, offsets);
      if (round == 1) CU_ASSERT(query(&r, "T", "u30") == 0);
      if (how == 0 && round == 1) CU_ASSERT(lacking(&r, 30, offsets) == 0);
      rig_run(&r, 70000);
    }
    CU_ASSERT(lacking(&r, 90, offsets) == 0);
    rig_fini(&r);
  }
}

void test_index_refuses_files(void) {
  static int64_t offsets[30];
  struct rig r;
  start(&r, 64, 100);
  many(&r, 0, 30, offsets);
  rig_close(&r);
  r.config.index.slots = 65;
  CU_ASSERT(rig_open(&r) == STATUS_INVALID && r.why.len > 0);
  r.config.index.slots = 64;
  r.config.index.entries = 1;
  CU_ASSERT(rig_open(&r) == STATUS_INVALID && r.why.len > 0);
  r.config.index = (struct index_config){true, false, INDEX_SLOTS_MAX, INT32_MAX / 20, 0};
  CU_ASSERT(rig_open(&r) == STATUS_INVALID && r.why.len > 0);
  r.config.index = (struct index_config){true, false, 64, 100, 0};
  rig_write(&r, RIG_ROOT "/index/notes.txt", 0, SPAN_LITERAL("x"));
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(lacking(&r, 30, offsets) == 0);
  rig_fini(&r);
}
