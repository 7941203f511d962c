/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/life.h"

#include "tests/torture/check.h"

enum { ANSWER_MS = 6000, ROUND_MS = 62000, START_TRIES = 40, START_PAUSE_MS = 500, EXPIRED_MS = 2 * 3600 * 1000 };

static void settle(struct stand *s) { stand_settle(s, ANSWER_MS); }

static void stay(struct stand *s, int64_t ms) { stand_run(s, ms); }

/* What was made to fail heals; then it must start. */
static void start(struct stand *s) {
  for (int i = 0; i < START_TRIES; i++) {
    if (stand_start(s)) return;
    stay(s, START_PAUSE_MS);
    if (s->strict) break;
  }
  book_violation(&s->book, "the broker cannot be started");
}

/* Whoever restarts a broker after a sync failed reboots the machine, as its log asks for. */
static bool must_reboot(const struct stand *s) { return s->sync_flush && sim_disk_is_poisoned(s->host); }

/* Before the program ends: nothing it shows may be wrong. */
static void look(struct stand *s) {
  if (s->broker != NULL) check_broker(s, true);
}

static void stop(struct stand *s) {
  if (s->broker == NULL) return;
  look(s);
  stand_close(s);
  if (must_reboot(s)) stand_crash(s, SIM_POWER_OFF);
}

static void tables(struct stand *s) {
  stand_topic(s, "Plain", 4);
  stand_group(s, "Group", 3);
  settle(s);
}

static void first_messages(struct stand *s) {
  stand_send(s, "Plain", 0, 60);
  settle(s);
  stand_send(s, "Plain", 1, 200);
  stand_send(s, "Auto", 0, 100);
  settle(s);
  stand_send_batch(s, "Plain", 2, 5);
  stand_send(s, "Plain", 0, 700);
  stand_send(s, "Plain", 0, 500);
  settle(s);
  stand_offsets(s, 1);
  settle(s);
}

/* More than one file of the log, the queues and the index. */
static void many_messages(struct stand *s, int32_t count) {
  for (int32_t i = 0; i < count; i++) {
    stand_send(s, i % 3 == 2 ? "Auto" : "Plain", i % 2, 300 + 137 * (i % 9));
    if (i % 2 == 1) settle(s);
  }
  settle(s);
}

/* All in one turn, behind each other in the log. */
static void burst(struct stand *s) {
  for (int32_t i = 0; i < 7; i++) stand_send(s, "Plain", 0, 450 + 60 * i);
  settle(s);
}

static void another_topic(struct stand *s) {
  stand_send(s, "Gone", 0, 80);
  stand_send(s, "Gone", 0, 90);
  stand_send_batch(s, "Gone", 1, 3);
  settle(s);
  stay(s, 1100);
  stand_topic(s, "Gone", 0);
  settle(s);
  stand_group(s, "Group", 5);
  stand_topic(s, "Plain", 6);
  settle(s);
  stand_topic(s, "Gone", 2);
  stand_send(s, "Gone", 0, 120);
  settle(s);
}

static void files_expire(struct stand *s) {
  sim_clock_jump(s->host, EXPIRED_MS);
  many_messages(s, 6);
  stand_offsets(s, 4);
  settle(s);
  stay(s, ROUND_MS);
}

void life_run(struct stand *s) {
  start(s);
  tables(s);
  first_messages(s);
  stay(s, 1300);
  many_messages(s, 12);
  stand_offsets(s, 2);
  settle(s);
  burst(s);
  stay(s, ROUND_MS);
  another_topic(s);
  many_messages(s, 5);
  stand_offsets(s, 3);
  settle(s);
  stop(s); /* with ASYNC_FLUSH in the middle of a checkpoint round */
  start(s);
  many_messages(s, 1);
  stay(s, ROUND_MS);
  stop(s); /* with nothing left to do */
  start(s);
  many_messages(s, 4);
  files_expire(s);
  many_messages(s, 3);
  look(s);
  sim_disk_loss(s->host, SIM_LOSS_ALL);
  stand_crash(s, s->sync_flush ? SIM_POWER_OFF : SIM_KILL);
  start(s);
  many_messages(s, 3);
  stay(s, 1100);
}

void life_restart(struct stand *s) {
  look(s);
  stand_crash(s, must_reboot(s) ? SIM_POWER_OFF : SIM_KILL);
  start(s);
}

void life_takes_place_of(struct stand *s, int32_t number) {
  const struct deed *d = &s->book.deeds[number];
  stand_send(s, d->topic, (d->queue + 1) % 2, d->size);
  settle(s);
}

void life_goes_on(struct stand *s) {
  int32_t first = s->book.deed_count;
  stand_send(s, "Plain", 0, 90);
  stand_send_batch(s, "Plain", 2, 3);
  settle(s);
  stand_send(s, "Auto", 0, 400);
  stand_send(s, "Gone", 0, 400);
  settle(s);
  for (int32_t i = first; i < s->book.deed_count; i++)
    if (s->book.deeds[i].state != DEED_PROMISED)
      book_violation(&s->book, "a message to %s is not accepted afterwards: %s", s->book.deeds[i].topic,
                     s->broker == NULL                         ? "not running"
                     : store_refusal(s->broker->store) == NULL ? "no reason given"
                                                               : store_refusal(s->broker->store));
}
