/* SPDX-License-Identifier: Apache-2.0
 *
 * CONSUMER_SEND_MSG_BACK (36): a consumer could not do with a message what it
 * should. The message comes again, later and later, through its group's retry
 * topic, and when that was tried often enough it goes to the group's dead
 * letters. Agrees with
 * org.apache.rocketmq.broker.processor.SendMessageProcessor.consumerSendMsgBack,
 * except that a dead letter is not delayed by what is left of its last retry.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqbroker/delay/delay_record.h"
#include "mqbroker/handle/handle.h"

#include <stdio.h>

#define VERSION_3_4_9 121 /* from here on the header says how often to retry */

enum { FIRST_LEVEL = 3, UNIT_SUB_FLAG = 2, ADDED_MAX = 512 };

/* prefix + group in the arena; absent: longer than a topic may be, or out of memory. */
static struct span topic_of(struct broker *b, const char *prefix, struct span group) {
  char name[TOPIC_LENGTH_MAX + 1];
  int n = snprintf(name, sizeof name, "%s%.*s", prefix, SPAN_ARG(group));
  return n < 0 || n >= (int)sizeof name ? SPAN_NONE : arena_copy(&b->arena, span_of(name, (size_t)n));
}

/* The group's retry topic or its dead letters, created when needed. NULL: answered. */
static const struct topic *need_topic(struct broker *b, const struct request *rq, const char *prefix, struct span group,
                                      int32_t queues, int32_t perm, int32_t sys_flag) {
  struct span name = topic_of(b, prefix, group);
  const struct topic *t = name.ptr == NULL ? NULL : topics_find(&b->topics, name);
  if (t == NULL && name.ptr != NULL) {
    t = topics_create_plain(&b->topics, name, queues, perm, sys_flag, rq->now, b->log);
    if (t != NULL) broker_topics_changed(b);
  }
  if (t == NULL)
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "topic[%s%.*s] not exist", prefix,
                         SPAN_ARG(group));
  return t;
}

/* False: answered. */
static bool admit(struct broker *b, const struct request *rq, const struct consumer_send_msg_back_request *h,
                  const struct group **g) {
  if (b->settings->brokerRole == ROLE_SLAVE) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "SERVICE_NOT_AVAILABLE: this broker is a slave");
    return false;
  }
  *g = groups_find_or_create(&b->groups, h->group, b->settings->autoCreateSubscriptionGroup, rq->now, b->log);
  if (*g == NULL) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SUBSCRIPTION_GROUP_NOT_EXIST,
                         "subscription group not exist, %.*s", SPAN_ARG(h->group));
    return false;
  }
  if (!(b->settings->brokerPermission & PERM_WRITE)) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_NO_PERMISSION, "the broker[%s] sending message is forbidden",
                         b->settings->brokerIP1);
    return false;
  }
  if ((*g)->retry_queues > 0) return true;
  reply_ok(b, rq); /* the group wants no retries */
  return false;
}

/* What is added to the properties; those that the delay needs come after. Absent: out of memory. */
static struct span properties_of(struct broker *b, const struct message *m, int32_t level) {
  static const char *const replaced[] = {"RETRY_TOPIC", "WAIT", "DELAY", "ORIGIN_MESSAGE_ID"};
  struct span topic = property_get(m->properties, "RETRY_TOPIC");
  struct span origin = property_get(m->properties, "ORIGIN_MESSAGE_ID"), name, value;
  char id[MESSAGE_ID_MAX], number[16];
  size_t size = m->properties.len + ADDED_MAX, at = 0;
  struct buf out = {.ptr = arena_alloc(&b->arena, size), .cap = size, .limit = size};
  if (out.ptr == NULL) return SPAN_NONE;
  while (property_next(m->properties, &at, &name, &value)) {
    bool again = false;
    for (size_t i = 0; i < sizeof replaced / sizeof replaced[0]; i++) again = again || span_is(name, replaced[i]);
    if (!again) property_put_span(&out, name, value);
  }
  if (origin.len == 0) origin = span_of(id, message_id_text(&m->store_host, m->physical_offset, id));
  property_put(&out, "RETRY_TOPIC", topic.len > 0 ? topic : m->topic);
  property_put(&out, "WAIT", SPAN_LITERAL("false"));
  property_put(&out, "ORIGIN_MESSAGE_ID", origin);
  snprintf(number, sizeof number, "%d", level);
  if (level > 0) property_put(&out, "DELAY", span_text(number));
  return out.failed ? SPAN_NONE : buf_span(&out);
}

