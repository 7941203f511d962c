/* SPDX-License-Identifier: Apache-2.0
 *
 * The key index and Java 4.7.0: hashes, look-ups in the files it wrote, and
 * our files byte by byte beside its own.
 */
#include "mqbroker/store/index.h"
#include "mqbroker/store/record.h"
#include "tests/unit/store/suites.h"

#include <stdio.h>
#include <stdlib.h>

#define GOLDEN_INDEX ((struct index_config){.enabled = true, .slots = 64, .entries = 256})
#define FILES_MAX 32

static size_t hex_bytes(const char *hex, uint8_t *out, size_t cap) {
  size_t n = 0;
  unsigned byte;
  for (; n < cap && sscanf(hex + 2 * n, "%2x", &byte) == 1; n++) out[n] = (uint8_t)byte;
  return n;
}

static int64_t number_after(const char *line, const char *name) {
  const char *at = strstr(line, name);
  return at == NULL ? -1 : strtoll(at + strlen(name), NULL, 10);
}

void test_index_hashes(void) {
  static char line[65536];
  static uint8_t text[16384];
  int count = 0;
  FILE *f = fopen(golden_path("hashes/hashes.jsonl"), "r");
  CU_ASSERT_FATAL(f != NULL);
  while (fgets(line, sizeof line, f) != NULL) {
    const char *hex = strstr(line, "\"utf8\":\"");
    int64_t expected = number_after(line, "\"indexKeyHashOfT#text\":");
    if (hex == NULL || expected < 0) continue;
    size_t n = hex_bytes(hex + strlen("\"utf8\":\""), text, sizeof text);
    int32_t hash = index_hash(SPAN_LITERAL("T"), span_of(text, n));
    CU_ASSERT(hash == expected && hash % 64 == number_after(line, "\"slotOf64\":"));
    count++;
  }
  fclose(f);
  CU_ASSERT(count > 50);
  /* h("T#x") is x's hash more than this: one key hashes to Integer.MIN_VALUE. */
  CU_ASSERT(java_hash(SPAN_LITERAL("polygenelubricants")) == INT32_MIN);
}

void test_index_names(void) {
  CU_ASSERT(index_name_of(0) == INT64_C(19700101000000000));
  CU_ASSERT(index_name_of(INT64_C(951782399999)) == INT64_C(20000228235959999));
  CU_ASSERT(index_name_of(INT64_C(951782400000)) == INT64_C(20000229000000000));
  CU_ASSERT(index_name_of(INT64_C(951868800000)) == INT64_C(20000301000000000));
  CU_ASSERT(index_name_of(INT64_C(1795433026346)) == INT64_C(20261123112346346));
  CU_ASSERT(index_name_of(-1) == INT64_C(19691231235959999));
  CU_ASSERT(index_name_parse(SPAN_LITERAL("20261123112346346")) == INT64_C(20261123112346346));
  CU_ASSERT(index_name_parse(SPAN_LITERAL("2026112311234634")) == -1);
  CU_ASSERT(index_name_parse(SPAN_LITERAL("2026112311234634x")) == -1);
  CU_ASSERT(index_name_parse(SPAN_LITERAL("-0261123112346346")) == -1);
}

/* ---- look-ups ---- */

/* One line of index.py: exactly these records. */
static void line_check(struct rig *r, char *line) {
  static struct query_result got;
  uint8_t key[1024];
  char *rest = NULL, *topic = strtok_r(line, " \n", &rest), *hex = strtok_r(NULL, " \n", &rest), *word;
  CU_ASSERT_FATAL(topic != NULL && hex != NULL);
  struct span k = span_of(key, hex_bytes(hex, key, sizeof key));
  store_query(r->store, span_text(topic), k, 64, 1 << 24, 0, INT64_MAX, &got);
  size_t n = 0;
  for (; (word = strtok_r(NULL, " \n", &rest)) != NULL; n++)
    CU_ASSERT(n < got.count && record_physical_offset(got.records[n].ptr) == strtoll(word, NULL, 10));
  CU_ASSERT(n > 0 && got.count == n);
}

