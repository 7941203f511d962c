/* SPDX-License-Identifier: Apache-2.0
 *
 * store: the door to everything on disk that is made of messages: commit log,
 * consume queues, key index, checkpoint, recovery. Files are Java 4.7.0's, byte for byte
 * (org.apache.rocketmq.store.{CommitLog,ConsumeQueue,StoreCheckpoint,DefaultMessageStore}).
 *
 * The turn: put() stages records in memory and gives them their offsets;
 * commit() writes everything staged with one write and derives the consume
 * queue units; only then may anybody be told. If the write fails, everything
 * staged since the last commit never happened.
 *
 * One thread. Never reads a clock; tick() says when it wants to be called.
 */
#ifndef MQBROKER_STORE_STORE_H
#define MQBROKER_STORE_STORE_H

#include "core/base/log.h"
#include "core/base/moment.h"
#include "core/port/disk.h"
#include "core/wire/message.h"

struct store;

struct index_config {
  bool enabled;         /* messageIndexEnable; false: queries are answered, but nothing is added */
  bool safe;            /* messageIndexSafe: after a crash the log is read as far back as keys may lack */
  int32_t slots;        /* maxHashSlotNum; 0: there is no index at all */
  int32_t entries;      /* maxIndexNum, the unused entry 0 included */
  int32_t utc_offset_s; /* of local time: the files are named by it */
};

/* What is removed when (retention.h). */
struct retention_rules {
  int32_t interval_ms;    /* cleanResourceInterval; 0: nothing is removed and no space watched */
  uint32_t hours;         /* deleteWhen: bit n: at hour n of local time */
  int32_t utc_offset_s;   /* of local time */
  int32_t reserved_hours; /* fileReservedTime */
  int32_t used_percent;   /* diskMaxUsedSpaceRatio: above, expired files go at any hour */
  int32_t forced_percent; /* diskSpaceCleanForciblyRatio: above, the oldest files go, expired or not, if `forced` */
  int32_t full_percent;   /* diskSpaceWarningLevelRatio: above, puts are refused */
  bool forced;            /* cleanFileForciblyEnable */
  int32_t log_pause_ms;   /* deleteCommitLogFilesInterval */
  int32_t queue_pause_ms; /* deleteConsumeQueueFilesInterval */
  int32_t retry_ms;       /* redeleteHangedFileInterval: after a removal that failed */
};

/* Extended queues (queue_ext.h): beside each unit a longer one, for filters that are no tags. */
struct ext_config {
  bool enabled;         /* enableConsumeQueueExt; false: what is there is still read */
  int64_t file_length;  /* mappedFileSizeConsumeQueueExt, bytes */
};

/* The commit log as a ledger of several brokers (org.apache.rocketmq.store.dledger.DLedgerCommitLog): each record is the
 * body of an entry, behind its header. Somebody else writes the files; this room stages records in them, and reads what
 * the brokers agreed on: only that is in queues, index and answers. */
struct store_group;
struct store_group_marks {
  int64_t begin;     /* where the first entry is, or would be */
  int64_t committed; /* behind the last entry that is agreed on; begin: none is */
  int64_t synced;    /* durable up to here */
};
struct store_group_ops {
  /* Room for a record in a new entry, to be filled before anything else happens. BUSY: not now, see refusal. INVALID:
   * no entry may be so large. */
  enum status (*reserve)(struct store_group *g, size_t size, uint8_t **out, int64_t *offset);
  void (*marks)(const struct store_group *g, struct store_group_marks *out);
  /* Removes the oldest file. BUSY: it is needed. */
  enum status (*drop_first)(struct store_group *g);
  /* Why nothing can be put, or NULL. */
  const char *(*refusal)(const struct store_group *g);
};
struct store_group {
  const struct store_group_ops *ops;
  const char *dir; /* of the ledger's data files */
};

/* Told now and then how far opening has come, in bytes: a room has no clock, so whoever listens decides what to say.
 * Each `what` begins with done 0 and ends with done == total. */
struct store_watch {
  void (*step)(void *context, const char *what, int64_t done, int64_t total); /* NULL: nobody listens */
  void *context;
};

