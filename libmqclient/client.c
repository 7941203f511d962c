/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/client.h"

#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "libmqclient/transaction.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
  SCRATCH_MAX = 256 << 20, /* trees of the bodies of routes and consumer lists */
  POLL_GAP_MS = 200,       /* between route polls that failures ask for: a group elects a master in less than a second */
  REBALANCE_GAP_MS = 100,  /* between the rebalances of a consumer list that keeps changing */
  FIRST_PERSIST_MS = 10000
};

void client_config_default(struct client_config *c) {
  *c = (struct client_config){.create_topic_key = "TBW102",
                              .default_topic_queues = 4,
                              .poll_name_server_ms = 30000,
                              .heartbeat_ms = 30000,
                              .persist_offsets_ms = 5000,
                              .rebalance_ms = 20000,
                              .serialize = SERIALIZE_ROCKETMQ};
}

/* ---- jobs ---- */

enum status job_add(struct client *c, struct job *job, void (*run)(struct job *job, struct moment now)) {
  job->run = run;
  return timers_set(&c->timers, &job->timer, TIME_NEVER);
}

void job_at(struct client *c, struct job *job, int64_t due_ms) {
  /* It is in the heap, so this cannot fail. */
  if (timer_is_set(&job->timer)) (void)!timers_set(&c->timers, &job->timer, due_ms);
}

void job_remove(struct client *c, struct job *job) { timers_cancel(&c->timers, &job->timer); }

static void run_jobs(struct client *c, struct moment now) {
  struct timer *t;
  while (timers_next(&c->timers) <= now.mono_ms && (t = timers_pop(&c->timers, now.mono_ms)) != NULL) {
    struct job *job = (struct job *)((char *)t - offsetof(struct job, timer));
    /* Back into the place it just left: cannot fail. */
    (void)!timers_set(&c->timers, t, TIME_NEVER);
    job->run(job, now);
  }
}

static struct client *client_of(struct job *job, size_t offset) { return (struct client *)((char *)job - offset); }

static void run_poll(struct job *job, struct moment now) {
  struct client *c = client_of(job, offsetof(struct client, poll));
  c->polled_ms = now.mono_ms;
  job_at(c, job, now.mono_ms + c->config.poll_name_server_ms);
  route_ask_all(&c->routes, now);
}

static void run_heartbeat(struct job *job, struct moment now) {
  struct client *c = client_of(job, offsetof(struct client, heartbeat));
  job_at(c, job, now.mono_ms + c->config.heartbeat_ms);
  client_heartbeat(c, now);
}

static void run_persist(struct job *job, struct moment now) {
  struct client *c = client_of(job, offsetof(struct client, persist));
  job_at(c, job, now.mono_ms + c->config.persist_offsets_ms);
  for (struct member *m = c->members; m != NULL; m = m->next)
    if (m->ops->persist != NULL) m->ops->persist(m, now);
}

static void run_rebalance(struct job *job, struct moment now) {
  struct client *c = client_of(job, offsetof(struct client, rebalance));
  c->rebalanced_ms = now.mono_ms;
  job_at(c, job, now.mono_ms + c->config.rebalance_ms);
  for (struct member *m = c->members; m != NULL; m = m->next)
    if (m->ops->rebalance != NULL) m->ops->rebalance(m, now);
}

void client_poll_soon(struct client *c, struct moment now) {
  if (!c->started) return;
  int64_t due = c->polled_ms + POLL_GAP_MS;
  if (due < now.mono_ms) due = now.mono_ms;
  if (due < c->poll.timer.due_ms) job_at(c, &c->poll, due);
}

void client_poll_within(struct client *c, int delay_ms, struct moment now) {
  if (c->started && now.mono_ms + delay_ms < c->poll.timer.due_ms) job_at(c, &c->poll, now.mono_ms + delay_ms);
}

void client_rebalance_soon(struct client *c, struct moment now) {
  if (!c->started) return;
  int64_t due = c->rebalanced_ms + REBALANCE_GAP_MS;
  if (due < now.mono_ms) due = now.mono_ms;
  if (due < c->rebalance.timer.due_ms) job_at(c, &c->rebalance, due);
}

/* ---- what the connections say ---- */

