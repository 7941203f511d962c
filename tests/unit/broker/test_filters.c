/* SPDX-License-Identifier: Apache-2.0
 *
 * SQL92 filters in the broker: pulls that bring an expression, groups whose heartbeats do, what is answered when
 * something is wrong, and what is remembered in config/consumerFilter.json.
 */
#include "core/wire/bodies.h"
#include "tests/golden/golden.h"
#include "tests/harness.h"
#include "tests/unit/broker/stage.h"

#include <stdio.h>
#include <stdlib.h>

enum { PULL_SUSPEND = 2, PULL_SUBSCRIPTION = 4, FILE_MAX = 1 << 20, HOLD_MS = 15000 };
#define ENABLED "enablePropertyFilter=true\n"
#define FILTER_FILE "/store/config/consumerFilter.json"

/* ---- asking ---- */

struct ask {
  const char *group, *topic, *sql, *language;
  int queue;
  int64_t offset, version;
  int flags, hold_ms;
};

static void pull_start(struct stage *s, const struct ask *q, struct answer *a) {
  struct pull_message_request h = {.consumerGroup = span_text(q->group == NULL ? "G" : q->group),
                                   .topic = span_text(q->topic == NULL ? "T" : q->topic),
                                   .queueId = q->queue,
                                   .queueOffset = q->offset,
                                   .maxMsgNums = 32,
                                   .sysFlag = q->flags | (q->hold_ms > 0 ? PULL_SUSPEND : 0),
                                   .suspendTimeoutMillis = q->hold_ms,
                                   .subVersion = q->version,
                                   .subscription = span_text(q->sql),
                                   .expressionType = span_text(q->language == NULL ? "SQL92" : q->language),
                                   .present = UINT64_MAX};
  stage_ask(s, 1,
            &(struct request_out){.code = REQUEST_PULL_MESSAGE, .header = &pull_message_request_header, .fields = &h},
            a);
}

static int pull(struct stage *s, const struct ask *q, struct answer *a) {
  pull_start(s, q, a);
  for (int i = 0; i < 1000 && !a->done; i++) stage_run(s, 1);
  CU_ASSERT_FATAL(a->done);
  return a->code;
}

/* A pull with its own SQL; returns the bodies found. */
static const char *found_by(struct stage *s, const char *sql) {
  struct answer a;
  int code = pull(s, &(struct ask){.sql = sql, .flags = PULL_SUBSCRIPTION}, &a);
  CU_ASSERT(code == RESPONSE_SUCCESS || code == RESPONSE_PULL_RETRY_IMMEDIATELY);
  return pulled_bodies(&a);
}

static void heartbeat(struct stage *s, int peer, const char *group, struct subscription_data *subs, size_t count) {
  struct consumer_data c = {.group = span_text(group),
                            .consume_type = CONSUME_PASSIVELY,
                            .message_model = MODEL_CLUSTERING,
                            .subscriptions = subs,
                            .subscription_count = count};
  struct heartbeat h = {.client_id = SPAN_LITERAL("client"), .consumers = &c, .consumer_count = 1};
  struct buf body;
  struct answer a;
  buf_init(&body, FILE_MAX);
  heartbeat_write(&body, &h);
  stage_ask_wait(s, peer, &(struct request_out){.code = REQUEST_HEART_BEAT, .body = buf_span(&body)}, &a);
  CU_ASSERT(a.code == RESPONSE_SUCCESS);
  buf_fini(&body);
}

static struct subscription_data sql_subscription(const char *topic, const char *sql, int64_t version) {
  return (struct subscription_data){.topic = span_text(topic),
                                    .sub_string = span_text(sql),
                                    .expression_type = SPAN_LITERAL("SQL92"),
                                    .sub_version = version};
}

static void beat(struct stage *s, const char *sql, int64_t version) {
  struct subscription_data sub = sql_subscription("T", sql, version);
  heartbeat(s, 1, "G", &sub, 1);
}

