/* SPDX-License-Identifier: Apache-2.0
 *
 * Delayed messages: into the schedule topic, out of it when they are due, and
 * not lost nor early through stops, crashes, full disks and clocks that jump.
 */
#define _GNU_SOURCE /* memmem */
#include "tests/unit/broker/stage.h"
#include "tests/harness.h"

#include <stdio.h>
#include <string.h>

#define LEVEL(number) "DELAY\001" number "\002"
#define DELAYS "/store/config/delayOffset.json"

static const char *waiting(struct stage *s, int level) {
  static char text[32];
  struct span topic = SPAN_LITERAL(SCHEDULE_TOPIC);
  const struct delay_level *l = &s->broker->delays.at[level];
  snprintf(text, sizeof text, "%d of %d", (int)l->next, (int)store_queue_max(s->broker->store, topic, level - 1));
  return text;
}

static const char *arrived(struct stage *s, const char *topic) {
  struct answer a;
  if (stage_pull(s, topic, 0, 0, "*", &a) != RESPONSE_SUCCESS) return "";
  return pulled_bodies(&a);
}

static int64_t count_of(struct stage *s, const char *topic) {
  return store_queue_max(s->broker->store, span_text(topic), 0);
}

static bool file_is(struct stage *s, const char *text) {
  struct buf content;
  buf_init(&content, 1 << 20);
  bool same = disk_read_whole(sim_host_disk(s->host), DELAYS, &content) == STATUS_OK &&
              span_is(buf_span(&content), text);
  if (!same) printf("    %s: %.*s\n", DELAYS, SPAN_ARG(buf_span(&content)));
  buf_fini(&content);
  return same;
}

static bool span_contains(struct span s, const char *text) {
  return s.len > 0 && memmem(s.ptr, s.len, text, strlen(text)) != NULL;
}

static void a_delayed_message_comes_when_it_is_due(void) {
  struct stage s;
  struct answer a, pull;
  struct message m;
  size_t size;
  stage_start(&s, NULL);
  int64_t sent = sim_now(s.world);
  CU_ASSERT(stage_send(&s, "T", 3, "late", "TAGS\001A\002REAL_QID\0017\002" LEVEL("2") "WAIT\001true", &a) ==
            RESPONSE_SUCCESS);
  ASSERT_SPAN(answer_ext(&a, "queueId"), "3");
  ASSERT_SPAN(answer_ext(&a, "queueOffset"), "0");
  struct store_unit u;
  CU_ASSERT_FATAL(store_unit_at(s.broker->store, SPAN_LITERAL(SCHEDULE_TOPIC), 1, 0, &u) == STATUS_OK);
  struct span record;
  CU_ASSERT_FATAL(store_message_at(s.broker->store, u.physical_offset, &record) == STATUS_OK);
  CU_ASSERT_FATAL(message_decode(record, true, &m, &size) == STATUS_OK);
  CU_ASSERT(u.tags_code == m.store_ms + 5000 && (size_t)u.size == size);
  ASSERT_SPAN(m.topic, SCHEDULE_TOPIC);
  ASSERT_SPAN(m.properties, "TAGS\001A\002WAIT\001true\002DELAY\0012\002REAL_TOPIC\001T\002REAL_QID\0013\002");
  int64_t due = u.tags_code - SIM_EPOCH_MS;
  stage_pull_start(&s, "T", 3, 0, "A", 20000, &pull);
  stage_run(&s, due - sim_now(s.world) - 1);
  CU_ASSERT(store_queue_max(s.broker->store, SPAN_LITERAL("T"), 3) == 0);
  stage_run(&s, 20);
  CU_ASSERT(pull.done && pull.at_ms >= due && sent + 5000 <= due);
  CU_ASSERT_FATAL(message_decode(pull.body, true, &m, &size) == STATUS_OK);
  ASSERT_SPAN(m.body, "late");
  ASSERT_SPAN(m.topic, "T");
  CU_ASSERT(m.queue_id == 3 && m.queue_offset == 0 && m.born_ms == 1);
  ASSERT_SPAN(m.properties, "TAGS\001A\002WAIT\001true\002DELAY\0012\002REAL_TOPIC\001T\002REAL_QID\0013\002");
  stage_run(&s, 60000);
  CU_ASSERT(store_queue_max(s.broker->store, SPAN_LITERAL("T"), 3) == 1);
  stage_end(&s);
}

