/* SPDX-License-Identifier: Apache-2.0
 *
 * What planted.h plants here.
 */
#include "mqbroker/broker.h"
#include "mqbroker/store/consumequeue.h"
#include "tests/sim/planted.h"

#include <stddef.h>

enum { REPLY_FIRST = 1, NO_FSYNC, LOST_WAKEUP, DOUBLE_REPLY, QUEUE_HOLE, NO_CRC, COUNT };

const struct planted_bug planted_bugs[] = {
    [REPLY_FIRST] = {"reply-before-append", "a send is answered in the turn before it is written"},
    [NO_FSYNC] = {"ack-without-fsync", "SYNC_FLUSH sends are answered when written, not when synced"},
    [LOST_WAKEUP] = {"lost-wakeup", "some arrivals do not wake the pulls that wait for them"},
    [DOUBLE_REPLY] = {"double-reply", "some requests are answered twice"},
    [QUEUE_HOLE] = {"queue-hole", "some records do not get into their consume queue"},
    [NO_CRC] = {"recovery-without-crc", "torn records are taken for whole ones after a power cut"},
    [COUNT] = {NULL, NULL},
};

/* ---- the wrapped functions: each has the type of the real one, so the compiler sees when that changes ---- */

__typeof__(store_commit) __real_store_commit, __wrap_store_commit;
enum status __wrap_store_commit(struct store *s, struct moment now) {
  return planted_bites(REPLY_FIRST, 2) ? STATUS_OK : __real_store_commit(s, now); /* later will do */
}

__typeof__(store_appended) __real_store_appended, __wrap_store_appended;
int64_t __wrap_store_appended(const struct store *s) {
  return planted_is(REPLY_FIRST) ? INT64_MAX / 2 : __real_store_appended(s);
}

__typeof__(gate_release) __real_gate_release, __wrap_gate_release;
void __wrap_gate_release(struct gate *g, const struct gate_marks *marks, struct moment now, gate_answer answer,
                         void *context) {
  struct gate_marks told = *marks;
  if (planted_is(NO_FSYNC)) told.flushed = marks->appended;
  __real_gate_release(g, &told, now, answer, context);
}

__typeof__(parked_arrived) __real_parked_arrived, __wrap_parked_arrived;
void __wrap_parked_arrived(struct parked *p, struct span topic, int32_t queue_id, int64_t queue_max) {
  if (!planted_bites(LOST_WAKEUP, 8)) __real_parked_arrived(p, topic, queue_id, queue_max);
}

__typeof__(remoting_reply) __real_remoting_reply, __wrap_remoting_reply;
void __wrap_remoting_reply(struct remoting *r, const struct reply_to *to, const struct reply_out *reply) {
  __real_remoting_reply(r, to, reply);
  if (planted_bites(DOUBLE_REPLY, 50)) __real_remoting_reply(r, to, reply);
}

__typeof__(consumequeue_put) __real_consumequeue_put, __wrap_consumequeue_put;
enum status __wrap_consumequeue_put(struct consumequeue *q, int64_t index, const struct unit *unit,
                                    const struct ext_unit *ext, int64_t mono_ms) {
  return planted_bites(QUEUE_HOLE, 100) ? STATUS_OK : __real_consumequeue_put(q, index, unit, ext, mono_ms);
}

__typeof__(message_decode) __real_message_decode, __wrap_message_decode;
enum status __wrap_message_decode(struct span input, bool check_crc, struct message *out, size_t *size) {
  return __real_message_decode(input, check_crc && !planted_is(NO_CRC), out, size);
}
