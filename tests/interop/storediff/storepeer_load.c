/* SPDX-License-Identifier: Apache-2.0
 *
 * The scripted load: the same requests, byte for byte and one after the other,
 * whoever the broker is. Nothing in them depends on a clock, an address or
 * chance. What is answered is printed: two brokers must answer alike.
 */
#include "core/base/prng.h"
#include "tests/interop/storediff/storepeer.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  SEED = 20260101,
  STEPS = 2500,
  BODY_MAX = 400 << 10,
  TOO_LARGE = (4 << 20) + 1,
  BATCH_MAX = 32,
  PROPERTIES_ROOM = 40 << 10,
  REQUEST_MAX = 8 << 20,
  GROUPS = 3
};
#define BORN_MS INT64_C(1577836800000)
#define PREFIX_RETRY "%RETRY%"

struct script {
  struct conn c;
  struct prng chance;
  uint8_t *body;
  struct buf properties;
  struct buf batch;
  int step;
};

static const struct load_topic {
  const char *name;
  int queues;
  int perm;
  bool order;
  int sys_flag;
} load_topics[] = {{"sd_one", 1, 6, false, 0},       {"sd_four", 4, 6, false, 0}, {"sd_many", 16, 6, true, 0},
                   {"sd_unit", 3, 6, false, 1},      {"sd_java", 8, 6, false, 0}, {"sd_read-only_%|", 2, 4, false, 0}};
enum { LOAD_TOPICS = sizeof load_topics / sizeof *load_topics, SENT_TOPICS = 4 };

/* What is in a property string that one would not expect. */
static const char *const odd_properties[] = {
    "",
    "KEYS\001k1 k2  k3\002TAGS\001TagA\002",
    "TAGS\001h\303\251llo-\344\270\226\347\225\214-\360\237\232\200\002"
    "KEYS\001\344\270\226\347\225\214 \360\237\232\200\002",
    "TAGS\001\002KEYS\001\002",
    "TAGS\001polygenelubricants\002",
    "TAGS\001A\002TAGS\001B\002KEYS\001first\002KEYS\001second\002",
    "TAGS\001A\001B\002",
    "TAGS\001A\001\002",
    "\001nameless\002TAGS\001TagC\002",
    "TAGS\001no end",
    "WAIT\001false\002TAGS\001 TagA \002KEYS\001 \002",
    "TAGS\001a || b\002a\"b\\c/\001\"\\\n\t\b/<>&'\002",
    "\002\002TAGS\001TagD\002\002",
    "UNIQ_KEY\0010A0A0A0A0A0A18B4AAC2000000000001\002KEYS\001with-id\002",
    "INSTANCE_ID\001i-1\002CLUSTER\001other\002MIN_OFFSET\0017\002DELAY\0010\002",
};
enum { ODD_PROPERTIES = sizeof odd_properties / sizeof *odd_properties };

/* ---- connection ---- */

/* A fixed own port makes the born host equal on both sides. The connection ends with a reset, so that the port can be
 * used again at once. */
static bool connect_from(struct conn *c, const char *address, int port) {
  struct net_peer peer;
  int on = 1;
  if (net_peer_parse(span_text(address), &peer) != STATUS_OK || peer.ip_len != 4) return false;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(peer.port)};
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  struct linger reset = {1, 0};
  memcpy(&to.sin_addr, peer.ip, 4);
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  *c = (struct conn){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .serialize = SERIALIZE_JSON};
  buf_init(&c->out, REQUEST_MAX);
  buf_init(&c->in, REQUEST_MAX);
  arena_init(&c->arena, REQUEST_MAX);
  if (c->fd < 0) return false;
  setsockopt(c->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return bind(c->fd, (struct sockaddr *)&from, sizeof from) == 0 &&
         connect(c->fd, (struct sockaddr *)&to, sizeof to) == 0;
}

static bool answered(struct script *s, const char *what, const struct command *reply) {
  printf("%d %s %d", s->step, what, reply->code);
  static const char *const shown[] = {"msgId", "queueId", "queueOffset"};
  for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
    struct span value = command_ext(reply, shown[i]);
    if (value.ptr != NULL) printf(" %.*s", SPAN_ARG(value));
  }
  putchar('\n');
  return true;
}

/* ---- messages ---- */

static size_t body_length(struct script *s) {
  switch (prng_below(&s->chance, 40)) {
  case 0: return 0;
  case 1: return 1;
  case 2: return 4096 + prng_below(&s->chance, 4096);
  case 3: return prng_below(&s->chance, 2) == 0 ? prng_below(&s->chance, BODY_MAX) : 65536;
  default: return prng_below(&s->chance, 600);
  }
}

static struct span body_fill(struct script *s, size_t length) {
  for (size_t i = 0; i < length; i++) s->body[i] = (uint8_t)prng_next(&s->chance);
  return span_of(s->body, length);
}

