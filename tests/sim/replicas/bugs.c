/* SPDX-License-Identifier: Apache-2.0
 *
 * bugs: planted with the linker's --wrap, so that the programs do not know.
 */
#include "mqbroker/broker.h"
#include "tests/sim/replicas/replicas.h"

#include <stdio.h>

static const struct {
  const char *name, *doc;
} bugs[BUG_COUNT] = {
#define X(name, text, doc) {text, doc},
    REPLICAS_BUGS(X)
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

__typeof__(gate_release) __real_gate_release, __wrap_gate_release;
void __wrap_gate_release(struct gate *g, const struct gate_marks *marks, struct moment now, gate_answer answer,
                         void *context) {
  struct gate_marks told = *marks;
  if (planted == BUG_ACK_FIRST) told.replicated = marks->appended;
  __real_gate_release(g, &told, now, answer, context);
}

/* Later will do. */
__typeof__(store_commit) __real_store_commit, __wrap_store_commit;
enum status __wrap_store_commit(struct store *s, struct moment now) {
  return bites(BUG_REPORT_FIRST, 2) ? STATUS_OK : __real_store_commit(s, now);
}

__typeof__(store_log_max) __real_store_log_max, __wrap_store_log_max;
int64_t __wrap_store_log_max(const struct store *s) {
  return planted == BUG_REPORT_FIRST ? store_raw_end(s) : __real_store_log_max(s);
}

/* Java's slave asks from the end of its log. */
__typeof__(store_last_record) __real_store_last_record, __wrap_store_last_record;
int64_t __wrap_store_last_record(struct store *s) {
  int64_t from = __real_store_last_record(s);
  return planted == BUG_NO_COMPARE && from >= 0 ? __real_store_log_max(s) : from;
}

__typeof__(store_raw_forget) __real_store_raw_forget, __wrap_store_raw_forget;
void __wrap_store_raw_forget(struct store *s) {
  if (planted != BUG_STALE_PIECE) __real_store_raw_forget(s);
}

__typeof__(store_append_raw) __real_store_append_raw, __wrap_store_append_raw;
enum status __wrap_store_append_raw(struct store *s, int64_t offset, struct span bytes, struct moment now,
                                    struct buf *why) {
  if (bites(BUG_SHORT_FRAME, 50)) bytes.len--;
  return bytes.len == 0 ? STATUS_OK : __real_store_append_raw(s, offset, bytes, now, why);
}
