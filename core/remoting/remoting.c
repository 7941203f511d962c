/* SPDX-License-Identifier: Apache-2.0 */
#include "core/remoting/remoting.h"

#include "core/remoting/calls.h"
#include "core/remoting/stamp.h"
#include "core/port/node.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

enum {
  ADDRESS_MAX = 300,  /* host name (253) and port */
  PAUSE_POLL_MS = 10, /* how often a paused reader is looked at */
  REMARK_MAX = 1024,
  STAMP_MEMORY_MAX = 1 << 20,
  ENCODE_EXTRA = 4096 /* header bytes beyond the body */
};

/* An address we call; remembers failures so that callers of a dead peer fail fast. */
struct channel {
  char addr[ADDRESS_MAX];
  conn_id conn; /* 0: none */
  bool connected;
  int backoff_ms;
  int64_t retry_at_ms; /* until then calls fail at once */
};

/* A connection of either direction. */
struct link {
  conn_id conn;
  struct channel *channel; /* NULL: accepted */
  int listener;
  struct net_peer peer;
  struct timer idle;
  int64_t active_ms;
  int64_t partial_since_ms; /* an incomplete frame waits since then; 0: none */
  bool paused;
  bool slow; /* said so once */
  TAILQ_ENTRY(link) paused_entry;
};

TAILQ_HEAD(link_list, link);

struct remoting {
  struct remoting_config config;
  struct net *net;
  struct log *log;
  struct remoting_door door;
  void *owner;
  struct map channels; /* address -> struct channel */
  struct map links;    /* conn_id bytes -> struct link */
  struct link *recent; /* the link of the last look-up: most come in runs */
  size_t accepted;
  struct calls calls;
  struct timers call_timers;
  struct timers idle_timers;
  struct link_list paused;
  int32_t opaque;
  struct arena arena;          /* one frame */
  struct arena stamping;       /* one request that is stamped */
  struct buf out;              /* one frame */
  struct log_quota complaints; /* about peers */
};

void remoting_config_default(struct remoting_config *c) {
  *c = (struct remoting_config){.limits = COMMAND_LIMITS_DEFAULT,
                                .serialize = SERIALIZE_JSON,
                                .language = LANGUAGE_CPP,
                                .connect_timeout_ms = 3000,
                                .idle_ms = 120000,
                                .connections_max = 50000,
                                .backlog_max = 16u << 20,
                                .reconnect_min_ms = 50,
                                .reconnect_max_ms = 2000,
                                .frame_ms = 60000};
}

struct remoting *remoting_new(const struct remoting_config *config, struct net *net, struct log *log,
                              const struct remoting_door *door, void *owner, uint64_t seed) {
  struct remoting *r = calloc(1, sizeof *r);
  if (r == NULL) return NULL;
  if (calls_init(&r->calls) != STATUS_OK) {
    free(r);
    return NULL;
  }
  r->config = *config;
  r->net = net;
  r->log = log;
  r->door = *door;
  r->owner = owner;
  map_init(&r->channels, seed);
  map_init(&r->links, seed + 1);
  timers_init(&r->call_timers);
  timers_init(&r->idle_timers);
  TAILQ_INIT(&r->paused);
  arena_init(&r->arena, config->limits.frame * 2 + (1u << 20));
  arena_init(&r->stamping, STAMP_MEMORY_MAX);
  buf_init(&r->out, config->limits.frame + ENCODE_EXTRA);
  return r;
}

struct net *remoting_net(struct remoting *r) {
  return r->net;
}

/* ---- links ---- */

static struct span conn_key(const conn_id *conn) { return span_of(conn, sizeof *conn); }

static struct link *link_of(struct remoting *r, conn_id conn) {
  if (r->recent != NULL && r->recent->conn == conn) return r->recent;
  struct link *l = map_get(&r->links, conn_key(&conn));
  if (l != NULL) r->recent = l;
  return l;
}

