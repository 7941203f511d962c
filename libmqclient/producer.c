/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/producer.h"

#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "core/wire/message.h"

#include <stdlib.h>

static enum status describe(struct member *m, struct heartbeat *out, struct arena *arena) {
  (void)arena;
  out->producer_groups[out->producer_count++] = span_text(m->group);
  return STATUS_OK;
}

static void asked(struct member *m, const struct transaction_question *question, struct moment now) {
  struct producer *p = (struct producer *)((char *)m - offsetof(struct producer, member));
  if (p->config.asked != NULL) p->config.asked(p->config.owner, question, now);
}

static const struct member_ops producer_member_ops = {.describe = describe, .asked = asked};

/* Who may be asked must be known to the brokers before it sends anything: perhaps it only came back to answer. They are
 * found by the default topic (DefaultMQProducerImpl.start, topicPublishInfoTable). */
static void meet_brokers(struct client *c, struct moment now) {
  struct route *r = route_get(&c->routes, span_text(c->config.create_topic_key));
  if (r == NULL) return;
  r->for_publish = true;
  if (r->publish_count == 0) route_ask(r, now);
}

enum status producer_init(struct producer *p, struct client *c, const struct producer_config *config,
                          struct moment now) {
  *p = (struct producer){.client = c, .config = *config};
  p->member = (struct member){.ops = &producer_member_ops, .group = strdup(config->group)};
  p->config.group = p->member.group;
  if (p->config.group == NULL) return STATUS_NO_MEMORY;
  enum status status = client_add(c, &p->member, now);
  if (status != STATUS_OK) free((char *)p->config.group);
  else if (config->asked != NULL) meet_brokers(c, now);
  return status;
}

void producer_fini(struct producer *p) {
  client_remove(p->client, &p->member);
  free((char *)p->config.group);
}

static void finish(struct send_op *op, struct moment now) {
  route_wait_cancel(&op->waiter);
  job_remove(op->producer->client, &op->deadline);
  op->producer->pending--;
  op->done(op, now);
}

/* ---- trying ---- */

static void try_send(struct send_op *op, struct moment now);

static bool retries_left(const struct send_op *op) {
  const struct producer_config *config = &op->producer->config;
  if (op->mode == SEND_ONEWAY) return false;
  if (op->mode == SEND_ASYNC) return op->tries <= config->retries_async;
  /* A sync send to a named queue is tried once (DefaultMQProducerImpl.send(msg, mq)), an async one again there. */
  return op->broker_name.ptr == NULL && op->select == NULL && op->tries <= config->retries_sync;
}

/* sendDefaultImpl: codes that another broker may answer better. */
static bool retryable_code(int code) {
  switch (code) {
  case RESPONSE_SYSTEM_ERROR:
  case RESPONSE_SERVICE_NOT_AVAILABLE:
  case RESPONSE_NO_PERMISSION:
  case RESPONSE_TOPIC_NOT_EXIST:
  case RESPONSE_NO_BUYER_ID:
  case RESPONSE_NOT_IN_CURRENT_UNIT: return true;
  default: return false;
  }
}

static bool choose_queue(struct send_op *op, struct queue_ref *out) {
  struct route *r = op->route;
  if (op->broker_name.ptr != NULL) {
    out->broker = broker_get(&op->producer->client->routes, op->broker_name);
    out->id = op->queue_id;
    if (out->broker == NULL)
      error_set(&op->error, MQ_NO_BROKER, "broker %.*s is not known", SPAN_ARG(op->broker_name));
    return out->broker != NULL;
  }
  if (r->publish_count == 0) {
    error_set(&op->error, MQ_NO_ROUTE, "topic %s has no writable queue", r->topic);
    return false;
  }
  if (op->select != NULL) {
    size_t i = op->select(op, r->publish, r->publish_count);
    if (i >= r->publish_count) {
      error_set(&op->error, MQ_INVALID, "the selector chose queue %zu of %zu", i, r->publish_count);
      return false;
    }
    *out = r->publish[i];
    return true;
  }
  return route_next_queue(r, op->broker, out);
}

