/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/dledger/suites.h"

#include <stdlib.h>

void test_entry_bytes(void) {
  uint8_t bytes[64] = {0};
  struct entry e = {ENTRY_MAGIC, ENTRY_HEADER + 5, 7, -1, 4096, 0, 0, 0, SPAN_LITERAL("hello")}, back;
  static const uint8_t expected[ENTRY_HEADER] = {0,   0,   0,   1,   0,   0,   0,   53,  0, 0, 0, 0, 0, 0, 0,  7,
                                                 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 16, 0,
                                                 0,   0,   0,   0,   0,   0,   0,   0,   0, 0, 0, 0, 0, 0, 0,  5};
  entry_encode_header(bytes, &e);
  CU_ASSERT(memcmp(bytes, expected, sizeof expected) == 0);
  memcpy(bytes + ENTRY_HEADER, "hello", 5);
  CU_ASSERT(entry_decode(span_of(bytes, 53), &back) == STATUS_OK && entry_equal(&e, &back));
  CU_ASSERT(entry_decode(span_of(bytes, 52), &back) == STATUS_AGAIN);
  CU_ASSERT(entry_decode(span_of(bytes, 7), &back) == STATUS_AGAIN);
  bytes[47] = 4;
  CU_ASSERT(entry_decode(span_of(bytes, 53), &back) == STATUS_INVALID);
  bytes[3] = 2;
  CU_ASSERT(entry_decode(span_of(bytes, 53), &back) == STATUS_INVALID);
  put_i32(bytes, FILLER_MAGIC);
  CU_ASSERT(entry_decode(span_of(bytes, 53), &back) == STATUS_NOT_FOUND && back.size == 53);
  put_i32(bytes + 4, 7);
  CU_ASSERT(entry_decode(span_of(bytes, 53), &back) == STATUS_INVALID);
}

void test_entry_checksums(void) {
  struct entry e = {ENTRY_MAGIC, ENTRY_HEADER + 5, 7, 3, 4096, 0, 0, 0, SPAN_LITERAL("hello")};
  CU_ASSERT(entry_is_sound(&e, 0) && entry_is_sound(&e, 99)); /* none is there */
  e.body_crc = entry_body_crc(e.body);
  CU_ASSERT(e.body_crc == 0x3610a686); /* UtilAll.crc32("hello") */
  e.chain_crc = entry_chain_crc(&e, 99);
  CU_ASSERT(e.chain_crc > 0 && entry_chain_crc(&e, 98) != e.chain_crc);
  CU_ASSERT(entry_is_sound(&e, 99) && entry_is_sound(&e, -1));
  CU_ASSERT(!entry_is_sound(&e, 98) && !entry_is_sound(&e, 0));
  struct entry wrong = e;
  wrong.body = SPAN_LITERAL("hellp");
  CU_ASSERT(!entry_is_sound(&wrong, -1) && !entry_equal(&wrong, &e));
  wrong = e;
  wrong.term = 4;
  CU_ASSERT(!entry_is_sound(&wrong, 99) && !entry_equal(&wrong, &e));
  wrong = e;
  wrong.chain_crc = wrong.body_crc = 0;
  CU_ASSERT(entry_equal(&wrong, &e)); /* as Java compares */
}

void test_append_one(void) {
  struct rig r;
  struct entry e;
  rig_init(&r, 1);
  rig_must_open(&r);
  CU_ASSERT(r.marks->begin_index == -1 && r.marks->end_index == -1 && r.marks->end_term == -1);
  CU_ASSERT(r.marks->end_pos == 0 && r.marks->next_index == 0 && r.marks->term == -1 && r.marks->vote[0] == '\0');
  CU_ASSERT(rig_stage(&r, 100, 0) == STATUS_OK);
  CU_ASSERT(ledger_is_staged(r.ledger) && ledger_get(r.ledger, 0, &e) == STATUS_NOT_FOUND);
  CU_ASSERT(r.marks->end_index == -1);
  CU_ASSERT(ledger_commit(r.ledger) == STATUS_OK && !ledger_is_staged(r.ledger));
  CU_ASSERT(r.marks->begin_index == 0 && r.marks->end_index == 0 && r.marks->end_term == 0);
  CU_ASSERT(r.marks->begin_pos == 0 && r.marks->end_pos == 148 && r.marks->synced_index == -1);
  CU_ASSERT(ledger_get(r.ledger, 0, &e) == STATUS_OK && e.body.len == 100 && e.pos == 0 && e.chain_crc != 0);
  CU_ASSERT(ledger_commit(r.ledger) == STATUS_OK && r.marks->end_index == 0);
  rig_check(&r);
  rig_fini(&r);
}

