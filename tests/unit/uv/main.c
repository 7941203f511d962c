/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/uv/uv_test.h"

#define ALL_MAX 128

int main(int argc, char **argv) {
  static struct test all[ALL_MAX];
  const struct test *const files[] = {outbox_tests, loop_tests, net_tests, disk_tests, log_tests, thread_tests};
  size_t n = 0;
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
    for (const struct test *t = files[i]; t->name != NULL && n < ALL_MAX - 1; t++) all[n++] = *t;
  return run_tests("uv", all, argc, argv);
}
