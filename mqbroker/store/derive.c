/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/store/derive.h"

static int64_t unit_ms(uint8_t letter) {
  switch (letter) {
  case 's': return 1000;
  case 'm': return 60 * 1000;
  case 'h': return 60 * 60 * 1000;
  case 'd': return 24 * 60 * 60 * 1000;
  default: return 0;
  }
}

enum status delay_levels_parse(struct span text, struct delay_levels *out) {
  *out = (struct delay_levels){0};
  size_t at = 0;
  while (at < text.len) {
    size_t end = span_find(text, ' ', at);
    struct span word = span_of(text.ptr + at, end - at);
    at = end + 1;
    if (word.len == 0) continue;
    int64_t unit = unit_ms(word.ptr[word.len - 1]);
    int32_t number;
    if (unit == 0 || !span_to_i32(span_of(word.ptr, word.len - 1), &number) || number < 0) return STATUS_INVALID;
    if (out->count == DELAY_LEVELS_MAX) return STATUS_LIMIT;
    out->ms[++out->count] = number * unit;
  }
  return STATUS_OK;
}

bool derive_enters_queue(int32_t sys_flag) {
  int32_t type = sys_flag & SYS_TRANSACTION_MASK;
  return type != SYS_TRANSACTION_PREPARED && type != SYS_TRANSACTION_ROLLBACK;
}

int64_t derive_tags_code(const struct delay_levels *levels, struct span topic, struct span properties,
                         int64_t store_ms) {
  if (span_is(topic, SCHEDULE_TOPIC)) {
    struct span delay = property_get(properties, "DELAY");
    int32_t level;
    if (delay.ptr != NULL && span_to_i32(delay, &level) && level > 0) {
      if (level > levels->count) level = levels->count;
      return store_ms + (level > 0 ? levels->ms[level] : 1000);
    }
  }
  return message_tags_code(properties);
}
