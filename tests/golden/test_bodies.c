/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON bodies made by Java: all of them through the tree and the writer, and those of
 * core/wire/bodies.h through their structures; and what fastjson accepts and refuses.
 */
#include "core/wire/bodies.h"
#include "tests/golden/golden.h"
#include "tests/harness.h"

#include <stdio.h>

enum { BUF_MAX = 4 << 20, BODIES_MIN = 70, STRUCTURES_MIN = 25, LENIENT_MIN = 20 };

static struct json *parse(struct span text, struct arena *arena, enum status *status) {
  struct json *tree = NULL;
  *status = json_parse(text, &JSON_LIMITS_DEFAULT, arena, &tree, NULL, NULL);
  return *status == STATUS_OK ? tree : NULL;
}

static bool same_bytes(const struct json *r, const struct buf *got, struct span want, const char *what) {
  bool ok = golden_check(r, !got->failed && span_equal(buf_span(got), want), what);
  if (!ok) printf("      got  %.*s\n      want %.*s\n", (int)got->len, (const char *)got->ptr, SPAN_ARG(want));
  return ok;
}

static void test_trees_write_the_same_bytes(void) {
  struct golden g;
  struct buf out;
  int count = 0;
  enum status status;
  CU_ASSERT_FATAL(golden_open(&g, "frames/bodies.jsonl"));
  buf_init(&out, BUF_MAX);
  for (const struct json *r; (r = golden_next(&g)) != NULL;) {
    struct span bytes = golden_hex(&g, r, "hex"), pretty = golden_hex(&g, r, "prettyHex");
    if (bytes.ptr == NULL) continue;
    count++;
    struct json *tree = parse(bytes, &g.arena, &status);
    if (!golden_check(r, tree != NULL, "does not parse")) continue;
    buf_clear(&out);
    json_put_tree(&out, tree);
    same_bytes(r, &out, bytes, "compact bytes");
    if (pretty.ptr == NULL) continue;
    tree = parse(pretty, &g.arena, &status);
    if (!golden_check(r, tree != NULL, "pretty form does not parse")) continue;
    buf_clear(&out);
    json_put_tree(&out, tree);
    same_bytes(r, &out, bytes, "pretty form means the same");
  }
  CU_ASSERT(count > BODIES_MIN);
  buf_fini(&out);
  golden_close(&g);
}

