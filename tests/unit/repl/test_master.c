/* SPDX-License-Identifier: Apache-2.0
 *
 * The master with slaves that do what no good slave does.
 */
#include "tests/unit/repl/rig.h"
#include "tests/unit/repl/suites.h"

enum { WIRES = 3 };

struct scene {
  struct sim_world *world;
  struct side master;
  struct wire slaves[WIRES];
};

static void scene_begin(struct scene *s) {
  static const char *const names[WIRES] = {"a", "b", "c"};
  s->world = sim_world_new(1);
  side_init(&s->master, s->world, "master", SIDE_MASTER);
  for (int i = 0; i < WIRES; i++) wire_init(&s->slaves[i], s->world, names[i]);
}

static void scene_start(struct scene *s, int messages) {
  side_start(&s->master);
  run(s->world, 10);
  side_put(&s->master, messages, 1000);
}

static void scene_end(struct scene *s) {
  for (int i = 0; i < WIRES; i++) wire_fini(&s->slaves[i]);
  side_fini(&s->master);
  sim_world_free(s->world);
}

static int64_t mark(struct scene *s) { return s->master.repl->ops->replicated(s->master.repl); }
static int64_t end_of(struct scene *s) { return store_log_max(s->master.store); }
static enum repl_need need(struct scene *s) { return s->master.repl->ops->need(s->master.repl, end_of(s) + 100); }

static void join(struct scene *s, int slave, int64_t offset) {
  wire_connect(&s->slaves[slave], &s->master);
  wire_report(&s->slaves[slave], offset);
  run(s->world, 100);
}

static void ack(struct scene *s, int slave, int64_t offset) {
  wire_report(&s->slaves[slave], offset);
  run(s->world, 50);
}

void master_keeps_a_dead_slave_20_s(void) {
  struct scene s;
  scene_begin(&s);
  scene_start(&s, 10);
  wire_connect(&s.slaves[0], &s.master); /* never says anything */
  join(&s, 1, end_of(&s));
  run(s.world, 15000);
  CU_ASSERT(s.slaves[0].open && s.slaves[0].in.len == 0);
  ack(&s, 1, end_of(&s));
  run(s.world, 5500);
  CU_ASSERT(s.slaves[0].closed && s.slaves[1].open);
  CU_ASSERT(s.slaves[1].in.len == 4 * HA_HEADER_SIZE); /* a keepalive every 5 s */
  run(s.world, 15000);
  CU_ASSERT(s.slaves[1].closed);
  CU_ASSERT(need(&s) == REPL_NO_SLAVE);
  scene_end(&s);
}

/* What the network does not take is copied: little of it waits. */
void master_waits_for_the_network(void) {
  struct scene s;
  scene_begin(&s);
  s.master.store_config.segment_length = s.master.config.segment_length = 1 << 20;
  sim_conditions(s.world)->window = 16384;
  scene_start(&s, 4000);
  s.slaves[0].deaf = true;
  wire_connect(&s.slaves[0], &s.master);
  wire_report(&s.slaves[0], 1);
  struct net *net = sim_host_net(s.master.host);
  size_t most = 0;
  for (int i = 0; i < 100; i++) {
    run(s.world, 50);
    for (conn_id conn = 2; conn < 12; conn++)
      if (net->ops->backlog(net, conn) > most) most = net->ops->backlog(net, conn);
  }
  CU_ASSERT(most > 100000 && most < 600000); /* the shares of two turns; haBacklogMaxBytes is 1 MiB here */
  scene_end(&s);
}

/* A slave that reads nothing costs what haBacklogMaxBytes says and no more, and gets everything when it reads again. */
void master_bounds_what_waits(void) {
  struct scene s;
  scene_begin(&s);
  s.master.config.backlog_max = 100000;
  s.master.store_config.segment_length = s.master.config.segment_length = 1 << 20;
  sim_conditions(s.world)->window = 16384;
  scene_start(&s, 4000);
  CU_ASSERT_FATAL(end_of(&s) > 2000000);
  s.slaves[0].deaf = true;
  wire_connect(&s.slaves[0], &s.master);
  wire_report(&s.slaves[0], 1);
  struct net *net = sim_host_net(s.master.host);
  for (int i = 0; i < 100; i++) {
    run(s.world, 50);
    for (conn_id conn = 2; conn < 12; conn++) CU_ASSERT(net->ops->backlog(net, conn) < 100000 + 32768 + 12);
  }
  s.slaves[0].deaf = false;
  net = sim_host_net(s.slaves[0].host);
  net->ops->pause(net, s.slaves[0].conn, false);
  int64_t next = 1, offset;
  struct span body;
  for (int i = 0; i < 2000 && next < end_of(&s); i++) {
    run(s.world, 5);
    while (wire_take_frame(&s.slaves[0], &offset, &body)) {
      CU_ASSERT(offset == next && body.len <= 32768);
      next += (int64_t)body.len;
    }
  }
  CU_ASSERT(next == end_of(&s));
  scene_end(&s);
}

