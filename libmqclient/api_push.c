/* SPDX-License-Identifier: Apache-2.0
 *
 * The public push consumer: listeners run on threads of their own, everything
 * else on the loop's.
 */
#include "libmqclient/consumer_push.h"
#include "libmqclient/instance.h"
#include "mqclient/push_consumer.h"

#include <stdio.h>
#include <stdlib.h>

struct mq_push_consumer {
  mq_client *client;
  struct consumer_push core;
  struct worker_pool *pool;
  mq_message_listener listener;
  void *listener_context;
  bool ordered;
  bool started;
  atomic_bool stopping;
  struct stopping *stop; /* loop thread */
  struct freeing *freeing; /* loop thread */
  char *group;
  struct subscriptions subscriptions; /* until the start */
};

/* What a task carries through the threads. */
struct carrier {
  struct worker_job job;
  struct post post;
};
_Static_assert(sizeof(struct carrier) <= CONSUME_CARRIER_SIZE, "the carrier fits into a task");

static struct carrier *carrier_of(struct consume_task *task) { return (struct carrier *)(void *)task->carrier; }

static struct consume_task *task_of(struct carrier *carrier) {
  return (struct consume_task *)(void *)((char *)carrier - offsetof(struct consume_task, carrier));
}

/* ---- the way of a task ---- */

static void task_back(struct post *post, struct moment now) {
  struct carrier *carrier = (struct carrier *)(void *)((char *)post - offsetof(struct carrier, post));
  consumer_push_finish(task_of(carrier), now);
}

static void give_back(mq_push_consumer *p, struct consume_task *task, enum consume_outcome outcome) {
  task->outcome = outcome;
  carrier_of(task)->post.run = task_back;
  instance_post(p->client, &carrier_of(task)->post);
}

static void run_task(struct worker_job *job) {
  struct consume_task *task = task_of((struct carrier *)job);
  mq_push_consumer *p = (mq_push_consumer *)(void *)((char *)task->consumer - offsetof(mq_push_consumer, core));
  if (atomic_load(&p->stopping)) {
    give_back(p, task, CONSUME_ABANDONED);
    return;
  }
  atomic_store_explicit(&task->started_ms, uv_host_now(p->client->host).mono_ms, memory_order_relaxed);
  /* A received message begins with the handle. */
  const mq_message *const *messages = (const mq_message *const *)(void *)task->messages;
  enum mq_consume_result result = p->listener(p->listener_context, messages, task->count);
  give_back(p, task, result == MQ_CONSUME_SUCCESS ? CONSUME_OK : CONSUME_FAILED);
}

static void submit(void *context, struct consume_task *task, size_t count) {
  mq_push_consumer *p = context;
  for (size_t i = 0; i < count; i++) {
    struct consume_task *next = task->next;
    task->next = NULL;
    carrier_of(task)->job.fn = run_task;
    if (worker_pool_post(p->pool, &carrier_of(task)->job) != STATUS_OK) give_back(p, task, CONSUME_ABANDONED);
    task = next;
  }
}

/* ---- before the start ---- */

enum mq_result mq_push_consumer_new(mq_client *client, const char *group, mq_push_consumer **out,
                                    struct mq_error *error) {
  if (group_check(group, error) != MQ_OK) return MQ_INVALID;
  mq_push_consumer *p = calloc(1, sizeof *p);
  if (p != NULL) p->group = strdup(group);
  if (p == NULL || p->group == NULL) {
    free(p);
    return error_give(error, &(struct mq_error){.result = MQ_NO_MEMORY, .text = "out of memory"});
  }
  p->client = client;
  *out = p;
  return MQ_OK;
}

void mq_push_consumer_listen(mq_push_consumer *consumer, mq_message_listener listener, void *context) {
  consumer->listener = listener;
  consumer->listener_context = context;
  consumer->ordered = false;
}

