/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/broker/stage.h"

#include "core/wire/bodies.h"
#include "tests/golden/unpack.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>

enum { WAIT_MS = 60000, CALL_MS = 50000 };

static struct peer *peer_of(struct node *node) { return (struct peer *)node; }
static void peer_connection(struct node *node, const struct net_event *event, struct moment now) {
  remoting_connection(peer_of(node)->remoting, event, now);
}
static size_t peer_bytes(struct node *node, conn_id conn, struct span input, struct moment now) {
  return remoting_bytes(peer_of(node)->remoting, conn, input, now);
}
static int64_t peer_turn(struct node *node, struct moment now) { return remoting_turn(peer_of(node)->remoting, now); }
static const struct node_ops peer_ops = {.connection = peer_connection, .bytes = peer_bytes, .turn = peer_turn};

static void peer_asked(struct peer *p, const struct command *cmd) {
  struct asked *a = &p->asked[p->asked_count < ASKED_MAX ? p->asked_count : ASKED_MAX - 1];
  struct arena *arena = &p->stage->arena;
  const char *missing = NULL;
  size_t size;
  p->asked_count++;
  CU_ASSERT_FATAL(header_decode(&check_transaction_state_request_header, cmd, false, &a->h, &missing) == STATUS_OK);
  a->h.msgId = arena_copy(arena, a->h.msgId);
  a->h.transactionId = arena_copy(arena, a->h.transactionId);
  a->h.offsetMsgId = arena_copy(arena, a->h.offsetMsgId);
  CU_ASSERT_FATAL(message_decode(arena_copy(arena, cmd->body), true, &a->m, &size) == STATUS_OK);
}

static void peer_request(void *owner, conn_id conn, const struct command *cmd, struct moment now) {
  struct peer *p = owner;
  (void)conn;
  (void)now;
  if (cmd->code == REQUEST_NOTIFY_CONSUMER_IDS_CHANGED) p->notified++;
  if (cmd->code == REQUEST_CHECK_TRANSACTION_STATE) peer_asked(p, cmd);
}

static void peer_start(struct peer *p, struct stage *s, const char *name) {
  struct remoting_config config;
  struct remoting_door door = {.request = peer_request};
  remoting_config_default(&config);
  p->stage = s;
  p->host = sim_host_new(s->world, name);
  p->remoting = remoting_new(&config, sim_host_net(p->host), NULL, &door, p, 1);
  p->node.ops = &peer_ops;
  sim_attach(p->host, &p->node);
}

struct broker *stage_broker_up(struct sim_host *host, struct broker_settings *settings, uint64_t seed) {
  struct buf why;
  buf_init(&why, 4096);
  struct broker_host ports = {.net = sim_host_net(host),
                              .disk = sim_host_disk(host),
                              .log = sim_host_log(host),
                              .seed = seed,
                              .memory_bytes = INT64_C(1) << 34};
  struct broker *broker = broker_new(settings, &ports, sim_host_now(host), &why);
  if (broker == NULL) {
    printf("    broker_new: %.*s\n", SPAN_ARG(buf_span(&why)));
    abort();
  }
  buf_fini(&why);
  sim_attach(host, &broker->node);
  return broker;
}

void stage_broker_down(struct sim_host *host, struct broker *broker, enum sim_stop how) {
  struct moment now = sim_host_now(host);
  if (how == SIM_EXIT) {
    broker_stop(broker, now);
    broker_free(broker, now);
    sim_stop(host, how);
  } else {
    sim_stop(host, how);
    broker_abandon(broker, now);
  }
}

static void broker_up(struct stage *s) { s->broker = stage_broker_up(s->host, &s->settings, 7); }

static void broker_down(struct stage *s, enum sim_stop how) { stage_broker_down(s->host, s->broker, how); }

/* The peers notice that their connections have ended. */
static void broker_again(struct stage *s) {
  sim_boot(s->host);
  broker_up(s);
  sim_reset_connections(s->host, NULL);
  stage_run(s, 1000);
}

void stage_start(struct stage *s, const char *extra) { stage_start_on(s, extra, NULL); }

