/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness.h"

#include <CUnit/TestRun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned passed, failed;

static void test_complete(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failure) {
  (void)suite;
  if (failure == NULL) {
    passed++;
    return;
  }
  failed++;
  for (CU_pFailureRecord f = failure; f != NULL; f = f->pNext)
    printf("  FAIL %s: %s:%u: %s\n", test->pName, f->strFileName, f->uiLineNumber, f->strCondition);
}

int run_tests(const char *name, const struct test *tests, int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (CU_initialize_registry() != CUE_SUCCESS) return 2;
  CU_pSuite suite = CU_add_suite(name, NULL, NULL);
  for (const struct test *t = tests; t->name != NULL; t++)
    if (argc < 2 || strstr(t->name, argv[1]) != NULL) CU_add_test(suite, t->name, t->run);
  CU_set_test_complete_handler(test_complete);
  CU_run_all_tests();
  CU_cleanup_registry();
  printf("%s: %u passed, %u failed\n", name, passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}

const char *golden_path(const char *name) {
  static char path[4096];
  const char *dir = getenv("GOLDEN_DIR");
  const char *srcdir = getenv("srcdir");
  if (dir != NULL)
    snprintf(path, sizeof path, "%s/%s", dir, name);
  else
    snprintf(path, sizeof path, "%s/tests/golden/%s", srcdir != NULL ? srcdir : ".", name);
  return path;
}
