/* SPDX-License-Identifier: Apache-2.0
 *
 * attack: input that no honest peer sends. Each kind opens connections of its
 * own and says what the server must do: answer, close, or just live. Chance
 * comes from the seed, so that a finding can be played again.
 */
#include "core/base/prng.h"
#include "tests/system/peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
  BUFFER_MAX = 32 << 20,
  CODES = 400,
  RANDOM_CONNECTIONS = 200,
  MUTATED_CONNECTIONS = 400,
  LORIS_CONNECTIONS = 40,
  LORIS_STEP_MS = 150,
  CLOSE_MS = 15000
};

struct attack {
  const char *addr;
  bool broker;
  struct prng prng;
  struct buf bytes;
};

/* Writes the bytes on a connection of their own; the result is the open socket or -1. A write that breaks is
 * fine: the server may close while we are still writing. */
static int throw_bytes(struct attack *a) {
  int fd = socket_open(a->addr);
  if (fd < 0) return fail("the server does not accept connections any more"), -1;
  socket_write(fd, buf_span(&a->bytes));
  return fd;
}

static bool throw_and_leave(struct attack *a) {
  int fd = throw_bytes(a);
  if (fd < 0) return false;
  close(fd);
  return true;
}

/* The server must close, having answered or not. */
static bool wait_closed(int fd) {
  uint8_t rest[4096];
  while (socket_readable(fd, CLOSE_MS)) {
    ssize_t n = read(fd, rest, sizeof rest);
    if (n == 0 || (n < 0 && errno != EINTR)) return true;
  }
  return false;
}

static bool expect_closed(struct attack *a, const char *what) {
  int fd = throw_bytes(a);
  if (fd < 0) return false;
  bool closed = wait_closed(fd);
  close(fd);
  return closed || (fail("%s: the connection stays open", what), false);
}

/* A request that every server knows, as bytes. */
static void put_honest(struct attack *a, enum serialize serialize) {
  struct get_route_info_request h = {.topic = SPAN_LITERAL("SystemTopic"), .present = UINT64_MAX};
  struct ext ext[] = {{SPAN_LITERAL("more"), SPAN_LITERAL("value \"with\" escapes \\ \t")}};
  struct command cmd = {.code = REQUEST_GET_ROUTEINTO_BY_TOPIC,
                        .opaque = 7,
                        .has_opaque = true,
                        .serialize = serialize,
                        .version = MQ_VERSION_4_7_0,
                        .remark = SPAN_LITERAL("remark"),
                        .ext = ext,
                        .ext_count = 1,
                        .body = SPAN_LITERAL("{\"body\":[1,2,3]}")};
  command_encode(&a->bytes, &cmd, &get_route_info_request_header, &h, false, 0);
}

/* A frame around a header made by hand. */
static void put_frame(struct attack *a, enum serialize serialize, struct span header) {
  buf_put_u32(&a->bytes, (uint32_t)(4 + header.len));
  buf_put_u32(&a->bytes, (uint32_t)serialize << 24 | (uint32_t)header.len);
  buf_put(&a->bytes, header);
}

/* ---- kinds ---- */

static bool attack_lengths(struct attack *a) {
  static const uint32_t words[] = {0, 1, 2, 3, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x01000001, 0x47455420 /* GET */};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    buf_clear(&a->bytes);
    buf_put_u32(&a->bytes, words[i]);
    for (int k = 0; k < 64; k++) buf_put_u8(&a->bytes, (uint8_t)k);
    char what[64];
    snprintf(what, sizeof what, "length word 0x%08X", words[i]);
    if (!expect_closed(a, what)) return false;
  }
  /* As long as allowed, and never sent: must not be paid for in advance. */
  buf_clear(&a->bytes);
  buf_put_u32(&a->bytes, FRAME_LENGTH_MAX_DEFAULT);
  for (int i = 0; i < 100; i++)
    if (!throw_and_leave(a)) return false;
  return true;
}

static bool attack_truncated(struct attack *a) {
  for (int s = SERIALIZE_JSON; s <= SERIALIZE_ROCKETMQ; s++) {
    buf_clear(&a->bytes);
    put_honest(a, (enum serialize)s);
    for (size_t whole = a->bytes.len, n = 1; n < whole; n++) {
      a->bytes.len = n;
      if (!throw_and_leave(a)) return false;
    }
  }
  return true;
}

static bool attack_headers(struct attack *a) {
  static const uint32_t words[] = {0x00000011, 0x00FFFFFF, 0x01FFFFFF, 0x01000011, 0x02000004,
                                   0x7F000004, 0xFF000004, 0x00000000, 0x01000000};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    buf_clear(&a->bytes);
    buf_put_u32(&a->bytes, 20); /* header word and 16 bytes */
    buf_put_u32(&a->bytes, words[i]);
    for (int k = 0; k < 16; k++) buf_put_u8(&a->bytes, 0xFF);
    char what[64];
    snprintf(what, sizeof what, "header word 0x%08X", words[i]);
    if (!expect_closed(a, what)) return false;
  }
  return true;
}