static void levels_are_capped_and_nonsense_is_refused(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, "messageDelayLevel=1s 3s\n");
  CU_ASSERT(stage_send(&s, "T", 0, "high", LEVEL("99"), &a) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_send(&s, "T", 0, "none", LEVEL("0"), &a) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_send(&s, "T", 0, "below", LEVEL("-1"), &a) == RESPONSE_SUCCESS);
  int64_t end = store_log_max(s.broker->store);
  CU_ASSERT(stage_send(&s, "T", 0, "word", LEVEL("soon"), &a) == RESPONSE_SYSTEM_ERROR);
  CU_ASSERT(stage_send(&s, SCHEDULE_TOPIC, 0, "direct", NULL, &a) == RESPONSE_SYSTEM_ERROR);
  CU_ASSERT(store_log_max(s.broker->store) == end);
  CU_ASSERT_STRING_EQUAL(arrived(&s, "T"), "none,below");
  CU_ASSERT_STRING_EQUAL(waiting(&s, 2), "0 of 1");
  stage_run(&s, 3100);
  CU_ASSERT_STRING_EQUAL(arrived(&s, "T"), "none,below,high");
  stage_end(&s);
}

/* The record in its own topic may be the longer one: it must fit before it is taken. */
static void what_would_not_fit_later_is_refused_now(void) {
  static const char topic[] = "A_topic_with_a_name_that_is_much_longer_than_the_schedule_topic";
  static char body[2048];
  struct stage s;
  struct answer a;
  int room = 2048;
  memset(body, 'x', sizeof body - 1);
  stage_start(&s, "maxMessageSize=2048\n");
  for (; room > 1 && stage_send(&s, topic, 0, body, LEVEL("1"), &a) == RESPONSE_MESSAGE_ILLEGAL; room--)
    body[room - 1] = '\0';
  CU_ASSERT(a.code == RESPONSE_SUCCESS && room > 1500);
  stage_run(&s, 2000);
  CU_ASSERT(count_of(&s, topic) == 1);
  stage_end(&s);
}

static void a_restart_goes_on_where_it_was(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  for (int i = 0; i < 3; i++) CU_ASSERT(stage_send(&s, "T", 0, "soon", LEVEL("1"), &a) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_send(&s, "T", 0, "later", LEVEL("4"), &a) == RESPONSE_SUCCESS);
  stage_run(&s, 2000);
  CU_ASSERT_STRING_EQUAL(arrived(&s, "T"), "soon,soon,soon");
  stage_restart(&s); /* before the first save: the stop itself saves */
  CU_ASSERT(file_is(&s, "{\n\t\"offsetTable\":{1:3,4:0\n\t}\n}"));
  stage_run(&s, 20000);
  CU_ASSERT_STRING_EQUAL(arrived(&s, "T"), "soon,soon,soon");
  stage_run(&s, 10000);
  CU_ASSERT_STRING_EQUAL(arrived(&s, "T"), "soon,soon,soon,later");
  stage_run(&s, 11000); /* it has been saved */
  stage_crash(&s, SIM_KILL);
  stage_run(&s, 40000);
  CU_ASSERT_STRING_EQUAL(arrived(&s, "T"), "soon,soon,soon,later");
  CU_ASSERT_STRING_EQUAL(waiting(&s, 4), "1 of 1");
  stage_ask_wait(&s, 0, &(struct request_out){.code = REQUEST_GET_ALL_DELAY_OFFSET}, &a);
  CU_ASSERT(a.code == RESPONSE_SUCCESS);
  ASSERT_SPAN(a.body, "{\"offsetTable\":{1:3,4:1}}");
  stage_ask_wait(&s, 0, &(struct request_out){.code = REQUEST_GET_BROKER_RUNTIME_INFO}, &a);
  CU_ASSERT(span_contains(a.body, "\"scheduleMessageOffset_1\":\"3,3\""));
  CU_ASSERT(span_contains(a.body, "\"scheduleMessageOffset_4\":\"1,1\""));
  stage_end(&s);
}

