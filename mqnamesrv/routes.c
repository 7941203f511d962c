/* SPDX-License-Identifier: Apache-2.0 */
#include "mqnamesrv/routes_tables.h"

#include "core/wire/message.h"

void routes_init(struct routes *r, const struct routes_limits *limits, struct log *log, uint64_t seed) {
  *r = (struct routes){.limits = *limits, .log = log, .seed = seed};
  map_init(&r->topics, seed);
  map_init(&r->groups, seed);
  map_init(&r->clusters, seed);
  map_init(&r->live, seed);
}

void routes_fini(struct routes *r) {
  for (struct map_entry *e = map_first(&r->topics); e; e = map_next(&r->topics, e)) topic_free(e->value);
  for (struct map_entry *e = map_first(&r->clusters); e; e = map_next(&r->clusters, e)) cluster_free(e->value);
  for (struct map_entry *e = map_first(&r->groups); e; e = map_next(&r->groups, e)) group_free(e->value);
  for (struct map_entry *e = map_first(&r->live); e; e = map_next(&r->live, e)) live_free(e->value);
  map_fini(&r->topics);
  map_fini(&r->clusters);
  map_fini(&r->groups);
  map_fini(&r->live);
}

/* ---------------------------------------------------------------- leases */

static bool version_equal(const struct data_version *a, const struct data_version *b) {
  return a->counter == b->counter && a->timestamp == b->timestamp;
}

const struct data_version *routes_version(const struct routes *r, struct span address) {
  const struct broker_live *l = map_get(&r->live, address);
  return l != NULL && l->version_known ? &l->version : NULL;
}

void routes_renew(struct routes *r, struct span address, struct moment now) {
  struct broker_live *l = map_get(&r->live, address);
  if (l != NULL) l->renewed_ms = now.mono_ms;
}

/* ---------------------------------------------------------------- registration */

/* What a broker may announce: a topic anybody could create, a group's retry or dead-letter topic, or the
 * two system topics named after the broker and its cluster (host names with dots occur). */
static bool topic_acceptable(struct span name, const struct broker_group *g) {
  if (topic_name_valid(name, NULL) || span_equal(name, g->name) || span_equal(name, g->cluster)) return true;
  if (span_starts(name, "%RETRY%")) return group_name_valid(span_from(name, strlen("%RETRY%")), NULL);
  if (span_starts(name, "%DLQ%")) return group_name_valid(span_from(name, strlen("%DLQ%")), NULL);
  return false;
}

/* Topics over the limit or with impossible names are left out, the others count. */
static enum status group_put_topics(struct routes *r, struct broker_group *g, const struct topic_table *table) {
  size_t bad = 0, over = 0;
  for (size_t i = 0; i < table->count; i++) {
    const struct topic_config *c = &table->topics[i];
    if (!topic_acceptable(c->name, g)) {
      bad++;
      continue;
    }
    struct topic *t;
    enum status status = topic_ensure(r, c->name, &t);
    if (status == STATUS_LIMIT) {
      over++;
      continue;
    }
    struct topic_queue q = {g, c->read_queues, c->write_queues, c->perm, c->sys_flag};
    if (status == STATUS_OK) {
      status = topic_put_queue(t, &q);
      if (t->count == 0) { /* a new topic that got no entry */
        map_remove(&r->topics, c->name);
        topic_free(t);
      }
    }
    if (status != STATUS_OK) return status;
  }
  if (bad > 0) log_warn(r->log, "broker %.*s: %zu topics with invalid names skipped", SPAN_ARG(g->name), bad);
  if (over > 0)
    log_warn(r->log, "broker %.*s: %zu topics skipped, the limit topicsMax=%zu is reached", SPAN_ARG(g->name), over,
             r->limits.topics);
  return STATUS_OK;
}

struct body_print body_print_of(struct span body, uint32_t crc) {
  uint64_t h = 0xcbf29ce484222325u; /* FNV-1a, a word at a time */
  size_t i = 0;
  for (; i + 8 <= body.len; i += 8) {
    uint64_t word;
    memcpy(&word, body.ptr + i, 8);
    h = (h ^ word) * 0x9fb21c651e98df25u;
    h ^= h >> 32;
  }
  for (; i < body.len; i++) h = (h ^ body.ptr[i]) * 0x100000001b3u;
  return (struct body_print){body.len, crc, h};
}

