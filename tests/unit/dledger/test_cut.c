/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/dledger/suites.h"

#include <stdio.h>

static void filled(struct rig *r, uint64_t seed, int count) {
  rig_init(r, seed);
  rig_must_open(r);
  for (int i = 0; i < count; i++) rig_append(r, (size_t)(i * 37 % 400), i / 8);
}

static bool all_zero_from(struct rig *r, const char *name, size_t from) {
  struct buf file = rig_file(r, name);
  bool zero = file.ptr != NULL;
  for (size_t i = from; i < file.len; i++) zero = zero && file.ptr[i] == 0;
  buf_fini(&file);
  return zero;
}

/* Wherever it is cut: what stays is whole, what went is zero, it can go on, and a restart sees the same. */
void test_cut_end(void) {
  for (int64_t index = 1; index < 30; index++) {
    struct rig r;
    char name[64];
    filled(&r, (uint64_t)index, 30);
    ledger_set_committed(r.ledger, index - 1);
    CU_ASSERT(ledger_truncate(r.ledger, 30) == STATUS_OK && r.marks->end_index == 29);
    CU_ASSERT(ledger_truncate(r.ledger, 31) == STATUS_INVALID);
    CU_ASSERT(ledger_truncate(r.ledger, index) == STATUS_OK);
    CU_ASSERT(r.marks->end_index == index - 1 && r.marks->next_index == index);
    CU_ASSERT(r.marks->end_term == (index - 1) / 8 && r.marks->synced_index < index);
    rig_check(&r);
    int64_t end = r.marks->end_pos, file = end - end % RIG_DATA_LENGTH;
    snprintf(name, sizeof name, "data/%020lld", (long long)file);
    CU_ASSERT(all_zero_from(&r, name, (size_t)(end - file)));
    snprintf(name, sizeof name, "data/%020lld", (long long)file + RIG_DATA_LENGTH);
    CU_ASSERT(!rig_exists(&r, name));
    if (index % 2 == 0) rig_append(&r, 20, 9);
    rig_crash(&r, index % 3 == 0 ? SIM_POWER_OFF : SIM_KILL);
    rig_must_open(&r);
    rig_check(&r);
    if (index % 3 != 0) CU_ASSERT(r.marks->end_index == (index % 2 == 0 ? index : index - 1));
    CU_ASSERT(r.marks->damaged_index == -1);
    rig_append(&r, 300, 10);
    rig_check(&r);
    rig_fini(&r);
  }
}

void test_cut_all(void) {
  struct rig r;
  filled(&r, 1, 20);
  CU_ASSERT(ledger_truncate(r.ledger, 0) == STATUS_OK);
  CU_ASSERT(r.marks->begin_index == -1 && r.marks->end_index == -1 && r.marks->end_pos == 0 &&
            r.marks->next_index == 0);
  CU_ASSERT(!rig_exists(&r, "data/00000000000000000000"));
  rig_append(&r, 30, 1);
  rig_check(&r);
  rig_close(&r);
  rig_must_open(&r);
  CU_ASSERT(r.marks->end_index == 0 && r.marks->damaged_index == -1);
  rig_check(&r);
  rig_fini(&r);
}

/* The first entry of a file goes: the filler before it, too, and the next one may come at either place. */
void test_cut_filler(void) {
  for (int next_file = 0; next_file < 2; next_file++) {
    struct rig r;
    const char *why;
    rig_init(&r, 1);
    rig_must_open(&r);
    rig_append(&r, 700, 1);
    rig_append(&r, 700, 1);
    CU_ASSERT(ledger_truncate(r.ledger, 1) == STATUS_OK && r.marks->end_pos == 748);
    CU_ASSERT(all_zero_from(&r, "data/00000000000000000000", 748));
    struct entry e = {ENTRY_MAGIC, 50, 1, 2, next_file ? 1024 : 748, 0, 0, 0, SPAN_LITERAL("hi")};
    CU_ASSERT(ledger_append(r.ledger, &e, &why) == STATUS_OK && ledger_commit(r.ledger) == STATUS_OK);
    CU_ASSERT(r.marks->end_pos == e.pos + 50);
    rig_crash(&r, SIM_KILL);
    rig_must_open(&r);
    CU_ASSERT(r.marks->end_index == 1 && r.marks->end_pos == e.pos + 50);
    rig_fini(&r);
  }
}

/* A follower far behind: it begins again in the middle of a file, as DLedger's rebuildWithPos. */
void test_cut_reset(void) {
  struct rig leader, r;
  struct entry e;
  const char *why;
  filled(&leader, 1, 60);
  filled(&r, 2, 5);
  ledger_set_committed(r.ledger, 3);
  CU_ASSERT(ledger_get(leader.ledger, 41, &e) == STATUS_OK && e.pos % RIG_DATA_LENGTH != 0);
  CU_ASSERT(ledger_reset(r.ledger, e.index, e.pos) == STATUS_OK);
  CU_ASSERT(r.marks->begin_index == -1 && r.marks->end_index == -1 && r.marks->next_index == 41);
  CU_ASSERT(r.marks->committed_index == -1 && r.marks->damaged_index == 4);
  e.pos += 8;
  CU_ASSERT(ledger_append(r.ledger, &e, &why) == STATUS_INVALID);
  rig_copy(&r, &leader, 41);
  CU_ASSERT(r.marks->begin_index == 41 && r.marks->end_index == 59);
  CU_ASSERT(ledger_repaired(r.ledger) == STATUS_OK && r.marks->damaged_index == -1);
  rig_check(&r);
  for (int restart = 0; restart < 3; restart++) {
    if (restart == 0) rig_close(&r);
    else rig_crash(&r, restart == 1 ? SIM_KILL : SIM_POWER_OFF);
    rig_must_open(&r);
    CU_ASSERT(r.marks->begin_index == 41 && r.marks->end_index == 59 && r.marks->damaged_index == -1);
    rig_check(&r);
  }
  /* A crash before the first entry came: whoever acknowledged five says that it has lost them. */
  CU_ASSERT(ledger_reset(r.ledger, 100, 40 * RIG_DATA_LENGTH) == STATUS_OK);
  rig_crash(&r, SIM_KILL);
  rig_must_open(&r);
  CU_ASSERT(r.marks->end_index == -1 && r.marks->damaged_index == 59);
  rig_fini(&leader);
  rig_fini(&r);
}

