/* SPDX-License-Identifier: Apache-2.0
 *
 * What DLedger 0.1 says on the wire, recorded between three Java members, and what fastjson 1.2.62 makes of odd input
 * (both observed).
 */
#include "core/wire/json.h"
#include "libdledger/base64.h"
#include "libdledger/message.h"
#include "tests/unit/dledger/suites.h"

#include <stdio.h>
#include <stdlib.h>

#define LINE_MAX_BYTES 65536

static struct arena arena;
static struct buf out;

static void begin(void) {
  arena_init(&arena, (size_t)64 << 20);
  buf_init(&out, (size_t)64 << 20);
}

static void end(void) {
  arena_fini(&arena);
  buf_fini(&out);
}

static struct span unhex(struct span text) {
  uint8_t *bytes = arena_alloc(&arena, text.len / 2 + 1);
  CU_ASSERT_FATAL(bytes != NULL);
  for (size_t i = 0; i + 2 <= text.len; i += 2) {
    char pair[3] = {(char)text.ptr[i], (char)text.ptr[i + 1], 0};
    bytes[i / 2] = (uint8_t)strtoul(pair, NULL, 16);
  }
  return span_of(bytes, text.len / 2);
}

/* Request: by its code. Response: by the request's type in the trace. */
static enum dl_kind kind_of(struct span type, bool request) {
  enum dl_kind kind = DL_PUSH_REQUEST;
  if (span_is(type, "VOTE")) kind = DL_VOTE_REQUEST;
  if (span_is(type, "HEART_BEAT")) kind = DL_HEART_BEAT_REQUEST;
  return request ? kind : kind + 1;
}

static void check_frame(const struct json *line) {
  struct span bytes = unhex(json_text(json_member(line, "hex"))), frame;
  struct span type = json_text(json_member(line, "type")), body = json_text(json_member(line, "body"));
  bool request = span_is(json_text(json_member(line, "what")), "request");
  const struct command_limits limits = COMMAND_LIMITS_DEFAULT;
  struct command c;
  struct dl_message m;
  enum dl_kind asked, answered;
  size_t used;
  const char *why = NULL;
  CU_ASSERT_FATAL(frame_split(bytes, &limits, &frame, &used, &why) == STATUS_OK && used == bytes.len);
  CU_ASSERT_FATAL(command_decode(&c, frame, &limits, &arena, &why) == STATUS_OK);
  CU_ASSERT(c.flag == (request ? 0 : COMMAND_RESPONSE) && (request || c.code == DL_RESPONSE_CODE));
  enum dl_kind kind = kind_of(type, request);
  if (request) CU_ASSERT(dl_kinds_of(c.code, &asked, &answered) && asked == kind && answered == kind + 1);
  CU_ASSERT_FATAL(dl_message_read(&m, kind, c.body, &arena, &why) == STATUS_OK);
  buf_clear(&out);
  dl_message_write(&out, &m);
  if (!span_equal(buf_span(&out), body)) printf("    %.*s\n    %.*s\n", SPAN_ARG(body), SPAN_ARG(buf_span(&out)));
  CU_ASSERT(span_equal(buf_span(&out), body));
  buf_clear(&out);
  size_t n = request ? dl_request_frame(&out, &m, c.opaque, c.serialize)
                     : dl_reply_frame(&out, &m, c.opaque, c.serialize);
  CU_ASSERT(n == bytes.len && span_equal(buf_span(&out), bytes));
  if (kind == DL_PUSH_REQUEST && m.has_entry) {
    CU_ASSERT(m.entry.magic == ENTRY_MAGIC && m.entry.size == (int32_t)m.entry.body.len + ENTRY_HEADER);
    CU_ASSERT(span_starts(type, "PUSH ") && span_is(span_from(type, 5), dl_push_type_name(m.push_type)));
  }
}

void test_message_trace(void) {
  char command[8192], *line = malloc(LINE_MAX_BYTES);
  int frames = 0;
  begin();
  snprintf(command, sizeof command, "gzip -dc '%s'", golden_path("dledger-trace.jsonl.gz"));
  FILE *in = popen(command, "r");
  CU_ASSERT_FATAL(in != NULL && line != NULL);
  while (fgets(line, LINE_MAX_BYTES, in) != NULL) {
    struct json *tree;
    arena_reset(&arena);
    CU_ASSERT_FATAL(json_parse(span_text(line), &JSON_LIMITS_DEFAULT, &arena, &tree, NULL, NULL) == STATUS_OK);
    check_frame(tree);
    frames++;
  }
  CU_ASSERT(pclose(in) == 0 && frames == 242);
  free(line);
  end();
}

