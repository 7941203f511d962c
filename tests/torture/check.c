/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/check.h"

#include "core/wire/message.h"
#include "tests/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GET_COUNT = 32, GET_BYTES = 1 << 20, QUERY_COUNT = 64 };

struct check {
  struct stand *s;
  struct get_result *got;
  struct query_result *found;
  bool live;
  bool seen[DEEDS_MAX];
  uint64_t digest;
};

static void mix(struct check *c, uint64_t value) {
  c->digest = (c->digest ^ value) * 0x9E3779B97F4A7C15u;
  c->digest ^= c->digest >> 29;
}

#define WRONG(c, ...) book_violation(&(c)->s->book, __VA_ARGS__)

static void find_by_key(struct check *c, int32_t number, const struct message *m) {
  char key[16];
  stand_key(number, key);
  store_query(c->s->broker->store, m->topic, span_text(key), QUERY_COUNT, GET_BYTES, 0, INT64_MAX, c->found);
  size_t hits = 0, size;
  for (size_t i = 0; i < c->found->count; i++) {
    struct message one;
    if (message_decode(c->found->records[i], true, &one, &size) == STATUS_OK &&
        one.physical_offset == m->physical_offset)
      hits++;
  }
  if (hits != 1)
    WRONG(c, "message %d at %lld is found %zu times by its key", number, (long long)m->physical_offset, hits);
}

/* A record of a queue, at the place where the queue says it is. */
static void one_record(struct check *c, const struct message *m, const char *topic, int32_t queue, int64_t offset) {
  int32_t number = stand_number(m->body);
  struct span whole;
  if (number < 0 || number >= c->s->book.deed_count) {
    WRONG(c, "%s queue %d offset %lld: a body nobody sent", topic, queue, (long long)offset);
    return;
  }
  const struct deed *d = &c->s->book.deeds[number];
  if (c->seen[number]) WRONG(c, "message %d is there twice", number);
  c->seen[number] = true;
  if (strcmp(d->topic, topic) != 0 || d->queue != queue || m->queue_offset != offset || !span_is(m->topic, topic))
    WRONG(c, "%s queue %d offset %lld: message %d of %s queue %d offset %lld", topic, queue, (long long)offset, number,
          d->topic, d->queue, (long long)m->queue_offset);
  if (d->state == DEED_PROMISED && (d->queue_offset != offset || d->physical != m->physical_offset))
    WRONG(c, "message %d was promised at offset %lld, log %lld, and is at %lld, log %lld", number,
          (long long)d->queue_offset, (long long)d->physical, (long long)offset, (long long)m->physical_offset);
  if (c->live && d->state == DEED_REFUSED) WRONG(c, "message %d was refused and is there", number);
  if (store_message_at(c->s->broker->store, m->physical_offset, &whole) != STATUS_OK)
    WRONG(c, "message %d is not at log offset %lld", number, (long long)m->physical_offset);
  /* An index that could not be written is whole again after the next start. */
  if (c->s->strict || !c->live) find_by_key(c, number, m);
  if (d->dropped) return; /* made again from the log they come back */
  mix(c, (uint64_t)offset << 32 | (uint64_t)(uint32_t)number);
  mix(c, (uint64_t)m->physical_offset);
}

static void one_queue(void *context, struct span name, int32_t queue, int64_t min, int64_t max) {
  struct check *c = context;
  char topic[TOPIC_LENGTH_MAX + 1];
  int64_t offset = min, last = -1;
  if (!span_copy_text(name, topic, sizeof topic)) abort();
  while (offset < max && c->s->book.violation[0] == '\0') {
    enum get_status status = store_get(c->s->broker->store, name, queue, offset, GET_COUNT, GET_BYTES, NULL, NULL,
                                       c->got);
    bool removed = status == GET_MESSAGE_WAS_REMOVING || (status == GET_OFFSET_FOUND_NULL && c->s->book.log_min > 0);
    if (last < 0 && removed && c->got->next_offset > offset) {
      offset = c->got->next_offset; /* the front of the queue has not followed that of the log yet */
      continue;
    }
    if (status != GET_FOUND || c->got->message_count == 0) {
      WRONG(c, "%s queue %d [%lld, %lld): nothing can be read at %lld: %s", topic, queue, (long long)min,
            (long long)max, (long long)offset, get_status_names[status]);
      return;
    }
    for (size_t i = 0; i < c->got->part_count; i++)
      for (size_t at = 0, size; at < c->got->parts[i].len; at += size) {
        struct message m;
        if (message_decode(span_from(c->got->parts[i], at), true, &m, &size) != STATUS_OK) {
          WRONG(c, "%s queue %d offset %lld: not a message", topic, queue, (long long)offset);
          return;
        }
        if (m.physical_offset <= last) WRONG(c, "%s queue %d goes back in the log", topic, queue);
        if (last < 0 && m.queue_offset > offset && c->s->book.log_min > 0) offset = m.queue_offset;
        last = m.physical_offset;
        one_record(c, &m, topic, queue, offset++);
      }
  }
}

