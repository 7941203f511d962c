/* SPDX-License-Identifier: Apache-2.0
 *
 * The master's side: every slave has a link with what it asked for, what was
 * sent and what it has acknowledged. Bodies are sent out of the mapped log
 * without a copy, as long as the network takes them: what waits for a slow
 * slave is bounded, and then it simply gets less often.
 *
 * An acknowledgement counts only up to what was sent on that very link, so a
 * slave that claims more (its log is another one) satisfies nobody. Java keeps
 * one high-water mark of whatever any slave ever claimed.
 */
#include "mqbroker/repl/ha_wire.h"
#include "mqbroker/repl/repl.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
  LINKS_MAX = 64,
  TURN_BYTES = 256 << 10, /* to one slave in one turn, so that a long catch-up does not hold up producers */
  BACKLOG_POLL_MS = 2
};

struct link {
  conn_id conn;
  char name[NET_PEER_TEXT_MAX];
  struct net_peer peer;
  bool ours;     /* said HA_HELLO */
  int32_t id;    /* ... with its brokerId */
  bool asked;    /* its first report came */
  bool lost;     /* what it wants is not in our log */
  bool told;     /* ... and the log file says so */
  int64_t next;  /* next byte to send */
  int64_t acked; /* it has the log up to here */
  int64_t heard_ms, wrote_ms;
};

struct ha_master {
  struct repl repl;
  struct repl_config config;
  struct repl_host host;
  struct link links[LINKS_MAX];
  size_t count;
  int64_t replicated;
  struct log_quota complaints; /* whoever reaches the port can make us write */
};

static struct ha_master *master_of(struct repl *r) { return (struct ha_master *)r; }
static const struct ha_master *master_in(const struct repl *r) { return (const struct ha_master *)r; }

static struct link *link_find(const struct ha_master *m, conn_id conn) {
  for (size_t i = 0; i < m->count; i++)
    if (m->links[i].conn == conn) return (struct link *)&m->links[i];
  return NULL;
}

static void link_remove(struct ha_master *m, struct link *l) { *l = m->links[--m->count]; }

static bool may_tell(struct ha_master *m, struct moment now) {
  return log_quota_take(&m->complaints, m->host.log, now);
}

static void link_close(struct ha_master *m, struct link *l, const char *why, struct moment now) {
  if (may_tell(m, now)) log_warn(m->host.log, "slave %s: %s: the connection is closed", l->name, why);
  m->host.net->ops->close(m->host.net, l->conn);
  link_remove(m, l);
}

static bool owns(const struct repl *r, conn_id conn) { return link_find(master_in(r), conn) != NULL; }

static void connection(struct repl *r, const struct net_event *event, struct moment now) {
  struct ha_master *m = master_of(r);
  struct link *l = link_find(m, event->conn);
  if (event->kind == NET_CLOSED) {
    if (l == NULL) return;
    if (may_tell(m, now))
      log_warn(m->host.log, "slave %s is gone: %s; it had the log up to offset %" PRId64, l->name, event->reason,
               l->acked);
    link_remove(m, l);
    return;
  }
  if (m->count == LINKS_MAX) {
    if (may_tell(m, now)) log_warn(m->host.log, "a slave more than %d: its connection is closed", LINKS_MAX);
    m->host.net->ops->close(m->host.net, event->conn);
    return;
  }
  l = &m->links[m->count++];
  *l = (struct link){.conn = event->conn, .heard_ms = now.mono_ms, .wrote_ms = now.mono_ms};
  l->peer = event->peer;
  net_peer_text(&event->peer, l->name);
  if (may_tell(m, now)) log_info(m->host.log, "slave %s connected", l->name);
}

/* ---- what a slave says ---- */

static bool counts(const struct link *l) { return l->asked && !l->lost; }

/* A slave that came again may still have its old, dead connection. Java's slaves do not say who they are: those of one
 * machine count as one. */
static bool same_slave(const struct link *a, const struct link *b) {
  if (a->ours && b->ours) return a->id == b->id;
  return !a->ours && !b->ours && a->peer.ip_len == b->peer.ip_len &&
         memcmp(a->peer.ip, b->peer.ip, a->peer.ip_len) == 0;
}

/* How many slaves have the log up to offset. */
static int32_t slaves_with(const struct ha_master *m, int64_t offset) {
  int32_t n = 0;
  for (size_t i = 0; i < m->count; i++) {
    bool another = counts(&m->links[i]) && m->links[i].acked >= offset;
    for (size_t j = 0; j < i && another; j++)
      another = !(counts(&m->links[j]) && m->links[j].acked >= offset && same_slave(&m->links[i], &m->links[j]));
    n += another;
  }
  return n;
}

