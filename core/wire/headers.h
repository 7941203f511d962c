/* SPDX-License-Identifier: Apache-2.0
 *
 * headers: the header structure of every request and response of 4.7.0, each
 * as one field list in headers_list.h, from which the C structure, the
 * presence bits, the descriptor table and the tests come. Agrees with
 * org.apache.rocketmq.common.protocol.header.* (77 classes;
 * SendMessageRequestHeaderV2 is send_message_request by its letters).
 *
 * For the list entry  HEADER(send_message_request, SendMessageRequestHeader)  there are
 *   struct send_message_request { uint64_t present; struct span producerGroup; ... }
 *   enum { send_message_request_producerGroup_bit, ... }
 *   extern const struct header send_message_request_header
 * Members have the Java names, so that a reader of Java finds them.
 */
#ifndef MQ_WIRE_HEADERS_H
#define MQ_WIRE_HEADERS_H

#include "core/wire/command.h"
#include "core/wire/headers_list.h"

#define HEADER_C_TEXT struct span
#define HEADER_C_I32 int32_t
#define HEADER_C_I64 int64_t
#define HEADER_C_BOOL bool

#define HEADER_MEMBER(id, type, name, short_name, need) HEADER_C_##type name;
#define HEADER_BIT(id, type, name, short_name, need) id##_##name##_bit,
#define HEADER_DECLARE(id, java_class)                                                             \
  struct id {                                                                                      \
    uint64_t present;                                                                              \
    FIELDS_##id(HEADER_MEMBER, id)                                                                 \
  };                                                                                               \
  enum { FIELDS_##id(HEADER_BIT, id) id##_bits };                                                  \
  extern const struct header id##_header;
HEADER_LIST(HEADER_DECLARE)
#undef HEADER_DECLARE

/* HEADER_SET(pull_message_response, &h, minOffset, 5) */
#define HEADER_SET(id, h, name, v)                                                                 \
  ((h)->name = (v), (h)->present |= UINT64_C(1) << id##_##name##_bit)
#define HEADER_HAS(id, h, name) (((h)->present >> id##_##name##_bit) & 1)

/* All headers, for tables and tests; ends with NULL. */
extern const struct header *const all_headers[];

#endif
