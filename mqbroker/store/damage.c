/* SPDX-License-Identifier: Apache-2.0
 *
 * Where recovery finds no record the log ends, and what follows is cut off: a
 * write that the crash interrupted. But if records follow that the checkpoint
 * vouches for, something in the middle is damaged, and cutting would lose what
 * was promised to be durable: then the store is refused, and the sentence says
 * what there is and what can be done. Java cuts (CommitLog.recoverAbnormally).
 */
#define _GNU_SOURCE /* memmem */
#include "mqbroker/store/record.h"
#include "mqbroker/store/recovery.h"

#include <inttypes.h>

/* A whole record at offset whose store time says it was synced after what comes before it. */
static bool proof_at(struct commitlog *c, const struct segment *g, int64_t offset, int64_t from_ms, int64_t until_ms) {
  struct message m;
  size_t size;
  int64_t at = offset - g->start;
  struct span input = span_of(g->view + at, (size_t)(c->files.length - at));
  return message_decode(input, true, &m, &size) == STATUS_OK && m.physical_offset == offset && m.store_ms >= from_ms &&
         m.store_ms < until_ms;
}

static int64_t proof_in_file(struct commitlog *c, const struct segment *g, int64_t from, int64_t from_ms,
                             int64_t until_ms) {
  uint8_t magic[4];
  put_u32(magic, MESSAGE_MAGIC);
  int64_t end = segment_last_nonzero(g, from, LOG_QUIET_BYTES) - g->start;
  for (int64_t at = from - g->start + 5; at < end;) {
    const uint8_t *hit = memmem(g->view + at, (size_t)(end - at), magic, sizeof magic);
    if (hit == NULL) return -1;
    at = hit - g->view;
    if (proof_at(c, g, g->start + at - 4, from_ms, until_ms)) return g->start + at - 4;
    at++;
  }
  return -1;
}

/* The records from `at` on that follow each other without a fault. */
static enum status good_count(struct store *s, int64_t at, struct walk *out) {
  *out = walk_from(at);
  out->check_crc = true;
  return log_walk(s, out, s->commitlog.files.end, NULL, NULL);
}

static enum status damage_describe(struct store *s, const struct walk *w, int64_t proof, struct buf *why) {
  struct commitlog *c = &s->commitlog;
  struct walk good;
  char path[DISK_PATH_MAX];
  int64_t file = segments_start_of(&c->files, w->at);
  enum status status = segment_path(&c->files, file, path);
  if (status == STATUS_OK) status = good_count(s, proof, &good);
  if (status != STATUS_OK) return status;
  buf_printf(why,
             "commit log %s is damaged at offset %" PRId64 ": no valid record there (%s, byte %" PRId64
             "), but one that was synced follows at offset %" PRId64 ", the first of %" PRId64 " good ones (%" PRId64
             " bytes). Nothing was changed. \"mqstore verify %s\" lists all damage; \"mqstore repair %s\" says which "
             "messages are lost and repairs: --skip takes out the %" PRId64
             " damaged bytes and keeps what follows, --cut ends the log at offset %" PRId64,
             c->dir, w->at, path, w->at - file, proof, good.records, good.at - proof, s->root, s->root, proof - w->at,
             w->at);
  return STATUS_CORRUPT;
}

/* Times before the last good record are left-overs of an older life of the file. */
enum status damage_check(struct store *s, const struct walk *w, struct buf *why) {
  struct commitlog *c = &s->commitlog;
  int64_t until_ms = s->checkpoint.physic_ms, proof = -1;
  if (w->last_ms >= until_ms) return STATUS_OK;
  for (int64_t at = w->at; proof < 0 && at < c->files.end; at = segments_start_of(&c->files, at) + c->files.length) {
    struct segment *g;
    segment_cache_trim(&c->cache, COMMITLOG_OPEN_MAX);
    enum status status = segments_at(&c->files, at, &g);
    if (status != STATUS_OK) return status;
    if (at == w->at) proof = proof_in_file(c, g, at, w->last_ms, until_ms);
    else if (proof_at(c, g, at, w->last_ms, until_ms)) proof = at;
  }
  return proof < 0 ? STATUS_OK : damage_describe(s, w, proof, why);
}
