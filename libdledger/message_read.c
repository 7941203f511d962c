/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading what a member sends, as generous as fastjson 1.2.62.
 */
#include "core/wire/json.h"
#include "libdledger/base64.h"
#include "libdledger/message.h"
#include "libdledger/message_parts.h"

#define ELEMENTS_MAX (1 << 16) /* byte[] as numbers is something nobody sends */
#define DEPTH_MAX 16

struct reading {
  struct dl_message *m;
  struct arena *arena;
  const char *why;
};

static enum status refuse(struct reading *r, const char *why) {
  r->why = why;
  return STATUS_INVALID;
}

static enum status no_memory(struct reading *r) {
  r->why = "no memory for it";
  return STATUS_NO_MEMORY;
}

/* What json_member does not tell from an absent one. */
static bool says_null(const struct json *object, const char *name) {
  for (const struct json *m = object->children; m != NULL; m = m->next)
    if (m->kind == JSON_NULL && span_is(m->key->text, name)) return true;
  return false;
}

static enum status read_numbers(struct reading *r, const struct json *value, struct span *out) {
  uint8_t *bytes = arena_alloc(r->arena, value->child_count + 1);
  if (bytes == NULL) return no_memory(r);
  size_t n = 0;
  for (const struct json *item = value->children; item != NULL; item = item->next) {
    int64_t v = json_i64(item, INT64_MAX);
    if (v < INT8_MIN || v > UINT8_MAX) return refuse(r, "a byte array holds something else");
    bytes[n++] = (uint8_t)v;
  }
  *out = span_of(bytes, n);
  return STATUS_OK;
}

static enum status read_bytes(struct reading *r, const struct json *value, struct span *out) {
  *out = SPAN_NONE;
  if (value == NULL) return STATUS_OK;
  if (value->kind == JSON_ARRAY) return read_numbers(r, value, out);
  if (value->kind != JSON_STRING) return refuse(r, "a byte array is neither text nor numbers");
  uint8_t *bytes = arena_alloc(r->arena, base64_bytes_max(value->text));
  if (bytes == NULL) return no_memory(r);
  size_t len;
  if (!base64_decode(value->text, bytes, &len)) return refuse(r, "a byte array is not in base64");
  *out = span_of(bytes, len);
  return STATUS_OK;
}

static enum status read_entry(struct reading *r, const struct json *value, struct entry *out) {
  *out = (struct entry){0};
  if (value->kind != JSON_OBJECT) return refuse(r, "an entry is not an object");
  out->magic = json_i32(json_member(value, "magic"), 0);
  out->size = json_i32(json_member(value, "size"), 0);
  out->index = json_i64(json_member(value, "index"), 0);
  out->term = json_i64(json_member(value, "term"), 0);
  out->pos = json_i64(json_member(value, "pos"), 0);
  out->channel = json_i32(json_member(value, "channel"), 0);
  out->chain_crc = json_i32(json_member(value, "chainCrc"), 0);
  out->body_crc = json_i32(json_member(value, "bodyCrc"), 0);
  return read_bytes(r, json_member(value, "body"), &out->body);
}

/* Zeroed places for the children of a list; at least one, so that an empty list is not null. */
static enum status places(struct reading *r, const struct json *value, enum json_kind kind, size_t size, void **out) {
  if (value->kind != kind) return refuse(r, "a list is none");
  if (value->child_count > DL_LIST_MAX) {
    r->why = "a list is too long";
    return STATUS_LIMIT;
  }
  *out = arena_zalloc(r->arena, value->child_count + 1, size);
  return *out == NULL ? no_memory(r) : STATUS_OK;
}

static enum status read_entries(struct reading *r, const struct json *value) {
  void *place;
  r->m->entries = NULL;
  r->m->entry_count = 0;
  enum status status = places(r, value, JSON_ARRAY, sizeof(struct entry), &place);
  if (status != STATUS_OK) return status;
  struct entry *entries = place;
  for (const struct json *item = value->children; item != NULL && status == STATUS_OK; item = item->next)
    if (item->kind != JSON_NULL) status = read_entry(r, item, &entries[r->m->entry_count++]);
  r->m->entries = entries;
  return status;
}

