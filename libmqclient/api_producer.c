/* SPDX-License-Identifier: Apache-2.0
 *
 * The public producer: encodes on the caller's thread, sends on the loop's.
 */
#include "libmqclient/api_producer.h"

#include "core/wire/message.h"
#include "libmqclient/message.h"
#include "libmqclient/slots.h"

#include <stdlib.h>

struct mq_producer {
  mq_client *client;
  struct producer core;
  struct slots slots;
  struct turn_end turn_end;
  struct slot active; /* ring of the sends under way; loop thread */
  size_t active_count;
  atomic_bool stopping;  /* no new sends, says the program's side */
  bool closing;          /* and the loop's */
  struct stopping *stop; /* loop thread: who waits for the end */
};

/* ---- starting and stopping ---- */

struct starting {
  struct waiting w; /* first */
  mq_producer *producer;
  const char *group;
  producer_asked asked;
  void *owner;
};

static void start_on_loop(struct post *post, struct moment now) {
  struct starting *s = (struct starting *)post;
  const struct mq_config *settings = s->producer->client->settings;
  struct producer_config config = {.group = s->group,
                                   .retries_sync = settings->retryTimesWhenSendFailed,
                                   .retries_async = settings->retryTimesWhenSendAsyncFailed,
                                   .retry_not_stored = settings->retryAnotherBrokerWhenNotStoreOK,
                                   .asked = s->asked,
                                   .owner = s->owner};
  enum status status = producer_init(&s->producer->core, s->producer->client->core, &config, now);
  if (status == STATUS_EXISTS)
    error_set(&s->w.error, MQ_EXISTS, "this client has a producer of group %s already", s->group);
  else if (status != STATUS_OK) error_set(&s->w.error, MQ_NO_MEMORY, "out of memory");
  else instance_add_turn_end(s->producer->client, &s->producer->turn_end);
  latch_open(&s->w.latch);
}

static void on_turn_end(struct turn_end *end) {
  slots_flush(&((mq_producer *)(void *)((char *)end - offsetof(mq_producer, turn_end)))->slots);
}

enum mq_result producer_start_asked(mq_client *client, const char *group, producer_asked asked, void *owner,
                                    mq_producer **out, struct mq_error *error) {
  if (group_check(group, error) != MQ_OK) return MQ_INVALID;
  mq_producer *p = calloc(1, sizeof *p);
  if (p == NULL) return error_give(error, &(struct mq_error){.result = MQ_NO_MEMORY, .text = "out of memory"});
  p->client = client;
  p->turn_end.run = on_turn_end;
  p->active.next_active = p->active.prev_active = &p->active;
  slots_init(&p->slots, (size_t)client->settings->maxPendingSends, (size_t)client->settings->maxPendingSendBytes);
  struct starting s = {.w.post.run = start_on_loop, .producer = p, .group = group, .asked = asked, .owner = owner};
  enum mq_result result = instance_wait(client, &s.w, error);
  if (result == MQ_OK) {
    *out = p;
  } else {
    slots_fini(&p->slots);
    free(p);
  }
  return result;
}

enum mq_result mq_producer_start(mq_client *client, const char *group, mq_producer **out, struct mq_error *error) {
  return producer_start_asked(client, group, NULL, NULL, out, error);
}

struct stopping {
  struct waiting w; /* first */
  mq_producer *producer;
  int timeout_ms;
  int64_t due_ms;
  struct job deadline;
  struct farewell farewell;
};

static void farewell_said(struct farewell *f, struct moment now) {
  struct stopping *s = (struct stopping *)((char *)f - offsetof(struct stopping, farewell));
  (void)now;
  producer_fini(&s->producer->core);
  slots_flush(&s->producer->slots);
  instance_remove_turn_end(s->producer->client, &s->producer->turn_end);
  latch_open(&s->w.latch);
}

static void say_farewell(struct stopping *s, struct moment now) {
  mq_producer *p = s->producer;
  job_remove(p->client->core, &s->deadline);
  p->stop = NULL;
  s->farewell.done = farewell_said;
  int left_ms = s->due_ms > now.mono_ms ? (int)(s->due_ms - now.mono_ms) : 0;
  if (client_unregister(p->client->core, &p->core.member, &s->farewell, left_ms, now) != STATUS_OK)
    farewell_said(&s->farewell, now);
}

