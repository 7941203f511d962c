/* SPDX-License-Identifier: Apache-2.0 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "tests/unit/wire/wire_tests.h"

#include <stdio.h>
#include <stdlib.h>

enum { ARENA_MAX = 1 << 20, BUF_MAX = 1 << 20, STRUCT_MAX = 512 };

static const struct command_limits limits = COMMAND_LIMITS_DEFAULT;

struct fixture {
  struct arena arena;
  struct buf buf;
  const char *why;
};

static void setup(struct fixture *f) {
  arena_init(&f->arena, ARENA_MAX);
  buf_init(&f->buf, BUF_MAX);
  f->why = "";
}

static void teardown(struct fixture *f) {
  arena_fini(&f->arena);
  buf_fini(&f->buf);
}

/* A frame around a JSON header, in a block of its exact size so that every read past it is seen. */
static enum status decode_json(struct fixture *f, const char *header, const struct command_limits *lim,
                               struct command *c) {
  size_t n = strlen(header);
  uint8_t *frame = arena_alloc(&f->arena, n + 4);
  CU_ASSERT_FATAL(frame != NULL);
  put_u32(frame, (uint32_t)n);
  memcpy(frame + 4, header, n);
  return command_decode(c, span_of(frame, n + 4), lim, &f->arena, &f->why);
}

void test_codes_are_all_named(void) {
  int requests = 0, responses = 0;
  for (int code = -1; code < 1000; code++) {
    requests += strcmp(request_code_name(code), "UNKNOWN") != 0;
    responses += strcmp(response_code_name(code), "UNKNOWN") != 0;
  }
  CU_ASSERT_EQUAL(requests, 93);
  CU_ASSERT_EQUAL(responses, 36);
  CU_ASSERT_STRING_EQUAL(request_code_name(REQUEST_SEND_MESSAGE_V2), "SEND_MESSAGE_V2");
  CU_ASSERT_STRING_EQUAL(response_code_name(RESPONSE_TOPIC_NOT_EXIST), "TOPIC_NOT_EXIST");
  CU_ASSERT_STRING_EQUAL(language_name(LANGUAGE_CPP), "CPP");
  CU_ASSERT_STRING_EQUAL(language_name(99), "OTHER");
}

/* Another value for each field, so that a mixed-up offset shows. */
static void fill(const struct header *h, uint8_t *fields, bool set_text) {
  static const char *const texts[] = {"", "a\"b\\c\n", "\xE4\xB8\xBB", "plain", "\x01 \x02"};
  memset(fields, 0, h->size);
  for (size_t i = 0; i < h->field_count; i++) {
    void *place = fields + h->fields[i].offset;
    switch (h->fields[i].type) {
    case FIELD_TEXT:
      if (!set_text && !h->fields[i].required) continue;
      *(struct span *)place = span_text(texts[i % 5]);
      break;
    case FIELD_I32:
      *(int32_t *)place = i % 2 == 0 ? INT32_MIN + (int32_t)i : (int32_t)i;
      break;
    case FIELD_I64:
      *(int64_t *)place = i % 2 == 0 ? INT64_MIN + (int64_t)i : INT64_MAX - (int64_t)i;
      break;
    case FIELD_BOOL:
      *(bool *)place = i % 2 == 0;
      break;
    }
    *(uint64_t *)fields |= UINT64_C(1) << i;
  }
}

static bool same_fields(const struct header *h, const uint8_t *a, const uint8_t *b) {
  if (*(const uint64_t *)a != *(const uint64_t *)b) return false;
  for (size_t i = 0; i < h->field_count; i++) {
    const void *x = a + h->fields[i].offset, *y = b + h->fields[i].offset;
    switch (h->fields[i].type) {
    case FIELD_TEXT:
      if (!span_equal(*(const struct span *)x, *(const struct span *)y)) return false;
      break;
    case FIELD_I32:
      if (*(const int32_t *)x != *(const int32_t *)y) return false;
      break;
    case FIELD_I64:
      if (*(const int64_t *)x != *(const int64_t *)y) return false;
      break;
    case FIELD_BOOL:
      if (*(const bool *)x != *(const bool *)y) return false;
      break;
    }
  }
  return true;
}

