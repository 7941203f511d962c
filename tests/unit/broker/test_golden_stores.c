/* SPDX-License-Identifier: Apache-2.0
 *
 * A broker on the store directories Java 4.7.0 left behind: over the wire it
 * gives every record, queue, look-up, topic, group and offset that Java finds
 * there. (What lies in the archives, and what no request asks for, is checked
 * in tests/unit/store/test_facts.c.)
 */
#include "tests/golden/expected.h"
#include "tests/golden/unpack.h"
#include "tests/unit/broker/stage.h"
#include "tests/harness.h"

#include <inttypes.h>
#include <stdio.h>

#define PULL_MAX 32

struct scene {
  struct stage stage;
  struct expected expected, other;
  const struct json *recovered, *config;
};

static const struct json *config_of(const struct scene *s, const char *file) { return json_member(s->config, file); }

/* ---- configuration files ---- */

static const struct json *body_json(struct scene *s, int code) {
  struct answer a;
  struct json *tree = NULL;
  stage_ask_wait(&s->stage, 0, &(struct request_out){.code = code}, &a);
  CU_ASSERT_FATAL(a.code == RESPONSE_SUCCESS);
  CU_ASSERT_FATAL(json_parse(a.body, &JSON_LIMITS_DEFAULT, &s->expected.arena, &tree, NULL, NULL) == STATUS_OK);
  return tree;
}

/* Every entry of a table as Java wrote it; the broker may have added its own. */
static void table_check(const struct json *want, const struct json *got, const char *name) {
  const struct json *wanted = json_member(want, name), *table = json_member(got, name);
  if (want == NULL) return;
  CU_ASSERT_FATAL(wanted != NULL && table != NULL && wanted->child_count > 0);
  for (const struct json *w = wanted->children; w != NULL; w = w->next) {
    char key[256];
    CU_ASSERT_FATAL(span_copy_text(json_text(w->key), key, sizeof key));
    bool same = expected_same(w, json_member(table, key));
    if (!same) printf("    %s of %s\n", key, name);
    CU_ASSERT(same);
  }
  CU_ASSERT(json_i64(expected_at(got, "dataVersion.counter"), -1) >=
            json_i64(expected_at(want, "dataVersion.counter"), 0));
}

static void tables_check(struct scene *s) {
  const struct json *offsets = config_of(s, "consumerOffset.json");
  table_check(config_of(s, "topics.json"), body_json(s, REQUEST_GET_ALL_TOPIC_CONFIG), "topicConfigTable");
  table_check(config_of(s, "subscriptionGroup.json"), body_json(s, REQUEST_GET_ALL_SUBSCRIPTIONGROUP_CONFIG),
              "subscriptionGroupTable");
  if (offsets != NULL) CU_ASSERT(expected_same(offsets, body_json(s, REQUEST_GET_ALL_CONSUMER_OFFSET)));
}

/* The archive's files themselves, parsed as whoever needs them will. */
static void files_check(struct scene *s, const char *archive) {
  struct sim_world *world = sim_world_new(1);
  struct disk *disk = sim_host_disk(sim_host_new(world, "shelf"));
  golden_unpack(disk, archive, "/store");
  CU_ASSERT(s->config->child_count > 0);
  for (const struct json *want = s->config->children; want != NULL; want = want->next) {
    char path[256];
    struct buf text;
    struct json *got = NULL;
    snprintf(path, sizeof path, "/store/config/%.*s", SPAN_ARG(json_text(want->key)));
    buf_init(&text, 1 << 20);
    CU_ASSERT_FATAL(disk_read_whole(disk, path, &text) == STATUS_OK);
    struct span copy = arena_copy(&s->expected.arena, buf_span(&text));
    buf_fini(&text);
    CU_ASSERT_FATAL(json_parse(copy, &JSON_LIMITS_DEFAULT, &s->expected.arena, &got, NULL, NULL) == STATUS_OK);
    CU_ASSERT(expected_same(want, got));
  }
  sim_world_free(world);
}

/* ---- records ---- */

static const struct json *record_at(struct scene *s, int64_t offset) {
  for (const struct json *r = json_member(s->recovered, "records")->children; r != NULL; r = r->next)
    if (expected_number(r, "commitLogOffset") == offset) return r;
  return NULL;
}

