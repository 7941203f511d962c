/* SPDX-License-Identifier: Apache-2.0
 *
 * The ROCKETMQ header: RocketMQSerializable.rocketMQProtocolDecode and mapDeserialize.
 */
#include "core/wire/command_forms.h"

enum { CODE_AT = 0, LANGUAGE_AT = 2, VERSION_AT = 3, OPAQUE_AT = 5, FLAG_AT = 9, FIXED_LENGTH = 13 };

static enum status too_short(const char **why) {
  *why = "ROCKETMQ header ends within a field";
  return STATUS_INVALID;
}

/* Takes n bytes off the front; false when there are fewer or n is negative. */
static bool take(struct span *rest, int32_t n, struct span *out) {
  if (n < 0 || (size_t)n > rest->len) return false;
  *out = span_of(rest->ptr, (size_t)n);
  rest->ptr += n;
  rest->len -= (size_t)n;
  return true;
}

static bool take_i32(struct span *rest, int32_t *out) {
  struct span word;
  if (!take(rest, 4, &word)) return false;
  *out = get_i32(word.ptr);
  return true;
}

static enum status read_ext(struct span map, struct ext_list *list, const char **why) {
  while (map.len > 0) {
    struct span word, key, value;
    int32_t value_length;
    if (!take(&map, 2, &word) || !take(&map, get_i16(word.ptr), &key)) return too_short(why);
    if (!take_i32(&map, &value_length) || !take(&map, value_length, &value)) return too_short(why);
    enum status status = ext_list_put(list, key, value, why);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

enum status command_from_rocketmq(struct command *out, struct span header, struct ext_list *list, const char **why) {
  struct span rest = header, map;
  int32_t length;
  if (header.len < FIXED_LENGTH) return too_short(why);
  out->code = get_i16(header.ptr + CODE_AT);
  uint8_t language = header.ptr[LANGUAGE_AT];
  out->language = language < LANGUAGE_COUNT ? language : LANGUAGE_NONE;
  out->version = get_i16(header.ptr + VERSION_AT);
  out->opaque = get_i32(header.ptr + OPAQUE_AT);
  out->has_opaque = true;
  out->flag = get_i32(header.ptr + FLAG_AT);
  rest = span_from(header, FIXED_LENGTH);
  /* Lengths of zero and less mean null, as in Java. */
  if (!take_i32(&rest, &length)) return too_short(why);
  if (length > 0 && !take(&rest, length, &out->remark)) return too_short(why);
  if (!take_i32(&rest, &length)) return too_short(why);
  if (length <= 0) return STATUS_OK;
  if (!take(&rest, length, &map)) return too_short(why);
  return read_ext(map, list, why);
}
