/* SPDX-License-Identifier: Apache-2.0
 *
 * The n-th allocation fails, for every n: a registration or a change of items
 * is then refused, leaves the tables whole, and succeeds when tried again.
 */
#include "tests/memory.h"
#include "tests/unit/namesrv/stage.h"
#include "tests/unit/namesrv/test_namesrv.h"

#include <stdlib.h>

enum { ALLOCATIONS_MAX = 500 };

/* So many more allocations succeed, and none after them, until told otherwise. */
static void memory_lasts(long allocations) {
  memory_fail((uint64_t)allocations + 1, UINT64_MAX);
  memory_arm();
}

/* The invariant of routes.h. */
static void expect_whole(const struct routes *r) {
  for (struct map_entry *e = map_first(&r->topics); e; e = map_next(&r->topics, e)) {
    const struct topic *t = e->value;
    CU_ASSERT(t->count > 0);
    for (size_t i = 0; i < t->count; i++) {
      const struct broker_group *g = t->queues[i].group;
      CU_ASSERT(map_get(&r->groups, g->name) == g);
    }
  }
  for (struct map_entry *e = map_first(&r->groups); e; e = map_next(&r->groups, e))
    CU_ASSERT(((struct broker_group *)e->value)->address_count > 0);
  for (struct map_entry *e = map_first(&r->clusters); e; e = map_next(&r->clusters, e)) {
    const struct cluster *c = e->value;
    CU_ASSERT(map_count(&c->groups) > 0);
    for (struct map_entry *m = map_first(&c->groups); m; m = map_next(&c->groups, m))
      CU_ASSERT(map_get(&r->groups, m->key) == m->value);
  }
}

static struct topic_config configs[] = {
    {.name = {(const uint8_t *)"T", 1}, .read_queues = 4, .write_queues = 4, .perm = 6},
    {.name = {(const uint8_t *)"U", 1}, .read_queues = 1, .write_queues = 1, .perm = 6},
};

static enum status try_register(struct routes *r, const char *name, const char *address, int64_t counter) {
  struct topic_table table = {.version = {counter, 1}, .topics = configs, .count = 2};
  struct span filter = SPAN_LITERAL("f:1");
  struct registration reg = {.cluster = SPAN_LITERAL("C"),
                             .broker_name = span_text(name),
                             .address = span_text(address),
                             .ha_address = SPAN_LITERAL("h:1"),
                             .conn = 1,
                             .topics = &table,
                             .filter_servers = &filter,
                             .filter_server_count = 1};
  struct registered told;
  const char *why = NULL;
  enum status status = routes_register(r, &reg, &told, &why, (struct moment){1, 1});
  CU_ASSERT(status == STATUS_OK || why != NULL);
  return status;
}

/* The broker has registered as `before` (NULL: it is new) and now registers as a, a:1, version 1. */
static long torture_registration(const char *before, const char *address, int64_t counter) {
  struct routes_limits limits = {100, 100};
  long n = 0;
  for (; n < ALLOCATIONS_MAX; n++) {
    struct routes r;
    struct arena arena;
    struct topic_route route;
    routes_init(&r, &limits, NULL, 1);
    arena_init(&arena, 1 << 20);
    CU_ASSERT(try_register(&r, "other", "o:1", 0) == STATUS_OK);
    if (before != NULL) CU_ASSERT(try_register(&r, before, address, counter) == STATUS_OK);
    memory_lasts(n);
    enum status status = try_register(&r, "a", "a:1", 1);
    memory_hold();
    expect_whole(&r);
    CU_ASSERT(status == STATUS_OK || status == STATUS_NO_MEMORY);
    CU_ASSERT(try_register(&r, "a", "a:1", 1) == STATUS_OK);
    CU_ASSERT(routes_of_topic(&r, SPAN_LITERAL("U"), &arena, &route) == STATUS_OK);
    CU_ASSERT(span_is(route.queues[route.queue_count - 1].broker_name, "a"));
    routes_connection_closed(&r, 1);
    CU_ASSERT(map_count(&r.topics) + map_count(&r.groups) + map_count(&r.clusters) + map_count(&r.live) == 0);
    routes_fini(&r);
    arena_fini(&arena);
    if (status == STATUS_OK) break;
  }
  return n;
}

void test_torture_registration(void) {
  long fresh = torture_registration(NULL, NULL, 0);
  long moved = torture_registration("a", "a:2", 0);
  long renamed = torture_registration("b", "a:1", 1); /* the same process and version under another name */
  CU_ASSERT(fresh > 5 && fresh < ALLOCATIONS_MAX);
  CU_ASSERT(moved > 5 && moved < ALLOCATIONS_MAX);
  CU_ASSERT(renamed > 5 && renamed < ALLOCATIONS_MAX);
}

void test_torture_kv(void) {
  long n = 0;
  for (; n < ALLOCATIONS_MAX; n++) {
    struct memory_disk disk;
    struct kv kv;
    memory_disk_init(&disk);
    kv_init(&kv, &disk.disk, STAGE_KV, 4096, 1, NULL);
    CU_ASSERT(kv_put(&kv, SPAN_LITERAL("ns"), SPAN_LITERAL("k"), SPAN_LITERAL("v")) == STATUS_OK);
    memory_lasts(n);
    enum status put = kv_put(&kv, SPAN_LITERAL("ns"), SPAN_LITERAL("k"), SPAN_LITERAL("w"));
    enum status fresh = put == STATUS_OK ? kv_put(&kv, SPAN_LITERAL("new"), SPAN_LITERAL("k"), SPAN_LITERAL("x")) : put;
    memory_hold();
    ASSERT_SPAN(kv_get(&kv, SPAN_LITERAL("ns"), SPAN_LITERAL("k")), put == STATUS_OK ? "w" : "v");
    CU_ASSERT((kv_get(&kv, SPAN_LITERAL("new"), SPAN_LITERAL("k")).ptr != NULL) == (fresh == STATUS_OK));
    kv_fini(&kv);
    memory_disk_fini(&disk);
    if (fresh == STATUS_OK) break;
  }
  CU_ASSERT(n > 2 && n < ALLOCATIONS_MAX);
}
