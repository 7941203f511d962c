/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/broker.h"
#include "tests/sim/replicas/replicas.h"

#include <stdio.h>
#include <stdlib.h>

enum {
  CHAOS_BEGIN_MS = 1500,
  TICK_MS = 50,
  MENDED_MS = 45000, /* two times haHousekeepingInterval for half-open connections, and a registration */
  SEED_MS = 5000,
  CALM_BUDGET = 10,
  CALM_MS = 20000,
  STOP_MS = 3000
};

static int between(struct prng *p, int low, int high) { return low + (int)prng_below(p, (uint64_t)(high - low) + 1); }

static void add_brokers(struct replicas *r) {
  static const char *const names[BROKERS_MAX] = {"master", "slave-1", "slave-2"};
  for (int i = 0; i <= r->plan.slaves; i++) {
    struct broker_config *c = &r->configs[i];
    r->brokers[i] = site_add(&r->site, names[i], &broker_ops, c);
    *c = (struct broker_config){.name = "a",
                                .name_servers = r->name_servers,
                                .sync_flush = r->plan.sync_flush,
                                .segment_bytes = r->plan.segment_bytes,
                                .queue_units = 50,
                                .queues = 2,
                                .role = i > 0          ? "SLAVE"
                                        : r->plan.sync ? "SYNC_MASTER"
                                                       : "ASYNC_MASTER",
                                .id = i,
                                .in_sync = r->plan.in_sync,
                                .ack_flushed = r->plan.ack_flushed,
                                .ha_master = i > 0 && !r->plan.told ? r->ha_master : NULL};
    sim_disk_sync_delay(r->brokers[i]->host, 1, r->plan.sync_ms);
  }
  snprintf(r->ha_master, sizeof r->ha_master, "%s:%d", sim_host_ip(r->brokers[0]->host), BROKER_PORT + 1);
}

static void add_clients(struct replicas *r) {
  static const char *const names[] = {"producer-a", "producer-b"};
  struct prng *p = sim_chance(r->world);
  for (int i = 0; i < r->plan.producers; i++) {
    r->producers[i] = (struct producer_traffic){.ledger = &r->ledger,
                                                .number = (size_t)i,
                                                .name_servers = r->name_servers,
                                                .topic = REPLICAS_TOPIC,
                                                .serialize = SERIALIZE_ROCKETMQ,
                                                .depth = between(p, 1, PRODUCER_DEPTH_MAX),
                                                .gap_ms = between(p, 10, 60),
                                                .budget = SIZE_MAX,
                                                .batches = prng_chance(p, 1, 3),
                                                .timeout_ms = between(p, 2000, 8000)};
    site_add(&r->site, names[i], &producer_ops, &r->producers[i]);
  }
  r->consumer = (struct consumer_traffic){.ledger = &r->ledger,
                                          .group_name = "group",
                                          .name_servers = r->name_servers,
                                          .topic = REPLICAS_TOPIC,
                                          .serialize = SERIALIZE_ROCKETMQ,
                                          .suspend_ms = 5000};
  if (r->plan.consumer) site_add(&r->site, "consumer", &consumer_ops, &r->consumer);
}

static void build(struct replicas *r, uint64_t seed) {
  *r = (struct replicas){0};
  replicas_plan(seed, &r->plan);
  r->world = sim_world_new(seed);
  site_init(&r->site, r->world);
  ledger_init(&r->ledger, r->world, seed, (size_t)r->plan.producers, 1);
  struct sim_conditions *c = sim_conditions(r->world);
  c->split_chance = between(sim_chance(r->world), 0, 4) * 1000;
  c->window = (size_t)r->plan.window;
  site_add(&r->site, "names", &namesrv_ops, NULL);
  site_name_servers(&r->site, r->name_servers, sizeof r->name_servers);
  add_brokers(r);
  add_clients(r);
}

static bool run_until(struct replicas *r, int64_t ms) {
  while (sim_now(r->world) < ms && r->ledger.violation[0] == '\0') {
    sim_run_until(r->world, sim_now(r->world) + TICK_MS);
    check_new_bytes(r);
  }
  return r->ledger.violation[0] == '\0';
}

static bool run_on(struct replicas *r, int64_t ms) { return run_until(r, sim_now(r->world) + ms); }

static unsigned count_stopped(const struct replicas *r) {
  unsigned n = 0;
  for (int i = 1; i <= r->plan.slaves; i++) n += is_stopped(r->brokers[i]);
  return n;
}

