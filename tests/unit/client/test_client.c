/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/client/test_client.h"

#include <stddef.h>

enum { TESTS_MAX = 128 };

int main(int argc, char **argv) {
  const struct test *const suites[] = {parts_tests, send_tests, push_tests, ordered_tests, asked_tests, api_tests};
  struct test all[TESTS_MAX + 1];
  size_t n = 0;
  for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
    for (const struct test *t = suites[i]; t->name != NULL && n < TESTS_MAX; t++) all[n++] = *t;
  all[n] = (struct test){NULL, NULL};
  return run_tests("test_client", all, argc, argv);
}
