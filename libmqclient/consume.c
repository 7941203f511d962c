/* SPDX-License-Identifier: Apache-2.0
 *
 * consume: messages to the listener and what becomes of them. Agrees with
 * org.apache.rocketmq.client.impl.consumer.ConsumeMessageConcurrentlyService:
 * what failed goes back to the broker, which brings it again later; when the
 * broker does not take it, it is tried again here after 5 s.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "libmqclient/consumer_push.h"

#include <stdlib.h>

enum {
  RETRY_HERE_MS = 5000,
  EXPIRE_BATCH = 16,     /* of a queue and scan (ProcessQueue.cleanExpiredMsg) */
  EXPIRED_DELAY_LEVEL = 3
};

/* ---- tasks ---- */

struct consume_task *consume_task_take(struct process_queue *q) {
  struct consumer_push *p = q->consumer;
  struct consume_task *task = p->free_tasks;
  if (task != NULL)
    p->free_tasks = task->next;
  else if ((task = calloc(1, sizeof *task + (size_t)p->config.batch_max * sizeof task->messages[0])) == NULL)
    return NULL;
  task->consumer = p;
  task->queue = q;
  task->direct = NULL;
  task->next = NULL;
  task->count = 0;
  task->started_ms = 0;
  q->tasks++;
  return task;
}

/* The messages must have been let go. The queue may be gone afterwards. */
void consume_task_give(struct consume_task *task, struct moment now) {
  struct consumer_push *p = task->consumer;
  struct process_queue *q = task->queue;
  (void)now;
  job_remove(p->client, &task->retry);
  task->next = p->free_tasks;
  p->free_tasks = task;
  q->tasks--;
  push_queue_maybe_free(q);
}

void consume_submit(struct consume_task *task, size_t count) {
  struct consumer_push *p = task->consumer;
  p->busy += count;
  p->listener.submit(p->listener.context, task, count);
}

void consume_less_busy(struct consumer_push *p, struct moment now) {
  if (--p->busy > 0 || p->drained == NULL) return;
  void (*drained)(struct consumer_push *p, struct moment now) = p->drained;
  p->drained = NULL;
  drained(p, now);
}

void consume_task_add(struct consume_task *task, struct received *m) {
  /* MessageExt.resetRetryAndNamespace: the listener sees the topic it subscribed. */
  if (strncmp(m->message.topic, "%RETRY%", 7) == 0) {
    const char *real = message_property(&m->message, "RETRY_TOPIC");
    if (real != NULL) m->message.topic = real;
  }
  task->messages[task->count++] = m;
  m->task = task;
  m->refs++;
}

void consume_new(struct process_queue *q, struct delivery *d, struct moment now) {
  struct consumer_push *p = q->consumer;
  process_queue_add(q, d);
  if (p->config.ordered) {
    ordered_run(q, now);
    return;
  }
  struct consume_task *first = NULL, **end = &first;
  size_t tasks = 0;
  for (size_t i = 0; i < d->count; i++) {
    bool fresh = *end == NULL || (*end)->count == (size_t)p->config.batch_max;
    if (fresh && *end != NULL) end = &(*end)->next;
    if (fresh && (*end = consume_task_take(q)) == NULL) {
      /* The message stays unconsumed in the queue; the consumer's next start brings it again. */
      log_error(p->client->log, "out of memory: messages of topic %s queue %d wait", q->route->topic, q->id);
      break;
    }
    tasks += fresh;
    consume_task_add(*end, &d->items[i]);
  }
  if (first != NULL) consume_submit(first, tasks);
}

void consume_progress(struct process_queue *q, struct moment now) {
  if (q->dropped) return;
  push_commit(q, process_queue_progress(q));
  push_pull_room(q, now);
}

/* ---- back to the broker ---- */

struct send_back {
  struct call call;
  struct send_back *next;
  struct process_queue *queue;
  struct received *message;
  send_back_done done;
};

static struct send_back *back_take(struct consumer_push *p) {
  struct send_back *b = p->free_backs;
  if (b != NULL)
    p->free_backs = b->next;
  else
    b = calloc(1, sizeof *b);
  return b;
}

