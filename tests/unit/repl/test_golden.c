/* SPDX-License-Identifier: Apache-2.0
 *
 * What a Java 4.7.0 master and slave said to each other: our master says the
 * same to that slave, our slave understands that master.
 */
#include "tests/golden/golden.h"
#include "tests/unit/repl/rig.h"
#include "tests/unit/repl/suites.h"

#include <stdlib.h>

enum { ROWS_MAX = 64, SLACK_MS = 20, JAVA_WAITS_MS = 5010, FIRST = 131072, RESUMED = 198280, END = 288914 };

struct row {
  int64_t ms, offset;
  bool report;
  struct span hex; /* owned */
};

struct talk {
  struct row rows[ROWS_MAX];
  size_t count;
};

static void talk_read(struct talk *t, const char *name) {
  struct golden g;
  const struct json *record;
  t->count = 0;
  CU_ASSERT_FATAL(golden_open(&g, name));
  while ((record = golden_next(&g)) != NULL) {
    CU_ASSERT_FATAL(t->count < ROWS_MAX);
    struct span hex = golden_hex(&g, record, "hex");
    uint8_t *copy = malloc(hex.len);
    CU_ASSERT_FATAL(copy != NULL && hex.len > 0);
    memcpy(copy, hex.ptr, hex.len);
    t->rows[t->count++] = (struct row){json_i64(json_member(record, "ms"), -1),
                                       json_i64(json_member(record, "offset"), -1),
                                       span_is(golden_text(record, "kind"), "report"), span_of(copy, hex.len)};
  }
  golden_close(&g);
}

static void talk_free(struct talk *t) {
  for (size_t i = 0; i < t->count; i++) free((void *)(uintptr_t)t->rows[i].hex.ptr);
}

static struct span body_of(const struct row *r) { return span_from(r->hex, HA_HEADER_SIZE); }

/* All bytes of the log that a talk carried, from its first frame on. */
static void bytes_of(const struct talk *t, struct buf *out) {
  buf_init(out, 1 << 20);
  int64_t next = -1;
  for (size_t i = 0; i < t->count; i++) {
    const struct row *r = &t->rows[i];
    if (r->report || body_of(r).len == 0) continue;
    CU_ASSERT_FATAL(next < 0 || r->offset == next);
    next = r->offset + (int64_t)body_of(r).len;
    buf_put(out, body_of(r));
  }
}

/* ---- our master ---- */

struct scene {
  struct sim_world *world;
  struct side master;
  struct wire slave;
  int64_t start_ms; /* of the first report */
};

static void scene_begin(struct scene *s, struct span log) {
  s->world = sim_world_new(1);
  *sim_conditions(s->world) = (struct sim_conditions){
      .latency_min_ms = 1, .latency_max_ms = 1, .window = 1 << 20, .give_up_ms = 900000};
  side_init(&s->master, s->world, "master", SIDE_MASTER);
  wire_init(&s->slave, s->world, "slave");
  side_start(&s->master);
  run(s->world, 1);
  CU_ASSERT_FATAL(side_append(&s->master, FIRST, log) == STATUS_OK);
}

static void scene_end(struct scene *s) {
  wire_fini(&s->slave);
  side_fini(&s->master);
  sim_world_free(s->world);
}

/* As Java's: the first report comes five seconds after the connection. */
static void scene_connect(struct scene *s) {
  wire_connect(&s->slave, &s->master);
  run(s->world, JAVA_WAITS_MS);
  s->start_ms = sim_now(s->world);
}

static bool same_as_came(struct scene *s, const struct row *r) {
  struct buf *in = &s->slave.in;
  bool same = in->len >= r->hex.len && memcmp(in->ptr, r->hex.ptr, r->hex.len) == 0;
  if (!same)
    printf("    at %lld: want offset %lld and %zu bytes, %zu came, offset %lld\n", (long long)r->ms,
           (long long)r->offset, r->hex.len, in->len, (long long)(in->len >= 12 ? get_i64(in->ptr) : -1));
  buf_drop_front(in, same ? r->hex.len : in->len);
  return same;
}