static void records_check(struct scene *s) {
  for (const struct json *r = json_member(s->recovered, "records")->children; r != NULL; r = r->next) {
    struct view_message_request h = {0};
    struct answer a;
    HEADER_SET(view_message_request, &h, offset, expected_number(r, "commitLogOffset"));
    stage_ask_wait(
        &s->stage, 0,
        &(struct request_out){.code = REQUEST_VIEW_MESSAGE_BY_ID, .header = &view_message_request_header, .fields = &h},
        &a);
    CU_ASSERT_FATAL(a.code == RESPONSE_SUCCESS);
    CU_ASSERT(expected_record(&s->expected, r, a.body));
    arena_reset(&s->stage.arena);
  }
}

/* ---- queues ---- */

static int64_t limit_of(struct scene *s, int code, struct span topic, int32_t id) {
  struct get_max_offset_request h = {0};
  struct answer a;
  int64_t offset;
  HEADER_SET(get_max_offset_request, &h, topic, topic);
  HEADER_SET(get_max_offset_request, &h, queueId, id);
  stage_ask_wait(&s->stage, 0,
                 &(struct request_out){.code = code, .header = &get_max_offset_request_header, .fields = &h}, &a);
  CU_ASSERT_FATAL(a.code == RESPONSE_SUCCESS && span_to_i64(answer_ext(&a, "offset"), &offset));
  return offset;
}

static const struct json *topic_of(const struct scene *s, const char *name) {
  return json_member(json_member(config_of(s, "topics.json"), "topicConfigTable"), name);
}

/* Topics that were written past the broker are not in topics.json; without an entry nobody may pull. */
static void topic_make(struct scene *s, struct span topic) {
  struct create_topic_request h = {0};
  struct answer a;
  HEADER_SET(create_topic_request, &h, topic, topic);
  HEADER_SET(create_topic_request, &h, defaultTopic, SPAN_LITERAL("TBW102"));
  HEADER_SET(create_topic_request, &h, readQueueNums, 32);
  HEADER_SET(create_topic_request, &h, writeQueueNums, 32);
  HEADER_SET(create_topic_request, &h, perm, 6);
  HEADER_SET(create_topic_request, &h, topicFilterType, SPAN_LITERAL("SINGLE_TAG"));
  HEADER_SET(create_topic_request, &h, topicSysFlag, 0);
  HEADER_SET(create_topic_request, &h, order, false);
  stage_ask_wait(&s->stage, 0,
                 &(struct request_out){
                     .code = REQUEST_UPDATE_AND_CREATE_TOPIC, .header = &create_topic_request_header, .fields = &h},
                 &a);
  CU_ASSERT_FATAL(a.code == RESPONSE_SUCCESS);
}

/* The units that follow from *u on are those of one pull's answer; *u is what comes next. */
static void pulled_check(struct scene *s, const struct answer *a, const struct json **u) {
  size_t at = 0;
  while (at < a->body.len) {
    struct span rest = span_from(a->body, at), raw;
    CU_ASSERT_FATAL(*u != NULL && rest.len >= 4);
    raw = span_of(rest.ptr, get_u32(rest.ptr));
    CU_ASSERT_FATAL(raw.len <= rest.len && (int64_t)raw.len == expected_number(*u, "size"));
    const struct json *r = record_at(s, expected_number(*u, "commitLogOffset"));
    CU_ASSERT(r != NULL && expected_record(&s->expected, r, raw));
    at += raw.len;
    *u = (*u)->next;
  }
}

static void queue_check(struct scene *s, const struct json *q) {
  struct span topic = json_text(json_member(q, "topic"));
  int32_t id = (int32_t)expected_number(q, "queueId");
  int64_t next = expected_number(q, "minOffset"), max = expected_number(q, "maxOffset");
  const struct json *u = json_member(q, "units")->children;
  char name[256];
  CU_ASSERT_FATAL(span_copy_text(topic, name, sizeof name));
  CU_ASSERT(limit_of(s, REQUEST_GET_MIN_OFFSET, topic, id) == next);
  CU_ASSERT(limit_of(s, REQUEST_GET_MAX_OFFSET, topic, id) == max);
  if (topic_of(s, name) == NULL) topic_make(s, topic);
  else if ((expected_number(topic_of(s, name), "perm") & PERM_READ) == 0) { /* dead letters */ struct answer a;
    CU_ASSERT(stage_pull(&s->stage, name, id, next, "*", &a) == RESPONSE_NO_PERMISSION);
    return;
  }
  for (int64_t before = -1; u != NULL && next > before;) {
    struct answer a;
    before = next;
    CU_ASSERT_FATAL(stage_pull(&s->stage, name, id, next, "*", &a) == RESPONSE_SUCCESS);
    pulled_check(s, &a, &u);
    CU_ASSERT_FATAL(span_to_i64(answer_ext(&a, "nextBeginOffset"), &next));
    arena_reset(&s->stage.arena);
  }
  CU_ASSERT(u == NULL && next == max);
}

