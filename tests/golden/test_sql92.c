/* SPDX-License-Identifier: Apache-2.0
 *
 * SQL92 filters and Bloom filters against what the 4.7.0 classes make of the same texts. sql92.jsonl was written by a
 * person: Java's printed form and the result for each set of properties. sql92-random.jsonl is from a generator:
 * results only, one letter per set (True, False, Null, X an exception), "error" where the text is refused.
 */
#include "core/filter/bloom.h"
#include "core/filter/sql_program.h"
#include "tests/golden/golden.h"
#include "tests/harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 1 << 16, PARTS_MAX = 64 };

/* ---- a program as Java prints an expression ---- */

struct printer {
  struct span parts[PARTS_MAX];
  size_t count;
  struct arena *arena;
};

__attribute__((format(printf, 3, 4))) static void push(struct printer *p, size_t pop, const char *format, ...) {
  char text[4096];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  CU_ASSERT_FATAL(n >= 0 && n < (int)sizeof text && pop <= p->count && p->count - pop < PARTS_MAX);
  p->count -= pop;
  p->parts[p->count++] = arena_copy(p->arena, span_of(text, (size_t)n));
}

#define PART(back) SPAN_ARG(p->parts[p->count - (back)])

static void print_quoted(struct printer *p, struct span s) {
  char text[512];
  size_t n = 0;
  for (size_t i = 0; i < s.len && n + 2 < sizeof text; i++) {
    if (s.ptr[i] == '\'') text[n++] = '\'';
    text[n++] = (char)s.ptr[i];
  }
  push(p, 0, "'%.*s'", (int)n, text);
}

static void print_real(struct printer *p, double v) {
  struct buf b;
  struct json_writer w;
  buf_init(&b, TEXT_MAX);
  json_writer_init(&w, &b, false);
  json_put_double(&w, v);
  push(p, 0, "%.*s", SPAN_ARG(buf_span(&b)));
  buf_fini(&b);
}

static void print_in(struct printer *p, const struct sql_op *op) {
  char list[512] = "";
  size_t n = 0;
  for (uint32_t i = 0; i < op->count; i++)
    n += (size_t)snprintf(list + n, sizeof list - n, "%s%.*s", i == 0 ? "" : ", ", SPAN_ARG(op->u.in[i]));
  push(p, 1, "%.*s %s ( %s )", PART(1), op->code == SQL_IN ? "IN" : "NOT IN", list);
}

static void print_between(struct printer *p, bool negated) {
  push(p, 3, negated ? "((%.*s < %.*s) || (%.*s > %.*s))" : "((%.*s >= %.*s) && (%.*s <= %.*s))", PART(3), PART(2),
       PART(3), PART(1));
}

static const char *sign_of(enum sql_code code) {
  switch (code) {
  case SQL_EQUAL:
    return "==";
  case SQL_GREATER:
    return ">";
  case SQL_GREATER_EQUAL:
    return ">=";
  case SQL_LESS:
    return "<";
  case SQL_LESS_EQUAL:
    return "<=";
  case SQL_AND:
    return "&&";
  case SQL_OR:
    return "||";
  default:
    return NULL;
  }
}

static void print_op(struct printer *p, const struct sql_op *op) {
  switch (op->code) {
  case SQL_PUSH_NULL:
    push(p, 0, "NULL");
    return;
  case SQL_PUSH_BOOL:
    push(p, 0, op->u.boolean ? "TRUE" : "FALSE");
    return;
  case SQL_PUSH_INT:
  case SQL_PUSH_LONG:
    push(p, 0, "%lld", (long long)op->u.integer);
    return;
  case SQL_PUSH_DOUBLE:
    print_real(p, op->u.real);
    return;
  case SQL_PUSH_STRING:
    print_quoted(p, op->u.text);
    return;
  case SQL_PUSH_PROPERTY:
    push(p, 0, "%.*s", SPAN_ARG(op->u.text));
    return;
  case SQL_NEGATE:
    push(p, 1, "(- %.*s)", PART(1));
    return;
  case SQL_NOT:
    push(p, 1, "(NOT %.*s)", PART(1));
    return;
  case SQL_IN:
  case SQL_NOT_IN:
    print_in(p, op);
    return;
  case SQL_BETWEEN_HIGH:
  case SQL_NOT_BETWEEN_HIGH:
    print_between(p, op->code == SQL_NOT_BETWEEN_HIGH);
    return;
  default:
    if (sign_of(op->code) != NULL) push(p, 2, "(%.*s %s %.*s)", PART(2), sign_of(op->code), PART(1));
  }
}

static struct span printed(const struct sql *q, struct arena *arena) {
  struct printer p = {.arena = arena};
  for (size_t i = 0; i < q->op_count; i++) print_op(&p, &q->ops[i]);
  CU_ASSERT_EQUAL_FATAL(p.count, 1);
  return p.parts[0];
}

/* ---- sql92.jsonl ---- */

/* "a=5,b=abc": a value may be empty, which a record cannot say. */
static struct span listed_property(void *context, struct span name) {
  struct span rest = *(const struct span *)context;
  while (rest.len > 0) {
    size_t end = span_find(rest, ',', 0), equal = span_find(rest, '=', 0);
    if (span_equal(span_of(rest.ptr, equal), name)) return span_of(rest.ptr + equal + 1, end - equal - 1);
    rest = span_from(rest, end + 1);
  }
  return SPAN_NONE;
}

