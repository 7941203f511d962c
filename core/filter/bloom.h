/* SPDX-License-Identifier: Apache-2.0
 *
 * bloom: the Bloom filter of the extended consume queue. Every (group, topic)
 * with an SQL filter owns a few bits; a message carries the bits of those
 * groups whose filter it passed, so that a pull can skip what surely does not
 * match without reading it. Agrees to the bit with
 * org.apache.rocketmq.filter.util.{BloomFilter,BitsArray} and the murmur3_128
 * of the Guava they use: the bits are in Java's files.
 */
#ifndef MQ_FILTER_BLOOM_H
#define MQ_FILTER_BLOOM_H

#include "core/base/status.h"
#include "core/base/span.h"

#define BLOOM_HASHES_MAX 7 /* at an error rate of 1 % */

struct bloom {
  int32_t error_percent; /* f */
  int32_t expected;      /* n: members */
  int32_t hashes;        /* k: bits per member */
  int32_t bits;          /* m: a multiple of 8 */
};

/* createByFn. INVALID: error_percent is not 1..99, expected is below 1 or too large for 32-bit lengths. */
enum status bloom_init(struct bloom *b, int32_t error_percent, int32_t expected) MUST_USE;
static inline size_t bloom_bytes(const struct bloom *b) { return (size_t)b->bits / 8; }
/* calcBitPositions: b->hashes places, each below b->bits. */
void bloom_positions(const struct bloom *b, struct span text, int32_t out[BLOOM_HASHES_MAX]);
/* hashTo and isHit; bitmap has bloom_bytes. */
void bloom_set(const struct bloom *b, const int32_t *positions, uint8_t *bitmap);
bool bloom_hit(const struct bloom *b, const int32_t *positions, const uint8_t *bitmap);
/* The first half of murmur3_128 with seed 0, as HashCode.asLong gives it. */
uint64_t murmur3_128_low(struct span bytes);

#endif
