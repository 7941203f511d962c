/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/dledger/suites.h"

#include <stdio.h>

static void filled(struct rig *r, uint64_t seed, int count) {
  rig_init(r, seed);
  rig_must_open(r);
  for (int i = 0; i < count; i++) rig_append(r, (size_t)(i * 37 % 400), i / 8);
}

static struct buf index_bytes(struct rig *r) {
  struct buf all;
  char name[64];
  buf_init(&all, 1 << 20);
  for (int64_t start = 0;; start += RIG_INDEX_LENGTH) {
    snprintf(name, sizeof name, "index/%020lld", (long long)start);
    struct buf file = rig_file(r, name);
    buf_put(&all, buf_span(&file));
    bool more = file.len > 0;
    buf_fini(&file);
    if (!more) return all;
  }
}

static void check_units(struct rig *r) {
  struct buf bytes = index_bytes(r);
  for (int64_t i = 0; i <= r->marks->end_index; i++) {
    struct entry e;
    const uint8_t *p = bytes.ptr + i * LEDGER_UNIT;
    CU_ASSERT_FATAL((size_t)(i + 1) * LEDGER_UNIT <= bytes.len);
    CU_ASSERT_FATAL(ledger_get(r->ledger, i, &e) == STATUS_OK);
    CU_ASSERT(get_i32(p) == 1 && get_i64(p + 4) == e.pos && get_i32(p + 12) == e.size && get_i64(p + 16) == i &&
              get_i64(p + 24) == e.term);
  }
  for (size_t at = (size_t)(r->marks->end_index + 1) * LEDGER_UNIT; at < bytes.len; at++) CU_ASSERT(bytes.ptr[at] == 0);
  buf_fini(&bytes);
}

void test_recover_closed(void) {
  struct rig r;
  filled(&r, 1, 50);
  ledger_set_committed(r.ledger, 30);
  struct ledger_marks before = *r.marks;
  rig_close(&r);
  for (int i = 0; i < 3; i++) {
    rig_must_open(&r);
    CU_ASSERT(r.marks->end_index == 49 && r.marks->end_pos == before.end_pos && r.marks->synced_index == 49);
    CU_ASSERT(r.marks->committed_index == 30 && r.marks->committed_pos == before.committed_pos);
    rig_check(&r);
    check_units(&r);
    rig_close(&r);
  }
  rig_must_open(&r);
  rig_fini(&r);
}

void test_recover_killed(void) {
  struct rig r;
  filled(&r, 1, 50);
  for (int i = 0; i < 5; i++) {
    rig_crash(&r, SIM_KILL);
    rig_must_open(&r);
    CU_ASSERT(r.marks->end_index == 49 + i);
    rig_check(&r);
    check_units(&r);
    rig_append(&r, 77, 20 + i);
    rig_run(&r, i * 1000);
  }
  /* What a killed one had not synced is synced when it is opened. */
  rig_append(&r, 500, 30);
  rig_crash(&r, SIM_KILL);
  rig_must_open(&r);
  CU_ASSERT(r.marks->end_index == 55 && r.marks->synced_index == 55);
  CU_ASSERT(sim_disk_unsynced(r.host) == 0);
  rig_crash(&r, SIM_POWER_OFF);
  rig_must_open(&r);
  CU_ASSERT(r.marks->end_index == 55);
  rig_check(&r);
  rig_fini(&r);
}

void test_recover_index_lost(void) {
  struct rig r;
  filled(&r, 1, 60);
  ledger_set_committed(r.ledger, 59);
  rig_run(&r, 2000);
  while (ledger_drop_first(r.ledger) == STATUS_OK && r.marks->begin_index < 20) rig_run(&r, 1);
  int64_t begin = r.marks->begin_index;
  rig_close(&r);
  for (int64_t file = 0; file < 60 * LEDGER_UNIT; file += RIG_INDEX_LENGTH) {
    char path[128];
    snprintf(path, sizeof path, "%s/index/%020lld", RIG_DIR, (long long)file);
    enum status removed = r.disk->ops->remove(r.disk, path);
    CU_ASSERT(removed == STATUS_OK || removed == STATUS_NOT_FOUND);
  }
  rig_must_open(&r);
  CU_ASSERT(r.marks->begin_index == begin && r.marks->end_index == 59 && r.marks->damaged_index == -1);
  rig_check(&r);
  rig_crash(&r, SIM_KILL);
  rig_must_open(&r);
  rig_check(&r);
  rig_fini(&r);
}