void stage_start_on(struct stage *s, const char *extra, const char *archive) {
  static const char lines[] =
      "brokerName=b\nbrokerIP1=10.0.0.1\nstorePathRootDir=/store\nstorePathCommitLog=/store/commitlog\n"
      "mappedFileSizeCommitLog=65536\nmaxMessageSize=32768\nmappedFileSizeConsumeQueue=1280\n"
      "maxHashSlotNum=64\nmaxIndexNum=256\n";
  *s = (struct stage){.world = sim_world_new(1)};
  arena_init(&s->arena, 64 << 20);
  s->host = sim_host_new(s->world, "broker");
  CU_ASSERT_FATAL(config_init(&s->settings, &broker_settings_table) == STATUS_OK);
  CU_ASSERT_FATAL(config_apply(&s->settings, span_text(lines), "test", NULL) == STATUS_OK);
  if (extra != NULL) CU_ASSERT_FATAL(config_apply(&s->settings, span_text(extra), "test", NULL) == STATUS_OK);
  CU_ASSERT_FATAL(broker_settings_complete(&s->settings, "host", "10.0.0.1", "/home", NULL) == STATUS_OK);
  if (archive != NULL) golden_unpack(sim_host_disk(s->host), archive, "/store");
  broker_up(s);
  static const char *const names[STAGE_PEERS] = {"peer0", "peer1", "peer2"};
  for (int i = 0; i < STAGE_PEERS; i++) peer_start(&s->peers[i], s, names[i]);
}

void stage_restart(struct stage *s) {
  broker_down(s, SIM_EXIT);
  broker_again(s);
}

void stage_crash(struct stage *s, enum sim_stop how) {
  broker_down(s, how);
  broker_again(s);
}

void stage_end(struct stage *s) {
  broker_down(s, SIM_EXIT);
  for (int i = 0; i < STAGE_PEERS; i++) {
    sim_stop(s->peers[i].host, SIM_EXIT);
    remoting_free(s->peers[i].remoting, sim_host_now(s->peers[i].host));
  }
  sim_world_free(s->world);
  config_fini(&s->settings);
  arena_fini(&s->arena);
}

void stage_run(struct stage *s, int64_t ms) { sim_run_until(s->world, sim_now(s->world) + ms); }

static void on_answer(struct call *call, enum status status, const struct command *reply, struct moment now) {
  struct answer *a = call->owner;
  (void)now;
  a->done = true;
  a->status = status;
  a->at_ms = sim_now(a->stage->world);
  a->code = -1;
  if (status != STATUS_OK) return;
  struct arena *arena = &a->stage->arena;
  a->code = reply->code;
  a->remark = reply->remark.ptr == NULL ? SPAN_NONE : arena_copy(arena, reply->remark);
  a->body = arena_copy(arena, reply->body);
  a->ext = arena_zalloc(arena, reply->ext_count, sizeof *a->ext);
  a->ext_count = reply->ext_count;
  for (size_t i = 0; i < reply->ext_count; i++)
    a->ext[i] = (struct ext){arena_copy(arena, reply->ext[i].key), arena_copy(arena, reply->ext[i].value)};
}

struct span answer_ext(const struct answer *a, const char *key) {
  for (size_t i = 0; i < a->ext_count; i++)
    if (span_is(a->ext[i].key, key)) return a->ext[i].value;
  return SPAN_NONE;
}

void stage_ask(struct stage *s, int peer, const struct request_out *q, struct answer *a) {
  *a = (struct answer){.stage = s};
  a->call.owner = a;
  a->call.done = on_answer;
  struct peer *p = &s->peers[peer];
  const char *address = s->address == NULL ? BROKER_ADDR : s->address;
  CU_ASSERT_FATAL(remoting_call(p->remoting, address, q, CALL_MS, &a->call, sim_host_now(p->host)) == STATUS_OK);
  sim_poke(p->host);
}

static void wait_for(struct stage *s, struct answer *a) {
  for (int i = 0; i < WAIT_MS && !a->done; i++) stage_run(s, 1);
  CU_ASSERT(a->done);
}

void stage_ask_wait(struct stage *s, int peer, const struct request_out *q, struct answer *a) {
  stage_ask(s, peer, q, a);
  wait_for(s, a);
}

