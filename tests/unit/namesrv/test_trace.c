/* SPDX-License-Identifier: Apache-2.0
 *
 * Real traffic between Java brokers, clients, mqadmin and a Java 4.7.0 name
 * server (tests/golden/namesrv-trace.jsonl): the same requests must get the
 * same answers from ours. Compared as trees: Java writes maps and sets in
 * HashMap order.
 *
 * The recording keeps the first four requests of each code only, so topics
 * registered after that are missing; they are taken from the recorded list of
 * all topics, right before it is asked for.
 */
#include "tests/unit/namesrv/stage.h"
#include "tests/unit/namesrv/test_namesrv.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINES_MAX = 128, FILE_MAX = 1 << 20, RECORDED_CONNS = 8, PLANS_MAX = 64 };

struct line {
  int64_t connection;
  bool to_server;
  int32_t opaque;
  struct span frame; /* with its length word */
};

struct replay {
  struct stage stage;
  struct arena arena; /* of the file and of recorded answers */
  struct buf text;
  struct line lines[LINES_MAX];
  size_t count;
  conn_id conns[RECORDED_CONNS]; /* recorded connection -> ours; 0: not yet open */
  int compared;
};

static int nibble(uint8_t c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

static struct span unhex(struct arena *arena, struct span hex) {
  uint8_t *out = arena_alloc(arena, hex.len / 2 + 1);
  CU_ASSERT_FATAL(out != NULL);
  for (size_t i = 0; i + 1 < hex.len; i += 2)
    out[i / 2] = (uint8_t)(nibble(hex.ptr[i]) << 4 | nibble(hex.ptr[i + 1]));
  return span_of(out, hex.len / 2);
}

static void load(struct replay *r) {
  FILE *f = fopen(golden_path("namesrv-trace.jsonl"), "rb");
  CU_ASSERT_FATAL(f != NULL);
  uint8_t *p = buf_reserve(&r->text, FILE_MAX);
  CU_ASSERT_FATAL(p != NULL);
  r->text.len = fread(p, 1, FILE_MAX, f);
  fclose(f);
  for (size_t at = 0; at < r->text.len;) {
    size_t end = span_find(buf_span(&r->text), '\n', at);
    struct json *j;
    CU_ASSERT_FATAL(json_parse(span_of(r->text.ptr + at, end - at), &JSON_LIMITS_DEFAULT, &r->arena, &j, NULL, NULL) ==
                    STATUS_OK);
    CU_ASSERT_FATAL(r->count < LINES_MAX);
    r->lines[r->count++] = (struct line){.connection = json_i64(json_member(j, "connection"), -1),
                                         .to_server = span_is(json_text(json_member(j, "dir")), "c->s"),
                                         .opaque = json_i32(json_member(j, "opaque"), -1),
                                         .frame = unhex(&r->arena, json_text(json_member(j, "hex")))};
    at = end + 1;
  }
}

static void decode(struct arena *arena, struct span frame, struct command *out) {
  struct command_limits limits = COMMAND_LIMITS_DEFAULT;
  CU_ASSERT_FATAL(command_decode(out, span_from(frame, 4), &limits, arena, NULL) == STATUS_OK);
}

/* ---------------------------------------------------------------- equality */

static bool tree_equal(const struct json *a, const struct json *b);

/* Members by key; elements of arrays in any order (they are sets in Java). */
static bool children_equal(const struct json *a, const struct json *b) {
  if (a->child_count != b->child_count) return false;
  for (const struct json *x = a->children; x; x = x->next) {
    const struct json *y = b->children;
    while (y != NULL && !(a->kind == JSON_OBJECT
                              ? span_equal(json_text(x->key), json_text(y->key)) && x->key->kind == y->key->kind &&
                                    tree_equal(x, y)
                              : tree_equal(x, y)))
      y = y->next;
    if (y == NULL) return false;
  }
  return true;
}

static bool tree_equal(const struct json *a, const struct json *b) {
  if (a->kind != b->kind) return false;
  switch (a->kind) {
  case JSON_NULL: return true;
  case JSON_BOOL: return a->boolean == b->boolean;
  case JSON_NUMBER:
  case JSON_STRING: return span_equal(a->text, b->text);
  case JSON_ARRAY:
  case JSON_OBJECT: return children_equal(a, b);
  }
  return false;
}

struct find {
  struct span key, value;
  bool found;
};

static enum status find_pair(void *context, struct span key, struct span value, int line) {
  struct find *f = context;
  (void)line;
  if (span_equal(key, f->key)) f->found = span_equal(value, f->value);
  return STATUS_OK;
}

struct subset {
  struct span ours;
  int count;
};

static enum status expect_pair(void *context, struct span key, struct span value, int line) {
  struct subset *s = context;
  struct find f = {key, value, false};
  CU_ASSERT(properties_parse(s->ours, find_pair, &f, &line) == STATUS_OK);
  if (!f.found) printf("    %.*s=%.*s is not in our configuration\n", SPAN_ARG(key), SPAN_ARG(value));
  CU_ASSERT(f.found);
  s->count++;
  return STATUS_OK;
}

static bool bodies_equal(struct replay *r, int code, struct span java, struct span ours) {
  if (java.len == 0 || ours.len == 0) return java.len == ours.len;
  if (code == REQUEST_GET_NAMESRV_CONFIG) { /* ours has further keys */
    struct subset s = {ours, 0};
    int line = 0;
    return properties_parse(java, expect_pair, &s, &line) == STATUS_OK && s.count == 17;
  }
  struct json *a, *b;
  CU_ASSERT_FATAL(json_parse(java, &JSON_LIMITS_DEFAULT, &r->arena, &a, NULL, NULL) == STATUS_OK);
  CU_ASSERT_FATAL(json_parse(ours, &JSON_LIMITS_DEFAULT, &r->arena, &b, NULL, NULL) == STATUS_OK);
  return tree_equal(a, b);
}

static void compare(struct replay *r, const struct line *request, const struct line *recorded, struct span answer) {
  struct command asked, java, ours;
  decode(&r->arena, request->frame, &asked);
  decode(&r->arena, recorded->frame, &java);
  decode(&r->arena, answer, &ours);
  bool same = java.code == ours.code && java.flag == ours.flag && java.opaque == ours.opaque &&
              java.version == ours.version && span_equal(java.remark, ours.remark) &&
              (java.remark.ptr == NULL) == (ours.remark.ptr == NULL) && java.ext_count == ours.ext_count;
  for (size_t i = 0; i < java.ext_count && same; i++) {
    char key[64];
    same = span_copy_text(java.ext[i].key, key, sizeof key) && span_equal(java.ext[i].value, command_ext(&ours, key));
  }
  same = same && bodies_equal(r, asked.code, java.body, ours.body);
  if (!same)
    printf("    %s: ours: code %d, remark %.*s, %zu ext, body %.*s\n", request_code_name(asked.code), ours.code,
           SPAN_ARG(ours.remark), ours.ext_count, SPAN_ARG(ours.body));
  CU_ASSERT(same);
  r->compared++;
}

/* ---------------------------------------------------------------- replay */

static const struct line *recorded_answer(const struct replay *r, size_t request) {
  for (size_t i = request + 1; i < r->count; i++)
    if (!r->lines[i].to_server && r->lines[i].opaque == r->lines[request].opaque &&
        r->lines[i].connection == r->lines[request].connection)
      return &r->lines[i];
  return NULL;
}

static conn_id conn_of(struct replay *r, int64_t recorded) {
  CU_ASSERT_FATAL(recorded >= 0 && recorded < RECORDED_CONNS);
  if (r->conns[recorded] == 0) r->conns[recorded] = stage_connect(&r->stage);
  return r->conns[recorded];
}

static void register_unrecorded(struct replay *r, const struct line *topic_list) {
  struct command java;
  struct json *root;
  struct topic_plan plans[PLANS_MAX];
  char names[PLANS_MAX][128];
  size_t n = 0;
  decode(&r->arena, topic_list->frame, &java);
  CU_ASSERT_FATAL(json_parse(java.body, &JSON_LIMITS_DEFAULT, &r->arena, &root, NULL, NULL) == STATUS_OK);
  for (const struct json *t = json_member(root, "topicList")->children; t && n < PLANS_MAX; t = t->next) {
    if (map_get(&r->stage.ns->routes.topics, json_text(t)) != NULL) continue;
    CU_ASSERT(span_copy_text(json_text(t), names[n], sizeof names[n]));
    plans[n] = (struct topic_plan){names[n], 1, 6, 0};
    n++;
  }
  CU_ASSERT(n > 0);
  struct broker b = {.cluster = "DefaultCluster", .name = "broker-a", .address = "127.0.0.1:25921", .counter = 1000};
  CU_ASSERT(stage_register(&r->stage, conn_of(r, 0), &b, plans, n) == RESPONSE_SUCCESS);
}

static void replay_line(struct replay *r, size_t i) {
  const struct line *line = &r->lines[i];
  struct command asked;
  if (!line->to_server) return;
  decode(&r->arena, line->frame, &asked);
  const struct line *recorded = recorded_answer(r, i);
  if (asked.code == REQUEST_GET_ALL_TOPIC_LIST_FROM_NAMESERVER) {
    CU_ASSERT_FATAL(recorded != NULL);
    register_unrecorded(r, recorded);
  }
  conn_id conn = conn_of(r, line->connection);
  CU_ASSERT(stage_bytes(&r->stage, conn, line->frame));
  struct buf *out = &r->stage.net.conns[conn].out;
  if (recorded == NULL) {
    CU_ASSERT(asked.flag == COMMAND_ONEWAY && out->len == 0);
    return;
  }
  CU_ASSERT_FATAL(out->len > 4);
  compare(r, line, recorded, buf_span(out));
  buf_clear(out);
}

void test_trace_replay(void) {
  struct replay *r = calloc(1, sizeof *r);
  CU_ASSERT_FATAL(r != NULL);
  arena_init(&r->arena, 64 << 20);
  buf_init(&r->text, FILE_MAX);
  load(r);
  stage_init_quiet(&r->stage);
  /* As the recorded server was configured. */
  CU_ASSERT(config_apply(&r->stage.settings,
                         SPAN_LITERAL("rocketmqHome=trace/ns\nkvConfigPath=trace/ns/kvConfig.json\n"
                                      "configStorePath=trace/ns/namesrv.properties\nlistenPort=29886\n"),
                         "trace", NULL) == STATUS_OK);
  stage_start(&r->stage);
  for (size_t i = 0; i < r->count; i++) replay_line(r, i);
  CU_ASSERT(r->count == 43);
  CU_ASSERT(r->compared == 21);
  stage_fini(&r->stage);
  buf_fini(&r->text);
  arena_fini(&r->arena);
  free(r);
}