/* Java keeps the greatest offset that anybody ever claimed. */
void master_counts_acks_per_link(void) {
  struct scene s;
  scene_begin(&s);
  scene_start(&s, 10);
  int64_t end = end_of(&s);
  join(&s, 0, end + 100000); /* another log: it counts for nothing */
  CU_ASSERT(mark(&s) == 0 && need(&s) == REPL_NO_SLAVE);
  ack(&s, 0, end + 200000);
  CU_ASSERT(mark(&s) == 0);
  join(&s, 1, end);
  CU_ASSERT(mark(&s) == end && need(&s) == REPL_WAIT);
  ack(&s, 1, end + 500); /* claims what it was not sent */
  CU_ASSERT(mark(&s) == end);
  side_put(&s.master, 1, 100);
  run(s.world, 100);
  CU_ASSERT(mark(&s) == end);
  ack(&s, 1, end_of(&s));
  CU_ASSERT(mark(&s) == end_of(&s));
  scene_end(&s);
}

void master_needs_as_many_as_are_asked_for(void) {
  struct scene s;
  scene_begin(&s);
  s.master.config.in_sync = 2;
  scene_start(&s, 10);
  int64_t first = end_of(&s);
  join(&s, 0, first);
  CU_ASSERT(need(&s) == REPL_NO_SLAVE && mark(&s) <= 0);
  join(&s, 1, first);
  CU_ASSERT(need(&s) == REPL_WAIT && mark(&s) == first);
  side_put(&s.master, 3, 100);
  run(s.world, 100);
  ack(&s, 0, end_of(&s));
  CU_ASSERT(mark(&s) == first);
  ack(&s, 1, end_of(&s) - 1);
  CU_ASSERT(mark(&s) == end_of(&s) - 1);
  join(&s, 2, end_of(&s));
  CU_ASSERT(mark(&s) == end_of(&s)); /* the second of three */
  scene_end(&s);
}

/* A slave that lost its power comes again before its old connection is found dead: it is still one slave. */
void master_knows_a_slave_that_comes_again(void) {
  struct scene s;
  scene_begin(&s);
  s.master.config.in_sync = 2;
  scene_start(&s, 10);
  for (int i = 0; i < 2; i++) {
    wire_connect(&s.slaves[i], &s.master);
    wire_report(&s.slaves[i], ha_hello(7));
    ack(&s, i, end_of(&s));
  }
  CU_ASSERT(mark(&s) <= 0 && need(&s) == REPL_NO_SLAVE);
  CU_ASSERT(s.slaves[0].closed && s.slaves[1].open);
  wire_connect(&s.slaves[2], &s.master);
  wire_report(&s.slaves[2], ha_hello(8));
  ack(&s, 2, end_of(&s));
  CU_ASSERT(mark(&s) == end_of(&s) && need(&s) == REPL_WAIT);
  /* Java's say nothing: two connections from one machine are one slave, but neither is closed. */
  side_restart(&s.master, SIM_KILL);
  for (int i = 0; i < 2; i++) {
    struct net *net = sim_host_net(s.slaves[0].host);
    if (i == 1) s.slaves[0].conn = net->ops->connect(net, sim_host_ip(s.master.host), HA_PORT, 1000);
    else wire_connect(&s.slaves[0], &s.master);
    run(s.world, 50);
    wire_report(&s.slaves[0], end_of(&s));
    run(s.world, 50);
  }
  CU_ASSERT(need(&s) == REPL_NO_SLAVE);
  join(&s, 1, end_of(&s));
  CU_ASSERT(need(&s) == REPL_WAIT);
  scene_end(&s);
}