static void send_numbers(struct stage *s) {
  struct answer a;
  for (int i = 0; i < 6; i++) {
    char body[16], properties[32];
    snprintf(body, sizeof body, "m%d", i);
    snprintf(properties, sizeof properties, "a\001%d\002TAGS\001%s\002", i, i % 2 == 0 ? "even" : "odd");
    CU_ASSERT(stage_send(s, "T", 0, body, properties, &a) == RESPONSE_SUCCESS);
  }
}

/* ---- pulls ---- */

static void a_pull_brings_its_own_sql(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, ENABLED);
  send_numbers(&s);
  CU_ASSERT_STRING_EQUAL(found_by(&s, "a > 2"), "m3,m4,m5");
  CU_ASSERT_STRING_EQUAL(found_by(&s, "a BETWEEN 1 AND 3 AND TAGS = 'odd'"), "m1,m3");
  CU_ASSERT_STRING_EQUAL(found_by(&s, "nothing IS NULL"), "m0,m1,m2,m3,m4,m5");
  CU_ASSERT_STRING_EQUAL(found_by(&s, "TAGS > 5"), ""); /* an error is no match */
  CU_ASSERT(pull(&s, &(struct ask){.sql = "a > 9", .flags = PULL_SUBSCRIPTION}, &a) == RESPONSE_PULL_RETRY_IMMEDIATELY);
  ASSERT_SPAN(a.remark, "NO_MATCHED_MESSAGE");
  ASSERT_SPAN(answer_ext(&a, "nextBeginOffset"), "6");
  CU_ASSERT(pull(&s, &(struct ask){.sql = "a >", .flags = PULL_SUBSCRIPTION}, &a) ==
            RESPONSE_SUBSCRIPTION_PARSE_FAILED);
  ASSERT_SPAN(a.remark, "parse the consumer's subscription failed: character 4: a value is missing at the end");
  CU_ASSERT(pull(&s, &(struct ask){.sql = "", .flags = PULL_SUBSCRIPTION}, &a) == RESPONSE_SUBSCRIPTION_PARSE_FAILED);
  CU_ASSERT(pull(&s, &(struct ask){.sql = "x", .language = "LUA", .flags = PULL_SUBSCRIPTION}, &a) ==
            RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(a.remark, "The broker does not support consumer to filter message by LUA");
  CU_ASSERT(pull(&s, &(struct ask){.sql = "odd", .language = "TAG", .flags = PULL_SUBSCRIPTION}, &a) ==
            RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "m1,m3,m5");
  stage_end(&s);
}

static void without_the_key_sql_is_refused(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  send_numbers(&s);
  CU_ASSERT(pull(&s, &(struct ask){.sql = "a > 2", .flags = PULL_SUBSCRIPTION}, &a) == RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(a.remark, "The broker does not support consumer to filter message by SQL92");
  beat(&s, "a > 2", 5);
  CU_ASSERT(pull(&s, &(struct ask){.version = 5}, &a) == RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(a.remark, "The broker does not support consumer to filter message by SQL92");
  stage_end(&s);
}

static void a_group_filters_by_its_heartbeats(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, ENABLED);
  send_numbers(&s);
  beat(&s, "a = 4", 5);
  CU_ASSERT(pull(&s, &(struct ask){.version = 5}, &a) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "m4");
  beat(&s, "a >= 4", 6);
  CU_ASSERT(pull(&s, &(struct ask){.version = 6}, &a) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "m4,m5");
  beat(&s, "a = 0", 5); /* older than what is known: not listened to */
  CU_ASSERT(pull(&s, &(struct ask){.version = 5}, &a) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "m4,m5");
  CU_ASSERT(pull(&s, &(struct ask){.version = 7}, &a) == RESPONSE_SUBSCRIPTION_NOT_LATEST);
  beat(&s, "a >", 8); /* the subscription is there, its filter is not */
  CU_ASSERT(pull(&s, &(struct ask){.version = 8}, &a) == RESPONSE_FILTER_DATA_NOT_EXIST);
  ASSERT_SPAN(a.remark, "The broker's consumer filter data is not exist!Your expression may be wrong!");
  stage_end(&s);
}

/* Two members of a group disagree: the filter of the newer one counts, the pulls of the other are told. */
static void a_filter_that_is_not_the_latest_is_told(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, ENABLED "maxConsumerFilters=1\n");
  send_numbers(&s);
  beat(&s, "a = 4", 5);
  struct filter *f = (struct filter *)filters_find(&s.broker->filters, SPAN_LITERAL("T"), SPAN_LITERAL("G"));
  CU_ASSERT_PTR_NOT_NULL_FATAL(f);
  f->client_version = 4;
  CU_ASSERT(pull(&s, &(struct ask){.version = 5}, &a) == RESPONSE_FILTER_DATA_NOT_LATEST);
  ASSERT_SPAN(a.remark, "the consumer's consumer filter data not latest");
  /* One filter is the limit. */
  struct subscription_data sub = sql_subscription("U", "a = 1", 5);
  heartbeat(&s, 2, "H", &sub, 1);
  CU_ASSERT_PTR_NULL(filters_find(&s.broker->filters, SPAN_LITERAL("U"), SPAN_LITERAL("H")));
  CU_ASSERT(s.broker->filters.count == 1);
  stage_end(&s);
}

