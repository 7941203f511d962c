/* SPDX-License-Identifier: Apache-2.0
 *
 * filters_table: how filters are kept, for the two files that fill the table:
 * filters.c from heartbeats, filters_file.c from config/consumerFilter.json.
 */
#ifndef MQBROKER_STATE_FILTERS_TABLE_H
#define MQBROKER_STATE_FILTERS_TABLE_H

#include "mqbroker/state/filters.h"

struct topic_filters { /* FilterDataMapByTopic */
  struct map groups;   /* group -> struct filter */
};

struct group_filters {
  LIST_HEAD(, filter) filters;
};

/* Adds or replaces with a copy of `from`, compiled and with its bits. INVALID: must_compile, and error says why it does
 * not. LIMIT, NO_MEMORY. Other than OK: nothing changed. */
enum status filters_put(struct filters *fs, const struct filter *from, bool must_compile,
                        struct sql_error *error) MUST_USE;
void filters_clear(struct filters *fs);

#endif
