/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/broker.h"

#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqbroker/door/dispatch.h"
#include "mqbroker/handle/handle.h"

#include <stdio.h>
#include <stdlib.h>

enum {
  ARENA_MAX = 64 << 20,
  BENCHMARK_QUEUES = 1024,
  CLUSTER_TOPIC_QUEUES = 16,
  OFFSETS_FIRST_SAVE_MS = 10000,
  FILTERS_FIRST_SAVE_MS = 10000,
  CLIENTS_FIRST_SCAN_MS = 10000
};

/* ---- what remoting tells ---- */

static void on_request(void *owner, conn_id conn, const struct command *cmd, struct moment now) {
  struct broker *b = owner;
  struct request rq = {.cmd = cmd, .to = reply_to(conn, cmd), .now = now};
  if (remoting_peer(b->remoting, conn, &rq.peer) != STATUS_OK) return;
  arena_reset(&b->arena);
  dispatch(b, &rq);
}

static void on_closed(void *owner, conn_id conn, const char *addr, const char *reason, struct moment now) {
  struct broker *b = owner;
  (void)reason;
  if (addr != NULL) {
    registration_closed(&b->registration, addr, now);
    return;
  }
  parked_drop_conn(&b->parked, conn);
  clients_drop_conn(&b->clients, conn, broker_notify_group, b);
  locks_drop_conn(&b->locks, conn);
}

void broker_notify_group(void *context, struct client_group *group) {
  struct broker *b = context;
  if (group->member_count == 0) {
    filters_unregister(&b->filters, group->name, b->now);
    return;
  }
  if (!b->settings->notifyConsumerIdsChangedEnable) return;
  const struct group *config = groups_find(&b->groups, group->name);
  if (config != NULL && !config->notify_ids_changed) return;
  struct notify_consumer_ids_changed_request h = {0};
  HEADER_SET(notify_consumer_ids_changed_request, &h, consumerGroup, group->name);
  struct request_out q = {
      .code = REQUEST_NOTIFY_CONSUMER_IDS_CHANGED, .header = &notify_consumer_ids_changed_request_header, .fields = &h};
  const struct member *m;
  TAILQ_FOREACH(m, &group->members, in_group)
  if (remoting_oneway_conn(b->remoting, m->conn, &q, b->now) != STATUS_OK)
    log_debug(b->log, "a member of group %.*s could not be told of a change", SPAN_ARG(group->name));
}

void broker_topics_changed(struct broker *b) { b->registration.hurry = true; }

/* ---- node ---- */

static struct broker *broker_of(struct node *node) { return (struct broker *)node; }

/* Without a store (it could not be opened again, reseed.c) nobody is served. */
static void node_connection(struct node *node, const struct net_event *event, struct moment now) {
  struct broker *b = broker_of(node);
  b->now = now;
  bool replication = event->kind == NET_ACCEPTED && (event->listener == LISTEN_HA || event->listener == LISTEN_DLEDGER);
  if (b->repl != NULL && (replication || b->repl->ops->owns(b->repl, event->conn)))
    b->repl->ops->connection(b->repl, event, now);
  else if (!replication) remoting_connection(b->remoting, event, now);
  else b->net->ops->close(b->net, event->conn);
}
static size_t node_bytes(struct node *node, conn_id conn, struct span input, struct moment now) {
  struct broker *b = broker_of(node);
  b->now = now;
  if (b->store == NULL) return 0;
  if (b->repl->ops->owns(b->repl, conn)) return b->repl->ops->bytes(b->repl, conn, input, now);
  return remoting_bytes(b->remoting, conn, input, now);
}
static void node_synced(struct node *node, uint64_t token, enum status status, struct moment now) {
  struct broker *b = broker_of(node);
  if (token != OFFSETS_SYNC_TOKEN) {
    if (b->settings->enableDLegerCommitLog && dledger_synced(b->repl, token, status, now)) return;
    if (b->store != NULL) store_synced(b->store, token, status, now);
    return;
  }
  status = offsets_save_synced(&b->offsets, b->disk, status);
  if (status != STATUS_OK) log_error(b->log, "%s could not be written: %s", b->offsets.path, status_text(status));
}
static int64_t node_turn(struct node *node, struct moment now) {
  broker_of(node)->now = now;
  return broker_turn(broker_of(node), now);
}