/* The n-th greatest acknowledgement; -1: there are not so many slaves. */
static int64_t acked_by(const struct ha_master *m, int32_t n) {
  int64_t best = -1;
  for (size_t i = 0; i < m->count; i++) {
    const struct link *l = &m->links[i];
    if (counts(l) && l->acked > best && (n == 1 || slaves_with(m, l->acked) >= n)) best = l->acked;
  }
  return best;
}

static void mark_update(struct ha_master *m) {
  int64_t mark = acked_by(m, m->config.in_sync);
  if (mark > m->replicated) m->replicated = mark;
}

static void header_send(struct ha_master *m, struct link *l, int64_t offset, size_t length, struct moment now) {
  uint8_t header[HA_HEADER_SIZE];
  ha_header_put(header, offset, (int32_t)length);
  m->host.net->ops->send(m->host.net, l->conn, span_of(header, sizeof header));
  l->wrote_ms = now.mono_ms;
}

/* HAConnection.WriteSocketService.run, nextTransferFromWhere == -1. */
static void link_begin(struct ha_master *m, struct link *l, int64_t report, struct moment now) {
  int64_t min = store_log_min(m->host.store), max = store_log_max(m->host.store);
  l->asked = true;
  l->next = report;
  if (report == 0) {
    l->next = l->ours ? min : max - max % m->config.segment_length;
    if (l->next < min) l->next = min;
  }
  l->lost = l->next < min || l->next > max;
  l->acked = l->lost || report == 0 ? 0 : report;
  if (!l->lost) {
    if (may_tell(m, now))
      log_info(m->host.log, "slave %s goes on from offset %" PRId64 ", our log is [%" PRId64 ", %" PRId64 ")", l->name,
               l->next, min, max);
    return;
  }
  if (may_tell(m, now))
    log_error(m->host.log,
              "slave %s asks for offset %" PRId64 ", our log is [%" PRId64 ", %" PRId64
              "): it gets nothing until it is "
              "seeded again",
              l->name, report, min, max);
  if (l->ours) header_send(m, l, l->next < min ? min : max, 0, now);
}

/* Its old connections are dead, or somebody gave two slaves one brokerId. */
static void say_hello(struct ha_master *m, struct link *l, int32_t id, struct moment now) {
  conn_id conn = l->conn;
  l->ours = true;
  l->id = id;
  for (size_t i = 0; i < m->count;) {
    struct link *other = &m->links[i];
    if (other->conn != conn && other->ours && other->id == id) link_close(m, other, "it came again", now);
    else i++;
  }
}

static void link_report(struct ha_master *m, struct link *l, int64_t report, struct moment now) {
  if (!l->asked) {
    link_begin(m, l, report, now);
  } else if (report > l->next && !l->lost) {
    if (!l->told) log_error(m->host.log, "slave %s claims offset %" PRId64 ", which it was not sent", l->name, report);
    l->told = true;
  } else if (report > l->acked) {
    l->acked = report;
  }
}

static size_t bytes(struct repl *r, conn_id conn, struct span input, struct moment now) {
  struct ha_master *m = master_of(r);
  struct link *l = link_find(m, conn);
  if (l == NULL) return NODE_BYTES_BROKEN;
  size_t used = 0;
  for (; input.len - used >= HA_REPORT_SIZE; used += HA_REPORT_SIZE) {
    int64_t report = get_i64(input.ptr + used);
    if (!l->asked && ha_is_hello(report)) {
      say_hello(m, l, (int32_t)(report - HA_HELLO), now);
      l = link_find(m, conn); /* it may have moved */
    } else {
      link_report(m, l, report, now);
    }
  }
  if (used > 0) l->heard_ms = now.mono_ms;
  mark_update(m);
  return used;
}

/* ---- what a slave is sent ---- */

