/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/state/clients.h"

#include <stdlib.h>

/* Every membership of one connection. */
struct conn_members {
  conn_id conn;
  LIST_HEAD(, member) members;
};

void clients_init(struct clients *cs, uint64_t seed) {
  cs->seed = seed;
  map_init(&cs->producers, seed);
  map_init(&cs->consumers, seed);
  map_init(&cs->conns, seed);
  map_init(&cs->producer_ids, seed);
}

static struct span copy_span(struct span s) {
  uint8_t *p = malloc(s.len + 1);
  if (p == NULL) return SPAN_NONE;
  if (s.len > 0) memcpy(p, s.ptr, s.len);
  p[s.len] = '\0';
  return span_of(p, s.len);
}

static void free_span(struct span s) { free((void *)s.ptr); }

static void subscription_free(struct subscription *s) {
  for (size_t i = 0; i < s->tag_count; i++) free_span(s->tags[i]);
  free(s->tags);
  free(s->codes);
  free_span(s->topic);
  free_span(s->expression);
  free_span(s->expression_type);
  free(s);
}

static void group_free(struct client_group *g) {
  for (struct map_entry *e = map_first(&g->subscriptions); e != NULL; e = map_next(&g->subscriptions, e))
    subscription_free(e->value);
  map_fini(&g->subscriptions);
  free_span(g->name);
  free(g);
}

static struct map *table_of(struct clients *cs, bool consumers) { return consumers ? &cs->consumers : &cs->producers; }

struct client_group *clients_consumers(const struct clients *cs, struct span group) {
  return map_get(&cs->consumers, group);
}
struct client_group *clients_producers(const struct clients *cs, struct span group) {
  return map_get(&cs->producers, group);
}
struct subscription *client_group_subscription(const struct client_group *g, struct span topic) {
  return map_get(&g->subscriptions, topic);
}

static struct client_group *group_of(struct clients *cs, struct span name, bool consumers) {
  struct map *table = table_of(cs, consumers);
  struct client_group *g = map_get(table, name);
  if (g != NULL) return g;
  g = calloc(1, sizeof *g);
  if (g == NULL) return NULL;
  g->consumers = consumers;
  TAILQ_INIT(&g->members);
  map_init(&g->subscriptions, cs->seed);
  g->name = copy_span(name);
  if (g->name.ptr == NULL || map_put(table, name, g, NULL) != STATUS_OK) {
    group_free(g);
    return NULL;
  }
  return g;
}

static void group_drop_if_empty(struct clients *cs, struct client_group *g) {
  if (g->member_count > 0) return;
  map_remove(table_of(cs, g->consumers), g->name);
  group_free(g);
}

static struct conn_members *conn_of(struct clients *cs, conn_id conn) {
  struct span key = span_of(&conn, sizeof conn);
  struct conn_members *c = map_get(&cs->conns, key);
  if (c != NULL) return c;
  c = calloc(1, sizeof *c);
  if (c == NULL) return NULL;
  c->conn = conn;
  LIST_INIT(&c->members);
  if (map_put(&cs->conns, key, c, NULL) == STATUS_OK) return c;
  free(c);
  return NULL;
}

static struct member *find_member(struct client_group *g, conn_id conn) {
  struct member *m;
  TAILQ_FOREACH(m, &g->members, in_group) if (m->conn == conn) return m;
  return NULL;
}

/* Another producer membership of the same client takes its place, if the connection has one. */
static void forget_id(struct clients *cs, const struct member *m) {
  if (m->group->consumers || map_get(&cs->producer_ids, m->client_id) != m) return;
  struct member *other;
  const struct conn_members *c = map_get(&cs->conns, span_of(&m->conn, sizeof m->conn));
  map_remove(&cs->producer_ids, m->client_id);
  if (c == NULL) return;
  LIST_FOREACH(other, &c->members, in_conn)
    if (other != m && !other->group->consumers && span_equal(other->client_id, m->client_id)) break;
  if (other != NULL && map_put(&cs->producer_ids, other->client_id, other, NULL) != STATUS_OK)
    map_remove(&cs->producer_ids, other->client_id); /* until its next connection it gets no replies */
}

