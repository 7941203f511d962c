/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands that use a server as everybody does: ports, ready, route,
 * update, roundtrip, poll, steady; and watch, which looks at it from outside.
 */
#include "core/wire/bodies.h"
#include "tests/system/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, STEP_MS = 20, QUEUES = 4, WINDOW_MAX = 1024 };

static void wait_ms(int ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
  nanosleep(&t, NULL);
}

/* ---- ports ---- */

static bool port_free(int port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_ANY)}};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  bool is_free = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 1) == 0;
  if (fd >= 0) close(fd);
  return is_free;
}

/* Below the range from which the system takes ports for outgoing connections. */
int command_ports(int argc, char **argv) {
  enum { LOW = 12000, HIGH = 32000, TRIES = 1000 };
  int count = argc > 0 ? atoi(argv[0]) : 1;
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  unsigned seed = (unsigned)t.tv_nsec ^ (unsigned)getpid() << 8;
  for (int i = 0; i < TRIES; i++) {
    int first = LOW + rand_r(&seed) % (HIGH - LOW), n = 0;
    while (n < count && port_free(first + n)) n++;
    if (n == count) return printf("%d\n", first), 0;
  }
  return fail("no %d free neighbouring ports", count);
}

/* ---- ready ---- */

int command_ready(int argc, char **argv) {
  if (argc < 1) return 2;
  for (int64_t end = monotonic_ms() + PATIENCE_MS; monotonic_ms() < end && !peer_stopped; wait_ms(STEP_MS)) {
    int fd = socket_open(argv[0]);
    if (fd < 0) continue;
    close(fd);
    return 0;
  }
  return fail("nobody listens on %s", argv[0]);
}

/* ---- route ---- */

/* 1: there is one (printed when asked to), 0: none, -1: the name server did not answer. */
static int ask_route(const char *namesrv, const char *topic, bool print) {
  struct conn c;
  struct command reply;
  struct topic_route route;
  const char *why = NULL;
  struct get_route_info_request h = {.topic = span_text(topic), .present = UINT64_MAX};
  int result = -1;
  if (conn_open(&c, namesrv) && conn_call(&c, &(struct command){.code = REQUEST_GET_ROUTEINTO_BY_TOPIC},
                                          &get_route_info_request_header, &h, &reply)) {
    result = 0;
    if (reply.code == RESPONSE_SUCCESS && topic_route_read(reply.body, &c.arena, &route, &why) == STATUS_OK) {
      result = route.broker_count > 0;
      for (size_t i = 0; print && i < route.broker_count; i++)
        for (size_t k = 0; k < route.brokers[i].address_count; k++)
          printf("%.*s %.*s\n", SPAN_ARG(route.brokers[i].broker_name),
                 SPAN_ARG(route.brokers[i].addresses[k].address));
    }
  }
  conn_close(&c);
  return result;
}

int command_route(int argc, char **argv) {
  if (argc < 3) return 2;
  bool want = strcmp(argv[2], "no") != 0, once = strcmp(argv[2], "now") == 0;
  int64_t end = monotonic_ms() + PATIENCE_MS;
  do {
    if (ask_route(argv[0], argv[1], false) == want) {
      if (want) ask_route(argv[0], argv[1], true);
      return 0;
    }
    wait_ms(STEP_MS);
  } while (!once && monotonic_ms() < end && !peer_stopped);
  return fail("name server %s: topic %s has %s route", argv[0], argv[1], want ? "no" : "still a");
}

/* ---- update ---- */

/* 25 and 318, UPDATE_BROKER_CONFIG and UPDATE_NAMESRV_CONFIG, by hand. */
int command_update(int argc, char **argv) {
  if (argc < 3) return 2;
  struct conn c;
  struct command reply;
  bool broker = strcmp(argv[2], "broker") == 0;
  struct command cmd = {.code = broker ? REQUEST_UPDATE_BROKER_CONFIG : REQUEST_UPDATE_NAMESRV_CONFIG,
                        .body = span_text(argv[1])};
  bool ok = conn_open(&c, argv[0]) && conn_call(&c, &cmd, NULL, NULL, &reply);
  if (ok && reply.code != RESPONSE_SUCCESS) ok = (fail("answered %d: %.*s", reply.code, SPAN_ARG(reply.remark)), false);
  conn_close(&c);
  return !ok;
}

/* ---- roundtrip ---- */

