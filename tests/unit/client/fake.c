/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/client/fake.h"

#include "core/wire/bodies.h"
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "core/wire/message.h"

#include <stdio.h>
#include <stdlib.h>

enum { BROKER_PORT = 10911, PULL_MAX = 1024 };

static void copy(char out[FAKE_TEXT], struct span s) { span_copy_text(s, out, FAKE_TEXT); }

static void reply_code(struct fake *f, const struct reply_to *to, int code) {
  struct reply_out reply = {.code = code, .remark = code == 0 ? SPAN_NONE : SPAN_LITERAL("as the test wants it")};
  remoting_reply(f->remoting, to, &reply);
}

/* ---- name server ---- */

void fake_add_topic(struct fake *f, const char *topic) {
  for (size_t i = 0; i < f->topic_count; i++)
    if (strcmp(f->topics[i], topic) == 0) return;
  snprintf(f->topics[f->topic_count++], FAKE_TEXT, "%s", topic);
}

static void on_route(struct fake *f, const struct reply_to *to, const struct command *cmd) {
  char topic[FAKE_TEXT];
  copy(topic, command_ext(cmd, "topic"));
  f->routes_asked++;
  if (f->mute_routes) return;
  bool known = false;
  for (size_t i = 0; i < f->topic_count; i++) known |= strcmp(f->topics[i], topic) == 0;
  if (!known) {
    reply_code(f, to, RESPONSE_TOPIC_NOT_EXIST);
    return;
  }
  struct queue_data queues[FAKE_BROKERS];
  struct broker_data brokers[FAKE_BROKERS];
  struct broker_address addresses[FAKE_BROKERS];
  for (size_t i = 0; i < f->broker_count; i++) {
    const struct fake *b = f->brokers[i];
    int32_t n = strncmp(topic, "%RETRY%", 7) == 0 ? 1 : b->queue_count;
    queues[i] = (struct queue_data){span_text(b->name), n, n, PERM_READ | PERM_WRITE, 0};
    addresses[i] = (struct broker_address){0, span_text(b->addr)};
    brokers[i] = (struct broker_data){SPAN_LITERAL("C"), span_text(b->name), &addresses[i], 1};
  }
  struct topic_route route = {.queues = queues,
                              .queue_count = f->broker_count,
                              .brokers = brokers,
                              .broker_count = f->broker_count};
  struct buf body;
  buf_init(&body, 1 << 20);
  topic_route_write(&body, &route, false);
  remoting_reply(f->remoting, to, &(struct reply_out){.code = RESPONSE_SUCCESS, .body = buf_span(&body)});
  buf_fini(&body);
}

/* ---- messages ---- */

static int64_t max_offset(const struct fake *f, const char *topic, int32_t queue) {
  int64_t max = 0;
  for (const struct fake_message *m = f->messages; m != NULL; m = m->next)
    if (m->queue == queue && strcmp(m->topic, topic) == 0) max = m->offset + 1;
  return max;
}

static void answer_pull(struct fake *f, const struct reply_to *to, const char *topic, int32_t queue, int64_t offset,
                        int max_messages) {
  struct pull_message_response h = {0};
  struct buf body;
  buf_init(&body, 16 << 20);
  int64_t next = offset;
  int n = 0;
  for (const struct fake_message *m = f->messages; m != NULL && n < max_messages; m = m->next)
    if (m->queue == queue && m->offset >= offset && strcmp(m->topic, topic) == 0) {
      buf_put(&body, span_of(m->record, m->size));
      next = m->offset + 1;
      n++;
    }
  HEADER_SET(pull_message_response, &h, suggestWhichBrokerId, 0);
  HEADER_SET(pull_message_response, &h, nextBeginOffset, offset < f->illegal_from ? f->illegal_from : next);
  HEADER_SET(pull_message_response, &h, minOffset, f->illegal_from);
  HEADER_SET(pull_message_response, &h, maxOffset, max_offset(f, topic, queue));
  int code = offset < f->illegal_from ? RESPONSE_PULL_OFFSET_MOVED : n > 0 ? RESPONSE_SUCCESS : RESPONSE_PULL_NOT_FOUND;
  struct reply_out reply = {.code = code, .header = &pull_message_response_header, .fields = &h};
  if (code == RESPONSE_SUCCESS) reply.body = buf_span(&body);
  remoting_reply(f->remoting, to, &reply);
  buf_fini(&body);
}

