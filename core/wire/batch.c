/* SPDX-License-Identifier: Apache-2.0
 *
 * The batch body: MessageDecoder.encodeMessage, decodeMessage.
 */
#include "core/wire/message.h"

enum {
  SIZE_AT = 0,
  FLAG_AT = 12, /* magic and CRC before it are sent as 0 and not looked at */
  BODY_LENGTH_AT = 16,
  BODY_AT = 20,
  PROPERTIES_LENGTH_SIZE = 2,
  ITEM_SIZE_MIN = BODY_AT + PROPERTIES_LENGTH_SIZE
};

void batch_item_encode(const struct batch_item *item, struct buf *out) {
  size_t size = ITEM_SIZE_MIN + item->body.len + item->properties.len;
  if (size > INT32_MAX || item->properties.len > PROPERTIES_LENGTH_MAX) {
    out->failed = true;
    return;
  }
  buf_put_u32(out, (uint32_t)size);
  buf_put_u32(out, 0);
  buf_put_u32(out, 0);
  buf_put_u32(out, (uint32_t)item->flag);
  buf_put_u32(out, (uint32_t)item->body.len);
  buf_put(out, item->body);
  buf_put_u16(out, (uint16_t)item->properties.len);
  buf_put(out, item->properties);
}

enum status batch_next(struct span batch_body, size_t *at, struct batch_item *out) {
  if (*at >= batch_body.len) return STATUS_NOT_FOUND;
  struct span rest = span_from(batch_body, *at);
  if (rest.len < ITEM_SIZE_MIN) return STATUS_INVALID;
  uint32_t size = get_u32(rest.ptr + SIZE_AT), body_length = get_u32(rest.ptr + BODY_LENGTH_AT);
  if (size < ITEM_SIZE_MIN || size > rest.len || body_length > size - ITEM_SIZE_MIN) return STATUS_INVALID;
  const uint8_t *properties = rest.ptr + BODY_AT + body_length;
  int16_t properties_length = get_i16(properties);
  if (properties_length < 0 || (uint32_t)properties_length != size - ITEM_SIZE_MIN - body_length) return STATUS_INVALID;
  out->flag = get_i32(rest.ptr + FLAG_AT);
  out->body = span_of(rest.ptr + BODY_AT, body_length);
  out->properties = span_of(properties + PROPERTIES_LENGTH_SIZE, (size_t)properties_length);
  *at += size;
  return STATUS_OK;
}