static void check_round_trip(struct fixture *f, const struct header *h, enum serialize serialize, bool by_short_name,
                             bool set_text) {
  _Alignas(16) uint8_t fields[STRUCT_MAX], again[STRUCT_MAX];
  struct command c = {.code = 10, .opaque = -7, .flag = 1, .version = 353, .serialize = serialize}, d;
  struct span frame;
  size_t used = 0;
  const char *missing = NULL;
  CU_ASSERT_FATAL(h->size <= STRUCT_MAX);
  fill(h, fields, set_text);
  buf_clear(&f->buf);
  size_t n = command_encode(&f->buf, &c, h, fields, by_short_name, 0);
  CU_ASSERT_EQUAL(n, f->buf.len);
  CU_ASSERT_EQUAL_FATAL(frame_split(buf_span(&f->buf), &limits, &frame, &used, &f->why), STATUS_OK);
  CU_ASSERT_EQUAL(used, n);
  CU_ASSERT_EQUAL_FATAL(command_decode(&d, frame, &limits, &f->arena, &f->why), STATUS_OK);
  CU_ASSERT(d.code == 10 && d.opaque == -7 && d.flag == 1 && d.version == 353 && d.serialize == serialize);
  CU_ASSERT_EQUAL(header_decode(h, &d, by_short_name, again, &missing), STATUS_OK);
  if (!same_fields(h, fields, again)) printf("    %s\n", h->java_class);
  CU_ASSERT(same_fields(h, fields, again));
  arena_reset(&f->arena);
}

void test_headers_round_trip_in_all_forms(void) {
  struct fixture f;
  int count = 0;
  setup(&f);
  for (; all_headers[count] != NULL; count++)
    for (int form = 0; form < 8; form++)
      check_round_trip(&f, all_headers[count], (enum serialize)(form & 1), (form & 2) != 0, (form & 4) != 0);
  CU_ASSERT_EQUAL(count, 76); /* SendMessageRequestHeaderV2 is the 77th */
  teardown(&f);
}

void test_header_misses_are_named(void) {
  struct fixture f;
  struct command c;
  struct send_message_request h;
  const char *missing = NULL;
  setup(&f);
  CU_ASSERT_EQUAL(
      decode_json(&f, "{\"code\":310,\"extFields\":{\"b\":\"T\",\"a\":\"P\",\"d\":\"x\"},\"opaque\":1}", &limits, &c),
      STATUS_OK);
  CU_ASSERT_EQUAL(header_decode(&send_message_request_header, &c, true, &h, &missing), STATUS_INVALID);
  CU_ASSERT_STRING_EQUAL(missing, "c");
  CU_ASSERT(HEADER_HAS(send_message_request, &h, producerGroup));
  CU_ASSERT(!HEADER_HAS(send_message_request, &h, defaultTopicQueueNums));
  ASSERT_SPAN(h.topic, "T");
  CU_ASSERT_EQUAL(header_decode(&send_message_request_header, &c, false, &h, &missing), STATUS_INVALID);
  CU_ASSERT_STRING_EQUAL(missing, "producerGroup");
  CU_ASSERT_EQUAL(h.present, 0);
  teardown(&f);
}

void test_header_values_are_lenient(void) {
  struct fixture f;
  struct command c;
  struct pull_message_request h;
  const char *missing = NULL;
  setup(&f);
  CU_ASSERT_EQUAL(
      decode_json(&f,
                  "{code:11,extFields:{consumerGroup:'G',topic:'T',queueId:3,queueOffset:'-1',maxMsgNums:'+32',sysFlag:"
                  "2147483648,commitOffset:'9223372036854775808',suspendTimeoutMillis:'',subVersion:'1.0'}}",
                  &limits, &c),
      STATUS_OK);
  CU_ASSERT_EQUAL(header_decode(&pull_message_request_header, &c, false, &h, &missing), STATUS_INVALID);
  CU_ASSERT_STRING_EQUAL(missing, "sysFlag");
  CU_ASSERT(h.queueId == 3 && h.queueOffset == -1 && h.maxMsgNums == 32);
  CU_ASSERT(!HEADER_HAS(pull_message_request, &h, commitOffset));
  CU_ASSERT(!HEADER_HAS(pull_message_request, &h, suspendTimeoutMillis));
  CU_ASSERT(!HEADER_HAS(pull_message_request, &h, subVersion));
  CU_ASSERT(!HEADER_HAS(pull_message_request, &h, subscription));
  CU_ASSERT_EQUAL(h.sysFlag, 0);
  teardown(&f);
}

