/* SPDX-License-Identifier: Apache-2.0
 *
 * TopicRouteData and ClusterInfo, both with bare integer keys in brokerAddrs.
 */
#include "core/wire/body_read.h"

static void put_addresses(struct json_writer *w, const struct broker_data *b, bool standard_json) {
  json_open_inline_map(w);
  for (size_t i = 0; i < b->address_count; i++) {
    char digits[21];
    int64_t id = b->addresses[i].broker_id;
    if (standard_json) json_key_span(w, span_of(digits, i64_to_text(id, digits)));
    else json_key_int(w, id);
    json_put_span(w, b->addresses[i].address);
  }
  json_close_object(w);
}

static void put_broker(struct json_writer *w, const struct broker_data *b, bool standard_json) {
  json_open_object(w);
  json_key(w, "brokerAddrs");
  put_addresses(w, b, standard_json);
  body_put_text(w, "brokerName", b->broker_name);
  body_put_text(w, "cluster", b->cluster);
  json_close_object(w);
}

static void put_queue(struct json_writer *w, const struct queue_data *q) {
  json_open_object(w);
  body_put_text(w, "brokerName", q->broker_name);
  json_key(w, "perm");
  json_put_int(w, q->perm);
  json_key(w, "readQueueNums");
  json_put_int(w, q->read_queues);
  json_key(w, "topicSynFlag");
  json_put_int(w, q->topic_syn_flag);
  json_key(w, "writeQueueNums");
  json_put_int(w, q->write_queues);
  json_close_object(w);
}

void topic_route_write(struct buf *out, const struct topic_route *r, bool standard_json) {
  struct json_writer w;
  json_writer_init(&w, out, false);
  json_open_object(&w);
  json_key(&w, "brokerDatas");
  json_open_array(&w);
  for (size_t i = 0; i < r->broker_count; i++) put_broker(&w, &r->brokers[i], standard_json);
  json_close_array(&w);
  json_key(&w, "filterServerTable");
  json_open_object(&w);
  for (size_t i = 0; i < r->filter_count; i++) {
    json_key_span(&w, r->filter_addresses[i]);
    json_open_array(&w);
    for (size_t k = 0; k < r->filter_server_counts[i]; k++) json_put_span(&w, r->filter_servers[i][k]);
    json_close_array(&w);
  }
  json_close_object(&w);
  body_put_text(&w, "orderTopicConf", r->order_topic_conf);
  json_key(&w, "queueDatas");
  json_open_array(&w);
  for (size_t i = 0; i < r->queue_count; i++) put_queue(&w, &r->queues[i]);
  json_close_array(&w);
  json_close_object(&w);
}

static enum status read_addresses(const struct json *map, struct arena *arena, struct broker_data *out) {
  void *places;
  enum status status = body_places(map, JSON_OBJECT, arena, sizeof *out->addresses, &places);
  if (status != STATUS_OK || places == NULL) return status;
  out->addresses = places;
  for (const struct json *m = map->children; m != NULL; m = m->next) {
    struct broker_address *a = &out->addresses[out->address_count++];
    a->address = json_text(m);
    if (!span_to_i64(json_text(m->key), &a->broker_id)) return STATUS_INVALID;
  }
  return STATUS_OK;
}

static enum status read_broker(const struct json *value, struct arena *arena, struct broker_data *out) {
  out->cluster = json_text(json_member(value, "cluster"));
  out->broker_name = json_text(json_member(value, "brokerName"));
  return read_addresses(json_member(value, "brokerAddrs"), arena, out);
}

/* brokerDatas (array) and brokerAddrTable (map by broker name) hold the same values. */
static enum status read_brokers(const struct json *list, enum json_kind kind, struct arena *arena,
                                struct broker_data **out, size_t *count) {
  void *places;
  enum status status = body_places(list, kind, arena, sizeof **out, &places);
  if (status != STATUS_OK || places == NULL) return status;
  *out = places;
  for (const struct json *m = list->children; m != NULL; m = m->next) {
    if (m->kind != JSON_OBJECT) continue;
    struct broker_data *broker = &(*out)[(*count)++];
    status = read_broker(m, arena, broker);
    if (status != STATUS_OK) return status;
    if (broker->broker_name.ptr == NULL && m->key != NULL) broker->broker_name = json_text(m->key);
  }
  return STATUS_OK;
}