bool clients_producer_conn(const struct clients *cs, struct span client_id, conn_id *out) {
  const struct member *m = map_get(&cs->producer_ids, client_id);
  if (m != NULL) *out = m->conn;
  return m != NULL;
}

static void member_free(struct member *m) {
  TAILQ_REMOVE(&m->group->members, m, in_group);
  m->group->member_count--;
  LIST_REMOVE(m, in_conn);
  free_span(m->client_id);
  free(m);
}

/* *added: the connection was not in the group before. */
static enum status join(struct clients *cs, struct client_group *g, struct span client_id, conn_id conn,
                        int32_t language, int32_t version, struct moment now, bool *added) {
  struct member *m = find_member(g, conn);
  *added = m == NULL;
  if (m == NULL) {
    struct conn_members *c = conn_of(cs, conn);
    m = c == NULL ? NULL : calloc(1, sizeof *m);
    if (m == NULL) return STATUS_NO_MEMORY;
    m->client_id = copy_span(client_id);
    if (m->client_id.ptr == NULL) {
      free(m);
      return STATUS_NO_MEMORY;
    }
    m->conn = conn;
    m->group = g;
    TAILQ_INSERT_TAIL(&g->members, m, in_group);
    g->member_count++;
    LIST_INSERT_HEAD(&c->members, m, in_conn);
  }
  m->language = language;
  m->version = version;
  m->seen_ms = now.mono_ms;
  return STATUS_OK;
}

enum status clients_register_producer(struct clients *cs, struct span group, struct span client_id, conn_id conn,
                                      int32_t language, int32_t version, struct moment now) {
  struct client_group *g = group_of(cs, group, false);
  bool added;
  if (g == NULL) return STATUS_NO_MEMORY;
  enum status status = join(cs, g, client_id, conn, language, version, now, &added);
  if (status == STATUS_OK && added) status = map_put(&cs->producer_ids, client_id, find_member(g, conn), NULL);
  if (status != STATUS_OK) group_drop_if_empty(cs, g);
  return status;
}

static struct subscription *subscription_new(const struct subscription_data *d) {
  struct subscription *s = calloc(1, sizeof *s);
  if (s == NULL) return NULL;
  s->topic = copy_span(d->topic);
  s->expression = copy_span(d->sub_string);
  s->expression_type = copy_span(d->expression_type);
  s->version = d->sub_version;
  s->class_filter = d->class_filter_mode;
  s->codes = calloc(d->code_count + 1, sizeof *s->codes);
  s->tags = calloc(d->tag_count + 1, sizeof *s->tags);
  bool ok = s->topic.ptr != NULL && s->expression.ptr != NULL && s->expression_type.ptr != NULL && s->codes != NULL &&
            s->tags != NULL;
  for (size_t i = 0; ok && i < d->code_count; i++) s->codes[s->code_count++] = d->codes[i];
  for (size_t i = 0; ok && i < d->tag_count; i++) {
    s->tags[i] = copy_span(d->tags[i]);
    ok = s->tags[i].ptr != NULL;
    s->tag_count += ok;
  }
  if (ok) return s;
  subscription_free(s);
  return NULL;
}

