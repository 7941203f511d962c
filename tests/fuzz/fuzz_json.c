/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON: what parses is written in a form that parses to the same form again; and every body reader over it.
 */
#include "core/wire/bodies.h"
#include "tests/fuzz/fuzz.h"

enum { ARENA_MAX = 16 << 20, BUF_MAX = 16 << 20 };

static const struct json_limits limits = {24, 1 << 16};

static void check_fixpoint(const struct json *tree, struct arena *arena) {
  struct buf first, second;
  struct json *again;
  buf_init(&first, BUF_MAX);
  buf_init(&second, BUF_MAX);
  json_put_tree(&first, tree);
  MUST(!first.failed);
  enum status status = json_parse(buf_span(&first), &limits, arena, &again, NULL, NULL);
  MUST(status == STATUS_OK || status == STATUS_NO_MEMORY);
  if (status == STATUS_OK) {
    json_put_tree(&second, again);
    MUST(span_equal(buf_span(&first), buf_span(&second)));
  }
  buf_fini(&first);
  buf_fini(&second);
}

static void look_around(const struct json *tree) {
  static const char *const names[] = {"a", "b"};
  const struct json *m = json_member(tree, "topic");
  MUST(json_enum(m, names, 2) < 2);
  MUST(json_i32(m, 7) == json_i32(m, 7) && json_i64(m, 7) == json_i64(m, 7));
  MUST(json_bool(m, true) || !json_bool(m, false));
  (void)json_double(m, 0);
  (void)json_text(m);
}

/* What was read is written, and that is read again. */
static void read_bodies(struct span body, struct arena *arena) {
  struct topic_route route;
  struct cluster_info cluster;
  struct heartbeat beat;
  struct register_body reg;
  struct pair *pairs;
  struct span *names;
  size_t count;
  const char *why = NULL;
  struct buf out;
  buf_init(&out, BUF_MAX);
  if (topic_route_read(body, arena, &route, &why) == STATUS_OK) {
    topic_route_write(&out, &route, false);
    MUST(topic_route_read(buf_span(&out), arena, &route, &why) != STATUS_INVALID);
  }
  buf_clear(&out);
  if (cluster_info_read(body, arena, &cluster, &why) == STATUS_OK) cluster_info_write(&out, &cluster);
  buf_clear(&out);
  if (heartbeat_read(body, arena, &beat, &why) == STATUS_OK) {
    heartbeat_write(&out, &beat);
    MUST(heartbeat_read(buf_span(&out), arena, &beat, &why) != STATUS_INVALID);
  }
  buf_clear(&out);
  if (register_body_read(body, false, arena, &reg, &why) == STATUS_OK) {
    register_body_write(&out, &reg, false);
    MUST(register_body_read(buf_span(&out), false, arena, &reg, &why) != STATUS_INVALID);
  }
  buf_clear(&out);
  if (kv_table_read(body, arena, &pairs, &count, &why) == STATUS_OK) kv_table_write(&out, pairs, count);
  buf_clear(&out);
  if (name_list_read(body, "topicList", arena, &names, &count, &why) == STATUS_OK)
    name_list_write(&out, "topicList", names, count, SPAN_NONE);
  buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena arena;
  struct json *tree;
  const char *why = NULL;
  size_t at = 0;
  arena_init(&arena, ARENA_MAX);
  enum status status = json_parse(span_of(data, size), &limits, &arena, &tree, &why, &at);
  MUST(at <= size);
  if (status == STATUS_OK) {
    check_fixpoint(tree, &arena);
    look_around(tree);
  } else {
    MUST(why != NULL && why[0] != '\0');
  }
  arena_reset(&arena);
  read_bodies(span_of(data, size), &arena);
  struct subscription_data s;
  if (subscription_parse(SPAN_LITERAL("T"), span_of(data, size), &arena, &s) == STATUS_OK)
    MUST(s.code_count <= s.tag_count);
  arena_fini(&arena);
  return 0;
}