void mq_push_consumer_listen_ordered(mq_push_consumer *consumer, mq_message_listener listener, void *context) {
  mq_push_consumer_listen(consumer, listener, context);
  consumer->ordered = true;
}

static enum mq_result subscribe(mq_push_consumer *p, const char *topic, const char *expression, bool sql,
                                struct mq_error *error) {
  struct mq_error e = {.result = MQ_OK};
  if (p->started)
    error_set(&e, MQ_INVALID, "subscriptions must be made before the start");
  else
    subscriptions_put(&p->subscriptions, topic == NULL ? "" : topic, expression, sql,
                      uv_host_now(p->client->host).wall_ms, &e);
  return error_give(error, &e);
}

enum mq_result mq_push_consumer_subscribe(mq_push_consumer *consumer, const char *topic, const char *expression,
                                          struct mq_error *error) {
  return subscribe(consumer, topic, expression, false, error);
}

enum mq_result mq_push_consumer_subscribe_sql(mq_push_consumer *consumer, const char *topic, const char *expression,
                                              struct mq_error *error) {
  return subscribe(consumer, topic, expression, true, error);
}

/* ---- starting ---- */

static int64_t begin_ms(const struct mq_config *s, struct moment now) {
  enum { HALF_AN_HOUR_MS = 30 * 60 * 1000 };
  return s->consumeTimestamp == NULL ? now.wall_ms - HALF_AN_HOUR_MS : settings_timestamp_ms(s->consumeTimestamp);
}

static void fill_config(const mq_push_consumer *p, struct push_config *c, const char *path) {
  const struct mq_config *s = p->client->settings;
  push_config_default(c);
  c->group = p->group;
  c->model = (enum message_model)s->messageModel;
  c->from = (enum consume_from)s->consumeFromWhere;
  c->from_ms = begin_ms(s, uv_host_now(p->client->host));
  c->ordered = p->ordered;
  c->batch_max = s->consumeMessageBatchMaxSize;
  c->pull_batch = s->pullBatchSize;
  c->pull_interval_ms = s->pullInterval;
  c->pull_error_ms = s->pullTimeDelayMillsWhenException;
  c->queue_messages_max = s->pullThresholdForQueue;
  c->queue_mib_max = s->pullThresholdSizeForQueue;
  c->topic_messages_max = s->pullThresholdForTopic;
  c->topic_mib_max = s->pullThresholdSizeForTopic;
  c->span_max = s->consumeConcurrentlyMaxSpan;
  c->retries_max = s->maxReconsumeTimes;
  c->suspend_queue_ms = s->suspendCurrentQueueTimeMillis;
  c->consume_timeout_ms = s->consumeTimeout > INT32_MAX / 60000 ? INT32_MAX : s->consumeTimeout * 60000;
  c->post_subscription = s->postSubscriptionWhenPull;
  c->offsets_path = c->model == MODEL_BROADCASTING ? path : NULL;
}

/* LocalFileOffsetStore: ROOT/CLIENTID/GROUP/offsets.json. */
static bool offsets_path(const mq_push_consumer *p, char out[DISK_PATH_MAX]) {
  const char *root = p->client->settings->localOffsetStoreDir, *home = getenv("HOME");
  int n = root != NULL ? snprintf(out, DISK_PATH_MAX, "%s/%s/%s/offsets.json", root, p->client->id, p->group)
                       : snprintf(out, DISK_PATH_MAX, "%s/.rocketmq_offsets/%s/%s/offsets.json",
                                  home == NULL ? "." : home, p->client->id, p->group);
  return n < DISK_PATH_MAX;
}

static enum mq_result check_start(const mq_push_consumer *p, struct mq_error *e) {
  if (p->started) return error_set(e, MQ_INVALID, "the consumer was started before");
  if (p->listener == NULL) return error_set(e, MQ_INVALID, "the consumer has no listener");
  if (p->subscriptions.count == 0) return error_set(e, MQ_INVALID, "the consumer has no subscription");
  const char *when = p->client->settings->consumeTimestamp;
  if (when != NULL && settings_timestamp_ms(when) < 0)
    return error_set(e, MQ_INVALID, "consumeTimestamp \"%s\" is not yyyyMMddHHmmss", when);
  return MQ_OK;
}

