/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/registration.h"

#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "core/wire/message.h"
#include "mqbroker/broker.h"

#include <stdio.h>

enum {
  RETRY_MS = 1000,
  PERIOD_MIN_MS = 10000,
  PERIOD_MAX_MS = 60000,
  BODY_MAX = 256 << 20,
  PROBE_MS = 3000,
  MASTER_MS = 2000
};

enum status registration_init(struct registration *r, struct broker *b, const char *servers, struct moment now,
                              struct buf *why) {
  r->broker = b;
  net_peer_text(&b->address, r->address);
  snprintf(r->ha_address, sizeof r->ha_address, "%s:%d", b->settings->brokerIP2, b->settings->listenPort + 1);
  struct span list = span_text(servers);
  for (size_t at = 0; at < list.len;) {
    size_t end = span_find(list, ';', at);
    struct span one = span_trim(span_of(list.ptr + at, end - at));
    at = end + 1;
    if (one.len == 0) continue;
    if (r->count == NAME_SERVERS_MAX || span_find(one, ':', 0) == one.len ||
        !span_copy_text(one, r->servers[r->count].addr, sizeof r->servers[0].addr)) {
      buf_printf(why, "namesrvAddr=%s: \"%.*s\" is not host:port, or there are more than %d", servers, SPAN_ARG(one),
                 NAME_SERVERS_MAX);
      return STATUS_INVALID;
    }
    r->servers[r->count].broker = b;
    r->servers[r->count].due_ms = now.mono_ms;
    r->count++;
  }
  if (r->count == 0) log_warn(b->log, "no name server is configured (namesrvAddr): clients will not find this broker");
  return STATUS_OK;
}

static int64_t period_ms(const struct broker *b) {
  int64_t p = b->settings->registerNameServerPeriod;
  return p < PERIOD_MIN_MS ? PERIOD_MIN_MS : p > PERIOD_MAX_MS ? PERIOD_MAX_MS : p;
}

/* Namespace ORDER_TOPIC_CONFIG comes back with a registration: topics that are ordered. */
static void take_order_topics(struct broker *b, const struct command *reply, struct moment now) {
  struct pair *pairs;
  size_t count;
  const char *why = NULL;
  if (reply->body.len == 0) return;
  arena_reset(&b->arena);
  if (kv_table_read(reply->body, &b->arena, &pairs, &count, &why) == STATUS_OK)
    topics_set_order(&b->topics, pairs, count, now);
}

/* A slave that was not told of a master asks soon again: Java's waits for the next period. */
static int64_t next_ms(const struct name_server *ns) {
  const struct broker *b = ns->broker;
  bool alone = b->settings->brokerRole == ROLE_SLAVE && ns->master[0] == '\0';
  return alone ? MASTER_MS : period_ms(b);
}

static void report(struct name_server *ns, bool ok, const char *why) {
  struct broker *b = ns->broker;
  if (ns->reported && ns->registered == ok) return;
  ns->reported = true;
  ns->registered = ok;
  if (ok)
    log_info(b->log, "registered broker %s (id %lld) of cluster %s as %s with name server %s: %zu topics",
             b->settings->brokerName, (long long)b->settings->brokerId, b->settings->brokerClusterName,
             b->registration.address, ns->addr, map_count(&b->topics.table));
  else log_warn(b->log, "cannot register with name server %s: %s; trying again every %d ms", ns->addr, why, RETRY_MS);
}

/* A slave learns its master: from the first name server that knows one. */
static void take_master(struct name_server *ns, const struct command *reply) {
  struct broker *b = ns->broker;
  struct register_broker_response h;
  const char *missing = NULL;
  if (b->settings->brokerRole != ROLE_SLAVE ||
      header_decode(&register_broker_response_header, reply, false, &h, &missing) != STATUS_OK)
    return;
  if (!span_copy_text(h.masterAddr, ns->master, sizeof ns->master)) ns->master[0] = '\0';
  if (!span_copy_text(h.haServerAddr, ns->ha_master, sizeof ns->ha_master)) ns->ha_master[0] = '\0';
  const struct registration *r = &b->registration;
  const struct name_server *first = &r->servers[0];
  for (size_t i = 0; i < r->count && first->master[0] == '\0'; i++) first = &r->servers[i];
  slave_sync_master_is(&b->slave_sync, span_text(first->master));
  b->repl->ops->master_is(b->repl, span_text(first->ha_master));
}

