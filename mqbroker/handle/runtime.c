/* SPDX-License-Identifier: Apache-2.0
 *
 * The broker about itself: GET_BROKER_RUNTIME_INFO (28), GET_BROKER_CONFIG
 * (26), UPDATE_BROKER_CONFIG (25). Agrees with
 * org.apache.rocketmq.broker.processor.AdminBrokerProcessor.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqbroker/handle/handle.h"

#include <stdio.h>

enum { BODY_MAX = 16 << 20, PAIRS_MAX = 64 + DELAY_LEVELS_MAX, TEXT_MAX = 256 };

struct table {
  struct arena *arena;
  struct pair pairs[PAIRS_MAX];
  size_t count;
};

static void put(struct table *t, const char *key, struct span value) {
  if (t->count < PAIRS_MAX) t->pairs[t->count++] = (struct pair){span_text(key), arena_copy(t->arena, value)};
}
static void put_text(struct table *t, const char *key, const char *text) { put(t, key, span_text(text)); }
static void put_number(struct table *t, const char *key, int64_t v) {
  char text[21];
  put(t, key, span_of(text, i64_to_text(v, text)));
}

static void put_double(struct table *t, const char *key, double v) {
  struct buf text;
  struct json_writer w;
  buf_init(&text, TEXT_MAX);
  json_writer_init(&w, &text, false);
  json_put_double(&w, v);
  put(t, key, buf_span(&text));
  buf_fini(&text);
}

static void put_rates(struct table *t, const struct broker *b, const char *key, const enum stats_counter *counters,
                      size_t n) {
  struct buf text;
  buf_init(&text, TEXT_MAX);
  stats_rates(&b->stats, counters, n, &text);
  put(t, key, buf_span(&text));
  buf_fini(&text);
}

static void put_statistics(struct table *t, const struct broker *b) {
  static const enum stats_counter put_counter[] = {STATS_PUT}, found[] = {STATS_GET_FOUND}, miss[] = {STATS_GET_MISS},
                                  all[] = {STATS_GET_FOUND, STATS_GET_MISS}, transferred[] = {STATS_TRANSFERRED};
  const struct stats *s = &b->stats;
  put_rates(t, b, "putTps", put_counter, 1);
  put_rates(t, b, "getFoundTps", found, 1);
  put_rates(t, b, "getMissTps", miss, 1);
  put_rates(t, b, "getTotalTps", all, 2);
  put_rates(t, b, "getTransferedTps", transferred, 1);
  put_number(t, "putMessageTimesTotal", s->now[STATS_PUT]);
  put_number(t, "putMessageSizeTotal", s->now[STATS_PUT_BYTES]);
  put_double(t, "putMessageAverageSize",
             s->now[STATS_PUT] == 0 ? 0.0 : (double)s->now[STATS_PUT_BYTES] / (double)s->now[STATS_PUT]);
  put_number(t, "msgPutTotalYesterdayMorning", s->yesterday_morning[STATS_PUT]);
  put_number(t, "msgPutTotalTodayMorning", s->today_morning[STATS_PUT]);
  put_number(t, "msgPutTotalTodayNow", s->now[STATS_PUT]);
  put_number(t, "msgGetTotalYesterdayMorning", s->yesterday_morning[STATS_TRANSFERRED]);
  put_number(t, "msgGetTotalTodayMorning", s->today_morning[STATS_TRANSFERRED]);
  put_number(t, "msgGetTotalTodayNow", s->now[STATS_TRANSFERRED]);
}

static void put_store(struct table *t, const struct broker *b) {
  struct store_facts f;
  store_facts(b->store, &f);
  put_number(t, "commitLogMinOffset", store_log_min(b->store));
  put_number(t, "commitLogMaxOffset", store_log_max(b->store));
  put_number(t, "dispatchBehindBytes", f.dispatch_behind);
  put_number(t, "earliestMessageTimeStamp", f.earliest_store_ms);
  char text[TEXT_MAX];
  snprintf(text, sizeof text, "%lld B", (long long)(store_appended(b->store) - store_flushed(b->store)));
  put_text(t, "remainHowManyDataToFlush", text);
  int64_t total, free_bytes;
  double ratio = -1.0;
  if (b->disk->ops->space(b->disk, b->settings->storePathCommitLog, &total, &free_bytes) == STATUS_OK && total > 0) {
    ratio = (double)(total - free_bytes) / (double)total;
    snprintf(text, sizeof text, "Total : %.1f GiB, Free : %.1f GiB.", (double)total / 0x1p30,
             (double)free_bytes / 0x1p30);
    put_text(t, "commitLogDirCapacity", text);
  }
  /* Not in Java: why producers are refused, for whoever looks from outside. */
  const char *refusal = store_refusal(b->store);
  put_text(t, "storeRefusal", refusal == NULL ? "" : refusal);
  put_double(t, "commitLogDiskRatio", ratio);
  put_double(t, "consumeQueueDiskRatio", ratio);
}

