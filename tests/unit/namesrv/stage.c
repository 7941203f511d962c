/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/namesrv/stage.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

enum { ARENA_MAX = 256 << 20, TEXT_MAX = 1 << 20, SEED = 7, STEP_MS = 1000, TOPICS_MAX = 20000 };

/* ---------------------------------------------------------------- life */

static void write_log(struct log *log, enum log_level level, const char *line) {
  struct stage *s = log->context;
  (void)level;
  buf_put_text(&s->logged, line);
  buf_put_u8(&s->logged, '\n');
}

void stage_init_quiet(struct stage *s) {
  memset(s, 0, sizeof *s);
  memory_net_init(&s->net);
  memory_disk_init(&s->disk);
  buf_init(&s->logged, ARENA_MAX);
  buf_init(&s->frame, ARENA_MAX);
  arena_init(&s->arena, ARENA_MAX);
  s->log = (struct log){.level = LOG_INFO, .write = write_log, .context = s};
  s->now = (struct moment){.mono_ms = 1000, .wall_ms = 1583405207000};
  CU_ASSERT_FATAL(namesrv_settings_init(&s->settings, STAGE_HOME, NULL) == STATUS_OK);
}

void stage_start(struct stage *s) {
  s->ns = namesrv_new(&s->settings, &s->net.net, &s->disk.disk, &s->log, SEED, s->now);
  CU_ASSERT_FATAL(s->ns != NULL);
  CU_ASSERT_FATAL(namesrv_start(s->ns) == STATUS_OK);
  CU_ASSERT(s->net.listening);
}

void stage_init(struct stage *s) {
  stage_init_quiet(s);
  stage_start(s);
}

void stage_restart(struct stage *s) {
  namesrv_free(s->ns, s->now);
  CU_ASSERT(!s->net.listening);
  stage_start(s);
}

void stage_fini(struct stage *s) {
  namesrv_free(s->ns, s->now);
  namesrv_settings_fini(&s->settings);
  memory_net_fini(&s->net);
  memory_disk_fini(&s->disk);
  buf_fini(&s->logged);
  buf_fini(&s->frame);
  arena_fini(&s->arena);
}

/* ---------------------------------------------------------------- net and time */

static void turn(struct stage *s) { s->wake_ms = s->ns->node.ops->turn(&s->ns->node, s->now); }

conn_id stage_connect(struct stage *s) {
  conn_id conn = memory_net_open(&s->net);
  CU_ASSERT_FATAL(conn != 0);
  struct net_event event = {.kind = NET_ACCEPTED,
                            .conn = conn,
                            .listener = NAMESRV_LISTENER,
                            .peer = {.ip = {127, 0, 0, 1}, .ip_len = 4, .port = (uint16_t)(50000 + conn)}};
  s->ns->node.ops->connection(&s->ns->node, &event, s->now);
  turn(s);
  return conn;
}

void stage_disconnect(struct stage *s, conn_id conn) {
  s->net.conns[conn].open = false;
  struct net_event event = {.kind = NET_CLOSED, .conn = conn, .reason = "peer closed"};
  s->ns->node.ops->connection(&s->ns->node, &event, s->now);
  turn(s);
}

bool stage_is_open(const struct stage *s, conn_id conn) { return s->net.conns[conn].open; }

void stage_wait(struct stage *s, int64_t ms) {
  int64_t end = s->now.mono_ms + ms;
  while (s->now.mono_ms < end) {
    int64_t step = end - s->now.mono_ms < STEP_MS ? end - s->now.mono_ms : STEP_MS;
    s->now.mono_ms += step;
    s->now.wall_ms += step;
    turn(s);
  }
}

bool stage_bytes(struct stage *s, conn_id conn, struct span bytes) {
  while (bytes.len > 0) {
    size_t used = s->ns->node.ops->bytes(&s->ns->node, conn, bytes, s->now);
    if (used == NODE_BYTES_BROKEN) {
      s->net.conns[conn].open = false; /* as the host does */
      turn(s);
      return false;
    }
    if (used == 0) break;
    bytes = span_from(bytes, used);
  }
  turn(s);
  return true;
}

