/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/interop/peer_tally.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMPLAINTS_MAX 5
#define LINE_MAX_BYTES 512

struct place {
  struct place *next;
  char host[MQ_HOST_MAX];
  int queue;
  int64_t last_offset; /* -1: none */
};

struct stream {
  struct stream *next;
  char *prefix;
  size_t prefix_length;
  int queue;
  int64_t last; /* SEQ; -1: none */
  const struct place *place;
  uint8_t *seen; /* a bit per SEQ */
  size_t seen_bytes;
};

void tally_init(struct tally *t) {
  pthread_mutex_init(&t->lock, NULL);
}

void tally_fini(struct tally *t) {
  for (struct stream *s = t->streams, *next; s != NULL; s = next) {
    next = s->next;
    free(s->prefix);
    free(s->seen);
    free(s);
  }
  for (struct place *p = t->places, *next; p != NULL; p = next) {
    next = p->next;
    free(p);
  }
  pthread_mutex_destroy(&t->lock);
}

/* A test that cannot count is worth nothing. */
static void *must_have(void *memory) {
  if (memory != NULL) return memory;
  fputs("out of memory\n", stderr);
  exit(PEER_FAILED);
}

static struct stream *stream_find(const struct tally *t, const struct payload *p) {
  for (struct stream *s = t->streams; s != NULL; s = s->next)
    if (s->queue == p->queue && s->prefix_length == p->prefix_length &&
        memcmp(s->prefix, p->prefix, p->prefix_length) == 0)
      return s;
  return NULL;
}

static struct stream *stream_get(struct tally *t, const struct payload *p) {
  struct stream *s = stream_find(t, p);
  if (s != NULL) return s;
  s = must_have(calloc(1, sizeof *s));
  s->prefix = must_have(malloc(p->prefix_length + 1));
  memcpy(s->prefix, p->prefix, p->prefix_length);
  s->prefix_length = p->prefix_length;
  s->queue = p->queue;
  s->last = -1;
  s->next = t->streams;
  t->streams = s;
  return s;
}

static bool seen_has(const struct stream *s, int64_t seq) {
  return (size_t)seq / 8 < s->seen_bytes && (s->seen[seq / 8] >> (seq % 8) & 1) != 0;
}

static void seen_set(struct stream *s, int64_t seq) {
  size_t need = (size_t)seq / 8 + 1;
  if (need > s->seen_bytes) {
    size_t bytes = need * 2;
    s->seen = must_have(realloc(s->seen, bytes));
    memset(s->seen + s->seen_bytes, 0, bytes - s->seen_bytes);
    s->seen_bytes = bytes;
  }
  s->seen[seq / 8] = (uint8_t)(s->seen[seq / 8] | 1 << seq % 8);
}

static struct place *place_get(struct tally *t, const mq_message *message) {
  char host[MQ_HOST_MAX];
  mq_message_store_host(message, host);
  int queue = mq_message_queue(message).id;
  for (struct place *p = t->places; p != NULL; p = p->next)
    if (p->queue == queue && strcmp(p->host, host) == 0) return p;
  struct place *p = must_have(calloc(1, sizeof *p));
  snprintf(p->host, sizeof p->host, "%s", host);
  p->queue = queue;
  p->last_offset = -1;
  p->next = t->places;
  t->places = p;
  return p;
}

static void complain(const struct tally *t, const char *what, const mq_message *message) {
  if (t->disorder + t->corrupt + t->duplicates >= COMPLAINTS_MAX) return;
  char host[MQ_HOST_MAX];
  const char *keys = mq_message_keys(message), *tags = mq_message_tags(message);
  fprintf(stderr, "%s: %s queue %d offset %" PRId64 " keys %s tags %s\n", what, mq_message_store_host(message, host),
          (int)mq_message_queue(message).id, mq_message_queue_offset(message), keys == NULL ? "-" : keys,
          tags == NULL ? "-" : tags);
}