/* ---- look-ups ---- */

static void lookup_check(struct scene *s, const struct json *x) {
  struct query_message_request h = {0};
  struct answer a;
  struct message m;
  const struct json *found = json_member(x, "found");
  size_t at = 0, size, count = 0;
  HEADER_SET(query_message_request, &h, topic, json_text(json_member(x, "topic")));
  HEADER_SET(query_message_request, &h, key, json_text(json_member(x, "key")));
  HEADER_SET(query_message_request, &h, maxNum, 64);
  HEADER_SET(query_message_request, &h, beginTimestamp, 0);
  HEADER_SET(query_message_request, &h, endTimestamp, INT64_MAX);
  stage_ask_wait(
      &s->stage, 0,
      &(struct request_out){.code = REQUEST_QUERY_MESSAGE, .header = &query_message_request_header, .fields = &h}, &a);
  CU_ASSERT_FATAL(a.code == RESPONSE_SUCCESS);
  for (; at < a.body.len; at += size, count++) {
    bool listed = false;
    CU_ASSERT_FATAL(message_decode(span_from(a.body, at), true, &m, &size) == STATUS_OK);
    for (const struct json *f = found->children; f != NULL; f = f->next)
      if (json_i64(f, -1) == m.physical_offset) listed = true;
    CU_ASSERT(listed);
  }
  CU_ASSERT(count == found->child_count);
  arena_reset(&s->stage.arena);
}

/* ---- all of it ---- */

static void all_check(struct scene *s) {
  tables_check(s);
  records_check(s);
  for (const struct json *q = json_member(s->recovered, "queues")->children; q != NULL; q = q->next) queue_check(s, q);
  for (const struct json *x = json_member(s->recovered, "index")->children; x != NULL; x = x->next) lookup_check(s, x);
}

/* The archive's own files before; what the broker gives; and again after its own orderly stop and after a kill. */
static void golden_check(const char *name, const char *shared) {
  static struct scene s;
  char archive[128], extra[256];
  expected_open(&s.expected, name);
  s.recovered = json_member(s.expected.root, "recovered");
  s.config = expected_at(s.expected.root, "archived.config");
  if (shared != NULL) {
    expected_open(&s.other, shared);
    s.recovered = json_member(s.other.root, "recovered");
  }
  const struct json *sizes = json_member(s.expected.root, "storeConfig");
  snprintf(archive, sizeof archive, "store/%s.tar.gz", name);
  snprintf(extra, sizeof extra,
           "enableConsumeQueueExt=%s\nmappedFileSizeConsumeQueueExt=%" PRId64 "\nfileReservedTime=1000000\n",
           json_bool(json_member(sizes, "enableConsumeQueueExt"), false) ? "true" : "false",
           expected_number(sizes, "mappedFileSizeConsumeQueueExt"));
  files_check(&s, archive);
  stage_start_on(&s.stage, extra, archive);
  all_check(&s);
  stage_restart(&s.stage);
  all_check(&s);
  stage_crash(&s.stage, SIM_KILL);
  all_check(&s);
  stage_end(&s.stage);
  if (shared != NULL) expected_close(&s.other);
  expected_close(&s.expected);
}

static void normal(void) { golden_check("store-a-normal", NULL); }
static void killed(void) { golden_check("store-b-killed", NULL); }
static void lag(void) { golden_check("store-b-lag", "store-b-killed"); }
static void noqueue(void) { golden_check("store-b-noqueue", "store-b-killed"); }
static void delay(void) { golden_check("store-c-delay", NULL); }
static void transactions(void) { golden_check("store-d-tx", NULL); }
static void ext(void) { golden_check("store-g-ext", NULL); }
static void ipv6(void) { golden_check("store-h-ipv6", NULL); }

int main(int argc, char **argv) {
  static const struct test tests[] = {
      {"a: normal", normal},       {"b: killed", killed}, {"b: queues lag", lag},
      {"b: no queues", noqueue},   {"c: delay", delay},   {"d: transactions", transactions},
      {"g: extended queues", ext}, {"h: IPv6", ipv6},     {NULL, NULL}};
  return run_tests("golden stores", tests, argc, argv);
}
