/* SPDX-License-Identifier: Apache-2.0
 *
 * The public pull consumer.
 */
#include "libmqclient/consumer_pull.h"
#include "libmqclient/instance.h"
#include "libmqclient/pull.h"
#include "libmqclient/queue_query.h"
#include "mqclient/pull_consumer.h"

#include <stdlib.h>

struct mq_pull_consumer {
  mq_client *client;
  struct consumer_pull core;
  pthread_mutex_t lock;
  struct mq_pull_result *free;   /* under lock */
  struct mq_pull_result *all;    /* under lock */
  struct mq_pull_result *active; /* pulls under way; loop thread */
  bool closing;                  /* loop thread */
  atomic_bool stopping;
};

/* One pull from the request to the last look at its messages; pooled. */
struct mq_pull_result {
  struct post post; /* first */
  mq_pull_consumer *consumer;
  struct mq_pull_result *next_free, *next_all;
  struct mq_pull_result *next_active;
  struct pull_op op;
  struct delivery delivery;
  struct subscriptions filter; /* holds the one subscription of this pull */
  char broker_name[256];
  char topic[256];
  struct latch latch;
  bool blocking;
  mq_pull_callback callback;
  void *context;
};

/* ---- starting and stopping ---- */

struct starting {
  struct waiting w; /* first */
  mq_pull_consumer *consumer;
  const char *group;
};

static void start_on_loop(struct post *post, struct moment now) {
  struct starting *s = (struct starting *)post;
  mq_client *client = s->consumer->client;
  enum status status = consumer_pull_init(&s->consumer->core, client->core, s->group,
                                          (enum message_model)client->settings->messageModel, now);
  if (status == STATUS_EXISTS)
    error_set(&s->w.error, MQ_EXISTS, "this client has a consumer of group %s already", s->group);
  else if (status != STATUS_OK)
    error_set(&s->w.error, MQ_NO_MEMORY, "out of memory");
  latch_open(&s->w.latch);
}

enum mq_result mq_pull_consumer_start(mq_client *client, const char *group, mq_pull_consumer **out,
                                      struct mq_error *error) {
  if (group_check(group, error) != MQ_OK) return MQ_INVALID;
  mq_pull_consumer *p = calloc(1, sizeof *p);
  if (p == NULL) return error_give(error, &(struct mq_error){.result = MQ_NO_MEMORY, .text = "out of memory"});
  p->client = client;
  pthread_mutex_init(&p->lock, NULL);
  struct starting s = {.w.post.run = start_on_loop, .consumer = p, .group = group};
  enum mq_result result = instance_wait(client, &s.w, error);
  if (result == MQ_OK) {
    *out = p;
  } else {
    pthread_mutex_destroy(&p->lock);
    free(p);
  }
  return result;
}

struct stopping {
  struct waiting w; /* first */
  mq_pull_consumer *consumer;
  int timeout_ms;
  struct farewell farewell;
};

static void farewell_said(struct farewell *f, struct moment now) {
  struct stopping *s = (struct stopping *)((char *)f - offsetof(struct stopping, farewell));
  (void)now;
  consumer_pull_fini(&s->consumer->core);
  latch_open(&s->w.latch);
}

static void pull_done(struct pull_op *op, struct moment now);

static void stop_on_loop(struct post *post, struct moment now) {
  struct stopping *s = (struct stopping *)post;
  mq_pull_consumer *p = s->consumer;
  p->closing = true;
  while (p->active != NULL) {
    struct mq_pull_result *r = p->active;
    pull_cancel(&r->op);
    error_set(&r->op.error, MQ_STOPPED, "the consumer was stopped");
    pull_done(&r->op, now);
  }
  s->farewell.done = farewell_said;
  if (client_unregister(p->client->core, &p->core.member, &s->farewell, s->timeout_ms, now) != STATUS_OK)
    farewell_said(&s->farewell, now);
}

