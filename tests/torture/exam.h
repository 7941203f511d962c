/* SPDX-License-Identifier: Apache-2.0
 *
 * exam: the disk of a broker as a crash leaves it at this very moment, in
 * another machine, with a new broker on it that must keep every promise.
 */
#ifndef TESTS_TORTURE_EXAM_H
#define TESTS_TORTURE_EXAM_H

#include "tests/torture/stand.h"

enum loss {
  LOSS_NONE, /* kill -9 */
  LOSS_ALL,  /* the power went, and with it all that was not synced */
  LOSS_TORN  /* the power went; of what was not synced some sectors, some names are left */
};

struct crash {
  enum loss loss;
  uint64_t seed;
  bool amid;      /* half of the write that is about to come happens, too */
  uint64_t again; /* the recovery crashes, too, before its call of this number; 0: no */
  bool again_all; /* before every one of its calls, one after the other */
};

/* Adds to *count how many crashes were looked at. Text of what is wrong, or "". */
void exam_crash(const struct stand *from, const struct crash *crash, uint64_t *count, char violation[512]);

#endif