static void build_fields(const struct send_op *op, const struct queue_ref *queue, struct send_message_request *f) {
  const struct client_config *config = &op->producer->client->config;
  *f = (struct send_message_request){0};
  HEADER_SET(send_message_request, f, producerGroup, span_text(op->producer->config.group));
  HEADER_SET(send_message_request, f, topic, op->topic);
  HEADER_SET(send_message_request, f, defaultTopic, span_text(config->create_topic_key));
  HEADER_SET(send_message_request, f, defaultTopicQueueNums, config->default_topic_queues);
  HEADER_SET(send_message_request, f, queueId, queue->id);
  HEADER_SET(send_message_request, f, sysFlag, op->sys_flag);
  HEADER_SET(send_message_request, f, bornTimestamp, op->born_ms);
  HEADER_SET(send_message_request, f, flag, op->flag);
  HEADER_SET(send_message_request, f, properties, op->properties);
  HEADER_SET(send_message_request, f, reconsumeTimes, 0);
  HEADER_SET(send_message_request, f, unitMode, false);
  HEADER_SET(send_message_request, f, batch, op->batch);
}

static void failed(struct send_op *op, struct moment now) {
  if (op->error.result != MQ_STOPPED && now.mono_ms < op->due_ms && retries_left(op))
    try_send(op, now);
  else
    finish(op, now);
}

static void on_answer(struct call *call, enum status status, const struct command *reply, struct moment now);

static void try_send(struct send_op *op, struct moment now) {
  struct client *c = op->producer->client;
  struct queue_ref queue;
  op->tries++;
  if (!choose_queue(op, &queue)) {
    finish(op, now);
    return;
  }
  op->broker = queue.broker;
  op->stored_queue = queue.id;
  const struct server *master = broker_master(queue.broker);
  if (master == NULL) {
    error_set(&op->error, MQ_NO_BROKER, "broker %s has no master", queue.broker->name);
    client_poll_soon(c, now);
    failed(op, now);
    return;
  }
  struct send_message_request fields;
  build_fields(op, &queue, &fields);
  struct request_out request = {.code = op->batch ? REQUEST_SEND_BATCH_MESSAGE : REQUEST_SEND_MESSAGE_V2,
                                .header = &send_message_request_header,
                                .fields = &fields,
                                .by_short_name = true,
                                .body = op->body};
  enum status status;
  if (op->mode == SEND_ONEWAY) {
    status = client_oneway(c, master, &request, now);
    op->error.result = MQ_OK;
  } else {
    op->call.done = on_answer;
    int timeout_ms = op->due_ms > now.mono_ms ? (int)(op->due_ms - now.mono_ms) : 0;
    status = client_call(c, master, &request, timeout_ms, &op->call, now);
    if (status == STATUS_OK) return;
  }
  if (status != STATUS_OK) error_of_status(&op->error, status, master->addr);
  finish(op, now);
}

/* ---- answers ---- */

static bool status_of_code(int code, enum send_status *out) {
  switch (code) {
  case RESPONSE_SUCCESS: *out = SEND_STORED; return true;
  case RESPONSE_FLUSH_DISK_TIMEOUT: *out = SEND_FLUSH_DISK_TIMEOUT; return true;
  case RESPONSE_FLUSH_SLAVE_TIMEOUT: *out = SEND_FLUSH_SLAVE_TIMEOUT; return true;
  case RESPONSE_SLAVE_NOT_AVAILABLE: *out = SEND_SLAVE_NOT_AVAILABLE; return true;
  default: return false;
  }
}

