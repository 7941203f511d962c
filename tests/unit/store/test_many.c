/* SPDX-License-Identifier: Apache-2.0
 *
 * Many queues: what they cost per tick, per checkpoint and per start.
 */
#include "tests/unit/store/suites.h"

#include <stdio.h>

enum { MANY = 300, WRITES_MAX = 16 };

static const char *name_of(int i) {
  static char name[32];
  snprintf(name, sizeof name, "Topic%03d", i);
  return name;
}

static void send_to_all(struct rig *r, int messages) {
  for (int n = 0; n < messages; n++)
    for (int i = 0; i < MANY; i++) rig_send(r, name_of(i), i % 4, name_of(i));
}

static void expect_all(struct rig *r, int messages) {
  int wrong = 0;
  for (int i = 0; i < MANY; i++) {
    wrong += rig_max(r, name_of(i), i % 4) != messages;
    for (int n = 0; n < messages; n++) wrong += strcmp(rig_body(r, name_of(i), i % 4, n), name_of(i)) != 0;
  }
  CU_ASSERT_EQUAL(wrong, 0);
}

static void start(struct rig *r, uint64_t seed) {
  rig_init(r, seed);
  CU_ASSERT_FATAL(rig_open(r) == STATUS_OK);
  rig_run(r, 10);
}

void test_many_tails_per_tick(void) {
  struct rig r;
  uint64_t before, most = 0;
  start(&r, 21);
  send_to_all(&r, 1);
  uint64_t first = sim_disk_calls(r.host, SIM_WRITE);
  for (int ms = 0; ms < 6000; ms++) {
    before = sim_disk_calls(r.host, SIM_WRITE);
    rig_run(&r, 1);
    uint64_t writes = sim_disk_calls(r.host, SIM_WRITE) - before;
    if (writes > most) most = writes;
  }
  CU_ASSERT(sim_disk_calls(r.host, SIM_WRITE) - first >= MANY); /* all are out */
  CU_ASSERT(most <= WRITES_MAX);
  expect_all(&r, 1);
  rig_fini(&r);
}

void test_many_synced_at_once(void) {
  struct rig r;
  start(&r, 22);
  send_to_all(&r, 2);
  uint64_t before = sim_disk_calls(r.host, SIM_SYNC);
  rig_run(&r, 65000); /* a checkpoint round */
  CU_ASSERT(sim_disk_calls(r.host, SIM_SYNC) - before < MANY / 10);
  CU_ASSERT(sim_disk_unsynced(r.host) == 0);
  rig_crash(&r, SIM_POWER_OFF);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  expect_all(&r, 2);
  before = sim_disk_calls(r.host, SIM_SYNC);
  send_to_all(&r, 1);
  rig_close(&r);
  CU_ASSERT(sim_disk_calls(r.host, SIM_SYNC) - before < MANY / 10);
  rig_crash(&r, SIM_POWER_OFF);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  expect_all(&r, 3);
  rig_fini(&r);
}

/* Queues were marked as synced, but the power went before they were. */
void test_many_power_cut_in_between(void) {
  struct rig r;
  start(&r, 23);
  sim_disk_sync_delay(r.host, 20000, 20000);
  send_to_all(&r, 2);
  rig_run(&r, 75000);
  rig_crash(&r, SIM_POWER_OFF);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  for (int i = 0; i < MANY; i++) {
    int64_t max = rig_max(&r, name_of(i), i % 4);
    for (int64_t n = 0; n < max; n++) CU_ASSERT_STRING_EQUAL(rig_body(&r, name_of(i), i % 4, n), name_of(i));
  }
  rig_fini(&r);
}

void test_many_sync_fails(void) {
  struct rig r;
  start(&r, 24);
  send_to_all(&r, 1);
  rig_run(&r, 59000);
  CU_ASSERT(store_refusal(r.store) == NULL);
  const struct sim_disk_fault fault = {.ops = SIM_SYNC, .status = STATUS_IO, .lasting = true};
  sim_disk_fail(r.host, &fault);
  rig_run(&r, 5000);
  CU_ASSERT(store_refusal(r.store) != NULL);
  sim_disk_fail(r.host, NULL);
  rig_fini(&r);
}

/* A start after a crash fills the files that are there; it does not make them again. */
void test_many_files_stay(void) {
  struct rig r;
  start(&r, 25);
  send_to_all(&r, 2);
  rig_run(&r, 5000); /* the tails are out, no checkpoint yet */
  rig_crash(&r, SIM_KILL);
  uint64_t before = sim_disk_calls(r.host, SIM_NAMES);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(sim_disk_calls(r.host, SIM_NAMES) - before < 3 * MANY); /* listing is among them */
  expect_all(&r, 2);
  rig_fini(&r);
}
