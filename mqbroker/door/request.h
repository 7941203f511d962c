/* SPDX-License-Identifier: Apache-2.0
 *
 * request: one request as a handler sees it. Everything borrowed lives until
 * the handler returns. A handler answers by remoting_reply, now or, after
 * parking reply `to`, later; exactly once.
 */
#ifndef MQBROKER_DOOR_REQUEST_H
#define MQBROKER_DOOR_REQUEST_H

#include "core/base/moment.h"
#include "core/remoting/remoting.h"

struct broker;

struct request {
  const struct command *cmd;
  struct reply_to to;
  struct net_peer peer;
  struct moment now;
};

typedef void (*request_handler)(struct broker *b, const struct request *rq);

#endif
