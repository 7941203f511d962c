/* SPDX-License-Identifier: Apache-2.0
 *
 * harness: one way to run CUnit suites in every test binary. Prints a line per
 * failed assertion and, last, "NAME: N passed, N failed" counted in tests.
 * An argument runs only the tests whose name contains it.
 */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include <CUnit/CUnit.h>

struct test {
  const char *name;
  void (*run)(void);
};

/* tests ends with {NULL, NULL}. Returns main()'s result: 0 when all passed. */
int run_tests(const char *name, const struct test *tests, int argc, char **argv);

/* Path of a golden file: GOLDEN_DIR from the environment or $srcdir/tests/golden, plus "/name". Static buffer. */
const char *golden_path(const char *name);

/* Equality of texts with both shown on failure. */
#define ASSERT_SPAN(s, text)                                                                       \
  do {                                                                                             \
    struct span assert_span_ = (s);                                                                \
    if (!span_is(assert_span_, (text)))                                                            \
      printf("    %s:%d: got \"%.*s\", want \"%s\"\n", __FILE__, __LINE__, SPAN_ARG(assert_span_),  \
             (text));                                                                              \
    CU_ASSERT(span_is(assert_span_, (text)));                                                      \
  } while (0)

#endif