static bool send_all(struct conn *c, const char *topic, uint32_t count, uint32_t window, uint32_t producer) {
  uint8_t body[BODY_ROOM];
  uint32_t sent = 0, answered = 0;
  while (answered < count) {
    for (; sent < count && sent - answered < window; sent++)
      put_send(c, topic, QUEUES, (int)(sent % QUEUES), span_of(body, body_make(producer, sent, body)));
    struct command reply;
    struct send_message_response h;
    if (!conn_flush(c) || conn_receive(c, &reply, ANSWER_MS) != RECEIVED)
      return fail("send %u: no answer", answered), false;
    if (!read_sent(&reply, &h)) return false;
    answered++;
  }
  return true;
}

/* Takes the messages of this producer in `body`; each must be the next of its queue. */
static bool take_messages(struct span body, uint32_t producer, uint32_t *next, uint32_t *got) {
  while (body.len > 0) {
    struct message m;
    size_t size;
    uint32_t who, number;
    if (message_decode(body, true, &m, &size) != STATUS_OK)
      return fail("a record that cannot be read was pulled"), false;
    if (!body_check(m.body, &who, &number)) return fail("a body was changed"), false;
    if (who == producer) {
      if (number != *next) return fail("queue %d: message %u came, not %u", m.queue_id, number, *next), false;
      *next += QUEUES;
      ++*got;
    }
    body = span_from(body, size);
  }
  return true;
}

static bool pull_queue(struct conn *c, const char *topic, int queue, uint32_t producer, uint32_t *got) {
  uint32_t next = (uint32_t)queue;
  int64_t offset = 0, max;
  if (!queue_offset(c, REQUEST_GET_MAX_OFFSET, topic, queue, &max)) return false;
  while (offset < max) {
    struct command reply;
    put_pull(c, topic, queue, offset, 0);
    if (!conn_flush(c) || conn_receive(c, &reply, ANSWER_MS) != RECEIVED) return fail("a pull was not answered"), false;
    if (reply.code != RESPONSE_SUCCESS)
      return fail("pull of queue %d at %lld answered %d: %.*s", queue, (long long)offset, reply.code,
                  SPAN_ARG(reply.remark)),
             false;
    if (!take_messages(reply.body, producer, &next, got)) return false;
    if (!span_to_i64(command_ext(&reply, "nextBeginOffset"), &offset)) return fail("no nextBeginOffset"), false;
  }
  return true;
}

int command_roundtrip(int argc, char **argv) {
  if (argc < 5) return 2;
  uint32_t count = (uint32_t)atoi(argv[2]), window = (uint32_t)atoi(argv[3]), got = 0;
  uint32_t producer = (uint32_t)getpid();
  struct conn c;
  bool ok = conn_open(&c, argv[0]);
  if (!ok) fail("%s cannot be reached", argv[0]);
  c.serialize = strcmp(argv[4], "rocketmq") == 0 ? SERIALIZE_ROCKETMQ : SERIALIZE_JSON;
  ok = ok && send_all(&c, argv[1], count, window, producer);
  for (int q = 0; q < QUEUES && ok; q++) ok = pull_queue(&c, argv[1], q, producer, &got);
  conn_close(&c);
  if (!ok) return 1;
  if (got != count) return fail("%u messages sent, %u came back", count, got);
  printf("%u messages sent and pulled\n", got);
  return 0;
}

/* ---- poll ---- */

static bool expect_pull(struct conn *c, int code, struct command *reply) {
  if (conn_receive(c, reply, ANSWER_MS) != RECEIVED) return fail("a held pull was never answered"), false;
  if (reply->code == code) return true;
  return fail("a held pull was answered %d, not %d: %.*s", reply->code, code, SPAN_ARG(reply->remark)), false;
}

