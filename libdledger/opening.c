/* SPDX-License-Identifier: Apache-2.0 */
#include "libdledger/opening.h"

#include "core/base/bytes.h"
#include "libdledger/entry.h"

#define RECORD_MAGIC 0xDAA320A7u
enum { AT_MAGIC = 4, AT_POSITION = 28, AT_SYS_FLAG = 36, AT_BODY_LENGTH = 84, AT_TOPIC_LENGTH = 88, ROLLBACK = 0xC };

void opening_record(uint8_t out[OPENING_LENGTH]) {
  memset(out, 0, OPENING_LENGTH);
  put_u32(out, (uint32_t)OPENING_LENGTH);
  put_u32(out + AT_MAGIC, RECORD_MAGIC);
  put_u32(out + AT_SYS_FLAG, ROLLBACK);
  out[AT_TOPIC_LENGTH] = (uint8_t)(sizeof OPENING_TOPIC - 1);
  memcpy(out + AT_TOPIC_LENGTH + 1, OPENING_TOPIC, sizeof OPENING_TOPIC - 1);
}

void opening_prepare(uint8_t *body, size_t len, int64_t pos) {
  if (len == OPENING_LENGTH) put_u64(body + AT_POSITION, (uint64_t)(pos + ENTRY_HEADER));
}

bool opening_is(struct span body) {
  uint8_t record[OPENING_LENGTH];
  if (body.len != OPENING_LENGTH) return false;
  opening_record(record);
  return memcmp(body.ptr, record, AT_POSITION) == 0 &&
         memcmp(body.ptr + AT_SYS_FLAG, record + AT_SYS_FLAG, OPENING_LENGTH - AT_SYS_FLAG) == 0;
}
