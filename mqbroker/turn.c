/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of a turn, the floor plan read aloud. The host has already handed
 * in what arrived; the handlers have staged records and left waiters at the
 * gate. Nobody is answered before what the answer promises has been written.
 */
#include "mqbroker/broker.h"
#include "mqbroker/handle/handle.h"

enum {
  CLIENT_SCAN_MS = 10000,
  FILTERS_SAVE_MS = 10000,
  SILENT_BATCH = 64,
  STATS_MS = 1000,
  TABLES_RETRY_MS = 1000,
  STORE_RETRY_MS = 1000
};

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

static void write_log(struct broker *b, struct moment now) {
  delays_turn(&b->delays, b->store, now);
  const struct broker_settings *set = b->settings;
  struct transaction_rules rules = {.timeout_ms = set->transactionTimeOut,
                                    .interval_ms = set->transactionCheckInterval,
                                    .reserved_hours = set->fileReservedTime,
                                    .waiting_max = (size_t)set->maxPendingTransactions,
                                    .check_max = set->transactionCheckMax};
  transactions_turn(&b->transactions, b->store, &rules, now);
  enum status status = store_commit(b->store, now);
  delays_written(&b->delays, status == STATUS_OK, now);
  transactions_written(&b->transactions, status == STATUS_OK);
  if (status == STATUS_OK) return;
  log_error(b->log, "commit log: %s; the sends of this turn are refused", status_text(status));
  gate_write_failed(&b->gate, send_answer, b);
}

/* Topics and groups go to disk before a message in them is acknowledged. */
static void save_tables(struct broker *b, struct moment now) {
  if (now.mono_ms < b->tables_retry_ms) return; /* the disk just refused: not again in every turn */
  enum status topics = b->topics.dirty ? topics_save(&b->topics, b->disk) : STATUS_OK;
  if (topics != STATUS_OK) log_error(b->log, "%s could not be written: %s", b->topics.path, status_text(topics));
  enum status groups = b->groups.dirty ? groups_save(&b->groups, b->disk) : STATUS_OK;
  if (groups != STATUS_OK) log_error(b->log, "%s could not be written: %s", b->groups.path, status_text(groups));
  if (topics != STATUS_OK || groups != STATUS_OK) b->tables_retry_ms = now.mono_ms + TABLES_RETRY_MS;
}

static void release_gate(struct broker *b, struct moment now) {
  struct gate_marks marks = {store_appended(b->store), store_flushed(b->store),
                             b->repl->ops->replicated(b->repl), !b->topics.dirty};
  if (b->settings->enableDLegerCommitLog) marks.appended = INT64_MAX; /* what counts is what the group has */
  gate_release(&b->gate, &marks, now, send_answer, b);
  int64_t wanted = gate_flush_wanted(&b->gate);
  if (wanted > 0) store_want_flushed(b->store, wanted);
}

static void note_offsets(struct broker *b, const struct offsets *os, enum status status) {
  if (status != STATUS_OK) log_error(b->log, "%s could not be written: %s", os->path, status_text(status));
}

/* A piece per turn. */
static void save_offsets(struct broker *b, struct moment now) {
  if (b->offsets.save.state == OFFSETS_WRITING) {
    note_offsets(b, &b->offsets, offsets_save_step(&b->offsets, b->disk));
  } else if (b->offsets.save.state == OFFSETS_SAVED && now.mono_ms >= b->offsets_save_ms) {
    b->offsets_save_ms = now.mono_ms + b->settings->flushConsumerOffsetInterval;
    struct offsets *own = &b->slave_sync.own; /* a slave's, and few: in one go */
    if (own->dirty) note_offsets(b, own, offsets_save(own, b->disk));
    if (b->offsets.dirty) note_offsets(b, &b->offsets, offsets_save_begin(&b->offsets, b->disk));
  }
}

