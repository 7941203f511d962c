/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/base/test_base.h"

#include "core/base/bytes.h"
#include "core/base/log.h"
#include "core/base/span.h"
#include "core/base/status.h"
#include "core/port/net.h"
#include "tests/harness.h"

#include <stdio.h>

void span_compares(void) {
  CU_ASSERT(span_compare(SPAN_LITERAL("a"), SPAN_LITERAL("b")) < 0);
  CU_ASSERT(span_compare(SPAN_LITERAL("b"), SPAN_LITERAL("a")) > 0);
  CU_ASSERT(span_compare(SPAN_LITERAL("a"), SPAN_LITERAL("ab")) < 0);
  CU_ASSERT(span_compare(SPAN_LITERAL("ab"), SPAN_LITERAL("a")) > 0);
  CU_ASSERT(span_compare(SPAN_LITERAL("\xff"), SPAN_LITERAL("a")) > 0); /* bytes, not chars */
  CU_ASSERT_EQUAL(span_compare(SPAN_NONE, SPAN_LITERAL("")), 0);
  CU_ASSERT_TRUE(span_equal(SPAN_NONE, SPAN_LITERAL("")));
  CU_ASSERT_FALSE(span_equal(SPAN_LITERAL("ab"), SPAN_LITERAL("ac")));
  CU_ASSERT_TRUE(span_equal_nocase(SPAN_LITERAL("TRUE"), SPAN_LITERAL("true")));
  CU_ASSERT_FALSE(span_equal_nocase(SPAN_LITERAL("TRUE"), SPAN_LITERAL("true ")));
  CU_ASSERT_TRUE(span_starts(SPAN_LITERAL("%RETRY%g"), "%RETRY%"));
  CU_ASSERT_FALSE(span_starts(SPAN_LITERAL("%RET"), "%RETRY%"));
  CU_ASSERT_TRUE(span_starts(SPAN_NONE, ""));
  CU_ASSERT_PTR_NULL(span_text(NULL).ptr);
  CU_ASSERT_PTR_NOT_NULL(span_text("").ptr);
}

void span_finds_and_trims(void) {
  struct span s = SPAN_LITERAL("a:b:c");
  CU_ASSERT_EQUAL(span_find(s, ':', 0), 1);
  CU_ASSERT_EQUAL(span_find(s, ':', 2), 3);
  CU_ASSERT_EQUAL(span_find(s, 'x', 0), 5);
  CU_ASSERT_EQUAL(span_find(s, 'a', 9), 5);
  ASSERT_SPAN(span_from(s, 2), "b:c");
  ASSERT_SPAN(span_from(s, 99), "");
  ASSERT_SPAN(span_trim(SPAN_LITERAL(" \t\r\n a b \x01")), "a b");
  ASSERT_SPAN(span_trim(SPAN_LITERAL("  ")), "");
  ASSERT_SPAN(span_trim(SPAN_LITERAL("\xc2\xa0x")), "\xc2\xa0x"); /* bytes above space stay */
}

void span_reads_numbers_like_java(void) {
  static const struct {
    const char *text;
    bool ok64, ok32;
    int64_t value;
  } cases[] = {
      {"0", true, true, 0},
      {"-0", true, true, 0},
      {"+7", true, true, 7},
      {"007", true, true, 7},
      {"2147483647", true, true, INT32_MAX},
      {"2147483648", true, false, 2147483648},
      {"-2147483648", true, true, INT32_MIN},
      {"-2147483649", true, false, -2147483649},
      {"9223372036854775807", true, false, INT64_MAX},
      {"9223372036854775808", false, false, 0},
      {"-9223372036854775808", true, false, INT64_MIN},
      {"-9223372036854775809", false, false, 0},
      {"99999999999999999999999", false, false, 0},
      {"", false, false, 0},
      {"-", false, false, 0},
      {"+", false, false, 0},
      {" 1", false, false, 0},
      {"1 ", false, false, 0},
      {"1x", false, false, 0},
      {"0x10", false, false, 0},
      {"--1", false, false, 0},
      {"1.0", false, false, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    int64_t v64 = 77;
    int32_t v32 = 77;
    CU_ASSERT_EQUAL(span_to_i64(span_text(cases[i].text), &v64), cases[i].ok64);
    CU_ASSERT_EQUAL(v64, cases[i].ok64 ? cases[i].value : 77);
    CU_ASSERT_EQUAL(span_to_i32(span_text(cases[i].text), &v32), cases[i].ok32);
    CU_ASSERT_EQUAL(v32, cases[i].ok32 ? cases[i].value : 77);
  }
}

void span_writes_numbers(void) {
  static const int64_t numbers[] = {0, 1, -1, 9, 10, -10, 1234567890123, INT64_MAX, INT64_MIN};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    char text[21], want[32];
    int64_t back = 0;
    size_t n = i64_to_text(numbers[i], text);
    snprintf(want, sizeof want, "%lld", (long long)numbers[i]);
    ASSERT_SPAN(span_of(text, n), want);
    CU_ASSERT_TRUE(span_to_i64(span_of(text, n), &back));
    CU_ASSERT_EQUAL(back, numbers[i]);
  }
}