static bool print_equal(const struct body_print *a, const struct body_print *b) {
  return a->length == b->length && a->crc == b->crc && a->hash == b->hash;
}

static void answer_slave(const struct routes *r, const struct broker_group *g, int64_t id, struct registered *out) {
  *out = (struct registered){SPAN_NONE, SPAN_NONE};
  if (id == MASTER_ID) return;
  struct span master = group_address(g, MASTER_ID);
  if (master.ptr == NULL) return;
  const struct broker_live *l = map_get(&r->live, master);
  if (l == NULL) return;
  out->master_address = master;
  out->ha_address = l->ha_address;
}

bool routes_renew_unchanged(struct routes *r, const struct registration *reg, struct registered *out,
                            struct moment now) {
  struct broker_live *l = map_get(&r->live, reg->address);
  if (l == NULL || !l->version_known || !print_equal(&l->print, &reg->print)) return false;
  if (!span_equal(l->ha_address, reg->ha_address)) return false;
  const struct broker_group *g = map_get(&r->groups, reg->broker_name);
  if (g == NULL || !span_equal(group_address(g, reg->broker_id), reg->address)) return false;
  const struct cluster *c = map_get(&r->clusters, reg->cluster);
  if (c == NULL || map_get(&c->groups, reg->broker_name) == NULL) return false;
  l->conn = reg->conn;
  l->renewed_ms = now.mono_ms;
  answer_slave(r, g, reg->broker_id, out);
  return true;
}

static bool node_name_valid(struct span name) {
  if (name.len == 0 || name.len > NODE_NAME_MAX) return false;
  for (size_t i = 0; i < name.len; i++)
    if (name.ptr[i] <= ' ' || name.ptr[i] == 0x7f) return false;
  return true;
}

static const char *registration_fault(const struct registration *reg) {
  if (!node_name_valid(reg->broker_name)) return "the broker name is empty, too long or has blanks";
  if (!node_name_valid(reg->cluster)) return "the cluster name is empty, too long or has blanks";
  if (!node_name_valid(reg->address)) return "the broker address is empty, too long or has blanks";
  if (reg->ha_address.len > NODE_NAME_MAX) return "the HA address is too long";
  return NULL;
}

/* Everything but the topics: the places where the broker will be found. */
static enum status register_places(struct routes *r, const struct registration *reg, struct broker_group **group,
                                   struct broker_live **live, bool *first) {
  struct cluster *c = NULL;
  bool fresh = false;
  *first = map_get(&r->groups, reg->broker_name) == NULL;
  enum status status = live_ensure(r, reg, live);
  if (status == STATUS_OK) status = cluster_ensure(r, reg->cluster, &c);
  if (status == STATUS_OK) status = group_ensure(r, reg, group);
  if (status == STATUS_OK) status = map_put(&c->groups, (*group)->name, *group, NULL);
  if (status == STATUS_OK) status = group_put(r, *group, reg->broker_id, reg->address, &fresh);
  if (status == STATUS_OK) group_remove_address(*group, reg->address, reg->broker_id);
  *first = *first || fresh;
  return status;
}

/* A registration that failed half-way must not leave a cluster or group without members, nor a broker
 * that never came over a connection. */
static void undo_places(struct routes *r, const struct registration *reg) {
  struct broker_live *l = map_get(&r->live, reg->address);
  if (l != NULL && l->conn == 0) live_remove(r, l);
  struct broker_group *g = map_get(&r->groups, reg->broker_name);
  if (g != NULL) group_drop_if_empty(r, g);
  struct cluster *c = map_get(&r->clusters, reg->cluster);
  if (c == NULL || map_count(&c->groups) > 0) return;
  map_remove(&r->clusters, reg->cluster);
  cluster_free(c);
}