void test_frame_limits(void) {
  struct command_limits small = {.frame = 10, .header = 6, .ext = 2, .depth = 2};
  static const uint8_t too_long[] = {0, 0, 0, 11}, too_short[] = {0, 0, 0, 3, 0, 0, 0};
  static const uint8_t just[] = {0, 0, 0, 10, 0, 0, 0, 6, '{', '}', ' ', ' ', ' ', ' '};
  static const uint8_t header_too_long[] = {0, 0, 0, 7, '{', '}', ' ', ' ', ' ', ' ', ' '};
  struct fixture f;
  struct span frame;
  struct command c;
  size_t used = 0;
  setup(&f);
  CU_ASSERT_EQUAL(frame_split(span_of(too_long, 4), &small, &frame, &used, &f.why), STATUS_LIMIT);
  CU_ASSERT_EQUAL(frame_split(span_of(too_short, 7), &small, &frame, &used, &f.why), STATUS_INVALID);
  CU_ASSERT_EQUAL(frame_split(span_of(just, sizeof just - 1), &small, &frame, &used, &f.why), STATUS_AGAIN);
  CU_ASSERT_EQUAL(frame_split(span_of(just, sizeof just), &small, &frame, &used, &f.why), STATUS_OK);
  CU_ASSERT_EQUAL(command_decode(&c, frame, &small, &f.arena, &f.why), STATUS_OK);
  CU_ASSERT(!c.has_opaque && c.language == LANGUAGE_JAVA && c.body.ptr == NULL);
  CU_ASSERT_EQUAL(command_decode(&c, span_of(header_too_long, sizeof header_too_long), &small, &f.arena, &f.why),
                  STATUS_LIMIT);
  for (size_t n = 0; n < 4; n++)
    CU_ASSERT_EQUAL(command_decode(&c, span_of(just + 4, n), &small, &f.arena, &f.why), STATUS_INVALID);
  teardown(&f);
}

void test_command_limits(void) {
  struct command_limits small = {.frame = 1000, .header = 1000, .ext = 2, .depth = 2};
  struct fixture f;
  struct command c;
  setup(&f);
  CU_ASSERT_EQUAL(decode_json(&f, "{\"extFields\":{\"a\":\"1\",\"b\":\"2\"}}", &small, &c), STATUS_OK);
  CU_ASSERT_EQUAL(decode_json(&f, "{\"extFields\":{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}}", &small, &c), STATUS_LIMIT);
  CU_ASSERT_STRING_EQUAL(f.why, "header has too many ext fields");
  CU_ASSERT_EQUAL(decode_json(&f, "{\"x\":{\"y\":{}}}", &small, &c), STATUS_LIMIT);
  /* A small arena gives NO_MEMORY, whichever way is taken. */
  static const char *const headers[] = {"\0\0\0\x1F{\"extFields\":{\"a\":\"1\\u0041\"}}   ",
                                        "\0\0\0\x1F{\"extFields\":{\"a\":123456,'b':2}} "};
  for (size_t i = 0; i < 2; i++) {
    struct arena tiny;
    arena_init(&tiny, 16);
    CU_ASSERT_EQUAL(command_decode(&c, span_of(headers[i], 35), &limits, &tiny, &f.why), STATUS_NO_MEMORY);
    arena_fini(&tiny);
  }
  teardown(&f);
}

void test_command_last_duplicate_wins(void) {
  struct fixture f;
  struct command c;
  setup(&f);
  const char *direct = "{\"code\":1,\"extFields\":{\"a\":\"1\",\"b\":\"2\",\"a\":\"3\"},\"code\":2}";
  const char *lenient = "{code:1,extFields:{a:1,b:2,a:3},code:2}";
  CU_ASSERT_EQUAL(decode_json(&f, direct, &limits, &c), STATUS_OK);
  CU_ASSERT(c.ext_count == 2 && c.code == 2);
  ASSERT_SPAN(command_ext(&c, "a"), "3");
  CU_ASSERT_EQUAL(decode_json(&f, lenient, &limits, &c), STATUS_OK);
  CU_ASSERT(c.ext_count == 2 && c.code == 2);
  ASSERT_SPAN(command_ext(&c, "a"), "3");
  ASSERT_SPAN(command_ext(&c, "b"), "2");
  CU_ASSERT_PTR_NULL(command_ext(&c, "c").ptr);
  CU_ASSERT_EQUAL(decode_json(&f, "{\"extFields\":{\"a\":\"1\"},\"extFields\":{}}", &limits, &c), STATUS_OK);
  CU_ASSERT_EQUAL(c.ext_count, 0);
  /* Many keys of one kind (same length, first and last letter): still no doubles, none lost. */
  buf_clear(&f.buf);
  buf_put_text(&f.buf, "{\"extFields\":{");
  for (int i = 0; i < 200; i++) buf_printf(&f.buf, "%s\"k%03dk\":\"%d\"", i > 0 ? "," : "", i % 100, i);
  buf_put_text(&f.buf, "}}");
  buf_put_u8(&f.buf, '\0');
  CU_ASSERT_EQUAL(decode_json(&f, (const char *)f.buf.ptr, &limits, &c), STATUS_OK);
  CU_ASSERT_EQUAL(c.ext_count, 100);
  ASSERT_SPAN(command_ext(&c, "k042k"), "142");
  teardown(&f);
}

