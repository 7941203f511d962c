/* SPDX-License-Identifier: Apache-2.0
 *
 * dledger: the installed API. A member (libdledger/node.h) on a loop and a
 * thread of its own; what callers want is posted to it.
 */
#include "dledger/dledger.h"

#include "host/uv/log_uv.h"
#include "host/uv/loop.h"
#include "host/uv/thread_uv.h"
#include "libdledger/node.h"
#include "libdledger/opening.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LISTENER = 1, HAND_OVER_STEP_MS = 5, APPLY_PER_TURN = 4096, OUTBOX_MAX = 256 << 20 };

struct job {
  struct job *next;
  struct dl_append append;
  dledger_done done;
  void *argument;
  size_t len;
  uint8_t body[];
};

struct dledger {
  struct node node; /* first */
  struct uv_host *host;
  struct log log;
  struct dl_node *n;
  struct dledger_options options;
  int64_t applied;
  struct uv_post post;
  pthread_mutex_t lock;
  struct job *jobs, **last_job; /* under lock */
  bool closed;                  /* under lock */
};

/* ---- texts ---- */

const char *dledger_result_text(enum dledger_result result) {
  static const char *const texts[] = {"success",       "not the leader",  "too many appends wait",
                                      "too long",      "outcome unknown", "the disk failed",
                                      "no such entry", "closed",          "invalid"};
  return (size_t)result < sizeof texts / sizeof *texts ? texts[result] : "?";
}

static enum dledger_result result_of(enum dl_code code) {
  switch (code) {
  case DL_CODE_SUCCESS:
    return DLEDGER_OK;
  case DL_CODE_NOT_LEADER:
    return DLEDGER_NOT_LEADER;
  case DL_CODE_LEADER_PENDING_FULL:
    return DLEDGER_BUSY;
  case DL_CODE_UNEXPECTED_ARGUMENT:
    return DLEDGER_TOO_LONG;
  case DL_CODE_DISK_ERROR:
  case DL_CODE_DISK_FULL:
    return DLEDGER_DISK;
  default:
    return DLEDGER_UNKNOWN;
  }
}

void dledger_options_default(struct dledger_options *o) {
  struct dl_node_options n;
  dl_node_options_default(&n);
  memset(o, 0, sizeof *o);
  o->group = n.group;
  o->self_id = n.self_id;
  o->peers = n.peers;
  o->dir = ".";
  o->bind = "";
  o->heartbeat_ms = n.raft.heartbeat_ms;
  o->election_ms = n.raft.election_ms;
  o->append_timeout_ms = n.append_timeout_ms;
  o->pending_max = n.pending_max;
}

/* ---- the loop's side ---- */

static void on_connection(struct node *node, const struct net_event *event, struct moment now) {
  dl_node_connection(((struct dledger *)node)->n, event, now);
}

static size_t on_bytes(struct node *node, conn_id conn, struct span input, struct moment now) {
  return dl_node_bytes(((struct dledger *)node)->n, conn, input, now);
}

static void on_synced(struct node *node, uint64_t token, enum status status, struct moment now) {
  (void)dl_node_synced(((struct dledger *)node)->n, token, status, now);
}

static void append_done(struct dl_append *a, enum dl_code code, struct moment now) {
  struct job *j = a->owner;
  (void)now;
  j->done(j->argument, result_of(code), a->index, a->pos);
  free(j);
}

static void append_one(struct dledger *d, struct job *j, struct moment now) {
  uint8_t *body;
  j->append = (struct dl_append){.done = append_done, .owner = j, .index = -1, .pos = -1};
  enum dl_code code = dl_node_append(d->n, j->len, &body, &j->append, now);
  if (code == DL_CODE_SUCCESS) {
    memcpy(body, j->body, j->len);
  } else {
    j->done(j->argument, result_of(code), -1, -1);
    free(j);
  }
}

