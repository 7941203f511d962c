/* SPDX-License-Identifier: Apache-2.0
 *
 * command_forms: the two header serialisations behind command.h, and the list
 * in which both collect ext fields. Private to core/wire.
 */
#ifndef MQ_WIRE_COMMAND_FORMS_H
#define MQ_WIRE_COMMAND_FORMS_H

#include "core/wire/command.h"

struct ext_list {
  struct arena *arena;
  struct ext *ext;
  size_t count;
  size_t cap;
  size_t limit;
  uint64_t seen; /* one bit per kind of key: a clear bit proves that there is no duplicate */
};

/* Adds a field or replaces the value of one with that key (the last one wins, as in a Java map). value may be
 * SPAN_NONE (JSON null). LIMIT with *why, NO_MEMORY. */
enum status ext_list_put(struct ext_list *list, struct span key, struct span value, const char **why) MUST_USE;
void ext_list_clear(struct ext_list *list);

/* Fill all of out but serialize, ext and body. */
enum status command_from_json(struct command *out, struct span header, const struct command_limits *limits,
                              struct ext_list *list, const char **why) MUST_USE;
enum status command_from_rocketmq(struct command *out, struct span header, struct ext_list *list,
                                  const char **why) MUST_USE;

/* Index of a language name in any case, LANGUAGE_NONE if there is none. */
int language_from_name(struct span name);

#endif