static void a_parked_pull_is_woken_by_what_passes(void) {
  struct stage s;
  struct answer own, group, a;
  stage_start(&s, ENABLED);
  send_numbers(&s);
  beat(&s, "a = 7", 5);
  pull_start(&s, &(struct ask){.sql = "a = 7", .offset = 6, .flags = PULL_SUBSCRIPTION, .hold_ms = HOLD_MS}, &own);
  pull_start(&s, &(struct ask){.version = 5, .offset = 6, .hold_ms = HOLD_MS}, &group);
  stage_run(&s, 100);
  CU_ASSERT(s.broker->parked.count == 2);
  stage_send(&s, "T", 0, "six", "a\0016\002", &a);
  stage_send(&s, "T", 0, "none", NULL, &a);
  stage_run(&s, 1000);
  CU_ASSERT(!own.done && !group.done);
  stage_send(&s, "T", 0, "seven", "a\0017\002", &a);
  stage_run(&s, 100);
  CU_ASSERT_FATAL(own.done && group.done);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&own), "seven");
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&group), "seven");
  ASSERT_SPAN(answer_ext(&own, "nextBeginOffset"), "9");
  stage_end(&s);
}

/* A message that failed comes back in the group's retry topic; with filterSupportRetry its filter looks at it again. */
static void retry_topics_are_filtered_when_asked_for(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, ENABLED);
  struct subscription_data subs[] = {sql_subscription("T", "a > 2", 5),
                                     {.topic = SPAN_LITERAL("%RETRY%G"),
                                      .sub_string = SPAN_LITERAL("*"),
                                      .expression_type = SPAN_LITERAL("TAG"),
                                      .sub_version = 5}};
  heartbeat(&s, 1, "G", subs, 2);
  stage_send(&s, "%RETRY%G", 0, "two", "a\0012\002RETRY_TOPIC\001T\002", &a);
  stage_send(&s, "%RETRY%G", 0, "three", "a\0013\002RETRY_TOPIC\001T\002", &a);
  stage_send(&s, "%RETRY%G", 0, "other", "a\0011\002RETRY_TOPIC\001U\002", &a);
  stage_send(&s, "%RETRY%G", 0, "bare", "a\0011\002", &a);
  const struct ask q = {.topic = "%RETRY%G", .version = 5};
  CU_ASSERT(pull(&s, &q, &a) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "two,three,other,bare");
  s.settings.filterSupportRetry = true;
  CU_ASSERT(pull(&s, &q, &a) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "three,other,bare");
  stage_end(&s);
}

static void check(struct stage *s, const char *body, struct answer *a) {
  stage_ask_wait(s, 1, &(struct request_out){.code = REQUEST_CHECK_CLIENT_CONFIG, .body = span_text(body)}, a);
}

