/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_DLEDGER_SUITES_H
#define TESTS_UNIT_DLEDGER_SUITES_H

#include "tests/unit/dledger/rig.h"

#define DLEDGER_TESTS(X)     \
  X(entry_bytes)             \
  X(entry_checksums)         \
  X(append_one)              \
  X(append_in_place)         \
  X(append_fillers)          \
  X(append_many)             \
  X(append_follower)         \
  X(append_follower_refuses) \
  X(append_limits)           \
  X(append_rollback)         \
  X(append_failing_disk)     \
  X(append_first_pos)        \
  X(append_without_memory)   \
  X(read_find_and_view)      \
  X(cut_end)                 \
  X(cut_all)                 \
  X(cut_filler)              \
  X(cut_reset)               \
  X(cut_oldest)              \
  X(cut_damaged)             \
  X(cut_while_syncing)       \
  X(marks_term)              \
  X(marks_term_lost)         \
  X(marks_committed)         \
  X(marks_sync)              \
  X(marks_checkpoint)        \
  X(marks_committed_early)   \
  X(marks_failed_sync)       \
  X(recover_closed)          \
  X(recover_killed)          \
  X(recover_index_lost)      \
  X(recover_index_wrong)     \
  X(recover_torn_tail)       \
  X(recover_stale_entry)     \
  X(recover_damage)          \
  X(recover_damage_of_java)  \
  X(recover_every_bit)       \
  X(recover_middle_of_file)  \
  X(recover_data_gone)       \
  X(recover_refuses_files)   \
  X(recover_failing_disk)    \
  X(recover_locked)          \
  X(crash_power_cuts)        \
  X(crash_kills)             \
  X(crash_cuts)              \
  X(golden_brokers)          \
  X(golden_bare)             \
  X(golden_catch_up)         \
  X(message_trace)           \
  X(message_bytes)           \
  X(message_tolerance)       \
  X(message_frames)          \
  X(batch_bytes)             \
  X(batch_refused)           \
  X(batch_reply)             \
  X(base64_both_ways)        \
  X(peers_good)              \
  X(peers_bad)               \
  X(peers_numbers)

#define X(name) void test_##name(void);
DLEDGER_TESTS(X)
#undef X

#endif
