/* SPDX-License-Identifier: Apache-2.0
 *
 * book: what a broker was asked and what it has promised, message by message
 * and table by table. A plain value: the book at the moment of a crash is a
 * copy of it.
 */
#ifndef TESTS_TORTURE_BOOK_H
#define TESTS_TORTURE_BOOK_H

#include "core/base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum { DEEDS_MAX = 400, NAMED_MAX = 8, BOOK_NAME_MAX = 16 };

enum deed_state {
  DEED_ASKED, /* no answer yet, or one that promises nothing */
  DEED_PROMISED,
  DEED_REFUSED
};

/* A message. */
struct deed {
  char topic[BOOK_NAME_MAX];
  int32_t queue, size; /* size: of the body that was asked for; 0: part of a batch */
  enum deed_state state;
  bool dropped; /* its topic was deleted after it: it may go */
  int32_t opaque;
  int64_t queue_offset, physical; /* once promised */
};

/* A topic or a group: a number below 32 stands for all of its attributes, 0 for its absence. */
struct named {
  char name[BOOK_NAME_MAX];
  uint32_t may;   /* bit n: it may be n after a crash */
  int32_t asked;  /* what was asked for last */
  int32_t opaque; /* of that request */
  bool answered;  /* with success, but the table may not be on disk yet */
};

struct book {
  struct deed deeds[DEEDS_MAX];
  int32_t deed_count;
  struct named topics[NAMED_MAX], groups[NAMED_MAX];
  /* All consumer offsets are moved together, to one number. */
  int64_t offsets_saved, offsets_answered, offsets_asked;
  int32_t missing;     /* the first message of its own that was asked for, not promised, and is not there; -1: none */
  int64_t log_min;     /* messages before it may be gone */
  int64_t flushed;     /* messages before it were synced */
  char violation[512]; /* the first thing that is wrong */
};

/* A new message; its number is its place in the book. */
int32_t book_add(struct book *b, const char *topic, int32_t queue, int32_t opaque);
struct named *book_named(struct named *list, const char *name);
void book_ask(struct named *n, int32_t value, int32_t opaque);
/* What was asked and answered with success is on disk. */
void book_settle(struct named *list);
/* Keeps the first. */
void book_violation(struct book *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
