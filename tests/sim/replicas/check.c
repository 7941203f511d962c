/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/broker.h"
#include "tests/sim/replicas/replicas.h"

#include <stdlib.h>

bool is_stopped(const struct machine *slave) {
  const struct broker *b = machine_broker(slave);
  return b != NULL && b->store != NULL && b->repl->ops->stopped(b->repl) != NULL;
}

/* The first offset in [from, until) at which two logs differ; `until`: nowhere. Both must have it all. */
static int64_t first_difference(struct store *a, struct store *b, int64_t from, int64_t until) {
  while (from < until) {
    struct span x, y;
    if (store_log_bytes(a, from, (size_t)(until - from), &x) != STATUS_OK ||
        store_log_bytes(b, from, (size_t)(until - from), &y) != STATUS_OK)
      return from;
    size_t n = x.len < y.len ? x.len : y.len;
    if (memcmp(x.ptr, y.ptr, n) != 0) {
      while (*x.ptr == *y.ptr) x.ptr++, y.ptr++, from++;
      return from;
    }
    from += (int64_t)n;
  }
  return until;
}

static const char *name_of(const struct machine *m) { return sim_host_name(m->host); }

void check_new_bytes(struct replicas *r) {
  const struct broker *master = machine_broker(r->brokers[0]);
  if (master == NULL || master->store == NULL || r->master_lost_power) return;
  for (int i = 1; i <= r->plan.slaves; i++) {
    const struct broker *slave = machine_broker(r->brokers[i]);
    if (slave == NULL || slave->store == NULL) continue;
    if (is_stopped(r->brokers[i]))
      ledger_violation(&r->ledger, "%s has stopped: %s", name_of(r->brokers[i]),
                       slave->repl->ops->stopped(slave->repl));
    int64_t end = store_log_max(slave->store);
    if (r->checked[i] > end) r->checked[i] = end; /* its power was gone */
    if (end > store_log_max(master->store)) {
      ledger_violation(&r->ledger, "%s has the log up to %lld, its master up to %lld", name_of(r->brokers[i]),
                       (long long)end, (long long)store_log_max(master->store));
      return;
    }
    int64_t at = first_difference(master->store, slave->store, r->checked[i], end);
    if (at < end)
      ledger_violation(&r->ledger, "%s differs from its master at offset %lld", name_of(r->brokers[i]), (long long)at);
    r->compared += (uint64_t)(end - r->checked[i]);
    r->checked[i] = end;
  }
}

void check_calm(struct replicas *r) {
  const struct broker *master = machine_broker(r->brokers[0]);
  if (master == NULL) {
    ledger_violation(&r->ledger, "the master does not run");
    return;
  }
  for (int i = 1; i <= r->plan.slaves; i++) {
    const struct broker *slave = machine_broker(r->brokers[i]);
    if (slave == NULL) ledger_violation(&r->ledger, "%s does not run", name_of(r->brokers[i]));
    else if (is_stopped(r->brokers[i])) {
      if (!r->master_lost_power)
        ledger_violation(&r->ledger, "%s has stopped: %s", name_of(r->brokers[i]),
                         slave->repl->ops->stopped(slave->repl));
    } else if (store_log_max(slave->store) != store_log_max(master->store))
      ledger_violation(&r->ledger, "%s does not catch up: its log ends at %lld, its master's at %lld",
                       name_of(r->brokers[i]), (long long)store_log_max(slave->store),
                       (long long)store_log_max(master->store));
  }
}

/* ---- when all is over ---- */

static bool has_message(struct replicas *r, struct store *store, size_t producer, size_t seq, struct get_result *got) {
  const struct sent *s = &r->ledger.producers[producer].sent[seq];
  uint8_t want[LEDGER_BODY_MAX];
  struct message m;
  size_t size;
  if (store_get(store, SPAN_LITERAL(REPLICAS_TOPIC), s->queue, s->offset, 1, 1 << 20, NULL, NULL, got) != GET_FOUND)
    return false;
  if (message_decode(got->parts[0], true, &m, &size) != STATUS_OK || m.queue_offset != s->offset) return false;
  return span_equal(m.body, span_of(want, ledger_body(&r->ledger, producer, seq, want)));
}

/* Each acknowledged message is in as many slaves' stores as were asked for. */
static void check_acked(struct replicas *r, struct store *const *stores) {
  struct get_result *got = malloc(sizeof *got);
  if (got == NULL) abort();
  for (size_t p = 0; p < r->ledger.producer_count; p++)
    for (size_t i = 0; i < r->ledger.producers[p].count; i++) {
      const struct sent *s = &r->ledger.producers[p].sent[i];
      int have = 0;
      if (!s->acked) continue;
      for (int j = 1; j <= r->plan.slaves; j++) have += has_message(r, stores[j], p, i, got);
      if (have < r->plan.in_sync)
        ledger_violation(
            &r->ledger,
            "queue %d offset %lld: message %zu of producer %zu, acknowledged at %lld, is on %d slaves, not %d",
            s->queue, (long long)s->offset, i, p, (long long)s->acked_ms, have, r->plan.in_sync);
    }
  free(got);
}

/* Before the machines were stopped: which slaves had given up. */
static void check_prefix(struct replicas *r, struct store *const *stores) {
  int64_t end = store_log_max(stores[0]);
  for (int i = 1; i <= r->plan.slaves; i++) {
    int64_t have = store_log_max(stores[i]), both = have < end ? have : end;
    int64_t at = first_difference(stores[0], stores[i], 0, both);
    r->compared += (uint64_t)at;
    if (r->checked[i] < 0) continue; /* it had stopped, because of this */
    if (at < both && (!r->master_lost_power || !r->plan.die))
      ledger_violation(&r->ledger, "%s differs from its master at offset %lld", name_of(r->brokers[i]), (long long)at);
    if (have > end && !r->master_lost_power)
      ledger_violation(&r->ledger, "%s has the log up to %lld, its master up to %lld", name_of(r->brokers[i]),
                       (long long)have, (long long)end);
  }
}

void check_stores(struct replicas *r) {
  struct store *stores[BROKERS_MAX] = {0};
  bool open = true;
  for (int i = 0; i <= r->plan.slaves; i++) sim_disk_fail(r->brokers[i]->host, NULL);
  for (int i = 0; i <= r->plan.slaves && open; i++) {
    stores[i] = machine_store_open(r->brokers[i], &r->ledger);
    open = stores[i] != NULL;
  }
  if (open) check_prefix(r, stores);
  if (open && r->plan.sync) check_acked(r, stores);
  for (int i = 0; i <= r->plan.slaves; i++) {
    machine_store_close(r->brokers[i]);
    if (sim_is_up(r->brokers[i]->host)) sim_stop(r->brokers[i]->host, SIM_KILL);
  }
}
