/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store/facts.h"

#include "core/base/bytes.h"
#include "mqbroker/store/checkpoint.h"
#include "mqbroker/store/index.h"
#include "mqbroker/store/record.h"

#include <inttypes.h>
#include <stdio.h>

#define GROUPS_MAX 8

/* ---- archived ---- */

static size_t files_below(struct rig *r, const char *dir) {
  struct arena arena;
  struct disk_entry *entries;
  size_t count = 0, files = 0;
  char path[DISK_PATH_MAX];
  arena_init(&arena, 1 << 20);
  CU_ASSERT_FATAL(r->disk->ops->list(r->disk, dir, &arena, &entries, &count) == STATUS_OK);
  for (size_t i = 0; i < count; i++) {
    snprintf(path, sizeof path, "%s/%.*s", dir, SPAN_ARG(entries[i].name));
    files += entries[i].directory ? files_below(r, path) : 1;
  }
  arena_fini(&arena);
  return files;
}

static struct buf file_named(struct facts *f, struct span name) {
  char path[DISK_PATH_MAX];
  snprintf(path, sizeof path, "%s/%.*s", RIG_ROOT, SPAN_ARG(name));
  CU_ASSERT_FATAL(rig_exists(&f->rig, path));
  return rig_file(&f->rig, path);
}

static void files_check(struct facts *f, const struct json *files) {
  for (const struct json *x = files->children; x != NULL; x = x->next) {
    char hex[SHA256_TEXT + 1];
    struct buf bytes = file_named(f, json_text(json_member(x, "path")));
    CU_ASSERT(expected_knows(x, "path length sha256"));
    CU_ASSERT((int64_t)bytes.len == expected_number(x, "length"));
    sha256_text(buf_span(&bytes), hex);
    ASSERT_SPAN(json_text(json_member(x, "sha256")), hex);
    buf_fini(&bytes);
  }
  CU_ASSERT(files_below(&f->rig, RIG_ROOT) == files->child_count);
}

static void checkpoint_check(struct facts *f, const struct json *want) {
  struct checkpoint cp;
  CU_ASSERT(expected_knows(want, "physicMsgTimestamp logicsMsgTimestamp indexMsgTimestamp"));
  CU_ASSERT_FATAL(checkpoint_read(f->rig.disk, RIG_ROOT "/checkpoint", &cp) == STATUS_OK);
  CU_ASSERT(cp.physic_ms == expected_number(want, "physicMsgTimestamp"));
  CU_ASSERT(cp.logics_ms == expected_number(want, "logicsMsgTimestamp"));
  CU_ASSERT(cp.index_ms == expected_number(want, "indexMsgTimestamp"));
}

static void index_file_check(struct facts *f, const struct json *want) {
  char name[64];
  struct index_header h;
  CU_ASSERT(
      expected_knows(want, "file beginTimestamp endTimestamp beginPhyOffset endPhyOffset hashSlotCount indexCount"));
  snprintf(name, sizeof name, "index/%.*s", SPAN_ARG(json_text(json_member(want, "file"))));
  struct buf bytes = file_named(f, span_text(name));
  CU_ASSERT_FATAL(bytes.len >= INDEX_HEADER_SIZE);
  index_header_get(bytes.ptr, &h);
  CU_ASSERT(h.begin_ms == expected_number(want, "beginTimestamp") && h.end_ms == expected_number(want, "endTimestamp"));
  CU_ASSERT(h.begin_offset == expected_number(want, "beginPhyOffset"));
  CU_ASSERT(h.end_offset == expected_number(want, "endPhyOffset"));
  CU_ASSERT(h.slot_count == expected_number(want, "hashSlotCount"));
  CU_ASSERT(h.count == expected_number(want, "indexCount"));
  buf_fini(&bytes);
}

static void queue_files_check(struct facts *f, const struct json *want) {
  char path[256];
  int64_t units = 0, end = 0, at = 0;
  CU_ASSERT(expected_knows(want, "topic queueId unitsOnDisk lastUnitEnds"));
  for (size_t n = 1; n > 0; at += (int64_t)n) {
    snprintf(path, sizeof path, "%s/consumequeue/%.*s/%" PRId64 "/%020" PRId64, RIG_ROOT,
             SPAN_ARG(json_text(json_member(want, "topic"))), expected_number(want, "queueId"), at);
    struct buf bytes = rig_file(&f->rig, path);
    n = bytes.len;
    for (size_t i = 0; i + 20 <= n && get_i32(bytes.ptr + i + 8) > 0; i += 20, units++)
      end = get_i64(bytes.ptr + i) + get_i32(bytes.ptr + i + 8);
    buf_fini(&bytes);
  }
  CU_ASSERT(at > 0 && units == expected_number(want, "unitsOnDisk") && end == expected_number(want, "lastUnitEnds"));
}

