/* SPDX-License-Identifier: Apache-2.0
 *
 * push_pull: where a queue begins, and its endless pulling within the limits.
 * Agrees with RebalancePushImpl.computePullFromWhere and
 * DefaultMQPushConsumerImpl.pullMessage.
 */
#include "libmqclient/consumer_push.h"

enum {
  BROKER_SUSPEND_MS = 15000,  /* BROKER_SUSPEND_MAX_TIME_MILLIS */
  PULL_TIMEOUT_MS = 30000,    /* CONSUMER_TIMEOUT_MILLIS_WHEN_SUSPEND */
  FLOW_CONTROL_MS = 50,       /* PULL_TIME_DELAY_MILLS_WHEN_FLOW_CONTROL */
  SUSPENDED_MS = 1000,        /* PULL_TIME_DELAY_MILLS_WHEN_SUSPEND */
  ILLEGAL_OFFSET_MS = 10000,  /* until a queue whose offset was corrected is taken again */
  NO_PROGRESS_MS = 20,        /* a broker that does not hold requests must not be asked in a circle */
  MIB_SHIFT = 20
};

static void rest(struct process_queue *q, enum queue_state state, int delay_ms, struct moment now) {
  q->state = state;
  job_at(q->consumer->client, &q->job, now.mono_ms + delay_ms);
}

/* ---- where to begin ---- */

static void located(struct queue_query *query, struct moment now);

static void ask(struct process_queue *q, enum queue_question question, int64_t argument, struct moment now) {
  struct consumer_push *p = q->consumer;
  q->query = (struct queue_query){.client = p->client,
                                  .question = question,
                                  .topic = q->route->topic,
                                  .group = p->config.group,
                                  .broker = q->broker,
                                  .queue_id = q->id,
                                  .argument = argument,
                                  .timeout_ms = OFFSET_TIMEOUT_MS,
                                  .done = located};
  if (queue_query_start(&q->query, now) == MQ_OK) return;
  log_warn(p->client->log, "cannot tell where queue %d of topic %s begins: %s", q->id, q->route->topic,
           q->query.error.text);
  rest(q, QUEUE_LOCATING, p->config.pull_error_ms, now);
}

static void begin_at(struct process_queue *q, int64_t offset, struct moment now) {
  q->next_offset = offset;
  push_pull(q, now);
}

/* The group has no offset for this queue. */
static void begin_anew(struct process_queue *q, struct moment now) {
  const struct push_config *config = &q->consumer->config;
  bool is_retry = strncmp(q->route->topic, "%RETRY%", 7) == 0;
  switch (config->from) {
  case CONSUME_FROM_FIRST_OFFSET: begin_at(q, 0, now); return;
  case CONSUME_FROM_TIMESTAMP:
    ask(q, is_retry ? QUEUE_MAX_OFFSET : QUEUE_OFFSET_AT, config->from_ms, now);
    return;
  default: /* the deprecated ones mean the same */
    if (is_retry)
      begin_at(q, 0, now);
    else
      ask(q, QUEUE_MAX_OFFSET, 0, now);
  }
}

static void located(struct queue_query *query, struct moment now) {
  struct process_queue *q = (struct process_queue *)((char *)query - offsetof(struct process_queue, query));
  if (query->error.result != MQ_OK) {
    log_warn(q->consumer->client->log, "cannot tell where queue %d of topic %s begins: %s", q->id, q->route->topic,
             query->error.text);
    rest(q, QUEUE_LOCATING, q->consumer->config.pull_error_ms, now);
    return;
  }
  if (query->question != QUEUE_COMMITTED) {
    begin_at(q, query->answer, now);
  } else if (query->answer < 0) {
    begin_anew(q, now);
  } else {
    push_commit(q, query->answer);
    begin_at(q, query->answer, now);
  }
}

void push_locate(struct process_queue *q, struct moment now) {
  struct consumer_push *p = q->consumer;
  q->state = QUEUE_LOCATING;
  if (push_is_clustering(p)) {
    ask(q, QUEUE_COMMITTED, 0, now);
    return;
  }
  int64_t offset = local_offsets_find(&p->local, q->route->topic, q->broker->name, q->id);
  if (offset < 0) {
    begin_anew(q, now);
  } else {
    push_commit(q, offset);
    begin_at(q, offset, now);
  }
}

/* ---- limits ---- */

static size_t queues_of_topic(const struct process_queue *q) {
  size_t n = 0;
  for (const struct process_queue *other = q->consumer->queues; other != NULL; other = other->next)
    n += other->route == q->route;
  return n == 0 ? 1 : n;
}

/* A limit on the topic is shared by its queues (RebalancePushImpl.messageQueueChanged). */
static size_t limit_of(const struct process_queue *q, int per_queue, int per_topic) {
  if (per_topic <= 0) return (size_t)per_queue;
  size_t share = (size_t)per_topic / queues_of_topic(q);
  return share == 0 ? 1 : share;
}

