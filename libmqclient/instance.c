/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/instance.h"

#include "core/wire/message.h"
#include "host/uv/machine_uv.h"

#include <stdio.h>
#include <stdlib.h>

/* More than maxPendingSendBytes may be, so that waiting sends never close a connection. */
enum { OUTBOX_MAX = 512 << 20 };

/* ---- the loop's side ---- */

static void run_inbox(struct mq_client *c, struct moment now) {
  struct post *newest = atomic_exchange_explicit(&c->inbox, NULL, memory_order_acquire);
  struct post *oldest = NULL;
  while (newest != NULL) {
    struct post *next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  while (oldest != NULL) {
    struct post *next = oldest->next;
    oldest->run(oldest, now);
    oldest = next;
  }
}

static void node_connection(struct node *node, const struct net_event *event, struct moment now) {
  struct node *core = &((struct mq_client *)node)->core->node;
  core->ops->connection(core, event, now);
}

static size_t node_bytes(struct node *node, conn_id conn, struct span input, struct moment now) {
  struct node *core = &((struct mq_client *)node)->core->node;
  return core->ops->bytes(core, conn, input, now);
}

static int64_t node_turn(struct node *node, struct moment now) {
  struct mq_client *c = (struct mq_client *)node;
  run_inbox(c, now);
  int64_t wake = c->core->node.ops->turn(&c->core->node, now);
  for (struct turn_end *end = c->turn_ends; end != NULL; end = end->next) end->run(end);
  return wake;
}

static const struct node_ops instance_node_ops = {
    .connection = node_connection, .bytes = node_bytes, .turn = node_turn};

void instance_add_turn_end(struct mq_client *c, struct turn_end *end) {
  end->next = c->turn_ends;
  c->turn_ends = end;
}

void instance_remove_turn_end(struct mq_client *c, struct turn_end *end) {
  for (struct turn_end **at = &c->turn_ends; *at != NULL; at = &(*at)->next)
    if (*at == end) {
      *at = end->next;
      return;
    }
}

/* ---- other threads ---- */

static void woken(void *arg) { (void)arg; /* the turn that follows takes the inbox */ }

void instance_post(struct mq_client *c, struct post *post) {
  struct post *head = atomic_load_explicit(&c->inbox, memory_order_relaxed);
  do post->next = head;
  while (!atomic_compare_exchange_weak_explicit(&c->inbox, &head, post, memory_order_release, memory_order_relaxed));
  /* Who finds the inbox empty wakes the loop, for all who come before it is taken. */
  if (head == NULL) uv_host_post(c->host, &c->wake, woken, NULL);
}

enum mq_result error_give(struct mq_error *to, const struct mq_error *from) {
  if (to != NULL && from->result != MQ_OK) *to = *from;
  return from->result;
}

bool instance_may_block(struct mq_client *c, struct mq_error *error) {
  if (!uv_host_is_loop_thread(c->host)) return true;
  struct mq_error e;
  error_set(&e, MQ_INVALID, "a blocking function was called in a callback of the client's own thread");
  error_give(error, &e);
  return false;
}

enum mq_result instance_wait(struct mq_client *c, struct waiting *w, struct mq_error *error) {
  if (!instance_may_block(c, error)) return MQ_INVALID;
  latch_init(&w->latch);
  instance_post(c, &w->post);
  latch_wait(&w->latch, -1);
  latch_fini(&w->latch);
  return error_give(error, &w->error);
}

enum mq_result group_check(const char *group, struct mq_error *error) {
  const char *why = "not valid";
  if (group != NULL && group_name_valid(span_text(group), &why)) return MQ_OK;
  struct mq_error e;
  error_set(&e, MQ_INVALID, "group \"%s\": %s", group == NULL ? "" : group, why);
  return error_give(error, &e);
}

/* ---- queues of a topic ---- */

struct queues_question {
  struct waiting w; /* first */
  struct mq_client *client;
  struct route_waiter waiter;
  struct route *route;
  const char *topic;
  bool publish;
  enum mq_result (*need)(void *owner, const char *topic, struct moment now, struct mq_error *error);
  void *owner;
  struct mq_queue_list *list;
};

static void queues_known(struct route_waiter *waiter, struct moment now) {
  struct queues_question *q = (struct queues_question *)((char *)waiter - offsetof(struct queues_question, waiter));
  (void)now;
  const struct route *r = q->route;
  size_t n = q->publish ? r->publish_count : r->subscribe_count;
  if (n == 0) {
    q->w.error = r->error;
    if (r->error.result == MQ_OK)
      error_set(&q->w.error, MQ_NO_ROUTE, "topic %s has no %s queue", q->topic, q->publish ? "writable" : "readable");
  } else if ((q->list = malloc(sizeof *q->list + n * sizeof(struct queue_ref))) == NULL) {
    error_set(&q->w.error, MQ_NO_MEMORY, "out of memory");
  } else {
    struct queue_ref *items = (struct queue_ref *)(q->list + 1);
    memcpy(items, q->publish ? r->publish : r->subscribe, n * sizeof *items);
    *q->list = (struct mq_queue_list){items, n};
  }
  latch_open(&q->w.latch);
}

static void ask_queues(struct post *post, struct moment now) {
  struct queues_question *q = (struct queues_question *)post;
  if (q->need != NULL && q->need(q->owner, q->topic, now, &q->w.error) != MQ_OK) {
    latch_open(&q->w.latch);
    return;
  }
  q->route = route_get(&q->client->core->routes, span_text(q->topic));
  if (q->route == NULL) {
    error_set(&q->w.error, MQ_NO_MEMORY, "no room for one more topic");
    latch_open(&q->w.latch);
    return;
  }
  q->waiter.done = queues_known;
  route_wait(q->route, &q->waiter, now);
}

enum mq_result instance_queues(struct mq_client *c, const char *topic, bool publish,
                               enum mq_result (*need)(void *owner, const char *topic, struct moment now,
                                                      struct mq_error *error),
                               void *owner, mq_queue_list **out, struct mq_error *error) {
  struct queues_question q = {
      .w.post.run = ask_queues, .client = c, .topic = topic, .publish = publish, .need = need, .owner = owner};
  enum mq_result result = instance_wait(c, &q.w, error);
  if (result == MQ_OK) *out = q.list;
  return result;
}

size_t mq_queue_list_count(const mq_queue_list *queues) { return queues->count; }

struct mq_queue mq_queue_list_get(const mq_queue_list *queues, size_t i) {
  return (struct mq_queue){queues->items[i].broker->name, queues->items[i].id};
}

void mq_queue_list_free(mq_queue_list *queues) { free(queues); }

/* ---- life ---- */

static void log_line_out(struct log *log, enum log_level level, const char *line) {
  const struct mq_config *s = ((const struct mq_client *)log->context)->settings;
  s->log_write(s->log_context, (enum mq_log_level)level, line);
}

/* Two clients of a process must be two members of their groups; broadcasting needs the same folder next time. */
static void make_id(struct mq_client *c) {
  static atomic_uint instances;
  const struct mq_config *s = c->settings;
  char ip[MACHINE_ADDRESS_MAX];
  unsigned number = atomic_fetch_add(&instances, 1);
  if (s->clientIP == NULL) machine_local_address(ip);
  const char *address = s->clientIP == NULL ? ip : s->clientIP;
  char instance[64];
  if (s->messageModel == MODEL_BROADCASTING)
    snprintf(instance, sizeof instance, "DEFAULT");
  else
    snprintf(instance, sizeof instance, "%d#%u", machine_pid(), number);
  const char *name = s->instanceName == NULL || strcmp(s->instanceName, "DEFAULT") == 0 ? instance : s->instanceName;
  snprintf(c->id, sizeof c->id, "%s@%s%s%s", address, name, s->unitName == NULL ? "" : "@",
           s->unitName == NULL ? "" : s->unitName);
  uniq_ids_init(&c->ids, address, machine_pid(), (uint32_t)machine_seed());
}

static enum status open_core(struct mq_client *c) {
  struct uv_host_config host_config;
  uv_host_config_default(&host_config);
  host_config.outbox_max = OUTBOX_MAX;
  c->host = uv_host_new(&host_config, &c->log);
  if (c->host == NULL) return STATUS_NO_MEMORY;
  const struct mq_config *s = c->settings;
  struct client_config config;
  client_config_default(&config);
  config.name_servers = s->namesrvAddr;
  config.client_id = c->id;
  config.create_topic_key = s->createTopicKey;
  config.default_topic_queues = s->defaultTopicQueueNums;
  config.poll_name_server_ms = s->pollNameServerInterval;
  config.heartbeat_ms = s->heartbeatBrokerInterval;
  config.persist_offsets_ms = s->persistConsumerOffsetInterval;
  config.rebalance_ms = s->rebalanceInterval;
  config.serialize = (enum serialize)s->serializeType;
  config.access_key = s->accessKey;
  config.secret_key = s->secretKey;
  config.security_token = s->securityToken;
  enum status status =
      client_new(&config, uv_host_net(c->host), uv_host_disk(c->host), &c->log, machine_seed(), &c->core);
  if (status == STATUS_OK) status = client_start(c->core, uv_host_now(c->host));
  return status;
}

enum mq_result mq_client_start(const mq_config *config, mq_client **out, struct mq_error *error) {
  struct mq_error e = {.result = MQ_OK};
  struct mq_client *c = calloc(1, sizeof *c);
  if (c != NULL) c->settings = settings_copy(config);
  if (c == NULL || c->settings == NULL) {
    free(c);
    error_set(&e, MQ_NO_MEMORY, "out of memory");
    return error_give(error, &e);
  }
  if ((c->settings->accessKey == NULL) != (c->settings->secretKey == NULL)) {
    mq_config_free(c->settings);
    free(c);
    error_set(&e, MQ_INVALID, "accessKey and secretKey go together: one of them is not set");
    return error_give(error, &e);
  }
  c->node.ops = &instance_node_ops;
  if (c->settings->log_write != NULL)
    c->log = (struct log){.level = (enum log_level)c->settings->log_level, .write = log_line_out, .context = c};
  make_id(c);
  enum status status = open_core(c);
  if (status == STATUS_OK) {
    uv_host_attach(c->host, &c->node);
    status = uv_host_start(c->host);
  }
  if (status == STATUS_OK) {
    *out = c;
    return MQ_OK;
  }
  if (status == STATUS_INVALID)
    error_set(&e, MQ_INVALID, "namesrvAddr names no address: \"%s\"",
              c->settings->namesrvAddr == NULL ? "" : c->settings->namesrvAddr);
  else
    error_set(&e, MQ_NO_MEMORY, "the client cannot start: %s", status_text(status));
  client_free(c->core, (struct moment){0});
  uv_host_free(c->host);
  mq_config_free(c->settings);
  free(c);
  return error_give(error, &e);
}

void mq_client_free(mq_client *client) {
  if (client == NULL) return;
  uv_host_stop(client->host);
  uv_host_join(client->host);
  client_free(client->core, uv_host_now(client->host));
  uv_host_free(client->host);
  mq_config_free(client->settings);
  free(client);
}

const char *mq_client_id(const mq_client *client) { return client->id; }