static void clients_ask_whether_their_sql_is_good(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, ENABLED);
  check(&s, "{\"group\":\"G\",\"subscriptionData\":{\"expressionType\":\"SQL92\",\"subString\":\"a > 5\"}}", &a);
  CU_ASSERT(a.code == RESPONSE_SUCCESS);
  check(&s, "{\"group\":\"G\",\"subscriptionData\":{\"expressionType\":\"SQL92\",\"subString\":\"a > 'x'\"}}", &a);
  CU_ASSERT(a.code == RESPONSE_SUBSCRIPTION_PARSE_FAILED);
  ASSERT_SPAN(a.remark, "Invalid MessageSelector. Character 5: a string has no order, only numbers do");
  check(&s, "{\"group\":\"G\",\"subscriptionData\":{\"expressionType\":\"LUA\",\"subString\":\"a\"}}", &a);
  CU_ASSERT(a.code == RESPONSE_SYSTEM_ERROR);
  s.settings.enablePropertyFilter = false;
  check(&s, "{\"group\":\"G\",\"subscriptionData\":{\"expressionType\":\"SQL92\",\"subString\":\"a > 'x'\"}}", &a);
  CU_ASSERT(a.code == RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(a.remark, "The broker does not support consumer to filter message by SQL92");
  check(&s, "{\"group\":\"G\",\"subscriptionData\":{\"expressionType\":\"TAG\",\"subString\":\"a\"}}", &a);
  CU_ASSERT(a.code == RESPONSE_SUCCESS);
  stage_end(&s);
}

/* ---- bit maps in the extended queue ---- */

#define EXTENDED ENABLED "enableConsumeQueueExt=true\nenableCalcFilterBitMap=true\nmappedFileSizeConsumeQueueExt=4096\n"

static void bits_save_reading(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, EXTENDED);
  send_numbers(&s); /* before there is a filter: no bits, so it is asked */
  stage_run(&s, 10);
  beat(&s, "a > 3", 5);
  stage_run(&s, 10);
  send_numbers(&s);
  const struct ask q = {.version = 5};
  CU_ASSERT(pull(&s, &q, &a) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "m4,m5,m4,m5");
  /* With a program that lets all pass it is seen what the bits keep back. */
  struct filter *f = (struct filter *)filters_find(&s.broker->filters, SPAN_LITERAL("T"), SPAN_LITERAL("G"));
  struct sql *program = f->program;
  struct sql_error error;
  CU_ASSERT_FATAL(sql_compile(SPAN_LITERAL("TRUE"), &SQL_LIMITS_DEFAULT, &f->program, &error) == STATUS_OK);
  sql_free(program);
  CU_ASSERT(pull(&s, &q, &a) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "m0,m1,m2,m3,m4,m5,m4,m5");
  /* A pull with SQL of its own has no bits. */
  CU_ASSERT_STRING_EQUAL(found_by(&s, "a = 1"), "m1,m1");
  stage_end(&s);
}

static void without_the_key_there_are_no_bits(void) {
  struct stage s;
  struct answer a;
  stage_start(&s, EXTENDED "enableCalcFilterBitMap=false\n");
  beat(&s, "a > 3", 5);
  stage_run(&s, 10);
  send_numbers(&s);
  struct filter *f = (struct filter *)filters_find(&s.broker->filters, SPAN_LITERAL("T"), SPAN_LITERAL("G"));
  sql_free(f->program);
  f->program = NULL;
  CU_ASSERT(pull(&s, &(struct ask){.version = 5}, &a) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "m0,m1,m2,m3,m4,m5");
  stage_end(&s);
}

