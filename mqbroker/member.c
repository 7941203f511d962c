/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/member.h"

#include "core/wire/bodies.h"
#include "core/wire/codes.h"
#include "mqbroker/broker.h"
#include "mqbroker/handle/handle.h"

enum {
  TEXT_MAX = 256 << 20,
  PIECE_BYTES = 64 << 10,
  PIECE_TOPICS = 256,
  RECORD_ROOM = 4096,
  SAID_PART = 4,
  SYS_ROLLBACK = 0xC
};

static bool is_member(const struct broker *b) { return b->settings->enableDLegerCommitLog; }

/* ---- saying ---- */

/* The record that carries m->text, between records of messages. */
static void say(struct membership *m) {
  struct broker *b = m->broker;
  struct put_result put;
  struct message record = {.sys_flag = SYS_ROLLBACK,
                           .born_ms = b->now.wall_ms,
                           .born_host = b->address,
                           .store_host = b->address,
                           .body = buf_span(&m->text),
                           .topic = SPAN_LITERAL(MEMBER_TOPIC),
                           .properties = SPAN_LITERAL("")};
  enum put_status status = m->text.failed ? PUT_NO_MEMORY : store_put(b->store, &record, b->now, &put);
  if (status != PUT_OK && !m->owes) log_warn(b->log, "a change of topics or groups waits for the group's log");
  if (status != PUT_OK) m->owes = true;
}

static void text_begin(struct membership *m, struct json_writer *w) {
  buf_clear(&m->text);
  json_writer_init(w, &m->text, false);
  json_open_object(w);
}

static void text_end(struct membership *m, struct json_writer *w) {
  json_close_object(w);
  say(m);
}

static size_t piece_max(const struct broker *b) { return (size_t)b->settings->maxMessageSize - RECORD_ROOM; }

static void say_topic(struct membership *m, struct span name) {
  struct broker *b = m->broker;
  const struct topic *t = topics_find(&b->topics, name);
  struct json_writer w;
  text_begin(m, &w);
  if (t != NULL) {
    struct topic_config c;
    struct topic_table one = {.version = b->topics.version, .topics = &c, .count = 1};
    topic_to_config(t, &c);
    json_key(&w, "topics");
    topic_table_write(&w, &one);
  } else {
    json_key(&w, "topicGone");
    json_put_span(&w, name);
  }
  text_end(m, &w);
}

static void say_group(struct membership *m, struct span name) {
  struct broker *b = m->broker;
  struct json_writer w;
  text_begin(m, &w);
  if (groups_find(&b->groups, name) != NULL) {
    json_key(&w, "groups");
    groups_write_one(&b->groups, name, &w);
  } else {
    json_key(&w, "groupGone");
    json_put_span(&w, name);
  }
  text_end(m, &w);
}

/* All topics, in one record that replaces the table, or in several that add to it. */
static void say_topics(struct membership *m) {
  struct broker *b = m->broker;
  struct topic_table all;
  struct json_writer w;
  arena_reset(&m->arena);
  if (topics_snapshot(&b->topics, 0, PERM_READ | PERM_WRITE, &m->arena, &all) != STATUS_OK) {
    m->owes = true;
    return;
  }
  text_begin(m, &w);
  json_key(&w, "whole");
  json_put_bool(&w, true);
  json_key(&w, "topics");
  topic_table_write(&w, &all);
  if (m->text.len <= piece_max(b)) {
    text_end(m, &w);
    return;
  }
  for (size_t at = 0; at < all.count; at += PIECE_TOPICS) {
    size_t count = all.count - at < PIECE_TOPICS ? all.count - at : PIECE_TOPICS;
    struct topic_table piece = {.version = all.version, .topics = all.topics + at, .count = count};
    text_begin(m, &w);
    json_key(&w, "topics");
    topic_table_write(&w, &piece);
    text_end(m, &w);
  }
}

static void say_groups(struct membership *m) {
  struct broker *b = m->broker;
  struct json_writer w;
  text_begin(m, &w);
  json_key(&w, "whole");
  json_put_bool(&w, true);
  json_key(&w, "groups");
  groups_write(&b->groups, &w);
  if (m->text.len <= piece_max(b)) {
    text_end(m, &w);
    return;
  }
  for (struct map_entry *e = map_first(&b->groups.table); e != NULL; e = map_next(&b->groups.table, e))
    say_group(m, e->key);
}

/* ---- offsets ---- */

struct offsets_text {
  struct membership *m;
  struct json_writer w;
  bool open;
};

static void offsets_text_end(struct offsets_text *t) {
  if (!t->open) return;
  json_close_object(&t->w);
  json_close_object(&t->w);
  text_end(t->m, &t->w);
  t->open = false;
}

static void offsets_text_begin(struct offsets_text *t) {
  if (t->open) return;
  text_begin(t->m, &t->w);
  json_key(&t->w, "offsets");
  json_open_object(&t->w);
  json_key(&t->w, "offsetTable");
  json_open_object(&t->w);
  t->open = true;
}

