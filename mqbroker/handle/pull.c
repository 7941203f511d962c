/* SPDX-License-Identifier: Apache-2.0
 *
 * PULL_MESSAGE (11) and its long polling. Agrees with
 * org.apache.rocketmq.broker.processor.PullMessageProcessor.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqbroker/handle/handle.h"
#include "mqbroker/handle/pull_filter.h"

enum pull_flag { PULL_COMMIT_OFFSET = 1, PULL_SUSPEND = 2 };

/* GetMessageStatus -> response code, PullMessageProcessor.processRequest. */
static int code_of(enum get_status status, int64_t asked) {
  switch (status) {
  case GET_FOUND:
    return RESPONSE_SUCCESS;
  case GET_MESSAGE_WAS_REMOVING:
  case GET_NO_MATCHED_MESSAGE:
    return RESPONSE_PULL_RETRY_IMMEDIATELY;
  case GET_NO_MATCHED_LOGIC_QUEUE:
  case GET_NO_MESSAGE_IN_QUEUE:
    return asked == 0 ? RESPONSE_PULL_NOT_FOUND : RESPONSE_PULL_OFFSET_MOVED;
  case GET_OFFSET_FOUND_NULL:
  case GET_OFFSET_OVERFLOW_ONE:
    return RESPONSE_PULL_NOT_FOUND;
  case GET_OFFSET_OVERFLOW_BADLY:
  case GET_OFFSET_TOO_SMALL:
    return RESPONSE_PULL_OFFSET_MOVED;
  }
  return RESPONSE_SYSTEM_ERROR;
}

/* The checks of group and topic. False: answered. */
static bool admit(struct broker *b, const struct pull *p, struct moment now) {
  struct remoting *r = b->remoting;
  if (!(b->settings->brokerPermission & PERM_READ)) {
    remoting_reply_error(r, &p->to, RESPONSE_NO_PERMISSION, "the broker[%s] pulling message is forbidden",
                         b->settings->brokerIP1);
    return false;
  }
  const struct group *g = groups_find_or_create(&b->groups, p->group, b->settings->autoCreateSubscriptionGroup, now,
                                                b->log);
  if (g == NULL) {
    remoting_reply_error(r, &p->to, RESPONSE_SUBSCRIPTION_GROUP_NOT_EXIST, "subscription group [%.*s] does not exist",
                         SPAN_ARG(p->group));
    return false;
  }
  if (!g->consume_enable) {
    remoting_reply_error(r, &p->to, RESPONSE_NO_PERMISSION, "subscription group no permission, %.*s",
                         SPAN_ARG(p->group));
    return false;
  }
  const struct topic *t = topics_find(&b->topics, p->topic);
  if (t == NULL) {
    reply_no_topic(b, &p->to, p->topic);
    return false;
  }
  if (!(t->perm & PERM_READ)) {
    remoting_reply_error(r, &p->to, RESPONSE_NO_PERMISSION, "the topic[%.*s] pulling message is forbidden",
                         SPAN_ARG(p->topic));
    return false;
  }
  if (p->queue_id < 0 || p->queue_id >= t->read_queues) {
    remoting_reply_error(r, &p->to, RESPONSE_SYSTEM_ERROR,
                         "queueId[%d] is illegal, topic:[%.*s] topicConfig.readQueueNums:[%d]", p->queue_id,
                         SPAN_ARG(p->topic), t->read_queues);
    return false;
  }
  return true;
}

static enum get_status get(struct broker *b, const struct pull *p, struct pull_filter *filter) {
  const struct broker_settings *s = b->settings;
  int32_t count = p->count_max < s->maxTransferCountOnMessageInMemory ? p->count_max
                                                                      : s->maxTransferCountOnMessageInMemory;
  const struct get_filter wanted = pull_filter_for_get(filter);
  return store_get_filtered(b->store, p->topic, p->queue_id, p->offset, count < 1 ? 1 : count,
                            (size_t)s->maxTransferBytesOnMessageInMemory, &wanted, b->get);
}

/* Whom to ask next time: a slave when this one has to read what is no longer in memory. */
static int64_t suggestion(const struct broker *b, const struct pull *p) {
  const struct broker_settings *s = b->settings;
  const struct group *g = groups_find(&b->groups, p->group);
  if (!s->slaveReadEnable || g == NULL) return 0;
  bool slow = b->get->fall_behind > b->memory_bytes / 100 * s->accessMessageInMemoryMaxRatio;
  return slow ? g->which_broker_when_slow : g->broker_id;
}

/* A slave may lack messages that its master has: nobody is sent elsewhere for asking beyond its end. */
static bool tolerates(const struct broker *b) {
  return b->settings->brokerRole == ROLE_SLAVE && !b->settings->offsetCheckInSlave;
}

