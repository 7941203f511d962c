/* SPDX-License-Identifier: Apache-2.0
 *
 * A round of questions (TransactionalMessageServiceImpl.check): once per
 * transactionCheckInterval a producer is asked for each half message that is
 * old enough, a bounded number per turn. Who was asked for too often, or is too
 * old, is given up: its message goes to a topic of its own.
 */
#include "mqbroker/transaction/half_record.h"
#include "mqbroker/transaction/transactions.h"

#include <inttypes.h>

enum { LOOKS_PER_TURN = 256, ASK_BYTES_PER_TURN = 4 << 20 };

#define HOUR_MS 3600000

enum look {
  LOOK_DONE,  /* it has ended, or nobody will ever know more */
  LOOK_WAITS, /* looked at in this round */
  LOOK_YOUNG, /* so are those behind it */
  LOOK_LATER  /* trouble: the round goes on in the next turn */
};

struct round {
  struct transactions *t;
  struct store *s;
  const struct transaction_rules *rules;
  struct moment now;
  size_t bytes;
};

static enum status half_at(struct round *r, int64_t half, struct message *m) {
  struct store_unit u;
  struct span record;
  size_t size;
  enum status status = store_unit_at(r->s, SPAN_LITERAL(HALF_TOPIC), 0, half, &u);
  if (status == STATUS_OK && u.size == 0) status = STATUS_NOT_FOUND;
  if (status == STATUS_OK) status = store_message_at(r->s, u.physical_offset, &record);
  if (status != STATUS_OK) return status;
  return message_decode(record, false, m, &size) == STATUS_OK ? STATUS_OK : STATUS_NOT_FOUND;
}

static int32_t noted_times(const struct transactions *t, int64_t half, int32_t times) {
  size_t low = 0, high = t->noted.count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (t->noted.items[middle].half < half) low = middle + 1;
    else high = middle;
  }
  if (low == t->noted.count || t->noted.items[low].half != half) return times;
  return t->noted.items[low].times > times ? t->noted.items[low].times : times;
}

/* A half message of Java's that it put back because it was too young to be asked for: what was said of the first one
 * goes for this one, too. */
static bool original_ended(const struct transactions *t, struct span properties) {
  int64_t original;
  return span_to_i64(property_get(properties, "TRAN_PREPARED_QUEUE_OFFSET"), &original) &&
         transactions_ended(t, original);
}

static bool too_young(const struct round *r, const struct message *m, int64_t immunity_ms) {
  int64_t age_ms = r->now.wall_ms - m->store_ms;
  return age_ms >= 0 && age_ms < (immunity_ms < 0 ? r->rules->timeout_ms : immunity_ms);
}

/* It goes where a person may look for it. */
static enum look give_up(struct round *r, struct message *m, int32_t times) {
  struct transactions *t = r->t;
  int64_t half = m->queue_offset;
  struct put_result put;
  if (!t->door.make_topic(t->door.context, CHECK_MAX_TOPIC)) return LOOK_LATER;
  m->properties = half_properties(m->properties, times, &t->arena);
  if (m->properties.ptr == NULL) return LOOK_LATER;
  m->topic = SPAN_LITERAL(CHECK_MAX_TOPIC);
  m->queue_id = 0;
  m->prepared_offset = 0;
  enum put_status status = store_put(r->s, m, r->now, &put);
  if (status != PUT_OK && status != PUT_MESSAGE_ILLEGAL) return LOOK_LATER;
  log_warn(t->log, "transactions: half message %" PRId64 " is given up, its producers were asked %d times%s", half,
           times, status == PUT_OK ? "" : "; its record is too large for another topic");
  status = transactions_put_op(t, r->s, half, OP_DISCARDED_PROPERTIES, ENDED_SAID | ENDED_DISCARDED, r->now, &put);
  return status == PUT_OK ? LOOK_WAITS : LOOK_LATER;
}

static void ask(struct round *r, const struct message *half, int32_t times) {
  struct transactions *t = r->t;
  struct message m = *half;
  const char *why;
  if (half_origin(half, &m.topic, &m.queue_id, &why) != STATUS_OK) {
    log_error(t->log, "transactions: half message %" PRId64 " cannot be asked for: %s", half->queue_offset, why);
    return;
  }
  m.properties = half_properties(m.properties, times, &t->arena);
  size_t size = m.properties.ptr == NULL ? 0 : message_size(&m);
  uint8_t *record = size == 0 || m.properties.len > PROPERTIES_LENGTH_MAX ? NULL : arena_alloc(&t->arena, size);
  if (record == NULL) return;
  message_encode(&m, record);
  struct transaction_check check = {.group = property_get(m.properties, "PGROUP"),
                                    .unique_key = property_get(m.properties, "UNIQ_KEY"),
                                    .queue_offset = m.queue_offset,
                                    .physical_offset = m.physical_offset,
                                    .times = times,
                                    .record = span_of(record, size)};
  if (!t->door.ask(t->door.context, &check)) t->unasked++;
  r->bytes += size;
}

