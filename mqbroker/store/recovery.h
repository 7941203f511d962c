/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of recovery share: layout (what may be opened at all), walk
 * (records one by one), damage (what must not be cut off), marks (what the
 * last life of the store left in writing), replay (queues and key index from
 * the log). recovery.c puts them in order. They look first and change later:
 * only recovery.c and replay.c write.
 */
#ifndef MQBROKER_STORE_RECOVERY_H
#define MQBROKER_STORE_RECOVERY_H

#include "mqbroker/store/store_state.h"

/* Zeros for so long behind the end of the log: what a crash left ends there. Reading a whole file of holes would fill
 * the page cache with zeros. */
#define LOG_QUIET_BYTES (64 << 20)

/* ---- layout.c ---- */

/* Names below the root that only newer versions make. INVALID and a sentence; nothing is opened or made. */
enum status layout_check(struct store *s, struct buf *why) MUST_USE;
/* What begins a log file, or stands where the walk ended, and cannot come from a crash. */
enum status layout_check_record(struct store *s, int64_t at, struct buf *why) MUST_USE;

/* ---- walk.c ---- */

/* Valid records of the log, one by one. */
struct walk {
  int64_t at;      /* behind the last valid record */
  int64_t begin;   /* where it began */
  int64_t last_ms; /* store time of the last valid record, -1: none */
  int64_t records;
  bool check_crc;
  int64_t torn_from_ms; /* records stored later may be torn; INT64_MAX: none */
  int64_t landmark;     /* an offset to look out for; < 0: none */
  int64_t landmark_ms;  /* store time of the record that ends there, -1: none does */
  int64_t fresh_ms;     /* a store time to look out for */
  int64_t fresh_at; /* offset of the first record that is not older, or older than the one before it; -1: none yet */
  const char *what; /* for the watch; NULL: it is not told */
  int64_t total;    /* offset where it ends, as far as that is known before */
};
struct walk walk_from(int64_t at);
typedef enum status (*walk_visit)(void *context, const struct message *m, size_t size);
/* Visits records from w->at to `until`; stops at the first thing that is none. */
enum status log_walk(struct store *s, struct walk *w, int64_t until, walk_visit visit, void *context) MUST_USE;
/* Tells the watch. */
void recovery_step(struct store *s, const char *what, int64_t done, int64_t total);

/* ---- damage.c ---- */

/* The log would be cut at w->at. CORRUPT and a sentence if that would lose records that were synced. */
enum status damage_check(struct store *s, const struct walk *w, struct buf *why) MUST_USE;

/* ---- marks.c ---- */

/* How far the log was durable when somebody knew last, and the store time of the record that ends there. */
struct flushed_mark {
  int64_t offset, last_ms;
};
/* True if nobody has written since the marks were left: the checkpoint is the same and nothing stands at the end. */
bool marks_hold(struct store *s, struct walk *w);
/* offset -1: there is none. */
void flushed_mark_read(struct store *s, struct flushed_mark *out);
/* The marks are no longer true; the flushed mark only if `forget`. */
enum status marks_remove(struct store *s, bool forget) MUST_USE;

/* ---- replay.c ---- */

/* Brings queues (records from queue_from on) and key index up to the end of the log, in one walk. */
enum status replay(struct store *s, int64_t queue_from, struct moment now, struct buf *why) MUST_USE;
/* Queues that are made from nothing are not what the checkpoint vouches for, until its next round: after a crash
 * before that, the log must be read from its beginning again. */
enum status queues_disown(struct store *s) MUST_USE;

#endif
