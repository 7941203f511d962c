/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_STORE_SUITES_H
#define TESTS_UNIT_STORE_SUITES_H

#include "tests/unit/store/rig.h"

#define STORE_TESTS(X) \
  X(put_get)

#define X(name) void test_##name(void);
STORE_TESTS(X)
#undef X

#endif
