/* SPDX-License-Identifier: Apache-2.0
 *
 * Evaluating a program on the properties of one message. Conversions are those
 * of ComparisonExpression.__compare: a text is read in the type of the value it
 * meets, integers become longer or floating-point ones.
 */
#include "core/filter/number.h"
#include "core/filter/sql_program.h"
#include "core/wire/message.h"

#include <assert.h>

enum value_kind { V_NULL, V_BOOL, V_INT, V_LONG, V_DOUBLE, V_STRING };

struct value {
  enum value_kind kind;
  union {
    bool boolean;
    int64_t integer;
    double real;
    struct span text;
  } u;
};

static struct value null_value(void) { return (struct value){.kind = V_NULL}; }
static struct value bool_value(bool b) { return (struct value){.kind = V_BOOL, .u.boolean = b}; }
static bool is_bool(const struct value *v, bool b) { return v->kind == V_BOOL && v->u.boolean == b; }

/* How two values stand to each other, as Comparable.compareTo says. */
enum order { ORDER_LESS = -1, ORDER_SAME = 0, ORDER_MORE = 1, ORDER_ERROR = 2 };

static enum order order_of(int64_t a, int64_t b) { return a < b ? ORDER_LESS : a > b ? ORDER_MORE : ORDER_SAME; }

/* The text as a value of that kind; false: NumberFormatException. */
static bool read_text(struct span text, enum value_kind kind, struct value *out) {
  struct value v = {.kind = kind};
  int32_t i;
  bool ok = true;
  switch (kind) {
  case V_BOOL:
    v.u.boolean = span_equal_nocase(text, SPAN_LITERAL("true"));
    break;
  case V_INT:
    ok = span_to_i32(text, &i);
    v.u.integer = i;
    break;
  case V_LONG:
    ok = span_to_i64(text, &v.u.integer);
    break;
  case V_DOUBLE:
    ok = double_parse(text, &v.u.real);
    break;
  default:
    return false;
  }
  if (ok) *out = v;
  return ok;
}

static double real_of(const struct value *v) { return v->kind == V_DOUBLE ? v->u.real : (double)v->u.integer; }

/* Both there. Kinds that do not go together count as less, whichever way they are asked. */
static enum order compare(struct value a, struct value b) {
  if (a.kind != b.kind) {
    /* Java casts the wrong one of the two here (ClassCastException). */
    if (a.kind == V_BOOL && b.kind == V_STRING) return ORDER_ERROR;
    if (a.kind == V_STRING && !read_text(a.u.text, b.kind, &a)) return ORDER_ERROR;
    if (b.kind == V_STRING && !read_text(b.u.text, a.kind, &b)) return ORDER_ERROR;
    if ((a.kind == V_BOOL) != (b.kind == V_BOOL)) return ORDER_LESS;
  }
  switch (a.kind) {
  case V_BOOL:
    return order_of(a.u.boolean, b.u.boolean);
  case V_STRING:
    return (enum order)(span_equal(a.u.text, b.u.text) ? ORDER_SAME : ORDER_LESS); /* asked by = alone */
  default:
    if (a.kind == V_DOUBLE || b.kind == V_DOUBLE) return (enum order)double_compare(real_of(&a), real_of(&b));
    return order_of(a.u.integer, b.u.integer);
  }
}

/* ComparisonExpression.evaluate for > >= < <=. False: an error. */
static bool ordered(enum sql_code code, struct value a, struct value b, struct value *out) {
  *out = null_value();
  if (a.kind == V_NULL || b.kind == V_NULL) return true;
  if (a.kind == V_STRING && b.kind == V_STRING &&
      (!read_text(a.u.text, V_DOUBLE, &a) || !read_text(b.u.text, V_DOUBLE, &b)))
    return false;
  enum order o = compare(a, b);
  if (o == ORDER_ERROR) return false;
  switch (code) {
  case SQL_GREATER:
    *out = bool_value(o == ORDER_MORE);
    break;
  case SQL_GREATER_EQUAL:
    *out = bool_value(o != ORDER_LESS);
    break;
  case SQL_LESS:
    *out = bool_value(o == ORDER_LESS);
    break;
  default:
    *out = bool_value(o != ORDER_MORE);
    break;
  }
  return true;
}

/* NULL = x is unknown and x = NULL is false: IS NULL is made of it. */
static bool equal(const struct value *a, const struct value *b, struct value *out) {
  if (a->kind == V_NULL || b->kind == V_NULL) {
    *out = a->kind != b->kind && a->kind == V_NULL ? null_value() : bool_value(a->kind == b->kind);
    return true;
  }
  enum order o = compare(*a, *b);
  *out = bool_value(o == ORDER_SAME);
  return o != ORDER_ERROR;
}

/* AND with `decides` false, OR with `decides` true: that value wins, then NULL. */
static struct value both(const struct value *a, const struct value *b, bool decides) {
  if (is_bool(a, decides) || is_bool(b, decides)) return bool_value(decides);
  return a->kind == V_NULL || b->kind == V_NULL ? null_value() : bool_value(!decides);
}

static bool in_list(const struct sql_op *op, struct span text) {
  size_t from = 0, to = op->count;
  while (from < to) {
    size_t middle = from + (to - from) / 2;
    int order = sql_text_order(op->u.in[middle], text);
    if (order == 0) return true;
    if (order < 0) from = middle + 1;
    else to = middle;
  }
  return false;
}

