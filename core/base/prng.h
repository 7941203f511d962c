/* SPDX-License-Identifier: Apache-2.0
 *
 * prng: splitmix64. Repeatable chance from a seed; not for secrets.
 */
#ifndef MQ_BASE_PRNG_H
#define MQ_BASE_PRNG_H

#include <stdbool.h>
#include <stdint.h>

struct prng {
  uint64_t state;
};

static inline void prng_init(struct prng *p, uint64_t seed) { p->state = seed; }
uint64_t prng_next(struct prng *p);
/* Uniform in [0, bound); bound > 0. */
uint64_t prng_below(struct prng *p, uint64_t bound);
/* True with probability numerator/denominator. */
bool prng_chance(struct prng *p, uint64_t numerator, uint64_t denominator);

#endif
