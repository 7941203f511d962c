/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/dledger/suites.h"

#define ASSERT_FILE(r, name, text)        \
  do {                                    \
    struct buf file_ = rig_file(r, name); \
    struct span text_ = buf_span(&file_); \
    text_.len = span_find(text_, '#', 0); \
    ASSERT_SPAN(span_trim(text_), text);  \
    buf_fini(&file_);                     \
  } while (0)

void test_marks_term(void) {
  struct rig r;
  rig_init(&r, 1);
  rig_must_open(&r);
  CU_ASSERT(ledger_set_term(r.ledger, 5, SPAN_LITERAL("n2")) == STATUS_OK);
  CU_ASSERT(r.marks->term == 5 && strcmp(r.marks->vote, "n2") == 0);
  rig_crash(&r, SIM_POWER_OFF); /* durable when it returns */
  ASSERT_FILE(&r, "currterm", "currTerm=5\nvoteLeader=n2");
  rig_must_open(&r);
  CU_ASSERT(r.marks->term == 5 && strcmp(r.marks->vote, "n2") == 0);
  CU_ASSERT(ledger_set_term(r.ledger, 6, SPAN_NONE) == STATUS_OK && r.marks->vote[0] == '\0');
  struct sim_disk_fault fault = {SIM_WRITE, 0, STATUS_IO, true, true};
  sim_disk_fail(r.host, &fault);
  CU_ASSERT(ledger_set_term(r.ledger, 7, SPAN_LITERAL("n1")) == STATUS_IO && r.marks->term == 6);
  sim_disk_fail(r.host, NULL);
  rig_crash(&r, SIM_POWER_OFF);
  rig_must_open(&r);
  CU_ASSERT(r.marks->term == 6 && r.marks->vote[0] == '\0');
  rig_fini(&r);
}

/* W6: Java deletes the file before it renames the new one. */
void test_marks_term_lost(void) {
  struct rig r;
  rig_init(&r, 1);
  rig_must_open(&r);
  rig_append(&r, 10, 3);
  rig_close(&r);
  rig_must_open(&r);
  CU_ASSERT(r.marks->term == 3 && strcmp(r.marks->vote, "?") == 0); /* it may have voted in term 3 */
  rig_close(&r);
  rig_put(&r, "currterm.bak", "voteLeader=n1\ncurrTerm=8\n");
  rig_put(&r, "currterm", "");
  rig_must_open(&r);
  CU_ASSERT(r.marks->term == 8 && strcmp(r.marks->vote, "n1") == 0);
  rig_close(&r);
  rig_put(&r, "currterm.tmp", "voteLeader=\ncurrTerm=9\n");
  rig_must_open(&r);
  CU_ASSERT(r.marks->term == 9 && r.marks->vote[0] == '\0');
  rig_close(&r);
  rig_put(&r, "currterm", "#comment\ncurrTerm = 12\nvoteLeader : n0\n");
  rig_must_open(&r);
  CU_ASSERT(r.marks->term == 12 && strcmp(r.marks->vote, "n0") == 0);
  rig_fini(&r);
}

void test_marks_committed(void) {
  struct rig r;
  rig_init(&r, 1);
  rig_must_open(&r);
  ledger_set_committed(r.ledger, 5);
  CU_ASSERT(r.marks->committed_index == -1 && r.marks->committed_pos == -1);
  for (int i = 0; i < 10; i++) rig_append(&r, 52, 1);
  ledger_set_committed(r.ledger, 4);
  CU_ASSERT(r.marks->committed_index == 4 && r.marks->committed_pos == 500);
  ledger_set_committed(r.ledger, 2);
  CU_ASSERT(r.marks->committed_index == 4);
  ledger_set_committed(r.ledger, 99);
  CU_ASSERT(r.marks->committed_index == 9 && r.marks->committed_pos == 1000);
  rig_close(&r);
  rig_must_open(&r);
  CU_ASSERT(r.marks->committed_index == 9 && r.marks->committed_pos == 1000);
  rig_fini(&r);
}

void test_marks_sync(void) {
  struct rig r;
  rig_init(&r, 1);
  r.options.flush_interval_ms = 100000;
  r.options.checkpoint_interval_ms = 200000;
  sim_disk_sync_delay(r.host, 20, 20);
  rig_must_open(&r);
  for (int i = 0; i < 10; i++) rig_append(&r, 200, 1);
  rig_run(&r, 1000);
  CU_ASSERT(r.marks->synced_index == -1);
  ledger_sync(r.ledger);
  rig_run(&r, 10);
  rig_append(&r, 200, 1);
  ledger_sync(r.ledger); /* while one is under way: one more follows */
  CU_ASSERT(r.marks->synced_index == -1);
  rig_run(&r, 12);
  CU_ASSERT(r.marks->synced_index == 9);
  rig_run(&r, 25);
  CU_ASSERT(r.marks->synced_index == 10 && r.marks->synced_pos == r.marks->end_pos);
  /* Many files at once: in several rounds, and never more than is true. */
  for (int i = 0; i < 40; i++) rig_append(&r, 900, 1);
  ledger_sync(r.ledger);
  rig_run(&r, 21);
  CU_ASSERT(r.marks->synced_index > 10 && r.marks->synced_index < 50);
  rig_run(&r, 1000);
  CU_ASSERT(r.marks->synced_index == 50);
  rig_crash(&r, SIM_POWER_OFF);
  rig_must_open(&r);
  CU_ASSERT(r.marks->end_index == 50);
  rig_check(&r);
  rig_fini(&r);
}

