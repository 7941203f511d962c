/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/dledger/suites.h"

int main(int argc, char **argv) {
#define X(name) {#name, test_##name},
  static const struct test tests[] = {DLEDGER_TESTS(X){NULL, NULL}};
#undef X
  return run_tests("dledger", tests, argc, argv);
}
