/* SPDX-License-Identifier: Apache-2.0
 *
 * map: byte-string key -> pointer. Copies the key, does not own the value.
 * Iteration goes in insertion order, so equal histories give equal order
 * (the simulator depends on it). Not thread-safe.
 */
#ifndef MQ_BASE_MAP_H
#define MQ_BASE_MAP_H

#include "core/base/span.h"
#include "core/base/status.h"

struct map_entry {
  struct span key; /* owned by the map; NUL-terminated; ptr NULL = removed */
  void *value;
  uint64_t hash;
};

struct map {
  struct map_entry *entries; /* insertion order, with holes */
  size_t entry_count;        /* holes included */
  size_t entry_cap;
  size_t live;
  uint32_t *slots; /* index + 1 into entries; 0 empty; UINT32_MAX removed */
  size_t slot_cap; /* power of two */
  uint64_t seed;
};

/* seed: mixes the hash so that peers cannot choose collisions; the simulator gives a fixed one. */
void map_init(struct map *m, uint64_t seed);
void map_fini(struct map *m); /* frees keys, not values */
void *map_get(const struct map *m, struct span key); /* NULL: none */
/* Adds or replaces. The old value, if any, is given in *old (old may be NULL). */
enum status map_put(struct map *m, struct span key, void *value, void **old) MUST_USE;
void *map_remove(struct map *m, struct span key); /* gives the value; NULL: none */
static inline size_t map_count(const struct map *m) { return m->live; }

/* for (struct map_entry *e = map_first(m); e; e = map_next(m, e)): removing any entry inside is allowed, adding is not. */
struct map_entry *map_first(const struct map *m);
struct map_entry *map_next(const struct map *m, struct map_entry *e);

#endif
