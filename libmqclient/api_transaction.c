/* SPDX-License-Identifier: Apache-2.0
 *
 * The public transactional producer: a producer, and threads on which the
 * program is asked how a transaction ended.
 */
#include "libmqclient/api_producer.h"
#include "libmqclient/instance.h"
#include "libmqclient/message.h"
#include "mqclient/transaction_producer.h"

#include <stdlib.h>

struct mq_transaction_producer {
  mq_client *client;
  mq_producer *producer;
  struct worker_pool *pool;
  struct mq_transaction_listener listener;
  char *group;
  size_t record_max;
  atomic_int asked; /* questions that are not answered yet */
  atomic_bool stopped;
  bool pool_ended;
};

static enum transaction_state on_the_wire(enum mq_transaction_state state) {
  if (state == MQ_TRANSACTION_COMMIT) return TRANSACTION_COMMIT;
  return state == MQ_TRANSACTION_ROLLBACK ? TRANSACTION_ROLLBACK : TRANSACTION_UNKNOWN;
}

/* ---- being asked ---- */

/* A question on its way: loop thread, a thread of the pool, loop thread. */
struct question {
  struct worker_job job; /* first */
  struct post post;
  mq_transaction_producer *producer;
  conn_id conn;
  struct transaction_name name; /* its texts are copies */
  struct buf texts;
  struct delivery delivery;
  enum mq_transaction_state state;
};

static void question_free(struct question *q) {
  atomic_fetch_sub(&q->producer->asked, 1);
  delivery_fini(&q->delivery);
  buf_fini(&q->texts);
  free(q);
}

static struct question *question_of(struct post *post) {
  return (struct question *)(void *)((char *)post - offsetof(struct question, post));
}

/* What is not heard is asked again. */
static void answer_on_loop(struct post *post, struct moment now) {
  struct question *q = question_of(post);
  struct client *core = q->producer->client->core;
  enum status status = transaction_answer(core, q->conn, span_text(q->producer->group), &q->name, on_the_wire(q->state),
                                          now);
  if (status != STATUS_OK) log_info(core->log, "no answer for a transaction: %s", status_text(status));
  question_free(q);
}

static void run_check(struct worker_job *job) {
  struct question *q = (struct question *)job;
  const struct mq_transaction_listener *listener = &q->producer->listener;
  q->state = listener->check(listener->context, &q->delivery.items[0].message);
  q->post.run = answer_on_loop;
  instance_post(q->producer->client, &q->post);
}

/* The texts' places are known when all are copied. */
static bool copy_name(struct question *q, const struct transaction_name *name) {
  buf_put(&q->texts, name->message_id);
  buf_put(&q->texts, name->transaction_id);
  q->name = *name;
  q->name.message_id.ptr = q->texts.ptr;
  if (name->transaction_id.len > 0) q->name.transaction_id.ptr = q->texts.ptr + name->message_id.len;
  return !q->texts.failed;
}

static void on_asked(void *owner, const struct transaction_question *question, struct moment now) {
  mq_transaction_producer *p = owner;
  enum { TEXTS_MAX = 65536 };
  (void)now;
  /* TransactionMQProducer.checkRequestHoldMax: more are not taken; the broker asks again. */
  if (atomic_load(&p->asked) >= p->client->settings->checkRequestHoldMax) return;
  struct question *q = calloc(1, sizeof *q);
  if (q == NULL) return;
  atomic_fetch_add(&p->asked, 1);
  q->producer = p;
  q->conn = question->conn;
  q->job.fn = run_check;
  buf_init(&q->texts, TEXTS_MAX);
  delivery_init(&q->delivery, p->record_max);
  if (!copy_name(q, &question->name) || delivery_fill(&q->delivery, question->record, NULL, "") != STATUS_OK ||
      q->delivery.count == 0 || worker_pool_post(p->pool, &q->job) != STATUS_OK)
    question_free(q);
}

/* ---- starting and stopping ---- */

static void forget(mq_transaction_producer *p) {
  if (p == NULL) return;
  free(p->group);
  free(p);
}

enum mq_result mq_transaction_producer_start(mq_client *client, const char *group,
                                             const struct mq_transaction_listener *listener,
                                             mq_transaction_producer **out, struct mq_error *error) {
  enum { UNPACKED_MAX = 64 << 20 };
  struct mq_error e = {.result = MQ_OK};
  if (group_check(group, error) != MQ_OK) return MQ_INVALID;
  if (listener == NULL || listener->execute == NULL || listener->check == NULL) {
    error_set(&e, MQ_INVALID, "a transactional producer needs execute and check");
    return error_give(error, &e);
  }
  mq_transaction_producer *p = calloc(1, sizeof *p);
  if (p != NULL) p->group = strdup(group);
  if (p != NULL && p->group != NULL) p->pool = worker_pool_new((size_t)client->settings->checkThreadPoolMinSize);
  if (p == NULL || p->pool == NULL) {
    forget(p);
    error_set(&e, MQ_NO_MEMORY, "out of memory or threads");
    return error_give(error, &e);
  }
  p->client = client;
  p->listener = *listener;
  p->record_max = UNPACKED_MAX;
  enum mq_result result = producer_start_asked(client, group, on_asked, p, &p->producer, error);
  if (result == MQ_OK) {
    *out = p;
    return MQ_OK;
  }
  (void)!worker_pool_stop(p->pool, -1);
  worker_pool_free(p->pool);
  forget(p);
  return result;
}

static void passed(struct post *post, struct moment now) {
  (void)now;
  latch_open(&((struct waiting *)post)->latch);
}

