/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "mqbroker/door/dispatch.h"
#include "mqbroker/progress.h"
#include "tests/harness.h"
#include "tests/unit/broker/stage.h"

#include <stdio.h>

static void every_code_is_handled_or_refused(void) {
  static const int codes[] = {
#define X(number, name) number,
      REQUEST_CODES(X)
#undef X
      400, 9999};
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    stage_ask_wait(&s, 0, &(struct request_out){.code = codes[i]}, &a);
    CU_ASSERT(a.status == STATUS_OK);
    if (dispatch_find(codes[i]) == NULL) CU_ASSERT(a.code == RESPONSE_REQUEST_CODE_NOT_SUPPORTED && a.remark.len > 0);
  }
  stage_end(&s);
}

static void a_sent_message_is_pulled(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  CU_ASSERT(stage_send(&s, "T", 1, "one", "TAGS\001A\002", &a) == RESPONSE_SUCCESS);
  ASSERT_SPAN(answer_ext(&a, "queueOffset"), "0");
  ASSERT_SPAN(answer_ext(&a, "queueId"), "1");
  ASSERT_SPAN(answer_ext(&a, "msgId"), "0A00000100002A9F0000000000000000");
  ASSERT_SPAN(answer_ext(&a, "MSG_REGION"), "DefaultRegion");
  ASSERT_SPAN(answer_ext(&a, "TRACE_ON"), "true");
  CU_ASSERT(stage_send(&s, "T", 1, "two", "TAGS\001B\002", &a) == RESPONSE_SUCCESS);
  ASSERT_SPAN(answer_ext(&a, "queueOffset"), "1");
  CU_ASSERT(stage_pull(&s, "T", 1, 0, "*", &a) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "one,two");
  ASSERT_SPAN(answer_ext(&a, "nextBeginOffset"), "2");
  ASSERT_SPAN(answer_ext(&a, "maxOffset"), "2");
  ASSERT_SPAN(a.remark, "FOUND");
  CU_ASSERT(stage_pull(&s, "T", 1, 0, "B || C", &a) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "two");
  CU_ASSERT(stage_pull(&s, "T", 1, 0, "C", &a) == RESPONSE_PULL_RETRY_IMMEDIATELY);
  CU_ASSERT(stage_pull(&s, "T", 1, 2, "*", &a) == RESPONSE_PULL_NOT_FOUND);
  CU_ASSERT(stage_pull(&s, "T", 1, 9, "*", &a) == RESPONSE_PULL_OFFSET_MOVED);
  stage_end(&s);
}

static void topics_are_created_as_allowed(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, "autoCreateTopicEnable=false\n");
  CU_ASSERT(stage_send(&s, "T", 0, "x", NULL, &a) == RESPONSE_TOPIC_NOT_EXIST);
  CU_ASSERT(stage_send(&s, "BenchmarkTest", 1023, "x", NULL, &a) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_send(&s, "BenchmarkTest", 1024, "x", NULL, &a) == RESPONSE_SYSTEM_ERROR);
  CU_ASSERT(stage_send(&s, "%RETRY%G", 0, "x", NULL, &a) == RESPONSE_SUCCESS);
  CU_ASSERT(topics_find(&s.broker->topics, SPAN_LITERAL("%RETRY%G"))->write_queues == 1);
  stage_end(&s);
  stage_start(&s, NULL);
  CU_ASSERT(stage_send(&s, "TBW102", 0, "x", NULL, &a) == RESPONSE_SYSTEM_ERROR);
  CU_ASSERT(stage_send(&s, "a/../b", 0, "x", NULL, &a) == RESPONSE_SYSTEM_ERROR);
  CU_ASSERT(stage_send(&s, "T", -1, "x", NULL, &a) == RESPONSE_SUCCESS);
  CU_ASSERT(topics_find(&s.broker->topics, SPAN_LITERAL("T"))->write_queues == 4);
  CU_ASSERT(stage_send(&s, "%RETRY%G", 0, "x", NULL, &a) == RESPONSE_SUCCESS);
  CU_ASSERT(topics_find(&s.broker->topics, SPAN_LITERAL("%RETRY%G"))->write_queues == 4);
  stage_crash(&s, SIM_POWER_OFF);
  CU_ASSERT_PTR_NOT_NULL(topics_find(&s.broker->topics, SPAN_LITERAL("T")));
  stage_end(&s);
}

