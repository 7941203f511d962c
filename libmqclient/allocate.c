/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/allocate.h"

void allocate_averagely(size_t queues, size_t members, size_t index, size_t *start, size_t *count) {
  *start = *count = 0;
  if (members == 0 || index >= members) return;
  size_t share = queues / members, rest = queues % members;
  /* The first `rest` members get one more. */
  *count = index < rest ? share + 1 : share;
  *start = index < rest ? index * (share + 1) : index * share + rest;
}
