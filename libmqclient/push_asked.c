/* SPDX-License-Identifier: Apache-2.0
 *
 * push_asked: what brokers tell and ask a push consumer for operators: other
 * offsets (220), where it is (221), how it is (307), and to consume one
 * message out of turn (309). Agrees with
 * org.apache.rocketmq.client.impl.ClientRemotingProcessor and
 * MQClientInstance.resetOffset, which stops the consumer for ten seconds where
 * this one gives its queues back and takes them again.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "core/wire/json.h"
#include "libmqclient/consumer_push.h"

#include <stdio.h>
#include <stdlib.h>

enum { BODY_MAX = 64 << 20 };

static bool is_queue(const struct process_queue *q, const struct message_queue *mq) {
  return !q->dropped && q->id == mq->queue_id && span_is(mq->topic, q->route->topic) &&
         span_is(mq->broker_name, q->broker->name);
}

/* ---- 220 ---- */

static void set_local(struct consumer_push *p, const struct message_queue *mq, int64_t offset) {
  for (size_t i = 0; i < p->local.count; i++) {
    struct local_offset *o = &p->local.items[i];
    if (o->queue.queue_id == mq->queue_id && span_equal(o->queue.topic, mq->topic) &&
        span_equal(o->queue.broker_name, mq->broker_name))
      o->offset = offset;
  }
}

/* Its messages are forgotten; what the listener still has counts for nothing. */
static void reset_queue(struct consumer_push *p, const struct message_queue *mq, int64_t offset, struct moment now) {
  for (struct process_queue *q = p->queues; q != NULL; q = q->next) {
    if (!is_queue(q, mq) || q->state == QUEUE_DOOMED) continue;
    log_info(p->client->log, "group %s: queue %d of topic %s is set to offset %lld on request", p->config.group, q->id,
             q->route->topic, (long long)offset);
    q->committed = offset;
    p->offsets_changed = true;
    set_local(p, mq, offset);
    push_queue_drop(q, now); /* which saves the offset */
    return;
  }
}

static void reset(struct consumer_push *p, const struct command *cmd, struct moment now) {
  struct arena *arena = &p->client->scratch;
  struct json *root;
  arena_reset(arena);
  if (json_parse(cmd->body, &JSON_LIMITS_DEFAULT, arena, &root, NULL, NULL) != STATUS_OK) return;
  const struct json *table = json_member(root, "offsetTable");
  for (const struct json *e = table == NULL ? NULL : table->children; e != NULL; e = e->next) {
    struct message_queue mq;
    /* Java's queues are keys; those for C++ clients are members beside their offset. */
    const struct json *queue = table->kind == JSON_OBJECT ? e->key : e;
    if (queue->kind != JSON_OBJECT) continue;
    message_queue_read(queue, &mq);
    int64_t offset = json_i64(table->kind == JSON_OBJECT ? e : json_member(e, "offset"), -1);
    if (offset >= 0) reset_queue(p, &mq, offset, now);
  }
  client_rebalance_soon(p->client, now);
}

/* ---- 221 ---- */

static void put_queue(struct json_writer *w, const struct process_queue *q) {
  struct message_queue mq = {span_text(q->route->topic), span_text(q->broker->name), q->id};
  message_queue_write(w, &mq);
  json_key_value(w);
}

static void answer_body(struct client *c, const struct reply_to *to, const struct buf *body) {
  if (body->failed) remoting_reply_error(c->remoting, to, RESPONSE_SYSTEM_ERROR, "out of memory");
  else remoting_reply(c->remoting, to, &(struct reply_out){.code = RESPONSE_SUCCESS, .body = buf_span(body)});
}

static void tell_status(struct consumer_push *p, const struct reply_to *to, const struct command *cmd) {
  struct span topic = command_ext(cmd, "topic");
  struct json_writer w;
  struct buf body;
  buf_init(&body, BODY_MAX);
  json_writer_init(&w, &body, false);
  json_open_object(&w);
  json_key(&w, "consumerTable");
  json_open_object(&w);
  json_close_object(&w);
  json_key(&w, "messageQueueTable");
  json_open_inline_map(&w);
  for (const struct process_queue *q = p->queues; q != NULL; q = q->next) {
    if (q->dropped || q->committed < 0 || !span_is(topic, q->route->topic)) continue;
    put_queue(&w, q);
    json_put_int(&w, q->committed);
  }
  json_close_object(&w);
  json_close_object(&w);
  answer_body(p->client, to, &body);
  buf_fini(&body);
}

/* ---- 307 ---- */

static void put_int(struct json_writer *w, const char *key, int64_t v) {
  json_key(w, key);
  json_put_int(w, v);
}

static void put_bool(struct json_writer *w, const char *key, bool v) {
  json_key(w, key);
  json_put_bool(w, v);
}

static void put_text(struct json_writer *w, const char *key, const char *text) {
  json_key(w, key);
  json_put_text(w, text);
}

/* 0: never. */
static int64_t wall_of(int64_t mono_ms, struct moment now) {
  return mono_ms <= 0 ? 0 : now.wall_ms - (now.mono_ms - mono_ms);
}

/* ProcessQueueInfo. */
static void put_queue_info(struct json_writer *w, const struct process_queue *q, struct moment now) {
  const struct received *first = q->messages.next, *last = q->messages.prev;
  json_open_object(w);
  put_int(w, "cachedMsgCount", (int64_t)q->count);
  put_int(w, "cachedMsgMaxOffset", q->count == 0 ? 0 : last->message.queue_offset);
  put_int(w, "cachedMsgMinOffset", q->count == 0 ? 0 : first->message.queue_offset);
  put_int(w, "cachedMsgSizeInMiB", (int64_t)(q->bytes >> 20));
  put_int(w, "commitOffset", q->committed);
  put_bool(w, "droped", q->dropped);
  put_int(w, "lastLockTimestamp", wall_of(q->locked_ms, now));
  put_int(w, "lastPullTimestamp", wall_of(q->pulled_ms, now));
  put_bool(w, "locked", q->locked);
  json_close_object(w);
}

