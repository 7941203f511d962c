/* SPDX-License-Identifier: Apache-2.0
 *
 * The tests of each file, ended with {NULL, NULL}.
 */
#ifndef TESTS_CLIENT_TEST_CLIENT_H
#define TESTS_CLIENT_TEST_CLIENT_H

#include "tests/harness.h"

extern const struct test parts_tests[], send_tests[], push_tests[], ordered_tests[], asked_tests[], api_tests[];

#endif