static void check_written(const struct dl_message *m, const char *expected) {
  struct dl_message back;
  const char *why;
  buf_clear(&out);
  dl_message_write(&out, m);
  ASSERT_SPAN(buf_span(&out), expected);
  arena_reset(&arena);
  struct span text = arena_copy(&arena, buf_span(&out));
  CU_ASSERT_FATAL(dl_message_read(&back, m->kind, text, &arena, &why) == STATUS_OK);
  buf_clear(&out);
  dl_message_write(&out, &back);
  ASSERT_SPAN(buf_span(&out), expected);
}

/* A new Java object of each class, and each field set. */
void test_message_bytes(void) {
  static const char *const fresh[DL_KIND_COUNT] = {
      [DL_METADATA_REQUEST] = "{\"code\":200,\"term\":-1}",
      [DL_METADATA_REPLY] = "{\"code\":200,\"term\":-1}",
      [DL_APPEND_REQUEST] = "{\"code\":200,\"term\":-1}",
      [DL_APPEND_REPLY] = "{\"code\":200,\"index\":-1,\"pos\":-1,\"term\":-1}",
      [DL_GET_REQUEST] = "{\"code\":200,\"maxSize\":0,\"term\":-1}",
      [DL_GET_REPLY] = "{\"code\":200,\"entries\":[],\"term\":-1}",
      [DL_VOTE_REQUEST] = "{\"code\":200,\"ledgerEndIndex\":-1,\"ledgerEndTerm\":-1,\"term\":-1}",
      [DL_VOTE_REPLY] = "{\"code\":200,\"term\":-1,\"voteResult\":\"UNKNOWN\"}",
      [DL_HEART_BEAT_REQUEST] = "{\"code\":200,\"term\":-1}",
      [DL_HEART_BEAT_REPLY] = "{\"code\":200,\"term\":-1}",
      [DL_PUSH_REQUEST] = "{\"code\":200,\"commitIndex\":-1,\"term\":-1,\"type\":\"APPEND\"}",
      [DL_PUSH_REPLY] = "{\"beginIndex\":0,\"code\":200,\"endIndex\":0,\"term\":-1}"};
  struct dl_message m;
  begin();
  for (int kind = 0; kind < DL_KIND_COUNT; kind++) {
    dl_message_init(&m, (enum dl_kind)kind);
    check_written(&m, fresh[kind]);
  }
  static const uint8_t body[] = {0, 1, 2, 0xFB, 0xFF};
  struct entry e = {0, 0, 3, -1, 0, 0, 123456, -7, span_of(body, 5)};
  dl_message_init(&m, DL_PUSH_REQUEST);
  m.has_entry = true;
  m.entry = e;
  m.term = 4;
  m.push_type = DL_PUSH_COMPARE;
  check_written(&m,
                "{\"code\":200,\"commitIndex\":-1,\"entry\":{\"body\":\"AAEC+/8=\",\"bodyCrc\":-7,\"chainCrc\":123456,"
                "\"channel\":0,\"index\":3,\"magic\":0,\"pos\":0,\"size\":0,\"term\":-1},\"term\":4,\"type\":"
                "\"COMPARE\"}");
  m.entry = (struct entry){.body = SPAN_LITERAL("")};
  check_written(&m,
                "{\"code\":200,\"commitIndex\":-1,\"entry\":{\"body\":\"\",\"bodyCrc\":0,\"chainCrc\":0,\"channel\":0,"
                "\"index\":0,\"magic\":0,\"pos\":0,\"size\":0,\"term\":0},\"term\":4,\"type\":\"COMPARE\"}");
  static const int64_t list[] = {1, 2};
  dl_message_init(&m, DL_GET_REQUEST);
  m.begin_index = 4;
  m.max_size = 9;
  m.index_list = list;
  m.index_count = 2;
  check_written(&m, "{\"beginIndex\":4,\"code\":200,\"indexList\":[1,2],\"maxSize\":9,\"term\":-1}");
  dl_message_init(&m, DL_GET_REPLY);
  m.entries = &e;
  m.entry_count = 1;
  check_written(&m,
                "{\"code\":200,\"entries\":[{\"body\":\"AAEC+/8=\",\"bodyCrc\":-7,\"chainCrc\":123456,\"channel\":0,"
                "\"index\":3,\"magic\":0,\"pos\":0,\"size\":0,\"term\":-1}],\"term\":-1}");
  static const struct dl_peer peers[] = {{SPAN_LITERAL("n0"), SPAN_LITERAL("h:1")},
                                         {SPAN_LITERAL("n1"), SPAN_LITERAL("h:2")}};
  dl_message_init(&m, DL_METADATA_REPLY);
  m.peers = peers;
  m.peer_count = 2;
  check_written(&m, "{\"code\":200,\"peers\":{\"n0\":\"h:1\",\"n1\":\"h:2\"},\"term\":-1}");
  dl_message_init(&m, DL_APPEND_REQUEST);
  m.body = SPAN_LITERAL("hi");
  m.group = SPAN_LITERAL("g\"/\xC3\xBC");
  check_written(&m, "{\"body\":\"aGk=\",\"code\":200,\"group\":\"g\\\"/\xC3\xBC\",\"term\":-1}");
  for (int i = 0; i < DL_VOTE_RESULT_COUNT; i++) {
    char expected[100];
    dl_message_init(&m, DL_VOTE_REPLY);
    m.vote_result = i;
    snprintf(expected, sizeof expected, "{\"code\":200,\"term\":-1,\"voteResult\":\"%s\"}", dl_vote_result_name(i));
    check_written(&m, expected);
  }
  CU_ASSERT_STRING_EQUAL(dl_vote_result_name(DL_VOTE_REJECT_ALREADY__HAS_LEADER), "REJECT_ALREADY__HAS_LEADER");
  dl_message_init(&m, DL_HEART_BEAT_REPLY);
  m.batch_format = DL_BATCH_FORMAT;
  check_written(&m, "{\"batchFormat\":1,\"code\":200,\"term\":-1}");
  CU_ASSERT_STRING_EQUAL(dl_code_name(416), "TERM_NOT_READY");
  CU_ASSERT_STRING_EQUAL(dl_code_name(1), "?");
  end();
}