/* Members that are sets, arrays of primitives or maps of sets in Java: their pretty form stays on the line. */
static bool is_set(struct span member) {
  static const char *const names[] = {
      "topicList", "groupList",       "consumedGroup",       "notConsumedGroup", "lockOKMQSet",
      "Cluster0",  "Cluster3",        "connectionSet",       "codeSet",          "tagsSet",
      "mqSet",     "consumerDataSet", "subscriptionDataSet", "subscriptionSet",  "producerDataSet"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (span_is(member, names[i])) return true;
  return false;
}

static void write_tree(struct json_writer *w, const struct json *value, bool set);

static void write_object(struct json_writer *w, const struct json *value) {
  bool bare = value->children != NULL && value->children->key->kind != JSON_STRING;
  if (bare) json_open_inline_map(w);
  else json_open_object(w);
  for (const struct json *m = value->children; m != NULL; m = m->next) {
    int64_t number;
    if (m->key->kind == JSON_STRING) {
      json_key_span(w, m->key->text);
    } else if (m->key->kind == JSON_NUMBER && span_to_i64(m->key->text, &number)) {
      json_key_int(w, number);
    } else {
      write_tree(w, m->key, false);
      json_key_value(w);
    }
    write_tree(w, m, m->key->kind == JSON_STRING && is_set(m->key->text));
  }
  json_close_object(w);
}

static void write_tree(struct json_writer *w, const struct json *value, bool set) {
  int64_t number;
  switch (value->kind) {
  case JSON_OBJECT:
    write_object(w, value);
    return;
  case JSON_ARRAY:
    if (set) json_open_inline_array(w);
    else json_open_array(w);
    for (const struct json *m = value->children; m != NULL; m = m->next) write_tree(w, m, false);
    json_close_array(w);
    return;
  case JSON_STRING:
    json_put_span(w, value->text);
    return;
  case JSON_BOOL:
    json_put_bool(w, value->boolean);
    return;
  case JSON_NULL:
    json_put_span(w, SPAN_NONE);
    return;
  case JSON_NUMBER:
    if (span_to_i64(value->text, &number)) json_put_int(w, number);
    else json_put_double(w, json_double(value, 0));
    return;
  }
}

static void test_writer_makes_both_forms(void) {
  struct golden g;
  struct buf out;
  struct json_writer w;
  enum status status;
  int count = 0;
  CU_ASSERT_FATAL(golden_open(&g, "frames/bodies.jsonl"));
  buf_init(&out, BUF_MAX);
  for (const struct json *r; (r = golden_next(&g)) != NULL;) {
    struct span bytes = golden_hex(&g, r, "hex"), pretty = golden_hex(&g, r, "prettyHex");
    if (bytes.ptr == NULL) continue;
    struct json *tree = parse(bytes, &g.arena, &status);
    if (!golden_check(r, tree != NULL, "does not parse")) continue;
    count++;
    buf_clear(&out);
    json_writer_init(&w, &out, false);
    write_tree(&w, tree, false);
    same_bytes(r, &out, bytes, "compact writer");
    /* fastjson keeps a $ref on its line; we write none. */
    if (pretty.ptr == NULL || span_is(golden_text(r, "name"), "ref")) continue;
    buf_clear(&out);
    json_writer_init(&w, &out, true);
    write_tree(&w, tree, false);
    same_bytes(r, &out, pretty, "pretty writer");
  }
  CU_ASSERT(count > BODIES_MIN);
  buf_fini(&out);
  golden_close(&g);
}

static void test_doubles_as_java_writes_them(void) {
  struct golden g;
  struct buf out;
  struct json_writer w;
  int count = 0;
  CU_ASSERT_FATAL(golden_open(&g, "frames/bodies.jsonl"));
  buf_init(&out, BUF_MAX);
  for (const struct json *r; (r = golden_next(&g)) != NULL;) {
    if (!span_is(golden_text(r, "name"), "doubles")) continue;
    for (const struct json *item = json_member(r, "list")->children; item != NULL; item = item->next) {
      struct span bits = golden_hex(&g, item, "bits");
      uint64_t word = get_u64(bits.ptr);
      double v;
      memcpy(&v, &word, sizeof v);
      buf_clear(&out);
      json_writer_init(&w, &out, false);
      json_open_object(&w);
      json_key(&w, "avgpt");
      json_put_double(&w, 0);
      json_key(&w, "sum");
      json_put_int(&w, 0);
      json_key(&w, "tps");
      json_put_double(&w, v);
      json_close_object(&w);
      same_bytes(r, &out, golden_text(item, "json"), "double");
      count++;
    }
  }
  CU_ASSERT(count > 15);
  buf_fini(&out);
  golden_close(&g);
}

/* --- structures: read and written again. False: the class has none. --- */

static enum status rewrite_names(struct span body, const char *member, struct arena *arena, struct buf *out) {
  struct span *names, broker_addr = SPAN_NONE;
  size_t count;
  enum status status = name_list_read(body, member, arena, &names, &count, NULL);
  if (status != STATUS_OK) return status;
  struct json *tree = parse(body, arena, &status);
  broker_addr = json_text(json_member(tree, "brokerAddr"));
  name_list_write(out, member, names, count, broker_addr);
  return status;
}

static enum status rewrite_topic_table(struct span body, struct arena *arena, struct json_writer *w) {
  enum status status;
  struct topic_table table;
  struct json *tree = parse(body, arena, &status);
  if (status != STATUS_OK) return status;
  status = topic_table_read(tree, arena, &table);
  topic_table_write(w, &table);
  return status;
}

static enum status rewrite_data_version(struct span body, struct arena *arena, struct json_writer *w) {
  enum status status;
  struct data_version version;
  struct json *tree = parse(body, arena, &status);
  data_version_read(tree, &version);
  data_version_write(w, &version);
  return status;
}

/* The subscription inside a CheckClientRequestBody, and the queues of a LockBatchRequestBody. */
static enum status rewrite_parts(struct span body, struct arena *arena, struct json_writer *w) {
  enum status status;
  struct json *tree = parse(body, arena, &status);
  if (status != STATUS_OK) return status;
  json_open_object(w);
  for (const struct json *m = tree->children; m != NULL && status == STATUS_OK; m = m->next) {
    json_key_span(w, m->key->text);
    if (m->kind == JSON_OBJECT) {
      struct subscription_data s;
      status = subscription_data_read(m, arena, &s);
      subscription_data_write(w, &s);
    } else if (m->kind == JSON_ARRAY) {
      json_open_inline_array(w);
      for (const struct json *item = m->children; item != NULL; item = item->next) {
        struct message_queue q;
        message_queue_read(item, &q);
        message_queue_write(w, &q);
      }
      json_close_array(w);
    } else {
      json_put_span(w, json_text(m));
    }
  }
  json_close_object(w);
  return status;
}

static enum status rewrite_register(struct span body, struct arena *arena, struct buf *out) {
  struct register_body b;
  enum status status = register_body_read(body, false, arena, &b, NULL);
  if (status == STATUS_OK) register_body_write(out, &b, false);
  return status;
}

static enum status rewrite_kv(struct span body, struct arena *arena, struct buf *out) {
  struct pair *pairs;
  size_t count;
  enum status status = kv_table_read(body, arena, &pairs, &count, NULL);
  if (status == STATUS_OK) kv_table_write(out, pairs, count);
  return status;
}

static enum status rewrite_route(struct span body, struct arena *arena, struct buf *out, bool standard_json) {
  struct topic_route route;
  enum status status = topic_route_read(body, arena, &route, NULL);
  if (status == STATUS_OK) topic_route_write(out, &route, standard_json);
  return status;
}

static enum status rewrite_cluster(struct span body, struct arena *arena, struct buf *out) {
  struct cluster_info cluster;
  enum status status = cluster_info_read(body, arena, &cluster, NULL);
  if (status == STATUS_OK) cluster_info_write(out, &cluster);
  return status;
}

static enum status rewrite_heartbeat(struct span body, struct arena *arena, struct buf *out) {
  struct heartbeat beat;
  enum status status = heartbeat_read(body, arena, &beat, NULL);
  if (status == STATUS_OK) heartbeat_write(out, &beat);
  return status;
}

static bool rewrite(struct span class, struct span body, bool pretty, struct arena *arena, struct buf *out,
                    enum status *status) {
  struct json_writer w;
  buf_clear(out);
  json_writer_init(&w, out, pretty);
  if (span_is(class, "TopicConfigSerializeWrapper")) {
    *status = rewrite_topic_table(body, arena, &w);
  } else if (span_is(class, "DataVersion")) {
    *status = rewrite_data_version(body, arena, &w);
  } else if (span_is(class, "CheckClientRequestBody") || span_is(class, "LockBatchRequestBody") ||
             span_is(class, "UnlockBatchRequestBody") || span_is(class, "LockBatchResponseBody")) {
    *status = rewrite_parts(body, arena, &w);
  } else if (pretty) {
    return false;
  } else if (span_is(class, "RegisterBrokerBody")) {
    *status = rewrite_register(body, arena, out);
  } else if (span_is(class, "KVTable")) {
    *status = rewrite_kv(body, arena, out);
  } else if (span_is(class, "TopicRouteData")) {
    *status = rewrite_route(body, arena, out, false);
  } else if (span_is(class, "ClusterInfo")) {
    *status = rewrite_cluster(body, arena, out);
  } else if (span_is(class, "HeartbeatData")) {
    *status = rewrite_heartbeat(body, arena, out);
  } else if (span_is(class, "TopicList")) {
    *status = rewrite_names(body, "topicList", arena, out);
  } else if (span_is(class, "GroupList")) {
    *status = rewrite_names(body, "groupList", arena, out);
  } else if (span_is(class, "GetConsumerListByGroupResponseBody")) {
    *status = rewrite_names(body, "consumerIdList", arena, out);
  } else {
    return false;
  }
  return true;
}

static void test_structures_write_the_same_bytes(void) {
  struct golden g;
  struct buf out;
  int count = 0;
  CU_ASSERT_FATAL(golden_open(&g, "frames/bodies.jsonl"));
  buf_init(&out, BUF_MAX);
  for (const struct json *r; (r = golden_next(&g)) != NULL;) {
    struct span class = golden_text(r, "class");
    if (span_is(golden_text(r, "name"), "route-null-members")) continue; /* the structure has no nulls: below */
    for (int pretty = 0; pretty < 2; pretty++) {
      enum status status = STATUS_OK;
      struct span bytes = golden_hex(&g, r, pretty ? "prettyHex" : "hex");
      if (bytes.ptr == NULL || !rewrite(class, bytes, pretty, &g.arena, &out, &status)) continue;
      count++;
      golden_check(r, status == STATUS_OK, "read");
      same_bytes(r, &out, bytes, "structure");
    }
  }
  CU_ASSERT(count > STRUCTURES_MIN);
  buf_fini(&out);
  golden_close(&g);
}

static void test_route_quotes_keys_on_demand(void) {
  struct golden g;
  struct buf out, again;
  enum status status;
  int count = 0;
  CU_ASSERT_FATAL(golden_open(&g, "frames/bodies.jsonl"));
  buf_init(&out, BUF_MAX);
  buf_init(&again, BUF_MAX);
  for (const struct json *r; (r = golden_next(&g)) != NULL;) {
    struct span bytes = golden_hex(&g, r, "hex");
    if (!span_is(golden_text(r, "class"), "TopicRouteData")) continue;
    count++;
    buf_clear(&out);
    golden_check(r, rewrite_route(bytes, &g.arena, &out, true) == STATUS_OK, "standard form");
    struct json *brokers = parse(buf_span(&out), &g.arena, &status), *addresses = NULL;
    if (!golden_check(r, brokers != NULL, "standard form parses")) continue;
    const struct json *first = json_member(brokers, "brokerDatas")->children;
    if (first != NULL) addresses = json_member(first, "brokerAddrs")->children;
    golden_check(r, first == NULL || addresses->key->kind == JSON_STRING, "keys are strings");
    /* And back: the plain form of the standard form is the plain form. */
    buf_clear(&again);
    golden_check(r, rewrite_route(buf_span(&out), &g.arena, &again, false) == STATUS_OK, "standard form reads");
    if (!span_is(golden_text(r, "name"), "route-null-members")) same_bytes(r, &again, bytes, "back");
  }
  CU_ASSERT(count >= 4);
  buf_fini(&out);
  buf_fini(&again);
  golden_close(&g);
}

/* --- lenient inputs --- */

static bool is_empty(const struct json *v) {
  return v == NULL || v->kind == JSON_NULL ||
         ((v->kind == JSON_ARRAY || v->kind == JSON_OBJECT) && v->child_count == 0);
}

static bool matches(const struct json *want, const struct json *got);

/* want: [{"key":k,"value":v}], the recorded form of a map whose keys are not strings. */
static bool matches_map(const struct json *want, const struct json *got) {
  if (want->child_count != got->child_count) return false;
  for (const struct json *pair = want->children; pair != NULL; pair = pair->next) {
    bool found = false;
    for (const struct json *m = got->children; m != NULL && !found; m = m->next)
      found = matches(json_member(pair, "key"), m->key) &&
              (json_member(pair, "value") == NULL || matches(json_member(pair, "value"), m));
    if (!found) return false;
  }
  return true;
}

/* Every recorded member that is not empty must be there with the same value; what is absent in the input had its
 * Java default, which is the reader's business and not the tree's. */
static bool matches(const struct json *want, const struct json *got) {
  if (is_empty(want)) return is_empty(got);
  if (got == NULL) return false;
  if (want->kind == JSON_ARRAY && got->kind == JSON_OBJECT) return matches_map(want, got);
  switch (want->kind) {
  case JSON_OBJECT:
    for (const struct json *m = want->children; m != NULL; m = m->next) {
      char name[128];
      if (!span_copy_text(m->key->text, name, sizeof name)) return false;
      const struct json *member = json_member(got, name);
      if (member != NULL && !matches(m, member)) return false;
    }
    return got->kind == JSON_OBJECT;
  case JSON_ARRAY: {
    const struct json *a = want->children, *b = got->children;
    for (; a != NULL && b != NULL; a = a->next, b = b->next)
      if (!matches(a, b)) return false;
    return a == NULL && b == NULL;
  }
  case JSON_NUMBER:
    return json_i64(want, 0) == json_i64(got, -1);
  case JSON_BOOL:
    return json_bool(got, !want->boolean) == want->boolean;
  default:
    break;
  }
  if (got->kind == JSON_OBJECT || got->kind == JSON_ARRAY) { /* a structure taken as text */
    struct buf text;
    buf_init(&text, BUF_MAX);
    json_put_tree(&text, got);
    bool same = span_equal(buf_span(&text), want->text);
    buf_fini(&text);
    return same;
  }
  return span_equal(json_text(want), json_text(got));
}

/* Refused by fastjson because of what the Java class wants, not because of the text; these classes have no
 * structure here. DLedger's bodies belong to libdledger. */
static bool not_ours(struct span class, struct span text) {
  return span_is(class, "VoteResponse") || span_is(class, "VoteRequest") || span_is(class, "PushEntryRequest") ||
         span_is(class, "ConsumerRunningInfo") ||
         (span_is(class, "TopicStatsTable") && span_starts(text, "{\"offsetTable\":{\"{"));
}

static void test_lenient_bodies_as_java(void) {
  struct golden g;
  struct buf out;
  int count = 0;
  CU_ASSERT_FATAL(golden_open(&g, "frames/lenient.jsonl"));
  buf_init(&out, BUF_MAX);
  for (const struct json *r; (r = golden_next(&g)) != NULL;) {
    struct span class = golden_text(r, "class"), text = golden_text(r, "text");
    if (!span_is(golden_text(r, "kind"), "body")) continue;
    count++;
    enum status status, structure;
    const struct json *want = json_member(r, "decoded");
    struct json *tree = parse(text, &g.arena, &status);
    if (!not_ours(class, text))
      golden_check(r, (json_member(r, "error") != NULL) == (status != STATUS_OK), "accepted as Java does");
    else golden_check(r, status == STATUS_OK, "parses");
    if (span_is(class, "LockBatchRequestBody") || !rewrite(class, text, false, &g.arena, &out, &structure)) {
      if (want != NULL && !not_ours(class, text)) golden_check(r, matches(want, tree), "same values");
      continue;
    }
    golden_check(r, (structure == STATUS_OK) == (want != NULL), "a null object is refused");
    if (structure != STATUS_OK) continue;
    tree = parse(buf_span(&out), &g.arena, &status);
    bool ok = golden_check(r, matches(want, tree), "same structure");
    if (!ok) printf("      %.*s\n", (int)out.len, (const char *)out.ptr);
  }
  CU_ASSERT(count > LENIENT_MIN);
  buf_fini(&out);
  golden_close(&g);
}

int main(int argc, char **argv) {
  static const struct test tests[] = {
      {"trees_write_the_same_bytes", test_trees_write_the_same_bytes},
      {"writer_makes_both_forms", test_writer_makes_both_forms},
      {"doubles_as_java_writes_them", test_doubles_as_java_writes_them},
      {"structures_write_the_same_bytes", test_structures_write_the_same_bytes},
      {"route_quotes_keys_on_demand", test_route_quotes_keys_on_demand},
      {"lenient_bodies_as_java", test_lenient_bodies_as_java},
      {NULL, NULL},
  };
  return run_tests("golden/bodies", tests, argc, argv);
}
