/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/histogram.h"

static unsigned bucket_of(uint64_t v) {
  if (v < 1u << HISTOGRAM_SUB_BITS) return (unsigned)v;
  unsigned shift = 63u - (unsigned)__builtin_clzll(v) - HISTOGRAM_SUB_BITS;
  return ((shift + 1) << HISTOGRAM_SUB_BITS) + (unsigned)((v >> shift) & ((1u << HISTOGRAM_SUB_BITS) - 1));
}

/* Greatest value of a bucket. */
static uint64_t bucket_end(unsigned bucket) {
  unsigned group = bucket >> HISTOGRAM_SUB_BITS, sub = bucket & ((1u << HISTOGRAM_SUB_BITS) - 1);
  if (group == 0) return sub;
  return (((uint64_t)(1u << HISTOGRAM_SUB_BITS) + sub + 1) << (group - 1)) - 1;
}

void histogram_add(struct histogram *h, uint64_t value) {
  h->counts[bucket_of(value)]++;
  h->total++;
  h->sum += value;
  if (value > h->max) h->max = value;
}

void histogram_merge(struct histogram *into, const struct histogram *from) {
  for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) into->counts[i] += from->counts[i];
  into->total += from->total;
  into->sum += from->sum;
  if (from->max > into->max) into->max = from->max;
}

uint64_t histogram_at(const struct histogram *h, double share) {
  uint64_t wanted = (uint64_t)(share * (double)h->total + 0.5), seen = 0;
  for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
    seen += h->counts[i];
    if (seen >= wanted && seen > 0) return bucket_end(i) < h->max ? bucket_end(i) : h->max;
  }
  return h->max;
}
