/* SPDX-License-Identifier: Apache-2.0 */
#include "core/wire/json.h"
#include "tests/unit/wire/wire_tests.h"

#include <math.h>
#include <stdlib.h>

enum { ARENA_MAX = 1 << 20, BUF_MAX = 1 << 16 };

/* The text re-written from its tree, or "(why)" when it is refused. */
static const char *rewritten(const char *text) {
  static char out[BUF_MAX];
  struct arena arena;
  struct json *tree;
  const char *why = "";
  struct buf b;
  arena_init(&arena, ARENA_MAX);
  buf_init(&b, BUF_MAX - 1);
  if (json_parse(span_text(text), &JSON_LIMITS_DEFAULT, &arena, &tree, &why, NULL) == STATUS_OK)
    json_put_tree(&b, tree);
  else buf_printf(&b, "(%s)", why);
  span_copy_text(buf_span(&b), out, sizeof out);
  buf_fini(&b);
  arena_fini(&arena);
  return out;
}

void test_json_reads_the_dialect(void) {
  static const char *const cases[][2] = {
      {"", "null"},
      {" \t\n", "null"},
      {"null", "null"},
      {"undefined", "null"},
      {"{a:1,'b':2,\"c\":3}", "{\"a\":1,\"b\":2,\"c\":3}"},
      {"{,,a:1,,b:2,,}", "{\"a\":1,\"b\":2}"},
      {"[,1,,2,]", "[1,2]"},
      {"/* x */{ // y\n\"a\" /* , */ : /**/ [ ] }//z", "{\"a\":[]}"},
      {"{0:\"x\",-1:2}", "{0:\"x\",-1:2}"},
      {"{{\"q\":1}:5,{\"q\":2}:{}}", "{{\"q\":1}:5,{\"q\":2}:{}}"},
      {"[1L,2.5D,-3e2,true,false,5B]", "[1,2.5,-3e2,true,false,5]"},
      {"'it\\'s \"x\"'", "\"it's \\\"x\\\"\""},
      {"{$ref_1:1}", "{\"$ref_1\":1}"},
      {"{\xC3\xA9:1}", "{\"\xC3\xA9\":1}"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) ASSERT_SPAN(span_text(rewritten(cases[i][0])), cases[i][1]);
}

void test_json_refuses_broken_text(void) {
  static const char *const cases[] = {
      "{",     "[",        "[1",         "{\"a\"",      "{\"a\":", "{\"a\":1", "\"abc",   "'abc", "{a 1}",
      "[1 2]", "{\"a\":}", "tru",        "nul",         "hello",   "1 2",      "{}x",     "-",    "1e",
      "1e+",   ".5",       "\"\\u12\"",  "\"\\u12g4\"", "\"\\q\"", "\"\\x1\"", "\"\\",    "/*",   "{1:2",
      "{:1}",  "12abc",    "{\"a\":1/*", "[/]",         "{[1]:2}", "\"a\\\"",  "{true;1}"};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *text = rewritten(cases[i]);
    if (text[0] != '(' || text[1] == ')') printf("    accepted: %s as %s\n", cases[i], text);
    CU_ASSERT(text[0] == '(' && text[1] != ')');
  }
}

static enum status parse_within(const char *text, int depth, size_t elements, size_t memory, size_t *at) {
  struct arena arena;
  struct json *tree;
  struct json_limits limits = {depth, elements};
  arena_init(&arena, memory);
  enum status status = json_parse(span_text(text), &limits, &arena, &tree, NULL, at);
  arena_fini(&arena);
  return status;
}

void test_json_keeps_its_limits(void) {
  size_t at = 0;
  CU_ASSERT_EQUAL(parse_within("[[[1]]]", 3, 100, ARENA_MAX, &at), STATUS_OK);
  CU_ASSERT_EQUAL(parse_within("[[[1]]]", 2, 100, ARENA_MAX, &at), STATUS_LIMIT);
  CU_ASSERT_EQUAL(at, 2);
  CU_ASSERT_EQUAL(parse_within("{{{{a:1}:1}:1}:1}", 3, 100, ARENA_MAX, &at), STATUS_LIMIT);
  CU_ASSERT_EQUAL(parse_within("[1,2,3]", 3, 4, ARENA_MAX, &at), STATUS_OK);
  CU_ASSERT_EQUAL(parse_within("[1,2,3]", 3, 3, ARENA_MAX, &at), STATUS_LIMIT);
  CU_ASSERT_EQUAL(parse_within("[1,!]", 3, 9, ARENA_MAX, &at), STATUS_INVALID);
  CU_ASSERT_EQUAL(at, 3);
}

