/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/swarm.h"

#include <stdio.h>

enum {
  CHAOS_BEGIN_MS = 3000,
  MENDED_MS = 30000,      /* a name server is told of a broker within 30 s, */
  SETTLE_MS = 60000,      /* a client asks within another 30 s; twice, for a topic that is made only now */
  SETTLE_BUDGET = 5,      /* messages of each producer, so that the topic exists */
  PROMPT_MS = 4000,       /* calm traffic at the end */
  PROMPT_LIMIT_MS = 1000, /* in which a calm message reaches every group, once it was acknowledged */
  PROMPT_BUDGET = 20,
  DRAIN_MS = 12000, /* the longest time-out of a send, and then the consumers */
  STOP_MS = 10000,  /* of a broker, at most */
  TICK_MS = 100
};

static int between(struct prng *p, int low, int high) { return low + (int)prng_below(p, (uint64_t)(high - low) + 1); }

/* ---- building ---- */

static struct machine *add(struct swarm *s, const char *kind, int number, const struct program_ops *ops, void *config) {
  char *name = s->names[s->site.count];
  snprintf(name, sizeof s->names[0], "%s-%c", kind, 'a' + number);
  return site_add(&s->site, name, ops, config);
}

static void add_servers(struct swarm *s) {
  for (int i = 0; i < s->plan.namesrvs; i++) add(s, "names", i, &namesrv_ops, NULL);
  site_name_servers(&s->site, s->name_servers, sizeof s->name_servers);
  for (int i = 0; i < s->plan.brokers; i++) {
    struct broker_config *c = &s->broker_configs[i];
    s->brokers[i] = add(s, "broker", i, &broker_ops, c);
    *c = (struct broker_config){.name = sim_host_name(s->brokers[i]->host),
                                .name_servers = s->name_servers,
                                .sync_flush = s->plan.sync_flush,
                                .segment_bytes = s->plan.segment_bytes,
                                .queue_units = s->plan.queue_units,
                                .queues = s->plan.queues};
    sim_disk_sync_delay(s->brokers[i]->host, 1, s->plan.sync_ms);
  }
}

static void add_clients(struct swarm *s) {
  struct prng *p = sim_chance(s->world);
  for (int i = 0; i < s->plan.producers; i++) {
    bool ordered = prng_chance(p, 1, 3);
    s->producer_configs[i] = (struct producer_traffic){.ledger = &s->ledger,
                                                       .number = (size_t)i,
                                                       .name_servers = s->name_servers,
                                                       .topic = SWARM_TOPIC,
                                                       .serialize = (enum serialize)between(p, 0, 1),
                                                       .depth = ordered ? 1 : between(p, 1, PRODUCER_DEPTH_MAX),
                                                       .gap_ms = between(p, 5, 150),
                                                       .budget = SIZE_MAX,
                                                       .ordered = ordered,
                                                       .batches = prng_chance(p, 1, 2),
                                                       .timeout_ms = between(p, 2000, 10000)};
    s->ledger.producers[i].ordered = ordered;
    s->producers[i] = add(s, "producer", i, &producer_ops, &s->producer_configs[i]);
  }
  static const char *const groups[SWARM_GROUPS_MAX] = {"group-a", "group-b"};
  for (int i = 0; i < s->plan.groups; i++) {
    s->consumer_configs[i] = (struct consumer_traffic){.ledger = &s->ledger,
                                                       .group = i,
                                                       .group_name = groups[i],
                                                       .name_servers = s->name_servers,
                                                       .topic = SWARM_TOPIC,
                                                       .serialize = (enum serialize)between(p, 0, 1),
                                                       .suspend_ms = between(p, 1000, 15000)};
    add(s, "consumer", i, &consumer_ops, &s->consumer_configs[i]);
  }
}

static void build(struct swarm *s, uint64_t seed) {
  *s = (struct swarm){.seed = seed};
  swarm_plan(seed, &s->plan);
  s->world = sim_world_new(seed);
  site_init(&s->site, s->world);
  ledger_init(&s->ledger, s->world, seed, (size_t)s->plan.producers, (size_t)s->plan.groups);
  s->ledger.long_one_in = s->plan.long_one_in;
  struct prng *p = sim_chance(s->world);
  struct sim_conditions *c = sim_conditions(s->world);
  c->split_chance = between(p, 0, 4) * 1000;
  c->turn_ms = prng_chance(p, 1, 4) ? 1 : 0;
  if (s->plan.faults & 1u << FAULT_RESET) c->reset_chance = between(p, 0, 30);
  add_servers(s);
  add_clients(s);
}

