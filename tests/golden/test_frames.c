/* SPDX-License-Identifier: Apache-2.0
 *
 * Remoting frames made by Java: decoded to the same values, encoded to the same bytes.
 */
#include "core/wire/headers.h"
#include "tests/golden/golden.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>

enum { BUF_MAX = 4 << 20, HEADER_SIZE_MAX = 512, CLASSES = 77, FRAMES_MIN = 390, LENIENT_MIN = 30 };

static const struct command_limits limits = COMMAND_LIMITS_DEFAULT;

static const struct json *raw_member(const struct json *object, const char *name) {
  for (const struct json *m = object->children; m != NULL; m = m->next)
    if (span_is(m->key->text, name)) return m;
  return NULL;
}

static enum status decode(struct span bytes, struct command *c, struct arena *arena, const char **why) {
  struct span frame;
  size_t used = 0;
  enum status status = frame_split(bytes, &limits, &frame, &used, why);
  if (status != STATUS_OK) return status;
  CU_ASSERT_EQUAL(used, bytes.len);
  return command_decode(c, frame, &limits, arena, why);
}

static bool same_text(const struct json *want, struct span got) {
  return want == NULL || want->kind == JSON_NULL ? got.ptr == NULL : span_equal(json_text(want), got);
}

static bool same_ext(const struct json *want, const struct command *c) {
  size_t n = want == NULL ? 0 : want->child_count;
  if (c->ext_count != n) return false;
  for (const struct json *m = n == 0 ? NULL : want->children; m != NULL; m = m->next) {
    bool found = false;
    for (size_t i = 0; i < n && !found; i++)
      found = span_equal(c->ext[i].key, m->key->text) && same_text(m, c->ext[i].value);
    if (!found) return false;
  }
  return true;
}

static void check_decoded(struct golden *g, const struct json *record, const struct json *want,
                          const struct command *c) {
  golden_check(record, c->code == json_i32(json_member(want, "code"), -99), "code");
  golden_check(record, c->version == json_i32(json_member(want, "version"), -99), "version");
  golden_check(record, c->flag == json_i32(json_member(want, "flag"), -99), "flag");
  const struct json *opaque = json_member(want, "opaque"), *language = json_member(want, "language");
  bool fresh = opaque->kind == JSON_STRING; /* "a fresh local number" */
  golden_check(record, c->has_opaque == !fresh, "has_opaque");
  golden_check(record, fresh || c->opaque == json_i32(opaque, -99), "opaque");
  golden_check(record,
               language == NULL ? c->language == LANGUAGE_NONE
                                : span_is(json_text(language), language_name(c->language)),
               "language");
  golden_check(record, same_text(raw_member(want, "remark"), c->remark), "remark");
  golden_check(record, same_ext(json_member(want, "extFields"), c), "extFields");
  struct span body = golden_hex(g, want, "body");
  golden_check(record, (body.ptr == NULL) == (c->body.ptr == NULL) && span_equal(body, c->body), "body");
}

static void test_frames_decode_as_java_does(void) {
  struct golden g;
  struct command c;
  const char *why = "";
  int count = 0;
  CU_ASSERT_FATAL(golden_open(&g, "frames/frames.jsonl"));
  for (const struct json *r; (r = golden_next(&g)) != NULL;) {
    struct span bytes = golden_hex(&g, r, "hex");
    if (bytes.ptr == NULL) continue;
    count++;
    if (golden_check(r, decode(bytes, &c, &g.arena, &why) == STATUS_OK, why))
      check_decoded(&g, r, json_member(r, "decoded"), &c);
  }
  CU_ASSERT(count > FRAMES_MIN);
  golden_close(&g);
}

/* Java writes "extFields":{} for a header class without a set field, we leave it out: the bytes Java would have
 * written without it. */
static struct span without_empty_ext(struct span bytes, struct arena *arena) {
  static const char empty[] = "\"extFields\":{},";
  size_t before = 0, gone = sizeof empty - 1;
  while (before + gone < bytes.len && memcmp(bytes.ptr + before, empty, gone) != 0) before++;
  if (before + gone >= bytes.len || bytes.ptr[4] != SERIALIZE_JSON) return bytes;
  const uint8_t *at = bytes.ptr + before;
  uint8_t *copy = arena_alloc(arena, bytes.len);
  if (copy == NULL) abort();
  memcpy(copy, bytes.ptr, before);
  memcpy(copy + before, at + gone, bytes.len - before - gone);
  put_u32(copy, get_u32(bytes.ptr) - (uint32_t)gone);
  put_u32(copy + 4, get_u32(bytes.ptr + 4) - (uint32_t)gone);
  return span_of(copy, bytes.len - gone);
}