static int count_pulled(struct stage *s, const char *group) {
  int count = 0;
  for (int queue = 0; queue < 2; queue++) {
    int64_t at = 0, max = 1;
    while (at < max) {
      struct answer a;
      size_t size;
      struct message m;
      pull(s, &(struct ask){.group = group, .topic = "Sql_flhd", .queue = queue, .offset = at, .version = 1}, &a);
      for (size_t in = 0; in < a.body.len; in += size, count++)
        if (message_decode(span_from(a.body, in), true, &m, &size) != STATUS_OK) return -1;
      if (!span_to_i64(answer_ext(&a, "nextBeginOffset"), &at) || !span_to_i64(answer_ext(&a, "maxOffset"), &max))
        return -1;
    }
  }
  return count;
}

/* Java's log, queues, bit maps and filters; each group gets as many messages as Java gave it then. */
static void java_s_bits_are_read(void) {
  static const struct {
    const char *group, *sql;
    int count;
  } groups[] = {{"CG_gt55", "a > 5", 108},
                {"CG_in57", "color IN ('red','blue') AND a BETWEEN 2 AND 8", 67},
                {"CG_null64", "color IS NULL OR TAGS = 'TagB'", 131}};
  struct stage s;
  stage_start_on(&s, EXTENDED, "store/store-g-ext.tar.gz");
  CU_ASSERT(s.broker->filters.count == 3);
  for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
    struct subscription_data sub = sql_subscription("Sql_flhd", groups[i].sql, 1);
    heartbeat(&s, 1, groups[i].group, &sub, 1);
    CU_ASSERT_EQUAL(count_pulled(&s, groups[i].group), groups[i].count);
  }
  /* That the bits are heeded: another program, Java's bits, and the six messages that came before the filter. */
  struct filter *f = (struct filter *)filters_find(&s.broker->filters, SPAN_LITERAL("Sql_flhd"),
                                                   SPAN_LITERAL("CG_gt55"));
  struct sql_error error;
  sql_free(f->program);
  CU_ASSERT_FATAL(sql_compile(SPAN_LITERAL("TRUE"), &SQL_LIMITS_DEFAULT, &f->program, &error) == STATUS_OK);
  int all = count_pulled(&s, "CG_gt55");
  CU_ASSERT(all >= 108 + 6 && all < 266);
  stage_end(&s);
}

/* ---- what is remembered ---- */

static const struct filter *the_filter(struct stage *s, const char *topic) {
  return filters_find(&s->broker->filters, span_text(topic), SPAN_LITERAL("G"));
}

static void filters_outlive_their_group(void) {
  struct stage s;
  stage_start(&s, ENABLED "filterDataCleanTimeSpan=3600000\n");
  struct subscription_data subs[] = {sql_subscription("T", "a > 2", 5), sql_subscription("U", "b > 2", 5)};
  heartbeat(&s, 1, "G", subs, 2);
  CU_ASSERT(!filter_is_dead(the_filter(&s, "T")) && !filter_is_dead(the_filter(&s, "U")));
  int64_t born_ms = the_filter(&s, "T")->born_ms;
  heartbeat(&s, 1, "G", subs, 1);
  CU_ASSERT(!filter_is_dead(the_filter(&s, "T")) && filter_is_dead(the_filter(&s, "U")));
  heartbeat(&s, 1, "G", subs, 2); /* the same version again: it lives again */
  CU_ASSERT(!filter_is_dead(the_filter(&s, "U")));
  sim_reset_connections(s.host, s.peers[1].host);
  stage_run(&s, 100);
  CU_ASSERT(filter_is_dead(the_filter(&s, "T")) && filter_is_dead(the_filter(&s, "U")));
  stage_run(&s, 11000);
  CU_ASSERT(!s.broker->filters.dirty);
  stage_crash(&s, SIM_KILL);
  CU_ASSERT_PTR_NOT_NULL_FATAL(the_filter(&s, "T"));
  CU_ASSERT(filter_is_dead(the_filter(&s, "T")) && the_filter(&s, "T")->born_ms == born_ms);
  subs[0].sub_version = 6;
  heartbeat(&s, 1, "G", subs, 1);
  CU_ASSERT(!filter_is_dead(the_filter(&s, "T")));
  CU_ASSERT(the_filter(&s, "T")->born_ms == born_ms && the_filter(&s, "T")->client_version == 6);
  for (int i = 0; i < 62; i++) {
    stage_run(&s, 60000);
    heartbeat(&s, 1, "G", subs, 1);
  }
  CU_ASSERT_PTR_NULL(the_filter(&s, "U"));
  CU_ASSERT_PTR_NOT_NULL(the_filter(&s, "T"));
  stage_end(&s);
}