static void a_table_that_cannot_be_saved_is_tried_again_but_not_all_the_time(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  struct sim_disk_fault fault = {.ops = SIM_OPEN | SIM_NAMES, .status = STATUS_NO_SPACE, .lasting = true};
  stage_send(&s, "Old", 0, "x", NULL, &a);
  sim_disk_fail(s.host, &fault);
  uint64_t before = sim_disk_calls(s.host, SIM_OPEN);
  CU_ASSERT(topics_put(&s.broker->topics, &(struct topic_config){.name = SPAN_LITERAL("New"), .perm = 6}, s.broker->now) ==
            STATUS_OK);
  for (int i = 0; i < 50; i++) stage_send(&s, "Old", 0, "x", NULL, &a); /* many turns in less than a second */
  CU_ASSERT(sim_disk_calls(s.host, SIM_OPEN) - before <= 4);
  CU_ASSERT(s.broker->topics.dirty);
  sim_disk_fail(s.host, NULL);
  stage_run(&s, 3000);
  CU_ASSERT(!s.broker->topics.dirty);
  stage_end(&s);
}

static void a_parked_pull_is_woken_by_its_tag_only(void) {
  struct stage s;
  struct answer pull, a;
  stage_start(&s, NULL);
  stage_send(&s, "T", 0, "x", NULL, &a);
  stage_pull_start(&s, "T", 0, 1, "A", 15000, &pull);
  stage_run(&s, 1000);
  CU_ASSERT(!pull.done);
  stage_send(&s, "T", 0, "no", "TAGS\001B\002", &a);
  stage_run(&s, 1000);
  CU_ASSERT(!pull.done);
  stage_send(&s, "T", 0, "yes", "TAGS\001A\002", &a);
  stage_run(&s, 100);
  CU_ASSERT_FATAL(pull.done);
  CU_ASSERT(pull.code == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&pull), "yes");
  ASSERT_SPAN(answer_ext(&pull, "nextBeginOffset"), "3");
  CU_ASSERT(s.broker->parked.count == 0);
  stage_end(&s);
}

static void a_parked_pull_ends_in_time_and_with_its_connection(void) {
  struct stage s;
  struct answer pull, other, a;
  stage_start(&s, NULL);
  stage_send(&s, "T", 0, "x", NULL, &a);
  int64_t begin = sim_now(s.world);
  stage_pull_start(&s, "T", 0, 1, "*", 5000, &pull);
  stage_run(&s, 4000);
  CU_ASSERT(!pull.done && s.broker->parked.count == 1);
  stage_run(&s, 2000);
  CU_ASSERT(pull.done && pull.code == RESPONSE_PULL_NOT_FOUND && pull.at_ms >= begin + 5000);
  stage_pull_start(&s, "T", 0, 1, "*", 15000, &other);
  stage_run(&s, 100);
  CU_ASSERT(s.broker->parked.count == 1);
  sim_reset_connections(s.host, s.peers[1].host);
  stage_run(&s, 100);
  CU_ASSERT(s.broker->parked.count == 0);
  stage_end(&s);
}

static void consumers_hear_of_each_other(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  CU_ASSERT(stage_heartbeat(&s, 1, "CG", "T", "*") == RESPONSE_SUCCESS);
  stage_run(&s, 100);
  int before = s.peers[1].notified;
  CU_ASSERT(stage_heartbeat(&s, 2, "CG", "T", "*") == RESPONSE_SUCCESS);
  stage_run(&s, 100);
  CU_ASSERT(s.peers[1].notified == before + 1);
  CU_ASSERT_PTR_NOT_NULL(topics_find(&s.broker->topics, SPAN_LITERAL("%RETRY%CG")));
  struct get_consumer_list_by_group_request h = {.consumerGroup = SPAN_LITERAL("CG"), .present = 1};
  struct request_out q = {.code = REQUEST_GET_CONSUMER_LIST_BY_GROUP, .header = &get_consumer_list_by_group_request_header, .fields = &h};
  stage_ask_wait(&s, 0, &q, &a);
  ASSERT_SPAN(a.body, "{\"consumerIdList\":[\"client1\",\"client2\"]}");
  sim_reset_connections(s.host, s.peers[2].host);
  stage_run(&s, 1000);
  CU_ASSERT(s.peers[1].notified == before + 2);
  stage_ask_wait(&s, 0, &q, &a);
  ASSERT_SPAN(a.body, "{\"consumerIdList\":[\"client1\"]}");
  stage_run(&s, 130000); /* no heartbeat for over clientTimeoutMillis */
  stage_ask_wait(&s, 0, &q, &a);
  CU_ASSERT(a.code == RESPONSE_SYSTEM_ERROR);
  stage_end(&s);
}