/* Every three seconds, never claiming what is not synced; nothing to do, nothing done. */
void test_marks_checkpoint(void) {
  struct rig r;
  rig_init(&r, 1);
  rig_must_open(&r);
  ASSERT_FILE(&r, "checkpoint", "endIndex=-1\ncommittedIndex=-1\nsyncedIndex=-1");
  for (int i = 0; i < 10; i++) rig_append(&r, 200, 1);
  ledger_set_committed(r.ledger, 6);
  rig_run(&r, 2000);
  ASSERT_FILE(&r, "checkpoint", "endIndex=-1\ncommittedIndex=-1\nsyncedIndex=-1");
  rig_run(&r, 2000);
  ASSERT_FILE(&r, "checkpoint", "endIndex=9\ncommittedIndex=6\nsyncedIndex=9");
  /* Units in memory are not vouched for: they are not written while something is staged. */
  rig_append(&r, 200, 1);
  CU_ASSERT(rig_stage(&r, 10, 1) == STATUS_OK);
  rig_run(&r, 7000);
  CU_ASSERT(r.marks->synced_index == 10);
  ASSERT_FILE(&r, "checkpoint", "endIndex=9\ncommittedIndex=6\nsyncedIndex=9");
  ledger_rollback(r.ledger);
  rig_run(&r, 7000);
  ASSERT_FILE(&r, "checkpoint", "endIndex=10\ncommittedIndex=6\nsyncedIndex=10");
  rig_run(&r, 10000);
  uint64_t calls = sim_disk_calls(r.host, SIM_WRITE | SIM_SYNC);
  rig_run(&r, 100000);
  CU_ASSERT(sim_disk_calls(r.host, SIM_WRITE | SIM_SYNC) == calls);
  /* While it is written to all the time. */
  for (int i = 0; i < 800; i++) {
    rig_append(&r, 100, 1);
    ledger_set_committed(r.ledger, r.marks->end_index);
    rig_run(&r, 10);
    if (i == 400) {
      struct buf file = rig_file(&r, "checkpoint");
      CU_ASSERT(!span_starts(buf_span(&file), "endIndex=10\n"));
      buf_fini(&file);
    }
  }
  rig_crash(&r, SIM_POWER_OFF);
  rig_must_open(&r);
  CU_ASSERT(r.marks->damaged_index == -1 && r.marks->end_index > 700 && r.marks->committed_index > 400);
  rig_check(&r);
  rig_fini(&r);
}

/* A follower hears of commits before it has synced the entries. Other entries were at their indexes before, and come
 * back when the power goes: the checkpoint must not call those committed. */
void test_marks_committed_early(void) {
  for (uint64_t seed = 1; seed <= 20; seed++) {
    struct rig r;
    rig_init(&r, seed);
    rig_must_open(&r);
    for (int i = 0; i < 10; i++) rig_append(&r, 100, 1);
    ledger_set_committed(r.ledger, 4);
    rig_run(&r, 5000);
    ASSERT_FILE(&r, "checkpoint", "endIndex=9\ncommittedIndex=4\nsyncedIndex=9");
    CU_ASSERT(ledger_truncate(r.ledger, 5) == STATUS_OK);
    for (int i = 5; i < 10; i++) rig_append(&r, 100, 2);
    sim_disk_sync_delay(r.host, 100000, 100000);
    ledger_set_committed(r.ledger, 9);
    rig_run(&r, 10000);
    CU_ASSERT(r.marks->committed_index == 9 && r.marks->synced_index == 4);
    ASSERT_FILE(&r, "checkpoint", "endIndex=4\ncommittedIndex=4\nsyncedIndex=4");
    rig_crash(&r, SIM_POWER_OFF);
    rig_must_open(&r);
    CU_ASSERT(r.marks->committed_index == 4 && r.marks->damaged_index == -1);
    rig_check(&r);
    rig_fini(&r);
  }
}

/* After a failed sync nobody knows what is on the disk. */
void test_marks_failed_sync(void) {
  struct rig r;
  rig_init(&r, 1);
  rig_must_open(&r);
  rig_append(&r, 10, 1);
  rig_run(&r, 4000);
  CU_ASSERT(r.marks->synced_index == 0);
  rig_append(&r, 10, 1);
  struct sim_disk_fault fault = {SIM_SYNC, 0, STATUS_IO, false, true};
  sim_disk_fail(r.host, &fault);
  ledger_sync(r.ledger);
  rig_run(&r, 1000);
  CU_ASSERT(ledger_failure(r.ledger) == STATUS_IO && r.marks->synced_index == 0);
  CU_ASSERT(rig_stage(&r, 10, 1) == STATUS_IO);
  sim_disk_fail(r.host, NULL);
  rig_run(&r, 10000);
  CU_ASSERT(r.marks->synced_index == 0 && ledger_close(r.ledger) == STATUS_IO);
  r.ledger = NULL;
  rig_must_open(&r);
  rig_check(&r);
  CU_ASSERT(ledger_failure(r.ledger) == STATUS_OK);
  rig_append(&r, 10, 1);
  rig_fini(&r);
}
