/* SPDX-License-Identifier: Apache-2.0
 *
 * index: from a topic and a key to places in the commit log
 * (org.apache.rocketmq.store.index.{IndexService,IndexFile,IndexHeader}).
 * A list of files under ROOT/index; only the newest takes entries. A file is a
 * header, a hash table of slots and an entry area that only grows; a slot has
 * the number of its newest entry, an entry that of the one before it.
 *
 * It is derived data and written like it: of the newest file, slots and newest
 * entries live in memory. Entries go out when a block of them is full, behind
 * what the file's header counts; header and slots only when index_write() says
 * so, once per checkpoint, or when the file is full. So between two
 * checkpoints the file on disk stays what it was at the first one, whole. A
 * file whose header is newer than the checkpoint is not believed: its slots
 * are made again from its entries, and what then lacks comes from the log.
 *
 * It hashes keys and does not keep them: an answer may be a record with another
 * key. It knows the log only to ask for store times.
 */
#ifndef MQBROKER_STORE_INDEX_H
#define MQBROKER_STORE_INDEX_H

#include "mqbroker/store/commitlog.h"
#include "mqbroker/store/store.h"

#define INDEX_HEADER_SIZE 40
#define INDEX_SLOT_SIZE 4
#define INDEX_ENTRY_SIZE 20
#define INDEX_BLOCK_ENTRIES 4096         /* newest entries kept in memory: 80 KiB */
#define INDEX_GROUP_SLOTS 1024           /* slots that are read and written together */
#define INDEX_SLOTS_MAX (1 << 26)        /* all slots of a file may be in memory: 256 MiB; 20 MB by default */
#define INDEX_FILES_OPEN_MAX 16
#define INDEX_STEPS_MAX 1000000          /* entries one query looks at */
#define INDEX_REPLAY_BYTES_MAX (INT64_C(16) << 30) /* of the log, read again at start for keys that lack */

struct index_header {
  int64_t begin_ms, end_ms; /* store times */
  int64_t begin_offset, end_offset;
  int32_t slot_count; /* 4.7.0 counts entries here, not slots */
  int32_t count;      /* number of the next entry; the first is 1 */
};

struct index_file {
  int64_t name; /* yyyyMMddHHmmssSSS as a number */
  struct index_header header;
  struct disk_file *file; /* NULL: not open */
  const uint8_t *view;
  uint64_t used; /* when it was last opened or read */
  bool unsynced;
};

struct index_key { /* one entry to be */
  int64_t offset, store_ms;
  int32_t hash;
};

struct index {
  struct index_config config;
  struct disk *disk;
  struct log *log;
  struct commitlog *commitlog;
  char *dir;
  bool failed; /* a write failed: nothing is added until the next start, which makes up for it */
  bool made;   /* the directory was missing at start */
  bool cut;    /* entries were taken out at start */
  struct index_file *files; /* oldest first; the last one takes entries */
  size_t count, cap;
  size_t open;
  uint64_t uses;
  bool names_unsynced;
  bool rolled;      /* a file was completed since the last index_write */
  bool dirty;       /* the newest file on disk lacks something */
  int64_t after_ms; /* lowest store time added since index_write */
  int64_t boundary; /* end offset when the files were loaded: records below are in, this one perhaps; -1: none */
  int64_t live;         /* name of the file the following belongs to: the newest, or 0 */
  uint8_t *slots;       /* its table as on disk, by groups as far as `groups` says */
  uint8_t *groups;      /* enum index_group */
  size_t due, due_at;   /* groups that are due; none of them is before due_at */
  uint8_t *block;       /* entries [block_first, count) */
  int32_t block_first;
  struct index_key *staged;
  size_t staged_count, staged_cap;
};

/* False: a query finds nothing and nothing is added (slots == 0). */
static inline bool index_exists(const struct index *ix) { return ix->config.slots > 0; }
/* True: every record is put. */
static inline bool index_is_whole(const struct index *ix) {
  return index_exists(ix) && ix->config.enabled && !ix->failed;
}
int64_t index_file_length(const struct index_config *config);
bool index_config_valid(const struct index_config *config);

enum status index_init(struct index *ix, struct disk *disk, struct log *log, struct commitlog *commitlog,
                       const char *root, const struct index_config *config) MUST_USE;
/* Closes and frees without writing. */
void index_fini(struct index *ix);

/* index_load.c. First the names, changing nothing; INVALID: a file of another length (`repair`: left by a crash, a
 * shorter one is allowed). */
enum status index_scan(struct index *ix, bool repair, struct buf *why) MUST_USE;
/* Then the files, in which only entries below `limit` may be. Those newer than index_ms are made again. *lost: some
 * entries of records below `limit` are gone. */