static int update_offset(struct stage *s, int64_t offset) {
  struct update_consumer_offset_request h = {.consumerGroup = SPAN_LITERAL("G"), .topic = SPAN_LITERAL("T"), .queueId = 3, .commitOffset = offset, .present = UINT64_MAX};
  struct answer a;
  stage_ask_wait(s, 0, &(struct request_out){.code = REQUEST_UPDATE_CONSUMER_OFFSET, .header = &update_consumer_offset_request_header, .fields = &h}, &a);
  return a.code;
}

static int update_config(struct stage *s, const char *line) {
  struct answer a;
  stage_ask_wait(s, 0, &(struct request_out){.code = REQUEST_UPDATE_BROKER_CONFIG, .body = span_text(line)}, &a);
  return a.code;
}

static void a_remote_change_takes_effect_or_is_refused(void) {
  struct stage s;
  struct answer first, second, a;
  stage_start(&s, NULL);
  stage_send(&s, "T", 0, "x", NULL, &a);
  CU_ASSERT(update_config(&s, "flushIntervalCommitLog=7\n") == RESPONSE_SYSTEM_ERROR); /* the store has its copy */
  CU_ASSERT(s.settings.flushIntervalCommitLog == 500);
  CU_ASSERT(update_config(&s, "maxParkedPulls=1\nmaxTopics=16\n") == RESPONSE_SUCCESS);
  stage_pull_start(&s, "T", 0, 1, "*", 5000, &first);
  stage_run(&s, 100);
  stage_pull_start(&s, "T", 0, 1, "*", 5000, &second);
  stage_run(&s, 100);
  CU_ASSERT(!first.done && second.done && second.code == RESPONSE_PULL_NOT_FOUND);
  stage_run(&s, 6000);
  int refused = 0;
  for (int i = 0; i < 16; i++) {
    char topic[16];
    snprintf(topic, sizeof topic, "T%d", i);
    refused += stage_send(&s, topic, 0, "x", NULL, &a) == RESPONSE_TOPIC_NOT_EXIST;
  }
  CU_ASSERT(refused > 0 && map_count(&s.broker->topics.table) == 16);
  stage_end(&s);
}

static void consumer_offsets_survive(void) {
  struct stage s;
  stage_start(&s, NULL);
  CU_ASSERT(update_offset(&s, 7) == RESPONSE_SUCCESS);
  stage_restart(&s);
  CU_ASSERT(offsets_get(&s.broker->offsets, SPAN_LITERAL("G"), SPAN_LITERAL("T"), 3) == 7);
  CU_ASSERT(update_offset(&s, 9) == RESPONSE_SUCCESS);
  stage_run(&s, 16000); /* the next save */
  stage_crash(&s, SIM_POWER_OFF);
  CU_ASSERT(offsets_get(&s.broker->offsets, SPAN_LITERAL("G"), SPAN_LITERAL("T"), 3) == 9);
  stage_end(&s);
}

/* Many offsets are saved in pieces, while some change and some go, and while the disk fails. */
static void consumer_offsets_are_saved_in_pieces(void) {
  struct stage s;
  char topic[32];
  stage_start(&s, NULL);
  struct offsets *os = &s.broker->offsets;
  for (int i = 0; i < 5000; i++) {
    snprintf(topic, sizeof topic, "Topic%d", i);
    CU_ASSERT(offsets_set(os, SPAN_LITERAL("G"), span_text(topic), 7, i) == STATUS_OK);
  }
  stage_run(&s, 1); /* the broker sees that they are dirty */
  for (int tries = 0; os->save.state != OFFSETS_WRITING && tries < 20000; tries++) stage_run(&s, 1);
  CU_ASSERT(os->save.state == OFFSETS_WRITING);
  CU_ASSERT(offsets_save_step(os, s.broker->disk) == STATUS_OK && os->save.next != NULL);
  const struct offset_table *next = os->save.next;
  char gone[32];
  CU_ASSERT(span_copy_text(next->topic, gone, sizeof gone));
  offsets_remove_topic(os, span_text(gone)); /* the very one that would come next */
  CU_ASSERT(offsets_set(os, SPAN_LITERAL("G"), SPAN_LITERAL("Late"), 0, 77) == STATUS_OK);
  stage_run(&s, 100);
  CU_ASSERT(os->save.state == OFFSETS_SAVED && os->dirty);
  stage_run(&s, 16000);
  CU_ASSERT(!os->dirty);

  const struct sim_disk_fault fault = {.ops = SIM_SYNC, .status = STATUS_IO};
  CU_ASSERT(offsets_set(os, SPAN_LITERAL("G"), SPAN_LITERAL("Late"), 0, 78) == STATUS_OK);
  sim_disk_fail(s.host, &fault);
  stage_run(&s, 6000);
  CU_ASSERT(os->dirty || os->save.state != OFFSETS_SAVED);
  sim_disk_fail(s.host, NULL);
  stage_run(&s, 16000);
  CU_ASSERT(!os->dirty);

  stage_crash(&s, SIM_POWER_OFF);
  os = &s.broker->offsets;
  CU_ASSERT(map_count(&os->table) == 5000);
  CU_ASSERT(offsets_get(os, SPAN_LITERAL("G"), SPAN_LITERAL("Topic4999"), 7) == 4999);
  CU_ASSERT(offsets_get(os, SPAN_LITERAL("G"), SPAN_LITERAL("Late"), 0) == 78);
  CU_ASSERT(offsets_get(os, SPAN_LITERAL("G"), span_text(gone), 7) == -1);
  stage_end(&s);
}

