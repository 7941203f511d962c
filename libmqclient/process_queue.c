/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/process_queue.h"

void process_queue_init(struct process_queue *q) {
  q->messages.next = q->messages.prev = &q->messages;
  q->max_offset = -1;
  q->committed = -1;
}

bool process_queue_add(struct process_queue *q, struct delivery *d) {
  for (size_t i = 0; i < d->count; i++) {
    struct received *m = &d->items[i];
    m->prev = q->messages.prev;
    m->next = &q->messages;
    m->prev->next = m->next->prev = m;
    m->refs = 1;
    q->count++;
    q->bytes += m->message.body.len;
    if (m->message.queue_offset > q->max_offset) q->max_offset = m->message.queue_offset;
  }
  return d->count > 0;
}

bool process_queue_remove(struct process_queue *q, struct received *m) {
  if (m->next == NULL) return false;
  m->prev->next = m->next;
  m->next->prev = m->prev;
  m->next = m->prev = NULL;
  q->count--;
  q->bytes -= m->message.body.len;
  return true;
}

int64_t process_queue_span(const struct process_queue *q) {
  if (q->count == 0) return 0;
  return q->messages.prev->message.queue_offset - q->messages.next->message.queue_offset;
}

int64_t process_queue_progress(const struct process_queue *q) {
  if (q->count > 0) return q->messages.next->message.queue_offset;
  return q->max_offset < 0 ? -1 : q->max_offset + 1;
}
