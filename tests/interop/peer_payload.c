/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/interop/peer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One character each of two, three and four bytes of UTF-8; Java's modified UTF-8 would differ in the last. */
#define UNI "h\xc3\xa9llo-\xe4\xb8\x96\xe7\x95\x8c-\xf0\x9f\x9a\x80"
/* Over the 4096 bytes from which on clients compress. */
#define BIG_SIZE 6000
#define HEAD_MAX 512

const char *payload_tag(int64_t seq) {
  return seq % 2 == 0 ? "TagA" : "TagB";
}

static char letter_at(int64_t seq, size_t position) {
  return (char)('a' + (seq + (int64_t)position) % 26);
}

static size_t head_print(const struct payload *p, char out[HEAD_MAX]) {
  int length = snprintf(out, HEAD_MAX, "%.*s:%d:%" PRId64 ":", (int)p->prefix_length, p->prefix, p->queue, p->seq);
  return length < 0 || length >= HEAD_MAX ? 0 : (size_t)length;
}

static void key_print(const struct payload *p, char out[HEAD_MAX]) {
  snprintf(out, HEAD_MAX, "%.*s-%d-%" PRId64, (int)p->prefix_length, p->prefix, p->queue, p->seq);
}

size_t payload_size(const struct payload *p, int size, int queues) {
  char head[HEAD_MAX];
  size_t head_length = head_print(p, head);
  if ((p->seq * queues + p->queue) % 1000 == 999 && size < BIG_SIZE) size = BIG_SIZE;
  return (size_t)size > head_length ? (size_t)size : head_length;
}

static bool properties_set(mq_message *message, const struct payload *p, size_t length) {
  char key[HEAD_MAX], len[24], num[24];
  key_print(p, key);
  snprintf(len, sizeof len, "%zu", length);
  snprintf(num, sizeof num, "%d", (int)(p->seq % 10));
  return mq_message_set_tags(message, payload_tag(p->seq)) == MQ_OK && mq_message_set_keys(message, key) == MQ_OK &&
         mq_message_set_property(message, "uni", UNI) == MQ_OK &&
         mq_message_set_property(message, "len", len) == MQ_OK &&
         mq_message_set_property(message, "num", num) == MQ_OK;
}

mq_message *payload_message(const struct payload *p, const char *topic, int size, int queues) {
  size_t length = payload_size(p, size, queues);
  char *body = malloc(length + HEAD_MAX);
  if (body == NULL) return NULL;
  for (size_t i = head_print(p, body); i < length; i++) body[i] = letter_at(p->seq, i);
  mq_message *message = mq_message_new(topic, body, length);
  free(body);
  if (message != NULL && !properties_set(message, p, length)) {
    mq_message_free(message);
    message = NULL;
  }
  return message;
}

/* The number before the colon at *at, which then moves behind the colon; -1 if there is none. */
static int64_t number_parse(const char *body, size_t length, size_t *at) {
  int64_t value = 0;
  size_t begin = *at;
  for (; *at < length && body[*at] >= '0' && body[*at] <= '9' && value <= INT32_MAX; ++*at)
    value = value * 10 + (body[*at] - '0');
  if (*at == begin || *at >= length || body[*at] != ':' || value > INT32_MAX) return -1;
  ++*at;
  return value;
}

static bool property_is(const mq_message *message, const char *name, const char *wanted) {
  const char *value = mq_message_property(message, name);
  return value != NULL && strcmp(value, wanted) == 0;
}

static bool properties_agree(const mq_message *message, const struct payload *p, size_t length) {
  char key[HEAD_MAX], len[24], num[24];
  key_print(p, key);
  snprintf(len, sizeof len, "%zu", length);
  snprintf(num, sizeof num, "%d", (int)(p->seq % 10));
  const char *tags = mq_message_tags(message), *keys = mq_message_keys(message);
  return tags != NULL && strcmp(tags, payload_tag(p->seq)) == 0 && keys != NULL && strcmp(keys, key) == 0 &&
         property_is(message, "uni", UNI) && property_is(message, "len", len) && property_is(message, "num", num);
}

bool payload_parse(const mq_message *message, struct payload *out) {
  size_t length;
  const char *body = mq_message_body(message, &length);
  const char *colon = length == 0 ? NULL : memchr(body, ':', length);
  if (colon == NULL || colon - body >= HEAD_MAX / 2) return false;
  *out = (struct payload){.prefix = body, .prefix_length = (size_t)(colon - body)};
  size_t at = out->prefix_length + 1;
  out->queue = (int)number_parse(body, length, &at);
  out->seq = out->queue < 0 ? -1 : number_parse(body, length, &at);
  if (out->seq < 0) return false;
  for (; at < length; at++)
    if (body[at] != letter_at(out->seq, at)) return false;
  return properties_agree(message, out, length);
}