struct store_config {
  const char *root;       /* storePathRootDir */
  const char *commitlog;  /* storePathCommitLog */
  int64_t segment_length; /* mappedFileSizeCommitLog, bytes */
  int64_t queue_file_length; /* mappedFileSizeConsumeQueue, bytes; rounded up to 20 */
  int32_t message_size_max;  /* maxMessageSize: whole record, bytes */
  bool sync_flush;           /* flushDiskType=SYNC_FLUSH */
  int32_t flush_interval_ms; /* flushIntervalCommitLog */
  int32_t flush_least_pages; /* flushCommitLogLeastPages */
  int32_t flush_thorough_ms; /* flushCommitLogThoroughInterval */
  int32_t flush_queue_interval_ms; /* flushIntervalConsumeQueue */
  bool check_crc_on_recover; /* checkCRCOnRecover */
  const char *delay_levels; /* messageDelayLevel; NULL: Java's default */
  struct ext_config ext;
  struct index_config index;
  struct retention_rules retention;
  struct store_watch watch;
  struct store_group *group; /* NULL: the commit log is our own. Outlives the store */
  int64_t noted_from;        /* a group's: its listener was told of what is before; -1: what is read anyway is enough */
  uint64_t seed;
};

struct store_listener {
  /* Told during commit() for each record that entered a queue: the queue now reaches to max (exclusive). */
  void (*arrived)(void *context, struct span topic, int32_t queue_id, int64_t queue_max, int64_t tags_code);
  /* The bit map of a record's ext unit (CommitLogDispatcherCalcBitMap): appended to out, false: it has none. NULL: no
   * record has. Asked only with ext.enabled, in store_put and, for what is built again, already in store_open. The
   * record's queue_offset, physical_offset and store_ms are known. */
  bool (*bitmap)(void *context, const struct message *m, struct buf *out);
  /* A record of a group's log that enters no queue, also while it is read again at opening. NULL: nobody listens. */
  void (*passed)(void *context, const struct message *m);
  /* The same, and each one with a prepared_offset; at opening, those from config.noted_from on. */
  void (*noted)(void *context, const struct message *m);
  void *context;
};

/* Opens and recovers. Takes ROOT/lock before reading anything. BUSY: another process runs here; CORRUPT,
 * INVALID: refused with a sentence in why, nothing changed. */
enum status store_open(struct store **out, const struct store_config *config, struct disk *disk,
                       struct log *log, const struct store_listener *listener, struct moment now,
                       struct buf *why) MUST_USE;
/* Writes and syncs everything, leaves a clean shutdown behind (abort file removed). A failure has been logged; then not
 * all may be on disk. */
enum status store_close(struct store *s, struct moment now);
/* Forgets without writing: what a crash is like. For the simulator. */
void store_abandon(struct store *s);

/* PutMessageStatus, as far as this room can know. */
enum put_status {
  PUT_OK,
  PUT_MESSAGE_ILLEGAL,   /* topic or properties too long, record over message_size_max */
  PUT_SERVICE_NOT_AVAILABLE, /* read-only: `store_refusal` says why */
  PUT_NO_MEMORY
};

struct put_result {
  int64_t physical_offset; /* of the (first) record */
  int64_t end_offset;      /* behind the (last) record: the mark a waiter needs */
  int64_t queue_offset;    /* of the (first) record in its queue */
  int64_t store_ms;
  int32_t count;
};

/* m: queue_offset, physical_offset, store_ms and body_crc are set by the store. sys_flag with PREPARED or
 * ROLLBACK does not enter a queue. */
enum put_status store_put(struct store *s, struct message *m, struct moment now, struct put_result *out) MUST_USE;
/* All items or none, contiguous, in one file. m: what the items share (body and properties ignored).
 * physical_offsets: room for count values, may be NULL. */
enum put_status store_put_batch(struct store *s, struct message *m, const struct batch_item *items, size_t count,
                                struct moment now, struct put_result *out, int64_t *physical_offsets) MUST_USE;
/* Why puts are refused, or NULL. */
const char *store_refusal(const struct store *s);
/* Are they refused because the disk is full, or too full? */
bool store_is_full(const struct store *s);

/* Writes what was staged. On failure nothing staged exists and status tells why. Cheap when nothing is staged. */
enum status store_commit(struct store *s, struct moment now) MUST_USE;

/* ---- a group's log (group.c) ---- */

/* Takes what the group agreed on since: from here on it counts. */
enum status store_follow(struct store *s, struct moment now) MUST_USE;
/* This broker begins to put records: all that were put before are known now, or will never be. */
void store_lead(struct store *s);

