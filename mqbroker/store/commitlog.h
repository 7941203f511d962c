/* SPDX-License-Identifier: Apache-2.0
 *
 * commitlog: the one file list every message is appended to
 * (org.apache.rocketmq.store.CommitLog). Records are encoded into a staging
 * buffer; nothing staged counts until commitlog_commit() has written it. It
 * knows nothing of queues.
 *
 * A file ends with a filler of at least 8 bytes; a reservation never spans
 * files. After a failed write the bytes behind `appended` are undefined on
 * disk: they are wiped before the next write, so that an old record can never
 * follow a new one by accident.
 */
#ifndef MQBROKER_STORE_COMMITLOG_H
#define MQBROKER_STORE_COMMITLOG_H

#include "core/base/log.h"
#include "core/port/segment.h"

#define COMMITLOG_STAGE_BYTES (4 << 20)
#define COMMITLOG_OPEN_MAX 64 /* open log files kept over a turn */
#define COMMITLOG_ZERO_AHEAD (1 << 20)

struct commitlog {
  struct segments files;
  struct segment_cache cache;
  struct disk *disk;
  struct log *log;
  char *dir;
  int64_t appended;    /* end of what counts */
  int64_t stage_start; /* offset of stage[0]; >= appended: bytes between were written early */
  int64_t zeroed;      /* zeros were written up to here */
  int64_t wipe_until;  /* > appended: bytes of a failed write may lie up to here */
  uint8_t *stage;
  size_t stage_len, stage_cap;
};

enum status commitlog_init(struct commitlog *c, struct disk *disk, struct log *log, const char *dir,
                           int64_t segment_length, size_t record_max) MUST_USE;
void commitlog_fini(struct commitlog *c);

static inline int64_t commitlog_min(const struct commitlog *c) { return c->files.first; }
/* Room for size contiguous bytes in one file: *out is in the staging buffer, valid until the next call.
 * May write earlier staged bytes or make a file; if that fails, everything since the last commit is forgotten. */
enum status commitlog_reserve(struct commitlog *c, size_t size, uint8_t **out, int64_t *offset) MUST_USE;
/* Writes the staged bytes; on failure everything since the last commit is forgotten. */
enum status commitlog_commit(struct commitlog *c) MUST_USE;
static inline bool commitlog_staged(const struct commitlog *c) {
  return c->stage_len > 0 || c->stage_start > c->appended;
}
void commitlog_rollback(struct commitlog *c);
/* Zeros over what a failed write may have left behind the end, when nothing is staged: for an orderly close. */
enum status commitlog_wipe(struct commitlog *c) MUST_USE;
static inline int64_t commitlog_end(const struct commitlog *c) { return c->stage_start + (int64_t)c->stage_len; }
/* Stages bytes of another log as they are, over the ends of files. */
enum status commitlog_append(struct commitlog *c, struct span bytes) MUST_USE;
/* A log without a record begins at offset, where a file begins. */
enum status commitlog_begin_at(struct commitlog *c, int64_t offset) MUST_USE;
/* Allocates the next file when the current one is half full. */
enum status commitlog_prepare(struct commitlog *c) MUST_USE;

/* Writes zeros ahead of the end, once per COMMITLOG_ZERO_AHEAD / 2. A block that was only allocated costs the sync that
 * first writes it a change of the file system's own tables; one that was written costs nothing but its bytes. */
void commitlog_zero_ahead(struct commitlog *c);

/* The whole record at offset, in the mapping: valid until files are trimmed. NOT_FOUND if no record starts there. */
enum status commitlog_record(struct commitlog *c, int64_t offset, struct span *out) MUST_USE;
/* -1: no record there. */
int64_t commitlog_time_at(struct commitlog *c, int64_t offset);

#endif
