/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/repl/suites.h"

#include "tests/harness.h"

#define TEST(f) \
  { #f, f }

int main(int argc, char **argv) {
  static const struct test tests[] = {TEST(raw_pieces_of_any_size),
                                      TEST(raw_damage_is_refused),
                                      TEST(raw_kill_in_the_middle),
                                      TEST(raw_begins_where_a_file_begins),
                                      TEST(raw_queues_are_built),
                                      TEST(raw_last_record),
                                      TEST(raw_failed_write_leaves_nothing),
                                      TEST(raw_odd_queue_offsets),
                                      TEST(java_slave_fresh),
                                      TEST(java_slave_resumes),
                                      TEST(java_slave_asks_for_odd_places),
                                      TEST(java_master_fresh),
                                      TEST(java_master_resume),
                                      TEST(master_keeps_a_dead_slave_20_s),
                                      TEST(master_bounds_what_waits),
                                      TEST(master_waits_for_the_network),
                                      TEST(master_counts_acks_per_link),
                                      TEST(master_needs_as_many_as_are_asked_for),
                                      TEST(master_knows_a_slave_that_comes_again),
                                      TEST(master_has_no_slave_when_all_are_far_behind),
                                      TEST(master_serves_several),
                                      TEST(master_tells_a_slave_that_is_too_slow),
                                      TEST(master_hears_nonsense),
                                      TEST(slave_starts_empty_and_follows),
                                      TEST(slave_gets_everything_there_is),
                                      TEST(slave_resumes_after_each_kind_of_end),
                                      TEST(slave_survives_partitions),
                                      TEST(slave_survives_clock_jumps),
                                      TEST(slave_acks_what_is_on_disk),
                                      TEST(slave_asks_when_its_disk_has_it),
                                      TEST(slave_waits_for_disk_space),
                                      TEST(slave_meets_disk_errors),
                                      TEST(slave_finds_a_silent_master),
                                      TEST(slave_hears_nonsense),
                                      TEST(slave_follows_an_address),
                                      TEST(slave_ahead_stops),
                                      TEST(slave_ahead_of_java_stops),
                                      TEST(slave_with_another_history_stops),
                                      TEST(slave_behind_the_minimum_stops),
                                      TEST(slave_refuses_damage),
                                      TEST(slave_is_set_aside),
                                      {0}};
  return run_tests("repl", tests, argc, argv);
}