static void a_snapshot_has_what_changed(void) {
  struct stage s;
  struct arena arena;
  struct topic_table all, none, one;
  stage_start(&s, NULL);
  struct topics *ts = &s.broker->topics;
  arena_init(&arena, 1 << 20);
  struct topic_config c = {.name = SPAN_LITERAL("New"), .read_queues = 4, .write_queues = 4, .perm = 6};
  uint64_t before = ts->changes;
  CU_ASSERT(topics_snapshot(ts, 0, 6, &arena, &all) == STATUS_OK && all.count == map_count(&ts->table));
  CU_ASSERT(topics_snapshot(ts, before, 6, &arena, &none) == STATUS_OK && none.count == 0);
  CU_ASSERT(topics_put(ts, &c, s.broker->now) == STATUS_OK);
  CU_ASSERT(topics_snapshot(ts, before, 6, &arena, &one) == STATUS_OK && one.count == 1);
  ASSERT_SPAN(one.topics[0].name, "New");
  arena_fini(&arena);
  stage_end(&s);
}

static void sync_flush_waits_for_the_disk(void) {
  struct stage s;
  struct answer a, b;
  stage_start(&s, "flushDiskType=SYNC_FLUSH\nsyncFlushTimeout=3000\n");
  stage_send(&s, "T", 0, "x", NULL, &a);
  sim_disk_sync_delay(s.host, 2000, 2000);
  int64_t begin = sim_now(s.world);
  CU_ASSERT(stage_send(&s, "T", 0, "slow", NULL, &a) == RESPONSE_SUCCESS);
  CU_ASSERT(a.at_ms >= begin + 2000);
  begin = sim_now(s.world);
  CU_ASSERT(stage_send(&s, "T", 0, "quick", "WAIT\001false\002", &b) == RESPONSE_SUCCESS);
  CU_ASSERT(b.at_ms < begin + 1000);
  sim_disk_sync_delay(s.host, 20000, 20000);
  CU_ASSERT(stage_send(&s, "T", 0, "late", NULL, &a) == RESPONSE_FLUSH_DISK_TIMEOUT);
  ASSERT_SPAN(answer_ext(&a, "queueOffset"), "3");
  sim_disk_sync_delay(s.host, 1, 1);
  stage_run(&s, 30000);
  stage_end(&s);
}

static void what_was_flushed_survives_a_power_cut(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, "flushDiskType=SYNC_FLUSH\n");
  char body[16];
  for (int i = 0; i < 20; i++) {
    snprintf(body, sizeof body, "m%d", i);
    CU_ASSERT(stage_send(&s, "T", 0, body, NULL, &a) == RESPONSE_SUCCESS);
  }
  stage_crash(&s, SIM_POWER_OFF);
  CU_ASSERT(stage_pull(&s, "T", 0, 18, "*", &a) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "m18,m19");
  CU_ASSERT(stage_send(&s, "T", 0, "next", NULL, &a) == RESPONSE_SUCCESS);
  ASSERT_SPAN(answer_ext(&a, "queueOffset"), "20");
  stage_end(&s);
}

static void a_failed_write_is_refused_and_leaves_no_gap(void) {
  struct stage s;
  struct answer a, b;
  stage_start(&s, NULL);
  CU_ASSERT(stage_send(&s, "T", 0, "one", NULL, &a) == RESPONSE_SUCCESS);
  struct sim_disk_fault fault = {.ops = SIM_WRITE, .status = STATUS_NO_SPACE};
  sim_disk_fail(s.host, &fault);
  CU_ASSERT(stage_send(&s, "T", 0, "lost", NULL, &b) == RESPONSE_SERVICE_NOT_AVAILABLE);
  sim_disk_fail(s.host, NULL);
  CU_ASSERT(stage_send(&s, "T", 0, "two", NULL, &a) == RESPONSE_SUCCESS);
  ASSERT_SPAN(answer_ext(&a, "queueOffset"), "1");
  CU_ASSERT(stage_pull(&s, "T", 0, 0, "*", &a) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "one,two");
  stage_end(&s);
}