static void wake_parked(struct fake *f, int64_t now_ms) {
  for (struct fake_parked **at = &f->parked; *at != NULL;) {
    struct fake_parked *p = *at;
    if (max_offset(f, p->topic, p->queue) > p->offset || p->due_ms <= now_ms) {
      *at = p->next;
      answer_pull(f, &p->to, p->topic, p->queue, p->offset, PULL_MAX);
      free(p);
    } else {
      at = &p->next;
    }
  }
}

static int64_t store(struct fake *f, const char *topic, struct message *m, struct moment now) {
  struct fake_message *one = calloc(1, sizeof *one);
  snprintf(one->topic, sizeof one->topic, "%s", topic);
  one->queue = m->queue_id;
  one->offset = max_offset(f, topic, m->queue_id);
  m->topic = span_text(one->topic);
  m->queue_offset = one->offset;
  m->physical_offset = one->physical = ++f->stored * 1000;
  m->store_ms = now.wall_ms;
  m->born_host = m->store_host = (struct net_peer){{127, 0, 0, 1}, 4, BROKER_PORT};
  one->size = message_size(m);
  one->record = malloc(one->size);
  message_encode(m, one->record);
  *f->messages_end = one;
  f->messages_end = &one->next;
  wake_parked(f, now.mono_ms);
  return one->offset;
}

void fake_store(struct fake *f, const char *topic, int32_t queue, const char *body, const char *tag,
                struct moment now) {
  struct buf properties;
  buf_init(&properties, 1024);
  if (tag != NULL) property_put(&properties, "TAGS", span_text(tag));
  struct message m = {.queue_id = queue, .body = span_text(body), .properties = buf_span(&properties)};
  store(f, topic, &m, now);
  buf_fini(&properties);
}

size_t fake_count(const struct fake *f, const char *topic) {
  size_t n = 0;
  for (const struct fake_message *m = f->messages; m != NULL; m = m->next) n += strcmp(m->topic, topic) == 0;
  return n;
}

/* ---- sends ---- */

static int64_t store_batch(struct fake *f, const char *topic, const struct send_message_request *h, struct span body,
                           struct moment now) {
  struct batch_item item;
  int64_t first = -1;
  for (size_t at = 0; batch_next(body, &at, &item) == STATUS_OK;) {
    struct message m = {.queue_id = h->queueId, .flag = item.flag, .body = item.body, .properties = item.properties};
    int64_t offset = store(f, topic, &m, now);
    if (first < 0) first = offset;
  }
  f->batches++;
  return first;
}

static void on_send(struct fake *f, const struct reply_to *to, const struct command *cmd, struct moment now) {
  struct send_message_request h;
  const char *missing;
  f->sends++;
  f->oneways += to->oneway;
  if (f->mute_sends) return;
  if (header_decode(&send_message_request_header, cmd, true, &h, &missing) != STATUS_OK) {
    reply_code(f, to, RESPONSE_SYSTEM_ERROR);
    return;
  }
  if (f->send_code != 0 && f->send_failures != 0) {
    if (f->send_failures > 0) f->send_failures--;
    reply_code(f, to, f->send_code);
    return;
  }
  char topic[FAKE_TEXT];
  copy(topic, h.topic);
  struct message m = {.queue_id = h.queueId,
                      .flag = h.flag,
                      .sys_flag = h.sysFlag,
                      .born_ms = h.bornTimestamp,
                      .body = cmd->body,
                      .properties = h.properties};
  int64_t offset = h.batch ? store_batch(f, topic, &h, cmd->body, now) : store(f, topic, &m, now);
  struct send_message_response r = {0};
  HEADER_SET(send_message_response, &r, msgId, SPAN_LITERAL("7F00000100002A9F0000000000000123"));
  HEADER_SET(send_message_response, &r, queueId, h.queueId);
  HEADER_SET(send_message_response, &r, queueOffset, offset);
  remoting_reply(f->remoting, to,
                 &(struct reply_out){.header = &send_message_response_header, .fields = &r});
}