static struct span read_file(struct stage *s, struct buf *text) {
  buf_clear(text);
  CU_ASSERT_EQUAL(disk_read_whole(sim_host_disk(s->host), FILTER_FILE, text), STATUS_OK);
  return buf_span(text);
}

static void the_file_is_java_s(void) {
  struct stage s;
  struct buf text;
  char want[1024];
  buf_init(&text, FILE_MAX);
  stage_start(&s, ENABLED);
  struct subscription_data sub = sql_subscription("TopicTest", "a > 1", 1);
  heartbeat(&s, 1, "CID_SQL", &sub, 1);
  const struct filter *f = filters_find(&s.broker->filters, SPAN_LITERAL("TopicTest"), SPAN_LITERAL("CID_SQL"));
  snprintf(
      want, sizeof want,
      "{\n\t\"filterDataByTopic\":{\n\t\t\"TopicTest\":{\n\t\t\t\"groupFilterData\":{\n\t\t\t\t\"CID_SQL\":{\n"
      "\t\t\t\t\t\"bloomFilterData\":{\n\t\t\t\t\t\t\"bitNum\":112,\n\t\t\t\t\t\t\"bitPos\":[25,65,99]\n\t\t\t\t\t},\n"
      "\t\t\t\t\t\"bornTime\":%lld,\n\t\t\t\t\t\"clientVersion\":1,\n\t\t\t\t\t\"consumerGroup\":\"CID_SQL\",\n"
      "\t\t\t\t\t\"dead\":false,\n\t\t\t\t\t\"deadTime\":0,\n\t\t\t\t\t\"expression\":\"a > 1\",\n"
      "\t\t\t\t\t\"expressionType\":\"SQL92\",\n\t\t\t\t\t\"topic\":\"TopicTest\"\n\t\t\t\t}\n\t\t\t},\n"
      "\t\t\t\"topic\":\"TopicTest\"\n\t\t}\n\t}\n}",
      (long long)f->born_ms);
  stage_run(&s, 21000);
  ASSERT_SPAN(read_file(&s, &text), want);
  stage_end(&s);
  buf_fini(&text);
}

/* ---- filters that Java made, without a broker ---- */

struct table {
  struct sim_world *world;
  struct sim_host *host;
  struct filters filters;
};

static enum status load_golden(struct table *t, int32_t error_percent, struct span text) {
  *t = (struct table){.world = sim_world_new(1)};
  t->host = sim_host_new(t->world, "disk");
  struct disk *disk = sim_host_disk(t->host);
  CU_ASSERT_EQUAL_FATAL(filters_init(&t->filters, "/store", error_percent, 32, 100, 1), STATUS_OK);
  CU_ASSERT_EQUAL_FATAL(disk->ops->make_dirs(disk, "/store/config"), STATUS_OK);
  CU_ASSERT_EQUAL_FATAL(disk_replace_whole(disk, FILTER_FILE, text, false), STATUS_OK);
  return filters_load(&t->filters, disk, sim_host_now(t->host), NULL);
}

static void table_end(struct table *t) {
  filters_fini(&t->filters);
  sim_stop(t->host, SIM_EXIT);
  sim_world_free(t->world);
}

static struct span read_golden(const char *name, char *out, size_t cap) {
  FILE *f = fopen(golden_path(name), "r");
  CU_ASSERT_PTR_NOT_NULL_FATAL(f);
  size_t n = fread(out, 1, cap, f);
  fclose(f);
  return span_of(out, n);
}

