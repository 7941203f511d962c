/* SPDX-License-Identifier: Apache-2.0
 *
 * Extended queues: Java's own files read, ours byte by byte beside them, what
 * is left of them after every kind of end, and how they go with their queue.
 */
#include "mqbroker/store/queue_ext.h"
#include "tests/golden/expected.h"
#include "tests/unit/store/suites.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TOPIC "Sql_flhd"
#define ARCHIVE "store/store-g-ext.tar.gz"
#define EXT_ROOT RIG_ROOT "/consumequeue_ext"
#define EXT_0 EXT_ROOT "/T/0/00000000000000000000"
#define QUEUE_0 RIG_ROOT "/consumequeue/T/0/00000000000000000000"
#define EXT_ON ((struct ext_config){true, 4096})
#define BITS_MAX 64
#define UNITS_MAX 512

static void tree_remove(struct rig *r, const char *dir) {
  struct arena arena;
  struct disk_entry *entries;
  size_t count = 0;
  char path[DISK_PATH_MAX];
  arena_init(&arena, 1 << 20);
  CU_ASSERT_FATAL(r->disk->ops->list(r->disk, dir, &arena, &entries, &count) == STATUS_OK);
  for (size_t i = 0; i < count; i++) {
    snprintf(path, sizeof path, "%s/%.*s", dir, SPAN_ARG(entries[i].name));
    if (entries[i].directory) tree_remove(r, path);
    else CU_ASSERT_FATAL(r->disk->ops->remove(r->disk, path) == STATUS_OK);
  }
  arena_fini(&arena);
  CU_ASSERT_FATAL(r->disk->ops->remove(r->disk, dir) == STATUS_OK);
}

struct sight {
  bool seen, extended;
  int64_t tags_code, store_ms;
  uint8_t bits[BITS_MAX];
  size_t len;
};

static bool see(void *context, const struct queued *unit) {
  struct sight *s = context;
  CU_ASSERT_FATAL(unit->bitmap.len <= BITS_MAX);
  *s = (struct sight){true, unit->extended, unit->tags_code, unit->store_ms, {0}, unit->bitmap.len};
  if (s->len > 0) memcpy(s->bits, unit->bitmap.ptr, s->len);
  return true;
}

/* What a filter sees of one message. */
static struct sight sight_of(struct rig *r, const char *topic, int32_t queue, int64_t index) {
  static struct get_result got;
  struct sight s = {0};
  enum get_status status = store_get(r->store, span_text(topic), queue, index, 1, 1, see, &s, &got);
  CU_ASSERT_FATAL(status == GET_FOUND && got.message_count == 1 && s.seen);
  return s;
}

/* ---- Java's files ---- */

/* The bit maps Java gave, by log offset. */
struct given {
  struct expected expected;
  struct {
    int64_t offset;
    uint8_t bits[BITS_MAX];
    size_t len;
  } units[UNITS_MAX];
  size_t count;
};

static const struct json *queues_of(const struct given *g) { return expected_at(g->expected.root, "recovered.queues"); }

static size_t hex_bytes(struct span hex, uint8_t *out) {
  unsigned byte;
  for (size_t i = 0; i < hex.len / 2; i++) {
    CU_ASSERT_FATAL(i < BITS_MAX && sscanf((const char *)hex.ptr + 2 * i, "%2x", &byte) == 1);
    out[i] = (uint8_t)byte;
  }
  return hex.len / 2;
}

static void given_open(struct given *g) {
  memset(g, 0, sizeof *g);
  expected_open(&g->expected, "store-g-ext");
  for (const struct json *q = queues_of(g)->children; q != NULL; q = q->next)
    for (const struct json *u = json_member(q, "units")->children; u != NULL; u = u->next) {
      CU_ASSERT_FATAL(g->count < UNITS_MAX);
      g->units[g->count].offset = expected_number(u, "commitLogOffset");
      g->units[g->count].len = hex_bytes(json_text(expected_at(u, "ext.bitMap")), g->units[g->count].bits);
      g->count++;
    }
}

