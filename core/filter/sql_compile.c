/* SPDX-License-Identifier: Apache-2.0
 *
 * The grammar of SelectorParser.jj, and the rules about operands that the
 * create* methods of org.apache.rocketmq.filter.expression check. Operations
 * are put out as the text is read: operands, then what is done with them.
 */
#include "core/base/buf.h"
#include "core/filter/number.h"
#include "core/filter/sql_program.h"
#include "core/filter/sql_token.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORD_SHOWN_MAX = 40, OPS_BYTES_MAX = 1 << 30 };

/* What an expression is to the rules; Java asks for the class of its node. */
enum operand_kind { PROPERTY, NUMBER, TEXT, TRUTH, UNKNOWN /* NULL */, NEGATED, CONDITION };

struct operand {
  enum operand_kind kind;
  size_t at;        /* byte offset of its beginning */
  struct sql_op op; /* NUMBER: the literal */
};

struct compiler {
  struct span input;
  struct sql_limits limits;
  struct sql_token token; /* the next one, when read */
  bool token_read;
  size_t last_end;  /* of the token taken last */
  struct buf ops;   /* struct sql_op; texts still borrow the input */
  struct buf items; /* struct span: strings of all IN lists, as written between their quotes */
  size_t terms, depth;
  enum status status;
  struct sql_error *error;
};

/* ---- saying what is wrong ---- */

static size_t character_of(struct span input, size_t at) {
  size_t n = 1;
  for (size_t i = 0; i < at && i < input.len; i++) n += (input.ptr[i] & 0xC0) != 0x80;
  return n;
}

/* The first wrong is the one that is told. */
__attribute__((format(printf, 4, 5))) static void wrong(struct compiler *c, enum status status, size_t at,
                                                        const char *format, ...) {
  if (c->status != STATUS_OK) return;
  c->status = status;
  c->error->at = character_of(c->input, at);
  va_list args;
  va_start(args, format);
  vsnprintf(c->error->text, sizeof c->error->text, format, args);
  va_end(args);
}

static int shown(struct span s) { return (int)(s.len < WORD_SHOWN_MAX ? s.len : WORD_SHOWN_MAX); }

static void unexpected(struct compiler *c, const char *wanted) {
  const struct sql_token *t = &c->token;
  if (t->kind == SQL_END) wrong(c, STATUS_INVALID, t->at, "%s is missing at the end", wanted);
  else wrong(c, STATUS_INVALID, t->at, "%s is wanted, not \"%.*s\"", wanted, shown(t->text), (const char *)t->text.ptr);
}

/* ---- tokens ---- */

static enum sql_kind peek(struct compiler *c) {
  if (c->status != STATUS_OK) return SQL_END;
  if (!c->token_read) {
    c->token = sql_token_read(c->input, c->last_end);
    c->token_read = true;
    if (c->token.kind == SQL_WRONG) {
      if (c->token.text.ptr[0] == '\'') wrong(c, STATUS_INVALID, c->token.at, "a string that begins here has no end");
      else
        wrong(c, STATUS_INVALID, c->token.at, "\"%.*s\" is not part of SQL92 filters", shown(c->token.text),
              (const char *)c->token.text.ptr);
      return SQL_END;
    }
  }
  return c->token.kind;
}

/* The token behind the next one. What cannot be read there is wrong already (Java looks two tokens ahead). */
static enum sql_kind peek_second(struct compiler *c) {
  struct sql_token second = sql_token_read(c->input, sql_token_end(&c->token));
  if (second.kind != SQL_WRONG) return second.kind;
  wrong(c, STATUS_INVALID, second.at, "\"%.*s\" is not part of SQL92 filters", shown(second.text),
        (const char *)second.text.ptr);
  return SQL_END;
}

static struct sql_token take(struct compiler *c) {
  c->token_read = false;
  c->last_end = sql_token_end(&c->token);
  return c->token;
}

static bool accept(struct compiler *c, enum sql_kind kind) {
  if (peek(c) != kind) return false;
  take(c);
  return true;
}

static void expect(struct compiler *c, enum sql_kind kind, const char *name) {
  if (!accept(c, kind)) unexpected(c, name);
}

/* ---- putting out ---- */

