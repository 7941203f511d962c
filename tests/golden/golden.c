/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/golden/golden.h"

#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>

enum { ARENA_MAX = 64 << 20 };

bool golden_open(struct golden *g, const char *name) {
  *g = (struct golden){0};
  arena_init(&g->arena, ARENA_MAX);
  FILE *file = fopen(golden_path(name), "rb");
  if (file == NULL) {
    printf("    cannot open %s\n", golden_path(name));
    return false;
  }
  bool ok = fseek(file, 0, SEEK_END) == 0;
  long length = ok ? ftell(file) : -1;
  g->text = length < 0 ? NULL : malloc((size_t)length + 1);
  ok = g->text != NULL && fseek(file, 0, SEEK_SET) == 0 && fread(g->text, 1, (size_t)length, file) == (size_t)length;
  g->length = ok ? (size_t)length : 0;
  fclose(file);
  return ok;
}

void golden_close(struct golden *g) {
  free(g->text);
  arena_fini(&g->arena);
}

const struct json *golden_next(struct golden *g) {
  struct span all = span_of(g->text, g->length);
  struct json *record = NULL;
  const char *why = "";
  if (g->at >= g->length) return NULL;
  size_t end = span_find(all, '\n', g->at);
  struct span line = span_of(all.ptr + g->at, end - g->at);
  g->at = end + 1;
  g->line++;
  if (line.len == 0) return NULL;
  arena_reset(&g->arena);
  if (json_parse(line, &JSON_LIMITS_DEFAULT, &g->arena, &record, &why, NULL) != STATUS_OK) {
    printf("line %d: %s\n", g->line, why);
    exit(2);
  }
  return record;
}

struct span golden_text(const struct json *record, const char *member) {
  return json_text(json_member(record, member));
}

static unsigned nibble(uint8_t c) { return c <= '9' ? c - 0x30u : (c | 0x20u) - 'a' + 10u; }

struct span golden_hex(struct golden *g, const struct json *record, const char *member) {
  struct span text = golden_text(record, member);
  if (text.ptr == NULL) return SPAN_NONE;
  uint8_t *bytes = arena_alloc(&g->arena, text.len / 2 + 1);
  if (bytes == NULL) abort();
  for (size_t i = 0; i + 1 < text.len; i += 2)
    bytes[i / 2] = (uint8_t)(nibble(text.ptr[i]) << 4 | nibble(text.ptr[i + 1]));
  return span_of(bytes, text.len / 2);
}

bool golden_check(const struct json *record, bool ok, const char *what) {
  if (!ok) printf("    %.*s: %s\n", SPAN_ARG(golden_text(record, "name")), what);
  CU_ASSERT(ok);
  return ok;
}