static void properties_fill(struct script *s) {
  struct buf *b = &s->properties;
  buf_clear(b);
  uint64_t kind = prng_below(&s->chance, 10);
  if (kind == 0) {
    buf_put_text(b, odd_properties[prng_below(&s->chance, ODD_PROPERTIES)]);
    return;
  }
  buf_printf(b, "KEYS%cload-%d other-%d%cTAGS%cTag%c%c", 1, s->step, s->step % 7, 2, 1, 'A' + s->step % 5, 2);
  buf_printf(b, "UNIQ_KEY%c7F0000010001%020d%c", 1, s->step, 2);
  if (kind < 4) buf_printf(b, "uni%ch\303\251llo-\344\270\226\347\225\214-\360\237\232\200%c", 1, 2);
  if (kind == 1 && prng_below(&s->chance, 8) == 0) {
    buf_printf(b, "long%c", 1);
    for (uint64_t n = 1 + prng_below(&s->chance, 30000); n > 0; n--) buf_put_u8(b, (uint8_t)('a' + n % 26));
    buf_put_u8(b, 2);
  }
}

static int32_t any_sys_flag(struct script *s) {
  static const int32_t flags[] = {SYS_COMPRESSED, SYS_MULTI_TAGS, SYS_TRANSACTION_PREPARED, SYS_TRANSACTION_COMMIT,
                                  SYS_TRANSACTION_ROLLBACK};
  uint64_t i = prng_below(&s->chance, 60);
  return i < sizeof flags / sizeof *flags ? flags[i] : 0;
}

static struct send_message_request send_header(struct script *s, const char *topic, int queue) {
  static const int32_t flags[] = {0, 0, 0, 1, -1, INT32_MIN, INT32_MAX, 0x01020304};
  return (struct send_message_request){.producerGroup = SPAN_LITERAL("sd_producer"),
                                       .topic = span_text(topic),
                                       .defaultTopic = SPAN_LITERAL("TBW102"),
                                       .defaultTopicQueueNums = 4,
                                       .queueId = queue,
                                       .bornTimestamp = BORN_MS + s->step,
                                       .flag = flags[prng_below(&s->chance, sizeof flags / sizeof *flags)],
                                       .reconsumeTimes = prng_below(&s->chance, 50) == 0 ? 3 : 0,
                                       .maxReconsumeTimes = 16,
                                       .properties = buf_span(&s->properties),
                                       .present = UINT64_MAX};
}

static bool send_to(struct script *s, const char *what, const struct send_message_request *h, int code,
                    struct span body) {
  struct command reply;
  /* Both forms of a header must lead to the same record. */
  s->c.serialize = s->step % 3 == 0 ? SERIALIZE_ROCKETMQ : SERIALIZE_JSON;
  if (!ask(&s->c, &(struct command){.code = code, .body = body}, &send_message_request_header, h, &reply))
    return fail("step %d: no answer", s->step), false;
  return answered(s, what, &reply);
}

static bool send_one(struct script *s, const struct load_topic *t, int queue) {
  properties_fill(s);
  struct send_message_request h = send_header(s, t->name, queue);
  h.sysFlag = any_sys_flag(s);
  /* Java's ROCKETMQ form has no empty strings: absent instead. */
  if (h.properties.len == 0) h.present &= ~(UINT64_C(1) << send_message_request_properties_bit);
  int code = s->step % 2 == 0 ? REQUEST_SEND_MESSAGE_V2 : REQUEST_SEND_MESSAGE;
  return send_to(s, "send", &h, code, body_fill(s, body_length(s)));
}

static bool send_batch(struct script *s, const struct load_topic *t, int queue) {
  uint64_t count = 1 + prng_below(&s->chance, BATCH_MAX);
  buf_clear(&s->batch);
  for (uint64_t i = 0; i < count; i++) {
    properties_fill(s);
    struct batch_item item = {.flag = (int32_t)i - 3,
                              .body = body_fill(s, 1 + prng_below(&s->chance, 300)),
                              .properties = buf_span(&s->properties)};
    batch_item_encode(&item, &s->batch);
  }
  buf_clear(&s->properties);
  buf_put_text(&s->properties, "WAIT\001true\002");
  struct send_message_request h = send_header(s, t->name, queue);
  h.batch = true;
  return send_to(s, "batch", &h, REQUEST_SEND_BATCH_MESSAGE, buf_span(&s->batch));
}