static bool give(void *context, const struct message *m, struct buf *out) {
  const struct given *g = context;
  for (size_t i = 0; i < g->count; i++) {
    if (g->units[i].offset != m->physical_offset) continue;
    buf_put(out, span_of(g->units[i].bits, g->units[i].len));
    return g->units[i].len > 0;
  }
  CU_FAIL("no such record");
  return false;
}

enum source { FROM_EXT, FROM_LOG, FROM_EXT_NO_BITS };

static void java_check(struct rig *r, const struct given *g, enum source source) {
  int64_t count = 0;
  for (const struct json *q = queues_of(g)->children; q != NULL; q = q->next)
    for (const struct json *u = json_member(q, "units")->children; u != NULL; u = u->next, count++) {
      const struct json *ext = json_member(u, "ext");
      uint8_t bits[BITS_MAX];
      size_t n = source == FROM_EXT ? hex_bytes(json_text(json_member(ext, "bitMap")), bits) : 0;
      struct sight s = sight_of(r, TOPIC, json_i32(json_member(q, "queueId"), -1), expected_number(u, "queueOffset"));
      CU_ASSERT(s.tags_code == expected_number(ext, "tagsCode"));
      CU_ASSERT(s.extended == (source != FROM_LOG));
      CU_ASSERT(source == FROM_LOG || s.store_ms == expected_number(ext, "msgStoreTime"));
      CU_ASSERT(s.len == n && memcmp(s.bits, bits, n) == 0);
    }
  CU_ASSERT(count == 266);
}

static void java_open(struct rig *r, struct given *g, bool enabled) {
  given_open(g);
  rig_init(r, 1);
  r->config.ext = (struct ext_config){enabled, 4096};
  rig_unpack(r, ARCHIVE);
  CU_ASSERT_FATAL(rig_open(r) == STATUS_OK);
}

/* With the key and without: each unit says what Java finds; also after every kind of end. */
void test_ext_golden(void) {
  static struct given g;
  for (int enabled = 0; enabled <= 1; enabled++) {
    struct rig r;
    java_open(&r, &g, enabled == 1);
    r.listener = (struct store_listener){.bitmap = give, .context = &g};
    java_check(&r, &g, FROM_EXT);
    rig_close(&r);
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    java_check(&r, &g, FROM_EXT);
    rig_fini(&r);
    expected_close(&g.expected);
  }
}

/* Every kind of end; what recovery builds again asks for its bit maps. */
void test_ext_golden_crash(void) {
  static struct given g;
  struct rig r;
  java_open(&r, &g, true);
  r.listener = (struct store_listener){.bitmap = give, .context = &g};
  rig_crash(&r, SIM_KILL);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  java_check(&r, &g, FROM_EXT);
  rig_crash(&r, SIM_POWER_OFF);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  java_check(&r, &g, FROM_EXT);
  rig_fini(&r);
  expected_close(&g.expected);
}

/* A queue's files, whole. */
static size_t files_of(struct rig *r, const char *tree, int32_t queue, struct buf out[8]) {
  char path[256];
  size_t n = 0;
  for (int64_t length = 0, at = 0; n < 8; n++, at += length) {
    snprintf(path, sizeof path, "%s/%s/%s/%" PRId32 "/%020" PRId64, RIG_ROOT, tree, TOPIC, queue, at);
    out[n] = rig_file(r, path);
    length = (int64_t)out[n].len;
    if (length == 0) break;
  }
  return n;
}

