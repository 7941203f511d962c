/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/site.h"

#include <assert.h>
#include <stdio.h>

enum { RETRY_START_MS = 1000, LEAVE_POLL_MS = 1 };

void site_init(struct site *s, struct sim_world *world) { *s = (struct site){.world = world}; }

uint64_t machine_seed(struct machine *m) { return prng_next(sim_chance(m->site->world)); }

void site_fini(struct site *s) {
  for (unsigned i = 0; i < s->count; i++) machine_stop(&s->machines[i], SIM_KILL);
}

struct machine *site_add(struct site *s, const char *name, const struct program_ops *ops, void *config) {
  assert(s->count < SITE_MACHINES_MAX);
  struct machine *m = &s->machines[s->count++];
  *m = (struct machine){.site = s, .ops = ops, .host = sim_host_new(s->world, name), .config = config};
  return m;
}

void site_name_servers(const struct site *s, char *out, size_t cap) {
  size_t n = 0;
  out[0] = '\0';
  for (unsigned i = 0; i < s->count; i++)
    if (s->machines[i].ops == &namesrv_ops && n < cap)
      n += (size_t)snprintf(out + n, cap - n, "%s%s:%d", n == 0 ? "" : ";", sim_host_ip(s->machines[i].host),
                            NAMESRV_PORT);
}

static void start_arranged(void *context) {
  struct machine *m = context;
  m->arranged = false;
  if (m->wanted) machine_start(m);
}

void machine_start_at(struct machine *m, int64_t ms) {
  m->wanted = true;
  if (m->arranged) return;
  m->arranged = true;
  sim_at(m->site->world, ms, start_arranged, m);
}

void machine_start(struct machine *m) {
  m->wanted = true;
  if (m->state == MACHINE_LEAVING) machine_start_at(m, sim_now(m->site->world) + LEAVE_POLL_MS);
  if (m->state != MACHINE_DOWN) return;
  if (!sim_is_up(m->host)) sim_boot(m->host);
  m->starts++;
  struct node *node = m->ops->start(m, sim_host_now(m->host));
  if (node != NULL) {
    m->state = MACHINE_UP;
    sim_attach(m->host, node);
    return;
  }
  m->failed_starts++;
  sim_stop(m->host, SIM_KILL);
  machine_start_at(m, sim_now(m->site->world) + RETRY_START_MS);
}

static void finish_leaving(void *context) {
  struct machine *m = context;
  if (m->state != MACHINE_LEAVING) return; /* killed meanwhile */
  m->ops->stop(m, true, sim_host_now(m->host));
  m->program = NULL;
  m->state = MACHINE_DOWN;
  sim_stop(m->host, SIM_EXIT);
}

void machine_stop(struct machine *m, enum sim_stop how) {
  m->wanted = false;
  if (m->state == MACHINE_DOWN || (how == SIM_EXIT && m->state == MACHINE_LEAVING)) {
    if (how != SIM_EXIT && sim_is_up(m->host)) sim_stop(m->host, how);
    return;
  }
  if (how == SIM_EXIT) {
    m->state = MACHINE_LEAVING;
    if (m->ops->leave != NULL) m->ops->leave(m, sim_host_now(m->host));
    sim_poke(m->host);
    /* Its last turn comes first, so that its farewells leave. */
    sim_at(m->site->world, sim_now(m->site->world) + LEAVE_POLL_MS, finish_leaving, m);
    return;
  }
  sim_stop(m->host, how);
  m->ops->stop(m, false, sim_host_now(m->host));
  m->program = NULL;
  m->state = MACHINE_DOWN;
}
