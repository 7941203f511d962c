/* SPDX-License-Identifier: Apache-2.0
 *
 * instance: a client core on a loop thread of its own, and the way other
 * threads reach it. Everything that touches the core is a post; posts of many
 * threads are taken together once per turn, with one wake-up for all.
 */
#ifndef MQCLIENT_INSTANCE_H
#define MQCLIENT_INSTANCE_H

#include "host/uv/loop.h"
#include "host/uv/thread_uv.h"
#include "libmqclient/client.h"
#include "libmqclient/settings.h"
#include "libmqclient/uniq_id.h"
#include "mqclient/client.h"
#include "mqclient/message.h"

#include <stdatomic.h>

/* Work for the loop thread; owned by the poster until run was called. */
struct post {
  struct post *next;
  void (*run)(struct post *post, struct moment now);
};

/* Called at the end of every turn, on the loop thread. */
struct turn_end {
  struct turn_end *next;
  void (*run)(struct turn_end *end);
};

struct mq_client {
  struct node node; /* first: takes the posts, then drives the core's node */
  struct uv_host *host;
  struct client *core;
  struct mq_config *settings;
  struct log log;
  struct uniq_ids ids;
  _Atomic(struct post *) inbox; /* newest first */
  struct uv_post wake;
  struct turn_end *turn_ends; /* loop thread */
  char id[300];
};

/* Any thread. run is called once, in the order of posting. */
void instance_post(struct mq_client *c, struct post *post);
/* Loop thread. */
void instance_add_turn_end(struct mq_client *c, struct turn_end *end);
void instance_remove_turn_end(struct mq_client *c, struct turn_end *end);
/* A blocking call may not wait for the thread it runs on: fills error and answers false there. */
bool instance_may_block(struct mq_client *c, struct mq_error *error);

/* A post and somebody who waits for what it began. */
struct waiting {
  struct post post;
  struct latch latch;
  struct mq_error error;
};
/* Posts and waits until latch_open. Answers w->error.result, copied to error (may be NULL) when it is not MQ_OK. */
enum mq_result instance_wait(struct mq_client *c, struct waiting *w, struct mq_error *error);

/* What a list of queues is: of the loop thread during a selector, or a copy. */
struct mq_queue_list {
  const struct queue_ref *items;
  size_t count;
};
/* Blocking: the writable or readable queues of a topic. need runs on the loop thread before the route is asked
 * (may be NULL). */
enum mq_result instance_queues(struct mq_client *c, const char *topic, bool publish,
                               enum mq_result (*need)(void *owner, const char *topic, struct moment now,
                                                      struct mq_error *error),
                               void *owner, mq_queue_list **out, struct mq_error *error);

/* Copies from to `to` when that is not NULL; answers from->result. */
enum mq_result error_give(struct mq_error *to, const struct mq_error *from);
/* A group name that all the Java checks let pass. */
enum mq_result group_check(const char *group, struct mq_error *error);

#endif
