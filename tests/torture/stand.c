/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "tests/torture/stand.h"

#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "core/wire/message.h"
#include "tests/alone.h"
#include "tests/memory.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 1 << 20, ANSWERS_MAX = 16 << 20, MEMORY_BYTES = 1 << 30, PROPERTIES_MAX = 96, BODY_SIZE_MAX = 2048 };

/* What a request was about is the end of its number. */
enum kind { ABOUT_MESSAGE, ABOUT_TOPIC, ABOUT_GROUP, ABOUT_OFFSET, KINDS };

static struct stand *stand_of(struct node *node) { return (struct stand *)node; }

/* ---- the client's end of the line ---- */

static struct stand *stand_of_net(struct net *net) {
  return (struct stand *)((char *)net - offsetof(struct stand, net));
}

static enum status net_listen(struct net *net, const char *address, uint16_t port, int listener, uint16_t *bound,
                              const char **why) {
  (void)net, (void)address, (void)port, (void)listener, (void)bound, (void)why;
  return STATUS_OK;
}
static void net_unlisten(struct net *net, int listener) { (void)net, (void)listener; }
static conn_id net_connect(struct net *net, const char *host, uint16_t port, int timeout_ms) {
  (void)net, (void)host, (void)port, (void)timeout_ms;
  return 0;
}
static void net_send(struct net *net, conn_id conn, struct span bytes) {
  (void)conn;
  bool armed = memory_hold();
  buf_put(&stand_of_net(net)->answers, bytes);
  memory_release(armed);
}
static size_t net_backlog(struct net *net, conn_id conn) {
  (void)net, (void)conn;
  return 0;
}
static void net_pause(struct net *net, conn_id conn, bool paused) { (void)net, (void)conn, (void)paused; }
static void net_close(struct net *net, conn_id conn) {
  (void)conn;
  stand_of_net(net)->accepted = false;
  stand_of_net(net)->open_requests = 0;
}
static enum status net_local(struct net *net, conn_id conn, struct net_peer *out) {
  (void)net, (void)conn;
  *out = (struct net_peer){.ip = {10, 0, 0, 1}, .ip_len = 4, .port = 10911};
  return STATUS_OK;
}
static const struct net_ops line_ops = {.listen = net_listen,
                                        .unlisten = net_unlisten,
                                        .connect = net_connect,
                                        .send = net_send,
                                        .send_borrowed = net_send,
                                        .backlog = net_backlog,
                                        .pause = net_pause,
                                        .close = net_close,
                                        .local = net_local};

/* ---- answers ---- */

