/* SPDX-License-Identifier: Apache-2.0
 *
 * Random histories against a naive model: a list of (queue, body) in log
 * order. After a kill everything committed is there; after a power cut a
 * prefix of it that holds everything flushed. Half of them have extended queues,
 * with bit maps of all lengths.
 */
#include "tests/unit/store/suites.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define QUEUES 7
#define RECORDS_MAX 20000

struct model_record {
  int queue;
  int64_t index;  /* in its queue */
  int64_t offset, end;
  uint32_t body;  /* seed of the body */
  uint32_t length;
  bool tagged;
};

struct model {
  struct rig rig;
  struct prng prng;
  struct model_record records[RECORDS_MAX];
  size_t count;  /* committed */
  size_t staged; /* behind them */
  int64_t next[QUEUES];
  uint32_t serial;
};

static const char *const topics[QUEUES] = {"A", "A", "B", "Orders", "Orders", "%RETRY%g", "Z_9"};
static const int32_t ids[QUEUES] = {0, 1, 0, 3, -2, 0, 1000};

static struct span body_of(uint32_t seed, uint32_t length) {
  static char text[40000];
  for (uint32_t i = 0; i < length; i++) text[i] = (char)('a' + (seed + i * (1 + seed % 7)) % 26);
  return span_of(text, length);
}

static struct model_record *model_add(struct model *m, int queue, uint32_t length) {
  CU_ASSERT_FATAL(m->count + m->staged < RECORDS_MAX);
  struct model_record *r = &m->records[m->count + m->staged++];
  *r = (struct model_record){.queue = queue, .index = m->next[queue]++, .body = ++m->serial, .length = length};
  return r;
}

static uint32_t random_length(struct model *m) {
  uint64_t kind = prng_below(&m->prng, 100);
  return (uint32_t)prng_below(&m->prng, kind < 2 ? 30000 : kind < 10 ? 3000 : 120);
}

static void op_put(struct model *m) {
  int queue = (int)prng_below(&m->prng, QUEUES);
  struct model_record *r = model_add(m, queue, random_length(m));
  struct message msg = rig_message(topics[queue], ids[queue], NULL, "T");
  struct put_result out;
  msg.body = body_of(r->body, r->length);
  CU_ASSERT_FATAL(store_put(m->rig.store, &msg, rig_now(&m->rig), &out) == PUT_OK);
  CU_ASSERT(out.queue_offset == r->index);
  r->tagged = true;
  r->offset = out.physical_offset;
  r->end = out.end_offset;
}

static void op_batch(struct model *m) {
  static char bodies[8][128];
  struct batch_item items[8];
  int64_t offsets[8];
  int queue = (int)prng_below(&m->prng, QUEUES);
  size_t n = 1 + prng_below(&m->prng, 8), first = m->count + m->staged;
  for (size_t i = 0; i < n; i++) {
    struct model_record *r = model_add(m, queue, (uint32_t)prng_below(&m->prng, 120));
    memcpy(bodies[i], body_of(r->body, r->length).ptr, r->length);
    items[i] = (struct batch_item){.flag = 7, .body = span_of(bodies[i], r->length), .properties = SPAN_LITERAL("")};
  }
  struct message msg = rig_message(topics[queue], ids[queue], NULL, NULL);
  struct put_result out;
  CU_ASSERT_FATAL(store_put_batch(m->rig.store, &msg, items, n, rig_now(&m->rig), &out, offsets) == PUT_OK);
  CU_ASSERT(out.queue_offset == m->records[first].index && out.count == (int32_t)n);
  for (size_t i = 0; i < n; i++) {
    m->records[first + i].offset = offsets[i];
    m->records[first + i].end = i + 1 < n ? offsets[i + 1] : out.end_offset;
  }
}

static void op_commit(struct model *m) {
  CU_ASSERT_FATAL(store_commit(m->rig.store, rig_now(&m->rig)) == STATUS_OK);
  m->count += m->staged;
  m->staged = 0;
}

/* None, or up to 60 bytes. */
static size_t bitmap_make(int64_t offset, uint8_t out[64]) {
  size_t n = offset % 4 == 0 ? 0 : (size_t)(offset / 5 % 61);
  for (size_t i = 0; i < n; i++) out[i] = (uint8_t)(offset + (int64_t)i);
  return n;
}

static bool bitmap_put(void *context, const struct message *m, struct buf *out) {
  uint8_t bytes[64];
  size_t n = bitmap_make(m->physical_offset, bytes);
  (void)context;
  buf_put(out, span_of(bytes, n));
  return n > 0;
}

struct sight {
  struct queued unit;
  uint8_t bitmap[64];
};

static bool see(void *context, const struct queued *unit) {
  struct sight *s = context;
  s->unit = *unit;
  CU_ASSERT_FATAL(unit->bitmap.len <= sizeof s->bitmap);
  if (unit->bitmap.len > 0) memcpy(s->bitmap, unit->bitmap.ptr, unit->bitmap.len);
  return true;
}

/* What a filter sees of the record's unit. */
static void sight_check(const struct model *m, const struct model_record *r, const struct sight *s,
                        const struct message *msg) {
  uint8_t bitmap[64];
  size_t n = bitmap_make(r->offset, bitmap);
  CU_ASSERT(s->unit.tags_code == (r->tagged ? 'T' : 0));
  CU_ASSERT(s->unit.extended == m->rig.config.ext.enabled);
  if (!s->unit.extended) return;
  CU_ASSERT(s->unit.store_ms == msg->store_ms);
  CU_ASSERT(s->unit.bitmap.len == n && (n == 0 || memcmp(s->bitmap, bitmap, n) == 0));
}