/* One reference to the message and one count of the queue's tasks end here. */
static void back_over(struct send_back *b, bool taken, struct moment now) {
  struct process_queue *q = b->queue;
  struct consumer_push *p = q->consumer;
  b->done(q, b->message, taken, now);
  push_unref(p, b->message);
  b->next = p->free_backs;
  p->free_backs = b;
  consume_progress(q, now);
  q->tasks--;
  push_queue_maybe_free(q);
  consume_less_busy(p, now);
}

static void on_back(struct call *call, enum status status, const struct command *reply, struct moment now) {
  struct send_back *b = (struct send_back *)call;
  bool taken = status == STATUS_OK && reply->code == RESPONSE_SUCCESS;
  struct client *c = b->queue->consumer->client;
  if (status != STATUS_OK)
    log_warn(c->log, "%s did not take a message back: %s", b->queue->broker->name, status_text(status));
  else if (!taken)
    log_warn(c->log, "%s did not take a message back: %.*s", b->queue->broker->name, SPAN_ARG(reply->remark));
  back_over(b, taken, now);
}

static enum status back_send(struct send_back *b, int delay_level, struct moment now) {
  struct consumer_push *p = b->queue->consumer;
  const struct mq_message *m = &b->message->message;
  const struct server *s = broker_master(b->queue->broker);
  if (s == NULL) return STATUS_UNREACHABLE;
  char id[MESSAGE_ID_MAX];
  const char *unique = message_property(m, "UNIQ_KEY");
  if (unique == NULL) {
    message_id_text(&m->store_host, m->physical_offset, id);
    unique = id;
  }
  struct consumer_send_msg_back_request f = {0};
  HEADER_SET(consumer_send_msg_back_request, &f, offset, m->physical_offset);
  HEADER_SET(consumer_send_msg_back_request, &f, group, span_text(p->config.group));
  HEADER_SET(consumer_send_msg_back_request, &f, delayLevel, delay_level);
  HEADER_SET(consumer_send_msg_back_request, &f, originMsgId, span_text(unique));
  HEADER_SET(consumer_send_msg_back_request, &f, originTopic, span_text(m->topic));
  HEADER_SET(consumer_send_msg_back_request, &f, unitMode, false);
  HEADER_SET(consumer_send_msg_back_request, &f, maxReconsumeTimes, push_retries_max(p));
  struct request_out request = {
      .code = REQUEST_CONSUMER_SEND_MSG_BACK, .header = &consumer_send_msg_back_request_header, .fields = &f};
  b->call.done = on_back;
  return remoting_call(p->client->remoting, s->addr, &request, SEND_BACK_TIMEOUT_MS, &b->call, now);
}

void consume_send_back(struct process_queue *q, struct received *m, int delay_level, send_back_done done,
                       struct moment now) {
  struct consumer_push *p = q->consumer;
  struct send_back *b = back_take(p);
  if (b == NULL) {
    done(q, m, false, now);
    return;
  }
  *b = (struct send_back){.queue = q, .message = m, .done = done};
  m->refs++;
  q->tasks++;
  p->busy++;
  if (back_send(b, delay_level, now) != STATUS_OK) back_over(b, false, now);
}

/* ---- tried again here ---- */

static void unlink_retry(struct consume_task *task) {
  for (struct consume_task **at = &task->consumer->retrying; *at != NULL; at = &(*at)->next)
    if (*at == task) {
      *at = task->next;
      task->next = NULL;
      return;
    }
}

static void run_retry(struct job *job, struct moment now) {
  struct consume_task *task = (struct consume_task *)((char *)job - offsetof(struct consume_task, retry));
  unlink_retry(task);
  if (task->queue->dropped) {
    push_unref(task->consumer, task->messages[0]);
    consume_task_give(task, now);
    return;
  }
  consume_submit(task, 1);
}

