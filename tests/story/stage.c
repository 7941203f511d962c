/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/story/stage.h"

#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>

enum { SEGMENT_BYTES = 1 << 16, QUEUE_UNITS = 100, SEND_TIMEOUT_MS = 3000, SUSPEND_MS = 15000 };

void stage_begin(struct stage *s) {
  /* A seed with which both producers of the second story take the name server that dies. */
  *s = (struct stage){.world = sim_world_new(8)};
  *sim_conditions(s->world) = (struct sim_conditions){
      .latency_min_ms = 1, .latency_max_ms = 1, .window = 1 << 20, .give_up_ms = 900000};
  sim_trace_on(s->world, LOG_ERROR);
  site_init(&s->site, s->world);
  ledger_init(&s->ledger, s->world, 1, 3, 1);
}

void stage_end(struct stage *s) {
  CU_ASSERT_STRING_EQUAL(s->ledger.violation, "");
  site_fini(&s->site);
  ledger_fini(&s->ledger);
  sim_world_free(s->world);
}

static struct machine *add(struct stage *s, const char *name, const struct program_ops *ops, void *config) {
  struct machine *m = site_add(&s->site, name, ops, config);
  sim_disk_sync_delay(m->host, 2, 2);
  return m;
}

struct machine *stage_names(struct stage *s, const char *name) {
  struct machine *m = add(s, name, &namesrv_ops, NULL);
  site_name_servers(&s->site, s->name_servers, sizeof s->name_servers);
  return m;
}

struct machine *stage_broker(struct stage *s, const char *name, bool sync_flush) {
  struct broker_config *c = s->brokers;
  while (c->name != NULL) c++;
  *c = (struct broker_config){.name = name,
                              .name_servers = s->name_servers,
                              .sync_flush = sync_flush,
                              .segment_bytes = SEGMENT_BYTES,
                              .queue_units = QUEUE_UNITS,
                              .queues = 1};
  return add(s, name, &broker_ops, c);
}

struct machine *stage_slave(struct stage *s, const char *name, bool sync) {
  struct broker_config *c = s->brokers;
  while (c->name != NULL) c++;
  if (sync) c[-1].role = "SYNC_MASTER";
  *c = c[-1];
  c->role = "SLAVE";
  c->id = 1;
  return add(s, name, &broker_ops, c);
}

struct machine *stage_producer(struct stage *s, const char *name, int number) {
  struct producer_traffic *t = &s->producers[number];
  *t = (struct producer_traffic){.ledger = &s->ledger,
                                 .number = (size_t)number,
                                 .name_servers = s->name_servers,
                                 .topic = "story",
                                 .serialize = SERIALIZE_ROCKETMQ,
                                 .depth = PRODUCER_DEPTH_MAX,
                                 .timeout_ms = SEND_TIMEOUT_MS};
  return add(s, name, &producer_ops, t);
}

struct machine *stage_consumer(struct stage *s, const char *name) {
  s->consumer = (struct consumer_traffic){.ledger = &s->ledger,
                                          .group_name = "readers",
                                          .name_servers = s->name_servers,
                                          .topic = "story",
                                          .serialize = SERIALIZE_ROCKETMQ,
                                          .suspend_ms = SUSPEND_MS};
  return add(s, name, &consumer_ops, &s->consumer);
}

void at_start(int64_t ms, struct machine *m) {
  sim_run_until(m->site->world, ms);
  machine_start(m);
}

void at_stop(int64_t ms, struct machine *m, enum sim_stop how) {
  sim_run_until(m->site->world, ms);
  machine_stop(m, how);
}

void at_send(int64_t ms, struct machine *producer) {
  sim_run_until(producer->site->world, ms);
  ((struct producer_traffic *)producer->config)->budget++;
}

/* ---- reading the trace ---- */

static bool is_named(const char *machines, struct span name) {
  while (*machines != '\0') {
    size_t n = strcspn(machines, " ");
    if (span_equal(span_of(machines, n), name)) return true;
    machines += n + (machines[n] == ' ');
  }
  return false;
}

/* "[7] a > connection 12 open to b:1" becomes "[7] a > open to b:1"; lines of others are left out. */
static void keep_line(struct buf *out, struct span line, const char *machines) {
  size_t name = span_find(line, ' ', 0) + 1, arrow = span_find(line, '>', name);
  if (arrow + 2 > line.len || !is_named(machines, span_of(line.ptr + name, arrow - 1 - name))) return;
  struct span text = span_from(line, arrow + 2);
  if (span_starts(text, "error: ")) return;
  if (span_starts(text, "connection ")) text = span_from(text, span_find(text, ' ', strlen("connection ")) + 1);
  buf_put(out, span_of(line.ptr, arrow + 2));
  buf_put(out, text);
  buf_put_u8(out, '\n');
}

void expect(struct stage *s, int64_t until_ms, const char *machines, const char *trace) {
  sim_run_until(s->world, until_ms);
  struct buf told;
  buf_init(&told, SIZE_MAX / 2);
  struct span all = sim_trace(s->world);
  for (size_t at = s->told; at < all.len;) {
    size_t end = span_find(all, '\n', at);
    keep_line(&told, span_of(all.ptr + at, end - at), machines);
    at = end + 1;
  }
  s->told = all.len;
  bool same = span_is(buf_span(&told), trace);
  if (!same) printf("told:\n%.*swanted:\n%s", SPAN_ARG(buf_span(&told)), trace);
  CU_ASSERT(same);
  buf_fini(&told);
}
