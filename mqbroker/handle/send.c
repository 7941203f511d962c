/* SPDX-License-Identifier: Apache-2.0
 *
 * SEND_MESSAGE (10), SEND_MESSAGE_V2 (310), SEND_BATCH_MESSAGE (320). Agrees
 * with org.apache.rocketmq.broker.processor.SendMessageProcessor.
 *
 * The record is staged in the store and a waiter left at the gate; the answer
 * is made in send_reply.c when the mark is reached.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqbroker/delay/delay_record.h"
#include "mqbroker/handle/handle.h"
#include "mqbroker/transaction/half_record.h"

#include <stdlib.h>

#define VERSION_3_4_9 121 /* from here on the header says how often to retry */

static void refuse(struct broker *b, const struct request *rq, int code, const char *why) {
  remoting_reply_error(b->remoting, &rq->to, code, "%s", why);
}

/* A topic may be created by its first message, a retry topic too: like its default topic if it can inherit from that,
 * else with one queue (AbstractSendMessageProcessor.msgCheck). */
static struct topic *find_or_create_topic(struct broker *b, const struct send_message_request *h, struct moment now) {
  struct topic *t = topics_find(&b->topics, h->topic);
  if (t != NULL) return t;
  bool retry = span_starts(h->topic, RETRY_TOPIC_PREFIX);
  int32_t sys_flag = h->unitMode ? (retry ? 2 : 1) : 0;
  t = topics_create_for_send(&b->topics, h->topic, h->defaultTopic, h->defaultTopicQueueNums, sys_flag,
                             b->settings->autoCreateTopicEnable, now, b->log);
  if (t == NULL && retry)
    t = topics_create_plain(&b->topics, h->topic, 1, PERM_READ | PERM_WRITE, sys_flag, now, b->log);
  if (t != NULL) broker_topics_changed(b);
  return t;
}

/* handleRetryAndDLQ: a retried message that was tried too often goes to the dead letters. False: answered. */
static bool redirect_dead_letter(struct broker *b, const struct request *rq, struct send_message_request *h) {
  if (!span_starts(h->topic, RETRY_TOPIC_PREFIX)) return true;
  struct span group = span_from(h->topic, sizeof RETRY_TOPIC_PREFIX - 1);
  const struct group *g = groups_find_or_create(&b->groups, group, b->settings->autoCreateSubscriptionGroup, rq->now,
                                                b->log);
  if (g == NULL) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SUBSCRIPTION_GROUP_NOT_EXIST,
                         "subscription group not exist, %.*s", SPAN_ARG(group));
    return false;
  }
  int32_t limit = rq->cmd->version >= VERSION_3_4_9 && HEADER_HAS(send_message_request, h, maxReconsumeTimes)
                      ? h->maxReconsumeTimes
                      : g->retry_max_times;
  if (h->reconsumeTimes < limit) return true;
  struct buf name;
  buf_init(&name, TOPIC_LENGTH_MAX + sizeof DLQ_TOPIC_PREFIX);
  buf_put_text(&name, DLQ_TOPIC_PREFIX);
  buf_put(&name, group);
  h->topic = arena_copy(&b->arena, buf_span(&name));
  buf_fini(&name);
  h->queueId = 0;
  h->properties = delay_strip(h->properties, &b->arena); /* here it ends */
  const struct topic *t = h->topic.ptr == NULL || h->properties.ptr == NULL
                              ? NULL
                              : topics_create_plain(&b->topics, h->topic, 1, PERM_WRITE, 0, rq->now, b->log);
  if (t != NULL) {
    broker_topics_changed(b);
    return true;
  }
  remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "topic[%s%.*s] not exist", DLQ_TOPIC_PREFIX,
                       SPAN_ARG(group));
  return false;
}

/* AbstractSendMessageProcessor.msgCheck. False: answered. */
static bool admit(struct broker *b, const struct request *rq, struct send_message_request *h) {
  const char *why = NULL;
  if (rq->now.wall_ms < b->settings->startAcceptSendRequestTimeStamp) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "broker unable to service, until %lld",
                         (long long)b->settings->startAcceptSendRequestTimeStamp);
    return false;
  }
  bool own = span_is(h->topic, AUTO_CREATE_TOPIC) || span_is(h->topic, SCHEDULE_TOPIC) ||
             span_is(h->topic, HALF_TOPIC) || span_is(h->topic, OP_TOPIC);
  if (own || !topic_name_valid(h->topic, &why)) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "the topic[%.*s] cannot be sent to: %s",
                         SPAN_ARG(h->topic), why == NULL ? "it is conflict with system topic" : why);
    return false;
  }
  const struct topic *t = find_or_create_topic(b, h, rq->now);
  if (t == NULL) {
    reply_no_topic(b, &rq->to, h->topic);
    return false;
  }
  if (!(b->settings->brokerPermission & PERM_WRITE) && t->order) {
    refuse(b, rq, RESPONSE_NO_PERMISSION, "the broker sending message is forbidden");
    return false;
  }
  if (rq->now.mono_ms < b->tables_retry_ms && topics_unsaved(&b->topics, t)) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SERVICE_NOT_AVAILABLE, TOPIC_UNSAVED_REMARK, b->topics.path);
    return false;
  }
  int32_t queues = t->write_queues > t->read_queues ? t->write_queues : t->read_queues;
  if (h->queueId >= queues) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR,
                         "request queueId[%d] is illegal, topic %.*s has %d write and %d read queues", h->queueId,
                         SPAN_ARG(h->topic), t->write_queues, t->read_queues);
    return false;
  }
  if (h->queueId < 0) {
    if (t->write_queues <= 0) {
      refuse(b, rq, RESPONSE_NO_PERMISSION, "the topic has no queue to write to");
      return false;
    }
    h->queueId = (int32_t)prng_below(&b->prng, (uint64_t)t->write_queues);
  }
  if (t->multi_tag) h->sysFlag |= SYS_MULTI_TAGS;
  return redirect_dead_letter(b, rq, h);
}

