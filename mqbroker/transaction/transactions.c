/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/transaction/transactions.h"

#include "mqbroker/transaction/half_record.h"

#include <inttypes.h>
#include <stdlib.h>

enum { ARENA_MAX = 16 << 20, SAVE_MS = 1000, WAITING_CAP_MIN = 64 };

void transactions_init(struct transactions *t, struct log *log, const struct net_peer *broker,
                       const struct transaction_door *door) {
  *t = (struct transactions){.log = log, .broker = *broker, .door = *door, .note_at = -1, .mark = -1};
  ended_init(&t->ended);
  arena_init(&t->arena, ARENA_MAX);
}

void transactions_fini(struct transactions *t) {
  ended_fini(&t->ended);
  arena_fini(&t->arena);
  free(t->waiting.items);
  free(t->noted.items);
  free(t->owed);
}

bool waiting_add(struct waiting_list *list, int64_t half, int32_t times) {
  if (list->count == list->cap) {
    size_t cap = list->cap == 0 ? WAITING_CAP_MIN : list->cap * 2;
    struct waiting_half *grown = realloc(list->items, cap * sizeof *grown);
    if (grown == NULL) return false;
    list->items = grown;
    list->cap = cap;
  }
  list->items[list->count++] = (struct waiting_half){half, times};
  return true;
}

/* Where a queue goes on: an offset may be missing, or of a queue that is shorter or begins later by now. */
static int64_t begin_at(struct transactions *t, struct store *s, const struct offsets *os, struct span topic) {
  int64_t offset = offsets_get(os, SPAN_LITERAL(HALF_GROUP), topic, 0);
  int64_t min = store_queue_min(s, topic, 0), max = store_queue_max(s, topic, 0);
  if (offset > max) {
    log_warn(t->log, "transactions: the offset of %.*s is %" PRId64 ", but the queue ends at %" PRId64, SPAN_ARG(topic),
             offset, max);
    return max;
  }
  return offset < min ? min : offset;
}

void transactions_start(struct transactions *t, struct store *s, const struct offsets *os, int64_t interval_ms,
                        struct moment now) {
  t->base = t->scanned = t->given_base = begin_at(t, s, os, SPAN_LITERAL(HALF_TOPIC));
  t->op_base = t->op_next = t->given_op = begin_at(t, s, os, SPAN_LITERAL(OP_TOPIC));
  t->told_before = store_queue_max(s, SPAN_LITERAL(OP_TOPIC), 0);
  ended_reset(&t->ended, t->base);
  t->waiting.count = t->noted.count = t->owed_count = 0;
  t->walk_end = t->walked = t->kept = t->unasked = 0;
  t->note_at = t->mark = -1;
  t->in_round = t->times_changed = false;
  t->round_ms = now.mono_ms + interval_ms;
  t->save_ms = t->retry_ms = now.mono_ms;
  t->running = t->more = true;
}

void transactions_stop(struct transactions *t) { t->running = false; }

bool transactions_ended(const struct transactions *t, int64_t half) {
  int marks = ended_get(&t->ended, half);
  return marks != 0 && !(marks & ENDED_DISCARDED);
}

enum put_status transactions_put_op(struct transactions *t, struct store *s, int64_t half, struct span properties,
                                    int marks, struct moment now, struct put_result *put) {
  struct op_text text;
  struct message m = op_record(half, properties, &t->broker, now, &text);
  enum put_status status = store_put(s, &m, now, put);
  /* What cannot be noted is found when the op queue is read. */
  if (status == PUT_OK && ended_add(&t->ended, half, marks) != STATUS_OK)
    log_warn(t->log, "transactions: out of memory: half message %" PRId64 " may be asked for once more", half);
  return status;
}

static bool owe(struct transactions *t, int64_t half) {
  if (t->owed_count == t->owed_cap) {
    size_t cap = t->owed_cap == 0 ? WAITING_CAP_MIN : t->owed_cap * 2;
    int64_t *grown = realloc(t->owed, cap * sizeof *grown);
    if (grown == NULL) return false;
    t->owed = grown;
    t->owed_cap = cap;
  }
  t->owed[t->owed_count++] = half;
  return true;
}

