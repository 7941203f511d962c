/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a topic from its first offset until --expect distinct messages were
 * seen or the time is up, then 2 s more to see duplicates.
 */
#include "tests/interop/peer_tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUIET_MS 2000
#define PULL_MAX 32
#define STOP_TIMEOUT_MS 10000
#define QUEUES_MAX 64

/* What a push consumer of the group has of the topic, a line each time that changes. */
struct share_report {
  const char *topic;
  FILE *out; /* NULL: nobody wants it */
  bool has[QUEUES_MAX];
};

struct consumer {
  struct tally tally;
  struct share_report share;
  mq_client *client;
  const char *topic, *group;
  const char *expression;
  bool sql, at_least;
  int expect;
  int64_t deadline_ms;
};

static bool is_complete(struct consumer *c) { return tally_distinct(&c->tally) >= c->expect; }

/* ---- push ---- */

/* The library says so in its log, from one thread. */
static void share_follow(void *context, enum mq_log_level level, const char *line) {
  struct share_report *r = context;
  char verb[8], topic[256];
  int queue;
  (void)level;
  if (sscanf(line, "group %*s %7s", verb) != 1) return;
  bool takes = strcmp(verb, "takes") == 0;
  const char *rest = strstr(line, " queue ");
  if (rest == NULL || (!takes && strcmp(verb, "gives") != 0)) return;
  if (sscanf(rest, " queue %d of topic %255s", &queue, topic) != 2 || strcmp(topic, r->topic) != 0) return;
  if (queue < 0 || queue >= QUEUES_MAX) return;
  r->has[queue] = takes;
  for (int i = 0; i < QUEUES_MAX; i++)
    if (r->has[i]) fprintf(r->out, "%d ", i);
  fputc('\n', r->out);
  fflush(r->out);
}

static enum mq_consume_result on_messages(void *context, const mq_message *const *messages, size_t count) {
  struct consumer *c = context;
  for (size_t i = 0; i < count; i++) tally_add(&c->tally, messages[i]);
  return MQ_CONSUME_SUCCESS;
}

static enum mq_result push_subscribe(struct consumer *c, mq_push_consumer *push, struct mq_error *error) {
  return c->sql ? mq_push_consumer_subscribe_sql(push, c->topic, c->expression, error)
                : mq_push_consumer_subscribe(push, c->topic, c->expression, error);
}

/* With --at-least the end is not known before, so the whole time is used. */
static void push_wait(struct consumer *c) {
  while (peer_now_ms() < c->deadline_ms && (c->at_least || !is_complete(c))) peer_sleep_ms(50);
  peer_sleep_ms(QUIET_MS);
}

static bool consume_pushed(struct consumer *c) {
  struct mq_error error;
  mq_push_consumer *push = NULL;
  bool ok = mq_push_consumer_new(c->client, c->group, &push, &error) == MQ_OK &&
            push_subscribe(c, push, &error) == MQ_OK;
  if (ok && c->tally.check_order) mq_push_consumer_listen_ordered(push, on_messages, c);
  if (ok && !c->tally.check_order) mq_push_consumer_listen(push, on_messages, c);
  ok = ok && mq_push_consumer_start(push, &error) == MQ_OK;
  if (ok) {
    push_wait(c);
    ok = mq_push_consumer_stop(push, STOP_TIMEOUT_MS, &error) == MQ_OK;
  }
  if (!ok) peer_complain("push consumer", &error);
  mq_push_consumer_free(push);
  return ok;
}

/* ---- pull ---- */

static void pulled_add(struct consumer *c, const struct mq_pull_request *request, const mq_message *message) {
  if (mq_message_queue(message).id != request->queue.id || mq_message_queue_offset(message) < request->offset)
    tally_disorder(&c->tally, "message of another place", message);
  tally_add(&c->tally, message);
}

