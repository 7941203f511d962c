/* SPDX-License-Identifier: Apache-2.0
 *
 * seal: a commit log that was one broker's becomes the beginning of a group's.
 * Its last file is ended with a filler, as if the next record did not fit, and
 * the ledger begins where the next file would
 * (DLedgerCommitLog.dividedCommitlogOffset). All members must begin with the
 * same log: positions are the group's.
 */
#include "mqbroker/store/record.h"
#include "mqbroker/store/recovery.h"

#include <inttypes.h>

static enum status dir_empty(struct disk *disk, const char *dir, bool *empty) {
  struct arena names;
  struct disk_entry *entries;
  size_t count = 0;
  arena_init(&names, (size_t)1 << 26);
  enum status status = disk->ops->list(disk, dir, &names, &entries, &count);
  *empty = count == 0;
  arena_fini(&names);
  return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* The filler that a record too large for the rest of the file would have brought. */
static enum status last_file_end(struct store *s) {
  struct commitlog *c = &s->commitlog;
  struct segment *g;
  uint8_t filler[BLANK_SIZE_MIN];
  int64_t file = segments_start_of(&c->files, c->appended - 1), room = file + c->files.length - c->appended;
  if (room < BLANK_SIZE_MIN) return STATUS_OK;
  enum status status = segments_at(&c->files, c->appended, &g);
  if (status != STATUS_OK) return status;
  put_i32(filler, (int32_t)room);
  put_u32(filler + 4, BLANK_MAGIC);
  status = segment_write(g, c->appended, span_of(filler, sizeof filler));
  return status == STATUS_OK ? s->disk->ops->sync(s->disk, g->file) : status;
}

static enum status seal(struct store *s, int64_t *first_pos) {
  struct commitlog *c = &s->commitlog;
  if (segments_empty(&c->files) || c->appended <= c->files.first) return STATUS_OK; /* closing leaves no file */
  enum status status = last_file_end(s);
  *first_pos = segments_start_of(&c->files, c->appended - 1) + c->files.length;
  log_info(s->log, "the commit log %s ends at offset %" PRId64 "; the group's begins at offset %" PRId64, c->dir,
           c->appended, *first_pos);
  return status;
}

enum status store_seal(const struct store_config *config, const char *data_dir, struct disk *disk, struct log *log,
                       struct moment now, int64_t *first_pos, struct buf *why) {
  bool no_log, no_ledger;
  struct store *s;
  *first_pos = 0;
  enum status status = dir_empty(disk, config->commitlog, &no_log);
  if (status == STATUS_OK) status = dir_empty(disk, data_dir, &no_ledger);
  if (status != STATUS_OK || no_log || !no_ledger) return status;
  status = store_open(&s, config, disk, log, NULL, now, why);
  if (status != STATUS_OK) return status;
  status = seal(s, first_pos);
  if (status != STATUS_OK) buf_printf(why, "%s cannot be ended: %s", s->commitlog.dir, status_text(status));
  store_close(s, now);
  return status;
}
