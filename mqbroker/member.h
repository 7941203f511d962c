/* SPDX-License-Identifier: Apache-2.0
 *
 * member: a broker of a DLedger group: master while it leads, slave otherwise
 * (org.apache.rocketmq.broker.dledger.DLedgerRoleChangeHandler), and what its
 * successor must know besides messages.
 *
 * Topics, consumer groups and consumers' offsets travel in the log itself:
 * each change is a record of its own, in front of whatever relies on it, so a
 * message or an answer that a majority has means that a majority has the topic
 * too. Such a record says that it rolls back a transaction: a Java broker
 * reads it and passes over it. Whoever begins to lead says everything, and
 * again in each file of the log, so that all have the same tables, also a
 * member that missed files which are gone.
 */
#ifndef MQBROKER_MEMBER_H
#define MQBROKER_MEMBER_H

#include "core/remoting/remoting.h"
#include "core/wire/message.h"
#include "mqbroker/delay/delays.h"
#include "mqbroker/repl/repl.h"
#include "mqbroker/state/offsets.h"

#define MEMBER_TOPIC DELAYS_WORDS_TOPIC

struct broker;

struct membership {
  struct broker *broker;
  bool knows; /* its role */
  bool leads;
  bool owes; /* a change could not be said; nothing is acknowledged until all is said again */
  struct arena arena;
  struct buf text;        /* of the record that is being made */
  int64_t said_file;      /* of the log, in which all was said last */
  struct offsets said;    /* offsets the group knows */
  struct buf dropped;     /* topics whose queues go when nobody looks at queues: names, each with a NUL */
  int64_t offsets_due_ms; /* monotonic */
};

enum status member_init(struct membership *m, struct broker *b, uint64_t seed) MUST_USE;
void member_fini(struct membership *m);
/* dledger_host.role; owner is the member. */
void member_role(void *owner, enum dledger_role role, struct moment now);
/* store_listener.passed: what a leader said. */
void member_passed(struct membership *m, const struct message *record);
/* Before somebody else leads: how far consumers are by now. */
void member_leave(struct membership *m);
/* In each turn, before the ledger's: what is to be said. And behind it. Returns when it wants to be called again. */
int64_t member_turn(struct membership *m, struct moment now);
void member_followed(struct membership *m);
/* Is a change refused here? Then the sentence. NULL: this broker is no member, or leads. */
const char *member_refusal(const struct membership *m);
/* An answer without fields that says that a change was made: when a majority has it. */
void member_reply(struct membership *m, const struct reply_to *to, struct moment now);

#endif
