/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages and units for people and for programs.
 */
#include "tools/mqstore/tool.h"

#include "core/base/utf8.h"

#include <inttypes.h>

#define PLAIN_BODY_MAX (64u << 20) /* uncompressed */

void show_hex(struct buf *out, struct span bytes) {
  static const char digits[] = "0123456789abcdef";
  uint8_t *p = buf_reserve(out, 2 * bytes.len);
  if (p == NULL) return;
  for (size_t i = 0; i < bytes.len; i++) {
    *p++ = (uint8_t)digits[bytes.ptr[i] >> 4];
    *p++ = (uint8_t)digits[bytes.ptr[i] & 15];
  }
  out->len += 2 * bytes.len;
}

void show_text(FILE *out, struct span text) {
  for (size_t i = 0; i < text.len;) {
    uint32_t c;
    size_t n = utf8_get(text.ptr + i, text.len - i, &c);
    if (c < ' ' || (c >= 0x7F && c < 0xA0) || (c == UTF8_REPLACEMENT && n < 3))
      for (size_t j = 0; j < n; j++) fprintf(out, "\\x%02x", text.ptr[i + j]);
    else fwrite(text.ptr + i, 1, n, out);
    i += n;
  }
}

static void json_hex(struct tool *t, const char *name, struct span bytes) {
  struct buf hex;
  buf_init(&hex, SIZE_MAX / 2);
  show_hex(&hex, bytes);
  if (bytes.len == 0) json_field_text(&t->w, name, "");
  else json_field_span(&t->w, name, buf_span(&hex));
  buf_fini(&hex);
}

/* The body as the producer had it; NULL span: it does not uncompress. */
static struct span plain_body(const struct message *m, struct buf *room) {
  if ((m->sys_flag & SYS_COMPRESSED) == 0) return m->body;
  return body_uncompress(m->body, room) == STATUS_OK ? buf_span(room) : SPAN_NONE;
}

static void json_body(struct tool *t, const struct message *m) {
  struct buf room;
  buf_init(&room, PLAIN_BODY_MAX);
  json_hex(t, "body", m->body);
  if ((m->sys_flag & SYS_COMPRESSED) != 0) {
    struct span plain = plain_body(m, &room);
    if (plain.ptr != NULL) json_hex(t, "plainBody", plain);
  }
  buf_fini(&room);
}

/* Later values of a name win, so each name is written once, with its last value. */
static void json_properties(struct tool *t, struct span properties) {
  struct span name, value, later_name, later_value;
  size_t at = 0;
  json_key(&t->w, "properties");
  json_open_object(&t->w);
  while (property_next(properties, &at, &name, &value)) {
    bool again = false;
    for (size_t after = at; !again && property_next(properties, &after, &later_name, &later_value);)
      again = span_equal(name, later_name);
    if (again) continue;
    json_key_span(&t->w, name);
    json_put_span(&t->w, value);
  }
  json_close_object(&t->w);
}

static void json_entry(struct tool *t, const struct log_item *item) {
  json_field_int(&t->w, "index", item->entry.index);
  json_field_int(&t->w, "term", item->entry.term);
  json_field_int(&t->w, "pos", item->entry.pos);
  json_field_int(&t->w, "entrySize", item->entry.size);
}

static void json_record(struct tool *t, const struct log_item *item) {
  const struct message *m = &item->message;
  char text[NET_PEER_TEXT_MAX], id[MESSAGE_ID_MAX];
  struct json_writer *w = &t->w;
  json_field_int(w, "commitLogOffset", item->record_offset);
  json_field_int(w, "storeSize", (int64_t)item->record.len);
  json_field_span(w, "topic", m->topic);
  json_field_int(w, "queueId", m->queue_id);
  json_field_int(w, "queueOffset", m->queue_offset);
  json_field_int(w, "flag", m->flag);
  json_field_int(w, "sysFlag", m->sys_flag);
  json_field_int(w, "bornTimestamp", m->born_ms);
  net_peer_text(&m->born_host, text);
  json_field_text(w, "bornHost", text);
  json_field_int(w, "storeTimestamp", m->store_ms);
  net_peer_text(&m->store_host, text);
  json_field_text(w, "storeHost", text);
  json_field_int(w, "reconsumeTimes", m->reconsume_times);
  json_field_int(w, "preparedTransactionOffset", m->prepared_offset);
  json_field_int(w, "bodyCRC", m->body_crc);
  message_id_text(&m->store_host, m->physical_offset, id);
  json_field_text(w, "offsetMsgId", id);
  json_field_int(w, "bodyLength", (int64_t)m->body.len);
  json_properties(t, m->properties);
  if (t->o.body) json_body(t, m);
}

static void text_body(struct tool *t, const struct message *m) {
  struct buf room;
  buf_init(&room, PLAIN_BODY_MAX);
  struct span plain = plain_body(m, &room);
  fputs("  body ", t->out);
  if (plain.ptr == NULL) fputs("(does not uncompress) ", t->out);
  show_text(t->out, plain.ptr == NULL ? m->body : plain);
  fputc('\n', t->out);
  buf_fini(&room);
}