void test_recover_index_wrong(void) {
  for (size_t at = 0; at < 60 * LEDGER_UNIT; at += 61) {
    struct rig r;
    char name[64];
    uint8_t nonsense = 0x5A;
    filled(&r, 1, 60);
    rig_close(&r);
    snprintf(name, sizeof name, "index/%020zu", at / RIG_INDEX_LENGTH * RIG_INDEX_LENGTH);
    rig_write(&r, name, (int64_t)(at % RIG_INDEX_LENGTH), span_of(&nonsense, 1));
    r.options.verify_back_bytes = at % 2 == 0 ? 0 : 1500;
    rig_must_open(&r);
    CU_ASSERT(r.marks->end_index == 59 && r.marks->damaged_index == -1);
    if (at % 2 == 0) {
      rig_check(&r);
      check_units(&r);
    }
    rig_fini(&r);
  }
}

/* The last entry is cut off or partly zero, and nothing vouches for it. */
void test_recover_torn_tail(void) {
  for (int64_t keep = 0; keep < 248; keep += 13) {
    struct rig r;
    static const uint8_t zeros[248];
    filled(&r, 1, 0);
    rig_append(&r, 300, 1);
    rig_append(&r, 200, 1);
    rig_crash(&r, SIM_KILL);
    rig_write(&r, "data/00000000000000000000", 348 + keep, span_of(zeros, (size_t)(248 - keep)));
    rig_must_open(&r);
    CU_ASSERT(r.marks->end_index == 0 && r.marks->end_pos == 348 && r.marks->damaged_index == -1);
    rig_check(&r);
    rig_append(&r, 150, 2);
    rig_crash(&r, SIM_KILL);
    rig_must_open(&r);
    CU_ASSERT(r.marks->end_index == 1);
    rig_check(&r);
    rig_fini(&r);
  }
}

/* A well-formed entry of an older life of the file stands exactly where the next one would: the chain knows. */
void test_recover_stale_entry(void) {
  struct rig r, other;
  filled(&r, 1, 0);
  filled(&other, 1, 0);
  rig_append(&r, 100, 1);
  rig_append(&other, 100, 0); /* same size, another term */
  rig_append(&other, 100, 1); /* would fit behind */
  rig_close(&r);
  struct buf file = rig_file(&other, "data/00000000000000000000");
  CU_ASSERT_FATAL(file.len == RIG_DATA_LENGTH);
  rig_write(&r, "data/00000000000000000000", 148, span_of(file.ptr + 148, 148));
  rig_must_open(&r);
  CU_ASSERT(r.marks->end_index == 0);
  struct buf now = rig_file(&r, "data/00000000000000000000");
  for (size_t i = 148; i < now.len; i++) CU_ASSERT(now.ptr[i] == 0);
  buf_fini(&now);
  buf_fini(&file);
  rig_fini(&r);
  rig_fini(&other);
}

