/* SPDX-License-Identifier: Apache-2.0
 *
 * The tests of core/config, by file.
 */
#ifndef TESTS_UNIT_CONFIG_TESTS_H
#define TESTS_UNIT_CONFIG_TESTS_H

#include "tests/harness.h"

#define CONFIG_TESTS(X)                                                                            \
  X(properties_separators) X(properties_comments) X(properties_continuations)                      \
  X(properties_escapes) X(properties_malformed_escapes) X(properties_stop_at_a_refusal)            \
  X(properties_written_are_read_back) X(config_defaults) X(config_sets_each_type)                  \
  X(config_refusals_are_sentences) X(config_unknown_keys_are_kept) X(config_file_says_line)        \
  X(config_update_is_all_or_nothing) X(config_secrets_stay) X(config_writes_what_it_reads)

#define X(name) void test_##name(void);
CONFIG_TESTS(X)
#undef X

#endif
