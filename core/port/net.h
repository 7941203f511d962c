/* SPDX-License-Identifier: Apache-2.0
 *
 * net: the port to the network. Two hosts implement it: host/uv (sockets) and
 * host/sim (an imagined network). A connection is an ordered byte stream in
 * both directions, named by a number that is never used again.
 *
 * Bytes sent in a turn leave at the end of that turn, gathered: one write per
 * connection and turn.
 */
#ifndef MQ_PORT_NET_H
#define MQ_PORT_NET_H

#include "core/base/span.h"
#include "core/base/status.h"

typedef uint64_t conn_id; /* 0: none */

/* An IP address and port as the wire wants them. */
struct net_peer {
  uint8_t ip[16];  /* IPv4 in the first 4 bytes */
  uint8_t ip_len;  /* 4 or 16 */
  uint16_t port;
};

#define NET_PEER_TEXT_MAX 64
/* "1.2.3.4:5" or "[::1]:5" into out; returns its length (no NUL counted, one is written). */
size_t net_peer_text(const struct net_peer *peer, char out[NET_PEER_TEXT_MAX]);
/* Parses "1.2.3.4:5", "[::1]:5"; INVALID for anything else (no names). */
enum status net_peer_parse(struct span text, struct net_peer *out) MUST_USE;

enum net_event_kind {
  NET_ACCEPTED,  /* a peer came in through `listener` */
  NET_CONNECTED, /* our connect() succeeded */
  NET_CLOSED     /* peer closed, connect failed, or an error: `reason` says which */
};

struct net_event {
  enum net_event_kind kind;
  conn_id conn;
  int listener;         /* NET_ACCEPTED only: the tag given to listen() */
  struct net_peer peer; /* NET_ACCEPTED, NET_CONNECTED */
  const char *reason;   /* NET_CLOSED; borrowed */
};

struct net {
  const struct net_ops *ops;
};

struct net_ops {
  /* address: numeric, or "" / "0.0.0.0" for all. port 0 chooses one; *bound (may be NULL) gets the
   * real one. why (may be NULL): static or host-owned text on failure. */
  enum status (*listen)(struct net *net, const char *address, uint16_t port, int listener,
                        uint16_t *bound, const char **why) MUST_USE;
  void (*unlisten)(struct net *net, int listener);
  /* Starts connecting to host (name or number) and returns at once; NET_CONNECTED or NET_CLOSED
   * follows in a later turn. 0 only when out of memory or over a limit. */
  conn_id (*connect)(struct net *net, const char *host, uint16_t port, int timeout_ms);
  /* Copies bytes into the connection's outbox. Allowed before NET_CONNECTED; ignored after close. */
  void (*send)(struct net *net, conn_id conn, struct span bytes);
  /* Like send, but borrows the bytes until this turn's flush (the node's turn() has returned and
   * bytes have been offered to the kernel; what it did not take is copied then). */
  void (*send_borrowed)(struct net *net, conn_id conn, struct span bytes);
  /* Bytes that wait in the outbox because the peer does not read. */
  size_t (*backlog)(struct net *net, conn_id conn);
  /* Stops or resumes reading from a peer (back-pressure). While paused, node_ops.bytes is not called for
   * it; on resume the unused input is shown again even if nothing new came. */
  void (*pause)(struct net *net, conn_id conn, bool paused);
  /* Sends what is in the outbox, then closes. No NET_CLOSED follows for the caller's own close. */
  void (*close)(struct net *net, conn_id conn);
  /* Our own side of the connection; INVALID when unknown. */
  enum status (*local)(struct net *net, conn_id conn, struct net_peer *out);
};

#endif
