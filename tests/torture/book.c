/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/book.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int32_t book_add(struct book *b, const char *topic, int32_t queue, int32_t opaque) {
  if (b->deed_count == DEEDS_MAX) abort();
  struct deed *d = &b->deeds[b->deed_count];
  *d = (struct deed){.queue = queue, .opaque = opaque, .queue_offset = -1, .physical = -1};
  snprintf(d->topic, sizeof d->topic, "%s", topic);
  return b->deed_count++;
}

struct named *book_named(struct named *list, const char *name) {
  for (int i = 0; i < NAMED_MAX; i++) {
    if (list[i].name[0] == '\0') {
      list[i].may = 1;
      snprintf(list[i].name, sizeof list[i].name, "%s", name);
    }
    if (strcmp(list[i].name, name) == 0) return &list[i];
  }
  abort();
}

void book_ask(struct named *n, int32_t value, int32_t opaque) {
  n->asked = value;
  n->opaque = opaque;
  n->answered = false;
  n->may |= 1u << value;
}

void book_settle(struct named *list) {
  for (int i = 0; i < NAMED_MAX; i++) {
    if (!list[i].answered) continue;
    list[i].answered = false;
    list[i].may = 1u << list[i].asked;
  }
}

void book_violation(struct book *b, const char *format, ...) {
  if (b->violation[0] != '\0') return;
  va_list args;
  va_start(args, format);
  vsnprintf(b->violation, sizeof b->violation, format, args);
  va_end(args);
}
