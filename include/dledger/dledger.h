/* SPDX-License-Identifier: Apache-2.0
 *
 * dledger: a replicated log for a small group of processes. One member leads;
 * what is appended there has an index and a position, and is committed when a
 * majority has it. A committed entry never changes and is handed to every
 * member in order, which makes a state machine out of whatever applies them
 * (examples/kv.c).
 *
 * Speaks and stores what DLedger 0.1 (the one in RocketMQ 4.7.0) does, so that
 * members written in Java may be in the group.
 *
 * A member has one thread of its own. Call-backs run on it and must not block;
 * all functions may be called by any thread, those that wait not from a
 * call-back.
 */
#ifndef DLEDGER_DLEDGER_H
#define DLEDGER_DLEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dledger dledger;

enum dledger_result {
  DLEDGER_OK = 0,
  DLEDGER_NOT_LEADER,  /* nothing was appended: ask dledger_status for the leader */
  DLEDGER_BUSY,        /* nothing was appended: too many appends wait */
  DLEDGER_TOO_LONG,    /* nothing was appended */
  DLEDGER_UNKNOWN,     /* the leader changed, or time was up: it may be committed or not */
  DLEDGER_DISK,        /* the disk failed */
  DLEDGER_NOT_FOUND,   /* no such entry, or not committed */
  DLEDGER_CLOSED,
  DLEDGER_INVALID
};
const char *dledger_result_text(enum dledger_result result);

enum dledger_role { DLEDGER_FOLLOWER, DLEDGER_CANDIDATE, DLEDGER_LEADER };

/* When an append is acknowledged (dLegerFsync). */
enum dledger_fsync {
  DLEDGER_FSYNC_NONE,    /* a majority has written it: survives the death of processes. As Java */
  DLEDGER_FSYNC_LEADER,  /* and the leader has synced it */
  DLEDGER_FSYNC_MAJORITY /* a majority has synced it: survives a power cut of all */
};

struct dledger_options {
  const char *group, *self_id;
  const char *peers; /* "n0-host:port;n1-host:port;n2-host:port" */
  const char *dir;   /* the log lies in DIR/dledger-SELF */
  const char *bind;  /* address to listen on; "" all */
  enum dledger_fsync fsync;
  int heartbeat_ms, election_ms;                /* a leader silent for election_ms to twice as long is replaced */
  int append_timeout_ms;
  int64_t data_file_length, index_file_length;  /* the same on all members */
  size_t pending_max;
  bool trust_empty; /* this group is new: elect without hearing all members, whose disks are empty */
  bool verbose;
  void *context;
  /* May be NULL. leader: id, "" when not known. */
  void (*on_role)(void *context, enum dledger_role role, int64_t term, const char *leader);
  /* Each committed entry from apply_from on, in order. May be NULL. */
  void (*on_entry)(void *context, int64_t index, int64_t term, const void *body, size_t len);
  int64_t apply_from;
};
void dledger_options_default(struct dledger_options *options);

/* options are copied, context is not. NULL: error (may be NULL) has a sentence. */
dledger *dledger_start(const struct dledger_options *options, char *error, size_t error_cap);
/* A leader first asks another member to take over, for up to hand_over_ms. Appends that wait end with UNKNOWN. */
void dledger_stop(dledger *d, int hand_over_ms);

/* Waits for the commit. index, pos may be NULL. */
enum dledger_result dledger_append(dledger *d, const void *body, size_t len, int64_t *index, int64_t *pos);
/* done runs exactly once on the member's thread. body is copied. CLOSED: done will not run. */
typedef void (*dledger_done)(void *argument, enum dledger_result result, int64_t index, int64_t pos);
enum dledger_result dledger_append_async(dledger *d, const void *body, size_t len, dledger_done done, void *argument);
/* A committed entry of this member; *body is to be freed with dledger_free. */
enum dledger_result dledger_get(dledger *d, int64_t index, void **body, size_t *len, int64_t *term);
void dledger_free(void *body);

struct dledger_status {
  enum dledger_role role;
  int64_t term;
  char leader[64]; /* "": not known */
  int64_t begin_index, end_index, committed_index, synced_index;
};
void dledger_get_status(dledger *d, struct dledger_status *out);

struct dledger_member {
  char id[64], address[300];
  bool leader, self;
  int64_t match; /* at the leader: how much of the log it has; else -1 */
};
/* Returns how many there are; fills up to cap. */
size_t dledger_members(dledger *d, struct dledger_member *out, size_t cap);

#ifdef __cplusplus
}
#endif

#endif
