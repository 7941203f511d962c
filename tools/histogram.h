/* SPDX-License-Identifier: Apache-2.0
 *
 * histogram: counts of durations in buckets whose width is 1/64 of their
 * value, so that any percentile is known within 1.6 %.
 */
#ifndef TOOLS_HISTOGRAM_H
#define TOOLS_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_SUB_BITS = 6, HISTOGRAM_BUCKETS = (64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS };

struct histogram {
  uint64_t buckets[HISTOGRAM_BUCKETS];
  uint64_t count;
  uint64_t max;
};

void histogram_add(struct histogram *h, uint64_t value);
void histogram_merge(struct histogram *into, const struct histogram *from);
/* The value that `per_mille` thousandths of all do not pass; 0 when empty. */
uint64_t histogram_at(const struct histogram *h, unsigned per_mille);

#endif
