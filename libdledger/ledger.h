/* SPDX-License-Identifier: Apache-2.0
 *
 * ledger: the entry store of one member of a group, in DLedger 0.1's files
 * (io.openmessaging.storage.dledger.store.file.DLedgerMmapFileStore): data/
 * with the entries, index/ with 32 bytes for each, currterm and checkpoint. It
 * knows nothing of roles, peers or messages; whoever calls it decides.
 *
 * Entries are encoded into a staging buffer, where the body can be completed
 * in place once index and position are known; nothing staged counts until
 * ledger_commit() has written it, with one write. A data file ends with a
 * filler of at least 8 bytes, an entry never spans files, and positions come
 * out the same on every member. Index units follow from the data: they are
 * kept in a tail and written when it is full, when a data file ends and
 * before a checkpoint.
 *
 * Marks, in indexes and positions (of the byte behind): end (written: survives
 * kill -9), synced (survives a power cut), committed (told by the caller). The
 * checkpoint never claims what is not synced, so an entry missing below it
 * was damaged. Then the ledger ends before the damage and says so until the
 * caller has caught up (damaged_index): such a member must not vote or stand,
 * because it may have acknowledged what it no longer has. This is kept in a
 * file `repair`, which DLedger 0.1 does not know; removing it by hand accepts
 * the loss.
 *
 * After a failed write the bytes behind the end are undefined on disk: they
 * are wiped before the next write.
 */
#ifndef LIBDLEDGER_LEDGER_H
#define LIBDLEDGER_LEDGER_H

#include "core/base/log.h"
#include "core/base/moment.h"
#include "core/port/disk.h"
#include "libdledger/entry.h"

#define LEDGER_UNIT 32 /* bytes of an index unit */
#define LEDGER_DATA_FILE_DEFAULT (INT64_C(1) << 30)
#define LEDGER_INDEX_FILE_DEFAULT (INT64_C(32) * 5 * 1024 * 1024)
#define LEDGER_VOTE_MAX 64 /* bytes of a member's id, with a NUL */

struct ledger;

struct ledger_options {
  const char *dir;                /* ".../dledger-n0"; copied */
  int64_t data_file_length;       /* the same on all members. 0: as above */
  int64_t index_file_length;      /* a multiple of LEDGER_UNIT. 0: as above */
  int64_t first_pos;              /* where an empty ledger's first data file begins (mixed mode), else 0 */
  int64_t verify_back_bytes;      /* opening checks so much before the checkpoint, too. 0: 64 MiB, < 0: all */
  int64_t flush_interval_ms;      /* background sync of what nobody waits for. 0: 500 */
  int64_t checkpoint_interval_ms; /* 0: 3000 (DLedgerConfig.checkPointInterval) */
  uint64_t token;                 /* syncs answer with tokens from here on, 2^32 of them */
};

struct ledger_marks {
  int64_t begin_index, begin_pos; /* -1: empty; pos: where the data begins (or would) */
  int64_t end_index, end_term;    /* -1, -1: empty. The term is the entry's own (W2) */
  int64_t end_pos;                /* behind the last entry */
  int64_t next_index;             /* of the next ledger_stage or ledger_append; counts staged ones */
  int64_t synced_index, synced_pos;
  int64_t committed_index, committed_pos; /* -1, -1: none known */
  int64_t damaged_index;      /* -1, or: entries up to here may have been acknowledged and were lost to damage */
  int64_t term;               /* currterm; -1 at first */
  char vote[LEDGER_VOTE_MAX]; /* who got the vote of this term, or "" */
};

/* Reads and repairs the directory, makes what is missing. BUSY: another process has it. CORRUPT, INVALID: its files
 * cannot be a ledger's. why has a sentence. log may be NULL. */
enum status ledger_open(struct ledger **out, const struct ledger_options *options, struct disk *disk, struct log *log,
                        struct moment now, struct buf *why) MUST_USE;
/* Commits nothing; syncs, leaves an exact checkpoint. The result of the last sync; the ledger is gone in any case. */
enum status ledger_close(struct ledger *l);
/* After a crash of a simulated machine, or when the disk is broken: only memory is freed. */
void ledger_abandon(struct ledger *l);

/* Current at any time; the pointer stays. */
const struct ledger_marks *ledger_marks(const struct ledger *l);

/* ---- append ---- */

/* Leader: room for a body of a new entry. *body is in the staging buffer, to be filled before the next call; *pos is
 * what the entry will have (a RocketMQ record's physical offset is pos + ENTRY_HEADER). LIMIT: larger than an entry
 * may be. May write earlier staged bytes or make a file; if that fails everything since the last commit is
 * forgotten. term >= end_term. */
