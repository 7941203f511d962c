/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sim/test_sim.h"

#include "tests/harness.h"
#include "tests/unit/sim/probe.h"

#include <stdio.h>

static void wake_after_100(struct probe *p, struct moment now) { p->wake_ms = now.mono_ms + 100; }

void node_is_woken_when_it_asked(void) {
  struct sim_world *world = sim_world_new(1);
  struct probe p;
  probe_start(&p, sim_host_new(world, "h"));
  p.on_turn = wake_after_100;
  sim_run_until(world, 50);
  sim_poke(p.host); /* another turn in between moves the deadline */
  sim_run_until(world, 400);
  CU_ASSERT_EQUAL(p.turns, 5); /* 0, 50, 150, 250, 350 */
  int64_t base_ms = p.turn_at_ms[0];
  static const int64_t want[] = {0, 50, 150, 250, 350};
  for (int i = 0; i < 5; i++) CU_ASSERT_EQUAL(p.turn_at_ms[i] - base_ms, want[i]);
  p.on_turn = NULL;
  p.wake_ms = TIME_NEVER;
  sim_run_until(world, 100000);
  CU_ASSERT_EQUAL(p.turns, 6);
  CU_ASSERT_FALSE(sim_step(world)); /* nothing will ever happen again */
  sim_stop(p.host, SIM_EXIT);
  probe_fini(&p);
  sim_world_free(world);
}

static void wake_at_once(struct probe *p, struct moment now) { p->wake_ms = now.mono_ms - 5; }

void node_that_never_rests_lets_time_pass(void) {
  struct sim_world *world = sim_world_new(2);
  struct probe p;
  probe_start(&p, sim_host_new(world, "h"));
  p.on_turn = wake_at_once;
  sim_run_until(world, 100);
  CU_ASSERT_EQUAL(p.turns, 101);
  sim_conditions(world)->turn_ms = 9;
  size_t turns = p.turns;
  sim_run_until(world, 1100);
  CU_ASSERT_EQUAL((p.turns - turns), 100); /* 1 ms rest and 9 ms of work each */
  sim_stop(p.host, SIM_EXIT);
  probe_fini(&p);
  sim_world_free(world);
}

static void wake_after_10000(struct probe *p, struct moment now) { p->wake_ms = now.mono_ms + 10000; }

void clocks_jump_and_drift(void) {
  struct sim_world *world = sim_world_new(3);
  struct probe p;
  struct sim_host *host = sim_host_new(world, "h"), *other = sim_host_new(world, "o");
  CU_ASSERT_NOT_EQUAL(sim_host_now(host).mono_ms, sim_host_now(other).mono_ms);
  CU_ASSERT_EQUAL(sim_host_now(host).wall_ms, SIM_EPOCH_MS);
  CU_ASSERT_EQUAL(sim_host_now(other).wall_ms, SIM_EPOCH_MS);
  struct moment start = sim_host_now(host);
  sim_clock_jump(host, -5000);
  CU_ASSERT_EQUAL(sim_host_now(host).wall_ms, SIM_EPOCH_MS - 5000);
  CU_ASSERT_EQUAL(sim_host_now(host).mono_ms, start.mono_ms);
  sim_run_until(world, 1000);
  CU_ASSERT_EQUAL(sim_host_now(host).wall_ms, SIM_EPOCH_MS - 4000);
  probe_start(&p, host);
  p.on_turn = wake_after_10000;
  sim_run_until(world, 1001);
  sim_clock_drift(host, 100000); /* 10 % fast */
  int64_t begin_ms = sim_now(world);
  size_t turns = p.turns;
  sim_run_until(world, begin_ms);
  CU_ASSERT_EQUAL(p.turns, turns + 1);
  sim_run_until(world, begin_ms + 9090);
  CU_ASSERT_EQUAL(p.turns, turns + 1);
  sim_run_until(world, begin_ms + 9093);
  CU_ASSERT_EQUAL(p.turns, turns + 2);
  sim_stop(host, SIM_EXIT);
  probe_fini(&p);
  sim_world_free(world);
}

struct diary {
  struct sim_world *world;
  char text[64];
  size_t len;
};

static void write_diary(void *context, char what) {
  struct diary *d = context;
  d->len += (size_t)snprintf(d->text + d->len, sizeof d->text - d->len, "%c%lld ", what, (long long)sim_now(d->world));
}
static void call_a(void *context) { write_diary(context, 'a'); }
static void call_b(void *context) {
  write_diary(context, 'b');
  sim_at(((struct diary *)context)->world, 0, call_a, context); /* the past means now */
}

void calls_come_in_order(void) {
  struct diary d = {.world = sim_world_new(4)};
  sim_at(d.world, 20, call_a, &d);
  sim_at(d.world, 10, call_b, &d);
  sim_at(d.world, 10, call_a, &d);
  sim_at(d.world, 30, call_b, &d);
  sim_run_until(d.world, 29);
  CU_ASSERT_STRING_EQUAL(d.text, "b10 a10 a10 a20 ");
  CU_ASSERT_EQUAL(sim_now(d.world), 29);
  CU_ASSERT_TRUE(sim_step(d.world));
  CU_ASSERT_STRING_EQUAL(d.text, "b10 a10 a10 a20 b30 ");
  sim_world_free(d.world);
}

void trace_tells_in_simulated_ms(void) {
  struct sim_world *world = sim_world_new(5);
  struct probe p;
  sim_trace_on(world, LOG_INFO);
  struct sim_host *host = sim_host_new(world, "broker-a");
  sim_run_until(world, 7);
  probe_start(&p, host);
  log_info(sim_host_log(host), "listening on %d", 10911);
  log_debug(sim_host_log(host), "not shown");
  sim_run_until(world, 1200);
  sim_stop(host, SIM_KILL);
  sim_say(world, NULL, "the end");
  ASSERT_SPAN(sim_trace(world), "[7] broker-a > starts\n"
                                "[7] broker-a > info: listening on 10911\n"
                                "[1200] broker-a > is killed\n"
                                "[1200] world > the end\n");
  probe_fini(&p);
  sim_world_free(world);
}
