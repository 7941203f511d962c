/* SPDX-License-Identifier: Apache-2.0
 *
 * message: what mqclient/message.h promises, seen from inside, and the
 * delivery: the messages of one pull reply with the memory they live in.
 *
 * Properties are kept as name NUL value NUL ..., so that they can be handed
 * out as C strings; the wire has \x01 and \x02 in these places.
 */
#ifndef MQCLIENT_MESSAGE_IMPL_H
#define MQCLIENT_MESSAGE_IMPL_H

#include "core/base/buf.h"
#include "core/wire/bodies.h"
#include "core/wire/message.h"
#include "mqclient/error.h"

struct mq_message {
  const char *topic;
  struct span body;
  struct span properties;
  int32_t flag;
  /* Received ones only. */
  int32_t queue_id;
  int32_t sys_flag;
  int32_t reconsume_times;
  int64_t queue_offset;
  int64_t physical_offset;
  int64_t born_ms;
  int64_t store_ms;
  struct net_peer born_host;
  struct net_peer store_host;
  const char *broker_name;
};

/* NULL when absent. */
const char *message_property(const struct mq_message *m, const char *name);
/* *at starts at 0; false at the end. */
bool message_next_property(const struct mq_message *m, size_t *at, const char **name, const char **value);
/* Any property of a message that was made here, reserved or not. (api_message.c) */
enum mq_result message_put_property(struct mq_message *m, const char *name, const char *value);
/* Appends the properties in the form of the wire. */
void message_put_properties(const struct mq_message *m, struct buf *out);

struct delivery;

struct consume_task;

struct received {
  struct mq_message message; /* first: the API's handle */
  struct delivery *delivery;
  struct received *next, *prev; /* in the process queue; NULL: not in it */
  struct consume_task *task;    /* that has it */
  int refs;                     /* the process queue and the task */
  bool unpacked;                /* the body lies in delivery->unpacked */
};

struct delivery {
  struct buf bytes;    /* the reply's body */
  struct buf unpacked; /* bodies that came compressed */
  struct received *items;
  size_t count, cap;
  size_t live; /* items not yet released */
  struct delivery *next;
};

void delivery_init(struct delivery *d, size_t limit);
void delivery_fini(struct delivery *d);
/* Takes the messages of a pull reply's body, without those whose tag `filter` (may be NULL) does not name.
 * broker_name: borrowed as long as the messages live. LIMIT: bodies unpack to more than the limit. */
enum status delivery_fill(struct delivery *d, struct span body, const struct subscription_data *filter,
                          const char *broker_name) MUST_USE;

#endif