static void text_flags(struct tool *t, const struct message *m) {
  static const char *const transaction[] = {"", ",prepared", ",commit", ",rollback"};
  if (m->sys_flag != 0)
    fprintf(t->out, " sysFlag=%" PRId32 "(%s%s%s)", m->sys_flag,
            (m->sys_flag & SYS_COMPRESSED) != 0 ? "compressed" : "plain",
            transaction[(m->sys_flag & SYS_TRANSACTION_MASK) >> 2],
            (m->sys_flag & (SYS_BORN_HOST_V6 | SYS_STORE_HOST_V6)) != 0 ? ",IPv6" : "");
  if (m->flag != 0) fprintf(t->out, " flag=%" PRId32, m->flag);
  if (m->reconsume_times != 0) fprintf(t->out, " reconsumeTimes=%" PRId32, m->reconsume_times);
  if (m->prepared_offset != 0) fprintf(t->out, " preparedOffset=%" PRId64, m->prepared_offset);
}

static void text_record(struct tool *t, const struct log_item *item) {
  const struct message *m = &item->message;
  char born[NET_PEER_TEXT_MAX], host[NET_PEER_TEXT_MAX], time[TIME_TEXT_MAX];
  net_peer_text(&m->born_host, born);
  net_peer_text(&m->store_host, host);
  if (item->source->dledger)
    fprintf(t->out, "entry %" PRId64 " term %" PRId64 ": ", item->entry.index, item->entry.term);
  fprintf(t->out, "%" PRId64 " ", item->record_offset);
  show_text(t->out, m->topic);
  fprintf(t->out, " %" PRId32 " @%" PRId64 " stored %s size=%zu body=%zu born=%s store=%s", m->queue_id,
          m->queue_offset, time_text(m->store_ms, time), item->record.len, m->body.len, born, host);
  text_flags(t, m);
  fputc('\n', t->out);
  struct span name, value;
  size_t at = 0;
  while (property_next(m->properties, &at, &name, &value)) {
    fputs("    ", t->out);
    show_text(t->out, name);
    fputc('=', t->out);
    show_text(t->out, value);
    fputc('\n', t->out);
  }
  if (t->o.body) text_body(t, m);
}

void show_record(struct tool *t, const struct log_item *item) {
  if (t->o.json) {
    tool_json_begin(t);
    if (item->source->dledger) json_entry(t, item);
    if (item->kind == LOG_RECORD) json_record(t, item);
    else if (t->o.body) json_hex(t, "body", item->record);
    tool_json_end(t);
  } else if (item->kind == LOG_RECORD) {
    text_record(t, item);
  } else {
    fprintf(t->out, "entry %" PRId64 " term %" PRId64 ": %zu bytes that are no message\n", item->entry.index,
            item->entry.term, item->record.len);
  }
}

static void text_unit(struct tool *t, const struct queue_unit *u, const struct ext_unit *ext, int64_t number) {
  fprintf(t->out, "%" PRId64 ": ", number);
  if (unit_is_blank(u)) {
    fputs("blank\n", t->out);
    return;
  }
  fprintf(t->out, "offset=%" PRId64 " size=%" PRId32, u->offset, u->size);
  if (ext == NULL) {
    fprintf(t->out, " tagsCode=%" PRId64 "\n", u->tags_code);
    return;
  }
  struct buf hex;
  buf_init(&hex, SIZE_MAX / 2);
  show_hex(&hex, ext->bit_map);
  fprintf(t->out, " ext=%016" PRIx64 " tagsCode=%" PRId64 " storeTimestamp=%" PRId64 " bitMap=%.*s\n",
          (uint64_t)ext->address, ext->tags_code, ext->store_ms, SPAN_ARG(buf_span(&hex)));
  buf_fini(&hex);
}

static void json_unit(struct tool *t, const struct queue_unit *u, const struct ext_unit *ext, int64_t number,
                      const struct log_item *item) {
  struct json_writer *w = &t->w;
  char address[17];
  tool_json_begin(t);
  json_field_int(w, "queueOffset", number);
  json_field_int(w, "commitLogOffset", u->offset);
  json_field_int(w, "size", u->size);
  json_field_int(w, "tagsCode", u->tags_code);
  if (unit_is_blank(u)) json_field_bool(w, "blank", true);
  if (ext != NULL) {
    snprintf(address, sizeof address, "%016" PRIx64, (uint64_t)ext->address);
    json_key(w, "ext");
    json_open_object(w);
    json_field_text(w, "address", address);
    json_field_int(w, "tagsCode", ext->tags_code);
    json_field_int(w, "msgStoreTime", ext->store_ms);
    json_hex(t, "bitMap", ext->bit_map);
    json_close_object(w);
  }
  if (item != NULL) {
    json_key(w, "record");
    json_open_object(w);
    json_record(t, item);
    json_close_object(w);
  }
  tool_json_end(t);
}

void show_unit(struct tool *t, struct storedir *s, const struct store_queue *q, int64_t number) {
  struct queue_unit u;
  struct ext_unit ext;
  struct log_item item;
  if (!queue_unit_at(q, number, &u)) return;
  bool has_ext = unit_has_ext(&u) && queue_ext_at(q, u.tags_code, &ext);
  bool readable = !unit_is_blank(&u) && log_record_at(&s->log, u.offset, &item);
  if (t->o.json) {
    json_unit(t, &u, has_ext ? &ext : NULL, number, readable ? &item : NULL);
    return;
  }
  text_unit(t, &u, has_ext ? &ext : NULL, number);
  if (unit_is_blank(&u)) return;
  fputs("  ", t->out);
  if (readable) show_record(t, &item);
  else fputs("no record there\n", t->out);
}