/* A crash would forget the topic and with it where the messages are (simulator, seed 2157). */
static void a_topic_that_cannot_be_saved_takes_nothing(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  CU_ASSERT(stage_send(&s, "T", 0, "one", NULL, &a) == RESPONSE_SUCCESS);
  struct sim_disk_fault fault = {.ops = SIM_NAMES, .status = STATUS_NO_SPACE};
  sim_disk_fail(s.host, &fault);
  CU_ASSERT(stage_send(&s, "New", 0, "early", NULL, &a) == RESPONSE_SERVICE_NOT_AVAILABLE);
  CU_ASSERT(stage_send(&s, "New", 0, "early", NULL, &a) == RESPONSE_SERVICE_NOT_AVAILABLE);
  CU_ASSERT(stage_send(&s, "T", 0, "two", NULL, &a) == RESPONSE_SUCCESS); /* others are not concerned */
  sim_disk_fail(s.host, NULL);
  stage_run(&s, 2000);
  CU_ASSERT(stage_send(&s, "New", 0, "late", NULL, &a) == RESPONSE_SUCCESS);
  stage_crash(&s, SIM_KILL);
  CU_ASSERT(stage_pull(&s, "New", 0, 0, "*", &a) == RESPONSE_SUCCESS);
  stage_end(&s);
}

static bool span_contains(struct span s, const char *text) {
  return s.len > 0 && memmem(s.ptr, s.len, text, strlen(text)) != NULL;
}

/* After a failed sync: in the answers, in the runtime info, and until a new start. */
static void a_read_only_store_says_so(void) {
  struct stage s;
  struct answer a, info;
  stage_start(&s, "flushDiskType=SYNC_FLUSH");
  CU_ASSERT(stage_send(&s, "T", 0, "one", NULL, &a) == RESPONSE_SUCCESS);
  stage_ask_wait(&s, 0, &(struct request_out){.code = REQUEST_GET_BROKER_RUNTIME_INFO}, &info);
  CU_ASSERT(span_contains(info.body, "\"storeRefusal\":\"\""));
  struct sim_disk_fault fault = {.ops = SIM_SYNC, .status = STATUS_IO};
  sim_disk_fail(s.host, &fault);
  CU_ASSERT(stage_send(&s, "T", 0, "two", NULL, &a) != RESPONSE_SUCCESS);
  for (int i = 0; i < 3; i++) {
    stage_run(&s, 100000); /* the disk works again */
    CU_ASSERT(stage_send(&s, "T", 0, "more", NULL, &a) == RESPONSE_SERVICE_NOT_AVAILABLE);
    CU_ASSERT(span_contains(a.remark, "the commit log cannot be synced"));
    stage_ask_wait(&s, 0, &(struct request_out){.code = REQUEST_GET_BROKER_RUNTIME_INFO}, &info);
    CU_ASSERT(span_contains(info.body, "\"storeRefusal\":\"the commit log cannot be synced"));
  }
  stage_crash(&s, SIM_KILL);
  CU_ASSERT(stage_send(&s, "T", 0, "three", NULL, &a) == RESPONSE_SUCCESS);
  stage_end(&s);
}

/* What a long start says. */
static void keep_line(struct log *log, enum log_level level, const char *line) {
  (void)level;
  struct buf *lines = log->context;
  buf_printf(lines, "%s\n", line);
}

static void a_long_recovery_tells_how_far_it_is(void) {
  static const char what[] = "checking the commit log", next[] = "building";
  const int64_t mib = 1 << 20;
  struct buf lines;
  buf_init(&lines, 1 << 16);
  struct log log = {LOG_INFO, keep_line, &lines};
  struct progress p = {.log = &log};
  progress_step(&p, what, 0, 1000 * mib, 5000);
  progress_step(&p, what, 100 * mib, 1000 * mib, 5500);
  CU_ASSERT(lines.len == 0);
  progress_step(&p, what, 200 * mib, 1000 * mib, 6000);
  progress_step(&p, what, 300 * mib, 1000 * mib, 6900);
  progress_step(&p, what, 500 * mib, 1000 * mib, 7000);
  progress_step(&p, what, 1000 * mib, 1000 * mib, 9000);
  progress_step(&p, next, 0, 10 * mib, 9000); /* quick: no word about it */
  progress_step(&p, next, 5 * mib, 10 * mib, 9900);
  progress_step(&p, next, 10 * mib, 10 * mib, 10000);
  ASSERT_SPAN(buf_span(&lines), "checking the commit log: 200 of 1000 MiB (20 %), 200 MiB/s, about 4 s left\n"
                                "checking the commit log: 500 of 1000 MiB (50 %), 250 MiB/s, about 2 s left\n"
                                "checking the commit log: done, 1000 MiB in 4.0 s, 250 MiB/s\n");
  buf_fini(&lines);
}

