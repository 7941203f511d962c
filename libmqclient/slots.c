/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/slots.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum {
  BUFFER_MAX = 32 << 20,  /* properties, topic and body, or a batch */
  BUFFER_KEPT = 64 << 10, /* of a slot that nobody uses */
};

void slots_init(struct slots *s, size_t pending_max, size_t pending_bytes_max) {
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_mutex_init(&s->lock, NULL);
  pthread_cond_init(&s->room, &attr);
  pthread_condattr_destroy(&attr);
  s->pending_max = pending_max;
  s->pending_bytes_max = pending_bytes_max;
}

void slots_fini(struct slots *s) {
  while (s->all != NULL) {
    struct slot *next = s->all->next_all;
    latch_fini(&s->all->latch);
    buf_fini(&s->all->buffer);
    free(s->all);
    s->all = next;
  }
  pthread_mutex_destroy(&s->lock);
  pthread_cond_destroy(&s->room);
}

static struct slot *slot_new(struct slots *s) {
  struct slot *slot = calloc(1, sizeof *slot);
  if (slot == NULL) return NULL;
  buf_init(&slot->buffer, BUFFER_MAX);
  latch_init(&slot->latch);
  slot->next_all = s->all;
  s->all = slot;
  return slot;
}

struct slot *slots_take(struct slots *s) {
  pthread_mutex_lock(&s->lock);
  if (s->free == NULL) s->free = atomic_exchange_explicit(&s->returned, NULL, memory_order_acquire);
  struct slot *slot = s->free;
  if (slot != NULL)
    s->free = slot->next_free;
  else
    slot = slot_new(s);
  pthread_mutex_unlock(&s->lock);
  return slot;
}

void slots_give(struct slots *s, struct slot *slot) {
  if (slot->buffer.cap > BUFFER_KEPT) {
    buf_fini(&slot->buffer);
    buf_init(&slot->buffer, BUFFER_MAX);
  }
  struct slot *head = atomic_load_explicit(&s->returned, memory_order_relaxed);
  do slot->next_free = head;
  while (!atomic_compare_exchange_weak_explicit(&s->returned, &head, slot, memory_order_release, memory_order_relaxed));
}

/* Counts first and looks then, so that threads need no lock while there is room. */
static bool try_enter(struct slots *s, size_t bytes) {
  size_t others = atomic_fetch_add(&s->pending, 1);
  size_t other_bytes = atomic_fetch_add(&s->pending_bytes, bytes);
  /* One send alone may be of any size. */
  if (others == 0 || (others < s->pending_max && other_bytes + bytes <= s->pending_bytes_max)) return true;
  atomic_fetch_sub(&s->pending, 1);
  atomic_fetch_sub(&s->pending_bytes, bytes);
  return false;
}

bool slots_enter(struct slots *s, size_t bytes, int timeout_ms) {
  if (try_enter(s, bytes)) return true;
  if (timeout_ms <= 0) return false;
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += timeout_ms / 1000;
  until.tv_nsec += timeout_ms % 1000 * 1000000L;
  if (until.tv_nsec >= 1000000000L) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000L;
  }
  pthread_mutex_lock(&s->lock);
  atomic_fetch_add(&s->waiters, 1);
  bool entered = try_enter(s, bytes);
  for (int error = 0; !entered && error != ETIMEDOUT; entered = try_enter(s, bytes))
    error = pthread_cond_timedwait(&s->room, &s->lock, &until);
  atomic_fetch_sub(&s->waiters, 1);
  pthread_mutex_unlock(&s->lock);
  return entered;
}

void slots_leave(struct slots *s, size_t bytes) {
  size_t bytes_left = atomic_fetch_sub(&s->pending_bytes, bytes) - bytes;
  size_t left = atomic_fetch_sub(&s->pending, 1) - 1;
  if (atomic_load(&s->waiters) == 0) return;
  /* Not for every single place: a woken thread should find work for a while. */
  if (left > s->pending_max / 4 * 3 || bytes_left > s->pending_bytes_max / 4 * 3) return;
  pthread_mutex_lock(&s->lock);
  pthread_cond_broadcast(&s->room);
  pthread_mutex_unlock(&s->lock);
}