static bool is_full(const struct process_queue *q) {
  const struct push_config *config = &q->consumer->config;
  if (q->count > limit_of(q, config->queue_messages_max, config->topic_messages_max)) return true;
  if (q->bytes >> MIB_SHIFT > limit_of(q, config->queue_mib_max, config->topic_mib_max)) return true;
  return !config->ordered && process_queue_span(q) > config->span_max;
}

void push_pull_room(struct process_queue *q, struct moment now) {
  if (q->state == QUEUE_FULL && !q->dropped && q->consumer->running && !is_full(q)) push_pull(q, now);
}

/* ---- pulling ---- */

static void pulled(struct pull_op *op, struct moment now);

static bool prepare(struct process_queue *q) {
  struct consumer_push *p = q->consumer;
  struct delivery *d = push_delivery_take(p);
  if (d == NULL) return false;
  int64_t suggested = q->pull.suggested_id;
  q->pull = (struct pull_op){.client = p->client,
                             .group = p->config.group,
                             .topic = q->route->topic,
                             .subscription = &q->subscription->data,
                             .broker = q->broker,
                             .queue_id = q->id,
                             .offset = q->next_offset,
                             .max_messages = p->config.pull_batch,
                             .sys_flag = PULL_SUSPEND,
                             .suspend_ms = BROKER_SUSPEND_MS,
                             .timeout_ms = PULL_TIMEOUT_MS,
                             .suggested_id = suggested,
                             .delivery = d,
                             .done = pulled};
  if (push_is_clustering(p) && q->committed > 0) {
    q->pull.sys_flag |= PULL_COMMIT_OFFSET;
    q->pull.commit_offset = q->committed;
  }
  if (p->config.post_subscription) q->pull.sys_flag |= PULL_SUBSCRIPTION;
  return true;
}

static void give_delivery_back(struct process_queue *q) {
  struct delivery *d = q->pull.delivery;
  d->next = q->consumer->free_deliveries;
  q->consumer->free_deliveries = d;
}

void push_pull(struct process_queue *q, struct moment now) {
  struct consumer_push *p = q->consumer;
  if (p->suspended) {
    rest(q, QUEUE_RESTING, SUSPENDED_MS, now);
    return;
  }
  if (is_full(q)) {
    rest(q, QUEUE_FULL, FLOW_CONTROL_MS, now);
    return;
  }
  job_at(p->client, &q->job, TIME_NEVER);
  if (!prepare(q)) {
    rest(q, QUEUE_RESTING, p->config.pull_error_ms, now);
    return;
  }
  q->pulled_ms = now.mono_ms;
  if (pull_start(&q->pull, now) == MQ_OK) {
    q->state = QUEUE_PULLING;
    return;
  }
  give_delivery_back(q);
  log_warn(p->client->log, "no pull from topic %s queue %d: %s", q->route->topic, q->id, q->pull.error.text);
  rest(q, QUEUE_RESTING, p->config.pull_error_ms, now);
}

/* OFFSET_ILLEGAL: the broker's word is taken, what was pulled before is forgotten. */
static void doom(struct process_queue *q, struct moment now) {
  struct client *c = q->consumer->client;
  log_warn(c->log, "offset %lld of topic %s queue %d at %s is illegal, goes on at %lld", (long long)q->pull.offset,
           q->route->topic, q->id, q->broker->name, (long long)q->pull.next_offset);
  q->committed = q->pull.next_offset;
  q->consumer->offsets_changed = true;
  push_offset_save(q, now);
  push_queue_quiet(q);
  rest(q, QUEUE_DOOMED, ILLEGAL_OFFSET_MS, now);
}

static void nothing_new(struct process_queue *q, struct moment now) {
  bool moved = q->pull.next_offset != q->next_offset;
  q->next_offset = q->pull.next_offset;
  /* correctTagsOffset: all before it is consumed or not wanted. */
  if (q->count == 0) push_commit(q, q->next_offset);
  if (!moved && now.mono_ms - q->pulled_ms < NO_PROGRESS_MS)
    rest(q, QUEUE_RESTING, NO_PROGRESS_MS, now);
  else
    push_pull(q, now);
}

static void pulled(struct pull_op *op, struct moment now) {
  struct process_queue *q = (struct process_queue *)((char *)op - offsetof(struct process_queue, pull));
  struct consumer_push *p = q->consumer;
  q->state = QUEUE_RESTING;
  bool found = op->error.result == MQ_OK && op->status == PULL_FOUND && op->delivery->count > 0;
  if (!found) give_delivery_back(q);
  if (op->error.result != MQ_OK) {
    if (op->error.result != MQ_STOPPED)
      log_warn(p->client->log, "pull from topic %s queue %d: %s", q->route->topic, q->id, op->error.text);
    rest(q, QUEUE_RESTING, p->config.pull_error_ms, now);
  } else if (op->status == PULL_OFFSET_ILLEGAL) {
    doom(q, now);
  } else if (!found) {
    nothing_new(q, now);
  } else {
    q->next_offset = op->next_offset;
    consume_new(q, op->delivery, now);
    if (p->config.pull_interval_ms > 0)
      rest(q, QUEUE_RESTING, p->config.pull_interval_ms, now);
    else
      push_pull(q, now);
  }
}
