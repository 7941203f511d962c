/* SPDX-License-Identifier: Apache-2.0
 *
 * node: life, the turn, and appends that wait.
 */
#include "libdledger/node_parts.h"

#include <stdio.h>
#include <stdlib.h>

enum {
  RECONNECT_MIN_MS = 20,
  RECONNECT_MAX_MS = 500,
  CONNECT_MS = 1000,
  EXPIRE_EVERY_MS = 10000,
  SCRUB_EVERY_MS = 1000,
  SCRUB_BYTES_PER_S = 1 << 20
};
#define ARENA_MAX (64u << 20)
#define BODY_MAX (16u << 20)

void dl_node_options_default(struct dl_node_options *o) {
  memset(o, 0, sizeof *o);
  raft_config_default(&o->raft);
  o->group = "default";
  o->self_id = "n0";
  o->peers = "n0-localhost:20911";
  o->dir = "";
  o->bind = "";
  o->pending_max = 10000;
  o->rpc_timeout_ms = 3000;
  o->scrub_bytes_per_s = SCRUB_BYTES_PER_S;
  o->append_timeout_ms = 2500;
}

/* ---- life ---- */

static const struct remoting_door door = {.request = node_request};

static bool copy_texts(struct dl_node *n, const struct dl_node_options *o) {
  size_t len = strlen(o->dir) + strlen(o->self_id) + sizeof "/dledger-";
  n->group = strdup(o->group);
  n->dir = strdup(o->dir);
  n->ledger_dir = malloc(len);
  if (n->group == NULL || n->dir == NULL || n->ledger_dir == NULL) return false;
  snprintf(n->ledger_dir, len, "%s/dledger-%s", o->dir, o->self_id);
  n->options.group = n->group;
  n->options.dir = n->dir;
  n->options.self_id = n->peers.list[n->peers.self].id;
  n->options.peers = NULL;
  return true;
}

static bool copy_addresses(struct dl_node *n) {
  struct buf text;
  bool good = true;
  buf_init(&text, PEER_ADDRESS_MAX);
  for (size_t i = 0; i < n->peers.count; i++) {
    buf_clear(&text);
    peer_put_address(&text, &n->peers.list[i]);
    good = good && !text.failed && span_copy_text(buf_span(&text), n->addresses[i], sizeof n->addresses[i]);
  }
  buf_fini(&text);
  return good;
}

static enum status open_ledger(struct dl_node *n, struct moment now, struct buf *why) {
  const struct dl_node_options *o = &n->options;
  struct ledger_options options = {.dir = n->ledger_dir,
                                   .data_file_length = o->data_file_length,
                                   .index_file_length = o->index_file_length,
                                   .first_pos = o->first_pos,
                                   .token = o->sync_token};
  return ledger_open(&n->ledger, &options, n->disk, n->log, now, why);
}

