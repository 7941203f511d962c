/* SPDX-License-Identifier: Apache-2.0
 *
 * sql_program: what a text is compiled to: operations for a stack of values,
 * operands first. Jumps go forward only, so evaluating takes as many steps as
 * there are operations and a stack whose size the compiler knows; no recursion,
 * however a text is built.
 */
#ifndef MQ_FILTER_SQL_PROGRAM_H
#define MQ_FILTER_SQL_PROGRAM_H

#include "core/filter/sql.h"

enum sql_code {
  /* Push. */
  SQL_PUSH_NULL,
  SQL_PUSH_BOOL,
  SQL_PUSH_INT,
  SQL_PUSH_LONG,
  SQL_PUSH_DOUBLE,
  SQL_PUSH_STRING,
  SQL_PUSH_PROPERTY,
  /* One value becomes another. */
  SQL_NEGATE,
  SQL_NOT,
  SQL_CAST, /* a property where a truth value is wanted */
  SQL_IN,
  SQL_NOT_IN,
  /* The value may decide alone: then it stays and the jump is taken. */
  SQL_SKIP_NULL,  /* NULL stays NULL in > >= < <= */
  SQL_SKIP_FALSE, /* AND */
  SQL_SKIP_TRUE,  /* OR */
  /* Two values become one. */
  SQL_EQUAL,
  SQL_GREATER,
  SQL_GREATER_EQUAL,
  SQL_LESS,
  SQL_LESS_EQUAL,
  SQL_AND,
  SQL_OR,
  /* x low -> x, x >= low; FALSE alone when that decides (jump). Then x r high -> r AND x <= high. */
  SQL_BETWEEN_LOW,
  SQL_BETWEEN_HIGH,
  /* The same with x < low OR x > high, decided by TRUE. */
  SQL_NOT_BETWEEN_LOW,
  SQL_NOT_BETWEEN_HIGH
};

struct sql_op {
  enum sql_code code;
  uint32_t jump;  /* SKIP_*, *_LOW: where to go on */
  uint32_t count; /* IN: strings */
  union {
    bool boolean;
    int64_t integer;
    double real;
    struct span text;      /* STRING; PROPERTY: its name */
    const struct span *in; /* IN: sorted by sql_text_order */
  } u;
};

/* Values on the stack per nesting level: OR, AND, =, and up to two of a comparison, and the one in hand. */
#define SQL_STACK_PER_LEVEL 6
#define SQL_STACK_MAX ((SQL_DEPTH_CAP + 1) * SQL_STACK_PER_LEVEL)

struct sql {
  size_t size; /* of the whole piece */
  struct span text;
  size_t op_count;
  struct sql_op ops[]; /* then the lists of IN, then the texts */
};

/* Any order will do to find a text in a list: by length first. */
static inline int sql_text_order(struct span a, struct span b) {
  if (a.len != b.len) return a.len < b.len ? -1 : 1;
  return a.len == 0 ? 0 : memcmp(a.ptr, b.ptr, a.len);
}

#endif
