/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/replicas/replicas.h"

static int64_t upto(struct replicas *r, int64_t ms) { return chaos_upto(r->world, ms); }

static struct machine *any_broker(struct replicas *r) {
  return r->brokers[prng_below(sim_chance(r->world), (uint64_t)r->plan.slaves + 1)];
}

static struct machine *any_slave(struct replicas *r) {
  return r->brokers[1 + prng_below(sim_chance(r->world), (uint64_t)r->plan.slaves)];
}

static void fair_network(void *context) {
  struct replicas *r = context;
  struct sim_conditions *c = sim_conditions(r->world);
  c->latency_max_ms = 2;
  c->spike_chance = 0;
}

static void fair_disks(void *context) {
  struct replicas *r = context;
  for (int i = 0; i <= r->plan.slaves; i++) {
    sim_disk_sync_delay(r->brokers[i]->host, 1, r->plan.sync_ms);
    sim_disk_fail(r->brokers[i]->host, NULL);
  }
}

static void cut(struct replicas *r, bool both) {
  struct machine *a = any_broker(r), *b = prng_chance(sim_chance(r->world), 1, 2) ? r->brokers[0] : any_slave(r);
  chaos_cut(&r->chaos, a->host, b->host, both, 3000);
}

static void stop(struct replicas *r, struct machine *m, enum sim_stop how) {
  check_new_bytes(r);
  if (how == SIM_POWER_OFF) {
    r->ledger.lost_power = true;
    if (m == r->brokers[0]) r->master_lost_power = true;
  }
  machine_stop(m, how);
  machine_start_at(m, sim_now(r->world) + upto(r, prng_chance(sim_chance(r->world), 1, 2) ? 100 : 3000));
}

static void slow_network(struct replicas *r) {
  struct sim_conditions *c = sim_conditions(r->world);
  c->latency_max_ms = (int)upto(r, 200);
  c->spike_chance = 500;
  c->spike_ms = (int)upto(r, 2000);
  sim_at(r->world, sim_now(r->world) + upto(r, 3000), fair_network, r);
}

static void slow_disk(struct replicas *r) {
  sim_disk_sync_delay(any_broker(r)->host, 1, (int)upto(r, 2000));
  sim_at(r->world, sim_now(r->world) + upto(r, 3000), fair_disks, r);
}

static void full_disk(struct replicas *r) {
  struct sim_disk_fault fault = {.ops = SIM_WRITE | SIM_OPEN,
                                 .after = prng_below(sim_chance(r->world), 20),
                                 .status = STATUS_NO_SPACE,
                                 .torn = prng_chance(sim_chance(r->world), 1, 2),
                                 .lasting = prng_chance(sim_chance(r->world), 1, 2)};
  sim_disk_fail(any_slave(r)->host, &fault);
  sim_at(r->world, sim_now(r->world) + upto(r, 2000), fair_disks, r);
}

static void happen(void *context, int fault) {
  struct replicas *r = context;
  r->happened[fault]++;
  switch ((enum fault)fault) {
  case FAULT_CUT:
    cut(r, true);
    break;
  case FAULT_ONE_WAY:
    cut(r, false);
    break;
  case FAULT_RESET:
    sim_reset_connections(any_broker(r)->host, NULL);
    break;
  case FAULT_KILL_MASTER:
    stop(r, r->brokers[0], SIM_KILL);
    break;
  case FAULT_KILL_SLAVE:
    stop(r, any_slave(r), SIM_KILL);
    break;
  case FAULT_EXIT:
    stop(r, any_broker(r), SIM_EXIT);
    break;
  case FAULT_POWER_MASTER:
    stop(r, r->brokers[0], SIM_POWER_OFF);
    break;
  case FAULT_POWER_SLAVE:
    stop(r, any_slave(r), SIM_POWER_OFF);
    break;
  case FAULT_STALL:
    sim_stall(any_broker(r)->host, upto(r, 3000));
    break;
  case FAULT_CLOCK:
    sim_clock_jump(any_broker(r)->host, upto(r, 7200000) - 3600000);
    break;
  case FAULT_SLOW_NET:
    slow_network(r);
    break;
  case FAULT_SLOW_DISK:
    slow_disk(r);
    break;
  case FAULT_FULL_DISK:
    full_disk(r);
    break;
  case FAULT_COUNT:
    break;
  }
}

void faults_begin(struct replicas *r) {
  r->chaos = (struct chaos){.world = r->world,
                             .faults = r->plan.faults,
                             .fault_count = FAULT_COUNT,
                             .gap_ms = r->plan.fault_gap_ms,
                             .happen = happen,
                             .context = r};
  chaos_begin(&r->chaos);
}

void faults_mend(struct replicas *r) {
  r->chaos.over = true;
  sim_heal_all(r->world);
  fair_network(r);
  fair_disks(r);
  for (int i = 0; i <= r->plan.slaves; i++) machine_start(r->brokers[i]);
}