/* Plays rows [from, to): what the slave reported is sent, what the master sent must come from ours. Bytes that are new
 * to our master are appended when the Java master had got them. */
static void play(struct scene *s, const struct talk *t, size_t from, size_t to) {
  for (size_t i = from; i < to; i++) {
    const struct row *r = &t->rows[i];
    if (r->ms + s->start_ms > sim_now(s->world)) sim_run_until(s->world, r->ms + s->start_ms);
    if (r->report) {
      wire_report(&s->slave, r->offset);
      continue;
    }
    /* A burst is one append: the frames are cut by our master. */
    struct buf fresh;
    buf_init(&fresh, 1 << 20);
    size_t last = i;
    int64_t end = store_log_max(s->master.store);
    for (size_t j = i; j < to && t->rows[j].ms <= r->ms + 1; j++)
      if (!t->rows[j].report && t->rows[j].offset >= end) {
        buf_put(&fresh, body_of(&t->rows[j]));
        last = j;
      }
    if (fresh.len > 0) CU_ASSERT(side_append(&s->master, end, buf_span(&fresh)) == STATUS_OK);
    buf_fini(&fresh);
    run(s->world, SLACK_MS);
    for (size_t j = i; j <= last; j++)
      if (!t->rows[j].report) CU_ASSERT(same_as_came(s, &t->rows[j]));
    for (size_t j = i; j <= last; j++)
      if (t->rows[j].report) wire_report(&s->slave, t->rows[j].offset);
    i = last;
  }
  CU_ASSERT(s->slave.in.len == 0);
}

void java_slave_fresh(void) {
  struct talk t;
  struct scene s;
  talk_read(&t, "ha/fresh.jsonl");
  scene_begin(&s, body_of(&t.rows[2]));
  scene_connect(&s);
  play(&s, &t, 0, t.count);
  CU_ASSERT(s.master.repl->ops->replicated(s.master.repl) == RESUMED);
  CU_ASSERT(store_log_max(s.master.store) == END);
  scene_end(&s);
  talk_free(&t);
}

void java_slave_resumes(void) {
  struct talk fresh, t;
  struct scene s;
  struct buf log;
  talk_read(&fresh, "ha/fresh.jsonl");
  talk_read(&t, "ha/resume.jsonl");
  bytes_of(&fresh, &log);
  scene_begin(&s, buf_span(&log));
  scene_connect(&s);
  /* The last reports came 20 s before the end of the record. */
  size_t count = t.count;
  while (t.rows[count - 1].ms > 20500) count--;
  play(&s, &t, 0, count);
  CU_ASSERT(s.master.repl->ops->replicated(s.master.repl) == END);
  scene_end(&s);
  buf_fini(&log);
  talk_free(&fresh);
  talk_free(&t);
}

/* expected.json, "scripted": the first frame for a first report. Our log begins at FIRST, as if what was before had
 * been removed. */
void java_slave_asks_for_odd_places(void) {
  static const struct {
    int64_t report, offset;
    int size;
  } cases[] = {{0, 262144, 26770},      {198280, 198280, 32768},
               {198317, 198317, 32768}, {288913, 288913, 1},
               {288914, 288914, 0},     {288915, 288915, 0},
               {944274, 944274, 0},     {-5, -5, 0},
               {131072, 131072, 32768}, {1, 1, 0},
               {196600, 196600, 8}};
  struct talk t;
  struct scene s;
  struct buf log;
  talk_read(&t, "ha/fresh.jsonl");
  bytes_of(&t, &log);
  scene_begin(&s, buf_span(&log));
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    int64_t offset = 0;
    struct span body = SPAN_NONE;
    wire_connect(&s.slave, &s.master);
    wire_report(&s.slave, cases[i].report);
    run(s.world, cases[i].size > 0 ? 100 : JAVA_WAITS_MS);
    CU_ASSERT(wire_take_frame(&s.slave, &offset, &body));
    CU_ASSERT(offset == cases[i].offset && body.len == (size_t)cases[i].size);
  }
  scene_end(&s);
  buf_fini(&log);
  talk_free(&t);
}

/* ---- our slave ---- */

struct mirror {
  struct sim_world *world;
  struct wire master;
  struct side slave;
};