void span_copies_text(void) {
  char out[4];
  CU_ASSERT_TRUE(span_copy_text(SPAN_LITERAL("abc"), out, sizeof out));
  CU_ASSERT_STRING_EQUAL(out, "abc");
  CU_ASSERT_FALSE(span_copy_text(SPAN_LITERAL("abcd"), out, sizeof out));
  CU_ASSERT_STRING_EQUAL(out, "abc");
  CU_ASSERT_TRUE(span_copy_text(SPAN_NONE, out, sizeof out));
  CU_ASSERT_STRING_EQUAL(out, "");
}

void bytes_are_big_endian(void) {
  uint8_t b[8];
  put_u64(b, 0x0102030405060708);
  for (int i = 0; i < 8; i++) CU_ASSERT_EQUAL(b[i], i + 1);
  CU_ASSERT_EQUAL(get_u16(b), 0x0102);
  CU_ASSERT_EQUAL(get_u32(b + 1), 0x02030405);
  CU_ASSERT_EQUAL(get_u64(b), 0x0102030405060708);
  put_i16(b, -2);
  CU_ASSERT_EQUAL(b[0], 0xff);
  CU_ASSERT_EQUAL(b[1], 0xfe);
  CU_ASSERT_EQUAL(get_i16(b), -2);
  put_i32(b, INT32_MIN);
  CU_ASSERT_EQUAL(get_i32(b), INT32_MIN);
  put_i64(b, -3);
  CU_ASSERT_EQUAL(get_i64(b), -3);
}

void status_has_texts(void) {
  CU_ASSERT_STRING_EQUAL(status_text(STATUS_OK), "success");
  CU_ASSERT_STRING_EQUAL(status_text(STATUS_UNSUPPORTED), "not supported");
  CU_ASSERT_STRING_EQUAL(status_text((enum status)9999), "unknown status");
}

struct sink {
  struct log log;
  int lines;
  char last[LOG_LINE_MAX];
};

static void keep_line(struct log *log, enum log_level level, const char *line) {
  struct sink *sink = (struct sink *)log;
  (void)level;
  sink->lines++;
  snprintf(sink->last, sizeof sink->last, "%s", line);
}

void log_drops_cuts_and_cleans(void) {
  struct sink sink = {.log = {.level = LOG_WARN, .write = keep_line}};
  log_info(&sink.log, "quiet");
  CU_ASSERT_EQUAL(sink.lines, 0);
  log_error(&sink.log, "peer said \"%s\"", "x\nerror: forged\x1b[0m");
  CU_ASSERT_EQUAL(sink.lines, 1);
  CU_ASSERT_STRING_EQUAL(sink.last, "peer said \"x error: forged [0m\"");
  log_warn(&sink.log, "%*s", LOG_LINE_MAX * 2, "end");
  CU_ASSERT_EQUAL(strlen(sink.last), LOG_LINE_MAX - 1);
  CU_ASSERT_STRING_EQUAL(sink.last + LOG_LINE_MAX - 4, "...");
  log_error(NULL, "nobody listens");
  CU_ASSERT_EQUAL(sink.lines, 2);
}

void log_quota_mutes_floods_and_says_so(void) {
  struct sink sink = {.log = {.level = LOG_WARN, .write = keep_line}};
  struct log_quota quota = {0};
  struct moment now = {.mono_ms = 5000};
  size_t allowed = 0;
  for (int i = 0; i < 1000; i++) {
    now.mono_ms = 5000 + i % 1000;
    allowed += log_quota_take(&quota, &sink.log, now);
  }
  CU_ASSERT_EQUAL(allowed, LOG_QUOTA_LINES);
  CU_ASSERT_EQUAL(sink.lines, 0);
  now.mono_ms = 6000;
  CU_ASSERT_TRUE(log_quota_take(&quota, &sink.log, now));
  CU_ASSERT_STRING_EQUAL(sink.last, "990 more lines like the next one were not written");
}

void peer_parses_and_prints(void) {
  static const char *const texts[] = {"1.2.3.4:5", "127.0.0.1:0", "255.255.255.255:65535", "[::1]:10911",
                                      "[fe80::1:2]:9876"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct net_peer peer;
    char back[NET_PEER_TEXT_MAX];
    CU_ASSERT_EQUAL(net_peer_parse(span_text(texts[i]), &peer), STATUS_OK);
    CU_ASSERT_EQUAL(peer.ip_len, texts[i][0] == '[' ? 16 : 4);
    size_t n = net_peer_text(&peer, back);
    CU_ASSERT_EQUAL(n, strlen(texts[i]));
    CU_ASSERT_STRING_EQUAL(back, texts[i]);
  }
}

void peer_refuses_nonsense(void) {
  static const char *const texts[] = {
      "",           ":",      ":80",   "1.2.3.4", "1.2.3.4:", "1.2.3:80", "1.2.3.256:1", "a.b:1",       "1.2.3.4:65536",
      "1.2.3.4:-1", "::1:80", "[::1]", "[::1]80", "[:80",     "[]:80",    "1.2.3.4:80 ", "1.2.3.4 :80", "[1.2.3.4]:5"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct net_peer peer;
    if (net_peer_parse(span_text(texts[i]), &peer) != STATUS_INVALID) printf("    accepted \"%s\"\n", texts[i]);
    CU_ASSERT_EQUAL(net_peer_parse(span_text(texts[i]), &peer), STATUS_INVALID);
  }
  char huge[300];
  memset(huge, '1', sizeof huge);
  memcpy(huge + sizeof huge - 3, ":80", 3);
  struct net_peer peer;
  CU_ASSERT_EQUAL(net_peer_parse(span_of(huge, sizeof huge), &peer), STATUS_INVALID);
}