/* The same header in the usual form and in one that only the lenient reader takes. */
void test_command_direct_and_lenient_agree(void) {
  static const char *const pairs[][2] = {
      {"{\"code\":105,\"language\":\"cpp\",\"version\":353,\"opaque\":-2147483648,\"flag\":3,\"remark\":\"a\\tb\"}",
       "{'code':105,language:1,version:353.0,opaque:'-2147483648',flag:3L,remark:'a\\tb',}"},
      {" {\n\"code\" : 1 , \"extFields\" : { \"\" : \"\" } ,\t\"opaque\":0 }\r\n",
       "{CODE:1,ext_fields:{'':''},opaque:0}"},
      {"{\"code\":1,\"language\":\"RUST\"}", "{code:1,language:null}"},
      {"{}", "{,}"},
      {"{\"serializeTypeCurrentRPC\":\"JSON\"}", "{serializeTypeCurrentRPC:0,other:[{}]}"},
  };
  struct fixture f;
  setup(&f);
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    struct command a, b;
    CU_ASSERT_EQUAL(decode_json(&f, pairs[i][0], &limits, &a), STATUS_OK);
    CU_ASSERT_EQUAL(decode_json(&f, pairs[i][1], &limits, &b), STATUS_OK);
    CU_ASSERT(a.code == b.code && a.language == b.language && a.version == b.version && a.opaque == b.opaque);
    CU_ASSERT(a.flag == b.flag && a.has_opaque == b.has_opaque && span_equal(a.remark, b.remark));
    CU_ASSERT((a.remark.ptr == NULL) == (b.remark.ptr == NULL) && a.ext_count == b.ext_count);
  }
  teardown(&f);
}

static void check_cuts(struct fixture *f, enum serialize serialize) {
  struct command c = {.code = 310,
                      .opaque = 5,
                      .serialize = serialize,
                      .remark = SPAN_LITERAL("why"),
                      .body = SPAN_LITERAL("body")},
                 d;
  _Alignas(16) uint8_t fields[STRUCT_MAX];
  fill(&send_message_request_header, fields, true);
  buf_clear(&f->buf);
  CU_ASSERT_FATAL(command_encode(&f->buf, &c, &send_message_request_header, fields, true, 0) > 0);
  size_t header = get_u32(f->buf.ptr + 4) & 0xFFFFFF;
  for (size_t n = 0; n < header; n++) { /* a header that is n bytes long, in a block of that size */
    uint8_t *cut = malloc(n + 4);
    CU_ASSERT_FATAL(cut != NULL);
    memcpy(cut, f->buf.ptr + 4, n + 4);
    put_u32(cut, (uint32_t)serialize << 24 | (uint32_t)n);
    f->why = NULL;
    CU_ASSERT_EQUAL(command_decode(&d, span_of(cut, n + 4), &limits, &f->arena, &f->why), STATUS_INVALID);
    CU_ASSERT_PTR_NOT_NULL(f->why);
    arena_reset(&f->arena);
    free(cut);
  }
}

void test_command_refuses_every_cut(void) {
  struct fixture f;
  setup(&f);
  check_cuts(&f, SERIALIZE_JSON);
  check_cuts(&f, SERIALIZE_ROCKETMQ);
  teardown(&f);
}

void test_command_null_values(void) {
  struct fixture f;
  struct command c, d;
  struct span frame;
  size_t used;
  setup(&f);
  CU_ASSERT_EQUAL(decode_json(&f, "{\"extFields\":{\"a\":null,\"b\":\"\"}}", &limits, &c), STATUS_OK);
  CU_ASSERT_EQUAL(c.ext_count, 2);
  for (int form = 0; form < 2; form++) { /* neither form writes a null */
    c.serialize = (enum serialize)form;
    c.language = LANGUAGE_NONE;
    buf_clear(&f.buf);
    CU_ASSERT(command_encode(&f.buf, &c, NULL, NULL, false, 0) > 0);
    CU_ASSERT_EQUAL(frame_split(buf_span(&f.buf), &limits, &frame, &used, &f.why), STATUS_OK);
    CU_ASSERT_EQUAL(command_decode(&d, frame, &limits, &f.arena, &f.why), STATUS_OK);
    CU_ASSERT_EQUAL(d.ext_count, 1);
    CU_ASSERT_PTR_NOT_NULL(command_ext(&d, "b").ptr);
    CU_ASSERT_EQUAL(d.language, form == 0 ? LANGUAGE_JAVA : LANGUAGE_OTHER);
  }
  /* A buffer that is too small fails and keeps what it had. */
  struct buf small;
  buf_init(&small, 40);
  buf_put_text(&small, "before");
  CU_ASSERT_EQUAL(command_encode(&small, &c, NULL, NULL, false, 0), 0);
  CU_ASSERT(small.failed && small.len == 6);
  buf_fini(&small);
  teardown(&f);
}