int command_poll(int argc, char **argv) {
  enum { LONG_MS = 14000, SHORT_MS = 700, QUIET_MS = 300 };
  if (argc < 2) return 2;
  struct conn consumer, producer;
  struct command reply;
  uint32_t who, number;
  uint8_t body[BODY_ROOM];
  struct message m;
  size_t size;
  int result = 1;
  bool ok = conn_open(&consumer, argv[0]);
  if (!conn_open(&producer, argv[0]) || !ok) {
    fail("%s cannot be reached", argv[0]);
    goto out;
  }
  if (!send_all(&producer, argv[1], QUEUES, 1, 1)) goto out; /* one message in each queue */

  put_pull(&consumer, argv[1], 0, 1, LONG_MS);
  if (!conn_flush(&consumer) || socket_readable(consumer.fd, QUIET_MS)) {
    fail("a pull of an empty queue was not held");
    goto out;
  }
  /* A message in another queue does not wake it. */
  put_send(&producer, argv[1], QUEUES, 1, span_of(body, body_make(1, 5, body)));
  if (!conn_flush(&producer) || conn_receive(&producer, &reply, ANSWER_MS) != RECEIVED) goto out;
  if (socket_readable(consumer.fd, QUIET_MS)) {
    fail("a pull was woken by a message of another queue");
    goto out;
  }
  put_send(&producer, argv[1], QUEUES, 0, span_of(body, body_make(1, 4, body)));
  if (!conn_flush(&producer) || !expect_pull(&consumer, RESPONSE_SUCCESS, &reply)) goto out;
  if (message_decode(reply.body, true, &m, &size) != STATUS_OK || !body_check(m.body, &who, &number) || number != 4 ||
      m.queue_offset != 1 || size != reply.body.len) {
    fail("the held pull was not answered with the one message that came");
    goto out;
  }
  int64_t began = monotonic_ms();
  put_pull(&consumer, argv[1], 0, 2, SHORT_MS);
  if (!conn_flush(&consumer) || !expect_pull(&consumer, RESPONSE_PULL_NOT_FOUND, &reply)) goto out;
  int64_t held = monotonic_ms() - began;
  if (held < SHORT_MS - 50) {
    fail("a pull that may be held %d ms was answered empty after %lld ms", SHORT_MS, (long long)held);
    goto out;
  }
  printf("woken by its message; answered empty after %lld of %d ms\n", (long long)held, SHORT_MS);
  result = 0;
out:
  conn_close(&consumer);
  conn_close(&producer);
  return result;
}

/* ---- steady ---- */

/* One message there and back; false when anything differs from what a quiet broker does. */
static bool one_message(struct conn *c, const char *topic, uint32_t number) {
  uint8_t body[BODY_ROOM];
  struct command reply;
  struct send_message_response h;
  struct message m;
  size_t size, len = body_make(2, number, body);
  put_send(c, topic, QUEUES, (int)(number % QUEUES), span_of(body, len));
  if (!conn_flush(c) || conn_receive(c, &reply, ANSWER_MS) != RECEIVED)
    return fail("send %u: no answer", number), false;
  if (!read_sent(&reply, &h)) return false;
  put_pull(c, topic, h.queueId, h.queueOffset, 0);
  if (!conn_flush(c) || conn_receive(c, &reply, ANSWER_MS) != RECEIVED)
    return fail("pull %u: no answer", number), false;
  if (reply.code != RESPONSE_SUCCESS || message_decode(reply.body, true, &m, &size) != STATUS_OK)
    return fail("pull %u answered %d: %.*s", number, reply.code, SPAN_ARG(reply.remark)), false;
  if (!span_equal(m.body, span_of(body, len))) return fail("message %u came back changed", number), false;
  return true;
}

int command_steady(int argc, char **argv) {
  if (argc < 2) return 2;
  struct conn c;
  int64_t worst = 0;
  uint32_t n = 0;
  bool ok = conn_open(&c, argv[0]);
  if (!ok) fail("%s cannot be reached", argv[0]);
  for (; ok && (!peer_stopped || n == 0); n++) {
    int64_t began = monotonic_ms();
    ok = one_message(&c, argv[1], n);
    if (ok && argc > 2 && ask_route(argv[2], argv[1], false) != 1)
      ok = (fail("the name server does not give the route of %s any more", argv[1]), false);
    int64_t took = monotonic_ms() - began;
    if (took > worst) worst = took;
    wait_ms(STEP_MS);
  }
  conn_close(&c);
  if (ok) printf("%u messages there and back, the slowest in %lld ms\n", n, (long long)worst);
  return !ok;
}

/* ---- watch ---- */

static long anonymous_kib(const char *pid) {
  char path[64], line[256];
  long kib = -1;
  snprintf(path, sizeof path, "/proc/%s/status", pid);
  FILE *f = fopen(path, "r");
  while (f != NULL && fgets(line, sizeof line, f) != NULL)
    if (sscanf(line, "RssAnon: %ld", &kib) == 1) break;
  if (f != NULL) fclose(f);
  return kib;
}

int command_watch(int argc, char **argv) {
  if (argc < 2) return 2;
  long bound = atol(argv[1]), first = anonymous_kib(argv[0]), most = first;
  for (bool last = false; !last; wait_ms(STEP_MS)) {
    last = peer_stopped;
    long now = anonymous_kib(argv[0]);
    if (now < 0) return fail("process %s is gone", argv[0]);
    if (now > most) most = now;
    if (now > bound) return fail("process %s has %ld KiB of anonymous memory, the bound is %ld", argv[0], now, bound);
  }
  printf("%ld to %ld of %ld KiB\n", first, most, bound);
  return 0;
}