static void stop_deadline(struct job *job, struct moment now) {
  struct stopping *s = (struct stopping *)((char *)job - offsetof(struct stopping, deadline));
  mq_producer *p = s->producer;
  error_set(&s->w.error, MQ_TIMEOUT, "%zu sends were under way at the deadline", p->active_count);
  p->stop = NULL; /* the last one must not end the stop a second time */
  while (p->active.next_active != &p->active) producer_abort(&p->active.next_active->op, now);
  say_farewell(s, now);
}

static void stop_on_loop(struct post *post, struct moment now) {
  struct stopping *s = (struct stopping *)post;
  mq_producer *p = s->producer;
  s->due_ms = now.mono_ms + s->timeout_ms;
  p->closing = true;
  if (p->active_count == 0) {
    say_farewell(s, now);
  } else if (job_add(p->client->core, &s->deadline, stop_deadline) != STATUS_OK) {
    stop_deadline(&s->deadline, now);
  } else {
    job_at(p->client->core, &s->deadline, s->due_ms);
    p->stop = s;
  }
}

enum mq_result mq_producer_stop(mq_producer *producer, int timeout_ms, struct mq_error *error) {
  if (!instance_may_block(producer->client, error)) return MQ_INVALID;
  if (atomic_exchange(&producer->stopping, true)) return MQ_OK;
  struct stopping s = {.w.post.run = stop_on_loop, .producer = producer, .timeout_ms = timeout_ms < 0 ? 0 : timeout_ms};
  return instance_wait(producer->client, &s.w, error);
}

void mq_producer_free(mq_producer *producer) {
  if (producer == NULL) return;
  if (mq_producer_stop(producer, 0, NULL) == MQ_INVALID) return; /* in a callback: better leaked */
  slots_fini(&producer->slots);
  free(producer);
}

/* ---- one send, on the loop ---- */

static void fill_result(const struct slot *slot, struct mq_send_result *out) {
  const struct send_op *op = &slot->op;
  out->status = (enum mq_send_status)op->status;
  memcpy(out->message_id, slot->message_id, sizeof slot->message_id);
  /* Of a batch: a list with commas. */
  struct span first = span_of(op->offset_id.ptr, span_find(op->offset_id, ',', 0));
  span_copy_text(first, out->offset_id, sizeof out->offset_id);
  out->queue = (struct mq_queue){op->broker->name, op->stored_queue};
  out->queue_offset = op->queue_offset;
}

static void send_done(struct send_op *op, struct moment now) {
  struct slot *slot = (struct slot *)((char *)op - offsetof(struct slot, op));
  mq_producer *p = slot->producer;
  slot->prev_active->next_active = slot->next_active;
  slot->next_active->prev_active = slot->prev_active;
  p->active_count--;
  bool ok = op->error.result == MQ_OK;
  if (slot->blocking) {
    if (ok) fill_result(slot, &slot->result);
  } else {
    if (slot->callback != NULL && ok) {
      struct mq_send_result result;
      fill_result(slot, &result);
      slot->callback(slot->callback_context, MQ_OK, &result, &op->error);
    } else if (slot->callback != NULL) {
      slot->callback(slot->callback_context, op->error.result, NULL, &op->error);
    }
  }
  slots_ended(&p->slots, slot);
  if (p->stop != NULL && p->active_count == 0) say_farewell(p->stop, now);
}

static void send_on_loop(struct post *post, struct moment now) {
  struct slot *slot = (struct slot *)post;
  mq_producer *p = slot->producer;
  slot->next_active = &p->active;
  slot->prev_active = p->active.prev_active;
  slot->prev_active->next_active = p->active.prev_active = slot;
  p->active_count++;
  if (p->closing) {
    /* Posted by a thread that passed the check while another one stopped the producer. */
    error_set(&slot->op.error, MQ_STOPPED, "the producer was stopped");
    send_done(&slot->op, now);
    return;
  }
  producer_send(&p->core, &slot->op, now);
}