/* What this version does not do is refused before anything is stored, so that nothing is lost or early. */
static const char *unsupported(const struct broker *b, struct span properties) {
  int32_t level = 0;
  if (b->settings->enableDLegerCommitLog && (delay_level_of(properties, &level) != STATUS_OK || level > 0))
    return DELAY_IN_GROUP_REMARK;
  return NULL;
}

void send_put_failure(struct broker *b, const struct request *rq, enum put_status status) {
  switch (status) {
  case PUT_MESSAGE_ILLEGAL:
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_MESSAGE_ILLEGAL,
                         "the message is illegal: the record may have %d bytes, its properties %d, its topic %d",
                         b->settings->maxMessageSize, PROPERTIES_LENGTH_MAX, TOPIC_LENGTH_MAX);
    return;
  case PUT_SERVICE_NOT_AVAILABLE: {
    const char *why = store_refusal(b->store);
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SERVICE_NOT_AVAILABLE, "service not available now: %s",
                         why == NULL ? "the store is read-only" : why);
    return;
  }
  default:
    refuse(b, rq, RESPONSE_SYSTEM_ERROR, "out of memory");
  }
}

static void wait_for_mark(struct broker *b, const struct request *rq, const struct send_message_request *h,
                          const struct put_result *put, char *batch_ids) {
  struct waiter w = send_waiter(b, rq, put, h->topic, h->properties);
  w.batch_ids = batch_ids;
  w.queue_id = h->queueId;
  gate_wait(&b->gate, &w);
}

static void describe(const struct broker *b, const struct request *rq, const struct send_message_request *h,
                     struct message *m) {
  *m = (struct message){.queue_id = h->queueId,
                        .flag = h->flag,
                        .sys_flag = h->sysFlag,
                        .born_ms = h->bornTimestamp,
                        .born_host = rq->peer,
                        .store_host = b->address,
                        .reconsume_times = h->reconsumeTimes,
                        .body = rq->cmd->body,
                        .topic = h->topic,
                        .properties = h->properties};
}

/* Comma-joined message ids, as MessageExtBatch is answered. ids: room for MESSAGE_ID_MAX each. */
static void join_ids(const struct broker *b, const int64_t *offsets, size_t count, char *ids) {
  size_t len = 0;
  for (size_t i = 0; i < count; i++) {
    if (i > 0) ids[len++] = ',';
    len += message_id_text(&b->address, offsets[i], ids + len);
  }
  ids[len] = '\0';
}

/* CommitLog.putMessages refuses batches with a delay; Java's client makes none. */
static const char *not_in_a_batch(const struct broker *b, struct span properties) {
  int32_t level;
  if (delay_level_of(properties, &level) != STATUS_OK || level > 0) return "a delayed message cannot be in a batch";
  if (half_wanted(properties)) return "a message of a transaction cannot be in a batch";
  return unsupported(b, properties);
}

/* Unpacks the batch body into the arena. NULL: answered. */
static struct batch_item *unpack_batch(struct broker *b, const struct request *rq, size_t *count) {
  struct batch_item item;
  size_t at = 0;
  *count = 0;
  enum status status;
  while ((status = batch_next(rq->cmd->body, &at, &item)) == STATUS_OK) {
    const char *why = not_in_a_batch(b, item.properties);
    if (why != NULL) {
      refuse(b, rq, RESPONSE_MESSAGE_ILLEGAL, why);
      return NULL;
    }
    ++*count;
  }
  struct batch_item *items = status == STATUS_NOT_FOUND && *count > 0 ? arena_zalloc(&b->arena, *count, sizeof *items)
                                                                      : NULL;
  if (items == NULL) {
    refuse(b, rq, RESPONSE_MESSAGE_ILLEGAL, "the batch body is malformed or empty");
    return NULL;
  }
  at = 0;
  for (size_t i = 0; i < *count; i++) status = batch_next(rq->cmd->body, &at, &items[i]);
  return items;
}