static void java_s_file_is_read_and_written(void) {
  struct table t;
  struct buf text;
  static char golden[8192];
  struct span java = read_golden("filters/consumerFilter.json", golden, sizeof golden);
  buf_init(&text, FILE_MAX);
  CU_ASSERT_EQUAL_FATAL(load_golden(&t, 20, java), STATUS_OK);
  CU_ASSERT_EQUAL(t.filters.count, 3);
  const struct filter *f = filters_find(&t.filters, SPAN_LITERAL("Sql_flhd"), SPAN_LITERAL("CG_gt55"));
  CU_ASSERT_PTR_NOT_NULL_FATAL(f);
  ASSERT_SPAN(f->expression, "a > 5");
  CU_ASSERT(f->program != NULL && filter_is_dead(f) && f->born_ms == 1795432994322 && f->dead_ms == 1795433002040);
  CU_ASSERT_EQUAL(filters_save(&t.filters, sim_host_disk(t.host)), STATUS_OK);
  CU_ASSERT_EQUAL(disk_read_whole(sim_host_disk(t.host), FILTER_FILE, &text), STATUS_OK);
  CU_ASSERT(span_equal(buf_span(&text), java)); /* our order is that of the file we read */
  table_end(&t);
  /* Another Bloom filter: all of it is left aside. */
  CU_ASSERT_EQUAL_FATAL(load_golden(&t, 10, java), STATUS_OK);
  CU_ASSERT_EQUAL(t.filters.count, 0);
  table_end(&t);
  CU_ASSERT_EQUAL(load_golden(&t, 20, SPAN_LITERAL("not JSON")), STATUS_CORRUPT);
  table_end(&t);
  buf_fini(&text);
}

/* What was alive died half a minute ago, or at once when it is younger; what does not compile stays without effect. */
static void a_file_is_no_proof_of_life(void) {
  struct table t;
#define ONE(group, born, dead, sql)                                                                                    \
  "\"" group "\":{\"bloomFilterData\":{\"bitNum\":112,\"bitPos\":[25,65,99]},\"bornTime\":" born ",\"deadTime\":" dead \
  ",\"expression\":\"" sql "\",\"expressionType\":\"SQL92\"}"
  struct span text = SPAN_LITERAL(
      "{\"filterDataByTopic\":{\"T\":{\"groupFilterData\":{" ONE("old", "7", "0", "a=1") "," ONE(
          "young", "1599999999999", "0",
          "a=1") "," ONE("dead", "7", "9", "a=1") "," ONE("odd", "-9223372036854775808", "-1",
                                                          "a=1") "," ONE("bad", "7", "0", "a=") "}},\"N\":null}}");
  CU_ASSERT_EQUAL_FATAL(load_golden(&t, 20, text), STATUS_OK);
  int64_t now_ms = sim_host_now(t.host).wall_ms;
  const struct filters *fs = &t.filters;
  CU_ASSERT_EQUAL(filters_find(fs, SPAN_LITERAL("T"), SPAN_LITERAL("old"))->dead_ms, now_ms - 30000);
  CU_ASSERT_EQUAL(filters_find(fs, SPAN_LITERAL("T"), SPAN_LITERAL("young"))->dead_ms, 1599999999999);
  CU_ASSERT_EQUAL(filters_find(fs, SPAN_LITERAL("T"), SPAN_LITERAL("dead"))->dead_ms, 9);
  CU_ASSERT_PTR_NULL(filters_find(fs, SPAN_LITERAL("T"), SPAN_LITERAL("bad"))->program);
  struct moment now = sim_host_now(t.host);
  filters_clean(&t.filters, 30001, now, NULL);
  CU_ASSERT_EQUAL(t.filters.count, 4); /* all but "dead" */
  filters_clean(&t.filters, 30000, now, NULL);
  CU_ASSERT(t.filters.count == 1 && filters_find(fs, SPAN_LITERAL("T"), SPAN_LITERAL("young")) != NULL);
  filters_clean(&t.filters, 0, now, NULL);
  CU_ASSERT(t.filters.count == 0 && map_count(&t.filters.topics) == 0 && map_count(&t.filters.groups) == 0);
  table_end(&t);
}