enum status ledger_stage(struct ledger *l, size_t body_len, int64_t term, int64_t *index, int64_t *pos,
                         uint8_t **body) MUST_USE;
/* Follower: an entry as the leader made it. INVALID with *why (static text): not the next index, not a position it
 * can have, a term that goes back. CORRUPT: a checksum is wrong, or the logs differ before it. Failures of the disk
 * as above. */
enum status ledger_append(struct ledger *l, const struct entry *e, const char **why) MUST_USE;
/* Writes what is staged: then the end marks move. On failure everything since the last commit is forgotten. */
enum status ledger_commit(struct ledger *l) MUST_USE;
void ledger_rollback(struct ledger *l);
bool ledger_is_staged(const struct ledger *l);

/* ---- read: committed to the file, not necessarily by the group ---- */

/* Borrows from the mapping: valid until the next ledger_tick. NOT_FOUND outside [begin, end]; CORRUPT: the entry is
 * not what the index says. Checksums are not looked at. */
enum status ledger_get(struct ledger *l, int64_t index, struct entry *out) MUST_USE;
/* The same with checksums. */
enum status ledger_get_checked(struct ledger *l, int64_t index, struct entry *out) MUST_USE;
/* Without touching the data. NOT_FOUND outside [begin, end]. */
enum status ledger_term_at(struct ledger *l, int64_t index, int64_t *term) MUST_USE;
/* Whole entries one behind the other from index on, as on disk, within one data file: at least one, at most max_bytes
 * unless the first alone is larger. Borrows as ledger_get. */
enum status ledger_run(struct ledger *l, int64_t index, size_t max_bytes, struct span *bytes, size_t *count) MUST_USE;
/* The entry that holds this position, or the first one behind a filler. NOT_FOUND: outside. */
enum status ledger_find(struct ledger *l, int64_t pos, int64_t *index) MUST_USE;
/* Bytes of the data files from pos on, fillers and all (for readers that walk records). Borrows; may be shorter. */
enum status ledger_view(struct ledger *l, int64_t pos, struct span *bytes) MUST_USE;

/* ---- cut ---- */

/* Drops the entry `index` and all behind it; nothing may be staged. Asserts index > committed_index. The bytes become
 * zero, so that they cannot come back. index may be end_index + 1: nothing happens. */
enum status ledger_truncate(struct ledger *l, int64_t index) MUST_USE;
/* Drops everything; the next entry will have this index and position (a follower so far behind that the leader no
 * longer has what it lacks). Asserts that it is above what is committed, or nothing is. */
enum status ledger_reset(struct ledger *l, int64_t index, int64_t pos) MUST_USE;
/* When the oldest data file was last written (wall clock), for who decides how long it is kept; -1: there is none but
 * the one that is written to, or it is not known. */
int64_t ledger_oldest_ms(struct ledger *l);
/* Retention: removes the oldest data file. BUSY: it holds entries that are not committed, or the checkpoint does not
 * vouch for the next file yet, or it is the only one. What still reads it may go on until the next ledger_tick. */
enum status ledger_drop_first(struct ledger *l) MUST_USE;
/* The entry `index` is damaged: the ledger ends before it, below committed_index if need be, and damaged_index
 * remembers (durable before anything is cut) that this member had more. */
enum status ledger_cut_damaged(struct ledger *l, int64_t index) MUST_USE;
/* The caller has caught up with a leader that was elected without this member: damaged_index is -1 again. */
enum status ledger_repaired(struct ledger *l) MUST_USE;

/* ---- marks ---- */

/* Durable when it returns OK; the marks change only then. */
enum status ledger_set_term(struct ledger *l, int64_t term, struct span vote) MUST_USE;
/* Only grows, and not beyond end_index. */
void ledger_set_committed(struct ledger *l, int64_t index);

/* Starts making the written entries durable, unless a sync is under way (then one more follows it): for those who
 * wait for synced_index. A failure is told by ledger_failure. */
void ledger_sync(struct ledger *l);
/* node_ops.synced: true if the token was one of this ledger's. */
bool ledger_synced(struct ledger *l, uint64_t token, enum status status, struct moment now);
/* Once per turn: background sync, checkpoint, the next file ahead of need; closes files. Returns when it wants to be
 * called again. */
int64_t ledger_tick(struct ledger *l, struct moment now);
/* Is a sync under way? */
bool ledger_is_syncing(const struct ledger *l);
/* OK, or why the disk can no longer be trusted: nothing is appended any more (a failed sync loses pages for good). */
enum status ledger_failure(const struct ledger *l);
/* Verifies checksums of up to `bytes` bytes further on, round and round. CORRUPT: *index is damaged. */
enum status ledger_scrub(struct ledger *l, int64_t bytes, int64_t *index) MUST_USE;

#endif
