/* SPDX-License-Identifier: Apache-2.0
 *
 * Old files: what goes, when, in which order, and what readers and the next start see of it.
 */
#include "tests/unit/store/suites.h"

#include <inttypes.h>
#include <stdio.h>

#define FILE_BYTES 65536
#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)
#define MESSAGES_MAX 2000
#define UNITS_PER_FILE 64
#define ALL_CALLS (SIM_OPEN | SIM_WRITE | SIM_SYNC | SIM_NAMES | SIM_READ)

static char big[20000];

struct sent {
  int64_t offset, wall_ms;
};

struct ages {
  struct rig r;
  struct sent sent[MESSAGES_MAX]; /* of queue 0 of topic T, by queue offset */
  int count;
};

static void ages_start(struct ages *a, uint64_t seed) {
  memset(big, 'b', sizeof big - 1);
  *a = (struct ages){0};
  rig_init(&a->r, seed);
  a->r.config.retention = (struct retention_rules){
      .interval_ms = 10000, .hours = 1 << 4, .reserved_hours = 72, .used_percent = 75, .forced_percent = 85,
      .full_percent = 90, .forced = true, .log_pause_ms = 100, .queue_pause_ms = 100, .retry_ms = 120000};
  CU_ASSERT_FATAL(rig_open(&a->r) == STATUS_OK);
}

static struct ages *ages_new(uint64_t seed) {
  static struct ages a;
  ages_start(&a, seed);
  return &a;
}

static const char *text_of(int number) { return number % 9 == 0 ? big : "small"; }

static void send_one(struct ages *a) {
  CU_ASSERT_FATAL(a->count < MESSAGES_MAX);
  int64_t offset = rig_send(&a->r, "T", 0, text_of(a->count));
  a->sent[a->count++] = (struct sent){offset, rig_now(&a->r).wall_ms};
}

static void send_many(struct ages *a, int count) {
  while (count-- > 0) send_one(a);
}

static int64_t first_file(struct ages *a) { return store_log_min(a->r.store); }

/* Beginning of the log if everything last written before `wall_ms` is gone. */
static int64_t beginning_after(struct ages *a, int64_t wall_ms) {
  int64_t first = 0;
  for (int i = 0; i < a->count; i++)
    if (a->sent[i].wall_ms > wall_ms) {
      first = a->sent[i].offset - a->sent[i].offset % FILE_BYTES;
      break;
    }
  return first;
}

static int64_t first_left(struct ages *a) {
  int i = 0;
  while (i < a->count && a->sent[i].offset < first_file(a)) i++;
  return i;
}

static int64_t files_on_disk(struct ages *a, const char *dir, int64_t *first) {
  struct disk_entry *entries;
  size_t count;
  struct arena names;
  arena_init(&names, 1 << 20);
  CU_ASSERT_FATAL(a->r.disk->ops->list(a->r.disk, dir, &names, &entries, &count) == STATUS_OK);
  if (count > 0) CU_ASSERT(span_to_i64(entries[0].name, first));
  arena_fini(&names);
  return (int64_t)count;
}

/* What readers see agrees with what is on disk and with what was sent. */
static void expect_consistent(struct ages *a) {
  static struct get_result got;
  struct span topic = SPAN_LITERAL("T");
  int64_t first = -1, left = first_left(a);
  files_on_disk(a, RIG_LOG, &first);
  CU_ASSERT(first == first_file(a));
  CU_ASSERT(rig_max(&a->r, "T", 0) == a->count);
  CU_ASSERT(store_queue_min(a->r.store, topic, 0) == left);
  for (int64_t i = left; i < a->count; i++) CU_ASSERT_STRING_EQUAL(rig_body(&a->r, "T", 0, i), text_of((int)i));
  if (left > 0) {
    CU_ASSERT(store_get(a->r.store, topic, 0, 0, 32, 1 << 20, NULL, NULL, &got) == GET_OFFSET_TOO_SMALL);
    CU_ASSERT(got.next_offset == left && got.min_offset == left);
    CU_ASSERT(store_offset_by_time(a->r.store, topic, 0, 0) == left);
  }
}

static void expect_queue_trimmed(struct ages *a) {
  int64_t first = -1;
  files_on_disk(a, RIG_ROOT "/consumequeue/T/0", &first);
  CU_ASSERT(first / 20 == first_left(a) / UNITS_PER_FILE * UNITS_PER_FILE);
}

static void run_until_wall(struct ages *a, int64_t wall_ms) {
  int64_t wait = wall_ms - rig_now(&a->r).wall_ms;
  CU_ASSERT_FATAL(wait >= 0);
  rig_run(&a->r, wait);
}

