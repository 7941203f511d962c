/* SPDX-License-Identifier: Apache-2.0
 *
 * UtilAll.crc32 by zlib. crc32_libdeflate.c is the faster alternative; configure chooses the file.
 */
#include "core/wire/message.h"

#include <zlib.h>

int32_t body_crc32(struct span body) {
  uLong crc = crc32_z(crc32(0, Z_NULL, 0), body.len > 0 ? body.ptr : (const uint8_t *)"", body.len);
  return (int32_t)(crc & 0x7FFFFFFFu);
}
