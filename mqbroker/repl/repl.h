/* SPDX-License-Identifier: Apache-2.0
 *
 * repl: how the log travels to other brokers, one interface with several
 * answers: not at all (none), to slaves (ha_master), from a master (ha_slave).
 * It knows the store and the network port and nothing of requests; whoever
 * waits for a slave waits at the gate, for the mark this room tells.
 *
 * On the wire it is org.apache.rocketmq.store.ha.{HAService,HAConnection}: a
 * slave reports offsets, a master sends pieces of its log (ha_wire.h). Either
 * side may be Java's.
 *
 * A pair by hand, two files for mqbroker -c (ports are on one machine here):
 *   master.conf: brokerName=a, brokerId=0, brokerRole=SYNC_MASTER (or ASYNC_MASTER), listenPort=10911,
 *                namesrvAddr=127.0.0.1:9876, brokerIP1=127.0.0.1, storePathRootDir=..., storePathCommitLog=...
 *   slave.conf:  brokerName=a, brokerId=1, brokerRole=SLAVE, listenPort=11911, the same namesrvAddr, its own
 *                store paths, the same mappedFileSizeCommitLog
 * The slave learns the master's port (listenPort + 1) from the name server; haMasterAddress=127.0.0.1:10912 does
 * without. When a slave's log is not the beginning of its master's it stops and says so in its log and in `mqadmin
 * brokerStatus` (haState); `mqadmin updateBrokerConfig -b SLAVE -k haReseed -v NUMBER`, with the number it names,
 * moves its data aside and copies the master's.
 */
#ifndef MQBROKER_REPL_REPL_H
#define MQBROKER_REPL_REPL_H

#include "core/base/log.h"
#include "core/base/moment.h"
#include "core/port/node.h"
#include "mqbroker/store/store.h"

struct repl;

/* What a put up to some offset must wait for. */
enum repl_need { REPL_FREE, REPL_WAIT, REPL_NO_SLAVE };

struct repl_ops {
  /* The network, as node_ops. Accepted connections come from the listener this room was given; `owns` tells which of
   * the others are its own. */
  bool (*owns)(const struct repl *r, conn_id conn);
  void (*connection)(struct repl *r, const struct net_event *event, struct moment now);
  size_t (*bytes)(struct repl *r, conn_id conn, struct span input, struct moment now);
  /* Once a turn, when the store has written: new bytes and reports go out. Returns the next wake time. */
  int64_t (*turn)(struct repl *r, struct moment now);
  /* The mark: as many slaves as are asked for have the log up to here. Only grows. */
  int64_t (*replicated)(const struct repl *r);
  enum repl_need (*need)(const struct repl *r, int64_t end_offset);
  /* The name servers know another master address, "host:port"; empty: they know none. */
  void (*master_is)(struct repl *r, struct span address);
  /* NULL: all is well; else why no log is taken any more until a person has acted. */
  const char *(*stopped)(const struct repl *r);
  /* One sentence for people. */
  void (*describe)(const struct repl *r, struct buf *out, struct moment now);
  /* Closes its connections. */
  void (*free)(struct repl *r);
};

struct repl {
  const struct repl_ops *ops;
};

struct repl_config {
  int32_t id;              /* brokerId: a slave's name among the others */
  int listener;            /* tag of connections that slaves open */
  int64_t segment_length;  /* mappedFileSizeCommitLog */
  int32_t batch;           /* haTransferBatchSize: most bytes of a frame */
  int32_t keepalive_ms;    /* haSendHeartbeatInterval */
  int32_t housekeeping_ms; /* haHousekeepingInterval: a peer that is silent so long is given up */
  int64_t fall_behind_max; /* haSlaveFallbehindMax */
  int32_t in_sync;         /* inSyncReplicas: slaves that must have a message */
  int64_t backlog_max;     /* haBacklogMaxBytes: what may wait for one slave's network */
  bool sync;               /* brokerRole=SYNC_MASTER */
  bool ack_flushed;        /* haAckFlushed: a slave reports what is on its disk */
  const char *master;      /* haMasterAddress; NULL: as the name servers say. Copied */
};

struct repl_host {
  struct net *net;
  struct store *store; /* outlives the room */
  struct log *log;
};

/* ---- a DLedger group: dledger.c ---- */

enum dledger_role { DLEDGER_FOLLOWS, DLEDGER_LEADS };

struct dledger_config {
  const char *group, *self_id, *peers; /* dLegerGroup, dLegerSelfId, dLegerPeers */
  const char *root;                    /* storePathRootDir */
  const char *bind;
  int fsync;              /* dLegerFsync, as enum raft_fsync */
  int listener;           /* tag of the listener for members */
  int64_t segment_length; /* mappedFileSizeCommitLog */
  int64_t first_pos;      /* where the first file begins, behind an older log */
  int32_t pending_max;    /* dLegerMaxPending: records that wait for a majority */
  int32_t election_ms;    /* dLegerElectionTimeout */
  int32_t heartbeat_ms;   /* dLegerHeartbeatInterval */
  uint64_t seed;
};

struct dledger_host {
  struct net *net;
  struct disk *disk;
  struct log *log;
  /* Inside turn. LEADS: everything that was agreed on before is in the store, and puts may begin; FOLLOWS: whatever was
   * put and not agreed on may be lost. Not told before it is known who leads. */
  void (*role)(void *owner, enum dledger_role role, struct moment now);
  void *owner;
};

/* The ledger is there before the store that reads it; dledger_store_is() says which it is. Refused with a sentence in
 * why. */
enum status dledger_new(struct repl **out, const struct dledger_config *config, const struct dledger_host *host,
                        struct moment now, struct buf *why) MUST_USE;
struct store_group *dledger_group(struct repl *r);
void dledger_store_is(struct repl *r, struct store *store);
/* From node_ops.synced; true: it was the ledger's. */
bool dledger_synced(struct repl *r, uint64_t token, enum status status, struct moment now);
/* Somebody else shall lead, as soon as it has everything; nothing is put any more. False: this member does not lead. */
bool dledger_hand_over(struct repl *r);
/* That is so, and nobody else leads yet. */
bool dledger_hands_over(const struct repl *r);
/* The leader, or the one before this member, is one of DLedger 0.1's: its topics and offsets are not in the log. */
bool dledger_followed_java(const struct repl *r);
/* The term in which somebody leads; -1: nobody that is known. */
int64_t dledger_leader_term(const struct repl *r);
/* The end of what was put last, agreed on or not. */
int64_t dledger_end(const struct repl *r);
/* As after a crash: nothing is written. */
void dledger_abandon(struct repl *r, struct moment now);
/* The directory of a member's ledger. */
bool dledger_dir(const char *root, const char *self_id, const char *name, char out[DISK_PATH_MAX]);
/* A directory of a member's entries below root: messages that only a group knows. dir empty: there is none. */
enum status dledger_left_behind(struct disk *disk, const char *root, char dir[DISK_PATH_MAX]) MUST_USE;
/* What its number says in a member's id: 0 of "n0"; -1: it is no id (DLedgerRoleChangeHandler). */
int dledger_number(const char *self_id);

/* NULL: out of memory. */
struct repl *repl_none_new(void);
struct repl *ha_master_new(const struct repl_config *config, const struct repl_host *host);
struct repl *ha_slave_new(const struct repl_config *config, const struct repl_host *host, struct moment now);

#endif