/* What is posted is run in its order: behind this one the answers of the pool have left. */
static void wait_for_answers(mq_transaction_producer *p) {
  struct waiting w = {.post.run = passed};
  instance_wait(p->client, &w, NULL);
}

static enum mq_result end_pool(mq_transaction_producer *p, int timeout_ms, struct mq_error *error) {
  struct mq_error e = {.result = MQ_OK};
  if (p->pool_ended) return MQ_OK;
  if (worker_pool_stop(p->pool, timeout_ms) != STATUS_OK) {
    error_set(&e, MQ_TIMEOUT, "a check was under way at the deadline");
    return error_give(error, &e);
  }
  p->pool_ended = true;
  wait_for_answers(p);
  return MQ_OK;
}

enum mq_result mq_transaction_producer_stop(mq_transaction_producer *producer, int timeout_ms, struct mq_error *error) {
  if (!instance_may_block(producer->client, error)) return MQ_INVALID;
  if (atomic_exchange(&producer->stopped, true)) return MQ_OK;
  int64_t begin_ms = uv_host_now(producer->client->host).mono_ms;
  enum mq_result result = mq_producer_stop(producer->producer, timeout_ms, error);
  int64_t left_ms = begin_ms + (timeout_ms < 0 ? 0 : timeout_ms) - uv_host_now(producer->client->host).mono_ms;
  enum mq_result pool = end_pool(producer, left_ms > 0 ? (int)left_ms : 0, result == MQ_OK ? error : NULL);
  return result == MQ_OK ? pool : result;
}

void mq_transaction_producer_free(mq_transaction_producer *producer) {
  if (producer == NULL) return;
  if (mq_transaction_producer_stop(producer, 0, NULL) == MQ_INVALID) return; /* in a callback: better leaked */
  end_pool(producer, -1, NULL);
  worker_pool_free(producer->pool);
  mq_producer_free(producer->producer);
  forget(producer);
}

/* ---- sending ---- */

/* Validators and MessageAccessor.putProperty of sendMessageInTransaction. NULL: refused. */
static mq_message *half_of(const mq_transaction_producer *p, const mq_message *m, struct mq_error *error) {
  struct mq_error e;
  size_t length, at = 0;
  const char *name, *value;
  const void *body = mq_message_body(m, &length);
  mq_message *half = mq_message_new(mq_message_topic(m), body, length);
  enum mq_result result = half == NULL ? MQ_NO_MEMORY : MQ_OK;
  while (result == MQ_OK && mq_message_next_property(m, &at, &name, &value))
    if (strcmp(name, "DELAY") != 0) result = message_put_property(half, name, value);
  if (result == MQ_OK) result = message_put_property(half, "TRAN_MSG", "true");
  if (result == MQ_OK) result = message_put_property(half, "PGROUP", p->group);
  if (result == MQ_OK) {
    mq_message_set_flag(half, mq_message_flag(m));
    return half;
  }
  mq_message_free(half);
  error_set(&e, result, "%s", result == MQ_NO_MEMORY ? "out of memory" : "the properties are too long");
  error_give(error, &e);
  return NULL;
}

struct ending {
  struct post post; /* first */
  mq_transaction_producer *producer;
  struct mq_send_result sent;
  int64_t log_offset;
  enum mq_transaction_state state;
};

static void end_on_loop(struct post *post, struct moment now) {
  struct ending *e = (struct ending *)post;
  struct client *core = e->producer->client->core;
  struct transaction_name name = {
      .half_offset = e->sent.queue_offset, .log_offset = e->log_offset, .message_id = span_text(e->sent.message_id)};
  enum status status = transaction_end(core, span_text(e->sent.queue.broker_name), span_text(e->producer->group), &name,
                                       on_the_wire(e->state), now);
  if (status != STATUS_OK)
    log_info(core->log, "the end of transaction %s is not told: %s", e->sent.message_id, status_text(status));
  free(e);
}

/* Not waited for: the broker asks if it does not hear. */
static void tell_end(mq_transaction_producer *p, const struct mq_send_result *sent, enum mq_transaction_state state) {
  struct net_peer host;
  struct ending *e = malloc(sizeof *e);
  if (e == NULL) return;
  *e = (struct ending){.post.run = end_on_loop, .producer = p, .sent = *sent, .state = state};
  if (message_id_parse(span_text(sent->offset_id), &host, &e->log_offset) == STATUS_OK) {
    instance_post(p->client, &e->post);
    return;
  }
  log_info(p->client->core->log, "the broker's id of transaction %s says nothing", sent->message_id);
  free(e);
}

enum mq_result mq_transaction_producer_send(mq_transaction_producer *producer, const mq_message *message,
                                            void *argument, struct mq_send_result *result,
                                            enum mq_transaction_state *state, struct mq_error *error) {
  struct mq_error e;
  struct mq_send_result sent;
  enum mq_transaction_state ended = MQ_TRANSACTION_ROLLBACK;
  if (message == NULL) {
    error_set(&e, MQ_INVALID, "there is no message");
    return error_give(error, &e);
  }
  mq_message *half = half_of(producer, message, error);
  if (half == NULL) return MQ_INVALID;
  enum mq_result outcome = mq_producer_send(producer->producer, half, NULL, &sent, error);
  mq_message_free(half);
  if (outcome != MQ_OK) return outcome;
  if (sent.status == MQ_SEND_OK)
    ended = producer->listener.execute(producer->listener.context, message, sent.message_id, argument);
  tell_end(producer, &sent, ended);
  if (result != NULL) *result = sent;
  if (state != NULL) *state = ended;
  return MQ_OK;
}