/* times: how often it was asked for; -1: it was not looked at before. */
static enum look look_at(struct round *r, int64_t half, int32_t *times) {
  struct transactions *t = r->t;
  struct message m;
  struct put_result put;
  int marks = ended_get(&t->ended, half);
  if (marks & ENDED_STORED) return LOOK_DONE;
  bool first = *times < 0;
  if (first) *times = 0;
  if (marks != 0) return LOOK_WAITS; /* until that is stored */
  arena_reset(&t->arena);
  enum status status = half_at(r, half, &m);
  if (status == STATUS_NOT_FOUND) /* retention took it */
    return ended_add(&t->ended, half, ENDED_SAID | ENDED_STORED) == STATUS_OK ? LOOK_DONE : LOOK_LATER;
  if (status != STATUS_OK) return LOOK_LATER;
  if (first) *times = noted_times(t, half, half_check_times(m.properties));
  if (first && original_ended(t, m.properties)) {
    enum put_status done = transactions_put_op(t, r->s, half, OP_PROPERTIES, ENDED_SAID, r->now, &put);
    return done == PUT_OK ? LOOK_WAITS : LOOK_LATER;
  }
  int64_t immunity_ms = half_immunity_ms(m.properties);
  bool too_old = r->now.wall_ms - m.store_ms > r->rules->reserved_hours * HOUR_MS;
  if (!too_old && *times < r->rules->check_max && too_young(r, &m, immunity_ms))
    return immunity_ms < 0 ? LOOK_YOUNG : LOOK_WAITS;
  if (too_old || *times >= r->rules->check_max) return give_up(r, &m, *times);
  ++*times;
  t->times_changed = true;
  ask(r, &m, *times);
  return LOOK_WAITS;
}

static bool later(struct round *r) {
  r->t->retry_ms = r->now.mono_ms + TRANSACTIONS_TROUBLE_MS;
  return false;
}

/* Those that waited before. False: the round goes on in the next turn. */
static bool walk_waiting(struct round *r, int *looks) {
  struct transactions *t = r->t;
  struct waiting_list *list = &t->waiting;
  for (; t->walked < t->walk_end; t->walked++) {
    if (--*looks < 0 || r->bytes > ASK_BYTES_PER_TURN) return false;
    struct waiting_half w = list->items[t->walked];
    enum look look = look_at(r, w.half, &w.times);
    if (look == LOOK_LATER) return later(r);
    if (look != LOOK_DONE) list->items[t->kept++] = w;
  }
  return true;
}

/* Those that are new. */
static bool walk_new(struct round *r, int *looks) {
  struct transactions *t = r->t;
  int64_t max = store_queue_max(r->s, SPAN_LITERAL(HALF_TOPIC), 0);
  for (; t->scanned < max; t->scanned++) {
    if (t->waiting.count >= r->rules->waiting_max) {
      log_warn(t->log, "transactions: %zu wait, and nobody is asked for more (maxPendingTransactions)",
               t->waiting.count);
      return true;
    }
    if (--*looks < 0 || r->bytes > ASK_BYTES_PER_TURN) return false;
    int32_t times = -1;
    /* Room first: who was asked for must be known afterwards. */
    if (!waiting_add(&t->waiting, t->scanned, 0)) return later(r);
    enum look look = look_at(r, t->scanned, &times);
    t->waiting.items[t->waiting.count - 1].times = times;
    if (look != LOOK_WAITS) t->waiting.count--;
    if (look == LOOK_LATER) return later(r);
    if (look == LOOK_YOUNG) return true;
  }
  return true;
}

void transactions_check(struct transactions *t, struct store *s, const struct transaction_rules *rules,
                        struct moment now) {
  struct round r = {t, s, rules, now, 0};
  int looks = LOOKS_PER_TURN;
  if (!t->in_round) {
    t->in_round = true;
    t->walk_end = t->waiting.count;
    t->walked = t->kept = t->unasked = 0;
    t->round_ms = now.mono_ms + rules->interval_ms;
  }
  if (t->walk_end > 0) {
    if (!walk_waiting(&r, &looks)) return;
    t->waiting.count = t->kept;
    t->walk_end = 0;
  }
  if (!walk_new(&r, &looks)) return;
  t->in_round = false;
  t->noted.count = 0;
  if (t->unasked > 0)
    log_warn(t->log, "transactions: %zu are open and no producer of their groups is there to be asked", t->unasked);
  if (t->times_changed) transactions_note(t, s, now);
}
