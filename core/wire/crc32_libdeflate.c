/* SPDX-License-Identifier: Apache-2.0
 *
 * UtilAll.crc32 by libdeflate, which uses the processor's carry-less multiplication: many times zlib's speed,
 * and the checksum is the largest single cost of storing and recovering a message. Chosen by configure.
 */
#include "core/wire/message.h"

#include <libdeflate.h>

int32_t body_crc32(struct span body) {
  return (int32_t)(libdeflate_crc32(0, body.len > 0 ? body.ptr : (const uint8_t *)"", body.len) & INT32_MAX);
}
