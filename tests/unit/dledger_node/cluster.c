/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/dledger_node/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORT = 20911, LISTENER = 7, STEP_MS = 5 };

static void on_connection(struct node *node, const struct net_event *event, struct moment now) {
  struct member *m = (struct member *)node;
  if (dl_node_owns(m->dl, event)) dl_node_connection(m->dl, event, now);
}

static size_t on_bytes(struct node *node, conn_id conn, struct span input, struct moment now) {
  return dl_node_bytes(((struct member *)node)->dl, conn, input, now);
}

static void on_synced(struct node *node, uint64_t token, enum status status, struct moment now) {
  (void)dl_node_synced(((struct member *)node)->dl, token, status, now);
}

static int64_t on_turn(struct node *node, struct moment now) { return dl_node_turn(((struct member *)node)->dl, now); }

static const struct node_ops ops = {
    .connection = on_connection, .bytes = on_bytes, .synced = on_synced, .turn = on_turn};

static void on_role(void *owner, enum raft_role role, int64_t term, const char *leader, struct moment now) {
  struct member *m = owner;
  (void)now;
  m->role = role;
  m->term = term;
  sim_say(m->cluster->world, m->host, "role %d term %lld leader %s", (int)role, (long long)term, leader);
}

static void on_committed(void *owner, int64_t index, int64_t pos, struct moment now) {
  (void)pos, (void)now;
  ((struct member *)owner)->committed = index;
}

static const struct dl_node_door door = {.role = on_role, .committed = on_committed};

struct cluster *cluster_new(uint64_t seed, enum raft_fsync fsync) {
  struct cluster *c = calloc(1, sizeof *c);
  if (c == NULL) abort();
  c->world = sim_world_new(seed);
  c->fsync = fsync;
  c->data_file_length = 1 << 16;
  for (int i = 0; i < MEMBERS; i++) {
    char name[16];
    snprintf(name, sizeof name, "n%d", i);
    c->members[i] = (struct member){.node.ops = &ops, .cluster = c, .id = i, .host = sim_host_new(c->world, name)};
  }
  for (int i = 0; i < MEMBERS; i++) {
    cluster_start(c, i);
  }
  return c;
}

void cluster_free(struct cluster *c) {
  for (int i = 0; i < MEMBERS; i++)
    if (c->members[i].dl != NULL) cluster_stop(c, i, SIM_KILL);
  sim_world_free(c->world);
  free(c);
}

void cluster_start(struct cluster *c, int id) {
  struct member *m = &c->members[id];
  struct dl_node_options o;
  char peers[256], self[16];
  struct buf why;
  if (!sim_is_up(m->host)) sim_boot(m->host);
  buf_init(&why, 4096);
  dl_node_options_default(&o);
  snprintf(self, sizeof self, "n%d", id);
  snprintf(peers, sizeof peers, "n0-%s:%d;n1-%s:%d;n2-%s:%d", sim_host_ip(c->members[0].host), PORT,
           sim_host_ip(c->members[1].host), PORT, sim_host_ip(c->members[2].host), PORT);
  o.group = "g";
  o.self_id = self;
  o.peers = peers;
  o.dir = "/store";
  o.listener = LISTENER;
  o.data_file_length = c->data_file_length;
  o.index_file_length = 32 * 1024;
  o.raft.fsync = c->fsync;
  o.seed = prng_next(sim_chance(c->world));
  enum status s = dl_node_open(&m->dl, &o, sim_host_net(m->host), sim_host_disk(m->host), sim_host_log(m->host), &door,
                               m, sim_host_now(m->host), &why);
  if (s != STATUS_OK) {
    printf("    n%d does not start: %s %.*s\n", id, status_text(s), SPAN_ARG(buf_span(&why)));
    abort();
  }
  buf_fini(&why);
  m->role = RAFT_FOLLOWER;
  m->committed = -1;
  sim_attach(m->host, &m->node);
}

void cluster_stop(struct cluster *c, int id, enum sim_stop how) {
  struct member *m = &c->members[id];
  struct moment now = sim_host_now(m->host);
  for (size_t i = 0; i < c->request_count; i++) {
    struct request *q = &c->requests[i];
    if (q->used && !q->done) dl_node_forget(m->dl, &q->append); /* nobody will answer */
  }
  if (how == SIM_EXIT) (void)!dl_node_close(m->dl, now);
  sim_stop(m->host, how);
  if (how != SIM_EXIT) dl_node_abandon(m->dl, now);
  m->dl = NULL;
  m->role = RAFT_FOLLOWER;
}