static bool attack_random(struct attack *a) {
  for (int i = 0; i < RANDOM_CONNECTIONS; i++) {
    buf_clear(&a->bytes);
    for (uint64_t n = 1 + prng_below(&a->prng, 4096); n > 0; n--) buf_put_u8(&a->bytes, (uint8_t)prng_next(&a->prng));
    /* Half of them with a length word that fits, so that the header is looked at. */
    if (a->bytes.len > 8 && prng_chance(&a->prng, 1, 2)) {
      put_u32(a->bytes.ptr, (uint32_t)a->bytes.len - 4);
      put_u32(a->bytes.ptr + 4, (uint32_t)(prng_below(&a->prng, 2) << 24 | prng_below(&a->prng, a->bytes.len - 7)));
    }
    if (!throw_and_leave(a)) return false;
  }
  for (int i = 0; i < MUTATED_CONNECTIONS; i++) {
    buf_clear(&a->bytes);
    put_honest(a, i % 2 == 0 ? SERIALIZE_JSON : SERIALIZE_ROCKETMQ);
    for (uint64_t n = 1 + prng_below(&a->prng, 4); n > 0; n--) {
      size_t at = 8 + prng_below(&a->prng, a->bytes.len - 8);
      a->bytes.ptr[at] = (uint8_t)prng_next(&a->prng);
    }
    if (!throw_and_leave(a)) return false;
  }
  return true;
}

static void repeat(struct buf *out, const char *text, size_t times) {
  for (size_t i = 0; i < times; i++) buf_put_text(out, text);
}

enum { JSON_KINDS = 10 };

/* Texts that are hard on a reader. */
static void put_wild_json(struct buf *h, int kind) {
  switch (kind) {
  case 0: repeat(h, "[", 200000); break;
  case 1: repeat(h, "{\"a\":", 200000); break;
  case 2: buf_put_text(h, "{\"code\":105,\"extFields\":"), repeat(h, "[{\"b\":", 50000); break;
  case 3: buf_put_text(h, "{\"code\":105,\"extFields\":{"), repeat(h, "\"k\":\"v\",", 60000); break;
  case 4: buf_put_text(h, "{\"code\":1e999,\"opaque\":99999999999999999999,\"flag\":-0,\"version\":0x7}"); break;
  case 5: buf_put_text(h, "{\"code\":105,\"remark\":\""), repeat(h, "\\u0000\\ud800", 50000); break;
  case 6: buf_put_text(h, "{\"code\":105,\"extFields\":{\"topic\":\"\xff\xfe\xc0\x80\"},\"opaque\":1}"); break;
  case 7: buf_put_text(h, "{\"code\":105,\"extFields\":{\"topic\":\"a\\nb\\u001b[31m\\u0000\"},\"opaque\":1}"); break;
  case 8: repeat(h, " ", 900000); break;
  default: repeat(h, "\"", 900001); break;
  }
}

/* As body of the requests whose body is JSON (or properties). */
static bool throw_bodies(struct attack *a, struct span body) {
  static const int codes[] = {REQUEST_HEART_BEAT,
                              REQUEST_REGISTER_BROKER,
                              REQUEST_UPDATE_BROKER_CONFIG,
                              REQUEST_LOCK_BATCH_MQ,
                              REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
                              REQUEST_UPDATE_NAMESRV_CONFIG,
                              REQUEST_QUERY_DATA_VERSION};
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    struct register_broker_request r = {.brokerName = SPAN_LITERAL("evil"),
                                        .brokerAddr = SPAN_LITERAL("127.0.0.1:1"),
                                        .clusterName = SPAN_LITERAL("evil"),
                                        .haServerAddr = SPAN_LITERAL(""),
                                        .present = UINT64_MAX};
    struct command cmd = {.code = codes[i], .body = body, .has_opaque = true};
    buf_clear(&a->bytes);
    command_encode(&a->bytes, &cmd, &register_broker_request_header, &r, false, 0);
    if (!throw_and_leave(a)) return false;
  }
  return true;
}

static bool attack_json(struct attack *a) {
  struct buf h;
  bool ok = true;
  buf_init(&h, BUFFER_MAX);
  for (int kind = 0; kind < JSON_KINDS && ok; kind++) {
    buf_clear(&h);
    buf_clear(&a->bytes);
    put_wild_json(&h, kind);
    put_frame(a, SERIALIZE_JSON, buf_span(&h));
    ok = throw_and_leave(a) && throw_bodies(a, buf_span(&h));
  }
  buf_fini(&h);
  return ok;
}

