/* SPDX-License-Identifier: Apache-2.0
 *
 * Stores written by Java 4.7.0: what the commands show is what Java finds, and
 * verify finds nothing wrong with them.
 */
#include "tests/unit/mqstore/rig.h"
#include "tests/unit/mqstore/suites.h"

#include <inttypes.h>
#include <stdlib.h>

static FILE *golden_lines(const char *name) {
  char command[4096];
  snprintf(command, sizeof command, "gzip -dc '%s'", golden_path(name));
  FILE *f = popen(command, "r");
  CU_ASSERT_FATAL(f != NULL);
  return f;
}

static int64_t number(const struct json *object, const char *name) {
  return json_i64(json_member(object, name), INT64_MIN);
}

/* The CRC that stands in a record is the one of the body shown. */
static void body_check(const struct json *m) {
  struct span hex = json_text(json_member(m, "body"));
  CU_ASSERT_FATAL(hex.ptr != NULL && hex.len == 2 * (size_t)number(m, "bodyLength"));
  uint8_t *body = malloc(hex.len / 2 + 1);
  for (size_t i = 0; i < hex.len / 2; i++) {
    char pair[3] = {(char)hex.ptr[2 * i], (char)hex.ptr[2 * i + 1], '\0'};
    body[i] = (uint8_t)strtol(pair, NULL, 16);
  }
  CU_ASSERT(body_crc32(span_of(body, hex.len / 2)) == number(m, "bodyCRC") || hex.len == 0);
  free(body);
}

static void record_check(const struct json *m, const char *line) {
  char topic[256];
  int64_t offset, size, queue_id, queue_offset, store_ms;
  CU_ASSERT_FATAL(m != NULL);
  CU_ASSERT_FATAL(sscanf(line, "r %" SCNd64 " %" SCNd64 " %*s %" SCNd64 " %" SCNd64 " %" SCNd64 " %255s", &offset,
                         &size, &queue_id, &queue_offset, &store_ms, topic) == 6);
  CU_ASSERT(number(m, "commitLogOffset") == offset);
  CU_ASSERT(number(m, "storeSize") == size);
  CU_ASSERT(number(m, "queueId") == queue_id);
  CU_ASSERT(number(m, "queueOffset") == queue_offset);
  CU_ASSERT(number(m, "storeTimestamp") == store_ms);
  CU_ASSERT(span_is(json_text(json_member(m, "topic")), topic));
  body_check(m);
}