static void send_batch(struct broker *b, const struct request *rq, struct send_message_request *h) {
  if (span_starts(h->topic, RETRY_TOPIC_PREFIX)) {
    refuse(b, rq, RESPONSE_MESSAGE_ILLEGAL, "batch request does not support retry group");
    return;
  }
  size_t count;
  struct batch_item *items = unpack_batch(b, rq, &count);
  if (items == NULL) return;
  /* Once stored it must be answered: what that takes comes first. */
  int64_t *offsets = arena_alloc(&b->arena, count * sizeof *offsets);
  char *ids = malloc(count * MESSAGE_ID_MAX);
  if (offsets == NULL || ids == NULL || gate_reserve(&b->gate) != STATUS_OK) {
    free(ids);
    refuse(b, rq, RESPONSE_SYSTEM_ERROR, "out of memory");
    return;
  }
  struct message m;
  struct put_result put;
  describe(b, rq, h, &m);
  enum put_status status = store_put_batch(b->store, &m, items, count, rq->now, &put, offsets);
  if (status != PUT_OK) {
    free(ids);
    send_put_failure(b, rq, status);
    return;
  }
  join_ids(b, offsets, count, ids);
  stats_add(&b->stats, STATS_PUT, (int64_t)count);
  stats_add(&b->stats, STATS_PUT_BYTES, put.end_offset - put.physical_offset);
  wait_for_mark(b, rq, h, &put, ids);
}

bool send_delay(struct broker *b, const struct request *rq, struct message *m) {
  switch (delay_enter(m, &b->delays.levels, (size_t)b->settings->maxMessageSize, &b->arena)) {
  case STATUS_OK:
    return true;
  case STATUS_INVALID:
    refuse(b, rq, RESPONSE_SYSTEM_ERROR, "the property DELAY is not the number of a level");
    return false;
  case STATUS_LIMIT:
    send_put_failure(b, rq, PUT_MESSAGE_ILLEGAL);
    return false;
  default:
    send_put_failure(b, rq, PUT_NO_MEMORY);
    return false;
  }
}

/* A consumer that sends a message to itself, to be tried again later, sends all its properties: it is no half message
 * then (the synchronous SendMessageProcessor.sendMessage knows that, asyncSendMessage of 4.7.0 does not). */
static bool is_half(const struct send_message_request *h) {
  int32_t level;
  if (!half_wanted(h->properties)) return false;
  return h->reconsumeTimes <= 0 || delay_level_of(h->properties, &level) != STATUS_OK || level <= 0;
}

/* TransactionalMessageService.asyncPrepareMessage. False: answered. */
static bool prepare(struct broker *b, const struct request *rq, struct message *m) {
  if (b->settings->rejectTransactionMessage) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_NO_PERMISSION,
                         "the broker[%s] sending transaction message is forbidden", b->settings->brokerIP1);
    return false;
  }
  enum status status = half_enter(m, (size_t)b->settings->maxMessageSize, &b->arena);
  if (status == STATUS_OK && transaction_topic(b, HALF_TOPIC)) return true;
  send_put_failure(b, rq, status == STATUS_LIMIT ? PUT_MESSAGE_ILLEGAL : PUT_NO_MEMORY);
  return false;
}

static void send_one(struct broker *b, const struct request *rq, struct send_message_request *h) {
  const char *why = unsupported(b, h->properties);
  if (why != NULL) {
    refuse(b, rq, RESPONSE_MESSAGE_ILLEGAL, why);
    return;
  }
  if (gate_reserve(&b->gate) != STATUS_OK) {
    refuse(b, rq, RESPONSE_SYSTEM_ERROR, "out of memory");
    return;
  }
  struct message m;
  struct put_result put;
  describe(b, rq, h, &m);
  if (is_half(h) ? !prepare(b, rq, &m) : !send_delay(b, rq, &m)) return;
  enum put_status status = store_put(b->store, &m, rq->now, &put);
  if (status != PUT_OK) {
    send_put_failure(b, rq, status);
    return;
  }
  stats_add(&b->stats, STATS_PUT, 1);
  stats_add(&b->stats, STATS_PUT_BYTES, put.end_offset - put.physical_offset);
  wait_for_mark(b, rq, h, &put, NULL);
}

void handle_send(struct broker *b, const struct request *rq) {
  struct send_message_request h;
  const char *missing = NULL;
  bool by_letters = rq->cmd->code != REQUEST_SEND_MESSAGE;
  if (b->settings->brokerRole == ROLE_SLAVE) { /* DefaultMessageStore.checkStoreStatus; nothing is created, either */
    refuse(b, rq, RESPONSE_SERVICE_NOT_AVAILABLE, "service not available now: this broker is a slave");
    return;
  }
  const char *refusal = member_refusal(&b->member);
  if (refusal != NULL) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SERVICE_NOT_AVAILABLE, "service not available now: %s",
                         refusal);
    return;
  }
  if (header_decode(&send_message_request_header, rq->cmd, by_letters, &h, &missing) != STATUS_OK) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR,
                         "SendMessageRequestHeader: field %s is missing or not a number", missing);
    return;
  }
  if (!admit(b, rq, &h)) return;
  if (h.batch) send_batch(b, rq, &h);
  else send_one(b, rq, &h);
}
