/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_STORE_SUITES_H
#define TESTS_UNIT_STORE_SUITES_H

#include "tests/unit/store/rig.h"

#define STORE_TESTS(X) \
  X(put_get) \
  X(golden_normal) \
  X(golden_killed) \
  X(golden_lag) \
  X(golden_noqueue) \
  X(golden_delay) \
  X(golden_transactions) \
  X(golden_ipv6) \
  X(model)

#define X(name) void test_##name(void);
STORE_TESTS(X)
#undef X

#endif
