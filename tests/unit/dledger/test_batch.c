/* SPDX-License-Identifier: Apache-2.0 */
#include "libdledger/message.h"
#include "tests/unit/dledger/suites.h"

static void filled(struct rig *r, int count) {
  rig_init(r, 1);
  rig_must_open(r);
  for (int i = 0; i < count; i++) rig_append(r, (size_t)(i * 3), 1);
}

static struct dl_batch some_batch(struct rig *r, int64_t first) {
  struct dl_batch b = {.group = SPAN_LITERAL("RaftNode00"), .leader_id = SPAN_LITERAL("n0"), .term = 4};
  size_t count;
  b.remote_id = SPAN_LITERAL("n2");
  b.flags = 2;
  b.commit_index = 3;
  b.round = 0x1122334455667788;
  b.prev_index = first - 1;
  b.prev_term = 1;
  b.prev_chain_crc = 77;
  CU_ASSERT_FATAL(ledger_run(r->ledger, first, 700, &b.entries, &count) == STATUS_OK);
  b.count = (uint32_t)count;
  return b;
}

static void put(struct buf *out, const struct dl_batch *b) {
  buf_clear(out);
  dl_batch_write_header(out, b);
  buf_put(out, b->entries);
}

void test_batch_bytes(void) {
  struct rig r;
  struct buf out;
  struct dl_batch back;
  const char *why;
  filled(&r, 12);
  buf_init(&out, 1 << 20);
  struct dl_batch b = some_batch(&r, 2);
  CU_ASSERT(b.count > 5);
  put(&out, &b);
  static const uint8_t expected[] = {'D',  'L',  'B', '1', 2, 10, 2,  2, 0, 0,    0,    0,    0,    0,    0,
                                     4,    0,    0,   0,   0, 0,  0,  0, 3, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66,
                                     0x77, 0x88, 0,   0,   0, 0,  0,  0, 0, 1,    0,    0,    0,    0,    0,
                                     0,    0,    1,   0,   0, 0,  77, 0, 0, 0,    0,    0,    0,    0};
  CU_ASSERT(memcmp(out.ptr, expected, sizeof expected) == 0);
  CU_ASSERT(out.len == DL_BATCH_HEADER + 14 + b.entries.len);
  CU_ASSERT_FATAL(dl_batch_read(&back, buf_span(&out), &why) == STATUS_OK);
  CU_ASSERT(back.term == 4 && back.commit_index == 3 && back.round == b.round && back.prev_index == 1);
  CU_ASSERT(back.prev_term == 1 && back.prev_chain_crc == 77 && back.flags == 2 && back.count == b.count);
  CU_ASSERT(span_is(back.group, "RaftNode00") && span_is(back.leader_id, "n0") && span_is(back.remote_id, "n2"));
  CU_ASSERT(span_equal(back.entries, b.entries));
  struct span rest = back.entries;
  struct entry e, same;
  int64_t index = 2;
  while (dl_batch_next(&rest, &e)) {
    CU_ASSERT(ledger_get(r.ledger, index, &same) == STATUS_OK && entry_equal(&e, &same) &&
              e.chain_crc == same.chain_crc);
    index++;
  }
  CU_ASSERT(rest.len == 0 && index == 2 + b.count);
  b.entries = SPAN_NONE; /* a heartbeat */
  b.count = 0;
  b.prev_index = b.prev_term = -1;
  put(&out, &b);
  CU_ASSERT(dl_batch_read(&back, buf_span(&out), &why) == STATUS_OK && back.entries.len == 0 && back.prev_term == -1);
  buf_fini(&out);
  rig_fini(&r);
}

static void refused(struct span body, enum status expected, const char *because) {
  struct dl_batch back;
  const char *why = NULL;
  CU_ASSERT(dl_batch_read(&back, body, &why) == expected);
  CU_ASSERT_FATAL(why != NULL);
  CU_ASSERT(strstr(why, because) != NULL);
}

void test_batch_refused(void) {
  struct rig r;
  struct buf out;
  filled(&r, 12);
  buf_init(&out, 1 << 20);
  struct dl_batch b = some_batch(&r, 2), wrong;
  put(&out, &b);
  for (size_t n = 0; n < out.len; n++)
    refused(span_of(out.ptr, n), STATUS_INVALID, n < DL_BATCH_HEADER ? "cut" : "add up");
  buf_put_u8(&out, 0);
  refused(buf_span(&out), STATUS_INVALID, "add up");
#define WRONG(field, value, status, because) \
  wrong = b;                                 \
  wrong.field = value;                       \
  put(&out, &wrong);                         \
  refused(buf_span(&out), status, because)
  WRONG(count, b.count + 1, STATUS_INVALID, "another number");
  WRONG(count, b.count - 1, STATUS_INVALID, "another number");
  WRONG(prev_index, 0, STATUS_INVALID, "gap");
  WRONG(prev_index, 2, STATUS_INVALID, "gap");
  WRONG(prev_index, -2, STATUS_INVALID, "impossible");
  WRONG(prev_index, INT64_MAX, STATUS_INVALID, "impossible");
  WRONG(prev_term, -2, STATUS_INVALID, "impossible");
  WRONG(entries, span_from(b.entries, 1), STATUS_INVALID, "no entry");
  WRONG(entries.len, b.entries.len - 1, STATUS_INVALID, "no entry");
  put(&out, &b);
  out.ptr[0] = 'd';
  refused(buf_span(&out), STATUS_INVALID, "not a batch");
  put(&out, &b);
  put_u32(out.ptr + 60, DL_BATCH_BYTES_MAX + 1);
  refused(buf_span(&out), STATUS_LIMIT, "too large");
  buf_fini(&out);
  rig_fini(&r);
}

void test_batch_reply(void) {
  struct dl_batch_reply a = {DL_CODE_INCONSISTENT_STATE, 1, 2, 3, -1, 5, 6, 7}, b;
  struct buf out;
  const char *why;
  buf_init(&out, 1000);
  dl_batch_reply_write(&out, &a);
  CU_ASSERT(out.len == DL_BATCH_REPLY_BYTES);
  CU_ASSERT(dl_batch_reply_read(&b, buf_span(&out), &why) == STATUS_OK);
  CU_ASSERT(b.code == 406 && b.term == 1 && b.begin_index == 2 && b.end_index == 3 && b.match_index == -1);
  CU_ASSERT(b.synced_index == 5 && b.committed_index == 6 && b.round == 7);
  CU_ASSERT(dl_batch_reply_read(&b, span_of(out.ptr, 63), &why) == STATUS_INVALID);
  out.ptr[3] ^= 1;
  CU_ASSERT(dl_batch_reply_read(&b, buf_span(&out), &why) == STATUS_INVALID && why != NULL);
  buf_fini(&out);
}