static struct link *link_add(struct remoting *r, conn_id conn, struct channel *channel, struct moment now) {
  struct link *l = calloc(1, sizeof *l);
  if (l == NULL) return NULL;
  l->conn = conn;
  l->channel = channel;
  l->active_ms = now.mono_ms;
  if (map_put(&r->links, conn_key(&conn), l, NULL) != STATUS_OK) {
    free(l);
    return NULL;
  }
  if (r->config.idle_ms > 0 && timers_set(&r->idle_timers, &l->idle, now.mono_ms + r->config.idle_ms) != STATUS_OK)
    log_warn(r->log, "out of memory: connection %llu will not be closed when idle", (unsigned long long)conn);
  return l;
}

static void link_drop(struct remoting *r, struct link *l) {
  map_remove(&r->links, conn_key(&l->conn));
  timers_cancel(&r->idle_timers, &l->idle);
  if (l->paused) TAILQ_REMOVE(&r->paused, l, paused_entry);
  if (r->recent == l) r->recent = NULL;
  if (l->channel == NULL) r->accepted--;
  free(l);
}

struct doom {
  struct remoting *r;
  conn_id conn;
  enum status status;
  int64_t now_ms;
};

static void doom_call(void *context, struct call *call) {
  const struct doom *d = context;
  if (d->conn != 0 && call->conn != d->conn) return;
  call->early = d->status;
  /* Moving a timer that is set cannot fail. */
  (void)!timers_set(&d->r->call_timers, &call->timer, d->now_ms);
}

/* Everything that hears of the end of a connection, whoever ended it. */
static void link_gone(struct remoting *r, struct link *l, const char *reason, struct moment now) {
  struct channel *c = l->channel;
  conn_id conn = l->conn;
  bool reached = c == NULL || c->connected;
  struct doom doom = {r, conn, reached ? STATUS_CLOSED : STATUS_UNREACHABLE, now.mono_ms};
  if (r->calls.count > 0) calls_each(&r->calls, doom_call, &doom);
  if (c != NULL) {
    if (!c->connected) {
      c->backoff_ms = c->backoff_ms == 0 ? r->config.reconnect_min_ms : c->backoff_ms * 2;
      if (c->backoff_ms > r->config.reconnect_max_ms) c->backoff_ms = r->config.reconnect_max_ms;
      c->retry_at_ms = now.mono_ms + c->backoff_ms;
      log_debug(r->log, "cannot connect to %s: %s", c->addr, reason);
    }
    c->conn = 0;
    c->connected = false;
  }
  link_drop(r, l);
  if (r->door.closed != NULL) r->door.closed(r->owner, conn, c == NULL ? NULL : c->addr, reason, now);
}

void remoting_connection(struct remoting *r, const struct net_event *event, struct moment now) {
  struct link *l = link_of(r, event->conn);
  switch (event->kind) {
  case NET_ACCEPTED:
    if (r->accepted >= r->config.connections_max || (l = link_add(r, event->conn, NULL, now)) == NULL) {
      if (log_quota_take(&r->complaints, r->log, now))
        log_warn(r->log, "connection refused: %zu are open, the limit", r->accepted);
      r->net->ops->close(r->net, event->conn);
      return;
    }
    r->accepted++;
    l->listener = event->listener;
    l->peer = event->peer;
    if (r->door.opened != NULL) r->door.opened(r->owner, event->conn, event->listener, &event->peer, NULL, now);
    return;
  case NET_CONNECTED:
    if (l == NULL) return;
    l->peer = event->peer;
    l->active_ms = now.mono_ms;
    l->channel->connected = true;
    l->channel->backoff_ms = 0;
    if (r->door.opened != NULL) r->door.opened(r->owner, event->conn, -1, &event->peer, l->channel->addr, now);
    return;
  case NET_CLOSED:
    if (l != NULL) link_gone(r, l, event->reason == NULL ? "closed" : event->reason, now);
    return;
  }
}

static void close_link(struct remoting *r, struct link *l, const char *reason, struct moment now) {
  r->net->ops->close(r->net, l->conn);
  link_gone(r, l, reason, now);
}

/* ---- input ---- */