void test_json_survives_small_arenas(void) {
  const char *text = "{\"a\":[1,2,{\"b\":\"\\u0041\"}],c:null}";
  bool refused = false, accepted = false;
  for (size_t memory = 0; memory < 4096; memory += 16) {
    enum status status = parse_within(text, 9, 100, memory, NULL);
    CU_ASSERT(status == STATUS_OK || status == STATUS_NO_MEMORY);
    refused |= status == STATUS_NO_MEMORY;
    accepted |= status == STATUS_OK;
    CU_ASSERT(!(accepted && status != STATUS_OK));
  }
  CU_ASSERT(refused && accepted);
}

static const struct json *parsed(const char *text, struct arena *arena) {
  struct json *tree = NULL;
  CU_ASSERT_EQUAL_FATAL(json_parse(span_text(text), &JSON_LIMITS_DEFAULT, arena, &tree, NULL, NULL), STATUS_OK);
  return tree;
}

void test_json_converts_scalars(void) {
  static const char *const names[] = {"RED", "GREEN"};
  struct arena arena;
  arena_init(&arena, ARENA_MAX);
  const struct json *o = parsed("{n:5,s:\"6\",f:7.9,big:9223372036854775808,t:true,z:null,e:\"green\",o:1,w:\"x\","
                                "big32:2147483648,min:-9223372036854775808,yes:\"True\",one:1,two:2,neg:\"-3.5\","
                                "hex:\"0x10\",list:[1]}",
                                &arena);
  CU_ASSERT_EQUAL(json_i64(json_member(o, "n"), -1), 5);
  CU_ASSERT_EQUAL(json_i64(json_member(o, "s"), -1), 6);
  CU_ASSERT_EQUAL(json_i64(json_member(o, "f"), -1), 7);
  CU_ASSERT_EQUAL(json_i64(json_member(o, "big"), -1), -1);
  CU_ASSERT_EQUAL(json_i64(json_member(o, "min"), -1), INT64_MIN);
  CU_ASSERT_EQUAL(json_i64(json_member(o, "t"), -1), 1);
  CU_ASSERT_EQUAL(json_i64(json_member(o, "w"), -1), -1);
  CU_ASSERT_EQUAL(json_i64(json_member(o, "hex"), -1), -1);
  CU_ASSERT_EQUAL(json_i64(json_member(o, "list"), -1), -1);
  CU_ASSERT_EQUAL(json_i32(json_member(o, "big32"), -1), -1);
  CU_ASSERT_DOUBLE_EQUAL(json_double(json_member(o, "neg"), 0), -3.5, 0);
  CU_ASSERT_DOUBLE_EQUAL(json_double(json_member(o, "w"), 9), 9, 0);
  CU_ASSERT(json_bool(json_member(o, "yes"), false));
  CU_ASSERT(json_bool(json_member(o, "one"), false));
  CU_ASSERT(!json_bool(json_member(o, "two"), true));
  CU_ASSERT(json_bool(json_member(o, "w"), true));
  CU_ASSERT(json_bool(NULL, true));
  CU_ASSERT_PTR_NULL(json_member(o, "z"));
  CU_ASSERT_PTR_NULL(json_member(o, "absent"));
  CU_ASSERT_PTR_NULL(json_member(json_member(o, "n"), "n"));
  ASSERT_SPAN(json_text(json_member(o, "f")), "7.9");
  ASSERT_SPAN(json_text(json_member(o, "t")), "true");
  CU_ASSERT_PTR_NULL(json_text(json_member(o, "list")).ptr);
  CU_ASSERT_EQUAL(json_enum(json_member(o, "e"), names, 2), 1);
  CU_ASSERT_EQUAL(json_enum(json_member(o, "o"), names, 2), 1);
  CU_ASSERT_EQUAL(json_enum(json_member(o, "n"), names, 2), -1);
  CU_ASSERT_EQUAL(json_enum(json_member(o, "w"), names, 2), -1);
  CU_ASSERT_EQUAL(json_enum(json_member(o, "list"), names, 2), -1);
  arena_fini(&arena);
}