/* What the group does not know yet of one table. */
static void say_offset_table(struct offsets_text *t, struct span key, const struct offset_table *o) {
  struct membership *m = t->m;
  bool any = false;
  for (int32_t i = 0; i < o->count; i++) {
    if (o->offsets[i] < 0 || offsets_get(&m->said, o->group, o->topic, i) == o->offsets[i]) continue;
    if (offsets_set(&m->said, o->group, o->topic, i, o->offsets[i]) != STATUS_OK) continue;
    if (!any) {
      offsets_text_begin(t);
      json_key_span(&t->w, key);
      json_open_inline_map(&t->w);
    }
    any = true;
    json_key_int(&t->w, i);
    json_put_int(&t->w, o->offsets[i]);
  }
  if (any) json_close_object(&t->w);
  if (m->text.len > PIECE_BYTES) offsets_text_end(t);
}

static void said_forget(struct membership *m) {
  offsets_fini(&m->said);
  if (offsets_init_file(&m->said, "", "", m->broker->seed) != STATUS_OK) m->owes = true;
}

static void say_offsets(struct membership *m) {
  struct offsets_text t = {.m = m};
  struct map *table = &m->broker->offsets.table;
  for (struct map_entry *e = map_first(table); e != NULL; e = map_next(table, e))
    say_offset_table(&t, e->key, e->value);
  offsets_text_end(&t);
}

static int64_t file_at(const struct broker *b, int64_t offset) { return offset / b->settings->mappedFileSizeCommitLog; }

/* Each file of the log says it, so that a member that begins with any of them knows all. */
static void say_all(struct membership *m) {
  const struct broker *b = m->broker;
  int64_t begin = dledger_end(b->repl);
  m->owes = false;
  said_forget(m);
  say_topics(m);
  if (!m->owes) say_groups(m);
  if (!m->owes) say_offsets(m);
  /* What does not fit well into a file may lie in two of them. */
  int64_t end = dledger_end(b->repl);
  m->said_file = file_at(b, end - begin < b->settings->mappedFileSizeCommitLog / SAID_PART ? begin : end);
}

static void on_topic(void *member, struct span name) {
  struct membership *m = member;
  if (!m->leads) return;
  if (name.ptr == NULL) say_topics(m);
  else say_topic(m, name);
}

static void on_group(void *member, struct span name) {
  struct membership *m = member;
  if (m->leads) say_group(m, name);
}

/* ---- hearing ---- */

static void hear_topics(struct broker *b, struct arena *arena, const struct json *value, bool whole) {
  struct topic_table table;
  if (topic_table_read(value, arena, &table) != STATUS_OK) return;
  if (whole) b->topics.version.counter = -1; /* whatever is here */
  if (whole) topics_take(&b->topics, &table, b->log);
  else topics_add(&b->topics, &table, b->log);
  broker_topics_changed(b);
}

static void hear_groups(struct broker *b, const struct json *value, bool whole) {
  if (whole) b->groups.version.counter = -1;
  if (whole) groups_take(&b->groups, value, b->log);
  else groups_add(&b->groups, value, b->log);
}

/* The queues' turn comes when nobody looks at them. */
static void hear_topic_gone(struct membership *m, struct span name) {
  struct broker *b = m->broker;
  topics_drop(&b->topics, name);
  broker_topics_changed(b);
  buf_put(&m->dropped, name);
  buf_put_u8(&m->dropped, 0);
}

void member_passed(struct membership *m, const struct message *record) {
  struct broker *b = m->broker;
  struct json *root;
  if (m->leads || !span_is(record->topic, MEMBER_TOPIC)) return;
  arena_reset(&m->arena);
  if (json_parse(record->body, &JSON_LIMITS_DEFAULT, &m->arena, &root, NULL, NULL) != STATUS_OK) {
    log_error(b->log, "the record at offset %lld is no table of the group's", (long long)record->physical_offset);
    return;
  }
  bool whole = json_bool(json_member(root, "whole"), false);
  const struct json *v;
  if ((v = json_member(root, "topics")) != NULL) hear_topics(b, &m->arena, v, whole);
  if ((v = json_member(root, "topicGone")) != NULL) hear_topic_gone(m, json_text(v));
  if ((v = json_member(root, "groups")) != NULL) hear_groups(b, v, whole);
  if ((v = json_member(root, "groupGone")) != NULL) groups_drop(&b->groups, json_text(v));
  if ((v = json_member(root, "offsets")) == NULL) return;
  if (offsets_read(&b->offsets, v, "the group's offsets", b->log) != STATUS_OK)
    log_error(b->log, "the group's offsets are not all known here: out of memory");
}

/* A topic that came back at once keeps its queues: its first message empties them. */
void member_followed(struct membership *m) {
  struct broker *b = m->broker;
  for (size_t at = 0; at < m->dropped.len;) {
    struct span name = span_text((const char *)m->dropped.ptr + at);
    at += name.len + 1;
    if (topics_find(&b->topics, name) != NULL) continue;
    enum status status = store_delete_topic(b->store, name);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
      log_error(b->log, "the queues of topic %.*s could not be removed: %s", SPAN_ARG(name), status_text(status));
  }
  buf_clear(&m->dropped);
}

