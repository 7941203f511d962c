/* SPDX-License-Identifier: Apache-2.0
 *
 * broker: owns the rooms and wires them. A message walks: door (dispatch, then
 * admit) -> handle (one file per verb) -> store (staged) -> turn (written) ->
 * gate (marks reached) -> reply. Rooms do not know the broker; handlers do.
 *
 * No clock, no I/O, no thread: everything comes through the ports, so the same
 * broker lives over libuv and in the simulator.
 */
#ifndef MQBROKER_BROKER_H
#define MQBROKER_BROKER_H

#include "core/base/prng.h"
#include "core/port/node.h"
#include "core/remoting/remoting.h"
#include "mqbroker/delay/delays.h"
#include "mqbroker/gate/gate.h"
#include "mqbroker/gate/parked.h"
#include "mqbroker/member.h"
#include "mqbroker/registration.h"
#include "mqbroker/repl/repl.h"
#include "mqbroker/settings.h"
#include "mqbroker/slave_sync.h"
#include "mqbroker/state/clients.h"
#include "mqbroker/state/filters.h"
#include "mqbroker/state/groups.h"
#include "mqbroker/state/locks.h"
#include "mqbroker/state/offsets.h"
#include "mqbroker/state/stats.h"
#include "mqbroker/state/topics.h"
#include "mqbroker/store/store.h"
#include "mqbroker/transaction/transactions.h"

enum broker_listener { LISTEN_MAIN = 1, LISTEN_VIP = 2, LISTEN_HA = 3, LISTEN_DLEDGER = 4 };

struct broker {
  struct node node; /* first: the host's view of us */
  struct broker_settings *settings;
  struct net *net;
  struct disk *disk;
  struct log *log;
  struct prng prng;

  struct remoting *remoting;
  struct topics topics;
  struct groups groups;
  struct offsets offsets;
  struct filters filters;
  struct clients clients;
  struct locks locks;
  struct stats stats;
  struct store *store;
  struct gate gate;
  struct delays delays; /* of messages that are not due yet */
  struct transactions transactions; /* that nobody has ended yet */
  struct parked parked;
  struct repl *repl; /* how the log travels */
  struct slave_sync slave_sync;
  struct membership member;
  struct registration registration;

  uint64_t seed;
  struct store_watch watch;
  int64_t memory_bytes;
  int32_t utc_offset_s;
  struct net_peer address; /* brokerIP1:listenPort: in records and message ids */
  struct arena arena;      /* of one request */
  struct get_result *get;  /* of one pull; large, so not on the stack */
  struct moment born;
  struct moment now; /* of the turn that is running */
  struct data_version config_version;
  int64_t offsets_save_ms; /* next, monotonic */
  int64_t filters_save_ms;
  int64_t clients_scan_ms;
  bool reseed;             /* an operator wants another log */
  int64_t store_retry_ms;  /* the store could not be opened again: not before */
  int64_t tables_retry_ms; /* topics or groups could not be saved: not before */
};

/* What only the host knows. */
struct broker_host {
  struct net *net;
  struct disk *disk;
  struct log *log;
  uint64_t seed;
  int64_t memory_bytes; /* physical memory: what "still in memory" is measured against */
  int32_t utc_offset_s; /* of local time: Java names index files by it, and deleteWhen is in it */
  struct store_watch watch; /* told how far the store's recovery is */
};

/* Opens the store, loads the state and listens. settings are complete (settings_complete) and must outlive
 * the broker. On failure NULL and a sentence in why. */
struct broker *broker_new(struct broker_settings *settings, const struct broker_host *host, struct moment now,
                          struct buf *why);
/* Before a planned stop: the master of a DLedger group takes nothing more and asks another member to take over. False:
 * this is none. broker_hands_over: nobody else leads yet. */
bool broker_hand_over(struct broker *b);
bool broker_hands_over(const struct broker *b);
/* Orderly stop, in two steps so that the farewell to the name servers leaves before the connections close:
 * broker_stop unregisters and stops listening; after the next turn broker_free saves and closes everything. */
void broker_stop(struct broker *b, struct moment now);
void broker_free(struct broker *b, struct moment now);
/* As a crash leaves it: nothing is written. For the simulator. */
void broker_abandon(struct broker *b, struct moment now);

/* turn.c: the order of a turn. */
int64_t broker_turn(struct broker *b, struct moment now);

/* This broker may put: it asks for transactions that nobody ends. */
void broker_transactions_start(struct broker *b, struct moment now);

/* A topic or its permissions changed: the name servers hear of it in this turn. */
void broker_topics_changed(struct broker *b);

/* Settings were changed while running: rooms that keep a copy get the new values. */
void broker_settings_changed(struct broker *b);

/* What the settings say of a store, for whoever opens it without a broker. Borrows from them. */
struct store_config broker_store_config_of(const struct broker_settings *s, int32_t utc_offset_s);
/* Also used when a slave is seeded again. */
struct store_config broker_store_config(const struct broker *b);
enum status broker_store_open(struct broker *b, struct moment now, struct buf *why) MUST_USE;
enum status broker_repl_start(struct broker *b, struct moment now) MUST_USE;

/* reseed.c: looks whether haReseed means the log that is here; then the next turn does it. */
void broker_reseed_check(struct broker *b);
enum status broker_reseed(struct broker *b, struct moment now) MUST_USE;

/* Callback for clients.h: tells the members of a group (code 40); without any, its filters die. context is the broker. */
void broker_notify_group(void *context, struct client_group *group);

#endif
