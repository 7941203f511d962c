/* SPDX-License-Identifier: Apache-2.0
 *
 * replies: who waits for the reply to a message, by correlation id, and the
 * code by which brokers bring it (PUSH_REPLY_MESSAGE_TO_CLIENT, 326). Agrees
 * with org.apache.rocketmq.client.producer.RequestFutureTable and
 * ClientRemotingProcessor.receiveReplyMessage.
 */
#ifndef MQCLIENT_REPLIES_H
#define MQCLIENT_REPLIES_H

#include "libmqclient/client.h"

struct reply_message { /* spans live during the call */
  struct span topic, body, properties;
  int32_t flag;
};

struct reply_waiter {
  const char *id;
  void (*arrived)(struct reply_waiter *w, const struct reply_message *reply); /* once; it waits no more */
};

enum status reply_await(struct client *c, struct reply_waiter *w) MUST_USE;
/* Nothing happens when the reply was there before. */
void reply_forget(struct client *c, struct reply_waiter *w);
/* The broker is answered. */
void reply_take(struct client *c, const struct reply_to *to, const struct command *cmd);

#endif
