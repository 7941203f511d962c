/* SPDX-License-Identifier: Apache-2.0
 *
 * histogram: counts of durations in log-linear buckets (64 a power of two, so
 * within 1.6 %). One writer; merge the writers' histograms at the end.
 */
#ifndef TOOLS_HISTOGRAM_H
#define TOOLS_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_SUB_BITS = 6, HISTOGRAM_BUCKETS = (64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS };

struct histogram {
  uint64_t counts[HISTOGRAM_BUCKETS];
  uint64_t total;
  uint64_t sum;
  uint64_t max;
};

void histogram_add(struct histogram *h, uint64_t value);
void histogram_merge(struct histogram *into, const struct histogram *from);
/* Value below or at which a share (0..1) of the counts lies. 0 when empty. */
uint64_t histogram_at(const struct histogram *h, double share);

#endif