static size_t select_queue(struct send_op *op, const struct queue_ref *queues, size_t count) {
  struct slot *slot = (struct slot *)((char *)op - offsetof(struct slot, op));
  mq_queue_list list = {queues, count};
  return slot->selector(&list, slot->selector_context);
}

size_t mq_select_by_hash(const mq_queue_list *queues, void *context) {
  /* SelectMessageQueueByHash: Math.abs(hash % size). */
  int64_t hash = java_hash(span_text(context));
  int64_t i = hash % (int64_t)queues->count;
  return (size_t)(i < 0 ? -i : i);
}

/* ---- encoding, on the caller's thread ---- */

static enum mq_result refuse(struct mq_error *error, enum mq_result result, const char *text) {
  struct mq_error e;
  error_set(&e, result, "%s", text);
  return error_give(error, &e);
}

/* Validators.checkMessage. */
static enum mq_result check_message(const mq_producer *p, const mq_message *m, struct mq_error *error) {
  const char *why = "not a topic";
  if (m == NULL) return refuse(error, MQ_INVALID, "there is no message");
  if (!topic_name_valid(span_text(m->topic), &why)) return refuse(error, MQ_INVALID, why);
  if (strcmp(m->topic, p->client->settings->createTopicKey) == 0)
    return refuse(error, MQ_INVALID, "the topic is the template for new topics");
  if (m->body.len == 0) return refuse(error, MQ_INVALID, "the body is empty");
  if (m->body.len > (size_t)p->client->settings->maxMessageSize)
    return refuse(error, MQ_TOO_LARGE, "the body is larger than maxMessageSize");
  return MQ_OK;
}

/* Properties of one message with the id it gets. */
static void put_properties(mq_producer *p, const mq_message *m, int64_t wall_ms, struct buf *out, char *id) {
  message_put_properties(m, out);
  size_t n = uniq_id_make(&p->client->ids, wall_ms, id);
  id[n] = '\0';
  property_put(out, "UNIQ_KEY", span_of(id, n));
}

/* The parts of a send in a slot's buffer, one behind the other. */
struct parts {
  size_t properties_len;
  size_t topic_len;
};

static enum mq_result put_body(mq_producer *p, struct slot *slot, const mq_message *m, bool copy,
                               struct mq_error *error) {
  size_t threshold = (size_t)p->client->settings->compressMsgBodyOverHowmuch;
  if (m->body.len >= threshold) {
    /* DefaultMQProducerImpl.tryToCompressMessage. */
    if (body_compress(m->body, &slot->buffer) != STATUS_OK) return refuse(error, MQ_NO_MEMORY, "out of memory");
    slot->op.sys_flag |= SYS_COMPRESSED;
  } else if (copy) {
    buf_put(&slot->buffer, m->body);
  } else {
    slot->op.body = m->body;
  }
  return MQ_OK;
}

static enum mq_result point_parts(struct slot *slot, const struct parts *parts, const mq_message *m, bool copied,
                                  struct mq_error *error) {
  struct send_op *op = &slot->op;
  if (slot->buffer.failed) return refuse(error, MQ_NO_MEMORY, "out of memory");
  if (parts->properties_len > PROPERTIES_LENGTH_MAX)
    return refuse(error, MQ_TOO_LARGE, "the properties are longer than 32767 bytes");
  const uint8_t *at = slot->buffer.ptr;
  op->properties = span_of(at, parts->properties_len);
  at += parts->properties_len;
  op->topic = copied ? span_of(at, parts->topic_len) : span_text(m->topic);
  at += parts->topic_len;
  size_t rest = slot->buffer.len - parts->properties_len - parts->topic_len;
  if (rest > 0) op->body = span_of(at, rest);
  return MQ_OK;
}

static enum mq_result encode_one(mq_producer *p, struct slot *slot, const mq_message *m, bool copy,
                                 struct mq_error *error) {
  struct parts parts = {0};
  put_properties(p, m, uv_host_now(p->client->host).wall_ms, &slot->buffer, slot->message_id);
  parts.properties_len = slot->buffer.len;
  if (copy) {
    parts.topic_len = strlen(m->topic);
    buf_put(&slot->buffer, span_of(m->topic, parts.topic_len));
  }
  slot->op.flag = m->flag;
  if (message_property(m, "TRAN_MSG") != NULL) slot->op.sys_flag |= SYS_TRANSACTION_PREPARED;
  enum mq_result result = put_body(p, slot, m, copy, error);
  return result != MQ_OK ? result : point_parts(slot, &parts, m, copy, error);
}

