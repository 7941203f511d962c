/* SPDX-License-Identifier: Apache-2.0
 *
 * record: the few fields of a stored message that are read in place, without
 * decoding the rest (org.apache.rocketmq.store.CommitLog, message layout).
 */
#ifndef MQBROKER_STORE_RECORD_H
#define MQBROKER_STORE_RECORD_H

#include "core/base/bytes.h"
#include "core/wire/message.h"

#define RECORD_SIZE_MIN 91 /* IPv4 hosts, no body, no topic, no properties */

static inline int64_t record_size(const uint8_t *p) { return get_i32(p); }
static inline uint32_t record_magic(const uint8_t *p) { return get_u32(p + 4); }
static inline int64_t record_queue_offset(const uint8_t *p) { return get_i64(p + 20); }
static inline int64_t record_physical_offset(const uint8_t *p) { return get_i64(p + 28); }
static inline int64_t record_store_ms(const uint8_t *p) {
  return get_i64(p + ((get_u32(p + 36) & SYS_BORN_HOST_V6) != 0 ? 68 : 56));
}

#endif
