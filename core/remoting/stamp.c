/* SPDX-License-Identifier: Apache-2.0 */
#include "core/remoting/stamp.h"

enum status stamp_request(const struct remoting_config *config, struct arena *arena, const struct request_out *q,
                          struct command *cmd) {
  size_t fields = q->header == NULL || q->fields == NULL ? 0 : q->header->field_count, count = 0;
  arena_reset(arena);
  struct ext *ext = arena_zalloc(arena, fields + q->ext_count + REMOTING_STAMPS_MAX, sizeof *ext);
  struct span *body = arena_zalloc(arena, q->body_part_count + 1, sizeof *body);
  if (ext == NULL || body == NULL) return STATUS_NO_MEMORY;
  enum status status = STATUS_OK;
  if (fields > 0) status = header_ext(q->header, q->fields, q->by_short_name, arena, ext, &count);
  if (status != STATUS_OK) return status;
  if (q->ext_count > 0) memcpy(ext + count, q->ext, q->ext_count * sizeof *ext);
  count += q->ext_count;
  body[0] = q->body;
  if (q->body_part_count > 0) memcpy(body + 1, q->body_parts, q->body_part_count * sizeof *body);
  status = config->stamp(config->stamp_context, ext, &count, body, q->body_part_count + 1);
  cmd->ext = ext;
  cmd->ext_count = count;
  return status;
}
