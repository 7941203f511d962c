/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/slave_sync.h"

#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "core/wire/message.h"
#include "mqbroker/broker.h"

#include <stdio.h>

enum {
  FIRST_MS = 3000,
  PERIOD_MS = 10000,
  /* While the master has to be told of progress: consumers that start there must not read again. */
  OWN_PERIOD_MS = 1000,
  /* Under a Java leader of a DLedger group, which may die at any time: what it made since the last fetch is forgotten.
   */
  GROUP_PERIOD_MS = 3000,
  LOOK_MS = 1000, /* for such a leader's address */
  TIMEOUT_MS = 3000,
  VIP_DISTANCE = 2
};

static const struct {
  int code;
  const char *what;
} fetches[FETCH_KINDS] = {{REQUEST_GET_ALL_TOPIC_CONFIG, "topics"},
                          {REQUEST_GET_ALL_CONSUMER_OFFSET, "consumers' offsets"},
                          {REQUEST_GET_ALL_DELAY_OFFSET, "delayed messages' offsets"},
                          {REQUEST_GET_ALL_SUBSCRIPTIONGROUP_CONFIG, "consumer groups"}};

/* In a DLedger group all of this is in the log (member.h), unless its leader is Java's. */
static bool is_slave(const struct slave_sync *s) {
  const struct broker *b = s->broker;
  if (b->settings->brokerRole != ROLE_SLAVE) return false;
  return !b->settings->enableDLegerCommitLog || dledger_followed_java(b->repl);
}

enum status slave_sync_init(struct slave_sync *s, struct broker *b, uint64_t seed, struct moment now) {
  s->broker = b;
  s->due_ms = now.mono_ms + FIRST_MS;
  enum status status = offsets_init_file(&s->own, b->settings->storePathRootDir, "slaveOffset.json", seed);
  return status == STATUS_OK ? offsets_load(&s->own, b->disk, b->log) : status;
}

void slave_sync_fini(struct slave_sync *s) { offsets_fini(&s->own); }

static bool is_member(const struct slave_sync *s) { return s->broker->settings->enableDLegerCommitLog; }

static int64_t period_ms(const struct slave_sync *s) {
  if (map_count(&s->own.table) > 0) return OWN_PERIOD_MS;
  return is_member(s) ? GROUP_PERIOD_MS : PERIOD_MS;
}

void slave_sync_master_is(struct slave_sync *s, struct span address) {
  if (!is_slave(s) || span_is(address, s->master)) return;
  size_t colon = address.len;
  while (colon > 0 && address.ptr[colon - 1] != ':') colon--;
  int32_t port;
  bool known = address.len > 0 && colon > 0 && span_to_i32(span_from(address, colon), &port) && port > VIP_DISTANCE &&
               span_copy_text(address, s->master, sizeof s->master);
  if (!known) {
    s->master[0] = '\0';
    return;
  }
  int n = snprintf(s->vip, sizeof s->vip, "%.*s%d", (int)colon, s->master, port - VIP_DISTANCE);
  if (n >= (int)sizeof s->vip) s->master[0] = '\0';
  log_info(s->broker->log, "the master's address is %s", s->master);
  if (is_member(s)) s->due_ms = s->broker->now.mono_ms;
}

void slave_sync_committed(struct slave_sync *s, struct span group, struct span topic, int32_t queue_id,
                          int64_t offset) {
  if (!is_slave(s)) return;
  if (s->due_ms > s->broker->now.mono_ms + OWN_PERIOD_MS) s->due_ms = s->broker->now.mono_ms + OWN_PERIOD_MS;
  if (offsets_set(&s->own, group, topic, queue_id, offset) != STATUS_OK)
    log_warn(s->broker->log, "the master will not hear how far group %.*s is in %.*s queue %d", SPAN_ARG(group),
             SPAN_ARG(topic), queue_id);
}

/* ---- what comes back ---- */

static enum status take_topics(struct broker *b, const struct json *root) {
  struct topic_table table;
  enum status status = topic_table_read(root, &b->arena, &table);
  if (status != STATUS_OK) return status;
  if (topics_take(&b->topics, &table, b->log)) broker_topics_changed(b);
  return STATUS_OK;
}

/* A client would say it in the same words. */
static void tell_master(void *context, const struct offset_table *t, int32_t queue_id, int64_t offset) {
  struct slave_sync *s = context;
  struct broker *b = s->broker;
  struct update_consumer_offset_request h = {
      .consumerGroup = t->group, .topic = t->topic, .queueId = queue_id, .commitOffset = offset, .present = UINT64_MAX};
  struct request_out q = {
      .code = REQUEST_UPDATE_CONSUMER_OFFSET, .header = &update_consumer_offset_request_header, .fields = &h};
  if (remoting_oneway(b->remoting, s->master, &q, b->now) != STATUS_OK)
    log_debug(b->log, "master %s cannot be told of a group's progress now", s->master);
}

