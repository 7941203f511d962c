/* SPDX-License-Identifier: Apache-2.0
 *
 * route: where the queues of a topic live, asked from the name servers
 * (GET_ROUTEINTO_BY_TOPIC), remembered and asked again every 30 s. Agrees with
 * MQClientInstance.updateTopicRouteInfoFromNameServer, topicRouteData2Topic-
 * {Publish,Subscribe}Info and TopicPublishInfo.
 *
 * Routes, brokers and servers are never freed before the table, so pointers to
 * them stay valid; their contents change when a new answer comes.
 */
#ifndef MQCLIENT_ROUTE_H
#define MQCLIENT_ROUTE_H

#include "core/base/map.h"
#include "core/remoting/remoting.h"
#include "mqclient/error.h"

struct client;

/* One process of a broker: an address that gets our heartbeats. */
struct server {
  struct client *client;
  const char *addr;
  conn_id conn; /* open, or 0 */
  struct call heartbeat;
  bool greeted; /* it took a heartbeat since the connection opened */
  bool in_use;  /* some route names it */
  bool master;  /* some route names it with id 0 */
};

struct broker_member {
  int64_t id; /* 0: master */
  struct server *server;
};

struct broker {
  const char *name;
  struct broker_member *members;
  size_t member_count;
};

struct queue_ref {
  struct broker *broker;
  int32_t id;
};

struct route_waiter {
  void (*done)(struct route_waiter *w, struct moment now);
  struct route_waiter *next, *prev;
  bool waiting;
};

struct route {
  struct route_table *table;
  const char *topic;
  struct queue_ref *publish; /* writable queues of brokers with a master, by broker name and id */
  size_t publish_count;
  struct queue_ref *subscribe; /* readable queues, by broker name and id */
  size_t subscribe_count;
  struct broker **brokers; /* all that hold the topic */
  size_t broker_count;
  bool ordered;        /* queues come from orderTopicConf */
  bool assumed;        /* the topic does not exist: queues are those of the default topic */
  bool for_publish;    /* a producer wants it: an unknown topic takes the default topic's route */
  bool for_subscribe;
  bool asking;
  bool asking_default;
  size_t tries;        /* name servers asked in this round */
  const char *asked;   /* the name server being asked */
  uint32_t next;       /* round robin over publish */
  struct mq_error error; /* of the last round; result MQ_OK when it brought an answer */
  struct call call;
  struct route_waiter waiters; /* ring head */
};

struct route_table {
  struct client *client;
  struct map routes;  /* topic -> struct route */
  struct map brokers; /* name -> struct broker */
  struct map servers; /* address -> struct server */
};

/* Topics, brokers and addresses one client may learn of. */
#define ROUTES_MAX 65536

void route_table_init(struct route_table *t, struct client *client, uint64_t seed);
void route_table_fini(struct route_table *t);
/* Finds or adds; NULL when out of memory or past the limit. */
struct route *route_get(struct route_table *t, struct span topic);
/* The broker of that name, NULL if no route named it yet. */
struct broker *broker_get(const struct route_table *t, struct span name);
/* Asks the name servers, unless a question is under way. */
void route_ask(struct route *r, struct moment now);
/* Asks; w->done runs when the round is over (r->error tells how), perhaps inside this call. */
void route_wait(struct route *r, struct route_waiter *w, struct moment now);
void route_wait_cancel(struct route_waiter *w);
/* Asks for every topic in use. */
void route_ask_all(struct route_table *t, struct moment now);

/* The next queue in turn, of another broker than `avoid` when there is one (TopicPublishInfo.selectOneMessageQueue).
 * False: none. */
bool route_next_queue(struct route *r, const struct broker *avoid, struct queue_ref *out);
/* NULL: it has no master now. */
struct server *broker_master(const struct broker *b);
/* The member `id`, or when missing and !only, any (findBrokerAddressInSubscribe). *slave may be NULL. */
struct server *broker_find(const struct broker *b, int64_t id, bool only, bool *slave);
/* findBrokerAddressInAdmin: the master, else any. */
struct server *broker_any(const struct broker *b);

/* Exposed for the tests: takes a TopicRouteData body as the answer for r. */
enum status route_apply(struct route *r, struct span body, bool is_default, struct moment now, const char **why);

#endif
