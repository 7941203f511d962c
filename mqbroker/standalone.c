/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/standalone.h"

#include "host/uv/loop.h"
#include "host/uv/machine_uv.h"
#include "mqnamesrv/namesrv.h"

#include <stdio.h>
#include <stdlib.h>

struct standalone {
  struct uv_host *host;
  struct namesrv *names;
  struct namesrv_settings settings;
  struct log *log;
  bool running;
};

/* Only where the user said nothing. */
static enum status set_if_open(struct broker_settings *s, const char *current, const char *key, const char *value,
                               struct buf *why) {
  return current != NULL ? STATUS_OK : config_set(s, span_text(key), span_text(value), why);
}

enum status standalone_defaults(struct broker_settings *s, struct buf *why) {
  enum status status = set_if_open(s, s->storePathRootDir, "storePathRootDir", STANDALONE_ROOT "/store", why);
  if (status == STATUS_OK)
    status = set_if_open(s, s->storePathCommitLog, "storePathCommitLog", STANDALONE_ROOT "/store/commitlog", why);
  if (status == STATUS_OK) status = set_if_open(s, s->brokerIP1, "brokerIP1", "127.0.0.1", why);
  if (status == STATUS_OK) status = set_if_open(s, s->brokerName, "brokerName", "standalone", why);
  char names[64];
  snprintf(names, sizeof names, "127.0.0.1:%d", STANDALONE_NAMESRV_PORT);
  return status == STATUS_OK ? set_if_open(s, s->namesrvAddr, "namesrvAddr", names, why) : status;
}

/* The port of the first name server in "host:port;host:port". */
static bool port_of(const char *list, int32_t *port) {
  struct span text = span_text(list);
  text.len = span_find(text, ';', 0);
  size_t colon = text.len;
  while (colon > 0 && text.ptr[colon - 1] != ':') colon--;
  return colon > 0 && span_to_i32(span_from(text, colon), port) && *port > 0 && *port <= 65535;
}

struct standalone *standalone_start(const struct broker_settings *s, struct log *log) {
  struct standalone *st = calloc(1, sizeof *st);
  if (st == NULL) return NULL;
  st->log = log;
  char kv[4096];
  snprintf(kv, sizeof kv, "%s/../namesrv/kvConfig.json", s->storePathRootDir);
  struct buf why;
  buf_init(&why, sizeof kv);
  int32_t port;
  enum status status = namesrv_settings_init(&st->settings, STANDALONE_ROOT, NULL);
  if (status == STATUS_OK) status = config_set(&st->settings, SPAN_LITERAL("kvConfigPath"), span_text(kv), &why);
  if (status == STATUS_OK && !port_of(s->namesrvAddr, &port)) status = STATUS_INVALID;
  if (status == STATUS_OK) st->settings.listenPort = port;
  st->host = status == STATUS_OK ? uv_host_new(NULL, log) : NULL;
  if (st->host != NULL)
    st->names = namesrv_new(&st->settings, uv_host_net(st->host), uv_host_disk(st->host), log, machine_seed(),
                            uv_host_now(st->host));
  if (st->names != NULL && namesrv_start(st->names) == STATUS_OK) {
    uv_host_attach(st->host, &st->names->node);
    st->running = uv_host_start(st->host) == STATUS_OK;
  }
  if (!st->running) {
    log_error(log, "the name server beside the broker cannot start: %s %.*s", status_text(status),
              SPAN_ARG(buf_span(&why)));
    standalone_stop(st);
    st = NULL;
  }
  buf_fini(&why);
  return st;
}

void standalone_stop(struct standalone *st) {
  if (st == NULL) return;
  if (st->running) {
    uv_host_stop(st->host);
    uv_host_join(st->host);
  }
  if (st->names != NULL) namesrv_free(st->names, uv_host_now(st->host));
  uv_host_free(st->host);
  namesrv_settings_fini(&st->settings);
  free(st);
}
