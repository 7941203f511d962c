/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/histogram.h"

enum { SUB = 1 << HISTOGRAM_SUB_BITS };

static unsigned bucket_of(uint64_t value) {
  if (value < SUB) return (unsigned)value;
  unsigned shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
  return ((shift + 1) << HISTOGRAM_SUB_BITS) + (unsigned)(value >> shift) - SUB;
}

/* The largest value of a bucket. */
static uint64_t top_of(unsigned bucket) {
  if (bucket < SUB) return bucket;
  unsigned shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
  uint64_t low = (uint64_t)((bucket & (SUB - 1)) + SUB) << shift;
  return low + ((UINT64_C(1) << shift) - 1);
}

void histogram_add(struct histogram *h, uint64_t value) {
  h->buckets[bucket_of(value)]++;
  h->count++;
  if (value > h->max) h->max = value;
}

void histogram_merge(struct histogram *into, const struct histogram *from) {
  for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) into->buckets[i] += from->buckets[i];
  into->count += from->count;
  if (from->max > into->max) into->max = from->max;
}

uint64_t histogram_at(const struct histogram *h, unsigned per_mille) {
  uint64_t rank = (h->count * per_mille + 999) / 1000, seen = 0;
  for (unsigned i = 0; i < HISTOGRAM_BUCKETS && h->count > 0; i++) {
    seen += h->buckets[i];
    if (seen >= rank && seen > 0) return top_of(i) < h->max ? top_of(i) : h->max;
  }
  return h->max;
}
