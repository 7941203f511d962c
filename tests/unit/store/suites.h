/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_STORE_SUITES_H
#define TESTS_UNIT_STORE_SUITES_H

#include "tests/unit/store/rig.h"

#define STORE_TESTS(X) \
  X(put_get) \
  X(put_refused) \
  X(put_batch) \
  X(put_transactions) \
  X(put_tags_code) \
  X(put_no_space) \
  X(put_failed_write_leaves_nothing) \
  X(put_io_error) \
  X(put_sync_error) \
  X(put_no_space_for_file) \
  X(put_queue_trouble) \
  X(put_large_turn) \
  X(get_offsets) \
  X(get_filter) \
  X(get_walk) \
  X(get_by_time) \
  X(get_queues_and_delete) \
  X(get_many_queues) \
  X(many_tails_per_tick) \
  X(many_synced_at_once) \
  X(many_power_cut_in_between) \
  X(many_sync_fails) \
  X(many_files_stay) \
  X(recover_clean) \
  X(recover_stale_marks) \
  X(recover_killed) \
  X(recover_replays_little) \
  X(recover_power_cut) \
  X(recover_old_records_stay_away) \
  X(recover_refuses_damage) \
  X(recover_cuts_the_last) \
  X(recover_lost_queues) \
  X(recover_false_units) \
  X(recover_old_files_gone) \
  X(recover_refuses_files) \
  X(recover_locked) \
  X(recover_clock_back) \
  X(recover_failing_disk) \
  X(retention_hours) \
  X(retention_by_hour) \
  X(retention_never_the_last) \
  X(retention_by_space) \
  X(retention_forced) \
  X(retention_full) \
  X(retention_no_space) \
  X(retention_by_hand) \
  X(retention_unflushed) \
  X(retention_removal_fails) \
  X(retention_queue_removal_fails) \
  X(retention_readers) \
  X(retention_crash) \
  X(retention_discard) \
  X(format_files) \
  X(format_last_byte) \
  X(format_directories) \
  X(golden_normal) \
  X(golden_killed) \
  X(golden_lag) \
  X(golden_noqueue) \
  X(golden_delay) \
  X(golden_transactions) \
  X(golden_ipv6) \
  X(index_hashes) \
  X(index_names) \
  X(index_golden_normal) \
  X(index_golden_killed) \
  X(index_golden_lag) \
  X(index_golden_noqueue) \
  X(index_golden_delay) \
  X(index_golden_transactions) \
  X(index_golden_ipv6) \
  X(index_bytes_as_java) \
  X(index_layout) \
  X(index_keys) \
  X(index_times) \
  X(index_limits) \
  X(index_many_files) \
  X(index_drop) \
  X(index_off_and_on) \
  X(index_refuses_files) \
  X(index_killed) \
  X(index_power_cut) \
  X(index_reads_little) \
  X(index_torn) \
  X(index_log_is_shorter) \
  X(index_lost) \
  X(index_bad_disk) \
  X(model)

#define X(name) void test_##name(void);
STORE_TESTS(X)
#undef X

#endif