void cluster_run(struct cluster *c, int64_t ms) { sim_run_until(c->world, sim_now(c->world) + ms); }

struct member *cluster_leader(struct cluster *c, int64_t ms) {
  for (int64_t end = sim_now(c->world) + ms; sim_now(c->world) <= end; cluster_run(c, STEP_MS)) {
    struct member *leader = NULL;
    int followers = 0;
    for (int i = 0; i < MEMBERS; i++) {
      struct member *m = &c->members[i];
      if (m->dl != NULL && m->role == RAFT_LEADER && (leader == NULL || m->term > leader->term)) leader = m;
    }
    for (int i = 0; leader != NULL && i < MEMBERS; i++) {
      struct member *m = &c->members[i];
      followers += m->dl != NULL && m != leader && raft_leader(dl_node_raft(m->dl)) == leader->id;
    }
    if (followers > 0) return leader;
  }
  return NULL;
}

static void fill(uint8_t *body, size_t len, uint32_t number) {
  for (size_t i = 0; i < len; i++) body[i] = (uint8_t)(number * 31 + i);
  put_u32(body, number);
}

static void on_done(struct dl_append *a, enum dl_code code, struct moment now) {
  struct request *q = a->owner;
  (void)now;
  q->done = true;
  q->code = code;
  if (code == DL_CODE_SUCCESS) q->cluster->acked++;
}

size_t cluster_append(struct cluster *c, size_t count, size_t body_len) {
  struct member *leader = cluster_leader(c, 5000);
  size_t taken = 0;
  if (leader == NULL) return 0;
  for (; taken < count && c->request_count < APPENDS_MAX; taken++) {
    struct request *q = &c->requests[c->request_count];
    uint8_t *body;
    *q = (struct request){.append = {.done = on_done, .owner = q}, .cluster = c, .number = (uint32_t)c->request_count};
    if (dl_node_append(leader->dl, body_len, &body, &q->append, sim_host_now(leader->host)) != DL_CODE_SUCCESS) break;
    fill(body, body_len, q->number);
    q->used = true;
    c->request_count++;
  }
  sim_poke(leader->host);
  return taken;
}

bool cluster_settle(struct cluster *c, int64_t ms) {
  for (int64_t end = sim_now(c->world) + ms; sim_now(c->world) <= end; cluster_run(c, STEP_MS)) {
    bool all = true;
    for (size_t i = 0; i < c->request_count && all; i++) all = c->requests[i].done;
    if (all) return true;
  }
  return false;
}

bool cluster_has_all_acked(struct cluster *c, int id) {
  struct ledger *l = dl_node_ledger(c->members[id].dl);
  for (size_t i = 0; i < c->request_count; i++) {
    const struct request *q = &c->requests[i];
    struct entry e;
    if (!q->done || q->code != DL_CODE_SUCCESS) continue;
    if (ledger_get_checked(l, q->append.index, &e) != STATUS_OK || e.body.len < 4 || get_u32(e.body.ptr) != q->number ||
        e.pos != q->append.pos) {
      printf("    n%d lacks entry %lld\n", id, (long long)q->append.index);
      return false;
    }
  }
  return true;
}

bool cluster_same_bytes(struct cluster *c, int a, int b) {
  struct ledger *la = dl_node_ledger(c->members[a].dl), *lb = dl_node_ledger(c->members[b].dl);
  int64_t end_a = ledger_marks(la)->committed_pos, end_b = ledger_marks(lb)->committed_pos;
  int64_t end = end_a < end_b ? end_a : end_b, pos = 0;
  while (pos < end) {
    struct span x, y;
    if (ledger_view(la, pos, &x) != STATUS_OK || ledger_view(lb, pos, &y) != STATUS_OK) return false;
    size_t n = x.len < y.len ? x.len : y.len;
    if ((int64_t)n > end - pos) n = (size_t)(end - pos);
    if (n == 0 || memcmp(x.ptr, y.ptr, n) != 0) return false;
    pos += (int64_t)n;
  }
  return end > 0;
}