static void answer(struct broker *b, const struct pull *p, enum get_status status, struct moment now) {
  struct get_result *got = b->get;
  int code = code_of(status, p->offset);
  if (tolerates(b) && code == RESPONSE_PULL_OFFSET_MOVED) {
    code = RESPONSE_PULL_RETRY_IMMEDIATELY;
    got->next_offset = p->offset;
  }
  if (code == RESPONSE_PULL_OFFSET_MOVED) tell_offset_moved(b, p, got->next_offset, now);
  struct pull_message_response h = {.suggestWhichBrokerId = suggestion(b, p),
                                    .nextBeginOffset = got->next_offset,
                                    .minOffset = got->min_offset,
                                    .maxOffset = got->max_offset,
                                    .present = UINT64_MAX};
  bool found = status == GET_FOUND;
  stats_add(&b->stats, found ? STATS_GET_FOUND : STATS_GET_MISS, 1);
  if (found) {
    stats_add(&b->stats, STATS_TRANSFERRED, (int64_t)got->message_count);
    tally_get(&b->tally, p->topic, p->group, (int64_t)got->message_count, (int64_t)got->bytes);
  }
  remoting_reply(b->remoting, &p->to,
                 &(struct reply_out){.code = code,
                                     .remark = span_text(get_status_names[status]),
                                     .header = &pull_message_response_header,
                                     .fields = &h,
                                     .body_parts = found ? got->parts : NULL,
                                     .body_part_count = found ? got->part_count : 0});
}

/* A pull that could be parked but is not (too many are) is answered as if its time were over. */
static bool park(struct broker *b, const struct pull *p, struct moment now) {
  int64_t hold_ms = b->settings->longPollingEnable ? p->suspend_ms : b->settings->shortPollingTimeMills;
  if (parked_add(&b->parked, p, now.mono_ms + (hold_ms < 0 ? 0 : hold_ms)) == STATUS_OK) return true;
  log_warn(b->log, "a pull of group %.*s is not held: %zu are, the limit is maxParkedPulls=%d", SPAN_ARG(p->group),
           b->parked.count, b->settings->maxParkedPulls);
  return false;
}

static void commit_offset(struct broker *b, const struct pull *p) {
  if (!(p->sys_flag & PULL_COMMIT_OFFSET) || b->settings->brokerRole == ROLE_SLAVE) return;
  if (offsets_set(&b->offsets, p->group, p->topic, p->queue_id, p->commit_offset) != STATUS_OK)
    log_warn(b->log, "offset of group %.*s in %.*s queue %d not stored", SPAN_ARG(p->group), SPAN_ARG(p->topic),
             p->queue_id);
}

void handle_pull(struct broker *b, const struct request *rq) {
  struct pull_message_request h;
  if (!decode_fields(b, rq, &pull_message_request_header, &h)) return;
  struct pull p = {.to = rq->to,
                   .group = h.consumerGroup,
                   .topic = h.topic,
                   .expression = h.subscription,
                   .expression_type = h.expressionType,
                   .queue_id = h.queueId,
                   .count_max = h.maxMsgNums,
                   .sys_flag = h.sysFlag,
                   .offset = h.queueOffset,
                   .sub_version = h.subVersion,
                   .commit_offset = h.commitOffset,
                   .suspend_ms = h.suspendTimeoutMillis};
  struct pull_filter filter;
  if (!admit(b, &p, rq->now) || !pull_filter_find(b, &p, &filter)) return;
  commit_offset(b, &p);
  enum get_status status = get(b, &p, &filter);
  bool wait = code_of(status, p.offset) == RESPONSE_PULL_NOT_FOUND && (p.sys_flag & PULL_SUSPEND);
  if (!wait || !park(b, &p, rq->now)) answer(b, &p, status, rq->now);
}

/* A woken pull whose new messages are all filtered out goes on waiting behind them; Java would answer
 * PULL_RETRY_IMMEDIATELY and have it asked again. */
static void run_again(struct broker *b, struct parked_pull *pp, bool expired, struct moment now) {
  const struct pull *p = parked_pull_of(pp);
  struct pull_filter filter;
  arena_reset(&b->arena);
  if (admit(b, p, now) && pull_filter_find(b, p, &filter)) {
    enum get_status status = get(b, p, &filter);
    const struct get_result *got = b->get;
    bool nothing = status == GET_OFFSET_OVERFLOW_ONE || status == GET_NO_MESSAGE_IN_QUEUE ||
                   status == GET_NO_MATCHED_LOGIC_QUEUE ||
                   (status == GET_NO_MATCHED_MESSAGE && got->next_offset >= got->max_offset);
    if (nothing && !expired && got->next_offset >= p->offset) {
      parked_again(&b->parked, pp, got->next_offset);
      return;
    }
    answer(b, p, status, now);
  }
  parked_free(pp);
}

void pull_run_parked(struct broker *b, struct moment now) {
  struct parked_pull *pp;
  bool expired;
  while ((pp = parked_take(&b->parked, now, &expired)) != NULL) run_again(b, pp, expired, now);
}
