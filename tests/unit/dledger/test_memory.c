/* SPDX-License-Identifier: Apache-2.0
 *
 * Appending allocates nothing once it runs (the linker puts these between the program and malloc).
 */
#include "tests/unit/dledger/suites.h"

#include <stdlib.h>

static volatile long counting = -1; /* allocations seen; < 0: they are not counted */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static void count(void) {
  if (counting >= 0) counting++;
}

void *__wrap_malloc(size_t size) {
  count();
  return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
  count();
  return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size) {
  count();
  return __real_realloc(p, size);
}

static const struct disk_ops *sim_ops;

/* The imagined disk may allocate. */
static enum status quiet_write(struct disk *disk, struct disk_file *file, int64_t offset, const struct span *parts,
                               size_t n) {
  long kept = counting;
  counting = -1;
  enum status status = sim_ops->write(disk, file, offset, parts, n);
  counting = kept;
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
  counting = 0;
  for (int i = 0; i < 9000; i++) rig_append(&r, 64, 1);
  for (int64_t i = 0; i < 9000; i++) CU_ASSERT(ledger_get(r.ledger, i, &e) == STATUS_OK);
  CU_ASSERT(ledger_run(r.ledger, 5, 100000, &run, &entries) == STATUS_OK && entries > 500);
  long seen = counting;
  counting = -1;
  r.disk->ops = sim_ops;
  CU_ASSERT(seen == 0);
  counting = 0;
  void *volatile p = malloc(1);
  CU_ASSERT(counting == 1); /* it does count */
  counting = -1;
  free(p);
  rig_fini(&r);
}
