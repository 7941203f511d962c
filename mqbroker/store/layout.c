/* SPDX-License-Identifier: Apache-2.0
 *
 * What this version must not touch. Java 4.7.0 refuses to load file lists with
 * names that are no numbers or lengths that do not fit (MappedFileQueue.load);
 * segment.c does the same. It opens directories of later versions without a
 * word and cuts the log at the first record it does not know; here they are
 * refused:
 *   names     what only 5.x makes beside the log: messages live there, or are
 *             promised there, that 4.7.0 would never deliver;
 *   records   the magic of 5.x's records with long topics, and a log file that
 *             begins with something that is no record: a crash leaves zeros or
 *             a record's beginning there, so this is no commit log of ours.
 */
#include "mqbroker/store/record.h"
#include "mqbroker/store/recovery.h"

#include <inttypes.h>

#define MESSAGE_MAGIC_V2 0xDAA320ABu /* MessageDecoder.MESSAGE_MAGIC_CODE_V2, -626843477 */

static const struct {
  const char *name, *what;
} newer[] = {
    {"timerwheel", "timer messages of RocketMQ 5.x"},
    {"timerlog", "timer messages of RocketMQ 5.x"},
    {"batchconsumequeue", "batch consume queues of RocketMQ 5.x"},
    {"compactionLog", "compacted topics of RocketMQ 5.x"},
    {"compactionCq", "compacted topics of RocketMQ 5.x"},
    {"consumequeue_r", "consume queues in RocksDB of RocketMQ 5.x"},
    {"rocksdbstore", "consume queues in RocksDB of RocketMQ 5.x"},
    {"epochFileCheckpoint", "controller mode of RocketMQ 5.x"},
    {"config/topicQueueMapping.json", "static topics of RocketMQ 5.x"},
};

enum status layout_check(struct store *s, struct buf *why) {
  for (size_t i = 0; i < sizeof newer / sizeof newer[0]; i++) {
    char path[DISK_PATH_MAX];
    struct disk_entry entry;
    if (!store_path(s, newer[i].name, path)) return STATUS_LIMIT;
    enum status status = s->disk->ops->stat(s->disk, path, &entry);
    if (status == STATUS_NOT_FOUND) continue;
    if (status != STATUS_OK) {
      buf_printf(why, "%s cannot be looked at: %s", path, status_text(status));
      return status;
    }
    buf_printf(
        why,
        "%s belongs to %s, which this broker (layout of 4.7.0) would neither deliver nor keep; nothing was changed. "
        "Use that version, or move the entry away if nothing in it is needed",
        path, newer[i].what);
    return STATUS_INVALID;
  }
  return STATUS_OK;
}

enum status layout_check_record(struct store *s, int64_t at, struct buf *why) {
  struct commitlog *c = &s->commitlog;
  struct segment *g;
  if (at >= c->files.end) return STATUS_OK;
  enum status status = segments_at(&c->files, at, &g);
  if (status != STATUS_OK) return status;
  const uint8_t *p = g->view + (at - g->start);
  if (g->start + c->files.length - at < BLANK_SIZE_MIN) return STATUS_OK;
  uint32_t magic = record_magic(p);
  char path[DISK_PATH_MAX];
  status = segment_path(&c->files, g->start, path);
  if (status != STATUS_OK) return status;
  if (magic == MESSAGE_MAGIC_V2) {
    buf_printf(why,
               "%s: the record at offset %" PRId64 " has the form of RocketMQ 5.x for topics of more than 127 bytes; "
               "this broker (4.7.0) would cut the log there. Nothing was changed",
               path, at);
    return STATUS_INVALID;
  }
  if (at == g->start && get_u64(p) != 0 && magic != 0 && magic != MESSAGE_MAGIC && magic != BLANK_MAGIC) {
    buf_printf(why,
               "%s begins with %08" PRIx32 "%08" PRIx32
               ", which is no record of a RocketMQ 4.7.0 commit log (the second "
               "word would be %08" PRIx32 "); nothing was changed",
               path, get_u32(p), magic, (uint32_t)MESSAGE_MAGIC);
    return STATUS_INVALID;
  }
  return STATUS_OK;
}