static void put_properties(struct json_writer *w, const struct consumer_push *p) {
  char number[24];
  snprintf(number, sizeof number, "%lld", (long long)p->started_wall_ms);
  json_open_object(w);
  put_text(w, "PROP_CLIENT_VERSION", "V4_7_0");
  put_text(w, "PROP_CONSUMEORDERLY", p->config.ordered ? "true" : "false");
  put_text(w, "PROP_CONSUMER_START_TIMESTAMP", number);
  put_text(w, "PROP_CONSUME_TYPE", consume_type_names[CONSUME_PASSIVELY]);
  put_text(w, "PROP_NAMESERVER_ADDR", name_servers_current(&p->client->name_servers));
  put_text(w, "consumerGroup", p->config.group);
  put_text(w, "messageModel", message_model_names[p->config.model]);
  json_close_object(w);
}

/* ConsumerRunningInfo; there are no Java threads to show, and rates are not kept. */
static void tell_running_info(struct consumer_push *p, const struct reply_to *to, struct moment now) {
  struct json_writer w;
  struct buf body;
  buf_init(&body, BODY_MAX);
  json_writer_init(&w, &body, false);
  json_open_object(&w);
  json_key(&w, "mqTable");
  json_open_inline_map(&w);
  for (const struct process_queue *q = p->queues; q != NULL; q = q->next) {
    put_queue(&w, q);
    put_queue_info(&w, q, now);
  }
  json_close_object(&w);
  json_key(&w, "properties");
  put_properties(&w, p);
  json_key(&w, "statusTable");
  json_open_object(&w);
  json_close_object(&w);
  json_key(&w, "subscriptionSet");
  json_open_array(&w);
  for (const struct subscription *s = p->subscriptions.first; s != NULL; s = s->next)
    subscription_data_write(&w, &s->data);
  json_close_array(&w);
  json_close_object(&w);
  answer_body(p->client, to, &body);
  buf_fini(&body);
}

/* ---- 309 ---- */

struct direct {
  struct reply_to to;
  int64_t begun_ms;
};

static enum status consume_directly(struct consumer_push *p, const struct reply_to *to, const struct command *cmd,
                                    struct moment now) {
  struct broker *broker = broker_get(&p->client->routes, command_ext(cmd, "brokerName"));
  struct delivery *d = broker == NULL ? NULL : push_delivery_take(p);
  struct consume_task *task = calloc(1, sizeof *task + sizeof task->messages[0]);
  struct direct *direct = calloc(1, sizeof *direct);
  enum status status = d == NULL || task == NULL || direct == NULL ? STATUS_NO_MEMORY : STATUS_OK;
  if (broker == NULL) status = STATUS_NOT_FOUND;
  if (status == STATUS_OK) status = delivery_fill(d, cmd->body, NULL, broker->name);
  if (status == STATUS_OK && d->count != 1) status = STATUS_INVALID;
  if (status != STATUS_OK) {
    if (d != NULL) push_delivery_give(p, d);
    free(task);
    free(direct);
    return status;
  }
  *direct = (struct direct){*to, now.mono_ms};
  task->consumer = p;
  task->direct = direct;
  consume_task_add(task, &d->items[0]);
  consume_submit(task, 1);
  return STATUS_OK;
}

/* ConsumeMessageDirectlyResult. */
void push_direct_finish(struct consume_task *task, struct moment now) {
  struct consumer_push *p = task->consumer;
  struct direct *direct = task->direct;
  struct json_writer w;
  struct buf body;
  buf_init(&body, BODY_MAX);
  json_writer_init(&w, &body, false);
  json_open_object(&w);
  put_bool(&w, "autoCommit", true);
  put_text(&w, "consumeResult", task->outcome == CONSUME_OK ? "CR_SUCCESS" : "CR_LATER");
  put_bool(&w, "order", p->config.ordered);
  put_int(&w, "spentTimeMills", now.mono_ms - direct->begun_ms);
  json_close_object(&w);
  if (task->outcome == CONSUME_ABANDONED)
    remoting_reply_error(p->client->remoting, &direct->to, RESPONSE_SYSTEM_ERROR, "the consumer is being stopped");
  else answer_body(p->client, &direct->to, &body);
  buf_fini(&body);
  task->messages[0]->task = NULL;
  push_unref(p, task->messages[0]);
  free(direct);
  free(task);
}

/* ---- the door ---- */

bool push_asked(struct member *m, const struct reply_to *to, const struct command *cmd, struct moment now) {
  struct consumer_push *p = (struct consumer_push *)m;
  switch (cmd->code) {
  case REQUEST_RESET_CONSUMER_CLIENT_OFFSET:
    if (p->running) reset(p, cmd, now);
    return true; /* one-way: nobody waits */
  case REQUEST_GET_CONSUMER_STATUS_FROM_CLIENT:
    tell_status(p, to, cmd);
    return true;
  case REQUEST_GET_CONSUMER_RUNNING_INFO:
    tell_running_info(p, to, now);
    return true;
  case REQUEST_CONSUME_MESSAGE_DIRECTLY: {
    enum status status = p->running ? consume_directly(p, to, cmd, now) : STATUS_SHUTDOWN;
    if (status != STATUS_OK)
      remoting_reply_error(p->client->remoting, to, RESPONSE_SYSTEM_ERROR, "the message cannot be consumed: %s",
                           status_text(status));
    return true;
  }
  default:
    return false;
  }
}