static void check_push(const char *input, const char *expected) {
  struct dl_message m;
  const char *why = NULL;
  arena_reset(&arena);
  enum status status = dl_message_read(&m, DL_PUSH_REQUEST, span_text(input), &arena, &why);
  if (expected == NULL) {
    CU_ASSERT(status == STATUS_INVALID && why != NULL);
    return;
  }
  CU_ASSERT_FATAL(status == STATUS_OK);
  buf_clear(&out);
  dl_message_write(&out, &m);
  ASSERT_SPAN(buf_span(&out), expected);
}

#define ZEROS "\"bodyCrc\":0,\"chainCrc\":0,\"channel\":0,\"index\":0,\"magic\":0,\"pos\":0,\"size\":0,\"term\":0"
#define WITH_ENTRY(body) "{\"code\":200,\"commitIndex\":-1,\"entry\":{" body ZEROS "},\"term\":-1,\"type\":\"APPEND\"}"

void test_message_tolerance(void) {
  begin();
  check_push("{}", "{\"code\":200,\"commitIndex\":-1,\"term\":-1,\"type\":\"APPEND\"}");
  check_push("{\"type\":2}", "{\"code\":200,\"commitIndex\":-1,\"term\":-1,\"type\":\"COMPARE\"}");
  check_push("{\"type\":\"compare\"}", "{\"code\":200,\"commitIndex\":-1,\"term\":-1,\"type\":\"COMPARE\"}");
  check_push("{\"type\":\"nope\"}", "{\"code\":200,\"commitIndex\":-1,\"term\":-1}");
  check_push("{\"type\":null}", "{\"code\":200,\"commitIndex\":-1,\"term\":-1}");
  check_push("{\"term\":null,\"commitIndex\":null}",
             "{\"code\":200,\"commitIndex\":-1,\"term\":-1,\"type\":\"APPEND\"}");
  check_push("{\"term\":\"7\"}", "{\"code\":200,\"commitIndex\":-1,\"term\":7,\"type\":\"APPEND\"}");
  check_push("{\"entry\":{\"body\":[1,2,-3]}}", WITH_ENTRY("\"body\":\"AQL9\","));
  check_push("{\"entry\":{\"body\":[]}}", WITH_ENTRY("\"body\":\"\","));
  check_push("{\"entry\":{\"body\":\"AAE\"}}", WITH_ENTRY("\"body\":\"AAE=\","));
  check_push("{\"entry\":{\"body\":\"\"}}", WITH_ENTRY("\"body\":\"\","));
  check_push("{\"entry\":{\"body\":\"AA\\/8\"}}", WITH_ENTRY("\"body\":\"AA/8\","));
  check_push("{\"entry\":{}}", WITH_ENTRY(""));
  check_push("{\"entry\":null,\"unknown\":{\"a\":[1]}}",
             "{\"code\":200,\"commitIndex\":-1,\"term\":-1,\"type\":\"APPEND\"}");
  /* Java makes other bytes of these, or throws. */
  check_push("{\"entry\":{\"body\":\"AA E=\"}}", NULL);
  check_push("{\"entry\":{\"body\":\"A\"}}", NULL);
  check_push("{\"entry\":{\"body\":7}}", NULL);
  check_push("{\"entry\":{\"body\":[256]}}", NULL);
  check_push("{\"entry\":[]}", NULL);
  check_push("[]", NULL);
  check_push("", NULL);
  check_push("{", NULL);
  end();
}

