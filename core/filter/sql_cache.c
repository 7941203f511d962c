/* SPDX-License-Identifier: Apache-2.0 */
#include "core/filter/sql_cache.h"

void sql_cache_init(struct sql_cache *c, uint64_t seed) {
  *c = (struct sql_cache){.turn = 0};
  map_init(&c->by_text, seed);
}

void sql_cache_fini(struct sql_cache *c) {
  for (size_t i = 0; i < SQL_CACHE_ENTRIES; i++) sql_free(c->entries[i].program);
  map_fini(&c->by_text);
}

/* A free place, or that of the text not used for the longest time, which is forgotten. */
static struct sql_cache_entry *make_room(struct sql_cache *c) {
  struct sql_cache_entry *e = &c->entries[0];
  for (size_t i = 1; i < SQL_CACHE_ENTRIES; i++)
    if (c->entries[i].used < e->used) e = &c->entries[i];
  if (e->program != NULL) {
    map_remove(&c->by_text, sql_text(e->program));
    sql_free(e->program);
    *e = (struct sql_cache_entry){.used = 0};
  }
  return e;
}

enum status sql_cache_get(struct sql_cache *c, struct span text, const struct sql_limits *limits,
                          const struct sql **out, struct sql_error *error) {
  struct sql_cache_entry *e = map_get(&c->by_text, text);
  *out = NULL;
  if (e == NULL) {
    struct sql *program;
    enum status status = sql_compile(text, limits, &program, error);
    if (status != STATUS_OK) return status;
    e = make_room(c);
    status = map_put(&c->by_text, text, e, NULL);
    if (status != STATUS_OK) {
      *error = (struct sql_error){1, "out of memory"};
      sql_free(program);
      return status;
    }
    e->program = program;
  }
  e->used = ++c->turn;
  *out = e->program;
  return STATUS_OK;
}