enum status index_load(struct index *ix, bool repair, int64_t index_ms, int64_t limit, bool *lost) MUST_USE;
/* End of the last record that is known to be in, or -1: what a replay begins with. */
static inline int64_t index_reaches(const struct index *ix) {
  return ix->count == 0 ? -1 : ix->files[ix->count - 1].header.end_offset;
}

/* Stages the keys of a record: UNIQ_KEY, then each word of KEYS. index_commit adds them, index_rollback forgets. */
void index_stage(struct index *ix, struct span topic, struct span properties, int32_t sys_flag, int64_t offset,
                 int64_t store_ms);
void index_commit(struct index *ix, struct moment now);
static inline void index_rollback(struct index *ix) { ix->staged_count = 0; }
/* The keys of a record of the log, at start; what is in already is passed over. They are in when index_end_replay
 * has been called. */
void index_end_replay(struct index *ix, struct moment now);
void index_replay(struct index *ix, struct span topic, struct span properties, int32_t sys_flag, int64_t offset,
                  int64_t store_ms, struct moment now);
/* Something is not durable yet. */
bool index_owes(const struct index *ix);
/* Begins to write whatever the newest file on disk lacks at this moment; index_write_on goes on with at most `groups`
 * groups of slots, true: done. Keys hash anywhere, so after a minute of traffic all slots are due: 20 MB. */
void index_write(struct index *ix);
bool index_write_on(struct index *ix, size_t groups);
/* The next file to be synced (its name is durable), NULL if there is none; index_is_synced: a sync of it has begun. */
struct disk_file *index_unsynced(struct index *ix);
void index_is_synced(struct index *ix);
/* Writes and syncs everything, waiting. */
void index_sync_all(struct index *ix);
/* Up to which store time the checkpoint may vouch for the index, if it covers the log up to target_ms: less when more
 * came in the same millisecond. old_ms: what it says now. */
int64_t index_vouched_ms(const struct index *ix, int64_t old_ms, int64_t target_ms);
/* From now on nothing is added. */
void index_fail(struct index *ix, const char *what, enum status status);
/* Removes files, never the newest, whose entries are all below `offset` (IndexService.deleteExpiredFile). */
enum status index_drop_before(struct index *ix, int64_t offset) MUST_USE;

/* IndexFile.indexKeyHashMethod of "topic#key". */
int32_t index_hash(struct span topic, struct span key);
/* Tells each place that has the hash, newest first; false: enough. Times are compared in whole seconds since the
 * file began, as Java does. */
typedef bool (*index_take)(void *context, int64_t offset);
void index_query(struct index *ix, int32_t hash, int64_t begin_ms, int64_t end_ms, index_take take, void *context);

/* index_file.c: what the files of this room share. */
enum index_group {
  GROUP_ABSENT, /* not in memory */
  GROUP_LOADED, /* as in the file */
  GROUP_DIRTY,  /* newer */
  GROUP_DUE     /* newer, and part of what index_write has begun to write: goes out before it changes again */
};
static inline int64_t index_entry_at(const struct index *ix, int64_t number) {
  return INDEX_HEADER_SIZE + (int64_t)ix->config.slots * INDEX_SLOT_SIZE + number * INDEX_ENTRY_SIZE;
}
/* hash, offset, seconds, previous */
struct index_entry {
  int32_t hash;
  int64_t offset;
  int32_t seconds;
  int32_t previous;
};
/* What an entry says about its record's time. */
static inline int32_t index_seconds_since(int64_t begin_ms, int64_t store_ms) {
  if (begin_ms <= 0 || store_ms <= begin_ms) return 0;
  int64_t seconds = (store_ms - begin_ms) / 1000;
  return seconds > INT32_MAX ? INT32_MAX : (int32_t)seconds;
}
void index_entry_get(const uint8_t *p, struct index_entry *out);
void index_entry_put(uint8_t *p, const struct index_entry *e);
void index_header_get(const uint8_t *p, struct index_header *out);
void index_header_put(uint8_t *p, const struct index_header *h);
/* Opens the file if it is not, and closes others beyond the limit. */
enum status index_file_open(struct index *ix, struct index_file *f) MUST_USE;
void index_file_close(struct index *ix, struct index_file *f);
enum status index_file_remove(struct index *ix, size_t at) MUST_USE;
/* Makes the next file; its header goes on from that of the file before. */
enum status index_file_add(struct index *ix, struct moment now) MUST_USE;
/* The newest file becomes the live one; `fresh`: all its slots are empty. */
enum status index_file_begin(struct index *ix, bool fresh) MUST_USE;
/* A name as a number; -1: it is none. */
int64_t index_name_parse(struct span name);
int64_t index_name_of(int64_t wall_ms);

#endif