/* What the checkpoint vouches for is not there any more: remembered until it is repaired. */
void test_recover_damage(void) {
  for (int64_t index = 0; index < 50; index += 7) {
    struct rig r;
    struct entry e;
    filled(&r, 1, 50);
    ledger_set_committed(r.ledger, 40);
    rig_run(&r, 4000);
    CU_ASSERT(ledger_get(r.ledger, index, &e) == STATUS_OK);
    int64_t pos = e.pos + (e.body.len > 0 ? ENTRY_HEADER : 20);
    rig_append(&r, 10, 9); /* behind the checkpoint, and perhaps acknowledged */
    rig_crash(&r, SIM_KILL);
    rig_flip(&r, pos);
    rig_must_open(&r);
    CU_ASSERT(r.marks->end_index == index - 1 && r.marks->damaged_index >= 49);
    CU_ASSERT(r.marks->committed_index == (index <= 40 ? index - 1 : 40));
    rig_check(&r);
    rig_crash(&r, SIM_POWER_OFF);
    rig_must_open(&r);
    CU_ASSERT(r.marks->end_index == index - 1 && r.marks->damaged_index >= 49);
    rig_append(&r, 10, 10);
    CU_ASSERT(ledger_repaired(r.ledger) == STATUS_OK);
    rig_close(&r);
    rig_must_open(&r);
    CU_ASSERT(r.marks->end_index == index && r.marks->damaged_index == -1);
    rig_fini(&r);
  }
}

/* Java's checkpoint vouches for what is committed. Who removes the file accepts the loss. */
void test_recover_damage_of_java(void) {
  struct rig r;
  filled(&r, 1, 20);
  rig_close(&r);
  rig_put(&r, "checkpoint", "committedIndex=25\nendIndex=30\n");
  rig_must_open(&r);
  CU_ASSERT(r.marks->end_index == 19 && r.marks->damaged_index == 25 && r.marks->committed_index == 19);
  rig_close(&r);
  CU_ASSERT(rig_exists(&r, "repair"));
  rig_must_open(&r);
  CU_ASSERT(r.marks->damaged_index == 25);
  rig_close(&r);
  CU_ASSERT(r.disk->ops->remove(r.disk, RIG_DIR "/repair") == STATUS_OK);
  rig_must_open(&r);
  CU_ASSERT(r.marks->damaged_index == -1 && r.marks->end_index == 19);
  rig_close(&r);
  rig_put(&r, "repair", "nonsense");
  rig_must_open(&r);
  CU_ASSERT(r.marks->damaged_index == INT64_MAX);
  rig_close(&r);
  rig_put(&r, "checkpoint", "committedIndex=19\nendIndex=30\n");
  CU_ASSERT(r.disk->ops->remove(r.disk, RIG_DIR "/repair") == STATUS_OK);
  rig_must_open(&r);
  CU_ASSERT(r.marks->damaged_index == -1 && r.marks->committed_index == 19);
  rig_fini(&r);
}

/* No byte of an entry can change without being seen, but in the filler nobody reads. */
void test_recover_every_bit(void) {
  for (int64_t pos = 0; pos < 3 * (ENTRY_HEADER + 20); pos++) {
    struct rig r;
    rig_init(&r, 1);
    rig_must_open(&r);
    for (int i = 0; i < 3; i++) rig_append(&r, 20, 1);
    rig_close(&r);
    rig_flip(&r, pos);
    rig_must_open(&r);
    CU_ASSERT(r.marks->end_index == pos / (ENTRY_HEADER + 20) - 1 && r.marks->damaged_index == 2);
    rig_check(&r);
    rig_fini(&r);
  }
}

/* The first data file begins in its middle, and its index units are all there is to find that. */
void test_recover_middle_of_file(void) {
  struct rig r;
  rig_init(&r, 1);
  rig_must_open(&r);
  CU_ASSERT(ledger_reset(r.ledger, 1000, 5 * RIG_DATA_LENGTH + 333) == STATUS_OK);
  rig_append(&r, 100, 4);
  rig_append(&r, 700, 4);
  rig_append(&r, 100, 4);
  rig_close(&r);
  rig_must_open(&r);
  CU_ASSERT(r.marks->begin_index == 1000 && r.marks->begin_pos == 5 * RIG_DATA_LENGTH + 333);
  CU_ASSERT(r.marks->end_index == 1002 && r.marks->damaged_index == -1);
  rig_check(&r);
  CU_ASSERT(ledger_truncate(r.ledger, 1000) == STATUS_OK && r.marks->next_index == 1000);
  rig_append(&r, 200, 5);
  rig_check(&r);
  rig_fini(&r);
}