void test_json_members_match_loosely(void) {
  struct arena arena;
  arena_init(&arena, ARENA_MAX);
  const struct json *o = parsed("{CLIENT_ID:1,group_name:2,groupName:3,x:4,x:5,'-':6,{a:1}:7}", &arena);
  CU_ASSERT_EQUAL(json_i64(json_member(o, "clientId"), -1), 1);
  CU_ASSERT_EQUAL(json_i64(json_member(o, "groupName"), -1), 3);
  CU_ASSERT_EQUAL(json_i64(json_member(o, "GROUPNAME"), -1), 3);
  CU_ASSERT_EQUAL(json_i64(json_member(o, "x"), -1), 5);
  CU_ASSERT_PTR_NULL(json_member(o, "clientIds"));
  CU_ASSERT_PTR_NULL(json_member(o, "client"));
  arena_fini(&arena);
}

void test_json_writes_pretty(void) {
  struct buf out;
  struct json_writer w;
  buf_init(&out, BUF_MAX);
  json_writer_init(&w, &out, true);
  json_open_object(&w);
  json_key(&w, "empty");
  json_open_object(&w);
  json_close_object(&w);
  json_key(&w, "list");
  json_open_array(&w);
  json_put_int(&w, -1);
  json_put_bool(&w, true);
  json_open_array(&w);
  json_close_array(&w);
  json_close_array(&w);
  json_key(&w, "offsets");
  json_open_inline_map(&w);
  json_key_int(&w, 0);
  json_put_int(&w, 10);
  json_key_int(&w, 1);
  json_put_text(&w, "x");
  json_close_object(&w);
  json_key(&w, "set");
  json_open_inline_array(&w);
  json_put_raw(&w, SPAN_LITERAL("1.5"));
  json_put_span(&w, SPAN_NONE);
  json_close_array(&w);
  json_key(&w, "nan");
  json_put_double(&w, NAN);
  json_close_object(&w);
  ASSERT_SPAN(buf_span(&out), "{\n\t\"empty\":{},\n\t\"list\":[\n\t\t-1,\n\t\ttrue,\n\t\t[]\n\t],\n\t\"offsets\":{0:10,"
                              "1:\"x\"\n\t},\n\t\"set\":[1.5,null],\n\t\"nan\":null\n}");
  buf_fini(&out);
  /* A full buffer fails and stays whole. */
  buf_init(&out, 10);
  json_writer_init(&w, &out, false);
  json_open_object(&w);
  json_key(&w, "a long name that does not fit");
  json_put_int(&w, 1);
  json_close_object(&w);
  CU_ASSERT(out.failed);
  CU_ASSERT(out.len <= 10);
  buf_fini(&out);
}

void test_json_strings_escape_both_ways(void) {
  ASSERT_SPAN(span_text(rewritten("\"\\u0041\\x42\\/\\v\\F\\1\"")), "\"AB/\\u000B\\f\\u0001\"");
  ASSERT_SPAN(span_text(rewritten("\"\\ud83d\\ude00\"")), "\"\xF0\x9F\x98\x80\"");
  /* Lone halves become '?', as Java's getBytes does. */
  ASSERT_SPAN(span_text(rewritten("\"\\ud83d-\\ude00\\ud83d\\u0041\"")), "\"?-??A\"");
  ASSERT_SPAN(span_text(rewritten("\"\xC2\x80 \xC2\xA0 \xE2\x80\xA8 \xE2\x80\xAA \x7F\"")),
              "\"\\u0080 \xC2\xA0 \\u2028 \xE2\x80\xAA \\u007F\"");
  /* Broken UTF-8 goes through, also at the very end. */
  ASSERT_SPAN(span_text(rewritten("\"\xE2\x80\"")), "\"\xE2\x80\"");
  ASSERT_SPAN(span_text(rewritten("\"0123456789\\\"abcdefghijklmn\\\\\"")), "\"0123456789\\\"abcdefghijklmn\\\\\"");
}
