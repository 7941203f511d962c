/* SPDX-License-Identifier: Apache-2.0
 *
 * heartbeat: tells brokers who we are (HEART_BEAT, 34) and says farewell
 * (UNREGISTER_CLIENT, 35). Agrees with
 * MQClientInstance.sendHeartbeatToAllBroker and unregisterClient.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "libmqclient/client.h"

#include <stdlib.h>

/* The body in c->body, until the next body is built. False: nobody to speak for, or out of memory. */
static bool build_body(struct client *c, bool *has_consumer) {
  size_t n = 0;
  *has_consumer = false;
  for (struct member *m = c->members; m != NULL; m = m->next) {
    n++;
    *has_consumer |= m->consumer;
  }
  if (n == 0) return false;
  arena_reset(&c->scratch);
  struct heartbeat h = {.client_id = span_text(c->config.client_id)};
  h.producer_groups = arena_zalloc(&c->scratch, n, sizeof *h.producer_groups);
  h.consumers = arena_zalloc(&c->scratch, n, sizeof *h.consumers);
  if (h.producer_groups == NULL || h.consumers == NULL) return false;
  for (struct member *m = c->members; m != NULL; m = m->next)
    if (m->ops->describe(m, &h, &c->scratch) != STATUS_OK) return false;
  buf_clear(&c->body);
  heartbeat_write(&c->body, &h);
  return !c->body.failed;
}

static void on_heartbeat(struct call *call, enum status status, const struct command *reply, struct moment now) {
  struct server *s = (struct server *)((char *)call - offsetof(struct server, heartbeat));
  struct client *c = s->client;
  if (status != STATUS_OK || reply->code != RESPONSE_SUCCESS) {
    if (status == STATUS_SHUTDOWN) return;
    log_info(c->log, "broker %s did not take the heartbeat: %s", s->addr,
             status != STATUS_OK ? status_text(status) : response_code_name(reply->code));
    return;
  }
  if (s->greeted) return;
  s->greeted = true;
  for (struct member *m = c->members; m != NULL; m = m->next)
    if (m->ops->greeted != NULL) m->ops->greeted(m, now);
}

static void send_heartbeats(struct client *c, bool new_only, struct moment now) {
  bool has_consumer, built = false;
  for (struct map_entry *e = map_first(&c->routes.servers); e != NULL; e = map_next(&c->routes.servers, e)) {
    struct server *s = e->value;
    if (!s->in_use || s->heartbeat.pending || (new_only && s->greeted)) continue;
    if (!built && !build_body(c, &has_consumer)) return;
    built = true;
    if (!s->master && !has_consumer) continue;
    s->heartbeat.done = on_heartbeat;
    struct request_out request = {.code = REQUEST_HEART_BEAT, .body = buf_span(&c->body)};
    enum status status = remoting_call(c->remoting, s->addr, &request, HEARTBEAT_TIMEOUT_MS, &s->heartbeat, now);
    if (status != STATUS_OK) log_warn(c->log, "no heartbeat to %s: %s", s->addr, status_text(status));
  }
}

void client_heartbeat(struct client *c, struct moment now) { send_heartbeats(c, false, now); }
void client_greet_new(struct client *c, struct moment now) { send_heartbeats(c, true, now); }

/* ---- farewell ---- */

struct farewell_call {
  struct call call;
  struct farewell *farewell;
};

static void on_farewell(struct call *call, enum status status, const struct command *reply, struct moment now) {
  struct farewell *f = ((struct farewell_call *)call)->farewell;
  (void)status, (void)reply;
  free(call);
  if (--f->pending == 0) job_at(f->client, &f->job, now.mono_ms);
}

static void farewell_over(struct job *job, struct moment now) {
  struct farewell *f = (struct farewell *)((char *)job - offsetof(struct farewell, job));
  job_remove(f->client, job);
  f->done(f, now);
}

static void say_farewell(struct farewell *f, const struct server *s, const struct request_out *request, int timeout_ms,
                         struct moment now) {
  struct farewell_call *fc = calloc(1, sizeof *fc);
  if (fc == NULL) return;
  fc->call.done = on_farewell;
  fc->farewell = f;
  if (remoting_call(f->client->remoting, s->addr, request, timeout_ms, &fc->call, now) == STATUS_OK)
    f->pending++;
  else
    free(fc);
}

enum status client_unregister(struct client *c, const struct member *m, struct farewell *f, int timeout_ms,
                              struct moment now) {
  f->client = c;
  f->pending = 0;
  enum status status = job_add(c, &f->job, farewell_over);
  if (status != STATUS_OK) return status;
  struct unregister_client_request fields = {0};
  HEADER_SET(unregister_client_request, &fields, clientID, span_text(c->config.client_id));
  if (m->consumer)
    HEADER_SET(unregister_client_request, &fields, consumerGroup, span_text(m->group));
  else
    HEADER_SET(unregister_client_request, &fields, producerGroup, span_text(m->group));
  struct request_out request = {
      .code = REQUEST_UNREGISTER_CLIENT, .header = &unregister_client_request_header, .fields = &fields};
  if (timeout_ms > UNREGISTER_TIMEOUT_MS) timeout_ms = UNREGISTER_TIMEOUT_MS;
  for (struct map_entry *e = map_first(&c->routes.servers); e != NULL; e = map_next(&c->routes.servers, e)) {
    const struct server *s = e->value;
    /* A broker without a connection to us has dropped us already. */
    if (remoting_conn_of(c->remoting, s->addr) != 0) say_farewell(f, s, &request, timeout_ms, now);
  }
  if (f->pending == 0) job_at(c, &f->job, now.mono_ms);
  return STATUS_OK;
}