/* The caller learns the position and completes the body afterwards; the checksum is of what it became. */
void test_append_in_place(void) {
  struct rig r;
  int64_t index, pos, next;
  uint8_t *body, *other;
  struct entry e;
  rig_init(&r, 1);
  rig_must_open(&r);
  rig_append(&r, 10, -1);
  CU_ASSERT(ledger_stage(r.ledger, 8, -1, &index, &pos, &body) == STATUS_OK && index == 1 && pos == 58);
  put_i64(body, pos + ENTRY_HEADER);
  CU_ASSERT(ledger_stage(r.ledger, 0, 5, &index, &next, &other) == STATUS_OK && index == 2 && next == pos + 56);
  CU_ASSERT(ledger_commit(r.ledger) == STATUS_OK);
  CU_ASSERT(ledger_get_checked(r.ledger, 1, &e) == STATUS_OK && get_i64(e.body.ptr) == 106);
  CU_ASSERT(e.body_crc == entry_body_crc(e.body) && e.term == -1);
  CU_ASSERT(ledger_get_checked(r.ledger, 2, &e) == STATUS_OK && e.body.len == 0 && e.term == 5);
  rig_fini(&r);
}

/* What fits needs 8 bytes behind it; else a filler says how much is left. */
void test_append_fillers(void) {
  for (size_t last = 0; last < 20; last++) {
    struct rig r;
    struct entry e;
    rig_init(&r, last);
    rig_must_open(&r);
    rig_append(&r, 800, 1); /* 848: 176 left */
    size_t size = 120 + last - 8;
    rig_append(&r, size, 1);
    bool fits = 48 + size + 8 <= 176;
    CU_ASSERT(ledger_get(r.ledger, 1, &e) == STATUS_OK && e.pos == (fits ? 848 : 1024));
    rig_append(&r, 500, 1);
    CU_ASSERT(ledger_get(r.ledger, 2, &e) == STATUS_OK);
    CU_ASSERT(e.pos == (fits ? 1024 : 1024 + 48 + (int64_t)size));
    rig_check(&r);
    struct buf file = rig_file(&r, "data/00000000000000000000");
    size_t end = fits ? 848 + 48 + size : 848;
    CU_ASSERT_FATAL(file.len == 1024);
    CU_ASSERT(get_i32(file.ptr + end) == -1 && get_i32(file.ptr + end + 4) == (int32_t)(1024 - end));
    for (size_t i = end + 8; i < 1024; i++) CU_ASSERT(file.ptr[i] == 0);
    buf_fini(&file);
    rig_fini(&r);
  }
}

/* More in one turn than stage and tail hold. */
void test_append_many(void) {
  struct rig r;
  rig_init(&r, 1);
  r.options.data_file_length = 1 << 22;
  r.options.index_file_length = 1 << 14;
  rig_must_open(&r);
  for (int i = 0; i < 10000; i++) CU_ASSERT_FATAL(rig_stage(&r, (size_t)(i % 1700), i / 1000) == STATUS_OK);
  CU_ASSERT(r.marks->end_index == -1);
  CU_ASSERT(ledger_commit(r.ledger) == STATUS_OK && r.marks->end_index == 9999 && r.marks->end_term == 9);
  rig_check(&r);
  rig_run(&r, 10000);
  rig_check(&r);
  rig_fini(&r);
}

void test_append_follower(void) {
  struct rig leader, follower;
  rig_init(&leader, 1);
  rig_init(&follower, 2);
  rig_must_open(&leader);
  rig_must_open(&follower);
  for (int i = 0; i < 40; i++) rig_append(&leader, (size_t)(i * 17 % 500), i / 10);
  rig_copy(&follower, &leader, 0);
  rig_check(&follower);
  rig_same_data(&leader, &follower);
  CU_ASSERT(follower.marks->end_index == 39 && follower.marks->end_term == 3);
  /* It goes on as a leader. */
  rig_append(&follower, 100, 5);
  rig_copy(&leader, &follower, 40);
  rig_check(&leader);
  rig_same_data(&leader, &follower);
  rig_fini(&leader);
  rig_fini(&follower);
}