static void record_check(struct model *m, const struct model_record *r) {
  static struct get_result got;
  struct message msg;
  struct sight sight;
  size_t size;
  enum get_status status =
      store_get(m->rig.store, span_text(topics[r->queue]), ids[r->queue], r->index, 1, 1, see, &sight, &got);
  CU_ASSERT_FATAL(status == GET_FOUND && got.message_count == 1);
  CU_ASSERT_FATAL(message_decode(got.parts[0], true, &msg, &size) == STATUS_OK);
  CU_ASSERT(size == (size_t)(r->end - r->offset) && msg.physical_offset == r->offset);
  CU_ASSERT(msg.queue_offset == r->index && msg.queue_id == ids[r->queue]);
  CU_ASSERT(span_is(msg.topic, topics[r->queue]) && span_equal(msg.body, body_of(r->body, r->length)));
  sight_check(m, r, &sight, &msg);
}

static void model_check(struct model *m, bool all) {
  CU_ASSERT_FATAL(m->staged == 0);
  for (int q = 0; q < QUEUES; q++) CU_ASSERT(rig_max(&m->rig, topics[q], ids[q]) == m->next[q]);
  int64_t end = m->count == 0 ? 0 : m->records[m->count - 1].end;
  /* A crash may leave a filler behind the last record. */
  int64_t appended = store_appended(m->rig.store);
  CU_ASSERT(appended == end || (appended > end && appended % m->rig.config.segment_length == 0 &&
                                appended - end < m->rig.config.segment_length));
  size_t from = all || m->count < 50 ? 0 : m->count - 50;
  for (size_t i = from; i < m->count; i++) record_check(m, &m->records[i]);
}

/* The model forgets what the store does not have any more. */
static void model_cut(struct model *m, size_t count) {
  m->count = count;
  m->staged = 0;
  memset(m->next, 0, sizeof m->next);
  for (size_t i = 0; i < count; i++) m->next[m->records[i].queue] = m->records[i].index + 1;
}

static void reopen(struct model *m) {
  enum status status = rig_open(&m->rig);
  if (status != STATUS_OK) printf("    refused: %.*s\n", SPAN_ARG(buf_span(&m->rig.why)));
  CU_ASSERT_FATAL(status == STATUS_OK);
}

/* What was staged but not committed may have been written already: nobody was told, so either is right. */
static void crash(struct model *m, enum sim_stop how) {
  int64_t flushed = store_flushed(m->rig.store);
  size_t known = m->count + m->staged, kept = 0;
  rig_crash(&m->rig, how);
  reopen(m);
  while (kept < known && m->records[kept].end <= store_appended(m->rig.store)) kept++;
  CU_ASSERT(store_appended(m->rig.store) >= flushed);
  if (how == SIM_KILL) CU_ASSERT(kept >= m->count);
  model_cut(m, kept);
}

static void op_restart(struct model *m) {
  uint64_t kind = prng_below(&m->prng, 3);
  if (kind == 0) {
    op_commit(m);
    rig_close(&m->rig);
    CU_ASSERT(!rig_exists(&m->rig, RIG_ROOT "/abort"));
    reopen(m);
  } else {
    crash(m, kind == 1 ? SIM_KILL : SIM_POWER_OFF);
  }
  model_check(m, true);
}

static void model_step(struct model *m) {
  uint64_t kind = prng_below(&m->prng, 1000);
  if (kind < 600) op_put(m);
  else if (kind < 650) op_batch(m);
  else if (kind < 900) op_commit(m);
  else if (kind < 970) rig_run(&m->rig, (int64_t)prng_below(&m->prng, 30));
  else if (kind < 985) rig_run(&m->rig, (int64_t)prng_below(&m->prng, 3000));
  else if (kind < 989) rig_run(&m->rig, (int64_t)prng_below(&m->prng, 100000));
  else if (kind < 992) store_want_flushed(m->rig.store, store_appended(m->rig.store));
  else if (kind < 997) op_restart(m);
  else {
    op_commit(m);
    model_check(m, false);
  }
}

static void model_run(uint64_t seed, int steps) {
  struct model *m = calloc(1, sizeof *m);
  CU_ASSERT_FATAL(m != NULL);
  rig_init(&m->rig, seed);
  prng_init(&m->prng, seed);
  if (prng_chance(&m->prng, 1, 2)) m->rig.config.sync_flush = true;
  if (prng_chance(&m->prng, 1, 2)) m->rig.config.segment_length = 1 << 20;
  if (prng_chance(&m->prng, 1, 2)) {
    m->rig.config.ext = (struct ext_config){true, 512 + (int64_t)prng_below(&m->prng, 2000)};
    m->rig.listener.bitmap = bitmap_put;
  }
  reopen(m);
  for (int i = 0; i < steps; i++) model_step(m);
  op_commit(m);
  model_check(m, true);
  rig_close(&m->rig);
  reopen(m);
  model_check(m, true);
  rig_fini(&m->rig);
  free(m);
}

void test_model(void) {
  const char *only = getenv("MODEL_SEED");
  if (only != NULL) {
    model_run(strtoull(only, NULL, 10), 3000);
    return;
  }
  for (uint64_t seed = 1; seed <= 30; seed++) {
    unsigned failures = CU_get_number_of_failures();
    model_run(seed, 3000);
    if (CU_get_number_of_failures() > failures) printf("    MODEL_SEED=%" PRIu64 "\n", seed);
  }
}