enum mq_result mq_pull_consumer_stop(mq_pull_consumer *consumer, int timeout_ms, struct mq_error *error) {
  if (!instance_may_block(consumer->client, error)) return MQ_INVALID;
  if (atomic_exchange(&consumer->stopping, true)) return MQ_OK;
  struct stopping s = {.w.post.run = stop_on_loop, .consumer = consumer, .timeout_ms = timeout_ms < 0 ? 0 : timeout_ms};
  return instance_wait(consumer->client, &s.w, error);
}

void mq_pull_consumer_free(mq_pull_consumer *consumer) {
  if (consumer == NULL) return;
  if (mq_pull_consumer_stop(consumer, 0, NULL) == MQ_INVALID) return; /* in a callback: better leaked */
  while (consumer->all != NULL) {
    struct mq_pull_result *r = consumer->all;
    consumer->all = r->next_all;
    delivery_fini(&r->delivery);
    subscriptions_fini(&r->filter);
    latch_fini(&r->latch);
    free(r);
  }
  pthread_mutex_destroy(&consumer->lock);
  free(consumer);
}

/* ---- questions ---- */

static enum mq_result need_topic(void *owner, const char *topic, struct moment now, struct mq_error *error) {
  return consumer_pull_need(&((mq_pull_consumer *)owner)->core, topic, now, error);
}

enum mq_result mq_pull_consumer_queues(mq_pull_consumer *consumer, const char *topic, mq_queue_list **out,
                                       struct mq_error *error) {
  return instance_queues(consumer->client, topic, false, need_topic, consumer, out, error);
}

/* A broker is known once a route named it. */
static const struct broker *broker_of(mq_pull_consumer *p, const char *name, struct mq_error *error) {
  struct broker *b = broker_get(&p->client->core->routes, span_text(name));
  if (b == NULL)
    error_set(error, MQ_NO_BROKER, "broker %s is not known; ask for the topic's queues first",
              name == NULL ? "(none)" : name);
  return b;
}

struct question {
  struct waiting w; /* first */
  mq_pull_consumer *consumer;
  const char *broker_name;
  struct queue_query query;
  bool commit;
};

static void question_answered(struct queue_query *q, struct moment now) {
  struct question *one = (struct question *)((char *)q - offsetof(struct question, query));
  (void)now;
  one->w.error = q->error;
  latch_open(&one->w.latch);
}

static void ask_on_loop(struct post *post, struct moment now) {
  struct question *one = (struct question *)post;
  mq_pull_consumer *p = one->consumer;
  struct queue_query *q = &one->query;
  q->client = p->client->core;
  q->group = p->core.member.group;
  q->timeout_ms = OFFSET_TIMEOUT_MS;
  q->done = question_answered;
  if (p->closing) {
    error_set(&one->w.error, MQ_STOPPED, "the consumer was stopped");
  } else if ((q->broker = broker_of(p, one->broker_name, &one->w.error)) != NULL && !one->commit) {
    if (queue_query_start(q, now) == MQ_OK) return;
    one->w.error = q->error;
  } else if (q->broker != NULL) {
    enum status status = consumer_pull_commit(&p->core, q->topic, q->broker, q->queue_id, q->argument, now);
    if (status != STATUS_OK) error_of_status(&one->w.error, status, q->broker->name);
  }
  latch_open(&one->w.latch);
}

static enum mq_result ask(mq_pull_consumer *p, enum queue_question question, const char *topic, struct mq_queue queue,
                          int64_t argument, int64_t *answer, struct mq_error *error) {
  struct question one = {
      .w.post.run = ask_on_loop,
      .consumer = p,
      .broker_name = queue.broker_name,
      .query = {.question = question, .topic = topic, .queue_id = queue.id, .argument = argument},
      .commit = answer == NULL};
  enum mq_result result = instance_wait(p->client, &one.w, error);
  if (result == MQ_OK && answer != NULL) *answer = one.query.answer;
  return result;
}

