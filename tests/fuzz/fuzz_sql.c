/* SPDX-License-Identifier: Apache-2.0
 *
 * SQL92 filters. Input: the text, a zero byte, properties. What compiles can be evaluated on anything, needs no more
 * than the limits say, and means the same when its own text is compiled again; what does not is told where it is wrong.
 */
#include "core/filter/sql.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const struct sql_limits limits = {4096, 256, 32};
  struct span input = span_of(data, size);
  size_t end = span_find(input, 0, 0);
  struct span text = span_of(data, end), properties = span_from(input, end + 1);
  struct sql *q = NULL, *same = NULL;
  struct sql_error error = {0, ""};
  enum status status = sql_compile(text, &limits, &q, &error);
  if (status != STATUS_OK) {
    MUST(status == STATUS_INVALID || status == STATUS_LIMIT);
    MUST(q == NULL && error.text[0] != '\0' && error.at >= 1 && error.at <= text.len + 1);
    return 0;
  }
  MUST(span_equal(sql_text(q), text));
  enum sql_result result = sql_evaluate(q, properties);
  MUST(result >= SQL_FALSE && result <= SQL_ERROR);
  MUST(sql_compile(sql_text(q), &limits, &same, &error) == STATUS_OK);
  MUST(sql_size(same) == sql_size(q) && sql_evaluate(same, properties) == result);
  sql_free(q);
  sql_free(same);
  return 0;
}