static void lookups_check(struct rig *r, const char *expected) {
  char command[8192];
  static char line[65536];
  int count = 0;
  snprintf(command, sizeof command, "gzip -dc '%s'", golden_path(expected));
  FILE *f = popen(command, "r");
  CU_ASSERT_FATAL(f != NULL);
  for (; fgets(line, sizeof line, f) != NULL; count++) line_check(r, line);
  CU_ASSERT(pclose(f) == 0 && count > 50);
}

static void golden_check(const char *archive, const char *expected) {
  struct rig r;
  rig_init(&r, 1);
  r.config.index = GOLDEN_INDEX;
  rig_unpack(&r, archive);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  lookups_check(&r, expected);
  rig_close(&r);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  lookups_check(&r, expected);
  rig_crash(&r, SIM_KILL);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  lookups_check(&r, expected);
  rig_run(&r, 70000);
  rig_crash(&r, SIM_POWER_OFF);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  lookups_check(&r, expected);
  rig_fini(&r);
}

void test_index_golden_normal(void) { golden_check("store/store-a-normal.tar.gz", "store/store-a-normal.index.gz"); }
void test_index_golden_killed(void) { golden_check("store/store-b-killed.tar.gz", "store/store-b-unclean.index.gz"); }
void test_index_golden_lag(void) { golden_check("store/store-b-lag.tar.gz", "store/store-b-unclean.index.gz"); }
void test_index_golden_noqueue(void) { golden_check("store/store-b-noqueue.tar.gz", "store/store-b-unclean.index.gz"); }
void test_index_golden_delay(void) { golden_check("store/store-c-delay.tar.gz", "store/store-c-delay.index.gz"); }
void test_index_golden_transactions(void) { golden_check("store/store-d-tx.tar.gz", "store/store-d-tx.index.gz"); }
void test_index_golden_ipv6(void) { golden_check("store/store-h-ipv6.tar.gz", "store/store-h-ipv6.index.gz"); }

/* ---- bytes ---- */

static size_t index_files(struct rig *r, struct buf out[FILES_MAX]) {
  struct arena arena;
  struct disk_entry *entries;
  size_t count = 0;
  char path[256];
  arena_init(&arena, 1 << 20);
  CU_ASSERT_FATAL(r->disk->ops->list(r->disk, RIG_ROOT "/index", &arena, &entries, &count) == STATUS_OK);
  CU_ASSERT_FATAL(count <= FILES_MAX);
  for (size_t i = 0; i < count; i++) {
    snprintf(path, sizeof path, "%s/index/%.*s", RIG_ROOT, SPAN_ARG(entries[i].name));
    out[i] = rig_file(r, path);
    if (r->store == NULL) CU_ASSERT(r->disk->ops->remove(r->disk, path) == STATUS_OK);
  }
  arena_fini(&arena);
  return count;
}

/* Java's own index, taken away and built again from the log: the same files but for their names. */
static void bytes_check(const char *archive) {
  struct rig r;
  struct buf java[FILES_MAX], ours[FILES_MAX];
  rig_init(&r, 2);
  r.config.index = GOLDEN_INDEX;
  rig_unpack(&r, archive);
  size_t n = index_files(&r, java);
  CU_ASSERT_FATAL(r.disk->ops->remove(r.disk, RIG_ROOT "/index") == STATUS_OK);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  rig_close(&r);
  CU_ASSERT(index_files(&r, ours) == n && n > 0);
  for (size_t i = 0; i < n; i++) {
    CU_ASSERT(span_equal(buf_span(&java[i]), buf_span(&ours[i])));
    buf_fini(&java[i]);
    buf_fini(&ours[i]);
  }
  rig_fini(&r);
}

void test_index_bytes_as_java(void) {
  bytes_check("store/store-a-normal.tar.gz");
  bytes_check("store/store-c-delay.tar.gz");
  bytes_check("store/store-d-tx.tar.gz");
  bytes_check("store/store-h-ipv6.tar.gz");
}
