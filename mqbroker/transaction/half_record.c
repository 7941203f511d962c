/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/transaction/half_record.h"

#include <stdio.h>

enum { NUMBER_MAX = 16, ADDED_MAX = 96 }; /* bytes of the names, numbers and marks that are added */

#define CHECK_TIMES "TRANSACTION_CHECK_TIMES"

bool half_wanted(struct span properties) {
  return span_equal_nocase(property_get(properties, "TRAN_MSG"), SPAN_LITERAL("true"));
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

static void put_others(struct buf *out, struct span properties, const char *without, const char *or_without) {
  struct span name, value;
  size_t at = 0;
  while (property_next(properties, &at, &name, &value))
    if (!span_is(name, without) && !span_is(name, or_without)) property_put_span(out, name, value);
}

enum status half_enter(struct message *m, size_t record_max, struct arena *arena) {
  struct buf out;
  if (!fixed_buf(&out, m->properties.len + m->topic.len + ADDED_MAX, arena)) return STATUS_NO_MEMORY;
  put_others(&out, m->properties, "REAL_TOPIC", "REAL_QID");
  property_put(&out, "REAL_TOPIC", m->topic);
  put_number(&out, "REAL_QID", m->queue_id);
  if (out.failed) return STATUS_NO_MEMORY;
  m->properties = buf_span(&out);
  m->sys_flag &= ~SYS_TRANSACTION_MASK;
  size_t committed_size = message_size(m);
  m->topic = SPAN_LITERAL(HALF_TOPIC);
  m->queue_id = 0;
  return committed_size > record_max || message_size(m) > record_max ? STATUS_LIMIT : STATUS_OK;
}

enum status half_origin(const struct message *m, struct span *topic, int32_t *queue_id, const char **why) {
  *topic = property_get(m->properties, "REAL_TOPIC");
  *why = NULL;
  if (topic->len == 0 || !topic_name_valid(*topic, NULL)) *why = "REAL_TOPIC is not a topic";
  else if (span_is(*topic, HALF_TOPIC) || span_is(*topic, OP_TOPIC)) *why = "REAL_TOPIC is a topic of the broker's own";
  else if (!span_to_i32(property_get(m->properties, "REAL_QID"), queue_id) || *queue_id < 0)
    *why = "REAL_QID is not a queue";
  return *why == NULL ? STATUS_OK : STATUS_INVALID;
}

enum status half_commit(struct message *m, const char **why) {
  struct span topic;
  int32_t queue_id;
  if (half_origin(m, &topic, &queue_id, why) != STATUS_OK) return STATUS_INVALID;
  m->topic = topic;
  m->queue_id = queue_id;
  m->sys_flag = (m->sys_flag & ~SYS_TRANSACTION_MASK) | SYS_TRANSACTION_COMMIT;
  m->prepared_offset = m->physical_offset;
  return STATUS_OK;
}

struct span half_properties(struct span properties, int32_t check_times, struct arena *arena) {
  struct buf out;
  if (!fixed_buf(&out, properties.len + ADDED_MAX, arena)) return SPAN_NONE;
  put_others(&out, properties, CHECK_TIMES, CHECK_TIMES);
  put_number(&out, CHECK_TIMES, check_times);
  return out.failed ? SPAN_NONE : buf_span(&out);
}

int32_t half_check_times(struct span properties) {
  int32_t times;
  return span_to_i32(property_get(properties, CHECK_TIMES), &times) && times > 0 ? times : 0;
}

int64_t half_immunity_ms(struct span properties) {
  int64_t seconds;
  if (!span_to_i64(property_get(properties, "CHECK_IMMUNITY_TIME_IN_SECONDS"), &seconds)) return -1;
  if (seconds < 0) return -1;
  return seconds > INT32_MAX ? (int64_t)INT32_MAX * 1000 : seconds * 1000;
}

struct message op_record(int64_t half_offset, struct span properties, const struct net_peer *broker, struct moment now,
                         struct op_text *text) {
  int n = snprintf(text->body, sizeof text->body, "%lld", (long long)half_offset);
  return (struct message){.born_ms = now.wall_ms,
                          .born_host = *broker,
                          .store_host = *broker,
                          .body = span_of(text->body, (size_t)n),
                          .topic = SPAN_LITERAL(OP_TOPIC),
                          .properties = properties};
}
