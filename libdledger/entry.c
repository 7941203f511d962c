/* SPDX-License-Identifier: Apache-2.0 */
#include "libdledger/entry.h"
#include "core/wire/message.h" /* body_crc32 */

enum status entry_decode(struct span input, struct entry *out) {
  *out = (struct entry){0};
  if (input.len < FILLER_SIZE_MIN) return STATUS_AGAIN;
  out->magic = get_i32(input.ptr);
  out->size = get_i32(input.ptr + 4);
  if (out->magic == FILLER_MAGIC) return out->size >= FILLER_SIZE_MIN ? STATUS_NOT_FOUND : STATUS_INVALID;
  if (out->magic != ENTRY_MAGIC || out->size < ENTRY_HEADER || out->size > ENTRY_SIZE_MAX) return STATUS_INVALID;
  if (input.len < (size_t)out->size) return STATUS_AGAIN;
  const uint8_t *p = input.ptr;
  out->index = get_i64(p + 8);
  out->term = get_i64(p + 16);
  out->pos = get_i64(p + 24);
  out->channel = get_i32(p + 32);
  out->chain_crc = get_i32(p + 36);
  out->body_crc = get_i32(p + 40);
  if (get_i32(p + 44) != out->size - ENTRY_HEADER) return STATUS_INVALID;
  out->body = span_of(p + ENTRY_HEADER, (size_t)out->size - ENTRY_HEADER);
  return STATUS_OK;
}

void entry_encode_header(uint8_t out[ENTRY_HEADER], const struct entry *e) {
  put_i32(out, e->magic);
  put_i32(out + 4, e->size);
  put_i64(out + 8, e->index);
  put_i64(out + 16, e->term);
  put_i64(out + 24, e->pos);
  put_i32(out + 32, e->channel);
  put_i32(out + 36, e->chain_crc);
  put_i32(out + 40, e->body_crc);
  put_i32(out + 44, (int32_t)e->body.len);
}

/* 0 means that there is none. */
static int32_t crc_of(struct span bytes) {
  int32_t crc = body_crc32(bytes);
  return crc == 0 ? 1 : crc;
}

int32_t entry_body_crc(struct span body) { return crc_of(body); }

int32_t entry_chain_crc(const struct entry *e, int32_t previous) {
  uint8_t header[ENTRY_HEADER];
  struct entry linked = *e;
  linked.chain_crc = previous;
  entry_encode_header(header, &linked);
  return crc_of(span_of(header, sizeof header));
}

bool entry_is_sound(const struct entry *e, int32_t previous) {
  if (e->chain_crc != 0 && previous >= 0 && e->chain_crc != entry_chain_crc(e, previous)) return false;
  return e->body_crc == 0 || e->body_crc == entry_body_crc(e->body);
}

bool entry_equal(const struct entry *a, const struct entry *b) {
  return a->magic == b->magic && a->size == b->size && a->index == b->index && a->term == b->term && a->pos == b->pos &&
         a->channel == b->channel && span_equal(a->body, b->body);
}
