/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/gate/parked.h"

#include "core/base/bytes.h"

#include <assert.h>
#include <stdlib.h>

struct parked_queue {
  TAILQ_HEAD(, parked_pull) pulls;
};

struct parked_pull {
  struct pull pull;
  struct timer timer;
  int64_t due_ms;
  struct parked_queue *queue;
  bool is_ready; /* in the ready list, else in the queue's or taken */
  TAILQ_ENTRY(parked_pull) entry;
  uint8_t texts[]; /* of pull */
};

enum { KEY_MAX = 256 + 4 };

void parked_init(struct parked *p, size_t limit, uint64_t seed) {
  *p = (struct parked){.limit = limit};
  map_init(&p->queues, seed);
  timers_init(&p->timers);
  TAILQ_INIT(&p->ready);
}

static struct span key_of(struct span topic, int32_t queue_id, uint8_t key[KEY_MAX]) {
  size_t n = topic.len < KEY_MAX - 4 ? topic.len : KEY_MAX - 4;
  memcpy(key, topic.ptr, n);
  put_i32(key + n, queue_id);
  return span_of(key, n + 4);
}

static struct parked_queue *queue_of(struct parked *p, struct span topic, int32_t queue_id, bool create) {
  uint8_t bytes[KEY_MAX];
  struct span key = key_of(topic, queue_id, bytes);
  struct parked_queue *q = map_get(&p->queues, key);
  if (q != NULL || !create) return q;
  q = malloc(sizeof *q);
  if (q == NULL) return NULL;
  TAILQ_INIT(&q->pulls);
  if (map_put(&p->queues, key, q, NULL) == STATUS_OK) return q;
  free(q);
  return NULL;
}

static struct span keep(uint8_t **at, struct span s) {
  struct span kept = span_of(*at, s.len);
  if (s.ptr == NULL) return s;
  if (s.len > 0) memcpy(*at, s.ptr, s.len);
  *at += s.len;
  return kept;
}

enum status parked_add(struct parked *p, const struct pull *pull, int64_t due_ms) {
  if (p->count >= p->limit) return STATUS_LIMIT;
  size_t texts = pull->group.len + pull->topic.len + pull->expression.len + pull->expression_type.len;
  struct parked_queue *q = queue_of(p, pull->topic, pull->queue_id, true);
  struct parked_pull *pp = q == NULL ? NULL : malloc(sizeof *pp + texts);
  if (pp == NULL) return STATUS_NO_MEMORY;
  *pp = (struct parked_pull){.pull = *pull, .due_ms = due_ms, .queue = q};
  uint8_t *at = pp->texts;
  pp->pull.group = keep(&at, pull->group);
  pp->pull.topic = keep(&at, pull->topic);
  pp->pull.expression = keep(&at, pull->expression);
  pp->pull.expression_type = keep(&at, pull->expression_type);
  if (timers_set(&p->timers, &pp->timer, due_ms) != STATUS_OK) {
    free(pp);
    return STATUS_NO_MEMORY;
  }
  TAILQ_INSERT_TAIL(&q->pulls, pp, entry);
  p->count++;
  return STATUS_OK;
}

void parked_arrived(struct parked *p, struct span topic, int32_t queue_id, int64_t queue_max) {
  if (p->count == 0) return;
  struct parked_queue *q = queue_of(p, topic, queue_id, false);
  if (q == NULL) return;
  for (struct parked_pull *pp = TAILQ_FIRST(&q->pulls), *next; pp != NULL; pp = next) {
    next = TAILQ_NEXT(pp, entry);
    if (pp->pull.offset >= queue_max) continue;
    TAILQ_REMOVE(&q->pulls, pp, entry);
    TAILQ_INSERT_TAIL(&p->ready, pp, entry);
    pp->is_ready = true;
  }
}

static void take_out(struct parked *p, struct parked_pull *pp) {
  if (pp->is_ready) TAILQ_REMOVE(&p->ready, pp, entry);
  else TAILQ_REMOVE(&pp->queue->pulls, pp, entry);
  pp->is_ready = false;
  timers_cancel(&p->timers, &pp->timer);
  p->count--;
}

struct parked_pull *parked_take(struct parked *p, struct moment now, bool *expired) {
  struct parked_pull *pp = TAILQ_FIRST(&p->ready);
  *expired = pp == NULL || pp->due_ms <= now.mono_ms;
  if (pp == NULL) {
    struct timer *t = timers_pop(&p->timers, now.mono_ms);
    if (t == NULL) return NULL;
    pp = (struct parked_pull *)((char *)t - offsetof(struct parked_pull, timer));
  }
  take_out(p, pp);
  return pp;
}

const struct pull *parked_pull_of(const struct parked_pull *pp) { return &pp->pull; }

void parked_again(struct parked *p, struct parked_pull *pp, int64_t offset) {
  pp->pull.offset = offset;
  /* It had a place in the heap a moment ago, so setting the timer cannot fail. */
  (void)!timers_set(&p->timers, &pp->timer, pp->due_ms);
  TAILQ_INSERT_TAIL(&pp->queue->pulls, pp, entry);
  p->count++;
}

void parked_free(struct parked_pull *pp) { free(pp); }

static void drop_conn_in(struct parked *p, struct parked_queue *q, conn_id conn) {
  for (struct parked_pull *pp = TAILQ_FIRST(&q->pulls), *next; pp != NULL; pp = next) {
    next = TAILQ_NEXT(pp, entry);
    if (pp->pull.to.conn != conn) continue;
    take_out(p, pp);
    parked_free(pp);
  }
}

void parked_drop_conn(struct parked *p, conn_id conn) {
  if (p->count == 0) return;
  for (struct map_entry *e = map_first(&p->queues), *next; e != NULL; e = next) {
    next = map_next(&p->queues, e);
    struct parked_queue *q = e->value;
    drop_conn_in(p, q, conn);
  }
  for (struct parked_pull *pp = TAILQ_FIRST(&p->ready), *next; pp != NULL; pp = next) {
    next = TAILQ_NEXT(pp, entry);
    if (pp->pull.to.conn != conn) continue;
    take_out(p, pp);
    parked_free(pp);
  }
}

void parked_fini(struct parked *p) {
  for (struct map_entry *e = map_first(&p->queues); e != NULL; e = map_next(&p->queues, e)) {
    struct parked_queue *q = e->value;
    struct parked_pull *pp;
    while ((pp = TAILQ_FIRST(&q->pulls)) != NULL) {
      take_out(p, pp);
      parked_free(pp);
    }
    free(q);
  }
  struct parked_pull *pp;
  while ((pp = TAILQ_FIRST(&p->ready)) != NULL) {
    take_out(p, pp);
    parked_free(pp);
  }
  assert(p->count == 0);
  map_fini(&p->queues);
  timers_fini(&p->timers);
}
