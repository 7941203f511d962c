/* SPDX-License-Identifier: Apache-2.0
 *
 * A consumer that reads every queue of its topic: where its group stopped,
 * says the broker; how far it has come, it tells the broker with each pull.
 */
#include "libmqclient/consumer_pull.h"
#include "libmqclient/pull.h"
#include "libmqclient/queue_query.h"
#include "tests/sim/tap.h"
#include "tests/sim/traffic.h"

#include <stdlib.h>

enum { QUEUES_MAX = 64, LOOK_MS = 500, RETRY_MS = 300, QUERY_TIMEOUT_MS = 3000, PULL_SLACK_MS = 5000, BATCH = 32,
       DELIVERY_LIMIT = 1 << 24 };

struct reader {
  struct consumer_program *program;
  struct broker *broker;
  int32_t queue;
  int64_t offset; /* -1: not known yet */
  struct queue_query query;
  struct pull_op pull;
  struct delivery delivery;
  struct job again;
  bool asking, pulling;
};

struct consumer_program {
  struct consumer_traffic *traffic;
  struct machine *machine;
  struct tap tap;
  struct client *client;
  struct consumer_pull consumer;
  struct job look;
  struct reader *readers[QUEUES_MAX];
  size_t reader_count;
};

static void reader_go(struct reader *r, struct moment now);

static void reader_later(struct reader *r, struct moment now) {
  job_at(r->program->client, &r->again, now.mono_ms + RETRY_MS);
}

static void on_again(struct job *job, struct moment now) {
  reader_go((struct reader *)((char *)job - offsetof(struct reader, again)), now);
}

/* ---- where to begin ---- */

static void on_offset(struct queue_query *q, struct moment now) {
  struct reader *r = (struct reader *)((char *)q - offsetof(struct reader, query));
  r->asking = false;
  if (q->error.result == MQ_OK) r->offset = q->answer < 0 ? 0 : q->answer;
  if (r->offset < 0)
    reader_later(r, now);
  else
    reader_go(r, now);
}

static void ask_offset(struct reader *r, struct moment now) {
  const struct consumer_traffic *t = r->program->traffic;
  r->query = (struct queue_query){.client = r->program->client,
                                  .question = QUEUE_COMMITTED,
                                  .topic = t->topic,
                                  .group = t->group_name,
                                  .broker = r->broker,
                                  .queue_id = r->queue,
                                  .timeout_ms = QUERY_TIMEOUT_MS,
                                  .done = on_offset};
  r->asking = queue_query_start(&r->query, now) == MQ_OK;
  if (!r->asking) reader_later(r, now);
}

/* ---- reading ---- */

static void take(struct reader *r) {
  struct ledger *l = r->program->traffic->ledger;
  for (size_t i = 0; i < r->delivery.count; i++) {
    const struct mq_message *m = &r->delivery.items[i].message;
    int64_t want = r->offset + (int64_t)i;
    if (m->queue_offset != want && r->pull.min_offset <= r->offset)
      ledger_violation(l, "%s queue %d: pulled from %lld, message %zu has offset %lld", r->broker->name, r->queue,
                       (long long)r->offset, i, (long long)m->queue_offset);
    ledger_seen(l, r->program->traffic->group, r->broker->name, m->queue_id, m->queue_offset, m->body);
  }
  sim_say(l->world, r->program->machine->host, "got %zu messages from %s queue %d offset %lld", r->delivery.count,
          r->broker->name, r->queue, (long long)r->offset);
}

static void on_pulled(struct pull_op *p, struct moment now) {
  struct reader *r = (struct reader *)((char *)p - offsetof(struct reader, pull));
  r->pulling = false;
  bool ok = p->error.result == MQ_OK;
  if (ok && p->status == PULL_FOUND) take(r);
  delivery_fini(&r->delivery);
  if (ok) r->offset = p->next_offset;
  if (ok)
    reader_go(r, now);
  else
    reader_later(r, now);
}

