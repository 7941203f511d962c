/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames: split, decode, every header table, and back: what was decoded encodes to a frame that decodes to the same.
 */
#include "core/wire/headers.h"
#include "tests/fuzz/fuzz.h"

enum { ARENA_MAX = 8 << 20, BUF_MAX = 8 << 20, STRUCT_MAX = 512 };

static const struct command_limits limits = {.frame = 1 << 20, .header = 1 << 16, .ext = 64, .depth = 16};

static void check_same(const struct command *a, const struct command *b) {
  size_t nulls = 0;
  MUST(a->flag == b->flag && a->opaque == b->opaque && span_equal(a->body, b->body));
  if (a->serialize == SERIALIZE_JSON) {
    MUST(a->code == b->code && a->version == b->version && span_equal(a->remark, b->remark));
    MUST(a->language == b->language || a->language == LANGUAGE_NONE);
  }
  for (size_t i = 0; i < a->ext_count; i++) {
    nulls += a->ext[i].value.ptr == NULL;
    if (a->ext[i].value.ptr == NULL) continue;
    bool found = false;
    for (size_t k = 0; k < b->ext_count && !found; k++)
      found = span_equal(a->ext[i].key, b->ext[k].key) && span_equal(a->ext[i].value, b->ext[k].value);
    MUST(found);
  }
  MUST(b->ext_count == a->ext_count - nulls);
}

/* Limits are wider on the way back: escapes lengthen. */
static void check_round_trip(const struct command *c, struct arena *arena) {
  static const struct command_limits wide = {.frame = 16 << 20, .header = 8 << 20, .ext = 64, .depth = 16};
  struct buf out;
  struct span frame;
  struct command again;
  size_t used = 0;
  const char *why = NULL;
  buf_init(&out, BUF_MAX);
  size_t n = command_encode(&out, c, NULL, NULL, false, 0);
  if (n > 0) {
    MUST(frame_split(buf_span(&out), &wide, &frame, &used, &why) == STATUS_OK && used == n);
    MUST(command_decode(&again, frame, &wide, arena, &why) == STATUS_OK);
    check_same(c, &again);
  }
  buf_fini(&out);
}

static void check_frame(struct span frame, struct arena *arena) {
  struct command c;
  const char *why = NULL;
  arena_reset(arena);
  enum status status = command_decode(&c, frame, &limits, arena, &why);
  MUST(status == STATUS_OK || (why != NULL && why[0] != '\0'));
  for (size_t i = 0; status == STATUS_OK && all_headers[i] != NULL; i++) {
    _Alignas(16) uint8_t fields[STRUCT_MAX];
    const char *missing = NULL;
    enum status decoded = header_decode(all_headers[i], &c, i % 2 == 0, fields, &missing);
    MUST(decoded == STATUS_OK || missing != NULL);
  }
  if (status == STATUS_OK) check_round_trip(&c, arena);
}

/* A comment in front sends a JSON header to the lenient reader: where the direct one was content, both agree. */
static void check_both_readers(struct span header, struct arena *arena) {
  static const char comment[] = "/**/";
  enum { COMMENT = sizeof comment - 1 };
  struct command a, b;
  const char *why = NULL;
  uint8_t *frame = malloc(header.len + 4);
  MUST(frame != NULL);
  arena_reset(arena);
  put_u32(frame, (uint32_t)header.len);
  if (header.len > 0) memcpy(frame + 4, header.ptr, header.len);
  enum status direct = command_decode(&a, span_of(frame, header.len + 4), &limits, arena, &why);
  uint8_t *other = malloc(header.len + 4 + COMMENT);
  MUST(other != NULL);
  put_u32(other, (uint32_t)header.len + COMMENT);
  memcpy(other + 4, comment, COMMENT);
  if (header.len > 0) memcpy(other + 4 + COMMENT, header.ptr, header.len);
  enum status lenient = command_decode(&b, span_of(other, header.len + 4 + COMMENT), &limits, arena, &why);
  MUST(direct == lenient);
  if (direct == STATUS_OK) {
    MUST(a.has_opaque == b.has_opaque && a.language == b.language && (a.remark.ptr == NULL) == (b.remark.ptr == NULL));
    MUST(a.ext_count == b.ext_count);
    for (size_t i = 0; i < a.ext_count; i++)
      MUST(span_equal(a.ext[i].key, b.ext[i].key) && span_equal(a.ext[i].value, b.ext[i].value));
    MUST(a.code == b.code && a.version == b.version && a.flag == b.flag && a.opaque == b.opaque);
  }
  free(frame);
  free(other);
}

/* All of the header, whatever its length word says: changes that move the end would else seldom get through. */
static void check_header_bytes(struct span header, struct arena *arena) {
  uint8_t *frame = malloc(header.len + 4);
  MUST(frame != NULL);
  for (uint32_t form = 0; form < 2; form++) {
    put_u32(frame, form << 24 | (uint32_t)header.len);
    if (header.len > 0) memcpy(frame + 4, header.ptr, header.len);
    check_frame(span_of(frame, header.len + 4), arena);
  }
  check_both_readers(header, arena);
  free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  enum { WORDS = 8 };
  struct arena arena;
  struct span rest = span_of(data, size), frame;
  size_t used = 0;
  const char *why = NULL;
  arena_init(&arena, ARENA_MAX);
  while (frame_split(rest, &limits, &frame, &used, &why) == STATUS_OK) {
    check_frame(frame, &arena);
    rest = span_from(rest, used);
  }
  if (size >= WORDS && size <= limits.header - WORDS) check_header_bytes(span_of(data + WORDS, size - WORDS), &arena);
  arena_fini(&arena);
  return 0;
}
