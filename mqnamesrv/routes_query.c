/* SPDX-License-Identifier: Apache-2.0 */
#include "mqnamesrv/routes_tables.h"

/* ---------------------------------------------------------------- one topic */

static struct broker_data broker_data_of(const struct broker_group *g) {
  return (struct broker_data){g->cluster, g->name, g->addresses, g->address_count};
}

/* Servers of every address of the topic's groups; most brokers have none. */
static enum status filter_servers_of(const struct routes *r, const struct topic *t, struct arena *arena,
                                     struct topic_route *out) {
  size_t room = 0;
  for (size_t i = 0; i < t->count; i++) room += t->queues[i].group->address_count;
  for (size_t i = 0; i < t->count; i++) {
    const struct broker_group *g = t->queues[i].group;
    for (size_t a = 0; a < g->address_count; a++) {
      const struct broker_live *l = map_get(&r->live, g->addresses[a].address);
      if (l == NULL || l->filter_server_count == 0) continue;
      if (out->filter_addresses == NULL) {
        out->filter_addresses = arena_zalloc(arena, room, sizeof *out->filter_addresses);
        out->filter_servers = arena_zalloc(arena, room, sizeof *out->filter_servers);
        out->filter_server_counts = arena_zalloc(arena, room, sizeof *out->filter_server_counts);
        if (out->filter_addresses == NULL || out->filter_servers == NULL || out->filter_server_counts == NULL)
          return STATUS_NO_MEMORY;
      }
      out->filter_addresses[out->filter_count] = l->address;
      out->filter_servers[out->filter_count] = l->filter_servers;
      out->filter_server_counts[out->filter_count++] = l->filter_server_count;
    }
  }
  return STATUS_OK;
}

enum status routes_of_topic(const struct routes *r, struct span topic, struct arena *arena, struct topic_route *out) {
  *out = (struct topic_route){.order_topic_conf = SPAN_NONE};
  const struct topic *t = map_get(&r->topics, topic);
  if (t == NULL) return STATUS_NOT_FOUND;
  out->queues = arena_zalloc(arena, t->count, sizeof *out->queues);
  out->brokers = arena_zalloc(arena, t->count, sizeof *out->brokers);
  if (out->queues == NULL || out->brokers == NULL) return STATUS_NO_MEMORY;
  for (size_t i = 0; i < t->count; i++) {
    const struct topic_queue *q = &t->queues[i];
    out->queues[i] = (struct queue_data){q->group->name, q->read_queues, q->write_queues, q->perm, q->sys_flag};
    out->brokers[i] = broker_data_of(q->group); /* a group is in a topic once */
  }
  out->queue_count = out->broker_count = t->count;
  return filter_servers_of(r, t, arena, out);
}

/* ---------------------------------------------------------------- all brokers */

static enum status cluster_members(const struct cluster *c, struct arena *arena, struct span **out, size_t *count) {
  *out = arena_zalloc(arena, map_count(&c->groups), sizeof **out);
  *count = 0;
  if (*out == NULL) return STATUS_NO_MEMORY;
  for (struct map_entry *e = map_first(&c->groups); e; e = map_next(&c->groups, e)) (*out)[(*count)++] = e->key;
  return STATUS_OK;
}

enum status routes_cluster_info(const struct routes *r, struct arena *arena, struct cluster_info *out) {
  size_t clusters = map_count(&r->clusters);
  *out = (struct cluster_info){
      .brokers = arena_zalloc(arena, map_count(&r->groups), sizeof *out->brokers),
      .cluster_names = arena_zalloc(arena, clusters, sizeof *out->cluster_names),
      .cluster_brokers = arena_zalloc(arena, clusters, sizeof *out->cluster_brokers),
      .cluster_broker_counts = arena_zalloc(arena, clusters, sizeof *out->cluster_broker_counts)};
  if (out->brokers == NULL || out->cluster_names == NULL || out->cluster_brokers == NULL ||
      out->cluster_broker_counts == NULL)
    return STATUS_NO_MEMORY;
  for (struct map_entry *e = map_first(&r->groups); e; e = map_next(&r->groups, e))
    out->brokers[out->broker_count++] = broker_data_of(e->value);
  for (struct map_entry *e = map_first(&r->clusters); e; e = map_next(&r->clusters, e)) {
    size_t i = out->cluster_count++;
    out->cluster_names[i] = e->key;
    enum status status =
        cluster_members(e->value, arena, &out->cluster_brokers[i], &out->cluster_broker_counts[i]);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

enum status routes_system_names(const struct routes *r, struct arena *arena, struct names *out,
                                struct span *broker_address) {
  size_t room = map_count(&r->clusters);
  for (struct map_entry *e = map_first(&r->clusters); e; e = map_next(&r->clusters, e))
    room += map_count(&((struct cluster *)e->value)->groups);
  *out = (struct names){arena_zalloc(arena, room, sizeof *out->names), 0};
  *broker_address = SPAN_NONE;
  if (out->names == NULL) return STATUS_NO_MEMORY;
  for (struct map_entry *e = map_first(&r->clusters); e; e = map_next(&r->clusters, e)) {
    const struct cluster *c = e->value;
    out->names[out->count++] = e->key;
    for (struct map_entry *m = map_first(&c->groups); m; m = map_next(&c->groups, m))
      if (!span_equal(m->key, e->key)) out->names[out->count++] = m->key;
  }
  for (struct map_entry *e = map_first(&r->groups); e && broker_address->ptr == NULL; e = map_next(&r->groups, e)) {
    const struct broker_group *g = e->value;
    if (g->address_count > 0) *broker_address = g->addresses[0].address;
  }
  return STATUS_OK;
}

/* ---------------------------------------------------------------- lists of topics */

static enum status names_room(const struct routes *r, struct arena *arena, struct names *out) {
  *out = (struct names){arena_zalloc(arena, map_count(&r->topics), sizeof *out->names), 0};
  return out->names == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

enum status routes_all_topics(const struct routes *r, struct arena *arena, struct names *out) {
  enum status status = names_room(r, arena, out);
  if (status != STATUS_OK) return status;
  for (struct map_entry *e = map_first(&r->topics); e; e = map_next(&r->topics, e))
    out->names[out->count++] = e->key;
  return STATUS_OK;
}

enum status routes_topics_of_cluster(struct routes *r, struct span cluster, struct arena *arena, struct names *out) {
  enum status status = names_room(r, arena, out);
  const struct cluster *c = map_get(&r->clusters, cluster);
  if (status != STATUS_OK || c == NULL) return status;
  r->mark++;
  for (struct map_entry *e = map_first(&c->groups); e; e = map_next(&c->groups, e))
    ((struct broker_group *)e->value)->mark = r->mark;
  for (struct map_entry *e = map_first(&r->topics); e; e = map_next(&r->topics, e)) {
    const struct topic *t = e->value;
    size_t i = 0;
    while (i < t->count && t->queues[i].group->mark != r->mark) i++;
    if (i < t->count) out->names[out->count++] = e->key;
  }
  return STATUS_OK;
}

enum status routes_topics_by_flag(const struct routes *r, int32_t mask, int32_t value, struct arena *arena,
                                  struct names *out) {
  enum status status = names_room(r, arena, out);
  if (status != STATUS_OK) return status;
  for (struct map_entry *e = map_first(&r->topics); e; e = map_next(&r->topics, e)) {
    const struct topic *t = e->value;
    if ((t->queues[0].sys_flag & mask) == value) out->names[out->count++] = e->key;
  }
  return STATUS_OK;
}
