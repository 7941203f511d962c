/* SPDX-License-Identifier: Apache-2.0
 *
 * The filter room: what golden data cannot say. Limits, positions of errors, numbers, records in place, the cache.
 */
#include "core/filter/bloom.h"
#include "core/filter/number.h"
#include "core/filter/sql.h"
#include "core/filter/sql_cache.h"
#include "core/wire/message.h"
#include "tests/harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BIG = 1 << 20 };

static struct sql *compiled(const char *text) {
  struct sql *q = NULL;
  struct sql_error error;
  CU_ASSERT_EQUAL_FATAL(sql_compile(span_text(text), &SQL_LIMITS_DEFAULT, &q, &error), STATUS_OK);
  return q;
}

/* ---- errors ---- */

static void refused(const char *text, size_t at, const char *why) {
  struct sql *q = NULL;
  struct sql_error error = {0};
  CU_ASSERT_EQUAL(sql_compile(span_text(text), &SQL_LIMITS_DEFAULT, &q, &error), STATUS_INVALID);
  CU_ASSERT_PTR_NULL(q);
  if (error.at != at || strcmp(error.text, why) != 0) printf("    %s: %zu, %s\n", text, error.at, error.text);
  CU_ASSERT_EQUAL(error.at, at);
  CU_ASSERT_STRING_EQUAL(error.text, why);
}

static void test_errors(void) {
  refused("", 1, "a value is missing at the end");
  refused("a >", 4, "a value is missing at the end");
  refused("a > 'x'", 5, "a string has no order, only numbers do");
  refused("a > 5 AND (b = 1", 17, "\")\" is missing at the end");
  refused("a != 5", 3, "\"!\" is not part of SQL92 filters");
  refused("a == 5", 4, "a value is wanted, not \"=\"");
  refused("a = 'x", 5, "a string that begins here has no end");
  refused("a BETWEEN 5 AND 0", 11, "the lower end of BETWEEN is above the upper one");
  refused("a BETWEEN 5 OR 0", 13, "AND of BETWEEN is wanted, not \"OR\"");
  refused("a IN ()", 7, "a string is wanted, not \")\"");
  refused("a IN ('x' 'y')", 11, "\")\" is wanted, not \"'y'\"");
  refused("5 IN ('x')", 1, "only a property can be IN a list, not a number");
  refused("a NOT LIKE 'x'", 3, "IN or BETWEEN behind this is wanted, not \"NOT\"");
  refused("a IS 5", 6, "NULL or NOT NULL is wanted, not \"5\"");
  refused("a = NULL", 5, "NULL cannot be compared, write IS NULL");
  refused("TRUE = 5", 8, "TRUE or FALSE cannot be compared with a number");
  refused("NOT 5", 5, "a number is no condition");
  refused("b = 1 AND -a", 11, "a negated value is no condition");
  refused("a > 9223372036854775808", 5, "9223372036854775808 does not fit 64 bits");
  refused("a > 0.0", 5, "0.0 is not between 4.9E-324 and 1.8E308; write 0 for zero");
  refused("a > 1e999", 5, "1e999 is not between 4.9E-324 and 1.8E308; write 0 for zero");
  refused("\xe4\xb8\xad > 1", 1, "\"\xe4\" is not part of SQL92 filters");
  refused("a = '\xe4\xb8\xad' AND ;", 13, "\";\" is not part of SQL92 filters"); /* characters, not bytes */
}

/* ---- limits ---- */

static void repeat(struct buf *b, const char *text, size_t n) {
  while (n-- > 0) buf_put_text(b, text);
}

static enum status compile_limited(const struct buf *b, const struct sql_limits *limits, struct sql_error *error) {
  struct sql *q = NULL;
  enum status status = sql_compile(buf_span(b), limits, &q, error);
  sql_free(q);
  return status;
}

