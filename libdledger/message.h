/* SPDX-License-Identifier: Apache-2.0
 *
 * message: what the members of a group say to each other, bytes <-> values.
 * Two forms.
 *
 * DLedger 0.1's (io.openmessaging.storage.dledger.protocol): the body of a
 * remoting command in fastjson's JSON. Members are alphabetical, nulls left
 * out, byte[] is base64, enums go by name. A response's header always has code
 * 200: the result is `code` in the body. One flat structure serves all kinds;
 * a table says which fields a kind has and what they are when absent.
 *
 * Ours, between two members that both know it: BATCH, the entries as they lie
 * on disk behind a small binary header, with its own request code. It is append, commit and heartbeat in one.
 * Who knows it says so by the JSON field "batchFormat":1 in VOTE and HEART_BEAT
 * requests and responses; Java ignores unknown fields, so it never notices and never gets one.
 */
#ifndef LIBDLEDGER_MESSAGE_H
#define LIBDLEDGER_MESSAGE_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/wire/command.h"
#include "libdledger/entry.h"

/* DLedgerRequestCode, and ours */
enum dl_request_code {
  DL_METADATA = 50000,
  DL_APPEND = 50001,
  DL_GET = 50002,
  DL_VOTE = 51001,
  DL_HEART_BEAT = 51002,
  DL_PULL = 51003, /* nobody implements it */
  DL_PUSH = 51004,
  DL_BATCH = 52104 /* ours; far from what later DLedgers use (51005, 51006, 59999) */
};
#define DL_RESPONSE_CODE 200 /* of every response's header */

/* DLedgerResponseCode */
#define DL_CODES(X)                                                                                               \
  X(-1, UNKNOWN)                                                                                                  \
  X(200, SUCCESS)                                                                                                 \
  X(300, TIMEOUT)                                                                                                 \
  X(301, METADATA_ERROR)                                                                                          \
  X(302, NETWORK_ERROR)                                                                                           \
  X(303, UNSUPPORTED) X(400, UNKNOWN_GROUP) X(401, UNKNOWN_MEMBER) X(402, UNEXPECTED_MEMBER) X(403, EXPIRED_TERM) \
      X(404, NOT_LEADER) X(405, NOT_FOLLOWER) X(406, INCONSISTENT_STATE) X(407, INCONSISTENT_TERM)                \
          X(408, INCONSISTENT_INDEX) X(409, INCONSISTENT_LEADER) X(410, INDEX_OUT_OF_RANGE)                       \
              X(411, UNEXPECTED_ARGUMENT) X(412, REPEATED_REQUEST) X(413, REPEATED_PUSH) X(414, DISK_ERROR)       \
                  X(415, DISK_FULL) X(416, TERM_NOT_READY) X(500, INTERNAL_ERROR) X(501, TERM_CHANGED)            \
                      X(502, WAIT_QUORUM_ACK_TIMEOUT) X(503, LEADER_PENDING_FULL) X(504, ILLEGAL_MEMBER_STATE)    \
                          X(505, LEADER_NOT_READY)
enum dl_code {
#define X(number, name) DL_CODE_##name = number,
  DL_CODES(X)
#undef X
};
const char *dl_code_name(int32_t code); /* "?" when unknown */

/* VoteResponse.RESULT; ordinals count. The double underscore is 0.1's; 0.2 has one, and reads null where the other
 * is written. */
#define DL_VOTE_RESULTS(X)                                                                                        \
  X(UNKNOWN)                                                                                                      \
  X(ACCEPT)                                                                                                       \
  X(REJECT_UNKNOWN_LEADER)                                                                                        \
  X(REJECT_UNEXPECTED_LEADER)                                                                                     \
  X(REJECT_EXPIRED_VOTE_TERM)                                                                                     \
  X(REJECT_ALREADY_VOTED) X(REJECT_ALREADY__HAS_LEADER) X(REJECT_TERM_NOT_READY) X(REJECT_TERM_SMALL_THAN_LEDGER) \
      X(REJECT_EXPIRED_LEDGER_TERM) X(REJECT_SMALL_LEDGER_END_INDEX)
enum dl_vote_result {
  DL_VOTE_NULL = -1, /* null, or a name 0.1 does not know */
#define X(name) DL_VOTE_##name,
  DL_VOTE_RESULTS(X)
#undef X
      DL_VOTE_RESULT_COUNT
};
const char *dl_vote_result_name(int result);

/* PushEntryRequest.Type; ordinals count */
enum dl_push_type {
  DL_PUSH_NULL = -1,
  DL_PUSH_APPEND,
  DL_PUSH_COMMIT,
  DL_PUSH_COMPARE,
  DL_PUSH_TRUNCATE,
  DL_PUSH_TYPE_COUNT
};
const char *dl_push_type_name(int type);

enum dl_kind {
  DL_METADATA_REQUEST,
  DL_METADATA_REPLY,
  DL_APPEND_REQUEST,
  DL_APPEND_REPLY,
  DL_GET_REQUEST,
  DL_GET_REPLY,
  DL_VOTE_REQUEST,
  DL_VOTE_REPLY,
  DL_HEART_BEAT_REQUEST,
  DL_HEART_BEAT_REPLY,
  DL_PUSH_REQUEST,
  DL_PUSH_REPLY,
  DL_KIND_COUNT
};
/* The kinds of a request code; false: a code without JSON of ours (PULL, BATCH, others). */
bool dl_kinds_of(int32_t code, enum dl_kind *request, enum dl_kind *reply);

#define DL_NONE INT64_MIN /* a Long that is null */

struct dl_peer {
  struct span id, address;
};

