/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/client/rig.h"

#include <stdio.h>
#include <stdlib.h>

enum { NS_PORT = 9876, BROKER_PORT = 10911 };

struct rig *rig_new(bool one_broker) {
  struct rig *r = calloc(1, sizeof *r);
  r->world = sim_world_new(7);
  r->ns_host = sim_host_new(r->world, "ns");
  fake_init(&r->ns, sim_host_net(r->ns_host), sim_host_log(r->ns_host), "ns", sim_host_ip(r->ns_host), NS_PORT);
  sim_attach(r->ns_host, &r->ns.node);
  for (int i = 0; i < 2; i++) {
    struct sim_host *host = r->broker_hosts[i] = sim_host_new(r->world, i == 0 ? "a" : "b");
    fake_init(&r->brokers[i], sim_host_net(host), sim_host_log(host), i == 0 ? "broker-a" : "broker-b",
              sim_host_ip(host), BROKER_PORT);
    sim_attach(host, &r->brokers[i].node);
    r->ns.brokers[i] = &r->brokers[i];
  }
  r->ns.broker_count = one_broker ? 1 : 2;
  fake_add_topic(&r->ns, "T");
  fake_add_topic(&r->ns, "TBW102");
  fake_add_topic(&r->ns, "%RETRY%G");
  return r;
}

void rig_run(struct rig *r, int64_t ms) { sim_run_until(r->world, sim_now(r->world) + ms); }

static struct rig_client *client_with(struct rig *r, const char *name_servers, const char *secret, const char *token) {
  struct rig_client *c = &r->clients[r->client_count++];
  char name[32], servers[64], id[64];
  snprintf(name, sizeof name, "client%zu", r->client_count);
  snprintf(servers, sizeof servers, "%s:%d", sim_host_ip(r->ns_host), NS_PORT);
  c->rig = r;
  c->host = sim_host_new(r->world, name);
  snprintf(id, sizeof id, "%s@%zu", sim_host_ip(c->host), r->client_count);
  struct client_config config;
  client_config_default(&config);
  config.name_servers = name_servers == NULL ? servers : name_servers;
  config.client_id = id;
  config.access_key = secret == NULL ? NULL : "rigAccess";
  config.secret_key = secret;
  config.security_token = token;
  if (client_new(&config, sim_host_net(c->host), sim_host_disk(c->host), sim_host_log(c->host), r->client_count,
                 &c->client) != STATUS_OK ||
      client_start(c->client, sim_host_now(c->host)) != STATUS_OK)
    abort();
  sim_attach(c->host, &c->client->node);
  return c;
}

struct rig_client *rig_client(struct rig *r, const char *name_servers) { return client_with(r, name_servers, NULL, NULL); }

struct rig_client *rig_client_signing(struct rig *r, const char *security_token) {
  r->ns.secret = r->brokers[0].secret = r->brokers[1].secret = "rigSecret";
  return client_with(r, NULL, "rigSecret", security_token);
}

void rig_produce(struct rig_client *c, const struct producer_config *config) {
  struct producer_config standard = {.group = "P", .retries_sync = 2, .retries_async = 2};
  if (producer_init(&c->producer, c->client, config == NULL ? &standard : config, sim_host_now(c->host)) != STATUS_OK)
    abort();
  c->produces = true;
}

static void sent(struct send_op *op, struct moment now) {
  struct rig_send *s = (struct rig_send *)op;
  s->done = true;
  s->done_ms = now.mono_ms;
  if (op->broker != NULL) snprintf(s->broker, sizeof s->broker, "%s", op->broker->name);
}

struct rig_send *rig_send(struct rig_client *c, enum send_mode mode, const char *topic, const char *body) {
  struct rig_send *s = calloc(1, sizeof *s);
  snprintf(s->topic, sizeof s->topic, "%s", topic);
  snprintf(s->body, sizeof s->body, "%s", body);
  s->op.topic = span_text(s->topic);
  s->op.body = span_text(s->body);
  s->op.properties = SPAN_LITERAL("UNIQ_KEY\x01" "ABC\x02");
  s->op.mode = mode;
  s->op.timeout_ms = 3000;
  s->op.done = sent;
  producer_send(&c->producer, &s->op, sim_host_now(c->host));
  sim_poke(c->host);
  return s;
}

/* ---- the listener ---- */

struct call_end {
  struct rig_client *c;
  struct consume_task *task;
  bool failed;
};

