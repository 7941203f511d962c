/* SPDX-License-Identifier: Apache-2.0
 *
 * rig: an imagined world with a name server, two brokers (fake.h) and clients.
 */
#ifndef TESTS_CLIENT_RIG_H
#define TESTS_CLIENT_RIG_H

#include "host/sim/world.h"
#include "libmqclient/consumer_push.h"
#include "libmqclient/producer.h"
#include "tests/unit/client/fake.h"

#define RIG_CLIENTS 3
#define RIG_SEEN 4096

struct rig_client;

struct rig_send { /* a send and what came of it */
  struct send_op op;
  bool done;
  int64_t done_ms;
  char broker[FAKE_TEXT];
  char topic[FAKE_TEXT], body[FAKE_TEXT];
};

struct rig_seen { /* one message given to a listener */
  char topic[FAKE_TEXT], body[64];
  int32_t queue, reconsume_times;
  int64_t offset, at_ms;
};

struct rig_client {
  struct rig *rig;
  struct sim_host *host;
  struct client *client;
  struct producer producer;
  bool produces;
  struct consumer_push consumer;
  bool consumes, released;
  /* The listener. */
  int delay_ms;         /* how long a call takes */
  const char *fail;     /* a body that fails */
  int failures;         /* so often; < 0: always */
  struct rig_seen seen[RIG_SEEN];
  size_t seen_count;
  int running, running_max; /* calls at once */
};

struct rig {
  struct sim_world *world;
  struct sim_host *ns_host, *broker_hosts[2];
  struct fake ns, brokers[2];
  struct rig_client clients[RIG_CLIENTS];
  size_t client_count;
};

/* Both brokers hold every topic; one_broker: only the first. */
struct rig *rig_new(bool one_broker);
void rig_free(struct rig *r);
/* ms of virtual time. */
void rig_run(struct rig *r, int64_t ms);
/* A program with a client; name_servers NULL: the rig's. */
struct rig_client *rig_client(struct rig *r, const char *name_servers);
/* One that signs with "rigSecret", all of whose requests are looked at. */
struct rig_client *rig_client_signing(struct rig *r, const char *security_token);
void rig_produce(struct rig_client *c, const struct producer_config *config);
/* Starts a consumer of group G on the topic. */
void rig_consume(struct rig_client *c, const struct push_config *config, const char *topic, const char *expression);
void rig_stop_consumer(struct rig_client *c);
struct rig_send *rig_send(struct rig_client *c, enum send_mode mode, const char *topic, const char *body);
/* How many calls saw this body. */
size_t rig_seen(const struct rig_client *c, const char *body);
void rig_store(struct rig *r, int broker, const char *topic, int queue, const char *body, const char *tag);

#endif