/* Whatever a power cut takes from the log: what the file says is delivered is there. */
static void a_power_cut_loses_no_message(void) {
  for (int round = 0; round < 12; round++) {
    struct stage s;
    struct answer a;
    stage_start(&s, "flushIntervalCommitLog=60000\nflushCommitLogThoroughInterval=60000\n"
                    "flushDelayOffsetInterval=500\nflushIntervalConsumeQueue=60000\n");
    sim_disk_loss(s.host, SIM_LOSS_ALL);
    CU_ASSERT(stage_send(&s, "T", 0, "one", LEVEL("3"), &a) == RESPONSE_SUCCESS);
    CU_ASSERT(stage_send(&s, "T", 0, "two", LEVEL("3"), &a) == RESPONSE_SUCCESS);
    store_want_flushed(s.broker->store, store_appended(s.broker->store));
    stage_run(&s, 10);
    sim_disk_sync_delay(s.host, 200, 200);
    stage_run(&s, 9950 + 100 * round);
    stage_crash(&s, SIM_POWER_OFF);
    stage_run(&s, 12000);
    const char *got = arrived(&s, "T");
    CU_ASSERT(strstr(got, "one") != NULL && strstr(got, "two") != NULL);
    stage_end(&s);
  }
}

static void a_full_disk_delays_more_and_loses_nothing(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  for (int i = 0; i < 3; i++) CU_ASSERT(stage_send(&s, "T", 0, "x", LEVEL("1"), &a) == RESPONSE_SUCCESS);
  struct sim_disk_fault fault = {.ops = SIM_WRITE, .status = STATUS_NO_SPACE, .lasting = true};
  sim_disk_fail(s.host, &fault);
  stage_run(&s, 5000);
  CU_ASSERT(count_of(&s, "T") == 0);
  CU_ASSERT_STRING_EQUAL(waiting(&s, 1), "0 of 3");
  sim_disk_fail(s.host, NULL);
  stage_run(&s, 30000);
  CU_ASSERT_STRING_EQUAL(arrived(&s, "T"), "x,x,x");
  stage_end(&s);
}

/* Many are due at once: in their order, a bounded number per turn. */
static void many_leave_in_order_a_few_per_turn(void) {
  enum { MANY = 500 };
  static struct answer a[MANY];
  struct stage s;
  int64_t most = 0;
  stage_start(&s, "mappedFileSizeCommitLog=1048576\n");
  for (int i = 0; i < MANY; i++) {
    char body[16];
    snprintf(body, sizeof body, "%d", i);
    stage_send_start(&s, "T", 0, body, LEVEL("2"), &a[i]);
  }
  stage_run(&s, 4900);
  for (int64_t last = 0; sim_now(s.world) < 8000 && count_of(&s, "T") < MANY;) {
    CU_ASSERT_FATAL(sim_step(s.world));
    int64_t count = count_of(&s, "T");
    if (count - last > most) most = count - last;
    last = count;
  }
  CU_ASSERT(count_of(&s, "T") == MANY && most > 1 && most <= 64);
  for (int64_t i = 0; i < MANY; i++) {
    struct store_unit u;
    struct span record;
    struct message m;
    size_t size;
    int32_t number;
    CU_ASSERT_FATAL(store_unit_at(s.broker->store, SPAN_LITERAL("T"), 0, i, &u) == STATUS_OK);
    CU_ASSERT_FATAL(store_message_at(s.broker->store, u.physical_offset, &record) == STATUS_OK);
    CU_ASSERT_FATAL(message_decode(record, true, &m, &size) == STATUS_OK);
    CU_ASSERT(span_to_i32(m.body, &number) && number == i);
  }
  stage_end(&s);
}

