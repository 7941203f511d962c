/* SPDX-License-Identifier: Apache-2.0
 *
 * settings: what mq_config holds: one table of keys with type, default, range
 * and meaning.
 */
#ifndef MQCLIENT_SETTINGS_H
#define MQCLIENT_SETTINGS_H

#include "core/config/config.h"
#include "mqclient/config.h"

struct mq_config {
  struct config_base base; /* first */
  char *namesrvAddr;
  char *clientIP;
  char *instanceName;
  char *unitName;
  char *localOffsetStoreDir;
  char *createTopicKey;
  char *consumeTimestamp;
  int32_t serializeType; /* enum serialize */
  int32_t pollNameServerInterval;
  int32_t heartbeatBrokerInterval;
  int32_t persistConsumerOffsetInterval;
  int32_t rebalanceInterval;
  int32_t pullTimeDelayMillsWhenException;
  int32_t defaultTopicQueueNums;
  int32_t sendMsgTimeout;
  int32_t retryTimesWhenSendFailed;
  int32_t retryTimesWhenSendAsyncFailed;
  bool retryAnotherBrokerWhenNotStoreOK;
  int32_t compressMsgBodyOverHowmuch;
  int32_t maxMessageSize;
  int32_t maxPendingSends;
  int64_t maxPendingSendBytes;
  int32_t checkThreadPoolMinSize;
  int32_t checkRequestHoldMax;
  int32_t messageModel;     /* enum message_model */
  int32_t consumeFromWhere; /* enum consume_from */
  int32_t consumeThreadMin;
  int32_t consumeThreadMax;
  int32_t consumeConcurrentlyMaxSpan;
  int32_t pullThresholdForQueue;
  int32_t pullThresholdSizeForQueue;
  int32_t pullThresholdForTopic;
  int32_t pullThresholdSizeForTopic;
  int32_t pullInterval;
  int32_t consumeMessageBatchMaxSize;
  int32_t pullBatchSize;
  bool postSubscriptionWhenPull;
  int32_t maxReconsumeTimes;
  int32_t suspendCurrentQueueTimeMillis;
  int32_t consumeTimeout;
  int32_t brokerSuspendMaxTimeMillis;
  int32_t consumerTimeoutMillisWhenSuspend;
  int32_t consumerPullTimeoutMillis;
  enum mq_log_level log_level;
  void (*log_write)(void *context, enum mq_log_level level, const char *line);
  void *log_context;
};

/* A copy to be freed with mq_config_free; NULL: out of memory. */
struct mq_config *settings_copy(const struct mq_config *from);
/* consumeTimestamp "yyyyMMddHHmmss" in local time as ms since 1970; -1: malformed. */
int64_t settings_timestamp_ms(const char *text);

#endif
