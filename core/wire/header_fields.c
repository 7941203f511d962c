/* SPDX-License-Identifier: Apache-2.0
 *
 * ext fields -> header structure, by descriptor. Agrees with
 * RemotingCommand.decodeCommandCustomHeader and SendMessageRequestHeaderV2's letters.
 */
#include "core/wire/command.h"

#include <assert.h>

/* key is not empty. Letters are compared in place: this runs for every field of every message. */
static inline bool key_is(const struct field *f, struct span key, bool by_short_name) {
  if (by_short_name && f->short_name != NULL)
    return f->short_name[0] == (char)key.ptr[0] &&
           (key.len == 1 ? f->short_name[1] == '\0' : span_is(key, f->short_name));
  return key.len == f->name_length && f->name[0] == (char)key.ptr[0] && memcmp(key.ptr, f->name, key.len) == 0;
}

/* Row of a key, or field_count. Looks at `hint` first: Java's hash order of one-letter keys, and senders that
 * write in their own order, both come as the table goes. */
static size_t find_field(const struct header *header, struct span key, bool by_short_name, size_t hint) {
  if (key.len == 0) return header->field_count;
  if (hint < header->field_count && key_is(&header->fields[hint], key, by_short_name)) return hint;
  for (size_t i = 0; i < header->field_count; i++)
    if (key_is(&header->fields[i], key, by_short_name)) return i;
  return header->field_count;
}

/* False when the text does not fit the type. */
static bool read_field(const struct field *f, struct span text, void *out) {
  void *place = (uint8_t *)out + f->offset;
  switch (f->type) {
  case FIELD_TEXT:
    *(struct span *)place = text;
    return true;
  case FIELD_I32:
    return span_to_i32(text, place);
  case FIELD_I64:
    return span_to_i64(text, place);
  case FIELD_BOOL:
    *(bool *)place = span_equal_nocase(text, SPAN_LITERAL("true"));
    return true;
  }
  return false;
}

enum status header_decode(const struct header *header, const struct command *c, bool by_short_name, void *out,
                          const char **missing) {
  assert(header->field_count <= 64);
  memset(out, 0, header->size);
  uint64_t present = 0;
  size_t hint = 0;
  for (size_t i = 0; i < c->ext_count; i++) {
    if (c->ext[i].value.ptr == NULL) continue;
    size_t row = find_field(header, c->ext[i].key, by_short_name, hint);
    if (row == header->field_count) continue;
    hint = row + 1;
    if (read_field(&header->fields[row], c->ext[i].value, out)) present |= UINT64_C(1) << row;
  }
  *(uint64_t *)out = present;
  for (size_t i = 0; i < header->field_count; i++)
    if (header->fields[i].required && (present >> i & 1) == 0) {
      *missing = by_short_name && header->fields[i].short_name != NULL ? header->fields[i].short_name
                                                                       : header->fields[i].name;
      return STATUS_INVALID;
    }
  return STATUS_OK;
}
