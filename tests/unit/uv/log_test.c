/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/uv/uv_test.h"

const struct test log_tests[] = {{NULL, NULL}};
