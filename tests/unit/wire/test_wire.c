/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/wire/wire_tests.h"

int main(int argc, char **argv) {
  static const struct test tests[] = {
#define X(name) {#name, test_##name},
      WIRE_TESTS(X)
#undef X
          {NULL, NULL},
  };
  return run_tests("unit/wire", tests, argc, argv);
}
