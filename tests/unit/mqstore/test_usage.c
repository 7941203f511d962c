/* SPDX-License-Identifier: Apache-2.0
 *
 * Options, texts and exit codes.
 */
#include "tests/unit/mqstore/rig.h"
#include "tests/unit/mqstore/suites.h"

static size_t lines(const struct rig *r) {
  size_t n = 0;
  for (const char *p = r->out; *p != '\0'; p++) n += *p == '\n';
  return n;
}

void test_messages(void) {
  struct rig r;
  rig_init(&r, "store/store-a-normal.tar.gz", "store");
  CU_ASSERT(rig_run(&r, "messages", "@", "--json", "--count", "3", NULL) == EXIT_FINE);
  CU_ASSERT(lines(&r) == 3);
  CU_ASSERT(rig_run(&r, "messages", "@", "--json", "--from", "2159", "--count", "1", NULL) == EXIT_FINE);
  CU_ASSERT(json_i64(json_member(rig_json(&r, 0), "commitLogOffset"), -1) == 2782);
  CU_ASSERT(rig_run(&r, "messages", "@", "--json", "--topic", "Log_86xf", "--queue", "2", "--to", "20000", NULL) ==
            EXIT_FINE);
  CU_ASSERT(lines(&r) > 0);
  for (size_t i = 0; i < lines(&r); i++) {
    ASSERT_SPAN(json_text(json_member(rig_json(&r, i), "topic")), "Log_86xf");
    CU_ASSERT(json_i64(json_member(rig_json(&r, i), "queueId"), -1) == 2);
    CU_ASSERT(json_i64(json_member(rig_json(&r, i), "commitLogOffset"), -1) < 20000);
  }
  CU_ASSERT(rig_run(&r, "messages", "@", "--count", "1", "--body", NULL) == EXIT_FINE);
  CU_ASSERT(rig_said(&r, "0 wide_bm7q 5 @0 stored 2026-11-23T11:23:46.349Z size=2158 body=1961 born=127.0.0.1:40592"));
  CU_ASSERT(rig_said(&r, "(compressed) flag=-837626895"));
  CU_ASSERT(rig_said(&r, "    KEYS=key26\n") && rig_said(&r, "\n  body "));
  CU_ASSERT(rig_run(&r, "messages", "@", "--commitlog", "nowhere", NULL) == EXIT_CANNOT);
  rig_shell(&r, "mv store/commitlog log");
  CU_ASSERT(rig_run(&r, "messages", "@", NULL) == EXIT_CANNOT);
  CU_ASSERT(rig_said(&r, "--commitlog says where it is"));
  char log[300];
  snprintf(log, sizeof log, "%s/log", r.top);
  CU_ASSERT(rig_run(&r, "verify", "@", "--commitlog", log, NULL) == EXIT_FINE);
  rig_fini(&r);
}

void test_usage(void) {
  struct rig r;
  rig_init(&r, NULL, "empty");
  CU_ASSERT(rig_run(&r, "--help", NULL) == EXIT_FINE);
  CU_ASSERT(rig_said(&r, "examples\n  mqstore info"));
  CU_ASSERT(rig_run(&r, NULL) == EXIT_USAGE);
  CU_ASSERT(rig_run(&r, "info", NULL) == EXIT_USAGE);
  CU_ASSERT(rig_run(&r, "queue", "@", "T", NULL) == EXIT_USAGE);
  CU_ASSERT(rig_run(&r, "forget", "@", NULL) == EXIT_USAGE);
  CU_ASSERT(rig_run(&r, "info", "@", "--count", "many", NULL) == EXIT_USAGE);
  CU_ASSERT(rig_run(&r, "info", "@", "--no-such", NULL) == EXIT_USAGE);
  CU_ASSERT(rig_run(&r, "info", "@", NULL) == EXIT_CANNOT);
  CU_ASSERT(rig_run(&r, "info", "/nowhere/at/all", NULL) == EXIT_CANNOT);
  rig_shell(&r, "mkdir empty/commitlog"); /* a store before its first message */
  CU_ASSERT(rig_run(&r, "verify", "@", NULL) == EXIT_FINE);
  CU_ASSERT(rig_run(&r, "info", "@", NULL) == EXIT_FINE);
  CU_ASSERT(rig_run(&r, "queue", "@", "T", "0", NULL) == EXIT_CANNOT);
  CU_ASSERT(rig_run(&r, "index", "@", "T", "k", NULL) == EXIT_PROBLEMS);
  rig_fini(&r);
}

void test_info(void) {
  struct rig r;
  rig_init(&r, "store/store-a-normal.tar.gz", "store");
  CU_ASSERT(rig_run(&r, "info", "@", NULL) == EXIT_FINE);
  CU_ASSERT(rig_said(&r, "commitlog: 8 files of 65536 bytes\n  offsets 0 to 460152\n  847 records"));
  CU_ASSERT(rig_said(&r, "20261123112346352: 255 entries of 255, 64 slots, 5416 bytes"));
  CU_ASSERT(rig_said(&r, "abort: none"));
  CU_ASSERT(rig_said(&r, "config/subscriptionGroup.json: good, 8 groups\n"));
  CU_ASSERT(rig_said(&r, "CG_one of Pay-ments_2zm, queue 2: 3"));
  CU_ASSERT(rig_run(&r, "info", "@", "--json", NULL) == EXIT_FINE);
  const struct json *config = json_member(rig_json(&r, 0), "config");
  ASSERT_SPAN(json_text(json_member(json_member(config, "topics.json"), "state")), "good");
  ASSERT_SPAN(json_text(json_member(json_member(config, "delayOffset.json"), "state")), "missing");
  rig_fini(&r);
}
