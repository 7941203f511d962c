/* SPDX-License-Identifier: Apache-2.0
 *
 * ordered: one task per queue at a time, in the order of the queue, and only
 * while the broker has the queue locked for us. Agrees with
 * org.apache.rocketmq.client.impl.consumer.ConsumeMessageOrderlyService and
 * RebalanceImpl.lock, lockAll, unlock.
 */
#include "core/wire/codes.h"
#include "libmqclient/consumer_push.h"

#include <stdlib.h>

enum {
  LOCK_INTERVAL_MS = 20000, /* rocketmq.client.rebalance.lockInterval */
  LOCK_LIVE_MS = 30000      /* rocketmq.client.rebalance.lockMaxLiveTime */
};

/* ---- locks ---- */

struct lock_call {
  struct call call;
  struct consumer_push *consumer;
  struct broker *broker;
  struct process_queue *only; /* NULL: all queues of the broker */
  struct lock_call *next;
};

static bool concerns(const struct lock_call *l, const struct process_queue *q) {
  if (l->only != NULL) return l->only == q;
  return q->broker == l->broker && q->state != QUEUE_LOCKING && !q->dropped;
}

static void write_queue(struct json_writer *w, const struct process_queue *q) {
  struct message_queue mq = {span_text(q->route->topic), span_text(q->broker->name), q->id};
  message_queue_write(w, &mq);
}

static void write_body(struct buf *out, const struct consumer_push *p, const struct lock_call *l) {
  struct json_writer w;
  buf_clear(out);
  json_writer_init(&w, out, false);
  json_open_object(&w);
  json_key(&w, "clientId");
  json_put_text(&w, p->client->config.client_id);
  json_key(&w, "consumerGroup");
  json_put_text(&w, p->config.group);
  json_key(&w, "mqSet");
  json_open_array(&w);
  if (l->only != NULL) write_queue(&w, l->only); /* perhaps not in the list any more */
  for (const struct process_queue *q = p->queues; q != NULL && l->only == NULL; q = q->next)
    if (concerns(l, q)) write_queue(&w, q);
  json_close_array(&w);
  json_close_object(&w);
}

static bool named_in(const struct json *set, const struct process_queue *q) {
  for (const struct json *one = set == NULL ? NULL : set->children; one != NULL; one = one->next) {
    struct message_queue mq;
    message_queue_read(one, &mq);
    if (mq.queue_id == q->id && span_is(mq.topic, q->route->topic) && span_is(mq.broker_name, q->broker->name))
      return true;
  }
  return false;
}

static void take_lock(struct process_queue *q, bool locked, struct moment now) {
  if (!q->consumer->running) return;
  q->locked = locked;
  q->locked_ms = now.mono_ms;
  if (q->state != QUEUE_LOCKING) {
    if (locked) ordered_run(q, now);
    return;
  }
  if (locked)
    push_locate(q, now);
  else
    push_queue_drop(q, now); /* its last owner still has it; the next rebalance tries again */
}

static void unlink_call(struct lock_call *l) {
  for (struct lock_call **at = &l->consumer->lock_calls; *at != NULL; at = &(*at)->next)
    if (*at == l) {
      *at = l->next;
      return;
    }
}

static void on_locked(struct call *call, enum status status, const struct command *reply, struct moment now) {
  struct lock_call *l = (struct lock_call *)call;
  struct consumer_push *p = l->consumer;
  const struct json *set = NULL;
  bool answered = status == STATUS_OK && reply->code == RESPONSE_SUCCESS;
  if (answered) {
    struct json *root = NULL;
    arena_reset(&p->client->scratch);
    answered = json_parse(reply->body, &JSON_LIMITS_DEFAULT, &p->client->scratch, &root, NULL, NULL) == STATUS_OK;
    set = json_member(root, "lockOKMQSet");
  }
  if (!answered) log_warn(p->client->log, "%s did not lock queues: %s", l->broker->name, status_text(status));
  unlink_call(l);
  for (struct process_queue *q = p->queues, *next; q != NULL; q = next) {
    next = q->next;
    /* Without an answer what is held stays held until it expires. */
    if (concerns(l, q) && (answered || q->state == QUEUE_LOCKING)) take_lock(q, answered && named_in(set, q), now);
  }
  free(l);
}

static void lock(struct consumer_push *p, struct broker *broker, struct process_queue *only, struct moment now) {
  struct lock_call *l = calloc(1, sizeof *l);
  const struct server *s = broker_master(broker);
  enum status status = l == NULL ? STATUS_NO_MEMORY : s == NULL ? STATUS_NOT_FOUND : STATUS_OK;
  if (status == STATUS_OK) {
    *l = (struct lock_call){.call.done = on_locked, .consumer = p, .broker = broker, .only = only};
    write_body(&p->client->body, p, l);
    struct request_out request = {.code = REQUEST_LOCK_BATCH_MQ, .body = buf_span(&p->client->body)};
    status = remoting_call(p->client->remoting, s->addr, &request, LOCK_TIMEOUT_MS, &l->call, now);
  }
  if (status == STATUS_OK) {
    l->next = p->lock_calls;
    p->lock_calls = l;
    return;
  }
  free(l);
  if (only != NULL) push_queue_drop(only, now);
}

