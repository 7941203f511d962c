/* SPDX-License-Identifier: Apache-2.0
 *
 * audit: the stores of stopped brokers, opened once more. Every acknowledged
 * message is where the acknowledgement said, queue offsets are dense, and the
 * consume queues are what a rebuild from the commit log gives.
 */
#include "core/base/map.h"
#include "mqbroker/store/store.h"
#include "tests/sim/swarm.h"

#include <stdlib.h>

enum { BATCH = 32, BATCH_BYTES = 1 << 20 };

struct audit {
  struct swarm *swarm;
  struct machine *machine;
  struct store *store;
  struct get_result *got;
  struct map found; /* queue, offset: of this broker */
  uint64_t digest;
  uint64_t messages;
  bool rebuilt;
};

static void mix(struct audit *a, uint64_t value) {
  uint64_t h = (a->digest ^ value) * 0x9fb21c651e98df25u;
  a->digest = h ^ h >> 29;
}

struct place {
  int64_t queue, offset;
};

static void take_record(struct audit *a, const struct message *m, int32_t queue, int64_t offset) {
  struct ledger *l = &a->swarm->ledger;
  const struct broker_config *c = a->machine->config;
  if (m->queue_offset != offset || m->queue_id != queue)
    ledger_violation(l, "%s queue %d: unit %lld points to the record of queue %d offset %lld", c->name, queue,
                     (long long)offset, m->queue_id, (long long)m->queue_offset);
  mix(a, (uint64_t)queue << 48 ^ (uint64_t)offset);
  mix(a, (uint64_t)m->physical_offset);
  if (a->rebuilt) return;
  a->messages++;
  ledger_seen(l, -1, c->name, queue, offset, m->body);
  struct place place = {queue, offset};
  if (map_put(&a->found, span_of(&place, sizeof place), a, NULL) != STATUS_OK) abort();
}

/* Records of one pull; returns how many. */
static int64_t take_parts(struct audit *a, int32_t queue, int64_t offset) {
  int64_t count = 0;
  for (size_t i = 0; i < a->got->part_count; i++) {
    struct span rest = a->got->parts[i];
    while (rest.len > 0) {
      struct message m;
      size_t size;
      if (message_decode(rest, true, &m, &size) != STATUS_OK) {
        ledger_violation(&a->swarm->ledger, "%s queue %d offset %lld: the record is damaged",
                         ((const struct broker_config *)a->machine->config)->name, queue, (long long)(offset + count));
        return count;
      }
      take_record(a, &m, queue, offset + count++);
      rest = span_from(rest, size);
    }
  }
  return count;
}

static void each_queue(void *context, struct span topic, int32_t queue, int64_t min, int64_t max) {
  struct audit *a = context;
  const struct broker_config *c = a->machine->config;
  if (!span_is(topic, SWARM_TOPIC)) return;
  for (int64_t offset = min; offset < max && a->swarm->ledger.violation[0] == '\0';) {
    enum get_status status = store_get(a->store, topic, queue, offset, BATCH, BATCH_BYTES, NULL, NULL, a->got);
    int64_t count = status == GET_FOUND ? take_parts(a, queue, offset) : 0;
    if (count == 0)
      ledger_violation(&a->swarm->ledger, "%s queue %d [%lld, %lld): nothing can be read at %lld: %s", c->name, queue,
                       (long long)min, (long long)max, (long long)offset, get_status_names[status]);
    offset += count;
  }
}

static void read_store(struct audit *a) {
  a->digest = 0;
  a->store = machine_store_open(a->machine, &a->swarm->ledger);
  if (a->store != NULL) store_queues(a->store, each_queue, a);
  machine_store_close(a->machine);
}

static void remove_tree(struct disk *disk, const char *path) {
  struct arena arena;
  struct disk_entry *entries;
  size_t count = 0;
  arena_init(&arena, 1 << 20);
  if (disk->ops->list(disk, path, &arena, &entries, &count) != STATUS_OK) count = 0;
  for (size_t i = 0; i < count; i++) {
    struct buf name;
    buf_init(&name, DISK_PATH_MAX);
    buf_printf(&name, "%s/%s", path, (const char *)entries[i].name.ptr);
    if (entries[i].directory) remove_tree(disk, (const char *)name.ptr);
    else if (disk->ops->remove(disk, (const char *)name.ptr) != STATUS_OK) abort();
    buf_fini(&name);
  }
  arena_fini(&arena);
  if (disk->ops->remove(disk, path) != STATUS_OK && count > 0) abort();
}

static void compare_with_ledger(struct audit *a) {
  struct ledger *l = &a->swarm->ledger;
  const struct broker_config *c = a->machine->config;
  for (size_t i = 0; i < l->producer_count; i++)
    for (size_t j = 0; j < l->producers[i].count; j++) {
      const struct sent *s = &l->producers[i].sent[j];
      if (!s->acked || strcmp(s->broker, c->name) != 0) continue;
      struct place place = {s->queue, s->offset};
      if (map_get(&a->found, span_of(&place, sizeof place)) == NULL)
        ledger_violation(l, "%s queue %d offset %lld: message %zu of producer %zu, acknowledged at %lld, is gone",
                         s->broker, s->queue, (long long)s->offset, j, i, (long long)s->acked_ms);
    }
}

static uint64_t audit_one(struct swarm *s, struct machine *m) {
  struct audit a = {.swarm = s, .machine = m};
  map_init(&a.found, 1);
  a.got = malloc(sizeof *a.got);
  if (a.got == NULL) abort();
  read_store(&a);
  compare_with_ledger(&a);
  uint64_t original = a.digest;
  a.rebuilt = true;
  remove_tree(sim_host_disk(m->host), BROKER_ROOT "/consumequeue");
  read_store(&a);
  if (a.digest != original)
    ledger_violation(&s->ledger, "%s: consume queues rebuilt from the commit log differ from those that were there",
                     ((const struct broker_config *)m->config)->name);
  sim_stop(m->host, SIM_KILL);
  free(a.got);
  map_fini(&a.found);
  return a.messages;
}

uint64_t audit_stores(struct swarm *s) {
  uint64_t messages = 0;
  for (int i = 0; i < s->plan.brokers; i++)
    if (s->ledger.violation[0] == '\0') messages += audit_one(s, s->brokers[i]);
  return messages;
}
