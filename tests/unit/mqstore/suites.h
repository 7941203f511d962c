/* SPDX-License-Identifier: Apache-2.0
 *
 * The tests of mqstore, file by file.
 */
#ifndef TESTS_UNIT_MQSTORE_SUITES_H
#define TESTS_UNIT_MQSTORE_SUITES_H

void test_golden_normal(void);
void test_golden_delay(void);
void test_golden_transactions(void);
void test_golden_ipv6(void);
void test_golden_ext(void);
void test_golden_killed(void);
void test_golden_lag(void);
void test_golden_noqueue(void);
void test_golden_dledger(void);
void test_golden_dledger_bare(void);

void test_damage_log(void);
void test_damage_queue(void);
void test_damage_units_off(void);
void test_damage_index(void);
void test_damage_index_again(void);
void test_damage_files(void);
void test_damage_ext(void);
void test_damage_dledger(void);
void test_damage_dledger_sums(void);
void test_damage_deleted_topic(void);
void test_end_of_log(void);

void test_rebuild(void);
void test_rebuild_ext(void);
void test_rebuild_refusals(void);
void test_repair_speaks(void);
void test_repair_skip(void);
void test_repair_skip_over_files(void);
void test_repair_cut(void);
void test_repair_refusals(void);
void test_compare(void);
void test_messages(void);
void test_usage(void);
void test_info(void);

#endif