/* Java's queues taken away and built again from the log: the same bytes. */
void test_ext_bytes_as_java(void) {
  static const char *const trees[] = {"consumequeue", "consumequeue_ext"};
  static struct given g;
  struct buf java[2][2][8], ours[8];
  struct rig r;
  given_open(&g);
  rig_init(&r, 1);
  r.config.ext = EXT_ON;
  r.listener = (struct store_listener){.bitmap = give, .context = &g};
  rig_unpack(&r, ARCHIVE);
  for (int t = 0; t < 2; t++) {
    char path[64];
    CU_ASSERT(files_of(&r, trees[t], 0, java[t][0]) == (t == 0 ? 3 : 2));
    CU_ASSERT(files_of(&r, trees[t], 1, java[t][1]) == (t == 0 ? 3 : 2));
    snprintf(path, sizeof path, RIG_ROOT "/%s", trees[t]);
    tree_remove(&r, path);
  }
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  rig_close(&r);
  for (int t = 0; t < 2; t++)
    for (int32_t q = 0; q < 2; q++) {
      size_t n = files_of(&r, trees[t], q, ours);
      CU_ASSERT(n == (t == 0 ? 3 : 2));
      for (size_t i = 0; i < n; i++) {
        CU_ASSERT(java[t][q][i].len == (t == 0 ? 1280 : 4096));
        CU_ASSERT(span_equal(buf_span(&java[t][q][i]), buf_span(&ours[i])));
        buf_fini(&ours[i]);
        buf_fini(&java[t][q][i]);
      }
    }
  rig_fini(&r);
  expected_close(&g.expected);
}

/* The ext files are gone, all or those of one queue. Without the key the log tells the tags; with it they are made
 * again, or go on behind the lost addresses. */
void test_ext_golden_lost(void) {
  static struct given g;
  for (int how = 0; how < 4; how++) {
    const bool enabled = how > 0, clean = how != 1, one = how == 3;
    struct rig r;
    java_open(&r, &g, enabled);
    if (clean) rig_close(&r);
    else rig_crash(&r, SIM_KILL);
    tree_remove(&r, one ? EXT_ROOT "/" TOPIC "/0" : EXT_ROOT);
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    if (one) {
      struct sight s = sight_of(&r, TOPIC, 0, 132), t = sight_of(&r, TOPIC, 1, 132);
      CU_ASSERT(!s.extended && s.tags_code == 2598919 && t.extended && t.len == 14);
      struct message m = rig_message(TOPIC, 0, "new", "N");
      struct put_result put;
      CU_ASSERT_FATAL(store_put(r.store, &m, rig_now(&r), &put) == PUT_OK);
      CU_ASSERT_FATAL(store_commit(r.store, rig_now(&r)) == STATUS_OK);
      rig_run(&r, 3000);
      CU_ASSERT(rig_exists(&r, EXT_ROOT "/" TOPIC "/0/00000000000000008192"));
      s = sight_of(&r, TOPIC, 0, 133);
      CU_ASSERT(s.extended && s.tags_code == 'N' && s.store_ms == put.store_ms);
      s = sight_of(&r, TOPIC, 0, 0);
      CU_ASSERT(!s.extended && s.tags_code == 1985948575);
    } else {
      java_check(&r, &g, enabled ? FROM_EXT_NO_BITS : FROM_LOG);
    }
    rig_fini(&r);
    expected_close(&g.expected);
  }
}

/* ---- our own ---- */

/* 14 bytes but for each fifth record. */
static bool bits_of(void *context, const struct message *m, struct buf *out) {
  (void)context;
  if (m->queue_offset % 5 == 0) return false;
  for (int i = 0; i < 14; i++) buf_put_u8(out, (uint8_t)(m->queue_offset + i));
  return true;
}

static void ext_start(struct rig *r, uint64_t seed) {
  rig_init(r, seed);
  r->config.ext = EXT_ON;
  r->listener = (struct store_listener){.bitmap = bits_of};
  CU_ASSERT_FATAL(rig_open(r) == STATUS_OK);
}

static void send_many(struct rig *r, int count) {
  while (count-- > 0) rig_send(r, "T", 0, "body");
}

