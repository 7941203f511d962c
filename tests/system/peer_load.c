/* SPDX-License-Identifier: Apache-2.0
 *
 * load and verify: producers that go on through crashes of the broker and note
 * every acknowledgement, a reader that notes what it saw, and the comparison of
 * the notes with what the broker gives in the end.
 */
#include "tests/system/peer.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { QUEUES = 4, PRODUCERS_MAX = 16, WINDOW_MAX = 256, RECONNECT_MS = 5, PAUSE_MS = 1 };

/* This message was acknowledged, or read, at this place. */
struct note {
  int32_t queue;
  uint32_t producer, number;
  int64_t offset;
};

struct notes {
  struct note *list;
  size_t count, cap;
};

static bool notes_add(struct notes *n, struct note note) {
  if (n->count == n->cap) {
    size_t cap = n->cap == 0 ? 1024 : n->cap * 2;
    struct note *list = realloc(n->list, cap * sizeof *list);
    if (list == NULL) return fail("out of memory"), false;
    n->list = list;
    n->cap = cap;
  }
  n->list[n->count++] = note;
  return true;
}

static void wait_ms(int ms) {
  struct timespec t = {0, ms * 1000000L};
  nanosleep(&t, NULL);
}

/* ---- load ---- */

struct worker {
  pthread_t thread;
  const char *addr, *topic;
  uint32_t id, window, next; /* next: number of the next message, never used twice */
  struct notes notes;
  bool failed;
  unsigned connections;
};

/* Until the connection breaks or the end. In-flight messages of a broken connection are forgotten: they may
 * be stored or not. */
static void produce(struct worker *w, struct conn *c) {
  uint32_t flying[WINDOW_MAX], answered = 0, sent = 0;
  uint8_t body[BODY_ROOM];
  while (!w->failed && (!peer_stopped || answered < sent)) {
    for (; !peer_stopped && sent - answered < w->window; sent++) {
      flying[sent % w->window] = w->next;
      put_send(c, w->topic, QUEUES, (int)(w->next % QUEUES), span_of(body, body_make(w->id, w->next, body)));
      w->next++;
    }
    struct command reply;
    struct send_message_response h;
    if (!conn_flush(c)) return;
    enum receive got = conn_receive(c, &reply, ANSWER_MS);
    if (got == RECEIVE_CLOSED) return;
    w->failed = got != RECEIVED || !read_sent(&reply, &h);
    if (w->failed) {
      fail("producer %u: %s", w->id, got == RECEIVE_TIMEOUT ? "no answer" : "no acknowledgement");
      return;
    }
    uint32_t number = flying[answered++ % w->window];
    if (reply.opaque != (int32_t)answered || h.queueId != (int32_t)(number % QUEUES))
      w->failed = fail("producer %u: answers out of order, or another queue than asked for", w->id);
    else w->failed = !notes_add(&w->notes, (struct note){h.queueId, w->id, number, h.queueOffset});
  }
}

static void *run_producer(void *worker) {
  struct worker *w = worker;
  while (!peer_stopped && !w->failed) {
    struct conn c;
    if (conn_open(&c, w->addr)) {
      w->connections++;
      produce(w, &c);
    }
    conn_close(&c);
    wait_ms(RECONNECT_MS);
  }
  return NULL;
}

/* Reads behind the producers; what it saw must still be there in the end. */
static void consume(struct worker *w, struct conn *c, int64_t offsets[QUEUES]) {
  for (int q = 0; !peer_stopped && !w->failed; q = (q + 1) % QUEUES) {
    struct command reply;
    put_pull(c, w->topic, q, offsets[q], 0);
    if (!conn_flush(c) || conn_receive(c, &reply, ANSWER_MS) != RECEIVED) return;
    struct span body = reply.code == RESPONSE_SUCCESS ? reply.body : SPAN_NONE;
    while (body.len > 0 && !w->failed) {
      struct message m;
      struct note n = {.queue = q};
      size_t size;
      if (message_decode(body, true, &m, &size) != STATUS_OK || !body_check(m.body, &n.producer, &n.number) ||
          m.queue_offset != offsets[q]) {
        w->failed = fail("reader: queue %d offset %lld: not a whole message of ours", q, (long long)offsets[q]);
        return;
      }
      n.offset = offsets[q]++;
      w->failed = !notes_add(&w->notes, n);
      body = span_from(body, size);
    }
    if (reply.body.len == 0) wait_ms(PAUSE_MS);
  }
}

static void *run_reader(void *worker) {
  struct worker *w = worker;
  int64_t offsets[QUEUES] = {0};
  while (!peer_stopped && !w->failed) {
    struct conn c;
    if (conn_open(&c, w->addr)) consume(w, &c, offsets);
    conn_close(&c);
    wait_ms(RECONNECT_MS);
  }
  return NULL;
}

static bool write_notes(FILE *f, const struct notes *n) {
  for (size_t i = 0; i < n->count; i++)
    if (fprintf(f, "%d %" PRId64 " %" PRIu32 " %" PRIu32 "\n", n->list[i].queue, n->list[i].offset, n->list[i].producer,
                n->list[i].number) < 0)
      return false;
  return true;
}