/* Before a group's ledger is made in data_dir (the directory of its data files): where it begins. A log that is there
 * without a ledger is recovered, and its last file ended (DLedgerCommitLog.recover, dividedCommitlogOffset); config is
 * that of a store without a group. *first_pos 0: there is no such log, or the ledger is there. */
enum status store_seal(const struct store_config *config, const char *data_dir, struct disk *disk, struct log *log,
                       struct moment now, int64_t *first_pos, struct buf *why) MUST_USE;

/* ---- replication (raw.c): the log as bytes ---- */

/* Bytes of the log from offset on as they are in the mapping, at most max, never past the end of a file. NOT_FOUND
 * outside [store_log_min, store_log_max). Valid like get_result.parts. */
enum status store_log_bytes(struct store *s, int64_t offset, size_t max, struct span *out) MUST_USE;
/* Where the newest record begins (or an earlier one, never before its file); -1: the log is empty. */
int64_t store_last_record(struct store *s);
/* Takes bytes of another broker's log, which must begin at store_raw_end (in an empty log at the start of a file).
 * Whole records, checksums verified, are staged for the next store_commit as they are; the beginning of one is kept in
 * memory until the rest comes. CORRUPT, INVALID: these bytes are not what may stand here, a sentence is in why and
 * nothing of the bad record is taken. Other failures are those of the disk; all that was staged is lost then. */
enum status store_append_raw(struct store *s, int64_t offset, struct span bytes, struct moment now,
                             struct buf *why) MUST_USE;
int64_t store_raw_end(const struct store *s);
/* Forgets the beginning of a record, so that the log may be asked for from store_log_max again. */
void store_raw_forget(struct store *s);
/* Moves commit log, key index and checkpoint of a store that is not open into directories beside theirs, named by
 * `tag` (consume queues follow from the log and are made anew). On failure the sentence is in why. */
enum status store_set_aside(const struct store_config *config, struct disk *disk, int64_t tag, struct buf *why) MUST_USE;

/* New rules from the next look on. */
void store_retention_change(struct store *s, const struct retention_rules *rules);
/* Hours such as "04" or "04;16". */
enum status retention_hours_parse(struct span text, uint32_t *hours) MUST_USE;
/* Expired files go now and in the next looks, whatever the hour (executeDeleteFilesManually). */
void store_clean_now(struct store *s);

/* Marks: offsets in the commit log that only grow. */
int64_t store_appended(const struct store *s); /* written (page cache) */
int64_t store_flushed(const struct store *s);  /* durable */
/* SYNC_FLUSH: makes sure a sync that covers `offset` is under way (group commit: at most one at a time). */
void store_want_flushed(struct store *s, int64_t offset);
/* Forwarded from node_ops.synced. */
void store_synced(struct store *s, uint64_t token, enum status status, struct moment now);

/* Periodic work: flush intervals, queue flush, checkpoint. Returns the monotonic ms of the next call. */
int64_t store_tick(struct store *s, struct moment now);

/* Queues. Unknown queues are empty: max 0, min 0. */
int64_t store_queue_max(struct store *s, struct span topic, int32_t queue_id);
int64_t store_queue_min(struct store *s, struct span topic, int32_t queue_id);
int64_t store_log_min(const struct store *s);
int64_t store_log_max(const struct store *s); /* == store_appended */

enum get_status { /* GetMessageStatus, in its order */
  GET_FOUND, GET_NO_MATCHED_MESSAGE, GET_MESSAGE_WAS_REMOVING, GET_OFFSET_FOUND_NULL,
  GET_OFFSET_OVERFLOW_BADLY, GET_OFFSET_OVERFLOW_ONE, GET_OFFSET_TOO_SMALL,
  GET_NO_MATCHED_LOGIC_QUEUE, GET_NO_MESSAGE_IN_QUEUE
};
extern const char *const get_status_names[9];

/* What a queue knows of a message (the arguments of MessageFilter.isMatchedByConsumeQueue). */
struct queued {
  int64_t tags_code;  /* the real one, also of an extended unit */
  bool extended;      /* has an ext unit: */
  int64_t store_ms;
  struct span bitmap; /* absent: none; valid during the call */
};
/* Says whether a message may go to a consumer. NULL filter: all. */
typedef bool (*store_filter)(void *context, const struct queued *unit);