void test_retention_hours(void) {
  static const struct {
    const char *text;
    uint32_t hours;
  } good[] = {{"04", 1 << 4}, {"4", 1 << 4}, {"04;16", 1 << 4 | 1 << 16}, {" 0 ; 23;", 1 | 1 << 23}, {"24", 0}};
  static const char *const bad[] = {"", ";", "four", "04,16", "-1", "4 5"};
  uint32_t hours;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    CU_ASSERT(retention_hours_parse(span_text(good[i].text), &hours) == STATUS_OK);
    CU_ASSERT(hours == good[i].hours);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    CU_ASSERT(retention_hours_parse(span_text(bad[i]), &hours) == STATUS_INVALID);
}

/* Seven days of messages; at the hour, and only then, what is older than three days goes. */
static void week(int32_t utc_offset_s) {
  struct ages *a = ages_new(1);
  a->r.config.retention.utc_offset_s = utc_offset_s;
  store_retention_change(a->r.store, &a->r.config.retention);
  int64_t midnight = SIM_EPOCH_MS - SIM_EPOCH_MS % DAY - utc_offset_s * INT64_C(1000);
  int64_t hour_4 = midnight + 4 * HOUR, cleanings = 0;
  for (int day = 0; day < 7; day++) {
    send_many(a, 70);
    int64_t before = first_file(a);
    while (hour_4 <= rig_now(&a->r).wall_ms) hour_4 += DAY;
    run_until_wall(a, hour_4 - 1);
    CU_ASSERT(first_file(a) == before);
    run_until_wall(a, hour_4 + HOUR);
    CU_ASSERT(first_file(a) == beginning_after(a, hour_4 + HOUR - 72 * HOUR - 10000));
    cleanings += first_file(a) > before;
    expect_consistent(a);
    expect_queue_trimmed(a);
    if (day == 5) {
      rig_close(&a->r);
      CU_ASSERT_FATAL(rig_open(&a->r) == STATUS_OK);
      expect_consistent(a);
    }
  }
  CU_ASSERT(cleanings >= 3);
  rig_fini(&a->r);
}

void test_retention_by_hour(void) {
  week(0);
  week(8 * 3600);
  week(-5 * 3600 - 1800);
}

/* Whatever its age, the end of the log stays, and the counting goes on. */
void test_retention_never_the_last(void) {
  struct ages *a = ages_new(2);
  send_many(a, 100);
  rig_run(&a->r, 11000); /* flushed */
  rig_run(&a->r, 30 * DAY);
  int64_t last = a->sent[a->count - 1].offset;
  CU_ASSERT(first_file(a) == last - last % FILE_BYTES);
  expect_consistent(a);
  rig_crash(&a->r, SIM_POWER_OFF);
  CU_ASSERT_FATAL(rig_open(&a->r) == STATUS_OK);
  expect_consistent(a);
  send_many(a, 20);
  expect_consistent(a);
  rig_fini(&a->r);
}

/* The disk gets a size so that what is there fills it to `per_mille`. */
static void fill_disk_to(struct ages *a, int64_t per_mille) {
  int64_t total, free_bytes;
  sim_disk_space(a->r.host, 0);
  CU_ASSERT_FATAL(a->r.disk->ops->space(a->r.disk, "/", &total, &free_bytes) == STATUS_OK);
  sim_disk_space(a->r.host, (total - free_bytes) * 1000 / per_mille + 1);
}

void test_retention_by_space(void) {
  struct ages *a = ages_new(3);
  send_many(a, 150);
  rig_run(&a->r, 61000);
  fill_disk_to(a, 800);
  rig_run(&a->r, 60000);
  CU_ASSERT(first_file(a) == 0); /* nothing is expired */
  fill_disk_to(a, 740);
  rig_run(&a->r, 73 * HOUR - HOUR * 12); /* past an hour of deleteWhen, too */
  CU_ASSERT(first_file(a) == 0);
  rig_run(&a->r, 12 * HOUR);
  CU_ASSERT(first_file(a) == 0 && rig_now(&a->r).wall_ms > a->sent[a->count - 1].wall_ms + 72 * HOUR);
  fill_disk_to(a, 760);
  rig_run(&a->r, 10000);
  CU_ASSERT(first_file(a) > 0); /* expired, and not the hour */
  rig_run(&a->r, 30000);
  expect_consistent(a);
  expect_queue_trimmed(a);
  CU_ASSERT(store_refusal(a->r.store) == NULL);
  rig_fini(&a->r);
}

