/* SPDX-License-Identifier: Apache-2.0
 *
 * The log is a DLedger group's (org.apache.rocketmq.store.dledger.DLedgerCommitLog,
 * org.apache.rocketmq.broker.dledger.DLedgerRoleChangeHandler): the store
 * stages records in entries of this member, and takes what a majority has.
 * Somebody else decides who leads; here it is only told when the store has
 * everything.
 */
#include "core/base/timers.h"
#include "libdledger/node.h"
#include "libdledger/peers.h"
#include "mqbroker/repl/repl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYNC_TOKENS (UINT64_C(1) << 62) /* away from the store's */
#define FULL_REMARK "the disk of the group's log is full here; this member takes part again when there is room"
#define REFUSAL_MAX 160
#define NAMES_MAX (64 << 20)
#define SPACE_LOOK_MS 1000                  /* so often a full disk is looked at */
#define SYNC_TOKENS_LIFE (INT64_C(1) << 40) /* tokens of one opening of the ledger */
#define BROKEN_MS 1000                      /* a member that cannot serve asks another one to lead, so often */
#define FULL_MS 10000                       /* and one whose disk is too full: the others' may be, too */

/* What it takes to open the ledger again; the texts are d->texts'. */
struct opening {
  struct dl_node_options options;
  struct net *net;
  struct disk *disk;
};

struct dledger {
  struct repl repl;
  struct store_group group;
  struct opening opening;
  char *texts;
  struct store_group_marks kept; /* while there is no node */
  bool full, reopening;          /* the ledger's disk is full; the node is away until it can be opened again */
  int64_t space_ms;
  int64_t no_room_ms; /* a record did not fit on the disk: none is tried before */
  struct dl_node *node;
  struct store *store;
  struct log *log;
  void (*role)(void *owner, enum dledger_role role, struct moment now);
  void *owner;
  char dir[DISK_PATH_MAX];
  int32_t pending_max;
  bool leads;   /* elected */
  bool serves;  /* and told */
  bool told;    /* the owner knows some role */
  bool leaving; /* takes nothing more, so that somebody else has all of it */
  bool asked;   /* somebody else to lead */
  bool known;   /* somebody leads */
  bool again;   /* elected in another term than it serves in */
  bool java;    /* the leader before this member was DLedger 0.1's */
  bool broken;  /* the store cannot follow any more */
  int64_t broken_ms;
  int64_t term;
  int64_t end; /* behind the last record put here */
  int64_t end_index;
  struct moment now;
  char refusal[REFUSAL_MAX];
};

static struct dledger *of(const struct repl *r) { return (struct dledger *)(uintptr_t)r; }
static struct dledger *of_group(const struct store_group *g) {
  return (struct dledger *)((uintptr_t)g - offsetof(struct dledger, group));
}

/* ---- what the store asks ---- */

static enum status group_reserve(struct store_group *g, size_t size, uint8_t **out, int64_t *offset) {
  struct dledger *d = of_group(g);
  struct dl_append a = {.done = NULL};
  if (!d->serves || d->leaving) return STATUS_BUSY;
  enum dl_code code = dl_node_append(d->node, size, out, &a, d->now);
  if (code == DL_CODE_UNEXPECTED_ARGUMENT) return STATUS_INVALID;
  if (code == DL_CODE_DISK_FULL) d->no_room_ms = d->now.mono_ms + SPACE_LOOK_MS;
  if (code != DL_CODE_SUCCESS) return STATUS_BUSY;
  *offset = a.pos + ENTRY_HEADER;
  d->end = *offset + (int64_t)size;
  d->end_index = a.index;
  return STATUS_OK;
}

static void group_marks(const struct store_group *g, struct store_group_marks *out) {
  const struct dledger *d = of_group(g);
  if (d->node == NULL && d->reopening) {
    *out = d->kept;
    return;
  }
  if (d->node == NULL) {
    *out = (struct store_group_marks){0, 0, INT64_MAX}; /* closed: all of it is durable, and nothing moves */
    return;
  }
  const struct ledger_marks *m = ledger_marks(dl_node_ledger(d->node));
  bool any = m->begin_index >= 0;
  out->begin = any ? m->begin_pos : m->end_pos;
  out->committed = any && m->committed_pos > out->begin ? m->committed_pos : out->begin;
  out->synced = m->synced_pos;
}

static enum status group_drop_first(struct store_group *g) {
  struct dledger *d = of_group(g);
  return d->node == NULL ? STATUS_BUSY : ledger_drop_first(dl_node_ledger(d->node));
}

