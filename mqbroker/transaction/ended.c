/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/transaction/ended.h"

#include <stdlib.h>
#include <string.h>

enum { CAP_MIN = 4096, BEHIND_KEPT = 65536 };

void ended_init(struct ended *e) { *e = (struct ended){.marks = NULL}; }

void ended_fini(struct ended *e) {
  free(e->marks);
  ended_init(e);
}

void ended_reset(struct ended *e, int64_t first) {
  e->first = first;
  e->count = 0;
}

int ended_get(const struct ended *e, int64_t half) {
  if (half < e->first || (uint64_t)(half - e->first) >= e->count) return 0;
  return e->marks[half - e->first];
}

enum status ended_add(struct ended *e, int64_t half, int marks) {
  if (half < e->first) return STATUS_OK;
  uint64_t at = (uint64_t)(half - e->first);
  if (at >= e->cap) {
    size_t cap = e->cap < CAP_MIN ? CAP_MIN : e->cap;
    while (cap <= at) {
      if (cap > SIZE_MAX / 2) return STATUS_NO_MEMORY;
      cap *= 2;
    }
    uint8_t *grown = realloc(e->marks, cap);
    if (grown == NULL) return STATUS_NO_MEMORY;
    e->marks = grown;
    e->cap = cap;
  }
  if (at >= e->count) {
    memset(e->marks + e->count, 0, (size_t)at + 1 - e->count);
    e->count = (size_t)at + 1;
  }
  e->marks[at] = (uint8_t)(e->marks[at] | marks);
  return STATUS_OK;
}

void ended_take(struct ended *e, int64_t half, int marks) {
  if (ended_get(e, half) != 0) e->marks[half - e->first] = (uint8_t)(e->marks[half - e->first] & ~marks);
}

void ended_put_lost(struct ended *e) {
  for (size_t i = 0; i < e->count; i++)
    if (!(e->marks[i] & ENDED_STORED)) e->marks[i] = 0;
}

/* In large steps: each moves what stays. */
void ended_move(struct ended *e, int64_t base) {
  if (base - e->first < 2 * (int64_t)BEHIND_KEPT) return;
  int64_t first = base - BEHIND_KEPT;
  size_t gone = (uint64_t)(first - e->first) < e->count ? (size_t)(first - e->first) : e->count;
  memmove(e->marks, e->marks + gone, e->count - gone);
  e->count -= gone;
  e->first = first;
}