static void unit_check(const struct json *u, const char *line) {
  int64_t index, offset, size, tags_code;
  CU_ASSERT_FATAL(u != NULL);
  CU_ASSERT_FATAL(sscanf(line, "u %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64, &index, &offset, &size, &tags_code) ==
                  4);
  CU_ASSERT(number(u, "queueOffset") == index);
  CU_ASSERT(number(u, "commitLogOffset") == offset);
  CU_ASSERT(number(u, "size") == size);
  CU_ASSERT(number(u, "tagsCode") == tags_code);
  CU_ASSERT(number(json_member(u, "record"), "commitLogOffset") == offset);
}

static void queue_check(struct rig *r, const char *line) {
  char topic[256], id[16];
  int64_t min, max;
  CU_ASSERT_FATAL(sscanf(line, "q %" SCNd64 " %" SCNd64 " %*s %15s %255s", &min, &max, id, topic) == 4);
  CU_ASSERT_FATAL(rig_run(r, "queue", "@", topic, id, "--json", NULL) == EXIT_FINE);
  const struct json *head = rig_json(r, 0);
  CU_ASSERT(number(head, "minOffset") == min);
  CU_ASSERT(number(head, "maxOffset") == max);
}

/* Records, and with `queues` the queues and their units. */
static void expectations_check(struct rig *r, const char *name, bool queues) {
  char line[512];
  size_t record = 0, unit = 0, queue_count = 0;
  FILE *f = golden_lines(name);
  CU_ASSERT(rig_run(r, "messages", "@", "--json", "--body", NULL) == EXIT_FINE);
  while (fgets(line, sizeof line, f) != NULL) {
    if (line[0] == 'r') {
      record_check(rig_json(r, record++), line);
    } else if (line[0] == 'q' && queue_count++ == 0) {
      CU_ASSERT(rig_json(r, record) == NULL); /* and no more records */
    }
    if (line[0] == 'q' && queues) {
      if (unit > 0) CU_ASSERT(rig_json(r, unit) == NULL);
      queue_check(r, line);
      unit = 1;
    } else if (line[0] == 'u' && queues) {
      unit_check(rig_json(r, unit++), line);
    }
  }
  CU_ASSERT(pclose(f) == 0);
  CU_ASSERT(record > 0);
  CU_ASSERT_FATAL(rig_run(r, "info", "@", "--json", NULL) == EXIT_FINE);
  const struct json *info = rig_json(r, 0);
  CU_ASSERT(number(json_member(info, "commitLog"), "records") == (int64_t)record);
  if (queues) CU_ASSERT(json_member(info, "queues")->child_count == queue_count);
}

/* The offsets in the answer to a look-up are exactly those of the list "1,2,3". */
static void lookup_check(struct rig *r, const char *offsets, char *topic, char *key) {
  size_t found = 0;
  CU_ASSERT_FATAL(rig_run(r, "index", "@", topic, key, "--json", NULL) == EXIT_FINE);
  const struct json *line;
  for (size_t i = 0; (line = rig_json(r, i)) != NULL; i++) {
    if (json_member(line, "readable") == NULL) continue; /* the record itself */
    bool listed = false;
    for (const char *p = offsets; p != NULL && !listed; p = strchr(p, ',') == NULL ? NULL : strchr(p, ',') + 1)
      listed = strtoll(p, NULL, 10) == number(line, "commitLogOffset");
    CU_ASSERT(listed);
    found++;
  }
  size_t want = 1;
  for (const char *p = offsets; *p != '\0'; p++) want += *p == ',';
  CU_ASSERT(found == want);
}

static void lookups_check(struct rig *r, const char *name) {
  char line[1024], offsets[512], topic[256], key[256];
  FILE *f = golden_lines(name);
  size_t count = 0;
  while (fgets(line, sizeof line, f) != NULL) {
    CU_ASSERT_FATAL(sscanf(line, "i %511s %255s %255s", offsets, topic, key) == 3);
    if (count++ % 4 == 0) lookup_check(r, offsets, topic, key); /* each opens the store: some are enough */
  }
  CU_ASSERT(pclose(f) == 0);
  CU_ASSERT(count > 0);
  CU_ASSERT(rig_run(r, "index", "@", topic, "no such key at all", NULL) == EXIT_PROBLEMS);
}

static void sound_check(struct rig *r) {
  CU_ASSERT(rig_run(r, "verify", "@", NULL) == EXIT_FINE);
  CU_ASSERT_FATAL(r->out_len >= 3);
  CU_ASSERT_STRING_EQUAL(r->out + r->out_len - 3, "OK\n");
}

static void golden_check(const char *name) {
  struct rig r;
  char file[256];
  snprintf(file, sizeof file, "store/%s.tar.gz", name);
  rig_init(&r, file, "store");
  sound_check(&r);
  CU_ASSERT(!rig_said(&r, "note"));
  snprintf(file, sizeof file, "store/%s.expected.gz", name);
  expectations_check(&r, file, true);
  snprintf(file, sizeof file, "store/%s.lookups.gz", name);
  lookups_check(&r, file);
  rig_fini(&r);
}

void test_golden_normal(void) { golden_check("store-a-normal"); }
void test_golden_delay(void) { golden_check("store-c-delay"); }
void test_golden_transactions(void) { golden_check("store-d-tx"); }
void test_golden_ipv6(void) { golden_check("store-h-ipv6"); }
void test_golden_ext(void) { golden_check("store-g-ext"); }

/* What recovery will add is no damage; rebuilt, everything is there. */
static void unclean_check(const char *archive) {
  struct rig r;
  rig_init(&r, archive, "store");
  sound_check(&r);
  CU_ASSERT(rig_said(&r, "not stopped cleanly"));
  CU_ASSERT(rig_said(&r, "recovery adds them"));
  expectations_check(&r, "store/store-b-unclean.expected.gz", false);
  CU_ASSERT(rig_run(&r, "rebuild", "@", "--yes", "--queue-file", "1280", "--index-slots", "64", "--index-entries",
                    "256", NULL) == EXIT_FINE);
  sound_check(&r);
  CU_ASSERT(!rig_said(&r, "recovery adds them"));
  expectations_check(&r, "store/store-b-unclean.expected.gz", true);
  lookups_check(&r, "store/store-b-unclean.lookups.gz");
  rig_fini(&r);
}

void test_golden_killed(void) { unclean_check("store/store-b-killed.tar.gz"); }
void test_golden_lag(void) { unclean_check("store/store-b-lag.tar.gz"); }
void test_golden_noqueue(void) { unclean_check("store/store-b-noqueue.tar.gz"); }

static void ledger_check(const char *archive, const char *node, int64_t entries, int64_t end, int64_t term,
                         bool messages) {
  struct rig r;
  rig_init(&r, archive, node);
  sound_check(&r);
  CU_ASSERT_FATAL(rig_run(&r, "info", "@", "--json", NULL) == EXIT_FINE);
  const struct json *log = json_member(rig_json(&r, 0), "ledger"), *own = json_member(rig_json(&r, 0), "dledger");
  CU_ASSERT(number(log, "entries") == entries && number(log, "maxOffset") == end);
  CU_ASSERT(number(log, "lastIndex") == entries - 1 && number(log, "lastTerm") == term);
  CU_ASSERT(number(own, "committedIndex") == entries - 1 && number(own, "currTerm") == term);
  CU_ASSERT(number(log, "records") == (messages ? entries : 0));
  CU_ASSERT(rig_run(&r, "messages", "@", "--json", NULL) == EXIT_FINE);
  for (int64_t i = 0; i < entries; i++) {
    const struct json *m = rig_json(&r, (size_t)i);
    CU_ASSERT(number(m, "index") == i);
    if (messages) CU_ASSERT(number(m, "commitLogOffset") == number(m, "pos") + ENTRY_HEADER);
  }
  CU_ASSERT(rig_json(&r, (size_t)entries) == NULL);
  rig_fini(&r);
}

void test_golden_dledger(void) {
  struct rig r;
  ledger_check("store/store-e-dledger.tar.gz", "n0", 80, 101443, 0, true);
  ledger_check("store/store-e-dledger.tar.gz", "n1", 120, 154764, 0, true);
  rig_init(&r, "store/store-e-dledger.tar.gz", "n0");
  char other[300];
  snprintf(other, sizeof other, "%s/n2", r.top);
  CU_ASSERT(rig_run(&r, "compare", "@", other, NULL) == EXIT_FINE);
  CU_ASSERT(rig_said(&r, "EQUAL from 0 to 101443"));
  rig_fini(&r);
}

void test_golden_dledger_bare(void) {
  ledger_check("store/store-e-dledger-bare.tar.gz", "n0", 15, 3697, 2, false);
  ledger_check("store/store-e-dledger-bare.tar.gz", "n1", 18, 4689, 2, false);
}