/* Java takes some of these for "nothing": an answer is as good as a closed connection. Silence is not. */
static bool expect_reaction(struct attack *a, const char *what) {
  int fd = throw_bytes(a);
  if (fd < 0) return false;
  bool heard = socket_readable(fd, ANSWER_MS);
  close(fd);
  return heard || (fail("%s: neither an answer nor the end of the connection", what), false);
}

/* code 105, language, version 353, opaque 1, flag 0; then lengths that lie. */
static bool attack_rocketmq(struct attack *a) {
  static const uint32_t lies[] = {0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 0x00FFFFFF, 5};
  static const uint8_t start[] = {0, 105, 0, 1, 97, 0, 0, 0, 1, 0, 0, 0, 0};
  for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++)
    for (int where = 0; where < 4; where++) {
      struct buf h;
      buf_init(&h, BUFFER_MAX);
      buf_put(&h, span_of(start, sizeof start));
      buf_put_u32(&h, where == 0 ? lies[i] : 0);  /* remark */
      buf_put_u32(&h, where == 1 ? lies[i] : 13); /* ext fields */
      buf_put_u16(&h, where == 2 ? (uint16_t)lies[i] : 5);
      buf_put_text(&h, "topic");
      buf_put_u32(&h, where == 3 ? lies[i] : 2);
      buf_put_text(&h, "T");
      buf_clear(&a->bytes);
      put_frame(a, SERIALIZE_ROCKETMQ, buf_span(&h));
      buf_fini(&h);
      char what[64];
      snprintf(what, sizeof what, "ROCKETMQ length %d of 4 is 0x%08X", where + 1, lies[i]);
      if (!expect_reaction(a, what)) return false;
    }
  return true;
}

/* Every code without fields must be answered, once, with its own opaque. One-way and unasked answers must not. */
static bool attack_codes(struct attack *a) {
  for (int s = SERIALIZE_JSON; s <= SERIALIZE_ROCKETMQ; s++) {
    struct conn c;
    struct command reply;
    bool ok = conn_open(&c, a->addr);
    c.serialize = (enum serialize)s;
    for (int code = 0; code <= CODES && ok; code++) {
      conn_put(&c, &(struct command){.code = code, .flag = COMMAND_ONEWAY}, NULL, NULL);
      conn_put(&c, &(struct command){.code = code, .flag = COMMAND_RESPONSE, .body = SPAN_LITERAL("who asked?")}, NULL,
               NULL);
      ok = conn_call(&c, &(struct command){.code = code}, NULL, NULL, &reply);
      if (ok)
        ok = conn_call(&c, &(struct command){.code = code, .body = SPAN_LITERAL("\001{[junk")}, NULL, NULL, &reply);
      if (!ok) fail("code %d (%s)", code, request_code_name(code));
    }
    conn_close(&c);
    if (!ok) return false;
  }
  return true;
}

enum { SEND_KINDS = 13 };

static void make_wrong(int kind, struct send_message_request *h, struct command *cmd, struct span big) {
  switch (kind) {
  case 0: h->topic = SPAN_LITERAL("../../etc/passwd"); break;
  case 1: h->topic = span_of(big.ptr, 200); break;
  case 2: h->topic = SPAN_LITERAL(""); break;
  case 3: h->topic = SPAN_LITERAL("a/b\n2020-01-01 forged log line"); break;
  case 4: h->queueId = 1000000; break;
  case 5: h->queueId = INT32_MAX; break;
  case 6: cmd->body = big; break;
  case 7: h->properties = span_of(big.ptr, 40000); break;
  case 8: h->topic = SPAN_LITERAL("TBW102"), h->queueId = INT32_MAX; break;
  case 9:
    h->batch = true;
    cmd->code = REQUEST_SEND_BATCH_MESSAGE;
    cmd->body = SPAN_LITERAL("\xff\xff\xff\xff junk");
    break;
  case 10: h->topic = SPAN_LITERAL("%RETRY%../x"); break;
  case 11: h->topic = SPAN_LITERAL("SystemHostile\0x"); break;
  default: h->topic = SPAN_LITERAL("NoSuchDefault"), h->defaultTopic = SPAN_LITERAL("no_such_topic"); break;
  }
}

