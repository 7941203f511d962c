/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/state/locks.h"

#include <stdlib.h>
#include <sys/queue.h>

enum { KEY_MAX = 1024 };

struct lock {
  struct span key;  /* in the lock's own memory, the client id behind it */
  size_t group_len; /* the key's beginning */
  struct span client_id;
  conn_id conn;
  int64_t asked_ms; /* monotonic */
  LIST_ENTRY(lock) in_conn;
  uint8_t bytes[];
};

struct conn_locks {
  LIST_HEAD(, lock) locks;
};

void locks_init(struct locks *ls, size_t limit, uint64_t seed) {
  map_init(&ls->table, seed);
  map_init(&ls->conns, seed);
  ls->limit = limit;
}

static void drop_if_empty(struct locks *ls, conn_id conn) {
  struct span key = span_of(&conn, sizeof conn);
  struct conn_locks *c = map_get(&ls->conns, key);
  if (c != NULL && LIST_EMPTY(&c->locks)) free(map_remove(&ls->conns, key));
}

static void remove_lock(struct locks *ls, struct lock *l) {
  LIST_REMOVE(l, in_conn);
  drop_if_empty(ls, l->conn);
  map_remove(&ls->table, l->key);
  free(l);
}

void locks_fini(struct locks *ls) {
  for (struct map_entry *e; (e = map_first(&ls->table)) != NULL;) remove_lock(ls, e->value);
  map_fini(&ls->table);
  map_fini(&ls->conns);
}

/* Absent: too long to be any group's queue. */
static struct span make_key(struct span group, const struct message_queue *q, uint8_t out[KEY_MAX]) {
  const struct span id = span_of(&q->queue_id, sizeof q->queue_id);
  const struct span parts[] = {group, q->topic, q->broker_name, id};
  size_t at = 0;
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    if (parts[i].len >= KEY_MAX - at) return SPAN_NONE;
    if (parts[i].len > 0) memcpy(out + at, parts[i].ptr, parts[i].len);
    at += parts[i].len;
    out[at++] = '\0';
  }
  return span_of(out, at);
}

static struct conn_locks *conn_of(struct locks *ls, conn_id conn) {
  struct span key = span_of(&conn, sizeof conn);
  struct conn_locks *c = map_get(&ls->conns, key);
  if (c != NULL) return c;
  c = calloc(1, sizeof *c);
  if (c == NULL) return NULL;
  LIST_INIT(&c->locks);
  if (map_put(&ls->conns, key, c, NULL) == STATUS_OK) return c;
  free(c);
  return NULL;
}

static struct lock *make_lock(struct locks *ls, struct span key, size_t group_len, struct span client_id,
                              conn_id conn) {
  struct conn_locks *c = map_count(&ls->table) >= ls->limit ? NULL : conn_of(ls, conn);
  struct lock *l = c == NULL ? NULL : malloc(sizeof *l + key.len + client_id.len);
  if (l == NULL || map_put(&ls->table, key, l, NULL) != STATUS_OK) {
    free(l);
    drop_if_empty(ls, conn);
    return NULL;
  }
  memcpy(l->bytes, key.ptr, key.len);
  if (client_id.len > 0) memcpy(l->bytes + key.len, client_id.ptr, client_id.len);
  l->key = span_of(l->bytes, key.len);
  l->client_id = span_of(l->bytes + key.len, client_id.len);
  l->group_len = group_len;
  l->conn = conn;
  LIST_INSERT_HEAD(&c->locks, l, in_conn);
  return l;
}

bool locks_take(struct locks *ls, struct span group, const struct message_queue *q, struct span client_id, conn_id conn,
                int64_t live_ms, struct moment now) {
  uint8_t bytes[KEY_MAX];
  struct span key = make_key(group, q, bytes);
  if (key.ptr == NULL) return false;
  struct lock *l = map_get(&ls->table, key);
  bool own = l != NULL && span_equal(l->client_id, client_id);
  if (l != NULL && !own && now.mono_ms - l->asked_ms <= live_ms) return false;
  /* The client may have come back over another connection. */
  if (l != NULL && (!own || l->conn != conn)) {
    remove_lock(ls, l);
    l = NULL;
  }
  if (l == NULL) l = make_lock(ls, key, group.len, client_id, conn);
  if (l == NULL) return false;
  l->asked_ms = now.mono_ms;
  return true;
}

void locks_give(struct locks *ls, struct span group, const struct message_queue *q, struct span client_id) {
  uint8_t bytes[KEY_MAX];
  struct span key = make_key(group, q, bytes);
  struct lock *l = key.ptr == NULL ? NULL : map_get(&ls->table, key);
  if (l != NULL && span_equal(l->client_id, client_id)) remove_lock(ls, l);
}

static void drop(struct locks *ls, conn_id conn, struct span group) {
  struct conn_locks *c = map_get(&ls->conns, span_of(&conn, sizeof conn));
  for (struct lock *l = c == NULL ? NULL : LIST_FIRST(&c->locks), *next; l != NULL; l = next) {
    next = LIST_NEXT(l, in_conn);
    if (group.ptr == NULL || span_equal(group, span_of(l->key.ptr, l->group_len))) remove_lock(ls, l);
  }
}

void locks_drop_conn(struct locks *ls, conn_id conn) { drop(ls, conn, SPAN_NONE); }
void locks_drop_member(struct locks *ls, conn_id conn, struct span group) { drop(ls, conn, group); }

void locks_expire(struct locks *ls, int64_t live_ms, struct moment now) {
  for (struct map_entry *e = map_first(&ls->table), *next; e != NULL; e = next) {
    next = map_next(&ls->table, e);
    struct lock *l = e->value;
    if (now.mono_ms - l->asked_ms > live_ms) remove_lock(ls, l);
  }
}