/* Oldest first, one by one, only until there is room. */
void test_retention_forced(void) {
  struct ages *a = ages_new(4);
  a->r.config.retention.forced = false;
  store_retention_change(a->r.store, &a->r.config.retention);
  send_many(a, 150);
  rig_run(&a->r, 61000);
  fill_disk_to(a, 880);
  rig_run(&a->r, 60000);
  CU_ASSERT(first_file(a) == 0);
  a->r.config.retention.forced = true;
  store_retention_change(a->r.store, &a->r.config.retention);
  int64_t total, free_bytes, seen = 0;
  for (int step = 0; step < 2000; step++) {
    rig_run(&a->r, 10);
    CU_ASSERT(first_file(a) == seen || first_file(a) == seen + FILE_BYTES);
    seen = first_file(a);
  }
  CU_ASSERT_FATAL(a->r.disk->ops->space(a->r.disk, "/", &total, &free_bytes) == STATUS_OK);
  CU_ASSERT(seen > 0 && (total - free_bytes) * 1000 / total <= 850);
  CU_ASSERT((total - free_bytes + FILE_BYTES) * 1000 / total > 850); /* the last one had to go */
  expect_consistent(a);
  rig_fini(&a->r);
}

void test_retention_full(void) {
  struct ages *a = ages_new(5);
  struct put_result result;
  a->r.config.retention.forced = false;
  store_retention_change(a->r.store, &a->r.config.retention);
  send_many(a, 100);
  fill_disk_to(a, 930);
  rig_run(&a->r, 59000);
  CU_ASSERT(store_refusal(a->r.store) == NULL); /* nobody has looked yet */
  rig_run(&a->r, 2000);
  const char *why = store_refusal(a->r.store);
  CU_ASSERT_FATAL(why != NULL);
  CU_ASSERT(strstr(why, RIG_LOG) != NULL && strstr(why, "9%") == NULL && strstr(why, "% full") != NULL);
  CU_ASSERT(strstr(why, "diskSpaceWarningLevelRatio=90") != NULL && strstr(why, "fileReservedTime=72") != NULL);
  CU_ASSERT(rig_put(&a->r, "T", 0, "no", &result) == PUT_SERVICE_NOT_AVAILABLE);
  expect_consistent(a); /* readers go on */
  sim_disk_space(a->r.host, 0);
  rig_run(&a->r, 1100);
  CU_ASSERT(store_refusal(a->r.store) == NULL);
  send_many(a, 10);
  fill_disk_to(a, 930);
  a->r.config.retention.forced = true;
  store_retention_change(a->r.store, &a->r.config.retention);
  rig_run(&a->r, 12000);
  CU_ASSERT(store_refusal(a->r.store) == NULL && first_file(a) > 0); /* it made room itself */
  send_many(a, 1);
  expect_consistent(a);
  rig_fini(&a->r);
}

/* Written until nothing fits: refused with the reason at once, and it goes on by itself. */
void test_retention_no_space(void) {
  struct ages *a = ages_new(6);
  send_many(a, 60);
  rig_run(&a->r, 1000);
  sim_disk_space(a->r.host, 14 * FILE_BYTES);
  int refused = 0, told = 0;
  for (int i = 0; i < 300; i++) {
    struct put_result result;
    enum put_status status = rig_put(&a->r, "T", 0, text_of(a->count), &result);
    if (status == PUT_OK && store_commit(a->r.store, rig_now(&a->r)) == STATUS_OK) {
      a->sent[a->count++] = (struct sent){result.physical_offset, rig_now(&a->r).wall_ms};
    } else {
      refused++;
      enum status failed = store_commit(a->r.store, rig_now(&a->r));
      (void)failed; /* of a put that was refused: there is nothing to commit, or it says why */
      const char *why = store_refusal(a->r.store);
      told += why != NULL && strstr(why, "% ") != NULL && strstr(why, RIG_ROOT) != NULL;
    }
    rig_run(&a->r, 50);
  }
  CU_ASSERT(refused > 0 && told == refused && refused < 200);
  CU_ASSERT(first_file(a) > 0 && store_refusal(a->r.store) == NULL);
  rig_run(&a->r, 20000);
  expect_consistent(a);
  rig_close(&a->r);
  CU_ASSERT_FATAL(rig_open(&a->r) == STATUS_OK);
  expect_consistent(a);
  rig_fini(&a->r);
}

static void expire_all(struct ages *a) {
  a->r.config.retention.reserved_hours = 0;
  store_retention_change(a->r.store, &a->r.config.retention);
  store_clean_now(a->r.store);
}

