/* SPDX-License-Identifier: Apache-2.0
 *
 * plain_acl.yml. What cannot be taken is told with its line; what can be answers any request, and is taken again after
 * it was written.
 */
#include "mqbroker/acl/rules.h"
#include "tests/fuzz/fuzz.h"

enum { MEMORY_MAX = 64 << 20, TEXT_MAX = 1 << 20 };

static void ask(const struct acl_rules *rules) {
  struct ext ext[] = {{SPAN_LITERAL("AccessKey"), SPAN_LITERAL("RocketMQ")},
                      {SPAN_LITERAL("b"), SPAN_LITERAL("topicA")}};
  struct command cmd = {.code = 310, .ext = ext, .ext_count = 2, .body = SPAN_LITERAL("x")};
  struct net_peer peer = {.ip = {10, 0, 0, 1}, .ip_len = 4, .port = 1};
  struct arena arena;
  char reason[ACL_REASON_MAX] = "";
  arena_init(&arena, MEMORY_MAX);
  MUST(rules_allow(rules, &cmd, &peer, &arena, reason) == (reason[0] == '\0'));
  arena_fini(&arena);
}

static void write_again(const struct yaml *root, struct arena *arena, size_t accounts) {
  struct buf text, why;
  struct yaml *again = NULL;
  struct acl_rules *rules = NULL;
  buf_init(&text, TEXT_MAX);
  buf_init(&why, TEXT_MAX);
  MUST(yaml_write(root, &text) == STATUS_OK);
  MUST(yaml_read(buf_span(&text), arena, &again, &why) == STATUS_OK);
  MUST(rules_read(again, "again", 1, NULL, &rules, &why) == STATUS_OK);
  MUST(map_count(&rules->accounts) == accounts);
  rules_free(rules);
  buf_fini(&why);
  buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena arena;
  struct buf why;
  struct yaml *root = NULL;
  struct acl_rules *rules = NULL;
  arena_init(&arena, MEMORY_MAX);
  buf_init(&why, TEXT_MAX);
  enum status status = yaml_read(span_of(data, size), &arena, &root, &why);
  if (status == STATUS_OK) status = rules_read(root, "acl", 1, NULL, &rules, &why);
  MUST(status == STATUS_OK || span_starts(buf_span(&why), "line "));
  if (status == STATUS_OK) {
    ask(rules);
    write_again(root, &arena, map_count(&rules->accounts));
  }
  rules_free(rules);
  buf_fini(&why);
  arena_fini(&arena);
  return 0;
}
