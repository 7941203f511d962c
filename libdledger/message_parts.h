/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of JSON fields, shared by reader and writer. Private to libdledger/message*.c.
 */
#ifndef LIBDLEDGER_MESSAGE_PARTS_H
#define LIBDLEDGER_MESSAGE_PARTS_H

#include "libdledger/message.h"

enum dl_field_type {
  DL_TEXT, /* struct span; null left out */
  DL_I32,
  DL_I64,
  DL_LONG,   /* int64_t; DL_NONE left out */
  DL_FORMAT, /* int32_t; 0 left out */
  DL_BYTES,  /* struct span, base64 */
  DL_VOTE_ENUM,
  DL_PUSH_ENUM,
  DL_ENTRY,
  DL_ENTRIES,
  DL_INDEX_LIST,
  DL_PEERS
};

struct dl_field {
  const char *name;
  enum dl_field_type type;
  uint16_t kinds;  /* bit per enum dl_kind */
  uint16_t offset; /* in struct dl_message */
};

extern const struct dl_field dl_fields[]; /* alphabetical, as fastjson writes them */
extern const size_t dl_field_count;
extern const char *const dl_vote_results[DL_VOTE_RESULT_COUNT];
extern const char *const dl_push_types[DL_PUSH_TYPE_COUNT];

static inline bool dl_field_is_of(const struct dl_field *f, enum dl_kind kind) { return (f->kinds >> kind & 1) != 0; }

#endif
