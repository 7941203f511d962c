/* SPDX-License-Identifier: Apache-2.0
 *
 * push_offsets: a push consumer's progress, at the broker or in the local file.
 */
#include "libmqclient/consumer_push.h"

#include <stdlib.h>

void push_commit(struct process_queue *q, int64_t offset) {
  if (offset <= q->committed) return;
  q->committed = offset;
  q->consumer->offsets_changed = true;
}

void push_offset_save(struct process_queue *q, struct moment now) {
  struct consumer_push *p = q->consumer;
  if (q->committed < 0 || q->dropped) return;
  if (!push_is_clustering(p)) {
    push_offsets_save(p, now);
    return;
  }
  enum status status =
      offset_send(p->client, p->config.group, q->route->topic, q->broker, q->id, q->committed, now);
  if (status != STATUS_OK && status != STATUS_UNREACHABLE)
    log_warn(p->client->log, "offset of topic %s queue %d was not sent: %s", q->route->topic, q->id,
             status_text(status));
}

static bool is_held(const struct consumer_push *p, const struct local_offset *item) {
  for (const struct process_queue *q = p->queues; q != NULL; q = q->next)
    if (q->committed >= 0 && q->id == item->queue.queue_id && span_is(item->queue.topic, q->route->topic) &&
        span_is(item->queue.broker_name, q->broker->name))
      return true;
  return false;
}

/* All queues we hold, and those of before that we do not hold now: their broker may come back. */
static enum status save_local(struct consumer_push *p) {
  size_t n = p->local.count, count = 0;
  for (const struct process_queue *q = p->queues; q != NULL; q = q->next) n++;
  struct local_offset *items = calloc(n + 1, sizeof *items);
  if (items == NULL) return STATUS_NO_MEMORY;
  for (const struct process_queue *q = p->queues; q != NULL; q = q->next)
    if (q->committed >= 0)
      items[count++] = (struct local_offset){{span_text(q->route->topic), span_text(q->broker->name), q->id},
                                             q->committed};
  for (size_t i = 0; i < p->local.count; i++)
    if (!is_held(p, &p->local.items[i])) items[count++] = p->local.items[i];
  enum status status = local_offsets_write(p->client->disk, p->config.offsets_path, items, count);
  free(items);
  return status;
}

void push_offsets_save(struct consumer_push *p, struct moment now) {
  if (push_is_clustering(p)) {
    for (struct process_queue *q = p->queues; q != NULL; q = q->next) push_offset_save(q, now);
    return;
  }
  if (!p->offsets_changed) return;
  enum status status = save_local(p);
  p->offsets_changed = status != STATUS_OK;
  if (status != STATUS_OK)
    log_error(p->client->log, "%s was not written: %s", p->config.offsets_path, status_text(status));
}