void test_recover_data_gone(void) {
  struct rig r;
  filled(&r, 1, 3);
  rig_close(&r);
  CU_ASSERT(r.disk->ops->remove(r.disk, RIG_DIR "/data/00000000000000000000") == STATUS_OK);
  rig_must_open(&r);
  CU_ASSERT(r.marks->end_index == -1 && r.marks->damaged_index == 2 && r.marks->begin_index == -1);
  rig_append(&r, 10, 3);
  rig_check(&r);
  rig_fini(&r);
}

void test_recover_refuses_files(void) {
  struct rig r;
  rig_init(&r, 1);
  r.options.data_file_length = 50;
  CU_ASSERT(rig_open(&r) == STATUS_INVALID && r.why.len > 0);
  r.options.data_file_length = RIG_DATA_LENGTH;
  r.options.index_file_length = 100;
  CU_ASSERT(rig_open(&r) == STATUS_INVALID && r.why.len > 0);
  r.options.index_file_length = RIG_INDEX_LENGTH;
  rig_must_open(&r);
  for (int i = 0; i < 5; i++) rig_append(&r, 700, 1);
  rig_close(&r);
  r.options.data_file_length = RIG_DATA_LENGTH / 2;
  CU_ASSERT(rig_open(&r) == STATUS_INVALID && r.why.len > 0);
  r.options.data_file_length = RIG_DATA_LENGTH;
  rig_put(&r, "data/hello", "x");
  CU_ASSERT(rig_open(&r) == STATUS_INVALID);
  CU_ASSERT(r.disk->ops->remove(r.disk, RIG_DIR "/data/hello") == STATUS_OK);
  CU_ASSERT(r.disk->ops->remove(r.disk, RIG_DIR "/data/00000000000000001024") == STATUS_OK);
  CU_ASSERT(rig_open(&r) == STATUS_CORRUPT && r.why.len > 0);
  CU_ASSERT(!rig_exists(&r, "data/00000000000000001024") && rig_exists(&r, "data/00000000000000004096"));
  rig_fini(&r);
}

/* Any call may fail while it is opened: then it is not, and later it is as it was. */
void test_recover_failing_disk(void) {
  bool opened = false;
  for (uint64_t after = 0; after < 200 && !opened; after++) {
    struct rig r;
    struct sim_disk_fault fault = {SIM_OPEN | SIM_WRITE | SIM_SYNC | SIM_NAMES | SIM_READ, after, STATUS_IO, true,
                                   true};
    filled(&r, after, 30);
    ledger_set_committed(r.ledger, 10);
    rig_crash(&r, SIM_KILL);
    sim_disk_fail(r.host, &fault);
    opened = rig_open(&r) == STATUS_OK;
    sim_disk_fail(r.host, NULL);
    if (opened) rig_close(&r);
    rig_must_open(&r);
    CU_ASSERT(r.marks->end_index == 29 && r.marks->damaged_index == -1);
    rig_check(&r);
    rig_fini(&r);
  }
  CU_ASSERT(opened);
}

void test_recover_locked(void) {
  struct rig r;
  struct ledger *second;
  struct moment now = {1, 1};
  filled(&r, 1, 5);
  struct disk_file *file;
  CU_ASSERT(r.disk->ops->lock(r.disk, RIG_DIR "/lock", &file) == STATUS_BUSY);
  buf_clear(&r.why);
  CU_ASSERT(ledger_open(&second, &r.options, r.disk, NULL, now, &r.why) == STATUS_BUSY && second == NULL);
  buf_put_u8(&r.why, 0);
  CU_ASSERT_STRING_EQUAL((const char *)r.why.ptr, RIG_DIR " is used by another process");
  rig_check(&r);
  rig_close(&r);
  rig_must_open(&r);
  CU_ASSERT(r.marks->end_index == 4);
  rig_fini(&r);
}