void ordered_lock_queue(struct process_queue *q, struct moment now) {
  q->state = QUEUE_LOCKING;
  lock(q->consumer, q->broker, q, now);
}

/* The first queue of a broker speaks for all of them. */
static bool is_first_of_broker(const struct consumer_push *p, const struct process_queue *q) {
  for (const struct process_queue *other = p->queues; other != q; other = other->next)
    if (other->broker == q->broker) return false;
  return true;
}

void ordered_lock_all(struct job *job, struct moment now) {
  struct consumer_push *p = (struct consumer_push *)((char *)job - offsetof(struct consumer_push, lock));
  job_at(p->client, job, now.mono_ms + LOCK_INTERVAL_MS);
  if (!p->running) return;
  for (struct process_queue *q = p->queues; q != NULL; q = q->next)
    if (is_first_of_broker(p, q)) lock(p, q->broker, NULL, now);
}

void ordered_unlock(struct process_queue *q, struct moment now) {
  struct consumer_push *p = q->consumer;
  /* A question about this queue alone must not outlive it. */
  for (struct lock_call *l = p->lock_calls, *next; l != NULL; l = next) {
    next = l->next;
    if (l->only != q) continue;
    call_cancel(p->client->remoting, &l->call);
    unlink_call(l);
    free(l);
  }
  const struct server *s = broker_master(q->broker);
  if (!q->locked || s == NULL) return;
  q->locked = false;
  struct lock_call only = {.only = q};
  write_body(&p->client->body, p, &only);
  struct request_out request = {.code = REQUEST_UNLOCK_BATCH_MQ, .body = buf_span(&p->client->body)};
  if (remoting_oneway(p->client->remoting, s->addr, &request, now) != STATUS_OK)
    log_info(p->client->log, "queue %d of topic %s stays locked until it expires", q->id, q->route->topic);
}

void ordered_cancel(struct consumer_push *p) {
  while (p->lock_calls != NULL) {
    struct lock_call *l = p->lock_calls;
    call_cancel(p->client->remoting, &l->call);
    p->lock_calls = l->next;
    free(l);
  }
}

/* ---- consumption ---- */

static bool may_run(const struct process_queue *q, struct moment now) {
  const struct consumer_push *p = q->consumer;
  if (q->dropped || !p->running || q->running != NULL || q->count == 0) return false;
  if (!push_is_clustering(p)) return true;
  return q->locked && now.mono_ms - q->locked_ms < LOCK_LIVE_MS;
}

void ordered_run(struct process_queue *q, struct moment now) {
  if (!may_run(q, now) || q->order_job.timer.due_ms != TIME_NEVER) return;
  struct consume_task *task = consume_task_take(q);
  if (task == NULL) {
    job_at(q->consumer->client, &q->order_job, now.mono_ms + q->consumer->config.suspend_queue_ms);
    return;
  }
  struct received *m = q->messages.next;
  for (; m != &q->messages && task->count < (size_t)q->consumer->config.batch_max; m = m->next)
    consume_task_add(task, m);
  q->running = task;
  consume_submit(task, 1);
}

void ordered_run_job(struct job *job, struct moment now) {
  ordered_run((struct process_queue *)((char *)job - offsetof(struct process_queue, order_job)), now);
}

static void back_of_dead(struct process_queue *q, struct received *m, bool taken, struct moment now) {
  if (taken && process_queue_remove(q, m)) push_unref(q->consumer, m);
  ordered_run(q, now);
}

/* ConsumeMessageOrderlyService.checkReconsumeTimes: too often, and it goes to the dead letters (level -1). */
static void fail(struct consume_task *task, struct moment now) {
  struct process_queue *q = task->queue;
  struct consumer_push *p = task->consumer;
  job_at(p->client, &q->order_job, now.mono_ms + p->config.suspend_queue_ms);
  for (size_t i = 0; i < task->count; i++) {
    struct received *m = task->messages[i];
    if (m->message.reconsume_times >= push_retries_max(p))
      consume_send_back(q, m, -1, back_of_dead, now);
    else
      m->message.reconsume_times++;
  }
}

void ordered_finish(struct consume_task *task, struct moment now) {
  struct process_queue *q = task->queue;
  struct consumer_push *p = task->consumer;
  q->running = NULL;
  if (task->outcome == CONSUME_OK) {
    for (size_t i = 0; i < task->count; i++)
      if (process_queue_remove(q, task->messages[i])) push_unref(p, task->messages[i]);
  } else if (task->outcome == CONSUME_FAILED && !q->dropped && p->running) {
    fail(task, now);
  }
  for (size_t i = 0; i < task->count; i++) {
    task->messages[i]->task = NULL;
    push_unref(p, task->messages[i]);
  }
  consume_progress(q, now);
  if (q->dropped && push_is_clustering(p)) ordered_unlock(q, now);
  ordered_run(q, now);
  consume_task_give(task, now);
}
