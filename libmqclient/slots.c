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
    sem_destroy(&s->all->over);
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
  sem_init(&slot->over, 0, 0);
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

static void push_chain(struct slots *s, struct slot *first, struct slot *last) {
  struct slot *head = atomic_load_explicit(&s->returned, memory_order_relaxed);
  do last->next_free = head;
  while (!atomic_compare_exchange_weak_explicit(&s->returned, &head, first, memory_order_release,
                                                memory_order_relaxed));
}

static void shrink(struct slot *slot) {
  if (slot->buffer.cap <= BUFFER_KEPT) return;
  buf_fini(&slot->buffer);
  buf_init(&slot->buffer, BUFFER_MAX);
}

void slots_give(struct slots *s, struct slot *slot) {
  shrink(slot);
  push_chain(s, slot, slot);
}

/* Counts first and looks then, so that threads need no lock while there is room. */
bool slots_try_enter(struct slots *s, size_t bytes) {
  uint64_t before = atomic_fetch_add(&s->pending, SLOTS_ONE + bytes);
  size_t others = before / SLOTS_ONE, other_bytes = before % SLOTS_ONE;
  /* One send alone may be of any size. */
  if (others == 0 || (others < s->pending_max && other_bytes + bytes <= s->pending_bytes_max)) return true;
  atomic_fetch_sub(&s->pending, SLOTS_ONE + bytes);
  return false;
}

bool slots_enter(struct slots *s, size_t bytes, int timeout_ms) {
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
  bool entered = slots_try_enter(s, bytes);
  for (int error = 0; !entered && error != ETIMEDOUT; entered = slots_try_enter(s, bytes))
    error = pthread_cond_timedwait(&s->room, &s->lock, &until);
  atomic_fetch_sub(&s->waiters, 1);
  pthread_mutex_unlock(&s->lock);
  return entered;
}

void slots_ended(struct slots *s, struct slot *slot) {
  slot->next_free = NULL;
  if (slot->blocking) {
    slot->next_free = s->woken;
    s->woken = slot;
    return;
  }
  s->left += SLOTS_ONE + slot->weight;
  shrink(slot);
  if (s->ended_first == NULL)
    s->ended_first = slot;
  else
    s->ended_last->next_free = slot;
  s->ended_last = slot;
}

static void tell_of_room(struct slots *s) {
  uint64_t pending = atomic_fetch_sub(&s->pending, s->left) - s->left;
  s->left = 0;
  if (atomic_load(&s->waiters) == 0) return;
  /* Not for every single place: a woken thread should find work for a while. */
  if (pending / SLOTS_ONE > s->pending_max / 4 * 3 || pending % SLOTS_ONE > s->pending_bytes_max / 4 * 3) return;
  pthread_mutex_lock(&s->lock);
  pthread_cond_broadcast(&s->room);
  pthread_mutex_unlock(&s->lock);
}

void slots_flush(struct slots *s) {
  if (s->ended_first != NULL) push_chain(s, s->ended_first, s->ended_last);
  s->ended_first = s->ended_last = NULL;
  if (s->left > 0) tell_of_room(s);
  struct slot *woken = s->woken;
  s->woken = NULL;
  while (woken != NULL) {
    struct slot *next = woken->next_free; /* its thread may use it again at once */
    sem_post(&woken->over);
    woken = next;
  }
}