static void reader_go(struct reader *r, struct moment now) {
  struct consumer_program *p = r->program;
  const struct consumer_traffic *t = p->traffic;
  if (r->asking || r->pulling) return;
  if (r->offset < 0) {
    ask_offset(r, now);
    return;
  }
  delivery_init(&r->delivery, DELIVERY_LIMIT);
  int64_t suggested = r->pull.suggested_id;
  r->pull = (struct pull_op){.client = p->client,
                             .group = t->group_name,
                             .topic = t->topic,
                             .subscription = &subscriptions_find(&p->consumer.subscriptions, t->topic)->data,
                             .broker = r->broker,
                             .queue_id = r->queue,
                             .offset = r->offset,
                             .commit_offset = r->offset,
                             .max_messages = BATCH,
                             .sys_flag = PULL_COMMIT_OFFSET | PULL_SUSPEND | PULL_SUBSCRIPTION,
                             .suspend_ms = t->suspend_ms,
                             .timeout_ms = t->suspend_ms + PULL_SLACK_MS,
                             .delivery = &r->delivery,
                             .done = on_pulled,
                             .suggested_id = suggested};
  r->pulling = pull_start(&r->pull, now) == MQ_OK;
  if (r->pulling) return;
  delivery_fini(&r->delivery);
  reader_later(r, now);
}

/* ---- which queues ---- */

static bool has_reader(const struct consumer_program *p, const struct queue_ref *q) {
  for (size_t i = 0; i < p->reader_count; i++)
    if (p->readers[i]->broker == q->broker && p->readers[i]->queue == q->id) return true;
  return false;
}

static void add_reader(struct consumer_program *p, const struct queue_ref *q, struct moment now) {
  if (p->reader_count == QUEUES_MAX) abort();
  struct reader *r = calloc(1, sizeof *r);
  if (r == NULL || job_add(p->client, &r->again, on_again) != STATUS_OK) abort();
  r->program = p;
  r->broker = q->broker;
  r->queue = q->id;
  r->offset = -1;
  p->readers[p->reader_count++] = r;
  reader_go(r, now);
}

static void on_look(struct job *job, struct moment now) {
  struct consumer_program *p = (struct consumer_program *)((char *)job - offsetof(struct consumer_program, look));
  struct mq_error error;
  job_at(p->client, job, now.mono_ms + LOOK_MS);
  if (consumer_pull_need(&p->consumer, p->traffic->topic, now, &error) != MQ_OK) return;
  const struct route *route = route_get(&p->client->routes, span_text(p->traffic->topic));
  if (route->subscribe_count == 0) client_poll_soon(p->client, now);
  for (size_t i = 0; i < route->subscribe_count; i++)
    if (!has_reader(p, &route->subscribe[i])) add_reader(p, &route->subscribe[i], now);
}

static struct node *consumer_begin(struct machine *m, struct moment now) {
  struct consumer_traffic *t = m->config;
  struct consumer_program *p = calloc(1, sizeof *p);
  if (p == NULL) abort();
  p->traffic = t;
  p->machine = m;
  struct client_config config;
  client_config_default(&config);
  config.name_servers = t->name_servers;
  config.client_id = sim_host_name(m->host);
  config.serialize = t->serialize;
  tap_init(&p->tap, sim_host_net(m->host), t->ledger, sim_host_name(m->host));
  uint64_t seed = machine_seed(m);
  if (client_new(&config, &p->tap.net, sim_host_disk(m->host), sim_host_log(m->host), seed, &p->client) != STATUS_OK ||
      client_start(p->client, now) != STATUS_OK)
    abort();
  if (consumer_pull_init(&p->consumer, p->client, t->group_name, MODEL_CLUSTERING, now) != STATUS_OK ||
      job_add(p->client, &p->look, on_look) != STATUS_OK)
    abort();
  job_at(p->client, &p->look, now.mono_ms + 1);
  tap_set_node(&p->tap, &p->client->node);
  m->program = p;
  return &p->tap.node;
}

static void consumer_end(struct machine *m, bool clean, struct moment now) {
  struct consumer_program *p = m->program;
  (void)clean;
  for (size_t i = 0; i < p->reader_count; i++) {
    struct reader *r = p->readers[i];
    if (r->asking) queue_query_cancel(&r->query);
    if (r->pulling) {
      pull_cancel(&r->pull);
      delivery_fini(&r->delivery);
    }
    job_remove(p->client, &r->again);
    free(r);
  }
  job_remove(p->client, &p->look);
  consumer_pull_fini(&p->consumer);
  client_free(p->client, now);
  tap_fini(&p->tap);
  free(p);
}

const struct program_ops consumer_ops = {.kind = "consumer", .start = consumer_begin, .stop = consumer_end};