static void on_back(struct fake *f, const struct reply_to *to, const struct command *cmd, struct moment now) {
  struct consumer_send_msg_back_request h;
  const char *missing;
  f->backs++;
  if (f->back_code != 0 ||
      header_decode(&consumer_send_msg_back_request_header, cmd, false, &h, &missing) != STATUS_OK) {
    reply_code(f, to, f->back_code != 0 ? f->back_code : RESPONSE_SYSTEM_ERROR);
    return;
  }
  struct message m = {0};
  size_t size;
  for (const struct fake_message *one = f->messages; one != NULL; one = one->next)
    if (one->physical == h.offset)
      (void)!message_decode(span_of(one->record, one->size), false, &m, &size);
  char topic[FAKE_TEXT];
  snprintf(topic, sizeof topic, "%%RETRY%%%.*s", SPAN_ARG(h.group));
  struct buf properties;
  buf_init(&properties, 4096);
  buf_put(&properties, m.properties);
  property_put_span(&properties, SPAN_LITERAL("RETRY_TOPIC"), h.originTopic);
  m.properties = buf_span(&properties);
  m.reconsume_times++;
  m.queue_id = 0;
  store(f, topic, &m, now);
  buf_fini(&properties);
  reply_code(f, to, RESPONSE_SUCCESS);
}

/* ---- groups ---- */

static size_t group_find(struct fake *f, const char *name) {
  size_t i = 0;
  while (i < f->group_count && strcmp(f->groups[i].name, name) != 0) i++;
  if (i == f->group_count) {
    f->group_count++;
    snprintf(f->groups[i].name, FAKE_TEXT, "%s", name);
  }
  return i;
}

static void notify(struct fake *f, size_t group, struct moment now) {
  struct notify_consumer_ids_changed_request h = {0};
  HEADER_SET(notify_consumer_ids_changed_request, &h, consumerGroup, span_text(f->groups[group].name));
  struct request_out q = {.code = REQUEST_NOTIFY_CONSUMER_IDS_CHANGED,
                          .header = &notify_consumer_ids_changed_request_header,
                          .fields = &h};
  for (size_t i = 0; i < f->groups[group].count; i++)
    (void)!remoting_oneway_conn(f->remoting, f->groups[group].conns[i], &q, now);
}

static void join_group(struct fake *f, const char *group, struct span member, conn_id conn, struct moment now) {
  size_t g = group_find(f, group);
  for (size_t i = 0; i < f->groups[g].count; i++)
    if (span_is(member, f->groups[g].members[i])) {
      f->groups[g].conns[i] = conn;
      return;
    }
  size_t i = f->groups[g].count++;
  copy(f->groups[g].members[i], member);
  f->groups[g].conns[i] = conn;
  notify(f, g, now);
}

static void leave_group(struct fake *f, size_t g, size_t i, struct moment now) {
  size_t last = --f->groups[g].count;
  memmove(f->groups[g].members[i], f->groups[g].members[last], FAKE_TEXT);
  f->groups[g].conns[i] = f->groups[g].conns[last];
  notify(f, g, now);
}

size_t fake_member_count(const struct fake *f, const char *group) {
  for (size_t i = 0; i < f->group_count; i++)
    if (strcmp(f->groups[i].name, group) == 0) return f->groups[i].count;
  return 0;
}

static void on_heartbeat(struct fake *f, const struct reply_to *to, const struct command *cmd, struct moment now) {
  struct arena arena;
  struct heartbeat h;
  const char *why;
  f->heartbeats++;
  arena_init(&arena, 1 << 20);
  if (heartbeat_read(cmd->body, &arena, &h, &why) == STATUS_OK)
    for (size_t i = 0; i < h.consumer_count; i++) {
      char group[FAKE_TEXT], retry[FAKE_TEXT + 8];
      copy(group, h.consumers[i].group);
      join_group(f, group, h.client_id, to->conn, now);
      snprintf(retry, sizeof retry, "%%RETRY%%%s", group);
      fake_add_topic(f, retry);
    }
  arena_fini(&arena);
  reply_code(f, to, RESPONSE_SUCCESS);
}

static void on_unregister(struct fake *f, const struct reply_to *to, const struct command *cmd, struct moment now) {
  f->unregisters++;
  struct span group = command_ext(cmd, "consumerGroup"), member = command_ext(cmd, "clientID");
  for (size_t g = 0; g < f->group_count; g++)
    for (size_t i = 0; i < f->groups[g].count; i++)
      if (span_is(group, f->groups[g].name) && span_is(member, f->groups[g].members[i])) leave_group(f, g, i, now);
  reply_code(f, to, RESPONSE_SUCCESS);
}

