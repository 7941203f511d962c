/* SPDX-License-Identifier: Apache-2.0
 *
 * sql_token: the words of an SQL text. The longest match counts, as in the
 * scanner JavaCC makes of SelectorParser.jj; reading is lazy, so what lies
 * behind the end of an expression is never looked at.
 */
#ifndef MQ_FILTER_SQL_TOKEN_H
#define MQ_FILTER_SQL_TOKEN_H

#include "core/base/span.h"

enum sql_kind {
  SQL_END,
  SQL_WRONG, /* no word begins here */
  SQL_WORD_NOT,
  SQL_WORD_AND,
  SQL_WORD_OR,
  SQL_WORD_BETWEEN,
  SQL_WORD_IN,
  SQL_WORD_TRUE,
  SQL_WORD_FALSE,
  SQL_WORD_NULL,
  SQL_WORD_IS,
  SQL_INTEGER, /* perhaps with l or L behind it */
  SQL_FLOAT,
  SQL_STRING, /* with its quotes */
  SQL_NAME,
  SQL_SIGN_EQUAL,
  SQL_SIGN_NOT_EQUAL,
  SQL_SIGN_GREATER,
  SQL_SIGN_GREATER_EQUAL,
  SQL_SIGN_LESS,
  SQL_SIGN_LESS_EQUAL,
  SQL_SIGN_OPEN,
  SQL_SIGN_COMMA,
  SQL_SIGN_CLOSE,
  SQL_SIGN_PLUS,
  SQL_SIGN_MINUS
};

struct sql_token {
  enum sql_kind kind;
  struct span text; /* borrows the input */
  size_t at;        /* byte offset */
};

/* The token at or behind `at`, blanks and comments passed over. */
struct sql_token sql_token_read(struct span input, size_t at);
static inline size_t sql_token_end(const struct sql_token *t) { return t->at + t->text.len; }

#endif