#define STORE_GET_PARTS_MAX 1024
struct get_result {
  int64_t next_offset; /* nextBeginOffset */
  int64_t min_offset, max_offset;
  struct span parts[STORE_GET_PARTS_MAX]; /* records in the mapped log: valid until the next but one store_tick */
  size_t part_count;                      /* adjacent records are one part */
  size_t message_count;
  size_t bytes;
  int64_t fall_behind; /* bytes between the last record given and the end of the log */
};
/* DefaultMessageStore.getMessage: at least one message is returned if any matches within the scan limit. */
enum get_status store_get(struct store *s, struct span topic, int32_t queue_id, int64_t offset, int32_t count_max,
                          size_t bytes_max, store_filter filter, void *filter_context, struct get_result *out);
/* The same with a filter that also looks at the record where it lies in the log, for what no queue unit can say. */
struct get_filter {
  store_filter by_unit;                                  /* NULL: all */
  bool (*by_record)(void *context, struct span record); /* NULL: all */
  void *context;
};
enum get_status store_get_filtered(struct store *s, struct span topic, int32_t queue_id, int64_t offset,
                                   int32_t count_max, size_t bytes_max, const struct get_filter *filter,
                                   struct get_result *out);

/* A queue's unit: where the record lies, and its tags code: of a delayed message, when it is due. */
struct store_unit {
  int64_t physical_offset;
  int32_t size; /* 0: the unit was lost */
  int64_t tags_code;
};
/* NOT_FOUND outside [min, max). */
enum status store_unit_at(struct store *s, struct span topic, int32_t queue_id, int64_t queue_offset,
                          struct store_unit *out) MUST_USE;

/* What an extended queue's unit has instead of its tags code. */
struct store_ext {
  int64_t address;
  bool found; /* the ext unit is there: */
  int64_t tags_code, store_ms;
  int32_t size;
  struct span bitmap; /* valid until the next call of this room */
};
/* False: the unit is not extended, or there is none. */
bool store_ext_at(struct store *s, struct span topic, int32_t queue_id, int64_t queue_offset, struct store_ext *out);

/* The whole record at a physical offset; NOT_FOUND if there is none. Valid like get_result.parts. */
enum status store_message_at(struct store *s, int64_t physical_offset, struct span *out) MUST_USE;

#define STORE_QUERY_MAX 1024
struct query_result {
  int64_t index_last_ms, index_last_offset; /* of the newest record in the index; 0 if nothing was found */
  struct span records[STORE_QUERY_MAX];     /* in the order of the log; valid like get_result.parts */
  size_t count;
  size_t bytes;
};
/* The newest messages of a topic that have a key, at most count_max and, but for the first, at most bytes_max bytes
 * (DefaultMessageStore.queryMessage). Java also returns messages whose key only has the same hash. */
void store_query(struct store *s, struct span topic, struct span key, int32_t count_max, size_t bytes_max,
                 int64_t begin_ms, int64_t end_ms, struct query_result *out);
/* store time of a queue's message, -1 if there is none. */
int64_t store_time_at(struct store *s, struct span topic, int32_t queue_id, int64_t queue_offset);
/* ConsumeQueue.getOffsetInQueueByTime. */
int64_t store_offset_by_time(struct store *s, struct span topic, int32_t queue_id, int64_t wall_ms);

/* Every queue with units, in name order. */
typedef void (*store_each_queue)(void *context, struct span topic, int32_t queue_id, int64_t min, int64_t max);
void store_queues(struct store *s, store_each_queue each, void *context);
/* Removes the queues of a topic (files too); the messages stay in the log. */
enum status store_delete_topic(struct store *s, struct span topic) MUST_USE;
/* Removes the queues whose messages are all gone from the log; the next message begins such a queue at 0
 * (cleanExpiredConsumerQueue). Returns how many; the first failure is in *status, the others are tried. */
size_t store_clean_expired_queues(struct store *s, enum status *status);
/* Removes the queues of topics that keep() does not want (cleanUnusedTopic). Returns how many topics. */
size_t store_clean_topics(struct store *s, bool (*keep)(void *context, struct span topic), void *context,
                          enum status *status);

struct store_facts { /* for BROKER_RUNTIME_INFO and the log */
  int64_t boot_ms;
  int64_t put_count;
  int64_t put_bytes;
  int64_t earliest_store_ms; /* -1: empty */
  int64_t dispatch_behind;   /* bytes written but not in the queues: 0 after commit */
  int64_t recovered_records;
  int64_t recovery_ms;
};
void store_facts(const struct store *s, struct store_facts *out);

#endif
