/* SPDX-License-Identifier: Apache-2.0
 *
 * Logs that are not the beginning of one another: found, told, and never
 * mixed (Java appends behind whatever there is).
 */
#include "tests/unit/repl/rig.h"
#include "tests/unit/repl/suites.h"

#include <stdlib.h>

struct pair {
  struct sim_world *world;
  struct side master, slave;
};

static void pair_begin(struct pair *p) {
  p->world = sim_world_new(1);
  side_init(&p->master, p->world, "master", SIDE_MASTER);
  side_init(&p->slave, p->world, "slave", SIDE_SLAVE);
  side_start(&p->master);
  side_start(&p->slave);
  run(p->world, 100);
}

static void pair_end(struct pair *p) {
  side_fini(&p->slave);
  side_fini(&p->master);
  sim_world_free(p->world);
}

static bool stopped_for(struct side *s, const char *reason) {
  const char *why = s->repl->ops->stopped(s->repl);
  bool right = why != NULL && strstr(why, reason) != NULL;
  if (!right) printf("    want \"%s\", it says \"%s\"\n", reason, why == NULL ? "(nothing)" : why);
  return right;
}

/* The master comes back without its newest messages. */
static void master_forgets(struct pair *p, int keep) {
  side_put(&p->master, keep, 1000);
  run(p->world, 20000); /* written and synced everywhere */
  side_put(&p->master, 5, 1000);
  run(p->world, 50);
  CU_ASSERT_FATAL(store_log_max(p->slave.store) == store_log_max(p->master.store));
  size_t len;
  int64_t lost = store_log_max(p->master.store);
  uint8_t *bytes = log_copy(&p->master, 0, &len);
  struct buf why;
  buf_init(&why, 4096);
  side_stop(&p->master, SIM_EXIT);
  sim_boot(p->master.host);
  CU_ASSERT_FATAL(store_set_aside(&p->master.store_config, sim_host_disk(p->master.host), 1, &why) == STATUS_OK);
  side_start(&p->master);
  /* What it keeps ends with a record. */
  int64_t at = 0;
  while (at + get_i32(bytes + at) < lost - 2000) at += get_i32(bytes + at);
  CU_ASSERT_FATAL(side_append(&p->master, 0, span_of(bytes, (size_t)at)) == STATUS_OK);
  free(bytes);
  buf_fini(&why);
}

void slave_ahead_stops(void) {
  struct pair p;
  pair_begin(&p);
  master_forgets(&p, 20);
  int64_t end = store_log_max(p.slave.store);
  run(p.world, 20000);
  CU_ASSERT(stopped_for(&p.slave, "different histories"));
  CU_ASSERT(strstr(p.slave.last, "haReseed") != NULL);
  CU_ASSERT(store_log_max(p.slave.store) == end);
  CU_ASSERT(p.master.repl->ops->need(p.master.repl, 1) == REPL_NO_SLAVE);
  /* The master's log grows past the slave's: nothing of it is taken. */
  side_put(&p.master, 50, 1000);
  run(p.world, 20000);
  CU_ASSERT(store_log_max(p.slave.store) == end);
  side_restart(&p.slave, SIM_KILL);
  run(p.world, 2000);
  CU_ASSERT(stopped_for(&p.slave, "different histories"));
  CU_ASSERT(store_log_max(p.slave.store) == end);
  pair_end(&p);
}

/* A Java master says nothing but keepalives for what it does not have. */
void slave_ahead_of_java_stops(void) {
  struct sim_world *world = sim_world_new(1);
  struct wire master;
  struct side slave;
  wire_init(&master, world, "master");
  side_init(&slave, world, "slave", SIDE_SLAVE);
  slave.config.master = NULL;
  side_start(&slave);
  run(world, 10);
  side_put(&slave, 10, 1000); /* as it would have as a master once */
  int64_t last = store_last_record(slave.store);
  wire_listen(&master);
  slave.repl->ops->master_is(slave.repl, SPAN_LITERAL("master:10912"));
  sim_poke(slave.host);
  run(world, 100);
  CU_ASSERT_FATAL(master.open && wire_last_report(&master) == last);
  wire_frame(&master, last, SPAN_NONE);
  run(world, 100);
  CU_ASSERT(slave.repl->ops->stopped(slave.repl) == NULL); /* Java may begin with one */
  wire_frame(&master, last, SPAN_NONE);
  run(world, 100);
  CU_ASSERT(stopped_for(&slave, "does not send offset"));
  /* The first answer to a new slave whose greeting was taken for an offset: it comes again without. */
  side_fini(&slave);
  side_init(&slave, world, "slave-2", SIDE_SLAVE);
  side_start(&slave);
  run(world, 100);
  CU_ASSERT(master.in.len == 2 * HA_REPORT_SIZE);
  wire_forget(&master);
  wire_frame(&master, HA_HELLO, SPAN_NONE);
  run(world, 3000);
  CU_ASSERT(master.in.len == HA_REPORT_SIZE && wire_last_report(&master) == 0);
  side_fini(&slave);
  wire_fini(&master);
  sim_world_free(world);
}