static int ask_code(struct stage *s, int code, const char *body, struct answer *a) {
  stage_ask_wait(s, 0, &(struct request_out){.code = code, .body = span_text(body)}, a);
  return a->code;
}

static void a_full_disk_refuses_sends_in_words_and_recovers(void) {
  struct stage s;
  struct answer a;
  int64_t total, free_bytes;
  stage_start(&s, "cleanFileForciblyEnable=false\ncleanResourceInterval=5000\n");
  CU_ASSERT(stage_send(&s, "T", 0, "one", NULL, &a) == RESPONSE_SUCCESS);
  stage_run(&s, 121000);
  CU_ASSERT_FATAL(s.broker->disk->ops->space(s.broker->disk, "/", &total, &free_bytes) == STATUS_OK);
  sim_disk_space(s.host, (total - free_bytes) * 100 / 95);
  stage_run(&s, 5100);
  CU_ASSERT(stage_send(&s, "T", 0, "no", NULL, &a) == RESPONSE_SERVICE_NOT_AVAILABLE);
  CU_ASSERT(span_starts(a.remark, "service not available now: the disk of /store"));
  CU_ASSERT(stage_pull(&s, "T", 0, 0, "*", &a) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "one");
  CU_ASSERT(ask_code(&s, REQUEST_UPDATE_BROKER_CONFIG, "diskSpaceWarningLevelRatio=100\n", &a) == RESPONSE_SUCCESS);
  stage_run(&s, 1100);
  CU_ASSERT(stage_send(&s, "T", 0, "two", NULL, &a) == RESPONSE_SUCCESS);
  ASSERT_SPAN(answer_ext(&a, "queueOffset"), "1");
  stage_end(&s);
}

static void cleaning_is_configured_while_running(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, "fileReservedTime=0\ndeleteWhen=99\n");
  char body[30001];
  memset(body, 'x', sizeof body - 1);
  body[sizeof body - 1] = '\0';
  for (int i = 0; i < 9; i++) CU_ASSERT(stage_send(&s, "T", 0, body, NULL, &a) == RESPONSE_SUCCESS);
  stage_run(&s, 25 * 3600000);
  CU_ASSERT(store_log_min(s.broker->store) == 0);
  CU_ASSERT(ask_code(&s, REQUEST_UPDATE_BROKER_CONFIG, "deleteWhen=noon\n", &a) == RESPONSE_SYSTEM_ERROR);
  CU_ASSERT(span_starts(a.remark, "deleteWhen=noon") && strcmp(s.settings.deleteWhen, "99") == 0);
  CU_ASSERT(ask_code(&s, REQUEST_UPDATE_BROKER_CONFIG, "deleteWhen=03;15\n", &a) == RESPONSE_SUCCESS);
  stage_run(&s, 12 * 3600000);
  CU_ASSERT(store_log_min(s.broker->store) == 4 * 65536);
  CU_ASSERT(stage_pull(&s, "T", 0, 0, "*", &a) == RESPONSE_PULL_OFFSET_MOVED);
  ASSERT_SPAN(answer_ext(&a, "nextBeginOffset"), "8");
  ASSERT_SPAN(answer_ext(&a, "minOffset"), "8");
  stage_end(&s);
}