/* All die in the same moment. Those who promised their disk lose their power. */
static void die(struct replicas *r) {
  bool power = r->plan.sync_flush && r->plan.ack_flushed && prng_chance(sim_chance(r->world), 1, 2);
  for (int i = 1; i <= r->plan.slaves; i++)
    if (is_stopped(r->brokers[i])) r->checked[i] = -1;
  if (power) r->master_lost_power = r->ledger.lost_power = true;
  for (unsigned i = 0; i < r->site.count; i++) machine_stop(&r->site.machines[i], power ? SIM_POWER_OFF : SIM_KILL);
}

/* An operator says the word that the log file of a stopped slave asks for. Without SYNC_FLUSH a master that lost its
 * power may lack what was acknowledged and only the slave has: then nobody says it. */
static void seed_again(struct replicas *r) {
  if (!r->plan.sync_flush) return;
  for (int i = 1; i <= r->plan.slaves; i++) {
    if (!is_stopped(r->brokers[i])) continue;
    struct broker *b = machine_broker(r->brokers[i]);
    char number[21];
    struct buf why;
    buf_init(&why, 1024);
    struct span text = span_of(number, i64_to_text(store_log_max(b->store), number));
    if (config_set(b->settings, SPAN_LITERAL("haReseed"), text, &why) != STATUS_OK) abort();
    buf_fini(&why);
    broker_settings_changed(b);
    sim_poke(r->brokers[i]->host);
    r->seeded++;
  }
}

/* Everything works again, and has to show it. */
static bool mend(struct replicas *r) {
  size_t first[2];
  for (int i = 0; i < r->plan.producers; i++) r->producers[i].budget = 0;
  faults_mend(r);
  if (!run_on(r, MENDED_MS)) return false;
  check_calm(r);
  seed_again(r);
  if (!run_on(r, SEED_MS)) return false;
  for (int i = 0; i < r->plan.producers; i++) {
    first[i] = r->ledger.producers[i].count;
    r->producers[i].budget = CALM_BUDGET;
  }
  if (!run_on(r, CALM_MS)) return false;
  check_calm(r);
  unsigned stopped = count_stopped(r);
  if (stopped > 0 && r->plan.sync_flush)
    ledger_violation(&r->ledger, "a slave that was seeded again has stopped again");
  for (int i = 0; i < r->plan.producers; i++) {
    struct ledger_producer *p = &r->ledger.producers[i];
    for (size_t j = first[i]; j < p->count; j++)
      if (!p->sent[j].acked && !p->sent[j].illegal && (int)stopped + r->plan.in_sync <= r->plan.slaves)
        ledger_violation(&r->ledger, "message %zu of producer %d, sent when all was well, was not acknowledged", j, i);
  }
  for (int i = 1; i <= r->plan.slaves; i++)
    if (is_stopped(r->brokers[i])) r->checked[i] = -1;
  for (unsigned i = 0; i < r->site.count; i++) machine_stop(&r->site.machines[i], SIM_EXIT);
  sim_run_until(r->world, sim_now(r->world) + STOP_MS);
  return r->ledger.violation[0] == '\0';
}

static void course(struct replicas *r, struct seeds_world *out) {
  for (unsigned i = 0; i < r->site.count; i++)
    machine_start_at(&r->site.machines[i], (int64_t)prng_below(sim_chance(r->world), 1000));
  if (!run_until(r, CHAOS_BEGIN_MS)) return;
  faults_begin(r);
  if (!run_until(r, CHAOS_BEGIN_MS + r->plan.chaos_ms)) return;
  out->counts[REPLICAS_STOPPED] = count_stopped(r);
  r->chaos.over = r->plan.die;
  if (r->plan.die) die(r);
  else if (!mend(r)) return;
  check_stores(r);
}

void replicas_run(uint64_t seed, struct buf *trace, struct seeds_world *out) {
  static struct replicas replicas;
  struct replicas *r = &replicas;
  build(r, seed);
  if (trace != NULL) sim_trace_on(r->world, LOG_DEBUG);
  course(r, out);
  memcpy(out->violation, r->ledger.violation, sizeof r->ledger.violation);
  memcpy(out->happened, r->happened, sizeof r->happened);
  out->hash = sim_hash(r->world);
  out->counts[REPLICAS_EVENTS] = sim_event_count(r->world);
  out->counts[REPLICAS_ACKED] = r->ledger.acked;
  out->counts[REPLICAS_COMPARED] = r->compared;
  out->counts[REPLICAS_SEEDED] = r->seeded;
  if (trace != NULL) buf_put(trace, sim_trace(r->world));
  site_fini(&r->site);
  ledger_fini(&r->ledger);
  sim_world_free(r->world);
}
