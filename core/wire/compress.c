/* SPDX-License-Identifier: Apache-2.0
 *
 * zlib's compression: UtilAll.compress and uncompress.
 */
#include "core/wire/message.h"

#include <zlib.h>

enum { LEVEL = 5, CHUNK_MIN = 1024 }; /* level: DefaultMQProducerImpl's zipCompressLevel */

enum status body_compress(struct span body, struct buf *out) {
  if (body.len > UINT32_MAX / 2) return STATUS_LIMIT;
  uLong bound = compressBound(body.len);
  uint8_t *p = buf_reserve(out, bound);
  if (p == NULL) return out->limit - out->len < bound ? STATUS_LIMIT : STATUS_NO_MEMORY;
  uLongf length = bound;
  int result = compress2(p, &length, body.len > 0 ? body.ptr : (const uint8_t *)"", body.len, LEVEL);
  if (result != Z_OK) return STATUS_NO_MEMORY;
  out->len += length;
  return STATUS_OK;
}

/* Inflates all of z's input behind out. */
static enum status inflate_all(z_stream *z, struct buf *out) {
  size_t chunk = z->avail_in < CHUNK_MIN ? CHUNK_MIN : (size_t)z->avail_in * 2;
  for (;;) {
    size_t room = out->limit - out->len;
    if (chunk > room) chunk = room;
    /* A stream that ends exactly at the limit must still be able to say so: one byte to spare on the stack. */
    uint8_t spare;
    uint8_t *p = chunk == 0 ? &spare : buf_reserve(out, chunk);
    if (p == NULL) return STATUS_NO_MEMORY;
    uInt given = chunk == 0 ? 1 : chunk > INT32_MAX ? INT32_MAX : (uInt)chunk;
    z->next_out = p;
    z->avail_out = given;
    int result = inflate(z, Z_NO_FLUSH);
    size_t produced = given - z->avail_out;
    if (chunk == 0 && produced > 0) return STATUS_LIMIT;
    out->len += produced;
    if (result == Z_STREAM_END) return STATUS_OK;
    if (result == Z_MEM_ERROR) return STATUS_NO_MEMORY;
    /* No room used although there was some: the stream is cut off. */
    if (result != Z_OK || z->avail_out > 0) return STATUS_INVALID;
  }
}

enum status body_uncompress(struct span body, struct buf *out) {
  if (out->failed) return STATUS_NO_MEMORY;
  if (body.len == 0) return STATUS_INVALID;
  if (body.len > UINT32_MAX / 2) return STATUS_LIMIT;
  z_stream z = {.next_in = (Bytef *)(uintptr_t)body.ptr, .avail_in = (uInt)body.len};
  if (inflateInit(&z) != Z_OK) return STATUS_NO_MEMORY;
  size_t start = out->len;
  enum status status = inflate_all(&z, out);
  inflateEnd(&z);
  if (status != STATUS_OK) out->len = start;
  return status;
}