/* DefaultMQProducer.batch and MessageBatch.generateFromList. */
static enum mq_result check_batch(mq_producer *p, const mq_message *const *messages, size_t count,
                                  struct mq_error *error) {
  if (count == 0) return refuse(error, MQ_INVALID, "the batch is empty");
  const char *wait = message_property(messages[0], "WAIT");
  for (size_t i = 0; i < count; i++) {
    enum mq_result result = check_message(p, messages[i], error);
    if (result != MQ_OK) return result;
    const mq_message *m = messages[i];
    const char *own_wait = message_property(m, "WAIT");
    if (strcmp(m->topic, messages[0]->topic) != 0)
      return refuse(error, MQ_INVALID, "messages of a batch must have one topic");
    if ((own_wait == NULL) != (wait == NULL)) return refuse(error, MQ_INVALID, "messages of a batch must wait alike");
    if (message_property(m, "DELAY") != NULL) return refuse(error, MQ_INVALID, "a batch cannot be delayed");
    if (strncmp(m->topic, "%RETRY%", 7) == 0) return refuse(error, MQ_INVALID, "a batch cannot go to a retry topic");
  }
  return MQ_OK;
}

static enum mq_result encode_batch(mq_producer *p, struct slot *slot, const mq_message *const *messages, size_t count,
                                   struct mq_error *error) {
  enum mq_result result = check_batch(p, messages, count, error);
  if (result != MQ_OK) return result;
  struct parts parts = {0};
  if (message_property(messages[0], "WAIT") != NULL) property_put(&slot->buffer, "WAIT", SPAN_LITERAL("false"));
  parts.properties_len = slot->buffer.len;
  parts.topic_len = strlen(messages[0]->topic);
  buf_put(&slot->buffer, span_of(messages[0]->topic, parts.topic_len));
  size_t body_from = slot->buffer.len;
  struct buf properties;
  buf_init(&properties, PROPERTIES_LENGTH_MAX);
  int64_t wall_ms = uv_host_now(p->client->host).wall_ms;
  for (size_t i = 0; i < count; i++) {
    char id[UNIQ_ID_MAX + 1];
    buf_clear(&properties);
    put_properties(p, messages[i], wall_ms, &properties, i == 0 ? slot->message_id : id);
    struct batch_item item = {messages[i]->flag, messages[i]->body, buf_span(&properties)};
    batch_item_encode(&item, &slot->buffer);
    slot->buffer.failed |= properties.failed;
  }
  buf_fini(&properties);
  slot->op.batch = true;
  if (slot->buffer.len - body_from > (size_t)p->client->settings->maxMessageSize)
    return refuse(error, MQ_TOO_LARGE, "the batch is larger than maxMessageSize");
  return point_parts(slot, &parts, messages[0], true, error);
}

/* ---- the calls ---- */

static struct slot *open_slot(mq_producer *p, const struct mq_send_options *options, enum send_mode mode) {
  struct slot *slot = slots_take(&p->slots);
  if (slot == NULL) return NULL;
  buf_clear(&slot->buffer);
  memset(&slot->op, 0, offsetof(struct send_op, error)); /* the text of an error is large and needs it not */
  slot->op.error.result = MQ_OK;
  slot->post.run = send_on_loop;
  slot->producer = p;
  slot->weight = 0;
  slot->callback = NULL;
  slot->blocking = mode == SEND_SYNC;
  slot->op.mode = mode;
  slot->op.done = send_done;
  slot->op.timeout_ms = p->client->settings->sendMsgTimeout;
  if (options == NULL) return slot;
  if (options->timeout_ms > 0) slot->op.timeout_ms = options->timeout_ms;
  if (options->queue.broker_name != NULL) {
    slot->op.broker_name = span_text(options->queue.broker_name);
    slot->op.queue_id = options->queue.id;
  } else if (options->selector != NULL) {
    slot->selector = options->selector;
    slot->selector_context = options->selector_context;
    slot->op.select = select_queue;
  }
  return slot;
}