enum mq_result mq_pull_consumer_min_offset(mq_pull_consumer *consumer, const char *topic, struct mq_queue queue,
                                           int64_t *offset, struct mq_error *error) {
  return ask(consumer, QUEUE_MIN_OFFSET, topic, queue, 0, offset, error);
}

enum mq_result mq_pull_consumer_max_offset(mq_pull_consumer *consumer, const char *topic, struct mq_queue queue,
                                           int64_t *offset, struct mq_error *error) {
  return ask(consumer, QUEUE_MAX_OFFSET, topic, queue, 0, offset, error);
}

enum mq_result mq_pull_consumer_offset_at(mq_pull_consumer *consumer, const char *topic, struct mq_queue queue,
                                          int64_t when_ms, int64_t *offset, struct mq_error *error) {
  return ask(consumer, QUEUE_OFFSET_AT, topic, queue, when_ms, offset, error);
}

enum mq_result mq_pull_consumer_committed(mq_pull_consumer *consumer, const char *topic, struct mq_queue queue,
                                          int64_t *offset, struct mq_error *error) {
  return ask(consumer, QUEUE_COMMITTED, topic, queue, 0, offset, error);
}

enum mq_result mq_pull_consumer_commit(mq_pull_consumer *consumer, const char *topic, struct mq_queue queue,
                                       int64_t offset, struct mq_error *error) {
  return ask(consumer, QUEUE_COMMITTED, topic, queue, offset, NULL, error);
}

/* ---- pulling ---- */

static struct mq_pull_result *take_result(mq_pull_consumer *p) {
  pthread_mutex_lock(&p->lock);
  struct mq_pull_result *r = p->free;
  if (r != NULL) {
    p->free = r->next_free;
  } else if ((r = calloc(1, sizeof *r)) != NULL) {
    r->consumer = p;
    delivery_init(&r->delivery, DELIVERY_MAX);
    latch_init(&r->latch);
    r->next_all = p->all;
    p->all = r;
  }
  pthread_mutex_unlock(&p->lock);
  return r;
}

void mq_pull_result_free(mq_pull_result *result) {
  if (result == NULL) return;
  mq_pull_consumer *p = result->consumer;
  pthread_mutex_lock(&p->lock);
  result->next_free = p->free;
  p->free = result;
  pthread_mutex_unlock(&p->lock);
}

static void pull_done(struct pull_op *op, struct moment now) {
  struct mq_pull_result *r = (struct mq_pull_result *)((char *)op - offsetof(struct mq_pull_result, op));
  (void)now;
  for (struct mq_pull_result **at = &r->consumer->active; *at != NULL; at = &(*at)->next_active)
    if (*at == r) {
      *at = r->next_active;
      break;
    }
  if (r->blocking) {
    latch_open(&r->latch);
  } else if (op->error.result == MQ_OK) {
    r->callback(r->context, MQ_OK, r, &op->error);
  } else {
    struct mq_error error = op->error;
    mq_pull_callback callback = r->callback;
    void *context = r->context;
    mq_pull_result_free(r);
    callback(context, error.result, NULL, &error);
  }
}

static void pull_on_loop(struct post *post, struct moment now) {
  struct mq_pull_result *r = (struct mq_pull_result *)post;
  mq_pull_consumer *p = r->consumer;
  r->next_active = p->active;
  p->active = r;
  r->op.client = p->client->core;
  r->op.group = p->core.member.group;
  r->op.error.result = MQ_OK;
  if (p->closing)
    error_set(&r->op.error, MQ_STOPPED, "the consumer was stopped");
  else if (need_topic(p, r->topic, now, &r->op.error) == MQ_OK &&
           (r->op.broker = broker_of(p, r->broker_name, &r->op.error)) != NULL && pull_start(&r->op, now) == MQ_OK)
    return;
  pull_done(&r->op, now);
}

