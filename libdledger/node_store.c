/* SPDX-License-Identifier: Apache-2.0
 *
 * node_store: the ledger as raft sees it. What raft appends is staged and
 * counts at once for its end; the bytes reach the file with the turn's one
 * write, or when somebody must read them before.
 */
#include "libdledger/node_parts.h"

#include <stdio.h>

static struct dl_node *node_of(struct raft_store *s) { return ((struct adapter *)s)->n; }

/* The file beside the ledger's that says: this member has forgotten something (libdledger/raft/raft.h, amnesia). Java
 * does not know it and leaves it alone. */
static bool mark_path(const struct dl_node *n, char out[DISK_PATH_MAX]) {
  int len = snprintf(out, DISK_PATH_MAX, "%s/amnesia", n->ledger_dir);
  return len > 0 && len < DISK_PATH_MAX;
}

enum status node_read_mark(struct dl_node *n, bool *there) {
  char path[DISK_PATH_MAX];
  struct disk_entry entry;
  if (!mark_path(n, path)) return STATUS_LIMIT;
  enum status s = n->disk->ops->stat(n->disk, path, &entry);
  *there = n->marked = s == STATUS_OK;
  return s == STATUS_NOT_FOUND ? STATUS_OK : s;
}

static enum status mark(struct dl_node *n) {
  char path[DISK_PATH_MAX];
  if (n->marked) return STATUS_OK;
  if (!mark_path(n, path)) return STATUS_LIMIT;
  enum status s = disk_replace_whole(
      n->disk, path,
      SPAN_LITERAL("This member lost entries or votes it may have promised. Until it has "
                   "caught up it helps to elect nobody.\n"),
      false);
  if (s == STATUS_OK) s = n->disk->ops->sync_dir(n->disk, n->ledger_dir);
  n->marked = s == STATUS_OK;
  return s;
}

enum status node_unmark(struct dl_node *n) {
  char path[DISK_PATH_MAX];
  enum status s = STATUS_OK;
  if (ledger_marks(n->ledger)->damaged_index >= 0) s = ledger_repaired(n->ledger);
  if (s != STATUS_OK || !n->marked) return s;
  if (!mark_path(n, path)) return STATUS_LIMIT;
  s = n->disk->ops->remove(n->disk, path);
  if (s == STATUS_OK) s = n->disk->ops->sync_dir(n->disk, n->ledger_dir);
  n->marked = s != STATUS_OK;
  return s;
}

static int64_t store_begin(struct raft_store *s) {
  const struct ledger_marks *m = ledger_marks(node_of(s)->ledger);
  return m->begin_index >= 0 ? m->begin_index : m->next_index > 0 ? 0 : -1;
}

static int64_t store_end(struct raft_store *s) { return ledger_marks(node_of(s)->ledger)->next_index - 1; }

/* What is staged can be read when it is written. */
static bool written(struct dl_node *n, int64_t index) {
  if (index <= ledger_marks(n->ledger)->end_index) return true;
  return ledger_is_staged(n->ledger) && ledger_commit(n->ledger) == STATUS_OK;
}

static int64_t store_term(struct raft_store *s, int64_t index) {
  struct dl_node *n = node_of(s);
  const struct ledger_marks *m = ledger_marks(n->ledger);
  int64_t term;
  if (index == m->end_index && index >= 0) return m->end_term;
  if (index == m->next_index - 1 && ledger_is_staged(n->ledger)) return n->adapter.staged_term;
  if (index < 0 || !written(n, index)) return -2;
  return ledger_term_at(n->ledger, index, &term) == STATUS_OK ? term : -2;
}

void entry_to_raft(struct raft_entry *out, const struct entry *e) {
  *out = (struct raft_entry){.index = e->index,
                             .term = e->term,
                             .pos = e->pos,
                             .magic = e->magic,
                             .channel = e->channel,
                             .size = e->size,
                             .chain_crc = e->chain_crc,
                             .body_crc = e->body_crc,
                             .body = e->body};
}