static size_t op_count(const struct compiler *c) { return c->ops.len / sizeof(struct sql_op); }
static struct sql_op *op_at(struct compiler *c, size_t i) { return (struct sql_op *)(void *)c->ops.ptr + i; }

static size_t put(struct compiler *c, struct sql_op op) {
  buf_put(&c->ops, span_of(&op, sizeof op));
  if (c->ops.failed) wrong(c, STATUS_NO_MEMORY, c->last_end, "out of memory");
  return op_count(c) - 1;
}

/* One more thing that the limit counts. */
static void count_term(struct compiler *c) {
  if (++c->terms > c->limits.terms)
    wrong(c, STATUS_LIMIT, c->last_end, "the expression has more than %zu terms", c->limits.terms);
}

static void put_term(struct compiler *c, struct sql_op op) {
  count_term(c);
  if (c->status == STATUS_OK) put(c, op);
}

static void put_code(struct compiler *c, enum sql_code code) { put_term(c, (struct sql_op){.code = code}); }

/* A jump over what comes next; land says where to. */
static size_t put_jump(struct compiler *c, enum sql_code code) { return put(c, (struct sql_op){.code = code}); }
static void land(struct compiler *c, size_t jump) {
  if (c->status == STATUS_OK) op_at(c, jump)->jump = (uint32_t)op_count(c);
}

/* ---- rules about operands ---- */

static const char *kind_name(enum operand_kind kind) {
  switch (kind) {
  case PROPERTY:
    return "a property";
  case NUMBER:
    return "a number";
  case TEXT:
    return "a string";
  case TRUTH:
    return "TRUE or FALSE";
  case UNKNOWN:
    return "NULL";
  case NEGATED:
    return "a negated value";
  case CONDITION:
    return "a condition";
  }
  return "?";
}

/* SelectorParser.asBooleanExpression, with the cast it adds. */
static void want_condition(struct compiler *c, struct operand *x) {
  if (x->kind == PROPERTY) put(c, (struct sql_op){.code = SQL_CAST});
  else if (x->kind != TRUTH && x->kind != UNKNOWN && x->kind != CONDITION)
    wrong(c, STATUS_INVALID, x->at, "%s is no condition", kind_name(x->kind));
  x->kind = CONDITION;
}

/* ComparisonExpression.checkLessThanOperand */
static void want_ordered(struct compiler *c, const struct operand *x) {
  if (x->kind != PROPERTY && x->kind != NUMBER && x->kind != NEGATED)
    wrong(c, STATUS_INVALID, x->at, "%s has no order, only numbers do", kind_name(x->kind));
}

/* checkEqualOperand and checkEqualOperandCompatability */
static void want_equals(struct compiler *c, const struct operand *x, const struct operand *y) {
  const struct operand *null = x->kind == UNKNOWN ? x : y;
  if (null->kind == UNKNOWN) wrong(c, STATUS_INVALID, null->at, "NULL cannot be compared, write IS NULL");
  if (x->kind == TRUTH && (y->kind == NUMBER || y->kind == TEXT))
    wrong(c, STATUS_INVALID, y->at, "TRUE or FALSE cannot be compared with %s", kind_name(y->kind));
}

static double real_of(const struct sql_op *op) {
  return op->code == SQL_PUSH_DOUBLE ? op->u.real : (double)op->u.integer;
}

/* createBetween refuses a range that is surely empty. */
static void want_range(struct compiler *c, const struct operand *low, const struct operand *high) {
  if (low->kind != NUMBER || high->kind != NUMBER) return;
  const struct sql_op *l = &low->op, *h = &high->op;
  bool reals = l->code == SQL_PUSH_DOUBLE || h->code == SQL_PUSH_DOUBLE;
  if (reals ? double_compare(real_of(h), real_of(l)) < 0 : h->u.integer < l->u.integer)
    wrong(c, STATUS_INVALID, low->at, "the lower end of BETWEEN is above the upper one");
}

/* ---- the grammar, from the inside ---- */

static struct operand parse_or(struct compiler *c);

static struct operand parse_integer(struct compiler *c, struct sql_token t) {
  struct span digits = t.text;
  if ((digits.ptr[digits.len - 1] | 0x20) == 'l') digits.len--;
  struct operand x = {.kind = NUMBER, .at = t.at};
  if (!span_to_i64(digits, &x.op.u.integer))
    wrong(c, STATUS_INVALID, t.at, "%.*s does not fit 64 bits", shown(t.text), (const char *)t.text.ptr);
  x.op.code = x.op.u.integer > INT32_MAX ? SQL_PUSH_LONG : SQL_PUSH_INT;
  put_term(c, x.op);
  return x;
}