/* ---- roles ---- */

static void answer_lost(void *broker, struct waiter *w, enum gate_outcome outcome) {
  (void)outcome;
  send_answer(broker, w, GATE_LEADER_LOST);
}

/* A Java leader says nothing of topics in its log, and what it said in other ways may have come too late. */
static void ensure_topic(void *broker, struct span topic, int32_t queue_id, int64_t min, int64_t max) {
  struct broker *b = broker;
  struct topic *t = topics_find(&b->topics, topic);
  (void)min, (void)max;
  if (span_is(topic, SCHEDULE_TOPIC) || (t != NULL && t->read_queues > queue_id)) return;
  struct topic_config c = {.name = topic, .perm = PERM_READ | PERM_WRITE};
  if (t != NULL) topic_to_config(t, &c);
  c.read_queues = queue_id + 1;
  if (c.write_queues < c.read_queues) c.write_queues = c.read_queues;
  log_warn(b->log, "dledger: topic %.*s has a queue %d that its settings lack: it has %d queues now", SPAN_ARG(topic),
           queue_id, c.write_queues);
  if (topics_put(&b->topics, &c, b->now) != STATUS_OK)
    log_error(b->log, "dledger: topic %.*s cannot be made", SPAN_ARG(topic));
}

void member_role(void *owner, enum dledger_role role, struct moment now) {
  struct membership *m = owner;
  struct broker *b = m->broker;
  struct broker_settings *s = b->settings;
  m->knows = true;
  if (role == DLEDGER_LEADS && dledger_followed_java(b->repl)) store_queues(b->store, ensure_topic, b);
  m->leads = role == DLEDGER_LEADS;
  s->brokerRole = m->leads ? ROLE_SYNC_MASTER : ROLE_SLAVE;
  s->brokerId = m->leads ? 0 : dledger_number(s->dLegerSelfId) + 1;
  log_info(b->log, "dledger: this broker is %s now, brokerId %lld", m->leads ? "master" : "slave",
           (long long)s->brokerId);
  gate_give_up(&b->gate, answer_lost, b);
  registration_role_changed(&b->registration);
  if (m->leads) broker_transactions_start(b, now);
  else transactions_stop(&b->transactions);
  if (m->leads) say_all(m);
  m->offsets_due_ms = now.mono_ms + s->dLegerOffsetInterval;
}

void member_leave(struct membership *m) {
  if (m->leads && !m->owes) say_offsets(m);
}

int64_t member_turn(struct membership *m, struct moment now) {
  struct broker *b = m->broker;
  if (!m->leads) return TIME_NEVER;
  bool new_file = file_at(b, dledger_end(b->repl)) != m->said_file;
  if ((m->owes || new_file) && store_refusal(b->store) == NULL) say_all(m);
  if (!b->offsets.dirty && now.mono_ms >= m->offsets_due_ms) return TIME_NEVER;
  if (now.mono_ms < m->offsets_due_ms) return m->offsets_due_ms;
  say_offsets(m);
  m->offsets_due_ms = now.mono_ms + b->settings->dLegerOffsetInterval;
  return m->offsets_due_ms;
}

const char *member_refusal(const struct membership *m) {
  if (!is_member(m->broker)) return NULL;
  if (!m->leads) return "this broker is not the group's master";
  return m->owes ? "a change of topics or groups waits for the group's log" : NULL;
}

void member_reply(struct membership *m, const struct reply_to *to, struct moment now) {
  struct broker *b = m->broker;
  if (!is_member(b)) {
    remoting_reply(b->remoting, to, &(struct reply_out){.code = RESPONSE_SUCCESS});
    return;
  }
  struct waiter w = {.to = *to,
                     .end_offset = dledger_end(b->repl),
                     .due_ms = now.mono_ms + b->settings->dLegerAckTimeout,
                     .plain = true,
                     .wants_replica = true};

  if (!m->owes && gate_reserve(&b->gate) == STATUS_OK) {
    gate_wait(&b->gate, &w);
    return;
  }
  remoting_reply_error(b->remoting, to, RESPONSE_SYSTEM_ERROR,
                       "the change is made here but waits for the group's log: it may or may not stay");
}

enum status member_init(struct membership *m, struct broker *b, uint64_t seed) {
  m->broker = b;
  buf_init(&m->text, TEXT_MAX);
  buf_init(&m->dropped, TEXT_MAX);
  arena_init(&m->arena, TEXT_MAX);
  if (is_member(b)) {
    b->topics.changed = on_topic;
    b->groups.changed = on_group;
    b->topics.context = b->groups.context = m;
  }
  return offsets_init_file(&m->said, "", "", seed);
}

void member_fini(struct membership *m) {
  buf_fini(&m->text);
  buf_fini(&m->dropped);
  arena_fini(&m->arena);
  offsets_fini(&m->said);
}