struct starting {
  struct waiting w; /* first */
  mq_push_consumer *consumer;
};

static void start_on_loop(struct post *post, struct moment now) {
  struct starting *s = (struct starting *)post;
  mq_push_consumer *p = s->consumer;
  enum status status = consumer_push_start(&p->core, now);
  if (status == STATUS_EXISTS)
    error_set(&s->w.error, MQ_EXISTS, "this client has a consumer of group %s already", p->group);
  else if (status == STATUS_NO_MEMORY)
    error_set(&s->w.error, MQ_NO_MEMORY, "out of memory");
  else if (status != STATUS_OK)
    error_set(&s->w.error, MQ_IO, "%s: %s",
              p->core.config.offsets_path == NULL ? p->group : p->core.config.offsets_path, status_text(status));
  latch_open(&s->w.latch);
}

static enum mq_result open_core(mq_push_consumer *p, struct mq_error *e) {
  char path[DISK_PATH_MAX];
  struct push_config config;
  struct push_listener listener = {submit, p};
  if (!offsets_path(p, path)) return error_set(e, MQ_INVALID, "the path of offsets.json is too long");
  fill_config(p, &config, path);
  p->pool = worker_pool_new((size_t)p->client->settings->consumeThreadMin);
  if (p->pool == NULL) return error_set(e, MQ_NO_MEMORY, "no threads for the listener");
  if (consumer_push_init(&p->core, p->client->core, &config, &listener) == STATUS_OK) {
    p->core.subscriptions = p->subscriptions;
    return MQ_OK;
  }
  (void)!worker_pool_stop(p->pool, -1);
  worker_pool_free(p->pool);
  return error_set(e, MQ_NO_MEMORY, "out of memory");
}

static void forget_core(struct post *post, struct moment now) {
  struct starting *s = (struct starting *)post;
  (void)now;
  consumer_push_fini(&s->consumer->core);
  latch_open(&s->w.latch);
}

enum mq_result mq_push_consumer_start(mq_push_consumer *consumer, struct mq_error *error) {
  struct mq_error e = {.result = MQ_OK};
  if (check_start(consumer, &e) != MQ_OK || open_core(consumer, &e) != MQ_OK) return error_give(error, &e);
  struct starting s = {.w.post.run = start_on_loop, .consumer = consumer};
  enum mq_result result = instance_wait(consumer->client, &s.w, error);
  consumer->started = result == MQ_OK;
  if (consumer->started) return MQ_OK;
  struct starting undo = {.w.post.run = forget_core, .consumer = consumer};
  consumer->subscriptions = (struct subscriptions){0};
  instance_wait(consumer->client, &undo.w, NULL);
  (void)!worker_pool_stop(consumer->pool, -1);
  worker_pool_free(consumer->pool);
  return result;
}

/* ---- stopping ---- */

struct stopping {
  struct waiting w; /* first */
  mq_push_consumer *consumer;
  int timeout_ms;
  int64_t due_ms;
  struct job deadline;
  struct farewell farewell;
};

static void farewell_said(struct farewell *f, struct moment now) {
  struct stopping *s = (struct stopping *)((char *)f - offsetof(struct stopping, farewell));
  (void)now;
  latch_open(&s->w.latch);
}

static void leave_group(struct stopping *s, struct moment now) {
  mq_push_consumer *p = s->consumer;
  job_remove(p->client->core, &s->deadline);
  p->stop = NULL;
  consumer_push_release(&p->core, now);
  s->farewell.done = farewell_said;
  int left_ms = s->due_ms > now.mono_ms ? (int)(s->due_ms - now.mono_ms) : 0;
  if (client_unregister(p->client->core, &p->core.member, &s->farewell, left_ms, now) != STATUS_OK)
    farewell_said(&s->farewell, now);
}