/* MQClientAPIImpl.processSendResponse. */
static bool take_answer(struct send_op *op, const struct command *reply) {
  struct send_message_response h;
  const char *missing = NULL;
  if (header_decode(&send_message_response_header, reply, false, &h, &missing) != STATUS_OK) {
    error_set(&op->error, MQ_MALFORMED, "answer of broker %s without %s", op->broker->name, missing);
    return false;
  }
  op->error.result = MQ_OK;
  op->offset_id = h.msgId;
  op->stored_queue = h.queueId;
  op->queue_offset = h.queueOffset;
  op->transaction_id = h.transactionId;
  op->region = command_ext(reply, "MSG_REGION");
  op->trace_on = !span_is(command_ext(reply, "TRACE_ON"), "false");
  return true;
}

static void on_answer(struct call *call, enum status status, const struct command *reply, struct moment now) {
  struct send_op *op = (struct send_op *)((char *)call - offsetof(struct send_op, call));
  if (status != STATUS_OK) {
    error_of_status(&op->error, status, op->broker->name);
    failed(op, now);
    return;
  }
  if (!status_of_code(reply->code, &op->status)) {
    error_of_reply(&op->error, reply);
    /* Perhaps another broker is the master by now (a DLedger group elected it). */
    if (reply->code == RESPONSE_SERVICE_NOT_AVAILABLE) client_poll_soon(op->producer->client, now);
    /* An async send is tried again only when the network failed (MQClientAPIImpl.onExceptionImpl). */
    if (op->mode == SEND_SYNC && retryable_code(reply->code))
      failed(op, now);
    else
      finish(op, now);
    return;
  }
  bool again = op->status != SEND_STORED && op->mode == SEND_SYNC && op->producer->config.retry_not_stored &&
               now.mono_ms < op->due_ms && retries_left(op);
  if (take_answer(op, reply) && again)
    try_send(op, now);
  else
    finish(op, now);
}

/* ---- beginning ---- */

static void on_route(struct route_waiter *w, struct moment now) {
  struct send_op *op = (struct send_op *)((char *)w - offsetof(struct send_op, waiter));
  job_remove(op->producer->client, &op->deadline);
  if (op->route->publish_count > 0) {
    try_send(op, now);
    return;
  }
  op->error = op->route->error;
  if (op->error.result == MQ_OK)
    error_set(&op->error, MQ_NO_ROUTE, "topic %s has no writable queue on a broker with a master", op->route->topic);
  finish(op, now);
}

static void on_deadline(struct job *job, struct moment now) {
  struct send_op *op = (struct send_op *)((char *)job - offsetof(struct send_op, deadline));
  error_set(&op->error, MQ_TIMEOUT, "no name server answered in time for the route of topic %s", op->route->topic);
  finish(op, now);
}

static struct route *route_of(struct producer *p, struct span topic) {
  if (p->recent != NULL && span_is(topic, p->recent->topic)) return p->recent;
  return p->recent = route_get(&p->client->routes, topic);
}

void producer_send(struct producer *p, struct send_op *op, struct moment now) {
  op->producer = p;
  op->born_ms = now.wall_ms;
  op->due_ms = now.mono_ms + op->timeout_ms;
  p->pending++;
  op->route = route_of(p, op->topic);
  if (op->route == NULL) {
    error_set(&op->error, MQ_NO_MEMORY, "no room for one more topic");
    finish(op, now);
    return;
  }
  op->route->for_publish = true;
  if (op->route->publish_count > 0) {
    try_send(op, now);
    return;
  }
  if (job_add(p->client, &op->deadline, on_deadline) != STATUS_OK) {
    error_set(&op->error, MQ_NO_MEMORY, "out of memory");
    finish(op, now);
    return;
  }
  job_at(p->client, &op->deadline, op->due_ms);
  op->waiter.done = on_route;
  route_wait(op->route, &op->waiter, now);
}

void producer_abort(struct send_op *op, struct moment now) {
  call_cancel(op->producer->client->remoting, &op->call);
  error_set(&op->error, MQ_STOPPED, "the producer was stopped before the broker answered");
  finish(op, now);
}