static const char *group_refusal(const struct store_group *g) {
  struct dledger *d = of_group(g);
  if (d->full) return FULL_REMARK;
  if (d->node == NULL) return "the ledger is closed";
  if (dl_node_failure(d->node) == STATUS_NO_SPACE) return FULL_REMARK; /* in this very turn */
  if (!d->serves) return d->leads ? "the new master is not ready yet" : "this broker is not the group's master";
  if (d->leaving) return "this broker is being stopped";
  if (d->now.mono_ms < d->no_room_ms) return "the disk of the group's log is full";
  if (d->end_index - dl_node_committed(d->node) < d->pending_max) return NULL;
  snprintf(d->refusal, sizeof d->refusal, "dLegerMaxPending=%d records wait for a majority of the group already",
           d->pending_max);
  return d->refusal;
}

static const struct store_group_ops group_ops = {group_reserve, group_marks, group_drop_first, group_refusal};

/* ---- roles ---- */

static bool leader_is_java(const struct dledger *d) {
  struct dl_member members[PEERS_MAX];
  size_t count = dl_node_members(d->node, members, PEERS_MAX);
  for (size_t i = 0; i < count; i++)
    if (members[i].leader) return members[i].ours == 0;
  return false;
}

static void on_role(void *owner, enum raft_role role, int64_t term, const char *leader, struct moment now) {
  struct dledger *d = owner;
  static const char *const names[] = {"follower", "candidate", "leader"};
  (void)now;
  log_info(d->log, "dledger: %s in term %" PRId64 "%s%s", names[role], term,
           leader[0] == '\0' ? ", no leader is known" : ", the leader is ", leader);
  d->again = d->again || term != d->term;
  d->term = term;
  d->leads = role == RAFT_LEADER;
  d->known = leader[0] != '\0';
  if (d->known && !d->leads) d->java = leader_is_java(d);
}

static void tell(struct dledger *d, enum dledger_role role, struct moment now) {
  d->serves = role == DLEDGER_LEADS;
  if (d->serves) {
    const struct ledger_marks *m = ledger_marks(dl_node_ledger(d->node));
    d->end = m->end_pos;
    d->end_index = m->end_index;
    store_lead(d->store);
  }
  d->told = true;
  d->role(d->owner, role, now);
}

/* A leader serves when all that it found is agreed on and derived. */
static void roles_follow(struct dledger *d, struct moment now) {
  if (d->serves && (!d->leads || d->again)) tell(d, DLEDGER_FOLLOWS, now);
  d->again = false;
  if (!d->told && !d->leads && d->known) tell(d, DLEDGER_FOLLOWS, now);
  if (d->serves || !d->leads) return;
  const struct ledger_marks *m = ledger_marks(dl_node_ledger(d->node));
  bool agreed = m->end_index < 0 ||
                (m->committed_index == m->end_index && store_appended(d->store) == m->committed_pos);
  if (agreed && m->next_index == m->end_index + 1) tell(d, DLEDGER_LEADS, now);
}

/* ---- as repl ---- */

static bool dledger_owns(const struct repl *r, conn_id conn) {
  return of(r)->node != NULL && dl_node_owns_conn(of(r)->node, conn);
}
static void dledger_connection(struct repl *r, const struct net_event *event, struct moment now) {
  if (of(r)->node != NULL) dl_node_connection(of(r)->node, event, now);
}
static size_t dledger_bytes(struct repl *r, conn_id conn, struct span input, struct moment now) {
  return of(r)->node == NULL ? input.len : dl_node_bytes(of(r)->node, conn, input, now);
}

static const struct dl_node_door node_door = {.role = on_role};

/* As if the program had been started again: what was staged when the disk was full is forgotten. */
static enum status node_open(struct dledger *d, struct moment now, struct buf *why) {
  struct opening *o = &d->opening;
  enum status status = dl_node_open(&d->node, &o->options, o->net, o->disk, d->log, &node_door, d, now, why);
  o->options.sync_token += SYNC_TOKENS_LIFE; /* answers to this node's syncs are never the next one's */
  if (status != STATUS_OK) d->node = NULL;
  return status;
}

static void reopen(struct dledger *d, struct moment now) {
  struct buf why;
  int64_t total, room;
  if (d->node != NULL && ledger_is_syncing(dl_node_ledger(d->node))) return;
  enum status status = d->opening.disk->ops->space(d->opening.disk, d->dir, &total, &room);
  if (status != STATUS_OK || room < d->opening.options.data_file_length + LEDGER_INDEX_FILE_DEFAULT) return;
  group_marks(&d->group, &d->kept);
  d->reopening = true;
  dl_node_abandon(d->node, now);
  d->node = NULL;
  buf_init(&why, REFUSAL_MAX * 4);
  status = node_open(d, now, &why);
  if (status != STATUS_OK)
    log_error(d->log, "dledger: the ledger cannot be opened again: %s %.*s", status_text(status),
              SPAN_ARG(buf_span(&why)));
  else log_info(d->log, "dledger: there is room on the disk; this member takes part again");
  buf_fini(&why);
  d->full = d->reopening = d->node == NULL;
}

