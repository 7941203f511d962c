/* SPDX-License-Identifier: Apache-2.0
 *
 * Names, the table of fields, and writing. Agrees with io.openmessaging.storage.dledger.protocol.* of 0.1 as
 * fastjson 1.2.62 writes them.
 */
#include "libdledger/message.h"
#include "core/wire/json.h"
#include "libdledger/base64.h"
#include "libdledger/message_parts.h"

#define BIT(kind) (1u << DL_##kind)
#define ALL ((1u << DL_KIND_COUNT) - 1)
#define FIELD(name, type, kinds, member) \
  { name, type, (uint16_t)(kinds), offsetof(struct dl_message, member) }

/* beginIndex is a Long in GET and a long in PUSH; the value tells: DL_NONE is null. */
const struct dl_field dl_fields[] = {
    FIELD("amnesia", DL_FORMAT, BIT(VOTE_REPLY) | BIT(HEART_BEAT_REPLY), amnesia),
    FIELD("batchFormat", DL_FORMAT,
          BIT(VOTE_REQUEST) | BIT(VOTE_REPLY) | BIT(HEART_BEAT_REQUEST) | BIT(HEART_BEAT_REPLY), batch_format),
    FIELD("beginIndex", DL_LONG, BIT(GET_REQUEST) | BIT(PUSH_REPLY), begin_index),
    FIELD("body", DL_BYTES, BIT(APPEND_REQUEST), body),
    FIELD("code", DL_I32, ALL, code),
    FIELD("commitIndex", DL_I64, BIT(PUSH_REQUEST), commit_index),
    FIELD("confirmed", DL_FORMAT, BIT(HEART_BEAT_REQUEST), confirmed),
    FIELD("endIndex", DL_I64, BIT(PUSH_REPLY), end_index),
    FIELD("entries", DL_ENTRIES, BIT(GET_REPLY), entries),
    FIELD("entry", DL_ENTRY, BIT(PUSH_REQUEST), entry),
    FIELD("group", DL_TEXT, ALL, group),
    FIELD("handOver", DL_FORMAT, BIT(VOTE_REQUEST) | BIT(HEART_BEAT_REQUEST), hand_over),
    FIELD("index", DL_LONG, BIT(APPEND_REPLY) | BIT(PUSH_REPLY), index),
    FIELD("indexList", DL_INDEX_LIST, BIT(GET_REQUEST), index_list),
    FIELD("leaderEndIndex", DL_LONG, BIT(HEART_BEAT_REQUEST), leader_end_index),
    FIELD("leaderId", DL_TEXT, ALL, leader_id),
    FIELD("ledgerEndIndex", DL_I64, BIT(VOTE_REQUEST), ledger_end_index),
    FIELD("ledgerEndTerm", DL_I64, BIT(VOTE_REQUEST), ledger_end_term),
    FIELD("localId", DL_TEXT, ALL, local_id),
    FIELD("maxSize", DL_I32, BIT(GET_REQUEST), max_size),
    FIELD("peers", DL_PEERS, BIT(METADATA_REPLY), peers),
    FIELD("pos", DL_I64, BIT(APPEND_REPLY), pos),
    FIELD("preVote", DL_FORMAT, BIT(VOTE_REQUEST) | BIT(VOTE_REPLY), pre_vote),
    FIELD("remoteId", DL_TEXT, ALL, remote_id),
    FIELD("term", DL_I64, ALL, term),
    FIELD("type", DL_PUSH_ENUM, BIT(PUSH_REQUEST), push_type),
    FIELD("voteResult", DL_VOTE_ENUM, BIT(VOTE_REPLY), vote_result),
};
const size_t dl_field_count = sizeof dl_fields / sizeof *dl_fields;

const char *const dl_vote_results[DL_VOTE_RESULT_COUNT] = {
#define X(name) #name,
    DL_VOTE_RESULTS(X)
#undef X
};
const char *const dl_push_types[DL_PUSH_TYPE_COUNT] = {"APPEND", "COMMIT", "COMPARE", "TRUNCATE"};

const char *dl_vote_result_name(int result) {
  return result < 0 || result >= DL_VOTE_RESULT_COUNT ? "?" : dl_vote_results[result];
}

const char *dl_push_type_name(int type) { return type < 0 || type >= DL_PUSH_TYPE_COUNT ? "?" : dl_push_types[type]; }

const char *dl_code_name(int32_t code) {
  switch (code) {
#define X(number, name) \
  case number:          \
    return #name;
    DL_CODES(X)
#undef X
  default:
    return "?";
  }
}

static const int32_t request_codes[DL_KIND_COUNT] = {
    [DL_METADATA_REQUEST] = DL_METADATA, [DL_APPEND_REQUEST] = DL_APPEND,         [DL_GET_REQUEST] = DL_GET,
    [DL_VOTE_REQUEST] = DL_VOTE,         [DL_HEART_BEAT_REQUEST] = DL_HEART_BEAT, [DL_PUSH_REQUEST] = DL_PUSH};

bool dl_kinds_of(int32_t code, enum dl_kind *request, enum dl_kind *reply) {
  for (int kind = 0; kind < DL_KIND_COUNT; kind += 2) {
    if (request_codes[kind] != code) continue;
    *request = (enum dl_kind)kind;
    *reply = (enum dl_kind)(kind + 1);
    return true;
  }
  return false;
}

void dl_message_init(struct dl_message *m, enum dl_kind kind) {
  static const struct entry none[1];
  *m = (struct dl_message){.kind = kind,
                           .code = DL_CODE_SUCCESS,
                           .term = -1,
                           .ledger_end_index = -1,
                           .ledger_end_term = -1,
                           .commit_index = -1,
                           .pos = -1,
                           .leader_end_index = DL_NONE,
                           .index = kind == DL_APPEND_REPLY ? -1 : DL_NONE,
                           .begin_index = kind == DL_GET_REQUEST ? DL_NONE : 0,
                           .entries = kind == DL_GET_REPLY ? none : NULL};
}

