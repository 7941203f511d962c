/* SPDX-License-Identifier: Apache-2.0
 *
 * Random lives of a ledger on a machine that loses its power: what was synced
 * is there, what is there is a log, and no loss of an unsynced tail is taken
 * for damage.
 */
#include "tests/unit/dledger/suites.h"

#include <stdlib.h>

#define LIVES 12
#define STEPS 60
#define INDEX_MAX 20000

struct model {
  struct rig r;
  struct prng p;
  int64_t term;
  int64_t terms[INDEX_MAX];
  size_t lens[INDEX_MAX];
};

static size_t some_length(struct prng *p) { return prng_below(p, prng_below(p, 4) == 0 ? 900 : 120); }

static void step_append(struct model *m) {
  uint64_t n = 1 + prng_below(&m->p, 6);
  for (uint64_t i = 0; i < n; i++) {
    size_t len = some_length(&m->p);
    int64_t index = m->r.marks->next_index;
    CU_ASSERT_FATAL(index < INDEX_MAX);
    CU_ASSERT_FATAL(rig_stage(&m->r, len, m->term) == STATUS_OK);
    m->terms[index] = m->term;
    m->lens[index] = len;
  }
  if (prng_below(&m->p, 10) == 0) ledger_rollback(m->r.ledger);
  else CU_ASSERT_FATAL(ledger_commit(m->r.ledger) == STATUS_OK);
}

/* Only what is synced is committed, as a group that syncs before it answers. */
static void step_commit(struct model *m) {
  int64_t synced = m->r.marks->synced_index;
  if (synced >= 0) ledger_set_committed(m->r.ledger, synced - (int64_t)prng_below(&m->p, 3));
}

static void step_truncate(struct model *m) {
  const struct ledger_marks *marks = m->r.marks;
  int64_t from = marks->committed_index + 1, room = marks->end_index - from + 1;
  if (room <= 0 || from < marks->begin_index) return;
  if (from == 0) from = 1;
  if (from > marks->end_index) return;
  int64_t index = from + (int64_t)prng_below(&m->p, (uint64_t)(marks->end_index - from + 1));
  CU_ASSERT(ledger_truncate(m->r.ledger, index) == STATUS_OK);
  m->term++;
}

static void step(struct model *m) {
  switch (prng_below(&m->p, 9)) {
  case 0:
    ledger_sync(m->r.ledger);
    break;
  case 1:
    rig_run(&m->r, 1 + (int64_t)prng_below(&m->p, 50));
    break;
  case 2:
    rig_run(&m->r, (int64_t)prng_below(&m->p, 4000));
    break;
  case 3:
    step_commit(m);
    break;
  case 4:
    step_truncate(m);
    break;
  case 5:
    (void)!ledger_drop_first(m->r.ledger);
    break;
  default:
    step_append(m);
    break;
  }
}

static void live(struct model *m) {
  for (int i = 0; i < STEPS; i++) step(m);
}

static void check_content(struct model *m, int64_t until) {
  for (int64_t i = m->r.marks->begin_index; i >= 0 && i <= until; i++) {
    struct entry e;
    CU_ASSERT_FATAL(ledger_get(m->r.ledger, i, &e) == STATUS_OK);
    CU_ASSERT(e.term == m->terms[i] && e.body.len == m->lens[i]);
  }
}

/* The model takes over what came back of the unsynced tail. */
static void learn(struct model *m) {
  for (int64_t i = m->r.marks->begin_index; i >= 0 && i <= m->r.marks->end_index; i++) {
    struct entry e;
    CU_ASSERT_FATAL(ledger_get(m->r.ledger, i, &e) == STATUS_OK);
    m->terms[i] = e.term;
    m->lens[i] = e.body.len;
    if (e.term > m->term) m->term = e.term;
  }
}

static void lives(uint64_t seed, enum sim_stop how) {
  struct model *m = calloc(1, sizeof *m);
  CU_ASSERT_FATAL(m != NULL);
  rig_init(&m->r, seed);
  prng_init(&m->p, seed);
  rig_must_open(&m->r);
  for (int life = 0; life < LIVES; life++) {
    live(m);
    struct ledger_marks before = *m->r.marks;
    rig_check(&m->r);
    rig_crash(&m->r, how);
    rig_must_open(&m->r);
    const struct ledger_marks *after = m->r.marks;
    CU_ASSERT(after->damaged_index == -1);
    CU_ASSERT(after->end_index >= before.synced_index);
    CU_ASSERT(after->committed_index <= before.committed_index);
    /* What was staged and taken back may have been written early; nobody was told of it. */
    if (how == SIM_KILL) CU_ASSERT(after->end_index >= before.end_index && after->end_pos >= before.end_pos);
    rig_check(&m->r);
    check_content(m, how == SIM_KILL ? before.end_index : before.synced_index);
    learn(m);
  }
  rig_fini(&m->r);
  free(m);
}

static uint64_t seeds(uint64_t otherwise) {
  const char *text = getenv("DLEDGER_SEEDS");
  return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

void test_crash_power_cuts(void) {
  for (uint64_t seed = 1; seed <= seeds(60); seed++) lives(seed, SIM_POWER_OFF);
}

void test_crash_kills(void) {
  for (uint64_t seed = 1; seed <= seeds(20); seed++) lives(seed, SIM_KILL);
}

/* Power goes at every disk call of a truncation, a reset or a cut of damage. */
void test_crash_cuts(void) {
  for (int way = 0; way < 3; way++) {
    bool through = false;
    for (uint64_t after = 0; after < 100 && !through; after++) {
      struct rig r;
      struct sim_disk_fault fault = {SIM_OPEN | SIM_WRITE | SIM_SYNC | SIM_NAMES, after, STATUS_IO, true, true};
      rig_init(&r, after);
      rig_must_open(&r);
      for (int i = 0; i < 30; i++) rig_append(&r, (size_t)(i * 37 % 400), 1);
      ledger_sync(r.ledger);
      rig_run(&r, 5000);
      CU_ASSERT(r.marks->synced_index == 29);
      ledger_set_committed(r.ledger, way == 0 ? 9 : 2);
      sim_disk_fail(r.host, &fault);
      enum status status = way == 0   ? ledger_truncate(r.ledger, 10)
                           : way == 1 ? ledger_reset(r.ledger, 50, 50 * RIG_DATA_LENGTH)
                                      : ledger_cut_damaged(r.ledger, 1);
      through = status == STATUS_OK;
      sim_disk_fail(r.host, NULL);
      rig_crash(&r, SIM_POWER_OFF);
      rig_must_open(&r);
      rig_check(&r);
      /* Nothing is missing in silence: all is there, or it says so, or it was a truncation. */
      bool whole = way == 0 ? r.marks->end_index >= 9 && r.marks->damaged_index == -1
                            : r.marks->damaged_index == 29 || (r.marks->end_index == 29 && !through);
      CU_ASSERT(whole);
      rig_append(&r, 10, 2);
      rig_fini(&r);
    }
    CU_ASSERT(through);
  }
}
