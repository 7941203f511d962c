/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/delay/delay_record.h"

#include <stdio.h>

#define HALF_TOPIC "RMQ_SYS_TRANS_HALF_TOPIC"

enum {
  MARK_STEP = 2 * DELAY_LEVELS_MAX,
  NUMBER_MAX = 16,
  ADDED_MAX = 64
}; /* bytes of the names, numbers and marks that are added */

enum status delay_level_of(struct span properties, int32_t *level) {
  struct span text = property_get(properties, "DELAY");
  *level = 0;
  if (text.ptr == NULL) return STATUS_OK;
  return span_to_i32(text, level) ? STATUS_OK : STATUS_INVALID;
}

/* A buffer of exactly the arena's bytes: it cannot grow, and need not be freed. */
static bool fixed_buf(struct buf *out, size_t size, struct arena *arena) {
  *out = (struct buf){.ptr = arena_alloc(arena, size), .cap = size, .limit = size};
  return out->ptr != NULL;
}

static void put_number(struct buf *out, const char *name, int32_t number) {
  char text[NUMBER_MAX];
  snprintf(text, sizeof text, "%d", number);
  property_put(out, name, span_text(text));
}

static void put_others(struct buf *out, struct span properties) {
  struct span name, value;
  size_t at = 0;
  while (property_next(properties, &at, &name, &value))
    if (!span_is(name, "DELAY") && !span_is(name, "REAL_TOPIC") && !span_is(name, "REAL_QID"))
      property_put_span(out, name, value);
}

enum status delay_enter(struct message *m, const struct delay_levels *levels, size_t record_max, struct arena *arena) {
  int32_t level, transaction = m->sys_flag & SYS_TRANSACTION_MASK;
  struct buf out;
  enum status status = delay_level_of(m->properties, &level);
  if (status != STATUS_OK || level <= 0) return status;
  if (transaction != 0 && transaction != SYS_TRANSACTION_COMMIT) return STATUS_OK;
  if (level > levels->count) level = levels->count;
  if (!fixed_buf(&out, m->properties.len + m->topic.len + ADDED_MAX, arena)) return STATUS_NO_MEMORY;
  put_others(&out, m->properties);
  put_number(&out, "DELAY", level);
  property_put(&out, "REAL_TOPIC", m->topic);
  put_number(&out, "REAL_QID", m->queue_id);
  if (out.failed) return STATUS_NO_MEMORY;
  m->properties = buf_span(&out);
  size_t due_size = message_size(m);
  m->topic = SPAN_LITERAL(SCHEDULE_TOPIC);
  m->queue_id = level - 1;
  return due_size > record_max || message_size(m) > record_max ? STATUS_LIMIT : STATUS_OK;
}

struct span delay_strip(struct span properties, struct arena *arena) {
  struct buf out;
  if (!fixed_buf(&out, properties.len + ADDED_MAX, arena)) return SPAN_NONE;
  put_others(&out, properties);
  return out.failed ? SPAN_NONE : buf_span(&out);
}

enum status delay_leave(struct message *m, const char **why) {
  struct span topic = property_get(m->properties, "REAL_TOPIC"), queue = property_get(m->properties, "REAL_QID");
  *why = NULL;
  if (topic.len == 0 || !topic_name_valid(topic, NULL)) *why = "REAL_TOPIC is not a topic";
  else if (span_is(topic, SCHEDULE_TOPIC) || span_is(topic, HALF_TOPIC))
    *why = "REAL_TOPIC is a topic of the broker's own";
  else if (!span_to_i32(queue, &m->queue_id) || m->queue_id < 0) *why = "REAL_QID is not a queue";
  if (*why != NULL) return STATUS_INVALID;
  m->topic = topic;
  m->prepared_offset = 0;
  return STATUS_OK;
}

void delay_mark(struct message *m, int32_t level, int64_t next) { m->prepared_offset = next * MARK_STEP + level; }

/* No other record with a level lies in the topic it names: it would be in the schedule topic, or its level gone. */
bool delay_marked(const struct message *m, int32_t *level, int64_t *next) {
  int32_t queue, asked;
  if (m->prepared_offset <= 0 || !derive_enters_queue(m->sys_flag) || span_is(m->topic, SCHEDULE_TOPIC)) return false;
  if (delay_level_of(m->properties, &asked) != STATUS_OK || asked < 1) return false;
  if (!span_equal(property_get(m->properties, "REAL_TOPIC"), m->topic)) return false;
  if (!span_to_i32(property_get(m->properties, "REAL_QID"), &queue) || queue != m->queue_id) return false;
  *level = (int32_t)(m->prepared_offset % MARK_STEP);
  *next = m->prepared_offset / MARK_STEP;
  return *level >= 1 && *level <= DELAY_LEVELS_MAX;
}
