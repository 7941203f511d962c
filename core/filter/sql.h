/* SPDX-License-Identifier: Apache-2.0
 *
 * sql: the SQL92 of RocketMQ's message filters. A text is compiled once, into
 * one piece of memory; evaluating it reads the properties of a message where
 * they are, allocates nothing and answers in three-valued logic. What Java
 * accepts is accepted and means the same, its oddities included: a text may go
 * on behind a complete expression ("a LIKE 'x'" is the expression "a"), numbers
 * are compared in the type of the literal, and a property that is no such number
 * is an error, which counts as no match.
 *
 * Agrees with org.apache.rocketmq.filter.parser.SelectorParser and
 * org.apache.rocketmq.filter.expression.*. Unlike Java's, texts have limits.
 */
#ifndef MQ_FILTER_SQL_H
#define MQ_FILTER_SQL_H

#include "core/base/span.h"
#include "core/base/status.h"

struct sql;

struct sql_limits {
  size_t length; /* bytes of the text */
  size_t terms;  /* properties, constants and operators */
  size_t depth;  /* parentheses, NOT and signs within each other; not above SQL_DEPTH_CAP */
};
#define SQL_DEPTH_CAP 128
#define SQL_LIMITS_DEFAULT ((struct sql_limits){65536, 8192, SQL_DEPTH_CAP})

/* What is wrong with a text, in words, and at which character (from 1). */
struct sql_error {
  size_t at;
  char text[200];
};

/* INVALID or LIMIT: error says what and where. Copies what it needs; *out is freed with sql_free. */
enum status sql_compile(struct span text, const struct sql_limits *limits, struct sql **out,
                        struct sql_error *error) MUST_USE;
void sql_free(struct sql *q);
/* What it was compiled from. */
struct span sql_text(const struct sql *q);
/* Bytes of memory it takes. */
size_t sql_size(const struct sql *q);

/* NULL: unknown. ERROR: Java throws. Both are no match. */
enum sql_result { SQL_FALSE, SQL_TRUE, SQL_NULL, SQL_ERROR };

/* The properties as they stand in a record. */
enum sql_result sql_evaluate(const struct sql *q, struct span properties);
/* EvaluationContext.get: SPAN_NONE when there is no such property. */
typedef struct span (*sql_property)(void *context, struct span name);
enum sql_result sql_evaluate_with(const struct sql *q, sql_property property, void *context);

#endif
