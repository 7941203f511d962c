/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/repl/rig.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- a master or slave ---- */

static struct side *side_of(struct node *node) { return (struct side *)node; }

static void side_connection(struct node *node, const struct net_event *event, struct moment now) {
  struct side *s = side_of(node);
  if (event->kind == NET_ACCEPTED || s->repl->ops->owns(s->repl, event->conn))
    s->repl->ops->connection(s->repl, event, now);
}

static size_t side_bytes(struct node *node, conn_id conn, struct span input, struct moment now) {
  struct side *s = side_of(node);
  return s->repl->ops->owns(s->repl, conn) ? s->repl->ops->bytes(s->repl, conn, input, now) : input.len;
}

static void side_synced(struct node *node, uint64_t token, enum status status, struct moment now) {
  store_synced(side_of(node)->store, token, status, now);
}

static int64_t side_turn(struct node *node, struct moment now) {
  struct side *s = side_of(node);
  CU_ASSERT(store_commit(s->store, now) == STATUS_OK || s->role == SIDE_SLAVE);
  int64_t wake = s->repl->ops->turn(s->repl, now), at = store_tick(s->store, now);
  return at < wake ? at : wake;
}

static const struct node_ops side_ops = {side_connection, side_bytes, side_synced, side_turn};

static void keep_line(struct log *log, enum log_level level, const char *line) {
  struct side *s = log->context;
  if (getenv("RIG_LOG") != NULL) printf("    [%d] %s\n", (int)level, line);
  if (level >= LOG_WARN) snprintf(s->last, sizeof s->last, "%s", line);
}

void side_init(struct side *s, struct sim_world *world, const char *name, enum side_role role) {
  *s = (struct side){.node = {&side_ops}, .role = role, .world = world, .host = sim_host_new(world, name)};
  s->log = (struct log){LOG_INFO, keep_line, s};
  s->config = (struct repl_config){.id = role == SIDE_SLAVE ? 1 : 0,
                                   .listener = HA_TAG,
                                   .segment_length = SEGMENT,
                                   .batch = 32768,
                                   .keepalive_ms = 5000,
                                   .housekeeping_ms = 20000,
                                   .fall_behind_max = 256 << 20,
                                   .in_sync = 1,
                                   .backlog_max = 1 << 20,
                                   .sync = true,
                                   .master = role == SIDE_SLAVE ? "master:10912" : NULL};
  s->store_config = (struct store_config){.root = SIDE_ROOT,
                                          .commitlog = SIDE_LOG,
                                          .segment_length = SEGMENT,
                                          .queue_file_length = 1280,
                                          .message_size_max = 40000,
                                          .flush_interval_ms = 500,
                                          .flush_least_pages = 4,
                                          .flush_thorough_ms = 10000,
                                          .flush_queue_interval_ms = 1000,
                                          .check_crc_on_recover = true,
                                          .seed = 1,
                                          .index = {.enabled = true, .slots = 64, .entries = 4096}};
}

void side_start(struct side *s) {
  struct buf why;
  struct moment now = sim_host_now(s->host);
  struct repl_host host = {sim_host_net(s->host), NULL, &s->log};
  struct store_listener nobody = {0};
  buf_init(&why, 4096);
  if (store_open(&s->store, &s->store_config, sim_host_disk(s->host), &s->log, &nobody, now, &why) != STATUS_OK) {
    printf("    %.*s\n", SPAN_ARG(buf_span(&why)));
    abort();
  }
  buf_fini(&why);
  host.store = s->store;
  s->repl = s->role == SIDE_MASTER ? ha_master_new(&s->config, &host) : ha_slave_new(&s->config, &host, now);
  CU_ASSERT_FATAL(s->repl != NULL);
  if (s->role == SIDE_MASTER)
    CU_ASSERT_FATAL(host.net->ops->listen(host.net, "", HA_PORT, HA_TAG, NULL, NULL) == STATUS_OK);
  sim_attach(s->host, &s->node);
}

void side_stop(struct side *s, enum sim_stop how) {
  struct moment now = sim_host_now(s->host);
  if (how != SIM_EXIT) sim_stop(s->host, how);
  s->repl->ops->free(s->repl);
  if (how == SIM_EXIT) store_close(s->store, now);
  else store_abandon(s->store);
  if (how == SIM_EXIT) sim_stop(s->host, how);
  s->store = NULL;
  s->repl = NULL;
}

void side_restart(struct side *s, enum sim_stop how) {
  side_stop(s, how);
  sim_boot(s->host);
  side_start(s);
}

void side_fini(struct side *s) {
  if (s->store != NULL) side_stop(s, SIM_KILL);
}

void side_put(struct side *s, int count, int body) {
  static char text[65536], properties[64];
  for (int i = 0; i < count; i++) {
    int64_t n = s->put++;
    struct put_result result;
    int len = 1 + (int)((uint64_t)n * 2654435761u % (uint64_t)body);
    for (int j = 0; j < len; j++) text[j] = (char)('a' + (n + j) % 26);
    snprintf(properties, sizeof properties, "KEYS\1k%lld\2UNIQ_KEY\1%s%lld\2", (long long)n, sim_host_name(s->host),
             (long long)n);
    struct message m = {.queue_id = (int32_t)(n % 3),
                        .topic = SPAN_LITERAL("t"),
                        .body = span_of(text, (size_t)len),
                        .born_ms = n,
                        .properties = span_text(properties)};
    m.born_host = m.store_host = (struct net_peer){.ip = {10, 0, 0, 1}, .ip_len = 4, .port = 10911};
    CU_ASSERT_FATAL(store_put(s->store, &m, sim_host_now(s->host), &result) == PUT_OK);
  }
  CU_ASSERT_FATAL(store_commit(s->store, sim_host_now(s->host)) == STATUS_OK);
  sim_poke(s->host);
}