/* With FIRST there is no reader: it would see messages before they are acknowledged. */
int command_load(int argc, char **argv) {
  if (argc < 5) return 2;
  bool reads = argc == 5;
  int producers = atoi(argv[2]), window = atoi(argv[3]);
  if (producers < 1 || producers > PRODUCERS_MAX || window < 1 || window > WINDOW_MAX) return 2;
  struct worker workers[PRODUCERS_MAX + 1] = {0};
  size_t acknowledged = 0, seen;
  int result = 0;
  FILE *f = fopen(argv[4], "w");
  if (f == NULL) return fail("%s cannot be written", argv[4]);
  for (int i = 0; i <= producers; i++) {
    struct worker *w = &workers[i];
    *w = (struct worker){.addr = argv[0], .topic = argv[1], .id = (uint32_t)i, .window = (uint32_t)window};
    if (!reads) w->next = (uint32_t)strtoul(argv[5], NULL, 10);
    if (i == producers && !reads) continue;
    if (pthread_create(&w->thread, NULL, i < producers ? run_producer : run_reader, w) != 0) return fail("no thread");
  }
  for (int i = 0; i <= producers; i++) {
    struct worker *w = &workers[i];
    if (i < producers || reads) pthread_join(w->thread, NULL);
    if (w->failed || !write_notes(f, &w->notes)) result = 1;
    if (i < producers) acknowledged += w->notes.count;
    free(w->notes.list);
  }
  seen = workers[producers].notes.count;
  if (fclose(f) != 0) result = 1;
  printf("%zu acknowledged over %u connections, %zu read on the way\n", acknowledged, workers[0].connections, seen);
  if (acknowledged == 0) return fail("nothing was acknowledged");
  return result;
}

/* ---- verify ---- */

/* What a queue holds: list[offset]. */
struct stored {
  struct notes notes;
  int64_t physical;             /* of the last record */
  uint32_t next[PRODUCERS_MAX]; /* number after the last seen of each producer */
};

static bool take_record(struct stored *s, const char *topic, int queue, const struct message *m) {
  struct note n = {.queue = queue, .offset = m->queue_offset};
  long long offset = (long long)s->notes.count;
  if (m->queue_offset != (int64_t)s->notes.count)
    return fail("queue %d: offset %lld where %lld is due", queue, (long long)m->queue_offset, offset), false;
  if (m->queue_id != queue || !span_is(m->topic, topic) || m->physical_offset <= s->physical)
    return fail("queue %d offset %lld: a record of another queue, or out of the log's order", queue, offset), false;
  if (!body_check(m->body, &n.producer, &n.number) || n.producer >= PRODUCERS_MAX)
    return fail("queue %d offset %lld: the body was changed", queue, offset), false;
  if (n.number < s->next[n.producer])
    return fail("queue %d offset %lld: message %u of producer %u again or out of order", queue, offset, n.number,
                n.producer),
           false;
  s->next[n.producer] = n.number + 1;
  s->physical = m->physical_offset;
  return notes_add(&s->notes, n);
}

static bool read_queue(struct conn *c, const char *topic, int queue, struct stored *s) {
  int64_t min, max;
  s->physical = -1;
  if (!queue_offset(c, REQUEST_GET_MIN_OFFSET, topic, queue, &min)) return false;
  if (!queue_offset(c, REQUEST_GET_MAX_OFFSET, topic, queue, &max)) return false;
  if (min != 0) return fail("queue %d begins at %lld", queue, (long long)min), false;
  while ((int64_t)s->notes.count < max) {
    struct command reply;
    put_pull(c, topic, queue, (int64_t)s->notes.count, 0);
    if (!conn_flush(c) || conn_receive(c, &reply, ANSWER_MS) != RECEIVED || reply.code != RESPONSE_SUCCESS ||
        reply.body.len == 0)
      return fail("queue %d cannot be read at offset %zu of %lld", queue, s->notes.count, (long long)max), false;
    for (struct span body = reply.body; body.len > 0;) {
      struct message m;
      size_t size;
      if (message_decode(body, true, &m, &size) != STATUS_OK)
        return fail("queue %d offset %zu: no readable record", queue, s->notes.count), false;
      if (!take_record(s, topic, queue, &m)) return false;
      body = span_from(body, size);
    }
  }
  return true;
}

static bool compare(FILE *f, const struct stored *queues, size_t *count) {
  struct note n;
  while (fscanf(f, "%" SCNd32 " %" SCNd64 " %" SCNu32 " %" SCNu32, &n.queue, &n.offset, &n.producer, &n.number) == 4) {
    if (n.queue < 0 || n.queue >= QUEUES || n.offset < 0) return fail("a note that makes no sense"), false;
    const struct notes *s = &queues[n.queue].notes;
    if ((size_t)n.offset >= s->count)
      return fail("LOST: queue %d offset %lld (message %u of producer %u); the queue ends at %zu", n.queue,
                  (long long)n.offset, n.number, n.producer, s->count),
             false;
    if (s->list[n.offset].producer != n.producer || s->list[n.offset].number != n.number)
      return fail("REPLACED: queue %d offset %lld is message %u of producer %u, but was %u of %u", n.queue,
                  (long long)n.offset, s->list[n.offset].number, s->list[n.offset].producer, n.number, n.producer),
             false;
    ++*count;
  }
  return true;
}

int command_verify(int argc, char **argv) {
  if (argc < 3) return 2;
  struct stored queues[QUEUES] = {0};
  struct conn c;
  size_t noted = 0, stored = 0;
  bool ok = conn_open(&c, argv[0]);
  if (!ok) fail("%s cannot be reached", argv[0]);
  for (int q = 0; q < QUEUES && ok; q++) ok = read_queue(&c, argv[1], q, &queues[q]);
  FILE *f = fopen(argv[2], "r");
  if (f == NULL) ok = (fail("%s cannot be read", argv[2]), false);
  ok = ok && compare(f, queues, &noted);
  if (f != NULL) fclose(f);
  for (int q = 0; q < QUEUES; q++) {
    stored += queues[q].notes.count;
    free(queues[q].notes.list);
  }
  conn_close(&c);
  if (ok && noted == 0) return fail("no notes to compare");
  if (ok)
    printf("%zu notes of acknowledged or read messages, all there; %zu stored, dense and in order\n", noted, stored);
  return !ok;
}