void test_retention_by_hand(void) {
  struct ages *a = ages_new(7);
  send_many(a, 330);
  rig_run(&a->r, 11000);
  int64_t files = (a->sent[a->count - 1].offset) / FILE_BYTES;
  CU_ASSERT_FATAL(files > 11);
  store_clean_now(a->r.store);
  rig_run(&a->r, 5000);
  CU_ASSERT(first_file(a) == 0); /* not expired */
  expire_all(a);
  rig_run(&a->r, 2000);
  CU_ASSERT(first_file(a) == 10 * FILE_BYTES); /* a run */
  rig_run(&a->r, 10000);
  CU_ASSERT(first_file(a) == files * FILE_BYTES);
  rig_run(&a->r, 1000);
  expect_consistent(a);
  expect_queue_trimmed(a);
  rig_run(&a->r, 120000); /* the checkpoint: what went before it was synced is not missed */
  CU_ASSERT(store_refusal(a->r.store) == NULL);
  rig_crash(&a->r, SIM_POWER_OFF);
  CU_ASSERT_FATAL(rig_open(&a->r) == STATUS_OK);
  expect_consistent(a);
  rig_fini(&a->r);
}

/* As long as nothing durable follows, an expired file stays: the log could be empty after a crash. */
void test_retention_unflushed(void) {
  struct ages *a = ages_new(12);
  sim_disk_sync_delay(a->r.host, 100000, 100000);
  send_many(a, 150);
  expire_all(a);
  rig_run(&a->r, 60000);
  CU_ASSERT(store_flushed(a->r.store) == 0 && first_file(a) == 0);
  rig_run(&a->r, 300000);
  CU_ASSERT(store_flushed(a->r.store) > 0 && first_file(a) > 0);
  expect_consistent(a);
  rig_fini(&a->r);
}

void test_retention_removal_fails(void) {
  struct ages *a = ages_new(8);
  send_many(a, 150);
  rig_run(&a->r, 70000);
  const struct sim_disk_fault fault = {.ops = SIM_NAMES, .status = STATUS_IO, .lasting = true};
  sim_disk_fail(a->r.host, &fault);
  expire_all(a);
  rig_run(&a->r, 60000);
  CU_ASSERT(first_file(a) == 0 && store_refusal(a->r.store) == NULL);
  sim_disk_fail(a->r.host, NULL);
  send_many(a, 1);
  rig_run(&a->r, 30000);
  CU_ASSERT(first_file(a) == 0); /* not before redeleteHangedFileInterval */
  rig_run(&a->r, 60000);
  CU_ASSERT(first_file(a) > 0);
  expect_consistent(a);
  expect_queue_trimmed(a);
  rig_fini(&a->r);
}

/* Queues that cannot be trimmed are tried again. */
void test_retention_queue_removal_fails(void) {
  struct ages *a = ages_new(9);
  send_many(a, 330);
  rig_run(&a->r, 70000);
  expire_all(a);
  while (first_file(a) == 0) rig_run(&a->r, 10);
  rig_run(&a->r, 905); /* the run's last file went, the sweep begins */
  const struct sim_disk_fault fault = {.ops = SIM_NAMES, .status = STATUS_IO, .lasting = true};
  sim_disk_fail(a->r.host, &fault);
  rig_run(&a->r, 5000);
  int64_t first = -1, log_first = first_file(a);
  CU_ASSERT(log_first > 0);
  files_on_disk(a, RIG_ROOT "/consumequeue/T/0", &first);
  CU_ASSERT(first / 20 + UNITS_PER_FILE <= first_left(a));
  sim_disk_fail(a->r.host, NULL);
  rig_run(&a->r, 300000);
  expect_consistent(a);
  expect_queue_trimmed(a);
  rig_fini(&a->r);
}

static bool parts_whole(const struct get_result *got) {
  for (size_t i = 0; i < got->part_count; i++) {
    struct message m;
    size_t size;
    if (message_decode(got->parts[i], true, &m, &size) != STATUS_OK) return false;
  }
  return got->part_count > 0;
}

