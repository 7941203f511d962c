/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_SIM_H
#define TEST_SIM_H

/* Names of the tests, by file. */
#define SIM_TESTS(X)                                                                                                   \
  /* net_test.c */                                                                                                     \
  X(echo_meets_every_boundary)                                                                                         \
  X(listen_has_one_owner_per_port)                                                                                     \
  X(connect_needs_a_listener)                                                                                          \
  X(connect_by_address_and_name)                                                                                       \
  X(sends_before_the_connection_is_open_arrive)                                                                        \
  X(close_sends_what_is_in_the_outbox)                                                                                 \
  X(close_is_not_told_to_its_caller)                                                                                   \
  X(nonsense_closes_the_connection)                                                                                    \
  X(paused_reader_makes_a_backlog)                                                                                     \
  X(close_waits_behind_a_pause)                                                                                        \
  X(borrowed_bytes_leave_at_the_flush)                                                                                 \
  X(a_host_can_talk_to_itself)                                                                                         \
  X(same_seed_same_history)                                                                                            \
  X(the_world_is_fast)                                                                                                 \
  /* fault_test.c */                                                                                                   \
  X(cut_delays_and_heal_delivers)                                                                                      \
  X(cut_one_way_lets_the_other_through)                                                                                \
  X(connect_times_out_when_cut)                                                                                        \
  X(connect_survives_a_short_cut)                                                                                      \
  X(killed_program_ends_its_connections)                                                                               \
  X(exit_sends_what_was_sent)                                                                                          \
  X(power_off_leaves_peers_half_open)                                                                                  \
  X(unanswered_peer_is_given_up)                                                                                       \
  X(resets_reach_both_ends)                                                                                            \
  X(random_resets_never_reorder)                                                                                       \
  X(stopped_host_ignores_calls)                                                                                        \
  X(stalled_program_sleeps_on)                                                                                         \
  /* clock_test.c */                                                                                                   \
  X(node_is_woken_when_it_asked)                                                                                       \
  X(node_that_never_rests_lets_time_pass)                                                                              \
  X(clocks_jump_and_drift)                                                                                             \
  X(calls_come_in_order)                                                                                               \
  X(trace_tells_in_simulated_ms)                                                                                       \
  /* disk_test.c */                                                                                                    \
  X(file_reads_what_was_written)                                                                                       \
  X(view_is_coherent)                                                                                                  \
  X(names_behave)                                                                                                      \
  X(list_is_sorted)                                                                                                    \
  X(lock_is_held_by_one)                                                                                               \
  X(full_disk_says_so)                                                                                                 \
  X(nth_call_fails)                                                                                                    \
  X(failing_write_may_tear)                                                                                            \
  /* crash_test.c */                                                                                                   \
  X(kill_keeps_everything)                                                                                             \
  X(power_off_keeps_what_was_synced)                                                                                   \
  X(unsynced_write_is_kept_dropped_or_torn)                                                                            \
  X(sectors_hold_some_version)                                                                                         \
  X(sync_start_covers_what_was_before)                                                                                 \
  X(closing_leaves_a_sync_to_finish)                                                                                   \
  X(failed_sync_is_not_made_good)                                                                                      \
  X(failed_sync_of_a_new_file)                                                                                          \
  X(new_names_need_a_sync)                                                                                             \
  X(rename_is_all_or_nothing)                                                                                          \
  X(removed_file_may_come_back)                                                                                        \
  X(truncation_may_be_taken_back)                                                                                      \
  /* disk_test.c */                                                                                                    \
  X(sync_of_everything_covers_what_came_before)                                                                        \
  X(sync_of_a_directory_covers_its_names)                                                                              \
  X(data_ends_behind_the_last_byte_written)                                                                            \
  /* whole_test.c */                                                                                                   \
  X(whole_file_is_read_and_replaced)                                                                                   \
  X(replaced_file_is_old_or_new_after_a_crash)                                                                         \
  X(replace_reports_every_failure)                                                                                     \
  X(shifted_file_is_old_or_new_after_a_crash)

#define X(name) void name(void);
SIM_TESTS(X)
#undef X

#endif