static void call_over(void *context) {
  struct call_end *e = context;
  struct rig_client *c = e->c;
  c->running--;
  e->task->outcome = e->failed ? CONSUME_FAILED : CONSUME_OK;
  consumer_push_finish(e->task, sim_host_now(c->host));
  sim_poke(c->host);
  free(e);
}

static void note(struct rig_client *c, const struct mq_message *m) {
  struct rig_seen *s = &c->seen[c->seen_count++ % RIG_SEEN];
  snprintf(s->topic, sizeof s->topic, "%s", m->topic);
  snprintf(s->body, sizeof s->body, "%.*s", SPAN_ARG(m->body));
  s->queue = m->queue_id;
  s->reconsume_times = m->reconsume_times;
  s->offset = m->queue_offset;
  s->at_ms = sim_now(c->rig->world);
}

static void submit(void *context, struct consume_task *task, size_t count) {
  struct rig_client *c = context;
  for (size_t i = 0; i < count; i++) {
    struct consume_task *next = task->next;
    struct call_end *e = malloc(sizeof *e);
    *e = (struct call_end){c, task, false};
    task->started_ms = sim_host_now(c->host).mono_ms;
    for (size_t j = 0; j < task->count; j++) {
      const struct mq_message *m = &task->messages[j]->message;
      note(c, m);
      if (c->fail != NULL && span_is(m->body, c->fail) && c->failures != 0) {
        e->failed = true;
        if (c->failures > 0) c->failures--;
      }
    }
    if (++c->running > c->running_max) c->running_max = c->running;
    sim_at(c->rig->world, sim_now(c->rig->world) + 1 + c->delay_ms, call_over, e);
    task = next;
  }
}

void rig_consume(struct rig_client *c, const struct push_config *config, const char *topic, const char *expression) {
  struct push_config standard;
  push_config_default(&standard);
  standard.from = CONSUME_FROM_FIRST_OFFSET;
  if (config != NULL) standard = *config;
  standard.group = "G";
  struct push_listener listener = {submit, c};
  struct mq_error error;
  struct moment now = sim_host_now(c->host);
  if (consumer_push_init(&c->consumer, c->client, &standard, &listener) != STATUS_OK ||
      subscriptions_put(&c->consumer.subscriptions, topic, expression, false, now.wall_ms, &error) != MQ_OK ||
      consumer_push_start(&c->consumer, now) != STATUS_OK)
    abort();
  c->consumes = true;
  sim_poke(c->host);
}

static void farewell_said(struct farewell *f, struct moment now) {
  (void)now;
  free(f);
}

static void drained(struct consumer_push *p, struct moment now) {
  struct rig_client *c = (struct rig_client *)((char *)p - offsetof(struct rig_client, consumer));
  consumer_push_release(p, now);
  c->released = true;
  struct farewell *f = calloc(1, sizeof *f);
  f->done = farewell_said;
  if (client_unregister(c->client, &p->member, f, 1000, now) != STATUS_OK) abort();
}

void rig_stop_consumer(struct rig_client *c) {
  consumer_push_drain(&c->consumer, drained, sim_host_now(c->host));
  sim_poke(c->host);
  rig_run(c->rig, 2000);
  if (!c->released) abort();
  consumer_push_fini(&c->consumer);
  c->consumes = false;
}

size_t rig_seen(const struct rig_client *c, const char *body) {
  size_t n = 0;
  for (size_t i = 0; i < c->seen_count; i++) n += strcmp(c->seen[i].body, body) == 0;
  return n;
}

void rig_store(struct rig *r, int broker, const char *topic, int queue, const char *body, const char *tag) {
  fake_store(&r->brokers[broker], topic, queue, body, tag, sim_host_now(r->broker_hosts[broker]));
  sim_poke(r->broker_hosts[broker]);
}

void rig_free(struct rig *r) {
  for (size_t i = 0; i < r->client_count; i++) {
    struct rig_client *c = &r->clients[i];
    if (c->consumes) rig_stop_consumer(c);
    struct moment now = sim_host_now(c->host);
    if (c->produces) producer_fini(&c->producer);
    sim_stop(c->host, SIM_EXIT);
    client_free(c->client, now);
  }
  sim_stop(r->ns_host, SIM_EXIT);
  fake_fini(&r->ns, sim_host_now(r->ns_host));
  for (int i = 0; i < 2; i++) {
    if (sim_is_up(r->broker_hosts[i])) sim_stop(r->broker_hosts[i], SIM_EXIT);
    fake_fini(&r->brokers[i], sim_host_now(r->broker_hosts[i]));
  }
  sim_world_free(r->world);
  free(r);
}