static void on_members(struct fake *f, const struct reply_to *to, const struct command *cmd) {
  struct span names[FAKE_MEMBERS];
  char group[FAKE_TEXT];
  copy(group, command_ext(cmd, "consumerGroup"));
  size_t g = group_find(f, group);
  for (size_t i = 0; i < f->groups[g].count; i++) names[i] = span_text(f->groups[g].members[i]);
  struct buf body;
  buf_init(&body, 1 << 20);
  name_list_write(&body, "consumerIdList", names, f->groups[g].count, SPAN_NONE);
  remoting_reply(f->remoting, to, &(struct reply_out){.body = buf_span(&body)});
  buf_fini(&body);
}

/* ---- offsets and locks ---- */

static struct fake_number *number_of(struct fake_number **list, const char *key, bool make) {
  for (struct fake_number *n = *list; n != NULL; n = n->next)
    if (strcmp(n->key, key) == 0) return n;
  if (!make) return NULL;
  struct fake_number *n = calloc(1, sizeof *n);
  snprintf(n->key, sizeof n->key, "%s", key);
  n->next = *list;
  return *list = n;
}

static void offset_key(char out[FAKE_TEXT * 2], struct span group, struct span topic, int32_t queue) {
  snprintf(out, FAKE_TEXT * 2, "%.*s/%.*s/%d", SPAN_ARG(group), SPAN_ARG(topic), queue);
}

int64_t fake_offset(const struct fake *f, const char *group, const char *topic, int32_t queue) {
  char key[FAKE_TEXT * 2];
  offset_key(key, span_text(group), span_text(topic), queue);
  struct fake_number *list = f->offsets;
  const struct fake_number *n = number_of(&list, key, false);
  return n == NULL ? -1 : n->value;
}

void fake_set_offset(struct fake *f, const char *group, const char *topic, int32_t queue, int64_t offset) {
  char key[FAKE_TEXT * 2];
  offset_key(key, span_text(group), span_text(topic), queue);
  number_of(&f->offsets, key, true)->value = offset;
}

static void reply_offset(struct fake *f, const struct reply_to *to, int64_t offset) {
  struct query_consumer_offset_response h = {0};
  HEADER_SET(query_consumer_offset_response, &h, offset, offset);
  remoting_reply(f->remoting, to, &(struct reply_out){.header = &query_consumer_offset_response_header, .fields = &h});
}

static void on_offset_request(struct fake *f, const struct reply_to *to, const struct command *cmd) {
  char group[FAKE_TEXT], topic[FAKE_TEXT];
  int32_t queue = 0;
  int64_t offset = 0;
  copy(group, command_ext(cmd, "consumerGroup"));
  copy(topic, command_ext(cmd, "topic"));
  span_to_i32(command_ext(cmd, "queueId"), &queue);
  span_to_i64(command_ext(cmd, "commitOffset"), &offset);
  switch (cmd->code) {
  case REQUEST_UPDATE_CONSUMER_OFFSET:
    fake_set_offset(f, group, topic, queue, offset);
    reply_code(f, to, RESPONSE_SUCCESS);
    return;
  case REQUEST_QUERY_CONSUMER_OFFSET:
    offset = fake_offset(f, group, topic, queue);
    if (offset < 0)
      reply_code(f, to, RESPONSE_QUERY_NOT_FOUND);
    else
      reply_offset(f, to, offset);
    return;
  case REQUEST_GET_MIN_OFFSET: reply_offset(f, to, f->illegal_from); return;
  default: reply_offset(f, to, max_offset(f, topic, queue)); return;
  }
}