/* ConsumerGroupInfo.updateSubscription: a newer version replaces, a topic that is not mentioned any more goes. */
static enum status update_subscriptions(struct client_group *g, const struct consumer_data *data, bool *changed) {
  for (struct map_entry *e = map_first(&g->subscriptions); e != NULL; e = map_next(&g->subscriptions, e))
    ((struct subscription *)e->value)->mentioned = false;
  for (size_t i = 0; i < data->subscription_count; i++) {
    const struct subscription_data *d = &data->subscriptions[i];
    struct subscription *old = client_group_subscription(g, d->topic);
    if (old != NULL && d->sub_version <= old->version) {
      old->mentioned = true;
      continue;
    }
    struct subscription *s = subscription_new(d);
    void *replaced = NULL;
    if (s == NULL || map_put(&g->subscriptions, d->topic, s, &replaced) != STATUS_OK) {
      if (s != NULL) subscription_free(s);
      return STATUS_NO_MEMORY;
    }
    s->mentioned = true;
    *changed = *changed || replaced == NULL;
    if (replaced != NULL) subscription_free(replaced);
  }
  for (struct map_entry *e = map_first(&g->subscriptions), *next; e != NULL; e = next) {
    next = map_next(&g->subscriptions, e);
    struct subscription *s = e->value;
    if (s->mentioned) continue;
    map_remove(&g->subscriptions, e->key);
    subscription_free(s);
    *changed = true;
  }
  return STATUS_OK;
}

enum status clients_register_consumer(struct clients *cs, const struct consumer_data *data, struct span client_id,
                                      conn_id conn, int32_t language, int32_t version, struct moment now,
                                      clients_changed changed, void *context) {
  struct client_group *g = group_of(cs, data->group, true);
  if (g == NULL) return STATUS_NO_MEMORY;
  g->consume_type = data->consume_type;
  g->message_model = data->message_model;
  g->consume_from = data->consume_from;
  bool any = false;
  enum status status = join(cs, g, client_id, conn, language, version, now, &any);
  if (status == STATUS_OK) status = update_subscriptions(g, data, &any);
  if (any && status == STATUS_OK) changed(context, g);
  group_drop_if_empty(cs, g);
  return status;
}

static void leave(struct clients *cs, struct client_group *g, struct member *m, clients_changed changed,
                  void *context) {
  forget_id(cs, m);
  member_free(m);
  if (changed != NULL && g->consumers) changed(context, g);
  group_drop_if_empty(cs, g);
}

void clients_unregister_producer(struct clients *cs, struct span group, conn_id conn) {
  struct client_group *g = clients_producers(cs, group);
  struct member *m = g == NULL ? NULL : find_member(g, conn);
  if (m != NULL) leave(cs, g, m, NULL, NULL);
}

void clients_unregister_consumer(struct clients *cs, struct span group, conn_id conn, clients_changed changed,
                                 void *context) {
  struct client_group *g = clients_consumers(cs, group);
  struct member *m = g == NULL ? NULL : find_member(g, conn);
  if (m != NULL) leave(cs, g, m, changed, context);
}

void clients_drop_conn(struct clients *cs, conn_id conn, clients_changed changed, void *context) {
  struct conn_members *c = map_remove(&cs->conns, span_of(&conn, sizeof conn));
  if (c == NULL) return;
  struct member *m;
  while ((m = LIST_FIRST(&c->members)) != NULL) leave(cs, m->group, m, changed, context);
  free(c);
}

size_t clients_silent(struct clients *cs, int64_t before_ms, conn_id *out, size_t cap) {
  size_t n = 0;
  for (struct map_entry *e = map_first(&cs->conns); e != NULL && n < cap; e = map_next(&cs->conns, e)) {
    const struct conn_members *c = e->value;
    const struct member *m;
    bool alive = false;
    LIST_FOREACH(m, &c->members, in_conn) alive = alive || m->seen_ms >= before_ms;
    if (!alive && !LIST_EMPTY(&c->members)) out[n++] = c->conn;
  }
  return n;
}

void clients_fini(struct clients *cs) {
  struct map_entry *e;
  while ((e = map_first(&cs->conns)) != NULL)
    clients_drop_conn(cs, ((struct conn_members *)e->value)->conn, NULL, NULL);
  map_fini(&cs->producers);
  map_fini(&cs->consumers);
  map_fini(&cs->conns);
  map_fini(&cs->producer_ids);
}