static enum status read_queues(const struct json *list, struct arena *arena, struct topic_route *out) {
  void *places;
  enum status status = body_places(list, JSON_ARRAY, arena, sizeof *out->queues, &places);
  if (status != STATUS_OK || places == NULL) return status;
  out->queues = places;
  for (const struct json *m = list->children; m != NULL; m = m->next) {
    if (m->kind != JSON_OBJECT) continue;
    out->queues[out->queue_count++] = (struct queue_data){
        .broker_name = json_text(json_member(m, "brokerName")),
        .read_queues = json_i32(json_member(m, "readQueueNums"), 0),
        .write_queues = json_i32(json_member(m, "writeQueueNums"), 0),
        .perm = json_i32(json_member(m, "perm"), 0),
        .topic_syn_flag = json_i32(json_member(m, "topicSynFlag"), 0),
    };
  }
  return STATUS_OK;
}

/* {name: [text...]} as three parallel arrays. */
static enum status read_groups(const struct json *map, struct arena *arena, struct span **names, struct span ***lists,
                               size_t **counts, size_t *count) {
  void *name_places, *list_places, *count_places;
  enum status status = body_places(map, JSON_OBJECT, arena, sizeof **names, &name_places);
  if (status == STATUS_OK) status = body_places(map, JSON_OBJECT, arena, sizeof **lists, &list_places);
  if (status == STATUS_OK) status = body_places(map, JSON_OBJECT, arena, sizeof **counts, &count_places);
  if (status != STATUS_OK || name_places == NULL) return status;
  *names = name_places;
  *lists = list_places;
  *counts = count_places;
  for (const struct json *m = map->children; m != NULL; m = m->next) {
    size_t i = *count;
    if (m->kind == JSON_NULL) continue;
    (*names)[i] = json_text(m->key);
    if ((*names)[i].ptr == NULL) return STATUS_INVALID;
    status = body_names(m, arena, &(*lists)[i], &(*counts)[i]);
    if (status != STATUS_OK) return status;
    (*count)++;
  }
  return STATUS_OK;
}

enum status topic_route_read(struct span body, struct arena *arena, struct topic_route *out, const char **why) {
  const struct json *root;
  *out = (struct topic_route){0};
  enum status status = body_parse(body, arena, &root, why);
  if (status != STATUS_OK) return status;
  if (why != NULL) *why = "topic route has a member of the wrong kind";
  out->order_topic_conf = json_text(json_member(root, "orderTopicConf"));
  status = read_brokers(json_member(root, "brokerDatas"), JSON_ARRAY, arena, &out->brokers, &out->broker_count);
  if (status == STATUS_OK) status = read_queues(json_member(root, "queueDatas"), arena, out);
  if (status == STATUS_OK)
    status = read_groups(json_member(root, "filterServerTable"), arena, &out->filter_addresses, &out->filter_servers,
                         &out->filter_server_counts, &out->filter_count);
  return status;
}

void cluster_info_write(struct buf *out, const struct cluster_info *c) {
  struct json_writer w;
  json_writer_init(&w, out, false);
  json_open_object(&w);
  json_key(&w, "brokerAddrTable");
  json_open_object(&w);
  for (size_t i = 0; i < c->broker_count; i++) {
    json_key_span(&w, c->brokers[i].broker_name);
    put_broker(&w, &c->brokers[i], false);
  }
  json_close_object(&w);
  json_key(&w, "clusterAddrTable");
  json_open_object(&w);
  for (size_t i = 0; i < c->cluster_count; i++) {
    json_key_span(&w, c->cluster_names[i]);
    json_open_inline_array(&w);
    for (size_t k = 0; k < c->cluster_broker_counts[i]; k++) json_put_span(&w, c->cluster_brokers[i][k]);
    json_close_array(&w);
  }
  json_close_object(&w);
  json_close_object(&w);
}

enum status cluster_info_read(struct span body, struct arena *arena, struct cluster_info *out, const char **why) {
  const struct json *root;
  *out = (struct cluster_info){0};
  enum status status = body_parse(body, arena, &root, why);
  if (status != STATUS_OK) return status;
  if (why != NULL) *why = "cluster info has a member of the wrong kind";
  status = read_brokers(json_member(root, "brokerAddrTable"), JSON_OBJECT, arena, &out->brokers, &out->broker_count);
  if (status == STATUS_OK)
    status = read_groups(json_member(root, "clusterAddrTable"), arena, &out->cluster_names, &out->cluster_brokers,
                         &out->cluster_broker_counts, &out->cluster_count);
  return status;
}
