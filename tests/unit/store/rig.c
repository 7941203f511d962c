/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store/rig.h"
#include "tests/alone.h"

#include <stdio.h>

static void node_synced(struct node *node, uint64_t token, enum status status, struct moment now) {
  struct rig *r = (struct rig *)node;
  if (r->store != NULL) store_synced(r->store, token, status, now);
}

static int64_t node_turn(struct node *node, struct moment now) {
  struct rig *r = (struct rig *)node;
  return r->store == NULL ? TIME_NEVER : store_tick(r->store, now);
}

static const struct node_ops rig_ops = {alone_connection, alone_bytes, node_synced, node_turn};

static void count_arrived(void *context, struct span topic, int32_t queue_id, int64_t queue_max, int64_t tags_code) {
  (void)topic, (void)queue_id, (void)queue_max, (void)tags_code;
  ++*(uint64_t *)context;
}

void rig_init(struct rig *r, uint64_t seed) {
  *r = (struct rig){.node = {&rig_ops}};
  r->world = sim_world_new(seed);
  r->host = sim_host_new(r->world, "broker");
  r->disk = sim_host_disk(r->host);
  r->listener = (struct store_listener){.arrived = count_arrived, .context = &r->arrived};
  buf_init(&r->why, 4096);
  r->log = alone_log();
  r->config = (struct store_config){
      .root = RIG_ROOT, .commitlog = RIG_LOG, .segment_length = 65536, .queue_file_length = 1280,
      .message_size_max = 40000, .flush_interval_ms = 500, .flush_least_pages = 4, .flush_thorough_ms = 10000,
      .flush_queue_interval_ms = 1000, .check_crc_on_recover = true, .seed = seed};
  sim_attach(r->host, &r->node);
  sim_run_until(r->world, 1);
}

void rig_fini(struct rig *r) {
  sim_stop(r->host, SIM_KILL);
  store_abandon(r->store);
  sim_world_free(r->world);
  buf_fini(&r->why);
}

struct moment rig_now(const struct rig *r) { return sim_host_now(r->host); }

enum status rig_open(struct rig *r) {
  buf_clear(&r->why);
  enum status status = store_open(&r->store, &r->config, r->disk, &r->log, &r->listener, rig_now(r), &r->why);
  if (status != STATUS_OK) log_info(&r->log, "not opened: %.*s", SPAN_ARG(buf_span(&r->why)));
  sim_poke(r->host);
  return status;
}

void rig_close(struct rig *r) {
  store_close(r->store, rig_now(r));
  r->store = NULL;
}

void rig_crash(struct rig *r, enum sim_stop how) {
  sim_stop(r->host, how);
  store_abandon(r->store);
  r->store = NULL;
  sim_boot(r->host);
  sim_attach(r->host, &r->node);
}

void rig_run(struct rig *r, int64_t ms) {
  sim_poke(r->host);
  sim_run_until(r->world, sim_now(r->world) + ms);
}

struct message rig_message(const char *topic, int32_t queue_id, const char *body, const char *tags) {
  static uint8_t properties[256];
  struct message m = {.queue_id = queue_id, .flag = 7, .born_ms = 1500000000000, .topic = span_text(topic),
                      .body = span_text(body == NULL ? "" : body), .properties = SPAN_LITERAL("")};
  CU_ASSERT_FATAL(net_peer_parse(SPAN_LITERAL("10.1.2.3:54321"), &m.born_host) == STATUS_OK);
  CU_ASSERT_FATAL(net_peer_parse(SPAN_LITERAL("127.0.0.1:10911"), &m.store_host) == STATUS_OK);
  if (tags != NULL) {
    int n = snprintf((char *)properties, sizeof properties, "TAGS\1%s\2", tags);
    m.properties = span_of(properties, (size_t)n);
  }
  return m;
}

enum put_status rig_put(struct rig *r, const char *topic, int32_t queue_id, const char *body, struct put_result *out) {
  struct message m = rig_message(topic, queue_id, body, NULL);
  return store_put(r->store, &m, rig_now(r), out);
}

int64_t rig_send(struct rig *r, const char *topic, int32_t queue_id, const char *body) {
  struct put_result result;
  CU_ASSERT_FATAL(rig_put(r, topic, queue_id, body, &result) == PUT_OK);
  CU_ASSERT_FATAL(store_commit(r->store, rig_now(r)) == STATUS_OK);
  return result.physical_offset;
}

const char *rig_body(struct rig *r, const char *topic, int32_t queue_id, int64_t offset) {
  static char text[65536];
  static struct get_result got;
  struct message m;
  size_t size;
  enum get_status status = store_get(r->store, span_text(topic), queue_id, offset, 1, 1 << 20, NULL, NULL, &got);
  if (status != GET_FOUND || got.message_count != 1) return "-";
  if (message_decode(got.parts[0], true, &m, &size) != STATUS_OK) return "undecodable";
  if (m.queue_offset != offset || !span_is(m.topic, topic) || m.queue_id != queue_id) return "another message";
  return span_copy_text(m.body, text, sizeof text) ? text : "too long";
}

int64_t rig_max(struct rig *r, const char *topic, int32_t queue_id) {
  return store_queue_max(r->store, span_text(topic), queue_id);
}

struct buf rig_file(struct rig *r, const char *path) {
  struct buf b;
  buf_init(&b, (size_t)1 << 30);
  if (disk_read_whole(r->disk, path, &b) != STATUS_OK) buf_fini(&b);
  return b;
}

bool rig_exists(struct rig *r, const char *path) {
  struct disk_entry entry;
  return r->disk->ops->stat(r->disk, path, &entry) == STATUS_OK;
}

void rig_write(struct rig *r, const char *path, int64_t offset, struct span bytes) {
  struct disk_file *file;
  CU_ASSERT_FATAL(r->disk->ops->open(r->disk, path, DISK_CREATE, 0, &file) == STATUS_OK);
  CU_ASSERT_FATAL(r->disk->ops->write(r->disk, file, offset, &bytes, 1) == STATUS_OK);
  CU_ASSERT_FATAL(r->disk->ops->sync(r->disk, file) == STATUS_OK);
  r->disk->ops->close(r->disk, file);
}
