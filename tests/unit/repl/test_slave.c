/* SPDX-License-Identifier: Apache-2.0
 *
 * Our slave beside our master, in good and bad weather.
 */
#include "tests/unit/repl/rig.h"
#include "tests/unit/repl/suites.h"

struct pair {
  struct sim_world *world;
  struct side master, slave;
};

static void pair_begin(struct pair *p, uint64_t seed) {
  p->world = sim_world_new(seed);
  side_init(&p->master, p->world, "master", SIDE_MASTER);
  side_init(&p->slave, p->world, "slave", SIDE_SLAVE);
}

static void pair_start(struct pair *p) {
  side_start(&p->master);
  side_start(&p->slave);
  run(p->world, 100);
}

static void pair_end(struct pair *p) {
  side_fini(&p->slave);
  side_fini(&p->master);
  sim_world_free(p->world);
}

static int64_t end_of(struct pair *p) { return store_log_max(p->master.store); }
static int64_t mark(struct pair *p) { return p->master.repl->ops->replicated(p->master.repl); }

static bool in_step(struct pair *p) {
  return logs_equal(&p->master, &p->slave, store_log_min(p->slave.store), end_of(p)) && mark(p) == end_of(p);
}

void slave_starts_empty_and_follows(void) {
  struct pair p;
  pair_begin(&p, 1);
  pair_start(&p);
  side_put(&p.master, 1, 100);
  run(p.world, 10);
  CU_ASSERT(in_step(&p)); /* at once, nobody waits for a timer */
  for (int i = 0; i < 100; i++) {
    side_put(&p.master, i, 2000);
    run(p.world, 20);
  }
  CU_ASSERT(end_of(&p) > 20 * SEGMENT);
  CU_ASSERT(in_step(&p));
  run(p.world, 60000);
  CU_ASSERT(in_step(&p));
  pair_end(&p);
}

/* Java's slave would begin with the last file. */
void slave_gets_everything_there_is(void) {
  struct pair p;
  pair_begin(&p, 1);
  side_start(&p.master);
  run(p.world, 10);
  side_put(&p.master, 500, 2000);
  side_start(&p.slave);
  run(p.world, 2000);
  CU_ASSERT(store_log_min(p.slave.store) == 0 && in_step(&p));
  pair_end(&p);
}

void slave_resumes_after_each_kind_of_end(void) {
  static const enum sim_stop ways[] = {SIM_EXIT, SIM_KILL, SIM_POWER_OFF};
  for (uint64_t seed = 1; seed <= 30; seed++) {
    struct pair p;
    pair_begin(&p, seed);
    pair_start(&p);
    for (int i = 0; i < 12; i++) {
      side_put(&p.master, 20, 3000);
      run(p.world, (int64_t)prng_below(sim_chance(p.world), 30));
      enum sim_stop how = ways[prng_below(sim_chance(p.world), 3)];
      bool master = how != SIM_POWER_OFF && prng_chance(sim_chance(p.world), 1, 2);
      side_restart(master ? &p.master : &p.slave, how);
    }
    run(p.world, 30000); /* a slave learns of a master's death by its silence when its own word got lost */
    side_put(&p.master, 1, 10);
    run(p.world, 3000);
    CU_ASSERT(in_step(&p));
    pair_end(&p);
  }
}

void slave_survives_partitions(void) {
  for (uint64_t seed = 1; seed <= 20; seed++) {
    struct pair p;
    pair_begin(&p, seed);
    pair_start(&p);
    struct prng *chance = sim_chance(p.world);
    for (int i = 0; i < 10; i++) {
      if (prng_chance(chance, 1, 2)) sim_cut_both(p.master.host, p.slave.host);
      else sim_cut(prng_chance(chance, 1, 2) ? p.master.host : p.slave.host, p.slave.host);
      if (prng_chance(chance, 1, 3)) sim_reset_connections(p.slave.host, NULL);
      side_put(&p.master, 10, 3000);
      run(p.world, (int64_t)prng_below(chance, 40000));
      sim_heal_all(p.world);
      run(p.world, (int64_t)prng_below(chance, 3000));
    }
    run(p.world, 60000);
    CU_ASSERT(in_step(&p));
    pair_end(&p);
  }
}

/* Nothing here asks for the calendar. */
void slave_survives_clock_jumps(void) {
  struct pair p;
  pair_begin(&p, 1);
  pair_start(&p);
  for (int i = 0; i < 20; i++) {
    sim_clock_jump(i % 2 == 0 ? p.master.host : p.slave.host, (i - 10) * INT64_C(3600000));
    side_put(&p.master, 20, 2000);
    run(p.world, 500);
    CU_ASSERT(in_step(&p));
    if (i % 5 == 4) side_restart(&p.slave, SIM_KILL);
    run(p.world, 3000);
  }
  CU_ASSERT(in_step(&p));
  pair_end(&p);
}

void slave_acks_what_is_on_disk(void) {
  struct pair p;
  pair_begin(&p, 1);
  p.slave.config.ack_flushed = true;
  pair_start(&p);
  side_put(&p.master, 1, 100);
  run(p.world, 100);
  sim_disk_sync_delay(p.slave.host, 1000, 1000);
  side_put(&p.master, 1, 100);
  run(p.world, 900);
  CU_ASSERT(store_log_max(p.slave.store) == end_of(&p) && mark(&p) < end_of(&p));
  run(p.world, 200);
  CU_ASSERT(in_step(&p));
  side_restart(&p.slave, SIM_POWER_OFF);
  CU_ASSERT(store_log_max(p.slave.store) >= mark(&p));
  pair_end(&p);
}

