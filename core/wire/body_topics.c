/* SPDX-License-Identifier: Apache-2.0
 *
 * DataVersion, TopicConfig, TopicConfigSerializeWrapper.
 */
#include "core/wire/body_read.h"

static const char *const filter_types[] = {"SINGLE_TAG", "MULTI_TAG"};

enum { QUEUES_DEFAULT = 16 }; /* TopicConfig's fields before anything is set */

void data_version_write(struct json_writer *w, const struct data_version *v) {
  json_open_object(w);
  json_key(w, "counter");
  json_put_int(w, v->counter);
  json_key(w, "timestamp");
  json_put_int(w, v->timestamp);
  json_close_object(w);
}

void data_version_read(const struct json *value, struct data_version *out) {
  out->counter = json_i64(json_member(value, "counter"), 0);
  out->timestamp = json_i64(json_member(value, "timestamp"), 0);
}

void data_version_next(struct data_version *v, int64_t wall_ms) {
  v->timestamp = wall_ms;
  v->counter++;
}

void topic_config_write(struct json_writer *w, const struct topic_config *t) {
  json_open_object(w);
  json_key(w, "order");
  json_put_bool(w, t->order);
  json_key(w, "perm");
  json_put_int(w, t->perm);
  json_key(w, "readQueueNums");
  json_put_int(w, t->read_queues);
  json_key(w, "topicFilterType");
  json_put_text(w, filter_types[t->multi_tag]);
  body_put_text(w, "topicName", t->name);
  json_key(w, "topicSysFlag");
  json_put_int(w, t->sys_flag);
  json_key(w, "writeQueueNums");
  json_put_int(w, t->write_queues);
  json_close_object(w);
}

void topic_config_read(const struct json *value, struct topic_config *out) {
  *out = (struct topic_config){
      .name = json_text(json_member(value, "topicName")),
      .read_queues = json_i32(json_member(value, "readQueueNums"), QUEUES_DEFAULT),
      .write_queues = json_i32(json_member(value, "writeQueueNums"), QUEUES_DEFAULT),
      .perm = json_i32(json_member(value, "perm"), PERM_READ | PERM_WRITE),
      .multi_tag = json_enum(json_member(value, "topicFilterType"), filter_types, 2) == 1,
      .sys_flag = json_i32(json_member(value, "topicSysFlag"), 0),
      .order = json_bool(json_member(value, "order"), false),
  };
}

void topic_table_write(struct json_writer *w, const struct topic_table *t) {
  json_open_object(w);
  json_key(w, "dataVersion");
  data_version_write(w, &t->version);
  json_key(w, "topicConfigTable");
  json_open_object(w);
  for (size_t i = 0; i < t->count; i++) {
    json_key_span(w, t->topics[i].name);
    topic_config_write(w, &t->topics[i]);
  }
  json_close_object(w);
  json_close_object(w);
}

enum status topic_table_read(const struct json *value, struct arena *arena, struct topic_table *out) {
  *out = (struct topic_table){0};
  data_version_read(json_member(value, "dataVersion"), &out->version);
  const struct json *table = json_member(value, "topicConfigTable");
  void *places;
  enum status status = body_places(table, JSON_OBJECT, arena, sizeof *out->topics, &places);
  if (status != STATUS_OK || places == NULL) return status;
  out->topics = places;
  for (const struct json *m = table->children; m != NULL; m = m->next) {
    if (m->kind != JSON_OBJECT) continue;
    struct topic_config *topic = &out->topics[out->count];
    topic_config_read(m, topic);
    if (topic->name.ptr == NULL) topic->name = json_text(m->key);
    if (topic->name.ptr != NULL) out->count++;
  }
  return STATUS_OK;
}
