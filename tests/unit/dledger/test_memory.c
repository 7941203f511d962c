/* SPDX-License-Identifier: Apache-2.0
 *
 * Appending allocates nothing once it runs.
 */
#include "tests/memory.h"
#include "tests/unit/dledger/suites.h"

#include <stdlib.h>

static const struct disk_ops *sim_ops;

/* The imagined disk may allocate. */
static enum status quiet_write(struct disk *disk, struct disk_file *file, int64_t offset, const struct span *parts,
                               size_t n) {
  bool was = memory_hold();
  enum status status = sim_ops->write(disk, file, offset, parts, n);
  memory_release(was);
  return status;
}

void test_append_without_memory(void) {
  struct rig r;
  struct entry e;
  struct span run;
  size_t entries;
  rig_init(&r, 1);
  r.options.data_file_length = 8 << 20;
  r.options.index_file_length = 1 << 20;
  rig_must_open(&r);
  for (int i = 0; i < 5000; i++) rig_append(&r, 64, 1);
  CU_ASSERT(ledger_get(r.ledger, 0, &e) == STATUS_OK);
  struct disk_ops ops = *r.disk->ops;
  sim_ops = r.disk->ops;
  ops.write = quiet_write;
  r.disk->ops = &ops;
  memory_fail(0, 0);
  memory_arm();
  for (int i = 0; i < 9000; i++) rig_append(&r, 64, 1);
  for (int64_t i = 0; i < 9000; i++) CU_ASSERT(ledger_get(r.ledger, i, &e) == STATUS_OK);
  CU_ASSERT(ledger_run(r.ledger, 5, 100000, &run, &entries) == STATUS_OK && entries > 500);
  memory_hold();
  uint64_t seen = memory_count();
  r.disk->ops = sim_ops;
  CU_ASSERT(seen == 0);
  memory_fail(0, 0);
  memory_arm();
  void *volatile p = malloc(1);
  memory_hold();
  CU_ASSERT(memory_count() == 1); /* it does count */
  free(p);
  rig_fini(&r);
}
