/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sim/test_sim.h"

#include "tests/harness.h"

int main(int argc, char **argv) {
  static const struct test tests[] = {
#define X(name) {#name, name},
      SIM_TESTS(X)
#undef X
      {0},
  };
  return run_tests("sim", tests, argc, argv);
}