static void check_bitmap(struct golden *g, const struct filters *fs, const struct json *r) {
  struct buf properties, bitmap;
  buf_init(&properties, FILE_MAX);
  buf_init(&bitmap, FILE_MAX);
  for (const struct json *m = json_member(r, "properties")->children; m != NULL; m = m->next)
    property_put_span(&properties, m->key->text, m->text);
  struct span want = golden_hex(g, r, "bitMap"), topic = SPAN_LITERAL("Sql_flhd");
  CU_ASSERT(filters_bitmap(fs, topic, buf_span(&properties), &bitmap));
  CU_ASSERT(golden_check(r, span_equal(buf_span(&bitmap), want), "another bitmap"));
  static const char *const groups[] = {"CG_gt55", "CG_in57", "CG_null64"};
  for (size_t i = 0; i < 3; i++) {
    const struct filter *f = filters_find(fs, topic, span_text(groups[i]));
    bool passes = sql_evaluate(f->program, buf_span(&properties)) == SQL_TRUE;
    int64_t store_ms = json_i64(json_member(r, "storeMs"), 0);
    CU_ASSERT(!passes || filter_may_pass(fs, f, store_ms, want));
    CU_ASSERT(filter_may_pass(fs, f, f->born_ms, want));             /* stored before the filter was there */
    CU_ASSERT(filter_may_pass(fs, f, store_ms, span_from(want, 1))); /* of another Bloom filter */
  }
  buf_fini(&properties);
  buf_fini(&bitmap);
}

static void bitmaps_are_java_s(void) {
  struct table t;
  struct golden g;
  static char text[8192];
  int count = 0;
  CU_ASSERT_EQUAL_FATAL(load_golden(&t, 20, read_golden("filters/consumerFilter.json", text, sizeof text)), STATUS_OK);
  CU_ASSERT_FATAL(golden_open(&g, "filters/bitmaps.jsonl"));
  for (const struct json *r; (r = golden_next(&g)) != NULL; count++) check_bitmap(&g, &t.filters, r);
  golden_close(&g);
  CU_ASSERT_EQUAL(count, 260);
  struct buf none;
  buf_init(&none, FILE_MAX);
  CU_ASSERT(!filters_bitmap(&t.filters, SPAN_LITERAL("Other"), SPAN_NONE, &none) && none.len == 0);
  const struct filter *f = filters_find(&t.filters, SPAN_LITERAL("Sql_flhd"), SPAN_LITERAL("CG_gt55"));
  uint8_t zeros[14] = {0};
  CU_ASSERT(!filter_may_pass(&t.filters, f, f->born_ms + 1, span_of(zeros, sizeof zeros)));
  buf_fini(&none);
  table_end(&t);
}

int main(int argc, char **argv) {
  static const struct test tests[] = {
      {"a pull brings its own SQL", a_pull_brings_its_own_sql},
      {"without the key SQL is refused", without_the_key_sql_is_refused},
      {"a group filters by its heartbeats", a_group_filters_by_its_heartbeats},
      {"a filter that is not the latest is told", a_filter_that_is_not_the_latest_is_told},
      {"a parked pull is woken by what passes", a_parked_pull_is_woken_by_what_passes},
      {"retry topics are filtered when asked for", retry_topics_are_filtered_when_asked_for},
      {"clients ask whether their SQL is good", clients_ask_whether_their_sql_is_good},
      {"bits save reading", bits_save_reading},
      {"without the key there are no bits", without_the_key_there_are_no_bits},
      {"Java's bits are read", java_s_bits_are_read},
      {"filters outlive their group", filters_outlive_their_group},
      {"the file is Java's", the_file_is_java_s},
      {"Java's file is read and written", java_s_file_is_read_and_written},
      {"a file is no proof of life", a_file_is_no_proof_of_life},
      {"bitmaps are Java's", bitmaps_are_java_s},
      {NULL, NULL}};
  return run_tests("broker/filters", tests, argc, argv);
}