static void save_filters(struct broker *b, struct moment now) {
  if (now.mono_ms < b->filters_save_ms) return;
  b->filters_save_ms = now.mono_ms + FILTERS_SAVE_MS;
  filters_clean(&b->filters, b->settings->filterDataCleanTimeSpan, now, b->log);
  enum status status = b->filters.dirty ? filters_save(&b->filters, b->disk) : STATUS_OK;
  if (status != STATUS_OK) log_error(b->log, "%s could not be written: %s", b->filters.path, status_text(status));
}

/* Clients whose heartbeats stopped are forgotten and their connections closed (ClientHousekeepingService). */
static void drop_silent_clients(struct broker *b, struct moment now) {
  if (now.mono_ms < b->clients_scan_ms) return;
  b->clients_scan_ms = now.mono_ms + CLIENT_SCAN_MS;
  locks_expire(&b->locks, b->settings->rebalanceLockMaxLiveTime, now);
  conn_id silent[SILENT_BATCH];
  size_t n = clients_silent(&b->clients, now.mono_ms - b->settings->clientTimeoutMillis, silent, SILENT_BATCH);
  for (size_t i = 0; i < n; i++) {
    log_warn(b->log, "a client sent no heartbeat for %d ms: its connection is closed",
             b->settings->clientTimeoutMillis);
    remoting_close_conn(b->remoting, silent[i]);
    clients_drop_conn(&b->clients, silent[i], broker_notify_group, b);
    parked_drop_conn(&b->parked, silent[i]);
    locks_drop_conn(&b->locks, silent[i]);
  }
}

/* False: there is no store at the moment. */
static bool have_store(struct broker *b, struct moment now) {
  if (b->store != NULL && !b->reseed) return true;
  if (b->store == NULL && now.mono_ms < b->store_retry_ms) return false;
  b->store_retry_ms = now.mono_ms + STORE_RETRY_MS;
  return broker_reseed(b, now) == STATUS_OK;
}

/* New bytes go to the other brokers before their senders are answered. What a group's log says of topics and groups is
 * saved in the turn in which it is heard. */
static int64_t share_log(struct broker *b, struct moment now) {
  if (!b->settings->enableDLegerCommitLog) {
    save_tables(b, now);
    return b->repl->ops->turn(b->repl, now);
  }
  int64_t wake = member_turn(&b->member, now);
  wake = earlier(wake, b->repl->ops->turn(b->repl, now));
  member_followed(&b->member);
  save_tables(b, now);
  return wake;
}

int64_t broker_turn(struct broker *b, struct moment now) {
  if (!have_store(b, now)) return b->store_retry_ms;
  write_log(b, now);
  int64_t wake = share_log(b, now);
  release_gate(b, now);
  pull_run_parked(b, now);
  transactions_save(&b->transactions, b->store, &b->offsets, now);
  save_offsets(b, now);
  save_filters(b, now);
  delays_save(&b->delays, b->store, b->disk, b->settings->flushDelayOffsetInterval, now);
  drop_silent_clients(b, now);
  stats_tick(&b->stats, now);

  wake = earlier(wake, store_tick(b->store, now));
  wake = earlier(wake, slave_sync_turn(&b->slave_sync, now));
  wake = earlier(wake, registration_turn(&b->registration, now));
  wake = earlier(wake, remoting_turn(b->remoting, now));
  wake = earlier(wake, parked_next_ms(&b->parked));
  wake = earlier(wake, gate_next_ms(&b->gate));
  wake = earlier(wake, delays_next_ms(&b->delays, now));
  wake = earlier(wake, transactions_next_ms(&b->transactions, now));
  wake = earlier(wake, b->clients_scan_ms);
  if (b->filters.count > 0 || b->filters.dirty) wake = earlier(wake, b->filters_save_ms);
  if (b->offsets.save.state == OFFSETS_WRITING) wake = now.mono_ms;
  else if (b->offsets.save.state == OFFSETS_SAVED && (b->offsets.dirty || b->slave_sync.own.dirty))
    wake = earlier(wake, b->offsets_save_ms);
  if (b->topics.dirty || b->groups.dirty) wake = earlier(wake, b->tables_retry_ms);
  return earlier(wake, now.mono_ms + STATS_MS);
}
