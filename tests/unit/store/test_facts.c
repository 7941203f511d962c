/* SPDX-License-Identifier: Apache-2.0
 *
 * Every fact that expected.json tells of a golden store, on the store: what
 * lies in the archive, then what Java 4.7.0 finds in it after opening it, and
 * nothing more. A key that no check knows fails the test. (The configuration
 * files are checked through the broker: tests/unit/broker/test_golden.c.)
 */
#include "mqbroker/store/record.h"
#include "tests/unit/store/facts.h"

#include <inttypes.h>
#include <stdio.h>

static struct get_result got;

/* ---- records and fillers ---- */

static struct span record_at(struct facts *f, int64_t offset) {
  struct span raw;
  CU_ASSERT_FATAL(store_message_at(f->rig.store, offset, &raw) == STATUS_OK);
  return raw;
}

static int64_t filler_check(struct facts *f, const struct json *filler) {
  char path[128];
  int64_t offset = expected_number(filler, "offset"), size = expected_number(filler, "sizeField");
  int64_t length = f->rig.config.segment_length, start = offset - offset % length;
  CU_ASSERT(expected_knows(filler, "offset sizeField bytesLeftInFile"));
  CU_ASSERT(expected_number(filler, "bytesLeftInFile") == start + length - offset);
  snprintf(path, sizeof path, "%s/%020" PRId64, RIG_LOG, start);
  struct buf file = rig_file(&f->rig, path);
  CU_ASSERT_FATAL((int64_t)file.len == length);
  CU_ASSERT(get_i32(file.ptr + (offset - start)) == size && get_u32(file.ptr + (offset - start) + 4) == BLANK_MAGIC);
  buf_fini(&file);
  return start + length;
}

/* Records and fillers follow each other from one end of the log to the other. */
static void log_check(struct facts *f, const struct json *found) {
  int64_t at = expected_number(found, "minPhyOffset"), max = expected_number(found, "maxPhyOffset");
  const struct json *filler = json_member(found, "fillers")->children;
  struct span none;
  CU_ASSERT(store_log_min(f->rig.store) == at && store_log_max(f->rig.store) == max);
  for (const struct json *r = json_member(found, "records")->children; r != NULL; r = r->next) {
    while (filler != NULL && expected_number(filler, "offset") == at) {
      at = filler_check(f, filler);
      filler = filler->next;
    }
    CU_ASSERT(expected_number(r, "commitLogOffset") == at);
    CU_ASSERT(expected_record(&f->expected, r, record_at(f, at)));
    CU_ASSERT(store_message_at(f->rig.store, at + 1, &none) == STATUS_NOT_FOUND);
    at += expected_number(r, "storeSize");
  }
  CU_ASSERT(filler == NULL && at == max);
}

/* ---- queues ---- */

struct sight {
  struct queued unit;
  struct span bitmap; /* as hex, in the arena */
  struct facts *facts;
};

static bool see(void *context, const struct queued *unit) {
  struct sight *s = context;
  s->unit = *unit;
  s->bitmap = unit->bitmap.len == 0 ? SPAN_NONE : expected_hex(&s->facts->expected, unit->bitmap);
  return true;
}

static void ext_check(const struct sight *s, const struct json *u) {
  const struct json *ext = json_member(u, "ext");
  char address[17];
  CU_ASSERT(s->unit.extended == (ext != NULL));
  CU_ASSERT(s->unit.tags_code == expected_number(ext == NULL ? u : ext, "tagsCode"));
  if (ext == NULL) return;
  CU_ASSERT(expected_knows(ext, "address tagsCode msgStoreTime bitMap"));
  snprintf(address, sizeof address, "%016" PRIx64, (uint64_t)expected_number(u, "tagsCode"));
  ASSERT_SPAN(json_text(json_member(ext, "address")), address);
  CU_ASSERT(s->unit.store_ms == expected_number(ext, "msgStoreTime"));
  CU_ASSERT(span_equal(s->bitmap, json_text(json_member(ext, "bitMap"))));
}

