/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/ledger.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEQ_BITS = 32 };

void ledger_init(struct ledger *l, struct sim_world *world, uint64_t seed, size_t producers, size_t groups) {
  *l = (struct ledger){
      .world = world, .seed = seed, .long_one_in = 20, .producer_count = producers, .group_count = groups};
  l->producers = calloc(producers, sizeof *l->producers);
  if (l->producers == NULL) abort();
  for (size_t i = 0; i < producers; i++) l->producers[i].last_offset = -1;
  map_init(&l->places, seed);
}

void ledger_fini(struct ledger *l) {
  for (size_t i = 0; i < l->producer_count; i++) free(l->producers[i].sent);
  free(l->producers);
  map_fini(&l->places);
}

void ledger_violation(struct ledger *l, const char *format, ...) {
  if (l->violation[0] != '\0') return;
  int n = snprintf(l->violation, sizeof l->violation, "[%lld] ", (long long)sim_now(l->world));
  va_list args;
  va_start(args, format);
  vsnprintf(l->violation + n, sizeof l->violation - (size_t)n, format, args);
  va_end(args);
  sim_say(l->world, NULL, "VIOLATION: %s", l->violation);
}

size_t ledger_next(struct ledger *l, size_t producer) {
  struct ledger_producer *p = &l->producers[producer];
  if (p->count == p->cap) {
    p->cap = p->cap == 0 ? 64 : p->cap * 2;
    p->sent = realloc(p->sent, p->cap * sizeof *p->sent);
    if (p->sent == NULL) abort();
  }
  struct sent *s = &p->sent[p->count];
  *s = (struct sent){.offset = -1};
  for (size_t g = 0; g < LEDGER_GROUPS_MAX; g++) s->seen_ms[g] = -1;
  return p->count++;
}

size_t ledger_body(const struct ledger *l, size_t producer, size_t seq, uint8_t *out) {
  struct prng p;
  prng_init(&p, l->seed ^ (uint64_t)producer << SEQ_BITS ^ seq);
  size_t n = (size_t)snprintf((char *)out, 64, "p%zu s%zu ", producer, seq);
  size_t more = prng_chance(&p, 1, l->long_one_in) ? prng_below(&p, LEDGER_BODY_MAX - n) : prng_below(&p, 100);
  for (size_t i = 0; i < more; i++) out[n++] = (uint8_t)prng_next(&p);
  return n;
}

/* ---- places ---- */

struct place {
  char broker[16];
  int32_t queue;
  int32_t unused;
  int64_t offset;
};

static struct place place_of(struct span broker, int32_t queue, int64_t offset) {
  struct place place;
  memset(&place, 0, sizeof place);
  span_copy_text(broker, place.broker, sizeof place.broker);
  place.queue = queue;
  place.offset = offset;
  return place;
}

static uintptr_t number_of(size_t producer, size_t seq) { return ((uintptr_t)producer << SEQ_BITS | seq) + 1; }

void ledger_acked(struct ledger *l, size_t producer, size_t seq, struct span broker, int32_t queue, int64_t offset) {
  struct ledger_producer *p = &l->producers[producer];
  struct sent *s = &p->sent[seq];
  struct place place = place_of(broker, queue, offset);
  if (s->acked) ledger_violation(l, "message %zu of producer %zu was acknowledged twice", seq, producer);
  s->acked = true;
  s->queue = queue;
  s->offset = offset;
  s->acked_ms = sim_now(l->world);
  memcpy(s->broker, place.broker, sizeof s->broker);
  l->acked++;
  void *old;
  if (map_put(&l->places, span_of(&place, sizeof place), (void *)number_of(producer, seq), &old) != STATUS_OK) abort();
  if (old != NULL)
    ledger_violation(l, "%s queue %d offset %lld was given to message %zu of producer %zu and to %zu of %zu", s->broker,
                     queue, (long long)offset, (size_t)((uintptr_t)old - 1) & UINT32_MAX,
                     (size_t)((uintptr_t)old - 1) >> SEQ_BITS, seq, producer);
  if (p->ordered && offset <= p->last_offset)
    ledger_violation(l, "producer %zu sends in order, but message %zu got offset %lld behind %lld", producer, seq,
                     (long long)offset, (long long)p->last_offset);
  p->last_offset = offset;
}

/* Which message is it? False: none that was ever sent. */
static bool identify(const struct ledger *l, struct span body, size_t *producer, size_t *seq) {
  char head[64];
  uint8_t want[LEDGER_BODY_MAX];
  span_copy_text(body, head, sizeof head);
  if (sscanf(head, "p%zu s%zu ", producer, seq) != 2) return false;
  if (*producer >= l->producer_count || *seq >= l->producers[*producer].count) return false;
  return span_equal(body, span_of(want, ledger_body(l, *producer, *seq, want)));
}

void ledger_seen(struct ledger *l, int group, const char *broker, int32_t queue, int64_t offset, struct span body) {
  size_t producer, seq;
  struct place place = place_of(span_text(broker), queue, offset);
  if (!identify(l, body, &producer, &seq)) {
    ledger_violation(l, "%s queue %d offset %lld holds %zu bytes that nobody sent", broker, queue, (long long)offset,
                     body.len);
    return;
  }
  l->seen++;
  uintptr_t promised = (uintptr_t)map_get(&l->places, span_of(&place, sizeof place));
  /* An answer under way while the broker lost power still shows the place as it was. */
  bool outdated = group >= 0 && l->lost_power;
  if (promised != 0 && promised != number_of(producer, seq) && !outdated)
    ledger_violation(l, "%s queue %d offset %lld holds message %zu of producer %zu instead of what was acknowledged",
                     broker, queue, (long long)offset, seq, producer);
  struct sent *s = &l->producers[producer].sent[seq];
  if (group >= 0 && s->seen_ms[group] < 0) s->seen_ms[group] = sim_now(l->world);
}

/* ---- in the end ---- */

static void check_seen(struct ledger *l, size_t producer, size_t seq) {
  const struct sent *s = &l->producers[producer].sent[seq];
  for (size_t g = 0; s->acked && g < l->group_count; g++)
    if (s->seen_ms[g] < 0)
      ledger_violation(l, "%s queue %d offset %lld: message %zu of producer %zu never reached group %zu", s->broker,
                       s->queue, (long long)s->offset, seq, producer, g);
}

void ledger_check_all_seen(struct ledger *l) {
  for (size_t i = 0; i < l->producer_count; i++)
    for (size_t j = 0; j < l->producers[i].count; j++) check_seen(l, i, j);
}

void ledger_check_prompt(struct ledger *l, int64_t since_ms, int64_t within_ms) {
  for (size_t i = 0; i < l->producer_count; i++)
    for (size_t j = 0; j < l->producers[i].count; j++) {
      const struct sent *s = &l->producers[i].sent[j];
      for (size_t g = 0; s->acked && s->acked_ms >= since_ms && g < l->group_count; g++)
        if (s->seen_ms[g] < 0 || s->seen_ms[g] > s->acked_ms + within_ms)
          ledger_violation(l, "message %zu of producer %zu, acknowledged at %lld, reached group %zu at %lld", j, i,
                           (long long)s->acked_ms, g, (long long)s->seen_ms[g]);
    }
}