/* The clock was an hour ahead: nobody waits for an hour, and nobody is early. */
static void a_clock_that_is_set_back_makes_nothing_early(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  CU_ASSERT(stage_send(&s, "T", 0, "a", LEVEL("4"), &a) == RESPONSE_SUCCESS);
  stage_run(&s, 10000);
  CU_ASSERT(stage_send(&s, "T", 0, "b", LEVEL("4"), &a) == RESPONSE_SUCCESS);
  sim_clock_jump(s.host, -3600000);
  stage_run(&s, 1000);
  CU_ASSERT(stage_send(&s, "T", 0, "c", LEVEL("4"), &a) == RESPONSE_SUCCESS);
  stage_run(&s, 18000); /* 29 s after a */
  CU_ASSERT(count_of(&s, "T") == 0);
  stage_run(&s, 13000); /* a at the latest 30 s after the jump was seen, b 10 s behind it */
  CU_ASSERT_STRING_EQUAL(arrived(&s, "T"), "a");
  stage_run(&s, 9500);
  CU_ASSERT(strncmp(arrived(&s, "T"), "a,b", 3) == 0);
  stage_run(&s, 1000);
  CU_ASSERT_STRING_EQUAL(arrived(&s, "T"), "a,b,c");
  stage_end(&s);
}

/* Back and forth again: as if nothing had been. */
static void a_clock_that_comes_back_is_followed(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  CU_ASSERT(stage_send(&s, "T", 0, "a", LEVEL("4"), &a) == RESPONSE_SUCCESS);
  sim_clock_jump(s.host, -3600000);
  stage_run(&s, 5000);
  sim_clock_jump(s.host, 3600000);
  stage_run(&s, 24900);
  CU_ASSERT(count_of(&s, "T") == 0);
  stage_run(&s, 200);
  CU_ASSERT_STRING_EQUAL(arrived(&s, "T"), "a");
  stage_end(&s);
}

/* What is due by the clock comes, as with Java, although less time has passed. */
static void a_clock_that_is_set_forward_is_believed(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  CU_ASSERT(stage_send(&s, "T", 0, "a", LEVEL("18"), &a) == RESPONSE_SUCCESS);
  sim_clock_jump(s.host, 2 * 3600000);
  stage_run(&s, 1100);
  CU_ASSERT_STRING_EQUAL(arrived(&s, "T"), "a");
  stage_end(&s);
}

/* A role change: who stops delivering says how far it is, who starts reads it (Java's does not: W8). */
static void a_role_change_goes_on_where_the_file_says(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  CU_ASSERT(stage_send(&s, "T", 0, "a", LEVEL("1"), &a) == RESPONSE_SUCCESS);
  stage_run(&s, 12000);
  CU_ASSERT_STRING_EQUAL(waiting(&s, 1), "1 of 1");
  CU_ASSERT(file_is(&s, "{\n\t\"offsetTable\":{1:1\n\t}\n}"));
  delays_stop(&s.broker->delays);
  CU_ASSERT(stage_send(&s, "T", 0, "b", LEVEL("1"), &a) == RESPONSE_SUCCESS);
  stage_run(&s, 5000);
  CU_ASSERT_STRING_EQUAL(arrived(&s, "T"), "a");
  CU_ASSERT(disk_replace_whole(sim_host_disk(s.host), DELAYS, SPAN_LITERAL("{\"offsetTable\":{1:0,70:1,2:9}}"), true) ==
            STATUS_OK);
  CU_ASSERT(delays_start(&s.broker->delays, s.broker->disk, sim_host_now(s.host)) == STATUS_OK);
  stage_run(&s, 2000);
  CU_ASSERT_STRING_EQUAL(arrived(&s, "T"), "a,a,b");
  CU_ASSERT(stage_send(&s, "T", 0, "c", LEVEL("2"), &a) == RESPONSE_SUCCESS); /* the file was ahead of the queue */
  stage_run(&s, 6000);
  CU_ASSERT_STRING_EQUAL(arrived(&s, "T"), "a,a,b,c");
  stage_end(&s);
}

