/* SPDX-License-Identifier: Apache-2.0
 *
 * base64: the standard alphabet with padding (RFC 4648), how fastjson writes a
 * byte[]. Reading takes it without padding, too.
 */
#ifndef LIBDLEDGER_BASE64_H
#define LIBDLEDGER_BASE64_H

#include "core/base/buf.h"
#include "core/base/span.h"

void base64_put(struct buf *out, struct span bytes);
/* Greatest number of bytes that text can decode to. */
static inline size_t base64_bytes_max(struct span text) { return text.len / 4 * 3 + 2; }
/* False: a character or length that cannot be. out has base64_bytes_max bytes. */
bool base64_decode(struct span text, uint8_t *out, size_t *len);

#endif