static void refused(struct rig *r, struct entry e, enum status expected, const char *because) {
  const char *why = "";
  enum status status = ledger_append(r->ledger, &e, &why);
  if (status != expected || strstr(why, because) == NULL) printf("    got %s: %s\n", status_text(status), why);
  CU_ASSERT(status == expected && strstr(why, because) != NULL);
  CU_ASSERT(!ledger_is_staged(r->ledger));
}

void test_append_follower_refuses(void) {
  struct rig leader, r;
  struct entry good, e;
  const char *why;
  rig_init(&leader, 1);
  rig_init(&r, 2);
  rig_must_open(&leader);
  rig_must_open(&r);
  for (int i = 0; i < 3; i++) rig_append(&leader, 240, 2);
  rig_copy(&r, &leader, 0);
  rig_append(&leader, 240, 2); /* in the second file */
  CU_ASSERT_FATAL(ledger_get(leader.ledger, 3, &good) == STATUS_OK && good.pos == 1024);
#define WITH(field, value) \
  e = good;                \
  e.field = value
  WITH(index, 4);
  refused(&r, e, STATUS_INVALID, "next index");
  WITH(index, 2);
  refused(&r, e, STATUS_INVALID, "next index");
  WITH(term, 1);
  refused(&r, e, STATUS_INVALID, "term");
  WITH(pos, 864);
  refused(&r, e, STATUS_INVALID, "position");
  WITH(pos, 2048);
  refused(&r, e, STATUS_INVALID, "position");
  WITH(magic, 2);
  refused(&r, e, STATUS_INVALID, "not an entry");
  WITH(size, 300);
  refused(&r, e, STATUS_INVALID, "not an entry");
  WITH(body_crc, 5);
  refused(&r, e, STATUS_CORRUPT, "checksum");
  WITH(chain_crc, 5);
  refused(&r, e, STATUS_CORRUPT, "differ");
  WITH(term, 3); /* chained in another term */
  refused(&r, e, STATUS_CORRUPT, "differ");
  WITH(channel, 1);
  refused(&r, e, STATUS_CORRUPT, "checksum");
  /* As Java makes them. */
  WITH(chain_crc, 0);
  e.body_crc = 0;
  CU_ASSERT(ledger_append(r.ledger, &e, &why) == STATUS_OK && ledger_commit(r.ledger) == STATUS_OK);
  rig_check(&r);
  CU_ASSERT(ledger_get(r.ledger, 3, &e) == STATUS_OK && e.chain_crc == 0 && e.body_crc == 0);
  rig_append(&r, 10, 2);
  rig_check(&r);
  rig_fini(&leader);
  rig_fini(&r);
}

void test_append_limits(void) {
  struct rig r;
  int64_t index, pos;
  uint8_t *body;
  rig_init(&r, 1);
  rig_must_open(&r);
  CU_ASSERT(ledger_stage(r.ledger, RIG_DATA_LENGTH - 56, 0, &index, &pos, &body) == STATUS_OK);
  CU_ASSERT(ledger_stage(r.ledger, RIG_DATA_LENGTH - 55, 0, &index, &pos, &body) == STATUS_LIMIT);
  CU_ASSERT(ledger_is_staged(r.ledger)); /* a refusal takes nothing back */
  rig_fini(&r);
  rig_init(&r, 1);
  r.options.data_file_length = 3 * ENTRY_SIZE_MAX;
  rig_must_open(&r);
  CU_ASSERT(ledger_stage(r.ledger, ENTRY_BODY_MAX + 1, 0, &index, &pos, &body) == STATUS_LIMIT);
  rig_append(&r, ENTRY_BODY_MAX, 0);
  rig_append(&r, ENTRY_BODY_MAX, 0);
  rig_append(&r, ENTRY_BODY_MAX, 0);
  rig_check(&r);
  rig_fini(&r);
}

