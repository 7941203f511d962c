/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sim/inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { MILLION = 1000000 };

static const struct sim_conditions fair_conditions = {
    .latency_min_ms = 0,
    .latency_max_ms = 2,
    .spike_ms = 50,
    .spike_chance = 20,
    .split_chance = 1000,
    .window = 128 << 10,
    .give_up_ms = 15 * 60 * 1000,
};

static void out_of_memory(void) {
  fputs("sim: out of memory\n", stderr);
  abort();
}

void *sim_grow(void *array, size_t *cap, size_t need, size_t size) {
  if (need <= *cap) return array;
  size_t bigger = *cap == 0 ? 16 : *cap * 2;
  while (bigger < need) bigger *= 2;
  void *grown = realloc(array, bigger * size);
  if (grown == NULL) out_of_memory();
  *cap = bigger;
  return grown;
}

void *sim_zalloc(size_t size) {
  void *p = calloc(1, size == 0 ? 1 : size);
  if (p == NULL) out_of_memory();
  return p;
}

struct sim_world *sim_world_new(uint64_t seed) {
  struct sim_world *world = sim_zalloc(sizeof *world);
  struct prng root;
  prng_init(&root, seed);
  prng_init(&world->chance, prng_next(&root));
  prng_init(&world->net_chance, prng_next(&root));
  world->conditions = fair_conditions;
  world->hash = seed;
  return world;
}

static void host_free(struct sim_host *host) {
  net_sim_fini(&host->net);
  disk_sim_fini(&host->disk);
  free(host->name);
  free(host);
}

void sim_world_free(struct sim_world *world) {
  if (world == NULL) return;
  net_sim_free_conns(world);
  for (unsigned i = 0; i < world->host_count; i++) host_free(world->hosts[i]);
  events_fini(&world->events);
  if (world->tracing) buf_fini(&world->trace);
  free(world);
}

struct sim_conditions *sim_conditions(struct sim_world *world) { return &world->conditions; }
int64_t sim_now(const struct sim_world *world) { return world->now_ms; }
uint64_t sim_event_count(const struct sim_world *world) { return world->event_count; }
struct prng *sim_chance(struct sim_world *world) { return &world->chance; }

void world_push(struct sim_world *world, int64_t at_ms, struct event e) {
  e.at_ms = at_ms < world->now_ms ? world->now_ms : at_ms;
  if (e.conn != NULL) conn_hold(e.conn);
  events_push(&world->events, &e);
}

void sim_at(struct sim_world *world, int64_t ms, void (*f)(void *context), void *context) {
  world_push(world, ms, (struct event){.kind = EVENT_CALL, .call = f, .context = context});
}

/* ---- clocks ---- */

static int64_t mono_of(const struct sim_host *host) {
  int64_t passed = host->world->now_ms - host->clock_since_ms;
  return host->clock_base_ms + passed + passed * host->clock_ppm / MILLION;
}

/* The first virtual ms at which the host's monotonic clock shows at least mono_ms. */
static int64_t virtual_of(const struct sim_host *host, int64_t mono_ms) {
  int64_t rest = mono_ms - mono_of(host);
  if (rest <= 0) return host->world->now_ms;
  if (host->clock_ppm == 0) return host->world->now_ms + rest;
  return host->world->now_ms + (int64_t)((__int128)rest * MILLION / (MILLION + host->clock_ppm)) + 1;
}

struct moment sim_host_now(const struct sim_host *host) {
  int64_t mono_ms = mono_of(host);
  return (struct moment){.mono_ms = mono_ms, .wall_ms = mono_ms + host->wall_offset_ms};
}

void sim_clock_jump(struct sim_host *host, int64_t ms) {
  host->wall_offset_ms += ms;
  world_mix(host->world, (uint64_t)ms);
  world_trace(host->world, host, "the wall clock jumps by %lld ms", (long long)ms);
}

void sim_clock_drift(struct sim_host *host, int ppm) {
  assert(ppm > -MILLION / 2 && ppm < MILLION / 2);
  int64_t mono_ms = mono_of(host);
  host->clock_base_ms = mono_ms;
  host->clock_since_ms = host->world->now_ms;
  host->clock_ppm = ppm;
  sim_poke(host); /* the wake-up on the heap was computed with the old speed */
}

/* ---- machines and programs ---- */

struct sim_host *sim_host_new(struct sim_world *world, const char *name) {
  assert(world->host_count < SIM_HOSTS_MAX);
  struct sim_host *host = sim_zalloc(sizeof *host);
  host->world = world;
  host->index = world->host_count;
  size_t size = strlen(name) + 1;
  host->name = memcpy(sim_zalloc(size), name, size);
  snprintf(host->ip, sizeof host->ip, "10.0.0.%u", (host->index + 1) & 255);
  host->life = 1;
  host->up = host->power = true;
  host->wake_at_ms = host->want_ms = TIME_NEVER;
  /* Some uptime, different everywhere: a deadline compared with another machine's clock shows at once. */
  host->clock_base_ms = 1000 + (int64_t)prng_below(&world->net_chance, 10 * MILLION);
  host->clock_since_ms = world->now_ms;
  host->wall_offset_ms = SIM_EPOCH_MS + world->now_ms - host->clock_base_ms;
  net_sim_init(&host->net, host);
  disk_sim_init(&host->disk, host, prng_next(&world->net_chance));
  trace_log_init(host);
  world->hosts[world->host_count++] = host;
  return host;
}