static void queues_nobody_needs_are_removed(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  CU_ASSERT(stage_send(&s, "T", 0, "one", NULL, &a) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_send(&s, "U", 0, "two", NULL, &a) == RESPONSE_SUCCESS);
  CU_ASSERT(topics_remove(&s.broker->topics, SPAN_LITERAL("U"), sim_host_now(s.host)));
  CU_ASSERT(ask_code(&s, REQUEST_CLEAN_EXPIRED_CONSUMEQUEUE, "", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(store_queue_max(s.broker->store, SPAN_LITERAL("U"), 0) == 1);
  CU_ASSERT(ask_code(&s, REQUEST_CLEAN_UNUSED_TOPIC, "", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(store_queue_max(s.broker->store, SPAN_LITERAL("U"), 0) == 0);
  CU_ASSERT(store_queue_max(s.broker->store, SPAN_LITERAL("T"), 0) == 1);
  stage_end(&s);
}

static void a_batch_is_stored_together(void) {
  struct stage s;
  struct answer a;
  struct buf body;
  stage_start(&s, NULL);
  stage_send(&s, "T", 2, "first", NULL, &a);
  buf_init(&body, 1 << 16);
  for (int i = 0; i < 3; i++) {
    struct batch_item item = {.body = span_of(&"abc"[i], 1), .properties = SPAN_LITERAL("TAGS\001A\002")};
    batch_item_encode(&item, &body);
  }
  struct send_message_request h = {.producerGroup = SPAN_LITERAL("P"), .topic = SPAN_LITERAL("T"), .defaultTopic = SPAN_LITERAL("TBW102"), .defaultTopicQueueNums = 4, .queueId = 2, .batch = true, .present = UINT64_MAX};
  struct request_out q = {.code = REQUEST_SEND_BATCH_MESSAGE, .header = &send_message_request_header, .fields = &h, .by_short_name = true, .body = buf_span(&body)};
  stage_ask_wait(&s, 0, &q, &a);
  CU_ASSERT(a.code == RESPONSE_SUCCESS);
  ASSERT_SPAN(answer_ext(&a, "queueOffset"), "1");
  CU_ASSERT(answer_ext(&a, "msgId").len == 3 * 32 + 2);
  CU_ASSERT(stage_pull(&s, "T", 2, 1, "A", &a) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "a,b,c");
  struct batch_item delayed = {.body = SPAN_LITERAL("d"), .properties = SPAN_LITERAL("DELAY\0011\002")};
  batch_item_encode(&delayed, &body);
  q.body = buf_span(&body);
  stage_ask_wait(&s, 0, &q, &a);
  CU_ASSERT(a.code == RESPONSE_MESSAGE_ILLEGAL && store_queue_max(s.broker->store, SPAN_LITERAL("T"), 2) == 4);
  q.body = SPAN_LITERAL("\0\0\0\7nonsense");
  stage_ask_wait(&s, 0, &q, &a);
  CU_ASSERT(a.code == RESPONSE_MESSAGE_ILLEGAL);
  buf_fini(&body);
  stage_end(&s);
}

static void query(struct stage *s, const char *topic, const char *key, int max, bool unique, struct answer *a) {
  struct query_message_request h = {0};
  HEADER_SET(query_message_request, &h, topic, span_text(topic));
  HEADER_SET(query_message_request, &h, key, span_text(key));
  HEADER_SET(query_message_request, &h, maxNum, max);
  HEADER_SET(query_message_request, &h, beginTimestamp, 0);
  HEADER_SET(query_message_request, &h, endTimestamp, INT64_MAX);
  const struct ext flag = {SPAN_LITERAL("_UNIQUE_KEY_QUERY"), SPAN_LITERAL("true")};
  stage_ask_wait(s, 0, &(struct request_out){.code = REQUEST_QUERY_MESSAGE, .header = &query_message_request_header,
                                             .fields = &h, .ext = &flag, .ext_count = unique ? 1 : 0}, a);
}

static void messages_are_found_by_key(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, "maxMsgsNumBatch=3\ndefaultQueryMaxNum=2\n");
  for (int i = 0; i < 5; i++) {
    char body[16], properties[64];
    snprintf(body, sizeof body, "m%d", i);
    snprintf(properties, sizeof properties, "UNIQ_KEY\001u%d\002KEYS\001k%d all\002", i, i);
    CU_ASSERT(stage_send(&s, "T", i % 2, body, properties, &a) == RESPONSE_SUCCESS);
  }
  query(&s, "T", "k3", 32, false, &a);
  CU_ASSERT(a.code == RESPONSE_SUCCESS && a.remark.len == 0);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "m3");
  int64_t offset, store_ms;
  CU_ASSERT(span_to_i64(answer_ext(&a, "indexLastUpdatePhyoffset"), &offset) && offset > 0);
  CU_ASSERT(span_to_i64(answer_ext(&a, "indexLastUpdateTimestamp"), &store_ms) && store_ms > SIM_EPOCH_MS);
  query(&s, "T", "all", 32, false, &a);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "m2,m3,m4");
  query(&s, "T", "all", 1, true, &a);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "m3,m4");
  query(&s, "T", "all", 1, false, &a);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "m4");
  query(&s, "T", "u9", 32, false, &a);
  CU_ASSERT(a.code == RESPONSE_QUERY_NOT_FOUND && a.body.len == 0);
  ASSERT_SPAN(a.remark, "can not find message, maybe time range not correct");
  ASSERT_SPAN(answer_ext(&a, "indexLastUpdatePhyoffset"), "0");
  ASSERT_SPAN(answer_ext(&a, "indexLastUpdateTimestamp"), "0");
  query(&s, "T", "all", -1, false, &a);
  CU_ASSERT(a.code == RESPONSE_QUERY_NOT_FOUND);
  stage_restart(&s);
  query(&s, "T", "u0", 1, true, &a);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "m0");
  stage_crash(&s, SIM_KILL);
  query(&s, "T", "u4", 1, true, &a);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "m4");
  stage_end(&s);
  stage_start(&s, "messageIndexEnable=false\n");
  CU_ASSERT(stage_send(&s, "T", 0, "m", "KEYS\001k\002", &a) == RESPONSE_SUCCESS);
  query(&s, "T", "k", 32, false, &a);
  CU_ASSERT(a.code == RESPONSE_QUERY_NOT_FOUND);
  stage_end(&s);
}

