/* SPDX-License-Identifier: Apache-2.0
 *
 * rebalance: which queues of each topic are this consumer's: asks a broker who
 * the members of the group are (GET_CONSUMER_LIST_BY_GROUP) and computes its
 * share as all of them do. Agrees with
 * org.apache.rocketmq.client.impl.consumer.RebalanceImpl.rebalanceByTopic.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "libmqclient/allocate.h"
#include "libmqclient/consumer_push.h"

#include <stdlib.h>

struct topic_balance {
  struct consumer_push *consumer;
  struct subscription *subscription;
  struct route *route;
  struct call call;
  bool again; /* asked for while a question was under way */
};

static void on_members(struct call *call, enum status status, const struct command *reply, struct moment now);

enum status rebalance_init(struct consumer_push *p) {
  p->balances = calloc(p->subscriptions.count + 1, sizeof *p->balances);
  if (p->balances == NULL) return STATUS_NO_MEMORY;
  size_t i = 0;
  for (struct subscription *s = p->subscriptions.first; s != NULL; s = s->next, i++) {
    struct topic_balance *b = &p->balances[i];
    b->consumer = p;
    b->subscription = s;
    b->call.done = on_members;
    b->route = route_get(&p->client->routes, span_text(s->topic));
    if (b->route == NULL) return STATUS_LIMIT;
  }
  return STATUS_OK;
}

void rebalance_fini(struct consumer_push *p) {
  if (p->balances == NULL) return;
  for (size_t i = 0; i < p->subscriptions.count; i++) call_cancel(p->client->remoting, &p->balances[i].call);
  free(p->balances);
  p->balances = NULL;
}

static bool in_share(const struct queue_ref *share, size_t count, const struct process_queue *q) {
  for (size_t i = 0; i < count; i++)
    if (share[i].broker == q->broker && share[i].id == q->id) return true;
  return false;
}

/* RebalanceImpl.updateProcessQueueTableInRebalance. */
static void apply_share(struct topic_balance *b, const struct queue_ref *share, size_t count, struct moment now) {
  struct consumer_push *p = b->consumer;
  for (struct process_queue *q = p->queues, *next; q != NULL; q = next) {
    next = q->next;
    if (q->route != b->route || in_share(share, count, q)) continue;
    log_info(p->client->log, "group %s gives up queue %d of topic %s at %s", p->config.group, q->id, b->route->topic,
             q->broker->name);
    push_queue_drop(q, now);
  }
  for (size_t i = 0; i < count; i++)
    if (push_queue_find(p, b->route, &share[i]) == NULL)
      push_queue_take(p, b->subscription, b->route, &share[i], now);
}

static int compare_names(const void *a, const void *b) {
  return span_compare(*(const struct span *)a, *(const struct span *)b);
}

static void share_among(struct topic_balance *b, struct span *members, size_t count, struct moment now) {
  struct consumer_push *p = b->consumer;
  if (count > 1) qsort(members, count, sizeof *members, compare_names);
  size_t self = 0;
  while (self < count && !span_is(members[self], p->client->config.client_id)) self++;
  size_t start, n;
  allocate_averagely(b->route->subscribe_count, count, self, &start, &n);
  apply_share(b, b->route->subscribe + start, n, now);
}

static void balance(struct topic_balance *b, struct moment now);

static void on_members(struct call *call, enum status status, const struct command *reply, struct moment now) {
  struct topic_balance *b = (struct topic_balance *)((char *)call - offsetof(struct topic_balance, call));
  struct client *c = b->consumer->client;
  if (!b->consumer->running) return;
  struct span *members = NULL;
  size_t count = 0;
  if (status == STATUS_OK && reply->code == RESPONSE_SUCCESS) {
    arena_reset(&c->scratch);
    status = name_list_read(reply->body, "consumerIdList", &c->scratch, &members, &count, NULL);
    if (status == STATUS_OK && count > 0) share_among(b, members, count, now);
  } else if (status == STATUS_OK) {
    log_info(c->log, "members of group %s: %.*s", b->consumer->config.group, SPAN_ARG(reply->remark));
  }
  if (status != STATUS_OK)
    log_warn(c->log, "members of group %s are not known, queues stay as they are: %s", b->consumer->config.group,
             status_text(status));
  if (b->again) {
    b->again = false;
    balance(b, now);
  }
}

/* MQClientInstance.findBrokerAddrByTopic: any broker of the topic. Not one that was not greeted: it would not count us
 * as a member, and its answer would take our queues away. */
static const struct server *some_server(struct topic_balance *b) {
  const struct route *r = b->route;
  size_t first = r->broker_count == 0 ? 0 : (size_t)prng_below(&b->consumer->client->prng, r->broker_count);
  for (size_t i = 0; i < r->broker_count; i++) {
    const struct server *s = broker_any(r->brokers[(first + i) % r->broker_count]);
    if (s != NULL && s->greeted) return s;
  }
  return NULL;
}

static void balance(struct topic_balance *b, struct moment now) {
  struct consumer_push *p = b->consumer;
  if (!push_is_clustering(p)) {
    apply_share(b, b->route->subscribe, b->route->subscribe_count, now);
    return;
  }
  if (b->call.pending) {
    b->again = true;
    return;
  }
  const struct server *s = some_server(b);
  if (s == NULL) return; /* its first heartbeat will bring us back here */
  struct get_consumer_list_by_group_request f = {0};
  HEADER_SET(get_consumer_list_by_group_request, &f, consumerGroup, span_text(p->config.group));
  struct request_out request = {.code = REQUEST_GET_CONSUMER_LIST_BY_GROUP,
                                .header = &get_consumer_list_by_group_request_header,
                                .fields = &f};
  enum status status = remoting_call(p->client->remoting, s->addr, &request, CONSUMER_LIST_TIMEOUT_MS, &b->call, now);
  if (status != STATUS_OK) log_warn(p->client->log, "cannot ask %s for the group: %s", s->addr, status_text(status));
}

void rebalance_all(struct consumer_push *p, struct moment now) {
  if (!p->running) return;
  for (size_t i = 0; i < p->subscriptions.count; i++) balance(&p->balances[i], now);
}