static const struct node_ops ops = {node_connection, node_bytes, node_synced, node_turn};

/* ---- start ---- */

static void on_arrival(void *context, struct span topic, int32_t queue_id, int64_t queue_max, int64_t tags_code) {
  struct broker *b = context;
  (void)tags_code;
  parked_arrived(&b->parked, topic, queue_id, queue_max);
  if (span_is(topic, SCHEDULE_TOPIC)) delays_arrived(&b->delays, queue_id);
}

static void on_passed(void *context, const struct message *m) {
  struct broker *b = context;
  member_passed(&b->member, m);
}

/* CommitLogDispatcherCalcBitMap */
static bool on_bitmap(void *context, const struct message *m, struct buf *out) {
  const struct broker *b = context;
  return b->settings->enableCalcFilterBitMap && filters_bitmap(&b->filters, m->topic, m->properties, out);
}

static enum status make_system_topics(struct broker *b) {
  const struct broker_settings *s = b->settings;
  struct topics *ts = &b->topics;
  int32_t rw = PERM_READ | PERM_WRITE;
  enum status status = topics_put_system(ts, "SELF_TEST_TOPIC", 1, rw);
  if (status == STATUS_OK && s->autoCreateTopicEnable)
    status = topics_put_system(ts, AUTO_CREATE_TOPIC, s->defaultTopicQueueNums, rw | PERM_INHERIT);
  if (status == STATUS_OK) status = topics_put_system(ts, "BenchmarkTest", BENCHMARK_QUEUES, rw);
  if (status == STATUS_OK)
    status = topics_put_system(ts, s->brokerClusterName, CLUSTER_TOPIC_QUEUES,
                               PERM_INHERIT | (s->clusterTopicEnable ? rw : 0));
  if (status == STATUS_OK)
    status = topics_put_system(ts, s->brokerName, 1, PERM_INHERIT | (s->brokerTopicEnable ? rw : 0));
  if (status == STATUS_OK) status = topics_put_system(ts, "OFFSET_MOVED_EVENT", 1, rw);
  if (status == STATUS_OK && s->traceTopicEnable) status = topics_put_system(ts, s->msgTraceTopicName, 1, rw);
  char reply_topic[TOPIC_LENGTH_MAX + 1];
  if (snprintf(reply_topic, sizeof reply_topic, "%s_REPLY_TOPIC", s->brokerClusterName) >= (int)sizeof reply_topic)
    return STATUS_LIMIT;
  return status == STATUS_OK ? topics_put_system(ts, reply_topic, 1, rw) : status;
}

static void change_filter_limits(struct broker *b) {
  const struct broker_settings *s = b->settings;
  b->filters.limit = (size_t)s->maxConsumerFilters;
  b->filters.limits = (struct sql_limits){.length = (size_t)s->maxFilterExpressionLength,
                                          .terms = (size_t)s->maxFilterExpressionTerms,
                                          .depth = (size_t)s->maxFilterExpressionDepth};
}

