/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/settings.h"

#include "core/wire/bodies.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char *const serialize_names[] = {"JSON", "ROCKETMQ", NULL};
static const char *const model_names[] = {"BROADCASTING", "CLUSTERING", NULL};
static const char *const from_names[] = {"CONSUME_FROM_LAST_OFFSET",
                                         "CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST",
                                         "CONSUME_FROM_MIN_OFFSET",
                                         "CONSUME_FROM_MAX_OFFSET",
                                         "CONSUME_FROM_FIRST_OFFSET",
                                         "CONSUME_FROM_TIMESTAMP",
                                         NULL};

#define AT(key) .name = #key, .offset = offsetof(struct mq_config, key)
#define TEXT(key, standard, doc_) {AT(key), .type = CONFIG_TEXT, .default_text = (standard), .doc = (doc_)}
#define I32(key, standard, least, most, doc_)                                                     \
  {AT(key), .type = CONFIG_I32, .default_text = #standard, .min = (least), .max = (most), .doc = (doc_)}
#define I64(key, standard, least, most, doc_)                                                     \
  {AT(key), .type = CONFIG_I64, .default_text = #standard, .min = (least), .max = (most), .doc = (doc_)}
#define BOOL(key, standard, doc_) {AT(key), .type = CONFIG_BOOL, .default_text = #standard, .doc = (doc_)}
#define ENUM(key, names, standard, doc_)                                                          \
  {AT(key), .type = CONFIG_ENUM, .enum_names = (names), .default_text = #standard, .doc = (doc_)}

static const struct config_key keys[] = {
    TEXT(namesrvAddr, NULL, "name servers, \"host:port;host:port\""),
    TEXT(clientIP, NULL, "first half of the client id; default: this machine's address"),
    TEXT(instanceName, NULL, "second half of the client id; default: process id and a number"),
    TEXT(unitName, NULL, "appended to the client id"),
    TEXT(localOffsetStoreDir, NULL, "folder of the offsets of broadcasting consumers; default $HOME/.rocketmq_offsets"),
    ENUM(serializeType, serialize_names, ROCKETMQ, "form of the headers of requests"),
    I32(pollNameServerInterval, 30000, 10, INT32_MAX, "ms between refreshes of the routes"),
    I32(heartbeatBrokerInterval, 30000, 10, INT32_MAX, "ms between heartbeats"),
    I32(persistConsumerOffsetInterval, 5000, 10, INT32_MAX, "ms between savings of the offsets"),
    I32(rebalanceInterval, 20000, 10, INT32_MAX, "ms between rebalances without a reason"),
    I32(pullTimeDelayMillsWhenException, 1000, 1, INT32_MAX, "ms until the next pull after a failed one"),

    TEXT(createTopicKey, "TBW102", "topic whose route a topic gets that does not exist yet"),
    I32(defaultTopicQueueNums, 4, 1, 65535, "queues of a topic that does not exist yet"),
    I32(sendMsgTimeout, 3000, 1, INT32_MAX, "ms for all tries of a send together"),
    I32(retryTimesWhenSendFailed, 2, 0, 1000, "further tries of a blocking send"),
    I32(retryTimesWhenSendAsyncFailed, 2, 0, 1000, "further tries of an asynchronous send when the network failed"),
    BOOL(retryAnotherBrokerWhenNotStoreOK, false, "try again when the broker stored but could not flush or replicate"),
    I32(compressMsgBodyOverHowmuch, 4096, 0, INT32_MAX, "bodies of so many bytes are compressed"),
    I32(maxMessageSize, 4194304, 1, 16777216 - 65536, "bytes of a body before compression"),
    I32(maxPendingSends, 16384, 1, 10000000, "asynchronous sends under way before the next one waits"),
    I64(maxPendingSendBytes, 134217728, 1, 200000000, "bytes of those sends before the next one waits"),
    I32(checkThreadPoolMinSize, 1, 1, 1000, "threads of a transactional producer that ask the program how one ended"),
    I32(checkRequestHoldMax, 2000, 1, 1000000, "such questions that may wait; a broker asks again for the others"),

    ENUM(messageModel, model_names, CLUSTERING, "CLUSTERING: the group shares the messages; BROADCASTING: all get all"),
    ENUM(consumeFromWhere, from_names, CONSUME_FROM_LAST_OFFSET, "where a new group begins"),
    TEXT(consumeTimestamp, NULL, "yyyyMMddHHmmss, local time, for CONSUME_FROM_TIMESTAMP; default: 30 minutes ago"),
    I32(consumeThreadMin, 20, 1, 1000, "threads that call the listener"),
    {AT(consumeThreadMax), .type = CONFIG_I32, .default_text = "20", .min = 1, .max = 1000, .flags = CONFIG_IGNORED,
     .doc = "no effect: Java's pool never grows either, its queue has no bound"},
    I32(consumeConcurrentlyMaxSpan, 2000, 1, 65535, "offsets between first and last message held of a queue"),
    I32(pullThresholdForQueue, 1000, 1, 65535, "messages held of a queue"),
    I32(pullThresholdSizeForQueue, 100, 1, 1024, "MiB held of a queue"),
    I32(pullThresholdForTopic, -1, -1, 6553500, "messages held of a topic; -1: no limit"),
    I32(pullThresholdSizeForTopic, -1, -1, 102400, "MiB held of a topic; -1: no limit"),
    I32(pullInterval, 0, 0, 65535, "ms between two pulls of a queue"),
    I32(consumeMessageBatchMaxSize, 1, 1, 1024, "messages per call of the listener"),
    I32(pullBatchSize, 32, 1, 1024, "messages per pull"),
    BOOL(postSubscriptionWhenPull, false, "send the filter with every pull instead of the heartbeat only"),
    I32(maxReconsumeTimes, -1, -1, INT32_MAX, "retries before %DLQ%; -1: 16, ordered: no limit"),
    I32(suspendCurrentQueueTimeMillis, 1000, 10, 30000, "ms until an ordered listener gets the message again"),
    I32(consumeTimeout, 15, 1, 35000, "minutes after which a message that is still being consumed is sent back"),

    I32(brokerSuspendMaxTimeMillis, 20000, 1, INT32_MAX, "pull consumer: ms the broker may wait for messages"),
    I32(consumerTimeoutMillisWhenSuspend, 30000, 1, INT32_MAX, "pull consumer: time-out of such a pull in ms"),
    I32(consumerPullTimeoutMillis, 10000, 1, INT32_MAX, "pull consumer: time-out of other pulls in ms"),
};

static const struct config_table table = {keys, sizeof keys / sizeof keys[0]};

int mq_config_key(size_t i, struct mq_config_key *out) {
  if (i >= table.count) return 0;
  *out = (struct mq_config_key){keys[i].name, keys[i].default_text, keys[i].doc};
  return 1;
}

mq_config *mq_config_new(void) {
  struct mq_config *c = calloc(1, sizeof *c);
  if (c == NULL) return NULL;
  if (config_init(c, &table) != STATUS_OK) {
    free(c);
    return NULL;
  }
  const char *servers = getenv("NAMESRV_ADDR");
  if (servers != NULL) (void)!mq_config_set(c, "namesrvAddr", servers, NULL);
  return c;
}

void mq_config_free(mq_config *config) {
  if (config == NULL) return;
  config_fini(config);
  free(config);
}

enum mq_result mq_config_set(mq_config *config, const char *key, const char *value, struct mq_error *error) {
  struct buf why;
  buf_init(&why, MQ_ERROR_TEXT_MAX * 4);
  enum mq_result result = MQ_OK;
  enum status status = STATUS_NOT_FOUND;
  /* config_set keeps unknown keys, as a server must; for a program they are a slip of the pen. */
  for (size_t i = 0; i < table.count && status == STATUS_NOT_FOUND; i++)
    if (strcmp(keys[i].name, key) == 0) status = config_set(config, span_text(key), span_text(value), &why);
  if (status == STATUS_NOT_FOUND) buf_printf(&why, "there is no setting \"%s\"", key);
  if (status != STATUS_OK) {
    result = status == STATUS_NO_MEMORY ? MQ_NO_MEMORY : MQ_INVALID;
    if (error != NULL) {
      *error = (struct mq_error){.result = result};
      span_copy_text(buf_span(&why), error->text, sizeof error->text);
    }
  }
  buf_fini(&why);
  return result;
}

enum mq_result mq_config_set_int(mq_config *config, const char *key, int64_t value, struct mq_error *error) {
  char text[22];
  text[i64_to_text(value, text)] = '\0';
  return mq_config_set(config, key, text, error);
}

size_t mq_config_get(const mq_config *config, const char *key, char *out, size_t cap) {
  struct buf text;
  buf_init(&text, 1 << 20);
  enum status status = config_get(config, key, &text);
  size_t len = text.len;
  if (cap > 0) span_copy_text(buf_span(&text), out, cap);
  buf_fini(&text);
  bool known = false;
  for (size_t i = 0; i < table.count; i++) known |= strcmp(keys[i].name, key) == 0;
  return status == STATUS_OK ? len : known ? 0 : SIZE_MAX;
}

void mq_config_log_to(mq_config *config, enum mq_log_level least,
                      void (*write)(void *context, enum mq_log_level level, const char *line), void *context) {
  config->log_level = least;
  config->log_write = write;
  config->log_context = context;
}

struct mq_config *settings_copy(const struct mq_config *from) {
  struct mq_config *copy = calloc(1, sizeof *copy);
  if (copy == NULL) return NULL;
  enum status status = config_init(copy, &table);
  mq_config_log_to(copy, from->log_level, from->log_write, from->log_context);
  struct buf text, why;
  buf_init(&text, 1 << 20);
  buf_init(&why, 1024);
  for (size_t i = 0; i < table.count && status == STATUS_OK; i++) {
    buf_clear(&text);
    if (config_get(from, keys[i].name, &text) == STATUS_OK)
      status = config_set(copy, span_text(keys[i].name), text.ptr == NULL ? SPAN_LITERAL("") : buf_span(&text), &why);
  }
  buf_fini(&text);
  buf_fini(&why);
  if (status == STATUS_OK) return copy;
  mq_config_free(copy);
  return NULL;
}

int64_t settings_timestamp_ms(const char *text) {
  struct tm tm = {.tm_isdst = -1};
  int used = 0;
  if (sscanf(text, "%4d%2d%2d%2d%2d%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
             &used) != 6 ||
      used != 14 || text[14] != '\0')
    return -1;
  tm.tm_year -= 1900;
  tm.tm_mon -= 1;
  time_t seconds = mktime(&tm);
  return seconds == (time_t)-1 ? -1 : (int64_t)seconds * 1000;
}