/* In extended queues the units' tags codes are addresses. */
static void extended_queues_know_when_too(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, "enableConsumeQueueExt=true\nmappedFileSizeConsumeQueueExt=4096\n");
  CU_ASSERT(stage_send(&s, "T", 0, "a", LEVEL("2"), &a) == RESPONSE_SUCCESS);
  stage_run(&s, 4800);
  CU_ASSERT(count_of(&s, "T") == 0);
  stage_run(&s, 400);
  CU_ASSERT_STRING_EQUAL(arrived(&s, "T"), "a");
  stage_end(&s);
}

/* Messages that Java delayed, years ahead of this clock: still delayed, none early, the file as Java writes it. */
static void a_store_of_java_goes_on(void) {
  struct stage s;
  struct buf before;
  struct span topic = SPAN_LITERAL(SCHEDULE_TOPIC);
  stage_start_on(&s, "fileReservedTime=1000000\n", "store/store-c-delay.tar.gz");
  buf_init(&before, 1 << 20);
  CU_ASSERT_FATAL(disk_read_whole(sim_host_disk(s.host), DELAYS, &before) == STATUS_OK);
  buf_put_u8(&before, '\0');
  int64_t pending = store_queue_max(s.broker->store, topic, 4), end = store_log_max(s.broker->store);
  CU_ASSERT(pending > 0 && s.broker->delays.at[1].next == 16 && s.broker->delays.at[5].next == 0);
  stage_run(&s, 58000);
  CU_ASSERT(store_log_max(s.broker->store) == end);
  s.broker->delays.dirty = true; /* so that it is written once more */
  stage_restart(&s);
  CU_ASSERT(file_is(&s, (const char *)before.ptr));
  stage_run(&s, 62000);
  CU_ASSERT(s.broker->delays.at[5].next == pending && s.broker->delays.at[9].next == 0);
  CU_ASSERT(store_log_max(s.broker->store) > end && s.broker->delays.at[1].next == 16);
  buf_fini(&before);
  stage_end(&s);
}

int main(int argc, char **argv) {
  static const struct test tests[] = {
      {"a delayed message comes when it is due", a_delayed_message_comes_when_it_is_due},
      {"levels are capped and nonsense is refused", levels_are_capped_and_nonsense_is_refused},
      {"what would not fit later is refused now", what_would_not_fit_later_is_refused_now},
      {"a restart goes on where it was", a_restart_goes_on_where_it_was},
      {"a power cut loses no message", a_power_cut_loses_no_message},
      {"a full disk delays more and loses nothing", a_full_disk_delays_more_and_loses_nothing},
      {"many leave in order, a few per turn", many_leave_in_order_a_few_per_turn},
      {"a clock that is set back makes nothing early", a_clock_that_is_set_back_makes_nothing_early},
      {"a clock that comes back is followed", a_clock_that_comes_back_is_followed},
      {"a clock that is set forward is believed", a_clock_that_is_set_forward_is_believed},
      {"a role change goes on where the file says", a_role_change_goes_on_where_the_file_says},
      {"extended queues know when, too", extended_queues_know_when_too},
      {"a store of Java's goes on", a_store_of_java_goes_on},
      {NULL, NULL}};
  return run_tests("delays", tests, argc, argv);
}
