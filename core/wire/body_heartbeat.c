/* SPDX-License-Identifier: Apache-2.0
 *
 * HeartbeatData and ConsumerData. Their lists are Java sets.
 */
#include "core/wire/body_read.h"

const char *const consume_type_names[2] = {"CONSUME_ACTIVELY", "CONSUME_PASSIVELY"};
const char *const message_model_names[2] = {"BROADCASTING", "CLUSTERING"};
const char *const consume_from_names[6] = {
    "CONSUME_FROM_LAST_OFFSET",  "CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST",
    "CONSUME_FROM_MIN_OFFSET",   "CONSUME_FROM_MAX_OFFSET",
    "CONSUME_FROM_FIRST_OFFSET", "CONSUME_FROM_TIMESTAMP"};

static void put_enum(struct json_writer *w, const char *name, int value, const char *const *names, int count) {
  if (value >= 0 && value < count) body_put_text(w, name, span_text(names[value]));
}

static void put_consumer(struct json_writer *w, const struct consumer_data *c) {
  json_open_object(w);
  put_enum(w, "consumeFromWhere", c->consume_from, consume_from_names, 6);
  put_enum(w, "consumeType", c->consume_type, consume_type_names, 2);
  body_put_text(w, "groupName", c->group);
  put_enum(w, "messageModel", c->message_model, message_model_names, 2);
  json_key(w, "subscriptionDataSet");
  json_open_inline_array(w);
  for (size_t i = 0; i < c->subscription_count; i++) subscription_data_write(w, &c->subscriptions[i]);
  json_close_array(w);
  json_key(w, "unitMode");
  json_put_bool(w, c->unit_mode);
  json_close_object(w);
}

void heartbeat_write(struct buf *out, const struct heartbeat *h) {
  struct json_writer w;
  json_writer_init(&w, out, false);
  json_open_object(&w);
  body_put_text(&w, "clientID", h->client_id);
  json_key(&w, "consumerDataSet");
  json_open_inline_array(&w);
  for (size_t i = 0; i < h->consumer_count; i++) put_consumer(&w, &h->consumers[i]);
  json_close_array(&w);
  json_key(&w, "producerDataSet");
  json_open_inline_array(&w);
  for (size_t i = 0; i < h->producer_count; i++) {
    json_open_object(&w);
    body_put_text(&w, "groupName", h->producer_groups[i]);
    json_close_object(&w);
  }
  json_close_array(&w);
  json_close_object(&w);
}

static enum status read_consumer(const struct json *value, struct arena *arena, struct consumer_data *out) {
  out->group = json_text(json_member(value, "groupName"));
  out->consume_type = json_enum(json_member(value, "consumeType"), consume_type_names, 2);
  out->message_model = json_enum(json_member(value, "messageModel"), message_model_names, 2);
  out->consume_from = json_enum(json_member(value, "consumeFromWhere"), consume_from_names, 6);
  out->unit_mode = json_bool(json_member(value, "unitMode"), false);
  const struct json *list = json_member(value, "subscriptionDataSet");
  void *places;
  enum status status = body_places(list, JSON_ARRAY, arena, sizeof *out->subscriptions, &places);
  if (status != STATUS_OK || places == NULL) return status;
  out->subscriptions = places;
  for (const struct json *m = list->children; m != NULL && status == STATUS_OK; m = m->next)
    if (m->kind == JSON_OBJECT)
      status = subscription_data_read(m, arena, &out->subscriptions[out->subscription_count++]);
  return status;
}

static enum status read_consumers(const struct json *list, struct arena *arena, struct heartbeat *out) {
  void *places;
  enum status status = body_places(list, JSON_ARRAY, arena, sizeof *out->consumers, &places);
  if (status != STATUS_OK || places == NULL) return status;
  out->consumers = places;
  for (const struct json *m = list->children; m != NULL && status == STATUS_OK; m = m->next)
    if (m->kind == JSON_OBJECT) status = read_consumer(m, arena, &out->consumers[out->consumer_count++]);
  return status;
}

static enum status read_producers(const struct json *list, struct arena *arena, struct heartbeat *out) {
  void *places;
  enum status status = body_places(list, JSON_ARRAY, arena, sizeof *out->producer_groups, &places);
  if (status != STATUS_OK || places == NULL) return status;
  out->producer_groups = places;
  for (const struct json *m = list->children; m != NULL; m = m->next) {
    struct span group = json_text(json_member(m, "groupName"));
    if (group.ptr != NULL) out->producer_groups[out->producer_count++] = group;
  }
  return STATUS_OK;
}

enum status heartbeat_read(struct span body, struct arena *arena, struct heartbeat *out, const char **why) {
  const struct json *root;
  *out = (struct heartbeat){0};
  enum status status = body_parse(body, arena, &root, why);
  if (status != STATUS_OK) return status;
  if (why != NULL) *why = "heartbeat has a member of the wrong kind";
  out->client_id = json_text(json_member(root, "clientID"));
  status = read_producers(json_member(root, "producerDataSet"), arena, out);
  if (status == STATUS_OK) status = read_consumers(json_member(root, "consumerDataSet"), arena, out);
  return status;
}