static struct value negate(struct value v) {
  switch (v.kind) {
  case V_INT:
  case V_LONG:
    v.u.integer = -v.u.integer;
    return v;
  case V_DOUBLE:
    v.u.real = -v.u.real;
    return v;
  default:
    return null_value();
  }
}

/* What is done to the value on top alone. */
static struct value one(const struct sql_op *op, struct value v) {
  if (v.kind == V_NULL) return v;
  switch (op->code) {
  case SQL_NEGATE:
    return negate(v);
  case SQL_NOT:
    return bool_value(!v.u.boolean);
  case SQL_CAST:
    return v.kind == V_BOOL ? v : bool_value(false);
  default:
    return v.kind != V_STRING ? null_value() : bool_value(in_list(op, v.u.text) == (op->code == SQL_IN));
  }
}

struct machine {
  const struct sql *q;
  sql_property property;
  void *context;
  size_t depth;
  struct value stack[SQL_STACK_MAX];
};

static struct value pushed(const struct machine *m, const struct sql_op *op) {
  switch (op->code) {
  case SQL_PUSH_BOOL:
    return bool_value(op->u.boolean);
  case SQL_PUSH_INT:
    return (struct value){.kind = V_INT, .u.integer = op->u.integer};
  case SQL_PUSH_LONG:
    return (struct value){.kind = V_LONG, .u.integer = op->u.integer};
  case SQL_PUSH_DOUBLE:
    return (struct value){.kind = V_DOUBLE, .u.real = op->u.real};
  case SQL_PUSH_STRING:
    return (struct value){.kind = V_STRING, .u.text = op->u.text};
  case SQL_PUSH_PROPERTY: {
    struct span text = m->property(m->context, op->u.text);
    return text.ptr == NULL ? null_value() : (struct value){.kind = V_STRING, .u.text = text};
  }
  default:
    return null_value();
  }
}

static bool between_low(struct machine *m, bool negated, bool *jump) {
  struct value *x = &m->stack[m->depth - 2], *low = x + 1, r;
  if (!ordered(negated ? SQL_LESS : SQL_GREATER_EQUAL, *x, *low, &r)) return false;
  *jump = is_bool(&r, negated);
  if (*jump) m->depth--;
  *(*jump ? x : low) = r;
  return true;
}

static bool between_high(struct machine *m, bool negated) {
  struct value *x = &m->stack[m->depth - 3], *first = x + 1, *high = x + 2, r;
  if (!ordered(negated ? SQL_GREATER : SQL_LESS_EQUAL, *x, *high, &r)) return false;
  *x = both(first, &r, negated);
  m->depth -= 2;
  return true;
}

/* Two values on top become one. */
static bool two(struct machine *m, enum sql_code code) {
  struct value *a = &m->stack[m->depth - 2], *b = a + 1, r;
  bool ok = true;
  if (code == SQL_EQUAL) ok = equal(a, b, &r);
  else if (code == SQL_AND || code == SQL_OR) r = both(a, b, code == SQL_OR);
  else ok = ordered(code, *a, *b, &r);
  if (ok) *a = r;
  m->depth--;
  return ok;
}

/* One operation; *jump: go on where it says. False: an error. */
static bool step(struct machine *m, const struct sql_op *op, bool *jump) {
  struct value *top = m->depth > 0 ? &m->stack[m->depth - 1] : NULL;
  if (op->code <= SQL_PUSH_PROPERTY) {
    assert(m->depth < SQL_STACK_MAX);
    m->stack[m->depth++] = pushed(m, op);
    return true;
  }
  assert(top != NULL);
  switch (op->code) {
  case SQL_SKIP_NULL:
    *jump = top->kind == V_NULL;
    return true;
  case SQL_SKIP_FALSE:
    *jump = is_bool(top, false);
    return true;
  case SQL_SKIP_TRUE:
    *jump = is_bool(top, true);
    return true;
  case SQL_BETWEEN_LOW:
  case SQL_NOT_BETWEEN_LOW:
    return between_low(m, op->code == SQL_NOT_BETWEEN_LOW, jump);
  case SQL_BETWEEN_HIGH:
  case SQL_NOT_BETWEEN_HIGH:
    return between_high(m, op->code == SQL_NOT_BETWEEN_HIGH);
  case SQL_EQUAL:
  case SQL_GREATER:
  case SQL_GREATER_EQUAL:
  case SQL_LESS:
  case SQL_LESS_EQUAL:
  case SQL_AND:
  case SQL_OR:
    return two(m, op->code);
  default:
    *top = one(op, *top);
    return true;
  }
}

enum sql_result sql_evaluate_with(const struct sql *q, sql_property property, void *context) {
  struct machine m;
  m.q = q;
  m.property = property;
  m.context = context;
  m.depth = 0;
  for (size_t i = 0; i < q->op_count;) {
    bool jump = false;
    if (!step(&m, &q->ops[i], &jump)) return SQL_ERROR;
    i = jump ? q->ops[i].jump : i + 1;
  }
  assert(m.depth == 1);
  const struct value *v = &m.stack[0];
  if (v->kind == V_NULL) return SQL_NULL;
  return v->u.boolean ? SQL_TRUE : SQL_FALSE;
}

static struct span record_property(void *context, struct span name) {
  return property_find(*(const struct span *)context, name);
}

enum sql_result sql_evaluate(const struct sql *q, struct span properties) {
  return sql_evaluate_with(q, record_property, &properties);
}