static void on_response(struct remoting *r, conn_id conn, const struct command *cmd, struct moment now) {
  struct call *call = calls_find(&r->calls, cmd->opaque);
  if (call == NULL || call->conn != conn) {
    log_debug(r->log, "answer %d to a request that is not waited for any more", cmd->opaque);
    return;
  }
  call_cancel(r, call);
  call->done(call, STATUS_OK, cmd, now);
}

static bool over_backlog(struct remoting *r, conn_id conn) {
  return r->net->ops->backlog(r->net, conn) > r->config.backlog_max;
}

static void pause_link(struct remoting *r, struct link *l) {
  l->paused = true;
  TAILQ_INSERT_TAIL(&r->paused, l, paused_entry);
  r->net->ops->pause(r->net, l->conn, true);
  if (l->slow) return;
  l->slow = true;
  char peer[NET_PEER_TEXT_MAX];
  net_peer_text(&l->peer, peer);
  log_info(r->log, "%s reads slower than it asks: no more requests are read from it for now", peer);
}

/* When the connection must be looked at: idle by then, or its begun frame too old. */
static int64_t link_due(const struct remoting *r, const struct link *l) {
  int64_t due = r->config.idle_ms > 0 ? l->active_ms + r->config.idle_ms : TIME_NEVER;
  if (r->config.frame_ms > 0 && l->partial_since_ms != 0 && l->partial_since_ms + r->config.frame_ms < due)
    due = l->partial_since_ms + r->config.frame_ms;
  return due;
}

/* The frame's deadline may lie before the next look at its connection. */
static void frame_begun(struct remoting *r, struct link *l, struct moment now) {
  l->partial_since_ms = now.mono_ms;
  int64_t due = link_due(r, l);
  if (due == TIME_NEVER || (timer_is_set(&l->idle) && l->idle.due_ms <= due)) return;
  if (timers_set(&r->idle_timers, &l->idle, due) != STATUS_OK)
    log_warn(r->log, "out of memory: connection %llu will not be closed when its frame is late",
             (unsigned long long)l->conn);
}

static void log_broken(struct remoting *r, const struct link *l, const char *why, struct moment now) {
  if (!log_quota_take(&r->complaints, r->log, now)) return;
  char peer[NET_PEER_TEXT_MAX];
  net_peer_text(&l->peer, peer);
  log_warn(r->log, "closing connection to %s: %s", peer, why == NULL ? "malformed frame" : why);
}

size_t remoting_bytes(struct remoting *r, conn_id conn, struct span input, struct moment now) {
  struct link *l = link_of(r, conn);
  if (l == NULL) return input.len;
  l->active_ms = now.mono_ms;
  size_t used_total = 0;
  while (used_total < input.len) {
    if (over_backlog(r, conn)) {
      l->partial_since_ms = 0; /* it is we who do not read on */
      pause_link(r, l);
      return used_total;
    }
    struct span frame;
    size_t used;
    const char *why = NULL;
    enum status status = frame_split(span_from(input, used_total), &r->config.limits, &frame, &used, &why);
    if (status == STATUS_AGAIN) {
      if (l->partial_since_ms == 0 || used_total > 0) frame_begun(r, l, now);
      return used_total;
    }
    struct command cmd;
    arena_reset(&r->arena);
    if (status == STATUS_OK) status = command_decode(&cmd, frame, &r->config.limits, &r->arena, &why);
    if (status != STATUS_OK) {
      log_broken(r, l, why, now);
      link_gone(r, l, "malformed frame", now);
      return NODE_BYTES_BROKEN;
    }
    used_total += used;
    if (!cmd.has_opaque) cmd.opaque = r->opaque++;
    if (cmd.flag & COMMAND_RESPONSE) on_response(r, conn, &cmd, now);
    else r->door.request(r->owner, conn, &cmd, now);
    l = link_of(r, conn); /* the door may have closed it */
    if (l == NULL) return input.len;
  }
  l->partial_since_ms = 0;
  return used_total;
}

/* ---- time ---- */

static void expire_calls(struct remoting *r, struct moment now) {
  struct timer *t;
  while ((t = timers_pop(&r->call_timers, now.mono_ms)) != NULL) {
    struct call *call = (struct call *)((char *)t - offsetof(struct call, timer));
    call_cancel(r, call);
    call->done(call, call->early, NULL, now);
  }
}