static struct job *take_jobs(struct dledger *d) {
  pthread_mutex_lock(&d->lock);
  struct job *j = d->jobs;
  d->jobs = NULL;
  d->last_job = &d->jobs;
  pthread_mutex_unlock(&d->lock);
  return j;
}

/* Committed entries go to their reader; more than a turn's worth wait for the next. True: there is more. */
static bool apply(struct dledger *d) {
  struct ledger *l = dl_node_ledger(d->n);
  int64_t committed = dl_node_committed(d->n), begin = ledger_marks(l)->begin_index;
  struct entry e;
  if (d->options.on_entry == NULL) return false;
  if (d->applied + 1 < begin) d->applied = begin - 1;
  for (int i = 0; i < APPLY_PER_TURN && d->applied < committed; i++) {
    enum status s = ledger_get_checked(l, d->applied + 1, &e);
    if (s == STATUS_CORRUPT) dl_node_damaged(d->n, d->applied + 1);
    if (s != STATUS_OK) return false; /* it comes again from the others */
    d->applied++;
    if (!opening_is(e.body)) d->options.on_entry(d->options.context, e.index, e.term, e.body.ptr, e.body.len);
  }
  return d->applied < committed;
}

static int64_t on_turn(struct node *node, struct moment now) {
  struct dledger *d = (struct dledger *)node;
  for (struct job *j = take_jobs(d), *next; j != NULL; j = next) {
    next = j->next;
    append_one(d, j, now);
  }
  int64_t wake = dl_node_turn(d->n, now);
  return apply(d) ? now.mono_ms : wake;
}

static const struct node_ops ops = {
    .connection = on_connection, .bytes = on_bytes, .synced = on_synced, .turn = on_turn};

static void on_role(void *owner, enum raft_role role, int64_t term, const char *leader, struct moment now) {
  struct dledger *d = owner;
  (void)now;
  if (d->options.on_role != NULL) d->options.on_role(d->options.context, (enum dledger_role)role, term, leader);
}

static const struct dl_node_door door = {.role = on_role};

static void nothing(void *argument) { (void)argument; } /* the turn that follows a post is what is wanted */

/* ---- life ---- */

static void configure(struct dl_node_options *n, const struct dledger_options *o, struct moment now) {
  dl_node_options_default(n);
  n->group = o->group;
  n->self_id = o->self_id;
  n->peers = o->peers;
  n->dir = o->dir;
  n->bind = o->bind;
  n->listener = LISTENER;
  n->raft.fsync = (enum raft_fsync)o->fsync;
  n->raft.heartbeat_ms = o->heartbeat_ms;
  n->raft.election_ms = o->election_ms;
  n->raft.amnesiacs_vote = o->trust_empty;
  n->append_timeout_ms = o->append_timeout_ms;
  n->pending_max = o->pending_max;
  n->data_file_length = o->data_file_length;
  n->index_file_length = o->index_file_length;
  n->seed = (uint64_t)now.mono_ms * 31 + (uint64_t)now.wall_ms;
  for (const char *p = o->self_id; *p != '\0'; p++) n->seed = n->seed * 131 + (uint8_t)*p;
}

static void free_all(struct dledger *d) {
  if (d->n != NULL) (void)!dl_node_close(d->n, uv_host_now(d->host));
  uv_host_free(d->host);
  pthread_mutex_destroy(&d->lock);
  free(d);
}