static struct operand parse_float(struct compiler *c, struct sql_token t) {
  struct operand x = {.kind = NUMBER, .at = t.at, .op = {.code = SQL_PUSH_DOUBLE}};
  /* ConstantExpression.createFloat wants it between Double.MIN_VALUE and MAX_VALUE, so 0.0 is none. */
  if (!double_parse(t.text, &x.op.u.real) || x.op.u.real > __DBL_MAX__ || x.op.u.real < __DBL_DENORM_MIN__)
    wrong(c, STATUS_INVALID, t.at, "%.*s is not between 4.9E-324 and 1.8E308; write 0 for zero", shown(t.text),
          (const char *)t.text.ptr);
  put_term(c, x.op);
  return x;
}

/* Between the quotes; '' is undone when the program is packed. */
static struct span string_inside(struct sql_token t) { return span_of(t.text.ptr + 1, t.text.len - 2); }

static struct operand simple(struct compiler *c, size_t at, enum operand_kind kind, struct sql_op op) {
  put_term(c, op);
  return (struct operand){.kind = kind, .at = at};
}

static struct operand parse_primary(struct compiler *c) {
  enum sql_kind kind = peek(c);
  size_t at = c->token.at;
  switch (kind) {
  case SQL_INTEGER:
    return parse_integer(c, take(c));
  case SQL_FLOAT:
    return parse_float(c, take(c));
  case SQL_STRING:
    return simple(c, at, TEXT, (struct sql_op){.code = SQL_PUSH_STRING, .u.text = string_inside(take(c))});
  case SQL_WORD_TRUE:
  case SQL_WORD_FALSE:
    take(c);
    return simple(c, at, TRUTH, (struct sql_op){.code = SQL_PUSH_BOOL, .u.boolean = kind == SQL_WORD_TRUE});
  case SQL_WORD_NULL:
    take(c);
    return simple(c, at, UNKNOWN, (struct sql_op){.code = SQL_PUSH_NULL});
  case SQL_NAME:
    return simple(c, at, PROPERTY, (struct sql_op){.code = SQL_PUSH_PROPERTY, .u.text = take(c).text});
  case SQL_SIGN_OPEN: {
    take(c);
    struct operand x = parse_or(c);
    expect(c, SQL_SIGN_CLOSE, "\")\"");
    x.at = at;
    return x;
  }
  default:
    unexpected(c, "a value");
    return (struct operand){.at = at};
  }
}

static struct operand parse_unary(struct compiler *c) {
  enum sql_kind kind = peek(c);
  bool nested = kind == SQL_SIGN_PLUS || kind == SQL_SIGN_MINUS || kind == SQL_WORD_NOT || kind == SQL_SIGN_OPEN;
  if (!nested) return parse_primary(c);
  size_t at = c->token.at;
  if (++c->depth > c->limits.depth)
    wrong(c, STATUS_LIMIT, at, "the expression is nested more than %zu deep", c->limits.depth);
  if (c->status != STATUS_OK) return (struct operand){.at = at};
  struct operand x;
  if (kind == SQL_SIGN_OPEN) x = parse_primary(c);
  else {
    take(c);
    x = parse_unary(c);
    if (kind == SQL_SIGN_MINUS) {
      put_code(c, SQL_NEGATE);
      x.kind = NEGATED;
    } else if (kind == SQL_WORD_NOT) {
      want_condition(c, &x);
      put_code(c, SQL_NOT);
    }
    x.at = at;
  }
  c->depth--;
  return x;
}

static void parse_item(struct compiler *c) {
  if (peek(c) != SQL_STRING) {
    unexpected(c, "a string");
    return;
  }
  struct span inside = string_inside(take(c));
  count_term(c);
  buf_put(&c->items, span_of(&inside, sizeof inside));
  if (c->items.failed) wrong(c, STATUS_NO_MEMORY, c->last_end, "out of memory");
}