static void own_check(struct rig *r, int64_t from, int64_t to) {
  for (int64_t i = from; i < to; i++) {
    struct sight s = sight_of(r, "T", 0, i);
    CU_ASSERT(s.extended && s.tags_code == 0 && s.store_ms == store_time_at(r->store, SPAN_LITERAL("T"), 0, i));
    CU_ASSERT(s.len == (i % 5 == 0 ? 0 : 14) && (s.len == 0 || s.bits[13] == (uint8_t)(i + 13)));
  }
}

/* The bytes of the first units and of a file's end, as ConsumeQueueExt writes them. */
void test_ext_layout(void) {
  struct rig r;
  ext_start(&r, 2);
  send_many(&r, 200);
  own_check(&r, 0, 200); /* from the tail, too */
  rig_close(&r);
  struct buf queue = rig_file(&r, QUEUE_0), ext = rig_file(&r, EXT_0);
  CU_ASSERT_FATAL(queue.len == 1280 && ext.len == 4096);
  CU_ASSERT(get_u64(queue.ptr + 12) == 0x8000000000000000u && get_u64(queue.ptr + 32) == 0x8000000000000014u);
  CU_ASSERT(get_u64(queue.ptr + 52) == 0x8000000000000014u + 34);
  CU_ASSERT(get_i16(ext.ptr) == 20 && get_i64(ext.ptr + 2) == 0 && get_i64(ext.ptr + 10) > 0);
  CU_ASSERT(get_i16(ext.ptr + 18) == 0);
  CU_ASSERT(get_i16(ext.ptr + 20) == 34 && get_i16(ext.ptr + 38) == 14 && ext.ptr[40] == 1 && ext.ptr[53] == 14);
  /* 26 runs of 5 units fill 4056 bytes, 20 more 4076: a unit of 34 has no room beside the four spare bytes. */
  static const uint8_t end[20] = {0xFF, 0xFF};
  CU_ASSERT(memcmp(ext.ptr + 4076, end, 20) == 0);
  CU_ASSERT(rig_exists(&r, EXT_ROOT "/T/0/00000000000000004096"));
  buf_fini(&queue);
  buf_fini(&ext);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  own_check(&r, 0, 200);
  send_many(&r, 100);
  rig_crash(&r, SIM_KILL);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  own_check(&r, 0, 300);
  rig_fini(&r);
}

/* On, off, on again: units of both kinds stand in one queue. What recovery makes again is as the key says. */
void test_ext_off_and_on(void) {
  struct rig r;
  ext_start(&r, 3);
  send_many(&r, 100);
  for (int round = 0; round < 2; round++) {
    rig_close(&r);
    r.config.ext.enabled = round == 1;
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    send_many(&r, 50);
  }
  own_check(&r, 0, 100);
  for (int64_t i = 100; i < 150; i++) CU_ASSERT(!sight_of(&r, "T", 0, i).extended);
  own_check(&r, 150, 200);
  rig_close(&r);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  own_check(&r, 0, 100);
  own_check(&r, 150, 200);
  rig_crash(&r, SIM_KILL);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  own_check(&r, 0, 200);
  rig_fini(&r);
}

/* A file length that is not the files' own is refused where they would be written, and no reason to refuse a start
 * where they would not; nothing is changed. */
void test_ext_refuses_files(void) {
  struct rig r;
  ext_start(&r, 4);
  send_many(&r, 10);
  rig_close(&r);
  r.config.ext.file_length = 8192;
  CU_ASSERT(rig_open(&r) == STATUS_INVALID && r.why.len > 0);
  r.config.ext.file_length = EXT_FILE_MIN - 1;
  CU_ASSERT(rig_open(&r) == STATUS_INVALID && r.why.len > 0);
  r.config.ext = (struct ext_config){false, 8192};
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  struct sight s = sight_of(&r, "T", 0, 7);
  CU_ASSERT(!s.extended && s.tags_code == 0);
  rig_close(&r);
  r.config.ext = EXT_ON;
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  own_check(&r, 0, 10);
  rig_fini(&r);
}