static void on_lock(struct fake *f, const struct reply_to *to, const struct command *cmd) {
  struct arena arena;
  struct json *root;
  arena_init(&arena, 1 << 20);
  bool unlock = cmd->code == REQUEST_UNLOCK_BATCH_MQ;
  f->unlocks += unlock;
  f->locks_asked += !unlock;
  struct buf body;
  buf_init(&body, 1 << 20);
  struct json_writer w;
  json_writer_init(&w, &body, false);
  json_open_object(&w);
  json_key(&w, "lockOKMQSet");
  json_open_array(&w);
  if (json_parse(cmd->body, &JSON_LIMITS_DEFAULT, &arena, &root, NULL, NULL) == STATUS_OK) {
    char owner[FAKE_TEXT], key[FAKE_TEXT * 2];
    copy(owner, json_text(json_member(root, "clientId")));
    const struct json *set = json_member(root, "mqSet");
    for (const struct json *one = set == NULL ? NULL : set->children; one != NULL; one = one->next) {
      struct message_queue mq;
      message_queue_read(one, &mq);
      offset_key(key, SPAN_LITERAL("lock"), mq.topic, mq.queue_id);
      struct fake_number *lock = number_of(&f->locks, key, true);
      bool free_or_own = lock->owner[0] == '\0' || strcmp(lock->owner, owner) == 0;
      if (free_or_own) snprintf(lock->owner, FAKE_TEXT, "%s", unlock ? "" : owner);
      if (free_or_own) message_queue_write(&w, &mq);
    }
  }
  json_close_array(&w);
  json_close_object(&w);
  remoting_reply(f->remoting, to, &(struct reply_out){.body = buf_span(&body)});
  buf_fini(&body);
  arena_fini(&arena);
}

/* ---- pulls ---- */

static void on_pull(struct fake *f, const struct reply_to *to, const struct command *cmd, struct moment now) {
  struct pull_message_request h;
  const char *missing;
  char topic[FAKE_TEXT];
  f->pulls++;
  if (header_decode(&pull_message_request_header, cmd, false, &h, &missing) != STATUS_OK) {
    reply_code(f, to, RESPONSE_SYSTEM_ERROR);
    return;
  }
  copy(topic, h.topic);
  if (h.sysFlag & 1) {
    char group[FAKE_TEXT];
    copy(group, h.consumerGroup);
    fake_set_offset(f, group, topic, h.queueId, h.commitOffset);
    f->committed_by_pull = h.commitOffset;
  }
  bool nothing = h.queueOffset >= f->illegal_from && max_offset(f, topic, h.queueId) <= h.queueOffset;
  if (!nothing || !(h.sysFlag & 2)) {
    answer_pull(f, to, topic, h.queueId, h.queueOffset, h.maxMsgNums);
    return;
  }
  struct fake_parked *p = calloc(1, sizeof *p);
  *p = (struct fake_parked){.next = f->parked,
                            .to = *to,
                            .queue = h.queueId,
                            .offset = h.queueOffset,
                            .due_ms = now.mono_ms + h.suspendTimeoutMillis};
  snprintf(p->topic, sizeof p->topic, "%s", topic);
  f->parked = p;
}

/* Who does not know is asked at once, for the newest message. */
static void on_end(struct fake *f, const struct reply_to *to, const struct command *cmd, struct moment now) {
  struct end_transaction_request h;
  const char *missing;
  if (header_decode(&end_transaction_request_header, cmd, false, &h, &missing) != STATUS_OK) return;
  struct fake_end *e = &f->ends[f->end_count < FAKE_ENDS ? f->end_count : FAKE_ENDS - 1];
  *e = (struct fake_end){h.commitOrRollback, h.fromTransactionCheck, h.tranStateTableOffset, h.commitLogOffset, "", ""};
  copy(e->group, h.producerGroup);
  copy(e->message_id, h.msgId);
  f->end_count++;
  const struct fake_message *newest = f->messages;
  while (newest != NULL && newest->next != NULL) newest = newest->next;
  if (h.commitOrRollback != 0 || h.fromTransactionCheck || newest == NULL) return;
  struct check_transaction_state_request q = {0};
  HEADER_SET(check_transaction_state_request, &q, tranStateTableOffset, h.tranStateTableOffset);
  HEADER_SET(check_transaction_state_request, &q, commitLogOffset, h.commitLogOffset);
  HEADER_SET(check_transaction_state_request, &q, transactionId, SPAN_LITERAL("TX"));
  (void)!remoting_oneway_conn(f->remoting, to->conn,
                              &(struct request_out){.code = REQUEST_CHECK_TRANSACTION_STATE,
                                                    .header = &check_transaction_state_request_header,
                                                    .fields = &q,
                                                    .body = span_of(newest->record, newest->size)},
                              now);
}

