/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/consumer_push.h"

#include <stdio.h>
#include <stdlib.h>

enum {
  RETRY_ROUTE_MS = 1000,   /* when the broker has surely told the name server of a new %RETRY% topic */
  LOCK_INTERVAL_MS = 20000, /* rocketmq.client.rebalance.lockInterval */
  DELIVERY_KEPT_MAX = 4 << 20
};

void push_config_default(struct push_config *c) {
  *c = (struct push_config){.model = MODEL_CLUSTERING,
                            .from = CONSUME_FROM_LAST_OFFSET,
                            .batch_max = 1,
                            .pull_batch = 32,
                            .pull_error_ms = 1000,
                            .queue_messages_max = 1000,
                            .queue_mib_max = 100,
                            .topic_messages_max = -1,
                            .topic_mib_max = -1,
                            .span_max = 2000,
                            .retries_max = -1,
                            .suspend_queue_ms = 1000,
                            .consume_timeout_ms = 15 * 60 * 1000};
}

int push_retries_max(const struct consumer_push *p) {
  if (p->config.retries_max >= 0) return p->config.retries_max;
  return p->config.ordered ? INT32_MAX : 16;
}

/* ---- memory of deliveries ---- */

struct delivery *push_delivery_take(struct consumer_push *p) {
  struct delivery *d = p->free_deliveries;
  if (d != NULL) {
    p->free_deliveries = d->next;
  } else if ((d = malloc(sizeof *d)) != NULL) {
    delivery_init(d, DELIVERY_MAX);
  }
  return d;
}

void push_delivery_give(struct consumer_push *p, struct delivery *d) {
  if (d->bytes.cap + d->unpacked.cap > DELIVERY_KEPT_MAX) {
    delivery_fini(d);
    delivery_init(d, DELIVERY_MAX);
  }
  d->next = p->free_deliveries;
  p->free_deliveries = d;
}

void push_unref(struct consumer_push *p, struct received *m) {
  if (--m->refs > 0) return;
  if (--m->delivery->live == 0) push_delivery_give(p, m->delivery);
}

/* ---- queues ---- */

struct process_queue *push_queue_find(const struct consumer_push *p, const struct route *route,
                                      const struct queue_ref *ref) {
  for (struct process_queue *q = p->queues; q != NULL; q = q->next)
    if (q->route == route && q->broker == ref->broker && q->id == ref->id) return q;
  return NULL;
}

void push_queue_maybe_free(struct process_queue *q) {
  if (q->listed || q->tasks > 0) return;
  job_remove(q->consumer->client, &q->job);
  job_remove(q->consumer->client, &q->order_job);
  free(q);
}

static void unlist(struct process_queue *q) {
  for (struct process_queue **at = &q->consumer->queues; *at != NULL; at = &(*at)->next)
    if (*at == q) {
      *at = q->next;
      break;
    }
  q->listed = false;
}

/* Nothing of it goes on: no questions, no pulls, no messages but those with tasks. */
void push_queue_quiet(struct process_queue *q) {
  struct consumer_push *p = q->consumer;
  q->dropped = true;
  queue_query_cancel(&q->query);
  if (q->state == QUEUE_PULLING) {
    pull_cancel(&q->pull);
    push_delivery_give(p, q->pull.delivery);
  }
  job_at(p->client, &q->job, TIME_NEVER);
  job_at(p->client, &q->order_job, TIME_NEVER);
  while (q->messages.next != &q->messages) {
    struct received *m = q->messages.next;
    process_queue_remove(q, m);
    push_unref(p, m);
  }
}

void push_queue_drop(struct process_queue *q, struct moment now) {
  struct consumer_push *p = q->consumer;
  bool doomed = q->state == QUEUE_DOOMED;
  if (!doomed) {
    push_offset_save(q, now);
    push_queue_quiet(q);
  }
  if (p->config.ordered && push_is_clustering(p) && q->running == NULL) ordered_unlock(q, now);
  unlist(q);
  push_queue_maybe_free(q);
}

