/* SPDX-License-Identifier: Apache-2.0
 *
 * group: time, dice, and what happens next.
 */
#include "tests/sim/raft/group.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

uint64_t group_dice(struct group *g, uint64_t bound) { return bound == 0 ? 0 : prng_below(&g->chance, bound); }

void group_say(struct group *g, const struct machine *m, const char *format, ...) {
  va_list arguments;
  if (!g->trace) return;
  printf("[%6lld] ", (long long)g->now);
  if (m != NULL) printf("n%d ", m->id);
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  printf("\n");
}

void group_fail(struct group *g, const char *format, ...) {
  va_list arguments;
  if (g->violation[0] != '\0') return;
  va_start(arguments, format);
  vsnprintf(g->violation, sizeof g->violation, format, arguments);
  va_end(arguments);
  g->done = true;
  group_say(g, NULL, "VIOLATION %s", g->violation);
}

static void write_log(struct log *log, enum log_level level, const char *line) {
  (void)level;
  group_say(log->context, NULL, "%s", line);
}

/* ---- events ---- */

static bool before(const struct event *a, const struct event *b) {
  return a->at != b->at ? a->at < b->at : a->order < b->order;
}

struct event *group_event(struct group *g, enum event_kind kind, int64_t at, struct machine *m) {
  struct event *e = g->spare;
  if (e != NULL) g->spare = *(struct event **)e;
  else if ((e = malloc(sizeof *e)) == NULL) abort();
  if (g->heap_count == g->heap_cap) {
    g->heap_cap = g->heap_cap == 0 ? 256 : 2 * g->heap_cap;
    g->heap = realloc(g->heap, g->heap_cap * sizeof(struct event *));
    if (g->heap == NULL) abort();
  }
  e->at = at;
  e->order = g->order++;
  e->kind = kind;
  e->machine = m == NULL ? -1 : m->id;
  e->life = m == NULL ? 0 : m->life;
  e->number = 0;
  size_t i = g->heap_count++;
  for (; i > 0 && before(e, g->heap[(i - 1) / 2]); i = (i - 1) / 2) g->heap[i] = g->heap[(i - 1) / 2];
  g->heap[i] = e;
  return e;
}

static struct event *pop(struct group *g) {
  if (g->heap_count == 0) return NULL;
  struct event *first = g->heap[0], *last = g->heap[--g->heap_count];
  size_t i = 0, n = g->heap_count;
  for (size_t child = 1; child < n; child = 2 * i + 1) {
    if (child + 1 < n && before(g->heap[child + 1], g->heap[child])) child++;
    if (!before(g->heap[child], last)) break;
    g->heap[i] = g->heap[child];
    i = child;
  }
  if (n > 0) g->heap[i] = last;
  return first;
}

/* ---- what happens ---- */

static void on_client(struct group *g) {
  struct machine *m = &g->machines[group_dice(g, (uint64_t)g->plan.machines)];
  bool silent = g->healing && g->plan.quiet && check_new_entry(g) >= 0;
  for (int i = 0; i < g->plan.machines && !silent; i++, m = &g->machines[(m->id + 1) % g->plan.machines])
    if (machine_is_up(m) && m->seen_role == RAFT_LEADER && g->now >= m->stalled_until) {
      for (uint64_t n = 1 + group_dice(g, 3); n > 0; n--) machine_append(m, ++g->next_value);
      break;
    }
  if (g->healing && check_progress(g)) {
    g->done = true;
    return;
  }
  if (g->healing && g->now > g->plan.faults_ms + g->plan.heal_ms) {
    group_fail(g, "no progress within %lld ms after healing", (long long)g->plan.heal_ms);
    return;
  }
  group_event(g, EVENT_CLIENT, g->now + 1 + (int64_t)group_dice(g, (uint64_t)g->plan.client_gap_ms), NULL);
}

static void on_fault(struct group *g) {
  if (g->now >= g->plan.faults_ms) {
    group_say(g, NULL, "---- all is well again ----");
    g->healing = true;
    g->final_value = g->next_value;
    fault_end(g);
    return;
  }
  fault_happen(g);
  group_event(g, EVENT_FAULT, g->now + 1 + (int64_t)group_dice(g, (uint64_t)g->plan.fault_gap_ms), NULL);
}

static void on_machine(struct group *g, struct event *e) {
  struct machine *m = &g->machines[e->machine];
  if (e->kind == EVENT_BOOT) {
    if (!machine_is_up(m) && e->life == m->life) machine_boot(m);
    return;
  }
  if (!machine_is_up(m) || e->life != m->life) return;
  if (e->kind == EVENT_SYNCED) {
    machine_synced(m, e->number);
    check_step(m);
    machine_turn_soon(m, 0);
  } else if (e->number == m->turn_at) {
    machine_turn(m);
  }
}

bool group_step(struct group *g) {
  struct event *e = g->done ? NULL : pop(g);
  if (e == NULL) return false;
  g->now = e->at;
  g->events++;
  if (e->kind == EVENT_MESSAGE) network_arrive(g, e);
  else if (e->kind == EVENT_CLIENT) on_client(g);
  else if (e->kind == EVENT_FAULT) on_fault(g);
  else on_machine(g, e);
  *(struct event **)e = g->spare;
  g->spare = e;
  return true;
}

/* ---- a whole world ---- */

void group_plan_of(uint64_t seed, struct group_plan *plan) {
  struct prng dice;
  prng_init(&dice, seed ^ UINT64_C(0x7261667400000000));
  memset(plan, 0, sizeof *plan);
  plan->machines = prng_below(&dice, 3) == 0 ? 5 : 3;
  uint64_t mode = prng_below(&dice, 4);
  plan->fsync = mode < 2 ? RAFT_FSYNC_MAJORITY : mode == 2 ? RAFT_FSYNC_LEADER : RAFT_FSYNC_NONE;
  plan->faults_ms = 10000 + (int64_t)prng_below(&dice, 10000);
  plan->fault_gap_ms = 100 + (int64_t)prng_below(&dice, 1500);
  plan->client_gap_ms = 10 + (int64_t)prng_below(&dice, 100);
  plan->narrow = prng_below(&dice, 4) == 0;
  if (plan->narrow) plan->client_gap_ms += 200;
  plan->quiet = prng_below(&dice, 2) == 0;
  plan->heal_ms = 10000;
}

void group_init(struct group *g, uint64_t seed, const struct group_plan *plan, bool trace) {
  memset(g, 0, sizeof *g);
  g->seed = seed;
  g->plan = *plan;
  g->trace = trace;
  g->log = (struct log){.level = trace ? LOG_DEBUG : LOG_ERROR, .write = write_log, .context = g};
  prng_init(&g->chance, seed);
  network_heal(g);
  for (int i = 0; i < plan->machines; i++) {
    machine_init(&g->machines[i], g, i, i < plan->models ? &brain_01 : &brain_raft);
    machine_boot(&g->machines[i]);
  }
  group_event(g, EVENT_CLIENT, 1, NULL);
  if (!plan->calm) group_event(g, EVENT_FAULT, 2000, NULL); /* a group forms when all of it is there */
}

void group_fini(struct group *g) {
  for (int i = 0; i < g->plan.machines; i++) machine_fini(&g->machines[i]);
  while (g->heap_count > 0) free(g->heap[--g->heap_count]);
  while (g->spare != NULL) {
    struct event *e = g->spare;
    g->spare = *(struct event **)e;
    free(e);
  }
  free(g->heap);
  free(g->truth);
  free(g->leader_of);
}

void group_run(struct group *g) {
  while (group_step(g)) {
  }
}