void slave_with_another_history_stops(void) {
  struct pair p;
  pair_begin(&p);
  sim_cut_both(p.master.host, p.slave.host);
  side_put(&p.slave, 10, 1000);
  side_put(&p.master, 100, 1000);
  sim_heal_all(p.world);
  run(p.world, 60000);
  int64_t end = store_log_max(p.slave.store);
  CU_ASSERT(p.slave.repl->ops->stopped(p.slave.repl) != NULL);
  CU_ASSERT(end < store_log_max(p.master.store));
  CU_ASSERT(store_queue_max(p.slave.store, SPAN_LITERAL("t"), 0) == 4); /* and goes on serving */
  pair_end(&p);
}

void slave_behind_the_minimum_stops(void) {
  struct pair p;
  pair_begin(&p);
  side_put(&p.master, 10, 1000);
  run(p.world, 1000);
  side_stop(&p.slave, SIM_EXIT);
  side_put(&p.master, 400, 1000);
  /* The master's first two files are gone. */
  size_t len;
  int64_t begin = 2 * SEGMENT;
  uint8_t *bytes = log_copy(&p.master, begin, &len);
  struct buf why;
  buf_init(&why, 4096);
  side_stop(&p.master, SIM_EXIT);
  sim_boot(p.master.host);
  CU_ASSERT_FATAL(store_set_aside(&p.master.store_config, sim_host_disk(p.master.host), 1, &why) == STATUS_OK);
  buf_fini(&why);
  side_start(&p.master);
  CU_ASSERT_FATAL(side_append(&p.master, begin, span_of(bytes, len)) == STATUS_OK);
  free(bytes);
  sim_boot(p.slave.host);
  side_start(&p.slave);
  run(p.world, 3000);
  CU_ASSERT(stopped_for(&p.slave, "removed what comes next"));
  CU_ASSERT(strstr(p.slave.last, "haReseed") != NULL);
  pair_end(&p);
}

void slave_refuses_damage(void) {
  struct sim_world *world = sim_world_new(1);
  struct wire master;
  struct side slave, source;
  size_t len;
  wire_init(&master, world, "master");
  side_init(&slave, world, "slave", SIDE_SLAVE);
  side_init(&source, world, "source", SIDE_MASTER);
  wire_listen(&master);
  side_start(&source);
  side_start(&slave);
  run(world, 100);
  side_put(&source, 10, 100);
  uint8_t *bytes = log_copy(&source, 0, &len);
  wire_last_report(&master);
  int64_t third = get_i32(bytes) + get_i32(bytes + get_i32(bytes));
  bytes[third + 90] ^= 1; /* in its body */
  wire_frame(&master, 0, span_of(bytes, len));
  run(world, 100);
  CU_ASSERT(stopped_for(&slave, "damaged"));
  CU_ASSERT(store_log_max(slave.store) == third);
  CU_ASSERT(master.closed && wire_last_report(&master) == -1);
  run(world, 60000);
  CU_ASSERT(master.accepted == 1);
  /* A person repairs the master and starts the slave again. */
  bytes[third + 90] ^= 1;
  side_restart(&slave, SIM_EXIT);
  run(world, 100);
  int64_t asked = wire_last_report(&master);
  CU_ASSERT(asked == store_last_record(slave.store));
  wire_frame(&master, asked, span_of(bytes + asked, len - (size_t)asked));
  run(world, 100);
  CU_ASSERT(wire_last_report(&master) == (int64_t)len);
  free(bytes);
  side_fini(&slave);
  side_fini(&source);
  wire_fini(&master);
  sim_world_free(world);
}

static size_t count_names(struct side *s, const char *path) {
  struct arena arena;
  struct disk_entry *entries;
  struct disk *disk = sim_host_disk(s->host);
  size_t count = 0;
  arena_init(&arena, 1 << 20);
  if (disk->ops->list(disk, path, &arena, &entries, &count) != STATUS_OK) count = 0;
  arena_fini(&arena);
  return count;
}

/* Nothing is deleted: the old log is a store of its own beside the new one. */
void slave_is_set_aside(void) {
  struct pair p;
  pair_begin(&p);
  master_forgets(&p, 200);
  run(p.world, 20000);
  CU_ASSERT(stopped_for(&p.slave, "different histories"));
  struct buf why;
  buf_init(&why, 4096);
  side_stop(&p.slave, SIM_EXIT);
  sim_boot(p.slave.host);
  size_t files = count_names(&p.slave, SIDE_LOG);
  CU_ASSERT(store_set_aside(&p.slave.store_config, sim_host_disk(p.slave.host), 77, &why) == STATUS_OK);
  CU_ASSERT(files > 1 && count_names(&p.slave, SIDE_LOG ".77") == files);
  CU_ASSERT(count_names(&p.slave, SIDE_LOG) == 0);
  side_start(&p.slave);
  run(p.world, 5000);
  CU_ASSERT(logs_equal(&p.master, &p.slave, 0, store_log_max(p.master.store)));
  CU_ASSERT(store_queue_max(p.slave.store, SPAN_LITERAL("t"), 1) ==
            store_queue_max(p.master.store, SPAN_LITERAL("t"), 1));
  buf_fini(&why);
  pair_end(&p);
}
