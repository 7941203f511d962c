/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/base/test_base.h"

#include "tests/harness.h"

#define TEST(f) {#f, f}

int main(int argc, char **argv) {
  static const struct test tests[] = {
      TEST(arena_gives_aligned_memory),
      TEST(arena_keeps_its_limit),
      TEST(arena_reset_stops_growing),
      TEST(buf_puts_and_drops),
      TEST(buf_fails_at_its_limit),
      TEST(map_agrees_with_a_naive_one),
      TEST(map_iterates_in_insertion_order),
      TEST(map_allows_removal_while_iterating),
      TEST(timers_agree_with_a_sorted_list),
      TEST(timers_fire_equal_deadlines_in_order),
      TEST(prng_is_splitmix64),
      TEST(prng_below_is_in_range_and_even),
      TEST(span_compares),
      TEST(span_finds_and_trims),
      TEST(span_reads_numbers_like_java),
      TEST(span_writes_numbers),
      TEST(span_copies_text),
      TEST(bytes_are_big_endian),
      TEST(status_has_texts),
      TEST(log_drops_cuts_and_cleans),
      TEST(log_quota_mutes_floods_and_says_so),
      TEST(peer_parses_and_prints),
      TEST(peer_refuses_nonsense),
      {0},
  };
  return run_tests("base", tests, argc, argv);
}
