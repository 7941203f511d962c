/* SPDX-License-Identifier: Apache-2.0
 *
 * The store's side of replication: bytes of one log become another one.
 */
#include "tests/unit/repl/rig.h"
#include "tests/unit/repl/suites.h"

#include <stdlib.h>

struct two {
  struct sim_world *world;
  struct side master, slave;
  uint8_t *bytes; /* the master's log */
  size_t len;
};

static void two_begin_with(struct two *t, uint64_t seed, int messages) {
  t->world = sim_world_new(seed);
  side_init(&t->master, t->world, "master", SIDE_MASTER);
  side_init(&t->slave, t->world, "slave", SIDE_SLAVE);
  t->slave.config.master = NULL; /* it never connects */
  side_start(&t->master);
  side_start(&t->slave);
  run(t->world, 10);
  side_put(&t->master, messages, 3000);
  t->bytes = log_copy(&t->master, 0, &t->len);
}

static void two_begin(struct two *t, int messages) { two_begin_with(t, 1, messages); }

static void two_end(struct two *t) {
  free(t->bytes);
  side_fini(&t->master);
  side_fini(&t->slave);
  sim_world_free(t->world);
}

/* One append and commit for each piece: what a slave gets is cut anywhere. */
void raw_pieces_of_any_size(void) {
  for (size_t piece = 1; piece < 200000; piece = piece * 3 + 1) {
    struct two t;
    two_begin(&t, 100);
    CU_ASSERT_FATAL(t.len > 2 * SEGMENT);
    size_t limit = piece < 100 ? 10000 : t.len; /* byte by byte is slow */
    size_t at = 0;
    while (at < limit) {
      size_t n = t.len - at < piece ? t.len - at : piece;
      CU_ASSERT_FATAL(side_append(&t.slave, (int64_t)at, span_of(t.bytes + at, n)) == STATUS_OK);
      at += n;
      CU_ASSERT(store_raw_end(t.slave.store) == (int64_t)at);
      CU_ASSERT(store_log_max(t.slave.store) <= (int64_t)at);
    }
    CU_ASSERT(logs_equal(&t.master, &t.slave, 0, store_log_max(t.slave.store)));
    if (limit == t.len) CU_ASSERT(store_log_max(t.slave.store) == (int64_t)t.len);
    two_end(&t);
  }
}

/* Whatever single byte of a record is changed: either the record is refused, or the byte is one that no checksum and no
 * length covers, and then it is copied as it came. Nothing behind a refused record is taken. */
void raw_damage_is_refused(void) {
  struct two t;
  two_begin(&t, 5);
  int64_t second = get_i32(t.bytes);
  size_t refused = 0;
  size_t body = (size_t)second + 88, body_len = (size_t)get_i32(t.bytes + second + 84);
  for (size_t at = (size_t)second; at < (size_t)second + 200; at += 3) {
    side_restart(&t.slave, SIM_EXIT);
    CU_ASSERT(store_log_max(t.slave.store) <= second);
    t.bytes[at] ^= 0x20;
    int64_t end = store_log_max(t.slave.store);
    enum status status = side_append(&t.slave, end, span_of(t.bytes + end, t.len - (size_t)end));
    t.bytes[at] ^= 0x20;
    if (status == STATUS_CORRUPT) {
      refused++;
      CU_ASSERT(store_log_max(t.slave.store) == second);
      CU_ASSERT(strstr(t.slave.last, "offset") != NULL);
    } else {
      CU_ASSERT(status == STATUS_OK && (at < body || at >= body + body_len));
      side_stop(&t.slave, SIM_EXIT);
      struct buf why;
      buf_init(&why, 4096);
      sim_boot(t.slave.host);
      CU_ASSERT_FATAL(store_set_aside(&t.slave.store_config, sim_host_disk(t.slave.host), (int64_t)at, &why) ==
                      STATUS_OK);
      buf_fini(&why);
      side_start(&t.slave);
    }
  }
  CU_ASSERT(refused > 30);
  two_end(&t);
}

void raw_kill_in_the_middle(void) {
  static const enum sim_stop ways[] = {SIM_EXIT, SIM_KILL, SIM_POWER_OFF};
  for (size_t way = 0; way < 3; way++)
    for (size_t cut = 0; cut < 70000; cut += 1777) {
      struct two t;
      two_begin(&t, 60);
      CU_ASSERT_FATAL(side_append(&t.slave, 0, span_of(t.bytes, cut)) == STATUS_OK);
      run(t.world, (int64_t)cut % 3000);
      int64_t before = store_log_max(t.slave.store);
      side_restart(&t.slave, ways[way]);
      int64_t end = store_log_max(t.slave.store);
      CU_ASSERT(end <= before && (end == before || ways[way] == SIM_POWER_OFF));
      CU_ASSERT_FATAL(side_append(&t.slave, end, span_of(t.bytes + end, t.len - (size_t)end)) == STATUS_OK);
      CU_ASSERT(logs_equal(&t.master, &t.slave, 0, (int64_t)t.len));
      two_end(&t);
    }
}