static void queue_job(struct job *job, struct moment now) {
  struct process_queue *q = (struct process_queue *)((char *)job - offsetof(struct process_queue, job));
  struct client *c = q->consumer->client;
  switch (q->state) {
  case QUEUE_LOCATING: push_locate(q, now); return;
  case QUEUE_FULL:
  case QUEUE_RESTING: push_pull(q, now); return;
  case QUEUE_DOOMED:
    push_queue_drop(q, now);
    client_rebalance_soon(c, now);
    return;
  case QUEUE_LOCKING:
  case QUEUE_PULLING: return;
  }
}

void push_queue_take(struct consumer_push *p, struct subscription *s, struct route *route, const struct queue_ref *ref,
                     struct moment now) {
  struct process_queue *q = calloc(1, sizeof *q);
  if (q == NULL) return; /* the next rebalance tries again */
  process_queue_init(q);
  q->consumer = p;
  q->subscription = s;
  q->route = route;
  q->broker = ref->broker;
  q->id = ref->id;
  if (job_add(p->client, &q->job, queue_job) != STATUS_OK ||
      job_add(p->client, &q->order_job, ordered_run_job) != STATUS_OK) {
    push_queue_maybe_free(q);
    return;
  }
  q->next = p->queues;
  p->queues = q;
  q->listed = true;
  log_info(p->client->log, "group %s takes queue %d of topic %s at %s", p->config.group, q->id, route->topic,
           q->broker->name);
  if (p->config.ordered && push_is_clustering(p))
    ordered_lock_queue(q, now);
  else
    push_locate(q, now);
}

/* ---- as a member of the client ---- */

static enum status describe(struct member *m, struct heartbeat *out, struct arena *arena) {
  struct consumer_push *p = (struct consumer_push *)m;
  struct consumer_data *data = &out->consumers[out->consumer_count++];
  *data = (struct consumer_data){.group = span_text(m->group),
                                 .consume_type = CONSUME_PASSIVELY,
                                 .message_model = p->config.model,
                                 .consume_from = p->config.from};
  return subscriptions_describe(&p->subscriptions, data, arena);
}

static void on_route_changed(struct member *m, struct route *route, struct moment now) {
  struct consumer_push *p = (struct consumer_push *)m;
  if (subscriptions_find(&p->subscriptions, route->topic) != NULL) client_rebalance_soon(p->client, now);
}

static void on_rebalance(struct member *m, struct moment now) { rebalance_all((struct consumer_push *)m, now); }
static void on_persist(struct member *m, struct moment now) { push_offsets_save((struct consumer_push *)m, now); }

static void on_greeted(struct member *m, struct moment now) {
  struct consumer_push *p = (struct consumer_push *)m;
  client_rebalance_soon(p->client, now);
  /* Our first heartbeat makes the broker create the group's retry topic. */
  if (push_is_clustering(p)) client_poll_within(p->client, RETRY_ROUTE_MS, now);
}

static const struct member_ops push_member_ops = {.describe = describe,
                                                  .route_changed = on_route_changed,
                                                  .rebalance = on_rebalance,
                                                  .persist = on_persist,
                                                  .greeted = on_greeted,
                                                  .asked = push_asked};

/* ---- life ---- */

enum status consumer_push_init(struct consumer_push *p, struct client *c, const struct push_config *config,
                               const struct push_listener *listener) {
  *p = (struct consumer_push){.client = c, .config = *config, .listener = *listener};
  p->config.group = strdup(config->group);
  p->config.offsets_path = config->offsets_path == NULL ? NULL : strdup(config->offsets_path);
  p->member = (struct member){.ops = &push_member_ops, .group = p->config.group, .consumer = true};
  if (p->config.group != NULL && (config->offsets_path == NULL || p->config.offsets_path != NULL)) return STATUS_OK;
  free((char *)p->config.group);
  return STATUS_NO_MEMORY;
}