static enum sql_result wanted(const struct json *value) {
  if (value->kind == JSON_BOOL) return value->boolean ? SQL_TRUE : SQL_FALSE;
  return span_is(value->text, "null") ? SQL_NULL : SQL_ERROR;
}

static bool check_results(const struct sql *q, const struct json *results) {
  bool ok = true;
  for (const struct json *m = results->children; m != NULL; m = m->next) {
    struct span properties = m->key->text;
    ok &= sql_evaluate_with(q, listed_property, &properties) == wanted(m);
  }
  return ok;
}

static void test_written(void) {
  struct golden g;
  int count = 0;
  CU_ASSERT_FATAL(golden_open(&g, "hashes/sql92.jsonl"));
  for (const struct json *r; (r = golden_next(&g)) != NULL; count++) {
    struct sql *q = NULL;
    struct sql_error error = {0};
    enum status status = sql_compile(golden_text(r, "sql"), &SQL_LIMITS_DEFAULT, &q, &error);
    bool refused = json_member(r, "error") != NULL;
    CU_ASSERT(golden_check(r, refused == (status == STATUS_INVALID), error.text));
    if (status != STATUS_OK) continue;
    CU_ASSERT(golden_check(r, span_equal(printed(q, &g.arena), golden_text(r, "parsed")), "another program"));
    CU_ASSERT(golden_check(r, check_results(q, json_member(r, "result")), "another result"));
    sql_free(q);
  }
  golden_close(&g);
  CU_ASSERT(count > 80);
}

/* ---- sql92-random.jsonl ---- */

enum { SETS_MAX = 16, PAIRS_MAX = 8 };
struct set {
  struct span names[PAIRS_MAX], values[PAIRS_MAX];
  size_t count;
};

static struct span set_property(void *context, struct span name) {
  const struct set *s = context;
  for (size_t i = 0; i < s->count; i++)
    if (span_equal(s->names[i], name)) return s->values[i];
  return SPAN_NONE;
}

static struct span keep(struct arena *arena, struct span s) {
  return s.len == 0 ? SPAN_LITERAL("") : arena_copy(arena, s);
}

static size_t read_sets(const struct json *list, struct arena *arena, struct set *sets) {
  size_t n = 0;
  for (const struct json *o = list->children; o != NULL && n < SETS_MAX; o = o->next) {
    struct set *s = &sets[n++];
    s->count = 0;
    for (const struct json *m = o->children; m != NULL && s->count < PAIRS_MAX; m = m->next) {
      s->names[s->count] = keep(arena, m->key->text);
      s->values[s->count++] = keep(arena, m->text);
    }
  }
  return n;
}

static void results_of(struct span text, const struct set *sets, size_t set_count, char out[SETS_MAX + 8]) {
  struct sql *q = NULL;
  struct sql_error error;
  if (sql_compile(text, &SQL_LIMITS_DEFAULT, &q, &error) != STATUS_OK) {
    CU_ASSERT(error.text[0] != '\0' && error.at >= 1 && error.at <= text.len + 1);
    snprintf(out, SETS_MAX, "error");
    return;
  }
  for (size_t i = 0; i < set_count; i++) out[i] = "FTNX"[sql_evaluate_with(q, set_property, (void *)&sets[i])];
  out[set_count] = '\0';
  sql_free(q);
}

static void test_random(void) {
  struct golden g;
  struct arena arena;
  struct set sets[SETS_MAX];
  int count = 0;
  arena_init(&arena, TEXT_MAX);
  CU_ASSERT_FATAL(golden_open(&g, "hashes/sql92-random.jsonl"));
  size_t set_count = read_sets(json_member(golden_next(&g), "sets"), &arena, sets);
  CU_ASSERT_EQUAL_FATAL(set_count, 12);
  for (const struct json *r; (r = golden_next(&g)) != NULL; count++) {
    char got[SETS_MAX + 8];
    results_of(golden_text(r, "sql"), sets, set_count, got);
    CU_ASSERT(golden_check(r, span_is(golden_text(r, "results"), got), got));
  }
  golden_close(&g);
  arena_fini(&arena);
  CU_ASSERT(count >= 1500);
}

/* ---- bloom ---- */

static void test_bloom(void) {
  struct golden g;
  int count = 0;
  CU_ASSERT_FATAL(golden_open(&g, "hashes/hashes.jsonl"));
  for (const struct json *r; (r = golden_next(&g)) != NULL;) {
    if (!span_is(golden_text(r, "kind"), "bloom")) continue;
    struct bloom b;
    int32_t places[BLOOM_HASHES_MAX];
    CU_ASSERT_EQUAL_FATAL(bloom_init(&b, json_i32(json_member(r, "errorRate"), 0), json_i32(json_member(r, "n"), 0)),
                          STATUS_OK);
    CU_ASSERT_EQUAL(b.bits, json_i32(json_member(r, "m"), -1));
    CU_ASSERT_EQUAL_FATAL(b.hashes, json_i32(json_member(r, "k"), -1));
    bloom_positions(&b, golden_text(r, "text"), places);
    const struct json *m = json_member(r, "positions")->children;
    for (int32_t i = 0; i < b.hashes; i++, m = m->next)
      CU_ASSERT(golden_check(r, places[i] == json_i32(m, -1), "place"));
    count++;
  }
  golden_close(&g);
  CU_ASSERT(count >= 28);
}

int main(int argc, char **argv) {
  static const struct test tests[] = {
      {"sql92 written", test_written}, {"sql92 random", test_random}, {"bloom", test_bloom}, {NULL, NULL}};
  return run_tests("golden/sql92", tests, argc, argv);
}
