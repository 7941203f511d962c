/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/consumer_pull.h"

#include "libmqclient/offsets.h"

#include <stdlib.h>

static enum status describe(struct member *m, struct heartbeat *out, struct arena *arena) {
  struct consumer_pull *p = (struct consumer_pull *)m;
  struct consumer_data *data = &out->consumers[out->consumer_count++];
  *data = (struct consumer_data){.group = span_text(m->group),
                                 .consume_type = CONSUME_ACTIVELY,
                                 .message_model = p->model,
                                 .consume_from = CONSUME_FROM_LAST_OFFSET};
  return subscriptions_describe(&p->subscriptions, data, arena);
}

static const struct member_ops pull_member_ops = {.describe = describe};

enum status consumer_pull_init(struct consumer_pull *p, struct client *c, const char *group, enum message_model model,
                               struct moment now) {
  *p = (struct consumer_pull){.client = c, .model = model};
  p->member = (struct member){.ops = &pull_member_ops, .group = strdup(group), .consumer = true};
  if (p->member.group == NULL) return STATUS_NO_MEMORY;
  enum status status = client_add(c, &p->member, now);
  if (status != STATUS_OK) free((char *)p->member.group);
  return status;
}

void consumer_pull_fini(struct consumer_pull *p) {
  client_remove(p->client, &p->member);
  subscriptions_fini(&p->subscriptions);
  free((char *)p->member.group);
}

enum mq_result consumer_pull_need(struct consumer_pull *p, const char *topic, struct moment now,
                                  struct mq_error *error) {
  if (subscriptions_find(&p->subscriptions, topic) != NULL) return MQ_OK;
  enum mq_result result = subscriptions_put(&p->subscriptions, topic, "*", false, now.wall_ms, error);
  if (result != MQ_OK) return result;
  struct route *r = route_get(&p->client->routes, span_text(topic));
  if (r == NULL) return error_set(error, MQ_NO_MEMORY, "no room for one more topic");
  r->for_subscribe = true;
  client_heartbeat(p->client, now);
  return MQ_OK;
}

enum status consumer_pull_commit(struct consumer_pull *p, const char *topic, const struct broker *broker,
                                 int32_t queue_id, int64_t offset, struct moment now) {
  return offset_send(p->client, p->member.group, topic, broker, queue_id, offset, now);
}