enum status side_append(struct side *s, int64_t offset, struct span bytes) {
  struct buf why;
  buf_init(&why, 4096);
  enum status status = store_append_raw(s->store, offset, bytes, sim_host_now(s->host), &why);
  enum status written = store_commit(s->store, sim_host_now(s->host));
  snprintf(s->last, sizeof s->last, "%.*s", SPAN_ARG(buf_span(&why)));
  buf_fini(&why);
  sim_poke(s->host);
  return status == STATUS_OK ? written : status;
}

void run(struct sim_world *world, int64_t ms) { sim_run_until(world, sim_now(world) + ms); }

uint8_t *log_copy(struct side *s, int64_t from, size_t *len) {
  int64_t end = store_log_max(s->store);
  uint8_t *out = malloc((size_t)(end - from) + 1);
  *len = 0;
  struct span part;
  while (out != NULL && store_log_bytes(s->store, from + (int64_t)*len, SIZE_MAX, &part) == STATUS_OK) {
    memcpy(out + *len, part.ptr, part.len);
    *len += part.len;
  }
  CU_ASSERT_FATAL(out != NULL && *len == (size_t)(end - from));
  return out;
}

bool logs_equal(struct side *master, struct side *slave, int64_t from, int64_t end) {
  size_t a_len, b_len;
  uint8_t *a = log_copy(master, from, &a_len), *b = log_copy(slave, from, &b_len);
  bool equal = from + (int64_t)b_len == end && b_len <= a_len && memcmp(a, b, b_len) == 0;
  if (!equal)
    printf("    master [%lld, +%zu), slave [%lld, +%zu), want the end at %lld; slave says: %s\n", (long long)from,
           a_len, (long long)from, b_len, (long long)end, slave->last);
  free(a);
  free(b);
  return equal;
}

/* ---- a peer that speaks bytes ---- */

static struct wire *wire_of(struct node *node) { return (struct wire *)node; }

static void wire_connection(struct node *node, const struct net_event *event, struct moment now) {
  struct wire *w = wire_of(node);
  (void)now;
  if (event->kind == NET_ACCEPTED) {
    w->conn = event->conn;
    w->accepted++;
    w->in.len = 0;
  }
  if (event->conn != w->conn) return;
  w->open = event->kind != NET_CLOSED;
  w->closed = !w->open;
}

static size_t wire_bytes(struct node *node, conn_id conn, struct span input, struct moment now) {
  struct wire *w = wire_of(node);
  (void)now;
  if (conn != w->conn) return input.len;
  if (w->deaf) return 0;
  buf_put(&w->in, input);
  return input.len;
}

static int64_t wire_turn(struct node *node, struct moment now) {
  (void)node, (void)now;
  return TIME_NEVER;
}

static const struct node_ops wire_ops = {.connection = wire_connection, .bytes = wire_bytes, .turn = wire_turn};

void wire_init(struct wire *w, struct sim_world *world, const char *name) {
  *w = (struct wire){.node = {&wire_ops}, .host = sim_host_new(world, name)};
  buf_init(&w->in, 64 << 20);
  sim_attach(w->host, &w->node);
}

void wire_fini(struct wire *w) {
  sim_stop(w->host, SIM_KILL);
  buf_fini(&w->in);
}

void wire_connect(struct wire *w, struct side *master) {
  struct net *net = sim_host_net(w->host);
  if (w->conn != 0) net->ops->close(net, w->conn);
  w->in.len = 0;
  w->open = w->closed = false;
  w->conn = net->ops->connect(net, sim_host_ip(master->host), HA_PORT, 1000);
  run(master->world, 50);
  CU_ASSERT(w->open);
}

void wire_listen(struct wire *w) {
  struct net *net = sim_host_net(w->host);
  CU_ASSERT_FATAL(net->ops->listen(net, "", HA_PORT, HA_TAG, NULL, NULL) == STATUS_OK);
}

void wire_send(struct wire *w, struct span bytes) {
  struct net *net = sim_host_net(w->host);
  net->ops->send(net, w->conn, bytes);
}

void wire_report(struct wire *w, int64_t offset) {
  uint8_t report[HA_REPORT_SIZE];
  put_i64(report, offset);
  wire_send(w, span_of(report, sizeof report));
}

void wire_frame(struct wire *w, int64_t offset, struct span body) {
  uint8_t header[HA_HEADER_SIZE];
  ha_header_put(header, offset, (int32_t)body.len);
  wire_send(w, span_of(header, sizeof header));
  if (body.len > 0) wire_send(w, body);
}

int64_t wire_last_report(struct wire *w) {
  size_t n = w->in.len / HA_REPORT_SIZE;
  int64_t report = n == 0 ? -1 : get_i64(w->in.ptr + (n - 1) * HA_REPORT_SIZE);
  buf_drop_front(&w->in, n * HA_REPORT_SIZE);
  return report;
}

bool wire_take_frame(struct wire *w, int64_t *offset, struct span *body) {
  static uint8_t copy[4 << 20];
  if (w->in.len < HA_HEADER_SIZE) return false;
  *offset = get_i64(w->in.ptr);
  size_t len = (size_t)get_i32(w->in.ptr + 8);
  if (len > sizeof copy || w->in.len < HA_HEADER_SIZE + len) return false;
  memcpy(copy, w->in.ptr + HA_HEADER_SIZE, len);
  *body = span_of(copy, len);
  buf_drop_front(&w->in, HA_HEADER_SIZE + len);
  return true;
}

void wire_forget(struct wire *w) { w->in.len = 0; }