enum status routes_register(struct routes *r, const struct registration *reg, struct registered *out,
                            const char **why, struct moment now) {
  *out = (struct registered){SPAN_NONE, SPAN_NONE};
  *why = registration_fault(reg);
  if (*why != NULL) return STATUS_INVALID;

  struct broker_group *g = NULL;
  struct broker_live *l = NULL;
  bool first;
  enum status status = register_places(r, reg, &g, &l, &first);
  if (status != STATUS_OK) {
    undo_places(r, reg);
    *why = status == STATUS_LIMIT ? "the name server knows brokersMax brokers already" : status_text(status);
    return status;
  }
  l->conn = reg->conn;
  l->renewed_ms = now.mono_ms;

  /* Only the master speaks for the topics, and only when it has something new to say. */
  bool changed = !l->version_known || !version_equal(&l->version, &reg->topics->version);
  if (reg->broker_id == MASTER_ID && (changed || first)) {
    l->version_known = false;
    status = group_put_topics(r, g, reg->topics);
  }
  if (status == STATUS_OK && !reg->keep_filter_servers)
    status = live_set_filter_servers(l, reg->filter_servers, reg->filter_server_count);
  if (status != STATUS_OK) {
    *why = status_text(status);
    return status;
  }
  l->version = reg->topics->version;
  l->version_known = true;
  l->print = reg->print;
  answer_slave(r, g, reg->broker_id, out);
  return STATUS_OK;
}

/* ---------------------------------------------------------------- going away */

void routes_unregister(struct routes *r, struct span broker_name, struct span address, int64_t broker_id) {
  struct broker_live *l = map_get(&r->live, address);
  if (l != NULL) live_remove(r, l);
  struct broker_group *g = map_get(&r->groups, broker_name);
  log_info(r->log, "broker %.*s id %lld at %.*s unregisters%s", SPAN_ARG(broker_name), (long long)broker_id,
           SPAN_ARG(address), g == NULL ? ", but nobody knew it" : "");
  if (g == NULL) return;
  for (size_t i = g->address_count; i-- > 0;)
    if (g->addresses[i].broker_id == broker_id) group_remove_at(g, i);
  group_drop_if_empty(r, g);
}

/* Takes a dead broker out of all tables. */
static void forget(struct routes *r, struct broker_live *l) {
  for (struct map_entry *e = map_first(&r->groups); e; e = map_next(&r->groups, e)) {
    struct broker_group *g = e->value;
    size_t before = g->address_count;
    for (size_t i = g->address_count; i-- > 0;)
      if (span_equal(g->addresses[i].address, l->address)) group_remove_at(g, i);
    if (g->address_count != before) group_drop_if_empty(r, g);
  }
  live_remove(r, l);
}

void routes_connection_closed(struct routes *r, conn_id conn) {
  for (struct map_entry *e = map_first(&r->live); e; e = map_next(&r->live, e)) {
    struct broker_live *l = e->value;
    if (l->conn != conn) continue;
    log_warn(r->log, "the connection of broker %.*s closed: removed", SPAN_ARG(l->address));
    forget(r, l);
  }
}

bool routes_expire_one(struct routes *r, conn_id *conn, struct moment now) {
  for (struct map_entry *e = map_first(&r->live); e; e = map_next(&r->live, e)) {
    struct broker_live *l = e->value;
    if (l->renewed_ms + ROUTES_LEASE_MS >= now.mono_ms) continue;
    *conn = l->conn;
    log_warn(r->log, "broker %.*s did not register for %d s: removed", SPAN_ARG(l->address), ROUTES_LEASE_MS / 1000);
    forget(r, l);
    return true;
  }
  return false;
}

int32_t routes_wipe_write(struct routes *r, struct span broker_name) {
  const struct broker_group *g = map_get(&r->groups, broker_name);
  if (g == NULL) return 0;
  int32_t count = 0;
  for (struct map_entry *e = map_first(&r->topics); e; e = map_next(&r->topics, e)) {
    struct topic *t = e->value;
    for (size_t i = 0; i < t->count; i++) {
      if (t->queues[i].group != g) continue;
      t->queues[i].perm &= ~PERM_WRITE;
      count++;
    }
  }
  return count;
}

void routes_delete_topic(struct routes *r, struct span topic) {
  struct topic *t = map_remove(&r->topics, topic);
  if (t == NULL) return;
  log_info(r->log, "topic %.*s deleted", SPAN_ARG(topic));
  topic_free(t);
}
