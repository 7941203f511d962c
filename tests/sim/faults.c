/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/swarm.h"

static int64_t upto(struct swarm *s, int64_t ms) { return chaos_upto(s->world, ms); }

static struct machine *any_machine(struct swarm *s) {
  return &s->site.machines[prng_below(sim_chance(s->world), s->site.count)];
}

static struct machine *any_broker(struct swarm *s) {
  return s->brokers[prng_below(sim_chance(s->world), (uint64_t)s->plan.brokers)];
}

/* ---- what is undone later ---- */

static void fair_network(void *context) {
  struct swarm *s = context;
  struct sim_conditions *c = sim_conditions(s->world);
  c->latency_max_ms = 2;
  c->spike_chance = 20;
  c->spike_ms = 50;
}

static void cut(struct swarm *s, bool both) {
  struct machine *a = any_machine(s), *b = any_machine(s);
  chaos_cut(&s->chaos, a->host, b->host, both, 10000);
}

static void stop(struct swarm *s, enum sim_stop how) {
  /* Brokers have most to lose. */
  struct machine *m = prng_chance(sim_chance(s->world), 1, 2) ? any_broker(s) : any_machine(s);
  s->ledger.lost_power = s->ledger.lost_power || how == SIM_POWER_OFF;
  machine_stop(m, how);
  machine_start_at(m, sim_now(s->world) + upto(s, prng_chance(sim_chance(s->world), 1, 2) ? 300 : 8000));
}

static void slow_network(struct swarm *s) {
  struct sim_conditions *c = sim_conditions(s->world);
  c->latency_max_ms = (int)upto(s, 300);
  c->spike_chance = 500;
  c->spike_ms = (int)upto(s, 3000);
  sim_at(s->world, sim_now(s->world) + upto(s, 5000), fair_network, s);
}

static void stop_suspect(struct swarm *s, enum sim_stop how) {
  if (s->chaos.over) return;
  s->ledger.lost_power = s->ledger.lost_power || how == SIM_POWER_OFF;
  machine_stop(s->suspect, how);
  machine_start_at(s->suspect, sim_now(s->world) + upto(s, 300));
}

static void restart_suspect(void *context) { stop_suspect(context, SIM_KILL); }
static void suspect_loses_power(void *context) { stop_suspect(context, SIM_POWER_OFF); }

/* Somebody sees that the broker takes no more messages and starts it again, without a reboot; later the power goes.
 * What the failed sync did not bring to the disk is lost then, unless the broker wrote it once more. */
static void after_failed_sync(struct swarm *s, struct machine *m) {
  if (s->suspect != NULL || !s->plan.sync_flush) return; /* one a world */
  s->suspect = m;
  int64_t at = sim_now(s->world) + upto(s, 4000);
  sim_at(s->world, at, restart_suspect, s);
  if (s->plan.faults & 1u << FAULT_POWER) sim_at(s->world, at + 300 + upto(s, 4000), suspect_loses_power, s);
}

static void break_disk(struct swarm *s) {
  struct prng *p = sim_chance(s->world);
  struct machine *m = any_broker(s);
  static const enum status kinds[] = {STATUS_IO, STATUS_NO_SPACE};
  int ops = prng_chance(p, 1, 2) ? SIM_WRITE : prng_chance(p, 1, 2) ? SIM_SYNC : SIM_OPEN | SIM_NAMES;
  struct sim_disk_fault fault = {.ops = ops,
                                 .after = prng_below(p, 20),
                                 .status = kinds[prng_below(p, 2)],
                                 .torn = prng_chance(p, 1, 2)};
  sim_disk_fail(m->host, &fault);
  if (ops == SIM_SYNC) after_failed_sync(s, m);
}

static void happen(void *context, int fault) {
  struct swarm *s = context;
  struct prng *p = sim_chance(s->world);
  s->happened[fault]++;
  switch ((enum swarm_fault)fault) {
  case FAULT_CUT: cut(s, true); break;
  case FAULT_ONE_WAY: cut(s, false); break;
  case FAULT_RESET: sim_reset_connections(any_machine(s)->host, NULL); break;
  case FAULT_KILL: stop(s, SIM_KILL); break;
  case FAULT_EXIT: stop(s, SIM_EXIT); break;
  case FAULT_POWER: stop(s, SIM_POWER_OFF); break;
  case FAULT_STALL: sim_stall(any_machine(s)->host, upto(s, 8000)); break;
  case FAULT_CLOCK: sim_clock_jump(any_machine(s)->host, upto(s, 7200000) - 3600000); break;
  case FAULT_DRIFT: sim_clock_drift(any_machine(s)->host, (int)prng_below(p, 100000) - 50000); break;
  case FAULT_SLOW_NET: slow_network(s); break;
  case FAULT_SLOW_DISK: sim_disk_sync_delay(any_broker(s)->host, 1, (int)upto(s, 3000)); break;
  case FAULT_BAD_DISK: break_disk(s); break;
  case FAULT_COUNT: break;
  }
}

void faults_begin(struct swarm *s) {
  s->chaos = (struct chaos){.world = s->world,
                             .faults = s->plan.faults,
                             .fault_count = FAULT_COUNT,
                             .gap_ms = s->plan.fault_gap_ms,
                             .happen = happen,
                             .context = s};
  chaos_begin(&s->chaos);
}

void faults_mend(struct swarm *s) {
  s->chaos.over = true;
  sim_heal_all(s->world);
  fair_network(s);
  sim_conditions(s->world)->reset_chance = 0;
  for (unsigned i = 0; i < s->site.count; i++) {
    struct machine *m = &s->site.machines[i];
    sim_clock_drift(m->host, 0);
    sim_disk_sync_delay(m->host, 1, s->plan.sync_ms);
    sim_disk_fail(m->host, NULL);
    /* A broker that saw its disk fail refuses to write until a person has looked and started it again, without a
     * reboot: the page cache shows what a failed sync did not bring to the disk. */
    if (m->ops == &broker_ops && s->happened[FAULT_BAD_DISK] > 0) machine_stop(m, SIM_KILL);
    machine_start(m);
  }
}
