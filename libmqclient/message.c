/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/message.h"

#include <stdlib.h>

bool message_next_property(const struct mq_message *m, size_t *at, const char **name, const char **value) {
  struct span properties = m->properties;
  if (*at >= properties.len) return false;
  *name = (const char *)properties.ptr + *at;
  *at += strlen(*name) + 1;
  if (*at >= properties.len) return false;
  *value = (const char *)properties.ptr + *at;
  *at += strlen(*value) + 1;
  return true;
}

const char *message_property(const struct mq_message *m, const char *wanted) {
  const char *name, *value, *found = NULL;
  for (size_t at = 0; message_next_property(m, &at, &name, &value);)
    if (*value != '\0' && strcmp(name, wanted) == 0) found = value;
  return found;
}

void message_put_properties(const struct mq_message *m, struct buf *out) {
  const char *name, *value;
  for (size_t at = 0; message_next_property(m, &at, &name, &value);) property_put(out, name, span_text(value));
}

void delivery_init(struct delivery *d, size_t limit) {
  *d = (struct delivery){0};
  buf_init(&d->bytes, limit);
  buf_init(&d->unpacked, limit);
}

void delivery_fini(struct delivery *d) {
  buf_fini(&d->bytes);
  buf_fini(&d->unpacked);
  free(d->items);
  *d = (struct delivery){0};
}

static bool tag_wanted(const struct subscription_data *filter, struct span properties) {
  if (filter == NULL || filter->tag_count == 0) return true;
  struct span tag = property_get(properties, "TAGS");
  for (size_t i = 0; i < filter->tag_count; i++)
    if (span_equal(filter->tags[i], tag)) return true;
  return false;
}

static struct received *add_item(struct delivery *d) {
  if (d->count == d->cap) {
    size_t cap = d->cap == 0 ? 32 : d->cap * 2;
    struct received *items = realloc(d->items, cap * sizeof *items);
    if (items == NULL) return NULL;
    d->items = items;
    d->cap = cap;
  }
  return &d->items[d->count++];
}

/* Offsets into d->unpacked while it still may move: ptr is NULL + offset. */
static enum status unpack_body(struct delivery *d, struct span body, struct span *out) {
  size_t from = d->unpacked.len;
  enum status status = body_uncompress(body, &d->unpacked);
  if (status == STATUS_INVALID) d->unpacked.len = from;
  *out = span_of((const uint8_t *)from, d->unpacked.len - from);
  return status;
}

static enum status take_record(struct delivery *d, const struct message *m, const char *broker_name) {
  struct received *r = add_item(d);
  if (r == NULL) return STATUS_NO_MEMORY;
  *r = (struct received){.delivery = d,
                         .message = {.topic = (const char *)m->topic.ptr,
                                     .body = m->body,
                                     .properties = m->properties,
                                     .flag = m->flag,
                                     .queue_id = m->queue_id,
                                     .sys_flag = m->sys_flag,
                                     .reconsume_times = m->reconsume_times,
                                     .queue_offset = m->queue_offset,
                                     .physical_offset = m->physical_offset,
                                     .born_ms = m->born_ms,
                                     .store_ms = m->store_ms,
                                     .born_host = m->born_host,
                                     .store_host = m->store_host,
                                     .broker_name = broker_name}};
  if (!(m->sys_flag & SYS_COMPRESSED)) return STATUS_OK;
  enum status status = unpack_body(d, m->body, &r->message.body);
  if (status == STATUS_INVALID) {
    /* One broken body must not stop the queue: it is handed out as stored. */
    r->message.body = m->body;
    return STATUS_OK;
  }
  r->unpacked = status == STATUS_OK;
  return status;
}

/* Turns separators into NULs, in the delivery's own bytes. */
static void separate(uint8_t *p, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (p[i] == '\0') p[i] = ' '; /* would look like a separator */
    if (p[i] == PROPERTY_NAME_END || p[i] == PROPERTY_VALUE_END) p[i] = '\0';
  }
}

/* After all records are decoded, so that the byte behind a text may be overwritten. */
static void finish_items(struct delivery *d) {
  for (size_t i = 0; i < d->count; i++) {
    struct mq_message *m = &d->items[i].message;
    if (d->items[i].unpacked) m->body.ptr = d->unpacked.ptr + (uintptr_t)m->body.ptr;
    uint8_t *properties = d->bytes.ptr + (m->properties.ptr - d->bytes.ptr);
    separate(properties, m->properties.len);
    properties[m->properties.len] = '\0';
    /* The topic is followed by the two bytes of the properties' length. */
    properties[-2] = '\0';
  }
}

enum status delivery_fill(struct delivery *d, struct span body, const struct subscription_data *filter,
                          const char *broker_name) {
  buf_clear(&d->bytes);
  buf_clear(&d->unpacked);
  d->count = 0;
  buf_put(&d->bytes, body);
  if (buf_reserve(&d->bytes, 1) == NULL) return STATUS_NO_MEMORY;
  enum status status = STATUS_OK;
  for (struct span rest = buf_span(&d->bytes); rest.len > 0 && status == STATUS_OK;) {
    struct message m;
    size_t size;
    status = message_decode(rest, false, &m, &size);
    if (status != STATUS_OK) break;
    rest = span_from(rest, size);
    if (tag_wanted(filter, m.properties)) status = take_record(d, &m, broker_name);
  }
  d->live = d->count;
  if (status == STATUS_OK) finish_items(d);
  return status;
}
