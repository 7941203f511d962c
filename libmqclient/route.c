/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/route.h"

#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "libmqclient/client.h"

#include <stdlib.h>

void route_table_init(struct route_table *t, struct client *client, uint64_t seed) {
  t->client = client;
  map_init(&t->routes, seed);
  map_init(&t->brokers, seed + 1);
  map_init(&t->servers, seed + 2);
}

static void route_free(struct route *r) {
  free(r->publish);
  free(r->subscribe);
  free(r->brokers);
  free(r);
}

void route_table_fini(struct route_table *t) {
  for (struct map_entry *e = map_first(&t->routes); e != NULL; e = map_next(&t->routes, e)) route_free(e->value);
  for (struct map_entry *e = map_first(&t->brokers); e != NULL; e = map_next(&t->brokers, e)) {
    struct broker *b = e->value;
    free(b->members);
    free(b);
  }
  for (struct map_entry *e = map_first(&t->servers); e != NULL; e = map_next(&t->servers, e)) free(e->value);
  map_fini(&t->routes);
  map_fini(&t->brokers);
  map_fini(&t->servers);
}

/* A zeroed value of `size` bytes with the key as text behind it. */
static void *table_add(struct map *m, struct span key, size_t size) {
  if (map_count(m) >= ROUTES_MAX) return NULL;
  char *value = calloc(1, size + key.len + 1);
  if (value == NULL) return NULL;
  if (key.len > 0) memcpy(value + size, key.ptr, key.len);
  if (map_put(m, key, value, NULL) == STATUS_OK) return value;
  free(value);
  return NULL;
}

struct broker *broker_get(const struct route_table *t, struct span name) { return map_get(&t->brokers, name); }

static struct broker *broker_need(struct route_table *t, struct span name) {
  struct broker *b = map_get(&t->brokers, name);
  if (b != NULL) return b;
  b = table_add(&t->brokers, name, sizeof *b);
  if (b != NULL) b->name = (const char *)(b + 1);
  return b;
}

static struct server *server_need(struct route_table *t, struct span addr) {
  struct server *s = map_get(&t->servers, addr);
  if (s != NULL) return s;
  s = table_add(&t->servers, addr, sizeof *s);
  if (s == NULL) return NULL;
  s->client = t->client;
  s->addr = (const char *)(s + 1);
  return s;
}

/* ---- asking ---- */

static void route_answered(struct call *call, enum status status, const struct command *reply, struct moment now);

struct route *route_get(struct route_table *t, struct span topic) {
  struct route *r = map_get(&t->routes, topic);
  if (r != NULL) return r;
  r = table_add(&t->routes, topic, sizeof *r);
  if (r == NULL) return NULL;
  r->table = t;
  r->topic = (const char *)(r + 1);
  r->waiters.next = r->waiters.prev = &r->waiters;
  r->call.done = route_answered;
  r->next = (uint32_t)prng_next(&t->client->prng);
  return r;
}

static void round_over(struct route *r, struct moment now) {
  struct client *c = r->table->client;
  r->asking = false;
  if (r->error.result != MQ_OK && r->publish_count + r->subscribe_count > 0)
    log_warn(c->log, "route of topic %s was not refreshed: %s", r->topic, r->error.text);
  /* Those who wait now; who begins to wait in a callback waits for the next round. */
  struct route_waiter ring = r->waiters;
  if (ring.next == &r->waiters) return;
  ring.next->prev = ring.prev->next = &ring;
  r->waiters.next = r->waiters.prev = &r->waiters;
  while (ring.next != &ring) {
    struct route_waiter *w = ring.next;
    route_wait_cancel(w);
    w->done(w, now);
  }
}

static void ask_once(struct route *r, struct moment now) {
  struct client *c = r->table->client;
  r->asked = name_servers_current(&c->name_servers);
  struct get_route_info_request fields = {0};
  const char *topic = r->asking_default ? c->config.create_topic_key : r->topic;
  HEADER_SET(get_route_info_request, &fields, topic, span_text(topic));
  struct request_out request = {
      .code = REQUEST_GET_ROUTEINTO_BY_TOPIC, .header = &get_route_info_request_header, .fields = &fields};
  enum status status = remoting_call(c->remoting, r->asked, &request, ROUTE_TIMEOUT_MS, &r->call, now);
  if (status == STATUS_OK) return;
  error_of_status(&r->error, status, r->asked);
  round_over(r, now);
}

void route_ask(struct route *r, struct moment now) {
  if (r->asking) return;
  r->asking = true;
  r->asking_default = false;
  r->tries = 0;
  ask_once(r, now);
}

void route_wait(struct route *r, struct route_waiter *w, struct moment now) {
  w->prev = r->waiters.prev;
  w->next = &r->waiters;
  w->prev->next = w->next->prev = w;
  w->waiting = true;
  route_ask(r, now);
}

void route_wait_cancel(struct route_waiter *w) {
  if (!w->waiting) return;
  w->prev->next = w->next;
  w->next->prev = w->prev;
  w->waiting = false;
}