dledger *dledger_start(const struct dledger_options *options, char *error, size_t error_cap) {
  struct dledger *d = calloc(1, sizeof *d);
  struct uv_host_config host_config;
  struct dl_node_options node_options;
  struct buf why;
  if (d == NULL) return NULL;
  buf_init(&why, 4096);
  d->node.ops = &ops;
  d->options = *options;
  d->applied = options->apply_from - 1;
  d->last_job = &d->jobs;
  pthread_mutex_init(&d->lock, NULL);
  log_stderr_init(&d->log, options->verbose ? LOG_INFO : LOG_WARN);
  uv_host_config_default(&host_config);
  host_config.outbox_max = OUTBOX_MAX;
  d->host = uv_host_new(&host_config, &d->log);
  enum status s = d->host == NULL ? STATUS_NO_MEMORY : STATUS_OK;
  if (s == STATUS_OK) {
    struct moment now = uv_host_now(d->host);
    configure(&node_options, options, now);
    s = dl_node_open(&d->n, &node_options, uv_host_net(d->host), uv_host_disk(d->host), &d->log, &door, d, now, &why);
  }
  if (s == STATUS_OK) {
    uv_host_attach(d->host, &d->node);
    s = uv_host_start(d->host);
  }
  if (s != STATUS_OK && error != NULL)
    snprintf(error, error_cap, "%s%s%.*s", status_text(s), why.len > 0 ? ": " : "", SPAN_ARG(buf_span(&why)));
  buf_fini(&why);
  if (s == STATUS_OK) return d;
  free_all(d);
  return NULL;
}

/* ---- calls that wait for the loop ---- */

struct visit_loop {
  struct uv_post post;
  struct latch latch;
  struct dledger *d;
  void (*run)(struct visit_loop *v);
  int64_t index;
  enum dledger_result result;
  void *out;
  size_t cap, len;
  int64_t term;
};

static void run_visit(void *argument) {
  struct visit_loop *v = argument;
  v->run(v);
  latch_open(&v->latch);
}

static void visit(struct visit_loop *v) {
  latch_init(&v->latch);
  if (uv_host_is_loop_thread(v->d->host)) {
    v->run(v); /* from a call-back */
  } else {
    uv_host_post(v->d->host, &v->post, run_visit, v);
    latch_wait(&v->latch, -1);
  }
  latch_fini(&v->latch);
}

static void hand_over(struct visit_loop *v) {
  v->result = dl_node_hand_over(v->d->n, uv_host_now(v->d->host)) ? DLEDGER_OK : DLEDGER_NOT_LEADER;
}

void dledger_stop(dledger *d, int hand_over_ms) {
  if (d == NULL) return;
  struct visit_loop v = {.d = d, .run = hand_over};
  struct dledger_status status;
  if (hand_over_ms > 0) visit(&v);
  for (int ms = 0; hand_over_ms > 0 && v.result == DLEDGER_OK && ms < hand_over_ms; ms += HAND_OVER_STEP_MS) {
    struct latch pause;
    dledger_get_status(d, &status);
    if (status.role != DLEDGER_LEADER) break;
    latch_init(&pause);
    latch_wait(&pause, HAND_OVER_STEP_MS);
    latch_fini(&pause);
  }
  pthread_mutex_lock(&d->lock);
  d->closed = true;
  pthread_mutex_unlock(&d->lock);
  uv_host_stop(d->host);
  uv_host_join(d->host);
  for (struct job *j = take_jobs(d), *next; j != NULL; j = next) {
    next = j->next;
    j->done(j->argument, DLEDGER_CLOSED, -1, -1);
    free(j);
  }
  free_all(d);
}

enum dledger_result dledger_append_async(dledger *d, const void *body, size_t len, dledger_done done, void *argument) {
  struct job *j = malloc(sizeof *j + len);
  if (j == NULL) return DLEDGER_BUSY;
  *j = (struct job){.done = done, .argument = argument, .len = len};
  if (len > 0) memcpy(j->body, body, len);
  pthread_mutex_lock(&d->lock);
  bool closed = d->closed, first = d->jobs == NULL;
  if (!closed) {
    *d->last_job = j;
    d->last_job = &j->next;
    if (first) uv_host_post(d->host, &d->post, nothing, d);
  }
  pthread_mutex_unlock(&d->lock);
  if (closed) free(j);
  return closed ? DLEDGER_CLOSED : DLEDGER_OK;
}

struct waiting {
  struct latch latch;
  enum dledger_result result;
  int64_t index, pos;
};

