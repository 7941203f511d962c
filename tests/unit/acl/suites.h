/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_ACL_SUITES_H
#define TESTS_ACL_SUITES_H

void test_addresses_as_java(void);
void test_addresses_mapped(void);

#endif
