/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/namesrv/test_namesrv.h"

#include "tests/harness.h"

#include <stddef.h>

#define NAMESRV_TEST_ROW(name) {#name, test_##name},
static const struct test tests[] = {NAMESRV_TESTS(NAMESRV_TEST_ROW){NULL, NULL}};

int main(int argc, char **argv) { return run_tests("namesrv", tests, argc, argv); }