static void register_now(struct name_server *ns, struct moment now);

static void on_registered(struct call *call, enum status status, const struct command *reply, struct moment now) {
  struct name_server *ns = call->owner;
  struct broker *b = ns->broker;
  bool ok = status == STATUS_OK && reply->code == RESPONSE_SUCCESS;
  char remark[160] = "";
  if (status == STATUS_OK && !ok) span_copy_text(reply->remark, remark, sizeof remark);
  report(ns, ok, status != STATUS_OK ? status_text(status) : remark);
  if (ns->asking && ok) {
    ns->asking = false;
    /* QUERY_DATA_VERSION: nothing changed, and the lease has been renewed by asking. */
    if (span_is(command_ext(reply, "changed"), "false")) {
      ns->due_ms = ns->again ? now.mono_ms : now.mono_ms + next_ms(ns);
      return;
    }
    register_now(ns, now);
    return;
  }
  ns->asking = false;
  if (ok) take_master(ns, reply);
  if (ok) ns->told = ns->telling;
  else ns->again = false;
  ns->due_ms = ns->again ? now.mono_ms : now.mono_ms + (ok ? next_ms(ns) : RETRY_MS);
  if (ok) take_order_topics(b, reply, now);
}

static void send(struct name_server *ns, const struct request_out *q, struct moment now) {
  struct broker *b = ns->broker;
  ns->call.owner = ns;
  ns->call.done = on_registered;
  enum status status = remoting_call(b->remoting, ns->addr, q, b->settings->registerBrokerTimeoutMills, &ns->call, now);
  if (status == STATUS_OK) return;
  report(ns, false, status_text(status));
  ns->asking = false;
  ns->due_ms = now.mono_ms + RETRY_MS;
}

/* After a change only the changed topics are sent, or 10,000 of them would cost a megabyte for each that is made
 * (BrokerController.registerIncrementBrokerData); the whole table goes out once per period. Name servers only add. */
static bool part_is_enough(const struct name_server *ns, struct moment now) {
  const struct broker *b = ns->broker;
  return ns->again && ns->registered && ns->perm_told == b->settings->brokerPermission &&
         now.mono_ms < ns->whole_ms + period_ms(b);
}

static void register_now(struct name_server *ns, struct moment now) {
  struct broker *b = ns->broker;
  bool part = part_is_enough(ns, now);
  const struct broker_settings *s = b->settings;
  struct register_body body = {0};
  struct buf text;
  buf_init(&text, BODY_MAX);
  arena_reset(&b->arena);
  if (topics_snapshot(&b->topics, part ? ns->told : 0, s->brokerPermission, &b->arena, &body.topics) == STATUS_OK)
    register_body_write(&text, &body, s->compressedRegister);
  if (text.failed || text.len == 0) {
    report(ns, false, "out of memory");
    ns->due_ms = now.mono_ms + RETRY_MS;
    buf_fini(&text);
    return;
  }
  struct register_broker_request h = {.brokerName = span_text(s->brokerName),
                                      .brokerAddr = span_text(b->registration.address),
                                      .clusterName = span_text(s->brokerClusterName),
                                      .haServerAddr = span_text(b->registration.ha_address),
                                      .brokerId = s->brokerId,
                                      .compressed = s->compressedRegister,
                                      .bodyCrc32 = body_crc32(buf_span(&text)),
                                      .present = UINT64_MAX};
  ns->again = false;
  ns->telling = b->topics.changes;
  ns->perm_told = s->brokerPermission;
  if (!part) ns->whole_ms = now.mono_ms;
  send(ns,
       &(struct request_out){.code = REQUEST_REGISTER_BROKER,
                             .header = &register_broker_request_header,
                             .fields = &h,
                             .body = buf_span(&text)},
       now);
  buf_fini(&text);
}

