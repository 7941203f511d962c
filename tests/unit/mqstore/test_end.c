/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the log ends after a crash: what was torn is told, not taken for damage.
 */
#include "tests/unit/mqstore/rig.h"
#include "tests/unit/mqstore/suites.h"
#include "tests/unit/mqstore/verdict.h"

#define LAST "commitlog/00000000000000458752"
enum { END = 460152 - 458752, LAST_SIZE = 280, BODY = 88, PHYSICAL_AT_LOW = 35 };

/* The end of the log as info sees it. */
static int64_t end_of(struct rig *r) {
  CU_ASSERT_FATAL(rig_run(r, "info", "@", "--json", NULL) == EXIT_FINE);
  return json_i64(json_member(json_member(rig_json(r, 0), "commitLog"), "maxOffset"), -1);
}

void test_end_of_log(void) {
  struct rig r;
  uint8_t record[LAST_SIZE], zeros[LAST_SIZE] = {0}, junk[64];
  memset(junk, 0x5A, sizeof junk);
  rig_init(&r, "store/store-a-normal.tar.gz", "store");
  rig_shell(&r, "truncate -s 65536 store/commitlog/00000000000000524288"); /* allocated ahead */
  CU_ASSERT(rig_run(&r, "verify", "@", NULL) == EXIT_FINE);
  CU_ASSERT(end_of(&r) == 460152);

  rig_write(&r, LAST, END, junk, sizeof junk); /* bytes that are no record */
  VERDICT(&r, 0, "note", LAST, END, "64 bytes behind it hold no record");
  CU_ASSERT(end_of(&r) == 460152);

  /* A record that was cut before the body was written. */
  rig_read(&r, LAST, END - LAST_SIZE, record, LAST_SIZE);
  rig_write(&r, LAST, END, zeros, sizeof junk);
  rig_write(&r, LAST, END - LAST_SIZE + BODY, zeros, 60);
  VERDICT(&r, 1, "problem", LAST, END - LAST_SIZE, "does not fit its CRC");
  rig_put(&r, "abort", "");
  rig_write(&r, "checkpoint", 0, zeros, 8); /* nothing was promised */
  VERDICT(&r, 0, "note", LAST, END - LAST_SIZE, "is torn (body CRC)");
  rig_write(&r, LAST, END - LAST_SIZE, record, LAST_SIZE);

  /* The last record is lost as a whole; its unit is not. */
  rig_write(&r, LAST, END - LAST_SIZE, zeros, LAST_SIZE);
  VERDICT(&r, 0, "note", "consumequeue/Log_86xf/3/00000000000000000000", 36 * 20, "the log ends at 459872");
  CU_ASSERT(end_of(&r) == 460152 - LAST_SIZE);

  /* An older record behind the end, from before a recovery: older than the last that counts. */
  record[56 + 5]--; /* 65 s earlier */
  rig_write(&r, LAST, END - LAST_SIZE, zeros, LAST_SIZE);
  record[PHYSICAL_AT_LOW] = (uint8_t)(record[PHYSICAL_AT_LOW] + 64);
  rig_write(&r, LAST, END - LAST_SIZE + 64, record, LAST_SIZE);
  VERDICT(&r, 0, "note", LAST, END - LAST_SIZE, "1 older records that a recovery cut off");
  rig_fini(&r);
}
