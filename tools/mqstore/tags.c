/* SPDX-License-Identifier: Apache-2.0
 *
 * Which records enter a queue, and with which tags code
 * (CommitLog.checkMessageAndReturnSize, CommitLogDispatcherBuildConsumeQueue).
 */
#include "tools/mqstore/tool.h"

#include <stdlib.h>

static int64_t unit_ms(char letter) {
  switch (letter) {
  case 's':
    return 1000;
  case 'm':
    return 60 * 1000;
  case 'h':
    return 60 * 60 * 1000;
  case 'd':
    return 24 * 60 * 60 * 1000;
  default:
    return 0;
  }
}

bool delays_parse(const char *text, struct delays *out) {
  *out = (struct delays){0};
  while (*text != '\0') {
    char *end;
    if (*text == ' ') {
      text++;
      continue;
    }
    long number = strtol(text, &end, 10);
    int64_t unit = unit_ms(*end);
    if (end == text || unit == 0 || number < 0 || number > INT32_MAX || out->count == DELAY_LEVELS_MAX) return false;
    out->ms[++out->count] = number * unit;
    text = end + 1;
    if (*text != ' ' && *text != '\0') return false;
  }
  return true;
}

bool record_enters_queue(const struct message *m) {
  int32_t type = m->sys_flag & SYS_TRANSACTION_MASK;
  return type != SYS_TRANSACTION_PREPARED && type != SYS_TRANSACTION_ROLLBACK;
}

int64_t record_tags_code(const struct delays *d, const struct message *m) {
  enum { UNKNOWN_LEVEL_MS = 1000 };
  if (span_is(m->topic, "SCHEDULE_TOPIC_XXXX")) {
    int32_t level;
    struct span delay = property_get(m->properties, "DELAY");
    if (delay.ptr != NULL && span_to_i32(delay, &level) && level > 0) {
      if (level > d->count) level = d->count;
      return sum_of(m->store_ms, level > 0 ? d->ms[level] : UNKNOWN_LEVEL_MS);
    }
  }
  return message_tags_code(m->properties);
}
