/* SPDX-License-Identifier: Apache-2.0
 *
 * The public request: a message that is sent, and the message that answers it.
 */
#include "libmqclient/message.h"
#include "libmqclient/replies.h"
#include "libmqclient/slots.h"

#include <stdio.h>
#include <stdlib.h>

#define REPLY_TOPIC_SUFFIX "_REPLY_TOPIC"

struct requesting {
  struct waiting w; /* first: for what is done on the loop */
  struct reply_waiter waiter;
  mq_client *client;
  struct latch arrived;
  mq_message *reply; /* NULL with arrived open: out of memory */
  char id[UNIQ_ID_MAX + 1];
};

static mq_message *message_of(const struct reply_message *r) {
  char topic[TOPIC_LENGTH_MAX + 1];
  span_copy_text(r->topic, topic, sizeof topic);
  mq_message *m = mq_message_new(topic, r->body.ptr, r->body.len);
  char *text = malloc(r->properties.len + 2);
  struct span name, value;
  enum mq_result result = m == NULL || text == NULL ? MQ_NO_MEMORY : MQ_OK;
  for (size_t at = 0; result == MQ_OK && property_next(r->properties, &at, &name, &value);) {
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    char *second = text + name.len + 1;
    memcpy(second, value.ptr, value.len);
    second[value.len] = '\0';
    result = message_put_property(m, text, second);
  }
  free(text);
  if (result == MQ_OK) {
    mq_message_set_flag(m, r->flag);
    return m;
  }
  mq_message_free(m);
  return NULL;
}

static void on_reply(struct reply_waiter *w, const struct reply_message *reply) {
  struct requesting *r = (struct requesting *)((char *)w - offsetof(struct requesting, waiter));
  r->reply = message_of(reply);
  latch_open(&r->arrived);
}

static void await_on_loop(struct post *post, struct moment now) {
  struct requesting *r = (struct requesting *)post;
  (void)now;
  if (reply_await(r->client->core, &r->waiter) != STATUS_OK) error_set(&r->w.error, MQ_NO_MEMORY, "out of memory");
  latch_open(&r->w.latch);
}

static void forget_on_loop(struct post *post, struct moment now) {
  struct requesting *r = (struct requesting *)post;
  (void)now;
  reply_forget(r->client->core, &r->waiter);
  latch_open(&r->w.latch);
}

/* DefaultMQProducerImpl.prepareSendRequest. NULL: out of memory, or the properties become too long. */
static mq_message *request_of(const mq_message *m, const struct requesting *r, int timeout_ms) {
  char ttl[16];
  const char *name, *value;
  mq_message *copy = mq_message_new(m->topic, m->body.ptr, m->body.len);
  if (copy == NULL) return NULL;
  enum mq_result result = MQ_OK;
  for (size_t at = 0; result == MQ_OK && message_next_property(m, &at, &name, &value);)
    result = message_put_property(copy, name, value);
  snprintf(ttl, sizeof ttl, "%d", timeout_ms);
  if (result == MQ_OK) result = message_put_property(copy, "CORRELATION_ID", r->id);
  if (result == MQ_OK) result = message_put_property(copy, "REPLY_TO_CLIENT", r->client->id);
  if (result == MQ_OK) result = message_put_property(copy, "TTL", ttl);
  mq_message_set_flag(copy, m->flag);
  if (result == MQ_OK) return copy;
  mq_message_free(copy);
  return NULL;
}

