/* SPDX-License-Identifier: Apache-2.0 */
#include "core/wire/headers.h"

#include <stddef.h>

#define NEED_REQUIRED true, false
#define NEED_OPTIONAL false, false
#define NEED_PRIMITIVE false, true

#define FIELD_ROW(id, type, name, short_name, need) \
  {#name, short_name, FIELD_##type, offsetof(struct id, name), NEED_##need, sizeof(#name) - 1},

/* The empty last row keeps the array legal for classes without fields. */
#define HEADER_DEFINE(id, java_class)                                                                                 \
  _Static_assert((int)id##_bits <= 64, "present has 64 bits");                                                        \
  static const struct field id##_fields[] = {FIELDS_##id(FIELD_ROW, id){NULL, NULL, FIELD_TEXT, 0, false, false, 0}}; \
  const struct header id##_header = {#java_class, id##_fields, id##_bits, sizeof(struct id)};
HEADER_LIST(HEADER_DEFINE)

#define HEADER_ADDRESS(id, java_class) &id##_header,
const struct header *const all_headers[] = {HEADER_LIST(HEADER_ADDRESS) NULL};