static enum mq_result prepare(mq_pull_consumer *p, const struct mq_pull_request *q, struct mq_pull_result **out,
                              struct mq_error *error) {
  struct mq_error e = {.result = MQ_OK};
  const struct mq_config *settings = p->client->settings;
  struct mq_pull_result *r = take_result(p);
  if (r == NULL) {
    error_set(&e, MQ_NO_MEMORY, "out of memory");
  } else if (!span_copy_text(span_text(q->queue.broker_name), r->broker_name, sizeof r->broker_name) ||
             !span_copy_text(span_text(q->topic), r->topic, sizeof r->topic) || q->max_messages < 1) {
    error_set(&e, MQ_INVALID, "topic or broker name too long, or max_messages below 1");
  } else {
    const char *expression = q->expression == NULL ? "*" : q->expression;
    struct subscription *old = subscriptions_find(&r->filter, r->topic);
    /* The same pull again is the usual case. */
    if (old == NULL || q->sql || !span_is(old->data.sub_string, expression)) {
      subscriptions_fini(&r->filter);
      subscriptions_put(&r->filter, r->topic, expression, q->sql, uv_host_now(p->client->host).wall_ms, &e);
    }
  }
  if (e.result != MQ_OK) {
    mq_pull_result_free(r);
    return error_give(error, &e);
  }
  r->post.run = pull_on_loop;
  r->delivery.count = 0;
  r->op = (struct pull_op){.topic = r->topic,
                           .subscription = &r->filter.first->data,
                           .queue_id = q->queue.id,
                           .offset = q->offset,
                           .max_messages = q->max_messages,
                           .sys_flag = PULL_SUBSCRIPTION | (q->wait ? PULL_SUSPEND : 0),
                           .suspend_ms = settings->brokerSuspendMaxTimeMillis,
                           .timeout_ms = q->wait ? settings->consumerTimeoutMillisWhenSuspend
                                                 : settings->consumerPullTimeoutMillis,
                           .delivery = &r->delivery,
                           .done = pull_done};
  *out = r;
  return MQ_OK;
}

enum mq_result mq_pull_consumer_pull(mq_pull_consumer *consumer, const struct mq_pull_request *request,
                                     mq_pull_result **out, struct mq_error *error) {
  if (!instance_may_block(consumer->client, error)) return MQ_INVALID;
  struct mq_pull_result *r;
  enum mq_result result = prepare(consumer, request, &r, error);
  if (result != MQ_OK) return result;
  r->blocking = true;
  r->latch.open = false;
  instance_post(consumer->client, &r->post);
  latch_wait(&r->latch, -1);
  result = error_give(error, &r->op.error);
  if (result == MQ_OK)
    *out = r;
  else
    mq_pull_result_free(r);
  return result;
}

enum mq_result mq_pull_consumer_pull_async(mq_pull_consumer *consumer, const struct mq_pull_request *request,
                                           mq_pull_callback callback, void *context, struct mq_error *error) {
  struct mq_pull_result *r;
  enum mq_result result = prepare(consumer, request, &r, error);
  if (result != MQ_OK) return result;
  r->blocking = false;
  r->callback = callback;
  r->context = context;
  instance_post(consumer->client, &r->post);
  return MQ_OK;
}

enum mq_pull_status mq_pull_result_status(const mq_pull_result *result) {
  /* FOUND, and no message passed the comparison of tags by text. */
  if (result->op.status == PULL_FOUND && result->delivery.count == 0) return MQ_PULL_NO_MATCH;
  return (enum mq_pull_status)result->op.status;
}
size_t mq_pull_result_count(const mq_pull_result *result) { return result->delivery.count; }
const mq_message *mq_pull_result_message(const mq_pull_result *result, size_t i) {
  return &result->delivery.items[i].message;
}
int64_t mq_pull_result_next_offset(const mq_pull_result *result) { return result->op.next_offset; }
int64_t mq_pull_result_min_offset(const mq_pull_result *result) { return result->op.min_offset; }
int64_t mq_pull_result_max_offset(const mq_pull_result *result) { return result->op.max_offset; }