static void retry_here(struct process_queue *q, struct received *m, struct moment now) {
  struct consumer_push *p = q->consumer;
  if (q->dropped || !p->running || m->next == NULL) return;
  struct consume_task *task = consume_task_take(q);
  if (task == NULL) return; /* it stays unconsumed, so it is not lost */
  m->message.reconsume_times++;
  consume_task_add(task, m);
  if (job_add(p->client, &task->retry, run_retry) == STATUS_OK) {
    job_at(p->client, &task->retry, now.mono_ms + RETRY_HERE_MS);
    task->next = p->retrying;
    p->retrying = task;
  } else {
    consume_submit(task, 1);
  }
}

void consume_cancel_retries(struct consumer_push *p, struct moment now) {
  while (p->retrying != NULL) {
    struct consume_task *task = p->retrying;
    unlink_retry(task);
    task->messages[0]->task = NULL;
    push_unref(p, task->messages[0]);
    consume_task_give(task, now);
  }
}

/* ---- results ---- */

static void let_go(struct process_queue *q, struct received *m) {
  if (process_queue_remove(q, m)) push_unref(q->consumer, m);
}

static void back_of_failed(struct process_queue *q, struct received *m, bool taken, struct moment now) {
  if (taken)
    let_go(q, m);
  else
    retry_here(q, m, now);
}

static void finish_message(struct consume_task *task, struct received *m, struct moment now) {
  struct process_queue *q = task->queue;
  struct consumer_push *p = task->consumer;
  m->task = NULL;
  if (q->dropped || task->outcome == CONSUME_ABANDONED || m->next == NULL) {
    /* Not ours any more, or not consumed, or sent back while the listener was at it. */
  } else if (task->outcome == CONSUME_OK) {
    let_go(q, m);
  } else if (!push_is_clustering(p)) {
    log_warn(p->client->log, "broadcasting: a message of topic %s queue %d failed and is dropped", q->route->topic,
             q->id);
    let_go(q, m);
  } else {
    consume_send_back(q, m, 0, back_of_failed, now);
  }
  push_unref(p, m);
}

void consumer_push_finish(struct consume_task *task, struct moment now) {
  struct consumer_push *p = task->consumer;
  if (task->direct != NULL) {
    push_direct_finish(task, now);
  } else if (p->config.ordered) {
    ordered_finish(task, now);
  } else {
    for (size_t i = 0; i < task->count; i++) finish_message(task, task->messages[i], now);
    consume_progress(task->queue, now);
    consume_task_give(task, now);
  }
  consume_less_busy(p, now);
}

/* ---- messages whose listener does not come back ---- */

static void back_of_expired(struct process_queue *q, struct received *m, bool taken, struct moment now) {
  (void)now;
  if (taken) let_go(q, m);
}

static void expire_queue(struct process_queue *q, struct moment now) {
  struct consumer_push *p = q->consumer;
  struct received *m = q->messages.next;
  for (int i = 0; i < EXPIRE_BATCH && m != &q->messages; i++) {
    struct received *next = m->next;
    int64_t started_ms = m->task == NULL ? 0 : m->task->started_ms;
    if (started_ms == 0 || now.mono_ms - started_ms < p->config.consume_timeout_ms) return;
    log_warn(p->client->log, "a message of topic %s queue %d is consumed for too long and sent back", q->route->topic,
             q->id);
    m->task = NULL; /* sent back once; the task keeps its reference */
    consume_send_back(q, m, EXPIRED_DELAY_LEVEL, back_of_expired, now);
    m = next;
  }
}

void consume_expire(struct job *job, struct moment now) {
  struct consumer_push *p = (struct consumer_push *)((char *)job - offsetof(struct consumer_push, expire));
  job_at(p->client, job, now.mono_ms + p->config.consume_timeout_ms);
  if (!p->running) return;
  for (struct process_queue *q = p->queues; q != NULL; q = q->next)
    if (!q->dropped) expire_queue(q, now);
}

void consume_fini(struct consumer_push *p) {
  while (p->free_tasks != NULL) {
    struct consume_task *next = p->free_tasks->next;
    free(p->free_tasks);
    p->free_tasks = next;
  }
  while (p->free_backs != NULL) {
    struct send_back *next = p->free_backs->next;
    free(p->free_backs);
    p->free_backs = next;
  }
}