static enum status take_offsets(struct slave_sync *s, const struct json *root) {
  struct broker *b = s->broker;
  struct offsets theirs;
  enum status status = offsets_init_file(&theirs, b->settings->storePathRootDir, "", 0);
  if (status == STATUS_OK) status = offsets_read(&theirs, root, "the master's offsets", b->log);
  if (status == STATUS_OK) status = offsets_merge(&b->offsets, &s->own, &theirs, tell_master, s);
  offsets_fini(&theirs);
  return status;
}

static enum status take_delay_offsets(struct slave_sync *s, struct span body, const struct json *root) {
  struct broker *b = s->broker;
  if (b->delays.member) { /* its file has a form of its own, and it may lead any time */
    delays_told(&b->delays, root);
    return STATUS_OK;
  }
  char path[DISK_PATH_MAX];
  uint32_t crc = (uint32_t)body_crc32(body);
  if (body.len == 0 || crc == s->delay_crc) return STATUS_OK;
  if (snprintf(path, sizeof path, "%s/config/delayOffset.json", b->settings->storePathRootDir) >= (int)sizeof path)
    return STATUS_LIMIT;
  enum status status = disk_replace_whole(b->disk, path, body, true);
  if (status == STATUS_OK) s->delay_crc = crc;
  return status;
}

static enum status take(struct slave_sync *s, enum slave_fetch kind, struct span body) {
  struct broker *b = s->broker;
  struct json *root;
  arena_reset(&b->arena);
  enum status status = json_parse(body, &JSON_LIMITS_DEFAULT, &b->arena, &root, NULL, NULL);
  if (status != STATUS_OK) return status;
  switch (kind) {
  case FETCH_TOPICS:
    return take_topics(b, root);
  case FETCH_OFFSETS:
    return take_offsets(s, root);
  case FETCH_DELAY_OFFSETS:
    return take_delay_offsets(s, body, root);
  case FETCH_GROUPS:
    groups_take(&b->groups, root, b->log);
    return STATUS_OK;
  case FETCH_KINDS:
    break;
  }
  return STATUS_INVALID;
}

static void on_fetched(struct call *call, enum status status, const struct command *reply, struct moment now) {
  struct slave_sync *s = call->owner;
  enum slave_fetch kind = (enum slave_fetch)(call - s->calls);
  bool answered = status == STATUS_OK;
  char remark[160] = "";
  s->broker->now = now;
  if (answered && reply->code == RESPONSE_SUCCESS) {
    status = take(s, kind, reply->body);
  } else if (answered) {
    span_copy_text(reply->remark, remark, sizeof remark);
    status = STATUS_INVALID;
  }
  /* A master that never had a delayed message says so with an error. */
  if (status == STATUS_SHUTDOWN) return;
  bool failing = status != STATUS_OK && !(answered && kind == FETCH_DELAY_OFFSETS);
  if (failing && !s->failing[kind])
    log_warn(s->broker->log, "the master's %s cannot be fetched from %s: %s %s", fetches[kind].what,
             kind == FETCH_TOPICS ? s->vip : s->master, status_text(status), remark);
  s->failing[kind] = failing;
  if (!answered && is_member(s)) s->master[0] = '\0'; /* perhaps no name server has heard of another one yet */
}

/* ---- asking ---- */

/* A new leader is another address, which the name servers do not know at once; the next registration is far away. */
static void look_for_leader(struct slave_sync *s, struct moment now) {
  struct broker *b = s->broker;
  int64_t term = dledger_leader_term(b->repl);
  if (term != s->leader_term) s->master[0] = '\0';
  s->leader_term = term;
  if (term < 0 || s->master[0] != '\0' || now.mono_ms < s->look_ms) return;
  s->look_ms = now.mono_ms + LOOK_MS;
  if (s->due_ms > s->look_ms) s->due_ms = s->look_ms;
  registration_ask(&b->registration);
}

int64_t slave_sync_turn(struct slave_sync *s, struct moment now) {
  struct broker *b = s->broker;
  if (!is_slave(s)) return TIME_NEVER;
  if (is_member(s)) look_for_leader(s, now);
  if (now.mono_ms < s->due_ms) return s->due_ms;
  bool looks = is_member(s) && s->master[0] == '\0';
  s->due_ms = now.mono_ms + (looks ? LOOK_MS : period_ms(s));
  if (s->master[0] == '\0' || strcmp(s->master, b->registration.address) == 0) return s->due_ms;
  for (int kind = 0; kind < FETCH_KINDS; kind++) {
    struct call *call = &s->calls[kind];
    struct request_out q = {.code = fetches[kind].code};
    if (call->pending) continue;
    call->owner = s;
    call->done = on_fetched;
    enum status status = remoting_call(b->remoting, kind == FETCH_TOPICS ? s->vip : s->master, &q, TIMEOUT_MS, call,
                                       now);
    if (status != STATUS_OK) on_fetched(call, status, NULL, now);
  }
  return s->due_ms;
}