struct dl_message {
  enum dl_kind kind;
  /* RequestOrResponse */
  struct span group, remote_id, local_id, leader_id; /* SPAN_NONE: null */
  int32_t code;                                      /* 200 */
  int64_t term;                                      /* -1 */
  int32_t batch_format;                              /* 0: not said */
  /* Ours alone, left out when 0 (DL_NONE); what they mean: libdledger/raft/message.h */
  int32_t pre_vote, hand_over, amnesia, confirmed;
  int64_t leader_end_index;
  /* VOTE */
  int64_t ledger_end_index, ledger_end_term;
  int vote_result; /* enum dl_vote_result */
  /* PUSH, APPEND, GET */
  int64_t commit_index;
  int push_type; /* enum dl_push_type */
  bool has_entry;
  struct entry entry;  /* PUSH request */
  int64_t index;       /* PUSH reply: DL_NONE for COMMIT */
  int64_t pos;         /* APPEND reply */
  int64_t begin_index; /* GET request: may be DL_NONE */
  int64_t end_index;
  int32_t max_size;          /* GET request */
  struct span body;          /* APPEND request; SPAN_NONE: null */
  const int64_t *index_list; /* GET request; NULL: null */
  size_t index_count;
  const struct entry *entries; /* GET reply; NULL: null */
  size_t entry_count;
  const struct dl_peer *peers; /* METADATA reply; NULL: null */
  size_t peer_count;
};

#define DL_BODY_MAX (12u << 20) /* JSON: a whole entry in base64 and more; Java's frames end at 16 MiB */
#define DL_LIST_MAX 4096        /* elements of indexList, entries, peers */

/* What a Java object of this kind has before anything is set. */
void dl_message_init(struct dl_message *m, enum dl_kind kind);
/* Input as fastjson takes it: unknown fields ignored, missing ones by default, enums also by ordinal, byte[] also as
 * an array of numbers. Borrows body and arena. INVALID, LIMIT, NO_MEMORY with *why (static text). */
enum status dl_message_read(struct dl_message *m, enum dl_kind kind, struct span body, struct arena *arena,
                            const char **why) MUST_USE;
void dl_message_write(struct buf *out, const struct dl_message *m);

/* Frames. A request's code comes from the kind, a reply's is 200; opaque and serialisation from the caller (a reply
 * goes in the form of its request). Returns bytes appended, 0 when out failed. */
size_t dl_request_frame(struct buf *out, const struct dl_message *m, int32_t opaque, enum serialize form);
size_t dl_reply_frame(struct buf *out, const struct dl_message *m, int32_t opaque, enum serialize form);

/* ---- BATCH ----
 *
 * Request body, big-endian; all lengths are checked against the body's:
 *   0 u32 magic "DLB1"    8 i64 term            32 i64 prevIndex      56 u32 entry count
 *   4 u8 flags            16 i64 commitIndex    40 i64 prevTerm       60 u32 entry bytes
 *   5..7 u8 lengths of    24 u64 round          48 i32 prevChainCrc   64 group, leaderId, remoteId, then the entries
 *     group, leader, remote                     52 u32 0
 * The entries follow prevIndex without a gap: index prevIndex+1 and so on. An empty batch is a heartbeat that also says
 * what is committed. prevIndex, prevTerm are Raft's consistency check, which spares COMPARE; -1, -1 before the first
 * entry. prevChainCrc: as on the sender's disk, 0: none. round comes back in the reply, so that a leader knows which of
 * its rounds a member has confirmed.
 *
 * Reply body:
 *   0 u32 magic "DLb1"   8 i64 term         24 i64 endIndex    40 i64 syncedIndex     56 i64 round
 *   4 i32 code           16 i64 beginIndex  32 i64 matchIndex  48 i64 committedIndex
 * matchIndex: the log is the leader's up to here (SUCCESS), or the best index to go on from (INCONSISTENT_STATE), so
 * that a walk back takes a round trip per term, not per entry.
 */
#define DL_BATCH_FORMAT 1
#define DL_BATCH_MAGIC 0x444C4231u
#define DL_BATCH_REPLY_MAGIC 0x444C6231u
#define DL_BATCH_HEADER 64
#define DL_BATCH_REPLY_BYTES 64
#define DL_BATCH_BYTES_MAX (8u << 20) /* of entries; one entry (4 MiB) always fits */
#define DL_NAME_MAX 255

struct dl_batch {
  uint8_t flags; /* the two ends' business */
  struct span group, leader_id, remote_id;
  int64_t term, commit_index;
  uint64_t round;
  int64_t prev_index, prev_term;
  int32_t prev_chain_crc;
  uint32_t count;
  struct span entries; /* raw; walk with dl_batch_next */
};

struct dl_batch_reply {
  int32_t code; /* enum dl_code */
  int64_t term, begin_index, end_index, match_index, synced_index, committed_index;
  uint64_t round;
};

/* Everything but the entries' bytes, which the caller sends behind (b->entries.len counts). */
void dl_batch_write_header(struct buf *out, const struct dl_batch *b);
/* Checks the frame and every entry's lengths, count, and that indexes follow each other; positions, terms and checksums
 * are ledger_append's. Borrows. */
enum status dl_batch_read(struct dl_batch *b, struct span body, const char **why) MUST_USE;
/* Next entry of a batch that was read: *rest begins as b->entries. False at the end. */
bool dl_batch_next(struct span *rest, struct entry *out);
void dl_batch_reply_write(struct buf *out, const struct dl_batch_reply *r);
enum status dl_batch_reply_read(struct dl_batch_reply *r, struct span body, const char **why) MUST_USE;

#endif