static void expire_idle(struct remoting *r, struct moment now) {
  struct timer *t;
  while ((t = timers_pop(&r->idle_timers, now.mono_ms)) != NULL) {
    struct link *l = (struct link *)((char *)t - offsetof(struct link, idle));
    int64_t due = link_due(r, l);
    bool stuck = r->config.frame_ms > 0 && l->partial_since_ms != 0 &&
                 now.mono_ms - l->partial_since_ms >= r->config.frame_ms;
    if (stuck) {
      log_broken(r, l, "a frame was begun and not finished in time", now);
      close_link(r, l, "frame not finished in time", now);
    } else if (due <= now.mono_ms) {
      close_link(r, l, "idle", now);
    } else if (due != TIME_NEVER) {
      /* Traffic since: look again later. The heap has the place that was just taken out, so this cannot fail. */
      (void)!timers_set(&r->idle_timers, &l->idle, due);
    }
  }
}

static void resume_paused(struct remoting *r) {
  for (struct link *l = TAILQ_FIRST(&r->paused), *next; l != NULL; l = next) {
    next = TAILQ_NEXT(l, paused_entry);
    if (r->net->ops->backlog(r->net, l->conn) > r->config.backlog_max / 2) continue;
    l->paused = false;
    TAILQ_REMOVE(&r->paused, l, paused_entry);
    r->net->ops->pause(r->net, l->conn, false);
  }
}

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t remoting_turn(struct remoting *r, struct moment now) {
  resume_paused(r);
  expire_calls(r, now);
  expire_idle(r, now);
  int64_t wake = earlier(timers_next(&r->call_timers), timers_next(&r->idle_timers));
  if (!TAILQ_EMPTY(&r->paused)) wake = earlier(wake, now.mono_ms + PAUSE_POLL_MS);
  return wake;
}

void remoting_free(struct remoting *r, struct moment now) {
  if (r == NULL) return;
  struct doom doom = {r, 0, STATUS_SHUTDOWN, INT64_MIN};
  calls_each(&r->calls, doom_call, &doom);
  now.mono_ms = INT64_MIN; /* only the doomed, and what they may have started would be in the future */
  expire_calls(r, now);
  for (struct map_entry *e = map_first(&r->links); e != NULL; e = map_next(&r->links, e)) {
    struct link *l = e->value;
    r->net->ops->close(r->net, l->conn);
    free(l);
  }
  for (struct map_entry *e = map_first(&r->channels); e != NULL; e = map_next(&r->channels, e)) free(e->value);
  map_fini(&r->links);
  map_fini(&r->channels);
  timers_fini(&r->call_timers);
  timers_fini(&r->idle_timers);
  calls_fini(&r->calls);
  arena_fini(&r->arena);
  arena_fini(&r->stamping);
  buf_fini(&r->out);
  free(r);
}

/* ---- output ---- */

static struct channel *channel_of(struct remoting *r, const char *addr) {
  struct span key = span_text(addr);
  struct channel *c = map_get(&r->channels, key);
  if (c != NULL) return c;
  if (key.len >= ADDRESS_MAX || (c = calloc(1, sizeof *c)) == NULL) return NULL;
  memcpy(c->addr, addr, key.len);
  if (map_put(&r->channels, key, c, NULL) == STATUS_OK) return c;
  free(c);
  return NULL;
}

/* "host:port", "[v6]:port" */
static bool split_address(const char *addr, char host[ADDRESS_MAX], uint16_t *port) {
  struct span text = span_text(addr);
  size_t colon = text.len;
  while (colon > 0 && addr[colon - 1] != ':') colon--;
  int32_t number;
  if (colon < 2 || !span_to_i32(span_from(text, colon), &number) || number <= 0 || number > 65535) return false;
  struct span name = span_of(text.ptr, colon - 1);
  if (name.len > 2 && name.ptr[0] == '[' && name.ptr[name.len - 1] == ']') name = span_of(name.ptr + 1, name.len - 2);
  *port = (uint16_t)number;
  return span_copy_text(name, host, ADDRESS_MAX);
}