/* A member without ledger and without term is new, or has lost its disk: nobody can tell by looking at it. */
static enum status open_raft(struct dl_node *n, struct moment now) {
  const struct ledger_marks *m = ledger_marks(n->ledger);
  struct raft_config *c = &n->options.raft;
  struct raft_start start = {.committed = m->committed_index};
  bool marked;
  enum status s = node_read_mark(n, &marked);
  if (s != STATUS_OK) return s;
  size_t voted = m->vote[0] == '\0' ? n->peers.count : peers_find(&n->peers, span_text(m->vote));
  bool blank = m->end_index < 0 && m->term < 0 && m->vote[0] == '\0';
  start.hard = (struct raft_hard_state){.term = m->term,
                                        .voted = voted == n->peers.count ? RAFT_NOBODY : (int)voted,
                                        .amnesia = marked || blank || m->damaged_index >= 0};
  c->self = (int)n->peers.self;
  c->count = (int)n->peers.count;
  c->seed = n->options.seed;
  c->batch_count = INT64_MAX / 2;
  if (c->opening.ptr == NULL) {
    opening_record(n->opening);
    c->opening = span_of(n->opening, sizeof n->opening);
  }
  n->adapter = (struct adapter){.store.ops = &node_store_ops, .n = n, .staged_term = -1};
  n->raft = raft_new(c, &n->adapter.store, &start, n->log, now);
  return n->raft == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static enum status open_net(struct dl_node *n, struct buf *why) {
  struct remoting_config config;
  const struct peer *self = &n->peers.list[n->peers.self];
  const char *reason = NULL;
  remoting_config_default(&config);
  config.reconnect_min_ms = RECONNECT_MIN_MS;
  config.reconnect_max_ms = RECONNECT_MAX_MS;
  config.connect_timeout_ms = CONNECT_MS;
  n->remoting = remoting_new(&config, n->net, n->log, &door, n, n->options.seed);
  if (n->remoting == NULL) return STATUS_NO_MEMORY;
  enum status s = n->net->ops->listen(n->net, n->options.bind, self->port, n->options.listener, &n->port, &reason);
  if (s != STATUS_OK)
    buf_printf(why, "cannot listen on port %d of %s: %s", self->port, self->id,
               reason != NULL ? reason : status_text(s));
  return s;
}

enum status dl_node_open(struct dl_node **out, const struct dl_node_options *options, struct net *net,
                         struct disk *disk, struct log *log, const struct dl_node_door *node_door, void *owner,
                         struct moment now, struct buf *why) {
  struct dl_node *n = calloc(1, sizeof *n);
  if (n == NULL) return STATUS_NO_MEMORY;
  n->options = *options;
  n->net = net;
  n->disk = disk;
  n->log = log;
  n->door = *node_door;
  n->owner = owner;
  n->now = now;
  n->last = &n->first;
  n->told_role = RAFT_FOLLOWER;
  n->told_leader = RAFT_NOBODY;
  n->told_term = INT64_MIN;
  n->told_committed = -1;
  arena_init(&n->arena, ARENA_MAX);
  buf_init(&n->body, BODY_MAX);
  enum status s = peers_parse(&n->peers, span_text(options->peers), span_text(options->self_id), why);
  if (s == STATUS_OK && (!copy_texts(n, options) || !copy_addresses(n))) s = STATUS_NO_MEMORY;
  if (s == STATUS_OK) s = open_ledger(n, now, why);
  if (s == STATUS_OK) s = open_raft(n, now);
  if (s == STATUS_OK) s = open_net(n, why);
  if (s == STATUS_OK) *out = n;
  else dl_node_abandon(n, now);
  return s;
}

static void finish(struct dl_node *n, struct dl_append *a, enum dl_code code) {
  n->pending--;
  a->done(a, code, n->now);
}

/* Ends every append from index on; done may append again, behind what is taken out here. */
static void fail_from(struct dl_node *n, int64_t index, enum dl_code code) {
  struct dl_append **at = &n->first;
  while (*at != NULL && (*at)->index < index) at = &(*at)->next;
  struct dl_append *doomed = *at;
  *at = NULL;
  n->last = at;
  while (doomed != NULL) {
    struct dl_append *next = doomed->next;
    finish(n, doomed, code);
    doomed = next;
  }
}

static void free_node(struct dl_node *n, struct moment now) {
  if (n->port != 0) n->net->ops->unlisten(n->net, n->options.listener);
  if (n->remoting != NULL) remoting_free(n->remoting, now);
  raft_free(n->raft);
  for (size_t i = 0; i < n->flight_count; i++) free(n->flight_all[i]);
  free(n->flight_all);
  free(n->visits);
  free(n->entries);
  arena_fini(&n->arena);
  buf_fini(&n->body);
  free(n->group);
  free(n->dir);
  free(n->ledger_dir);
  free(n);
}

enum status dl_node_close(struct dl_node *n, struct moment now) {
  if (n == NULL) return STATUS_OK;
  n->now = now;
  fail_from(n, 0, DL_CODE_TERM_CHANGED);
  enum status s = ledger_close(n->ledger);
  n->ledger = NULL;
  raft_disk_failed(n->raft, STATUS_SHUTDOWN); /* nothing more is asked of the ledger */
  free_node(n, now);
  return s;
}

void dl_node_abandon(struct dl_node *n, struct moment now) {
  if (n == NULL) return;
  if (n->ledger != NULL) ledger_abandon(n->ledger);
  n->ledger = NULL;
  free_node(n, now);
}

/* ---- from the host ---- */

bool dl_node_owns_conn(struct dl_node *n, conn_id conn) {
  struct net_peer peer;
  return remoting_peer(n->remoting, conn, &peer) == STATUS_OK;
}

bool dl_node_owns(struct dl_node *n, const struct net_event *event) {
  if (event->kind == NET_ACCEPTED) return event->listener == n->options.listener;
  return dl_node_owns_conn(n, event->conn);
}

void dl_node_connection(struct dl_node *n, const struct net_event *event, struct moment now) {
  n->now = now;
  remoting_connection(n->remoting, event, now);
}

size_t dl_node_bytes(struct dl_node *n, conn_id conn, struct span input, struct moment now) {
  n->now = now;
  return remoting_bytes(n->remoting, conn, input, now);
}

bool dl_node_synced(struct dl_node *n, uint64_t token, enum status status, struct moment now) {
  n->now = now;
  return ledger_synced(n->ledger, token, status, now);
}

/* ---- turn ---- */

/* What was staged is written; marks go to raft. */
static void write_staged(struct dl_node *n) {
  const struct ledger_marks *m = ledger_marks(n->ledger);
  enum status s = ledger_is_staged(n->ledger) ? ledger_commit(n->ledger) : STATUS_OK;
  if (s == STATUS_OK) s = ledger_failure(n->ledger);
  if (s != STATUS_OK && !raft_failed(n->raft)) {
    log_error(n->log, "dledger %s: the ledger cannot be written: %s", n->options.self_id, status_text(s));
    raft_disk_failed(n->raft, s);
  }
  raft_written(n->raft, m->end_index);
  raft_synced(n->raft, m->synced_index);
}

/* Bytes that rot where nobody reads are found before the last good copy rots too. */
static void scrub(struct dl_node *n) {
  int64_t index;
  if (n->options.scrub_bytes_per_s <= 0 || n->now.mono_ms < n->scrub_ms || raft_failed(n->raft)) return;
  n->scrub_ms = n->now.mono_ms + SCRUB_EVERY_MS;
  if (ledger_scrub(n->ledger, n->options.scrub_bytes_per_s, &index) == STATUS_CORRUPT) dl_node_damaged(n, index);
}

void dl_node_damaged(struct dl_node *n, int64_t index) {
  if (n->peers.count == 1) {
    log_error(n->log, "dledger %s: entry %lld is damaged, and there is no other member that has it", n->options.self_id,
              (long long)index);
    return;
  }
  log_error(n->log, "dledger %s: entry %lld is damaged: it and what is behind it are fetched again", n->options.self_id,
            (long long)index);
  enum status s = ledger_is_staged(n->ledger) ? ledger_commit(n->ledger) : STATUS_OK;
  if (s == STATUS_OK) s = ledger_cut_damaged(n->ledger, index);
  if (s == STATUS_OK) raft_lost(n->raft, ledger_marks(n->ledger)->next_index);
  else raft_disk_failed(n->raft, s);
}

static void tell_role(struct dl_node *n) {
  int leader = raft_leader(n->raft);
  if (n->told_role == raft_role(n->raft) && n->told_term == raft_term(n->raft) && n->told_leader == leader) return;
  n->told_role = raft_role(n->raft);
  n->told_term = raft_term(n->raft);
  n->told_leader = leader;
  if (n->door.role != NULL)
    n->door.role(n->owner, n->told_role, n->told_term, leader == RAFT_NOBODY ? "" : n->peers.list[leader].id, n->now);
}

/* After damage the ledger's mark goes back and comes again; nobody is told twice. */
static void tell_committed(struct dl_node *n) {
  int64_t committed = raft_committed(n->raft);
  if (committed <= ledger_marks(n->ledger)->committed_index && committed <= n->told_committed) return;
  ledger_set_committed(n->ledger, committed);
  committed = ledger_marks(n->ledger)->committed_index;
  if (committed <= n->told_committed) return;
  n->told_committed = committed;
  if (n->door.committed != NULL) n->door.committed(n->owner, committed, ledger_marks(n->ledger)->committed_pos, n->now);
}

static void end_appends(struct dl_node *n) {
  bool leads = raft_role(n->raft) == RAFT_LEADER;
  int64_t term = raft_term(n->raft);
  while (n->first != NULL) {
    struct dl_append *a = n->first;
    enum dl_code code = DL_CODE_SUCCESS;
    if (raft_failed(n->raft)) code = DL_CODE_DISK_ERROR;
    else if (!leads || a->term != term) code = DL_CODE_TERM_CHANGED;
    else if (a->index > n->told_committed) {
      if (a->due_ms > n->now.mono_ms) return;
      code = DL_CODE_WAIT_QUORUM_ACK_TIMEOUT;
    }
    n->first = a->next;
    if (n->first == NULL) n->last = &n->first;
    finish(n, a, code);
  }
}

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t dl_node_turn(struct dl_node *n, struct moment now) {
  n->now = now;
  int64_t wake = remoting_turn(n->remoting, now);
  wake = earlier(wake,
                 ledger_tick(n->ledger, now)); /* first: what is sent below borrows from the ledger until it left */
  scrub(n);
  write_staged(n);
  int64_t raft_wake = raft_turn(n->raft, now);
  if (ledger_is_staged(n->ledger)) { /* the record that opens a term */
    write_staged(n);
    raft_wake = raft_turn(n->raft, now);
  }
  node_send_all(n);
  if (raft_wants_sync(n->raft)) ledger_sync(n->ledger);
  if (now.mono_ms >= n->expire_ms) {
    node_expire_visits(n);
    n->expire_ms = now.mono_ms + EXPIRE_EVERY_MS;
  }
  tell_role(n);
  tell_committed(n);
  end_appends(n);
  if (n->first != NULL) wake = earlier(wake, n->first->due_ms);
  if (ledger_is_staged(n->ledger)) return now.mono_ms; /* somebody appended while being told */
  if (n->options.scrub_bytes_per_s > 0 && ledger_marks(n->ledger)->end_index >= 0) wake = earlier(wake, n->scrub_ms);
  return earlier(wake, raft_wake);
}

/* ---- for the owner ---- */

enum dl_code dl_node_append(struct dl_node *n, size_t body_len, uint8_t **body, struct dl_append *a,
                            struct moment now) {
  if (raft_role(n->raft) != RAFT_LEADER) return DL_CODE_NOT_LEADER;
  if (a->done != NULL && n->pending >= n->options.pending_max) return DL_CODE_LEADER_PENDING_FULL;
  bool staged = ledger_is_staged(n->ledger);
  enum status s = raft_append(n->raft, span_of(NULL, body_len), &a->index, &a->pos);
  if (s == STATUS_LIMIT) return DL_CODE_UNEXPECTED_ARGUMENT;
  if (s != STATUS_OK) {
    /* What was staged in this turn is gone too; whoever has no `done` hears of it by the change of roles. */
    if (staged && a->done == NULL) raft_disk_failed(n->raft, s);
    fail_from(n, ledger_marks(n->ledger)->next_index, s == STATUS_NO_SPACE ? DL_CODE_DISK_FULL : DL_CODE_DISK_ERROR);
    return s == STATUS_NO_SPACE ? DL_CODE_DISK_FULL : DL_CODE_DISK_ERROR;
  }
  *body = n->adapter.staged_body;
  a->term = raft_term(n->raft);
  if (a->done == NULL) return DL_CODE_SUCCESS;
  a->due_ms = now.mono_ms + n->options.append_timeout_ms;
  a->next = NULL;
  *n->last = a;
  n->last = &a->next;
  n->pending++;
  return DL_CODE_SUCCESS;
}

void dl_node_forget(struct dl_node *n, struct dl_append *a) {
  struct dl_append **at = &n->first;
  while (*at != NULL && *at != a) at = &(*at)->next;
  if (*at == NULL) return;
  *at = a->next;
  if (a->next == NULL) n->last = at;
  n->pending--;
}

bool dl_node_hand_over(struct dl_node *n, struct moment now) { return raft_hand_over(n->raft, now); }

struct ledger *dl_node_ledger(struct dl_node *n) {
  return n->ledger;
}
enum status dl_node_failure(const struct dl_node *n) {
  return ledger_failure(n->ledger) != STATUS_OK ? STATUS_IO : raft_failure(n->raft);
}
const struct raft *dl_node_raft(const struct dl_node *n) { return n->raft; }
int64_t dl_node_committed(const struct dl_node *n) { return n->told_committed; }
uint16_t dl_node_port(const struct dl_node *n) { return n->port; }

int64_t dl_node_committed_pos(const struct dl_node *n) { return ledger_marks(n->ledger)->committed_pos; }

size_t dl_node_members(const struct dl_node *n, struct dl_member *out, size_t cap) {
  int leader = raft_leader(n->raft);
  bool leads = raft_role(n->raft) == RAFT_LEADER;
  for (size_t i = 0; i < n->peers.count && i < cap; i++) {
    const struct peer *p = &n->peers.list[i];
    out[i] = (struct dl_member){.id = p->id,
                                .host = p->host,
                                .port = p->port,
                                .self = i == n->peers.self,
                                .leader = (int)i == leader,
                                .ours = raft_is_ours(n->raft, (int)i),
                                .match = leads ? raft_match(n->raft, (int)i) : -1};
  }
  return n->peers.count < cap ? n->peers.count : cap;
}