/* Sends that make topics, and sends that must be refused without a trace. */
static bool send_special(struct script *s) {
  struct send_message_request h;
  buf_clear(&s->properties);
  buf_put_text(&s->properties, "TAGS\001special\002");
  struct span body = SPAN_LITERAL("special");
  h = send_header(s, "sd_auto", 3);
  if (!send_to(s, "auto", &h, REQUEST_SEND_MESSAGE_V2, body)) return false;
  h = send_header(s, PREFIX_RETRY "sd_group_0", 0);
  h.reconsumeTimes = 1;
  if (!send_to(s, "retry", &h, REQUEST_SEND_MESSAGE_V2, body)) return false;
  h.reconsumeTimes = 16;
  if (!send_to(s, "dead", &h, REQUEST_SEND_MESSAGE_V2, body)) return false;
  h = send_header(s, "sd_one", 1);
  if (!send_to(s, "no-queue", &h, REQUEST_SEND_MESSAGE_V2, body)) return false;
  h = send_header(s, "TBW102", 0);
  if (!send_to(s, "forbidden", &h, REQUEST_SEND_MESSAGE_V2, body)) return false;
  h = send_header(s, "sd bad*name", 0);
  if (!send_to(s, "bad-name", &h, REQUEST_SEND_MESSAGE_V2, body)) return false;
  h = send_header(s, "sd_one", 0);
  if (!send_to(s, "too-large", &h, REQUEST_SEND_MESSAGE_V2, body_fill(s, TOO_LARGE))) return false;
  buf_clear(&s->properties);
  for (int i = 0; i < PROPERTIES_LENGTH_MAX + 1; i++) buf_put_u8(&s->properties, 'p');
  h = send_header(s, "sd_one", 0);
  return send_to(s, "properties", &h, REQUEST_SEND_MESSAGE_V2, body);
}

/* ---- configuration and offsets ---- */

static bool make_topics(struct script *s) {
  for (size_t i = 0; i < LOAD_TOPICS; i++) {
    const struct load_topic *t = &load_topics[i];
    struct create_topic_request h = {.topic = span_text(t->name),
                                     .defaultTopic = SPAN_LITERAL("TBW102"),
                                     .readQueueNums = t->queues,
                                     .writeQueueNums = t->queues,
                                     .perm = t->perm,
                                     .topicFilterType = SPAN_LITERAL("SINGLE_TAG"),
                                     .topicSysFlag = t->sys_flag,
                                     .order = t->order,
                                     .present = UINT64_MAX};
    struct command reply;
    if (!ask(&s->c, &(struct command){.code = REQUEST_UPDATE_AND_CREATE_TOPIC}, &create_topic_request_header, &h,
             &reply))
      return false;
    answered(s, t->name, &reply);
  }
  return true;
}

static bool make_groups(struct script *s) {
  for (int i = 0; i < GROUPS; i++) {
    char body[512];
    struct command reply;
    int n = snprintf(body, sizeof body,
                     "{\"brokerId\":0,\"consumeBroadcastEnable\":%s,\"consumeEnable\":true,"
                     "\"consumeFromMinEnable\":true,"
                     "\"groupName\":\"sd_group_%d\",\"notifyConsumerIdsChangedEnable\":true,\"retryMaxTimes\":%d,"
                     "\"retryQueueNums\":%d,\"whichBrokerWhenConsumeSlowly\":1}",
                     i == 1 ? "false" : "true", i, 16 - 5 * i, 1 + i);
    struct command cmd = {.code = REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, .body = span_of(body, (size_t)n)};
    if (!ask(&s->c, &cmd, NULL, NULL, &reply)) return false;
    answered(s, "group", &reply);
  }
  return true;
}

static bool set_offsets(struct script *s) {
  for (int i = 0; i < GROUPS * SENT_TOPICS; i++) {
    const struct load_topic *t = &load_topics[i % SENT_TOPICS];
    char group[32];
    snprintf(group, sizeof group, "sd_group_%d", i / SENT_TOPICS);
    for (int q = 0; q < t->queues; q++) {
      struct update_consumer_offset_request h = {.consumerGroup = span_text(group),
                                                 .topic = span_text(t->name),
                                                 .queueId = q,
                                                 .commitOffset = i * 10 + q,
                                                 .present = UINT64_MAX};
      struct command reply;
      if (!ask(&s->c, &(struct command){.code = REQUEST_UPDATE_CONSUMER_OFFSET}, &update_consumer_offset_request_header,
               &h, &reply))
        return false;
      answered(s, "offset", &reply);
    }
  }
  return true;
}

/* ---- the script ---- */

static bool run(struct script *s) {
  if (!make_topics(s) || !make_groups(s)) return false;
  for (s->step = 0; s->step < STEPS; s->step++) {
    const struct load_topic *t = &load_topics[prng_below(&s->chance, SENT_TOPICS)];
    int queue = (int)prng_below(&s->chance, (uint64_t)t->queues);
    bool ok = prng_below(&s->chance, 12) == 0 ? send_batch(s, t, queue) : send_one(s, t, queue);
    if (!ok) return false;
  }
  s->c.serialize = SERIALIZE_JSON;
  return send_special(s) && set_offsets(s);
}

int command_script(int argc, char **argv) {
  struct script s = {.body = malloc(TOO_LARGE)};
  (void)argc;
  prng_init(&s.chance, SEED);
  buf_init(&s.properties, PROPERTIES_ROOM);
  buf_init(&s.batch, REQUEST_MAX);
  bool ok = connect_from(&s.c, argv[0], atoi(argv[1])) || (fail("no connection to %s", argv[0]), false);
  ok = ok && s.body != NULL && run(&s);
  conn_close(&s.c);
  buf_fini(&s.properties);
  buf_fini(&s.batch);
  free(s.body);
  return ok ? 0 : 1;
}