/* What is in the files wins over the defaults, as in Java; system topics that are in the file keep its values. */
static enum status load_state(struct broker *b, uint64_t seed, struct buf *why) {
  const struct broker_settings *s = b->settings;
  char config[DISK_PATH_MAX];
  if (snprintf(config, sizeof config, "%s/config", s->storePathRootDir) >= (int)sizeof config) return STATUS_LIMIT;
  const char *what = config;
  enum status status = b->disk->ops->make_dirs(b->disk, config);
  if (status == STATUS_OK) status = topics_init(&b->topics, s->storePathRootDir, (size_t)s->maxTopics, seed);
  if (status == STATUS_OK)
    status = groups_init(&b->groups, s->storePathRootDir, (size_t)s->maxSubscriptionGroups, seed);
  if (status == STATUS_OK) status = offsets_init(&b->offsets, s->storePathRootDir, seed);
  if (status == STATUS_OK)
    status = filters_init(&b->filters, s->storePathRootDir, s->maxErrorRateOfBloomFilter, s->expectConsumerNumUseFilter,
                          (size_t)s->maxConsumerFilters, seed);
  if (status == STATUS_OK) change_filter_limits(b);
  if (status == STATUS_OK) {
    what = "the system topics (brokerName and brokerClusterName must be valid topic names)";
    status = make_system_topics(b);
  }
  if (status == STATUS_OK) {
    what = b->topics.path;
    status = topics_load(&b->topics, b->disk, b->log);
  }
  if (status == STATUS_OK) {
    what = b->groups.path;
    status = groups_put_builtin(&b->groups);
    if (status == STATUS_OK) status = groups_load(&b->groups, b->disk, b->log);
  }
  if (status == STATUS_OK) {
    what = b->offsets.path;
    status = offsets_load(&b->offsets, b->disk, b->log);
  }
  if (status == STATUS_OK) {
    what = b->filters.path;
    status = filters_load(&b->filters, b->disk, b->now, b->log);
  }
  if (status == STATUS_OK) {
    what = b->delays.path;
    status = delays_init(&b->delays, s->storePathRootDir, s->messageDelayLevel, b->log);
    if (status == STATUS_OK && s->brokerRole != ROLE_SLAVE && !s->enableDLegerCommitLog)
      status = delays_start(&b->delays, b->disk, b->now);
  }
  /* What was read may have been renamed into place by a program that was killed before it could sync that. */
  if (status == STATUS_OK) {
    what = config;
    status = b->disk->ops->sync_dir(b->disk, config);
  }
  if (status != STATUS_OK) buf_printf(why, "%s: %s", what, status_text(status));
  return status;
}

static struct retention_rules retention_rules(const struct broker_settings *s, int32_t utc_offset_s) {
  uint32_t hours;
  if (retention_hours_parse(span_text(s->deleteWhen), &hours) != STATUS_OK) hours = 0; /* was checked when it was set */
  return (struct retention_rules){.interval_ms = s->cleanResourceInterval,
                                  .hours = hours,
                                  .utc_offset_s = utc_offset_s,
                                  .reserved_hours = s->fileReservedTime,
                                  .used_percent = s->diskMaxUsedSpaceRatio,
                                  .forced_percent = s->diskSpaceCleanForciblyRatio,
                                  .full_percent = s->diskSpaceWarningLevelRatio,
                                  .forced = s->cleanFileForciblyEnable,
                                  .log_pause_ms = s->deleteCommitLogFilesInterval,
                                  .queue_pause_ms = s->deleteConsumeQueueFilesInterval,
                                  .retry_ms = s->redeleteHangedFileInterval};
}

void broker_settings_changed(struct broker *b) {
  b->topics.limit = (size_t)b->settings->maxTopics;
  b->groups.limit = (size_t)b->settings->maxSubscriptionGroups;
  b->parked.limit = (size_t)b->settings->maxParkedPulls;
  b->locks.limit = (size_t)b->settings->maxQueueLocks;
  change_filter_limits(b);
  struct retention_rules rules = retention_rules(b->settings, b->utc_offset_s);
  store_retention_change(b->store, &rules);
  broker_reseed_check(b);
}

struct store_config broker_store_config_of(const struct broker_settings *s, int32_t utc_offset_s) {
  return (struct store_config){
      .root = s->storePathRootDir,
      .commitlog = s->storePathCommitLog,
      .segment_length = s->mappedFileSizeCommitLog,
      .queue_file_length = s->mappedFileSizeConsumeQueue,
      .message_size_max = s->maxMessageSize,
      .sync_flush = s->flushDiskType == FLUSH_SYNC,
      .flush_interval_ms = s->flushIntervalCommitLog,
      .flush_least_pages = s->flushCommitLogLeastPages,
      .flush_thorough_ms = s->flushCommitLogThoroughInterval,
      .flush_queue_interval_ms = s->flushIntervalConsumeQueue,
      .check_crc_on_recover = s->checkCRCOnRecover,
      .delay_levels = s->messageDelayLevel,
      .ext = {.enabled = s->enableConsumeQueueExt, .file_length = s->mappedFileSizeConsumeQueueExt},
      .index = {.enabled = s->messageIndexEnable,
                .safe = s->messageIndexSafe,
                .slots = s->maxHashSlotNum,
                .entries = s->maxIndexNum,
                .utc_offset_s = utc_offset_s},
      .retention = retention_rules(s, utc_offset_s)};
}