static void test_frames_encode_to_the_same_bytes(void) {
  struct golden g;
  struct command c;
  struct buf out;
  const char *why = "";
  CU_ASSERT_FATAL(golden_open(&g, "frames/frames.jsonl"));
  buf_init(&out, BUF_MAX);
  for (const struct json *r; (r = golden_next(&g)) != NULL;) {
    struct span bytes = golden_hex(&g, r, "hex");
    if (bytes.ptr == NULL || decode(bytes, &c, &g.arena, &why) != STATUS_OK) continue;
    buf_clear(&out);
    size_t n = command_encode(&out, &c, NULL, NULL, false, 0);
    struct span want = without_empty_ext(bytes, &g.arena);
    if (!golden_check(r, n == out.len && span_equal(buf_span(&out), want), "encoded bytes differ"))
      printf("      %.*s\n", (int)out.len, (const char *)out.ptr);
  }
  buf_fini(&out);
  golden_close(&g);
}

/* SendMessageRequestHeaderV2 is SendMessageRequestHeader by letters. */
static const struct header *find_header(struct span java_class, bool *by_short_name) {
  *by_short_name = span_is(java_class, "SendMessageRequestHeaderV2");
  if (*by_short_name) return &send_message_request_header;
  for (size_t i = 0; all_headers[i] != NULL; i++)
    if (span_is(java_class, all_headers[i]->java_class)) return all_headers[i];
  return NULL;
}

static bool same_field(const struct header *h, const void *fields, bool by_short_name, const struct json *want) {
  for (size_t i = 0; i < h->field_count; i++) {
    const struct field *f = &h->fields[i];
    if (!span_is(want->key->text, by_short_name ? f->short_name : f->name)) continue;
    bool present = (*(const uint64_t *)fields >> i & 1) != 0;
    const void *place = (const uint8_t *)fields + f->offset;
    if (want->kind == JSON_NULL) return !present;
    if (!present) return false;
    switch (f->type) {
    case FIELD_TEXT:
      return span_equal(*(const struct span *)place, json_text(want));
    case FIELD_I32:
      return want->kind == JSON_NUMBER && *(const int32_t *)place == json_i64(want, 0);
    case FIELD_I64:
      return want->kind == JSON_NUMBER && *(const int64_t *)place == json_i64(want, 0);
    case FIELD_BOOL:
      return want->kind == JSON_BOOL && *(const bool *)place == want->boolean;
    }
  }
  return want->kind == JSON_NULL; /* a member that never travels */
}

static void check_header(struct golden *g, const struct json *r, const struct json *want, const struct header *h,
                         bool by_short_name) {
  _Alignas(16) uint8_t fields[HEADER_SIZE_MAX];
  struct command c, again, bare;
  const char *why = "", *missing = NULL;
  struct buf out;
  CU_ASSERT_FATAL(h->size <= sizeof fields);
  if (!golden_check(r, decode(golden_hex(g, r, "hex"), &c, &g->arena, &why) == STATUS_OK, why)) return;
  golden_check(r, header_decode(h, &c, by_short_name, fields, &missing) == STATUS_OK, "header_decode");
  size_t set = 0;
  for (const struct json *m = want->children; m != NULL; m = m->next) {
    golden_check(r, same_field(h, fields, by_short_name, m), "header field");
    set += m->kind != JSON_NULL;
  }
  buf_init(&out, BUF_MAX);
  bare = c;
  bare.ext_count = 0;
  size_t n = command_encode(&out, &bare, h, fields, by_short_name, 0);
  golden_check(r, n > 0 && decode(buf_span(&out), &again, &g->arena, &why) == STATUS_OK, "header encodes");
  golden_check(r, again.ext_count == set, "number of fields written");
  for (size_t i = 0; i < again.ext_count; i++) {
    const struct json *ext = json_member(json_member(r, "decoded"), "extFields")->children;
    for (; ext != NULL; ext = ext->next)
      if (span_equal(ext->key->text, again.ext[i].key)) break;
    golden_check(r, ext != NULL && span_equal(json_text(ext), again.ext[i].value), "field written as Java does");
  }
  buf_fini(&out);
}

static void test_every_header_class_by_its_table(void) {
  struct golden g;
  struct span seen[CLASSES + 1];
  char names[CLASSES + 1][64];
  size_t count = 0;
  CU_ASSERT_FATAL(golden_open(&g, "frames/frames.jsonl"));
  for (const struct json *r; (r = golden_next(&g)) != NULL;) {
    struct span java_class = golden_text(r, "headerClass");
    const struct json *want = json_member(r, "headerFields");
    if (java_class.ptr == NULL || want == NULL) continue;
    bool by_short_name, known = false;
    const struct header *h = find_header(java_class, &by_short_name);
    if (!golden_check(r, h != NULL, "header class unknown")) continue;
    check_header(&g, r, want, h, by_short_name);
    for (size_t i = 0; i < count; i++) known |= span_equal(seen[i], java_class);
    if (known || count > CLASSES) continue;
    CU_ASSERT(span_copy_text(java_class, names[count], sizeof names[count]));
    seen[count] = span_text(names[count]);
    count++;
  }
  CU_ASSERT_EQUAL(count, CLASSES);
  golden_close(&g);
}

