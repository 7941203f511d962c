/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/message.h"
#include "mqclient/message.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_LIMIT = 16 << 20 };

/* A message made by the program, which owns what it points to. */
struct made {
  struct mq_message message; /* first */
  char *topic;
  struct buf body;
  struct buf properties;
};

static struct made *made_of(mq_message *m) {
  assert(m->broker_name == NULL); /* received ones cannot be changed */
  return (struct made *)m;
}

mq_message *mq_message_new(const char *topic, const void *body, size_t length) {
  struct made *made = calloc(1, sizeof *made);
  if (made == NULL) return NULL;
  buf_init(&made->body, BODY_LIMIT);
  buf_init(&made->properties, PROPERTIES_LENGTH_MAX);
  if (mq_message_set_topic(&made->message, topic) == MQ_OK &&
      mq_message_set_body(&made->message, body, length) == MQ_OK)
    return &made->message;
  mq_message_free(&made->message);
  return NULL;
}

void mq_message_free(mq_message *message) {
  if (message == NULL) return;
  struct made *made = made_of(message);
  free(made->topic);
  buf_fini(&made->body);
  buf_fini(&made->properties);
  free(made);
}

enum mq_result mq_message_set_topic(mq_message *message, const char *topic) {
  struct made *made = made_of(message);
  char *copy = strdup(topic == NULL ? "" : topic);
  if (copy == NULL) return MQ_NO_MEMORY;
  free(made->topic);
  message->topic = made->topic = copy;
  return MQ_OK;
}

enum mq_result mq_message_set_body(mq_message *message, const void *body, size_t length) {
  struct made *made = made_of(message);
  buf_clear(&made->body);
  buf_put(&made->body, span_of(body, length));
  if (made->body.failed) return length > BODY_LIMIT ? MQ_TOO_LARGE : MQ_NO_MEMORY;
  message->body = buf_span(&made->body);
  return MQ_OK;
}

/* ---- properties ---- */

enum mq_result message_put_property(mq_message *message, const char *name, const char *value) {
  struct made *made = made_of(message);
  struct buf *b = &made->properties;
  size_t at = 0, from = 0;
  const char *n, *v;
  while (mq_message_next_property(message, &at, &n, &v)) {
    if (strcmp(n, name) == 0) {
      memmove(b->ptr + from, b->ptr + at, b->len - at);
      b->len -= at - from;
      message->properties = buf_span(b);
      break;
    }
    from = at;
  }
  if (value == NULL || *value == '\0') return MQ_OK;
  size_t before = b->len;
  buf_put(b, span_of(name, strlen(name) + 1));
  buf_put(b, span_of(value, strlen(value) + 1));
  enum mq_result result = MQ_OK;
  if (b->failed) {
    result = strlen(name) + strlen(value) + 2 > PROPERTIES_LENGTH_MAX - before ? MQ_TOO_LARGE : MQ_NO_MEMORY;
    b->failed = false;
    b->len = before;
  }
  message->properties = buf_span(b);
  return result;
}

/* MessageConst.STRING_HASH_SET: names the library and the broker use. */
static bool is_reserved(const char *name) {
  static const char *const names[] = {"KEYS",
                                      "TAGS",
                                      "WAIT",
                                      "DELAY",
                                      "RETRY_TOPIC",
                                      "REAL_TOPIC",
                                      "REAL_QID",
                                      "TRAN_MSG",
                                      "PGROUP",
                                      "MIN_OFFSET",
                                      "MAX_OFFSET",
                                      "BUYER_ID",
                                      "ORIGIN_MESSAGE_ID",
                                      "TRANSFER_FLAG",
                                      "CORRECTION_FLAG",
                                      "MQ2_FLAG",
                                      "RECONSUME_TIME",
                                      "MSG_REGION",
                                      "UNIQ_KEY",
                                      "MAX_RECONSUME_TIMES",
                                      "CONSUME_START_TIME",
                                      "TRACE_ON",
                                      "TRAN_PREPARED_QUEUE_OFFSET",
                                      "TRANSACTION_CHECK_TIMES",
                                      "CHECK_IMMUNITY_TIME_IN_SECONDS",
                                      "INSTANCE_ID",
                                      "CORRELATION_ID",
                                      "REPLY_TO_CLIENT",
                                      "TTL",
                                      "ARRIVE_TIME",
                                      "PUSH_REPLY_TIME",
                                      "CLUSTER",
                                      "MSG_TYPE"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(names[i], name) == 0) return true;
  return false;
}