/* ---- writing ---- */

static void put_bytes(struct json_writer *w, const char *name, struct span bytes) {
  if (bytes.ptr == NULL) return;
  json_key(w, name);
  json_put_raw(w, SPAN_LITERAL("\""));
  base64_put(w->out, bytes);
  buf_put_u8(w->out, '"');
}

static void put_number(struct json_writer *w, const char *name, int64_t v) {
  json_key(w, name);
  json_put_int(w, v);
}

static void put_entry(struct json_writer *w, const struct entry *e) {
  json_open_object(w);
  put_bytes(w, "body", e->body);
  put_number(w, "bodyCrc", e->body_crc);
  put_number(w, "chainCrc", e->chain_crc);
  put_number(w, "channel", e->channel);
  put_number(w, "index", e->index);
  put_number(w, "magic", e->magic);
  put_number(w, "pos", e->pos);
  put_number(w, "size", e->size);
  put_number(w, "term", e->term);
  json_close_object(w);
}

static void put_entries(struct json_writer *w, const char *name, const struct dl_message *m) {
  if (m->entries == NULL) return;
  json_key(w, name);
  json_open_array(w);
  for (size_t i = 0; i < m->entry_count; i++) put_entry(w, &m->entries[i]);
  json_close_array(w);
}

static void put_index_list(struct json_writer *w, const char *name, const struct dl_message *m) {
  if (m->index_list == NULL) return;
  json_key(w, name);
  json_open_array(w);
  for (size_t i = 0; i < m->index_count; i++) json_put_int(w, m->index_list[i]);
  json_close_array(w);
}

static void put_peers(struct json_writer *w, const char *name, const struct dl_message *m) {
  if (m->peers == NULL) return;
  json_key(w, name);
  json_open_object(w);
  for (size_t i = 0; i < m->peer_count; i++) {
    json_key_span(w, m->peers[i].id);
    json_put_span(w, m->peers[i].address);
  }
  json_close_object(w);
}

static void put_name(struct json_writer *w, const char *name, const char *const *names, int count, int value) {
  if (value < 0 || value >= count) return;
  json_key(w, name);
  json_put_text(w, names[value]);
}

static void put_text(struct json_writer *w, const char *name, struct span text) {
  if (text.ptr == NULL) return;
  json_key(w, name);
  json_put_span(w, text);
}

static void put_field(struct json_writer *w, const struct dl_field *f, const struct dl_message *m) {
  const void *at = (const uint8_t *)m + f->offset;
  switch (f->type) {
  case DL_TEXT:
    put_text(w, f->name, *(const struct span *)at);
    break;
  case DL_I32:
    put_number(w, f->name, *(const int32_t *)at);
    break;
  case DL_I64:
    put_number(w, f->name, *(const int64_t *)at);
    break;
  case DL_LONG:
    if (*(const int64_t *)at != DL_NONE) put_number(w, f->name, *(const int64_t *)at);
    break;
  case DL_FORMAT:
    if (*(const int32_t *)at != 0) put_number(w, f->name, *(const int32_t *)at);
    break;
  case DL_BYTES:
    put_bytes(w, f->name, *(const struct span *)at);
    break;
  case DL_VOTE_ENUM:
    put_name(w, f->name, dl_vote_results, DL_VOTE_RESULT_COUNT, m->vote_result);
    break;
  case DL_PUSH_ENUM:
    put_name(w, f->name, dl_push_types, DL_PUSH_TYPE_COUNT, m->push_type);
    break;
  case DL_ENTRY:
    if (!m->has_entry) break;
    json_key(w, f->name);
    put_entry(w, &m->entry);
    break;
  case DL_ENTRIES:
    put_entries(w, f->name, m);
    break;
  case DL_INDEX_LIST:
    put_index_list(w, f->name, m);
    break;
  case DL_PEERS:
    put_peers(w, f->name, m);
    break;
  }
}

void dl_message_write(struct buf *out, const struct dl_message *m) {
  struct json_writer w;
  json_writer_init(&w, out, false);
  json_open_object(&w);
  for (size_t i = 0; i < dl_field_count; i++)
    if (dl_field_is_of(&dl_fields[i], m->kind)) put_field(&w, &dl_fields[i], m);
  json_close_object(&w);
}

/* ---- frames ---- */

/* The body is written behind the header, whose length word is corrected then: a body of megabytes is not copied. */
static size_t frame(struct buf *out, const struct dl_message *m, struct command *c) {
  size_t start = out->len;
  c->language = LANGUAGE_JAVA;
  c->version = MQ_VERSION_4_7_0;
  size_t header = command_encode(out, c, NULL, NULL, false, 0);
  if (header == 0) return 0;
  dl_message_write(out, m);
  if (out->failed) return 0;
  put_u32(out->ptr + start, (uint32_t)(out->len - start - 4));
  return out->len - start;
}

size_t dl_request_frame(struct buf *out, const struct dl_message *m, int32_t opaque, enum serialize form) {
  struct command c = {.code = request_codes[m->kind], .opaque = opaque, .serialize = form};
  return frame(out, m, &c);
}

size_t dl_reply_frame(struct buf *out, const struct dl_message *m, int32_t opaque, enum serialize form) {
  struct command c = {.code = DL_RESPONSE_CODE, .opaque = opaque, .flag = COMMAND_RESPONSE, .serialize = form};
  return frame(out, m, &c);
}
