/* SPDX-License-Identifier: Apache-2.0
 *
 * The stored record. Agrees with CommitLog.DefaultAppendMessageCallback (writing),
 * CommitLog.checkMessageAndReturnSize and MessageDecoder.decode (reading).
 */
#include "core/wire/message.h"

#include <assert.h>

enum {
  /* Offsets up to the born host are fixed. */
  SIZE_AT = 0,
  MAGIC_AT = 4,
  CRC_AT = 8,
  QUEUE_ID_AT = 12,
  FLAG_AT = 16,
  QUEUE_OFFSET_AT = 20,
  PHYSICAL_OFFSET_AT = 28,
  SYS_FLAG_AT = 36,
  BORN_MS_AT = 40,
  BORN_HOST_AT = 48,
  PORT_SIZE = 4,
  /* Everything but the two IPs and the three variable parts. */
  FIXED_SIZE = BORN_HOST_AT + PORT_SIZE + 8 + PORT_SIZE + 4 + 8 + 4 + 1 + 2,
  RECORD_SIZE_MIN = FIXED_SIZE + 4 + 4
};

size_t message_size(const struct message *m) {
  return FIXED_SIZE + m->born_host.ip_len + m->store_host.ip_len + m->body.len + m->topic.len + m->properties.len;
}

static uint8_t *put_host(uint8_t *p, const struct net_peer *host) {
  memcpy(p, host->ip, host->ip_len);
  put_u32(p + host->ip_len, host->port);
  return p + host->ip_len + PORT_SIZE;
}

static uint8_t *put_bytes(uint8_t *p, struct span s) {
  if (s.len > 0) memcpy(p, s.ptr, s.len);
  return p + s.len;
}

void message_encode(const struct message *m, uint8_t *out) {
  assert(m->born_host.ip_len == 4 || m->born_host.ip_len == 16);
  assert(m->store_host.ip_len == 4 || m->store_host.ip_len == 16);
  assert(m->topic.len <= TOPIC_LENGTH_MAX && m->properties.len <= PROPERTIES_LENGTH_MAX);
  size_t size = message_size(m);
  assert(size <= INT32_MAX);
  int32_t sys_flag = m->sys_flag & ~(SYS_BORN_HOST_V6 | SYS_STORE_HOST_V6);
  if (m->born_host.ip_len == 16) sys_flag |= SYS_BORN_HOST_V6;
  if (m->store_host.ip_len == 16) sys_flag |= SYS_STORE_HOST_V6;
  put_u32(out + SIZE_AT, (uint32_t)size);
  put_u32(out + MAGIC_AT, MESSAGE_MAGIC);
  put_i32(out + CRC_AT, body_crc32(m->body));
  put_i32(out + QUEUE_ID_AT, m->queue_id);
  put_i32(out + FLAG_AT, m->flag);
  put_i64(out + QUEUE_OFFSET_AT, m->queue_offset);
  put_i64(out + PHYSICAL_OFFSET_AT, m->physical_offset);
  put_i32(out + SYS_FLAG_AT, sys_flag);
  put_i64(out + BORN_MS_AT, m->born_ms);
  uint8_t *p = put_host(out + BORN_HOST_AT, &m->born_host);
  put_i64(p, m->store_ms);
  p = put_host(p + 8, &m->store_host);
  put_i32(p, m->reconsume_times);
  put_i64(p + 4, m->prepared_offset);
  put_u32(p + 12, (uint32_t)m->body.len);
  p = put_bytes(p + 16, m->body);
  *p = (uint8_t)m->topic.len;
  p = put_bytes(p + 1, m->topic);
  put_u16(p, (uint16_t)m->properties.len);
  p = put_bytes(p + 2, m->properties);
  assert(p == out + size);
}

static const uint8_t *get_host(const uint8_t *p, bool v6, struct net_peer *host) {
  *host = (struct net_peer){.ip_len = v6 ? 16 : 4};
  memcpy(host->ip, p, host->ip_len);
  host->port = (uint16_t)get_u32(p + host->ip_len);
  return p + host->ip_len + PORT_SIZE;
}

/* Takes `length` bytes at *p, if they and `behind` more lie before end. */
static bool get_bytes(const uint8_t **p, const uint8_t *end, int32_t length, size_t behind, struct span *out) {
  size_t left = (size_t)(end - *p);
  if (length < 0 || left < behind || (size_t)length > left - behind) return false;
  *out = span_of(*p, (size_t)length);
  *p += length;
  return true;
}

/* Body, topic and properties must fill the rest exactly. */
static bool get_tail(const uint8_t *p, const uint8_t *end, struct message *m) {
  int32_t length = get_i32(p);
  p += 4;
  if (!get_bytes(&p, end, length, 3, &m->body)) return false;
  length = *p++;
  if (length > TOPIC_LENGTH_MAX || !get_bytes(&p, end, length, 2, &m->topic)) return false;
  length = get_i16(p);
  p += 2;
  return get_bytes(&p, end, length, 0, &m->properties) && p == end;
}

static bool decode_fields(struct span record, struct message *m) {
  const uint8_t *r = record.ptr;
  m->body_crc = get_i32(r + CRC_AT);
  m->queue_id = get_i32(r + QUEUE_ID_AT);
  m->flag = get_i32(r + FLAG_AT);
  m->queue_offset = get_i64(r + QUEUE_OFFSET_AT);
  m->physical_offset = get_i64(r + PHYSICAL_OFFSET_AT);
  m->sys_flag = get_i32(r + SYS_FLAG_AT);
  m->born_ms = get_i64(r + BORN_MS_AT);
  bool born_v6 = (m->sys_flag & SYS_BORN_HOST_V6) != 0, store_v6 = (m->sys_flag & SYS_STORE_HOST_V6) != 0;
  if (record.len < FIXED_SIZE + (born_v6 ? 16u : 4u) + (store_v6 ? 16u : 4u)) return false;
  const uint8_t *p = get_host(r + BORN_HOST_AT, born_v6, &m->born_host);
  m->store_ms = get_i64(p);
  p = get_host(p + 8, store_v6, &m->store_host);
  m->reconsume_times = get_i32(p);
  m->prepared_offset = get_i64(p + 4);
  return get_tail(p + 12, r + record.len, m);
}

enum status message_decode(struct span input, bool check_crc, struct message *out, size_t *size) {
  *size = 0;
  if (input.len < BLANK_SIZE_MIN) return STATUS_AGAIN;
  uint32_t total = get_u32(input.ptr + SIZE_AT), magic = get_u32(input.ptr + MAGIC_AT);
  if (magic == BLANK_MAGIC) {
    *size = total;
    return STATUS_NOT_FOUND;
  }
  if (magic != MESSAGE_MAGIC || total < RECORD_SIZE_MIN || total > INT32_MAX) return STATUS_INVALID;
  *size = total;
  if (input.len < total) return STATUS_AGAIN;
  if (!decode_fields(span_of(input.ptr, total), out)) return STATUS_CORRUPT;
  /* Java checks no CRC of an empty body. */
  if (check_crc && out->body.len > 0 && body_crc32(out->body) != out->body_crc) return STATUS_CORRUPT;
  return STATUS_OK;
}
