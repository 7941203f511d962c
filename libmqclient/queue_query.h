/* SPDX-License-Identifier: Apache-2.0
 *
 * queue_query: one question about one queue to its broker: where it begins and
 * ends, where a time lies, how far a group is. Agrees with MQAdminImpl.
 * {minOffset,maxOffset,searchOffset,earliestMsgStoreTime} and
 * RemoteBrokerOffsetStore.fetchConsumeOffsetFromBroker.
 */
#ifndef MQCLIENT_QUEUE_QUERY_H
#define MQCLIENT_QUEUE_QUERY_H

#include "libmqclient/client.h"

enum queue_question {
  QUEUE_MIN_OFFSET,
  QUEUE_MAX_OFFSET,
  QUEUE_OFFSET_AT,   /* argument: ms since 1970 */
  QUEUE_EARLIEST_MS, /* store time of the first message */
  QUEUE_COMMITTED    /* of a group; -1: the broker has none */
};

struct queue_query {
  struct client *client;
  enum queue_question question;
  const char *topic; /* borrowed until done */
  const char *group; /* QUEUE_COMMITTED; borrowed until done */
  const struct broker *broker;
  int32_t queue_id;
  int64_t argument;
  int timeout_ms;
  void (*done)(struct queue_query *q, struct moment now);

  struct mq_error error;
  int64_t answer;

  struct call call;
};

/* done runs exactly once, never inside this call; other than MQ_OK: it does not run (q->error is filled). */
enum mq_result queue_query_start(struct queue_query *q, struct moment now);
void queue_query_cancel(struct queue_query *q);

#endif
