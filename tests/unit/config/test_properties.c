/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config/config.h"
#include "tests/unit/config/config_tests.h"

enum { BUF_MAX = 1 << 16 };

static enum status collect(void *context, struct span key, struct span value, int line) {
  buf_printf(context, "%d<%.*s|%.*s>", line, SPAN_ARG(key), SPAN_ARG(value));
  return STATUS_OK;
}

static void check(struct span text, const char *want) {
  struct buf out;
  int line = 0;
  buf_init(&out, BUF_MAX);
  CU_ASSERT_EQUAL(properties_parse(text, collect, &out, &line), STATUS_OK);
  ASSERT_SPAN(buf_span(&out), want);
  buf_fini(&out);
}

void test_properties_separators(void) {
  check(SPAN_LITERAL(""), "");
  check(SPAN_LITERAL("\n \t\f\n\r\n"), "");
  check(SPAN_LITERAL("a=1\nb:2\nc 3\nd\t=\t4\ne = : 5\nf\n=6\ng ="), "1<a|1>2<b|2>3<c|3>4<d|4>5<e|: 5>6<f|>7<|6>8<g|>");
  check(SPAN_LITERAL("a==1\r\nb  1  \rc=x"), "1<a|=1>2<b|1  >3<c|x>");
  check(SPAN_LITERAL("  namesrvAddr = 1.2.3.4:9876;b:1=2"), "1<namesrvAddr|1.2.3.4:9876;b:1=2>");
}

void test_properties_comments(void) {
  check(SPAN_LITERAL("#a=1\n ! b=2 \\\nc=3\nd=#4\ne=5 ! no"), "3<c|3>4<d|#4>5<e|5 ! no>");
  check(SPAN_LITERAL("# only"), "");
}

void test_properties_continuations(void) {
  check(SPAN_LITERAL("a=1,\\\n   2,\\\r\n\t3\nb=4"), "1<a|1,2,3>4<b|4>");
  check(SPAN_LITERAL("a=1\\\\\nb=2"), "1<a|1\\>2<b|2>");
  check(SPAN_LITERAL("a=1\\\n#x\nb=2"), "1<a|1#x>3<b|2>");
  check(SPAN_LITERAL("lo\\\n  ng \\\n = \\\n v\\"), "1<long|v>");
  check(SPAN_LITERAL("a=1\\\n\nb=2"), "1<a|1>3<b|2>");
}

void test_properties_escapes(void) {
  check(SPAN_LITERAL("a\\ b\\=c\\:d=\\tx\\ny\\\\z\\q\\ "), "1<a b=c:d|\tx\ny\\zq >");
  check(SPAN_LITERAL("\\u0041\\u4e3B=\\ud83d\\ude00\\ud83d!"), "1<A\xE4\xB8\xBB|\xF0\x9F\x98\x80?!>");
  check(SPAN_LITERAL("k=\xC3\xA9"), "1<k|\xC3\xA9>");
}

void test_properties_malformed_escapes(void) {
  static const char *const bad[] = {"a=1\nb=\\u12", "a=1\nb=\\u12x4", "x=2\n\\u=1",
                                    "\n\\"
                                    "u123"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct buf out;
    int line = 0;
    buf_init(&out, BUF_MAX);
    CU_ASSERT_EQUAL(properties_parse(span_text(bad[i]), collect, &out, &line), STATUS_INVALID);
    CU_ASSERT_EQUAL(line, 2);
    buf_fini(&out);
  }
}

static enum status refuse_second(void *context, struct span key, struct span value, int line) {
  int *calls = context;
  (void)key, (void)value;
  CU_ASSERT_EQUAL(line, *calls + 1);
  return ++*calls == 2 ? STATUS_BUSY : STATUS_OK;
}

void test_properties_stop_at_a_refusal(void) {
  int calls = 0, line = 0;
  CU_ASSERT_EQUAL(properties_parse(SPAN_LITERAL("a=1\nb=2\nc=3"), refuse_second, &calls, &line), STATUS_BUSY);
  CU_ASSERT_EQUAL(calls, 2);
}

void test_properties_written_are_read_back(void) {
  static const char *const texts[] = {
      "plain", "a=b:c d",     " lead",        "trail ",       "#x",
      "!y",    "back\\slash", "t\tn\nr\rf\f", "\x01\x1f\x7f", "\xE4\xB8\xBB\xF0\x9F\x98\x80\xC2\x80",
      ""};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
      struct buf text, want;
      buf_init(&text, BUF_MAX);
      buf_init(&want, BUF_MAX);
      properties_put(&text, span_text(texts[i]), span_text(texts[k]));
      buf_printf(&want, "1<%s|%s>", texts[i], texts[k]);
      buf_put_u8(&want, '\0');
      check(buf_span(&text), (const char *)want.ptr);
      buf_fini(&text);
      buf_fini(&want);
    }
  struct buf out;
  buf_init(&out, BUF_MAX);
  properties_put(&out, SPAN_LITERAL("namesrvAddr"), SPAN_LITERAL("h:9876;\xE4\xB8\xBB=\xF0\x9F\x98\x80"));
  ASSERT_SPAN(buf_span(&out), "namesrvAddr=h:9876;\\u4E3B=\\uD83D\\uDE00\n");
  buf_fini(&out);
}