static void test_limits(void) {
  struct sql_limits limits = {40, 8, 4};
  struct sql_error error;
  struct buf b;
  buf_init(&b, BIG);
  repeat(&b, "((((a=1))))", 1);
  CU_ASSERT_EQUAL(compile_limited(&b, &limits, &error), STATUS_OK);
  buf_clear(&b);
  repeat(&b, "(((( (a=1)))))", 1);
  CU_ASSERT_EQUAL(compile_limited(&b, &limits, &error), STATUS_LIMIT);
  CU_ASSERT_STRING_EQUAL(error.text, "the expression is nested more than 4 deep");
  CU_ASSERT_EQUAL(error.at, 6);
  buf_clear(&b);
  repeat(&b, "a IN ('1','2','3','4','5','6')", 1); /* with a and IN itself: eight terms */
  CU_ASSERT_EQUAL(compile_limited(&b, &limits, &error), STATUS_OK);
  buf_clear(&b);
  repeat(&b, "a IN ('1','2','3','4','5','6','7')", 1);
  CU_ASSERT_EQUAL(compile_limited(&b, &limits, &error), STATUS_LIMIT);
  CU_ASSERT_STRING_EQUAL(error.text, "the expression has more than 8 terms");
  buf_clear(&b);
  repeat(&b, " ", 39);
  repeat(&b, "a", 2);
  CU_ASSERT_EQUAL(compile_limited(&b, &limits, &error), STATUS_LIMIT);
  CU_ASSERT_STRING_EQUAL(error.text, "the expression has 41 bytes, the limit is 40");
  buf_fini(&b);
}

/* What the limits allow is evaluated on a stack that is large enough, however it is built. */
static void deepest(const char *open, const char *close, enum sql_result want) {
  struct sql *q = NULL;
  struct sql_error error;
  struct buf b;
  buf_init(&b, BIG);
  repeat(&b, open, SQL_DEPTH_CAP);
  repeat(&b, "a = 1", 1);
  repeat(&b, close, SQL_DEPTH_CAP);
  CU_ASSERT_EQUAL_FATAL(sql_compile(buf_span(&b), &SQL_LIMITS_DEFAULT, &q, &error), STATUS_OK);
  CU_ASSERT_EQUAL(sql_evaluate(q, SPAN_LITERAL("a\0011\002")), want);
  sql_free(q);
  buf_fini(&b);
}

static void test_depth(void) {
  deepest("(", ")", SQL_TRUE);
  deepest("FALSE OR TRUE AND TRUE = (", ")", SQL_TRUE);
  deepest("a NOT IN ('1') OR TRUE AND TRUE = (", ")", SQL_TRUE);
  deepest("TRUE AND FALSE <> (", ")", SQL_TRUE);
  struct sql *q = NULL;
  struct sql_error error;
  struct buf b;
  buf_init(&b, BIG);
  repeat(&b, "a=1 AND ", 2000); /* no nesting: a chain of any length needs two places */
  repeat(&b, "a=1", 1);
  CU_ASSERT_EQUAL(compile_limited(&b, &SQL_LIMITS_DEFAULT, &error), STATUS_OK);
  buf_clear(&b);
  /* -x is unknown for anything but a number, so each BETWEEN asks on to its upper end, and TRUE = unknown is false. */
  repeat(&b, "b = 1 OR TRUE AND TRUE = (a BETWEEN 0 AND -(", SQL_DEPTH_CAP / 3);
  repeat(&b, "a = 1", 1);
  repeat(&b, "))", SQL_DEPTH_CAP / 3);
  CU_ASSERT_EQUAL_FATAL(sql_compile(buf_span(&b), &SQL_LIMITS_DEFAULT, &q, &error), STATUS_OK);
  CU_ASSERT_EQUAL(sql_evaluate(q, SPAN_LITERAL("a\0011\002b\0010\002")), SQL_FALSE);
  sql_free(q);
  buf_fini(&b);
}

/* ---- evaluation on records ---- */

