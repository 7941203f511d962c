/* SPDX-License-Identifier: Apache-2.0 */
#include "mqnamesrv/namesrv.h"

#include "mqnamesrv/request.h"

#include <stdlib.h>

/* ---------------------------------------------------------------- as remoting's owner */

static void on_request(void *owner, conn_id conn, const struct command *cmd, struct moment now) {
  struct namesrv *ns = owner;
  struct request rq = {.ns = ns, .cmd = cmd, .conn = conn, .to = reply_to(conn, cmd), .now = now};
  request_dispatch(&rq);
  arena_reset(&ns->arena);
  buf_clear(&ns->body);
  if (ns->body.cap > NAMESRV_KEPT_MAX) {
    size_t limit = ns->body.limit;
    buf_fini(&ns->body);
    buf_init(&ns->body, limit);
  }
}

/* BrokerHousekeepingService: closed, failed and idle connections are all the same. */
static void on_closed(void *owner, conn_id conn, const char *addr, const char *reason, struct moment now) {
  struct namesrv *ns = owner;
  (void)addr, (void)reason, (void)now;
  routes_connection_closed(&ns->routes, conn);
}

static const struct remoting_door door = {.request = on_request, .closed = on_closed};

/* ---------------------------------------------------------------- as the host's node */

static void node_connection(struct node *node, const struct net_event *event, struct moment now) {
  remoting_connection(((struct namesrv *)node)->remoting, event, now);
}

static size_t node_bytes(struct node *node, conn_id conn, struct span input, struct moment now) {
  return remoting_bytes(((struct namesrv *)node)->remoting, conn, input, now);
}

static void scan_leases(struct namesrv *ns, struct moment now) {
  conn_id conn;
  while (routes_expire_one(&ns->routes, &conn, now)) {
    remoting_close_conn(ns->remoting, conn);
    /* No NET_CLOSED follows our own close, and others may have registered over the same connection. */
    routes_connection_closed(&ns->routes, conn);
  }
}

static int64_t node_turn(struct node *node, struct moment now) {
  struct namesrv *ns = (struct namesrv *)node;
  if (now.mono_ms >= ns->next_scan_ms) {
    scan_leases(ns, now);
    ns->next_scan_ms = now.mono_ms + NAMESRV_SCAN_EVERY_MS;
  }
  int64_t wake = remoting_turn(ns->remoting, now);
  return wake < ns->next_scan_ms ? wake : ns->next_scan_ms;
}

static const struct node_ops node_ops = {.connection = node_connection, .bytes = node_bytes, .turn = node_turn};

/* ---------------------------------------------------------------- life */

static struct remoting *remoting_of(const struct namesrv *ns, uint64_t seed) {
  const struct namesrv_settings *s = ns->settings;
  struct remoting_config config;
  remoting_config_default(&config);
  config.limits.frame = (size_t)s->frameLengthMax;
  config.idle_ms = s->serverChannelMaxIdleTimeSeconds * 1000;
  config.connections_max = (size_t)s->connectionsMax;
  config.backlog_max = (size_t)s->backlogMax;
  return remoting_new(&config, ns->net, ns->log, &door, (void *)ns, seed);
}

struct namesrv *namesrv_new(struct namesrv_settings *settings, struct net *net, struct disk *disk, struct log *log,
                            uint64_t seed, struct moment now) {
  struct namesrv *ns = calloc(1, sizeof *ns);
  if (ns == NULL) return NULL;
  ns->node.ops = &node_ops;
  ns->settings = settings;
  ns->net = net;
  ns->disk = disk;
  ns->log = log;
  ns->next_scan_ms = now.mono_ms + NAMESRV_SCAN_FIRST_MS;
  struct routes_limits limits = {(size_t)settings->topicsMax, (size_t)settings->brokersMax};
  routes_init(&ns->routes, &limits, log, seed);
  kv_init(&ns->kv, disk, settings->kvConfigPath, (size_t)settings->kvConfigBytesMax, seed, log);
  arena_init(&ns->arena, (size_t)settings->requestMemoryMax);
  buf_init(&ns->body, (size_t)settings->requestMemoryMax);
  ns->remoting = remoting_of(ns, seed);
  if (ns->remoting == NULL) {
    namesrv_free(ns, now);
    return NULL;
  }
  return ns;
}

void namesrv_free(struct namesrv *ns, struct moment now) {
  if (ns == NULL) return;
  namesrv_stop(ns);
  if (ns->remoting != NULL) remoting_free(ns->remoting, now);
  routes_fini(&ns->routes);
  kv_fini(&ns->kv);
  buf_fini(&ns->body);
  arena_fini(&ns->arena);
  free(ns);
}

static void say_ignored(const struct namesrv *ns) {
  const struct config_table *t = ns->settings->base.table;
  for (size_t i = 0; i < t->count; i++) {
    const struct config_key *k = &t->keys[i];
    if (!(k->flags & CONFIG_IGNORED) || k->default_text == NULL) continue;
    struct buf value;
    buf_init(&value, DISK_PATH_MAX);
    if (config_get(ns->settings, k->name, &value) == STATUS_OK && !span_is(buf_span(&value), k->default_text))
      log_warn(ns->log, "%s=%.*s: %s", k->name, SPAN_ARG(buf_span(&value)), k->doc);
    buf_fini(&value);
  }
}

enum status namesrv_start(struct namesrv *ns) {
  const struct namesrv_settings *s = ns->settings;
  const char *why = NULL;
  say_ignored(ns);
  enum status status = kv_load(&ns->kv);
  if (status != STATUS_OK) return status;
  status = ns->net->ops->listen(ns->net, s->bindAddress == NULL ? "" : s->bindAddress, (uint16_t)s->listenPort,
                                NAMESRV_LISTENER, &ns->port, &why);
  if (status != STATUS_OK)
    log_error(ns->log, "cannot listen on %s:%d: %s. Stop what uses the port, or set listenPort or bindAddress",
              s->bindAddress == NULL || s->bindAddress[0] == '\0' ? "0.0.0.0" : s->bindAddress, s->listenPort,
              why != NULL ? why : status_text(status));
  return status;
}

void namesrv_stop(struct namesrv *ns) {
  if (ns->port == 0) return;
  ns->net->ops->unlisten(ns->net, NAMESRV_LISTENER);
  ns->port = 0;
}
