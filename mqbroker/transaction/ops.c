/* SPDX-License-Identifier: Apache-2.0
 *
 * The op queue: which half messages have ended, and how often those that wait
 * were asked for.
 */
#include "mqbroker/transaction/half_record.h"
#include "mqbroker/transaction/transactions.h"

#include <inttypes.h>

enum { OPS_PER_TURN = 1024, NOTE_MAX = 16 << 10, NOTE_ENTRY_MAX = 40 };

static enum status record_at(struct store *s, const char *topic, int64_t offset, struct message *m) {
  struct store_unit u;
  struct span record;
  size_t size;
  enum status status = store_unit_at(s, span_text(topic), 0, offset, &u);
  if (status == STATUS_OK && u.size == 0) status = STATUS_NOT_FOUND;
  if (status == STATUS_OK) status = store_message_at(s, u.physical_offset, &record);
  if (status != STATUS_OK) return status;
  return message_decode(record, false, m, &size) == STATUS_OK ? STATUS_OK : STATUS_NOT_FOUND;
}

/* "=half:times,half:times": all of them; "+half:times": what did not fit there. */
static void hear_note(struct transactions *t, struct span text) {
  if (text.ptr[0] == '=') t->noted.count = 0;
  for (size_t at = 1; at < text.len;) {
    size_t end = span_find(text, ',', at), colon = span_find(text, ':', at);
    int64_t half;
    int32_t times;
    if (colon >= end || !span_to_i64(span_of(text.ptr + at, colon - at), &half) ||
        !span_to_i32(span_of(text.ptr + colon + 1, end - colon - 1), &times))
      return;
    if (!waiting_add(&t->noted, half, times)) return;
    at = end + 1;
  }
}

static void hear(struct transactions *t, const struct message *m, int64_t half_max) {
  struct span note = property_get(m->properties, OP_CHECKS);
  int64_t half;
  if (note.len > 0) {
    if (note.ptr[0] == '=') t->note_at = t->op_next;
    if (t->op_next < t->told_before) hear_note(t, note);
    return;
  }
  if (!span_to_i64(m->body, &half) || half < t->base || half >= half_max) return;
  int marks = ENDED_SAID | ENDED_STORED;
  if (property_get(m->properties, OP_DISCARDED).len > 0) marks |= ENDED_DISCARDED;
  if (!(marks & ENDED_DISCARDED)) ended_take(&t->ended, half, ENDED_DISCARDED);
  if (ended_add(&t->ended, half, marks) != STATUS_OK)
    log_error(t->log, "transactions: out of memory: half message %" PRId64 " may be asked for once more", half);
}

bool transactions_read_ops(struct transactions *t, struct store *s, struct moment now) {
  int64_t max = store_queue_max(s, SPAN_LITERAL(OP_TOPIC), 0);
  int64_t half_max = t->op_next < max ? store_queue_max(s, SPAN_LITERAL(HALF_TOPIC), 0) : 0;
  struct message m;
  for (int n = 0; t->op_next < max && n < OPS_PER_TURN; n++, t->op_next++) {
    enum status status = record_at(s, OP_TOPIC, t->op_next, &m);
    if (status == STATUS_OK) hear(t, &m, half_max);
    else if (status != STATUS_NOT_FOUND) {
      t->retry_ms = now.mono_ms + TRANSACTIONS_TROUBLE_MS;
      return false;
    }
  }
  return t->op_next >= max;
}

/* Then the last note is needed. */
static bool somebody_waits(const struct transactions *t) {
  const struct waiting_list *list = &t->waiting;
  return t->noted.count > 0 || (list->count > 0 && list->items[list->count - 1].half >= t->base);
}

/* May an op record be forgotten? */
static bool op_is_past(const struct transactions *t, struct store *s, int64_t op) {
  struct message m;
  int64_t half;
  if (record_at(s, OP_TOPIC, op, &m) != STATUS_OK) return true;
  if (property_get(m.properties, OP_CHECKS).len > 0) return op < t->note_at || !somebody_waits(t);
  return !span_to_i64(m.body, &half) || half < t->base;
}

void transactions_advance(struct transactions *t, struct store *s) {
  while (ended_get(&t->ended, t->base) & ENDED_STORED) t->base++;
  if (t->scanned < t->base) t->scanned = t->base;
  ended_move(&t->ended, t->base);
  int n = 0;
  while (n++ < OPS_PER_TURN && t->op_base < t->op_next && op_is_past(t, s, t->op_base)) t->op_base++;
  if (n > OPS_PER_TURN) t->more = true;
}

/* ---- notes ---- */

static bool put_note(struct transactions *t, struct store *s, struct buf *text, struct moment now) {
  struct buf properties;
  struct put_result put;
  buf_init(&properties, PROPERTIES_LENGTH_MAX);
  buf_put(&properties, OP_PROPERTIES);
  property_put(&properties, OP_CHECKS, buf_span(text));
  /* One that has ended; it is no news, so nothing is marked. */
  bool done = !properties.failed && !text->failed &&
              transactions_put_op(t, s, t->base - 1, buf_span(&properties), 0, now, &put) == PUT_OK;
  buf_fini(&properties);
  buf_clear(text);
  return done;
}

void transactions_note(struct transactions *t, struct store *s, struct moment now) {
  struct buf text;
  bool done = true;
  buf_init(&text, NOTE_MAX);
  buf_put_u8(&text, '=');
  for (size_t i = 0; done && i < t->waiting.count; i++) {
    const struct waiting_half *w = &t->waiting.items[i];
    if (w->times == 0 || ended_get(&t->ended, w->half) != 0) continue;
    if (text.len > 1) buf_put_u8(&text, ',');
    buf_printf(&text, "%" PRId64 ":%" PRId32, w->half, w->times);
    if (text.len + NOTE_ENTRY_MAX < NOTE_MAX) continue;
    done = put_note(t, s, &text, now);
    buf_put_u8(&text, '+');
  }
  if (done && text.len > 1) done = put_note(t, s, &text, now);
  t->times_changed = !done;
  buf_fini(&text);
}