void stage_send_start(struct stage *s, const char *topic, int queue, const char *body, const char *properties,
                      struct answer *a) {
  struct send_message_request h = {.producerGroup = SPAN_LITERAL("P"),
                                   .topic = span_text(topic),
                                   .defaultTopic = SPAN_LITERAL("TBW102"),
                                   .defaultTopicQueueNums = 4,
                                   .queueId = queue,
                                   .bornTimestamp = 1,
                                   .properties = span_text(properties)};
  h.present = UINT64_MAX & ~(UINT64_C(1) << send_message_request_maxReconsumeTimes_bit);
  struct request_out q = {.code = REQUEST_SEND_MESSAGE_V2,
                          .header = &send_message_request_header,
                          .fields = &h,
                          .by_short_name = true,
                          .body = span_text(body)};
  stage_ask(s, 0, &q, a);
}

int stage_send(struct stage *s, const char *topic, int queue, const char *body, const char *properties,
               struct answer *a) {
  stage_send_start(s, topic, queue, body, properties, a);
  wait_for(s, a);
  return a->code;
}

void stage_pull_start(struct stage *s, const char *topic, int queue, int64_t offset, const char *tags, int hold_ms,
                      struct answer *a) {
  struct pull_message_request h = {.consumerGroup = SPAN_LITERAL("G"),
                                   .topic = span_text(topic),
                                   .queueId = queue,
                                   .queueOffset = offset,
                                   .maxMsgNums = 32,
                                   .sysFlag = 4 | (hold_ms > 0 ? 2 : 0),
                                   .suspendTimeoutMillis = hold_ms,
                                   .subscription = span_text(tags),
                                   .expressionType = SPAN_LITERAL("TAG"),
                                   .present = UINT64_MAX};
  struct request_out q = {.code = REQUEST_PULL_MESSAGE, .header = &pull_message_request_header, .fields = &h};
  stage_ask(s, 1, &q, a);
}

int stage_pull(struct stage *s, const char *topic, int queue, int64_t offset, const char *tags, struct answer *a) {
  stage_pull_start(s, topic, queue, offset, tags, 0, a);
  wait_for(s, a);
  return a->code;
}

const char *pulled_bodies(const struct answer *a) {
  static char text[8192];
  size_t len = 0, at = 0, size;
  struct message m;
  text[0] = '\0';
  while (at < a->body.len && message_decode(span_from(a->body, at), true, &m, &size) == STATUS_OK) {
    len += (size_t)snprintf(text + len, sizeof text - len, "%s%.*s", len > 0 ? "," : "", SPAN_ARG(m.body));
    at += size;
  }
  CU_ASSERT(at == a->body.len);
  return text;
}

static int beat(struct stage *s, int peer, struct heartbeat *h) {
  char id[32];
  struct buf body;
  struct answer a;
  snprintf(id, sizeof id, "client%d", peer);
  h->client_id = span_text(id);
  buf_init(&body, 1 << 20);
  heartbeat_write(&body, h);
  stage_ask_wait(s, peer, &(struct request_out){.code = REQUEST_HEART_BEAT, .body = buf_span(&body)}, &a);
  buf_fini(&body);
  return a.code;
}

int stage_producer_heartbeat(struct stage *s, int peer, const char *group) {
  struct span groups[] = {span_text(group)};
  struct heartbeat h = {.producer_groups = groups, .producer_count = 1};
  return beat(s, peer, &h);
}

int stage_heartbeat(struct stage *s, int peer, const char *group, const char *topic, const char *tags) {
  struct subscription_data sub;
  CU_ASSERT_FATAL(subscription_parse(span_text(topic), span_text(tags), &s->arena, &sub) == STATUS_OK);
  sub.sub_version = 5;
  struct consumer_data c = {.group = span_text(group),
                            .consume_type = CONSUME_PASSIVELY,
                            .message_model = MODEL_CLUSTERING,
                            .subscriptions = &sub,
                            .subscription_count = 1};
  struct heartbeat h = {.consumers = &c, .consumer_count = 1};
  return beat(s, peer, &h);
}