/* A new connection begins with a report: it must not promise more than the last one did. */
void slave_asks_when_its_disk_has_it(void) {
  struct pair p;
  pair_begin(&p, 1);
  p.slave.config.ack_flushed = true;
  pair_start(&p);
  side_put(&p.master, 1, 100);
  run(p.world, 100);
  sim_disk_sync_delay(p.slave.host, 4000, 4000);
  side_put(&p.master, 5, 100);
  run(p.world, 100);
  int64_t before = mark(&p);
  CU_ASSERT(store_log_max(p.slave.store) == end_of(&p) && before < end_of(&p));
  sim_reset_connections(p.slave.host, NULL);
  run(p.world, 3000);
  CU_ASSERT(mark(&p) == before);
  run(p.world, 2000);
  CU_ASSERT(in_step(&p));
  pair_end(&p);
}

void slave_waits_for_disk_space(void) {
  struct pair p;
  pair_begin(&p, 1);
  pair_start(&p);
  side_put(&p.master, 10, 100);
  run(p.world, 100);
  struct sim_disk_fault full = {.ops = SIM_WRITE, .status = STATUS_NO_SPACE, .lasting = true};
  sim_disk_fail(p.slave.host, &full);
  side_put(&p.master, 100, 2000);
  run(p.world, 10000);
  CU_ASSERT(p.slave.repl->ops->stopped(p.slave.repl) == NULL);
  CU_ASSERT(store_log_max(p.slave.store) < end_of(&p));
  sim_disk_fail(p.slave.host, NULL);
  run(p.world, 30000);
  CU_ASSERT(in_step(&p));
  pair_end(&p);
}

/* Each call to the disk fails once: the slave goes on by itself or stops with a reason, and has what the master has or
 * the beginning of it. After a new start all is well again. */
void slave_meets_disk_errors(void) {
  static const enum status kinds[] = {STATUS_IO, STATUS_NO_SPACE, STATUS_NO_MEMORY};
  for (int ops = SIM_OPEN; ops <= SIM_NAMES; ops *= 2)
    for (uint64_t after = 0; after < 24; after++) {
      struct pair p;
      pair_begin(&p, after + 1);
      pair_start(&p);
      struct sim_disk_fault fault = {.ops = ops, .after = after, .status = kinds[after % 3], .torn = after % 2 == 0};
      sim_disk_fail(p.slave.host, &fault);
      for (int i = 0; i < 12; i++) {
        side_put(&p.master, 20, 3000);
        run(p.world, 700);
      }
      run(p.world, 5000);
      sim_disk_fail(p.slave.host, NULL);
      run(p.world, 5000);
      int64_t end = store_log_max(p.slave.store);
      CU_ASSERT(logs_equal(&p.master, &p.slave, 0, end));
      CU_ASSERT(end == end_of(&p) || p.slave.repl->ops->stopped(p.slave.repl) != NULL);
      side_restart(&p.slave, sim_disk_is_poisoned(p.slave.host) ? SIM_POWER_OFF : SIM_KILL);
      run(p.world, 25000);
      CU_ASSERT(in_step(&p));
      pair_end(&p);
    }
}

void slave_finds_a_silent_master(void) {
  struct pair p;
  pair_begin(&p, 1);
  pair_start(&p);
  side_put(&p.master, 10, 100);
  run(p.world, 100);
  side_stop(&p.master, SIM_POWER_OFF); /* nobody says good-bye */
  run(p.world, 25000);
  CU_ASSERT(strstr(p.slave.last, "said nothing") != NULL);
  sim_boot(p.master.host);
  side_start(&p.master);
  run(p.world, 30000);
  CU_ASSERT(p.slave.repl->ops->stopped(p.slave.repl) != NULL || in_step(&p));
  pair_end(&p);
}

/* A port that speaks something else, or a master gone mad. */
void slave_hears_nonsense(void) {
  struct sim_world *world = sim_world_new(1);
  struct wire master;
  struct side slave;
  wire_init(&master, world, "master");
  wire_listen(&master);
  side_init(&slave, world, "slave", SIDE_SLAVE);
  side_start(&slave);
  struct prng *chance = sim_chance(world);
  for (int i = 0; i < 400; i++) {
    uint8_t bytes[200];
    size_t n = 1 + prng_below(chance, sizeof bytes);
    for (size_t j = 0; j < n; j++) bytes[j] = prng_chance(chance, 4, 5) ? 0 : (uint8_t)prng_next(chance);
    wire_send(&master, span_of(bytes, n));
    run(world, 1000);
    CU_ASSERT(store_log_max(slave.store) == 0);
    if (slave.repl->ops->stopped(slave.repl) != NULL) side_restart(&slave, SIM_KILL);
  }
  CU_ASSERT(master.accepted > 50);
  side_fini(&slave);
  wire_fini(&master);
  sim_world_free(world);
}

void slave_follows_an_address(void) {
  struct pair p;
  pair_begin(&p, 1);
  p.slave.config.master = NULL;
  pair_start(&p);
  side_put(&p.master, 10, 100);
  run(p.world, 5000);
  CU_ASSERT(store_log_max(p.slave.store) == 0);
  p.slave.repl->ops->master_is(p.slave.repl, SPAN_LITERAL("nobody:10912"));
  sim_poke(p.slave.host);
  run(p.world, 5000);
  p.slave.repl->ops->master_is(p.slave.repl, SPAN_LITERAL("[10.0.0.1]:10912"));
  p.slave.repl->ops->master_is(p.slave.repl, SPAN_NONE);
  sim_poke(p.slave.host);
  run(p.world, 5000);
  CU_ASSERT(in_step(&p));
  pair_end(&p);
}
