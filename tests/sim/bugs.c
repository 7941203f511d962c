/* SPDX-License-Identifier: Apache-2.0
 *
 * bugs: planted with the linker's --wrap, so that the programs do not know.
 */
#include "mqbroker/broker.h"
#include "mqbroker/store/consumequeue.h"
#include "tests/sim/swarm.h"

#include <stdio.h>

static const struct {
  const char *name, *doc;
} bugs[BUG_COUNT] = {
#define X(name, text, doc) {text, doc},
    SWARM_BUGS(X)
#undef X
};

static enum bug planted;
static struct prng chance;

bool bug_plant(const char *name) {
  for (int i = 0; i < BUG_COUNT; i++)
    if (strcmp(bugs[i].name, name) == 0) {
      planted = (enum bug)i;
      return true;
    }
  return false;
}

void bug_begin(void) { prng_init(&chance, 1); }

void bug_list(bool docs) {
  for (int i = BUG_NONE + 1; i < BUG_COUNT; i++)
    if (docs) printf("  %-20s %s\n", bugs[i].name, bugs[i].doc);
    else printf("%s\n", bugs[i].name);
}

static bool bites(enum bug bug, uint64_t one_in) { return planted == bug && prng_chance(&chance, 1, one_in); }

/* ---- the wrapped functions: each has the type of the real one, so the compiler sees when that changes ---- */

__typeof__(store_commit) __real_store_commit, __wrap_store_commit;
enum status __wrap_store_commit(struct store *s, struct moment now) {
  return bites(BUG_REPLY_FIRST, 2) ? STATUS_OK : __real_store_commit(s, now); /* later will do */
}

__typeof__(store_appended) __real_store_appended, __wrap_store_appended;
int64_t __wrap_store_appended(const struct store *s) {
  return planted == BUG_REPLY_FIRST ? INT64_MAX / 2 : __real_store_appended(s);
}

__typeof__(gate_release) __real_gate_release, __wrap_gate_release;
void __wrap_gate_release(struct gate *g, const struct gate_marks *marks, struct moment now, gate_answer answer,
                         void *context) {
  struct gate_marks told = *marks;
  if (planted == BUG_NO_FSYNC) told.flushed = marks->appended;
  __real_gate_release(g, &told, now, answer, context);
}

__typeof__(parked_arrived) __real_parked_arrived, __wrap_parked_arrived;
void __wrap_parked_arrived(struct parked *p, struct span topic, int32_t queue_id, int64_t queue_max) {
  if (!bites(BUG_LOST_WAKEUP, 8)) __real_parked_arrived(p, topic, queue_id, queue_max);
}

__typeof__(remoting_reply) __real_remoting_reply, __wrap_remoting_reply;
void __wrap_remoting_reply(struct remoting *r, const struct reply_to *to, const struct reply_out *reply) {
  __real_remoting_reply(r, to, reply);
  if (bites(BUG_DOUBLE_REPLY, 50)) __real_remoting_reply(r, to, reply);
}

__typeof__(consumequeue_put) __real_consumequeue_put, __wrap_consumequeue_put;
enum status __wrap_consumequeue_put(struct consumequeue *q, int64_t index, const struct unit *unit,
                                    const struct ext_unit *ext, int64_t mono_ms) {
  return bites(BUG_QUEUE_HOLE, 100) ? STATUS_OK : __real_consumequeue_put(q, index, unit, ext, mono_ms);
}

__typeof__(message_decode) __real_message_decode, __wrap_message_decode;
enum status __wrap_message_decode(struct span input, bool check_crc, struct message *out, size_t *size) {
  return __real_message_decode(input, check_crc && planted != BUG_NO_CRC, out, size);
}