void raw_begins_where_a_file_begins(void) {
  struct two t;
  two_begin(&t, 100);
  CU_ASSERT(side_append(&t.slave, 1000, span_of(t.bytes + 1000, 100)) == STATUS_INVALID);
  CU_ASSERT(strstr(t.slave.last, "mappedFileSizeCommitLog") != NULL);
  struct span rest = span_of(t.bytes + SEGMENT, t.len - SEGMENT);
  CU_ASSERT(side_append(&t.slave, SEGMENT, rest) == STATUS_OK);
  CU_ASSERT(store_log_min(t.slave.store) == SEGMENT);
  CU_ASSERT(logs_equal(&t.master, &t.slave, SEGMENT, (int64_t)t.len));
  side_restart(&t.slave, SIM_KILL);
  CU_ASSERT(store_log_min(t.slave.store) == SEGMENT);
  CU_ASSERT(logs_equal(&t.master, &t.slave, SEGMENT, (int64_t)t.len));
  CU_ASSERT(side_append(&t.slave, 7, rest) == STATUS_INVALID);
  two_end(&t);
}

/* Queues and index are those of the master; a log that begins later has queues that do. */
void raw_queues_are_built(void) {
  static struct get_result got;
  static struct query_result found;
  for (int64_t from = 0; from <= SEGMENT; from += SEGMENT) {
    struct two t;
    two_begin(&t, 100);
    CU_ASSERT(side_append(&t.slave, from, span_of(t.bytes + from, t.len - (size_t)from)) == STATUS_OK);
    struct span topic = SPAN_LITERAL("t");
    for (int32_t q = 0; q < 3; q++) {
      int64_t min = store_queue_min(t.slave.store, topic, q), max = store_queue_max(t.slave.store, topic, q);
      CU_ASSERT(max == store_queue_max(t.master.store, topic, q));
      CU_ASSERT(from == 0 ? min == 0 : min > 0 && min < max);
      CU_ASSERT(store_get(t.slave.store, topic, q, min, 32, 1 << 20, NULL, NULL, &got) == GET_FOUND);
    }
    store_query(t.slave.store, topic, SPAN_LITERAL("k99"), 10, 1 << 20, 0, INT64_MAX, &found);
    CU_ASSERT(found.count == 1);
    two_end(&t);
  }
}

/* The newest record is known after puts, after raw bytes, after each kind of start. */
void raw_last_record(void) {
  struct two t;
  two_begin(&t, 30);
  CU_ASSERT(store_last_record(t.slave.store) == -1);
  int64_t last = store_last_record(t.master.store);
  CU_ASSERT(last + get_i32(t.bytes + last) == (int64_t)t.len);
  CU_ASSERT(side_append(&t.slave, 0, span_of(t.bytes, t.len)) == STATUS_OK);
  CU_ASSERT(store_last_record(t.slave.store) == last);
  static const enum sim_stop ways[] = {SIM_EXIT, SIM_KILL};
  for (size_t i = 0; i < 2; i++) {
    side_restart(&t.slave, ways[i]);
    CU_ASSERT(store_last_record(t.slave.store) == last);
  }
  two_end(&t);
}

/* A master's queue may begin anew, leave numbers out, or be nonsense: the log is copied all the same. */
void raw_odd_queue_offsets(void) {
  static const int64_t offsets[] = {7, 8, 12, 0, 1, -5, INT64_MAX, 2};
  struct two t;
  two_begin(&t, 0);
  uint8_t record[512];
  int64_t at = 0;
  for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
    struct message m = {.topic = SPAN_LITERAL("odd"),
                        .queue_offset = offsets[i],
                        .physical_offset = at,
                        .body = SPAN_LITERAL("b"),
                        .store_ms = 1600000000000 + (int64_t)i,
                        .properties = SPAN_LITERAL("")};
    m.born_host = m.store_host = (struct net_peer){.ip = {10, 0, 0, 1}, .ip_len = 4, .port = 10911};
    message_encode(&m, record);
    CU_ASSERT(side_append(&t.slave, at, span_of(record, message_size(&m))) == STATUS_OK);
    at += (int64_t)message_size(&m);
    static const int64_t max[] = {8, 9, 13, 1, 2, 2, 2, 3};
    CU_ASSERT(store_queue_max(t.slave.store, SPAN_LITERAL("odd"), 0) == max[i]);
  }
  CU_ASSERT(store_log_max(t.slave.store) == at && store_refusal(t.slave.store) == NULL);
  two_end(&t);
}

/* A write that fails may leave a part of its bytes, whole records and a torn one among them. An orderly close must not
 * leave them where the next start takes them for written. */
void raw_failed_write_leaves_nothing(void) {
  for (uint64_t seed = 1; seed <= 30; seed++) {
    struct two t;
    two_begin_with(&t, seed, 20);
    size_t half = (size_t)get_i32(t.bytes);
    CU_ASSERT(side_append(&t.slave, 0, span_of(t.bytes, half)) == STATUS_OK);
    struct sim_disk_fault torn = {.ops = SIM_WRITE, .status = STATUS_NO_SPACE, .torn = true};
    sim_disk_fail(t.slave.host, &torn);
    CU_ASSERT(side_append(&t.slave, (int64_t)half, span_of(t.bytes + half, t.len - half)) == STATUS_NO_SPACE);
    side_restart(&t.slave, SIM_EXIT);
    CU_ASSERT(store_log_max(t.slave.store) == (int64_t)half);
    CU_ASSERT(side_append(&t.slave, (int64_t)half, span_of(t.bytes + half, t.len - half)) == STATUS_OK);
    CU_ASSERT(logs_equal(&t.master, &t.slave, 0, (int64_t)t.len));
    two_end(&t);
  }
}
