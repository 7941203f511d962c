/* SPDX-License-Identifier: Apache-2.0
 *
 * fill, resume and kept: a producer that goes on until the broker refuses, or
 * until it accepts again, and notes what was acknowledged; and a reader that
 * compares what is still there with the notes.
 */
#include "tests/system/peer.h"

#include "core/base/prng.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { FILL_BODY = 2048, FILL_MOST = 200000, RETRY_MS = 50, RESUME_MOST_MS = 30000 };

static struct span fill_body(uint32_t number, uint8_t out[FILL_BODY]) {
  struct prng p;
  prng_init(&p, number + UINT64_C(77));
  for (size_t i = 0; i < FILL_BODY; i++) out[i] = (uint8_t)prng_next(&p);
  return span_of(out, FILL_BODY - number % 100);
}

static bool fill_body_check(struct span body, uint32_t number) {
  uint8_t want[FILL_BODY];
  return span_equal(body, fill_body(number, want));
}

/* 1: acknowledged and noted, 0: refused (the reason is in `reply`), -1: something else, which was said. */
static int send_noted(struct conn *c, const char *topic, uint32_t number, FILE *notes, struct command *reply) {
  uint8_t body[FILL_BODY];
  struct send_message_response h;
  put_send(c, topic, 1, 0, fill_body(number, body));
  if (!conn_flush(c) || conn_receive(c, reply, ANSWER_MS) != RECEIVED)
    return fail("no answer to message %u", number), -1;
  if (reply->code == RESPONSE_SERVICE_NOT_AVAILABLE) return 0;
  if (!read_sent(reply, &h)) return -1;
  if (fprintf(notes, "%" PRId64 " %" PRIu32 "\n", h.queueOffset, number) < 0)
    return fail("the notes cannot be written"), -1;
  return 1;
}

/* fill ADDR TOPIC FIRST FILE: numbers from FIRST on, until one is refused; prints the reason. */
int command_fill(int argc, char **argv) {
  if (argc < 4) return 2;
  struct conn c;
  uint32_t number = (uint32_t)strtoul(argv[2], NULL, 10), sent = 0;
  FILE *notes = fopen(argv[3], "a");
  int done = -1;
  if (notes == NULL) return fail("%s cannot be written", argv[3]);
  if (!conn_open(&c, argv[0])) fail("%s cannot be reached", argv[0]);
  else
    while (sent < FILL_MOST) {
      struct command reply;
      done = send_noted(&c, argv[1], number + sent, notes, &reply);
      if (done == 0) printf("refused after %u: %.*s\n", sent, SPAN_ARG(reply.remark));
      if (done != 1) break;
      sent++;
    }
  conn_close(&c);
  if (fclose(notes) != 0) return fail("the notes cannot be written");
  return done == 1 ? fail("%u messages and never refused", sent) : done != 0;
}

/* resume ADDR TOPIC FIRST FILE COUNT: tries until COUNT are acknowledged. */
int command_resume(int argc, char **argv) {
  if (argc < 5) return 2;
  struct conn c;
  uint32_t number = (uint32_t)strtoul(argv[2], NULL, 10), count = (uint32_t)strtoul(argv[4], NULL, 10);
  uint32_t sent = 0, refused = 0;
  int64_t until = monotonic_ms() + RESUME_MOST_MS;
  FILE *notes = fopen(argv[3], "a");
  int done = 0;
  if (notes == NULL) return fail("%s cannot be written", argv[3]);
  if (!conn_open(&c, argv[0])) done = (fail("%s cannot be reached", argv[0]), -1);
  while (done >= 0 && sent < count && monotonic_ms() < until) {
    struct command reply;
    done = send_noted(&c, argv[1], number + sent, notes, &reply);
    sent += done == 1;
    if (done != 0) continue;
    refused++;
    nanosleep(&(struct timespec){0, RETRY_MS * 1000000L}, NULL);
  }
  conn_close(&c);
  if (fclose(notes) != 0) return fail("the notes cannot be written");
  if (done >= 0 && sent < count) return fail("still refused after %d ms, %u of %u sent", RESUME_MOST_MS, sent, count);
  printf("%u sent, %u refused meanwhile\n", sent, refused);
  return done < 0;
}

struct kept {
  int64_t at, min;
  FILE *notes;
  int64_t noted; /* offset of the note under `number`; notes are in the order of offsets */
  uint32_t number;
  size_t compared;
};

static bool next_note(struct kept *k) {
  return fscanf(k->notes, "%" SCNd64 " %" SCNu32, &k->noted, &k->number) == 2;
}

/* False: said why. */
static bool record_kept(struct kept *k, const struct message *m, bool *more) {
  if (m->queue_offset != k->at)
    return fail("offset %" PRId64 " where %" PRId64 " is due", m->queue_offset, k->at), false;
  if (*more && k->noted == k->at) {
    if (!fill_body_check(m->body, k->number))
      return fail("offset %" PRId64 " is not message %u", k->at, k->number), false;
    k->compared++;
    *more = next_note(k);
  }
  k->at++;
  return true;
}

static bool read_kept(struct conn *c, const char *topic, struct kept *k) {
  int64_t max;
  if (!queue_offset(c, REQUEST_GET_MIN_OFFSET, topic, 0, &k->min)) return false;
  if (!queue_offset(c, REQUEST_GET_MAX_OFFSET, topic, 0, &max)) return false;
  bool more = next_note(k);
  while (more && k->noted < k->min) more = next_note(k);
  for (k->at = k->min; k->at < max;) {
    struct command reply;
    put_pull(c, topic, 0, k->at, 0);
    if (!conn_flush(c) || conn_receive(c, &reply, ANSWER_MS) != RECEIVED || reply.code != RESPONSE_SUCCESS)
      return fail("offset %" PRId64 " of %" PRId64 " cannot be read", k->at, max), false;
    for (struct span body = reply.body; body.len > 0;) {
      struct message m;
      size_t size;
      if (message_decode(body, true, &m, &size) != STATUS_OK)
        return fail("offset %" PRId64 ": no record", k->at), false;
      if (!record_kept(k, &m, &more)) return false;
      body = span_from(body, size);
    }
  }
  if (more) return fail("LOST: offset %" PRId64 " was acknowledged, the queue ends at %" PRId64, k->noted, max), false;
  return true;
}

/* kept ADDR TOPIC FILE: from the queue's minimum on, everything noted is there. Prints the minimum and how many. */
int command_kept(int argc, char **argv) {
  if (argc < 3) return 2;
  struct conn c;
  struct kept k = {.notes = fopen(argv[2], "r")};
  if (k.notes == NULL) return fail("%s cannot be read", argv[2]);
  bool ok = conn_open(&c, argv[0]);
  if (!ok) fail("%s cannot be reached", argv[0]);
  ok = ok && read_kept(&c, argv[1], &k);
  conn_close(&c);
  fclose(k.notes);
  if (ok && k.compared == 0) return fail("nothing to compare from offset %" PRId64 " on", k.min);
  if (ok) printf("from %" PRId64 ": %zu\n", k.min, k.compared);
  return !ok;
}