/* A connection to write to: the open one, or a new one. UNREACHABLE while the last failure is fresh. */
static enum status channel_open(struct remoting *r, const char *addr, struct moment now, conn_id *out) {
  struct channel *c = channel_of(r, addr);
  if (c == NULL) return STATUS_NO_MEMORY;
  if (c->conn == 0) {
    char host[ADDRESS_MAX];
    uint16_t port;
    if (!split_address(addr, host, &port)) return STATUS_INVALID;
    if (now.mono_ms < c->retry_at_ms) return STATUS_UNREACHABLE;
    conn_id conn = r->net->ops->connect(r->net, host, port, r->config.connect_timeout_ms);
    if (conn == 0) return STATUS_LIMIT;
    if (link_add(r, conn, c, now) == NULL) {
      r->net->ops->close(r->net, conn);
      return STATUS_NO_MEMORY;
    }
    c->conn = conn;
    c->connected = false;
  }
  *out = c->conn;
  return STATUS_OK;
}

static enum status send_request(struct remoting *r, conn_id conn, const struct request_out *q, int32_t flag,
                                int32_t opaque, struct moment now) {
  struct link *l = link_of(r, conn);
  if (l == NULL) return STATUS_CLOSED;
  size_t parts_len = 0;
  for (size_t i = 0; i < q->body_part_count; i++) parts_len += q->body_parts[i].len;
  struct command cmd = {.code = q->code,
                        .language = r->config.language,
                        .version = MQ_VERSION_4_7_0,
                        .opaque = opaque,
                        .flag = flag,
                        .serialize = r->config.serialize,
                        .remark = q->remark,
                        .ext = (struct ext *)q->ext,
                        .ext_count = q->ext_count,
                        .body = q->body};
  buf_clear(&r->out);
  bool stamped = r->config.stamp != NULL;
  enum status status = stamped ? stamp_request(&r->config, &r->stamping, q, &cmd) : STATUS_OK;
  if (status != STATUS_OK) return status;
  const struct header *header = stamped ? NULL : q->header;
  if (command_encode(&r->out, &cmd, header, q->fields, q->by_short_name, parts_len) == 0) return STATUS_LIMIT;
  r->net->ops->send(r->net, conn, buf_span(&r->out));
  for (size_t i = 0; i < q->body_part_count; i++) r->net->ops->send_borrowed(r->net, conn, q->body_parts[i]);
  l->active_ms = now.mono_ms;
  return STATUS_OK;
}

static enum status call_start(struct remoting *r, conn_id conn, int timeout_ms, struct call *call, struct moment now) {
  assert(!call->pending);
  do call->opaque = r->opaque++ & INT32_MAX;
  while (calls_find(&r->calls, call->opaque) != NULL);
  call->conn = conn;
  call->early = STATUS_TIMEOUT;
  enum status status = timers_set(&r->call_timers, &call->timer, now.mono_ms + timeout_ms);
  if (status != STATUS_OK) return status;
  call->pending = true;
  calls_add(&r->calls, call);
  return STATUS_OK;
}

enum status remoting_call_conn(struct remoting *r, conn_id conn, const struct request_out *request, int timeout_ms,
                               struct call *call, struct moment now) {
  enum status status = call_start(r, conn, timeout_ms, call, now);
  if (status != STATUS_OK) return status;
  status = send_request(r, conn, request, 0, call->opaque, now);
  if (status != STATUS_OK) call_cancel(r, call);
  return status;
}

enum status remoting_call(struct remoting *r, const char *addr, const struct request_out *request, int timeout_ms,
                          struct call *call, struct moment now) {
  conn_id conn;
  enum status status = channel_open(r, addr, now, &conn);
  if (status == STATUS_UNREACHABLE) {
    /* Fails as if tried, but in the next turn, so that the caller has one path for all failures. */
    status = call_start(r, 0, 0, call, now);
    call->early = STATUS_UNREACHABLE;
    return status;
  }
  return status != STATUS_OK ? status : remoting_call_conn(r, conn, request, timeout_ms, call, now);
}