bool stage_answer(struct stage *s, conn_id conn) {
  struct buf *out = &s->net.conns[conn].out;
  struct command_limits limits = COMMAND_LIMITS_DEFAULT;
  struct span frame;
  size_t used;
  limits.frame = ARENA_MAX;
  if (frame_split(buf_span(out), &limits, &frame, &used, NULL) != STATUS_OK) return false;
  buf_clear(&s->frame);
  buf_put(&s->frame, frame);
  buf_drop_front(out, used);
  arena_reset(&s->arena);
  CU_ASSERT_FATAL(command_decode(&s->reply, buf_span(&s->frame), &limits, &s->arena, NULL) == STATUS_OK);
  return true;
}

/* ---------------------------------------------------------------- requests */

int stage_call(struct stage *s, conn_id conn, int code, const struct ext *ext, size_t ext_count, struct span body) {
  struct buf out;
  struct command c = {.code = code,
                      .language = LANGUAGE_JAVA,
                      .version = MQ_VERSION_4_7_0,
                      .opaque = ++s->opaque,
                      .has_opaque = true,
                      .remark = SPAN_NONE,
                      .ext = (struct ext *)ext,
                      .ext_count = ext_count,
                      .body = body};
  buf_init(&out, ARENA_MAX);
  CU_ASSERT_FATAL(command_encode(&out, &c, NULL, NULL, false, 0) > 0);
  CU_ASSERT(stage_bytes(s, conn, buf_span(&out)));
  buf_fini(&out);
  CU_ASSERT_FATAL(stage_answer(s, conn));
  CU_ASSERT(s->reply.opaque == s->opaque);
  CU_ASSERT(s->reply.flag == COMMAND_RESPONSE);
  CU_ASSERT(s->net.conns[conn].out.len == 0);
  return s->reply.code;
}

struct span stage_ext(const struct stage *s, const char *key) { return command_ext(&s->reply, key); }

const struct json *stage_json(struct stage *s) {
  struct json *root = NULL;
  if (s->reply.body.len == 0) return NULL;
  if (json_parse(s->reply.body, &JSON_LIMITS_DEFAULT, &s->arena, &root, NULL, NULL) != STATUS_OK) return NULL;
  return root;
}

static struct span broker_ext(char *text, size_t cap, const char *format, const char *address) {
  return span_of(text, (size_t)snprintf(text, cap, format, address));
}

static void write_body(struct buf *body, const struct broker *b, const struct topic_plan *topics, size_t count) {
  struct topic_config *configs = calloc(count + 1, sizeof *configs);
  struct span server = span_text(b->filter_server);
  assert(configs != NULL && count <= TOPICS_MAX);
  for (size_t i = 0; i < count; i++)
    configs[i] = (struct topic_config){.name = span_text(topics[i].name),
                                       .read_queues = topics[i].queues,
                                       .write_queues = topics[i].queues,
                                       .perm = topics[i].perm,
                                       .sys_flag = topics[i].sys_flag};
  struct register_body rb = {.topics = {.version = {b->counter, 1583405207000}, .topics = configs, .count = count},
                             .filter_servers = &server,
                             .filter_server_count = b->filter_server != NULL};
  if (b->version != 0 && b->version < 37) {
    struct json_writer w;
    json_writer_init(&w, body, false);
    topic_table_write(&w, &rb.topics);
  } else {
    register_body_write(body, &rb, b->compressed);
  }
  free(configs);
}

int stage_register(struct stage *s, conn_id conn, const struct broker *b, const struct topic_plan *topics,
                   size_t count) {
  char ha[300], id[21], crc_text[21];
  struct buf body, out;
  buf_init(&body, ARENA_MAX);
  buf_init(&out, ARENA_MAX);
  write_body(&body, b, topics, count);
  CU_ASSERT_FATAL(!body.failed);
  int64_t crc = (int64_t)(crc32_z(0, body.ptr, body.len) & 0x7fffffff);
  struct ext ext[] = {EXT("brokerName", b->name),
                      EXT("brokerAddr", b->address),
                      EXT("clusterName", b->cluster == NULL ? "C" : b->cluster),
                      {SPAN_LITERAL("haServerAddr"), broker_ext(ha, sizeof ha, "%s-ha", b->address)},
                      {SPAN_LITERAL("brokerId"), span_of(id, i64_to_text(b->id, id))},
                      EXT("compressed", b->compressed ? "true" : "false"),
                      {SPAN_LITERAL("bodyCrc32"), span_of(crc_text, i64_to_text(crc, crc_text))}};
  struct command c = {.code = REQUEST_REGISTER_BROKER,
                      .language = LANGUAGE_JAVA,
                      .version = b->version == 0 ? MQ_VERSION_4_7_0 : b->version,
                      .opaque = ++s->opaque,
                      .has_opaque = true,
                      .ext = ext,
                      .ext_count = sizeof ext / sizeof ext[0],
                      .body = buf_span(&body)};
  CU_ASSERT_FATAL(command_encode(&out, &c, NULL, NULL, false, 0) > 0);
  CU_ASSERT(stage_bytes(s, conn, buf_span(&out)));
  buf_fini(&body);
  buf_fini(&out);
  CU_ASSERT_FATAL(stage_answer(s, conn));
  CU_ASSERT(s->reply.opaque == s->opaque);
  return s->reply.code;
}

