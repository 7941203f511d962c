/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_BASE_H
#define TEST_BASE_H

/* memory_test.c */
void arena_gives_aligned_memory(void);
void arena_keeps_its_limit(void);
void arena_reset_stops_growing(void);
void buf_puts_and_drops(void);
void buf_fails_at_its_limit(void);
/* order_test.c */
void map_agrees_with_a_naive_one(void);
void map_iterates_in_insertion_order(void);
void map_allows_removal_while_iterating(void);
void timers_agree_with_a_sorted_list(void);
void timers_fire_equal_deadlines_in_order(void);
void prng_is_splitmix64(void);
void prng_below_is_in_range_and_even(void);
/* text_test.c */
void span_compares(void);
void span_finds_and_trims(void);
void span_reads_numbers_like_java(void);
void span_writes_numbers(void);
void span_copies_text(void);
void bytes_are_big_endian(void);
void status_has_texts(void);
void log_drops_cuts_and_cleans(void);
void log_quota_mutes_floods_and_says_so(void);
void peer_parses_and_prints(void);
void peer_refuses_nonsense(void);

#endif
