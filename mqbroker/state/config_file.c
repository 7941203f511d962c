/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/state/config_file.h"

#include <stdio.h>

static enum status read_one(struct disk *disk, const char *path, struct log *log, struct buf *text, struct arena *arena,
                            struct json **out) {
  buf_clear(text);
  enum status status = disk_read_whole(disk, path, text);
  if (status != STATUS_OK) return status;
  const char *why = "the file is empty";
  size_t at = 0;
  status = json_parse(buf_span(text), &JSON_LIMITS_DEFAULT, arena, out, &why, &at);
  if (status == STATUS_OK && (*out)->kind == JSON_OBJECT) return STATUS_OK;
  if (status == STATUS_NO_MEMORY) return status;
  log_warn(log, "%s: byte %zu: %s", path, at, why == NULL ? "not a JSON object" : why);
  return STATUS_CORRUPT;
}

enum status config_file_read(struct disk *disk, const char *path, struct log *log, struct buf *text,
                             struct arena *arena, struct json **out) {
  char bak[DISK_PATH_MAX];
  if (snprintf(bak, sizeof bak, "%s.bak", path) >= (int)sizeof bak) return STATUS_LIMIT;
  enum status status = read_one(disk, path, log, text, arena, out);
  /* A file that cannot be read now may be whole: its older state, saved again, would undo what was promised. */
  if (status != STATUS_NOT_FOUND && status != STATUS_CORRUPT) return status;
  enum status second = read_one(disk, bak, log, text, arena, out);
  if (second == STATUS_OK) {
    log_warn(log, "%s: %s; its previous state %s is used", path, status_text(status), bak);
    return STATUS_OK;
  }
  return status == STATUS_NOT_FOUND ? second : status;
}