static void test_records(void) {
  struct sql *q = compiled("region = 'eu' AND price BETWEEN 10 AND 20 AND note IS NULL");
  CU_ASSERT_EQUAL(sql_evaluate(q, SPAN_LITERAL("price\00115\002region\001eu\002")), SQL_TRUE);
  CU_ASSERT_EQUAL(sql_evaluate(q, SPAN_LITERAL("price\00121\002region\001eu\002")), SQL_FALSE);
  CU_ASSERT_EQUAL(sql_evaluate(q, SPAN_LITERAL("price\00115\002region\001eu\002note\001\002")),
                  SQL_TRUE); /* no value: no property */
  CU_ASSERT_EQUAL(sql_evaluate(q, SPAN_LITERAL("price\00115\002region\001eu\002note\001x\002")), SQL_FALSE);
  CU_ASSERT_EQUAL(sql_evaluate(q, SPAN_LITERAL("price\001dear\002region\001eu\002")), SQL_ERROR);
  CU_ASSERT_EQUAL(sql_evaluate(q, SPAN_LITERAL("price\001dear\002region\001us\002")), SQL_FALSE); /* decided before */
  CU_ASSERT_EQUAL(sql_evaluate(q, SPAN_NONE), SQL_NULL);
  ASSERT_SPAN(sql_text(q), "region = 'eu' AND price BETWEEN 10 AND 20 AND note IS NULL");
  CU_ASSERT(sql_size(q) > 0);
  sql_free(q);
}

static void test_lists(void) {
  struct sql *q = compiled("a IN ('zz', 'b', '', 'it''s', 'b', 'ccc', 'aa')");
  static const char *const in[] = {"a\001zz\002", "a\001b\002", "a\001it's\002", "a\001ccc\002", "a\001aa\002"};
  static const char *const out[] = {"a\001z\002", "a\001it''s\002", "a\001bb\002", "a\001dddd\002"};
  for (size_t i = 0; i < sizeof in / sizeof *in; i++) CU_ASSERT_EQUAL(sql_evaluate(q, span_text(in[i])), SQL_TRUE);
  for (size_t i = 0; i < sizeof out / sizeof *out; i++) CU_ASSERT_EQUAL(sql_evaluate(q, span_text(out[i])), SQL_FALSE);
  CU_ASSERT_EQUAL(sql_evaluate(q, SPAN_LITERAL("b\001b\002")), SQL_NULL);
  sql_free(q);
}

/* ---- numbers; the values are what Java 17 reads ---- */

static void number(const char *text, bool valid, double want) {
  double got = 0;
  if (double_parse(span_text(text), &got) != valid || (valid && double_compare(got, want) != 0))
    printf("    %s: %a\n", text, got);
  CU_ASSERT_EQUAL(double_parse(span_text(text), &got), valid);
  if (valid) CU_ASSERT_EQUAL(double_compare(got, want), 0);
}

static void test_numbers(void) {
  static const char *const wrong[] = {"",    " ",     "+",     ".",         "e5",  "1e",       "1e+",
                                      "0x1", "0xp1",  "0x.p1", "1ff",       "nan", "infinity", "1 2",
                                      "--1", "1.2.3", "0x1.8", "Infinityf", "1_0", "0b1"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) number(wrong[i], false, 0);
  number(" 1.5f\t", true, 1.5);
  number("+.5D", true, 0.5);
  number("5.e1", true, 50);
  number("-0", true, -0.0);
  number("0x1.8p1", true, 3);
  number("-0X.8P+1d", true, -1);
  number("-Infinity", true, -INFINITY);
  number("1e99999999999999999999", true, INFINITY);
  number("0e99999999999999999999", true, 0);
  number("1e-99999999999999999999", true, 0);
  number("4.9e-324", true, 0x1p-1074);
  number("2.4703282292062327e-324", true, 0); /* below the middle to the smallest */
  number("2.4703282292062328e-324", true, 0x1p-1074);
  number("9007199254740993", true, 9007199254740992.0); /* a tie goes to the even one */
  double nan;
  CU_ASSERT(double_parse(SPAN_LITERAL("NaN"), &nan) && isnan(nan));
  CU_ASSERT(double_compare(nan, nan) == 0 && double_compare(nan, INFINITY) > 0 && double_compare(0.0, -0.0) > 0);
  /* A tie that a digit far behind breaks. */
  struct buf b;
  buf_init(&b, BIG);
  repeat(&b, "9007199254740993.", 1);
  repeat(&b, "0", 5000);
  repeat(&b, "1", 1);
  double v;
  CU_ASSERT(double_parse(buf_span(&b), &v));
  CU_ASSERT_EQUAL(v, 9007199254740994.0);
  buf_fini(&b);
}