static bool store_read(struct raft_store *s, int64_t index, struct raft_entry *out) {
  struct dl_node *n = node_of(s);
  struct entry e;
  if (!written(n, index) || ledger_get(n->ledger, index, &e) != STATUS_OK) return false;
  entry_to_raft(out, &e);
  return true;
}

static int64_t store_reach(struct raft_store *s, int64_t first, int64_t count_max, int64_t bytes_max) {
  struct dl_node *n = node_of(s);
  struct span bytes;
  size_t count;
  (void)count_max; /* entries have 48 bytes at least: the bytes limit them */
  if (!written(n, first) || ledger_run(n->ledger, first, (size_t)bytes_max, &bytes, &count) != STATUS_OK) return first;
  return first + (int64_t)count - 1;
}

/* A body without bytes is left for the caller to fill. */
static enum status store_append_own(struct raft_store *s, int64_t term, struct span body, int64_t *index,
                                    int64_t *pos) {
  struct dl_node *n = node_of(s);
  enum status status = ledger_stage(n->ledger, body.len, term, index, pos, &n->adapter.staged_body);
  if (status != STATUS_OK) return status;
  n->adapter.staged_term = term;
  if (body.ptr == NULL) return STATUS_OK;
  if (body.len > 0) memcpy(n->adapter.staged_body, body.ptr, body.len);
  if (body.ptr == n->opening) opening_prepare(n->adapter.staged_body, body.len, *pos);
  return STATUS_OK;
}

static enum status store_append(struct raft_store *s, const struct raft_entry *e) {
  struct dl_node *n = node_of(s);
  const char *why = "";
  struct entry entry = {.magic = e->magic,
                        .size = e->size,
                        .index = e->index,
                        .term = e->term,
                        .pos = e->pos,
                        .channel = e->channel,
                        .chain_crc = e->chain_crc,
                        .body_crc = e->body_crc,
                        .body = e->body};
  enum status status = ledger_append(n->ledger, &entry, &why);
  if (status == STATUS_OK) n->adapter.staged_term = e->term;
  if (status == STATUS_INVALID || status == STATUS_CORRUPT)
    log_warn(n->log, "dledger %s: entry %lld of the leader is refused: %s", n->options.self_id, (long long)e->index,
             why);
  return status == STATUS_CORRUPT ? STATUS_INVALID : status;
}

static enum status settle(struct dl_node *n) {
  return ledger_is_staged(n->ledger) ? ledger_commit(n->ledger) : STATUS_OK;
}

static enum status store_truncate(struct raft_store *s, int64_t from) {
  struct dl_node *n = node_of(s);
  enum status status = settle(n);
  return status == STATUS_OK ? ledger_truncate(n->ledger, from) : status;
}

static enum status store_reset(struct raft_store *s, const struct raft_entry *e) {
  struct dl_node *n = node_of(s);
  enum status status = settle(n);
  if (status == STATUS_OK) status = ledger_reset(n->ledger, e->index, e->pos);
  if (status == STATUS_OK) status = store_append(s, e);
  return status == STATUS_OK ? settle(n) : status;
}

/* The mark is there before the state that needs it, and goes when the state is without. */
static enum status store_persist(struct raft_store *s, const struct raft_hard_state *state) {
  struct dl_node *n = node_of(s);
  const struct ledger_marks *m = ledger_marks(n->ledger);
  struct span vote = state->voted == RAFT_NOBODY ? SPAN_LITERAL("") : span_text(n->peers.list[state->voted].id);
  enum status status = state->amnesia ? mark(n) : STATUS_OK;
  bool same = m->term == state->term && span_is(vote, m->vote);
  if (status == STATUS_OK && !same) status = ledger_set_term(n->ledger, state->term, vote);
  if (status == STATUS_OK && !state->amnesia) status = node_unmark(n);
  return status;
}

const struct raft_store_ops node_store_ops = {store_begin, store_end,        store_read,   store_term,
                                              store_reach, store_append_own, store_append, store_truncate,
                                              store_reset, store_persist};