/* Java forgets an op record that could not be put, and delivers a committed message twice. */
enum put_status transactions_end(struct transactions *t, struct store *s, int64_t half, struct moment now,
                                 struct put_result *put) {
  enum put_status status = transactions_put_op(t, s, half, OP_PROPERTIES, ENDED_SAID, now, put);
  ended_take(&t->ended, half, ENDED_DISCARDED); /* an answer came after all */
  if (status == PUT_OK) return status;
  if (!owe(t, half) || ended_add(&t->ended, half, ENDED_SAID) != STATUS_OK)
    log_error(t->log, "transactions: half message %" PRId64 " has ended, but may be asked for again", half);
  return status;
}

static void pay_owed(struct transactions *t, struct store *s, struct moment now) {
  struct put_result put;
  while (t->owed_count > 0) {
    int64_t half = t->owed[t->owed_count - 1];
    if (transactions_put_op(t, s, half, OP_PROPERTIES, ENDED_SAID, now, &put) != PUT_OK) return;
    t->owed_count--;
  }
}

void transactions_turn(struct transactions *t, struct store *s, const struct transaction_rules *rules,
                       struct moment now) {
  if (!t->running || now.mono_ms < t->retry_ms) return;
  t->more = false;
  if (t->owed_count > 0) pay_owed(t, s, now);
  if (t->round_ms > now.mono_ms + rules->interval_ms) t->round_ms = now.mono_ms + rules->interval_ms;
  if (!transactions_read_ops(t, s, now)) {
    t->more = true;
    return;
  }
  transactions_advance(t, s);
  if (t->in_round || now.mono_ms >= t->round_ms) transactions_check(t, s, rules, now);
}

/* Whose commit is lost may be among those that are owed: rather is a producer asked once more. */
void transactions_written(struct transactions *t, bool written) {
  if (written || !t->running) return;
  t->owed_count = 0;
  t->times_changed = t->waiting.count > 0;
  ended_put_lost(&t->ended);
}

static void give(const struct transactions *t, struct offsets *os, int64_t base, int64_t op_base) {
  struct span group = SPAN_LITERAL(HALF_GROUP);
  enum status status = offsets_set(os, group, SPAN_LITERAL(HALF_TOPIC), 0, base);
  if (status == STATUS_OK) status = offsets_set(os, group, SPAN_LITERAL(OP_TOPIC), 0, op_base);
  if (status != STATUS_OK) log_error(t->log, "transactions: the offsets are not stored: %s", status_text(status));
}

void transactions_save(struct transactions *t, struct store *s, struct offsets *os, struct moment now) {
  if (!t->running) return;
  bool moved = t->base != t->given_base || t->op_base != t->given_op;
  if (t->mark < 0 && moved && now.mono_ms >= t->save_ms) {
    t->mark = store_appended(s);
    t->mark_base = t->base;
    t->mark_op = t->op_base;
    t->save_ms = now.mono_ms + SAVE_MS;
    store_want_flushed(s, t->mark);
  }
  if (t->mark < 0 || store_flushed(s) < t->mark) return;
  t->mark = -1;
  t->given_base = t->mark_base;
  t->given_op = t->mark_op;
  give(t, os, t->given_base, t->given_op);
}

void transactions_save_last(const struct transactions *t, struct offsets *os) {
  if (t->running && (t->base != t->given_base || t->op_base != t->given_op)) give(t, os, t->base, t->op_base);
}

int64_t transactions_next_ms(const struct transactions *t, struct moment now) {
  if (!t->running) return INT64_MAX;
  if (t->more || t->in_round) return t->retry_ms > now.mono_ms ? t->retry_ms : now.mono_ms;
  int64_t next = t->round_ms;
  if (t->mark < 0 && (t->base != t->given_base || t->op_base != t->given_op) && t->save_ms < next) next = t->save_ms;
  return next;
}