static enum mq_result send_blocking(mq_producer *p, const mq_message *const *messages, size_t count, bool batch,
                                    const struct mq_send_options *options, struct mq_send_result *result,
                                    struct mq_error *error) {
  if (!instance_may_block(p->client, error)) return MQ_INVALID;
  if (atomic_load(&p->stopping)) return refuse(error, MQ_STOPPED, "the producer was stopped");
  enum mq_result outcome = batch ? MQ_OK : check_message(p, messages[0], error);
  if (outcome != MQ_OK) return outcome;
  struct slot *slot = open_slot(p, options, SEND_SYNC);
  if (slot == NULL) return refuse(error, MQ_NO_MEMORY, "out of memory");
  outcome = batch ? encode_batch(p, slot, messages, count, error) : encode_one(p, slot, messages[0], false, error);
  if (outcome == MQ_OK) {
    instance_post(p->client, &slot->post);
    while (sem_wait(&slot->over) != 0) continue; /* a signal handler ran */
    outcome = error_give(error, &slot->op.error);
    if (outcome == MQ_OK && result != NULL) *result = slot->result;
  }
  slots_give(&p->slots, slot);
  return outcome;
}

static enum mq_result send_async(mq_producer *p, const mq_message *const *messages, size_t count, bool batch,
                                 enum send_mode mode, const struct mq_send_options *options, mq_send_callback callback,
                                 void *context, struct mq_error *error) {
  if (atomic_load(&p->stopping)) return refuse(error, MQ_STOPPED, "the producer was stopped");
  enum mq_result outcome = batch ? MQ_OK : check_message(p, messages[0], error);
  if (outcome != MQ_OK) return outcome;
  struct slot *slot = open_slot(p, options, mode);
  if (slot == NULL) return refuse(error, MQ_NO_MEMORY, "out of memory");
  outcome = batch ? encode_batch(p, slot, messages, count, error) : encode_one(p, slot, messages[0], true, error);
  if (outcome == MQ_OK) {
    slot->weight = slot->buffer.len;
    if (!slots_try_enter(&p->slots, slot->weight) &&
        (uv_host_is_loop_thread(p->client->host) || !slots_enter(&p->slots, slot->weight, slot->op.timeout_ms)))
      outcome = refuse(error, MQ_BUSY, "too many sends are under way (maxPendingSends, maxPendingSendBytes)");
  }
  if (outcome != MQ_OK) {
    slots_give(&p->slots, slot);
    return outcome;
  }
  slot->callback = callback;
  slot->callback_context = context;
  instance_post(p->client, &slot->post);
  return MQ_OK;
}

enum mq_result mq_producer_send(mq_producer *producer, const mq_message *message, const struct mq_send_options *options,
                                struct mq_send_result *result, struct mq_error *error) {
  return send_blocking(producer, &message, 1, false, options, result, error);
}

enum mq_result mq_producer_send_batch(mq_producer *producer, const mq_message *const *messages, size_t count,
                                      const struct mq_send_options *options, struct mq_send_result *result,
                                      struct mq_error *error) {
  return send_blocking(producer, messages, count, true, options, result, error);
}

enum mq_result mq_producer_send_async(mq_producer *producer, const mq_message *message,
                                      const struct mq_send_options *options, mq_send_callback callback, void *context,
                                      struct mq_error *error) {
  return send_async(producer, &message, 1, false, SEND_ASYNC, options, callback, context, error);
}

enum mq_result mq_producer_send_batch_async(mq_producer *producer, const mq_message *const *messages, size_t count,
                                            const struct mq_send_options *options, mq_send_callback callback,
                                            void *context, struct mq_error *error) {
  return send_async(producer, messages, count, true, SEND_ASYNC, options, callback, context, error);
}

enum mq_result mq_producer_send_oneway(mq_producer *producer, const mq_message *message,
                                       const struct mq_send_options *options, struct mq_error *error) {
  return send_async(producer, &message, 1, false, SEND_ONEWAY, options, NULL, NULL, error);
}

enum mq_result mq_producer_queues(mq_producer *producer, const char *topic, mq_queue_list **out,
                                  struct mq_error *error) {
  return instance_queues(producer->client, topic, true, NULL, NULL, out, error);
}
