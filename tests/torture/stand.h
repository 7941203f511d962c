/* SPDX-License-Identifier: Apache-2.0
 *
 * stand: one broker on one imagined machine, with a lens before its disk and a
 * client instead of a network: requests go in as bytes, answers come out as
 * bytes, and count as given when the turn that made them is over. Everything
 * asked and promised goes into the book.
 */
#ifndef TESTS_TORTURE_STAND_H
#define TESTS_TORTURE_STAND_H

#include "mqbroker/broker.h"
#include "tests/torture/book.h"
#include "tests/torture/lens.h"

enum { STAND_PEER = 1, STAND_GROUPS = 2, STAND_OFFSET_QUEUES = 2 };

struct stand {
  struct node node; /* first */
  struct net net;
  struct sim_world *world;
  struct sim_host *host;
  struct lens lens;
  struct log log;
  struct broker_settings settings;
  struct broker *broker; /* NULL: not running */
  struct book book;
  struct arena arena; /* of one answer */
  struct buf answers, asked;
  bool sync_flush, strict; /* strict: nothing was made to fail, so an answer is a promise at once */
  bool accepted;
  int32_t opaque, open_requests, refused;
};

void stand_init(struct stand *s, uint64_t seed, bool sync_flush);
/* Kills the broker if it runs. */
void stand_fini(struct stand *s);

/* False: it could not start; why is in the trace. */
bool stand_start(struct stand *s);
void stand_close(struct stand *s); /* an orderly stop */
/* kill -9 or power; the machine is switched on again. */
void stand_crash(struct stand *s, enum sim_stop how);
void stand_run(struct stand *s, int64_t ms);
/* Until everything asked is answered, at most ms. */
void stand_settle(struct stand *s, int64_t ms);
/* What the book must know before the disk is copied. */
void stand_marks(struct stand *s);

/* Requests; they leave together at the next stand_settle. size: of the body, at least. */
void stand_send(struct stand *s, const char *topic, int32_t queue, int32_t size);
void stand_send_batch(struct stand *s, const char *topic, int32_t queue, int32_t count);
/* queues: 0 deletes it. */
void stand_topic(struct stand *s, const char *name, int32_t queues);
void stand_group(struct stand *s, const char *name, int32_t retries);
/* Every group's offset in every queue of "Plain" moves to `offset`. */
void stand_offsets(struct stand *s, int64_t offset);

/* Number, key and tag of a message in a record; -1: not one of ours. */
int32_t stand_number(struct span body);
void stand_key(int32_t number, char out[16]);

#endif