/* Java tells the length of its thread pools' queues; here requests are not queued, so they are empty. */
static void put_queues(struct table *t, const struct broker *b) {
  const struct broker_settings *s = b->settings;
  put_number(t, "sendThreadPoolQueueSize", 0);
  put_number(t, "sendThreadPoolQueueCapacity", s->sendThreadPoolQueueCapacity);
  put_number(t, "pullThreadPoolQueueSize", 0);
  put_number(t, "pullThreadPoolQueueCapacity", s->pullThreadPoolQueueCapacity);
  put_number(t, "queryThreadPoolQueueSize", 0);
  put_number(t, "queryThreadPoolQueueCapacity", s->queryThreadPoolQueueCapacity);
  put_number(t, "EndTransactionQueueSize", 0);
  put_number(t, "EndTransactionThreadPoolQueueCapacity", s->endTransactionPoolQueueCapacity);
  put_number(t, "sendThreadPoolQueueHeadWaitTimeMills", 0);
  put_number(t, "pullThreadPoolQueueHeadWaitTimeMills", 0);
  put_number(t, "queryThreadPoolQueueHeadWaitTimeMills", 0);
  put_number(t, "pageCacheLockTimeMills", 0);
  put_number(t, "waitingForFlush", (int64_t)gate_waiting(&b->gate));
  put_number(t, "parkedPulls", (int64_t)b->parked.count);
  put_number(t, "connections", (int64_t)remoting_connection_count(b->remoting));
}

/* ScheduleMessageService.buildRunningStats: of each level that is in use, the next message and the queue's end. */
static void put_delays(struct table *t, const struct broker *b) {
  for (int32_t level = 1; level <= DELAY_LEVELS_MAX; level++) {
    char key[TEXT_MAX], text[TEXT_MAX];
    const struct delay_level *l = &b->delays.at[level];
    if (!b->delays.running || l->next < 0) continue;
    snprintf(key, sizeof key, "scheduleMessageOffset_%d", level);
    snprintf(text, sizeof text, "%lld,%lld", (long long)l->next,
             (long long)store_queue_max(b->store, SPAN_LITERAL(SCHEDULE_TOPIC), level - 1));
    struct span name = arena_copy(t->arena, span_text(key));
    if (name.ptr != NULL) put_text(t, (const char *)name.ptr, text);
  }
}

/* Our own keys: how the log travels, and what a slave would be told. */
static void put_replication(struct table *t, const struct broker *b, struct moment now) {
  struct buf text;
  buf_init(&text, BODY_MAX);
  b->repl->ops->describe(b->repl, &text, now);
  put(t, "haState", buf_span(&text));
  buf_fini(&text);
  put_number(t, "haReplicatedOffset", b->repl->ops->replicated(b->repl));
}

