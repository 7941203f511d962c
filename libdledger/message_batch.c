/* SPDX-License-Identifier: Apache-2.0
 *
 * Our binary form: entries as they lie on disk, many at once.
 */
#include "libdledger/message.h"

#include <assert.h>

void dl_batch_write_header(struct buf *out, const struct dl_batch *b) {
  assert(b->group.len <= DL_NAME_MAX && b->leader_id.len <= DL_NAME_MAX && b->remote_id.len <= DL_NAME_MAX);
  assert(b->entries.len <= DL_BATCH_BYTES_MAX);
  uint8_t *p = buf_reserve(out, DL_BATCH_HEADER);
  if (p == NULL) return;
  put_u32(p, DL_BATCH_MAGIC);
  p[4] = b->flags;
  p[5] = (uint8_t)b->group.len;
  p[6] = (uint8_t)b->leader_id.len;
  p[7] = (uint8_t)b->remote_id.len;
  put_i64(p + 8, b->term);
  put_i64(p + 16, b->commit_index);
  put_u64(p + 24, b->round);
  put_i64(p + 32, b->prev_index);
  put_i64(p + 40, b->prev_term);
  put_i32(p + 48, b->prev_chain_crc);
  put_u32(p + 52, 0);
  put_u32(p + 56, b->count);
  put_u32(p + 60, (uint32_t)b->entries.len);
  out->len += DL_BATCH_HEADER;
  buf_put(out, b->group);
  buf_put(out, b->leader_id);
  buf_put(out, b->remote_id);
}

bool dl_batch_next(struct span *rest, struct entry *out) {
  if (rest->len == 0 || entry_decode(*rest, out) != STATUS_OK) return false;
  *rest = span_from(*rest, (size_t)out->size);
  return true;
}

static const char *entries_check(const struct dl_batch *b) {
  struct span rest = b->entries;
  struct entry e;
  uint32_t count = 0;
  while (dl_batch_next(&rest, &e)) {
    if (e.index != b->prev_index + 1 + (int64_t)count++) return "a batch's entries have a gap";
  }
  if (rest.len > 0) return "a batch holds something that is no entry";
  return count == b->count ? NULL : "a batch holds another number of entries than it says";
}

enum status dl_batch_read(struct dl_batch *b, struct span body, const char **why) {
  *b = (struct dl_batch){0};
  *why = "a batch is cut off";
  if (body.len < DL_BATCH_HEADER) return STATUS_INVALID;
  const uint8_t *p = body.ptr;
  *why = "not a batch, or of another version";
  if (get_u32(p) != DL_BATCH_MAGIC) return STATUS_INVALID;
  size_t group = p[5], leader = p[6], remote = p[7], entries = get_u32(p + 60);
  b->flags = p[4];
  b->term = get_i64(p + 8);
  b->commit_index = get_i64(p + 16);
  b->round = get_u64(p + 24);
  b->prev_index = get_i64(p + 32);
  b->prev_term = get_i64(p + 40);
  b->prev_chain_crc = get_i32(p + 48);
  b->count = get_u32(p + 56);
  *why = "a batch is too large";
  if (entries > DL_BATCH_BYTES_MAX) return STATUS_LIMIT;
  *why = "a batch's lengths do not add up";
  if (body.len != DL_BATCH_HEADER + group + leader + remote + entries) return STATUS_INVALID;
  *why = "a batch begins at an impossible entry";
  if (b->prev_index < -1 || b->prev_index > INT64_MAX / 2 || b->prev_term < -1 || get_u32(p + 52) != 0)
    return STATUS_INVALID;
  p += DL_BATCH_HEADER;
  b->group = span_of(p, group);
  b->leader_id = span_of(p + group, leader);
  b->remote_id = span_of(p + group + leader, remote);
  b->entries = span_of(p + group + leader + remote, entries);
  *why = entries_check(b);
  return *why == NULL ? STATUS_OK : STATUS_INVALID;
}

void dl_batch_reply_write(struct buf *out, const struct dl_batch_reply *r) {
  uint8_t *p = buf_reserve(out, DL_BATCH_REPLY_BYTES);
  if (p == NULL) return;
  put_u32(p, DL_BATCH_REPLY_MAGIC);
  put_i32(p + 4, r->code);
  put_i64(p + 8, r->term);
  put_i64(p + 16, r->begin_index);
  put_i64(p + 24, r->end_index);
  put_i64(p + 32, r->match_index);
  put_i64(p + 40, r->synced_index);
  put_i64(p + 48, r->committed_index);
  put_u64(p + 56, r->round);
  out->len += DL_BATCH_REPLY_BYTES;
}

enum status dl_batch_reply_read(struct dl_batch_reply *r, struct span body, const char **why) {
  *r = (struct dl_batch_reply){0};
  *why = "not an answer to a batch";
  if (body.len != DL_BATCH_REPLY_BYTES || get_u32(body.ptr) != DL_BATCH_REPLY_MAGIC) return STATUS_INVALID;
  const uint8_t *p = body.ptr;
  *r = (struct dl_batch_reply){.code = get_i32(p + 4),
                               .term = get_i64(p + 8),
                               .begin_index = get_i64(p + 16),
                               .end_index = get_i64(p + 24),
                               .match_index = get_i64(p + 32),
                               .synced_index = get_i64(p + 40),
                               .committed_index = get_i64(p + 48),
                               .round = get_u64(p + 56)};
  *why = NULL;
  return STATUS_OK;
}