/* DefaultMQPushConsumerImpl.copySubscription: a clustering group reads its own retry topic. */
static enum status add_retry_topic(struct consumer_push *p, struct moment now) {
  char topic[512];
  struct mq_error error;
  if (!push_is_clustering(p)) return STATUS_OK;
  if (snprintf(topic, sizeof topic, "%%RETRY%%%s", p->config.group) >= (int)sizeof topic) return STATUS_INVALID;
  if (subscriptions_find(&p->subscriptions, topic) != NULL) return STATUS_OK;
  enum mq_result result = subscriptions_put(&p->subscriptions, topic, "*", false, now.wall_ms, &error);
  return result == MQ_OK ? STATUS_OK : result == MQ_NO_MEMORY ? STATUS_NO_MEMORY : STATUS_INVALID;
}

static enum status begin(struct consumer_push *p, struct moment now) {
  enum status status = add_retry_topic(p, now);
  if (status == STATUS_OK && !push_is_clustering(p))
    status = local_offsets_read(p->client->disk, p->config.offsets_path, &p->local);
  if (status == STATUS_OK) status = rebalance_init(p);
  if (status == STATUS_OK) status = job_add(p->client, &p->expire, consume_expire);
  if (status == STATUS_OK) status = job_add(p->client, &p->lock, ordered_lock_all);
  if (status != STATUS_OK) return status;
  for (const struct subscription *s = p->subscriptions.first; s != NULL; s = s->next) {
    struct route *r = route_get(&p->client->routes, span_text(s->topic));
    if (r == NULL) return STATUS_LIMIT;
    r->for_subscribe = true;
  }
  return client_add(p->client, &p->member, now);
}

static void undo(struct consumer_push *p) {
  job_remove(p->client, &p->expire);
  job_remove(p->client, &p->lock);
  rebalance_fini(p);
  local_offsets_fini(&p->local);
}

enum status consumer_push_start(struct consumer_push *p, struct moment now) {
  enum status status = begin(p, now);
  if (status != STATUS_OK) {
    undo(p);
    return status;
  }
  p->running = true;
  p->started_wall_ms = now.wall_ms;
  if (!p->config.ordered) job_at(p->client, &p->expire, now.mono_ms + p->config.consume_timeout_ms);
  if (p->config.ordered && push_is_clustering(p)) job_at(p->client, &p->lock, now.mono_ms + LOCK_INTERVAL_MS);
  for (const struct subscription *s = p->subscriptions.first; s != NULL; s = s->next)
    route_ask(route_get(&p->client->routes, span_text(s->topic)), now);
  client_rebalance_soon(p->client, now);
  return STATUS_OK;
}

void consumer_push_drain(struct consumer_push *p, void (*drained)(struct consumer_push *p, struct moment now),
                         struct moment now) {
  p->running = false;
  for (struct process_queue *q = p->queues; q != NULL; q = q->next) {
    if (q->state == QUEUE_PULLING) {
      pull_cancel(&q->pull);
      push_delivery_give(p, q->pull.delivery);
      q->state = QUEUE_RESTING;
    }
    queue_query_cancel(&q->query);
    job_at(p->client, &q->job, TIME_NEVER);
    job_at(p->client, &q->order_job, TIME_NEVER);
  }
  consume_cancel_retries(p, now);
  if (p->busy == 0)
    drained(p, now);
  else
    p->drained = drained;
}

void consumer_push_release(struct consumer_push *p, struct moment now) {
  p->drained = NULL;
  push_offsets_save(p, now);
  while (p->queues != NULL) push_queue_drop(p->queues, now);
}

void consumer_push_fini(struct consumer_push *p) {
  client_remove(p->client, &p->member);
  ordered_cancel(p);
  undo(p);
  consume_fini(p);
  subscriptions_fini(&p->subscriptions);
  while (p->free_deliveries != NULL) {
    struct delivery *d = p->free_deliveries;
    p->free_deliveries = d->next;
    delivery_fini(d);
    free(d);
  }
  free((char *)p->config.group);
  free((char *)p->config.offsets_path);
}

void consumer_push_suspend(struct consumer_push *p, bool suspended, struct moment now) {
  p->suspended = suspended;
  if (suspended || !p->running) return;
  for (struct process_queue *q = p->queues; q != NULL; q = q->next)
    if (q->state == QUEUE_RESTING || q->state == QUEUE_FULL) job_at(p->client, &q->job, now.mono_ms);
}
