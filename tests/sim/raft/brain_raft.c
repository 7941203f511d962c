/* SPDX-License-Identifier: Apache-2.0
 *
 * brain_raft: the real step function on a machine.
 */
#include "tests/sim/raft/group.h"

#include <stdlib.h>

struct real {
  struct raft_store store;
  struct machine *m;
  struct raft *raft;
  uint64_t opening;
};

static struct machine *machine_of(struct raft_store *s) { return ((struct real *)s)->m; }

static int64_t store_begin(struct raft_store *s) { return machine_of(s)->disk.cache.count > 0 ? 0 : -1; }
static int64_t store_end(struct raft_store *s) { return disk_end(machine_of(s)); }

static bool store_read(struct raft_store *s, int64_t index, struct raft_entry *out) {
  struct machine *m = machine_of(s);
  if (index < 0 || index > disk_end(m)) return false;
  const struct cell *cell = &m->disk.cache.cells[index];
  *out = (struct raft_entry){.index = index,
                             .term = cell->term,
                             .pos = index * ENTRY_BYTES,
                             .magic = 1,
                             .size = ENTRY_BYTES,
                             .body = span_of(&cell->value, sizeof cell->value)};
  return true;
}

static int64_t store_term(struct raft_store *s, int64_t index) {
  struct machine *m = machine_of(s);
  return index < 0 || index > disk_end(m) ? -2 : m->disk.cache.cells[index].term;
}

static int64_t store_reach(struct raft_store *s, int64_t first, int64_t count_max, int64_t bytes_max) {
  int64_t last = first + count_max - 1, end = disk_end(machine_of(s));
  (void)bytes_max;
  return last < end ? last : end;
}

static enum status put(struct machine *m, int64_t term, struct span body) {
  struct cell cell = {.term = term};
  memcpy(&cell.value, body.ptr, sizeof cell.value);
  return disk_put(m, &cell) ? STATUS_OK : STATUS_IO;
}

static enum status store_append_own(struct raft_store *s, int64_t term, struct span body, int64_t *index,
                                    int64_t *pos) {
  *index = disk_end(machine_of(s)) + 1;
  *pos = *index * ENTRY_BYTES;
  return put(machine_of(s), term, body);
}

static enum status store_append(struct raft_store *s, const struct raft_entry *e) {
  struct machine *m = machine_of(s);
  if (e->index != disk_end(m) + 1 || e->pos != e->index * ENTRY_BYTES) return STATUS_INVALID;
  return put(m, e->term, e->body);
}

static enum status store_truncate(struct raft_store *s, int64_t from) {
  return disk_truncate(machine_of(s), from) ? STATUS_OK : STATUS_IO;
}

static enum status store_reset(struct raft_store *s, const struct raft_entry *e) {
  group_fail(machine_of(s)->group, "a ledger was reset to %lld, but nobody expires anything here", (long long)e->index);
  return STATUS_IO;
}

static enum status store_persist(struct raft_store *s, const struct raft_hard_state *state) {
  return disk_persist(machine_of(s), state, true) ? STATUS_OK : STATUS_IO;
}

static const struct raft_store_ops store_ops = {store_begin, store_end,        store_read,   store_term,
                                                store_reach, store_append_own, store_append, store_truncate,
                                                store_reset, store_persist};

static void configure(struct raft_config *c, struct machine *m, uint64_t *opening) {
  raft_config_default(c);
  c->self = m->id;
  c->count = m->group->plan.machines;
  c->fsync = m->group->plan.fsync;
  c->batch_count = 4 + (int64_t)group_dice(m->group, BATCH_MAX - 3);
  if (m->group->plan.narrow) c->batch_count = 1;
  c->batches_in_flight = 2 + (int)group_dice(m->group, 8);
  c->java_in_flight = 20 + (int64_t)group_dice(m->group, 100);
  c->seed = group_dice(m->group, UINT64_MAX);
  c->opening = span_of(opening, sizeof *opening);
}

static void *boot(struct machine *m) {
  struct real *b = calloc(1, sizeof *b);
  struct raft_config config;
  if (b == NULL) abort();
  b->store.ops = &store_ops;
  b->m = m;
  b->opening = VALUE_OPENING;
  configure(&config, m, &b->opening);
  struct raft_start start = {.hard = m->disk.hard, .committed = m->disk.committed};
  if (m->disk.formatted) start.hard.amnesia = true; /* as the node that finds no currterm does */
  b->raft = raft_new(&config, &b->store, &start, &m->group->log, machine_now(m));
  if (b->raft == NULL) abort();
  return b;
}

static void halt(void *brain) {
  struct real *b = brain;
  b->m->group->refusals += raft_refusals(b->raft);
  raft_free(b->raft);
  free(b);
}

static void receive(void *brain, const struct raft_message *message, struct moment now) {
  raft_receive(((struct real *)brain)->raft, message, now);
}

static void drain(struct real *b) {
  const struct raft_message *message;
  while ((message = raft_next_message(b->raft)) != NULL) network_send(b->m, message);
}

static int64_t turn(void *brain, struct moment now) {
  struct real *b = brain;
  if (raft_failed(b->raft)) return TIME_NEVER;
  if (!disk_write(b->m)) {
    raft_disk_failed(b->raft, STATUS_IO);
    return TIME_NEVER;
  }
  raft_written(b->raft, disk_end(b->m));
  int64_t wake = raft_turn(b->raft, now);
  drain(b);
  if (raft_wants_sync(b->raft)) disk_sync_start(b->m);
  return b->m->disk.staged > 0 ? now.mono_ms : wake;
}

static bool append(void *brain, uint64_t value, int64_t *index) {
  int64_t pos;
  return raft_append(((struct real *)brain)->raft, span_of(&value, sizeof value), index, &pos) == STATUS_OK;
}

static void synced(void *brain, int64_t index) {
  struct raft *r = ((struct real *)brain)->raft;
  if (index == -2) raft_disk_failed(r, STATUS_IO);
  else raft_synced(r, index);
}

static enum raft_role role(const void *brain) { return raft_role(((const struct real *)brain)->raft); }
static int64_t term(const void *brain) { return raft_term(((const struct real *)brain)->raft); }
static int64_t committed(const void *brain) { return raft_committed(((const struct real *)brain)->raft); }
static bool amnesia(const void *brain) { return raft_has_amnesia(((const struct real *)brain)->raft); }
static bool broken(const void *brain) { return raft_failed(((const struct real *)brain)->raft); }
static void hand_over(void *brain, struct moment now) { (void)raft_hand_over(((struct real *)brain)->raft, now); }

static void lost(void *brain, int64_t from) { raft_lost(((struct real *)brain)->raft, from); }

const struct brain_ops brain_raft = {"raft", boot, halt,      receive, turn,   append,    synced,
                                     role,   term, committed, amnesia, broken, hand_over, lost};