void route_ask_all(struct route_table *t, struct moment now) {
  for (struct map_entry *e = map_first(&t->routes); e != NULL; e = map_next(&t->routes, e)) {
    struct route *r = e->value;
    if (r->for_publish || r->for_subscribe) route_ask(r, now);
  }
}

static void on_no_answer(struct route *r, enum status status, struct moment now) {
  struct client *c = r->table->client;
  error_of_status(&r->error, status, r->asked);
  name_servers_failed(&c->name_servers, r->asked);
  if (status != STATUS_SHUTDOWN && ++r->tries < c->name_servers.count) {
    ask_once(r, now);
    return;
  }
  if (r->error.result != MQ_STOPPED) r->error.result = MQ_NO_NAME_SERVER;
  round_over(r, now);
}

static void route_answered(struct call *call, enum status status, const struct command *reply, struct moment now) {
  struct route *r = (struct route *)((char *)call - offsetof(struct route, call));
  if (status != STATUS_OK) {
    on_no_answer(r, status, now);
    return;
  }
  const char *why = NULL;
  if (reply->code == RESPONSE_TOPIC_NOT_EXIST && r->for_publish && !r->asking_default &&
      (r->publish_count == 0 || r->assumed)) {
    r->asking_default = true;
    ask_once(r, now);
    return;
  }
  if (reply->code == RESPONSE_SUCCESS) {
    if (route_apply(r, reply->body, r->asking_default, now, &why) == STATUS_OK)
      r->error.result = MQ_OK;
    else
      error_set(&r->error, MQ_MALFORMED, "route of topic %s from %s: %s", r->topic, r->asked, why == NULL ? "" : why);
  } else if (reply->code == RESPONSE_TOPIC_NOT_EXIST) {
    error_set(&r->error, MQ_NO_ROUTE, "no route to topic %s: %.*s", r->topic, SPAN_ARG(reply->remark));
  } else {
    error_of_reply(&r->error, reply);
  }
  round_over(r, now);
}

/* ---- taking an answer ---- */

static int compare_queues(const void *a, const void *b) {
  const struct queue_ref *x = a, *y = b;
  int order = strcmp(x->broker->name, y->broker->name);
  return order != 0 ? order : (x->id > y->id) - (x->id < y->id);
}

/* Addresses of a broker as an answer tells them. */
static enum status take_broker(struct route_table *t, const struct broker_data *data, struct broker **out) {
  struct broker *b = broker_need(t, data->broker_name);
  if (b == NULL) return STATUS_NO_MEMORY;
  struct broker_member *members = calloc(data->address_count + 1, sizeof *members);
  if (members == NULL) return STATUS_NO_MEMORY;
  for (size_t i = 0; i < data->address_count; i++) {
    members[i].id = data->addresses[i].broker_id;
    members[i].server = server_need(t, data->addresses[i].address);
    if (members[i].server == NULL) {
      free(members);
      return STATUS_NO_MEMORY;
    }
  }
  free(b->members);
  b->members = members;
  b->member_count = data->address_count;
  *out = b;
  return STATUS_OK;
}

/* What an answer means, before it replaces what was known. */
struct lists {
  struct queue_ref *publish, *subscribe;
  size_t publish_count, subscribe_count;
  struct broker **brokers;
  size_t broker_count;
  bool ordered;
};

static void lists_free(struct lists *l) {
  free(l->publish);
  free(l->subscribe);
  free(l->brokers);
}

static enum status add_queues(struct queue_ref **list, size_t *count, struct broker *b, int32_t n) {
  if (n <= 0) return STATUS_OK;
  struct queue_ref *grown = realloc(*list, (*count + (size_t)n) * sizeof *grown);
  if (grown == NULL) return STATUS_NO_MEMORY;
  for (int32_t i = 0; i < n; i++) grown[(*count)++] = (struct queue_ref){b, i};
  *list = grown;
  return STATUS_OK;
}

static struct broker *broker_among(const struct lists *l, struct span name) {
  for (size_t i = 0; i < l->broker_count; i++)
    if (span_is(name, l->brokers[i]->name)) return l->brokers[i];
  return NULL;
}

/* Most queues one broker may name for a topic: keeps a broken answer from eating the memory. */
enum { QUEUES_MAX = 65536 };

static enum status lists_of_queues(const struct topic_route *data, int32_t cap, struct lists *l) {
  enum status status = STATUS_OK;
  for (size_t i = 0; i < data->queue_count && status == STATUS_OK; i++) {
    const struct queue_data *q = &data->queues[i];
    struct broker *b = broker_among(l, q->broker_name);
    if (b == NULL) continue;
    int32_t reads = q->read_queues < cap ? q->read_queues : cap;
    int32_t writes = cap < QUEUES_MAX ? reads : q->write_queues < cap ? q->write_queues : cap;
    if ((q->perm & PERM_WRITE) && !l->ordered && broker_master(b) != NULL)
      status = add_queues(&l->publish, &l->publish_count, b, writes);
    if (status == STATUS_OK && (q->perm & PERM_READ))
      status = add_queues(&l->subscribe, &l->subscribe_count, b, reads);
  }
  return status;
}

