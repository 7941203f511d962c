/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/status.h"

const char *status_text(enum status status) {
  static const char *const texts[] = {
#define X(name, text) text,
      STATUS_LIST(X)
#undef X
  };
  unsigned i = (unsigned)status;
  return i < sizeof texts / sizeof texts[0] ? texts[i] : "unknown status";
}