void test_cut_oldest(void) {
  struct rig r;
  filled(&r, 1, 2);
  CU_ASSERT(ledger_oldest_ms(r.ledger) == -1);
  int64_t early = sim_host_now(r.host).wall_ms;
  rig_run(&r, 100);
  for (int i = 2; i < 60; i++) rig_append(&r, (size_t)(i * 37 % 400), i / 8);
  CU_ASSERT(ledger_oldest_ms(r.ledger) == early + 100);
  CU_ASSERT(ledger_drop_first(r.ledger) == STATUS_BUSY); /* not committed */
  ledger_set_committed(r.ledger, 59);
  CU_ASSERT(ledger_drop_first(r.ledger) == STATUS_BUSY); /* not synced */
  rig_run(&r, 2000);
  CU_ASSERT(ledger_drop_first(r.ledger) == STATUS_BUSY); /* no checkpoint */
  rig_run(&r, 2000);
  int64_t begin = 0;
  int dropped = 0;
  while (ledger_drop_first(r.ledger) == STATUS_OK) {
    CU_ASSERT(r.marks->begin_index > begin);
    begin = r.marks->begin_index;
    rig_check(&r);
    rig_run(&r, 10);
    dropped++;
  }
  CU_ASSERT(dropped > 6 && r.marks->end_index == 59);
  CU_ASSERT(!rig_exists(&r, "data/00000000000000000000") && !rig_exists(&r, "index/00000000000000000000"));
  rig_run(&r, 5000);
  rig_crash(&r, SIM_POWER_OFF);
  rig_must_open(&r);
  CU_ASSERT(r.marks->begin_index <= begin && r.marks->end_index == 59 && r.marks->damaged_index == -1);
  rig_check(&r);
  rig_append(&r, 900, 9);
  rig_check(&r);
  rig_fini(&r);
}

/* Found while running: cut there, below what is committed, and remembered until it is repaired. */
void test_cut_damaged(void) {
  struct rig leader, r;
  struct entry e;
  int64_t index;
  filled(&leader, 1, 50);
  filled(&r, 1, 50);
  rig_run(&r, 2000);
  ledger_set_committed(r.ledger, 45);
  CU_ASSERT(ledger_scrub(r.ledger, 1 << 20, &index) == STATUS_OK);
  CU_ASSERT(ledger_get(r.ledger, 20, &e) == STATUS_OK);
  rig_flip(&r, e.pos + ENTRY_HEADER + 3);
  CU_ASSERT(ledger_get(r.ledger, 20, &e) == STATUS_OK && ledger_get_checked(r.ledger, 20, &e) == STATUS_CORRUPT);
  enum status found = STATUS_OK;
  for (int i = 0; i < 100 && found == STATUS_OK; i++) found = ledger_scrub(r.ledger, 500, &index);
  CU_ASSERT(found == STATUS_CORRUPT && index == 20);
  CU_ASSERT(ledger_cut_damaged(r.ledger, 20) == STATUS_OK);
  CU_ASSERT(r.marks->end_index == 19 && r.marks->committed_index == 19 && r.marks->damaged_index == 49);
  rig_crash(&r, SIM_POWER_OFF);
  rig_must_open(&r);
  CU_ASSERT(r.marks->end_index == 19 && r.marks->damaged_index == 49);
  rig_copy(&r, &leader, 20);
  CU_ASSERT(ledger_repaired(r.ledger) == STATUS_OK);
  rig_same_data(&r, &leader);
  rig_close(&r);
  rig_must_open(&r);
  CU_ASSERT(r.marks->end_index == 49 && r.marks->damaged_index == -1);
  rig_check(&r);
  rig_fini(&r);
  rig_fini(&leader);
}

/* A sync that began before a cut says nothing of what came into its place. */
void test_cut_while_syncing(void) {
  struct rig r;
  rig_init(&r, 1);
  sim_disk_sync_delay(r.host, 50, 50);
  rig_must_open(&r);
  for (int i = 0; i < 20; i++) rig_append(&r, 100, 1);
  ledger_sync(r.ledger);
  CU_ASSERT(ledger_truncate(r.ledger, 10) == STATUS_OK);
  for (int i = 0; i < 5; i++) rig_append(&r, 30, 2);
  rig_run(&r, 60);
  CU_ASSERT(r.marks->synced_index == 9);
  rig_run(&r, 2000);
  CU_ASSERT(r.marks->synced_index == 14 && r.marks->synced_pos == r.marks->end_pos);
  rig_check(&r);
  rig_fini(&r);
}
