/* SPDX-License-Identifier: Apache-2.0
 *
 * The tests of core/wire, by file.
 */
#ifndef TESTS_UNIT_WIRE_TESTS_H
#define TESTS_UNIT_WIRE_TESTS_H

#include "tests/harness.h"

#define WIRE_TESTS(X)                                                                              \
  X(json_reads_the_dialect) X(json_refuses_broken_text) X(json_keeps_its_limits)                   \
  X(json_converts_scalars) X(json_members_match_loosely) X(json_writes_pretty)                     \
  X(json_strings_escape_both_ways) X(json_survives_small_arenas)                                   \
  X(codes_are_all_named) X(headers_round_trip_in_all_forms) X(header_misses_are_named)             \
  X(header_values_are_lenient) X(frame_limits) X(command_limits) X(command_last_duplicate_wins)    \
  X(command_direct_and_lenient_agree) X(command_refuses_every_cut) X(command_null_values)          \
  X(message_round_trip) X(message_refuses_damage) X(message_blank_ends_file)                       \
  X(property_last_one_wins) X(batch_refuses_wrong_lengths) X(compress_both_ways)                   \
  X(uncompress_limits) X(names_at_their_longest) X(message_ids_refuse_nonsense)                    \
  X(bodies_refuse_wrong_kinds) X(register_body_refuses_wrong_parts) X(subscription_drops_doubles)  \
  X(data_version_grows)

#define X(name) void test_##name(void);
WIRE_TESTS(X)
#undef X

#endif
