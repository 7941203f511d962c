/* SPDX-License-Identifier: Apache-2.0
 *
 * The log stays here.
 */
#include "mqbroker/repl/repl.h"

#include <stdlib.h>

static bool none_owns(const struct repl *r, conn_id conn) {
  (void)r, (void)conn;
  return false;
}
static void none_connection(struct repl *r, const struct net_event *event, struct moment now) {
  (void)r, (void)event, (void)now;
}
static size_t none_bytes(struct repl *r, conn_id conn, struct span input, struct moment now) {
  (void)r, (void)conn, (void)input, (void)now;
  return NODE_BYTES_BROKEN;
}
static int64_t none_turn(struct repl *r, struct moment now) {
  (void)r, (void)now;
  return TIME_NEVER;
}
static int64_t none_replicated(const struct repl *r) {
  (void)r;
  return 0;
}
static enum repl_need none_need(const struct repl *r, int64_t end_offset) {
  (void)r, (void)end_offset;
  return REPL_FREE;
}
static void none_master_is(struct repl *r, struct span address) { (void)r, (void)address; }
static const char *none_stopped(const struct repl *r) {
  (void)r;
  return NULL;
}
static void none_describe(const struct repl *r, struct buf *out, struct moment now) {
  (void)r, (void)now;
  buf_put_text(out, "no replication");
}
static void none_free(struct repl *r) { free(r); }

static const struct repl_ops none_ops = {none_owns, none_connection, none_bytes,   none_turn,     none_replicated,
                                         none_need, none_master_is,  none_stopped, none_describe, none_free};

struct repl *repl_none_new(void) {
  struct repl *r = malloc(sizeof *r);
  if (r != NULL) r->ops = &none_ops;
  return r;
}