static enum status read_index_list(struct reading *r, const struct json *value) {
  void *place;
  enum status status = places(r, value, JSON_ARRAY, sizeof(int64_t), &place);
  if (status != STATUS_OK) return status;
  int64_t *list = place;
  for (const struct json *item = value->children; item != NULL; item = item->next)
    list[r->m->index_count++] = json_i64(item, 0);
  r->m->index_list = list;
  return STATUS_OK;
}

static enum status read_peers(struct reading *r, const struct json *value) {
  void *place;
  enum status status = places(r, value, JSON_OBJECT, sizeof(struct dl_peer), &place);
  if (status != STATUS_OK) return status;
  struct dl_peer *peers = place;
  for (const struct json *item = value->children; item != NULL; item = item->next) {
    struct span id = json_text(item->key), address = json_text(item);
    if (id.ptr != NULL && address.ptr != NULL) peers[r->m->peer_count++] = (struct dl_peer){id, address};
  }
  r->m->peers = peers;
  return STATUS_OK;
}

static int read_enum(const struct json *root, const struct json *value, const struct dl_field *f,
                     const char *const *names, int count, int otherwise) {
  if (value == NULL) return says_null(root, f->name) ? -1 : otherwise;
  return json_enum(value, names, (size_t)count);
}

static enum status read_field(struct reading *r, const struct dl_field *f, const struct json *root) {
  struct dl_message *m = r->m;
  void *at = (uint8_t *)m + f->offset;
  const struct json *value = json_member(root, f->name);
  switch (f->type) {
  case DL_TEXT:
    *(struct span *)at = json_text(value);
    return STATUS_OK;
  case DL_FORMAT:
  case DL_I32:
    *(int32_t *)at = json_i32(value, *(int32_t *)at);
    return STATUS_OK;
  case DL_LONG:
  case DL_I64:
    *(int64_t *)at = json_i64(value, *(int64_t *)at);
    return STATUS_OK;
  case DL_BYTES:
    return read_bytes(r, value, at);
  case DL_VOTE_ENUM:
    m->vote_result = read_enum(root, value, f, dl_vote_results, DL_VOTE_RESULT_COUNT, DL_VOTE_UNKNOWN);
    return STATUS_OK;
  case DL_PUSH_ENUM:
    m->push_type = read_enum(root, value, f, dl_push_types, DL_PUSH_TYPE_COUNT, DL_PUSH_APPEND);
    return STATUS_OK;
  case DL_ENTRY:
    m->has_entry = value != NULL;
    return value == NULL ? STATUS_OK : read_entry(r, value, &m->entry);
  case DL_ENTRIES:
    return value == NULL ? STATUS_OK : read_entries(r, value);
  case DL_INDEX_LIST:
    return value == NULL ? STATUS_OK : read_index_list(r, value);
  case DL_PEERS:
    return value == NULL ? STATUS_OK : read_peers(r, value);
  }
  return STATUS_INVALID;
}

enum status dl_message_read(struct dl_message *m, enum dl_kind kind, struct span body, struct arena *arena,
                            const char **why) {
  static const struct json_limits limits = {DEPTH_MAX, ELEMENTS_MAX};
  struct reading r = {m, arena, NULL};
  struct json *root = NULL;
  dl_message_init(m, kind);
  *why = "the body is too large";
  if (body.len > DL_BODY_MAX) return STATUS_LIMIT;
  enum status status = json_parse(body, &limits, arena, &root, &r.why, NULL);
  if (status == STATUS_OK && root->kind != JSON_OBJECT) status = refuse(&r, "the body is not a JSON object");
  for (size_t i = 0; i < dl_field_count && status == STATUS_OK; i++)
    if (dl_field_is_of(&dl_fields[i], kind)) status = read_field(&r, &dl_fields[i], root);
  *why = r.why != NULL ? r.why : status_text(status);
  return status;
}
