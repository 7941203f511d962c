/* SPDX-License-Identifier: Apache-2.0
 *
 * The slave's side: one connection to the master, a report of how far the log
 * is here, and pieces of the master's log that are appended behind it.
 *
 * Before anything is appended the two logs are compared: the slave asks from
 * the start of its newest record, and what comes must be what it has. A record
 * names its offset, its time and where it came from, so two logs that have the
 * same one have the same history up to there. Java compares nothing: a master
 * that lost its end and wrote another one goes unnoticed.
 *
 * What cannot be mended by trying again (another history, a gap, a record that
 * is not valid) stops the slave until a person has looked; it goes on serving
 * what it has.
 */
#include "mqbroker/repl/ha_wire.h"
#include "mqbroker/repl/repl.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
  FLUSH_POLL_MS = 20,
  RETRY_MS = 1000,   /* after a connection that failed or ended */
  CONNECT_MS = 5000, /* as Java */
  ADDRESS_MAX = 256,
  REASON_MAX = 1024,
  SILENT_MAX = 2 /* keepalives instead of bytes the master should have */
};

enum slave_state { SLAVE_WAITING, SLAVE_CONNECTING, SLAVE_OPEN, SLAVE_STOPPED };

struct ha_slave {
  struct repl repl;
  struct repl_config config;
  struct repl_host host;
  char address[ADDRESS_MAX]; /* empty: not known yet */
  bool fixed;                /* by haMasterAddress */
  bool plain;                /* do not say HA_HELLO next time: the master took it for an offset */
  enum slave_state state;
  conn_id conn;
  int64_t retry_ms, heard_ms, wrote_ms;
  int64_t next;          /* the next byte to come; -1: wherever the master begins */
  int64_t compare_until; /* bytes before are here already and must be the same */
  int64_t reported;
  size_t body_left; /* of the frame that is coming in */
  int silent;
  bool away_told;    /* the master cannot be reached, the log file says so */
  bool trouble_told; /* the disk refuses, the log file says so */
  char reason[REASON_MAX];
};

static struct ha_slave *slave_of(struct repl *r) { return (struct ha_slave *)r; }
static const struct ha_slave *slave_in(const struct repl *r) { return (const struct ha_slave *)r; }

static bool owns(const struct repl *r, conn_id conn) { return conn != 0 && slave_in(r)->conn == conn; }

/* ---- the connection ---- */

static void hang_up(struct ha_slave *h, struct moment now) {
  if (h->conn != 0) h->host.net->ops->close(h->host.net, h->conn);
  h->conn = 0;
  if (h->state != SLAVE_STOPPED) h->state = SLAVE_WAITING;
  h->retry_ms = now.mono_ms + RETRY_MS;
  store_raw_forget(h->host.store);
}

static void again(struct ha_slave *h, const char *why, struct moment now) {
  log_warn(h->host.log, "master %s: %s; connecting again", h->address, why);
  hang_up(h, now);
}