void facts_archived(struct facts *f) {
  const struct json *a = json_member(f->expected.root, "archived");
  CU_ASSERT(expected_knows(a, "abortFile files checkpoint indexFiles queuesOnDisk config"));
  CU_ASSERT(json_bool(json_member(a, "abortFile"), false) == rig_exists(&f->rig, RIG_ROOT "/abort"));
  files_check(f, json_member(a, "files"));
  checkpoint_check(f, json_member(a, "checkpoint"));
  for (const struct json *x = json_member(a, "indexFiles")->children; x != NULL; x = x->next) index_file_check(f, x);
  for (const struct json *q = json_member(a, "queuesOnDisk")->children; q != NULL; q = q->next) queue_files_check(f, q);
}

/* ---- facts ---- */

/* The record of `size` bytes that has `room` before the end of its file; -1: there is none. */
static int64_t record_with_room(struct facts *f, int64_t size, int64_t room) {
  const int64_t length = f->rig.config.segment_length;
  for (const struct json *r = json_member(f->recovered, "records")->children; r != NULL; r = r->next) {
    int64_t offset = expected_number(r, "commitLogOffset");
    if (expected_number(r, "storeSize") == size && length - offset % length == room) return offset;
  }
  return -1;
}

static bool filler_of(struct facts *f, int64_t bytes, int64_t *next) {
  for (const struct json *x = json_member(f->recovered, "fillers")->children; x != NULL; x = x->next) {
    *next = expected_number(x, "offset") + bytes;
    if (expected_number(x, "sizeField") == bytes) return true;
  }
  return false;
}

/* Records that fit their file exactly, miss it by a byte, and a batch that moved to the next one as a whole. */
static void edges_told(struct facts *f, const struct json *facts) {
  const struct json *fit = json_member(facts, "exactFit"), *miss = json_member(facts, "oneByteTooLong");
  const struct json *batch = json_member(facts, "rolledBatch");
  struct span ids = json_text(json_member(batch, "msgIds")), raw;
  int64_t at, first = expected_number(batch, "firstOffset"), end = first;
  CU_ASSERT(expected_knows(fit, "roomBefore storeSize") && expected_knows(miss, "roomBefore storeSize"));
  CU_ASSERT(expected_knows(batch, "roomBefore msgIds bytes firstOffset"));
  CU_ASSERT(record_with_room(f, expected_number(fit, "storeSize"), expected_number(fit, "roomBefore")) >= 0);
  CU_ASSERT_FATAL(filler_of(f, expected_number(miss, "roomBefore"), &at));
  CU_ASSERT(record_with_room(f, expected_number(miss, "storeSize"), f->rig.config.segment_length) == at);
  CU_ASSERT(filler_of(f, expected_number(batch, "roomBefore"), &at) && at == first);
  for (size_t i = 0; i < ids.len;) {
    size_t n = span_find(ids, ',', i);
    struct net_peer host;
    CU_ASSERT_FATAL(message_id_parse(span_of(ids.ptr + i, n - i), &host, &at) == STATUS_OK);
    CU_ASSERT_FATAL(at == end && store_message_at(f->rig.store, at, &raw) == STATUS_OK);
    end += (int64_t)raw.len;
    i = n + 1;
  }
  CU_ASSERT(end - first == expected_number(batch, "bytes"));
  for (const struct json *t = json_member(facts, "topics")->children; t != NULL; t = t->next)
    CU_ASSERT(store_queue_max(f->rig.store, json_text(t), 0) > 0);
}

/* Twenty work messages; those whose number leaves 2 when divided by 5 went to the dead letters at once, 1 failed twice
 * and 0 once, and one waits at level 14 (`rules`). */
static void delay_told(struct facts *f, const struct json *facts) {
  struct span group = json_text(json_member(facts, "group"));
  char retry[300], dead[300];
  snprintf(retry, sizeof retry, "%%RETRY%%%.*s", SPAN_ARG(group));
  snprintf(dead, sizeof dead, "%%DLQ%%%.*s", SPAN_ARG(group));
  CU_ASSERT(json_text(json_member(facts, "rules")).len > 0);
  CU_ASSERT(store_queue_max(f->rig.store, json_text(json_member(facts, "topic")), 0) > 0);
  struct span work = json_text(json_member(facts, "workTopic"));
  CU_ASSERT(store_queue_max(f->rig.store, work, 0) + store_queue_max(f->rig.store, work, 1) == 20);
  CU_ASSERT(store_queue_max(f->rig.store, span_text(dead), 0) == 4);
  CU_ASSERT(store_queue_max(f->rig.store, span_text(retry), 0) == 4 * 1 + 4 * 2);
  CU_ASSERT(store_queue_max(f->rig.store, SPAN_LITERAL("SCHEDULE_TOPIC_XXXX"), 13) == 1);
}

/* Each check the producer got is a half record that was appended again; only what was then committed is in the topic.
 */
