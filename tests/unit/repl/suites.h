/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_REPL_SUITES_H
#define TESTS_UNIT_REPL_SUITES_H

/* test_golden.c: bytes that a Java master and a Java slave exchanged */
void java_slave_fresh(void);
void java_slave_resumes(void);
void java_slave_asks_for_odd_places(void);
void java_master_fresh(void);
void java_master_resume(void);

/* test_raw.c: the store's side */
void raw_pieces_of_any_size(void);
void raw_damage_is_refused(void);
void raw_kill_in_the_middle(void);
void raw_begins_where_a_file_begins(void);
void raw_queues_are_built(void);
void raw_last_record(void);
void raw_failed_write_leaves_nothing(void);
void raw_odd_queue_offsets(void);

/* test_master.c */
void master_keeps_a_dead_slave_20_s(void);
void master_bounds_what_waits(void);
void master_waits_for_the_network(void);
void master_counts_acks_per_link(void);
void master_needs_as_many_as_are_asked_for(void);
void master_knows_a_slave_that_comes_again(void);
void master_has_no_slave_when_all_are_far_behind(void);
void master_serves_several(void);
void master_tells_a_slave_that_is_too_slow(void);
void master_hears_nonsense(void);

/* test_slave.c: both sides ours */
void slave_starts_empty_and_follows(void);
void slave_gets_everything_there_is(void);
void slave_resumes_after_each_kind_of_end(void);
void slave_survives_partitions(void);
void slave_survives_clock_jumps(void);
void slave_acks_what_is_on_disk(void);
void slave_asks_when_its_disk_has_it(void);
void slave_waits_for_disk_space(void);
void slave_meets_disk_errors(void);
void slave_finds_a_silent_master(void);
void slave_hears_nonsense(void);
void slave_follows_an_address(void);

/* test_history.c: logs that differ */
void slave_ahead_stops(void);
void slave_ahead_of_java_stops(void);
void slave_with_another_history_stops(void);
void slave_behind_the_minimum_stops(void);
void slave_refuses_damage(void);
void slave_is_set_aside(void);

#endif