/* The reply is awaited before the message is sent: it may be there before the send has returned. */
static enum mq_result send_and_wait(mq_producer *producer, const mq_message *message, struct requesting *r,
                                    const struct mq_send_options *options, int timeout_ms, struct mq_error *error) {
  struct mq_send_options limited = options == NULL ? (struct mq_send_options){0} : *options;
  if (limited.timeout_ms <= 0 || limited.timeout_ms > timeout_ms) limited.timeout_ms = timeout_ms;
  int64_t due_ms = uv_host_now(r->client->host).mono_ms + timeout_ms;
  r->w.post.run = await_on_loop;
  enum mq_result result = instance_wait(r->client, &r->w, error);
  if (result != MQ_OK) return result;
  result = mq_producer_send(producer, message, &limited, NULL, error);
  int64_t left_ms = due_ms - uv_host_now(r->client->host).mono_ms;
  bool arrived = result == MQ_OK && latch_wait(&r->arrived, left_ms < 0 ? 0 : (int)left_ms);
  r->w.post.run = forget_on_loop;
  instance_wait(r->client, &r->w, NULL);
  if (result != MQ_OK) {
    mq_message_free(r->reply); /* answered, though the send is said to have failed */
    return result;
  }
  struct mq_error e = {.result = MQ_OK};
  if (!arrived && r->reply == NULL)
    error_set(&e, MQ_TIMEOUT, "the message was sent to topic %s, but no reply came in %d ms", message->topic,
              timeout_ms);
  else if (r->reply == NULL) error_set(&e, MQ_NO_MEMORY, "out of memory");
  return error_give(error, &e);
}

enum mq_result mq_producer_request(mq_producer *producer, const mq_message *message,
                                   const struct mq_send_options *options, int timeout_ms, mq_message **reply,
                                   struct mq_error *error) {
  struct mq_error e = {.result = MQ_OK};
  struct requesting r = {.waiter.arrived = on_reply, .client = producer_client(producer)};
  if (!instance_may_block(r.client, error)) return MQ_INVALID;
  if (message == NULL || timeout_ms <= 0) {
    error_set(&e, MQ_INVALID, "a request needs a message and a time-out");
    return error_give(error, &e);
  }
  size_t n = uniq_id_make(&r.client->ids, uv_host_now(r.client->host).wall_ms, r.id);
  r.id[n] = '\0';
  r.waiter.id = r.id;
  mq_message *request = request_of(message, &r, timeout_ms);
  if (request == NULL) {
    error_set(&e, MQ_NO_MEMORY, "out of memory, or the properties are too long");
    return error_give(error, &e);
  }
  latch_init(&r.arrived);
  enum mq_result result = send_and_wait(producer, request, &r, options, timeout_ms, error);
  latch_fini(&r.arrived);
  mq_message_free(request);
  if (result == MQ_OK) *reply = r.reply;
  return result;
}

/* MessageUtil.createReplyMessage */
enum mq_result mq_message_new_reply(const mq_message *request, const void *body, size_t length, mq_message **out,
                                    struct mq_error *error) {
  static const char *const kept[] = {"CORRELATION_ID", "REPLY_TO_CLIENT", "TTL"};
  struct mq_error e = {.result = MQ_OK};
  char topic[TOPIC_LENGTH_MAX + 1];
  const char *cluster = message_property(request, "CLUSTER");
  if (cluster == NULL || message_property(request, "REPLY_TO_CLIENT") == NULL ||
      snprintf(topic, sizeof topic, "%s" REPLY_TOPIC_SUFFIX, cluster) >= (int)sizeof topic) {
    error_set(&e, MQ_INVALID, "create reply message fail, requestMessage error, property[%s] is null.",
              cluster == NULL ? "CLUSTER" : "REPLY_TO_CLIENT");
    return error_give(error, &e);
  }
  mq_message *m = mq_message_new(topic, body, length);
  enum mq_result result = m == NULL ? MQ_NO_MEMORY : message_put_property(m, "MSG_TYPE", "reply");
  for (size_t i = 0; result == MQ_OK && i < sizeof kept / sizeof kept[0]; i++)
    result = message_put_property(m, kept[i], message_property(request, kept[i]));
  if (result == MQ_OK) {
    *out = m;
    return MQ_OK;
  }
  mq_message_free(m);
  error_set(&e, result, "%s", mq_error_text(result));
  return error_give(error, &e);
}