static bool huge(void *context, const struct message *m, struct buf *out) {
  size_t n = *(size_t *)context;
  (void)m;
  uint8_t *p = buf_reserve(out, n);
  if (p == NULL) return false;
  memset(p, 'x', n);
  out->len += n;
  return true;
}

/* No file could hold the unit: the queue's own keeps the tags code, as in Java. A bit map that no unit can hold is
 * left out. */
void test_ext_too_long(void) {
  static struct get_result got;
  size_t n = 4096 - 24;
  struct rig r;
  struct sight s = {0};
  ext_start(&r, 5);
  r.listener = (struct store_listener){.bitmap = huge, .context = &n};
  rig_close(&r);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  rig_send(&r, "T", 0, "fits");
  n++;
  rig_send(&r, "T", 0, "does not");
  n = EXT_UNIT_MAX - EXT_UNIT_MIN + 1;
  rig_send(&r, "T", 0, "is no unit");
  rig_run(&r, 3000);
  struct buf queue = rig_file(&r, QUEUE_0), ext = rig_file(&r, EXT_0);
  CU_ASSERT_FATAL(queue.len == 1280 && ext.len == 4096);
  CU_ASSERT(get_i64(queue.ptr + 12) == INT64_MIN && get_i16(ext.ptr + 18) == 4072);
  CU_ASSERT(get_i64(queue.ptr + 32) == 0);
  CU_ASSERT(get_i64(queue.ptr + 52) == INT64_MIN + 4096);
  CU_ASSERT(store_get(r.store, SPAN_LITERAL("T"), 0, 1, 1, 1, see, &s, &got) == GET_FOUND && !s.extended);
  CU_ASSERT(sight_of(&r, "T", 0, 2).extended && sight_of(&r, "T", 0, 2).len == 0);
  buf_fini(&queue);
  buf_fini(&ext);
  rig_fini(&r);
}

/* Their directory goes with the topic, and the topic begins anew at the first address. */
void test_ext_delete_topic(void) {
  struct rig r;
  ext_start(&r, 6);
  send_many(&r, 300);
  rig_run(&r, 70000);
  CU_ASSERT(rig_exists(&r, EXT_0));
  CU_ASSERT(store_delete_topic(r.store, SPAN_LITERAL("T")) == STATUS_OK);
  CU_ASSERT(!rig_exists(&r, EXT_ROOT "/T") && !rig_exists(&r, RIG_ROOT "/consumequeue/T"));
  send_many(&r, 20);
  rig_crash(&r, SIM_KILL);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(rig_max(&r, "T", 0) == 20);
  own_check(&r, 0, 20);
  rig_close(&r);
  struct buf queue = rig_file(&r, QUEUE_0);
  CU_ASSERT_FATAL(queue.len == 1280 && get_i64(queue.ptr + 12) == INT64_MIN);
  buf_fini(&queue);
  rig_fini(&r);
}

/* Files whose units nobody points to any more go with those of log and queue. Of a queue that nobody has read since the
 * start only its files are looked at, not where it begins in them. */
void test_ext_retention(void) {
  static char body[2000];
  memset(body, 'b', sizeof body - 1);
  for (int restart = 0; restart < 2; restart++) {
    struct rig r;
    ext_start(&r, 7);
    for (int i = 0; i < 400; i++) {
      rig_send(&r, "T", 0, body);
      if (i == 300) rig_run(&r, 80 * INT64_C(3600000)); /* the first are older than the rest */
    }
    rig_run(&r, 70000);
    rig_close(&r);
    r.config.retention = (struct retention_rules){.interval_ms = 10000,
                                                  .hours = 0xFFFFFF,
                                                  .reserved_hours = 72,
                                                  .used_percent = 75,
                                                  .forced_percent = 85,
                                                  .full_percent = 90,
                                                  .log_pause_ms = 100,
                                                  .queue_pause_ms = 100,
                                                  .retry_ms = 120000};
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    if (restart == 0) CU_ASSERT(rig_max(&r, "T", 0) == 400);
    rig_run(&r, 300000);
    int64_t min = store_queue_min(r.store, SPAN_LITERAL("T"), 0);
    CU_ASSERT(min > 250 && min < 310);
    CU_ASSERT(!rig_exists(&r, EXT_0));
    CU_ASSERT(rig_exists(&r, EXT_ROOT "/T/0/00000000000000004096") == (restart == 1));
    CU_ASSERT(rig_exists(&r, EXT_ROOT "/T/0/00000000000000008192"));
    own_check(&r, min, 400);
    rig_crash(&r, SIM_POWER_OFF);
    CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
    own_check(&r, store_queue_min(r.store, SPAN_LITERAL("T"), 0), 400);
    rig_fini(&r);
  }
}