/* A full disk is no failed one: nothing that was promised is lost, and there will be room again. */
static void watch_space(struct dledger *d, struct moment now) {
  if (!d->full && dl_node_failure(d->node) == STATUS_NO_SPACE) {
    log_error(d->log, "dledger: %s", FULL_REMARK);
    d->full = true;
    d->space_ms = now.mono_ms + SPACE_LOOK_MS;
  }
  if (!d->full || now.mono_ms < d->space_ms) return;
  d->space_ms = now.mono_ms + SPACE_LOOK_MS;
  reopen(d, now);
}

static int64_t dledger_turn(struct repl *r, struct moment now) {
  struct dledger *d = of(r);
  bool leads = d->leads;
  d->now = now;
  watch_space(d, now);
  if (d->node == NULL) return d->space_ms;
  int64_t wake = dl_node_turn(d->node, now);
  enum status status = store_follow(d->store, now);
  if (status != STATUS_OK && !d->broken)
    log_error(d->log, "dledger: the store cannot follow the group: %s; this member will not serve as a master",
              status_text(status));
  d->broken = status != STATUS_OK;
  bool full = store_is_full(d->store) || now.mono_ms < d->no_room_ms;
  if ((d->broken || full) && d->leads && now.mono_ms >= d->broken_ms) {
    bool asked = dl_node_hand_over(d->node, now);
    log_info(d->log, "dledger: %s", asked ? "another member is asked to lead" : "no other member is ready to lead");
    d->broken_ms = now.mono_ms + (d->broken ? BROKEN_MS : FULL_MS);
  }
  bool served = d->serves;
  if (d->leaving && d->leads && !d->asked) d->asked = dl_node_hand_over(d->node, now);
  roles_follow(d, now);
  return served != d->serves || leads != d->leads ? now.mono_ms : wake;
}

static int64_t dledger_replicated(const struct repl *r) { return store_appended(of(r)->store); }
static enum repl_need dledger_need(const struct repl *r, int64_t end_offset) {
  (void)r, (void)end_offset;
  return REPL_WAIT;
}
static void dledger_master_is(struct repl *r, struct span address) { (void)r, (void)address; }
static const char *dledger_stopped(const struct repl *r) {
  if (of(r)->full) return FULL_REMARK;
  return raft_failed(dl_node_raft(of(r)->node))
             ? "the ledger cannot be written; this member takes no part until it is started again"
             : NULL;
}

static void dledger_describe(const struct repl *r, struct buf *out, struct moment now) {
  struct dledger *d = of(r);
  struct dl_member members[PEERS_MAX];
  (void)now;
  if (d->node == NULL) {
    buf_printf(out, "dledger: %s", FULL_REMARK);
    return;
  }
  const struct ledger_marks *m = ledger_marks(dl_node_ledger(d->node));
  size_t count = dl_node_members(d->node, members, PEERS_MAX);
  buf_printf(out, "dledger %s, term %" PRId64 ", end %" PRId64 ", committed %" PRId64,
             d->serves  ? "leader"
             : d->leads ? "leader, not ready"
                        : "follower",
             raft_term(dl_node_raft(d->node)), m->end_index, m->committed_index);
  for (size_t i = 0; i < count; i++) {
    buf_printf(out, "; %s%s%s", members[i].id, members[i].self ? " (here)" : "", members[i].leader ? " leads" : "");
    if (members[i].match >= 0) buf_printf(out, " has %" PRId64, members[i].match);
  }
}

static void dledger_free(struct repl *r) {
  struct dledger *d = of(r);
  if (d->node != NULL && dl_node_close(d->node, d->now) != STATUS_OK)
    log_error(d->log, "the ledger %s could not be closed cleanly", d->dir);
  free(d->texts);
  free(d);
}

static const struct repl_ops dledger_ops = {dledger_owns,       dledger_connection, dledger_bytes,     dledger_turn,
                                            dledger_replicated, dledger_need,       dledger_master_is, dledger_stopped,
                                            dledger_describe,   dledger_free};

/* ---- life ---- */

bool dledger_dir(const char *root, const char *self_id, const char *name, char out[DISK_PATH_MAX]) {
  return snprintf(out, DISK_PATH_MAX, "%s/dledger-%s/%s", root, self_id, name) < DISK_PATH_MAX;
}