/* ClientRemotingProcessor.checkTransactionState: who does not answer is asked again. */
static void on_question(struct client *c, conn_id conn, const struct command *cmd, struct moment now) {
  struct transaction_question q;
  if (transaction_read(conn, cmd, &q) != STATUS_OK) {
    log_info(c->log, "a broker asked for a transaction that it did not name");
    return;
  }
  for (struct member *m = c->members; m != NULL; m = m->next)
    if (!m->consumer && m->ops->asked != NULL && span_is(q.group, m->group)) m->ops->asked(m, &q, now);
}

static void on_request(void *owner, conn_id conn, const struct command *cmd, struct moment now) {
  struct client *c = owner;
  struct reply_to to = reply_to(conn, cmd);
  if (cmd->code == REQUEST_NOTIFY_CONSUMER_IDS_CHANGED) {
    client_rebalance_soon(c, now);
    return;
  }
  if (cmd->code == REQUEST_CHECK_TRANSACTION_STATE) {
    on_question(c, conn, cmd, now);
    return;
  }
  /* NettyRemotingAbstract.processRequestCommand: an endpoint without a default processor. */
  remoting_reply_error(c->remoting, &to, RESPONSE_REQUEST_CODE_NOT_SUPPORTED, " request type %d not supported",
                       cmd->code);
}

static void on_opened(void *owner, conn_id conn, int listener, const struct net_peer *peer, const char *addr,
                      struct moment now) {
  struct client *c = owner;
  (void)listener, (void)peer;
  /* A broker that came back has forgotten us; Java tells it up to 30 s later. */
  struct server *s = addr == NULL ? NULL : map_get(&c->routes.servers, span_text(addr));
  if (s == NULL) return;
  s->conn = conn;
  if (!s->heartbeat.pending) client_greet_new(c, now);
}

static void on_closed(void *owner, conn_id conn, const char *addr, const char *reason, struct moment now) {
  struct client *c = owner;
  (void)conn;
  struct server *s = addr == NULL ? NULL : map_get(&c->routes.servers, span_text(addr));
  if (s == NULL) return;
  log_info(c->log, "connection to broker %s ended: %s", addr, reason);
  s->greeted = false;
  s->conn = 0;
  client_poll_soon(c, now);
}

enum status client_call(struct client *c, const struct server *s, const struct request_out *request, int timeout_ms,
                        struct call *call, struct moment now) {
  return s->conn != 0 ? remoting_call_conn(c->remoting, s->conn, request, timeout_ms, call, now)
                      : remoting_call(c->remoting, s->addr, request, timeout_ms, call, now);
}

enum status client_oneway(struct client *c, const struct server *s, const struct request_out *request,
                          struct moment now) {
  return s->conn != 0 ? remoting_oneway_conn(c->remoting, s->conn, request, now)
                      : remoting_oneway(c->remoting, s->addr, request, now);
}

/* ---- the node ---- */

static void node_connection(struct node *node, const struct net_event *event, struct moment now) {
  remoting_connection(((struct client *)node)->remoting, event, now);
}

static size_t node_bytes(struct node *node, conn_id conn, struct span input, struct moment now) {
  return remoting_bytes(((struct client *)node)->remoting, conn, input, now);
}

static int64_t node_turn(struct node *node, struct moment now) {
  struct client *c = (struct client *)node;
  run_jobs(c, now);
  int64_t wake = remoting_turn(c->remoting, now);
  int64_t own = timers_next(&c->timers);
  return own < wake ? own : wake;
}

static const struct node_ops client_node_ops = {
    .connection = node_connection, .bytes = node_bytes, .turn = node_turn};

/* ---- life ---- */

