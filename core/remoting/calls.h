/* SPDX-License-Identifier: Apache-2.0
 *
 * calls: outstanding requests by opaque. Opaques are given in sequence, so the
 * low bits spread them evenly over the buckets.
 */
#ifndef MQ_REMOTING_CALLS_H
#define MQ_REMOTING_CALLS_H

#include "core/remoting/remoting.h"

struct calls {
  struct call **buckets;
  size_t bucket_count; /* power of two */
  size_t count;
};

enum status calls_init(struct calls *cs) MUST_USE;
void calls_fini(struct calls *cs);
/* call->opaque is set and not in use. */
void calls_add(struct calls *cs, struct call *call);
struct call *calls_find(const struct calls *cs, int32_t opaque);
void calls_remove(struct calls *cs, struct call *call);
/* Every call, in no particular order; `each` must not add or remove. */
void calls_each(struct calls *cs, void (*each)(void *context, struct call *call), void *context);

#endif