static void mirror_begin(struct mirror *m, struct span log) {
  m->world = sim_world_new(1);
  wire_init(&m->master, m->world, "master");
  side_init(&m->slave, m->world, "slave", SIDE_SLAVE);
  m->slave.config.master = "10.0.0.1:10912";
  wire_listen(&m->master);
  side_start(&m->slave);
  if (log.len > 0) CU_ASSERT_FATAL(side_append(&m->slave, FIRST, log) == STATUS_OK);
  run(m->world, 1200);
  CU_ASSERT_FATAL(m->master.open);
}

static void mirror_end(struct mirror *m) {
  side_fini(&m->slave);
  wire_fini(&m->master);
  sim_world_free(m->world);
}

static int64_t last_frame_of_burst(const struct talk *t, size_t *i) {
  while (*i + 1 < t->count && t->rows[*i + 1].ms <= t->rows[*i].ms + 1 && !t->rows[*i + 1].report &&
         t->rows[*i + 1].hex.len > HA_HEADER_SIZE)
    ++*i;
  return t->rows[*i].offset + (int64_t)body_of(&t->rows[*i]).len;
}

/* The master's rows are sent; after each burst our slave has reported all of it. */
static void play_master(struct mirror *m, const struct talk *t) {
  for (size_t i = 0; i < t->count; i++) {
    const struct row *r = &t->rows[i];
    if (r->report) continue;
    size_t first = i;
    int64_t end = last_frame_of_burst(t, &i);
    for (size_t j = first; j <= i; j++) wire_send(&m->master, t->rows[j].hex);
    run(m->world, SLACK_MS);
    if (r->hex.len == HA_HEADER_SIZE) continue;
    CU_ASSERT(wire_last_report(&m->master) == end);
    CU_ASSERT(store_log_max(m->slave.store) == end);
  }
}

static void check_log(struct side *s, const struct buf *want) {
  size_t len;
  uint8_t *have = log_copy(s, FIRST, &len);
  CU_ASSERT(len == want->len && memcmp(have, want->ptr, len) == 0);
  free(have);
}

void java_master_fresh(void) {
  struct talk t;
  struct mirror m;
  struct buf log;
  talk_read(&t, "ha/fresh.jsonl");
  bytes_of(&t, &log);
  mirror_begin(&m, SPAN_NONE);
  /* A greeting that Java does not see, and the report that it does. */
  CU_ASSERT(m.master.in.len == 2 * HA_REPORT_SIZE && get_i64(m.master.in.ptr) == ha_hello(1));
  CU_ASSERT(wire_last_report(&m.master) == 0);
  play_master(&m, &t);
  CU_ASSERT(store_log_min(m.slave.store) == FIRST);
  check_log(&m.slave, &log);
  run(m.world, 5000);
  CU_ASSERT(wire_last_report(&m.master) == END); /* keepalive */
  mirror_end(&m);
  buf_fini(&log);
  talk_free(&t);
}

void java_master_resume(void) {
  struct talk fresh, t;
  struct mirror m;
  struct buf log;
  talk_read(&fresh, "ha/fresh.jsonl");
  talk_read(&t, "ha/resume.jsonl");
  bytes_of(&fresh, &log);
  mirror_begin(&m, span_of(log.ptr, RESUMED - FIRST));
  int64_t asked = wire_last_report(&m.master);
  CU_ASSERT(asked < RESUMED && asked == store_last_record(m.slave.store));
  /* What it has is sent first, to be compared, in two frames; nothing is claimed before. */
  struct span overlap = span_of(log.ptr + (asked - FIRST), (size_t)(RESUMED - asked));
  wire_frame(&m.master, asked, span_of(overlap.ptr, 10));
  run(m.world, 100);
  CU_ASSERT(wire_last_report(&m.master) == -1);
  wire_frame(&m.master, asked + 10, span_from(overlap, 10));
  run(m.world, 100);
  CU_ASSERT(wire_last_report(&m.master) == RESUMED);
  play_master(&m, &t);
  check_log(&m.slave, &log);
  mirror_end(&m);
  buf_fini(&log);
  talk_free(&fresh);
  talk_free(&t);
}
