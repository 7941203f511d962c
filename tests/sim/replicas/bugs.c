/* SPDX-License-Identifier: Apache-2.0
 *
 * What planted.h plants here.
 */
#include "mqbroker/broker.h"
#include "tests/sim/planted.h"

#include <stddef.h>

enum { ACK_FIRST = 1, REPORT_FIRST, NO_COMPARE, STALE_PIECE, SHORT_FRAME, COUNT };

const struct planted_bug planted_bugs[] = {
    [ACK_FIRST] = {"ack-before-replica", "SYNC_MASTER answers what no slave has"},
    [REPORT_FIRST] = {"report-before-write", "a slave reports what it has only in memory"},
    [NO_COMPARE] = {"no-comparison", "a slave goes on behind its log's end without comparing"},
    [STALE_PIECE] = {"stale-piece", "half a record from an old connection is kept for the next"},
    [SHORT_FRAME] = {"lost-byte", "some frames lack their last byte"},
    [COUNT] = {NULL, NULL},
};

/* ---- the wrapped functions: each has the type of the real one, so the compiler sees when that changes ---- */

__typeof__(gate_release) __real_gate_release, __wrap_gate_release;
void __wrap_gate_release(struct gate *g, const struct gate_marks *marks, struct moment now, gate_answer answer,
                         void *context) {
  struct gate_marks told = *marks;
  if (planted_is(ACK_FIRST)) told.replicated = marks->appended;
  __real_gate_release(g, &told, now, answer, context);
}

/* Later will do. */
__typeof__(store_commit) __real_store_commit, __wrap_store_commit;
enum status __wrap_store_commit(struct store *s, struct moment now) {
  return planted_bites(REPORT_FIRST, 2) ? STATUS_OK : __real_store_commit(s, now);
}

__typeof__(store_log_max) __real_store_log_max, __wrap_store_log_max;
int64_t __wrap_store_log_max(const struct store *s) {
  return planted_is(REPORT_FIRST) ? store_raw_end(s) : __real_store_log_max(s);
}

/* Java's slave asks from the end of its log. */
__typeof__(store_last_record) __real_store_last_record, __wrap_store_last_record;
int64_t __wrap_store_last_record(struct store *s) {
  int64_t from = __real_store_last_record(s);
  return planted_is(NO_COMPARE) && from >= 0 ? __real_store_log_max(s) : from;
}

__typeof__(store_raw_forget) __real_store_raw_forget, __wrap_store_raw_forget;
void __wrap_store_raw_forget(struct store *s) {
  if (!planted_is(STALE_PIECE)) __real_store_raw_forget(s);
}

__typeof__(store_append_raw) __real_store_append_raw, __wrap_store_append_raw;
enum status __wrap_store_append_raw(struct store *s, int64_t offset, struct span bytes, struct moment now,
                                    struct buf *why) {
  if (planted_bites(SHORT_FRAME, 50)) bytes.len--;
  return bytes.len == 0 ? STATUS_OK : __real_store_append_raw(s, offset, bytes, now, why);
}