/* The end of its record in the log. */
static int64_t unit_check(struct facts *f, struct span topic, int32_t id, const struct json *u) {
  struct sight s = {.facts = f};
  int64_t offset = expected_number(u, "commitLogOffset"), size = expected_number(u, "size");
  CU_ASSERT(expected_knows(u, "queueOffset commitLogOffset size tagsCode ext"));
  CU_ASSERT_FATAL(store_get(f->rig.store, topic, id, expected_number(u, "queueOffset"), 1, 1, see, &s, &got) ==
                  GET_FOUND);
  CU_ASSERT(got.message_count == 1 && got.parts[0].ptr == record_at(f, offset).ptr);
  CU_ASSERT(got.parts[0].len == (size_t)size);
  ext_check(&s, u);
  return offset + size;
}

static void queue_check(struct facts *f, const struct json *q) {
  struct span topic = json_text(json_member(q, "topic"));
  int32_t id = (int32_t)expected_number(q, "queueId");
  int64_t min = expected_number(q, "minOffset"), max = expected_number(q, "maxOffset"), next = min, end = 0;
  CU_ASSERT(expected_knows(q, "topic queueId minOffset maxOffset maxPhysicOffset units"));
  CU_ASSERT(store_queue_min(f->rig.store, topic, id) == min && store_queue_max(f->rig.store, topic, id) == max);
  for (const struct json *u = json_member(q, "units")->children; u != NULL; u = u->next, next++) {
    CU_ASSERT(expected_number(u, "queueOffset") == next);
    end = unit_check(f, topic, id, u);
  }
  CU_ASSERT(next == max && end == expected_number(q, "maxPhysicOffset"));
  CU_ASSERT(store_get(f->rig.store, topic, id, max, 1, 1, NULL, NULL, &got) == GET_OFFSET_OVERFLOW_ONE);
}

static void count_queue(void *context, struct span topic, int32_t id, int64_t min, int64_t max) {
  (void)topic, (void)id, (void)min, (void)max;
  ++*(size_t *)context;
}

static void queues_check(struct facts *f, const struct json *found) {
  const struct json *queues = json_member(found, "queues");
  size_t count = 0;
  for (const struct json *q = queues->children; q != NULL; q = q->next) queue_check(f, q);
  store_queues(f->rig.store, count_queue, &count);
  CU_ASSERT(count == queues->child_count && count > 0);
}

/* ---- look-ups by key ---- */

static bool offset_in(const struct json *offsets, int64_t offset) {
  for (const struct json *o = offsets->children; o != NULL; o = o->next)
    if (json_i64(o, -1) == offset) return true;
  return false;
}

static void index_check(struct facts *f, const struct json *found) {
  static struct query_result answer;
  size_t count = 0;
  for (const struct json *x = json_member(found, "index")->children; x != NULL; x = x->next, count++) {
    const struct json *offsets = json_member(x, "found");
    CU_ASSERT(expected_knows(x, "topic key found"));
    store_query(f->rig.store, json_text(json_member(x, "topic")), json_text(json_member(x, "key")), 64, 1 << 24, 0,
                INT64_MAX, &answer);
    CU_ASSERT(answer.count == offsets->child_count && answer.count > 0);
    for (size_t i = 0; i < answer.count; i++)
      CU_ASSERT(offset_in(offsets, record_physical_offset(answer.records[i].ptr)));
  }
  CU_ASSERT(count > 50);
}

/* ---- all of it ---- */

/* What the generator knew: no put that was acknowledged is missing. */
static void producer_check(const struct json *found) {
  const struct json *check = json_member(found, "producerCheck");
  size_t records = json_member(found, "records")->child_count;
  CU_ASSERT(expected_knows(check, "acknowledgedFound refusedPuts acknowledgedMissing missingIds"));
  CU_ASSERT(expected_number(check, "acknowledgedMissing") == 0 && json_member(check, "missingIds")->child_count == 0);
  CU_ASSERT(expected_number(check, "acknowledgedFound") <= (int64_t)records);
  CU_ASSERT(expected_number(check, "refusedPuts") >= 0);
}

static void recovered_check(struct facts *f) {
  const struct json *found = f->recovered;
  CU_ASSERT(expected_knows(found, "loadResult minPhyOffset maxPhyOffset records fillers queues index producerCheck"));
  CU_ASSERT(json_bool(json_member(found, "loadResult"), false) && f->rig.store != NULL);
  log_check(f, found);
  queues_check(f, found);
  index_check(f, found);
  producer_check(found);
}

static void reopen(struct facts *f) {
  enum status status = rig_open(&f->rig);
  if (status != STATUS_OK) printf("    %s: %.*s\n", f->name, SPAN_ARG(buf_span(&f->rig.why)));
  CU_ASSERT_FATAL(status == STATUS_OK);
  recovered_check(f);
}