/* orderTopicConf "broker-a:4;broker-b:4" fixes the publish queues. */
static enum status lists_of_order(struct span conf, struct lists *l) {
  enum status status = STATUS_OK;
  for (size_t at = 0; at < conf.len && status == STATUS_OK;) {
    size_t end = span_find(conf, ';', at);
    struct span part = span_of(conf.ptr + at, end - at);
    size_t colon = span_find(part, ':', 0);
    at = end + 1;
    int32_t n;
    if (!span_to_i32(span_from(part, colon + 1), &n) || n > QUEUES_MAX) continue;
    struct broker *b = broker_among(l, span_of(part.ptr, colon));
    if (b != NULL) status = add_queues(&l->publish, &l->publish_count, b, n);
  }
  return status;
}

static enum status lists_build(struct route *r, const struct topic_route *data, bool is_default, struct lists *l) {
  l->brokers = calloc(data->broker_count + 1, sizeof(struct broker *));
  if (l->brokers == NULL) return STATUS_NO_MEMORY;
  for (size_t i = 0; i < data->broker_count; i++) {
    enum status status = take_broker(r->table, &data->brokers[i], &l->brokers[i]);
    if (status != STATUS_OK) return status;
    l->broker_count++;
  }
  l->ordered = data->order_topic_conf.len > 0;
  int32_t cap = is_default ? r->table->client->config.default_topic_queues : QUEUES_MAX;
  enum status status = lists_of_queues(data, cap, l);
  if (status == STATUS_OK && l->ordered) status = lists_of_order(data->order_topic_conf, l);
  if (l->publish_count > 1) qsort(l->publish, l->publish_count, sizeof *l->publish, compare_queues);
  if (l->subscribe_count > 1) qsort(l->subscribe, l->subscribe_count, sizeof *l->subscribe, compare_queues);
  return status;
}

static bool same_queues(const struct queue_ref *a, size_t an, const struct queue_ref *b, size_t bn) {
  if (an != bn) return false;
  for (size_t i = 0; i < an; i++)
    if (a[i].broker != b[i].broker || a[i].id != b[i].id) return false;
  return true;
}

/* Which servers any route still names; a new one is greeted at once. */
static void mark_servers(struct route_table *t) {
  for (struct map_entry *e = map_first(&t->servers); e != NULL; e = map_next(&t->servers, e)) {
    struct server *s = e->value;
    s->in_use = s->master = false;
  }
  for (struct map_entry *e = map_first(&t->routes); e != NULL; e = map_next(&t->routes, e)) {
    const struct route *r = e->value;
    for (size_t i = 0; i < r->broker_count; i++)
      for (size_t j = 0; j < r->brokers[i]->member_count; j++) {
        struct server *s = r->brokers[i]->members[j].server;
        s->in_use = true;
        s->master |= r->brokers[i]->members[j].id == 0;
      }
  }
}

enum status route_apply(struct route *r, struct span body, bool is_default, struct moment now, const char **why) {
  struct client *c = r->table->client;
  struct topic_route data;
  struct lists l = {0};
  arena_reset(&c->scratch);
  enum status status = topic_route_read(body, &c->scratch, &data, why);
  if (status == STATUS_OK) status = lists_build(r, &data, is_default, &l);
  if (status != STATUS_OK) {
    lists_free(&l);
    return status;
  }
  bool changed = !same_queues(r->publish, r->publish_count, l.publish, l.publish_count) ||
                 !same_queues(r->subscribe, r->subscribe_count, l.subscribe, l.subscribe_count);
  free(r->publish);
  free(r->subscribe);
  free(r->brokers);
  r->publish = l.publish;
  r->publish_count = l.publish_count;
  r->subscribe = l.subscribe;
  r->subscribe_count = l.subscribe_count;
  r->brokers = l.brokers;
  r->broker_count = l.broker_count;
  r->ordered = l.ordered;
  r->assumed = is_default;
  mark_servers(r->table);
  client_greet_new(c, now);
  if (changed)
    for (struct member *m = c->members; m != NULL; m = m->next)
      if (m->ops->route_changed != NULL) m->ops->route_changed(m, r, now);
  return STATUS_OK;
}

/* ---- choosing ---- */

bool route_next_queue(struct route *r, const struct broker *avoid, struct queue_ref *out) {
  if (r->publish_count == 0) return false;
  if (avoid != NULL)
    for (size_t i = 0; i < r->publish_count; i++) {
      *out = r->publish[r->next++ % r->publish_count];
      if (out->broker != avoid) return true;
    }
  *out = r->publish[r->next++ % r->publish_count];
  return true;
}

struct server *broker_find(const struct broker *b, int64_t id, bool only, bool *slave) {
  const struct broker_member *found = NULL;
  for (size_t i = 0; i < b->member_count && found == NULL; i++)
    if (b->members[i].id == id) found = &b->members[i];
  if (found == NULL && !only && b->member_count > 0) found = &b->members[0];
  if (slave != NULL) *slave = found != NULL && found->id != 0;
  return found == NULL ? NULL : found->server;
}

struct server *broker_master(const struct broker *b) { return broker_find(b, 0, true, NULL); }
struct server *broker_any(const struct broker *b) { return broker_find(b, 0, false, NULL); }
