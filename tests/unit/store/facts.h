/* SPDX-License-Identifier: Apache-2.0
 *
 * facts: a golden store on an imagined disk, and what is told about it.
 */
#ifndef TESTS_UNIT_STORE_FACTS_H
#define TESTS_UNIT_STORE_FACTS_H

#include "tests/golden/expected.h"
#include "tests/unit/store/suites.h"

struct facts {
  const char *name;
  struct rig rig;
  struct expected expected;
  const struct json *recovered;
  char levels[256]; /* messageDelayLevel */
};

/* `archived`: the files as they were packed; before the store is opened. */
void facts_archived(struct facts *f);
/* `facts`: what the generator did. */
void facts_told(struct facts *f);

#endif
