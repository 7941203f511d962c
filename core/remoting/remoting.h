/* SPDX-License-Identifier: Apache-2.0
 *
 * remoting: requests and responses over connections, without I/O of its own.
 * It splits and decodes frames, hands requests to one door, matches responses
 * by opaque, keeps deadlines, opens and re-opens connections to addresses, and
 * knows nothing of topics. Agrees with
 * org.apache.rocketmq.remoting.netty.NettyRemotingAbstract.
 *
 * Used by every program: its owner forwards node_ops.connection and
 * node_ops.bytes to it and calls remoting_turn once per turn.
 */
#ifndef MQ_REMOTING_REMOTING_H
#define MQ_REMOTING_REMOTING_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/base/map.h"
#include "core/base/moment.h"
#include "core/base/timers.h"
#include "core/port/net.h"
#include "core/wire/command.h"

struct remoting;

struct remoting_config {
  struct command_limits limits;
  enum serialize serialize; /* of requests we send; replies use the peer's */
  int32_t language;         /* enum language of commands we send */
  int connect_timeout_ms;   /* default 3000 */
  int idle_ms;              /* a connection without traffic either way is closed; 0 never; default 120000 */
  size_t connections_max;   /* accepted connections; more are closed at once with a log line */
  size_t backlog_max;       /* bytes waiting to a peer that does not read: beyond, we stop reading from it */
  int reconnect_min_ms;     /* after a failed connect calls fail at once for so long, doubled up to... */
  int reconnect_max_ms;
  int frame_ms;             /* a frame that began must be complete after so long (slow-loris); 0 never */
  /* May add REMOTING_STAMPS_MAX fields (a signature) to each request that is sent: ext has room behind *count. Their
   * texts must live until the next request. Another status than OK: the request is not sent. NULL: nothing is added. */
  enum status (*stamp)(void *context, struct ext *ext, size_t *count, const struct span *body, size_t body_count);
  void *stamp_context;
};
enum { REMOTING_STAMPS_MAX = 4 };
void remoting_config_default(struct remoting_config *c);

/* What the owner is told. All inside bytes()/connection()/turn(). */
struct remoting_door {
  /* A request came in. cmd and its spans live until this call returns (the frame) — body and ext included. */
  void (*request)(void *owner, conn_id conn, const struct command *cmd, struct moment now);
  /* An accepted or outgoing connection opened (addr NULL when accepted) or closed. May be NULL. */
  void (*opened)(void *owner, conn_id conn, int listener, const struct net_peer *peer, const char *addr, struct moment now);
  void (*closed)(void *owner, conn_id conn, const char *addr, const char *reason, struct moment now);
};

/* An outstanding request; caller-owned, zeroed before first use, must stay until `done` ran or
 * call_cancel. done: status OK with reply (borrowed during the call), or TIMEOUT, CLOSED, UNREACHABLE,
 * SHUTDOWN with reply NULL. done may start new calls and may free the call. */
struct call {
  void (*done)(struct call *call, enum status status, const struct command *reply, struct moment now);
  void *owner;
  /* private to remoting */
  struct timer timer;
  struct call *next; /* in its opaque bucket */
  conn_id conn;
  int32_t opaque;
  enum status early; /* how it ends when the timer fires: TIMEOUT, or why its connection died */
  bool pending;
};

struct remoting *remoting_new(const struct remoting_config *config, struct net *net, struct log *log,
                              const struct remoting_door *door, void *owner, uint64_t seed);
/* Outstanding calls end with SHUTDOWN; connections are closed. */
void remoting_free(struct remoting *r, struct moment now);

/* Forwarded from node_ops. */
void remoting_connection(struct remoting *r, const struct net_event *event, struct moment now);
size_t remoting_bytes(struct remoting *r, conn_id conn, struct span input, struct moment now);
/* Expires deadlines and idle connections; returns the next wake time. */
int64_t remoting_turn(struct remoting *r, struct moment now);

/* A request to send: code, header, body. opaque, language, version and serialisation are filled in. */
struct request_out {
  int code;
  const struct header *header; /* NULL: no ext fields */
  const void *fields;
  bool by_short_name;
  const struct ext *ext; /* further ext fields */
  size_t ext_count;
  struct span remark;
  struct span body;              /* copied, and behind it: */
  const struct span *body_parts; /* borrowed until this turn's flush */
  size_t body_part_count;
};

/* To an address "host:port", opening a connection when there is none; queued until connected. OK: done
 * will run exactly once, later (never inside this call). Any other status: done will not run. */
enum status remoting_call(struct remoting *r, const char *addr, const struct request_out *request,
                          int timeout_ms, struct call *call, struct moment now) MUST_USE;
enum status remoting_oneway(struct remoting *r, const char *addr, const struct request_out *request,
                            struct moment now) MUST_USE;
/* The same to an existing connection (broker to client). */
enum status remoting_call_conn(struct remoting *r, conn_id conn, const struct request_out *request,
                               int timeout_ms, struct call *call, struct moment now) MUST_USE;
enum status remoting_oneway_conn(struct remoting *r, conn_id conn, const struct request_out *request,
                                 struct moment now) MUST_USE;
void call_cancel(struct remoting *r, struct call *call); /* done will not run */

/* What a reply needs to remember of its request; copied, so a request may be parked. */
struct reply_to {
  conn_id conn;
  int32_t opaque;
  int32_t code; /* of the request */
  enum serialize serialize;
  bool oneway; /* then remoting_reply does nothing */
};
struct reply_to reply_to(conn_id conn, const struct command *request);

struct reply_out {
  int code; /* enum response_code */
  struct span remark;
  const struct header *header;
  const void *fields;
  const struct ext *ext;
  size_t ext_count;
  struct span body;             /* copied, or: */
  const struct span *body_parts; /* borrowed until this turn's flush */
  size_t body_part_count;
};
void remoting_reply(struct remoting *r, const struct reply_to *to, const struct reply_out *reply);
/* remark by printf. */
void remoting_reply_error(struct remoting *r, const struct reply_to *to, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* State of the connection to an address, 0 if none is open. */
conn_id remoting_conn_of(struct remoting *r, const char *addr);
/* Peer of a connection; INVALID if it is gone. */
enum status remoting_peer(struct remoting *r, conn_id conn, struct net_peer *out) MUST_USE;
void remoting_close_conn(struct remoting *r, conn_id conn);
void remoting_close_addr(struct remoting *r, const char *addr);
size_t remoting_backlog(struct remoting *r, conn_id conn);
size_t remoting_connection_count(const struct remoting *r);
struct net *remoting_net(struct remoting *r);

#endif