/* For good, until a person has acted. */
static void stop(struct ha_slave *h, struct moment now, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void stop(struct ha_slave *h, struct moment now, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(h->reason, sizeof h->reason, format, args);
  va_end(args);
  h->state = SLAVE_STOPPED;
  hang_up(h, now);
  int64_t end = store_log_max(h->host.store);
  log_error(h->host.log,
            "replication from %s is stopped at offset %" PRId64
            ": %s. What is here is served as it is. To move it aside "
            "and copy the master's: mqadmin updateBrokerConfig -b THIS_BROKER -k haReseed -v %" PRId64,
            h->address, end, h->reason, end);
}

static bool dial(struct ha_slave *h) {
  struct span all = span_text(h->address);
  size_t colon = all.len;
  while (colon > 0 && all.ptr[colon - 1] != ':') colon--;
  int32_t port;
  char host[ADDRESS_MAX];
  if (colon < 2 || !span_to_i32(span_from(all, colon), &port) || port <= 0 || port > UINT16_MAX) return false;
  struct span name = span_of(all.ptr, colon - 1);
  if (name.ptr[0] == '[' && name.ptr[name.len - 1] == ']') name = span_of(name.ptr + 1, name.len - 2);
  if (!span_copy_text(name, host, sizeof host)) return false;
  h->conn = h->host.net->ops->connect(h->host.net, host, (uint16_t)port, CONNECT_MS);
  return h->conn != 0;
}

static void report_send(struct ha_slave *h, int64_t offset, struct moment now) {
  uint8_t report[HA_REPORT_SIZE];
  put_i64(report, offset);
  h->host.net->ops->send(h->host.net, h->conn, span_of(report, sizeof report));
  h->wrote_ms = now.mono_ms;
}

/* Where to go on: from the newest record on, which is compared. Java's master takes 0 for "your last file", so a log
 * whose only record is its first is compared from its second byte. */
static void ask(struct ha_slave *h, struct moment now) {
  int64_t from = store_last_record(h->host.store);
  store_raw_forget(h->host.store);
  h->state = SLAVE_OPEN;
  h->heard_ms = now.mono_ms;
  h->body_left = 0;
  h->silent = 0;
  h->next = from < 0 ? -1 : from == 0 ? 1 : from;
  h->compare_until = from < 0 ? 0 : store_log_max(h->host.store);
  h->reported = h->next < 0 ? 0 : h->next;
  if (!h->plain) report_send(h, ha_hello(h->config.id), now);
  h->plain = false;
  h->away_told = false;
  report_send(h, h->reported, now);
  log_info(h->host.log, "connected to master %s: going on from offset %" PRId64, h->address, h->reported);
}

static void connection(struct repl *r, const struct net_event *event, struct moment now) {
  struct ha_slave *h = slave_of(r);
  if (event->conn != h->conn) { /* somebody takes us for a master */
    if (event->kind == NET_ACCEPTED) h->host.net->ops->close(h->host.net, event->conn);
    return;
  }
  if (event->kind == NET_CONNECTED) {
    ask(h, now);
  } else if (event->kind == NET_CLOSED) {
    h->conn = 0;
    if (h->state == SLAVE_OPEN) log_warn(h->host.log, "master %s is gone: %s", h->address, event->reason);
    else if (!h->away_told)
      log_warn(h->host.log, "master %s: %s; trying again every second", h->address, event->reason);
    h->away_told = h->state != SLAVE_OPEN;
    hang_up(h, now);
  }
}

/* ---- what the master sends ---- */

/* A keepalive: nothing is coming, and the master's next byte would be the one at `offset`. */
static void keepalive(struct ha_slave *h, int64_t offset, struct moment now) {
  struct store *s = h->host.store;
  if (h->next < 0) {
    if (offset >= 0) return;
    h->plain = true; /* Java's master saw HA_HELLO alone, and waits for its log to begin there */
    again(h, "it did not understand the greeting", now);
  } else if (offset > h->next) {
    stop(h, now,
         "the master has removed what comes next: its log begins at offset %" PRId64 ", this one ends at %" PRId64,
         offset, store_log_max(s));
  } else if (offset < h->next) {
    stop(h, now,
         "the master's log ends at offset %" PRId64 ", but this one ends at %" PRId64 ": they have different histories",
         offset, store_log_max(s));
  } else if (h->next < h->compare_until && ++h->silent >= SILENT_MAX) {
    stop(h, now,
         "the master does not send offset %" PRId64
         ", which is here: its log ends before or begins after it (this one is "
         "[%" PRId64 ", %" PRId64 "))",
         h->next, store_log_min(s), store_log_max(s));
  }
}

static void header_take(struct ha_slave *h, const uint8_t *p, struct moment now) {
  int64_t offset = get_i64(p);
  int32_t length = get_i32(p + 8);
  if (length == 0) {
    keepalive(h, offset, now);
  } else if (length < 0 || offset < 0 || (h->next >= 0 && offset != h->next)) {
    char why[128];
    snprintf(why, sizeof why, "it sent a frame for offset %" PRId64 " of %d bytes where %" PRId64 " was next", offset,
             length, h->next);
    again(h, why, now);
  } else {
    h->next = offset;
    h->body_left = (size_t)length;
  }
}

/* Bytes that are here already. */
static void compare(struct ha_slave *h, struct span bytes, struct moment now) {
  while (bytes.len > 0) {
    struct span own;
    enum status status = store_log_bytes(h->host.store, h->next, bytes.len, &own);
    if (status != STATUS_OK || own.len == 0) {
      stop(h, now, "offset %" PRId64 " cannot be read here: %s", h->next, status_text(status));
      return;
    }
    if (memcmp(own.ptr, bytes.ptr, own.len) != 0) {
      size_t at = 0;
      while (own.ptr[at] == bytes.ptr[at]) at++;
      stop(h, now, "the byte at offset %" PRId64 " is another one than the master's: they have different histories",
           h->next + (int64_t)at);
      return;
    }
    h->next += (int64_t)own.len;
    bytes = span_from(bytes, own.len);
  }
}

/* The disk may have room again later; bytes that are wrong stay wrong. */
static void append_failed(struct ha_slave *h, enum status status, const char *why, struct moment now) {
  if (status != STATUS_NO_SPACE && status != STATUS_NO_MEMORY && status != STATUS_LIMIT) {
    stop(h, now, "%s", why);
    return;
  }
  if (!h->trouble_told) log_error(h->host.log, "the master's log cannot be taken over now: %s", why);
  h->trouble_told = true;
  hang_up(h, now);
}

static void append(struct ha_slave *h, struct span bytes, struct moment now) {
  struct buf why;
  buf_init(&why, REASON_MAX);
  enum status status = store_append_raw(h->host.store, h->next, bytes, now, &why);
  h->next += (int64_t)bytes.len;
  if (status != STATUS_OK) {
    buf_put_u8(&why, '\0');
    append_failed(h, status, why.failed ? status_text(status) : (const char *)why.ptr, now);
  }
  buf_fini(&why);
}

static void body_take(struct ha_slave *h, struct span bytes, struct moment now) {
  if (h->next < h->compare_until) {
    size_t known = (size_t)(h->compare_until - h->next);
    struct span here = known < bytes.len ? span_of(bytes.ptr, known) : bytes;
    compare(h, here, now);
    bytes = span_from(bytes, here.len);
  }
  if (bytes.len > 0 && h->state == SLAVE_OPEN) append(h, bytes, now);
}

/* Everything that came is written before it is reported; the turn does that. */
static size_t bytes(struct repl *r, conn_id conn, struct span input, struct moment now) {
  struct ha_slave *h = slave_of(r);
  size_t used = 0;
  if (conn != h->conn || h->state != SLAVE_OPEN) return input.len;
  h->heard_ms = now.mono_ms;
  while (h->state == SLAVE_OPEN) {
    if (h->body_left == 0) {
      if (input.len - used < HA_HEADER_SIZE) break;
      header_take(h, input.ptr + used, now);
      used += HA_HEADER_SIZE;
    } else {
      size_t n = input.len - used < h->body_left ? input.len - used : h->body_left;
      if (n == 0) break;
      h->body_left -= n;
      body_take(h, span_of(input.ptr + used, n), now);
      used += n;
    }
  }
  enum status status = store_commit(h->host.store, now);
  if (status == STATUS_OK) {
    if (h->state == SLAVE_OPEN) h->trouble_told = false;
  } else if (h->state == SLAVE_OPEN) {
    append_failed(h, status, status_text(status), now);
  }
  return h->state == SLAVE_OPEN ? used : input.len;
}

/* ---- the turn ---- */

static void report(struct ha_slave *h, struct moment now) {
  struct store *s = h->host.store;
  if (h->next >= h->compare_until && h->next >= 0) {
    int64_t end = store_log_max(s);
    if (h->config.ack_flushed && store_flushed(s) < end) {
      store_want_flushed(s, end);
      end = store_flushed(s);
    }
    if (end > h->reported) {
      h->reported = end;
      report_send(h, end, now);
    }
  }
  if (now.mono_ms - h->wrote_ms >= h->config.keepalive_ms) report_send(h, h->reported, now);
}

/* The first report is an acknowledgement, too: with haAckFlushed it waits for the disk. */
static bool may_ask(struct ha_slave *h) {
  struct store *s = h->host.store;
  if (!h->config.ack_flushed || store_flushed(s) >= store_log_max(s)) return true;
  store_want_flushed(s, store_log_max(s));
  return false;
}

static int64_t turn(struct repl *r, struct moment now) {
  struct ha_slave *h = slave_of(r);
  if (h->state == SLAVE_WAITING && h->address[0] != '\0' && now.mono_ms >= h->retry_ms && !may_ask(h))
    h->retry_ms = now.mono_ms + FLUSH_POLL_MS;
  if (h->state == SLAVE_WAITING && h->address[0] != '\0' && now.mono_ms >= h->retry_ms) {
    if (dial(h)) {
      h->state = SLAVE_CONNECTING;
    } else {
      log_error(h->host.log, "master %s cannot be dialled: it must be host:port", h->address);
      h->retry_ms = now.mono_ms + h->config.housekeeping_ms;
    }
  }
  if (h->state == SLAVE_OPEN && now.mono_ms - h->heard_ms >= h->config.housekeeping_ms)
    again(h, "it said nothing for haHousekeepingInterval", now);
  if (h->state == SLAVE_WAITING) return h->address[0] == '\0' ? TIME_NEVER : h->retry_ms;
  if (h->state != SLAVE_OPEN) return TIME_NEVER;
  report(h, now);
  int64_t silent_at = h->heard_ms + h->config.housekeeping_ms, keepalive_at = h->wrote_ms + h->config.keepalive_ms;
  return silent_at < keepalive_at ? silent_at : keepalive_at;
}

/* ---- what others ask ---- */

static int64_t replicated(const struct repl *r) {
  (void)r;
  return 0;
}

static enum repl_need need(const struct repl *r, int64_t end_offset) {
  (void)r, (void)end_offset;
  return REPL_FREE;
}

/* BrokerController.doRegisterBrokerAll: updateMasterHAServerAddrPeriodically. */
static void master_is(struct repl *r, struct span address) {
  struct ha_slave *h = slave_of(r);
  if (h->fixed || address.len == 0 || span_is(address, h->address)) return;
  bool known = h->address[0] != '\0';
  if (!span_copy_text(address, h->address, sizeof h->address)) return;
  log_info(h->host.log, "the master's replication address is %s", h->address);
  if (!known || h->state == SLAVE_STOPPED) return;
  if (h->conn != 0) h->host.net->ops->close(h->host.net, h->conn);
  h->conn = 0;
  h->state = SLAVE_WAITING;
  h->retry_ms = INT64_MIN;
}

static const char *stopped(const struct repl *r) {
  return slave_in(r)->state == SLAVE_STOPPED ? slave_in(r)->reason : NULL;
}

static void describe(const struct repl *r, struct buf *out, struct moment now) {
  const struct ha_slave *h = slave_in(r);
  const char *master = h->address[0] == '\0' ? "(not known yet)" : h->address;
  int64_t end = store_log_max(h->host.store);
  switch (h->state) {
  case SLAVE_WAITING:
  case SLAVE_CONNECTING:
    buf_printf(out, "slave of %s: not connected, the log ends at %" PRId64, master, end);
    return;
  case SLAVE_STOPPED:
    buf_printf(out, "slave of %s: STOPPED at offset %" PRId64 ": %s", master, end, h->reason);
    return;
  case SLAVE_OPEN:
    buf_printf(out, "slave of %s: %s, the log ends at %" PRId64 ", heard %" PRId64 " ms ago", master,
               h->next < h->compare_until ? "comparing" : "following", end, now.mono_ms - h->heard_ms);
  }
}

static void slave_free(struct repl *r) {
  struct ha_slave *h = slave_of(r);
  if (h->conn != 0) h->host.net->ops->close(h->host.net, h->conn);
  free(h);
}

static const struct repl_ops ops = {owns, connection, bytes,   turn,     replicated,
                                    need, master_is,  stopped, describe, slave_free};

struct repl *ha_slave_new(const struct repl_config *config, const struct repl_host *host, struct moment now) {
  struct ha_slave *h = calloc(1, sizeof *h);
  if (h == NULL) return NULL;
  h->repl.ops = &ops;
  h->config = *config;
  h->host = *host;
  h->state = SLAVE_WAITING;
  h->retry_ms = now.mono_ms;
  /* A shorter one counts as none in Java, too. */
  h->fixed = config->master != NULL && span_copy_text(span_text(config->master), h->address, sizeof h->address) &&
             strlen(h->address) >= 6;
  if (!h->fixed) h->address[0] = '\0';
  return &h->repl;
}
