/* SPDX-License-Identifier: Apache-2.0 */
#include "mqclient/error.h"

const char *mq_error_text(enum mq_result result) {
  static const char *const texts[] = {
#define X(name, text) text,
      MQ_RESULTS(X)
#undef X
  };
  unsigned i = (unsigned)result;
  return i < sizeof texts / sizeof texts[0] ? texts[i] : "unknown result";
}