enum status remoting_oneway_conn(struct remoting *r, conn_id conn, const struct request_out *request,
                                 struct moment now) {
  return send_request(r, conn, request, COMMAND_ONEWAY, r->opaque++ & INT32_MAX, now);
}

enum status remoting_oneway(struct remoting *r, const char *addr, const struct request_out *request,
                            struct moment now) {
  conn_id conn;
  enum status status = channel_open(r, addr, now, &conn);
  return status != STATUS_OK ? status : remoting_oneway_conn(r, conn, request, now);
}

void call_cancel(struct remoting *r, struct call *call) {
  if (!call->pending) return;
  timers_cancel(&r->call_timers, &call->timer);
  calls_remove(&r->calls, call);
  call->pending = false;
}

struct reply_to reply_to(conn_id conn, const struct command *request) {
  return (struct reply_to){.conn = conn,
                           .opaque = request->opaque,
                           .code = request->code,
                           .serialize = request->serialize,
                           .oneway = (request->flag & COMMAND_ONEWAY) != 0};
}

void remoting_reply(struct remoting *r, const struct reply_to *to, const struct reply_out *reply) {
  if (to->oneway) return;
  size_t parts_len = 0;
  for (size_t i = 0; i < reply->body_part_count; i++) parts_len += reply->body_parts[i].len;
  struct command cmd = {.code = reply->code,
                        .language = r->config.language,
                        .version = MQ_VERSION_4_7_0,
                        .opaque = to->opaque,
                        .flag = COMMAND_RESPONSE,
                        .serialize = to->serialize,
                        .remark = reply->remark,
                        .ext = (struct ext *)reply->ext,
                        .ext_count = reply->ext_count,
                        .body = reply->body};
  buf_clear(&r->out);
  if (command_encode(&r->out, &cmd, reply->header, reply->fields, false, parts_len) == 0) {
    log_error(r->log, "the answer to request %d does not fit a frame of %zu bytes", to->code, r->config.limits.frame);
    return;
  }
  r->net->ops->send(r->net, to->conn, buf_span(&r->out));
  for (size_t i = 0; i < reply->body_part_count; i++)
    r->net->ops->send_borrowed(r->net, to->conn, reply->body_parts[i]);
}

void remoting_reply_error(struct remoting *r, const struct reply_to *to, int code, const char *format, ...) {
  if (to->oneway) return;
  char remark[REMARK_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(remark, sizeof remark, format, args);
  va_end(args);
  remoting_reply(r, to, &(struct reply_out){.code = code, .remark = span_text(remark)});
}

/* ---- questions ---- */

conn_id remoting_conn_of(struct remoting *r, const char *addr) {
  struct channel *c = map_get(&r->channels, span_text(addr));
  return c != NULL && c->connected ? c->conn : 0;
}

enum status remoting_peer(struct remoting *r, conn_id conn, struct net_peer *out) {
  struct link *l = link_of(r, conn);
  if (l == NULL) return STATUS_INVALID;
  *out = l->peer;
  return STATUS_OK;
}

/* The owner closes: it is not told `closed`, but calls on the connection end. */
void remoting_close_conn(struct remoting *r, conn_id conn) {
  struct link *l = link_of(r, conn);
  if (l == NULL) return;
  r->net->ops->close(r->net, conn);
  struct doom doom = {r, conn, STATUS_CLOSED, INT64_MIN};
  calls_each(&r->calls, doom_call, &doom);
  if (l->channel != NULL) {
    l->channel->conn = 0;
    l->channel->connected = false;
  }
  link_drop(r, l);
}

void remoting_close_addr(struct remoting *r, const char *addr) {
  struct channel *c = map_get(&r->channels, span_text(addr));
  if (c != NULL && c->conn != 0) remoting_close_conn(r, c->conn);
}

size_t remoting_backlog(struct remoting *r, conn_id conn) { return r->net->ops->backlog(r->net, conn); }

size_t remoting_connection_count(const struct remoting *r) { return map_count(&r->links); }