/* Pulls from *offset and moves it on. *moved becomes true if it did. */
static enum mq_result pull_once(struct consumer *c, mq_pull_consumer *pull, struct mq_queue queue, int64_t *offset,
                                bool *moved, struct mq_error *error) {
  struct mq_pull_request request = {.topic = c->topic,
                                    .queue = queue,
                                    .expression = c->expression,
                                    .sql = c->sql,
                                    .offset = *offset,
                                    .max_messages = PULL_MAX};
  mq_pull_result *result;
  enum mq_result outcome = mq_pull_consumer_pull(pull, &request, &result, error);
  if (outcome != MQ_OK) return outcome;
  if (mq_pull_result_status(result) == MQ_PULL_OFFSET_ILLEGAL) tally_disorder(&c->tally, "illegal offset", NULL);
  for (size_t i = 0; i < mq_pull_result_count(result); i++) pulled_add(c, &request, mq_pull_result_message(result, i));
  int64_t next = mq_pull_result_next_offset(result);
  mq_pull_result_free(result);
  *moved |= next != *offset;
  *offset = next;
  return MQ_OK;
}

/* Goes round the queues; stops after 2 s in which nothing new came. */
static enum mq_result pull_all(struct consumer *c, mq_pull_consumer *pull, const mq_queue_list *queues,
                               int64_t *offsets, struct mq_error *error) {
  enum mq_result outcome = MQ_OK;
  int64_t quiet_since = peer_now_ms();
  while (outcome == MQ_OK && peer_now_ms() < c->deadline_ms) {
    bool moved = false;
    for (size_t i = 0; i < mq_queue_list_count(queues) && outcome == MQ_OK; i++)
      outcome = pull_once(c, pull, mq_queue_list_get(queues, i), &offsets[i], &moved, error);
    if (moved) {
      quiet_since = peer_now_ms();
      continue;
    }
    if (peer_now_ms() - quiet_since > QUIET_MS && is_complete(c)) break;
    peer_sleep_ms(20);
  }
  return outcome;
}

static enum mq_result pull_from_start(struct consumer *c, mq_pull_consumer *pull, const mq_queue_list *queues,
                                      struct mq_error *error) {
  size_t count = mq_queue_list_count(queues);
  int64_t *offsets = calloc(count + 1, sizeof *offsets);
  enum mq_result outcome = offsets == NULL ? MQ_NO_MEMORY : MQ_OK;
  *error = (struct mq_error){.result = outcome};
  for (size_t i = 0; i < count && outcome == MQ_OK; i++)
    outcome = mq_pull_consumer_min_offset(pull, c->topic, mq_queue_list_get(queues, i), &offsets[i], error);
  if (outcome == MQ_OK) outcome = pull_all(c, pull, queues, offsets, error);
  for (size_t i = 0; i < count && outcome == MQ_OK; i++)
    outcome = mq_pull_consumer_commit(pull, c->topic, mq_queue_list_get(queues, i), offsets[i], error);
  free(offsets);
  return outcome;
}

static bool consume_pulled(struct consumer *c) {
  struct mq_error error;
  mq_pull_consumer *pull = NULL;
  mq_queue_list *queues = NULL;
  bool ok = mq_pull_consumer_start(c->client, c->group, &pull, &error) == MQ_OK &&
            mq_pull_consumer_queues(pull, c->topic, &queues, &error) == MQ_OK &&
            pull_from_start(c, pull, queues, &error) == MQ_OK &&
            mq_pull_consumer_stop(pull, STOP_TIMEOUT_MS, &error) == MQ_OK;
  if (!ok) peer_complain("pull consumer", &error);
  mq_queue_list_free(queues);
  mq_pull_consumer_free(pull);
  return ok;
}

/* ---- start and end ---- */