void test_append_rollback(void) {
  struct rig r;
  rig_init(&r, 1);
  rig_must_open(&r);
  rig_append(&r, 100, 1);
  for (int i = 0; i < 30; i++) CU_ASSERT(rig_stage(&r, 300, 2) == STATUS_OK); /* several files begun */
  ledger_rollback(r.ledger);
  CU_ASSERT(!ledger_is_staged(r.ledger) && r.marks->next_index == 1 && r.marks->end_term == 1);
  rig_append(&r, 50, 1);
  rig_append(&r, 700, 1);
  rig_append(&r, 700, 1);
  rig_check(&r);
  /* What had been written early is gone. */
  static const char *const files[] = {"data/00000000000000001024", "data/00000000000000002048",
                                      "data/00000000000000003072", "data/00000000000000008192"};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    struct buf file = rig_file(&r, files[i]);
    CU_ASSERT(file.len == RIG_DATA_LENGTH);
    for (size_t at = i == 0 ? (size_t)(r.marks->end_pos - 1024) : 0; at < file.len; at++) CU_ASSERT(file.ptr[at] == 0);
    buf_fini(&file);
  }
  rig_crash(&r, SIM_KILL);
  rig_must_open(&r);
  CU_ASSERT(r.marks->end_index == 3);
  rig_check(&r);
  rig_fini(&r);
}

/* Any write, file or sync of names may fail at any time: nothing counts then, and it goes on afterwards. */
void test_append_failing_disk(void) {
  for (uint64_t after = 0; after < 40; after++) {
    struct rig r;
    struct sim_disk_fault fault = {SIM_WRITE | SIM_OPEN | SIM_NAMES, after, STATUS_NO_SPACE, true, false};
    rig_init(&r, after);
    rig_must_open(&r);
    rig_append(&r, 100, 0);
    sim_disk_fail(r.host, &fault);
    int failures = 0;
    for (int i = 0; i < 24; i++) {
      int64_t end = r.marks->end_index;
      enum status status = rig_stage(&r, 300, i);
      if (status == STATUS_OK) status = rig_stage(&r, 10, i);
      if (status == STATUS_OK) status = ledger_commit(r.ledger);
      CU_ASSERT(status == STATUS_OK || status == STATUS_NO_SPACE);
      CU_ASSERT(r.marks->end_index == (status == STATUS_OK ? end + 2 : end) && !ledger_is_staged(r.ledger));
      failures += status != STATUS_OK;
    }
    CU_ASSERT(failures == 1 || after > 30);
    sim_disk_fail(r.host, NULL);
    rig_check(&r);
    int64_t end = r.marks->end_index;
    rig_crash(&r, SIM_KILL);
    rig_must_open(&r);
    CU_ASSERT(r.marks->end_index == end);
    rig_check(&r);
    rig_fini(&r);
  }
}

/* Mixed mode: the data begins where an old commit log ends. */
void test_append_first_pos(void) {
  struct rig r;
  struct entry e;
  rig_init(&r, 1);
  r.options.first_pos = 3 * RIG_DATA_LENGTH;
  rig_must_open(&r);
  rig_append(&r, 100, 1);
  CU_ASSERT(ledger_get(r.ledger, 0, &e) == STATUS_OK && e.pos == 3072);
  CU_ASSERT(rig_exists(&r, "data/00000000000000003072"));
  rig_check(&r);
  rig_crash(&r, SIM_KILL);
  r.options.first_pos = 0; /* known from the files now */
  rig_must_open(&r);
  rig_check(&r);
  CU_ASSERT(r.marks->begin_pos == 3072 && r.marks->end_index == 0);
  rig_fini(&r);
}

void test_read_find_and_view(void) {
  struct rig r;
  struct span bytes;
  int64_t index;
  rig_init(&r, 1);
  rig_must_open(&r);
  CU_ASSERT(ledger_find(r.ledger, 0, &index) == STATUS_NOT_FOUND);
  CU_ASSERT(ledger_view(r.ledger, 0, &bytes) == STATUS_NOT_FOUND);
  rig_append(&r, 700, 1);
  rig_append(&r, 700, 1);
  CU_ASSERT(ledger_find(r.ledger, 800, &index) == STATUS_OK && index == 1); /* the filler */
  CU_ASSERT(ledger_find(r.ledger, r.marks->end_pos, &index) == STATUS_NOT_FOUND);
  CU_ASSERT(ledger_view(r.ledger, 748, &bytes) == STATUS_OK && bytes.len == 1024 - 748 && get_i32(bytes.ptr) == -1);
  CU_ASSERT(ledger_view(r.ledger, 1030, &bytes) == STATUS_OK && bytes.len == 748 - 6);
  rig_fini(&r);
}