static void on_drained(struct consumer_push *core, struct moment now) {
  mq_push_consumer *p = (mq_push_consumer *)(void *)((char *)core - offsetof(mq_push_consumer, core));
  leave_group(p->stop, now);
}

static void stop_deadline(struct job *job, struct moment now) {
  struct stopping *s = (struct stopping *)((char *)job - offsetof(struct stopping, deadline));
  error_set(&s->w.error, MQ_TIMEOUT, "%zu listener calls were under way at the deadline", s->consumer->core.busy);
  leave_group(s, now);
}

static void stop_on_loop(struct post *post, struct moment now) {
  struct stopping *s = (struct stopping *)post;
  mq_push_consumer *p = s->consumer;
  s->due_ms = now.mono_ms + s->timeout_ms;
  p->stop = s;
  if (job_add(p->client->core, &s->deadline, stop_deadline) != STATUS_OK) {
    stop_deadline(&s->deadline, now);
    return;
  }
  job_at(p->client->core, &s->deadline, s->due_ms);
  consumer_push_drain(&p->core, on_drained, now);
}

enum mq_result mq_push_consumer_stop(mq_push_consumer *consumer, int timeout_ms, struct mq_error *error) {
  if (!instance_may_block(consumer->client, error)) return MQ_INVALID;
  if (!consumer->started || atomic_exchange(&consumer->stopping, true)) return MQ_OK;
  struct stopping s = {.w.post.run = stop_on_loop, .consumer = consumer, .timeout_ms = timeout_ms < 0 ? 0 : timeout_ms};
  return instance_wait(consumer->client, &s.w, error);
}

struct freeing {
  struct waiting w; /* first */
  mq_push_consumer *consumer;
};

static void nothing_out(struct consumer_push *core, struct moment now) {
  mq_push_consumer *p = (mq_push_consumer *)(void *)((char *)core - offsetof(mq_push_consumer, core));
  (void)now;
  struct freeing *f = p->freeing;
  consumer_push_fini(core);
  latch_open(&f->w.latch);
}

static void free_on_loop(struct post *post, struct moment now) {
  struct freeing *f = (struct freeing *)post;
  f->consumer->freeing = f;
  consumer_push_drain(&f->consumer->core, nothing_out, now);
}

void mq_push_consumer_free(mq_push_consumer *consumer) {
  if (consumer == NULL) return;
  if (mq_push_consumer_stop(consumer, 0, NULL) == MQ_INVALID) return; /* in a callback: better leaked */
  if (consumer->started) {
    (void)!worker_pool_stop(consumer->pool, -1);
    worker_pool_free(consumer->pool);
    struct freeing f = {.w.post.run = free_on_loop, .consumer = consumer};
    instance_wait(consumer->client, &f.w, NULL);
  } else {
    subscriptions_fini(&consumer->subscriptions);
  }
  free(consumer->group);
  free(consumer);
}

/* ---- pausing ---- */

struct pausing {
  struct waiting w; /* first */
  mq_push_consumer *consumer;
  bool suspended;
};

static void pause_on_loop(struct post *post, struct moment now) {
  struct pausing *s = (struct pausing *)post;
  consumer_push_suspend(&s->consumer->core, s->suspended, now);
  latch_open(&s->w.latch);
}

static void set_suspended(mq_push_consumer *p, bool suspended) {
  struct pausing s = {.w.post.run = pause_on_loop, .consumer = p, .suspended = suspended};
  if (p->started) instance_wait(p->client, &s.w, NULL);
}

void mq_push_consumer_suspend(mq_push_consumer *consumer) { set_suspended(consumer, true); }
void mq_push_consumer_resume(mq_push_consumer *consumer) { set_suspended(consumer, false); }