/* What a pull was given can leave although its file is removed in the same turn. */
void test_retention_readers(void) {
  static struct get_result got;
  struct ages *a = ages_new(10);
  struct span topic = SPAN_LITERAL("T");
  send_many(a, 330);
  rig_run(&a->r, 61000);
  expire_all(a);
  struct moment now = rig_now(&a->r);
  int under_readers = 0, passed_over = 0;
  for (int i = 0; i < 300; i++) {
    int64_t before = first_file(a), at = first_left(a);
    enum get_status status = store_get(a->r.store, topic, 0, at, 4, 1 << 20, NULL, NULL, &got);
    CU_ASSERT_FATAL(status == GET_FOUND && got.message_count > 0);
    now.mono_ms += 50;
    CU_ASSERT(store_tick(a->r.store, now) > now.mono_ms);
    CU_ASSERT(parts_whole(&got));
    if (first_file(a) == before) continue;
    under_readers++;
    /* Behind the log's beginning, and the queue not swept yet: passed over, as in Java. */
    status = store_get(a->r.store, topic, 0, at, 4, 1 << 20, NULL, NULL, &got);
    if (status == GET_OFFSET_TOO_SMALL) continue;
    CU_ASSERT(status == GET_FOUND || status == GET_MESSAGE_WAS_REMOVING);
    CU_ASSERT(got.next_offset > at);
    passed_over++;
  }
  CU_ASSERT(under_readers > 5 && passed_over > 5);
  expect_consistent(a);
  rig_fini(&a->r);
}

/* The plug is pulled at every disk call of a cleaning. */
void test_retention_crash(void) {
  uint64_t calls = 1, cleaned = 0;
  for (uint64_t after = 0; after < calls; after++) {
    struct ages *a = ages_new(100 + after);
    send_many(a, 150);
    rig_run(&a->r, 70000);
    CU_ASSERT_FATAL(store_flushed(a->r.store) == store_appended(a->r.store));
    uint64_t before = sim_disk_calls(a->r.host, ALL_CALLS);
    const struct sim_disk_fault fault = {.ops = ALL_CALLS, .after = after, .status = STATUS_IO, .lasting = true};
    if (after > 0) sim_disk_fail(a->r.host, &fault);
    expire_all(a);
    rig_run(&a->r, 3000);
    if (after == 0) calls = sim_disk_calls(a->r.host, ALL_CALLS) - before + 2;
    sim_disk_fail(a->r.host, NULL);
    rig_crash(&a->r, after % 2 == 0 ? SIM_POWER_OFF : SIM_KILL);
    CU_ASSERT_FATAL(rig_open(&a->r) == STATUS_OK);
    cleaned += first_file(a) > 0;
    expect_consistent(a);
    send_many(a, 3);
    rig_run(&a->r, 2000); /* their units are in a file: the one before is not the last */
    store_clean_now(a->r.store);
    rig_run(&a->r, 80000);
    CU_ASSERT(first_file(a) > 0);
    expect_consistent(a);
    expect_queue_trimmed(a);
    rig_fini(&a->r);
  }
  CU_ASSERT(calls > 20 && cleaned > 5);
}

static bool keep_t(void *context, struct span topic) {
  ++*(int *)context;
  return span_is(topic, "T");
}

void test_retention_discard(void) {
  struct ages *a = ages_new(11);
  enum status status;
  int asked = 0;
  rig_send(&a->r, "Old", 0, "x");
  rig_send(&a->r, "Old", 1, "x");
  rig_send(&a->r, "SCHEDULE_TOPIC_XXXX", 2, "x");
  send_many(a, 150);
  rig_send(&a->r, "Old", 1, "y");
  rig_run(&a->r, 11000);
  CU_ASSERT(store_clean_expired_queues(a->r.store, &status) == 0 && status == STATUS_OK);
  expire_all(a);
  rig_run(&a->r, 30000);
  CU_ASSERT(first_file(a) > 0);
  CU_ASSERT(store_queue_min(a->r.store, SPAN_LITERAL("Old"), 0) == 1); /* empty, and still counting */
  rig_close(&a->r);
  CU_ASSERT_FATAL(rig_open(&a->r) == STATUS_OK);
  CU_ASSERT(store_queue_min(a->r.store, SPAN_LITERAL("Old"), 0) == 1 && rig_max(&a->r, "Old", 0) == 1);
  CU_ASSERT(store_clean_expired_queues(a->r.store, &status) == 1 && status == STATUS_OK);
  CU_ASSERT(rig_max(&a->r, "Old", 0) == 0 && rig_max(&a->r, "Old", 1) == 2);
  CU_ASSERT(rig_max(&a->r, "SCHEDULE_TOPIC_XXXX", 2) == 1);
  CU_ASSERT(!rig_exists(&a->r, RIG_ROOT "/consumequeue/Old/0") && rig_exists(&a->r, RIG_ROOT "/consumequeue/Old/1"));
  expect_consistent(a);
  CU_ASSERT(store_clean_topics(a->r.store, keep_t, &asked, &status) == 1 && status == STATUS_OK && asked == 2);
  CU_ASSERT(!rig_exists(&a->r, RIG_ROOT "/consumequeue/Old") && rig_max(&a->r, "SCHEDULE_TOPIC_XXXX", 2) == 1);
  expect_consistent(a);
  rig_fini(&a->r);
}
