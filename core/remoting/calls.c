/* SPDX-License-Identifier: Apache-2.0 */
#include "core/remoting/calls.h"

#include <assert.h>
#include <stdlib.h>

enum { BUCKETS_MIN = 64 };

static struct call **bucket_of(const struct calls *cs, int32_t opaque) {
  return &cs->buckets[(uint32_t)opaque & (cs->bucket_count - 1)];
}

enum status calls_init(struct calls *cs) {
  *cs = (struct calls){.buckets = calloc(BUCKETS_MIN, sizeof *cs->buckets), .bucket_count = BUCKETS_MIN};
  return cs->buckets == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

void calls_fini(struct calls *cs) {
  assert(cs->count == 0);
  free(cs->buckets);
  *cs = (struct calls){0};
}

static void push(struct calls *cs, struct call *call) {
  struct call **bucket = bucket_of(cs, call->opaque);
  call->next = *bucket;
  *bucket = call;
}

static void grow(struct calls *cs) {
  size_t old_count = cs->bucket_count;
  struct call **old = cs->buckets;
  struct call **buckets = calloc(old_count * 2, sizeof *buckets);
  if (buckets == NULL) return; /* longer chains, still right */
  cs->buckets = buckets;
  cs->bucket_count = old_count * 2;
  for (size_t i = 0; i < old_count; i++)
    for (struct call *c = old[i], *next; c != NULL; c = next) {
      next = c->next;
      push(cs, c);
    }
  free(old);
}

void calls_add(struct calls *cs, struct call *call) {
  if (cs->count >= cs->bucket_count * 2) grow(cs);
  push(cs, call);
  cs->count++;
}

struct call *calls_find(const struct calls *cs, int32_t opaque) {
  struct call *c = *bucket_of(cs, opaque);
  while (c != NULL && c->opaque != opaque) c = c->next;
  return c;
}

void calls_remove(struct calls *cs, struct call *call) {
  struct call **at = bucket_of(cs, call->opaque);
  while (*at != NULL && *at != call) at = &(*at)->next;
  if (*at == NULL) return;
  *at = call->next;
  call->next = NULL;
  cs->count--;
}

void calls_each(struct calls *cs, void (*each)(void *context, struct call *call), void *context) {
  for (size_t i = 0; i < cs->bucket_count; i++)
    for (struct call *c = cs->buckets[i]; c != NULL; c = c->next) each(context, c);
}