/* Sends with one thing wrong; each must be answered with something else than success. */
static bool attack_sends(struct attack *a) {
  struct conn c;
  struct command reply;
  struct buf big;
  bool ok = conn_open(&c, a->addr);
  buf_init(&big, BUFFER_MAX);
  repeat(&big, "0123456789abcdef", 600000);
  for (int kind = 0; kind < SEND_KINDS && ok; kind++) {
    struct send_message_request h = {.producerGroup = SPAN_LITERAL("g"),
                                     .topic = SPAN_LITERAL("SystemHostile"),
                                     .defaultTopic = SPAN_LITERAL("TBW102"),
                                     .defaultTopicQueueNums = 4,
                                     .bornTimestamp = 1,
                                     .properties = SPAN_LITERAL(""),
                                     .present = UINT64_MAX};
    struct command cmd = {.code = REQUEST_SEND_MESSAGE_V2, .body = SPAN_LITERAL("body")};
    make_wrong(kind, &h, &cmd, buf_span(&big));
    conn_put(&c, &cmd, &send_message_request_header, &h);
    ok = conn_flush(&c) && conn_receive(&c, &reply, ANSWER_MS) == RECEIVED;
    if (!ok) fail("wrong send %d: no answer", kind);
    if (ok && reply.code == RESPONSE_SUCCESS) ok = (fail("wrong send %d was accepted", kind), false);
  }
  buf_fini(&big);
  conn_close(&c);
  return ok;
}

/* Pulls with numbers from the ends of their ranges: each must be answered. */
static bool attack_pulls(struct attack *a) {
  static const int64_t numbers[] = {INT64_MIN, -1, 0, 1, INT32_MAX, (int64_t)INT32_MAX + 1, INT64_MAX};
  enum { COUNT = sizeof numbers / sizeof numbers[0] };
  struct conn c;
  struct command reply;
  bool ok = conn_open(&c, a->addr);
  for (int i = 0; i < COUNT * COUNT && ok; i++) {
    int64_t x = numbers[i % COUNT], y = numbers[i / COUNT];
    struct pull_message_request h = {.consumerGroup = SPAN_LITERAL("g"),
                                     .topic = SPAN_LITERAL("SystemTopic"),
                                     .queueId = i % 3,
                                     .queueOffset = x,
                                     .maxMsgNums = (int32_t)y,
                                     .sysFlag = PULL_COMMIT | PULL_SUBSCRIBE,
                                     .commitOffset = y,
                                     .subscription = SPAN_LITERAL("*"),
                                     .subVersion = x,
                                     .present = UINT64_MAX};
    ok = conn_call(&c, &(struct command){.code = REQUEST_PULL_MESSAGE}, &pull_message_request_header, &h, &reply);
  }
  conn_close(&c);
  return ok;
}

/* Connections that begin a frame and trickle. The server's frameTimeoutMillis must end them. */
static bool attack_loris(struct attack *a) {
  int fds[LORIS_CONNECTIONS];
  size_t open = 0, at = 0;
  buf_clear(&a->bytes);
  put_honest(a, SERIALIZE_JSON);
  for (; open < LORIS_CONNECTIONS; open++)
    if ((fds[open] = socket_open(a->addr)) < 0) break;
  bool ok = open == LORIS_CONNECTIONS;
  for (; ok && at < a->bytes.len - 1 && at * LORIS_STEP_MS < CLOSE_MS; at++) {
    for (size_t i = 0; i < open; i++) socket_write(fds[i], span_of(a->bytes.ptr + at, 1));
    struct timespec t = {0, LORIS_STEP_MS * 1000000L};
    nanosleep(&t, NULL);
    size_t closed = 0;
    for (size_t i = 0; i < open; i++) closed += socket_readable(fds[i], 0);
    if (closed == open) break;
  }
  for (size_t i = 0; i < open; i++) {
    if (ok && !wait_closed(fds[i])) ok = (fail("a connection that trickles is not closed"), false);
    close(fds[i]);
  }
  return ok;
}

static const struct {
  const char *name;
  bool broker_only;
  bool (*run)(struct attack *a);
} kinds[] = {{"lengths", false, attack_lengths}, {"truncated", false, attack_truncated},
             {"headers", false, attack_headers}, {"random", false, attack_random},
             {"json", false, attack_json},       {"rocketmq", false, attack_rocketmq},
             {"codes", false, attack_codes},     {"sends", true, attack_sends},
             {"pulls", true, attack_pulls},      {"loris", true, attack_loris}};

int command_attack(int argc, char **argv) {
  if (argc < 4) return 2;
  struct attack a = {.addr = argv[0], .broker = strcmp(argv[3], "broker") == 0};
  prng_init(&a.prng, strtoull(argv[2], NULL, 10));
  buf_init(&a.bytes, BUFFER_MAX);
  int result = 2;
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (strcmp(argv[1], kinds[i].name) == 0) result = kinds[i].broker_only && !a.broker ? 0 : !kinds[i].run(&a);
  buf_fini(&a.bytes);
  return result == 2 ? fail("no such kind: %s", argv[1]) : result;
}