static void every_key_of_4_7_0_is_there(void) {
  enum { JAVA_KEYS = 75 + 66 + 11 + 12, OWN_KEYS = 30 };
  CU_ASSERT(broker_settings_table.count == JAVA_KEYS + OWN_KEYS);
  for (size_t i = 0; i < broker_settings_table.count; i++) CU_ASSERT(strlen(broker_settings_table.keys[i].doc) > 5);
}

static void what_is_not_there_refuses_to_start(void) {
  static const char *const lines[] = {"enableDLegerCommitLog=true", "brokerRole=SLAVE", "aclEnable=true", "deleteWhen=noon", "messageDelayLevel=1s soon", "messageDelayLevel=", "mappedFileSizeCommitLog=4096"};
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    struct broker_settings s;
    struct buf why;
    buf_init(&why, 4096);
    CU_ASSERT(config_init(&s, &broker_settings_table) == STATUS_OK);
    CU_ASSERT(broker_settings_check(&s, &why) == STATUS_OK);
    CU_ASSERT(config_apply(&s, span_text(lines[i]), "x", NULL) == STATUS_OK);
    CU_ASSERT(broker_settings_check(&s, &why) != STATUS_OK && why.len > 0);
    buf_fini(&why);
    config_fini(&s);
  }
}

int main(int argc, char **argv) {
  static const struct test tests[] = {
      {"every code is handled or refused", every_code_is_handled_or_refused},
      {"a sent message is pulled", a_sent_message_is_pulled},
      {"topics are created as allowed", topics_are_created_as_allowed},
      {"a table that cannot be saved is tried again, but not all the time",
       a_table_that_cannot_be_saved_is_tried_again_but_not_all_the_time},
      {"a parked pull is woken by its tag only", a_parked_pull_is_woken_by_its_tag_only},
      {"a parked pull ends in time and with its connection", a_parked_pull_ends_in_time_and_with_its_connection},
      {"consumers hear of each other", consumers_hear_of_each_other},
      {"a remote change takes effect or is refused", a_remote_change_takes_effect_or_is_refused},
      {"consumer offsets survive", consumer_offsets_survive},
      {"consumer offsets are saved in pieces", consumer_offsets_are_saved_in_pieces},
      {"a snapshot has what changed", a_snapshot_has_what_changed},
      {"sync flush waits for the disk", sync_flush_waits_for_the_disk},
      {"what was flushed survives a power cut", what_was_flushed_survives_a_power_cut},
      {"a failed write is refused and leaves no gap", a_failed_write_is_refused_and_leaves_no_gap},
      {"a topic that cannot be saved takes nothing", a_topic_that_cannot_be_saved_takes_nothing},
      {"a read-only store says so", a_read_only_store_says_so},
      {"a long recovery tells how far it is", a_long_recovery_tells_how_far_it_is},
      {"a full disk refuses sends in words and recovers", a_full_disk_refuses_sends_in_words_and_recovers},
      {"cleaning is configured while running", cleaning_is_configured_while_running},
      {"queues nobody needs are removed", queues_nobody_needs_are_removed},
      {"a batch is stored together", a_batch_is_stored_together},
      {"messages are found by key", messages_are_found_by_key},
      {"every key of 4.7.0 is there", every_key_of_4_7_0_is_there},
      {"what is not there refuses to start", what_is_not_there_refuses_to_start},
      {NULL, NULL}};
  return run_tests("broker", tests, argc, argv);
}
