/* SPDX-License-Identifier: Apache-2.0
 *
 * fake: a name server and broker in one small node, for the client's tests: it
 * keeps messages in memory and can be told to misbehave.
 */
#ifndef TESTS_CLIENT_FAKE_H
#define TESTS_CLIENT_FAKE_H

#include "core/port/node.h"
#include "core/remoting/remoting.h"

#define FAKE_TEXT 256
#define FAKE_GROUPS 8
#define FAKE_MEMBERS 8
#define FAKE_BROKERS 4

struct fake_message {
  struct fake_message *next;
  char topic[FAKE_TEXT];
  int32_t queue;
  int64_t offset, physical;
  uint8_t *record;
  size_t size;
};

struct fake_parked { /* a pull that waits for messages */
  struct fake_parked *next;
  struct reply_to to;
  char topic[FAKE_TEXT];
  int32_t queue;
  int64_t offset;
  int64_t due_ms;
};

struct fake_number { /* an offset or a lock */
  struct fake_number *next;
  char key[FAKE_TEXT * 2];
  int64_t value;
  char owner[FAKE_TEXT];
};

#define FAKE_ENDS 64
struct fake_end { /* END_TRANSACTION */
  int32_t how;
  bool asked;
  int64_t half, log;
  char group[FAKE_TEXT], message_id[FAKE_TEXT];
};

struct fake {
  struct node node; /* first */
  struct remoting *remoting;
  /* As a name server: the brokers whose queues every existing topic has. */
  struct fake *brokers[FAKE_BROKERS];
  size_t broker_count;
  char topics[16][FAKE_TEXT];
  size_t topic_count;
  bool mute_routes;
  int routes_asked;
  /* As a broker. */
  char name[FAKE_TEXT], addr[FAKE_TEXT];
  int32_t queue_count; /* of every topic; retry topics have 1 */
  struct fake_message *messages, **messages_end;
  int64_t stored;
  struct fake_parked *parked;
  struct fake_number *offsets, *locks;
  struct {
    char name[FAKE_TEXT];
    char members[FAKE_MEMBERS][FAKE_TEXT];
    conn_id conns[FAKE_MEMBERS];
    size_t count;
  } groups[FAKE_GROUPS];
  size_t group_count;
  /* Misbehaviour. */
  int send_code;       /* answer of sends instead of storing */
  bool mute_sends;     /* no answer */
  int send_failures;   /* so many sends are answered with send_code, then all is well; < 0: all */
  int back_code;       /* answer of CONSUMER_SEND_MSG_BACK instead of taking it */
  int64_t illegal_from; /* pulls at offsets below are answered OFFSET_MOVED; 0: off */
  /* What happened. */
  _Atomic int heartbeats;
  int sends, oneways, batches, unregisters, backs, pulls, locks_asked, unlocks, unsupported;
  struct fake_end ends[FAKE_ENDS];
  _Atomic int end_count;
  int64_t committed_by_pull; /* the last piggy-backed offset */
};

/* ip and port as others reach it; name: of the broker. */
void fake_init(struct fake *f, struct net *net, struct log *log, const char *name, const char *ip, uint16_t port);
void fake_fini(struct fake *f, struct moment now);
void fake_add_topic(struct fake *f, const char *topic);
/* Stores a message as if sent. */
void fake_store(struct fake *f, const char *topic, int32_t queue, const char *body, const char *tag,
                struct moment now);
/* -1: never stored. */
int64_t fake_offset(const struct fake *f, const char *group, const char *topic, int32_t queue);
void fake_set_offset(struct fake *f, const char *group, const char *topic, int32_t queue, int64_t offset);
size_t fake_count(const struct fake *f, const char *topic);
size_t fake_member_count(const struct fake *f, const char *group);

#endif