/* Frames up to the turn's share. Returns when to go on: now, soon, or when something happens. */
static int64_t link_push(struct ha_master *m, struct link *l, struct moment now) {
  struct net *net = m->host.net;
  struct span body;
  size_t waiting = net->ops->backlog(net, l->conn), sent = 0;
  if (l->lost) return TIME_NEVER;
  if (l->next < store_log_min(m->host.store)) {
    log_error(m->host.log, "slave %s is so slow that offset %" PRId64 " was removed before it was sent", l->name,
              l->next);
    l->lost = true;
    if (l->ours) header_send(m, l, store_log_min(m->host.store), 0, now);
    return TIME_NEVER;
  }
  /* What the network does not take at once is copied, all that waits with it: little may wait. But something must be
   * there when it takes bytes again. */
  while (waiting < TURN_BYTES && sent < TURN_BYTES && (int64_t)(waiting + sent) < m->config.backlog_max &&
         store_log_bytes(m->host.store, l->next, (size_t)m->config.batch, &body) == STATUS_OK) {
    header_send(m, l, l->next, body.len, now);
    net->ops->send_borrowed(net, l->conn, body);
    l->next += (int64_t)body.len;
    sent += body.len;
  }
  if (l->next >= store_log_max(m->host.store)) return TIME_NEVER;
  return sent > 0 ? now.mono_ms : now.mono_ms + BACKLOG_POLL_MS;
}

/* Returns when the link wants to be looked at again; false in *keep: it is gone. */
static int64_t link_turn(struct ha_master *m, struct link *l, struct moment now, bool *keep) {
  *keep = now.mono_ms - l->heard_ms < m->config.housekeeping_ms;
  if (!*keep) {
    link_close(m, l, "it said nothing for haHousekeepingInterval", now);
    return TIME_NEVER;
  }
  int64_t silent_at = l->heard_ms + m->config.housekeeping_ms;
  if (!l->asked) return silent_at;
  if (now.mono_ms - l->wrote_ms >= m->config.keepalive_ms && m->host.net->ops->backlog(m->host.net, l->conn) == 0)
    header_send(m, l, l->next, 0, now);
  int64_t wake = link_push(m, l, now);
  int64_t keepalive_at = l->wrote_ms + m->config.keepalive_ms;
  if (keepalive_at <= now.mono_ms) keepalive_at = now.mono_ms + m->config.keepalive_ms; /* its network is stuck */
  if (keepalive_at < wake) wake = keepalive_at;
  return silent_at < wake ? silent_at : wake;
}

static int64_t turn(struct repl *r, struct moment now) {
  struct ha_master *m = master_of(r);
  int64_t wake = TIME_NEVER;
  for (size_t i = 0; i < m->count;) {
    bool keep;
    int64_t at = link_turn(m, &m->links[i], now, &keep);
    if (at < wake) wake = at;
    i += keep;
  }
  mark_update(m);
  return wake;
}

/* ---- what the gate asks ---- */

static int64_t replicated(const struct repl *r) { return master_in(r)->replicated; }

/* CommitLog.handleHA, HAService.isSlaveOK. */
static enum repl_need need(const struct repl *r, int64_t end_offset) {
  const struct ha_master *m = master_in(r);
  if (!m->config.sync || m->config.in_sync == 0) return REPL_FREE;
  int64_t acked = acked_by(m, m->config.in_sync);
  return acked >= 0 && end_offset - acked < m->config.fall_behind_max ? REPL_WAIT : REPL_NO_SLAVE;
}

static void master_is(struct repl *r, struct span address) { (void)r, (void)address; }

static const char *stopped(const struct repl *r) {
  (void)r;
  return NULL;
}

static void describe(const struct repl *r, struct buf *out, struct moment now) {
  const struct ha_master *m = master_in(r);
  int64_t max = store_log_max(m->host.store);
  (void)now;
  buf_printf(out, "master, %zu slaves", m->count);
  for (size_t i = 0; i < m->count; i++) {
    const struct link *l = &m->links[i];
    if (!l->asked) buf_printf(out, "; %s: connected", l->name);
    else if (l->lost) buf_printf(out, "; %s: wants offset %" PRId64 ", which is not here", l->name, l->next);
    else buf_printf(out, "; %s: %" PRId64 " bytes behind", l->name, max - l->acked);
  }
}

static void master_free(struct repl *r) {
  struct ha_master *m = master_of(r);
  for (size_t i = 0; i < m->count; i++) m->host.net->ops->close(m->host.net, m->links[i].conn);
  free(m);
}

static const struct repl_ops ops = {owns, connection, bytes,   turn,     replicated,
                                    need, master_is,  stopped, describe, master_free};

struct repl *ha_master_new(const struct repl_config *config, const struct repl_host *host) {
  struct ha_master *m = calloc(1, sizeof *m);
  if (m == NULL) return NULL;
  m->repl.ops = &ops;
  m->config = *config;
  m->host = *host;
  return &m->repl;
}