/* The sizes are those of storeConfig. */
static void config_take(struct facts *f) {
  const struct json *c = json_member(f->expected.root, "storeConfig");
  struct store_config *config = &f->rig.config;
  CU_ASSERT(expected_knows(c, "mappedFileSizeCommitLog mappedFileSizeConsumeQueue maxHashSlotNum maxIndexNum "
                              "enableConsumeQueueExt mappedFileSizeConsumeQueueExt messageDelayLevel"));
  config->segment_length = expected_number(c, "mappedFileSizeCommitLog");
  config->queue_file_length = expected_number(c, "mappedFileSizeConsumeQueue");
  config->index = (struct index_config){.enabled = true,
                                        .slots = (int32_t)expected_number(c, "maxHashSlotNum"),
                                        .entries = (int32_t)expected_number(c, "maxIndexNum")};
  config->ext = (struct ext_config){json_bool(json_member(c, "enableConsumeQueueExt"), false),
                                    expected_number(c, "mappedFileSizeConsumeQueueExt")};
  config->message_size_max = 65536 - 8;
  CU_ASSERT_FATAL(span_copy_text(json_text(json_member(c, "messageDelayLevel")), f->levels, sizeof f->levels));
  config->delay_levels = f->levels;
}

static bool bits_again(void *context, const struct message *m, struct buf *out) {
  const struct facts *f = context;
  for (const struct json *q = json_member(f->recovered, "queues")->children; q != NULL; q = q->next)
    for (const struct json *u = json_member(q, "units")->children; u != NULL; u = u->next)
      if (expected_number(u, "commitLogOffset") == m->physical_offset) {
        struct span hex = json_text(expected_at(u, "ext.bitMap"));
        unsigned byte;
        for (size_t i = 0; i < hex.len / 2 && sscanf((const char *)hex.ptr + 2 * i, "%2x", &byte) == 1; i++)
          buf_put_u8(out, (uint8_t)byte);
        return hex.len > 0;
      }
  return false;
}

/* shared: whose `recovered` this one refers to, or NULL. The archive as it is; then opened by us, closed by us, killed,
 * and after a power cut. */
static void facts_check(const char *name, const char *archive, const char *shared) {
  struct facts f = {.name = name};
  struct expected other;
  expected_open(&f.expected, name);
  f.recovered = json_member(f.expected.root, "recovered");
  if (shared != NULL) {
    expected_open(&other, shared);
    f.recovered = json_member(other.root, "recovered");
    ASSERT_SPAN(json_text(json_member(f.expected.root, "recovered")), "equal to recovered in killed.expected.json");
  }
  CU_ASSERT(expected_knows(f.expected.root, "description seed facts storeConfig archived recovered"));
  rig_init(&f.rig, 3);
  f.rig.listener.bitmap = bits_again;
  f.rig.listener.arrived = NULL;
  f.rig.listener.context = &f;
  config_take(&f);
  rig_unpack(&f.rig, archive);
  facts_archived(&f);
  reopen(&f);
  facts_told(&f);
  rig_close(&f.rig);
  reopen(&f);
  rig_crash(&f.rig, SIM_KILL);
  reopen(&f);
  rig_crash(&f.rig, SIM_POWER_OFF);
  reopen(&f);
  rig_fini(&f.rig);
  if (shared != NULL) expected_close(&other);
  expected_close(&f.expected);
}

void test_facts_normal(void) { facts_check("store-a-normal", "store/store-a-normal.tar.gz", NULL); }
void test_facts_killed(void) { facts_check("store-b-killed", "store/store-b-killed.tar.gz", NULL); }
void test_facts_lag(void) { facts_check("store-b-lag", "store/store-b-lag.tar.gz", "store-b-killed"); }
void test_facts_noqueue(void) { facts_check("store-b-noqueue", "store/store-b-noqueue.tar.gz", "store-b-killed"); }
void test_facts_delay(void) { facts_check("store-c-delay", "store/store-c-delay.tar.gz", NULL); }
void test_facts_transactions(void) { facts_check("store-d-tx", "store/store-d-tx.tar.gz", NULL); }
void test_facts_ext(void) { facts_check("store-g-ext", "store/store-g-ext.tar.gz", NULL); }
void test_facts_ipv6(void) { facts_check("store-h-ipv6", "store/store-h-ipv6.tar.gz", NULL); }
