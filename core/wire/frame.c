/* SPDX-License-Identifier: Apache-2.0
 *
 * The frame around a command. Agrees with NettyDecoder (length word, limit) and
 * RemotingCommand.decode (serialisation byte, header length).
 */
#include "core/wire/command.h"

#include "core/wire/command_forms.h"

enum { LENGTH_WORD = 4, HEADER_WORD = 4 };

enum status frame_split(struct span input, const struct command_limits *limits, struct span *frame, size_t *used,
                        const char **why) {
  if (input.len < LENGTH_WORD) return STATUS_AGAIN;
  size_t length = get_u32(input.ptr);
  if (length > limits->frame) {
    *why = "frame is longer than the limit";
    return STATUS_LIMIT;
  }
  if (length < HEADER_WORD) {
    *why = "frame is too short for its header length";
    return STATUS_INVALID;
  }
  if (input.len - LENGTH_WORD < length) return STATUS_AGAIN;
  *frame = span_of(input.ptr + LENGTH_WORD, length);
  *used = LENGTH_WORD + length;
  return STATUS_OK;
}

enum status command_decode(struct command *out, struct span frame, const struct command_limits *limits,
                           struct arena *arena, const char **why) {
  *out = (struct command){0};
  if (frame.len < HEADER_WORD) {
    *why = "frame is too short for its header length";
    return STATUS_INVALID;
  }
  uint32_t word = get_u32(frame.ptr);
  size_t header_length = word & 0xFFFFFFu;
  if (header_length > frame.len - HEADER_WORD) {
    *why = "header is longer than its frame";
    return STATUS_INVALID;
  }
  if (header_length > limits->header) {
    *why = "header is longer than the limit";
    return STATUS_LIMIT;
  }
  struct span header = span_of(frame.ptr + HEADER_WORD, header_length);
  struct span body = span_from(frame, HEADER_WORD + header_length);
  out->body = body.len > 0 ? body : SPAN_NONE;
  struct ext_list list = {.arena = arena, .limit = limits->ext};
  enum status status;
  switch (word >> 24) {
  case SERIALIZE_JSON:
    status = command_from_json(out, header, limits, &list, why);
    break;
  case SERIALIZE_ROCKETMQ:
    status = command_from_rocketmq(out, header, &list, why);
    break;
  default:
    *why = "unknown header serialisation";
    return STATUS_INVALID;
  }
  if (status == STATUS_NO_MEMORY) *why = status_text(status);
  out->serialize = (enum serialize)(word >> 24);
  out->ext = list.ext;
  out->ext_count = list.count;
  return status;
}