/* What was cut off with the queue leaves nothing behind at which a later reader stumbles. */
void test_ext_cut_with_queue(void) {
  struct rig r;
  ext_start(&r, 8);
  send_many(&r, 60);
  rig_run(&r, 70000); /* the checkpoint vouches for these */
  int64_t end = store_appended(r.store);
  send_many(&r, 40);
  rig_run(&r, 3000);
  rig_crash(&r, SIM_KILL);
  static const uint8_t zeros[4096];
  rig_write(&r, RIG_LOG "/00000000000000000000", end, span_of(zeros, sizeof zeros)); /* the log lost its end */
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(rig_max(&r, "T", 0) == 60);
  own_check(&r, 0, 60);
  rig_close(&r);
  struct buf ext = rig_file(&r, EXT_0);
  CU_ASSERT_FATAL(ext.len == 4096);
  for (size_t i = 12 * (20 + 4 * 34); i < ext.len; i++) CU_ASSERT(ext.ptr[i] == 0);
  buf_fini(&ext);
  rig_fini(&r);
}

/* A disk that refuses: the unit stays in memory with its ext unit, and both are written later. */
void test_ext_bad_disk(void) {
  struct rig r;
  ext_start(&r, 9);
  send_many(&r, 100);
  rig_run(&r, 1);
  sim_disk_fail(r.host, &(struct sim_disk_fault){.ops = SIM_OPEN, .status = STATUS_NO_SPACE, .lasting = true});
  rig_run(&r, 2000);
  struct put_result put;
  CU_ASSERT(rig_put(&r, "T", 0, "refused", &put) == PUT_SERVICE_NOT_AVAILABLE);
  own_check(&r, 64, 100);
  sim_disk_fail(r.host, NULL);
  rig_run(&r, 5000);
  send_many(&r, 100);
  own_check(&r, 0, 200);
  rig_close(&r);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  own_check(&r, 0, 200);
  rig_fini(&r);
}

/* A crash while queues are made again from nothing: none may be taken for whole because the checkpoint is newer. */
void test_recover_crash_while_rebuilding(void) {
  static char body[20000];
  memset(body, 'b', sizeof body - 1);
  struct rig r;
  rig_init(&r, 12);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  for (int i = 0; i < 300; i++) {
    rig_send(&r, i % 10 == 0 ? "Few" : "Many", 0, i % 10 == 5 ? body : "small");
    rig_run(&r, 100); /* so that the checkpoint is newer than all but the last files of the log */
  }
  rig_run(&r, 70000);
  rig_close(&r);
  tree_remove(&r, RIG_ROOT "/consumequeue");
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  rig_crash(&r, SIM_KILL); /* the units of Few are still in memory */
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(rig_max(&r, "Few", 0) == 30 && store_queue_min(r.store, SPAN_LITERAL("Few"), 0) == 0);
  CU_ASSERT(rig_max(&r, "Many", 0) == 270);
  for (int i = 0; i < 30; i++) CU_ASSERT_STRING_EQUAL(rig_body(&r, "Few", 0, i), "small");
  rig_fini(&r);
}