static bool tag_is_wanted(const struct tally *t, int64_t seq) {
  const char *tag = payload_tag(seq);
  size_t length = strlen(tag);
  if (t->tags == NULL) return true;
  for (const char *at = t->tags; (at = strstr(at, tag)) != NULL; at += length) {
    bool begins = at == t->tags || at[-1] == ' ' || at[-1] == '|';
    bool ends = at[length] == '\0' || at[length] == ' ' || at[length] == '|';
    if (begins && ends) return true;
  }
  return false;
}

/* The SEQ that must follow; with a tag subscription only every other one may come. */
static int64_t next_wanted(const struct tally *t, int64_t last) {
  return tag_is_wanted(t, last + 1) ? last + 1 : last + 2;
}

/* One (prefix, queue) lives in one queue of one broker; in order, if that was asked for. */
static bool place_is_wrong(struct tally *t, struct stream *s, const struct payload *p, const mq_message *message) {
  struct place *place = place_get(t, message);
  if (s->place == NULL) s->place = place;
  bool wrong = s->place != place;
  if (t->check_order) {
    int64_t offset = mq_message_queue_offset(message);
    wrong |= offset <= place->last_offset;
    wrong |= t->sparse ? p->seq <= s->last : p->seq != next_wanted(t, s->last);
    place->last_offset = offset;
  }
  return wrong;
}

static void count(struct tally *t, const mq_message *message) {
  struct payload p;
  t->received++;
  if (!payload_parse(message, &p) || strcmp(mq_message_topic(message), t->topic) != 0 || !tag_is_wanted(t, p.seq)) {
    complain(t, "corrupt", message);
    t->corrupt++;
    return;
  }
  struct stream *s = stream_get(t, &p);
  if (seen_has(s, p.seq)) {
    complain(t, "duplicate", message);
    t->duplicates++;
    return;
  }
  seen_set(s, p.seq);
  t->distinct++;
  if (place_is_wrong(t, s, &p, message)) {
    complain(t, "disorder", message);
    t->disorder++;
  }
  s->last = p.seq;
}

void tally_add(struct tally *t, const mq_message *message) {
  pthread_mutex_lock(&t->lock);
  count(t, message);
  pthread_mutex_unlock(&t->lock);
}

void tally_disorder(struct tally *t, const char *what, const mq_message *message) {
  pthread_mutex_lock(&t->lock);
  if (message != NULL)
    complain(t, what, message);
  else
    fprintf(stderr, "%s\n", what);
  t->disorder++;
  pthread_mutex_unlock(&t->lock);
}

int64_t tally_distinct(struct tally *t) {
  pthread_mutex_lock(&t->lock);
  int64_t distinct = t->distinct;
  pthread_mutex_unlock(&t->lock);
  return distinct;
}

/* "P:QUEUE:SEQ" */
static bool line_was_seen(const struct tally *t, const char *line) {
  struct payload p = {.prefix = line, .prefix_length = strcspn(line, ":")};
  if (sscanf(line + p.prefix_length, ":%d:%" SCNd64, &p.queue, &p.seq) != 2 || p.seq < 0) return false;
  const struct stream *s = stream_find(t, &p);
  return s != NULL && seen_has(s, p.seq);
}

bool tally_look_for_lost(struct tally *t, const char *path) {
  char line[LINE_MAX_BYTES];
  FILE *file = fopen(path, "r");
  if (file == NULL) {
    perror(path);
    return false;
  }
  pthread_mutex_lock(&t->lock);
  while (fgets(line, sizeof line, file) != NULL)
    if (!line_was_seen(t, line) && ++t->lost <= COMPLAINTS_MAX) fprintf(stderr, "lost: %s", line);
  pthread_mutex_unlock(&t->lock);
  fclose(file);
  return true;
}

void tally_print(const struct tally *t) {
  printf("{\"received\":%" PRId64 ",\"distinct\":%" PRId64 ",\"duplicates\":%" PRId64 ",\"disorder\":%" PRId64
         ",\"corrupt\":%" PRId64 ",\"lost\":%" PRId64 "}\n",
         t->received, t->distinct, t->duplicates, t->disorder, t->corrupt, t->lost);
}
