/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/fault.h"

#include "tests/torture/check.h"
#include "tests/torture/exam.h"
#include "tests/torture/life.h"
#include "tests/memory.h"

#include <stdio.h>

enum { HEAL_MS = 8000 };

/* A full disk heals by itself. A sync that failed does not: what it should have made durable is lost to Linux. */
static bool must_heal(const struct stand *s) {
  const struct lens *l = &s->lens;
  return !l->failed || (l->fail_status == STATUS_NO_SPACE && !l->failed_sync);
}

static bool good(const struct stand *s) { return s->book.violation[0] == '\0'; }

static void look_after(struct stand *s, enum loss loss, uint64_t seed, uint64_t *count) {
  char text[512];
  if (!good(s)) return;
  exam_crash(s, &(struct crash){.loss = loss, .seed = seed}, count, text);
  if (text[0] != '\0')
    book_violation(&s->book, "%s at the end: %.400s", loss == LOSS_NONE ? "killed" : "power cut", text);
}

/* Does it take a message again? */
static bool takes(struct stand *s) {
  int32_t number = s->book.deed_count;
  stand_run(s, HEAL_MS);
  stand_send(s, "Plain", 1, 100);
  stand_settle(s, HEAL_MS);
  return s->book.deeds[number].state == DEED_PROMISED;
}

static void come_back(struct stand *s) {
  if (s->broker == NULL || takes(s)) return;
  const char *refusal = store_refusal(s->broker->store);
  if (refusal == NULL) book_violation(&s->book, "messages are refused without a reason");
  else if (must_heal(s) && !memory_failed()) book_violation(&s->book, "it does not come back by itself: %s", refusal);
  else life_restart(s);
}

void fault_live(struct stand *s, uint64_t seed, uint64_t *count, char violation[512]) {
  s->strict = false;
  life_run(s);
  s->lens.fail_at = 0;
  memory_heal();
  come_back(s);
  if (s->broker != NULL && good(s)) life_goes_on(s);
  if (s->broker != NULL && good(s)) check_broker(s, true);
  memory_fail(0, 0);
  look_after(s, LOSS_NONE, seed * 4, count);
  /* What a failed sync has poisoned is there until the machine is switched off, and with ASYNC_FLUSH nobody does that.
   */
  if (s->sync_flush || !sim_disk_is_poisoned(s->host)) look_after(s, LOSS_ALL, seed * 4 + 1, count);
  snprintf(violation, 512, "%s", s->book.violation);
}