static bool client_open(struct consumer *c, const char *servers, bool broadcast) {
  struct mq_error error = {.result = MQ_NO_MEMORY};
  mq_config *config = mq_config_new();
  if (config != NULL && c->share.out != NULL) mq_config_log_to(config, MQ_LOG_INFO, share_follow, &c->share);
  bool ok = config != NULL && mq_config_set(config, "namesrvAddr", servers, &error) == MQ_OK &&
            mq_config_set(config, "consumeFromWhere", "CONSUME_FROM_FIRST_OFFSET", &error) == MQ_OK &&
            mq_config_set(config, "messageModel", broadcast ? "BROADCASTING" : "CLUSTERING", &error) == MQ_OK &&
            mq_client_start(config, &c->client, &error) == MQ_OK;
  if (!ok) peer_complain("start", &error);
  mq_config_free(config);
  return ok;
}

static bool is_enough(const struct consumer *c) {
  const struct tally *t = &c->tally;
  bool enough = c->at_least ? t->distinct >= c->expect : t->distinct == c->expect;
  return enough && t->duplicates == 0 && t->disorder == 0 && t->corrupt == 0 && t->lost == 0;
}

enum { NAMESRV, TOPIC, GROUP, EXPECT, TIMEOUT, MODE, SUB, CHECK_ORDER, AT_LEAST, MUST_HAVE, SHARE_TO, OPTIONS };

static int consume(struct consumer *c, const struct option *o, bool pull, bool broadcast) {
  tally_init(&c->tally);
  bool ok = client_open(c, o[NAMESRV].value, broadcast) && (pull ? consume_pulled(c) : consume_pushed(c));
  mq_client_free(c->client);
  if (o[MUST_HAVE].value != NULL) ok &= tally_look_for_lost(&c->tally, o[MUST_HAVE].value);
  tally_print(&c->tally);
  ok &= is_enough(c);
  tally_fini(&c->tally);
  return ok ? PEER_OK : PEER_FAILED;
}

int consume_main(int argc, char **argv) {
  struct option o[OPTIONS] = {
      [NAMESRV] = {"-n", NULL, true},
      [TOPIC] = {"-t", NULL, true},
      [GROUP] = {"-g", NULL, true},
      [EXPECT] = {"--expect", NULL, true},
      [TIMEOUT] = {"--timeout", "60", false},
      [MODE] = {"--mode", "push", false},
      [SUB] = {"--sub", "*", false},
      [CHECK_ORDER] = {"--check-order", "0", false},
      [AT_LEAST] = {"--at-least", "0", false},
      [MUST_HAVE] = {"--must-have", NULL, false},
      [SHARE_TO] = {"--share-to", NULL, false},
  };
  if (!options_parse(o, OPTIONS, argc, argv)) return PEER_USAGE;
  bool push = strcmp(o[MODE].value, "push") == 0, pull = strcmp(o[MODE].value, "pull") == 0;
  bool broadcast = strcmp(o[MODE].value, "broadcast") == 0;
  if (!push && !pull && !broadcast) {
    fprintf(stderr, "--mode %s: no such mode\n", o[MODE].value);
    return PEER_USAGE;
  }
  const char *sub = o[SUB].value;
  bool sql = strncmp(sub, "sql:", 4) == 0;
  struct consumer c = {
      .tally = {.topic = o[TOPIC].value,
                .tags = sql || strcmp(sub, "*") == 0 ? NULL : sub,
                .check_order = option_number(&o[CHECK_ORDER]) != 0,
                .sparse = sql},
      .share = {.topic = o[TOPIC].value},
      .topic = o[TOPIC].value,
      .group = o[GROUP].value,
      .expression = sql ? sub + 4 : sub,
      .sql = sql,
      .at_least = option_number(&o[AT_LEAST]) != 0,
      .expect = option_number(&o[EXPECT]),
      .deadline_ms = peer_now_ms() + (int64_t)option_number(&o[TIMEOUT]) * 1000,
  };
  if (o[SHARE_TO].value != NULL) c.share.out = fopen(o[SHARE_TO].value, "w");
  if (o[SHARE_TO].value != NULL && c.share.out == NULL) {
    perror(o[SHARE_TO].value);
    return PEER_FAILED;
  }
  int outcome = consume(&c, o, pull, broadcast);
  if (c.share.out != NULL) fclose(c.share.out);
  return outcome;
}