void handle_runtime_info(struct broker *b, const struct request *rq) {
  struct table t = {.arena = &b->arena};
  put_text(&t, "brokerVersionDesc", "V4_7_0");
  put_number(&t, "brokerVersion", MQ_VERSION_4_7_0);
  put_number(&t, "bootTimestamp", b->born.wall_ms);
  int64_t up = (rq->now.mono_ms - b->born.mono_ms) / 1000;
  char text[TEXT_MAX];
  snprintf(text, sizeof text, "[ %lld days, %lld hours, %lld minutes, %lld seconds ]", (long long)(up / 86400),
           (long long)(up / 3600 % 24), (long long)(up / 60 % 60), (long long)(up % 60));
  put_text(&t, "runtime", text);
  put_number(&t, "startAcceptSendRequestTimeStamp", b->settings->startAcceptSendRequestTimeStamp);
  put_statistics(&t, b);
  put_store(&t, b);
  put_queues(&t, b);
  put_delays(&t, b);
  put_replication(&t, b, rq->now);
  struct buf body;
  buf_init(&body, BODY_MAX);
  kv_table_write(&body, t.pairs, t.count);
  reply_body(b, rq, &body);
  buf_fini(&body);
}

void handle_broker_config(struct broker *b, const struct request *rq) {
  struct buf body, version;
  struct json_writer w;
  buf_init(&body, BODY_MAX);
  buf_init(&version, TEXT_MAX);
  json_writer_init(&w, &version, false);
  data_version_write(&w, &b->config_version);
  config_write(b->settings, false, &body);
  struct get_broker_config_response h = {0};
  HEADER_SET(get_broker_config_response, &h, version, buf_span(&version));
  remoting_reply(b->remoting, &rq->to,
                 &(struct reply_out){.code = RESPONSE_SUCCESS,
                                     .header = &get_broker_config_response_header,
                                     .fields = &h,
                                     .body = buf_span(&body)});
  buf_fini(&version);
  buf_fini(&body);
}

/* The file that was given with -c is rewritten whole, as Java does; without one the change lasts until the stop. */
static enum status save_settings(struct broker *b) {
  if (b->settings->base.path == NULL) return STATUS_OK;
  struct buf text;
  buf_init(&text, BODY_MAX);
  config_write(b->settings, false, &text);
  enum status status = text.failed ? STATUS_NO_MEMORY
                                   : disk_replace_whole(b->disk, b->settings->base.path, buf_span(&text), true);
  buf_fini(&text);
  return status;
}

/* What the tables of keys cannot check. */
static enum status check_change(void *why, struct span key, struct span value, int line) {
  uint32_t hours;
  (void)line;
  if (!span_is(key, "deleteWhen") || retention_hours_parse(value, &hours) == STATUS_OK) return STATUS_OK;
  buf_printf(why, "deleteWhen=%.*s is no list of hours such as 04 or 04;16", SPAN_ARG(value));
  return STATUS_INVALID;
}

void handle_update_broker_config(struct broker *b, const struct request *rq) {
  if (span_trim(rq->cmd->body).len == 0) {
    reply_ok(b, rq); /* nothing to change */
    return;
  }
  struct buf why;
  buf_init(&why, TEXT_MAX * 4);
  int32_t old_perm = b->settings->brokerPermission;
  int line = 0;
  enum status status = properties_parse(rq->cmd->body, check_change, &why, &line);
  if (status == STATUS_OK || why.len == 0) status = config_update(b->settings, rq->cmd->body, &why);
  if (status == STATUS_OK) {
    broker_settings_changed(b);
    data_version_next(&b->config_version, rq->now.wall_ms);
    log_info(b->log, "configuration changed remotely: %.*s", SPAN_ARG(rq->cmd->body));
    if (b->settings->brokerPermission != old_perm) broker_topics_changed(b);
    status = save_settings(b);
    if (status != STATUS_OK)
      buf_printf(&why, "changed, but %s could not be written: %s", b->settings->base.path, status_text(status));
  }
  if (status == STATUS_OK) reply_ok(b, rq);
  else remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "%.*s", SPAN_ARG(buf_span(&why)));
  buf_fini(&why);
}