static void wake(void *argument, enum dledger_result result, int64_t index, int64_t pos) {
  struct waiting *w = argument;
  w->result = result;
  w->index = index;
  w->pos = pos;
  latch_open(&w->latch);
}

enum dledger_result dledger_append(dledger *d, const void *body, size_t len, int64_t *index, int64_t *pos) {
  struct waiting w;
  if (uv_host_is_loop_thread(d->host)) return DLEDGER_INVALID;
  latch_init(&w.latch);
  enum dledger_result r = dledger_append_async(d, body, len, wake, &w);
  if (r == DLEDGER_OK) {
    latch_wait(&w.latch, -1);
    r = w.result;
    if (index != NULL) *index = w.index;
    if (pos != NULL) *pos = w.pos;
  }
  latch_fini(&w.latch);
  return r;
}

static void get(struct visit_loop *v) {
  struct entry e;
  v->result = DLEDGER_NOT_FOUND;
  if (v->index < 0 || v->index > dl_node_committed(v->d->n)) return;
  enum status s = ledger_get_checked(dl_node_ledger(v->d->n), v->index, &e);
  if (s != STATUS_OK) {
    if (s == STATUS_CORRUPT) dl_node_damaged(v->d->n, v->index);
    v->result = s == STATUS_NOT_FOUND ? DLEDGER_NOT_FOUND : DLEDGER_DISK;
    return;
  }
  v->out = malloc(e.body.len + 1);
  if (v->out == NULL) return;
  memcpy(v->out, e.body.ptr, e.body.len);
  v->len = e.body.len;
  v->term = e.term;
  v->result = DLEDGER_OK;
}

enum dledger_result dledger_get(dledger *d, int64_t index, void **body, size_t *len, int64_t *term) {
  struct visit_loop v = {.d = d, .run = get, .index = index};
  visit(&v);
  if (v.result != DLEDGER_OK) return v.result;
  *body = v.out;
  *len = v.len;
  if (term != NULL) *term = v.term;
  return DLEDGER_OK;
}

void dledger_free(void *body) { free(body); }

static void status_of(struct visit_loop *v) {
  struct dledger_status *out = v->out;
  const struct raft *r = dl_node_raft(v->d->n);
  const struct ledger_marks *m = ledger_marks(dl_node_ledger(v->d->n));
  struct dl_member members[RAFT_MEMBERS_MAX];
  *out = (struct dledger_status){.role = (enum dledger_role)raft_role(r),
                                 .term = raft_term(r),
                                 .begin_index = m->begin_index,
                                 .end_index = m->end_index,
                                 .committed_index = dl_node_committed(v->d->n),
                                 .synced_index = m->synced_index};
  size_t n = dl_node_members(v->d->n, members, RAFT_MEMBERS_MAX);
  for (size_t i = 0; i < n; i++)
    if (members[i].leader) snprintf(out->leader, sizeof out->leader, "%s", members[i].id);
}

void dledger_get_status(dledger *d, struct dledger_status *out) {
  struct visit_loop v = {.d = d, .run = status_of, .out = out};
  visit(&v);
}

static void members_of(struct visit_loop *v) {
  struct dledger_member *out = v->out;
  struct dl_member members[RAFT_MEMBERS_MAX];
  v->len = dl_node_members(v->d->n, members, RAFT_MEMBERS_MAX);
  for (size_t i = 0; i < v->len && i < v->cap; i++) {
    const struct dl_member *m = &members[i];
    out[i] = (struct dledger_member){.leader = m->leader, .self = m->self, .match = m->match};
    snprintf(out[i].id, sizeof out[i].id, "%s", m->id);
    snprintf(out[i].address, sizeof out[i].address, "%s:%u", m->host, m->port);
  }
}

size_t dledger_members(dledger *d, struct dledger_member *out, size_t cap) {
  struct visit_loop v = {.d = d, .run = members_of, .out = out, .cap = cap};
  visit(&v);
  return v.len;
}
