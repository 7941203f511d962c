/* SPDX-License-Identifier: Apache-2.0
 *
 * message: what members of a group say to each other, as values. The step
 * function reads and writes these; how they look on a wire (fastjson bodies of
 * DLedger 0.1, or our own binary push) is decided elsewhere.
 *
 * Members are numbers: the place in the group's list, the same on every member.
 * Every request has a number (`seq`) given by its sender; whoever carries it
 * hands the answer back with that number and the term the request was sent in
 * (DLedger's successful heartbeat answers carry neither).
 *
 * Fields marked [ext] travel only between our own members: Java's fastjson
 * ignores the JSON fields it does not know.
 */
#ifndef DLEDGER_RAFT_MESSAGE_H
#define DLEDGER_RAFT_MESSAGE_H

#include "core/base/span.h"

enum { RAFT_MEMBERS_MAX = 16, RAFT_NOBODY = -1 };

/* DLedgerResponseCode: the numbers are the wire's. */
enum raft_code {
  RAFT_SUCCESS = 200,
  RAFT_EXPIRED_TERM = 403,
  RAFT_NOT_FOLLOWER = 405,
  RAFT_INCONSISTENT_STATE = 406,
  RAFT_INCONSISTENT_LEADER = 409,
  RAFT_UNKNOWN_MEMBER = 401,
  RAFT_UNEXPECTED_MEMBER = 402,
  RAFT_REPEATED_PUSH = 413,
  RAFT_DISK_ERROR = 414,
  RAFT_TERM_NOT_READY = 416
};

/* VoteResponse.RESULT, in its order; 0.1 spells ALREADY__HAS_LEADER with two underscores. */
enum raft_vote {
  RAFT_VOTE_UNKNOWN,
  RAFT_VOTE_ACCEPT,
  RAFT_VOTE_UNKNOWN_LEADER,
  RAFT_VOTE_UNEXPECTED_LEADER,
  RAFT_VOTE_EXPIRED_VOTE_TERM,
  RAFT_VOTE_ALREADY_VOTED,
  RAFT_VOTE_ALREADY_HAS_LEADER,
  RAFT_VOTE_TERM_NOT_READY,
  RAFT_VOTE_TERM_SMALL_THAN_LEDGER,
  RAFT_VOTE_EXPIRED_LEDGER_TERM,
  RAFT_VOTE_SMALL_LEDGER_END_INDEX
};

enum raft_kind {
  RAFT_VOTE,      /* VOTE */
  RAFT_HEARTBEAT, /* HEART_BEAT */
  RAFT_BATCH,     /* ours: entries behind (prev_index, prev_term) */
  RAFT_COMPARE,   /* PUSH with type COMPARE: one entry */
  RAFT_TRUNCATE,  /* PUSH with type TRUNCATE: one entry */
  RAFT_APPEND,    /* PUSH with type APPEND: one entry */
  RAFT_COMMIT     /* PUSH with type COMMIT */
};

/* An entry in DLedger's terms. Its body is borrowed for the call it is handed to. */
struct raft_entry {
  int64_t index, term, pos;
  int32_t magic, channel, size, chain_crc, body_crc;
  struct span body;
};

struct raft_message {
  enum raft_kind kind;
  bool response;
  bool ours; /* [ext] the sender is one of ours */
  uint64_t seq;
  int from, to;
  int64_t term;       /* of the sender; DLedger's heartbeat answer: -1 */
  int64_t asked_term; /* responses: the term of the request */
  int leader;         /* whom the sender takes for the leader (votes: the candidate) */
  int32_t code;       /* responses, enum raft_code */

  enum raft_vote vote;         /* answer to a vote */
  int64_t end_index, end_term; /* of the sender's ledger: votes; answers to pushes; [ext] elsewhere */
  int64_t begin_index;         /* answers to pushes */
  bool pre_vote;               /* [ext] only a question: would you vote for me in the next term? */
  bool hand_over;              /* [ext] vote: the leader wished it; heartbeat: stand for election now */
  /* [ext] answers: I have forgotten things (the number is that of this life of mine): my vote counts only if all agree,
   * what I store does not count at all. 0: no. */
  uint32_t amnesia;
  /* [ext] heartbeats: since that life began, a majority without you has confirmed that I lead. 0: no. */
  uint32_t confirmed;

  int64_t index;                    /* answers to pushes: the entry, or the last one that is stored */
  int64_t prev_index, prev_term;    /* RAFT_BATCH */
  bool reset;                       /* RAFT_BATCH: the ledger begins here, what is before it is gone */
  int64_t commit;                   /* pushes */
  int64_t first, last;              /* pushes: which entries; the owner reads them from its ledger when it sends */
  const struct raft_entry *entries; /* pushes that arrived: last - first + 1 of them */
};

#endif