/* In both serialisations, as the server has to answer in the one it was asked. */
void test_message_frames(void) {
  const struct command_limits limits = COMMAND_LIMITS_DEFAULT;
  begin();
  for (int form = SERIALIZE_JSON; form <= SERIALIZE_ROCKETMQ; form++) {
    struct dl_message m, back;
    struct command c;
    struct span frame;
    size_t used;
    const char *why;
    dl_message_init(&m, DL_VOTE_REQUEST);
    m.group = SPAN_LITERAL("g");
    m.term = 5;
    m.batch_format = DL_BATCH_FORMAT;
    buf_clear(&out);
    CU_ASSERT(dl_request_frame(&out, &m, 77, (enum serialize)form) == out.len);
    CU_ASSERT_FATAL(frame_split(buf_span(&out), &limits, &frame, &used, &why) == STATUS_OK && used == out.len);
    CU_ASSERT_FATAL(command_decode(&c, frame, &limits, &arena, &why) == STATUS_OK);
    /* ROCKETMQ's header has 16 bits for it: Java's members cannot use that form between them. */
    CU_ASSERT(c.code == (form == SERIALIZE_JSON ? DL_VOTE : (int16_t)DL_VOTE) && c.opaque == 77 && c.flag == 0 &&
              c.serialize == (enum serialize)form);
    CU_ASSERT_FATAL(dl_message_read(&back, DL_VOTE_REQUEST, c.body, &arena, &why) == STATUS_OK);
    CU_ASSERT(back.term == 5 && back.batch_format == DL_BATCH_FORMAT && span_is(back.group, "g"));
    dl_message_init(&m, DL_VOTE_REPLY);
    buf_clear(&out);
    CU_ASSERT(dl_reply_frame(&out, &m, 78, (enum serialize)form) == out.len);
    CU_ASSERT_FATAL(frame_split(buf_span(&out), &limits, &frame, &used, &why) == STATUS_OK && used == out.len);
    CU_ASSERT_FATAL(command_decode(&c, frame, &limits, &arena, &why) == STATUS_OK);
    CU_ASSERT(c.code == DL_RESPONSE_CODE && c.opaque == 78 && c.flag == COMMAND_RESPONSE);
  }
  enum dl_kind a, b;
  CU_ASSERT(!dl_kinds_of(DL_PULL, &a, &b) && !dl_kinds_of(0, &a, &b) && dl_kinds_of(DL_GET, &a, &b));
  end();
}

void test_base64_both_ways(void) {
  static const char *const pairs[][2] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}};
  static const char *const bad[] = {"Z", "Zg=", "Zg==Zg==", "=", "====", "Zm9v\n", "Zm9*", "Z===", "Zm9vY"};
  uint8_t bytes[300], back[300];
  size_t len;
  begin();
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    buf_clear(&out);
    base64_put(&out, span_text(pairs[i][0]));
    ASSERT_SPAN(buf_span(&out), pairs[i][1]);
    CU_ASSERT(base64_decode(span_text(pairs[i][1]), back, &len));
    ASSERT_SPAN(span_of(back, len), pairs[i][0]);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CU_ASSERT(!base64_decode(span_text(bad[i]), back, &len));
  for (size_t n = 0; n < sizeof bytes; n++) {
    bytes[n] = (uint8_t)(n * 89 + 3);
    buf_clear(&out);
    base64_put(&out, span_of(bytes, n + 1));
    CU_ASSERT(base64_decode(buf_span(&out), back, &len) && len == n + 1 && memcmp(bytes, back, len) == 0);
    CU_ASSERT(base64_bytes_max(buf_span(&out)) >= len);
  }
  end();
}
