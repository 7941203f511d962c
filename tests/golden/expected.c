/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/golden/expected.h"

#include "core/base/bytes.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES_MAX ((size_t)16 << 20)

void expected_open(struct expected *e, const char *name) {
  char file[256], command[4400];
  struct buf text;
  struct json *root;
  snprintf(file, sizeof file, "store/%s.expected.json.gz", name);
  snprintf(command, sizeof command, "gzip -dc '%s'", golden_path(file));
  FILE *f = popen(command, "r");
  CU_ASSERT_FATAL(f != NULL);
  buf_init(&text, TEXT_BYTES_MAX);
  size_t n;
  do {
    uint8_t *p = buf_reserve(&text, 65536);
    CU_ASSERT_FATAL(p != NULL);
    n = fread(p, 1, 65536, f);
    text.len += n;
  } while (n > 0);
  CU_ASSERT_FATAL(pclose(f) == 0 && text.len > 0);
  arena_init(&e->arena, SIZE_MAX / 2);
  struct span copy = arena_copy(&e->arena, buf_span(&text));
  buf_fini(&text);
  CU_ASSERT_FATAL(json_parse(copy, &JSON_LIMITS_DEFAULT, &e->arena, &root, NULL, NULL) == STATUS_OK);
  e->root = root;
}

void expected_close(struct expected *e) { arena_fini(&e->arena); }

const struct json *expected_at(const struct json *object, const char *path) {
  char name[128];
  while (object != NULL && *path != '\0') {
    size_t n = strcspn(path, ".");
    CU_ASSERT_FATAL(n < sizeof name);
    memcpy(name, path, n);
    name[n] = '\0';
    object = json_member(object, name);
    path += n + (path[n] == '.');
  }
  return object;
}

int64_t expected_number(const struct json *object, const char *name) {
  const struct json *v = json_member(object, name);
  if (v == NULL) printf("    no \"%s\"\n", name);
  CU_ASSERT_FATAL(v != NULL && (v->kind == JSON_NUMBER || v->kind == JSON_BOOL));
  return json_i64(v, INT64_MIN);
}

static bool word_in(struct span word, const char *words) {
  for (const char *at = words; *at != '\0';) {
    size_t n = strcspn(at, " ");
    if (n == word.len && memcmp(at, word.ptr, n) == 0) return true;
    at += n + (at[n] == ' ');
  }
  return false;
}

bool expected_knows(const struct json *object, const char *known) {
  bool all = true;
  for (const struct json *m = object->children; m != NULL; m = m->next) {
    struct span name = json_text(m->key);
    if (word_in(name, known)) continue;
    printf("    nobody looks at \"%.*s\"\n", SPAN_ARG(name));
    all = false;
  }
  return all;
}

struct span expected_hex(struct expected *e, struct span bytes) {
  char *out = arena_alloc(&e->arena, 2 * bytes.len + 1);
  CU_ASSERT_FATAL(out != NULL);
  for (size_t i = 0; i < bytes.len; i++) snprintf(out + 2 * i, 3, "%02x", bytes.ptr[i]);
  return span_of(out, 2 * bytes.len);
}

/* ---- trees ---- */

static const struct json *member_of(const struct json *object, struct span key) {
  const struct json *found = NULL;
  for (const struct json *m = object->children; m != NULL; m = m->next)
    if (span_equal(json_text(m->key), key)) found = m;
  return found;
}

static bool elements_same(const struct json *want, const struct json *got) {
  const struct json *w = want->children, *g = got->children;
  for (; w != NULL && g != NULL; w = w->next, g = g->next)
    if (!expected_same(w, g)) return false;
  return w == NULL && g == NULL;
}

static bool members_same(const struct json *want, const struct json *got) {
  const bool pairs = want->kind == JSON_ARRAY;
  if (want->child_count != got->child_count) return false;
  for (const struct json *w = want->children; w != NULL; w = w->next) {
    struct span key = json_text(pairs ? json_member(w, "key") : w->key);
    const struct json *g = member_of(got, key);
    if (g == NULL || !expected_same(pairs ? json_member(w, "value") : w, g)) return false;
  }
  return true;
}

bool expected_same(const struct json *want, const struct json *got) {
  if (want == NULL || got == NULL) return want == got;
  if (got->kind == JSON_OBJECT && (want->kind == JSON_OBJECT || want->kind == JSON_ARRAY))
    return members_same(want, got);
  if (want->kind != got->kind) return false;
  if (want->kind == JSON_ARRAY) return elements_same(want, got);
  if (want->kind == JSON_BOOL) return want->boolean == got->boolean;
  return want->kind == JSON_NULL || span_equal(want->text, got->text);
}

/* ---- FIPS 180-4 ---- */

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turn(uint32_t v, int n) { return v >> n | v << (32 - n); }

static void sha256_block(uint32_t h[8], const uint8_t *p) {
  uint32_t w[64], v[8];
  for (int i = 0; i < 16; i++) w[i] = get_u32(p + 4 * i);
  for (int i = 16; i < 64; i++) {
    uint32_t a = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t b = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + a + w[i - 7] + b;
  }
  memcpy(v, h, sizeof v);
  for (int i = 0; i < 64; i++) {
    uint32_t s1 = turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25), ch = (v[4] & v[5]) ^ (~v[4] & v[6]);
    uint32_t s0 = turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22), maj = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    uint32_t t1 = v[7] + s1 + ch + K[i] + w[i], t2 = s0 + maj;
    memmove(v + 1, v, 7 * sizeof v[0]);
    v[4] += t1;
    v[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) h[i] += v[i];
}

void sha256_text(struct span bytes, char out[SHA256_TEXT + 1]) {
  uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint8_t last[128] = {0};
  size_t whole = bytes.len / 64 * 64, rest = bytes.len - whole, end = rest + 9 <= 64 ? 64 : 128;
  for (size_t at = 0; at < whole; at += 64) sha256_block(h, bytes.ptr + at);
  if (rest > 0) memcpy(last, bytes.ptr + whole, rest);
  last[rest] = 0x80;
  put_u64(last + end - 8, (uint64_t)bytes.len * 8);
  for (size_t at = 0; at < end; at += 64) sha256_block(h, last + at);
  for (int i = 0; i < 8; i++) snprintf(out + 8 * i, 9, "%08x", h[i]);
}
