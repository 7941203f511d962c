/* SPDX-License-Identifier: Apache-2.0
 *
 * scale: many topics, queues and consumer offsets, made and checked; how long
 * single answers take meanwhile; what a process costs when nothing happens.
 */
#include "tests/system/peer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { NAME_ROOM = 128, ASKS_MAX = 1 << 20, MICRO = 1000000 };

static int64_t monotonic_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * MICRO + t.tv_nsec / 1000;
}

/* Requests number 0 .. count-1 of a kind, `window` of them under way at a time. */
struct many {
  struct conn c;
  const char *prefix;
  int queues, per_topic; /* per_topic: requests for one topic */
  void (*put)(struct many *m, int number);
};

static const char *topic_of(const struct many *m, int number, char out[NAME_ROOM]) {
  snprintf(out, NAME_ROOM, "%s%05d", m->prefix, number / m->per_topic);
  return out;
}

static bool many_run(struct many *m, const char *addr, int count, int window) {
  bool ok = conn_open(&m->c, addr);
  if (!ok) fail("%s cannot be reached", addr);
  for (int sent = 0, answered = 0; ok && answered < count; answered++) {
    struct command reply;
    for (; sent < count && sent - answered < window; sent++) m->put(m, sent);
    ok = conn_flush(&m->c) && conn_receive(&m->c, &reply, ANSWER_MS) == RECEIVED;
    if (!ok) fail("no answer to number %d", answered);
    else if (reply.code != RESPONSE_SUCCESS)
      ok = (fail("number %d was answered %d: %.*s", answered, reply.code, SPAN_ARG(reply.remark)), false);
  }
  conn_close(&m->c);
  return ok;
}

static void put_message(struct many *m, int number) {
  char topic[NAME_ROOM];
  uint8_t body[BODY_ROOM];
  struct span all = span_of(body, body_make(0, (uint32_t)number, body));
  put_send(&m->c, topic_of(m, number, topic), m->queues, number % m->per_topic, all);
}

static void put_topic(struct many *m, int number) {
  char topic[NAME_ROOM];
  struct create_topic_request h = {.topic = span_text(topic_of(m, number, topic)),
                                   .defaultTopic = SPAN_LITERAL("TBW102"),
                                   .readQueueNums = m->queues,
                                   .writeQueueNums = m->queues,
                                   .perm = 6,
                                   .topicFilterType = SPAN_LITERAL("SINGLE_TAG"),
                                   .present = UINT64_MAX};
  conn_put(&m->c, &(struct command){.code = REQUEST_UPDATE_AND_CREATE_TOPIC}, &create_topic_request_header, &h);
}

static void put_offset(struct many *m, int number) {
  char topic[NAME_ROOM];
  struct update_consumer_offset_request h = {.consumerGroup = SPAN_LITERAL("scale_consumer_group"),
                                             .topic = span_text(topic_of(m, number, topic)),
                                             .queueId = number % m->per_topic,
                                             .commitOffset = number,
                                             .present = UINT64_MAX};
  conn_put(&m->c, &(struct command){.code = REQUEST_UPDATE_CONSUMER_OFFSET}, &update_consumer_offset_request_header,
           &h);
}

static void put_route(struct many *m, int number) {
  char topic[NAME_ROOM];
  struct get_route_info_request h = {.topic = span_text(topic_of(m, number, topic)), .present = UINT64_MAX};
  conn_put(&m->c, &(struct command){.code = REQUEST_GET_ROUTEINTO_BY_TOPIC}, &get_route_info_request_header, &h);
}

/* many messages|topics|offsets|routes ADDR PREFIX TOPICS QUEUES WINDOW */
int command_many(int argc, char **argv) {
  if (argc < 6) return 2;
  int topics = atoi(argv[3]), queues = atoi(argv[4]), window = atoi(argv[5]);
  if (topics < 1 || topics > 99999 || queues < 1 || queues > 1024 || window < 1) return 2;
  struct span kind = span_text(argv[0]);
  struct many m = {.prefix = argv[2], .queues = queues, .per_topic = queues, .put = put_message};
  if (span_is(kind, "topics")) {
    m.per_topic = 1;
    m.put = put_topic;
  } else if (span_is(kind, "routes")) {
    m.per_topic = 1;
    m.put = put_route;
  } else if (span_is(kind, "offsets")) {
    m.put = put_offset;
  } else if (!span_is(kind, "messages")) {
    return 2;
  }
  int64_t begin = monotonic_us();
  if (!many_run(&m, argv[1], topics * m.per_topic, window)) return 1;
  int64_t us = monotonic_us() - begin;
  printf("%d %s in %" PRId64 " ms\n", topics * m.per_topic, argv[0], us / 1000);
  return 0;
}

/* Every queue of the topics has exactly one message: body and place as `many messages` made them. */
int command_counted(int argc, char **argv) {
  if (argc < 4) return 2;
  int topics = atoi(argv[2]), queues = atoi(argv[3]);
  if (topics < 1 || queues < 1) return 2;
  struct many m = {.prefix = argv[1], .per_topic = queues};
  struct command reply;
  bool ok = conn_open(&m.c, argv[0]);
  if (!ok) fail("%s cannot be reached", argv[0]);
  for (int i = 0; ok && i < topics * queues; i++) {
    char topic[NAME_ROOM];
    struct message message;
    size_t size;
    uint32_t producer, number;
    put_pull(&m.c, topic_of(&m, i, topic), i % queues, 0, 0);
    ok = conn_flush(&m.c) && conn_receive(&m.c, &reply, ANSWER_MS) == RECEIVED && reply.code == RESPONSE_SUCCESS &&
         message_decode(reply.body, true, &message, &size) == STATUS_OK && size == reply.body.len &&
         body_check(message.body, &producer, &number) && number == (uint32_t)i && message.queue_offset == 0;
    if (!ok) fail("%s queue %d does not hold its one message", topic, i % queues);
  }
  conn_close(&m.c);
  if (ok) printf("%d queues hold their message\n", topics * queues);
  return !ok;
}

static int order(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? -1 : x > y;
}

/* answers ADDR SECONDS: asks something cheap once a millisecond; how long the answers took says how long the loop
 * was busy with other things. */
int command_answers(int argc, char **argv) {
  if (argc < 2) return 2;
  int64_t *took = malloc(ASKS_MAX * sizeof *took);
  int64_t end = monotonic_us() + atoll(argv[1]) * MICRO;
  size_t n = 0;
  struct conn c;
  bool ok = took != NULL && conn_open(&c, argv[0]);
  if (!ok) return fail("%s cannot be reached", argv[0]);
  while (ok && n < ASKS_MAX && monotonic_us() < end && !peer_stopped) {
    int64_t offset, begin = monotonic_us();
    ok = queue_offset(&c, REQUEST_GET_MAX_OFFSET, "nothing_here", 0, &offset);
    took[n++] = monotonic_us() - begin;
    nanosleep(&(struct timespec){0, MICRO}, NULL);
  }
  conn_close(&c);
  if (ok && n > 0) {
    qsort(took, n, sizeof *took, order);
    printf("%zu answers, us: p50 %" PRId64 " p99 %" PRId64 " p99.9 %" PRId64 " max %" PRId64 "\n", n, took[n / 2],
           took[n * 99 / 100], took[n * 999 / 1000], took[n - 1]);
  }
  free(took);
  return !ok;
}