/* ---- bloom ---- */

static void test_bloom(void) {
  struct bloom b;
  CU_ASSERT_EQUAL(bloom_init(&b, 0, 32), STATUS_INVALID);
  CU_ASSERT_EQUAL(bloom_init(&b, 100, 32), STATUS_INVALID);
  CU_ASSERT_EQUAL(bloom_init(&b, 20, 0), STATUS_INVALID);
  CU_ASSERT_EQUAL(bloom_init(&b, 1, INT32_MAX), STATUS_INVALID);
  for (int32_t f = 1; f < 100; f++) CU_ASSERT(bloom_init(&b, f, 32) == STATUS_OK && b.hashes <= BLOOM_HASHES_MAX);
  CU_ASSERT_EQUAL_FATAL(bloom_init(&b, 20, 32), STATUS_OK);
  CU_ASSERT_EQUAL(bloom_bytes(&b), 14);
  int32_t places[BLOOM_HASHES_MAX], others[BLOOM_HASHES_MAX];
  uint8_t bitmap[14] = {0};
  bloom_positions(&b, SPAN_LITERAL("CID_SQL#TopicTest"), places); /* 25, 65, 99 */
  bloom_positions(&b, SPAN_LITERAL("CID_A#TopicA"), others);
  CU_ASSERT(!bloom_hit(&b, places, bitmap));
  bloom_set(&b, places, bitmap);
  CU_ASSERT(bitmap[3] == 0x02 && bitmap[8] == 0x02 && bitmap[12] == 0x08);
  CU_ASSERT(bloom_hit(&b, places, bitmap) && !bloom_hit(&b, others, bitmap));
}

/* ---- cache ---- */

static void test_cache(void) {
  struct sql_cache *c = malloc(sizeof *c);
  struct sql_error error;
  const struct sql *first, *again;
  CU_ASSERT_FATAL(c != NULL);
  sql_cache_init(c, 1);
  CU_ASSERT_EQUAL(sql_cache_get(c, SPAN_LITERAL("a = 1"), &SQL_LIMITS_DEFAULT, &first, &error), STATUS_OK);
  CU_ASSERT_EQUAL(sql_cache_get(c, SPAN_LITERAL("a ="), &SQL_LIMITS_DEFAULT, &again, &error), STATUS_INVALID);
  CU_ASSERT_PTR_NULL(again);
  for (int i = 0; i < 3 * SQL_CACHE_ENTRIES; i++) {
    char text[32];
    const struct sql *other;
    snprintf(text, sizeof text, "a = %d", i + 2);
    CU_ASSERT_EQUAL(sql_cache_get(c, span_text(text), &SQL_LIMITS_DEFAULT, &other, &error), STATUS_OK);
    /* Used all the time, it stays. */
    CU_ASSERT_EQUAL(sql_cache_get(c, SPAN_LITERAL("a = 1"), &SQL_LIMITS_DEFAULT, &again, &error), STATUS_OK);
    CU_ASSERT_PTR_EQUAL(again, first);
  }
  CU_ASSERT_EQUAL(map_count(&c->by_text), SQL_CACHE_ENTRIES);
  sql_cache_fini(c);
  free(c);
}

int main(int argc, char **argv) {
  static const struct test tests[] = {{"errors", test_errors},   {"limits", test_limits}, {"depth", test_depth},
                                      {"records", test_records}, {"lists", test_lists},   {"numbers", test_numbers},
                                      {"bloom", test_bloom},     {"cache", test_cache},   {NULL, NULL}};
  return run_tests("filter", tests, argc, argv);
}