static struct store_config store_config(const struct broker *b) {
  struct store_config config = broker_store_config_of(b->settings, b->utc_offset_s);
  config.watch = b->watch;
  config.seed = b->seed;
  return config;
}

struct store_config broker_store_config(const struct broker *b) {
  struct store_config config = store_config(b);
  if (b->settings->enableDLegerCommitLog) config.group = dledger_group(b->repl);
  return config;
}

enum status broker_store_open(struct broker *b, struct moment now, struct buf *why) {
  struct store_config config = broker_store_config(b);
  struct store_listener listener = {.arrived = on_arrival, .bitmap = on_bitmap, .passed = on_passed, .context = b};
  return store_open(&b->store, &config, b->disk, b->log, &listener, now, why);
}

/* The ledger comes before the store that reads it. */
static enum status ledger_start(struct broker *b, struct moment now, struct buf *why) {
  const struct broker_settings *s = b->settings;
  struct store_config old = store_config(b);
  char data[DISK_PATH_MAX];
  int64_t first_pos;
  if (!dledger_dir(s->storePathRootDir, s->dLegerSelfId, "data", data)) return STATUS_LIMIT;
  enum status status = store_seal(&old, data, b->disk, b->log, now, &first_pos, why);
  if (status != STATUS_OK) return status;
  struct dledger_config config = {.group = s->dLegerGroup,
                                  .self_id = s->dLegerSelfId,
                                  .peers = s->dLegerPeers,
                                  .root = s->storePathRootDir,
                                  .bind = s->bindAddress,
                                  .fsync = s->dLegerFsync,
                                  .listener = LISTEN_DLEDGER,
                                  .segment_length = s->mappedFileSizeCommitLog,
                                  .first_pos = first_pos,
                                  .pending_max = s->dLegerMaxPending,
                                  .election_ms = s->dLegerElectionTimeout,
                                  .heartbeat_ms = s->dLegerHeartbeatInterval,
                                  .seed = b->seed};
  struct dledger_host host = {b->net, b->disk, b->log, member_role, &b->member};
  return dledger_new(&b->repl, &config, &host, now, why);
}

