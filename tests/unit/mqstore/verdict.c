/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/mqstore/verdict.h"

void verdict_check(struct rig *r, int64_t problems, const char *kind, const char *file, int64_t position,
                   const char *text, int line) {
  int code = rig_run(r, "verify", "@", "--json", NULL);
  bool found = false;
  int64_t counted = -1;
  const struct json *said;
  for (size_t i = 0; (said = rig_json(r, i)) != NULL; i++) {
    struct span words = json_text(json_member(said, "text"));
    char copy[1024];
    if (span_is(json_text(json_member(said, "kind")), "result")) counted = json_i64(json_member(said, "problems"), -1);
    if (words.ptr == NULL || !span_copy_text(words, copy, sizeof copy) || strstr(copy, text) == NULL) continue;
    found = found || (span_is(json_text(json_member(said, "kind")), kind) &&
                      span_is(json_text(json_member(said, "file")), file) &&
                      json_i64(json_member(said, "position"), -1) == position);
  }
  bool good = found && counted == problems && code == (problems > 0 ? EXIT_PROBLEMS : EXIT_FINE);
  if (!good)
    printf("    line %d: want %lld problems and \"%s\"; code %d and\n%s%s", line, (long long)problems, text, code,
           r->out, r->err);
  CU_ASSERT(good);
}
