/* SPDX-License-Identifier: Apache-2.0 */
#include "core/wire/codes.h"

const char *request_code_name(int code) {
  switch (code) {
#define X(number, name) \
  case number:          \
    return #name;
    REQUEST_CODES(X)
#undef X
  default:
    return "UNKNOWN";
  }
}

const char *response_code_name(int code) {
  switch (code) {
#define X(number, name) \
  case number:          \
    return #name;
    RESPONSE_CODES(X)
#undef X
  default:
    return "UNKNOWN";
  }
}