enum status broker_repl_start(struct broker *b, struct moment now) {
  const struct broker_settings *s = b->settings;
  struct repl_config config = {.id = (int32_t)s->brokerId,
                               .listener = LISTEN_HA,
                               .segment_length = s->mappedFileSizeCommitLog,
                               .batch = s->haTransferBatchSize,
                               .keepalive_ms = s->haSendHeartbeatInterval,
                               .housekeeping_ms = s->haHousekeepingInterval,
                               .fall_behind_max = s->haSlaveFallbehindMax,
                               .in_sync = s->inSyncReplicas,
                               .backlog_max = s->haBacklogMaxBytes,
                               .sync = s->brokerRole == ROLE_SYNC_MASTER,
                               .ack_flushed = s->haAckFlushed,
                               .master = s->haMasterAddress};
  struct repl_host host = {b->net, b->store, b->log};
  if (s->enableDLegerCommitLog) {
    dledger_store_is(b->repl, b->store);
    return STATUS_OK;
  }
  if (s->brokerRole == ROLE_SLAVE) b->repl = ha_slave_new(&config, &host, now);
  else if (s->haListenEnable) b->repl = ha_master_new(&config, &host);
  else b->repl = repl_none_new();
  return b->repl == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

void broker_transactions_start(struct broker *b, struct moment now) {
  transactions_start(&b->transactions, b->store, &b->offsets, b->settings->transactionCheckInterval, now);
}

static enum status listen_on(struct broker *b, int port, int listener, struct buf *why) {
  const char *reason = NULL;
  enum status status = b->net->ops->listen(b->net, b->settings->bindAddress, (uint16_t)port, listener, NULL, &reason);
  if (status != STATUS_OK)
    buf_printf(why, "cannot listen on %s:%d: %s (is another broker running? choose another listenPort)",
               b->settings->bindAddress, port, reason == NULL ? status_text(status) : reason);
  return status;
}

static enum status set_address(struct broker *b, struct buf *why) {
  char text[NET_PEER_TEXT_MAX * 2];
  const char *ip = b->settings->brokerIP1;
  const char *format = strchr(ip, ':') != NULL ? "[%s]:%d" : "%s:%d";
  int n = snprintf(text, sizeof text, format, ip, b->settings->listenPort);
  if (n < (int)sizeof text && net_peer_parse(span_of(text, (size_t)n), &b->address) == STATUS_OK) return STATUS_OK;
  buf_printf(why, "brokerIP1=%s is not an IP address; it is written into every message, so a name cannot be used", ip);
  return STATUS_INVALID;
}

static struct remoting *make_remoting(struct broker *b, uint64_t seed) {
  struct remoting_config config;
  remoting_config_default(&config);
  config.limits.frame = (size_t)b->settings->frameMaxLength;
  config.connect_timeout_ms = b->settings->connectTimeoutMillis;
  config.idle_ms = b->settings->serverChannelMaxIdleTimeSeconds * 1000;
  config.connections_max = (size_t)b->settings->maxConnections;
  config.backlog_max = (size_t)b->settings->connectionBacklogMaxBytes;
  config.frame_ms = b->settings->frameTimeoutMillis;
  struct remoting_door door = {.request = on_request, .closed = on_closed};
  return remoting_new(&config, b->net, b->log, &door, b, seed);
}

static enum status start(struct broker *b, const struct broker_host *host, struct moment now, struct buf *why) {
  enum status status = set_address(b, why);
  if (status == STATUS_OK) status = load_state(b, host->seed, why);
  if (status == STATUS_OK) status = member_init(&b->member, b, host->seed);
  if (status == STATUS_OK && b->settings->enableDLegerCommitLog) status = ledger_start(b, now, why);
  if (status == STATUS_OK) status = slave_sync_init(&b->slave_sync, b, host->seed, now);
  if (status == STATUS_OK) status = broker_store_open(b, now, why);
  if (status != STATUS_OK) return status;
  b->get = malloc(sizeof *b->get);
  b->remoting = make_remoting(b, host->seed);
  if (b->get == NULL || b->remoting == NULL || broker_repl_start(b, now) != STATUS_OK) {
    buf_printf(why, "out of memory");
    return STATUS_NO_MEMORY;
  }
  struct transaction_door door = transaction_door(b);
  transactions_init(&b->transactions, b->log, &b->address, &door);
  if (b->settings->brokerRole != ROLE_SLAVE && !b->settings->enableDLegerCommitLog) broker_transactions_start(b, now);
  status = registration_init(&b->registration, b, b->settings->namesrvAddr, now, why);
  if (status == STATUS_OK) status = listen_on(b, b->settings->listenPort, LISTEN_MAIN, why);
  if (status == STATUS_OK) status = listen_on(b, b->settings->listenPort - 2, LISTEN_VIP, why);
  if (status == STATUS_OK && b->settings->brokerRole != ROLE_SLAVE && b->settings->haListenEnable)
    status = listen_on(b, b->settings->listenPort + 1, LISTEN_HA, why);
  return status;
}

struct broker *broker_new(struct broker_settings *settings, const struct broker_host *host, struct moment now,
                          struct buf *why) {
  struct broker *b = calloc(1, sizeof *b);
  if (b == NULL) {
    buf_printf(why, "out of memory");
    return NULL;
  }
  b->node.ops = &ops;
  b->settings = settings;
  b->net = host->net;
  b->disk = host->disk;
  b->log = host->log;
  b->seed = host->seed;
  b->watch = host->watch;
  b->memory_bytes = host->memory_bytes;
  b->utc_offset_s = host->utc_offset_s;
  b->born = b->now = now;
  prng_init(&b->prng, host->seed);
  clients_init(&b->clients, host->seed);
  locks_init(&b->locks, (size_t)settings->maxQueueLocks, host->seed);
  stats_init(&b->stats, host->seed, now);
  gate_init(&b->gate);
  parked_init(&b->parked, (size_t)settings->maxParkedPulls, host->seed);
  arena_init(&b->arena, ARENA_MAX);
  b->offsets_save_ms = now.mono_ms + OFFSETS_FIRST_SAVE_MS;
  b->filters_save_ms = now.mono_ms + FILTERS_FIRST_SAVE_MS;
  b->clients_scan_ms = now.mono_ms + CLIENTS_FIRST_SCAN_MS;
  if (start(b, host, now, why) == STATUS_OK) return b;
  broker_free(b, now);
  return NULL;
}

/* ---- stop ---- */

bool broker_hands_over(const struct broker *b) { return dledger_hands_over(b->repl); }

bool broker_hand_over(struct broker *b) {
  if (!b->settings->enableDLegerCommitLog) return false;
  member_leave(&b->member);
  if (!dledger_hand_over(b->repl)) return false;
  log_info(b->log, "dledger: another member shall lead");
  return true;
}

void broker_stop(struct broker *b, struct moment now) {
  registration_leave(&b->registration, now);
  b->net->ops->unlisten(b->net, LISTEN_MAIN);
  b->net->ops->unlisten(b->net, LISTEN_VIP);
  b->net->ops->unlisten(b->net, LISTEN_HA);
}

static void forget(struct broker *b, struct moment now) {
  offsets_save_abandon(&b->offsets, b->disk);
  if (b->repl != NULL) b->repl->ops->free(b->repl);
  remoting_free(b->remoting, now);
  slave_sync_fini(&b->slave_sync);
  member_fini(&b->member);
  transactions_fini(&b->transactions);
  parked_fini(&b->parked);
  gate_fini(&b->gate);
  clients_fini(&b->clients);
  locks_fini(&b->locks);
  filters_fini(&b->filters);
  offsets_fini(&b->offsets);
  groups_fini(&b->groups);
  topics_fini(&b->topics);
  stats_fini(&b->stats);
  arena_fini(&b->arena);
  free(b->get);
  free(b);
}

/* What says that something was delivered: once that is on disk. */
static void save_last(struct broker *b) {
  delays_save_last(&b->delays, b->disk);
  transactions_save_last(&b->transactions, &b->offsets);
  if (b->offsets.dirty && offsets_save(&b->offsets, b->disk) != STATUS_OK)
    log_error(b->log, "%s could not be written", b->offsets.path);
}

void broker_free(struct broker *b, struct moment now) {
  if (b == NULL) return;
  if (b->store != NULL) {
    bool unsaved = b->offsets.dirty || b->offsets.save.state != OFFSETS_SAVED;
    if (unsaved && offsets_save(&b->offsets, b->disk) != STATUS_OK)
      log_error(b->log, "%s could not be written", b->offsets.path);
    if (b->filters.dirty && filters_save(&b->filters, b->disk) != STATUS_OK)
      log_error(b->log, "%s could not be written", b->filters.path);
    if (b->topics.dirty && topics_save(&b->topics, b->disk) != STATUS_OK)
      log_error(b->log, "%s could not be written", b->topics.path);
    if (b->groups.dirty && groups_save(&b->groups, b->disk) != STATUS_OK)
      log_error(b->log, "%s could not be written", b->groups.path);
    if (b->slave_sync.own.dirty && offsets_save(&b->slave_sync.own, b->disk) != STATUS_OK)
      log_error(b->log, "%s could not be written", b->slave_sync.own.path);
  }
  struct store *store = b->store;
  if (b->repl != NULL) b->repl->ops->free(b->repl);
  b->repl = NULL;
  if (store != NULL && store_close(store, now) == STATUS_OK) save_last(b);
  forget(b, now);
}

void broker_abandon(struct broker *b, struct moment now) {
  if (b->repl != NULL && b->settings->enableDLegerCommitLog) dledger_abandon(b->repl, now);
  else if (b->repl != NULL) b->repl->ops->free(b->repl);
  b->repl = NULL;
  if (b->store != NULL) store_abandon(b->store);
  forget(b, now);
}