static bool has_separator(const char *text) { return text != NULL && strpbrk(text, "\x01\x02") != NULL; }

enum mq_result mq_message_set_property(mq_message *message, const char *name, const char *value) {
  if (name == NULL || *name == '\0' || is_reserved(name) || has_separator(name) || has_separator(value))
    return MQ_INVALID;
  return message_put_property(message, name, value);
}

enum mq_result mq_message_set_tags(mq_message *message, const char *tags) {
  return has_separator(tags) ? MQ_INVALID : message_put_property(message, "TAGS", tags);
}

enum mq_result mq_message_set_keys(mq_message *message, const char *keys) {
  return has_separator(keys) ? MQ_INVALID : message_put_property(message, "KEYS", keys);
}

enum mq_result mq_message_set_delay_level(mq_message *message, int level) {
  char text[22];
  if (level < 0) return MQ_INVALID;
  text[i64_to_text(level, text)] = '\0';
  return message_put_property(message, "DELAY", level == 0 ? NULL : text);
}

enum mq_result mq_message_set_wait_store(mq_message *message, bool wait) {
  /* Absent means true (Message.isWaitStoreMsgOK), and is shorter. */
  return message_put_property(message, "WAIT", wait ? NULL : "false");
}

void mq_message_set_flag(mq_message *message, int32_t flag) { message->flag = flag; }

/* ---- reading ---- */

const char *mq_message_topic(const mq_message *message) { return message->topic; }

const void *mq_message_body(const mq_message *message, size_t *length) {
  if (length != NULL) *length = message->body.len;
  return message->body.ptr;
}

const char *mq_message_tags(const mq_message *message) { return message_property(message, "TAGS"); }
const char *mq_message_keys(const mq_message *message) { return message_property(message, "KEYS"); }
const char *mq_message_property(const mq_message *message, const char *name) { return message_property(message, name); }
int32_t mq_message_flag(const mq_message *message) { return message->flag; }

bool mq_message_next_property(const mq_message *message, size_t *at, const char **name, const char **value) {
  return message_next_property(message, at, name, value);
}

const char *mq_message_offset_id(const mq_message *message, char out[MQ_ID_MAX]) {
  message_id_text(&message->store_host, message->physical_offset, out);
  return out;
}

const char *mq_message_id(const mq_message *message, char out[MQ_ID_MAX]) {
  const char *id = message_property(message, "UNIQ_KEY");
  if (id == NULL) return mq_message_offset_id(message, out);
  span_copy_text(span_text(id), out, MQ_ID_MAX);
  return out;
}

struct mq_queue mq_message_queue(const mq_message *message) {
  return (struct mq_queue){message->broker_name, message->queue_id};
}
int64_t mq_message_queue_offset(const mq_message *message) { return message->queue_offset; }
int64_t mq_message_commit_log_offset(const mq_message *message) { return message->physical_offset; }
int64_t mq_message_born_ms(const mq_message *message) { return message->born_ms; }
int64_t mq_message_store_ms(const mq_message *message) { return message->store_ms; }
int32_t mq_message_reconsume_times(const mq_message *message) { return message->reconsume_times; }

const char *mq_message_born_host(const mq_message *message, char out[MQ_HOST_MAX]) {
  net_peer_text(&message->born_host, out);
  return out;
}

const char *mq_message_store_host(const mq_message *message, char out[MQ_HOST_MAX]) {
  net_peer_text(&message->store_host, out);
  return out;
}