const char *sim_host_name(const struct sim_host *host) { return host->name; }
const char *sim_host_ip(const struct sim_host *host) { return host->ip; }
struct net *sim_host_net(struct sim_host *host) { return &host->net.net; }
struct disk *sim_host_disk(struct sim_host *host) { return &host->disk.disk; }
struct log *sim_host_log(struct sim_host *host) { return &host->log; }
bool sim_is_up(const struct sim_host *host) { return host->up; }

void sim_attach(struct sim_host *host, struct node *node) {
  assert(host->up && host->node == NULL);
  host->node = node;
  host->turn_pending = false;
  world_trace(host->world, host, "starts");
  world_want_turn(host);
}

void sim_stop(struct sim_host *host, enum sim_stop how) {
  static const char *const words[] = {"exits", "is killed", "loses power"};
  if (!host->up && !(how == SIM_POWER_OFF && host->power)) return;
  world_trace(host->world, host, "%s", words[how]);
  world_mix(host->world, (uint64_t)how + host->index * 8u);
  host->node = NULL;
  net_sim_stop(&host->net, how);
  disk_sim_stop(&host->disk, how);
  host->up = false;
  host->power = host->power && how != SIM_POWER_OFF;
  host->turn_pending = false;
  host->wake_at_ms = host->want_ms = TIME_NEVER;
  host->stalled_until_ms = 0;
}

void sim_boot(struct sim_host *host) {
  assert(!host->up);
  bool was_off = !host->power;
  host->life++;
  host->up = host->power = true;
  if (was_off) net_sim_retry(host->world);
}

void world_want_turn(struct sim_host *host) {
  if (host->node == NULL || host->turn_pending) return;
  host->turn_pending = true;
  int64_t at_ms = host->world->now_ms + host->world->conditions.turn_ms;
  if (at_ms < host->stalled_until_ms) at_ms = host->stalled_until_ms;
  world_push(host->world, at_ms, (struct event){.kind = EVENT_TURN, .host = host, .value = host->life});
}

void sim_poke(struct sim_host *host) { world_want_turn(host); }

void sim_stall(struct sim_host *host, int64_t ms) {
  int64_t until_ms = host->world->now_ms + ms;
  if (until_ms > host->stalled_until_ms) host->stalled_until_ms = until_ms;
  world_trace(host->world, host, "stalls for %lld ms", (long long)ms);
}

/* ---- the loop ---- */

/* One wake-up event per host is enough: when it comes early it is pushed again, when late a new one is. */
static void arrange_wake(struct sim_host *host) {
  if (host->want_ms == TIME_NEVER) return;
  int64_t at_ms = virtual_of(host, host->want_ms);
  /* A node that wants another turn at once gets it in the next instant: time must pass. */
  if (at_ms <= host->world->now_ms) at_ms = host->world->now_ms + 1;
  if (at_ms >= host->wake_at_ms) return;
  host->wake_at_ms = at_ms;
  world_push(host->world, at_ms, (struct event){.kind = EVENT_WAKE, .host = host, .value = host->life});
}

static void run_wake(struct sim_world *world, struct sim_host *host) {
  if (world->now_ms < host->wake_at_ms) return; /* an older one; the newer is still to come */
  host->wake_at_ms = TIME_NEVER;
  if (host->want_ms == TIME_NEVER) return;
  if (mono_of(host) >= host->want_ms)
    world_want_turn(host);
  else
    arrange_wake(host);
}

static void run_turn(struct sim_world *world, struct sim_host *host) {
  if (world->now_ms < host->stalled_until_ms) { /* stalled after the turn was arranged */
    world_push(world, host->stalled_until_ms, (struct event){.kind = EVENT_TURN, .host = host, .value = host->life});
    return;
  }
  host->turn_pending = false;
  struct node *node = host->node;
  struct moment now = sim_host_now(host);
  net_sim_drain(&host->net, node, now);
  host->want_ms = node->ops->turn(node, now);
  net_sim_flush(&host->net);
  arrange_wake(host);
}

static void run_event(struct sim_world *world, const struct event *e) {
  struct sim_host *host = e->host;
  switch (e->kind) {
  case EVENT_TURN:
    if (host->node != NULL && e->value == host->life) run_turn(world, host);
    break;
  case EVENT_WAKE:
    if (host->node != NULL && e->value == host->life) run_wake(world, host);
    break;
  case EVENT_SYNCED: disk_sim_synced(&host->disk, e->sync); break;
  case EVENT_CALL: e->call(e->context); break;
  default:
    net_sim_event(world, e);
    conn_drop(world, e->conn);
  }
}

static bool step_until(struct sim_world *world, int64_t until_ms) {
  struct event e;
  if (!events_pop(&world->events, until_ms, &e)) return false;
  assert(e.at_ms >= world->now_ms);
  world->now_ms = e.at_ms;
  world->event_count++;
  world_mix(world, (uint64_t)e.at_ms << 8 | (uint64_t)e.kind << 4 | e.side);
  world_mix(world, e.host != NULL ? e.host->index : e.conn != NULL ? e.conn->number << 32 | e.value : e.value);
  run_event(world, &e);
  return true;
}

bool sim_step(struct sim_world *world) { return step_until(world, INT64_MAX); }

void sim_run_until(struct sim_world *world, int64_t ms) {
  while (step_until(world, ms)) continue;
  if (world->now_ms < ms) world->now_ms = ms;
}
