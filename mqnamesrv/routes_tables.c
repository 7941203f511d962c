/* SPDX-License-Identifier: Apache-2.0 */
#include "mqnamesrv/routes_tables.h"

#include <stdlib.h>

/* ---------------------------------------------------------------- memory */

static enum status text_copy(struct span *out, struct span s) {
  uint8_t *p = malloc(s.len + 1);
  if (p == NULL) return STATUS_NO_MEMORY;
  if (s.len > 0) memcpy(p, s.ptr, s.len);
  p[s.len] = '\0';
  *out = span_of(p, s.len);
  return STATUS_OK;
}

static void text_free(struct span s) { free((void *)s.ptr); }

void group_free(struct broker_group *g) {
  for (size_t i = 0; i < g->address_count; i++) text_free(g->addresses[i].address);
  free(g->addresses);
  text_free(g->name);
  text_free(g->cluster);
  free(g);
}

void cluster_free(struct cluster *c) {
  map_fini(&c->groups);
  text_free(c->name);
  free(c);
}

static void texts_free(struct span *texts, size_t count) {
  for (size_t i = 0; i < count; i++) text_free(texts[i]);
  free(texts);
}

void live_free(struct broker_live *l) {
  texts_free(l->filter_servers, l->filter_server_count);
  text_free(l->address);
  text_free(l->ha_address);
  free(l);
}

void topic_free(struct topic *t) {
  free(t->queues);
  free(t);
}

/* ---------------------------------------------------------------- clusters and groups */

enum status cluster_ensure(struct routes *r, struct span name, struct cluster **out) {
  struct cluster *c = map_get(&r->clusters, name);
  if (c == NULL) {
    if (map_count(&r->clusters) >= r->limits.brokers) return STATUS_LIMIT;
    c = calloc(1, sizeof *c);
    if (c == NULL) return STATUS_NO_MEMORY;
    map_init(&c->groups, r->seed);
    if (text_copy(&c->name, name) != STATUS_OK || map_put(&r->clusters, name, c, NULL) != STATUS_OK) {
      cluster_free(c);
      return STATUS_NO_MEMORY;
    }
  }
  *out = c;
  return STATUS_OK;
}

enum status group_ensure(struct routes *r, const struct registration *reg, struct broker_group **out) {
  struct broker_group *g = map_get(&r->groups, reg->broker_name);
  if (g == NULL) {
    if (map_count(&r->groups) >= r->limits.brokers) return STATUS_LIMIT;
    g = calloc(1, sizeof *g);
    if (g == NULL) return STATUS_NO_MEMORY;
    if (text_copy(&g->name, reg->broker_name) != STATUS_OK || text_copy(&g->cluster, reg->cluster) != STATUS_OK ||
        map_put(&r->groups, g->name, g, NULL) != STATUS_OK) {
      group_free(g);
      return STATUS_NO_MEMORY;
    }
  }
  *out = g;
  return STATUS_OK;
}

static void group_drop_topics(struct routes *r, const struct broker_group *g) {
  size_t gone = 0;
  for (struct map_entry *e = map_first(&r->topics); e; e = map_next(&r->topics, e)) {
    struct topic *t = e->value;
    size_t kept = 0;
    for (size_t i = 0; i < t->count; i++)
      if (t->queues[i].group != g) t->queues[kept++] = t->queues[i];
    t->count = kept;
    if (kept > 0) continue;
    log_debug(r->log, "topic %.*s has no broker any more: removed", SPAN_ARG(e->key));
    map_remove(&r->topics, e->key);
    topic_free(t);
    gone++;
  }
  if (gone > 0) log_info(r->log, "%zu topics that only broker %.*s had are removed", gone, SPAN_ARG(g->name));
}

void group_drop_if_empty(struct routes *r, struct broker_group *g) {
  if (g->address_count > 0) return;
  log_info(r->log, "broker %.*s has no address any more: removed", SPAN_ARG(g->name));
  for (struct map_entry *e = map_first(&r->clusters); e; e = map_next(&r->clusters, e)) {
    struct cluster *c = e->value;
    map_remove(&c->groups, g->name);
    if (map_count(&c->groups) > 0) continue;
    map_remove(&r->clusters, c->name);
    cluster_free(c);
  }
  group_drop_topics(r, g);
  map_remove(&r->groups, g->name);
  group_free(g);
}

void group_remove_at(struct broker_group *g, size_t i) {
  text_free(g->addresses[i].address);
  g->address_count--;
  memmove(&g->addresses[i], &g->addresses[i + 1], (g->address_count - i) * sizeof g->addresses[0]);
}

struct span group_address(const struct broker_group *g, int64_t id) {
  for (size_t i = 0; i < g->address_count; i++)
    if (g->addresses[i].broker_id == id) return g->addresses[i].address;
  return SPAN_NONE;
}