static void test_big_frames_by_rule(void) {
  struct golden g;
  struct buf out;
  int count = 0;
  CU_ASSERT_FATAL(golden_open(&g, "frames/frames.jsonl"));
  buf_init(&out, BUF_MAX);
  for (const struct json *r; (r = golden_next(&g)) != NULL;) {
    if (json_member(r, "bodyRule") == NULL) continue;
    count++;
    const struct json *want = json_member(r, "decoded");
    size_t length = (size_t)json_i64(json_member(want, "bodyLength"), 0);
    uint8_t *body = arena_alloc(&g.arena, length);
    CU_ASSERT_FATAL(body != NULL);
    for (size_t i = 0; i < length; i++) body[i] = (uint8_t)(i * 31 + 7);
    struct command c = {.code = json_i32(json_member(want, "code"), 0),
                        .version = json_i32(json_member(want, "version"), 0),
                        .opaque = json_i32(json_member(want, "opaque"), 0),
                        .serialize = span_is(golden_text(r, "serialize"), "JSON") ? SERIALIZE_JSON : SERIALIZE_ROCKETMQ,
                        .body = span_of(body, length)};
    buf_clear(&out);
    command_encode(&out, &c, NULL, NULL, false, 0);
    struct span head = golden_hex(&g, r, "hexHead");
    golden_check(r, out.len == (size_t)json_i64(json_member(r, "length"), 0), "length");
    golden_check(r, out.len > head.len && memcmp(out.ptr, head.ptr, head.len) == 0, "head");
    /* A gathered reply announces the body and leaves it to the caller. */
    struct span whole = arena_copy(&g.arena, buf_span(&out));
    buf_clear(&out);
    c.body = SPAN_NONE;
    size_t n = command_encode(&out, &c, NULL, NULL, false, length);
    golden_check(r, n == whole.len - length && memcmp(out.ptr, whole.ptr, n) == 0, "body_extra");
  }
  CU_ASSERT_EQUAL(count, 2);
  buf_fini(&out);
  golden_close(&g);
}

static void test_lenient_headers_as_java(void) {
  struct golden g;
  struct command c;
  int count = 0;
  CU_ASSERT_FATAL(golden_open(&g, "frames/lenient.jsonl"));
  for (const struct json *r; (r = golden_next(&g)) != NULL;) {
    const char *why = NULL;
    if (!span_is(golden_text(r, "kind"), "frame")) continue;
    count++;
    const struct json *want = json_member(r, "decoded");
    enum status status = decode(golden_hex(&g, r, "hex"), &c, &g.arena, &why);
    if (want == NULL) {
      golden_check(r, status == STATUS_INVALID && why != NULL && why[0] != '\0', "must be refused with a reason");
    } else if (golden_check(r, status == STATUS_OK, why != NULL ? why : "status")) {
      check_decoded(&g, r, want, &c);
    }
  }
  CU_ASSERT(count > LENIENT_MIN);
  golden_close(&g);
}

/* Every prefix of a frame asks for more and touches nothing behind it (the copy has its exact size). */
static void test_prefixes_ask_for_more(void) {
  struct golden g;
  CU_ASSERT_FATAL(golden_open(&g, "frames/frames.jsonl"));
  const struct json *r = golden_next(&g);
  struct span bytes = golden_hex(&g, r, "hex"), frame;
  for (size_t n = 0; n < bytes.len; n++) {
    const char *why = "";
    size_t used = 0;
    uint8_t *exact = malloc(n == 0 ? 1 : n);
    CU_ASSERT_FATAL(exact != NULL);
    memcpy(exact, bytes.ptr, n);
    CU_ASSERT_EQUAL(frame_split(span_of(exact, n), &limits, &frame, &used, &why), STATUS_AGAIN);
    free(exact);
  }
  golden_close(&g);
}

int main(int argc, char **argv) {
  static const struct test tests[] = {
      {"frames_decode_as_java_does", test_frames_decode_as_java_does},
      {"frames_encode_to_the_same_bytes", test_frames_encode_to_the_same_bytes},
      {"every_header_class_by_its_table", test_every_header_class_by_its_table},
      {"big_frames_by_rule", test_big_frames_by_rule},
      {"lenient_headers_as_java", test_lenient_headers_as_java},
      {"prefixes_ask_for_more", test_prefixes_ask_for_more},
      {NULL, NULL},
  };
  return run_tests("golden/frames", tests, argc, argv);
}