static void promises(struct check *c) {
  const struct book *b = &c->s->book;
  int64_t log_min = store_log_min(c->s->broker->store);
  /* Without memory for a unit the store is read-only until the next start, which reads it from the log. */
  if (c->live && memory_failed() && store_refusal(c->s->broker->store) != NULL) return;
  if (log_min > b->log_min)
    WRONG(c, "the log begins at %lld, before it began at %lld", (long long)log_min, (long long)b->log_min);
  for (int32_t i = 0; i < b->deed_count; i++) {
    const struct deed *d = &b->deeds[i];
    if (d->state != DEED_PROMISED || d->dropped || d->physical < log_min || c->seen[i]) continue;
    WRONG(c,
          "message %d, promised in %s queue %d offset %lld, log %lld, is gone (the queue is [%lld, %lld), the log "
          "[%lld, %lld))",
          i, d->topic, d->queue, (long long)d->queue_offset, (long long)d->physical,
          (long long)store_queue_min(c->s->broker->store, span_text(d->topic), d->queue),
          (long long)store_queue_max(c->s->broker->store, span_text(d->topic), d->queue), (long long)log_min,
          (long long)store_log_max(c->s->broker->store));
  }
}

/* ---- tables ---- */

static int32_t topic_now(struct stand *s, const char *name) {
  const struct topic *t = topics_find(&s->broker->topics, span_text(name));
  return t == NULL ? 0 : t->write_queues;
}

static int32_t group_now(struct stand *s, const char *name) {
  const struct group *g = groups_find(&s->broker->groups, span_text(name));
  return g == NULL ? 0 : g->retry_max_times;
}

static void one_name(struct stand *s, const char *what, const struct named *n, int32_t now) {
  if (now < 0 || now > 31 || (n->may & 1u << now) == 0)
    book_violation(&s->book, "%s %s is %d, which it may not be (of %#x)", what, n->name, now, n->may);
}

static void tables(struct stand *s) {
  struct book *b = &s->book;
  for (int i = 0; i < NAMED_MAX; i++) {
    if (b->topics[i].name[0] != '\0') one_name(s, "topic", &b->topics[i], topic_now(s, b->topics[i].name));
    if (b->groups[i].name[0] != '\0') one_name(s, "group", &b->groups[i], group_now(s, b->groups[i].name));
  }
  int64_t first = -1;
  for (int g = 0; g < STAND_GROUPS; g++)
    for (int q = 0; q < STAND_OFFSET_QUEUES; q++) {
      char group[BOOK_NAME_MAX];
      snprintf(group, sizeof group, "G%d", g);
      int64_t offset = offsets_get(&s->broker->offsets, span_text(group), SPAN_LITERAL("Plain"), q);
      if (offset < 0) offset = 0;
      if (offset < b->offsets_saved || offset > b->offsets_asked)
        book_violation(b, "%s is at %lld in queue %d, saved was %lld, asked %lld", group, (long long)offset, q,
                       (long long)b->offsets_saved, (long long)b->offsets_asked);
      if (first < 0) first = offset;
      if (s->strict && offset != first) book_violation(b, "of the offsets only a part was saved");
    }
}

void check_tables_are(struct stand *s) {
  for (int i = 0; i < NAMED_MAX; i++) {
    struct named *t = &s->book.topics[i], *g = &s->book.groups[i];
    if (t->name[0] != '\0') t->may = 1u << topic_now(s, t->name);
    if (g->name[0] != '\0') g->may = 1u << group_now(s, g->name);
    t->answered = g->answered = false;
    t->opaque = g->opaque = 0;
  }
  int64_t offset = offsets_get(&s->broker->offsets, SPAN_LITERAL("G0"), SPAN_LITERAL("Plain"), 0);
  s->book.offsets_saved = s->book.offsets_answered = s->book.offsets_asked = offset < 0 ? 0 : offset;
}

static int32_t first_missing(const struct check *c) {
  const struct book *b = &c->s->book;
  for (int32_t i = 0; i < b->deed_count; i++)
    if (b->deeds[i].state == DEED_ASKED && b->deeds[i].size > 0 && !b->deeds[i].dropped && !c->seen[i]) return i;
  return -1;
}

uint64_t check_broker(struct stand *s, bool live) {
  struct check c = {.s = s, .live = live, .got = malloc(sizeof *c.got), .found = malloc(sizeof *c.found)};
  if (c.got == NULL || c.found == NULL) abort();
  s->lens.quiet++;
  tables(s);
  store_queues(s->broker->store, one_queue, &c);
  if (s->book.violation[0] == '\0') promises(&c);
  s->book.missing = first_missing(&c);
  s->lens.quiet--;
  free(c.got);
  free(c.found);
  return c.digest;
}