static void parse_in(struct compiler *c, const struct operand *x, enum sql_code code) {
  size_t first = c->items.len / sizeof(struct span);
  take(c);
  expect(c, SQL_SIGN_OPEN, "\"(\"");
  do parse_item(c);
  while (c->status == STATUS_OK && accept(c, SQL_SIGN_COMMA));
  expect(c, SQL_SIGN_CLOSE, "\")\"");
  if (x->kind != PROPERTY)
    wrong(c, STATUS_INVALID, x->at, "only a property can be IN a list, not %s", kind_name(x->kind));
  size_t count = c->items.len / sizeof(struct span) - first;
  put_term(c, (struct sql_op){.code = code, .count = (uint32_t)count, .u.integer = (int64_t)first});
}

static void parse_between(struct compiler *c, const struct operand *x, bool negated) {
  take(c);
  size_t null = put_jump(c, SQL_SKIP_NULL);
  struct operand low = parse_unary(c);
  count_term(c);
  size_t decided = put_jump(c, negated ? SQL_NOT_BETWEEN_LOW : SQL_BETWEEN_LOW);
  expect(c, SQL_WORD_AND, "AND of BETWEEN");
  struct operand high = parse_unary(c);
  put_code(c, negated ? SQL_NOT_BETWEEN_HIGH : SQL_BETWEEN_HIGH);
  land(c, null);
  land(c, decided);
  if (c->status == STATUS_OK && !negated) want_range(c, &low, &high);
  want_ordered(c, x);
  want_ordered(c, &low);
  want_ordered(c, &high);
}

static void parse_order(struct compiler *c, const struct operand *x, enum sql_code code) {
  take(c);
  size_t null = put_jump(c, SQL_SKIP_NULL);
  struct operand y = parse_unary(c);
  put_code(c, code);
  land(c, null);
  want_ordered(c, x);
  want_ordered(c, &y);
}

static struct operand parse_comparison(struct compiler *c) {
  struct operand x = parse_unary(c);
  while (c->status == STATUS_OK) {
    switch (peek(c)) {
    case SQL_SIGN_GREATER:
      parse_order(c, &x, SQL_GREATER);
      break;
    case SQL_SIGN_GREATER_EQUAL:
      parse_order(c, &x, SQL_GREATER_EQUAL);
      break;
    case SQL_SIGN_LESS:
      parse_order(c, &x, SQL_LESS);
      break;
    case SQL_SIGN_LESS_EQUAL:
      parse_order(c, &x, SQL_LESS_EQUAL);
      break;
    case SQL_WORD_BETWEEN:
      parse_between(c, &x, false);
      break;
    case SQL_WORD_IN:
      parse_in(c, &x, SQL_IN);
      break;
    case SQL_WORD_NOT: {
      enum sql_kind second = peek_second(c);
      if (c->status == STATUS_OK && second == SQL_WORD_BETWEEN) {
        take(c);
        peek(c);
        parse_between(c, &x, true);
      } else if (c->status == STATUS_OK && second == SQL_WORD_IN) {
        take(c);
        peek(c);
        parse_in(c, &x, SQL_NOT_IN);
      } else unexpected(c, "IN or BETWEEN behind this");
      break;
    }
    default:
      return x;
    }
    x.kind = CONDITION;
  }
  return x;
}

static void parse_is(struct compiler *c) {
  take(c);
  bool negated = accept(c, SQL_WORD_NOT);
  expect(c, SQL_WORD_NULL, negated ? "NULL of IS NOT NULL" : "NULL or NOT NULL");
  put_code(c, SQL_PUSH_NULL);
  put_code(c, SQL_EQUAL);
  if (negated) put_code(c, SQL_NOT);
}

static struct operand parse_equality(struct compiler *c) {
  struct operand x = parse_comparison(c);
  while (c->status == STATUS_OK) {
    enum sql_kind kind = peek(c);
    if (kind == SQL_WORD_IS) parse_is(c);
    else if (kind == SQL_SIGN_EQUAL || kind == SQL_SIGN_NOT_EQUAL) {
      take(c);
      struct operand y = parse_comparison(c);
      want_equals(c, &x, &y);
      put_code(c, SQL_EQUAL);
      if (kind == SQL_SIGN_NOT_EQUAL) put_code(c, SQL_NOT);
    } else break;
    x.kind = CONDITION;
  }
  return x;
}