static void transactions_told(struct facts *f, const struct json *facts) {
  static struct query_result found;
  struct span topic = json_text(json_member(facts, "topic")), raw;
  CU_ASSERT(store_queue_max(f->rig.store, topic, 0) > 0);
  for (const struct json *c = json_member(facts, "checks")->children; c != NULL; c = c->next) {
    struct message m;
    size_t size;
    CU_ASSERT(expected_knows(c, "answer checkTimes commitLogOffset queueOffset key"));
    CU_ASSERT_FATAL(store_message_at(f->rig.store, expected_number(c, "commitLogOffset"), &raw) == STATUS_OK);
    CU_ASSERT_FATAL(message_decode(raw, true, &m, &size) == STATUS_OK);
    CU_ASSERT(span_is(m.topic, "RMQ_SYS_TRANS_HALF_TOPIC") && m.queue_offset == expected_number(c, "queueOffset"));
    CU_ASSERT(span_equal(property_get(m.properties, "KEYS"), json_text(json_member(c, "key"))));
    CU_ASSERT(
        span_equal(property_get(m.properties, "TRANSACTION_CHECK_TIMES"), json_text(json_member(c, "checkTimes"))));
    CU_ASSERT(span_equal(property_get(m.properties, "REAL_TOPIC"), topic));
    CU_ASSERT(span_equal(property_get(m.properties, "PGROUP"), json_text(json_member(facts, "producerGroup"))));
    CU_ASSERT(json_i64(json_member(c, "checkTimes"), 0) <= expected_number(facts, "transactionCheckMax"));
    store_query(f->rig.store, topic, json_text(json_member(c, "key")), 64, 1 << 20, 0, INT64_MAX, &found);
    CU_ASSERT(found.count == (span_is(json_text(json_member(c, "answer")), "COMMIT_MESSAGE") ? 1 : 0));
  }
}

/* Does the bit map of the message's unit have the bits of a group? Those from before the filters have none. */
struct hit {
  const struct json *positions;
  bool all;
};

static bool bits_look(void *context, const struct queued *unit) {
  struct hit *hit = context;
  hit->all = true;
  for (const struct json *p = hit->positions->children; p != NULL && unit->bitmap.len > 0; p = p->next) {
    size_t bit = (size_t)json_i64(p, 0);
    CU_ASSERT_FATAL(bit / 8 < unit->bitmap.len);
    if ((unit->bitmap.ptr[bit / 8] & 1u << bit % 8) == 0) hit->all = false;
  }
  return true;
}

/* Each message a SQL92 group received is found by its key, and its unit's bit map says so. */
static void filters_told(struct facts *f, const struct json *facts) {
  static struct query_result found;
  static struct get_result got;
  struct span topic = json_text(json_member(facts, "topic"));
  const struct json *filters = expected_at(f->expected.root, "archived.config");
  filters = expected_at(json_member(filters, "consumerFilter.json"), "filterDataByTopic");
  char name[GROUPS_MAX * 32];
  CU_ASSERT_FATAL(span_copy_text(topic, name, sizeof name));
  filters = expected_at(json_member(filters, name), "groupFilterData");
  for (const struct json *g = json_member(facts, "groups")->children; g != NULL; g = g->next) {
    const struct json *keys = json_member(g, "keys");
    CU_ASSERT(expected_knows(g, "keys received group sql") &&
              expected_number(g, "received") == (int64_t)keys->child_count);
    CU_ASSERT_FATAL(span_copy_text(json_text(json_member(g, "group")), name, sizeof name));
    const struct json *filter = json_member(filters, name);
    CU_ASSERT(span_equal(json_text(json_member(filter, "expression")), json_text(json_member(g, "sql"))));
    struct hit hit = {.positions = expected_at(filter, "bloomFilterData.bitPos")};
    CU_ASSERT_FATAL(hit.positions != NULL && hit.positions->child_count == 3);
    for (const struct json *k = keys->children; k != NULL; k = k->next) {
      store_query(f->rig.store, topic, json_text(k), 64, 1 << 20, 0, INT64_MAX, &found);
      CU_ASSERT_FATAL(found.count == 1);
      struct message m;
      size_t size;
      CU_ASSERT_FATAL(message_decode(found.records[0], true, &m, &size) == STATUS_OK);
      CU_ASSERT(store_get(f->rig.store, topic, m.queue_id, m.queue_offset, 1, 1, bits_look, &hit, &got) == GET_FOUND);
      CU_ASSERT(hit.all);
    }
  }
}

void facts_told(struct facts *f) {
  const struct json *facts = json_member(f->expected.root, "facts");
  if (json_member(facts, "exactFit") != NULL) {
    CU_ASSERT(expected_knows(facts, "exactFit topics rolledBatch oneByteTooLong"));
    edges_told(f, facts);
  } else if (json_member(facts, "rules") != NULL) {
    CU_ASSERT(expected_knows(facts, "topic rules workTopic group"));
    delay_told(f, facts);
  } else if (json_member(facts, "checks") != NULL) {
    CU_ASSERT(expected_knows(facts, "producerGroup checks transactionCheckMax topic"));
    transactions_told(f, facts);
  } else if (json_member(facts, "groups") != NULL) {
    CU_ASSERT(expected_knows(facts, "topic groups"));
    filters_told(f, facts);
  } else {
    CU_ASSERT(expected_knows(facts, "batchStatus"));
    if (facts->child_count > 0) ASSERT_SPAN(json_text(json_member(facts, "batchStatus")), "PUT_OK");
  }
}
