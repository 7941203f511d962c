/* SPDX-License-Identifier: Apache-2.0
 *
 * sql_cache: the programs of the texts used lately. A pull may bring its
 * expression along each time; it is compiled once. Agrees with the PARSE_CACHE
 * of SelectorParser in purpose, not in size.
 */
#ifndef MQ_FILTER_SQL_CACHE_H
#define MQ_FILTER_SQL_CACHE_H

#include "core/base/map.h"
#include "core/filter/sql.h"

#define SQL_CACHE_ENTRIES 64

struct sql_cache_entry {
  struct sql *program;
  uint64_t used; /* turn of the last use */
};

struct sql_cache {
  struct map by_text; /* text -> struct sql_cache_entry */
  struct sql_cache_entry entries[SQL_CACHE_ENTRIES];
  uint64_t turn;
};

void sql_cache_init(struct sql_cache *c, uint64_t seed);
void sql_cache_fini(struct sql_cache *c);
/* *out belongs to the cache and lives until the next call. Failures are those of sql_compile and not kept. */
enum status sql_cache_get(struct sql_cache *c, struct span text, const struct sql_limits *limits,
                          const struct sql **out, struct sql_error *error) MUST_USE;

#endif
