/* SPDX-License-Identifier: Apache-2.0
 *
 * verdict: what verify says, looked up.
 */
#ifndef TESTS_UNIT_MQSTORE_VERDICT_H
#define TESTS_UNIT_MQSTORE_VERDICT_H

#include "tests/unit/mqstore/rig.h"

/* Runs verify; it must tell `problems` problems (and exit so), and a line of that kind, file and position whose text
 * contains `text` must be among what it says. position < 0: none. */
void verdict_check(struct rig *r, int64_t problems, const char *kind, const char *file, int64_t position,
                   const char *text, int line);
#define VERDICT(r, problems, kind, file, position, text) \
  verdict_check(r, problems, kind, file, position, text, __LINE__)

#endif