static void ask_version(struct name_server *ns, struct moment now) {
  struct broker *b = ns->broker;
  const struct broker_settings *s = b->settings;
  struct buf text;
  struct json_writer w;
  buf_init(&text, BODY_MAX);
  json_writer_init(&w, &text, false);
  data_version_write(&w, &b->topics.version);
  struct query_data_version_request h = {.brokerName = span_text(s->brokerName),
                                         .brokerAddr = span_text(b->registration.address),
                                         .clusterName = span_text(s->brokerClusterName),
                                         .brokerId = s->brokerId,
                                         .present = UINT64_MAX};
  ns->asking = true;
  send(ns,
       &(struct request_out){.code = REQUEST_QUERY_DATA_VERSION,
                             .header = &query_data_version_request_header,
                             .fields = &h,
                             .body = buf_span(&text)},
       now);
  buf_fini(&text);
}

static void on_probed(struct call *call, enum status status, const struct command *reply, struct moment now) {
  struct broker *b = call->owner;
  (void)reply;
  (void)now;
  if (status != STATUS_OK)
    log_warn(b->log,
             "the advertised address %s cannot be reached from here (%s): clients that get it from a name server will "
             "not reach this broker; set brokerIP1 to an address of this machine that they can reach",
             b->registration.address, status_text(status));
  remoting_close_addr(b->remoting, b->registration.address);
}

/* Asks ourselves something harmless through the address that clients will be given. */
static void probe(struct registration *r, struct moment now) {
  struct broker *b = r->broker;
  r->probed = true;
  r->probe.owner = b;
  r->probe.done = on_probed;
  struct request_out q = {.code = REQUEST_GET_BROKER_RUNTIME_INFO};
  enum status status = remoting_call(b->remoting, r->address, &q, PROBE_MS, &r->probe, now);
  if (status != STATUS_OK) on_probed(&r->probe, status, NULL, now);
}

int64_t registration_turn(struct registration *r, struct moment now) {
  struct broker *b = r->broker;
  int64_t wake = TIME_NEVER;
  if (!r->probed) probe(r, now);
  if (b->settings->enableDLegerCommitLog && !b->member.knows) return wake; /* as whom? */
  for (size_t i = 0; i < r->count && !r->left; i++) {
    struct name_server *ns = &r->servers[i];
    if (r->hurry) {
      ns->due_ms = now.mono_ms;
      ns->again = true;
    }
    if (!ns->call.pending && ns->due_ms <= now.mono_ms) {
      if (b->settings->forceRegister || ns->again || !ns->registered) register_now(ns, now);
      else ask_version(ns, now);
    }
    if (!ns->call.pending && ns->due_ms < wake) wake = ns->due_ms;
  }
  r->hurry = false;
  return wake;
}

void registration_closed(struct registration *r, const char *addr, struct moment now) {
  for (size_t i = 0; i < r->count && !r->left; i++) {
    struct name_server *ns = &r->servers[i];
    if (strcmp(ns->addr, addr) != 0 || !ns->registered) continue;
    log_info(r->broker->log, "name server %s closed the connection: registering again", addr);
    ns->registered = ns->reported = false;
    if (!ns->call.pending) ns->due_ms = now.mono_ms + RETRY_MS; /* else the call ends and says when */
  }
}

void registration_role_changed(struct registration *r) {
  r->hurry = true;
  for (size_t i = 0; i < r->count; i++) r->servers[i].reported = false;
}

void registration_ask(struct registration *r) { r->hurry = true; }

void registration_leave(struct registration *r, struct moment now) {
  struct broker *b = r->broker;
  struct unregister_broker_request h = {.brokerName = span_text(b->settings->brokerName),
                                        .brokerAddr = span_text(r->address),
                                        .clusterName = span_text(b->settings->brokerClusterName),
                                        .brokerId = b->settings->brokerId,
                                        .present = UINT64_MAX};
  struct request_out q = {.code = REQUEST_UNREGISTER_BROKER, .header = &unregister_broker_request_header, .fields = &h};
  for (size_t i = 0; i < r->count; i++) {
    call_cancel(b->remoting, &r->servers[i].call);
    if (remoting_conn_of(b->remoting, r->servers[i].addr) != 0 &&
        remoting_oneway(b->remoting, r->servers[i].addr, &q, now) != STATUS_OK)
      log_warn(b->log, "name server %s could not be told of the stop; it will notice the closed connection",
               r->servers[i].addr);
  }
  r->left = true;
}