/* Turns the record into what is stored; *to, the retry topic, may become the dead letters. False: answered. */
static bool turn_back(struct broker *b, const struct request *rq, const struct consumer_send_msg_back_request *h,
                      const struct group *g, const struct topic **to, struct message *m) {
  int32_t limit = rq->cmd->version >= VERSION_3_4_9 && HEADER_HAS(consumer_send_msg_back_request, h, maxReconsumeTimes)
                      ? h->maxReconsumeTimes
                      : g->retry_max_times;
  bool dead = m->reconsume_times >= limit || h->delayLevel < 0;
  int32_t level = h->delayLevel == 0 ? FIRST_LEVEL + m->reconsume_times : h->delayLevel;
  if (dead) {
    level = 0;
    *to = need_topic(b, rq, DLQ_TOPIC_PREFIX, h->group, 1, PERM_WRITE, 0);
    if (*to == NULL) return false;
  }
  if (level > 0 && b->settings->enableDLegerCommitLog) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, DELAY_IN_GROUP_REMARK);
    return false;
  }
  m->properties = properties_of(b, m, level);
  m->topic = (*to)->name;
  m->queue_id = dead ? 0 : (int32_t)prng_below(&b->prng, (uint64_t)g->retry_queues);
  m->reconsume_times++;
  m->prepared_offset = 0;
  enum status status = m->properties.ptr == NULL
                           ? STATUS_NO_MEMORY
                           : delay_enter(m, &b->delays.levels, (size_t)b->settings->maxMessageSize, &b->arena);
  if (status == STATUS_OK) return true;
  remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "%s",
                       status == STATUS_LIMIT ? "MESSAGE_ILLEGAL: the record becomes larger than maxMessageSize"
                                              : status_text(status));
  return false;
}

/* Nobody else has the message then, so the answer waits for what a send with WAIT waits for (Java's does not). */
static void store_back(struct broker *b, const struct request *rq, const struct topic *to, struct message *m) {
  struct put_result put;
  if (gate_reserve(&b->gate) != STATUS_OK) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "out of memory");
    return;
  }
  if (store_put(b->store, m, rq->now, &put) != PUT_OK) {
    const char *why = store_refusal(b->store);
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "the message cannot be stored: %s",
                         why == NULL ? "its record is illegal" : why);
    return;
  }
  struct waiter w = send_waiter(b, rq, &put, to->name, SPAN_NONE);
  w.plain = true;
  w.lacks_replica = false; /* without a slave the consumer would send it again and again */
  gate_wait(&b->gate, &w);
}

void handle_send_back(struct broker *b, const struct request *rq) {
  struct consumer_send_msg_back_request h;
  const struct group *g;
  struct span record;
  struct message m;
  size_t size;
  if (!decode_fields(b, rq, &consumer_send_msg_back_request_header, &h) || !admit(b, rq, &h, &g)) return;
  const struct topic *retry = need_topic(b, rq, RETRY_TOPIC_PREFIX, h.group, g->retry_queues, PERM_READ | PERM_WRITE,
                                         h.unitMode ? UNIT_SUB_FLAG : 0);
  if (retry == NULL) return;
  if (!(retry->perm & PERM_WRITE)) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_NO_PERMISSION, "the topic[%.*s] sending message is forbidden",
                         SPAN_ARG(retry->name));
    return;
  }
  if (store_message_at(b->store, h.offset, &record) != STATUS_OK ||
      message_decode(record, false, &m, &size) != STATUS_OK) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "look message by offset failed, %lld",
                         (long long)h.offset);
    return;
  }
  if (turn_back(b, rq, &h, g, &retry, &m)) store_back(b, rq, retry, &m);
}