void master_has_no_slave_when_all_are_far_behind(void) {
  struct scene s;
  scene_begin(&s);
  s.master.config.fall_behind_max = 5000;
  scene_start(&s, 1);
  int64_t first = end_of(&s);
  join(&s, 0, first);
  CU_ASSERT(need(&s) == REPL_WAIT);
  while (end_of(&s) + 100 < first + 5000) side_put(&s.master, 1, 10);
  CU_ASSERT(need(&s) == REPL_NO_SLAVE);
  run(s.world, 100);
  ack(&s, 0, first + 400);
  CU_ASSERT(need(&s) == REPL_WAIT);
  s.master.config.sync = false;
  side_restart(&s.master, SIM_KILL);
  CU_ASSERT(need(&s) == REPL_FREE);
  scene_end(&s);
}

void master_serves_several(void) {
  struct scene s;
  struct span body;
  int64_t offset;
  scene_begin(&s);
  scene_start(&s, 300);
  for (int i = 0; i < WIRES; i++) join(&s, i, 1 + i);
  run(s.world, 1000);
  for (int i = 0; i < WIRES; i++) {
    int64_t next = 1 + i;
    while (wire_take_frame(&s.slaves[i], &offset, &body)) {
      CU_ASSERT(offset == next);
      CU_ASSERT(offset / SEGMENT == (offset + (int64_t)body.len - 1) / SEGMENT);
      next += (int64_t)body.len;
    }
    CU_ASSERT(next == end_of(&s));
  }
  scene_end(&s);
}

/* Its log was removed before it was sent: what left already arrives whole, and then a slave of ours is told. */
void master_tells_a_slave_that_is_too_slow(void) {
  struct scene s;
  scene_begin(&s);
  s.master.config.backlog_max = 100000;
  s.master.store_config.retention = (struct retention_rules){.interval_ms = 1000,
                                                             .reserved_hours = 0,
                                                             .used_percent = 95,
                                                             .forced_percent = 95,
                                                             .full_percent = 99,
                                                             .retry_ms = 1000};
  sim_conditions(s.world)->window = 16384;
  scene_start(&s, 3000);
  s.slaves[0].deaf = true;
  wire_connect(&s.slaves[0], &s.master);
  wire_report(&s.slaves[0], HA_HELLO);
  wire_report(&s.slaves[0], 0);
  store_clean_now(s.master.store);
  for (int i = 0; i < 12; i++) {
    run(s.world, 10000);
    wire_report(&s.slaves[0], 0);
  }
  int64_t next = 0, offset = 0;
  CU_ASSERT_FATAL(store_log_min(s.master.store) > 5 * SEGMENT);
  CU_ASSERT(strstr(s.master.last, "so slow") != NULL);
  struct span body;
  struct net *net = sim_host_net(s.slaves[0].host);
  s.slaves[0].deaf = false;
  net->ops->pause(net, s.slaves[0].conn, false);
  for (int i = 0; i < 100 && offset <= next; i++) {
    run(s.world, 100);
    while (offset <= next && wire_take_frame(&s.slaves[0], &offset, &body)) {
      CU_ASSERT(offset >= next && (offset == next || body.len == 0));
      if (offset == next) next += (int64_t)body.len;
    }
  }
  CU_ASSERT(offset > next && offset % SEGMENT == 0); /* our log begins there now */
  CU_ASSERT(next >= SEGMENT);
  scene_end(&s);
}

/* Whatever somebody says on the port: nobody else is harmed, and nothing is taken for an acknowledgement. */
void master_hears_nonsense(void) {
  struct scene s;
  scene_begin(&s);
  scene_start(&s, 50);
  join(&s, 1, end_of(&s));
  struct prng *chance = sim_chance(s.world);
  for (int i = 0; i < 300; i++) {
    uint8_t bytes[40];
    if (i % 10 == 0) wire_connect(&s.slaves[0], &s.master);
    size_t n = 1 + prng_below(chance, sizeof bytes);
    for (size_t j = 0; j < n; j++) bytes[j] = prng_chance(chance, 1, 2) ? 0 : (uint8_t)prng_next(chance);
    wire_send(&s.slaves[0], span_of(bytes, n));
    run(s.world, 20);
    CU_ASSERT(mark(&s) <= end_of(&s));
    wire_forget(&s.slaves[0]);
  }
  side_put(&s.master, 1, 10);
  run(s.world, 100);
  ack(&s, 1, end_of(&s));
  CU_ASSERT(mark(&s) == end_of(&s));
  scene_end(&s);
}
