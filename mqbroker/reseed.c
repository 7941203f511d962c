/* SPDX-License-Identifier: Apache-2.0
 *
 * A slave whose log has another history than its master's gets a new one: the
 * old data is moved aside, the store opened again, empty, and everything
 * fetched from the master. Only on an operator's word (haReseed), which names
 * the very log that is meant.
 */
#include "mqbroker/broker.h"

#include <inttypes.h>

enum { WHY_MAX = 4096 };

void broker_reseed_check(struct broker *b) {
  int64_t end;
  const char *word = b->settings->haReseed;
  if (word == NULL || b->settings->enableDLegerCommitLog || b->repl->ops->stopped(b->repl) == NULL || !span_to_i64(span_text(word), &end)) return;
  b->reseed = end == store_log_max(b->store);
  if (!b->reseed)
    log_warn(b->log, "haReseed=%s: the log here ends at offset %" PRId64 ", nothing is done", word,
             store_log_max(b->store));
}

static enum status set_aside(struct broker *b, struct moment now, struct buf *why) {
  struct store_config config = broker_store_config(b);
  b->reseed = false;
  log_warn(b->log, "the log up to offset %" PRId64 " is moved aside, to names that end with .%" PRId64,
           store_log_max(b->store), now.wall_ms);
  b->repl->ops->free(b->repl);
  b->repl = NULL;
  store_close(b->store, now);
  b->store = NULL;
  return store_set_aside(&config, b->disk, now.wall_ms, why);
}

/* Between turns nobody holds anything of the store. A store that could not be opened again is tried again later. */
enum status broker_reseed(struct broker *b, struct moment now) {
  struct buf why;
  enum status status = STATUS_OK;
  buf_init(&why, WHY_MAX);
  if (b->store != NULL) status = set_aside(b, now, &why);
  if (status != STATUS_OK) log_error(b->log, "%.*s", SPAN_ARG(buf_span(&why)));
  buf_clear(&why);
  status = broker_store_open(b, now, &why); /* what could not be moved is opened as it is */
  if (status == STATUS_OK) status = broker_repl_start(b, now);
  if (status == STATUS_OK) b->repl->ops->master_is(b->repl, span_text(b->registration.servers[0].ha_master));
  if (status != STATUS_OK) log_error(b->log, "the store cannot be opened again: %.*s", SPAN_ARG(buf_span(&why)));
  buf_fini(&why);
  return status;
}
