/* SPDX-License-Identifier: Apache-2.0
 *
 * stage: a broker on one imagined machine and peers on others that ask it
 * things and write down the answers.
 */
#ifndef TEST_BROKER_STAGE_H
#define TEST_BROKER_STAGE_H

#include "core/remoting/remoting.h"
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "core/wire/message.h"
#include "host/sim/world.h"
#include "mqbroker/broker.h"

#define BROKER_ADDR "10.0.0.1:10911"

struct answer {
  struct call call;
  struct stage *stage;
  bool done;
  enum status status;
  int64_t at_ms; /* virtual time of the answer */
  int code;
  struct span remark, body; /* in the stage's arena */
  struct ext *ext;
  size_t ext_count;
};

/* CHECK_TRANSACTION_STATE, as it came. */
struct asked {
  struct check_transaction_state_request h;
  struct message m; /* both in the stage's arena */
};

enum { ASKED_MAX = 64 };

struct peer {
  struct node node;
  struct sim_host *host;
  struct remoting *remoting;
  struct stage *stage;
  int notified; /* NOTIFY_CONSUMER_IDS_CHANGED received */
  struct asked asked[ASKED_MAX]; /* the first of them */
  int asked_count;
};

enum { STAGE_PEERS = 3 };

struct stage {
  struct sim_world *world;
  struct sim_host *host;
  struct broker_settings settings;
  struct broker *broker;
  const char *address; /* whom the peers ask; NULL: BROKER_ADDR */
  struct peer peers[STAGE_PEERS];
  struct arena arena;
};

/* extra: further configuration lines, or NULL. */
void stage_start(struct stage *s, const char *extra);
/* On the golden store of an archive. */
void stage_start_on(struct stage *s, const char *extra, const char *archive);
void stage_end(struct stage *s);
/* Orderly stop and a new start on the same disk. */
void stage_restart(struct stage *s);
/* kill -9 or plug pulled, and a new start on the same disk. */
void stage_crash(struct stage *s, enum sim_stop how);
/* Another broker, on a machine of its own; what does not start ends the program. */
struct broker *stage_broker_up(struct sim_host *host, struct broker_settings *settings, uint64_t seed);
void stage_broker_down(struct sim_host *host, struct broker *broker, enum sim_stop how);

/* Starts a request of a peer; the answer comes as the world runs. */
void stage_ask(struct stage *s, int peer, const struct request_out *q, struct answer *a);
/* Asks and runs the world until the answer is there (or 60 s have passed). */
void stage_ask_wait(struct stage *s, int peer, const struct request_out *q, struct answer *a);
void stage_run(struct stage *s, int64_t ms);
struct span answer_ext(const struct answer *a, const char *key);

/* SEND_MESSAGE_V2 of body to topic's queue, with properties (NULL: none). */
void stage_send_start(struct stage *s, const char *topic, int queue, const char *body, const char *properties, struct answer *a);
int stage_send(struct stage *s, const char *topic, int queue, const char *body, const char *properties, struct answer *a);
/* PULL_MESSAGE with its own subscription; hold_ms 0: no long polling. */
void stage_pull_start(struct stage *s, const char *topic, int queue, int64_t offset, const char *tags, int hold_ms, struct answer *a);
int stage_pull(struct stage *s, const char *topic, int queue, int64_t offset, const char *tags, struct answer *a);
/* Bodies of the pulled records, joined by ','. Static buffer. */
const char *pulled_bodies(const struct answer *a);
int stage_producer_heartbeat(struct stage *s, int peer, const char *group);
int stage_heartbeat(struct stage *s, int peer, const char *group, const char *topic, const char *tags);

#endif