static bool says(struct span text, const char *part) {
  return text.len > 0 && memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static void message_answered(struct stand *s, const struct command *c) {
  struct book *b = &s->book;
  int64_t first, physical;
  struct net_peer host;
  struct span ids = command_ext(c, "msgId");
  bool good = c->code == RESPONSE_SUCCESS;
  if (good && !span_to_i64(command_ext(c, "queueOffset"), &first)) abort();
  size_t at = 0;
  for (int32_t i = 0; i < b->deed_count; i++) {
    struct deed *d = &b->deeds[i];
    if (d->opaque != c->opaque) continue;
    if (!good) {
      /* The first message of a topic that could not be saved is refused when it is in the log already. */
      bool open_end = c->code == RESPONSE_FLUSH_DISK_TIMEOUT || says(c->remark, "this new topic");
      if (!open_end) d->state = DEED_REFUSED;
      s->refused++;
      continue;
    }
    size_t end = span_find(ids, ',', at);
    if (message_id_parse(span_of(ids.ptr + at, end - at), &host, &physical) != STATUS_OK) abort();
    at = end + 1;
    d->state = DEED_PROMISED;
    d->queue_offset = first++;
    d->physical = physical;
  }
}

static void named_answered(struct named *list, const struct command *c) {
  for (int i = 0; i < NAMED_MAX; i++)
    if (list[i].opaque == c->opaque) list[i].answered = c->code == RESPONSE_SUCCESS;
}

static void answered(struct stand *s, const struct command *c) {
  s->open_requests--;
  /* A topic may come with its first message, too. */
  named_answered(s->book.topics, c);
  switch ((enum kind)(c->opaque % KINDS)) {
  case ABOUT_MESSAGE:
    message_answered(s, c);
    break;
  case ABOUT_GROUP:
    named_answered(s->book.groups, c);
    break;
  case ABOUT_OFFSET:
    if (c->code == RESPONSE_SUCCESS && s->book.offsets_answered < s->book.offsets_asked)
      s->book.offsets_answered = s->book.offsets_asked;
    else if (c->code != RESPONSE_SUCCESS) s->refused++;
    break;
  case ABOUT_TOPIC:
  case KINDS:
    break;
  }
}

/* The turn is over: its answers have left. */
static void answers_read(struct stand *s) {
  struct span rest = buf_span(&s->answers), frame;
  struct command c;
  size_t used;
  const char *why;
  while (rest.len > 0) {
    struct command_limits limits = COMMAND_LIMITS_DEFAULT;
    arena_reset(&s->arena);
    if (frame_split(rest, &limits, &frame, &used, &why) != STATUS_OK) break;
    if (command_decode(&c, frame, &limits, &s->arena, &why) != STATUS_OK) break;
    if (c.flag & COMMAND_RESPONSE) answered(s, &c);
    rest = span_from(rest, used);
  }
  if (rest.len > 0) book_violation(&s->book, "an answer cannot be read");
  buf_clear(&s->answers);
}

/* With nothing made to fail an answer promises that the tables are on disk. */
static void tables_settle(struct stand *s) {
  struct broker *b = s->broker;
  if (s->strict || !b->topics.dirty) book_settle(s->book.topics);
  if (s->strict || !b->groups.dirty) book_settle(s->book.groups);
  if (!b->offsets.dirty && b->offsets.save.state == OFFSETS_SAVED) s->book.offsets_saved = s->book.offsets_answered;
}

/* ---- the node around the broker's ---- */

static void node_synced(struct node *node, uint64_t token, enum status status, struct moment now) {
  struct stand *s = stand_of(node);
  if (s->broker == NULL) return;
  lens_synced(&s->lens);
  bool was = memory_arm();
  s->broker->node.ops->synced(&s->broker->node, token, status, now);
  memory_release(was);
  if (status != STATUS_OK && token == s->lens.failed_log_token && store_refusal(s->broker->store) == NULL)
    book_violation(&s->book, "a sync of the log failed, and messages are accepted all the same");
}

static int64_t node_turn(struct node *node, struct moment now) {
  struct stand *s = stand_of(node);
  if (s->broker == NULL) return TIME_NEVER;
  bool was = memory_arm();
  int64_t wake = s->broker->node.ops->turn(&s->broker->node, now);
  memory_release(was);
  answers_read(s);
  tables_settle(s);
  stand_marks(s);
  return wake;
}

static const struct node_ops stand_ops = {alone_connection, alone_bytes, node_synced, node_turn};

void stand_marks(struct stand *s) {
  if (s->broker == NULL || s->broker->store == NULL) return;
  int64_t min = store_log_min(s->broker->store), flushed = store_flushed(s->broker->store);
  if (min > s->book.log_min) s->book.log_min = min;
  if (flushed > s->book.flushed) s->book.flushed = flushed;
}

/* ---- life and death ---- */

static void log_write(struct log *log, enum log_level level, const char *line) {
  (void)log;
  bool armed = memory_hold();
  printf("    [%d] %s\n", (int)level, line);
  memory_release(armed);
}

static void settings_make(struct stand *s) {
  static const char lines[] =
      "brokerName=b\nbrokerIP1=10.0.0.1\nstorePathRootDir=/store\nstorePathCommitLog=/store/commitlog\n"
      "mappedFileSizeCommitLog=8192\nmaxMessageSize=4096\nmappedFileSizeConsumeQueue=160\n"
      "maxHashSlotNum=8\nmaxIndexNum=24\nflushConsumerOffsetInterval=200\nflushCommitLogThoroughInterval=1000\n"
      "defaultTopicQueueNums=4\nfileReservedTime=1\ncleanResourceInterval=1000\ndeleteCommitLogFilesInterval=10\n"
      "deleteConsumeQueueFilesInterval=10\nredeleteHangedFileInterval=2000\nsyncFlushTimeout=2000\n"
      "deleteWhen=00;01;02;03;04;05;06;07;08;09;10;11;12;13;14;15;16;17;18;19;20;21;22;23\n";
  if (config_init(&s->settings, &broker_settings_table) != STATUS_OK ||
      config_apply(&s->settings, span_text(lines), "torture", NULL) != STATUS_OK ||
      config_apply(&s->settings,
                   span_text(s->sync_flush ? "flushDiskType=SYNC_FLUSH\n" : "flushDiskType=ASYNC_FLUSH\n"), "torture",
                   NULL) != STATUS_OK ||
      broker_settings_complete(&s->settings, "b", "10.0.0.1", "/root", NULL) != STATUS_OK)
    abort();
}

void stand_init(struct stand *s, uint64_t seed, bool sync_flush) {
  *s = (struct stand){.node = {&stand_ops}, .net = {&line_ops}, .sync_flush = sync_flush, .strict = true};
  s->world = sim_world_new(seed);
  s->host = sim_host_new(s->world, "broker");
  s->log = (struct log){getenv("TORTURE_LOG") != NULL ? LOG_DEBUG : LOG_ERROR + 1, log_write, NULL};
  lens_init(&s->lens, s->host);
  arena_init(&s->arena, TEXT_MAX);
  buf_init(&s->answers, ANSWERS_MAX);
  buf_init(&s->asked, TEXT_MAX);
  settings_make(s);
}

void stand_fini(struct stand *s) {
  sim_stop(s->host, SIM_KILL);
  if (s->broker != NULL) broker_abandon(s->broker, sim_host_now(s->host));
  config_fini(&s->settings);
  buf_fini(&s->asked);
  buf_fini(&s->answers);
  arena_fini(&s->arena);
  sim_world_free(s->world);
}

bool stand_start(struct stand *s) {
  struct buf why;
  struct broker_host host = {
      .net = &s->net, .disk = &s->lens.disk, .log = &s->log, .seed = 7, .memory_bytes = MEMORY_BYTES};
  buf_init(&why, TEXT_MAX);
  bool was = memory_arm();
  struct broker *broker = broker_new(&s->settings, &host, sim_host_now(s->host), &why);
  memory_hold();
  log_info(&s->log, "%s%.*s", broker != NULL ? "started" : "cannot start: ", SPAN_ARG(buf_span(&why)));
  buf_fini(&why);
  memory_release(was);
  s->accepted = false;
  s->broker = broker;
  if (broker == NULL) return false;
  stand_marks(s);
  sim_attach(s->host, &s->node);
  return true;
}

/* The program is gone and its line with it; the machine is on again. */
static void away(struct stand *s, enum sim_stop how) {
  sim_stop(s->host, how);
  s->open_requests = 0;
  s->accepted = false;
  buf_clear(&s->answers);
  buf_clear(&s->asked);
  /* A write that failed may have left whole records behind, and recovery may find them. */
  for (int32_t i = 0; i < s->book.deed_count; i++)
    if (s->book.deeds[i].state == DEED_REFUSED) s->book.deeds[i].state = DEED_ASKED;
  /* A table that could not be saved went with the program. */
  for (int i = 0; i < NAMED_MAX; i++) s->book.topics[i].answered = s->book.groups[i].answered = false;
  s->book.offsets_answered = s->book.offsets_saved;
  sim_boot(s->host);
}

void stand_close(struct stand *s) {
  struct moment now = sim_host_now(s->host);
  struct broker *b = s->broker;
  bool was = memory_arm();
  broker_stop(b, now);
  b->node.ops->turn(&b->node, now);
  /* What was not saved before is saved now, or the next start shows it: nothing is promised here. */
  broker_free(b, now);
  memory_release(was);
  s->broker = NULL;
  if (s->strict) {
    book_settle(s->book.topics);
    book_settle(s->book.groups);
    s->book.offsets_saved = s->book.offsets_answered;
  }
  away(s, SIM_EXIT);
}

void stand_crash(struct stand *s, enum sim_stop how) {
  struct broker *b = s->broker;
  s->broker = NULL;
  struct moment now = sim_host_now(s->host);
  away(s, how);
  if (b != NULL) broker_abandon(b, now);
}

void stand_run(struct stand *s, int64_t ms) {
  sim_poke(s->host);
  sim_run_until(s->world, sim_now(s->world) + ms);
}

static void connect_line(struct stand *s, struct moment now) {
  struct net_event event = {.kind = NET_ACCEPTED,
                            .conn = STAND_PEER,
                            .listener = LISTEN_MAIN,
                            .peer = {.ip = {10, 0, 0, 9}, .ip_len = 4, .port = 999}};
  s->accepted = true;
  s->broker->node.ops->connection(&s->broker->node, &event, now);
}

void stand_settle(struct stand *s, int64_t ms) {
  struct moment now = sim_host_now(s->host);
  if (s->broker != NULL && s->asked.len > 0) {
    bool was = memory_arm();
    if (!s->accepted) connect_line(s, now);
    if (s->accepted &&
        s->broker->node.ops->bytes(&s->broker->node, STAND_PEER, buf_span(&s->asked), now) != s->asked.len)
      s->accepted = false; /* it closed the line */
    memory_release(was);
    if (!s->accepted) s->open_requests = 0;
  }
  buf_clear(&s->asked);
  sim_poke(s->host);
  for (int64_t i = 0; i < ms && s->broker != NULL && s->open_requests > 0; i++)
    sim_run_until(s->world, sim_now(s->world) + 1);
}

/* ---- requests ---- */

static int32_t ask(struct stand *s, enum kind kind, int code, const struct header *header, const void *fields,
                   bool by_short_name, struct span body) {
  s->opaque++;
  struct command c = {.code = code,
                      .language = LANGUAGE_JAVA,
                      .version = MQ_VERSION_4_7_0,
                      .has_opaque = true,
                      .opaque = s->opaque * KINDS + (int32_t)kind,
                      .serialize = SERIALIZE_ROCKETMQ,
                      .body = body};
  if (command_encode(&s->asked, &c, header, fields, by_short_name, 0) == 0) abort();
  s->open_requests++;
  return c.opaque;
}

static void fields_of(struct send_message_request *h, const char *topic, int32_t queue, struct span properties) {
  *h = (struct send_message_request){.producerGroup = SPAN_LITERAL("P"),
                                     .topic = span_text(topic),
                                     .defaultTopic = SPAN_LITERAL("TBW102"),
                                     .defaultTopicQueueNums = 4,
                                     .queueId = queue,
                                     .bornTimestamp = 1,
                                     .properties = properties};
  h->present = UINT64_MAX & ~(UINT64_C(1) << send_message_request_maxReconsumeTimes_bit);
}

void stand_key(int32_t number, char out[16]) { snprintf(out, 16, "k%03d", number); }

static struct span properties_of(int32_t number, char text[PROPERTIES_MAX]) {
  char key[16];
  stand_key(number, key);
  int n = snprintf(text, PROPERTIES_MAX, "KEYS\1%s all%d\2TAGS\1%c\2", key, number % 5, 'A' + number % 3);
  return span_of(text, (size_t)n);
}

static struct span body_of(int32_t number, int32_t size, char text[BODY_SIZE_MAX]) {
  int n = snprintf(text, BODY_SIZE_MAX, "m%03d ", number);
  if (size >= BODY_SIZE_MAX) abort();
  for (; n < size; n++) text[n] = (char)('a' + (number + n) % 26);
  return span_of(text, (size_t)n);
}

int32_t stand_number(struct span body) {
  int32_t number;
  size_t end = span_find(body, ' ', 0);
  if (body.len < 2 || body.ptr[0] != 'm' || !span_to_i32(span_of(body.ptr + 1, end - 1), &number)) return -1;
  char text[BODY_SIZE_MAX];
  if (body.len >= BODY_SIZE_MAX || !span_equal(body_of(number, (int32_t)body.len, text), body)) return -1;
  return number;
}

/* The topic comes into being with it, unless it is there. */
static void topic_needed(struct stand *s, const char *topic, int32_t opaque) {
  struct named *n = book_named(s->book.topics, topic);
  if (n->may == 1) book_ask(n, 4, opaque);
  else if (n->may & 1) n->may |= 1u << 4; /* what should have made it may have failed */
}

void stand_send(struct stand *s, const char *topic, int32_t queue, int32_t size) {
  char properties[PROPERTIES_MAX], body[BODY_SIZE_MAX];
  struct send_message_request h;
  int32_t number = book_add(&s->book, topic, queue, 0);
  s->book.deeds[number].size = size;
  fields_of(&h, topic, queue, properties_of(number, properties));
  int32_t opaque = ask(s, ABOUT_MESSAGE, REQUEST_SEND_MESSAGE_V2, &send_message_request_header, &h, true,
                       body_of(number, size, body));
  s->book.deeds[number].opaque = opaque;
  topic_needed(s, topic, opaque);
}

void stand_send_batch(struct stand *s, const char *topic, int32_t queue, int32_t count) {
  char properties[PROPERTIES_MAX], body[BODY_SIZE_MAX];
  struct send_message_request h;
  struct buf items;
  buf_init(&items, TEXT_MAX);
  int32_t first = s->book.deed_count;
  for (int32_t i = 0; i < count; i++) {
    int32_t number = book_add(&s->book, topic, queue, 0);
    struct batch_item item = {0, body_of(number, 40 + 30 * i, body), properties_of(number, properties)};
    batch_item_encode(&item, &items);
  }
  fields_of(&h, topic, queue, SPAN_NONE);
  HEADER_SET(send_message_request, &h, batch, true);
  int32_t opaque = ask(s, ABOUT_MESSAGE, REQUEST_SEND_BATCH_MESSAGE, &send_message_request_header, &h, true,
                       buf_span(&items));
  for (int32_t i = 0; i < count; i++) s->book.deeds[first + i].opaque = opaque;
  topic_needed(s, topic, opaque);
  buf_fini(&items);
}

void stand_topic(struct stand *s, const char *name, int32_t queues) {
  struct named *n = book_named(s->book.topics, name);
  struct create_topic_request create = {.topic = span_text(name),
                                        .defaultTopic = SPAN_LITERAL("TBW102"),
                                        .readQueueNums = queues,
                                        .writeQueueNums = queues,
                                        .perm = 6,
                                        .topicFilterType = SPAN_LITERAL("SINGLE_TAG"),
                                        .present = UINT64_MAX};
  struct delete_topic_request drop = {.topic = span_text(name), .present = UINT64_MAX};
  if (queues > 0) {
    book_ask(
        n, queues,
        ask(s, ABOUT_TOPIC, REQUEST_UPDATE_AND_CREATE_TOPIC, &create_topic_request_header, &create, false, SPAN_NONE));
    return;
  }
  for (int32_t i = 0; i < s->book.deed_count; i++)
    if (strcmp(s->book.deeds[i].topic, name) == 0) s->book.deeds[i].dropped = true;
  book_ask(n, 0,
           ask(s, ABOUT_TOPIC, REQUEST_DELETE_TOPIC_IN_BROKER, &delete_topic_request_header, &drop, false, SPAN_NONE));
}

void stand_group(struct stand *s, const char *name, int32_t retries) {
  char text[128];
  int n = snprintf(text, sizeof text, "{\"groupName\":\"%s\",\"consumeEnable\":true,\"retryMaxTimes\":%d}", name,
                   retries);
  book_ask(
      book_named(s->book.groups, name), retries,
      ask(s, ABOUT_GROUP, REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, NULL, NULL, false, span_of(text, (size_t)n)));
}

void stand_offsets(struct stand *s, int64_t offset) {
  char group[BOOK_NAME_MAX];
  s->book.offsets_asked = offset;
  for (int g = 0; g < STAND_GROUPS; g++)
    for (int q = 0; q < STAND_OFFSET_QUEUES; q++) {
      snprintf(group, sizeof group, "G%d", g);
      struct update_consumer_offset_request h = {.consumerGroup = span_text(group),
                                                 .topic = SPAN_LITERAL("Plain"),
                                                 .queueId = q,
                                                 .commitOffset = offset,
                                                 .present = UINT64_MAX};
      ask(s, ABOUT_OFFSET, REQUEST_UPDATE_CONSUMER_OFFSET, &update_consumer_offset_request_header, &h, false,
          SPAN_NONE);
    }
}