static enum status copy_config(struct client *c, const struct client_config *config) {
  c->config = *config;
  c->config.name_servers = NULL;
  c->config.client_id = strdup(config->client_id);
  c->config.create_topic_key = strdup(config->create_topic_key);
  return c->config.client_id == NULL || c->config.create_topic_key == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static struct remoting *open_remoting(struct client *c) {
  static const struct remoting_door door = {.request = on_request, .opened = on_opened, .closed = on_closed};
  struct remoting_config config;
  remoting_config_default(&config);
  config.serialize = c->config.serialize;
  config.language = LANGUAGE_CPP;
  return remoting_new(&config, c->net, c->log, &door, c, prng_next(&c->prng));
}

enum status client_new(const struct client_config *config, struct net *net, struct disk *disk, struct log *log,
                       uint64_t seed, struct client **out) {
  struct client *c = calloc(1, sizeof *c);
  if (c == NULL) return STATUS_NO_MEMORY;
  c->node.ops = &client_node_ops;
  c->net = net;
  c->disk = disk;
  c->log = log;
  prng_init(&c->prng, seed);
  timers_init(&c->timers);
  route_table_init(&c->routes, c, prng_next(&c->prng));
  buf_init(&c->body, FRAME_LENGTH_MAX_DEFAULT);
  arena_init(&c->scratch, SCRATCH_MAX);
  /* So that the first request for it is served at once. */
  c->polled_ms = c->rebalanced_ms = INT64_MIN / 2;
  enum status status = copy_config(c, config);
  if (status == STATUS_OK) status = name_servers_init(&c->name_servers, config->name_servers, &c->prng);
  if (status == STATUS_OK && (c->remoting = open_remoting(c)) == NULL) status = STATUS_NO_MEMORY;
  if (status == STATUS_OK) {
    *out = c;
  } else {
    client_free(c, (struct moment){0});
  }
  return status;
}

enum status client_start(struct client *c, struct moment now) {
  enum status status = job_add(c, &c->poll, run_poll);
  if (status == STATUS_OK) status = job_add(c, &c->heartbeat, run_heartbeat);
  if (status == STATUS_OK) status = job_add(c, &c->persist, run_persist);
  if (status == STATUS_OK) status = job_add(c, &c->rebalance, run_rebalance);
  if (status != STATUS_OK) return status;
  job_at(c, &c->poll, now.mono_ms + c->config.poll_name_server_ms);
  job_at(c, &c->heartbeat, now.mono_ms + c->config.heartbeat_ms);
  job_at(c, &c->persist, now.mono_ms + FIRST_PERSIST_MS);
  job_at(c, &c->rebalance, now.mono_ms + c->config.rebalance_ms);
  c->started = true;
  return STATUS_OK;
}

void client_free(struct client *c, struct moment now) {
  if (c == NULL) return;
  c->started = false;
  remoting_free(c->remoting, now);
  route_table_fini(&c->routes);
  name_servers_fini(&c->name_servers);
  timers_fini(&c->timers);
  buf_fini(&c->body);
  arena_fini(&c->scratch);
  free((char *)c->config.client_id);
  free((char *)c->config.create_topic_key);
  free(c);
}

enum status client_add(struct client *c, struct member *m, struct moment now) {
  for (struct member *other = c->members; other != NULL; other = other->next)
    if (other->consumer == m->consumer && strcmp(other->group, m->group) == 0) return STATUS_EXISTS;
  struct member **end = &c->members;
  while (*end != NULL) end = &(*end)->next;
  *end = m;
  m->next = NULL;
  client_heartbeat(c, now);
  return STATUS_OK;
}

void client_remove(struct client *c, struct member *m) {
  for (struct member **at = &c->members; *at != NULL; at = &(*at)->next)
    if (*at == m) {
      *at = m->next;
      return;
    }
}

/* ---- errors ---- */

enum mq_result error_set(struct mq_error *e, enum mq_result result, const char *format, ...) {
  e->result = result;
  e->broker_code = 0;
  va_list args;
  va_start(args, format);
  vsnprintf(e->text, sizeof e->text, format, args);
  va_end(args);
  return result;
}

enum mq_result error_of_status(struct mq_error *e, enum status status, const char *peer) {
  switch (status) {
  case STATUS_TIMEOUT: return error_set(e, MQ_TIMEOUT, "%s did not answer in time", peer);
  case STATUS_CLOSED: return error_set(e, MQ_CLOSED, "the connection to %s was closed before the answer came", peer);
  case STATUS_UNREACHABLE: return error_set(e, MQ_UNREACHABLE, "cannot connect to %s", peer);
  case STATUS_SHUTDOWN: return error_set(e, MQ_STOPPED, "stopped before %s answered", peer);
  case STATUS_NO_MEMORY: return error_set(e, MQ_NO_MEMORY, "out of memory");
  case STATUS_LIMIT: return error_set(e, MQ_TOO_LARGE, "the request to %s is larger than a frame may be", peer);
  default: return error_set(e, MQ_INVALID, "%s: %s", peer, status_text(status));
  }
}

enum mq_result error_of_reply(struct mq_error *e, const struct command *reply) {
  if (reply->remark.ptr == NULL)
    error_set(e, MQ_REFUSED, "%s", response_code_name(reply->code));
  else
    error_set(e, MQ_REFUSED, "%.*s", SPAN_ARG(reply->remark));
  e->broker_code = reply->code;
  return MQ_REFUSED;
}
