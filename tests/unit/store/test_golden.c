/* SPDX-License-Identifier: Apache-2.0
 *
 * Store directories written by Java 4.7.0, left cleanly or by SIGKILL: opened
 * here they hold exactly the records, units and limits Java itself finds.
 */
#include "tests/golden/unpack.h"
#include "tests/unit/store/suites.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

void rig_unpack(struct rig *r, const char *archive) { golden_unpack(r->disk, archive, RIG_ROOT); }

struct queue_seen {
  int64_t units;
  int queues;
};

static void count_queue(void *context, struct span topic, int32_t queue_id, int64_t min, int64_t max) {
  struct queue_seen *seen = context;
  (void)topic, (void)queue_id;
  seen->queues++;
  seen->units += max - min;
}

static void record_check(struct rig *r, const char *line, int64_t *expected_offset) {
  int64_t offset, size, queue_offset, store_ms;
  unsigned crc;
  int32_t queue_id;
  char topic[256];
  struct span record;
  CU_ASSERT_FATAL(sscanf(line, "r %" SCNd64 " %" SCNd64 " %x %" SCNd32 " %" SCNd64 " %" SCNd64 " %255s", &offset, &size,
                         &crc, &queue_id, &queue_offset, &store_ms, topic) == 7);
  CU_ASSERT(store_message_at(r->store, offset + 1, &record) == STATUS_NOT_FOUND);
  CU_ASSERT_FATAL(store_message_at(r->store, offset, &record) == STATUS_OK);
  CU_ASSERT(record.len == (size_t)size && crc32(0, record.ptr, (uInt)record.len) == crc);
  CU_ASSERT(offset >= *expected_offset);
  *expected_offset = offset + size;
}

/* The unit is what store_get finds for this very offset: the record, and the tags code the filter sees. */
static bool keep_tags(void *context, const struct queued *unit) {
  *(int64_t *)context = unit->tags_code;
  return true;
}

static void unit_check(struct rig *r, const char *line, const char *topic, int32_t queue_id) {
  int64_t index, offset, size, tags_code, seen = 0;
  static struct get_result got;
  struct span record;
  CU_ASSERT_FATAL(sscanf(line, "u %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64, &index, &offset, &size,
                         &tags_code) == 4);
  enum get_status status =
      store_get(r->store, span_text(topic), queue_id, index, 1, 1, keep_tags, &seen, &got);
  CU_ASSERT_FATAL(status == GET_FOUND && got.message_count == 1);
  CU_ASSERT(seen == tags_code);
  CU_ASSERT_FATAL(store_message_at(r->store, offset, &record) == STATUS_OK);
  CU_ASSERT(got.parts[0].ptr == record.ptr && got.parts[0].len == (size_t)size && record.len == (size_t)size);
}

static void queue_check(struct rig *r, const char *line, char topic[256], int32_t *queue_id) {
  int64_t min, max, physical;
  CU_ASSERT_FATAL(sscanf(line, "q %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd32 " %255s", &min, &max, &physical,
                         queue_id, topic) == 5);
  CU_ASSERT(store_queue_min(r->store, span_text(topic), *queue_id) == min);
  CU_ASSERT(store_queue_max(r->store, span_text(topic), *queue_id) == max);
}

static void expectations_check(struct rig *r, const char *expected) {
  char command[8192], line[512], topic[256] = "";
  int32_t queue_id = 0;
  int64_t min, max, end = 0, records = 0;
  struct queue_seen want = {0}, seen = {0};
  snprintf(command, sizeof command, "gzip -dc '%s'", golden_path(expected));
  FILE *f = popen(command, "r");
  CU_ASSERT_FATAL(f != NULL);
  while (fgets(line, sizeof line, f) != NULL) {
    if (line[0] == 'l') {
      CU_ASSERT_FATAL(sscanf(line, "log %" SCNd64 " %" SCNd64, &min, &max) == 2);
      CU_ASSERT(store_log_min(r->store) == min && store_log_max(r->store) == max);
    } else if (line[0] == 'r') {
      record_check(r, line, &end);
      records++;
    } else if (line[0] == 'q') {
      queue_check(r, line, topic, &queue_id);
      want.queues++;
    } else {
      unit_check(r, line, topic, queue_id);
      want.units++;
    }
  }
  CU_ASSERT(pclose(f) == 0);
  CU_ASSERT(records > 0 && end == max);
  store_queues(r->store, count_queue, &seen);
  CU_ASSERT(seen.queues == want.queues && seen.units == want.units);
}

/* Opened, checked, closed by us, checked again, killed, checked again, and after more messages in every queue. */
static void golden_check(const char *archive, const char *expected) {
  struct rig r;
  rig_init(&r, 3);
  r.config.message_size_max = 65536 - 8;
  rig_unpack(&r, archive);
  CU_ASSERT(rig_open(&r) == STATUS_OK);
  if (r.store == NULL) printf("    %s: %.*s\n", archive, SPAN_ARG(buf_span(&r.why)));
  CU_ASSERT_FATAL(r.store != NULL);
  expectations_check(&r, expected);
  rig_close(&r);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  expectations_check(&r, expected);
  rig_crash(&r, SIM_KILL);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  expectations_check(&r, expected);
  rig_crash(&r, SIM_POWER_OFF);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  expectations_check(&r, expected);
  rig_send(&r, "New", 0, "after all that");
  CU_ASSERT_STRING_EQUAL(rig_body(&r, "New", 0, 0), "after all that");
  rig_fini(&r);
}

void test_golden_normal(void) { golden_check("store/store-a-normal.tar.gz", "store/store-a-normal.expected.gz"); }
void test_golden_killed(void) { golden_check("store/store-b-killed.tar.gz", "store/store-b-unclean.expected.gz"); }
void test_golden_lag(void) { golden_check("store/store-b-lag.tar.gz", "store/store-b-unclean.expected.gz"); }
void test_golden_noqueue(void) { golden_check("store/store-b-noqueue.tar.gz", "store/store-b-unclean.expected.gz"); }
void test_golden_delay(void) { golden_check("store/store-c-delay.tar.gz", "store/store-c-delay.expected.gz"); }
void test_golden_transactions(void) { golden_check("store/store-d-tx.tar.gz", "store/store-d-tx.expected.gz"); }
void test_golden_ipv6(void) { golden_check("store/store-h-ipv6.tar.gz", "store/store-h-ipv6.expected.gz"); }