static void on_request(void *owner, conn_id conn, const struct command *cmd, struct moment now) {
  struct fake *f = owner;
  struct reply_to to = reply_to(conn, cmd);
  switch (cmd->code) {
  case REQUEST_GET_ROUTEINTO_BY_TOPIC: on_route(f, &to, cmd); return;
  case REQUEST_SEND_MESSAGE_V2:
  case REQUEST_SEND_BATCH_MESSAGE: on_send(f, &to, cmd, now); return;
  case REQUEST_PULL_MESSAGE: on_pull(f, &to, cmd, now); return;
  case REQUEST_END_TRANSACTION: on_end(f, &to, cmd, now); return;
  case REQUEST_HEART_BEAT: on_heartbeat(f, &to, cmd, now); return;
  case REQUEST_UNREGISTER_CLIENT: on_unregister(f, &to, cmd, now); return;
  case REQUEST_GET_CONSUMER_LIST_BY_GROUP: on_members(f, &to, cmd); return;
  case REQUEST_CONSUMER_SEND_MSG_BACK: on_back(f, &to, cmd, now); return;
  case REQUEST_UPDATE_CONSUMER_OFFSET:
  case REQUEST_QUERY_CONSUMER_OFFSET:
  case REQUEST_GET_MIN_OFFSET:
  case REQUEST_GET_MAX_OFFSET: on_offset_request(f, &to, cmd); return;
  case REQUEST_LOCK_BATCH_MQ:
  case REQUEST_UNLOCK_BATCH_MQ: on_lock(f, &to, cmd); return;
  default: f->unsupported++; return;
  }
}

/* A member's connection is gone: so is the member, and its pulls. */
static void on_closed(void *owner, conn_id conn, const char *addr, const char *reason, struct moment now) {
  struct fake *f = owner;
  (void)addr, (void)reason;
  for (size_t g = 0; g < f->group_count; g++)
    for (size_t i = 0; i < f->groups[g].count; i++)
      if (f->groups[g].conns[i] == conn) leave_group(f, g, i, now);
  for (struct fake_parked **at = &f->parked; *at != NULL;) {
    struct fake_parked *p = *at;
    if (p->to.conn == conn) {
      *at = p->next;
      free(p);
    } else {
      at = &p->next;
    }
  }
}

/* ---- node ---- */

static void node_connection(struct node *node, const struct net_event *event, struct moment now) {
  remoting_connection(((struct fake *)node)->remoting, event, now);
}

static size_t node_bytes(struct node *node, conn_id conn, struct span input, struct moment now) {
  return remoting_bytes(((struct fake *)node)->remoting, conn, input, now);
}

static int64_t node_turn(struct node *node, struct moment now) {
  struct fake *f = (struct fake *)node;
  wake_parked(f, now.mono_ms);
  int64_t wake = remoting_turn(f->remoting, now);
  for (const struct fake_parked *p = f->parked; p != NULL; p = p->next)
    if (p->due_ms < wake) wake = p->due_ms;
  return wake;
}

void fake_init(struct fake *f, struct net *net, struct log *log, const char *name, const char *ip, uint16_t port) {
  static const struct node_ops ops = {.connection = node_connection, .bytes = node_bytes, .turn = node_turn};
  static const struct remoting_door door = {.request = on_request, .closed = on_closed};
  *f = (struct fake){.node.ops = &ops, .queue_count = 4, .send_failures = -1};
  f->messages_end = &f->messages;
  snprintf(f->name, sizeof f->name, "%s", name);
  uint16_t bound = port;
  if (net->ops->listen(net, ip, port, 0, &bound, NULL) != STATUS_OK) abort();
  snprintf(f->addr, sizeof f->addr, "%s:%u", ip, bound);
  struct remoting_config config;
  remoting_config_default(&config);
  f->remoting = remoting_new(&config, net, log, &door, f, 1);
  if (f->remoting == NULL) abort();
  f->brokers[0] = f;
  f->broker_count = 1;
}

static void free_numbers(struct fake_number *n) {
  while (n != NULL) {
    struct fake_number *next = n->next;
    free(n);
    n = next;
  }
}

void fake_fini(struct fake *f, struct moment now) {
  remoting_free(f->remoting, now);
  while (f->messages != NULL) {
    struct fake_message *next = f->messages->next;
    free(f->messages->record);
    free(f->messages);
    f->messages = next;
  }
  while (f->parked != NULL) {
    struct fake_parked *next = f->parked->next;
    free(f->parked);
    f->parked = next;
  }
  free_numbers(f->offsets);
  free_numbers(f->locks);
}