/* ---- the course of a world ---- */

static bool run_until(struct swarm *s, int64_t ms) {
  while (sim_now(s->world) < ms && s->ledger.violation[0] == '\0') sim_run_until(s->world, sim_now(s->world) + TICK_MS);
  return s->ledger.violation[0] == '\0';
}

static void start_all(struct swarm *s) {
  for (unsigned i = 0; i < s->site.count; i++)
    machine_start_at(&s->site.machines[i], (int64_t)prng_below(sim_chance(s->world), 2000));
}

static void set_budgets(struct swarm *s, size_t budget) {
  for (int i = 0; i < s->plan.producers; i++) s->producer_configs[i].budget = budget;
}

/* Everything sent in calm waters is acknowledged, and soon at every consumer. */
static bool check_calm(struct swarm *s) {
  size_t first[SWARM_PRODUCERS_MAX];
  int64_t since_ms = sim_now(s->world);
  for (int i = 0; i < s->plan.producers; i++) {
    struct producer_traffic *t = &s->producer_configs[i];
    first[i] = s->ledger.producers[i].count;
    if (t->gap_ms > PROMPT_MS / PROMPT_BUDGET / 2) t->gap_ms = PROMPT_MS / PROMPT_BUDGET / 2;
  }
  set_budgets(s, PROMPT_BUDGET);
  run_until(s, since_ms + PROMPT_MS);
  set_budgets(s, 0);
  if (!run_until(s, sim_now(s->world) + DRAIN_MS)) return false;
  for (int i = 0; i < s->plan.producers; i++) {
    struct ledger_producer *p = &s->ledger.producers[i];
    if (p->count == first[i]) ledger_violation(&s->ledger, "producer %d sends nothing any more", i);
    for (size_t j = first[i]; j < p->count; j++)
      if (!p->sent[j].acked)
        ledger_violation(&s->ledger, "message %zu of producer %d, sent when all was well, was not acknowledged", j, i);
  }
  ledger_check_prompt(&s->ledger, since_ms, PROMPT_LIMIT_MS);
  return s->ledger.violation[0] == '\0';
}

static void stop_all(struct swarm *s) {
  for (unsigned i = 0; i < s->site.count; i++) machine_stop(&s->site.machines[i], SIM_EXIT);
  run_until(s, sim_now(s->world) + STOP_MS);
  for (unsigned i = 0; i < s->site.count; i++)
    if (s->site.machines[i].state != MACHINE_DOWN)
      ledger_violation(&s->ledger, "%s does not stop", sim_host_name(s->site.machines[i].host));
}

static uint64_t course(struct swarm *s) {
  start_all(s);
  if (!run_until(s, CHAOS_BEGIN_MS)) return 0;
  faults_begin(s);
  if (!run_until(s, CHAOS_BEGIN_MS + s->plan.chaos_ms)) return 0;
  faults_mend(s);
  set_budgets(s, 0);
  if (!run_until(s, sim_now(s->world) + MENDED_MS)) return 0;
  set_budgets(s, SETTLE_BUDGET);
  if (!run_until(s, sim_now(s->world) + SETTLE_MS)) return 0;
  if (!check_calm(s)) return 0;
  /* What was read before it was synced and then lost with the power gives its offset to another message: a
   * consumer that was ahead does not come back for it. That is RocketMQ's contract, so only the store counts. */
  if (!s->ledger.lost_power) ledger_check_all_seen(&s->ledger);
  stop_all(s);
  return s->ledger.violation[0] == '\0' ? audit_stores(s) : 0;
}

void swarm_run(uint64_t seed, struct buf *trace, struct seeds_world *out) {
  static struct swarm swarm; /* too large for a stack */
  struct swarm *s = &swarm;
  build(s, seed);
  if (trace != NULL) sim_trace_on(s->world, LOG_DEBUG);
  out->counts[SWARM_STORED] = course(s);
  memcpy(out->violation, s->ledger.violation, sizeof s->ledger.violation);
  memcpy(out->happened, s->happened, sizeof s->happened);
  out->hash = sim_hash(s->world);
  out->counts[SWARM_EVENTS] = sim_event_count(s->world);
  out->counts[SWARM_ACKED] = s->ledger.acked;
  out->counts[SWARM_SEEN] = s->ledger.seen;
  out->counts[SWARM_ANSWERS] = s->ledger.answers;
  if (trace != NULL) buf_put(trace, sim_trace(s->world));
  site_fini(&s->site);
  ledger_fini(&s->ledger);
  sim_world_free(s->world);
}