/* A slave that became master keeps its address: it must not stay listed under its old id. */
void group_remove_address(struct broker_group *g, struct span address, int64_t except_id) {
  for (size_t i = g->address_count; i-- > 0;)
    if (g->addresses[i].broker_id != except_id && span_equal(g->addresses[i].address, address))
      group_remove_at(g, i);
}

enum status group_put(struct routes *r, struct broker_group *g, int64_t id, struct span address, bool *fresh) {
  size_t at = 0;
  while (at < g->address_count && g->addresses[at].broker_id < id) at++;
  *fresh = at == g->address_count || g->addresses[at].broker_id != id;
  if (!*fresh && span_equal(g->addresses[at].address, address)) return STATUS_OK;
  if (*fresh && g->address_count >= r->limits.brokers) return STATUS_LIMIT;
  struct span copy;
  if (text_copy(&copy, address) != STATUS_OK) return STATUS_NO_MEMORY;
  if (*fresh) {
    struct broker_address *grown = realloc(g->addresses, (g->address_count + 1) * sizeof *grown);
    if (grown == NULL) {
      text_free(copy);
      return STATUS_NO_MEMORY;
    }
    g->addresses = grown;
    memmove(&grown[at + 1], &grown[at], (g->address_count - at) * sizeof *grown);
    g->address_count++;
  } else {
    text_free(g->addresses[at].address);
  }
  g->addresses[at] = (struct broker_address){.broker_id = id, .address = copy};
  return STATUS_OK;
}

/* ---------------------------------------------------------------- topics */

enum status topic_ensure(struct routes *r, struct span name, struct topic **out) {
  struct topic *t = map_get(&r->topics, name);
  if (t == NULL) {
    if (map_count(&r->topics) >= r->limits.topics) return STATUS_LIMIT;
    t = calloc(1, sizeof *t);
    if (t == NULL) return STATUS_NO_MEMORY;
    if (map_put(&r->topics, name, t, NULL) != STATUS_OK) {
      free(t);
      return STATUS_NO_MEMORY;
    }
  }
  *out = t;
  return STATUS_OK;
}

/* RouteInfoManager.createAndUpdateQueueData: a changed entry moves to the end. */
enum status topic_put_queue(struct topic *t, const struct topic_queue *q) {
  for (size_t i = 0; i < t->count; i++) {
    struct topic_queue *old = &t->queues[i];
    if (old->group != q->group) continue;
    if (old->read_queues == q->read_queues && old->write_queues == q->write_queues && old->perm == q->perm &&
        old->sys_flag == q->sys_flag)
      return STATUS_OK;
    memmove(old, old + 1, (t->count - i - 1) * sizeof *old);
    t->queues[t->count - 1] = *q;
    return STATUS_OK;
  }
  struct topic_queue *grown = realloc(t->queues, (t->count + 1) * sizeof *grown);
  if (grown == NULL) return STATUS_NO_MEMORY;
  t->queues = grown;
  t->queues[t->count++] = *q;
  return STATUS_OK;
}

/* ---------------------------------------------------------------- live brokers */

enum status live_ensure(struct routes *r, const struct registration *reg, struct broker_live **out) {
  struct broker_live *l = map_get(&r->live, reg->address);
  if (l == NULL) {
    if (map_count(&r->live) >= r->limits.brokers) return STATUS_LIMIT;
    l = calloc(1, sizeof *l);
    if (l == NULL) return STATUS_NO_MEMORY;
    if (text_copy(&l->address, reg->address) != STATUS_OK || text_copy(&l->ha_address, reg->ha_address) != STATUS_OK ||
        map_put(&r->live, reg->address, l, NULL) != STATUS_OK) {
      live_free(l);
      return STATUS_NO_MEMORY;
    }
    log_info(r->log, "new broker %.*s id %lld at %.*s, ha %.*s", SPAN_ARG(reg->broker_name),
             (long long)reg->broker_id, SPAN_ARG(reg->address), SPAN_ARG(reg->ha_address));
  } else if (!span_equal(l->ha_address, reg->ha_address)) {
    struct span ha;
    if (text_copy(&ha, reg->ha_address) != STATUS_OK) return STATUS_NO_MEMORY;
    text_free(l->ha_address);
    l->ha_address = ha;
  }
  *out = l;
  return STATUS_OK;
}

enum status live_set_filter_servers(struct broker_live *l, const struct span *servers, size_t count) {
  struct span *copies = NULL;
  if (count > 0) {
    copies = calloc(count, sizeof *copies);
    if (copies == NULL) return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
      if (text_copy(&copies[i], servers[i]) != STATUS_OK) {
        texts_free(copies, i);
        return STATUS_NO_MEMORY;
      }
  }
  texts_free(l->filter_servers, l->filter_server_count);
  l->filter_servers = copies;
  l->filter_server_count = count;
  return STATUS_OK;
}

void live_remove(struct routes *r, struct broker_live *l) {
  map_remove(&r->live, l->address);
  live_free(l);
}