int stage_unregister(struct stage *s, conn_id conn, const struct broker *b) {
  char id[21];
  struct ext ext[] = {EXT("brokerName", b->name),
                      EXT("brokerAddr", b->address),
                      EXT("clusterName", b->cluster == NULL ? "C" : b->cluster),
                      {SPAN_LITERAL("brokerId"), span_of(id, i64_to_text(b->id, id))}};
  return stage_call(s, conn, REQUEST_UNREGISTER_BROKER, ext, sizeof ext / sizeof ext[0], SPAN_NONE);
}

int stage_route(struct stage *s, conn_id conn, const char *topic) {
  struct ext ext[] = {EXT("topic", topic)};
  return stage_call(s, conn, REQUEST_GET_ROUTEINTO_BY_TOPIC, ext, 1, SPAN_NONE);
}

/* ---------------------------------------------------------------- expectations */

static void expect_text(struct buf *got, const char *want) {
  ASSERT_SPAN(buf_span(got), want);
  buf_fini(got);
}

void stage_expect_queues(struct stage *s, const char *want) {
  struct buf got;
  buf_init(&got, TEXT_MAX);
  const struct json *list = json_member(stage_json(s), "queueDatas");
  for (const struct json *q = list == NULL ? NULL : list->children; q; q = q->next) {
    CU_ASSERT(json_i32(json_member(q, "readQueueNums"), -1) == json_i32(json_member(q, "writeQueueNums"), -2));
    buf_printf(&got, "%s%.*s:%d:%d:%d", got.len > 0 ? "," : "", SPAN_ARG(json_text(json_member(q, "brokerName"))),
               json_i32(json_member(q, "readQueueNums"), -1), json_i32(json_member(q, "perm"), -1),
               json_i32(json_member(q, "topicSynFlag"), -1));
  }
  expect_text(&got, want);
}

void stage_expect_brokers(struct stage *s, const char *want) {
  struct buf got;
  buf_init(&got, TEXT_MAX);
  const struct json *list = json_member(stage_json(s), "brokerDatas");
  for (const struct json *b = list == NULL ? NULL : list->children; b; b = b->next) {
    buf_printf(&got, "%s%.*s/%.*s", got.len > 0 ? "," : "", SPAN_ARG(json_text(json_member(b, "cluster"))),
               SPAN_ARG(json_text(json_member(b, "brokerName"))));
    const struct json *addrs = json_member(b, "brokerAddrs");
    for (const struct json *a = addrs == NULL ? NULL : addrs->children; a; a = a->next)
      buf_printf(&got, " %.*s=%.*s", SPAN_ARG(json_text(a->key)), SPAN_ARG(json_text(a)));
  }
  expect_text(&got, want);
}

static int compare_spans(const void *a, const void *b) {
  return span_compare(*(const struct span *)a, *(const struct span *)b);
}

void stage_expect_names(struct stage *s, const char *want) {
  struct buf got;
  const struct json *list = json_member(stage_json(s), "topicList");
  CU_ASSERT_FATAL(list != NULL && list->kind == JSON_ARRAY);
  struct span *names = calloc(list->child_count + 1, sizeof *names);
  CU_ASSERT_FATAL(names != NULL);
  size_t n = 0;
  for (const struct json *e = list->children; e; e = e->next) names[n++] = json_text(e);
  qsort(names, n, sizeof *names, compare_spans);
  buf_init(&got, TEXT_MAX);
  for (size_t i = 0; i < n; i++) buf_printf(&got, "%s%.*s", i > 0 ? "," : "", SPAN_ARG(names[i]));
  free(names);
  expect_text(&got, want);
}
