/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/producer.h"

#include "core/wire/codes.h"
#include "core/wire/message.h"
#include "tests/sim/tap.h"
#include "tests/sim/traffic.h"

#include <stdlib.h>

enum { NO_QUEUE_YET_MS = 200 };

struct slot {
  struct send_op op;
  struct producer_program *program;
  bool busy;
  size_t seq, count; /* the messages in it: seq, seq + 1, … */
  struct buf body;
};

struct producer_program {
  struct producer_traffic *traffic;
  struct machine *machine;
  struct tap tap;
  struct client *client;
  struct producer producer;
  struct job tick;
  struct slot slots[PRODUCER_DEPTH_MAX];
};

static void on_done(struct send_op *op, struct moment now) {
  struct slot *slot = (struct slot *)op;
  struct producer_traffic *t = slot->program->traffic;
  (void)now;
  if (!slot->busy) ledger_violation(t->ledger, "send of message %zu of producer %zu ended twice", slot->seq, t->number);
  slot->busy = false;
  if (op->error.result != MQ_OK) {
    sim_say(t->ledger->world, slot->program->machine->host, "message %zu failed: %s", slot->seq, op->error.text);
    bool illegal = op->error.broker_code == RESPONSE_MESSAGE_ILLEGAL && slot->count > 1;
    for (size_t i = 0; i < slot->count; i++) t->ledger->producers[t->number].sent[slot->seq + i].illegal = illegal;
    return;
  }
  sim_say(t->ledger->world, slot->program->machine->host, "message %zu is in %s queue %d offset %lld%s", slot->seq,
          op->broker->name, op->stored_queue, (long long)op->queue_offset,
          op->status == SEND_STORED ? "" : " (not promised)");
  for (size_t i = 0; op->status == SEND_STORED && i < slot->count; i++)
    ledger_acked(t->ledger, t->number, slot->seq + i, span_text(op->broker->name), op->stored_queue,
                 op->queue_offset + (int64_t)i);
}

/* An ordered producer stays with the first queue it ever saw. */
static bool choose_queue(struct producer_program *p) {
  struct producer_traffic *t = p->traffic;
  if (!t->ordered || t->broker[0] != '\0') return true;
  struct route *r = route_get(&p->client->routes, span_text(t->topic));
  if (r == NULL) return false;
  r->for_publish = true;
  if (r->publish_count == 0) return false;
  const struct queue_ref *q = &r->publish[t->number % r->publish_count];
  span_copy_text(span_text(q->broker->name), t->broker, sizeof t->broker);
  t->queue = q->id;
  return true;
}

/* One message, or a batch body. */
static void write_body(struct slot *slot) {
  struct producer_traffic *t = slot->program->traffic;
  struct prng *p = sim_chance(t->ledger->world);
  uint8_t body[LEDGER_BODY_MAX];
  bool batch = t->batches && prng_chance(p, 1, 4);
  slot->count = batch ? 1 + prng_below(p, PRODUCER_BATCH_MAX) : 1;
  slot->op.batch = batch;
  buf_clear(&slot->body);
  for (size_t i = 0; i < slot->count; i++) {
    size_t seq = ledger_next(t->ledger, t->number);
    if (i == 0) slot->seq = seq;
    struct batch_item item = {.body = span_of(body, ledger_body(t->ledger, t->number, seq, body)),
                              .properties = SPAN_LITERAL("")};
    if (batch) batch_item_encode(&item, &slot->body);
    else buf_put(&slot->body, item.body);
  }
}

static void send_one(struct producer_program *p, struct slot *slot, struct moment now) {
  struct producer_traffic *t = p->traffic;
  slot->busy = true;
  write_body(slot);
  slot->op = (struct send_op){.topic = span_text(t->topic),
                              .properties = SPAN_LITERAL(""),
                              .body = buf_span(&slot->body),
                              .batch = slot->op.batch,
                              .mode = SEND_SYNC,
                              .timeout_ms = t->timeout_ms,
                              .done = on_done};
  /* The route may not be known to a restarted client yet: then the op fails, and the next one tries. */
  if (t->ordered) {
    slot->op.broker_name = span_text(t->broker);
    slot->op.queue_id = t->queue;
  }
  producer_send(&p->producer, &slot->op, now);
}

static void on_tick(struct job *job, struct moment now) {
  struct producer_program *p = (struct producer_program *)((char *)job - offsetof(struct producer_program, tick));
  struct producer_traffic *t = p->traffic;
  uint64_t gap_ms = prng_below(sim_chance(t->ledger->world), (uint64_t)t->gap_ms * 2 + 1);
  job_at(p->client, job, now.mono_ms + 1 + (int64_t)gap_ms);
  if (t->budget == 0) return;
  if (!choose_queue(p)) {
    client_poll_soon(p->client, now);
    job_at(p->client, job, now.mono_ms + NO_QUEUE_YET_MS);
    return;
  }
  for (int i = 0; i < t->depth; i++) {
    if (p->slots[i].busy) continue;
    t->budget--;
    send_one(p, &p->slots[i], now);
    return;
  }
}

static struct node *producer_begin(struct machine *m, struct moment now) {
  struct producer_traffic *t = m->config;
  struct producer_program *p = calloc(1, sizeof *p);
  if (p == NULL) abort();
  p->traffic = t;
  p->machine = m;
  for (int i = 0; i < PRODUCER_DEPTH_MAX; i++) {
    p->slots[i].program = p;
    buf_init(&p->slots[i].body, LEDGER_BODY_MAX * PRODUCER_BATCH_MAX * 2);
  }
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
  struct producer_config producer = {.group = "producers", .retries_sync = 2, .retries_async = 2};
  if (producer_init(&p->producer, p->client, &producer, now) != STATUS_OK ||
      job_add(p->client, &p->tick, on_tick) != STATUS_OK)
    abort();
  job_at(p->client, &p->tick, now.mono_ms + 1);
  tap_set_node(&p->tap, &p->client->node);
  m->program = p;
  return &p->tap.node;
}

static void producer_end(struct machine *m, bool clean, struct moment now) {
  struct producer_program *p = m->program;
  (void)clean;
  for (int i = 0; i < PRODUCER_DEPTH_MAX; i++) {
    struct slot *slot = &p->slots[i];
    if (!slot->busy) continue; /* nobody will ever know what became of it */
    call_cancel(p->client->remoting, &slot->op.call);
    route_wait_cancel(&slot->op.waiter);
    job_remove(p->client, &slot->op.deadline);
  }
  job_remove(p->client, &p->tick);
  producer_fini(&p->producer);
  client_free(p->client, now);
  for (int i = 0; i < PRODUCER_DEPTH_MAX; i++) buf_fini(&p->slots[i].body);
  tap_fini(&p->tap);
  free(p);
}

const struct program_ops producer_ops = {.kind = "producer", .start = producer_begin, .stop = producer_end};