static struct operand parse_and(struct compiler *c) {
  struct operand x = parse_equality(c);
  while (accept(c, SQL_WORD_AND)) {
    want_condition(c, &x);
    size_t decided = put_jump(c, SQL_SKIP_FALSE);
    struct operand y = parse_equality(c);
    want_condition(c, &y);
    put_code(c, SQL_AND);
    land(c, decided);
  }
  return x;
}

static struct operand parse_or(struct compiler *c) {
  struct operand x = parse_and(c);
  while (accept(c, SQL_WORD_OR)) {
    want_condition(c, &x);
    size_t decided = put_jump(c, SQL_SKIP_TRUE);
    struct operand y = parse_and(c);
    want_condition(c, &y);
    put_code(c, SQL_OR);
    land(c, decided);
  }
  return x;
}

/* ---- packing ---- */

/* Copies what stands between quotes: two quotes are one. */
static struct span pack_string(struct span inside, uint8_t **at) {
  uint8_t *first = *at;
  for (size_t i = 0; i < inside.len; i++) {
    if (inside.ptr[i] == '\'') i++;
    *(*at)++ = inside.ptr[i];
  }
  return span_of(first, (size_t)(*at - first));
}

static int in_order(const void *a, const void *b) {
  return sql_text_order(*(const struct span *)a, *(const struct span *)b);
}

static void pack(struct sql *q, const struct compiler *c) {
  const size_t item_count = c->items.len / sizeof(struct span);
  struct span *items = (struct span *)(void *)(q->ops + q->op_count);
  uint8_t *at = (uint8_t *)(items + item_count);
  memcpy(q->ops, c->ops.ptr, c->ops.len);
  if (item_count > 0) memcpy(items, c->items.ptr, c->items.len);
  for (size_t i = 0; i < item_count; i++) items[i] = pack_string(items[i], &at);
  for (size_t i = 0; i < q->op_count; i++) {
    struct sql_op *op = &q->ops[i];
    if (op->code == SQL_PUSH_STRING || op->code == SQL_PUSH_PROPERTY) op->u.text = pack_string(op->u.text, &at);
    if (op->code != SQL_IN && op->code != SQL_NOT_IN) continue;
    struct span *list = items + op->u.integer;
    op->u.in = list;
    qsort(list, op->count, sizeof *list, in_order);
  }
}

static enum status make_program(struct compiler *c, struct sql **out) {
  /* Strings and names together are not longer than the input, of which there is a copy, too. */
  size_t size = sizeof **out + c->ops.len + c->items.len + c->input.len * 2;
  struct sql *q = malloc(size);
  if (q == NULL) return STATUS_NO_MEMORY;
  q->size = size;
  uint8_t *text = (uint8_t *)q + size - c->input.len;
  memcpy(text, c->input.ptr, c->input.len); /* not empty: that is no expression */
  q->text = span_of(text, c->input.len);
  q->op_count = op_count(c);
  pack(q, c);
  *out = q;
  return STATUS_OK;
}

enum status sql_compile(struct span text, const struct sql_limits *limits, struct sql **out, struct sql_error *error) {
  struct compiler c = {.input = text, .limits = *limits, .status = STATUS_OK, .error = error};
  *out = NULL;
  if (c.limits.depth > SQL_DEPTH_CAP) c.limits.depth = SQL_DEPTH_CAP;
  buf_init(&c.ops, OPS_BYTES_MAX);
  buf_init(&c.items, OPS_BYTES_MAX);
  if (text.len > limits->length)
    wrong(&c, STATUS_LIMIT, limits->length, "the expression has %zu bytes, the limit is %zu", text.len, limits->length);
  if (c.status == STATUS_OK) {
    struct operand x = parse_or(&c);
    peek(&c); /* what follows is not looked at, but Java must be able to read its first word */
    want_condition(&c, &x);
  }
  if (c.status == STATUS_OK && make_program(&c, out) != STATUS_OK) wrong(&c, STATUS_NO_MEMORY, 0, "out of memory");
  buf_fini(&c.ops);
  buf_fini(&c.items);
  return c.status;
}

void sql_free(struct sql *q) { free(q); }
struct span sql_text(const struct sql *q) {
  return q->text;
}
size_t sql_size(const struct sql *q) { return q->size; }