static enum status has_entries(struct disk *disk, const char *dir, bool *has) {
  struct arena names;
  struct disk_entry *entries;
  size_t count = 0;
  arena_init(&names, NAMES_MAX);
  enum status status = disk->ops->list(disk, dir, &names, &entries, &count);
  *has = status == STATUS_OK && count > 0;
  arena_fini(&names);
  return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status dledger_left_behind(struct disk *disk, const char *root, char dir[DISK_PATH_MAX]) {
  struct arena names;
  struct disk_entry *entries;
  size_t count = 0;
  bool has = false;
  arena_init(&names, NAMES_MAX);
  enum status status = disk->ops->list(disk, root, &names, &entries, &count);
  for (size_t i = 0; status == STATUS_OK && i < count && !has; i++) {
    if (!entries[i].directory || !span_starts(entries[i].name, "dledger-")) continue;
    int n = snprintf(dir, DISK_PATH_MAX, "%s/%.*s/data", root, SPAN_ARG(entries[i].name));
    status = n < DISK_PATH_MAX ? has_entries(disk, dir, &has) : STATUS_LIMIT;
  }
  if (!has) dir[0] = '\0';
  arena_fini(&names);
  return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

int dledger_number(const char *self_id) {
  int32_t n;
  if (self_id[0] == '\0' || !span_to_i32(span_text(self_id + 1), &n) || n < 0) return -1;
  return n;
}

/* The settings may change, and the ledger may have to be opened again. */
static bool keep_texts(struct dledger *d, const struct dledger_config *c) {
  struct dl_node_options *o = &d->opening.options;
  const char *from[] = {c->group, c->self_id, c->peers, c->root, c->bind};
  const char **to[] = {&o->group, &o->self_id, &o->peers, &o->dir, &o->bind};
  size_t size = 0;
  for (size_t i = 0; i < sizeof from / sizeof from[0]; i++) size += strlen(from[i]) + 1;
  char *at = d->texts = malloc(size);
  if (at == NULL) return false;
  for (size_t i = 0; i < sizeof from / sizeof from[0]; i++) {
    *to[i] = memcpy(at, from[i], strlen(from[i]) + 1);
    at += strlen(from[i]) + 1;
  }
  return true;
}

enum status dledger_new(struct repl **out, const struct dledger_config *config, const struct dledger_host *host,
                        struct moment now, struct buf *why) {
  struct dledger *d = calloc(1, sizeof *d);
  if (d == NULL) return STATUS_NO_MEMORY;
  struct dl_node_options *o = &d->opening.options;
  d->repl.ops = &dledger_ops;
  d->group = (struct store_group){&group_ops, d->dir};
  d->log = host->log;
  d->role = host->role;
  d->owner = host->owner;
  d->pending_max = config->pending_max;
  d->now = now;
  d->opening.net = host->net;
  d->opening.disk = host->disk;
  dl_node_options_default(o);
  o->listener = config->listener;
  o->data_file_length = config->segment_length;
  o->first_pos = config->first_pos;
  o->sync_token = SYNC_TOKENS;
  o->raft.fsync = (enum raft_fsync)config->fsync;
  if (config->election_ms > 0) o->raft.election_ms = config->election_ms;
  if (config->heartbeat_ms > 0) o->raft.heartbeat_ms = config->heartbeat_ms;
  o->refuse_append = true; /* a record that no broker made has no place in a queue */
  o->seed = config->seed;
  enum status status = keep_texts(d, config) ? STATUS_OK : STATUS_NO_MEMORY;
  if (status == STATUS_OK && !dledger_dir(config->root, config->self_id, "data", d->dir)) status = STATUS_LIMIT;
  if (status == STATUS_OK) status = node_open(d, now, why);
  if (status == STATUS_OK) {
    *out = &d->repl;
    return STATUS_OK;
  }
  free(d->texts);
  free(d);
  return status;
}

struct store_group *dledger_group(struct repl *r) {
  return &of(r)->group;
}
void dledger_store_is(struct repl *r, struct store *store) { of(r)->store = store; }
bool dledger_followed_java(const struct repl *r) {
  struct dledger *d = of(r);
  if (d->node != NULL && !d->leads && d->known) d->java = leader_is_java(d); /* what it is may come to light later */
  return d->java;
}
int64_t dledger_leader_term(const struct repl *r) { return of(r)->known ? of(r)->term : -1; }
int64_t dledger_end(const struct repl *r) { return of(r)->end; }

bool dledger_synced(struct repl *r, uint64_t token, enum status status, struct moment now) {
  return of(r)->node != NULL && dl_node_synced(of(r)->node, token, status, now);
}

bool dledger_hand_over(struct repl *r) {
  struct dledger *d = of(r);
  d->leaving = d->leads;
  return d->leaving;
}

bool dledger_hands_over(const struct repl *r) { return of(r)->leaving && (of(r)->leads || !of(r)->known); }

void dledger_abandon(struct repl *r, struct moment now) {
  struct dledger *d = of(r);
  dl_node_abandon(d->node, now);
  free(d->texts);
  free(d);
}
